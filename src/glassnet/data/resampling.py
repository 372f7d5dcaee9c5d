"""Lines of pandas that fill the gaps of a table of times, for messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.data.parsing import format_exact
from glassnet.data.table import Table
from glassnet.data.time_columns import PART_NAMES, parse_time_of_day
from glassnet.data.time_index import NUMPY_CODES, SECONDS_PER_DAY, TICKS, TimeIndex
from glassnet.data.time_text import MONTHS_PER_YEAR, ParsedTimes

MONTH_FORMATS = ("%Y-%m", "%Y%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%Y %b", "%b-%Y")
"""Formats of months that pandas.to_datetime reads."""

STEP_SECONDS = {
    86_400: "D",
    3600: "h",
    60: "min",
    1: "s",
    1e-3: "ms",
    1e-6: "us",
    1e-9: "ns",
}
"""Names of steps in pandas, by their seconds."""

USUAL_STEPS = (
    *(unit * n for unit in (1e-6, 1e-3, 1) for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(minutes * 60 for minutes in (0.25, 0.5, 1, 5, 10, 15, 30, 60, 120, 180, 360, 720)),
    *(SECONDS_PER_DAY * days for days in (1, 7)),
)
"""Seconds of the steps to which irregular times are rounded."""


@dataclass(frozen=True)
class TimeContext:
    """What messages about the times of a table need.

    Attributes:
        table: the table.
        time: the column or columns of times, as passed by the user.
        target: the column of values, if known.
        index: the times of the sorted rows, as if none were missing.
        parsed: the times before they were sorted.
        zone: the zone of the clock, as passed by the user.
        frame_times: Python expression of the times of `frame`, if they are not read from columns.
    """

    table: Table
    time: str | tuple[str, ...] | None
    target: str | None
    index: TimeIndex
    parsed: ParsedTimes
    zone: str | None = None
    frame_times: str = ""

    def label(self, value: float) -> str:
        """Format a time in units."""
        return self.index.at(value).label_at(0)

    @property
    def is_local(self) -> bool:
        """Whether the times are those of a local clock, with steps below a day."""
        index = self.index
        has_clock = index.unit in TICKS and index.step < SECONDS_PER_DAY * TICKS[index.unit]
        return has_clock and not index.zones

    @property
    def row_order_hint(self) -> str:
        """What to write to count the rows instead."""
        if self.frame_times.startswith("frame.index"):
            return "pass frame.reset_index(drop=True)"
        return "omit `time`"

    def to_dates(self, values: np.ndarray) -> np.ndarray:
        """Return times in units as datetime64."""
        return values.astype(np.int64).astype(f"datetime64[{NUMPY_CODES[self.index.unit]}]")


def fill_code(context: TimeContext) -> str:
    """Return the line of pandas that fills the gaps of `frame`; empty if there is no short one."""
    index, target = context.index, context.target
    if target is None:
        return ""
    if index.unit == "number":
        return _reindex_code(context)
    times = _times_code(context)
    if not times:
        return ""
    return f"{_values_code(context, times)}.{_resample(index)}.mean().interpolate()"


def regular_code(context: TimeContext, values: np.ndarray) -> str:
    """Return the line of pandas that takes means over equal steps; empty if there is none."""
    index, times = context.index, _times_code(context)
    if context.target is None or index.unit not in TICKS or not times:
        return ""
    seconds = float(np.median(np.diff(values))) / TICKS[index.unit]
    nearest = min(USUAL_STEPS, key=lambda usual: abs(np.log(usual / max(seconds, 1e-9))))
    step = f'resample("{_name_step(nearest)}").mean().interpolate()'
    return f"{_values_code(context, times)}.{step}"


def _values_code(context: TimeContext, times: str) -> str:
    """Return an expression of the values of `frame`, with their times as the index."""
    frame = "frame" if times == "frame.index" else f"frame.set_index({times})"
    return f"{frame}[{context.target!r}]"


def _reindex_code(context: TimeContext) -> str:
    index, values = context.index, context.parsed.values
    is_whole = index.step == round(index.step) and index.first == round(index.first)
    if not is_whole or not isinstance(context.time, str):
        return ""
    numbers = f"range({int(index.first)}, {int(values.max()) + 1}, {int(index.step)})"
    frame = f"frame.set_index({context.time!r})[{context.target!r}]"
    return f"{frame}.reindex({numbers}).interpolate().reset_index()"


def _resample(index: TimeIndex) -> str:
    if index.unit == "month":
        return f'resample("{int(index.step)}MS")' if index.step > 1 else 'resample("MS")'
    seconds, first = index.step / TICKS[index.unit], index.first / TICKS[index.unit]
    is_aligned = SECONDS_PER_DAY % seconds == 0 == first % seconds and not index.zones
    origin = "" if is_aligned else ', origin="start"'
    return f'resample("{_name_step(seconds)}"{origin})'


def _name_step(seconds: float) -> str:
    """Return the name of a step in pandas: `h`, `15min`, `100ms`."""
    for size, name in STEP_SECONDS.items():
        n = round(seconds / size, 6)
        if n >= 1 and n == round(n):
            return name if n == 1 else f"{format_exact(n)}{name}"
    return f"{format_exact(seconds)}s"


def _times_code(context: TimeContext) -> str:
    """Return a Python expression of the times of `frame`; empty if there is no short one."""
    parsed, columns = context.parsed, context.index.columns
    if context.frame_times:
        code = context.frame_times
    elif len(columns) == 1:
        code = _column_code(context, columns[0])
    else:
        code = _columns_code(context, columns)
    if not code or not context.zone or parsed.unit != "date":
        return code
    accessor = "" if code == "frame.index" else ".dt"
    if parsed.offsets is not None:
        return f"{code}{accessor}.tz_convert({context.zone!r})"
    return f"{code}{accessor}.tz_localize({context.zone!r}, ambiguous='infer')"


def _column_code(context: TimeContext, name: str) -> str:
    parsed, column = context.parsed, context.table.columns[name]
    if parsed.unit == "month" and column.dtype.kind == "O":
        return _months_code(name, column, parsed.values)
    options = parsed.options
    if parsed.offsets is not None and options.startswith("format="):
        return ""
    exact = context.table.exact_times.get(name)
    if exact is not None and exact.values.dtype.kind == "O":
        options = 'format="ISO8601"'
    utc = "utc=True" if parsed.offsets is not None and not parsed.zone else ""
    is_digits = column.dtype.kind == "f" and options.startswith("format=")
    cells = f"frame[{name!r}].astype(str)" if is_digits else f"frame[{name!r}]"
    return f"pandas.to_datetime({', '.join(filter(None, (cells, options, utc)))})"


def _months_code(name: str, column: np.ndarray, months: np.ndarray) -> str:
    """Return an expression for texts of months or quarters, in a format that pandas reads."""
    import pandas

    texts = pandas.Series(column)
    starts = (months - 1970 * MONTHS_PER_YEAR).astype(int).astype("datetime64[M]")
    for date_format in MONTH_FORMATS:
        found = pandas.to_datetime(texts, format=date_format, errors="coerce").to_numpy()
        if np.array_equal(found, starts):
            return f'pandas.to_datetime(frame[{name!r}], format="{date_format}")'
    try:
        quarters = pandas.PeriodIndex(texts, freq="Q").to_timestamp().to_numpy()
    except ValueError:
        return ""
    if not np.array_equal(quarters, starts):
        return ""
    return f'pandas.PeriodIndex(frame[{name!r}], freq="Q").to_timestamp()'


def _columns_code(context: TimeContext, names: tuple[str, ...]) -> str:
    """Return an expression for a date and a time of day, or for the parts of a time."""
    columns = [context.table.columns[name] for name in names]
    parts = [PART_NAMES.get(name.casefold()) for name in names]
    if all(parts):
        if any(column.dtype.kind != "f" for column in columns):
            return ""
        pairs = [f"{part}=frame[{name!r}]" for part, name in zip(parts, names, strict=True)]
        pairs += ["day=1"] if len(names) == 2 else []
        return f"pandas.to_datetime(dict({', '.join(pairs)}))"
    if len(names) != 2 or (clock := _clock_code(names[1], columns[1])) is None:
        return ""
    return f"{_column_code(context, names[0])} + pandas.to_timedelta({clock})"


def _clock_code(name: str, column: np.ndarray) -> str | None:
    times = parse_time_of_day(column)
    if column.dtype.kind == "f" and times is not None:
        hours = times.astype("timedelta64[s]").astype(int) / 3600
        return f'frame[{name!r}], unit="h"' if np.array_equal(hours, column) else None
    texts = [str(text) for text in column]
    if all(text.count(":") == 2 and not text[-1].isalpha() for text in texts):
        return f"frame[{name!r}].astype(str)"
    if all(text.count(":") == 1 and text[-1].isdecimal() for text in texts):
        return f'frame[{name!r}] + ":00"'
    if all(text.count(".") == 2 for text in texts):
        return f'frame[{name!r}].str.replace(".", ":")'
    return None
