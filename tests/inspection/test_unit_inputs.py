"""Top inputs and embeddings. Oracles: NumPy's argsort of a truncated model, and scikit-learn's PCA
called directly (3, 6).
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(30, 6, 6, 1)).astype(np.float32)
CODES = np.arange(30) % 3


def truncate(model, n):
    """Return the first n layers of a model as a model of its own."""
    layers = model.take_snapshot().network.layers[:n]
    shorter = gn.Sequential([Input((6, 6, 1)), *layers], seed=0)
    shorter.set_weights(model.get_weights()[: len(shorter.get_weights())])
    return shorter


@pytest.fixture(scope="module")
def model():
    layers = [
        Input((6, 6, 1)),
        Conv2D(4, 3, activation="relu"),
        Flatten(),
        Dense(5, activation="tanh"),
        Dropout(0.5),
        Dense(3, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def test_top_inputs_are_those_of_an_argsort(model):
    outputs = truncate(model, 1).predict(IMAGES).max((1, 2))
    view = gn.inspection.top_inputs(model, IMAGES, "conv2d_1", n=4)
    np.testing.assert_array_equal(view.rows, np.argsort(-outputs, axis=0)[:4].T)
    np.testing.assert_allclose(view.values, np.sort(outputs, axis=0)[::-1][:4].T, rtol=1e-6)
    dense = gn.inspection.top_inputs(model, IMAGES, "dense_1", n=2)
    outputs = truncate(model, 3).predict(IMAGES)
    np.testing.assert_array_equal(dense.rows, np.argsort(-outputs, axis=0)[:2].T)


def test_pictures_of_the_strongest_units(model):
    view = gn.inspection.top_inputs(model, IMAGES, "conv2d_1", n=4, max_units=2)
    units = np.sort(np.argsort(-view.values[:, 0])[:2])
    np.testing.assert_array_equal(view.choose_units(), units)
    axes = view.plot().axes
    assert [axes[0].get_ylabel(), axes[4].get_ylabel()] == [f"unit {unit}" for unit in units]
    image = IMAGES[view.rows[units[1], 2], ..., 0]
    shown = np.asarray(axes[6].images[0].get_array())
    assert np.corrcoef(shown.ravel(), image.ravel())[0, 1] == pytest.approx(1, abs=1e-4)
    best = int(view.values[:, 0].argmax())
    assert f"of unit {best} for row {view.rows[best, 0]}" in view.title
    assert view.to_frame()["row"].tolist() == view.rows.ravel().tolist()


def test_units_that_never_fire_are_counted():
    model = gn.Sequential([Input(2), Dense(3, activation="relu")], seed=0)
    model.set_weights([np.ones((2, 3), np.float32), np.array([0, -100, 0], np.float32)])
    x = np.arange(8.0).reshape(4, 2)
    assert "1 of 3 units are never above 0" in gn.inspection.top_inputs(model, x, "dense_1").title
    model.set_weights([np.ones((2, 3), np.float32), np.full(3, -100, np.float32)])
    title = gn.inspection.top_inputs(model, x, "dense_1").title
    assert title == "dense_1: 3 of 3 units are never above 0 (untrained)"


def test_rows_of_tables_texts_and_sequences():
    table = pd.DataFrame(
        {"age": [20.5, 31.0, 44.5, 52.0] * 5, "town": list("abbac") * 4, "bought": [0, 1] * 10}
    )
    model = gn.Sequential([Dense(2), Dense(1, activation="sigmoid")], seed=0)
    model.fit(table, target="bought", epochs=1, verbose=0)
    view = gn.inspection.top_inputs(model, table, "dense_1", n=3)
    frame = view.to_frame()
    np.testing.assert_array_equal(frame["age"], table["age"].to_numpy()[view.rows.ravel()])
    cells = view.plot().axes[0].tables[0].get_celld()
    assert cells[0, 3].get_text().get_text() == "age"
    assert cells[4, 0].get_text().get_text() == "1"
    steps = RNG.normal(size=(9, 5, 2)).astype(np.float32)
    recurrent = gn.Sequential([Input((5, 2)), LSTM(2)], seed=0)
    view = gn.inspection.top_inputs(recurrent, steps, "lstm_1", n=3)
    lines = view.plot().axes[4].lines
    np.testing.assert_array_equal(lines[1].get_ydata(), steps[view.rows[1, 1], :, 1])


def test_embeddings_are_those_of_scikit_learn(model):
    outputs = truncate(model, 4).predict(IMAGES).astype(float)  # dropout changes nothing
    pca = PCA(2, random_state=0).fit(outputs)
    view = gn.inspection.embeddings(model, IMAGES, CODES)
    assert view.layer == "dropout_1"
    np.testing.assert_allclose(view.points, pca.transform(outputs), atol=1e-5)
    np.testing.assert_allclose(view.variance_ratio, pca.explained_variance_ratio_, atol=1e-5)
    np.testing.assert_array_equal(view.classes, CODES)
    share = f"{pca.explained_variance_ratio_.sum():.3f}"
    assert (
        view.title
        == f"dropout_1: 30 rows in 2 of 5 dimensions, {share} of the variance (untrained)"
    )
    points = view.plot().axes[0].collections[1].get_offsets()
    np.testing.assert_allclose(points, view.points[CODES == 1])
    assert view.to_frame()["class"].tolist() == list(map(str, CODES))
    maps = gn.inspection.embeddings(model, IMAGES, layer="conv2d_1")
    assert maps.directions.shape == (2, 64)
    assert maps.classes is None


def test_numbers_color_the_points_in_their_own_units():
    table = pd.DataFrame({"size": [3.5, 4.0, 8.5, 9.0] * 5, "price": [100.5, 110, 180, 200] * 5})
    model = gn.Sequential([Dense(3), Dense(1)], seed=0)
    model.fit(table, target="price", epochs=1, verbose=0)
    view = gn.inspection.embeddings(model, table)
    np.testing.assert_allclose(view.targets, table["price"], rtol=1e-5)
    assert view.plot().axes[1].get_ylabel() == "price"


def test_a_code_of_two_units_is_drawn_as_it_is():
    """An autoencoder's rows are colored by labels that it does not predict."""
    layers = [keras.Input((4,)), keras.layers.Dense(2, name="code"), keras.layers.Dense(4)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    x = RNG.normal(size=(6, 4)).astype(np.float32)
    labels = np.array(["a", "b", "b", "a", "c", "c"])
    view = gn.inspection.embeddings(model, x, labels, layer="code")
    kernel, bias = model.get_weights()[:2]
    np.testing.assert_allclose(view.points, x @ kernel + bias, atol=1e-6)
    assert view.class_names == ("a", "b", "c")
    assert view.to_frame()["class"].tolist() == labels.tolist()
    assert view.plot().axes[0].get_xlabel() == "unit 0"
    assert gn.inspection.embeddings(model, x, np.linspace(0, 1, 6)).class_names
    with pytest.raises(DataError, match="y: expected 6 labels"):
        gn.inspection.embeddings(model, x, labels[:5])


def test_words():
    texts = ["a good film", "a dull film", "so dull"]
    layers = [
        gn.layers.TextVectorization(output_sequence_length=4).adapt(texts),
        Embedding(7, 3),
        GlobalAveragePooling1D(),
        Dense(1, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.fit(np.array(texts), np.array([1, 0, 0]), epochs=1, verbose=0)
    view = gn.inspection.embeddings(model)
    vocabulary = layers[0].get_vocabulary()
    assert view.words == tuple(vocabulary[1:7])  # without the padding
    matrix = model.weights_named()["embedding_1/embeddings"][1:].astype(float)
    np.testing.assert_allclose(view.points, PCA(2, random_state=0).fit_transform(matrix), atol=1e-6)
    written = {text.get_text() for text in view.plot().axes[0].texts}
    assert written
    assert written <= set(view.words)


def test_errors(model):
    gi = gn.inspection
    with pytest.raises(ConfigError, match="Did you mean 'conv2d_1'"):
        gi.top_inputs(model, IMAGES, "conv2d_2")
    with pytest.raises(ConfigError, match="n to be an int >= 1"):
        gi.top_inputs(model, IMAGES, "conv2d_1", n=0)
    with pytest.raises(ConfigError, match="Did you mean 'dense_1'"):
        gi.embeddings(model, IMAGES, layer="dens_1")
    with pytest.raises(ConfigError, match="x, or a network with an Embedding"):
        gi.embeddings(model)
    with pytest.raises(DataError, match="at least three rows"):
        gi.embeddings(model, IMAGES[:2])
    shallow = gn.Sequential([Input(2), Dense(1)], seed=0)
    with pytest.raises(ConfigError, match="a network with a hidden layer"):
        gi.embeddings(shallow, np.eye(2))
    with pytest.raises(ConfigError, match="a layer with at least two units"):
        gi.embeddings(shallow, np.zeros((4, 2)), layer="dense_1")
    texts = gn.Sequential([Input(3), Embedding(5, 2), Flatten(), Dense(1)], seed=0)
    with pytest.raises(ConfigError, match="layer: expected one of embedding_1 without x"):
        gi.embeddings(texts, layer="dense_1")
