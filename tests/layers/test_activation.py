"""PReLU, by hand and against the activations. test_layers_keras.py compares it with Keras."""

import jax
import numpy as np

from glassnet import activations
from glassnet.initializers import Constant
from glassnet.layers import PReLU
from glassnet.regularizers import L2
from oracles import close


def test_prelu_by_hand():
    """alpha = (0.25, 0.5): -2 becomes -0.5.

    The derivative is alpha below zero, 0 at zero and 1 above. dy/dalpha = x below zero.
    """
    params, x = {"alpha": np.array([0.25, 0.5])}, np.array([[-2.0, 3.0], [0.0, -4.0]])
    y, back = jax.vjp(PReLU(), params, x)
    np.testing.assert_array_equal(y, [[-0.5, 3.0], [0.0, -2.0]])
    grads, dx = back(np.ones_like(y))
    np.testing.assert_array_equal(dx, [[0.25, 1.0], [0.0, 0.5]])
    np.testing.assert_array_equal(grads["alpha"], [-2.0, -4.0])


def test_prelu_of_a_fixed_slope_is_a_known_activation():
    x, rng = (
        np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32),
        np.random.default_rng(0),
    )
    close(PReLU()(PReLU().init(rng, (4,)), x), activations.relu(x))
    leaky = PReLU(Constant(0.2))
    close(leaky(leaky.init(rng, (4,)), x), activations.leaky_relu(x))


def test_prelu_shares_along_axes():
    """Shapes by hand: 1 along a shared axis, counted from 1."""
    for shared, size in (
        (None, (3, 4, 2)),
        (1, (1, 4, 2)),
        ((1, 2), (1, 1, 2)),
        ([3], (3, 4, 1)),
        ((1, 2, 3), (1, 1, 1)),
    ):
        assert (
            PReLU(shared_axes=shared).init(np.random.default_rng(0), (3, 4, 2))["alpha"].shape
            == size
        )


def test_prelu_penalty_by_hand():
    """0.5 (1^2 + 3^2) = 5."""
    alpha = {"alpha": np.array([1.0, -3.0])}
    close(PReLU(alpha_regularizer=L2(0.5)).penalty(alpha), 5)
    assert PReLU().penalty(alpha) is None
