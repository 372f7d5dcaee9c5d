"""What a fitted network says comes next, beside what a season ago says, and how far both were
off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.time_index import TimeIndex
from glassnet.data.time_series import TimeSeries
from glassnet.errors import DataError, NotReadyError, is_int, message, require
from glassnet.preprocessing.targets import format_number
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_TABLE_LINES = 12
"""Lines in a table of the horizon: longer ones are shown in so many stretches."""


@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """The steps that follow a series; `str` is a table of them, `plot` a figure.

    Attributes:
        name: of the values.
        times: when they are: times.at(0) is the first step's time in words.
        values: (steps,) float64, in the series' own units.
        naive: (steps,): the last season over and over.
        season: how many steps that is.
        context: the values that the network saw, up to the step before the first.
    """

    name: str
    times: TimeIndex
    values: np.ndarray
    naive: np.ndarray
    season: int
    context: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labels(self) -> tuple[str, ...]:
        """The time of each step, in words."""
        return tuple(self.times.label_at(k) for k in range(len(self)))

    def span(self) -> str:
        """From when to when, in words."""
        return self.times.span(len(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain columns: time, the values by their name, and the naive forecast by its."""
        return {
            "time": list(self.labels),
            self.name: self.values.tolist(),
            name_naive_forecast(self.season): self.naive.tolist(),
        }

    def plot(self, truth: Any = None) -> Figure:
        """Draw the forecast and the naive one behind what came before.

        Args:
            truth: what came, (steps,), where it is known.

        Raises:
            DataError: it is of other steps.

        Returns:
            A matplotlib Figure that belongs to no window: `figure.savefig("forecast.png")`.
        """
        from glassnet.plots import forecasts

        came = None if truth is None else np.asarray(truth, float)
        fits = came is None or came.shape == self.values.shape
        require(fits, "plot", f"truth of {len(self)} steps", error=DataError, shape=np.shape(truth))
        n = len(self.context)
        labels = [self.times.shift(-n).label_at(k) for k in range(n + len(self))]
        curves = {"forecast": self.values, name_naive_forecast(self.season): self.naive}
        return forecasts.plot_forecast(self.name, labels, self.context, curves, self.season, came)

    def __str__(self) -> str:
        rows = zip(
            self.labels,
            map(format_number, self.values),
            map(format_number, self.naive),
            strict=True,
        )
        return align_columns([("time", self.name, name_naive_forecast(self.season)), *rows])

    def __repr__(self) -> str:
        return f"Forecast({self.name!r}, {self.span()})"


def forecast_series(
    predict: Callable[[Any], np.ndarray], preprocessor: Any, steps: int | None, series: Any
) -> Forecast:
    """What follows the end of a series: see `Sequential.forecast`.

    Args:
        predict: a series to forecasts (n, horizon), the last from its end.
        preprocessor: of the model.
        steps: how many; None for the horizon.
        series: to go on from; None for what the intake remembers.
    """
    if not isinstance(preprocessor, TimeSeriesPreprocessor):
        fix = "Fit it to a series first: model.fit(gn.data.series(table, target, time=..., horizon=...))."
        raise NotReadyError(message("forecast", "a model that was fitted to a series", fix=fix))
    require(
        steps is None or is_int(steps, least=1), "forecast", "steps to be an int >= 1", steps=steps
    )
    preprocessor = (
        preprocessor
        if series is None
        else preprocessor.continue_from(preprocessor.to_series(series))
    )
    target, need = preprocessor.target, len(preprocessor.recent)
    values, end = (
        np.array(preprocessor.recent),
        need + int(target.horizon if steps is None else steps),
    )
    transform = "log" if target.log else None
    while len(values) < end:
        window = TimeSeries(
            target.name,
            values[-need:],
            preprocessor.times,
            preprocessor.length,
            target.horizon,
            target.season,
            transform,
        )
        values = np.append(values, predict(window)[-1])
    before = np.array(preprocessor.recent)
    naive = target.naive_forecast(before, end - need)
    return Forecast(
        target.name, preprocessor.times.shift(need), values[need:end], naive, target.season, before
    )


@dataclass(frozen=True, eq=False, repr=False)
class BacktestReport:
    """Forecasts from several origins beside what then came: root mean squared errors, overall and
    by the steps ahead.

    Shapes:
        truth, found and naive: (origins, horizon).

    Attributes:
        origins: the time of the first step that each forecasts, in words.
        step_name: what a step is called.
        season: of the naive forecast.
    """

    origins: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray
    naive: np.ndarray
    step_name: str
    season: int

    @property
    def rmse(self) -> tuple[float, float]:
        """Of all steps from all origins: the network's, and the naive forecast's."""
        return root_mean_square(self.predicted - self.truth), root_mean_square(
            self.naive - self.truth
        )

    @property
    def baseline_name(self) -> str:
        """What the naive forecast is called."""
        return name_naive_forecast(self.season)

    def table_lines(self) -> list[tuple[str, float, float]]:
        """(what, network, naive): from each origin, then by the steps ahead."""
        found, naive = self.predicted - self.truth, self.naive - self.truth
        stretches = np.array_split(np.arange(found.shape[1]), min(MAX_TABLE_LINES, found.shape[1]))
        origins = [(f"from {origin}", found[i], naive[i]) for i, origin in enumerate(self.origins)]
        ahead = [
            (_describe_lead(steps, self.step_name), found[:, steps], naive[:, steps])
            for steps in stretches
        ]
        return [
            (what, root_mean_square(ours), root_mean_square(theirs))
            for what, ours, theirs in (*origins, *ahead)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers: overall, from each origin, and of each step of the horizon."""
        ours, theirs = self.rmse
        misses = [
            {"from": what.removeprefix("from "), "rmse": a, "naive": b}
            for what, a, b in self.table_lines()[: len(self.origins)]
        ]
        steps = {
            "by_step": _rmse_by_step(self.predicted - self.truth),
            "naive_by_step": _rmse_by_step(self.naive - self.truth),
        }
        return {"metric": "rmse", "value": ours, "naive": theirs, "origins": misses, **steps}

    def __str__(self) -> str:
        count, horizon = self.truth.shape
        head = f"RMSE of {count * horizon} forecasts"
        rows = [("all", *self.rmse), *self.table_lines()]
        return align_columns(
            [
                (head, "network", self.baseline_name),
                *((what, format_number(a), format_number(b)) for what, a, b in rows),
            ]
        )


def backtest(forecasts: Sequence[Forecast], series: TimeSeries) -> BacktestReport:
    """Forecasts of steps that a series holds, beside its values.

    Raises:
        DataError: a forecast of what it does not hold.
    """
    truths = []
    for one in forecasts:
        start = round((one.times.first - series.times.first) / series.times.step)
        inside = start >= 0 and start + len(one) <= len(series)
        require(
            inside,
            "rolling",
            f"forecasts within {series.span()}",
            error=DataError,
            forecast=one.span(),
        )
        truths.append(series.values[start : start + len(one)])
    found, naive = [one.values for one in forecasts], [one.naive for one in forecasts]
    origins = tuple(one.times.label_at(0) for one in forecasts)
    return BacktestReport(
        origins,
        np.stack(truths),
        np.stack(found),
        np.stack(naive),
        series.times.step_name,
        forecasts[0].season,
    )


def name_naive_forecast(season: int) -> str:
    """What the forecast by the last season is called."""
    return "last value" if season == 1 else "seasonal naive"


def root_mean_square(errors: np.ndarray) -> float:
    """The square root of the mean of squares."""
    return float(np.sqrt(np.mean(np.square(errors))))


def align_columns(table: Sequence[Sequence[str]]) -> str:
    """Lines of columns: the first to the left, the others to the right."""
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in table
    ]
    return "\n".join(lines)


def _describe_lead(steps: np.ndarray, step_name: str) -> str:
    first, last = int(steps[0]) + 1, int(steps[-1]) + 1
    plain = step_name if step_name.isalpha() else "step"
    return f"{plain} {first} ahead" if first == last else f"{plain}s {first} to {last} ahead"


def _rmse_by_step(errors: np.ndarray) -> list[float]:
    return np.sqrt(np.mean(np.square(errors), axis=0)).tolist()
