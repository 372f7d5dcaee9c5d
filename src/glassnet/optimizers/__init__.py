"""Optimizers: frozen dataclasses with two pure functions, `init` and `update`.

In the formulas w is a weight, g its gradient, eta the learning rate, and t the step, counted from
1. The arithmetic is that of Keras. `params` and `grads` are pytrees of the same structure. None
marks frozen parameters, which have no optimizer state. Every optimizer accepts a number or a
`Schedule` as its learning rate, and clipnorm, clipvalue or global_clipnorm to clip gradients: see
`Optimizer`.
"""

from __future__ import annotations

from collections.abc import Callable

from glassnet.errors import lookup, require, require_frozen_dataclass
from glassnet.optimizers.adam import Adam, Adamax, AdamW, Nadam
from glassnet.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from glassnet.optimizers.optax import Optax, is_transformation
from glassnet.optimizers.optimizer import Optimizer, check_fields
from glassnet.optimizers.sgd import SGD, Lion
from glassnet.suggestions import publish

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optax",
    "Optimizer",
    "RMSprop",
    "get",
]

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "sgd": SGD,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": Nadam,
    "lion": Lion,
}


def get(value: str | Optimizer) -> Optimizer:
    """Return the optimizer for a name, or the optimizer itself.

    Raises:
        ConfigError: `value` is an unknown name, neither a name nor an optimizer, or not a frozen
            dataclass; or its learning rate or clipping is invalid.

    Example:
        >>> get("sgd") == SGD(learning_rate=0.01)
        True
    """
    if isinstance(value, str):
        return lookup("optimizer", value, OPTIMIZERS)()
    fix = "Wrap it: optimizers.Optax(...)." if is_transformation(value) else ""
    fix = f"Write {value.__name__}()." if isinstance(value, type) else fix
    require(
        isinstance(value, Optimizer),
        "optimizer",
        "a name or an Optimizer",
        optimizer=value,
        fix=fix,
    )
    require_frozen_dataclass(value)
    check_fields(value)
    return value


publish(__name__, [name for name in __all__ if name != "OPTIMIZERS"])
