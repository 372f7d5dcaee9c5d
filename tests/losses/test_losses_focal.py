"""Tests of focal cross-entropies: Keras, plain cross-entropies at gamma 0, and exact numbers."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import Sequential
from glassnet.errors import ConfigError
from glassnet.layers import Dense
from glassnet.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
)
from oracles import EXACT, FLOAT32, close

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(16, 4)).astype(np.float32) * 2
LABELS = RNG.integers(0, 2, Z.shape).astype(np.float32)
IDS = RNG.integers(0, 4, 16)
ROWS = np.eye(4, dtype=np.float32)[IDS]
WEIGHT = RNG.uniform(size=len(Z)).astype(np.float32)

BINARY = [
    {},
    {"gamma": 0.5, "label_smoothing": 0.3},
    {"gamma": 0.0},
    {"gamma": 5.0, "alpha": 0.9, "apply_class_balancing": True},
    {"apply_class_balancing": True, "label_smoothing": 0.1},
]
CATEGORICAL = [
    {},
    {"gamma": 0.5, "label_smoothing": 0.3},
    {"gamma": 0.0, "alpha": 1.0},
    {"alpha": [0.1, 0.2, 3.0, 0.0], "gamma": 1.0},
]
CASES = [(BinaryFocalCrossentropy, options) for options in BINARY] + [
    (CategoricalFocalCrossentropy, options) for options in CATEGORICAL
]


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize(
    ("kind", "options"), CASES, ids=lambda value: str(getattr(value, "__name__", value))
)
def test_equals_keras(recorded, kind, options, from_logits):
    y = LABELS if kind is BinaryFocalCrossentropy else ROWS
    activation = jax.nn.sigmoid if kind is BinaryFocalCrossentropy else jax.nn.softmax
    pred = Z if from_logits else np.asarray(activation(Z))
    ours = kind(**options, from_logits=from_logits)

    def live(keras, kind, fields, y, pred, weight):
        theirs = getattr(keras.losses, kind)(**fields)
        return theirs(y, pred, weight), jax.grad(lambda z: theirs(y, z))(pred)

    want, slope = recorded(
        live, kind.__name__, options | {"from_logits": from_logits}, y, pred, WEIGHT
    )
    by_id = kind is CategoricalFocalCrossentropy
    got, (plain, got_slope), of_ids = jax.jit(
        lambda pred: (
            ours(y, pred, WEIGHT),
            jax.value_and_grad(lambda z: ours(y, z))(pred),
            ours(IDS, pred) if by_id else None,
        )
    )(pred)
    close(got, want)
    close(got_slope, slope, tolerance=FLOAT32 if from_logits else 10 * FLOAT32)  # 1 / p is large
    if by_id:
        close(of_ids, plain)


def test_by_hand():
    # p = 3/4: -(1/4)^2 log(3/4) for a label of 1, -(3/4)^2 log(1/4) for a label of 0. Class
    # balancing multiplies the first by 1/4, the second by 3/4
    p = jnp.array([[0.75]])
    close(BinaryFocalCrossentropy()([[1]], p), -math.log(0.75) / 16)
    close(BinaryFocalCrossentropy()([[0]], p), -9 / 16 * math.log(0.25))
    close(BinaryFocalCrossentropy(True)([[1]], p), -math.log(0.75) / 64)
    close(BinaryFocalCrossentropy(True)([[0]], p), -27 / 64 * math.log(0.25))
    close(CategoricalFocalCrossentropy()([1], jnp.array([[0.25, 0.75]])), -math.log(0.75) / 64)
    close(
        CategoricalFocalCrossentropy([1, 2], gamma=1)([1], jnp.array([[0.25, 0.75]])),
        -math.log(0.75) / 2,
    )


def test_gamma_0_is_the_plain_cross_entropy():
    close(
        BinaryFocalCrossentropy(gamma=0).unreduced(LABELS, Z),
        BinaryCrossentropy().unreduced(LABELS, Z),
    )
    close(
        CategoricalFocalCrossentropy(alpha=1, gamma=0).unreduced(IDS, Z),
        CategoricalCrossentropy().unreduced(IDS, Z),
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_exact_where_keras_clips(gamma):
    """Compare with float64. Keras clips the miss 2.1e-9 at z = 20 and the loss 1000 at -1000."""
    z = np.array([20.0, -20.0, 1000.0, -1000.0])
    miss, loss = 1 / (1 + np.exp(np.minimum(z, 700))), np.logaddexp(0, -z)
    want = np.where(z == 1000, 0, miss**gamma * loss)
    rows = BinaryFocalCrossentropy(gamma=gamma).unreduced(
        jnp.ones((4, 1)), jnp.asarray(z[:, None], jnp.float32)
    )
    np.testing.assert_allclose(np.asarray(rows, np.float64), want, rtol=1e-5, atol=1e-40)
    two = jnp.asarray(np.stack([z, 0 * z], 1), jnp.float32)
    rows = CategoricalFocalCrossentropy(alpha=1, gamma=gamma).unreduced(jnp.zeros(4, int), two)
    close(rows, want)


def test_sequences_take_ids_and_rows():
    z, ids = jnp.asarray(RNG.normal(size=(2, 3, 4)), jnp.float32), RNG.integers(0, 4, (2, 3))
    rows = CategoricalFocalCrossentropy().unreduced(ids, z)
    assert rows.shape == (2, 3)
    close(rows, CategoricalFocalCrossentropy().unreduced(np.eye(4)[ids], z))


@pytest.mark.parametrize("from_logits", [False, True])
def test_they_pair_as_cross_entropies_do(from_logits):
    """Check uses of `output_activation`: the last layer, the threshold and the labels."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 3)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int)
    for units, activation, kind in (
        (1, "sigmoid", BinaryFocalCrossentropy),
        (2, "softmax", CategoricalFocalCrossentropy),
    ):
        model = Sequential([Dense(units, activation=None if from_logits else activation)], seed=0)
        model.compile("sgd", kind(from_logits=from_logits), ["accuracy"])
        model.learning_rate = 1.0
        model.fit(x, y, epochs=20, class_weight="balanced", verbose=0)
        labels = model.predict_labels(x)
        assert labels.shape == (120,)
        assert model.evaluate(x, y)[1] == (labels == y).mean() > 0.9
        text = (
            "expected a last layer without activation"
            if from_logits
            else f"expected a network that ends in {activation}"
        )
        with pytest.raises(ConfigError, match=text):
            Sequential([Dense(units, activation="tanh")]).compile(
                "sgd", kind(from_logits=from_logits)
            )


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda: BinaryFocalCrossentropy("yes"),
            "expected apply_class_balancing to be a bool. Received: apply_class_balancing='yes'.",
        ),
        (
            lambda: BinaryFocalCrossentropy(alpha=1.5),
            "expected alpha to be a number from 0 to 1. Received: alpha=1.5.",
        ),
        (
            lambda: BinaryFocalCrossentropy(gamma=-1),
            "expected gamma to be a number >= 0. Received: gamma=-1.",
        ),
        (
            lambda: BinaryFocalCrossentropy(from_logits=1),
            "expected from_logits to be a bool. Received: from_logits=1.",
        ),
        (
            lambda: CategoricalFocalCrossentropy(gamma="two"),
            "expected gamma to be a number >= 0. Received: gamma='two'.",
        ),
        (
            lambda: CategoricalFocalCrossentropy(label_smoothing=2),
            "expected label_smoothing to be a number from 0 to 1. Received:",
        ),
        (
            lambda: CategoricalFocalCrossentropy([0.5, -1]),
            "expected alpha to be a number >= 0, or a list of them, one per class. Received: alpha=(0.5, -1).",
        ),
        (
            lambda: CategoricalFocalCrossentropy(np.array([0.5, 1])).unreduced(IDS, Z),
            "expected one alpha per class. Received: alpha=(np.float64(0.5), np.float64(1.0)), classes=4.",
        ),
        (
            lambda: CategoricalFocalCrossentropy().unreduced(jnp.zeros(2, int), jnp.zeros((2, 1))),
            "expected one output per class, at least two. Received: outputs=1.",
        ),
    ],
)
def test_errors(use, message):
    with pytest.raises(ConfigError) as caught:
        use()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "loss", [BinaryFocalCrossentropy(gamma=0.5), CategoricalFocalCrossentropy(gamma=0.5)]
)
def test_a_miss_too_small_for_a_float_has_slope_0(loss):
    """In the limit miss^(1/2) log p has gradient 0, although the root alone has an infinite one."""
    y, z = np.array([[1.0, 0.0]], np.float32), jnp.array([[300.0, -300.0]])
    close(jax.grad(lambda z: loss.unreduced(y, z).sum())(z), [[0.0, 0.0]], EXACT)
