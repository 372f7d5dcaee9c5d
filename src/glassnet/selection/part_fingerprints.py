"""Fingerprints of the parts of a program and of callbacks, the same in every process.

The `repr` of an object does not say all: that of a function has no code, and a field may be left
out. Here functions count by their code, and objects by their attributes.
"""

from __future__ import annotations

import functools
import hashlib
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import jax
import numpy as np

from glassnet.fingerprinting import array_fingerprint

ADDRESS = re.compile(r" at 0x[0-9a-f]+")

PACKAGES = "abc", "builtins", "glassnet", "jax", "jaxlib", "numpy", "optax", "types"
"""Packages whose classes count by their names."""

PLAIN = str, bytes, int, float, complex, bool, type(None), type(Ellipsis), np.generic


def fingerprint_parts(*parts: Any) -> str:
    """Return one fingerprint of any objects.

    The globals that a function uses do not count, nor what a class of a package does.

    Example:
        >>> def power(exponent):
        ...     return lambda x: x**exponent
        >>> fingerprint_parts(power(2)) == fingerprint_parts(power(2))
        True
        >>> fingerprint_parts(power(2)) == fingerprint_parts(power(3))
        False
    """
    return _Reader().read(parts)


class _Reader:
    """Computes the fingerprint of each object once; an object inside itself counts as a cycle."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}

    def read(self, value: Any) -> str:
        """Return the fingerprint of a value."""
        if isinstance(value, PLAIN):
            return _hash(type(value).__name__, repr(value))
        if id(value) not in self._known:
            self._known[id(value)] = value, "cycle"  # the value stays alive, and its id its own
            self._known[id(value)] = value, self._read(value)
        return self._known[id(value)][1]

    def _read(self, value: Any) -> str:
        kind = type(value)
        if isinstance(value, np.ndarray | jax.Array):
            array = np.asarray(value)
            return _hash(array_fingerprint(array) if array.dtype != object else repr(array))
        if isinstance(value, Mapping):
            return self._combine(kind, sorted(map(self.read, value.items())))
        if isinstance(value, set | frozenset):
            return self._combine(kind, sorted(map(self.read, value)))
        if isinstance(value, tuple | list):
            return self._combine(kind, map(self.read, value))
        if isinstance(value, type):
            return _hash(value.__module__, value.__qualname__, *self._read_methods(value))
        if isinstance(value, types.CodeType):
            return self._combine(kind, map(self.read, (value.co_code, value.co_consts)), value)
        return self._read_object(value)

    def _read_object(self, value: Any) -> str:
        """Return the fingerprint of a function or an object."""
        if isinstance(value, types.FunctionType):
            cells = tuple(_read_cell(cell) for cell in value.__closure__ or ())
            defaults = value.__defaults__, value.__kwdefaults__
            return self.read((value.__code__, *defaults, cells))
        if isinstance(value, types.MethodType):
            return self.read((value.__func__, value.__self__))
        if isinstance(value, functools.partial):
            return self.read((value.func, value.args, value.keywords))
        if is_dataclass(value):
            own = {field.name: getattr(value, field.name, None) for field in fields(value)}
            return _hash(self.read(type(value)), self.read(own))
        if isinstance(value, types.ModuleType) or not hasattr(value, "__dict__"):
            return _hash(self.read(type(value)), ADDRESS.sub("", repr(value)))
        wrapped = getattr(value, "__wrapped__", None)  # of a function compiled by JAX
        if callable(wrapped):
            return self.read(wrapped)
        return _hash(self.read(type(value)), self.read(vars(value)))

    def _read_methods(self, cls: type) -> list[str]:
        """Return the fingerprints of what a user's class defines."""
        if cls.__module__.partition(".")[0] in PACKAGES:
            return []
        own = {
            name: getattr(each, "__func__", getattr(each, "fget", each))
            for name, each in vars(cls).items()
        }
        kinds = types.FunctionType, *PLAIN
        texts = "__module__", "__doc__", "__firstlineno__"
        written = {k: v for k, v in own.items() if isinstance(v, kinds) and k not in texts}
        return [self.read(written), *map(self.read, cls.__bases__)]

    def _combine(self, kind: type, parts: Iterable[str], code: types.CodeType | None = None) -> str:
        names = () if code is None else (*code.co_names, *code.co_varnames, *code.co_freevars)
        return _hash(kind.__name__, *parts, *names)


def _read_cell(cell: types.CellType) -> Any:
    """Return the content of a cell of a closure; None for an empty one."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _hash(*texts: str) -> str:
    data = "\0".join(texts).encode(errors="replace")
    return hashlib.sha256(data).hexdigest()
