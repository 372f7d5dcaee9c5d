"""Feature maps. Oracle: the outputs in the trace of the same example (2, 6)."""

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.inspection.layer_maps import MAX_LAYERS
from glassnet.layers import (
    GRU,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Input,
    Rescaling,
    Residual,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 8, 8, 1)).astype(np.uint8)


def make_layers(kind=gn.layers):
    return [
        kind.Rescaling(1 / 255),
        kind.Conv2D(5, 3, activation="relu"),
        kind.Dropout(0.5),
        kind.MaxPooling2D(2),
        kind.Flatten(),
        kind.Dense(2, activation="softmax"),
    ]


@pytest.fixture(scope="module")
def model():
    model = gn.Sequential([Input((8, 8, 1)), *make_layers()], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    kernel, bias = model.get_weights()[:2]
    bias[3] = -100  # a unit that never fires
    model.set_weights([kernel, bias, *model.get_weights()[2:]])
    return model


@pytest.fixture(scope="module")
def maps(model):
    return gn.inspection.feature_maps(model, IMAGES[0])


def test_maps_are_the_outputs_in_the_trace(model, maps):
    trace = model.trace(IMAGES[:1], np.array([0]))
    assert list(maps.outputs) == ["conv2d_1", "max_pooling2d_1"]  # not those that change nothing
    np.testing.assert_allclose(maps.outputs["conv2d_1"], trace["conv2d_1.relu"].output[0], 1e-6)
    np.testing.assert_allclose(maps.outputs["max_pooling2d_1"], trace["max_pooling2d_1"].output[0])
    np.testing.assert_array_equal(maps.image, IMAGES[0, ..., 0])


def test_maps_that_are_0_everywhere_are_counted(maps):
    np.testing.assert_array_equal(maps.zero["conv2d_1"], [3])
    assert maps.title == "10 feature maps in 2 layers, 2 are 0 everywhere (untrained)"
    assert "conv2d_1: 6 x 6 x 5, 0 to" in str(maps)
    assert str(maps).count(", 1 all 0") == 2
    frame = maps.to_frame().set_index(["layer", "map"])
    assert frame.loc["conv2d_1", 3]["zeros"] == 1
    output = maps.outputs["conv2d_1"][..., 0]
    assert frame.loc["conv2d_1", 0]["mean"] == pytest.approx(output.mean(), rel=1e-5)
    assert frame.loc["conv2d_1", 0]["largest"] == output.max()


def test_drawn_maps_run_from_the_strongest_to_the_weakest(model, maps):
    """Oracle: the mean size of each map. Three of the four that are not 0: first, middle, last."""
    means = maps.outputs["conv2d_1"].mean((0, 1))
    order = np.argsort(-means)
    assert order[-1] == 3
    figure = gn.inspection.feature_maps(model, IMAGES[0], layers="conv2d_1", max_maps=3).plot()
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert [int(title.split(":")[0]) for title in titles] == order[[0, 2, 3]].tolist()
    np.testing.assert_array_equal(
        figure.axes[-1].images[0].get_array(), maps.outputs["conv2d_1"][..., order[3]]
    )
    assert len(maps.plot().axes) == 2 + 2 * (1 + 5)


@pytest.mark.parametrize("image", [IMAGES[0, ..., 0], IMAGES[:1], IMAGES, IMAGES[0].tolist()])
def test_an_image_may_have_a_channel_and_an_axis_of_rows(model, maps, image):
    again = gn.inspection.feature_maps(model, image)
    np.testing.assert_array_equal(again.outputs["conv2d_1"], maps.outputs["conv2d_1"])


def test_images_with_classes_and_the_keras_layout(model, maps):
    images = gn.data.Images(IMAGES, np.array([0, 1, 1]), ("cat", "dog"), ("a", "b", "c"))
    again = gn.inspection.feature_maps(model, images)
    np.testing.assert_array_equal(again.outputs["conv2d_1"], maps.outputs["conv2d_1"])
    twin = keras.Sequential([keras.Input((8, 8, 1)), *make_layers(keras.layers)])
    twin.set_weights(model.get_weights())
    outputs = list(gn.inspection.feature_maps(twin, IMAGES[0]).outputs.values())
    np.testing.assert_allclose(outputs[0], maps.outputs["conv2d_1"], rtol=1e-5)


def test_sequences():
    model = gn.Sequential(
        [Input((9, 2)), Conv1D(4, 3), GRU(3, return_sequences=True), GRU(2), Dense(1)], seed=0
    )
    x = RNG.normal(size=(9, 2)).astype(np.float32)
    maps = gn.inspection.feature_maps(model, x)
    model.compile("sgd", "mse")
    trace = model.trace(x[None], np.zeros((1, 1)))
    assert list(maps.outputs) == ["conv1d_1", "gru_1"]
    np.testing.assert_allclose(maps.outputs["gru_1"], trace["gru_1"].output[0], rtol=1e-5)
    axes = maps.plot().axes
    assert [each.get_xlabel() for each in axes if each.get_xlabel()] == ["step"]


def test_texts():
    texts = np.array(["good film", "bad film", "so good"])
    layers = [
        gn.layers.TextVectorization(output_sequence_length=4).adapt(texts),
        Embedding(10, 3),
        GRU(2, return_sequences=True),
        GRU(2),
        Dense(1, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.fit(texts, np.array([1, 0, 1]), epochs=1, verbose=0)
    maps = gn.inspection.feature_maps(model, "good film")
    assert [output.shape for output in maps.outputs.values()] == [(4, 3), (4, 2)]
    assert maps.title.endswith("0 everywhere")  # trained
    maps.plot()


def test_few_of_many_layers_are_drawn_and_composites_are_one_layer():
    layers = [Residual(Conv2D(2, 1), name=f"block_{i}") for i in range(12)]
    maps = gn.inspection.feature_maps(
        gn.Sequential([Input((3, 3, 2)), *layers], seed=0), np.ones((3, 3, 2))
    )
    assert len(maps.outputs) == 12
    assert len(maps.shown) == MAX_LAYERS
    assert (maps.shown[0], maps.shown[-1]) == ("block_0", "block_11")


def test_errors(model):
    feature_maps = gn.inspection.feature_maps
    with pytest.raises(ConfigError, match="Did you mean 'conv2d_1'"):
        feature_maps(model, IMAGES[0], layers=["conv2d_7"])
    with pytest.raises(ConfigError, match="max_maps to be an int >= 1"):
        feature_maps(model, IMAGES[0], max_maps=0)
    dense = gn.Sequential([Input((4, 4)), Rescaling(2.0), Flatten(), Dense(2)], seed=0)
    expected = r"layers of feature maps, such as Conv2D.*gn.inspection.weights\(model\)"
    with pytest.raises(ConfigError, match=expected):
        feature_maps(dense, np.ones((4, 4)))
    with pytest.raises(DataError):
        feature_maps(model, np.ones((5, 5)))
