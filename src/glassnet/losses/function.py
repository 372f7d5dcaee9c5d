"""A function of your own as a loss: any JAX function of targets and predictions that gives a number
per row.
"""

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
    """A function as a loss: l = function(y, yhat), a number per row. `compile(loss=function)` makes
    one.

    Two are equal where their functions are one and the same: a function that is defined anew is
        compiled anew.

    Shapes: y and z (batch, ..., outputs) -> rows (batch, ...).

    Args:
        function: of targets and predictions of one shape, (batch, ..., outputs), written in
            jax.numpy. It gives a number per row, or one per output: then the mean over the last
            axis is taken.

    Raises:
        ConfigError: where it does not take two arguments, gives neither, gives no floats, or is not
            written in jax.numpy.

    Example:
        >>> def fourth_power(y_true, y_pred):
        ...     return jnp.mean((y_true - y_pred) ** 4, axis=-1)
        >>> print(f"{FunctionLoss(fourth_power)([1.0, 2.0], jnp.array([1.0, 4.0])):.1f}")  # (0 + 16) / 2
        8.0
    """

    function: Callable[[Array, Array], Array]

    def __post_init__(self) -> None:
        check_two_arguments(self.function)

    @property
    def display_name(self) -> str:
        """The function's name."""
        return function_name(self.function)

    def unreduced(self, y: Array, z: Array) -> Array:
        """What the function gives for each row."""
        got = call_unreduced(self.function, y, z)
        floats = jnp.issubdtype(got.dtype, jnp.floating)
        require(
            floats,
            self.display_name,
            "floats: a loss needs a slope",
            dtype=str(got.dtype),
            fix="Use it as a metric: metrics=[...].",
        )
        return got


def is_function(value: Any) -> bool:
    """Whether `value` is a function or the like: callable, and neither a class nor a part (a loss,
    a metric).
    """
    return callable(value) and not isinstance(value, type) and not is_dataclass(value)


def function_name(function: Any) -> str:
    """What a function is called: its own name, or its class's where it has none."""
    return getattr(function, "__name__", type(function).__name__)


def check_two_arguments(function: Callable[..., Any]) -> None:
    """Refuse a function that cannot be called as function(y_true, y_pred)."""
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
        return  # written in C, and silent about its arguments


def call_unreduced(function: Callable[[Array, Array], Array], y: Array, out: Array) -> Array:
    """What `function` gives for every row of (batch, ..., outputs): its numbers, or their mean over
    the last axis where it has one each.

    Raises:
        ConfigError: where it gives another shape, a single number above all, or is not written in
            jax.numpy.
    """
    who = function_name(function)
    try:
        given = function(y, out)
    except jax.errors.JAXTypeError as error:
        remedy = "jnp.mean for np.mean, jnp.where(condition, a, b) for if, no float(...)."
        what = type(error).__name__
        expected = "a function written in jax.numpy, which compiles"
        raise ConfigError(
            message(
                who,
                expected,
                error=what,
                fix=f"It is called once, on arrays without numbers: {remedy}",
            )
        ) from error
    require(
        given is not None, who, "a number per row", received=None, fix="Does it end in `return`?"
    )
    got = jnp.asarray(given)
    if got.shape == out.shape:
        return got.mean(-1)
    rows = out.shape[:-1]
    expected = f"a number per row, shape {rows}, or one per output, shape {out.shape}"
    fix = "Write jnp.mean(..., axis=-1): the mean over the rows is taken for you, without the padded ones."
    require(got.ndim > 0 and got.shape == rows[: got.ndim], who, expected, fix=fix, shape=got.shape)
    return got
