"""Read the times of a table from one column, or from several: a date and an hour, or parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.data.exact_times import ExactTimes
from glassnet.data.parsing import is_missing
from glassnet.data.table import Table
from glassnet.data.time_index import SECONDS_PER_DAY
from glassnet.data.time_text import (
    MONTH_OFFSETS,
    MONTHS_PER_YEAR,
    ParsedTimes,
    parse_numbers,
    parse_texts,
)
from glassnet.data.time_zones import name_zone, to_local
from glassnet.errors import DataError, lookup, message, require

PARTS = ("year", "month", "day", "hour", "minute", "second")
"""Parts of a time, each finer than the one before it."""

PART_NAMES = {part: part for part in PARTS} | {
    "yr": "year",
    "quarter": "month",
    "mon": "month",
    "mnth": "month",
    "hr": "hour",
    "hours": "hour",
    "min": "minute",
    "sec": "second",
}
"""Parts of a time by the lower-case names of columns."""

PART_RANGES = {"month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 59)}
"""Smallest and largest number of each part."""

TIME_OF_DAY = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,6}))?)?)? ?([AP]\.?M\.?)?", re.IGNORECASE
)
"""A time of day: 18:00:00, 18.00.00, 6 PM."""

HOUR_NAMES = ("hour", "hours", "hr", "hh", "time")
"""Lower-case names of columns of numbers that may be hours of a day."""


def parse_times(table: Table, time: str | tuple[str, ...]) -> tuple[tuple[str, ...], ParsedTimes]:
    """Return the columns of the times of a table, and the times of its rows.

    Args:
        table: table with a column of times, or with several columns.
        time: column of times, or of months next to a column named year; or several columns: a date
            and a time of day, or the parts year, month, day, hour, minute and second.

    Raises:
        ConfigError: there is no such column (the message suggests the nearest name).
        DataError: a time is missing or cannot be read.
    """
    names = (time,) if isinstance(time, str) else tuple(time)
    columns = {name: name for name in table.columns}
    for name in names:
        column = table.columns[lookup("time", name, columns)]
        missing = np.flatnonzero(is_missing(column))
        require(
            not len(missing),
            f"time {name!r}",
            "a time in every row",
            error=DataError,
            row=int(missing[:1].sum()),
            missing=len(missing),
            fix=f"Leave them out: frame.dropna(subset=[{name!r}]).",
        )
    if len(names) > 1:
        return _parse_several(table, names)
    return _parse_part(table, names[0]) or ((names[0],), _parse_column(table, names[0]))


def _parse_column(table: Table, time: str) -> ParsedTimes:
    column = table.columns[time]
    if column.dtype.kind == "O":
        return parse_texts(time, column)
    if column.dtype.kind == "M":
        return _parse_exact(time, table.exact_times.get(time, ExactTimes(column)))
    require(
        column.dtype.kind == "f" and np.all(np.isfinite(column)),
        f"time {time!r}",
        "dates, years or numbers",
        error=DataError,
    )
    return parse_numbers(time, column)


def _parse_exact(time: str, times: ExactTimes) -> ParsedTimes:
    """Return dates with the zones and fractions of a second of their column."""
    if times.values.dtype.kind == "O":
        return parse_texts(time, times.values)
    if not times.zone:
        return ParsedTimes("date", times.values)
    zone = name_zone(times.zone)
    local = to_local(times.values, zone)
    offsets = (local - times.values).astype("timedelta64[s]").astype(int)
    return ParsedTimes("date", local, offsets, zone=zone)


def _parse_part(table: Table, time: str) -> tuple[tuple[str, ...], ParsedTimes] | None:
    """Parse months or quarters next to a column named year, or hours next to all coarser parts.

    Returns None if the column holds something else.
    """
    column, part = table.columns[time], PART_NAMES.get(time.casefold())
    year = next(
        (name for name in table.columns if name.casefold() == "year" and name != time), None
    )
    offsets = month_offsets(column, allow_numbers=year is not None and part in ("month", None))
    if offsets is not None:
        if year is None:
            expected, fix = "a column `year` next to the months", "Or write dates as 1949-01-31."
            names = ", ".join(table.columns)
            raise DataError(message(f"time {time!r}", expected, columns=names, fix=fix))
        return (year, time), _add_months(table, time, year, offsets)
    if part in PARTS[2:] and column.dtype.kind == "f" and _is_in_range(column, part):
        by_part = {
            PART_NAMES.get(name.casefold()): name for name in table.columns if name != time
        } | {part: time}
        wanted = PARTS[: PARTS.index(part) + 1]
        if all(each in by_part for each in wanted):
            return _parse_several(table, tuple(by_part[each] for each in wanted))
    return None


def month_offsets(column: np.ndarray, allow_numbers: bool = False) -> np.ndarray | None:
    """Return the months since January of each row, or None if the column holds no months.

    Names of months and quarters are months; with `allow_numbers`, so are the numbers 1 to 12.
    """
    if column.dtype.kind == "O":
        offsets = [MONTH_OFFSETS.get(str(text).rstrip(".").casefold()) for text in column]
        return None if None in offsets else np.array(offsets, float)
    if not allow_numbers or column.dtype.kind != "f":
        return None
    is_month = _is_in_range(column, "month")
    return np.asarray(column - 1, float) if is_month else None


def _is_in_range(column: np.ndarray, part: str) -> bool:
    low, high = PART_RANGES.get(part, (0, 60))
    return bool(np.all((column == np.round(column)) & (column >= low) & (column <= high)))


def _add_months(table: Table, time: str, year: str, offsets: np.ndarray) -> ParsedTimes:
    years = table.columns[year]
    require(
        years.dtype.kind == "f" and np.all(years == np.round(years)),
        f"time {time!r}",
        "an integer year in every row",
        error=DataError,
        year=years[:3].tolist(),
    )
    return ParsedTimes("month", years * MONTHS_PER_YEAR + offsets)


def _parse_several(table: Table, names: tuple[str, ...]) -> tuple[tuple[str, ...], ParsedTimes]:
    """Parse a date and a time of day, or the parts of a time."""
    if len(names) == 2 and _is_clock(table.columns[names[0]]):
        names = names[::-1]
    parts = [PART_NAMES.get(name.casefold()) for name in names]
    first = table.columns[names[0]]
    if all(parts) and len(set(parts)) == len(parts):
        names = tuple(sorted(names, key=lambda name: PARTS.index(PART_NAMES[name.casefold()])))
        first = table.columns[names[0]]
        is_year = PART_NAMES[names[0].casefold()] == "year"
    else:
        is_year = first.dtype.kind == "f" and bool(np.all((first >= 1000) & (first < 3000)))
    n_date_columns = min(3, len(names)) if is_year else 1
    if is_year and len(names) == 2:
        year, month = names
        offsets = month_offsets(table.columns[month], allow_numbers=True)
        _require_part(offsets is not None, month, "months", table.columns[month])
        assert offsets is not None
        return names, _add_months(table, month, year, offsets)
    date = _date_of_parts(table, names[:3]) if is_year else _parse_column(table, names[0])
    expected = "a column of dates, or of years, first"
    fix = f"Pass time=({', '.join(map(repr, names))}) in another order."
    fits = date.unit == "date" and date.offsets is None
    require(fits, f"time {names}", expected, error=DataError, unit=date.unit, fix=fix)
    clocks = names[n_date_columns:]
    values = date.values + _parse_clock(table, clocks)
    return names, date._replace(values=values)


def _date_of_parts(table: Table, names: Sequence[str]) -> ParsedTimes:
    """Return the dates of columns of years, months and days."""
    year, month, day = names
    offsets = month_offsets(table.columns[month], allow_numbers=True)
    _require_part(offsets is not None, month, "months", table.columns[month])
    assert offsets is not None
    months = _add_months(table, month, year, offsets).values - 1970 * MONTHS_PER_YEAR
    days = table.columns[day]
    fits = days.dtype.kind == "f" and _is_in_range(days, "day")
    _require_part(fits, day, "days 1 to 31", days)
    starts = months.astype(int).astype("datetime64[M]")
    dates = starts.astype("datetime64[D]") + (days - 1).astype("timedelta64[D]")
    beyond = np.flatnonzero(dates.astype("datetime64[M]") != starts)
    _require_part(not len(beyond), day, "days of their month", days[beyond])
    return ParsedTimes("date", dates.astype("datetime64[s]"))


def _require_part(ok: Any, name: str, expected: str, column: np.ndarray) -> None:
    require(ok, f"time {name!r}", expected, error=DataError, first=column[:3].tolist())


def _parse_clock(table: Table, names: tuple[str, ...]) -> np.ndarray:
    """Return the times of day of a column, or of columns of hours, minutes and seconds."""
    if len(names) == 1:
        times = parse_time_of_day(table.columns[names[0]])
        expected = "times of day, such as 18:00, or hours 0 to 24"
        _require_part(times is not None, names[0], expected, table.columns[names[0]])
        assert times is not None
        return times
    total = np.zeros(len(table), "timedelta64[s]")
    for name, part, seconds in zip(names, PARTS[3:], (3600, 60, 1), strict=False):
        column = table.columns[name]
        fits = column.dtype.kind == "f" and _is_in_range(column, part)
        _require_part(fits, name, f"whole {part}s", column)
        total += (column * seconds).astype("timedelta64[s]")
    return total


def parse_time_of_day(column: np.ndarray) -> np.ndarray | None:
    """Return the time since midnight of each row, or None if the column holds something else.

    Texts such as 18:00:00, 18.00 or 6 PM, and the numbers 0 to 24 (hours), 0 to 2400 (18:30 as
    1830), or 0 to 86,400 (seconds) are times of day.
    """
    if column.dtype.kind == "O":
        seconds = {text: _parse_clock_text(text) for text in dict.fromkeys(column)}
        if None in seconds.values():
            return None
        micro = np.array([seconds[text] for text in column], "timedelta64[us]")
        whole: np.ndarray = micro.astype("timedelta64[s]")
        return whole if np.all(whole == micro) else micro
    if column.dtype.kind != "f" or not np.all((column == np.round(column)) & (column >= 0)):
        return None
    if column.max() <= 24:
        since_midnight = column * 3600
    elif column.max() <= 2400 and np.all(column % 100 < 60):
        since_midnight = column // 100 * 3600 + column % 100 * 60
    else:
        since_midnight = column
    is_day = since_midnight.max() <= SECONDS_PER_DAY
    return np.asarray(since_midnight, "timedelta64[s]") if is_day else None


def _parse_clock_text(text: str) -> int | None:
    """Return the microseconds since midnight of a time of day, or None if it is something else."""
    match = TIME_OF_DAY.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = (int(digits or 0) for digits in match.groups()[:3])
    if match[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[5].lower().startswith("p") else 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and minute + second):
        return None
    return (3600 * hour + 60 * minute + second) * 10**6 + int((match[4] or "").ljust(6, "0"))


def _is_clock(column: np.ndarray) -> bool:
    """Return whether a column holds texts such as 18:00, 18.00.00 or 6 PM."""
    return (
        column.dtype.kind == "O"
        and all(
            text is not None and re.match(r"\d\d?([:.h]\d\d|.*[AP]\.?M)", text, re.IGNORECASE)
            for text in column
        )
        and parse_time_of_day(column) is not None
    )


def find_time_of_day_columns(table: Table, time: str) -> list[str]:
    """Return the columns that may hold the time of day of the dates in another column."""
    found = []
    for name, column in table.columns.items():
        is_named = column.dtype.kind == "f" and name.casefold() in HOUR_NAMES
        if name != time and (is_named or _is_clock(column)) and not is_missing(column).any():
            times = parse_time_of_day(column)
            found += [name] if times is not None and len(np.unique(times)) > 1 else []
    return found


def find_finer_columns(table: Table, time: str) -> tuple[str, ...]:
    """Return the columns named as parts of a time, coarsest first, if finer ones than `time` are.

    The result is empty if there are none.
    """
    by_part: dict[str, str] = {}
    for name, column in table.columns.items():
        part = PART_NAMES.get(name.casefold())
        if part and (column.dtype.kind == "f" or month_offsets(column) is not None):
            by_part.setdefault(part, name)
    names = []
    for part in PARTS:
        if part not in by_part:
            break
        names.append(by_part[part])
    is_finer = time in names[:-1]
    return tuple(names) if is_finer and len(names) > 2 else ()
