"""Loss functions: one number per row that measures the error of a prediction.

A cross-entropy computes its own softmax or sigmoid. Its method `unreduced` takes the pre-activation
z (the logits): there the loss is exact for any z, and its gradient is p - y. Training always uses
this form. `loss(y_true, y_pred)` takes probabilities and is meant for direct use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassnet.errors import lookup, require, require_frozen_dataclass
from glassnet.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Crossentropy,
    SparseCategoricalCrossentropy,
    to_one_hot,
)
from glassnet.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from glassnet.losses.function import (
    FunctionLoss,
    call_unreduced,
    check_two_arguments,
    function_name,
    is_function,
)
from glassnet.losses.hinge import CategoricalHinge, Hinge, SquaredHinge
from glassnet.losses.loss import Loss, align_targets, broadcast_weights
from glassnet.losses.regression import (
    CosineSimilarity,
    HalfMeanSquaredError,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from glassnet.suggestions import publish

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Crossentropy",
    "FunctionLoss",
    "HalfMeanSquaredError",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "align_targets",
    "broadcast_weights",
    "call_unreduced",
    "check_instance",
    "check_two_arguments",
    "function_name",
    "get",
    "is_function",
    "to_one_hot",
]

LOSSES: dict[str, type[Loss]] = {
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "half_mean_squared_error": HalfMeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "mean_absolute_percentage_error": MeanAbsolutePercentageError,
    "mape": MeanAbsolutePercentageError,
    "mean_squared_logarithmic_error": MeanSquaredLogarithmicError,
    "msle": MeanSquaredLogarithmicError,
    "cosine_similarity": CosineSimilarity,
    "huber": Huber,
    "log_cosh": LogCosh,
    "kl_divergence": KLDivergence,
    "poisson": Poisson,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "categorical_hinge": CategoricalHinge,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "binary_focal_crossentropy": BinaryFocalCrossentropy,
    "categorical_focal_crossentropy": CategoricalFocalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def get(value: str | Loss | Callable[..., Any]) -> Loss:
    """Return the loss that a name, a loss or a function stands for (see `FunctionLoss`).

    Raises:
        ConfigError: `value` is an unknown name, a class instead of an instance, not a frozen
            dataclass, or no name, loss or function.

    Example:
        >>> get("binary_crossentropy")
        BinaryCrossentropy(from_logits=False, label_smoothing=0.0)
    """
    value = getattr(value, "glassnet_loss", value)
    if isinstance(value, str):
        return lookup("loss", value, LOSSES)()
    loss: Loss = check_instance("loss", FunctionLoss(value) if is_function(value) else value, Loss)
    require_frozen_dataclass(loss)
    return loss


def check_instance(what: str, value: Any, kind: type[Any]) -> Any:
    """Return `value` if it is an instance of `kind`.

    Raises:
        ConfigError: it is not. If it is a class, the message says how to make an instance.
    """
    fix = f"Write {value.__name__}()." if isinstance(value, type) else ""
    require(
        isinstance(value, kind),
        what,
        f"a name, a {kind.__name__} or a function",
        fix=fix,
        **{what: value},
    )
    return value


publish(__name__, [name for name in __all__ if name == "get" or name[0].isupper()])
