"""Layers that enlarge images: ZeroPadding2D and UpSampling2D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, require
from glassnet.layers.layer import Layer
from glassnet.layers.sliding_window import (
    check_rank,
    format_sizes,
    propagate_mask,
    repeat_to_tuple,
    standardize_tuple,
)
from glassnet.types import Array, Params, Shape


@dataclass(frozen=True)
class ZeroPadding2D(Layer):
    """Zero padding around images.

    Shapes:
        (batch, height, width, channels) to (batch, top + height + bottom, left + width + right,
        channels).

    Args:
        padding: number of pixels, >= 0: one int for all sides, (vertical, horizontal), or ((top,
            bottom), (left, right)).

    Raises:
        ConfigError: padding has another form, or, once the shape is known, an example is not an
            image with channels.

    Example:
        >>> pixel = np.array([7.0]).reshape(1, 1, 1, 1)
        >>> ZeroPadding2D(((0, 0), (1, 2)))({}, pixel).ravel().tolist()
        [0.0, 7.0, 0.0, 0.0]

    Source: Keras's ZeroPadding2D.
    """

    padding: Any = (1, 1)

    def __post_init__(self) -> None:
        pads = [repeat_to_tuple(pad, 2) for pad in repeat_to_tuple(self.padding, 2)]
        require(
            [len(pad) for pad in pads] == [2, 2]
            and all(is_int(n, least=0) for pad in pads for n in pad),
            "ZeroPadding2D",
            "padding to be ints >= 0: n, (n, n) or ((n, n), (n, n))",
            padding=self.padding,
        )
        object.__setattr__(
            self, "padding", tuple((int(before), int(after)) for before, after in pads)
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, 2, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return jnp.pad(x, ((0, 0), *self.padding, (0, 0)))

    def formula(self) -> str:
        (top, bottom), (left, right) = self.padding
        return f"zeros around: {top} above, {bottom} below, {left} left, {right} right"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 0, sum(self.padding[0]))


@dataclass(frozen=True)
class UpSampling2D(Layer):
    """Upsampling of images: y[i, j] = x[i // size, j // size], or bilinear interpolation.

    Shapes:
        (batch, height, width, channels) to (batch, size height, size width, channels).

    Args:
        size: vertical and horizontal factor, each >= 1. An int is both.
        interpolation: "nearest" or "bilinear".

    Raises:
        ConfigError: size is not an int >= 1 or two of them; interpolation is unknown; once the
            shape is known, an example is not an image with channels.

    Example:
        >>> image = np.array([1.0, 5.0]).reshape(1, 1, 2, 1)
        >>> UpSampling2D((1, 2))({}, image).ravel().tolist()
        [1.0, 1.0, 5.0, 5.0]
        >>> UpSampling2D((1, 2), "bilinear")({}, image).ravel().tolist()
        [1.0, 2.0, 4.0, 5.0]

    Source: Keras's UpSampling2D.
    """

    size: Any = (2, 2)
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", standardize_tuple(self, "size", 2))
        require(
            self.interpolation in ("nearest", "bilinear"),
            "UpSampling2D",
            "interpolation to be one of nearest, bilinear",
            interpolation=self.interpolation,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, 2, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        height, width = self.size
        if self.interpolation == "nearest":
            return x.repeat(height, axis=1).repeat(width, axis=2)
        return jax.image.resize(
            x, (len(x), height * x.shape[1], width * x.shape[2], x.shape[3]), "linear"
        )

    def formula(self) -> str:
        return f"every pixel {format_sizes(self.size)}, {self.interpolation}"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 1, self.size[0])
