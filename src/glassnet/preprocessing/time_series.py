"""A series to forecast: equally spaced values out of a table, and what a network is to see and to
learn of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.data import time_index
from glassnet.data.parsing import is_missing
from glassnet.data.table import read_table
from glassnet.data.time_index import TimeIndex
from glassnet.engine.network import Links
from glassnet.errors import DataError, NotReadyError, is_int, is_number, lookup, message, require
from glassnet.losses import Loss
from glassnet.preprocessing import targets
from glassnet.preprocessing.base import (
    DataAdapter,
    PreparedData,
    Preprocessor,
    SplitOptions,
    require_same_kind,
)
from glassnet.preprocessing.seasonal import SeasonalTarget, TimeSeriesPreprocessor
from glassnet.preprocessing.tabular import TableRequest

DEFAULT_LENGTH = 12
"""Differences that a network sees of a series without seasons."""


@dataclass(frozen=True, eq=False, repr=False)
class TimeSeries(DataAdapter):
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

    def prepare(
        self,
        fitted: Preprocessor | None,
        request: TableRequest,
        links: Links,
        loss: Loss | None,
        split: SplitOptions,
    ) -> PreparedData:
        """What `fit` makes of it; held out are the last windows in time, whatever the split says,
        and those before that see into them.

        Raises:
            ConfigError: another series' settings than at an earlier fit; wishes for tables.
            DataError: it is too short; what is learned of it is constant, or cannot be told apart
                in float32.
        """
        fix = "They are for tables: it says itself what is learned."
        require(
            request == TableRequest(),
            "fit",
            "no target, columns, derive or target_transform with a TimeSeries",
            asked=request,
            fix=fix,
        )
        need = self.length + self.season
        said = f"{need + self.horizon} steps or more: a season of {self.season}, {self.length} to see and {self.horizon} to learn"
        fix = "Lower length, horizon or season, or give a longer series."
        require(
            len(self) >= need + self.horizon,
            f"series {self.name!r}",
            said,
            error=DataError,
            steps=len(self),
            fix=fix,
        )
        kept, held = split_windows(len(self) - need - self.horizon + 1, self.horizon, split[0])
        seen = self[: need + int(kept[-1]) + self.horizon]
        made = fit_time_series(
            seen, require_same_kind(TimeSeriesPreprocessor, fitted, self)
        ).continue_from(self)
        rows, learned, _ = made.transform_xy(self)
        news = (
            () if fitted is not None else (str(made.target), f"{self.name}: from {made.describe()}")
        )
        return PreparedData(made, rows, learned, None, kept, held, (*self.messages, *news))

    def to_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """It is no rows of its own.

        Raises:
            NotReadyError: always.
        """
        raise NotReadyError(
            message(
                "series",
                "a model that was fitted to a series",
                fix="Fit it first: model.fit(series).",
            )
        )


def fit_time_series(
    training_series: TimeSeries, fitted: TimeSeriesPreprocessor | None = None
) -> TimeSeriesPreprocessor:
    """What is learned of a series to train on: the scale of its seasonal differences; what was
    known stays.

    Raises:
        ConfigError, DataError: see `TimeSeries.take`.
    """
    if fitted is None:
        change = SeasonalTarget(
            training_series.name,
            training_series.season,
            training_series.horizon,
            1.0,
            training_series.transform == "log",
        )
        scale = float(np.sqrt(np.mean(change.transform(training_series.values) ** 2))) or 1.0
        change = replace(change, scale=scale)
    else:
        fix = "reset() forgets what was learned; a new model forecasts another series."
        before, now = _series_settings(fitted), _series_settings(training_series)
        require(
            before == now,
            "fit",
            f"what the model was fitted to before, {fitted}",
            series=now,
            before=before,
            fix=fix,
        )
        change = fitted.target
    need = training_series.length + training_series.season
    recent = training_series[len(training_series) - need :]
    return TimeSeriesPreprocessor(
        change,
        training_series.length,
        training_series.span(),
        recent.times,
        tuple(recent.values.tolist()),
    )


def _series_settings(source: TimeSeries | TimeSeriesPreprocessor) -> dict[str, Any]:
    """What must be the same at every fit."""
    if isinstance(source, TimeSeriesPreprocessor):
        target, transform = source.target, "log" if source.target.log else None
        return {
            "name": target.name,
            "length": source.length,
            "horizon": target.horizon,
            "season": target.season,
            "transform": transform,
        }
    return {
        "name": source.name,
        "length": source.length,
        "horizon": source.horizon,
        "season": source.season,
        "transform": source.transform,
    }


def split_windows(
    n_windows: int, horizon: int, fraction: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """(windows to train on, the last ones, held out, or None): nothing that a held-out one is to
    forecast is trained on.

    Raises:
        ConfigError: a fraction out of range.
        DataError: a fraction that leaves no window on one side.
    """
    who = "validation_split"
    require(
        is_number(fraction) and 0 <= fraction < 1,
        who,
        "a fraction from 0 to below 1",
        validation_split=fraction,
    )
    every = np.arange(n_windows)
    if fraction == 0:
        return every, None
    held = round(n_windows * fraction)
    kept = n_windows - held - (horizon - 1)
    fix = "Another fraction, a lower horizon or length, a longer series, or validation_data."
    told = f"a window on either side, and {horizon - 1} between them that would see into those held out"
    require(
        held > 0 and kept > 0, who, told, error=DataError, windows=n_windows, held_out=held, fix=fix
    )
    return every[:kept], every[n_windows - held :]


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
    values = targets.check_varying_target(target, column)[order]
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
    SeasonalTarget(target, round_, horizon, 1.0, transform == "log").transform(values)
    return TimeSeries(target, values, when, seen, horizon, round_, transform, tuple(said))
