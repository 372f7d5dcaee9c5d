"""Tables in partitions, which are read one after another: rows on disk, or of a query."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from glassnet.data.arrow_columns import is_text
from glassnet.errors import ConfigError, DataError, message, require, wrap_errors

if TYPE_CHECKING:
    import polars
    import pyarrow

INSTALL = 'pip install "glassnet[larger]"'
"""Command that installs the packages that read tables in partitions."""

READ_ROWS = 65_536
"""Largest number of rows that are read at once."""

UNKNOWN_ROWS = 1 << 40
"""Distance of the numbers of the first rows of partitions whose number of rows is unknown."""

RowMask = Callable[[np.ndarray], np.ndarray]
"""Function from numbers of rows, uint64, to a mask of the rows to read."""


@dataclass(frozen=True, eq=False)
class Partition:
    """Rows that are read in order: a row group of a Parquet file, a file, or the whole of a query.

    Attributes:
        name: for error messages, such as the path of the file.
        first_row: number of the first row in the table.
        n_rows: number of rows, or None if it is unknown.
        read: yields the named columns of all rows, in the order of the names.
    """

    name: str
    first_row: int
    n_rows: int | None
    read: Callable[[Sequence[str]], Iterator[pyarrow.RecordBatch]]

    def count(self, mask: RowMask) -> int | None:
        """Return the number of rows that a mask selects, or None if it is unknown."""
        if self.n_rows is None:
            return None
        numbers = np.arange(self.first_row, self.first_row + self.n_rows, dtype=np.uint64)
        return int(mask(numbers).sum())


class TextReader(Protocol):
    """Reads cells of text, in which some words may mean a missing cell."""

    def for_target(self, name: str, numbers: Collection[str] = ()) -> PartitionedTable:
        """Return the table for training on a target, whose labels are text.

        The user says of the columns in `numbers` that they are numbers.
        """

    def for_levels(self, levels: Mapping[str, Collection[Any]]) -> PartitionedTable:
        """Return the table for a fitted model, whose categories are text."""


@dataclass(frozen=True, eq=False)
class PartitionedTable:
    """A table in partitions, of which only some rows are in memory at a time.

    Attributes:
        name: for messages, such as the path of the folder.
        schema: names and types of the columns. Text is of the type string.
        partitions: in the order of the rows.
        version: data for JSON that differ if the rows do, as far as that is known without
            reading them.
        text_reader: decides which words mean a missing cell, if the files are text.
    """

    name: str
    schema: pyarrow.Schema
    partitions: tuple[Partition, ...]
    version: dict[str, Any]
    text_reader: TextReader | None = None

    @property
    def n_rows(self) -> int | None:
        """Number of rows, or None if it is unknown."""
        counts = [partition.n_rows for partition in self.partitions]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def read_partition(
        self, partition: Partition, columns: Sequence[str], mask: RowMask | None = None
    ) -> Iterator[pyarrow.RecordBatch]:
        """Yield rows of a partition in order, at least one at a time.

        Args:
            partition: one of `partitions`.
            columns: names of the columns.
            mask: selects the rows by their numbers; None for all rows.

        Raises:
            DataError: the partition cannot be read; the message names it.
        """
        import pyarrow

        schema = pyarrow.schema([self.schema.field(name) for name in columns])
        first_row = partition.first_row
        with wrap_errors(partition.name, "rows that can be read"):
            for batch in partition.read(columns):
                numbers = np.arange(first_row, first_row + len(batch), dtype=np.uint64)
                first_row += len(batch)
                batch = conform(batch, schema)
                selected = None if mask is None else mask(numbers)
                if selected is not None and not selected.all():
                    batch = batch.filter(pyarrow.array(selected))
                if len(batch):
                    yield batch

    def iter_batches(
        self, columns: Sequence[str], mask: RowMask | None = None
    ) -> Iterator[tuple[Partition, pyarrow.RecordBatch]]:
        """Yield rows of all partitions in order, each with its partition: see `read_partition`."""
        for partition in self.partitions:
            for batch in self.read_partition(partition, columns, mask):
                yield partition, batch

    def to_lazy_frame(self, mask: RowMask | None = None) -> polars.LazyFrame:
        """Return the rows as a lazy frame of Polars, which reads them in parts.

        Args:
            mask: selects the rows by their numbers; None for all rows.
        """
        frames = import_polars()
        from polars.io.plugins import register_io_source

        def read(
            names: list[str] | None, predicate: Any, n_rows: int | None, batch_size: int | None
        ) -> Iterator[polars.DataFrame]:
            del batch_size
            columns = self.schema.names if names is None else names
            left = n_rows
            for _, batch in self.iter_batches(columns, mask):
                frame = frames.from_arrow(_decode(batch))
                frame = frame if left is None else frame.head(left)
                left = None if left is None else left - len(frame)
                yield frame if predicate is None else frame.filter(predicate)
                if left == 0:
                    return

        empty = frames.from_arrow(self.schema.empty_table())
        return register_io_source(read, schema=empty.schema, is_pure=True)

    def select(self, columns: Sequence[str]) -> PartitionedTable:
        """Return the table with some of its columns."""
        import pyarrow

        fields = [self.schema.field(name) for name in columns]
        return replace(self, schema=pyarrow.schema(fields))

    def where(self, mask: RowMask) -> PartitionedTable:
        """Return the rows that a mask selects by their numbers, as a table with new numbers."""

        def read_selected(
            partition: Partition,
        ) -> Callable[[Sequence[str]], Iterator[pyarrow.RecordBatch]]:
            return lambda columns: self.read_partition(partition, columns, mask)

        counts = [partition.count(mask) for partition in self.partitions]
        names = [partition.name for partition in self.partitions]
        reads = [read_selected(partition) for partition in self.partitions]
        partitions = number_partitions(names, counts, reads)
        return replace(self, partitions=partitions, text_reader=None)

    def require_columns(self, names: Sequence[str], who: str) -> None:
        """Refuse a table that lacks a column.

        Raises:
            DataError: with the names of the table's columns.
        """
        missing = [name for name in names if name not in self.schema.names]
        columns = self.schema.names[:12]
        expected = f"the columns {list(names)[:12]}"
        require(not missing, who, expected, error=DataError, missing=missing[:5], columns=columns)


def conform(batch: pyarrow.RecordBatch, schema: pyarrow.Schema) -> pyarrow.RecordBatch:
    """Return rows with the types of a schema. Text may remain a dictionary.

    Raises:
        DataError, pyarrow.ArrowInvalid: a value that the type does not have.
    """
    import pyarrow
    import pyarrow.compute as pc

    columns = []
    for field in schema:
        column = batch.column(field.name)
        both_text = is_text(column.type) and is_text(field.type)
        if column.type != field.type and not both_text:
            column = pc.cast(column, field.type)
        columns.append(column)
    return pyarrow.RecordBatch.from_arrays(columns, names=schema.names)


def _decode(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """Return rows with dictionaries of text as plain text."""
    import pyarrow

    columns = [
        column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
        for column in batch.columns
    ]
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def plain_schema(schema: pyarrow.Schema) -> pyarrow.Schema:
    """Return a schema with the type string for all kinds of text, and values for dictionaries."""
    import pyarrow

    def plain(kind: pyarrow.DataType) -> pyarrow.DataType:
        if is_text(kind):
            return pyarrow.string()
        return kind.value_type if pyarrow.types.is_dictionary(kind) else kind

    return pyarrow.schema([pyarrow.field(field.name, plain(field.type)) for field in schema])


def number_partitions(
    names: Sequence[str],
    counts: Sequence[int | None],
    reads: Sequence[Callable[[Sequence[str]], Iterator[pyarrow.RecordBatch]]],
) -> tuple[Partition, ...]:
    """Return partitions with the numbers of their first rows.

    Args:
        names: see `Partition`.
        counts: the number of rows of each, or None if it is unknown.
        reads: see `Partition`.
    """
    if None in counts:
        first_rows = [i * UNKNOWN_ROWS for i in range(len(counts))]
    else:
        first_rows = list(itertools.accumulate([0, *(count or 0 for count in counts)]))[:-1]
    return tuple(map(Partition, names, first_rows, counts, reads))


def describe_files(files: Sequence[str]) -> list[list[Any]]:
    """Return name, size and time of change of each file, which differ if the files do."""
    stats = [os.stat(file) for file in files]
    return [
        [os.path.basename(file), stat.st_size, stat.st_mtime_ns]
        for file, stat in zip(files, stats, strict=True)
    ]


def hash_row_numbers(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Return 64 pseudorandom bits for each number of a row.

    Source: the finalizer of SplitMix64. Steele, Lea and Flood 2014, "Fast splittable pseudorandom
    number generators".
    """
    step, first, second = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB

    def mix(z: np.ndarray) -> np.ndarray:
        z = (z ^ (z >> np.uint64(30))) * np.uint64(first)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(second)
        z ^= z >> np.uint64(31)
        return z

    start = mix(np.array([seed], np.uint64) + np.uint64(step))
    return mix(start + (numbers + np.uint64(1)) * np.uint64(step))


def hash_mask(fraction: float, seed: int) -> RowMask:
    """Return a mask that leaves out about a fraction of the rows, by hashes of their numbers."""
    limit = np.uint64(min(int(fraction * 2.0**64), 2**64 - 1))

    def select(numbers: np.ndarray) -> np.ndarray:
        selected: np.ndarray = hash_row_numbers(numbers, seed) >= limit
        return selected

    return select


def invert(mask: RowMask) -> RowMask:
    """Return the mask of the other rows."""
    return lambda numbers: ~mask(numbers)


def import_polars() -> Any:
    """Return the package polars.

    Raises:
        ConfigError: polars or pyarrow is not installed.
    """
    try:
        import polars
        import pyarrow  # noqa: F401
    except ImportError as error:
        expected = "the packages polars and pyarrow, which read tables larger than memory"
        fix = f"Run {INSTALL}."
        raise ConfigError(message("table", expected, problem=str(error), fix=fix)) from error
    return polars
