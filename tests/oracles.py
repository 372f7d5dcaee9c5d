"""What numeric tests are held against, and how closely: four tolerances, Keras where it is
installed, and shared NumPy loops.
"""

from __future__ import annotations

import os
import re
import warnings

import jax
import numpy as np
import pytest

EXACT = 0.0
"""The same arithmetic in the same order: the same bits."""
FLOAT32 = 1e-6
"""The same formula in another order of float32 operations, relative and absolute."""
LOOSE = 1e-4
"""Where float32 cancels, or a figure was printed with few digits."""
FLOAT64 = 1e-6
"""A finite difference in float64, relative."""


def close(got, want, tolerance=FLOAT32):
    """Assert that `got` equals `want` to `tolerance`, relative and absolute."""
    np.testing.assert_allclose(
        np.asarray(got, np.float64), np.asarray(want, np.float64), rtol=tolerance, atol=tolerance
    )


def import_keras():
    """Keras on its JAX backend, or skip: a development dependency that warns about things that are
    not ours.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras is configured for another backend than JAX")
    return keras


def directional_error(function, x, seed=0):
    """How far the gradient of a scalar `function` at `x` is from its central difference along a
    random direction, in float64, relative.
    """
    with jax.enable_x64(True):
        x = np.asarray(x, np.float64)
        direction = np.random.default_rng(seed).normal(size=x.shape)
        step = 1e-5
        together = jax.jit(
            lambda x, more, less: (jax.grad(function)(x), function(more), function(less))
        )  # one program
        slopes, more, less = together(x, x + step * direction, x - step * direction)
        difference, slope = (more - less) / (2 * step), (np.asarray(slopes) * direction).sum()
        return abs(float(slope - difference)) / max(1e-12, abs(float(difference)))


def named(part):
    """A part's repr as a test's name: without addresses, which differ between the processes that
    share a run.
    """
    return re.sub(r" at 0x\w+", "", repr(part))
