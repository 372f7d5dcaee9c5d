"""Arrays in: what the user hands over becomes float32 (or uint8) rows that hold only numbers, or an error that says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.errors import DataError, is_number, require
from glassnet.types import Shape


def numbers(value: Any, what: str) -> np.ndarray:
    """`value` as an array of bools, whole numbers or finite floats with at least one row.

    Raises:
        DataError: ragged, empty, of objects or text, beyond 2^31 where whole, NaN or infinite (the first columns and the count are named).
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        require(False, what, "rows of one length each", error=DataError, problem=str(error).split(". ")[0], fix="Pad or cut them to one length.")
    fix = "Encode text and dates as numbers, and give missing values a number." if array.dtype.kind in "OUSMm" else ""
    require(array.dtype.kind in "biuf", what, "numbers", error=DataError, dtype=str(array.dtype), fix=fix)
    require(array.ndim >= 1 and array.size > 0, what, "at least one row", error=DataError, shape=array.shape)
    if array.dtype.kind in "iu" and array.dtype.itemsize > 4 or array.dtype == np.uint32:
        largest = max(int(array.max()), -int(array.min()))
        require(largest < 2**31, what, "whole numbers below 2^31", error=DataError, largest=largest, fix="Scale them, or give them as floats.")
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(np.float32, copy=False)
        _require_finite(array, what)
    return array


def _require_finite(array: np.ndarray, what: str) -> None:
    bad = ~np.isfinite(array)
    if not bad.any():
        return
    kinds = f"{int(np.isnan(array).sum())} NaN and {int(np.isinf(array).sum())} infinite (or beyond 3.4e38)"
    row = int(np.argmax(bad.reshape(len(array), -1).any(axis=1)))
    place: dict[str, Any] = {"first_row": row}
    if array.ndim == 2:
        columns = np.flatnonzero(bad.any(axis=0))
        place["columns"] = ", ".join(f"{c} ({int(bad[:, c].sum())})" for c in columns[:5]) + (" ..." if len(columns) > 5 else "")
    fix = "Drop those rows, or fill the gaps (the median, say)."
    require(False, what, "finite numbers only", error=DataError, count=kinds, **place, fix=fix)


def features(x: Any, shape: Shape | None = None, what: str = "x") -> np.ndarray:
    """Rows of features: uint8 as it is (pixels), all else float32; one number a row (n,) becomes (n, 1).

    Args:
        x: anything NumPy can read: arrays, JAX arrays, nested lists.
        shape: what one example must look like, where the network already knows.

    Raises:
        DataError: see `numbers`; or another shape than `shape`.
    """
    array = numbers(x, what)
    array = array if array.dtype in (np.uint8, np.float32) else array.astype(np.float32)
    if array.ndim == 1:
        array = array[:, None]
    if shape is not None and array.shape[1:] != shape:
        require(False, what, f"examples of shape {shape}", error=DataError, shape=array.shape, fix=_shape_fix(array, shape))
    return array


def _shape_fix(array: np.ndarray, shape: Shape) -> str:
    if array.shape == shape:
        return "This is one example without its batch axis: pass x[None]."
    if array.shape[1:] == shape + (1,) or array.shape[1:] + (1,) == shape:
        return f"Only the channel axis differs: pass x.reshape(-1, {', '.join(map(str, shape))})."
    if np.prod(array.shape[1:]) == np.prod(shape):
        return f"The sizes agree: pass x.reshape(-1, {', '.join(map(str, shape))})."
    if len(shape) == 1 and array.ndim == 2:
        return f"The network was built for {shape[0]} features and this has {array.shape[1]}."
    return f"The network was built for {shape}; build another for {array.shape[1:]}, or resize the examples."


def same_length(**arrays: Any) -> None:
    """Refuse arrays with different numbers of rows.

    Raises:
        DataError: with every length.
    """
    lengths = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(lengths.values())) > 1:
        require(False, " and ".join(lengths), "one row each for every example", error=DataError, **{f"len({k})": v for k, v in lengths.items()})


def sample_weights(weight: Any, n: int) -> np.ndarray | None:
    """One weight per row, float32.

    Raises:
        DataError: another length or shape, negative, or all zero.
    """
    if weight is None:
        return None
    array = numbers(weight, "sample_weight").astype(np.float32)
    require(array.shape == (n,), "sample_weight", f"one number per row, shape ({n},)", error=DataError, shape=array.shape)
    require(array.min() >= 0 and array.max() > 0, "sample_weight", "numbers >= 0, not all 0", error=DataError, smallest=float(array.min()))
    return array


def class_weights(weights: Any, labels: np.ndarray | None) -> np.ndarray | None:
    """One weight per row from one per class: a dict {class: weight}, classes left out weighing 1, or "balanced".

    Balanced is n / (K n_k) for the n_k rows of class k among the K classes present (scikit-learn's rule).

    Raises:
        DataError: the targets are not classes; a class is not among them; a weight is not a number >= 0.
    """
    if weights is None:
        return None
    require(labels is not None, "class_weight", "targets that are classes", error=DataError, fix="Use sample_weight for other targets.")
    assert labels is not None
    present, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if isinstance(weights, str):
        require(weights == "balanced", "class_weight", 'a dict or "balanced"', error=DataError, class_weight=weights)
        return (len(labels) / (len(present) * counts))[index].astype(np.float32)
    known = ", ".join(map(str, present.tolist()))
    for label, weight in dict(weights).items():
        require(label in present, "class_weight", f"classes that the targets have ({known})", error=DataError, class_=label)
        require(is_number(weight) and weight >= 0, "class_weight", "a number >= 0 for each class", error=DataError, **{f"class_{label}": weight})
    return np.array([weights.get(label, 1.0) for label in present.tolist()], np.float32)[index]
