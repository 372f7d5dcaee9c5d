"""What every metric is, and the sums of a number per row."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from glassnet.losses import align, spread
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
        """The sums before the first row: NumPy zeros. Those of two sets of rows add up to those of both, which `evaluate` relies on."""

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


def no_rows() -> Sums:
    """A float sum at zero, over no rows."""
    return {"total": np.float32(0), "count": np.int32(0)}


def add_rows(acc: Sums, rows: Array, w: Array) -> Sums:
    """`acc` with the numbers of a batch's real rows added."""
    real = spread(w, rows.shape) > 0
    return {
        "total": acc["total"] + jnp.where(real, rows, 0).sum(),
        "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
    }
