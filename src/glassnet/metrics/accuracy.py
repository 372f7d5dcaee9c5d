"""Shares of right answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, is_number, require
from glassnet.losses import Loss, broadcast_weights, to_one_hot
from glassnet.metrics.metric import Metric, Sums, default_threshold
from glassnet.types import Array


@dataclass(frozen=True)
class Accuracy(Metric):
    """The share of right answers: mean [argmax_k out_k = argmax_k y_k], or mean_k [(out_k >
    threshold) = y_k].

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        threshold: None takes the class with the largest output. A number, in the output's unit,
            makes each output an answer of its own: 1 (yes), or 0 or -1 (no). Given to `compile`,
            None becomes the threshold of a binary loss. A target that is none of these is never
            met.

    Raises:
        ConfigError: where `threshold` is neither None nor a number, or is None and there is one
            output.

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

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Cut where the loss says, unless a threshold is given."""
        return (
            replace(self, threshold=default_threshold(loss, outputs))
            if loss and self.threshold is None
            else self
        )

    def init(self) -> Sums:
        """No right answers among no answers."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's right answers and answers added."""
        if self.threshold is None:
            fix = "For one output give a threshold: Accuracy(threshold=0.5)."
            require(
                out.shape[-1] > 1,
                "Accuracy",
                "one output per class",
                fix=fix,
                threshold=None,
                outputs=out.shape[-1],
            )
            right = jnp.argmax(out, -1) == (jnp.argmax(y, -1) if y.ndim == out.ndim else y)
        else:
            y = to_one_hot(y, out)
            right = jnp.where(out > self.threshold, y == 1, (y == 0) | (y == -1))
        return _update_counts(acc, right, w)


@dataclass(frozen=True)
class TopKCategoricalAccuracy(Metric):
    """The share of rows whose class is among the k largest outputs: mean [#{j: out_j > out_y} < k].

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        k: how many of the largest outputs may hold the class. Outputs as large as the class's own
            do not push it out.

    Raises:
        ConfigError: where `k` is not an int >= 1, or not below the number of outputs, when every
            answer would be right.

    Example:
        >>> TopKCategoricalAccuracy(k=2)([0, 2], [[0.2, 0.7, 0.1], [0.4, 0.5, 0.1]])
        0.5
    """

    k: int = 5
    name: str = field(default="top_k_categorical_accuracy", kw_only=True)

    def __post_init__(self) -> None:
        require(is_int(self.k, 1), "TopKCategoricalAccuracy", "k to be an int >= 1", k=self.k)

    def init(self) -> Sums:
        """No right answers among no answers."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's right answers and answers added."""
        outputs = out.shape[-1]
        require(
            self.k < outputs,
            "TopKCategoricalAccuracy",
            "k below the number of outputs",
            k=self.k,
            outputs=outputs,
        )
        ids = jnp.argmax(y, -1) if y.ndim == out.ndim else jnp.asarray(y, jnp.int32)
        chosen = jnp.take_along_axis(out, ids[..., None], -1)
        return _update_counts(
            acc, jnp.sum(~(out <= chosen), -1) < self.k, w
        )  # a NaN is never among the largest


def _update_counts(acc: Sums, correct: Array, w: Array) -> Sums:
    real = broadcast_weights(w, correct.shape) > 0
    return {
        "total": acc["total"] + jnp.sum(correct & real, dtype=jnp.int32),
        "count": acc["count"] + jnp.sum(real, dtype=jnp.int32),
    }
