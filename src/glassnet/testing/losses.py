"""The check of a loss."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from glassnet.engine.train_step import weighted_sum_and_count
from glassnet.losses import Loss
from glassnet.testing.assertions import (
    GRADIENT_TOLERANCE,
    assert_trees_close,
    assert_true,
    check_value,
    finite_differences,
    to_float64,
)
from glassnet.types import Array, Shape

LossRun = Callable[..., tuple[Array, Array, Array]]
"""Function (y, z, dy, mask) -> the losses, the gradient of z, and the mean loss of real rows."""


def check_loss(loss: Loss, y: Array, z: Array) -> None:
    """Check that `loss` is a frozen value that returns one finite number per row.

    Args:
        loss: the loss.
        y: targets that `loss.unreduced` accepts, at least 3 rows.
        z: predictions that `loss.unreduced` accepts, (batch, ..., outputs). The check also
            evaluates the loss at 1000 times their signs.

    Raises:
        AssertionError: the loss has another shape; it or its gradient is not finite at +-1000; the
            gradient differs from its finite difference; rows influence each other; or masked rows
            count in the mean.

    Example:
        >>> from glassnet.losses import MeanSquaredError
        >>> check_loss(MeanSquaredError(), np.zeros((3, 2)), np.eye(3, 2))
    """
    who = type(loss).__name__
    check_value(loss)
    with jax.enable_x64(True):
        y, z = to_float64((np.asarray(y), np.asarray(z)))
        shape = jax.eval_shape(loss.unreduced, y, z).shape
        assert_true(
            0 < len(shape) < z.ndim and shape == z.shape[: len(shape)],
            who,
            f"one number per row, over the first axes of {z.shape}",
            shape=shape,
        )

        @jax.jit
        def run(y: Array, z: Array, dy: Array, mask: Array = None) -> tuple[Array, Array, Array]:
            out, pullback = jax.vjp(lambda z: loss.unreduced(y, z), z)
            total, count = weighted_sum_and_count(out, None, mask)
            return out, pullback(dy)[0], total / count

        _check_run(who, run, y, z, shape)


def _check_run(who: str, run: LossRun, y: Array, z: Array, shape: Shape) -> None:
    rng, n_real = np.random.default_rng(0), len(z) - 1
    dy = rng.normal(size=shape)
    for large in (1000 * np.sign(z), 1000 * np.sign(np.roll(z, 1, axis=0))):
        for name, values in zip(("loss", "gradient"), run(y, large, dy)[:2], strict=True):
            expected = f"a finite {name} for predictions of +-1000"
            assert_true(np.isfinite(values).all(), who, expected, received=np.asarray(values))
    out, gradient, _ = run(y, z, dy)
    for _, error in finite_differences(lambda z: float(np.vdot(dy, run(y, z, dy)[0])), z, gradient):
        expected = "the gradient to equal its finite difference"
        assert_true(error <= GRADIENT_TOLERANCE, who, expected, relative_error=error)
    order = rng.permutation(len(z))
    permuted = run(y[order], z[order], dy)[0]
    assert_trees_close(who, "permuted rows to have permuted losses", permuted, out[order])
    junk, mask = np.concatenate([z[:n_real], 100 * z[n_real:]]), np.arange(len(z)) < n_real
    masked = run(y, junk, dy, np.float64(mask))[2]
    short = run(y[:n_real], z[:n_real], dy[:n_real])[2]
    assert_trees_close(who, "the mean to leave out masked rows", masked, short)
