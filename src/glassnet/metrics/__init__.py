"""Metrics, computed from sums over batches.

`init()` returns sums of zero, `update` adds a batch to them, and `result` divides them on the host.
A metric over an epoch is therefore exact for any batch size. Counts are int32, because float32
cannot count beyond 2^24.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.errors import lookup, require, require_frozen_dataclass
from glassnet.losses import Loss, check_instance, function_name, is_function
from glassnet.metrics.accuracy import Accuracy, TopKCategoricalAccuracy
from glassnet.metrics.auc import AUC
from glassnet.metrics.confusion import ConfusionMatrix
from glassnet.metrics.confusion_counts import (
    FalseNegatives,
    FalsePositives,
    TrueNegatives,
    TruePositives,
)
from glassnet.metrics.iou import MeanIoU
from glassnet.metrics.metric import FunctionMetric, Metric
from glassnet.metrics.precision_recall import F1Score, FBetaScore, Precision, Recall
from glassnet.metrics.regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    RootMeanSquaredError,
)
from glassnet.suggestions import publish

__all__ = [
    "AUC",
    "METRICS",
    "Accuracy",
    "ConfusionMatrix",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "FunctionMetric",
    "MeanAbsoluteError",
    "MeanIoU",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
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
    "auc": AUC,
    "root_mean_squared_error": RootMeanSquaredError,
    "r2_score": R2Score,
}


def get(value: str | Metric | Callable[..., Any], loss: Loss, outputs: int) -> Metric:
    """Return the metric for a name, a metric or a function, configured for the loss.

    An accuracy, precision, recall or F1 score without a threshold gets the threshold of the loss.
    An AUC learns from it whether outputs are logits. A name becomes the key in the logs.

    Args:
        value: a name, a metric, or a function (see `FunctionMetric`).
        loss: the training loss. For a binary cross-entropy the threshold is 0.5, or 0 if its
            predictions are logits. For a categorical one the largest output is the answer.
        outputs: the size of the output's last axis. For any other loss the threshold of a single
            output is 0.5 (0 for a hinge loss). If there are several, the largest is the answer.

    Raises:
        ConfigError: `value` is an unknown name, a class instead of an instance, a
            `ConfusionMatrix`, not a frozen dataclass, or no name, metric or function.

    Example:
        >>> from glassnet.losses import BinaryCrossentropy
        >>> get("acc", BinaryCrossentropy(), 1)
        Accuracy(name='acc', threshold=0.5)
    """
    value = getattr(value, "glassnet_metric", value)
    if isinstance(value, str):
        value = lookup("metric", value, METRICS)(name=value)
    elif is_function(value):
        value = FunctionMetric(value, name=function_name(value))
    fix = "After training, write ConfusionMatrix()(y, model.predict_labels(x))."
    require(
        not isinstance(value, ConfusionMatrix),
        "metric",
        "a metric that is one number",
        metric=value,
        fix=fix,
    )
    metric: Metric = check_instance("metric", value, Metric)
    require_frozen_dataclass(metric)
    return metric.configure(loss, outputs)


publish(__name__, [name for name in __all__ if name != "METRICS"])
