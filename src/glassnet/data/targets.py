"""Targets in: labels or numbers, as the loss and the output's shape ask for them, or an error that says what is wrong.

JAX would clamp a label beyond the last class, train label -1 towards the last one, and broadcast (n,) against (n, 1) to (n, n),
all silently: so everything is checked here, on the host.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.arrays import numbers
from glassnet.errors import DataError, require
from glassnet.losses import Loss
from glassnet.types import Shape


def targets(y: Any, loss: Loss, outputs: Shape, what: str = "y") -> np.ndarray:
    """Targets in the form that `loss.rows` takes: int32 classes, or float32 rows of the output's shape.

    Args:
        y: (n,), (n, 1) or (n, *outputs); labels may be whole floats or bools.
        loss: whose targets they are.
        outputs: shape of one example's output.

    Raises:
        DataError: a label is negative, fractional or beyond the outputs; one-hot rows do not sum to one; the shape fits nothing.
    """
    array = numbers(y, what)
    if loss.link == "softmax":
        return _classes(array, outputs, what)
    if loss.link == "sigmoid":
        return _probabilities(array, outputs, what)
    if array.ndim == 1 and outputs == (1,):
        array = array[:, None]
    fix = ""
    if array.size == len(array) and len(outputs) == 1:
        fix = f"For {outputs[0]} classes use sparse_categorical_crossentropy after a softmax; for one number a row end in Dense(1)."
    elif len(outputs) > 1 and array.ndim <= 2:
        fix = "Put Flatten() (or a Reshape) before the last Dense."
    require(array.shape[1:] == outputs, what, f"targets of the output's shape {(len(array), *outputs)}", error=DataError, shape=array.shape, fix=fix)
    return array.astype(np.float32, copy=False)


def _classes(array: np.ndarray, outputs: Shape, what: str) -> np.ndarray:
    lead, k = outputs[:-1], outputs[-1]
    if array.shape[1:] == outputs:
        sums = array.astype(np.float64).sum(-1)
        wrong = np.abs(sums - 1) > 1e-3
        if wrong.any() or array.min() < 0:
            row = int(np.argmax(wrong.reshape(len(array), -1).any(1)))
            fix = "For several labels a row end in a sigmoid with binary_crossentropy; for class numbers pass one a row."
            require(False, what, "one-hot rows (or probabilities) that sum to 1", error=DataError, row=row, sums_to=float(sums[row].flat[0]), fix=fix)
        return array.astype(np.float32, copy=False)
    if array.shape[1:] == (*lead, 1):
        array = array[..., 0]
    if array.shape[1:] != lead:
        fix = f"The last layer has {k} outputs, one per class." + (" Put Flatten() before the last Dense." if lead else "")
        expected = f"one class a row, shape {(len(array), *lead)}, or one-hot rows, shape {(len(array), *outputs)}"
        require(False, what, expected, error=DataError, shape=array.shape, fix=fix)
    fractional = array != np.round(array)
    if fractional.any():
        row = int(np.argmax(fractional.reshape(len(array), -1).any(1)))
        fix = "For numbers rather than classes use mean_squared_error and a last layer without softmax."
        require(False, what, "whole class numbers", error=DataError, row=row, label=float(array[row].flat[0]), fix=fix)
    low, high = int(array.min()), int(array.max())
    row = int(np.argmin(array.reshape(len(array), -1).min(1)))
    require(low >= 0, what, f"classes from 0 to {k - 1}", error=DataError, row=row, label=low, fix="Number the classes from 0.")
    row = int(np.argmax(array.reshape(len(array), -1).max(1)))
    fix = f"The last layer needs {high + 1} outputs" + (", or number the classes from 0." if low == 1 and high == k else ".")
    require(high < k, what, f"classes from 0 to {k - 1}, as the last layer has {k} outputs", error=DataError, row=row, label=high, fix=fix)
    return array.astype(np.int32)


def _probabilities(array: np.ndarray, outputs: Shape, what: str) -> np.ndarray:
    if outputs == (1,):
        if array.shape[1:] == (2,) and np.all((array == 0) | (array == 1)) and np.all(array.sum(1) == 1):
            array = array[:, 1]
        expected = "0 or 1 a row, for one sigmoid output"
        fix = f'End in Dense({array.shape[-1]}, activation="sigmoid") for several labels a row.' if array.ndim == 2 else ""
        require(array.shape[1:] in ((), (1,)), what, expected, error=DataError, shape=array.shape, fix=fix)
        array = array.reshape(-1, 1)
        wrong = (array != 0) & (array != 1)
        if wrong.any():
            found = np.unique(array)
            whole = np.all(found == np.round(found))
            fix = f'For {len(found)} classes end in Dense({len(found)}, activation="softmax").' if whole and len(found) > 2 else "Name the two classes 0 and 1."
            fix = fix if whole else "For numbers rather than classes use mean_squared_error."
            require(False, what, expected, error=DataError, row=int(np.argmax(wrong)), label=array[wrong][0].item(), fix=fix)
        return array.astype(np.float32, copy=False)
    expected = f"{outputs[-1]} columns from 0 to 1, shape {(len(array), *outputs)}"
    fix = 'For one class a row end in a softmax with sparse_categorical_crossentropy.' if array.size == len(array) else ""
    require(array.shape[1:] == outputs, what, expected, error=DataError, shape=array.shape, fix=fix)
    low, high = float(array.min()), float(array.max())
    require(low >= 0 and high <= 1, what, expected, error=DataError, smallest=low, largest=high, fix="Scale the targets, or use mean_squared_error.")
    return array.astype(np.float32, copy=False)


def labels_of(y: np.ndarray, loss: Loss) -> np.ndarray | None:
    """The class of every row, for encoded targets that are classes; None for others: what splits are stratified by and class weights go by."""
    if loss.link == "softmax":
        ids = y if y.dtype == np.int32 else y.argmax(-1)
        return ids if ids.ndim == 1 else None
    if y.ndim == 2 and y.shape[1] == 1 and loss.link == "sigmoid":
        return y[:, 0].astype(np.int32)
    return None
