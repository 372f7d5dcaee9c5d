"""Run the callbacks of one fit together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.callbacks import monitor
from glassnet.callbacks.callback import Callback
from glassnet.callbacks.model_checkpoint import ModelCheckpoint
from glassnet.callbacks.weight_history import WeightHistory
from glassnet.engine.epoch_runner import Logs, StepHooks
from glassnet.engine.loop import Decision, Record
from glassnet.engine.network import Links
from glassnet.errors import MAX_FLOAT32, TrainingWarning, is_number, require, warn


class CallbackList:
    """Callbacks of one fit with their memories; calls `on_train_begin` of each.

    Args:
        callbacks: the callbacks, in the order in which they run.
        names: keys of every epoch's logs.
        memories: memories to resume from, None for a new run.
    """

    def __init__(
        self,
        callbacks: Sequence[Callback],
        names: tuple[str, ...],
        memories: Sequence[Any] | None = None,
    ):
        self.callbacks = tuple(callbacks)
        self._warned: set[int] = set()
        for callback in self.callbacks:
            callback.on_train_begin(names)
        if memories is None:
            memories = [callback.init() for callback in self.callbacks]
        else:
            for callback, memory in zip(self.callbacks, memories, strict=True):
                callback.restore_memory(memory)
        self.memories = list(memories)

    @property
    def saves_models(self) -> bool:
        """Whether a callback saves complete models."""
        return any(
            isinstance(callback, ModelCheckpoint) and not callback.save_weights_only
            for callback in self.callbacks
        )

    def get_recorded_weights(self, links: Links) -> dict[str, np.ndarray]:
        """Return what a `WeightHistory` recorded; empty without one."""
        for callback in self.callbacks:
            if isinstance(callback, WeightHistory):
                return callback.get_weights(links)
        return {}

    def on_epoch_begin(self, epoch: int, learning_rate: float) -> float | None:
        """Return the learning rate for an epoch, or None if it does not change.

        Each callback receives the learning rate that the previous one returned.
        """
        rate = learning_rate
        for callback in self.callbacks:
            decision = _check_decision(
                callback, callback.on_epoch_begin(epoch, {"learning_rate": rate})
            )
            require(
                not (decision.stop or decision.keep_weights or decision.save),
                type(callback).__name__,
                "only a learning rate from on_epoch_begin",
                received=decision,
            )
            rate = rate if decision.learning_rate is None else float(decision.learning_rate)
        return None if rate == learning_rate else rate

    def on_epoch_end(self, record: Record) -> Decision:
        """Run every callback after an epoch and combine their decisions.

        The result has the first stop reason, the last learning rate and all save requests, and
        keeps the weights if any callback does.
        """
        decisions = []
        for i, callback in enumerate(self.callbacks):
            self._warn_about_non_number(i, record)
            self.memories[i], decision = callback.update(self.memories[i], record)
            decisions.append(_check_decision(callback, decision))
        reasons = [decision.stop for decision in decisions if decision.stop]
        rates = [decision.learning_rate for decision in decisions]
        rates = [float(rate) for rate in rates if rate is not None]
        return Decision(
            stop=reasons[0] if reasons else None,
            keep_weights=any(decision.keep_weights for decision in decisions),
            learning_rate=rates[-1] if rates else None,
            save=tuple(file for decision in decisions for file in decision.save),
        )

    def _warn_about_non_number(self, i: int, record: Record) -> None:
        """Warn once in a fit if the number that callback i monitors is NaN or infinite."""
        callback = self.callbacks[i]
        effect, name = callback.non_number_effect, getattr(callback, "monitor", None)
        if effect is None or i in self._warned or not isinstance(name, str):
            return
        value = record.logs.get(name, 0.0)
        if not math.isfinite(value):
            self._warned.add(i)
            who = type(callback).__name__
            text = monitor.describe_non_number(who, name, value, record.epoch, effect)
            warn(text, TrainingWarning)

    @property
    def step_hooks(self) -> StepHooks | None:
        """The step hooks of all callbacks as one; None if no callback has any."""
        hooks = [each for callback in self.callbacks if (each := callback.step_hooks)]

        def begin(step: int, learning_rate: float) -> float | None:
            rate = learning_rate
            for each in hooks:
                requested = each.begin(step, rate)
                rate = rate if requested is None else requested
            return None if rate == learning_rate else rate

        def end(step: int, logs: Logs) -> str | None:
            reasons = [each.end(step, dict(logs)) for each in hooks]
            return next(filter(None, reasons), None)

        return StepHooks(begin, end) if hooks else None

    def on_train_end(self, logs: Logs) -> None:
        """Call `on_train_end` of each callback with the last logs."""
        for callback in self.callbacks:
            callback.on_train_end(dict(logs))


def _check_decision(callback: Callback, decision: Decision | None) -> Decision:
    who = type(callback).__name__
    require(
        decision is None or isinstance(decision, Decision),
        who,
        "a Decision or None as return value",
        received=decision,
    )
    rate = decision.learning_rate if decision else None
    require(
        rate is None or (is_number(rate) and 0 < rate <= MAX_FLOAT32),
        who,
        "a learning rate > 0",
        learning_rate=rate,
    )
    return decision or Decision()


def normalize_callbacks(callbacks: Callback | Sequence[Callback] | None) -> tuple[Callback, ...]:
    """Return one callback, a sequence of callbacks or None as a tuple.

    Raises:
        ConfigError: a value is not a callback.
    """
    values: Any = (callbacks,)
    if callbacks is None:
        values = ()
    elif isinstance(callbacks, list | tuple):
        values = callbacks
    for callback in values:
        require(
            isinstance(callback, Callback),
            "callbacks",
            "Callback objects",
            received=callback,
            fix=_suggest_fix(callback),
        )
    return tuple(values)


def _suggest_fix(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    if any(base.__module__.startswith("keras.") for base in kind.__mro__):
        return (
            f"This is a Keras callback. Use glassnet.callbacks.{kind.__name__}(...), or subclass "
            "glassnet.callbacks.Callback."
        )
    if kind is value:
        return f"This is a class. Write {kind.__name__}(...)."
    return "Wrap a function in LambdaCallback(on_epoch_end=function)." if callable(value) else ""
