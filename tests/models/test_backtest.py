"""Errors of forecasts against the actual values. Oracle: by hand."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.time_index import TimeIndex
from glassnet.errors import DataError
from glassnet.models.forecast import Forecast, backtest

SERIES = gn.data.series({"y": [1.0, 2, 3, 4, 5, 6, 7, 8]}, "y", season=2, length=1, horizon=2)


def forecast(first, values):
    """Return a forecast from step `first`, counted from 1.

    Its naive forecast repeats the two values before.
    """
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
    """The errors of the forecasts are 1, 0 from step 5 and 0, 3 from step 7.

    All naive errors are -2.
    RMSE: sqrt((1 + 9) / 4) of all, sqrt(1 / 2) from step 5, sqrt(9 / 2) from step 7.
    RMSE: sqrt(1 / 2) one step ahead, sqrt(9 / 2) two steps ahead.
    """
    report = backtest([forecast(5, [6, 6]), forecast(7, [7, 11])], SERIES)
    assert report.rmse == pytest.approx((np.sqrt(2.5), 2.0))
    values = report.to_dict()
    assert (values["metric"], values["rows"]) == ("RMSE", 4)
    assert values["network"] == {"name": "network", "value": 2.5**0.5, "interval": None}
    assert values["rivals"] == [{"name": "seasonal naive", "value": 2, "interval": None}]
    assert values["origins"] == [
        {"from": "5", "rmse": pytest.approx(0.5**0.5), "naive": 2},
        {"from": "7", "rmse": 4.5**0.5, "naive": 2},
    ]
    assert values["by_step"] == pytest.approx([0.5**0.5, 4.5**0.5])
    assert values["naive_by_step"] == [2, 2]
    assert [line.split() for line in str(report).splitlines()] == [
        ["RMSE", "of", "4", "forecasts", "network", "seasonal", "naive"],
        ["all", "1.581", "2.000"],
        ["from", "5", "0.7071", "2.000"],
        ["from", "7", "2.121", "2.000"],
        ["step", "1", "ahead", "0.7071", "2.000"],
        ["step", "2", "ahead", "2.121", "2.000"],
    ]


def test_a_long_horizon_is_shown_in_groups_of_steps():
    """24 steps are 12 lines, each the RMSE of two steps: sqrt(1 / 2) for the errors 0 and 1."""
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
    assert lines[3].split() == ["steps", "1", "to", "2", "ahead", "0.7071", "0.000"]


def test_forecasts_beyond_the_series():
    with pytest.raises(
        DataError,
        match=r"backtest: expected forecasts within 1 to 8 \(8 steps\)\. Received: forecast='8 to 9'\.",
    ):
        backtest([forecast(8, [1, 2])], SERIES)
