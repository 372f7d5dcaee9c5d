"""The corrected resampled t-test: intervals and p-values of scores on folds that share rows.

The functions take arrays of scores and do not depend on networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from glassnet.errors import DataError, require
from glassnet.evaluation.intervals import Interval
from glassnet.types import Array

LEVEL = 0.95
"""Confidence level of the intervals."""

EQUAL = 1e-9
"""Relative spread up to which numbers count as equal: it is rounding."""


@dataclass(frozen=True)
class PairedTest:
    """Result of `corrected_t_test`.

    Args:
        difference: mean of the differences.
        interval: low and high end of the 95 % interval of the difference; None if it is unknown.
        p_value: probability of a mean difference at least as large if the true one is 0; NaN if
            there is no interval.
    """

    difference: float
    interval: Interval
    p_value: float


def corrected_interval(scores: ArrayLike, n_train: ArrayLike, n_test: ArrayLike) -> Interval:
    """Return the 95 % interval of the mean score over folds.

    mean(scores) ± t * sqrt((1 / J + n_test / n_train) * var(scores)), for J folds, the 97.5 %
    quantile t of the t distribution with J - 1 degrees of freedom, and the variance with J - 1 in
    the denominator. Without `n_test / n_train`, the interval would be too narrow, since the
    training rows of the folds overlap.

    If the folds have different sizes, the mean of their ratios `n_test / n_train` is used.

    Shapes:
        scores (J,); n_train and n_test: () or (J,).

    Args:
        scores: score of each fold.
        n_train: number of training rows, one for all folds or one per fold.
        n_test: number of test rows, one for all folds or one per fold.

    Returns:
        The low and the high end. None if no interval is known: for a single fold, scores that are
        not finite, or equal scores of all folds.

    Raises:
        DataError: a shape is another, or a number of rows is not positive.

    Example:
        >>> low, high = corrected_interval([0.8, 0.9, 0.7, 0.8, 0.8], n_train=80, n_test=20)
        >>> f"{low:.3f} to {high:.3f}"
        '0.668 to 0.932'

    Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52,
        2003.
    """
    values, ratio = _check_scores("corrected_interval", scores, n_train, n_test)
    error = _corrected_error(values, ratio)
    return None if math.isnan(error) else _t_interval(float(values.mean()), error, len(values))


def corrected_standard_error(scores: ArrayLike, n_train: ArrayLike, n_test: ArrayLike) -> float:
    """Return the standard error of the mean score over folds.

    sqrt((1 / J + n_test / n_train) * var(scores)): see `corrected_interval`.

    Shapes:
        scores (J,); n_train and n_test: () or (J,).

    Args:
        scores: score of each fold.
        n_train: number of training rows, one for all folds or one per fold.
        n_test: number of test rows, one for all folds or one per fold.

    Returns:
        The error in units of the score; NaN if no interval is known.

    Raises:
        DataError: a shape is another, or a number of rows is not positive.

    Example:
        >>> error = corrected_standard_error([0.8, 0.9, 0.7, 0.8, 0.8], n_train=80, n_test=20)
        >>> f"{error:.4f}"  # sqrt((1 / 5 + 1 / 4) * 0.005)
        '0.0474'
    """
    return _corrected_error(*_check_scores("corrected_standard_error", scores, n_train, n_test))


def corrected_t_test(differences: ArrayLike, n_train: ArrayLike, n_test: ArrayLike) -> PairedTest:
    """Test whether the mean of differences between two methods' scores on the same folds is 0.

    t = mean(d) / sqrt((1 / J + n_test / n_train) * var(d)), compared with the t distribution with
    J - 1 degrees of freedom; two-sided. The folds may be random splits, the k folds of a
    cross-validation, or those of a repeated one. An ordinary paired t-test lacks `n_test /
    n_train`. It takes the folds for independent, and finds differences that are not there.

    If the folds have different sizes, the mean of their ratios `n_test / n_train` is used.

    Shapes:
        differences (J,); n_train and n_test: () or (J,).

    Args:
        differences: score of one method minus that of the other, for each fold.
        n_train: number of training rows, one for all folds or one per fold.
        n_test: number of test rows, one for all folds or one per fold.

    Returns:
        Difference, interval and p-value. There is no interval for a single fold, for differences
        that are not finite, or if all are equal: their spread is then unknown.

    Raises:
        DataError: a shape is another, or a number of rows is not positive.

    Example:
        >>> test = corrected_t_test([0.04, 0.02, 0.03, 0.05, 0.01], n_train=80, n_test=20)
        >>> f"{test.difference:.2f}, p = {test.p_value:.3f}"
        '0.03, p = 0.047'

    Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52,
        2003; R. Bouckaert, E. Frank, "Evaluating the replicability of significance tests for
        comparing learning algorithms", 2004 (repeated k-fold).
    """
    from scipy.stats import t

    values, ratio = _check_scores("corrected_t_test", differences, n_train, n_test)
    difference, error = float(values.mean()), _corrected_error(values, ratio)
    if math.isnan(error):
        return PairedTest(difference, None, math.nan)
    p_value = float(2 * t.sf(abs(difference) / error, len(values) - 1))
    return PairedTest(difference, _t_interval(difference, error, len(values)), p_value)


def _check_scores(
    who: str, scores: ArrayLike, n_train: ArrayLike, n_test: ArrayLike
) -> tuple[Array, float]:
    """Return the scores as float64, and the mean ratio of the numbers of rows."""
    values = np.asarray(scores, np.float64)
    train, test = np.asarray(n_train, np.float64), np.asarray(n_test, np.float64)
    expected = "one score per fold, and as many numbers of rows, or one for all folds"
    require(
        values.ndim == 1 and values.size > 0 and {train.shape, test.shape} <= {(), values.shape},
        who,
        expected,
        error=DataError,
        scores=values.shape,
        n_train=train.shape,
        n_test=test.shape,
    )
    require(
        min(train.min(), test.min()) >= 1,
        who,
        "at least one training row and one test row in each fold",
        error=DataError,
        n_train=int(train.min()),
        n_test=int(test.min()),
    )
    return values, float(np.mean(test / train))


def _corrected_error(values: Array, ratio: float) -> float:
    """Return the standard error of the mean, or NaN if the spread of the values is unknown."""
    if len(values) < 2 or not np.isfinite(values).all():
        return math.nan
    if np.ptp(values) <= EQUAL * np.abs(values).max():
        return math.nan
    return float(np.sqrt((1 / len(values) + ratio) * values.var(ddof=1)))


def _t_interval(mean: float, error: float, n: int) -> tuple[float, float]:
    from scipy.stats import t

    half_width = float(t.ppf((1 + LEVEL) / 2, n - 1)) * error
    return mean - half_width, mean + half_width
