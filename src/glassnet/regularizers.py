"""Regularizers: penalties on large weights.

The penalty is added to the loss, and its gradient to the gradients of the weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp

from glassnet.errors import is_float32, lookup, require, require_frozen_dataclass
from glassnet.suggestions import publish
from glassnet.types import Array

__all__ = ["L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "get"]


@dataclass(frozen=True)
class Regularizer(ABC):
    """Base class of all regularizers: frozen dataclasses, called with one array of weights."""

    @abstractmethod
    def __call__(self, w: Array) -> Array:
        """Return the penalty of the weights `w` (any shape), one number in the unit of the loss."""


def _absolute(w: Array) -> Array:
    """Return |w|, with slope 0 at zero.

    `jnp.abs` has slope 1 there, which would move weights away from the zero that L1 produces.
    """
    return w * jnp.sign(w)


def _check(regularizer: Regularizer, *factors: str) -> None:
    for name in factors:
        value = getattr(regularizer, name)
        require(
            is_float32(value) and value >= 0,
            type(regularizer).__name__,
            f"{name} to be a number >= 0",
            **{name: value},
        )


@dataclass(frozen=True)
class L1(Regularizer):
    """Penalty on the sum of absolute weights: l1 * sum |w|.

    It drives weights to exactly zero.

    Args:
        l1: the factor, loss per unit of weight.

    Raises:
        ConfigError: if `l1` is not a number >= 0.

    Example:
        >>> print(f"{L1(0.5)(jnp.array([1.0, -3.0])):.1f}")
        2.0

    Source: Tibshirani 1996 (the lasso).
    """

    l1: float = 0.01

    def __post_init__(self) -> None:
        _check(self, "l1")

    def __call__(self, w: Array) -> Array:
        """Return the penalty of the weights `w`, one number."""
        return self.l1 * _absolute(w).sum()


@dataclass(frozen=True)
class L2(Regularizer):
    """Penalty on the sum of squared weights: l2 * sum w^2.

    Its gradient 2 l2 w shrinks every weight.

    Args:
        l2: the factor, loss per squared unit of weight.

    Raises:
        ConfigError: if `l2` is not a number >= 0.

    Example:
        >>> print(f"{L2(0.5)(jnp.array([1.0, -3.0])):.1f}")
        5.0

    Source: Krogh and Hertz 1991 (weight decay).
    """

    l2: float = 0.01

    def __post_init__(self) -> None:
        _check(self, "l2")

    def __call__(self, w: Array) -> Array:
        """Return the penalty of the weights `w`, one number."""
        return self.l2 * jnp.square(w).sum()


@dataclass(frozen=True)
class L1L2(Regularizer):
    """Sum of the L1 and L2 penalties: l1 * sum |w| + l2 * sum w^2.

    Args:
        l1: the factor of the absolute values, loss per unit of weight.
        l2: the factor of the squares, loss per squared unit of weight.

    Raises:
        ConfigError: if a factor is not a number >= 0.

    Example:
        >>> print(f"{L1L2(l1=0.5, l2=0.5)(jnp.array([1.0, -3.0])):.1f}")
        7.0

    Source: Zou and Hastie 2005 (the elastic net).
    """

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        _check(self, "l1", "l2")

    def __call__(self, w: Array) -> Array:
        """Return the penalty of the weights `w`, one number."""
        return self.l1 * _absolute(w).sum() + self.l2 * jnp.square(w).sum()


@dataclass(frozen=True)
class OrthogonalRegularizer(Regularizer):
    """Penalty on vectors of weights that are not orthogonal: the mean of |cos| over all pairs.

    The penalty is factor * mean |cos(w_i, w_j)| over the pairs of different rows or columns. The
    lengths of the vectors do not matter. It is 0 if there is one vector only.

    Args:
        factor: the factor, in the unit of the loss.
        mode: "rows" or "columns" of W (inputs, outputs). The weights of a neuron are a column.

    Raises:
        ConfigError: `factor` is not a number >= 0, `mode` is another word, or the weights have
            other than two axes.

    Example:
        >>> print(f"{OrthogonalRegularizer(1.0)(jnp.array([[1.0, 0.0], [3.0, 4.0]])):.1f}")
        0.6

    Source: Keras's OrthogonalRegularizer.
    """

    factor: float = 0.01
    mode: str = "rows"

    def __post_init__(self) -> None:
        _check(self, "factor")
        is_known = self.mode in ("rows", "columns")
        expected = 'mode to be "rows" or "columns"'
        require(is_known, "OrthogonalRegularizer", expected, mode=self.mode)

    def __call__(self, w: Array) -> Array:
        """Return the penalty of the weights `w`, one number."""
        require(w.ndim == 2, "OrthogonalRegularizer", "weights with two axes", shape=w.shape)
        vectors = w if self.mode == "rows" else w.T
        length = jnp.sqrt(jnp.maximum(jnp.square(vectors).sum(1, keepdims=True), 1e-14))
        cosines = (vectors / length) @ (vectors / length).T
        n = len(vectors)
        pairs = _absolute(cosines * (1 - jnp.eye(n, dtype=cosines.dtype)))
        return self.factor * pairs.sum() / max(n * (n - 1), 1)


RegularizerLike = str | Regularizer | Callable[[Array], Array] | None
"""What `get` accepts."""

REGULARIZERS: dict[str, Regularizer] = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(l1=0.01, l2=0.01)}
"""Regularizers by name.

Keras documents 0.01 and 0.01 for "l1_l2" too, but uses its class defaults, 0 and 0.
"""


def get(value: RegularizerLike) -> Callable[[Array], Array] | None:
    """Return the regularizer called `value`; a regularizer, a function or None is unchanged.

    A function, written in jax.numpy, gets the weights and returns their penalty, one number.

    Raises:
        ConfigError: if the name is unknown (the message suggests another), if `value` is
            neither a name, a regularizer nor a function, or if a regularizer is not a frozen
            dataclass.

    Example:
        >>> get("l2")
        L2(l2=0.01)
    """
    if isinstance(value, str):
        return lookup("regularizer", value, REGULARIZERS)
    if value is not None:
        fix = (
            f"Write {value.__name__}(...)."
            if isinstance(value, type)
            else "Write L2(0.01) for a strength of 0.01."
        )
        require(
            callable(value) and not isinstance(value, type),
            "regularizer",
            "a name, a Regularizer, a function of the weights, or None",
            regularizer=value,
            fix=fix,
        )
        if isinstance(value, Regularizer):
            require_frozen_dataclass(value)
    return value


publish(__name__, __all__)
