"""How far numbers are from their targets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_number, require
from glassnet.losses import distribution, spread
from glassnet.metrics.metric import Metric, Sums, add_rows, no_rows
from glassnet.types import Array

LOST = 1e-6
"""The variance over the mean square below which sums in float32 no longer tell it from 0."""


@dataclass(frozen=True)
class MeanSquaredError(Metric):
    """The mean of (y - out)^2 over outputs and rows. Class ids count as one-hot rows.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Example:
        >>> MeanSquaredError()([1.0, 2.0], [1.0, 4.0])
        2.0
    """

    name: str = field(default="mean_squared_error", kw_only=True)

    def init(self) -> Sums:
        """No error over no rows."""
        return no_rows()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's squared errors added."""
        return add_rows(acc, jnp.square(distribution(y, out) - out).mean(-1), w)


@dataclass(frozen=True)
class MeanAbsoluteError(Metric):
    """The mean of |y - out| over outputs and rows. Class ids count as one-hot rows.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Example:
        >>> MeanAbsoluteError()([1.0, 2.0], [1.0, 4.0])
        1.0
    """

    name: str = field(default="mean_absolute_error", kw_only=True)

    def init(self) -> Sums:
        """No error over no rows."""
        return no_rows()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's absolute errors added."""
        return add_rows(acc, jnp.abs(distribution(y, out) - out).mean(-1), w)


@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    """The root of the mean of (y - out)^2 over outputs and rows, in y's unit. Class ids count as one-hot rows.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Example:
        >>> RootMeanSquaredError()([1.0, 2.0], [3.0, 4.0])
        2.0
    """

    name: str = field(default="root_mean_squared_error", kw_only=True)

    def init(self) -> Sums:
        """No error over no rows."""
        return no_rows()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's squared errors added."""
        return add_rows(acc, jnp.square(distribution(y, out) - out).mean(-1), w)

    def result(self, acc: Sums) -> float:
        """The root of the mean, in float64; NaN where nothing was counted."""
        return math.sqrt(Metric.result(self, acc))


@dataclass(frozen=True)
class R2Score(Metric):
    """The share of the targets' variance that is explained: 1 - sum (y - out)^2 / sum (y - mean y)^2, for one output.

    The mean is known at the end only, so the divisor is a difference of sums: sum d^2 - (sum d)^2 / n with d = y - shift. In float32 it
    loses digits: its relative error is about 1e-7 (mean y - shift)^2 / variance of y.

    Shapes: out and y (batch, ..., 1).

    Args:
        shift: a number near the mean of the targets, in their unit: needed where they lie farther from 0 than a hundred times their spread.

    Raises:
        ConfigError: where `shift` is not a number, or there are several outputs.

    Example:
        >>> R2Score()([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
        0.5
    """

    shift: float = 0.0
    name: str = field(default="r2_score", kw_only=True)

    def __post_init__(self) -> None:
        require(is_number(self.shift), "R2Score", "shift to be a number", shift=self.shift)

    def init(self) -> Sums:
        """No targets and no errors over no rows."""
        return {"total": np.float32(0), "squares": np.float32(0), "residual": np.float32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's targets, their squares and the squared errors added."""
        require(out.shape[-1] == 1, "R2Score", "one output", outputs=out.shape[-1])
        y, out = jnp.asarray(y, jnp.float32)[..., 0], out[..., 0]
        real = spread(w, out.shape) > 0
        d, error = (jnp.where(real, value, 0) for value in (y - self.shift, y - out))
        return {
            "total": acc["total"] + d.sum(),
            "squares": acc["squares"] + jnp.square(d).sum(),
            "residual": acc["residual"] + jnp.square(error).sum(),
            "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
        }

    def result(self, acc: Sums) -> float:
        """The score in float64; NaN where nothing was counted or, as far as float32 tells, every target is the same."""
        total, squares, count = float(acc["total"]), float(acc["squares"]), int(acc["count"])
        variation = squares - total * total / max(count, 1)
        return math.nan if variation <= LOST * squares else 1 - float(acc["residual"]) / variation
