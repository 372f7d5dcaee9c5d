"""Rows that stay on the host, or on disk as a memory map, until a batch of them is read."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from glassnet import fingerprinting
from glassnet.data import arrays
from glassnet.engine.inference import iter_padded_blocks
from glassnet.engine.placement import ONE_DEVICE, Placement
from glassnet.engine.train_step import Data, make_plan
from glassnet.errors import DataError, require
from glassnet.pipeline.prefetch import error_location
from glassnet.types import PartialShape, Shape

InputCheck: TypeAlias = Callable[[np.ndarray, str], None]
"""A function of rows and their name in error messages that may refuse them."""


@dataclass(frozen=True, eq=False)
class MemmapRows:
    """Some rows of a memory map; `np.asarray` reads, checks and casts them.

    Args:
        memmap: all rows of the file.
        index: the selected rows, in order.
        check: see `arrays.check_features`.
    """

    memmap: np.memmap
    index: np.ndarray
    check: InputCheck | None = None

    @classmethod
    def open(
        cls, memmap: np.memmap, shape: PartialShape | None, name: str, check: InputCheck | None
    ) -> MemmapRows:
        """Return all rows of a memory map. Only the first one is checked here.

        Raises:
            DataError: see `arrays.check_features`.
        """
        _require_whole_file(memmap)
        arrays.check_features(memmap[:1], shape, name, check)
        return cls(memmap, np.arange(len(memmap)), check)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> Shape:
        """Shape of the selected rows, with the batch axis."""
        return len(self), *(self.memmap.shape[1:] or (1,))

    def __getitem__(self, index: Any) -> MemmapRows:
        return replace(self, index=self.index[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        _require_whole_file(self.memmap)
        rows = arrays.check_features(self.memmap[self.index], check=self.check)
        return rows if dtype is None else rows.astype(dtype)


def _require_whole_file(memmap: np.memmap) -> None:
    """Refuse a memory map whose file was cut: the system would end the process at the first gap.

    Raises:
        DataError: the file is shorter than the map.
    """
    mapped = getattr(memmap, "_mmap", None)
    if not isinstance(mapped, mmap.mmap) or mapped.closed:
        return
    start = memmap.offset - memmap.offset % mmap.ALLOCATIONGRANULARITY
    size, needed = mapped.size(), start + len(mapped)
    expected, fix = "a memory map whose file is complete", "Write the file again, and open it anew."
    require(
        size >= needed,
        "x",
        expected,
        error=DataError,
        file=str(memmap.filename),
        bytes=size,
        needed=needed,
        fix=fix,
    )


def fingerprint_rows(data: Data) -> dict[str, Any]:
    """Return the fingerprint of rows. Only the first row of a memory map is read.

    It includes the file's size and time of change, the selected rows, targets and weights. The
    first row tells parts of one file apart.

    Raises:
        DataError: the file has no name, or was removed.
    """
    if not isinstance(data.x, MemmapRows):
        return fingerprinting.fingerprint_by_name(data._asdict())
    x = data.x
    path = Path(str(x.memmap.filename))
    expected, fix = "a memory map of a file that exists", "Or read it into memory: np.array(x)."
    require(path.is_file(), "resume", expected, error=DataError, file=str(path), fix=fix)
    file = path.stat()
    source = {
        "x": f"{x.memmap.dtype} {x.shape}",
        "bytes": file.st_size,
        "changed": file.st_mtime_ns,
        "rows": fingerprinting.array_fingerprint(x.index),
        "first row": fingerprinting.array_fingerprint(np.asarray(x[:1])),
    }
    return source | fingerprinting.fingerprint_by_name({"y": data.y, "weight": data.weight})


@dataclass(frozen=True)
class HostBlocks:
    """Evaluation blocks of rows on the host, read again in every iteration."""

    data: Data
    placement: Placement = ONE_DEVICE

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        return iter_padded_blocks(self.data, placement=self.placement)

    def part_of(self, placement: Placement) -> Iterator[tuple[Data, np.ndarray]]:
        """Return the blocks of this process's part of the rows."""
        own = self.data.take(placement.own_part(len(self.data.x)))
        return iter_padded_blocks(own, placement=self.placement)

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the rows: see `fingerprint_rows`."""
        return fingerprint_rows(self.data)

    def sample(self, n: int) -> Data:
        """Return at most n rows, evenly spaced, on the host."""
        n_rows = len(self.data.x)
        rows = self.data.take(np.arange(0, n_rows, max(1, -(-n_rows // n))))
        return rows._replace(x=np.asarray(rows.x))

    def read_targets(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the targets of all rows and their weights."""
        return self.data.y, self.data.weight


@dataclass(frozen=True)
class HostBatches:
    """Batches of rows on the host, in the same order as on the device.

    Args:
        data: encoded rows; x may be `MemmapRows`.
        batch_size: rows per batch.
        seed: seed of the order.
        shuffle: whether each epoch has a new order.
    """

    data: Data
    batch_size: int
    seed: int
    shuffle: bool

    @property
    def n_samples(self) -> int:
        return len(self.data.x)

    @property
    def steps(self) -> int:
        return -(-self.n_samples // self.batch_size)

    def iter_batches(self, epoch: int, start_step: int) -> Iterator[Data]:
        plan = make_plan(
            self.n_samples, self.batch_size, seed=self.seed, epoch=epoch, shuffle=self.shuffle
        )
        assert plan.indices is not None
        for step in range(start_step, len(plan.indices)):
            batch = self.data.take(plan.indices[step][plan.mask[step] > 0])
            with error_location(f"batch {step + 1} of epoch {epoch + 1}"):
                yield batch._replace(x=np.asarray(batch.x))

    def fingerprint(self) -> dict[str, Any]:
        return fingerprint_rows(self.data)

    def close(self) -> None:
        pass
