"""Passes over the elements of a dataset that are not read as rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from glassnet.keras.random_seed import draw_seed

T = TypeVar("T")


def rng_per_pass(seed: int | None, differs: bool) -> Callable[[], np.random.Generator]:
    """Return a function that makes the random generator of the next pass."""
    first, passes = abs(draw_seed() if seed is None else int(seed)), itertools.count()
    return lambda: np.random.default_rng((first, next(passes) if differs else 0))


def shuffle_elements(
    elements: Iterator[Any], buffer_size: int, rng: np.random.Generator
) -> Iterator[Any]:
    """Yield the elements in random order: see `row_streams.shuffle`."""
    buffer = list(itertools.islice(elements, buffer_size))
    for element in elements:
        slot = int(rng.integers(len(buffer)))
        yield buffer[slot]
        buffer[slot] = element
    rng.shuffle(buffer)
    yield from buffer


def repeat_passes(start: Callable[[], Iterator[T]], n: int) -> Callable[[], Iterator[T]]:
    """Return the start of `n` passes one after another; of passes without end if n is negative."""

    def start_all() -> Iterator[T]:
        for _ in itertools.count() if n < 0 else range(n):
            is_empty = True
            for element in start():
                is_empty = False
                yield element
            if is_empty:
                return

    return start_all


def remember(start: Callable[[], Iterator[T]], copy: Callable[[T], T]) -> Callable[[], Iterator[T]]:
    """Return `start`, whose first complete pass is stored and then repeated."""
    memory: list[list[T]] = []

    def replay() -> Iterator[T]:
        if memory:
            yield from map(copy, memory[0])
            return
        elements = []
        for element in start():
            elements.append(element)
            yield copy(element)
        memory[:] = [elements]

    return replay


def split_into_chunks(elements: Iterator[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` elements; the last one may be shorter."""
    while chunk := list(itertools.islice(elements, size)):
        yield chunk


def iter_windows(
    elements: Iterator[T], span: int, step: int, drop_remainder: bool
) -> Iterator[list[T]]:
    """Yield lists of `span` elements that start `step` elements apart."""
    buffer: list[T] = []
    while True:
        buffer += itertools.islice(elements, span - len(buffer))
        if not buffer or (drop_remainder and len(buffer) < span):
            return
        yield buffer
        n_skipped = step - len(buffer)
        buffer = buffer[step:]
        for _ in itertools.islice(elements, max(0, n_skipped)):
            pass


def sample_elements(
    iterators: list[Iterator[Any]],
    shares: np.ndarray,
    rng: np.random.Generator,
    stop_on_empty: bool,
) -> Iterator[Any]:
    """Yield the next element of an iterator that is chosen with the probabilities `shares`."""
    end, remaining = object(), shares.copy()
    while remaining.sum() > 0:
        for i in rng.choice(len(iterators), 1024, p=remaining / remaining.sum()):
            element = next(iterators[i], end)
            if element is not end:
                yield element
            elif stop_on_empty:
                return
            else:
                remaining[i] = 0
                break
