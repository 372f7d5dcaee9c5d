"""Losses: how wrong a prediction is, one number per row.

A cross-entropy owns its softmax or sigmoid: `rows` takes the pre-activation z (the logits), where the loss is exact at any
size of z and its gradient is the lectures' p - y. Training always does so; `loss(y_true, y_pred)` is for direct use, on
probabilities.
"""

from __future__ import annotations

from glassnet.errors import lookup, require, require_value
from glassnet.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Crossentropy,
    SparseCategoricalCrossentropy,
    distribution,
)
from glassnet.losses.loss import Loss, align, spread
from glassnet.losses.regression import (
    HalfMeanSquaredError,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
)

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Crossentropy",
    "HalfMeanSquaredError",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "align",
    "distribution",
    "get",
    "spread",
]

LOSSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "half_mean_squared_error": HalfMeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "log_cosh": LogCosh,
    "kl_divergence": KLDivergence,
    "poisson": Poisson,
    "hinge": Hinge,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def get(value: str | Loss) -> Loss:
    """The loss called `value`, or `value` itself where it is one already.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor a loss, or not a frozen dataclass.

    Example:
        >>> get("binary_crossentropy")
        BinaryCrossentropy(from_logits=False, label_smoothing=0.0)
    """
    if isinstance(value, str):
        return lookup("loss", value, LOSSES)()
    require(isinstance(value, Loss), "loss", "a name or a Loss", loss=value)
    require_value(value)
    return value
