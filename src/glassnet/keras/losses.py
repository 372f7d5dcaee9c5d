"""Keras's losses: the classes, and in lower case the functions.

The functions return a number per row. `compile` accepts them too.
"""

from __future__ import annotations

from typing import Any

from glassnet import losses as ours
from glassnet.keras.base_loss import BuiltInLoss, KerasLoss, LossFactory, compute_losses
from glassnet.keras.compat import (
    FunctionAlias,
    KerasAlias,
    Unsupported,
    export_aliases,
    make_get,
)
from glassnet.keras.tensors import as_tensor

FOCAL_SPEC = "alpha gamma from_logits label_smoothing axis=-1"
COMMON_SPEC = " reduction name dtype=None|'float32'"
LOSS_SPECS: dict[type[ours.Loss], str] = {
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

SHORT_NAMES = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}
NAMES: dict[type[ours.Loss], str] = {
    loss: name for name, loss in ours.LOSSES.items() if name not in SHORT_NAMES
}
NAMES[ours.Huber] = "huber_loss"

CLASSES = {
    loss.__name__: (LossFactory(loss, NAMES[loss]), spec + COMMON_SPEC)
    for loss, spec in LOSS_SPECS.items()
}
CLASSES["SparseCategoricalCrossentropy"] = (
    LossFactory(ours.SparseCategoricalCrossentropy, "sparse_categorical_crossentropy"),
    "from_logits ignore_class=None reduction axis=-1 name dtype=None|'float32'",
)
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
    "Loss",
    "a subclass of it",
    "Define call(self, y_true, y_pred).",
    (ours.Loss, KerasLoss),
    KerasLoss,
)


def compute_tensor(loss: ours.Loss, y_true: Any, y_pred: Any) -> Any:
    """Return the loss of every row as a `Tensor`."""
    return as_tensor(compute_losses(loss, y_true, y_pred))


_FUNCTIONS = {
    name: FunctionAlias(KerasAlias(name, *row), compute_tensor) for name, row in FUNCTIONS.items()
}


get = make_get(__name__, lambda value: BuiltInLoss(ours.get(value), str(value)))

__all__, __getattr__ = export_aliases(
    __name__, {"get": get, "Loss": _LOSS, **CLASSES, **_FUNCTIONS, **with_short_names(_FUNCTIONS)}
)
