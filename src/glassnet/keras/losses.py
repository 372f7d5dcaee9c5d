"""Keras's losses: the classes, and in lower case the functions, which give a number per row and which `compile` takes too."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet import losses as ours
from glassnet.keras.face import Face, PerRow, Refused, Written, table
from glassnet.losses import align


def by_row(loss: ours.Loss, y_true: Any, y_pred: Any) -> np.ndarray:
    """The loss of every row, (batch, ...); of flat predictions the mean over all, as Keras has it."""
    y, p = np.asarray(y_true), np.asarray(y_pred, np.float32)
    one = p.ndim == 1
    targets, shape = align(type(loss).__name__, y[None] if one else y, (1, *p.shape) if one else p.shape, ids=loss.link == "softmax")
    rows = np.asarray(loss.rows(targets, loss.pre_activation(p.reshape(shape))))
    return rows[0] if one else rows


class WrittenLoss(Written, ours.Loss):
    """The base of a user's own loss."""

    _expected = "a loss as glassnet has them, a frozen dataclass"
    _theirs = ("__init__", "call", "get_config")
    _fix = "Write fields instead of __init__ and rows(self, y, z) instead of call, or compile(loss=function)."


FOCAL = "alpha gamma from_logits label_smoothing axis=-1"
END = " reduction='sum_over_batch_size'|'auto' name~ dtype=None|'float32'"
CLASSES = {
    "BinaryFocalCrossentropy": (ours.BinaryFocalCrossentropy, f"apply_class_balancing {FOCAL}{END}"),
    "BinaryCrossentropy": (ours.BinaryCrossentropy, "from_logits label_smoothing axis=-1" + END),
    "CategoricalFocalCrossentropy": (ours.CategoricalFocalCrossentropy, FOCAL + END),
    "CategoricalHinge": (ours.CategoricalHinge, END),
    "CosineSimilarity": (ours.CosineSimilarity, "axis=-1" + END),
    "CategoricalCrossentropy": (ours.CategoricalCrossentropy, "from_logits label_smoothing axis=-1" + END),
    "Hinge": (ours.Hinge, END),
    "Huber": (ours.Huber, "delta" + END),
    "KLDivergence": (ours.KLDivergence, END),
    "LogCosh": (ours.LogCosh, END),
    "MeanAbsoluteError": (ours.MeanAbsoluteError, END),
    "MeanAbsolutePercentageError": (ours.MeanAbsolutePercentageError, END),
    "MeanSquaredLogarithmicError": (ours.MeanSquaredLogarithmicError, END),
    "MeanSquaredError": (ours.MeanSquaredError, END),
    "Poisson": (ours.Poisson, END),
    "SparseCategoricalCrossentropy": (
        ours.SparseCategoricalCrossentropy,
        "from_logits ignore_class=None reduction='sum_over_batch_size'|'auto' axis=-1 name~ dtype=None|'float32'",
    ),
    "SquaredHinge": (ours.SquaredHinge, END),
}
FUNCTIONS: dict[str, Any] = {
    "binary_crossentropy": (ours.BinaryCrossentropy, "from_logits label_smoothing axis=-1"),
    "binary_focal_crossentropy": (ours.BinaryFocalCrossentropy, "apply_class_balancing " + FOCAL),
    "categorical_focal_crossentropy": (ours.CategoricalFocalCrossentropy, FOCAL),
    "categorical_hinge": (ours.CategoricalHinge,),
    "cosine_similarity": (ours.CosineSimilarity, "axis=-1"),
    "categorical_crossentropy": (ours.CategoricalCrossentropy, "from_logits label_smoothing axis=-1"),
    "hinge": (ours.Hinge,),
    "huber": (ours.Huber, "delta"),
    "kl_divergence": (ours.KLDivergence,),
    "log_cosh": (ours.LogCosh,),
    "mean_absolute_error": (ours.MeanAbsoluteError,),
    "mean_absolute_percentage_error": (ours.MeanAbsolutePercentageError,),
    "mean_squared_logarithmic_error": (ours.MeanSquaredLogarithmicError,),
    "mean_squared_error": (ours.MeanSquaredError,),
    "poisson": (ours.Poisson,),
    "sparse_categorical_crossentropy": (ours.SparseCategoricalCrossentropy, "from_logits ignore_class=None axis=-1"),
    "squared_hinge": (ours.SquaredHinge,),
}
SHORT = {
    "bce": "binary_crossentropy",
    "kld": "kl_divergence",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "mse": "mean_squared_error",
    "msle": "mean_squared_logarithmic_error",
}


def shortened(rows: dict[str, Any]) -> dict[str, Any]:
    """The rows again under their short names, in small and in capitals."""
    return {spelt: rows[name] for short, name in SHORT.items() for spelt in (short, short.upper())}


_LOSS = Refused("Loss", "a subclass with @dataclass(frozen=True)", "Give it rows.", ours.Loss, WrittenLoss)
_FUNCTIONS = {name: PerRow(Face(name, *row), by_row) for name, row in FUNCTIONS.items()}

__all__, __getattr__ = table(__name__, {"Loss": _LOSS, **CLASSES, **_FUNCTIONS, **shortened(_FUNCTIONS)})
