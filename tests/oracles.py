"""Test oracles: four tolerances, Keras if installed, and a finite difference."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

EXACT = 0.0
"""For the same arithmetic in the same order: equal bits."""
FLOAT32 = 1e-6
"""For the same formula in another order of float32 operations, relative and absolute."""
LOOSE = 1e-4
"""For cancellation in float32, and for figures printed with few digits."""
FLOAT64 = 1e-6
"""For a finite difference in float64, relative."""


def close(got: Any, want: Any, tolerance: float = FLOAT32) -> None:
    """Assert that `got` equals `want` to `tolerance`, relative and absolute."""
    np.testing.assert_allclose(
        np.asarray(got, np.float64), np.asarray(want, np.float64), rtol=tolerance, atol=tolerance
    )


def import_keras() -> Any:
    """Return Keras on its JAX backend, or skip the test.

    Its own warnings are ignored.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras is configured for another backend than JAX")
    return keras


def directional_error(function: Callable[[Any], Any], x: Any, seed: int = 0) -> float:
    """Return the relative error of the gradient of a scalar `function` at `x`.

    The oracle is the central difference along a random direction, in float64.
    """
    with jax.enable_x64(True):
        x = np.asarray(x, np.float64)
        direction = np.random.default_rng(seed).normal(size=x.shape)
        step = 1e-5
        compiled = jax.jit(
            lambda x, more, less: (jax.grad(function)(x), function(more), function(less))
        )
        gradient, more, less = compiled(x, x + step * direction, x - step * direction)
        difference, slope = (more - less) / (2 * step), (np.asarray(gradient) * direction).sum()
        return abs(float(slope - difference)) / max(1e-12, abs(float(difference)))


def named(part: Any) -> str:
    """Return a part's repr as the name of a test.

    It has no addresses, because they differ between the processes of a parallel run.
    """
    return re.sub(r" at 0x\w+", "", repr(part))
