"""Batches that come one after another, packed into chunks of one shape: the next in a thread, while one trains."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol

import jax
import numpy as np

from glassnet.engine.inference import pad
from glassnet.engine.train_step import Chunk, Data, Plan
from glassnet.errors import DataError, GlassnetError, message
from glassnet.types import Shape

BATCHES = 64
"""How many batches a chunk holds, at most."""

BYTES = 32 * 2**20
"""How large a chunk is, at most, unless two batches are larger: for one alone XLA compiles another program, of other last bits."""

FILL_SECONDS = 0.05
"""How long training waits for a full chunk before it takes what there is: a slow source holds nothing back."""


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
        fix = "What gives the batches raised it, or gave what cannot be read as one."
        raise DataError(message(where, "a batch", error=error, fix=fix)) from error


class Batches(Protocol):
    """Host batches of a known form, epoch by epoch."""

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None where that is not known."""

    @property
    def rows(self) -> int | None:
        """How many there are, or None where that is not known."""

    def draw(self, epoch: int, done: int) -> Iterator[Data]:
        """An epoch's batches but the first `done`, none of more rows than the chunks' batches have.

        Raises:
            DataError: there are too few, or one cannot be used.
        """

    def marks(self) -> dict[str, Any]:
        """What tells these batches from others."""

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
    """A `course.Source` of chunks, each of several batches: one fills in the worker's thread while those before it train.

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
        self._most = max(2, min(BATCHES, BYTES // (row * size)))
        self._order = jax.device_put(np.arange(self._most * size, dtype=np.int32).reshape(self._most, size))
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._over = self._closed = False

    @property
    def steps(self) -> int | None:
        return self._batches.steps

    @property
    def rows(self) -> int | None:
        return self._batches.rows

    def chunks(self, epoch: int, done: int) -> Generator[Chunk | None]:
        self._over, self._failure = False, None
        self._empty()
        self._worker.submit(lambda: self._draw(epoch, done))
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._steps == self._most or self._over, FILL_SECONDS)
                over, data, real, steps = self._over, self._data, self._real, self._steps
                if steps:
                    self._empty()
                    self._changed.notify()
            if steps:
                yield Chunk(jax.device_put(data), Plan(self._order, jax.device_put(real)), steps)
            elif not over:
                yield None
            elif self._failure:
                raise self._failure
            else:
                return

    def marks(self) -> dict[str, Any]:
        return self._batches.marks()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._worker.submit(self._batches.close)
        self._worker.close()

    def _empty(self) -> None:
        """A chunk to be filled: nothing is ever written into one that was taken."""
        self._data = Data(*(None if a is None else aligned((self._most * self.size, *a.shape[1:]), a.dtype) for a in self._example))
        self._real, self._steps = np.zeros((self._most, self.size), np.float32), 0

    def _draw(self, epoch: int, done: int) -> None:
        """Fill chunk after chunk; one that is full waits until it is taken."""
        try:
            for batch in self._batches.draw(epoch, done):
                with self._changed:
                    self._changed.wait_for(lambda: self._steps < self._most or self._closed)
                    if self._closed:
                        return
                    self._add(batch)
                    self._changed.notify()
        except BaseException as error:
            self._failure = error
        finally:
            with self._changed:
                self._over = True
                self._changed.notify()

    def _add(self, batch: Data) -> None:
        start = self._steps * self.size
        for packed, rows in zip(self._data, batch, strict=True):
            if packed is not None:
                packed[start : start + self.size] = pad(rows, self.size)
        self._real[self._steps, : len(batch.x)] = 1
        self._steps += 1


def aligned(shape: Shape, dtype: np.dtype) -> np.ndarray:
    """An array with nothing in it yet, where JAX on a CPU takes it without a copy: at a multiple of 64 bytes."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)
