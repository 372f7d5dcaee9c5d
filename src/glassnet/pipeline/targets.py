"""Targets in: labels or numbers, as the loss and the output's shape ask for them, or an error that
says what is wrong.

JAX would clamp a label beyond the last class, train label -1 towards the last one, and broadcast
(n,) against (n, 1) to (n, n),
all silently: so everything is checked here, on the host.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassnet.data.arrays import check_numeric
from glassnet.errors import DataError, message, require
from glassnet.losses import Loss
from glassnet.types import Shape


def encode_targets(y: Any, loss: Loss, output_shape: Shape, name: str = "y") -> np.ndarray:
    """Targets in the form that `loss.rows` takes: int32 classes, or float32 rows of the output's
    shape.

    Args:
        y: (n,), (n, 1) or (n, *outputs); labels may be whole floats or bools.
        loss: whose targets they are.
        output_shape: shape of one example's output.

    Raises:
        DataError: a label is negative, fractional or beyond the outputs; one-hot rows do not sum to
            one; the shape fits nothing.
    """
    array = check_numeric(y, name)
    if output_shape[-1] == 1 and array.shape[1:] == output_shape[:-1]:
        array = array[..., None]
    if loss.output_activation == "softmax":
        return _encode_classes(array, output_shape, name)
    if loss.output_activation == "sigmoid":
        return _encode_probabilities(array, output_shape, name)
    fits = array.shape[1:] == output_shape
    require(
        fits,
        name,
        _expected_shape(array, output_shape),
        error=DataError,
        shape=array.shape,
        fix="" if fits else _shape_fix(array, output_shape),
    )
    return array.astype(np.float32, copy=False)


def _expected_shape(array: np.ndarray, output_shape: Shape) -> str:
    return f"targets of the output's shape {(len(array), *output_shape)}"


def _shape_fix(array: np.ndarray, output_shape: Shape) -> str:
    if array.size == len(array) * math.prod(output_shape):
        return f"The sizes agree: pass y.reshape(-1, {', '.join(map(str, output_shape))}), or end in Reshape({array.shape[1:]})."
    if len(output_shape) > 1 and array.ndim <= 2:
        return "Put Flatten() (or a Reshape) before the last Dense."
    if array.size == len(array) and len(output_shape) == 1:
        return f"For {output_shape[0]} classes use sparse_categorical_crossentropy after a softmax; for one number a row end in Dense(1)."
    if array.ndim == 2 and len(output_shape) == 1:
        return f"End in Dense({array.shape[1]}), or pass {output_shape[0]} columns."
    return ""


def _encode_classes(array: np.ndarray, output_shape: Shape, name: str) -> np.ndarray:
    lead, k = output_shape[:-1], output_shape[-1]
    if array.shape[1:] == output_shape:
        _require_distributions(array, name)
        return array.astype(np.float32, copy=False)
    if array.shape[1:] == (*lead, 1):
        array = array[..., 0]
    if array.shape[1:] != lead:
        fix = f"The last layer has {k} outputs, one per class." + (
            " Put Flatten() before the last Dense." if lead else ""
        )
        expected = f"one class a row, shape {(len(array), *lead)}, or one-hot rows, shape {(len(array), *output_shape)}"
        raise DataError(message(name, expected, shape=array.shape, fix=fix))
    if array.dtype.kind in "iu" and array.min() >= 0 and array.max() < k:
        return array.astype(np.int32)
    fix = "For numbers rather than classes use mean_squared_error and a last layer without softmax."
    _require_none(array != np.round(array), array, name, "whole class numbers", fix)
    high, found = int(array.max()), len(np.unique(array))
    renumber = f"Number the {found} classes from 0: np.unique(y, return_inverse=True)[1]."
    _require_none(array < 0, array, name, f"classes from 0 to {k - 1}", renumber)
    fix = (
        renumber
        if found <= k
        else f"The last layer needs {found} outputs, one for each class that occurs."
    )
    if found > k and high >= found:
        fix += " " + renumber
    _require_none(
        array >= k,
        array,
        name,
        f"classes from 0 to {k - 1}, as the last layer has {k} outputs",
        fix,
    )
    return array.astype(np.int32)


def _require_distributions(array: np.ndarray, name: str) -> None:
    sums = array.astype(np.float64).sum(-1)
    wrong = (np.abs(sums - 1) > 1e-3) | (array < 0).any(-1)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        fix = "For several labels a row end in a sigmoid with binary_crossentropy; for class numbers pass one a row."
        expected = "one-hot rows (or probabilities): numbers >= 0 that sum to 1"
        received = {
            "row": int(place[0]),
            "sums_to": float(sums[place]),
            "smallest": float(array[place].min()),
        }
        raise DataError(message(name, expected, fix=fix, **received))


def _require_none(wrong: np.ndarray, array: np.ndarray, name: str, expected: str, fix: str) -> None:
    """Refuse an array with a wrong entry, and name the first by its row."""
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        raise DataError(
            message(
                name,
                expected,
                row=int(place[0]),
                label=array[place].item(),
                rows_like_it=int(wrong.sum()),
                fix=fix,
            )
        )


def _encode_probabilities(array: np.ndarray, output_shape: Shape, name: str) -> np.ndarray:
    if output_shape == (1,):
        return _encode_binary(array, name).astype(np.float32, copy=False)
    columns = f"{output_shape[-1]} column{'s' * (output_shape[-1] > 1)} from 0 to 1"
    if array.shape[1:] != output_shape:
        one_class = array.size == len(array)
        fix = (
            "For one class a row end in a softmax with sparse_categorical_crossentropy."
            if one_class
            else _shape_fix(array, output_shape)
        )
        raise DataError(
            message(
                name, f"{columns}, shape {(len(array), *output_shape)}", shape=array.shape, fix=fix
            )
        )
    low, high = float(array.min()), float(array.max())
    fix = "Scale the targets (pixels: y / 255), or use mean_squared_error."
    require(
        low >= 0 and high <= 1, name, columns, error=DataError, smallest=low, largest=high, fix=fix
    )
    return array.astype(np.float32, copy=False)


def _encode_binary(array: np.ndarray, name: str) -> np.ndarray:
    """Targets of one sigmoid output, (n, 1); one-hot rows of two classes are that too."""
    expected = "0 or 1 a row, for one sigmoid output"
    if (
        array.shape[1:] == (2,)
        and np.all((array == 0) | (array == 1))
        and np.all(array.sum(1) == 1)
    ):
        array = array[:, 1:]
    if array.shape[1:] != (1,):
        fix = (
            f'For several labels a row end in Dense({array.shape[-1]}, activation="sigmoid").'
            if array.ndim == 2
            else ""
        )
        raise DataError(message(name, expected, shape=array.shape, fix=fix))
    found = np.unique(array)
    if np.any(found != np.round(found)):
        fix = "For numbers rather than classes use mean_squared_error."
    elif len(found) > 2:
        fix = f'For {len(found)} classes end in Dense({len(found)}, activation="softmax") with sparse_categorical_crossentropy.'
    else:
        fix = "Name the two classes 0 and 1."
    _require_none((array != 0) & (array != 1), array, name, expected, fix)
    return array


def get_class_labels(y: np.ndarray, loss: Loss) -> np.ndarray | None:
    """The class of every row, where encoded targets are classes: what splits are stratified by and
    class weights go by. Else None.
    """
    if loss.output_activation == "softmax":
        ids = y if y.dtype == np.int32 else y.argmax(-1)
        return ids if ids.ndim == 1 else None
    if y.ndim == 2 and y.shape[1] == 1 and loss.output_activation == "sigmoid":
        return y[:, 0].astype(np.int32)
    return None
