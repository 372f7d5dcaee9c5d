"""Metrics: numbers that people read, as sums that a compiled loop can carry.

`init()` gives sums at zero, `update` adds a batch to them, `result` divides on the host: so a
metric over an epoch is exact over its rows, however they were cut into batches. Counts are int32:
float32 stops counting at 2^24.
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
from glassnet.metrics.metric import FunctionMetric, Metric
from glassnet.metrics.precision_recall import F1Score, Precision, Recall
from glassnet.metrics.regression import (
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    RootMeanSquaredError,
)

__all__ = [
    "AUC",
    "METRICS",
    "Accuracy",
    "ConfusionMatrix",
    "F1Score",
    "FalseNegatives",
    "FalsePositives",
    "FunctionMetric",
    "MeanAbsoluteError",
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
    """The metric called `value`, keyed by that string, `value` itself, or the one that a function
    is; suited to the loss and the outputs.

    An accuracy, precision, recall or F1 score without threshold takes the one of the loss; an AUC
    learns whether outputs are logits.

    Args:
        value: a name, a metric, or a function (see `FunctionMetric`).
        loss: what the network is trained on. A binary cross-entropy is cut at 0.5, or at 0 where
            its predictions are logits; a categorical one takes the largest output.
        outputs: the size of the output's last axis. Any other loss is cut at 0.5 (a hinge at 0)
            where there is one output, else takes the largest.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is no name, metric or
            function, a class without its brackets, a `ConfusionMatrix`, or not a frozen dataclass.

    Example:
        >>> from glassnet.losses import BinaryCrossentropy
        >>> get("acc", BinaryCrossentropy(), 1)
        Accuracy(name='acc', threshold=0.5)
    """
    if isinstance(value, str):
        value = lookup("metric", value, METRICS)(name=value)
    elif is_function(value):
        value = FunctionMetric(value, name=function_name(value))
    fix = "After training write ConfusionMatrix()(y, model.predict_labels(x))."
    require(
        not isinstance(value, ConfusionMatrix),
        "metric",
        "one number, which the logs can hold",
        metric=value,
        fix=fix,
    )
    metric = check_instance("metric", value, Metric)
    require_frozen_dataclass(metric)
    return metric.configure(loss, outputs)
