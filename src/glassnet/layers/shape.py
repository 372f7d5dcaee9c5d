"""Layers that declare or change the shape: Input, Flatten, Reshape, Permute, RepeatVector."""

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
    """Return an iterable as a tuple, and any other value as a tuple of one."""
    return tuple(value) if isinstance(value, Iterable) else (value,)


def any_step_mask(mask: Array | None) -> Array | None:
    """Return the mask without its time axis: a row with any real entry is real."""
    return mask if mask is None or mask.ndim == 1 else mask.any(axis=1)


@dataclass(frozen=True)
class Input(Layer):
    """Shape of one example, from which a network can create its weights before it sees data.

    It adds no link to the network. A size that is None is unknown: Input((None, 8)) is for
    sequences of any length, such as those of a recurrent network. The sequences of one batch have
    one length. Layers whose weights depend on an unknown size are refused.

    Shapes:
        (batch, *shape) to the same.

    Args:
        shape: shape of one example, without the batch axis. An int n is (n,).

    Raises:
        ConfigError: a size is neither an int >= 1 nor None.

    Example:
        >>> Input((28, 28)).shape
        (28, 28)
    """

    shape: Any = ()

    def __post_init__(self) -> None:
        shape = () if self.shape is None else as_tuple(self.shape)
        require(
            shape and all(n is None or is_int(n, least=1) for n in shape),
            "Input",
            "shape to be ints >= 1, or None for an unknown size",
            shape=self.shape,
        )
        object.__setattr__(self, "shape", tuple(None if n is None else int(n) for n in shape))

    def unfold(self) -> tuple[Layer, ...]:
        return ()


@dataclass(frozen=True)
class Flatten(Layer):
    """Flattening of each example to one axis, last axis fastest.

    Shapes:
        (batch, *shape) to (batch, product of shape).

    Example:
        >>> import numpy as np
        >>> Flatten()({}, np.zeros((5, 28, 28))).shape
        (5, 784)

    Source: lecture 001, one node per pixel of a gray image.
    """

    def __call__(self, params: Params, x: Array) -> Array:
        return x.reshape(x.shape[0], math.prod(x.shape[1:]))

    def formula(self) -> str:
        return "flattened to one axis"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return any_step_mask(mask)


@dataclass(frozen=True)
class Reshape(Layer):
    """Reshaping of each example, last axis fastest.

    Shapes:
        (batch, *shape) to (batch, *target_shape).

    Args:
        target_shape: new shape of one example. One size may be -1, which is inferred.

    Raises:
        ConfigError: a size is not an int >= 1, except for one -1.

    Example:
        >>> import numpy as np
        >>> Reshape((28, 28, 1))({}, np.zeros((5, 784))).shape
        (5, 28, 28, 1)
    """

    target_shape: Any = ()

    def __post_init__(self) -> None:
        shape = as_tuple(self.target_shape)
        valid = all(is_int(n, least=-1) and n != 0 for n in shape) and shape.count(-1) <= 1
        require(
            shape and valid,
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
    """Permutation of axes: axis i of the output is axis dims[i] of the input.

    If time stays the first axis, a mask over time is kept. Otherwise a row with any real step is
    real.

    Shapes:
        (batch, *shape) to (batch, shape[dims[0] - 1], shape[dims[1] - 1], ...).

    Args:
        dims: each axis of the input once, counted from 1 because the batch is axis 0. (2, 1)
            transposes examples of two axes.

    Raises:
        ConfigError: dims is not a permutation of 1, 2, ..., or, once the shape is known, the input
            has another number of axes.

    Example:
        >>> Permute((2, 1))({}, np.zeros((5, 10, 64))).shape
        (5, 64, 10)
    """

    dims: Any

    def __post_init__(self) -> None:
        dims = as_tuple(self.dims)
        require(
            dims
            and all(is_int(axis, least=1) for axis in dims)
            and sorted(dims) == list(range(1, len(dims) + 1)),
            "Permute",
            "dims to be every axis once, counted from 1, as (2, 1)",
            dims=self.dims,
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
    """Sequence of n copies of each example: y_t = x for t = 1..n.

    Shapes:
        (batch, features) to (batch, n, features).

    Args:
        n: length of the sequence, >= 1.

    Raises:
        ConfigError: n is not an int >= 1, or, once the shape is known, an example has more than one
            axis.

    Example:
        >>> RepeatVector(3)({}, np.array([[1.0, 2.0]])).tolist()
        [[[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]]
    """

    n: int

    def __post_init__(self) -> None:
        require(is_int(self.n, least=1), "RepeatVector", "n to be an int >= 1", n=self.n)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        require(
            len(shape) == 1,
            self.name or "RepeatVector",
            "an input of one axis, (features,)",
            input_shape=shape,
            fix="Put Flatten() before it.",
        )
        return {}

    def __call__(self, params: Params, x: Array) -> Array:
        return x[:, None].repeat(self.n, axis=1)

    def formula(self) -> str:
        return f"y_t = x, t = 1..{self.n}"

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return any_step_mask(mask)
