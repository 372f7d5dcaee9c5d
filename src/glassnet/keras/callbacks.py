"""Keras's callbacks."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import Any

from glassnet import callbacks as ours
from glassnet.callbacks import Decision, Record
from glassnet.callbacks.callback import HOOKS
from glassnet.callbacks.early_stopping import Best
from glassnet.engine.epoch_runner import StepHooks
from glassnet.errors import is_int, require, warn
from glassnet.keras.compat import export_aliases

BATCH_HOOKS = ("on_batch_begin", "on_train_batch_begin", "on_batch_end", "on_train_batch_end")
"""Keras's hooks around every batch, by their names in Keras 2 and 3."""

TEST_HOOKS = ("on_test_begin", "on_test_end")
"""Keras's hooks around a validation, which `fit` calls before `on_epoch_end`."""


class Callback(ours.Callback):
    """Base class of user-defined callbacks, with Keras's hooks.

    Return values are ignored, except for a `Decision`. `on_test_begin` and `on_test_end` are both
    called after the validation of an epoch. If a callback has hooks around batches, such
    as `on_train_batch_end`, `fit` runs one step at a time, which takes longer. A learning rate set
    there is that of the next batch, and `logs["loss"]` is the mean over the rows of the epoch so
    far, as in Keras.

    Attributes:
        model: the model being fitted. Setting `stop_training` ends the fit after the epoch. Setting
            `optimizer.learning_rate` takes effect from the next step. Weights can be set after the
            last epoch.
        params: the `epochs`, `verbose` and `steps` of the fit; `steps` is None for batches.
    """

    hooks = (*HOOKS, *BATCH_HOOKS, *TEST_HOOKS)
    model: Any = None
    params: Any = None

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """Call `on_epoch_end` and return its result if it is a `Decision`."""
        result = self.on_epoch_end(record.epoch, dict(record.logs))
        return memory, result if isinstance(result, Decision) else None


class KerasCallbackAdapter(ours.Callback):
    """Glassnet callback that calls the hooks of a Keras callback.

    Args:
        callback: the Keras callback.
    """

    def __init__(self, callback: Callback):
        self.callback = callback

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        self.callback.on_train_begin({})  # type: ignore[arg-type]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> Decision | None:
        result = self.callback.on_epoch_begin(epoch, logs)
        return result if isinstance(result, Decision) else None

    def on_train_end(self, logs: dict[str, float]) -> None:
        self.callback.on_train_end(logs)

    @property
    def step_hooks(self) -> StepHooks | None:
        """The hooks around batches, if the callback has any."""
        begin, end = (self._find_hooks(BATCH_HOOKS[i : i + 2]) for i in (0, 2))
        if not (begin or end):
            return None
        warn_about_batch_hooks()
        changes = self.callback.model.pending_changes

        def on_begin(step: int, learning_rate: float) -> float | None:
            changes.step_rate = learning_rate
            for hook in begin:
                hook(step, {})
            rate: float | None = changes.learning_rate
            changes.learning_rate = None
            changes.batch_rate = rate if rate is not None else changes.batch_rate
            changes.step_rate = learning_rate if rate is None else rate
            return rate

        def on_end(step: int, logs: dict[str, float]) -> str | None:
            for hook in end:
                hook(step, logs)
            return "stop_training was set" if changes.model.stop_training else None

        return StepHooks(on_begin, on_end)

    def _find_hooks(self, names: tuple[str, ...]) -> list[Any]:
        found = [getattr(self.callback, name, None) for name in names]
        return [hook for hook in found if hook is not None]

    def init(self) -> Any:
        return self.callback.init()

    def restore_memory(self, memory: Any) -> None:
        self.callback.restore_memory(memory)

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        validation = {
            name.removeprefix("val_"): value
            for name, value in record.logs.items()
            if name.startswith("val_")
        }
        if validation:
            for name, logs in zip(TEST_HOOKS, ({}, validation), strict=True):
                for hook in self._find_hooks((name,)):
                    hook(logs)
        return self.callback.update(memory, record)


class PendingChanges(ours.Callback):
    """Callback that turns changes to the model during a fit into decisions. It is called last.

    Args:
        model: the `keras.Sequential` being fitted.

    Attributes:
        learning_rate: the learning rate set since the last decision, or None.
        step_rate: the learning rate of the step in progress, if callbacks have batch hooks.
        batch_rate: the last learning rate that such a hook set in this epoch, or None.
        weights: the weights set by a callback, or None; they are applied after training.
        learning_rates: the learning rate of every epoch.
    """

    def __init__(self, model: Any):
        self.model = model
        self.learning_rate: float | None = None
        self.step_rate: float | None = None
        self.batch_rate: float | None = None
        self.weights: list[Any] | None = None
        self.learning_rates: list[float] = []

    def init(self) -> tuple[float, ...]:
        return ()

    def restore_memory(self, memory: Any) -> None:
        self.learning_rates = list(memory)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> Decision | None:
        require(
            self.weights is None,
            "set_weights",
            "no further epoch after a callback has set the weights",
            epoch=epoch,
            fix="Set stop_training = True too, or set the weights in on_train_end.",
        )
        return self._decision()

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        self.learning_rates = [*memory, record.learning_rate]
        return tuple(self.learning_rates), self._decision(
            stop="stop_training was set" if self.model.stop_training else None
        )

    def rates_of_epochs(self, n_epochs: int) -> list[float]:
        """Return the learning rate of each epoch; NaN after a fit that has failed."""
        rates = self.learning_rates[:n_epochs]
        return rates + [math.nan] * (n_epochs - len(rates))

    def _decision(self, stop: str | None = None) -> Decision:
        rate = self.batch_rate if self.learning_rate is None else self.learning_rate
        self.learning_rate = self.step_rate = self.batch_rate = None
        return Decision(stop, learning_rate=rate)


class KerasLambdaCallback(Callback):
    """Callback made of functions: Keras's LambdaCallback."""

    def __init__(
        self,
        on_epoch_begin: Any = None,
        on_epoch_end: Any = None,
        on_train_begin: Any = None,
        on_train_end: Any = None,
        on_train_batch_begin: Any = None,
        on_train_batch_end: Any = None,
    ):
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        hooks = {name: function for name, function in hooks.items() if function is not None}
        require(all(map(callable, hooks.values())), "LambdaCallback", "functions", **hooks)
        vars(self).update(hooks)


@functools.cache
def warn_about_batch_hooks() -> None:
    """Warn once that batch hooks make training slower."""
    text = (
        "A callback has hooks around batches, so fit runs one step at a time. This takes longer "
        "than many steps in one call; hooks around epochs do not."
    )
    warn(text, UserWarning)


@dataclass(frozen=True)
class KerasEarlyStopping(ours.EarlyStopping):
    """Callback that stops training, and that knows Keras's results after the fit.

    Attributes:
        best: the best value of the monitored number; None before there is one.
        best_epoch: its epoch, counted from 0.
        wait: the number of epochs since then.
        stopped_epoch: the epoch after which training was stopped; 0 if it was not.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set_results(None, 0, 0, 0)

    def _set_results(self, best: float | None, best_epoch: int, wait: int, stopped: int) -> None:
        # The settings are frozen; these are results, as in Keras.
        vars(self).update(best=best, best_epoch=best_epoch, wait=wait, stopped_epoch=stopped)

    def init(self) -> Best:
        self._set_results(None, 0, 0, 0)
        return super().init()

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        memory, decision = super().update(memory, record)
        stopped = record.epoch if decision is not None and decision.stop else 0
        self._set_results(memory.value, memory.epoch or 0, memory.wait, stopped)
        return memory, decision


@dataclass(frozen=True)
class BatchCheckpoint(ours.ModelCheckpoint):
    """Checkpoint every `save_freq` batches, rounded to whole epochs.

    Args:
        save_freq: the number of batches between two files, at least 1.

    Other Args: see `ModelCheckpoint`.
    """

    save_freq: int = field(default=1, kw_only=True)

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """Save after every epoch, or after several if they have `save_freq` batches together."""
        steps = len(record.step_losses)
        epochs = max(1, round(self.save_freq / max(steps, 1)))
        return (
            super().update(memory, record) if (record.epoch + 1) % epochs == 0 else (memory, None)
        )


def _model_checkpoint(
    filepath: Any,
    monitor: str = "val_loss",
    save_best_only: bool = False,
    save_weights_only: bool = False,
    mode: str = "auto",
    save_freq: Any = "epoch",
    initial_value_threshold: float | None = None,
) -> ours.ModelCheckpoint:
    """Return a checkpoint after every epoch, or after several if `save_freq` is a number."""
    arguments = filepath, monitor, save_best_only, save_weights_only, mode, initial_value_threshold
    if save_freq == "epoch":
        return ours.ModelCheckpoint(*arguments)
    expected = "save_freq to be 'epoch' or an int >= 1"
    require(is_int(save_freq, least=1), "ModelCheckpoint", expected, save_freq=save_freq)
    text = f"ModelCheckpoint: save_freq={save_freq} is rounded to whole epochs, at least one."
    warn(text, UserWarning)
    return BatchCheckpoint(*arguments, save_freq=save_freq)


def _tensorboard(
    log_dir: Any = "logs",
    histogram_freq: Any = 0,
    write_images: Any = False,
    write_steps_per_second: Any = False,
    update_freq: Any = "epoch",
    profile_batch: Any = 0,
    embeddings_freq: Any = 0,
    embeddings_metadata: Any = None,
) -> ours.TensorBoard:
    """Return a TensorBoard callback, and say what it does not write."""
    options = {
        "histogram_freq": histogram_freq,
        "write_images": write_images,
        "write_steps_per_second": write_steps_per_second,
        "update_freq": None if update_freq == "epoch" else update_freq,
        "profile_batch": profile_batch,
        "embeddings_freq": embeddings_freq,
        "embeddings_metadata": embeddings_metadata,
    }
    ignored = [name for name, value in options.items() if value]
    if ignored:
        text = (
            f"TensorBoard: {', '.join(ignored)}: only losses, metrics and the learning rate of "
            "every epoch are written."
        )
        warn(text, UserWarning)
    return ours.TensorBoard(log_dir)


EARLY_STOPPING_SPEC = (
    "monitor min_delta patience verbose~ mode baseline restore_best_weights start_from_epoch"
)
PLATEAU_SPEC = "monitor factor patience verbose~ mode min_delta cooldown min_lr"
CHECKPOINT_SPEC = (
    "filepath! monitor verbose~ save_best_only save_weights_only mode save_freq"
    " initial_value_threshold"
)
HOOKS_SPEC = (
    "on_epoch_begin on_epoch_end on_train_begin on_train_end on_train_batch_begin"
    " on_train_batch_end"
)
TENSORBOARD_SPEC = (
    "log_dir histogram_freq write_graph~ write_images write_steps_per_second update_freq"
    " profile_batch embeddings_freq embeddings_metadata"
)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "Callback": Callback,
        "CSVLogger": (ours.CSVLogger, "filename separator append"),
        "EarlyStopping": (KerasEarlyStopping, EARLY_STOPPING_SPEC),
        "LambdaCallback": (KerasLambdaCallback, HOOKS_SPEC),
        "LearningRateScheduler": (ours.LearningRateScheduler, "schedule verbose~"),
        "ModelCheckpoint": (_model_checkpoint, CHECKPOINT_SPEC, ours.ModelCheckpoint),
        "ReduceLROnPlateau": (ours.ReduceLROnPlateau, PLATEAU_SPEC),
        "TensorBoard": (_tensorboard, TENSORBOARD_SPEC, ours.TensorBoard),
        "TerminateOnNaN": (ours.TerminateOnNaN, "raise_error=False"),
    },
)
