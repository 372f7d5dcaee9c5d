"""`glassnet evaluate`, `predict` and `summary`: what a saved model says of rows, and of itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.evaluation.scores import ScoreReport
    from glassnet.models.sequential import Sequential


@click.command("evaluate", short_help="Score a saved model on rows.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE|FOLDER|NAME")
@arguments.json_option
def evaluate(model: str, rows: str, as_json: bool) -> None:
    """Score the network in MODEL on the rows of a table that holds their target, on a folder of
    images with a sub-folder for each class, or on the test rows of a data set.

    \b
    glassnet evaluate titanic.glassnet test.csv
    glassnet evaluate photos.glassnet photos_test/
    glassnet evaluate digits.glassnet digits --json
    """
    from glassnet import load
    from glassnet.cli import output
    from glassnet.cli.jobs import table
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    network = load(model)
    x, y = table.load_test_data(network, rows)
    logs = network.evaluate(x, y, return_dict=True)
    report = (
        _score_report(network, x, y)
        if network.preprocessor and not isinstance(network.preprocessor, TimeSeriesPreprocessor)
        else None
    )
    if as_json:
        output.print_json(
            {
                "model": model,
                "rows": rows,
                "logs": logs,
                "score": report.to_dict() if report else None,
            }
        )
        return
    if report:
        click.echo(f"{report}\n")
    click.echo(
        f"{Path(rows).name}: " + ", ".join(f"{name} {value:.4g}" for name, value in logs.items())
    )


def _score_report(model: Sequential, x: Any, y: Any) -> ScoreReport:
    """The score on the rows, with its interval."""
    from glassnet.evaluation import scores
    from glassnet.preprocessing.targets import ClassTarget

    assert model.preprocessor is not None
    target = model.preprocessor.target
    wide, learned, _ = model.preprocessor.transform_xy(x, y)
    if isinstance(target, ClassTarget):
        return scores.compare_scores(
            "accuracy", learned, target.transform(model.predict_labels(wide)), {}
        )
    return scores.compare_scores(
        "RMSE", target.decode_output(learned), model.predict(wide)[:, 0], {}
    )


@click.command(
    "predict", short_help="Add a saved model's answers to a table, or to the names of images."
)
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE|FOLDER")
@click.option("--out", metavar="FILE", help="The CSV to write.  [default: printed]")
def predict(model: str, rows: str, out: str | None) -> None:
    """Write the table in FILE, or the names of the images in FOLDER, with what the network in MODEL
    answers in new columns: the label and the probability of each, or the number.

    \b
    glassnet predict titanic.glassnet new.csv --out scored.csv
    glassnet predict photos.glassnet new_photos/ --out scored.csv
    """
    from glassnet import load
    from glassnet.cli.jobs import images
    from glassnet.data.table import read_table
    from glassnet.preprocessing.images import ImagePreprocessor
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    place = None if out is None else arguments.check_output_path(out, "--out")
    network = load(model)
    if network.preprocessor is None:
        raise click.UsageError(
            f"{model} was not fitted to a table or a folder of images: call gn.load(...).predict(x) on arrays."
        )
    if isinstance(network.preprocessor, TimeSeriesPreprocessor):
        raise click.UsageError(f"{model} forecasts a series: glassnet forecast {model} {rows}.")
    frame = (
        images.predict_images(network, rows)
        if isinstance(network.preprocessor, ImagePreprocessor)
        else add_predictions(network, read_table(rows))
    )
    text = frame.to_csv(place, index=False)
    click.echo(text if place is None else f"{len(frame):,} rows in {place}", nl=place is not None)


def add_predictions(model: Sequential, table: Any) -> pandas.DataFrame:
    """The table as a frame, with the network's answers in columns of their own."""
    import pandas

    frame = pandas.DataFrame(
        {name: _restore_integers(column) for name, column in table.columns.items()}
    )
    return frame.assign(**prediction_columns(model, table))


def prediction_columns(model: Sequential, x: Any) -> dict[str, np.ndarray]:
    """The network's answers by what they are called: the label and its probabilities, or the
    number.
    """
    from glassnet.preprocessing.targets import ClassTarget

    assert model.preprocessor is not None
    target, found = model.preprocessor.target, model.predict(x)
    if not isinstance(target, ClassTarget):
        return {f"predicted {target.name}": found[:, 0]}
    shares = {f"probability of {target.labels[1]}": found[:, 0]} if found.shape[1] == 1 else {}
    shares |= {
        f"probability of {label}": found[:, k]
        for k, label in enumerate(target.labels)
        if found.shape[1] > 1
    }
    return {f"predicted {target.name}": model.predict_labels(x)} | shares


def _restore_integers(column: np.ndarray) -> Any:
    """A column in which whole numbers have no point, beside gaps too."""
    import pandas

    series = pandas.Series(column)
    given = series.dropna()
    return (
        series.astype("Int64")
        if column.dtype.kind == "f"
        and len(given)
        and (given % 1 == 0).all()
        and abs(given).max() < 2**53
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
        last = ", ".join(
            f"{name} {values[-1]:.4g}" for name, values in network.history.history.items()
        )
        click.echo(f"trained for {network.epoch} epochs: {last}")
