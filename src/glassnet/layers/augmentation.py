"""Data augmentation: layers that change each image at random, in training only."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

from glassnet.errors import is_float32, is_int, lookup, require
from glassnet.formatting import format_number
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape, State

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
INTERPOLATION_ORDERS = {"nearest": 0, "bilinear": 1}
FLIP_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomImageLayer(Layer):
    """Base class of layers that change images in training only and have no weights."""

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_image_shape(self, shape)
        return {}

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return (self.augment(state, x, key) if train else x), state

    @abstractmethod
    def augment(self, state: State, x: Array, key: Array) -> Array:
        """Return the changed images."""


@dataclass(frozen=True)
class RandomFlip(RandomImageLayer):
    """Random mirroring of images in training: left-right, top-bottom or both.

    Each direction is mirrored with probability 1/2.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        mode: "horizontal" (left-right), "vertical" (top-bottom) or "horizontal_and_vertical" (both,
            drawn independently).

    Raises:
        ConfigError: mode is unknown, or an example is not an image.

    Example:
        >>> x = np.arange(2.0).reshape(1, 1, 2, 1)
        >>> layer = RandomFlip("horizontal")
        >>> y, _ = layer.apply({}, {}, x.repeat(9, 0), key=jax.random.key(0), train=True, mask=None)
        >>> sorted({tuple(image.ravel().tolist()) for image in y})
        [(0.0, 1.0), (1.0, 0.0)]

    Source: Keras's RandomFlip.
    """

    mode: str = "horizontal_and_vertical"

    def __post_init__(self) -> None:
        _check_choice("RandomFlip: mode", self.mode, FLIP_MODES)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        for axis, name in ((2, "horizontal"), (1, "vertical")):
            if name in self.mode:
                key, axis_key = jax.random.split(key)
                flip = jax.random.bernoulli(axis_key, 0.5, (len(x),))
                x = jnp.where(broadcast_over_pixels(flip), jnp.flip(x, axis), x)
        return x

    def formula(self) -> str:
        return f"{self.mode.replace('_', ' ')} mirroring, in training only"


@dataclass(frozen=True)
class RandomRotation(RandomImageLayer):
    """Random rotation of images about their center, in training.

    The angle is 2 pi factor, counterclockwise, with the factor drawn uniformly.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        factor: fraction of a full turn, or its range. 0.1 draws from -36 to 36 degrees, (0, 0.25)
            from 0 to 90 degrees.
        fill_mode: how to fill pixels outside the image: "reflect" (d c b a | a b c d | d c b a),
            "nearest" (a a | a b), "wrap" (c d | a b), or "constant".
        interpolation: "bilinear" or "nearest".
        fill_value: value for "constant", in the unit of the pixels.

    Raises:
        ConfigError: an argument is out of range, or an example is not an image.

    Example:
        >>> x = np.arange(4.0).reshape(1, 2, 2, 1)
        >>> layer = RandomRotation((0.25, 0.25))
        >>> y, _ = layer.apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> np.round(y.reshape(2, 2)).tolist()
        [[1.0, 3.0], [0.0, 2.0]]

    Source: Keras's RandomRotation.
    """

    factor: Any
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    fill_value: float = 0.0

    def __post_init__(self) -> None:
        standardize_factor(self, "factor", -1, 1)
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        angle = 2 * math.pi * draw_uniform(key, self.factor, x)
        return _affine_transform(
            self, x, jnp.cos(angle), -jnp.sin(angle), jnp.sin(angle), jnp.cos(angle)
        )

    def formula(self) -> str:
        low, high = (360 * turn for turn in self.factor)
        return f"rotated by {format_number(low)} to {format_number(high)} degrees, in training only"


@dataclass(frozen=True)
class RandomZoom(RandomImageLayer):
    """Random zoom of images about their center to 1 / (1 + factor) of their size, in training.

    A factor below 0 enlarges the image.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        height_factor: range of the factor for the height, above -1. 0.2 draws from -0.2 to 0.2,
            (-0.3, -0.2) enlarges by 1.25 to 1.43.
        width_factor: range of the factor for the width. None uses the factor of the height, which
            keeps the proportions.
        fill_mode, interpolation, fill_value: see `RandomRotation`.

    Raises:
        ConfigError: an argument is out of range, or an example is not an image.

    Example:
        >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
        >>> layer = RandomZoom((-0.5, -0.5))
        >>> y, _ = layer.apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> y.ravel().tolist()
        [0.75, 1.25, 1.75, 2.25]

    Source: Keras's RandomZoom.
    """

    height_factor: Any
    width_factor: Any = None
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    fill_value: float = 0.0

    def __post_init__(self) -> None:
        standardize_factor(self, "height_factor", -1, 1)
        if self.width_factor is not None:
            standardize_factor(self, "width_factor", -1, 1)
        require(
            min(self.height_factor[0], (self.width_factor or self.height_factor)[0]) > -1,
            "RandomZoom",
            "factors above -1",
            height_factor=self.height_factor,
            width_factor=self.width_factor,
        )
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        height_key, width_key = jax.random.split(key)
        height = width = 1 + draw_uniform(height_key, self.height_factor, x)
        if self.width_factor is not None:
            width = 1 + draw_uniform(width_key, self.width_factor, x)
        return _affine_transform(self, x, width, 0 * width, 0 * height, height)

    def formula(self) -> str:
        factors = _format_ranges(self.height_factor, self.width_factor)
        return f"zoomed by {factors}, in training only"


@dataclass(frozen=True)
class RandomTranslation(RandomImageLayer):
    """Random shift of images, in training.

    The image moves down by a fraction of its height and right by a fraction of its width.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        height_factor: range of the fraction of the height. 0.2 draws from -0.2 to 0.2. Below 0 is
            up.
        width_factor: range of the fraction of the width. Below 0 is left.
        fill_mode, interpolation, fill_value: see `RandomRotation`.

    Raises:
        ConfigError: an argument is out of range, or an example is not an image.

    Example:
        >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
        >>> layer = RandomTranslation(0, (0.25, 0.25))
        >>> y, _ = layer.apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> y.ravel().tolist()
        [0.0, 0.0, 1.0, 2.0]

    Source: Keras's RandomTranslation.
    """

    height_factor: Any
    width_factor: Any
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    fill_value: float = 0.0

    def __post_init__(self) -> None:
        standardize_factor(self, "height_factor", -1, 1)
        standardize_factor(self, "width_factor", -1, 1)
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        down, right = (
            draw_uniform(factor_key, factor, x)
            for factor_key, factor in zip(jax.random.split(key), self._factors(), strict=True)
        )
        one = jnp.ones_like(down)
        return _affine_transform(
            self, x, one, 0 * one, 0 * one, one, down * x.shape[1], right * x.shape[2]
        )

    def _factors(self) -> tuple[Any, Any]:
        return self.height_factor, self.width_factor

    def formula(self) -> str:
        return f"shifted by {_format_ranges(*self._factors())}, in training only"


@dataclass(frozen=True)
class RandomShear(RandomImageLayer):
    """Random shear of images about the upper left corner, in training.

    x <- x + s_x y and y <- y + s_y x. Both share one random sign.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        x_factor: range of s_x, within 0 to 1. 0.2 draws from 0 to 0.2.
        y_factor: range of s_y.
        interpolation, fill_mode, fill_value: see `RandomRotation`.

    Raises:
        ConfigError: an argument is out of range, or an example is not an image.

    Example:
        >>> RandomShear(0.2).formula()
        'sheared by 0 to 0.2 in width and 0 in height, in training only'

    Source: Keras's RandomShear.
    """

    x_factor: Any = 0.0
    y_factor: Any = 0.0
    interpolation: str = "bilinear"
    fill_mode: str = "reflect"
    fill_value: float = 0.0

    def __post_init__(self) -> None:
        standardize_factor(self, "x_factor", 0, 1)
        standardize_factor(self, "y_factor", 0, 1)
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        keys = jax.random.split(key, 3)
        sign = 1 - 2.0 * jax.random.bernoulli(keys[0], 0.5, (len(x),))
        across = sign * draw_uniform(keys[1], self.x_factor, x)
        down = sign * draw_uniform(keys[2], self.y_factor, x)
        one = jnp.ones_like(across)
        return _resample(self, x, (one, across, 0 * one), (down, one, 0 * one))

    def formula(self) -> str:
        x_range, y_range = format_range(self.x_factor), format_range(self.y_factor)
        return f"sheared by {x_range} in width and {y_range} in height, in training only"


@dataclass(frozen=True)
class RandomCrop(Layer):
    """Random crop of images in training, and the central crop otherwise.

    Shapes:
        (batch, h, w, channels) to (batch, height, width, channels), h >= height and w >= width.

    Args:
        height: height of the crop in pixels, >= 1.
        width: width of the crop in pixels, >= 1.

    Raises:
        ConfigError: a size is not an int >= 1, or, once the shape is known, an example is not an
            image, or is smaller than the crop.

    Example:
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> RandomCrop(2, 2).apply({}, {}, x, key=None, train=False, mask=None)[0].ravel().tolist()
        [5.0, 6.0, 9.0, 10.0]

    Source: Keras's RandomCrop, which draws one position per batch and enlarges smaller images.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        require(
            is_int(self.height, least=1) and is_int(self.width, least=1),
            "RandomCrop",
            "height and width to be ints >= 1",
            height=self.height,
            width=self.width,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_image_shape(self, shape)
        require(
            shape[0] >= self.height and shape[1] >= self.width,
            self.name or "RandomCrop",
            f"images of {self.height} x {self.width} pixels or more",
            input_shape=shape,
            fix="Lower height and width, or read larger images.",
        )
        return {}

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        margins = np.array([x.shape[1] - self.height, x.shape[2] - self.width])
        if not train:
            top, left = margins // 2
            return x[:, top : top + self.height, left : left + self.width], state
        corners = jax.random.randint(key, (len(x), 2), 0, margins + 1)
        size = (self.height, self.width, x.shape[3])

        def crop(image: Array, corner: Array) -> Array:
            return jax.lax.dynamic_slice(image, (*corner, 0), size)

        return jax.vmap(crop)(x, corners), state

    def formula(self) -> str:
        return f"crop of {self.height} x {self.width}, at random in training"


def check_image_shape(layer: Layer, shape: Shape) -> None:
    """Reject examples that are not images (height, width, channels)."""
    who = layer.name or type(layer).__name__
    fix = f"Put Reshape({(*shape, 1)}) before it." if len(shape) == 2 else ""
    require(len(shape) == 3, who, "images (height, width, channels)", input_shape=shape, fix=fix)


def standardize_factor(layer: Layer, name: str, minimum: float, maximum: float) -> None:
    """Replace a factor field by a pair (low, high). A number f is (max(-f, minimum), f)."""
    factor = getattr(layer, name)
    pair: tuple[Any, ...] = ()
    if is_float32(factor):
        pair = (max(-abs(factor), minimum), abs(factor))
    elif isinstance(factor, tuple | list):
        pair = tuple(factor)
    require(
        len(pair) == 2
        and all(is_float32(end) for end in pair)
        and minimum <= pair[0] <= pair[1] <= maximum,
        type(layer).__name__,
        f"{name} to be a number, or (low, high), from {minimum} to {maximum}",
        **{name: factor},
    )
    object.__setattr__(layer, name, tuple(float(end) + 0.0 for end in pair))


def _check_fill(layer: Any) -> None:
    who = type(layer).__name__
    _check_choice(f"{who}: fill_mode", layer.fill_mode, FILL_MODES)
    _check_choice(f"{who}: interpolation", layer.interpolation, INTERPOLATION_ORDERS)
    require(
        is_float32(layer.fill_value), who, "fill_value to be a number", fill_value=layer.fill_value
    )


def _check_choice(what: str, name: Any, choices: Iterable[str]) -> None:
    require(isinstance(name, str), what, f"one of {', '.join(choices)}", received=name)
    lookup(what, name, dict.fromkeys(choices))


def draw_uniform(key: Array, bounds: tuple[float, float], x: Array) -> Array:
    """Draw one uniform number per image of x: (batch,)."""
    return jax.random.uniform(key, (len(x),), minval=bounds[0], maxval=bounds[1])


def broadcast_over_pixels(values: Array) -> Array:
    """Reshape one value per image, (batch,), to broadcast over pixels."""
    return values[:, None, None, None]


def _affine_transform(
    layer: Any, x: Array, a: Array, b: Array, c: Array, d: Array, down: Any = 0.0, right: Any = 0.0
) -> Array:
    """Return images whose pixel (u, v) is that at (a u + b v, c u + d v), then shifted.

    u is to the right and v down, both from the center.
    """
    center_x, center_y = (x.shape[2] - 1) / 2, (x.shape[1] - 1) / 2
    offset_x = center_x - a * center_x - b * center_y - right
    offset_y = center_y - c * center_x - d * center_y - down
    return _resample(layer, x, (a, b, offset_x), (c, d, offset_y))


def _resample(layer: Any, x: Array, across: tuple[Array, ...], down: tuple[Array, ...]) -> Array:
    """Return images whose pixel (u, v) is read at column a u + b v + c, and likewise the row.

    (a, b, c) is `across` for columns and `down` for rows. Positions between and outside pixels
    follow the layer's interpolation and fill fields.
    """
    v, u = jnp.meshgrid(
        *(jnp.arange(size, dtype=jnp.asarray(x).dtype) for size in x.shape[1:3]), indexing="ij"
    )
    read = partial(
        map_coordinates,
        order=INTERPOLATION_ORDERS[layer.interpolation],
        mode=layer.fill_mode,
        cval=layer.fill_value,
    )

    def resample_one(image: Array, across: tuple[Array, ...], down: tuple[Array, ...]) -> Array:
        positions = [a * u + b * v + c for a, b, c in (down, across)]
        return jax.vmap(lambda channel: read(channel, positions), in_axes=-1, out_axes=-1)(image)

    return jax.vmap(resample_one)(x, across, down)


def format_range(bounds: tuple[float, float]) -> str:
    """Return a range as text."""
    low, high = map(format_number, bounds)
    return f"{low} to {high}" if low != high else low


def _format_ranges(height: tuple[float, float], width: tuple[float, float] | None) -> str:
    if width is None:
        return format_range(height)
    return f"{format_range(height)} in height and {format_range(width)} in width"
