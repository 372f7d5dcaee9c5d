"""Focal cross-entropies, which give more weight to the rows that are predicted worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, require
from glassnet.losses.crossentropy import Crossentropy, check_options, smooth_labels, to_one_hot
from glassnet.types import Array


def _focal_weight(miss: Array, gamma: float) -> Array:
    """Return miss^gamma, with a finite gradient even if the miss underflows to 0."""
    return jnp.maximum(miss, np.finfo(miss.dtype).tiny) ** gamma


def _check_gamma(who: str, gamma: float) -> None:
    require(is_float32(gamma) and gamma >= 0, who, "gamma to be a number >= 0", gamma=gamma)


@dataclass(frozen=True)
class BinaryFocalCrossentropy(Crossentropy):
    """Focal cross-entropy of 0/1 labels: l = mean_k -(1 - t_k)^gamma log t_k.

    t is the probability of the label: p if y = 1, and 1 - p if y = 0, with p = sigmoid(z).
    The loss is computed from z and is exact for any z. Keras clips p at 1e-7.
    For labels between 0 and 1, t = y p + (1 - y) (1 - p), and the logarithm becomes the binary
    cross-entropy.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Args:
        apply_class_balancing: whether labels of 1 have weight alpha and labels of 0 have weight
            1 - alpha.
        alpha: the weight of labels of 1, from 0 to 1.
        gamma: the power of the miss 1 - t, >= 0. A larger gamma gives easy rows less weight.
            0 is binary cross-entropy.
        from_logits: whether predictions are logits z, because the network has no final sigmoid.
        label_smoothing: the share s of each label that is replaced by 1/2, from 0 to 1:
            y becomes (1 - s) y + s / 2.

    Raises:
        ConfigError: `apply_class_balancing` or `from_logits` is not a bool, or another argument is
            out of range.

    Example:
        >>> print(f"{BinaryFocalCrossentropy()([1, 0], jnp.array([0.5, 0.5])):.4f}")  # log 2 / 4
        0.1733

    Source: Lin et al. 2017, eq. 4 (eq. 5 with `apply_class_balancing`).
    """

    output_activation: ClassVar[str | None] = "sigmoid"
    apply_class_balancing: bool = False
    alpha: float = 0.25
    gamma: float = 2.0
    _: KW_ONLY
    from_logits: bool = False
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        who, balance = type(self).__name__, self.apply_class_balancing
        check_options(self, self.label_smoothing)
        _check_gamma(who, self.gamma)
        require(
            isinstance(balance, bool),
            who,
            "apply_class_balancing to be a bool",
            apply_class_balancing=balance,
        )
        require(
            is_float32(self.alpha) and 0 <= self.alpha <= 1,
            who,
            "alpha to be a number from 0 to 1",
            alpha=self.alpha,
        )

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean focal cross-entropy over the last axis."""
        y = smooth_labels(y, self.label_smoothing, 2)
        miss = y * jax.nn.sigmoid(-z) + (1 - y) * jax.nn.sigmoid(z)
        crossentropy = y * jax.nn.softplus(-z) + (1 - y) * jax.nn.softplus(z)
        focal = _focal_weight(miss, self.gamma) * crossentropy
        weight = y * self.alpha + (1 - y) * (1 - self.alpha) if self.apply_class_balancing else 1
        return (weight * focal).mean(-1)


@dataclass(frozen=True)
class CategoricalFocalCrossentropy(Crossentropy):
    """Focal cross-entropy of classes: l = -sum_k alpha_k (1 - p_k)^gamma y_k log p_k.

    p = softmax(z). The loss is computed from z and is exact for any z. Keras clips p at 1e-7.
    Labels are one-hot rows or class ids.

    Shapes: z (batch, ..., classes); y of the same shape, or ids (batch, ...) -> loss (batch, ...).

    Args:
        alpha: the weight of all classes, >= 0, or a list of one weight per class.
        gamma: the power of the miss 1 - p, >= 0. A larger gamma gives easy rows less weight.
            0 is alpha times the cross-entropy.
        from_logits: whether predictions are logits z, because the network has no final softmax.
        label_smoothing: the share s of each row that is spread evenly over the K classes, from 0
            to 1: y becomes (1 - s) y + s / K.

    Raises:
        ConfigError: `from_logits` is not a bool, another argument is out of range, or `alpha` does
            not have one weight per class.

    Example:
        >>> loss = CategoricalFocalCrossentropy()
        >>> print(f"{loss([[0, 1]], jnp.array([[0.5, 0.5]])):.4f}")  # 0.25 * 0.25 * log 2
        0.0433

    Source: Lin et al. 2017, eq. 5, applied to classes as in Keras.
    """

    output_activation: ClassVar[str | None] = "softmax"
    alpha: float | Sequence[float] = 0.25
    gamma: float = 2.0
    _: KW_ONLY
    from_logits: bool = False
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        who = type(self).__name__
        if isinstance(self.alpha, Sequence | np.ndarray):
            object.__setattr__(self, "alpha", tuple(self.alpha))
        weights = self.alpha if isinstance(self.alpha, tuple) else (self.alpha,)
        valid = weights and all(is_float32(weight) and weight >= 0 for weight in weights)
        check_options(self, self.label_smoothing)
        _check_gamma(who, self.gamma)
        require(
            valid,
            who,
            "alpha to be a number >= 0, or a list of them, one per class",
            alpha=self.alpha,
        )

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the focal cross-entropy over the last axis."""
        who, classes = type(self).__name__, z.shape[-1]
        require(classes > 1, who, "one output per class, at least two", outputs=classes)
        if isinstance(self.alpha, tuple):
            require(
                len(self.alpha) == classes,
                who,
                "one alpha per class",
                alpha=self.alpha,
                classes=classes,
            )
        log_p = jax.nn.log_softmax(z)
        y = smooth_labels(to_one_hot(y, z), self.label_smoothing, classes)
        weight = jnp.asarray(self.alpha, z.dtype) * _focal_weight(-jnp.expm1(log_p), self.gamma)
        return (weight * y * -log_p).sum(-1)
