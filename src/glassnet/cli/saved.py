"""`glassnet evaluate`, `predict` and `summary`: what a saved model says of rows, and of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.model import Sequential
    from glassnet.scoring import Report


@click.command("evaluate", short_help="Score a saved model on rows.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE|NAME")
@arguments.json_option
def evaluate(model: str, rows: str, as_json: bool) -> None:
    """Score the network in MODEL on the rows of a table that holds their target, or on the test rows of a data set.

    \b
    glassnet evaluate titanic.glassnet test.csv
    glassnet evaluate digits.glassnet digits --json
    """
    from glassnet import load
    from glassnet.cli import printing, tasks
    from glassnet.data.intake import Intake

    network = load(model)
    x, y = tasks.rows_to_score(rows)
    logs = network.evaluate(x, y, return_dict=True)
    report = _report(network, x) if isinstance(network.intake, Intake) else None
    if as_json:
        printing.print_json({"model": model, "rows": rows, "logs": logs, "score": report.to_dict() if report else None})
        return
    if report:
        click.echo(f"{report}\n")
    click.echo(f"{Path(rows).name}: " + ", ".join(f"{name} {value:.4g}" for name, value in logs.items()))


def _report(network: Sequential, x: Any) -> Report:
    """The score on the rows of a table, with its interval."""
    from glassnet import scoring
    from glassnet.data.answers import Labels

    assert network.intake is not None
    target = network.intake.target
    wide, learned, _ = network.intake.pair(x)
    if isinstance(target, Labels):
        return scoring.compare("accuracy", learned, target.encode(network.predict_labels(wide)), {})
    return scoring.compare("RMSE", target.restore(learned), network.predict(wide)[:, 0], {})


@click.command("predict", short_help="Add a saved model's answers to a table.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE")
@click.option("--out", metavar="FILE", help="The CSV to write.  [default: printed]")
def predict(model: str, rows: str, out: str | None) -> None:
    """Write the table in FILE with what the network in MODEL answers in new columns: the label and the probability of
    each, or the number.

    \b
    glassnet predict titanic.glassnet new.csv --out scored.csv
    """
    from glassnet import load
    from glassnet.data.forecaster import Forecaster
    from glassnet.data.table import read

    place = None if out is None else arguments.writable(out, "--out")
    network = load(model)
    if network.intake is None:
        raise click.UsageError(f"{model} was not fitted to a table: call gn.load(...).predict(x) on arrays.")
    if isinstance(network.intake, Forecaster):
        raise click.UsageError(f"{model} forecasts a series: glassnet forecast {model} {rows}.")
    table = read(rows)
    text = answered(network, table).to_csv(place, index=False)
    click.echo(text if place is None else f"{len(table):,} rows in {place}", nl=place is not None)


def answered(network: Sequential, table: Any) -> pandas.DataFrame:
    """The table as a frame, with the network's answers in columns of their own."""
    import pandas

    from glassnet.data.answers import Labels

    assert network.intake is not None
    target, found = network.intake.target, network.predict(table)
    frame = pandas.DataFrame({name: _as_written(column) for name, column in table.columns.items()})
    if not isinstance(target, Labels):
        return frame.assign(**{f"predicted {target.name}": found[:, 0]})
    shares = {f"probability of {target.labels[1]}": found[:, 0]} if found.shape[1] == 1 else {}
    shares |= {f"probability of {label}": found[:, k] for k, label in enumerate(target.labels) if found.shape[1] > 1}
    return frame.assign(**{f"predicted {target.name}": network.predict_labels(table)}, **shares)


def _as_written(column: np.ndarray) -> Any:
    """A column in which whole numbers have no point, beside gaps too."""
    import pandas

    series = pandas.Series(column)
    given = series.dropna()
    return (
        series.astype("Int64")
        if column.dtype.kind == "f" and len(given) and (given % 1 == 0).all() and abs(given).max() < 2**53
        else series
    )


@click.command("summary", short_help="Say what a saved model is.")
@click.argument("model", metavar="MODEL")
def summary(model: str) -> None:
    """Print the layers of the network in MODEL, what it takes, and how it was trained.

    \b
    glassnet summary titanic.glassnet
    """
    from glassnet import load

    network = load(model)
    network.summary()
    if network.history is not None:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in network.history.history.items())
        click.echo(f"trained for {network.epoch} epochs: {last}")
