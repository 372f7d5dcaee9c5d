"""Layers that disturb on purpose, in training only: Dropout, GaussianNoise."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.errors import is_number, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, State


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, set each number to 0 with probability rate and divide the others by 1 - rate; otherwise do nothing.

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
        fix = "A rate of 1 would zero everything: nothing could be learned." if self.rate == 1 else ""
        require(
            is_number(self.rate) and 0 <= self.rate < 1, "Dropout", "rate from 0 to below 1 (the fraction zeroed)", rate=self.rate, fix=fix
        )

    def apply(self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None) -> tuple[Array, State]:
        if not train:
            return x, state
        keep = jax.random.bernoulli(key, 1 - self.rate, x.shape)
        return jnp.where(keep, x / (1 - self.rate), 0), state

    def formula(self) -> str:
        return f"{self.rate:g} of the numbers zeroed, in training only"


@dataclass(frozen=True)
class GaussianNoise(Layer):
    """In training, add to each number normal noise of its own, y = x + stddev N(0, 1); otherwise do nothing.

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
        require(is_number(self.stddev) and self.stddev >= 0, "GaussianNoise", "stddev to be a number >= 0", stddev=self.stddev)

    def apply(self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None) -> tuple[Array, State]:
        return (x + self.stddev * jax.random.normal(key, x.shape, x.dtype) if train else x), state

    def formula(self) -> str:
        return f"y = x + {self.stddev:g} N(0, 1), in training only"
