"""The job for a folder of Parquet or CSV files, which is larger than memory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs.base import TrainOptions, describe_sizes
from glassnet.cli.jobs.table import TableJob, infer_n_classes, require_target

if TYPE_CHECKING:
    from glassnet.data.partitioned_table import PartitionedTable
    from glassnet.data.table import Table

MAX_SAMPLE_ROWS = 100_000
"""Largest number of test rows that are scored, and of rows that the baselines are trained on."""

ROWS_PER_BATCH_ROW = 8192
"""Number of training rows for each row of the default batch."""

MAX_BATCH_SIZE = 1024
"""Largest default of `--batch-size`."""


@dataclass(frozen=True, eq=False)
class PartitionedJob(TableJob):
    """Rows of a table that is read in parts. `train` and `test` are samples of them.

    Attributes:
        rows: the training rows.
        n_train: their number.
        n_test: the number of test rows.
    """

    rows: PartitionedTable | None = None
    n_train: int = 0
    n_test: int = 0

    @property
    def n_samples(self) -> int:
        return self.n_train

    @property
    def batch_size(self) -> int:
        """A power of two, from 32 to `MAX_BATCH_SIZE`."""
        share = self.n_train // ROWS_PER_BATCH_ROW
        return min(max(32, 1 << max(share, 1).bit_length() - 1), MAX_BATCH_SIZE)

    @property
    def description(self) -> str:
        task = f"{self.n_classes} classes" if self.n_classes else "regression"
        return describe_sizes(self.n_train, self.n_test, "rows", task)

    @property
    def fit_arguments(self) -> dict[str, Any]:
        return {**super().fit_arguments, "x": self.rows}


def is_table_path(name: str) -> bool:
    """Return whether a name is a folder of tables, or a glob; names of datasets come first."""
    from glassnet.data.images import is_image_folder
    from glassnet.data.table_folders import holds_tables
    from glassnet.datasets import names

    return name not in names() and holds_tables(name) and not is_image_folder(name)


def resolve_partitioned_job(
    name: str, options: TrainOptions, seed: int, *, split: bool = True
) -> PartitionedJob:
    """Return the job for the table in a folder; with `split`, a fifth becomes the test rows.

    Raises:
        click.UsageError: no target; an option for a table in memory.
        ConfigError, DataError: see `open_table_folder`; an unknown target or feature.
    """
    from glassnet.data.dataset import TEST_FRACTION
    from glassnet.data.partitioned_table import hash_mask, invert
    from glassnet.pipeline.partitioned_rows import count_targets

    table, target = _open_rows(name, options)
    mask = hash_mask(TEST_FRACTION, seed) if split else None
    counts = count_targets(table, target, mask, with_labels=False)
    train = table if mask is None else table.where(mask)
    sample = sample_rows(train, target, counts.n_train)
    test = sample.take(slice(0, 0))
    if mask is not None:
        test = sample_rows(table.where(invert(mask)), target, counts.n_validation)
    n_classes, assumption = infer_n_classes(target, sample[target], options.task)
    if n_classes and len(sample) < counts.n_train:
        n_classes = len(count_targets(table, target, mask, with_labels=True).labels)
    messages = [*assumption]
    if len(test) < counts.n_validation or len(sample) < counts.n_train:
        messages.append(
            f"the score is that of {len(test):,} test rows; baselines are trained on "
            f"{len(sample):,} rows"
        )
    return PartitionedJob(
        Path(name).name,
        sample,
        test,
        target,
        n_classes,
        options.target_transform,
        options.column_types,
        tuple(messages),
        rows=train,
        n_train=counts.n_train,
        n_test=counts.n_validation,
    )


def _open_rows(name: str, options: TrainOptions) -> tuple[PartitionedTable, str]:
    """Return the table in a folder with the columns that are used, and the target."""
    from glassnet.data.table_folders import open_table_folder

    for option in ("groups", *options.csv):
        if option != "groups" or options.groups:
            raise click.UsageError(f"--{option} is for one file: {name} is read in parts.")
    table = open_table_folder(name)
    columns = table.schema.names
    target = require_target(columns, options, "predict")
    used = _select_columns(columns, options, target)
    if table.text_reader is not None:
        numbers = [name for name, kind in options.column_types.items() if kind == "number"]
        numbers += [target] * (options.task == "numbers")
        table = table.text_reader.for_target(target, numbers)
    return table.select(used), target


def _select_columns(columns: list[str], options: TrainOptions, target: str) -> list[str]:
    """Return the names of the target and the features.

    Raises:
        ConfigError: an unknown name; the message suggests the nearest one.
    """
    from glassnet.errors import lookup

    lookup("target", target, dict.fromkeys(columns))
    features = [name for name in columns if name != target]
    for name in options.features:
        lookup("--features", name, dict.fromkeys(features))
    used = {target, *(options.features or features)}
    return [name for name in columns if name in used]


def sample_rows(table: PartitionedTable, target: str, n_rows: int) -> Table:
    """Return about `MAX_SAMPLE_ROWS` rows that have a target, or all rows if there are fewer.

    Args:
        table: the table.
        target: name of the target.
        n_rows: number of the rows that have a target.
    """
    import pyarrow

    from glassnet.data.arrow_columns import table_from_arrow
    from glassnet.data.parsing import is_missing
    from glassnet.data.partitioned_table import hash_mask

    left_out = 1 - MAX_SAMPLE_ROWS / max(n_rows, 1)
    mask = hash_mask(left_out, 0) if left_out > 0 else None
    batches = [batch for _, batch in table.iter_batches(table.schema.names, mask)]
    sample = table_from_arrow(pyarrow.Table.from_batches(batches))
    return sample.take(~is_missing(sample[target]))


def sample_parts(path: str, target: str) -> Table:
    """Return about `MAX_SAMPLE_ROWS` rows of a folder that have a target."""
    from glassnet.data.table_folders import open_table_folder
    from glassnet.pipeline.partitioned_rows import count_targets

    table = open_table_folder(path)
    return sample_rows(table, target, count_targets(table, target, None, False).n_train)


def is_parts(x: Any) -> bool:
    """Return whether x is the path of a table that is read in parts."""
    return isinstance(x, str | os.PathLike) and is_table_path(os.fspath(x))
