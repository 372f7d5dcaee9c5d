"""Of what was called out, how much is right; of what is there, how much was found."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, is_number, require
from glassnet.losses import distribution, spread
from glassnet.metrics.metric import Metric, Sums
from glassnet.types import Array


@dataclass(frozen=True)
class Precision(Metric):
    """The share of right ones among the answers yes: #(yes and true) / #yes.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        threshold: a number, in the output's unit, makes each output above it a yes. None makes the largest one a yes. Given to `compile`,
            None becomes the threshold of a binary loss.
        class_id: the output that counts alone. None pools all of them; the largest one pooled over classes is the accuracy again.

    Raises:
        ConfigError: where `threshold` is neither None nor a number, or is None and there is one output; where `class_id` is neither None
            nor an int 0..outputs-1.

    Example:
        >>> Precision(threshold=0.5)([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])  # doctest: +ELLIPSIS
        0.666...
        >>> Precision(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        0.5
    """

    threshold: float | None = None
    class_id: int | None = None
    name: str = field(default="precision", kw_only=True)

    def __post_init__(self) -> None:
        _check(self)

    def init(self) -> Sums:
        """No answers."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's answers yes, and the true ones among them, added."""
        said, true = _yeses(self, y, out, w)
        return _add(acc, said & true, said)

    def result(self, acc: Sums) -> float:
        """The share, in float64; 0 where there is nothing to divide by."""
        return _share(acc)


@dataclass(frozen=True)
class Recall(Metric):
    """The share of the true that is found: #(yes and true) / #true.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        threshold: a number, in the output's unit, makes each output above it a yes. None makes the largest one a yes. Given to `compile`,
            None becomes the threshold of a binary loss.
        class_id: the output that counts alone. None pools all of them; the largest one pooled over classes is the accuracy again.

    Raises:
        ConfigError: where `threshold` is neither None nor a number, or is None and there is one output; where `class_id` is neither None
            nor an int 0..outputs-1.

    Example:
        >>> Recall(threshold=0.5)([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])  # doctest: +ELLIPSIS
        0.666...
        >>> Recall(class_id=1)([1, 0], [[0.2, 0.8], [0.3, 0.7]])
        1.0
    """

    threshold: float | None = None
    class_id: int | None = None
    name: str = field(default="recall", kw_only=True)

    def __post_init__(self) -> None:
        _check(self)

    def init(self) -> Sums:
        """No answers."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's true ones, and those found among them, added."""
        said, true = _yeses(self, y, out, w)
        return _add(acc, said & true, true)

    def result(self, acc: Sums) -> float:
        """The share, in float64; 0 where there is nothing to divide by."""
        return _share(acc)


@dataclass(frozen=True)
class F1Score(Metric):
    """The harmonic mean of precision and recall: 2 #(yes and true) / (#yes + #true).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args:
        threshold: a number, in the output's unit, makes each output above it a yes. None makes the largest one a yes. Given to `compile`,
            None becomes the threshold of a binary loss.
        class_id: the output that counts alone. None pools all of them; the largest one pooled over classes is the accuracy again.

    Raises:
        ConfigError: where `threshold` is neither None nor a number, or is None and there is one output; where `class_id` is neither None
            nor an int 0..outputs-1.

    Example:
        >>> F1Score(threshold=0.5)([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1])
        0.5
    """

    threshold: float | None = None
    class_id: int | None = None
    name: str = field(default="f1_score", kw_only=True)

    def __post_init__(self) -> None:
        _check(self)

    def init(self) -> Sums:
        """No answers."""
        return {"total": np.int32(0), "count": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's answers yes and true ones, and those that are both, added."""
        said, true = _yeses(self, y, out, w)
        return _add(acc, said & true, said, true)

    def result(self, acc: Sums) -> float:
        """The share, in float64; 0 where there is nothing to divide by."""
        return 2 * _share(acc)


def _check(metric: Precision | Recall | F1Score) -> None:
    who, threshold, class_id = type(metric).__name__, metric.threshold, metric.class_id
    require(threshold is None or is_number(threshold), who, "threshold to be None or a number", threshold=threshold)
    require(class_id is None or is_int(class_id, 0), who, "class_id to be None or an int >= 0", class_id=class_id)


def _yeses(metric: Precision | Recall | F1Score, y: Array, out: Array, w: Array) -> tuple[Array, Array]:
    """Which real answers are yes, and which should be: bools, (batch, ..., outputs)."""
    who, outputs, k = type(metric).__name__, out.shape[-1], metric.class_id
    require(k is None or k < outputs, who, "class_id to be below the number of outputs", class_id=k, outputs=outputs)
    if metric.threshold is None:
        fix = f"For one output give a threshold: {who}(threshold=0.5)."
        require(outputs > 1, who, "one output per class", fix=fix, threshold=None, outputs=outputs)
        said = jax.nn.one_hot(jnp.argmax(out, -1), outputs) == 1
        true = jax.nn.one_hot(jnp.argmax(y, -1) if y.ndim == out.ndim else y, outputs) == 1
    else:
        said, true = out > metric.threshold, distribution(y, out) == 1
    if k is not None:
        said, true = said[..., k : k + 1], true[..., k : k + 1]
    real = spread(w, said.shape) > 0
    return said & real, true & real


def _add(acc: Sums, both: Array, *counted: Array) -> Sums:
    count = sum(jnp.sum(which, dtype=jnp.int32) for which in counted)
    return {"total": acc["total"] + jnp.sum(both, dtype=jnp.int32), "count": acc["count"] + count}


def _share(acc: Sums) -> float:
    count = int(acc["count"])
    return int(acc["total"]) / count if count else 0.0
