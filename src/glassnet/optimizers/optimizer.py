"""What every optimizer is, and what their starts and checks share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_number, require
from glassnet.schedules import Schedule, check_learning_rate
from glassnet.types import Array, Params

Slots = dict[str, Any]


@dataclass(frozen=True)
class Optimizer(ABC):
    """What every optimizer is.

    The training loop hands `update` the rate of the step as `lr`, and gradients that are clipped
    already: a norm is sqrt(sum(g^2)), and g <- g c / max(norm, c) keeps it within c. At most one
    kind of clipping can be had.

    Args:
        learning_rate: eta, weight per unit of gradient (dimensionless in Adam and RMSprop, which
            normalise it), or a `Schedule` of it.
        clipnorm: c of each array of gradients by itself; None for no such bound.
        clipvalue: the largest size of any one gradient: g <- min(max(g, -clipvalue), clipvalue).
        global_clipnorm: c of all gradients together, which keeps their direction.
    """

    learning_rate: float | Schedule
    clipnorm: float | None = field(default=None, kw_only=True)
    clipvalue: float | None = field(default=None, kw_only=True)
    global_clipnorm: float | None = field(default=None, kw_only=True)

    @abstractmethod
    def init(self, params: Params) -> Slots:
        """What is remembered before the first step: trees like `params`, in NumPy."""

    @abstractmethod
    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """One step: new params and new state. Pure; `lr` is the rate of this step."""


def zeros_like(params: Params) -> Params:
    """A tree like `params`, of zeros."""
    return jax.tree.map(lambda p: np.zeros(p.shape, p.dtype), params)


def clip_gradients(optimizer: Optimizer, grads: Params) -> Params:
    """The gradients within what the optimizer allows."""
    norm, value, whole = (getattr(optimizer, name) for name in CLIPPING_FIELDS)
    if norm is not None:
        return jax.tree.map(lambda g: _clip_by_norm(norm, g), grads)
    if value is not None:
        return jax.tree.map(lambda g: jnp.clip(g, -value, value), grads)
    return grads if whole is None else _clip_by_norm(whole, grads)


def _clip_by_norm(bound: float, grads: Params) -> Params:
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
    factor = bound / jnp.maximum(norm, bound)
    return jax.tree.map(lambda g: g * factor, grads)


CLIPPING_FIELDS = ("clipnorm", "clipvalue", "global_clipnorm")


def check_fields(
    optimizer: Optimizer,
    *,
    positive: tuple[str, ...] = (),
    fractions: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
) -> None:
    """Raise ConfigError where a field is not a number > 0, in [0, 1) or a bool, as its name is
    listed; or not what every optimizer's is.
    """
    who = type(optimizer).__name__
    fields = vars(optimizer)
    check_learning_rate(optimizer, optimizer.learning_rate)
    clips = {name: fields[name] for name in CLIPPING_FIELDS if fields[name] is not None}
    for name in (*positive, *clips):
        require(
            is_number(fields[name]) and fields[name] > 0,
            who,
            f"{name} to be a number > 0",
            **{name: fields[name]},
        )
    require(len(clips) < 2, who, "one kind of clipping at most", **clips)
    for name in fractions:
        require(
            is_number(fields[name]) and 0 <= fields[name] < 1,
            who,
            f"{name} to be a number in [0, 1)",
            **{name: fields[name]},
        )
    for name in flags:
        require(isinstance(fields[name], bool), who, f"{name} to be a bool", **{name: fields[name]})
