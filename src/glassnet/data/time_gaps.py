"""Checks of the times of a series: none occurs twice, and none between two rows is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.resampling import TimeContext, fill_code, regular_code
from glassnet.data.time_columns import (
    find_finer_columns,
    find_time_of_day_columns,
    month_offsets,
)
from glassnet.data.time_index import SECONDS_PER_DAY, TICKS, TimeIndex
from glassnet.data.time_zones import find_changing_zone
from glassnet.errors import DataError, message

MAX_LISTED = 10
"""Maximum number of gaps in a message."""

LONGEST_CLOCK_CHANGE = 7200
"""Maximum number of seconds by which a clock is put forward or back."""

STEP_TOLERANCE = 1e-4
"""Relative difference of a step from a multiple of the smallest one that still counts as equal."""


def require_unique(context: TimeContext, values: np.ndarray) -> None:
    """Refuse sorted times that occur twice.

    Raises:
        DataError: with the first of them, and what to pass instead.
    """
    is_repeated = np.diff(values) == 0
    if not is_repeated.any():
        return
    value = values[np.flatnonzero(is_repeated)[0]]
    raise DataError(
        message(
            "time",
            f"one row for each {context.index.step_name}",
            time=context.label(value),
            rows=int(np.sum(values == value)),
            fix=_suggest_for_duplicates(context, values),
        )
    )


def _suggest_for_duplicates(context: TimeContext, values: np.ndarray) -> str:
    table, time = context.table, context.time
    distinct, counts = np.unique(values, return_counts=True)
    if context.is_local:
        repeated = distinct[counts == 2][:100]
        zone = find_changing_zone([], list(context.to_dates(repeated)))
        if zone:
            return _explain_clock_change("repeated hour", context, zone)
    if isinstance(time, str):
        if finer := find_finer_columns(table, time):
            return f"Pass time={finer}."
        clocks = [name for name in find_time_of_day_columns(table, time) if name != context.target]
        if clocks:
            return f"Pass time={(time, clocks[0])}."
        months = [
            name
            for name, column in table.columns.items()
            if name != time and month_offsets(column) is not None
        ]
        if months:
            return f'Pass time="{months[0]}".'
    if counts.min() == counts.max():
        return (
            f"Keep one row for each time. Every time has {counts[0]} rows: if they are of "
            "several series, select the rows of one."
        )
    return "Keep one row for each time."


def find_positions(context: TimeContext, values: np.ndarray) -> np.ndarray:
    """Return the number of steps from the first time to each of the sorted times.

    Raises:
        DataError: the times are not on a grid of equal steps, or more are missing than present.
    """
    index, n = context.index, len(values)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.diff(values)
        n_steps = np.rint(steps / index.step)
        is_on_grid = np.isclose(steps, n_steps * index.step, STEP_TOLERANCE, atol=0)
        n_missing = float(n_steps.sum()) + 1 - n
    off_grid = np.flatnonzero(~is_on_grid)
    if len(off_grid) or n_missing > n:
        _raise_irregular(context, values, off_grid)
    return np.concatenate([[0], np.cumsum(n_steps)]).astype(int)


def _raise_irregular(context: TimeContext, values: np.ndarray, off_grid: np.ndarray) -> None:
    steps, step = np.diff(values), context.index.step
    n_gaps = int(np.sum(~np.isclose(steps, step, STEP_TOLERANCE, atol=0)))
    is_often = 2 * n_gaps > len(steps)
    i = int(off_grid[0]) if len(off_grid) else int(np.argmax(steps))
    around: dict[str, Any] = {
        "after": context.label(values[i]),
        "next": context.label(values[i + 1]),
    }
    lines = ["Is the time in another column?"] if is_often else []
    if len(off_grid):
        code = regular_code(context, values)
        lines += [f"Take means over equal steps: {code}."] if code else []
    elif not is_often:
        lines.append("More times are missing than present: is one of them wrong?")
    lines.append(f"If only the order of the rows counts, {context.row_order_hint}.")
    raise DataError(
        message(
            f"time {context.time!r}",
            "equally spaced times",
            gaps=n_gaps,
            rows=len(values),
            fix=" ".join(lines),
            **({} if is_often else around),
        )
    )


def require_complete(context: TimeContext, positions: np.ndarray) -> None:
    """Refuse sorted times if some between two of them are missing.

    Raises:
        DataError: with the first ten gaps, and the line that would fill them.
    """
    n_missing = int(positions[-1]) + 1 - len(positions)
    if not n_missing:
        return
    gaps = find_gaps(positions)
    times = [_format_gap(context.index, start, end) for start, end in gaps[:MAX_LISTED]]
    times += ["..."] if len(gaps) > MAX_LISTED else []
    raise DataError(
        message(
            "time",
            f"a row for every {context.index.step_name}",
            rows=len(positions),
            missing=n_missing,
            gaps=len(gaps),
            times=times,
            fix=_suggest_for_gaps(context, gaps, n_missing),
        )
    )


def clock_change_messages(context: TimeContext, positions: np.ndarray) -> list[str]:
    """Return a message if one of the gaps looks like a change to summer time."""
    zone = _zone_of_gaps(context, find_gaps(positions))
    return [f"time: {_explain_clock_change('missing hour', context, zone)}"] if zone else []


def find_gaps(positions: np.ndarray) -> list[tuple[int, int]]:
    """Return the first and last position of each run of positions that are missing."""
    before = np.flatnonzero(np.diff(positions) > 1)
    return [(int(positions[i]) + 1, int(positions[i + 1]) - 1) for i in before]


def _format_gap(index: TimeIndex, start: int, end: int) -> str:
    if start == end:
        return index.label_at(start)
    return f"{index.label_at(start)} to {index.label_at(end)}"


def _suggest_for_gaps(context: TimeContext, gaps: list[tuple[int, int]], n_missing: int) -> str:
    lines = []
    zone = _zone_of_gaps(context, gaps)
    if zone:
        lines.append(_explain_clock_change("missing hour", context, zone))
    n_weekend = _count_weekend_days(context.index, gaps)
    if n_weekend > n_missing / 2:
        share = "The missing days" if n_weekend == n_missing else f"{n_weekend} of them"
        lines.append(
            f"{share} are Saturdays and Sundays: to count business days, "
            f"{context.row_order_hint}, with season=5 for a week."
        )
    lines.append('fill="interpolate" or fill="previous" fills them')
    code = fill_code(context)
    lines[-1] += f", or with pandas: {code}." if code else "."
    if not n_weekend and not zone:
        lines.append(f"If the gaps do not matter, {context.row_order_hint} to count the rows.")
    return " ".join(lines)


def _zone_of_gaps(context: TimeContext, gaps: list[tuple[int, int]]) -> str:
    """Return a zone whose clock skips some of the missing times; empty if there is none."""
    index = context.index
    if not context.is_local:
        return ""
    longest = LONGEST_CLOCK_CHANGE * TICKS[index.unit]
    short = [(start, end) for start, end in gaps if (end - start + 1) * index.step <= longest]
    starts = np.array([index.first + start * index.step for start, _ in short[:100]])
    return find_changing_zone(list(context.to_dates(starts)), [])


def _explain_clock_change(what: str, context: TimeContext, zone: str) -> str:
    column = f"frame[{context.time!r}].dt" if isinstance(context.time, str) else "times"
    return (
        f"The {what} looks like a change to {'summer' if what[0] == 'm' else 'winter'} time, as "
        f"in {zone}: pass time_zone={zone!r}, or the zone of your data, as "
        f"{column}.tz_localize({zone!r}, ambiguous='infer') does."
    )


def _count_weekend_days(index: TimeIndex, gaps: list[tuple[int, int]]) -> int:
    """Return the number of missing days that are Saturdays or Sundays; 0 for other steps."""
    if index.unit not in TICKS or index.step != SECONDS_PER_DAY * TICKS[index.unit]:
        return 0
    first = int(index.first // (SECONDS_PER_DAY * TICKS[index.unit]))
    missing = np.concatenate([np.arange(start, end + 1) for start, end in gaps])
    weekday = (first + missing + 3) % 7  # 1970-01-01 was a Thursday
    return int(np.sum(weekday >= 5))
