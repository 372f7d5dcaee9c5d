"""`glassnet forecast`: continue a time series."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from glassnet.cli import arguments, outputs


@click.command(
    "forecast", cls=outputs.Command, short_help="Continue a time series with a saved model."
)
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="[FILE]", required=False)
@click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(min=1),
    help="Number of steps.  [default: N of `train --forecast N`]",
)
@outputs.output_option(
    "--out", outputs.TableFile(), "The CSV file to write.  [default: print a table]"
)
@outputs.output_option(
    "--plot", outputs.FigureFile(), "Where to save a plot, such as forecast.png."
)
@arguments.fill_option
@arguments.csv_options
@arguments.json_option
def command(
    model: str,
    rows: str | None,
    steps: int | None,
    fill: str | None,
    out: str | None,
    plot: str | None,
    as_json: bool,
    csv: Mapping[str, Any],
) -> None:
    """Forecast the next steps of the series that the network in MODEL was trained on, or of the
    newer series in FILE. The seasonal naive forecast, which repeats the last season, is shown
    beside it.

    \b
    glassnet train flights.csv --target passengers --forecast 12 --time month --out flights.glassnet
    glassnet forecast flights.glassnet --steps 24 --plot forecast.png
    glassnet forecast flights.glassnet newer.csv --out next.csv
    glassnet forecast flights.glassnet gaps.csv --fill interpolate
    """
    from glassnet.cli import output
    from glassnet.data.table import read_table
    from glassnet.models.load import load
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    network = load(model)
    if not isinstance(network.preprocessor, TimeSeriesPreprocessor):
        raise click.UsageError(
            f"{model} is not a forecasting model. "
            "Train one: glassnet train FILE --target COLUMN --forecast N"
        )
    if fill and rows is None:
        raise click.UsageError("--fill needs a FILE, whose missing values it fills.")
    table = read_table(rows, **csv) if rows else None
    series = network.preprocessor.to_series(table, fill) if table else None
    messages = series.messages if series and series.is_filled is not None else ()
    forecast = network.forecast(steps, series)
    trained_on = network.preprocessor.trained_on
    if out:
        import pandas

        outputs.write_table(out, pandas.DataFrame(forecast.to_dict()))
    if plot:
        outputs.write_figure(plot, forecast.plot())
    if as_json:
        facts = {"model": model, "trained_on": trained_on, "steps": len(forecast)}
        facts |= {"messages": messages} if messages else {}
        output.print_json(facts | {"forecast": forecast.to_dict(), "out": out, "plot": plot})
        return
    for line in messages:
        output.print_wrapped(line)
    if not out:
        click.echo(f"{forecast}\n")
    parts = [forecast.span(), f"trained on {trained_on}", *(file for file in (out, plot) if file)]
    click.echo(f"{Path(model).name}: {', '.join(parts)}")
