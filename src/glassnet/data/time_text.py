"""Parse texts and numbers as times: dates, months, quarters, weeks, years and numbers."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from glassnet.data.parsing import (
    DATE_FORMATS,
    LONG_DATE_FORMATS,
    SHORT_DATE_FORMATS,
    factorize,
    matching_date_formats,
    parse_dates,
)
from glassnet.data.time_zones import parse_offset
from glassnet.errors import DataError, message

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

MONTHS_PER_YEAR = 12

YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})[-/ ]?"
    r"(?:M?(?P<month>0?[1-9]|1[0-2])|Q(?P<quarter>[1-4])|(?P<name>[a-z]{3,9})\.?)",
    re.IGNORECASE,
)
"""A year with a month or a quarter: 1949-01, 1949M1, 1949-Q1, 1949 Jan."""

YEAR_LAST = re.compile(
    r"(?:(?P<month>0?[1-9]|1[0-2])[-/.](?=\d{4})"
    r"|(?:Q(?P<quarter>[1-4])|(?P<quarter_first>[1-4])Q|(?P<name>[a-z]{3,9}))[-/., ']*)"
    r"(?P<year>\d{4}|\d{2})",
    re.IGNORECASE,
)
"""A month or a quarter with a year: 01/1949, Q1 1949, 1Q1949, Jan 1949, Jan-49."""

YEAR_WEEK = re.compile(r"(\d{4})-?W(\d{2})")
"""A week of ISO 8601: 2016-W05."""

FIRST_SHORT_YEAR = 69
"""Years of two digits from here on are in the 1900s, as in Python's `strptime`."""

ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:[.,](\d{1,9}))?)?)?")
"""A date or a date and time of ISO 8601: 2024-02-29, 2024-02-29T13:05:00.123."""

ZONE_SUFFIX = re.compile(r"(.*\d.*?) ?(Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?)", re.DOTALL)
"""A text that ends in a time zone."""

CLOCK_TIME = re.compile(r"\d:\d\d|T\d\d|\d ?[AP]M", re.IGNORECASE)
"""Part of a text that has a time of day, which a time zone may follow."""

CLOCK_FORMATS = ("%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I %p", "%I:%M%p")
"""Times of day beyond those of `DATE_FORMATS`."""

SERIES_DATE_FORMATS = (
    *DATE_FORMATS,
    *(
        f"{date} {clock}"
        for date in (*SHORT_DATE_FORMATS, *LONG_DATE_FORMATS, "%Y-%m-%d")
        for clock in CLOCK_FORMATS
    ),
    *(f"%Y-%m-%d{clock}" for clock in ("", " %H:%M", " %H:%M:%S")),
    *(f"%Y%m%d{clock}" for clock in (" %H:%M", " %H:%M:%S", " %H%M", "T%H%M%S", "T%H%M")),
)
"""Date formats that are detected in the times of a series."""

COMPACT_LENGTHS = {6: "%Y%m", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Formats of dates of digits alone, by their number of digits."""

COMPACT_YEARS = (1600, 2400)
"""Years of dates of digits alone: the first, and that after the last."""

EPOCH_UNITS = {1e9: "s", 1e12: "ms", 1e15: "us", 1e18: "ns"}
"""Units of times since 1970, by the number from which they are recognised (September 2001)."""

EPOCH_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


class ParsedTimes(NamedTuple):
    """Times of a column.

    Attributes:
        unit: "month" (since year 0), "date", or "number".
        values: float months or numbers; or datetime64 of the local clock.
        offsets: seconds by which the local clock is ahead of UTC, for dates with a zone.
        options: arguments with which pandas.to_datetime reads the column.
        messages: lines for the user about what was inferred.
        zone: name of the zone of the local clock, if it is known.
    """

    unit: str
    values: np.ndarray
    offsets: np.ndarray | None = None
    options: str = ""
    messages: tuple[str, ...] = ()
    zone: str | None = None


def parse_texts(time: str, column: np.ndarray) -> ParsedTimes:
    """Parse texts as months, quarters, weeks or dates, all in one format.

    Raises:
        DataError: a text cannot be read, or several formats match; the message names them.
    """
    texts, codes = factorize(column)
    if all(text.isdecimal() and text.isascii() and len(text) < 20 for text in texts):
        digits = np.array([int(text) for text in texts])[codes]
        return parse_numbers(time, digits)
    months = parse_months(texts)
    if months is not None:
        return ParsedTimes("month", months[codes])
    if all(map(YEAR_WEEK.fullmatch, texts)):
        return ParsedTimes("date", _parse_weeks(time, texts)[codes])
    bodies, offsets = _split_zones(time, texts)
    dates, date_format = _parse_dates(time, bodies)
    options = f'format="{date_format}"' if date_format else ""
    return ParsedTimes("date", dates[codes], None if offsets is None else offsets[codes], options)


def parse_months(texts: Sequence[str]) -> np.ndarray | None:
    """Return months since year 0 of texts such as Jan 2016 or 2016Q1, or None if one is not."""
    months = []
    for text in texts:
        match = YEAR_FIRST.fullmatch(text) or YEAR_LAST.fullmatch(text)
        offset = None if match is None else _month_of_year(match)
        if match is None or offset is None:
            return None
        months.append(_full_year(match["year"]) * MONTHS_PER_YEAR + offset)
    values = np.array(months, float)
    has_short_years = any(not re.search(r"\d{4}", text) for text in texts)
    return None if has_short_years and _may_be_days(values) else values


def _month_of_year(match: re.Match[str]) -> int | None:
    """Return the months before that of a match of `YEAR_FIRST` or `YEAR_LAST`."""
    parts = match.groupdict()
    if parts["month"]:
        return int(parts["month"]) - 1
    quarter = parts["quarter"] or parts.get("quarter_first")
    return 3 * (int(quarter) - 1) if quarter else MONTH_OFFSETS.get(parts["name"].lower())


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (1900 if year >= FIRST_SHORT_YEAR else 2000)


def _may_be_days(months: np.ndarray) -> bool:
    """Return whether months with years of two digits, as Jan-16, may be days: 16 January."""
    years = months // MONTHS_PER_YEAR % 100
    steps = np.diff(np.unique(months))
    is_regular = len(steps) > 0 and np.all(steps == steps[0]) and steps[0] < MONTHS_PER_YEAR
    return bool(np.all((years >= 1) & (years <= 31)) and not is_regular)


def _parse_weeks(time: str, texts: Sequence[str]) -> np.ndarray:
    """Return the Mondays of weeks such as 2016-W05."""
    days = []
    for text in texts:
        try:
            days.append(datetime.date.fromisocalendar(int(text[:4]), int(text[-2:]), 1))
        except ValueError as error:
            text = message(f"time {time!r}", "weeks of their year", text=text)
            raise DataError(text) from error
    return np.array(days, "datetime64[s]")


def _split_zones(time: str, texts: Sequence[str]) -> tuple[list[str], np.ndarray | None]:
    """Split texts from the time zones at their ends; return the texts and the offsets in seconds.

    The offsets are None if there is no zone.

    Raises:
        DataError: some of the texts have a zone, and others have none.
    """
    matches = [ZONE_SUFFIX.fullmatch(text) if CLOCK_TIME.search(text) else None for text in texts]
    matches = [match if match and CLOCK_TIME.search(match[1]) else None for match in matches]
    if not any(matches):
        return list(texts), None
    without = next((text for text, match in zip(texts, matches, strict=True) if not match), None)
    if without is not None:
        expected = "a time zone in every row, or in none"
        fix = "Write the offset of each time, such as 2024-03-31 01:00+01:00."
        raise DataError(message(f"time {time!r}", expected, without=without, fix=fix))
    pairs = [(match[1], parse_offset(match[2])) for match in matches if match]
    return [text for text, _ in pairs], np.array([offset for _, offset in pairs])


def _parse_dates(time: str, texts: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return dates of the local clock, and their format for pandas.to_datetime."""
    dates = parse_iso_times(texts)
    if not np.isnat(dates).any():
        return dates, ""
    clocks = [text for text in texts[:20] if CLOCK_TIME.search(text)]
    formats = matching_date_formats(texts, _candidate_formats(bool(clocks)))
    if len(formats) == 1:
        import pandas

        found = pandas.to_datetime(pandas.Series(texts, dtype=object), format=formats[0])
        return found.to_numpy(), formats[0]
    if len(formats) > 1:
        example = f"frame[{time!r}] = pandas.to_datetime(frame[{time!r}], format={formats[0]!r})"
        fix = f"Several date formats match: write dates as 1949-01-31. With pandas: {example}."
        text = texts[0]
        raise DataError(
            message(f"time {time!r}", "a time in every row", text=text, formats=formats, fix=fix)
        )
    fix = "Write dates as 1949-01-31, months as 1949-01, or years."
    text = _first_unreadable(texts)
    raise DataError(message(f"time {time!r}", "a time in every row", text=text, fix=fix))


def _candidate_formats(has_clock: bool) -> list[str]:
    """Return the formats to try: those with a time of day, or those without."""
    return [
        date_format
        for date_format in SERIES_DATE_FORMATS
        if date_format != "ISO" and has_clock == ("%H" in date_format or "%I" in date_format)
    ]


def _first_unreadable(texts: Sequence[str]) -> str:
    """Return the first text that is no time by itself, or in another format than the first."""
    unreadable = (
        text
        for text in texts
        if parse_months([text]) is None
        and np.isnat(parse_iso_times([text])).any()
        and not matching_date_formats([text], SERIES_DATE_FORMATS)
    )
    if (text := next(unreadable, None)) is not None:
        return text
    formats = [
        date_format
        for date_format in SERIES_DATE_FORMATS
        if not np.isnat(parse_dates(texts[:1], date_format)).any()
    ]
    unmatched = [np.flatnonzero(np.isnat(parse_dates(texts, each))) for each in formats]
    rows = min(unmatched, key=len, default=np.array([0]))
    return texts[int(rows[0])] if len(rows) else texts[0]


def parse_iso_times(texts: Sequence[str]) -> np.ndarray:
    """Parse ISO dates and times without a zone, as datetime64 of the unit that they need.

    Texts that do not match are NaT, and so are nanoseconds outside the years 1678 to 2262.
    """
    matches = [ISO_TIME.fullmatch(text) for text in texts]
    digits = max((len(match[1] or "") for match in matches if match), default=0)
    if not digits:
        return parse_dates(texts, "ISO")
    seconds = parse_dates([re.split("[.,]", text)[0] for text in texts], "ISO")
    unit, n = next((unit, n) for unit, n in (("ms", 3), ("us", 6), ("ns", 9)) if digits <= n)
    fractions = [int((match[1] or "").ljust(n, "0")) if match else 0 for match in matches]
    whole = seconds.astype(np.int64)
    is_outside = (np.abs(whole) >= 2**63 // 10**n) | np.isnat(seconds)
    seconds[is_outside | [match is None for match in matches]] = np.datetime64("NaT", "s")
    times: np.ndarray = seconds.astype(f"datetime64[{unit}]")
    times += np.array(fractions, f"timedelta64[{unit}]")
    return times


def parse_numbers(time: str, column: np.ndarray) -> ParsedTimes:
    """Parse numbers as dates of digits alone, times since 1970, years, or plain numbers.

    Raises:
        DataError: nearly all are dates of digits alone; the message names the first that is not.
    """
    is_whole = bool(np.all(column == np.round(column)))
    low, high = float(column.min()), float(column.max())
    if is_whole and low > 0:
        compact = _parse_compact(time, column)
        if compact is not None:
            return compact
    for start, unit in EPOCH_UNITS.items():
        if start <= low <= high < 3 * start:
            return _parse_epoch(time, column, unit, is_whole)
    column = column.astype(float)
    is_year = is_whole and low >= 1000 and high < 3000
    if is_year:
        return ParsedTimes("month", column * MONTHS_PER_YEAR, options='format="%Y"')
    return ParsedTimes("number", column)


def _parse_compact(time: str, column: np.ndarray) -> ParsedTimes | None:
    """Parse numbers such as 201601, 20160131 or 2016013106, or return None if they are others."""
    texts = [str(int(number)) for number in column]
    lengths = set(map(len, texts))
    size = max(lengths)
    first, end = COMPACT_YEARS
    if len(lengths) > 1 or size not in COMPACT_LENGTHS:
        return None
    if not all(first <= int(text[:4]) < end for text in texts):
        return None
    digits = [f"{text:0<14}" if size > 6 else f"{text}01000000" for text in texts]
    iso = [f"{t[:4]}-{t[4:6]}-{t[6:8]}T{t[8:10]}:{t[10:12]}:{t[12:]}" for t in digits]
    dates = parse_dates(iso, "ISO")
    invalid = np.flatnonzero(np.isnat(dates))
    if len(invalid) and 10 * len(invalid) < len(dates):
        text = texts[int(invalid[0])]
        expected = f"dates as {COMPACT_LENGTHS[size]}, of digits alone, in every row"
        raise DataError(message(f"time {time!r}", expected, text=text, invalid=len(invalid)))
    if len(invalid):
        return None
    if size == 6:
        months = dates.astype("datetime64[M]").astype(int) + 1970.0 * MONTHS_PER_YEAR
        return ParsedTimes("month", months, options='format="%Y%m"')
    return ParsedTimes("date", dates, options=f'format="{COMPACT_LENGTHS[size]}"')


def _parse_epoch(time: str, column: np.ndarray, unit: str, is_whole: bool) -> ParsedTimes:
    note = f"{time}: the numbers were read as {EPOCH_NAMES[unit]} since 1970-01-01, in UTC"
    if is_whole:
        dates = column.astype(np.int64).astype(f"datetime64[{unit}]")
    else:
        scale = {"s": 1e6, "ms": 1e3}.get(unit, 1.0)
        dates = np.round(column * scale).astype(np.int64).astype("datetime64[us]")
    return ParsedTimes("date", dates, np.zeros(len(dates), int), f'unit="{unit}"', (note,))
