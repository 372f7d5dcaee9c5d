"""Callbacks that end a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from glassnet.callbacks import monitor
from glassnet.callbacks.callback import Callback, Logs
from glassnet.engine.loop import Decision, Record
from glassnet.errors import is_int, is_number, require


@dataclass(frozen=True)
class Best:
    """What early stopping remembers."""

    value: float | None = None
    epoch: int = 0
    wait: int = 0
    seen: int = 0


@dataclass(frozen=True)
class EarlyStopping(Callback):
    """Stop when a logged number has not improved for `patience` epochs, and go back to the weights
    of the best epoch.

    Args:
        monitor: the logged number, such as "val_loss".
        min_delta: the least change that counts as better, in its units.
        patience: epochs without improvement that are waited for.
        mode: "min", "max", or "auto": by the name, "max" for accuracies, AUC, F1, precision, recall
            and R2, "min" for losses and errors.
        baseline: a value without which an improvement does not end the waiting (as in Keras); None
            for none.
        restore_best_weights: whether the run ends with the best epoch's weights, however it ends
            (Keras: off by default).
        start_from_epoch: epochs of this fit before which nothing is counted.

    Raises:
        ConfigError: an argument out of range; at `fit`, a monitor that is not logged (the nearest
            name is given).

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

    def __post_init__(self):
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
            "it never was a number"
            if memory.value is None
            else f"the best was {memory.value:.4g} at epoch {memory.epoch + 1}"
        )
        reason = f"{self.monitor} has not improved for {memory.wait} epochs: {best}"
        return memory, Decision(stop=reason)

    def _is_better(self, value: float, best: float | None) -> bool:
        return monitor.is_better(self.monitor, self.mode, self.min_delta, value, best)


@dataclass(frozen=True)
class StopWhen(Callback):
    """Stop when training has got there: the lectures' two rules.

    Args:
        loss_below: stop once the epoch's training loss is below this.
        weight_change_below: stop once no weight changed by this much over an epoch.

    Raises:
        ConfigError: neither rule is given, or not as a number > 0.

    Example:
        >>> StopWhen(loss_below=0.01)
        StopWhen(loss_below=0.01, weight_change_below=None)

    Source: lectures 002 and 003: until the loss is small, until nothing changes much.
    """

    loss_below: float | None = None
    weight_change_below: float | None = None

    def __post_init__(self):
        rules = (self.loss_below, self.weight_change_below)
        given = [rule for rule in rules if rule is not None]
        ok = given and all(is_number(rule) and rule > 0 for rule in given)
        require(
            ok,
            "StopWhen",
            "one rule or both, as numbers > 0",
            loss_below=rules[0],
            weight_change_below=rules[1],
        )

    def update(self, memory: None, record: Record) -> tuple[None, Decision | None]:
        loss = record.logs["loss"]
        if self.loss_below is not None and loss < self.loss_below:
            return None, Decision(stop=f"the loss {loss:.4g} is below {self.loss_below:g}")
        if self.weight_change_below is not None and record.weight_change < self.weight_change_below:
            return None, Decision(
                stop=f"no weight changed by {self.weight_change_below:g} over the epoch"
            )
        return None, None


@dataclass(frozen=True)
class TerminateOnNaN(Callback):
    """Stop after an epoch that logged a number that is none: NaN or an infinity, in `val_loss` or
    in a metric.

    A training loss or a weight that is no longer finite ends every `fit`, with or without this
    callback, at the step where it happens.

    Example:
        >>> TerminateOnNaN().on_epoch_end(0, {"loss": 0.5, "val_loss": math.nan}).stop
        'val_loss is nan'

    Source: Keras's TerminateOnNaN, which looks at the training loss alone.
    """

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision | None:
        bad = [f"{name} is {value}" for name, value in logs.items() if not math.isfinite(value)]
        return Decision(stop=", ".join(bad)) if bad else None
