"""Checks of arrays: numeric dtype, finite values, shapes, lengths and sample weights."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from glassnet.data.conversions import require_rows
from glassnet.errors import (
    MAX_FLOAT32,
    MIN_FLOAT32,
    DataError,
    is_number,
    message,
    require,
    wrap_errors,
)
from glassnet.partial_shapes import is_known, shape_fits
from glassnet.types import PartialShape, Shape

BLOCK_BYTES = 2**18
"""Size of the blocks in which large arrays are checked: small enough for a core's cache."""

MAX_LIST_DEPTH, MAX_SEARCHED = 64, 10**6
"""Limits of the search for masked arrays in lists: levels, and items in a level."""


def check_numeric(value: Any, name: str) -> np.ndarray:
    """Return `value` as an array of booleans, integers or finite floats with at least one row.

    Raises:
        DataError: `value` is ragged, empty or masked; it holds objects or text, integers beyond
            2^31, NaN or infinity (the message names the first columns and the count).
    """
    array = to_array(value, name)
    if array.dtype.kind not in "biuf":
        fix = _dtype_fix(array, name)
        raise DataError(message(name, "numbers", dtype=str(array.dtype), fix=fix))
    require(
        array.ndim and array.size,
        name,
        "at least one row with at least one number",
        error=DataError,
        shape=array.shape,
    )
    if array.dtype.kind in "iu":
        largest = max(int(array.max()), -int(array.min()))
        require(
            largest < 2**31,
            name,
            "integers below 2^31",
            error=DataError,
            largest=largest,
            fix="Scale them, or pass them as floats.",
        )
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(np.float32, copy=False)
        _require_finite(array, name)
    return array


def to_array(value: Any, name: str) -> np.ndarray:
    """Convert to a NumPy array; JAX's small float and integer types become float32.

    Raises:
        DataError: `value` is masked or ragged, or NumPy cannot convert it.
    """
    if type(value) is np.ndarray and value.dtype.kind in "biuf":
        return value
    require_unmasked(value, name)
    require_rows(value, name)
    expected = "something that NumPy reads as an array"
    with wrap_errors(name, expected, type=type(value).__name__):
        try:
            array = np.asarray(value)
        except ValueError as error:
            if "inhomogeneous" not in str(error):
                raise
            problem, fix = str(error).split(". ")[0], "Pad or cut them to one length."
            text = message(name, "rows of equal length", problem=problem, fix=fix)
            raise DataError(text) from error
        if array.dtype.kind == "O" and hasattr(value, "__array__"):
            array = _frame_to_array(value, array)
    small = ("bfloat16", "float8", "int4", "uint4")
    if array.dtype.kind == "V" and array.dtype.name.startswith(small):
        return array.astype(np.float32)
    return array


def _frame_to_array(value: Any, array: np.ndarray) -> np.ndarray:
    """Return a frame or series of numbers and booleans as float64, NaN if missing.

    NumPy makes objects of columns of several types. Anything else is returned as `array`.
    """
    import narwhals.stable.v1 as nw

    try:
        frame = nw.from_native(value, eager_only=True, allow_series=True)
    except TypeError:
        return array
    columns = [frame] if isinstance(frame, nw.Series) else list(frame.iter_columns())
    if not all(column.dtype.is_numeric() or column.dtype == nw.Boolean for column in columns):
        return array
    numbers = [column.cast(nw.Float64).to_numpy() for column in columns]
    filled = [np.asarray(column, float) for column in numbers]
    return filled[0] if isinstance(frame, nw.Series) else np.stack(filled, axis=1)


def require_unmasked(value: Any, name: str) -> None:
    """Refuse masked arrays, also as rows of a list or as columns of a dict of arrays.

    Raises:
        DataError: a value is masked.
    """
    if value is not None and _is_masked(value):
        fix = "Fill it (x.filled(...)) or drop those rows."
        raise DataError(message(name, "numbers without a mask", fix=fix, masked=True))


def _is_masked(value: Any) -> bool:
    """Return whether an array, or an array in a list, has masked values.

    Lists are searched level by level, until a level begins with a number: NumPy makes NaN of masked
    numbers among those, which are refused later.
    """
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    level = value if isinstance(value, list | tuple) else ()
    for _ in range(MAX_LIST_DEPTH):
        if not level or type(level[0]) in (int, float, str, bool):
            return False
        types = set(map(type, level))
        has_arrays = any(issubclass(kind, np.ma.MaskedArray) for kind in types)
        if has_arrays and any(map(np.ma.is_masked, level)):
            return True
        nested = tuple(kind for kind in types if issubclass(kind, list | tuple))
        rows = [row for row in level if isinstance(row, nested)]
        first = next(itertools.chain.from_iterable(rows), None)
        is_last = type(first) in (int, float, str, bool)
        if is_last or sum(map(len, rows)) > MAX_SEARCHED:  # a list in itself has no end
            return False
        level = list(itertools.chain.from_iterable(rows))
    return False


def _dtype_fix(array: np.ndarray, name: str) -> str:
    if array.dtype.kind in "mM":
        return "Pass dates as numbers: days since the first date, month, weekday."
    if array.dtype.kind == "c":
        return "Pass the real and imaginary parts, or magnitude and angle, as separate columns."
    if array.dtype == object and array.ndim == 0:
        return "Pass an array or a list of rows."
    try:
        array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        if name.endswith("y") and array.ndim:
            return (
                "Number the labels: labels, y = np.unique(y, return_inverse=True); class k is then "
                "labels[k]. Or fit a table: model.fit(frame, target=...) takes labels of text."
            )
        if not array.ndim:
            return "Read a file first: numpy.load(path), or gn.data.read_table(path) for a table."
        return (
            "Encode text and dates as numbers, and fill missing values. "
            "For sentences, use a TextVectorization layer."
        )
    return "All values can be read as numbers: convert them with np.asarray(..., float)."


def is_finite(array: np.ndarray) -> bool:
    """Return whether all values are finite. Each block of rows is read into the cache once."""
    if array.nbytes <= BLOCK_BYTES:
        return bool(np.isfinite(array).all())
    rows = max(1, BLOCK_BYTES // array[:1].nbytes)
    blocks = (array[start : start + rows] for start in range(0, len(array), rows))
    return all(bool(np.isfinite(block).all()) for block in blocks)


def _require_finite(array: np.ndarray, name: str) -> None:
    if is_finite(array):
        return
    bad = ~np.isfinite(array)
    infinite = int(np.isinf(array).sum())
    received: dict[str, Any] = {
        "nan": int(bad.sum()) - infinite,
        "infinite": infinite,
        "first_row": int(np.argmax(bad.reshape(len(array), -1).any(axis=1))),
    }
    fix = "Drop those rows"
    if array.ndim == 2:
        counts = bad.sum(axis=0)
        columns = np.flatnonzero(counts)
        received["bad_columns"] = len(columns)
        received["count_by_column"] = {int(i): int(counts[i]) for i in columns[:5]}
        fix += ", or fill the missing values (for example with the column's median)"
    fix += ". Values beyond float32's 3.4e38 count as infinite." if infinite else "."
    raise DataError(message(name, "finite numbers only", **received, fix=fix))


def is_memory_map(value: Any) -> bool:
    """Return whether the rows are in a file. A copy of a memory map is in memory: its mode is None.

    Example:
        >>> is_memory_map(np.ones(3))
        False
    """
    return isinstance(value, np.memmap) and value.mode is not None


def check_precision(**arrays: Any) -> None:
    """Refuse columns that lose their differences in float32.

    A column is refused if float32 moves some value by more than a thousandth of the column's range.
    For example, time stamps near 1.7e9 seconds would be rounded to steps of 128 seconds.

    Args:
        **arrays: the user's arrays, which `check_numeric` has accepted. Memory maps are skipped.

    Raises:
        DataError: names the column and a fix.
    """
    for name, value in arrays.items():
        if is_memory_map(value):
            continue
        wide = to_array(value, name)
        exact_size = 4 if wide.dtype.kind == "f" else 2
        if wide.dtype.kind not in "iuf" or wide.dtype.itemsize <= exact_size:
            continue
        columns = wide.reshape(len(wide), -1)
        blurred = _find_blurred_column(columns)
        if blurred is not None:
            column = columns[:, blurred]
            raise DataError(
                message(
                    name,
                    "columns whose differences float32 can hold",
                    column=blurred,
                    smallest=column.min().item(),
                    largest=column.max().item(),
                    fix="Subtract the column's smallest value first: float32 has seven digits.",
                )
            )


def _find_blurred_column(columns: np.ndarray) -> int | None:
    """Return the first column that loses its differences in float32: see `check_precision`."""
    low, high = columns.min(axis=0).astype(np.float64), columns.max(axis=0).astype(np.float64)
    spread, largest = high - low, np.maximum(np.abs(low), np.abs(high))
    # float32 moves a value by at most 2^-24 of it, or 2^-150 near 0: few columns need the cast.
    may_blur = (largest * 2**-24 + 2**-150 > 1e-3 * spread) & (spread > 1e-12 * largest)
    for i in np.flatnonzero(may_blur):
        error = np.abs(columns[:, i] - columns[:, i].astype(np.float32)).max()
        if error > 1e-3 * spread[i]:
            return int(i)
    return None


def check_features(
    x: Any,
    shape: PartialShape | None = None,
    name: str = "x",
    check: Callable[[np.ndarray, str], None] | None = None,
) -> np.ndarray:
    """Return rows of features: uint8 (pixels) unchanged, all other types as float32.

    One number per row, (n,), becomes (n, 1).

    Args:
        x: anything NumPy can read: arrays, JAX arrays, nested lists.
        shape: required shape of one example, with None for sizes that may be any; or None if any
            shape is allowed.
        name: the name that an error begins with.
        check: called with the rows and `name`; it may refuse them.

    Raises:
        DataError: see `check_numeric`; another shape than `shape`; rows that `check` refuses,
            such as invalid token ids.
    """
    array = check_numeric(x, name)
    array = array if array.dtype in (np.uint8, np.float32) else array.astype(np.float32)
    received = array.shape
    if array.ndim == 1:
        array = array[:, None]
    if shape is not None and not shape_fits(array.shape[1:], shape):
        fix = _shape_fix(received, shape)
        raise DataError(message(name, f"examples of shape {shape}", shape=received, fix=fix))
    if check is not None:
        check(array, name)
    return array


def _shape_fix(received: Shape, shape: PartialShape) -> str:
    if shape_fits(received, shape):
        return "This is one example without its batch axis: pass x[None]."
    if not is_known(shape):
        is_flat = shape_fits((*received[1:], 1), shape)
        fix = "Only the axis of the features is missing: pass x[..., None]."
        return fix if is_flat else "None stands for any size."
    example, reshape = received[1:] or (1,), f"pass x.reshape(-1, {', '.join(map(str, shape))})."
    if (*shape, 1) == example or (*example, 1) == shape:
        return f"Only the channel axis differs: {reshape}"
    if len(shape) == len(example) == 3 and (example[1:], example[0]) == (shape[:2], shape[2]):
        return "The channels come first: pass x.transpose(0, 2, 3, 1)."
    if math.prod(example) == math.prod(shape):
        return f"The number of values matches: {reshape}"
    if len(shape) == len(example) == 2 and shape[1] == example[1]:
        return f"For sequences of any length, begin the network with Input((None, {shape[1]}))."
    if len(shape) == 3 and example == (*shape[:2], 1):
        return f"To use gray images as color, pass np.repeat(x, {shape[2]}, axis=-1)."
    if len(shape) == 3 and example == shape[:2]:
        return f"To use gray images as color, pass np.repeat(x[..., None], {shape[2]}, axis=-1)."
    if shape == (*example[:2], 1):
        return "To use color images as gray, pass x[..., :3].mean(axis=-1, keepdims=True)."
    if example == (*shape[:2], 4) and shape[2] == 3:
        return "If the fourth channel is transparency, pass x[..., :3]."
    if len(shape) == len(example) == 1:
        return f"The network was built for {shape[0]} features and this has {example[0]}."
    return f"The network was built for {shape}: resize the examples, or build one for {example}."


def check_consistent_length(**arrays: Any) -> None:
    """Refuse arrays with different numbers of rows; values without a length are skipped.

    Raises:
        DataError: names every length.
    """
    lengths = {f"len({name})": _length(array) for name, array in arrays.items()}
    lengths = {name: length for name, length in lengths.items() if length is not None}
    require(
        len(set(lengths.values())) <= 1,
        " and ".join(arrays),
        "the same number of rows",
        error=DataError,
        fix="Row i of each array belongs to the same example.",
        **lengths,
    )


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except Exception:  # __len__ of the user raises anything; using the value reports it
        return None


def check_sample_weight(
    sample_weight: Any, n: int, name: str = "sample_weight"
) -> np.ndarray | None:
    """Return the weights as float32, one per row, or None if there are none.

    Raises:
        DataError: the shape is not (n,), a weight is negative or would become 0 or infinite, or all
            are zero.
    """
    if sample_weight is None:
        return None
    array = check_numeric(sample_weight, name).astype(np.float32)
    _require_no_underflow(sample_weight, name)
    require(
        array.shape == (n,),
        name,
        f"one number per row, shape ({n},)",
        error=DataError,
        shape=array.shape,
    )
    low, row = float(array.min()), int(array.argmin())
    require(
        low >= 0 and array.max() > 0,
        name,
        "numbers >= 0, not all zero",
        error=DataError,
        row=row,
        smallest=low,
    )
    return array


def squeeze_weight(sample_weight: Any) -> Any:
    """Return weights of shape (n, 1) as (n,), as Keras accepts them; others are unchanged."""
    if sample_weight is None:
        return None
    array = to_array(sample_weight, "sample_weight")
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else sample_weight


def _require_no_underflow(sample_weight: Any, name: str) -> None:
    """Refuse weights above 0 that would be 0 in compiled programs, so that rows would be lost."""
    sizes = np.abs(to_array(sample_weight, name)).astype(np.float64)
    is_lost = (sizes > 0) & (sizes < MIN_FLOAT32)
    row = int(is_lost.ravel().argmax())
    require(
        not is_lost.any(),
        name,
        "weights that are 0 or at least 1.2e-38, the smallest float32",
        error=DataError,
        row=row,
        weight=float(sizes.ravel()[row]),
        fix="Multiply all weights by a number.",
    )


def compute_sample_weight(
    class_weight: Any, labels: np.ndarray | None, sample_weight: np.ndarray | None = None
) -> np.ndarray | None:
    """Return one weight per row from one weight per class, or None without `class_weight`.

    "balanced" gives n / (K n_k) to the n_k rows of class k, for the K classes that occur. With
    `sample_weight`, n and n_k are sums of weights. This is scikit-learn's rule.

    Args:
        class_weight: None, "balanced", or a dict {class: weight}; a class that is not in the dict
            has weight 1.
        labels: the class of each row, or None if the targets are not classes.
        sample_weight: one weight per row; used by "balanced" only.

    Raises:
        DataError: the targets are not classes; a class does not occur; a weight is not a number
            >= 0.
    """
    if class_weight is None:
        return None
    require(
        labels is not None,
        "class_weight",
        "targets that are classes",
        error=DataError,
        fix="Use sample_weight for other targets.",
    )
    classes, index, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = counts if sample_weight is None else np.bincount(index, sample_weight)
        weights: np.ndarray = (totals.sum() / (len(classes) * totals)).astype(np.float32)
    else:
        weights = _check_class_weight(class_weight, classes.tolist())
    return weights[index]


def _check_class_weight(class_weight: Any, classes: list[Any]) -> np.ndarray:
    """Return the weight of each class."""
    who = "class_weight"
    require(
        isinstance(class_weight, Mapping),
        who,
        'a dict {class: weight} or "balanced"',
        error=DataError,
        class_weight=class_weight,
    )
    for label, weight in class_weight.items():
        number = is_number(label)
        fix = "Remove it, or name a class that occurs." if number else "Classes are integers."
        expected = f"classes that occur in the targets, {classes}"
        require(label in classes, who, expected, error=DataError, label=label, fix=fix)
        require(
            is_number(weight) and (weight == 0 or MIN_FLOAT32 <= weight <= MAX_FLOAT32),
            who,
            "a finite number >= 0 for each class",
            error=DataError,
            label=label,
            weight=weight,
            fix="Weights are float32: 0, or at least 1.2e-38 and at most 3.4e38.",
        )
    weights = np.array([class_weight.get(label, 1.0) for label in classes], np.float32)
    require(
        weights.any(),
        who,
        "a weight above 0 for at least one class",
        error=DataError,
        class_weight=dict(class_weight),
    )
    return weights
