"""Sequences whose number of steps is not known: Input((None, features)).

The oracles are the model of known length, one fit after another, and the number of compilations.
"""

import pickle

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.testing import compilations
from oracles import close

FEATURES = 3
LENGTHS = (6, 4, 6, 7, 5, 8)


def make_model(length=None, sequences=True, layers=None):
    default = [gn.layers.LSTM(4, return_sequences=sequences), gn.layers.Dense(2)]
    model = gn.Sequential([gn.layers.Input((length, FEATURES)), *(layers or default)], seed=0)
    model.compile("adam", "mse")
    return model


def make_rows(length, n=4, sequences=True, seed=0):
    rng = np.random.default_rng((seed, length))
    y = rng.normal(size=(n, length, 2) if sequences else (n, 2))
    return rng.normal(size=(n, length, FEATURES)).astype(np.float32), y.astype(np.float32)


@pytest.fixture(scope="module")
def both():
    """A model of unknown and one of known length, fitted to the same sequences."""
    models = make_model(), make_model(6)
    for model in models:
        model.fit(*make_rows(6, 12), epochs=2, batch_size=4, verbose=0, validation_split=0.25)
    return models


@pytest.fixture(scope="module")
def streams():
    """Batches of several lengths, a model that was fitted to them, and one fitted to each."""
    batches = [make_rows(length) for length in LENGTHS]
    model, one_by_one = make_model(), make_model()
    with compilations() as compiled:
        model.fit(batches, epochs=2, verbose=0, validation_data=batches[:3])
    programs = len([name for name in compiled if "run_steps" in name])
    for x, y in batches * 2:
        one_by_one.fit(x, y, batch_size="full", epochs=1, verbose=0)
    return model, one_by_one, programs, batches


def test_equals_the_model_of_known_length(both):
    unknown, known = both
    for got, want in zip(unknown.get_weights(), known.get_weights(), strict=True):
        assert np.array_equal(got, want)
    assert unknown.history.history == known.history.history


def test_shapes(both):
    model, _ = both
    lines = []
    model.summary(lines.append)
    assert "(None, 4)" in lines[0]
    assert "input (None, 3)" in lines[0]
    assert (model.input_shape, model.layers[-1].output_shape) == ((None, 3), (None, 2))
    drawing = gn.inspection.network_drawing(model)
    assert "lstm_1, LSTM, tanh, (None, 4)" in str(drawing)


@pytest.mark.parametrize("length", [1, 5, 9])
def test_predicts_other_lengths(both, length):
    model, _ = both
    x, y = make_rows(length)
    known = make_model(length)
    known.set_weights(model.get_weights())
    close(model.predict(x), known.predict(x))
    close(model.evaluate(x, y, verbose=0), known.evaluate(x, y, verbose=0))


def test_few_programs_for_many_lengths(both):
    model, _ = both
    with compilations() as compiled:
        for length in range(17, 33):
            assert model.predict(make_rows(length)[0]).shape == (4, length, 2)
    assert len([name for name in compiled if "infer" in name]) == 2  # of 24 and 32 steps


def test_trace(both):
    model, _ = both
    x, y = make_rows(5)
    trace = model.trace(x, y)
    assert trace.output.shape == (4, 5, 2)
    close(trace.output, model.predict(x))


def test_views_of_rows(both):
    model, _ = both
    x, y = make_rows(5)
    assert model.take_snapshot(x, y).network.shapes[-1] == (5, 2)
    assert model.take_snapshot().network.shapes[-1] == (None, 2)
    maps = gn.inspection.feature_maps(model, x[0])
    assert maps.outputs["lstm_1"].shape == (5, 4)


def test_saved_and_pickled(both, tmp_path):
    model, _ = both
    model.save(tmp_path / "model.glassnet")
    x, _ = make_rows(7)
    for copy in (gn.load(tmp_path / "model.glassnet"), pickle.loads(pickle.dumps(model))):
        assert copy.input_shape == (None, FEATURES)
        assert np.array_equal(copy.predict(x), model.predict(x))


def test_saved_before_it_is_built(tmp_path):
    make_model().save(tmp_path / "model.glassnet")
    assert gn.load(tmp_path / "model.glassnet").predict(make_rows(5)[0]).shape == (4, 5, 2)


def test_batches_of_several_lengths(streams):
    """Padded to 6 (the first), 4, 8 and, with a mask, 6 steps; each step as in a fit of its own."""
    model, one_by_one, programs, _ = streams
    assert programs == 4
    for got, want in zip(model.get_weights(), one_by_one.get_weights(), strict=True):
        close(got, want)


def test_scores_of_several_lengths(streams):
    model, _, _, batches = streams
    losses = [model.evaluate(x, y, verbose=0) for x, y in batches]
    weights = [x.shape[1] for x, _ in batches]
    close(model.evaluate(batches, verbose=0), np.average(losses, weights=weights))
    want = np.average(losses[:3], weights=weights[:3])
    close(model.history.history["val_loss"][-1], want)


def test_predictions_of_several_lengths(streams):
    model, _, _, batches = streams
    expected = r"predict: expected outputs of one length, to put them into one array\. .* Call "
    with pytest.raises(DataError, match=expected):
        model.predict(iter([x for x, _ in batches]))
    last = make_model(sequences=False)
    parts = [last.predict(x) for x, _ in batches]
    assert np.array_equal(last.predict(iter([x for x, _ in batches])), np.concatenate(parts))


def test_resumed(streams, tmp_path):
    *_, batches = streams
    resumed, straight = make_model(), make_model()
    for epochs in (1, 2):
        resumed.fit(batches, epochs=epochs, verbose=0, resume=tmp_path)
    straight.fit(batches, epochs=2, verbose=0)
    for got, want in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        assert np.array_equal(got, want)


def test_windows_are_not_padded():
    """A convolution of each length has its own program, and equals fits one by one."""
    layers = [
        gn.layers.Conv1D(2, 3, padding="same", activation="relu"),
        gn.layers.GlobalAveragePooling1D(),
        gn.layers.Dense(2),
    ]
    batches = [make_rows(length, sequences=False) for length in (6, 5, 6, 5)]
    model, one_by_one = make_model(layers=layers), make_model(layers=layers)
    with compilations() as compiled:
        model.fit(batches, epochs=1, verbose=0)
    assert len([name for name in compiled if "run_steps" in name]) == 2
    for x, y in batches:
        one_by_one.fit(x, y, batch_size="full", epochs=1, verbose=0)
    for got, want in zip(model.get_weights(), one_by_one.get_weights(), strict=True):
        close(got, want)


def test_ids_and_classes_of_each_step():
    """Class ids of each step lack the axis of the outputs."""
    layers = [gn.layers.Embedding(9, 3), gn.layers.Dense(4, activation="softmax")]
    model = gn.Sequential([gn.layers.Input((None,)), *layers], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    rng = np.random.default_rng(0)
    batches = [(rng.integers(9, size=(2, n)), rng.integers(4, size=(2, n))) for n in (4, 5)]
    model.fit(batches, epochs=1, verbose=0)
    _, accuracy = model.evaluate(batches, verbose=0)
    right = [model.predict(x).argmax(-1) == y for x, y in batches]
    assert accuracy == pytest.approx(np.concatenate([each.ravel() for each in right]).mean())


def test_images_of_any_size():
    layers = [
        gn.layers.Input((None, None, 3)),
        gn.layers.Conv2D(2, 3),
        gn.layers.GlobalMaxPooling2D(),
    ]
    model = gn.Sequential(layers, seed=0)
    x = np.random.default_rng(0).random((2, 9, 7, 3), np.float32)
    assert model.layers[0].output_shape == (None, None, 2)
    known = gn.Sequential([gn.layers.Input((9, 7, 3)), *layers[1:]], seed=0)
    close(model.predict(x), known.predict(x))


REFUSED = {
    "dense_1: expected an input of known size, because the shape of its weights depends on it. "
    "Received: input_shape=(None,). Put GlobalAveragePooling1D() or GlobalMaxPooling1D() before "
    "it, or write all sizes in Input.": [gn.layers.Flatten(), gn.layers.Dense(2)],
    "prelu_1: expected an input of known size": [gn.layers.PReLU()],
    "dense_1: expected an input of known size, because the shape of its weights depends on it. "
    "Received: input_shape=(3, None).": [gn.layers.Permute((2, 1)), gn.layers.Dense(2)],
    "Received: input_shape=(60, 3). Put Reshape((60, 3, 1)) before it. 60 stands for an unknown "
    "size, which is -1 in Reshape.": [gn.layers.Conv2D(2, 3)],
    "reshape_1: expected an input shape that it accepts. Received: input_shape=(60, 3).": [
        gn.layers.Reshape((7, 3))
    ],
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused_layers(text):
    with pytest.raises(ConfigError) as caught:
        make_model(layers=REFUSED[text]).summary()
    assert text in str(caught.value)


def test_refused_rows(both):
    model, _ = both
    x, y = make_rows(5)
    expected = r"x: expected examples of shape \(None, 3\)\. Received: shape=\(5, 3\)\. .*x\[None\]"
    with pytest.raises(DataError, match=expected):
        model.predict(x[0])
    with pytest.raises(DataError, match=r"shape=\(4, 5, 2\)\. None stands for any size\."):
        model.predict(x[..., :2])
    with pytest.raises(DataError, match=r"y: expected targets of the output's shape \(4, 5, 2\)"):
        model.evaluate(x, y[:, :4])
    flat = gn.Sequential([gn.layers.Input((None, 1)), gn.layers.LSTM(2)], seed=0)
    with pytest.raises(
        DataError, match=r"Only the axis of the features is missing: pass x\[\.\.\."
    ):
        flat.predict(x[..., 0])


def test_known_lengths_say_how_to_leave_them_open(both):
    _, known = both
    expected = r"begin the network with Input\(\(None, 3\)\)\."
    with pytest.raises(DataError, match=expected):
        known.predict(make_rows(5)[0])


def test_too_few_steps():
    windows = make_model(layers=[gn.layers.Conv1D(2, 4), gn.layers.GlobalMaxPooling1D()])
    expected = (
        r"conv1d_1: expected sequences that are long enough for its windows\. "
        r"Received: input_shape=\(3, 3\)"
    )
    with pytest.raises(DataError, match=expected):
        windows.predict(make_rows(3)[0])


def test_long_windows():
    """A stand-in of 60 steps is too short for these convolutions, which see 65 steps."""
    layers = [gn.layers.Conv1D(2, 2, dilation_rate=2**i) for i in range(7)]
    model = make_model(layers=layers)
    assert model.layers[-1].output_shape == (None, 2)
    assert model.predict(make_rows(130)[0]).shape == (4, 3, 2)
