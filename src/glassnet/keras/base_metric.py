"""Keras's metric objects, which add up batches between calls."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import require
from glassnet.keras.base_loss import match_ranks
from glassnet.keras.tensors import as_tensor
from glassnet.losses import align_targets
from glassnet.metrics import AUC, FunctionMetric, MeanAbsoluteError, MeanSquaredError, Metric
from glassnet.metrics.metric import align_weights, sum_weighted, to_one_hot_numpy
from glassnet.metrics.precision_recall import ThresholdListMetric


class KerasMetric:
    """Base class of Keras's metric objects, for loops of your own.

    `compile(metrics=[...])` accepts those that compare targets with predictions, and uses their
    `glassnet_metric`.

    Args:
        name: the name in logs.
    """

    def __init__(self, name: str):
        self.name = name
        self._sums: dict[str, Any] | None = None

    @property
    def glassnet_metric(self) -> Metric:
        """The metric that `compile` uses.

        Raises:
            ConfigError: the metric does not compare targets with predictions.
        """
        expected = "a metric that compares targets with predictions"
        fix = f"{type(self).__name__} is for loops of your own: call update_state(values)."
        require(False, "compile", expected, metric=self.name, fix=fix)
        raise AssertionError

    def update_state(self, *args: Any, **options: Any) -> None:
        """Add a batch."""
        raise NotImplementedError

    def result(self) -> Any:
        """Return the metric of all batches since the last reset, as a `Tensor`."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget all batches."""
        self._sums = None

    reset_states = reset_state

    def _add(self, sums: dict[str, Any]) -> None:
        sums = {key: np.asarray(value, np.float64) for key, value in sums.items()}
        before = self._sums or dict.fromkeys(sums, 0.0)
        self._sums = {key: before[key] + value for key, value in sums.items()}

    @property
    def variables(self) -> list[Any]:
        """The sums over all batches since the last reset."""
        return [as_tensor(np.float32(value)) for value in (self._sums or {}).values()]

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Add a batch and return the result."""
        self.update_state(*args, **options)
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class BuiltInMetric(KerasMetric):
    """One of Keras's metrics: an object around Glassnet's, whose fields are its attributes.

    Args:
        kind: Keras's name of the class.
        metric: Glassnet's metric.
        is_per_row: whether one-dimensional predictions count as one row, as in Keras's means of
            losses; else each number is a row.
    """

    def __init__(self, kind: str, metric: Metric, is_per_row: bool):
        super().__init__(metric.name)
        self._kind, self._metric, self._is_per_row = kind, metric, is_per_row

    @property
    def glassnet_metric(self) -> Metric:
        """The metric that `compile` uses."""
        return self._metric

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: targets, of the shape of `y_pred` or class ids.
            y_pred: predictions (batch, ..., outputs) or (batch,).
            sample_weight: how often each row counts, numbers >= 0; None for once.
        """
        p, y = np.asarray(to_array(y_pred, "y_pred"), np.float32), to_array(y_true, "y_true")
        if self._is_per_row and p.ndim == y.ndim == 1:
            p, y = p[None], y[None]
        y, shape = align_targets(self.name, y, p.shape, allow_class_ids=True)
        metric, p = self._configure(shape[-1]), p.reshape(shape)
        if isinstance(metric, AUC) and not metric.multi_label and np.ndim(sample_weight) == 2:
            sample_weight = np.broadcast_to(sample_weight, shape).ravel()
            y, p = to_one_hot_numpy(y, p).reshape(-1, 1), p.reshape(-1, 1)
        if sample_weight is None:
            self._add(metric.update(metric.init(), y, p, np.ones(shape[0], np.float32)))
        else:
            weight = align_weights(self.name, sample_weight, p.shape)
            self._add(sum_weighted(metric, y, p, weight))

    def _configure(self, outputs: int) -> Metric:
        metric = self._metric
        is_plain = isinstance(metric, ThresholdListMetric) and metric.threshold is None
        if is_plain and getattr(metric, "top_k", None) is None:
            metric = replace(metric, threshold=0.5)  # type: ignore[call-arg]
        self._configured = metric.configure(None, outputs)
        return self._configured

    def result(self) -> Any:
        """Return the metric of all batches since the last reset, as a `Tensor`: 0 without any."""
        if self._sums is None:
            return as_tensor(np.float32(0))
        value = self._configured.result(self._sums)
        if np.ndim(value) == 0 and math.isnan(value) and _is_finite(self._sums):
            value = 0.0  # nothing to divide by
        return as_tensor(np.float32(value))

    def __repr__(self) -> str:
        return f"<{self._kind} name={self.name}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._metric, name)


def _is_finite(sums: Any) -> bool:
    return all(bool(np.isfinite(leaf).all()) for leaf in jax.tree.leaves(sums))


class EqualityMetric(BuiltInMetric):
    """Keras's `Accuracy`: the share of predictions that equal their targets.

    In `compile`, it is the accuracy of the loss's kind of outputs.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of labels and predicted labels."""
        y, p = to_array(y_true, "y_true"), to_array(y_pred, "y_pred")
        y, p = match_ranks(y, p)
        expected = f"y_true of the shape of y_pred, {p.shape}"
        require(y.shape == p.shape, self.name, expected, shape=y.shape)
        self._add(_sum_values(np.float32(y == p), sample_weight))

    def result(self) -> Any:
        """Return the share of equal labels as a `Tensor`."""
        return _divide(self._sums)


class MeanMetric(KerasMetric):
    """Mean of values, weighted by `sample_weight`: Keras's `metrics.Mean`.

    Example:
        >>> mean = MeanMetric()
        >>> mean.update_state([1.0, 3.0])
        >>> mean.update_state(5.0)
        >>> float(mean.result())
        3.0
    """

    def __init__(self, name: str = "mean"):
        super().__init__(name)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values: a number, or (batch, ...), whose rows count equally."""
        self._add(_sum_values(np.asarray(values, np.float32), sample_weight))

    def result(self) -> Any:
        """Return the mean as a `Tensor`; 0 without values."""
        return _divide(self._sums)


class SumMetric(KerasMetric):
    """Sum of values, weighted by `sample_weight`: Keras's `metrics.Sum`.

    Example:
        >>> total = SumMetric()
        >>> float(total([1.0, 3.0])), float(total(5.0))
        (4.0, 9.0)
    """

    def __init__(self, name: str = "sum"):
        super().__init__(name)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values: a number, or an array."""
        self._add(_sum_values(np.asarray(values, np.float32), sample_weight, np.sum))

    def result(self) -> Any:
        """Return the sum as a `Tensor`."""
        return as_tensor(np.float32(self._sums["total"] if self._sums else 0))


class FunctionMeanMetric(KerasMetric):
    """Mean of a function of targets and predictions: Keras's `metrics.MeanMetricWrapper`.

    Args:
        fn: a function (y_true, y_pred) of one number per row.
        name: the name in logs; None for that of the function.
        dtype: None or "float32".
        options: passed to `fn`.

    Example:
        >>> metric = FunctionMeanMetric(lambda y, p: np.abs(np.subtract(y, p)))
        >>> float(metric([1.0, 2.0], [1.0, 4.0]))
        1.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: str | None = None,
        **options: Any,
    ):
        require(dtype in (None, "float32"), "MeanMetricWrapper", "dtype='float32'", dtype=dtype)
        require(callable(fn), "MeanMetricWrapper", "fn to be a function", fn=fn)
        super().__init__(name or str(getattr(fn, "__name__", "mean_metric_wrapper")))
        self._fn, self._options = fn, options

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of targets and predictions."""
        values = np.asarray(self._fn(y_true, y_pred, **self._options))
        self._add(_sum_values(values, sample_weight))

    def result(self) -> Any:
        """Return the mean as a `Tensor`; 0 without batches."""
        return _divide(self._sums)

    @property
    def glassnet_metric(self) -> Metric:
        """The metric that `compile` uses."""
        return FunctionMetric(FunctionOf(self._fn, tuple(self._options.items())), name=self.name)


@dataclass(frozen=True)
class FunctionOf:
    """A function with some of its arguments set, which compares by value.

    Args:
        function: (y_true, y_pred, **options) to numbers.
        options: names and values of the arguments.
    """

    function: Callable[..., Any]
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return self.function(y_true, y_pred, **dict(self.options))


def _sum_values(values: Any, sample_weight: Any, reduce: Any = np.mean) -> dict[str, Any]:
    """Return the sum of the rows' values and the count, or the sum of the weights.

    Args:
        values: a number, or (batch, ...); the further axes are reduced by `reduce`.
        sample_weight: weights of the first axes of `values`, or None.
        reduce: `np.mean` or `np.sum`.
    """
    values = np.asarray(values, np.float64)
    count: Any = len(values) if values.ndim else 1
    if sample_weight is not None:
        weight = np.asarray(sample_weight, np.float64)
        values, weight = match_ranks(values, weight)
        if values.ndim > weight.ndim:
            values = reduce(values, axis=tuple(range(weight.ndim, values.ndim)))
        fits = weight.shape == () or weight.shape == values.shape[: weight.ndim]
        require(fits, "sample_weight", f"shape {values.shape}", shape=weight.shape)
        weight = np.broadcast_to(weight, values.shape)
        values = values * weight
        count = (reduce(weight, axis=tuple(range(1, weight.ndim))) if weight.ndim else weight).sum()
    if values.ndim > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return {"total": values.sum(), "count": count}


def _divide(sums: Any) -> Any:
    is_empty = sums is None or not sums["count"]
    return as_tensor(np.float32(0 if is_empty else sums["total"] / sums["count"]))


@dataclass(frozen=True)
class MetricFactory:
    """Maker of Keras's metrics of one kind; `isinstance` works with it.

    Args:
        name: Keras's name of the class.
        make: makes Glassnet's metric.
        kind: the type for `isinstance`.
        is_per_row: see `BuiltInMetric`.
        wrapper: the class of the object.
    """

    name: str
    make: Callable[..., Metric]
    kind: Any
    is_per_row: bool = False
    wrapper: type[BuiltInMetric] = BuiltInMetric

    def __call__(self, *args: Any, **options: Any) -> BuiltInMetric:
        return self.wrapper(self.name, self.make(*args, **options), self.is_per_row)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.make)

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value._metric if isinstance(value, BuiltInMetric) else value, self.kind)


PER_ROW = (MeanSquaredError, MeanAbsoluteError)
"""Metrics that are means over the outputs of a row."""
