"""Checked options of `fit` and `evaluate` that concern data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.split import RowSplit
from glassnet.engine.epoch_runner import BatchSource
from glassnet.engine.placement import ONE_DEVICE, Placement
from glassnet.errors import MAX_SEED, is_int, require
from glassnet.preprocessing.base import TableRequest


@dataclass(frozen=True)
class FitOptions:
    """The arguments of `Sequential.fit` that concern data and order, checked once.

    Attributes:
        request: the target and the options of a table.
        repeatable: whether the run can be resumed, so that batches must be repeatable.
        split_seed: seed of the split into training and validation rows.
        order_seed: seed of the order of rows.
        first_epoch: index of the first epoch, counted over the model's life.
        rows: the rows that the fit uses; None for all.
        placement: the devices.

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
    split_seed: int = 0
    order_seed: int = 0
    first_epoch: int = 0
    rows: np.ndarray | None = None
    placement: Placement = ONE_DEVICE

    def __post_init__(self) -> None:
        require(is_int(self.epochs, least=0), "fit", "epochs to be an int >= 0", epochs=self.epochs)
        size, seed = self.batch_size, self.seed
        expected = 'batch_size to be an int >= 1 or "full"'
        require(size == "full" or is_int(size, least=1), "fit", expected, batch_size=size)
        is_seed = seed is None or is_int(seed, least=0, most=MAX_SEED)
        require(is_seed, "fit", "seed to be an int >= 0 or None", seed=seed)
        shuffle, observe = self.shuffle, self.observe
        are_flags = isinstance(shuffle, bool) and observe in (None, True, False)
        require(are_flags, "fit", "True or False", shuffle=shuffle, observe=observe)

    @property
    def end_epoch(self) -> int:
        """One past the index of the last epoch."""
        return self.first_epoch + self.epochs

    @property
    def split(self) -> RowSplit:
        """How rows are held out for validation."""
        fraction = 0.0 if self.validation_data is not None else self.validation_split
        return RowSplit(fraction, self.validation_from, self.split_seed, self.rows)

    def params(self, source: BatchSource) -> dict[str, Any]:
        """Return what a history records about the run."""
        counts = {"steps": source.steps, "rows": source.n_samples}
        return {"epochs": self.epochs, "batch_size": source.batch_size} | counts

    @property
    def validation(self) -> EvaluationOptions:
        """How `validation_data` is used."""
        return EvaluationOptions(
            self.validation_steps,
            "validation_steps",
            self.batch_size,
            self.request.target,
            self.repeatable,
            placement=self.placement,
        )


@dataclass(frozen=True)
class EvaluationOptions:
    """How data are scored.

    Attributes:
        steps: number of batches, or None for all.
        steps_argument: the argument that sets `steps`, for error messages.
        batch_size: rows per batch, by which `steps` of rows are counted. None for one pass over
            all rows, in which `steps` is not allowed.
        target: name of the target column, if batches are dicts.
        repeatable: whether batches must allow another pass.
        block_rows: maximum number of rows that are computed at once; None for no limit of its own.
            Batches have their own number of rows.
        placement: the devices.

    Raises:
        ConfigError: `block_rows` is not an int >= 1.
    """

    steps: int | None = None
    steps_argument: str = "steps"
    batch_size: int | str | None = None
    target: str | None = None
    repeatable: bool = False
    block_rows: int | None = None
    placement: Placement = ONE_DEVICE

    def __post_init__(self) -> None:
        rows = self.block_rows
        if rows is not None:
            require(is_int(rows, least=1), "batch_size", "an int >= 1, or None", batch_size=rows)


def check_steps(argument: str, steps: Any, n: int, batch_size: Any) -> None:
    """Refuse a number of batches that does not use each of n rows exactly once.

    Raises:
        ConfigError: with the number of batches that does.
    """
    n_batches = -(-n // batch_size) if is_int(batch_size, least=1) else 1
    require(
        steps is None or steps == n_batches,
        argument,
        f"None, or {n_batches} batches, which cover all {n} rows",
        steps=steps,
        fix="Leave it out: every row is used once.",
    )
