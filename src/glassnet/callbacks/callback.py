"""What a callback is: it reads what an epoch gave and answers with a `Decision`; it never
writes.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NoReturn

from glassnet.engine.loop import Decision, Record
from glassnet.errors import ConfigError, message

Logs = dict[str, float]

HOOKS = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")
"""What `fit` calls, in this order."""


class _ModelPlaceholder:
    """What stands where Keras puts the model: says what to write instead."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        remedy = "Hand the model to your callback, Mine(model): predict, evaluate and get_weights see the weights of that epoch."
        if name == "stop_training":
            remedy = 'Write return Decision(stop="the reason").'
        elif name in ("optimizer", "learning_rate"):
            remedy = 'Write return Decision(learning_rate=...); the rate as it stands is logs["learning_rate"] in on_epoch_begin.'
        raise ConfigError(
            message(
                f"self.model.{name}",
                "a callback that reads and answers, without the model",
                fix=remedy,
            )
        )

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(self, name)


class Callback:
    """What every callback is. Subclass it and give `on_epoch_end`, or `init` and `update` where
    something is remembered.

    Raises:
        ConfigError: at the class statement, for a hook of Keras's that is never called here, or a
            misspelt one.
    """

    model: Any = _ModelPlaceholder()

    def __init_subclass__(cls) -> None:
        for name in dir(cls):
            if (name.startswith("on_") and name not in HOOKS) or name in (
                "set_model",
                "set_params",
            ):
                hooks = "hooks that fit calls: " + ", ".join(HOOKS)
                raise ConfigError(message(cls.__name__, hooks, name=name, fix=_suggest_fix(name)))

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        """Before the first epoch; `names` are the keys that every epoch's logs will have."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> Decision | None:
        """Before an epoch, with {"learning_rate": ...}; may answer with another rate for it."""
        return None

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision | None:
        """After an epoch (counted from 0 over the model's life), with its logs."""
        return None

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch, with its logs; not called where a fit raises."""

    def init(self) -> Any:
        """The memory that `update` hands on from epoch to epoch."""
        return None

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """The new memory and the decision after an epoch."""
        return memory, self.on_epoch_end(record.epoch, dict(record.logs))


def _suggest_fix(name: str) -> str:
    if name.startswith("set_"):
        return "Hand over in __init__ what the callback needs."
    if "test" in name or "predict" in name:
        return "evaluate and predict ask no callback; the numbers of the validation rows are in the logs of on_epoch_end."
    if "batch" in name:
        return "An epoch runs compiled: write on_epoch_end, or look inside steps with fit(observe=True)."
    close = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.8)
    return (
        f"Did you mean {close[0]!r}?" if close else "Names that begin with on_ are kept for hooks."
    )


class LambdaCallback(Callback):
    """Functions as a callback.

    Args:
        on_epoch_end: called with (epoch, logs); may return a `Decision`.
        on_train_begin: called with the names that will be logged.
        on_train_end: called with the last logs.
        on_epoch_begin: called with (epoch, {"learning_rate": ...}); may return a `Decision`.

    Example:
        >>> shout = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_end: Callable[[int, Logs], Any] | None = None,
        on_train_begin: Callable[[tuple[str, ...]], Any] | None = None,
        on_train_end: Callable[[Logs], Any] | None = None,
        on_epoch_begin: Callable[[int, Logs], Any] | None = None,
    ):
        self._on_epoch_end, self._on_train_begin, self._on_train_end, self._on_epoch_begin = (
            on_epoch_end,
            on_train_begin,
            on_train_end,
            on_epoch_begin,
        )

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        if self._on_train_begin:
            self._on_train_begin(names)

    def on_epoch_begin(self, epoch: int, logs: Logs) -> Decision | None:
        answer = self._on_epoch_begin(epoch, logs) if self._on_epoch_begin else None
        return answer if isinstance(answer, Decision) else None

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision | None:
        answer = self._on_epoch_end(epoch, logs) if self._on_epoch_end else None
        return answer if isinstance(answer, Decision) else None

    def on_train_end(self, logs: Logs) -> None:
        if self._on_train_end:
            self._on_train_end(logs)
