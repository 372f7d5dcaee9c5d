"""Losses that compare the network's output with targets of the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from glassnet.errors import is_float32, require
from glassnet.losses.loss import EPSILON, Loss
from glassnet.types import Array


def _absolute(error: Array) -> Array:
    """Return |error| with gradient 0 at 0, where `jnp.abs` has gradient 1."""
    return error * jnp.sign(error)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean squared error over the outputs: l = mean_k (y_k - yhat_k)^2.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{MeanSquaredError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        2.0

    Source: lecture 000, error and loss.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean squared error over the last axis."""
        return jnp.square(y - z).mean(-1)


@dataclass(frozen=True)
class HalfMeanSquaredError(Loss):
    """Half the sum of squared errors over the outputs: l = 1/2 sum_k (y_k - yhat_k)^2.

    Its gradient is dl/dyhat = -(y - yhat).

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{HalfMeanSquaredError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        1.0

    Source: lecture 003, J = 1/2 (y - yhat)^2.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return half the sum of squared errors over the last axis."""
        return 0.5 * jnp.square(y - z).sum(-1)


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean absolute error over the outputs: l = mean_k |y_k - yhat_k|.

    Its gradient is 0 if the two are equal.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{MeanAbsoluteError()([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")
        1.0

    Source: Willmott and Matsuura 2005, eq. 2.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean absolute error over the last axis."""
        return _absolute(z - y).mean(-1)


@dataclass(frozen=True)
class Huber(Loss):
    """Huber loss, squared for small errors and absolute for large ones.

    l = mean_k h(e_k) with e = yhat - y, h(e) = e^2 / 2 if |e| <= delta, and
    h(e) = delta |e| - delta^2 / 2 otherwise. The gradient is e, clipped to +-delta.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Args:
        delta: the size of the error at which the parabola becomes a line, a number > 0 in the
            unit of the targets.

    Raises:
        ConfigError: `delta` is not a number > 0.

    Example:
        >>> print(f"{Huber(delta=1.0)([1.0, 2.0], jnp.array([1.5, 4.0])):.4f}")  # (0.125 + 1.5) / 2
        0.8125

    Source: Huber 1964, section 4.
    """

    depends_on_error_only: ClassVar[bool] = True
    delta: float = 1.0

    def __post_init__(self) -> None:
        require(
            is_float32(self.delta) and self.delta > 0,
            "Huber",
            "delta to be a number > 0",
            delta=self.delta,
        )

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean Huber loss over the last axis."""
        error = z - y
        clipped = jnp.clip(error, -self.delta, self.delta)
        return (clipped * (error - clipped / 2)).mean(-1)


@dataclass(frozen=True)
class LogCosh(Loss):
    """Logarithm of the hyperbolic cosine of the error: l = mean_k log(cosh(e_k)).

    A smooth absolute error: about e^2 / 2 for small e = yhat - y, and |e| - log 2 for large e.
    Its gradient is tanh(e).

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{LogCosh()([1.0, 2.0], jnp.array([1.0, 4.0])):.4f}")
        0.6625

    Source: Keras's formula, written as |e| + log(1 + (exp(-2 |e|) - 1) / 2), which does not
        overflow and is accurate for small losses.
    """

    depends_on_error_only: ClassVar[bool] = True

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean of log(cosh(error)) over the last axis."""
        size = _absolute(z - y)
        return (size + jnp.log1p(jnp.expm1(-2 * size) / 2)).mean(-1)


@dataclass(frozen=True)
class KLDivergence(Loss):
    """Kullback-Leibler divergence from the true distribution: l = sum_k y_k log(y_k / yhat_k).

    Both are clipped to 1e-7..1. It takes probabilities, not logits, so end the network in a
    softmax. An output below 0 has gradient 0 and cannot learn.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{KLDivergence()([[0.5, 0.5]], jnp.array([[0.25, 0.75]])):.4f}")
        0.1438

    Source: Kullback and Leibler 1951, eq. 2.4; the clip is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the divergence (nats), summed over the last axis."""
        y, z = jnp.clip(jnp.asarray(y, z.dtype), EPSILON, 1), jnp.clip(z, EPSILON, 1)
        return (y * jnp.log(y / z)).sum(-1)


@dataclass(frozen=True)
class Poisson(Loss):
    """Negative log-likelihood of counts: l = mean_k (yhat_k - y_k log(yhat_k + 1e-7)).

    yhat is the expected count. A constant is left out. The loss of an expected count below 0 is
    NaN, so end the network in "exponential", "softplus" or "relu".

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{Poisson()([2.0], jnp.array([1.0])):.4f}")
        1.0000

    Source: McCullagh and Nelder 1989, section 6.2; the offset 1e-7 is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean negative log-likelihood (nats) over the last axis."""
        return (z - y * jnp.log(z + EPSILON)).mean(-1)


@dataclass(frozen=True)
class MeanAbsolutePercentageError(Loss):
    """Mean absolute error in percent: l = 100 mean_k |y_k - yhat_k| / max(|y_k|, 1e-7).

    A target of 0 makes it very large. Its gradient is 0 if the two are equal.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> loss = MeanAbsolutePercentageError()
        >>> print(f"{loss([2.0, 4.0], jnp.array([1.0, 5.0])):.1f}")  # (50 + 25) / 2
        37.5

    Source: de Myttenaere et al. 2016, section 1; the floor 1e-7 is Keras's.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean absolute percentage error over the last axis."""
        return 100 * (_absolute(z - y) / jnp.maximum(jnp.abs(y), EPSILON)).mean(-1)


@dataclass(frozen=True)
class MeanSquaredLogarithmicError(Loss):
    """Mean squared error of logarithms: l = mean_k (log(1 + y_k) - log(1 + yhat_k))^2.

    Both are raised to at least 1e-7. An output below 0 has gradient 0 and cannot learn, so end
    the network in "softplus" or "exponential".

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> loss = MeanSquaredLogarithmicError()
        >>> print(f"{loss([0.0, 3.0], jnp.array([1.0, 3.0])):.4f}")  # log(2)^2 / 2
        0.2402

    Source: Keras's formula.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the mean squared error of logarithms over the last axis."""
        log_y, log_z = (jnp.log1p(jnp.maximum(v, EPSILON)) for v in (y, z))
        return jnp.square(log_z - log_y).mean(-1)


@dataclass(frozen=True)
class CosineSimilarity(Loss):
    """Negative cosine of the angle between target and prediction: l = -y . yhat / (|y| |yhat|).

    It runs from -1 (same direction) to 1 (opposite direction), and is 0 if either vector is 0.
    Use it with several outputs: for a single output it only compares signs.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Example:
        >>> print(f"{CosineSimilarity()([[1.0, 0.0]], jnp.array([[3.0, 4.0]])):.1f}")
        -0.6

    Source: Keras's formula, with squared lengths of at least 1e-12.
    """

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the negative cosine over the last axis."""
        length_y, length_z = (jnp.sqrt(jnp.maximum(jnp.square(v).sum(-1), 1e-12)) for v in (y, z))
        return -(y * z).sum(-1) / (length_y * length_z)
