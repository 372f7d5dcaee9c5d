"""An honest score: on held-out rows, with an interval, beside what simpler methods reach on the
same rows.

Pure functions on plain arrays: no network in it, only what one predicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from glassnet.errors import DataError, require
from glassnet.types import Array

N_RESAMPLES = 2000
"""How often the rows are drawn anew for an interval."""

MIN_DISAGREEMENTS = 6
"""On fewer rows that tell two methods apart, no difference is significant: even if all speak for
one, 2 * 0.5**5 > 0.05.
"""

RESAMPLE_BLOCK = 1 << 20
"""Rows drawn at a time: eight megabytes of indices."""

Interval: TypeAlias = tuple[float, float] | None


@dataclass(frozen=True)
class Score:
    """One method on the held-out rows: its accuracy, or its root mean squared error in the target's
    own units.

    Args:
        name: which method.
        value: the score on the rows as they are.
        interval: low and high end of a 95 % interval; None where a single row gives none.
    """

    name: str
    value: float
    interval: Interval


@dataclass(frozen=True)
class BaselineComparison:
    """Another method on the same rows, and how far the network is ahead of it.

    Args:
        score: the rival's own.
        improvement: how much better the network is, in the metric's units; negative where it is
            worse.
        interval: low and high end of a 95 % interval of `improvement`; None where fewer than six
            rows tell the two apart.
    """

    score: Score
    improvement: float
    interval: Interval

    @property
    def verdict(self) -> str:
        """Of the network: "better" or "worse" where the whole interval says so, else "within
        noise".

        Example:
            >>> BaselineComparison(Score("majority", 0.6, (0.5, 0.7)), improvement=0.2, interval=(0.1, 0.3)).verdict
            'better'
        """
        low, high = self.interval or (0.0, 0.0)
        return "better" if low > 0 else "worse" if high < 0 else "within noise"


@dataclass(frozen=True)
class ScoreReport:
    """The network's score and its rivals', as `compare_scores` found them; `print` shows it as a
    table.

    Args:
        metric: "accuracy" (share of rows, more is better) or "RMSE" (in the target's units, less is
            better).
        network: its score.
        baselines: the others'.
        n_rows: how many were held out.
    """

    metric: str
    network: Score
    baselines: tuple[BaselineComparison, ...]
    n_rows: int

    def to_dict(self) -> dict[str, Any]:
        """Plain words and numbers, as JSON takes them."""
        rivals = [_score_to_dict(rival.score) | {"ahead": rival.improvement, "ahead_interval": _interval_to_list(rival.interval), "verdict": rival.verdict}
                  for rival in self.baselines]  # fmt: skip
        return {
            "metric": self.metric,
            "rows": self.n_rows,
            "network": _score_to_dict(self.network),
            "rivals": rivals,
        }

    def headline(self) -> str:
        """In a line: the network's score with its interval, and the strongest rival's."""
        interval = (
            f" ({self._format_interval(self.network.interval)})" if self.network.interval else ""
        )
        first = f"{self.metric} {self._format_value(self.network.value)}{interval}"
        rival = min(self.baselines, key=lambda rival: rival.improvement, default=None)
        return (
            f"{first}, {rival.score.name} {self._format_value(rival.score.value)}: {rival.verdict}"
            if rival
            else first
        )

    def __str__(self) -> str:
        scores = [self.network, *(rival.score for rival in self.baselines)]
        head = f"{self.metric} on {self.n_rows:,} {'row' if self.n_rows == 1 else 'rows'}"
        values = [self._format_value(score.value) for score in scores]
        width = max(len(head), max(len(score.name) for score in scores) + 2 + max(map(len, values)))
        lines = [f"{head:<{width}}  95 % interval"]
        for score, value in zip(scores, values, strict=True):
            lines.append(
                f"{score.name}{value:>{width - len(score.name)}}  {self._format_interval(score.interval) or 'none from one row'}"
            )
        return "\n".join(
            lines
            + [""] * bool(self.baselines)
            + [self._describe_comparison(rival) for rival in self.baselines]
        )

    def _describe_comparison(self, comparison: BaselineComparison) -> str:
        sign = -1 if comparison.improvement < 0 else 1
        low, high = comparison.interval or (0.0, 0.0)
        ends = comparison.interval and ((low, high) if sign > 0 else (-high, -low))
        by = f"{'ahead of' if sign > 0 else 'behind'} {comparison.score.name} by {self._format_value(abs(comparison.improvement))}"
        return f"network {by} ({self._format_interval(ends) or f'fewer than {MIN_DISAGREEMENTS} rows differ'}): {comparison.verdict}"

    def _format_interval(self, interval: Interval) -> str:
        return " to ".join(map(self._format_value, interval or ()))

    def _format_value(self, value: float) -> str:
        """Three decimals of a share; of an error four digits, with commas from a thousand on."""
        if self.metric == "accuracy" or value == 0:
            return f"{round(value, 3) + 0.0:.3f}"
        if abs(value) >= 999.95:
            return f"{value:,.0f}"
        return f"{value:#.4g}".rstrip(".") if abs(value) >= 1e-3 else f"{value:.3e}"


def compare_scores(
    metric: str, y: Array, predicted: Array, baselines: Mapping[str, Array], *, seed: int = 0
) -> ScoreReport:
    """Score a network and its rivals on held-out rows, each alone and the network against each, row
    by row.

    accuracy = mean(y == predicted) and RMSE = sqrt(mean((y - predicted)^2)). Intervals are
    percentiles over 2,000 draws of as many rows, with replacement, at a level widened for few rows.
    A difference is taken within each draw, on the same rows for both methods, which cancels what
    makes a row hard for either.

    They say how far chance in rows that do not depend on each other reaches, not chance in
        training: another seed may differ by
    more, and so may the months of one year. Of errors on few rows they are too narrow all the same:
    of 95 in 100 that should hold the truth, with normal errors 87 do on 10 rows and 93 on 50. Where
    nothing can be said, no interval is made up: not of an error on one row, and not of a difference
    where fewer than six rows tell the two apart. Where all rows are right, or all wrong, every draw
    would say the same, and the exact binomial interval stands instead.

    Shapes:
        y, predicted, each rival: (n,).

    Args:
        metric: "accuracy", of labels of any kind, or "RMSE", of numbers.
        y: the targets of the held-out rows.
        predicted: the network's labels (not probabilities), or numbers in the target's own units.
        baselines: what others predict for the same rows, by name.
        seed: draws the rows.

    Raises:
        DataError: another metric, no rows, a shape other than (n,), or an RMSE of what is not
            finite.

    Example:
        >>> y = [0, 1, 1, 0, 1, 0, 1, 1, 0, 1]
        >>> print(compare_scores("accuracy", y, y[:9] + [0], {"majority": [1] * 10}))
        accuracy on 10 rows  95 % interval
        network       0.900  0.600 to 1.000
        majority      0.600  0.200 to 0.900
        <BLANKLINE>
        network ahead of majority by 0.300 (fewer than 6 rows differ): within noise

    Source: T. Hesterberg, "What teachers should know about the bootstrap", 2015 (the expanded
        percentile interval);
    C. Clopper, E. Pearson, 1934 (the exact binomial one).
    """
    require(
        metric in ("accuracy", "RMSE"),
        "compare",
        'metric to be "accuracy" or "RMSE"',
        error=DataError,
        metric=metric,
    )
    named = {"network": predicted, **baselines}
    losses = np.stack(
        [
            _row_losses(metric, name, np.asarray(y), np.asarray(values))
            for name, values in named.items()
        ]
    )
    rows = losses.shape[1]
    root = np.sqrt if metric == "RMSE" else np.asarray
    found, drawn = (
        root(losses.mean(axis=1)),
        root(_resampled_means(losses, np.random.default_rng(seed))),
    )
    network, *others = (
        Score(name, float(found[i]), _score_interval(metric, losses[i], drawn[i]))
        for i, name in enumerate(named)
    )
    better = -1 if metric == "RMSE" else 1
    compared = []
    for i, other in enumerate(others, start=1):
        telling = np.sum(losses[0] != losses[i]) >= MIN_DISAGREEMENTS
        interval = (
            _expanded_percentile_interval(better * (drawn[0] - drawn[i]), rows) if telling else None
        )
        compared.append(BaselineComparison(other, better * float(found[0] - found[i]), interval))
    return ScoreReport(metric, network, tuple(compared), rows)


def score_classifier(
    y: Array, y_test: Array, predicted: Array, x: Array, x_test: Array, *, seed: int = 0
) -> ScoreReport:
    """Accuracy beside two simple classifiers: logistic regression, and always the most common class
    of the training rows.

    Where the training rows are all of one class there is nothing to regress on, and the most common
    class stands alone.

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: labels of the training rows.
        y_test: labels of the held-out rows.
        predicted: the network's labels for the held-out rows.
        x: training rows as numbers, best standardised, for the logistic regression.
        x_test: held-out rows in the same form.
        seed: draws the rows for the intervals.

    Raises:
        DataError: as `compare_scores`.

    Example:
        >>> x, y = [[-2.0], [-1.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high", "high"]
        >>> report = score_classifier(y, ["low", "high"], ["low", "high"], x, [[-1.5], [1.5]])
        >>> [(rival.score.name, rival.score.value) for rival in report.baselines]
        [('logistic regression', 1.0), ('majority', 0.5)]

    Source: scikit-learn's LogisticRegression (L2 penalty, C = 1, at most 1,000 steps).
    """
    from sklearn.linear_model import LogisticRegression

    labels, counts = np.unique(np.asarray(y), return_counts=True)
    rivals = (
        {"logistic regression": LogisticRegression(max_iter=1000).fit(x, y).predict(x_test)}
        if len(labels) > 1
        else {}
    )
    return compare_scores(
        "accuracy",
        y_test,
        predicted,
        {**rivals, "majority": np.full(len(x_test), labels[counts.argmax()])},
        seed=seed,
    )


def score_regressor(
    y: Array,
    y_test: Array,
    predicted: Array,
    x: Array,
    x_test: Array,
    *,
    log: bool = False,
    seed: int = 0,
) -> ScoreReport:
    """RMSE beside two simple regressions: ridge regression, and always the mean of the training
    rows.

    With `log`, both learn log y and are brought back: exp(ridge on log y), and exp(mean(log y)),
    the geometric mean.

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: targets of the training rows, in their own units, also with `log`.
        y_test: targets of the held-out rows, in the same units.
        predicted: the network's predictions for the held-out rows, in the same units.
        x: training rows as numbers, best standardised, for the ridge regression.
        x_test: held-out rows in the same form.
        log: whether the rivals learn the logarithm of y.
        seed: draws the rows for the intervals.

    Raises:
        DataError: as `compare_scores`; `log` of a target that is not above 0.

    Example:
        >>> report = score_regressor([1.0, 10.0, 100.0], [15.0], [20.0], [[-1.0], [0.0], [1.0]], [[0.0]], log=True)
        >>> [(rival.score.name, round(rival.score.value, 3)) for rival in report.baselines]
        [('ridge', 5.0), ('mean', 5.0)]

    Source: scikit-learn's RidgeCV: the penalty, of 0.1 to 1000 in nine steps, that leave-one-out on
        the training rows prefers.
    """
    from sklearn.linear_model import RidgeCV

    y = np.asarray(y, np.float64)
    require(
        not log or np.all(y > 0),
        "numbers",
        "targets above 0 for a logarithm",
        error=DataError,
        least=float(y.min()),
    )
    learned = np.log(y) if log else y
    rivals = {
        "ridge": RidgeCV(np.logspace(-1, 3, 9)).fit(x, learned).predict(x_test),
        "mean": np.full(len(x_test), learned.mean()),
    }
    return compare_scores(
        "RMSE",
        y_test,
        predicted,
        {name: np.exp(z) if log else z for name, z in rivals.items()},
        seed=seed,
    )


def _row_losses(metric: str, name: str, y: Array, predicted: Array) -> Array:
    """For each row 1 where it is right and 0 where not, or its squared error."""
    require(
        y.ndim == 1 and y.shape == predicted.shape and len(y) > 0,
        "compare",
        "one target and one prediction per row, shape (n,), of at least one row",
        error=DataError,
        fix="Labels come from predict_labels; a single column is flattened by .ravel().",
        targets=y.shape,
        **{name.replace(" ", "_"): predicted.shape},
    )
    if metric == "accuracy":
        return (y == predicted).astype(np.float64)
    require(
        {y.dtype.kind, predicted.dtype.kind} <= set("biuf"),
        "compare",
        f"numbers, as targets and as predictions of {name}",
        error=DataError,
        targets=str(y.dtype),
        predictions=str(predicted.dtype),
    )
    errors = y.astype(np.float64) - predicted.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(errors))
    require(
        not len(bad),
        "compare",
        f"finite targets and predictions of {name}",
        error=DataError,
        rows=bad[:5].tolist(),
    )
    return errors**2


def _resampled_means(losses: Array, rng: np.random.Generator) -> Array:
    """The mean over each draw of rows, the same rows for every method: (methods, n) to (methods,
    DRAWS).
    """
    n = losses.shape[1]
    size = max(1, RESAMPLE_BLOCK // n)
    blocks = [
        rng.integers(n, size=(min(size, N_RESAMPLES - start), n))
        for start in range(0, N_RESAMPLES, size)
    ]
    return np.concatenate([losses[:, rows].mean(axis=2) for rows in blocks], axis=1)


def _score_interval(metric: str, losses: Array, resampled: Array) -> Interval:
    """The interval of one method's score."""
    n, same = len(losses), bool(np.all(losses == losses[0]))
    if metric == "accuracy" and same:
        reach = 0.025 ** (1 / n)
        return (reach, 1.0) if losses[0] else (0.0, 1 - reach)
    return _expanded_percentile_interval(resampled, n) if n > 1 else None


def _expanded_percentile_interval(resampled: Array, n_rows: int) -> tuple[float, float]:
    """Draws of n rows vary by (n - 1) / n of what they should, and less surely than a normal: the
    level makes up for both.
    """
    from scipy.stats import norm, t

    tail = norm.cdf(-np.sqrt(n_rows / (n_rows - 1)) * t.ppf(0.975, n_rows - 1))
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def _score_to_dict(score: Score) -> dict[str, Any]:
    return {"name": score.name, "value": score.value, "interval": _interval_to_list(score.interval)}


def _interval_to_list(interval: Interval) -> list[float] | None:
    return list(interval) if interval else None
