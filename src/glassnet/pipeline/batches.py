"""Any iterable of batches as one iterator per epoch."""

from __future__ import annotations

import inspect
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.conversions import suggest_conversion
from glassnet.data.frames import is_frame
from glassnet.errors import is_int, require


def is_stream(x: Any, y: Any = None) -> bool:
    """Return whether x yields batches one after another: an iterable, an iterator or a function.

    A list is a stream if its first item is a pair of arrays, a dict of arrays or a frame; else it
    is rows. Anything with a length is rows if there is a y.
    """
    if (y is not None and hasattr(x, "__len__")) or suggest_conversion(x):
        return False
    if isinstance(x, list):
        first: Any = x[0] if x else None
        columns = list(first.values()) if isinstance(first, Mapping) else []
        is_pair = is_batch(first) and len(first) in (2, 3)
        are_arrays = (isinstance(column, list | tuple) or np.ndim(column) for column in columns)
        return is_pair or is_frame(first) or (bool(columns) and all(are_arrays))
    if _is_hugging_face(x):
        return True
    if isinstance(x, str | bytes | tuple | range | Mapping | memoryview | array) or any(
        hasattr(x, name) for name in ("__array__", "columns", "__fspath__")
    ):
        return False
    is_sequence = hasattr(x, "__getitem__") and hasattr(x, "__len__")
    return callable(x) or hasattr(x, "__iter__") or is_sequence


def _is_hugging_face(x: Any) -> bool:
    """Return whether x is a Hugging Face dataset."""
    return hasattr(x, "with_format") and hasattr(x, "iter")


def is_batch(x: Any) -> bool:
    """Return whether x is a tuple or list of arrays or frames; the first may be a list of texts."""
    if not isinstance(x, tuple | list) or not x:
        return False
    first_is_texts = (
        isinstance(x[0], list)
        and len(x) > 1
        and bool(x[0])
        and all(isinstance(text, str) for text in x[0])
    )
    return all(
        is_frame(part) or (hasattr(part, "__array__") and np.ndim(part))
        for part in x[first_is_texts:]
    )


@dataclass(frozen=True)
class EpochIterable:
    """Batches that can be iterated epoch by epoch.

    Attributes:
        start_epoch: returns the iterator of an epoch, given its number.
        repeatable: whether an epoch can be started again.
        n_batches: number of batches per epoch, or None if unknown.
        on_epoch_end: called at the end of an epoch.
        takes_epoch: whether the batches may depend on the number of the epoch.
        max_rows: the largest number of rows of a batch, or None if unknown.
        is_endless: whether an epoch has no end.
    """

    start_epoch: Callable[[int], Iterator[Any]]
    repeatable: bool
    n_batches: int | None = None
    on_epoch_end: Callable[[], Any] = lambda: None
    takes_epoch: bool = False
    max_rows: int | None = None
    is_endless: bool = False


def as_epoch_iterable(batches: Any, batch_size: int | str = 32) -> EpochIterable:
    """Return a user's batches as an `EpochIterable`.

    Args:
        batches: an iterable, an iterator, a function that returns either, an object with `__len__`
            and `__getitem__`, or a Hugging Face dataset.
        batch_size: rows per batch, for a Hugging Face dataset.
    """
    length = _length(batches)
    if _is_hugging_face(batches):
        return _from_hugging_face(batches, batch_size, length)
    is_sequence = hasattr(batches, "__getitem__") and hasattr(batches, "on_epoch_end")
    if is_sequence and length is not None:  # Keras's generators are endless iterators as well
        return _from_sequence(batches, length)
    if hasattr(batches, "__next__"):
        return EpochIterable(lambda epoch: batches, False)
    if hasattr(batches, "__iter__"):
        return EpochIterable(
            lambda epoch: iter(batches),
            True,
            length,
            max_rows=getattr(batches, "max_batch_size", None),
            is_endless=_is_endless(batches),
        )
    if callable(batches):
        if "epoch" in _parameter_names(batches):
            return EpochIterable(lambda epoch: iter(batches(epoch=epoch)), True, takes_epoch=True)
        return EpochIterable(lambda epoch: iter(batches()), True)
    return _from_sequence(batches, length)


def _from_sequence(batches: Any, length: int | None) -> EpochIterable:
    """Read batches by their number; `on_epoch_end` is called if there is one."""
    on_epoch_end = getattr(batches, "on_epoch_end", lambda: None)
    return EpochIterable(
        lambda epoch: (batches[i] for i in range(len(batches))), True, length, on_epoch_end
    )


def _from_hugging_face(dataset: Any, batch_size: int | str, length: int | None) -> EpochIterable:
    fits = is_int(batch_size, least=1)
    expected = "batch_size to be an int >= 1 for a dataset"
    require(fits, "fit", expected, batch_size=batch_size)
    size, columns = int(batch_size), dataset.with_format("numpy")
    n_batches = None if length is None else -(-length // size)
    return EpochIterable(lambda epoch: iter(columns.iter(batch_size=size)), True, n_batches)


def _length(batches: Any) -> int | None:
    try:
        return len(batches) if hasattr(batches, "__len__") else None
    except Exception:  # an endless tf.data.Dataset, a DataLoader over an iterable, any class
        return None


def _is_endless(batches: Any) -> bool:
    """Return whether a `tf.data.Dataset`, or a dataset with its methods, has no end."""
    if not (hasattr(batches, "cardinality") and hasattr(batches, "unbatch")):
        return False
    return int(batches.cardinality()) == -1


def _parameter_names(function: Callable[..., Any]) -> Iterable[str]:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # it has no signature
        return ()
