"""Numbers in the fields of a program: one compiled program then serves several values of them.

Layers, losses, optimizers and metrics are frozen dataclasses, and a program is compiled for their
values. Here the numbers that differ between programs are replaced by traced arguments. A field is
a number if it is declared as a float. Integers, strings and booleans shape the program itself.

Parts of a user's own class keep their numbers, and so do the parts inside them. Python may compute
with these numbers in any way: `__post_init__` may derive other attributes from them, and a test
such as `isinstance(self.rate, float)` would have another result for a traced argument.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from typing import Any, TypeVar

from glassnet.layers import Composite, Layer
from glassnet.schedules import Schedule

PartT = TypeVar("PartT")

PACKAGE = "glassnet"
"""Package whose parts compute with their numbers in a way that works for traced arguments."""

ALMOST_ONE = 0.999
"""Numbers between this and 1 have programs of their own."""

FieldPath = tuple[str | int, ...]
"""Attributes and indices that lead to a field, such as ("links", 1, "rate")."""


def iter_numbers(part: Any, path: FieldPath = ()) -> Iterator[tuple[FieldPath, float]]:
    """Yield (path, value) of each number in the fields of a part, and in the parts that it holds.

    The numbers of a schedule are left out: schedules compute with them before they are compiled.

    Example:
        >>> from glassnet.layers import Dropout
        >>> list(iter_numbers(Dropout(0.5)))
        [(('rate',), 0.5)]
    """
    if isinstance(part, tuple):
        for i, entry in enumerate(part):
            yield from iter_numbers(entry, (*path, i))
    elif not _is_part(part):
        return
    elif isinstance(part, Composite):
        yield from iter_numbers(part.branch_links, (*path, "branch_links"))
    else:
        for field in _compared_fields(part):
            value = getattr(part, field.name)
            if _is_number(field, value):
                yield (*path, field.name), float(value)
            else:
                yield from iter_numbers(value, (*path, field.name))


def get_structure(part: Any) -> Any:
    """Return what two parts must share to be compiled as one program: all but their numbers."""
    if isinstance(part, tuple):
        return tuple(map(get_structure, part))
    if not _is_part(part):
        return type(part), part
    if isinstance(part, Composite):
        others = [
            (field.name, value)
            for field in _compared_fields(part)
            if not _holds_layers(value := getattr(part, field.name))
        ]
        return type(part), tuple(others), get_structure(part.branch_links)
    values = [(field, getattr(part, field.name)) for field in _compared_fields(part)]
    return type(part), tuple(
        (field.name, float if _is_number(field, value) else get_structure(value))
        for field, value in values
    )


def substitute(part: PartT, values: Mapping[FieldPath, Any]) -> PartT:
    """Return a copy of a part with other values, such as tracers, in some of its fields.

    The fields are not checked again: a tracer would fail the checks.

    Args:
        part: a program, or a part of one.
        values: new values by path: see `iter_numbers`.

    Example:
        >>> from glassnet.layers import Dropout
        >>> substitute(Dropout(0.5), {("rate",): 0.1}).rate
        0.1
    """
    if () in values:
        return values[()]  # type: ignore[no-any-return]
    if not values:
        return part
    inner: dict[str | int, dict[FieldPath, Any]] = {}
    for path, value in values.items():
        inner.setdefault(path[0], {})[path[1:]] = value
    if isinstance(part, tuple):
        entries = (substitute(entry, inner.get(i, {})) for i, entry in enumerate(part))
        return tuple(entries)  # type: ignore[return-value]
    twin = copy.copy(part)
    for name, below in inner.items():
        vars(twin)[str(name)] = substitute(getattr(part, str(name)), below)
    if isinstance(twin, Composite):
        vars(twin)["parts"] = sum(twin.branch_links, ())
    return twin


def find_differences(parts: Sequence[Any]) -> dict[FieldPath, tuple[float, ...]]:
    """Return the numbers that differ between parts of one structure, by path."""
    first, *others = [dict(iter_numbers(part)) for part in parts]
    columns = {path: (value, *(each[path] for each in others)) for path, value in first.items()}
    return {path: values for path, values in columns.items() if len(set(values)) > 1}


def _is_part(value: Any) -> bool:
    """Return whether a value is a part whose numbers can be replaced."""
    is_instance = is_dataclass(value) and not isinstance(value, type | Schedule)
    return is_instance and type(value).__module__.partition(".")[0] == PACKAGE


def _compared_fields(part: Any) -> list[Field[Any]]:
    return [field for field in fields(part) if field.compare]


def _is_number(field: Field[Any], value: Any) -> bool:
    """Return whether a field holds a number; `L2(0)` holds one, as the field is a float.

    A number close to 1 counts as no number: a program for several would round 1 - b to float32's
    steps near 1. For b = 0.99999 that is an error of 0.1 %.
    """
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and "float" in str(field.type) and not ALMOST_ONE < value < 1


def _holds_layers(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_holds_layers, value))
    return isinstance(value, Layer)
