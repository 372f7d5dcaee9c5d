"""Callbacks that change the learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.callbacks import monitor
from glassnet.callbacks.callback import Callback
from glassnet.engine.epoch_runner import Logs
from glassnet.engine.loop import Decision, Record
from glassnet.errors import MAX_FLOAT32, is_float32, is_int, is_number, require


@dataclass(frozen=True)
class Plateau:
    """Memory of `ReduceLROnPlateau`."""

    value: float | None = None
    wait: int = 0
    resting: int = 0


@dataclass(frozen=True)
class ReduceLROnPlateau(Callback):
    """Reduce the learning rate when a monitored quantity has stopped improving.

    After `patience` epochs without improvement, rate <- max(factor * rate, min_lr).

    NaN and infinities never count as the best value (in Keras, one in the first epoch remains the
    best). If the optimizer has a learning rate schedule, which Keras does not allow, the rest of
    the schedule is scaled by the same factor.

    Args:
        monitor: name of the logged number to monitor, such as "val_loss".
        factor: factor by which the learning rate is multiplied, between 0 and 1.
        patience: number of epochs without improvement after which the rate is reduced.
        mode: "min", "max" or "auto", as in `EarlyStopping`.
        min_delta: minimum change that counts as an improvement.
        cooldown: number of epochs to wait after a reduction before counting again.
        min_lr: lower bound of the learning rate.

    Raises:
        ConfigError: an argument is out of range; in `fit`, the monitored number is not logged (the
            message suggests the nearest name).

    Example:
        >>> ReduceLROnPlateau(factor=0.5, patience=3).monitor
        'val_loss'

    Source: Keras's ReduceLROnPlateau.
    """

    monitor: str = "val_loss"
    factor: float = 0.1
    patience: int = 10
    mode: str = "auto"
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0

    def __post_init__(self) -> None:
        who = "ReduceLROnPlateau"
        monitor.check_arguments(who, self.monitor, self.mode, self.min_delta)
        require(
            is_number(self.factor) and 0 < self.factor < 1,
            who,
            "factor to be a number between 0 and 1",
            factor=self.factor,
        )
        require(
            is_int(self.patience, least=0),
            who,
            "patience to be an int >= 0",
            patience=self.patience,
        )
        require(
            is_int(self.cooldown, least=0),
            who,
            "cooldown to be an int >= 0",
            cooldown=self.cooldown,
        )
        require(
            is_float32(self.min_lr) and self.min_lr >= 0,
            who,
            "min_lr to be a number >= 0",
            min_lr=self.min_lr,
        )

    @property
    def non_number_effect(self) -> str:
        epochs = max(self.patience, 1)
        return (
            f"That is no improvement: the learning rate is reduced after {epochs} such epochs in a "
            "row."
        )

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        monitor.require_logged("ReduceLROnPlateau", self.monitor, self.mode, names)

    def init(self) -> Plateau:
        return Plateau()

    def update(self, memory: Plateau, record: Record) -> tuple[Plateau, Decision | None]:
        if memory.resting:
            memory = replace(memory, resting=memory.resting - 1)
        value = record.logs[self.monitor]
        if monitor.is_better(self.monitor, self.mode, self.min_delta, value, memory.value):
            return replace(memory, value=value, wait=0), None
        if memory.resting:
            return memory, None
        memory, rate = replace(memory, wait=memory.wait + 1), record.next_learning_rate
        if memory.wait < self.patience or rate <= np.float32(self.min_lr):
            return memory, None
        decision = Decision(learning_rate=max(self.factor * rate, self.min_lr))
        return replace(memory, wait=0, resting=self.cooldown), decision


@dataclass(frozen=True)
class LearningRateScheduler(Callback):
    """Set the learning rate of each epoch to schedule(epoch, rate), with the current `rate`.

    If the optimizer has a learning rate schedule, this sets the rate of the epoch's first step and
    scales the later ones by the same factor.

    Args:
        schedule: function of (epoch, rate), or of the epoch alone, that returns a number > 0.
            Epochs are counted from 0 over the model's lifetime, so a second fit continues the
            schedule (in Keras every fit starts at 0).

    Raises:
        ConfigError: `schedule` is not a function; in `fit`, it does not return a number > 0.

    Example:
        >>> halving = LearningRateScheduler(lambda epoch, rate: rate if epoch % 10 else rate / 2)
        >>> halving.on_epoch_begin(10, {"learning_rate": 0.5}).learning_rate
        0.25

    Source: Keras's LearningRateScheduler.
    """

    schedule: Callable[..., float]

    def __post_init__(self) -> None:
        require(
            callable(self.schedule),
            "LearningRateScheduler",
            "a function of (epoch, rate)",
            schedule=self.schedule,
        )

    def on_epoch_begin(self, epoch: int, logs: Logs) -> Decision:
        arguments: tuple[float, ...] = (epoch, logs["learning_rate"])
        if not _accepts(self.schedule, *arguments):
            arguments = (epoch,)
        rate = self.schedule(*arguments)
        require(
            is_number(rate) and 0 < rate <= MAX_FLOAT32,
            "LearningRateScheduler",
            f"schedule({epoch}, ...) to be a number > 0",
            learning_rate=rate,
        )
        return Decision(learning_rate=float(rate))


def _accepts(function: Callable[..., Any], *values: Any) -> bool:
    """Return whether a function accepts these arguments; True if its signature is unknown."""
    try:
        inspect.signature(function).bind(*values)
    except TypeError:
        return False
    except ValueError:  # it has no signature
        pass
    return True
