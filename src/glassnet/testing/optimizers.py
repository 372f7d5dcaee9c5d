"""What an optimizer and a schedule are, said as checks."""

from __future__ import annotations

import copy
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.engine.train_step import initial_rate, learning_rate_at
from glassnet.optimizers import Optimizer
from glassnet.optimizers.optimizer import clip_gradients
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

N_STEPS = 200
"""Steps that an optimizer gets to move towards a minimum."""


def check_optimizer(optimizer: Optimizer) -> None:
    """Whether `optimizer` is a frozen value with a pure start and a pure step, at a rate that may
    change without compiling again.

    Gradients come clipped, and at the rates of its schedule, where it has such.

    Raises:
        AssertionError: a start that depends on more than shapes; a step that writes, changes the
            form of its state, moves at rate 0, obeys its own `learning_rate` or clipping, or
            compiles again; steps that do not lead towards a quadratic's minimum.

    Example:
        >>> from glassnet.optimizers import SGD
        >>> check_optimizer(SGD(0.1, momentum=0.9))
    """
    who = type(optimizer).__name__
    check_value(optimizer)
    rng = np.random.default_rng(0)

    def draw() -> Params:
        far = {
            name: rng.choice([-1, 1], size) * rng.uniform(1, 2, size)
            for name, size in (("kernel", (3, 2)), ("bias", (2,)))
        }
        return (
            {name: values.astype(np.float32) for name, values in far.items()},
            None,
            ({"scale": np.ones(2, np.float32)}, None),
        )

    params, grads = draw(), draw()
    rates = [
        np.float32(learning_rate_at(optimizer, initial_rate(optimizer), np.int32(i)))
        for i in range(N_STEPS)
    ]
    rate = max(rates)
    state = optimizer.init(params)
    assert_trees_close(
        who,
        "a start that depends on the params' shapes alone",
        optimizer.init(grads),
        state,
        tolerance=0,
    )
    given = (clip_gradients(optimizer, grads), state, params)
    before = copy.deepcopy(given)
    after = optimizer.update(*given, rate)
    assert_trees_close(
        who, "gradients, state and params to be left as they were", given, before, tolerance=0
    )
    got, want = tree_shapes(after), tree_shapes((params, state))
    assert_true(
        got == want,
        who,
        "params and state to keep their form, None where they are frozen",
        received=got,
        fix=f"Before: {want}.",
    )
    other = replace(
        optimizer,
        learning_rate=2 * float(rate),
        clipnorm=1e-3,
        clipvalue=None,
        global_clipnorm=None,
    )
    assert_trees_close(
        who,
        "the rate to be lr, and gradients to be clipped already",
        other.update(*given, rate),
        after,
        tolerance=0,
    )
    assert_trees_close(
        who,
        "a rate of 0 to leave params as they are",
        optimizer.update(*given, np.float32(0))[0],
        params,
        tolerance=0,
    )
    step = jax.jit(lambda grads, *rest: optimizer.update(clip_gradients(optimizer, grads), *rest))
    assert_trees_close(
        who, "the same step compiled", step(*given, rate), after, tolerance=TOLERANCE_FLOAT32
    )
    weights, slots = params, state
    with compilations() as compiled:
        for i in range(N_STEPS):
            weights, slots = step(
                weights, slots, weights, np.float32(rates[i] * (1 if i < N_STEPS // 2 else 0.5))
            )
    assert_true(
        not compiled, who, "one compilation for all steps and rates", compiled_again=len(compiled)
    )
    for (where, w), (_, start) in zip(named_leaves(weights), named_leaves(params), strict=True):
        nearer = (np.abs(w) < np.abs(start)).all()
        assert_true(
            nearer,
            who,
            f"{N_STEPS} steps on sum(w^2) / 2 to bring {where} nearer to 0",
            start=start,
            end=np.asarray(w),
        )


def check_schedule(schedule: Schedule) -> None:
    """Whether `schedule` is a frozen value and a pure function of the step: finite rates >= 0, for
    one step or many, compiled or not.

    Raises:
        AssertionError: a promise is broken; the message says which.

    Example:
        >>> from glassnet.schedules import CosineDecay
        >>> check_schedule(CosineDecay(0.1, decay_steps=10))
    """
    who = type(schedule).__name__
    check_value(schedule)
    steps = np.array([*range(N_STEPS), 10**7, 2**31 - 1], np.int32)
    for step, rate in zip(steps, np.asarray(jax.jit(schedule)(steps)), strict=True):
        assert_true(
            np.isfinite(rate) and rate >= 0,
            who,
            "finite rates >= 0",
            step=int(step),
            rate=float(rate),
        )
        singly = np.array([schedule(step), schedule(jnp.int32(step))])
        assert_trees_close(
            who,
            f"step {step} by itself to have the rate that it has among many, compiled",
            singly,
            rate.repeat(2),
            TOLERANCE_FLOAT32,
        )
