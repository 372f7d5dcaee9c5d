"""Keras's functions that write and read models; a registered class is found by its import path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.keras.compat import export_aliases
from glassnet.keras.models import load_model, save_model


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Return a decorator that changes nothing.

    A model file names your classes and functions by their module; those of a notebook are passed
    to `load_model` as `custom_objects`.

    Args:
        package: ignored.
        name: ignored.

    Example:
        >>> @register_keras_serializable()
        ... def double(x):
        ...     return 2 * x
        >>> double(3)
        6
    """
    return lambda part: part


__all__, __getattr__ = export_aliases(
    __name__,
    {
        "load_model": load_model,
        "register_keras_serializable": register_keras_serializable,
        "save_model": save_model,
    },
)
