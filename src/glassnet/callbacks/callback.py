"""Base class of callbacks, and a callback made from functions."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

from glassnet.engine.epoch_runner import Logs, StepHooks
from glassnet.engine.loop import Decision, Record
from glassnet.errors import ConfigError, message

HOOKS = ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")
"""Methods that `fit` calls, in this order."""


class _ModelPlaceholder:
    """Placeholder for Keras's `self.model` whose errors name the replacement."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        fix = (
            "Pass the model to your callback, Mine(model): predict, evaluate and get_weights use "
            "the weights of that epoch."
        )
        if name == "stop_training":
            fix = 'Write return Decision(stop="the reason").'
        elif name in ("optimizer", "learning_rate"):
            fix = (
                "Write return Decision(learning_rate=...). The current learning rate is "
                'logs["learning_rate"] in on_epoch_begin.'
            )
        expected = "a callback that returns a Decision and does not modify the model"
        raise ConfigError(message(f"self.model.{name}", expected, fix=fix))

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(self, name)


class Callback:
    """Base class of callbacks.

    Subclass it and override `on_epoch_end`, or `init` and `update` if the callback needs a memory.

    Raises:
        ConfigError: when a subclass is defined with a misspelled hook, or with one that Keras calls
            but Glassnet does not.
    """

    model: Any = _ModelPlaceholder()
    hooks: ClassVar[tuple[str, ...]] = HOOKS
    """The hooks that a subclass may define."""

    @property
    def non_number_effect(self) -> str | None:
        """What happens if the number called `monitor` is NaN or infinite; None says nothing."""
        return None

    @property
    def step_hooks(self) -> StepHooks | None:
        """Functions to call before and after every step; None runs many steps at once."""
        return None

    def __init_subclass__(cls) -> None:
        for name in dir(cls):
            if (name.startswith("on_") and name not in cls.hooks) or name in (
                "set_model",
                "set_params",
            ):
                hooks = "hooks that fit calls: " + ", ".join(cls.hooks)
                raise ConfigError(message(cls.__name__, hooks, name=name, fix=_suggest_fix(name)))

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        """Run before the first epoch; `names` are the keys of every epoch's logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> Decision | None:
        """Run before an epoch, with {"learning_rate": ...}; may return a new learning rate."""
        return None

    def on_epoch_end(self, epoch: int, logs: Logs) -> Decision | None:
        """Run after an epoch (counted from 0 over the model's lifetime), with its logs."""
        return None

    def on_train_end(self, logs: Logs) -> None:
        """Run after the last epoch, with its logs; not called if `fit` raises an error."""

    def init(self) -> Any:
        """Return the initial memory, which `update` receives and returns in every epoch."""
        return None

    def restore_memory(self, memory: Any) -> None:
        """Run instead of `init` if a run is resumed, with the memory after its last epoch."""

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """Return the new memory and the decision after an epoch."""
        return memory, self.on_epoch_end(record.epoch, dict(record.logs))


def _suggest_fix(name: str) -> str:
    if name.startswith("set_"):
        return "Pass what the callback needs to __init__."
    if "test" in name or "predict" in name:
        return (
            "evaluate and predict do not call callbacks. The validation results are in the logs of "
            "on_epoch_end."
        )
    if "batch" in name:
        return (
            "A whole epoch is one compiled program. Use on_epoch_end, or inspect single steps with "
            "fit(observe=True)."
        )
    close = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.8)
    if close:
        return f"Did you mean {close[0]!r}?"
    return "Names that start with on_ are reserved for hooks."


class LambdaCallback(Callback):
    """Callback made from functions.

    Args:
        on_epoch_end: called with (epoch, logs); may return a `Decision`.
        on_train_begin: called with the names of the logged numbers.
        on_train_end: called with the last logs.
        on_epoch_begin: called with (epoch, {"learning_rate": ...}); may return a `Decision`.

    Example:
        >>> show = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_end: Callable[[int, Logs], Any] | None = None,
        on_train_begin: Callable[[tuple[str, ...]], Any] | None = None,
        on_train_end: Callable[[Logs], Any] | None = None,
        on_epoch_begin: Callable[[int, Logs], Any] | None = None,
    ):
        self._on_epoch_end = on_epoch_end
        self._on_train_begin = on_train_begin
        self._on_train_end = on_train_end
        self._on_epoch_begin = on_epoch_begin

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
