"""Scores of a network and of baselines on the same test rows, with confidence intervals.

The functions take arrays of predictions and do not depend on networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import DataError, require
from glassnet.evaluation.intervals import (
    MIN_DISAGREEMENTS,
    Interval,
    difference_interval,
    resample_means,
    score_interval,
)
from glassnet.formatting import format_number, format_share
from glassnet.suggestions import suggest_names
from glassnet.types import Array

CONSTANTS = {"majority": "the most common class", "mean": "the mean"}
"""Baselines that give the same answer for all rows, and their answers in words."""


@dataclass(frozen=True)
class Score:
    """Score of one method on the test rows.

    Args:
        name: name of the method.
        value: accuracy, or root mean squared error in the target's own units.
        interval: low and high end of a 95 % interval; None for the error on a single row.
    """

    name: str
    value: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return the score as data that JSON can hold."""
        interval = _interval_to_list(self.interval)
        return {"name": self.name, "value": self.value, "interval": interval}


@dataclass(frozen=True)
class BaselineComparison:
    """Score of a baseline and the network's improvement on it.

    Args:
        score: score of the baseline.
        improvement: how much better the network is, in the metric's units; negative if it is worse.
        interval: low and high end of a 95 % interval of `improvement`; None if the two differ on
            fewer than six rows.
    """

    score: Score
    improvement: float
    interval: Interval

    @property
    def verdict(self) -> str:
        """The network is "better" or "worse" if the interval excludes 0, else "within noise".

        Example:
            >>> majority = Score("majority", 0.6, (0.5, 0.7))
            >>> BaselineComparison(majority, improvement=0.2, interval=(0.1, 0.3)).verdict
            'better'
        """
        low, high = self.interval or (0.0, 0.0)
        return "better" if low > 0 else "worse" if high < 0 else "within noise"

    @property
    def is_unbeaten_constant(self) -> bool:
        """Whether one answer for all rows is at least as good as the network, or within noise.

        A better network that differs on fewer than six rows does not count.
        """
        is_beaten = self.improvement > 0 and self.interval is None
        return self.score.name in CONSTANTS and self.verdict != "better" and not is_beaten


@suggest_names
@dataclass(frozen=True)
class ScoreReport:
    """Scores of the network and of baselines, returned by `compare_scores`; prints as a table.

    Args:
        metric: "accuracy" (higher is better) or "RMSE" (in the target's units, lower is better).
        network: score of the network.
        baselines: comparison with each baseline.
        n_rows: number of test rows.
        note: a remark on the baselines that is printed below the table, or "".
    """

    metric: str
    network: Score
    baselines: tuple[BaselineComparison, ...]
    n_rows: int
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as data that JSON can hold."""
        return {
            "metric": self.metric,
            "rows": self.n_rows,
            "network": self.network.to_dict(),
            "rivals": [
                baseline.score.to_dict()
                | {
                    "ahead": baseline.improvement,
                    "ahead_interval": _interval_to_list(baseline.interval),
                    "verdict": baseline.verdict,
                }
                for baseline in self.baselines
            ],
            "note": self.note,
        }

    @property
    def rows_text(self) -> str:
        """The number of test rows in words."""
        return f"{self.n_rows:,} {'row' if self.n_rows == 1 else 'rows'}"

    @property
    def no_interval(self) -> str:
        """Why a score has no interval."""
        return "none for a single row"

    @property
    def no_difference(self) -> str:
        """Why a difference of scores has no interval."""
        return f"fewer than {MIN_DISAGREEMENTS} rows differ"

    def headline(self) -> str:
        """Return one line: the network's score with its interval, and the best baseline's.

        A network that is no better than one answer for all rows is called so instead.
        """
        line = f"{self.metric} {self.format(self.network.value)}"
        if self.network.interval:
            line += f" ({self._format_interval(self.network.interval)})"
        for baseline in self.baselines:
            if baseline.is_unbeaten_constant:
                words = "not clearly" if baseline.improvement > 0 else "no"
                answer, value = CONSTANTS[baseline.score.name], self.format(baseline.score.value)
                return f"{line}, {words} better than always predicting {answer}, {value}"
        if not self.baselines:
            return line
        best = min(self.baselines, key=lambda baseline: baseline.improvement)
        verdict = {"within noise": "within noise of"}.get(best.verdict, f"{best.verdict} than")
        return f"{line}, {verdict} {best.score.name} {self.format(best.score.value)}"

    def __str__(self) -> str:
        scores = [self.network, *(baseline.score for baseline in self.baselines)]
        title = f"{self.metric} on {self.rows_text}"
        values = [self.format(score.value) for score in scores]
        width = max(map(len, values)) + 2 + max(len(score.name) for score in scores)
        width = max(width, len(title))
        lines = [f"{title:<{width}}  95 % interval"]
        for score, value in zip(scores, values, strict=True):
            interval = self._format_interval(score.interval) or self.no_interval
            lines.append(f"{score.name}{value:>{width - len(score.name)}}  {interval}")
        if self.baselines:
            lines += ["", *self.describe_baselines()]
        if self.note:
            lines.append(self.note)
        return "\n".join(lines)

    def describe_baselines(self) -> list[str]:
        """Return a sentence about each baseline: how far the network is ahead of it, or behind."""
        return list(map(self._describe, self.baselines))

    def _describe(self, baseline: BaselineComparison) -> str:
        improvement, interval, direction = baseline.improvement, baseline.interval, "ahead of"
        if improvement < 0:
            improvement, direction = -improvement, "behind"
            interval = interval and (-interval[1], -interval[0])
        difference = f"{direction} {baseline.score.name} by {self.format(improvement)}"
        ends = self._format_interval(interval) or self.no_difference
        return f"network {difference} ({ends}): {baseline.verdict}"

    def _format_interval(self, interval: Interval) -> str:
        return " to ".join(map(self.format, interval or ()))

    def format(self, value: float) -> str:
        """Return a score, or a difference of scores, as text."""
        if self.metric == "accuracy":
            return format_share(value)
        return format_number(value, keep_zeros=True)


def compare_scores(
    metric: str, y: Array, predicted: Array, baselines: Mapping[str, Array], *, seed: int = 0
) -> ScoreReport:
    """Score a network and baselines on test rows, and compare the network with each baseline.

    accuracy = mean(y == predicted) and RMSE = sqrt(mean((y - predicted)^2)). Intervals are
    percentiles over 2,000 bootstrap resamples of the rows, at a level widened for few rows. The
    difference of two methods is computed within each resample. This cancels the difficulty of the
    rows, which is the same for both.

    The intervals describe the variation between independent rows. They do not describe the
    variation between training seeds, or between the months of one year. For errors on few rows they
    are too narrow: with normal errors, 95 % intervals contain the truth in 87 % of cases on 10
    rows, and in 93 % on 50.

    There is no interval for the error on one row, or for a difference if fewer than six rows differ
    between the two methods. If all rows are right, or all wrong, the interval of the accuracy is
    the exact binomial one.

    Shapes:
        y, predicted, each baseline: (n,).

    Args:
        metric: "accuracy" for labels of any kind, or "RMSE" for numbers.
        y: targets of the test rows.
        predicted: the network's labels (not probabilities), or numbers in the target's own units.
        baselines: predictions of other methods for the same rows, by name.
        seed: draws the resamples.

    Raises:
        DataError: the metric is unknown, there are no rows, a shape is not (n,), or an RMSE has
            values that are not finite.

    Example:
        >>> y = [0, 1, 1, 0, 1, 0, 1, 1, 0, 1]
        >>> print(compare_scores("accuracy", y, y[:9] + [0], {"majority": [1] * 10}))
        accuracy on 10 rows  95 % interval
        network       0.900  0.600 to 1.000
        majority      0.600  0.200 to 0.900
        <BLANKLINE>
        network ahead of majority by 0.300 (fewer than 6 rows differ): within noise

    Source: T. Hesterberg, "What teachers should know about the bootstrap", 2015 (the expanded
        percentile interval); C. Clopper, E. Pearson, 1934 (the exact binomial interval).
    """
    require(
        metric in ("accuracy", "RMSE"),
        "compare_scores",
        'metric to be "accuracy" or "RMSE"',
        error=DataError,
        metric=metric,
    )
    methods = {"network": predicted, **baselines}
    losses = np.stack(
        [
            _row_losses(metric, name, np.asarray(y), np.asarray(values))
            for name, values in methods.items()
        ]
    )
    values, resampled = losses.mean(axis=1), resample_means(losses, np.random.default_rng(seed))
    if metric == "RMSE":
        values, resampled = np.sqrt(values), np.sqrt(resampled)
    network, *others = (
        Score(name, float(values[i]), score_interval(metric, losses[i], resampled[i]))
        for i, name in enumerate(methods)
    )
    sign = -1 if metric == "RMSE" else 1
    comparisons = tuple(
        BaselineComparison(
            score,
            sign * float(values[0] - values[i]),
            difference_interval(losses[0], losses[i], sign * (resampled[0] - resampled[i])),
        )
        for i, score in enumerate(others, start=1)
    )
    return ScoreReport(metric, network, comparisons, losses.shape[1])


def _row_losses(metric: str, name: str, y: Array, predicted: Array) -> Array:
    """Return 1 for each right row and 0 for the others, or the squared errors."""
    require(
        y.ndim == 1 and y.shape == predicted.shape and len(y) > 0,
        "compare_scores",
        "one target and one prediction per row, shape (n,), and at least one row",
        error=DataError,
        fix="Labels come from predict_labels; a single column is flattened by .ravel().",
        targets=y.shape,
        **{name.replace(" ", "_"): predicted.shape},
    )
    if metric == "accuracy":
        return (y == predicted).astype(np.float64)
    require(
        {y.dtype.kind, predicted.dtype.kind} <= set("biuf"),
        "compare_scores",
        f"numbers as targets and as predictions of {name}",
        error=DataError,
        targets=str(y.dtype),
        predictions=str(predicted.dtype),
    )
    errors = y.astype(np.float64) - predicted.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(errors))
    require(
        not len(bad),
        "compare_scores",
        f"finite targets and predictions of {name}",
        error=DataError,
        rows=bad[:5].tolist(),
    )
    return errors**2


def _interval_to_list(interval: Interval) -> list[float] | None:
    return list(interval) if interval else None
