"""What a metric is, said as a check."""

from __future__ import annotations

import copy
import math

import jax
import numpy as np

from glassnet.metrics import Metric
from glassnet.testing.assertions import (
    TOLERANCE_FLOAT32,
    assert_trees_close,
    assert_true,
    check_value,
)
from glassnet.types import Array

EXACT_TOLERANCE = 0.05
"""How far a result by sums may be from the exact one."""


def check_metric(metric: Metric, y: Array, out: Array) -> None:
    """Whether `metric` is a frozen value with sums that a compiled loop can carry, and that no
    padded row gets into.

    Args:
        metric: the metric.
        y: targets in a form that `metric.update` takes, at least 4 rows.
        out: outputs (batch, ..., outputs).

    Raises:
        AssertionError: a start that is not NumPy zeros; sums that change their form, are written in
            place, or differ once compiled; those of two halves that do not add up to those of the
            whole; masked rows that count; a result that is no float; an `exact` result that depends
            on the rows' order, or is another than that of the sums by more than 0.05.

    Example:
        >>> from glassnet.metrics import Accuracy
        >>> check_metric(Accuracy(), np.array([0, 1, 1, 0]), np.eye(4, 2))
    """
    who = type(metric).__name__
    check_value(metric)
    y, out = np.asarray(y), np.asarray(out, np.float32)
    y = y.astype(np.float32) if y.dtype.kind == "f" else y
    metric = metric.configure(None, out.shape[-1])
    start, ones, half = metric.init(), np.ones(len(out), np.float32), len(out) // 2
    for value in start.values():
        assert_true(
            isinstance(value, np.generic | np.ndarray),
            who,
            "init to give NumPy numbers",
            type=type(value).__name__,
        )
        assert_true(not np.any(value), who, "init to give zeros", received=value)
    assert_true(
        type(metric.result(start)) is float,
        who,
        "a float where nothing was counted, NaN if need be",
        received=metric.result(start),
    )
    before = copy.deepcopy((start, y, out))
    whole = metric.update(start, y, out, ones)
    assert_trees_close(
        who,
        "sums, targets and outputs to be left as they were",
        (start, y, out),
        before,
        tolerance=0,
    )
    kinds = {key: (np.shape(value), value.dtype) for key, value in whole.items()}
    assert_true(
        kinds == {key: (np.shape(value), value.dtype) for key, value in start.items()},
        who,
        "sums to keep their form",
        received=kinds,
    )
    update = jax.jit(metric.update)
    assert_trees_close(
        who, "the same sums compiled", update(start, y, out, ones), whole, TOLERANCE_FLOAT32
    )
    first, second = (
        metric.update(start, y[part], out[part], ones[part])
        for part in (slice(half), slice(half, None))
    )
    added = jax.tree.map(lambda a, b: a + b, first, second)
    assert_trees_close(
        who,
        "the sums of two halves to add up to those of the whole",
        added,
        whole,
        TOLERANCE_FLOAT32,
    )
    assert_trees_close(
        who,
        "sums to go on from where they stand",
        metric.update(first, y[half:], out[half:], ones[half:]),
        whole,
        TOLERANCE_FLOAT32,
    )
    real = np.arange(len(out)) < half
    junk = np.where(real.reshape(-1, *[1] * (out.ndim - 1)), out, 1000 - 100 * out)
    for where in (real, np.broadcast_to(real.reshape(-1, *[1] * (out.ndim - 2)), out.shape[:-1])):
        assert_trees_close(
            who,
            "masked rows not to count",
            metric.update(start, y, junk, where.astype(np.float32)),
            first,
            TOLERANCE_FLOAT32,
        )
    result = metric.result(jax.device_get(whole))
    assert_true(type(result) is float, who, "the result to be a float", type=type(result).__name__)
    if metric.exact is not None:
        mixed = np.random.default_rng(0).permutation(len(out))
        exact, again = metric.exact(y, out), metric.exact(y[mixed], out[mixed])
        assert_true(
            type(exact) is float, who, "the exact result to be a float", type=type(exact).__name__
        )
        assert_true(
            math.isclose(exact, again, rel_tol=TOLERANCE_FLOAT32),
            who,
            "the rows' order not to matter",
            received=again,
            in_order=exact,
        )
        assert_true(
            abs(exact - result) <= EXACT_TOLERANCE,
            who,
            "sums that come near the exact result",
            exact=exact,
            by_sums=result,
        )
