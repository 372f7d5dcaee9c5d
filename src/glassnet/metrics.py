"""Metrics: numbers that people read, as sums that a compiled loop can carry.

`init()` gives sums at zero, `update` adds a batch to them, `result` divides on the host: so a metric over an epoch is exact over
its rows, however they were cut into batches. Counts are int32: float32 stops counting at 2^24.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_number, lookup, require
from glassnet.losses import Crossentropy, Loss, align, distribution, spread
from glassnet.types import Array

Sums = dict[str, Any]


@dataclass(frozen=True)
class Metric(ABC):
    """What every metric is: a sum over rows and the count of them.

    Args:
        name: the key in history and in what `evaluate` returns.
    """

    name: str = field(kw_only=True)

    @abstractmethod
    def init(self) -> Sums:
        """The sums before the first row: NumPy scalars."""

    @abstractmethod
    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with a batch added; pure, for compiled code.

        Args:
            acc: the sums so far.
            y: targets: of `out`'s shape, or class ids with its last axis left out.
            out: the last layer's output, (batch, ..., outputs).
            w: which rows are real: 0/1, (batch,) or of the rows' shape. Not the sample weights.
        """

    def result(self, acc: Sums) -> float:
        """The sum divided by the count, in float64; NaN where nothing was counted."""
        count = int(acc["count"])
        return float(acc["total"]) / count if count else math.nan

    def __call__(self, y_true: Any, y_pred: Any) -> float:
        """The metric of predictions at hand.

        Args:
            y_true: targets, a list or an array: of `y_pred`'s shape, or class ids.
            y_pred: predictions, (batch, ..., outputs) or (batch,).

        Raises:
            DataError: where the shapes do not fit, or a class id is not an integer 0..outputs-1.
        """
        out = np.asarray(y_pred, np.float32)
        y, shape = align(type(self).__name__, y_true, out.shape, ids=True)
        return self.result(self.update(self.init(), y, out.reshape(shape), np.ones(shape[0], np.float32)))


@dataclass(frozen=True)
class Accuracy(Metric):
    """The share of right answers: mean [argmax_k out_k = argmax_k y_k], or mean_k [(out_k > threshold) = y_k].

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        threshold: None takes the class with the largest output. A number, in the output's unit, makes each output an answer of its own:
            0 or 1. Given to `compile`, None becomes the threshold of a binary loss.

    Raises:
        ConfigError: where `threshold` is neither None nor a number, or is None and there is one output.

    Example:
        >>> Accuracy()([0, 2], [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
        0.5
        >>> Accuracy(threshold=0.5)([0, 1], [0.2, 0.9])
        1.0
    """

    threshold: float | None = None
    name: str = field(default="accuracy", kw_only=True)

    def __post_init__(self) -> None:
        ok = self.threshold is None or is_number(self.threshold)
        require(ok, "Accuracy", "threshold to be None or a number", threshold=self.threshold)

    def init(self) -> Sums:
        """No right answers among no answers."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's right answers and answers added."""
        if self.threshold is None:
            fix = "For one output give a threshold: Accuracy(threshold=0.5)."
            require(out.shape[-1] > 1, "Accuracy", "one output per class", fix=fix, threshold=None, outputs=out.shape[-1])
            right = jnp.argmax(out, -1) == (jnp.argmax(y, -1) if y.ndim == out.ndim else y)
        else:
            right = (out > self.threshold) == distribution(y, out)
        real = spread(w, right.shape) > 0
        return {
            "total": acc["total"] + jnp.sum(right & real, dtype=jnp.int32),
            "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
        }


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
        return _no_rows()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's squared errors added."""
        return _add_rows(acc, jnp.square(distribution(y, out) - out).mean(-1), w)


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
        return _no_rows()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's absolute errors added."""
        return _add_rows(acc, jnp.abs(distribution(y, out) - out).mean(-1), w)


def _no_rows() -> Sums:
    return {"total": np.float32(0), "count": np.int32(0)}


def _add_rows(acc: Sums, rows: Array, w: Array) -> Sums:
    real = spread(w, rows.shape) > 0
    return {
        "total": acc["total"] + jnp.where(real, rows, 0).sum(),
        "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
    }


METRICS: dict[str, type[Metric]] = {
    "accuracy": Accuracy,
    "acc": Accuracy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
}


def get(value: str | Metric, loss: Loss, outputs: int) -> Metric:
    """The metric called `value`, keyed by that string, or `value` itself; an accuracy without threshold takes the one the loss calls for.

    Args:
        value: a name or a metric.
        loss: what the network is trained on. A binary cross-entropy is cut at 0.5, or at 0 where its predictions are logits; a categorical
            one takes the largest output.
        outputs: the size of the output's last axis. Any other loss is cut at 0.5 where there is one output, else takes the largest.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor a metric.

    Example:
        >>> from glassnet.losses import BinaryCrossentropy
        >>> get("acc", BinaryCrossentropy(), 1)
        Accuracy(name='acc', threshold=0.5)
    """
    metric = lookup("metric", value, METRICS)(name=value) if isinstance(value, str) else value
    require(isinstance(metric, Metric), "metric", "a name or a Metric", metric=value)
    if isinstance(metric, Accuracy) and metric.threshold is None:
        return replace(metric, threshold=_threshold(loss, outputs))
    return metric


def _threshold(loss: Loss, outputs: int) -> float | None:
    if isinstance(loss, Crossentropy) and loss.link == "sigmoid":
        return 0.0 if loss.from_logits else 0.5
    return 0.5 if loss.link is None and outputs == 1 else None
