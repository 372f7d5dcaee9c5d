"""What a loss is, said as a check."""

from __future__ import annotations

from typing import Any

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
from glassnet.types import Array


def check_loss(loss: Loss, y: Array, z: Array) -> None:
    """Whether `loss` is a frozen value with one finite, right, independently weighed number per
    row.

    Args:
        loss: the loss.
        y: targets in a form that `loss.rows` takes, at least 3 rows.
        z: what `loss.rows` takes for predictions, (batch, ..., outputs). Signs are kept where it is
            made huge.

    Raises:
        AssertionError: rows of another shape; not finite at +-1000; a gradient off its finite
            difference; rows that influence each other; a mean in which masked rows count.

    Example:
        >>> from glassnet.losses import MeanSquaredError
        >>> check_loss(MeanSquaredError(), np.zeros((3, 2)), np.eye(3, 2))
    """
    who = type(loss).__name__
    check_value(loss)
    with jax.enable_x64(True):
        y, z = to_float64((np.asarray(y), np.asarray(z)))
        rng, real = np.random.default_rng(0), len(z) - 1
        shape = jax.eval_shape(loss.unreduced, y, z).shape
        assert_true(
            0 < len(shape) < z.ndim and shape == z.shape[: len(shape)],
            who,
            f"rows over the first axes of {z.shape}",
            shape=shape,
        )
        dy = rng.normal(size=shape)

        @jax.jit
        def run(y: Any, z: Any, dy: Any, mask: Any = None) -> tuple[Array, Array, Array]:
            out, pullback = jax.vjp(lambda z: loss.unreduced(y, z), z)
            total, count = weighted_sum_and_count(out, None, mask)
            return out, pullback(dy)[0], total / count

        for huge in (1000 * np.sign(z), 1000 * np.sign(np.roll(z, 1, axis=0))):
            for what, numbers in zip(("loss", "gradient"), run(y, huge, dy)[:2], strict=True):
                assert_true(
                    np.isfinite(numbers).all(),
                    who,
                    f"a finite {what} where predictions are +-1000",
                    received=np.asarray(numbers),
                )
        out, slope, _ = run(y, z, dy)
        for _, error in finite_differences(
            lambda z: float(np.vdot(dy, run(y, z, dy)[0])), z, slope
        ):
            assert_true(
                error <= GRADIENT_TOLERANCE,
                who,
                "the gradient to equal its finite difference",
                relative_error=error,
            )
        mixed = rng.permutation(len(z))
        assert_trees_close(
            who, "permuted rows to give permuted losses", run(y[mixed], z[mixed], dy)[0], out[mixed]
        )
        junk = np.concatenate([z[:real], 100 * z[real:]])
        short, masked = (
            run(y[:real], z[:real], dy[:real])[2],
            run(y, junk, dy, np.float64(np.arange(len(z)) < real))[2],
        )
        assert_trees_close(who, "masked rows not to count in the mean", masked, short)
