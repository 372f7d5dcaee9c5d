"""`glassnet predict`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments
from glassnet.errors import DataError, DataWarning, require

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.models.sequential import Sequential


@click.command(
    "predict", short_help="Add a saved model's answers to a table, or to the names of images."
)
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE|FOLDER")
@click.option("--out", metavar="FILE", help="The CSV to write.  [default: printed]")
def command(model: str, rows: str, out: str | None) -> None:
    """Write the table in FILE, or the names of the images in FOLDER, with what the network in MODEL
    answers in new columns: the label and the probability of each, or the number.

    \b
    glassnet predict titanic.glassnet new.csv --out scored.csv
    glassnet predict photos.glassnet new_photos/ --out scored.csv
    """
    from glassnet.data.table import read_table
    from glassnet.models.load import load
    from glassnet.preprocessing.images import ImagePreprocessor
    from glassnet.preprocessing.seasonal import TimeSeriesPreprocessor

    place = None if out is None else arguments.check_output_path(out, "--out")
    network = load(model)
    if network.preprocessor is None:
        raise click.UsageError(
            f"{model} was not fitted to a table or a folder of images: call gn.load(...).predict(x) on arrays."
        )
    if isinstance(network.preprocessor, TimeSeriesPreprocessor):
        raise click.UsageError(f"{model} forecasts a series: glassnet forecast {model} {rows}.")
    frame = (
        predict_images(network, rows)
        if isinstance(network.preprocessor, ImagePreprocessor)
        else add_predictions(network, read_table(rows))
    )
    text = frame.to_csv(place, index=False)
    click.echo(text if place is None else f"{len(frame):,} rows in {place}", nl=place is not None)


def predict_images(model: Sequential, source: str) -> pandas.DataFrame:
    """The image of that path, or those in that folder, with the network's answers; none for files
    that cannot be read.

    Raises:
        DataError: there is no such place, or no image in it that can be read.
    """
    import pandas

    from glassnet.data import image_files
    from glassnet.preprocessing.images import ImagePreprocessor, resolve_image_files

    assert isinstance(model.preprocessor, ImagePreprocessor)
    require(
        Path(source).exists(),
        "images",
        "an image or a folder that exists",
        error=DataError,
        path=source,
    )
    files = resolve_image_files(source)
    x, bad = image_files.read_images("images", files, model.preprocessor.shape)
    good = [i for i in range(len(files)) if i not in bad]
    told = image_files.describe_failures(files, bad)
    require(
        good, "images", "files that can be read", error=DataError, unreadable=len(bad), first=told
    )
    if bad:
        warnings.warn(
            f"{len(bad):,} of {len(files):,} files cannot be read and have no answer: {told}",
            DataWarning,
            stacklevel=2,
        )
    frame = pandas.DataFrame({"file": [str(path) for path in files]})
    return frame.join(pandas.DataFrame(prediction_columns(model, x[good]), index=good))


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
