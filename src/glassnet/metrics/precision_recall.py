"""Precision, recall and F scores."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, is_int, require
from glassnet.losses import Loss, broadcast_weights, to_one_hot
from glassnet.metrics.metric import Metric, Sums, default_threshold, get_outputs
from glassnet.types import Array

F1_COUNTS = ("both", "said", "true")
"""The keys of both, predicted and actual positives. Checkpoints store them."""


@dataclass(frozen=True)
class ThresholdMetric(Metric):
    """Base class of metrics that count positive predictions. A subclass defines `update`.

    Args:
        threshold: every output above this number, in the output's unit, is a positive prediction.
            With None the largest output is; for a single output the threshold is then 0.5.
            `compile` replaces None by the threshold of a binary loss.
        class_id: the only output to count. None counts all outputs together. Without a threshold
            precision and recall then equal the accuracy.

    Raises:
        ConfigError: `threshold` is neither None nor a number; or `class_id` is neither None nor an
            int 0..outputs-1.
    """

    threshold: float | tuple[float, ...] | None = None
    class_id: int | None = None

    def __post_init__(self) -> None:
        who = type(self).__name__
        self._check_threshold()
        require(
            self.class_id is None or is_int(self.class_id, 0),
            who,
            "class_id to be None or an int >= 0",
            class_id=self.class_id,
        )

    def _check_threshold(self) -> None:
        is_valid = self.threshold is None or is_float32(self.threshold)
        expected = "threshold to be None or a number"
        require(is_valid, type(self).__name__, expected, threshold=self.threshold)

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the threshold of the loss, unless it has one."""
        if loss is None or self.threshold is not None:
            return self
        return replace(self, threshold=default_threshold(loss, outputs))

    def init(self) -> Sums:
        """Return counts of zero."""
        return {"total": self._zeros(), "count": self._zeros()}

    def _zeros(self) -> Any:
        """Return a count of zero, or one for each threshold."""
        if isinstance(self.threshold, tuple):
            return np.zeros(len(self.threshold), np.int32)
        return np.int32(0)

    def result(self, acc: Sums) -> Any:
        """Return the share, in float64, or 0 if the divisor is 0; an array for a list."""
        total, count = (np.asarray(acc[key], np.float64) for key in ("total", "count"))
        share = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        return share if isinstance(self.threshold, tuple) else float(share)

    def binarize(self, y: Array, out: Array, w: Array) -> tuple[Array, Array, Array]:
        """Return masks of predicted and actual positives and of real answers.

        They are (batch, ..., outputs), or (batch, ..., 1) with a `class_id`. For a list of
        thresholds the first mask is (thresholds, batch, ..., outputs).
        """
        who, outputs, k = type(self).__name__, out.shape[-1], self.class_id
        require(
            k is None or k < outputs,
            who,
            "class_id to be below the number of outputs",
            class_id=k,
            outputs=outputs,
        )
        predicted, actual = self._predict(out), to_one_hot(y, out) == 1
        if predicted is None:
            fix = f"For one output, set a threshold: {who}(threshold=0.5)."
            require(
                outputs > 1, who, "one output per class", fix=fix, threshold=None, outputs=outputs
            )
            ids = jnp.argmax(y, -1) if y.ndim == out.ndim else y
            predicted = jax.nn.one_hot(jnp.argmax(out, -1), outputs) == 1
            actual = jax.nn.one_hot(ids, outputs) == 1
        real = broadcast_weights(w, out.shape) > 0
        masks = predicted & real, actual & real, real
        return masks if k is None else tuple(mask[..., k : k + 1] for mask in masks)

    def _predict(self, out: Array) -> Array | None:
        """Return the mask of positive predictions, or None if the largest output is the answer."""
        if self.threshold is None:
            return None
        if not isinstance(self.threshold, tuple):
            return out > self.threshold
        thresholds = np.asarray(self.threshold, np.float32)
        return out > thresholds.reshape(-1, *[1] * out.ndim)

    def count(self, mask: Array) -> Array:
        """Return the number of true entries of a mask, for each threshold of a list."""
        axes = tuple(range(1, mask.ndim)) if isinstance(self.threshold, tuple) else None
        return jnp.sum(mask, axes, dtype=jnp.int32)


@dataclass(frozen=True)
class ThresholdListMetric(ThresholdMetric):
    """Base class of metrics that take a list of thresholds, too.

    Args:
        threshold: as in `ThresholdMetric`, or a list of thresholds. The result is then an array,
            one number for each. `compile` refuses a list, because logs hold one number per metric.

    Other Args and Raises: see `ThresholdMetric`.
    """

    threshold: float | tuple[float, ...] | None = None

    def _check_threshold(self) -> None:
        values: Any = self.threshold
        is_list = isinstance(values, list | tuple | np.ndarray) and np.ndim(values) == 1
        if not is_list:
            super()._check_threshold()
            return
        is_valid = len(values) > 0 and all(map(is_float32, values))
        expected = "threshold to be None, a number or a list of numbers"
        require(is_valid, type(self).__name__, expected, threshold=values)
        numbers = tuple(map(float, values))
        object.__setattr__(self, "threshold", numbers if len(numbers) > 1 else numbers[0])

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the threshold of the loss, or 0.5, unless it has one."""
        is_list = isinstance(self.threshold, tuple)
        fix = "Write a metric with a name for each threshold, or call the metric after training."
        expected = "one threshold, because logs hold one number per metric"
        who = type(self).__name__
        require(loss is None or not is_list, who, expected, threshold=self.threshold, fix=fix)
        metric = super().configure(loss, outputs)
        return replace(metric, threshold=metric.default_threshold(outputs))

    def default_threshold(self, outputs: int) -> float | tuple[float, ...] | None:
        """Return the threshold, or 0.5 for a single output without one."""
        return 0.5 if self.threshold is None and outputs == 1 else self.threshold


@dataclass(frozen=True)
class PositiveShare(ThresholdListMetric):
    """Base class of precision and recall.

    Args:
        top_k: only the k largest outputs of a row can be positive predictions. Without a threshold
            all of them are. None for no such limit.

    Other Args and Raises: see `ThresholdListMetric`. Also ConfigError if `top_k` is neither None
        nor an int 1..outputs.
    """

    top_k: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        is_valid = self.top_k is None or is_int(self.top_k, 1)
        require(is_valid, type(self).__name__, "top_k to be None or an int >= 1", top_k=self.top_k)

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the threshold of the loss, or 0.5, unless `top_k` is set."""
        is_ready = self.top_k is not None and self.threshold is None
        return self if is_ready else super().configure(loss, outputs)

    def _predict(self, out: Array) -> Array | None:
        predicted = super()._predict(out)
        if self.top_k is None:
            return predicted
        who, outputs = type(self).__name__, out.shape[-1]
        expected = "top_k to be at most the number of outputs"
        fix = "A row of outputs has two axes: (1, outputs)." if outputs == 1 else ""
        require(self.top_k <= outputs, who, expected, top_k=self.top_k, outputs=outputs, fix=fix)
        _, indices = jax.lax.top_k(out, self.top_k)
        is_top = jax.nn.one_hot(indices, outputs).sum(-2) > 0
        return is_top if predicted is None else predicted & is_top


@dataclass(frozen=True)
class Precision(PositiveShare):
    """Share of positive predictions that are correct: #(predicted and actual) / #predicted.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `PositiveShare`.

    Example:
        >>> Precision()([1, 0, 1, 1], [0.9, 0.8, 0.3, 0.2])
        0.5
        >>> Precision(threshold=[0.5, 0.85])([1, 0, 1, 1], [0.9, 0.8, 0.3, 0.2]).tolist()
        [0.5, 1.0]
        >>> Precision(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        0.5
    """

    name: str = field(default="precision", kw_only=True)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's predicted positives, and the correct ones of them, to `acc`."""
        predicted, actual, _ = self.binarize(y, out, w)
        return {
            "total": acc["total"] + self.count(predicted & actual),
            "count": acc["count"] + self.count(predicted),
        }


@dataclass(frozen=True)
class Recall(PositiveShare):
    """Share of actual positives that are predicted: #(predicted and actual) / #actual.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `PositiveShare`.

    Example:
        >>> Recall()([1, 0, 1, 0], [0.9, 0.8, 0.3, 0.2])
        0.5
        >>> Recall(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        1.0
    """

    name: str = field(default="recall", kw_only=True)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's actual positives, and the predicted ones of them, to `acc`."""
        predicted, actual, _ = self.binarize(y, out, w)
        return {
            "total": acc["total"] + self.count(predicted & actual),
            "count": acc["count"] + self.count(actual | jnp.zeros_like(predicted)),
        }


@dataclass(frozen=True)
class FScore(ThresholdMetric):
    """Base class of F1Score and FBetaScore. A subclass has `beta`.

    Args:
        average: "micro" counts all outputs together. "macro" is the mean of the outputs' scores,
            with 0 for an output that is never predicted and never actual. "weighted" weights them
            by the number of actual positives. None returns an array of one score per output.
            `compile` refuses None for several outputs, because logs hold one number per metric.
        outputs: the number of outputs, set by `compile`.

    Other Args and Raises: see `ThresholdMetric`. Also ConfigError for another `average`, and for an
        `average` with a `class_id`.
    """

    average: str | None = field(default=None, kw_only=True)
    outputs: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.average in (None, "micro", "macro", "weighted"),
            type(self).__name__,
            'average to be None, "micro", "macro" or "weighted"',
            average=self.average,
        )
        require(
            self.average is None or self.class_id is None,
            type(self).__name__,
            "an average or a class_id, not both",
            average=self.average,
            class_id=self.class_id,
        )

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the loss's threshold and the number of outputs."""
        is_one = outputs == 1 or self.average is not None or self.class_id is not None
        expected, who = "an average or a class_id for several outputs", type(self).__name__
        fix = f'Write {who}(average="macro"), or {who}(class_id=...) for each output.'
        require(loss is None or is_one, who, expected, average=None, outputs=outputs, fix=fix)
        return replace(super().configure(loss, outputs), outputs=outputs)

    @property
    @abstractmethod
    def _squared_beta(self) -> float:
        """How much more a missed positive costs than a wrong one."""

    def init(self) -> Sums:
        """Return counts of zero for each output."""
        zeros = np.zeros(get_outputs(self) if self.class_id is None else 1, np.int32)
        return dict.fromkeys(F1_COUNTS, zeros)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's predicted positives, actual positives and both to `acc`, per output."""
        predicted, actual, _ = self.binarize(y, out, w)
        masks = zip(F1_COUNTS, (predicted & actual, predicted, actual), strict=True)
        return {
            key: acc[key] + jnp.sum(mask, tuple(range(mask.ndim - 1)), jnp.int32)
            for key, mask in masks
        }

    def result(self, acc: Sums) -> Any:
        """Return the score, in float64, or 0 if the divisor is 0; an array without an average."""
        counts = (np.asarray(acc[key], np.float64) for key in F1_COUNTS)
        if self.average == "micro":
            counts = (np.atleast_1d(count.sum()) for count in counts)
        both, predicted, actual = counts
        squared = self._squared_beta
        divisor = predicted + squared * actual
        scores = np.divide(
            (1 + squared) * both, divisor, out=np.zeros_like(both), where=divisor > 0
        )
        if self.average is None and len(scores) > 1:
            return scores
        weights = actual if self.average == "weighted" else np.ones_like(scores)
        return float(scores @ weights / (weights.sum() or 1))


@dataclass(frozen=True)
class F1Score(FScore):
    """Harmonic mean of precision and recall: 2 #(predicted and actual) / (#predicted + #actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `FScore`.

    Example:
        >>> F1Score(threshold=0.5)([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1])
        0.5
        >>> f1 = F1Score(average="macro")([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> print(f"{f1:.4f}")
        0.6667
    """

    name: str = field(default="f1_score", kw_only=True)

    @property
    def _squared_beta(self) -> float:
        return 1.0


@dataclass(frozen=True)
class FBetaScore(FScore):
    """Weighted harmonic mean of precision and recall.

    It is (1 + beta^2) #(predicted and actual) / (#predicted + beta^2 #actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        beta: how much more recall counts than precision, a number > 0. 1 is the F1 score.

    Other Args and Raises: see `FScore`. Also ConfigError if `beta` is not > 0.

    Example:
        >>> y, p = [1, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]  # precision 1/2, recall 1/3
        >>> print(f"{FBetaScore(threshold=0.5, beta=2.0)(y, p):.4f}")
        0.3571
    """

    beta: float = field(default=1.0, kw_only=True)
    name: str = field(default="fbeta_score", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        is_positive = is_float32(self.beta) and self.beta > 0
        require(is_positive, "FBetaScore", "beta to be a number > 0", beta=self.beta)

    @property
    def _squared_beta(self) -> float:
        return float(self.beta) ** 2
