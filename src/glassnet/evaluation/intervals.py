"""Bootstrap confidence intervals of scores and of their differences."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from glassnet.types import Array

N_RESAMPLES = 2000
"""Number of bootstrap resamples for an interval."""

MIN_DISAGREEMENTS = 6
"""Minimum number of rows on which two methods must differ for an interval of their difference.

On five rows no difference is significant: even if all favor one method, 2 * 0.5**5 > 0.05.
"""

RESAMPLE_BLOCK = 1 << 20
"""Number of rows that are drawn at a time: eight megabytes of indices."""

Interval: TypeAlias = tuple[float, float] | None
"""Low and high end of a 95 % interval, or None if there are too few rows for one."""


def resample_means(losses: Array, rng: np.random.Generator) -> Array:
    """Return the mean loss of every method on bootstrap resamples of the rows.

    Each resample draws the same n rows, with replacement, for all methods.

    Shapes:
        losses (methods, n); result (methods, N_RESAMPLES).
    """
    n = losses.shape[1]
    size = max(1, RESAMPLE_BLOCK // n)
    blocks = [
        rng.integers(n, size=(min(size, N_RESAMPLES - start), n))
        for start in range(0, N_RESAMPLES, size)
    ]
    return np.concatenate([losses[:, rows].mean(axis=2) for rows in blocks], axis=1)


def score_interval(metric: str, losses: Array, resampled: Array) -> Interval:
    """Return the interval of one method's score.

    If all rows are right, or all wrong, every resample has the same accuracy. The result is then
    the exact binomial interval.

    Shapes:
        losses (n,); resampled (N_RESAMPLES,).
    """
    n = len(losses)
    if metric == "accuracy" and np.all(losses == losses[0]):
        from scipy.stats import binomtest

        low, high = binomtest(int(losses.sum()), n).proportion_ci(method="exact")
        return float(low), float(high)
    return _expanded_percentile_interval(resampled, n) if n > 1 else None


def difference_interval(losses: Array, other_losses: Array, resampled: Array) -> Interval:
    """Return the interval of the difference between two methods' scores.

    Shapes:
        losses and other_losses (n,); resampled differences (N_RESAMPLES,).
    """
    if np.sum(losses != other_losses) < MIN_DISAGREEMENTS:
        return None
    return _expanded_percentile_interval(resampled, len(losses))


def _expanded_percentile_interval(resampled: Array, n: int) -> tuple[float, float]:
    """Return Hesterberg's expanded percentile interval.

    The variance of resamples is too small by (n - 1) / n, and its estimate is uncertain. A level
    from the t distribution corrects both.
    """
    from scipy.stats import norm, t

    tail = norm.cdf(-np.sqrt(n / (n - 1)) * t.ppf(0.975, n - 1))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)
