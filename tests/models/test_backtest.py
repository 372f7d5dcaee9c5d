"""Forecasts beside what came: the errors, by hand."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.time_index import TimeIndex
from glassnet.errors import DataError
from glassnet.models.forecast import Forecast, backtest

SERIES = gn.data.series({"y": [1.0, 2, 3, 4, 5, 6, 7, 8]}, "y", season=2, length=1, horizon=2)


def forecast(first, values):
    """Of the steps from `first`, counted from 1; the naive one by the two before."""
    naive = SERIES.values[first - 3 : first - 1]
    return Forecast(
        "y",
        TimeIndex((), "number", float(first), 1.0),
        np.array(values, float),
        naive,
        2,
        SERIES.values[: first - 1],
    )


def test_errors_by_hand():
    """From 5: 5, 6 forecast as 6, 6, naive 3, 4: misses 1, 0 and -2, -2. From 7: 7, 8 as 7, 11: 0,
    3 and -2, -2.

    All: sqrt((1 + 9) / 4); from 5: sqrt(1 / 2), from 7: sqrt(9 / 2); a step ahead sqrt(1 / 2), two
        sqrt(9 / 2).
    """
    found = backtest([forecast(5, [6, 6]), forecast(7, [7, 11])], SERIES)
    assert found.rmse == pytest.approx((np.sqrt(2.5), 2.0))
    told = found.to_dict()
    assert told["origins"] == [
        {"from": "5", "rmse": pytest.approx(0.5**0.5), "naive": 2},
        {"from": "7", "rmse": 4.5**0.5, "naive": 2},
    ]
    assert told["by_step"] == pytest.approx([0.5**0.5, 4.5**0.5])
    assert told["naive_by_step"] == [2, 2]
    assert [line.split() for line in str(found).splitlines()] == [
        ["RMSE", "of", "4", "forecasts", "network", "seasonal", "naive"],
        ["all", "1.581", "2"],
        ["from", "5", "0.7071", "2"],
        ["from", "7", "2.121", "2"],
        ["step", "1", "ahead", "0.7071", "2"],
        ["step", "2", "ahead", "2.121", "2"],
    ]


def test_a_long_horizon_is_shown_in_stretches():
    """24 steps as 12 lines of two, each the root mean square of both: misses 0, 1, 2, ..., the
    first sqrt(1 / 2).
    """
    series = gn.data.series({"y": np.append(np.ones(29), 2.0)}, "y", season=1, length=1)
    one = Forecast(
        "y",
        TimeIndex((), "number", 7.0, 1.0),
        series.values[6:] + np.arange(24),
        np.ones(24),
        1,
        series.values[:6],
    )
    lines = str(backtest([one], series)).splitlines()
    assert len(lines) == 3 + 12
    assert lines[0].endswith("last value")
    assert lines[3].split() == ["steps", "1", "to", "2", "ahead", "0.7071", "0"]


def test_only_what_came_can_be_compared():
    with pytest.raises(
        DataError,
        match=r"backtest: expected forecasts within 1 to 8 \(8 steps\)\. Received: forecast='8 to 9'\.",
    ):
        backtest([forecast(8, [1, 2])], SERIES)
