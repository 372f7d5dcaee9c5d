"""Comparison of two models on the same folds: is the difference larger than the noise?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.callbacks import monitor
from glassnet.errors import DataError, require
from glassnet.evaluation.intervals import Interval
from glassnet.evaluation.resampled_tests import EQUAL, TTest, corrected_t_test
from glassnet.formatting import format_number
from glassnet.inspection.view import View
from glassnet.selection.cross_validation import CrossValidation, make_cross_validation
from glassnet.selection.experiments import Experiment, takes_fit_arguments
from glassnet.selection.model_arguments import require_model
from glassnet.selection.runs import Run, RunResult
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NO_DIFFERENCE = "no difference that these data can show"

MAX_PROBLEMS = 3
"""Maximum number of problems that are printed."""

COLUMNS = ("fold", "n_train", "n_test", "difference")
"""Columns of `Comparison.to_frame` besides the models' names."""


@takes_fit_arguments
def compare(
    a: Any,
    b: Any,
    x: Any,
    y: Any = None,
    *,
    folds: Any = 10,
    repeats: int = 1,
    groups: Any = None,
    names: Sequence[str] = ("a", "b"),
    **fit_arguments: Any,
) -> Comparison:
    """Train two models on the same folds, and test whether their scores differ.

    t = mean(d) / sqrt((1 / J + n_test / n_train) * var(d)), for the differences d of the scores on
    J folds. The training rows of the folds overlap, so the folds are not independent: the term
    n_test / n_train corrects for this. An ordinary t-test finds differences that are not there.

    Each run has a seed of its own for starting weights, order and noise, so the result is about the
    settings, not about one lucky seed. All runs begin with new weights; the models stay as they
    are. The score is the first metric of `compile` that both models have, or else their loss,
    without the penalties of regularizers.

    Args:
        a: a model; compiled or not, trained or not.
        b: another model. If it is the same one, the difference is nothing but noise.
        x: rows: arrays, a table, images, texts or a series; see `Sequential.fit`.
        y: targets; None if x holds them.
        folds: number of folds, a splitter of scikit-learn, or pairs (train rows, test rows).
        repeats: number of times that the rows are divided, each time in another order. More repeats
            show smaller differences.
        groups: the group of every row, such as a patient; no group is on both sides of a fold.
        names: names of the models in the result.
        **fit_arguments: arguments of `Sequential.fit`, for both models: epochs, batch_size, target,
            sample_weight, callbacks, validation_split and others. Without `epochs`, a model has
            those of its last fit.

    Raises:
        ConfigError: not two models, unusable names, an unknown argument, or two models that have
            different targets or no score in common.
        DataError: rows that cannot be divided into such folds; batches instead of rows; see `fit`.

    Example:
        >>> import glassnet as gn
        >>> x, y = [[float(i)] for i in range(12)], [i > 5 for i in range(12)]
        >>> a, b = (gn.Sequential([gn.layers.Dense(1, "sigmoid")], seed=seed) for seed in (0, 1))
        >>> result = gn.selection.compare(a, b, x, y, folds=3, epochs=1, verbose=0)
        >>> result.scores.shape
        (2, 3)

    Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52,
        2003.
    """
    names = _check_names(names)
    require_model("compare", a)
    require_model("compare", b, "second")
    first = Experiment("compare", a, x, y, fit_arguments)
    second = Experiment("compare", b, first.x, y, fit_arguments)
    metric = _choose_score(names, first, second)
    parts = first.make_folds(folds, groups, repeats=repeats)
    fix = "A single difference has no spread, so it cannot be compared with noise."
    fits = len(parts) >= 2
    require(fits, "compare", "at least two folds", error=DataError, folds=len(parts), fix=fix)
    results = first.train(
        [
            Run(*fold, first.seed + k, epochs=experiment.epochs, model=experiment.model)
            for k, (experiment, fold) in enumerate(itertools.product((first, second), parts))
        ]
    )
    n = len(parts)
    return _make_comparison(names, metric, (first, second), (results[:n], results[n:]))


def _check_names(names: Sequence[str]) -> tuple[str, str]:
    """Return the names of two models.

    Raises:
        ConfigError: not two different names, or the name of another column of the result.
    """
    expected = "names to be two different names"
    fits = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    fix = 'Pass names=("wide", "narrow").'
    fits = fits and len(names) == len(set(names)) == 2
    require(fits, "compare", expected, names=names, fix=fix)
    reserved = [name for name in names if name in COLUMNS]
    expected = f"names other than those of the result's columns, {', '.join(COLUMNS)}"
    require(not reserved, "compare", expected, names=reserved)
    return names[0], names[1]


def _choose_score(names: Sequence[str], first: Experiment, second: Experiment) -> str:
    """Return the name of the score that both models have.

    Raises:
        ConfigError: the models have different targets, or no score in common.
    """
    received: dict[str, Any] = dict(zip(names, map(_describe_target, (first, second)), strict=True))
    fits = received[names[0]] == received[names[1]] and first.class_names == second.class_names
    fix = "Only scores of the same target can be compared."
    require(fits, "compare", "two models of the same target", fix=fix, **received)
    for name in (first.score_name, second.score_name, *first.score_names):
        if name != "loss" and name in first.score_names and name in second.score_names:
            return name
    received = dict(zip(names, map(_describe_scores, (first, second)), strict=True))
    fix = 'Name one in both: model.compile(..., metrics=["mae"]).'
    fits, expected = first.loss == second.loss, "a metric that both models have, or the same loss"
    require(fits, "compare", expected, fix=fix, **received)
    return "loss"


def _describe_target(experiment: Experiment) -> str:
    kind = "numbers" if experiment.labels is None else "classes"
    return f"{kind} of {experiment.target_name}" if experiment.target_name else kind


def _describe_scores(experiment: Experiment) -> str:
    return ", ".join([type(experiment.loss).__name__, *experiment.score_names[1:]])


def _make_comparison(
    names: tuple[str, str],
    metric: str,
    experiments: Sequence[Experiment],
    runs: tuple[list[RunResult], list[RunResult]],
) -> Comparison:
    has_penalty = metric == "loss" and any(run.penalty for run in itertools.chain(*runs))
    return Comparison(
        names=names,
        score_name="loss without penalties" if has_penalty else metric,
        greater_is_better=monitor.find_direction(metric),
        scores=np.array([[run.get_score(metric) for run in row] for row in runs]),
        n_train=np.array([len(each.run.train_rows) for each in runs[0]]),
        n_test=np.array([len(each.run.test_rows) for each in runs[0]]),
        validations=(
            make_cross_validation(experiments[0], runs[0]),
            make_cross_validation(experiments[1], runs[1]),
        ),
        notes=tuple(_list_notes(names, *experiments)),
    )


def _list_notes(names: Sequence[str], first: Experiment, second: Experiment) -> Iterator[str]:
    """Yield what to know about the scores, in sentences."""
    for name, experiment, other in ((names[0], first, second), (names[1], second, first)):
        yield from (f"{name}: {note}" for note in experiment.notes if note not in other.notes)
    yield from (note for note in first.notes if note in second.notes)
    if first.epochs != second.epochs:
        yield (
            f"{names[0]} was trained for {first.epochs} epochs and {names[1]} for {second.epochs}. "
            "With epochs=, both are trained equally long."
        )


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(View):
    """Scores of two models on the same folds, and the test of their difference.

    Attributes:
        names: names of the two models.
        score_name: name of the score.
        greater_is_better: whether a greater score is better; None if its name does not say so.
        scores: score of each model on the test rows of each fold, (2, folds); NaN if the run
            did not finish.
        n_train: number of training rows of each fold, (folds,).
        n_test: number of test rows of each fold, (folds,).
        validations: the cross-validation of each model, with its predictions, rows, seeds,
            histories and trained models.
        notes: what to know about the scores, in sentences.
    """

    names: tuple[str, str]
    score_name: str
    greater_is_better: bool | None
    scores: Array
    n_train: Array
    n_test: Array
    validations: tuple[CrossValidation, CrossValidation]
    notes: tuple[str, ...] = ()

    @cached_property
    def _test(self) -> TTest:
        return corrected_t_test(self.scores[0] - self.scores[1], self.n_train, self.n_test)

    @property
    def predictions(self) -> dict[str, Array]:
        """Outputs of each model for the rows of x, by networks that were not trained on them."""
        outputs = (each.predictions for each in self.validations)
        return dict(zip(self.names, outputs, strict=True))

    @property
    def means(self) -> Array:
        """Mean score of each model, (2,)."""
        return self.scores.mean(axis=1)

    @property
    def difference(self) -> float:
        """Mean score of the first model minus that of the second."""
        difference, size = self._test.mean, np.abs(self.scores).max()
        return 0.0 if abs(difference) <= EQUAL * size else difference

    @property
    def interval(self) -> Interval:
        """Low and high end of the 95 % interval of the difference; None if it is unknown.

        It is unknown if a score is missing, or if the difference is the same in every fold.
        """
        return self._test.interval

    @property
    def p_value(self) -> float:
        """Probability of a difference at least as large if the two settings are equally good.

        NaN if the interval is unknown.
        """
        return self._test.p_value

    @property
    def smallest_visible_difference(self) -> float:
        """Half the width of the interval: a smaller difference counts as noise on these folds."""
        return (self.interval[1] - self.interval[0]) / 2 if self.interval else float("nan")

    @property
    def is_significant(self) -> bool:
        """Whether the difference is more than noise: its interval excludes 0."""
        return self._test.is_significant

    @property
    def better(self) -> str | None:
        """Name of the better model; None if the data show no difference."""
        if not self.is_significant or self.greater_is_better is None:
            return None
        return self.names[0 if (self.difference > 0) == self.greater_is_better else 1]

    @property
    def verdict(self) -> str:
        """The result in a few words."""
        if np.isnan(self.scores).any():
            return "no comparison is possible"
        if self.difference and not self.interval:
            return "no test is possible"
        if not self.is_significant:
            return NO_DIFFERENCE
        higher, name = self.names[0 if self.difference > 0 else 1], self.score_name
        return f"{self.better} is better" if self.better else f"{higher} has the higher {name}"

    @property
    def title(self) -> str:
        return "; ".join(self._describe())

    def _describe(self) -> tuple[str, ...]:
        """Return the verdict with the scores, and what is known about the difference."""
        if np.isnan(self.scores).any():
            return (f"{self.verdict}: {self._describe_missing()}",)
        first, second = map(_format, self.means)
        scores = f"{self.score_name} {first} ({self.names[0]}) and {second} ({self.names[1]})"
        difference = _format(abs(self.difference))
        if self.is_significant and self.interval:
            ends = " to ".join(map(_format, sorted(map(abs, self.interval))))
            reason = f"difference {difference} (95 % interval {ends})"
        elif self.score_name.endswith("accuracy") and self.smallest_visible_difference >= 1:
            reason = "with so few folds and rows, no difference would show"
        elif self.interval:
            least = _format(self.smallest_visible_difference)
            reason = f"only a difference of more than {least} would show"
        elif self.difference:
            reason = f"the difference is {difference} in every fold, so its spread is unknown"
        else:
            reason = "they are equal in every fold"
        return f"{self.verdict}: {scores}", reason

    def _describe_missing(self) -> str:
        missing, n = np.isnan(self.scores), self.scores.shape[1]
        if all(run.problem for run in itertools.chain(*self._runs)):
            return "no run finished"
        reasons = []
        for name, is_missing, runs in zip(self.names, missing, self._runs, strict=True):
            folds = np.flatnonzero(is_missing)
            if len(folds):
                finished = any(not runs[k].problem for k in folds)
                verb = f"has no {self.score_name}" if finished else "did not finish"
                reasons.append(f"{name} {verb} in {len(folds)} of {n} folds")
        return " and ".join(reasons)

    @property
    def _runs(self) -> list[tuple[RunResult, ...]]:
        return [each.results for each in self.validations]

    def __str__(self) -> str:
        lines = list(self._describe())
        lines = lines[:1] if self.is_significant else lines
        if self.interval:
            low, high = map(_format, self.interval)
            lines.append(
                f"{self.names[0]} - {self.names[1]}: {_format(self.difference)}, "
                f"95 % interval {low} to {high}, {_format_p(self.p_value)}"
            )
        train, test = _format_range(self.n_train), _format_range(self.n_test)
        rows = "test row" if test == "1" else "test rows"
        lines.append(f"{self.scores.shape[1]} folds of {train} training rows and {test} {rows}")
        return "\n".join([*lines, *self._list_problems(), *self.notes])

    def _list_problems(self) -> list[str]:
        """Return the first problems, and how many more there are."""
        problems = [
            f"{name}, fold {k + 1}: {run.problem}"
            for name, runs in zip(self.names, self._runs, strict=True)
            for k, run in enumerate(runs)
            if run.problem
        ]
        n_more, name = len(problems) - MAX_PROBLEMS, self.score_name
        more = [f"and {n_more} more {'problem' if n_more == 1 else 'problems'}"] * (n_more > 0)
        hints = [text.strip() for part, text in monitor.NUMBER_HINTS.items() if part in name]
        has_finished_without = np.isnan(self.scores).sum() > len(problems)
        return problems[:MAX_PROBLEMS] + more + (hints if has_finished_without else [])

    def to_frame(self) -> Any:
        """Return a row for each fold: its numbers of rows, both scores and their difference."""
        import pandas as pd

        return pd.DataFrame(
            {
                "n_train": self.n_train,
                "n_test": self.n_test,
                self.names[0]: self.scores[0],
                self.names[1]: self.scores[1],
                "difference": self.scores[0] - self.scores[1],
            },
            index=pd.RangeIndex(self.scores.shape[1], name="fold"),
        )

    def plot(self) -> Figure:
        """Draw both scores of each fold, and the differences with their interval against 0."""
        from glassnet.plots.comparisons import plot_comparison

        return plot_comparison(
            self.scores,
            self.interval,
            self.names,
            self.score_name,
            self.title,
            greater_is_better=self.greater_is_better,
        )


def _format(value: float) -> str:
    return format_number(value, 3, keep_zeros=True)


def _format_range(counts: Array) -> str:
    low, high = f"{counts.min():,}", f"{counts.max():,}"
    return low if low == high else f"{low} to {high}"


def _format_p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {format_number(value, 2)}"
