"""Keras's objects in unusual calls: kinds of input, operators, and weights in calculations.

Oracles: Keras itself, NumPy, and the numbers before a change.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.oracles import import_keras

from glassnet import keras
from glassnet.errors import ConfigError, DataError

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@pytest.mark.live_keras
@pytest.mark.parametrize(
    ("name", "options", "x"),
    [
        ("Softmax", {}, np.array([1.0, 2.0, 1.0])),
        ("Activation", {"activation": "softmax"}, np.array([1.0, 2.0, 1.0])),
        ("LayerNormalization", {}, np.array([1.0, 2.0, 4.0])),
        ("Rescaling", {"scale": 0.5}, np.array(3.0)),
        ("Flatten", {}, np.array([1.0, 2.0])),
        ("ReLU", {}, np.array([-1, 2])),
    ],
)
def test_rows_without_a_batch_axis_give_keras_numbers(name, options, x):
    ours = getattr(keras.layers, name)(**options)(x)
    theirs = np.asarray(getattr(import_keras().layers, name)(**options)(x))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.live_keras
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concatenate_joins_arrays_along_any_axis(axis):
    a, b = np.ones((2, 2, 2), np.float32), np.zeros((2, 2, 2), np.float32)
    theirs = np.asarray(import_keras().layers.Concatenate(axis=axis)([a, b]))
    np.testing.assert_array_equal(keras.layers.Concatenate(axis=axis)([a, b]), theirs)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.ones(3), "array with a batch axis"),
        (2.0, "array with a batch axis"),
        (None, "rows of numbers"),
        ([[1, 2], [3]], "rows of numbers"),
        ({"a": 1}, "rows of numbers"),
        (np.array([["a", "b", "c"]]), "TextVectorization takes texts"),
        (np.ones((1, 3), complex), "rows of numbers"),
    ],
)
def test_a_layer_refuses_what_is_no_array_of_rows(x, words):
    with pytest.raises(DataError, match=words):
        keras.layers.Dense(2)(x)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(DataError, match=r"a mask of the shape \(1, 3\).*mask_shape=\(1, 2\)"):
        keras.layers.LSTM(2)(np.ones((1, 3, 2)), mask=np.ones((1, 2), bool))


def test_a_second_array_is_not_taken_for_training():
    with pytest.raises(ConfigError, match="one input, training and mask"):
        keras.layers.Dense(2)(X, X)


def test_models_and_merges_run_inside_compiled_functions_and_gradients():
    model = keras.Sequential([keras.layers.Dense(2, activation="tanh"), keras.layers.Dense(1)])
    model.build((None, 3))
    np.testing.assert_allclose(jax.jit(lambda x: model(x))(X), model(X), rtol=1e-5, atol=1e-6)
    gradient = jax.grad(lambda x: model(x).sum())(jnp.asarray(X))
    step = np.zeros_like(X)
    step[1, 2] = 1e-2
    numeric = (model(X + step).sum() - model(X - step).sum()) / 2e-2
    assert float(gradient[1, 2]) == pytest.approx(float(numeric), rel=1e-2)
    with pytest.raises(ConfigError, match=r"the shape of its input, \(None, 3\)"):
        jax.jit(lambda x: model(x))(np.ones((2, 4)))
    np.testing.assert_array_equal(jax.jit(lambda x: keras.layers.Add()([x, x]))(X), X + X)


@pytest.mark.live_keras
def test_operators_of_tensors_are_kerass():
    def build(k):
        x = inputs = k.Input((3,))
        x = (1 - x) * 2 - (-inputs) / 4 + np.float32(0.5) - 0.25
        return k.Model(inputs, k.layers.Activation("tanh")(x))

    ours, theirs = build(keras), build(import_keras())
    np.testing.assert_allclose(ours(X), np.asarray(theirs(X)), rtol=1e-5, atol=1e-6)
    kinds = [type(getattr(layer, "glassnet_layer", layer)).__name__ for layer in ours.layers]
    assert kinds == [type(layer).__name__.replace("InputLayer", "Input") for layer in theirs.layers]


@pytest.mark.parametrize(
    "operate",
    [
        lambda x: 1 / x,
        lambda x: x / x,
        lambda x: x**2,
        lambda x: x[:, 0],
        lambda x: x @ np.ones((3, 2)),
        lambda x: x > 0,
        abs,
    ],
)
def test_other_operators_of_tensors_say_what_works(operate):
    with pytest.raises(ConfigError, match="a calculation that is a layer"):
        operate(keras.Input((3,)))


def test_arrays_and_zero_are_refused_beside_a_tensor():
    x = keras.Input((3,))
    for value in (np.ones(3), [1, 2, 3], "a", None):
        with pytest.raises(ConfigError, match="a number or another KerasTensor"):
            x + value
    with pytest.raises(ConfigError, match="a number that is not 0"):
        x / 0
    with pytest.raises(ConfigError, match="Call the model on an array"):
        keras.ops.exp(x)


def test_an_unconnected_chain_and_an_output_that_is_the_input():
    inputs, side = keras.Input((3,)), keras.Input((5,))
    with pytest.raises(ConfigError, match=r"not in inputs: input_layer, of shape \(None, 5\)"):
        keras.Model(inputs, keras.layers.Dense(2)(side))
    model = keras.Model(inputs, inputs)
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)
    assert [layer.name for layer in model.layers] == ["input_layer"]


def test_a_list_of_one_tensor_is_that_tensor():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)([inputs]))
    assert model([inputs]).shape == (None, 2)


def test_weights_in_calculations():
    layer = keras.layers.Dense(1, kernel_initializer="ones")
    layer.build((None, 2))
    kernel = layer.kernel
    kernel += 1
    np.testing.assert_array_equal(kernel, [[2], [2]])
    np.testing.assert_array_equal(layer.kernel.numpy(), [[1], [1]])
    np.testing.assert_array_equal(jnp.array(layer.kernel), [[1], [1]])
    assert not bool(layer.bias)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(layer.kernel)


def test_settings_that_cannot_be_changed_say_what_to_write():
    layer = keras.layers.Dense(1)
    for name, words in {
        "name": "when you create the layer",
        "units": "when you create the layer",
        "kernel": "layer.kernel.assign",
        "trainabel": "trainable",
    }.items():
        with pytest.raises(ConfigError, match=words):
            setattr(layer, name, 3)


def test_a_layer_that_was_popped_keeps_its_weights():
    layer = keras.layers.Dense(3)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), layer])
    before = model.get_weights()
    assert model.pop() is layer
    layer.set_weights([2 * before[2], before[3]])
    np.testing.assert_array_equal(layer.get_weights()[0], 2 * before[2])
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_a_copy_of_a_model_does_not_undo_what_another_model_has_set():
    shared, other = keras.layers.Dense(3), keras.layers.Dense(3)
    first = keras.Sequential([keras.Input((3,)), shared])
    second = keras.Sequential([keras.Input((3,)), shared, other])
    first.get_weights()
    second.get_weights()
    shared.kernel.assign(np.full((3, 3), 7.0))
    keras.models.clone_model(second)
    np.testing.assert_array_equal(shared.kernel.numpy(), np.full((3, 3), 7.0))
    np.testing.assert_array_equal(second.get_weights()[0], np.full((3, 3), 7.0))


def test_a_layer_of_a_loaded_model_can_be_used_after_reset(tmp_path):
    model = keras.Sequential([keras.layers.Dense(2)])
    model(X)
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    layer = model.layers[0]
    layer.set_weights([np.ones((3, 2)), np.ones(2)])
    model.reset()
    assert not np.array_equal(layer.get_weights()[0], np.ones((3, 2)))
    np.testing.assert_array_equal(model.get_weights()[0], layer.get_weights()[0])


def test_a_clone_leaves_layers_frozen_that_were_frozen_just_before():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.get_weights()
    model.layers[0].trainable = False
    clone = keras.models.clone_model(model)
    clone.compile("sgd", "mse")
    before = clone.get_weights()
    clone.fit(X, X[:, :1], verbose=0)
    after = clone.get_weights()
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[2], before[2])
