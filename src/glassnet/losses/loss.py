"""The protocol of a loss, and how targets and weights are fitted to predictions before it is
asked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from glassnet.errors import DataError, require
from glassnet.types import Array

EPSILON = 1e-7
"""How close to 0 and 1 a probability, or to 0 a rate, may come before its logarithm is taken
(Keras's epsilon).
"""


@dataclass(frozen=True)
class Loss(ABC):
    """What every loss is. Write one by giving `unreduced`.

    Attributes:
        output_activation: the activation that this loss owns ("softmax", "sigmoid" or None):
            `unreduced` then takes what goes into it.
        depends_on_error_only: whether it is a function of yhat - y alone that grows with its size:
            the targets may then be standardised.
    """

    output_activation: ClassVar[str | None] = None
    depends_on_error_only: ClassVar[bool] = False

    @property
    def decision_threshold(self) -> float:
        """The output above which the answer of one output is yes, for accuracy and its kin."""
        return 0.5

    @property
    def display_name(self) -> str:
        """What errors and the trace call it."""
        return type(self).__name__

    @property
    def report_scale(self) -> float:
        """What a reported loss is multiplied by: 1, unless targets were standardised."""
        return 1.0

    @property
    def gradient_is_error(self) -> bool:
        """Whether a loss that owns its activation has the slope p - y at z: what the trace then
        prints.
        """
        return False

    @abstractmethod
    def unreduced(self, y: Array, z: Array) -> Array:
        """The loss of every row.

        Args:
            y: targets, in a form that the loss takes.
            z: the pre-activation of `link`, or the network's output where there is none, (batch,
                ..., outputs).

        Returns:
            (batch, ...).
        """

    def pre_activation(self, y_pred: Array) -> Array:
        """What `rows` takes for the prediction `y_pred`: the logits of its probabilities, or
        `y_pred` as it is.
        """
        return y_pred

    def __call__(self, y_true: Any, y_pred: Array, sample_weight: Any = None) -> Array:
        """The mean over rows of weight times loss, differentiable in `y_pred`.

        Args:
            y_true: targets on the host, a list or an array; (batch,) also fits predictions of
                (batch, 1).
            y_pred: predictions (batch, ..., outputs): probabilities for a cross-entropy, unless
                `from_logits`.
            sample_weight: a weight per row (dimensionless), or None for 1. The divisor stays the
                number of rows.

        Returns:
            One number, in the loss's unit.

        Raises:
            DataError: where shapes do not fit, or a class id is not an integer 0..classes-1.
        """
        y_pred = jnp.asarray(y_pred, float)
        y, shape = align_targets(
            self.display_name,
            y_true,
            y_pred.shape,
            allow_class_ids=self.output_activation == "softmax",
        )
        rows = self.unreduced(y, self.pre_activation(y_pred.reshape(shape)))
        return (
            rows.mean()
            if sample_weight is None
            else (rows * broadcast_weights(sample_weight, rows.shape)).mean()
        )


def align_targets(
    who: str, y_true: Any, shape: tuple[int, ...], *, allow_class_ids: bool
) -> tuple[np.ndarray, tuple[int, ...]]:
    """`y_true` as an array that fits predictions of `shape`, and that shape with an axis of
    outputs.

    Args:
        who: the name that an error begins with.
        y_true: targets, a list or an array.
        shape: the predictions' shape, (batch, ..., outputs) or (batch,).
        allow_class_ids: whether class ids 0..outputs-1, one per row, are welcome too.

    Raises:
        DataError: where the two would only fit by broadcasting, which trains to nonsense, or an id
            names no class.
    """
    y = np.asarray(y_true)
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
    wrong = y[(y != np.floor(y)) | (y < 0) | (y >= shape[-1])]
    require(
        not wrong.size,
        who,
        f"class ids to be integers 0..{shape[-1] - 1}",
        error=DataError,
        ids=wrong[:3].tolist(),
    )
    return y.astype(np.int32).reshape(shape[:-1]), shape


def broadcast_weights(w: Any, shape: tuple[int, ...]) -> Array:
    """`w` repeated over `shape`: a weight per example (batch,) serves rows of (batch, time).

    Raises:
        DataError: where `w` is not of the shape's first axes.
    """
    w = jnp.asarray(w)
    require(
        w.shape == shape[: w.ndim],
        "sample_weight",
        f"one weight per row, {shape}",
        error=DataError,
        shape=w.shape,
    )
    return jnp.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)
