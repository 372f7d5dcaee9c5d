"""Sliding windows over the axes between batch and channels, and convolution.

All functions work for any number of axes: steps of sequences (batch, time, channels), pixels of
images (batch, height, width, channels).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet.errors import is_int, require
from glassnet.layers.layer import Layer
from glassnet.layers.shape import any_step_mask
from glassnet.types import Array, Shape

INPUT_KINDS = {1: "sequences (steps, channels)", 2: "images (height, width, channels)"}
"""Expected input in error messages, by number of window axes."""

MAX_IM2COL_BYTES = 2**26
"""Largest size of a batch's windows. Above it, a few examples are convolved at a time."""

IM2COL_CHUNK_BYTES = 2**23
"""Size of the windows of those few examples."""

MAX_UNROLLED_WINDOW = 128
"""Largest window for one slice per entry. Above it XLA's own operations compile faster."""


class SlidingWindow(NamedTuple):
    """Size, strides and dilation of a window, and padding.

    Padding is "valid", "same" or "causal", or (before, after) along each axis.
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str | tuple[tuple[int, int], ...]

    @property
    def dilated_size(self) -> tuple[int, ...]:
        """Number of inputs that a window spans, along each axis."""
        return tuple((n - 1) * d + 1 for n, d in zip(self.size, self.dilation, strict=True))

    def pad_widths(self, sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """Return the padding before and after an input of these sizes, along each axis."""
        if not isinstance(self.padding, str):
            return self.padding
        if self.padding == "valid":
            return ((0, 0),) * len(self.size)
        if self.padding == "causal":
            return tuple((span - 1, 0) for span in self.dilated_size)
        missing = [
            max((-(-n // s) - 1) * s + span - n, 0)
            for n, s, span in zip(sizes, self.strides, self.dilated_size, strict=True)
        ]
        return tuple((n // 2, n - n // 2) for n in missing)

    def output_sizes(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """Return the number of windows in an input of these sizes, along each axis."""
        padded = (n + sum(pad) for n, pad in zip(sizes, self.pad_widths(sizes), strict=True))
        return tuple(
            (n - span) // s + 1
            for n, span, s in zip(padded, self.dilated_size, self.strides, strict=True)
        )

    def pad(self, x: Array, fill: float) -> Array:
        """Return x (batch, *sizes, channels) with padding of value `fill`."""
        pads = self.pad_widths(x.shape[1:-1])
        if not any(map(any, pads)):
            return x
        return jnp.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill)

    def shifted_slices(self, x: Array) -> Iterator[Array]:
        """Yield, for each entry of a window, its inputs from all windows of the padded x.

        Entries come with the last axis fastest, each slice as (batch, *counts, channels).
        """
        counts = self._replace(padding="valid").output_sizes(x.shape[1:-1])
        for entry in np.ndindex(*self.size):
            first = [i * d for i, d in zip(entry, self.dilation, strict=True)]
            last = [
                i + (n - 1) * s + 1 for i, n, s in zip(first, counts, self.strides, strict=True)
            ]
            yield lax.slice(x, (0, *first, 0), (len(x), *last, x.shape[-1]), (1, *self.strides, 1))

    def __str__(self) -> str:
        strides = f", strides {format_sizes(self.strides)}" if set(self.strides) != {1} else ""
        dilation = f", dilation {format_sizes(self.dilation)}" if set(self.dilation) != {1} else ""
        padding = f", padding {self.padding}" if self.padding != "valid" else ""
        size = (
            f"{format_sizes(self.size)} windows"
            if len(self.size) > 1
            else f"windows of {self.size[0]}"
        )
        return f"{size}{strides}{dilation}{padding}"


def format_sizes(sizes: Sequence[int]) -> str:
    """Return sizes as text: `3x3`."""
    return "x".join(map(str, sizes))


def repeat_to_tuple(value: Any, n: int) -> tuple[Any, ...]:
    """Return an iterable as a tuple, and any other value n times."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


def standardize_tuple(layer: Layer, name: str, rank: int) -> tuple[int, ...]:
    """Return a field, an int for all axes or one int per axis, as one int per axis.

    Raises:
        ConfigError: the field does not have `rank` ints, or one of them is below 1.
    """
    value = getattr(layer, name)
    sizes = repeat_to_tuple(value, rank)
    ints = "an int >= 1" if rank == 1 else f"an int >= 1 or {rank} of them"
    require(
        len(sizes) == rank and all(is_int(n, least=1) for n in sizes),
        type(layer).__name__,
        f"{name} to be {ints}",
        **{name: value},
    )
    return tuple(int(n) for n in sizes)


def check_rank(layer: Layer, rank: int, shape: Shape) -> None:
    """Reject examples that do not have `rank` axes and channels.

    Raises:
        ConfigError: the shape has another number of axes; the message gives a Reshape.
    """
    side = math.isqrt(math.prod(shape))
    square = (side, side, 1) if rank == 2 and side**2 == math.prod(shape) else None
    target_shapes = {
        1: str(square) if square else "(height, width, channels)",
        rank: f"({', '.join(map(str, shape))}, 1)",
    }
    target_shape = target_shapes.get(len(shape))
    fix = f"Put Reshape({target_shape}) before it." if target_shape else ""
    require(
        len(shape) == rank + 1,
        layer.name or type(layer).__name__,
        INPUT_KINDS[rank],
        input_shape=shape,
        fix=fix,
    )


def check_fit(layer: Layer, window: SlidingWindow, shape: Shape) -> None:
    """Reject examples with another number of axes than the window, or smaller than the window.

    Raises:
        ConfigError: the shape does not fit; the message suggests a fix.
    """
    check_rank(layer, len(window.size), shape)
    fix = 'padding="same" keeps the size.'
    if len(shape) == 3 and shape[0] < min(shape[2], 4):
        fix = "If channels come first, put Permute((2, 3, 1)) before the layer."
    require(
        all(n >= 1 for n in window.output_sizes(shape[:-1])),
        layer.name or type(layer).__name__,
        f"an input of at least {format_sizes(window.dilated_size)}",
        input_shape=shape,
        fix=fix,
    )


def propagate_mask(mask: Array | None, input_steps: int, output_steps: int) -> Array | None:
    """Return the mask after a layer of windows.

    If the number of steps stays the same, a mask over time is kept. Otherwise a row with any real
    step is real.
    """
    return mask if input_steps == output_steps else any_step_mask(mask)


def convolve(x: Array, kernel: Array, window: SlidingWindow) -> Array:
    """Return z[i] = sum over m of x[strides i + dilation m] kernel[m], with x zero-padded.

    On a CPU the windows are copied side by side for one matrix product (im2col), because XLA's own
    convolution in a loop is 10 times slower there.

    Args:
        x: (batch, *sizes, channels).
        kernel: (*size, channels, filters).
        window: window that slides over x.
    """
    dtype = jnp.result_type(x, kernel)
    on_cpu, elsewhere = partial(_convolve_im2col, window), partial(_convolve_xla, window)
    return lax.platform_dependent(
        jnp.asarray(x, dtype), jnp.asarray(kernel, dtype), cpu=on_cpu, default=elsewhere
    )


def convolve_groups(x: Array, kernel: Array, window: SlidingWindow, groups: int) -> Array:
    """Return `convolve` of each group of channels with the filters of that group, side by side.

    Args:
        x: (batch, *sizes, channels).
        kernel: (*size, channels / groups, filters).
        window: window that slides over x.
        groups: number of groups, which divides channels and filters.
    """
    if groups == 1:
        return convolve(x, kernel, window)
    x = x.reshape(*x.shape[:-1], groups, -1)
    kernel = kernel.reshape(*kernel.shape[:-1], groups, -1)
    y = jax.vmap(partial(convolve, window=window), in_axes=-2, out_axes=-2)(x, kernel)
    return y.reshape(*y.shape[:-2], -1)


def convolve_depthwise(x: Array, kernel: Array, window: SlidingWindow) -> Array:
    """Return the convolution of each channel with its own kernels, channel after channel.

    On a CPU it is a sum of shifted slices, because XLA's own convolution is 1.5 to 25 times slower
    there.

    Args:
        x: (batch, *sizes, channels).
        kernel: (*size, channels, multiplier).
        window: window that slides over x.
    """
    dtype = jnp.result_type(x, kernel)
    on_cpu, elsewhere = partial(_depthwise_slices, window), partial(_depthwise_xla, window)
    return lax.platform_dependent(
        jnp.asarray(x, dtype), jnp.asarray(kernel, dtype), cpu=on_cpu, default=elsewhere
    )


def convolve_transpose(
    y: Array, kernel: Array, window: SlidingWindow, sizes: Sequence[int]
) -> Array:
    """Return the transpose of `convolve`, which maps derivatives of its output to its input.

    Args:
        y: (batch, *counts, filters).
        kernel: (*size, channels, filters).
        window: window that slides over the result.
        sizes: sizes of the result (batch, *sizes, channels).
    """
    dtype = jnp.result_type(y, kernel)
    x = jax.ShapeDtypeStruct(  # type: ignore[no-untyped-call]
        (len(y), *sizes, kernel.shape[-2]), dtype
    )

    def back(convolution: Any, y: Array, kernel: Array) -> Array:
        return jax.linear_transpose(lambda x: convolution(window, x, kernel), x)(y)[0]

    on_cpu, elsewhere = partial(back, _convolve_im2col), partial(back, _convolve_xla)
    return lax.platform_dependent(
        jnp.asarray(y, dtype), jnp.asarray(kernel, dtype), cpu=on_cpu, default=elsewhere
    )


def _convolve_xla(window: SlidingWindow, x: Array, kernel: Array, groups: int = 1) -> Array:
    axes = "HW"[: len(window.size)]
    return lax.conv_general_dilated(
        x,
        kernel,
        window.strides,
        window.pad_widths(x.shape[1:-1]),
        rhs_dilation=window.dilation,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=groups,
    )


def _depthwise_xla(window: SlidingWindow, x: Array, kernel: Array) -> Array:
    flat = kernel.reshape(*window.size, 1, -1)
    return _convolve_xla(window, x, flat, groups=x.shape[-1])


def _depthwise_slices(window: SlidingWindow, x: Array, kernel: Array) -> Array:
    if math.prod(window.size) > MAX_UNROLLED_WINDOW:
        return _depthwise_xla(window, x, kernel)
    slices = window.shifted_slices(window.pad(x, 0))
    weights = kernel.reshape(-1, *kernel.shape[-2:])
    y = sum(each[..., None] * weight for each, weight in zip(slices, weights, strict=True))
    return y.reshape(*y.shape[:-2], -1)


def _convolve_im2col(window: SlidingWindow, x: Array, kernel: Array) -> Array:
    if math.prod(window.size) > MAX_UNROLLED_WINDOW:
        return _convolve_xla(window, x, kernel)
    flat = kernel.reshape(-1, kernel.shape[-1])
    example_bytes = x.dtype.itemsize * math.prod(window.output_sizes(x.shape[1:-1])) * len(flat)

    def product(x: Array) -> Array:
        side_by_side = jnp.concatenate(list(window.shifted_slices(window.pad(x, 0))), -1)
        return (side_by_side.reshape(-1, len(flat)) @ flat).reshape(*side_by_side.shape[:-1], -1)

    if example_bytes * len(x) <= MAX_IM2COL_BYTES:
        return product(x)
    return lax.map(
        jax.checkpoint(lambda x: product(x[None])[0]),
        x,
        batch_size=min(len(x), max(1, IM2COL_CHUNK_BYTES // example_bytes)),
    )
