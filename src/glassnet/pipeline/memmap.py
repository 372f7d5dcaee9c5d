"""Rows of a memory map, which stay on the disk until a batch of them is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.data import arrays
from glassnet.engine.train_step import Data, make_plan
from glassnet.layers.functional import Links
from glassnet.pipeline.prefetch import named
from glassnet.types import Shape


@dataclass(frozen=True, eq=False)
class Mapped:
    """Some rows of a memory map; `np.asarray` reads them, checked and cast as `arrays.features` does.

    Args:
        rows: of the file, all of them.
        index: which of them these are, in their order.
        links: of the network that they are for.
    """

    rows: np.memmap
    index: np.ndarray
    links: Links = ()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> Shape:
        """Of these rows, as a network takes them."""
        return len(self), *(self.rows.shape[1:] or (1,))

    def __getitem__(self, which: Any) -> Mapped:
        return replace(self, index=self.index[which])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        rows = arrays.features(self.rows[self.index], links=self.links)
        return rows if dtype is None else rows.astype(dtype)


def features(x: Any, shape: Shape | None = None, what: str = "x", links: Links = ()) -> Any:
    """Rows of features, see `arrays.features`; those of a memory map stay where they are, and one of them is looked at.

    Raises:
        DataError: see `arrays.features`.
    """
    if not isinstance(x, np.memmap) or x.ndim == 0 or not x.size:
        return arrays.features(x, shape, what, links)
    arrays.features(x[:1], shape, what, links)
    return Mapped(x, np.arange(len(x)), links)


def marks_of(data: Data) -> dict[str, Any]:
    """Those of rows of a memory map: of which rows, the file's size and time of change, targets and weights; the rows are not read."""
    x: Mapped = data.x
    file = Path(str(x.rows.filename)).stat()
    known = {"x": f"{x.rows.dtype} {x.shape}", "bytes": file.st_size, "changed": file.st_mtime_ns, "rows": fingerprinting.of(x.index)}
    return known | fingerprinting.of_each({"y": data.y, "weight": data.weight})


@dataclass(frozen=True)
class MappedBatches:
    """Batches gathered from a memory map in the order that the same rows in memory would be trained on.

    Args:
        data: encoded rows, x being `Mapped`.
        size: rows of a batch.
        seed: of the order.
        shuffle: whether each epoch has an order of its own.
    """

    data: Data
    size: int
    seed: int
    shuffle: bool

    @property
    def rows(self) -> int:
        return len(self.data.x)

    @property
    def steps(self) -> int:
        return -(-self.rows // self.size)

    def draw(self, epoch: int, done: int) -> Iterator[Data]:
        plan = make_plan(len(self.data.x), self.size, seed=self.seed, epoch=epoch, shuffle=self.shuffle)
        assert plan.order is not None
        for number, (order, real) in enumerate(zip(plan.order[done:], plan.real[done:], strict=True), done + 1):
            batch = self.data.rows(order[real > 0])
            with named(f"batch {number} of epoch {epoch + 1}"):
                yield batch._replace(x=np.asarray(batch.x))

    def marks(self) -> dict[str, Any]:
        return marks_of(self.data)

    def close(self) -> None:
        pass
