"""Rows and batches to what an epoch is made of, and to what is scored after each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.engine import inference
from glassnet.engine.epoch_runner import Rows, Source
from glassnet.engine.network import Built
from glassnet.engine.train_step import Data, planner, to_device
from glassnet.layers import TextVectorization
from glassnet.losses import Loss
from glassnet.pipeline import memmap
from glassnet.pipeline.batches import is_stream
from glassnet.pipeline.encoding import encode_validation, require_all
from glassnet.pipeline.memmap import Mapped, MappedBatches
from glassnet.pipeline.prefetch import Feed, Worker
from glassnet.pipeline.streams import scored


def source(data: Data, batch_size: int | str, steps: int | None, *, seed: int, shuffle: bool) -> Source:
    """What epochs over rows are made of: rows in memory lie on the device as a whole, those of a memory map come in chunks.

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
    require_all("steps_per_epoch", steps, n, batch_size)
    size = n if batch_size == "full" else min(int(batch_size), n)
    if isinstance(data.x, Mapped) and size < n:
        first = Data(np.asarray(data.x[:1]), data.y[:1], None if data.weight is None else data.weight[:1])
        return Feed(MappedBatches(data, size, seed, shuffle), first, size, Worker())
    return Rows(to_device(data), planner(n, size, seed=seed, shuffle=shuffle), size)


@dataclass(frozen=True)
class Blocks:
    """Rows to score, of a memory map: read block by block in every iteration."""

    data: Data

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        return inference.to_blocks(self.data)

    def marks(self) -> dict[str, Any]:
        """See `mapped.marks_of`."""
        return memmap.marks_of(self.data)


def blocks(data: Data) -> Iterable[tuple[Data, np.ndarray]]:
    """Rows as blocks to score, again and again (`evaluation.to_blocks`): on the device, but for those of a memory map."""
    return Blocks(data) if isinstance(data.x, Mapped) else list(inference.to_blocks(data))


def marks_of(held: Any) -> Any:
    """What tells blocks to validate on from others; None where there are none."""
    return {"rows": fingerprinting.of_tree(held)} if isinstance(held, list) else held and held.marks()


def held(
    given: Any,
    steps: int | None,
    batch_size: int | str,
    target: str | None,
    again: bool,
    loss: Loss,
    built: Built,
    text: TextVectorization | None = None,
) -> Any:
    """Blocks to validate on, again and again; None where nothing was given.

    Args:
        given: the user's rows (see `rows.encode_validation`) or batches.
        steps: how many batches of each pass; None for all.
        batch_size: rows of a batch, for what is cut into batches here.
        target: the column of targets, where batches are columns by name.
        again: whether batches must be such as can be begun anew.
        loss: what the network is trained on.
        built: the network.
        text: what makes numbers of the batches' texts; those of rows are made.

    Raises:
        DataError: rows that cannot be used.
        ConfigError: steps that leave rows out.
    """
    if is_stream(given):
        names = {"what": "validation_steps", "name": "validation batch {}"}
        return scored(given, steps, loss, built, batch_size=batch_size, target=target, again=again, text=text, **names)
    data = encode_validation(given, loss, built)
    if data is None:
        return None
    require_all("validation_steps", steps, len(data.x), batch_size)
    return blocks(data)
