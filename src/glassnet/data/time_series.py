"""Time series datasets: equally spaced values read from a table, to be forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.data import time_index
from glassnet.data.parsing import is_missing
from glassnet.data.table import Table, read_table
from glassnet.data.target_columns import check_varying_target, to_log
from glassnet.data.time_index import TimeIndex
from glassnet.errors import DataError, is_int, lookup, renamed_attributes, require

DEFAULT_LENGTH = 12
"""Number of differences that a network sees of a series without seasons."""


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
    """

    name: str
    values: np.ndarray
    times: TimeIndex
    length: int
    horizon: int
    season: int
    transform: str | None = None
    messages: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype)

    def __getitem__(self, part: slice) -> TimeSeries:
        fits = isinstance(part, slice) and part.step in (None, 1)
        fix = "One value is series.values[i]."
        require(fits, "series", "a slice without a step, as series[:-12]", received=part, fix=fix)
        start, stop, _ = part.indices(len(self))
        return replace(self, values=self.values[start:stop], times=self.times.shift(start))

    def __repr__(self) -> str:
        sizes = f"season={self.season}, length={self.length}, horizon={self.horizon}"
        return f"TimeSeries({self.name!r}, {self.span()}, {sizes})"

    def span(self) -> str:
        """Return the first and last time in words, with the number of steps."""
        if not len(self):
            return "nothing"
        return f"{self.times.span(len(self))} ({len(self):,} {self.times.step_name}s)"


def series(
    source: Any,
    target: str,
    time: str | None = None,
    length: int | None = None,
    horizon: int = 1,
    season: int | None = None,
    transform: str | None = None,
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
        source: a table: see `Sequential.fit`.
        target: the column to forecast; one number per step.
        time: the column of times: days (2024-02-29), months (1949-01), quarters (1949 Q1), years
            or numbers; or the months or quarters of a year by name or number, if there is also a
            column called year. If None, the rows are equal steps in their order.
        length: number of differences that the network sees. Default: two seasons, or 12 without
            seasons, or about half of a short series.
        horizon: number of steps to forecast at once, >= 1.
        season: number of steps after which the pattern repeats; 1 for none. Default: a year of
            months, quarters or weeks, a week of days, a day of hours or minutes.
        transform: "log" to learn log s, for swings that grow with the level.

    Raises:
        ConfigError: an unknown column (the message suggests the nearest name), or a length, horizon
            or season that is not an int >= 1.
        DataError: times that cannot be read, are missing or repeated (the message names the first);
            a target that is constant or has text or gaps; a series too short for its horizon.

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
    table = read_table(source)
    values, times, messages = _read_values(table, target, time)
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
    return TimeSeries(target, values, times, length, horizon, season, transform, messages)


def _read_values(
    table: Table, target: str, time: str | None
) -> tuple[np.ndarray, TimeIndex, tuple[str, ...]]:
    """Return the values in time order, their times, and messages."""
    column = table.columns[lookup("target", target, {name: name for name in table.columns})]
    who = f"target {target!r}"
    text = [cell for cell in column if isinstance(cell, str)] if column.dtype.kind == "O" else []
    require(not text, who, "numbers in every row", error=DataError, text=text[:3])
    times, order = time_index.read_time_index(table, time)
    missing = np.flatnonzero(is_missing(column[order]))
    first = times.label_at(int(missing[:1].sum()))
    fix = "Fill them first, as pandas' interpolate does."
    received = {"missing": len(missing), "first": first}
    fits = not len(missing)
    require(fits, who, "a value at every time", error=DataError, fix=fix, **received)
    values = check_varying_target(target, column)[order]
    messages = (*table.messages, f"time: {times}, {times.span(len(values))}")
    if np.any(np.diff(order) < 0):
        messages = (*messages, "the rows were sorted by time")
    return values, times, messages


def _choose_season(
    season: int | None, times: TimeIndex, n_values: int, horizon: int
) -> tuple[int, tuple[str, ...]]:
    """Return the season, 1 if the series is too short for the default one, and messages."""
    default = times.default_season
    if season is None and horizon + 1 < n_values < 2 * default + horizon + 1:
        text = f"too short for a season of {default} {times.step_name}s: forecast without seasons"
        return 1, (text,)
    return season or default, ()
