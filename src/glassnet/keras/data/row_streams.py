"""Rows in the order of a dataset, read in blocks.

While a dataset only selects and orders rows, it is a stream of indices, and no row is read before
the rows of a batch are read together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.keras.data.elements import list_arrays, map_structure, unstack

Indices = Iterator[np.ndarray]
"""Blocks of indices, (n, columns)."""

INDICES_PER_BLOCK = 8192
"""Number of indices in a block."""

BYTES_PER_BLOCK = 2**20
"""Size of the rows that are read together if the dataset yields them one by one."""


@dataclass(frozen=True)
class RowStream:
    """Rows in an order.

    Args:
        start: returns the indices of a new pass.
        gather: returns the rows of indices (n, columns): a structure of arrays of n rows.
        columns: the number of columns of an index.
    """

    start: Callable[[], Indices]
    gather: Callable[[np.ndarray], Any]
    columns: int = 1

    def transform(self, function: Callable[[Indices], Indices]) -> RowStream:
        """Return the stream whose indices `function` selects or orders."""
        return replace(self, start=lambda: function(self.start()))

    def iter_batches(self, size: int) -> Iterator[Any]:
        """Yield the rows in batches; the last one may be smaller."""
        return map(self.gather, resize_blocks(self.start(), size))

    def iter_elements(self) -> Iterator[Any]:
        """Yield the rows one by one."""
        indices = self.start()
        for first in indices:  # once: the inner loop reads the rest
            row_bytes = sum(array.nbytes for array in list_arrays(self.gather(first[:1])))
            size = max(1, min(256, BYTES_PER_BLOCK // max(1, row_bytes)))
            for block in resize_blocks(itertools.chain([first], indices), size):
                yield from unstack(self.gather(block))


def rows_of(arrays: Any) -> RowStream:
    """Return the rows of a structure of arrays, in order."""
    n = len(list_arrays(arrays)[0])

    def gather(indices: np.ndarray) -> Any:
        rows = indices[:, 0]
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            return map_structure(lambda array: array[rows[0] : rows[-1] + 1].copy(), arrays)
        return map_structure(lambda array: array.take(rows, 0), arrays)

    return RowStream(lambda: count(n), gather)


def zip_streams(streams: list[RowStream]) -> RowStream:
    """Return the stream of tuples of rows; it ends with the shortest stream."""
    ends = np.cumsum([stream.columns for stream in streams])

    def start() -> Indices:
        blocks = [resize_blocks(stream.start(), INDICES_PER_BLOCK) for stream in streams]
        for parts in zip(*blocks, strict=False):
            n = min(map(len, parts))
            yield np.hstack([part[:n] for part in parts])

    def gather(indices: np.ndarray) -> Any:
        parts = np.split(indices, ends[:-1], axis=1)
        return tuple(stream.gather(part) for stream, part in zip(streams, parts, strict=True))

    return RowStream(start, gather, int(ends[-1]))


def count(n: int) -> Indices:
    """Yield the indices from 0 to n - 1."""
    for start in range(0, n, INDICES_PER_BLOCK):
        yield np.arange(start, min(start + INDICES_PER_BLOCK, n))[:, None]


def resize_blocks(indices: Indices, size: int) -> Indices:
    """Yield the same indices in blocks of `size`; the last one may be smaller."""
    pending: list[np.ndarray] = []
    n = 0
    for block in indices:
        pending.append(block)
        n += len(block)
        if n < size:
            continue
        joined = np.concatenate(pending) if len(pending) > 1 else block
        n_whole = n - n % size
        for start in range(0, n_whole, size):
            yield joined[start : start + size]
        pending, n = [joined[n_whole:]], n - n_whole
    if n:
        yield np.concatenate(pending)


def limit(indices: Indices, n: int) -> Indices:
    """Yield the first n indices."""
    if not n:
        return
    for block in indices:
        yield block[:n]
        n -= len(block)
        if n <= 0:
            return


def drop(indices: Indices, n: int) -> Indices:
    """Yield the indices after the first n."""
    for block in indices:
        if n < len(block):
            yield block[n:]
        n = max(0, n - len(block))


def select_every(indices: Indices, step: int, first: int) -> Indices:
    """Yield every `step`-th index from the index `first` on."""
    offset = first
    for block in indices:
        if offset < len(block):
            yield block[offset::step]
        offset = (offset - len(block)) % step if offset < len(block) else offset - len(block)


def shuffle(indices: Indices, buffer_size: int, rng: np.random.Generator) -> Indices:
    """Yield the indices in random order: each is drawn from a buffer that the next one refills.

    Args:
        indices: the indices in order.
        buffer_size: the number of indices to draw from.
        rng: the source of random numbers.
    """
    blocks = resize_blocks(indices, buffer_size)
    first = next(blocks, None)
    if first is None:
        return
    buffer = first.copy()
    for block in resize_blocks(blocks, INDICES_PER_BLOCK):
        yield _exchange(buffer, rng.integers(len(buffer), size=len(block)), block)
    yield rng.permutation(buffer)


def _exchange(buffer: np.ndarray, slots: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Return what is in the buffer's slots when each row of the block, one by one, replaces it."""
    order = np.argsort(slots, kind="stable")
    sorted_slots = slots[order]
    is_first = np.append(True, sorted_slots[1:] != sorted_slots[:-1])
    is_last = np.append(is_first[1:], True)
    result = np.empty_like(block)
    result[order[1:]] = block[order[:-1]]
    result[order[is_first]] = buffer[sorted_slots[is_first]]
    buffer[sorted_slots[is_last]] = block[order[is_last]]
    return result
