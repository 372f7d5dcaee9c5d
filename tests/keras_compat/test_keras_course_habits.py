"""Habits of course notebooks: weights in the constructor, activations as objects.

Oracle: Keras itself (`live_keras`), or sizes and values that follow from the arrays here.
"""

from __future__ import annotations

import numpy as np
import pytest

import oracles
from glassnet import keras
from glassnet.errors import ConfigError

TABLE = np.arange(12, dtype="float32").reshape(4, 3)


def test_an_embedding_takes_its_table_as_weights():
    layer = keras.layers.Embedding(4, 3, weights=[TABLE], input_length=2, trainable=False)
    model = keras.Sequential([layer, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.array([[0, 1], [2, 3]]), np.zeros(2), verbose=0)
    assert np.array_equal(layer.get_weights()[0], TABLE)
    assert np.array_equal(layer(np.array([[3, 0]])).numpy(), TABLE[[[3, 0]]])


def test_models_share_an_embedding_with_a_table():
    layer = keras.layers.Embedding(4, 3, weights=[TABLE], name="table")
    one = keras.Input((1,))
    vectors = keras.Model(one, layer(one))
    rows = keras.Sequential([layer, keras.layers.Flatten()])
    rows.predict(np.array([[2]]), verbose=0)
    rows.set_weights([np.ones((4, 3))])
    assert np.array_equal(vectors.predict(np.array([[2]]), verbose=0), np.ones((1, 1, 3)))


@pytest.mark.parametrize("weights", [TABLE, [TABLE, TABLE]])
def test_an_embedding_refuses_other_weights(weights):
    with pytest.raises(ConfigError, match=r"(?s)a list of one matrix.*weights=\[matrix\]"):
        keras.layers.Embedding(4, 3, weights=weights)


def test_a_table_of_another_size_is_an_error():
    layer = keras.layers.Embedding(5, 3, weights=[TABLE])
    with pytest.raises(ConfigError, match=r"\(4, 3\)"):
        layer(np.array([[0]]))


@pytest.mark.live_keras
@pytest.mark.parametrize("name", [None, "relu", "softmax", "swish", "tanh"])
def test_the_activation_of_a_layer_is_a_function_as_in_keras(name):
    theirs = oracles.import_keras().layers.Dense(3, activation=name).activation
    mine = keras.layers.Dense(3, activation=name).activation
    x = np.array([[-1.0, 0.5, 2.0]], dtype="float32")
    assert mine.__name__ == theirs.__name__
    assert np.allclose(mine(x), np.asarray(theirs(x)), atol=1e-6)


def test_both_activations_of_a_recurrent_layer_are_functions():
    layer = keras.layers.LSTM(2)
    assert (layer.activation.__name__, layer.recurrent_activation.__name__) == ("tanh", "sigmoid")
    assert keras.layers.Activation("elu").activation.__name__ == "elu"


@pytest.mark.parametrize(
    "make",
    [
        lambda layer: keras.layers.Dense(3, activation=layer),
        lambda layer: keras.layers.Conv2D(3, 2, activation=layer),
        lambda layer: keras.activations.get(layer),
    ],
)
def test_a_layer_with_weights_is_no_activation(make):
    with pytest.raises(ConfigError, match=r"layer without weights.*PReLU\(\) as the next layer"):
        make(keras.layers.PReLU())
    make(keras.layers.LeakyReLU())


def test_the_axis_of_image_channels_may_be_counted_from_the_front():
    x = np.arange(24, dtype="float32").reshape(2, 2, 3, 2)
    front, back = (keras.layers.BatchNormalization(axis=axis)(x, training=True) for axis in (3, -1))
    assert np.array_equal(front, back)
    assert abs(front.mean((0, 1, 2))).max() < 1e-6
