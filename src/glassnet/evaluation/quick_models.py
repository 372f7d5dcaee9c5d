"""Linear models and nearest neighbours for a thousand rows, in milliseconds and NumPy alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.evaluation.baselines import downsample
from glassnet.evaluation.numpy_losses import log_softmax, sigmoid
from glassnet.types import Array

MAX_COLUMNS = 256
"""Maximum number of columns that the models see."""

MAX_WEIGHTS = 5120
"""Maximum number of weights of a logistic regression; more classes get fewer columns."""

MAX_TOKENS = 2000
"""Number of the most common tokens, and of their pairs, whose counts may become columns."""

MAX_DEVIATIONS = 10.0
"""Standardized numbers are clipped to this size, so that an outlier does not decide a fit."""

LEAST_PENALTY = 1.0
"""Lowest L2 penalty of logistic regression, as in scikit-learn."""

LOGISTIC_STEPS = 25
"""Maximum number of steps of logistic regression."""

RIDGE_PENALTIES = np.logspace(-2, 6, 33)
"""Penalties among which ridge regression chooses."""

MAX_NEIGHBOURS = 15
"""Number of neighbours; fewer if there are fewer than 150 rows."""


def to_numbers(x: Array, x_new: Array, y: Array, *, tokens: bool) -> tuple[Array, Array]:
    """Return rows of at most 256 standardized numbers.

    Images become the means of about 16 x 16 squares, long series the means of adjacent time steps,
    tokens the logarithm of their counts and those of their pairs. Columns that do not vary are left
    out. Of more than 256, those are chosen that vary most with the targets.

    Shapes:
        x: (n, ...). x_new: (m, ...). y: (n, targets). Result: (n, columns) and (m, columns).

    Args:
        x: rows to fit.
        x_new: other rows, standardized like them.
        y: targets of the rows to fit, as numbers.
        tokens: whether x holds token ids.
    """
    if tokens:
        columns, new = count_tokens(x, x_new)
    elif x.ndim == 4 or (x.ndim == 3 and x.dtype == np.uint8):
        columns, new = downsample(x), downsample(x_new)
    else:
        columns, new = (average_steps(part).reshape(len(part), -1) for part in (x, x_new))
    columns, new = standardize(columns.astype(np.float64), new.astype(np.float64))
    chosen = choose_columns(columns, y, MAX_COLUMNS)
    return columns[:, chosen], new[:, chosen]


def standardize(x: Array, x_new: Array) -> tuple[Array, Array]:
    """Return columns with mean 0 and standard deviation 1, clipped, without those that do not vary.

    Numbers that are not finite become 0, the mean.

    Shapes:
        x: (n, columns). x_new: (m, columns).
    """
    is_known = np.isfinite(x)
    if is_known.all():
        mean, std = x.mean(0), x.std(0)
    else:
        n_known = np.maximum(is_known.sum(0), 1)
        mean = np.where(is_known, x, 0).sum(0) / n_known
        std = np.sqrt(np.square(np.where(is_known, x - mean, 0)).sum(0) / n_known)
    varies = std > 1e-6 * np.abs(mean)
    mean, std = mean[varies], std[varies]
    results = []
    for part in (x, x_new):
        columns = part if varies.all() else part[:, varies]
        scaled = np.clip((columns - mean) / std, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        results.append(np.where(np.isfinite(columns), scaled, 0))
    return results[0], results[1]


def average_steps(x: Array) -> Array:
    """Return series (n, time, ...) with fewer time steps, the means of adjacent ones."""
    n_numbers = int(np.prod(x.shape[1:]))
    if x.ndim < 3 or n_numbers <= MAX_COLUMNS:
        return x
    n_steps = x.shape[1]
    step = min(n_steps, -(-n_numbers // MAX_COLUMNS))
    n_means = n_steps // step
    parts = np.asarray(x[:, : n_means * step], np.float64)
    return parts.reshape(len(x), n_means, step, *x.shape[2:]).mean(2)


def count_tokens(x: Array, x_new: Array) -> tuple[Array, Array]:
    """Return log(1 + count) of the most common tokens, and pairs of neighbours, of each row.

    Shapes:
        x: token ids (n, ...). x_new: token ids (m, ...). Result: (n, columns) and (m, columns).
    """
    ids, new_ids = (part.reshape(len(part), -1).astype(np.int64) for part in (x, x_new))
    base = max(ids.max(initial=0), new_ids.max(initial=0)) + 1
    parts = [(ids, new_ids)]
    if ids.shape[1] > 1:
        parts.append((ids[:, :-1] * base + ids[:, 1:], new_ids[:, :-1] * base + new_ids[:, 1:]))
    counts = [_count_common(*part) for part in parts]
    return np.hstack([count[0] for count in counts]), np.hstack([count[1] for count in counts])


def _count_common(ids: Array, new_ids: Array) -> tuple[Array, Array]:
    """Return log(1 + count) of each of the most common numbers in each row."""
    values, counts = np.unique(ids, return_counts=True)
    common = np.sort(values[np.argsort(-counts, kind="stable")[:MAX_TOKENS]])

    def count(ids: Array) -> Array:
        position = np.minimum(np.searchsorted(common, ids), len(common) - 1)
        position[common[position] != ids] = len(common)
        cells = np.arange(len(ids))[:, None] * (len(common) + 1) + position
        totals = np.bincount(cells.ravel(), minlength=len(ids) * (len(common) + 1))
        return np.log1p(totals.reshape(len(ids), -1)[:, :-1])

    return count(ids), count(new_ids)


def choose_columns(x: Array, y: Array, most: int) -> Array:
    """Return the indices of the columns that vary most with the targets, in their order.

    The score of a standardized column is the sum of its squared covariances with the targets.

    Source: J. Fan, J. Lv, "Sure independence screening", JRSS B 70, 2008.
    """
    if x.shape[1] <= most:
        return np.arange(x.shape[1])
    scores = np.square(x.T @ (y - y.mean(0))).sum(1)
    return np.sort(np.argpartition(-scores, most)[:most])


class Spectrum(NamedTuple):
    """Weighted, centred rows in the directions in which their columns vary independently.

    Attributes:
        center: mean of each column, (columns,).
        directions: eigenvectors of X'X, (columns, columns).
        sizes: their eigenvalues, (columns, 1).
        products: X'Y in these directions, (columns, targets).
        penalty: L2 penalty of a ridge regression that predicts new rows best.
    """

    center: Array
    directions: Array
    sizes: Array
    products: Array
    penalty: float


def decompose(x: Array, y: Array, weight: Array) -> Spectrum:
    """Decompose X'X, and choose the penalty of ridge regression.

    Generalized cross-validation chooses it, with each degree of freedom counted 1.4 times: without
    that, some data would get almost no penalty.

    Shapes:
        x: (n, columns). y: (n, targets). weight: (n,).

    Source: G. Golub, M. Heath, G. Wahba, "Generalized cross-validation as a method for choosing a
        good ridge parameter", Technometrics 21, 1979; the factor: Y.-J. Kim, C. Gu, "Smoothing
        spline Gaussian regression: more scalable computation", JRSS B 66, 2004.
    """
    total = weight.sum()
    center, root = weight @ x / total, np.sqrt(weight)[:, None]
    centered, targets = root * (x - center), root * (y - weight @ y / total)
    sizes, directions = np.linalg.eigh(centered.T @ centered)
    sizes = np.maximum(sizes, 0)[:, None]
    products = directions.T @ (centered.T @ targets)
    shrunk = sizes / (sizes + RIDGE_PENALTIES)
    explained = (
        np.square(products).sum(1)[:, None] * (shrunk - 2) / (sizes + RIDGE_PENALTIES)
    ).sum(0)
    freedom = len(y) - 1.4 * (1 + shrunk.sum(0))
    scores = np.where(freedom > 0, (np.square(targets).sum() + explained) / freedom**2, np.inf)
    penalty = float(RIDGE_PENALTIES[scores.argmin()])
    return Spectrum(center, directions, sizes, products, penalty)


def fit_ridge(x: Array, y: Array, weight: Array, x_new: Array) -> tuple[Array, Array]:
    """Fit a ridge regression; return its answers for the fitted and for other rows.

    Shapes:
        x: (n, columns). y: (n, targets). weight: (n,). x_new: (m, columns).
        Results: (n, targets) and (m, targets).
    """
    center, directions, sizes, products, penalty = decompose(x, y, weight)
    slopes = directions @ (products / (sizes + penalty))
    mean = weight @ y / weight.sum()
    return (x - center) @ slopes + mean, (x_new - center) @ slopes + mean


def fit_logistic(x: Array, y: Array, weight: Array, x_new: Array, *, exclusive: bool) -> Array:
    """Fit a logistic regression with an L2 penalty; return its probabilities for other rows.

    Each step divides the gradient by a bound of the second derivative that holds for all weights
    (1/2 X'X for classes, 1/4 X'X for labels), so that the loss never rises. Momentum makes the
    steps faster, and begins again if the loss rises. The penalty is that of ridge regression on the
    labels, times their variance.

    Shapes:
        x: (n, columns), standardized. y: shares of the classes (n, K), or K labels of 0 and 1.
        weight: (n,), with mean 1. x_new: (m, columns). Result: (m, K).

    Args:
        exclusive: whether a row has one of K classes (softmax), or K labels (sigmoid).

    Source: D. Böhning, "Multinomial logistic regression algorithm", Annals of the Institute of
        Statistical Mathematics 44, 1992; B. O'Donoghue, E. Candès, "Adaptive restart for
        accelerated gradient schemes", Foundations of Computational Mathematics 15, 2015.
    """
    chosen = choose_columns(x, y, MAX_WEIGHTS // y.shape[1])
    x, x_new = x[:, chosen], x_new[:, chosen]
    center, directions, sizes, _, penalty = decompose(x, y, weight)
    prior = np.clip(weight @ y / weight.sum(), 0.5 / len(y), 1 - 0.5 / len(y))
    penalty = max(penalty * float((prior * (1 - prior)).mean()), LEAST_PENALTY)
    rows, new_rows = (
        np.column_stack([(part - center) @ directions, np.ones(len(part))]).astype(np.float32)
        for part in (x, x_new)
    )
    penalties = np.append(np.full(len(sizes), penalty), 1e-3)[:, None]
    bound = (0.5 if exclusive else 0.25) * np.append(sizes, weight.sum())[:, None] + penalties
    coefficients = np.zeros(bound.shape)[:, :1] * prior
    coefficients[-1] = np.log(prior) if exclusive else np.log(prior) - np.log1p(-prior)
    step, ahead, momentum = np.zeros_like(coefficients), coefficients, 1.0
    activation = softmax if exclusive else sigmoid
    for _ in range(LOGISTIC_STEPS):
        residual = weight[:, None] * (activation(rows @ ahead.astype(np.float32)) - y)
        gradient = rows.T @ residual.astype(np.float32) + penalties * ahead
        new = ahead - gradient / bound
        step = new - coefficients
        momentum = 1.0 if (gradient * step).sum() > 0 else momentum
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        coefficients, ahead = new, new + (momentum - 1) / following * step
        momentum = following
    return activation(new_rows @ coefficients.astype(np.float32))


def softmax(z: Array) -> Array:
    """Return exp(z) / sum(exp(z)) along the last axis."""
    result: np.ndarray = np.exp(log_softmax(z))
    return result


def average_neighbours(
    x: Array, y: Array, weight: Array, x_new: Array, *, prior_rows: float = 0.0
) -> Array:
    """Return the mean targets of the 15 nearest rows, and of those as near as the last of them.

    Shapes:
        x: (n, columns). y: (n, targets). weight: (n,). x_new: (m, columns). Result: (m, targets).

    Args:
        prior_rows: number of rows with the mean of all targets that are added to the neighbours.
    """
    n_neighbours = max(1, min(MAX_NEIGHBOURS, len(x) // 10))
    near, new = x.astype(np.float32), x_new.astype(np.float32)
    distances = np.square(near).sum(1) - 2 * new @ near.T
    farthest = np.partition(distances, n_neighbours - 1, axis=1)[:, n_neighbours - 1, None]
    weights = (distances <= farthest) * weight.astype(np.float32)
    prior = weight @ y / weight.sum()
    total = weights @ y.astype(np.float32) + prior_rows * prior
    result: np.ndarray = total / (weights.sum(1, keepdims=True) + prior_rows)
    return result
