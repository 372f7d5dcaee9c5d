"""Training sources and validation blocks, built from arrays, memory maps or streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.engine import inference
from glassnet.engine.epoch_runner import ArraySource, BatchSource
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import to_device
from glassnet.engine.train_step import Data, make_plan_fn
from glassnet.layers import TextVectorization
from glassnet.losses import Loss
from glassnet.pipeline import memmap
from glassnet.pipeline.batches import is_stream
from glassnet.pipeline.encoding import check_steps, encode_validation
from glassnet.pipeline.memmap import MemmapBatches, MemmapRows
from glassnet.pipeline.prefetch import BackgroundThread, PrefetchSource
from glassnet.pipeline.streams import make_stream_blocks


def make_source(
    data: Data,
    batch_size: int | str,
    steps: int | None,
    *,
    seed: int,
    shuffle: bool,
    copy: bool = True,
) -> BatchSource:
    """Return the training source of rows: arrays are on the device, memory maps come in chunks.

    Args:
        data: encoded rows.
        batch_size: rows per batch, or "full". A memory map is read into memory for "full".
        steps: batches of an epoch, or None for those that use each row once.
        seed: seed of the order.
        shuffle: whether each epoch has a new order.
        copy: see `placement.to_device`. False for rows from `placement.take_rows`.

    Raises:
        ConfigError: steps that do not use each row once.
    """
    n = len(data.x)
    check_steps("steps_per_epoch", steps, n, batch_size)
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
    """Return validation blocks that can be iterated repeatedly, or None without validation data.

    Args:
        validation_data: the user's rows (see `encoding.encode_validation`) or batches.
        steps: number of batches of each pass, or None for all.
        batch_size: rows per batch, for a Hugging Face dataset.
        target: name of the target column, if batches are dicts.
        repeatable: whether the batches must allow another pass.
        loss: the training loss.
        built: the network.
        vectorizer: encodes texts in batches. Rows are encoded already.

    Raises:
        DataError: rows that cannot be used.
        ConfigError: steps that do not use each row once.
    """
    if is_stream(validation_data):
        return make_stream_blocks(
            validation_data,
            steps,
            loss,
            built,
            location_format="validation batch {}",
            batch_size=batch_size,
            target=target,
            steps_argument="validation_steps",
            repeatable=repeatable,
            vectorizer=vectorizer,
        )
    data = encode_validation(validation_data, loss, built)
    if data is None:
        return None
    check_steps("validation_steps", steps, len(data.x), batch_size)
    return evaluation_blocks(data)
