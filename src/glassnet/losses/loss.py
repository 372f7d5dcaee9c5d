"""The base class of losses, and helpers that align targets and weights with predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from glassnet.data.arrays import require_unmasked, to_array
from glassnet.errors import DataError, refuse_renamed_methods, require
from glassnet.forked_process import require_jax_threads
from glassnet.types import Array

EPSILON = 1e-7
"""The smallest distance of a probability from 0 and 1 before its logarithm, as in Keras."""


@dataclass(frozen=True)
class Loss(ABC):
    """Base class of losses. A subclass defines `unreduced`.

    Attributes:
        output_activation: the activation that this loss computes itself: "softmax", "sigmoid" or
            None. If there is one, `unreduced` takes its input, the logits.
        depends_on_error_only: whether the loss is a function of yhat - y alone and grows with its
            size. The targets may then be standardized.
    """

    _RENAMED: ClassVar[dict[str, str]] = {
        "rows": "unreduced",
        "link": "output_activation",
        "unit": "report_scale",
        "boundary": "decision_threshold",
        "called": "display_name",
        "of_differences": "depends_on_error_only",
        "error_slope": "gradient_is_error",
    }
    """Methods and attributes by their names before release 0.2, each with its new name."""

    output_activation: ClassVar[str | None] = None
    depends_on_error_only: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        refuse_renamed_methods(cls, cls._RENAMED)

    @property
    def decision_threshold(self) -> float:
        """Return the output above which accuracy and similar metrics read a positive answer."""
        return 0.5

    @property
    def display_name(self) -> str:
        """Return the name for error messages and the trace."""
        return type(self).__name__

    @property
    def report_scale(self) -> float:
        """Return the factor of a reported loss: 1, unless targets were standardized."""
        return 1.0

    @property
    def gradient_is_error(self) -> bool:
        """Return whether the gradient at the logits z is p - y, for the trace to print."""
        return False

    @abstractmethod
    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the loss of every row.

        Args:
            y: targets, in a form that the loss accepts.
            z: the input of `output_activation`, or the network's output if that is None,
                (batch, ..., outputs).

        Returns:
            (batch, ...).
        """

    def pre_activation(self, y_pred: Array) -> Array:
        """Return the argument `z` of `unreduced` for the prediction `y_pred`."""
        return y_pred

    def __call__(self, y_true: Any, y_pred: Array, sample_weight: Any = None) -> Array:
        """Return the mean over rows of weight times loss, differentiable in `y_pred`.

        Args:
            y_true: targets, a list or an array. (batch,) also fits predictions of (batch, 1).
            y_pred: predictions (batch, ..., outputs). For a cross-entropy they are probabilities,
                or logits if `from_logits`.
            sample_weight: one weight per row (dimensionless), or None for 1. The divisor is the
                number of rows, whatever the weights.

        Returns:
            One number, in the loss's unit.

        Raises:
            DataError: the shapes do not match, or a class id is not an integer 0..classes-1.
        """
        require_jax_threads()
        for name, value in (("y_pred", y_pred), ("sample_weight", sample_weight)):
            require_unmasked(value, name)
        y_pred = jnp.asarray(y_pred, float)
        y, shape = align_targets(
            self.display_name,
            y_true,
            y_pred.shape,
            allow_class_ids=self.output_activation == "softmax",
        )
        loss = self.unreduced(y, self.pre_activation(y_pred.reshape(shape)))
        if sample_weight is not None:
            loss = loss * broadcast_weights(sample_weight, loss.shape)
        return loss.mean()


def align_targets(
    who: str, y_true: Any, shape: tuple[int, ...], *, allow_class_ids: bool
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return targets that match predictions of `shape`, and that shape with an output axis.

    Args:
        who: the name at the beginning of an error message.
        y_true: targets, a list or an array.
        shape: the shape of the predictions, (batch, ..., outputs) or (batch,).
        allow_class_ids: whether class ids 0..outputs-1, one per row, are accepted too.

    Raises:
        DataError: the shapes match only by broadcasting, or an id is not a class.
    """
    y = to_array(y_true, f"{who}: y_true")
    require(
        y.dtype.kind in "biuf", who, "y_true to be numbers", error=DataError, dtype=str(y.dtype)
    )
    shape = shape if len(shape) > 1 else (*shape, 1)
    if y.shape == shape or (shape[-1] == 1 and y.shape == shape[:-1]):
        return y.reshape(shape), shape
    forms = f"y_true of the shape of y_pred, {shape}" + (
        f", or class ids {shape[:-1]}" if allow_class_ids else ""
    )
    require(
        allow_class_ids and y.shape in (shape[:-1], (*shape[:-1], 1)),
        who,
        forms,
        error=DataError,
        shape=y.shape,
    )
    invalid = y[(y != np.floor(y)) | (y < 0) | (y >= shape[-1])]
    require(
        not invalid.size,
        who,
        f"class ids to be integers 0..{shape[-1] - 1}",
        error=DataError,
        ids=invalid[:3].tolist(),
    )
    return y.astype(np.int32).reshape(shape[:-1]), shape


def broadcast_weights(w: Any, shape: tuple[int, ...]) -> Array:
    """Return `w` repeated over `shape`: a weight per example applies to all its time steps.

    Raises:
        DataError: the shape of `w` is not the first axes of `shape`.
    """
    w = jnp.asarray(w)
    if w.ndim == len(shape) + 1 and w.shape[-1] == 1:
        w = w[..., 0]
    require(
        w.shape == shape[: w.ndim],
        "sample_weight",
        f"one weight per row, {shape}",
        error=DataError,
        shape=w.shape,
    )
    return jnp.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)
