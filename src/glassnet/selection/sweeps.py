"""Sweeps: the scores of a model over the values of its parameters, trained together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from glassnet.callbacks.monitor import explain_non_number
from glassnet.errors import TrainingWarning, is_int, require, warn
from glassnet.formatting import format_number
from glassnet.models.sequential import Sequential
from glassnet.selection.experiments import Experiment, takes_fit_arguments
from glassnet.selection.folds import Fold
from glassnet.selection.grids import expand
from glassnet.selection.model_arguments import make_model
from glassnet.selection.parameters import split_values
from glassnet.selection.runs import Run, RunResult
from glassnet.selection.sweep_results import Sweep

WHO = "sweep"

VALIDATION_SPLIT = 0.2
"""Default fraction of the rows that score the settings without folds."""

WITHOUT_PENALTIES = (
    "The loss is without the penalties of regularizers, so that settings with and without them "
    "can be compared."
)


@takes_fit_arguments
def sweep(
    model: Any,
    x: Any,
    y: Any = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    folds: Any = None,
    groups: Any = None,
    n_iter: int | None = None,
    resume: Any = None,
    **fit_arguments: Any,
) -> Sweep:
    """Train a model with each combination of parameters, and rank them by their scores.

    The score is the first metric of `compile`, or the loss without penalties. All runs are trained
    together, each from new weights. The model is not changed.

    Names of parameters: fields of the optimizer (`learning_rate`, `momentum`) and `optimizer`;
    fields of the loss (`label_smoothing`); `l1`, `l2`; `dropout`; `units`, `filters` and
    `activation` of all layers but the output layer; one field of one layer (`dense_1/units`);
    `batch_size`, `epochs`, `class_weight`, `shuffle` of `fit`; and `seed`. Seeds are repetitions: a
    score is the mean over them, and none of them is chosen. As in `cross_validate`, fold k is
    trained with seed + k.

    Args:
        model: a model, trained or not; or a function that returns one, whose arguments are
            parameters.
        x: rows, as in `fit`: arrays, a table, images or a series. Batches are refused.
        y: targets, or None if x holds them.
        parameters: a list, range or array of values for each name, or a distribution of
            scipy.stats.
        folds: see `cross_validate`; None scores on one validation part. A pair (outer, inner) is
            nested cross-validation: in each outer fold, the inner folds of its training rows choose
            a setting, and the test rows score the choice.
        groups: the group of every row, such as a patient. No group is on both sides of a fold.
        n_iter: number of random combinations; None for all.
        resume: a folder for the results of runs that have ended. The same call continues.
        fit_arguments: arguments of `fit`. Without folds, `validation_split` (default 0.2) is the
            part that scores. With folds, it is taken from the training rows, to stop early.

    Returns:
        A `Sweep`: `best`, `scores`, `means`, `to_frame()`, `plot()`, `refit()`.

    Raises:
        ConfigError: a parameter that the model does not have (the nearest is suggested), or a value
            that it cannot take.
        DataError: batches instead of rows; see `Sequential.fit`.

    Example:
        >>> import glassnet as gn
        >>> x = np.linspace(-1, 1, 40).reshape(-1, 1)
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> result = gn.selection.sweep(
        ...     model, x, 3 * x, {"learning_rate": [1e-4, 0.1]}, epochs=5, verbose=0
        ... )
        >>> result.best
        {'learning_rate': 0.1}

    Source: scikit-learn's `GridSearchCV` and `RandomizedSearchCV`; S. Varma, R. Simon, "Bias in
        error estimation when using cross-validation for model selection", 2006 (nested).
    """
    options = dict(fit_arguments)
    fraction = options.pop("validation_split", VALIDATION_SPLIT) if folds is None else 0.0
    settings, seeds = _expand(model, y, parameters, options, n_iter)
    candidates = [_Candidate(each, *make_model(WHO, model, each)) for each in settings]
    experiment = Experiment(WHO, candidates[0].model, x, y, options)
    seeds = seeds or (experiment.seed,)
    splits = _make_splits(experiment, folds, groups, fraction)
    numbered = list(enumerate(split.fold for split in splits))
    numbered += [pair for split in splits for pair in enumerate(split.inner)]
    repeated = product(candidates, seeds, numbered)
    runs = [candidate.make_run(fold, seed + k) for candidate, seed, (k, fold) in repeated]
    results = experiment.train(runs, resume=resume)
    return _collect(experiment, candidates, seeds, splits, results)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A setting: the model, and the values of parameters that it does not have yet."""

    setting: dict[str, Any]
    model: Sequential
    values: Mapping[str, Any]

    def make_run(self, fold: Fold, seed: int) -> Run:
        """Return a run of the setting."""
        return Run(fold.train_rows, fold.test_rows, seed, self.values, model=self.model)


class _Split(NamedTuple):
    """Training and test rows, and the inner folds of the training rows."""

    fold: Fold
    inner: tuple[Fold, ...] = ()


def _expand(
    model: Any, y: Any, parameters: Any, options: Mapping[str, Any], n_iter: int | None
) -> tuple[list[dict[str, Any]], tuple[int, ...]]:
    """Return the settings without seeds, and the seeds.

    Raises:
        ConfigError: see `sweep`.
    """
    is_moved = parameters is None and isinstance(y, Mapping)
    fix = "Write parameters={...}: the third argument is y." if is_moved else ""
    fix = fix or 'Write parameters={"learning_rate": [0.01, 0.1]}.'
    require(parameters is not None, WHO, "parameters", fix=fix, y=y if is_moved else None)
    combinations = expand(parameters, n_iter, options.get("seed", getattr(model, "seed", None)))
    twice = [name for name in parameters if name in options]
    fix = "It is an argument and one of the parameters. Leave out one of the two."
    require(not twice, WHO, "each name once", fix=fix, twice=twice)
    seeds = dict.fromkeys(split_values(each)[2] for each in combinations)
    for each in combinations:
        each.pop("seed", None)
    settings = combinations[:: len(seeds)]
    return settings, tuple(seed for seed in seeds if seed is not None)


def _make_splits(experiment: Experiment, folds: Any, groups: Any, fraction: float) -> list[_Split]:
    """Return the splits of the rows into training and test rows.

    Raises:
        ConfigError, DataError: see `make_folds` and `RowSplit`.
    """
    if folds is None:
        fix = "Pass folds, whose groups are kept together."
        require(groups is None, WHO, "no groups without folds", fix=fix, folds=None)
        require(fraction, WHO, "validation_split above 0, or folds", validation_split=fraction)
        train_rows, test_rows = experiment.split(fraction)
        assert test_rows is not None
        return [_Split(Fold(train_rows, test_rows))]
    if not _is_nested(folds):
        return [_Split(fold) for fold in experiment.make_folds(folds, groups)]
    outer, inner = folds
    return [
        _Split(fold, tuple(experiment.make_folds(inner, groups, rows=fold.train_rows)))
        for fold in experiment.make_folds(outer, groups)
    ]


def _is_nested(folds: Any) -> bool:
    """Return whether `folds` is a pair of numbers of folds, or of splitters."""
    is_pair = isinstance(folds, tuple) and len(folds) == 2
    return is_pair and all(is_int(each, least=0) or hasattr(each, "split") for each in folds)


def _collect(
    experiment: Experiment,
    candidates: Sequence[_Candidate],
    seeds: tuple[int, ...],
    splits: Sequence[_Split],
    results: Sequence[RunResult],
) -> Sweep:
    """Return the result of the sweep from those of its runs."""
    n, k = len(candidates), len(splits)
    scores = np.array([result.get_score(experiment.score_name) for result in results])
    scores = scores.reshape(n, len(seeds), -1)
    folds = [split.fold for split in splits]
    size = len(results) // n
    # Without folds, callbacks may watch the rows that score: the title says that it is optimistic.
    notes = (experiment if k > 1 else experiment.without_callbacks()).notes
    if experiment.score_name == "loss" and any(result.penalty for result in results):
        notes += (WITHOUT_PENALTIES,)
    by_setting = [results[start : start + size] for start in range(0, len(results), size)]
    return Sweep(
        settings=tuple(candidate.setting for candidate in candidates),
        seeds=seeds,
        score_name=experiment.score_name,
        greater_is_better=experiment.greater_is_better,
        run_scores=scores[:, :, :k],
        inner_scores=_average_inner(scores[:, :, k:], splits),
        n_train=np.array([len(fold.train_rows) for fold in folds]),
        n_test=np.array([len(fold.test_rows) for fold in folds]),
        problems=tuple(_describe_problems(each, experiment.score_name) for each in by_setting),
        results=tuple(results),
        notes=notes,
        retrain=lambda index: _retrain(experiment, candidates[index], seeds[0], by_setting[index]),
    )


def _average_inner(scores: np.ndarray, splits: Sequence[_Split]) -> np.ndarray | None:
    """Return the mean score over the inner folds of each split, (n, k); None without any."""
    ends = np.cumsum([len(split.inner) for split in splits])
    if not ends[-1]:
        return None
    parts = np.split(scores, ends[:-1], axis=2)
    return np.stack([part.mean(axis=(1, 2)) for part in parts], axis=1)


def _describe_problems(results: Sequence[RunResult], score_name: str) -> str:
    """Return why runs of a setting have no score, or ""."""
    reasons: dict[str, list[str]] = {"diverged": [], "unscored": [], "interrupted": []}
    for result in results:
        if result.is_interrupted:
            reasons["interrupted"].append("by Ctrl-C")
        elif result.problem:
            reasons["diverged"].append(result.problem)
        elif math.isnan(result.get_score(score_name)):
            score = format_number(result.scores.get(score_name, math.nan))
            hint = explain_non_number(score_name).rstrip(".")
            reasons["unscored"].append(f"{score_name} is {score}{'.' if hint else ''}{hint}")
    for word, of_kind in reasons.items():
        if of_kind:
            count = f" in {len(of_kind)} of {len(results)} runs" if len(results) > 1 else ""
            return f"{word}{count} ({of_kind[0]})"
    return ""


def _retrain(
    experiment: Experiment, candidate: _Candidate, seed: int, results: Sequence[RunResult]
) -> Sequential:
    """Return a model of a setting that is trained on all rows."""
    rows, epochs = np.arange(experiment.n_rows), None
    everything = Fold(rows, rows[:0])
    if experiment.callbacks and not experiment.options["validation_split"]:
        # The runs stopped on their test rows, of which none are left.
        epochs = round(median(map(_count_epochs, results)))
        experiment = experiment.without_callbacks()
    run = replace(candidate.make_run(everything, seed), epochs=epochs)
    (result,) = experiment.train([run])
    if result.problem:
        warn(f"refit: {result.problem}. The model has the last finite weights.", TrainingWarning)
    return result.model


def _count_epochs(result: RunResult) -> int:
    """Return the number of epochs of a run, up to the best one if it was stopped."""
    history = result.history
    best = history.best_epoch() if history.stopped else None
    return len(history.epoch) if best is None else best + 1
