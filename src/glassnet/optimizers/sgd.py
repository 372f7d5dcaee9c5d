"""Steps along the gradient or its sign."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.optimizers.optimizer import Optimizer, Slots, check_fields, zeros_like
from glassnet.schedules import Schedule
from glassnet.types import Array, Params


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: w <- w - eta g; with momentum m: v <- m v - eta g, w <- w + v (Nesterov: w
    <- w + m v - eta g).

    Args:
        learning_rate: eta, weight per unit of gradient.
        momentum: m, the fraction of the last step that is kept; 0 keeps no memory at all.
        nesterov: look ahead: take the momentum's step before the gradient counts.

    Raises:
        ConfigError: where learning_rate is not > 0 or momentum not in [0, 1).

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
        """A velocity per weight, where there is momentum."""
        return {} if self.momentum == 0 else {"velocity": zeros_like(params)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        if "velocity" not in state:
            return jax.tree.map(lambda p, g: p - lr * g, params, grads), state
        velocity = jax.tree.map(lambda v, g: self.momentum * v - lr * g, state["velocity"], grads)
        if self.nesterov:
            return jax.tree.map(
                lambda p, v, g: p + (self.momentum * v - lr * g), params, velocity, grads
            ), {"velocity": velocity}
        return jax.tree.map(jnp.add, params, velocity), {"velocity": velocity}


@dataclass(frozen=True)
class Lion(Optimizer):
    """The sign of a momentum: w <- w - eta sign(b1 m + (1 - b1) g), then m <- b2 m + (1 - b2) g.

    Every weight moves by eta in every step, so eta is best a third to a tenth of Adam's.

    Args:
        learning_rate: eta, weight per step.
        beta_1: b1, the share of m, against the gradient at hand, in the sign.
        beta_2: b2, the fraction of m that is kept.

    Raises:
        ConfigError: where learning_rate is not > 0, or a beta not in [0, 1).

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
        """A mean gradient per weight."""
        return {"momentum": zeros_like(params)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        momentum, b1, b2 = state["momentum"], self.beta_1, self.beta_2
        new = jax.tree.map(
            lambda p, m, g: p - lr * jnp.sign(m * b1 + g * (1 - b1)), params, momentum, grads
        )
        return new, {"momentum": jax.tree.map(lambda m, g: m * b2 + g * (1 - b2), momentum, grads)}
