"""Losses of scores: a score is right once it is beyond a margin, and costs nothing from there
on.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.losses.loss import Loss
from glassnet.types import Array


def _margin_violation(y: Array, z: Array) -> Array:
    """How much each score lacks to its margin, labels of 0 being taken as -1."""
    return jax.nn.relu(1 - jnp.where(y == 0, -1.0, y) * z)


@dataclass(frozen=True)
class Hinge(Loss):
    """How far a score is from the right side of its margin: l = mean_k max(1 - y_k yhat_k, 0), y of
    -1 and 1 (0 is taken as -1).

    Its slope at the margin itself is 0.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{Hinge()([0, 1], jnp.array([-2.0, 0.25])):.3f}")  # (0 + 0.75) / 2
        0.375

    Source: Rosasco et al. 2004, section 2; Keras too reads labels of 0 and 1 as -1 and 1.
    """

    @property
    def decision_threshold(self) -> float:
        """0: a score's sign is the answer."""
        return 0.0

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the hinge loss."""
        return _margin_violation(y, z).mean(-1)


@dataclass(frozen=True)
class SquaredHinge(Loss):
    """The square of what a score lacks to its margin: l = mean_k max(1 - y_k yhat_k, 0)^2, y of -1
    and 1 (0 is taken as -1).

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{SquaredHinge()([0, 1], jnp.array([-2.0, 0.5])):.3f}")  # (0 + 0.25) / 2
        0.125

    Source: Rosasco et al. 2004, section 2; Keras too reads labels of 0 and 1 as -1 and 1.
    """

    @property
    def decision_threshold(self) -> float:
        """0: a score's sign is the answer."""
        return 0.0

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the squared hinge loss."""
        return jnp.square(_margin_violation(y, z)).mean(-1)


@dataclass(frozen=True)
class CategoricalHinge(Loss):
    """How far the best wrong class comes within 1 of the right one: l = max(1 + max_k (1 - y_k)
    yhat_k - sum_k y_k yhat_k, 0).

    The right class takes part in the inner maximum with a score of 0, as in Keras. Targets are
    one-hot rows.

    Shapes: y and z (batch, ..., classes) -> rows (batch, ...).

    Example:
        >>> print(f"{CategoricalHinge()([[0, 1]], jnp.array([[0.5, 0.75]])):.2f}")  # 1 + 0.5 - 0.75
        0.75

    Source: Crammer and Singer 2001, section 3; the score of 0 is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """The hinge loss over the last axis."""
        return jax.nn.relu(1 + ((1 - y) * z).max(-1) - (y * z).sum(-1))
