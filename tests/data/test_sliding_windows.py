"""Tests of sliding windows over a series."""

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("length", "horizon", "stride"), [(1, 1, 1), (3, 2, 1), (4, 3, 2), (5, 1, 7), (6, 6, 1)]
)
def test_one_column(length, horizon, stride):
    """Oracle: an independent loop over the steps."""
    series = np.arange(12.0) ** 2
    x, y = gn.data.windows(series, length, horizon, stride)
    seen, next_ = [], []
    at = 0
    while at + length + horizon <= 12:
        seen.append([[series[at + i]] for i in range(length)])
        next_.append([series[at + length + i] for i in range(horizon)])
        at += stride
    assert x.shape == (len(seen), length, 1)
    assert x.tolist() == seen
    assert y.tolist() == next_
    assert x.dtype == y.dtype == np.float32


def test_several_columns():
    """Oracle: by hand."""
    rows = [[1, 10], [2, 20], [3, 30], [4, 40]]
    x, y = gn.data.windows(rows, length=2)
    assert x.tolist() == [[[1, 10], [2, 20]], [[2, 20], [3, 30]]]
    assert y.tolist() == [[[3, 30]], [[4, 40]]]
    x, y = gn.data.windows(rows, length=2, horizon=2, target=1)
    assert (x.tolist(), y.tolist()) == ([[[1, 10], [2, 20]]], [[30, 40]])
    assert gn.data.windows(rows, 1, target=[1, 0])[1].tolist()[0] == [[20, 2]]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        (
            {"length": 0},
            ConfigError,
            "windows: expected length, horizon and stride to be ints >= 1. Received: length=0, horizon=1",
        ),
        ({"length": 2, "stride": 1.5}, ConfigError, "stride=1.5."),
        ({"length": 2, "horizon": True}, ConfigError, "horizon=True, stride=1."),
        (
            {"length": 2, "target": 1},
            ConfigError,
            "windows: expected target to be columns from 0 to 0. Received: target=1.",
        ),
        ({"length": 2, "target": []}, ConfigError, "Received: target=[]."),
        (
            {"length": 4, "horizon": 2},
            DataError,
            "windows: expected at least 6 steps, for one window. Received: steps=5, length=4, horizon=2, stride=1. Lower length or horizon",
        ),
    ],
)
def test_what_is_refused(options, error, text):
    with pytest.raises(error, match=re.escape(text)):
        gn.data.windows(np.arange(5.0), **options)


def test_gaps_and_images_are_no_series():
    with pytest.raises(DataError, match=r"series: expected finite numbers only\. Received: nan=1"):
        gn.data.windows([1, 2, np.nan, 4], 2)
    with pytest.raises(
        DataError,
        match=r"windows: expected a series \(n,\) or \(n, columns\)\. Received: shape=\(9, 2, 2\)",
    ):
        gn.data.windows(np.zeros((9, 2, 2)), 2)
