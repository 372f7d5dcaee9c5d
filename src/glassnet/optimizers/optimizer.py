"""The base class of optimizers, gradient clipping and checks of their fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, require
from glassnet.schedules import Schedule, check_learning_rate
from glassnet.types import Array, Params

Slots = dict[str, Any]


@dataclass(frozen=True)
class Optimizer(ABC):
    """Base class of optimizers.

    The training loop passes `update` the rate of the step as `lr`, and gradients that are already
    clipped. A norm is sqrt(sum(g^2)), and g <- g c / max(norm, c) limits it to c. Only one kind of
    clipping can be used at a time.

    Args:
        learning_rate: eta, the change of a weight per unit of gradient, or a `Schedule` of it. In
            Adam and RMSprop, which normalize the gradient, it has the unit of the weight.
        clipnorm: the limit c for each array of gradients, or None.
        clipvalue: the limit for each single gradient: g <- min(max(g, -clipvalue), clipvalue).
        global_clipnorm: the limit c for all gradients together, which keeps their direction.
    """

    learning_rate: float | Schedule
    clipnorm: float | None = field(default=None, kw_only=True)
    clipvalue: float | None = field(default=None, kw_only=True)
    global_clipnorm: float | None = field(default=None, kw_only=True)

    @abstractmethod
    def init(self, params: Params) -> Slots:
        """Return the state before the first step: trees like `params`, of NumPy arrays."""

    @abstractmethod
    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step at the rate `lr`; a pure function."""


def full_like(params: Params, value: float) -> Params:
    """Return a tree like `params`, of one value: NumPy arrays, or tracers for tracers.

    So `jax.eval_shape` computes the shapes of a state without allocating it.
    """

    def fill(p: Array) -> Array:
        return (jnp if isinstance(p, jax.core.Tracer) else np).full(p.shape, value, p.dtype)

    return jax.tree.map(fill, params)


def zeros_like(params: Params) -> Params:
    """Return a tree like `params`, of zeros: see `full_like`."""
    return full_like(params, 0)


def clip_gradients(optimizer: Optimizer, grads: Params) -> Params:
    """Return the gradients, clipped as the optimizer demands."""
    norm, value, global_norm = (getattr(optimizer, name) for name in CLIPPING_FIELDS)
    if norm is not None:
        return jax.tree.map(lambda g: _clip_by_norm(norm, g), grads)
    if value is not None:
        return jax.tree.map(lambda g: jnp.clip(g, -value, value), grads)
    return grads if global_norm is None else _clip_by_norm(global_norm, grads)


def _clip_by_norm(limit: float, grads: Params) -> Params:
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
    factor = limit / jnp.maximum(norm, limit)
    return jax.tree.map(lambda g: g * factor, grads)


CLIPPING_FIELDS = ("clipnorm", "clipvalue", "global_clipnorm")


def check_fields(
    optimizer: Optimizer,
    *,
    positive: tuple[str, ...] = (),
    fractions: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
) -> None:
    """Raise `ConfigError` if a field is invalid.

    Args:
        optimizer: the optimizer. Its learning rate and clipping are checked too.
        positive: names of fields that must be numbers > 0.
        fractions: names of fields that must be numbers in [0, 1).
        flags: names of fields that must be bools.
    """
    who = type(optimizer).__name__
    fields = vars(optimizer)
    check_learning_rate(optimizer, optimizer.learning_rate)
    clips = {name: fields[name] for name in CLIPPING_FIELDS if fields[name] is not None}
    for name in (*positive, *clips):
        require(
            is_float32(fields[name]) and fields[name] > 0,
            who,
            f"{name} to be a number > 0",
            **{name: fields[name]},
        )
    require(len(clips) < 2, who, "at most one kind of clipping", **clips)
    for name in fractions:
        require(
            is_float32(fields[name]) and 0 <= fields[name] < 1,
            who,
            f"{name} to be a number in [0, 1)",
            **{name: fields[name]},
        )
    for name in flags:
        require(isinstance(fields[name], bool), who, f"{name} to be a bool", **{name: fields[name]})
