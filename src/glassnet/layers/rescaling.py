"""Layers that scale inputs: Rescaling by constants, Normalization by training statistics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import ConfigError, DataError, is_float32, is_int, message, require
from glassnet.formatting import format_number
from glassnet.layers.layer import Layer
from glassnet.layers.shape import as_tuple
from glassnet.types import Array, Params, Shape, State

MAX_AXES = 32
"""Largest number of axes of an array."""


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

    @property
    def ignores_padding(self) -> bool:
        return True

    def __call__(self, params: Params, x: Array) -> Array:
        return x * self.scale + self.offset

    def formula(self) -> str:
        return f"y = {format_number(self.scale)} x + {format_number(self.offset)}"


@dataclass(frozen=True)
class Normalization(Layer):
    """Standardization by training statistics: y = (x - mean) / max(sqrt(variance), 1e-7).

    `fit` computes mean and variance from the training rows, without validation rows, before the
    first step. `adapt(x)` computes them from x. They do not change afterwards. Or pass both.

    Shapes:
        (batch, ..., n) to the same. mean, variance (n,), or (1,) with axis=None.

    Args:
        axis: -1 for a mean and variance per feature (or channel), None for one of each over all
            numbers, another axis or several for one of each per position along them. The batch is
            axis 0, which cannot be one of them.
        mean: a number, or an array with the sizes of the axes, in units of x; None to learn it.
        variance: the same, in squared units of x.
        invert: whether to map back: y = x max(sqrt(variance), 1e-7) + mean.

    Raises:
        ConfigError: an axis is not an int, is the batch, or, once the shape is known, does not
            exist; only one of mean and variance is passed, or they do not fit the axes.
        DataError: `adapt` receives no rows, or numbers that are not finite.

    Example:
        >>> layer = Normalization().adapt(np.array([[1.0], [3.0]]))
        >>> state, x = layer.init_state((1,)), np.array([[5.0]])
        >>> y, _ = layer.apply({}, state, x, key=None, train=False, mask=None)
        >>> y.tolist()
        [[3.0]]

    Source: Keras's Normalization.
    """

    axis: Any = -1
    mean: Any = None
    variance: Any = None
    invert: bool = False
    learned_state: State | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        who, axes = "Normalization", () if self.axis is None else as_tuple(self.axis)
        require(
            all(is_int(axis, least=-MAX_AXES) and axis != 0 for axis in axes),
            who,
            "axis to be None or ints other than 0, which is the batch",
            axis=self.axis,
        )
        is_one = self.axis is None or is_int(self.axis, least=-MAX_AXES)
        object.__setattr__(self, "axis", self.axis if is_one else tuple(map(int, axes)))
        require(isinstance(self.invert, bool), who, "invert to be a bool", invert=self.invert)
        passed = {"mean": self.mean, "variance": self.variance}
        both = (self.mean is None) == (self.variance is None)
        require(both, who, "both mean and variance, or none of them", **passed)
        if self.mean is None:
            return
        for name, value in passed.items():
            object.__setattr__(self, name, _as_nested_tuples(who, name, value))
        fits = np.shape(self.mean) == np.shape(self.variance) and np.ndim(self.mean) <= len(axes)
        expected = f"mean and variance of one shape, with at most {len(axes)} axes"
        require(fits and np.min(self.variance) >= 0, who, f"{expected}, variance >= 0", **passed)

    @property
    def learns(self) -> bool:
        return self.mean is None

    def init_state(self, shape: Shape) -> State:
        sizes = self._sizes(shape)
        if self.mean is not None:
            self._broadcast(self.mean, sizes)
            return {}
        if self.learned_state is not None:
            columns = np.shape(self.learned_state["mean"])
            require(
                columns == sizes,
                "Normalization",
                f"statistics of {_describe_sizes(sizes)}, as its input has",
                adapted_to=columns[0] if len(columns) == 1 else columns,
            )
            return self.learned_state
        return {
            "mean": np.broadcast_to(np.float32(0), sizes),
            "variance": np.broadcast_to(np.float32(1), sizes),
            "count": np.float32(0),
        }

    def _own_axes(self, ndim: int) -> tuple[int, ...]:
        """Return the axes of a batch with `ndim` axes that have statistics of their own."""
        axes = () if self.axis is None else as_tuple(self.axis)
        own_axes = sorted({axis + ndim if axis < 0 else axis for axis in axes})
        fits = all(0 < axis < ndim for axis in own_axes)
        expected = f"axes from 1 to {ndim - 1}, or counted from the back"
        require(fits, "Normalization", expected, axis=self.axis)
        return tuple(own_axes)

    def _sizes(self, shape: Shape) -> tuple[int, ...]:
        """Return the shape of the statistics of examples of `shape`."""
        return tuple(shape[axis - 1] for axis in self._own_axes(len(shape) + 1)) or (1,)

    def _broadcast(self, statistic: Any, sizes: tuple[int, ...]) -> Any:
        """Return a statistic that was passed, with a number for each position."""
        try:
            return np.broadcast_to(np.asarray(statistic, np.float32), sizes)
        except ValueError as error:
            expected = f"a mean and a variance for {_describe_sizes(sizes)}"
            received = np.shape(statistic)
            raise ConfigError(message("Normalization", expected, shape=received)) from error

    @property
    def ignores_padding(self) -> bool:
        return True

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        own_axes = self._own_axes(x.ndim)
        shape = tuple(size if axis in own_axes else 1 for axis, size in enumerate(x.shape))
        passed = {"mean": self.mean, "variance": self.variance}
        if self.mean is None:
            passed = {name: state[name] for name in passed}
        else:
            sizes = self._sizes(x.shape[1:])
            passed = {name: self._broadcast(value, sizes) for name, value in passed.items()}
        if own_axes != (x.ndim - 1,) and self.axis is not None:
            passed = {name: value.reshape(shape) for name, value in passed.items()}
        mean, deviation = passed["mean"], jnp.maximum(jnp.sqrt(passed["variance"]), 1e-7)
        return (x * deviation + mean if self.invert else (x - mean) / deviation), state

    def formula(self) -> str:
        return "y = x sqrt(variance) + mean" if self.invert else "y = (x - mean) / sqrt(variance)"

    def learn(self, x: np.ndarray) -> State:
        return self._learn_batches([x])

    def _learn_batches(self, batches: Iterable[Any]) -> State:
        """Return the statistics of all rows of the batches."""
        count, total, mean, squares = 0, 0, np.zeros(()), np.zeros(())
        for batch in batches:
            rows = _as_rows(batch)
            own_axes = self._own_axes(rows.ndim)
            axes = (
                tuple(axis for axis in range(rows.ndim) if axis not in own_axes)
                if own_axes
                else None
            )
            batch_mean = np.atleast_1d(rows.mean(axes))
            n = rows.size // batch_mean.size
            old, total, shift = total, total + n, batch_mean - mean
            squares = squares + np.atleast_1d(rows.var(axes)) * n + shift**2 * (old * n / total)
            mean = mean + shift * (n / total)
            count += len(rows)
        expected = "at least one row to learn from"
        require(count, "Normalization", expected, error=DataError, rows=0)
        return {
            "mean": np.float32(mean),
            "variance": np.float32(squares / total),
            "count": np.float32(count),
        }

    def adapt(self, x: Array) -> Normalization:
        """Return a copy of this layer with the statistics of the rows x (n, ...).

        Args:
            x: an array, or an iterable of batches: a list of arrays, a generator, a
                tf.data.Dataset. Of a batch (x, y), x is used.
        """
        fix = "Leave mean and variance out to learn them."
        require(self.mean is None, "adapt", "a layer without a mean", mean=self.mean, fix=fix)
        first = x[0] if isinstance(x, list) and x else None
        is_rows = isinstance(x, list | tuple) and not (
            isinstance(first, tuple) or getattr(first, "ndim", None)
        )
        is_rows = is_rows or hasattr(x, "__array__") or not hasattr(x, "__iter__")
        return replace(
            self, learned_state=self._learn_batches([to_array(x, "x")] if is_rows else x)
        )


def _as_rows(batch: Any) -> np.ndarray:
    """Return a batch as rows of float64: x of (x, y), and (n, 1) for (n,).

    Raises:
        DataError: it has no rows, or numbers that are not finite.
    """
    batch = batch[0] if isinstance(batch, tuple) else batch
    rows = np.asarray(batch, np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    expected = "at least one row to learn from"
    require(rows.size, "Normalization", expected, error=DataError, shape=rows.shape)
    bad = int((~np.isfinite(rows)).sum())
    require(bad == 0, "Normalization", "finite numbers to learn from", error=DataError, bad=bad)
    return rows


def _as_nested_tuples(who: str, name: str, value: Any) -> Any:
    """Return a number or an array as plain numbers that can be compared and stored."""
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    require(np.isfinite(array).all(), who, f"{name} to be finite numbers", **{name: value})

    def nest(part: Any) -> Any:
        return tuple(map(nest, part)) if isinstance(part, list) else part

    return nest(array.tolist())


def _describe_sizes(sizes: tuple[int, ...]) -> str:
    return f"{sizes[0]} columns" if len(sizes) == 1 else f"shape {sizes}"
