"""Of what was called out, how much is right; of what is there, how much was found."""

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


@dataclass(frozen=True)
class ThresholdMetric(Metric):
    """What precision, recall and F1 share: answers yes, and counts of them. Write one by giving
    `update`.

    Args:
        threshold: a number, in the output's unit, makes each output above it a yes. None makes the
            largest one a yes. Given to `compile`, None becomes the threshold of a binary loss.
        class_id: the output that counts alone. None pools all of them; the largest one pooled over
            classes is the accuracy again.

    Raises:
        ConfigError: where `threshold` is neither None nor a number, or is None and there is one
            output; where `class_id` is neither None nor an int 0..outputs-1.
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
        """Cut where the loss says, unless a threshold is given."""
        return (
            replace(self, threshold=default_threshold(loss, outputs))
            if loss and self.threshold is None
            else self
        )

    def init(self) -> Sums:
        """No answers."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def result(self, acc: Sums) -> float:
        """The share, in float64; 0 where there is nothing to divide by."""
        count = int(acc["count"])
        return int(acc["total"]) / count if count else 0.0

    def binarize(self, y: Array, out: Array, w: Array) -> tuple[Array, Array]:
        """Which real answers are yes, and which should be: bools, (batch, ..., outputs)."""
        who, outputs, k = type(self).__name__, out.shape[-1], self.class_id
        require(
            k is None or k < outputs,
            who,
            "class_id to be below the number of outputs",
            class_id=k,
            outputs=outputs,
        )
        if self.threshold is None:
            fix = f"For one output give a threshold: {who}(threshold=0.5)."
            require(
                outputs > 1, who, "one output per class", fix=fix, threshold=None, outputs=outputs
            )
            said = jax.nn.one_hot(jnp.argmax(out, -1), outputs) == 1
            true = jax.nn.one_hot(jnp.argmax(y, -1) if y.ndim == out.ndim else y, outputs) == 1
        else:
            said, true = out > self.threshold, to_one_hot(y, out) == 1
        if k is not None:
            said, true = said[..., k : k + 1], true[..., k : k + 1]
        real = broadcast_weights(w, said.shape) > 0
        return said & real, true & real


@dataclass(frozen=True)
class Precision(ThresholdMetric):
    """The share of right ones among the answers yes: #(yes and true) / #yes.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> Precision(threshold=0.5)([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])  # doctest: +ELLIPSIS
        0.666...
        >>> Precision(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        0.5
    """

    name: str = field(default="precision", kw_only=True)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's answers yes, and the true ones among them, added."""
        said, true = self.binarize(y, out, w)
        return {
            "total": acc["total"] + _count_true(said & true),
            "count": acc["count"] + _count_true(said),
        }


@dataclass(frozen=True)
class Recall(ThresholdMetric):
    """The share of the true that is found: #(yes and true) / #true.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> Recall(threshold=0.5)([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])  # doctest: +ELLIPSIS
        0.666...
        >>> Recall(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        1.0
    """

    name: str = field(default="recall", kw_only=True)

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's true ones, and those found among them, added."""
        said, true = self.binarize(y, out, w)
        return {
            "total": acc["total"] + _count_true(said & true),
            "count": acc["count"] + _count_true(true),
        }


@dataclass(frozen=True)
class F1Score(ThresholdMetric):
    """The harmonic mean of precision and recall: 2 #(yes and true) / (#yes + #true).

    Of several outputs it is one number by their average or by `class_id`, and refused without
    either: Keras gives a list there, which logs cannot hold, and pooled answers of which the
    largest is the yes have the accuracy for their F1.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        average: "micro" pools all outputs; "macro" is the mean of their scores, one that is neither
            called out nor there scoring 0; "weighted" is the mean by how often each is true. None
            for one output.
        outputs: how many there are; filled in by `compile`.

    Other Args and Raises: see `ThresholdMetric`. ConfigError also for another average, one beside
        `class_id`, and none for several outputs.

    Example:
        >>> F1Score(threshold=0.5)([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1])
        0.5
        >>> F1Score(average="macro")([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])  # doctest: +ELLIPSIS
        0.666...
    """

    name: str = field(default="f1_score", kw_only=True)
    average: str | None = field(default=None, kw_only=True)
    outputs: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        expected = 'average to be None, "micro", "macro" or "weighted"'
        require(
            self.average in (None, "micro", "macro", "weighted"),
            "F1Score",
            expected,
            average=self.average,
        )
        both = self.average is not None and self.class_id is not None
        require(
            not both,
            "F1Score",
            "an average or a class_id, not both",
            average=self.average,
            class_id=self.class_id,
        )

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Cut where the loss says, with a sum for each output."""
        return replace(super().configure(loss, outputs), outputs=outputs)

    def init(self) -> Sums:
        """No answers, for each output that counts by itself."""
        zeros = np.zeros(get_outputs(self) if self.class_id is None else 1, np.int32)
        return {"both": zeros, "said": zeros, "true": zeros}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's answers yes, true ones, and those that are both, added for each
        output.
        """
        outputs, one = out.shape[-1], self.average is not None or self.class_id is not None
        fix = 'Write F1Score(average="macro"), or F1Score(class_id=...) for each.'
        require(
            one or outputs == 1,
            "F1Score",
            "an average or a class_id: logs hold one number",
            fix=fix,
            average=None,
            outputs=outputs,
        )
        said, true = self.binarize(y, out, w)
        counts = {"both": said & true, "said": said, "true": true}
        return {
            key: acc[key] + jnp.sum(which, tuple(range(which.ndim - 1)), jnp.int32)
            for key, which in counts.items()
        }

    def result(self, acc: Sums) -> float:
        """The score, in float64; 0 where there is nothing to divide by."""
        both, said, true = (np.asarray(acc[key], np.float64) for key in ("both", "said", "true"))
        if self.average == "micro":
            both, said, true = (np.atleast_1d(total.sum()) for total in (both, said, true))
        scores = 2 * both / np.maximum(said + true, 1)
        weights = true if self.average == "weighted" else np.ones_like(scores)
        return float(scores @ weights / max(weights.sum(), 1))


def _count_true(which: Array) -> Array:
    return jnp.sum(which, dtype=jnp.int32)
