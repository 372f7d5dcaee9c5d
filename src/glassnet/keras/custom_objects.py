"""Your own classes and functions, which `load_model` finds by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from glassnet.errors import require

_custom_objects: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """Return the dict of registered classes and functions, by name; it can be changed.

    Example:
        >>> def double(x):
        ...     return 2 * x
        >>> get_custom_objects()["double"] = double
        >>> "double" in get_custom_objects()
        True
        >>> get_custom_objects().clear()
    """
    return _custom_objects


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Return a decorator: `load_model` finds the class or function without `custom_objects`.

    Args:
        package: ignored: files name only the class.
        name: another name of it, for files that have that name.

    Example:
        >>> @register_keras_serializable()
        ... def double(x):
        ...     return 2 * x
        >>> get_custom_objects()["double"] is double
        True
        >>> get_custom_objects().clear()
    """

    def register(part: Any) -> Any:
        _custom_objects[part.__name__] = part
        if name is not None:
            _custom_objects[name] = part
        return part

    return register


class CustomObjectScope:
    """Context in which `load_model` finds classes and functions.

    Args:
        custom_objects: the classes and functions, by name.

    Raises:
        ConfigError: if it is not a dict.

    Example:
        >>> with CustomObjectScope({"double": lambda x: 2 * x}):
        ...     print(list(get_custom_objects()))
        ['double']
        >>> get_custom_objects()
        {}
    """

    def __init__(self, custom_objects: Mapping[str, Any]):
        is_dict = isinstance(custom_objects, Mapping)
        expected = "a dict of classes and functions by name"
        received = type(custom_objects).__name__
        require(is_dict, "custom_object_scope", expected, custom_objects=received)
        self.custom_objects = dict(custom_objects)
        self._before: dict[str, Any] = {}

    def __enter__(self) -> CustomObjectScope:
        self._before = dict(_custom_objects)
        _custom_objects.update(self.custom_objects)
        return self

    def __exit__(self, *error: object) -> None:
        _custom_objects.clear()
        _custom_objects.update(self._before)


def add_registered(custom_objects: Any) -> Any:
    """Return the custom objects of a call, and the registered ones."""
    if custom_objects is None:
        return dict(_custom_objects)
    return _custom_objects | custom_objects if isinstance(custom_objects, dict) else custom_objects


EXPORTS = {
    "CustomObjectScope": CustomObjectScope,
    "custom_object_scope": CustomObjectScope,
    "get_custom_objects": get_custom_objects,
    "register_keras_serializable": register_keras_serializable,
}
"""Names that `keras.utils` and `keras.saving` both have."""
