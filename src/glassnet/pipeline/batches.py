"""What a user gives as batches, as passes over them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import is_int, require


def is_stream(x: Any, y: Any = None) -> bool:
    """Whether x gives batches one after another, rather than being rows or a table: an iterable, an iterator, a function.

    A list gives batches where it begins with a pair of arrays or a dict of arrays; else it is rows, as is all of a length beside y.
    """
    if y is not None and hasattr(x, "__len__"):
        return False
    if isinstance(x, list):
        first: Any = x[0] if x else None
        columns = list(first.values()) if isinstance(first, Mapping) else []
        return (is_parts(first) and len(first) in (2, 3)) or (bool(columns) and all(np.ndim(column) for column in columns))
    if _is_columnar(x):
        return True
    if isinstance(x, str | bytes | tuple | range | Mapping) or any(hasattr(x, name) for name in ("__array__", "columns", "__fspath__")):
        return False
    return callable(x) or hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def _is_columnar(x: Any) -> bool:
    """Whether x is a Hugging Face data set."""
    return hasattr(x, "with_format") and hasattr(x, "iter")


def is_parts(x: Any) -> bool:
    """Whether x holds arrays that belong together, as a batch does; the first may be a list of texts."""
    if not isinstance(x, tuple | list) or not x:
        return False
    texts = isinstance(x[0], list) and len(x) > 1 and bool(x[0]) and all(isinstance(text, str) for text in x[0])
    return all(hasattr(part, "__array__") and np.ndim(part) for part in x[texts:])


@dataclass(frozen=True)
class Passes:
    """What a user gave, as passes over batches.

    Attributes:
        begin: begins the pass of a number: a function of `epoch` is told it.
        again: whether it can be begun again.
        length: batches of a pass, or None where that is not known.
        ended: told that a pass has ended.
        numbered: whether passes may differ by their number.
    """

    begin: Callable[[int], Iterator[Any]]
    again: bool
    length: int | None = None
    ended: Callable[[], Any] = lambda: None
    numbered: bool = False


def passes(given: Any, batch_size: int | str = 32) -> Passes:
    """A user's batches as passes.

    Args:
        given: an iterable, an iterator, a function that gives either, an object with a length and items, a Hugging Face data set.
        batch_size: rows of a batch, for the last.
    """
    length = None
    if hasattr(given, "__len__"):
        try:
            length = len(given)
        except TypeError:  # a tf.data.Dataset without end, a DataLoader over an iterable
            length = None
    if _is_columnar(given):
        require(is_int(batch_size, least=1), "fit", "batch_size to be an int >= 1 for a data set", batch_size=batch_size)
        size = int(batch_size)
        columns = given.with_format("numpy")
        return Passes(lambda number: iter(columns.iter(batch_size=size)), True, None if length is None else -(-length // size))
    if hasattr(given, "__next__"):
        return Passes(lambda number: given, False)
    if hasattr(given, "__iter__"):
        return Passes(lambda number: iter(given), True, length)
    if callable(given):
        if "epoch" in _arguments(given):
            return Passes(lambda number: iter(given(epoch=number)), True, numbered=True)
        return Passes(lambda number: iter(given()), True)
    ended = getattr(given, "on_epoch_end", lambda: None)
    return Passes(lambda number: (given[i] for i in range(len(given))), True, length, ended)


def _arguments(function: Callable[..., Any]) -> Iterable[str]:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # it has no signature
        return ()
