"""Keras's losses: the classes, and in lower case the functions.

The functions return a number per row. `compile` accepts them too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet import losses as ours
from glassnet.data.arrays import to_array
from glassnet.keras.compat import (
    FunctionAlias,
    KerasAlias,
    SubclassGuard,
    Unsupported,
    export_aliases,
    make_get,
)
from glassnet.losses import align_targets


def unreduced_loss(loss: ours.Loss, y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the loss of every row, (batch, ...).

    One-dimensional predictions count as one row, as in Keras.
    """
    y, p = to_array(y_true, "y_true"), np.asarray(to_array(y_pred, "y_pred"), np.float32)
    is_row = p.ndim == 1
    targets, shape = align_targets(
        type(loss).__name__,
        y[None] if is_row else y,
        (1, *p.shape) if is_row else p.shape,
        allow_class_ids=loss.output_activation == "softmax",
    )
    unreduced = np.asarray(loss.unreduced(targets, loss.pre_activation(p.reshape(shape))))
    return unreduced[0] if is_row else unreduced


class KerasLossBase(SubclassGuard, ours.Loss):
    """Base class of user-defined losses."""

    _expected = "a Glassnet loss, which is a frozen dataclass"
    _keras_methods = ("__init__", "call", "get_config")
    _fix = (
        "Write fields instead of __init__ and unreduced(self, y, z) instead of call, "
        "or compile(loss=function)."
    )


FOCAL_SPEC = "alpha gamma from_logits label_smoothing axis=-1"
COMMON_SPEC = " reduction='sum_over_batch_size'|'auto' name~ dtype=None|'float32'"
LOSS_SPECS = {
    ours.BinaryCrossentropy: "from_logits label_smoothing axis=-1",
    ours.BinaryFocalCrossentropy: f"apply_class_balancing {FOCAL_SPEC}",
    ours.CategoricalCrossentropy: "from_logits label_smoothing axis=-1",
    ours.CategoricalFocalCrossentropy: FOCAL_SPEC,
    ours.CategoricalHinge: "",
    ours.CosineSimilarity: "axis=-1",
    ours.Hinge: "",
    ours.Huber: "delta",
    ours.KLDivergence: "",
    ours.LogCosh: "",
    ours.MeanAbsoluteError: "",
    ours.MeanAbsolutePercentageError: "",
    ours.MeanSquaredError: "",
    ours.MeanSquaredLogarithmicError: "",
    ours.Poisson: "",
    ours.SparseCategoricalCrossentropy: "from_logits ignore_class=None axis=-1",
    ours.SquaredHinge: "",
}
"""The parameters of each loss, as a class and as a function."""

CLASSES = {loss.__name__: (loss, spec + COMMON_SPEC) for loss, spec in LOSS_SPECS.items()}
CLASSES["SparseCategoricalCrossentropy"] = (
    ours.SparseCategoricalCrossentropy,
    "from_logits ignore_class=None reduction='sum_over_batch_size'|'auto' axis=-1 name~"
    " dtype=None|'float32'",
)
SHORT_NAMES = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
FUNCTIONS: dict[str, Any] = {
    name: (loss, LOSS_SPECS[loss])
    for name, loss in ours.LOSSES.items()
    if loss in LOSS_SPECS and name not in SHORT_NAMES
}


def with_short_names(entries: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that have short names, under these names in lower and upper case."""
    return {
        alias: entries[name]
        for short, name in SHORT_NAMES.items()
        for alias in (short, short.upper())
    }


_LOSS = Unsupported(
    "Loss", "a subclass with @dataclass(frozen=True)", "Define unreduced.", ours.Loss, KerasLossBase
)
_FUNCTIONS = {
    name: FunctionAlias(KerasAlias(name, *row), unreduced_loss) for name, row in FUNCTIONS.items()
}

get = make_get(__name__, ours.get)

__all__, __getattr__ = export_aliases(
    __name__, {"get": get, "Loss": _LOSS, **CLASSES, **_FUNCTIONS, **with_short_names(_FUNCTIONS)}
)
