"""Dense and Maxout: initial weights and penalties.

Keras has no Maxout, so it is tested by hand, by a loop and against Dense.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.initializers import Constant
from glassnet.layers import Dense, Maxout
from glassnet.regularizers import L1, L2
from oracles import EXACT, FLOAT32, FLOAT64, close, directional_error


def test_dense_starts_where_it_is_told():
    params = Dense(2, kernel_initializer="zeros", bias_initializer=Constant(0.5)).init(
        np.random.default_rng(0), (3,)
    )
    assert list(params) == ["kernel", "bias"]
    np.testing.assert_array_equal(params["kernel"], np.zeros((3, 2)))
    np.testing.assert_array_equal(params["bias"], [0.5, 0.5])
    assert list(Dense(2, use_bias=False).init(np.random.default_rng(0), (3,))) == ["kernel"]


def test_dense_penalty_of_what_is_not_there():
    assert Dense(3).penalty({"kernel": np.ones((2, 3))}) is None
    assert (
        Dense(3, use_bias=False, bias_regularizer="l2").penalty({"kernel": np.ones((2, 3))}) is None
    )


def maxout(units, pieces, n, **fields):
    """Return the layer, random weights, and rows."""
    layer, rng = Maxout(units, pieces, **fields), np.random.default_rng(3)
    params = {
        name: np.float32(rng.normal(size=w.shape)) for name, w in layer.init(rng, (n,)).items()
    }
    return layer, params, rng.normal(size=(7, n)).astype(np.float32)


def test_maxout_by_hand():
    """x = (1, 2): 3 - 2 + 0 = 1 and 0.5 + 2 - 1 = 1.5, so y = 1.5.

    x = (2, 1): 6 - 1 + 0 = 5 and 1 + 1 - 1 = 1, so y = 5.
    """
    params = {
        "kernel": np.array([[[3.0], [0.5]], [[-1.0], [1.0]]]),
        "bias": np.array([[0.0], [-1.0]]),
    }
    np.testing.assert_array_equal(
        Maxout(1)(params, np.array([[1.0, 2.0], [2.0, 1.0]])), [[1.5], [5.0]]
    )


def test_maxout_learns_in_the_piece_that_won():
    """By hand, for y = x_1: only the largest sum has a gradient, x for its W and 1 for its b."""
    params = {
        "kernel": np.array([[[3.0], [0.5]], [[-1.0], [1.0]]]),
        "bias": np.array([[0.0], [-1.0]]),
    }
    grads = jax.grad(lambda params: Maxout(1)(params, np.array([[1.0, 2.0]])).sum())(params)
    np.testing.assert_array_equal(grads["kernel"][:, :, 0], [[0, 1], [0, 2]])
    np.testing.assert_array_equal(grads["bias"], [[0], [1]])


@pytest.mark.parametrize("use_bias", [True, False])
def test_maxout_by_a_loop(use_bias):
    layer, params, x = maxout(2, 3, 4, use_bias=use_bias)
    y = layer(params, x)
    for row, unit in np.ndindex(7, 2):
        sums = []
        for k in range(3):
            z = float(params["bias"][k, unit]) if use_bias else 0.0
            for i in range(4):
                z += float(x[row, i]) * float(params["kernel"][i, k, unit])
            sums.append(z)
        close(y[row, unit], max(sums), 5 * FLOAT32)


def test_maxout_of_sequences_is_maxout_of_each_step():
    layer, params, x = maxout(2, 3, 4)
    close(layer(params, x.reshape(7, 1, 4).repeat(2, 1)), layer(params, x)[:, None].repeat(2, 1))


def test_maxout_is_the_largest_of_several_dense():
    """Outputs and gradients of max(Dense_1, Dense_2, Dense_3)."""
    layer, params, x = maxout(2, 3, 4)
    dy = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)

    def theirs(kernels, biases, x):
        return jnp.stack(
            [Dense(2)({"kernel": kernels[:, k], "bias": biases[k]}, x) for k in range(3)]
        ).max(0)

    y, back = jax.vjp(lambda params, x: layer(params, x), params, x)
    want, want_back = jax.vjp(theirs, params["kernel"], params["bias"], x)
    close(y, want, 5 * FLOAT32)
    (grads, dx), (d_kernel, d_bias, want_dx) = back(dy), want_back(dy)
    for ours, wanted in ((grads["kernel"], d_kernel), (grads["bias"], d_bias), (dx, want_dx)):
        close(ours, wanted, 10 * FLOAT32)


def test_maxout_gradient_by_finite_difference():
    layer, params, x = maxout(2, 3, 4)
    dy = np.random.default_rng(0).normal(size=(7, 2))
    assert (
        directional_error(lambda w: (dy * layer(params | {"kernel": w}, x)).sum(), params["kernel"])
        < FLOAT64
    )
    assert (
        directional_error(lambda b: (dy * layer(params | {"bias": b}, x)).sum(), params["bias"])
        < FLOAT64
    )
    assert directional_error(lambda x: (dy * layer(params, x)).sum(), x) < FLOAT64


def test_maxout_starts_every_piece_as_a_dense_of_its_own():
    """The draws are those of one Dense after the other, with the fans of one piece."""
    params, rng = Maxout(3, pieces=2).init(np.random.default_rng(0), (4,)), np.random.default_rng(0)
    assert [(name, w.shape) for name, w in params.items()] == [
        ("kernel", (4, 2, 3)),
        ("bias", (2, 3)),
    ]
    for k in range(2):
        np.testing.assert_allclose(
            params["kernel"][:, k], Dense(3).init(rng, (4,))["kernel"], rtol=EXACT
        )
    np.testing.assert_array_equal(params["bias"], np.zeros((2, 3)))
    assert list(Maxout(3, use_bias=False).init(np.random.default_rng(0), (4,))) == ["kernel"]
    params = Maxout(3, kernel_initializer=Constant(2.0), bias_initializer="ones").init(
        np.random.default_rng(0), (4,)
    )
    np.testing.assert_array_equal(params["kernel"], np.full((4, 2, 3), 2.0))
    np.testing.assert_array_equal(params["bias"], np.ones((2, 3)))


def test_maxout_penalty_by_hand():
    """0.3 sum w^2 over all pieces, and 0.2 sum |b|."""
    layer, params, _ = maxout(2, 3, 4, kernel_regularizer=L2(0.3), bias_regularizer=L1(0.2))
    costs = 0.3 * np.square(params["kernel"]).sum(), 0.2 * np.abs(params["bias"]).sum()
    close(layer.penalty(params), sum(costs), 5 * FLOAT32)
    close(Maxout(2, 3, bias_regularizer=L1(0.2)).penalty(params), costs[1], 5 * FLOAT32)
    assert Maxout(2, 3).penalty(params) is None
