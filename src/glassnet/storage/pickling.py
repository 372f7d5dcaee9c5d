"""What pickle carries beside a model's file: classes and functions of the user's own, by reference."""

from __future__ import annotations

import importlib
import inspect
import operator
from dataclasses import dataclass
from typing import Any

from glassnet.storage import json_codec, model_file


@dataclass(frozen=True)
class Reference:
    """A decorated function that a pickle holds by its name: pickle by itself looks for the bare one inside, and finds it nowhere."""

    function: Any

    def __reduce__(self) -> tuple[Any, ...]:
        return _found, (self.function.__module__, self.function.__qualname__)


def custom_objects(saved: model_file.Saved) -> dict[str, Any]:
    """The user's own classes and functions that a model is made of, by name, for pickle."""
    return {name: referred(value) for name, value in json_codec.own(saved, model_file.tags()).items()}


def referred(value: Any) -> Any:
    """A `Reference` in place of a decorated function of a module, such as `jax.numpy.tanh`; all else as it is, pickle knows what to do."""
    if inspect.isfunction(value) or inspect.isclass(value):
        return value
    try:
        here = value.__module__ != "__main__" and _found(value.__module__, value.__qualname__) is value
    except (AttributeError, ImportError):
        return value
    return Reference(value) if here else value


def _found(module: str, name: str) -> Any:
    return operator.attrgetter(name)(importlib.import_module(module))
