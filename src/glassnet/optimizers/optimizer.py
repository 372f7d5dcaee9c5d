"""What every optimizer is, and what their starts and checks share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from glassnet.errors import is_number, require
from glassnet.types import Array, Params

Slots = dict[str, Any]


@dataclass(frozen=True)
class Optimizer(ABC):
    """What every optimizer is.

    Args:
        learning_rate: eta, weight per unit of gradient (dimensionless in Adam and RMSprop, which normalise it). The training loop
            hands it to `update` as `lr`, cut or scheduled.
    """

    learning_rate: float

    @abstractmethod
    def init(self, params: Params) -> Slots:
        """What is remembered before the first step: trees like `params`, in NumPy."""

    @abstractmethod
    def update(self, grads: Params, state: Slots, params: Params, lr: Array) -> tuple[Params, Slots]:
        """One step: new params and new state. Pure; `lr` is the rate of this step."""


def zeros(params: Params) -> Params:
    """A tree like `params`, of zeros."""
    return jax.tree.map(lambda p: np.zeros(p.shape, p.dtype), params)


def check(optimizer: Optimizer, *, positive: tuple[str, ...], fractions: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> None:
    """Raise ConfigError where a field of `optimizer` is not a number > 0, a number in [0, 1) or a bool, as its name is listed."""
    who = type(optimizer).__name__
    fields = vars(optimizer)
    for name in positive:
        require(is_number(fields[name]) and fields[name] > 0, who, f"{name} to be a number > 0", **{name: fields[name]})
    for name in fractions:
        require(is_number(fields[name]) and 0 <= fields[name] < 1, who, f"{name} to be a number in [0, 1)", **{name: fields[name]})
    for name in flags:
        require(isinstance(fields[name], bool), who, f"{name} to be a bool", **{name: fields[name]})
