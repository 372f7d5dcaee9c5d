"""Verification of a remedy: pairs of runs with and without it, and the test of their difference."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.callbacks import monitor
from glassnet.data.split import RowSplit
from glassnet.doctor.findings import Finding
from glassnet.engine import objective
from glassnet.errors import (
    DataError,
    is_int,
    is_number,
    require,
)
from glassnet.evaluation.constant_answers import constant_loss
from glassnet.evaluation.intervals import Interval
from glassnet.evaluation.resampled_tests import TTest, corrected_t_test
from glassnet.formatting import format_count, format_number
from glassnet.inspection.view import View
from glassnet.models.sequential import Sequential
from glassnet.selection.experiments import Experiment, takes_fit_arguments
from glassnet.selection.folds import Fold
from glassnet.selection.model_arguments import get_sequential, require_model
from glassnet.selection.parameters import FIT_PARAMETERS, format_values
from glassnet.selection.runs import INTERRUPTED, Run, RunResult
from glassnet.training.history import History
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WHO = "verify"

MIN_PAIRS = 3
"""Fewest pairs of runs of which a spread says something."""

MIN_TEST_ROWS = 5
"""Fewest rows on which a score says something."""

FAILURE_FACTOR = 10.0
"""A run fails if its loss is this many times that of the best constant answer.

Such a loss only says that the run diverged. A mean of several would say nothing.
"""

BALANCED_ACCURACY = "balanced accuracy"
"""The mean over the classes of the share of rows that are recognized."""

NAMES = "without", "with the remedy"

VERDICTS = {
    True: "The remedy helps",
    False: "The remedy does harm",
    None: "The remedy makes no difference that these runs can show",
}


@takes_fit_arguments
def verify(
    finding: Finding,
    model: Any,
    x: Any,
    y: Any = None,
    *,
    seeds: int = 5,
    test_size: float = 0.2,
    metric: str | None = None,
    **fit_arguments: Any,
) -> Verification:
    """Train a model with and without a remedy, and test whether the remedy helps on held-out rows.

    t = mean(d) / sqrt((1 / J + n_test / n_train) * var(d)), for the differences d of the logarithms
    of the losses of J pairs of runs: the question is by which share the loss falls. Scores that are
    not losses or errors, or 0, are compared without the logarithm.

    Both runs of a pair begin with new weights of the same seed and train on the same rows.
    The rows that they do not train on score them. Each pair has another seed and holds out other
    rows. Windows of a series are held out at the end, in all pairs. All runs are trained at once.

    The score is the loss, without penalties. If the remedy changes the loss, it is the first metric
    that both have, or else the accuracy or the mean absolute error; if it weights the classes, the
    mean share of each class that is recognized.

    A run fails if its loss is not finite, or more than 10 times that of the best constant answer.
    It loses against one that does not fail.

    Args:
        finding: one of `history.findings`, or of `gn.diagnose`.
        model: the model that was diagnosed. It stays as it is; its weights are not used.
        x, y: the data, as for `Sequential.fit`; rows, not batches.
        seeds: number of pairs, >= 3.
        test_size: fraction of the rows that each pair holds out.
        metric: name of the score; None for that above.
        **fit_arguments: arguments of `Sequential.fit` for all runs. Without them, the number of
            epochs and the batch size are those of the model's last fit.

    Returns:
        The verdict: `helped` is True, False (it does harm), or None (no difference is shown).
        `interval` is the 95 % interval, `scores` has shape (2, seeds): without and with the remedy.

    Raises:
        ConfigError: only the user can act; the remedy does not fit the model; an unknown argument.
        DataError: too few rows; one class; batches instead of rows; see `Sequential.fit`.

    Example:
        >>> from glassnet.doctor.changes import SetLearningRate
        >>> from glassnet.layers import Dense
        >>> finding = Finding("rate_too_low", "", "", {}, "", change=SetLearningRate(0.1))
        >>> x = np.linspace(-1, 1, 40)[:, None]
        >>> model = Sequential([Dense(1)], seed=0)
        >>> verification = verify(finding, model, x, 3 * x + 1, epochs=10, verbose=0)
        >>> verification.helped, verification.scores.shape
        (True, (2, 5))

    Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52,
        2003.
    """
    _check_arguments(finding, seeds, test_size)
    require_model(WHO, model)
    before: Sequential = get_sequential(model)
    after = before if finding.change is None else before.make_changed_copy(finding.change)
    options = _last_fit_arguments(before.history) | fit_arguments
    first, second = _make_experiments((before, after), x, y, options, finding)
    score = _choose_score(metric, first, second, finding)
    labels = second.labels if first.labels is None else first.labels
    folds = _make_folds(first, labels, seeds, test_size)
    pairs = _train(first, second, folds, finding)
    return _make_verification(finding, score, (first, second), pairs)


def _check_arguments(finding: Any, seeds: Any, test_size: Any) -> None:
    """Check the arguments that need no data.

    Raises:
        ConfigError: not a finding, or one with no remedy that code can apply; a number out of
            range.
    """
    fix = "Pass one of them: history.findings[0]."
    is_one = isinstance(finding, Finding)
    require(is_one, WHO, "a finding", received=type(finding).__name__, fix=fix)
    fits = finding.change is not None or finding.fit_arguments
    fix = f"{finding.remedy} Then gn.selection.compare(a, b, x, y) compares both ways."
    require(fits, WHO, "a remedy that code can apply", finding=finding.rule, fix=fix.strip())
    fits = is_int(seeds, least=MIN_PAIRS)
    fix = "The spread of fewer pairs says nothing."
    require(fits, WHO, f"seeds to be an int >= {MIN_PAIRS}", seeds=seeds, fix=fix)
    fits = is_number(test_size) and 0 < test_size < 1
    require(fits, WHO, "test_size between 0 and 1", test_size=test_size)


def _last_fit_arguments(history: History | None) -> dict[str, Any]:
    """Return the arguments of the last fit that its history knows."""
    params: dict[str, Any] = history.params if history else {}
    size, n = params.get("batch_size", 0), params.get("rows", 0)
    if not (is_int(size, least=1) and is_int(n, least=1)):
        return {}
    return {"batch_size": "full" if size >= n else size}


def _make_experiments(
    models: tuple[Sequential, Sequential],
    x: Any,
    y: Any,
    options: Mapping[str, Any],
    finding: Finding,
) -> tuple[Experiment, Experiment]:
    """Return the experiments without and with the remedy; both have a score in common."""
    before, after = models
    first = Experiment(WHO, before, x, y, options)
    if finding.change is None and finding.fit_arguments.keys() <= set(FIT_PARAMETERS):
        return first, first
    rest = {
        name: value for name, value in finding.fit_arguments.items() if name not in FIT_PARAMETERS
    }
    second = Experiment(WHO, after, first.x, y, {**options, "seed": first.seed} | rest)
    if first.loss == second.loss or _common_metrics(first, second):
        return first, second
    has_classes = first.labels is not None or second.labels is not None
    name = "accuracy" if has_classes else "mae"
    first, second = (
        Experiment(WHO, _add_metric(each.model, name), first.x, y, each.options)
        for each in (first, second)
    )
    return first, second


def _common_metrics(first: Experiment, second: Experiment) -> list[str]:
    """Return the metrics of both, if their name says whether a higher value is better."""
    names = [name for name in first.score_names[1:] if name in second.score_names]
    return [name for name in names if monitor.find_direction(name) is not None]


def _add_metric(model: Sequential, name: str) -> Sequential:
    """Return an untrained copy of a model with one more metric."""
    settings, twin = model.get_settings(), copy.copy(model)
    twin.reset()
    twin.compile(settings.optimizer or "adam", settings.loss, [*settings.metrics, name])
    twin.history = model.history
    return twin


def _choose_score(
    metric: str | None, first: Experiment, second: Experiment, finding: Finding
) -> str:
    """Return the name of the score.

    Raises:
        ConfigError: a metric that the two models do not both have.
    """
    common = _common_metrics(first, second)
    has_same_loss = first.loss == second.loss
    known = ["loss", *common] if has_same_loss else common
    if metric is not None:
        expected = f"the name of a score that the model has with and without the remedy, {known}"
        require(metric in known, WHO, expected, metric=metric)
        return metric
    if "class_weight" in finding.fit_arguments and first.labels is not None:
        return BALANCED_ACCURACY
    return known[0]


def _make_folds(
    experiment: Experiment, labels: Array | None, seeds: int, test_size: float
) -> list[Fold]:
    """Return the rows of each pair.

    Raises:
        DataError: too few rows, or one class.
    """
    n = experiment.n_rows
    fits = round(n * test_size) >= MIN_TEST_ROWS and n > round(n * test_size)
    expected = f"at least {MIN_TEST_ROWS} rows to hold out, and others to train on"
    fix = "A score of fewer rows is noise. Use more rows, or a larger test_size."
    require(fits, WHO, expected, error=DataError, rows=n, test_size=test_size, fix=fix)
    if labels is not None:
        classes = np.unique(labels)
        fix = "With one class there is nothing to learn."
        expected = "targets of at least two classes"
        require(len(classes) > 1, WHO, expected, error=DataError, classes=len(classes), fix=fix)
    if experiment.is_series:
        split = RowSplit(test_size, "end").split_windows(n, experiment.horizon)
        return [_as_fold(split)] * seeds
    return [
        _as_fold(RowSplit(test_size, "random", experiment.seed + k).split(n, labels))
        for k in range(seeds)
    ]


def _as_fold(split: tuple[Array, Array | None]) -> Fold:
    train_rows, test_rows = split
    assert test_rows is not None
    return Fold(train_rows, test_rows)


Pairs = tuple[list[RunResult], list[RunResult]]


def _train(first: Experiment, second: Experiment, folds: Sequence[Fold], finding: Finding) -> Pairs:
    """Train all runs, and return those without and those with the remedy."""
    names = finding.fit_arguments.keys()
    values = {name: finding.fit_arguments[name] for name in FIT_PARAMETERS if name in names}
    before = [
        Run(*fold, first.seed + k, epochs=first.epochs, model=first.model)
        for k, fold in enumerate(folds)
    ]
    after = [replace(run, model=second.model, values=values) for run in before]
    if names <= set(FIT_PARAMETERS):
        results = first.train([*before, *after])
        return results[: len(before)], results[len(before) :]
    without = first.train(before)
    if any(result.is_interrupted for result in without):
        return without, [replace(result, problem=INTERRUPTED) for result in without]
    return without, second.train(after)


def _make_verification(
    finding: Finding, score: str, experiments: tuple[Experiment, Experiment], pairs: Pairs
) -> Verification:
    has_penalty = score == "loss" and any(
        run.penalty for runs in pairs for run in runs if not run.problem
    )
    scores = [
        [_score(score, run, experiment) for run in runs]
        for experiment, runs in zip(experiments, pairs, strict=True)
    ]
    return Verification(
        finding=finding,
        score_name="loss without penalties" if has_penalty else score,
        greater_is_better=score == BALANCED_ACCURACY or bool(monitor.find_direction(score)),
        scores=np.array(scores),
        n_train=np.array([len(run.run.train_rows) for run in pairs[0]]),
        n_test=np.array([len(run.run.test_rows) for run in pairs[0]]),
        results=(tuple(pairs[0]), tuple(pairs[1])),
        constant=_find_constant_loss(experiments[0], pairs[0][0]) if score == "loss" else math.nan,
    )


def _find_constant_loss(experiment: Experiment, run: RunResult) -> float:
    """Return the loss of the best constant answer, or NaN if it is not known."""
    loss, n_outputs = run.setup.make_program().loss, run.setup.require_network().n_outputs
    return constant_loss(loss, experiment.targets, n_outputs=n_outputs)[0]


def _score(name: str, run: RunResult, experiment: Experiment) -> float:
    """Return a score of the test rows; NaN if the run did not end as planned."""
    if name != BALANCED_ACCURACY:
        return run.get_score(name)
    if run.problem or experiment.labels is None:
        return math.nan
    links = run.setup.require_network().links
    predicted = objective.to_class_labels(run.outputs, links, run.setup.loss)
    labels = experiment.labels[run.run.test_rows]
    return float(
        np.mean([(predicted[labels == each] == each).mean() for each in np.unique(labels)])
    )


@dataclass(frozen=True, eq=False, repr=False)
class Verification(View):
    """Scores of pairs of runs without and with a remedy, and the test of their difference.

    Attributes:
        finding: the finding with the remedy.
        score_name: name of the score.
        greater_is_better: whether a greater score is better.
        scores: (2, pairs), scores of the test rows without and with the remedy. NaN if a run ended
            without a finite loss, or not at all.
        n_train: (pairs,), number of training rows.
        n_test: (pairs,), number of test rows.
        results: the runs without and those with the remedy; see `models` and `histories`.
        constant: loss of the best constant answer; NaN if it is not known, or another score.
    """

    finding: Finding
    score_name: str
    greater_is_better: bool
    scores: Array
    n_train: Array
    n_test: Array
    results: tuple[tuple[RunResult, ...], tuple[RunResult, ...]]
    constant: float = math.nan

    @property
    def remedy(self) -> str:
        """What the remedy changes, as a command."""
        change, options = self.finding.change, self.finding.fit_arguments
        texts = [change.describe()] if change else []
        if options:
            verb = "train with" if texts else "Train with"
            texts.append(f"{verb} {format_values(options)}")
        return ", and ".join(texts)

    @property
    def models(self) -> tuple[Sequential, Sequential]:
        """The trained networks of the first pair, without and with the remedy.

        Raises:
            NotReadyError: Ctrl-C prevented a run.
        """
        return self.results[0][0].model, self.results[1][0].model

    @property
    def histories(self) -> tuple[list[History], list[History]]:
        """The histories of all runs, without and with the remedy."""
        before, after = ([run.history for run in runs] for runs in self.results)
        return before, after

    @property
    def means(self) -> Array:
        """Mean score without and with the remedy, (2,)."""
        return self.scores.mean(axis=1)

    @property
    def difference(self) -> float:
        """Mean score without the remedy minus that with it."""
        return float(np.subtract(*self.means))

    @property
    def is_relative(self) -> bool:
        """Whether the ratio of the scores is tested: for losses and errors above 0."""
        return not self.greater_is_better and bool((self.scores > 0).all())

    @property
    def ratio(self) -> float:
        """Score with the remedy over that without it, as a geometric mean; NaN if not relative."""
        return math.exp(-self._test.mean) if self.is_relative else math.nan

    @property
    def interval(self) -> Interval:
        """Low and high end of the 95 % interval; None if it is unknown or a run failed.

        It is that of `ratio` if the verification `is_relative`, else that of `difference`.
        """
        ends = None if self._failed.any() else self._test.interval
        if ends is None or not self.is_relative:
            return ends
        return math.exp(-ends[1]), math.exp(-ends[0])

    @property
    def p_value(self) -> float:
        """Probability of a difference at least as large if the remedy changes nothing, or NaN."""
        return math.nan if self._failed.any() else self._test.p_value

    @cached_property
    def _test(self) -> TTest:
        before, after = np.log(self.scores) if self.is_relative else self.scores
        return corrected_t_test(before - after, self.n_train, self.n_test)

    @property
    def is_interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return any(run.is_interrupted for runs in self.results for run in runs)

    @property
    def helped(self) -> bool | None:
        """True if the remedy helps, False if it does harm, None if neither is more than noise.

        If runs fail, pairs are counted, and all must agree: a run that fails loses against one that
        does not. Otherwise the 95 % interval must exclude "no change".
        """
        if self.is_interrupted:
            return None
        gains = self._gains
        if self._failed.any() or not self._test.interval:
            verdicts = {float(np.sign(gain)) for gain in gains}
            return verdicts == {1.0} if len(verdicts) == 1 and verdicts != {0.0} else None
        return self._test.mean * self._sign > 0 if self._test.is_significant else None

    @property
    def _sign(self) -> int:
        """1 if a positive `difference` is a gain, else -1."""
        return -1 if self.greater_is_better else 1

    @cached_property
    def _failed(self) -> Array:
        """Whether each run failed, (2, pairs): its loss is not finite, or it diverged."""
        failed: Array = ~np.isfinite(self.scores)
        if self.constant > 0:
            failed = failed | (self.scores > FAILURE_FACTOR * self.constant)
        return failed

    @property
    def _gains(self) -> Array:
        """The gain of each pair, (pairs,): infinite if one run fails, 0 if both do."""
        gains = self._sign * (self.scores[0] - self.scores[1])
        before, after = self._failed
        gains = np.where(before & ~after, math.inf, gains)
        gains = np.where(after & ~before, -math.inf, gains)
        return np.where(before & after, 0.0, gains)

    @property
    def title(self) -> str:
        return "; ".join(self._describe())

    def _describe(self) -> tuple[str, ...]:
        """Return the verdict with the scores, and what is known about the difference."""
        if self.is_interrupted:
            return ("No answer: Ctrl-C ended the training",)
        text = VERDICTS[self.helped]
        if self._failed.any():
            return f"{text}: {self._describe_failures()}", *self._describe_counts()
        before, after = map(_format, self.means)
        if self.helped is None:
            scores = f"{self.score_name} {after} with the remedy, {before} without"
        else:
            scores = f"{self.score_name} {after} instead of {before}"
        return f"{text}: {scores}", self._describe_interval()

    def _describe_interval(self) -> str:
        """Return how large the difference is, or could be without being seen."""
        if not self.interval:
            reason = "equal" if self.helped is None else "apart by the same amount"
            return f"the scores are {reason} in all pairs"
        low, high = self.interval
        if self.helped is None and self.is_relative:
            share = 1 - math.sqrt(low / high)
            return f"only a fall by more than {_format_percent(share)} % would show"
        if self.helped is None:
            return f"only a difference of more than {_format((high - low) / 2)} would show"
        if not self.is_relative:
            ends = " to ".join(map(_format, sorted(map(abs, self.interval))))
            return f"95 % interval of the difference {ends}"
        if self.helped:
            ends = f"falls by {_format_percent(1 - high)} to {_format_percent(1 - low)} %"
        else:
            ends = f"is {_format(low)} to {_format(high)} times as high"
        return f"it {ends} (95 % interval)"

    def _describe_failures(self) -> str:
        n = self.scores.shape[1]
        before, after = self._failed.sum(axis=1)
        if before == after == n:
            return "every run fails, with the remedy and without"
        texts = [f"{k} of {n} runs fail" if k else "no run fails" for k in (before, after)]
        return f"{texts[0]} without it, and {texts[1]} with it"

    def _describe_counts(self) -> Iterator[str]:
        """Yield how many pairs the remedy wins and loses, if pairs are counted without a winner."""
        wins, losses = int((self._gains > 0).sum()), int((self._gains < 0).sum())
        if self.helped is None and (wins or losses):
            yield f"it is better in {format_count(wins, 'pair')} and worse in {losses}"

    def __str__(self) -> str:
        train, test = _format_range(self.n_train), _format_range(self.n_test)
        pairs = f"{self.scores.shape[1]} pairs of runs, each on the same {train} rows"
        lines = [self.title, f"Remedy: {self.remedy}"]
        lines.append(f"{pairs} with the same seed, scored on {test} other rows")
        if self.interval:
            low, high = map(_format, self.interval)
            text = (
                f"{self.score_name} with the remedy / without it: {_format(self.ratio)}"
                if self.is_relative
                else f"{self.score_name} without the remedy - with it: {_format(self.difference)}"
            )
            lines.append(f"{text}, 95 % interval {low} to {high}")
        return "\n".join([*lines, *self._list_problems()])

    def _list_problems(self) -> Iterator[str]:
        """Yield the first problem of each side."""
        for name, runs in zip(NAMES, self.results, strict=True):
            problems = [f"seed {run.run.seed}, {run.problem}" for run in runs if run.problem]
            if problems:
                yield f"{name}: {problems[0]}"

    def to_frame(self) -> Any:
        """Return a row for each pair: its numbers of rows, its seed, both scores and difference."""
        import pandas as pd

        return pd.DataFrame(
            {
                "seed": [run.run.seed for run in self.results[0]],
                "n_train": self.n_train,
                "n_test": self.n_test,
                "without": self.scores[0],
                "with": self.scores[1],
                "difference": self.scores[0] - self.scores[1],
            },
            index=pd.RangeIndex(self.scores.shape[1], name="pair"),
        )

    def plot(self) -> Figure:
        """Draw both scores of each pair, and their ratios or differences with the interval."""
        from glassnet.plots.comparisons import plot_comparison

        return plot_comparison(
            self.scores,
            self.interval,
            NAMES,
            self.score_name,
            self.title,
            greater_is_better=self.greater_is_better,
            unit="pair",
            ratio=self.ratio if self.is_relative else None,
        )


def _format(value: float) -> str:
    return format_number(value, 3, keep_zeros=True)


def _format_percent(share: float) -> str:
    return format_number(100 * share, 2)


def _format_range(counts: Array) -> str:
    low, high = f"{counts.min():,}", f"{counts.max():,}"
    return low if low == high else f"{low} to {high}"
