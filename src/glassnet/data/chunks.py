"""Batches that come one after another, packed into chunks of one shape: the next in a thread, while one trains."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import Any, Protocol

import jax
import numpy as np

from glassnet.course import SLICE_SECONDS
from glassnet.errors import DataError, GlassnetError, message
from glassnet.evaluation import pad
from glassnet.training import Chunk, Data, Plan

BATCHES = 64
"""How many batches a chunk holds, at most."""

BYTES = 32 * 2**20
"""How large a chunk is, at most, unless one batch is larger."""

FILL_SECONDS = 0.05
"""How long a chunk waits for more batches: a slow source sends what it has."""


@contextmanager
def named(where: str) -> Iterator[None]:
    """Put the place before the text of a `DataError`, and make one of whatever else a user's data raise."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except GlassnetError:
        raise
    except Exception as error:
        fix = "What gives the batches raised it, or gave what is none."
        raise DataError(message(where, "a batch", error=error, fix=fix)) from error


class Batches(Protocol):
    """Host batches of a known form, epoch by epoch."""

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None where that is not known."""

    @property
    def rows(self) -> int | None:
        """How many there are, or None where that is not known."""

    def draw(self, epoch: int) -> Iterator[Data]:
        """An epoch's batches, none of more rows than the chunks' batches have.

        Raises:
            DataError: there are too few, or one cannot be used.
        """

    def close(self) -> None:
        """No more batches are wanted."""


class Worker:
    """One daemon thread that does one task after another: what is opened in it is read and closed in it."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Callable[[], Any], Future] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True, name="glassnet-data")
        self._thread.start()

    def submit(self, task: Callable[[], Any]) -> Future:
        """What the task will return or raise, once those before it are done."""
        future: Future = Future()
        self._tasks.put((task, future))
        return future

    def close(self) -> None:
        """End after the tasks that were submitted. One that does not return within a second is left to end by itself."""
        self._tasks.put(None)
        self._thread.join(1.0)

    def _work(self) -> None:
        while entry := self._tasks.get():
            task, future = entry
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)
            del entry, task, future  # a chunk must not live on here while the next task is waited for


class Feed:
    """A `course.Source` of chunks, each of several batches.

    Args:
        batches: where they come from.
        example: one or more encoded rows, for the shapes and types of all.
        size: rows of a batch; shorter ones are padded with copies of their last row, which are masked.
        worker: the thread in which batches are drawn.
    """

    def __init__(self, batches: Batches, example: Data, size: int, worker: Worker):
        self.size = size
        self._batches, self._worker, self._example = batches, worker, example
        row = sum(a[:1].nbytes for a in example if a is not None)
        self._most = max(1, min(BATCHES, BYTES // (row * size)))
        self._order = jax.device_put(np.arange(self._most * size, dtype=np.int32).reshape(self._most, size))
        self._failure: Exception | None = None
        self._closed = False

    @property
    def steps(self) -> int | None:
        return self._batches.steps

    @property
    def rows(self) -> int | None:
        return self._batches.rows

    def chunks(self, epoch: int) -> Generator[Chunk | None]:
        batches = self._batches.draw(epoch)
        ahead = self._worker.submit(lambda: self._pack(batches))
        while True:
            while not wait([ahead], SLICE_SECONDS).done:
                yield None
            chunk = ahead.result()
            if chunk is None:
                return
            ahead = self._worker.submit(lambda: self._pack(batches))
            yield chunk
            del chunk

    def close(self) -> None:
        self._closed = True
        self._worker.submit(self._batches.close)
        self._worker.close()

    def _pack(self, batches: Iterator[Data]) -> Chunk | None:
        """The next chunk; None where there are no more batches. An error waits until the batches before it are trained on."""
        if self._failure:
            raise self._failure
        size, began, steps = self.size, time.perf_counter(), 0
        data = Data(*(None if a is None else np.empty((self._most * size, *a.shape[1:]), a.dtype) for a in self._example))
        real = np.zeros((self._most, size), np.float32)
        while steps < self._most and not self._closed and (not steps or time.perf_counter() - began < FILL_SECONDS):
            try:
                batch = next(batches, None)
            except Exception as error:
                self._failure = error
                break
            if batch is None:
                break
            for packed, rows in zip(data, batch, strict=True):
                if rows is not None:
                    packed[steps * size : (steps + 1) * size] = pad(rows, size)
            real[steps, : len(batch.x)] = 1
            steps += 1
        if steps:
            return Chunk(jax.device_put(data), Plan(self._order, jax.device_put(real)), steps)
        if self._failure:
            raise self._failure
        return None
