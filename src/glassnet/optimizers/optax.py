"""Whatever optax has, as an optimizer."""

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
    """An optax transformation: w <- w + eta u, where u is what it makes of the gradients.

    Its own learning rate is part of u; eta is a factor on the whole step, so that callbacks and
    schedules work here too. To optax the params are a tuple with one entry per link, a dict of
    arrays or None, and so they are to the function of a mask.

    Two of these are equal only where they hold the same transformation, and optax makes a new one
        at every call: each compiles anew.

    Args:
        tx: an `optax.GradientTransformation`, or whatever has its `init(params)` and
            `update(gradients, state, params)`.
        learning_rate: eta (dimensionless), or a `Schedule` of it.

    Raises:
        ConfigError: tx has no such functions; in training, its update wants more than these (the
            loss, for example).

    Example:
        >>> import optax
        >>> descent = Optax(optax.chain(optax.clip(1.0), optax.sgd(0.1)))
        >>> w = jax.numpy.float32(1.0)
        >>> print(f"{descent.update(jax.numpy.float32(2.0), descent.init(w), w, 1.0)[0]:.4f}")
        0.9000

    Source: DeepMind's optax; it is not installed with glassnet: `pip install glassnet[optax]`.
    """

    tx: Any
    learning_rate: float | Schedule = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        fix = "Write Optax(optax.adam(0.001)): call the function of optax."
        require(
            is_transformation(self.tx),
            "Optax",
            "an optax.GradientTransformation, with init and update",
            tx=self.tx,
            fix=fix,
        )
        check_fields(self)

    def init(self, params: Params) -> Any:
        """What the transformation remembers, in its own form."""
        return self.tx.init(params)

    def update(self, grads: Params, state: Any, params: Params, lr: Array) -> tuple[Params, Any]:
        """One step: new params and new state."""
        try:
            step, new = self.tx.update(grads, state, params)
        except TypeError as error:
            fix = f"It said: {error}."
            raise ConfigError(
                message(
                    "Optax",
                    "a transformation that needs gradients, state and params alone",
                    fix=fix,
                )
            ) from error
        return jax.tree.map(lambda p, u: p + lr * u, params, step), new


def is_transformation(thing: Any) -> bool:
    """Whether it has the two functions of an optax transformation, and is no optimizer of ours."""
    return not isinstance(thing, Optimizer) and all(
        callable(getattr(thing, name, None)) for name in ("init", "update")
    )
