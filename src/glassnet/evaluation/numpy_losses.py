"""The formulas of the losses in NumPy, for comparisons that must not compile anything.

A loss's own method `unreduced` is written for JAX, which would compile a program for every shape.
Tests compare each formula here with that method.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet import losses
from glassnet.losses import Loss
from glassnet.losses.loss import EPSILON
from glassnet.losses.scaled import ScaledLoss
from glassnet.types import Array


def has_numpy_formula(loss: Loss) -> bool:
    """Return whether `compute_unreduced` knows this loss. A subclass of a known loss is unknown."""
    return type(loss.base if isinstance(loss, ScaledLoss) else loss) in FORMULAS


def compute_unreduced(loss: Loss, y: Array, z: Array) -> Array:
    """Return the loss of every row in float64, as `loss.unreduced` does.

    For a loss of standardized targets the result is in the units of the original target, like the
    losses in a history.

    Shapes:
        y: (n, outputs), or class ids (n,) for the classes' losses. z: (n, outputs) or (1, outputs).
        Result: (n,).

    Args:
        loss: a loss with a formula: see `has_numpy_formula`.
        y: targets in the form that the loss receives.
        z: the argument of the loss: logits for a cross-entropy.
    """
    z = np.asarray(z, np.float64)
    if isinstance(loss, ScaledLoss):
        return compute_unreduced(loss.base, loss.scale * y.astype(np.float64), loss.scale * z)
    if y.ndim == 1:
        y = np.eye(z.shape[-1])[y]
    result: np.ndarray = FORMULAS[type(loss)](loss, y.astype(np.float64), z)
    return result


def log_softmax(z: Array) -> Array:
    """Return log softmax(z) along the last axis."""
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def softplus(z: Array) -> Array:
    """Return log(1 + exp(z))."""
    result: np.ndarray = np.logaddexp(0.0, z)
    return result


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z))."""
    result: np.ndarray = np.exp(-softplus(-z))
    return result


def smooth(loss: Any, y: Array, classes: int) -> Array:
    """Return the targets after the loss's label smoothing, if it has any."""
    share = vars(loss).get("label_smoothing", 0.0)
    return y * (1.0 - share) + share / classes if share else y


def _binary_crossentropy(loss: Any, y: Array, z: Array) -> Array:
    y = smooth(loss, y, 2)
    return (y * softplus(-z) + (1 - y) * softplus(z)).mean(-1)


def _crossentropy(loss: Any, y: Array, z: Array) -> Array:
    return -(smooth(loss, y, z.shape[-1]) * log_softmax(z)).sum(-1)


def _binary_focal(loss: Any, y: Array, z: Array) -> Array:
    y = smooth(loss, y, 2)
    miss = y * sigmoid(-z) + (1 - y) * sigmoid(z)
    crossentropy = y * softplus(-z) + (1 - y) * softplus(z)
    weight = y * loss.alpha + (1 - y) * (1 - loss.alpha) if loss.apply_class_balancing else 1.0
    return (weight * miss**loss.gamma * crossentropy).mean(-1)


def _categorical_focal(loss: Any, y: Array, z: Array) -> Array:
    log_p = log_softmax(z)
    weight = np.asarray(loss.alpha) * (-np.expm1(log_p)) ** loss.gamma
    return -(weight * smooth(loss, y, z.shape[-1]) * log_p).sum(-1)


def _squared_error(loss: Any, y: Array, z: Array) -> Array:
    return np.square(y - z).mean(-1)


def _half_squared_error(loss: Any, y: Array, z: Array) -> Array:
    return 0.5 * np.square(y - z).sum(-1)


def _absolute_error(loss: Any, y: Array, z: Array) -> Array:
    return np.abs(y - z).mean(-1)


def _huber(loss: Any, y: Array, z: Array) -> Array:
    error = z - y
    clipped = np.clip(error, -loss.delta, loss.delta)
    return (clipped * (error - clipped / 2)).mean(-1)


def _log_cosh(loss: Any, y: Array, z: Array) -> Array:
    size = np.abs(z - y)
    return (size + np.log1p(np.expm1(-2 * size) / 2)).mean(-1)


def _divergence(loss: Any, y: Array, z: Array) -> Array:
    y, z = np.clip(y, EPSILON, 1), np.clip(z, EPSILON, 1)
    return (y * np.log(y / z)).sum(-1)


def _poisson(loss: Any, y: Array, z: Array) -> Array:
    return (z - y * np.log(z + EPSILON)).mean(-1)


def _percentage_error(loss: Any, y: Array, z: Array) -> Array:
    return 100 * (np.abs(z - y) / np.maximum(np.abs(y), EPSILON)).mean(-1)


def _logarithmic_error(loss: Any, y: Array, z: Array) -> Array:
    log_y, log_z = (np.log1p(np.maximum(value, EPSILON)) for value in (y, z))
    return np.square(log_z - log_y).mean(-1)


def _cosine(loss: Any, y: Array, z: Array) -> Array:
    length_y, length_z = (np.sqrt(np.maximum(np.square(v).sum(-1), 1e-12)) for v in (y, z))
    return -(y * z).sum(-1) / (length_y * length_z)


def _violation(y: Array, z: Array) -> Array:
    return np.maximum(1 - np.where(y == 0, -1.0, y) * z, 0)


def _hinge(loss: Any, y: Array, z: Array) -> Array:
    return _violation(y, z).mean(-1)


def _squared_hinge(loss: Any, y: Array, z: Array) -> Array:
    return np.square(_violation(y, z)).mean(-1)


def _categorical_hinge(loss: Any, y: Array, z: Array) -> Array:
    return np.maximum(1 + ((1 - y) * z).max(-1) - (y * z).sum(-1), 0)


FORMULAS: dict[type[Loss], Callable[[Any, Array, Array], Array]] = {
    losses.BinaryCrossentropy: _binary_crossentropy,
    losses.CategoricalCrossentropy: _crossentropy,
    losses.SparseCategoricalCrossentropy: _crossentropy,
    losses.BinaryFocalCrossentropy: _binary_focal,
    losses.CategoricalFocalCrossentropy: _categorical_focal,
    losses.MeanSquaredError: _squared_error,
    losses.HalfMeanSquaredError: _half_squared_error,
    losses.MeanAbsoluteError: _absolute_error,
    losses.Huber: _huber,
    losses.LogCosh: _log_cosh,
    losses.KLDivergence: _divergence,
    losses.Poisson: _poisson,
    losses.MeanAbsolutePercentageError: _percentage_error,
    losses.MeanSquaredLogarithmicError: _logarithmic_error,
    losses.CosineSimilarity: _cosine,
    losses.Hinge: _hinge,
    losses.SquaredHinge: _squared_hinge,
    losses.CategoricalHinge: _categorical_hinge,
}
"""The formula of each loss: from (loss, targets, argument) to the losses of the rows."""
