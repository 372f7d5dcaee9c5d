"""Regression metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, require
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
"""The ratio of variance to mean square below which float32 sums cannot tell it from 0."""


@dataclass(frozen=True)
class MeanSquaredError(Metric):
    """Mean squared error: the mean of (y - out)^2 over outputs and rows.

    Class ids are read as one-hot rows.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Example:
        >>> MeanSquaredError()([1.0, 2.0], [1.0, 4.0])
        2.0
    """

    name: str = field(default="mean_squared_error", kw_only=True)

    def init(self) -> Sums:
        """Return a sum and a count of zero."""
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's squared errors to `acc`."""
        return update_mean(acc, jnp.square(to_one_hot(y, out) - out).mean(-1), w)


@dataclass(frozen=True)
class MeanAbsoluteError(Metric):
    """Mean absolute error: the mean of |y - out| over outputs and rows.

    Class ids are read as one-hot rows.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Example:
        >>> MeanAbsoluteError()([1.0, 2.0], [1.0, 4.0])
        1.0
    """

    name: str = field(default="mean_absolute_error", kw_only=True)

    def init(self) -> Sums:
        """Return a sum and a count of zero."""
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's absolute errors to `acc`."""
        return update_mean(acc, jnp.abs(to_one_hot(y, out) - out).mean(-1), w)


@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    """Root mean squared error: the root of the mean of (y - out)^2 over outputs and rows.

    It has the unit of y. Class ids are read as one-hot rows.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Example:
        >>> RootMeanSquaredError()([1.0, 2.0], [3.0, 4.0])
        2.0
    """

    name: str = field(default="root_mean_squared_error", kw_only=True)

    def init(self) -> Sums:
        """Return a sum and a count of zero."""
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's squared errors to `acc`."""
        return update_mean(acc, jnp.square(to_one_hot(y, out) - out).mean(-1), w)

    def result(self, acc: Sums) -> float:
        """Return the root of the mean, in float64, or NaN if the count is 0."""
        return math.sqrt(Metric.result(self, acc))


@dataclass(frozen=True)
class R2Score(Metric):
    """Coefficient of determination: R2 = 1 - sum (y - out)^2 / sum (y - mean y)^2.

    In evaluation and validation it is exact (float64). In training the mean is unknown until the
    end, so the divisor is a difference of sums: sum d^2 - (sum d)^2 / n with d = y - shift. In
    float32 its relative error is about 1e-7 (mean y - shift)^2 / variance of y.

    Shapes: out and y (batch, ..., outputs).

    Args:
        class_aggregation: "uniform_average" is the mean over the outputs.
            "variance_weighted_average" weights each output by its variance. None returns an array
            of one score per output. `compile` refuses None for several outputs, because logs hold
            one number per metric.
        shift: a number near the mean of the targets, in their unit. It is needed in training if
            that mean is more than a hundred times their standard deviation.
        outputs: the number of outputs, set by `compile`.

    Raises:
        ConfigError: `shift` is not a number, or `class_aggregation` is another value.

    Example:
        >>> R2Score()([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
        0.5
        >>> r2 = R2Score("variance_weighted_average")([[1, 10], [3, 30]], [[2, 10], [3, 30]])
        >>> print(f"{r2:.4f}")
        0.9950
    """

    class_aggregation: str | None = "uniform_average"
    shift: float = field(default=0.0, kw_only=True)
    outputs: int | None = field(default=None, kw_only=True)
    name: str = field(default="r2_score", kw_only=True)

    def __post_init__(self) -> None:
        how = self.class_aggregation
        expected = 'class_aggregation to be None, "uniform_average" or "variance_weighted_average"'
        is_valid = how in (None, "uniform_average", "variance_weighted_average")
        require(is_valid, "R2Score", expected, class_aggregation=how)
        require(is_float32(self.shift), "R2Score", "shift to be a number", shift=self.shift)

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the number of outputs set."""
        is_one = loss is None or outputs == 1 or self.class_aggregation is not None
        expected = "a class_aggregation, because logs hold one number per metric"
        fix = "Leave it out for the mean, or call the metric after training."
        require(is_one, "R2Score", expected, class_aggregation=None, outputs=outputs, fix=fix)
        return replace(self, outputs=outputs)

    def init(self) -> Sums:
        """Return sums and a count of zero."""
        zeros = np.zeros(get_outputs(self), np.float32)
        return {"total": zeros, "squares": zeros, "residual": zeros, "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's targets, their squares and the squared errors to `acc`, per output."""
        real = broadcast_weights(w, out.shape[:-1]) > 0
        y = jnp.asarray(to_one_hot(y, out), jnp.float32)
        shifted, error = (
            jnp.where(real[..., None], value, 0).reshape(-1, out.shape[-1])
            for value in (y - self.shift, y - out)
        )
        return {
            "total": acc["total"] + shifted.sum(0),
            "squares": acc["squares"] + jnp.square(shifted).sum(0),
            "residual": acc["residual"] + jnp.square(error).sum(0),
            "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
        }

    def result(self, acc: Sums) -> Any:
        """Return the score in float64.

        It is NaN if the count is 0, or if the targets of an output are all equal up to float32
        precision.
        """
        total, squares, residual = (
            np.asarray(acc[key], np.float64) for key in ("total", "squares", "residual")
        )
        variation = squares - total * total / (float(acc["count"]) or 1.0)
        is_constant = variation <= MIN_RELATIVE_VARIANCE * squares
        return self._aggregate(np.where(is_constant, 0, variation), residual)

    def exact(self, y: np.ndarray, out: np.ndarray, weight: np.ndarray | None = None) -> Any:
        """Return the exact score of all rows, in float64, with weights of the shape of `out`.

        It is NaN if there are no rows, or if the targets of an output are all equal.
        """
        weight = np.ones(out.shape) if weight is None else weight
        y, out, weight = (
            np.asarray(values, np.float64).reshape(-1, out.shape[-1])
            for values in (to_one_hot_numpy(y, out), out, weight)
        )
        total, counts = weight.sum(0), weight > 0
        mean = (weight * y).sum(0) / np.where(total > 0, total, 1)
        largest = y.max(0, where=counts, initial=-math.inf)
        varies = largest > y.min(0, where=counts, initial=math.inf)
        variation = np.where(varies, (weight * np.square(y - mean)).sum(0), 0)
        return self._aggregate(variation, (weight * np.square(y - out)).sum(0))

    def _aggregate(self, variation: np.ndarray, residual: np.ndarray) -> Any:
        varies = variation > 0
        if self.class_aggregation is None and len(varies) > 1:
            scores = np.full(len(varies), math.nan)
            return 1 - np.divide(residual, variation, out=scores, where=varies)
        if self.class_aggregation == "variance_weighted_average":
            return float(1 - residual[varies].sum() / variation.sum()) if varies.any() else math.nan
        return float(np.mean(1 - residual / variation)) if varies.all() else math.nan
