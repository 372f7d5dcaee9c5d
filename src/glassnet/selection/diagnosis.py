"""Diagnosis before training: facts about the data and the model, and a short training of a copy."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.doctor.data_evidence import DataEvidence, examine_rows
from glassnet.doctor.evidence import Evidence
from glassnet.doctor.failures import find_failure
from glassnet.doctor.findings import Findings
from glassnet.doctor.registry import judge, rules
from glassnet.doctor.training_rules import TIMID_DISTANCE
from glassnet.engine.epoch_runner import ArraySource
from glassnet.errors import ArgumentError, is_int, lookup, require
from glassnet.formatting import format_count
from glassnet.inspection.training_runs import RunSettings, TrainingRun
from glassnet.models.sequential import Sequential
from glassnet.pipeline.targets import get_class_labels
from glassnet.selection.experiments import DEFAULT_STEPS, MAX_EPOCHS, MIN_EPOCHS
from glassnet.selection.model_arguments import get_sequential
from glassnet.selection.smoke_tests import (
    MIN_ROWS,
    Sample,
    ShortTraining,
    TrainingLimits,
    draw_sample,
    read_blocks,
    train_shortly,
)
from glassnet.suggestions import describe_argument
from glassnet.training.examination import FitFacts, examine_fit

WHO = "diagnose"

WITHOUT_EFFECT = ("callbacks", "verbose", "resume", "observe")
"""Arguments of `fit` that may be passed, but do not change the diagnosis."""

MAX_STEPS, MAX_SECONDS = 1500, 4.0
"""Limits of a short training: number of steps, and duration without compiling."""

CERTAIN_FAILURES = ("not finite", "diverged", "unbounded")
"""Failures that more steps do not cure."""

RENAMED = ("self", "columns")
"""Parameters of `fit` that cannot be passed."""

ONLY_AFTER_TRAINING = {
    "overfitting": "only the whole fit shows it",
    "validation_noise": "only the whole fit shows it",
}
"""Rules that a short training cannot be judged by, and why."""

MAX_COMPARED_ROWS = 200_000
"""Maximum number of rows that are compared with each other."""


def diagnose(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    batch_size: int | str = 32,
    epochs: int | None = None,
    mute: Iterable[str] = (),
    seed: int | None = None,
    **fit_arguments: Any,
) -> Findings:
    """Return what is wrong with a model and its data, before training.

    The data are opened as `fit` would open them, and raise the same errors. Then a copy of the
    model is trained for some seconds on at most 2,048 of the rows, with the model's own loss,
    optimizer, learning rate and batch size. The rules that judge a fit judge this short training,
    too: see `gn.doctor.rules`. The model itself stays as it is. If it has been trained, the copy
    starts from new weights.

    Args:
        model: a model. Without `compile`, the loss is inferred as in `fit`.
        x, y: data of any kind that `fit` takes, except iterators. Of batches, the first are read.
        batch_size: rows per step; "full" for all.
        epochs: the number of epochs that are planned; None for 1,000 steps.
        mute: names of rules to leave out.
        seed: of the weights and of the order; None for the model's seed.
        fit_arguments: other arguments of `fit`. Callbacks are not called.

    Returns:
        The findings, the cause first. `skipped` says what could not be judged, and why.

    Raises:
        ConfigError, DataError: see `fit`; an unknown name in `mute`; an iterator.
        ArgumentError: `fit` has no such argument.

    Example:
        >>> import numpy as np
        >>> import glassnet as gn
        >>> x = np.random.default_rng(0).normal(size=(80, 2)).astype("float32")
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> model.compile(gn.optimizers.SGD(100.0), "mse")
        >>> gn.diagnose(model, x, x.sum(1), epochs=10)[0].rule
        'not_finite'

    Source: Karpathy 2019, "A recipe for training neural networks".
    """
    _require_model(model)
    is_count = epochs is None or is_int(epochs, least=1)
    require(is_count, WHO, "epochs to be an int >= 1 or None", epochs=epochs)
    expected, fix = "batches that can be iterated again", "Else fit would miss what was read here."
    fix = f"Pass a list, or a function that returns a new iterator. {fix}"
    require(not isinstance(x, Iterator), WHO, expected, x=type(x).__name__, fix=fix)
    muted = _check_muted(mute)
    _check_names(fit_arguments)
    options = {name: fit_arguments[name] for name in fit_arguments if name not in WITHOUT_EFFECT}
    options["seed"] = seed
    settings = RunSettings(batch_size=batch_size, epochs=1)
    with closing(get_sequential(model).iter_training_runs(x, y, [settings], **options)) as runs:
        return _Diagnosis(next(runs), epochs).judge(muted)


def _require_model(model: Any) -> None:
    """Refuse what is not a model.

    Raises:
        ConfigError: with what to do for an estimator.
    """
    fix = "Pass a gn.Sequential, or a model with Keras's layout."
    if hasattr(model, "get_params"):
        fix = (
            "The findings about a fitted estimator are estimator.model_.history.findings. For a "
            "diagnosis before training, pass a gn.Sequential with the same layers."
        )
    received = f"the class {model.__name__}" if isinstance(model, type) else type(model).__name__
    is_model = isinstance(get_sequential(model), Sequential)
    require(is_model, WHO, "a model as the first argument", model=received, fix=fix)


def _check_names(fit_arguments: Iterable[str]) -> None:
    """Refuse names that are no arguments of `fit`.

    Raises:
        ArgumentError: the message suggests the nearest name.
    """
    known = [name for name in inspect.signature(Sequential.fit).parameters if name not in RENAMED]
    for name in fit_arguments:
        if name not in known:
            raise ArgumentError(describe_argument(WHO, name, (*known, "mute")))


def _check_muted(mute: Iterable[str]) -> set[str]:
    """Return the names of the rules to leave out.

    Raises:
        ConfigError: an unknown name.
    """
    names, known = {mute} if isinstance(mute, str) else set(mute), {}
    for each in rules():
        known[each.name] = each
    for name in names:
        lookup("mute", name, known)
    return names


@dataclass(frozen=True)
class _Diagnosis:
    """A diagnosis of one training run.

    Args:
        run: what `fit` would run.
        epochs: the number of epochs that are planned, or None.
    """

    run: TrainingRun
    epochs: int | None

    def judge(self, muted: set[str]) -> Findings:
        """Return the findings of all rules that are not muted."""
        sample = draw_sample(self.run)
        data = self.examine_rows(sample)
        reason = _find_obstacle(sample, data)
        training = self.train(sample, 1 if reason else MAX_STEPS)
        reason = reason or training.obstacle
        evidence = replace(self.examine(training), data=data)
        skipped = dict(ONLY_AFTER_TRAINING) | self.find_unsure_rules(evidence)
        if reason:
            skipped = {each.name: reason for each in rules() if "data" not in each.needs}
        if self.has_compared_all and data.n_target_values < 2 <= data.n_rows:  # no_signal says so
            del skipped["no_signal"]
            evidence = _set_row_count(evidence, data.n_rows)
        findings = judge(evidence, muted | skipped.keys())
        skipped = {name: text for name, text in skipped.items() if name not in muted}
        return Findings(findings, skipped | dict(findings.skipped), findings.checked)

    def find_unsure_rules(self, evidence: Evidence) -> dict[str, str]:
        """Return the rules that would call a slow training sick, each with the reason.

        If fewer steps were trained than planned, a network that is behind simple models may only
        need the other steps.
        """
        planned, steps, failure = self.planned_steps, evidence.run.steps, find_failure(evidence)
        is_complete = planned is not None and planned <= steps
        if failure is None or failure.name in CERTAIN_FAILURES or is_complete:
            return {}
        count = "an unknown number of steps" if planned is None else format_count(planned, "step")
        reason = f"the short training had {steps:,} of {count}, and the others may suffice"
        if not failure.name.startswith("learned nothing"):
            return {each.name: reason for each in rules() if "data" not in each.needs}
        unsure = dict.fromkeys(("no_better_than_baseline", "predicts_one_class"), reason)
        ratio = evidence.network.get_step_ratio("start")
        if planned is None or not ratio * planned < TIMID_DISTANCE:
            unsure["rate_too_low"] = reason
        return unsure

    @property
    def planned_steps(self) -> int | None:
        """The number of steps that are planned; None for batches of unknown number."""
        steps = self.run.source.steps
        return None if steps is None else self.planned_epochs * steps

    @property
    def planned_epochs(self) -> int:
        """The number of epochs that are planned: the argument, or enough for 1,000 steps."""
        if self.epochs is not None:
            return self.epochs
        steps = self.run.source.steps or DEFAULT_STEPS
        return min(max(-(-DEFAULT_STEPS // steps), MIN_EPOCHS), MAX_EPOCHS)

    def examine_rows(self, sample: Sample) -> DataEvidence:
        """Return the evidence about all rows in memory, or about those of the sample."""
        run, rows, validation = self.run, sample.train, None
        if isinstance(run.source, ArraySource) and self.has_compared_all:
            rows = run.source.data
            if run.validation_blocks is not None:
                validation = read_blocks(run.validation_blocks, MAX_COMPARED_ROWS)
        y = np.asarray(rows.y)
        return examine_rows(
            np.asarray(rows.x),
            y,
            None if validation is None else np.asarray(validation.x),
            names=self.feature_names,
            is_classification=get_class_labels(y, run.program.loss) is not None,
        )

    @property
    def has_compared_all(self) -> bool:
        """Whether the facts about the data are those of all training rows."""
        source = self.run.source
        return isinstance(source, ArraySource) and source.n_samples <= MAX_COMPARED_ROWS

    def train(self, sample: Sample, max_steps: int) -> ShortTraining:
        """Train until the planned steps are done, or a limit is reached."""
        return train_shortly(
            self.run.program,
            self.run.start,
            sample,
            TrainingLimits(min(self.planned_steps or max_steps, max_steps), MAX_SECONDS),
            batch_size=self.run.source.batch_size,
            seed=self.run.seed,
        )

    def examine(self, training: ShortTraining) -> Evidence:
        """Return the evidence of a short training."""
        assert training.last is not None
        evidence = examine_fit(
            FitFacts(
                program=training.program,
                start=training.start,
                record=training.last,
                history=training.history,
                validation_blocks=training.blocks,
                epochs_planned=self.planned_epochs,
                feature_names=self.feature_names,
                is_smoke_test=True,
            )
        )
        assert evidence is not None
        return evidence

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the columns that the network receives, or ()."""
        preprocessor = self.run.preprocessor
        return () if preprocessor is None else preprocessor.feature_names


def _set_row_count(evidence: Evidence, n_rows: int) -> Evidence:
    """Return evidence about targets that are equal in all rows, not only in those of the sample."""
    target = replace(evidence.target, n_rows=n_rows)
    return replace(evidence, target=target, run=replace(evidence.run, n_rows=n_rows))


def _find_obstacle(sample: Sample, data: DataEvidence) -> str:
    """Return why a short training would say nothing, or ""."""
    n = len(sample.train.x)
    if n < MIN_ROWS:
        return f"a short training needs {format_count(MIN_ROWS, 'row')}, but there are {n}"
    if data.n_target_values < 2:
        return "all targets are equal, so there is nothing to learn"
    return ""
