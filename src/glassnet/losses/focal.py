"""Cross-entropies that listen to what is still wrong: each term is scaled by how far its
probability is from the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_number, require
from glassnet.losses.crossentropy import Crossentropy, check_options, smooth_labels, to_one_hot
from glassnet.types import Array


def _focal_weight(miss: Array, gamma: float) -> Array:
    """miss^gamma, with a finite slope also where the miss is too small for a float."""
    return jnp.maximum(miss, jnp.finfo(miss.dtype).tiny) ** gamma


def _check_gamma(who: str, gamma: float) -> None:
    require(is_number(gamma) and gamma >= 0, who, "gamma to be a number >= 0", gamma=gamma)


@dataclass(frozen=True)
class BinaryFocalCrossentropy(Crossentropy):
    """Cross-entropy of 0/1 labels, weighed by the miss: l = mean_k -(1 - t_k)^gamma log t_k, t = p
    where y = 1 and 1 - p where y = 0.

    p = sigmoid(z), and all is computed from z: exact at any size of z, where Keras clips at 1e-7.
    Softer labels blend the two cases: t = y p + (1 - y) (1 - p), and the logarithm becomes the
    binary cross-entropy.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Args:
        apply_class_balancing: whether labels of 1 weigh alpha, and labels of 0 weigh 1 - alpha.
        alpha: that weight, from 0 to 1.
        gamma: the power of the miss, >= 0: the larger, the less an easy row counts; 0 is binary
            cross-entropy.
        from_logits: the network ends without its sigmoid, so that predictions are z.
        label_smoothing: the share of each label that is replaced by 1/2, from 0 to 1: y becomes (1
            - s) y + s / 2.

    Raises:
        ConfigError: where `apply_class_balancing` or `from_logits` is not a bool, or another field
            out of its range.

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
            is_number(self.alpha) and 0 <= self.alpha <= 1,
            who,
            "alpha to be a number from 0 to 1",
            alpha=self.alpha,
        )

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the focal cross-entropy."""
        y = smooth_labels(y, self.label_smoothing, 2)
        miss = y * jax.nn.sigmoid(-z) + (1 - y) * jax.nn.sigmoid(z)
        each = _focal_weight(miss, self.gamma) * (
            y * jax.nn.softplus(-z) + (1 - y) * jax.nn.softplus(z)
        )
        weight = y * self.alpha + (1 - y) * (1 - self.alpha) if self.apply_class_balancing else 1
        return (weight * each).mean(-1)


@dataclass(frozen=True)
class CategoricalFocalCrossentropy(Crossentropy):
    """Cross-entropy of classes, weighed by the miss: l = -sum_k alpha_k (1 - p_k)^gamma y_k log
    p_k, p = softmax(z).

    It is computed from z, exact at any size of z, where Keras clips at 1e-7. Labels are one-hot
    rows or class ids.

    Shapes: z (batch, ..., classes); y of the same shape, or ids (batch, ...) -> rows (batch, ...).

    Args:
        alpha: the weight of every class, >= 0, or a list of one for each.
        gamma: the power of the miss, >= 0: the larger, the less an easy row counts; 0 is alpha
            times the cross-entropy.
        from_logits: the network ends without its softmax, so that predictions are z.
        label_smoothing: the share of each row that is spread evenly over the K classes, from 0 to
            1: y becomes (1 - s) y + s / K.

    Raises:
        ConfigError: where `from_logits` is not a bool, or another field out of its range; where
            `alpha` is a list of another length than there are classes.

    Example:
        >>> print(f"{CategoricalFocalCrossentropy()([[0, 1]], jnp.array([[0.5, 0.5]])):.4f}")  # 0.25 * 0.25 * log 2
        0.0433

    Source: Lin et al. 2017, eq. 5, over classes as Keras has it.
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
        fine = weights and all(is_number(weight) and weight >= 0 for weight in weights)
        check_options(self, self.label_smoothing)
        _check_gamma(who, self.gamma)
        require(
            fine,
            who,
            "alpha to be a number >= 0, or a list of them, one per class",
            alpha=self.alpha,
        )

    def unreduced(self, y: Array, z: Array) -> Array:
        """The focal cross-entropy over the last axis."""
        who, classes = type(self).__name__, z.shape[-1]
        require(classes > 1, who, "one output per class, two at least", outputs=classes)
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
        return (
            jnp.asarray(self.alpha, z.dtype)
            * _focal_weight(-jnp.expm1(log_p), self.gamma)
            * y
            * -log_p
        ).sum(-1)
