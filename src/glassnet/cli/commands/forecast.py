"""`glassnet forecast`."""

from __future__ import annotations

from pathlib import Path

import click

from glassnet.cli import arguments


@click.command("forecast", short_help="Say what comes next in a series.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="[FILE]", required=False)
@click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many.  [default: the horizon that was learned]",
)
@click.option("--out", metavar="FILE", help="The CSV to write.  [default: printed as a table]")
@click.option("--plot", metavar="FILE", help="Where to draw them, such as forecast.png.")
@arguments.json_option
def command(
    model: str,
    rows: str | None,
    steps: int | None,
    out: str | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Say what follows the series that the network in MODEL was trained on, or the newer one in
    FILE, beside the seasonal
    naive forecast: each step as a season ago.

    \b
    glassnet train flights.csv --target passengers --forecast 12 --time month --out flights.glassnet
    glassnet forecast flights.glassnet --steps 24 --plot forecast.png
    glassnet forecast flights.glassnet newer.csv --out next.csv
    """
    place, picture = (
        arguments.check_output_path(out, "--out") if out else None,
        arguments.check_figure_path(plot, "--plot") if plot else None,
    )
    from glassnet.cli import output
    from glassnet.models.load import load
    from glassnet.preprocessing.seasonal import TimeSeriesPreprocessor

    network = load(model)
    if not isinstance(network.preprocessor, TimeSeriesPreprocessor):
        raise click.UsageError(
            f"{model} was not trained to forecast: glassnet train FILE --target COLUMN --forecast N does."
        )
    found = network.forecast(steps, rows)
    if place:
        import pandas

        pandas.DataFrame(found.to_dict()).to_csv(place, index=False)
    if picture:
        found.plot().savefig(picture)
    told = {"model": model, "trained_on": network.preprocessor.trained_on, "steps": len(found)}
    if as_json:
        output.print_json(told | {"forecast": found.to_dict(), "out": out, "plot": plot})
        return
    if not place:
        click.echo(f"{found}\n")
    files = "".join(f", {file}" for file in (out, plot) if file)
    click.echo(
        f"{Path(model).name}: {found.span()}, trained on {network.preprocessor.trained_on}{files}"
    )
