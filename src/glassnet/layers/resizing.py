"""Layers that change the size of sequences and images: padding, cropping, resizing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, is_int, require
from glassnet.layers.layer import Layer
from glassnet.layers.sliding_window import (
    check_rank,
    format_sizes,
    propagate_mask,
    repeat_to_tuple,
    standardize_tuple,
)
from glassnet.types import Array, Params, Shape

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
"""Methods of `Resizing`."""


def _standardize_ends(layer: Any, name: str, rank: int) -> None:
    """Replace a field by a pair (before, after) for each of two axes, or one pair for one axis.

    Raises:
        ConfigError: an entry is not an int >= 0, or their number is another.
    """
    value = getattr(layer, name)
    pairs = [repeat_to_tuple(pair, 2) for pair in repeat_to_tuple(value, 2)]
    forms = "n, (n, n) or ((n, n), (n, n))" if rank == 2 else "n or (n, n)"
    if rank == 1:
        pairs = [repeat_to_tuple(value, 2)]
    require(
        [len(pair) for pair in pairs] == [2] * rank
        and all(is_int(n, least=0) for pair in pairs for n in pair),
        type(layer).__name__,
        f"{name} to be ints >= 0: {forms}",
        **{name: value},
    )
    ends = tuple((int(before), int(after)) for before, after in pairs)
    object.__setattr__(layer, name, ends if rank == 2 else ends[0])


def _check_sizes(layer: Any) -> None:
    """Reject a height or width that is not an int >= 1."""
    require(
        is_int(layer.height, least=1) and is_int(layer.width, least=1),
        type(layer).__name__,
        "height and width to be ints >= 1",
        height=layer.height,
        width=layer.width,
    )


def _crop(x: Array, ends: Sequence[tuple[int, int]]) -> Array:
    """Return x (batch, *sizes, channels) without the first and last entries of each axis."""
    sizes = x.shape[1:-1]
    return x[(slice(None), *(slice(a, n - b) for n, (a, b) in zip(sizes, ends, strict=True)))]


def _check_crop(layer: Layer, ends: Sequence[tuple[int, int]], shape: Shape) -> None:
    """Reject examples of another rank, or of which cropping leaves nothing."""
    check_rank(layer, len(ends), shape)
    least = [sum(pair) + 1 for pair in ends]
    require(
        all(n >= size for n, size in zip(shape, least, strict=False)),
        layer.name or type(layer).__name__,
        f"an input of at least {format_sizes(least)}",
        input_shape=shape,
        fix="Lower cropping.",
    )


@dataclass(frozen=True)
class ZeroPadding1D(Layer):
    """Zero padding before and after sequences.

    Shapes:
        (batch, steps, channels) to (batch, before + steps + after, channels).

    Args:
        padding: number of steps, >= 0: one int for both ends, or (before, after).

    Raises:
        ConfigError: padding has another form, or, once the shape is known, an example is not
            (steps, channels).

    Example:
        >>> ZeroPadding1D((1, 2))({}, np.array([7.0]).reshape(1, 1, 1)).ravel().tolist()
        [0.0, 7.0, 0.0, 0.0]

    Source: Keras's ZeroPadding1D.
    """

    padding: Any = 1

    def __post_init__(self) -> None:
        _standardize_ends(self, "padding", 1)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, 1, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return jnp.pad(x, ((0, 0), self.padding, (0, 0)))

    def formula(self) -> str:
        before, after = self.padding
        return f"zeros around: {before} before, {after} after"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 0, sum(self.padding))


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
        _standardize_ends(self, "padding", 2)

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
class UpSampling1D(Layer):
    """Upsampling of sequences: y[t] = x[t // size].

    Shapes:
        (batch, steps, channels) to (batch, size steps, channels).

    Args:
        size: number of copies of each step, >= 1.

    Raises:
        ConfigError: size is not an int >= 1, or, once the shape is known, an example is not
            (steps, channels).

    Example:
        >>> UpSampling1D(2)({}, np.array([1.0, 5.0]).reshape(1, 2, 1)).ravel().tolist()
        [1.0, 1.0, 5.0, 5.0]

    Source: Keras's UpSampling1D.
    """

    size: int = 2

    def __post_init__(self) -> None:
        require(
            is_int(self.size, least=1), "UpSampling1D", "size to be an int >= 1", size=self.size
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, 1, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return x.repeat(self.size, axis=1)

    def formula(self) -> str:
        return f"every step {self.size} times"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 1, self.size)


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


@dataclass(frozen=True)
class Cropping1D(Layer):
    """Cropping of the first and last steps of sequences.

    Shapes:
        (batch, steps, channels) to (batch, steps - before - after, channels).

    Args:
        cropping: number of steps to remove, >= 0: one int for both ends, or (before, after).

    Raises:
        ConfigError: cropping has another form, or, once the shape is known, an example is not
            (steps, channels), or nothing is left of it.

    Example:
        >>> Cropping1D((1, 0))({}, np.array([7.0, 8.0, 9.0]).reshape(1, 3, 1)).ravel().tolist()
        [8.0, 9.0]

    Source: Keras's Cropping1D.
    """

    cropping: Any = (1, 1)

    def __post_init__(self) -> None:
        _standardize_ends(self, "cropping", 1)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        _check_crop(self, [self.cropping], shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return _crop(x, [self.cropping])

    def formula(self) -> str:
        before, after = self.cropping
        return f"cropped: {before} before, {after} after"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 0, sum(self.cropping))


@dataclass(frozen=True)
class Cropping2D(Layer):
    """Cropping of the edges of images.

    Shapes:
        (batch, height, width, channels) to (batch, height - top - bottom, width - left - right,
        channels).

    Args:
        cropping: number of pixels to remove, >= 0: one int for all sides, (vertical, horizontal),
            or ((top, bottom), (left, right)).

    Raises:
        ConfigError: cropping has another form, or, once the shape is known, an example is not an
            image with channels, or nothing is left of it.

    Example:
        >>> image = np.arange(6.0).reshape(1, 2, 3, 1)
        >>> Cropping2D(((1, 0), (0, 1)))({}, image).ravel().tolist()
        [3.0, 4.0]

    Source: Keras's Cropping2D.
    """

    cropping: Any = ((0, 0), (0, 0))

    def __post_init__(self) -> None:
        _standardize_ends(self, "cropping", 2)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        _check_crop(self, self.cropping, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return _crop(x, self.cropping)

    def formula(self) -> str:
        (top, bottom), (left, right) = self.cropping
        return f"cropped: {top} above, {bottom} below, {left} left, {right} right"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 0, sum(self.cropping[0]))


@dataclass(frozen=True)
class CenterCrop(Layer):
    """Central part of images. Images that are too small are enlarged first.

    If an image is lower or narrower than the crop, its largest central part of the crop's aspect
    ratio is resized bilinearly, as by `Resizing(height, width, crop_to_aspect_ratio=True)`.

    Shapes:
        (batch, h, w, channels) to (batch, height, width, channels).

    Args:
        height: height of the crop in pixels, >= 1.
        width: width of the crop in pixels, >= 1.

    Raises:
        ConfigError: a size is not an int >= 1, or, once the shape is known, an example is not an
            image with channels.

    Example:
        >>> CenterCrop(1, 2)({}, np.arange(12.0).reshape(1, 3, 4, 1)).ravel().tolist()
        [5.0, 6.0]

    Source: Keras's CenterCrop.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        _check_sizes(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, 2, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        top, left = (x.shape[1] - self.height) // 2, (x.shape[2] - self.width) // 2
        if top >= 0 and left >= 0:
            return x[:, top : top + self.height, left : left + self.width]
        return _resize(crop_to_ratio(x, self.height, self.width), self.height, self.width)

    def formula(self) -> str:
        return f"central {self.height} x {self.width} pixels"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 0, self.height)


@dataclass(frozen=True)
class Resizing(Layer):
    """Resizing of images to a height and a width, by interpolation.

    Shapes:
        (batch, h, w, channels) to (batch, height, width, channels).

    Args:
        height: height of the output in pixels, >= 1.
        width: width of the output in pixels, >= 1.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: whether to use only the largest central part of the image that has
            the aspect ratio of the output.
        pad_to_aspect_ratio: whether to pad the image evenly on two sides first, up to the aspect
            ratio of the output. With neither, the image is stretched.
        fill_value: value of the padding, in the unit of x.
        antialias: whether to average over more pixels if the image gets smaller.

    Raises:
        ConfigError: a size is not an int >= 1; interpolation is unknown; fill_value is not a
            number; an image shall be both cropped and padded; once the shape is known, an example
            is not an image with channels.

    Example:
        >>> image = np.array([1.0, 5.0]).reshape(1, 1, 2, 1)
        >>> Resizing(1, 4)({}, image).ravel().tolist()
        [1.0, 2.0, 4.0, 5.0]
        >>> Resizing(2, 2, pad_to_aspect_ratio=True)({}, np.ones((1, 2, 4, 1))).ravel().tolist()
        [0.5, 0.5, 0.5, 0.5]

    Source: Keras's Resizing; `jax.image.resize`.
    """

    height: int
    width: int
    interpolation: str = "bilinear"
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False
    fill_value: float = 0.0
    antialias: bool = False

    def __post_init__(self) -> None:
        _check_sizes(self)
        require(
            self.interpolation in INTERPOLATIONS,
            "Resizing",
            f"interpolation to be one of {', '.join(INTERPOLATIONS)}",
            interpolation=self.interpolation,
        )
        require(
            not (self.crop_to_aspect_ratio and self.pad_to_aspect_ratio),
            "Resizing",
            "crop_to_aspect_ratio or pad_to_aspect_ratio, not both",
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
        )
        require(
            is_float32(self.fill_value),
            "Resizing",
            "fill_value to be a number",
            fill_value=self.fill_value,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, 2, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        if self.crop_to_aspect_ratio:
            x = crop_to_ratio(x, self.height, self.width)
        elif self.pad_to_aspect_ratio:
            x = pad_to_ratio(x, self.height, self.width, self.fill_value)
        return _resize(x, self.height, self.width, self.interpolation, self.antialias)

    def formula(self) -> str:
        before = "cropped, then " * self.crop_to_aspect_ratio
        before += "padded, then " * self.pad_to_aspect_ratio
        return f"{before}resized to {self.height} x {self.width}, {self.interpolation}"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, 0, self.height)


def _resize(
    x: Array, height: int, width: int, interpolation: str = "bilinear", antialias: bool = False
) -> Array:
    size = (len(x), height, width, x.shape[-1])
    return jax.image.resize(x, size, interpolation, antialias=antialias)


def _scale_to_ratio(x: Array, height: int, width: int) -> tuple[int, int]:
    """Return the height for x's width, and the width for its height, at the ratio of a size."""
    return int(x.shape[-2] * height / width), int(x.shape[-3] * width / height)


def crop_to_ratio(x: Array, height: int, width: int) -> Array:
    """Return the largest central part of images with the aspect ratio of a size.

    Shapes:
        (..., rows, columns, channels), of one image or of several.
    """
    n_rows, n_columns = x.shape[-3:-1]
    sizes = zip(_scale_to_ratio(x, height, width), (n_rows, n_columns), strict=True)
    rows, columns = (max(min(scaled, n), 1) for scaled, n in sizes)
    top, left = (n_rows - rows) // 2, (n_columns - columns) // 2
    return x[..., top : top + rows, left : left + columns, :]


def pad_to_ratio(x: Array, height: int, width: int, fill: float) -> Array:
    """Return images padded on two sides up to the aspect ratio of a size.

    Both sides get the same number of pixels, so that one may be missing.

    Shapes:
        (..., rows, columns, channels), of one image or of several.
    """
    sizes = zip(_scale_to_ratio(x, height, width), x.shape[-3:-1], strict=True)
    above, left = (max(scaled - n, 0) // 2 for scaled, n in sizes)
    left = 0 if above else left
    pads = (*[(0, 0)] * (x.ndim - 3), (above, above), (left, left), (0, 0))
    return jnp.pad(x, pads, constant_values=fill)
