"""`keras.Variable`, and weights of layers in `keras.ops`. Oracle: Keras on the same calls (5)."""

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ConfigError, DataError
from oracles import import_keras


@pytest.mark.live_keras
def test_own_numbers_are_keras_s():
    for k in (import_keras(), keras):
        whole = k.Variable(np.array([1, 2]))
        assert (str(whole.dtype), whole.shape) == ("int32", (2,))
        weights = k.Variable(initializer="ones", shape=(3, 2), name="w")
        assert (str(weights.dtype), weights.name, weights.path) == ("float32", "w", "w")
        product = k.ops.matmul(np.ones((4, 3), np.float32), weights) + k.Variable(
            np.float32([1, 2])
        )
        np.testing.assert_array_equal(np.asarray(product), [[4, 5]] * 4)
        weights.assign(weights - 0.25 * weights)
        weights.assign_add(np.ones((3, 2)))
        np.testing.assert_array_equal(np.asarray(weights), np.full((3, 2), 1.75))


def test_random_numbers_follow_the_seed():
    draws = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        draws.append([keras.Variable("uniform", shape=(50,)).numpy() for _ in range(2)])
    np.testing.assert_array_equal(draws[0], draws[1])
    assert np.abs(draws[0][0] - draws[0][1]).max() > 0.01
    assert 0.02 < draws[0][0].std() < 0.04  # uniform from -0.05 to 0.05: 0.029


def test_copies():
    start = np.zeros(2)
    variable = keras.Variable(start)
    start[0] = variable.numpy()[1] = 5
    assert variable.numpy().tolist() == [0, 0]


def test_errors():
    with pytest.raises(ConfigError, match="a shape for the initializer"):
        keras.Variable("zeros")
    with pytest.raises(DataError, match=r"numbers of shape \(2,\). Received: shape=\(3,\)"):
        keras.Variable([1.0, 2.0]).assign([1, 2, 3])


def test_the_kernel_of_a_layer_in_an_operation():
    layer = keras.layers.Dense(2, kernel_initializer="ones")
    layer.build((None, 3))
    assert float(keras.ops.sum(layer.kernel)) == 6
    assert keras.ops.transpose(layer.kernel).shape == (2, 3)
