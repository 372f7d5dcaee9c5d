"""Normalization of constant features and of large numbers.

test_layers_keras.py compares it with Keras.
"""

import numpy as np

from glassnet.layers import Normalization
from oracles import FLOAT32, close


def test_normalization_of_a_constant_feature_by_hand():
    """The standard deviation 0 counts as 1e-7, Keras's epsilon.

    x - mean = 0 stays 0, and nothing is infinite.
    """
    layer = Normalization().adapt(np.array([[2.0, 1.0], [2.0, 3.0]]))
    assert layer.init_state((2,))["count"] == 2
    y, _ = layer.apply(
        {},
        layer.init_state((2,)),
        np.array([[2.0, 3.0]], np.float32),
        key=None,
        train=False,
        mask=None,
    )
    close(y, [[0.0, 1.0]])  # (3 - 2) / 1


def test_normalization_learns_in_float64():
    """Oracle: NumPy in float64.

    Around 1e4, float32 sums lose a standard deviation of 1e-2 entirely.
    """
    x = np.float32(1e4) + np.random.default_rng(0).normal(0, 0.01, (1000, 1)).astype(np.float32)
    close(Normalization().learn(x)["variance"], x.astype(np.float64).var(0), FLOAT32)
