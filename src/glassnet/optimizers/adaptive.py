"""A rate per weight, from the squares of its gradients."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_number, require
from glassnet.optimizers.optimizer import Optimizer, Slots, check_fields, zeros_like
from glassnet.schedules import Schedule
from glassnet.types import Array, Params


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """A rate per weight from its recent gradients: v <- rho v + (1 - rho) g^2, w <- w - eta g /
    sqrt(v + epsilon).

    Args:
        learning_rate: eta, weight per step of a steady gradient.
        rho: the fraction of v that is kept.
        momentum: the fraction of the last step that is kept: m <- momentum m + step, w <- w - m; 0
            keeps no memory of steps.
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

    learning_rate: float | Schedule = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def __post_init__(self) -> None:
        check_fields(
            self, positive=("epsilon",), fractions=("rho", "momentum"), flags=("centered",)
        )

    def init(self, params: Params) -> Slots:
        """A mean square per weight; a mean and a momentum where they are asked for."""
        names = (
            ["velocity"] + ["average_gradient"] * self.centered + ["momentum"] * (self.momentum > 0)
        )
        return {name: zeros_like(params) for name in names}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        rho = self.rho
        velocity = jax.tree.map(lambda v, g: rho * v + (1 - rho) * g * g, state["velocity"], grads)
        new, variance = {"velocity": velocity}, velocity
        if self.centered:
            mean = jax.tree.map(
                lambda a, g: rho * a + (1 - rho) * g, state["average_gradient"], grads
            )
            new["average_gradient"], variance = (
                mean,
                jax.tree.map(lambda v, a: v - a * a, velocity, mean),
            )
        step = jax.tree.map(lambda g, v: lr * g / jnp.sqrt(v + self.epsilon), grads, variance)
        if "momentum" in state:
            new["momentum"] = step = jax.tree.map(
                lambda m, s: self.momentum * m + s, state["momentum"], step
            )
        return jax.tree.map(jnp.subtract, params, step), new


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """A rate per weight that only falls: a <- a + g^2, w <- w - eta g / sqrt(a + epsilon).

    Args:
        learning_rate: eta, weight per step of a gradient that is the first.
        initial_accumulator_value: a before the first step, in its unit (gradient squared).
        epsilon: added to a, in its unit, so that no step divides by zero.

    Raises:
        ConfigError: where learning_rate or epsilon is not > 0, or initial_accumulator_value not >=
            0.

    Example:
        >>> adagrad = Adagrad(learning_rate=0.1)
        >>> w = np.float32(1.0)
        >>> print(f"{adagrad.update(np.float32(2.0), adagrad.init(w), w, 0.1)[0]:.4f}")
        0.9012

    Source: Duchi et al. 2011, figure 1 with a diagonal matrix.
    """

    learning_rate: float | Schedule = 0.001
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_fields(self, positive=("epsilon",))
        start = self.initial_accumulator_value
        ok = is_number(start) and start >= 0
        require(
            ok,
            "Adagrad",
            "initial_accumulator_value to be a number >= 0",
            initial_accumulator_value=start,
        )

    def init(self, params: Params) -> Slots:
        """A sum of squares per weight."""
        return {
            "accumulator": jax.tree.map(
                lambda p: np.full(p.shape, self.initial_accumulator_value, p.dtype), params
            )
        }

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        total = jax.tree.map(lambda a, g: a + g * g, state["accumulator"], grads)
        return jax.tree.map(
            lambda p, g, a: p - lr * g / jnp.sqrt(a + self.epsilon), params, grads, total
        ), {"accumulator": total}


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Steps in the weights' own unit: a <- rho a + (1 - rho) g^2, s = -g sqrt(d + epsilon) / sqrt(a
    + epsilon), w <- w + eta s.

    d is the mean square of the steps before: d <- rho d + (1 - rho) s^2.

    Args:
        learning_rate: eta (dimensionless); the paper's is 1.
        rho: the fraction of a and of d that is kept.
        epsilon: added to both, so that no step divides by zero and the first is not zero.

    Raises:
        ConfigError: where learning_rate or epsilon is not > 0, or rho not in [0, 1).

    Example:
        >>> adadelta = Adadelta(learning_rate=1.0)
        >>> w = np.float32(1.0)
        >>> print(f"{adadelta.update(np.float32(2.0), adadelta.init(w), w, 1.0)[0]:.4f}")
        0.9986

    Source: Zeiler 2012, algorithm 1.
    """

    learning_rate: float | Schedule = 0.001
    rho: float = 0.95
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_fields(self, positive=("epsilon",), fractions=("rho",))

    def init(self, params: Params) -> Slots:
        """A mean square of gradients and one of steps per weight."""
        return {"accumulated_grad": zeros_like(params), "accumulated_delta_var": zeros_like(params)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """One step: new params and new state."""
        rho, epsilon, before = self.rho, self.epsilon, state["accumulated_delta_var"]
        squares = jax.tree.map(
            lambda a, g: rho * a + (1 - rho) * g * g, state["accumulated_grad"], grads
        )
        step = jax.tree.map(
            lambda d, g, a: -(jnp.sqrt(d + epsilon) * g / jnp.sqrt(a + epsilon)),
            before,
            grads,
            squares,
        )
        after = jax.tree.map(lambda d, s: rho * d + (1 - rho) * s * s, before, step)
        return jax.tree.map(lambda p, s: p + lr * s, params, step), {
            "accumulated_grad": squares,
            "accumulated_delta_var": after,
        }
