"""Gradient descent and Lion, which follow the gradient or its sign."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.optimizers.optimizer import Optimizer, Slots, check_fields, zeros_like
from glassnet.schedules import Schedule
from glassnet.types import Array, Params


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: w <- w - eta g.

    With momentum m: v <- m v - eta g, then w <- w + v, or w <- w + m v - eta g with `nesterov`.

    Args:
        learning_rate: eta, the change of a weight per unit of gradient.
        momentum: m, the fraction of the last step that is repeated.
        nesterov: whether to use Nesterov momentum, which looks one step ahead.

    Raises:
        ConfigError: learning_rate is not > 0, or momentum is not in [0, 1).

    Example:
        >>> sgd = SGD(learning_rate=0.1)
        >>> w = jnp.float32(1.0)
        >>> print(sgd.update(jnp.float32(2.0), sgd.init(w), w, 0.1)[0])
        0.8

    Source: lecture 003, w' = w - eta dJ/dw; Polyak 1964; Sutskever et al. 2013, eq. 3 and 4.
    """

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_fields(self, fractions=("momentum",), flags=("nesterov",))

    def init(self, params: Params) -> Slots:
        """Return a velocity per weight if there is momentum."""
        return {} if self.momentum == 0 else {"velocity": zeros_like(params)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        if "velocity" not in state:
            return jax.tree.map(lambda p, g: p - lr * g, params, grads), state
        velocity = jax.tree.map(lambda v, g: self.momentum * v - lr * g, state["velocity"], grads)
        step = velocity
        if self.nesterov:
            step = jax.tree.map(lambda v, g: self.momentum * v - lr * g, velocity, grads)
        return jax.tree.map(jnp.add, params, step), {"velocity": velocity}


@dataclass(frozen=True)
class Lion(Optimizer):
    """Lion: w <- w - eta sign(b1 m + (1 - b1) g), then the momentum m <- b2 m + (1 - b2) g.

    Every weight changes by eta in every step, so use a third to a tenth of Adam's eta.

    Args:
        learning_rate: eta, the change of a weight per step.
        beta_1: b1, the share of m in the sign. The share of the current gradient is 1 - b1.
        beta_2: b2, the decay rate of m.

    Raises:
        ConfigError: learning_rate is not > 0, or a beta is not in [0, 1).

    Example:
        >>> lion = Lion(learning_rate=0.1)
        >>> w = jnp.float32(1.0)
        >>> print(f"{lion.update(jnp.float32(2.0), lion.init(w), w, 0.1)[0]:.4f}")
        0.9000

    Source: Chen et al. 2023, algorithm 2.
    """

    learning_rate: float | Schedule = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.99

    def __post_init__(self) -> None:
        check_fields(self, fractions=("beta_1", "beta_2"))

    def init(self, params: Params) -> Slots:
        """Return a mean gradient per weight."""
        return {"momentum": zeros_like(params)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        momentum, b1, b2 = state["momentum"], self.beta_1, self.beta_2

        def step(p: Array, m: Array, g: Array) -> Array:
            return p - lr * jnp.sign(m * b1 + g * (1 - b1))

        new = jax.tree.map(step, params, momentum, grads)
        return new, {"momentum": jax.tree.map(lambda m, g: m * b2 + g * (1 - b2), momentum, grads)}
