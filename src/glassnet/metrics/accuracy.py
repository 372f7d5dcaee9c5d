"""Accuracy metrics."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, is_int, require
from glassnet.losses import Loss, broadcast_weights, to_one_hot
from glassnet.metrics.metric import Metric, Sums, default_threshold
from glassnet.types import Array


@dataclass(frozen=True)
class Accuracy(Metric):
    """Share of correct answers: mean [argmax_k out_k = argmax_k y_k].

    With a threshold it is mean_k [(out_k > threshold) = y_k].

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        threshold: a number, in the output's unit, makes each output a separate answer: 1 above
            it, and 0 or -1 otherwise. With None the class of the largest output is the answer.
            `compile` replaces None by the threshold of a binary loss. A target other than -1, 0
            and 1 never counts as correct.

    Raises:
        ConfigError: `threshold` is neither None nor a number, or is None for a single output.

    Example:
        >>> Accuracy()([0, 2], [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
        0.5
        >>> Accuracy(threshold=0.5)([0, 1], [0.2, 0.9])
        1.0
    """

    threshold: float | None = None
    name: str = field(default="accuracy", kw_only=True)

    def __post_init__(self) -> None:
        ok = self.threshold is None or is_float32(self.threshold)
        require(ok, "Accuracy", "threshold to be None or a number", threshold=self.threshold)

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the threshold of the loss, unless it has one."""
        if loss is None or self.threshold is not None:
            return self
        return replace(self, threshold=default_threshold(loss, outputs))

    def init(self) -> Sums:
        """Return counts of zero."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's correct answers and answers to `acc`."""
        if self.threshold is None:
            fix = "For one output, set a threshold: Accuracy(threshold=0.5)."
            require(
                out.shape[-1] > 1,
                "Accuracy",
                "one output per class",
                fix=fix,
                threshold=None,
                outputs=out.shape[-1],
            )
            correct = jnp.argmax(out, -1) == (jnp.argmax(y, -1) if y.ndim == out.ndim else y)
        else:
            y = to_one_hot(y, out)
            correct = jnp.where(out > self.threshold, y == 1, (y == 0) | (y == -1))
        return _update_counts(acc, correct, w)


@dataclass(frozen=True)
class TopKCategoricalAccuracy(Metric):
    """Share of rows with the true class among the k largest outputs: mean [#{out_j > out_y} < k].

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        k: the number of largest outputs. In a tie the true class counts as the larger one.

    Raises:
        ConfigError: `k` is not an int >= 1, or is not below the number of outputs, so that every
            answer would be correct.

    Example:
        >>> TopKCategoricalAccuracy(k=2)([0, 2], [[0.2, 0.7, 0.1], [0.4, 0.5, 0.1]])
        0.5
    """

    k: int = 5
    name: str = field(default="top_k_categorical_accuracy", kw_only=True)

    def __post_init__(self) -> None:
        require(is_int(self.k, 1), "TopKCategoricalAccuracy", "k to be an int >= 1", k=self.k)

    def init(self) -> Sums:
        """Return counts of zero."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's correct answers and answers to `acc`."""
        outputs = out.shape[-1]
        require(
            self.k < outputs,
            "TopKCategoricalAccuracy",
            "k below the number of outputs",
            k=self.k,
            outputs=outputs,
        )
        ids = jnp.argmax(y, -1) if y.ndim == out.ndim else jnp.asarray(y, jnp.int32)
        true_output = jnp.take_along_axis(out, ids[..., None], -1)
        n_larger = jnp.sum(~(out <= true_output), -1)  # a NaN is never among the largest
        return _update_counts(acc, n_larger < self.k, w)


def _update_counts(acc: Sums, correct: Array, w: Array) -> Sums:
    real = broadcast_weights(w, correct.shape) > 0
    return {
        "total": acc["total"] + jnp.sum(correct & real, dtype=jnp.int32),
        "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
    }
