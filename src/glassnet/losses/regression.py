"""Losses of numbers, rates and directions: they own no activation, and compare the network's output
with targets of its shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from glassnet.errors import is_number, require
from glassnet.losses.loss import EPSILON, Loss
from glassnet.types import Array


def _absolute(error: Array) -> Array:
    """|error| with slope 0 at 0, where `jnp.abs` has slope 1."""
    return error * jnp.sign(error)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean squared error over the outputs: l = mean_k (y_k - yhat_k)^2.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{MeanSquaredError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        2.0

    Source: lecture 000, error and loss.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the squared error."""
        return jnp.square(y - z).mean(-1)


@dataclass(frozen=True)
class HalfMeanSquaredError(Loss):
    """Half the squared error, summed over the outputs: l = 1/2 sum_k (y_k - yhat_k)^2, so that
    dl/dyhat = -(y - yhat).

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{HalfMeanSquaredError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        1.0

    Source: lecture 003, J = 1/2 (y - yhat)^2.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """Half the sum over the last axis of the squared error."""
        return 0.5 * jnp.square(y - z).sum(-1)


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean absolute error over the outputs: l = mean_k |y_k - yhat_k|; its slope where the two are
    equal is 0.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{MeanAbsoluteError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        1.0

    Source: Willmott and Matsuura 2005, eq. 2.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the absolute error."""
        return _absolute(z - y).mean(-1)


@dataclass(frozen=True)
class Huber(Loss):
    """Squared for small errors and absolute for large ones: l = mean_k e_k^2 / 2 where |e_k| <=
    delta, delta |e_k| - delta^2 / 2 beyond.

    Its slope is the error e = yhat - y, cut off at +-delta.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Args:
        delta: the size of error at which the parabola becomes a line, a number > 0 in the targets'
            unit.

    Raises:
        ConfigError: where `delta` is not a number > 0.

    Example:
        >>> print(f"{Huber(delta=1.0)([1.0, 2.0], jnp.array([1.5, 4.0])):.4f}")  # (0.125 + 1.5) / 2
        0.8125

    Source: Huber 1964, section 4.
    """

    depends_on_error_only: ClassVar[bool] = True
    delta: float = 1.0

    def __post_init__(self) -> None:
        require(
            is_number(self.delta) and self.delta > 0,
            "Huber",
            "delta to be a number > 0",
            delta=self.delta,
        )

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the Huber loss."""
        error = z - y
        near = jnp.clip(error, -self.delta, self.delta)
        return (near * (error - near / 2)).mean(-1)


@dataclass(frozen=True)
class LogCosh(Loss):
    """A smooth absolute error: l = mean_k log(cosh(e_k)), about e^2 / 2 for small e and |e| - log 2
    for large; its slope is tanh(e).

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{LogCosh()([1.0, 2.0], jnp.array([1.0, 4.0])):.4f}")
        0.6625

    Source: Keras's formula, written as |e| + log(1 + (exp(-2 |e|) - 1) / 2), which overflows
        nowhere and keeps small losses' digits.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the logarithm of the hyperbolic cosine of the error."""
        size = _absolute(z - y)
        return (size + jnp.log1p(jnp.expm1(-2 * size) / 2)).mean(-1)


@dataclass(frozen=True)
class KLDivergence(Loss):
    """How far a predicted distribution is from the true one: l = sum_k y_k log(y_k / yhat_k), both
    clipped to 1e-7..1.

    It takes probabilities, not logits: end in a softmax. An output below 0 has slope 0 and cannot
        learn.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{KLDivergence()([[0.5, 0.5]], jnp.array([[0.25, 0.75]])):.4f}")
        0.1438

    Source: Kullback and Leibler 1951, eq. 2.4; the clip is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """The sum over the last axis of the divergence (nats)."""
        y, z = jnp.clip(jnp.asarray(y, z.dtype), EPSILON, 1), jnp.clip(z, EPSILON, 1)
        return (y * jnp.log(y / z)).sum(-1)


@dataclass(frozen=True)
class Poisson(Loss):
    """Negative log-likelihood of counts, but for a constant: l = mean_k (yhat_k - y_k log(yhat_k +
    1e-7)), yhat the expected count.

    An expected count below 0 has no likelihood, and the loss is NaN there: end in "exponential",
        "softplus" or "relu".

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{Poisson()([2.0], jnp.array([1.0])):.4f}")
        1.0000

    Source: McCullagh and Nelder 1989, section 6.2; the offset 1e-7 is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the negative log-likelihood (nats)."""
        return (z - y * jnp.log(z + EPSILON)).mean(-1)


@dataclass(frozen=True)
class MeanAbsolutePercentageError(Loss):
    """Mean absolute error in percent of the target: l = 100 mean_k |y_k - yhat_k| / max(|y_k|,
    1e-7).

    A target of 0 makes it huge; its slope where the two are equal is 0.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{MeanAbsolutePercentageError()([2.0, 4.0], jnp.array([1.0, 5.0])):.1f}")  # (50 + 25) / 2
        37.5

    Source: de Myttenaere et al. 2016, section 1; the floor 1e-7 is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the error (percent)."""
        return 100 * (_absolute(z - y) / jnp.maximum(jnp.abs(y), EPSILON)).mean(-1)


@dataclass(frozen=True)
class MeanSquaredLogarithmicError(Loss):
    """Mean squared error of logarithms: l = mean_k (log(1 + y_k) - log(1 + yhat_k))^2, both of them
    1e-7 at least.

    An output below 0 has slope 0 and cannot learn: end in "softplus" or "exponential".

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{MeanSquaredLogarithmicError()([0.0, 3.0], jnp.array([1.0, 3.0])):.4f}")  # log(2)^2 / 2
        0.2402

    Source: Keras's formula.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """The mean over the last axis of the squared error of logarithms."""
        return jnp.square(
            jnp.log1p(jnp.maximum(z, EPSILON)) - jnp.log1p(jnp.maximum(y, EPSILON))
        ).mean(-1)


@dataclass(frozen=True)
class CosineSimilarity(Loss):
    """The cosine of the angle between target and prediction, with a minus: l = -y . yhat / (|y|
    |yhat|), from -1 (alike) to 1 (opposed).

    Where either is 0, so is the loss. Of one output only the sign is left: give it several.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Example:
        >>> print(f"{CosineSimilarity()([[1.0, 0.0]], jnp.array([[3.0, 4.0]])):.1f}")
        -0.6

    Source: Keras's formula, squared lengths being 1e-12 at least.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """Minus the cosine over the last axis."""
        lengths = [jnp.sqrt(jnp.maximum(jnp.square(v).sum(-1), 1e-12)) for v in (y, z)]
        return -(y * z).sum(-1) / (lengths[0] * lengths[1])
