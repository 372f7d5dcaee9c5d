"""Tests of regression and hinge losses and of label smoothing, beyond those of every loss."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.errors import ConfigError
from glassnet.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)
from glassnet.pipeline.targets import encode_targets
from oracles import EXACT, FLOAT32, close

LOSSES = [
    MeanAbsoluteError(),
    Huber(),
    LogCosh(),
    KLDivergence(),
    Poisson(),
    Hinge(),
    SquaredHinge(),
    CosineSimilarity(),
]
EVEN = [MeanAbsoluteError(), Huber(), Huber(0.1), LogCosh()]


def live(keras, kind, fields, y, z):
    """Return Keras's loss and its gradient."""
    return jax.value_and_grad(lambda z: getattr(keras.losses, kind)(**fields)(y, z))(z)


def slope(loss, y, z):
    return jax.grad(lambda z: loss.unreduced(y, z).sum())(z)


def test_by_hand():
    y, z = jnp.array([[0.0, 1.0]]), jnp.array([[0.5, 4.0]])  # errors 1/2 and 3
    close(MeanAbsoluteError().unreduced(y, z), [1.75])
    close(Huber().unreduced(y, z), [1.3125])  # (1/8 + (3 - 1/2)) / 2
    close(Huber(delta=2.0).unreduced(y, z), [2.0625])  # (1/8 + (2 * 3 - 2)) / 2
    close(slope(Huber(delta=2.0), y, z), [[0.25, 1.0]])  # the error, cut off at 2, over two outputs
    close(LogCosh().unreduced(y, z), [(math.log(math.cosh(0.5)) + math.log(math.cosh(3))) / 2])
    close(slope(LogCosh(), y, z), [[math.tanh(0.5) / 2, math.tanh(3) / 2]])
    close(Poisson().unreduced(y, z), [(0.5 + 4 - math.log(4)) / 2])
    close(Hinge().unreduced(y, z), [0.75])  # labels -1 and 1: (max(1 + 0.5, 0) + max(1 - 4, 0)) / 2
    # 1/2 log(1/2 / 1/4) + 1/2 log(1/2 / 3/4) = log 2 - 1/2 log 3
    close(
        KLDivergence().unreduced(jnp.array([[0.5, 0.5]]), jnp.array([[0.25, 0.75]])),
        [math.log(2) - math.log(3) / 2],
    )


@pytest.mark.parametrize("loss", EVEN, ids=repr)
def test_no_error_no_loss_no_slope(loss):
    z = jnp.array([[0.0, -2.5, 7.0]])
    close(loss.unreduced(z, z), [0], tolerance=EXACT)
    # jnp.abs has gradient 1 at 0, which would move a perfect prediction
    close(slope(loss, z, z), np.zeros((1, 3)), tolerance=EXACT)


@pytest.mark.parametrize("loss", EVEN, ids=repr)
def test_errors_of_either_sign_are_alike(loss):
    y, z = jnp.zeros((1, 5)), jnp.array([[1e-3, 0.2, 1.0, 3.0, 1e4]])
    np.testing.assert_array_equal(loss.unreduced(y, z), loss.unreduced(y, -z))
    np.testing.assert_array_equal(slope(loss, y, z), -slope(loss, y, -z))


def test_log_cosh_keeps_the_digits_of_small_and_large_errors():
    # e^2 / 2 at 1e-3: Keras's e + softplus(-2 e) - log 2 leaves 4.8e-7 or 5.4e-7 in float32
    rows = LogCosh().unreduced(jnp.zeros((2, 1)), jnp.array([[1e-3], [-1000.0]]))
    close(rows * jnp.array([1e6, 1]), [0.5, 1000 - math.log(2)], tolerance=1e-4)


def test_kl_divergence_is_clipped_as_in_keras(recorded):
    y, p = (
        np.array([[0, 1], [1, 0], [0.5, 0.5]], np.float32),
        np.array([[1, 0], [0, 1], [-2, 3]], np.float32),
    )
    close(KLDivergence()(y, p), recorded(live, "KLDivergence", {}, y, p)[0])
    close(
        KLDivergence().unreduced(jnp.array([[0, 1]]), jnp.array([[0.5, 0.5]])), [math.log(2)]
    )  # 0 log 0 is 0, up to 1e-6
    for z in (jnp.full((3, 2), 1000.0), jnp.full((3, 2), -1000.0)):
        assert np.isfinite(KLDivergence().unreduced(y, z)).all()
        assert np.isfinite(slope(KLDivergence(), y, z)).all()


def test_poisson_of_a_rate_of_zero_is_offset_as_in_keras(recorded):
    y, z = np.array([[3.0, 0.0]], np.float32), np.zeros((1, 2), np.float32)
    close(Poisson()(y, z), recorded(live, "Poisson", {}, y, z)[0])  # -3 log(1e-7) / 2
    # a negative rate has no likelihood, as in Keras
    assert np.isnan(Poisson().unreduced(y, z - 1)).all()


@pytest.mark.parametrize(
    "y",
    [
        [[-1.0, 1.0], [1.0, -1.0]],
        [[0.0, 1.0], [1.0, 0.0]],
        [[1.0, 1.0], [1.0, 1.0]],
        [[0.0, 0.0], [0.0, 0.0]],
    ],
)
def test_hinge_takes_either_pair_of_labels_as_keras_does(recorded, y):
    z = np.array([[0.3, -2.0], [1.7, 0.4]], np.float32)
    close(Hinge()(y, z), recorded(live, "Hinge", {}, np.array(y, np.float32), z)[0])
    close(Hinge()(np.array(y).astype(np.int8), z), Hinge()(y, z))
    close(Hinge()(np.array(y) > 0, z), Hinge()(y, z))


@pytest.mark.parametrize(
    "kind",
    [
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        CosineSimilarity,
        SquaredHinge,
        CategoricalHinge,
    ],
)
def test_the_edges_are_keras_too(recorded, kind):
    """Targets and outputs <= 0, a row of zeros, labels 0 and -1; gradients only away from kinks."""
    y = np.array([[0, 1], [0, 0], [-1, 1], [1, 0], [1, 0]], np.float32)
    z = np.array([[0.3, -2.0], [0.7, 0.4], [0, 0], [-0.5, 3.0], [2.5, 0.6]], np.float32)
    if kind is SquaredHinge:
        y = np.abs(y)  # labels are -1 and 1, or 0 and 1
    if kind is MeanAbsolutePercentageError:
        y = np.abs(y) + np.float32(1e-6)  # a target of 0 makes an error of 1e9 percent
    smooth, ours, rows = (
        z[[0, 3, 4]].repeat(2, 0)[:5],
        kind(),
        [slice(row, row + 1) for row in range(5)],
    )
    every = jax.jit(
        lambda z, smooth: (
            ours(y, z),
            jax.grad(lambda z: ours(y, z))(smooth),
            [ours(y[row], z[row]) for row in rows],
        )
    )
    mean, got_slope, each = every(z, smooth)
    close(mean, recorded(live, kind.__name__, {}, y, z, name="all")[0])
    close(got_slope, recorded(live, kind.__name__, {}, y, smooth, name="smooth")[1])
    for row, got in zip(rows, each, strict=True):
        close(got, recorded(live, kind.__name__, {}, y[row], z[row], name=f"row {row.start}")[0])


def test_edges_by_hand():
    close(MeanAbsolutePercentageError()([0.0], jnp.array([1e-7])), 100)  # 0 counts as 1e-7
    close(
        CosineSimilarity().unreduced(jnp.zeros((1, 2)), jnp.array([[3.0, 4.0]])),
        [0],
        tolerance=EXACT,
    )
    close(
        slope(CosineSimilarity(), jnp.array([[1.0, 0.0]]), jnp.zeros((1, 2))), [[-1e6, 0]]
    )  # 1 / sqrt(1e-12), and finite
    close(MeanSquaredLogarithmicError()([1.0], jnp.array([-5.0])), math.log(2) ** 2)
    close(
        slope(MeanAbsolutePercentageError(), jnp.array([[2.0]]), jnp.array([[2.0]])),
        [[0]],
        tolerance=EXACT,
    )


def test_hinge_has_slope_0_at_the_margin():
    close(
        slope(Hinge(), jnp.array([[1.0], [0.0]]), jnp.array([[1.0], [-1.0]])),
        [[0], [0]],
        tolerance=EXACT,
    )


@pytest.mark.parametrize("delta", [0.25, 1.0, 3.0])
def test_huber_equals_keras(recorded, delta):
    rng = np.random.default_rng(0)
    y, z = rng.normal(size=(2, 16, 5)).astype(np.float32) * 2
    want, want_slope = recorded(live, "Huber", {"delta": delta}, y, z)
    got, got_slope = jax.jit(jax.value_and_grad(lambda z: Huber(delta)(y, z)))(z)
    close(got, want)
    close(got_slope, want_slope)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("kind", [BinaryCrossentropy, CategoricalCrossentropy])
def test_label_smoothing_equals_keras(recorded, kind, from_logits):
    rng = np.random.default_rng(1)
    z, ids = rng.normal(size=(8, 4)).astype(np.float32), rng.integers(0, 4, 8)
    y = np.eye(4, dtype=np.float32)[ids]
    loss = kind(from_logits=from_logits, label_smoothing=0.3)
    z = z if from_logits else np.asarray(jax.nn.softmax(z))
    want, want_slope = recorded(live, kind.__name__, vars(loss), y, z)
    got, got_slope = jax.jit(jax.value_and_grad(lambda z: loss(y, z)))(z)
    close(got, want)
    close(got_slope, want_slope, tolerance=10 * FLOAT32)
    if kind is CategoricalCrossentropy:
        close(loss(ids, z), loss(y, z), tolerance=EXACT)  # ids become one-hot rows


def test_label_smoothing_by_hand():
    # s = 0.2: a label of 1 becomes 0.9; class 1 of 2 becomes (0.1, 0.9)
    want = -0.9 * math.log(0.75) - 0.1 * math.log(0.25)
    close(BinaryCrossentropy(label_smoothing=0.2)([1], jnp.array([0.75])), want)
    close(CategoricalCrossentropy(label_smoothing=0.2)([1], jnp.array([[0.25, 0.75]])), want)
    # the gradient is p minus the smoothed label
    close(
        slope(CategoricalCrossentropy(label_smoothing=0.2), jnp.array([1]), jnp.zeros((1, 2))),
        [[0.5 - 0.1, 0.5 - 0.9]],
    )


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_targets_are_what_the_shape_allows(loss):
    y = np.array([[0, 1], [1, 0], [1, 0]])
    got = encode_targets(y, loss, (2,))
    assert got.dtype == np.float32
    close(got, y, tolerance=EXACT)
    close(encode_targets([0, 1, 1], loss, (1,)), [[0], [1], [1]], tolerance=EXACT)
    close(
        loss([0, 1, 1], jnp.array([0.1, 0.9, 0.4])),
        loss([[0], [1], [1]], jnp.array([[0.1], [0.9], [0.4]])),
        tolerance=EXACT,
    )


def test_what_is_refused():
    for delta in (0, -1, "one", math.inf, True):
        with pytest.raises(
            ConfigError, match=r"^Huber: expected delta to be a number > 0\. Received: delta="
        ):
            Huber(delta)
    for kind in (BinaryCrossentropy, CategoricalCrossentropy):
        for share in (-0.1, 1.1, "some", None):
            text = rf"^{kind.__name__}: expected label_smoothing to be a number from 0 to 1\. Received: label_smoothing="
            with pytest.raises(ConfigError, match=text):
                kind(label_smoothing=share)
        with pytest.raises(
            ConfigError, match=r"expected from_logits to be a bool\. Received: from_logits=1\.$"
        ):
            kind(from_logits=1)
