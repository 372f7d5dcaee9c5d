"""Tests that `check_loss` and `check_optimizer` find faults: one broken part per requirement."""

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.losses import Loss
from glassnet.optimizers import Optimizer
from glassnet.optimizers.optimizer import clip_gradients
from glassnet.testing import check_loss, check_optimizer


class Squared(Loss):
    def unreduced(self, y, z):
        return jnp.square(y - z).mean(-1)


@dataclass(frozen=True)
class OneNumber(Loss):
    def unreduced(self, y, z):
        return jnp.square(y - z).mean()


@dataclass(frozen=True)
class OverflowsInfinitely(Loss):
    def unreduced(self, y, z):
        return (jnp.log(jnp.exp(z).sum(-1, keepdims=True)) - z).mean(-1)


@dataclass(frozen=True)
class NaNSlope(Loss):
    """A finite loss with 0 times infinity in its gradient."""

    def unreduced(self, y, z):
        return jnp.where(z > 500, 0.0, jnp.exp(z)).mean(-1)


@jax.custom_vjp
def _square(x):
    return x * x


_square.defvjp(lambda x: (x * x, x), lambda x, dy: (x * dy,))


@dataclass(frozen=True)
class HalfSlope(Loss):
    def unreduced(self, y, z):
        return _square(y - z).mean(-1)


@dataclass(frozen=True)
class ComparesNeighbours(Loss):
    def unreduced(self, y, z):
        return jnp.square(y - jnp.roll(z, 1, axis=0)).mean(-1)


@dataclass(frozen=True)
class RelativeToTheBatch(Loss):
    def unreduced(self, y, z):
        return jnp.square(y - z).mean(-1) / jnp.square(y).mean()


LOSSES = {
    Squared: "a frozen dataclass",
    OneNumber: r"one number per row, over the first axes of \(4, 3\)\. Received: shape=\(\)",
    OverflowsInfinitely: r"a finite loss for predictions of \+-1000",
    NaNSlope: "a finite gradient",
    HalfSlope: "gradient to equal its finite difference",
    ComparesNeighbours: "permuted rows",
    RelativeToTheBatch: "the mean to leave out masked rows",
}


@pytest.mark.parametrize(
    ("loss", "message"), LOSSES.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_check_loss_catches(loss, message):
    rng = np.random.default_rng(0)
    with pytest.raises(AssertionError, match=message):
        check_loss(loss(), rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))


@dataclass(frozen=True)
class Plain(Optimizer):
    """Correct gradient descent. Each broken optimizer differs from it in one respect."""

    learning_rate: float = 0.1

    def init(self, params):
        return {"step": np.int32(0)}

    def update(self, grads, state, params, lr):
        return jax.tree.map(lambda p, g: p - lr * g, params, grads), {"step": state["step"] + 1}


@dataclass(frozen=True)
class RemembersTheStart(Plain):
    def init(self, params):
        return {"first": params}


@dataclass(frozen=True)
class WritesItsState(Plain):
    def update(self, grads, state, params, lr):
        state["step"] = state["step"] + 1
        return jax.tree.map(lambda p, g: p - lr * g, params, grads), state


@dataclass(frozen=True)
class FillsHoles(Plain):
    def update(self, grads, state, params, lr):
        moved, state = Plain.update(self, grads, state, params, lr)
        return jax.tree.map(
            lambda p: np.zeros(1) if p is None else p, moved, is_leaf=lambda p: p is None
        ), state


@dataclass(frozen=True)
class ForgetsItsState(Plain):
    def update(self, grads, state, params, lr):
        return Plain.update(self, grads, state, params, lr)[0], {}


@dataclass(frozen=True)
class OwnRate(Plain):
    def update(self, grads, state, params, lr):
        return Plain.update(self, grads, state, params, self.learning_rate)


@dataclass(frozen=True)
class ClipsAgain(Plain):
    def update(self, grads, state, params, lr):
        return Plain.update(self, clip_gradients(self, grads), state, params, lr)


@dataclass(frozen=True)
class DecaysWithoutRate(Plain):
    def update(self, grads, state, params, lr):
        return jax.tree.map(lambda p, g: 0.99 * p - lr * g, params, grads), {
            "step": state["step"] + 1
        }


@dataclass(frozen=True)
class DriftsInType(Plain):
    def update(self, grads, state, params, lr):
        return Plain.update(self, grads, state, params, lr)[0], {"step": state["step"] + 1.0}


@dataclass(frozen=True)
class Draws(Plain):
    """Noise that is drawn once if compiled, and at every step otherwise."""

    noise: ClassVar[Any] = itertools.count()

    def update(self, grads, state, params, lr):
        shift = next(self.noise)
        return jax.tree.map(lambda p, g: p - lr * g * (1 + shift), params, grads), state


@dataclass(frozen=True)
class Climbs(Plain):
    def update(self, grads, state, params, lr):
        return Plain.update(self, grads, state, params, -lr)


OPTIMIZERS = {
    RemembersTheStart: "init to depend on the shapes of the params alone",
    WritesItsState: "unchanged.*1/step",
    FillsHoles: "None for frozen params",
    ForgetsItsState: "keep their structure",
    OwnRate: "update to use the rate lr",
    ClipsAgain: "not to clip gradients again",
    DecaysWithoutRate: "a rate of 0",
    DriftsInType: "one compilation for all steps",
    Draws: "update to use the rate lr|an equal step when compiled",
    Climbs: "closer to 0",
}


@pytest.mark.parametrize(
    ("optimizer", "message"), OPTIMIZERS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_check_optimizer_catches(optimizer, message):
    with pytest.raises(AssertionError, match=message):
        check_optimizer(optimizer())


def test_check_optimizer_passes_a_sound_one():
    check_optimizer(Plain())
