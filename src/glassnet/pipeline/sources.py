"""Training sources and validation blocks, built from arrays, memory maps or streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.engine import inference
from glassnet.engine.epoch_runner import ArraySource, BatchSource
from glassnet.engine.placement import to_device
from glassnet.engine.train_step import Data, make_plan_fn
from glassnet.pipeline import memmap
from glassnet.pipeline.memmap import MemmapBatches, MemmapRows
from glassnet.pipeline.options import FitOptions, check_steps
from glassnet.pipeline.prefetch import BackgroundThread, PrefetchSource


def make_source(data: Data, options: FitOptions, *, copy: bool) -> BatchSource:
    """Return the training source of rows: arrays are on the device, memory maps come in chunks.

    Args:
        data: encoded rows. A memory map is read into memory if the batch is "full".
        options: batch size, number of steps, and order.
        copy: see `placement.to_device`. False for rows from `placement.take_rows`.

    Raises:
        ConfigError: steps that do not use each row once.
    """
    n, batch_size = len(data.x), options.batch_size
    seed, shuffle = options.order_seed, options.shuffle
    check_steps("steps_per_epoch", options.steps_per_epoch, n, batch_size)
    size = n if batch_size == "full" else min(int(batch_size), n)
    if isinstance(data.x, MemmapRows) and size < n:
        weight = None if data.weight is None else data.weight[:1]
        example = Data(np.asarray(data.x[:1]), data.y[:1], weight)
        reader = MemmapBatches(data, size, seed, shuffle)
        return PrefetchSource(reader, example, size, BackgroundThread())
    plan_fn = make_plan_fn(n, size, seed=seed, shuffle=shuffle)
    return ArraySource(to_device(data, copy=copy), plan_fn, size)


@dataclass(frozen=True)
class MemmapBlocks:
    """Evaluation blocks of a memory map, read again in every iteration."""

    data: Data

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        return inference.iter_padded_blocks(self.data)

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the rows: see `memmap.memmap_fingerprint`."""
        return memmap.memmap_fingerprint(self.data)


def evaluation_blocks(data: Data) -> Iterable[tuple[Data, np.ndarray]]:
    """Return rows as blocks that can be iterated repeatedly; arrays are on the device."""
    if isinstance(data.x, MemmapRows):
        return MemmapBlocks(data)
    return list(inference.iter_padded_blocks(data))


def blocks_fingerprint(blocks: Any) -> Any:
    """Return the fingerprint of validation blocks, or None without any."""
    if isinstance(blocks, list):
        return {"rows": fingerprinting.tree_fingerprint(blocks)}
    return blocks and blocks.fingerprint()
