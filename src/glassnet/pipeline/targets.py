"""Target encoding: labels or numbers in the form that the loss and the output shape require.

All targets are checked on the host, because JAX would silently accept wrong ones: it clamps a label
beyond the last class, trains label -1 towards the last class, and broadcasts (n,) against (n, 1) to
(n, n).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassnet.data.arrays import check_numeric, compute_sample_weight
from glassnet.errors import MIN_FLOAT32, DataError, message, require
from glassnet.losses import Loss
from glassnet.types import Shape


def encode_targets(y: Any, loss: Loss, output_shape: Shape, name: str = "y") -> np.ndarray:
    """Return targets as `loss.unreduced` expects them: int32 classes, or float32 rows of outputs.

    Args:
        y: (n,), (n, 1) or (n, *output_shape). Labels may be integral floats or bools.
        loss: the training loss.
        output_shape: shape of one example's output.
        name: name in error messages.

    Raises:
        DataError: a label that is negative, fractional or too large; one-hot rows that do not sum
            to one; a shape that does not fit.
    """
    array = check_numeric(y, name)
    if output_shape[-1] == 1 and array.shape[1:] == output_shape[:-1]:
        array = array[..., None]
    if loss.output_activation == "softmax":
        return _encode_classes(array, output_shape, name)
    if loss.output_activation == "sigmoid":
        return _encode_probabilities(array, output_shape, name)
    fits = array.shape[1:] == output_shape
    expected = f"targets of the output's shape {(len(array), *output_shape)}"
    fix = "" if fits else _shape_fix(array, output_shape)
    require(fits, name, expected, error=DataError, shape=array.shape, fix=fix)
    return array.astype(np.float32, copy=False)


def get_class_labels(y: np.ndarray, loss: Loss) -> np.ndarray | None:
    """Return the class of every row if encoded targets are classes, else None.

    Splits are stratified by these classes, and class weights apply to them.
    """
    if loss.output_activation == "softmax":
        classes = y if y.dtype == np.int32 else y.argmax(-1)
        return classes if classes.ndim == 1 else None
    if y.ndim == 2 and y.shape[1] == 1 and loss.output_activation == "sigmoid":
        return y[:, 0].astype(np.int32)
    return None


def apply_class_weight(
    weight: np.ndarray | None, y: np.ndarray, loss: Loss, class_weight: Any
) -> np.ndarray | None:
    """Return the weights of rows, multiplied by those of their classes.

    Args:
        weight: a weight per row, or None.
        y: encoded targets.
        loss: the training loss.
        class_weight: see `arrays.compute_sample_weight`.

    Raises:
        DataError: see `arrays.compute_sample_weight`.
    """
    by_class = compute_sample_weight(class_weight, get_class_labels(y, loss))
    if by_class is None:
        return weight
    if weight is None:
        return by_class
    with np.errstate(over="ignore", under="ignore"):
        product: np.ndarray = weight * by_class
    is_lost = (product < MIN_FLOAT32) & (weight > 0) & (by_class > 0)
    expected = "sample_weight times class_weight to be finite, and above 0, in float32"
    require(
        np.isfinite(product).all() and not is_lost.any(),
        "class_weight",
        expected,
        error=DataError,
        sample_weight=float(weight.max()),
        class_weight=float(by_class.max()),
    )
    return product


def _shape_fix(array: np.ndarray, output_shape: Shape) -> str:
    if array.size == len(array) * math.prod(output_shape):
        shape = ", ".join(map(str, output_shape))
        reshape = f"Reshape({array.shape[1:]})"
        return f"The sizes agree: pass y.reshape(-1, {shape}), or end in {reshape}."
    if len(output_shape) > 1 and array.ndim <= 2:
        return "Put Flatten() (or a Reshape) before the last Dense."
    if array.size == len(array) and len(output_shape) == 1:
        return (
            f"For {output_shape[0]} classes use sparse_categorical_crossentropy after a softmax; "
            "for one number per row end in Dense(1)."
        )
    if array.ndim == 2 and len(output_shape) == 1:
        return f"End in Dense({array.shape[1]}), or pass {output_shape[0]} columns."
    return ""


def _encode_classes(array: np.ndarray, output_shape: Shape, name: str) -> np.ndarray:
    """Encode targets of a softmax: int32 classes, or float32 one-hot rows."""
    leading, n_classes = output_shape[:-1], output_shape[-1]
    if array.shape[1:] == output_shape:
        _require_distributions(array, name)
        return array.astype(np.float32, copy=False)
    if array.shape[1:] == (*leading, 1):
        array = array[..., 0]
    if array.shape[1:] != leading:
        flatten = " Put Flatten() before the last Dense." if leading else ""
        n = len(array)
        expected = f"one class per row, shape {(n, *leading)}, or one-hot rows"
        expected += f", shape {(n, *output_shape)}"
        fix = f"The last layer has {n_classes} outputs, one per class.{flatten}"
        raise DataError(message(name, expected, shape=array.shape, fix=fix))
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= n_classes:
        _require_classes(array, n_classes, name)
    return array.astype(np.int32)


def _require_classes(array: np.ndarray, n_classes: int, name: str) -> None:
    fix = "For numbers rather than classes use mean_squared_error and a last layer without softmax."
    _require_none(array != np.round(array), array, name, "integer class numbers", fix)
    n_distinct = len(np.unique(array))
    renumber = f"Number the {n_distinct} classes from 0: np.unique(y, return_inverse=True)[1]."
    expected = f"classes from 0 to {n_classes - 1}"
    _require_none(array < 0, array, name, expected, renumber)
    fix = renumber
    if n_distinct > n_classes:
        fix = f"The last layer needs {n_distinct} outputs, one for each class that occurs."
        fix += f" {renumber}" if int(array.max()) >= n_distinct else ""
    expected += f", as the last layer has {n_classes} outputs"
    _require_none(array >= n_classes, array, name, expected, fix)


def _require_distributions(array: np.ndarray, name: str) -> None:
    sums = array.astype(np.float64).sum(-1)
    wrong = (np.abs(sums - 1) > 1e-3) | (array < 0).any(-1)
    if not wrong.any():
        return
    position = tuple(np.argwhere(wrong)[0])
    received = {
        "row": int(position[0]),
        "sums_to": float(sums[position]),
        "smallest": float(array[position].min()),
    }
    expected = "one-hot rows (or probabilities): numbers >= 0 that sum to 1"
    fix = (
        "For several labels per row end in a sigmoid with binary_crossentropy; "
        "for class numbers pass one per row."
    )
    raise DataError(message(name, expected, fix=fix, **received))


def _require_none(wrong: np.ndarray, array: np.ndarray, name: str, expected: str, fix: str) -> None:
    """Refuse an array with wrong entries, naming the row of the first one."""
    if wrong.any():
        position = tuple(np.argwhere(wrong)[0])
        received = {
            "row": int(position[0]),
            "label": array[position].item(),
            "rows_like_it": int(wrong.sum()),
        }
        raise DataError(message(name, expected, fix=fix, **received))


def _encode_probabilities(array: np.ndarray, output_shape: Shape, name: str) -> np.ndarray:
    """Encode targets of sigmoids as float32 from 0 to 1."""
    if output_shape == (1,):
        return _encode_binary(array, name).astype(np.float32, copy=False)
    n_outputs = output_shape[-1]
    expected = f"{n_outputs} column{'s' * (n_outputs > 1)} from 0 to 1"
    if array.shape[1:] != output_shape:
        fix = _shape_fix(array, output_shape)
        if array.size == len(array):
            fix = "For one class per row end in a softmax with sparse_categorical_crossentropy."
        expected = f"{expected}, shape {(len(array), *output_shape)}"
        raise DataError(message(name, expected, shape=array.shape, fix=fix))
    received = {"smallest": float(array.min()), "largest": float(array.max())}
    fits = received["smallest"] >= 0 and received["largest"] <= 1
    fix = "Scale the targets (pixels: y / 255), or use mean_squared_error."
    require(fits, name, expected, error=DataError, fix=fix, **received)
    return array.astype(np.float32, copy=False)


def _encode_binary(array: np.ndarray, name: str) -> np.ndarray:
    """Return targets of one sigmoid output, (n, 1); one-hot rows of two classes are accepted."""
    expected = "0 or 1 per row, for one sigmoid output"
    is_binary = (array == 0) | (array == 1)
    if array.shape[1:] == (2,) and np.all(is_binary) and np.all(array.sum(1) == 1):
        array, is_binary = array[:, 1:], is_binary[:, 1:]
    if array.shape[1:] != (1,):
        layer = f'Dense({array.shape[-1]}, activation="sigmoid")'
        fix = f"For several labels per row end in {layer}." if array.ndim == 2 else ""
        raise DataError(message(name, expected, shape=array.shape, fix=fix))
    values = np.unique(array)
    if np.any(values != np.round(values)):
        fix = "For numbers rather than classes use mean_squared_error."
    elif len(values) > 2:
        layer = f'Dense({len(values)}, activation="softmax")'
        fix = f"For {len(values)} classes end in {layer} with sparse_categorical_crossentropy."
    else:
        fix = "Name the two classes 0 and 1."
    _require_none(~is_binary, array, name, expected, fix)
    return array
