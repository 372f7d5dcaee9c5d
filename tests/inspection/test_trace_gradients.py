"""Every gradient that a trace prints, against finite differences of what its row is labelled."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import glassnet as gn
from glassnet.layers import (
    LSTM,
    BatchNormalization,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Input,
    MaxPooling2D,
    Residual,
    SimpleRNN,
)

STEP = 1e-5
NUMBER = r"-?\d[\d,]*\.?\d*(?:e[+-]\d+)?"


class Tape:
    """A forward pass in NumPy whose every quantity can be moved by a small step."""

    def __init__(self, params):
        self.params, self.values, self.taps = params, {}, {}

    def __call__(self, section, symbol, value):
        value = np.asarray(value, np.float64)
        self.values[section, symbol] = value
        return value + self.taps.get((section, symbol), 0.0)

    def dense(self, section, x):
        w, b = (self.params[section][key] for key in ("kernel", "bias"))
        return self(section, "z", x @ self(section, "W", w) + self(section, "b", b))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(z, y):
    return -np.log(softmax(z)[np.arange(len(y)), y]).mean()


def binary_cross_entropy(z, y):
    return (np.logaddexp(0, z[:, 0]) - y * z[:, 0]).mean()


def sigmoid_and_bce(tape, x, y):
    a = tape("dense_1.sigmoid", "a", sigmoid(tape.dense("dense_1", tape("", "x", x))))
    return binary_cross_entropy(tape.dense("dense_2", a), y)


def softmax_and_ce_with_penalty(tape, x, y):
    a = tape("dense_1.tanh", "a", np.tanh(tape.dense("dense_1", tape("", "x", x))))
    loss = cross_entropy(tape.dense("dense_2", a), y)
    w = tape.params["dense_1"]["kernel"] + tape.taps.get(("dense_1", "W"), 0)
    return loss + 0.01 * (w**2).sum()


def linear_and_mse(tape, x, y):
    a = tape("dense_1.relu", "a", np.maximum(tape.dense("dense_1", tape("", "x", x)), 0))
    return ((tape.dense("dense_2", a)[:, 0] - y) ** 2).mean()


def softmax_and_mse(tape, x, y):
    p = tape("dense_1.softmax", "a", softmax(tape.dense("dense_1", tape("", "x", x))))
    return ((p - y) ** 2).mean()


def convolution(tape, x, y):
    x = tape("", "x", x)
    w, b = (tape.params["conv2d_1"][key] for key in ("kernel", "bias"))
    w, b = tape("conv2d_1", "W", w), tape("conv2d_1", "b", b)
    windows = np.lib.stride_tricks.sliding_window_view(x[..., 0], (3, 3), axis=(1, 2))
    z = tape("conv2d_1", "z", np.einsum("nijkl,klf->nijf", windows, w[:, :, 0]) + b)
    a = tape("conv2d_1.relu", "a", np.maximum(z, 0))
    pooled = a.reshape(len(a), 1, 2, 1, 2, -1).max((2, 4))
    flat = tape("max_pooling2d_1", "y", pooled).reshape(len(a), -1)
    return cross_entropy(tape.dense("dense_1", tape("flatten_1", "y", flat)), y)


def simple_rnn(tape, x, y):
    x, h = tape("", "x", x), np.zeros((len(x), 2))
    w, u, b = (
        tape("simple_rnn_1", symbol, tape.params["simple_rnn_1"][key])
        for key, symbol in (("kernel", "W"), ("recurrent_kernel", "U"), ("bias", "b"))
    )
    for t in range(x.shape[1]):
        h = tape("simple_rnn_1", f"h{t + 1}", np.tanh(x[:, t] @ w + h @ u + b))
    h = tape("simple_rnn_1", "h", h)
    return binary_cross_entropy(tape.dense("dense_1", h), y)


def embedding_and_lstm(tape, x, y):
    tape("", "x", x)
    table = tape("embedding_1", "embeddings", tape.params["embedding_1"]["embeddings"])
    x = tape("embedding_1", "y", table[np.asarray(x, int)])
    w, u, b = (
        tape("lstm_1", symbol, tape.params["lstm_1"][key])
        for key, symbol in (("kernel", "W"), ("recurrent_kernel", "U"), ("bias", "b"))
    )
    h = c = np.zeros((len(x), 2))
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w + h @ u + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = tape("lstm_1", f"h{t + 1}", sigmoid(o) * np.tanh(c))
    return ((tape.dense("dense_1", tape("lstm_1", "h", h))[:, 0] - y) ** 2).mean()


def residual_and_batch_normalization(tape, x, y):
    x = tape("", "x", x)
    name = "residual_1/dense_1"
    a = tape(f"{name}.tanh", "a", np.tanh(tape.dense(name, x)))
    r = tape("residual_1", "y", x + a)
    params = tape.params["batch_normalization_1"]
    gamma, beta = (tape("batch_normalization_1", key, params[key]) for key in ("gamma", "beta"))
    n = tape("batch_normalization_1", "y", gamma * r / np.sqrt(1 + 1e-3) + beta)
    return ((tape.dense("dense_1", n)[:, 0] - y) ** 2).mean()


NETWORKS = {
    "sigmoid, binary cross-entropy": (
        sigmoid_and_bce,
        [Input(2), Dense(2, activation="sigmoid"), Dense(1, activation="sigmoid")],
        "binary_crossentropy",
        ((3, 2), [1, 0, 1]),
    ),
    "softmax, cross-entropy, penalty": (
        softmax_and_ce_with_penalty,
        [
            Input(3),
            Dense(4, activation="tanh", kernel_regularizer="l2"),
            Dense(3, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
        ((2, 3), [2, 0]),
    ),
    "linear, squared error": (
        linear_and_mse,
        [Input(2), Dense(4, activation="relu"), Dense(1)],
        "mean_squared_error",
        ((2, 2), [2.0, -1.0]),
    ),
    "softmax, squared error": (
        softmax_and_mse,
        [Input(2), Dense(3, activation="softmax")],
        "mean_squared_error",
        ((1, 2), [[0.0, 1.0, 0.0]]),
    ),
    "convolution": (
        convolution,
        [
            Input((4, 4, 1)),
            Conv2D(2, 3, activation="relu"),
            MaxPooling2D(),
            Flatten(),
            Dense(3, activation="softmax"),
        ],
        "sparse_categorical_crossentropy",
        ((1, 4, 4, 1), [2]),
    ),
    "simple recurrent": (
        simple_rnn,
        [Input((3, 2)), SimpleRNN(2), Dense(1, activation="sigmoid")],
        "binary_crossentropy",
        ((1, 3, 2), [1]),
    ),
    "ids, LSTM": (
        embedding_and_lstm,
        [Input(3), Embedding(5, 2), LSTM(2), Dense(1)],
        "mean_squared_error",
        (np.array([[1, 2, 4]]), [2.0]),
    ),
    "residual, batch normalization": (
        residual_and_batch_normalization,
        [Input(2), Residual([Dense(2, activation="tanh")]), BatchNormalization(), Dense(1)],
        "mean_squared_error",
        ((2, 2), [2.0, -1.0]),
    ),
}


def differentiate(forward, params, x, y):
    """Return the loss and the central differences of it by each quantity, in float64."""
    params = {
        name: {key: np.asarray(value, np.float64) for key, value in group.items()}
        for name, group in params.items()
    }
    tape = Tape(params)
    loss, derivatives = forward(tape, x, y), {}
    for key, value in dict(tape.values).items():
        derivatives[key] = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            losses = []
            for step in (STEP, -STEP):
                tape.taps = {key: np.zeros_like(value)}
                tape.taps[key][index] = step
                losses.append(forward(tape, x, y))
            derivatives[key][index] = (losses[0] - losses[1]) / (2 * STEP)
        tape.taps = {}
    return loss, derivatives


def read_screen(text):
    """Return the numbers of the column of derivatives by section and symbol."""
    lines = text.split("\n")
    head = next(i for i, line in enumerate(lines) if "forward ↓" in line)
    start, end = lines[head].index("dL/d·"), lines[head].index("SGD at")
    section, symbol, cells = "", "", {}
    for line in lines[head + 1 :]:
        if line.startswith("─"):
            section = line.split()[1]
            continue
        symbol = line[: lines[head].index("forward")].strip() or symbol
        cells.setdefault((section, symbol.removesuffix("ᵀ")), []).append(line[start:end])
    return {key: read_numbers(" ".join(texts)) for key, texts in cells.items()}


def read_numbers(text):
    """Return the numbers of a cell; of a range `2x3: -1 to 1`, its two ends."""
    return [float(n.replace(",", "")) for n in re.findall(NUMBER, text.split(": ")[-1])]


class Page(HTMLParser):
    """The cells of derivatives of a trace in HTML, by section and symbol."""

    def __init__(self, page):
        super().__init__()
        self.depth, self.section, self.rows, self.is_title, self.cells = 0, "", [], False, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.depth += tag == "table"
        if tag == "tr" and self.depth == 1:
            self.rows, self.is_title = [], ("class", "gn-link") in attributes
        if tag in ("td", "th") and self.depth == 1:
            self.rows.append("")

    def handle_endtag(self, tag):
        self.depth -= tag == "table"
        if tag != "tr" or self.depth != 1:
            return
        if self.is_title:
            self.section = self.rows[0]
        elif self.rows[0]:
            symbol, _, derivative, *_ = [*self.rows, "", ""]
            self.cells[self.section, symbol.removesuffix("ᵀ")] = read_numbers(derivative)

    def handle_data(self, data):
        if self.rows:
            self.rows[-1] += f"{data} "
            self.rows[0] = self.rows[0].strip()


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    """A trace, and the finite differences of its loss by every quantity."""
    forward, layers, loss, (x, y) = NETWORKS[request.param]
    model = gn.Sequential(layers, seed=4)
    model.compile(gn.optimizers.SGD(0.1), loss)
    rng = np.random.default_rng(3)
    x = x if isinstance(x, np.ndarray) else rng.normal(size=x)
    trace = model.trace(x, y)
    want_loss, derivatives = differentiate(forward, model.params, x, np.array(y))
    assert trace.loss == pytest.approx(want_loss, rel=1e-5)
    return trace, derivatives


def check(numbers, want, what):
    if len(numbers) != want.size:  # shown by its range
        assert len(numbers) == 2, what
        want = np.array([want.min(), want.max()])
    np.testing.assert_allclose(numbers, want.ravel(), rtol=0.05, atol=2e-4, err_msg=str(what))


@pytest.mark.parametrize(
    "read", [lambda t: read_screen(str(t)), lambda t: Page(t._repr_html_()).cells]
)
def test_each_row_of_the_table_is_the_derivative_of_its_symbol(case, read):
    """Oracle: finite differences of a NumPy loop in float64."""
    trace, derivatives = case
    shown = read(trace)
    for key, numbers in shown.items():
        if key[1] in ("p", "moving_mean", "moving_variance") or (
            key == ("", "x") and "embedding_1" in {link.name for link in trace.links}
        ):
            assert numbers == [], key  # no derivative is computed
        else:
            check(numbers, derivatives[key], key)
    steps = {key for key in derivatives if re.fullmatch(r"h\d", key[1])}
    assert derivatives.keys() - steps <= shown.keys()


def test_each_line_of_a_neuron_is_what_it_is_called(case):
    """Oracle: finite differences: dL/da, delta = dL/dz, dL/dw and dL/db by their names."""
    trace, derivatives = case
    for name in {key[0] for key in derivatives if "dense" in key[0]}:
        if name not in {link.name for link in trace.links} or "." in name:
            continue
        link = trace[name]
        for unit in range(link.output.shape[1]):
            text = re.sub(r"\n {6}", " ", trace.neuron(name, unit))
            numbers = dict(
                re.findall(rf"  (delta|dL/da) = .*?({NUMBER})(?:   .*| \(of.*)?$", text, re.M)
            )
            check([float(numbers["delta"])], derivatives[name, "z"][0, unit], name)
            if "dL/da" in numbers:
                (activation,) = (n for n in trace.links if n.name.startswith(f"{name}."))
                check([float(numbers["dL/da"])], derivatives[activation.name, "a"][0, unit], name)
            if len(trace.x) == 1:
                for i, value in re.findall(rf"dL/dw(\d+) = .* = ({NUMBER})$", text, re.M):
                    check([float(value)], derivatives[name, "W"][int(i), unit], name)
                (value,) = re.findall(rf"dL/db = delta = ({NUMBER})$", text, re.M)
                check([float(value)], derivatives[name, "b"][unit], name)


def test_links_and_json_hold_the_same_derivatives(case):
    """Oracle: finite differences. delta is dL/dz of a layer and of its activation."""
    trace, derivatives = case
    for link, exported in zip(trace.links, trace.to_dict()["links"], strict=True):
        symbol = {"Activation": "a", "LSTM": "h", "SimpleRNN": "h"}.get(type(link.link).__name__)
        symbol = symbol or ("z" if link.has_z else "y")
        if link.fused_with_loss:
            assert link.d_output is None is exported["d_output"]
        else:
            np.testing.assert_allclose(link.d_output, derivatives[link.name, symbol], 1e-3, 1e-5)
            assert exported["d_output"] == link.d_output.tolist()
        assert exported["d_input"] == link.d_input.tolist()
        if link.has_z:
            z = derivatives[link.name.split(".")[0], "z"]
            np.testing.assert_allclose(link.delta, z, 1e-3, 1e-5)
            assert exported["delta"] == link.delta.tolist()
        else:
            assert exported["delta"] is None
            assert not hasattr(link, "delta")


def test_each_step_of_a_recurrent_layer_is_dl_dh(case):
    """Oracle: finite differences by h after each step."""
    trace, derivatives = case
    for link in trace.links:
        if type(link.link).__name__ in ("LSTM", "SimpleRNN"):
            steps = trace.steps(link.name)
            want = np.stack([derivatives[link.name, f"h{t}"] for t in (1, 2, 3)], axis=1)
            np.testing.assert_allclose(steps.d_output, want, 1e-3, 1e-5)
            lines = str(steps).splitlines()
            assert lines[1].split()[-1] == "dL/dh"
            for line, numbers in zip(lines[2:], want[0], strict=True):
                check(read_numbers(line)[-2:], numbers, line)


def test_a_link_without_z_has_no_delta():
    model = gn.Sequential([Flatten(), Dense(1)], seed=0)
    trace = model.trace(np.ones((1, 2, 2)), [0.0])
    message = r"flatten_1 has no z, and delta is dL/dz\. d_output is dL/d\(output\)\."
    with pytest.raises(gn.errors.MissingError, match=message):
        _ = trace["flatten_1"].delta
    model = gn.Sequential([SimpleRNN(1), Dense(1)], seed=0)
    steps = model.trace(np.ones((1, 2, 2)), [0.0]).steps("simple_rnn_1")
    message = r"RecurrentTrace\.delta is now called RecurrentTrace\.d_output\."
    with pytest.raises(gn.errors.MissingError, match=message):
        _ = steps.delta
