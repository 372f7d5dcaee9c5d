"""Layers that only say or change the shape: Input, Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import is_int, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape


def as_tuple(value: Any) -> tuple[Any, ...]:
    """What a list, a tuple or another iterable holds; anything else alone."""
    return tuple(value) if isinstance(value, Iterable) else (value,)


def any_step_mask(mask: Array | None) -> Array | None:
    """The mask where there is no time axis any more: a row with any real entry is real."""
    return mask if mask is None or mask.ndim == 1 else mask.any(axis=1)


@dataclass(frozen=True)
class Input(Layer):
    """Says the shape of one example, so that a network has weights before it has seen data; nothing
    runs.

    Shapes:
        (batch, *shape) to the same.

    Args:
        shape: of one example, without the batch axis; an int n stands for (n,).

    Raises:
        ConfigError: a size is not an int >= 1.

    Example:
        >>> Input((28, 28)).shape
        (28, 28)
    """

    shape: Any = ()

    def __post_init__(self):
        shape = as_tuple(self.shape)
        require(
            shape and all(is_int(n, least=1) for n in shape),
            "Input",
            "shape to be ints >= 1",
            shape=self.shape,
        )
        object.__setattr__(self, "shape", tuple(int(n) for n in shape))

    def unfold(self) -> tuple[Layer, ...]:
        return ()


@dataclass(frozen=True)
class Flatten(Layer):
    """Lay every example out as one row of numbers, last axis fastest.

    Shapes:
        (batch, *shape) to (batch, product of shape).

    Example:
        >>> import numpy as np
        >>> Flatten()({}, np.zeros((5, 28, 28))).shape
        (5, 784)

    Source: lecture 001, a grey image as one node per pixel.
    """

    def __call__(self, params: Params, x: Array) -> Array:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

    def formula(self) -> str:
        return "laid out in one row"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return any_step_mask(mask)


@dataclass(frozen=True)
class Reshape(Layer):
    """Give every example another shape, last axis fastest.

    Shapes:
        (batch, *shape) to (batch, *target_shape).

    Args:
        target_shape: of one example; one size may be -1 and is then derived.

    Raises:
        ConfigError: a size is neither an int >= 1 nor a single -1.

    Example:
        >>> import numpy as np
        >>> Reshape((28, 28, 1))({}, np.zeros((5, 784))).shape
        (5, 28, 28, 1)
    """

    target_shape: Any = ()

    def __post_init__(self):
        shape = as_tuple(self.target_shape)
        sizes = all(is_int(n, least=-1) and n != 0 for n in shape) and shape.count(-1) <= 1
        require(
            shape and sizes,
            "Reshape",
            "target_shape to be ints >= 1, at most one of them -1",
            target_shape=self.target_shape,
        )
        object.__setattr__(self, "target_shape", tuple(int(n) for n in shape))

    def __call__(self, params: Params, x: Array) -> Array:
        return x.reshape(x.shape[0], *self.target_shape)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return any_step_mask(mask)


@dataclass(frozen=True)
class Permute(Layer):
    """Put the axes of every example into another order: axis i of the output is axis dims[i] of the
    input.

    A mask over time stays where time stays the first axis; elsewhere a row with any real entry is
    real.

    Shapes:
        (batch, *shape) to (batch, shape[dims[0] - 1], shape[dims[1] - 1], ...).

    Args:
        dims: every axis of the input once, counted from 1 as the batch's is 0: (2, 1) swaps the two
            axes of a table.

    Raises:
        ConfigError: dims is not an order of 1, 2, ...; once the shape is known, not of as many axes
            as the input has.

    Example:
        >>> Permute((2, 1))({}, np.zeros((5, 10, 64))).shape
        (5, 64, 10)
    """

    dims: Any

    def __post_init__(self):
        dims = as_tuple(self.dims)
        ok = (
            dims
            and all(is_int(axis, least=1) for axis in dims)
            and sorted(dims) == list(range(1, len(dims) + 1))
        )
        require(
            ok, "Permute", "dims to be every axis once, counted from 1, as (2, 1)", dims=self.dims
        )
        object.__setattr__(self, "dims", tuple(int(axis) for axis in dims))

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        require(
            len(shape) == len(self.dims),
            self.name or "Permute",
            f"an input of {len(self.dims)} axes",
            input_shape=shape,
        )
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return x.transpose(0, *self.dims)

    def formula(self) -> str:
        return f"axes in the order {', '.join(map(str, self.dims))}"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if self.dims[0] == 1 else any_step_mask(mask)


@dataclass(frozen=True)
class RepeatVector(Layer):
    """Make each example a sequence of n copies of itself: y_t = x for t = 1..n.

    Shapes:
        (batch, features) to (batch, n, features).

    Args:
        n: length of the sequence, >= 1.

    Raises:
        ConfigError: n is not an int >= 1; once the shape is known, an example is not one row of
            numbers.

    Example:
        >>> RepeatVector(3)({}, np.array([[1.0, 2.0]])).tolist()
        [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    n: int

    def __post_init__(self):
        require(is_int(self.n, least=1), "RepeatVector", "n to be an int >= 1", n=self.n)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        fix = "Put Flatten() before it."
        require(
            len(shape) == 1,
            self.name or "RepeatVector",
            "an input of one axis, (features,)",
            input_shape=shape,
            fix=fix,
        )
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return x[:, None].repeat(self.n, axis=1)

    def formula(self) -> str:
        return f"y_t = x, t = 1..{self.n}"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return any_step_mask(mask)
