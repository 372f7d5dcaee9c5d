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
class TTest:
    """Result of a t-test of the mean of some values, such as scores or differences of scores.

    Args:
        mean: mean of the values.
        standard_error: of the mean; NaN if the spread of the values is unknown.
        interval: low and high end of the 95 % interval of the mean; None if it is unknown.
        p_value: probability of a mean at least as far from 0 if the true one is 0; NaN if there is
            no interval.
    """

    mean: float
    standard_error: float
    interval: Interval
    p_value: float

    @property
    def is_significant(self) -> bool:
        """Whether the mean differs from 0 by more than noise: the interval excludes 0."""
        return self.p_value < 1 - LEVEL


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
    return _t_test(*_check_scores("corrected_interval", scores, n_train, n_test)).interval


def corrected_t_test(differences: ArrayLike, n_train: ArrayLike, n_test: ArrayLike) -> TTest:
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
        The mean difference, its standard error, interval and p-value. There is no interval for a
        single fold, for differences that are not finite, or if all are equal: their spread is then
        unknown.

    Raises:
        DataError: a shape is another, or a number of rows is not positive.

    Example:
        >>> test = corrected_t_test([0.04, 0.02, 0.03, 0.05, 0.01], n_train=80, n_test=20)
        >>> f"{test.mean:.2f}, p = {test.p_value:.3f}"
        '0.03, p = 0.047'

    Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52,
        2003; R. Bouckaert, E. Frank, "Evaluating the replicability of significance tests for
        comparing learning algorithms", 2004 (repeated k-fold).
    """
    return _t_test(*_check_scores("corrected_t_test", differences, n_train, n_test))


def t_test(values: ArrayLike) -> TTest:
    """Test whether the mean of independent values is 0: scores of seeds, not of folds.

    t = mean(v) / sqrt(var(v) / n), compared with the t distribution with n - 1 degrees of freedom;
    two-sided.

    Shapes:
        values (n,).

    Example:
        >>> f"{t_test([0.04, 0.02, 0.03, 0.05, 0.01]).p_value:.3f}"
        '0.013'
    """
    return _t_test(np.asarray(values, np.float64), 0.0)


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


def _t_test(values: Array, ratio: float) -> TTest:
    """Test the mean of values with the standard error sqrt((1 / n + ratio) * var(values))."""
    from scipy.stats import t

    n, mean = len(values), float(values.mean())
    is_finite = np.isfinite(values).all()
    if n < 2 or not is_finite or np.ptp(values) <= EQUAL * np.abs(values).max():
        return TTest(mean, math.nan, None, math.nan)
    error = float(np.sqrt((1 / n + ratio) * values.var(ddof=1)))
    half_width = float(t.ppf((1 + LEVEL) / 2, n - 1)) * error
    p_value = float(2 * t.sf(abs(mean) / error, n - 1))
    return TTest(mean, error, (mean - half_width, mean + half_width), p_value)
