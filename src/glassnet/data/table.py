"""Tables read from CSV, Parquet and Arrow files, and from pandas, polars and Arrow frames."""

from __future__ import annotations

import datetime
import decimal as decimals
import difflib
import itertools
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.blank_words import BlankWords, LabelWords, describe_decisions
from glassnet.data.column_values import DistinctValues
from glassnet.data.conversions import require_rows, suggest_conversion
from glassnet.data.csv_columns import parse_again
from glassnet.data.csv_options import CsvOptions, check_csv_options
from glassnet.data.csv_reader import parse_csv
from glassnet.data.exact_times import ExactTimes, exact_times_of_frame
from glassnet.data.frames import SURROGATE_FIX, check_encodable, is_frame, open_frame
from glassnet.data.identifiers import Identifier, are_plain_numbers, describe_identifiers
from glassnet.data.number_format import NumberFormat, read_numbers
from glassnet.data.parsing import (
    factorize,
    format_exact,
    is_missing,
    parse_distinct,
    with_missing,
)
from glassnet.errors import DataError, lookup, message, require, wrap_errors
from glassnet.formatting import format_number
from glassnet.suggestions import suggest_arguments

FRAME_READERS = {".parquet": "read_parquet", ".feather": "read_feather", ".arrow": "read_feather"}
"""Pandas functions that read a file, by its suffix."""

CSV_SUFFIXES = (".csv", ".tsv", ".txt")

TABLE_SUFFIXES = (*CSV_SUFFIXES, *FRAME_READERS)
"""Suffixes of table files."""

PANDAS_READERS = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"), "read_excel"),
    **dict.fromkeys((".json", ".jsonl"), "read_json"),
    ".sav": "read_spss",
    ".dta": "read_stata",
    ".sas7bdat": "read_sas",
    ".orc": "read_orc",
    ".html": "read_html",
    ".xml": "read_xml",
    ".pkl": "read_pickle",
}
"""Pandas functions that read files of other kinds, which are proposed, by suffix."""

PACKED_SUFFIXES = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz", ".rar")

LARGE_BYTES = 10**9
"""Size of a Parquet or Arrow file from which a message says how to read it in parts."""

MAX_EXACT_INT = 2**53
"""Columns with larger integers are read as text: float64 cannot hold them, so they are names."""


MAX_INT = 2**64
"""Larger integers are Python objects to pandas, and are read as numbers."""

PLAIN_TYPES = {str, int, float, bool, type(None)}
"""Types of values of which one row is read without a frame."""


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length.

    Attributes:
        columns: arrays by name: float64 (NaN if missing), bool, datetime64 (NaT if missing), or
            objects for text (None if missing).
        messages: how the table was read.
        formats: formats of the numbers in a CSV file, whose text columns are parsed again if rows
            are selected; empty for tables with typed columns.
        blank_words: columns of a CSV file with words that may mean a missing cell. `columns` has
            them as the file alone decides; a fitted model knows better.
        exact_times: time zones and fractions of a second, which `columns` lack, by name.
        label_words: columns of a CSV file that are few different numbers, and words that count as
            missing but may be labels.
        identifiers: columns of a CSV file that are text because numbers would change them: 007. To
            a model that has learned the column as numbers, they are numbers.
        distinct: the distinct values of columns of text that are known already, by name.
        fixed: columns of text that stay text if rows are selected: those that were replaced.
    """

    columns: dict[str, np.ndarray]
    messages: tuple[str, ...] = ()
    formats: tuple[NumberFormat, ...] = ()
    blank_words: Mapping[str, BlankWords] = field(default_factory=dict)
    exact_times: Mapping[str, ExactTimes] = field(default_factory=dict)
    label_words: Mapping[str, LabelWords] = field(default_factory=dict)
    identifiers: Mapping[str, Identifier] = field(default_factory=dict)
    distinct: Mapping[str, DistinctValues] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> np.ndarray:
        return lookup("table: column", name, self.columns)

    def take(self, index: Any) -> Table:
        """Return some of the rows; text columns of a CSV file are parsed again.

        Without the rows that hold text, a column may be numbers or dates. Identifiers stay text,
        whichever rows are selected; so do columns that were replaced: `fixed`.
        """
        blank_words = {name: words.take(index) for name, words in self.blank_words.items()}
        columns = {name: column[index] for name, column in self.columns.items()}
        identifiers = dict(self.identifiers)
        for name, column in columns.items() if self.formats else ():
            is_parsed = name not in self.fixed and name not in identifiers
            if column.dtype.kind == "O" and is_parsed:
                words = blank_words.get(name)
                values, identifier = parse_again(column if words is None else words, self.formats)
                if identifier is not None:
                    identifiers[name] = identifier
                if identifier is not None or values.dtype.kind != "O":
                    columns[name] = values
                    blank_words.pop(name, None)
        times = {name: each.take(index) for name, each in self.exact_times.items()}
        labels = {name: each.take(index) for name, each in self.label_words.items()}
        return replace(
            self,
            columns=columns,
            blank_words=blank_words,
            exact_times=times,
            label_words=labels,
            identifiers=identifiers,
            distinct={},
        )

    def drop(self, *names: str) -> Table:
        """Return the table without these columns."""

        def select(by_name: Mapping[str, Any]) -> dict[str, Any]:
            return {name: each for name, each in by_name.items() if name not in names}

        return replace(
            self,
            columns=select(self.columns),
            blank_words=select(self.blank_words),
            exact_times=select(self.exact_times),
            label_words=select(self.label_words),
            identifiers=select(self.identifiers),
            distinct={},
        )

    def replace_column(self, name: str, column: np.ndarray) -> Table:
        """Return the table with another column, as the file alone decides all others.

        The column keeps its type if rows are selected: labels 1 and 2 stay text without the rows of
        label x.
        """
        identifiers = dict(self.identifiers)
        if column.dtype.kind != "O":
            identifiers.pop(name, None)
        return replace(
            self,
            columns={**self.columns, name: column},
            blank_words={},
            label_words={},
            identifiers=identifiers,
            distinct={},
            fixed=self.fixed | {name},
        )

    def resolve(self, name: str, levels: Collection[Any] = ()) -> np.ndarray:
        """Return a column as a model reads it that has learned its categories or labels.

        Words that may mean a missing cell are text if they are in `levels`. Identifiers are numbers
        if the levels are, or if there are none.
        """
        words = self.blank_words.get(name)
        values = self[name] if words is None else words.resolve(levels)
        is_text = name in self.identifiers and values.dtype.kind == "O"
        return self._read_numbers(values) if is_text and are_plain_numbers(levels) else values

    def with_numbers(self) -> Table:
        """Return the table with identifiers as numbers, wherever a number can hold them."""
        if not self.identifiers:
            return self
        columns = {name: self._read_numbers(self[name]) for name in self.identifiers}
        identifiers = {
            name: each for name, each in self.identifiers.items() if columns[name].dtype.kind == "O"
        }
        outdated = describe_identifiers(self.identifiers)
        messages = tuple(text for text in self.messages if text not in outdated)
        return replace(
            self,
            columns=self.columns | columns,
            messages=(*messages, *describe_identifiers(identifiers)),
            identifiers=identifiers,
        )

    def _read_numbers(self, identifiers: np.ndarray) -> np.ndarray:
        """Return the numbers in a column of identifiers, or itself if a number cannot hold one."""
        distinct = factorize(identifiers)
        readings = read_numbers(distinct.texts, self.formats)
        if not readings:
            return identifiers
        return parse_distinct(distinct, next(iter(readings.values())))


def is_table_file(name: str) -> bool:
    """Return whether a name ends as a table's file does, or is the path of a file."""
    return Path(name).suffix.lower() in TABLE_SUFFIXES or os.path.isfile(name)


@suggest_arguments
def read_table(
    source: Any,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    missing: Any = None,
    header: int | str | None = "infer",
    names: Sequence[Any] | None = None,
) -> Table:
    """Read a table from a file, a frame, or plain dicts.

    `Sequential.fit`, `evaluate`, `predict` and `data.series` accept the table. They also accept
    the source itself, if none of the other arguments is needed.

    **Missing values.** In frames, dicts, Parquet and Arrow files they are None, NaN, NaT and NA;
    text is text. In a CSV file, blank cells are missing. Words such as NA, None, ? and - are
    missing too in columns of numbers and dates. In a column of text, such a word is missing if it
    means that in columns of numbers, or if it is the file's only sign for it. Otherwise it is text.

    **Numbers.** The decimal sign of a CSV file is decided once, from all columns. In files
    separated by commas it is the point; "1,234" in quotes is 1234. A column of a CSV file is text
    if a number would change one of its cells: a zero before other digits (007, 01067), a plus sign
    before seven digits or more (+4930123456), or an integer that float64 cannot hold. A message
    says so. `column_types={"zip": "number"}` of `fit` reads such a column as numbers.

    Args:
        source: a path that ends in .csv, .tsv, .txt, .parquet, .feather or .arrow; a frame of
            pandas, polars or Arrow; columns by name, {"age": [22, 38]}; a list of rows, each a
            dict; one such row; or a `Table`, which is returned unchanged. Durations become seconds,
            and periods of pandas their first day. Times lose their zone and stay local;
            `Table.exact_times` has it.
        delimiter: character between the cells of a CSV file; " " for blanks, "\\t" for tabs.
        decimal: "." or ",".
        thousands: character between groups of three digits: ".", ",", " " or "'".
        missing: words that mean a missing cell in columns of text: ["NA", "unknown"], or [] for
            none. Numbers mean one in columns of numbers, of frames too: [-999]. A dict sets
            them for single columns: {"stage": [], "age": [-1]}. With another word than these, such
            a column is text: 1, 2 and ? are three labels.
        header: the line of the column names, counted from 1; None if the file has none.
        names: names of the columns. With `header`, they replace the file's.

    Raises:
        ConfigError: an argument that cannot be, or arguments for a CSV file with anything else.
        DataError: the file does not exist or is of another kind; the table has no header, no rows,
            two columns of one name, rows of different lengths, or a column of anything but
            numbers, text, booleans, dates or durations; numbers or a header that are unclear (the
            message names the argument that decides).

    Example:
        >>> table = read_table({"age": [22, None], "stage": ["None", "II"]})
        >>> len(table), table["stage"].tolist()
        (2, ['None', 'II'])
    """
    options = check_csv_options(delimiter, decimal, thousands, missing, header, names)
    is_csv = isinstance(source, str | Path) and Path(source).suffix.lower() in CSV_SUFFIXES
    expected = f"a file that ends in {', '.join(CSV_SUFFIXES)} with these arguments"
    fits = is_csv or replace(options, missing_numbers={}) == CsvOptions()
    require(fits, "read_table", expected, source=type(source).__name__)
    table = _read_source(source, options)
    for name in options.missing_numbers:
        if name is not None:
            lookup("missing", name, table.columns)
    return _drop_missing_numbers(table, options) if options.missing_numbers else table


def _drop_missing_numbers(table: Table, options: CsvOptions) -> Table:
    """Return the table without the numbers that mean a missing cell, in identifiers too."""
    columns = {}
    for name, numbers in table.with_numbers().columns.items():
        columns[name] = options.drop_missing_numbers(name, numbers)
        if name in table.identifiers:
            is_dropped = is_missing(columns[name])
            columns[name] = table[name].copy()
            columns[name][is_dropped] = None
    words = {
        name: each for name, each in table.blank_words.items() if name not in table.identifiers
    }
    return replace(table, columns=columns, blank_words=words)


def _read_source(source: Any, options: CsvOptions) -> Table:
    if isinstance(source, Table):
        return source
    if isinstance(source, str | Path):
        return _read_file(Path(source), options)
    with wrap_errors("table", "columns that can be read", received=type(source).__name__):
        if not isinstance(source, Mapping | list | tuple):
            return _table_from_frame(source)
        require_rows(source, "table")
        return _table_from_row(source) or _table_from_frame(_frame_from_dicts(source))


def _read_file(path: Path, options: CsvOptions) -> Table:
    kind, who = path.suffix.lower(), "table"
    expected = f"a file that ends in {', '.join(TABLE_SUFFIXES)}"
    fix = "" if kind in TABLE_SUFFIXES else _suggest_reader(path)
    is_kind = kind in TABLE_SUFFIXES or not (kind or os.path.exists(path))
    require(is_kind, who, expected, error=DataError, path=str(path), fix=fix)
    is_file = os.path.isfile(path)
    fix = "" if is_file else _suggest_file(path)
    expected = "a file that exists" if kind else "a file that exists, or a folder"
    require(is_file, who, expected, error=DataError, path=str(path), fix=fix)
    if kind in FRAME_READERS:
        table = _read_frame_file(path, kind)
        return replace(table, messages=(*_describe_size(path), *table.messages))
    try:
        raw = path.read_bytes()
    except OSError as error:
        expected, problem = "a file that can be read", error.strerror or str(error)
        raise DataError(message(who, expected, path=str(path), problem=problem)) from error
    return Table(*parse_csv(path.name, raw, options))


def _suggest_reader(path: Path) -> str:
    """Return how to read a file whose name does not end as a table's does."""
    if os.path.isdir(path):
        return _suggest_folder(path)
    kind = path.suffix.lower()
    if kind in PANDAS_READERS:
        code = f'pandas.{PANDAS_READERS[kind]}("{path.name}")'
        return f"Read it with pandas and pass the frame: {code}. Or save it as CSV."
    if kind in PACKED_SUFFIXES:
        return "It is compressed: unpack it first."
    return ""


def _suggest_folder(path: Path) -> str:
    """Return how to read a folder of tables into memory, or a folder of images."""
    try:
        suffixes = {file.suffix.lower() for file in path.iterdir()}
    except OSError:
        return ""
    for suffix, function in ((".parquet", "read_parquet"), (".csv", "read_csv")):
        if suffix in suffixes:
            pattern = path / f"*{suffix}"
            return (
                "Only fit, evaluate and predict read a folder of tables. Read it into memory: "
                f'polars.{function}("{pattern}").'
            )
    return "For images, use glassnet.data.images_from_folder."


def _suggest_file(path: Path) -> str:
    try:
        names = os.listdir(path.parent)
    except (OSError, ValueError):
        return ""
    matches = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {matches[0]!r}?" if matches else ""


def _describe_size(path: Path) -> tuple[str, ...]:
    """Return a message for a file that is so large that it may be better to read it in parts."""
    size = path.stat().st_size
    if size < LARGE_BYTES:
        return ()
    call = f'fit("{path}*", target=...)'
    gigabytes = format_number(size / 1e9, digits=2)
    return (f"{path.name}: {gigabytes} GB, read into memory; {call} reads it in parts",)


def _read_frame_file(path: Path, suffix: str) -> Table:
    """Read a Parquet or Arrow file; whatever pandas or pyarrow raises becomes a `DataError`."""
    import pandas

    try:
        return _table_from_frame(getattr(pandas, FRAME_READERS[suffix])(path))
    except DataError:
        raise
    except ImportError as error:
        expected, fix = f"pyarrow, which reads {suffix} files", "pip install pyarrow"
        raise DataError(message("table", expected, path=str(path), fix=fix)) from error
    except Exception as error:
        expected = f"a valid {suffix} file"
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(message("table", expected, path=str(path), problem=problem)) from error


def _table_from_row(source: Any) -> Table | None:
    """Return the table of one row of plain values, or None if `source` is something else.

    It equals the table of a frame with this row. To make the frame takes a millisecond, and to
    import pandas a quarter of a second.
    """
    cells = {str(name): value for name, value in source.items()} if type(source) is dict else {}
    if not cells or len(cells) < len(source) or set(map(type, cells.values())) - PLAIN_TYPES:
        return None
    columns = {}
    for name, value in cells.items():
        if type(value) is float:
            columns[name] = np.array([value])
            continue
        is_identifier = type(value) is int and MAX_EXACT_INT <= abs(value) < MAX_INT
        missing = np.array([value is None])
        columns[name] = _objects_to_array(name, [value], missing, as_text=is_identifier)
    return Table(columns)


def _frame_from_dicts(source: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
    """Return a pandas frame from a dict of columns, a list of rows, or one row."""
    import pandas

    is_row = isinstance(source, Mapping) and all(
        not isinstance(value, list | tuple) and (isinstance(value, str) or np.ndim(value) == 0)
        for value in source.values()
    )
    try:
        return pandas.DataFrame([source] if is_row else source)
    except UnicodeEncodeError as error:
        expected, fix = "text that UTF-8 can write", SURROGATE_FIX
        raise DataError(message("table", expected, problem=error.reason, fix=fix)) from error
    except ValueError as error:
        raise DataError(message("table", "columns of equal length", problem=str(error))) from error


def _table_from_frame(source: Any) -> Table:
    import narwhals.stable.v1 as nw

    frame = open_frame(source)
    require(
        len(frame) and frame.columns,
        "table",
        "rows and columns",
        error=DataError,
        shape=frame.shape,
    )
    columns = frame_to_columns(frame)
    messages = [
        _categorical_message(name)
        for name, dtype in zip(columns, frame.schema.values(), strict=True)
        if dtype in (nw.Categorical, nw.Enum) and columns[name].dtype.kind == "f"
    ]
    messages = [*_index_messages(getattr(source, "index", None)), *messages]
    times = {
        name: exact_times
        for (name, column), series in zip(columns.items(), frame.iter_columns(), strict=True)
        if column.dtype.kind == "M" and (exact_times := exact_times_of_frame(series)) is not None
    }
    return Table(columns, tuple(messages), exact_times=times)


def frame_to_columns(source: Any) -> dict[str, np.ndarray]:
    """Return the columns of a frame of pandas, polars or Arrow in the dtypes of `Table`.

    Raises:
        DataError: a column of something else than numbers, text, booleans, dates or durations.
    """
    import narwhals.stable.v1 as nw

    frame = nw.from_native(source, eager_only=True)
    names = map(str, frame.columns)
    return {
        name: _column_to_array(name, column)
        for name, column in zip(names, frame.iter_columns(), strict=True)
    }


def _categorical_message(name: str) -> str:
    return (
        f"{name}: a categorical column of numbers, read as numbers; "
        f'column_types={{"{name}": "category"}} reads it as categories'
    )


def _index_messages(index: Any) -> tuple[str, ...]:
    """Return a message about a pandas index that may hold data."""
    names = [name for name in getattr(index, "names", []) if name is not None]
    if not names and getattr(getattr(index, "dtype", None), "kind", "i") in "iu":
        return ()
    label = f" {', '.join(map(str, names))}" if names else ""
    return (f"the frame's index{label} is left out; frame.reset_index() makes a column of it",)


def _column_to_array(name: str, column: Any) -> np.ndarray:
    """Convert a narwhals column to the dtypes of `Table`."""
    import narwhals.stable.v1 as nw

    missing = column.is_null().to_numpy().astype(bool)
    kind = column.dtype
    if kind == nw.Boolean:
        return with_missing(missing, column.filter(~column.is_null()).to_numpy(), bool)
    if kind.is_numeric():
        if kind.is_integer() and not missing.all():
            largest = max(int(column.max()), -int(column.min()))
            if largest >= MAX_EXACT_INT:
                return _objects_to_array(name, column.to_list(), missing, as_text=True)
        return np.array(column.cast(nw.Float64).fill_null(np.nan).to_numpy(), float)
    if kind in (nw.Datetime, nw.Date):
        dates = column.dt.replace_time_zone(None) if kind == nw.Datetime else column
        return np.array(dates.cast(nw.Datetime("us")).to_numpy(), "datetime64[s]")
    return _objects_to_array(name, column.to_list(), missing)


def _objects_to_array(
    name: str, cells: list[Any], missing: np.ndarray, as_text: bool = False
) -> np.ndarray:
    """Convert Python objects to one of the dtypes of `Table`, by their types."""
    values = list(itertools.compress(cells, ~missing))
    if any(issubclass(kind, float) for kind in set(map(type, values))):
        is_nan = [isinstance(value, float) and value != value for value in values]
        missing = missing.copy()
        missing[~missing] = is_nan
        values = list(itertools.compress(cells, ~missing))
    kinds = set(map(type, values))

    def all_are(types: Any) -> bool:
        return bool(kinds) and all(issubclass(kind, types) for kind in kinds)

    if all_are(bool | np.bool_):
        return with_missing(missing, values, bool)
    if not as_text and all_are(int | float | np.number | decimals.Decimal):
        return with_missing(missing, _to_floats(name, values), float)
    if all_are(datetime.date):
        dates = [value.isoformat()[:19] for value in values]
        return with_missing(missing, np.array(dates, "datetime64[s]"), "datetime64[s]")
    if all(hasattr(kind, "to_timestamp") for kind in kinds) and kinds:  # periods of pandas
        starts = [value.to_timestamp().isoformat()[:19] for value in values]
        return with_missing(missing, np.array(starts, "datetime64[s]"), "datetime64[s]")
    if all_are(datetime.timedelta | np.timedelta64):
        second = np.timedelta64(1, "s")
        return with_missing(missing, [np.timedelta64(value) / second for value in values], float)
    return _cells_to_text(name, values, missing)


def _to_floats(name: str, values: list[Any]) -> list[float]:
    """Convert numbers to floats.

    Raises:
        DataError: an integer is too large.
    """
    try:
        return [float(value) for value in values]
    except OverflowError as error:
        who, expected = f"column {name!r}", "numbers that float64 can hold, up to 1.8e308"
        fix = "Divide the column, or pass it as text."
        raise DataError(message(who, expected, problem=str(error), fix=fix)) from error


def _cells_to_text(name: str, values: list[Any], missing: np.ndarray) -> np.ndarray:
    """Convert scalars to text, None if missing."""
    scalar = str | int | float | bool | np.generic | decimals.Decimal
    kinds = set(map(type, values))
    unsupported = {kind for kind in kinds if not issubclass(kind, scalar)}
    example = next((value for value in values if type(value) in unsupported), None)
    require(
        not unsupported,
        "table",
        f"numbers, text, booleans or dates in column {name!r}",
        error=DataError,
        type=type(example).__name__,
        example=example,
        fix=f"Make columns of its contents, or drop it: frame.drop(columns={name!r}).",
    )
    texts = values if kinds == {str} else [_format_cell(name, value) for value in values]
    distinct = factorize(texts).convert(str.strip)
    check_encodable(f"column {name!r}", distinct.texts)
    column = np.full(len(missing), None, object)
    column[~missing] = distinct.to_objects()
    return column


def _format_cell(name: str, value: Any) -> str:
    if isinstance(value, float | np.floating) and np.isfinite(value):
        return format_exact(float(value))
    try:
        return str(value).strip()
    except ValueError as error:  # an int of more digits than Python formats
        expected, fix = "values that can be written as text", "Divide the column, or drop it."
        raise DataError(
            message(f"column {name!r}", expected, problem=str(error), fix=fix)
        ) from error


def is_table(x: Any) -> bool:
    """Return whether x is a path, a data frame, or columns or rows by name."""
    if suggest_conversion(x):
        return False
    if isinstance(x, str | Path | Table | Mapping):
        return True
    if isinstance(x, list | tuple):
        return bool(x) and all(isinstance(row, Mapping) for row in x)
    return is_frame(x) or type(x).__name__ == "Series"


class TargetSplit(NamedTuple):
    """The rows of a table that have a target, split from it.

    Attributes:
        table: the other columns.
        target_column: the target.
        has_target: mask of the source's rows that have a target, or None if all have one.
        messages: lines for the user about what was read or left out.
    """

    table: Table
    target_column: np.ndarray
    has_target: np.ndarray | None
    messages: tuple[str, ...]


def split_target(
    source: Any, target: str | None, labels: Collection[Any] | None = None
) -> TargetSplit:
    """Read a table and split it from its target. Rows without a target are left out.

    Args:
        source: see `read_table`.
        target: name of the column.
        labels: the labels of a fitted model, or None before training.

    Raises:
        ConfigError: no target, or an unknown one (the message suggests the nearest name).
        DataError: see `read_table`; no row has a target; a word that may be a label or mean a
            missing value.
    """
    table = read_table(source)
    column = table.columns[find_target(target, list(table.columns))]
    if labels is not None:
        column = table.resolve(str(target), labels)
    words, rest = table.blank_words.get(str(target)), table.drop(str(target))
    about_target = _categorical_message(str(target))
    messages = tuple(text for text in table.messages if text != about_target)
    messages = (*messages, *describe_decisions(rest.blank_words))
    if words is not None and labels is None:
        column, notes = words.resolve_target(str(target))
        messages = (*messages, *notes)
    if labels is None and str(target) in table.label_words and is_missing(column).any():
        table.label_words[str(target)].require_rare(str(target))
    missing = is_missing(column)
    notes = describe_missing_targets(str(target), int(missing.sum()), len(column))
    if not missing.any():
        return TargetSplit(rest, column, None, messages)
    return TargetSplit(rest.take(~missing), column[~missing], ~missing, (*messages, *notes))


def find_target(target: str | None, names: Sequence[str]) -> str:
    """Return the name of the target among the names of a table's columns.

    Raises:
        ConfigError: no target, or an unknown one (the message suggests the nearest name).
    """
    require(
        target is not None,
        "fit",
        "target to name the column to predict",
        columns=list(names),
        fix=f'For example target="{names[-1]}".',
    )
    return lookup("target", str(target), {name: name for name in names})


def describe_missing_targets(target: str, n_missing: int, n_rows: int) -> tuple[str, ...]:
    """Return a message about rows without a target, if there are some.

    Raises:
        DataError: no row has a target.
    """
    who, has_value = f"target {target!r}", n_missing < n_rows
    require(has_value, who, "a value in some row", error=DataError, rows=n_rows, missing=n_rows)
    if not n_missing:
        return ()
    return (f"{n_missing:,} of {n_rows:,} rows lack {target}: left out",)
