"""The chain rule link by link, against the lecture and `jax.grad`; and errors of networks."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.engine import network
from glassnet.engine.train_step import (
    BatchPlan,
    Data,
    Program,
    create_train_state,
    forward_backward,
    reset_epoch_sums,
    run_steps,
)
from glassnet.errors import ConfigError, DataError
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    Layer,
    Normalization,
    Rescaling,
    Reshape,
    functional,
)
from glassnet.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    HalfMeanSquaredError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from glassnet.optimizers import SGD, Adam
from oracles import FLOAT32, close


def made(*layers, shape=(4,), seed=0):
    """Return (built, params, state) of a network."""
    return network.build(layers, shape, np.random.default_rng(seed))


def rows(n=6, size=4, seed=1):
    return np.random.default_rng(seed).normal(size=(n, size)).astype(np.float32)


def passed(built, params, state, x, y, loss, **options):
    program = Program(built.links, loss, SGD(0.1))
    return forward_backward(
        program,
        params,
        state,
        Data(x, y),
        options.get("mask"),
        options.get("key"),
        options.get("train", True),
    )


def f(e):
    return 1 / (1 + math.exp(-e))


def slope(e):
    return f(e) * (1 - f(e))


def test_lecture_003_backpropagation_by_hand():
    """The 2-3-2-1 sigmoid network: all deltas and gradients as on the slides, in Python floats."""
    (x1, x2), y = (0.6, -0.4), 0.9
    w_x1, w_x2 = (0.1, -0.2, 0.3), (0.4, 0.5, -0.6)  # into neurons 1, 2, 3
    (w14, w24, w34), (w15, w25, w35), (w46, w56) = (0.7, -0.8, 0.9), (-0.3, 0.2, 0.6), (0.5, -1.1)
    e1, e2, e3 = (a * x1 + b * x2 for a, b in zip(w_x1, w_x2, strict=True))
    f1, f2, f3 = f(e1), f(e2), f(e3)
    e4, e5 = w14 * f1 + w24 * f2 + w34 * f3, w15 * f1 + w25 * f2 + w35 * f3
    f4, f5 = f(e4), f(e5)
    e6 = w46 * f4 + w56 * f5
    delta = -(y - f(e6))
    delta4, delta5 = delta * slope(e6) * w46, delta * slope(e6) * w56
    delta1 = delta4 * slope(e4) * w14 + delta5 * slope(e5) * w15
    delta2 = delta4 * slope(e4) * w24 + delta5 * slope(e5) * w25
    delta3 = delta4 * slope(e4) * w34 + delta5 * slope(e5) * w35

    layers = [Dense(units, activation="sigmoid", use_bias=False) for units in (3, 2, 1)]
    built, params, state = made(*layers, shape=(2,))
    kernels = [[w_x1, w_x2], [[w14, w15], [w24, w25], [w34, w35]], [[w46], [w56]]]
    params, state = network.set_weights(built, built.weight_paths, params, state, kernels)
    result = passed(
        built, params, state, np.float32([[x1, x2]]), np.float32([[y]]), HalfMeanSquaredError()
    )

    close(result.loss, 0.5 * (y - f(e6)) ** 2)
    outputs = [e1, e2, e3], [f1, f2, f3], [e4, e5], [f4, f5], [e6], [f(e6)]
    for got, want in zip(result.link_outputs, outputs, strict=True):
        close(got, [want])
    into = (
        [delta1 * slope(e1), delta2 * slope(e2), delta3 * slope(e3)],
        [delta4 * slope(e4), delta5 * slope(e5)],
        [delta * slope(e6)],
    )
    wanted = into[0], [delta1, delta2, delta3], into[1], [delta4, delta5], into[2], [delta]
    for got, want in zip(result.deltas, wanted, strict=True):
        close(got, [want])
    close(result.grads[0]["kernel"][0, 0], delta1 * slope(e1) * x1)  # dL/dw(x1)1 = delta1 f1'(e) x1
    inputs = (x1, x2), (f1, f2, f3), (f4, f5)
    for i in range(3):
        close(result.grads[2 * i]["kernel"], [[a * d for d in into[i]] for a in inputs[i]])
    d_input = [sum(w * d for w, d in zip(ws, into[0], strict=True)) for ws in (w_x1, w_x2)]
    close(result.d_input, [d_input])


@pytest.mark.parametrize("train", [False, True])
def test_chain_of_vjps_is_the_gradient_of_the_whole_bit_for_bit(train):
    """Oracle: `jax.grad` of the same links composed without `network.forward`, compiled."""
    built, params, state = made(
        Dense(5, activation="relu"),
        BatchNormalization(),
        Dropout(0.3),
        Dense(3, activation="tanh"),
        Dense(2),
    )
    x, dy, key, mask = rows(), rows(6, 2, seed=2), jax.random.key(3), np.float32([1, 1, 1, 1, 0, 1])

    @jax.jit
    def chain(params, x):
        y, pullbacks, _, _ = network.forward(
            built.links, params, state, x, key=key, train=train, mask=mask
        )
        return y, *network.backward(pullbacks, dy)

    @jax.jit
    def composed(params, x):
        def value(params, x):
            for i, (link, p, s) in enumerate(zip(built.links, params, state, strict=True)):
                x, _ = link.apply(p, s, x, key=jax.random.fold_in(key, i), train=train, mask=mask)
            return (x * dy).sum(), x

        (_, y), gradients = jax.value_and_grad(value, argnums=(0, 1), has_aux=True)(params, x)
        return y, *gradients

    y, grads, dx, deltas = chain(params, x)
    want_y, want_grads, want_dx = composed(params, x)
    np.testing.assert_array_equal(y, want_y)
    jax.tree.map(np.testing.assert_array_equal, grads, want_grads)
    np.testing.assert_array_equal(dx, want_dx)
    assert len(deltas) == len(built.links)
    np.testing.assert_array_equal(deltas[-1], dy)


def test_inference_is_forward_without_a_way_back():
    built, params, state = made(
        Dense(5, activation="relu"), BatchNormalization(), Dropout(0.3), Dense(2)
    )
    y, *_ = network.forward(built.links, params, state, rows())
    got, _, mask = functional.run(built.links, params, state, rows())
    np.testing.assert_array_equal(got, y)
    assert mask is None


SOFTMAX, SIGMOID, LINEAR = (Dense(3, activation=name) for name in ("softmax", "sigmoid", None))


@pytest.mark.parametrize(
    ("last", "loss", "heads"),
    [
        (SOFTMAX, CategoricalCrossentropy(), 1),
        (SOFTMAX, SparseCategoricalCrossentropy(), 1),
        (SIGMOID, BinaryCrossentropy(), 1),
        (SOFTMAX, MeanSquaredError(), 0),
        (SIGMOID, HalfMeanSquaredError(), 0),
        (SIGMOID, CategoricalCrossentropy(), 0),
        (LINEAR, CategoricalCrossentropy(from_logits=True), 0),
    ],
)
def test_split_head(last, loss, heads):
    links = functional.unfold([Dense(4, activation="relu"), last])
    body, head = network.split_head(links, loss)
    assert body + head == links
    assert len(head) == heads
    assert network.split_head((), loss) == ((), ())


@pytest.mark.parametrize("size", [1.0, 100.0])
def test_a_loss_owns_its_softmax(size):
    """By hand, in float64: the loss is log(sum(exp z)) - z_y, and the delta on z is (p - y) / n."""
    built, params, state = made(Dense(3, activation="softmax"))
    x, ids = size * rows(), np.array([0, 1, 2, 0, 1, 2])
    result = passed(built, params, state, x, ids, SparseCategoricalCrossentropy())
    z = x.astype(np.float64) @ params[0]["kernel"]
    shifted = z - z.max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    close(
        result.unreduced_loss,
        np.log(np.exp(shifted).sum(1)) - shifted[np.arange(6), ids],
        5 * size * FLOAT32,
    )
    close(result.deltas[-1], (p - np.eye(3)[ids]) / 6, 5 * size * FLOAT32)
    close(result.output, p, 5 * size * FLOAT32)
    assert len(result.link_outputs) == len(result.deltas) == 1
    assert len(result.grads) == len(built.links) == 2


def test_frozen_links_get_no_gradient_no_penalty_and_no_update():
    built, params, state = made(
        Dense(3, trainable=False, kernel_regularizer="l2"),
        Activation("tanh"),
        Dense(2, kernel_regularizer="l2"),
    )
    program = Program(built.links, MeanSquaredError(), Adam())
    data, plan = Data(rows(), rows(6, 2, seed=2)), BatchPlan(None, np.ones((1, 6), np.float32))
    train_state = reset_epoch_sums(
        program, create_train_state(program, params, state, rate=0.1, seed=0), 1
    )
    assert train_state.optimizer_state["momentum"][0] is None
    assert forward_backward(program, params, state, data, None, None, True).grads[0] is None
    close(network.penalty(built.links, params), 0.01 * np.square(params[2]["kernel"]).sum())
    after = run_steps(program, train_state, data, plan, np.int32(0), np.int32(1))
    assert after.optimizer_state["momentum"][0] is None
    jax.tree.map(np.testing.assert_array_equal, after.params[0], params[0])
    assert not np.array_equal(after.params[2]["kernel"], params[2]["kernel"])


def test_a_frozen_link_lets_the_gradient_through():
    """The delta before a frozen link is the same as before a trainable one."""
    x, y = rows(), rows(6, 2, seed=2)
    both = []
    for trainable in (True, False):
        built, params, state = made(Dense(5), Dense(3, trainable=trainable), Dense(2))
        both.append(passed(built, params, state, x, y, MeanSquaredError()))
    np.testing.assert_array_equal(both[0].grads[0]["kernel"], both[1].grads[0]["kernel"])


def test_penalty_and_its_gradient_are_added():
    """By hand: l2 sum w^2, with slope 2 l2 w on the kernel and 0 on the bias."""
    x, y = rows(), rows(6, 2, seed=2)
    built, params, state = made(Dense(2, kernel_regularizer="l2"), Rescaling(2.0))
    plain = passed(*made(Dense(2), Rescaling(2.0)), x, y, MeanSquaredError())
    result = passed(built, params, state, x, y, MeanSquaredError())
    close(result.loss - plain.loss, 0.01 * np.square(params[0]["kernel"]).sum())
    close(result.grads[0]["kernel"] - plain.grads[0]["kernel"], 0.02 * params[0]["kernel"])
    np.testing.assert_array_equal(result.grads[0]["bias"], plain.grads[0]["bias"])
    assert network.penalty(functional.unfold([Dense(2)]), params[:1]) is None


def test_noise_differs_per_link_and_comes_back_with_its_key():
    links, x, none = (Dropout(0.5), Dropout(0.5)), np.ones((1, 200), np.float32), ({}, {})

    def noise(seed):
        _, pullbacks, *_ = network.forward(
            links, none, none, x, key=jax.random.key(seed), train=True
        )
        return [np.asarray(pullback.outputs[-1]) for pullback in pullbacks]

    first, both = noise(0)
    assert (
        0.1 < np.mean(both[first != 0] != 0) < 0.9
    )  # the same draw again would keep all that the first link kept
    np.testing.assert_array_equal(noise(0), [first, both])
    assert not np.array_equal(noise(1)[0], first)


def test_masks_thread_through_the_links():
    @dataclass(frozen=True)
    class Marks(Layer):
        """Mask entries whose first value is 0, as an Embedding masks id 0."""

        def mask(self, x, mask):
            return x[..., 0] != 0

    x = np.float32([[[1, 2], [0, 0]], [[0, 0], [0, 0]]])
    built, params, state = made(Marks(), Dense(3), Flatten(), shape=(2, 2))
    *_, mask = network.forward(built.links, params, state, x)
    np.testing.assert_array_equal(mask, [True, False])
    np.testing.assert_array_equal(
        functional.run(built.links[:2], params[:2], state[:2], x)[2],
        [[True, False], [False, False]],
    )


def test_pixels_do_not_wrap():
    """By hand: 200 + 100 = 300, which is 44 in uint8."""
    pixels = np.array([[200, 100]], np.uint8)
    built, params, state = made(Dense(1, kernel_initializer="ones"), shape=(2,))
    assert functional.run(built.links, params, state, pixels)[0].item() == 300
    assert network.forward(built.links, params, state, pixels)[0].item() == 300
    assert functional.run((Rescaling(2.0),), ({},), ({},), pixels)[0].tolist() == [[400, 200]]
    assert functional.as_float(np.array([True])).dtype == np.float32
    assert functional.as_float(jnp.ones(1, jnp.bfloat16)).dtype == jnp.bfloat16


def test_build_knows_where_everything_is():
    built, params, state = made(
        Dense(3, activation="relu"), BatchNormalization(), Dense(2, use_bias=False, name="last")
    )
    assert [layer.name for layer in built.layers] == ["dense_1", "batch_normalization_1", "last"]
    assert [link.name for link in built.links] == [
        "dense_1",
        "dense_1.relu",
        "batch_normalization_1",
        "last",
    ]
    assert built.spans == ((0, 2), (2, 3), (3, 4))
    assert built.shapes == ((4,), (3,), (3,), (3,), (2,))
    norm = (
        ("params", (2,), "gamma"),
        ("params", (2,), "beta"),
        ("state", (2,), "moving_mean"),
        ("state", (2,), "moving_variance"),
    )
    assert list(built.weight_paths) == [
        ("params", (0,), "kernel"),
        ("params", (0,), "bias"),
        *norm,
        ("params", (3,), "kernel"),
    ]
    assert network.count_params((params, state)) == 4 * 3 + 3 + 4 * 3 + 3 * 2


def test_names():
    layers = functional.with_names([Dense(1), Dropout(0.1), Dense(1), Dense(1, name="out")])
    assert [layer.name for layer in layers] == ["dense_1", "dropout_1", "dense_2", "out"]
    layers = functional.with_names(
        [Dense(1), Dense(1, name="dense_1"), Dense(1, name="dense_3"), Dense(1)]
    )
    assert [layer.name for layer in layers] == ["dense_2", "dense_1", "dense_3", "dense_5"]
    with pytest.raises(ConfigError, match=r"a unique name for each layer.*duplicates: \['a'\]"):
        functional.with_names([Dense(1, name="a"), Dense(2, name="a")])


def test_equal_seeds_make_equal_weights():
    for (_, a, _), (_, b, _), same in (
        (made(Dense(3)), made(Dense(3)), True),
        (made(Dense(3)), made(Dense(3), seed=1), False),
    ):
        assert np.array_equal(a[0]["kernel"], b[0]["kernel"]) is same


def test_weights_keep_their_order_through_compiled_steps():
    """JAX returns dicts with sorted keys: bias before kernel, beta before gamma."""
    built, params, state = made(Dense(3), BatchNormalization(), Dense(2))
    before = network.get_weights(built.weight_paths, params, state)
    params, state = jax.jit(lambda tree: tree)((params, state))
    assert list(params[0]) == ["bias", "kernel"]
    for a, b in zip(network.get_weights(built.weight_paths, params, state), before, strict=True):
        np.testing.assert_array_equal(a, b)
    drawn = [np.random.default_rng(5).normal(size=w.shape).astype(np.float32) for w in before]
    params, state = network.set_weights(built, built.weight_paths, params, state, drawn)
    for a, b in zip(network.get_weights(built.weight_paths, params, state), drawn, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_are_copies():
    built, params, state = made(Dense(3))
    network.get_weights(built.weight_paths, params, state)[0][:] = 7
    value = [np.ones((4, 3)), np.ones(3)]
    new, _ = network.set_weights(built, built.weight_paths, params, state, value)
    value[0][:] = 7
    assert new[0]["kernel"].max() == 1
    assert params[0]["kernel"].max() < 7


def test_set_weights_refuses_what_does_not_fit():
    built, params, state = made(Dense(3))
    with pytest.raises(DataError, match=r"set_weights: expected 2 arrays\. Received: arrays=1\."):
        network.set_weights(built, built.weight_paths, params, state, [np.ones((4, 3))])
    with pytest.raises(
        DataError,
        match=r"dense_1/kernel: expected an array of shape \(4, 3\)\. Received: shape=\(3, 4\)\.",
    ):
        network.set_weights(built, built.weight_paths, params, state, [np.ones((3, 4)), np.ones(3)])


def test_an_input_that_a_layer_cannot_take_is_told():
    with pytest.raises(
        ConfigError,
        match=r"^reshape_1: expected an input shape that it accepts\. Received: input_shape=\(3,\)\. Cause: ",
    ):
        made(Dense(3), Reshape((2, 2)))


class Times(Layer):
    """Layer without the decorator: without the check, Times(3) would run the program of Times(2)."""

    def __init__(self, factor):
        object.__setattr__(self, "factor", factor)


@dataclass(frozen=True)
class HoldsAList(Layer):
    sizes: Any = ()


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (
            Dense,
            "Sequential: expected layers. Received: received='Dense'. This is the class. Write Dense(...).",
        ),
        (np.tanh, "Write a function as Activation(function)."),
        (3, "Sequential: expected layers. Received: received=3."),
        (
            Times(3),
            "Times: expected a frozen dataclass. Received: decorated=False. Write @dataclass(frozen=True) above class Times",
        ),
        (
            HoldsAList([1]),
            "HoldsAList: expected fields that can be hashed (tuples, not lists; no arrays).",
        ),
    ],
)
def test_check_layer_class_refuses(value, says):
    with pytest.raises(ConfigError) as caught:
        functional.check_layer_type(value)
    assert says in str(caught.value)


def test_check_layer_class_accepts():
    functional.check_layer_type(HoldsAList((1,)))
    functional.check_layer_type(Input(3))


def test_has_learned():
    unadapted, adapted = Normalization(), Normalization().adapt(np.ones((2, 3)))
    assert not functional.has_learned(unadapted, unadapted.init_state((3,)))
    assert functional.has_learned(adapted, adapted.init_state((3,)))
    assert functional.has_learned(Dense(2), {})
