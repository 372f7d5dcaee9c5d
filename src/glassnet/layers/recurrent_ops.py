"""Recurrences as pure functions: a fast loop over time, and the reference loop that it must equal.

Time is the first axis throughout. `fast_scan` has its own backward pass, built on four ideas:

1. The backward loop has only what depends on time: all local gradients are computed before it.
2. The gradients of both kernels are one matrix product over all steps, after the loop.
3. Time comes first, so nothing is transposed inside.
4. One tanh serves all gates, because sigmoid(z) = tanh(z / 2) / 2 + 1/2. The factors 1/2 are
   multiplied into the weights.

It has no forward mode: a Hessian-vector product is a vjp of its vjp, or uses the reference loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from glassnet import activations
from glassnet.types import Array

States = tuple[Array, ...]
"""States passed from step to step, (batch, units) each: h, the output, and c of an LSTM."""


class RecurrentWeights(NamedTuple):
    """Weights of a recurrence, with the gates' columns side by side on the last axis.

    Attributes:
        kernel: W, (features, gates * units).
        recurrent_kernel: U, (units, gates * units).
        bias: b, added to x W, or None.
        recurrent_bias: b', added to h U, or None.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None = None
    recurrent_bias: Array | None = None


class StepValues(NamedTuple):
    """Values of all steps, (time, batch, units) each: the states after each step, and the gates."""

    states: States
    gates: tuple[Array, ...]


class Cell(ABC):
    """One step of a recurrence, for the reference loop and for the fast loop.

    In the fast loop, z = x W + b and u = h U + b' are already scaled by `gate_scales`.
    """

    gate_names: ClassVar[str]
    """One letter per gate, in the order of the kernels' columns."""
    state_names: ClassVar[str] = "h"
    """One letter per state."""
    gate_scales: ClassVar[tuple[float, ...]]
    """Scale of each gate's weights: 0.5 for a sigmoid, 1 for a tanh."""

    @property
    @abstractmethod
    def has_fast_path(self) -> bool:
        """Whether the fast loop supports this cell: only tanh and sigmoid."""

    @abstractmethod
    def reference_step(
        self, z: Sequence[Array], project: Callable[..., Sequence[Array]], states: States
    ) -> tuple[States, tuple[Array, ...]]:
        """Return the new states and the gates.

        Args:
            z: x W + b, one array per gate.
            project: function of (h, start, stop) that returns h U + b' for gates start to stop - 1.
            states: states before the step.
        """

    @abstractmethod
    def fast_step(self, z: Array, u: Array, states: States) -> tuple[Array, States]:
        """Return what `local_gradients` needs, and the new states."""

    @abstractmethod
    def local_gradients(
        self, saved: Array, previous: States, new: States
    ) -> tuple[States, tuple[Array | None, ...]]:
        """Return the local gradients of all steps at once.

        The first tuple is for `backward_step`. The second has d(new state)/d(previous state) for
        each state, elementwise, or None if it is 0.

        Args:
            saved: first result of `fast_step`, for all steps.
            previous: states before each step.
            new: states after each step.
        """

    @abstractmethod
    def backward_step(self, gradients: States, d: States) -> tuple[Array, Array, States]:
        """Return dL/dz, dL/du and the gradients to pass to the previous states.

        Args:
            gradients: this step's part of the first result of `local_gradients`.
            d: dL/d(states) after the step.
        """


@dataclass(frozen=True)
class SimpleCell(Cell):
    """Cell of SimpleRNN: h = f(z + u)."""

    activation: Any = "tanh"
    gate_names = "h"
    gate_scales = (1.0,)

    @property
    def has_fast_path(self) -> bool:
        return bool(self.activation == "tanh")

    def reference_step(
        self, z: Sequence[Array], project: Callable[..., Sequence[Array]], states: States
    ) -> tuple[States, tuple[Array, ...]]:
        h = activations.get(self.activation)(z[0] + project(states[0], 0, 1)[0])
        return (h,), (h,)

    def fast_step(self, z: Array, u: Array, states: States) -> tuple[Array, States]:
        return None, (jnp.tanh(z + u),)

    def local_gradients(
        self, saved: Array, previous: States, new: States
    ) -> tuple[States, tuple[Array | None, ...]]:
        return (1 - new[0] ** 2,), (None,)

    def backward_step(self, gradients: States, d: States) -> tuple[Array, Array, States]:
        dz = d[0] * gradients[0]
        return dz, dz, d


@dataclass(frozen=True)
class LSTMCell(Cell):
    """Cell of LSTM: i, f, o = s(z + u), g = t(z + u), c = f c + i g, h = o t(c)."""

    activation: Any = "tanh"
    recurrent_activation: Any = "sigmoid"
    gate_names = "ifgo"
    state_names = "hc"
    gate_scales = (0.5, 0.5, 1.0, 0.5)

    @property
    def has_fast_path(self) -> bool:
        return (self.activation, self.recurrent_activation) == ("tanh", "sigmoid")

    def reference_step(
        self, z: Sequence[Array], project: Callable[..., Sequence[Array]], states: States
    ) -> tuple[States, tuple[Array, ...]]:
        t, s = activations.get(self.activation), activations.get(self.recurrent_activation)
        i, f, g, o = (a + b for a, b in zip(z, project(states[0], 0, 4), strict=True))
        i, f, g, o = s(i), s(f), t(g), s(o)
        c = f * states[1] + i * g
        return (o * t(c), c), (i, f, g, o)

    def fast_step(self, z: Array, u: Array, states: States) -> tuple[Array, States]:
        gates = jnp.tanh(z + u)
        i, f, g, o = jnp.split(gates, 4, -1)
        c = _sigmoid_from_tanh(f) * states[1] + _sigmoid_from_tanh(i) * g
        return gates, (_sigmoid_from_tanh(o) * jnp.tanh(c), c)

    def local_gradients(
        self, saved: Array, previous: States, new: States
    ) -> tuple[States, tuple[Array | None, ...]]:
        i, f, g, o = jnp.split(saved, 4, -1)
        t = jnp.tanh(new[1])
        by_gate = (
            g * _sigmoid_gradient_from_tanh(i),
            previous[1] * _sigmoid_gradient_from_tanh(f),
            _sigmoid_from_tanh(i) * (1 - g * g),
            t * _sigmoid_gradient_from_tanh(o),
        )
        return (jnp.concatenate(by_gate, -1), _sigmoid_from_tanh(o) * (1 - t * t)), (
            None,
            _sigmoid_from_tanh(f),
        )

    def backward_step(self, gradients: States, d: States) -> tuple[Array, Array, States]:
        by_gate, through = gradients
        dh, dc = d[0], d[1] + d[0] * through
        dz = jnp.concatenate([dc, dc, dc, dh], -1) * by_gate
        return dz, dz, (dh, dc)


@dataclass(frozen=True)
class GRUCell(Cell):
    """Cell of GRU: z, r = s(z + u), g = t(z + r u), h = z h + (1 - z) g.

    With `reset_after` False, g = t(z + (r h) U + b').
    """

    activation: Any = "tanh"
    recurrent_activation: Any = "sigmoid"
    reset_after: bool = True
    gate_names = "zrg"
    gate_scales = (0.5, 0.5, 1.0)

    @property
    def has_fast_path(self) -> bool:
        return (self.activation, self.recurrent_activation, self.reset_after) == (
            "tanh",
            "sigmoid",
            True,
        )

    def reference_step(
        self, z: Sequence[Array], project: Callable[..., Sequence[Array]], states: States
    ) -> tuple[States, tuple[Array, ...]]:
        t, s = activations.get(self.activation), activations.get(self.recurrent_activation)
        (h,) = states
        update, reset, *after = project(h, 0, 3 if self.reset_after else 2)
        update, reset = s(z[0] + update), s(z[1] + reset)
        g = t(z[2] + (reset * after[0] if self.reset_after else project(reset * h, 2, 3)[0]))
        return (update * h + (1 - update) * g,), (update, reset, g)

    def fast_step(self, z: Array, u: Array, states: States) -> tuple[Array, States]:
        (h,) = states
        both = 2 * h.shape[-1]
        gates, inner = jnp.tanh(z[:, :both] + u[:, :both]), u[:, both:]
        update, reset = jnp.split(_sigmoid_from_tanh(gates), 2, -1)
        g = jnp.tanh(z[:, both:] + reset * inner)
        return jnp.concatenate([gates, g, inner], -1), (g + update * (h - g),)

    def local_gradients(
        self, saved: Array, previous: States, new: States
    ) -> tuple[States, tuple[Array | None, ...]]:
        update, reset, g, inner = jnp.split(saved, 4, -1)
        dg = (1 - _sigmoid_from_tanh(update)) * (1 - g * g)
        by_gate = (
            (previous[0] - g) * _sigmoid_gradient_from_tanh(update),
            dg * inner * _sigmoid_gradient_from_tanh(reset),
            dg,
        )
        return (jnp.concatenate(by_gate, -1), _sigmoid_from_tanh(reset)), (
            _sigmoid_from_tanh(update),
        )

    def backward_step(self, gradients: States, d: States) -> tuple[Array, Array, States]:
        by_gate, reset = gradients
        update, r, g = jnp.split(jnp.concatenate([d[0], d[0], d[0]], -1) * by_gate, 3, -1)
        return jnp.concatenate([update, r, g], -1), jnp.concatenate([update, r, g * reset], -1), d


def _sigmoid_from_tanh(t: Array) -> Array:
    """Return sigmoid(z) for t = tanh(z / 2)."""
    return t * 0.5 + 0.5


def _sigmoid_gradient_from_tanh(t: Array) -> Array:
    """Return the derivative of sigmoid(z) with respect to z / 2, for t = tanh(z / 2)."""
    return 0.5 - 0.5 * t * t


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def fast_scan(
    cell: Cell,
    reverse: bool,
    return_sequences: bool,
    x: Array,
    weights: RecurrentWeights,
    mask: Array | None,
) -> Array:
    """Return the outputs h of a recurrence that starts from zero states.

    They are (time, batch, units) with `return_sequences`, else (batch, units) of the last step.

    Args:
        cell: cell with `has_fast_path`.
        reverse: whether to run from the last step to the first.
        return_sequences: whether to return the outputs of all steps, in the order of x.
        x: (time, batch, features).
        weights: see `RecurrentWeights`.
        mask: real steps, (time, batch, 1), or None. At other steps the states stay the same.
    """
    return _forward(cell, reverse, return_sequences, x, weights, mask)[0]


def _forward(
    cell: Cell,
    reverse: bool,
    return_sequences: bool,
    x: Array,
    weights: RecurrentWeights,
    mask: Array | None,
) -> tuple[Array, Any]:
    units = weights.recurrent_kernel.shape[0]
    scales = jnp.concatenate([jnp.full(units, scale, x.dtype) for scale in cell.gate_scales])
    kernel, recurrent_kernel, bias, recurrent_bias = weights = RecurrentWeights(
        *(None if w is None else w * scales for w in weights)
    )

    def step(states: States, inputs: Any) -> Any:
        z, real = inputs
        z = z if bias is None else z + bias
        u = affine(states[0], recurrent_kernel, recurrent_bias)
        saved, new = cell.fast_step(z, u, states)
        new = hold_masked(real, new, states)
        return new, (saved, new)

    last, (saved, states) = lax.scan(
        step, initial_states(cell, x, units), (x @ kernel, mask), reverse=reverse
    )
    residuals = x, weights, scales, mask, saved, states
    return states[0] if return_sequences else last[0], residuals


def _backward(
    cell: Cell, reverse: bool, return_sequences: bool, residuals: Any, dy: Array
) -> tuple[Array, RecurrentWeights, None]:
    x, weights, scales, mask, saved, states = residuals
    zero = jnp.zeros_like(states[0][:1])
    previous = tuple(jnp.concatenate([a[1:], zero] if reverse else [zero, a[:-1]]) for a in states)
    gradients, direct = cell.local_gradients(saved, previous, states)
    if mask is not None:
        gradients = tuple(jnp.where(mask, gradient, 0) for gradient in gradients)
        direct = tuple(jnp.where(mask, 0 if a is None else a, 1).astype(x.dtype) for a in direct)
    recurrent_transpose = weights.recurrent_kernel.T

    def step(d: States, inputs: Any) -> Any:
        gradients, direct, dh = inputs
        d = d if dh is None else (d[0] + dh, *d[1:])
        dz, du, d = cell.backward_step(gradients, d)
        d = tuple(
            jnp.zeros_like(a) if share is None else a * share
            for a, share in zip(d, direct, strict=True)
        )
        return (d[0] + du @ recurrent_transpose, *d[1:]), (dz, None if du is dz else du)

    start = initial_states(cell, x, len(weights.recurrent_kernel))
    start = start if return_sequences else (dy, *start[1:])
    inputs = gradients, direct, dy if return_sequences else None
    _, (dz, du) = lax.scan(step, start, inputs, reverse=not reverse)
    grads = _weight_gradients(x, previous[0], dz, du, weights)
    scaled = RecurrentWeights(*(None if grad is None else grad * scales for grad in grads))
    return dz @ weights.kernel.T, scaled, None


def _weight_gradients(
    x: Array, h: Array, dz: Array, du: Array | None, weights: RecurrentWeights
) -> RecurrentWeights:
    """Return dL/d(weights) from all steps' dL/dz and dL/du, where a `du` of None equals `dz`."""
    if du is None:
        du = dz
        both = _sum_of_products(jnp.concatenate([x, h], -1), dz)
        kernel, recurrent_kernel = both[: x.shape[-1]], both[x.shape[-1] :]
    else:
        kernel, recurrent_kernel = _sum_of_products(x, dz), _sum_of_products(h, du)
    return RecurrentWeights(
        kernel,
        recurrent_kernel,
        None if weights.bias is None else dz.sum((0, 1)),
        None if weights.recurrent_bias is None else du.sum((0, 1)),
    )


def _sum_of_products(a: Array, b: Array) -> Array:
    """Return the sum of a^T b over time and batch.

    The axes stay apart: XLA cannot split a batch over devices if it is one axis with time.
    """
    return jnp.einsum("tbi,tbj->ij", a, b)


fast_scan.defvjp(_forward, _backward)


def reference_scan(
    cell: Cell,
    reverse: bool,
    return_sequences: bool,
    x: Array,
    weights: RecurrentWeights,
    mask: Array | None,
    dropout_factors: tuple[Array | None, Array | None] = (None, None),
    tap: Array | None = None,
) -> tuple[Array, StepValues]:
    """Return the outputs of `fast_scan`, and the values of all steps, for any cell and dropout.

    Args:
        cell, reverse, return_sequences, x, weights, mask: as for `fast_scan`.
        dropout_factors: factors of x, (batch, gates or 1, features), and of h, (batch, gates,
            units), the same at each step.
        tap: zeros (time, batch, units), added to h after each step. The derivative with respect to
            them is dL/dh.
    """
    units = weights.recurrent_kernel.shape[0]
    n = len(cell.gate_names)

    def project(h: Array, start: int, stop: int) -> Sequence[Array]:
        columns = slice(start * units, stop * units)
        kernel = weights.recurrent_kernel[:, columns]
        bias = None if weights.recurrent_bias is None else weights.recurrent_bias[columns]
        factors = None if dropout_factors[1] is None else dropout_factors[1][:, start:stop]
        return jnp.split(affine(h, kernel, bias, factors), stop - start, -1)

    def step(states: States, inputs: Any) -> Any:
        z, real, tap = inputs
        new, gates = cell.reference_step(jnp.split(z, n, -1), project, states)
        new = hold_masked(real, new, states)
        new = new if tap is None else (new[0] + tap, *new[1:])
        return new, StepValues(new, gates)

    z = affine(x, weights.kernel, weights.bias, dropout_factors[0])
    last, steps = lax.scan(step, initial_states(cell, x, units), (z, mask, tap), reverse=reverse)
    return steps.states[0] if return_sequences else last[0], steps


def affine(a: Array, w: Array, bias: Array | None, factors: Array | None = None) -> Array:
    """Return a w + bias. With factors (batch, gates, n), a is multiplied by those of each gate."""
    if factors is None:
        z = a @ w
    else:
        blocks = jnp.split(w, factors.shape[1], -1)
        z = jnp.concatenate([(a * factors[:, i]) @ block for i, block in enumerate(blocks)], -1)
    return z if bias is None else z + bias


def hold_masked(mask: Array | None, new: States, old: States) -> States:
    """Return the new states, and at masked steps the old ones."""
    if mask is None:
        return new
    return tuple(jnp.where(mask, a, b) for a, b in zip(new, old, strict=True))


def initial_states(cell: Cell, x: Array, units: int) -> States:
    """Return the states before the first step: zeros."""
    return (jnp.zeros((x.shape[1], units), x.dtype),) * len(cell.state_names)
