"""Keras's metrics: the classes, and in lower case the functions.

The functions return a number per row. `compile` accepts them too.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from glassnet import losses as kinds
from glassnet import metrics as ours
from glassnet.data.arrays import to_array
from glassnet.errors import lookup
from glassnet.keras import losses
from glassnet.keras.base_loss import align_with, is_traced, to_floats
from glassnet.keras.base_metric import (
    PER_ROW,
    BuiltInMetric,
    EqualityMetric,
    FunctionMeanMetric,
    KerasMetric,
    MeanMetric,
    MetricFactory,
    SumMetric,
)
from glassnet.keras.compat import (
    FunctionAlias,
    KerasAlias,
    SubclassGuard,
    Unsupported,
    export_aliases,
    make_get,
)
from glassnet.keras.iou_metrics import IOU_METRICS
from glassnet.keras.tensors import as_tensor
from glassnet.losses import Loss, to_one_hot


def unreduced_accuracy(metric: ours.Accuracy, y_true: Any, y_pred: Any) -> Any:
    """Return 1 for every correct row and 0 for others, per output if `metric` has a threshold."""
    p = to_floats(y_pred, "y_pred")
    y = y_true if is_traced(y_true) else to_array(y_true, "y_true")
    is_row = p.ndim == 1
    y, shape = align_with(
        metric.name,
        y[None] if is_row else y,
        (1, *p.shape) if is_row else p.shape,
        allow_class_ids=True,
    )
    p = p.reshape(shape)
    if metric.threshold is None:
        correct = p.argmax(-1) == (y.argmax(-1) if y.ndim == p.ndim else y)
    else:
        correct = (p > metric.threshold) == to_one_hot(y, p)
    correct = correct.astype(np.float32)
    return as_tensor(correct[0] if is_row else correct)


class KerasMetricBase(SubclassGuard, ours.Metric):
    """Base class of user-defined metrics."""

    _expected = "a Glassnet metric, which is a frozen dataclass"
    _keras_methods = ("__init__", "update_state", "reset_state", "get_config")
    _fix = (
        "Write fields instead of __init__, init(self) and update(self, acc, y, out, w) instead of "
        "update_state, or metrics=[function]."
    )


@dataclass(frozen=True)
class UnreducedLoss:
    """The loss of every row, as the function of a `FunctionMetric`.

    The similarity is the opposite of its loss.
    """

    loss: Loss

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        values = self.loss.unreduced(y_true, self.loss.pre_activation(y_pred))
        return -values if isinstance(self.loss, kinds.CosineSimilarity) else values


@dataclass(frozen=True)
class MeanLossAlias:
    """Factory of metrics that are the mean of a loss; `isinstance` works with it too."""

    loss: type[Loss]
    default_name: str

    def __call__(self, name: str | None = None, **options: Any) -> ours.Metric:
        return ours.FunctionMetric(
            UnreducedLoss(self.loss(**options)), name=name or self.default_name
        )

    @property
    def __signature__(self) -> inspect.Signature:
        name = inspect.Parameter("name", inspect.Parameter.KEYWORD_ONLY, default=self.default_name)
        return inspect.Signature([*inspect.signature(self.loss).parameters.values(), name])

    def __instancecheck__(self, metric: Any) -> bool:
        return isinstance(metric, ours.FunctionMetric) and isinstance(
            getattr(metric.function, "loss", None), self.loss
        )


BINARY_ACCURACY = partial(ours.Accuracy, threshold=0.5, name="binary_accuracy")
CATEGORICAL_ACCURACY = partial(ours.Accuracy, name="categorical_accuracy")
SPARSE_ACCURACY = partial(ours.Accuracy, name="sparse_categorical_accuracy")
NAME_SPEC = "name dtype=None|'float32'"
CLASS_THRESHOLD_SPEC = "thresholds>threshold top_k class_id " + NAME_SPEC
THRESHOLD_SPEC = "thresholds>threshold " + NAME_SPEC
CURVE_SPEC = " thresholds=None multi_label num_labels=None label_weights=None from_logits"
FUNCTIONS: dict[str, Any] = {
    "binary_accuracy": (BINARY_ACCURACY, "threshold"),
    "categorical_accuracy": (CATEGORICAL_ACCURACY,),
    "sparse_categorical_accuracy": (SPARSE_ACCURACY,),
}
MEAN_LOSSES = {
    "BinaryCrossentropy": (
        MeanLossAlias(kinds.BinaryCrossentropy, "binary_crossentropy"),
        NAME_SPEC + " from_logits label_smoothing",
    ),
    "CategoricalCrossentropy": (
        MeanLossAlias(kinds.CategoricalCrossentropy, "categorical_crossentropy"),
        NAME_SPEC + " from_logits label_smoothing axis=-1",
    ),
    "CategoricalHinge": (MeanLossAlias(kinds.CategoricalHinge, "categorical_hinge"), NAME_SPEC),
    "CosineSimilarity": (
        MeanLossAlias(kinds.CosineSimilarity, "cosine_similarity"),
        NAME_SPEC + " axis=-1",
    ),
    "Hinge": (MeanLossAlias(kinds.Hinge, "hinge"), NAME_SPEC),
    "KLDivergence": (MeanLossAlias(kinds.KLDivergence, "kl_divergence"), NAME_SPEC),
    "LogCoshError": (MeanLossAlias(kinds.LogCosh, "logcosh"), NAME_SPEC),
    "MeanAbsolutePercentageError": (
        MeanLossAlias(kinds.MeanAbsolutePercentageError, "mean_absolute_percentage_error"),
        NAME_SPEC,
    ),
    "MeanSquaredLogarithmicError": (
        MeanLossAlias(kinds.MeanSquaredLogarithmicError, "mean_squared_logarithmic_error"),
        NAME_SPEC,
    ),
    "Poisson": (MeanLossAlias(kinds.Poisson, "poisson"), NAME_SPEC),
    "SparseCategoricalCrossentropy": (
        MeanLossAlias(kinds.SparseCategoricalCrossentropy, "sparse_categorical_crossentropy"),
        NAME_SPEC + " from_logits ignore_class=None axis=-1",
    ),
    "SquaredHinge": (MeanLossAlias(kinds.SquaredHinge, "squared_hinge"), NAME_SPEC),
}
_LOSSES = {
    name: FunctionAlias(
        KerasAlias(name, MeanLossAlias(loss, name), *spec),
        lambda metric, y, p: losses.compute_tensor(metric.function.loss, y, p),
    )
    for name, (loss, *spec) in losses.FUNCTIONS.items()
    if name != "cosine_similarity"  # the metric has the opposite sign
}


def _resolve(value: Any) -> Any:
    """Return the metric of a name of Glassnet's, such as "acc"."""
    make: Any = lookup("metric", value, ours.METRICS) if isinstance(value, str) else None
    return make() if make else kinds.check_instance("metric", value, ours.Metric)


_get_part = make_get(__name__, _resolve)


def get(identifier: Any) -> Any:
    """Return the metric of that name: "mse" and "MeanSquaredError" are both MeanSquaredError().

    None, a metric or a function is returned unchanged.

    Raises:
        ConfigError: an unknown name, or neither a name nor a metric.
    """
    if isinstance(identifier, str):
        name = losses.SHORT_NAMES.get(identifier.lower(), identifier)
        classes = {_to_snake_case(kind): kind for kind in __all__ if kind[0].isupper()}
        identifier = classes.get(name, identifier)
    return _get_part(identifier)


def _to_snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


CLASSES: dict[str, Any] = {
    "AUC": (
        ours.AUC,
        f"num_thresholds curve summation_method='interpolation' {NAME_SPEC}{CURVE_SPEC}",
    ),
    "Accuracy": (ours.Accuracy, NAME_SPEC),
    "BinaryAccuracy": (BINARY_ACCURACY, NAME_SPEC + " threshold", ours.Accuracy),
    "CategoricalAccuracy": (CATEGORICAL_ACCURACY, NAME_SPEC, ours.Accuracy),
    "FalseNegatives": (ours.FalseNegatives, THRESHOLD_SPEC),
    "FalsePositives": (ours.FalsePositives, THRESHOLD_SPEC),
    "F1Score": (ours.F1Score, "average threshold " + NAME_SPEC),
    "FBetaScore": (ours.FBetaScore, "average beta threshold " + NAME_SPEC),
    "MeanAbsoluteError": (ours.MeanAbsoluteError, NAME_SPEC),
    "MeanSquaredError": (ours.MeanSquaredError, NAME_SPEC),
    "Precision": (ours.Precision, CLASS_THRESHOLD_SPEC),
    "R2Score": (ours.R2Score, "class_aggregation num_regressors=0 " + NAME_SPEC),
    "Recall": (ours.Recall, CLASS_THRESHOLD_SPEC),
    "RootMeanSquaredError": (ours.RootMeanSquaredError, NAME_SPEC),
    "SparseCategoricalAccuracy": (SPARSE_ACCURACY, NAME_SPEC, ours.Accuracy),
    "SparseTopKCategoricalAccuracy": (
        partial(ours.TopKCategoricalAccuracy, name="sparse_top_k_categorical_accuracy"),
        f"k {NAME_SPEC} from_sorted_ids=False",
        ours.TopKCategoricalAccuracy,
    ),
    "TopKCategoricalAccuracy": (ours.TopKCategoricalAccuracy, "k " + NAME_SPEC),
    "TrueNegatives": (ours.TrueNegatives, THRESHOLD_SPEC),
    "TruePositives": (ours.TruePositives, THRESHOLD_SPEC),
    **MEAN_LOSSES,
}


def _as_factory(name: str, factory: Any, spec: str, kind: Any = None) -> tuple[Any, str]:
    """Return a row of `CLASSES` whose factory makes objects with a state."""
    is_per_row = isinstance(factory, MeanLossAlias) or factory in PER_ROW
    wrapper = EqualityMetric if factory is ours.Accuracy else BuiltInMetric
    return MetricFactory(name, factory, kind or factory, is_per_row, wrapper), spec


__all__, __getattr__ = export_aliases(
    __name__,
    {
        "get": get,
        "Metric": Unsupported(
            "Metric",
            "a subclass with @dataclass(frozen=True)",
            "Define init and update.",
            (ours.Metric, KerasMetric),
            KerasMetricBase,
        ),
        "Mean": (MeanMetric, NAME_SPEC),
        "MeanMetricWrapper": FunctionMeanMetric,
        "Sum": (SumMetric, NAME_SPEC),
        **IOU_METRICS,
        **{name: _as_factory(name, *row) for name, row in CLASSES.items()},
        **{
            name: FunctionAlias(KerasAlias(name, *row), unreduced_accuracy)
            for name, row in FUNCTIONS.items()
        },
        **_LOSSES,
        **losses.with_short_names(_LOSSES),
    },
)
