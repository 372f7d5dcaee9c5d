"""The best constant answer under each loss, against the losses themselves and a minimizer."""

import numpy as np
import pytest
from scipy.optimize import minimize

from glassnet import losses
from glassnet.evaluation.constant_answers import CONSTANTS, constant_loss
from glassnet.evaluation.numpy_losses import FORMULAS, compute_unreduced
from glassnet.losses.scaled import scale_loss

N = 40
RNG = np.random.default_rng(0)
IDS = RNG.choice(3, N, p=(0.5, 0.3, 0.2)).astype(np.int32)
ONE_HOT = np.eye(3, dtype=np.float32)[IDS]
BITS = (RNG.random((N, 2)) < (0.3, 0.6)).astype(np.float32)
NUMBERS = (RNG.gamma(2.0, 1.5, (N, 2)) - (0.0, 1.0)).astype(np.float32)
COUNTS = RNG.poisson((2.0, 5.0), (N, 2)).astype(np.float32)
WEIGHT = RNG.gamma(1.0, 2.0, N).astype(np.float32)
ALPHA = (0.2, 1.0, 0.5)

CASES = {
    "sparse": (losses.SparseCategoricalCrossentropy(), IDS),
    "sparse_of_logits": (losses.SparseCategoricalCrossentropy(from_logits=True), IDS),
    "categorical": (losses.CategoricalCrossentropy(), ONE_HOT),
    "categorical_ids": (losses.CategoricalCrossentropy(label_smoothing=0.2), IDS),
    "soft_labels": (losses.CategoricalCrossentropy(), 0.8 * ONE_HOT + np.float32(0.2 / 3)),
    "binary": (losses.BinaryCrossentropy(), BITS),
    "binary_smooth": (losses.BinaryCrossentropy(label_smoothing=0.1), BITS),
    "binary_focal": (losses.BinaryFocalCrossentropy(), BITS),
    "balanced_focal": (losses.BinaryFocalCrossentropy(True, gamma=1.0, label_smoothing=0.1), BITS),
    "focal": (losses.CategoricalFocalCrossentropy(), IDS),
    "focal_alpha": (losses.CategoricalFocalCrossentropy(ALPHA, 1.5, label_smoothing=0.1), ONE_HOT),
    "mse": (losses.MeanSquaredError(), NUMBERS),
    "half_mse": (losses.HalfMeanSquaredError(), NUMBERS),
    "mae": (losses.MeanAbsoluteError(), NUMBERS),
    "huber": (losses.Huber(0.7), NUMBERS),
    "log_cosh": (losses.LogCosh(), NUMBERS),
    "divergence": (losses.KLDivergence(), 0.8 * ONE_HOT + np.float32(0.2 / 3)),
    "poisson": (losses.Poisson(), COUNTS),
    "mape": (losses.MeanAbsolutePercentageError(), COUNTS + 1),
    "msle": (losses.MeanSquaredLogarithmicError(), COUNTS),
    "cosine": (losses.CosineSimilarity(), NUMBERS),
    "hinge": (losses.Hinge(), BITS),
    "hinge_signs": (losses.Hinge(), 2 * BITS - 1),
    "squared_hinge": (losses.SquaredHinge(), BITS),
    "categorical_hinge": (losses.CategoricalHinge(), ONE_HOT),
    "scaled_mse": (scale_loss(losses.MeanSquaredError(), 3.0), NUMBERS),
    "scaled_huber": (scale_loss(losses.Huber(2.0), 3.0), NUMBERS),
}


def to_argument(loss, c):
    """Return the argument of the loss: a distribution for the divergence, which needs one."""
    if isinstance(loss, losses.KLDivergence):
        c = np.exp(c - c.max())
        return c / c.sum()
    return np.maximum(c, 0) if isinstance(loss, losses.Poisson) else c


def engine_loss(loss, y, z, weight):
    """Return the loss as the engine reports it, from the loss's own JAX function."""
    z = np.broadcast_to(np.asarray(z, np.float32), (len(y), np.shape(z)[-1]))
    return loss.report_scale * float((np.asarray(loss.unreduced(y, z)) * weight).sum()) / len(y)


def minimal_loss(loss, y, weight, n_outputs):
    """Return the smallest loss that a general minimizer finds from several starting points."""
    starts = [np.full(n_outputs, value) for value in (0.0, 0.3, 1.0, 3.0)]
    starts.append(np.arange(n_outputs) - 0.5)
    starts += list(np.eye(n_outputs))

    def objective(c):
        argument = to_argument(loss, c)[None]
        return float(weight @ compute_unreduced(loss, y, argument) / len(y))

    options = {"maxiter": 4000, "xatol": 1e-9, "fatol": 1e-12}
    results = [minimize(objective, c, method="Nelder-Mead", options=options) for c in starts]
    return min(result.fun for result in results)


def test_every_loss_has_a_formula_and_a_constant():
    """Oracle: the public losses. A new loss must be added here, or it has no rivals."""
    assert set(FORMULAS) == set(losses.LOSSES.values())
    assert set(CONSTANTS) == set(losses.LOSSES.values())


@pytest.mark.parametrize(("loss", "y"), CASES.values(), ids=CASES)
def test_formulas_equal_the_losses(loss, y):
    """Oracle: the loss's own JAX function, at random arguments."""
    shape = (N, 3 if y.ndim == 1 else y.shape[-1])
    z = np.random.default_rng(1).normal(1.0, 1.5, shape).astype(np.float32)
    z = np.abs(z) + 0.1 if isinstance(loss, losses.Poisson) else z
    expected = loss.report_scale * np.asarray(loss.unreduced(y, z))
    np.testing.assert_allclose(compute_unreduced(loss, y, z), expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("weight", [np.ones(N, np.float32), WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(("loss", "y"), CASES.values(), ids=CASES)
def test_constant_is_the_best(loss, y, weight):
    """Oracle: scipy's Nelder-Mead from several starting points."""
    n_outputs = 3 if y.ndim == 1 else y.shape[-1]
    expected = minimal_loss(loss, y, weight.astype(np.float64), n_outputs)
    found, _ = constant_loss(loss, y, weight, n_outputs=n_outputs)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_validation_rows_get_the_answer_of_the_training_rows():
    """Oracle: by hand, mean 2 of 1, 2, 3: squared errors 4 and 1, weights 1 and 3, two rows."""
    y, y_val = np.array([[1.0], [2.0], [3.0]]), np.array([[4.0], [1.0]])
    train, val = constant_loss(losses.MeanSquaredError(), y, None, y_val, np.array([1.0, 3.0]))
    assert train == pytest.approx(2 / 3)
    assert val == pytest.approx((4 * 1 + 1 * 3) / 2)


def test_class_without_training_row_counts_as_half_a_row():
    """Oracle: by hand, -log(0.5 / 4.5): finite, though the training rows have no class 2."""
    y, y_val = np.array([0, 0, 1, 1]), np.array([2])
    loss = losses.SparseCategoricalCrossentropy()
    _, val = constant_loss(loss, y, None, y_val, n_outputs=3)
    assert val == pytest.approx(-np.log(0.5 / 4 / (1 + 0.5 / 4)))


def test_time_steps_and_their_weights():
    """Oracle: the loss's own JAX function with the weights broadcast over the steps."""
    y = NUMBERS.reshape(10, 4, 2)
    weight = WEIGHT[:10]
    steps = np.repeat(weight, 4)
    mean = steps @ NUMBERS / steps.sum()
    expected = engine_loss(losses.MeanSquaredError(), NUMBERS, mean[None], steps)
    assert constant_loss(losses.MeanSquaredError(), y, weight)[0] == pytest.approx(expected, 1e-5)
    per_step = constant_loss(losses.MeanSquaredError(), y, steps.reshape(10, 4))[0]
    assert per_step == pytest.approx(expected, rel=1e-5)


def test_scaled_loss_is_reported_in_the_units_of_the_target():
    """Oracle: the mean squared error of targets that are not standardized."""
    mean, scale = NUMBERS.mean(), float(NUMBERS.std())
    loss = scale_loss(losses.MeanSquaredError(), scale)
    found, _ = constant_loss(loss, (NUMBERS - mean) / scale)
    assert found == pytest.approx(constant_loss(losses.MeanSquaredError(), NUMBERS)[0], rel=1e-5)


def test_unknown_losses_have_no_constant():
    """A user's function, a subclass with another formula, weights of 0, targets that are NaN."""

    class Doubled(losses.MeanSquaredError):
        def unreduced(self, y, z):
            return 2 * super().unreduced(y, z)

    mse = losses.MeanSquaredError()
    for loss, y, weight in (
        (losses.get(lambda y, z: (y - z) ** 4), NUMBERS, None),
        (Doubled(), NUMBERS, None),
        (mse, NUMBERS, np.zeros(N)),
        (mse, np.full((N, 1), np.nan), None),
        (mse, NUMBERS[:0], None),
        (losses.Hinge(), NUMBERS, None),
    ):
        assert np.isnan(constant_loss(loss, y, weight, NUMBERS)).all()


def test_many_rows_are_sampled_for_a_search():
    """Oracle: scipy on all rows; a sample of 8,192 rows loses less than 0.1 %."""
    y = np.random.default_rng(2).standard_t(3, (50_000, 1))
    loss = losses.Huber(0.5)
    best = minimize(lambda c: compute_unreduced(loss, y, c[None]).mean(), [0.0]).fun
    assert constant_loss(loss, y)[0] == pytest.approx(best, rel=1e-3)
