"""Time series preprocessing: learn scaled seasonal differences and turn outputs into forecasts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.data import time_series
from glassnet.data.conversions import require_rows
from glassnet.data.sliding_windows import windows
from glassnet.data.split import RowSplit
from glassnet.data.table import is_table
from glassnet.data.target_columns import to_log
from glassnet.data.time_index import TimeIndex
from glassnet.data.time_series import TimeSeries
from glassnet.errors import DataError, DataWarning, is_int, is_number, message, require, warn
from glassnet.formatting import format_number
from glassnet.losses import Loss
from glassnet.losses.scaled import scale_loss
from glassnet.metrics import Metric
from glassnet.metrics.unscaled import UnscaledMetric
from glassnet.partial_shapes import shape_fits
from glassnet.preprocessing.base import (
    HeadSpec,
    PreparedData,
    Preprocessor,
    TableRequest,
    require_no_table_options,
    require_same_kind,
)
from glassnet.preprocessing.targets import Target
from glassnet.types import PartialShape


@dataclass(frozen=True)
class SeasonalTarget(Target):
    """A series s, learned as seasonal differences: d_t = (s_t - s_(t-season)) / scale, or of log s.

    An output of 0 is the seasonal naive forecast.
    """

    name: str
    season: int
    horizon: int
    scale: float
    log: bool = False

    def __post_init__(self) -> None:
        who = type(self).__name__
        sizes: dict[str, Any] = {"season": self.season, "horizon": self.horizon}
        fits = all(is_int(size, least=1) for size in sizes.values())
        require(fits, who, "season and horizon to be ints >= 1", **sizes)
        require(is_number(self.scale) and self.scale > 0, who, "a scale > 0", scale=self.scale)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return the differences of a series, (n - season,) float64.

        Raises:
            DataError: the logarithm is learned and a value is <= 0.
        """
        level = self._to_level(values)
        differences: np.ndarray = (level[self.season :] - level[: -self.season]) / self.scale
        return differences

    def undifference(self, output: np.ndarray, last_season: np.ndarray) -> np.ndarray:
        """Turn outputs (n, horizon) into forecasts in the target's own units.

        s_(t+j) = s_(t+j-season) + scale d_j. Beyond one season, s_(t+j-season) is itself a
        forecast.

        Args:
            output: the network's outputs.
            last_season: the values before each forecast, (n, season).
        """
        steps = list(self._to_level(last_season).T)
        for j in range(self.horizon):
            steps.append(steps[j] + self.scale * output[:, j].astype(float))
        level = np.stack(steps[self.season :], axis=1)
        return (np.exp(level) if self.log else level).astype(np.float32)

    def naive_forecast(self, values: np.ndarray, steps: int) -> np.ndarray:
        """Repeat the last season, (steps,)."""
        return np.resize(values[-self.season :], steps)

    def check_output_shape(self, output_shape: PartialShape) -> None:
        """Refuse a network that does not have an output for each step of the horizon.

        Raises:
            ConfigError: with the field and both numbers.
        """
        require(
            output_shape == (self.horizon,),
            f"target {self.name!r}",
            "horizon to be the number of the network's outputs",
            horizon=self.horizon,
            outputs=output_shape,
        )

    def check_network(self, head: HeadSpec, loss: Loss | None) -> None:
        """Refuse a network that does not end in one linear output for each step of the horizon.

        Raises:
            ConfigError: with the last layer to write.
        """
        layer = f"Dense({self.horizon}) without activation"
        require(
            head.output_shape == (self.horizon,) and head.last_activation == "linear",
            f"target {self.name!r}",
            f"a network that ends in {self.horizon} numbers, one for each step of the horizon",
            outputs=head.output_shape,
            ends_in=head.last_activation,
            fix=f"End in {layer}, after Flatten() or a recurrent layer.",
        )

    def wrap_objective(
        self, loss: Loss, metrics: tuple[Metric, ...]
    ) -> tuple[Loss, tuple[Metric, ...]]:
        """Return the loss and the metrics of differences in the target's own units, or of logs.

        Raises:
            ConfigError: the loss does not depend on the error only.
        """
        return scale_loss(loss, self.scale), tuple(
            UnscaledMetric(metric, 0.0, self.scale, False, name=metric.name) for metric in metrics
        )

    def _to_level(self, values: np.ndarray) -> np.ndarray:
        return to_log(self.name, values, 'transform="log"') if self.log else values

    def __str__(self) -> str:
        s = f"log {self.name}" if self.log else self.name
        ahead, back = (f"{n} step{'s' * (n > 1)}" for n in (self.horizon, self.season))
        difference = f"({s} - {s} {back} before) / {format_number(self.scale)}"
        return f"{self.name}: {ahead} ahead, learned as {difference}"


@dataclass(frozen=True)
class TimeSeriesPreprocessor(Preprocessor):
    """Encoding of a series to forecast: frozen, plain data.

    Attributes:
        target: how the series is learned.
        length: number of differences that the network sees.
        trained_on: time span of the training series, in words.
        times: times of the recent values.
        recent: the last length + season values, from which forecasts continue.
        fill: how missing values of tables are filled: see `glassnet.data.series`.
        time_zone: zone of the clock of tables: see `glassnet.data.series`.
    """

    target: SeasonalTarget
    length: int
    trained_on: str
    times: TimeIndex
    recent: tuple[float, ...]
    fill: str | None = None
    time_zone: str | None = None

    def __post_init__(self) -> None:
        who, n_values = type(self).__name__, self.length + self.target.season
        require(is_int(self.length, least=1), who, "length to be an int >= 1", length=self.length)
        fits = len(self.recent) == n_values and all(map(is_number, self.recent))
        require(fits, who, "length + season finite values", values=len(self.recent))
        fits = self.fill is None or self.fill in time_series.FILL_METHODS
        require(fits, who, "fill to be a method of `series`", fill=self.fill)

    def check_shapes(self, input_shape: PartialShape, output_shape: PartialShape) -> None:
        """See `Preprocessor.check_shapes`."""
        require(
            shape_fits((self.length, 1), input_shape),
            f"series {self.target.name!r}",
            "length to be the number of the network's inputs",
            length=self.length,
            inputs=input_shape,
        )
        self.target.check_output_shape(output_shape)

    def continue_from(self, series: TimeSeries) -> TimeSeriesPreprocessor:
        """Return a preprocessor that forecasts from the end of another series.

        Raises:
            DataError: the series has other steps, or is too short for the network's input.
        """
        values, n_recent = self._checked_values(series), len(self.recent)
        require(
            self.times.has_same_step(series.times),
            "forecast",
            f"a series of steps of a {self.times.step_name}",
            error=DataError,
            step=series.times.step_name,
        )
        times = series.times.shift(len(values) - n_recent)
        return replace(self, times=times, recent=tuple(values[-n_recent:].tolist()))

    def transform(self, x: Any) -> np.ndarray:
        """Return windows of a series' differences, (n, length, 1).

        There is one window for each step with enough values before it, and one for the step after
        the end.

        Raises:
            DataError: x is not a series, or too short.
        """
        differences = self.target.transform(self._checked_values(x))
        return windows(np.append(differences, 0.0), self.length)[0]

    def transform_array(self, x: Any) -> Any:
        """Refuse arrays, whose times are unknown.

        Raises:
            DataError: always.
        """
        return self.to_series(x)

    def transform_target(self, y: Any) -> Any:
        """Refuse targets.

        Raises:
            DataError: always.
        """
        fix = "A series holds its own targets."
        raise DataError(message("y", "None with a series", y=type(y).__name__, fix=fix))

    def transform_xy(self, x: Any) -> tuple[np.ndarray, np.ndarray, None]:
        """Return (windows, the differences that follow each, None).

        Only windows followed by a full horizon are returned.

        Raises:
            DataError: x is not a series, or too short.
        """
        values = self._checked_values(x, self.target.horizon)
        x, y = windows(self.target.transform(values), self.length, self.target.horizon)
        return x, y, None

    def inverse_transform(self, output: np.ndarray, x: Any) -> np.ndarray:
        """Return forecasts (n, horizon) in the target's own units, one row per window of x.

        The rows are those of `transform`, or the fewer ones of `transform_xy`.
        """
        return self.inverse_transform_rows(output, x, np.arange(len(output)))

    def inverse_transform_rows(self, output: np.ndarray, x: Any, rows: np.ndarray) -> np.ndarray:
        """See `Preprocessor.inverse_transform_rows`."""
        last_seasons = np.lib.stride_tricks.sliding_window_view(
            self._checked_values(x)[self.length :], self.target.season
        )
        return self.target.undifference(output, last_seasons[rows])

    def describe(self, max_names: int | None = None) -> str:
        """Describe the network's input in words."""
        return f"the {self.length} previous differences, trained on {self.trained_on}"

    def __str__(self) -> str:
        return self.describe()

    def to_series(self, x: Any, fill: str | None = None) -> TimeSeries:
        """Return a series unchanged, or read one from a table with the training settings.

        Args:
            x: series or table.
            fill: another method to fill missing values of a table than in training.

        Raises:
            DataError: x is neither; see `time_series.series`.
        """
        name, season, horizon = self.target.name, self.target.season, self.target.horizon
        if is_table(x):
            transform = "log" if self.target.log else None
            series = time_series.series(
                x,
                name,
                self.times.columns,
                self.length,
                horizon,
                season,
                transform,
                fill=fill or self.fill,
                time_zone=self.time_zone,
            )
            return replace(series, times=series.times.with_clock_of(self.times))
        if isinstance(x, TimeSeries):
            return x
        require_rows(x, type(self).__name__, arrays=False)
        expected, kind = "a series, or a table that holds it", type(x).__name__
        fix = f'Write gn.data.series(table, "{name}", time=..., horizon={horizon}).'
        raise DataError(message(type(self).__name__, expected, type=kind, fix=fix))

    def read_series(self, x: Any) -> TimeSeries:
        """Return `to_series(x)`; a `DataWarning` says which values of a table were filled.

        Raises:
            DataError: see `to_series`.
        """
        series = self.to_series(x)
        notes = [line for line in series.messages if line.startswith(f"{series.name}: ")]
        if notes and series is not x:
            warn("; ".join(notes), DataWarning)
        return series

    def _checked_values(self, x: Any, extra_steps: int = 0) -> np.ndarray:
        """Return the values of a series long enough for one window and `extra_steps` more steps."""
        values, n_needed = self.read_series(x).values, len(self.recent) + extra_steps
        parts = f"a season of {self.target.season}, {self.length} inputs"
        parts += f" and {extra_steps} targets" if extra_steps else ""
        require(
            len(values) >= n_needed,
            f"series {self.target.name!r}",
            f"at least {n_needed} steps: {parts}",
            error=DataError,
            steps=len(values),
        )
        return values


def prepare_time_series(
    series: TimeSeries, fitted: Preprocessor | None, request: TableRequest, split: RowSplit
) -> PreparedData:
    """Prepare a series for `fit`: see `tabular.prepare_table`.

    The last windows in time are held out, even for a random split. The training windows whose
    horizon overlaps them are left out.

    Raises:
        ConfigError: other settings than in an earlier fit; an option for tables.
        DataError: the series is too short; its differences are constant or too close together for
            float32.
    """
    require_no_table_options(request, "a TimeSeries")
    length, season, horizon = series.length, series.season, series.horizon
    n_needed = length + season + horizon
    parts = f"a season of {season}, {length} inputs and {horizon} targets"
    require(
        len(series) >= n_needed,
        f"series {series.name!r}",
        f"at least {n_needed} steps: {parts}",
        error=DataError,
        steps=len(series),
        fix="Lower length, horizon or season, or pass a longer series.",
    )
    train_index, validation_index = split.split_windows(len(series) - n_needed + 1, horizon)
    training_series = series[int(train_index[0]) : n_needed + int(train_index[-1])]
    earlier = require_same_kind(TimeSeriesPreprocessor, fitted, series)
    preprocessor = fit_time_series(training_series, earlier).continue_from(series)
    x, y, _ = preprocessor.transform_xy(series)
    messages = series.messages
    if fitted is None:
        inputs = f"{series.name}: from {preprocessor.describe()}"
        messages = (*messages, str(preprocessor.target), inputs)
    return PreparedData(preprocessor, x, y, None, train_index, validation_index, messages)


def fit_time_series(
    training_series: TimeSeries, fitted: TimeSeriesPreprocessor | None = None
) -> TimeSeriesPreprocessor:
    """Return the preprocessor of a training series; the scale of an earlier fit is kept.

    Raises:
        ConfigError: other settings than in an earlier fit.
        DataError: the logarithm is learned and a value is <= 0.
    """
    if fitted is None:
        log = training_series.transform == "log"
        season, horizon = training_series.season, training_series.horizon
        unscaled = SeasonalTarget(training_series.name, season, horizon, 1.0, log)
        scale = float(np.sqrt(np.mean(unscaled.transform(training_series.values) ** 2))) or 1.0
        target = replace(unscaled, scale=scale)
    else:
        before, now = _series_settings(fitted), _series_settings(training_series)
        require(
            before == now,
            "fit",
            f"the same settings as in the earlier fit, {fitted}",
            series=now,
            before=before,
            fix="Call reset() first, or use a new model for another series.",
        )
        target = fitted.target
    n_recent = training_series.length + training_series.season
    recent = training_series[len(training_series) - n_recent :]
    return TimeSeriesPreprocessor(
        target,
        training_series.length,
        training_series.span(),
        recent.times,
        tuple(recent.values.tolist()),
        training_series.fill,
        training_series.time_zone,
    )


def _series_settings(source: TimeSeries | TimeSeriesPreprocessor) -> dict[str, Any]:
    """Return the settings that must be the same at every fit."""
    if isinstance(source, TimeSeries):
        names = ("name", "length", "horizon", "season", "transform")
        return {name: getattr(source, name) for name in names}
    target = source.target
    return {
        "name": target.name,
        "length": source.length,
        "horizon": target.horizon,
        "season": target.season,
        "transform": "log" if target.log else None,
    }
