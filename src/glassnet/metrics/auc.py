"""The area under a curve that is drawn by moving the threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, require
from glassnet.losses import Loss, broadcast_weights, to_one_hot
from glassnet.metrics.metric import Metric, Sums, get_outputs, to_one_hot_numpy
from glassnet.types import Array


@dataclass(frozen=True)
class AUC(Metric):
    """The area under the ROC curve, the chance that a row of label 1 outranks one of label 0 (ties
    count 1/2), or under precision-recall.

    In training outputs are counted in buckets of even width from 0 to 1, as Keras does: 200
        thresholds, PR interpolated (Davis and
    Goadrich). In evaluation and validation it is exact over all rows and ties: scikit-learn's
    `roc_auc_score`, and for PR the `average_precision_score` sum_i (R_i - R_{i-1}) P_i, which
    interpolates nothing. Without both labels (PR: without a 1) it is NaN, where Keras has 0.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...). A label is 1
        where it is above 1/2.

    Args:
        num_thresholds: how many thresholds training has, two at 0 and 1 included.
        curve: "ROC" or "PR".
        multi_label: whether each output has a curve of its own, and the areas' mean is taken
            (scikit-learn's "macro"). False puts all outputs on one curve ("micro").
        from_logits: whether outputs are logits. None takes it from the loss: False but for a
            cross-entropy from logits.
        output_activation: what makes probabilities of logits, "sigmoid" or "softmax"; filled in
            from the loss.
        outputs: how many there are; filled in by `compile`.

    Raises:
        ConfigError: where `num_thresholds` is not an int >= 2, or another field is none of the
            values above.

    Example:
        >>> AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        0.75
        >>> AUC(curve="PR")([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])  # 1/2 * 1 + 1/2 * 2/3  # doctest: +ELLIPSIS
        0.833...

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
        known_or_open = self.from_logits is None or isinstance(self.from_logits, bool)
        require(
            known_or_open, "AUC", "from_logits to be None or a bool", from_logits=self.from_logits
        )
        require(
            self.output_activation in ("sigmoid", "softmax"),
            "AUC",
            'link to be "sigmoid" or "softmax"',
            link=self.output_activation,
        )

    def configure(self, loss: Loss | None, outputs: int) -> Self:
        """Of logits where the loss is, with buckets for each output where they are apart."""
        logits = (
            getattr(loss, "from_logits", False) if self.from_logits is None else self.from_logits
        )
        return replace(
            self,
            from_logits=logits,
            output_activation=(loss and loss.output_activation) or self.output_activation,
            outputs=outputs,
        )

    def init(self) -> Sums:
        """Empty buckets, one less than thresholds."""
        curves = get_outputs(self) if self.multi_label else 1
        zeros = np.zeros((curves, self.num_thresholds - 1), np.int32)
        return {"true": zeros, "false": zeros}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's labels counted in the buckets of their outputs; what is beyond
        0..1 counts at the end.
        """
        p = (
            (jax.nn.softmax(out) if self.output_activation == "softmax" else jax.nn.sigmoid(out))
            if self.from_logits
            else out
        )
        buckets = self.num_thresholds - 1
        place = jnp.clip(jnp.ceil(jnp.clip(p, 0, 1) * buckets) - 1, 0, buckets - 1).astype(
            jnp.int32
        )
        which = jnp.broadcast_to(jnp.arange(out.shape[-1]) if self.multi_label else 0, out.shape)
        real, label = (
            (broadcast_weights(w, out.shape[:-1]) > 0)[..., None],
            to_one_hot(y, out) > 0.5,
        )
        return {
            "true": jnp.asarray(acc["true"]).at[which, place].add((label & real).astype(jnp.int32)),
            "false": jnp.asarray(acc["false"])
            .at[which, place]
            .add((~label & real).astype(jnp.int32)),
        }

    def result(self, acc: Sums) -> float:
        """The area of the buckets, in float64, as Keras has it."""
        counts = (np.asarray(acc[key], np.int64)[:, ::-1] for key in ("true", "false"))
        return float(
            np.mean(
                [
                    self._compute_area(true, false, interpolated=True)
                    for true, false in zip(*counts, strict=True)
                ]
            )
        )

    def exact(self, y: np.ndarray, out: np.ndarray) -> float:
        """The area over all rows at hand."""
        label, score = (
            (to_one_hot_numpy(y, out) > 0.5).reshape(-1, out.shape[-1]),
            np.asarray(out, np.float64).reshape(-1, out.shape[-1]),
        )
        if (
            self.from_logits and self.output_activation == "softmax"
        ):  # a sigmoid keeps the order; a softmax changes it between rows
            score = np.exp(score - score.max(-1, keepdims=True))
            score /= score.sum(-1, keepdims=True)
        if not self.multi_label:
            label, score = label.reshape(-1, 1), score.reshape(-1, 1)
        if not np.isfinite(score).all():
            return math.nan
        return float(
            np.mean(
                [
                    self._compute_area(*_count_by_score(*column))
                    for column in zip(label.T, score.T, strict=True)
                ]
            )
        )

    def _compute_area(
        self, true: np.ndarray, false: np.ndarray, interpolated: bool = False
    ) -> float:
        """The area from the counts of either label at each threshold passed, the highest first."""
        tp, fp = (np.concatenate([[0.0], np.cumsum(counts)]) for counts in (true, false))
        if tp[-1] == 0 or (self.curve == "ROC" and fp[-1] == 0):
            return math.nan
        if self.curve == "ROC":
            return float(np.trapezoid(tp, fp) / (tp[-1] * fp[-1]))
        called = tp + fp
        gain, width = np.diff(tp), np.diff(called)
        if not interpolated:
            return float(gain @ (tp[1:] / called[1:]) / tp[-1])
        slope = np.divide(gain, width, out=np.zeros_like(gain), where=width > 0)
        start, grown = tp[:-1] - slope * called[:-1], np.ones_like(gain)
        np.divide(called[1:], called[:-1], out=grown, where=called[:-1] > 0)
        return float((slope * (gain + start * np.log(grown))).sum() / tp[-1])


def _count_by_score(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often either label has each distinct score, the highest first."""
    order = np.argsort(-score)
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    true = np.diff(np.cumsum(label[order])[last], prepend=0)
    return true, np.diff(last + 1, prepend=0) - true
