"""Callbacks read what an epoch gave and answer with a `Decision`; they never write.

Write one by giving `on_epoch_end`:

    class Patience(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch >= 9 and logs["accuracy"] < 0.5:
                return Decision(stop="not better than a coin after ten epochs")
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from glassnet.epochs import Decision, Record
from glassnet.errors import is_int, is_number, lookup, require

Logs = dict[str, float]


class Callback:
    """What every callback is. Subclass it and give `on_epoch_end`, or `init` and `update` where something is remembered."""

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        """Before the first epoch; `names` are the keys that every epoch's logs will have."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision | None:
        """After an epoch (counted from 0), with its logs."""
        return None

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch, with its logs."""

    def init(self) -> Any:
        """The memory that `update` hands on from epoch to epoch."""
        return None

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """The new memory and the decision after an epoch."""
        return memory, self.on_epoch_end(record.epoch, dict(record.logs))


def listed(callbacks: Callback | Sequence[Callback] | None) -> tuple[Callback, ...]:
    """What `fit` was given as a tuple: one callback, several or none.

    Raises:
        ConfigError: something that is no callback.
    """
    given: Any = callbacks if isinstance(callbacks, list | tuple) else () if callbacks is None else (callbacks,)
    for callback in given:
        require(isinstance(callback, Callback), "callbacks", "Callback objects", received=callback)
    return tuple(given)


def decider(callbacks: Sequence[Callback], names: tuple[str, ...]) -> Callable[[Record], Decision]:
    """One function that asks every callback and joins their answers: any stop, any keep, the last rate."""
    for callback in callbacks:
        callback.on_train_begin(names)
    memories = [callback.init() for callback in callbacks]

    def ask(i: int, record: Record) -> Decision:
        memories[i], answer = callbacks[i].update(memories[i], record)
        who = type(callbacks[i]).__name__
        require(answer is None or isinstance(answer, Decision), who, "a Decision or None in return", received=answer)
        rate = answer.learning_rate if answer else None
        require(rate is None or (is_number(rate) and 0 < rate < math.inf), who, "a learning rate > 0", learning_rate=rate)
        return answer or Decision()

    def decide(record: Record) -> Decision:
        answers = [ask(i, record) for i in range(len(callbacks))]
        stops = [answer.stop for answer in answers if answer.stop]
        rates = [answer.learning_rate for answer in answers if answer.learning_rate is not None]
        return Decision(stops[0] if stops else None, any(answer.keep for answer in answers), rates[-1] if rates else None)

    return decide


@dataclass(frozen=True)
class Best:
    """What early stopping remembers."""

    value: float | None = None
    epoch: int = 0
    wait: int = 0
    seen: int = 0


@dataclass(frozen=True)
class EarlyStopping(Callback):
    """Stop when a logged number has not improved for `patience` epochs, and go back to the weights of the best epoch.

    Args:
        monitor: the logged number, such as "val_loss".
        min_delta: the least change that counts as better, in its units.
        patience: epochs without improvement that are waited for.
        mode: "min", "max", or "auto": "max" for names that contain acc, auc or f1, "min" for others.
        baseline: a value without which an improvement does not end the waiting (as in Keras); None for none.
        restore_best_weights: whether the run ends with the best epoch's weights, however it ends (Keras: off by default).
        start_from_epoch: epochs of this fit before which nothing is counted.

    Raises:
        ConfigError: an argument out of range; at `fit`, a monitor that is not logged (the nearest name is given).

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
        require(isinstance(self.monitor, str), who, "monitor to be a name", monitor=self.monitor)
        require(self.baseline is None or is_number(self.baseline), who, "baseline to be a number or None", baseline=self.baseline)
        require(is_int(self.patience, least=0), who, "patience to be an int >= 0", patience=self.patience)
        require(is_int(self.start_from_epoch, least=0), who, "start_from_epoch to be an int >= 0", start_from_epoch=self.start_from_epoch)
        require(is_number(self.min_delta) and self.min_delta >= 0, who, "min_delta to be a number >= 0", min_delta=self.min_delta)
        require(self.mode in ("auto", "min", "max"), who, 'mode to be "auto", "min" or "max"', mode=self.mode)

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in names):
            fix = "Pass validation_split or validation_data to fit, or monitor the training loss."
            require(False, "EarlyStopping", "validation rows", monitor=self.monitor, fix=fix)
        lookup("EarlyStopping: monitor", self.monitor, dict.fromkeys(names))

    def init(self) -> Best:
        return Best()

    def update(self, memory: Best, record: Record) -> tuple[Best, Decision | None]:
        memory = replace(memory, seen=memory.seen + 1)
        if memory.seen <= self.start_from_epoch:
            return memory, None
        value = record.logs[self.monitor]
        if math.isfinite(value) and (memory.value is None or self._better(value, memory.value)):
            beaten = self.baseline is None or self._better(value, self.baseline)
            wait = 0 if beaten else memory.wait + 1
            return replace(memory, value=value, epoch=record.epoch, wait=wait), Decision(keep=self.restore_best_weights)
        memory = replace(memory, wait=memory.wait + 1)
        if memory.wait < self.patience:
            return memory, None
        best = "it never was a number" if memory.value is None else f"the best was {memory.value:.4g} at epoch {memory.epoch + 1}"
        reason = f"{self.monitor} has not improved for {memory.wait} epochs: {best}"
        return memory, Decision(stop=reason)

    def _better(self, value: float, than: float) -> bool:
        up = self.mode == "max" or (self.mode == "auto" and any(word in self.monitor for word in ("acc", "auc", "f1")))
        return value - self.min_delta > than if up else value + self.min_delta < than


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
        require(ok, "StopWhen", "one rule or both, as numbers > 0", loss_below=rules[0], weight_change_below=rules[1])

    def update(self, memory: None, record: Record) -> tuple[None, Decision | None]:
        loss = record.logs["loss"]
        if self.loss_below is not None and loss < self.loss_below:
            return None, Decision(stop=f"the loss {loss:.4g} is below {self.loss_below:g}")
        if self.weight_change_below is not None and record.weight_change < self.weight_change_below:
            return None, Decision(stop=f"no weight changed by {self.weight_change_below:g} over the epoch")
        return None, None


class LambdaCallback(Callback):
    """Functions as a callback.

    Args:
        on_epoch_end: called with (epoch, logs); may return a `Decision`.
        on_train_begin: called with the names that will be logged.
        on_train_end: called with the last logs.

    Example:
        >>> shout = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_end: Callable[[int, Logs], Decision | None] | None = None,
        on_train_begin: Callable[[tuple[str, ...]], Any] | None = None,
        on_train_end: Callable[[Logs], Any] | None = None,
    ):
        self._end, self._begin, self._done = on_epoch_end, on_train_begin, on_train_end

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        if self._begin:
            self._begin(names)

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision | None:
        answer = self._end(epoch, logs) if self._end else None
        return answer if isinstance(answer, Decision) else None

    def on_train_end(self, logs: Logs) -> None:
        if self._done:
            self._done(logs)
