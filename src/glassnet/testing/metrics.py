"""The check of a metric."""

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
"""The largest difference between a result from sums and the exact result."""


def check_metric(metric: Metric, y: Array, out: Array) -> None:
    """Check that `metric` is a frozen value whose sums compile and leave out masked rows.

    Args:
        metric: the metric.
        y: targets that `metric.update` accepts, at least 4 rows.
        out: outputs (batch, ..., outputs).

    Raises:
        AssertionError: `init` does not return NumPy zeros; the sums change their types or shapes,
            are modified in place, differ when compiled, do not add up, or count masked rows; a
            result is not a float; or an `exact` result depends on the order of rows, or differs
            by more than 0.05 from the result of the sums.

    Example:
        >>> from glassnet.metrics import Accuracy
        >>> check_metric(Accuracy(), np.array([0, 1, 1, 0]), np.eye(4, 2))
    """
    check_value(metric)
    y, out = np.asarray(y), np.asarray(out, np.float32)
    y = y.astype(np.float32) if y.dtype.kind == "f" else y
    metric = metric.configure(None, out.shape[-1])
    _check_init(metric)
    _check_update(metric, y, out)
    _check_additive(metric, y, out)
    _check_result(metric, y, out)


def _check_init(metric: Metric) -> None:
    who, zeros = type(metric).__name__, metric.init()
    for value in zeros.values():
        is_numpy = isinstance(value, np.generic | np.ndarray)
        assert_true(is_numpy, who, "init to return NumPy numbers", type=type(value).__name__)
        assert_true(not np.any(value), who, "init to return zeros", received=value)
    result = metric.result(zeros)
    assert_true(type(result) is float, who, "a float, or NaN, for a count of 0", received=result)


def _check_update(metric: Metric, y: Array, out: Array) -> None:
    who, zeros, ones = type(metric).__name__, metric.init(), np.ones(len(out), np.float32)
    before = copy.deepcopy((zeros, y, out))
    sums = metric.update(zeros, y, out, ones)
    expected = "update to leave sums, targets and outputs unchanged"
    assert_trees_close(who, expected, (zeros, y, out), before, tolerance=0)
    types, zero_types = (
        {key: (np.shape(value), value.dtype) for key, value in tree.items()}
        for tree in (sums, zeros)
    )
    expected = "sums to keep their shapes and types"
    assert_true(types == zero_types, who, expected, received=types)
    compiled = jax.jit(metric.update)(zeros, y, out, ones)
    assert_trees_close(who, "equal sums when compiled", compiled, sums, TOLERANCE_FLOAT32)


def _check_additive(metric: Metric, y: Array, out: Array) -> None:
    who, zeros, half = type(metric).__name__, metric.init(), len(out) // 2
    ones = np.ones(len(out), np.float32)
    sums = metric.update(zeros, y, out, ones)
    first = metric.update(zeros, y[:half], out[:half], ones[:half])
    second = metric.update(zeros, y[half:], out[half:], ones[half:])
    added = jax.tree.map(lambda a, b: a + b, first, second)
    expected = "the sums of two halves to add up to the sums of all rows"
    assert_trees_close(who, expected, added, sums, TOLERANCE_FLOAT32)
    continued = metric.update(first, y[half:], out[half:], ones[half:])
    expected = "update to continue from the sums that it receives"
    assert_trees_close(who, expected, continued, sums, TOLERANCE_FLOAT32)
    real = np.arange(len(out)) < half
    junk = np.where(real.reshape(-1, *[1] * (out.ndim - 1)), out, 1000 - 100 * out)
    per_step = np.broadcast_to(real.reshape(-1, *[1] * (out.ndim - 2)), out.shape[:-1])
    for mask in (real, per_step):
        masked = metric.update(zeros, y, junk, mask.astype(np.float32))
        assert_trees_close(who, "sums without masked rows", masked, first, TOLERANCE_FLOAT32)


def _check_result(metric: Metric, y: Array, out: Array) -> None:
    who, ones = type(metric).__name__, np.ones(len(out), np.float32)
    result = metric.result(jax.device_get(metric.update(metric.init(), y, out, ones)))
    assert_true(type(result) is float, who, "the result to be a float", type=type(result).__name__)
    if metric.exact is None:
        return
    order = np.random.default_rng(0).permutation(len(out))
    exact, permuted = metric.exact(y, out), metric.exact(y[order], out[order])
    expected = "the exact result to be a float"
    assert_true(type(exact) is float, who, expected, type=type(exact).__name__)
    assert_true(
        math.isclose(exact, permuted, rel_tol=TOLERANCE_FLOAT32),
        who,
        "the exact result not to depend on the order of rows",
        in_order=exact,
        permuted=permuted,
    )
    is_near = abs(exact - result) <= EXACT_TOLERANCE
    assert_true(is_near, who, "sums close to the exact result", exact=exact, by_sums=result)
