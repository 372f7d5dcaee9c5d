"""Layers that bring what comes in to a common scale: Rescaling by given numbers, Normalization by
those of the training rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np

from glassnet.errors import DataError, is_number, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class Rescaling(Layer):
    """Multiply and shift by given numbers: y = scale * x + offset.

    Shapes:
        (batch, ...) to the same.

    Args:
        scale: factor, in units of y per unit of x; 1 / 255 takes pixels to 0..1.
        offset: added afterwards, in units of y.

    Raises:
        ConfigError: scale or offset is not a number.

    Example:
        >>> Rescaling(1 / 255)({}, np.array([[0.0, 255.0]])).tolist()
        [[0.0, 1.0]]
    """

    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self):
        ok = is_number(self.scale) and is_number(self.offset)
        require(
            ok, "Rescaling", "scale and offset to be numbers", scale=self.scale, offset=self.offset
        )

    def __call__(self, params: Params, x: Array) -> Array:
        return x * self.scale + self.offset

    def formula(self) -> str:
        return f"y = {self.scale:.4g} x + {self.offset:.4g}"


@dataclass(frozen=True)
class Normalization(Layer):
    """Standardise by the mean and spread of the training rows: y = (x - mean) / max(sqrt(variance),
    1e-7).

    `fit` learns them from its training rows before the first step (never from validation rows);
    `adapt(x)` does it by hand. Both are kept thereafter.

    Shapes:
        (batch, ..., n) to the same; mean, variance (n,), or (1,) with axis=None.

    Args:
        axis: -1 for a mean and variance per feature (or channel), None for one of each over
            everything.

    Raises:
        ConfigError: axis is neither -1 nor None.
        DataError: `adapt` is given no rows.

    Example:
        >>> layer = Normalization().adapt(np.array([[1.0], [3.0]]))
        >>> y, _ = layer.apply({}, layer.init_state((1,)), np.array([[5.0]]), key=None, train=False, mask=None)
        >>> y.tolist()
        [[3.0]]

    Source: Keras's Normalization.
    """

    axis: int | None = -1
    learned_state: State | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self):
        require(
            self.axis in (-1, None),
            "Normalization",
            "axis to be -1 (each feature) or None (all together)",
            axis=self.axis,
        )

    def init_state(self, shape: Shape) -> State:
        size = 1 if self.axis is None else shape[-1]
        if self.learned_state is not None:
            known = np.size(self.learned_state["mean"])
            require(
                known == size,
                "Normalization",
                f"statistics of {size} columns, as its input has",
                adapted_to=known,
            )
            return self.learned_state
        return {
            "mean": np.broadcast_to(np.float32(0), size),
            "variance": np.broadcast_to(np.float32(1), size),
            "count": np.float32(0),
        }

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return (x - state["mean"]) / jnp.maximum(jnp.sqrt(state["variance"]), 1e-7), state

    def formula(self) -> str:
        return "y = (x - mean) / sqrt(variance)"

    def learn(self, x: np.ndarray) -> State:
        wide = np.asarray(x, np.float64)
        wide = wide[:, None] if wide.ndim == 1 else wide
        require(
            wide.size,
            "Normalization",
            "at least one row to learn from",
            error=DataError,
            shape=wide.shape,
        )
        bad = int((~np.isfinite(wide)).sum())
        require(bad == 0, "Normalization", "finite numbers to learn from", error=DataError, bad=bad)
        axes = None if self.axis is None else tuple(range(wide.ndim - 1))
        mean, variance = np.atleast_1d(wide.mean(axes)), np.atleast_1d(wide.var(axes))
        return {
            "mean": np.float32(mean),
            "variance": np.float32(variance),
            "count": np.float32(len(x)),
        }

    def adapt(self, x: Array) -> Normalization:
        """A layer like this one that has learned from the rows x (n, ...)."""
        return replace(self, learned_state=self.learn(np.asarray(x)))
