"""Drawings of networks: the figure's lines, texts and places against the model's own numbers."""

import io
import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError
from glassnet.layers import (
    LSTM,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    MaxPooling2D,
    Parallel,
    Residual,
    TextVectorization,
)
from glassnet.plots import svg
from glassnet.plots.networks import choose_units
from glassnet.plots.style import NEGATIVE_COLOR, POSITIVE_COLOR

TEXTS = ["a good film", "a bad film", "what a film"]
NETWORKS = {
    "784-64-10": [Input(784), Dense(64, activation="relu"), Dense(10, activation="softmax")],
    "one neuron": [Input(1), Dense(1)],
    "convolution": [
        Input((28, 28, 1)),
        Conv2D(4, 3, activation="relu"),
        MaxPooling2D(),
        Flatten(),
        Dropout(0.5),
        Dense(10, activation="softmax"),
    ],
    "LSTM": [Input((12, 1)), LSTM(16), Dense(1)],
    "text": [
        TextVectorization().adapt(TEXTS),
        Embedding(10, 4, mask_zero=True),
        Bidirectional(LSTM(3)),
        Dense(1, activation="sigmoid"),
    ],
    "words": [TextVectorization(output_mode="count").adapt(TEXTS), Dense(1, activation="sigmoid")],
    "branches": [
        Input(16),
        Parallel([[Dense(8, activation="relu"), Dense(4)], [Dense(4)]]),
        Residual([Dense(8, activation="relu"), Dense(8)]),
        Dense(3, activation="softmax"),
    ],
    "21 layers": [Input(4), *(Dense(8, activation="relu") for _ in range(20)), Dense(1)],
    "nested": [
        Input(2),
        Parallel([[Residual([Dense(2), Parallel([[], [Dense(2)]], merge="add")])], [], [Dense(1)]]),
        Dense(1),
    ],
    "only a Dropout": [Input(3), Dropout(0.5)],
}


@pytest.fixture(scope="module")
def drawings():
    """A drawing and a figure of every network, untrained."""
    models = {name: gn.Sequential(layers, seed=0) for name, layers in NETWORKS.items()}
    results = {name: gn.inspection.network_drawing(model) for name, model in models.items()}
    return {name: (models[name], each, each.plot()) for name, each in results.items()}


def read_texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def find_overlaps(figure):
    """Return the pairs of texts whose boxes overlap by more than a fifth of a line."""
    figure.savefig(io.BytesIO(), dpi=figure.dpi)
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    allowed = 0.2 * min(box.height for box in boxes)
    return [
        (a.get_text(), b.get_text())
        for (a, x), (b, y) in itertools.combinations(zip(texts, boxes, strict=True), 2)
        if min(x.x1, y.x1) - max(x.x0, y.x0) > allowed
        and min(x.y1, y.y1) - max(x.y0, y.y0) > allowed
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_texts_do_not_overlap_and_stay_inside(drawings, name):
    """Oracle: the boxes that matplotlib measures for the drawn texts."""
    _, _, figure = drawings[name]
    assert find_overlaps(figure) == []
    width, height = figure.get_size_inches() * figure.dpi
    assert width / figure.dpi <= 13
    for text in figure.axes[0].texts:
        if text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= -1
            assert box.x1 <= width + 1
            assert box.y0 >= -1
            assert box.y1 <= height + 1


def test_overlaps_are_found():
    figure = gn.inspection.network_drawing(gn.Sequential([Input(1), Dense(1)], seed=0)).plot()
    x, y = figure.axes[0].texts[0].get_position()
    figure.axes[0].text(x, y, "over it")
    assert find_overlaps(figure)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_named_with_its_shape_and_weights(drawings, name):
    """Oracle: `model.layers` and `count_params`."""
    model, drawing, figure = drawings[name]
    texts = " ".join(read_texts(figure))
    frame = drawing.to_frame()
    top = frame[~frame.name.str.contains("/")]
    assert list(top.name) == [layer.name for layer in model.layers]
    assert list(top.weights) == [layer.count_params() for layer in model.layers]
    assert list(top.output_shape) == [layer.output_shape for layer in model.layers]
    for layer in model.layers:
        assert layer.name in texts
        assert not layer.count_params() or f"{layer.count_params():,} weight" in texts
    assert drawing.title.endswith(f"{model.count_params():,} weights (untrained)")


def test_lines_are_proportional_to_weights_and_colored_by_sign():
    """Oracle: the kernels that were set by hand, the largest of size 2."""
    model = gn.Sequential([Input(2), Dense(2, activation="tanh"), Dense(1)], seed=0)
    first, last = [[1.0, -2.0], [0.5, 0.0]], [[-1.5], [0.25]]
    model.set_weights([first, [0, 0], last, [0]])
    figure = gn.inspection.network_drawing(model).plot()
    collections = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    for lines, kernel in zip(collections, (first, last), strict=True):
        flat = np.ravel(kernel)
        widths = np.broadcast_to(lines.get_linewidths(), flat.shape)
        np.testing.assert_allclose(widths, 3.0 * np.abs(flat) / 2)
        colors = [to_hex(color).upper() for color in lines.get_colors()]
        for weight, color in zip(flat, colors, strict=True):
            assert weight == 0 or color == (POSITIVE_COLOR if weight > 0 else NEGATIVE_COLOR)
    assert "(widest: 2)" in " ".join(read_texts(figure))
    start, end = collections[0].get_segments()[1]  # from x1 to the second unit: higher to lower
    assert start[1] > end[1]


def test_a_large_layer_shows_the_first_units_and_the_last(drawings):
    """Oracle: 12 places are 10 units, the ellipsis and the last: 784 - 11 = 773 are left out."""
    model, _, figure = drawings["784-64-10"]
    assert {"x1", "x10", "x784", "⋮ 773 more", "⋮ 53 more", "9"} <= set(read_texts(figure))
    assert "x11" not in read_texts(figure)
    np.testing.assert_array_equal(choose_units(784, 12), [*range(10), 783])
    (lines, _) = (c for c in figure.axes[0].collections if isinstance(c, LineCollection))
    kernel = model.params["dense_1"]["kernel"][np.ix_([*range(10), 783], [*range(10), 63])]
    ratio = lines.get_linewidths() / np.abs(kernel.ravel())
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
    small = gn.inspection.network_drawing(model, max_units=3).plot()
    assert {"x1", "⋮ 782 more", "x784"} <= set(read_texts(small))


def test_layers_inside_a_composite_are_drawn_and_listed(drawings):
    _, drawing, figure = drawings["branches"]
    texts = read_texts(figure)
    assert {"parallel_1/dense_3", "residual_1/dense_2", "concat", "+"} <= set(texts)
    frame = drawing.to_frame().set_index("name")
    assert list(frame.loc["parallel_1/dense_2"]) == ["Dense", (4,), 8 * 4 + 4, "", True]
    assert frame.loc["parallel_1/dense_1", "activation"] == "relu"
    assert frame.loc["residual_1", "weights"] == 144


def test_an_empty_branch_has_a_way_of_its_own(drawings):
    """No line of an empty branch crosses a block: its height is that of no text of a block."""
    _, _, figure = drawings["nested"]
    (axes,) = figure.axes
    blocks = [patch.get_path().get_extents(patch.get_patch_transform()) for patch in axes.patches
              if patch.get_facecolor()[3] > 0]  # fmt: skip
    heights = [line.get_ydata()[-1] for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(heights) == 3
    for line, height in zip(axes.lines, heights, strict=False):
        low, high = line.get_xdata()[1:]
        crossed = [b for b in blocks if b.y0 < height < b.y1 and low < b.x0 < b.x1 < high]
        assert crossed == []


def test_columns_and_classes_name_inputs_and_outputs():
    """Oracle: the table. The frozen layer has 3 * 3 + 3 weights."""
    table = pd.DataFrame(
        {
            "age": [20.0, 30.0, 40.0, 50.0, 60.0, 25.0],
            "price $": [1.0, 2.0, 3.0, 5.0, 4.0, 6.0],
            "a very long name of a column": np.arange(6.0),
            "bought": ["no", "yes", "no", "yes", "no", "no"],
        }
    )
    layers = [Dense(3, activation="relu", trainable=False), Dense(1, activation="sigmoid")]
    model = gn.Sequential(layers, seed=0)
    model.fit(table, target="bought", epochs=1, verbose=0)
    drawing = gn.inspection.network_drawing(model)
    assert {"age", "price $", "a very long name…", "P(yes)", "12 weights, frozen"} <= set(
        read_texts(drawing.plot())
    )
    assert drawing.title == "Network of 2 layers, 16 weights, 12 of them frozen"


def test_words_and_texts_are_inputs(drawings):
    _, _, words = drawings["words"]
    assert {"texts", "film", "good", "[UNK]", "6 words"} <= set(read_texts(words))
    _, _, text = drawings["text"]
    assert {"texts", "bidirectional_1/forward_lstm", "P(1)"} <= set(read_texts(text))


def test_it_is_drawn_on_the_users_axes_in_dark_style():
    """Oracle: matplotlib's own dark style."""
    model = keras.Sequential([keras.Input(shape=(2,)), keras.layers.Dense(2)])
    with plt.style.context("dark_background"):
        figure, (left, right) = plt.subplots(1, 2)
        assert gn.inspection.network_drawing(model).plot(ax=left) is figure
        assert {to_hex(text.get_color()) for text in left.texts if text.get_text()} == {"#ffffff"}
        assert not right.texts
    plt.close(figure)


def test_a_page_shows_units_in_the_color_of_its_paper(drawings):
    """Oracle: the SVG. Circles are filled with the page's own color, on light and dark paper."""
    _, drawing, _ = drawings["one neuron"]
    with svg.page_style():
        picture = svg.to_svg(drawing.plot())
    assert picture.count("fill: var(--paper)") == 2
    assert "#000000" not in picture
    assert "currentColor" in picture


def test_a_notebook_shows_the_figure_and_the_layers(drawings):
    _, drawing, _ = drawings["LSTM"]
    html = drawing._repr_html_()
    assert html.count("<img src=") == 1
    assert "lstm_1, LSTM, tanh, (16), 1,152 weights" in html


def test_mistakes_are_said():
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    with pytest.raises(ConfigError, match="max_units to be an int of at least 3"):
        gn.inspection.network_drawing(model, max_units=2)
    with pytest.raises(gn.errors.NotReadyError, match="input"):
        gn.inspection.network_drawing(gn.Sequential([Dense(1)]))
