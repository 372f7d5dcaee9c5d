"""Data of the user: an uploaded table, or the arrays and tables that a program passes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from glassnet.data.csv_reader import parse_csv
from glassnet.data.frames import is_frame
from glassnet.data.images import Images
from glassnet.data.table import (
    CSV_SUFFIXES,
    FRAME_READERS,
    PACKED_SUFFIXES,
    PANDAS_READERS,
    Table,
    is_table,
    read_table,
)
from glassnet.errors import DataError, lookup, message, require
from glassnet.models.default_layers import MAX_INTEGER_CLASSES
from glassnet.studio_app.own_code import (
    YOUR_ARRAYS,
    YOUR_TABLE,
    YOUR_TEST,
    YOUR_TEST_ARRAYS,
    write_conversion,
    write_images,
    write_labels,
    write_table,
)

MAX_UPLOAD_BYTES = 32_000_000
"""Limit of the size of an uploaded file."""

MAX_ROWS, MAX_COLUMNS = 100_000, 2_000
"""Limits of own data. Of more rows, a random part is used; more columns are refused."""

MAX_CLASSES = 100
"""Limit of the number of classes of own data."""

Rows: TypeAlias = "tuple[np.ndarray, np.ndarray] | Table"
"""Inputs and targets, or a table with the target."""


@dataclass(frozen=True, eq=False)
class OwnData:
    """Data of the user, read and checked.

    Attributes:
        name: name of the file, or what else to call the data.
        rows: inputs and targets, or a table.
        target: name of the target column of a table; None for the last.
        validation: rows to test on; None if they are split off.
        feature_names: names of the columns of an array.
        class_names: names of the classes; empty for numbers. A table finds its own.
        messages: how the data were read.
        code: lines of Python that define `table`, or x and y, and the same of test rows.
    """

    name: str
    rows: Rows
    target: str | None = None
    validation: Rows | None = None
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    code: tuple[str, ...] = ()


def read_upload(name: str, raw: bytes, target: str | None = None) -> OwnData:
    """Return an uploaded table.

    Args:
        name: name of the file, of which only the suffix matters.
        raw: contents of the file.
        target: name of the target column; None for the last.

    Raises:
        DataError: a file that is too large, of another kind, or no table; see `read_table`.
    """
    suffix, name = Path(name).suffix.lower(), Path(name.replace("\\", "/")).name
    fix = "Use a part of its rows."
    expected = f"a file of at most {MAX_UPLOAD_BYTES // 10**6} MB"
    fits = len(raw) <= MAX_UPLOAD_BYTES
    require(fits, "studio", expected, error=DataError, bytes=len(raw), fix=fix)
    known = (*CSV_SUFFIXES, *FRAME_READERS)
    expected = f"a table: a file that ends in {', '.join(known)}"
    fix = _suggest_file(suffix)
    require(suffix in known, "studio", expected, error=DataError, name=name, fix=fix)
    if suffix in CSV_SUFFIXES:
        table = Table(*parse_csv(name, raw))
    else:
        table = _parse_frame(name, raw, suffix)
    line = f"{write_table('table', name, '')}  # the file that you opened"
    return replace(_own_table(name, table, target), code=(line,))


def _suggest_file(suffix: str) -> str:
    """Return what to do with a file of another kind."""
    if suffix in PACKED_SUFFIXES:
        return "It is compressed: unpack it first."
    if PANDAS_READERS.get(suffix) == "read_excel":
        return "Save the sheet as CSV: in Excel, File, Save As, CSV UTF-8."
    if suffix in PANDAS_READERS:
        return "Save the table as CSV with the program that wrote it, or with pandas."
    return ""


def _parse_frame(name: str, raw: bytes, suffix: str) -> Table:
    """Read a Parquet or Arrow file; whatever pandas or pyarrow raises becomes a `DataError`."""
    try:
        import pandas

        frame = getattr(pandas, FRAME_READERS[suffix])(io.BytesIO(raw))
    except ImportError as error:
        expected, fix = f"pyarrow, which reads {suffix} files", "pip install pyarrow"
        raise DataError(message("studio", expected, name=name, fix=fix)) from error
    except Exception as error:
        expected = f"a valid {suffix} file"
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(message("studio", expected, name=name, problem=problem)) from error
    return read_table(frame)


def own_data(
    x: Any,
    y: Any = None,
    *,
    target: str | None = None,
    validation_data: Any = None,
    name: str = "your data",
    code: tuple[str, ...] = (),
) -> OwnData:
    """Return the data of a program, checked.

    Args:
        x: an array, a table (a frame, a dict of columns or the path of a file), or `Images`.
        y: the targets of an array.
        target: name of the target column of a table.
        validation_data: rows to test on: (x, y), or a table.
        name: what to call the data.
        code: lines of Python that define them; () for a path, and for lines to complete.

    Raises:
        DataError: data that are not in memory, such as streams and memory maps; other shapes than
            one target per row; too many columns or classes.

    Example:
        >>> own_data([[0.0, 1.0], [1.0, 0.0]], [0, 1]).class_names
        ('0', '1')
    """
    _require_memory(x)
    if isinstance(x, Images):
        return _own_images(name, x, validation_data, code)
    if y is not None or not is_table(x):
        return _own_arrays(name, x, y, validation_data, code)
    if isinstance(x, str | Path):
        name = Path(x).name if name == "your data" else name
    own, line = _own_table(name, read_table(x), target), write_table("table", x, YOUR_TABLE)
    if validation_data is None:
        return replace(own, code=code or (line,))
    code = code or (line, write_table("test", validation_data, YOUR_TEST))
    return replace(own, validation=read_table(validation_data), code=code)


def _own_arrays(name: str, x: Any, y: Any, validation_data: Any, code: tuple[str, ...]) -> OwnData:
    features, targets, names = _to_arrays(x, y)
    labels, class_names = _to_classes(targets)
    own = OwnData(name, (features, labels), None, None, names, class_names)
    lines = write_conversion("x", x, features)
    if validation_data is None:
        lines += write_labels(y, labels)
        return replace(own, code=(*(code or (YOUR_ARRAYS,)), *lines))
    x_test, y_test = _read_validation(validation_data, features)
    test_labels = _encode_like(y_test, class_names)
    lines += write_conversion("x_test", validation_data[0], x_test)
    lines += write_labels(y, labels, validation_data[1], test_labels)
    code = (*(code or (YOUR_ARRAYS, YOUR_TEST_ARRAYS)), *lines)
    return replace(own, validation=(x_test, test_labels), code=code)


def _read_validation(validation_data: Any, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of test rows, whose shape is that of the training rows."""
    expected = "validation_data as (x, y)"
    fits = isinstance(validation_data, list | tuple) and len(validation_data) == 2
    kind = type(validation_data).__name__
    require(fits, "studio", expected, error=DataError, validation_data=kind)
    x_test, y_test, _ = _to_arrays(*validation_data)
    expected = f"test rows of shape {features.shape[1:]}, as the training rows"
    fits = x_test.shape[1:] == features.shape[1:]
    require(fits, "studio", expected, error=DataError, shape=x_test.shape[1:])
    return x_test, y_test


def _own_table(name: str, table: Table, target: str | None) -> OwnData:
    n = len(table.columns)
    expected = "a table of at least two columns: an input and the target"
    require(n >= 2, "studio", expected, error=DataError, columns=list(table.columns))
    expected, fix = f"at most {MAX_COLUMNS:,} columns", "Leave columns out of the file."
    require(n <= MAX_COLUMNS, "studio", expected, error=DataError, columns=n, fix=fix)
    if target is not None:
        lookup("target", target, table.columns)
    return OwnData(name, table, target, messages=table.messages)


def _own_images(name: str, images: Images, validation: Any, code: tuple[str, ...]) -> OwnData:
    rows = (np.asarray(images.x), np.asarray(images.y))
    test = None if validation is None else (np.asarray(validation.x), np.asarray(validation.y))
    code = code or write_images(has_test=test is not None)
    return OwnData(name, rows, None, test, class_names=images.class_names, code=code)


def _require_memory(x: Any) -> None:
    fix = "Pass a part of the rows as an array: numpy.array(x[:10_000])."
    is_map = isinstance(x.x if isinstance(x, Images) else x, np.memmap)
    expected = "data in memory: the studio goes back and forth between steps"
    require(not is_map, "studio", expected, error=DataError, x="a memory map", fix=fix)
    is_stream = isinstance(x, Iterator) or (callable(x) and not hasattr(x, "__array__"))
    is_known = isinstance(x, np.ndarray | list | tuple | dict | str | Path | Table | Images)
    is_known = is_known or is_frame(x) or hasattr(x, "__array__")
    kind = type(x).__name__
    fits = is_known and not is_stream
    require(fits, "studio", expected, error=DataError, x=kind, fix=fix)


def _to_arrays(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Return inputs, targets and names of the columns of arrays, lists or a frame of numbers."""
    expected = "targets y for the rows of x"
    require(y is not None, "studio", expected, error=DataError, fix="Pass x and y.", y=None)
    columns = getattr(x, "columns", None)
    try:
        features = np.asarray(x)
    except ValueError as error:
        raise DataError(message("studio", "rows of equal length", problem=str(error))) from error
    if features.dtype == object and columns is not None:
        features = features.astype(float) if _is_numeric(features) else features
    fix = 'Pass a table with the target as a column: gn.studio(model, frame, target="label").'
    is_number = features.dtype.kind in "biuf"
    require(is_number, "studio", "numbers", error=DataError, x=str(features.dtype), fix=fix)
    if features.dtype != np.uint8 or features.ndim < 3:
        features = features.astype(np.float32)
    features = features[:, None] if features.ndim == 1 else features
    labels = np.asarray(y)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    fits = labels.shape[:1] == features.shape[:1] and len(features) >= 2 and labels.ndim <= 2
    expected = "one target per row, and at least two rows"
    require(fits, "studio", expected, error=DataError, x=features.shape, y=labels.shape)
    n_columns = features.shape[1] if features.ndim == 2 else 0
    expected = f"at most {MAX_COLUMNS:,} columns"
    require(n_columns <= MAX_COLUMNS, "studio", expected, error=DataError, columns=n_columns)
    is_finite = features.dtype.kind != "f" or bool(np.isfinite(features).all())
    fix = "Leave rows with missing values out, or pass a table, in which they are filled."
    require(is_finite, "studio", "finite numbers", error=DataError, x="NaN or infinity", fix=fix)
    names = tuple(map(str, columns)) if columns is not None and n_columns else ()
    return features, labels, names or tuple(f"x{i + 1}" for i in range(n_columns))


def _is_numeric(features: np.ndarray) -> bool:
    return all(isinstance(value, int | float | np.number) for value in features.ravel().tolist())


def _to_classes(y: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return targets as class indices or numbers, and the names of the classes."""
    if y.ndim == 2:
        is_one_hot = bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())
        fix = "Train with one of the targets."
        expected = "one target per row, or one-hot labels"
        require(is_one_hot, "studio", expected, error=DataError, y=y.shape, fix=fix)
        y = y.argmax(axis=1)
    if y.dtype.kind in "UOb":
        names = np.unique(y.astype(str))
        _require_classes(len(names))
        return _encode_like(y, tuple(names.tolist())), tuple(names.tolist())
    require(bool(np.isfinite(y).all()), "studio", "finite targets", error=DataError, y="NaN")
    if are_class_indices(y) and (y.dtype.kind in "iu" or y.max() <= 1):
        values = np.unique(y)
        if len(values) <= MAX_INTEGER_CLASSES or len(values) == values[-1] + 1:
            return number_classes(y)
    return y.astype(np.float32), ()


def are_class_indices(y: np.ndarray) -> bool:
    """Return whether numbers are integers from 0 to at most `MAX_CLASSES` - 1."""
    return bool((y == np.round(y)).all() and y.min() >= 0 and y.max() < MAX_CLASSES)


def number_classes(y: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return class indices, and their names: the numbers themselves."""
    n_classes = max(int(y.max()) + 1, 2)
    return y.astype(np.int64), tuple(map(str, range(n_classes)))


def _require_classes(n: int) -> None:
    fits = 2 <= n <= MAX_CLASSES
    require(fits, "studio", f"2 to {MAX_CLASSES} classes", error=DataError, classes=n)


def _encode_like(y: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Return targets in the form of others that have these classes."""
    if not class_names:
        return y.astype(np.float32)
    y = y.argmax(axis=1) if y.ndim == 2 else y
    if y.dtype.kind in "iuf":
        return y.astype(np.int64)
    return encode_classes(y.astype(str), class_names, "studio")


def encode_classes(values: np.ndarray, classes: Sequence[Any], who: str) -> np.ndarray:
    """Return the index of the class of each value.

    Args:
        values: names or numbers of classes.
        classes: those of the training rows, in their order.
        who: what an error is about.

    Raises:
        DataError: a value is none of the classes.

    Example:
        >>> encode_classes(np.array([7, 3, 7]), [3, 7], "target").tolist()
        [1, 0, 1]
    """
    codes = {each: code for code, each in enumerate(classes)}
    unknown = [value for value in dict.fromkeys(values.tolist()) if value not in codes]
    expected = f"classes of the training rows, {classes[:6]}"
    require(not unknown, who, expected, error=DataError, others=unknown[:3])
    return np.array([codes[value] for value in values.tolist()], np.int64)
