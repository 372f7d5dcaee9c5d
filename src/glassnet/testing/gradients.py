"""The check of the gradients of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from glassnet.engine import network
from glassnet.engine.train_step import forward_backward
from glassnet.pipeline.adapter import open_dataset
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
    """Compare the gradients of `fit` with finite differences in float64.

    Args:
        model: a compiled model, with or without weights; a `keras.Sequential`, too.
        x: inputs; a few rows are enough.
        y: targets.

    Returns:
        The largest relative error of the gradient of any array of weights (dimensionless), along a
        random direction.

    Raises:
        AssertionError: an error is above 1e-6, or the chain rule over the links differs from the
            gradient of the whole network. The message names the layer and the weights.

    Example:
        >>> import numpy as np
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense
        >>> layers = [Dense(3, activation="tanh"), Dense(2, activation="softmax")]
        >>> model = Sequential(layers, seed=0)
        >>> model.compile(loss="categorical_crossentropy")
        >>> check_gradients(model, np.eye(4), [0, 1, 1, 0]) < 1e-6
        True
    """
    model = getattr(model, "glassnet_model", model)
    rows = open_dataset(x, y, None, model._describe())
    setup, _ = model._resolve(model._get_setup(), rows.open())
    built, program = setup.require_network(), setup.make_program()
    names = [str(link.name) for link in built.links]
    data = rows.encode(built, program.loss)
    setup, _ = setup.adapt(data.x)
    with jax.enable_x64(True):
        params, state, data = to_float64((setup.params, setup.state, data))
        trainable, frozen = network.split(built.links, params)

        @jax.jit
        def run(trainable: Any) -> tuple[Array, Any]:
            weights = network.merge(trainable, frozen)
            mask, key = jnp.ones(len(data.x)), jax.random.key(0)
            result = forward_backward(program, weights, state, data, mask, key, train=True)
            return result.loss, result.grads

        grads = run(trainable)[1]
        largest_error = 0.0
        for path, error in finite_differences(lambda p: float(run(p)[0]), trainable, grads):
            where, expected = path_label(path, names), "a gradient equal to its finite difference"
            assert_true(error <= GRADIENT_TOLERANCE, where, expected, relative_error=error)
            largest_error = max(largest_error, error)
        expected = "the chain rule over links to equal the gradient of the network"
        automatic = jax.grad(lambda p: run(p)[0])(trainable)
        assert_trees_close("Sequential", expected, grads, automatic)
    return largest_error
