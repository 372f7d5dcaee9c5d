"""Frames of pandas, polars and Arrow, and what to write for objects of libraries that are no rows.

Nothing here imports those libraries: objects are recognized by the modules of their classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.data.arrays import to_array
from glassnet.data.conversions import suggest_conversion
from glassnet.errors import DataError, message, require

FRAME_HINTS = {
    "Series": "Write series.to_frame(); or, for one row of a frame, frame.iloc[[0]].",
    "ndarray": "Name the columns: pandas.DataFrame(array, columns=[...]).",
}
"""How to convert objects that are almost a frame, by type name."""

FRAME_EXPECTED = "a path, or a frame of pandas, polars or Arrow"

SURROGATE_FIX = 'Repair it: text.encode("utf-8", "replace").decode().'


def is_frame(x: Any) -> bool:
    """Return whether x is a frame in memory: of pandas or polars, or an Arrow table or batch.

    Any class with a property `columns` counts as one. Ray's `Dataset` has a method of that name,
    and Dask's frames are not in memory.

    Example:
        >>> import pandas
        >>> is_frame(pandas.DataFrame({"age": [22]})), is_frame({"age": [22]})
        (True, False)
    """
    kind = type(x)
    columns = getattr(kind, "columns", None)
    has_columns = columns is not None and not callable(columns)
    return has_columns and not hasattr(kind, "with_format") and not suggest_conversion(x)


def open_frame(frame: Any) -> Any:
    """Return the frame as one of narwhals, which has the same methods for all libraries.

    Raises:
        DataError: it is no frame in memory, or two columns have one name, or names have levels.
    """
    import narwhals.stable.v1 as nw

    _check_frame(frame)
    if type(frame).__name__ == "RecordBatch":
        import pyarrow

        frame = pyarrow.Table.from_batches([frame])
    try:
        return nw.from_native(frame, eager_only=True)
    except TypeError as error:
        received = type(frame).__name__
        raise DataError(message("table", FRAME_EXPECTED, received=received)) from error


def split_columns(frame: Any) -> dict[Any, np.ndarray]:
    """Return the columns of a frame as arrays, by name. Cells that are lists become an axis.

    Raises:
        DataError: see `open_frame`; lists of different lengths in one column.

    Example:
        >>> import pandas
        >>> columns = split_columns(pandas.DataFrame({"x": [[1, 2], [3, 4]], "y": [0, 1]}))
        >>> columns["x"].shape, columns["y"].shape
        ((2, 2), (2,))
    """
    return {column.name: _to_array(column) for column in open_frame(frame).iter_columns()}


def _to_array(column: Any) -> np.ndarray:
    name = str(column.name)
    array = to_array(column.to_native(), name)
    is_nested = array.dtype == object and array.size and isinstance(array[0], list | np.ndarray)
    return to_array(column.to_list(), name) if is_nested else array


def check_encodable(who: str, texts: Sequence[str]) -> None:
    """Refuse text that no file can hold: half of a surrogate pair.

    Raises:
        DataError: with the first such text.
    """
    try:
        "\n".join(texts).encode()
    except UnicodeEncodeError as error:
        text = next(
            text for text in texts if any("\ud800" <= letter <= "\udfff" for letter in text)
        )
        expected = "text that UTF-8 can write"
        raise DataError(message(who, expected, text=text[:40], fix=SURROGATE_FIX)) from error


def _check_frame(source: Any) -> None:
    """Refuse objects that are almost a frame, duplicate column names, and column levels."""
    kind = type(source).__name__
    fix = suggest_conversion(source) or FRAME_HINTS.get(kind, "")
    require(not fix, "table", FRAME_EXPECTED, error=DataError, received=kind, fix=fix)
    columns = getattr(source, "columns", ())
    names = getattr(source, "column_names", None) or (() if callable(columns) else list(columns))
    check_encodable("table", list(map(str, names)))
    duplicates = [name for name, count in Counter(map(str, names)).items() if count > 1]
    require(
        not duplicates,
        "table",
        "a unique name for each column",
        error=DataError,
        duplicates=duplicates,
        fix="Rename or delete one of them.",
    )
    levels = getattr(columns, "nlevels", 1)
    require(
        levels == 1,
        "table",
        "columns with one level of names",
        error=DataError,
        levels=levels,
        fix="Join the levels: "
        'frame.columns = ["_".join(map(str, name)) for name in frame.columns].',
    )
