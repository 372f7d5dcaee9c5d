"""The trace, against the lecture's backpropagation by hand and against real training steps."""

import json
import re

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    Normalization,
    Parallel,
    Rescaling,
)
from glassnet.losses import CategoricalCrossentropy, CategoricalFocalCrossentropy
from oracles import FLOAT32, close


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.fixture(scope="module")
def lecture():
    """Lecture 003: 2-3-2-1, sigmoid, J = 1/2 (y - yhat)^2, gradient descent."""
    layers = [
        Input(2),
        Dense(3, activation="sigmoid"),
        Dense(2, activation="sigmoid"),
        Dense(1, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=3)
    model.compile(gn.optimizers.SGD(0.5), "half_mean_squared_error")
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


def test_the_deltas_are_the_lectures(lecture):
    """Oracle: backpropagation by hand in float64, in the lecture's letters (neurons 1-3, 4-5, 6)."""
    x, y = np.array([0.3, -0.8]), 1.0
    w1, b1, w2, b2, w3, b3 = (w.astype(np.float64) for w in lecture.get_weights())
    f1 = sigmoid(x @ w1 + b1)
    f4 = sigmoid(f1 @ w2 + b2)
    f6 = sigmoid(f4 @ w3 + b3)
    slope1, slope4, slope6 = (
        f1 * (1 - f1),
        f4 * (1 - f4),
        f6 * (1 - f6),
    )  # sigma' = sigma (1 - sigma)
    delta = -(y - f6)  # dJ/dyhat
    delta4 = delta * slope6 * w3[:, 0]  # delta4 = delta f6'(e) w46, and delta5 = delta f6'(e) w56
    delta1 = w2 @ (delta4 * slope4)  # delta1 = delta4 f4'(e) w14 + delta5 f5'(e) w15
    d_w1 = np.outer(x, delta1 * slope1)  # dL/dw(x1)1 = delta1 f1'(e) x1

    trace = lecture.trace(x[None], [y])
    names = [
        "dense_1",
        "dense_1.sigmoid",
        "dense_2",
        "dense_2.sigmoid",
        "dense_3",
        "dense_3.sigmoid",
    ]
    assert [link.name for link in trace.links] == names
    close(trace["dense_3.sigmoid"].d_output[0], delta, FLOAT32)  # the lecture's delta is dL/da
    close(trace["dense_2.sigmoid"].d_output[0], delta4, FLOAT32)
    close(trace["dense_1.sigmoid"].d_output[0], delta1, FLOAT32)
    for name in ("dense_2", "dense_2.sigmoid"):  # ours is dL/dz, of a layer and its activation
        close(trace[name].delta[0], delta4 * slope4, FLOAT32)
    close(trace["dense_1"].d_params["kernel"], d_w1, FLOAT32)
    close(trace["dense_1"].d_params["bias"], delta1 * slope1, FLOAT32)
    close(trace["dense_1"].update["kernel"], -0.5 * d_w1, FLOAT32)  # w' = w - eta dJ/dw
    close(trace["dense_1"].d_input[0], w1 @ (delta1 * slope1), FLOAT32)
    close(trace.loss, 0.5 * (y - f6[0]) ** 2, FLOAT32)


def test_links_hand_each_other_their_numbers(lecture):
    """A link's output is the next link's input, and its d_output the next d_input, bit for bit."""
    trace = lecture.trace([[0.3, -0.8], [1.0, 2.0]], [1.0, 0.0])
    for before, after in zip(trace.links, trace.links[1:], strict=False):
        np.testing.assert_array_equal(before.output, after.input)
        np.testing.assert_array_equal(before.d_output, after.d_input)
    assert [list(link.params) for link in trace.links if link.params] == [["kernel", "bias"]] * 3


def test_deltas_of_several_rows_are_of_the_mean_loss(lecture):
    """Oracle: a relation. The mean over traces of single rows."""
    x, y = np.array([[0.3, -0.8], [1.0, 2.0], [0.0, 0.5]]), [1.0, 0.0, 1.0]
    together = lecture.trace(x, y)
    single = [lecture.trace(x[i : i + 1], y[i : i + 1]) for i in range(3)]
    close(
        together["dense_1"].delta, np.concatenate([t["dense_1"].delta for t in single]) / 3, FLOAT32
    )
    close(
        together["dense_2"].d_params["kernel"],
        sum(t["dense_2"].d_params["kernel"] for t in single) / 3,
        FLOAT32,
    )
    close(together.loss, np.mean([t.loss for t in single]), FLOAT32)


@pytest.mark.parametrize("logits", [False, True])
def test_softmax_and_loss_are_one_link(logits):
    """Oracle: dL/dz = p - y (lecture 001), with p from NumPy."""
    last = Dense(3) if logits else Dense(3, activation="softmax")
    model = gn.Sequential([Input(2), last], seed=0)
    model.compile("adam", gn.losses.SparseCategoricalCrossentropy(from_logits=logits))
    trace = model.trace([[1.0, -2.0]], [2])
    z = trace["dense_1"].output[0].astype(np.float64)
    p = np.exp(z) / np.exp(z).sum()
    close(trace["dense_1"].delta[0], p - [0, 0, 1], FLOAT32)
    close(trace.loss, -np.log(p[2]), FLOAT32)
    assert trace.links[-1].fused_with_loss is not logits
    if not logits:
        head = trace["dense_1.softmax"]
        close(head.output[0], p, FLOAT32)
        np.testing.assert_array_equal(head.delta, trace["dense_1"].delta)
        np.testing.assert_array_equal(head.input, trace["dense_1"].output)


@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", gn.optimizers.RMSprop(0.1), gn.optimizers.SGD(0.1, momentum=0.9)]
)
def test_the_update_is_the_one_that_training_makes(optimizer):
    """Oracle: a real step, with its noise, its penalty and the optimizer's state."""
    hidden = Dense(4, activation="tanh", kernel_regularizer="l2")
    model = gn.Sequential([Input(3), hidden, BatchNormalization(), Dropout(0.5), Dense(1)], seed=1)
    model.compile(optimizer, "mse")
    x, y = np.random.default_rng(2).normal(size=(6, 3)), np.arange(6.0)
    for _ in range(2):
        trace = model.trace(x, y, training=True)
        before = model.params
        history = model.fit(x, y, batch_size="full", verbose=0)
        for link in trace.links:
            for key, update in link.update.items():
                close(before[link.name][key] + update, model.params[link.name][key], FLOAT32)
        close(trace.loss, history.history["loss"][0], FLOAT32)


def test_inference_and_training_differ_by_noise():
    """Oracle: the definition of dropout: in training, half are zero and the others doubled."""
    model = gn.Sequential([Input(100), Dropout(0.5), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    x = np.ones((1, 100))
    assert set(model.trace(x, [0.0])["dropout_1"].output.ravel()) == {1.0}
    assert set(model.trace(x, [0.0], training=True)["dropout_1"].output.ravel()) == {0.0, 2.0}


def test_a_trace_changes_nothing():
    model = gn.Sequential([Input(2), Dense(2), BatchNormalization(), Dense(1)], seed=0)
    model.compile("adam", "mse")
    before = model.get_weights()
    model.trace(np.ones((3, 2)), np.ones(3), training=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert model.epoch == 0


def frozen():
    model = gn.Sequential([Input(2), Dense(2, trainable=False), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model.trace([[1.0, 2.0]], [1.0])


def test_frozen_layers_have_no_gradient():
    trace = frozen()
    assert trace["dense_1"].d_params == {} == trace["dense_1"].update
    assert "frozen" in str(trace)
    assert "(frozen)" in trace.neuron("dense_1", 0)


def test_nudge_shows_the_gradient_beside_the_truth(lecture):
    """Oracle: the definition of the gradient. Predicted and real change agree to second order."""
    nudge = lecture.trace([[0.3, -0.8]], [1.0]).nudge("dense_3/kernel", (1, 0), 1e-2)
    assert nudge.predicted == pytest.approx(nudge.real, rel=0.05)
    assert nudge.predicted != 0
    lines = str(nudge).splitlines()
    shown = [float(line.split("= ")[-1]) for line in lines[1:]]
    assert shown == pytest.approx([nudge.predicted, nudge.real], rel=1e-4, abs=0)
    assert f"the loss goes from {nudge.before:.6g} to {nudge.after:.6g}" in lines[0]


def test_nudge_draws_the_noise_of_its_trace():
    """Oracle: with the same noise, the loss changes by gradient * step + step^2."""
    model = gn.Sequential([Input(20), Dropout(0.5), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    trace = model.trace(np.ones((1, 20)), [3.0], training=True)
    nudge = trace.nudge("dense_1/bias", 0, 0.01)
    assert nudge.real == pytest.approx(nudge.predicted + 0.01**2, rel=1e-3)
    assert trace.loss != pytest.approx(model.trace(np.ones((1, 20)), [3.0]).loss)


def test_what_links_compute_is_said():
    layers = [
        Input((2, 2)),
        Rescaling(0.5, 2.0),
        Flatten(),
        BatchNormalization(),
        Dropout(0.25),
        Dense(1, use_bias=False),
    ]
    text = str(gn.Sequential(layers, seed=0).trace(np.ones((1, 2, 2)), [0.0]))
    for formula in (
        "rescaling_1  y = 0.5 x + 2",
        "flatten_1  flattened to one axis",
        "y = gamma (x - mean) / sqrt(variance + epsilon) + beta",
        "dropout_1  0.25 of the numbers zeroed, in training only",
        "dense_1  z = x W\n",
    ):
        assert formula in text


def test_updates_by_name(lecture):
    trace = lecture.trace([[0.3, -0.8]], [1.0])
    assert {name: list(update) for name, update in trace.update.items()} == {
        f"dense_{i}": ["kernel", "bias"] for i in (1, 2, 3)
    }
    assert trace.update["dense_2"]["bias"] is trace["dense_2"].update["bias"]


def test_a_neuron_in_the_lectures_words():
    """Oracle: lecture 001: sigmoid(0*2 + 1*3 + 4) = sigmoid(7) = 0.9991. With y = 0 the delta is p
    - y = 0.9991.
    """
    model = gn.Sequential([Input(2), Dense(1, activation="sigmoid")], seed=0)
    model.compile(gn.optimizers.SGD(0.1), "binary_crossentropy")
    model.set_weights([[[0.0], [1.0]], [4.0]])
    text = model.trace([[2.0, 3.0]], [0]).neuron("dense_1", 0)
    assert "0*2 + 1*3 + 4 = 7 -> sigmoid -> 0.9991" in text
    assert "delta = p - y = 0.9991 - 0 = 0.9991" in text
    assert "dL/dw0 = delta * x0 = 0.9991*2 = 1.998" in text
    assert "dL/dw1 = delta * x1 = 0.9991*3 = 2.997" in text
    assert "dL/db = delta = 0.9991" in text
    assert "w1 <- 1 + (-0.2997) = 0.700273   (-0.1 * dL/dw1)" in text


def test_a_hidden_neuron_shows_delta_slope_and_input(lecture):
    """Oracle: the products of the printed factors are the printed delta and gradients."""
    trace = lecture.trace([[0.3, -0.8]], [1.0])
    text = trace.neuron("dense_1", 2)
    (factors,) = re.findall(r"delta = dL/dz = dL/da \* f'\(z\) = (\S+)\*(\S+) = (\S+)", text)
    da, slope, delta = (float(factor.strip("()")) for factor in factors)
    assert da * slope == pytest.approx(delta, rel=2e-3)
    products = re.findall(r"dL/dw(\d) = delta \* x\d = (\S+)\*(\S+) = (\S+)", text)
    assert [int(i) for i, *_ in products] == [0, 1]
    for i, *factors, product in products:
        shown, x = (float(factor.strip("()")) for factor in factors)
        assert shown == delta
        assert shown * x == pytest.approx(float(product), rel=2e-3)
        assert float(product) == pytest.approx(
            trace["dense_1"].d_params["kernel"][int(i), 2], rel=1e-3
        )


def test_a_neuron_of_many_inputs_shows_its_largest_products():
    model = gn.Sequential(
        [
            Input(50),
            Dense(2, activation="relu", kernel_regularizer="l2"),
            Dense(3, activation="softmax"),
        ],
        seed=0,
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(4, 50))
    text = model.trace(x, [0, 1, 2, 0]).neuron("dense_1", 1, row=2)
    assert "[44 smaller products: " in text
    assert "row 2 of 4" in text
    assert "all 4 rows: " in text
    assert "with its penalty: " in text
    assert re.search(
        r"delta = \(p - y\) / 4 = \(0\.\d+ - 1\) / 4 = -0",
        model.trace(x, [0, 1, 2, 0]).neuron("dense_2", 0),
    )


def test_several_sigmoids_share_the_loss():
    """Oracle: by hand. The loss is a mean over K sigmoids and n rows: delta = (p - y) / (n K)."""
    model = gn.Sequential([Input(3), Dense(2, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    trace = model.trace(np.eye(3), [[0, 1], [1, 1], [0, 0]])
    close(trace["dense_1.sigmoid"].delta, (trace.output - trace.y) / 6, FLOAT32)
    assert "dL/dz = (p - y) / 6" in str(trace)
    assert "delta = (p - y) / 6 = (" in trace.neuron("dense_1", 1, row=2)


@pytest.mark.parametrize(
    "loss", [CategoricalCrossentropy(label_smoothing=0.1), CategoricalFocalCrossentropy()], ids=repr
)
def test_p_minus_y_is_said_only_where_it_is_true(loss):
    """Oracle: the slope by `jax.grad`, which is not p - y."""
    model = gn.Sequential([Input(2), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", loss)
    trace = model.trace([[1.0, 2.0]], [[1.0, 0.0]])
    slope = jax.grad(lambda z: loss.unreduced(np.float32([[1, 0]]), z)[0])(trace.links[0].output)
    close(trace.links[-1].delta, slope)
    assert np.abs(slope - (trace.output - [[1, 0]])).max() > 0.01
    assert "p - y" not in str(trace)
    assert f"delta = the slope of {type(loss).__name__} at z = {slope[0, 0]:.4g}" in trace.neuron(
        "dense_1", 0
    )


def test_statistics_are_shown():
    """Oracle: by hand. 1 and 3 have mean 2 and variance 1."""
    model = gn.Sequential(
        [Normalization().adapt([[1.0], [3.0]]), BatchNormalization(), Dense(1)], seed=0
    )
    trace = model.trace([[5.0]], [0.0])
    assert {key: value.item() for key, value in trace["normalization_1"].state.items()} == {
        "mean": 2,
        "variance": 1,
        "count": 2,
    }
    assert re.search(r"^mean +\[ 2\.0000\]", str(trace), re.M)
    assert re.search(r"^moving_variance +\[ 1\.0000\]", str(trace), re.M)


def test_deep_networks_fit_the_screen_by_ranges():
    layers = [Dense(16, activation="tanh") for _ in range(5)]
    text = str(gn.Sequential([*layers, Dense(1)], seed=0).trace(np.ones((1, 16)), [0.0]))
    assert len(text.splitlines()) <= 45
    assert "z" in text


def test_a_network_that_is_only_its_head_is_traced():
    """Oracle: softmax of two zeros, minus the one-hot target."""
    model = gn.Sequential([Activation("softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    trace = model.trace([[0.0, 0.0]], [1])
    assert trace.links[0].delta.tolist() == [[0.5, -0.5]]


def test_a_trace_keeps_its_numbers_whatever_becomes_of_the_arrays(lecture):
    x, y = np.array([[0.3, -0.8]], np.float32), np.array([[1.0]], np.float32)
    trace = lecture.trace(x, y)
    x[:], y[:] = 9, 9
    assert (trace.x[0, 0], trace.y.item()) == (np.float32(0.3), 1.0)
    assert trace.nudge("dense_1/bias", 0, 0.0).real == pytest.approx(0, abs=1e-6)


def test_an_activation_along_the_axis_has_no_single_slope():
    """Oracle: log_softmax mixes its inputs, so dL/da f'(z) is not dL/dz."""
    model = gn.Sequential([Input(2), Dense(3, activation=jax.nn.log_softmax)], seed=0)
    model.compile("sgd", "mse")
    assert "sum over k of dL/da_k * da_k/dz" in model.trace([[1.0, 2.0]], [[1.0, 0.0, 0.0]]).neuron(
        "dense_1", 0
    )


def test_a_softmax_of_its_own_has_no_single_slope():
    model = gn.Sequential([Input(2), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", "mse")
    assert "dL/dz = sum over k of dL/da_k * da_k/dz" in model.trace(
        [[1.0, 2.0]], [[1.0, 0.0]]
    ).neuron("dense_1", 0)


def test_the_bias_trick_gives_the_same_product(lecture):
    """Oracle: lecture 001. The bias is one more row of W, with a 1 appended to x."""
    text = lecture.trace([[0.3, -0.8]], [1.0]).layer("dense_1")
    product = [
        line.split(maxsplit=1)[1]
        for line in text.splitlines()
        if line.split()[0] in ("z", "product")
    ]
    assert product[0] == product[1]
    assert "[ 0.3000 -0.8000  1.0000]" in text
    assert "1x2 times 2x3" in text


def test_the_screen_is_one_screen():
    """Oracle: a terminal of 80 by 24 for one row of XOR, and of 120 by 40 for a digit."""
    xor = gn.datasets.load("xor")
    small = gn.Sequential([Dense(2, activation="tanh"), Dense(1, activation="sigmoid")], seed=1)
    text = str(small.trace(xor.x[1:2], xor.y[1:2]))
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80
    for value in small.get_weights()[0].ravel():
        assert f"{value:.4f}" in text

    digits = gn.datasets.load("digits")
    layers = [
        Rescaling(1 / 16),
        Flatten(),
        Dense(128, activation="relu"),
        Dense(10, activation="softmax"),
    ]
    text = str(gn.Sequential(layers, seed=0).trace(digits.x[:1], digits.y[:1]))
    assert len(text.splitlines()) <= 40
    assert max(map(len, text.splitlines())) <= 120
    assert re.search(r"W +64x128: ", text)


def test_html_and_json_hold_the_numbers(lecture):
    trace = lecture.trace([[0.3, -0.8]], [1.0])
    page = trace._repr_html_()
    assert "dense_2.sigmoid" in page
    assert page.count("<table") == page.count("</table>") > 10
    tints = re.findall(r"rgba\((\d+),\d+,\d+,([-\d.]+)\)", page)
    assert {colour for colour, _ in tints} == {"66", "219"}
    assert all(0 <= float(strength) <= 0.45 for _, strength in tints)
    again = json.loads(json.dumps(trace.to_dict()))
    assert again["links"][0]["params"]["kernel"] == trace["dense_1"].params["kernel"].tolist()
    assert again["loss"] == trace.loss


def test_html_shows_the_title_the_target_and_the_ranges_of_the_screen():
    """Oracle: the screen of the same trace."""
    digits = gn.datasets.load("digits")
    layers = [Flatten(), Dense(128, activation="relu"), Dense(10, activation="softmax")]
    trace = gn.Sequential(layers, seed=0).trace(digits.x[:1], digits.y[:1])
    page, screen = trace._repr_html_(), str(trace)
    title, *_ = screen.splitlines()
    assert f"<caption>{title}</caption>" in page
    assert f"target y = {digits.y[0]}</td>" in page
    ranges = r"[\dx]+: [-\d.e,]+ to [-\d.e,]+"
    assert re.findall(ranges, page) == re.findall(ranges, screen)
    assert len(re.findall(ranges, page)) > 10
    assert len(page) < 10_000


def test_the_range_of_many_targets_is_shown():
    """Oracle: by hand: six targets from 0 to 5."""
    model = gn.Sequential([Input(2), Dense(1)], seed=0)
    model.compile("sgd", "mean_squared_error")
    trace = model.trace(np.ones((6, 2)), np.arange(6.0))
    for text in (str(trace), trace._repr_html_()):
        assert re.search(r"target y 6(x1)?: 0 to 5\.0000", text)


def test_a_model_without_compile_is_traced_on_the_inferred_loss():
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    assert "SparseCategoricalCrossentropy" in str(model.trace([[1.0, 2.0]], [2]))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda t: t.neuron("dense_9", 0), "Did you mean 'dense_"),
        (
            lambda t: t.neuron("dense_1", 3),
            r"dense_1: expected a unit from 0 to 2\. Received: unit=3\.",
        ),
        (
            lambda t: t.neuron("dense_1", 0, row=1),
            r"expected a row from 0 to 0\. Received: row=1\.",
        ),
        (lambda t: t.layer("dense_1", row=-1), r"expected a row from 0 to 0\. Received: row=-1\."),
        (lambda t: t.nudge("dense_1/kernle", (0, 0)), "Did you mean 'dense_1/kernel'"),
        (
            lambda t: t.nudge("dense_1/kernel", (5, 0)),
            r"expected an index into \(2, 3\)\. Received: index=\(5, 0\)\.",
        ),
        (
            lambda t: t.nudge("dense_1/kernel", (0, 0), "far"),
            r"nudge: expected step to be a number\. Received: step='far'\.",
        ),
        (
            lambda t: frozen().nudge("dense_1/kernel", (0, 0)),
            r"dense_1/kernel: expected a trainable param\. Received: trainable=False\.",
        ),
        (lambda t: t["dense_7"], "Did you mean 'dense_"),
    ],
)
def test_mistakes_are_said(lecture, ask, message):
    with pytest.raises(gn.errors.ConfigError, match=message):
        ask(lecture.trace([[0.3, -0.8]], [1.0]))


def test_what_has_learned_nothing_cannot_be_traced():
    model = gn.Sequential([Normalization(), Dense(1)], seed=0)
    with pytest.raises(
        gn.errors.NotReadyError, match="normalization_1: expected statistics learned from data"
    ):
        model.trace([[1.0]], [1.0])
    model = gn.Sequential([Dense(2), Dense(1)], seed=0)
    trace = model.trace(np.ones((1, 3, 4)), np.ones((1, 3, 1)))
    with pytest.raises(
        gn.errors.ConfigError,
        match=r"dense_1: expected a layer with an input of shape \(n, features\)",
    ):
        trace.neuron("dense_1", 0)


def test_a_neuron_has_no_activation_of_another_branch():
    """Oracle: a relation. The text of a Dense layer does not depend on the next branch."""
    texts = []
    for other in (Activation("tanh", name="other"), Rescaling(2.0, name="other")):
        model = gn.Sequential([Input(2), Parallel([Dense(2), other])], seed=0)
        model.compile("sgd", "mean_squared_error")
        texts.append(model.trace([[1.0, 2.0]], [[0.0] * 4]).neuron("parallel_1/dense_1", 0))
    assert texts[0] == texts[1]
