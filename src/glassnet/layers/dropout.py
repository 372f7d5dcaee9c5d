"""Layers that add noise in training: Dropout, AlphaDropout, GaussianDropout, GaussianNoise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, is_int, require
from glassnet.formatting import format_number
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout: zero each number with probability rate and divide the others by 1 - rate.

    Outside training it does nothing.

    Shapes:
        (batch, ...) to the same.

    Args:
        rate: probability of zero, from 0 to below 1.
        noise_shape: shape of the noise with the batch first, to zero numbers together: 1 along an
            axis for the same noise at all positions, None for its own noise at each. The batch may
            be any int >= 1. (None, 1, None) drops a channel at all steps. None for own noise
            everywhere.

    Raises:
        ConfigError: rate is outside [0, 1); noise_shape is not None or ints >= 1, or, once the
            shape is known, does not fit it.

    Example:
        >>> import jax, numpy as np
        >>> x = np.ones((1, 4), np.float32)
        >>> y, _ = Dropout(0.5).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> set(y.ravel().tolist()) <= {0.0, 2.0}
        True

    Source: Srivastava et al. 2014; lecture 002, which drops half of the neurons.
    """

    rate: float = 0.5
    noise_shape: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "noise_shape", _as_noise_shape(self))
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

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        _noise_sizes(self, (None, *shape))
        return {}

    @property
    def ignores_padding(self) -> bool:
        return True

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        if not train:
            return x, state
        keep = jax.random.bernoulli(key, 1.0 - self.rate, _noise_sizes(self, x.shape))
        return jnp.where(keep, x / (1 - self.rate), 0), state

    def formula(self) -> str:
        return f"{format_number(self.rate)} of the numbers zeroed, in training only"


def _as_noise_shape(layer: Any) -> tuple[int | None, ...] | None:
    """Return `noise_shape` as a tuple.

    Raises:
        ConfigError: it is not None, and not a list of ints >= 1 and None.
    """
    sizes = layer.noise_shape
    is_list = isinstance(sizes, tuple | list)
    fits = sizes is None or (is_list and all(n is None or is_int(n, least=1) for n in sizes))
    expected = "noise_shape to be None or a list of ints >= 1 and None, the batch first"
    require(fits, type(layer).__name__, expected, noise_shape=sizes)
    return None if sizes is None else tuple(None if n is None else int(n) for n in sizes)


def _noise_sizes(layer: Any, shape: tuple[int | None, ...]) -> tuple[Any, ...]:
    """Return the shape of the noise for x of `shape`, with the batch first.

    Raises:
        ConfigError: `noise_shape` has another number of axes, or another size than 1 and that of x.
    """
    if layer.noise_shape is None:
        return shape
    batch, *sizes = layer.noise_shape
    fits = len(sizes) == len(shape) - 1 and all(
        n in (None, 1, size) for n, size in zip(sizes, shape[1:], strict=True)
    )
    expected = f"noise_shape to fit examples of {shape[1:]}, with None or 1 along an axis"
    require(fits, layer.name or type(layer).__name__, expected, noise_shape=layer.noise_shape)
    own = (size if n is None else n for n, size in zip(sizes, shape[1:], strict=True))
    return 1 if batch == 1 else shape[0], *own


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
        noise_shape: see `Dropout`.

    Raises:
        ConfigError: see `Dropout`.

    Example:
        >>> import jax, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(1000, 100))
        >>> y, _ = AlphaDropout(0.5).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> print(f"{abs(y.mean()):.1f} {y.std():.1f}")
        0.0 1.0

    Source: Klambauer et al. 2017, arXiv 1706.02515, section 3; Keras.
    """

    rate: float
    noise_shape: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "noise_shape", _as_noise_shape(self))
        require(
            is_float32(self.rate) and 0 <= self.rate < 1,
            "AlphaDropout",
            "rate from 0 to below 1",
            rate=self.rate,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        _noise_sizes(self, (None, *shape))
        return {}

    @property
    def ignores_padding(self) -> bool:
        return True

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        if not train:
            return x, state
        low = -1.0507009873554805 * 1.6732632423543772
        a = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        keep = jax.random.bernoulli(key, 1.0 - self.rate, _noise_sizes(self, x.shape))
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

    @property
    def ignores_padding(self) -> bool:
        return True

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

    @property
    def ignores_padding(self) -> bool:
        return True

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return (x + self.stddev * jax.random.normal(key, x.shape, x.dtype) if train else x), state

    def formula(self) -> str:
        return f"y = x + {format_number(self.stddev)} N(0, 1), in training only"
