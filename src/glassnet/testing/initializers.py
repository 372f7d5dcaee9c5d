"""The check of an initializer."""

from __future__ import annotations

import numpy as np

from glassnet.errors import ConfigError
from glassnet.initializers import Initializer
from glassnet.testing.assertions import assert_trees_close, assert_true, check_value
from glassnet.types import Shape

SHAPES = ((6, 4), (4, 6), (3, 3, 2, 5))
"""Shapes of kernels, of `Dense` and of a convolution. An initializer may refuse a bias."""


def check_initializer(initializer: Initializer) -> None:
    """Check that `initializer` is a frozen value that draws weights from the seed alone.

    The weights must be finite NumPy float32 arrays of the requested shape. Shapes that do not have
    two axes may be refused by a `ConfigError`.

    Raises:
        AssertionError: a check fails; the message says which.
        ConfigError: it refuses a matrix.

    Example:
        >>> from glassnet.initializers import HeNormal
        >>> check_initializer(HeNormal())
    """
    check_value(initializer)
    for shape in SHAPES:
        try:
            _check_weights(initializer, shape)
        except ConfigError:
            if len(shape) == 2:
                raise


def _check_weights(initializer: Initializer, shape: Shape) -> None:
    who = type(initializer).__name__
    weights = initializer(np.random.default_rng(0), shape)
    dtype = np.asarray(weights).dtype
    assert_true(
        isinstance(weights, np.ndarray) and dtype == np.float32 and weights.shape == shape,
        who,
        f"a NumPy array of float32, {shape}",
        type=type(weights).__name__,
        dtype=str(dtype),
        shape=np.shape(weights),
    )
    assert_true(np.isfinite(weights).all(), who, "finite weights", shape=shape)
    before = weights.copy()
    again = initializer(np.random.default_rng(0), shape)
    assert_trees_close(who, "equal weights from equal seeds", again, before, tolerance=0)
    initializer(np.random.default_rng(1), shape)
    expected = "another call to leave the weights unchanged"
    assert_trees_close(who, expected, weights, before, tolerance=0)
