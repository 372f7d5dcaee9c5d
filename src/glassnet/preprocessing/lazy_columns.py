"""Columns of a lazy frame of Polars, read in parts as `read_table` reads a frame in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.data.parsing import is_missing
from glassnet.data.table import MAX_EXACT_INT, Table, find_target, read_table
from glassnet.preprocessing.expressions import evaluate_expression, find_names

if TYPE_CHECKING:
    import polars

PART_ROWS = 100_000
"""Number of rows that are read at once."""


class SourceColumn(NamedTuple):
    """A column as it is read.

    Attributes:
        kind: "f", "b", "M" or "O": see `ColumnFacts`.
        expression: what Polars computes.
        is_integer: whether it holds integers.
    """

    kind: str
    expression: polars.Expr
    is_integer: bool = False


class IdentifiersFoundError(Exception):
    """Columns of integers that float64 cannot hold, which are text.

    Attributes:
        names: names of the columns.
    """

    def __init__(self, names: set[str]) -> None:
        super().__init__(*names)
        self.names = names


class Part(NamedTuple):
    """Some rows that have a target.

    Attributes:
        frame: all columns.
        answers: the target.
        n_without_target: number of rows that were left out.
    """

    frame: polars.DataFrame
    answers: np.ndarray
    n_without_target: int


class LazyColumns:
    """The columns of a lazy frame that `fit` needs.

    Attributes:
        target: name of the target.
        names: names of the other columns.
        columns: how the columns are read, by name.
        booleans: for each column of booleans, whether some are missing, in rows read so far.
    """

    def __init__(
        self,
        frame: polars.LazyFrame,
        target: str | None,
        derive: Mapping[str, str],
        dropped: Collection[str] = (),
        identifiers: Collection[str] = (),
    ) -> None:
        """Look at the columns; nothing is read.

        Args:
            frame: the rows.
            target: name of the target.
            derive: derived columns.
            dropped: columns that are not used.
            identifiers: columns of integers that float64 cannot hold.
        """
        schema = frame.collect_schema()
        self.target, self.derive = find_target(target, list(schema)), derive
        self.names = [name for name in schema if name != self.target]
        self.columns = {
            name: _read_as(frame, name, dtype, name in identifiers)
            for name, dtype in schema.items()
        }
        self.operands = {name for text in derive.values() for name in find_names(text)}
        unread = set(dropped) - self.operands
        self.used = [name for name in schema if name not in unread]
        self.booleans = {name: False for name in self.used if self.columns[name].kind == "b"}
        self.frame = frame.select(self.columns[name].expression.alias(name) for name in self.used)

    def check_derived(self) -> None:
        """Refuse expressions that cannot be evaluated, before anything is read.

        Raises:
            ConfigError: see `evaluate_expression`.
        """
        columns = dict.fromkeys(self.names, np.zeros(1))
        for name, expression in self.derive.items():
            columns[name] = evaluate_expression(name, expression, columns)

    def read(self, names: Collection[str] | None = None) -> Iterator[Part]:
        """Yield the rows in parts, those without a target left out.

        Args:
            names: the columns that are needed, beside the target; None for all.

        Raises:
            IdentifiersFoundError: integers that float64 cannot hold.
        """
        frame = (
            self.frame
            if names is None
            else self.frame.select(list(dict.fromkeys([*names, self.target])))
        )
        for part in frame.collect_batches(chunk_size=PART_ROWS, engine="streaming"):
            yield self._split_target(part)

    def _split_target(self, part: polars.DataFrame) -> Part:
        import polars

        self._note_types(part)
        answers = self.to_array(part, self.target)
        has_target = ~is_missing(answers)
        n_without = int(np.count_nonzero(~has_target))
        if n_without:
            part, answers = part.filter(polars.Series(has_target)), answers[has_target]
        return Part(part, answers, n_without)

    def _note_types(self, part: polars.DataFrame) -> None:
        """Note what decides the types of columns, also in rows without a target."""
        for name in self.booleans.keys() & set(part.columns):
            self.booleans[name] |= bool(part[name].is_nan().any())
        large = set()
        for name in part.columns:
            if self.columns[name].is_integer:
                largest: Any = part[name].abs().max()
                large |= {name} if largest is not None and largest >= MAX_EXACT_INT else set()
        if large:
            raise IdentifiersFoundError(large)

    def to_array(self, part: polars.DataFrame, name: str) -> np.ndarray:
        """Return a column as an array of a type of `Table`; booleans as 0 and 1."""
        import polars

        column, kind = part[name], self.columns[name].kind
        if kind == "M":
            return np.array(column.to_numpy(), "datetime64[s]")
        if kind == "O":
            return np.array(column.to_list(), object)
        if column.dtype == polars.Duration:
            return column.dt.total_microseconds().to_numpy() / 1e6
        return column.to_numpy()

    def to_arrays(self, part: polars.DataFrame) -> dict[str, np.ndarray]:
        """Return the columns of a part that are no text, operands of expressions, and results."""
        arrays = {
            name: self.to_array(part, name)
            for name in part.columns
            if self.columns[name].kind != "O" or name in self.operands
        }
        for name, expression in self.derive.items():
            arrays[name] = evaluate_expression(name, expression, arrays)
        return arrays

    def to_table(self, rows: polars.DataFrame) -> Table:
        """Return rows as a table."""
        import polars

        booleans = polars.col(list(self.booleans)).fill_nan(None).cast(polars.Boolean)
        return read_table(rows.with_columns(booleans))

    def select(self, name: str) -> polars.LazyFrame:
        """Return a lazy frame with one column of the rows that have a target."""
        import polars

        target = polars.col(self.target)
        has_target = target.is_not_null()
        if self.columns[self.target].kind in "fb":
            has_target &= target.is_not_nan()
        return self.frame.filter(has_target).select(name)


def _read_as(
    frame: polars.LazyFrame, name: str, dtype: polars.DataType, is_identifier: bool
) -> SourceColumn:
    """Return how a column is read.

    Raises:
        DataError: a column of anything but numbers, text, booleans, dates or durations.
    """
    import polars

    column = polars.col(name)
    if dtype in (polars.String, polars.Categorical, polars.Enum, polars.Null) or is_identifier:
        return SourceColumn("O", column.cast(polars.String).str.strip_chars())
    if dtype == polars.Boolean:
        return SourceColumn("b", column.cast(polars.Float64).fill_null(np.nan))
    if dtype.is_numeric():
        number = column.cast(polars.Float64).fill_null(np.nan)
        return SourceColumn("f", number, dtype.is_integer())
    if dtype == polars.Duration:
        return SourceColumn("f", column)
    if dtype == polars.Datetime:
        local = column.dt.replace_time_zone(None)
        return SourceColumn("M", local.cast(polars.Datetime("us")))
    if dtype == polars.Date:
        return SourceColumn("M", column.cast(polars.Datetime("us")))
    example = frame.select(column.drop_nulls().head(1)).collect(engine="streaming")
    if len(example):
        read_table(example)
    return SourceColumn("O", polars.lit(None, polars.String))
