"""When the rows of a table were: equally spaced moments, told from columns of days, years, months
by name, or numbers.
"""

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
"""Months of a year and quarters of it, as the months that have gone by."""

YEAR_MONTH = re.compile(r"(\d{4})[-/ ]?(?:M?(0?[1-9]|1[0-2])|Q([1-4]))", re.IGNORECASE)
"""A month or a quarter with its year: 1949-01, 1949M1, 1949-Q1."""

MONTHS_PER_YEAR, SECONDS_PER_DAY, SECONDS_PER_WEEK = 12, 86_400, 604_800
"""In months; in seconds."""

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
"""What so many of a unit are called."""


@dataclass(frozen=True)
class TimeIndex:
    """Equally spaced moments: the k-th is first + k step, counted from 0.

    Attributes:
        columns: of the table, that say the time; none where its rows are counted.
        unit: "month" (since the year 0), "second" (since 1970), or "number".
        first: of the moments, in units.
        step: from one to the next, in units.

    Raises:
        ConfigError: another unit; a step that is not above 0.
    """

    columns: tuple[str, ...]
    unit: str
    first: float
    step: float

    def __post_init__(self) -> None:
        lookup("Times: unit", self.unit, UNIT_NAMES)
        require(
            np.isfinite(self.first) and 0 < self.step < np.inf,
            "Times",
            "a step > 0",
            first=self.first,
            step=self.step,
        )

    def shift(self, k: int) -> TimeIndex:
        """The same without the first k."""
        return replace(self, first=self.first + k * self.step)

    def label_at(self, k: int) -> str:
        """The k-th, in words: 1949-01, 1949 Q1, 1949, 1949-01-31, 1949-01-31 06:00, 17.5."""
        value = self.first + k * self.step
        if self.unit == "number":
            return f"{value:.10g}"
        if self.unit == "month":
            year, month = divmod(int(value), MONTHS_PER_YEAR)
            if self.step % MONTHS_PER_YEAR == 0 == self.first % MONTHS_PER_YEAR:
                return f"{year}"
            return (
                f"{year} Q{month // 3 + 1}"
                if self.step == 3 and month % 3 == 0
                else f"{year}-{month + 1:02}"
            )
        moment = np.datetime64(int(value), "s")
        whole = next(
            unit
            for unit, size in (("D", SECONDS_PER_DAY), ("m", 60), ("s", 1))
            if self.step % size == 0 == self.first % size
        )
        return str(moment.astype(f"datetime64[{whole}]")).replace("T", " ")

    def span(self, n: int) -> str:
        """The first n, in words: 1949-01 to 1960-12."""
        return f"{self.label_at(0)} to {self.label_at(n - 1)}"

    @property
    def step_name(self) -> str:
        """What a step is called: month, 30 minutes, step."""
        of_unit = UNIT_NAMES[self.unit]
        size = max(size for size in of_unit if self.step % size == 0 or size == 1)
        return (
            of_unit[size]
            if self.step == size or self.unit == "number"
            else f"{format_exact(self.step / size)} {of_unit[size]}s"
        )

    @property
    def default_season(self) -> int:
        """After how many steps things come round: a year of months, quarters or weeks, a week of
        days, a day of hours; else 1.
        """
        if self.unit == "number" or self.step == SECONDS_PER_WEEK:
            return 1 if self.unit == "number" else 52
        if self.step == SECONDS_PER_DAY:
            return 7
        round_ = MONTHS_PER_YEAR if self.unit == "month" else SECONDS_PER_DAY
        return int(round_ // self.step) if round_ % self.step == 0 else 1

    def __str__(self) -> str:
        told = " and ".join(self.columns) or "rows, counted from 1"
        step = (
            f"{self.step:g}"
            if self.unit == "number"
            else f"a {self.step_name}"
            if self.step_name.isalpha()
            else self.step_name
        )
        return f"{told}, a step is {step.replace('a hour', 'an hour')}"


def read_time_index(table: Table, time: str | None) -> tuple[TimeIndex, np.ndarray]:
    """The moments of a table's rows, and the order that puts the rows in time.

    Args:
        table: with a column that says the time, or the month, beside one that is called year.
        time: the column; None where each row is the step after the one before.

    Raises:
        ConfigError: no such column (the nearest is named).
        DataError: a column that is no time, or not in every row; a moment that comes twice, or
            lacks: the first is named.
    """
    columns, unit, counts = _time_values(table, time)
    order = np.argsort(counts, kind="stable")
    counts = counts[order]
    require(len(counts) > 1, "time", "two rows or more", error=DataError, rows=len(counts))
    apart = np.diff(counts)
    usual = float(apart[apart > 0].min(initial=np.inf))
    times = TimeIndex(columns, unit, float(counts[0]), usual if np.isfinite(usual) else 1.0)
    _require_unique(table, time, times, counts, apart)
    odd = np.flatnonzero(~np.isclose(apart, usual, rtol=1e-4, atol=0))
    if 2 * len(odd) > len(apart):
        fix = "Is there another column that says when?"
        raise DataError(
            message(
                f"time {time!r}", "moments equally spaced", gaps=len(odd), rows=len(counts), fix=fix
            )
        )
    if len(odd):
        after = times.shift(int(odd[0]))
        fix = "Add the rows that lack, with a value; or leave time out where the rows are what counts, as working days."
        received = {
            "missing": after.label_at(1),
            "after": after.label_at(0),
            "next": replace(times, first=float(counts[odd[0] + 1])).label_at(0),
        }
        raise DataError(
            message(
                "time", f"a row for every {times.step_name}", **received, gaps=len(odd), fix=fix
            )
        )
    return times, order


def _require_unique(
    table: Table, time: str | None, times: TimeIndex, values: np.ndarray, steps: np.ndarray
) -> None:
    twins = np.flatnonzero(steps == 0)
    if len(twins):
        twice = values[twins[0]]
        finer = [
            name
            for name, column in table.columns.items()
            if name != time and _month_offsets(column) is not None
        ]
        fix = f'Write time="{finer[0]}".' if finer else "Keep one row for each time."
        received = {
            "time": replace(times, first=float(twice)).label_at(0),
            "rows": int(np.sum(values == twice)),
        }
        raise DataError(message("time", f"one row for each {times.step_name}", **received, fix=fix))


def _time_values(table: Table, time: str | None) -> tuple[tuple[str, ...], str, np.ndarray]:
    """The columns that say the time, its unit, and the rows' moments in it."""
    if time is None:
        return (), "number", np.arange(1.0, len(table) + 1)
    column = table.columns[lookup("time", time, {name: name for name in table.columns})]
    gone = np.flatnonzero(is_missing(column))
    require(
        not len(gone),
        f"time {time!r}",
        "a time in every row",
        error=DataError,
        row=int(gone[:1].sum()),
        missing=len(gone),
    )
    year = next(
        (name for name in table.columns if name.casefold() == "year" and name != time), None
    )
    parts = _month_offsets(column, allow_numbers=year is not None)
    if parts is not None:
        return _months_with_year(table, time, year, parts)
    if column.dtype.kind == "O":
        return ((time,), *_parse_time_text(time, column))
    if column.dtype.kind == "M":
        return ((time,), *_date_values(column))
    require(
        column.dtype.kind == "f" and np.all(np.isfinite(column)),
        f"time {time!r}",
        "days, years or numbers",
        error=DataError,
    )
    years = np.all((column == np.round(column)) & (column >= 1000) & (column < 3000))
    return ((time,), "month", column * MONTHS_PER_YEAR) if years else ((time,), "number", column)


def _month_offsets(column: np.ndarray, allow_numbers: bool = False) -> np.ndarray | None:
    """The months of the year that have gone by, where a column says which month or quarter it is,
    else None; `allow_numbers` takes 1 to 12.
    """
    if column.dtype.kind == "O":
        found = [MONTH_OFFSETS.get(str(text).rstrip(".").casefold()) for text in column]
        return None if None in found else np.array(found, float)
    if (
        not allow_numbers
        or column.dtype.kind != "f"
        or not np.all((column == np.round(column)) & (column >= 1) & (column <= MONTHS_PER_YEAR))
    ):
        return None
    return column - 1


def _months_with_year(
    table: Table, time: str, year: str | None, offsets: np.ndarray
) -> tuple[tuple[str, ...], str, np.ndarray]:
    columns = ", ".join(table.columns)
    if year is None:
        raise DataError(
            message(
                f"time {time!r}",
                "a column `year` beside it",
                columns=columns,
                fix="Or write days, as 1949-01-31.",
            )
        )
    years = table.columns[year]
    whole = years.dtype.kind == "f" and np.all(years == np.round(years))
    require(
        whole,
        f"time {time!r}",
        "a whole number as year in every row",
        error=DataError,
        year=years[:3].tolist(),
    )
    return (year, time), "month", years * MONTHS_PER_YEAR + offsets


def _parse_time_text(time: str, column: np.ndarray) -> tuple[str, np.ndarray]:
    """Months and quarters with their years, or days, as text spells them."""
    found = [YEAR_MONTH.fullmatch(text) for text in column]
    if all(found):
        counts = [
            int(m[1]) * MONTHS_PER_YEAR + (3 * (int(m[3]) - 1) if m[3] else int(m[2]) - 1)
            for m in found
            if m
        ]
        return "month", np.array(counts, float)
    ways = matching_date_formats(list(dict.fromkeys(column.tolist())))
    if len(ways) != 1:
        fix = (
            "It may be read in several ways: write days as 1949-01-31."
            if ways
            else "Days as 1949-01-31, months as 1949-01, years."
        )
        strange = next(
            (
                text
                for text in column
                if not YEAR_MONTH.fullmatch(text) and not matching_date_formats([text])
            ),
            column[0],
        )
        raise DataError(message(f"time {time!r}", "a time in every row", text=strange, fix=fix))
    return _date_values(parse_dates(column.tolist(), ways[0]))


def _date_values(column: np.ndarray) -> tuple[str, np.ndarray]:
    """Days that are each the same of its month, or each the last, count in months; other moments in
    seconds.
    """
    days, months = column.astype("datetime64[D]"), column.astype("datetime64[M]")
    of_month, seconds = (
        (days - months.astype("datetime64[D]")).astype(int),
        column.astype("datetime64[s]").astype(np.int64),
    )
    last = (days + np.timedelta64(1, "D")).astype("datetime64[M]") > months
    if (
        len(np.unique(months)) > 1
        and len(np.unique(seconds % SECONDS_PER_DAY)) == 1
        and (len(np.unique(of_month)) == 1 or last.all())
    ):
        return "month", months.astype(int) + 1970.0 * MONTHS_PER_YEAR
    return "second", seconds.astype(float)
