"""The base class of metrics, metrics from functions, and helpers for sums over rows."""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import (
    ConfigError,
    DataError,
    MissingError,
    message,
    refuse_renamed_methods,
    require,
    suggest,
)
from glassnet.forked_process import require_jax_threads
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
    """Base class of metrics: by default a sum over rows, divided by their count.

    Args:
        name: the key in the history and in the logs of `evaluate`.

    Attributes:
        exact: a method (y, out, weight=None) -> float for a metric that its sums only approximate.
            Evaluation and validation then call it with all real rows. A direct call passes
            sample weights, in the shape of `out`. None if the sums are exact.
    """

    _RENAMED: ClassVar[dict[str, str]] = {"suited": "configure"}
    """Methods by the names that they had before release 0.2, each with its name now."""

    exact: ClassVar[Callable[..., float] | None] = None
    name: str = field(kw_only=True)

    def __init_subclass__(cls) -> None:
        refuse_renamed_methods(cls, cls._RENAMED)

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the fields that depend on the loss or the outputs set.

        Args:
            loss: the training loss, which sets the threshold of a positive answer. None in direct
                use leaves the threshold unchanged.
            outputs: the size of the output's last axis, for metrics with a sum per output.
        """
        return self

    @abstractmethod
    def init(self) -> Sums:
        """Return the sums of no rows: NumPy zeros.

        The sums of two sets of rows must add up to the sums of both: `evaluate` relies on it.
        """

    @abstractmethod
    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add a batch to the sums and return them; a pure function, for compiled code.

        Args:
            acc: the sums so far.
            y: targets of the shape of `out`, or class ids without its last axis.
            out: the output of the last layer, (batch, ..., outputs).
            w: 1 for real rows and 0 for padding, (batch,) or (batch, ...). These are not the
                sample weights.
        """

    def __getattr__(self, name: str) -> Any:
        fix = " A metric stores no sums. Call metric(y_true, y_pred)." if "state" in name else ""
        nearest = fix or suggest(name, [*dir(type(self)), *self.__dataclass_fields__])
        raise MissingError(f"{type(self).__name__} has no attribute {name!r}.{nearest}")

    def result(self, acc: Sums) -> float:
        """Return the sum divided by the count, in float64, or NaN if the count is 0."""
        count = float(acc["count"])
        return float(acc["total"]) / count if count else math.nan

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Return the metric of predictions.

        Args:
            y_true: targets, a list or an array of the shape of `y_pred`, or class ids.
            y_pred: predictions, (batch, ..., outputs) or (batch,).
            sample_weight: how often each row counts, (batch,) or (batch, ...) numbers >= 0; or
                each output, in the shape of `y_pred`, for a metric in which an output is an
                answer of its own. An axis of length 1 counts for all. None for once.

        Raises:
            DataError: the shapes do not match, a class id is not an integer 0..outputs-1, or a
                weight is not a number >= 0.
            ConfigError: `sample_weight` for a metric whose `exact` has no argument `weight`.
        """
        require_jax_threads()
        out = np.asarray(to_array(y_pred, "y_pred"), np.float32)
        y, shape = align_targets(type(self).__name__, y_true, out.shape, allow_class_ids=True)
        metric, out = self.configure(None, shape[-1]), out.reshape(shape)
        if sample_weight is not None:
            return _compute_weighted(metric, y, out, sample_weight)
        if metric.exact is not None:
            return metric.exact(y, out)
        return metric.result(metric.update(metric.init(), y, out, np.ones(shape[0], np.float32)))


@dataclass(frozen=True)
class FunctionMetric(Metric):
    """User-written function as a metric: the mean of function(y, out) over rows.

    `metrics=[function]` makes one, with the name of the function.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...), which the
        function gets as one-hot rows.

    Args:
        function: a function of targets and outputs of the same shape, written in jax.numpy. It
            returns one number per row, or one per output. In the second case the mean over the
            last axis is used.

    Raises:
        ConfigError: the function does not take two arguments, returns another shape, or is not
            written in jax.numpy.

    Example:
        >>> def largest_error(y_true, y_pred):
        ...     return jnp.max(jnp.abs(y_true - y_pred), axis=-1)
        >>> metric = FunctionMetric(largest_error, name="largest")
        >>> metric([[0.0, 1.0], [2.0, 2.0]], [[1.0, 4.0], [2.0, 1.0]])  # (3 + 1) / 2
        2.0
    """

    function: Callable[[Array, Array], Array]

    def __post_init__(self) -> None:
        check_two_arguments(self.function)

    def init(self) -> Sums:
        """Return a sum and a count of zero."""
        return init_mean()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the function's values for the batch to `acc`."""
        return update_mean(acc, call_unreduced(self.function, to_one_hot(y, out), out), w)


def _compute_weighted(metric: Metric, y: np.ndarray, out: np.ndarray, sample_weight: Any) -> float:
    """Return the metric of answers that count as often as their weights say, in float64."""
    who = type(metric).__name__
    weight = align_weights(who, sample_weight, out.shape)
    if metric.exact is None:
        return metric.result(sum_weighted(metric, y, out, weight))
    takes_weight = "weight" in inspect.signature(metric.exact).parameters
    fix = "Give its method exact a third argument, weight=None."
    require(takes_weight, who, "no sample_weight", fix=fix)
    return metric.exact(y, out, np.broadcast_to(weight, out.shape))


def align_weights(who: str, sample_weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return weights in float64, with an axis of length 1 for each axis that they lack."""
    weight = np.asarray(sample_weight, np.float64)
    repeats = weight.ndim == len(shape) and all(
        size in (1, full) for size, full in zip(weight.shape, shape, strict=True)
    )
    fits = repeats or weight.shape == shape[: weight.ndim]
    expected = f"sample_weight of shape {shape[:1]} or {shape}"
    require(fits, who, expected, error=DataError, shape=weight.shape)
    wrong = weight[~(weight >= 0)]
    expected = "sample_weight to be numbers >= 0"
    require(not wrong.size, who, expected, error=DataError, values=wrong[:3].tolist())
    return weight.reshape(weight.shape + (1,) * (len(shape) - weight.ndim))


def sum_weighted(metric: Metric, y: np.ndarray, out: np.ndarray, weight: np.ndarray) -> Sums:
    """Return the sums of answers that count as often as their weights say, in float64.

    The sums of each row are multiplied by its weight. If each output has a weight, the sums of
    each entry of a row are, as if the others were padding.
    """
    zeros, masks, outputs = metric.init(), np.ones((1, 1), np.float32), out.shape[-1]
    if max(weight.shape[1:]) > 1:  # each step or output has a weight: steps become rows
        weight = np.broadcast_to(weight, (*out.shape[:-1], weight.shape[-1]))
        weight = weight.reshape(-1, weight.shape[-1])
        y, out = y.reshape(-1, *y.shape[out.ndim - 1 :]), out.reshape(-1, outputs)
        if weight.shape[-1] > 1:
            jax.eval_shape(metric.update, zeros, y, out, weight)  # refuses weights per output
            masks = np.eye(outputs, dtype=np.float32)[:, None]
    weight = np.broadcast_to(weight, (len(out), *weight.shape[1:])).reshape(len(out), len(masks))

    def sum_row(y: Array, out: Array) -> Sums:
        return jax.vmap(lambda w: metric.update(zeros, y[None], out[None], w))(masks)

    rows = jax.tree.map(lambda values: np.asarray(values, np.float64), jax.vmap(sum_row)(y, out))
    return {key: np.tensordot(weight, values, 2) for key, values in rows.items()}


def default_threshold(loss: Loss, outputs: int) -> float | None:
    """Return the threshold of a positive answer, or None if the largest output is the answer."""
    activation = loss.output_activation
    separate = activation == "sigmoid" or (activation is None and outputs == 1)
    return loss.decision_threshold if separate else None


def get_outputs(metric: Any) -> int:
    """Return the number of outputs of a metric that has a sum for each.

    Raises:
        ConfigError: the number is not set.
    """
    outputs: int | None = metric.outputs
    fix = "compile sets it. For direct use, write metric.configure(None, outputs)."
    if outputs is None:
        who = type(metric).__name__
        raise ConfigError(message(who, "the number of outputs to be set", outputs=None, fix=fix))
    return outputs


def init_mean() -> Sums:
    """Return a float sum and a count of zero."""
    return {"total": np.float32(0), "count": np.int32(0)}


def update_mean(acc: Sums, values: Array, w: Array) -> Sums:
    """Add the values of a batch's real rows to `acc`."""
    real = broadcast_weights(w, values.shape) > 0
    return {
        "total": acc["total"] + jnp.where(real, values, 0).sum(),
        "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
    }


def to_one_hot_numpy(y: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Return `y` with the axes of `out`, in NumPy: class ids become one-hot rows."""
    return np.eye(out.shape[-1], dtype=np.float32)[y] if y.ndim == out.ndim - 1 else y
