"""Times of series: zones, fractions of a second, several columns, formats, gaps and filling.

Oracle: pandas' date ranges, from which the columns are made, and its time zones and interpolation.
"""

import datetime as dt
import re
import zoneinfo

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet.data.time_index import TimeIndex
from glassnet.data.time_zones import find_zone, format_offset, name_zone, to_utc
from glassnet.errors import ConfigError, DataError


def frame_of(times, **columns):
    """Return a frame of times and of values that vary."""
    values = np.sin(np.arange(len(times))) + np.arange(len(times)) % 3
    return pandas.DataFrame({"t": times, **columns, "y": values})


def days(*start, **options):
    return pandas.date_range(*start, **options)


def labels(series):
    return [series.times.label_at(k) for k in range(len(series))]


def offset_label(time):
    """Format a pandas time with its offset, to the minute."""
    return time.isoformat(sep=" ", timespec="minutes")


@pytest.fixture(params=["frame", "text", "file"])
def source(request, tmp_path):
    """A function that returns a frame as it is, with times in ISO text, or as a CSV file."""

    def convert(frame):
        if request.param == "frame":
            return frame
        frame = frame.assign(t=[time.isoformat(sep=" ") for time in frame["t"]])
        if request.param == "text":
            return frame
        frame.to_csv(tmp_path / "t.csv", index=False)
        return tmp_path / "t.csv"

    return convert


@pytest.mark.parametrize(
    ("start", "zone", "freq"),
    [
        ("2024-03-30", "Europe/Berlin", "h"),
        ("2024-10-26", "Europe/Berlin", "h"),
        ("2024-04-06", "Australia/Lord_Howe", "30min"),
        ("2024-11-02", "America/New_York", "15min"),
        ("2024-03-30", "Asia/Kolkata", "h"),
        ("2024-03-30", "-02:30", "h"),
        ("1965-05-30", "Europe/London", "h"),
        ("2024-03-30", zoneinfo.ZoneInfo("Africa/Cairo"), "h"),
        ("2024-03-30", dt.timezone(dt.timedelta(hours=5, minutes=45)), "h"),
        ("2024-03-30", "UTC", "h"),
    ],
)
def test_times_with_a_zone_are_spaced_by_absolute_time(source, start, zone, freq):
    """Across clock changes too, and every label is the local clock of pandas."""
    times = days(start, periods=200, freq=freq, tz=zone)
    series = gn.data.series(source(frame_of(times)), "y", time="t")
    assert labels(series) == [offset_label(time) for time in times]
    assert series.season == {"h": 24, "30min": 48, "15min": 96}[freq]


def test_a_zone_is_known_beyond_the_end(source):
    """The zone of a frame is known; offsets of text need time_zone for the next clock change."""
    times = days("2024-10-20", "2024-10-27 01:00", freq="h", tz="Europe/Berlin")
    data = source(frame_of(times))
    after = "2024-10-27 02:00+01:00"  # 02:00+02:00 is between
    series = gn.data.series(data, "y", time="t", time_zone="Europe/Berlin")
    assert series.times.label_at(len(times) + 1) == after
    assert "a step is an hour (Europe/Berlin)" in series.messages[-1]
    series = gn.data.series(data, "y", time="t")
    is_frame = isinstance(data, pandas.DataFrame) and data["t"].dtype.kind == "M"
    expected = after if is_frame else "2024-10-27 03:00+02:00"
    assert series.times.label_at(len(times) + 1) == expected


def test_offsets_that_change_are_said():
    times = days("2024-03-30", periods=48, freq="h", tz="Europe/Paris")
    series = gn.data.series(frame_of([t.isoformat() for t in times]), "y", time="t")
    note = "the offset from UTC changes, at last from +01:00 to +02:00, which forecasts keep"
    assert note in series.messages[1]
    assert "time_zone='Europe/Berlin' knows all changes" in series.messages[1]
    assert [zone for _, zone in series.times.zones] == ["+01:00", "+02:00"]


def test_offsets_that_change_all_the_time_are_shown_in_utc():
    times = days("2024-01-01", periods=250, freq="h", tz="UTC")
    texts = [
        time.tz_convert(find_zone(f"+0{i % 2}:00")).isoformat() for i, time in enumerate(times)
    ]
    series = gn.data.series(frame_of(texts), "y", time="t")
    assert labels(series) == [offset_label(time) for time in times]
    assert "changes 249 times: the times are shown in UTC" in series.messages[-1]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo"])
def test_days_months_and_half_days_of_a_zone_are_those_of_its_calendar(source, zone):
    """A day of a clock change has 23 or 25 hours, and is one step."""
    for freq, name in (("D", "day"), ("MS", "month"), ("QS", "quarter"), ("7D", "week")):
        times = days("2017-01-01", periods=60, freq=freq).tz_localize(
            zone, nonexistent="shift_forward"
        )
        series = gn.data.series(source(frame_of(times)), "y", time="t")
        assert (series.times.step_name, series.times.zones) == (name, ())
    noon_and_midnight = days("2024-03-29", periods=14, freq="12h").tz_localize("Europe/Berlin")
    series = gn.data.series(source(frame_of(noon_and_midnight)), "y", time="t")
    assert series.times.step_name == "12 hours"
    assert labels(series)[-1] == "2024-04-04 12:00"


@pytest.mark.parametrize("freq", ["100ms", "250us", "7ns", "1500ms"])
@pytest.mark.parametrize("start", ["2024-01-01 00:00:00.5", "1969-12-31 23:59:58"])
def test_fractions_of_a_second(source, freq, start):
    times = days(start, periods=60, freq=freq)
    series = gn.data.series(source(frame_of(times)), "y", time="t")
    assert pandas.to_datetime(labels(series)).tolist() == times.tolist()
    assert series.season == 1
    zoned = gn.data.series(source(frame_of(times.tz_localize("Asia/Kolkata"))), "y", time="t")
    assert labels(zoned) == [f"{label}+05:30" for label in labels(series)]


def test_steps_of_an_hour_with_a_fraction_have_a_season():
    times = days("2024-01-01 00:00:00.25", periods=60, freq="h")
    series = gn.data.series(frame_of(times), "y", time="t")
    assert (series.season, series.times.unit) == (24, "millisecond")
    assert series.times.default_season == TimeIndex((), "second", 0.0, 3600.0).default_season


def test_times_that_jitter_below_a_second_are_rounded():
    """Within a second they were read as equal steps before; it is said now."""
    jitter = pandas.to_timedelta(np.random.default_rng(0).integers(0, 90_000, 60), unit="us")
    times = days("2024-01-01", periods=60, freq="min") + jitter
    series = gn.data.series(frame_of(times), "y", time="t")
    assert labels(series)[-1] == "2024-01-01 00:59"
    assert "the times were rounded to seconds, in which their steps are equal" in series.messages[1]


@pytest.mark.parametrize(
    ("first", "unit"), [("1600-02-28", "D"), ("2300-02-28", "D"), ("2300-02-28T23", "h")]
)
def test_times_outside_the_range_of_nanoseconds(first, unit):
    times = np.datetime64(first, "s") + np.arange(40) * np.timedelta64(1, unit).astype("m8[s]")
    texts = [str(time).replace("T", " ") for time in times]
    series = gn.data.series(frame_of(texts), "y", time="t")
    assert [label.ljust(19, "0")[:10] for label in labels(series)] == [text[:10] for text in texts]
    with pytest.raises(DataError, match=r"Received: text='2300-01-01 00:00:00\.000000000'"):
        gn.data.series(frame_of([f"2300-01-01 00:00:00.{i:09}" for i in range(9)]), "y", time="t")


@pytest.mark.parametrize(
    "form",
    [
        "%Y%m%d",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%m/%d/%Y %I:%M %p",
        "%d.%m.%Y %H:%M:%S.%f",
        "%d/%m/%Y %H:%M",
        "%Y%m%dT%H%M%S",
        "%Y%m%d%H",
        "%Y%m%d%H%M",
        "%Y-%m-%dT%H:%M:%S,%f",
        "%d-%b-%Y %H:%M",
    ],
)
def test_formats_of_dates(form, tmp_path):
    """Decided once for the column: the 13th month does not exist."""
    times = days("2016-04-10", periods=100, freq="h" if "%H" in form or "%I" in form else "D")
    frame_of(times.strftime(form)).to_csv(tmp_path / "t.csv", index=False)
    for data in (tmp_path / "t.csv", frame_of(list(times.strftime(form)))):
        series = gn.data.series(data, "y", time="t")
        assert pandas.to_datetime(labels(series)).tolist() == times.tolist()


@pytest.mark.parametrize(
    "form",
    ["%Y%m", "%b %Y", "%B %Y", "%b-%y", "%m/%Y", "%Y %b", "%b. %Y", "%Y/%m", "%Y-%m", "%YM%m"],
)
def test_formats_of_months(form):
    times = days("2014-11-01", periods=40, freq="MS")
    series = gn.data.series(frame_of(list(times.strftime(form))), "y", time="t")
    assert labels(series) == list(times.strftime("%Y-%m"))
    assert series.season == 12


@pytest.mark.parametrize("form", ["Q%q %Y", "%YQ%q", "%Y-Q%q", "%qQ%Y", "Q%q-%y", "Q%q/%Y"])
def test_formats_of_quarters(form):
    quarters = pandas.period_range("2014Q2", periods=20, freq="Q")
    series = gn.data.series(frame_of([q.strftime(form) for q in quarters]), "y", time="t")
    assert labels(series) == [q.strftime("%Y Q%q") for q in quarters]


def test_weeks_of_the_year():
    """2015 has 53 weeks."""
    weeks = [f"2015-W{week:02}" for week in range(1, 54)] + ["2016-W01", "2016-W02"]
    series = gn.data.series(frame_of(weeks), "y", time="t")
    assert (labels(series)[0], labels(series)[-1]) == ("2014-12-29", "2016-01-11")
    with pytest.raises(
        DataError, match=r"time 't': expected weeks of their year\. Received: text='2016-W99'"
    ):
        gn.data.series(frame_of(["2016-W01", "2016-W99"]), "y", time="t")


def test_days_without_a_year_are_not_months_of_a_year():
    """Jan-16 is a month of 2016 only if the months are in a row."""
    for n in (31, 70):
        texts = list(days("2024-01-01", periods=n).strftime("%b-%d"))
        with pytest.raises(DataError, match=r"Received: text='Jan-01'\. Write dates as"):
            gn.data.series(frame_of(texts), "y", time="t")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_numbers_since_1970(unit):
    times = days("2024-03-30", periods=100, freq="h")
    numbers = times.as_unit(unit).asi8
    series = gn.data.series(frame_of(numbers), "y", time="t", time_zone="Europe/Berlin")
    local = times.tz_localize("UTC").tz_convert("Europe/Berlin")
    assert labels(series) == [offset_label(time) for time in local]
    assert any("since 1970-01-01, in UTC" in line for line in series.messages)


def test_fractions_of_seconds_since_1970():
    series = gn.data.series(frame_of(1.7e9 + np.arange(50) / 4), "y", time="t")
    assert series.times.label_at(1) == "2023-11-14 22:13:20.250+00:00"


@pytest.mark.parametrize(
    "numbers", [[20160228, 20160301, 20160302], [1e9, 2e9, 4e9], [201611, 201612, 201613]]
)
def test_other_numbers_are_numbers(numbers):
    """A gap of dates is one of dates; a number that is no date is one of numbers."""
    if numbers[0] == 20160228:
        with pytest.raises(DataError, match=r"times=\['2016-02-29'\]"):
            gn.data.series(frame_of(numbers), "y", time="t")
    elif numbers[0] == 201611:
        series = gn.data.series(frame_of(numbers), "y", time="t")
        assert labels(series) == ["201611", "201612", "201613"]
    else:
        with pytest.raises(DataError, match=r"equally spaced|a row for every step"):
            gn.data.series(frame_of(numbers), "y", time="t")


def test_one_wrong_compact_date_is_named():
    numbers = [int(day) for day in days("2016-02-01", periods=20).strftime("%Y%m%d")]
    numbers[3] = 20160231
    with pytest.raises(
        DataError, match=r"dates as %Y%m%d, of digits alone.*text='20160231', invalid=1"
    ):
        gn.data.series(frame_of(numbers), "y", time="t")


@pytest.mark.parametrize("freq", ["M", "Q", "Y", "D", "h", "W"])
def test_periods_of_pandas(freq):
    """A column, the index of a frame, and that of a Series."""
    periods = pandas.period_range("2016-01-04", periods=30, freq=freq)
    starts = periods.to_timestamp()
    values = frame_of(starts)["y"].to_numpy()
    named = pandas.Series(values, index=periods, name="y")
    sources = (frame_of(periods), named.to_frame(), named, named.rename(None))
    for data, target, time in zip(sources, "yy", "t ", strict=False):
        series = gn.data.series(data, target, time=time.strip() or None)
        assert series.values.tolist() == values.tolist()
        last = series.times.to_pandas(len(series))[-1]
        assert last == starts[-1]
    assert gn.data.series(named).name == "y"
    assert gn.data.series(named.rename(None)).name == "value"


def test_dates_in_the_index():
    times = days("2024-03-30", periods=60, freq="h", tz="Europe/Berlin", name="at")
    values = frame_of(times).set_index("t")["y"]
    for data, time in ((values.to_frame(), None), (values.rename_axis("at").to_frame(), "at")):
        series = gn.data.series(data, "y", time=time)
        assert labels(series) == [offset_label(each) for each in times]
    counted = gn.data.series(values.to_frame(), "y", time=())
    assert labels(counted) == [str(i) for i in range(1, 61)]
    with pytest.raises(ConfigError, match=r"time: expected one of y\. Received: name='att'"):
        gn.data.series(values.rename_axis("at").to_frame(), "y", time="att")
    with pytest.raises(ConfigError, match=r"series: expected target to name a column"):
        gn.data.series(values.to_frame())


def two_columns(date="%d/%m/%Y", clock="%H:%M:%S"):
    times = days("2004-03-10", periods=96, freq="h")
    hours = times.strftime(clock) if isinstance(clock, str) else clock(times)
    return frame_of(times, Date=times.strftime(date), Time=hours)[["Date", "Time", "y"]]


@pytest.mark.parametrize(
    "clock",
    [
        "%H:%M:%S",
        "%H.%M.%S",
        "%H:%M",
        "%I:%M %p",
        "%I %p",
        lambda times: times.hour,
        lambda times: times.hour * 100,
        lambda times: times.time,
    ],
)
def test_a_date_and_a_time_of_day_in_two_columns(clock, tmp_path):
    """Named in any order, or only the date: then it is said."""
    frame = two_columns(clock=clock)
    frame.to_csv(tmp_path / "t.csv", index=False)
    for data in (frame, tmp_path / "t.csv"):
        for time in (("Date", "Time"), ["Date", "Time"], "Date"):
            series = gn.data.series(data, "y", time=time)
            assert labels(series)[-1] == "2004-03-13 23:00"
            assert series.times.columns == ("Date", "Time")
    assert series.messages[-1] == (
        "Date has 24 rows a day: read together with Time, as time=('Date', 'Time')"
    )


def test_which_columns_are_no_times_of_day():
    """Two candidates are not chosen between, and neither is the target or a column of words."""
    frame = two_columns(clock=lambda times: times.hour)
    with pytest.raises(DataError, match=r"rows=24\. Pass time=\('Date', 'Time'\)"):
        gn.data.series(frame.assign(hour=frame["Time"]), "y", time="Date")
    with pytest.raises(DataError, match=r"Every time has 24 rows: if they are of several series"):
        gn.data.series(frame, "Time", time="Date")
    with pytest.raises(DataError, match=r"time 'w': expected times of day, such as 18:00, or"):
        gn.data.series(frame.assign(w="noon"), "y", time=("Date", "w"))
    with pytest.raises(DataError, match=r"expected a column of dates, or of years, first"):
        gn.data.series(frame.assign(n=np.arange(96)), "y", time=("n", "Time"))
    late = gn.data.series(frame.assign(Time=frame["Time"] + 1), "y", time=("Date", "Time"))
    assert labels(late)[-1] == "2004-03-14 00:00"


PARTS = pandas.DataFrame(
    {
        "No": np.arange(96),
        **{part: getattr(days("2004-02-27", periods=96, freq="h"), part) for part in
           ("year", "month", "day", "hour")},
        "y": np.sin(np.arange(96)),
    }
)  # fmt: skip


def test_year_month_day_and_hour_in_separate_columns():
    """As in Beijing's PM2.5: in any order by their names, or in this order by any names."""
    renamed = PARTS.rename(columns={"year": "a", "month": "b", "day": "c", "hour": "d"})
    for frame, time in (
        (PARTS, ("year", "month", "day", "hour")),
        (PARTS, ("hour", "day", "month", "year")),
        (PARTS, "hour"),
        (renamed, ("a", "b", "c", "d")),
    ):
        series = gn.data.series(frame, "y", time=time)
        assert labels(series)[0] == "2004-02-27 00:00"
        assert labels(series)[-1] == "2004-03-01 23:00"
    minutes = PARTS.assign(month="Feb", hour=5, minute=np.arange(96) % 60)[:60]
    series = gn.data.series(minutes.assign(day=3), "y", time=(*PARTS.columns[1:5], "minute"))
    assert labels(series)[-1] == "2004-02-03 05:59"
    daily = gn.data.series(PARTS[::24], "y", time=("year", "month", "day"))
    assert labels(daily) == ["2004-02-27", "2004-02-28", "2004-02-29", "2004-03-01"]


@pytest.mark.parametrize("time", ["year", "month", "day"])
def test_finer_columns_are_named(time):
    with pytest.raises(
        DataError, match=r"one row for each .* Pass time=\('year', 'month', 'day', 'hour'\)"
    ):
        gn.data.series(PARTS, "y", time=time)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"day": 30}, "time 'day': expected days of their month. Received: first=[30.0"),
        ({"day": 0}, "time 'day': expected days 1 to 31. Received: first=[0.0"),
        ({"month": 13}, "time 'month': expected months. Received: first=[13.0"),
        ({"hour": 25}, "time 'hour': expected times of day, such as 18:00, or hours 0 to 24."),
        ({"year": 2004.5}, "time 'month': expected an integer year in every row."),
    ],
)
def test_parts_that_are_refused(changes, text):
    time = ("year", "month", "day", "hour")
    changes = changes | ({"hour": -1} if "hour" in changes else {"month": 2} | changes)
    with pytest.raises(DataError, match=re.escape(text)):
        gn.data.series(PARTS.assign(**changes), "y", time=time)


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (
            ["13/04/2016", "04/14/2016", "15/04/2016"],
            "time 't': expected a time in every row. Received: text='04/14/2016'.",
        ),
        (
            ["01/04/2016 10:00", "02/04/2016 10:00"],
            "formats=['%d/%m/%Y %H:%M', '%m/%d/%Y %H:%M']. Several date formats match",
        ),
        (
            ["2024-01-01 00:00+01:00", "2024-01-01 01:00"],
            "a time zone in every row, or in none. Received: without='2024-01-01 01:00'.",
        ),
    ],
)
def test_formats_that_are_refused(texts, text):
    with pytest.raises(DataError, match=re.escape(text)):
        gn.data.series(frame_of(texts), "y", time="t")


def read_line(error):
    """Return the line of pandas in an error, without the words around it."""
    return re.search(
        r"(?:pandas|steps): (frame.*?\.interpolate\(\)(?:\.reset_index\(\))?)\.", error
    )[1]


def without(frame, *rows):
    return frame.drop(list(rows or (4, 9, 10)))


HOURS = days("2024-01-01", periods=60, freq="h")
GAPS = {
    "hours": without(frame_of(HOURS)),
    "zone": without(frame_of(HOURS.tz_localize("Asia/Kolkata"))),
    "offsets": without(frame_of([t.isoformat() for t in HOURS.tz_localize("Asia/Kolkata")])),
    "index": without(frame_of(HOURS)).set_index("t"),
    "periods": without(frame_of(pandas.period_range("2024-01", periods=60, freq="M"))),
    "period index": without(frame_of(HOURS.to_period("h"))).set_index("t"),
    "weeks": without(frame_of(days("2024-01-01", periods=60, freq="W"))),
    "7 hours": without(frame_of(days("2024-01-01", periods=60, freq="7h"))),
    "tenths": without(frame_of(days("2024-01-01", periods=60, freq="100ms").astype(str))),
    "month ends": without(frame_of(days("2024-01-01", periods=60, freq="ME"))),
    "Jan 2016": without(frame_of(days("2016-01-01", periods=60, freq="MS").strftime("%b %Y"))),
    "2016Q1": without(frame_of(days("2016-01-01", periods=60, freq="QS").to_period("Q").astype(str))),
    "20160101": without(frame_of(days("2016-01-01", periods=60).strftime("%Y%m%d").astype(int))),
    "13/04/2016": without(frame_of(days("2016-01-01", periods=60).strftime("%d/%m/%Y"))),
    "years": without(frame_of(np.arange(1950, 2010))),
    "epoch": without(frame_of(HOURS.as_unit("s").asi8)),
    "numbers": without(frame_of(np.arange(0, 300, 5))),
    "two columns": without(two_columns()),
    "dots": without(two_columns(clock="%H.%M.%S")),
    "hour": without(two_columns(clock=lambda times: times.hour)),
    "parts": without(PARTS),
}  # fmt: skip
TIMES = {"two columns": ("Date", "Time"), "parts": ("year", "month", "day", "hour")} | {
    "dots": ("Date", "Time"),
    "hour": ("Date", "Time"),
    "index": None,
    "period index": None,
}


@pytest.mark.parametrize("name", GAPS)
def test_gaps_are_listed_with_the_line_that_fills_them(name):
    """The line runs, and gives what fill="interpolate" gives."""
    frame, time = GAPS[name], TIMES.get(name, "t")
    with pytest.raises(
        DataError, match=r"missing=3, gaps=2, times=\['[^']*', '[^']* to [^']*'\]"
    ) as e:
        gn.data.series(frame, "y", time=time)
    assert 'fill="interpolate" or fill="previous" fills them, or with pandas: ' in str(e.value)
    filled = eval(read_line(str(e.value)), {"frame": frame, "pandas": pandas})
    time_of_filled = "t" if isinstance(filled, pandas.DataFrame) else None
    by_pandas = gn.data.series(filled, "y", time=time_of_filled)
    ours = gn.data.series(frame, "y", time=time, fill="interpolate")
    np.testing.assert_allclose(by_pandas.values, ours.values)
    assert len(ours) == len(frame) + 3
    assert ours.times.has_same_step(by_pandas.times)


def test_the_first_ten_of_many_gaps():
    with pytest.raises(
        DataError, match=r"rows=357, missing=43, gaps=43, times=\[(.*?), '\.\.\.'\]"
    ) as e:
        gn.data.series(
            frame_of(days("2024-01-01", periods=400, freq="h")).drop(list(range(5, 390, 9))),
            "y",
            time="t",
        )
    listed = re.findall(r"'(2024-[^']*)'", str(e.value))
    assert listed == [
        f"{t:%Y-%m-%d %H:%M}" for t in days("2024-01-01 05:00", periods=10, freq="9h")
    ]


def test_irregular_times_are_refused_with_the_line_that_takes_means():
    jitter = pandas.to_timedelta(np.random.default_rng(0).integers(0, 60, 200), unit="s")
    frame = frame_of(days("2024-01-01", periods=200, freq="10min") + jitter)
    with pytest.raises(
        DataError, match=r"equally spaced times\..*Take means over equal steps:"
    ) as e:
        gn.data.series(frame, "y", time="t")
    regular = gn.data.series(eval(read_line(str(e.value)), {"frame": frame, "pandas": pandas}))
    assert regular.times.step_name == "10 minutes"
    assert len(regular) == 200


@pytest.mark.parametrize("fill", ["interpolate", "previous"])
def test_filling(fill):
    """Oracle: pandas, on the whole range. Missing rows and missing values are filled alike."""
    frame = frame_of(days("2024-01-01", periods=40, freq="h"))
    frame.loc[[20, 21], "y"] = np.nan
    series = gn.data.series(frame.drop([5, 6]), "y", time="t", fill=fill)
    gaps = frame.set_index("t")["y"].where(~frame["t"].isin(frame["t"][[5, 6]]).to_numpy())
    want = gaps.interpolate() if fill == "interpolate" else gaps.ffill()
    np.testing.assert_allclose(series.values, want)
    assert np.flatnonzero(series.is_filled).tolist() == [5, 6, 20, 21]
    assert np.flatnonzero(series[6:22].is_filled).tolist() == [0, 14, 15]
    how = {"interpolate": "interpolation", "previous": "the previous value"}[fill]
    assert series.messages[1] == (
        f"y: 4 of 40 values filled by {how}: "
        "2024-01-01 05:00, 2024-01-01 06:00, 2024-01-01 20:00, 2024-01-01 21:00"
    )


def test_values_that_cannot_be_filled_are_left_out():
    frame = frame_of(days("2024-01-01", periods=40))
    frame.loc[[0, 1, 39], "y"] = np.nan
    series = gn.data.series(frame, "y", time="t", fill="interpolate")
    assert series.span() == "2024-01-03 to 2024-02-08 (37 days)"
    assert series.messages[-2:] == (
        "y: no value before 2024-01-03: 2 days left out",
        "y: no value after 2024-02-08: 1 day left out",
    )
    later = gn.data.series(frame, "y", time="t", fill="previous")
    assert later.values[-1] == frame["y"][38]
    assert gn.data.series(frame[2:39], "y", time="t", fill="previous").is_filled is None
    with pytest.raises(DataError, match=r"target 'y': expected a value at every time"):
        gn.data.series(frame.assign(y=np.nan), "y", time="t", fill="previous")


def test_a_wrong_year_is_not_filled():
    """It would take 58 billion values."""
    frame = frame_of(
        [*days("2024-01-01", periods=30, freq="100ms"), pandas.Timestamp("2204-01-01")]
    )
    with pytest.raises(DataError, match=r"next='2204-.*More times are missing than present"):
        gn.data.series(frame, "y", time="t", fill="previous")


def test_business_days_are_named():
    frame = frame_of(days("2024-01-01", periods=30, freq="B"))
    weekends = r"The missing days are Saturdays and Sundays: to count business days, omit `time`"
    with pytest.raises(DataError, match=weekends + ", with season=5 for a week"):
        gn.data.series(frame, "y", time="t")
    with pytest.raises(DataError, match=r"pass frame\.reset_index\(drop=True\), with season=5"):
        gn.data.series(frame.set_index("t"), "y")
    with pytest.raises(DataError, match=r"missing=\d+.*10 of them are Saturdays and Sundays"):
        gn.data.series(frame.drop([10, 11]), "y", time="t")


LOCAL = {
    zone: days("2024-03-09", "2024-11-05", freq="30min", tz=zone).tz_localize(None)
    for zone in ("Europe/Berlin", "Europe/London", "America/New_York", "Australia/Sydney")
}


@pytest.mark.parametrize("zone", LOCAL)
def test_a_clock_change_without_offsets_is_named(zone):
    """A gap where the clock is put forward, an hour twice where it is put back."""
    times = LOCAL[zone]
    repeated = times[times.duplicated()][0]
    change = r"looks like a change to {} time, as in " + f"{zone}: pass time_zone='{zone}'"
    around = (times > repeated - pandas.Timedelta("3D")) & (
        times < repeated + pandas.Timedelta("3D")
    )
    with pytest.raises(DataError, match="repeated hour " + change.format("winter")) as e:
        gn.data.series(frame_of(times[around]), "y", time="t")
    assert f"time='{repeated:%Y-%m-%d %H:%M}', rows=2." in str(e.value)
    assert "tz_localize(" in str(e.value)
    is_spring = times > "2024-09-30" if zone == "Australia/Sydney" else times < "2024-04-10"
    spring = frame_of(times[is_spring])
    with pytest.raises(DataError, match=r"gaps=1.*missing hour " + change.format("summer")):
        gn.data.series(spring, "y", time="t")
    filled = gn.data.series(spring, "y", time="t", fill="previous")
    assert any(
        "missing hour looks like a change to summer time" in line for line in filled.messages
    )


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("zone", LOCAL)
def test_local_times_are_read_in_a_time_zone(zone, order):
    """Oracle: pandas' tz_localize, which has the absolute times; rows ascend or descend."""
    frame = frame_of(LOCAL[zone])[::order]
    series = gn.data.series(frame, "y", time="t", time_zone=zone)
    absolute = LOCAL[zone].tz_localize(zone, ambiguous="infer")
    assert series.values.tolist() == frame_of(LOCAL[zone])["y"].tolist()
    assert labels(series)[::97] == [offset_label(time) for time in absolute[::97]]


def test_what_a_time_zone_is_refused_for():
    frame = frame_of(days("2024-03-30", periods=60, freq="h"))
    for zone, text in (
        ("Europe/Berln", r"name of a time zone.*'Europe/Berln'\. Did you mean 'Europe/Berlin'\?"),
        ("../etc/passwd", "the name of a time zone"),
    ):
        with pytest.raises(ConfigError, match=text):
            gn.data.series(frame, "y", time="t", time_zone=zone)
    with pytest.raises(
        DataError, match=r"clock of Europe/Berlin shows\. Received: time='2024-03-31 02"
    ):
        gn.data.series(frame, "y", time="t", time_zone="Europe/Berlin")
    with pytest.raises(
        ConfigError, match=r"series: expected time_zone only with times that are dates"
    ):
        gn.data.series(frame, "y", time_zone="UTC")
    with pytest.raises(ConfigError, match=r"series: argument: .*'fil'\. Did you mean 'fill'\?"):
        gn.data.series(frame, "y", time="t", fil="previous")
    with pytest.raises(ConfigError, match=r'fill to be "interpolate", "previous" or None'):
        gn.data.series(frame, "y", time="t", fill="linear")
    with pytest.raises(ConfigError, match=r"time to name one or several columns"):
        gn.data.series(frame, "y", time=("t", 3))


def test_years_beyond_the_calendar_have_no_zone():
    """They are read without one. Python's calendar ends in the year 9999."""
    for times in (
        np.array(["36701-03-20T11", "36701-03-20T12", "36701-03-20T13"], "M8[s]"),
        [f"9999-12-31 {hour}:00-12:00" for hour in (21, 22, 23)],
    ):
        with pytest.raises(DataError, match=r"times between the years 1 and 9999 in Europe/Ber"):
            gn.data.series(frame_of(times), "y", time="t", time_zone="Europe/Berlin")
        assert gn.data.series(frame_of(times), "y", time="t").times.step_name == "hour"


def test_names_of_zones():
    names = {"Z": "UTC", "utc": "UTC", "UTC+05:30": "+05:30", "-0300": "-03:00", "+02": "+02:00"}
    assert {text: name_zone(text) for text in names} == names
    assert name_zone(zoneinfo.ZoneInfo("Asia/Kolkata")) == "Asia/Kolkata"
    assert name_zone(dt.timezone(dt.timedelta(hours=-9, minutes=-30))) == "-09:30"
    assert format_offset(-34_200) == "-09:30"
    with pytest.raises(DataError, match="that the clock of Europe/Berlin shows"):
        to_utc(np.array(["2024-03-31T02:30", "2024-03-31T04"], "M8[s]"), "Europe/Berlin")


@pytest.mark.parametrize(
    ("index", "n", "text"),
    [
        (TimeIndex((), "second", 0.0, 900.0), 400, "400 steps of 15 minutes"),
        (TimeIndex((), "second", 0.0, 3600.0), 1, "1 hour"),
        (TimeIndex((), "month", 0.0, 2.0), 1, "1 step of 2 months"),
        (TimeIndex((), "millisecond", 0, 100), 9, "9 steps of 100 milliseconds"),
        (TimeIndex((), "number", 0.0, 0.5), 9, "9 steps"),
    ],
)
def test_counts_of_steps(index, n, text):
    assert index.count(n) == text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"first": 2.0**62}, "times below 2^62"),
        ({"zones": ((0.0, "Mars/Base"),)}, "the name of a time zone"),
        ({"unit": "month", "zones": ((0.0, "UTC"),)}, "zones only of dates"),
    ],
)
def test_indexes_that_are_refused(fields, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        TimeIndex(**{"columns": (), "unit": "second", "first": 0.0, "step": 1.0} | fields)
