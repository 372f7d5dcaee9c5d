"""Times of forecasts: zones and fractions of a second, in files, frames, plots and newer tables.

Oracle: pandas' date ranges, which go on where the series ends.
"""

import itertools

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet.data.time_index import TimeIndex
from glassnet.errors import ConfigError, DataError, DataWarning
from glassnet.layers import Dense, Flatten
from glassnet.models.forecast import Forecast, backtest
from glassnet.plots.forecasts import plot_forecast
from glassnet.storage import json_codec, registry

N, AHEAD = 60, 4


def frame_of(times):
    return pandas.DataFrame({"t": times, "y": np.sin(np.arange(len(times))) + 5})


def fitted(times, **options):
    """Return a network that is not trained; every series has the same shapes."""
    model = gn.Sequential([Flatten(), Dense(AHEAD)], seed=0)
    series = gn.data.series(
        frame_of(times), "y", time="t", season=2, length=3, horizon=AHEAD, **options
    )
    model.fit(series, epochs=0, verbose=0)
    return model


TIMES = {
    "zone": pandas.date_range("2024-10-24 14:00", periods=N + AHEAD, freq="h", tz="Europe/Berlin"),
    "half hour": pandas.date_range("2024-01-01", periods=N + AHEAD, freq="h", tz="Asia/Kolkata"),
    "offset": pandas.date_range("2024-01-01", periods=N + AHEAD, freq="h", tz="-03:00"),
    "milliseconds": pandas.date_range("2024-01-01", periods=N + AHEAD, freq="100ms"),
    "nanoseconds": pandas.date_range("2024-01-01", periods=N + AHEAD, freq="7ns", tz="UTC"),
    "days": pandas.date_range("2024-02-01", periods=N + AHEAD, freq="D"),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_forecast_goes_on_where_the_series_ends(name, tmp_path):
    """In the model and in its file, as labels and as the index of a frame."""
    times = TIMES[name]
    model = fitted(times[:N])
    model.save(tmp_path / "m.glassnet")
    loaded = gn.load(tmp_path / "m.glassnet")
    assert loaded.preprocessor == model.preprocessor
    for each in (model, loaded):
        forecast = each.forecast()
        frame = forecast.to_frame()
        assert frame.index.tolist() == times[N:].tolist()
        assert (frame.index.tz is None) == (times.tz is None)
        assert frame["y"].tolist() == forecast.values.tolist()
        assert list(frame) == ["y", "seasonal naive"]
        assert pandas.Series(forecast.labels).map(pandas.Timestamp).tolist() == times[N:].tolist()
        assert forecast.to_dict()["time"] == list(forecast.labels)


def test_the_hour_of_a_clock_change_has_two_labels():
    labels = fitted(TIMES["zone"][:N]).forecast(4).labels
    assert labels == tuple(f"2024-10-27 {clock}" for clock in
                           ("02:00+02:00", "02:00+01:00", "03:00+01:00", "04:00+01:00"))  # fmt: skip


def test_months_and_numbers_in_a_frame():
    for first, times in ((1949.0 * 12, ["1949-01", "1949-04"]), (23_400.0, ["1950-01", "1950-04"])):
        index = TimeIndex((), "month", first, 3.0).to_pandas(2)
        assert index.tolist() == [pandas.Timestamp(time) for time in times]
    assert TimeIndex((), "number", 0.5, 0.25).to_pandas(3).tolist() == [0.5, 0.75, 1.0]


def test_a_newer_table_is_shown_on_the_clock_of_the_first():
    """Oracle: the same instants. A table of another clock, in text or without a zone, goes on."""
    times = TIMES["zone"]
    model = fitted(times[: N - 5])
    texts = [time.isoformat() for time in times[:N].tz_convert("UTC")]
    for newer in (frame_of(times[:N].tz_convert("America/New_York")), frame_of(texts)):
        forecast = model.forecast(series=newer)
        assert forecast.to_frame().index.tolist() == times[N:].tolist()
        assert forecast.labels[0] == "2024-10-27 02:00+02:00"
    naive = model.forecast(series=frame_of(times[:N].tz_localize(None)))
    assert naive.labels[0] == "2024-10-27 02:00"
    with pytest.raises(DataError, match=r"a series of steps of a hour\. Received: step='30 min"):
        model.forecast(series=frame_of(pandas.date_range("2024-01-01", periods=N, freq="30min")))


def test_what_was_passed_to_read_the_series_is_passed_for_newer_tables(tmp_path):
    """Local times across a clock change, with a gap: read as in training, from the file too."""
    local = pandas.date_range("2024-03-29", periods=N, freq="h", tz="Europe/Berlin").tz_localize(
        None
    )
    fitted(local, time_zone="Europe/Berlin", fill="previous").save(tmp_path / "m.glassnet")
    model = gn.load(tmp_path / "m.glassnet")
    assert (model.preprocessor.fill, model.preprocessor.time_zone) == ("previous", "Europe/Berlin")
    newer = frame_of(local).drop([50, 51])
    note = r"y: 2 of 60 values filled by the previous value: 2024-03-31 03:00\+02:00, 2024-03-31 04"
    with pytest.warns(DataWarning, match=note):
        assert model.forecast(series=newer).labels[0] == "2024-03-31 13:00+02:00"
    with pytest.warns(DataWarning, match=note):
        assert len(model.predict(newer)) == N - 5 + 1
    filled = model.preprocessor.to_series(newer, "interpolate")
    assert filled.is_filled.sum() == 2
    assert filled.values[50] != filled.values[49]


def test_a_file_of_two_columns_of_times_is_read_by_both():
    times = pandas.date_range("2004-03-13", periods=N, freq="h")
    frame = frame_of(times).assign(Date=times.strftime("%d/%m/%Y"), Time=times.strftime("%H.%M.%S"))
    model = gn.Sequential([Flatten(), Dense(AHEAD)], seed=0)
    sizes = {"season": 2, "length": 3, "horizon": AHEAD}
    model.fit(gn.data.series(frame[:40], "y", time="Date", **sizes), epochs=0, verbose=0)
    assert model.preprocessor.times.columns == ("Date", "Time")
    assert model.forecast(series=frame).labels[0] == "2004-03-15 12:00"


def test_a_series_that_was_counted_is_counted_again():
    """Relation: dates in the index of a newer frame are left out, as they were in training."""
    model = gn.Sequential([Flatten(), Dense(AHEAD)], seed=0)
    sizes = {"season": 2, "length": 3, "horizon": AHEAD}
    frame = frame_of(TIMES["days"][:N])
    model.fit(gn.data.series(frame, "y", **sizes), epochs=0, verbose=0)
    assert model.forecast(series=frame.set_index("t")).labels[0] == "61"


def test_files_without_zones_and_fill_stay_as_they_were():
    """The fields are written only if they are used; a file that has them is read."""
    plain = TimeIndex(("t",), "second", 0.0, 60.0)
    zoned = TimeIndex(("t",), "second", 0.0, 60.0, ((0.0, "+01:00"), (600.0, "Europe/Berlin")))
    exact = TimeIndex(("t",), "nanosecond", 1_704_067_200_123_456_789, 7)
    for index in (plain, zoned, exact):
        text = json_codec.dumps(index, registry.by_class())
        assert ("zones" in text) == (index is zoned)
        read = json_codec.Reader(registry.by_tag(), {}).read(json_codec.loads(text), TimeIndex)
        assert read == index
        assert read.label_at(1) == index.label_at(1)
    assert exact.label_at(0) == "2024-01-01 00:00:00.123456789"


def test_a_backtest_finds_its_steps_at_any_resolution():
    """Nanoseconds since 1970 have more digits than a float64."""
    times = pandas.date_range("2024-01-01", periods=N, freq="7ns")
    series = gn.data.series(frame_of(times), "y", time="t", season=2, length=3)
    later = Forecast(
        "y", series.times.shift(31), series.values[31:33] + 1, np.ones(2), 2, np.ones(5)
    )
    assert backtest([later], series).rmse[0] == pytest.approx(1.0)
    assert series.times.shift(31).steps_from(series.times) == 31
    coarse = TimeIndex((), "second", 1.7e9, 1.0)
    assert TimeIndex((), "millisecond", 1_700_000_005_000, 1000).steps_from(coarse) == 5


def test_labels_of_a_plot_do_not_overlap():
    """Measured: 86 characters fit below a figure of 8 inches."""
    for text, most in (
        ("1949-01", 8),
        ("2024-01-01 00:00", 4),
        ("2024-01-01 00:00:00.100+05:30", 2),
    ):
        curves = {"forecast": np.ones(4), "naive": np.ones(4)}
        figure = plot_forecast("y", [text] * 40, np.ones(36), curves, 1, None)
        figure.canvas.draw()
        boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
        assert 2 <= len(boxes) <= most
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_a_fill_of_a_file_is_checked():
    model = fitted(TIMES["days"][:N])
    with pytest.raises(ConfigError, match=r"fill to be a method of `series`\. Received: fill='x'"):
        type(model.preprocessor)(**{**vars(model.preprocessor), "fill": "x"})
