"""Time series preprocessing: learn scaled seasonal differences, and turn outputs into forecasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.data import time_series
from glassnet.data.sliding_windows import windows
from glassnet.data.split import split_windows
from glassnet.data.table import is_table
from glassnet.data.target_columns import to_log
from glassnet.data.time_index import TimeIndex
from glassnet.data.time_series import TimeSeries
from glassnet.errors import DataError, is_int, is_number, require
from glassnet.losses import Loss
from glassnet.losses.scaled import scale_loss
from glassnet.metrics import Metric
from glassnet.metrics.unscaled import UnscaledMetric
from glassnet.preprocessing.base import (
    HeadSpec,
    PreparedData,
    Preprocessor,
    SplitOptions,
    TableRequest,
    require_same_kind,
)
from glassnet.preprocessing.targets import Target, format_number


@dataclass(frozen=True)
class SeasonalTarget(Target):
    """A target s that is learned by what the seasonal naive forecast misses: d_t = (s_t -
    s_(t-season)) / scale, or that of log s.

    An output of 0 is the seasonal naive forecast itself.
    """

    name: str
    season: int
    horizon: int
    scale: float
    log: bool = False

    def __post_init__(self) -> None:
        sizes: dict[str, Any] = {"season": self.season, "horizon": self.horizon}
        require(
            all(is_int(size, least=1) for size in sizes.values()),
            "Change",
            "season and horizon to be ints >= 1",
            **sizes,
        )
        require(is_number(self.scale) and self.scale > 0, "Change", "a scale > 0", scale=self.scale)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """The differences of a series, (n - season,) float64.

        Raises:
            DataError: where a logarithm is taken, a value that is not above 0.
        """
        level = self._to_level(values)
        return (level[self.season :] - level[: -self.season]) / self.scale

    def undifference(self, output: np.ndarray, last_season: np.ndarray) -> np.ndarray:
        """What outputs (n, horizon) forecast, in the target's own units, given the last season
        before each, (n, season).

        s_(t+j) = s_(t+j-season) + scale d_j, where beyond a season the forecast itself is added to.
        """
        steps = list(self._to_level(last_season).T)
        for j in range(self.horizon):
            steps.append(steps[j] + self.scale * output[:, j].astype(float))
        found = np.stack(steps[self.season :], axis=1)
        return (np.exp(found) if self.log else found).astype(np.float32)

    def naive_forecast(self, values: np.ndarray, steps: int) -> np.ndarray:
        """The last season over and over, (steps,)."""
        return np.resize(values[-self.season :], steps)

    def check_network(self, head: HeadSpec, loss: Loss | None) -> None:
        """Refuse a network that does not end in one number for each step of the horizon, of any
        size.

        Raises:
            ConfigError: with the last layer to write.
        """
        ends = head.last_activation
        fits = head.output_shape == (self.horizon,) and ends == "linear"
        fix = f"End in Dense({self.horizon}) without activation, after Flatten() or a recurrent layer."
        expected = f"a network that ends in {self.horizon} numbers, a step of the horizon each"
        require(
            fits,
            f"target {self.name!r}",
            expected,
            outputs=head.output_shape,
            ends_in=ends,
            fix=fix,
        )

    def wrap_objective(
        self, loss: Loss, metrics: tuple[Metric, ...]
    ) -> tuple[Loss, tuple[Metric, ...]]:
        """The loss and the metrics of differences in the target's own units, or in logarithms.

        Raises:
            ConfigError: the loss is not one of differences.
        """
        return scale_loss(loss, self.scale), tuple(
            UnscaledMetric(m, 0.0, self.scale, False, name=m.name) for m in metrics
        )

    def _to_level(self, values: np.ndarray) -> np.ndarray:
        return to_log(self.name, values, 'transform="log"') if self.log else values

    def __str__(self) -> str:
        s = f"log {self.name}" if self.log else self.name
        ahead, back = (f"{n} step{'s' * (n > 1)}" for n in (self.horizon, self.season))
        return f"{self.name}: {ahead} ahead, learned as ({s} - {s} {back} before) / {format_number(self.scale)}"


@dataclass(frozen=True)
class TimeSeriesPreprocessor(Preprocessor):
    """What a model has learned of the series that it forecasts: frozen, plain data.

    Attributes:
        target: how it is learned.
        length: differences that the network sees.
        trained_on: what it was trained on, in words.
        times: when the recent values were.
        recent: the values that forecasts go on from, length + season of them.
    """

    target: SeasonalTarget
    length: int
    trained_on: str
    times: TimeIndex
    recent: tuple[float, ...]

    def __post_init__(self) -> None:
        require(
            is_int(self.length, least=1),
            "Forecaster",
            "length to be an int >= 1",
            length=self.length,
        )
        held = len(self.recent) == self.length + self.target.season and all(
            map(is_number, self.recent)
        )
        require(held, "Forecaster", "length + season finite values", values=len(self.recent))

    def continue_from(self, series: TimeSeries) -> TimeSeriesPreprocessor:
        """The same, going on from the end of another series.

        Raises:
            DataError: it is of other steps, or shorter than what the network sees.
        """
        values = self._checked_values(series)
        there = self.times.unit == series.times.unit and bool(
            np.isclose(self.times.step, series.times.step)
        )
        require(
            there,
            "forecast",
            f"a series of steps of a {self.times.step_name}",
            error=DataError,
            step=series.times.step_name,
        )
        need = len(self.recent)
        return replace(
            self,
            times=series.times.shift(len(values) - need),
            recent=tuple(values[-need:].tolist()),
        )

    def transform(self, x: Any) -> Any:
        """A series' differences in windows, (n, length, 1): one for each step that has enough
        before it, and one for what follows the end.

        Raises:
            DataError: it is no series, or too short.
        """
        d = self.target.transform(self._checked_values(x))
        return windows(np.append(d, 0.0), self.length)[0]

    def transform_xy(self, x: Any, y: Any = None) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """(windows, the differences that follow, None), for each window that all of the horizon
        follows.

        Raises:
            DataError: y, as a series holds what follows; or see `features`.
        """
        fix = "A series holds what follows in itself."
        require(y is None, "y", "None with a series", error=DataError, y=type(y).__name__, fix=fix)
        rows, learned = windows(
            self.target.transform(self._checked_values(x, self.target.horizon)),
            self.length,
            self.target.horizon,
        )
        return rows, learned, None

    def inverse_transform(self, output: np.ndarray, x: Any) -> np.ndarray:
        """Forecasts (n, horizon) in the target's own units, a row for each of `features`."""
        before = np.lib.stride_tricks.sliding_window_view(
            self._checked_values(x)[self.length :], self.target.season
        )
        return self.target.undifference(output, before)

    def describe(self, max_names: int | None = None) -> str:
        """What the network sees, in words."""
        return f"the {self.length} differences before, trained on {self.trained_on}"

    def __str__(self) -> str:
        return self.describe()

    def to_series(self, x: Any) -> TimeSeries:
        """A series as it is; or one out of a table, read as the first was.

        Raises:
            DataError: it is neither; see `time_series.series`.
        """
        name, season, horizon = self.target.name, self.target.season, self.target.horizon
        if is_table(x):
            time, transform = (
                (self.times.columns or (None,))[-1],
                "log" if self.target.log else None,
            )
            return time_series.series(x, name, time, self.length, horizon, season, transform)
        fix = f'Write gn.data.series(table, "{name}", time=..., horizon={horizon}).'
        fits = isinstance(x, time_series.TimeSeries)
        require(
            fits,
            "forecaster",
            "a series, or a table that holds it",
            error=DataError,
            type=type(x).__name__,
            fix=fix,
        )
        return x

    def _checked_values(self, x: Any, extra_steps: int = 0) -> np.ndarray:
        """The values of a series that is long enough for one window and `extra_steps` steps."""
        values, need = self.to_series(x).values, len(self.recent) + extra_steps
        told = f"{need} steps or more: a season of {self.target.season}, {self.length} to see" + (
            f" and {extra_steps} to come" if extra_steps else ""
        )
        require(
            len(values) >= need,
            f"series {self.target.name!r}",
            told,
            error=DataError,
            steps=len(values),
        )
        return values


def prepare_time_series(
    series: TimeSeries, fitted: Preprocessor | None, request: TableRequest, split: SplitOptions
) -> PreparedData:
    """What `fit` makes of it; held out are the last windows in time, whatever the split says,
    and those before that see into them.

    Raises:
        ConfigError: another series' settings than at an earlier fit; wishes for tables.
        DataError: it is too short; what is learned of it is constant, or cannot be told apart
            in float32.
    """
    fix = "They are for tables: it says itseries what is learned."
    require(
        request == TableRequest(),
        "fit",
        "no target, columns, derive or target_transform with a TimeSeries",
        asked=request,
        fix=fix,
    )
    need = series.length + series.season
    said = f"{need + series.horizon} steps or more: a season of {series.season}, {series.length} to see and {series.horizon} to learn"
    fix = "Lower length, horizon or season, or give a longer series."
    require(
        len(series) >= need + series.horizon,
        f"series {series.name!r}",
        said,
        error=DataError,
        steps=len(series),
        fix=fix,
    )
    kept, held = split_windows(len(series) - need - series.horizon + 1, series.horizon, split[0])
    seen = series[: need + int(kept[-1]) + series.horizon]
    made = fit_time_series(
        seen, require_same_kind(TimeSeriesPreprocessor, fitted, series)
    ).continue_from(series)
    rows, learned, _ = made.transform_xy(series)
    news = (
        () if fitted is not None else (str(made.target), f"{series.name}: from {made.describe()}")
    )
    return PreparedData(made, rows, learned, None, kept, held, (*series.messages, *news))


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
