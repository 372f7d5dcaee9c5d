"""Callbacks that change the learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.callbacks import monitor
from glassnet.callbacks.callback import Callback, Logs
from glassnet.engine.loop import Decision, Record
from glassnet.errors import is_int, is_number, require


@dataclass(frozen=True)
class Plateau:
    """What `ReduceLROnPlateau` remembers."""

    value: float | None = None
    wait: int = 0
    resting: int = 0


@dataclass(frozen=True)
class ReduceLROnPlateau(Callback):
    """Where a logged number has not improved for `patience` epochs, train on at rate <- max(factor
    * rate, min_lr).

    A NaN or an infinity is never the best value (in Keras one in the first epoch stays the best for
    good). Where the optimizer has a schedule by steps (Keras refuses that), the rate is that of the
    step to come, and the schedule's further course is scaled alike.

    Args:
        monitor: the logged number, such as "val_loss".
        factor: what the rate is multiplied by, between 0 and 1.
        patience: epochs without improvement that are waited for.
        mode: "min", "max", or "auto": by the name, as in `EarlyStopping`.
        min_delta: the least change that counts as better, in the monitor's units.
        cooldown: epochs after a reduction in which no waiting is counted.
        min_lr: the lowest rate.

    Raises:
        ConfigError: an argument out of range; at `fit`, a monitor that is not logged (the nearest
            name is given).

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

    def __post_init__(self):
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
            is_number(self.min_lr) and self.min_lr >= 0,
            who,
            "min_lr to be a number >= 0",
            min_lr=self.min_lr,
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
        return replace(memory, wait=0, resting=self.cooldown), Decision(
            learning_rate=max(self.factor * rate, self.min_lr)
        )


@dataclass(frozen=True)
class LearningRateScheduler(Callback):
    """Train each epoch at the rate schedule(epoch, rate), `rate` being the one before it.

    Where the optimizer has a schedule by steps, this is the rate of the epoch's first step, and
    that schedule goes on from there.

    Args:
        schedule: from (epoch, rate), or from the epoch alone, to the epoch's rate, a number > 0.
            Epochs count from 0 over the model's life, so that a second fit carries the schedule on
            (Keras begins at 0 in every fit).

    Raises:
        ConfigError: no function; at `fit`, an answer that is no number > 0.

    Example:
        >>> halving = LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch % 10 == 9 else rate)
        >>> halving.on_epoch_begin(9, {"learning_rate": 0.5}).learning_rate
        0.25

    Source: Keras's LearningRateScheduler.
    """

    schedule: Callable[..., float]

    def __post_init__(self):
        require(
            callable(self.schedule),
            "LearningRateScheduler",
            "a function of (epoch, rate)",
            schedule=self.schedule,
        )

    def on_epoch_begin(self, epoch: int, logs: Logs) -> Decision:
        given = (epoch, logs["learning_rate"])
        rate = self.schedule(*given) if _accepts(self.schedule, *given) else self.schedule(epoch)
        require(
            is_number(rate) and rate > 0,
            "LearningRateScheduler",
            f"schedule({epoch}, ...) to be a number > 0",
            learning_rate=rate,
        )
        return Decision(learning_rate=float(rate))


def _accepts(function: Callable[..., Any], *values: Any) -> bool:
    """Whether a function can be called with these values, as far as it can be asked."""
    try:
        inspect.signature(function).bind(*values)
    except TypeError:
        return False
    except ValueError:  # it has no signature
        pass
    return True
