"""Weights as pictures and bars. Oracle: the arrays of `model.weights_named()`, unit by unit (6)."""

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, NotReadyError
from glassnet.inspection.weight_plots import MAX_BARS
from glassnet.layers import (
    GRU,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    DepthwiseConv2D,
    Embedding,
    Flatten,
    Input,
    Maxout,
    Rescaling,
    Reshape,
    Residual,
    SeparableConv2D,
    TimeDistributed,
)


def build(*layers):
    return gn.Sequential(layers, seed=0)


def test_weights_of_pixels_are_pictures():
    model = build(Input((6, 5)), Rescaling(0.1), Flatten(), Dense(3))
    view = gn.inspection.weights(model)
    kernel = model.weights_named()["dense_1/kernel"]
    for unit in range(3):
        np.testing.assert_array_equal(view.values[unit], kernel[:, unit].reshape(6, 5))
    assert view.title.startswith("dense_1/kernel: 3 pictures of 6 x 5, weights from -")
    assert view.title.endswith("(untrained)")
    picture = view.plot().subfigs[0].axes[1].images[0]
    np.testing.assert_array_equal(picture.get_array(), view.values[1])
    assert picture.norm.vmax == -picture.norm.vmin == np.abs(kernel).max()


def test_rows_of_a_square_number_of_pixels():
    view = gn.inspection.weights(build(Input(64), Dense(2)))
    assert view.values.shape == (2, 8, 8)
    assert view.remark == "64 inputs are drawn as 8 x 8 pixels"
    assert gn.inspection.weights(build(Input(49), Dense(2))).form == "bars"


def test_kernels_are_pictures():
    """Grey, in color, of sequences, and inside a block, where the largest channel is drawn."""
    layers = [Conv2D(4, 3), Residual([Conv2D(4, 1), Conv2D(4, (1, 2), padding="same")])]
    model = build(Input((8, 8, 1)), *layers)
    named = model.weights_named()
    grey = gn.inspection.weights(model)
    np.testing.assert_array_equal(grey.values[2], named["conv2d_1/kernel"][:, :, 0, 2])
    inner = gn.inspection.weights(model, "residual_1/conv2d_2")
    kernel = named["residual_1/conv2d_2/kernel"]
    for unit in range(4):
        channel = (kernel[..., unit] ** 2).sum((0, 1)).argmax()
        np.testing.assert_array_equal(inner.values[unit], kernel[:, :, channel, unit])
    assert inner.remark == "Of 4 channels, the one with the largest weights is shown"
    assert gn.inspection.weights(model, "residual_1").name == "residual_1/conv2d_1/kernel"
    color = build(Input((8, 8, 3)), Conv2D(2, 3))
    view = gn.inspection.weights(color)
    np.testing.assert_array_equal(view.values[1], color.weights_named()["conv2d_1/kernel"][..., 1])
    shown = np.asarray(view.plot().subfigs[0].axes[1].images[0].get_array())
    largest = np.abs(view.values).max()
    np.testing.assert_allclose(shown, 0.5 + view.values[1] / (2 * largest), atol=1e-6)
    steps = build(Input((9, 2)), Conv1D(3, 4))
    view = gn.inspection.weights(steps)
    np.testing.assert_array_equal(
        view.values[2], steps.weights_named()["conv1d_1/kernel"][..., 2].T
    )
    up = build(Input((4, 4, 2)), Conv2DTranspose(3, 2))
    assert gn.inspection.weights(up).values.shape == (3, 2, 2)


@pytest.mark.parametrize("layer", ["depthwise", "separable"])
def test_kernels_of_one_channel_are_pictures(layer):
    """Also those over red, green and blue: each kernel sees one of them."""
    layers = {
        "depthwise": DepthwiseConv2D((3, 2), depth_multiplier=2),
        "separable": SeparableConv2D(5, (3, 2), depth_multiplier=2),
    }
    model = build(Input((8, 8, 3)), layers[layer])
    view = gn.inspection.weights(model)
    (kernel, *_) = model.get_weights()
    assert view.values.shape == (6, 3, 2)
    np.testing.assert_array_equal(view.values[3], kernel[:, :, 1, 1])
    assert view.labels[3] == "channel 1, kernel 1"
    assert view.plot() is not None
    maps = gn.inspection.feature_maps(model, np.ones((8, 8, 3)))
    assert maps.outputs[f"{layer}_conv2d_1"].shape == (6, 7, 6 if layer == "depthwise" else 5)


def test_weights_of_each_step():
    model = build(Input((4, 8, 8, 1)), TimeDistributed(Conv2DTranspose(3, 2)))
    view = gn.inspection.weights(model)
    np.testing.assert_array_equal(view.values[2], model.get_weights()[0][:, :, 2, 0])


@pytest.fixture(scope="module")
def table_model():
    table = pd.DataFrame(
        {
            "age": np.tile([20.5, 31.0, 44.0, 52.5], 5),
            "town": ["a", "b", "c", "a", "b"] * 4,
            "bought": ["no", "yes"] * 10,
        }
    )
    model = gn.Sequential([Dense(2), Dense(1, activation="sigmoid")], seed=0)
    model.fit(table, target="bought", epochs=1, verbose=0)
    return model


def test_weights_of_columns_are_bars(table_model):
    names = table_model.take_snapshot().feature_names
    kernel = np.zeros((len(names), 2), np.float32)
    kernel[names.index("town=b"), 1] = -3
    table_model.set_weights([kernel, *table_model.get_weights()[1:]])
    view = gn.inspection.weights(table_model)
    assert view.title == "dense_1/kernel: the largest weight is -3, town=b to unit 1"
    assert view.inputs == names
    towns = [group for name, group in zip(names, view.groups, strict=True) if "town" in name]
    assert len(set(towns)) == 1 != len(set(view.groups))
    frame = view.to_frame()
    assert frame.loc["town=b", "1"] == -3
    axes = view.plot().subfigs[0].axes
    assert [bar.get_width() for bar in axes[1].patches] == kernel[:, 1].tolist()
    assert [label.get_text() for label in axes[0].get_yticklabels()] == list(names)


def test_only_the_largest_of_many_inputs_and_units_are_drawn():
    model = build(Input(40), Dense(9), Dense(1))
    kernel = np.full((40, 9), 0.01, np.float32)
    kernel[30:] = 1
    kernel[:, [2, 7]] *= 2
    model.set_weights([kernel, *model.get_weights()[1:]])
    view = gn.inspection.weights(model, max_units=2)
    np.testing.assert_array_equal(view.choose_units(), [2, 7])
    assert len(view.choose_inputs()) == MAX_BARS
    assert set(range(30, 40)) <= set(view.choose_inputs().tolist())
    figure = view.plot()
    assert "2 of 9 units, 24 of 40 inputs" in figure.subfigs[0].get_suptitle()
    assert view.values.shape == (9, 40)


def test_units_of_maxout_and_gates():
    model = build(Input(3), Maxout(2, pieces=2))
    view = gn.inspection.weights(model)
    kernel = model.weights_named()["maxout_1/kernel"]
    assert view.labels == ("0, piece 0", "0, piece 1", "1, piece 0", "1, piece 1")
    np.testing.assert_array_equal(view.values[1], kernel[:, 1, 0])
    gates = gn.inspection.weights(build(Input((4, 3)), GRU(2)))
    assert gates.labels == ("z0", "z1", "r0", "r1", "g0", "g1")
    assert list(gates.weights) == ["gru_1/kernel", "gru_1/recurrent_kernel"]


def test_weights_of_words_have_their_names():
    words = gn.layers.TextVectorization(output_sequence_length=2).adapt(["good film", "bad film"])
    model = gn.Sequential([words, Embedding(7, 2), Flatten(), Dense(1)], seed=0)
    model.take_snapshot(np.array(["good film"]))
    view = gn.inspection.weights(model)
    assert view.inputs == ("padding", "[UNK]", *words.get_vocabulary()[2:], "token 5", "token 6")
    kernel = model.weights_named()["embedding_1/embeddings"]
    assert view.to_frame().loc["film", "1"] == kernel[words.get_vocabulary().index("film"), 1]


def test_layers_without_a_kernel_and_the_keras_layout():
    model = build(Input(3), BatchNormalization(), Dense(2))
    assert gn.inspection.weights(model).name == "dense_1/kernel"
    view = gn.inspection.weights(model, "batch_normalization_1")
    assert view.name == "batch_normalization_1/gamma"
    np.testing.assert_array_equal(view.values, [[1, 1, 1]])
    view.plot()
    twin = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    assert gn.inspection.weights(twin).values.shape == (2, 4)


def test_the_text_says_what_every_layer_has():
    model = build(Input(2), Dense(1))
    model.set_weights([[[0.5], [-1.5]], [0.0]])
    text = str(gn.inspection.weights(model))
    assert text.splitlines()[1] == "dense_1/kernel: 2 x 1, mean -0.5, standard deviation 1"


def test_errors():
    weights = gn.inspection.weights
    with pytest.raises(ConfigError, match="Did you mean 'dense_1'"):
        weights(build(Input(2), Dense(1)), "dense1")
    with pytest.raises(ConfigError, match="weights: expected a network with weights"):
        weights(build(Input((2, 2)), Reshape((4,))))
    with pytest.raises(ConfigError, match="max_units to be an int >= 1"):
        weights(build(Input(2), Dense(1)), max_units=0)
    with pytest.raises(NotReadyError):
        weights(build(Dense(1)))
