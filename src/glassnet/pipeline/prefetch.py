"""Batches that come one after another, packed into chunks of one shape: the next in a thread, while
one trains.
"""

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
from glassnet.engine.train_step import BatchPlan, Chunk, Data
from glassnet.errors import DataError, GlassnetError, message
from glassnet.types import Shape

MAX_BATCHES_PER_CHUNK = 64
"""How many batches a chunk holds, at most."""

MAX_CHUNK_BYTES = 32 * 2**20
"""How large a chunk is, at most, unless two batches are larger: for one alone XLA compiles another
program, of other last bits.
"""

FILL_SECONDS = 0.05
"""How long training waits for a full chunk before it takes what there is: a slow source holds
nothing back.
"""


@contextmanager
def error_location(location: str) -> Iterator[None]:
    """Put the place before the text of a `DataError`, and make one of whatever else a user's data
    raise.
    """
    try:
        yield
    except DataError as error:
        raise DataError(f"{location}: {error}") from error
    except GlassnetError:
        raise
    except Exception as error:
        fix = "What gives the batches raised it, or gave what cannot be read as one."
        raise DataError(message(location, "a batch", error=error, fix=fix)) from error


class BatchReader(Protocol):
    """Host batches of a known form, epoch by epoch."""

    @property
    def steps(self) -> int | None:
        """Batches of an epoch, or None where that is not known."""

    @property
    def n_samples(self) -> int | None:
        """How many there are, or None where that is not known."""

    def iter_batches(self, epoch: int, start_step: int) -> Iterator[Data]:
        """An epoch's batches but the first `start_step`, none of more rows than the chunks' batches
        have.

        Raises:
            DataError: there are too few, or one cannot be used.
        """

    def fingerprint(self) -> dict[str, Any]:
        """What tells these batches from others."""

    def close(self) -> None:
        """No more batches are wanted."""


class BackgroundThread:
    """One daemon thread that does one task after another: what is opened in it is read and closed
    in it.
    """

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Callable[[], Any], Future] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, daemon=True, name="glassnet-data")
        self._thread.start()

    def submit(self, task: Callable[[], Any]) -> Future:
        """What the task will return or raise, once those before it are done."""
        future: Future = Future()
        self._tasks.put((task, future))
        return future

    def close(self) -> None:
        """End after the tasks that were submitted. One that does not return within a second is left
        to end by itself.
        """
        self._tasks.put(None)
        self._thread.join(1.0)

    def _run(self) -> None:
        while entry := self._tasks.get():
            task, future = entry
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)
            del (
                entry,
                task,
                future,
            )  # a chunk must not live on here while the next task is waited for


class PrefetchSource:
    """A `epoch_runner.BatchSource` of chunks, each of several batches: one fills in the worker's
    thread while those before it train.

    Args:
        reader: where they come from.
        example: one or more encoded rows, for the shapes and types of all.
        batch_size: rows of a batch; shorter ones are padded with copies of their last row, which
            are masked.
        thread: the thread in which batches are drawn.
    """

    def __init__(
        self, reader: BatchReader, example: Data, batch_size: int, thread: BackgroundThread
    ):
        self.batch_size = batch_size
        self._reader, self._thread, self._example = reader, thread, example
        row = sum(a[:1].nbytes for a in example if a is not None)
        self._max_batches = max(
            2, min(MAX_BATCHES_PER_CHUNK, MAX_CHUNK_BYTES // (row * batch_size))
        )
        self._order = jax.device_put(
            np.arange(self._max_batches * batch_size, dtype=np.int32).reshape(
                self._max_batches, batch_size
            )
        )
        self._condition = threading.Condition()
        self._failure: BaseException | None = None
        self._exhausted = self._closed = False

    @property
    def steps(self) -> int | None:
        return self._reader.steps

    @property
    def n_samples(self) -> int | None:
        return self._reader.n_samples

    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        self._exhausted, self._failure = False, None
        self._start_chunk()
        self._thread.submit(lambda: self._fill(epoch, start_step))
        while True:
            with self._condition:
                self._condition.wait_for(
                    lambda: self._steps == self._max_batches or self._exhausted, FILL_SECONDS
                )
                over, data, real, steps = self._exhausted, self._data, self._mask, self._steps
                if steps:
                    self._start_chunk()
                    self._condition.notify()
            if steps:
                yield Chunk(
                    jax.device_put(data), BatchPlan(self._order, jax.device_put(real)), steps
                )
            elif not over:
                yield None
            elif self._failure:
                raise self._failure
            else:
                return

    def fingerprint(self) -> dict[str, Any]:
        return self._reader.fingerprint()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.submit(self._reader.close)
        self._thread.close()

    def _start_chunk(self) -> None:
        """A chunk to be filled: nothing is ever written into one that was taken."""
        self._data = Data(
            *(
                None
                if a is None
                else empty_aligned((self._max_batches * self.batch_size, *a.shape[1:]), a.dtype)
                for a in self._example
            )
        )
        self._mask, self._steps = np.zeros((self._max_batches, self.batch_size), np.float32), 0

    def _fill(self, epoch: int, start_step: int) -> None:
        """Fill chunk after chunk; one that is full waits until it is taken."""
        try:
            for batch in self._reader.iter_batches(epoch, start_step):
                with self._condition:
                    self._condition.wait_for(
                        lambda: self._steps < self._max_batches or self._closed
                    )
                    if self._closed:
                        return
                    self._append(batch)
                    self._condition.notify()
        except BaseException as error:
            self._failure = error
        finally:
            with self._condition:
                self._exhausted = True
                self._condition.notify()

    def _append(self, batch: Data) -> None:
        start = self._steps * self.batch_size
        for packed, rows in zip(self._data, batch, strict=True):
            if packed is not None:
                packed[start : start + self.batch_size] = pad(rows, self.batch_size)
        self._mask[self._steps, : len(batch.x)] = 1
        self._steps += 1


def empty_aligned(shape: Shape, dtype: np.dtype) -> np.ndarray:
    """An array with nothing in it yet, where JAX on a CPU takes it without a copy: at a multiple of
    64 bytes.
    """
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)
