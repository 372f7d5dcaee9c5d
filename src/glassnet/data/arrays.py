"""Arrays in: what the user hands over becomes float32 (or uint8) rows that hold only numbers, or an
error that says what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from glassnet.errors import DataError, is_number, message, require
from glassnet.types import Shape


def check_numeric(value: Any, name: str) -> np.ndarray:
    """`value` as an array of bools, whole numbers or finite floats with at least one row.

    Raises:
        DataError: ragged, empty, of objects or text, beyond 2^31 where whole, NaN or infinite (the
            first columns and the count are named).
    """
    masked = np.ma.is_masked(value)
    require(
        not masked,
        name,
        "numbers without a mask",
        error=DataError,
        masked=masked,
        fix="Fill it (x.filled(...)) or drop those rows.",
    )
    try:
        array = np.asarray(value)
    except ValueError as error:
        text = message(
            name,
            "rows of one length each",
            problem=str(error).split(". ")[0],
            fix="Pad or cut them to one length.",
        )
        raise DataError(text) from error
    if array.dtype.kind == "V" and array.dtype.name.startswith(
        ("bfloat16", "float8", "int4", "uint4")
    ):
        array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise DataError(message(name, "numbers", dtype=str(array.dtype), fix=_dtype_fix(array)))
    require(
        array.ndim and array.size,
        name,
        "at least one row, and a number in it",
        error=DataError,
        shape=array.shape,
    )
    if array.dtype.kind in "iu":
        largest = max(int(array.max()), -int(array.min()))
        fix = "Scale them, or give them as floats."
        require(
            largest < 2**31,
            name,
            "whole numbers below 2^31",
            error=DataError,
            largest=largest,
            fix=fix,
        )
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(np.float32, copy=False)
        _require_finite(array, name)
    return array


def _dtype_fix(array: np.ndarray) -> str:
    if array.dtype.kind in "mM":
        return "Give dates as numbers that mean something: days since the first, month, weekday."
    if array.dtype.kind == "c":
        return "Give the real and the imaginary part, or size and angle, as columns of their own."
    if array.dtype == object and array.ndim == 0:
        return "Pass an array or a list of rows."
    try:
        array.astype(np.float64)
    except (TypeError, ValueError):
        return "Encode text and dates as numbers, and give missing values a number. Whole texts go through TextVectorization in front."
    return "All of it can be read as numbers: convert it with np.asarray(..., float)."


def _require_finite(array: np.ndarray, name: str) -> None:
    bad = ~np.isfinite(array)
    if not bad.any():
        return
    where: dict[str, Any] = {"first_row": int(np.argmax(bad.reshape(len(array), -1).any(axis=1)))}
    fix = "Drop those rows"
    if array.ndim == 2:
        counts = bad.sum(axis=0)
        columns = np.flatnonzero(counts)
        where |= {
            "bad_columns": len(columns),
            "count_by_column": {int(c): int(counts[c]) for c in columns[:5]},
        }
        fix += ", or fill the gaps (with the column's median, say)"
    infinite = int(np.isinf(array).sum())
    fix += ". Infinite is all beyond float32's 3.4e38." if infinite else "."
    nan = int(bad.sum()) - infinite
    raise DataError(
        message(name, "finite numbers only", nan=nan, infinite=infinite, **where, fix=fix)
    )


def check_precision(**arrays: Any) -> None:
    """Refuse columns that float32 would blur: it would move some number by more than a thousandth
    of the column's range.

    A day of time stamps near 1.7e9 seconds would become steps of 128 seconds, silently.

    Args:
        **arrays: arrays that `check_numeric` has passed, as the user gave them. Memory maps are not
            looked through.

    Raises:
        DataError: with the column and the remedy.
    """
    for what, value in arrays.items():
        wide = np.zeros(0, np.float32) if isinstance(value, np.memmap) else np.asarray(value)
        if wide.dtype.kind not in "iuf" or wide.dtype.itemsize <= (
            4 if wide.dtype.kind == "f" else 2
        ):
            continue
        columns = wide.reshape(len(wide), -1)
        lost, spread = (
            np.abs(columns - columns.astype(np.float32)).max(axis=0),
            np.ptp(columns, axis=0),
        )
        noise = 1e-12 * np.abs(columns).max(axis=0)
        blurred = np.flatnonzero((lost > 1e-3 * spread) & (spread > noise))
        if blurred.size:
            i = int(blurred[0])
            place = {
                "column": i,
                "smallest": columns[:, i].min().item(),
                "largest": columns[:, i].max().item(),
            }
            fix = "Subtract the column's smallest value first: float32 keeps seven digits."
            require(
                False,
                what,
                "columns whose differences float32 can hold",
                error=DataError,
                fix=fix,
                **place,
            )


def check_features(
    x: Any,
    shape: Shape | None = None,
    name: str = "x",
    check: Callable[[np.ndarray, str], None] | None = None,
) -> np.ndarray:
    """Rows of features: uint8 as it is (pixels), all else float32; one number a row (n,) becomes
    (n, 1).

    Args:
        x: anything NumPy can read: arrays, JAX arrays, nested lists.
        shape: what one example must look like, where the network already knows.
        name: the name that an error begins with.
        check: called with the rows and `name`; it may refuse them.

    Raises:
        DataError: see `check_numeric`; another shape than `shape`; rows that `check` refuses, as
            ids that no token has.
    """
    array = check_numeric(x, name)
    array = array if array.dtype in (np.uint8, np.float32) else array.astype(np.float32)
    given = array.shape
    if array.ndim == 1:
        array = array[:, None]
    if shape is not None and array.shape[1:] != shape:
        raise DataError(
            message(name, f"examples of shape {shape}", shape=given, fix=_shape_fix(given, shape))
        )
    if check is not None:
        check(array, name)
    return array


def _shape_fix(received: Shape, shape: Shape) -> str:
    if received == shape:
        return "This is one example without its batch axis: pass x[None]."
    example, reshape = received[1:] or (1,), f"pass x.reshape(-1, {', '.join(map(str, shape))})."
    if (*shape, 1) == example or (*example, 1) == shape:
        return f"Only the channel axis differs: {reshape}"
    if len(shape) == len(example) == 3 and (example[1:], example[0]) == (shape[:2], shape[2]):
        return "The channels come first: pass x.transpose(0, 2, 3, 1)."
    if math.prod(example) == math.prod(shape):
        return f"The sizes agree: {reshape}"
    if len(shape) == 3 and example == (*shape[:2], 1):
        return f"Grey images become coloured ones by np.repeat(x, {shape[2]}, axis=-1)."
    if len(shape) == 3 and example == shape[:2]:
        return f"Grey images become coloured ones by np.repeat(x[..., None], {shape[2]}, axis=-1)."
    if shape == (*example[:2], 1):
        return "Coloured images become grey ones by x[..., :3].mean(axis=-1, keepdims=True)."
    if example == (*shape[:2], 4) and shape[2] == 3:
        return "Where the fourth channel is transparency, pass x[..., :3]."
    if len(shape) == len(example) == 1:
        return f"The network was built for {shape[0]} features and this has {example[0]}."
    return (
        f"The network was built for {shape}; build another for {example}, or resize the examples."
    )


def check_consistent_length(**arrays: Any) -> None:
    """Refuse arrays with different numbers of rows; what has no rows at all is left for
    `check_numeric` to name.

    Raises:
        DataError: with every length.
    """
    lengths = {f"len({name})": _length(array) for name, array in arrays.items()}
    known = {name: length for name, length in lengths.items() if length is not None}
    fix = "Row i of one belongs to row i of the other."
    require(
        len(set(known.values())) <= 1,
        " and ".join(arrays),
        "as many rows of one as of the other",
        error=DataError,
        fix=fix,
        **known,
    )


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except TypeError:
        return None


def check_sample_weight(
    sample_weight: Any, n: int, name: str = "sample_weight"
) -> np.ndarray | None:
    """One weight per row, float32.

    Raises:
        DataError: another length or shape, negative, or all zero.
    """
    if sample_weight is None:
        return None
    array = check_numeric(sample_weight, name).astype(np.float32)
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


def compute_sample_weight(
    class_weight: Any, labels: np.ndarray | None, sample_weight: np.ndarray | None = None
) -> np.ndarray | None:
    """One weight per row from one per class: a dict {class: weight}, classes left out weighing 1,
    or "balanced".

    Balanced is n / (K n_k) for the n_k rows of class k among the K classes present, weighed rows
    counting as their weight (scikit-learn's rule).

    Raises:
        DataError: the targets are not classes; a class is not among them; a weight is not a number
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
    assert labels is not None
    present, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if isinstance(class_weight, str) and class_weight == "balanced":
        share = counts if sample_weight is None else np.bincount(index, sample_weight)
        return (share.sum() / (len(present) * share))[index].astype(np.float32)
    require(
        isinstance(class_weight, Mapping),
        "class_weight",
        'a dict {class: weight} or "balanced"',
        error=DataError,
        class_weight=class_weight,
    )
    classes = present.tolist()
    for label, weight in class_weight.items():
        fix = (
            "Drop it, or name a class that occurs."
            if is_number(label)
            else "Classes are whole numbers."
        )
        require(
            label in classes,
            "class_weight",
            f"classes that the targets have, {classes}",
            error=DataError,
            label=label,
            fix=fix,
        )
        ok = is_number(weight) and 0 <= weight < math.inf
        require(
            ok,
            "class_weight",
            "a finite number >= 0 for each class",
            error=DataError,
            label=label,
            weight=weight,
        )
    found = np.array([class_weight.get(label, 1.0) for label in classes], np.float32)
    require(
        found.any(),
        "class_weight",
        "a weight above 0 for one class at least",
        error=DataError,
        class_weight=dict(class_weight),
    )
    return found[index]
