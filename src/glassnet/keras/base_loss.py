"""Keras's loss objects: called on targets and predictions, they return a `Tensor`."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import losses
from glassnet.data.arrays import to_array
from glassnet.errors import require
from glassnet.keras.tensors import as_tensor
from glassnet.losses import Loss, align_targets

MEAN_REDUCTIONS = ("sum_over_batch_size", "mean")
REDUCTIONS = (*MEAN_REDUCTIONS, "auto", "mean_with_sample_weight", "sum", "none", None)


class KerasLoss:
    """Base class of Keras's losses. A subclass defines `call`.

    `compile(loss=...)` accepts one and trains with `glassnet_loss`.

    Args:
        name: the name; None for that of the class.
        reduction: "sum_over_batch_size", "mean" and Keras 2's "auto" return the mean of the losses
            of all rows, "mean_with_sample_weight" their sum divided by the sum of the weights,
            "sum" their sum, and "none" or None the losses themselves. `compile` needs the mean.
        dtype: None or "float32".

    Raises:
        ConfigError: another reduction or dtype.
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | None = None,
    ):
        who = type(self).__name__
        fits = reduction in REDUCTIONS
        require(fits, who, f"reduction to be one of {REDUCTIONS}", reduction=reduction)
        require(dtype in (None, "float32"), who, "dtype='float32'", dtype=dtype)
        self.name = name or who
        self.reduction = "sum_over_batch_size" if reduction == "auto" else reduction

    def __init_subclass__(cls) -> None:
        methods = [name for name in ("unreduced", "pre_activation") if name in vars(cls)]
        fix = "Write call(self, y_true, y_pred), or subclass glassnet.losses.Loss."
        require(not methods, cls.__name__, "a Keras loss", methods=methods, fix=fix)
        super().__init_subclass__()

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every row, (batch, ...); a subclass defines it, in `keras.ops`."""
        expected = "a method call(self, y_true, y_pred)"
        require(False, type(self).__name__, expected, call=None)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss of predictions as a `Tensor`.

        Args:
            y_true: targets.
            y_pred: predictions (batch, ..., outputs).
            sample_weight: a weight for each row, or None.
        """
        values = self._compute(y_true, y_pred)
        return as_tensor(reduce_losses(values, sample_weight, self.reduction))

    def _compute(self, y_true: Any, y_pred: Any) -> Any:
        return self.call(to_floats(y_true, "y_true"), to_floats(y_pred, "y_pred"))

    @property
    def glassnet_loss(self) -> Loss:
        """The loss that `compile` uses.

        Raises:
            ConfigError: the reduction is not the mean.
        """
        fix = "A model is trained on the mean over the rows; use sample_weight to weight them."
        is_mean = self.reduction in MEAN_REDUCTIONS
        expected = "reduction='sum_over_batch_size' in compile"
        require(is_mean, self.name, expected, reduction=self.reduction, fix=fix)
        return self._make_loss()

    def _make_loss(self) -> Loss:
        return losses.FunctionLoss(LossMethod(self))

    def get_config(self) -> dict[str, Any]:
        """Return the name and the reduction."""
        return {"name": self.name, "reduction": self.reduction}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class LossMethod:
    """The method `call` of a user-defined loss, as the function of a `FunctionLoss`.

    Two of them are equal if they are of the same object. A model file does not hold one.
    """

    def __init__(self, loss: KerasLoss):
        self.loss = loss
        self.__name__ = f"{type(loss).__name__}.call"

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return self.loss.call(y_true, y_pred)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LossMethod) and other.loss is self.loss

    def __hash__(self) -> int:
        return id(self.loss)


class BuiltInLoss(KerasLoss):
    """One of Keras's losses: an object around Glassnet's.

    Two of them are equal if their losses and reductions are.

    Args:
        loss: Glassnet's loss, whose fields are attributes of the object.
        name: the name.
        reduction: see `KerasLoss`.
    """

    def __init__(self, loss: Loss, name: str, reduction: str | None = "sum_over_batch_size"):
        self._loss = loss
        super().__init__(name, reduction)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of every row, (batch, ...)."""
        return compute_losses(self._loss, y_true, y_pred)

    def _compute(self, y_true: Any, y_pred: Any) -> Any:
        return compute_losses(self._loss, y_true, y_pred)

    def _make_loss(self) -> Loss:
        return self._loss

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loss, name)

    def __eq__(self, other: object) -> bool:
        is_same = isinstance(other, BuiltInLoss) and self._loss == other._loss
        return is_same and self.reduction == other.reduction  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self._loss, self.reduction))

    def __repr__(self) -> str:
        return f"<{self._loss!r}>"


@dataclass(frozen=True)
class LossFactory:
    """Maker of a Keras loss of one kind; `isinstance` works with it.

    Args:
        kind: Glassnet's class.
        default_name: Keras's name of the loss.
    """

    kind: type[Loss]
    default_name: str

    def __call__(
        self,
        *,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        **options: Any,
    ) -> BuiltInLoss:
        return BuiltInLoss(self.kind(**options), name or self.default_name, reduction)

    @property
    def __signature__(self) -> inspect.Signature:
        keyword = inspect.Parameter.KEYWORD_ONLY
        own = [
            inspect.Parameter("name", keyword, default=self.default_name),
            inspect.Parameter("reduction", keyword, default="sum_over_batch_size"),
        ]
        return inspect.Signature([*inspect.signature(self.kind).parameters.values(), *own])

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value._loss if isinstance(value, BuiltInLoss) else value, self.kind)


def is_traced(*values: Any) -> bool:
    """Return whether one of the values is not known yet, inside a compiled function."""
    return any(isinstance(value, jax.core.Tracer) for value in values)


def to_floats(value: Any, name: str) -> Any:
    """Return a float32 array; JAX's array inside a compiled function, else NumPy's."""
    if is_traced(value):
        return jnp.asarray(value, jnp.float32)
    return np.asarray(to_array(value, name), np.float32)


def compute_losses(loss: Loss, y_true: Any, y_pred: Any) -> Any:
    """Return the loss of every row, (batch, ...).

    One-dimensional predictions count as one row, as in Keras.
    """
    p = to_floats(y_pred, "y_pred")
    y = y_true if is_traced(y_true) else to_array(y_true, "y_true")
    is_row = p.ndim == 1 and y.ndim <= 1
    targets, shape = align_with(
        type(loss).__name__,
        y[None] if is_row else y,
        (1, *p.shape) if is_row else p.shape,
        allow_class_ids=loss.output_activation == "softmax",
    )
    values = loss.unreduced(targets, loss.pre_activation(p.reshape(shape)))
    values = values if is_traced(values) else np.asarray(values)
    return values[0] if is_row else values


def align_with(who: str, y: Any, shape: tuple[int, ...], *, allow_class_ids: bool) -> Any:
    """Return `align_targets`; of targets that are not known yet, only the shape is checked."""
    if not is_traced(y):
        return align_targets(who, y, shape, allow_class_ids=allow_class_ids)
    shape = shape if len(shape) > 1 else (*shape, 1)
    if y.shape == shape or (shape[-1] == 1 and y.shape == shape[:-1]):
        return y.reshape(shape), shape
    is_ids = allow_class_ids and y.shape in (shape[:-1], (*shape[:-1], 1))
    require(is_ids, who, f"y_true of the shape of y_pred, {shape}", shape=y.shape)
    return y.astype(jnp.int32).reshape(shape[:-1]), shape


def reduce_losses(values: Any, sample_weight: Any, reduction: str | None) -> Any:
    """Return the losses times their weights, reduced as Keras does.

    Args:
        values: the loss of each row, (batch, ...).
        sample_weight: weights of the rows, or of all values; None for 1.
        reduction: see `KerasLoss`.
    """
    xp: Any = jnp if is_traced(values, sample_weight) else np
    values = xp.asarray(values, np.float32)
    if sample_weight is not None:
        sample_weight = xp.asarray(sample_weight, np.float32)
        values, sample_weight = match_ranks(values, sample_weight)
        values = values * sample_weight
    if reduction in (None, "none") or values.shape in ((), (0,)):
        return values
    total = values.sum(dtype=np.float32)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        divisor = sample_weight.sum()
        return xp.where(divisor == 0, 0, total / xp.where(divisor == 0, 1, divisor))
    return total / np.float32(values.size)


def match_ranks(values: Any, weights: Any) -> tuple[Any, Any]:
    """Return both with a last axis of length 1 added or removed if their ranks differ by one."""
    if values.ndim == weights.ndim + 1 and values.shape[-1] == 1:
        return (values, weights[..., None]) if weights.ndim == 1 else (values[..., 0], weights)
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        return (values[..., None], weights) if values.ndim == 1 else (values, weights[..., 0])
    return values, weights
