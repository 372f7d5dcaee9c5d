"""Callbacks that stop training."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from glassnet.callbacks import monitor
from glassnet.callbacks.callback import Callback
from glassnet.engine.epoch_runner import Logs
from glassnet.engine.loop import Decision, Record
from glassnet.errors import is_int, is_number, require
from glassnet.formatting import format_number


@dataclass(frozen=True)
class Best:
    """Memory of `EarlyStopping`."""

    value: float | None = None
    epoch: int = 0
    wait: int = 0
    seen: int = 0


@dataclass(frozen=True)
class EarlyStopping(Callback):
    """Stop training when a monitored quantity has stopped improving, and restore the best weights.

    Args:
        monitor: name of the logged number to monitor, such as "val_loss".
        min_delta: minimum change that counts as an improvement.
        patience: number of epochs without improvement after which training stops.
        mode: "min", "max" or "auto". "auto" is "max" for accuracies, AUC, F1, precision, recall and
            R2, and "min" for losses and errors.
        baseline: value to beat. As in Keras, only an improvement over it resets the patience.
        restore_best_weights: whether to restore the best epoch's weights when training ends for any
            reason (default False in Keras).
        start_from_epoch: number of epochs of this fit to wait before monitoring starts.

    Raises:
        ConfigError: an argument is out of range; in `fit`, the monitored number is not logged (the
            message suggests the nearest name).

    Example:
        >>> EarlyStopping(patience=3).monitor
        'val_loss'

    Source: lecture 002, stop where the validation error turns; Keras's EarlyStopping.
    """

    monitor: str = "val_loss"
    min_delta: float = 0.0
    patience: int = 0
    mode: str = "auto"
    baseline: float | None = None
    restore_best_weights: bool = True
    start_from_epoch: int = 0

    def __post_init__(self) -> None:
        who = "EarlyStopping"
        monitor.check_arguments(who, self.monitor, self.mode, self.min_delta)
        require(
            self.baseline is None or is_number(self.baseline),
            who,
            "baseline to be a number or None",
            baseline=self.baseline,
        )
        require(
            is_int(self.patience, least=0),
            who,
            "patience to be an int >= 0",
            patience=self.patience,
        )
        require(
            is_int(self.start_from_epoch, least=0),
            who,
            "start_from_epoch to be an int >= 0",
            start_from_epoch=self.start_from_epoch,
        )

    @property
    def non_number_effect(self) -> str:
        epochs = max(self.patience, 1)
        return f"That is no improvement: training stops after {epochs} such epochs in a row."

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        monitor.require_logged("EarlyStopping", self.monitor, self.mode, names)

    def init(self) -> Best:
        return Best()

    def update(self, memory: Best, record: Record) -> tuple[Best, Decision | None]:
        memory = replace(memory, seen=memory.seen + 1)
        if memory.seen <= self.start_from_epoch:
            return memory, None
        value = record.logs[self.monitor]
        if self._is_better(value, memory.value):
            wait = 0 if self._is_better(value, self.baseline) else memory.wait + 1
            return replace(memory, value=value, epoch=record.epoch, wait=wait), Decision(
                keep_weights=self.restore_best_weights
            )
        memory = replace(memory, wait=memory.wait + 1)
        if memory.wait < self.patience:
            return memory, None
        best = (
            "it was never a finite number"
            if memory.value is None
            else f"the best was {format_number(memory.value)} at epoch {memory.epoch + 1}"
        )
        if memory.value is not None and self.restore_best_weights:
            best += ", and its weights are restored"
        epochs = "1 epoch" if memory.wait == 1 else f"{memory.wait} epochs"
        reason = f"{self.monitor} has not improved for {epochs}: {best}"
        return memory, Decision(stop=reason)

    def _is_better(self, value: float, best: float | None) -> bool:
        return monitor.is_better(self.monitor, self.mode, self.min_delta, value, best)


@dataclass(frozen=True)
class StopWhen(Callback):
    """Stop training once the loss is small or the weights no longer change.

    Args:
        loss_below: stop if the training loss of an epoch is below this value.
        weight_change_below: stop if every weight changed by less than this value in an epoch.

    Raises:
        ConfigError: both arguments are None, or one is not a number > 0.

    Example:
        >>> StopWhen(loss_below=0.01)
        StopWhen(loss_below=0.01, weight_change_below=None)

    Source: lectures 002 and 003: until the loss is small, until nothing changes much.
    """

    loss_below: float | None = None
    weight_change_below: float | None = None

    def __post_init__(self) -> None:
        limits = (self.loss_below, self.weight_change_below)
        numbers = [limit for limit in limits if limit is not None]
        require(
            numbers and all(is_number(number) and number > 0 for number in numbers),
            "StopWhen",
            "one or both limits as numbers > 0",
            loss_below=self.loss_below,
            weight_change_below=self.weight_change_below,
        )

    def update(self, memory: None, record: Record) -> tuple[None, Decision | None]:
        loss = record.logs["loss"]
        if self.loss_below is not None and loss < self.loss_below:
            limit = format_number(self.loss_below)
            return None, Decision(stop=f"the loss {format_number(loss)} is below {limit}")
        if self.weight_change_below is not None and record.weight_change < self.weight_change_below:
            limit = format_number(self.weight_change_below)
            return None, Decision(stop=f"no weight changed by {limit} over the epoch")
        return None, None


@dataclass(frozen=True)
class TerminateOnNaN(Callback):
    """Stop training when a logged number, such as `val_loss` or a metric, is NaN or infinite.

    A training loss or a weight that is not finite stops every `fit` at that step, even without this
    callback.

    Example:
        >>> TerminateOnNaN().on_epoch_end(0, {"loss": 0.5, "val_loss": math.nan}).stop
        'val_loss is nan'

    Source: Keras's TerminateOnNaN, which checks only the training loss.
    """

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision | None:
        bad = [f"{name} is {value}" for name, value in logs.items() if not math.isfinite(value)]
        return Decision(stop=", ".join(bad)) if bad else None
