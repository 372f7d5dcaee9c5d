"""Windows that slide over the axes between the batch's and the channels': their sizes, what each of
their entries sees, and convolution.

Everything is for any number of axes: steps of a sequence (batch, time, channels), pixels of images
    (batch, height, width, channels).
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
"""What a layer takes, by the number of its axes."""

MAX_IM2COL_BYTES = 2**26
"""Where a batch's windows laid out side by side would take more, they are laid out for a few
examples at a time.
"""

IM2COL_CHUNK_BYTES = 2**23
"""Bytes of windows that are laid out at a time there."""


MAX_UNROLLED_WINDOW = 128
"""A window of more entries is left to XLA: a slice for each of them would take long to compile."""


class SlidingWindow(NamedTuple):
    """A window's size, strides and dilation along every axis, and how the input is padded: "valid",
    "same" or "causal".
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    @property
    def dilated_size(self) -> tuple[int, ...]:
        """From a window's first entry to one past its last, along every axis."""
        return tuple((n - 1) * d + 1 for n, d in zip(self.size, self.dilation, strict=True))

    def pad_widths(self, sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """How many entries are put before and after an input of these sizes, along every axis."""
        if self.padding == "valid":
            return ((0, 0),) * len(self.size)
        if self.padding == "causal":
            return tuple((span - 1, 0) for span in self.dilated_size)
        short = [
            max((-(-n // s) - 1) * s + span - n, 0)
            for n, s, span in zip(sizes, self.strides, self.dilated_size, strict=True)
        ]
        return tuple((n // 2, n - n // 2) for n in short)

    def output_sizes(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """How many windows fit into an input of these sizes, along every axis."""
        padded = (n + sum(pad) for n, pad in zip(sizes, self.pad_widths(sizes), strict=True))
        return tuple(
            (n - span) // s + 1
            for n, span, s in zip(padded, self.dilated_size, self.strides, strict=True)
        )

    def pad(self, x: Array, fill: float) -> Array:
        """x (batch, *sizes, channels) with its padding."""
        pads = self.pad_widths(x.shape[1:-1])
        return (
            jnp.pad(x, ((0, 0), *pads, (0, 0)), constant_values=fill) if any(map(any, pads)) else x
        )

    def shifted_slices(self, x: Array) -> Iterator[Array]:
        """For every entry of a window, last axis fastest, what it sees of the padded x: (batch,
        *counts, channels).
        """
        counts = self._replace(padding="valid").output_sizes(x.shape[1:-1])
        for place in np.ndindex(*self.size):
            first = [i * d for i, d in zip(place, self.dilation, strict=True)]
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
    """Sizes as one writes them: `3x3`."""
    return "x".join(map(str, sizes))


def repeat_to_tuple(value: Any, n: int) -> tuple[Any, ...]:
    """What a list or a tuple holds; anything else n times."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


def standardize_tuple(layer: Layer, name: str, rank: int) -> tuple[int, ...]:
    """A field that is an int for all axes or one int for each, as one for each.

    Raises:
        ConfigError: an int that is below 1, or another number of them.
    """
    given = getattr(layer, name)
    sizes = repeat_to_tuple(given, rank)
    ints = "an int >= 1" if rank == 1 else f"an int >= 1 or {rank} of them"
    require(
        len(sizes) == rank and all(is_int(n, least=1) for n in sizes),
        type(layer).__name__,
        f"{name} to be {ints}",
        **{name: given},
    )
    return tuple(int(n) for n in sizes)


def check_rank(layer: Layer, rank: int, shape: Shape) -> None:
    """Refuse examples without as many axes as the layer takes, and channels.

    Raises:
        ConfigError: with the Reshape to put in front.
    """
    side = math.isqrt(math.prod(shape))
    square = (side, side, 1) if rank == 2 and side**2 == math.prod(shape) else None
    plain = {
        1: str(square) if square else "(height, width, channels)",
        rank: f"({', '.join(map(str, shape))}, 1)",
    }
    fix = f"Put Reshape({plain[len(shape)]}) in front." if len(shape) in plain else ""
    require(
        len(shape) == rank + 1,
        layer.name or type(layer).__name__,
        INPUT_KINDS[rank],
        input_shape=shape,
        fix=fix,
    )


def check_fit(layer: Layer, window: SlidingWindow, shape: Shape) -> None:
    """Refuse examples without as many axes as the windows have, and those that no window fits into.

    Raises:
        ConfigError: with what could be meant.
    """
    check_rank(layer, len(window.size), shape)
    fix = 'padding="same" keeps the size.'
    if len(shape) == 3 and shape[0] < min(shape[2], 4):
        fix = "Where channels come first, put Permute((2, 3, 1)) in front."
    fits = all(n >= 1 for n in window.output_sizes(shape[:-1]))
    require(
        fits,
        layer.name or type(layer).__name__,
        f"an input of at least {format_sizes(window.dilated_size)}",
        input_shape=shape,
        fix=fix,
    )


def propagate_mask(mask: Array | None, input_steps: int, output_steps: int) -> Array | None:
    """The mask after windows have gone over the steps: a mask over time stays where their number
    does, else a row with any is real.
    """
    return mask if input_steps == output_steps else any_step_mask(mask)


def convolve(x: Array, kernel: Array, window: SlidingWindow) -> Array:
    """z[i] = sum over m of x[strides i + dilation m] kernel[m], x padded with zeros.

    On a CPU the windows are laid out side by side for one matrix product: XLA's own convolution is
        10 times slower there, in a loop.

    Args:
        x: (batch, *sizes, channels).
        kernel: (*size, channels, filters).
        window: how they go over x.
    """
    kind = jnp.result_type(x, kernel)
    on_cpu, elsewhere = partial(_convolve_im2col, window), partial(_convolve_xla, window)
    return lax.platform_dependent(
        jnp.asarray(x, kind), jnp.asarray(kernel, kind), cpu=on_cpu, default=elsewhere
    )


def convolve_transpose(
    y: Array, kernel: Array, window: SlidingWindow, sizes: Sequence[int]
) -> Array:
    """The transpose of `convolve`: what brings the derivatives of its output back to its input.

    Args:
        y: (batch, *counts, filters).
        kernel: (*size, channels, filters).
        window: how they go over the result.
        sizes: of the result, (batch, *sizes, channels), along every axis but the batch's and the
            channels'.
    """
    kind = jnp.result_type(y, kernel)
    x = jax.ShapeDtypeStruct((len(y), *sizes, kernel.shape[-2]), kind)

    def back(way: Any, y: Array, kernel: Array) -> Array:
        return jax.linear_transpose(lambda x: way(window, x, kernel), x)(y)[0]

    on_cpu, elsewhere = partial(back, _convolve_im2col), partial(back, _convolve_xla)
    return lax.platform_dependent(
        jnp.asarray(y, kind), jnp.asarray(kernel, kind), cpu=on_cpu, default=elsewhere
    )


def _convolve_xla(window: SlidingWindow, x: Array, kernel: Array) -> Array:
    axes = "HW"[: len(window.size)]
    layout = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
    pads = window.pad_widths(x.shape[1:-1])
    return lax.conv_general_dilated(
        x, kernel, window.strides, pads, rhs_dilation=window.dilation, dimension_numbers=layout
    )


def _convolve_im2col(window: SlidingWindow, x: Array, kernel: Array) -> Array:
    if math.prod(window.size) > MAX_UNROLLED_WINDOW:
        return _convolve_xla(window, x, kernel)
    flat = kernel.reshape(-1, kernel.shape[-1])
    one = x.dtype.itemsize * math.prod(window.output_sizes(x.shape[1:-1])) * len(flat)

    def product(x: Array) -> Array:
        side_by_side = jnp.concatenate(list(window.shifted_slices(window.pad(x, 0))), -1)
        return (side_by_side.reshape(-1, len(flat)) @ flat).reshape(*side_by_side.shape[:-1], -1)

    if one * len(x) <= MAX_IM2COL_BYTES:
        return product(x)
    return lax.map(
        jax.checkpoint(lambda x: product(x[None])[0]),
        x,
        batch_size=min(len(x), max(1, IM2COL_CHUNK_BYTES // one)),
    )
