"""References to custom classes and functions, pickled along with a model's file."""

from __future__ import annotations

import importlib
import inspect
import operator
from dataclasses import dataclass
from typing import Any

from glassnet.storage import json_codec, model_file


@dataclass(frozen=True)
class FunctionReference:
    """Decorated function that pickles by its module and name.

    Pickle alone would look up the undecorated function and fail.
    """

    function: Any

    def __reduce__(self) -> tuple[Any, ...]:
        return _import_attribute, (self.function.__module__, self.function.__qualname__)


def collect_custom_objects(spec: model_file.ModelSpec) -> dict[str, Any]:
    """Return a model's custom classes and functions by name, ready to be pickled."""
    return {
        name: to_reference(value)
        for name, value in json_codec.find_custom_objects(spec, model_file.all_tags()).items()
    }


def to_reference(value: Any) -> Any:
    """Wrap a decorated module-level function, such as `jax.numpy.tanh`, in a `FunctionReference`.

    Returns any other value unchanged.
    """
    if inspect.isfunction(value) or inspect.isclass(value):
        return value
    try:
        importable = (
            value.__module__ != "__main__"
            and _import_attribute(value.__module__, value.__qualname__) is value
        )
    except (AttributeError, ImportError):
        return value
    return FunctionReference(value) if importable else value


def _import_attribute(module: str, name: str) -> Any:
    return operator.attrgetter(name)(importlib.import_module(module))
