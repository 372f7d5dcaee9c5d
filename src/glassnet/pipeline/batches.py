"""What a user gives as batches, as passes over them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import is_int, require


def is_stream(x: Any, y: Any = None) -> bool:
    """Whether x gives batches one after another, rather than being rows or a table: an iterable, an
    iterator, a function.

    A list gives batches where it begins with a pair of arrays or a dict of arrays; else it is rows,
    as is all of a length beside y.
    """
    if y is not None and hasattr(x, "__len__"):
        return False
    if isinstance(x, list):
        first: Any = x[0] if x else None
        columns = list(first.values()) if isinstance(first, Mapping) else []
        return (is_batch(first) and len(first) in (2, 3)) or (
            bool(columns) and all(np.ndim(column) for column in columns)
        )
    if _is_columnar(x):
        return True
    if isinstance(x, str | bytes | tuple | range | Mapping) or any(
        hasattr(x, name) for name in ("__array__", "columns", "__fspath__")
    ):
        return False
    return (
        callable(x)
        or hasattr(x, "__iter__")
        or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))
    )


def _is_columnar(x: Any) -> bool:
    """Whether x is a Hugging Face data set."""
    return hasattr(x, "with_format") and hasattr(x, "iter")


def is_batch(x: Any) -> bool:
    """Whether x holds arrays that belong together, as a batch does; the first may be a list of
    texts.
    """
    if not isinstance(x, tuple | list) or not x:
        return False
    texts = (
        isinstance(x[0], list)
        and len(x) > 1
        and bool(x[0])
        and all(isinstance(text, str) for text in x[0])
    )
    return all(hasattr(part, "__array__") and np.ndim(part) for part in x[texts:])


@dataclass(frozen=True)
class EpochIterable:
    """What a user gave, as passes over batches.

    Attributes:
        start_epoch: begins the pass of a number: a function of `epoch` is told it.
        repeatable: whether it can be begun again.
        n_batches: batches of a pass, or None where that is not known.
        on_epoch_end: told that a pass has ended.
        takes_epoch: whether passes may differ by their number.
    """

    start_epoch: Callable[[int], Iterator[Any]]
    repeatable: bool
    n_batches: int | None = None
    on_epoch_end: Callable[[], Any] = lambda: None
    takes_epoch: bool = False


def as_epoch_iterable(batches: Any, batch_size: int | str = 32) -> EpochIterable:
    """A user's batches as passes.

    Args:
        batches: an iterable, an iterator, a function that gives either, an object with a length and
            items, a Hugging Face data set.
        batch_size: rows of a batch, for the last.
    """
    length = None
    if hasattr(batches, "__len__"):
        try:
            length = len(batches)
        except TypeError:  # a tf.data.Dataset without end, a DataLoader over an iterable
            length = None
    if _is_columnar(batches):
        require(
            is_int(batch_size, least=1),
            "fit",
            "batch_size to be an int >= 1 for a data set",
            batch_size=batch_size,
        )
        size = int(batch_size)
        columns = batches.with_format("numpy")
        return EpochIterable(
            lambda number: iter(columns.iter(batch_size=size)),
            True,
            None if length is None else -(-length // size),
        )
    if hasattr(batches, "__next__"):
        return EpochIterable(lambda number: batches, False)
    if hasattr(batches, "__iter__"):
        return EpochIterable(lambda number: iter(batches), True, length)
    if callable(batches):
        if "epoch" in _parameter_names(batches):
            return EpochIterable(lambda number: iter(batches(epoch=number)), True, takes_epoch=True)
        return EpochIterable(lambda number: iter(batches()), True)
    ended = getattr(batches, "on_epoch_end", lambda: None)
    return EpochIterable(
        lambda number: (batches[i] for i in range(len(batches))), True, length, ended
    )


def _parameter_names(function: Callable[..., Any]) -> Iterable[str]:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # it has no signature
        return ()
