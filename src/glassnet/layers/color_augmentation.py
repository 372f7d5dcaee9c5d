"""Data augmentation: layers that change contrast and brightness at random, in training only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, require
from glassnet.formatting import format_number
from glassnet.layers.augmentation import (
    RandomImageLayer,
    broadcast_over_pixels,
    draw_uniform,
    format_range,
    standardize_factor,
)
from glassnet.types import Array, Shape, State


class PhotometricLayer(RandomImageLayer):
    """Base class of layers that change pixels within `value_range`, or the range of the data."""

    value_range: Any

    def init_state(self, shape: Shape) -> State:
        return _range_state(self.value_range)

    def learn(self, x: np.ndarray) -> State:
        return _range_state((x.min(), x.max()), len(x))

    def learned_message(self, state: State) -> str:
        low, high = format_number(state["low"]), format_number(state["high"])
        return f"pixels range from {low} to {high}"


@dataclass(frozen=True)
class RandomContrast(PhotometricLayer):
    """Random contrast in training: y = m + c (x - m), with the mean m of each image and channel.

    c is drawn from 1 - factor to 1 + factor, once per image. Pixels are clipped to their range.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        factor: a number, or (down, up). 0.2 draws c from 0.8 to 1.2, (0.5, 0.1) from 0.5 to 1.1.
        value_range: (lowest, highest) pixel. None learns it from the training rows, as they reach
            the layer.

    Raises:
        ConfigError: an argument is out of range, or an example is not an image.

    Example:
        >>> import jax
        >>> layer = RandomContrast((0.5, -0.5), value_range=(0, 255))
        >>> state = layer.init_state((1, 2, 1))
        >>> x = np.array([10.0, 30.0]).reshape(1, 1, 2, 1)
        >>> y, _ = layer.apply({}, state, x, key=jax.random.key(0), train=True, mask=None)
        >>> y.ravel().tolist()
        [15.0, 25.0]

    Source: Keras's RandomContrast, which assumes pixels from 0 to 255, and for a single number
        draws c from 1 upwards.
    """

    factor: Any
    value_range: Any = None

    def __post_init__(self) -> None:
        if is_float32(self.factor):
            object.__setattr__(self, "factor", (self.factor, self.factor))
        valid = (
            isinstance(self.factor, tuple | list)
            and len(self.factor) == 2
            and all(map(is_float32, self.factor))
        )
        down, up = self.factor if valid else (0, -1)
        require(
            valid and down <= 1 and -down <= up,
            "RandomContrast",
            "factor to be a number, or (down, up), from 0 to 1",
            factor=self.factor,
        )
        object.__setattr__(self, "factor", (float(down), float(up)))
        _check_range(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        mean = x.mean((1, 2), keepdims=True)
        down, up = self.factor
        contrast = broadcast_over_pixels(draw_uniform(key, (1 - down, 1 + up), x))
        return jnp.clip(mean + contrast * (x - mean), state["low"], state["high"])

    def formula(self) -> str:
        factors = format_range((1 - self.factor[0], 1 + self.factor[1]))
        return f"contrast times {factors}, in training only"


@dataclass(frozen=True)
class RandomBrightness(PhotometricLayer):
    """Random brightness in training: y = x + b (highest - lowest pixel).

    b is drawn from -factor to factor, once per image. Pixels are clipped to their range.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        factor: a number, or (low, high), from -1 to 1. 0.2 draws b from -0.2 to 0.2, (0, 0.2) only
            makes images lighter.
        value_range: (lowest, highest) pixel. None learns it from the training rows, as they reach
            the layer.

    Raises:
        ConfigError: an argument is out of range, or an example is not an image.

    Example:
        >>> import jax
        >>> layer = RandomBrightness((0.1, 0.1), value_range=(0, 10))
        >>> state = layer.init_state((1, 2, 1))
        >>> x = np.array([3.0, 9.5]).reshape(1, 1, 2, 1)
        >>> y, _ = layer.apply({}, state, x, key=jax.random.key(0), train=True, mask=None)
        >>> y.ravel().tolist()
        [4.0, 10.0]

    Source: Keras's RandomBrightness, which assumes pixels from 0 to 255.
    """

    factor: Any
    value_range: Any = None

    def __post_init__(self) -> None:
        standardize_factor(self, "factor", -1, 1)
        _check_range(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        low, high = state["low"], state["high"]
        brightness = broadcast_over_pixels(draw_uniform(key, self.factor, x))
        return jnp.clip(x + brightness * (high - low), low, high)

    def formula(self) -> str:
        return f"lighter by {format_range(self.factor)} of the range, in training only"


def _check_range(layer: Any) -> None:
    bounds = layer.value_range
    if bounds is None:
        return
    require(
        isinstance(bounds, tuple | list)
        and len(bounds) == 2
        and all(map(is_float32, bounds))
        and bounds[0] < bounds[1],
        type(layer).__name__,
        "value_range to be (lowest, highest) or None",
        value_range=bounds,
    )
    object.__setattr__(layer, "value_range", (float(bounds[0]), float(bounds[1])))


def _range_state(bounds: Any, count: int = 1) -> State:
    low, high = bounds or (0.0, 0.0)
    return {
        "low": np.float32(low),
        "high": np.float32(high),
        "count": np.float32(count if bounds else 0),
    }
