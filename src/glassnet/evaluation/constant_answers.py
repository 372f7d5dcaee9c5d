"""The best constant answer under each loss: the class frequencies, the mean, the median.

A network that has learned anything has a lower loss than its best constant answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet import losses
from glassnet.evaluation.numpy_losses import compute_unreduced, has_numpy_formula, smooth
from glassnet.losses import Loss
from glassnet.losses.loss import EPSILON
from glassnet.losses.scaled import ScaledLoss
from glassnet.types import Array

MAX_SEARCH_ROWS = 8192
"""Of more rows, an even sample chooses the constant for a loss that needs a search."""

MAX_VALUES = 64
"""Maximum number of different targets for a search over a grid of constants."""

SEARCH_STEPS = 50
"""Number of times that a search halves its interval."""


def constant_loss(
    loss: Loss,
    y: Array,
    weight: Array | None = None,
    y_val: Array | None = None,
    weight_val: Array | None = None,
    *,
    n_outputs: int | None = None,
) -> tuple[float, float]:
    """Return the loss of the best constant answer on training rows, and on validation rows.

    The answer c minimizes sum_i w_i l(y_i, c) over the training rows, with one number for each
    output. The loss is sum_i w_i l(y_i, c) / n, as in training, without penalties, and in the units
    of the history. A class without a training row counts as half a row.

    Shapes:
        y: class ids (n, ...) of integers, or (n, ..., outputs). weight: (n,), or (n, ...) with one
        weight per time step.

    Args:
        loss: the training loss.
        y: targets of the training rows, in the form that the loss receives.
        weight: sample weights; None for 1.
        y_val: targets of the validation rows; None if there are none.
        weight_val: their weights.
        n_outputs: number of classes, if y holds class ids; None for the largest id plus 1.

    Returns:
        (training loss, validation loss). NaN if there are no validation rows, all weights are 0, or
        the best constant is not known: for a user's own loss, or for a search over more than
        64 different targets.

    Example:
        >>> loss = losses.BinaryCrossentropy()
        >>> y, y_val = np.array([[0.0], [1.0]]), np.array([[1.0]])
        >>> [round(value, 4) for value in constant_loss(loss, y, y_val=y_val)]
        [0.6931, 0.6931]

    Source: the means, medians and frequencies that minimize each loss; tests compare them with a
        numerical minimization.
    """
    if not has_numpy_formula(loss) or not len(y):
        return np.nan, np.nan
    with np.errstate(all="ignore"):
        rows, row_weight = to_rows(y, weight)
        val_rows = rows[:0] if y_val is None else to_rows(y_val, weight_val)[0]
        if n_outputs is None:
            n_outputs = count_outputs(rows, val_rows)
        constant = find_constant(loss, rows, row_weight, n_outputs)
        if constant is None:
            return np.nan, np.nan
        train = compute_constant_loss(loss, rows, row_weight, constant)
        if y_val is None or not len(val_rows):
            return train, np.nan
        return train, compute_constant_loss(loss, *to_rows(y_val, weight_val), constant)


def count_outputs(*targets: Array) -> int:
    """Return the number of outputs of targets (n, outputs), or of classes of class ids (n,)."""
    if targets[0].ndim == 1:
        return max(int(y.max(initial=0)) for y in targets) + 1
    return int(targets[0].shape[1])


def to_rows(y: Array, weight: Array | None) -> tuple[Array, Array]:
    """Return targets with one row per entry of the loss, and the weight of each row.

    Time steps become rows. Class ids, which are integers, become (rows,), others (rows, outputs).
    """
    y = np.asarray(y)
    is_ids = y.dtype.kind in "iu"
    shape = y.shape if is_ids else y.shape[:-1]
    rows = y.reshape(-1) if is_ids else y.reshape(-1, y.shape[-1])
    if weight is None:
        return rows, np.ones(len(rows))
    weight = np.asarray(weight, np.float64)
    weight = weight[..., 0] if weight.ndim > len(shape) else weight
    weight = weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim))
    return rows, np.broadcast_to(weight, shape).reshape(-1)


def find_constant(loss: Loss, y: Array, weight: Array, n_outputs: int) -> Array | None:
    """Return the argument of the loss that minimizes its weighted sum over the rows, (1, outputs).

    None if it is not known.

    Shapes:
        y: class ids (n,), or (n, outputs). weight: (n,).
    """
    if isinstance(loss, ScaledLoss):
        constant = find_constant(loss.base, loss.scale * y, weight, n_outputs)
        return None if constant is None else constant / loss.scale
    if y.ndim == 1 and type(loss) not in CLASS_CONSTANTS:
        y = np.eye(n_outputs)[y]
    if not np.isfinite(weight.sum()) or weight.sum() <= 0 or not np.isfinite(y).all():
        return None
    constant = CONSTANTS[type(loss)](loss, y, weight, n_outputs)
    return None if constant is None else np.asarray(constant, np.float64).reshape(1, -1)


def compute_constant_loss(loss: Loss, y: Array, weight: Array, constant: Array) -> float:
    """Return sum_i w_i l(y_i, constant) / n, in the units of the history.

    Shapes:
        y: class ids (n,), or (n, outputs). weight: (n,). constant: (1, outputs).
    """
    if y.ndim == 1:  # a loss per class: the rows of a class are alike
        classes = np.arange(constant.shape[1])
        per_class = compute_unreduced(loss, classes, constant)
        return float(sum_by_class(y, weight, len(classes)) @ per_class / len(y))
    return float(weight @ compute_unreduced(loss, y, constant) / len(y))


def sum_by_class(y: Array, weight: Array, n_classes: int) -> Array:
    """Return the sum of the weights of each class, (classes,)."""
    if y.ndim == 1:
        return np.bincount(y, weight, n_classes)
    return weight @ y.astype(np.float64)


def weighted_median(y: Array, weight: Array) -> Array:
    """Return the median of each column, with a weight for each number, (columns,)."""
    order = np.argsort(y, axis=0)
    totals = np.cumsum(np.take_along_axis(np.broadcast_to(weight, y.shape), order, 0), axis=0)
    index = (totals < totals[-1] / 2).sum(0)
    middle = np.take_along_axis(order, index[None], 0)
    return np.take_along_axis(y, middle, 0)[0]


def _mean(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    return weight @ y.astype(np.float64) / weight.sum()


def _median(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    return weighted_median(y, weight[:, None])


def _percentage_median(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    return weighted_median(y, weight[:, None] / np.maximum(np.abs(y), EPSILON))


def _log_frequencies(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    totals = smooth(loss, sum_by_class(y, weight, n_outputs) / weight.sum(), n_outputs)
    return np.log(np.where(totals > 0, totals, 0.5 / len(y)))


def _log_odds(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    share = smooth(loss, _mean(loss, y, weight, n_outputs), 2)
    share = np.clip(share, 0.5 / len(y), 1 - 0.5 / len(y))
    return np.log(share) - np.log1p(-share)


def _count(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    return np.maximum(_mean(loss, y, weight, n_outputs) - EPSILON, 0)


def _logarithmic_mean(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    return np.expm1(_mean(loss, np.log1p(np.maximum(y, EPSILON)), weight, n_outputs))


def _distribution(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    """Return the best constant whose outputs sum to 1, as those of a softmax do."""
    mean = _mean(loss, np.clip(y, EPSILON, 1), weight, n_outputs)
    return mean / mean.sum()


def _direction(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array | None:
    lengths = np.sqrt(np.maximum(np.square(y.astype(np.float64)).sum(-1), 1e-12))
    total = (weight / lengths) @ y
    length = np.linalg.norm(total)
    if length < 1e-6 * weight.sum():
        return None  # the directions cancel: every answer is as good
    return total / length


def _hinge(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array | None:
    margin = _squared_hinge(loss, y, weight, n_outputs)
    return None if margin is None else np.where(margin >= 0, 1.0, -1.0)


def _squared_hinge(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array | None:
    """Return the share of the labels 1 minus that of the others."""
    if not np.isin(y, (-1, 0, 1)).all():
        return None
    return 2 * (weight @ (y > 0)) / weight.sum() - 1


def _categorical_hinge(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    """Return a score of 1 for a class with more than half of the weight, and else zeros."""
    return (sum_by_class(y, weight, n_outputs) > weight.sum() / 2).astype(np.float64)


def _search_slope(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array:
    """Return the constant at which the slope of a convex loss is 0, by halving an interval."""
    step = -(-len(y) // MAX_SEARCH_ROWS)
    y, weight = y[::step].astype(np.float64), weight[::step]
    low, high = y.min(0), y.max(0)
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        error = middle - y
        slope = np.tanh(error) if type(loss) is losses.LogCosh else np.clip(error, *_ends(loss))
        is_above = weight @ slope > 0
        low, high = np.where(is_above, low, middle), np.where(is_above, middle, high)
    return (low + high) / 2


def _ends(loss: losses.Huber) -> tuple[float, float]:
    return -loss.delta, loss.delta


def _search_grid(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array | None:
    """Return the best of a grid of logits for each output, refined twice."""
    constants = []
    for column in y.T:
        values, index = np.unique(column, return_inverse=True)
        if len(values) > MAX_VALUES:
            return None
        totals = np.bincount(index, weight, len(values))
        best, half_width = 0.0, 30.0
        for _ in range(3):
            grid = best + np.linspace(-half_width, half_width, 601)
            pairs = np.repeat(values, len(grid)), np.tile(grid, len(values))
            per_pair = compute_unreduced(loss, pairs[0][:, None], pairs[1][:, None])
            best = float(grid[(totals @ per_pair.reshape(len(values), -1)).argmin()])
            half_width /= 100
        constants.append(best)
    return np.array(constants)


def _focal_frequencies(loss: Any, y: Array, weight: Array, n_outputs: int) -> Array | None:
    """Return log p for which the slope of the loss is the same for all classes.

    The slope of the loss of class k is -t_k f(p_k), with its total weight t_k and f falling. For
    each slope, a table of f gives p_k, and halving finds the slope at which they sum to 1.
    """
    shares = smooth(loss, sum_by_class(y, weight, n_outputs) / weight.sum(), n_outputs)
    shares = np.where(shares > 0, shares, 0.5 / len(y)) * np.asarray(loss.alpha)
    if not (shares > 0).all():
        return None
    log_p = -np.logspace(1.6, -9, 4000)
    p, miss = np.exp(log_p), -np.expm1(log_p)
    slopes = miss**loss.gamma / p - loss.gamma * miss ** (loss.gamma - 1) * log_p
    low, high = np.log(1e-30), np.log(slopes[0])
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        targets = middle - np.log(shares)
        found = np.interp(-targets, -np.log(slopes), log_p)
        low, high = (middle, high) if np.exp(found).sum() > 1 else (low, middle)
    return found


Finder = Callable[[Any, Array, Array, int], Array | None]

CLASS_CONSTANTS: dict[type[Loss], Finder] = {
    losses.CategoricalCrossentropy: _log_frequencies,
    losses.SparseCategoricalCrossentropy: _log_frequencies,
    losses.CategoricalFocalCrossentropy: _focal_frequencies,
}
"""Best constants of the losses that take class ids."""

CONSTANTS: dict[type[Loss], Finder] = {
    **CLASS_CONSTANTS,
    losses.BinaryCrossentropy: _log_odds,
    losses.BinaryFocalCrossentropy: _search_grid,
    losses.MeanSquaredError: _mean,
    losses.HalfMeanSquaredError: _mean,
    losses.MeanAbsoluteError: _median,
    losses.Huber: _search_slope,
    losses.LogCosh: _search_slope,
    losses.KLDivergence: _distribution,
    losses.Poisson: _count,
    losses.MeanAbsolutePercentageError: _percentage_median,
    losses.MeanSquaredLogarithmicError: _logarithmic_mean,
    losses.CosineSimilarity: _direction,
    losses.Hinge: _hinge,
    losses.SquaredHinge: _squared_hinge,
    losses.CategoricalHinge: _categorical_hinge,
}
"""The best constant of each loss: from (loss, targets, weights, outputs) to its argument."""
