"""Tables in: a CSV file, a Parquet or Arrow file, or a pandas, polars or Arrow frame becomes named columns of one kind each."""

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

from glassnet.data.csv_reader import parse
from glassnet.data.parsing import MISSING, filled, spelt, typed
from glassnet.errors import DataError, lookup, message, require

FRAMES = {".parquet": "read_parquet", ".feather": "read_feather", ".arrow": "read_feather"}
"""What reads a file that holds a frame."""

SUFFIXES = (".csv", ".tsv", ".txt", *FRAMES)
"""How files of tables end."""

REMEDIES = {
    "Series": "Write series.to_frame(); or, for one row of a frame, frame.iloc[[0]].",
    "LazyFrame": "Write frame.collect().",
    "RecordBatch": "Write pyarrow.Table.from_batches([batch]).",
    "ndarray": "Give the columns names: pandas.DataFrame(array, columns=[...]).",
}
"""What to write instead of what is nearly a frame."""

EXACT = 2**53
"""Whole numbers from here on are not all float64: they are kept as text, being names rather than quantities."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns by name, in their order, each of as many rows.

    Attributes:
        columns: float64 numbers (NaN where missing), booleans, datetime64 (NaT where missing), or objects: text, None where missing.
        said: what was found out in reading, for people.
        decimal: the decimal sign of a file whose text may, of fewer rows, say numbers or days; None where text is meant as such.
    """

    columns: dict[str, np.ndarray]
    said: tuple[str, ...] = ()
    decimal: str | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> np.ndarray:
        return lookup("table: column", name, self.columns)

    def rows(self, index: Any) -> Table:
        """Some of the rows: what the cells of a file say there, whatever the others do."""
        columns = {name: column[index] for name, column in self.columns.items()}
        if self.decimal:
            columns = {name: typed(column, self.decimal) if column.dtype.kind == "O" else column for name, column in columns.items()}
        return Table(columns, self.said, self.decimal)

    def without(self, *names: str) -> Table:
        """All columns but those."""
        return Table({name: column for name, column in self.columns.items() if name not in names}, self.said, self.decimal)


def read(source: Any) -> Table:
    """The table in a file, or in a frame of pandas, polars or Arrow, or in plain dicts.

    Args:
        source: a path that ends in .csv, .tsv, .txt, .parquet, .feather or .arrow; or a frame; or columns by name, {"age": [22, 38]}; or
            rows, each a dict, or one such row; or a `Table`, which stays as it is. Durations count in seconds; moments are those of the
            clock in their own zone.

    Raises:
        DataError: no such file, or one of another kind; no header, or a name given twice; a row of another length; no rows; columns
            that are neither numbers nor text, truths, days or durations.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, Mapping | list | tuple):
        return _frame(_plain(source))
    if not isinstance(source, str | Path):
        return _frame(source)
    path, kind = Path(source), Path(source).suffix.lower()
    fix = "Images are read by glassnet.data.images_from_folder." if path.is_dir() else ""
    require(kind in SUFFIXES, "table", f"a file that ends in {', '.join(SUFFIXES)}", error=DataError, path=str(path), fix=fix)
    require(path.is_file(), "table", "a file that exists", error=DataError, path=str(path), fix=_near(path))
    if kind in FRAMES:
        return _frame(_opened(path, kind))
    return Table(*parse(path.name, path.read_bytes()))


def _near(path: Path) -> str:
    names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _opened(path: Path, kind: str) -> Any:
    import pandas

    try:
        return getattr(pandas, FRAMES[kind])(path)
    except ImportError as error:
        raise DataError(message("table", f"pyarrow, which reads {kind} files", path=str(path), fix="pip install pyarrow")) from error
    except (OSError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(message("table", f"a file that holds what {kind} says", path=str(path), problem=problem)) from error


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

    kind = type(source).__name__
    expected = "a path, or a frame of pandas, polars or Arrow"
    require(kind not in REMEDIES, "table", expected, error=DataError, received=kind, fix=REMEDIES.get(kind, ""))
    named = getattr(source, "column_names", None) or list(getattr(source, "columns", []))
    twice = [name for name, times in Counter(map(str, named)).items() if times > 1]
    require(not twice, "table", "a name of its own for every column", error=DataError, twice=twice, fix="Rename or delete one of them.")
    levels = getattr(getattr(source, "columns", None), "nlevels", 1)
    fix = 'Join the levels: frame.columns = ["_".join(map(str, name)) for name in frame.columns].'
    require(levels == 1, "table", "columns of one name each", error=DataError, levels=levels, fix=fix)
    try:
        frame = nw.from_native(source, eager_only=True)
    except TypeError as error:
        raise DataError(message("table", expected, received=kind)) from error
    require(len(frame) and frame.columns, "table", "rows and columns", error=DataError, shape=frame.shape)
    columns = {str(column.name): _column(str(column.name), column) for column in frame.iter_columns()}
    said = [
        f'{name}: a category of numbers, counted as numbers; columns={{"{name}": "category"}} takes them for levels'
        for name, dtype in zip(columns, frame.schema.values(), strict=True)
        if dtype in (nw.Categorical, nw.Enum) and columns[name].dtype.kind == "f"
    ]
    return Table(columns, (*_index(getattr(source, "index", None)), *said))


def _index(index: Any) -> tuple[str, ...]:
    """What is said of a pandas index that may hold more than the rows' numbers."""
    names = [name for name in getattr(index, "names", []) if name is not None]
    if not names and getattr(getattr(index, "dtype", None), "kind", "i") in "iu":
        return ()
    called = f" {', '.join(map(str, names))}" if names else ""
    return (f"the frame's index{called} is left out; frame.reset_index() makes a column of it",)


def _column(name: str, column: Any) -> np.ndarray:
    import narwhals.stable.v1 as nw

    gaps = column.is_null().to_numpy().astype(bool)
    kind = column.dtype
    if kind == nw.Boolean:
        return filled(gaps, column.filter(~column.is_null()).to_numpy().astype(bool), bool)
    if kind.is_numeric():
        if kind.is_integer() and not gaps.all() and max(column.max(), -column.min()) >= EXACT:
            return _objects(name, column.to_list(), gaps, text=True)
        return np.array(column.cast(nw.Float64).fill_null(np.nan).to_numpy(), float)
    if kind == nw.Datetime:
        return column.dt.replace_time_zone(None).cast(nw.Datetime("us")).to_numpy().astype("datetime64[s]")
    if kind == nw.Date:
        return column.cast(nw.Datetime("us")).to_numpy().astype("datetime64[s]")
    return _objects(name, column.to_list(), gaps)


def _objects(name: str, values: list, gaps: np.ndarray, text: bool = False) -> np.ndarray:
    """A column of anything, by what it holds."""
    gaps = gaps | np.array([isinstance(value, float) and value != value for value in values], bool)
    given = [value for value, gone in zip(values, gaps, strict=True) if not gone]

    def all_are(kinds: Any) -> bool:
        return bool(given) and all(isinstance(value, kinds) for value in given)

    if all_are(bool | np.bool_):
        return filled(gaps, given, bool)
    if not text and all_are(int | float | np.number | decimals.Decimal):
        return filled(gaps, [float(value) for value in given], float)
    if all_are(datetime.date):
        return filled(gaps, [np.datetime64(value.isoformat()[:19], "s") for value in given], "datetime64[s]")
    if all_are(datetime.timedelta | np.timedelta64):
        return filled(gaps, [value / np.timedelta64(1, "s") for value in map(np.timedelta64, given)], float)
    plain = str | int | float | bool | np.generic | decimals.Decimal
    strange = next((value for value in given if not isinstance(value, plain)), None)
    expected = f"numbers, text, truths or dates in column {name!r}"
    fix = f"Make columns of what it holds, or drop it: frame.drop(columns={name!r})."
    require(strange is None, "table", expected, error=DataError, type=type(strange).__name__, example=strange, fix=fix)
    cells = [None if gone else _spelt(value) for value, gone in zip(values, gaps, strict=True)]
    column = np.empty(len(cells), object)
    column[:] = [None if cell in MISSING else cell for cell in cells]
    return column


def _spelt(value: Any) -> str:
    return spelt(float(value)) if isinstance(value, float | np.floating) and np.isfinite(value) else str(value).strip()
