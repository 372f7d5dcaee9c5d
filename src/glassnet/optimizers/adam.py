"""Adam and its variants AdamW, Adamax and Nadam."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, require
from glassnet.optimizers.optimizer import Optimizer, Slots, check_fields, zeros_like
from glassnet.schedules import Schedule
from glassnet.types import Array, Params


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: w <- w - eta' m / (sqrt(v) + epsilon), with means m and v of gradients and squares.

    m <- b1 m + (1 - b1) g and v <- b2 v + (1 - b2) g^2 start at zero. The rate
    eta' = eta sqrt(1 - b2^t) / (1 - b1^t) corrects for that.

    Args:
        learning_rate: eta, the change of a weight per step under a constant gradient.
        beta_1: b1, the decay rate of m.
        beta_2: b2, the decay rate of v.
        epsilon: a number added to sqrt(v), in its unit (gradient), to avoid division by zero.
        amsgrad: whether to divide by the largest v so far.

    Raises:
        ConfigError: learning_rate or epsilon is not > 0, or a beta is not in [0, 1).

    Example:
        The first step is eta, whatever the gradient:

        >>> adam = Adam(learning_rate=0.1)
        >>> w = np.float32(1.0)
        >>> print(f"{adam.update(np.float32(2.0), adam.init(w), w, 0.1)[0]:.4f}")
        0.9000

    Source: Kingma and Ba 2015, algorithm 1 in the order of section 2's last paragraph; Reddi et al.
        2018 for amsgrad.
    """

    learning_rate: float | Schedule = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def __post_init__(self) -> None:
        check_fields(
            self, positive=("epsilon",), fractions=("beta_1", "beta_2"), flags=("amsgrad",)
        )

    def init(self, params: Params) -> Slots:
        """Return a step count and two means per weight, and with `amsgrad` the largest v."""
        return _init_adam(self, params)

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        return _adam_step(self, grads, state, params, lr)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay: w <- w - eta lambda w, then a step of Adam.

    Unlike an L2 penalty, the decay is not divided by the size of the gradients. All weights decay,
    including biases.

    Args:
        learning_rate: eta, the change of a weight per step under a constant gradient.
        weight_decay: lambda, the fraction of a weight lost per step and unit of eta.
        beta_1: b1, the decay rate of the mean gradient m.
        beta_2: b2, the decay rate of the mean square v.
        epsilon: a number added to sqrt(v), in its unit (gradient), to avoid division by zero.
        amsgrad: whether to divide by the largest v so far.

    Raises:
        ConfigError: learning_rate or epsilon is not > 0, weight_decay is not >= 0, or a beta is not
            in [0, 1).

    Example:
        >>> adamw = AdamW(learning_rate=0.1, weight_decay=0.5)
        >>> w = np.float32(1.0)
        >>> print(f"{adamw.update(np.float32(2.0), adamw.init(w), w, 0.1)[0]:.4f}")
        0.8500

    Source: Loshchilov and Hutter 2019, algorithm 2, with eta instead of their schedule.
    """

    learning_rate: float | Schedule = 0.001
    weight_decay: float = 0.004
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    amsgrad: bool = False

    def __post_init__(self) -> None:
        check_fields(
            self, positive=("epsilon",), fractions=("beta_1", "beta_2"), flags=("amsgrad",)
        )
        ok = is_float32(self.weight_decay) and self.weight_decay >= 0
        require(ok, "AdamW", "weight_decay to be a number >= 0", weight_decay=self.weight_decay)

    def init(self, params: Params) -> Slots:
        """Return the state of Adam."""
        return _init_adam(self, params)

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        decayed = jax.tree.map(lambda p: p - p * self.weight_decay * lr, params)
        return _adam_step(self, grads, state, decayed, lr)


@dataclass(frozen=True)
class Nadam(Optimizer):
    """Adam with Nesterov momentum, which looks one step ahead.

    w <- w - eta (u' m / (1 - U u') + (1 - u) g / (1 - U)) / (sqrt(v / (1 - b2^t)) + epsilon).
    m and v are those of Adam, u = b1 (1 - 0.96^t / 2), u' is the u of the next step, and U is the
    product of every u so far.

    Args:
        learning_rate: eta, the change of a weight per step under a constant gradient.
        beta_1: b1, the decay rate of m.
        beta_2: b2, the decay rate of v.
        epsilon: a number added to the root of v, in its unit (gradient), to avoid division by zero.

    Raises:
        ConfigError: learning_rate or epsilon is not > 0, or a beta is not in [0, 1).

    Example:
        >>> nadam = Nadam(learning_rate=0.1)
        >>> w = np.float32(1.0)
        >>> print(f"{nadam.update(np.float32(2.0), nadam.init(w), w, 0.1)[0]:.4f}")
        0.8937

    Source: Dozat 2016; the schedule of u and the product are Keras's.
    """

    learning_rate: float | Schedule = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_fields(self, positive=("epsilon",), fractions=("beta_1", "beta_2"))

    def init(self, params: Params) -> Slots:
        """Return a step count, the product of every u, and two means per weight."""
        return {
            "step": np.int32(0),
            "u_product": np.float32(1),
            "momentum": zeros_like(params),
            "velocity": zeros_like(params),
        }

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        new = _update_moments(self, grads, state)
        t = jnp.asarray(new["step"], jnp.float32)
        u, next_u = (self.beta_1 * (1 - 0.5 * 0.96**s) for s in (t, t + 1))
        new["u_product"] = product = state["u_product"] * u
        m_factor = next_u / (1 - product * next_u)
        g_factor = (1 - u) / (1 - product)
        v_correction = 1 - self.beta_2**t

        def step(p: Array, g: Array, m: Array, v: Array) -> Array:
            root = jnp.sqrt(v / v_correction) + self.epsilon
            return p - (m_factor * m + g_factor * g) * lr / root

        return jax.tree.map(step, params, grads, new["momentum"], new["velocity"]), new


@dataclass(frozen=True)
class Adamax(Optimizer):
    """Adam with the largest gradient instead of the mean square.

    w <- w - eta m / ((1 - b1^t) (u + epsilon)), with m <- b1 m + (1 - b1) g and
    u <- max(b2 u, |g|). Both start at zero.

    Args:
        learning_rate: eta, the change of a weight per step under a constant gradient.
        beta_1: b1, the decay rate of m.
        beta_2: b2, the decay rate of u.
        epsilon: a number added to u, in its unit (gradient), to avoid division by zero.

    Raises:
        ConfigError: learning_rate or epsilon is not > 0, or a beta is not in [0, 1).

    Example:
        >>> adamax = Adamax(learning_rate=0.1)
        >>> w = np.float32(1.0)
        >>> print(f"{adamax.update(np.float32(2.0), adamax.init(w), w, 0.1)[0]:.4f}")
        0.9000

    Source: Kingma and Ba 2015, algorithm 2; epsilon is Keras's.
    """

    learning_rate: float | Schedule = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self) -> None:
        check_fields(self, positive=("epsilon",), fractions=("beta_1", "beta_2"))

    def init(self, params: Params) -> Slots:
        """Return a step count, and a mean and a largest gradient per weight."""
        return {"step": np.int32(0), "momentum": zeros_like(params), "norm": zeros_like(params)}

    def update(
        self, grads: Params, state: Slots, params: Params, lr: Array
    ) -> tuple[Params, Slots]:
        """Return the params and the state after one step."""
        b1, b2 = self.beta_1, self.beta_2
        momentum = jax.tree.map(lambda m, g: m + (g - m) * (1 - b1), state["momentum"], grads)
        norm = jax.tree.map(lambda u, g: jnp.maximum(b2 * u, jnp.abs(g)), state["norm"], grads)
        step = state["step"] + 1
        correction = 1 - b1 ** jnp.asarray(step, jnp.float32)
        params = jax.tree.map(
            lambda p, m, u: p - lr * m / (correction * (u + self.epsilon)), params, momentum, norm
        )
        return params, {"step": step, "momentum": momentum, "norm": norm}


def _update_moments(adam: Adam | AdamW | Nadam, grads: Params, state: Slots) -> Slots:
    """Return the step count, the mean gradient and the mean square after one more step."""
    b1, b2 = adam.beta_1, adam.beta_2
    momentum = jax.tree.map(lambda m, g: m + (g - m) * (1 - b1), state["momentum"], grads)
    velocity = jax.tree.map(lambda v, g: v + (g * g - v) * (1 - b2), state["velocity"], grads)
    return {"step": state["step"] + 1, "momentum": momentum, "velocity": velocity}


def _init_adam(adam: Adam | AdamW, params: Params) -> Slots:
    names = ["momentum", "velocity"] + ["velocity_hat"] * adam.amsgrad
    return {"step": np.int32(0), **{name: zeros_like(params) for name in names}}


def _adam_step(
    adam: Adam | AdamW, grads: Params, state: Slots, params: Params, lr: Array
) -> tuple[Params, Slots]:
    new = _update_moments(adam, grads, state)
    t, largest = jnp.asarray(new["step"], jnp.float32), new["velocity"]
    rate = lr * jnp.sqrt(1 - adam.beta_2**t) / (1 - adam.beta_1**t)
    if adam.amsgrad:
        new["velocity_hat"] = largest = jax.tree.map(jnp.maximum, state["velocity_hat"], largest)

    def step(p: Array, m: Array, v: Array) -> Array:
        return p - m * rate / (jnp.sqrt(v) + adam.epsilon)

    return jax.tree.map(step, params, new["momentum"], largest), new
