"""What pickle carries beside a model's file: classes and functions of the user's own, by
reference.
"""

from __future__ import annotations

import importlib
import inspect
import operator
from dataclasses import dataclass
from typing import Any

from glassnet.storage import json_codec, model_file


@dataclass(frozen=True)
class FunctionReference:
    """A decorated function that a pickle holds by its name: pickle by itself looks for the bare one
    inside, and finds it nowhere.
    """

    function: Any

    def __reduce__(self) -> tuple[Any, ...]:
        return _import_attribute, (self.function.__module__, self.function.__qualname__)


def collect_custom_objects(spec: model_file.ModelSpec) -> dict[str, Any]:
    """The user's own classes and functions that a model is made of, by name, for pickle."""
    return {
        name: to_reference(value)
        for name, value in json_codec.find_custom_objects(spec, model_file.all_tags()).items()
    }


def to_reference(value: Any) -> Any:
    """A `FunctionReference` in place of a decorated function of a module, such as `jax.numpy.tanh`;
    all else as it is, pickle knows what to do.
    """
    if inspect.isfunction(value) or inspect.isclass(value):
        return value
    try:
        here = (
            value.__module__ != "__main__"
            and _import_attribute(value.__module__, value.__qualname__) is value
        )
    except (AttributeError, ImportError):
        return value
    return FunctionReference(value) if here else value


def _import_attribute(module: str, name: str) -> Any:
    return operator.attrgetter(name)(importlib.import_module(module))
