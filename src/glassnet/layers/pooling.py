"""Layers that keep the largest, or the mean, of the numbers in a window, or in all of a sequence or
an image.
"""

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
    """What layers share that pool windows: their fields and checks."""

    pool_size: Any
    strides: Any = None
    padding: str = "valid"

    rank: ClassVar[int] = 2

    def __post_init__(self):
        object.__setattr__(self, "pool_size", standardize_tuple(self, "pool_size", self.rank))
        object.__setattr__(
            self,
            "strides",
            self.pool_size
            if self.strides is None
            else standardize_tuple(self, "strides", self.rank),
        )
        require(
            self.padding in ("valid", "same"),
            type(self).__name__,
            "padding to be one of valid, same",
            padding=self.padding,
        )

    @property
    def window(self) -> SlidingWindow:
        """How the windows go over the input."""
        return SlidingWindow(self.pool_size, self.strides, (1,) * self.rank, self.padding)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_fit(self, self.window, shape)
        return {}

    @abstractmethod
    def __call__(self, params: Params, x: Array) -> Array: ...

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, x.shape[1], self.window.output_sizes(x.shape[1:-1])[0])


def max_pool(x: Array, window: SlidingWindow) -> Array:
    """The largest number in every window, channel by channel."""
    return _reduce_windows(x, window, lax.max, -np.inf)


def average_pool(x: Array, window: SlidingWindow) -> Array:
    """The mean of the numbers in every window, channel by channel; of the padding none counts."""
    y, sizes = _reduce_windows(x, window, lax.add, 0.0), x.shape[1:-1]
    spread = zip(
        sizes,
        window.output_sizes(sizes),
        window.size,
        window.strides,
        window.pad_widths(sizes),
        strict=True,
    )
    for axis, (n, count, size, stride, (before, _)) in enumerate(spread, start=1):
        first = stride * jnp.arange(count) - before
        real = jnp.minimum(first + size, n) - jnp.maximum(first, 0)
        y = y / real.astype(y.dtype).reshape(-1, *[1] * (y.ndim - 1 - axis))
    return y


def _reduce_windows(
    x: Array, window: SlidingWindow, reducer: Callable[[Array, Array], Array], fill: float
) -> Array:
    """What `reducer` makes, two at a time, of the numbers in every window of x, padded with `fill`;
    where no two overlap, axis after axis.
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
    """Keep the largest of every window of steps: y[t] = max over m of x[strides t + m], channel by
    channel.

    Where several are the largest, the derivative is shared out between them (Keras gives it to the
    first). A mask over time stays where the number of steps does; elsewhere a row with any real
    step is real.

    Shapes:
        (batch, steps, channels) to (batch, steps', channels); steps' is (steps - pool_size) /
        strides + 1, rounded down; with padding "same" steps / strides, rounded up.

    Args:
        pool_size: steps in a window, >= 1.
        strides: steps from one window to the next, >= 1; None for pool_size.
        padding: "valid" for windows inside the input alone, "same" for those that go beyond it by
            half too.

    Raises:
        ConfigError: a size is not an int >= 1; once the shape is known, no steps and channels, or
            no room for a window.

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
    """Keep the largest of every window of pixels: y[i, j] = max over m, n of x[strides i + m,
    strides j + n], channel by channel.

    Where several are the largest, the derivative is shared out between them (Keras gives it to the
    first).

    Shapes:
        (batch, height, width, channels) to (batch, height', width', channels); height' is (height -
        pool height) / strides + 1, rounded down; with padding "same" height / strides, rounded up.
        Width alike.

    Args:
        pool_size: height and width of a window in pixels, each >= 1; an int stands for both.
        strides: pixels from one window to the next, >= 1; None for pool_size.
        padding: "valid" for windows inside the input alone, "same" for those that go beyond it by
            half too.

    Raises:
        ConfigError: a size is not an int >= 1; once the shape is known, no images with channels, or
            no room for a window.

    Example:
        >>> MaxPooling2D(2)({}, np.array([[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 0.0, 0.0]]).reshape(1, 2, 4, 1)).ravel().tolist()
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
    """Keep the mean of every window of steps: y[t] = mean over m of x[strides t + m], channel by
    channel.

    A mask over time stays where the number of steps does; elsewhere a row with any real step is
    real.

    Shapes:
        (batch, steps, channels) to (batch, steps', channels); steps' is (steps - pool_size) /
        strides + 1, rounded down; with padding "same" steps / strides, rounded up.

    Args:
        pool_size: steps in a window, >= 1.
        strides: steps from one window to the next, >= 1; None for pool_size.
        padding: "valid" for windows inside the input alone, "same" for those that go beyond it by
            half too; of these the mean is over the steps that there are.

    Raises:
        ConfigError: a size is not an int >= 1; once the shape is known, no steps and channels, or
            no room for a window.

    Example:
        >>> AveragePooling1D(2, padding="same")({}, np.array([1.0, 3.0, 5.0]).reshape(1, 3, 1)).ravel().tolist()
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
    """Keep the mean of every window of pixels: y[i, j] = mean over m, n of x[strides i + m, strides
    j + n], channel by channel.

    Shapes:
        (batch, height, width, channels) to (batch, height', width', channels); height' is (height -
        pool height) / strides + 1, rounded down; with padding "same" height / strides, rounded up.
        Width alike.

    Args:
        pool_size: height and width of a window in pixels, each >= 1; an int stands for both.
        strides: pixels from one window to the next, >= 1; None for pool_size.
        padding: "valid" for windows inside the input alone, "same" for those that go beyond it by
            half too; of these the mean is over the pixels that there are.

    Raises:
        ConfigError: a size is not an int >= 1; once the shape is known, no images with channels, or
            no room for a window.

    Example:
        >>> AveragePooling2D(2)({}, np.array([[1.0, 2.0, 4.0, 0.0], [4.0, 3.0, 0.0, 0.0]]).reshape(1, 2, 4, 1)).ravel().tolist()
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
    """What layers share that pool all of a sequence or an image: one number remains of every
    channel.
    """

    keepdims: bool = False

    rank: ClassVar[int] = 2

    def __post_init__(self):
        require(
            self.keepdims in (True, False),
            type(self).__name__,
            "keepdims to be True or False",
            keepdims=self.keepdims,
        )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        check_rank(self, self.rank, shape)
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return self.pool(x, np.ones((1,) * x.ndim, bool))

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        if mask is None or mask.ndim == 1:
            return self(params, x), state
        return self.pool(
            x, mask.astype(bool).reshape(*mask.shape, *[1] * (x.ndim - mask.ndim))
        ), state

    @abstractmethod
    def pool(self, x: Array, mask: Array) -> Array:
        """What the real ones among the numbers of every channel come to; 0 where none is."""

    @property
    def pooled_axes(self) -> tuple[int, ...]:
        """Those that go."""
        return tuple(range(1, self.rank + 1))

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return any_step_mask(mask)


def _masked_max(layer: GlobalPooling, x: Array, mask: Array) -> Array:
    y = jnp.max(x, layer.pooled_axes, keepdims=layer.keepdims, where=mask, initial=-jnp.inf)
    return jnp.where(jnp.any(mask, layer.pooled_axes, keepdims=layer.keepdims), y, 0)


def _masked_mean(layer: GlobalPooling, x: Array, mask: Array) -> Array:
    many = jnp.broadcast_to(mask, x.shape).sum(layer.pooled_axes, keepdims=layer.keepdims)
    return jnp.sum(x, layer.pooled_axes, keepdims=layer.keepdims, where=mask) / jnp.maximum(many, 1)


@dataclass(frozen=True)
class GlobalMaxPooling1D(GlobalPooling):
    """Keep the largest of all steps: y = max over t of x[t], channel by channel.

    A mask over time is heeded: only real steps count, and a row of none gives 0. Where several are
        the largest, the derivative is
    shared out between them.

    Shapes:
        (batch, steps, channels) to (batch, channels); with keepdims (batch, 1, channels).

    Args:
        keepdims: whether the axis stays, of size 1.

    Raises:
        ConfigError: keepdims is neither True nor False; once the shape is known, no steps and
            channels.

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
    """Keep the largest of all pixels: y = max over i, j of x[i, j], channel by channel.

    Where several are the largest, the derivative is shared out between them.

    Shapes:
        (batch, height, width, channels) to (batch, channels); with keepdims (batch, 1, 1,
        channels).

    Args:
        keepdims: whether the axes stay, of size 1.

    Raises:
        ConfigError: keepdims is neither True nor False; once the shape is known, no images with
            channels.

    Example:
        >>> GlobalMaxPooling2D()({}, np.array([[1.0, 9.0], [3.0, 5.0]]).reshape(1, 2, 2, 1)).tolist()
        [[9.0]]

    Source: Keras's GlobalMaxPooling2D.
    """

    def pool(self, x: Array, mask: Array) -> Array:
        return _masked_max(self, x, mask)

    def formula(self) -> str:
        return "y = max_ij x_ij"


@dataclass(frozen=True)
class GlobalAveragePooling1D(GlobalPooling):
    """Keep the mean of all steps: y = mean over t of x[t], channel by channel.

    A mask over time is heeded: only real steps count, and a row of none gives 0.

    Shapes:
        (batch, steps, channels) to (batch, channels); with keepdims (batch, 1, channels).

    Args:
        keepdims: whether the axis stays, of size 1.

    Raises:
        ConfigError: keepdims is neither True nor False; once the shape is known, no steps and
            channels.

    Example:
        >>> GlobalAveragePooling1D()({}, np.array([[[1.0, 9.0], [3.0, 5.0]]])).tolist()
        [[2.0, 7.0]]

    Source: Keras's GlobalAveragePooling1D, which gives NaN for a row of no real step.
    """

    rank: ClassVar[int] = 1

    def pool(self, x: Array, mask: Array) -> Array:
        return _masked_mean(self, x, mask)

    def formula(self) -> str:
        return "y = mean_t x_t"


@dataclass(frozen=True)
class GlobalAveragePooling2D(GlobalPooling):
    """Keep the mean of all pixels: y = mean over i, j of x[i, j], channel by channel.

    Shapes:
        (batch, height, width, channels) to (batch, channels); with keepdims (batch, 1, 1,
        channels).

    Args:
        keepdims: whether the axes stay, of size 1.

    Raises:
        ConfigError: keepdims is neither True nor False; once the shape is known, no images with
            channels.

    Example:
        >>> GlobalAveragePooling2D()({}, np.array([[1.0, 9.0], [3.0, 5.0]]).reshape(1, 2, 2, 1)).tolist()
        [[4.5]]

    Source: Lin et al. 2013, arXiv 1312.4400, section 3.2; Keras's arguments.
    """

    def pool(self, x: Array, mask: Array) -> Array:
        return _masked_mean(self, x, mask)

    def formula(self) -> str:
        return "y = mean_ij x_ij"
