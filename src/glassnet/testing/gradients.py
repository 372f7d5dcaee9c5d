"""Whether a whole model's gradients are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from glassnet.engine import inference, network
from glassnet.engine.train_step import forward_backward
from glassnet.pipeline import encoding
from glassnet.testing.assertions import (
    GRADIENT_TOLERANCE,
    assert_trees_close,
    assert_true,
    finite_differences,
    path_label,
    to_float64,
)
from glassnet.types import Array

if TYPE_CHECKING:
    from glassnet.models.sequential import Sequential


def check_gradients(model: Sequential, x: Any, y: Any) -> float:
    """The largest relative error of the gradients that `fit` would use for these rows, against
    finite differences in float64.

    Args:
        model: compiled, with or without weights.
        x: rows; a few are enough.
        y: targets.

    Returns:
        The largest error of any array of weights (dimensionless): of the inner product of its
        gradient with a random direction.

    Raises:
        AssertionError: an error above 1e-6, with the layer and the weights; or a chain of links
            that is not the gradient of the whole.

    Example:
        >>> import numpy as np
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense
        >>> model = Sequential([Dense(3, activation="tanh"), Dense(2, activation="softmax")], seed=0)
        >>> model.compile(loss="categorical_crossentropy")
        >>> check_gradients(model, np.eye(4), [0, 1, 1, 0]) < 1e-6
        True
    """
    x = model._encode_x(x)
    built, program = model._build(x.shape[1:]), model._make_program()
    names = [str(link.name) for link in built.links]
    data, _ = encoding.encode_examples(x, y, program.loss, built.shapes[-1])
    state = inference.adapt_state(built.links, model._params, model._state, data.x)
    with jax.enable_x64(True):
        params, state, data = to_float64((model._params, state, data))
        learning, frozen = network.split(built.links, params)

        @jax.jit
        def run(learning: Any) -> tuple[Array, Any]:
            weights = network.merge(learning, frozen)
            done = forward_backward(
                program, weights, state, data, jnp.ones(len(x)), jax.random.key(0), train=True
            )
            return done.loss, done.grads

        grads = run(learning)[1]
        worst = 0.0
        for path, error in finite_differences(lambda p: float(run(p)[0]), learning, grads):
            where = path_label(path, names)
            assert_true(
                error <= GRADIENT_TOLERANCE,
                where,
                "a gradient equal to its finite difference",
                relative_error=error,
            )
            worst = max(worst, error)
        assert_trees_close(
            "Sequential",
            "the chain of links to be the gradient of the whole",
            grads,
            jax.grad(lambda p: run(p)[0])(learning),
        )
    return worst
