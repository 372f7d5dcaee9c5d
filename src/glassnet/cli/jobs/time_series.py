"""The job for a time series: forecast its next steps."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs.base import Job, JobScore, TrainOptions
from glassnet.cli.jobs.table import require_target
from glassnet.formatting import format_number

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.data.table import Table
    from glassnet.data.time_series import TimeSeries
    from glassnet.models.sequential import Sequential
    from glassnet.reporting.run_data import RunData

MAX_ORIGINS = 2
"""Maximum number of origins that a network is scored from; a short series has fewer."""


@dataclass(frozen=True, eq=False)
class TimeSeriesJob(Job):
    """A time series whose last horizon is test data.

    Attributes:
        name: the name of the file or dataset.
        series: the series, including the test data.
        n_origins: the number of forecasts in the score. Each starts a horizon before the next and
            comes from a network that was trained on the steps before it. With 0, no steps are
            test data.
        messages: lines to print about how the series was read.
        dropout: the default of `--dropout`, the best of several values on flights.
        validation_split: the default of `--validation-split`. It is 0 because the last steps say
            the most about the next ones.
    """

    name: str
    series: TimeSeries
    n_origins: int
    messages: tuple[str, ...] = ()
    dropout: float = 0.5
    validation_split: float = 0.0

    @property
    def n_samples(self) -> int:
        """The number of training windows."""
        series = self.train
        return len(series) - series.season - series.length - series.horizon + 1

    @property
    def description(self) -> str:
        span, horizon = self.train.span(), self.series.horizon
        if not self.n_origins:
            return f"{span}, forecasts of {horizon} steps"
        return f"{span} for training, the last {horizon} for testing"

    @property
    def train(self) -> TimeSeries:
        """The steps for training."""
        return self.series_until(1) if self.n_origins else self.series

    def series_until(self, origin: int) -> TimeSeries:
        """Return the series up to an origin, which lies `origin` horizons before its end."""
        return self.series[: len(self.series) - origin * self.series.horizon]

    def count_filled_test_values(self) -> int:
        """Return the number of test values that were missing."""
        is_filled = self.series.is_filled
        if is_filled is None:
            return 0
        return int(is_filled[-self.n_origins * self.series.horizon :].sum())

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        from glassnet.cli import default_models
        from glassnet.layers import Dense, Flatten

        hidden = default_models.hidden_layers(settings, settings["dropout"])
        layers = [Flatten(), *hidden, Dense(self.series.horizon)]
        return default_models.compile_model(layers, "mean_squared_error", ["mae"], settings)

    def model_inputs(self, model: Sequential) -> np.ndarray:
        assert model.preprocessor is not None
        x: np.ndarray = model.preprocessor.transform_xy(self.train)[0]
        return x

    def example(self, i: int) -> tuple[Any, Any]:
        series = self.series
        return series[i : i + series.season + series.length + series.horizon], None

    def target_text(self, i: int) -> str:
        """Return the time of the first step that window `i` forecasts."""
        return f"from {self.series.times.label_at(i + self.series.season + self.series.length)}"

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Learn the scale and build the network."""
        self.fit(model, **fit_options | {"epochs": 0})

    @property
    def fit_arguments(self) -> dict[str, Any]:
        return {"x": self.train}

    @property
    def run_data(self) -> RunData:
        from glassnet.reporting.run_data import Rows, RunData

        series = self.series
        test = series[len(series) - series.horizon - series.length - series.season :]
        scored = Rows(test) if self.n_origins else None
        return RunData(self.name, Rows(self.train), scored, messages=self.messages)

    def score(self, model: Sequential, seed: int) -> JobScore:
        """Score forecasts from each origin beside the seasonal naive forecast.

        Afterwards, the forecasts of the model start at the end of the series.
        """
        from glassnet.models import forecast
        from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
        from glassnet.reporting.scoring import RunScore

        assert isinstance(model.preprocessor, TimeSeriesPreprocessor)
        earlier = range(self.n_origins, 1, -1)
        networks = [self._train_copy(model, self.series_until(origin)) for origin in earlier]
        report = forecast.backtest(
            [network.forecast() for network in (*networks, model)], self.series
        )
        trained_on = model.preprocessor.trained_on
        model.preprocessor = model.preprocessor.continue_from(self.series)
        notes = [f"the network was trained on {trained_on}"]
        if networks:
            notes.append(
                "the earlier forecast is from a second network, trained on the steps before it"
            )
        if n_filled := self.count_filled_test_values():
            n = self.n_origins * self.series.horizon
            notes.append(f"{n_filled} of the {n} test values were filled, not measured")
        start = f"forecasts start after {self.series.times.label_at(len(self.series) - 1)}"
        rmse, naive_rmse = (format_number(value, keep_zeros=True) for value in report.rmse)
        learned = self.describe_learned(model) | {"trained_on": trained_on}
        return JobScore(
            "\n".join([str(report), *notes, start]),
            f"RMSE {rmse}, {report.baseline_name} {naive_rmse}",
            {"score": report.to_dict(), "learned": learned},
            RunScore(report, notes=tuple(notes)),
        )

    @property
    def target_name(self) -> str:
        return self.series.name

    def to_frame(self) -> pandas.DataFrame:
        """Return the time of the first step that each window forecasts, and the true steps."""
        import numpy as np
        import pandas

        series, n = self.train, self.n_samples
        start = series.season + series.length
        steps = np.lib.stride_tricks.sliding_window_view(series.values[start:], series.horizon)
        columns = {f"{series.name} {k}": steps[:, k - 1] for k in range(1, series.horizon + 1)}
        first = [series.times.label_at(start + i) for i in range(n)]
        return pandas.DataFrame({"first step": first} | columns)

    def describe_learned(self, model: Sequential) -> dict[str, Any]:
        series = self.series
        return {"target": series.name, "season": series.season, "length": series.length}

    @staticmethod
    def _train_copy(model: Sequential, series: TimeSeries) -> Sequential:
        """Train a copy of the model on another series for the same number of epochs."""
        twin = copy.deepcopy(model)
        twin.reset()
        assert model.history is not None
        twin.fit(
            series,
            epochs=model.epoch,
            batch_size=model.history.params["batch_size"],
            seed=model.history.seed,
            verbose=0,
        )
        return twin


def resolve_time_series_job(
    name: str, options: TrainOptions, *, split: bool = True
) -> TimeSeriesJob:
    """Return the job for a column of a table in a file, or of a dataset that is a table.

    Args:
        name: the path of the file, or the name of the dataset.
        options: the options for tables and time series.
        split: hold out the last horizon. Otherwise all steps are for training.

    Raises:
        click.UsageError: no target; a folder or a dataset of arrays; an option for other tasks.
        ConfigError, DataError: see `series`; a series that is too short for test data.
    """
    from glassnet.data.time_series import series as make_series

    unused = {
        "--features": options.features,
        "--task": options.task,
        "--column": options.column_types,
        "--groups": options.groups,
    }
    for option, value in unused.items():
        if value:
            raise click.UsageError(
                f"{option} cannot be combined with --forecast: "
                "a series is forecast from its own past values."
            )
    table = _read_table(name, options.csv)
    target = require_target(list(table.columns), options, "forecast")
    series = make_series(
        table,
        target,
        options.time or None,
        horizon=options.forecast or 1,
        transform=options.target_transform,
        fill=options.fill,
        time_zone=options.time_zone,
    )
    n_origins = count_origins(series) if split else 0
    return TimeSeriesJob(Path(name).name, replace(series, messages=()), n_origins, series.messages)


def count_origins(series: TimeSeries) -> int:
    """Return the number of origins that a network is scored from.

    Raises:
        DataError: the series is too short for test data.
    """
    from glassnet.errors import DataError, require

    n_required = series.season + series.length + series.horizon
    n_origins = min(MAX_ORIGINS, (len(series) - n_required) // series.horizon)
    require(
        n_origins >= 1,
        f"series {series.name!r}",
        f"at least {n_required + series.horizon} steps for training and testing",
        error=DataError,
        steps=len(series),
        forecast=series.horizon,
        season=series.season,
        fix="Lower --forecast or use a longer series.",
    )
    return n_origins


def _read_table(name: str, csv: Mapping[str, Any]) -> Table:
    """Read the table of a file or of a dataset."""
    from glassnet.data.dataset import Dataset
    from glassnet.data.table import is_table_file, read_table
    from glassnet.datasets import load

    if os.path.isdir(name):
        raise click.UsageError(f"--forecast is for tables: {name} is a folder.")
    if is_table_file(name):
        return read_table(name, **csv)
    data = load(name)
    if isinstance(data, Dataset):
        raise click.UsageError(f"--forecast is for tables: {name} is a dataset of arrays.")
    return read_table(data.frame, **csv)
