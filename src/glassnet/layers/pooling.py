"""Max and average pooling, over windows or over all steps or pixels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet.errors import require
from glassnet.layers.layer import Layer
from glassnet.layers.shape import any_step_mask
from glassnet.layers.sliding_window import (
    MAX_UNROLLED_WINDOW,
    SlidingWindow,
    check_fit,
    check_rank,
    propagate_mask,
    standardize_tuple,
)
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class Pooling(Layer, ABC):
    """Base class of pooling over windows."""

    pool_size: Any
    strides: Any = None
    padding: str = "valid"

    rank: ClassVar[int] = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "pool_size", standardize_tuple(self, "pool_size", self.rank))
        strides = self.pool_size
        if self.strides is not None:
            strides = standardize_tuple(self, "strides", self.rank)
        object.__setattr__(self, "strides", strides)
        require(
            self.padding in ("valid", "same"),
            type(self).__name__,
            "padding to be one of valid, same",
            padding=self.padding,
        )

    @property
    def window(self) -> SlidingWindow:
        """Window that slides over the input."""
        return SlidingWindow(self.pool_size, self.strides, (1,) * self.rank, self.padding)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_fit(self, self.window, shape)
        return {}

    @abstractmethod
    def __call__(self, params: Params, x: Array) -> Array: ...

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, x.shape[1], self.window.output_sizes(x.shape[1:-1])[0])


def max_pool(x: Array, window: SlidingWindow) -> Array:
    """Return the largest number of each window and channel."""
    return _reduce_windows(x, window, lax.max, -np.inf)


def average_pool(x: Array, window: SlidingWindow) -> Array:
    """Return the mean of each window and channel, without padding."""
    y, sizes = _reduce_windows(x, window, lax.add, 0.0), x.shape[1:-1]
    axes = zip(
        sizes,
        window.output_sizes(sizes),
        window.size,
        window.strides,
        window.pad_widths(sizes),
        strict=True,
    )
    for axis, (n, count, size, stride, (before, _)) in enumerate(axes, start=1):
        first = stride * jnp.arange(count) - before
        real = jnp.minimum(first + size, n) - jnp.maximum(first, 0)
        y = y / real.astype(y.dtype).reshape(-1, *[1] * (y.ndim - 1 - axis))
    return y


def _reduce_windows(
    x: Array, window: SlidingWindow, reducer: Callable[[Array, Array], Array], fill: float
) -> Array:
    """Reduce each window of x, padded with `fill`, by a function of two numbers.

    Windows that do not overlap are reduced one axis after the other.
    """
    counts = window.output_sizes(x.shape[1:-1])
    if math.prod(window.size) > MAX_UNROLLED_WINDOW:
        pads = ((0, 0), *window.pad_widths(x.shape[1:-1]), (0, 0))
        return lax.reduce_window(
            x, np.array(fill, x.dtype), reducer, (1, *window.size, 1), (1, *window.strides, 1), pads
        )
    x = window.pad(jnp.asarray(x), fill)
    if window.size != window.strides:
        return reduce(reducer, window.shifted_slices(x))
    for axis, (n, size) in enumerate(zip(counts, window.size, strict=True), start=1):
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        tiled = lax.slice_in_dim(x, 0, n * size, axis=axis).reshape(*before, n, size, *after)
        x = reduce(
            reducer, [lax.index_in_dim(tiled, i, axis + 1, keepdims=False) for i in range(size)]
        )
    return x


@dataclass(frozen=True)
class MaxPooling1D(Pooling):
    """1D max pooling: y[t] = max over m of x[strides t + m], for each channel.

    If several numbers are the largest, they share the derivative (in Keras the first gets it). If
    the number of steps stays the same, a mask over time is kept. Otherwise a row with any real step
    is real.

    Shapes:
        (batch, steps, channels) to (batch, steps', channels). steps' is (steps - pool_size) /
        strides + 1, rounded down. With padding "same" it is steps / strides, rounded up.

    Args:
        pool_size: number of steps in a window, >= 1.
        strides: number of steps from one window to the next, >= 1. None is pool_size.
        padding: "valid" for windows inside the input only, "same" for windows that extend beyond
            it by half too.

    Raises:
        ConfigError: a size is not an int >= 1, or, once the shape is known, an example is not
            (steps, channels), or is smaller than a window.

    Example:
        >>> MaxPooling1D(2)({}, np.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1)).ravel().tolist()
        [3.0, 2.0]

    Source: Keras's MaxPooling1D.
    """

    pool_size: Any = 2

    rank: ClassVar[int] = 1

    def __call__(self, params: Params, x: Array) -> Array:
        return max_pool(x, self.window)

    def formula(self) -> str:
        return f"y = max x, {self.window}"


@dataclass(frozen=True)
class MaxPooling2D(Pooling):
    """2D max pooling: y[i, j] = max over m, n of x[strides i + m, strides j + n], by channel.

    If several numbers are the largest, they share the derivative (in Keras the first gets it).

    Shapes:
        (batch, height, width, channels) to (batch, height', width', channels). height' is (height -
        pool height) / strides + 1, rounded down. With padding "same" it is height / strides,
        rounded up. width' follows the same formula.

    Args:
        pool_size: height and width of a window in pixels, each >= 1. An int is both.
        strides: number of pixels from one window to the next, >= 1. None is pool_size.
        padding: "valid" for windows inside the input only, "same" for windows that extend beyond
            it by half too.

    Raises:
        ConfigError: a size is not an int >= 1, or, once the shape is known, an example is not an
            image with channels, or is smaller than a window.

    Example:
        >>> image = np.array([[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 0.0, 0.0]]).reshape(1, 2, 4, 1)
        >>> MaxPooling2D(2)({}, image).ravel().tolist()
        [4.0, 5.0]

    Source: Ranzato et al. 2007, Unsupervised learning of invariant feature hierarchies, section 3;
        Keras's arguments.
    """

    pool_size: Any = (2, 2)

    def __call__(self, params: Params, x: Array) -> Array:
        return max_pool(x, self.window)

    def formula(self) -> str:
        return f"y = max x, {self.window}"


@dataclass(frozen=True)
class AveragePooling1D(Pooling):
    """1D average pooling: y[t] = mean over m of x[strides t + m], for each channel.

    If the number of steps stays the same, a mask over time is kept. Otherwise a row with any real
    step is real.

    Shapes:
        (batch, steps, channels) to (batch, steps', channels). steps' is (steps - pool_size) /
        strides + 1, rounded down. With padding "same" it is steps / strides, rounded up.

    Args:
        pool_size: number of steps in a window, >= 1.
        strides: number of steps from one window to the next, >= 1. None is pool_size.
        padding: "valid" for windows inside the input only, "same" for windows that extend beyond
            it by half too. Their mean is over the steps inside.

    Raises:
        ConfigError: a size is not an int >= 1, or, once the shape is known, an example is not
            (steps, channels), or is smaller than a window.

    Example:
        >>> steps = np.array([1.0, 3.0, 5.0]).reshape(1, 3, 1)
        >>> AveragePooling1D(2, padding="same")({}, steps).ravel().tolist()
        [2.0, 5.0]

    Source: Keras's AveragePooling1D.
    """

    rank: ClassVar[int] = 1

    def __call__(self, params: Params, x: Array) -> Array:
        return average_pool(x, self.window)

    def formula(self) -> str:
        return f"y = mean x, {self.window}"


@dataclass(frozen=True)
class AveragePooling2D(Pooling):
    """2D average pooling: y[i, j] = mean over m, n of x[strides i + m, strides j + n], by channel.

    Shapes:
        (batch, height, width, channels) to (batch, height', width', channels). height' is (height -
        pool height) / strides + 1, rounded down. With padding "same" it is height / strides,
        rounded up. width' follows the same formula.

    Args:
        pool_size: height and width of a window in pixels, each >= 1. An int is both.
        strides: number of pixels from one window to the next, >= 1. None is pool_size.
        padding: "valid" for windows inside the input only, "same" for windows that extend beyond
            it by half too. Their mean is over the pixels inside.

    Raises:
        ConfigError: a size is not an int >= 1, or, once the shape is known, an example is not an
            image with channels, or is smaller than a window.

    Example:
        >>> image = np.array([[1.0, 2.0, 4.0, 0.0], [4.0, 3.0, 0.0, 0.0]]).reshape(1, 2, 4, 1)
        >>> AveragePooling2D(2)({}, image).ravel().tolist()
        [2.5, 1.0]

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II
        B; Keras's arguments.
    """

    def __call__(self, params: Params, x: Array) -> Array:
        return average_pool(x, self.window)

    def formula(self) -> str:
        return f"y = mean x, {self.window}"


@dataclass(frozen=True)
class GlobalPooling(Layer, ABC):
    """Base class of pooling over all steps or pixels: one number per channel remains."""

    keepdims: bool = False

    rank: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require(
            self.keepdims in (True, False),
            type(self).__name__,
            "keepdims to be True or False",
            keepdims=self.keepdims,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, self.rank, shape)
        return {}

    @property
    def ignores_padding(self) -> bool:
        return True

    def __call__(self, params: Params, x: Array) -> Array:
        return self.pool(x, np.ones((1,) * x.ndim, bool))

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        if mask is None or mask.ndim == 1:
            return self(params, x), state
        real = mask.astype(bool).reshape(*mask.shape, *[1] * (x.ndim - mask.ndim))
        return self.pool(x, real), state

    @abstractmethod
    def pool(self, x: Array, mask: Array) -> Array:
        """Return the unmasked numbers of each channel, reduced; 0 if all are masked."""

    @property
    def pooled_axes(self) -> tuple[int, ...]:
        """Axes that are reduced."""
        return tuple(range(1, self.rank + 1))

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return any_step_mask(mask)


def _masked_max(layer: GlobalPooling, x: Array, mask: Array) -> Array:
    if mask.size == 1:  # nothing is masked
        return jnp.max(x, layer.pooled_axes, keepdims=layer.keepdims)
    # Not jnp.max: XLA computes its backward pass from x a second time, with other last bits, and
    # the gradient is infinite if no x then equals the maximum.
    flat = x.reshape(len(x), -1, x.shape[-1])
    real = jnp.broadcast_to(mask, (*x.shape[:-1], 1)).reshape(len(x), -1, 1)
    index = jnp.argmax(jnp.where(real, flat, -jnp.inf), 1, keepdims=True)
    y = jnp.where(jnp.any(real, 1, keepdims=True), jnp.take_along_axis(flat, index, 1), 0)
    shape = (1,) * layer.rank if layer.keepdims else ()
    return y.reshape(len(x), *shape, x.shape[-1])


def _masked_mean(layer: GlobalPooling, x: Array, mask: Array) -> Array:
    count = jnp.broadcast_to(mask, x.shape).sum(layer.pooled_axes, keepdims=layer.keepdims)
    total = jnp.sum(x, layer.pooled_axes, keepdims=layer.keepdims, where=mask)
    return total / jnp.maximum(count, 1)


@dataclass(frozen=True)
class GlobalMaxPooling1D(GlobalPooling):
    """Global 1D max pooling: y = max over t of x[t], for each channel.

    Masked steps are ignored, and a row without real steps gives 0. If several numbers are the
    largest, they share the derivative.

    Shapes:
        (batch, steps, channels) to (batch, channels), with keepdims to (batch, 1, channels).

    Args:
        keepdims: whether the axis stays, with size 1.

    Raises:
        ConfigError: keepdims is not True or False, or, once the shape is known, an example is not
            (steps, channels).

    Example:
        >>> GlobalMaxPooling1D()({}, np.array([[[1.0, 9.0], [3.0, 5.0]]])).tolist()
        [[3.0, 9.0]]

    Source: Collobert et al. 2011, arXiv 1103.0398, section 3.3 (max over time); Keras's arguments.
    """

    rank: ClassVar[int] = 1

    def pool(self, x: Array, mask: Array) -> Array:
        return _masked_max(self, x, mask)

    def formula(self) -> str:
        return "y = max_t x_t"


@dataclass(frozen=True)
class GlobalMaxPooling2D(GlobalPooling):
    """Global 2D max pooling: y = max over i, j of x[i, j], for each channel.

    If several numbers are the largest, they share the derivative.

    Shapes:
        (batch, height, width, channels) to (batch, channels), with keepdims to (batch, 1, 1,
        channels).

    Args:
        keepdims: whether the axes stay, with size 1.

    Raises:
        ConfigError: keepdims is not True or False, or, once the shape is known, an example is not
            an image with channels.

    Example:
        >>> image = np.array([[1.0, 9.0], [3.0, 5.0]]).reshape(1, 2, 2, 1)
        >>> GlobalMaxPooling2D()({}, image).tolist()
        [[9.0]]

    Source: Keras's GlobalMaxPooling2D.
    """

    def pool(self, x: Array, mask: Array) -> Array:
        return _masked_max(self, x, mask)

    def formula(self) -> str:
        return "y = max_ij x_ij"


@dataclass(frozen=True)
class GlobalAveragePooling1D(GlobalPooling):
    """Global 1D average pooling: y = mean over t of x[t], for each channel.

    Masked steps are ignored, and a row without real steps gives 0.

    Shapes:
        (batch, steps, channels) to (batch, channels), with keepdims to (batch, 1, channels).

    Args:
        keepdims: whether the axis stays, with size 1.

    Raises:
        ConfigError: keepdims is not True or False, or, once the shape is known, an example is not
            (steps, channels).

    Example:
        >>> GlobalAveragePooling1D()({}, np.array([[[1.0, 9.0], [3.0, 5.0]]])).tolist()
        [[2.0, 7.0]]

    Source: Keras's GlobalAveragePooling1D, which gives NaN for a row without real steps.
    """

    rank: ClassVar[int] = 1

    def pool(self, x: Array, mask: Array) -> Array:
        return _masked_mean(self, x, mask)

    def formula(self) -> str:
        return "y = mean_t x_t"


@dataclass(frozen=True)
class GlobalAveragePooling2D(GlobalPooling):
    """Global 2D average pooling: y = mean over i, j of x[i, j], for each channel.

    Shapes:
        (batch, height, width, channels) to (batch, channels), with keepdims to (batch, 1, 1,
        channels).

    Args:
        keepdims: whether the axes stay, with size 1.

    Raises:
        ConfigError: keepdims is not True or False, or, once the shape is known, an example is not
            an image with channels.

    Example:
        >>> image = np.array([[1.0, 9.0], [3.0, 5.0]]).reshape(1, 2, 2, 1)
        >>> GlobalAveragePooling2D()({}, image).tolist()
        [[4.5]]

    Source: Lin et al. 2013, arXiv 1312.4400, section 3.2; Keras's arguments.
    """

    def pool(self, x: Array, mask: Array) -> Array:
        return _masked_mean(self, x, mask)

    def formula(self) -> str:
        return "y = mean_ij x_ij"
