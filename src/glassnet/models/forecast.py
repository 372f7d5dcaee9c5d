"""Forecasts of a time series, and their errors beside those of the seasonal naive forecast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.time_index import TimeIndex
from glassnet.data.time_series import TimeSeries
from glassnet.errors import (
    DataError,
    NotReadyError,
    is_int,
    message,
    renamed_attributes,
    require,
)
from glassnet.evaluation.scores import Score
from glassnet.formatting import format_number
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.suggestions import suggest_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_TABLE_LINES = 12
"""Maximum number of lines for the steps of a horizon; longer horizons are grouped."""


@renamed_attributes(before="context")
@suggest_names
@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """A forecast of the steps that follow a series. `str` shows a table, `plot` a figure.

    Attributes:
        name: name of the values.
        times: times of the steps; `times.label_at(0)` is the time of the first step as text.
        values: (steps,) float64, in the units of the series.
        naive: (steps,), the seasonal naive forecast: the last season, repeated.
        season: number of steps in a season.
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
        """The time of each step, as text."""
        return tuple(self.times.label_at(k) for k in range(len(self)))

    def span(self) -> str:
        """Return the first and last time, as text."""
        return self.times.span(len(self))

    def to_dict(self) -> dict[str, Any]:
        """Return columns: the time, the values and the naive forecast."""
        return {
            "time": list(self.labels),
            self.name: self.values.tolist(),
            name_naive_forecast(self.season): self.naive.tolist(),
        }

    def to_frame(self) -> Any:
        """Return a pandas frame of the columns of `to_dict`, with the times as its index.

        The times are dates, with their zone if they have one, or numbers.
        """
        import pandas

        columns = self.to_dict()
        del columns["time"]
        index = self.times.to_pandas(len(self)).rename("time")
        return pandas.DataFrame(columns, index=index)

    def plot(self, truth: Any = None) -> Figure:
        """Draw the forecast, the naive forecast and the values before them.

        Args:
            truth: the true values (steps,), if they are known.

        Raises:
            DataError: `truth` has another number of steps.

        Returns:
            A matplotlib Figure without a window: `figure.savefig("forecast.png")`.
        """
        from glassnet.plots import forecasts

        true_values = None if truth is None else np.asarray(truth, float)
        fits = true_values is None or true_values.shape == self.values.shape
        require(fits, "plot", f"truth of {len(self)} steps", error=DataError, shape=np.shape(truth))
        n = len(self.context)
        labels = [self.times.shift(-n).label_at(k) for k in range(n + len(self))]
        curves = {"forecast": self.values, name_naive_forecast(self.season): self.naive}
        return forecasts.plot_forecast(
            self.name, labels, self.context, curves, self.season, true_values
        )

    def __str__(self) -> str:
        header = ("time", self.name, name_naive_forecast(self.season))
        return align_columns(header, zip(self.labels, self.values, self.naive, strict=True))

    def __repr__(self) -> str:
        return f"Forecast({self.name!r}, {self.span()})"


def forecast_series(
    predict: Callable[[Any], np.ndarray], preprocessor: Any, steps: int | None, series: Any
) -> Forecast:
    """Forecast the steps after the end of a series: see `Sequential.forecast`.

    Args:
        predict: maps a series to forecasts (n, horizon), the last of which starts at its end.
        preprocessor: preprocessor of the model.
        steps: number of steps; None for the horizon.
        series: to continue; None for the series of the last fit.

    Raises:
        NotReadyError: the model was not fitted to a series.
        ConfigError: `steps` is not an int >= 1.
    """
    if not isinstance(preprocessor, TimeSeriesPreprocessor):
        fix = (
            "Fit it to a series first: "
            "model.fit(gn.data.series(table, target, time=..., horizon=...))."
        )
        raise NotReadyError(message("forecast", "a model that was fitted to a series", fix=fix))
    is_valid = steps is None or is_int(steps, least=1)
    require(is_valid, "forecast", "steps to be an int >= 1", steps=steps)
    if series is not None:
        preprocessor = preprocessor.continue_from(preprocessor.read_series(series))
    target, context = preprocessor.target, np.array(preprocessor.recent)
    n_steps = int(target.horizon if steps is None else steps)
    values = context
    while len(values) < len(context) + n_steps:
        window = TimeSeries(
            target.name,
            values[-len(context) :],
            preprocessor.times,
            preprocessor.length,
            target.horizon,
            target.season,
            "log" if target.log else None,
        )
        values = np.append(values, predict(window)[-1])
    times = preprocessor.times.shift(len(context))
    predicted = values[len(context) : len(context) + n_steps]
    naive = target.naive_forecast(context, n_steps)
    return Forecast(target.name, times, predicted, naive, target.season, context)


@dataclass(frozen=True, eq=False, repr=False)
class BacktestReport:
    """Root mean squared errors of forecasts from several origins, overall and by steps ahead.

    Shapes:
        truth, predicted and naive: (origins, horizon).

    Attributes:
        origins: the time of the first forecast step of each origin, as text.
        step_name: the name of one step, such as "month".
        season: season of the naive forecast.
    """

    origins: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray
    naive: np.ndarray
    step_name: str
    season: int

    @property
    def rmse(self) -> tuple[float, float]:
        """The errors over all steps and origins: of the network, and of the naive forecast."""
        network, naive = self.predicted - self.truth, self.naive - self.truth
        return root_mean_square(network), root_mean_square(naive)

    @property
    def baseline_name(self) -> str:
        """The name of the naive forecast."""
        return name_naive_forecast(self.season)

    def table_lines(self) -> list[tuple[str, float, float]]:
        """Return (label, network's RMSE, naive RMSE) of each origin, then by steps ahead."""
        errors, naive = self.predicted - self.truth, self.naive - self.truth
        horizon = errors.shape[1]
        groups = np.array_split(np.arange(horizon), min(MAX_TABLE_LINES, horizon))
        origins = [(f"from {origin}", errors[i], naive[i]) for i, origin in enumerate(self.origins)]
        leads = [
            (_describe_lead(steps, self.step_name), errors[:, steps], naive[:, steps])
            for steps in groups
        ]
        return [
            (label, root_mean_square(a), root_mean_square(b)) for label, a, b in (*origins, *leads)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers: overall, by origin, and by step of the horizon.

        The intervals are None, because the errors of neighboring steps are not independent.
        """
        rmse, naive_rmse = self.rmse
        by_origin = [
            {"from": label.removeprefix("from "), "rmse": a, "naive": b}
            for label, a, b in self.table_lines()[: len(self.origins)]
        ]
        return {
            "metric": "RMSE",
            "rows": self.truth.size,
            "network": Score("network", rmse, None).to_dict(),
            "rivals": [Score(self.baseline_name, naive_rmse, None).to_dict()],
            "origins": by_origin,
            "by_step": _rmse_by_step(self.predicted - self.truth),
            "naive_by_step": _rmse_by_step(self.naive - self.truth),
        }

    def __str__(self) -> str:
        header = (f"RMSE of {self.truth.size} forecasts", "network", self.baseline_name)
        return align_columns(header, [("all", *self.rmse), *self.table_lines()])


def backtest(forecasts: Sequence[Forecast], series: TimeSeries) -> BacktestReport:
    """Compare forecasts with the true values of a series.

    Raises:
        DataError: the series does not hold the steps of a forecast.
    """
    truth = []
    for forecast in forecasts:
        start = forecast.times.steps_from(series.times)
        is_inside = start >= 0 and start + len(forecast) <= len(series)
        expected, span = f"forecasts within {series.span()}", forecast.span()
        require(is_inside, "backtest", expected, error=DataError, forecast=span)
        truth.append(series.values[start : start + len(forecast)])
    return BacktestReport(
        tuple(forecast.times.label_at(0) for forecast in forecasts),
        np.stack(truth),
        np.stack([forecast.values for forecast in forecasts]),
        np.stack([forecast.naive for forecast in forecasts]),
        series.times.step_name,
        forecasts[0].season,
    )


def name_naive_forecast(season: int) -> str:
    """Return the name of the forecast that repeats the last season."""
    return "last value" if season == 1 else "seasonal naive"


def root_mean_square(errors: np.ndarray) -> float:
    """Return the square root of the mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))


def align_columns(header: Sequence[str], rows: Iterable[tuple[str, float, float]]) -> str:
    """Return lines of aligned columns: the labels to the left, the numbers to the right."""
    table = [header]
    for label, *values in rows:
        table.append([label, *(format_number(value, keep_zeros=True) for value in values)])
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in table
    ]
    return "\n".join(lines)


def _describe_lead(steps: np.ndarray, step_name: str) -> str:
    first, last = int(steps[0]) + 1, int(steps[-1]) + 1
    unit = step_name if step_name.isalpha() else "step"
    return f"{unit} {first} ahead" if first == last else f"{unit}s {first} to {last} ahead"


def _rmse_by_step(errors: np.ndarray) -> list[float]:
    rmse: list[float] = np.sqrt(np.mean(np.square(errors), axis=0)).tolist()
    return rmse
