"""Time index of a series: equally spaced times, counted in months, seconds or numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from glassnet.data.parsing import format_exact
from glassnet.data.time_zones import OFFSET, find_zone, format_offset, offset_at
from glassnet.errors import lookup, require

MONTHS_PER_YEAR, SECONDS_PER_DAY, SECONDS_PER_WEEK = 12, 86_400, 604_800

TICKS = {"second": 1, "millisecond": 10**3, "microsecond": 10**6, "nanosecond": 10**9}
"""Number of units in a second, for each unit of dates."""

NUMPY_CODES = {"second": "s", "millisecond": "ms", "microsecond": "us", "nanosecond": "ns"}
"""Codes of NumPy's datetime64 for each unit of dates."""

SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": SECONDS_PER_DAY,
    "week": SECONDS_PER_WEEK,
}

UNIT_NAMES = {
    "month": {1: "month", 3: "quarter", MONTHS_PER_YEAR: "year"},
    "second": {seconds: name for name, seconds in SECONDS.items()},
    "number": {1: "step"},
} | {
    unit: {1: unit} | {seconds * ticks: name for name, seconds in SECONDS.items()}
    for unit, ticks in TICKS.items()
    if ticks > 1
}
"""Names of multiples of each unit."""

MAX_TIME = 2.0**62
"""Bound of the first time and the step, in units."""


@dataclass(frozen=True)
class TimeIndex:
    """Equally spaced times: time k is first + k * step, counted from 0.

    Attributes:
        columns: columns of the table from which the times were read; empty if rows are counted.
        unit: "month" (since year 0), "second", "millisecond", "microsecond" or "nanosecond" (since
            1970; in UTC if there are zones), or "number".
        first: first time, in units.
        step: difference of consecutive times, in units.
        zones: pairs (time in units, zone): the zone of the clock from each time on, a name such as
            Europe/Berlin or an offset such as +01:00. Empty if the times have no zone.

    Raises:
        ConfigError: the unit or a zone is unknown, or `step` is not above 0.
    """

    columns: tuple[str, ...]
    unit: str
    first: float
    step: float
    zones: tuple[tuple[float, str], ...] = ()

    def __post_init__(self) -> None:
        lookup("TimeIndex: unit", self.unit, UNIT_NAMES)
        require(
            np.isfinite(self.first) and 0 < self.step < np.inf,
            "TimeIndex",
            "a step > 0",
            first=self.first,
            step=self.step,
        )
        is_dated = self.unit in TICKS
        fits = not is_dated or max(abs(self.first), self.step) < MAX_TIME
        require(fits, "TimeIndex", "times below 2^62", first=self.first, step=self.step)
        fits = is_dated or not self.zones
        require(fits, "TimeIndex", "zones only of dates", unit=self.unit, zones=self.zones)
        for _, zone in self.zones:
            find_zone(zone)

    def shift(self, k: int) -> TimeIndex:
        """Return the index without its first k times."""
        return replace(self, first=self.first + k * self.step)

    def at(self, value: Any) -> TimeIndex:
        """Return the index with another first time, in units."""
        first = float(value) if self.unit not in TICKS or TICKS[self.unit] == 1 else int(value)
        return replace(self, first=first)

    def with_clock_of(self, other: TimeIndex) -> TimeIndex:
        """Return the index with the zone of another one, if both have one, and that has a name."""
        zone = other.zones[-1][1] if other.zones else "UTC"
        is_named = zone != "UTC" and not OFFSET.fullmatch(zone)
        return replace(self, zones=((self.first, zone),)) if self.zones and is_named else self

    def label_at(self, k: int) -> str:
        """Format time k: `1949-01`, `1949 Q1`, `1949`, `1949-01-31`, `1949-01-31 06:00`, `17.5`.

        A time with a zone is that of the local clock, with its offset from UTC:
        `2024-03-31 03:00+02:00`.
        """
        value = self.first + k * self.step
        if self.unit == "number":
            return f"{value:.10g}"
        if self.unit == "month":
            return self._format_month(int(value))
        ticks, offset = TICKS[self.unit], self._offset_at(value)
        first = self.first + offset * ticks
        sizes = {"D": SECONDS_PER_DAY, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
        resolution = next(
            unit
            for unit, seconds in sizes.items()
            if (unit != "D" or not self.zones)
            and ((size := round(seconds * ticks)) <= 1 or self.step % size == 0 == first % size)
        )
        ticks_of_clock = np.array(int(value) + offset * ticks, np.int64)
        time = ticks_of_clock.astype(f"datetime64[{NUMPY_CODES[self.unit]}]")
        text = str(time.astype(f"datetime64[{resolution}]")).replace("T", " ")
        return text + format_offset(offset) if self.zones else text

    def _format_month(self, value: int) -> str:
        year, month = divmod(value, MONTHS_PER_YEAR)
        if self.step % MONTHS_PER_YEAR == 0 == self.first % MONTHS_PER_YEAR:
            return f"{year}"
        if self.step == 3 and month % 3 == 0:
            return f"{year} Q{month // 3 + 1}"
        return f"{year}-{month + 1:02}"

    def _offset_at(self, value: float) -> int:
        """Return the seconds by which the local clock is ahead of UTC at a time in units."""
        if not self.zones:
            return 0
        earlier = [zone for start, zone in self.zones if start <= value]
        return offset_at(earlier[-1] if earlier else self.zones[0][1], value / TICKS[self.unit])

    def to_pandas(self, n: int) -> Any:
        """Return the first n times as a pandas index: numbers, or dates with their zone."""
        import pandas

        if self.unit == "number":
            return pandas.Index([self.first + k * self.step for k in range(n)])
        if self.unit == "month":
            months = [int(self.first + k * self.step) - 1970 * MONTHS_PER_YEAR for k in range(n)]
            return pandas.DatetimeIndex(np.array(months, "datetime64[M]").astype("datetime64[s]"))
        times = [int(self.first + k * self.step) for k in range(n)]
        dates = pandas.DatetimeIndex(np.array(times, f"datetime64[{NUMPY_CODES[self.unit]}]"))
        if self.zones:
            dates = dates.tz_localize("UTC").tz_convert(find_zone(self.zones[-1][1]))
        return dates

    def span(self, n: int) -> str:
        """Format the range of the first n times: `1949-01 to 1960-12`."""
        return f"{self.label_at(0)} to {self.label_at(n - 1)}"

    def count(self, n: int) -> str:
        """Format a number of steps: `1 month`, `72 months`, `400 steps of 15 minutes`."""
        name = self.step_name
        if not name.isalpha():
            return f"{n:,} step{'s' * (n != 1)} of {name}"
        return f"{n:,} {name}{'s' * (n != 1)}"

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
        Steps of less than a second have no season.
        """
        ticks = TICKS.get(self.unit)
        if self.unit == "number" or (ticks and self.step < ticks):
            return 1
        if ticks and self.step == SECONDS_PER_WEEK * ticks:
            return 52
        if ticks and self.step == SECONDS_PER_DAY * ticks:
            return 7
        cycle = SECONDS_PER_DAY * ticks if ticks else MONTHS_PER_YEAR
        return int(cycle // self.step) if cycle % self.step == 0 else 1

    def steps_from(self, other: TimeIndex) -> int:
        """Return the number of steps from the first time of another index to that of this one."""
        ratio = Fraction(TICKS.get(other.unit, 1), TICKS.get(self.unit, 1))
        return round((Fraction(self.first) * ratio - Fraction(other.first)) / Fraction(other.step))

    def has_same_step(self, other: TimeIndex) -> bool:
        """Return whether the steps of two indexes are equally long."""
        if self.unit in TICKS and other.unit in TICKS:
            steps = [index.step / TICKS[index.unit] for index in (self, other)]
            return math.isclose(*steps, rel_tol=1e-5)
        return self.unit == other.unit and math.isclose(self.step, other.step, rel_tol=1e-5)

    def __str__(self) -> str:
        *others, last = self.columns or ("rows, counted from 1",)
        source = f"{', '.join(others)} and {last}" if others else last
        if self.unit == "number":
            step = f"{self.step:g}"
        elif self.step_name.isalpha():
            step = f"an {self.step_name}" if self.step_name == "hour" else f"a {self.step_name}"
        else:
            step = self.step_name
        zones = " and ".join(sorted({zone for _, zone in self.zones}))
        return f"{source}, a step is {step}{f' ({zones})' if zones else ''}"
