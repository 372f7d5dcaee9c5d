"""Pure: the recurrences as compiled loops over time, and the plain loop that they are held against.
Time is the first axis throughout.

`fast_scan` is a loop with a backward of its own, of four ideas:

1. backward, the loop carries only what depends on time: the slopes of all steps are computed before
it, at once; 2. the gradients of both kernels come from one product over all steps, after it; 3.
with time first, nothing is turned inside; 4. one tanh serves all gates, as sigmoid(z) = tanh(z / 2)
/ 2 + 1/2: the halves are folded into the weights.

It has no forward mode: a Hessian-vector product through it is a vjp of a vjp, or takes the plain
    loop.
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
"""What goes from step to step, (batch, units) each: h, which is also the output; then c, where
there is one.
"""


class RecurrentWeights(NamedTuple):
    """What a recurrence has learned, its gates side by side on the last axis; a bias is None where
    there is none.

    Attributes:
        kernel: W, (features, gates * units).
        recurrent_kernel: U, (units, gates * units).
        bias: b, added to x W.
        recurrent_bias: b', added to h U.
    """

    kernel: Array
    recurrent_kernel: Array
    bias: Array | None = None
    recurrent_bias: Array | None = None


class StepValues(NamedTuple):
    """What the plain loop did at every step, (time, batch, units) each: the states after it, and
    its gates.
    """

    states: States
    gates: tuple[Array, ...]


class Cell(ABC):
    """One step of a recurrence: as it is written, and as the fast loop takes it, z = x W + b and u
    = h U + b' having their halves.
    """

    gate_names: ClassVar[str]
    """A letter for each block of the kernels."""
    state_names: ClassVar[str] = "h"
    """A letter for each state."""
    gate_scales: ClassVar[tuple[float, ...]]
    """By gate: 0.5 for a sigmoid, 1 for a tanh."""

    @property
    @abstractmethod
    def has_fast_path(self) -> bool:
        """Whether the fast loop computes it: with tanh and sigmoid alone."""

    @abstractmethod
    def reference_step(
        self, z: Sequence[Array], project: Callable[..., Sequence[Array]], states: States
    ) -> tuple[States, tuple[Array, ...]]:
        """A step as it is written: the new states, and the gates.

        Args:
            z: x W + b, by gate.
            project: (h, first gate, one past the last) to h U + b', by gate.
            states: before the step.
        """

    @abstractmethod
    def fast_step(self, z: Array, u: Array, states: States) -> tuple[Array, States]:
        """A step of the fast loop: what `slopes` needs, and the new states."""

    @abstractmethod
    def local_gradients(
        self, saved: Array, previous: States, new: States
    ) -> tuple[States, tuple[Array | None, ...]]:
        """Of all steps at once: what `back` multiplies by, and which share of each state is handed
        on elementwise (None for none).
        """

    @abstractmethod
    def backward_step(self, gradients: States, d: States) -> tuple[Array, Array, States]:
        """dL/dz, dL/du, and what is to be shared out to the states before, from dL/d(states) of one
        step.
        """


@dataclass(frozen=True)
class SimpleCell(Cell):
    """h = f(z + u)."""

    activation: Any = "tanh"
    gate_names = "h"
    gate_scales = (1.0,)

    @property
    def has_fast_path(self) -> bool:
        return self.activation == "tanh"

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
    """i, f, o = s(z + u), g = t(z + u); c = f c + i g; h = o t(c)."""

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
    """z, r = s(z + u); g = t(z + r u), or t(z + (r h) U + b') with `reset_after` False; h = z h +
    (1 - z) g.
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
    """sigmoid(z) of t = tanh(z / 2)."""
    return t * 0.5 + 0.5


def _sigmoid_gradient_from_tanh(t: Array) -> Array:
    """The slope of sigmoid(z) with respect to z / 2, of t = tanh(z / 2)."""
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
    """The outputs h of a recurrence from zero: (time, batch, units) with `return_sequences`, else
    of the last step taken, (batch, units).

    Args:
        cell: one of which `has_fast_path` holds.
        reverse: whether time is walked from its end.
        return_sequences: whether the outputs of all steps are wanted, in the order of x.
        x: (time, batch, features).
        weights: see `RecurrentWeights`.
        mask: which steps are real, (time, batch, 1); at others the states stay as they are.
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
    halves = jnp.concatenate([jnp.full(units, half, x.dtype) for half in cell.gate_scales])
    kernel, recurrent, bias, inner = weights = RecurrentWeights(
        *(None if w is None else w * halves for w in weights)
    )

    def step(states: States, now: Any) -> Any:
        z, real = now
        kept, new = cell.fast_step(
            z if bias is None else z + bias, affine(states[0], recurrent, inner), states
        )
        new = hold_masked(real, new, states)
        return new, (kept, new)

    last, (kept, states) = lax.scan(
        step, initial_states(cell, x, units), (x @ kernel, mask), reverse=reverse
    )
    return states[0] if return_sequences else last[0], (x, weights, halves, mask, kept, states)


def _backward(
    cell: Cell, reverse: bool, return_sequences: bool, saved: Any, dy: Array
) -> tuple[Array, RecurrentWeights, None]:
    x, weights, halves, mask, kept, states = saved
    (time, batch, features), units = x.shape, weights.recurrent_kernel.shape[0]
    nothing = jnp.zeros_like(states[0][:1])
    before = tuple(
        jnp.concatenate([a[1:], nothing] if reverse else [nothing, a[:-1]]) for a in states
    )
    slopes, shares = cell.local_gradients(kept, before, states)
    if mask is not None:
        slopes = tuple(jnp.where(mask, slope, 0) for slope in slopes)
        shares = tuple(
            jnp.where(mask, 0 if share is None else share, 1).astype(x.dtype) for share in shares
        )
    back = weights.recurrent_kernel.T

    def step(d: States, now: Any) -> Any:
        slopes, shares, dh = now
        d = d if dh is None else (d[0] + dh, *d[1:])
        dz, du, d = cell.backward_step(slopes, d)
        handed = [
            jnp.zeros_like(a) if share is None else a * share
            for a, share in zip(d, shares, strict=True)
        ]
        return (handed[0] + du @ back, *handed[1:]), (dz, None if du is dz else du)

    start = (
        initial_states(cell, x, units)
        if return_sequences
        else (dy, *initial_states(cell, x, units)[1:])
    )
    _, (dz, du) = lax.scan(
        step, start, (slopes, shares, dy if return_sequences else None), reverse=not reverse
    )
    rows = time * batch
    dz = dz.reshape(rows, -1)
    du = dz if du is None else du.reshape(rows, -1)
    if du is dz:
        both = jnp.concatenate([x, before[0]], -1).reshape(rows, -1).T @ dz
        grads = [both[:features], both[features:]]
    else:
        grads = [x.reshape(rows, -1).T @ dz, before[0].reshape(rows, -1).T @ du]
    biases = [
        None if w is None else d.sum(0) * halves
        for w, d in ((weights.bias, dz), (weights.recurrent_bias, du))
    ]
    return (
        (dz @ weights.kernel.T).reshape(x.shape),
        RecurrentWeights(*(g * halves for g in grads), *biases),
        None,
    )


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
    """What `fast_scan` computes, for any cell and with dropout, as it is written: the outputs, and
    what every step did.

    Args:
        dropout_factors: factors for x, (batch, gates or 1, features), and for h, (batch, gates,
            units), the same at every step.
        tap: added to h after every step, (time, batch, units): zeros, to be differentiated with
            respect to.
    """
    units = weights.recurrent_kernel.shape[0]
    n = len(cell.gate_names)

    def turn(h: Array, first: int, last: int) -> Sequence[Array]:
        gates = slice(first * units, last * units)
        inner = None if weights.recurrent_bias is None else weights.recurrent_bias[gates]
        factors = None if dropout_factors[1] is None else dropout_factors[1][:, first:last]
        return jnp.split(
            affine(h, weights.recurrent_kernel[:, gates], inner, factors), last - first, -1
        )

    def step(states: States, now: Any) -> Any:
        z, real, tap = now
        new, gates = cell.reference_step(jnp.split(z, n, -1), turn, states)
        new = hold_masked(real, new, states)
        new = new if tap is None else (new[0] + tap, *new[1:])
        return new, StepValues(new, gates)

    z = affine(x, weights.kernel, weights.bias, dropout_factors[0])
    last, steps = lax.scan(step, initial_states(cell, x, units), (z, mask, tap), reverse=reverse)
    return steps.states[0] if return_sequences else last[0], steps


def affine(a: Array, w: Array, bias: Array | None, factors: Array | None = None) -> Array:
    """a w + bias; with factors (batch, gates, n), each gate's block of w takes a times its own."""
    if factors is None:
        z = a @ w
    else:
        blocks = jnp.split(w, factors.shape[1], -1)
        z = jnp.concatenate([(a * factors[:, i]) @ block for i, block in enumerate(blocks)], -1)
    return z if bias is None else z + bias


def hold_masked(mask: Array | None, new: States, old: States) -> States:
    """The new states, but the old ones where a step is not real."""
    return (
        new if mask is None else tuple(jnp.where(mask, a, b) for a, b in zip(new, old, strict=True))
    )


def initial_states(cell: Cell, x: Array, units: int) -> States:
    """The states before the first step."""
    return (jnp.zeros((x.shape[1], units), x.dtype),) * len(cell.state_names)
