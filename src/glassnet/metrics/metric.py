"""What every metric is, and the sums of a number per row."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpy as np

from glassnet.errors import MissingError, require
from glassnet.losses import (
    Loss,
    align_targets,
    broadcast_weights,
    call_unreduced,
    check_two_arguments,
    to_one_hot,
)
from glassnet.types import Array

Sums = dict[str, Any]


@dataclass(frozen=True)
class Metric(ABC):
    """What every metric is: a sum over rows and the count of them.

    Args:
        name: the key in history and in what `evaluate` returns.

    Attributes:
        exact: a method (y, out) -> float, for a metric whose sums only approximate it: evaluation
            and validation then take this one, of all real rows on the host. None where sums are
            exact.
    """

    exact: ClassVar[Callable[..., float] | None] = None
    name: str = field(kw_only=True)

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """This metric with what it leaves open filled in.

        Args:
            loss: what the network is trained on: it says where a yes begins. None in direct use,
                which leaves that as it is.
            outputs: the size of the output's last axis: it says how many sums there are where each
                output has its own.
        """
        return self

    @abstractmethod
    def init(self) -> Sums:
        """The sums before the first row: NumPy zeros. Those of two sets of rows add up to those of
        both, which `evaluate` relies on.
        """

    @abstractmethod
    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with a batch added; pure, for compiled code.

        Args:
            acc: the sums so far.
            y: targets: of `out`'s shape, or class ids with its last axis left out.
            out: the last layer's output, (batch, ..., outputs).
            w: which rows are real: 0/1, (batch,) or of the rows' shape. Not the sample weights.
        """

    def __getattr__(self, name: str) -> Any:
        sums = (
            " It keeps no sums: call it on targets and predictions, metric(y_true, y_pred)."
            if "state" in name
            else ""
        )
        raise MissingError(f"{type(self).__name__} has no attribute {name!r}.{sums}")

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
        y, shape = align_targets(type(self).__name__, y_true, out.shape, allow_class_ids=True)
        metric, out = self.configure(None, shape[-1]), out.reshape(shape)
        if metric.exact is not None:
            return metric.exact(y, out)
        return metric.result(metric.update(metric.init(), y, out, np.ones(shape[0], np.float32)))


@dataclass(frozen=True)
class FunctionMetric(Metric):
    """A function as a metric: the mean of function(y, out) over rows. `metrics=[function]` makes
    one, called as the function is.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...), which the
        function gets as one-hot rows.

    Args:
        function: of targets and outputs of one shape, written in jax.numpy. It gives a number per
            row, or one per output: then the mean over the last axis is taken.

    Raises:
        ConfigError: where it does not take two arguments, gives neither, or is not written in
            jax.numpy.

    Example:
        >>> def largest_error(y_true, y_pred):
        ...     return jnp.max(jnp.abs(y_true - y_pred), axis=-1)
        >>> FunctionMetric(largest_error, name="largest")([[0.0, 1.0], [2.0, 2.0]], [[1.0, 4.0], [2.0, 1.0]])  # (3 + 1) / 2
        2.0
    """

    function: Callable[[Array, Array], Array]

    def __post_init__(self) -> None:
        check_two_arguments(self.function)

    def init(self) -> Sums:
        """Nothing over no rows."""
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the function's numbers for the batch added."""
        return update_mean(acc, call_unreduced(self.function, to_one_hot(y, out), out), w)


def default_threshold(loss: Loss, outputs: int) -> float | None:
    """The output above which an answer is yes, each by itself; None where the largest of several is
    the answer.
    """
    return (
        loss.decision_threshold
        if loss.output_activation == "sigmoid" or (loss.output_activation is None and outputs == 1)
        else None
    )


def get_outputs(metric: Any) -> int:
    """The number of outputs that a metric with a sum for each was suited to.

    Raises:
        ConfigError: it was not.
    """
    fix = "compile fills it in; elsewhere write metric.suited(None, outputs)."
    require(
        metric.outputs is not None,
        type(metric).__name__,
        "a known number of outputs",
        outputs=None,
        fix=fix,
    )
    return metric.outputs


def init_mean() -> Sums:
    """A float sum at zero, over no rows."""
    return {"total": np.float32(0), "count": np.int32(0)}


def update_mean(acc: Sums, values: Array, w: Array) -> Sums:
    """`acc` with the numbers of a batch's real rows added."""
    real = broadcast_weights(w, values.shape) > 0
    return {
        "total": acc["total"] + jnp.where(real, values, 0).sum(),
        "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
    }


def to_one_hot_numpy(y: np.ndarray, out: np.ndarray) -> np.ndarray:
    """`y` with the axes of `out`, on the host: class ids become one-hot rows."""
    return np.eye(out.shape[-1], dtype=np.float32)[y] if y.ndim == out.ndim - 1 else y
