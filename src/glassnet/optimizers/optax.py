"""The optimizer that wraps an optax transformation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax

from glassnet.errors import ConfigError, message, require
from glassnet.optimizers.optimizer import Optimizer, check_fields
from glassnet.schedules import Schedule
from glassnet.types import Array, Params


@dataclass(frozen=True)
class Optax(Optimizer):
    """Optax transformation as an optimizer: w <- w + eta u, with the update u from optax.

    The learning rate of the transformation is part of u. eta is a factor on the update, so that
    callbacks and schedules work. The transformation, and the function of an optax mask, get the
    params as a tuple with one entry per link: a dict of arrays, or None.

    Two of these are equal only if they hold the same transformation object. Optax makes a new
    object at every call, so each one is compiled again.

    Args:
        tx: an `optax.GradientTransformation`, or an object with its methods `init(params)` and
            `update(gradients, state, params)`.
        learning_rate: eta (dimensionless), or a `Schedule` of it.

    Raises:
        ConfigError: `tx` has no such methods, or its update needs more arguments, such as the loss.

    Example:
        >>> import optax
        >>> descent = Optax(optax.chain(optax.clip(1.0), optax.sgd(0.1)))
        >>> w = jax.numpy.float32(1.0)
        >>> print(f"{descent.update(jax.numpy.float32(2.0), descent.init(w), w, 1.0)[0]:.4f}")
        0.9000

    Source: DeepMind's optax, an optional dependency: `pip install glassnet[optax]`.
    """

    tx: Any
    learning_rate: float | Schedule = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        fix = "Call the function of optax: Optax(optax.adam(0.001))."
        require(
            is_transformation(self.tx),
            "Optax",
            "an optax.GradientTransformation, with init and update",
            tx=self.tx,
            fix=fix,
        )
        check_fields(self)

    def init(self, params: Params) -> Any:
        """Return the state of the transformation."""
        return self.tx.init(params)

    def update(self, grads: Params, state: Any, params: Params, lr: Array) -> tuple[Params, Any]:
        """Return the params and the state after one step."""
        try:
            step, new = self.tx.update(grads, state, params)
        except TypeError as error:
            expected = "a transformation that needs only gradients, state and params"
            raise ConfigError(message("Optax", expected, error=str(error))) from error
        return jax.tree.map(lambda p, u: p + lr * u, params, step), new


def is_transformation(value: Any) -> bool:
    """Return whether `value` has the methods of an optax transformation and is no `Optimizer`."""
    return not isinstance(value, Optimizer) and all(
        callable(getattr(value, name, None)) for name in ("init", "update")
    )
