"""The area under the ROC curve or the precision-recall curve."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, renamed_attributes, require
from glassnet.losses import Loss, broadcast_weights, to_one_hot
from glassnet.metrics.metric import Metric, Sums, get_outputs, to_one_hot_numpy
from glassnet.types import Array


@renamed_attributes(link="output_activation")
@dataclass(frozen=True)
class AUC(Metric):
    """Area under the ROC curve or the precision-recall (PR) curve.

    The area under the ROC curve is the probability that a row of label 1 gets a larger output than
    a row of label 0. Ties count 1/2.

    In training, outputs are counted in buckets of equal width from 0 to 1, as in Keras, and the PR
    curve is interpolated (Davis and Goadrich). In evaluation and validation the area is exact:
    scikit-learn's `roc_auc_score`, or for PR its `average_precision_score`, sum_i (R_i - R_{i-1})
    P_i, which does not interpolate. The area is NaN unless both labels occur (PR: label 1 occurs).
    Keras returns 0 in that case.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...). A label above
        1/2 counts as 1.

    Args:
        num_thresholds: the number of thresholds in training, including 0 and 1.
        curve: "ROC" or "PR".
        multi_label: whether to average the areas of one curve per output (scikit-learn's "macro").
            False puts all outputs on one curve ("micro").
        from_logits: whether outputs are logits. None takes it from the loss.
        output_activation: "sigmoid" or "softmax", which turns logits into probabilities.
            `compile` takes it from the loss.
        outputs: the number of outputs, set by `compile`.

    Raises:
        ConfigError: `num_thresholds` is not an int >= 2, or another argument is invalid.

    Example:
        >>> AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
        >>> pr = AUC(curve="PR")([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])  # 1/2 * 1 + 1/2 * 2/3
        >>> print(f"{pr:.4f}")
        0.8333

    Source: Hanley and McNeil 1982 for ROC; Davis and Goadrich 2006, section 4, for PR in training.
    """

    num_thresholds: int = 200
    curve: str = "ROC"
    multi_label: bool = field(default=False, kw_only=True)
    from_logits: bool | None = field(default=None, kw_only=True)
    output_activation: str = field(default="sigmoid", kw_only=True)
    outputs: int | None = field(default=None, kw_only=True)
    name: str = field(default="auc", kw_only=True)

    def __post_init__(self) -> None:
        require(
            is_int(self.num_thresholds, 2),
            "AUC",
            "num_thresholds to be an int >= 2",
            num_thresholds=self.num_thresholds,
        )
        require(self.curve in ("ROC", "PR"), "AUC", 'curve to be "ROC" or "PR"', curve=self.curve)
        require(
            isinstance(self.multi_label, bool),
            "AUC",
            "multi_label to be a bool",
            multi_label=self.multi_label,
        )
        require(
            self.from_logits is None or isinstance(self.from_logits, bool),
            "AUC",
            "from_logits to be None or a bool",
            from_logits=self.from_logits,
        )
        require(
            self.output_activation in ("sigmoid", "softmax"),
            "AUC",
            'output_activation to be "sigmoid" or "softmax"',
            output_activation=self.output_activation,
        )

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Return this metric with the number of outputs and the loss's kind of output."""
        from_logits = self.from_logits
        if from_logits is None:
            from_logits = getattr(loss, "from_logits", False)
        activation = (loss and loss.output_activation) or self.output_activation
        return replace(self, from_logits=from_logits, output_activation=activation, outputs=outputs)

    def init(self) -> Sums:
        """Return empty buckets, one fewer than thresholds."""
        curves = get_outputs(self) if self.multi_label else 1
        zeros = np.zeros((curves, self.num_thresholds - 1), np.int32)
        return {"true": zeros, "false": zeros}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's labels to the buckets of their outputs; clip outputs to 0..1."""
        p = out
        if self.from_logits:
            activation = jax.nn.softmax if self.output_activation == "softmax" else jax.nn.sigmoid
            p = activation(out)
        n_buckets = self.num_thresholds - 1
        bucket = jnp.ceil(jnp.clip(p, 0, 1) * n_buckets) - 1
        bucket = jnp.clip(bucket, 0, n_buckets - 1).astype(jnp.int32)
        curve = jnp.broadcast_to(jnp.arange(out.shape[-1]) if self.multi_label else 0, out.shape)
        real = (broadcast_weights(w, out.shape[:-1]) > 0)[..., None]
        label = to_one_hot(y, out) > 0.5
        return {
            key: jnp.asarray(acc[key]).at[curve, bucket].add((mask & real).astype(jnp.int32))
            for key, mask in (("true", label), ("false", ~label))
        }

    def result(self, acc: Sums) -> float:
        """Return the area from the buckets, in float64, as in Keras."""
        true, false = (np.asarray(acc[key], np.float64)[:, ::-1] for key in ("true", "false"))
        areas = [
            self._compute_area(*counts, interpolated=True)
            for counts in zip(true, false, strict=True)
        ]
        return float(np.mean(areas))

    def exact(self, y: np.ndarray, out: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Return the exact area over all rows, with sample weights of the shape of `out`."""
        label = (to_one_hot_numpy(y, out) > 0.5).reshape(-1, out.shape[-1])
        score = np.asarray(out, np.float64).reshape(-1, out.shape[-1])
        if self.from_logits and self.output_activation == "softmax":
            # needed, because a softmax changes the order of rows, while a sigmoid does not
            score = np.exp(score - score.max(-1, keepdims=True))
            score /= score.sum(-1, keepdims=True)
        if not self.multi_label:
            label, score = label.reshape(-1, 1), score.reshape(-1, 1)
        if not np.isfinite(score).all():
            return math.nan
        weight = np.ones_like(score) if weight is None else weight.reshape(score.shape)
        columns = zip(label.T, score.T, weight.T, strict=True)
        return float(np.mean([self._compute_area(*_count_by_score(*c)) for c in columns]))

    def _compute_area(
        self, true: np.ndarray, false: np.ndarray, interpolated: bool = False
    ) -> float:
        """Return the area from the counts of each label per threshold, in descending order."""
        tp, fp = (np.concatenate([[0.0], np.cumsum(counts)]) for counts in (true, false))
        if tp[-1] == 0 or (self.curve == "ROC" and fp[-1] == 0):
            return math.nan
        if self.curve == "ROC":
            return float(np.trapezoid(tp, fp) / (tp[-1] * fp[-1]))
        positives = tp + fp
        gain, width = np.diff(tp), np.diff(positives)
        if not interpolated:
            return float(gain @ (tp[1:] / positives[1:]) / tp[-1])
        slope = np.divide(gain, width, out=np.zeros_like(gain), where=width > 0)
        intercept, ratio = tp[:-1] - slope * positives[:-1], np.ones_like(gain)
        np.divide(positives[1:], positives[:-1], out=ratio, where=positives[:-1] > 0)
        return float((slope * (gain + intercept * np.log(ratio))).sum() / tp[-1])


def _count_by_score(
    label: np.ndarray, score: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of both labels for each distinct score, in descending order."""
    order = np.argsort(-score)
    order = order[weight[order] > 0]
    label, weight = label[order], weight[order]
    first = np.flatnonzero(np.diff(score[order], prepend=np.nan))
    true, false = (np.add.reduceat(weight * kind, first) for kind in (label, ~label))
    return true, false
