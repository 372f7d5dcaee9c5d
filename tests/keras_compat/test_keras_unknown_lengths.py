"""Sequences of any length in Keras's words. Oracle: Keras, with the same weights."""

import numpy as np
import pytest

from glassnet import keras as ours
from glassnet.errors import ConfigError, DataError
from oracles import close, import_keras


def label_each_step(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            layers.SimpleRNN(4, return_sequences=True, input_shape=[None, 3]),
            layers.GRU(3, return_sequences=True),
            layers.Dense(2),
        ]
    )


def causal_stack(keras):
    layers = keras.layers
    model = keras.Sequential([keras.Input(shape=(None, 3))])
    for dilation in (1, 2, 4):
        model.add(layers.Conv1D(4, 2, padding="causal", dilation_rate=dilation, activation="tanh"))
    model.add(layers.Conv1D(2, 1))
    return model


def read_ids(keras):
    layers = keras.layers
    ids = keras.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(9, 4)(ids)
    x = layers.Conv1D(4, 3, padding="same", activation="tanh")(x)
    x = layers.MaxPooling1D(2)(x)
    return keras.Model(ids, layers.Dense(2)(layers.LSTM(3)(x)))


def make_rows(build, length, n=6):
    rng = np.random.default_rng(length)
    if build is read_ids:
        return rng.integers(9, size=(n, length)), rng.normal(size=(n, 2)).astype(np.float32)
    x, y = rng.normal(size=(n, length, 3)), rng.normal(size=(n, length, 2))
    return x.astype(np.float32), y.astype(np.float32)


@pytest.mark.live_keras
@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:Do not pass an .input_shape.", "ignore:__array__ implementation:DeprecationWarning"
)
@pytest.mark.parametrize("build", [label_each_step, causal_stack, read_ids])
def test_equals_keras_at_every_length(build):
    """Fitted to sequences of 6 steps, then used for others; the shapes are Keras's, too."""
    real = import_keras()
    theirs, mine = build(real), build(ours)
    assert mine.input_shape == theirs.input_shape
    assert mine.output_shape == theirs.output_shape
    mine.set_weights(theirs.get_weights())
    x, y = make_rows(build, 6)
    for model in (theirs, mine):
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=3, epochs=1, shuffle=False, verbose=0)
    for got, want in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        close(got, want, 1e-5)
    for length in (4, 9):
        x, y = make_rows(build, length)
        close(mine.predict(x, verbose=0), theirs.predict(x, verbose=0), 1e-5)
        close(mine.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0), 1e-5)


@pytest.mark.parametrize("option", ["input_shape", "batch_input_shape", "batch_shape"])
def test_options_of_the_first_layer(option):
    shape = [None, 1] if option == "input_shape" else (None, None, 1)
    model = ours.Sequential([ours.layers.LSTM(2, **{option: shape})])
    assert (model.input_shape, model.output_shape) == ((None, None, 1), (None, 2))
    front = ours.layers.InputLayer(input_shape=(None, 1))
    assert ours.Sequential([front, ours.layers.LSTM(2)]).input_shape == model.input_shape


def test_symbolic_shapes():
    ids = ours.Input((None,), dtype=np.int64)
    vectors = ours.layers.Embedding(9, 4)(ids)
    assert (ids.shape, ids.dtype) == ((None, None), "int64")
    assert vectors.shape == (None, None, 4)
    assert ours.layers.GlobalMaxPooling1D()(vectors).shape == (None, 4)
    both = ours.layers.Concatenate()([vectors, vectors])
    assert ours.Model(ids, both).predict(np.ones((2, 5)), verbose=0).shape == (2, 5, 8)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_texts(shape):
    text = ours.layers.TextVectorization(output_sequence_length=4)
    text.adapt(["a b c", "b d"])
    words = ours.Input(shape, dtype="string")
    assert (words.shape, words.dtype) == ((None, *shape), "string")
    vectors = ours.layers.Embedding(9, 2)(text(words))
    model = ours.Model(words, ours.layers.GlobalAveragePooling1D()(vectors))
    assert model.predict(np.array(["a b", "d"]), verbose=0).shape == (2, 2)


def test_whole_lengths_are_refused():
    flat = ours.layers.Flatten()(ours.Input((None, 3)))
    assert flat.shape == (None, None)
    with pytest.raises(ConfigError, match=r"dense: expected an input of known size, because .*"):
        ours.layers.Dense(2)(flat)


def test_types_of_inputs():
    expected = r"Input: expected dtype to be one of float32, string, .* Everything is float32"
    for dtype in ("float64", np.float16, "complex64"):
        with pytest.raises(ConfigError, match=expected):
            ours.Input((3,), dtype=dtype)


def without_input(keras):
    layers = keras.layers
    return keras.Sequential([layers.GRU(4), layers.Dense(2, activation="tanh")])


@pytest.mark.live_keras
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_model_without_input_runs_at_other_lengths_than_it_was_fitted_on():
    """Fitted on 6 steps, it predicts, evaluates and trains on 9 and 4, as in Keras."""
    real = import_keras()
    theirs, mine = without_input(real), without_input(ours)
    y = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    batches = {n: np.random.default_rng(n).normal(size=(5, n, 3)).astype(np.float32) for n in (6, 9, 4)}  # fmt: skip
    for model in (theirs, mine):
        model.compile("sgd", "mse")
        model.fit(batches[6], y, verbose=0)
    mine.set_weights(theirs.get_weights())
    for n in (9, 4, 6):
        close(mine.predict(batches[n], verbose=0), theirs.predict(batches[n], verbose=0))
        close(mine(batches[n]), theirs(batches[n]))
        close(mine.evaluate(batches[n], y, verbose=0), theirs.evaluate(batches[n], y, verbose=0))
    for model in (theirs, mine):
        model.fit(batches[9], y, epochs=2, shuffle=False, verbose=0)
    for their_weight, weight in zip(theirs.get_weights(), mine.get_weights(), strict=True):
        close(weight, their_weight, 1e-5)
    assert mine.input_shape == (None, None, 3)
    with pytest.raises(DataError, match=r"expected examples of shape \(None, 3\)"):
        mine.predict(np.zeros((2, 9, 4)), verbose=0)


def test_other_lengths_are_refused_if_weights_depend_on_them_or_input_declares_one():
    layers = ours.layers
    flat = ours.Sequential([layers.Flatten(), layers.Dense(1)])
    declared = ours.Sequential([ours.Input((6, 3)), layers.GRU(1)])
    for model in (flat, declared):
        model.compile("sgd", "mse")
        model.fit(np.zeros((4, 6, 3)), np.zeros(4), verbose=0)
        with pytest.raises(DataError, match=r"expected examples of shape \(6, 3\)"):
            model.predict(np.zeros((2, 9, 3)), verbose=0)
        assert model.input_shape == (None, 6, 3)
