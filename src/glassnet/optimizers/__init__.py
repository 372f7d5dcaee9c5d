"""Optimizers: how gradients move weights. Each is a frozen dataclass with two pure functions, `init` and `update`.

In the formulas w is a weight, g its gradient, eta the learning rate, t the step counted from 1. The arithmetic is Keras's.
`params` and `grads` are pytrees of one form; None marks what is frozen and gets no slot.
"""

from __future__ import annotations

from collections.abc import Callable

from glassnet.errors import lookup, require, require_value
from glassnet.optimizers.adam import Adam, AdamW, Nadam
from glassnet.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from glassnet.optimizers.optimizer import Optimizer
from glassnet.optimizers.sgd import SGD, Lion

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Nadam",
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
    "nadam": Nadam,
    "lion": Lion,
}


def get(value: str | Optimizer) -> Optimizer:
    """The optimizer called `value`, or `value` itself where it is one already.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor an optimizer,
            or not a frozen dataclass.

    Example:
        >>> get("sgd")
        SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    """
    if isinstance(value, str):
        return lookup("optimizer", value, OPTIMIZERS)()
    require(isinstance(value, Optimizer), "optimizer", "a name or an Optimizer", optimizer=value)
    require_value(value)
    return value
