"""Layers that scale inputs: Rescaling by constants, Normalization by training statistics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import DataError, is_float32, require
from glassnet.formatting import format_number
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class Rescaling(Layer):
    """Linear rescaling by constants: y = scale * x + offset.

    Shapes:
        (batch, ...) to the same.

    Args:
        scale: factor, in units of y per unit of x. 1 / 255 maps pixels to 0..1.
        offset: added afterwards, in units of y.

    Raises:
        ConfigError: scale or offset is not a number.

    Example:
        >>> Rescaling(1 / 255)({}, np.array([[0.0, 255.0]])).tolist()
        [[0.0, 1.0]]
    """

    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        require(
            is_float32(self.scale) and is_float32(self.offset),
            "Rescaling",
            "scale and offset to be numbers",
            scale=self.scale,
            offset=self.offset,
        )

    def __call__(self, params: Params, x: Array) -> Array:
        return x * self.scale + self.offset

    def formula(self) -> str:
        return f"y = {format_number(self.scale)} x + {format_number(self.offset)}"


@dataclass(frozen=True)
class Normalization(Layer):
    """Standardization by training statistics: y = (x - mean) / max(sqrt(variance), 1e-7).

    `fit` computes mean and variance from the training rows, without validation rows, before the
    first step. `adapt(x)` computes them from x. They do not change afterwards.

    Shapes:
        (batch, ..., n) to the same. mean, variance (n,), or (1,) with axis=None.

    Args:
        axis: -1 for a mean and variance per feature (or channel), None for one of each over all
            numbers.

    Raises:
        ConfigError: axis is neither -1 nor None.
        DataError: `adapt` receives no rows, or numbers that are not finite.

    Example:
        >>> layer = Normalization().adapt(np.array([[1.0], [3.0]]))
        >>> state, x = layer.init_state((1,)), np.array([[5.0]])
        >>> y, _ = layer.apply({}, state, x, key=None, train=False, mask=None)
        >>> y.tolist()
        [[3.0]]

    Source: Keras's Normalization.
    """

    axis: int | None = -1
    learned_state: State | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        require(
            self.axis in (-1, None),
            "Normalization",
            "axis to be -1 (each feature) or None (all together)",
            axis=self.axis,
        )

    def init_state(self, shape: Shape) -> State:
        size = 1 if self.axis is None else shape[-1]
        if self.learned_state is not None:
            columns = np.size(self.learned_state["mean"])
            require(
                columns == size,
                "Normalization",
                f"statistics of {size} columns, as its input has",
                adapted_to=columns,
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
        rows = np.asarray(x, np.float64)
        rows = rows[:, None] if rows.ndim == 1 else rows
        require(
            rows.size,
            "Normalization",
            "at least one row to learn from",
            error=DataError,
            shape=rows.shape,
        )
        bad = int((~np.isfinite(rows)).sum())
        require(bad == 0, "Normalization", "finite numbers to learn from", error=DataError, bad=bad)
        axes = None if self.axis is None else tuple(range(rows.ndim - 1))
        mean, variance = np.atleast_1d(rows.mean(axes)), np.atleast_1d(rows.var(axes))
        return {
            "mean": np.float32(mean),
            "variance": np.float32(variance),
            "count": np.float32(len(x)),
        }

    def adapt(self, x: Array) -> Normalization:
        """Return a copy of this layer with the statistics of the rows x (n, ...)."""
        return replace(self, learned_state=self.learn(to_array(x, "x")))
