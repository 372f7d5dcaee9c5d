"""Errors about misspelt arguments and attributes that name the nearest ones.

Python's own messages for classes, functions and modules of a package do not name them before
Python 3.13, and in notebooks they never do for attributes.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Sequence
from types import ModuleType
from typing import Any, TypeVar

from glassnet.errors import ArgumentError, find_nearest, missing_attribute, missing_name

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
ClassT = TypeVar("ClassT", bound=type[Any])


def suggest_arguments(function: FunctionT) -> FunctionT:
    """Function decorator: let errors about an unknown keyword argument name the nearest.

    Example:
        >>> @suggest_arguments
        ... def scale(x, factor=2):
        ...     return factor * x
        >>> scale(1, facter=3)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        glassnet.errors.ArgumentError: scale() got an unexpected keyword ... mean 'factor'?
    """

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError:
            parameters = inspect.signature(function).parameters
            unknown = [name for name in kwargs if name not in parameters]
            if not unknown or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                raise
            who = type(args[0]).__name__ if function.__name__ == "__init__" else function.__name__
        names = [name for name in parameters if name != "self"]
        raise ArgumentError(describe_argument(who, unknown[0], names))

    return checked  # type: ignore[return-value]


def describe_argument(who: str, name: str, names: Sequence[str]) -> str:
    """Return the message about an unknown keyword argument, with the nearest of all names."""
    nearest = find_nearest(name, names)
    has = f"It has: {', '.join(names)}." if names else "It has no arguments."
    fix = f"Did you mean {nearest!r}?" if nearest else has
    return f"{who}() got an unexpected keyword argument {name!r}. {fix}"


def suggest_names(cls: ClassT) -> ClassT:
    """Class decorator: let errors about unknown attributes and arguments name the nearest.

    The arguments are those of the constructor and of the public methods that the class defines.
    """
    for name, method in list(vars(cls).items()):
        if inspect.isfunction(method) and (name == "__init__" or not name.startswith("_")):
            setattr(cls, name, suggest_arguments(method))
    if not hasattr(cls, "__getattr__"):
        cls.__getattr__ = _refuse_attribute
    return cls


def _refuse_attribute(instance: Any, name: str) -> Any:
    """Raise the error about an attribute that an instance does not have."""
    if hasattr(type(instance), name):
        return object.__getattribute__(instance, name)  # a property: raise its own error
    raise missing_attribute(instance, name)


def publish(module_name: str, names: Collection[str]) -> None:
    """Let a package show its public names alone, and name the nearest of them in errors.

    `dir` lists the names. A file of the package that is called as one of them except for upper and
    lower case, such as `optimizers/adam.py`, is no attribute; it can still be imported. Errors
    about arguments of the constructors and about attributes of the instances name the nearest.

    Args:
        module_name: `__name__` of the package, at the end of its file.
        names: the public names.
    """
    module = sys.modules[module_name]
    similar = {name.lower() for name in names} - set(names)
    for name, value in list(vars(module).items()):
        if isinstance(value, ModuleType) and name in similar:
            delattr(module, name)
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) and f"{value.__module__}.".startswith(f"{module_name}."):
            _suggest_fields(value)
    hooks: dict[str, Callable[..., Any]] = {"__dir__": lambda: sorted(names)}
    if not hasattr(module, "__getattr__"):
        hooks["__getattr__"] = functools.partial(_refuse_name, module_name, names)
    vars(module).update(hooks)


def _suggest_fields(cls: type[Any]) -> None:
    """Let errors about arguments of the constructor and about attributes name the nearest."""
    if "__init__" in vars(cls):
        cls.__init__ = suggest_arguments(cls.__init__)
    if not hasattr(cls, "__getattr__"):
        cls.__getattr__ = _refuse_attribute


def _refuse_name(module_name: str, names: Collection[str], name: str) -> Any:
    raise missing_name(module_name, name, names)
