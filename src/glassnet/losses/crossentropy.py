"""Cross-entropies, computed from the logits z and therefore exact for any z."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from glassnet.errors import is_float32, require
from glassnet.losses.loss import EPSILON, Loss
from glassnet.types import Array


def to_one_hot(y: Array, z: Array) -> Array:
    """Return `y` with the axes of `z`: class ids (one axis fewer) become one-hot rows."""
    return jax.nn.one_hot(y, z.shape[-1], dtype=z.dtype) if y.ndim == z.ndim - 1 else y


def smooth_labels(y: Array, label_smoothing: float, classes: int) -> Array:
    """Return `y` with the share `label_smoothing` of it spread evenly over the classes."""
    return y * (1.0 - label_smoothing) + label_smoothing / classes


def _categorical_crossentropy(y: Array, z: Array, label_smoothing: float = 0.0) -> Array:
    require(
        z.shape[-1] > 1,
        "categorical cross-entropy",
        "one output per class, at least two",
        outputs=z.shape[-1],
    )
    y = smooth_labels(to_one_hot(y, z), label_smoothing, z.shape[-1])
    return (y * -jax.nn.log_softmax(z)).sum(-1)


def check_options(loss: Crossentropy, label_smoothing: float = 0.0) -> None:
    """Raise `ConfigError` unless `from_logits` is a bool and `label_smoothing` is in [0, 1]."""
    who = type(loss).__name__
    require(
        isinstance(loss.from_logits, bool),
        who,
        "from_logits to be a bool",
        from_logits=loss.from_logits,
    )
    require(
        is_float32(label_smoothing) and 0 <= label_smoothing <= 1,
        who,
        "label_smoothing to be a number from 0 to 1",
        label_smoothing=label_smoothing,
    )


@dataclass(frozen=True)
class Crossentropy(Loss):
    """Base class of the cross-entropies, of probabilities or, if `from_logits`, of logits."""

    from_logits: bool = False

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def decision_threshold(self) -> float:
        """Return the threshold of a positive answer: probability 1/2, which is logit 0."""
        return 0.0 if self.from_logits else 0.5

    def pre_activation(self, y_pred: Array) -> Array:
        """Return z: log p for a softmax, log(p / (1 - p)) for a sigmoid."""
        if self.from_logits:
            return y_pred
        p = jnp.clip(y_pred, EPSILON, 1 - EPSILON)
        return jnp.log(p) - jnp.log1p(-p) if self.output_activation == "sigmoid" else jnp.log(p)


@dataclass(frozen=True)
class BinaryCrossentropy(Crossentropy):
    """Cross-entropy of 0/1 labels: l = mean_k -(y_k log p_k + (1 - y_k) log(1 - p_k)).

    p = sigmoid(z). -log p is computed from z as log(1 + exp(-z)), which is exact for any z.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Args:
        from_logits: whether predictions are logits z, because the network has no final sigmoid.
        label_smoothing: the share s of each label that is replaced by 1/2, from 0 to 1:
            y becomes (1 - s) y + s / 2.

    Raises:
        ConfigError: `from_logits` is not a bool, or `label_smoothing` is not a number from 0 to 1.

    Example:
        >>> print(f"{BinaryCrossentropy()([1, 0], jnp.array([0.5, 0.5])):.4f}")
        0.6931

    Source: lecture 002, binary cross-entropy (the slide lacks the minus sign); Szegedy et al. 2016,
        section 7, for smoothing.
    """

    output_activation: ClassVar[str | None] = "sigmoid"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_options(self, self.label_smoothing)

    @property
    def gradient_is_error(self) -> bool:
        return self.label_smoothing == 0

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean cross-entropy over the last axis."""
        y = smooth_labels(y, self.label_smoothing, 2)
        return (y * jax.nn.softplus(-z) + (1 - y) * jax.nn.softplus(z)).mean(-1)


@dataclass(frozen=True)
class CategoricalCrossentropy(Crossentropy):
    """Cross-entropy of classes: l = -sum_k y_k log p_k, p = softmax(z).

    Labels are one-hot rows or class ids.

    Shapes: z (batch, ..., classes); y of the same shape, or ids (batch, ...) -> loss (batch, ...).

    Args:
        from_logits: whether predictions are logits z, because the network has no final softmax.
        label_smoothing: the share s of each row that is spread evenly over the K classes, from 0
            to 1: y becomes (1 - s) y + s / K.

    Raises:
        ConfigError: `from_logits` is not a bool, or `label_smoothing` is not a number from 0 to 1.

    Example:
        >>> print(f"{CategoricalCrossentropy()([[0, 1]], jnp.array([[0.75, 0.25]])):.4f}")
        1.3863

    Source: lecture 001, cross-entropy; Szegedy et al. 2016, section 7, for smoothing.
    """

    output_activation: ClassVar[str | None] = "softmax"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_options(self, self.label_smoothing)

    @property
    def gradient_is_error(self) -> bool:
        return self.label_smoothing == 0

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the cross-entropy over the last axis."""
        return _categorical_crossentropy(y, z, self.label_smoothing)


@dataclass(frozen=True)
class SparseCategoricalCrossentropy(Crossentropy):
    """Cross-entropy of class ids: l = -log p_y, p = softmax(z).

    It accepts one-hot rows too. It is `CategoricalCrossentropy` without label smoothing.

    Shapes: z (batch, ..., classes); ids (batch, ...), or y of z's shape -> loss (batch, ...).

    Args:
        from_logits: whether predictions are logits z, because the network has no final softmax.

    Raises:
        ConfigError: `from_logits` is not a bool.

    Example:
        >>> print(f"{SparseCategoricalCrossentropy()([1], jnp.array([[0.75, 0.25]])):.4f}")
        1.3863

    Source: lecture 001, cross-entropy.
    """

    output_activation: ClassVar[str | None] = "softmax"

    @property
    def gradient_is_error(self) -> bool:
        return True

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the cross-entropy over the last axis."""
        return _categorical_crossentropy(y, z)
