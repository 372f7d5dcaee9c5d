"""Tables larger than memory: the preprocessor is fitted in one pass, in which Polars reads.

The facts about the columns are found part by part; the rules that choose the encodings are those of
tables in memory (`encoding_rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.data.column_checks import find_problems
from glassnet.data.parsing import is_missing
from glassnet.data.table import (
    MAX_EXACT_INT,
    describe_missing_targets,
    find_target,
    read_table,
)
from glassnet.errors import DataError, DataWarning, require, warn
from glassnet.formatting import format_names
from glassnet.losses import Loss
from glassnet.preprocessing.base import HeadSpec, TableRequest
from glassnet.preprocessing.encoder import NumericColumn
from glassnet.preprocessing.encoding_rules import check_column_options, choose_encodings
from glassnet.preprocessing.expressions import evaluate_expression, find_names
from glassnet.preprocessing.scanned_numbers import (
    MAX_MEDIAN_ROWS,
    ScannedDates,
    ScannedNumbers,
    ScannedValues,
)
from glassnet.preprocessing.scanned_target import ScannedTarget
from glassnet.preprocessing.scanned_texts import ScannedTexts
from glassnet.preprocessing.tabular import TabularPreprocessor, describe_fit

if TYPE_CHECKING:
    import polars

PART_ROWS = 100_000
"""Number of rows that are read at once."""

MAX_CHECKED_ROWS = 50_000
"""Number of rows that are searched for problems: all, or a sample of more."""

MAX_SAMPLE_CELLS = 10_000_000
"""Largest number of cells of the rows that are searched for problems."""

MAX_MEDIAN_CELLS = 32_000_000
"""Largest number of numbers of all columns from which medians are found."""


class SourceColumn(NamedTuple):
    """A column as it is read.

    Attributes:
        kind: "f", "b", "M" or "O": see `ColumnFacts`.
        expression: what Polars computes.
    """

    kind: str
    expression: polars.Expr


class IdentifiersFoundError(Exception):
    """Columns of integers that float64 cannot hold, which are text.

    Attributes:
        names: names of the columns.
    """

    def __init__(self, names: set[str]) -> None:
        super().__init__(*names)
        self.names = names


def fit_preprocessor(
    frame: polars.LazyFrame, request: TableRequest, head: HeadSpec, loss: Loss | None
) -> tuple[TabularPreprocessor, tuple[str, ...]]:
    """Return the preprocessor fitted to a lazy frame, and lines for the user about it.

    It equals that of `prepare_table` for the same rows in memory, except for what is a sample: the
    lines say so.

    Args:
        frame: the training rows.
        request: the options of `fit`.
        head: the network's end, which decides between labels and numbers.
        loss: the loss, if one was named.

    Raises:
        ConfigError: see `tabular.prepare_table`.
        DataError: see `tabular.prepare_table`.
    """
    identifiers: set[str] = set()
    while True:
        scan = TableScan(frame, request, head, loss, identifiers)
        try:
            scan.read()
        except IdentifiersFoundError as found:
            identifiers |= found.names
            continue
        return scan.fit()


class TableScan:
    """One pass over the rows of a lazy frame."""

    def __init__(
        self,
        frame: polars.LazyFrame,
        request: TableRequest,
        head: HeadSpec,
        loss: Loss | None,
        identifiers: set[str],
    ) -> None:
        self.request, self.types = request, dict(request.column_types)
        self.derive = dict(request.derive)
        schema = frame.collect_schema()
        self.target_name = find_target(request.target, list(schema))
        names = [name for name in schema if name != self.target_name]
        check_column_options(names, self.types, self.derive)
        self.source = {
            name: _read_as(frame, name, dtype, name in identifiers)
            for name, dtype in schema.items()
        }
        self.frame = frame.select(
            column.expression.alias(name) for name, column in self.source.items()
        )
        self.integers = [
            name for name, dtype in schema.items() if dtype.is_integer() and name not in identifiers
        ]
        self.gaps = {name: False for name, column in self.source.items() if column.kind == "b"}
        self._check_derived(names)
        self.target = ScannedTarget(
            self.target_name, self.source[self.target_name].kind, request, head, loss
        )
        n_numbers = len(names) + len(self.derive)
        size = max(1, min(MAX_MEDIAN_ROWS, MAX_MEDIAN_CELLS // max(n_numbers, 1)))
        self.facts = {name: self._make_facts(name, size) for name in [*names, *self.derive]}
        self.rows = RowSample(min(MAX_CHECKED_ROWS, MAX_SAMPLE_CELLS // len(self.source)))
        operands = {name for text in self.derive.values() for name in find_names(text)}
        self.arrays = [name for name in names if self._is_array(name, operands)]
        self.n_without_target = 0

    def _is_array(self, name: str, operands: set[str]) -> bool:
        """Return whether a column is needed as an array: it is not text, or is in an expression."""
        return self.source[name].kind != "O" or name in operands

    def _check_derived(self, names: list[str]) -> None:
        """Refuse expressions that cannot be evaluated, before anything is read."""
        columns = dict.fromkeys(names, np.zeros(1))
        for name, expression in self.derive.items():
            columns[name] = evaluate_expression(name, expression, columns)

    def _make_facts(self, name: str, size: int) -> Any:
        kind = "f" if name in self.derive else self.source[name].kind
        if kind == "O":
            return ScannedTexts(name, lambda: self._read_column(name))
        requested = self.types.get(name)
        if requested in ("category", "boolean") or (requested == "date" and kind != "M"):
            return ScannedValues(name, kind)
        return ScannedDates(name) if kind == "M" else ScannedNumbers(name, kind, size)

    def _read_column(self, name: str) -> polars.LazyFrame:
        import polars

        target = polars.col(self.target_name)
        has_target = target.is_not_null()
        if self.source[self.target_name].kind == "f":
            has_target &= target.is_not_nan()
        return self.frame.filter(has_target).select(name)

    def read(self) -> None:
        """Read all rows.

        Raises:
            DataError: no rows; no row has a target; a column that cannot be read.
        """
        rng = np.random.default_rng(0)
        for part in self.frame.collect_batches(chunk_size=PART_ROWS, engine="streaming"):
            self._add(part, rng)
        n_rows = self.target.n_rows + self.n_without_target
        shape = (n_rows, len(self.source))
        require(n_rows, "table", "rows and columns", error=DataError, shape=shape)
        self.notes = describe_missing_targets(self.target_name, self.n_without_target, n_rows)

    def _add(self, part: polars.DataFrame, rng: np.random.Generator) -> None:
        import polars

        self._note_types(part)
        answers = self._to_array(part, self.target_name)
        has_target = ~is_missing(answers)
        if not has_target.all():
            part, answers = part.filter(polars.Series(has_target)), answers[has_target]
            self.n_without_target += int(np.count_nonzero(~has_target))
        if not len(part):
            return
        draws = rng.random(len(part))
        is_text = self.source[self.target_name].kind == "O"
        self.target.add(part[self.target_name] if is_text else answers)
        self.rows.add(part, draws)
        self._add_columns(part, draws)

    def _note_types(self, part: polars.DataFrame) -> None:
        """Note what decides the types of columns, also in rows without a target.

        Raises:
            IdentifiersFoundError: integers that float64 cannot hold.
        """
        for name in self.gaps:
            self.gaps[name] = self.gaps[name] or part[name].is_nan().any()
        largest: Any = {name: part[name].abs().max() for name in self.integers}
        found = {name for name, value in largest.items() if value and value >= MAX_EXACT_INT}
        if found:
            raise IdentifiersFoundError(found)

    def _add_columns(self, part: polars.DataFrame, draws: np.ndarray) -> None:
        arrays = {name: self._to_array(part, name) for name in self.arrays}
        for name, facts in self.facts.items():
            if name in self.derive:
                arrays[name] = evaluate_expression(name, self.derive[name], arrays)
            if isinstance(facts, ScannedTexts):
                facts.add(part[name])
            elif isinstance(facts, ScannedNumbers):
                facts.add(arrays[name], draws)
            else:
                facts.add(arrays[name])

    def _to_array(self, part: polars.DataFrame, name: str) -> np.ndarray:
        """Return a column as an array of a type of `Table`; booleans as 0 and 1."""
        import polars

        column, kind = part[name], self.source[name].kind
        if kind == "M":
            return np.array(column.to_numpy(), "datetime64[s]")
        if kind == "O":
            return np.array(column.to_list(), object)
        if column.dtype == polars.Duration:
            return column.dt.total_microseconds().to_numpy() / 1e6
        return column.to_numpy()

    def fit(self) -> tuple[TabularPreprocessor, tuple[str, ...]]:
        """Return the preprocessor and the messages; warn about what looks wrong in the rows.

        Raises:
            ConfigError: see `tabular.prepare_table`.
            DataError: see `tabular.prepare_table`.
        """
        for name, has_gaps in self.gaps.items():
            if name in self.facts and has_gaps:
                self.facts[name].declared_kind = "f"
        encoder = choose_encodings(self.facts.values(), self.types, self.derive)
        target = self.target.fit(self.n_without_target > 0)
        preprocessor = TabularPreprocessor(encoder, target, self.request)
        self._warn_about_columns(preprocessor)
        messages = (*self.notes, *describe_fit(preprocessor), *self._describe_samples(preprocessor))
        return preprocessor, messages

    def _warn_about_columns(self, preprocessor: TabularPreprocessor) -> None:
        """Warn about what looks wrong in the rows: see `column_checks.find_problems`."""
        import polars

        booleans = [name for name, column in self.source.items() if column.kind == "b"]
        rows = self.rows.collect()
        rows = rows.with_columns(polars.col(booleans).fill_nan(None).cast(polars.Boolean))
        table = read_table(rows)
        dropped = preprocessor.encoder.dropped_columns()
        columns = {
            name: values
            for name, values in table.columns.items()
            if name not in dropped and name != self.target_name
        }
        answers = table[self.target_name]
        for problem in find_problems(
            columns, self.target_name, answers, self.target.count_labels()
        ):
            warn(problem, DataWarning)

    def _describe_samples(self, preprocessor: TabularPreprocessor) -> list[str]:
        """Return a line about medians of samples."""
        sampled = [
            column.name
            for column in preprocessor.encoder.columns
            if isinstance(column, NumericColumn)
            and isinstance(facts := self.facts[column.name], ScannedNumbers)
            and facts.sample.share < 1
        ]
        if not sampled:
            return []
        return [
            f"{format_names(sampled)}: missing values become the median of a sample of the rows"
        ]


class RowSample:
    """A sample of at most `size` rows; all rows if they are not more."""

    def __init__(self, size: int) -> None:
        self.size, self.share = size, 1.0
        self._parts: list[polars.DataFrame] = []
        self._n = 0

    def add(self, part: polars.DataFrame, draws: np.ndarray) -> None:
        """Add rows, with a random number from 0 to 1 for each."""
        import polars

        if self.share < 1:
            part = part.filter(polars.Series(draws < self.share))
        self._parts.append(part)
        self._n += len(part)
        while self._n > self.size:
            self._parts = [self.collect().gather_every(2)]
            self._n, self.share = len(self._parts[0]), self.share / 2

    def collect(self) -> polars.DataFrame:
        """Return the rows."""
        import polars

        return polars.concat(self._parts)


def _read_as(
    frame: polars.LazyFrame, name: str, dtype: polars.DataType, is_identifier: bool
) -> SourceColumn:
    """Return how a column is read, as in memory: see `read_table`.

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
        return SourceColumn("f", column.cast(polars.Float64).fill_null(np.nan))
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
