"""Time index of a table: equally spaced times, read from dates, years, months or numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from glassnet.data.parsing import format_exact, is_missing, matching_date_formats, parse_dates
from glassnet.data.table import Table
from glassnet.errors import DataError, lookup, message, require

MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
MONTH_OFFSETS = {
    name[:short]: i for i, name in enumerate(MONTH_NAMES) for short in (3, 4, None)
} | {f"q{i + 1}": 3 * i for i in range(4)}
"""Months of the year before each month or quarter, by its lower-case name."""

YEAR_MONTH = re.compile(r"(\d{4})[-/ ]?(?:M?(0?[1-9]|1[0-2])|Q([1-4]))", re.IGNORECASE)
"""A year with a month or a quarter: 1949-01, 1949M1, 1949-Q1."""

MONTHS_PER_YEAR, SECONDS_PER_DAY, SECONDS_PER_WEEK = 12, 86_400, 604_800

UNIT_NAMES = {
    "month": {1: "month", 3: "quarter", MONTHS_PER_YEAR: "year"},
    "second": {
        1: "second",
        60: "minute",
        3600: "hour",
        SECONDS_PER_DAY: "day",
        SECONDS_PER_WEEK: "week",
    },
    "number": {1: "step"},
}
"""Names of multiples of each unit."""


@dataclass(frozen=True)
class TimeIndex:
    """Equally spaced times: time k is first + k * step, counted from 0.

    Attributes:
        columns: columns of the table from which the times were read; empty if rows are counted.
        unit: "month" (since year 0), "second" (since 1970), or "number".
        first: first time, in units.
        step: difference of consecutive times, in units.

    Raises:
        ConfigError: the unit is unknown, or `step` is not above 0.
    """

    columns: tuple[str, ...]
    unit: str
    first: float
    step: float

    def __post_init__(self) -> None:
        lookup("TimeIndex: unit", self.unit, UNIT_NAMES)
        require(
            np.isfinite(self.first) and 0 < self.step < np.inf,
            "TimeIndex",
            "a step > 0",
            first=self.first,
            step=self.step,
        )

    def shift(self, k: int) -> TimeIndex:
        """Return the index without its first k times."""
        return replace(self, first=self.first + k * self.step)

    def label_at(self, k: int) -> str:
        """Format time k: `1949-01`, `1949 Q1`, `1949`, `1949-01-31`, `1949-01-31 06:00`, `17.5`."""
        value = self.first + k * self.step
        if self.unit == "number":
            return f"{value:.10g}"
        if self.unit == "month":
            year, month = divmod(int(value), MONTHS_PER_YEAR)
            if self.step % MONTHS_PER_YEAR == 0 == self.first % MONTHS_PER_YEAR:
                return f"{year}"
            if self.step == 3 and month % 3 == 0:
                return f"{year} Q{month // 3 + 1}"
            return f"{year}-{month + 1:02}"
        resolution = next(
            unit
            for unit, size in (("D", SECONDS_PER_DAY), ("m", 60), ("s", 1))
            if self.step % size == 0 == self.first % size
        )
        time = np.datetime64(int(value), "s").astype(f"datetime64[{resolution}]")
        return str(time).replace("T", " ")

    def span(self, n: int) -> str:
        """Format the range of the first n times: `1949-01 to 1960-12`."""
        return f"{self.label_at(0)} to {self.label_at(n - 1)}"

    @property
    def step_name(self) -> str:
        """Name of a step: `month`, `30 minutes`, `step`."""
        names = UNIT_NAMES[self.unit]
        size = max(size for size in names if self.step % size == 0 or size == 1)
        if self.step == size or self.unit == "number":
            return names[size]
        return f"{format_exact(self.step / size)} {names[size]}s"

    @property
    def default_season(self) -> int:
        """Number of steps in a season; 1 if there is none.

        A season is a year of months, quarters or weeks, a week of days, or a day of shorter steps.
        """
        if self.unit == "number":
            return 1
        if self.unit == "second" and self.step == SECONDS_PER_WEEK:
            return 52
        if self.unit == "second" and self.step == SECONDS_PER_DAY:
            return 7
        cycle = MONTHS_PER_YEAR if self.unit == "month" else SECONDS_PER_DAY
        return int(cycle // self.step) if cycle % self.step == 0 else 1

    def __str__(self) -> str:
        source = " and ".join(self.columns) or "rows, counted from 1"
        if self.unit == "number":
            step = f"{self.step:g}"
        elif self.step_name.isalpha():
            step = f"an {self.step_name}" if self.step_name == "hour" else f"a {self.step_name}"
        else:
            step = self.step_name
        return f"{source}, a step is {step}"


def read_time_index(table: Table, time: str | None) -> tuple[TimeIndex, np.ndarray]:
    """Return the time index of a table, and the row order that sorts it by time.

    Args:
        table: table with a column of times, or of months next to a column named year.
        time: name of the column; None to count the rows as equally spaced steps.

    Raises:
        ConfigError: there is no such column (the message suggests the nearest name).
        DataError: the column does not hold times or lacks some; a time occurs twice or is missing
            between two rows (the message names the first).
    """
    columns, unit, values = _time_values(table, time)
    order = np.argsort(values, kind="stable")
    values = values[order]
    require(len(values) > 1, "time", "at least two rows", error=DataError, rows=len(values))
    steps = np.diff(values)
    step = float(steps[steps > 0].min(initial=np.inf))
    index = TimeIndex(columns, unit, float(values[0]), step if np.isfinite(step) else 1.0)
    _require_unique(table, time, index, values, steps)
    _require_complete(time, index, values, steps)
    return index, order


def _require_unique(
    table: Table, time: str | None, index: TimeIndex, values: np.ndarray, steps: np.ndarray
) -> None:
    duplicates = np.flatnonzero(steps == 0)
    if not len(duplicates):
        return
    value = values[duplicates[0]]
    months = [
        name
        for name, column in table.columns.items()
        if name != time and _month_offsets(column) is not None
    ]
    raise DataError(
        message(
            "time",
            f"one row for each {index.step_name}",
            time=replace(index, first=float(value)).label_at(0),
            rows=int(np.sum(values == value)),
            fix=f'Pass time="{months[0]}".' if months else "Keep one row for each time.",
        )
    )


def _require_complete(
    time: str | None, index: TimeIndex, values: np.ndarray, steps: np.ndarray
) -> None:
    gaps = np.flatnonzero(~np.isclose(steps, index.step, rtol=1e-4, atol=0))
    if 2 * len(gaps) > len(steps):
        raise DataError(
            message(
                f"time {time!r}",
                "equally spaced times",
                gaps=len(gaps),
                rows=len(values),
                fix="Is the time in another column?",
            )
        )
    if len(gaps):
        before = index.shift(int(gaps[0]))
        raise DataError(
            message(
                "time",
                f"a row for every {index.step_name}",
                missing=before.label_at(1),
                after=before.label_at(0),
                next=replace(index, first=float(values[gaps[0] + 1])).label_at(0),
                gaps=len(gaps),
                fix="Add the missing rows with a value. If the gaps do not matter (weekends), "
                "omit `time` to count the rows.",
            )
        )


def _time_values(table: Table, time: str | None) -> tuple[tuple[str, ...], str, np.ndarray]:
    """Return the columns of the time, its unit, and the time of each row in that unit."""
    if time is None:
        return (), "number", np.arange(1.0, len(table) + 1)
    column = table.columns[lookup("time", time, {name: name for name in table.columns})]
    missing = np.flatnonzero(is_missing(column))
    require(
        not len(missing),
        f"time {time!r}",
        "a time in every row",
        error=DataError,
        row=int(missing[:1].sum()),
        missing=len(missing),
    )
    year = next(
        (name for name in table.columns if name.casefold() == "year" and name != time), None
    )
    offsets = _month_offsets(column, allow_numbers=year is not None)
    if offsets is not None:
        return _months_with_year(table, time, year, offsets)
    if column.dtype.kind == "O":
        return ((time,), *_parse_time_text(time, column))
    if column.dtype.kind == "M":
        return ((time,), *_date_values(column))
    require(
        column.dtype.kind == "f" and np.all(np.isfinite(column)),
        f"time {time!r}",
        "dates, years or numbers",
        error=DataError,
    )
    is_year = np.all((column == np.round(column)) & (column >= 1000) & (column < 3000))
    return ((time,), "month", column * MONTHS_PER_YEAR) if is_year else ((time,), "number", column)


def _month_offsets(column: np.ndarray, allow_numbers: bool = False) -> np.ndarray | None:
    """Return the months since January of each row, or None if the column holds no months.

    Names of months and quarters are months; with `allow_numbers`, so are the numbers 1 to 12.
    """
    if column.dtype.kind == "O":
        offsets = [MONTH_OFFSETS.get(str(text).rstrip(".").casefold()) for text in column]
        return None if None in offsets else np.array(offsets, float)
    if not allow_numbers or column.dtype.kind != "f":
        return None
    is_month = (column == np.round(column)) & (column >= 1) & (column <= MONTHS_PER_YEAR)
    return column - 1 if np.all(is_month) else None


def _months_with_year(
    table: Table, time: str, year: str | None, offsets: np.ndarray
) -> tuple[tuple[str, ...], str, np.ndarray]:
    if year is None:
        raise DataError(
            message(
                f"time {time!r}",
                "a column `year` next to the months",
                columns=", ".join(table.columns),
                fix="Or write dates as 1949-01-31.",
            )
        )
    years = table.columns[year]
    require(
        years.dtype.kind == "f" and np.all(years == np.round(years)),
        f"time {time!r}",
        "an integer year in every row",
        error=DataError,
        year=years[:3].tolist(),
    )
    return (year, time), "month", years * MONTHS_PER_YEAR + offsets


def _parse_time_text(time: str, column: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the unit and values of months or quarters with a year, or of dates."""
    matches = [YEAR_MONTH.fullmatch(text) for text in column]
    if all(matches):
        months = [
            int(m[1]) * MONTHS_PER_YEAR + (3 * (int(m[3]) - 1) if m[3] else int(m[2]) - 1)
            for m in matches
            if m
        ]
        return "month", np.array(months, float)
    formats = matching_date_formats(list(dict.fromkeys(column.tolist())))
    if len(formats) == 1:
        return _date_values(parse_dates(column.tolist(), formats[0]))
    unreadable = (
        text
        for text in column
        if not YEAR_MONTH.fullmatch(text) and not matching_date_formats([text])
    )
    fix = (
        "Several date formats match: write dates as 1949-01-31."
        if formats
        else "Write dates as 1949-01-31, months as 1949-01, or years."
    )
    text = next(unreadable, column[0])
    raise DataError(message(f"time {time!r}", "a time in every row", text=text, fix=fix))


def _date_values(column: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the unit and values of dates.

    Dates on one day of the month, or on the last day of each month, are counted in months; all
    others in seconds.
    """
    days, months = column.astype("datetime64[D]"), column.astype("datetime64[M]")
    day_of_month = (days - months.astype("datetime64[D]")).astype(int)
    seconds = column.astype("datetime64[s]").astype(np.int64)
    is_last = (days + np.timedelta64(1, "D")).astype("datetime64[M]") > months
    if (
        len(np.unique(months)) > 1
        and len(np.unique(seconds % SECONDS_PER_DAY)) == 1
        and (len(np.unique(day_of_month)) == 1 or is_last.all())
    ):
        return "month", months.astype(int) + 1970.0 * MONTHS_PER_YEAR
    return "second", seconds.astype(float)
