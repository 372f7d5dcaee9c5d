"""Metrics: numbers that people read, as sums that a compiled loop can carry.

`init()` gives sums at zero, `update` adds a batch to them, `result` divides on the host: so a metric over an epoch is exact over
its rows, however they were cut into batches. Counts are int32: float32 stops counting at 2^24.
"""

from __future__ import annotations

from dataclasses import replace

from glassnet.errors import lookup, require, require_value
from glassnet.losses import Crossentropy, Loss
from glassnet.metrics.accuracy import Accuracy, TopKCategoricalAccuracy
from glassnet.metrics.detection import Detection, F1Score, Precision, Recall
from glassnet.metrics.metric import Metric
from glassnet.metrics.regression import MeanAbsoluteError, MeanSquaredError, R2Score, RootMeanSquaredError

__all__ = [
    "METRICS",
    "Accuracy",
    "F1Score",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "TopKCategoricalAccuracy",
    "get",
]

METRICS: dict[str, type[Metric]] = {
    "accuracy": Accuracy,
    "acc": Accuracy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "precision": Precision,
    "recall": Recall,
    "f1_score": F1Score,
    "root_mean_squared_error": RootMeanSquaredError,
    "r2_score": R2Score,
}


def get(value: str | Metric, loss: Loss, outputs: int) -> Metric:
    """The metric called `value`, keyed by that string, or `value` itself, cut where the loss calls for it.

    An accuracy, precision, recall or F1 score without threshold takes the one of the loss.

    Args:
        value: a name or a metric.
        loss: what the network is trained on. A binary cross-entropy is cut at 0.5, or at 0 where its predictions are logits; a categorical
            one takes the largest output.
        outputs: the size of the output's last axis. Any other loss is cut at 0.5 where there is one output, else takes the largest.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor a metric, or not a frozen dataclass.

    Example:
        >>> from glassnet.losses import BinaryCrossentropy
        >>> get("acc", BinaryCrossentropy(), 1)
        Accuracy(name='acc', threshold=0.5)
    """
    metric = lookup("metric", value, METRICS)(name=value) if isinstance(value, str) else value
    require(isinstance(metric, Metric), "metric", "a name or a Metric", metric=value)
    require_value(metric)
    if isinstance(metric, Accuracy | Detection) and metric.threshold is None:
        return replace(metric, threshold=_threshold(loss, outputs))
    return metric


def _threshold(loss: Loss, outputs: int) -> float | None:
    if isinstance(loss, Crossentropy) and loss.link == "sigmoid":
        return 0.0 if loss.from_logits else 0.5
    return 0.5 if loss.link is None and outputs == 1 else None
