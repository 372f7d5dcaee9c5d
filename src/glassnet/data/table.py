"""Tables in: a CSV file, a Parquet or Arrow file, or a pandas, polars or Arrow frame becomes named
columns of one kind each.
"""

from __future__ import annotations

import datetime
import decimal as decimals
import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data.csv_reader import parse_csv
from glassnet.data.parsing import NA_VALUES, format_exact, parse_column, with_missing
from glassnet.errors import DataError, lookup, message, require

FRAME_READERS = {".parquet": "read_parquet", ".feather": "read_feather", ".arrow": "read_feather"}
"""What reads a file that holds a frame."""

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", *FRAME_READERS)
"""How files of tables end."""

FRAME_HINTS = {
    "Series": "Write series.to_frame(); or, for one row of a frame, frame.iloc[[0]].",
    "LazyFrame": "Write frame.collect().",
    "RecordBatch": "Write pyarrow.Table.from_batches([batch]).",
    "ndarray": "Give the columns names: pandas.DataFrame(array, columns=[...]).",
}
"""What to write instead of what is nearly a frame."""

MAX_EXACT_INT = 2**53
"""Whole numbers from here on are not all float64: they are kept as text, being names rather than
quantities.
"""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, in their order, each of as many rows.

    Attributes:
        columns: float64 numbers (NaN where missing), booleans, datetime64 (NaT where missing), or
            objects: text, None where missing.
        messages: what was found out in reading, for people.
        decimal: the decimal sign of a file whose text may, of fewer rows, say numbers or days; None
            where text is meant as such.
    """

    columns: dict[str, np.ndarray]
    messages: tuple[str, ...] = ()
    decimal: str | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> np.ndarray:
        return lookup("table: column", name, self.columns)

    def take(self, index: Any) -> Table:
        """Some of the rows: what the cells of a file say there, whatever the others do."""
        columns = {name: column[index] for name, column in self.columns.items()}
        if self.decimal:
            columns = {
                name: parse_column(column, self.decimal) if column.dtype.kind == "O" else column
                for name, column in columns.items()
            }
        return Table(columns, self.messages, self.decimal)

    def drop(self, *names: str) -> Table:
        """All columns but those."""
        return Table(
            {name: column for name, column in self.columns.items() if name not in names},
            self.messages,
            self.decimal,
        )


def is_table_file(name: str) -> bool:
    """Return whether a name ends as a table's file does, or is the path of a file."""
    return Path(name).suffix.lower() in TABLE_SUFFIXES or Path(name).is_file()


def read_table(source: Any) -> Table:
    """The table in a file, or in a frame of pandas, polars or Arrow, or in plain dicts.

    Args:
        source: a path that ends in .csv, .tsv, .txt, .parquet, .feather or .arrow; or a frame; or
            columns by name, {"age": [22, 38]}; or rows, each a dict, or one such row; or a `Table`,
            which stays as it is. Durations count in seconds; moments are those of the clock in
            their own zone.

    Raises:
        DataError: no such file, or one of another kind; no header, or a name given twice; a row of
            another length; no rows; columns that are neither numbers nor text, truths, days or
            durations.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, Mapping | list | tuple):
        return _table_from_frame(_frame_from_dicts(source))
    if not isinstance(source, str | Path):
        return _table_from_frame(source)
    path, kind = Path(source), Path(source).suffix.lower()
    fix = "Images are read by glassnet.data.images_from_folder." if path.is_dir() else ""
    require(
        kind in TABLE_SUFFIXES,
        "table",
        f"a file that ends in {', '.join(TABLE_SUFFIXES)}",
        error=DataError,
        path=str(path),
        fix=fix,
    )
    require(
        path.is_file(),
        "table",
        "a file that exists",
        error=DataError,
        path=str(path),
        fix=_suggest_file(path),
    )
    if kind in FRAME_READERS:
        return _table_from_frame(_read_frame_file(path, kind))
    return Table(*parse_csv(path.name, path.read_bytes()))


def _suggest_file(path: Path) -> str:
    names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _read_frame_file(path: Path, suffix: str) -> Any:
    import pandas

    try:
        return getattr(pandas, FRAME_READERS[suffix])(path)
    except ImportError as error:
        raise DataError(
            message(
                "table",
                f"pyarrow, which reads {suffix} files",
                path=str(path),
                fix="pip install pyarrow",
            )
        ) from error
    except (OSError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(
            message(
                "table", f"a file that holds what {suffix} says", path=str(path), problem=problem
            )
        ) from error


def _frame_from_dicts(source: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
    """Columns or rows that are dicts as a frame."""
    import pandas

    one = isinstance(source, Mapping) and all(
        isinstance(value, str) or np.ndim(value) == 0 for value in source.values()
    )
    try:
        return pandas.DataFrame([source] if one else source)
    except ValueError as error:
        raise DataError(
            message("table", "columns of one length each", problem=str(error))
        ) from error


def _table_from_frame(source: Any) -> Table:
    import narwhals.stable.v1 as nw

    kind = type(source).__name__
    expected = "a path, or a frame of pandas, polars or Arrow"
    require(
        kind not in FRAME_HINTS,
        "table",
        expected,
        error=DataError,
        received=kind,
        fix=FRAME_HINTS.get(kind, ""),
    )
    named = getattr(source, "column_names", None) or list(getattr(source, "columns", []))
    twice = [name for name, times in Counter(map(str, named)).items() if times > 1]
    require(
        not twice,
        "table",
        "a name of its own for every column",
        error=DataError,
        twice=twice,
        fix="Rename or delete one of them.",
    )
    levels = getattr(getattr(source, "columns", None), "nlevels", 1)
    fix = 'Join the levels: frame.columns = ["_".join(map(str, name)) for name in frame.columns].'
    require(
        levels == 1, "table", "columns of one name each", error=DataError, levels=levels, fix=fix
    )
    try:
        frame = nw.from_native(source, eager_only=True)
    except TypeError as error:
        raise DataError(message("table", expected, received=kind)) from error
    require(
        len(frame) and frame.columns,
        "table",
        "rows and columns",
        error=DataError,
        shape=frame.shape,
    )
    columns = {
        str(column.name): _column_to_array(str(column.name), column)
        for column in frame.iter_columns()
    }
    said = [
        f'{name}: a category of numbers, counted as numbers; column_types={{"{name}": "category"}} takes them for levels'
        for name, dtype in zip(columns, frame.schema.values(), strict=True)
        if dtype in (nw.Categorical, nw.Enum) and columns[name].dtype.kind == "f"
    ]
    return Table(columns, (*_index_messages(getattr(source, "index", None)), *said))


def _index_messages(index: Any) -> tuple[str, ...]:
    """What is said of a pandas index that may hold more than the rows' numbers."""
    names = [name for name in getattr(index, "names", []) if name is not None]
    if not names and getattr(getattr(index, "dtype", None), "kind", "i") in "iu":
        return ()
    called = f" {', '.join(map(str, names))}" if names else ""
    return (f"the frame's index{called} is left out; frame.reset_index() makes a column of it",)


def _column_to_array(name: str, column: Any) -> np.ndarray:
    import narwhals.stable.v1 as nw

    gaps = column.is_null().to_numpy().astype(bool)
    kind = column.dtype
    if kind == nw.Boolean:
        return with_missing(gaps, column.filter(~column.is_null()).to_numpy().astype(bool), bool)
    if kind.is_numeric():
        if (
            kind.is_integer()
            and not gaps.all()
            and max(column.max(), -column.min()) >= MAX_EXACT_INT
        ):
            return _objects_to_array(name, column.to_list(), gaps, as_text=True)
        return np.array(column.cast(nw.Float64).fill_null(np.nan).to_numpy(), float)
    if kind == nw.Datetime:
        return (
            column.dt.replace_time_zone(None)
            .cast(nw.Datetime("us"))
            .to_numpy()
            .astype("datetime64[s]")
        )
    if kind == nw.Date:
        return column.cast(nw.Datetime("us")).to_numpy().astype("datetime64[s]")
    return _objects_to_array(name, column.to_list(), gaps)


def _objects_to_array(
    name: str, values: list, missing: np.ndarray, as_text: bool = False
) -> np.ndarray:
    """A column of anything, by what it holds."""
    missing = missing | np.array(
        [isinstance(value, float) and value != value for value in values], bool
    )
    given = [value for value, gone in zip(values, missing, strict=True) if not gone]

    def all_are(kinds: Any) -> bool:
        return bool(given) and all(isinstance(value, kinds) for value in given)

    if all_are(bool | np.bool_):
        return with_missing(missing, given, bool)
    if not as_text and all_are(int | float | np.number | decimals.Decimal):
        return with_missing(missing, [float(value) for value in given], float)
    if all_are(datetime.date):
        return with_missing(
            missing,
            [np.datetime64(value.isoformat()[:19], "s") for value in given],
            "datetime64[s]",
        )
    if all_are(datetime.timedelta | np.timedelta64):
        return with_missing(
            missing, [value / np.timedelta64(1, "s") for value in map(np.timedelta64, given)], float
        )
    plain = str | int | float | bool | np.generic | decimals.Decimal
    strange = next((value for value in given if not isinstance(value, plain)), None)
    expected = f"numbers, text, truths or dates in column {name!r}"
    fix = f"Make columns of what it holds, or drop it: frame.drop(columns={name!r})."
    require(
        strange is None,
        "table",
        expected,
        error=DataError,
        type=type(strange).__name__,
        example=strange,
        fix=fix,
    )
    cells = [
        None if gone else _format_cell(value) for value, gone in zip(values, missing, strict=True)
    ]
    column = np.empty(len(cells), object)
    column[:] = [None if cell in NA_VALUES else cell for cell in cells]
    return column


def _format_cell(value: Any) -> str:
    return (
        format_exact(float(value))
        if isinstance(value, float | np.floating) and np.isfinite(value)
        else str(value).strip()
    )
