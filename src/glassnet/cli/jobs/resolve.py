"""From a name on the command line to a job: files, folders, datasets and saved models."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs import images, partitioned, table, time_series
from glassnet.cli.jobs.arrays import ArrayJob
from glassnet.cli.jobs.base import Job, TrainOptions
from glassnet.cli.jobs.saved_model import SavedModelJob
from glassnet.output_files import shorten_path

if TYPE_CHECKING:
    from glassnet.models.sequential import Sequential

MAX_NAME_LENGTH = 1000
"""Longer names are refused without a search for what was meant."""


def take_job(name: str, settings: dict[str, Any], *, split: bool = True) -> Job:
    """Return the job for a file, a folder or a dataset, and remove its options from the settings.

    Args:
        name: see `resolve_job`.
        settings: options of a command with `arguments.data_options`, and `seed`.
        split: see `resolve_job`.

    Raises:
        click.UsageError, ConfigError, DataError: see `resolve_job`.
    """
    names = [name for name in TrainOptions._fields if name in settings]
    options = TrainOptions(**{name: settings.pop(name) for name in names})
    size, augment = settings.pop("size"), settings.pop("augment")
    return resolve_job(name, options, settings["seed"], size, augment, split=split)


def resolve_job(
    name: str,
    options: TrainOptions,
    seed: int,
    image_size: tuple[int, int] | None = None,
    augment: bool | None = None,
    *,
    split: bool = True,
) -> Job:
    """Return the job for a file, a folder or a dataset.

    Args:
        name: the path of the file or folder, or the name of the dataset.
        options: the options for tables and time series.
        seed: seed of the split into training and test data.
        image_size: (height, width) of images from a folder, see `images.resolve_image_job`.
        augment: augmentation of images from a folder.
        split: hold out a fifth of data without test rows. Otherwise all rows are for training, and
            the job has no test rows unless the data have some of their own.

    Raises:
        click.UsageError: a table's file without a target; an option for another kind of data.
        ConfigError, DataError: see `datasets.load`, `read_table`, `arrays_from_file` and
            `images_from_folder`.
    """
    require_source(name)
    if options.forecast:
        return time_series.resolve_time_series_job(name, options, split=split)
    for field in ("time", "fill", "time_zone"):
        if getattr(options, field):
            needed = "--forecast N, the number of steps to forecast"
            raise click.UsageError(f"--{field.replace('_', '-')} needs {needed}.")
    if partitioned.is_table_path(name):
        images.require_no_image_options(name, image_size, augment)
        return partitioned.resolve_partitioned_job(name, options, seed, split=split)
    if images.is_image_path(name):
        return images.resolve_image_job(name, options, seed, image_size, augment, split=split)
    images.require_no_image_options(name, image_size, augment)
    from glassnet.data.array_files import arrays_from_file, is_array_file
    from glassnet.data.dataset import TEST_FRACTION, Dataset
    from glassnet.data.table import is_table_file
    from glassnet.datasets import load

    if is_table_file(name) and not is_array_file(name):
        return table.resolve_table_job(name, options, seed, split=split)
    fraction = TEST_FRACTION if split else 0.0
    data = (
        arrays_from_file(name, seed=seed, test_fraction=fraction)
        if is_array_file(name)
        else load(name)
    )
    if not isinstance(data, Dataset):
        return table.resolve_table_dataset_job(name, data, options)
    if option := options.first_given():
        raise click.UsageError(f"{option} is for tables: {name} is a dataset of arrays.")
    return ArrayJob(data.name, data)


def require_source(name: str) -> None:
    """Suggest what was meant by the path of a file or folder that does not exist.

    Without a suggestion, whoever reads the path refuses it.

    Raises:
        click.UsageError: with the dataset of that name, or the nearest name in the folder; a
            folder that does not exist.
    """
    from glassnet.data.table_folders import is_glob
    from glassnet.datasets import names

    if os.path.exists(name) or name in names() or is_glob(name):
        return
    path, received = Path(name), f"Received: {shorten_path(name)!r}."
    if len(name) > MAX_NAME_LENGTH:
        raise click.UsageError(f"expected a file or folder that exists. {received}")
    is_path = path.suffix or len(path.parts) > 1 or name.endswith(("/", os.sep))
    folder = path.parent if os.path.isdir(path.parent) else Path()
    nearest = difflib.get_close_matches(path.name, os.listdir(folder), 1, cutoff=0.75)
    if is_path and path.stem in names():
        meant = f"the dataset {path.stem!r}"
    elif is_path and nearest:
        meant = repr(str(path.parent / nearest[0]))
    elif name.endswith(("/", os.sep)):
        raise click.UsageError(f"expected a folder that exists. {received}")
    else:
        return
    raise click.UsageError(f"expected a file that exists. {received} Did you mean {meant}?")


def load_test_data(model: Sequential, name: str, csv: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the test data of a file, a folder of images or a dataset as (x, y).

    y is None for a table, which has its target in a column.

    Args:
        model: the model to be tested.
        name: the path, or the name of a dataset.
        csv: arguments of `read_table`.

    Raises:
        click.UsageError: arguments of `read_table` for something else.
    """
    from glassnet.data import array_files
    from glassnet.data.dataset import Dataset
    from glassnet.data.table import is_table_file, read_table
    from glassnet.datasets import load
    from glassnet.preprocessing.tabular import TabularPreprocessor

    require_source(name)
    if isinstance(model.preprocessor, TabularPreprocessor) and partitioned.is_table_path(name):
        require_no_csv_options(csv, f"{name} is read in parts")
        return name, None
    if images.is_image_path(name):
        require_no_csv_options(csv, f"{name} holds images")
        return images.load_test_images(model, name)
    if array_files.is_array_file(name):
        require_no_csv_options(csv, f"{name} holds arrays")
        x, y, x_test, y_test = array_files.read_arrays(name)
        return (x, y) if x_test is None else (x_test, y_test)
    if is_table_file(name):
        return read_table(name, **csv), None
    require_no_csv_options(csv, f"{name} is a dataset")
    data = load(name)
    return (
        (data.x_test, data.y_test) if isinstance(data, Dataset) else (read_table(data.test), None)
    )


def require_no_csv_options(csv: Mapping[str, Any], data: str) -> None:
    """Refuse options for CSV files with other data.

    Args:
        csv: arguments of `read_table`.
        data: the data, as a sentence.

    Raises:
        click.UsageError: with the first option.
    """
    if csv:
        raise click.UsageError(f"--{next(iter(csv))} is for CSV files: {data}.")


def load_saved_job(name: str, rows: str | None, csv: Mapping[str, Any]) -> SavedModelJob:
    """Return the model in a file with the examples to trace.

    Raises:
        click.UsageError: no examples; the model forecasts a time series.
        ModelFileError, DataError: see `models.load.load` and `load_test_data`.
    """
    from glassnet.models.load import load
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    if rows is None:
        raise click.UsageError(
            "Missing data: name a table, a folder of images or a dataset after the model."
        )
    model = load(name)
    if isinstance(model.preprocessor, TimeSeriesPreprocessor):
        raise click.UsageError(
            f"{name} is a forecasting model. "
            f"To trace it in Python: gn.load({name!r}).trace(gn.data.series(...))"
        )
    x, y = load_test_data(model, rows, csv)
    if partitioned.is_parts(x):
        raise click.UsageError(f"a trace shows rows in memory: name one of the files in {rows}.")
    return SavedModelJob(name, model, x, y)
