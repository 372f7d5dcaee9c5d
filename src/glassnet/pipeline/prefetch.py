"""Prefetching: a thread packs batches into chunks of one shape while the previous chunk trains."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import jax
import numpy as np

from glassnet.engine.inference import pad
from glassnet.engine.placement import ONE_DEVICE, Placement, empty_aligned
from glassnet.engine.step_padding import StepPadding
from glassnet.engine.train_step import BatchPlan, Chunk, Data
from glassnet.errors import DataError, GlassnetError, message, require
from glassnet.processes import exchange
from glassnet.types import Shape

MAX_BATCHES_PER_CHUNK = 64
"""Maximum number of batches in a chunk."""

MAX_CHUNK_BYTES = 32 * 2**20
"""Maximum size of a chunk, unless two batches are larger.

A chunk has at least two batches: XLA compiles a single one differently, and the last bits differ.
"""

FILL_SECONDS = 0.05
"""Time that training waits for a full chunk before it uses a partly filled one."""


@contextmanager
def error_location(location: str) -> Iterator[None]:
    """Prefix the message of a `DataError` with its location, and turn other errors into one."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{location}: {error}") from error
    except GlassnetError:
        raise
    except Exception as error:
        fix = "The source of the batches raised it, or returned something that is not a batch."
        raise DataError(message(location, "a batch", error=error, fix=fix)) from error


class BatchReader(Protocol):
    """Reads encoded host batches, epoch by epoch."""

    @property
    def steps(self) -> int | None:
        """Number of batches per epoch, or None if unknown."""

    @property
    def n_samples(self) -> int | None:
        """Number of rows, or None if unknown."""

    def iter_batches(self, epoch: int, start_step: int) -> Iterator[Data]:
        """Yield an epoch's batches after the first `start_step`, each of at most `batch_size` rows.

        Raises:
            DataError: there are too few, or one cannot be used.
        """

    def fingerprint(self) -> dict[str, Any]:
        """Return a fingerprint of the batches."""

    def close(self) -> None:
        """Release the source of the batches."""


_Task: TypeAlias = tuple[Callable[[], Any], "Future[Any]"]


class BackgroundThread:
    """A daemon thread that runs tasks in order, so that one thread opens and closes a source."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True, name="glassnet-data")
        self._thread.start()

    def submit(self, task: Callable[[], Any]) -> Future[Any]:
        """Queue a task and return the future of its result."""
        future: Future[Any] = Future()
        self._tasks.put((task, future))
        return future

    def close(self) -> None:
        """End the thread after the queued tasks, without waiting for more than a second."""
        self._tasks.put(None)
        self._thread.join(1.0)

    def _run(self) -> None:
        while entry := self._tasks.get():
            task, future = entry
            try:
                future.set_result(task())
            except BaseException as error:
                future.set_exception(error)
            del entry, task, future  # free the chunk before waiting for the next task


class _BatchShape(NamedTuple):
    """Shapes of one row of x, y and weights (None for no weights), and of the mask of its steps."""

    data: tuple[Shape | None, ...]
    mask: Shape


def _get_shape(batch: Data, step_mask: np.ndarray | None = None) -> _BatchShape:
    data = tuple(None if a is None else a.shape[1:] for a in batch)
    return _BatchShape(data, () if step_mask is None else step_mask.shape)


class _Packed(NamedTuple):
    """A chunk on the host: its rows, its mask, and the number of its batches."""

    data: Data
    mask: np.ndarray
    steps: int


@dataclass(frozen=True)
class OwnPart:
    """Reader of this process's part of each batch, of a reader that has whole batches.

    Args:
        reader: has the same batches in all processes.
        batch_size: rows per batch.
        placement: the devices of all processes.
    """

    reader: BatchReader
    batch_size: int
    placement: Placement

    @property
    def steps(self) -> int | None:
        return self.reader.steps

    @property
    def n_samples(self) -> int | None:
        return self.reader.n_samples

    def iter_batches(self, epoch: int, start_step: int) -> Iterator[Data]:
        own = self.placement.own_part(self.placement.round_up(self.batch_size))
        for batch in self.reader.iter_batches(epoch, start_step):
            yield batch.take(own)

    def fingerprint(self) -> dict[str, Any]:
        return self.reader.fingerprint()

    def close(self) -> None:
        self.reader.close()


def prefetch_whole_batches(
    reader: BatchReader, example: Data, batch_size: int, placement: Placement
) -> PrefetchSource:
    """Return the source of a reader that has the same whole batches in all processes."""
    if placement.n_processes > 1:
        reader = OwnPart(reader, batch_size, placement)
    return PrefetchSource(reader, example, batch_size, BackgroundThread(), placement=placement)


def _share_steps(steps: int | None, placement: Placement) -> int | None:
    """Return the largest number of batches that a process has; None if it is unknown."""
    if placement.n_processes == 1:
        return steps
    counts = exchange.all_gather(steps, "batches of an epoch")
    return None if None in counts else max(count for count in counts if count is not None)


def _require_one_shape(shares: Sequence[Mapping[str, Any]]) -> None:
    """Refuse parts of one batch with other shapes.

    Raises:
        DataError: naming the shapes.
    """
    shapes = {f"process_{i}": share["shape"] for i, share in enumerate(shares)}
    is_one = all(shape == shares[0]["shape"] for shape in shapes.values())
    expected = "the parts of a batch to have the same shape per row in all processes"
    fix = "Pad sequences to one length."
    require(is_one, "batches", expected, error=DataError, fix=fix, **shapes)


class PrefetchSource:
    """An `epoch_runner.BatchSource` whose next chunk is filled in a thread during training.

    All batches of a chunk have one shape. Sequences of another length than in the example begin a
    new chunk.

    Args:
        reader: source of the batches.
        example: one or more encoded rows, which give the shapes and dtypes.
        batch_size: rows per batch, of all processes. Shorter batches are padded with masked copies
            of their last row.
        thread: the thread that reads batches.
        padding: how sequences of another length than in the example are padded; None for no
            padding.
        placement: the devices. Several share the rows of each batch. If they belong to several
            processes, the reader has this process's part of each batch.
    """

    def __init__(
        self,
        reader: BatchReader,
        example: Data,
        batch_size: int,
        thread: BackgroundThread,
        padding: StepPadding | None = None,
        placement: Placement = ONE_DEVICE,
    ):
        self.batch_size = batch_size
        self._reader, self._thread, self._padding = reader, thread, padding
        self._placement = placement
        self._n_rows = placement.round_up(batch_size) // placement.n_processes
        self._example = example
        self._batch_shape = self._first_shape = _get_shape(example)
        self._dtypes = [None if a is None else a.dtype for a in example]
        batch_bytes = self._n_rows * sum(a[:1].nbytes for a in example if a is not None)
        self._max_batches = max(2, min(MAX_BATCHES_PER_CHUNK, MAX_CHUNK_BYTES // batch_bytes))
        shape = self._max_batches, self._n_rows
        order: np.ndarray = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
        if placement.n_devices > 1:
            order = np.arange(self._max_batches, dtype=np.int32)
        self._order = placement.put(order)
        self._condition = threading.Condition()
        self._failure: BaseException | None = None
        self._exhausted = self._closed = self._is_waiting = False
        self._all_steps = _share_steps(reader.steps, placement)

    @property
    def steps(self) -> int | None:
        return self._all_steps

    @property
    def n_samples(self) -> int | None:
        return self._reader.n_samples

    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        self._exhausted, self._failure = False, None
        self._start_chunk()
        self._thread.submit(lambda: self._fill(epoch, start_step))
        if self._placement.n_processes > 1:
            yield from self._iter_shared_chunks()
            return
        while True:
            exhausted, packed = self._take_chunk()
            if packed.steps:
                plan = BatchPlan(self._order, self._placement.put(packed.mask, copy=False))
                yield Chunk(self._place(packed.data), plan, packed.steps)
            elif not exhausted:
                yield None
            elif self._failure:
                raise self._failure
            else:
                return

    def _take_chunk(self, only_ready: bool = False) -> tuple[bool, _Packed]:
        """Wait for a chunk; return whether the epoch has no more batches, and what there is.

        Args:
            only_ready: whether to leave a chunk that may still be filled; it has no steps then.
        """
        with self._condition:
            is_ready = self._condition.wait_for(
                lambda: self._steps == self._max_batches or self._is_waiting or self._exhausted,
                FILL_SECONDS,
            )
            packed = _Packed(self._data, self._mask, self._steps)
            if only_ready and not is_ready:
                return False, packed._replace(steps=0)
            exhausted = self._exhausted
            if packed.steps:
                self._start_chunk()
                self._condition.notify()
        return exhausted, packed

    def _iter_shared_chunks(self) -> Generator[Chunk | None]:
        """Yield chunks of several processes, which have a part of each batch each.

        A chunk begins when all have filled theirs, or have no more batches. Who has fewer adds
        masked ones, so that all run the same steps.
        """
        while True:
            exhausted, packed = self._take_chunk(only_ready=True)
            while not (packed.steps or exhausted):
                yield from self._wait_together(False)
                exhausted, packed = self._take_chunk(only_ready=True)
            while not (yield from self._wait_together(True)):
                pass
            shares = exchange.all_gather(self._describe_share(packed), "a chunk of batches")
            steps = max(share["steps"] for share in shares)
            if not steps or any(share["failed"] and not share["steps"] for share in shares):
                exchange.raise_together(self._failure, "the end of an epoch")
                return
            _require_one_shape(shares)
            data = self._fill_with_copies(packed, steps)
            mask = np.concatenate([share["mask"] for share in shares], axis=1, dtype=np.float32)
            plan = BatchPlan(self._order, self._placement.put(mask, copy=False))
            yield Chunk(self._place(data), plan, steps)

    def _wait_together(self, is_ready: bool) -> Generator[None, None, bool]:
        """Return whether all processes are ready; yield None if one waits for its batches."""
        are_ready = all(exchange.all_gather(is_ready, "waiting for batches"))
        if not are_ready:
            yield None
        return are_ready

    def _describe_share(self, chunk: _Packed) -> dict[str, Any]:
        """Return what the other processes need to know about this one's part of a chunk."""
        shape = [None if a is None else list(a.shape[1:]) for a in chunk.data]
        mask, failed = chunk.mask.astype(np.uint8), self._failure is not None
        return {"steps": chunk.steps, "shape": shape, "mask": mask, "failed": failed}

    def _fill_with_copies(self, chunk: _Packed, steps: int) -> Data:
        """Return a chunk whose steps from `chunk.steps` on hold copies of an example."""
        part = slice(chunk.steps * self._n_rows, steps * self._n_rows)
        for packed, example in zip(chunk.data, self._example, strict=True):
            if packed is not None and example is not None:
                packed[part] = example[:1]
        return chunk.data

    def fingerprint(self) -> dict[str, Any]:
        return self._reader.fingerprint()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.submit(self._reader.close)
        self._thread.close()

    def _place(self, data: Data) -> Data:
        """Put the rows of a chunk on the devices: see `Chunk.data`."""
        if self._placement.n_devices > 1:
            n_batches, n_rows = self._max_batches, self._n_rows
            data = jax.tree.map(lambda a: a.reshape(n_batches, n_rows, *a.shape[1:]), data)
        return self._placement.join(data, axis=1)

    def _start_chunk(self) -> None:
        """Allocate a new chunk; training may still read the memory of the previous one."""
        n_rows, shape = self._max_batches * self._n_rows, self._batch_shape
        self._data = Data(
            *(
                None if sizes is None or dtype is None else empty_aligned((n_rows, *sizes), dtype)
                for sizes, dtype in zip(shape.data, self._dtypes, strict=True)
            )
        )
        mask_shape = self._max_batches, self._n_rows, *shape.mask
        self._mask, self._steps = np.zeros(mask_shape, np.float32), 0

    def _fill(self, epoch: int, start_step: int) -> None:
        """Fill one chunk after another; a full chunk waits until training takes it."""
        try:
            for batch in self._reader.iter_batches(epoch, start_step):
                batch, step_mask = self._pad_steps(batch)
                with self._condition:
                    self._wait_for_room(_get_shape(batch, step_mask))
                    if self._closed:
                        return
                    self._append(batch, step_mask)
                    self._condition.notify()
        except BaseException as error:
            self._failure = error
        finally:
            with self._condition:
                self._exhausted = True
                self._condition.notify()

    def _pad_steps(self, batch: Data) -> tuple[Data, np.ndarray | None]:
        """Return a batch with the mask of its steps, or None if it is not padded."""
        if self._padding is None or _get_shape(batch) == self._first_shape:
            return batch, None
        batch, step_mask = self._padding.pad(batch)
        return batch, step_mask[0]

    def _wait_for_room(self, shape: _BatchShape) -> None:
        """Wait until training has taken a chunk that is full, or has batches of another shape."""

        def has_room() -> bool:
            is_alike = not self._steps or shape == self._batch_shape
            return self._steps < self._max_batches and is_alike

        self._is_waiting = not has_room()
        self._condition.notify()
        self._condition.wait_for(lambda: has_room() or self._closed)
        self._is_waiting = False
        if shape != self._batch_shape and not self._closed:
            self._batch_shape = shape
            self._start_chunk()

    def _append(self, batch: Data, step_mask: np.ndarray | None) -> None:
        start = self._steps * self._n_rows
        filler = batch if len(batch.x) else self._example
        for packed, rows in zip(self._data, filler, strict=True):
            if packed is not None:
                packed[start : start + self._n_rows] = pad(rows[: self._n_rows], self._n_rows)
        self._mask[self._steps, : len(batch.x)] = 1 if step_mask is None else step_mask
        self._steps += 1
