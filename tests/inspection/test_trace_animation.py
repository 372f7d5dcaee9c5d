"""The animation of a trace: its captions against arithmetic by hand, and the page in Chromium."""

import html
import re

import numpy as np
import pytest

import browser
import glassnet as gn
from glassnet.errors import ConfigError
from glassnet.layers import Conv2D, Dense, Dropout, Flatten, Input

FIGCAPTION = re.compile(r"<figcaption>(.*?)</figcaption>", re.S)


def read_captions(path):
    text = path.read_text(encoding="utf-8")
    return [html.unescape(caption) for caption in FIGCAPTION.findall(text)]


def make_model(layers, loss, optimizer, weights=None):
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizer, loss)
    if weights is not None:
        model.set_weights(weights)
    return model


@pytest.fixture(scope="module")
def line():
    """One neuron, a = z = 3 x - 1, half squared error, eta 0.1."""
    layers = [Input(1), Dense(1)]
    return make_model(layers, "half_mean_squared_error", gn.optimizers.SGD(0.1), [[[3]], [-1]])


def test_one_row_by_hand(line, tmp_path):
    """z = 3 * 2 - 1 = 5; L = (4 - 5)^2 / 2 = 0.5; delta = 5 - 4 = 1; dL/dw = 1 * 2 = 2.

    w <- 3 - 0.1 * 2 = 2.8, and b <- -1 - 0.1 = -1.1.
    """
    line.trace([[2.0]], [4.0]).animate(tmp_path / "cycle.html")
    assert read_captions(tmp_path / "cycle.html") == [
        "Input: x = (2)\nThe weights are those before the update.",
        "Forward: dense_1 computes z = w x + b\nneuron 0: z = 3·2 + (-1) = 5",
        "Loss: HalfMeanSquaredError, target y = 4\nL = ½ (y - a)² = ½ (4 - 5)² = 0.5",
        "Backward: δ = dL/dz of dense_1\nneuron 0: δ = dL/dz = 1",
        "Backward: dL/dw = δ x and dL/db = δ of dense_1\nneuron 0: dL/dw: 1·2 = 2; dL/db = 1",
        "Update: w ← w - η dL/dw with η = 0.1\ndense_1/kernel[0, 0]: 3 - 0.1·2 = 2.8",
    ]
    page = (tmp_path / "cycle.html").read_text(encoding="utf-8")
    assert {"w = 3", "w = 2.8", "b = -1.1"} <= set(re.findall(r">([wb] = [^<]*)</text>", page))
    assert "://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)


def test_several_rows_are_averaged(line, tmp_path):
    """Rows x = 2, 0 and y = 4, 2: dL/dw is 1 * 2 = 2 and (-1 - 2) * 0 = 0; their mean is 1.

    The losses are 1/2 and 9/2, so their mean is 2.5. w <- 3 - 0.1 * 1 = 2.9.
    """
    line.trace([[2.0], [0.0]], [4.0, 2.0]).animate(tmp_path / "cycle.html", row=1)
    captions = read_captions(tmp_path / "cycle.html")
    assert "neuron 0: z = 3·0 + (-1) = -1" in captions[1]
    assert "L = ½ (y - a)² = ½ (2 - (-1))² = 4.5\nmean over 2 rows: 2.5" in captions[2]
    assert captions[3].endswith("δ = dL/dz = -3")
    assert captions[-2].endswith("dense_1, neuron 0, input 0: dL/dw = (2 + 0) / 2 = 1")
    assert captions[-1].endswith("3 - 0.1·1 = 2.9")


def test_the_lectures_chain_rule_is_in_the_captions(tmp_path):
    """Oracle: lecture 003 in float64: delta4 = delta f6'(e) w46, dL/dw = delta f'(e) x."""
    layers = [Input(2), Dense(2, activation="sigmoid"), Dense(1, activation="sigmoid")]
    w1, w2 = np.array([[0.5, -1.0], [1.5, 0.25]]), np.array([[2.0], [-0.5]])
    weights = [w1, [0.1, -0.2], w2, [0.3]]
    model = make_model(layers, "half_mean_squared_error", "sgd", weights)
    x, y = np.array([1.0, 2.0]), 1.0
    z1 = x @ w1 + [0.1, -0.2]
    a1 = 1 / (1 + np.exp(-z1))
    a2 = 1 / (1 + np.exp(-(a1 @ w2 + 0.3)))
    da2 = -(y - a2[0])
    dz2 = da2 * a2[0] * (1 - a2[0])
    da1 = dz2 * w2[:, 0]
    dz1 = da1 * a1 * (1 - a1)
    model.trace(x[None], [y]).animate(tmp_path / "cycle.html")
    captions = read_captions(tmp_path / "cycle.html")
    headings = [caption.split("\n")[0] for caption in captions]
    kinds = [heading.split(":")[0] for heading in headings]
    assert kinds == ["Input", *["Forward"] * 4, "Loss", *["Backward"] * 6, "Update"]

    def results(k):
        """Return the result at the end of each line of a caption."""
        return [float(line.split(" = ")[-1]) for line in captions[k].split("\n")[1:]]

    expected = [z1, a1, [a1 @ w2[:, 0] + 0.3], a2, [0.5 * (y - a2[0]) ** 2], [da2], [dz2]]
    for k, values in enumerate(expected, start=1):
        np.testing.assert_allclose(results(k), values, rtol=6e-4)
    np.testing.assert_allclose(results(9), da1, rtol=6e-4)
    np.testing.assert_allclose(results(10), dz1, rtol=6e-4)
    numbers = re.findall(r"= (-?[\d.]+)", captions[11])
    own = np.concatenate([[d * x[0], d * x[1], d] for d in dz1])
    np.testing.assert_allclose([float(number) for number in numbers], own, rtol=6e-4)


def test_dropout_softmax_and_another_optimizer(tmp_path):
    """Oracles: the trace's own masks; dL/dz = p - y (lecture 001)."""
    layers = [Input(2), Dense(4, activation="tanh"), Dropout(0.5), Dense(2, activation="softmax")]
    model = make_model(layers, "sparse_categorical_crossentropy", "adam")
    trace = model.trace([[1.0, 2.0]] * 4, [1, 0, 1, 0], training=True)
    row = int(np.argmin((trace["dropout_1"].output == 0).sum(1) == 0))
    dropped = trace["dropout_1"].output[row] == 0
    assert dropped.any()
    trace.animate(tmp_path / "cycle.html", row=row)
    captions = read_captions(tmp_path / "cycle.html")
    lines = captions[2].split("\n")[1:]
    assert [line.endswith("(dropped)") for line in lines] == list(dropped)
    p = trace.output[row]
    target = [1, 0][row % 2]
    text = f"-log(p of class {target}) = -log({gn.formatting.format_number(p[target])})"
    assert text in captions[5]
    for j, line in enumerate(captions[6].split("\n")[1:]):
        assert line.startswith(f"neuron {j}: δ = p - y = {gn.formatting.format_number(p[j])} - ")
        assert float(line.split()[-1]) == pytest.approx(p[j] - (j == target), rel=1e-3)
    assert captions[-1].startswith("Update: w ← w + the step of Adam at rate 0.001")


def test_larger_networks_show_formulas_and_ranges(tmp_path):
    layers = [Input((4, 4, 1)), Conv2D(2, 3, activation="relu"), Flatten(), Dense(1)]
    model = make_model(layers, "mse", "sgd")
    trace = model.trace(np.random.default_rng(0).normal(size=(2, 4, 4, 1)), [1.0, 2.0])
    trace.animate(tmp_path / "cycle.html")
    captions = read_captions(tmp_path / "cycle.html")
    kinds = [re.split("[ :]", caption)[0] for caption in captions]
    assert kinds == ["Input", *["Forward"] * 3, "Loss", *["Backward"] * 3, "Update"]
    assert captions[1].startswith("Forward through conv2d_1: z = x * W + b, 3x3 windows, then a = ")
    low, high = (gn.formatting.format_number(v, 3) for v in (
        trace["dense_1"].d_params["kernel"].min(), trace["dense_1"].d_params["kernel"].max()
    ))  # fmt: skip
    assert f"dL/dW 8×1: {low} … {high}" in captions[5]


def test_the_path_is_checked_before_the_work(line, tmp_path, monkeypatch):
    trace = line.trace([[2.0]], [4.0])
    monkeypatch.setattr("glassnet.inspection.trace.cycle.write_cycle", None)
    for path, message in (
        (tmp_path / "cycle.gif", "ending in .html"),
        (tmp_path / "missing" / "cycle.html", "No such file or directory"),
    ):
        with pytest.raises(ConfigError, match=message):
            trace.animate(path)
    with pytest.raises(ConfigError, match="a row from 0 to 0"):
        trace.animate(tmp_path / "cycle.html", row=3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_chromium_shows_the_numbers_of_each_step(line, tmp_path):
    """Oracle: Chromium. In step 2, z is shown and delta is not; in the last, w is 2.8."""
    path = tmp_path / "cycle.html"
    line.trace([[2.0]], [4.0]).animate(path)
    script = """
    const seen = () => [...document.querySelectorAll("svg text")]
      .filter(text => text.getClientRects().length).map(text => text.textContent);
    const steps = frames.map((_, i) => { show(i); return seen(); });
    send(steps);
    """
    problems, steps = browser.run_script(path, tmp_path, script)
    assert problems == []
    assert "z = 5" in steps[1]
    assert not {"δ = 1", "L = 0.5", "dL/dw = 2"} & set(steps[1])
    assert "w = 3" in steps[4]
    assert "dL/dw = 2" in steps[4]
    assert "w = 3" not in steps[5]
    assert {"w = 2.8", "b = -1.1", "δ = 1", "L = 0.5"} <= set(steps[5])
    assert all(len(step) == len(set(step)) for step in steps)
