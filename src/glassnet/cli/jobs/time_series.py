"""`glassnet train --forecast` and `glassnet forecast`: a series' next steps, and how far off they were where it is known what came."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments
from glassnet.cli.jobs.base import Task, Wishes

if TYPE_CHECKING:
    import numpy as np

    from glassnet.models.sequential import Sequential
    from glassnet.preprocessing.time_series import TimeSeries
    from glassnet.training.history import History

ORIGINS = 2
"""From so many a network is scored, where the series is long enough."""


@dataclass(frozen=True, eq=False)
class SeriesTask(Task):
    """A series to learn from, all but its last horizon, on which the network is scored.

    Attributes:
        name: of the file or data set.
        series: the whole of it.
        origins: how many horizons at its end are forecast, each by a network that has seen what came before.
        said: what was found out in reading.
        dropout: of the hidden layers, where none is asked for: the best of what was tried on flights.
        validation_split: where none is asked for: what came last tells most of what comes next.
    """

    name: str
    series: TimeSeries
    origins: int
    said: tuple[str, ...] = ()
    dropout: float = 0.5
    validation_split: float = 0.0

    @property
    def rows(self) -> int:
        """How many windows there are to learn from."""
        series = self.series
        return len(series) - series.season - series.length - 2 * series.horizon + 1

    @property
    def about(self) -> str:
        """What there is to learn, in a line."""
        return f"{self.before(1).span()} to learn from, the last {self.series.horizon} to be scored on"

    def before(self, origin: int) -> TimeSeries:
        """The series up to an origin, the first being a horizon before its end."""
        return self.series[: len(self.series) - origin * self.series.horizon]

    def propose(self, settings: Mapping[str, Any], adapted: bool = False) -> Sequential:
        """A compiled network from the window of differences to the horizon."""
        from glassnet.cli import default_models
        from glassnet.layers import Dense, Flatten

        layers = [Flatten(), *default_models.hidden(settings, settings["dropout"]), Dense(self.series.horizon)]
        return default_models.compiled(layers, "mean_squared_error", ["mae"], settings)

    def inputs(self, model: Sequential) -> np.ndarray:
        """The windows to learn from as the network takes them."""
        assert model.intake is not None
        return model.intake.pair(self.before(1))[0]

    def row(self, i: int) -> tuple[Any, Any]:
        """One of them, and its target, as `trace` takes them."""
        return self.series[i : i + self.series.season + self.series.length + self.series.horizon], None

    def meaning(self, i: int) -> str:
        """When what it forecasts begins."""
        return f"from {self.series.times.at(i + self.series.season + self.series.length)}"

    def begin(self, model: Sequential, **asked: Any) -> None:
        """Learn the scale, which makes the network."""
        self.fit(model, **asked | {"epochs": 0})

    def fit(self, model: Sequential, **asked: Any) -> History:
        """Train on what came before the last horizon."""
        return model.fit(self.before(1), **asked)

    def facts(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How forecasts from each origin do beside the seasonal naive ones, in full, in short, and plainly; the model then goes on from the
        end of the whole series.
        """
        from glassnet.models import forecast
        from glassnet.preprocessing.seasonal import Forecaster

        assert isinstance(model.intake, Forecaster)
        networks = [self._as_long(model, self.before(origin)) for origin in range(self.origins, 1, -1)] + [model]
        report = forecast.rolling([network.forecast() for network in networks], self.series)
        learned = model.intake.learned
        model.intake = model.intake.after(self.series)
        ours, theirs = (forecast.readable(value) for value in report.rmse)
        earlier = "; the earlier origin by a network trained as long on what came before it" if self.origins > 1 else ""
        full = f"{report}\nthe network was trained on {learned}{earlier}\nit goes on from {self.series.times.at(len(self.series) - 1)}"
        facts = {"target": self.series.name, "season": self.series.season, "length": self.series.length, "trained_on": learned}
        return full, f"RMSE {ours} ({report.rival} {theirs})", {"score": report.to_dict(), "learned": facts}

    @staticmethod
    def _as_long(model: Sequential, series: TimeSeries) -> Sequential:
        """A network as the model, trained as long on another series."""
        twin = copy.deepcopy(model)
        twin.reset()
        assert model.history is not None
        twin.fit(series, epochs=model.epoch, batch_size=model.history.params["batch_size"], seed=model.history.seed, verbose=0)
        return twin


def find(name: str, wishes: Wishes) -> SeriesTask:
    """The task of forecasting a column of the table in a file, or of a data set that is a table.

    Raises:
        click.UsageError: no target; a folder or a data set of arrays; options for other tasks.
        ConfigError, DataError: see `forecast.series`; a series too short to hold a horizon out.
    """
    from glassnet.cli.jobs import table as table_jobs
    from glassnet.data.dataset import Dataset
    from glassnet.data.table import read
    from glassnet.datasets import load
    from glassnet.errors import DataError, require
    from glassnet.preprocessing.time_series import series

    for option, given in (("--features", wishes.features), ("--task", wishes.task)):
        if given:
            raise click.UsageError(f"{option} does not go with --forecast: a series is learned from its own past, as numbers.")
    data = None if Path(name).is_dir() else read(name) if table_jobs.is_file(name) else load(name)
    if data is None or isinstance(data, Dataset):
        raise click.UsageError(f"--forecast is for tables: {name} is a {'data set of arrays' if data else 'folder'}.")
    table = read(getattr(data, "frame", data))
    if wishes.target is None:
        last, names = list(table.columns)[-1], ", ".join(table.columns)
        raise click.UsageError(f"Which column is to be forecast? --target {last}, say. There are {names}.")
    whole = series(table, wishes.target, wishes.time, horizon=wishes.forecast or 1, transform=wishes.transform)
    need = whole.season + whole.length + whole.horizon
    origins = min(ORIGINS, (len(whole) - need) // whole.horizon)
    told = f"{need + whole.horizon} steps or more, to learn from and to be scored on"
    fix = "Lower --forecast, or give a longer series."
    received = {"steps": len(whole), "forecast": whole.horizon, "season": whole.season}
    require(origins >= 1, f"series {whole.name!r}", told, error=DataError, **received, fix=fix)
    return SeriesTask(Path(name).name, replace(whole, said=()), origins, whole.said)


@click.command("forecast", short_help="Say what comes next in a series.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="[FILE]", required=False)
@click.option("--steps", metavar="N", type=click.IntRange(min=1), help="How many.  [default: the horizon that was learned]")
@click.option("--out", metavar="FILE", help="The CSV to write.  [default: printed as a table]")
@click.option("--plot", metavar="FILE", help="Where to draw them, such as forecast.png.")
@arguments.json_option
def forecast(model: str, rows: str | None, steps: int | None, out: str | None, plot: str | None, as_json: bool) -> None:
    """Say what follows the series that the network in MODEL was trained on, or the newer one in FILE, beside the seasonal
    naive forecast: each step as a season ago.

    \b
    glassnet train flights.csv --target passengers --forecast 12 --time month --out flights.glassnet
    glassnet forecast flights.glassnet --steps 24 --plot forecast.png
    glassnet forecast flights.glassnet newer.csv --out next.csv
    """
    place, picture = arguments.writable(out, "--out") if out else None, arguments.picture(plot, "--plot") if plot else None
    from glassnet import load
    from glassnet.cli import output
    from glassnet.preprocessing.seasonal import Forecaster

    network = load(model)
    if not isinstance(network.intake, Forecaster):
        raise click.UsageError(f"{model} was not trained to forecast: glassnet train FILE --target COLUMN --forecast N does.")
    found = network.forecast(steps, rows)
    if place:
        import pandas

        pandas.DataFrame(found.to_dict()).to_csv(place, index=False)
    if picture:
        found.plot().savefig(picture)
    told = {"model": model, "trained_on": network.intake.learned, "steps": len(found)}
    if as_json:
        output.print_json(told | {"forecast": found.to_dict(), "out": out, "plot": plot})
        return
    if not place:
        click.echo(f"{found}\n")
    files = "".join(f", {file}" for file in (out, plot) if file)
    click.echo(f"{Path(model).name}: {found.span()}, trained on {network.intake.learned}{files}")
