"""Precision, recall and the F1 score."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, is_number, require
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
            With None the largest output is. `compile` replaces None by the threshold of a binary
            loss.
        class_id: the only output to count. None counts all outputs together. Without a threshold
            precision and recall then equal the accuracy.

    Raises:
        ConfigError: `threshold` is neither None nor a number, or is None for a single output; or
            `class_id` is neither None nor an int 0..outputs-1.
    """

    threshold: float | None = None
    class_id: int | None = None

    def __post_init__(self) -> None:
        who = type(self).__name__
        require(
            self.threshold is None or is_number(self.threshold),
            who,
            "threshold to be None or a number",
            threshold=self.threshold,
        )
        require(
            self.class_id is None or is_int(self.class_id, 0),
            who,
            "class_id to be None or an int >= 0",
            class_id=self.class_id,
        )

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the threshold of the loss, unless it has one."""
        if loss is None or self.threshold is not None:
            return self
        return replace(self, threshold=default_threshold(loss, outputs))

    def init(self) -> Sums:
        """Return counts of zero."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def result(self, acc: Sums) -> float:
        """Return the share, in float64, or 0 if the divisor is 0."""
        count = int(acc["count"])
        return int(acc["total"]) / count if count else 0.0

    def binarize(self, y: Array, out: Array, w: Array) -> tuple[Array, Array]:
        """Return masks of predicted and of actual positives, (batch, ..., outputs)."""
        who, outputs, k = type(self).__name__, out.shape[-1], self.class_id
        require(
            k is None or k < outputs,
            who,
            "class_id to be below the number of outputs",
            class_id=k,
            outputs=outputs,
        )
        if self.threshold is None:
            fix = f"For one output, set a threshold: {who}(threshold=0.5)."
            require(
                outputs > 1, who, "one output per class", fix=fix, threshold=None, outputs=outputs
            )
            ids = jnp.argmax(y, -1) if y.ndim == out.ndim else y
            predicted = jax.nn.one_hot(jnp.argmax(out, -1), outputs) == 1
            actual = jax.nn.one_hot(ids, outputs) == 1
        else:
            predicted, actual = out > self.threshold, to_one_hot(y, out) == 1
        if k is not None:
            predicted, actual = predicted[..., k : k + 1], actual[..., k : k + 1]
        real = broadcast_weights(w, predicted.shape) > 0
        return predicted & real, actual & real


@dataclass(frozen=True)
class Precision(ThresholdMetric):
    """Share of positive predictions that are correct: #(predicted and actual) / #predicted.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> Precision(threshold=0.5)([1, 0, 1, 1], [0.9, 0.8, 0.3, 0.2])
        0.5
        >>> Precision(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        0.5
    """

    name: str = field(default="precision", kw_only=True)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's predicted positives, and the correct ones of them, to `acc`."""
        predicted, actual = self.binarize(y, out, w)
        return {
            "total": acc["total"] + _count_true(predicted & actual),
            "count": acc["count"] + _count_true(predicted),
        }


@dataclass(frozen=True)
class Recall(ThresholdMetric):
    """Share of actual positives that are predicted: #(predicted and actual) / #actual.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> Recall(threshold=0.5)([1, 0, 1, 0], [0.9, 0.8, 0.3, 0.2])
        0.5
        >>> Recall(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        1.0
    """

    name: str = field(default="recall", kw_only=True)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's actual positives, and the predicted ones of them, to `acc`."""
        predicted, actual = self.binarize(y, out, w)
        return {
            "total": acc["total"] + _count_true(predicted & actual),
            "count": acc["count"] + _count_true(actual),
        }


@dataclass(frozen=True)
class F1Score(ThresholdMetric):
    """Harmonic mean of precision and recall: 2 #(predicted and actual) / (#predicted + #actual).

    Several outputs need an `average` or a `class_id`. Without either, Keras returns one score per
    output, but logs hold one number per metric.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        average: "micro" counts all outputs together. "macro" is the mean of the outputs' scores,
            with 0 for an output that is never predicted and never actual. "weighted" weights them
            by the number of actual positives. None for a single output.
        outputs: the number of outputs, set by `compile`.

    Other Args and Raises: see `ThresholdMetric`. Also ConfigError for another `average`, for an
        `average` with a `class_id`, and for neither of them with several outputs.

    Example:
        >>> F1Score(threshold=0.5)([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1])
        0.5
        >>> f1 = F1Score(average="macro")([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> print(f"{f1:.4f}")
        0.6667
    """

    name: str = field(default="f1_score", kw_only=True)
    average: str | None = field(default=None, kw_only=True)
    outputs: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.average in (None, "micro", "macro", "weighted"),
            "F1Score",
            'average to be None, "micro", "macro" or "weighted"',
            average=self.average,
        )
        require(
            self.average is None or self.class_id is None,
            "F1Score",
            "an average or a class_id, not both",
            average=self.average,
            class_id=self.class_id,
        )

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the loss's threshold and the number of outputs."""
        return replace(super().configure(loss, outputs), outputs=outputs)

    def init(self) -> Sums:
        """Return counts of zero for each output."""
        zeros = np.zeros(get_outputs(self) if self.class_id is None else 1, np.int32)
        return dict.fromkeys(F1_COUNTS, zeros)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's predicted positives, actual positives and both to `acc`, per output."""
        outputs = out.shape[-1]
        require(
            outputs == 1 or self.average is not None or self.class_id is not None,
            "F1Score",
            "an average or a class_id for several outputs",
            fix='Write F1Score(average="macro"), or F1Score(class_id=...) for each output.',
            average=None,
            outputs=outputs,
        )
        predicted, actual = self.binarize(y, out, w)
        masks = zip(F1_COUNTS, (predicted & actual, predicted, actual), strict=True)
        return {
            key: acc[key] + jnp.sum(mask, tuple(range(mask.ndim - 1)), jnp.int32)
            for key, mask in masks
        }

    def result(self, acc: Sums) -> float:
        """Return the score, in float64, or 0 if the divisor is 0."""
        counts = (np.asarray(acc[key], np.float64) for key in F1_COUNTS)
        if self.average == "micro":
            counts = (np.atleast_1d(count.sum()) for count in counts)
        both, predicted, actual = counts
        scores = 2 * both / np.maximum(predicted + actual, 1)
        weights = actual if self.average == "weighted" else np.ones_like(scores)
        return float(scores @ weights / max(weights.sum(), 1))


def _count_true(mask: Array) -> Array:
    return jnp.sum(mask, dtype=jnp.int32)
