"""How far numbers are from their targets."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Self

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_number, require
from glassnet.losses import Loss, broadcast_weights, to_one_hot
from glassnet.metrics.metric import (
    Metric,
    Sums,
    get_outputs,
    init_mean,
    to_one_hot_numpy,
    update_mean,
)
from glassnet.types import Array

MIN_RELATIVE_VARIANCE = 1e-6
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
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's squared errors added."""
        return update_mean(acc, jnp.square(to_one_hot(y, out) - out).mean(-1), w)


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
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's absolute errors added."""
        return update_mean(acc, jnp.abs(to_one_hot(y, out) - out).mean(-1), w)


@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    """The root of the mean of (y - out)^2 over outputs and rows, in y's unit. Class ids count as
    one-hot rows.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Example:
        >>> RootMeanSquaredError()([1.0, 2.0], [3.0, 4.0])
        2.0
    """

    name: str = field(default="root_mean_squared_error", kw_only=True)

    def init(self) -> Sums:
        """No error over no rows."""
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's squared errors added."""
        return update_mean(acc, jnp.square(to_one_hot(y, out) - out).mean(-1), w)

    def result(self, acc: Sums) -> float:
        """The root of the mean, in float64; NaN where nothing was counted."""
        return math.sqrt(Metric.result(self, acc))


@dataclass(frozen=True)
class R2Score(Metric):
    """The share of the targets' variance that is explained: 1 - sum (y - out)^2 / sum (y - mean
    y)^2, of one output or over several.

    In evaluation and validation it is exact (float64). In training the mean is known at the end
    only, so the divisor is a difference of
    sums: sum d^2 - (sum d)^2 / n with d = y - shift. In float32 it loses digits: its relative error
        is about
    1e-7 (mean y - shift)^2 / variance of y.

    Shapes: out and y (batch, ..., outputs).

    Args:
        class_aggregation: "uniform_average" is the mean over the outputs;
            "variance_weighted_average" lets each weigh its variance. Keras's None gives a list,
            which logs cannot hold.
        shift: a number near the mean of the targets, in their unit: needed where they lie farther
            from 0 than a hundred times their spread.
        outputs: how many there are; filled in by `compile`.

    Raises:
        ConfigError: where `shift` is not a number, or `class_aggregation` none of the two.

    Example:
        >>> R2Score()([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
        0.5
        >>> R2Score("variance_weighted_average")([[1, 10], [3, 30]], [[2, 10], [3, 30]])  # doctest: +ELLIPSIS
        0.9950...
    """

    class_aggregation: str = "uniform_average"
    shift: float = field(default=0.0, kw_only=True)
    outputs: int | None = field(default=None, kw_only=True)
    name: str = field(default="r2_score", kw_only=True)

    def __post_init__(self) -> None:
        how = self.class_aggregation
        fix = "None gives a score per output, and logs hold one number." if how is None else ""
        expected = 'class_aggregation to be "uniform_average" or "variance_weighted_average"'
        require(
            how in ("uniform_average", "variance_weighted_average"),
            "R2Score",
            expected,
            class_aggregation=how,
            fix=fix,
        )
        require(is_number(self.shift), "R2Score", "shift to be a number", shift=self.shift)

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """With sums for each output."""
        return replace(self, outputs=outputs)

    def init(self) -> Sums:
        """No targets and no errors over no rows."""
        zeros = np.zeros(get_outputs(self), np.float32)
        return {"total": zeros, "squares": zeros, "residual": zeros, "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's targets, their squares and the squared errors added, for each
        output.
        """
        real = broadcast_weights(w, out.shape[:-1]) > 0
        y = jnp.asarray(to_one_hot(y, out), jnp.float32)
        d, error = (
            jnp.where(real[..., None], value, 0).reshape(-1, out.shape[-1])
            for value in (y - self.shift, y - out)
        )
        return {
            "total": acc["total"] + d.sum(0),
            "squares": acc["squares"] + jnp.square(d).sum(0),
            "residual": acc["residual"] + jnp.square(error).sum(0),
            "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
        }

    def result(self, acc: Sums) -> float:
        """The score in float64; NaN where nothing was counted or, as far as float32 tells, an
        output's targets are all the same.
        """
        total, squares, residual = (
            np.asarray(acc[key], np.float64) for key in ("total", "squares", "residual")
        )
        variation = squares - total * total / max(int(acc["count"]), 1)
        return self._aggregate(
            np.where(variation <= MIN_RELATIVE_VARIANCE * squares, 0, variation), residual
        )

    def exact(self, y: np.ndarray, out: np.ndarray) -> float:
        """The score of all rows at hand, in float64; NaN where there are none, or an output's
        targets are all the same.
        """
        y, out = (
            np.asarray(values, np.float64).reshape(-1, out.shape[-1])
            for values in (to_one_hot_numpy(y, out), out)
        )
        if not len(y):
            return math.nan
        return self._aggregate(
            np.where(np.ptp(y, 0) == 0, 0, np.square(y - y.mean(0)).sum(0)),
            np.square(y - out).sum(0),
        )

    def _aggregate(self, variation: np.ndarray, residual: np.ndarray) -> float:
        varies = variation > 0
        if self.class_aggregation == "variance_weighted_average":
            return float(1 - residual[varies].sum() / variation.sum()) if varies.any() else math.nan
        return float(np.mean(1 - residual / variation)) if varies.all() else math.nan
