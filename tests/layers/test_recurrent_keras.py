"""Recurrent layers against Keras on JAX, from the same weights: outputs and all gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import network
from glassnet.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Embedding,
    Input,
    Masking,
    SimpleRNN,
    functional,
)
from glassnet.optimizers import SGD
from oracles import FLOAT32, LOOSE, close
from parity import build_keras, keras_spec

BATCH, TIME, FEATURES = 5, 6, 3
LENGTHS = np.arange(TIME) < np.array([6, 4, 1, 3, 5])[:, None]
GAPS = np.random.default_rng(7).random((BATCH, TIME)) < 0.6
GAPS[2] = False
"""Mask with gaps. The third row has no real step."""


def redrawn(params, rng):
    """Return random weights in the same order."""
    if isinstance(params, tuple):
        return tuple(redrawn(part, rng) for part in params)
    return {name: np.float32(rng.normal(0, 0.7, w.shape)) for name, w in params.items()}


def random_layer(layer, shape=(TIME, FEATURES), seed=0):
    """Return a layer's link, random weights, state and a batch."""
    rng = np.random.default_rng(seed)
    (link,) = functional.unfold(functional.with_names([layer]))
    (params,), (state,), _ = functional.init((link,), rng, shape)
    params = redrawn(params, rng)
    return link, params, state, rng.normal(size=(BATCH, *shape)).astype(np.float32)


def listed_weights(link, params, grads):
    """Return weights and their gradients in the order in which a model lists them."""
    places = [
        (path, key)
        for path, inner in network.iter_links((link,))
        if not inner.parts
        for key in network.tree_get((params,), path)
    ]
    return [
        [network.tree_get((tree,), path)[key] for path, key in places] for tree in (params, grads)
    ]


def keras_run(keras, spec, weights, x, dy, mask):
    """Return the output, and the gradients of weights and x.

    They are those of the inner product of the output with dy. A layer may be inside another.
    """
    name, args, kwargs = spec
    layer = build_keras(
        keras,
        (
            name,
            [build_keras(keras, arg) if isinstance(arg, tuple) else arg for arg in args],
            kwargs,
        ),
    )
    layer.build(x.shape)
    layer.set_weights(weights)
    masked = {} if mask is None else {"mask": jnp.asarray(mask)}

    def value(learning, x):
        out, _ = layer.stateless_call(
            learning, [v.value for v in layer.non_trainable_variables], x, **masked
        )
        return jnp.vdot(dy, out), out

    learning = [v.value for v in layer.trainable_variables]
    (_, y), (grads, dx) = jax.jit(jax.value_and_grad(value, argnums=(0, 1), has_aux=True))(
        learning, x
    )
    return y, grads, dx


def compare(recorded, layer, spec, mask=None, shape=(TIME, FEATURES), name=""):
    """Compare output and gradients with Keras, and return the output's mask."""
    link, params, state, x = random_layer(layer, shape)

    @jax.jit
    def both_ways(params, x):
        y, pullbacks, _, new_mask = network.forward((link,), (params,), (state,), x, mask=mask)
        dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
        grads, dx, _ = network.backward(pullbacks, dy)
        return y, dy, new_mask, grads, dx

    y, dy, new_mask, grads, dx = both_ways(params, x)
    weights, grads = listed_weights(link, params, grads[0])
    want, want_grads, want_dx = recorded(keras_run, spec, weights, x, dy, mask, name=name)
    close(y, want, 5 * FLOAT32)
    close(dx, want_dx, 10 * FLOAT32)
    assert len(weights) == len(want_grads)
    for a, b in zip(grads, want_grads, strict=True):
        close(a, b, 20 * FLOAT32)
    return new_mask


OPTIONS = {
    "defaults": {},
    "every step": {"return_sequences": True},
    "backwards": {"go_backwards": True},
    "backwards, every step": {"go_backwards": True, "return_sequences": True},
    "without bias": {"use_bias": False},
    "relu": {"activation": "relu", "return_sequences": True},
    "no activation": {"activation": None},
    "dropout at inference": {"dropout": 0.5, "recurrent_dropout": 0.5},
}
KINDS = {"SimpleRNN": {}, "LSTM": {}, "GRU": {}, "GRU, reset before": {"reset_after": False}}
CASES = [(kind, option) for kind in ("SimpleRNN", "LSTM", "GRU") for option in list(OPTIONS)[:6]]
CASES += [("SimpleRNN", "no activation"), ("LSTM", "dropout at inference")]
CASES += [
    ("GRU, reset before", option)
    for option in ("defaults", "backwards, every step", "without bias")
]
GATED = [(kind, {"recurrent_activation": "hard_sigmoid"}) for kind in ("LSTM", "GRU, reset before")]


def both(kind, options):
    """Return the layer, and the specification of Keras's."""
    name, options = kind.split(",")[0], KINDS[kind] | options
    return {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}[name](4, **options), keras_spec(
        name, 4, **options
    )


@pytest.mark.parametrize(
    ("kind", "option"), CASES, ids=[f"{kind}, {option}" for kind, option in CASES]
)
def test_parity(recorded, kind, option):
    """With a mask, except for the defaults.

    `test_the_fast_loop_is_the_plain_one` has both.
    """
    compare(recorded, *both(kind, OPTIONS[option]), GAPS if OPTIONS[option] else None)


@pytest.mark.parametrize(("kind", "options"), GATED, ids=[kind for kind, _ in GATED])
def test_other_gates(recorded, kind, options):
    compare(recorded, *both(kind, options), LENGTHS)


WAYS = [
    ("LSTM", "concat", False),
    ("LSTM", "concat", True),
    ("GRU", "sum", True),
    ("SimpleRNN", "mul", False),
    ("SimpleRNN", "ave", True),
]


@pytest.mark.parametrize(
    ("kind", "mode", "every"),
    WAYS,
    ids=[f"{kind} {mode}{', every step' * every}" for kind, mode, every in WAYS],
)
def test_bidirectional(recorded, kind, mode, every):
    ours, spec = both(kind, {"return_sequences": every})
    mask = compare(
        recorded, Bidirectional(ours, mode), keras_spec("Bidirectional", spec, mode), GAPS
    )
    if every:
        np.testing.assert_array_equal(mask, GAPS)


def test_zero_output_for_mask(recorded):
    ours, spec = both("LSTM", {"return_sequences": True, "zero_output_for_mask": True})
    compare(recorded, ours, spec, GAPS)


def test_one_step(recorded):
    compare(recorded, *both("LSTM", {}), shape=(1, FEATURES), name="LSTM")
    compare(recorded, *both("GRU", {"return_sequences": True}), shape=(1, FEATURES), name="GRU")


def test_the_plain_ways_of_starting(recorded):
    """Shapes and order are Keras's, and the bias of LSTM is 1 for f only."""

    def start(keras, spec):
        layer = build_keras(keras, spec)
        layer.build((None, TIME, FEATURES))
        return [[w.name, w.shape] for w in layer.weights], layer.weights[2].value

    for kind in KINDS:
        for options in ({}, {"unit_forget_bias": False}) if kind == "LSTM" else ({},):
            ours, spec = both(kind, options)
            names, bias = recorded(start, spec, name=f"{kind} {options}")
            params = ours.init(np.random.default_rng(0), (TIME, FEATURES))
            assert [[name, list(w.shape)] for name, w in params.items()] == names
            np.testing.assert_array_equal(params["bias"], bias)
            u = params["recurrent_kernel"]
            close(u @ u.T, np.eye(4))


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_penalties(recorded, kind):
    names = {"kernel_regularizer": "l2", "recurrent_regularizer": "l1", "bias_regularizer": "l2"}
    ours, spec = both(kind, names)
    _, params, _, x = random_layer(ours)

    def live(keras, spec, shape, weights):
        layer = build_keras(keras, spec)
        layer.build(shape)
        layer.set_weights(weights)
        return sum(float(loss) for loss in layer.losses)

    close(ours.penalty(params), recorded(live, spec, x.shape, [*params.values()]), 5 * FLOAT32)


def test_embedding(recorded):
    """Values, the gradient of the table, its mask and its penalty, for repeated ids."""
    ours = Embedding(9, 4, embeddings_regularizer="l2", mask_zero=True)
    ids = np.random.default_rng(0).integers(0, 9, (BATCH, TIME))
    link, params, state, _ = random_layer(ours, (TIME,))
    y, pullbacks, _, mask = network.forward((link,), (params,), (state,), ids.astype(np.float32))
    dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    (grads,), *_ = network.backward(pullbacks, dy)

    def live(keras, spec, ids, dy, table):
        layer = build_keras(keras, spec)
        layer.build(ids.shape)
        layer.set_weights([table])
        (slope,) = jax.grad(lambda table: jnp.vdot(dy, layer.stateless_call(table, [], ids)[0]))(
            [table]
        )
        return {
            "y": layer(ids),
            "slope": slope,
            "mask": layer.compute_mask(ids),
            "penalty": float(layer.losses[0]),
        }

    spec = keras_spec("Embedding", 9, 4, embeddings_regularizer="l2", mask_zero=True)
    want = recorded(live, spec, ids, dy, params["embeddings"])
    close(y, want["y"])
    close(grads["embeddings"], want["slope"])
    np.testing.assert_array_equal(mask, want["mask"])
    close(ours.penalty(params), want["penalty"])


def test_masking(recorded):
    x = np.random.default_rng(0).normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)
    x[~LENGTHS] = 2.5
    x[0, 0, 1] = 2.5
    ours = Masking(2.5)

    def live(keras, spec, x):
        layer = build_keras(keras, spec)
        return layer(x), layer.compute_mask(x)

    y, mask = recorded(live, keras_spec("Masking", 2.5), x)
    close(ours({}, x), y)
    np.testing.assert_array_equal(ours.mask(x, None), mask)
    np.testing.assert_array_equal(ours.mask(x, None), LENGTHS)


RNG = np.random.default_rng(3)
X = np.where(np.arange(9) < RNG.integers(1, 10, (40, 1)), RNG.integers(1, 12, (40, 9)), 0)
Y = (X.sum(1) % 2).astype(np.float32)[:, None]
TAGS = (X > 5).astype(np.float32)[..., None]
MODELS = {
    "both ways": lambda k: [
        k.Embedding(12, 5, mask_zero=True),
        k.Bidirectional(k.GRU(4, return_sequences=True)),
        k.SimpleRNN(4),
        k.Dense(1, activation="sigmoid"),
    ],
    "tags": lambda k: [
        k.Embedding(12, 5, mask_zero=True),
        k.LSTM(6, return_sequences=True),
        k.Dense(1, activation="sigmoid"),
    ],
}


@pytest.mark.parametrize("name", MODELS)
def test_training(recorded, name):
    """Weights after two epochs of gradient descent from the same weights, without shuffling.

    The loss of tags counts only real steps.
    """
    y = TAGS if name == "tags" else Y
    in_order = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    ours = gn.Sequential([Input(9), *MODELS[name](gn.layers)], seed=0)
    ours.compile(SGD(0.2), "binary_crossentropy")
    start = ours.get_weights()

    def live(keras, x, y, weights, in_order):
        model = keras.Sequential([keras.Input((9,)), *MODELS[name](keras.layers)])
        model.set_weights(weights)
        model.compile(keras.optimizers.SGD(0.2), "binary_crossentropy")
        losses = model.fit(x, y, **in_order).history["loss"]
        return {
            "losses": losses,
            "weights": model.get_weights(),
            "loss": model.evaluate(x, y, batch_size=40, verbose=0),
            "said": model.predict(x, verbose=0),
        }

    want = recorded(live, X, y, start, in_order)
    mine = ours.fit(X, y, **in_order).history["loss"]
    for got, wanted in zip(ours.get_weights(), want["weights"], strict=True):
        close(got, wanted, LOOSE)
    if name != "tags":  # Keras weights the batches' losses by their rows
        close(mine, want["losses"], LOOSE)
    close(ours.evaluate(X, y), want["loss"], LOOSE)
    close(ours.predict(X), want["said"], LOOSE)
    assert any(np.abs(a - b).max() > 0.01 for a, b in zip(start, ours.get_weights(), strict=True))
