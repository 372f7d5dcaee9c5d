"""What an initializer is, said as a check."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.initializers import Initializer
from glassnet.testing.assertions import assert_trees_close, assert_true, check_value

SHAPES = ((6, 4), (4, 6), (3, 3, 2, 5))
"""Kernels of Dense, and one of a convolution: an initializer may refuse a bias."""


def check_initializer(initializer: Initializer) -> None:
    """Whether `initializer` is a frozen value that draws finite NumPy float32 weights of the shape
    asked, decided by the seed alone.

    Raises:
        AssertionError: a promise is broken; the message says which.

    Example:
        >>> from glassnet.initializers import HeNormal
        >>> check_initializer(HeNormal())
    """
    who = type(initializer).__name__
    check_value(initializer)
    for shape in SHAPES:
        weights = initializer(np.random.default_rng(0), shape)
        ok = (
            isinstance(weights, np.ndarray)
            and weights.dtype == np.float32
            and weights.shape == shape
        )
        received: dict[str, Any] = {
            "type": type(weights).__name__,
            "dtype": str(np.asarray(weights).dtype),
            "shape": np.shape(weights),
        }
        assert_true(ok, who, f"a NumPy array of float32, {shape}", **received)
        assert_true(np.isfinite(weights).all(), who, "finite weights", shape=shape)
        before = weights.copy()
        assert_trees_close(
            who,
            "one seed to give the same weights",
            initializer(np.random.default_rng(0), shape),
            before,
            tolerance=0,
        )
        initializer(np.random.default_rng(1), shape)
        assert_trees_close(who, "weights drawn to stay as they are", weights, before, tolerance=0)
