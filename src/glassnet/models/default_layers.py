"""Layers that suit data: scaled inputs, and the output layer and loss of the task."""

from __future__ import annotations

import numpy as np

from glassnet.layers import Dense, Flatten, Layer, Normalization, Rescaling

MAX_UNSCALED = 3.0
"""Arrays with a larger absolute value are standardized; others are used unscaled."""

MAX_INTEGER_CLASSES = 20
"""Maximum number of different integers that may be classes."""


def scaling_layers(x: np.ndarray) -> list[Layer]:
    """Return layers that scale an example and flatten it to a vector."""
    flat: list[Layer] = [Flatten()] if x.ndim > 2 else []
    if x.dtype == np.uint8:
        return [Rescaling(1 / 16 if x.max() <= 16 else 1 / 255), *flat]
    return ([Normalization()] if np.abs(x).max() > MAX_UNSCALED else []) + flat


def target_scaling(y: np.ndarray) -> Rescaling:
    """Return the layer that turns a standardized output into the units of a target."""
    return Rescaling(float(y.std()), float(y.mean()))


def classification_output(n_classes: int) -> tuple[int, str, str]:
    """Return units, activation and loss of the output layer of a classification.

    Two classes have one sigmoid, more classes a softmax.
    """
    if n_classes == 2:
        return 1, "sigmoid", "binary_crossentropy"
    return n_classes, "softmax", "sparse_categorical_crossentropy"


def classification_head(n_classes: int) -> tuple[list[Layer], str]:
    """Return the output layer and the loss of a classification: see `classification_output`."""
    units, activation, loss = classification_output(n_classes)
    return [Dense(units, activation=activation)], loss


def count_classes(column: np.ndarray) -> int:
    """Return the number of classes of a target column, or 0 if it is a number.

    Text, booleans, and numbers of at most two values are classes.
    """
    n_values = len(set(column.tolist()))
    return n_values if column.dtype.kind in "Ob" or n_values <= 2 else 0


def has_few_integers(column: np.ndarray) -> bool:
    """Return whether a column of numbers is integers, so few that they may be classes."""
    is_integer = not np.any(column != np.round(column))
    return is_integer and len(set(column.tolist())) <= MAX_INTEGER_CLASSES
