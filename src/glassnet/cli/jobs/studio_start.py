"""What `glassnet studio` begins with: a dataset, data of the user, or a saved model."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from glassnet.cli.jobs import images, partitioned, resolve
from glassnet.cli.jobs.arrays import ArrayJob
from glassnet.cli.jobs.base import TrainOptions
from glassnet.cli.jobs.images import ImageJob
from glassnet.cli.jobs.studio_code import write_job, write_saved_rows
from glassnet.cli.jobs.table import TableJob
from glassnet.studio_app.data_sources import OFFERED, kind_of_dataset, make_data
from glassnet.studio_app.messages import read_link
from glassnet.studio_app.own_code import write_table
from glassnet.studio_app.own_data import OwnData, own_data
from glassnet.studio_app.session import StudioStart
from glassnet.studio_app.settings import DataSettings, follow_data
from glassnet.studio_app.starts import (
    START_KIND,
    make_settings,
    start_with_data,
    start_with_model,
)

if TYPE_CHECKING:
    from glassnet.studio_app.settings import Settings, TargetType

TARGET_TYPES: dict[str | None, TargetType | None] = {
    None: None,
    "classes": "category",
    "numbers": "number",
}
"""Types of targets by the word of `--task`."""


def make_start(name: str | None, rows: str | None, options: dict[str, Any]) -> StudioStart:
    """Return what the studio begins with.

    Args:
        name: a dataset, a file, a folder or a saved model; None for points in the form of XOR.
        rows: the data of a saved model.
        options: options of the command by name.

    Raises:
        click.UsageError: options for another kind of data; no data for a saved model.
        ConfigError, DataError, ModelFileError: see `load`, `read_table` and `own_data`.
    """
    if name is not None and name.endswith(".glassnet"):
        return start_saved_model(name, rows, options)
    if rows is not None:
        text = "a second name is for the data of a saved model, which ends in .glassnet"
        raise click.UsageError(f"{text}. Received: {name!r} and {rows!r}.")
    keys = ("layers", "activation", "optimizer", "learning_rate", "batch_size", "seed")
    settings = make_settings(**{key: options[key] for key in keys})
    is_chosen = any(options[key] is not None for key in keys if key != "seed")
    settings = msgspec.structs.replace(settings, data=choose_part(options))
    if name is None or name in OFFERED:
        settings = choose_dataset(name, settings, options)
        kind = kind_of_dataset(settings.data.name)
        return StudioStart(settings if is_chosen else follow_data(settings, START_KIND, kind))
    resolve.require_source(name)
    return start_with_data(read_own_data(name, options), settings, is_chosen=is_chosen)


def choose_part(options: dict[str, Any]) -> DataSettings:
    """Return the target, the features and the types of columns of the options."""
    return DataSettings(
        target=options["target"],
        columns=options["features"],
        column_types=options["column_types"],
        target_type=TARGET_TYPES[options["task"]],
    )


def choose_dataset(name: str | None, settings: Settings, options: dict[str, Any]) -> Settings:
    """Return the settings with a dataset of the page.

    Raises:
        click.UsageError: options for other data.
        ConfigError: an unknown target or feature.
    """
    described = name or "XOR"
    resolve.require_no_csv_options(options["csv"], f"{described} is a dataset")
    images.require_no_image_options(described, options["size"], None)
    if name is not None:
        data = msgspec.structs.replace(settings.data, name=name)
        settings = msgspec.structs.replace(settings, data=data)
    option = list_table_options(options).first_given()
    if option and not make_data(settings.data).has_column_types:
        raise click.UsageError(f"{option} is for tables: {described} is a dataset of arrays.")
    return settings


def list_table_options(options: dict[str, Any]) -> TrainOptions:
    """Return the options for tables, but for the features, which arrays have, too."""
    names = ("target", "task", "column_types")
    return TrainOptions(**{name: options[name] for name in names})


def start_link(link: str, options: dict[str, Any]) -> StudioStart:
    """Return a start with the state in a link.

    Raises:
        click.UsageError: options for another network or other data.
        ConfigError, DataError: see `read_link` and `make_data`.
    """
    require_no_settings(options, "a link")
    resolve.require_no_csv_options(options["csv"], "a link has data of its own")
    settings = read_link(link)
    make_data(settings.data)
    return StudioStart(settings, is_playing=False)


def require_no_settings(options: dict[str, Any], what: str) -> None:
    """Refuse options for a new network or other data.

    Args:
        options: options of the command by name.
        what: what has settings of its own.

    Raises:
        click.UsageError: with the first option.
    """
    keys = ("layers", "activation", "optimizer", "learning_rate", "batch_size")
    for key in (*keys, "target", "features", "column_types", "task", "size"):
        if options[key]:
            option = "column" if key == "column_types" else key.replace("_", "-")
            raise click.UsageError(f"--{option} cannot be used with {what}, which has its own.")


def start_saved_model(name: str, rows: str | None, options: dict[str, Any]) -> StudioStart:
    """Return a start with a saved model and its data.

    Raises:
        click.UsageError: no data; options for a new network or other data.
        ModelFileError, DataError: see `resolve.load_saved_job`.
    """
    require_no_settings(options, "a saved model")
    job = resolve.load_saved_job(name, rows, options["csv"])
    preprocessor = job.model.preprocessor
    target = None if job.y is not None or preprocessor is None else preprocessor.target.name
    rows = str(rows)
    return start_with_model(
        job.model,
        job.x,
        job.y,
        target=target,
        name=Path(rows).name,
        data_code=write_saved_rows(name, rows, job.x, options["csv"]),
        model_code=(f"model = gn.load({name!r})",),
    )


def read_own_data(name: str, options: dict[str, Any]) -> OwnData:
    """Return the data in a file or a folder, or of a dataset that the page does not list.

    Raises:
        click.UsageError: data that are read in parts; options for another kind of data.
        ConfigError, DataError: see `resolve_job` and `own_data`.
    """
    from glassnet.data.array_files import is_array_file
    from glassnet.data.table import is_table_file, read_table

    if partitioned.is_table_path(name):
        text = f"the studio needs rows in memory: name one of the files in {name}."
        raise click.UsageError(text)
    target, csv = options["target"], options["csv"]
    if is_table_file(name) and not is_array_file(name) and os.path.isfile(name):
        images.require_no_image_options(name, options["size"], None)
        table = read_table(name, **csv)
        line = write_table("table", name, "", **csv)
        return own_data(table, target=target, name=Path(name).name, code=(line,))
    choices = list_table_options(options)._replace(features=options["features"], csv=csv)
    job = resolve.resolve_job(name, choices, options["seed"], options["size"], split=False)
    code = write_job(name, job)
    if isinstance(job, TableJob):
        test = job.test
        return own_data(job.train, target=job.target, validation_data=test, name=name, code=code)
    if isinstance(job, ImageJob):
        return own_data(job.train, name=job.name, code=code)
    assert isinstance(job, ArrayJob)
    data = job.data
    rows = (data.x_test, data.y_test) if len(data.x_test) else None
    own = own_data(data.x, data.y, validation_data=rows, name=data.name, code=code)
    names = data.feature_names or own.feature_names
    return replace(own, class_names=data.class_names, feature_names=names)
