"""Experiments: many runs of one model on one dataset, trained together."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from glassnet.callbacks import CSVLogger, ModelCheckpoint, TensorBoard, monitor
from glassnet.callbacks.callback_list import normalize_callbacks
from glassnet.data import arrays
from glassnet.data.split import RowSplit
from glassnet.errors import ArgumentError, GlassnetError, lookup, require
from glassnet.formatting import merge_like_lines
from glassnet.models.sequential import Sequential
from glassnet.pipeline.targets import get_class_labels
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.selection.folds import Fold, FoldData, make_folds
from glassnet.selection.model_arguments import get_sequential, require_model
from glassnet.selection.parameters import format_values
from glassnet.selection.preparation import RunPreparer
from glassnet.selection.run_folder import RunFolder
from glassnet.selection.runs import PreparedRun, Run, RunResult
from glassnet.selection.training import RunTrainer
from glassnet.suggestions import describe_argument

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

FIT_ARGUMENTS: dict[str, Any] = {
    "epochs": None,
    "batch_size": 32,
    "callbacks": (),
    "class_weight": None,
    "column_types": None,
    "derive": None,
    "sample_weight": None,
    "seed": None,
    "shuffle": True,
    "target": None,
    "target_transform": None,
    "validation_from": "random",
    "validation_split": 0.0,
    "verbose": "auto",
}
"""Arguments of `fit` that all runs share, with their defaults."""

UNSUPPORTED = {
    "validation_data": "The rows outside a fold are its test data. To stop early on other rows, "
    "use validation_split: it is taken from the training rows of each fold.",
    "validation_steps": "All rows are scored.",
    "steps_per_epoch": "All training rows are used once in every epoch.",
    "observe": "To see inside single steps, fit one of the networks with observe=True.",
    "columns": "It is called column_types.",
}
"""Arguments of `fit` that have no meaning here, and what to do instead."""

MIN_EPOCHS, MAX_EPOCHS, DEFAULT_STEPS = 5, 500, 1000
"""The default number of epochs is enough for 1,000 steps, within these bounds."""


def takes_fit_arguments(function: FunctionT) -> FunctionT:
    """Function decorator: let errors about an unknown argument name the nearest.

    The function passes keyword arguments that it does not have itself to `fit`.

    Raises:
        ArgumentError: neither the function nor `fit` has the argument.
    """
    names = [
        name
        for name, each in inspect.signature(function).parameters.items()
        if each.kind is not each.VAR_KEYWORD
    ]
    known = *names, *FIT_ARGUMENTS

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        for name in kwargs:
            if name not in known and name not in UNSUPPORTED:
                raise ArgumentError(describe_argument(function.__name__, name, known))
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


class Experiment:
    """A model, data and the arguments of `fit` that all runs share.

    Args:
        who: name of the public function, for errors.
        model: the model, trained or not; its weights are not used.
        x, y: see `Sequential.fit`. Rows are needed, not batches.
        options: other arguments of `fit`: see `FIT_ARGUMENTS`.

    Attributes:
        n_rows: number of rows with a target. All positions of rows count these.
        row_index: (n_rows,), their positions in x.
        labels: (n_rows,) ints, the class of every row, or None.
        class_names: labels of the classes if the data name them, else None.
        target_name: name of the target if the data name it, else "".
        targets: the targets as a network learns them, (n_rows, ...).
        is_series: whether the rows are the windows of a time series.
        horizon: number of steps that a window of a series forecasts; 1 for other rows.
        seed: the model's seed, or one that was drawn.
        epochs: number of epochs of each run.
        loss: the loss of `compile`, or the one that was inferred.
        messages: what was inferred about the data, for the user.
        score_names: names of all scores, the loss first.
        fold_data: facts about the rows for `make_folds`.
        n_data: number of rows of x, with and without a target.

    Raises:
        ConfigError: an unknown argument, or one that has no meaning here.
        DataError: batches instead of rows; see `Sequential.fit`.
    """

    def __init__(
        self,
        who: str,
        model: Any,
        x: Any,
        y: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.who = who
        require_model(who, model)
        fix = f"For a column of a table, pass target={y!r} instead."
        expected = "targets y, or None if x holds them"
        require(not isinstance(y, str), who, expected, y=y, fix=fix)
        self.model: Sequential = get_sequential(model)
        self.options = FIT_ARGUMENTS | _check_names(who, options or {})
        self.callbacks = normalize_callbacks(self.options["callbacks"])
        _check_callbacks(who, self.callbacks)
        x = np.asarray(x) if arrays.is_memory_map(x) else x
        source = x, y, self.options["sample_weight"]
        self._preparer = RunPreparer(who, self.model, source, self.options)
        self.seed = self._preparer.seed
        self._unprinted: tuple[str, ...] = ()
        self._read_facts()

    @property
    def x(self) -> Any:
        """The rows; for a path, what was read from it."""
        return self._preparer.x

    @property
    def score_name(self) -> str:
        """The name of the score: the first metric of `compile`, or the loss.

        A metric whose name does not say whether a higher value is better is left out.
        """
        known = (name for name in self.score_names[1:] if monitor.find_direction(name) is not None)
        return next(known, "loss")

    @property
    def greater_is_better(self) -> bool:
        """Whether a greater score is better."""
        return bool(monitor.find_direction(self.score_name))

    def without_callbacks(self) -> Experiment:
        """Return a copy whose runs have no callbacks."""
        twin = copy.copy(self)
        twin.callbacks = ()
        return twin

    def make_folds(
        self, folds: Any, groups: Any, *, repeats: int = 1, rows: np.ndarray | None = None
    ) -> list[Fold]:
        """Divide the rows into folds: see `folds.make_folds`.

        Args:
            folds, groups, repeats: arguments of the public function.
            rows: positions of the rows to divide; None for all.

        Raises:
            ConfigError, DataError: see `folds.make_folds`.
        """
        data = self.fold_data if rows is None else self.fold_data.take(rows)
        parts = make_folds(self.who, folds, data, groups, repeats=repeats, seed=self.seed)
        if rows is None:
            return parts
        return [Fold(rows[fold.train_rows], rows[fold.test_rows]) for fold in parts]

    def split(self, fraction: float) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the rows that `fit` would train on, and those that it would validate on.

        Args:
            fraction: the `validation_split`; 0 for no validation rows.

        Raises:
            ConfigError, DataError: see `RowSplit`.
        """
        split = RowSplit(fraction, self.options["validation_from"], self.seed)
        if self.is_series:
            return split.split_windows(self.n_rows, self.horizon)
        return split.split(self.n_rows, self.labels)

    def train(
        self,
        runs: Sequence[Run],
        *,
        resume: Any = None,
        scores_training_rows: bool = False,
        validates: bool = True,
    ) -> list[RunResult]:
        """Train all runs as few programs, and return their results in the same order.

        Ctrl-C ends the training. The result of a run that has not ended says so in `problem`.

        Args:
            runs: what to train.
            resume: a folder for the results of runs that have ended. The same call continues.
            scores_training_rows: whether the results have scores of the training rows, too.
            validates: whether the test rows are scored after every epoch, too. If there are
                callbacks, they are.

        Raises:
            ConfigError, DataError: see `Sequential.fit`.
        """
        prepared = list(map(self.prepare, runs))
        if not (validates or self.callbacks):
            nothing = np.zeros(0, int)
            prepared = [replace(each, validation_rows=nothing) for each in prepared]
        trainer = RunTrainer(
            self.who,
            self.model,
            self.callbacks,
            self.score_name,
            self.options["verbose"],
            scores_training_rows,
        )
        trainer.progress.log("\n".join(merge_like_lines(self._unprinted)))
        self._unprinted = ()
        if resume is None:
            return trainer.train(prepared)
        with closing(RunFolder(resume, self.callbacks)) as folder:
            return trainer.train(prepared, folder)

    def prepare(self, run: Run) -> PreparedRun:
        """Return a run with its network, and its rows as encoded by its training rows.

        Raises:
            ConfigError, DataError: see `Sequential.fit`; the message ends in the run's parameters.
        """
        try:
            return self._preparer.prepare(run, self.epochs)
        except GlassnetError as error:
            if not run.values:
                raise
            values = format_values(run.values)
            raise type(error)(f"{error} The parameters are {values}.") from error

    def _read_facts(self) -> None:
        """Open the data once, as a fit to all rows would, to learn what they are."""
        facts = self._preparer.read_facts()
        program, preprocessor = facts.setup.make_program(), facts.setup.preprocessor
        self.messages, self.targets, self.loss = facts.messages, facts.data.y, facts.setup.loss
        self.n_rows = len(facts.data.x)
        everything = np.arange(self.n_rows)
        has_target = facts.has_target
        self.row_index = everything if has_target is None else np.flatnonzero(has_target)
        self.labels = get_class_labels(facts.data.y, program.loss)
        target = getattr(preprocessor, "target", None)
        self.class_names = getattr(target, "labels", None)
        self.target_name = getattr(target, "name", "")
        self.is_series = isinstance(preprocessor, TimeSeriesPreprocessor)
        self.horizon = preprocessor.target.horizon if self.is_series and preprocessor else 1
        self.score_names = program.log_names(include_validation=False)
        self.epochs = self._choose_epochs()
        self._unprinted = self.messages
        self.fold_data = FoldData(
            n_rows=self.n_rows,
            labels=self.labels,
            class_names=self.class_names,
            targets=self.targets,
            positions=None if has_target is None else self.row_index,
            n_data=None if has_target is None else len(has_target),
            is_series=self.is_series,
            horizon=self.horizon,
        )
        self.n_data = self.n_rows if has_target is None else len(has_target)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know about the scores of runs, in sentences."""
        notes = []
        if self.model.epoch:
            notes.append("The model has been trained. Its weights were not used.")
        if self.score_name == "loss" and len(self.score_names) > 1:
            names = ", ".join(self.score_names[1:])
            notes.append(
                "The score is the loss, since the names of the metrics do not say whether a higher "
                f"value is better: {names}."
            )
        monitors = [str(getattr(each, "monitor", None)) for each in self.callbacks]
        watched = [name for name in monitors if name.startswith("val_")]
        if watched and not self.options["validation_split"]:
            notes.append(
                f"The callbacks watched {watched[0]} of the test rows, so the scores are "
                "optimistic. With validation_split=0.1 they watch other rows."
            )
        return tuple(notes)

    def _choose_epochs(self) -> int:
        """Return the number of epochs: the argument, that of the last fit, or the default."""
        epochs, size = self.options["epochs"], self.options["batch_size"]
        history = self.model.history
        if epochs is None and history is not None:
            epochs = history.params.get("epochs")
        if epochs is not None:
            return int(epochs)
        steps = 1 if size == "full" else -(-self.n_rows // size)
        epochs = min(max(-(-DEFAULT_STEPS // steps), MIN_EPOCHS), MAX_EPOCHS)
        self.messages = (*self.messages, f"epochs: {epochs}, the default for {self.n_rows:,} rows")
        return epochs


def _check_names(who: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of `fit`, if all can be used here.

    Raises:
        ConfigError: an unknown argument, or one that has no meaning for many runs.
    """
    for name, value in options.items():
        fix = UNSUPPORTED.get(name, "")
        received: dict[str, Any] = {name: type(value).__name__}
        require(not fix, who, f"no {name}", **received, fix=fix)
        lookup(f"{who}: argument", name, FIT_ARGUMENTS)
    return dict(options)


def _check_callbacks(who: str, callbacks: Sequence[Any]) -> None:
    """Refuse callbacks whose files all runs would share, and those that change a model.

    Raises:
        ConfigError: there is one.
    """
    writers = CSVLogger, ModelCheckpoint, TensorBoard
    names = [type(each).__name__ for each in callbacks if isinstance(each, writers)]
    fix = "All runs would write the same file. The result has their histories and models."
    require(not names, who, "no callbacks that write files", callbacks=names, fix=fix)
    names = [type(each).__name__ for each in callbacks if each.model is None]
    fix = "Return Decision(stop=...) or Decision(learning_rate=...) from a gn.callbacks.Callback."
    expected = "callbacks that do not use self.model, as many networks are trained at once"
    require(not names, who, expected, callbacks=names, fix=fix)
