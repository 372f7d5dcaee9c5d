"""Hinge losses, which are zero for scores on the correct side of a margin."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.losses.loss import Loss
from glassnet.types import Array


def _margin_violation(y: Array, z: Array) -> Array:
    """Return how far each score falls short of its margin, with labels of 0 read as -1."""
    return jax.nn.relu(1 - jnp.where(y == 0, -1.0, y) * z)


@dataclass(frozen=True)
class Hinge(Loss):
    """Hinge loss of labels -1 and 1: l = mean_k max(1 - y_k yhat_k, 0).

    A label of 0 is read as -1. The gradient at the margin itself is 0.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{Hinge()([0, 1], jnp.array([-2.0, 0.25])):.3f}")  # (0 + 0.75) / 2
        0.375

    Source: Rosasco et al. 2004, section 2; Keras also reads labels 0 and 1 as -1 and 1.
    """

    @property
    def decision_threshold(self) -> float:
        """Return the threshold of a positive answer: score 0."""
        return 0.0

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean hinge loss over the last axis."""
        return _margin_violation(y, z).mean(-1)


@dataclass(frozen=True)
class SquaredHinge(Loss):
    """Squared hinge loss of labels -1 and 1: l = mean_k max(1 - y_k yhat_k, 0)^2.

    A label of 0 is read as -1.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{SquaredHinge()([0, 1], jnp.array([-2.0, 0.5])):.3f}")  # (0 + 0.25) / 2
        0.125

    Source: Rosasco et al. 2004, section 2; Keras also reads labels 0 and 1 as -1 and 1.
    """

    @property
    def decision_threshold(self) -> float:
        """Return the threshold of a positive answer: score 0."""
        return 0.0

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean squared hinge loss over the last axis."""
        return jnp.square(_margin_violation(y, z)).mean(-1)


@dataclass(frozen=True)
class CategoricalHinge(Loss):
    """Hinge loss of classes: l = max(1 + max_k (1 - y_k) yhat_k - sum_k y_k yhat_k, 0).

    It is zero if the score of the true class exceeds every other score by at least 1. As in Keras,
    the true class counts in the inner maximum with a score of 0. Targets are one-hot rows.

    Shapes: y and z (batch, ..., classes) -> loss (batch, ...).

    Example:
        >>> print(f"{CategoricalHinge()([[0, 1]], jnp.array([[0.5, 0.75]])):.2f}")  # 1 + 0.5 - 0.75
        0.75

    Source: Crammer and Singer 2001, section 3; the score of 0 is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the hinge loss over the last axis."""
        return jax.nn.relu(1 + ((1 - y) * z).max(-1) - (y * z).sum(-1))
