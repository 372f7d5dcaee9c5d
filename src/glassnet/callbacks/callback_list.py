"""All callbacks of one fit, asked together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from glassnet.callbacks.callback import Callback, Logs
from glassnet.callbacks.model_checkpoint import ModelCheckpoint
from glassnet.engine.loop import Decision, Record
from glassnet.errors import is_number, require


class CallbackList:
    """The callbacks of one fit with their memories; they are told that it begins.

    Args:
        callbacks: in the order in which they are asked.
        names: the keys that every epoch's logs will have.
        memories: what they remembered of a run that goes on, None for one that begins.
    """

    def __init__(
        self,
        callbacks: Sequence[Callback],
        names: tuple[str, ...],
        memories: Sequence[Any] | None = None,
    ):
        self.callbacks = tuple(callbacks)
        for callback in self.callbacks:
            callback.on_train_begin(names)
        self.memories = (
            [callback.init() for callback in self.callbacks] if memories is None else list(memories)
        )

    @property
    def saves_models(self) -> bool:
        """Whether models will be saved whole."""
        return any(
            isinstance(callback, ModelCheckpoint) and not callback.save_weights_only
            for callback in self.callbacks
        )

    def on_epoch_begin(self, epoch: int, learning_rate: float) -> float | None:
        """The rate to train an epoch at, each callback being told the one before it chose; None for
        the rate as it stands.
        """
        chosen = learning_rate
        for callback in self.callbacks:
            answer = _check_decision(
                callback, callback.on_epoch_begin(epoch, {"learning_rate": chosen})
            )
            alone = not (answer.stop or answer.keep_weights or answer.save)
            require(
                alone,
                type(callback).__name__,
                "no more than a learning rate from on_epoch_begin",
                received=answer,
            )
            chosen = chosen if answer.learning_rate is None else float(answer.learning_rate)
        return None if chosen == learning_rate else chosen

    def on_epoch_end(self, record: Record) -> Decision:
        """The joint answer to a record: any stop (the first reason), any keep, the last rate, all
        files.
        """
        answers = []
        for i, callback in enumerate(self.callbacks):
            self.memories[i], answer = callback.update(self.memories[i], record)
            answers.append(_check_decision(callback, answer))
        stops = [answer.stop for answer in answers if answer.stop]
        rates = [
            float(answer.learning_rate) for answer in answers if answer.learning_rate is not None
        ]
        files = tuple(file for answer in answers for file in answer.save)
        return Decision(
            stops[0] if stops else None,
            any(answer.keep_weights for answer in answers),
            rates[-1] if rates else None,
            files,
        )

    def on_train_end(self, logs: Logs) -> None:
        """Training has ended, with these logs last."""
        for callback in self.callbacks:
            callback.on_train_end(dict(logs))


def _check_decision(callback: Callback, decision: Decision | None) -> Decision:
    who = type(callback).__name__
    require(
        decision is None or isinstance(decision, Decision),
        who,
        "a Decision or None in return",
        received=decision,
    )
    rate = decision.learning_rate if decision else None
    require(
        rate is None or (is_number(rate) and 0 < rate < math.inf),
        who,
        "a learning rate > 0",
        learning_rate=rate,
    )
    return decision or Decision()


def normalize_callbacks(callbacks: Callback | Sequence[Callback] | None) -> tuple[Callback, ...]:
    """What `fit` was given as a tuple: one callback, several or none.

    Raises:
        ConfigError: something that is no callback.
    """
    given: Any = (
        callbacks
        if isinstance(callbacks, list | tuple)
        else ()
        if callbacks is None
        else (callbacks,)
    )
    for callback in given:
        require(
            isinstance(callback, Callback),
            "callbacks",
            "Callback objects",
            received=callback,
            fix=_suggest_fix(callback),
        )
    return tuple(given)


def _suggest_fix(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    if any(base.__module__.startswith("keras.") for base in kind.__mro__):
        return f"This is Keras's: write glassnet.callbacks.{kind.__name__}(...), or derive your own from glassnet.callbacks.Callback."
    if kind is value:
        return f"This is the class: write {kind.__name__}(...)."
    return "A function goes in as LambdaCallback(on_epoch_end=function)." if callable(value) else ""
