"""Layers that add noise in training: Dropout, AlphaDropout, GaussianDropout, GaussianNoise."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.errors import is_float32, require
from glassnet.formatting import format_number
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, State


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout: zero each number with probability rate and divide the others by 1 - rate.

    Outside training it does nothing.

    Shapes:
        (batch, ...) to the same.

    Args:
        rate: probability of zero, from 0 to below 1.

    Raises:
        ConfigError: rate is outside [0, 1).

    Example:
        >>> import jax, numpy as np
        >>> x = np.ones((1, 4), np.float32)
        >>> y, _ = Dropout(0.5).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> set(y.ravel().tolist()) <= {0.0, 2.0}
        True

    Source: Srivastava et al. 2014; lecture 002, which drops half of the neurons.
    """

    rate: float = 0.5

    def __post_init__(self) -> None:
        fix = (
            "A rate of 1 would zero everything, so nothing could be learned."
            if self.rate == 1
            else ""
        )
        require(
            is_float32(self.rate) and 0 <= self.rate < 1,
            "Dropout",
            "rate from 0 to below 1 (the fraction zeroed)",
            rate=self.rate,
            fix=fix,
        )

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        if not train:
            return x, state
        keep = jax.random.bernoulli(key, 1.0 - self.rate, x.shape)
        return jnp.where(keep, x / (1 - self.rate), 0), state

    def formula(self) -> str:
        return f"{format_number(self.rate)} of the numbers zeroed, in training only"


@dataclass(frozen=True)
class AlphaDropout(Layer):
    """Dropout for SELU, which keeps mean 0 and variance 1: y = a x + b, or a s + b if dropped.

    Each number is dropped with probability rate. s = -1.0507 * 1.6733 = -1.758 is SELU's limit far
    below zero, a = 1 / sqrt((1 - rate)(1 + rate s^2)) and b = -a s rate. Outside training the layer
    does nothing.

    Shapes:
        (batch, ...) to the same.

    Args:
        rate: probability of s, from 0 to below 1.

    Raises:
        ConfigError: rate is outside [0, 1).

    Example:
        >>> import jax, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(1000, 100))
        >>> y, _ = AlphaDropout(0.5).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> print(f"{abs(y.mean()):.1f} {y.std():.1f}")
        0.0 1.0

    Source: Klambauer et al. 2017, arXiv 1706.02515, section 3; Keras.
    """

    rate: float

    def __post_init__(self) -> None:
        require(
            is_float32(self.rate) and 0 <= self.rate < 1,
            "AlphaDropout",
            "rate from 0 to below 1",
            rate=self.rate,
        )

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        if not train:
            return x, state
        low = -1.0507009873554805 * 1.6732632423543772
        a = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        keep = jax.random.bernoulli(key, 1.0 - self.rate, x.shape)
        return a * jnp.where(keep, x, low) - a * low * self.rate, state

    def formula(self) -> str:
        share = f"{format_number(self.rate)} of the numbers set to -1.758"
        return f"{share}, then mean and variance restored, in training only"


@dataclass(frozen=True)
class GaussianDropout(Layer):
    """Multiplicative normal noise: y = x N(1, sqrt(rate / (1 - rate))).

    Each number gets independent noise. Outside training the layer does nothing.

    Shapes:
        (batch, ...) to the same.

    Args:
        rate: rate of the Dropout with the same standard deviation of noise, from 0 to below 1.

    Raises:
        ConfigError: rate is outside [0, 1).

    Example:
        >>> import jax, numpy as np
        >>> x = np.ones((1000, 10), np.float32)
        >>> layer = GaussianDropout(0.2)  # sqrt(0.2 / 0.8) = 0.5
        >>> y, _ = layer.apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> print(f"{y.mean():.1f} {y.std():.1f}")
        1.0 0.5

    Source: Srivastava et al. 2014, section 10; Keras.
    """

    rate: float

    def __post_init__(self) -> None:
        require(
            is_float32(self.rate) and 0 <= self.rate < 1,
            "GaussianDropout",
            "rate from 0 to below 1",
            rate=self.rate,
        )

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        spread = (self.rate / (1 - self.rate)) ** 0.5
        return (x * (1 + spread * jax.random.normal(key, x.shape, x.dtype)) if train else x), state

    def formula(self) -> str:
        return (
            f"y = x N(1, {format_number((self.rate / (1 - self.rate)) ** 0.5)}), in training only"
        )


@dataclass(frozen=True)
class GaussianNoise(Layer):
    """Additive normal noise: y = x + stddev N(0, 1).

    Each number gets independent noise. Outside training the layer does nothing.

    Shapes:
        (batch, ...) to the same.

    Args:
        stddev: standard deviation of the noise, >= 0, in units of x.

    Raises:
        ConfigError: stddev is not a number >= 0.

    Example:
        >>> import jax, numpy as np
        >>> x = np.zeros((1000, 10), np.float32)
        >>> y, _ = GaussianNoise(0.1).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> print(f"{y.std():.2f}")
        0.10

    Source: Bishop 1995, Training with noise is equivalent to Tikhonov regularization.
    """

    stddev: float

    def __post_init__(self) -> None:
        require(
            is_float32(self.stddev) and self.stddev >= 0,
            "GaussianNoise",
            "stddev to be a number >= 0",
            stddev=self.stddev,
        )

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return (x + self.stddev * jax.random.normal(key, x.shape, x.dtype) if train else x), state

    def formula(self) -> str:
        return f"y = x + {format_number(self.stddev)} N(0, 1), in training only"
