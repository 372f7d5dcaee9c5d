"""Time zones: their names, offsets from UTC, and changes between winter and summer time."""

from __future__ import annotations

import datetime
import difflib
import functools
import re
import zoneinfo
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from glassnet.errors import ConfigError, DataError, message

OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{2})(?::?(\d{2}))?(?::?(\d{2}))?")
"""An offset from UTC: +01:00, -0530, +02, UTC+05:30."""

CHANGING_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Europe/London",
    "Europe/Helsinki",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Jerusalem",
    "Asia/Beirut",
    "Asia/Tehran",
    "Africa/Cairo",
    "Australia/Lord_Howe",
)
"""Zones whose clocks change at different times; one of them explains most clock changes."""


def name_zone(zone: Any) -> str:
    """Return the name of a time zone: Europe/Berlin, UTC, or an offset such as +01:00.

    Args:
        zone: a name, or a tzinfo of zoneinfo, datetime or pytz.

    Raises:
        ConfigError: there is no such zone; the message suggests the nearest name.
    """
    text = str(getattr(zone, "key", None) or getattr(zone, "zone", None) or zone).strip()
    match = OFFSET.fullmatch(text)
    if text.upper() in ("Z", "UTC", "GMT"):
        text = "UTC"
    elif match:
        sign = -1 if match[1] == "-" else 1
        hours, minutes, seconds = (int(digits or 0) for digits in match.groups()[1:])
        text = format_offset(sign * (3600 * hours + 60 * minutes + seconds))
    find_zone(text)
    return text


@functools.cache
def find_zone(name: str) -> datetime.tzinfo:
    """Return the time zone of a name from `name_zone`.

    Raises:
        ConfigError: there is no such zone; the message suggests the nearest name.
    """
    if name == "UTC":
        return datetime.UTC
    try:
        if match := OFFSET.fullmatch(name):
            return datetime.timezone(datetime.timedelta(seconds=_parse_offset(match)))
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        names = {known.casefold(): known for known in zoneinfo.available_timezones()}
        matches = difflib.get_close_matches(name.casefold(), names, n=1)
        fix = f"Did you mean {names[matches[0]]!r}?" if matches else ""
        expected = "the name of a time zone, such as Europe/Berlin, or an offset, such as +01:00"
        raise ConfigError(message("time_zone", expected, time_zone=name, fix=fix)) from error


def _parse_offset(match: re.Match[str]) -> int:
    hours, minutes, seconds = (int(digits or 0) for digits in match.groups()[1:])
    return (-1 if match[1] == "-" else 1) * (3600 * hours + 60 * minutes + seconds)


def parse_offset(text: str) -> int:
    """Return the seconds of an offset such as +01:00, -0530 or Z."""
    match = OFFSET.fullmatch(text)
    return _parse_offset(match) if match else 0


def format_offset(seconds: int) -> str:
    """Format an offset from UTC: `+05:30`.

    Example:
        >>> format_offset(19800), format_offset(-3600)
        ('+05:30', '-01:00')
    """
    minutes, rest = divmod(abs(seconds), 60)
    text = f"{'-' if seconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{rest:02}" if rest else text


def offset_at(zone: str, seconds: float) -> int:
    """Return the seconds by which the clock of a zone is ahead of UTC.

    Args:
        zone: name of the zone.
        seconds: time in seconds since 1970 in UTC.
    """
    time = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    try:
        time += datetime.timedelta(seconds=float(np.floor(seconds)))
        offset = time.astimezone(find_zone(zone)).utcoffset()
    except OverflowError:  # outside the years 1 to 9999
        return 0
    return round(offset.total_seconds()) if offset else 0


def to_local(utc: np.ndarray, zone: str) -> np.ndarray:
    """Return the local clock of times in UTC, datetime64.

    Raises:
        DataError: a time is outside the years of Python's calendar.
    """
    import pandas

    with _refuse_far_times(zone):
        clock = pandas.DatetimeIndex(utc).tz_localize("UTC").tz_convert(find_zone(zone))
        local: np.ndarray = clock.tz_localize(None).to_numpy()
    return local


def to_utc(local: np.ndarray, zone: str) -> np.ndarray:
    """Return the UTC of times of the local clock of a zone, datetime64.

    Of two equal times, the first in time order is that before the clock is put back.

    Raises:
        DataError: the clock of the zone never shows one of the times, or a time is outside the
            years of Python's calendar.
    """
    import pandas

    times = pandas.Series(local)
    is_descending = times.iloc[0] > times.iloc[-1]
    is_second = times.duplicated(keep="last" if is_descending else "first").to_numpy()
    index = pandas.DatetimeIndex(local)
    with _refuse_far_times(zone):
        utc = index.tz_localize(find_zone(zone), ambiguous=~is_second, nonexistent="NaT")
    skipped = np.flatnonzero(utc.isna() & ~index.isna())
    if len(skipped):
        first = str(index[skipped[0]])
        expected = f"times that the clock of {zone} shows"
        fix = "Its clock is put forward then: name another zone, or omit time_zone."
        raise DataError(message("time_zone", expected, time=first, times=len(skipped), fix=fix))
    times_in_utc: np.ndarray = utc.tz_convert("UTC").tz_localize(None).to_numpy()
    return times_in_utc


@contextmanager
def _refuse_far_times(zone: str) -> Iterator[None]:
    """Turn pandas' errors about times outside the years 1 to 9999 into a `DataError`."""
    try:
        yield
    except (ValueError, NotImplementedError, OverflowError) as error:
        problem = str(error).splitlines()[0]
        expected = f"times between the years 1 and 9999 in {zone}"
        raise DataError(message("time_zone", expected, problem=problem)) from error


def find_changing_zone(skipped: Sequence[np.datetime64], repeated: Sequence[np.datetime64]) -> str:
    """Return a zone whose clock skips or repeats the most of the times; empty if none does.

    Args:
        skipped: times of the local clock that are missing.
        repeated: times of the local clock that occur twice.
    """
    counts = {
        zone: sum(_is_changing(time, zone, skips=True) for time in skipped)
        + sum(_is_changing(time, zone, skips=False) for time in repeated)
        for zone in CHANGING_ZONES
    }
    best = max(counts, key=lambda zone: counts[zone])
    return best if counts[best] else ""


def _is_changing(time: np.datetime64, zone: str, *, skips: bool) -> bool:
    """Return whether the clock of a zone skips a time, or shows it twice."""
    moment = time.astype("datetime64[us]").item()
    if not isinstance(moment, datetime.datetime):
        return False
    before, after = (moment.replace(tzinfo=find_zone(zone), fold=fold) for fold in (0, 1))
    difference = (after.utcoffset() or ZERO) - (before.utcoffset() or ZERO)
    return difference > ZERO if skips else difference < ZERO


ZERO = datetime.timedelta()
