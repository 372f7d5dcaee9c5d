"""Read the time index of a table: equally spaced times, sorted, with or without gaps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from glassnet.data import time_gaps
from glassnet.data.resampling import TimeContext
from glassnet.data.table import Table
from glassnet.data.time_columns import find_time_of_day_columns, parse_times
from glassnet.data.time_index import NUMPY_CODES, TICKS, TimeIndex
from glassnet.data.time_text import MONTHS_PER_YEAR, ParsedTimes
from glassnet.data.time_zones import (
    CHANGING_ZONES,
    format_offset,
    name_zone,
    offset_at,
    to_local,
    to_utc,
)
from glassnet.errors import DataError, require

MAX_OFFSET_CHANGES = 100
"""Number of changes of the offset from UTC from which times are shown in UTC."""

MAX_SHARE_OF_DUPLICATES = 0.01
"""Largest share of duplicates of a date and a time of day that are read together unasked."""


class SeriesTimes(NamedTuple):
    """Times of the rows of a table.

    Attributes:
        times: equally spaced times, from the first row to the last.
        order: the row order that sorts the table by time.
        positions: position of each sorted row in the times; they are consecutive without gaps.
        messages: lines for the user about what was inferred.
    """

    times: TimeIndex
    order: np.ndarray
    positions: np.ndarray
    messages: tuple[str, ...]


def read_time_index(
    table: Table,
    time: str | tuple[str, ...] | None,
    time_zone: Any = None,
    allow_gaps: bool = False,
    target: str | None = None,
    frame_times: str = "",
) -> SeriesTimes:
    """Return the times of a table.

    Args:
        table: table with a column of times, or of months next to a column named year.
        time: name of the column, or several: see `parse_times`. None to count the rows as equally
            spaced steps.
        time_zone: zone of the clock of dates without a zone, or to which dates are converted.
        allow_gaps: allow that times between two rows are missing.
        target: column of values, for messages.
        frame_times: expression of the times of `frame`, if they are not columns, for messages.

    Raises:
        ConfigError: an unknown column (the message suggests the nearest name) or time zone.
        DataError: a column does not hold times or lacks some; a time occurs twice or is missing
            between two rows (the message lists the first).
    """
    zone = None if time_zone is None else name_zone(time_zone)
    columns: tuple[str, ...] = ()
    parsed = ParsedTimes("number", np.arange(1.0, len(table) + 1))
    if time is not None:
        columns, parsed = _parse_with_time_of_day(table, time, target)
    fits = zone is None or parsed.unit != "number"
    require(fits, "series", "time_zone only with times that are dates", time_zone=zone, time=time)
    unit, values, zones, notes = _count_in_units(parsed, zone)
    order = np.argsort(values, kind="stable")
    values = values[order]
    require(len(values) > 1, "time", "at least two rows", error=DataError, rows=len(values))
    steps = np.diff(values)
    step = steps[steps > 0].min() if np.any(steps > 0) else 1
    cast = int if TICKS.get(unit, 1) > 1 else float
    index = TimeIndex(columns, unit, cast(values[0]), cast(step), zones)
    context = TimeContext(table, time, target, index, parsed, zone, frame_times)
    time_gaps.require_unique(context, values)
    positions = time_gaps.find_positions(context, values)
    if allow_gaps:
        notes += time_gaps.clock_change_messages(context, positions)
    else:
        time_gaps.require_complete(context, positions)
    return SeriesTimes(index, order, positions, (*parsed.messages, *notes))


def _parse_with_time_of_day(
    table: Table, time: str | tuple[str, ...], target: str | None
) -> tuple[tuple[str, ...], ParsedTimes]:
    """Parse times; if a day has several rows, add the only column of times of day."""
    columns, parsed = parse_times(table, time)
    values = parsed.values
    if len(columns) > 1 or parsed.unit != "date" or parsed.offsets is not None:
        return columns, parsed
    rows_per_day = np.unique(values, return_counts=True)[1]
    is_midnight = values.astype("datetime64[D]") == values
    if rows_per_day.max() == 1 or not is_midnight.all():
        return columns, parsed
    others = [name for name in find_time_of_day_columns(table, columns[0]) if name != target]
    if len(others) != 1:
        return columns, parsed
    both = (columns[0], others[0])
    names, combined = parse_times(table, both)
    n_duplicates = len(values) - len(np.unique(combined.values))
    if n_duplicates > MAX_SHARE_OF_DUPLICATES * len(values):
        return columns, parsed
    note = f"{both[0]} has {rows_per_day.max()} rows a day: "
    note += f"read together with {both[1]}, as time={both}"
    return names, combined._replace(messages=(*combined.messages, note))


def _count_in_units(
    parsed: ParsedTimes, zone: str | None
) -> tuple[str, np.ndarray, tuple[tuple[float, str], ...], list[str]]:
    """Return the unit, the values in it, the zones of the clock, and messages."""
    if parsed.unit != "date":
        return parsed.unit, parsed.values, (), []
    local, offsets = parsed.values, parsed.offsets
    utc = None if offsets is None else local - offsets.astype("timedelta64[s]")
    if zone and utc is not None:
        local = to_local(utc, zone)
    if utc is not None:
        local = _to_midnight(local)
    months = _to_months(local)
    if months is not None:
        return "month", months, (), []
    is_calendar = bool(np.all(local.astype("datetime64[D]") == local))
    if zone and utc is None and not is_calendar:
        utc = to_utc(local, zone)
    if utc is None or (is_calendar and _count_irregular(local) <= _count_irregular(utc)):
        return *_choose_unit(local), (), _jitter_messages(local)
    if _count_irregular(local) < _count_irregular(utc) and len(np.unique(local)) == len(local):
        return *_choose_unit(local), (), []  # such as every 12 hours of the local clock
    unit, values = _choose_unit(utc)
    if zone := zone or parsed.zone:
        return unit, values, ((values.min().item(), zone),), _jitter_messages(utc)
    zones, notes = _find_zones(unit, values, (local - utc).astype("timedelta64[s]").astype(int))
    return unit, values, zones, [*notes, *_jitter_messages(utc)]


def _to_midnight(local: np.ndarray) -> np.ndarray:
    """Return days as midnights: where a clock skips midnight, a day begins at 01:00."""
    days = local.astype("datetime64[D]")
    is_late = local != days
    is_day = local - days <= np.timedelta64(1, "h")
    is_daily = 2 * is_late.sum() < len(local) and is_day.all() and len(np.unique(days)) == len(days)
    return days.astype(local.dtype) if is_daily else local


def _to_months(local: np.ndarray) -> np.ndarray | None:
    """Return months since year 0 of dates on one day of the month, else None.

    In a month without that day, its last day counts.
    """
    days, months = local.astype("datetime64[D]"), local.astype("datetime64[M]")
    times_of_day = np.unique(local - days)
    starts = months.astype("datetime64[D]")
    day_of_month = (days - starts).astype(int) + 1
    length = ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - starts).astype(int)
    is_last = day_of_month == length
    is_same_day = day_of_month == np.minimum(day_of_month.max(), length)
    if (
        len(np.unique(months)) > 1
        and len(times_of_day) == 1
        and (is_same_day | is_last.all()).all()
    ):
        return months.astype(int) + 1970.0 * MONTHS_PER_YEAR
    return None


def _count_irregular(times: np.ndarray) -> int:
    """Return the number of steps between sorted times that differ from the smallest step."""
    steps = np.diff(np.sort(times)).astype(np.int64)
    return int(np.sum(steps != steps[steps > 0].min(initial=np.iinfo(np.int64).max)))


def _choose_unit(times: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the coarsest unit that holds all times exactly, and the times in it.

    Times whose fractions of a second hide equal steps are rounded to seconds.
    """
    if _is_jittered(times):
        return "second", _round_to_seconds(times).astype(float)
    for unit, code in NUMPY_CODES.items():
        counted = times.astype(f"datetime64[{code}]")
        if np.all(counted == times):
            values = counted.astype(np.int64)
            return unit, values.astype(float) if TICKS[unit] == 1 else values
    raise AssertionError  # datetime64 has no finer unit here


def _round_to_seconds(times: np.ndarray) -> np.ndarray:
    return (times + np.timedelta64(500, "ms")).astype("datetime64[s]").astype(np.int64)


def _is_jittered(times: np.ndarray) -> bool:
    """Return whether steps are equal in whole seconds, but not exactly."""
    if np.all(times.astype("datetime64[s]") == times) or not _count_irregular(times):
        return False
    seconds = _round_to_seconds(times)
    is_unique = len(np.unique(seconds)) == len(seconds)
    n_irregular = _count_irregular(seconds)
    return is_unique and n_irregular < min(_count_irregular(times), len(seconds) / 10)


def _jitter_messages(times: np.ndarray) -> list[str]:
    if not _is_jittered(times):
        return []
    return ["time: the times were rounded to seconds, in which their steps are equal"]


def _find_zones(
    unit: str, values: np.ndarray, offsets: np.ndarray
) -> tuple[tuple[tuple[float, str], ...], list[str]]:
    """Return the offset from UTC from each time on, and a message if it changes."""
    order = np.argsort(values, kind="stable")
    times, offsets = values[order], offsets[order]
    changes = np.flatnonzero(np.diff(offsets)) + 1
    starts = [0, *changes.tolist()]
    if len(changes) > MAX_OFFSET_CHANGES:
        note = f"time: the offset from UTC changes {len(changes)} times: the times are shown in UTC"
        return ((times[0].item(), "UTC"),), [note]
    if len(changes) == 0 and offsets[0] == 0:
        return ((times[0].item(), "UTC"),), []
    zones = tuple((times[i].item(), format_offset(int(offsets[i]))) for i in starts)
    if len(changes) == 0:
        return zones, []
    seconds = times / TICKS[unit]
    example = next(
        (
            zone
            for zone in CHANGING_ZONES
            if all(
                offset_at(zone, seconds[i]) == offsets[i]
                for start in starts
                for i in (max(start - 1, 0), start)
            )
        ),
        "Europe/Berlin",
    )
    before, after = zones[-2][1], zones[-1][1]
    note = f"time: the offset from UTC changes, at last from {before} to {after}, which forecasts "
    note += f"keep; a zone such as time_zone={example!r} knows all changes"
    return zones, [note]
