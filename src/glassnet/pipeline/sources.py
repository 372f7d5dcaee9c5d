"""Rows and batches to what an epoch is made of, and to what is scored after each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.engine import inference
from glassnet.engine.epoch_runner import ArraySource, BatchSource
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.train_step import Data, make_plan_fn, to_device
from glassnet.layers import TextVectorization
from glassnet.losses import Loss
from glassnet.pipeline import memmap
from glassnet.pipeline.batches import is_stream
from glassnet.pipeline.encoding import check_steps, encode_validation
from glassnet.pipeline.memmap import MemmapBatches, MemmapRows
from glassnet.pipeline.prefetch import BackgroundThread, PrefetchSource
from glassnet.pipeline.streams import make_stream_blocks


def make_source(
    data: Data, batch_size: int | str, steps: int | None, *, seed: int, shuffle: bool
) -> BatchSource:
    """What epochs over rows are made of: rows in memory lie on the device as a whole, those of a
    memory map come in chunks.

    Args:
        data: encoded rows.
        batch_size: rows of a batch, or "full"; all rows at once are read.
        steps: of an epoch; None for those that all rows take.
        seed: of the order.
        shuffle: whether each epoch has an order of its own.

    Raises:
        ConfigError: steps that are not those of all rows.
    """
    n = len(data.x)
    check_steps("steps_per_epoch", steps, n, batch_size)
    size = n if batch_size == "full" else min(int(batch_size), n)
    if isinstance(data.x, MemmapRows) and size < n:
        first = Data(
            np.asarray(data.x[:1]), data.y[:1], None if data.weight is None else data.weight[:1]
        )
        return PrefetchSource(
            MemmapBatches(data, size, seed, shuffle), first, size, BackgroundThread()
        )
    return ArraySource(to_device(data), make_plan_fn(n, size, seed=seed, shuffle=shuffle), size)


@dataclass(frozen=True)
class MemmapBlocks:
    """Rows to score, of a memory map: read block by block in every iteration."""

    data: Data

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        return inference.iter_padded_blocks(self.data)

    def fingerprint(self) -> dict[str, Any]:
        """See `memmap.memmap_fingerprint`."""
        return memmap.memmap_fingerprint(self.data)


def evaluation_blocks(data: Data) -> Iterable[tuple[Data, np.ndarray]]:
    """Rows as blocks to score, again and again (`inference.iter_padded_blocks`): on the device, but
    for those of a memory map.
    """
    return (
        MemmapBlocks(data)
        if isinstance(data.x, MemmapRows)
        else list(inference.iter_padded_blocks(data))
    )


def blocks_fingerprint(blocks: Any) -> Any:
    """What tells blocks to validate on from others; None where there are none."""
    return (
        {"rows": fingerprinting.tree_fingerprint(blocks)}
        if isinstance(blocks, list)
        else blocks and blocks.fingerprint()
    )


def validation_blocks(
    validation_data: Any,
    steps: int | None,
    batch_size: int | str,
    target: str | None,
    repeatable: bool,
    loss: Loss,
    built: BuiltNetwork,
    vectorizer: TextVectorization | None = None,
) -> Any:
    """Blocks to validate on, again and again; None where nothing was given.

    Args:
        validation_data: the user's rows (see `encoding.encode_validation`) or batches.
        steps: how many batches of each pass; None for all.
        batch_size: rows of a batch, for what is cut into batches here.
        target: the column of targets, where batches are columns by name.
        repeatable: whether batches must be such as can be begun anew.
        loss: what the network is trained on.
        built: the network.
        vectorizer: what makes numbers of the batches' texts; those of rows are made.

    Raises:
        DataError: rows that cannot be used.
        ConfigError: steps that leave rows out.
    """
    if is_stream(validation_data):
        names = {"steps_argument": "validation_steps", "location_format": "validation batch {}"}
        return make_stream_blocks(
            validation_data,
            steps,
            loss,
            built,
            batch_size=batch_size,
            target=target,
            repeatable=repeatable,
            vectorizer=vectorizer,
            **names,
        )
    data = encode_validation(validation_data, loss, built)
    if data is None:
        return None
    check_steps("validation_steps", steps, len(data.x), batch_size)
    return evaluation_blocks(data)
