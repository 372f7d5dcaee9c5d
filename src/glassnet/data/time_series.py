"""Time series datasets: equally spaced values read from a table, to be forecast."""

from __future__ import annotations

import datetime
import inspect
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np

from glassnet.data.parsing import is_missing
from glassnet.data.table import Table, read_table
from glassnet.data.target_columns import check_varying_target, to_log
from glassnet.data.time_gaps import MAX_LISTED
from glassnet.data.time_index import TimeIndex
from glassnet.data.time_reading import read_time_index
from glassnet.data.time_zones import name_zone
from glassnet.errors import DataError, is_int, lookup, renamed_attributes, require
from glassnet.suggestions import suggest_arguments

DEFAULT_LENGTH = 12
"""Number of differences that a network sees of a series without seasons."""

FILL_METHODS = {"interpolate": "interpolation", "previous": "the previous value"}
"""Methods that fill missing values, and their names in messages."""


@renamed_attributes(said="messages")
@dataclass(frozen=True, eq=False, repr=False)
class TimeSeries:
    """Equally spaced values to forecast, for `fit`, `evaluate`, `predict` and `forecast`.

    A slice is a shorter series: series[:-12] leaves out the last twelve steps.

    Attributes:
        name: name of the values.
        values: (n,) float64, in time order.
        times: times of the values.
        length: number of seasonal differences that the network sees.
        horizon: number of steps that it forecasts at once.
        season: number of steps after which the pattern repeats; 1 for none.
        transform: "log" if the logarithm is learned, or None.
        messages: lines for the user about what was inferred.
        fill: how missing values were filled: "interpolate", "previous" or None.
        time_zone: zone of the clock that was passed to `series`.
        is_filled: (n,) which values were filled; None if none was.
    """

    name: str
    values: np.ndarray
    times: TimeIndex
    length: int
    horizon: int
    season: int
    transform: str | None = None
    messages: tuple[str, ...] = ()
    fill: str | None = None
    time_zone: str | None = None
    is_filled: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype)

    def __getitem__(self, part: slice) -> TimeSeries:
        fits = isinstance(part, slice) and part.step in (None, 1)
        fix = "One value is series.values[i]."
        require(fits, "series", "a slice without a step, as series[:-12]", received=part, fix=fix)
        start, stop, _ = part.indices(len(self))
        is_filled = None if self.is_filled is None else self.is_filled[start:stop]
        times = self.times.shift(start)
        return replace(self, values=self.values[start:stop], times=times, is_filled=is_filled)

    def __repr__(self) -> str:
        sizes = f"season={self.season}, length={self.length}, horizon={self.horizon}"
        return f"TimeSeries({self.name!r}, {self.span()}, {sizes})"

    def span(self) -> str:
        """Return the first and last time in words, with the number of steps."""
        if not len(self):
            return "nothing"
        return f"{self.times.span(len(self))} ({self.times.count(len(self))})"


class TimeOptions(TypedDict, total=False):
    """How `series` reads times: see there."""

    fill: str | None
    time_zone: Any


@suggest_arguments
def series(
    source: Any,
    target: str | None = None,
    time: str | tuple[str, ...] | None = None,
    length: int | None = None,
    horizon: int = 1,
    season: int | None = None,
    transform: str | None = None,
    **options: Unpack[TimeOptions],
) -> TimeSeries:
    """Read a series to forecast from a table.

    A model fitted to the series sees seasonal differences
    d_t = (s_t - s_(t-season)) / scale: from d_(t-length+1), ..., d_t it learns
    d_(t+1), ..., d_(t+horizon) at once.

    So it learns the errors of the seasonal naive forecast, "the same as a season ago". The scale is
    the root mean square of the training differences. `predict` and `Sequential.forecast` return
    values in the target's own units.

    Shapes:
        A window is (length, 1), the output (horizon,). The network can end in Flatten, or a
        recurrent layer, and Dense(horizon).

    Args:
        source: a table: see `Sequential.fit`; or a pandas Series.
        target: the column to forecast; one number per step. Default: the name of a Series.
        time: the column of times: dates (2024-02-29, 13/04/2016, 20160101), dates with a time of
            day and a zone (2024-03-31 03:00+02:00), months (1949-01, Jan 1949), quarters (1949 Q1),
            years, seconds since 1970, or numbers; or the months or quarters of a year by name or
            number, if there is also a column called year. Several columns: a date and a time of
            day, ("Date", "Time"), or parts, ("year", "month", "day", "hour"). If None, the times
            are the dates of a pandas index, or the rows are equal steps in their order; () always
            counts the rows.
        length: number of differences that the network sees. Default: two seasons, or 12 without
            seasons, or about half of a short series.
        horizon: number of steps to forecast at once, >= 1.
        season: number of steps after which the pattern repeats; 1 for none. Default: a year of
            months, quarters or weeks, a week of days, a day of hours or minutes.
        transform: "log" to learn log s, for swings that grow with the level.
        options: fill and time_zone.
            fill: "interpolate" fills missing values on a straight line between their neighbors,
            "previous" with the value before. Default: they are refused.
            time_zone: zone of the clock, such as Europe/Berlin or +01:00. Times with a zone are
            shown in it. Times without a zone are read as those of its clock, which is put forward
            in spring and back in autumn.

    Raises:
        ConfigError: an unknown column or time zone (the message suggests the nearest name), or a
            length, horizon or season that is not an int >= 1.
        DataError: times that cannot be read, are missing or repeated (the message lists them, and
            the line of pandas that fills them); a target that is constant or has text or gaps; a
            series too short for its horizon.

    Example:
        >>> table = {"month": ["2024-01", "2024-02", "2024-03", "2024-04"], "sold": [3, 5, 4, 6]}
        >>> series(table, "sold", time="month", season=1, length=1)
        TimeSeries('sold', 2024-01 to 2024-04 (4 months), season=1, length=1, horizon=1)

    Source: R. Hyndman, G. Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition,
        sections 5.2 and 9.1.
    """
    sizes: dict[str, Any] = {"length": length, "horizon": horizon, "season": season}
    fits = all(
        is_int(size, least=1) or (size is None and name != "horizon")
        for name, size in sizes.items()
    )
    require(fits, "series", "length, horizon and season to be ints >= 1", **sizes)
    fits = transform in (None, "log")
    require(fits, "series", 'transform to be "log" or None', transform=transform)
    request = _read_request(source, target, time, options)
    values, times, is_filled, messages = _read_values(request)
    target = request.target
    season, notes = _choose_season(season, times, len(values), horizon)
    room = len(values) - season - horizon
    parts = f"a season of {season}, 1 input and {horizon} targets"
    require(
        room >= 1,
        f"series {target!r}",
        f"at least {season + horizon + 1} steps: {parts}",
        error=DataError,
        steps=len(values),
        horizon=horizon,
        season=season,
        fix="Lower horizon or season, or pass a longer series.",
    )
    default_length = 2 * season if season > 1 else DEFAULT_LENGTH
    length = length or max(1, min(default_length, room // 2))
    if transform == "log":
        to_log(target, values, 'transform="log"')
    messages = (*messages, *notes)
    found = TimeSeries(target, values, times, length, horizon, season, transform, messages)
    return replace(found, fill=request.fill, time_zone=request.time_zone, is_filled=is_filled)


class _Request(NamedTuple):
    """A table, its columns of values and times, and how to read them.

    `frame_times` is an expression of the times of `frame` if they are not its columns as read.
    """

    table: Table
    target: str
    time: str | tuple[str, ...] | None
    fill: str | None
    time_zone: str | None
    frame_times: str


def _read_request(
    source: Any, target: str | None, time: str | tuple[str, ...] | None, options: TimeOptions
) -> _Request:
    arguments = {*inspect.signature(series).parameters, *TimeOptions.__annotations__} - {"options"}
    for name in options:
        lookup("series: argument", name, dict.fromkeys(sorted(arguments)))
    fill, time_zone = options.get("fill"), options.get("time_zone")
    fits = fill is None or fill in FILL_METHODS
    require(fits, "series", 'fill to be "interpolate", "previous" or None', fill=fill)
    if time is not None and not isinstance(time, str):
        time = tuple(time)
        fits = all(isinstance(name, str) for name in time)
        require(fits, "series", "time to name one or several columns", time=time)
        time = time[0] if len(time) == 1 else time
    zone = None if time_zone is None else name_zone(time_zone)
    if _is_pandas(source, "Series"):
        source = source.to_frame(target or "value" if source.name is None else str(source.name))
        target = target or source.columns[0]
    frame_times = ""
    if _is_pandas(source, "DataFrame"):
        source, time, frame_times = _columns_of_frame(source, time)
    time = time or None
    table = read_table(source).with_numbers()
    names = list(table.columns)
    fix = f"For example target={names[-1]!r}."
    require(target is not None, "series", "target to name a column", columns=names, fix=fix)
    return _Request(table, str(target), time, fill, zone, frame_times)


def _is_pandas(source: Any, name: str) -> bool:
    return type(source).__name__ == name and type(source).__module__.partition(".")[0] == "pandas"


def _columns_of_frame(
    frame: Any, time: str | tuple[str, ...] | None
) -> tuple[Any, str | tuple[str, ...] | None, str]:
    """Return a pandas frame whose times are columns, their names, and how to write them.

    Dates in the index become a column; so do levels of the index that are named. Periods become
    their first day, and times of day text.
    """
    index, code = frame.index, ""
    names = (time,) if isinstance(time, str) else time or ()
    is_dated = type(index).__name__ in ("DatetimeIndex", "PeriodIndex")
    levels = set(index.names) | ({"index"} if is_dated and index.name is None else set())
    if (is_dated and time is None) or (set(names) - set(frame.columns)) & levels:
        code = "frame.index" if is_dated else ""
        if type(index).__name__ == "PeriodIndex":
            frame, code = frame.to_timestamp(), "frame.index.to_timestamp()"
        width = frame.shape[1]
        frame = frame.reset_index()
        time = time or str(frame.columns[-width - 1])
        return frame, time, code
    if len(names) == 1 and hasattr(getattr(frame.get(names[0]), "dtype", None), "freq"):
        code = f"frame[{names[0]!r}].dt.to_timestamp()"
    for name in frame.columns[frame.dtypes.astype(str) == "object"].unique():
        values = np.ravel(frame[name].dropna())
        if len(values) and all(isinstance(value, datetime.time) for value in values):
            frame = frame.copy(deep=False)
            frame[name] = frame[name].map(datetime.time.isoformat, "ignore")
    return frame, time, code


def _read_values(
    request: _Request,
) -> tuple[np.ndarray, TimeIndex, np.ndarray | None, tuple[str, ...]]:
    """Return the values in time order, their times, which were filled, and messages."""
    table, target, fill = request.table, request.target, request.fill
    column = table.columns[lookup("target", target, {name: name for name in table.columns})]
    who = f"target {target!r}"
    text = [cell for cell in column if isinstance(cell, str)] if column.dtype.kind == "O" else []
    require(not text, who, "numbers in every row", error=DataError, text=text[:3])
    times, order, positions, notes = read_time_index(
        table, request.time, request.time_zone, fill is not None, target, request.frame_times
    )
    missing = is_missing(column)
    if fill is None or missing.all():
        _require_values(target, times, missing[order])
    rows = np.full(len(column), np.nan)
    rows[~missing] = check_varying_target(target, column[~missing])
    values = np.full(int(positions[-1]) + 1, np.nan)
    values[positions] = rows[order]
    is_filled = None
    if fill is not None and np.isnan(values).any():
        values, times, is_filled, filled = _fill_values(target, values, times, fill)
        notes = (*notes, *filled)
    messages = (*table.messages, f"time: {times}, {times.span(len(values))}", *notes)
    if np.any(np.diff(order) < 0):
        messages = (*messages, "the rows were sorted by time")
    return values, times, is_filled, messages


def _require_values(target: str, times: TimeIndex, missing: np.ndarray) -> None:
    """Refuse rows without a value.

    Raises:
        DataError: with the first ten of their times.
    """
    rows = np.flatnonzero(missing)
    labels = [times.label_at(int(row)) for row in rows[:MAX_LISTED]]
    require(
        not len(rows),
        f"target {target!r}",
        "a value at every time",
        error=DataError,
        missing=len(rows),
        times=[*labels, "..."] if len(rows) > MAX_LISTED else labels,
        fix='Pass fill="interpolate" or fill="previous", or fill them first, as '
        f"frame[{target!r}].interpolate() of pandas does.",
    )


def _fill_values(
    target: str, values: np.ndarray, times: TimeIndex, fill: str
) -> tuple[np.ndarray, TimeIndex, np.ndarray, list[str]]:
    """Fill missing values; return the values, their times, which were filled, and messages.

    Steps before the first value, and steps that have no later value to interpolate to, are left
    out.
    """
    import pandas

    known = np.flatnonzero(~np.isnan(values))
    start, stop = int(known[0]), int(known[-1]) + 1 if fill == "interpolate" else len(values)
    messages = [
        f"{target}: no value {where} {times.label_at(k)}: {times.count(n)} left out"
        for where, k, n in (("before", start, start), ("after", stop - 1, len(values) - stop))
        if n
    ]
    values, times = values[start:stop], times.shift(start)
    is_filled = np.isnan(values)
    series = pandas.Series(values)
    values = (series.interpolate() if fill == "interpolate" else series.ffill()).to_numpy()
    filled = np.flatnonzero(is_filled)
    if len(filled):
        labels = [times.label_at(int(k)) for k in filled[:MAX_LISTED]]
        labels += ["..."] if len(filled) > MAX_LISTED else []
        n = f"{len(filled):,} of {len(values):,}"
        note = f"{target}: {n} values filled by {FILL_METHODS[fill]}: {', '.join(labels)}"
        messages.append(note)
    return values, times, is_filled, messages


def _choose_season(
    season: int | None, times: TimeIndex, n_values: int, horizon: int
) -> tuple[int, tuple[str, ...]]:
    """Return the season, 1 if the series is too short for the default one, and messages."""
    default = times.default_season
    if season is None and horizon + 1 < n_values < 2 * default + horizon + 1:
        text = f"too short for a season of {times.count(default)}: forecast without seasons"
        return 1, (text,)
    return season or default, ()
