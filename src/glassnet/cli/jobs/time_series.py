"""`glassnet train --forecast` and `glassnet forecast`: a series' next steps, and how far off they
were where it is known what came.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs.base import Job, TrainOptions
from glassnet.cli.jobs.table import require_target

if TYPE_CHECKING:
    import numpy as np

    from glassnet.models.sequential import Sequential
    from glassnet.preprocessing.time_series import TimeSeries
    from glassnet.training.history import History

MAX_ORIGINS = 2
"""From so many a network is scored, where the series is long enough."""


@dataclass(frozen=True, eq=False)
class TimeSeriesJob(Job):
    """A series to learn from, all but its last horizon, on which the network is scored.

    Attributes:
        name: of the file or data set.
        series: the whole of it.
        n_origins: how many horizons at its end are forecast, each by a network that has seen what
            came before.
        messages: what was found out in reading.
        dropout: of the hidden layers, where none is asked for: the best of what was tried on
            flights.
        validation_split: where none is asked for: what came last tells most of what comes next.
    """

    name: str
    series: TimeSeries
    n_origins: int
    messages: tuple[str, ...] = ()
    dropout: float = 0.5
    validation_split: float = 0.0

    @property
    def n_samples(self) -> int:
        """How many windows there are to learn from."""
        series = self.series
        return len(series) - series.season - series.length - 2 * series.horizon + 1

    @property
    def description(self) -> str:
        """What there is to learn, in a line."""
        return f"{self.series_until(1).span()} to learn from, the last {self.series.horizon} to be scored on"

    def series_until(self, origin: int) -> TimeSeries:
        """The series up to an origin, the first being a horizon before its end."""
        return self.series[: len(self.series) - origin * self.series.horizon]

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """A compiled network from the window of differences to the horizon."""
        from glassnet.cli import default_models
        from glassnet.layers import Dense, Flatten

        layers = [
            Flatten(),
            *default_models.hidden_layers(settings, settings["dropout"]),
            Dense(self.series.horizon),
        ]
        return default_models.compile_model(layers, "mean_squared_error", ["mae"], settings)

    def model_inputs(self, model: Sequential) -> np.ndarray:
        """The windows to learn from as the network takes them."""
        assert model.preprocessor is not None
        return model.preprocessor.transform_xy(self.series_until(1))[0]

    def example(self, i: int) -> tuple[Any, Any]:
        """One of them, and its target, as `trace` takes them."""
        return self.series[
            i : i + self.series.season + self.series.length + self.series.horizon
        ], None

    def target_text(self, i: int) -> str:
        """When what it forecasts begins."""
        return f"from {self.series.times.label_at(i + self.series.season + self.series.length)}"

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Learn the scale, which makes the network."""
        self.fit(model, **fit_options | {"epochs": 0})

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        """Train on what came before the last horizon."""
        return model.fit(self.series_until(1), **fit_options)

    def score(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How forecasts from each origin do beside the seasonal naive ones, in full, in short, and
        plainly; the model then goes on from the end of the whole series.
        """
        from glassnet.models import forecast
        from glassnet.preprocessing.seasonal import TimeSeriesPreprocessor

        assert isinstance(model.preprocessor, TimeSeriesPreprocessor)
        networks = [
            self._train_copy(model, self.series_until(origin))
            for origin in range(self.n_origins, 1, -1)
        ] + [model]
        report = forecast.backtest([network.forecast() for network in networks], self.series)
        learned = model.preprocessor.trained_on
        model.preprocessor = model.preprocessor.continue_from(self.series)
        ours, theirs = (forecast.format_number(value) for value in report.rmse)
        earlier = (
            "; the earlier origin by a network trained as long on what came before it"
            if self.n_origins > 1
            else ""
        )
        full = f"{report}\nthe network was trained on {learned}{earlier}\nit goes on from {self.series.times.label_at(len(self.series) - 1)}"
        facts = {
            "target": self.series.name,
            "season": self.series.season,
            "length": self.series.length,
            "trained_on": learned,
        }
        return (
            full,
            f"RMSE {ours} ({report.baseline_name} {theirs})",
            {"score": report.to_dict(), "learned": facts},
        )

    @staticmethod
    def _train_copy(model: Sequential, series: TimeSeries) -> Sequential:
        """A network as the model, trained as long on another series."""
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


def resolve_time_series_job(name: str, options: TrainOptions) -> TimeSeriesJob:
    """The task of forecasting a column of the table in a file, or of a data set that is a table.

    Raises:
        click.UsageError: no target; a folder or a data set of arrays; options for other tasks.
        ConfigError, DataError: see `time_series.series`; a series too short to hold a horizon out.
    """
    from glassnet.data.dataset import Dataset
    from glassnet.data.table import is_table_file, read_table
    from glassnet.datasets import load
    from glassnet.errors import DataError, require
    from glassnet.preprocessing.time_series import series

    for option, given in (("--features", options.features), ("--task", options.task)):
        if given:
            raise click.UsageError(
                f"{option} does not go with --forecast: a series is learned from its own past, as numbers."
            )
    data = None if Path(name).is_dir() else read_table(name) if is_table_file(name) else load(name)
    if data is None or isinstance(data, Dataset):
        raise click.UsageError(
            f"--forecast is for tables: {name} is a {'data set of arrays' if data else 'folder'}."
        )
    table = read_table(getattr(data, "frame", data))
    target = require_target(table, options, "forecast")
    whole = series(
        table,
        target,
        options.time,
        horizon=options.forecast or 1,
        transform=options.target_transform,
    )
    need = whole.season + whole.length + whole.horizon
    origins = min(MAX_ORIGINS, (len(whole) - need) // whole.horizon)
    told = f"{need + whole.horizon} steps or more, to learn from and to be scored on"
    fix = "Lower --forecast, or give a longer series."
    received = {"steps": len(whole), "forecast": whole.horizon, "season": whole.season}
    require(origins >= 1, f"series {whole.name!r}", told, error=DataError, **received, fix=fix)
    return TimeSeriesJob(Path(name).name, replace(whole, messages=()), origins, whole.messages)
