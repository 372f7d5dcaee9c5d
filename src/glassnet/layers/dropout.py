"""Layers that disturb on purpose, in training only."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.errors import is_number, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, State


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, set each number to 0 with probability rate and divide the others by 1 - rate;
    otherwise do nothing.

    Shapes:
        (batch, ...) to the same.

    Args:
        rate: fraction zeroed, from 0 to below 1.

    Raises:
        ConfigError: rate outside [0, 1).

    Example:
        >>> import jax, numpy as np
        >>> x = np.ones((1, 4), np.float32)
        >>> y, _ = Dropout(0.5).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> set(y.ravel().tolist()) <= {0.0, 2.0}
        True

    Source: Srivastava et al. 2014; lecture 002, typically half of the neurons.
    """

    rate: float = 0.5

    def __post_init__(self):
        fix = (
            "A rate of 1 would zero everything: nothing could be learned." if self.rate == 1 else ""
        )
        require(
            is_number(self.rate) and 0 <= self.rate < 1,
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
        return f"{self.rate:g} of the numbers zeroed, in training only"


@dataclass(frozen=True)
class AlphaDropout(Layer):
    """Dropout for SELU: in training x -> a x + b, or a s + b with probability rate; s = -1.758, a
    and b keep mean 0 and variance 1.

    s = -1.0507 * 1.6733 is what SELU gives far below zero; a = 1 / sqrt((1 - rate)(1 + rate s^2))
    and b = -a s rate.

    Shapes:
        (batch, ...) to the same.

    Args:
        rate: fraction set to s, from 0 to below 1.

    Raises:
        ConfigError: rate outside [0, 1).

    Example:
        >>> import jax, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(1000, 100))
        >>> y, _ = AlphaDropout(0.5).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> print(f"{abs(y.mean()):.1f} {y.std():.1f}")
        0.0 1.0

    Source: Klambauer et al. 2017, arXiv 1706.02515, section 3; Keras.
    """

    rate: float

    def __post_init__(self):
        require(
            is_number(self.rate) and 0 <= self.rate < 1,
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
        return f"{self.rate:g} of the numbers set to -1.758, then mean and variance restored, in training only"


@dataclass(frozen=True)
class GaussianDropout(Layer):
    """In training, multiply each number by normal noise of its own, y = x N(1, sqrt(rate / (1 -
    rate))); otherwise do nothing.

    Shapes:
        (batch, ...) to the same.

    Args:
        rate: of the Dropout whose noise has this spread, from 0 to below 1.

    Raises:
        ConfigError: rate outside [0, 1).

    Example:
        >>> import jax, numpy as np
        >>> x = np.ones((1000, 10), np.float32)
        >>> y, _ = GaussianDropout(0.2).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)  # sqrt(0.2 / 0.8) = 0.5
        >>> print(f"{y.mean():.1f} {y.std():.1f}")
        1.0 0.5

    Source: Srivastava et al. 2014, section 10; Keras.
    """

    rate: float

    def __post_init__(self):
        require(
            is_number(self.rate) and 0 <= self.rate < 1,
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
        return f"y = x N(1, {(self.rate / (1 - self.rate)) ** 0.5:.3g}), in training only"


@dataclass(frozen=True)
class GaussianNoise(Layer):
    """In training, add to each number normal noise of its own, y = x + stddev N(0, 1); otherwise do
    nothing.

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

    def __post_init__(self):
        require(
            is_number(self.stddev) and self.stddev >= 0,
            "GaussianNoise",
            "stddev to be a number >= 0",
            stddev=self.stddev,
        )

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return (x + self.stddev * jax.random.normal(key, x.shape, x.dtype) if train else x), state

    def formula(self) -> str:
        return f"y = x + {self.stddev:g} N(0, 1), in training only"
