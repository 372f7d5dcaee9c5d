"""Time series datasets: equally spaced values read from a table, to be forecast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.data import time_index
from glassnet.data.parsing import is_missing
from glassnet.data.table import read_table
from glassnet.data.target_columns import check_varying_target, to_log
from glassnet.data.time_index import TimeIndex
from glassnet.errors import DataError, is_int, lookup, require

DEFAULT_LENGTH = 12
"""Differences that a network sees of a series without seasons."""


@dataclass(frozen=True, eq=False, repr=False)
class TimeSeries:
    """Equally spaced values, and how they are to be learned; `fit`, `evaluate`, `predict` and
    `forecast` take it as it is.

    series[:-12] is all but the last twelve steps.

    Attributes:
        name: of the values.
        values: (n,) float64, in the order of time.
        times: when they were.
        length: seasonal differences that the network sees.
        horizon: steps that it forecasts at once.
        season: after how many steps things come round.
        transform: "log" where the logarithm is learned, or None.
        messages: what was found out in reading, for people.
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
        fix = "One value is series.values[i]."
        require(
            isinstance(part, slice) and part.step in (None, 1),
            "series",
            "a stretch, as series[:-12]",
            received=part,
            fix=fix,
        )
        start, stop, _ = part.indices(len(self))
        return replace(self, values=self.values[start:stop], times=self.times.shift(start))

    def __repr__(self) -> str:
        return f"TimeSeries({self.name!r}, {self.span()}, season={self.season}, length={self.length}, horizon={self.horizon})"

    def span(self) -> str:
        """From when to when, in words."""
        return (
            f"{self.times.span(len(self))} ({len(self):,} {self.times.step_name}s)"
            if len(self)
            else "nothing"
        )


def series(
    source: Any,
    target: str,
    time: str | None = None,
    length: int | None = None,
    horizon: int = 1,
    season: int | None = None,
    transform: str | None = None,
) -> TimeSeries:
    """Read a series to forecast out of a table: a model that is fitted to it sees what came before
    and learns the `horizon` that follows.

    d_t = (s_t - s_(t-season)) / scale; the network sees d_(t-length+1), ..., d_t and learns
    d_(t+1), ..., d_(t+horizon) at once.

    So it learns what the seasonal naive forecast, "as a season ago", misses. The scale, a root mean
    square, is that of the steps that it is trained on. `predict` and `sequential.forecast` give
    values in the target's own units.

    Shapes:
        A window is (length, 1); the network ends in (horizon,): Flatten, or a recurrent layer, and
        Dense(horizon).

    Args:
        source: a table: see `Sequential.fit`.
        target: the column to forecast; one number a step.
        time: the column that says when: days (2024-02-29), months (1949-01), quarters (1949 Q1),
            years, numbers; or the months or quarters of a year by name or number, beside a column
            called year. None takes the rows as equal steps in their order.
        length: differences that the network sees; None for two seasons, or 12 without seasons, or
            what half of a short series allows.
        horizon: steps to forecast at once, >= 1.
        season: steps after which things come round; None for a year of months, quarters or weeks, a
            week of days, a day of hours or minutes; 1 for none.
        transform: "log" to learn log s, for swings that grow with the level.

    Raises:
        ConfigError: a column that there is not (the nearest is named); a length, horizon or season
            that is no int >= 1.
        DataError: times that are none, lack or come twice: the first is named; a target with text
            or gaps, or constant; a series too short for its horizon.

    Example:
        >>> table = {"month": ["2024-01", "2024-02", "2024-03", "2024-04"], "sold": [3, 5, 4, 6]}
        >>> series(table, "sold", time="month", season=1, length=1)
        TimeSeries('sold', 2024-01 to 2024-04 (4 months), season=1, length=1, horizon=1)

    Source: R. Hyndman, G. Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition,
        sections 5.2 and 9.1.
    """
    who = "series"
    sizes: dict[str, Any] = {"length": length, "horizon": horizon, "season": season}
    allowed = all(
        is_int(size, least=1) or (size is None and name != "horizon")
        for name, size in sizes.items()
    )
    require(allowed, who, "length, horizon and season to be ints >= 1", **sizes)
    require(transform in (None, "log"), who, 'transform to be "log" or None', transform=transform)
    table = read_table(source)
    column = table.columns[lookup("target", target, {name: name for name in table.columns})]
    text = [cell for cell in column if isinstance(cell, str)] if column.dtype.kind == "O" else []
    require(not text, f"target {target!r}", "numbers in every row", error=DataError, text=text[:3])
    when, order = time_index.read_time_index(table, time)
    missing = np.flatnonzero(is_missing(column[order]))
    fix = "Fill them first, as pandas' interpolate does."
    received = {"missing": len(missing), "first": when.label_at(int(missing[:1].sum()))}
    require(
        not len(missing),
        f"target {target!r}",
        "a value at every time",
        error=DataError,
        **received,
        fix=fix,
    )
    values = check_varying_target(target, column)[order]
    said = [*table.messages, f"time: {when}, {when.span(len(values))}"]
    said += ["its rows were put in the order of time"] if np.any(np.diff(order) < 0) else []
    round_ = season or when.default_season
    if season is None and horizon + 1 < len(values) < 2 * round_ + horizon + 1:
        said, round_ = (
            [
                *said,
                f"too short for a season of {round_} {when.step_name}s: forecast without seasons",
            ],
            1,
        )
    room = len(values) - round_ - horizon
    told = f"a season of {round_}, a step to see and {horizon} to forecast"
    fix = "Lower horizon or season, or give a longer series."
    require(
        room >= 1,
        f"series {target!r}",
        told,
        error=DataError,
        steps=len(values),
        horizon=horizon,
        season=round_,
        fix=fix,
    )
    seen = length or max(1, min(2 * round_ if round_ > 1 else DEFAULT_LENGTH, room // 2))
    if transform == "log":
        to_log(target, values, 'transform="log"')
    return TimeSeries(target, values, when, seen, horizon, round_, transform, tuple(said))
