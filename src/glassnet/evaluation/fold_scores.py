"""Scores of a network and of baselines on the folds of a cross-validation.

The functions take the reports of single folds and do not depend on networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import DataError, require
from glassnet.evaluation.intervals import Interval
from glassnet.evaluation.resampled_tests import corrected_interval, corrected_t_test
from glassnet.evaluation.scores import BaselineComparison, Score, ScoreReport
from glassnet.types import Array

ONE_ROW = (
    "The RMSE of a fold with one test row is an absolute error. Fewer folds have a larger RMSE."
)


@dataclass(frozen=True)
class FoldComparison(BaselineComparison):
    """Mean score of a baseline over folds, and the network's mean improvement on it.

    Args:
        is_same_in_all: whether the improvement is the same in all of several folds. It then has no
            interval, since its spread is unknown.
    """

    is_same_in_all: bool = False

    @property
    def verdict(self) -> str:
        """As that of `BaselineComparison`, or "better in every fold" if there is no interval."""
        if not self.is_same_in_all or not self.improvement:
            return super().verdict
        return f"{'better' if self.improvement > 0 else 'worse'} in every fold"


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldReport(ScoreReport):
    """Mean scores over folds, returned by `average_folds`; prints as two tables.

    Args:
        fold_scores: score of each method in each fold, (methods, folds): the network, then the
            baselines in their order.
        n_train: number of training rows of each fold, (folds,).
        n_test: number of test rows of each fold, (folds,).
        repeats: how often all rows were divided into folds.
        noun: what a row is.
    """

    fold_scores: Array
    n_train: Array
    n_test: Array
    repeats: int = 1
    noun: str = "rows"

    @property
    def rows_text(self) -> str:
        repeats = f", {self.repeats} times," if self.repeats > 1 else ""
        n_folds = len(self.n_test) // self.repeats
        return f"{self.n_rows:,} {self.noun} in {n_folds} folds{repeats}".rstrip(",")

    @property
    def no_interval(self) -> str:
        return "none: equal in all folds" if len(self.n_test) > 1 else "none for a single fold"

    @property
    def no_difference(self) -> str:
        return "the same in all folds" if len(self.n_test) > 1 else "a single fold"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as data that JSON can hold, with the scores of each fold."""
        names = [self.network.name, *(baseline.score.name for baseline in self.baselines)]
        folds = [
            {"training_rows": int(n_train), "test_rows": int(n_test)}
            | dict(zip(names, scores.tolist(), strict=True))
            for n_train, n_test, scores in zip(
                self.n_train, self.n_test, self.fold_scores.T, strict=True
            )
        ]
        return super().to_dict() | {"folds": folds}

    def fold_table(self) -> tuple[list[str], list[list[str]]]:
        """Return the headings and the cells of a table with a line for each fold.

        If the rows were divided several times, there is a line for each time instead, with the mean
        score of its folds.
        """
        names = [self.network.name, *(baseline.score.name for baseline in self.baselines)]
        if self.repeats > 1:
            scores = self.fold_scores.reshape(len(names), self.repeats, -1).mean(axis=2)
            cells = [[str(i)] for i in range(1, self.repeats + 1)]
            header = ["repeat", *names]
        else:
            scores, header = self.fold_scores, ["fold", f"test {self.noun}", *names]
            cells = [[str(i), f"{n:,}"] for i, n in enumerate(self.n_test, start=1)]
        return header, [
            [*cell, *map(self.format, column)] for cell, column in zip(cells, scores.T, strict=True)
        ]


def average_folds(
    reports: Sequence[ScoreReport],
    n_train: Array,
    n_test: Array,
    *,
    repeats: int = 1,
    noun: str = "rows",
) -> FoldReport:
    """Return the mean scores over folds, and compare the network with each baseline.

    The intervals and verdicts are those of the corrected resampled t-test, because the folds share
    training rows: see `resampled_tests`. A baseline that is missing in a fold is left out.

    Shapes:
        n_train, n_test: (folds,).

    Args:
        reports: the scores on the test rows of each fold.
        n_train: number of training rows of each fold.
        n_test: number of test rows of each fold.
        repeats: how often all rows were divided into folds; the folds of a repeat follow each
            other.
        noun: what a row is.

    Raises:
        DataError: there are no folds, or the metrics differ.

    Example:
        >>> from glassnet.evaluation.scores import compare_scores
        >>> folds = [
        ...     compare_scores("accuracy", [0, 1, 1, 1], predicted, {"majority": [1, 1, 1, 1]})
        ...     for predicted in ([0, 1, 1, 1], [0, 1, 1, 0], [0, 1, 1, 1])
        ... ]
        >>> print(average_folds(folds, n_train=np.full(3, 8), n_test=np.full(3, 4)))
        accuracy on 12 rows in 3 folds  95 % interval
        network                  0.917  0.350 to 1.000
        majority                 0.750  none: equal in all folds
        <BLANKLINE>
        network ahead of majority by 0.167 (-0.400 to 0.734): within noise

    Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", 2003.
    """
    require(
        len({report.metric for report in reports}) == 1,
        "average_folds",
        "at least one report, and all of the same metric",
        error=DataError,
        metrics=sorted({report.metric for report in reports}),
    )
    metric = reports[0].metric
    values = [
        {"network": report.network.value}
        | {baseline.score.name: baseline.score.value for baseline in report.baselines}
        for report in reports
    ]
    names = [name for name in values[0] if all(name in fold for fold in values)]
    scores = np.array([[fold[name] for fold in values] for name in names])
    network, *others = (
        Score(name, float(row.mean()), _interval(metric, row, n_train, n_test))
        for name, row in zip(names, scores, strict=True)
    )
    sign = -1 if metric == "RMSE" else 1
    comparisons = []
    for score, row in zip(others, scores[1:], strict=True):
        test = corrected_t_test(sign * (scores[0] - row), n_train, n_test)
        is_same = test.interval is None and len(n_test) > 1
        comparisons.append(FoldComparison(score, test.mean, test.interval, is_same))
    notes = dict.fromkeys(line for report in reports for line in report.note.splitlines())
    if metric == "RMSE" and n_test.min() == 1:
        notes[ONE_ROW] = None
    return FoldReport(
        metric,
        network,
        tuple(comparisons),
        int(n_test.sum()) // repeats,
        "\n".join(notes),
        fold_scores=scores,
        n_train=n_train,
        n_test=n_test,
        repeats=repeats,
        noun=noun,
    )


def _interval(metric: str, scores: Array, n_train: Array, n_test: Array) -> Interval:
    """Return the interval of a mean score; an accuracy stays within 0 to 1, an RMSE above 0."""
    interval = corrected_interval(scores, n_train, n_test)
    if interval is None:
        return None
    low, high = np.clip(interval, 0, 1 if metric == "accuracy" else None)
    return float(low), float(high)
