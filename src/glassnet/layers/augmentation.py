"""Layers that change each image by chance, in training only: what is learned from one image then
holds for many like it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.ndimage import map_coordinates

from glassnet.errors import is_int, is_number, lookup, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape, State

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
INTERPOLATION_ORDERS = {"nearest": 0, "bilinear": 1}
FLIP_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomImageLayer(Layer):
    """What changes images in training only, and has nothing to learn by gradient."""

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        return check_image_shape(self, shape)

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return (self.augment(state, x, key) if train else x), state

    @abstractmethod
    def augment(self, state: State, x: Array, key: Array) -> Array:
        """Images as they are trained on."""


@dataclass(frozen=True)
class RandomFlip(RandomImageLayer):
    """In training, mirror each image left to right, top to bottom, or both, each with probability
    1/2.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        mode: "horizontal" swaps left and right, "vertical" top and bottom,
            "horizontal_and_vertical" draws for both.

    Raises:
        ConfigError: another mode; at the first use, no images.

    Example:
        >>> x = np.arange(2.0).reshape(1, 1, 2, 1)
        >>> flipped = [RandomFlip("horizontal").apply({}, {}, x, key=jax.random.key(i), train=True, mask=None)[0] for i in range(9)]
        >>> sorted({tuple(image.ravel().tolist()) for image in flipped})
        [(0.0, 1.0), (1.0, 0.0)]

    Source: Keras's RandomFlip.
    """

    mode: str = "horizontal_and_vertical"

    def __post_init__(self):
        _check_choice("RandomFlip: mode", self.mode, FLIP_MODES)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        for axis, name in ((2, "horizontal"), (1, "vertical")):
            if name in self.mode:
                key, own = jax.random.split(key)
                x = jnp.where(
                    broadcast_over_pixels(jax.random.bernoulli(own, 0.5, (len(x),))),
                    jnp.flip(x, axis),
                    x,
                )
        return x

    def formula(self) -> str:
        return f"{self.mode.replace('_', ' ')} mirror images, in training only"


@dataclass(frozen=True)
class RandomRotation(RandomImageLayer):
    """In training, turn each image about its centre by an angle drawn uniformly from 2 pi factor,
    counted against the clock.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        factor: a share of a full turn: 0.1 draws from -36 to 36 degrees; (0, 0.25) from none to a
            quarter turn.
        fill_mode: what stands where the turned image does not reach: "reflect" (d c b a | a b c d |
            d c b a), "nearest" (a a | a b), "wrap" (c d | a b), or "constant".
        interpolation: "bilinear" or "nearest".
        fill_value: what "constant" puts there, in the unit of the pixels.

    Raises:
        ConfigError: an argument out of range; at the first use, no images.

    Example:
        >>> x = np.arange(4.0).reshape(1, 2, 2, 1)
        >>> y, _ = RandomRotation((0.25, 0.25)).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> np.round(y.reshape(2, 2)).tolist()
        [[1.0, 3.0], [0.0, 2.0]]

    Source: Keras's RandomRotation.
    """

    factor: Any
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    fill_value: float = 0.0

    def __post_init__(self):
        standardize_factor(self, "factor", -1, 1)
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        angle = 2 * math.pi * draw_uniform(key, self.factor, x)
        return _affine_transform(
            self, x, jnp.cos(angle), -jnp.sin(angle), jnp.sin(angle), jnp.cos(angle)
        )

    def formula(self) -> str:
        low, high = (360 * share for share in self.factor)
        return f"turned by {low:g} to {high:g} degrees, in training only"


@dataclass(frozen=True)
class RandomZoom(RandomImageLayer):
    """In training, shrink each image to 1 / (1 + factor) of its size about its centre; a factor
    below 0 makes it larger.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        height_factor: what is drawn from, above -1: 0.2 draws from -0.2 to 0.2; (-0.3, -0.2)
            enlarges by 1.25 to 1.43.
        width_factor: of the width; None for the height's, which keeps the proportions.
        fill_mode, interpolation, fill_value: see `RandomRotation`.

    Raises:
        ConfigError: an argument out of range; at the first use, no images.

    Example:
        >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
        >>> y, _ = RandomZoom((-0.5, -0.5)).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> y.ravel().tolist()
        [0.75, 1.25, 1.75, 2.25]

    Source: Keras's RandomZoom.
    """

    height_factor: Any
    width_factor: Any = None
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    fill_value: float = 0.0

    def __post_init__(self):
        standardize_factor(self, "height_factor", -1, 1)
        if self.width_factor is not None:
            standardize_factor(self, "width_factor", -1, 1)
        above = min(self.height_factor[0], (self.width_factor or self.height_factor)[0]) > -1
        require(
            above,
            "RandomZoom",
            "factors above -1",
            height_factor=self.height_factor,
            width_factor=self.width_factor,
        )
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        one, other = jax.random.split(key)
        height = 1 + draw_uniform(one, self.height_factor, x)
        width = (
            height if self.width_factor is None else 1 + draw_uniform(other, self.width_factor, x)
        )
        return _affine_transform(self, x, width, 0 * width, 0 * height, height)

    def formula(self) -> str:
        return (
            f"zoomed by {_format_ranges(self.height_factor, self.width_factor)}, in training only"
        )


@dataclass(frozen=True)
class RandomTranslation(RandomImageLayer):
    """In training, shift each image down by a share of its height and right by a share of its
    width.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        height_factor: what is drawn from: 0.2 draws from -0.2 to 0.2; below 0 is up.
        width_factor: as much of the width; below 0 is left.
        fill_mode, interpolation, fill_value: see `RandomRotation`.

    Raises:
        ConfigError: an argument out of range; at the first use, no images.

    Example:
        >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
        >>> y, _ = RandomTranslation(0, (0.25, 0.25)).apply({}, {}, x, key=jax.random.key(0), train=True, mask=None)
        >>> y.ravel().tolist()
        [0.0, 0.0, 1.0, 2.0]

    Source: Keras's RandomTranslation.
    """

    height_factor: Any
    width_factor: Any
    fill_mode: str = "reflect"
    interpolation: str = "bilinear"
    fill_value: float = 0.0

    def __post_init__(self):
        standardize_factor(self, "height_factor", -1, 1)
        standardize_factor(self, "width_factor", -1, 1)
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        down, right = (
            draw_uniform(own, factor, x)
            for own, factor in zip(jax.random.split(key), self._factors(), strict=True)
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
    """In training, shear each image about its upper left corner: x <- x + s_x y, y <- y + s_y x,
    both with one sign, drawn.

    Shapes:
        (batch, height, width, channels) to the same.

    Args:
        x_factor: what s_x is drawn from, 0 to 1: 0.2 draws from 0 to 0.2.
        y_factor: what s_y is drawn from.
        interpolation, fill_mode, fill_value: see `RandomRotation`.

    Raises:
        ConfigError: an argument out of range; at the first use, no images.

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

    def __post_init__(self):
        standardize_factor(self, "x_factor", 0, 1)
        standardize_factor(self, "y_factor", 0, 1)
        _check_fill(self)

    def augment(self, state: State, x: Array, key: Array) -> Array:
        keys = jax.random.split(key, 3)
        sign = 1 - 2.0 * jax.random.bernoulli(keys[0], 0.5, (len(x),))
        across, down = (
            sign * draw_uniform(keys[1], self.x_factor, x),
            sign * draw_uniform(keys[2], self.y_factor, x),
        )
        one = jnp.ones_like(across)
        return _resample(self, x, (one, across, 0 * one), (down, one, 0 * one))

    def formula(self) -> str:
        return f"sheared by {format_range(self.x_factor)} in width and {format_range(self.y_factor)} in height, in training only"


@dataclass(frozen=True)
class RandomCrop(Layer):
    """In training, cut a piece out of each image at a place of its own; otherwise the piece in the
    middle.

    Shapes:
        (batch, h, w, channels) to (batch, height, width, channels), with h >= height and w >=
        width.

    Args:
        height: of the piece, in pixels, >= 1.
        width: of the piece, >= 1.

    Raises:
        ConfigError: a size that is no int >= 1; at the first use, no images, or images that are
            smaller.

    Example:
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> RandomCrop(2, 2).apply({}, {}, x, key=None, train=False, mask=None)[0].ravel().tolist()
        [5.0, 6.0, 9.0, 10.0]

    Source: Keras's RandomCrop, which draws one place for a batch, and stretches what is smaller.
    """

    height: int
    width: int

    def __post_init__(self):
        ok = is_int(self.height, least=1) and is_int(self.width, least=1)
        require(
            ok,
            "RandomCrop",
            "height and width to be ints >= 1",
            height=self.height,
            width=self.width,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        nothing = check_image_shape(self, shape)
        fits = shape[0] >= self.height and shape[1] >= self.width
        who, fix = self.name or "RandomCrop", "Lower height and width, or read larger images."
        require(
            fits,
            who,
            f"images of {self.height} x {self.width} pixels or more",
            input_shape=shape,
            fix=fix,
        )
        return nothing

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        free = np.array([x.shape[1] - self.height, x.shape[2] - self.width])
        if not train:
            top, left = free // 2
            return x[:, top : top + self.height, left : left + self.width], state
        places = jax.random.randint(key, (len(x), 2), 0, free + 1)
        size = (self.height, self.width, x.shape[3])
        return jax.vmap(lambda image, place: jax.lax.dynamic_slice(image, (*place, 0), size))(
            x, places
        ), state

    def formula(self) -> str:
        return f"a piece of {self.height} x {self.width}, in training from anywhere"


def check_image_shape(layer: Layer, shape: Shape) -> Params:
    """Nothing to learn; refuses what is no image."""
    who = layer.name or type(layer).__name__
    fix = f"Put Reshape({(*shape, 1)}) in front." if len(shape) == 2 else ""
    require(len(shape) == 3, who, "images (height, width, channels)", input_shape=shape, fix=fix)
    return {}


def standardize_factor(layer: Layer, name: str, minimum: float, maximum: float) -> None:
    """Make a pair (low, high) of a factor: f stands for (-f, f), or (0, f) where none below 0 is
    allowed.
    """
    given = getattr(layer, name)
    pair = (
        (max(-abs(given), minimum), abs(given))
        if is_number(given)
        else tuple(given)
        if isinstance(given, tuple | list)
        else ()
    )
    ok = (
        len(pair) == 2
        and all(is_number(end) for end in pair)
        and minimum <= pair[0] <= pair[1] <= maximum
    )
    require(
        ok,
        type(layer).__name__,
        f"{name} to be a number, or (low, high), from {minimum} to {maximum}",
        **{name: given},
    )
    object.__setattr__(layer, name, tuple(float(end) + 0.0 for end in pair))


def _check_fill(layer: Any) -> None:
    who = type(layer).__name__
    _check_choice(f"{who}: fill_mode", layer.fill_mode, FILL_MODES)
    _check_choice(f"{who}: interpolation", layer.interpolation, INTERPOLATION_ORDERS)
    require(
        is_number(layer.fill_value), who, "fill_value to be a number", fill_value=layer.fill_value
    )


def _check_choice(what: str, name: Any, choices: Iterable[str]) -> None:
    require(isinstance(name, str), what, f"one of {', '.join(choices)}", received=name)
    lookup(what, name, dict.fromkeys(choices))


def draw_uniform(key: Array, bounds: tuple[float, float], x: Array) -> Array:
    """A number for each image, (batch,)."""
    return jax.random.uniform(key, (len(x),), minval=bounds[0], maxval=bounds[1])


def broadcast_over_pixels(values: Array) -> Array:
    """One value for each image, to be broadcast over its pixels."""
    return values[:, None, None, None]


def _affine_transform(
    layer: Any, x: Array, a: Array, b: Array, c: Array, d: Array, down: Any = 0.0, right: Any = 0.0
) -> Array:
    """Images whose pixel at (u, v) from the centre is that at (a u + b v, c u + d v), then shifted;
    u to the right, v down.
    """
    middle_x, middle_y = (x.shape[2] - 1) / 2, (x.shape[1] - 1) / 2
    across = middle_x - a * middle_x - b * middle_y - right
    along = middle_y - c * middle_x - d * middle_y - down
    return _resample(layer, x, (a, b, across), (c, d, along))


def _resample(layer: Any, x: Array, across: tuple[Array, ...], down: tuple[Array, ...]) -> Array:
    """Images whose pixel at column u and row v is that at (a u + b v + c) of both lines; between
    pixels, and beyond them, as said.
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

    def one(image: Array, across: tuple[Array, ...], down: tuple[Array, ...]) -> Array:
        places = [a * u + b * v + c for a, b, c in (down, across)]
        return jax.vmap(lambda channel: read(channel, places), in_axes=-1, out_axes=-1)(image)

    moved: Callable[..., Array] = jax.vmap(one)
    return moved(x, across, down)


def format_range(bounds: tuple[float, float]) -> str:
    """What is drawn from, in words."""
    return f"{bounds[0]:g} to {bounds[1]:g}" if bounds[0] != bounds[1] else f"{bounds[0]:g}"


def _format_ranges(height: tuple[float, float], width: tuple[float, float] | None) -> str:
    return (
        f"{format_range(height)}"
        if width is None
        else f"{format_range(height)} in height and {format_range(width)} in width"
    )
