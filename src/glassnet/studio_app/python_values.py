"""Values as Python: numbers, texts, arrays, and parts of a network with their arguments."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np

MAX_NUMBERS = 400
"""Arrays of more numbers are written as text in base64."""

MAX_LINE = 88
"""Limit of the length of a line, if it can be divided."""

POSITIONAL = ("units", "rate")
"""Arguments that are written without their name: they come first."""

PACKAGES = ("initializers", "layers", "losses", "optimizers", "regularizers", "schedules")
"""Packages of `gn` whose classes a script may name."""


def write_value(value: Any) -> str:
    """Return a value as Python: a number, a text, or a part of a network with its arguments.

    Example:
        >>> from glassnet.layers import Dense
        >>> write_value(Dense(4, activation="tanh"))
        'gn.layers.Dense(4, activation="tanh")'
    """
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(write_value, value))}]"
    if isinstance(value, str):
        return quote(value)
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    names = [each.name for each in fields(value) if each.init and each.name != "name"]
    required = {
        each.name: getattr(value, each.name)
        for each in fields(value)
        if each.name in names and each.default is MISSING and each.default_factory is MISSING
    }
    standard = type(value)(**required)
    arguments = [
        write_value(current) if name in required or name in POSITIONAL else f"{name}={text}"
        for name in names
        if (current := getattr(value, name)) != getattr(standard, name)
        or name in (*required, *POSITIONAL)
        for text in [write_value(current)]
    ]
    return f"{_qualify(type(value))}({', '.join(arguments)})"


def quote(text: str) -> str:
    """Return a text as Python, between double quotes if that needs no escapes."""
    literal = repr(text)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in literal else literal


def write_call(function: str, arguments: Sequence[str]) -> list[str]:
    """Return the lines of a call: one, or one for each argument if it is too long."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= MAX_LINE:
        return [line]
    return [f"{function}(", *(f"    {argument}," for argument in arguments), ")"]


def write_array(array: np.ndarray) -> str:
    """Return an array of float32 as Python, exactly."""
    if array.size > MAX_NUMBERS:
        text = base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()
        return f'np.frombuffer(base64.b64decode("{text}"), "<f4").reshape({array.shape})'
    return f"np.array({_write_numbers(array)}, np.float32)"


def _write_numbers(array: np.ndarray) -> str:
    if array.ndim:
        return f"[{', '.join(_write_numbers(row) for row in array)}]"
    number = np.float32(array)
    return str(number) if np.isfinite(number) else f'float("{number}")'


def _qualify(kind: type) -> str:
    """Return a class as users write it: gn.layers.Dense."""
    package = next((each for each in PACKAGES if f".{each}." in f"{kind.__module__}."), "")
    return f"gn.{package}.{kind.__name__}"
