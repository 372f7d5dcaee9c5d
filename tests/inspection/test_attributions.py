"""What an answer rests on. Oracles: arithmetic on linear networks (1), finite differences and NumPy
loops (2, 4), the trace's derivatives (5), and planted inputs that alone decide (6).
"""

import jax
import matplotlib
import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.estimators import NeuralClassifier
from glassnet.inspection import attribute
from glassnet.layers import (
    Activation,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    Input,
    Normalization,
    Parallel,
    Rescaling,
    Residual,
    TextVectorization,
)
from nets import X, Y

METHODS = ["gradient", "gradient_x_input", "integrated_gradients", "occlusion", "grad_cam"]


def linear_model(kernel=((2.0,), (-1.0,), (0.5,)), bias=0.25):
    model = gn.Sequential([Input(3), Dense(1)], seed=0)
    model.compile("sgd", "mean_squared_error")
    model.set_weights([np.array(kernel, np.float32), np.array([bias], np.float32)])
    return model


@pytest.fixture(scope="module")
def classifier():
    """Return an MLP trained on three classes of four features."""
    model = gn.Sequential([Dense(8, activation="tanh"), Dense(3, activation="softmax")], seed=0)
    model.fit(X, Y, epochs=60, verbose=0)
    return model


def planted_pictures(n=160, size=8, seed=0):
    """Return noise, with a bright square in one of two corners that decides the class."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 0.3, (n, size, size, 1)).astype(np.float32)
    y = rng.integers(0, 2, n)
    x[y == 0, 1:3, 1:3] += 0.7
    x[y == 1, 5:7, 5:7] += 0.7
    return x, y


@pytest.fixture(scope="module")
def pictures():
    """Return a convolutional network trained on planted pictures, and such pictures."""
    x, y = planted_pictures()
    layers = [Conv2D(4, 3, activation="relu"), Flatten(), Dense(2, activation="softmax")]
    model = gn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=30, verbose=0)
    x, y = planted_pictures(6, seed=1)
    assert model.evaluate(x, y)[1] == 1
    return model, x, y


TEXTS = [
    f"{a} {word} {b}"
    for word in ("good", "bad")
    for a in ("the film is", "this story was", "some say it is")
    for b in ("today", "and long", "for children of all ages")
]
RATINGS = [0 if "bad" in text.split() else 1 for text in TEXTS]


@pytest.fixture(scope="module")
def reader():
    """Return a network that has learned that only the words good and bad matter."""
    vectorizer = TextVectorization().adapt(TEXTS)
    layers = [
        vectorizer,
        Embedding(len(vectorizer.get_vocabulary()), 4, mask_zero=True),
        GlobalAveragePooling1D(),
        Dense(1, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(gn.optimizers.Adam(0.05), "binary_crossentropy", ["accuracy"])
    model.fit(TEXTS, RATINGS, epochs=60, verbose=0)
    return model


def test_linear_network_by_hand():
    """Oracle: with y = 2 x1 - x2 + 0.5 x3 + 0.25, dy/dx = (2, -1, 0.5) everywhere."""
    model, w = linear_model(), np.array([2.0, -1.0, 0.5])
    x = np.array([[1.0, 2.0, 4.0], [-3.0, 0.0, 2.0]], np.float32)
    b = np.array([1.0, -1.0, 2.0], np.float32)
    np.testing.assert_array_equal(attribute(model, x, method="gradient").values, [w, w])
    product = attribute(model, x, method="gradient_x_input").values
    np.testing.assert_array_equal(product, w * x)
    result = attribute(model, x)
    np.testing.assert_allclose(result.values, w * x, rtol=1e-6)
    result = attribute(model, x, baseline=b)
    np.testing.assert_allclose(result.values, w * (x - b), rtol=1e-6)
    assert result.residual.max() < 1e-6
    np.testing.assert_allclose(attribute(model, x, baseline=1).values, w * (x - 1), rtol=1e-6)
    drops = attribute(model, x, method="occlusion", baseline=b).values
    np.testing.assert_allclose(drops, w * (x - b), rtol=1e-6)
    assert result.target.tolist() == [0, 0]


def test_integrated_gradients_add_up_on_a_trained_network(classifier):
    """Oracle: f(x) - f(0) of the logit, within 1 %; more steps are closer."""
    result = attribute(classifier, X, Y)
    logits, at_zero = (classifier.take_snapshot(x).compute_logits(x) for x in (X, X * 0))
    rows = np.arange(len(X))
    rise = (logits - at_zero)[rows, result.target]
    error = np.abs(result.values.sum(1) - rise) / np.abs(rise)
    assert error.max() < 0.01
    np.testing.assert_allclose(result.residual, error, atol=1e-4)
    few = attribute(classifier, X, steps=2)
    assert few.residual.mean() > 10 * result.residual.mean()
    np.testing.assert_array_equal(result.target, classifier.predict_labels(X))


def test_rows_take_as_many_steps_as_they_need():
    """Oracle: f(x) - f(0) in NumPy. Where a ReLU network bends often on a short rise, 64 steps miss
    it by more than 1 %.
    """
    model = gn.Sequential([Dense(8, activation="relu"), Dense(3, activation="softmax")], seed=0)
    model.fit(X, Y, epochs=60, verbose=0)
    w1, b1, w2, b2 = (np.asarray(w, np.float64) for w in model.get_weights())
    z = np.maximum([X @ w1 + b1, X * 0 @ w1 + b1], 0) @ w2 + b2
    rows = np.arange(len(X))
    result = attribute(model, X)
    rise = (z[0] - z[1])[rows, result.target]
    assert np.abs(result.values.sum(1) / rise - 1).max() < 0.01
    first = attribute(model, X, steps=64)
    missed = first.residual > 0.01
    assert missed.any()
    assert not missed.all()
    np.testing.assert_array_equal(result.values[~missed], first.values[~missed])


def test_gradient_is_a_finite_difference(classifier):
    """Oracle: the central difference of the logit of class 2, in float32 with a wide step."""
    snapshot = classifier.take_snapshot(X[:3])
    result = attribute(classifier, X[:3], method="gradient", target=2)
    for i in range(4):
        step = np.float32(1e-2) * (np.arange(4) == i)
        above, below = (snapshot.compute_logits(X[:3] + s)[:, 2] for s in (step, -step))
        np.testing.assert_allclose(result.values[:, i], (above - below) / 2e-2, atol=2e-3)


def test_gradient_is_the_derivative_that_the_trace_shows():
    """Oracle: for the loss (f - y)^2, the trace's dL/dx is 2 (f - y) df/dx."""
    model = gn.Sequential([Dense(5, activation="tanh"), Dense(1)], seed=0)
    model.compile("sgd", "mean_squared_error")
    x, y = X[:1], np.array([0.3], np.float32)
    error = float(model.predict(x)[0, 0]) - y[0]
    expected = model.trace(x, y).links[0].d_input / (2 * error)
    values = attribute(model, x, method="gradient").values
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_two_classes_on_one_output_have_opposite_values():
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(X, Y > 0, epochs=1, verbose=0)
    first, second = (attribute(model, X, method="gradient", target=k).values for k in (0, 1))
    np.testing.assert_array_equal(first, -second)
    np.testing.assert_allclose(second[0], model.get_weights()[0][:, 0], rtol=1e-6)
    chosen = attribute(model, X, method="gradient")
    labels = model.predict_labels(X)
    np.testing.assert_array_equal(chosen.values, np.where(labels[:, None] == 1, second, first))


@pytest.mark.parametrize("loss", ["mean_squared_error", "binary_crossentropy"])
def test_a_last_sigmoid_is_left_out(loss):
    """Oracle: the kernel. The slope of the sigmoid at z = 40 is 0."""
    model = gn.Sequential([Input(2), Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", loss)
    model.set_weights([np.array([[20.0], [10.0]]), np.array([0.0])])
    values = attribute(model, [[2.0, 0.0]], method="gradient").values
    np.testing.assert_allclose(values, [[20, 10]], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_maps_depend_on_what_was_learned(pictures, method):
    """Oracle: Adebayo et al. 2018. With re-drawn weights the maps change."""
    model, x, y = pictures
    result = attribute(model, x, y, method=method, sanity=True)
    assert result.values.shape == x.shape
    assert result.sanity_values.shape == result.values.shape
    assert np.nanmean(result.sanity_correlation) < 0.5
    assert "depend on what the network has learned" in str(result)
    assert result.title.startswith("6 of 6 right; ")


def test_maps_that_do_not_depend_on_the_weights_are_called_out():
    """Oracle: weights that every draw repeats: a kernel of ones."""
    model = gn.Sequential([Dense(1, kernel_initializer="ones")], seed=0)
    model.compile("sgd", "mean_squared_error")
    result = attribute(model, X[:3], sanity=True)
    np.testing.assert_allclose(result.sanity_correlation, 1)
    assert "the rank correlation is 1 on average: much of a map is the same" in str(result)


@pytest.mark.parametrize("method", METHODS)
def test_the_planted_square_is_found(pictures, method):
    """Oracle: the corner with the square that decides the class has larger values than the other."""
    model, x, y = pictures
    result = attribute(model, x, y, method=method, target=list(y))
    maps = result.values[..., 0]
    for label, values in zip(y, maps, strict=True):
        corners = values[:4, :4].sum(), values[4:, 4:].sum()
        assert corners[label] > corners[1 - label]


def test_occlusion_by_a_loop(pictures):
    """Oracle: a NumPy loop over all patches of 3 x 3, 2 pixels from each other."""
    model, x, _ = pictures
    result = attribute(model, x[:1], method="occlusion", patch=3, stride=2, baseline=0.5, target=1)
    snapshot = model.take_snapshot(x[:1])
    total, count = np.zeros((8, 8)), np.zeros((8, 8))
    before = snapshot.compute_logits(x[:1])[0, 1]
    for i in (0, 2, 4, 5):
        for j in (0, 2, 4, 5):
            changed = x[:1].copy()
            changed[0, i : i + 3, j : j + 3] = 0.5
            total[i : i + 3, j : j + 3] += before - snapshot.compute_logits(changed)[0, 1]
            count[i : i + 3, j : j + 3] += 1
    np.testing.assert_allclose(result.values[0, ..., 0], total / count, atol=1e-5)


def test_the_map_of_activations_by_hand():
    """Oracle: after global average pooling, HiResCAM is Grad-CAM: relu(sum of weights * maps).

    With f = sum_c v_c mean(a_c), each delta is v_c / (number of places), and so is their mean.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 6, 6, 2)).astype(np.float32)
    layers = [Conv2D(4, 3, activation="relu"), GlobalAveragePooling2D(), Dense(2)]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", gn.losses.SparseCategoricalCrossentropy(from_logits=True))
    snapshot = model.take_snapshot(x)
    activation = snapshot.compute_layer_outputs(x)[0]
    kernel = model.get_weights()[2]
    expected = np.maximum((activation * kernel[:, 1] / 16).sum(-1), 0)
    result = attribute(model, x, method="grad_cam", target=1)
    # Stretched from 4 x 4 to 6 x 6: the middles of the corner pixels lie outside of all others.
    # Both channels of a pixel have the value of the pixel.
    assert result.values.shape == x.shape
    for channel in (0, 1):
        maps = result.values[..., channel]
        np.testing.assert_allclose(maps[:, 0, 0], expected[:, 0, 0], rtol=1e-4)
        np.testing.assert_allclose(maps[:, 5, 5], expected[:, 3, 3], rtol=1e-4)
    frame = result.to_frame()
    np.testing.assert_array_equal(frame["x"], x.ravel())
    np.testing.assert_array_equal(frame["value"], result.values.ravel())
    assert result.layer == "conv2d_1"
    assert "HiResCAM of class 1 at conv2d_1" in result.title


def test_the_activation_of_a_layer_is_its_output():
    """Oracle: with f = v . tanh(z), the map is relu(sum of tanh(z) * v), which is not that of z."""
    layers = [Conv2D(2, 3, activation="tanh"), Flatten(), Dense(1)]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 1)).astype(np.float32)
    activation = model.take_snapshot(x).compute_layer_outputs(x)[0]
    expected = np.maximum((activation * model.get_weights()[2][:, 0]).sum(-1), 0)
    values = attribute(model, x, method="grad_cam").values
    np.testing.assert_allclose(values[..., 0], np.broadcast_to(expected, (2, 3, 3)), rtol=1e-5)


def test_a_map_at_a_layer_of_another_name():
    """Oracle: relu(sum of a * df/da), where f = v . a + b of the flat activation a."""
    layers = [
        Residual([Conv2D(1, 1, activation="relu")]),
        Conv2D(3, 3, padding="same"),
        Activation("relu"),
        Flatten(),
        Dense(1),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 1)).astype(np.float32)
    last = attribute(model, x, method="grad_cam")
    assert last.layer == "conv2d_1"
    outputs = model.take_snapshot(x).compute_layer_outputs(x)
    d_output = model.get_weights()[-2].reshape(4, 4, 3)
    expected = np.maximum((outputs[2] * d_output).sum(-1), 0)
    values = attribute(model, x, method="grad_cam", layer="activation_1").values
    np.testing.assert_allclose(values[..., 0], expected, atol=1e-5)
    np.testing.assert_allclose(last.values[..., 0], expected, atol=1e-5)  # relu(z) dz = z dz
    inside = attribute(model, x, method="grad_cam", layer="residual_1/conv2d_1")
    assert inside.layer == "residual_1/conv2d_1"
    with pytest.raises(ConfigError, match=r"layer: expected one of residual_1.*'conv2d_1'\?"):
        attribute(model, x, method="grad_cam", layer="conv2d_11")


def test_an_empty_map_says_nothing():
    """Oracle: weights of 0 behind the convolution. The map is not scaled up."""
    layers = [Conv2D(2, 3, activation="relu"), Flatten(), Dense(2, kernel_initializer="zeros")]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", gn.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).uniform(size=(3, 5, 5, 1)).astype(np.float32)
    result = attribute(model, x, method="grad_cam", sanity=True)
    assert not result.values.any()
    assert result.title.endswith("at conv2d_1 (untrained); nothing")
    assert "nothing can be compared" in str(result)
    texts = [text.get_text() for axes in result.plot().axes for text in axes.texts]
    assert texts == ["nothing"] * 6


def test_words_through_an_embedding(reader):
    """Oracle: good and bad alone decide. Padding has no value."""
    for method in ("gradient_x_input", "integrated_gradients", "occlusion"):
        result = attribute(reader, TEXTS, RATINGS, method=method)
        assert result.title.startswith("18 of 18 right; ")
        assert [" ".join(words) for words in result.layout.words] == TEXTS
        for words, values in zip(result.layout.words, result.values, strict=True):
            assert words[int(np.abs(values).argmax())] in ("good", "bad")
            assert not values[len(words) :].any()
    frame = attribute(reader, TEXTS[:2], method="occlusion").to_frame()
    assert frame["word"].tolist()[:5] == ["the", "film", "is", "good", "today"]
    assert list(frame) == ["row", "position", "word", "target", "x", "value"]


def test_the_sum_over_the_numbers_of_a_word(reader):
    """Oracle: with f = v mean(E[id]) + b, the part of a word is v E[id] / (number of words)."""
    table, kernel = reader.get_weights()[:2]
    text = TEXTS[0]
    ids = reader.take_snapshot([text]).x[0].astype(int)
    real = ids[ids > 0]
    expected = table[real] @ kernel[:, 0] / len(real)
    result = attribute(reader, [text], method="integrated_gradients", target=1)
    np.testing.assert_allclose(result.values[0, : len(real)], expected, rtol=1e-4)
    assert "no words: the vector 0 for each" in str(result)
    other = attribute(reader, [text], baseline=1, target=1)
    expected = (table[real] - table[1]) @ kernel[:, 0] / len(real)
    np.testing.assert_allclose(other.values[0, : len(real)], expected, rtol=1e-3, atol=1e-6)


def test_an_embedding_inside_another_layer_is_refused():
    branches = [[Embedding(5, 2), Flatten()], [Embedding(5, 3), Flatten()]]
    model = gn.Sequential([Parallel(branches), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    ids = np.array([[1, 2, 3]])
    with pytest.raises(ConfigError, match=r'Embedding that is not inside.*method="occlusion"'):
        attribute(model, ids)
    result = attribute(model, ids, method="occlusion")
    assert result.layout.words == (("1", "2", "3"),)
    assert result.values.all()


TABLE = pd.DataFrame(
    {
        "age": np.tile([20.0, 30.0, 40.0, 50.0], 10),
        "town": ["a", "b", "c", "b", "b"] * 8,
        "price": np.arange(40.0),
    }
)


@pytest.fixture(scope="module")
def town_model():
    """Return a linear network whose answer is the town: a 0, b 100, c 200."""
    frame = TABLE.assign(price=[{"a": 0, "b": 100, "c": 200}[town] for town in TABLE["town"]])
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(gn.optimizers.Adam(0.1), "mean_squared_error")
    model.fit(frame, target="price", epochs=200, verbose=0)
    return model


def test_columns_of_a_table_from_a_file(town_model, tmp_path):
    """Oracle: the town alone decides, and its prices are 0, 100 and 200 in the target's units."""
    path = tmp_path / "rows.csv"
    TABLE[:5].to_csv(path, index=False)
    result = attribute(town_model, path, method="occlusion")
    assert result.column_names == ("age", "town")
    assert result.feature_names == ("age", "town=a", "town=b", "town=c")
    expected = [-100, 0, 100, 0, 0]  # without its town, a row has the most frequent: b
    np.testing.assert_allclose(result.column_values[:, 1], expected, atol=3)
    np.testing.assert_allclose(result.column_values[:, 0], 0, atol=3)
    assert result.title.startswith("occlusion of price; town counts most")
    assert "the median of each column in training, or its most frequent category" in str(result)
    frame = result.to_frame()
    assert frame["column"].tolist()[:4] == ["age", "town", "town", "town"]
    assert result.cells[0] == ("20", "a")
    whole = frame.groupby(["row", "column"])["value"].sum().to_numpy().reshape(5, 2)
    np.testing.assert_allclose(whole, result.column_values, rtol=1e-5)


def test_a_baseline_that_is_a_row_of_the_table(town_model):
    """Oracle: from town c to each town, the price falls by 200, 100 and 0."""
    result = attribute(town_model, TABLE[:3], baseline=TABLE[2:3].drop(columns="price"))
    np.testing.assert_allclose(result.column_values[:, 1], [-200, -100, 0], atol=3)
    zero = attribute(town_model, TABLE[:3])
    assert "the mean of training: 0 in every encoded column" in str(zero)
    with pytest.raises(DataError, match=r"baseline: expected one row. Received: rows=2"):
        attribute(town_model, TABLE[:3], baseline=TABLE[:2].drop(columns="price"))


def test_words_that_are_counted():
    """Oracle: the word that decides. Its name comes from the vocabulary."""
    texts, labels = ["good film", "bad film", "good book", "bad book"] * 5, [1, 0, 1, 0] * 5
    vectorizer = TextVectorization(output_mode="multi_hot").adapt(texts)
    model = gn.Sequential([vectorizer, Dense(1, activation="sigmoid")], seed=0)
    model.compile(gn.optimizers.Adam(0.1), "binary_crossentropy")
    model.fit(texts, labels, epochs=30, verbose=0)
    result = attribute(model, texts[:2], labels[:2])
    assert result.feature_names == tuple(vectorizer.get_vocabulary())
    assert result.feature_names[int(result.values[0].argmax())] == "good"


def test_series_and_their_steps():
    """Oracle: the network reads step 3 of the second series only."""
    x = np.random.default_rng(0).normal(size=(2, 6, 2)).astype(np.float32)
    model = gn.Sequential([Input((6, 2)), Conv1D(1, 1), Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    kernel = np.zeros((6, 1), np.float32)
    kernel[3] = 4
    conv = np.array([[[0.0], [1.0]]], np.float32)
    model.set_weights([conv, np.zeros(1), kernel, np.zeros(1)])
    expected = np.zeros(x.shape)
    expected[:, 3, 1] = 4 * x[:, 3, 1]
    for method in ("gradient_x_input", "integrated_gradients"):
        values = attribute(model, x, method=method).values
        np.testing.assert_allclose(values, expected, atol=1e-6)
    drops = attribute(model, x, method="occlusion", patch=1)
    np.testing.assert_allclose(drops.values, expected, atol=1e-6)
    cam = attribute(model, x, method="grad_cam")
    maps = np.maximum(expected.sum(-1, keepdims=True), 0)
    np.testing.assert_allclose(cam.values, np.broadcast_to(maps, x.shape), atol=1e-6)
    assert [axes.get_xlabel() for axes in cam.plot().axes[:2]] == ["", "step"]
    assert list(drops.to_frame())[:3] == ["row", "step", "feature"]
    figure = attribute(model, x, sanity=True).plot()
    assert [axes.get_xlabel() for axes in figure.axes[:3]] == ["", "", "step"]
    assert [text.get_text() for text in figure.axes[1].get_yticklabels()] == ["x1", "x2"]


def test_the_series_of_a_forecast(town_model):
    dates = pd.date_range("2020-01-01", periods=60, freq="MS")
    values = np.sin(np.arange(60) * np.pi / 6) + np.arange(60) / 10
    frame = pd.DataFrame({"month": dates, "sales": values})
    series = gn.data.series(frame, "sales", time="month", length=12)
    model = gn.Sequential([Flatten(), Dense(1)], seed=0)
    model.fit(series, epochs=2, verbose=0)
    result = attribute(model, series)
    assert result.layout.kind == "series"
    assert result.feature_names == ("sales",)
    assert result.values.shape == result.x.shape


def test_pictures_that_are_flat_rows():
    """Oracle: the same network without Reshape."""
    x, _ = planted_pictures(2)
    model = gn.Sequential(
        [gn.layers.Reshape((8, 8, 1)), Conv2D(2, 3, activation="relu"), Flatten(), Dense(1)], seed=0
    )
    model.compile("sgd", "mse")
    flat = attribute(model, x.reshape(2, 64), method="occlusion")
    assert flat.values.shape == (2, 64)
    twin = gn.Sequential([Conv2D(2, 3, activation="relu"), Flatten(), Dense(1)], seed=0)
    twin.compile("sgd", "mse")
    twin.predict(x)
    twin.set_weights(model.get_weights())
    whole = attribute(twin, x, method="occlusion")
    np.testing.assert_array_equal(flat.values.reshape(x.shape), whole.values)
    assert attribute(model, x.reshape(2, 64), method="grad_cam").values.shape == (2, 64)


def test_pixels_that_are_integers():
    """Oracle: the same pixels as floats."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 6, 6), dtype=np.uint8)
    layers = [Rescaling(1 / 255), Flatten(), Dense(4, activation="relu"), Dense(2)]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", gn.losses.SparseCategoricalCrossentropy(from_logits=True))
    for method in METHODS[:-1]:
        whole, real = (attribute(model, x, method=method) for x in (pixels, pixels.astype(float)))
        np.testing.assert_allclose(whole.values, real.values, rtol=1e-6)
        assert whole.layout.kind == "image"
    half = attribute(model, pixels, method="occlusion", baseline=-0.5)
    assert np.isfinite(half.values).all()


def test_several_outputs_and_several_sigmoids():
    """Oracle: the kernel's columns."""
    model = gn.Sequential([Dense(3)], seed=0)
    model.compile("sgd", "mse")
    first = attribute(model, X[:2], method="gradient")
    kernel = model.get_weights()[0]
    np.testing.assert_allclose(first.values, [kernel[:, 0]] * 2, rtol=1e-6)
    assert "of output 0" in first.title
    each = attribute(model, X[:2], method="gradient", target=[2, "output 1"])
    np.testing.assert_allclose(each.values, kernel[:, [2, 1]].T, rtol=1e-6)
    labels = gn.Sequential([Dense(3, activation="sigmoid")], seed=0)
    labels.compile("sgd", "binary_crossentropy")
    result = attribute(labels, X[:2], np.eye(3)[:2], method="gradient")
    assert "of the predicted output" in result.title
    np.testing.assert_array_equal(result.target, labels.predict(X[:2]).argmax(1))


def test_outputs_with_several_axes():
    """Oracle: the kernel; step 1 alone feeds output (1, 0)."""
    model = gn.Sequential([Input((2, 3)), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    x = np.ones((1, 2, 3), np.float32)
    values = attribute(model, x, method="gradient", target=(1, 0)).values
    np.testing.assert_allclose(values[0], [[0, 0, 0], model.get_weights()[0][:, 0]], rtol=1e-6)
    for target in (None, 1, (2, 0), [(0, 0), (1, 1)]):
        with pytest.raises(ConfigError, match=r"tuple of 2 indices up to \(1, 1\)"):
            attribute(model, x, method="gradient", target=target)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"method": "integrated_gradient"}, "Did you mean 'integrated_gradients'"),
        ({"method": "guided_backprop"}, "not offered.*Adebayo et al. 2018"),
        ({"method": "shap"}, r"Call the library with model\.predict"),
        ({"method": None}, "method: expected one of gradient"),
        ({"method": "gradient", "baseline": 1}, "baseline with integrated_gradients or occlusion"),
        ({"step": 3}, "option: expected one of steps.*'steps'"),
        ({"patch": 3}, "patch with method='occlusion' only"),
        ({"steps": 0}, "steps to be an int >= 1"),
        ({"target": 3}, "target to be one of 0, 1, 2. Received: target=3"),
        ({"target": "2.5"}, "target to be one of 0, 1, 2"),
        ({"target": [0, 1]}, "one target, or one for each of 3 rows. Received: targets=2"),
        ({"method": "grad_cam"}, "a network with a convolution.*Use one of gradient"),
        ({"method": "occlusion", "patch": 2}, "patch and stride with pictures"),
    ],
)
def test_arguments_that_are_refused(classifier, options, text):
    with pytest.raises(ConfigError, match=text):
        attribute(classifier, X[:3], **options)


@pytest.mark.parametrize("baseline", [[1, 2], np.ones((2, 4)), np.nan, "black", [[[1.0]]]])
def test_baselines_that_are_refused(classifier, baseline):
    with pytest.raises(DataError, match="baseline: expected"):
        attribute(classifier, X[:3], baseline=baseline)


@pytest.mark.parametrize(("baseline", "value"), [(30, 30), (0.5, 0.5), (-1, -1)])
@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_baselines_that_are_no_words(reader, method, baseline, value):
    with pytest.raises(DataError, match=rf"baseline: expected token ids.*value={value}"):
        attribute(reader, TEXTS[:1], method=method, baseline=baseline)


def test_arrays_of_other_shapes_are_rows_of_numbers():
    """Oracle: the kernel of a linear network. A number is named by its index."""
    x = np.random.default_rng(0).normal(size=(2, 2, 2, 2, 5)).astype(np.float32)
    model = gn.Sequential([Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    for method in METHODS[:-1]:
        result = attribute(model, x, method=method)
        assert result.column_names[-1] == "[1, 1, 1, 4]"
    assert result.to_frame()["feature"].tolist()[:2] == ["[0, 0, 0, 0]", "[0, 0, 0, 1]"]
    assert "others together" in result.plot().axes[0].get_yticklabels()[-1].get_text()


def test_patches_that_are_refused(pictures):
    model, x, _ = pictures
    with pytest.raises(ConfigError, match=r"a patch of at most 8. Received: patch=9"):
        attribute(model, x, method="occlusion", patch=9)
    with pytest.raises(ConfigError, match=r"a stride of at most the patch, 2. Received: stride=3"):
        attribute(model, x, method="occlusion", patch=2, stride=3)


def test_truth_values_are_classes_of_arrays(classifier):
    """Oracle: the classes 0 and 1."""
    truths = attribute(classifier, X[:2], method="gradient", target=[True, False])
    numbers = attribute(classifier, X[:2], method="gradient", target=[1, 0])
    np.testing.assert_array_equal(truths.values, numbers.values)
    assert truths.output.names == ("1", "0")


def test_outputs_that_are_not_finite():
    model = linear_model(kernel=[[np.float32(3e38)]] * 3)
    with pytest.raises(DataError, match=r"outputs that are finite. Received: rows=\[1\]"):
        attribute(model, [[0.0, 0.0, 0.0], [9.0, 9.0, 9.0]])


def test_values_that_are_not_finite():
    """Oracle: sqrt has an infinite slope at 0, but a finite value."""
    model = gn.Sequential([Input(1), Activation(jax.numpy.sqrt)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match=r"values that are finite. Received: rows=\[1\]"):
        attribute(model, [[1.0], [0.0]], method="gradient")


def test_class_names_and_labels(tmp_path):
    """Classes are named as predict_labels names them; numbers have no second meaning."""
    frame = pd.DataFrame({"a": np.arange(30.0) % 7, "quality": [3, 5, 8] * 10})
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    model.fit(frame, target="quality", epochs=1, verbose=0)
    assert attribute(model, frame[:2], target=5).target.tolist() == [1, 1]
    assert attribute(model, frame[:2], target=[8.0, "3"]).output.names == ("8", "3")
    with pytest.raises(ConfigError, match=r"target to be one of 3, 5, 8. Received: target=0"):
        attribute(model, frame[:2], target=0)
    truths = frame.assign(quality=[True, False] * 15)
    binary = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    binary.fit(truths, target="quality", epochs=1, verbose=0)
    for target in (True, np.True_, "True", np.array([True, True])):
        assert attribute(binary, truths[:2], target=target).output.names == ("True", "True")
    named = frame.assign(quality=["low", "fair", "high"] * 10)
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    model.fit(named, target="quality", epochs=1, verbose=0)
    assert attribute(model, named[:2], target="low").target.tolist() == [2, 2]
    assert attribute(model, named[:2], target=0).output.names == ("fair", "fair")
    with pytest.raises(ConfigError, match=r"or an index from 0 to 2.*'high'"):
        attribute(model, named[:2], target="hihg")


def test_statistics_of_the_data_are_not_redrawn():
    """Oracle: Normalization keeps its mean, so that x = mean has no values with any weights."""
    model = gn.Sequential([Normalization(), Dense(3, activation="softmax")], seed=0)
    model.fit(X, Y, epochs=1, verbose=0)
    mean = X.mean(0, keepdims=True)
    result = attribute(model, mean, baseline=mean, method="occlusion", sanity=True)
    assert not result.values.any()
    assert not result.sanity_values.any()


def test_blocks_bound_the_memory(classifier, monkeypatch):
    """Oracle: the same values in one block."""
    from glassnet.inspection import attribution_methods

    whole = {method: attribute(classifier, X, method=method).values for method in METHODS[:-1]}
    monkeypatch.setattr(attribution_methods, "MAX_BLOCK_ROWS", 5)
    for method, values in whole.items():
        parts = attribute(classifier, X, method=method).values
        np.testing.assert_allclose(parts, values, rtol=1e-5, atol=1e-6)


def test_estimators_are_explained_as_their_model():
    """Oracle: the network inside. Classes have the estimator's labels."""
    labels = np.array(["a", "b", "c"])[Y]
    estimator = NeuralClassifier(hidden_layer_sizes=(4,), max_iter=2)
    with pytest.warns(match="converge"):
        estimator.fit(X, labels)
    result = attribute(estimator, X[:3], labels[:3], method="gradient", target="b")
    assert result.output.names == ("b", "b", "b")
    inside = attribute(estimator.model_, X[:3], method="gradient", target=1)
    np.testing.assert_array_equal(result.values, inside.values)


def test_the_keras_layout_and_an_untrained_network():
    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    result = attribute(model, X[:1])
    assert "(untrained)" in result.title
    assert result.values.shape == (1, 4)


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_figures_of_pictures(pictures, n):
    model, _, _ = pictures
    x, y = planted_pictures(n, seed=2)
    figure = attribute(model, x, y, sanity=True).plot()
    assert isinstance(figure, matplotlib.figure.Figure)
    drawn = min(n, 8)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == drawn
    assert all("right" in title for title in titles)
    text = figure.get_suptitle()
    assert ("the first 8 of 9" in text.replace("\n", " ")) == (n == 9)
    figure.canvas.draw()


def test_figures_of_columns_and_words(town_model, reader):
    figure = attribute(town_model, TABLE[:3], sanity=True).plot()
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels[0] == "town = a"
    figure = attribute(reader, TEXTS[:2], sanity=True).plot()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("good") == 4
    html = attribute(reader, TEXTS[:1])._repr_html_()
    assert html.startswith("<figure><img")


def test_many_columns_share_a_bar():
    """Oracle: the sum of the columns without a bar of their own."""
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(1, 30)).astype(np.float32)
    result = attribute(model, x)
    axes = result.plot().axes[0]
    assert axes.get_yticklabels()[-1].get_text() == "20 others together"
    small = np.sort(np.abs(result.values[0]))[:20]
    rest = [value for value in result.values[0] if np.abs(value) in small]
    assert axes.patches[10].get_width() == pytest.approx(sum(rest), rel=1e-5)
