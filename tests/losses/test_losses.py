"""Tests of losses and cross-entropies by hand, with NumPy, with Keras and by finite differences."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import losses
from glassnet.errors import ConfigError, DataError
from glassnet.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Crossentropy,
    HalfMeanSquaredError,
    Hinge,
    KLDivergence,
    Loss,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from oracles import EXACT, FLOAT32, FLOAT64, LOOSE, close, directional_error

CROSSENTROPIES = [name for name, kind in LOSSES.items() if issubclass(kind, Crossentropy)]
CATEGORICAL = [CategoricalCrossentropy, SparseCategoricalCrossentropy]
SCORES = (-6.8, 2.6, 5.9, 6.7, 1.9, -1.3, -5.7, 3.2, 1.3, 1.0)


def case(loss: Loss, rows=16, outputs=5, seed=0):
    """Return targets for Keras's `loss` and predictions for `unreduced`, away from Keras's clip."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, outputs)).astype(np.float32) * 2
    ids = rng.integers(0, outputs, rows).astype(np.int32)
    if loss.output_activation == "sigmoid":
        return rng.integers(0, 2, z.shape).astype(np.float32), z
    if isinstance(loss, SparseCategoricalCrossentropy):
        return ids, z
    if isinstance(loss, KLDivergence):
        p = np.asarray(jax.nn.softmax(z / 4))  # a finite difference of log p needs p above its step
        return rng.dirichlet(np.ones(outputs), rows).astype(np.float32), p
    if isinstance(loss, MeanSquaredLogarithmicError):
        return np.exp(rng.normal(size=z.shape)).astype(np.float32), np.exp(z / 2)
    if isinstance(loss, Poisson):
        return rng.poisson(3.0, z.shape).astype(np.float32), np.exp(z / 2)
    if isinstance(loss, Hinge | SquaredHinge):
        return rng.integers(0, 2, z.shape).astype(np.float32), z
    if loss.output_activation or isinstance(loss, CategoricalHinge):
        return np.eye(outputs, dtype=np.float32)[ids], z
    return rng.normal(size=z.shape).astype(np.float32), z


def live(keras, kind, fields, y, z, weight):
    """Return Keras's loss with and without weights, and the gradients of both."""
    if kind == "HalfMeanSquaredError":  # not in Keras: k / 2 times the mean of k squares

        def theirs(y, z, *weight):
            return z.shape[-1] / 2 * keras.losses.MeanSquaredError()(y, z, *weight)

    else:
        theirs = getattr(keras.losses, kind)(**fields)
    plain, weighted = (
        jax.value_and_grad(lambda z, weights=weights: theirs(y, z, *weights))(z)
        for weights in ((), (weight,))
    )
    return {"plain": plain, "weighted": weighted}


def test_squared_losses_by_hand():
    y, z = np.array([[1.0, 2.0], [0.0, 0.0]]), jnp.array([[2.0, 4.0], [0.0, 3.0]])
    close(MeanSquaredError().unreduced(y, z), [2.5, 4.5])  # (1 + 4) / 2, (0 + 9) / 2
    close(HalfMeanSquaredError().unreduced(y, z), [2.5, 4.5])  # 1/2 (1 + 4), 1/2 (0 + 9)
    close(
        HalfMeanSquaredError().unreduced(y.reshape(1, 2, 2), z.reshape(1, 2, 2)), [[2.5, 4.5]]
    )  # of each step of a sequence
    close(
        jax.grad(lambda z: HalfMeanSquaredError().unreduced(y, z).sum())(z), [[1, 2], [0, 3]]
    )  # lecture 003: delta = -(y - yhat)


def test_binary_crossentropy_by_hand():
    # lecture 002: p = 0.2 from an untrained net. y = 1: -log 0.2 = 1.6094. y = 0: -log 0.8 = 0.2231
    close(BinaryCrossentropy()([1], jnp.array([[0.2]])), 1.6094379124341003)
    close(BinaryCrossentropy()([0], jnp.array([[0.2]])), 0.2231435513142097)
    close(BinaryCrossentropy(from_logits=True)([1], jnp.array([[0.0]])), np.log(2))


@pytest.mark.parametrize("kind", CATEGORICAL)
def test_categorical_crossentropy_of_the_lectures_scores(kind):
    # lecture 001: L = -log(exp(f_y) / sum exp(f_j)). For y = 3 it is -log 0.661143 = 0.41379
    exact = -np.log(np.exp(6.7) / np.exp(SCORES).sum())
    close(exact, 0.41379, tolerance=LOOSE)
    z = jnp.array([SCORES])
    close(kind().unreduced(jnp.array([3]), z), [exact])
    close(kind().unreduced(jnp.eye(10)[3:4], z), [exact])
    # the gradient is p - y
    p = np.exp(SCORES) / np.exp(SCORES).sum()
    close(jax.grad(lambda z: kind().unreduced(jnp.array([3]), z).sum())(z), [p - np.eye(10)[3]])


def huber(y, z):
    return (y - z) ** 2 / 2 if abs(y - z) <= 1 else abs(y - z) - 0.5


ELEMENT = {
    "mean_absolute_error": lambda y, z: abs(y - z),
    "mae": lambda y, z: abs(y - z),
    "huber": huber,
    "log_cosh": lambda y, z: math.log(math.cosh(z - y)),
    "kl_divergence": lambda y, z: y * math.log(y / z),
    "poisson": lambda y, z: z - y * math.log(z + 1e-7),
    "hinge": lambda y, z: max(1 - (2 * y - 1) * z, 0),
    "squared_hinge": lambda y, z: max(1 - (2 * y - 1) * z, 0) ** 2,
    "mean_absolute_percentage_error": lambda y, z: 100 * abs((y - z) / y),
    "mape": lambda y, z: 100 * abs((y - z) / y),
    "mean_squared_logarithmic_error": lambda y, z: (math.log(1 + y) - math.log(1 + z)) ** 2,
    "msle": lambda y, z: (math.log(1 + y) - math.log(1 + z)) ** 2,
}
ROW = {
    "cosine_similarity": lambda y, z: -sum(y * z) / math.sqrt(sum(y * y) * sum(z * z)),
    "categorical_hinge": lambda y, z: max(1 + max((1 - y) * z) - sum(y * z), 0),
}


@pytest.mark.parametrize("name", LOSSES)
def test_rows_equal_a_numpy_loop(name):
    loss = LOSSES[name]()
    y, z = case(loss, seed=1)
    z64 = z.astype(np.float64)
    for i, got in enumerate(np.asarray(jax.jit(loss.unreduced)(y, z))):
        gamma = getattr(loss, "gamma", 0)
        if loss.output_activation == "sigmoid":
            p = 1 / (1 + np.exp(-z64[i]))
            right = [pk if yk else 1 - pk for yk, pk in zip(y[i], p, strict=True)]
            want = np.mean([-((1 - t) ** gamma) * np.log(t) for t in right])
        elif loss.output_activation == "softmax":
            p = np.exp(z64[i]) / np.exp(z64[i]).sum()
            t = p[y[i] if y.ndim == 1 else y[i].argmax()]
            want = -getattr(loss, "alpha", 1) * (1 - t) ** gamma * np.log(t)
        elif name in ROW:
            want = ROW[name](y[i].astype(np.float64), z64[i])
        elif name in ELEMENT:
            each = [ELEMENT[name](float(yk), zk) for yk, zk in zip(y[i], z64[i], strict=True)]
            want = sum(each) if name == "kl_divergence" else sum(each) / len(each)
        else:
            squares = [(yk - zk) ** 2 for yk, zk in zip(y[i], z64[i], strict=True)]
            want = (
                sum(squares) / 2
                if isinstance(loss, HalfMeanSquaredError)
                else sum(squares) / len(squares)
            )
        close(got, want)


@pytest.mark.parametrize("name", CROSSENTROPIES)
def test_logits_equal_keras(recorded, name):
    loss = LOSSES[name](from_logits=True)
    y, z = case(loss, seed=2)
    weight = np.random.default_rng(3).uniform(size=len(z)).astype(np.float32)
    want, slope = recorded(live, type(loss).__name__, vars(loss), y, z, weight)["weighted"]
    got, got_slope = jax.jit(jax.value_and_grad(lambda z: loss(y, z, weight)))(z)
    close(got, want)
    close(got_slope, slope)


@pytest.mark.parametrize("name", LOSSES)
def test_predictions_equal_keras(recorded, name):
    loss = LOSSES[name]()
    y, z = case(loss, seed=4)
    p = {"softmax": jax.nn.softmax, "sigmoid": jax.nn.sigmoid, None: lambda z: z}[
        loss.output_activation
    ](z)
    weight = np.random.default_rng(5).uniform(size=len(z)).astype(np.float32)
    want = recorded(live, type(loss).__name__, vars(loss), y, p, weight)
    (got, slope), weighted = jax.jit(
        lambda p: (jax.value_and_grad(lambda p: loss(y, p))(p), loss(y, p, weight))
    )(p)
    close(got, want["plain"][0])
    close(weighted, want["weighted"][0])
    close(slope, want["plain"][1], tolerance=10 * FLOAT32)  # 1 / p is large


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_equals_a_finite_difference(name):
    loss = LOSSES[name]()
    y, z = case(loss, seed=6)
    assert directional_error(lambda z: loss.unreduced(jnp.asarray(y), z).mean(), z) < FLOAT64


@pytest.mark.parametrize("kind", CATEGORICAL)
def test_huge_logits_have_their_true_loss_and_slope(kind):
    y, z = jnp.array([0, 0]), jnp.array([[1000.0, 0.0], [0.0, 1000.0]])
    rows = kind().unreduced(y, z)
    close(rows, [0, 1000], tolerance=EXACT)
    assert not np.signbit(rows).any()  # a loss of -0.0 would be printed with a sign
    close(jax.grad(lambda z: kind().unreduced(y, z).sum())(z), [[0, 0], [-1, 1]], tolerance=EXACT)


def test_huge_logits_of_the_binary_loss():
    y, z = jnp.array([[1.0], [0.0], [1.0], [0.0]]), jnp.array([[1000.0], [1000.0], [20.0], [-20.0]])
    rows = BinaryCrossentropy().unreduced(y, z)
    close(rows[:2], [0, 1000], tolerance=EXACT)
    close(rows[2:] * 1e9, [2.0611536181902037] * 2)  # log(1 + exp(-20)) in full precision
    close(
        jax.grad(lambda z: BinaryCrossentropy().unreduced(y, z).sum())(z),
        [[0], [1], [-2.06e-9], [2.06e-9]],
    )


def test_the_slope_at_z_zero_is_p_minus_y():
    # an untrained output is often exactly 0, where max(z, 0) - z y + log1p(exp(-|z|)) has the
    # gradient -y, because jnp.abs has gradient 1 at 0
    y = jnp.array([[1.0], [0.0]])
    close(
        jax.grad(lambda z: BinaryCrossentropy().unreduced(y, z).sum())(jnp.zeros((2, 1))),
        [[-0.5], [0.5]],
    )


@pytest.mark.parametrize("kind", CATEGORICAL)
def test_either_encoding_gives_the_same(kind):
    rng = np.random.default_rng(7)
    z, ids = jnp.asarray(rng.normal(size=(4, 3, 5)), jnp.float32), rng.integers(0, 5, (4, 3))
    by_id, by_row = kind().unreduced(ids, z), kind().unreduced(np.eye(5, dtype=np.float32)[ids], z)
    assert by_id.shape == (4, 3)
    np.testing.assert_array_equal(by_id, by_row)
    p = jax.nn.softmax(z)
    for y in (
        ids,
        ids[..., None],
        ids.tolist(),
        np.eye(5, dtype=np.uint8)[ids],
        ids.astype(np.float64),
    ):
        close(kind()(y, p), by_id.mean())


def test_probabilities_of_zero_are_clipped_as_in_keras():
    # Keras's epsilon: -log(1e-7) = 16.118
    close(CategoricalCrossentropy()([1], jnp.array([[1.0, 0.0]])), 16.11809565095832)
    close(BinaryCrossentropy()([1.0], jnp.array([0.0])), 16.11809565095832)


def test_sample_weights_do_not_change_the_divisor():
    close(
        MeanSquaredError()([[1.0], [2.0]], jnp.array([[0.0], [0.0]]), [0.5, 2.0]), 4.25
    )  # (0.5 * 1 + 2 * 4) / 2
    # a weight per example applies to all its steps: (1 + 9) / 2 * 3
    close(MeanSquaredError()(np.zeros((1, 2, 1)), jnp.array([[[1.0], [3.0]]]), [3.0]), 15)
    with pytest.raises(
        DataError,
        match=r"^sample_weight: expected one weight per row, \(2,\)\. Received: shape=\(3,\)\.$",
    ):
        MeanSquaredError()([1.0, 2.0], jnp.zeros((2, 1)), [1.0, 1.0, 1.0])


@pytest.mark.parametrize("kind", [MeanSquaredError, HalfMeanSquaredError, BinaryCrossentropy])
def test_a_trailing_axis_of_one_never_broadcasts(kind):
    y, p = np.array([0.0, 1.0, 1.0]), jnp.array([0.2, 0.7, 0.9])
    want = float(kind()(y[:, None], p[:, None]))
    for a, b in ((y, p), (y, p[:, None]), (y[:, None], p), (y.tolist(), p)):
        close(kind()(a, b), want, tolerance=EXACT)
    with pytest.raises(
        DataError,
        match=rf"^{kind.__name__}: expected y_true of the shape of y_pred, \(3, 1\)\. Received: shape=\(2,\)\.$",
    ):
        kind()(y[:2], p)


def test_targets_are_checked():
    p = jnp.full((2, 3), 1 / 3)
    with pytest.raises(
        DataError,
        match=r"y_true of the shape of y_pred, \(2, 3\), or class ids \(2,\)\. Received: shape=\(4,\)\.$",
    ):
        CategoricalCrossentropy()([0, 1, 2, 0], p)
    for ids, text in (([0, 3], r"\[3\.?0?\]"), ([-1, 0], r"\[-1\]"), ([0.5, 1], r"\[0\.5\]")):
        with pytest.raises(
            DataError,
            match=rf"^Sparse\w+: expected class ids to be integers 0\.\.2\. Received: ids={text}\.$",
        ):
            SparseCategoricalCrossentropy()(ids, p)
    with pytest.raises(
        DataError,
        match=r"^MeanSquaredError: expected y_true of the shape of y_pred, \(2, 3\)\. Received: shape=\(2,\)\.$",
    ):
        MeanSquaredError()([0, 1], p)
    with pytest.raises(
        DataError,
        match=r"^MeanSquaredError: expected y_true to be numbers\. Received: dtype='<U3'\.$",
    ):
        MeanSquaredError()(["cat", "dog"], p)
    with pytest.raises(
        ConfigError,
        match=r"^categorical cross-entropy: expected one output per class, at least two\. .*outputs=1\.$",
    ):
        CategoricalCrossentropy()([0, 1], jnp.array([0.2, 0.7]))


def test_get_and_value_identity():
    assert losses.get("mse") == losses.get("mean_squared_error") == MeanSquaredError()
    assert BinaryCrossentropy(from_logits=True) != BinaryCrossentropy()
    assert hash(BinaryCrossentropy(from_logits=True)) == hash(BinaryCrossentropy(True))
    loss = BinaryCrossentropy(from_logits=True)
    assert losses.get(loss) is loss
    with pytest.raises(
        ConfigError, match=r"^loss: expected one of .* Did you mean 'binary_crossentropy'\?$"
    ):
        losses.get("binary_cross_entropy")
    with pytest.raises(
        ConfigError,
        match=r"^loss: expected a name, a Loss or a function\. Received: loss=<class .*MeanSquaredError'>\. Write MeanSquaredError\(\)\.$",
    ):
        losses.get(MeanSquaredError)
    with pytest.raises(
        ConfigError,
        match=r"^CategoricalCrossentropy: expected from_logits to be a bool\. Received: from_logits='yes'\.$",
    ):
        CategoricalCrossentropy("yes")
