"""`glassnet predict`: write the predictions of a saved model."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments, outputs, prediction_tables, table_writers
from glassnet.errors import DataError, DataWarning, require

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pandas
    import polars

    from glassnet.data.table import Table
    from glassnet.models.sequential import Sequential


@click.command("predict", cls=outputs.Command, short_help="Write the predictions of a saved model.")
@click.argument("model", metavar="MODEL")
@click.argument("rows", metavar="FILE|FOLDER")
@outputs.output_option(
    "--out", outputs.TableFile(), "The CSV or Parquet file to write.  [default: standard output]"
)
@click.option(
    "--safe-csv/--no-safe-csv",
    default=True,
    show_default=True,
    help="Put an apostrophe before text that a spreadsheet runs as a formula, such as =1+1.",
)
@arguments.csv_options
def command(model: str, rows: str, out: str | None, safe_csv: bool, csv: Mapping[str, Any]) -> None:
    """Write the table in FILE, or the names of the images in FOLDER, with the predictions of the
    network in MODEL as new columns: the label and the probability of each class, or the number.

    Text is written as it was read, except that a cell such as =1+1 begins with an apostrophe, so
    that no spreadsheet runs it as a formula. --no-safe-csv leaves the apostrophe out.

    A folder of Parquet or CSV files is read and written in parts, so it may be larger than memory.

    \b
    glassnet predict titanic.glassnet new.csv --out scored.csv
    glassnet predict sales.glassnet sales/ --out scored.parquet
    glassnet predict photos.glassnet new_photos/ --out scored.csv
    """
    from glassnet.cli.jobs import partitioned, resolve
    from glassnet.data.table import read_table
    from glassnet.models.load import load
    from glassnet.preprocessing.images import ImagePreprocessor
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    network = load(model)
    if network.preprocessor is None:
        raise click.UsageError(
            f"{model} was not trained on a table or on a folder of images. "
            f"For arrays, call gn.load({model!r}).predict(x) in Python."
        )
    if isinstance(network.preprocessor, TimeSeriesPreprocessor):
        raise click.UsageError(
            f"{model} is a forecasting model. Run: glassnet forecast {model} {rows}"
        )
    if isinstance(network.preprocessor, ImagePreprocessor):
        resolve.require_no_csv_options(csv, f"{rows} holds images")
        frame = predict_images(network, rows)
    elif partitioned.is_table_path(rows):
        resolve.require_no_csv_options(csv, f"{rows} is read in parts")
        with table_writers.open_writer(out, safe=safe_csv) as writer:
            for part in predict_parts(network, rows):
                writer.write(part)
        if out:
            click.echo(f"{writer.n_rows:,} rows written to {out}")
        return
    else:
        frame = predict_table(network, read_table(rows, **csv))
    if safe_csv and not (out or "").lower().endswith(".parquet"):
        frame = outputs.guard_formulas(frame)
    if not out:
        click.echo(frame.to_csv(index=False), nl=False)
    else:
        outputs.write_table(out, frame)
        click.echo(f"{len(frame):,} rows written to {out}")


def predict_images(model: Sequential, source: str) -> pandas.DataFrame:
    """Return the predictions for an image or a folder; unreadable files have none.

    Raises:
        DataError: the path does not exist, or holds no readable image.
    """
    import pandas

    from glassnet.data import image_files
    from glassnet.data.images import resolve_image_files
    from glassnet.preprocessing.images import ImagePreprocessor

    assert isinstance(model.preprocessor, ImagePreprocessor)
    require(
        os.path.exists(source),
        "images",
        "an image or a folder that exists",
        error=DataError,
        path=source,
    )
    files = resolve_image_files(source)
    preprocessor = model.preprocessor
    x, failures = image_files.read_images(
        "images", files, preprocessor.shape, preprocessor.pixel_range
    )
    readable = [i for i in range(len(files)) if i not in failures]
    reasons = image_files.describe_failures(files, failures)
    expected = "at least one readable image"
    require(
        readable,
        "images",
        expected,
        error=DataError,
        unreadable=len(failures),
        first=reasons,
    )
    if failures:
        warnings.warn(
            f"{len(failures):,} of {len(files):,} files cannot be read and have no prediction: "
            f"{reasons}",
            DataWarning,
            stacklevel=2,
        )
    frame = pandas.DataFrame({"file": [str(path) for path in files]})
    predictions = prediction_columns(model, x[readable])
    return frame.join(pandas.DataFrame(predictions, index=readable))


def predict_table(model: Sequential, table: Table) -> pandas.DataFrame:
    """Return a table with the predictions as further columns."""
    return prediction_tables.to_frame(table).assign(**prediction_columns(model, table))


def predict_parts(model: Sequential, source: str) -> Iterator[polars.DataFrame]:
    """Yield parts of a table in a folder, with the predictions as further columns.

    Raises:
        DataError: see `open_table_folder`; a column of training is missing.
    """
    import polars

    from glassnet.pipeline.partitioned_adapter import open_for_predictions
    from glassnet.pipeline.partitioned_rows import UnknownCategories, encode_features, to_table
    from glassnet.pipeline.prefetch import error_location
    from glassnet.preprocessing.tabular import TabularPreprocessor

    preprocessor = model.preprocessor
    assert isinstance(preprocessor, TabularPreprocessor)
    table, unknown = open_for_predictions(source, preprocessor), UnknownCategories()
    for partition, batch in table.iter_batches(table.schema.names):
        with error_location(partition.name):
            x = encode_features(preprocessor, to_table(batch), unknown)
        frame = polars.DataFrame(batch).with_columns(
            polars.col(polars.Categorical).cast(polars.String)
        )
        columns = prediction_columns(model, x)
        yield frame.with_columns(polars.Series(name, each) for name, each in columns.items())
    unknown.warn()


def prediction_columns(model: Sequential, x: Any) -> dict[str, np.ndarray]:
    """Return the predictions by column name: the label and its probabilities, or the number."""
    from glassnet.preprocessing.targets import ClassTarget

    assert model.preprocessor is not None
    target, output = model.preprocessor.target, model.predict(x)
    if not isinstance(target, ClassTarget):
        return {f"predicted {target.name}": output[:, 0]}
    columns = {f"predicted {target.name}": model.predict_labels(x)}
    return columns | prediction_tables.probability_columns(output, target.labels)
