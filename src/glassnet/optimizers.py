"""Optimizers: how gradients move weights. Each is a frozen dataclass with two pure functions, `init` and `update`.

In the formulas w is a weight, g its gradient, eta the learning rate, t the step counted from 1. The arithmetic is Keras's.
`params` and `grads` are pytrees of one form; None marks what is frozen and gets no slot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_number, lookup, require
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
        """What is remembered before the first step: trees like `params`, in NumPy zeros."""

    @abstractmethod
    def update(self, grads: Params, state: Slots, params: Params, lr: Array) -> tuple[Params, Slots]:
        """One step: new params and new state. Pure; `lr` is the rate of this step."""


def _zeros(params: Params) -> Params:
    return jax.tree.map(lambda p: np.zeros(p.shape, p.dtype), params)


def _check(optimizer: Optimizer, *, positive: tuple[str, ...], fractions: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> None:
    who = type(optimizer).__name__
    fields = vars(optimizer)
    for name in positive:
        require(is_number(fields[name]) and fields[name] > 0, who, f"{name} to be a number > 0", **{name: fields[name]})
    for name in fractions:
        require(is_number(fields[name]) and 0 <= fields[name] < 1, who, f"{name} to be a number in [0, 1)", **{name: fields[name]})
    for name in flags:
        require(isinstance(fields[name], bool), who, f"{name} to be a bool", **{name: fields[name]})


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: w <- w - eta g; with momentum m: v <- m v - eta g, w <- w + v (Nesterov: w <- w + m v - eta g).

    Args:
        learning_rate: eta, weight per unit of gradient.
        momentum: m, the fraction of the last step that is kept; 0 keeps no memory at all.
        nesterov: look ahead: take the momentum's step before the gradient counts.

    Raises:
        ConfigError: where learning_rate is not > 0 or momentum not in [0, 1).

    Example:
        >>> sgd = SGD(learning_rate=0.1)
        >>> w = np.float32(1.0)
        >>> print(sgd.update(np.float32(2.0), sgd.init(w), w, 0.1)[0])
        0.8

    Source: lecture 003, w' = w - eta dJ/dw; Polyak 1964; Sutskever et al. 2013, eq. 3 and 4.
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        _check(self, positive=("learning_rate",), fractions=("momentum",), flags=("nesterov",))

    def init(self, params: Params) -> Slots:
        """A velocity per weight, where there is momentum."""
        return {} if self.momentum == 0 else {"velocity": _zeros(params)}

    def update(self, grads: Params, state: Slots, params: Params, lr: Array) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        if "velocity" not in state:
            return jax.tree.map(lambda p, g: p - lr * g, params, grads), state
        velocity = jax.tree.map(lambda v, g: self.momentum * v - lr * g, state["velocity"], grads)
        if self.nesterov:
            return jax.tree.map(lambda p, v, g: p + (self.momentum * v - lr * g), params, velocity, grads), {"velocity": velocity}
        return jax.tree.map(jnp.add, params, velocity), {"velocity": velocity}


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """A rate per weight from its recent gradients: v <- rho v + (1 - rho) g^2, w <- w - eta g / sqrt(v + epsilon).

    Args:
        learning_rate: eta, weight per step of a steady gradient.
        rho: the fraction of v that is kept.
        momentum: the fraction of the last step that is kept: m <- momentum m + step, w <- w - m; 0 keeps no memory of steps.
        epsilon: added to v, in its unit (gradient squared), so that no step divides by zero.
        centered: divide by the variance instead: v - (mean g)^2.

    Raises:
        ConfigError: where learning_rate or epsilon is not > 0, or rho or momentum not in [0, 1).

    Example:
        >>> rmsprop = RMSprop(learning_rate=0.1)
        >>> w = np.float32(1.0)
        >>> print(f"{rmsprop.update(np.float32(2.0), rmsprop.init(w), w, 0.1)[0]:.4f}")
        0.6838

    Source: Tieleman and Hinton 2012, lecture 6.5; lecture 000, optimizers.
    """

    learning_rate: float = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def __post_init__(self) -> None:
        _check(self, positive=("learning_rate", "epsilon"), fractions=("rho", "momentum"), flags=("centered",))

    def init(self, params: Params) -> Slots:
        """A mean square per weight; a mean and a momentum where they are asked for."""
        names = ["velocity"] + ["average_gradient"] * self.centered + ["momentum"] * (self.momentum > 0)
        return {name: _zeros(params) for name in names}

    def update(self, grads: Params, state: Slots, params: Params, lr: Array) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        rho = self.rho
        velocity = jax.tree.map(lambda v, g: rho * v + (1 - rho) * g * g, state["velocity"], grads)
        new, variance = {"velocity": velocity}, velocity
        if self.centered:
            mean = jax.tree.map(lambda a, g: rho * a + (1 - rho) * g, state["average_gradient"], grads)
            new["average_gradient"], variance = mean, jax.tree.map(lambda v, a: v - a * a, velocity, mean)
        step = jax.tree.map(lambda g, v: lr * g / jnp.sqrt(v + self.epsilon), grads, variance)
        if "momentum" in state:
            new["momentum"] = step = jax.tree.map(lambda m, s: self.momentum * m + s, state["momentum"], step)
        return jax.tree.map(jnp.subtract, params, step), new


@dataclass(frozen=True)
class Adam(Optimizer):
    """Momentum over RMSprop: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, w <- w - eta' m / (sqrt(v) + epsilon).

    m and v start at zero, and eta' = eta sqrt(1 - b2^t) / (1 - b1^t) makes up for it.

    Args:
        learning_rate: eta, weight per step of a steady gradient.
        beta_1: b1, the fraction of m that is kept.
        beta_2: b2, the fraction of v that is kept.
        epsilon: added to sqrt(v), in its unit (gradient), so that no step divides by zero.
        amsgrad: divide by the largest v so far.

    Raises:
        ConfigError: where learning_rate or epsilon is not > 0, or a beta not in [0, 1).

    Example:
        The first step is eta, whatever the gradient:

        >>> adam = Adam(learning_rate=0.1)
        >>> w = np.float32(1.0)
        >>> print(f"{adam.update(np.float32(2.0), adam.init(w), w, 0.1)[0]:.4f}")
        0.9000

    Source: Kingma and Ba 2015, algorithm 1 in the order of section 2's last paragraph; Reddi et al. 2018 for amsgrad.
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def __post_init__(self) -> None:
        _check(self, positive=("learning_rate", "epsilon"), fractions=("beta_1", "beta_2"), flags=("amsgrad",))

    def init(self, params: Params) -> Slots:
        """The count of steps, a mean and a mean square per weight; the largest mean square where it is asked for."""
        names = ["momentum", "velocity"] + ["velocity_hat"] * self.amsgrad
        return {"step": np.int32(0), **{name: _zeros(params) for name in names}}

    def update(self, grads: Params, state: Slots, params: Params, lr: Array) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        step = state["step"] + 1
        t = jnp.asarray(step, jnp.float32)
        rate = lr * jnp.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        momentum = jax.tree.map(lambda m, g: m + (g - m) * (1 - self.beta_1), state["momentum"], grads)
        velocity = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - self.beta_2), state["velocity"], grads)
        new, largest = {"step": step, "momentum": momentum, "velocity": velocity}, velocity
        if self.amsgrad:
            new["velocity_hat"] = largest = jax.tree.map(jnp.maximum, state["velocity_hat"], velocity)
        return jax.tree.map(lambda p, m, v: p - m * rate / (jnp.sqrt(v) + self.epsilon), params, momentum, largest), new


OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam}


def get(value: str | Optimizer) -> Optimizer:
    """The optimizer called `value`, or `value` itself where it is one already.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor an optimizer.

    Example:
        >>> get("sgd")
        SGD(learning_rate=0.01, momentum=0.0, nesterov=False)
    """
    if isinstance(value, str):
        return lookup("optimizer", value, OPTIMIZERS)()
    require(isinstance(value, Optimizer), "optimizer", "a name or an Optimizer", optimizer=value)
    return value
