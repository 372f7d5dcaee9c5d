"""Rows of a memory map, which stay on the disk until a batch of them is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.data import arrays
from glassnet.engine.train_step import Data, make_plan
from glassnet.layers.functional import Links
from glassnet.pipeline.prefetch import error_location
from glassnet.types import Shape


@dataclass(frozen=True, eq=False)
class MemmapRows:
    """Some rows of a memory map; `np.asarray` reads them, checked and cast as
    `arrays.check_features` does.

    Args:
        memmap: of the file, all of them.
        index: which of them these are, in their order.
        check: see `arrays.check_features`.
    """

    memmap: np.memmap
    index: np.ndarray
    check: Callable[[np.ndarray, str], None] | None = None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> Shape:
        """Of these rows, as a network takes them."""
        return len(self), *(self.memmap.shape[1:] or (1,))

    def __getitem__(self, index: Any) -> MemmapRows:
        return replace(self, index=self.index[index])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        rows = arrays.check_features(self.memmap[self.index], check=self.check)
        return rows if dtype is None else rows.astype(dtype)


def as_features(x: Any, shape: Shape | None = None, name: str = "x", links: Links = ()) -> Any:
    """Rows of features, see `arrays.check_features`; those of a memory map stay where they are, and
    one of them is looked at.

    Raises:
        DataError: see `arrays.check_features`.
    """
    if not isinstance(x, np.memmap) or x.ndim == 0 or not x.size:
        return arrays.check_features(x, shape, name, input_check(links))
    arrays.check_features(x[:1], shape, name, input_check(links))
    return MemmapRows(x, np.arange(len(x)), input_check(links))


def input_check(links: Links) -> Callable[[np.ndarray, str], None] | None:
    """Return the check of the first link, which may refuse rows, or None without links."""
    return links[0].check_input if links else None


def memmap_fingerprint(data: Data) -> dict[str, Any]:
    """Those of rows of a memory map: of which rows, the file's size and time of change, targets and
    weights; the rows are not read.
    """
    x: MemmapRows = data.x
    file = Path(str(x.memmap.filename)).stat()
    known = {
        "x": f"{x.memmap.dtype} {x.shape}",
        "bytes": file.st_size,
        "changed": file.st_mtime_ns,
        "rows": fingerprinting.array_fingerprint(x.index),
    }
    return known | fingerprinting.fingerprint_by_name({"y": data.y, "weight": data.weight})


@dataclass(frozen=True)
class MemmapBatches:
    """Batches gathered from a memory map in the order that the same rows in memory would be trained
    on.

    Args:
        data: encoded rows, x being `MemmapRows`.
        batch_size: rows of a batch.
        seed: of the order.
        shuffle: whether each epoch has an order of its own.
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
            len(self.data.x), self.batch_size, seed=self.seed, epoch=epoch, shuffle=self.shuffle
        )
        assert plan.indices is not None
        for number, (order, real) in enumerate(
            zip(plan.indices[start_step:], plan.mask[start_step:], strict=True), start_step + 1
        ):
            batch = self.data.take(order[real > 0])
            with error_location(f"batch {number} of epoch {epoch + 1}"):
                yield batch._replace(x=np.asarray(batch.x))

    def fingerprint(self) -> dict[str, Any]:
        return memmap_fingerprint(self.data)

    def close(self) -> None:
        pass
