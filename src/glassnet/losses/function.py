"""User-written functions as losses: JAX functions that return one number per row."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import Any

import jax
import jax.numpy as jnp

from glassnet.errors import ConfigError, message, require
from glassnet.losses.loss import Loss
from glassnet.types import Array


@dataclass(frozen=True)
class FunctionLoss(Loss):
    """User-written function as a loss: l = function(y, yhat), one number per row.

    `compile(loss=function)` makes one. Two of them are equal only if they hold the same function
    object, so a function that is defined again is compiled again.

    Shapes: y and z (batch, ..., outputs) -> loss (batch, ...).

    Args:
        function: a function of targets and predictions, both (batch, ..., outputs), written in
            jax.numpy. It returns one number per row, or one per output. In the second case the
            mean over the last axis is used.

    Raises:
        ConfigError: the function does not take two arguments, returns another shape, returns no
            floats, or is not written in jax.numpy.

    Example:
        >>> def fourth_power(y_true, y_pred):
        ...     return jnp.mean((y_true - y_pred) ** 4, axis=-1)
        >>> loss = FunctionLoss(fourth_power)
        >>> print(f"{loss([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")  # (0 + 16) / 2
        8.0
    """

    function: Callable[[Array, Array], Array]

    def __post_init__(self) -> None:
        check_two_arguments(self.function)

    @property
    def display_name(self) -> str:
        """Return the function's name."""
        return function_name(self.function)

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the function's value for each row."""
        loss = call_unreduced(self.function, y, z)
        require(
            jnp.issubdtype(loss.dtype, jnp.floating),
            self.display_name,
            "floats, because a loss needs a gradient",
            dtype=str(loss.dtype),
            fix="Use it as a metric: metrics=[...].",
        )
        return loss


def is_function(value: Any) -> bool:
    """Return whether `value` is callable, but neither a class nor a loss or metric object."""
    return callable(value) and not isinstance(value, type) and not is_dataclass(value)


def function_name(function: Any) -> str:
    """Return the name of a function, or of its class if it has none."""
    return getattr(function, "__name__", type(function).__name__)


def check_two_arguments(function: Callable[..., Any]) -> None:
    """Raise `ConfigError` unless `function` can be called as function(y_true, y_pred)."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise ConfigError(
            message(
                function_name(function),
                "a function of two arguments, (y_true, y_pred)",
                error=str(error),
            )
        ) from error
    except ValueError:
        return  # a function written in C may have no signature


def call_unreduced(function: Callable[[Array, Array], Array], y: Array, out: Array) -> Array:
    """Call `function` and return one number per row, (batch, ...).

    If it returns one number per output, the result is their mean over the last axis.

    Raises:
        ConfigError: the function returns another shape, for example a single number, or is not
            written in jax.numpy.
    """
    who = function_name(function)
    try:
        result = function(y, out)
    except jax.errors.JAXTypeError as error:
        expected = "a function written in jax.numpy, which JAX can compile"
        fix = (
            "Use jnp.mean instead of np.mean, jnp.where(condition, a, b) instead of if, "
            "and no float(...)."
        )
        raise ConfigError(message(who, expected, error=type(error).__name__, fix=fix)) from error
    fix = "End the function with `return`."
    require(result is not None, who, "one number per row", received=None, fix=fix)
    values = jnp.asarray(result)
    if values.shape == out.shape:
        return values.mean(-1)
    rows = out.shape[:-1]
    expected = f"one number per row, shape {rows}, or one per output, shape {out.shape}"
    fix = (
        "Write jnp.mean(..., axis=-1). Glassnet itself takes the mean over the rows, without the "
        "padding rows."
    )
    ok = values.ndim > 0 and values.shape == rows[: values.ndim]
    require(ok, who, expected, fix=fix, shape=values.shape)
    return values
