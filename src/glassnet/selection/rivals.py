"""Simpler methods on the rows of a run: a linear model, trees and the constant answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.engine.train_step import Data, Program, weighted_sum_and_count
from glassnet.errors import ConfigError, require
from glassnet.evaluation.baselines import fit_classifiers, fit_regressors, to_columns
from glassnet.layers import Embedding
from glassnet.losses.crossentropy import Crossentropy
from glassnet.pipeline.targets import get_class_labels
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.selection.experiments import Experiment
from glassnet.selection.runs import PreparedRun, Run
from glassnet.types import Array


def require_comparable(who: str, experiment: Experiment) -> None:
    """Refuse data that simpler methods cannot be fitted to.

    Raises:
        ConfigError: windows of a series, several targets per row, or ids of words.
    """
    expected = "rivals=False for this network"
    targets, first = experiment.targets, experiment.model.get_settings().layers[0]
    has_one = targets.ndim == 1 or targets.shape[1:] == (1,) or experiment.labels is not None
    fix = ""
    if experiment.is_series:
        fix = "A forecast has the seasonal naive forecast beside it: model.forecast()."
    elif not has_one:
        fix = "The other methods predict one class or one number per row."
    elif isinstance(first, Embedding):
        fix = "The other methods cannot use ids of words. Pass texts, and begin with"
        fix += " TextVectorization."
    require(not fix, who, expected, fix=fix, error=ConfigError, rivals=True)


def score_rivals(
    experiment: Experiment, runs: Sequence[Run]
) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the scores of simpler methods on the test rows of runs, by name, and notes.

    Each is fitted to the training rows of a run, with the encoding that was learned from them.

    Args:
        experiment: the data, and the score.
        runs: rows to train on and rows to score.
    """
    from threadpoolctl import threadpool_limits

    scores: list[dict[str, float]] = []
    notes: dict[str, None] = {}
    for run in runs:
        prepared = experiment.prepare(run)
        with threadpool_limits(1):  # with more, such small products wait for each other
            methods, messages = _fit(experiment, prepared)
        scores.append(_score(experiment.score_name, prepared, methods))
        notes |= dict.fromkeys(messages)
    names = [name for name in scores[-1] if all(name in each for each in scores)]
    return {name: np.array([each[name] for each in scores]) for name in names}, tuple(notes)


def _fit(experiment: Experiment, prepared: PreparedRun) -> tuple[dict[str, Array], list[str]]:
    """Return the outputs of fitted methods for the test rows, in the form of the network's."""
    program, data, run = _parts(prepared)
    x, x_test, is_table = _make_columns(experiment, prepared)
    labels = get_class_labels(np.asarray(data.y), program.loss)
    if labels is None:
        y = np.asarray(data.y, np.float64).reshape(len(data.y))
        methods, notes = fit_regressors(x, y[run.train_rows], trees=is_table, seed=run.seed)
        return {name: each.predict(x_test)[:, None] for name, each in methods.items()}, notes
    methods, notes = fit_classifiers(x, labels[run.train_rows], trees=is_table, seed=run.seed)
    n_outputs = prepared.setup.require_network().n_outputs
    outputs = {
        name: _to_outputs(each.predict_proba(x_test), each.classes_, n_outputs, program.loss)
        for name, each in methods.items()
    }
    return outputs, notes


def _make_columns(experiment: Experiment, prepared: PreparedRun) -> tuple[Any, Any, bool]:
    """Return the training and the test rows as numbers, and whether trees can use them."""
    _, data, run = _parts(prepared)
    source = np.asarray(prepared.x) if isinstance(prepared.x, list | np.ndarray) else None
    if source is not None and source.dtype.kind in "UO":
        texts = source.astype(str)[experiment.row_index]
        return *to_columns(texts[run.train_rows], texts[run.test_rows]), False
    x = np.asarray(data.x)
    parts = x[run.train_rows], x[run.test_rows]
    if isinstance(prepared.setup.preprocessor, TabularPreprocessor):
        return *parts, True
    return *to_columns(*parts), x.ndim <= 2


def _to_outputs(probabilities: Array, classes: Array, n_outputs: int, loss: Any) -> Array:
    """Return probabilities of classes in the form of the network's output, (n, outputs)."""
    full = np.zeros((len(probabilities), max(n_outputs, 2)))
    full[:, classes] = probabilities
    outputs = full[:, 1:] if n_outputs == 1 else full
    if isinstance(loss, Crossentropy) and loss.from_logits:
        outputs = np.asarray(replace(loss, from_logits=False).pre_activation(outputs))
    return outputs


def _score(name: str, prepared: PreparedRun, outputs: dict[str, Array]) -> dict[str, float]:
    """Return the score of each method's outputs, computed as that of the network."""
    program, data, run = _parts(prepared)
    y = np.asarray(data.y)[run.test_rows]
    weight = None if data.weight is None else np.asarray(data.weight)[run.test_rows]
    return {
        method: compute_score(name, program, Data(np.asarray(each, np.float32), y, weight))
        for method, each in outputs.items()
    }


def compute_score(name: str, program: Program, rows: Data) -> float:
    """Return the loss, without penalties, or a metric of outputs.

    Args:
        name: "loss", or the name of a metric.
        program: the loss and the metrics.
        rows: the outputs as x, the encoded targets and the weights of the loss.
    """
    if name == "loss":
        losses = program.loss.unreduced(rows.y, program.loss.pre_activation(rows.x))
        total, count = weighted_sum_and_count(losses, rows.weight, None)
        return program.loss.report_scale * float(total) / float(count)
    metric = next(metric for metric in program.metrics if metric.name == name)
    if metric.exact:
        return float(metric.exact(rows.y, rows.x))
    ones = np.ones(len(rows.y), np.float32)
    return float(metric.result(metric.update(metric.init(), rows.y, rows.x, ones)))


def _parts(prepared: PreparedRun) -> tuple[Program, Data, Run]:
    return prepared.network_run.program, prepared.network_run.data, prepared.run
