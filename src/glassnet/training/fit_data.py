"""The options of one `fit`, and its data before and after they are bound to the network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.engine.epoch_runner import BatchSource
from glassnet.engine.train_step import Data
from glassnet.errors import is_int, require
from glassnet.pipeline.streams import StreamReader
from glassnet.preprocessing.base import SplitOptions, TableRequest


@dataclass(frozen=True)
class FitOptions:
    """The arguments of `Sequential.fit` that concern data and order, checked once.

    Attributes:
        request: the target and the options of a table.
        repeatable: whether the run can be resumed, so that batches must be repeatable.

    Raises:
        ConfigError: an argument out of range.
    """

    epochs: int
    batch_size: int | str
    validation_split: float
    validation_from: str
    validation_data: Any
    validation_steps: int | None
    steps_per_epoch: int | None
    shuffle: bool
    class_weight: dict[int, float] | str | None
    request: TableRequest
    seed: int | None
    observe: bool | None
    repeatable: bool

    def __post_init__(self) -> None:
        require(is_int(self.epochs, least=0), "fit", "epochs to be an int >= 0", epochs=self.epochs)
        size, seed = self.batch_size, self.seed
        expected = 'batch_size to be an int >= 1 or "full"'
        require(size == "full" or is_int(size, least=1), "fit", expected, batch_size=size)
        is_seed = seed is None or is_int(seed, least=0)
        require(is_seed, "fit", "seed to be an int >= 0 or None", seed=seed)
        shuffle, observe = self.shuffle, self.observe
        are_flags = isinstance(shuffle, bool) and observe in (None, True, False)
        require(are_flags, "fit", "True or False", shuffle=shuffle, observe=observe)

    def split(self, seed: int) -> SplitOptions:
        """Return how rows are held out for validation."""
        fraction = 0.0 if self.validation_data is not None else self.validation_split
        return fraction, self.validation_from, seed

    def params(self, source: BatchSource) -> dict[str, Any]:
        """Return what a history records about the run."""
        counts = {"steps": source.steps, "rows": source.n_samples}
        return {"epochs": self.epochs, "batch_size": source.batch_size} | counts


class FitData(NamedTuple):
    """Rows and targets as `fit` received them, or the first batch of a stream.

    Attributes:
        x: rows as numbers.
        y: targets.
        sample_weight: a weight per row, or None.
        indices: indices of the training and the validation rows, if a preprocessor has split them.
        reader: reader of the following batches, if x is a stream.
        messages: what was decided about the data, for the user.
    """

    x: Any
    y: Any
    sample_weight: Any = None
    indices: tuple[np.ndarray, np.ndarray | None] | None = None
    reader: StreamReader | None = None
    messages: str = ""


class BoundData(NamedTuple):
    """Data encoded for one network and objective.

    Attributes:
        source: the training batches.
        blocks: validation rows, or None.
        train_x: training rows that layers may adapt to, or None for a stream.
    """

    source: BatchSource
    blocks: Iterable[tuple[Data, np.ndarray]] | None
    train_x: Any
