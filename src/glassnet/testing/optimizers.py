"""The checks of an optimizer and a learning rate schedule."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.engine.train_step import initial_rate, learning_rate_at
from glassnet.optimizers import Optimizer
from glassnet.optimizers.optimizer import Slots, clip_gradients
from glassnet.schedules import Schedule
from glassnet.testing.assertions import (
    TOLERANCE_FLOAT32,
    assert_trees_close,
    assert_true,
    check_value,
    compilations,
    named_leaves,
    tree_shapes,
)
from glassnet.types import Params

Step = Callable[..., tuple[Params, Slots]]
"""Compiled function (grads, state, params, lr) -> params and state after one step."""
N_STEPS = 200
"""The number of steps in which an optimizer must approach a minimum."""


def check_optimizer(optimizer: Optimizer) -> None:
    """Check that `optimizer` is a frozen value with a pure `init` and a pure `update`.

    The rate must be able to change without another compilation. As in training, gradients are
    clipped, and the rates are those of the optimizer's schedule.

    Raises:
        AssertionError: `init` depends on more than shapes; `update` modifies its arguments, changes
            the structure of its state, moves weights at rate 0, uses its own `learning_rate` or
            clipping, or compiles again; or the steps do not approach the minimum of a quadratic.

    Example:
        >>> from glassnet.optimizers import SGD
        >>> check_optimizer(SGD(0.1, momentum=0.9))
    """
    check_value(optimizer)
    rng = np.random.default_rng(0)
    params, grads = _draw_params(rng), _draw_params(rng)
    start = initial_rate(optimizer)
    rates = np.array(
        [learning_rate_at(optimizer, start, np.int32(i)) for i in range(N_STEPS)], np.float32
    )
    state = optimizer.init(params)
    expected = "init to depend on the shapes of the params alone"
    other_state = optimizer.init(grads)
    assert_trees_close(type(optimizer).__name__, expected, other_state, state, tolerance=0)
    step = jax.jit(lambda grads, *rest: optimizer.update(clip_gradients(optimizer, grads), *rest))
    arguments = clip_gradients(optimizer, grads), state, params
    _check_update(optimizer, step, arguments, max(rates))
    _check_descent(type(optimizer).__name__, step, state, params, rates)


def _draw_params(rng: np.random.Generator) -> Params:
    def draw(shape: tuple[int, ...]) -> np.ndarray:
        return (rng.choice([-1, 1], shape) * rng.uniform(1, 2, shape)).astype(np.float32)

    return (
        {"kernel": draw((3, 2)), "bias": draw((2,))},
        None,
        ({"scale": np.ones(2, np.float32)}, None),
    )


def _check_update(
    optimizer: Optimizer, step: Step, arguments: tuple[Params, Slots, Params], rate: np.float32
) -> None:
    who, (_, state, params) = type(optimizer).__name__, arguments
    before = copy.deepcopy(arguments)
    after = optimizer.update(*arguments, rate)
    expected = "update to leave gradients, state and params unchanged"
    assert_trees_close(who, expected, arguments, before, tolerance=0)
    received, shapes = tree_shapes(after), tree_shapes((params, state))
    expected = "params and state to keep their structure, with None for frozen params"
    assert_true(received == shapes, who, expected, received=received, fix=f"Before: {shapes}.")
    other = replace(
        optimizer,
        learning_rate=2 * float(rate),
        clipnorm=1e-3,
        clipvalue=None,
        global_clipnorm=None,
    )
    expected = "update to use the rate lr, and not to clip gradients again"
    assert_trees_close(who, expected, other.update(*arguments, rate), after, tolerance=0)
    unmoved = optimizer.update(*arguments, np.float32(0))[0]
    assert_trees_close(who, "a rate of 0 to leave params unchanged", unmoved, params, tolerance=0)
    compiled = step(*arguments, rate)
    assert_trees_close(who, "an equal step when compiled", compiled, after, TOLERANCE_FLOAT32)


def _check_descent(who: str, step: Step, state: Slots, params: Params, rates: np.ndarray) -> None:
    weights = params
    with compilations() as compiled:
        for i, rate in enumerate(rates):
            rate = np.float32(rate * (1 if i < N_STEPS // 2 else 0.5))
            weights, state = step(weights, state, weights, rate)
    expected = "one compilation for all steps and rates"
    assert_true(not compiled, who, expected, compiled_again=len(compiled))
    for (where, w), (_, start) in zip(named_leaves(weights), named_leaves(params), strict=True):
        expected = f"{N_STEPS} steps on sum(w^2) / 2 to bring {where} closer to 0"
        is_closer = (np.abs(w) < np.abs(start)).all()
        assert_true(is_closer, who, expected, start=start, end=np.asarray(w))


def check_schedule(schedule: Schedule) -> None:
    """Check that `schedule` is a frozen value and a pure function of the step.

    Its rates must be finite and >= 0, and equal for one step or many, compiled or not.

    Raises:
        AssertionError: a check fails; the message says which.

    Example:
        >>> from glassnet.schedules import CosineDecay
        >>> check_schedule(CosineDecay(0.1, decay_steps=10))
    """
    who = type(schedule).__name__
    check_value(schedule)
    steps = np.array([*range(N_STEPS), 10**7, 2**31 - 1], np.int32)
    for step, rate in zip(steps, np.asarray(jax.jit(schedule)(steps)), strict=True):
        ok = np.isfinite(rate) and rate >= 0
        assert_true(ok, who, "finite rates >= 0", step=int(step), rate=float(rate))
        single = np.array([schedule(step), schedule(jnp.int32(step))])
        expected = f"an equal rate for step {step} alone and, compiled, among many"
        assert_trees_close(who, expected, single, rate.repeat(2), TOLERANCE_FLOAT32)
