"""Tests of the time index of a table. Oracle: by hand, and pandas' calendar."""

import re

import pandas
import pytest

from glassnet.data.table import read_table
from glassnet.data.time_reading import read_time_index
from glassnet.errors import ConfigError, DataError


def read_index(time="t", **columns):
    return read_time_index(read_table(columns), time)[0]


def dates(freq, n=9):
    return pandas.date_range("2024-01-31" if freq == "ME" else "2024-01-01", periods=n, freq=freq)


@pytest.mark.parametrize(
    ("columns", "text", "span", "season"),
    [
        (
            {"t": ["January", "February", "March"], "year": [1949] * 3},
            "year and t, a step is a month",
            "1949-01 to 1949-03",
            12,
        ),
        (
            {"t": ["nov", "Dec.", "JAN"], "Year": [1949, 1949, 1950]},
            "Year and t, a step is a month",
            "1949-11 to 1950-01",
            12,
        ),
        (
            {"t": [12, 1, 2], "year": [1949, 1950, 1950]},
            "year and t, a step is a month",
            "1949-12 to 1950-02",
            12,
        ),
        (
            {"t": ["Q3", "Q4", "Q1"], "year": [1949, 1949, 1950]},
            "year and t, a step is a quarter",
            "1949 Q3 to 1950 Q1",
            4,
        ),
        (
            {"t": ["1949-11", "1949-12", "1950-01"]},
            "t, a step is a month",
            "1949-11 to 1950-01",
            12,
        ),
        (
            {"t": ["1949-Q4", "1950 Q1", "1950Q2"]},
            "t, a step is a quarter",
            "1949 Q4 to 1950 Q2",
            4,
        ),
        (
            {"t": ["1949-02", "1949-04", "1949-06"]},
            "t, a step is 2 months",
            "1949-02 to 1949-06",
            6,
        ),
        ({"t": [1949, 1950, 1951]}, "t, a step is a year", "1949 to 1951", 1),
        ({"t": [1950, 1960, 1970]}, "t, a step is 10 years", "1950 to 1970", 1),
        ({"t": [0.5, 0.75, 1.0]}, "t, a step is 0.25", "0.5 to 1", 1),
        (
            {"t": ["2024-02-28", "2024-02-29", "2024-03-01"]},
            "t, a step is a day",
            "2024-02-28 to 2024-03-01",
            7,
        ),
        (
            {"t": ["28/02/2024", "29/02/2024", "01/03/2024"]},
            "t, a step is a day",
            "2024-02-28 to 2024-03-01",
            7,
        ),
        ({"t": dates("W")}, "t, a step is a week", "2024-01-07 to 2024-03-03", 52),
        ({"t": dates("h")}, "t, a step is an hour", "2024-01-01 00:00 to 2024-01-01 08:00", 24),
        (
            {"t": dates("30min")},
            "t, a step is 30 minutes",
            "2024-01-01 00:00 to 2024-01-01 04:00",
            48,
        ),
        ({"t": dates("7h")}, "t, a step is 7 hours", "2024-01-01 00:00 to 2024-01-03 08:00", 1),
        (
            {"t": dates("5s")},
            "t, a step is 5 seconds",
            "2024-01-01 00:00:00 to 2024-01-01 00:00:40",
            17280,
        ),
        ({"t": dates("MS")}, "t, a step is a month", "2024-01 to 2024-09", 12),
        ({"t": dates("ME")}, "t, a step is a month", "2024-01 to 2024-09", 12),
        ({"t": dates("QS")}, "t, a step is a quarter", "2024 Q1 to 2026 Q1", 4),
        ({"t": dates("YS")}, "t, a step is a year", "2024 to 2032", 1),
    ],
)
def test_what_is_read_index(columns, text, span, season):
    index = read_index(**columns)
    assert str(index) == text
    assert index.span(len(columns["t"])) == span
    assert index.default_season == season


def test_rows_are_counted_where_no_time_is_named():
    index = read_index(None, t=[5, 3, 9])
    assert (str(index), index.span(3), index.default_season) == (
        "rows, counted from 1, a step is 1",
        "1 to 3",
        1,
    )
    assert index.shift(2).label_at(0) == "3"


def test_rows_are_put_in_order():
    index, order, *_ = read_time_index(read_table({"t": ["2024-03", "2024-01", "2024-02"]}), "t")
    assert order.tolist() == [1, 2, 0]
    assert index.label_at(0) == "2024-01"


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (
            {"t": ["2024-01", "2024-02", "2024-05", "2024-06", "2024-08"]},
            "time: expected a row for every month. Received: rows=5, missing=3, gaps=2, times=['2024-03 to 2024-04', '2024-07']. fill=",
        ),
        (
            {"t": ["2024-01-01", "2024-01-02", "2024-01-04"]},
            "expected a row for every day. Received: rows=3, missing=1, gaps=1, times=['2024-01-03'].",
        ),
        (
            {"t": [3.2, 1.1, 7.5, 4.0]},
            "time 't': expected equally spaced times. Received: gaps=2, rows=4. Is the time in",
        ),
        (
            {"t": [1.0, 1.5, 2.0, 2.7]},
            "expected equally spaced times. Received: gaps=1, rows=4, after='2', next='2.7'. If only",
        ),
        (
            {"t": ["2024-01", "2024-02", "2024-02"]},
            "time: expected one row for each month. Received: time='2024-02', rows=2. Keep one row",
        ),
        (
            {"t": [1949, 1949, 1950], "m": ["Jan", "Feb", "Jan"]},
            "one row for each year. Received: time='1949', rows=2. Pass time=\"m\".",
        ),
        (
            {"t": ["Jan", "Feb"], "y": [1, 2]},
            "time 't': expected a column `year` next to the months. Received: columns='t, y'. Or write dates",
        ),
        (
            {"t": ["Jan", "Feb"], "year": [1949, 1949.5]},
            "time 't': expected an integer year in every row. Received: year=[1949.0",
        ),
        (
            {"t": ["2024-01", None, "2024-03"]},
            "time 't': expected a time in every row. Received: row=1, missing=1. Leave them out: frame.dropna(subset=['t']).",
        ),
        (
            {"t": ["2024-01", "soon"]},
            "time 't': expected a time in every row. Received: text='soon'. Write dates as 1949-01-31",
        ),
        (
            {"t": ["2024-13", "2024-14"]},
            "time 't': expected a time in every row. Received: text='2024-13'.",
        ),
        (
            {"t": ["01/02/2024", "01/03/2024"]},
            "Several date formats match: write dates as 1949-01-31.",
        ),
        ({"t": [True, False]}, "time 't': expected dates, years or numbers."),
        ({"t": [1.0, float("inf")]}, "time 't': expected dates, years or numbers."),
        ({"t": [1949]}, "time: expected at least two rows. Received: rows=1."),
    ],
)
def test_what_is_refused(columns, text):
    with pytest.raises(DataError, match=re.escape(text)):
        read_index(**columns)


def test_an_unknown_column_is_refused():
    with pytest.raises(
        ConfigError,
        match=r"time: expected one of day, sold\. Received: name='dya'\. Did you mean 'day'\?",
    ):
        read_index("dya", day=[1, 2], sold=[3, 4])
