"""Layers that only say or change the shape: Input, Flatten, Reshape."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from glassnet.errors import is_int, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params


@dataclass(frozen=True)
class Input(Layer):
    """Says the shape of one example, so that a network has weights before it has seen data; nothing runs.

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
        shape = tuple(self.shape) if isinstance(self.shape, Iterable) else (self.shape,)
        require(shape and all(is_int(n, least=1) for n in shape), "Input", "shape to be ints >= 1", shape=self.shape)
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

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if mask is None or mask.ndim == 1 else mask.any(axis=1)


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
        shape = tuple(self.target_shape) if isinstance(self.target_shape, Iterable) else (self.target_shape,)
        sizes = all(is_int(n, least=-1) and n != 0 for n in shape) and shape.count(-1) <= 1
        require(shape and sizes, "Reshape", "target_shape to be ints >= 1, at most one of them -1", target_shape=self.target_shape)
        object.__setattr__(self, "target_shape", tuple(int(n) for n in shape))

    def __call__(self, params: Params, x: Array) -> Array:
        return x.reshape(x.shape[0], *self.target_shape)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if mask is None or mask.ndim == 1 else mask.any(axis=1)
