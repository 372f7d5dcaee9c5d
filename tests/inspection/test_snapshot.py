"""Snapshots: the rows and names that views read, of every kind of data. Oracle: what fit and
predict use (6).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import DataError, DataWarning
from glassnet.layers import Dense, Flatten

TABLE = pd.DataFrame(
    {
        "age": [20.0, 30.0, 40.0, 50.0, 60.0, 25.0],
        "town": ["a", "b", "a", "b", "a", "b"],
        "bought": ["no", "yes", "no", "yes", None, "no"],
    }
)


@pytest.fixture(scope="module")
def table_model():
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(TABLE, target="bought", epochs=1, verbose=0)
    return model


def array_model():
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_arrays_with_targets():
    model, x = array_model(), np.arange(8, dtype=np.float32).reshape(4, 2)
    snapshot = model.take_snapshot(x, [0, 1, 2, 1], [1.0, 2.0, 1.0, 1.0])
    np.testing.assert_array_equal(snapshot.x, x)
    np.testing.assert_array_equal(snapshot.y, [0, 1, 2, 1])
    np.testing.assert_array_equal(snapshot.weight, [1, 2, 1, 1])
    assert snapshot.class_names == ("0", "1", "2")
    assert snapshot.feature_names == ("x1", "x2")
    assert snapshot.note == " (untrained)"
    np.testing.assert_array_equal(snapshot.compute_outputs(x), model.predict(x))


def test_rows_without_targets():
    snapshot = array_model().take_snapshot([[1.0, 2.0]])
    assert snapshot.y is None
    np.testing.assert_array_equal(snapshot.x, [[1.0, 2.0]])


def test_a_table_keeps_its_columns_and_leaves_out_rows_without_a_target(table_model):
    with pytest.warns(DataWarning, match="rows: left out 1 of 6 rows without a target"):
        snapshot = table_model.take_snapshot(TABLE)
    assert len(snapshot.x) == len(snapshot.y) == len(snapshot.table) == 5
    np.testing.assert_array_equal(snapshot.table["age"], [20, 30, 40, 50, 25])
    np.testing.assert_array_equal(snapshot.y.ravel(), [0, 1, 0, 1, 0])
    np.testing.assert_array_equal(snapshot.encode(snapshot.table), snapshot.x)
    assert snapshot.class_names == ("no", "yes")
    assert snapshot.target_name == "bought"
    probabilities = snapshot.to_probabilities(snapshot.compute_outputs(snapshot.x))
    np.testing.assert_allclose(
        probabilities[:, 1:], table_model.predict(TABLE.drop(index=4)), atol=1e-7
    )
    assert snapshot.note == ""


def test_a_table_without_its_target_column(table_model):
    snapshot = table_model.take_snapshot(TABLE.drop(columns="bought"))
    assert snapshot.y is None
    assert len(snapshot.table) == 6


def test_rows_that_equal_training_rows_are_marked(table_model):
    rows = TABLE.drop(index=4).assign(age=[20.0, 31.0, 40.0, 51.0, 25.0])
    expected = [True, False, True, False, True]
    np.testing.assert_array_equal(table_model.is_training_row(rows), expected)
    np.testing.assert_array_equal(table_model.take_snapshot(rows).in_training, expected)
    batches = [(np.zeros((3, 2), np.float32), np.array([0, 1, 2]))]
    assert array_model().take_snapshot(batches).in_training is None


def test_a_series_is_decoded_to_its_own_units():
    """Oracle: the series itself, and its last season for an output of 0."""
    values = np.arange(24.0) ** 2 + np.tile([0.0, 5.0], 12)
    series = gn.data.series({"sold": values}, "sold", length=4, horizon=2, season=2)
    model = gn.Sequential([Flatten(), Dense(2)], seed=0)
    model.fit(series, epochs=1, verbose=0)
    snapshot = model.take_snapshot(series)
    expected = np.lib.stride_tricks.sliding_window_view(values[6:], 2)
    np.testing.assert_allclose(snapshot.decode_outputs(snapshot.y), expected, rtol=1e-6)
    outputs = snapshot.compute_outputs(snapshot.x)
    predicted = model.predict(series)[: len(outputs)]
    np.testing.assert_array_equal(snapshot.decode_outputs(outputs), predicted)
    naive = snapshot.decode_outputs(np.zeros_like(outputs))
    season = np.lib.stride_tricks.sliding_window_view(values[4:], 2)[: len(naive)]
    np.testing.assert_allclose(naive, season, rtol=1e-6)


def test_images_are_told_from_other_arrays():
    """Images have channels, or are flattened; a sequence of steps is neither."""

    def shows_images(layers, shape):
        model = gn.Sequential([gn.layers.Input(shape), *layers, Dense(1)], seed=0)
        return model.take_snapshot().shows_images

    assert shows_images([Flatten()], (8, 8))
    assert shows_images([Flatten()], (8, 8, 3))
    assert not shows_images([gn.layers.LSTM(2)], (8, 8))
    assert not shows_images([Flatten()], (12, 1))
    assert not shows_images([], (64,))


def test_batches_are_read_to_the_end():
    model = array_model()
    batches = [(np.full((3, 2), k, np.float32), np.array([0, 1, 2])) for k in range(4)]
    snapshot = model.take_snapshot(batches)
    np.testing.assert_array_equal(snapshot.x[:, 0], np.repeat(np.arange(4), 3))
    np.testing.assert_array_equal(snapshot.y.ravel(), [0, 1, 2] * 4)
    features = model.take_snapshot(batches, targets="none")
    np.testing.assert_array_equal(features.x, snapshot.x)


def test_images_and_the_keras_layout():
    pixels, codes = np.zeros((4, 2, 2, 1), np.uint8), np.array([0, 1, 1, 0])
    files = tuple(Path(f"{row}.png") for row in range(4))
    images = gn.data.Images(pixels, codes, ("cat", "dog"), files)
    model = gn.Sequential([Flatten(), Dense(2, activation="softmax")], seed=0)
    model.fit(images, epochs=1, verbose=0)
    snapshot = model.take_snapshot(images)
    assert snapshot.class_names == ("cat", "dog")
    assert snapshot.x.dtype == np.uint8
    twin = keras.Sequential([keras.layers.Dense(1)])
    twin.compile("sgd", "mse")
    assert twin.take_snapshot([[1.0]], [2.0]).class_names == ()


def test_probabilities_of_logits_are_those_of_the_softmax():
    x = np.array([[1.0, 2.0], [-3.0, 0.5]], np.float32)
    model = gn.Sequential([Dense(3)], seed=0)
    model.compile("sgd", gn.losses.SparseCategoricalCrossentropy(from_logits=True))
    snapshot = model.take_snapshot(x)
    twin = array_model()
    twin.take_snapshot(x)
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(
        snapshot.to_probabilities(snapshot.compute_outputs(x)), twin.predict(x), rtol=1e-6
    )
    np.testing.assert_array_equal(snapshot.compute_logits(x), model.predict(x))


def test_outputs_of_all_layers_are_those_of_the_network_cut_after_each():
    """Oracle: predict of networks that end earlier, with the same weights (6)."""
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    layers = [Dense(4, activation="tanh"), gn.layers.Dropout(0.5), Dense(3, activation="softmax")]
    model = gn.Sequential(layers, seed=0)
    outputs = model.take_snapshot(x).compute_layer_outputs(x)
    first = gn.Sequential(layers[:1], seed=0)
    np.testing.assert_allclose(outputs[0], first.predict(x), rtol=1e-6)
    np.testing.assert_array_equal(outputs[1], outputs[0])
    np.testing.assert_allclose(outputs[2], model.predict(x), rtol=1e-6)


def test_weights_by_name(table_model):
    named = table_model.weights_named()
    assert list(named) == ["dense_1/kernel", "dense_1/bias"]
    np.testing.assert_array_equal(named["dense_1/kernel"], table_model.params["dense_1"]["kernel"])


@pytest.mark.parametrize(
    ("layer", "loss", "y"),
    [
        (Dense(3, activation="softmax"), "sparse_categorical_crossentropy", [2, 0]),
        (Dense(3, activation="softmax"), "categorical_crossentropy", [[0, 0, 1], [1, 0, 0]]),
        (Dense(1, activation="sigmoid"), "binary_crossentropy", [1, 0]),
        (Dense(1, activation="sigmoid"), "mse", [[1.0], [0.0]]),
    ],
)
def test_class_of_each_target(layer, loss, y):
    model = gn.Sequential([layer], seed=0)
    model.compile("sgd", loss)
    expected = [2, 0] if layer.units == 3 else [1, 0]
    assert model.take_snapshot(np.zeros((2, 2)), y).target_classes.tolist() == expected


def test_numbers_have_no_classes():
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    assert model.take_snapshot([[1.0]], [2.0]).target_classes is None


def test_columns_and_words_of_the_inputs(table_model):
    """Oracle: the encoder's names: age is one number, a town of two is one or two."""
    snapshot = table_model.take_snapshot()
    spans = snapshot.column_spans
    assert list(spans) == ["age", "town"]
    assert spans["age"] == (0, 1)
    assert spans["town"] == (1, len(snapshot.feature_names))
    assert snapshot.vocabulary == ()
    counter = gn.layers.TextVectorization(output_mode="count").adapt(["a good film", "a film"])
    model = gn.Sequential([counter, Dense(1)], seed=0)
    snapshot = model.take_snapshot(np.array(["good"]))
    assert snapshot.vocabulary == tuple(counter.get_vocabulary())
    assert snapshot.feature_names == snapshot.vocabulary
    assert snapshot.column_spans == {}


def test_targets_that_are_required_but_missing():
    with pytest.raises(DataError, match=r"y: expected targets"):
        array_model().take_snapshot([[1.0, 2.0]], targets="required")
