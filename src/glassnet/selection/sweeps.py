"""Sweeps: the scores of a model over the values of its parameters, trained together."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.split import RowSplit
from glassnet.errors import TrainingWarning, is_int, require, warn
from glassnet.formatting import format_number
from glassnet.models.sequential import Sequential
from glassnet.selection.experiments import (
    Experiment,
    get_sequential,
    require_model,
    takes_fit_arguments,
)
from glassnet.selection.folds import Fold, make_folds
from glassnet.selection.grids import expand
from glassnet.selection.parameters import (
    apply_values,
    call_model_function,
    check_names,
    split_values,
)
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
    sample_weight = options.pop("sample_weight", None)
    fraction = options.pop("validation_split", VALIDATION_SPLIT) if folds is None else 0.0
    settings, seeds = _expand(model, y, parameters, options, n_iter)
    candidates = _make_candidates(model, settings)
    experiment = Experiment(WHO, candidates[0].model, x, y, sample_weight, options)
    seeds = seeds or (experiment.seed,)
    divisions = _divide(experiment, folds, groups, fraction)
    numbered = list(enumerate(division.fold for division in divisions))
    numbered += [pair for division in divisions for pair in enumerate(division.inner)]
    repeated = product(candidates, seeds, numbered)
    runs = [candidate.make_run(fold, seed + k) for candidate, seed, (k, fold) in repeated]
    results = experiment.train(runs, resume=resume)
    return _collect(experiment, candidates, seeds, divisions, results)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A setting: the model, and the values of parameters that it does not have yet."""

    setting: dict[str, Any]
    model: Sequential
    values: dict[str, Any]

    def make_run(self, fold: Fold, seed: int) -> Run:
        """Return a run of the setting."""
        return Run(fold.train_rows, fold.test_rows, seed, self.values, model=self.model)


class _Division(NamedTuple):
    """A division of the rows, and the inner folds of its training rows."""

    fold: Fold
    inner: tuple[Fold, ...]


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


def _make_candidates(model: Any, settings: Sequence[dict[str, Any]]) -> list[_Candidate]:
    """Return the model of each setting, whose names and values are checked.

    Raises:
        ConfigError: see `sweep`.
    """
    model = get_sequential(model)
    is_model = isinstance(model, Sequential)
    if isinstance(model, type) or not callable(model):
        require_model(WHO, model)
    candidates, own_names = [], () if is_model else tuple(inspect.signature(model).parameters)
    for setting in settings:
        made, values = (model, setting) if is_model else call_model_function(model, setting)
        check_names(made.get_settings(), values, own_names)
        apply_values(made.get_settings(), values)
        candidates.append(_Candidate(setting, made, values))
    return candidates


def _divide(experiment: Experiment, folds: Any, groups: Any, fraction: float) -> list[_Division]:
    """Return the divisions of the rows.

    Raises:
        ConfigError, DataError: see `make_folds` and `RowSplit`.
    """
    data = experiment.fold_data
    if folds is None:
        fix = "Pass folds, whose groups are kept together."
        require(groups is None, WHO, "no groups without folds", fix=fix, folds=None)
        return [_Division(_hold_out(experiment, fraction), ())]
    outer, inner = folds if _is_nested(folds) else (folds, None)
    divided = make_folds(WHO, outer, data, groups, seed=experiment.seed)
    if inner is None:
        return [_Division(fold, ()) for fold in divided]
    return [
        _Division(fold, _divide_again(experiment, inner, groups, fold.train_rows))
        for fold in divided
    ]


def _is_nested(folds: Any) -> bool:
    """Return whether `folds` is a pair of numbers of folds, or of splitters."""
    is_pair = isinstance(folds, tuple) and len(folds) == 2
    return is_pair and all(is_int(each, least=0) or hasattr(each, "split") for each in folds)


def _hold_out(experiment: Experiment, fraction: float) -> Fold:
    """Return the rows that `fit` would train on and validate on."""
    require(fraction, WHO, "validation_split above 0, or folds", validation_split=fraction)
    split = RowSplit(fraction, experiment.options["validation_from"], experiment.seed)
    if experiment.is_series:
        train_rows, test_rows = split.split_windows(experiment.n_rows, experiment.horizon)
    else:
        train_rows, test_rows = split.split(experiment.n_rows, experiment.labels)
    assert test_rows is not None
    return Fold(train_rows, test_rows)


def _divide_again(
    experiment: Experiment, folds: Any, groups: Any, rows: np.ndarray
) -> tuple[Fold, ...]:
    """Return folds of some of the rows."""
    data = experiment.fold_data
    positions = np.arange(data.n_rows) if data.positions is None else data.positions
    part = replace(
        data,
        n_rows=len(rows),
        labels=None if data.labels is None else data.labels[rows],
        targets=None if data.targets is None else data.targets[rows],
        positions=positions[rows],
        n_data=data.n_rows if data.n_data is None else data.n_data,
    )
    divided = make_folds(WHO, folds, part, groups, seed=experiment.seed)
    return tuple(Fold(rows[fold.train_rows], rows[fold.test_rows]) for fold in divided)


def _collect(
    experiment: Experiment,
    candidates: Sequence[_Candidate],
    seeds: tuple[int, ...],
    divisions: Sequence[_Division],
    results: Sequence[RunResult],
) -> Sweep:
    """Return the result of the sweep from those of its runs."""
    n, k = len(candidates), len(divisions)
    scores = np.array([result.get_score(experiment.score_name) for result in results])
    scores = scores.reshape(n, len(seeds), -1)
    folds = [division.fold for division in divisions]
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
        inner_scores=_average_inner(scores[:, :, k:], divisions),
        n_train=np.array([len(fold.train_rows) for fold in folds]),
        n_test=np.array([len(fold.test_rows) for fold in folds]),
        problems=tuple(_describe_problems(each, experiment.score_name) for each in by_setting),
        results=tuple(results),
        notes=notes,
        retrain=lambda index: _retrain(experiment, candidates[index], seeds[0], by_setting[index]),
    )


def _average_inner(scores: np.ndarray, divisions: Sequence[_Division]) -> np.ndarray | None:
    """Return the mean score over the inner folds of each division, (n, k); None without any."""
    ends = np.cumsum([len(division.inner) for division in divisions])
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
            reasons["unscored"].append(f"{score_name} is {score}")
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
