"""Tables in: a CSV file, a Parquet or Arrow file, or a pandas, polars or Arrow frame becomes named columns of one kind each."""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.errors import DataError, lookup, message, require

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "#N/A", "?", "-"})
"""What a cell of text says where it says nothing, besides blanks."""

FRAMES = {".parquet": "read_parquet", ".feather": "read_feather", ".arrow": "read_feather"}
"""What reads a file that holds a frame."""

DAY = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?Z?$")
"""How a day is written, or a moment: 2024-02-29, 2024-02-29 13:05."""

SAMPLE = 50
"""Lines that the delimiter is told from."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, in their order, each of as many rows.

    Attributes:
        columns: float64 numbers (NaN where missing), booleans, datetime64 (NaT where missing), or objects: text, None where missing.
        said: what was found out in reading, for people.
    """

    columns: dict[str, np.ndarray]
    said: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[lookup("table: column", name, {known: known for known in self.columns})]

    def rows(self, index: Any) -> Table:
        """Some of the rows."""
        return Table({name: column[index] for name, column in self.columns.items()}, self.said)

    def without(self, *names: str) -> Table:
        """All columns but those."""
        return Table({name: column for name, column in self.columns.items() if name not in names}, self.said)


def read(source: Any) -> Table:
    """The table in a file, or in a frame of pandas, polars or Arrow, or in plain dicts.

    Args:
        source: a path that ends in .csv, .tsv, .txt, .parquet, .feather or .arrow; or a frame; or columns by name, {"age": [22, 38]}; or
            rows, each a dict, or one such row; or a `Table`, which stays as it is.

    Raises:
        DataError: no such file, or one of another kind; no header, or a name given twice; a row of another length; no rows; columns
            of dates and times apart, anything that is neither number nor text.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, Mapping | list | tuple):
        return _frame(_plain(source))
    if not isinstance(source, str | Path):
        return _frame(source)
    path, kind = Path(source), Path(source).suffix.lower()
    known = (".csv", ".tsv", ".txt", *FRAMES)
    require(kind in known, "table", f"a file that ends in {', '.join(known)}", error=DataError, path=str(path))
    require(path.is_file(), "table", "a file that exists", error=DataError, path=str(path), fix=_near(path))
    if kind in FRAMES:
        import pandas

        try:
            return _frame(getattr(pandas, FRAMES[kind])(path))
        except ImportError as error:
            raise DataError(message("table", f"pyarrow, which reads {kind} files", path=str(path), fix="pip install pyarrow")) from error
    text, encoding = _decoded(path)
    return _text(path.name, text, encoding)


def _near(path: Path) -> str:
    names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _decoded(path: Path) -> tuple[str, str]:
    raw = path.read_bytes()
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            return raw.decode(encoding), encoding
    require(b"\0" not in raw, "table", "a file of text", error=DataError, path=str(path), fix="It holds zero bytes: it is something else.")
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1"), "latin-1"


def _text(name: str, text: str, encoding: str) -> Table:
    delimiter = _delimiter(text)
    header, rows = _cells(name, text, delimiter)
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    said = [f"{name}: {len(rows):,} rows, {len(header)} columns, parted by {DELIMITERS[delimiter]}"]
    said += [f"read as {encoding}, as it is not UTF-8"] if encoding in ("cp1252", "latin-1", "utf-16") else []
    if "" in columns:
        counts = [cell.strip() for cell in columns.pop("")]
        fix = "Give every column a name in the first line."
        counted = counts in ([str(i) for i in range(len(counts))], [str(i + 1) for i in range(len(counts))])
        require(counted and columns, name, "a name for every column", error=DataError, column=header.index("") + 1, fix=fix)
        said.append("the column without a name counts the rows: left out")
    return Table({key: _typed(cells, comma=delimiter == ";") for key, cells in columns.items()}, tuple(said))


def _delimiter(text: str) -> str:
    """The delimiter that parts the first lines into as many cells each, the most; commas where none does."""
    lines = [line for line in itertools.islice(io.StringIO(text), SAMPLE) if line.strip()]

    def cells(delimiter: str) -> int:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        size, times = counts.most_common(1)[0] if counts else (1, 0)
        return size if times > len(lines) / 2 else 1

    return max(DELIMITERS, key=cells)


def _cells(name: str, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: list[str] = []
    rows: list[list[str]] = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header = [cell.strip() for cell in row]
            continue
        if len(row) != len(header):
            fix = "A cell that holds the delimiter stands in quotes."
            place = {"line": reader.line_num, "cells": len(row), "first_cell": row[0][:30]}
            raise DataError(message(name, f"{len(header)} cells in every row, as in the header", **place, fix=fix))
        rows.append(row)
    require(header, name, "a table", error=DataError, characters=len(text), fix="The file is empty.")
    numeric = all(_is_number(cell) for cell in header)
    fix = "Write the names of the columns into the first line."
    require(not numeric, name, "a first line of column names", error=DataError, first_line=header[:5], fix=fix)
    twice = [cell for cell, times in Counter(header).items() if times > 1]
    require(not twice, name, "a name of its own for every column", error=DataError, twice=twice)
    require(rows, name, "rows below the header", error=DataError, rows=0)
    return header, rows


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _typed(cells: Sequence[str], comma: bool) -> np.ndarray:
    """A column of text as what it says: numbers, truths, days and times, or text."""
    values = np.array([cell.strip() for cell in cells], object)
    missing = np.array([value in MISSING for value in values])
    given = values[~missing]
    if not len(given):
        return np.full(len(values), np.nan)
    if {value.lower() for value in given} <= {"true", "false"}:
        return _filled(missing, [value.lower() == "true" for value in given], bool)
    for spelt in (given, [value.replace(",", ".") for value in given] if comma else given):
        if all(map(_is_number, spelt)):
            return _filled(missing, [float(value) for value in spelt], float)
    if all(map(DAY.match, given)):
        try:
            return _filled(missing, given.astype("datetime64[s]"), "datetime64[s]")
        except ValueError:
            pass
    values[missing] = None
    return values


def _filled(missing: np.ndarray, given: Any, kind: Any) -> np.ndarray:
    """The values given, and a gap where one is missing: NaN or NaT; truths with gaps become numbers, 0 and 1."""
    kind = float if kind is bool and missing.any() else kind
    column = np.full(len(missing), np.nan if kind is float else 0, kind) if kind is not bool else np.zeros(len(missing), bool)
    column[~missing] = given
    if np.dtype(kind).kind == "M":
        column[missing] = np.datetime64("NaT", "s")
    return column


def _plain(source: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
    """Columns or rows that are dicts as a frame."""
    import pandas

    one = isinstance(source, Mapping) and all(isinstance(value, str) or np.ndim(value) == 0 for value in source.values())
    try:
        return pandas.DataFrame([source] if one else source)
    except ValueError as error:
        raise DataError(message("table", "columns of one length each", problem=str(error))) from error


def _frame(source: Any) -> Table:
    import narwhals.stable.v1 as nw

    names = [str(name) for name in getattr(source, "columns", [])]
    twice = [name for name, times in Counter(names).items() if times > 1]
    require(not twice, "table", "a name of its own for every column", error=DataError, twice=twice)
    try:
        frame = nw.from_native(source, eager_only=True)
    except TypeError as error:
        kind = type(source).__name__
        raise DataError(message("table", "a path, or a frame of pandas, polars or Arrow", received=kind)) from error
    require(len(frame) and frame.columns, "table", "rows and columns", error=DataError, shape=frame.shape)
    return Table({str(column.name): _column(str(column.name), column) for column in frame.iter_columns()})


def _column(name: str, column: Any) -> np.ndarray:
    import narwhals.stable.v1 as nw

    gaps = column.is_null().to_numpy().astype(bool)
    if column.dtype == nw.Boolean:
        return _filled(gaps, column.filter(~column.is_null()).to_numpy().astype(bool), bool)
    if column.dtype.is_numeric():
        return np.array(column.cast(nw.Float64).fill_null(np.nan).to_numpy(), float)
    if column.dtype in (nw.Date, nw.Datetime):
        return column.cast(nw.Datetime("us")).to_numpy().astype("datetime64[s]")
    values = column.to_list()
    given = [value for value in values if value is not None and value == value]
    for kind, types in ((bool, bool | np.bool_), (float, int | float | np.number)):
        if given and all(isinstance(value, types) for value in given):
            return _filled(np.array([value is None or value != value for value in values]), given, kind)
    strange = next((value for value in given if not isinstance(value, str | int | float | bool | np.generic)), None)
    expected = f"numbers, text, truths or dates in column {name!r}"
    require(strange is None, "table", expected, error=DataError, type=type(strange).__name__)
    return np.array([None if value is None or value != value or value in MISSING else str(value).strip() for value in values], object)
