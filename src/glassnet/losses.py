"""Losses: how wrong a prediction is, one number per row.

A cross-entropy owns its softmax or sigmoid: `rows` takes the pre-activation z (the logits), where the loss is exact at any
size of z and its gradient is the lectures' p - y. Training always does so; `loss(y_true, y_pred)` is for direct use, on
probabilities.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import DataError, lookup, require
from glassnet.types import Array

CLIP = 1e-7
"""How close to 0 and 1 a probability may come before its logarithm is taken (Keras's epsilon)."""


@dataclass(frozen=True)
class Loss(ABC):
    """What every loss is. Write one by giving `rows`.

    Attributes:
        link: the activation that this loss owns ("softmax", "sigmoid" or None): `rows` then takes what goes into it.
    """

    link: ClassVar[str | None] = None

    @abstractmethod
    def rows(self, y: Array, z: Array) -> Array:
        """The loss of every row.

        Args:
            y: targets, in a form that the loss takes.
            z: the pre-activation of `link`, or the network's output where there is none, (batch, ..., outputs).

        Returns:
            (batch, ...).
        """

    def pre_activation(self, y_pred: Array) -> Array:
        """What `rows` takes for the prediction `y_pred`: the logits of its probabilities, or `y_pred` as it is."""
        return y_pred

    def __call__(self, y_true: Any, y_pred: Array, sample_weight: Any = None) -> Array:
        """The mean over rows of weight times loss, differentiable in `y_pred`.

        Args:
            y_true: targets on the host, a list or an array; (batch,) also fits predictions of (batch, 1).
            y_pred: predictions (batch, ..., outputs): probabilities for a cross-entropy, unless `from_logits`.
            sample_weight: a weight per row (dimensionless), or None for 1. The divisor stays the number of rows.

        Returns:
            One number, in the loss's unit.

        Raises:
            DataError: where shapes do not fit, or a class id is not an integer 0..classes-1.
        """
        y_pred = jnp.asarray(y_pred, float)
        y, shape = align(type(self).__name__, y_true, y_pred.shape, ids=self.link == "softmax")
        rows = self.rows(y, self.pre_activation(y_pred.reshape(shape)))
        return rows.mean() if sample_weight is None else (rows * spread(sample_weight, rows.shape)).mean()


def align(who: str, y_true: Any, shape: tuple[int, ...], *, ids: bool) -> tuple[np.ndarray, tuple[int, ...]]:
    """`y_true` as an array that fits predictions of `shape`, and that shape with an axis of outputs.

    Args:
        who: the name that an error begins with.
        y_true: targets, a list or an array.
        shape: the predictions' shape, (batch, ..., outputs) or (batch,).
        ids: whether class ids 0..outputs-1, one per row, are welcome too.

    Raises:
        DataError: where the two would only fit by broadcasting, which trains to nonsense, or an id names no class.
    """
    y = np.asarray(y_true)
    require(y.dtype.kind in "biuf", who, "y_true to be numbers", error=DataError, dtype=str(y.dtype))
    shape = shape if len(shape) > 1 else (*shape, 1)
    if y.shape == shape or (shape[-1] == 1 and y.shape == shape[:-1]):
        return y.reshape(shape), shape
    forms = f"y_true of the shape of y_pred, {shape}" + (f", or class ids {shape[:-1]}" if ids else "")
    require(ids and y.shape in (shape[:-1], (*shape[:-1], 1)), who, forms, error=DataError, shape=y.shape)
    wrong = y[(y != np.floor(y)) | (y < 0) | (y >= shape[-1])]
    require(not wrong.size, who, f"class ids to be integers 0..{shape[-1] - 1}", error=DataError, ids=wrong[:3].tolist())
    return y.astype(np.int32).reshape(shape[:-1]), shape


def spread(w: Any, shape: tuple[int, ...]) -> Array:
    """`w` repeated over `shape`: a weight per example (batch,) serves rows of (batch, time).

    Raises:
        DataError: where `w` is not of the shape's first axes.
    """
    w = jnp.asarray(w)
    require(w.shape == shape[: w.ndim], "sample_weight", f"one weight per row, {shape}", error=DataError, shape=w.shape)
    return jnp.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)


def distribution(y: Array, z: Array) -> Array:
    """`y` as one row of class probabilities per row of `z`: class ids (one axis fewer than `z`) become one-hot rows."""
    return jax.nn.one_hot(y, z.shape[-1], dtype=z.dtype) if y.ndim == z.ndim - 1 else y


def _categorical(y: Array, z: Array) -> Array:
    require(z.shape[-1] > 1, "categorical cross-entropy", "one output per class, two at least", outputs=z.shape[-1])
    return (distribution(y, z) * -jax.nn.log_softmax(z)).sum(-1)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean squared error over the outputs: l = mean_k (y_k - yhat_k)^2.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{MeanSquaredError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        2.0

    Source: lecture 000, error and loss.
    """

    def rows(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the squared error."""
        return jnp.square(y - z).mean(-1)


@dataclass(frozen=True)
class HalfMeanSquaredError(Loss):
    """Half the squared error, summed over all outputs: l = 1/2 sum_k (y_k - yhat_k)^2, so that dl/dyhat = -(y - yhat).

    Shapes: y and z (batch, ..., outputs) -> rows (batch,).

    Example:
        >>> print(f"{HalfMeanSquaredError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        1.0

    Source: lecture 003, J = 1/2 (y - yhat)^2.
    """

    def rows(self, y: Array, z: Array) -> Array:
        """Half the sum over all axes but the first of the squared error."""
        return 0.5 * jnp.square(y - z).sum(tuple(range(1, z.ndim)))


@dataclass(frozen=True)
class Crossentropy(Loss):
    """What the cross-entropies share: predictions are probabilities, or logits where `from_logits` says so."""

    from_logits: bool = False

    def __post_init__(self) -> None:
        require(isinstance(self.from_logits, bool), type(self).__name__, "from_logits to be a bool", from_logits=self.from_logits)

    def pre_activation(self, y_pred: Array) -> Array:
        """z: log p for softmax, log(p / (1 - p)) for sigmoid."""
        if self.from_logits:
            return y_pred
        p = jnp.clip(y_pred, CLIP, 1 - CLIP)
        return jnp.log(p) - jnp.log1p(-p) if self.link == "sigmoid" else jnp.log(p)


@dataclass(frozen=True)
class BinaryCrossentropy(Crossentropy):
    """Cross-entropy of 0/1 labels: l = mean_k -(y_k log p_k + (1 - y_k) log(1 - p_k)), p = sigmoid(z).

    -log p is computed from z as log(1 + exp(-z)), exact at any size of z.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Args:
        from_logits: the network ends without its sigmoid, so that predictions are z.

    Raises:
        ConfigError: where `from_logits` is not a bool.

    Example:
        >>> print(f"{BinaryCrossentropy()([1, 0], jnp.array([0.5, 0.5])):.4f}")
        0.6931

    Source: lecture 002, binary cross-entropy (the slide lacks the minus sign).
    """

    link: ClassVar[str | None] = "sigmoid"

    def rows(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the cross-entropy."""
        return (y * jax.nn.softplus(-z) + (1 - y) * jax.nn.softplus(z)).mean(-1)


@dataclass(frozen=True)
class CategoricalCrossentropy(Crossentropy):
    """Cross-entropy of classes: l = -sum_k y_k log p_k, p = softmax(z). Labels are one-hot rows or class ids.

    Shapes: z (batch, ..., classes); y of the same shape, or ids (batch, ...) -> rows (batch, ...).

    Args:
        from_logits: the network ends without its softmax, so that predictions are z.

    Raises:
        ConfigError: where `from_logits` is not a bool.

    Example:
        >>> print(f"{CategoricalCrossentropy()([[0, 1]], jnp.array([[0.75, 0.25]])):.4f}")
        1.3863

    Source: lecture 001, cross-entropy.
    """

    link: ClassVar[str | None] = "softmax"

    def rows(self, y: Array, z: Array) -> Array:
        """The cross-entropy over the last axis."""
        return _categorical(y, z)


@dataclass(frozen=True)
class SparseCategoricalCrossentropy(Crossentropy):
    """Cross-entropy of class ids: l = -log p_y, p = softmax(z). It takes one-hot rows too: the two differ in name only.

    Shapes: z (batch, ..., classes); ids (batch, ...), or y of z's shape -> rows (batch, ...).

    Args:
        from_logits: the network ends without its softmax, so that predictions are z.

    Raises:
        ConfigError: where `from_logits` is not a bool.

    Example:
        >>> print(f"{SparseCategoricalCrossentropy()([1], jnp.array([[0.75, 0.25]])):.4f}")
        1.3863

    Source: lecture 001, cross-entropy.
    """

    link: ClassVar[str | None] = "softmax"

    def rows(self, y: Array, z: Array) -> Array:
        """The cross-entropy over the last axis."""
        return _categorical(y, z)


LOSSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "half_mean_squared_error": HalfMeanSquaredError,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def get(value: str | Loss) -> Loss:
    """The loss called `value`, or `value` itself where it is one already.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor a loss.

    Example:
        >>> get("binary_crossentropy")
        BinaryCrossentropy(from_logits=False)
    """
    if isinstance(value, str):
        return lookup("loss", value, LOSSES)()
    require(isinstance(value, Loss), "loss", "a name or a Loss", loss=value)
    return value
