"""Constraints: limits on weights, applied after every training step.

After the optimizer's update, a constraint replaces the weights of a layer by weights that obey it.
The starting weights stay as they are until the first step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from glassnet.errors import is_float32, is_int, lookup, require, require_frozen_dataclass
from glassnet.suggestions import publish
from glassnet.types import Array

__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "get"]

EPSILON = 1e-7
"""Added to a length before it divides, as in Keras."""


@dataclass(frozen=True)
class Constraint(ABC):
    """Base class of all constraints: frozen dataclasses, called with one array of weights."""

    @abstractmethod
    def __call__(self, w: Array) -> Array:
        """Return weights that obey the constraint, in the shape of `w`."""


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """Largest length of the weight vectors: w <- w min(|w|, c) / |w|.

    Args:
        max_value: c, the largest length, a number >= 0 in the unit of the weights.
        axis: the axis, or the axes, along which the length |w| = sqrt(sum w^2) is measured. 0 is
            for the kernel of Dense: each neuron has a vector of weights. A filter of Conv2D needs
            (0, 1, 2).

    Raises:
        ConfigError: `max_value` is not a number >= 0, or an axis is not an int.

    Example:
        >>> MaxNorm(1.0)(jnp.array([[3.0, 0.3], [4.0, 0.4]])).round(3).tolist()
        [[0.6000000238418579, 0.30000001192092896], [0.800000011920929, 0.4000000059604645]]

    Source: Srebro and Shraibman 2005; Srivastava et al. 2014, section 5.1.
    """

    max_value: float = 2.0
    axis: Any = 0

    def __post_init__(self) -> None:
        _check(self, "max_value")

    def __call__(self, w: Array) -> Array:
        """Return the weights, with vectors of at most the largest length."""
        length = _length(w, self.axis)
        return w * (jnp.clip(length, 0, self.max_value) / (EPSILON + length))


@dataclass(frozen=True)
class NonNeg(Constraint):
    """Weights of at least zero: w <- max(w, 0).

    Example:
        >>> NonNeg()(jnp.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]

    Source: Keras.
    """

    def __call__(self, w: Array) -> Array:
        """Return the weights, with 0 in place of negative numbers."""
        return jnp.maximum(w, 0)


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Weight vectors of length 1: w <- w / |w|.

    Args:
        axis: see `MaxNorm`.

    Raises:
        ConfigError: an axis is not an int.

    Example:
        >>> print(UnitNorm()(jnp.array([[3.0], [4.0]])).round(3).ravel())
        [0.6 0.8]

    Source: Keras.
    """

    axis: Any = 0

    def __post_init__(self) -> None:
        _check(self)

    def __call__(self, w: Array) -> Array:
        """Return the weights, with vectors of length 1."""
        return w / (EPSILON + _length(w, self.axis))


@dataclass(frozen=True)
class MinMaxNorm(Constraint):
    """Smallest and largest length of the weight vectors, approached at a rate.

    w <- w l / |w| with l = rate clip(|w|, low, high) + (1 - rate) |w|.

    Args:
        min_value: low, the smallest length, a number >= 0 in the unit of the weights.
        max_value: high, the largest length.
        rate: the share of the way that each step takes: 1 reaches the limit at once.
        axis: see `MaxNorm`.

    Raises:
        ConfigError: a value is not a number >= 0, `rate` is not from 0 to 1, or an axis is not an
            int.

    Example:
        >>> print(MinMaxNorm(2.0, 3.0)(jnp.array([[0.6], [0.8]])).round(3).ravel())
        [1.2 1.6]

    Source: Keras.
    """

    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: Any = 0

    def __post_init__(self) -> None:
        _check(self, "min_value", "max_value", "rate")
        require(self.rate <= 1, "MinMaxNorm", "rate to be from 0 to 1", rate=self.rate)

    def __call__(self, w: Array) -> Array:
        """Return the weights, with vectors closer to the limits."""
        length = _length(w, self.axis)
        clipped = jnp.clip(length, self.min_value, self.max_value)
        wanted = self.rate * clipped + (1 - self.rate) * length
        return w * (wanted / (EPSILON + length))


def _length(w: Array, axis: Any) -> Array:
    return jnp.sqrt(jnp.sum(jnp.square(w), axis=axis, keepdims=True))


def _check(constraint: Any, *numbers: str) -> None:
    """Check the fields of a constraint, and store several axes as a tuple."""
    who = type(constraint).__name__
    for name in numbers:
        value = getattr(constraint, name)
        is_valid = is_float32(value) and value >= 0
        require(is_valid, who, f"{name} to be a number >= 0", **{name: value})
    axis = constraint.axis
    axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    is_valid = bool(axes) and all(is_int(each, least=-32) for each in axes)
    require(is_valid, who, "axis to be an int, or several", axis=axis)
    if isinstance(axis, list | tuple):
        object.__setattr__(constraint, "axis", tuple(map(int, axes)))


ConstraintLike = str | Constraint | Callable[[Array], Array] | None
"""What `get` accepts."""

CONSTRAINTS: dict[str, Constraint] = {
    "max_norm": MaxNorm(),
    "min_max_norm": MinMaxNorm(),
    "non_neg": NonNeg(),
    "unit_norm": UnitNorm(),
}


def get(value: ConstraintLike) -> Callable[[Array], Array] | None:
    """Return the constraint called `value`; a constraint, a function or None is unchanged.

    A function, written in jax.numpy, gets the weights and returns others of the same shape.

    Raises:
        ConfigError: if the name is unknown (the message suggests another), if `value` is neither
            a name, a constraint nor a function, or if a constraint is not a frozen dataclass.

    Example:
        >>> get("max_norm")
        MaxNorm(max_value=2.0, axis=0)
    """
    if isinstance(value, str):
        return lookup("constraint", value, CONSTRAINTS)
    if value is not None:
        fix = f"Write {value.__name__}()." if isinstance(value, type) else ""
        is_valid = callable(value) and not isinstance(value, type)
        expected = "a name, a Constraint, a function of the weights, or None"
        require(is_valid, "constraint", expected, constraint=value, fix=fix)
        if isinstance(value, Constraint):
            require_frozen_dataclass(value)
    return value


publish(__name__, __all__)
