"""Labels and rows into the form that a network takes: what Keras keeps beside its layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, require


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows: y_ij = 1 where x_i = j, else 0.

    Shapes:
        (n,) or (n, 1) to (n, num_classes); further axes are kept.

    Args:
        x: labels, whole numbers from 0.
        num_classes: None for the largest label and one.

    Raises:
        DataError: a label that is no whole number from 0 to num_classes - 1.
        ConfigError: num_classes is not an int >= 1.

    Example:
        >>> to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    require(num_classes is None or is_int(num_classes, least=1), "to_categorical", "num_classes to be an int >= 1", num_classes=num_classes)
    given = np.asarray(x)
    require(given.dtype.kind in "biuf" and given.size, "to_categorical", "labels", error=DataError, dtype=str(given.dtype), n=given.size)
    labels = given[..., 0] if given.ndim > 1 and given.shape[-1] == 1 else given
    classes = int(labels.max()) + 1 if num_classes is None else num_classes
    wrong = labels[(labels != np.floor(labels)) | (labels < 0) | (labels >= classes)]
    expected = f"whole numbers from 0 to {classes - 1}" if num_classes else "whole numbers from 0"
    require(not wrong.size, "to_categorical", expected, error=DataError, labels=wrong[:3].tolist())
    return np.eye(classes)[labels.astype(int)]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Every row brought to length 1: x / |x|, with |x| = (sum |x_i|^order)^(1/order); rows of zeros stay.

    Args:
        x: numbers.
        axis: along which the length is taken.
        order: 1 for the sum of sizes, 2 for the root of the sum of squares.

    Example:
        >>> normalize([[3.0, 4.0]]).tolist()
        [[0.6, 0.8]]
    """
    rows = np.atleast_2d(np.asarray(x))
    length = np.linalg.norm(rows, order, axis, keepdims=True)
    return rows / np.where(length == 0, 1, length)
