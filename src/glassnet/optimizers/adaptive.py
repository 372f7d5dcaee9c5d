"""Optimizers that adapt the rate of each weight to its gradients: RMSprop, Adagrad, Adadelta."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from glassnet.errors import is_float32, require
from glassnet.optimizers.optimizer import Optimizer, Slots, check_fields, full_like, zeros_like
from glassnet.schedules import Schedule
from glassnet.types import Array, Params


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop: w <- w - eta g / sqrt(v + epsilon), with v <- rho v + (1 - rho) g^2.

    v is a running mean of squared gradients, so that each weight has its own rate.

    Args:
        learning_rate: eta, the change of a weight per step under a constant gradient.
        rho: the decay rate of v.
        momentum: the fraction of the last step that is repeated: m <- momentum m + step,
            w <- w - m.
        epsilon: a number added to v, in its unit (gradient squared), to avoid division by zero.
        centered: whether to replace v by the variance v - (mean g)^2.

    Raises:
        ConfigError: learning_rate or epsilon is not > 0, or rho or momentum is not in [0, 1).

    Example:
        >>> rmsprop = RMSprop(learning_rate=0.1)
        >>> import numpy as np
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
        """Return a mean square per weight, and if needed a mean gradient and a momentum."""
        names = ["velocity"] + ["average_gradient"] * self.centered
        names += ["momentum"] * (self.momentum > 0)
        return {name: zeros_like(params) for name in names}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        rho = self.rho
        velocity = jax.tree.map(lambda v, g: rho * v + (1 - rho) * g * g, state["velocity"], grads)
        new, variance = {"velocity": velocity}, velocity
        if self.centered:
            mean = state["average_gradient"]
            mean = jax.tree.map(lambda m, g: rho * m + (1 - rho) * g, mean, grads)
            variance = jax.tree.map(lambda v, m: v - m * m, velocity, mean)
            new["average_gradient"] = mean
        step = jax.tree.map(lambda g, v: lr * g / jnp.sqrt(v + self.epsilon), grads, variance)
        if "momentum" in state:
            new["momentum"] = step = jax.tree.map(
                lambda m, s: self.momentum * m + s, state["momentum"], step
            )
        return jax.tree.map(jnp.subtract, params, step), new


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Adagrad: w <- w - eta g / sqrt(a + epsilon), with the sum of squares a <- a + g^2.

    The rate of each weight can only decrease.

    Args:
        learning_rate: eta, the change of a weight in the first step if a starts at 0.
        initial_accumulator_value: a before the first step, in its unit (gradient squared).
        epsilon: a number added to a, in its unit, to avoid division by zero.

    Raises:
        ConfigError: learning_rate or epsilon is not > 0, or initial_accumulator_value is not >= 0.

    Example:
        >>> adagrad = Adagrad(learning_rate=0.1)
        >>> import numpy as np
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
        require(
            is_float32(start) and start >= 0,
            "Adagrad",
            "initial_accumulator_value to be a number >= 0",
            initial_accumulator_value=start,
        )

    def init(self, params: Params) -> Slots:
        """Return a sum of squares per weight."""
        return {"accumulator": full_like(params, self.initial_accumulator_value)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        total = jax.tree.map(lambda a, g: a + g * g, state["accumulator"], grads)

        def step(p: Array, g: Array, a: Array) -> Array:
            return p - lr * g / jnp.sqrt(a + self.epsilon)

        return jax.tree.map(step, params, grads, total), {"accumulator": total}


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Adadelta: w <- w + eta s, with the step s = -g sqrt(d + epsilon) / sqrt(a + epsilon).

    a <- rho a + (1 - rho) g^2 is the mean square of gradients, and d <- rho d + (1 - rho) s^2 is
    the mean square of earlier steps. The step has the unit of the weights.

    Args:
        learning_rate: eta (dimensionless). The paper uses 1.
        rho: the decay rate of a and d.
        epsilon: a number added to both, to avoid division by zero and a first step of zero.

    Raises:
        ConfigError: learning_rate or epsilon is not > 0, or rho is not in [0, 1).

    Example:
        >>> adadelta = Adadelta(learning_rate=1.0)
        >>> import numpy as np
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
        """Return a mean square of gradients and one of steps per weight."""
        return {"accumulated_grad": zeros_like(params), "accumulated_delta_var": zeros_like(params)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        rho, epsilon = self.rho, self.epsilon
        squares, deltas = state["accumulated_grad"], state["accumulated_delta_var"]

        def step(d: Array, g: Array, a: Array) -> Array:
            return -(jnp.sqrt(d + epsilon) * g / jnp.sqrt(a + epsilon))

        squares = jax.tree.map(lambda a, g: rho * a + (1 - rho) * g * g, squares, grads)
        steps = jax.tree.map(step, deltas, grads, squares)
        deltas = jax.tree.map(lambda d, s: rho * d + (1 - rho) * s * s, deltas, steps)
        new = {"accumulated_grad": squares, "accumulated_delta_var": deltas}
        return jax.tree.map(lambda p, s: p + lr * s, params, steps), new
