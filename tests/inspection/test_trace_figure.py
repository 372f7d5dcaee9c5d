"""The figure of a trace: its texts, lines and places against backpropagation by hand."""

import io
import itertools
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.path import Path as Polygon

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError
from glassnet.layers import (
    LSTM,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Normalization,
    Residual,
    TextVectorization,
)
from glassnet.plots.style import NEGATIVE_COLOR, POSITIVE_COLOR

NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*\.?\d*(?:e[+-]\d+)?")
X, Y = np.array([0.3, -0.8]), 1.0


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def lecture():
    """Lecture 003: 2-3-2-1, sigmoid, J = 1/2 (y - yhat)^2, gradient descent."""
    layers = [Input(2), *(Dense(n, activation="sigmoid") for n in (3, 2, 1))]
    model = gn.Sequential(layers, seed=3)
    model.compile(gn.optimizers.SGD(0.5), "half_mean_squared_error")
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def make_model(layers, loss="binary_crossentropy", optimizer="sgd"):
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizer, loss)
    return model


def read_texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def read_numbers(figure, symbol):
    """Return the numbers of all texts `symbol = number`, in the order of drawing."""
    texts = [text for text in read_texts(figure) if text.startswith(f"{symbol} = ")]
    return [float(NUMBER.search(text)[0].replace(",", "")) for text in texts]


def same_digits(drawn, expected, digits=4):
    """Assert that numbers equal others up to rounding to a number of significant digits."""
    np.testing.assert_allclose(
        drawn, np.ravel(expected), rtol=0.6 * 10.0 ** (1 - digits), atol=1e-9
    )


def find_overlaps(figure):
    """Return the pairs of texts whose boxes overlap. Turned boxes are compared as they lie."""
    figure.savefig(io.BytesIO(), dpi=figure.dpi)
    boxes = []
    for text in figure.axes[0].texts:
        if text.get_text():
            angle = np.radians(text.get_rotation())
            middle = np.array(text.get_window_extent().get_points()).mean(0)
            text.set_rotation(0)
            size = np.array(text.get_window_extent().size)
            text.set_rotation(np.degrees(angle))
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            corners = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * size * (0.5, 0.4)
            boxes.append((text.get_text(), Polygon([*(corners @ turn + middle)], closed=False)))
    return [
        (a, b)
        for (a, x), (b, y) in itertools.combinations(boxes, 2)
        if x.intersects_path(y, filled=True)
    ]


def test_the_numbers_are_the_lectures(lecture):
    """Oracle: backpropagation by hand in float64, lecture 003; w' = w - eta dJ/dw is not drawn."""
    w1, b1, w2, b2, w3, b3 = (w.astype(np.float64) for w in lecture.get_weights())
    z1 = X @ w1 + b1
    z2 = sigmoid(z1) @ w2 + b2
    z3 = sigmoid(z2) @ w3 + b3
    a1, a2, a3 = sigmoid(z1), sigmoid(z2), sigmoid(z3)
    da3 = -(Y - a3)  # the lecture's delta = -(y - yhat)
    dz3 = da3 * a3 * (1 - a3)
    da2 = w3 @ dz3  # delta4 = delta f6'(e) w46
    dz2 = da2 * a2 * (1 - a2)
    da1 = w2 @ dz2  # delta1 = delta4 f4'(e) w14 + delta5 f5'(e) w15
    dz1 = da1 * a1 * (1 - a1)
    figure = lecture.trace(X[None], [Y]).plot()
    same_digits(read_numbers(figure, "x1") + read_numbers(figure, "x2"), X)
    same_digits(read_numbers(figure, "z"), [*z1, *z2, *z3])
    same_digits(read_numbers(figure, "a"), [*a1, *a2, *a3])
    same_digits(read_numbers(figure, "b"), [*b1, *b2, *b3])
    same_digits(read_numbers(figure, "δ"), [*dz1, *dz2, *dz3])
    same_digits(read_numbers(figure, "dL/da"), [*da1, *da2, *da3])
    same_digits(read_numbers(figure, "dL/db"), [*dz1, *dz2, *dz3])
    same_digits(read_numbers(figure, "w"), [*w1.ravel(), *w2.ravel(), *w3.ravel()], 3)
    d_w = [np.outer(X, dz1), np.outer(a1, dz2), np.outer(a2, dz3)]
    same_digits(read_numbers(figure, "dL/dw"), np.concatenate([d.ravel() for d in d_w]), 3)
    same_digits(read_numbers(figure, "L"), [0.5 * (Y - a3[0]) ** 2])
    assert "target y = 1" in read_texts(figure)
    assert read_texts(figure)[0].endswith("(untrained)")


def test_one_neuron_of_lecture_001():
    """Lecture 001: w = (0, 1), b = 4, x = (2, 3): z = 7, and sigmoid(7) = 0.99909."""
    model = make_model([Input(2), Dense(1, activation="sigmoid")])
    model.set_weights([[[0], [1]], [4]])
    texts = read_texts(model.trace([[2, 3]], [1]).plot())
    assert {"x1 = 2", "x2 = 3", "w = 0", "w = 1", "b = 4", "z = 7", "p = 0.9991"} <= set(texts)


@pytest.mark.parametrize("sizes", [(2, 2, 1), (2, 3, 1), (3, 4, 2), (1, 1, 1), (8, 3, 2)])
def test_no_two_texts_overlap(sizes):
    """Oracle: the boxes that matplotlib measures for the drawn texts."""
    n, hidden, last = sizes
    loss = "sparse_categorical_crossentropy" if last > 1 else "binary_crossentropy"
    end = Dense(last, activation="softmax" if last > 1 else "sigmoid")
    model = make_model([Input(n), Dense(hidden, activation="tanh"), end], loss)
    x = np.random.default_rng(1).normal(size=(1, n)) * 1234
    figure = model.trace(x, [1]).plot()
    assert len(read_numbers(figure, "dL/dw")) == n * hidden + hidden * last
    assert find_overlaps(figure) == []
    assert figure.get_size_inches()[0] < 16


def test_overlaps_are_found(lecture):
    figure = lecture.trace(X[None], [Y]).plot()
    text = next(text for text in figure.axes[0].texts if text.get_text().startswith("w = "))
    figure.axes[0].text(*text.get_position(), "over it")
    assert find_overlaps(figure)


def test_lines_are_proportional_to_weights_and_colored_by_sign():
    """Oracle: weights set by hand; the largest of a layer, 2, is 3 points wide."""
    model = make_model([Input(2), Dense(2), Dense(1)], "mse")
    kernel = [[1.0, -2.0], [0.5, 0.0]]
    model.set_weights([kernel, [0, 0], [[4.0], [-1.0]], [0]])
    figure = model.trace([[1.0, 2.0]], [1.0]).plot()
    collections = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    first, last = (c for c in collections if len(c.get_linewidths()) > 1)
    np.testing.assert_allclose(first.get_linewidths(), [1.5, 3.0, 0.75, 0.0])
    np.testing.assert_allclose(last.get_linewidths(), [3.0, 0.75])
    colors = [to_hex(color).upper() for color in first.get_colors()]
    assert colors[:3] == [POSITIVE_COLOR, NEGATIVE_COLOR, POSITIVE_COLOR]


@pytest.fixture(scope="module")
def dropping():
    """A trace of a training step with Dropout, of four rows."""
    layers = [Input(2), Dense(4, activation="tanh"), Dropout(0.5), Dense(1, activation="sigmoid")]
    model = make_model(layers)
    return model.trace([[1, 2], [1, 1], [3, 1], [2, 2]], [1, 0, 1, 0], training=True)


@pytest.mark.parametrize("row", range(4))
def test_dropped_units_are_crossed_out(dropping, row):
    """Oracle: the trace. tanh is not 0 here, so an output of 0 is dropped; a cross is 2 lines."""
    output = dropping["dropout_1"].output[row]
    figure = dropping.plot(row=row)
    crosses = [line for line in figure.axes[0].lines if to_hex(line.get_color()) == "#d6604d"]
    assert len(crosses) == 2 * np.sum(output == 0)
    same_digits(read_numbers(figure, "y"), output)
    names = [text for text in figure.axes[0].texts if text.get_text().startswith("neuron ")]
    tops = sorted({max(line.get_ydata()) for line in crosses}, reverse=True)
    for top, unit in zip(tops, np.flatnonzero(output == 0), strict=True):
        assert 0 < top - names[unit].get_position()[1] < 0.2


def test_a_dead_unit_is_not_taken_for_a_dropped_one():
    """ReLU outputs 0 for a negative z, kept or dropped: the cross shows the mask, not the output."""
    layers = [Input(1), Dense(3, activation="relu"), Dropout(0.001), Dense(1, activation="sigmoid")]
    model = make_model(layers)
    model.set_weights([[[-1.0, -1.0, 1.0]], [0, 0, 0], np.ones((3, 1)), [0]])
    figure = model.trace([[1.0]], [1], training=True).plot()
    assert read_numbers(figure, "y") == [0, 0, pytest.approx(1.001, abs=1e-3)]
    assert not figure.axes[0].lines


def test_inference_drops_nothing(dropping):
    layers = [Input(2), Dense(3, activation="tanh"), Dropout(0.9), Dense(1, activation="sigmoid")]
    figure = make_model(layers).trace([[1.0, 2.0]], [1]).plot()
    assert not figure.axes[0].lines


def test_a_row_or_the_mean_of_several(lecture):
    """Oracle: the trace; derivatives of the mean loss add up over the rows to dL/db."""
    trace = lecture.trace([[0.3, -0.8], [1.0, 2.0]], [1.0, 0.0])
    second, mean = trace.plot(row=1), trace.plot(row="mean")
    same_digits(read_numbers(second, "z")[:3], trace["dense_1"].output[1])
    same_digits(read_numbers(second, "δ")[:3], trace["dense_1"].delta[1])
    same_digits(read_numbers(mean, "z")[:3], trace["dense_1"].output.mean(0))
    same_digits(read_numbers(mean, "δ"), read_numbers(mean, "dL/db"))
    for figure in (second, mean):
        same_digits(read_numbers(figure, "dL/dw")[:6], trace["dense_1"].d_params["kernel"], 3)
    texts = " ".join(read_texts(second))
    assert "Row 1 of 2; derivatives are of the mean loss of all 2 rows." in texts
    assert "Values are means over 2 rows" in " ".join(read_texts(mean))
    same_digits(read_numbers(second, "L"), trace.unreduced_loss[1])


@pytest.mark.parametrize("row", [2, -1, "first", 0.5])
def test_an_unknown_row_is_said(lecture, row):
    with pytest.raises(ConfigError, match='row from 0 to 0, or "mean"'):
        lecture.trace(X[None], [Y]).plot(row=row)


def test_columns_labels_frozen_layers_and_penalties():
    """Oracle: the table, and the loss without its penalty, the row's own."""
    table = pd.DataFrame(
        {"age $": [20.0, 30.0, 40.0, 50.0], "fare": [1.0, 2, 4, 3], "kind": ["no", "yes"] * 2}
    )
    frozen = Dense(2, activation="tanh", trainable=False)
    last = Dense(1, activation="sigmoid", kernel_regularizer="l2")
    model = gn.Sequential([frozen, last], seed=0)
    model.fit(table, target="kind", epochs=1, verbose=0)
    trace = model.trace(table[:1])
    figure = trace.plot()
    texts = read_texts(figure)
    assert {"age $", "fare", "P(yes)", "frozen", "target y = 0 (no)"} <= set(texts)
    assert texts.count("frozen") == 4 + 2
    penalty = float(trace.loss - trace.unreduced_loss[0])
    assert f"with penalty {gn.formatting.format_number(penalty)}" in texts
    assert "dL/dw includes the penalty." in " ".join(texts)
    assert "untrained" not in texts[0]


def test_integers_and_layers_before_the_first_weights():
    """Oracle: Normalization by hand: mean 20, deviation 10."""
    layers = [Input(1), Normalization().adapt([[10.0], [30.0]]), Dense(1)]
    figure = make_model(layers, "mse").trace(np.array([[40]], np.uint8), [1.0]).plot()
    assert {"x = 40", "y = 2"} <= set(read_texts(figure))


def test_numbers_that_are_not_finite_are_drawn(tmp_path):
    """Oracle: 3e38 * 2 is beyond float32. Warnings are errors in the tests."""
    model = make_model([Input(1), Dense(2), Dense(1)], "mse")
    model.set_weights([[[2.0, 1.0]], [0, 0], [[1.0], [1.0]], [0]])
    trace = model.trace([[3e38]], [1.0])
    assert {"z = inf", "z = 3e+38", "L = inf"} <= set(read_texts(trace.plot()))
    trace.animate(tmp_path / "cycle.html")


BLOCKS = {
    "wide": ([Input(64), Dense(32, activation="relu"), Dense(10, activation="softmax")], (64,)),
    "convolution": (
        [Input((6, 6, 1)), Conv2D(2, 3, activation="relu"), Flatten(),
         Residual([Dense(32, activation="relu")]), Dense(3, activation="softmax")],
        (6, 6, 1),
    ),
    "recurrent": ([Input((5, 1)), LSTM(3), Dense(3, activation="softmax")], (5, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", BLOCKS)
def test_larger_networks_show_ranges(name):
    """Oracle: the smallest and largest number of the trace's arrays."""
    layers, shape = BLOCKS[name]
    model = make_model(layers, "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(2, *shape))
    trace = model.trace(x, [1, 2])
    figure = trace.plot(row=1)
    assert find_overlaps(figure) == []
    assert figure.get_size_inches()[0] <= 14
    texts = read_texts(figure)
    last = trace["dense_1" if name != "wide" else "dense_2"]
    for symbol, array in [
        ("z", last.output[1]),
        ("δ", last.delta[1]),
        ("W", last.params["kernel"]),
    ]:
        low, high = (gn.formatting.format_number(v, 3) for v in (array.min(), array.max()))
        shown = f"{symbol} {'×'.join(map(str, array.shape))}: {low} … {high}"
        assert shown in texts
    assert f"L = {gn.formatting.format_number(trace.loss)}, mean of 2 rows" in texts
    assert not [text for text in texts if text.startswith("w = ")]


def test_words_are_inputs():
    texts = ["a good film", "a bad film", "what a film"]
    text = TextVectorization().adapt(texts)
    model = make_model(
        [
            text,
            Embedding(8, 2, mask_zero=True),
            GlobalAveragePooling1D(),
            Dense(1, activation="sigmoid"),
        ]
    )
    assert "a good film" in read_texts(model.trace(texts[:1], [1]).plot())
    bag = TextVectorization(output_mode="count").adapt(texts)
    model = make_model([bag, Dense(1, activation="sigmoid")])
    figure = model.trace(["a good good film"], [1]).plot()
    assert {"good", "what", "[UNK]"} <= set(read_texts(figure))
    assert read_numbers(figure, "x") == [0, 1, 1, 0, 2, 0]


def test_it_is_drawn_on_the_users_axes_in_dark_style():
    model = keras.Sequential([keras.Input(shape=(2,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with plt.style.context("dark_background"):
        figure, (left, right) = plt.subplots(1, 2)
        assert model.trace([[1.0, 2.0]], [[0.0, 1.0]]).plot(ax=left) is figure
        assert {to_hex(text.get_color()) for text in left.texts if text.get_text()} == {"#ffffff"}
        assert not right.texts
    plt.close(figure)
