"""Keras's metrics: the classes, and in lower case the functions, which give a number per row and which `compile` takes too."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from glassnet import losses as kinds
from glassnet import metrics as ours
from glassnet.keras import losses
from glassnet.keras.compat import Face, PerRow, Refused, Written, table
from glassnet.losses import Loss, align, distribution


def by_row(metric: ours.Accuracy, y_true: Any, y_pred: Any) -> Any:
    """1 where a row is right and 0 where it is wrong; with a threshold that of each of its outputs."""
    p = np.asarray(y_pred, np.float32)
    one = p.ndim == 1
    y, shape = align(metric.name, np.asarray(y_true)[None] if one else y_true, (1, *p.shape) if one else p.shape, ids=True)
    p = p.reshape(shape)
    if metric.threshold is None:
        right: Any = np.float32(p.argmax(-1) == (y.argmax(-1) if y.ndim == p.ndim else y))
    else:
        right = np.float32((p > metric.threshold) == np.asarray(distribution(y, p)))
    return right[0] if one else right


class WrittenMetric(Written, ours.Metric):
    """The base of a user's own metric."""

    _expected = "a metric as glassnet has them, a frozen dataclass of sums"
    _theirs = ("__init__", "update_state", "reset_state", "get_config")
    _fix = "Write fields instead of __init__, init(self) and update(self, acc, y, out, w) instead of update_state, or metrics=[function]."


@dataclass(frozen=True)
class RowsOf:
    """What a loss gives for every row, for a metric to take the mean of."""

    loss: Loss

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return self.loss.rows(y_true, self.loss.pre_activation(y_pred))


@dataclass(frozen=True)
class MeanOf:
    """Makes the metric that is the mean of a loss, and knows it again."""

    loss: type[Loss]
    called: str

    def __call__(self, name: str | None = None, **options: Any) -> ours.Metric:
        return ours.FunctionMetric(RowsOf(self.loss(**options)), name=name or self.called)

    @property
    def __signature__(self) -> inspect.Signature:
        named = inspect.Parameter("name", inspect.Parameter.KEYWORD_ONLY, default=self.called)
        return inspect.Signature([*inspect.signature(self.loss).parameters.values(), named])

    def __instancecheck__(self, metric: Any) -> bool:
        return isinstance(metric, ours.FunctionMetric) and isinstance(getattr(metric.function, "loss", None), self.loss)


BINARY = partial(ours.Accuracy, threshold=0.5, name="binary_accuracy")
CATEGORICAL = partial(ours.Accuracy, name="categorical_accuracy")
SPARSE = partial(ours.Accuracy, name="sparse_categorical_accuracy")
NAMED = "name dtype=None|'float32'"
COUNTED = "thresholds>threshold top_k=None class_id " + NAMED
YES = "thresholds>threshold " + NAMED
CURVE = " thresholds=None multi_label num_labels=None label_weights=None from_logits"
FUNCTIONS: dict[str, Any] = {
    "binary_accuracy": (BINARY, "threshold"),
    "categorical_accuracy": (CATEGORICAL,),
    "sparse_categorical_accuracy": (SPARSE,),
}
MEANS = {
    "BinaryCrossentropy": (MeanOf(kinds.BinaryCrossentropy, "binary_crossentropy"), NAMED + " from_logits label_smoothing"),
    "CategoricalCrossentropy": (
        MeanOf(kinds.CategoricalCrossentropy, "categorical_crossentropy"),
        NAMED + " from_logits label_smoothing axis=-1",
    ),
    "CategoricalHinge": (MeanOf(kinds.CategoricalHinge, "categorical_hinge"), NAMED),
    "Hinge": (MeanOf(kinds.Hinge, "hinge"), NAMED),
    "KLDivergence": (MeanOf(kinds.KLDivergence, "kl_divergence"), NAMED),
    "LogCoshError": (MeanOf(kinds.LogCosh, "logcosh"), NAMED),
    "MeanAbsolutePercentageError": (MeanOf(kinds.MeanAbsolutePercentageError, "mean_absolute_percentage_error"), NAMED),
    "MeanSquaredLogarithmicError": (MeanOf(kinds.MeanSquaredLogarithmicError, "mean_squared_logarithmic_error"), NAMED),
    "Poisson": (MeanOf(kinds.Poisson, "poisson"), NAMED),
    "SparseCategoricalCrossentropy": (
        MeanOf(kinds.SparseCategoricalCrossentropy, "sparse_categorical_crossentropy"),
        NAMED + " from_logits ignore_class=None axis=-1",
    ),
    "SquaredHinge": (MeanOf(kinds.SquaredHinge, "squared_hinge"), NAMED),
}
_LOSSES = {
    name: PerRow(Face(name, MeanOf(loss, name), *line), lambda metric, y, p: losses.by_row(metric.function.loss, y, p))
    for name, (loss, *line) in losses.FUNCTIONS.items()
    if name != "cosine_similarity"
}
"""The loss of that name has the other sign than the metric."""

__all__, __getattr__ = table(
    __name__,
    {
        "Metric": Refused("Metric", "a subclass with @dataclass(frozen=True)", "Give it init and update.", ours.Metric, WrittenMetric),
        "AUC": (ours.AUC, f"num_thresholds curve summation_method='interpolation' {NAMED}{CURVE}"),
        "Accuracy": (ours.Accuracy, NAMED),
        "BinaryAccuracy": (BINARY, NAMED + " threshold", ours.Accuracy),
        "CategoricalAccuracy": (CATEGORICAL, NAMED, ours.Accuracy),
        "FalseNegatives": (ours.FalseNegatives, YES),
        "FalsePositives": (ours.FalsePositives, YES),
        "F1Score": (ours.F1Score, "average threshold " + NAMED),
        "MeanAbsoluteError": (ours.MeanAbsoluteError, NAMED),
        "MeanSquaredError": (ours.MeanSquaredError, NAMED),
        "Precision": (ours.Precision, COUNTED),
        "R2Score": (ours.R2Score, "class_aggregation num_regressors=0 " + NAMED),
        "Recall": (ours.Recall, COUNTED),
        "RootMeanSquaredError": (ours.RootMeanSquaredError, NAMED),
        "SparseCategoricalAccuracy": (SPARSE, NAMED, ours.Accuracy),
        "SparseTopKCategoricalAccuracy": (
            partial(ours.TopKCategoricalAccuracy, name="sparse_top_k_categorical_accuracy"),
            f"k {NAMED} from_sorted_ids=False",
            ours.TopKCategoricalAccuracy,
        ),
        "TopKCategoricalAccuracy": (ours.TopKCategoricalAccuracy, "k " + NAMED),
        "TrueNegatives": (ours.TrueNegatives, YES),
        "TruePositives": (ours.TruePositives, YES),
        **MEANS,
        **{name: PerRow(Face(name, *row), by_row) for name, row in FUNCTIONS.items()},
        **_LOSSES,
        **losses.shortened(_LOSSES),
    },
)
