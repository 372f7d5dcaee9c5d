"""The job for a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import prediction_tables
from glassnet.cli.jobs.base import Job, TrainOptions, describe_sizes
from glassnet.formatting import format_number

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.data.table import Table, TargetSplit
    from glassnet.datasets.table_sets import TableDataset
    from glassnet.models.sequential import Sequential
    from glassnet.reporting.run_data import RunData


@dataclass(frozen=True, eq=False)
class TableJob(Job):
    """Training and test rows of a table, with the target in every row.

    Attributes:
        name: the name of the file or dataset.
        train: the training rows.
        test: the test rows.
        target: the column to predict.
        n_classes: the number of classes, or 0 if the target is a number.
        target_transform: "log" or None.
        column_types: types of columns that are not inferred.
        messages: lines to print about how the table was read.
        dropout: the default of `--dropout`.
        about: what the rows are.
        groups: the group of each training row, which no division into folds separates, or None.
    """

    name: str
    train: Table
    test: Table
    target: str
    n_classes: int
    target_transform: str | None
    column_types: Mapping[str, str]
    messages: tuple[str, ...] = ()
    dropout: float = 0.3
    about: str = ""
    groups: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        return len(self.train)

    @property
    def description(self) -> str:
        task = f"{self.n_classes} classes" if self.n_classes else "regression"
        return describe_sizes(self.n_samples, len(self.test), "rows", task)

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        from glassnet.cli import default_models
        from glassnet.layers import Dense, Layer
        from glassnet.models.default_layers import classification_head

        head: list[Layer]
        if self.n_classes:
            head, loss = classification_head(self.n_classes)
        else:
            head, loss = [Dense(1)], "mean_squared_error"
        layers = [*default_models.hidden_layers(settings, settings["dropout"]), *head]
        metric = "accuracy" if self.n_classes else "mae"
        model = default_models.compile_model(layers, loss, [metric], settings)
        if adapt:
            self.fit(model, epochs=0, verbose=0)
        return model

    def model_inputs(self, model: Sequential) -> np.ndarray:
        assert model.preprocessor is not None
        x: np.ndarray = model.preprocessor.transform(self.train)
        return x

    def example(self, i: int) -> tuple[Any, Any]:
        return self.train.take(slice(i, i + 1)), None

    def target_text(self, i: int) -> str:
        value = self.train[self.target][i]
        text = format_number(value, digits=6) if isinstance(value, float) else str(value)
        return f"{self.target} {text}"

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Learn the encoder, build the network, and check that the test rows can be encoded."""
        self.fit(model, **fit_options | {"epochs": 0})
        assert model.preprocessor is not None
        if len(self.test):
            model.preprocessor.transform_xy(self.test)

    @property
    def fit_arguments(self) -> dict[str, Any]:
        return {
            "x": self.train,
            "target": self.target,
            "column_types": dict(self.column_types),
            "target_transform": self.target_transform,
        }

    @property
    def run_data(self) -> RunData:
        from glassnet.reporting.run_data import Rows, RunData

        test = Rows(self.test) if len(self.test) else None
        return RunData(self.name, Rows(self.train), test, self.about, messages=self.messages)

    @property
    def target_name(self) -> str:
        return self.target

    def to_frame(self) -> pandas.DataFrame:
        return prediction_tables.to_frame(self.train)

    def describe_learned(self, model: Sequential) -> dict[str, Any]:
        from glassnet.preprocessing.tabular import TabularPreprocessor

        assert isinstance(model.preprocessor, TabularPreprocessor)
        encoder = model.preprocessor.encoder
        return {
            "target": self.target,
            "columns": encoder.feature_names,
            "left_out": encoder.dropped_columns(),
        }


def resolve_table_job(
    name: str, options: TrainOptions, seed: int, *, split: bool = True
) -> TableJob:
    """Return the job for the table in a file; with `split`, a fifth becomes the test rows.

    Raises:
        click.UsageError: no target.
        ConfigError, DataError: see `read_table`; an unknown target or feature.
    """
    import numpy as np

    from glassnet.data.dataset import TEST_FRACTION
    from glassnet.data.split import train_validation_split
    from glassnet.data.table import read_table, split_target

    table = read_table(name, **options.csv)
    target = require_target(list(table.columns), options, "predict")
    parts = split_target(table, target)
    column, remark = _read_target(table, parts, target, options.task)
    n_classes, assumption = infer_n_classes(target, column, options.task)
    strata = column.astype(str) if n_classes else None
    fraction = TEST_FRACTION if split else 0.0
    train_index, test_index = train_validation_split(len(column), strata, fraction, "random", seed)
    rows = table if parts.has_target is None else table.take(parts.has_target)
    selected = select_columns(rows, options, target).replace_column(target, column)
    groups = read_groups(rows, options, target)
    return TableJob(
        Path(name).name,
        selected.take(train_index),
        selected.take(np.arange(0) if test_index is None else test_index),
        target,
        n_classes,
        options.target_transform,
        options.column_types,
        (*parts.messages, *remark, *assumption),
        groups=None if groups is None else groups[train_index],
    )


def _read_target(
    table: Table, parts: TargetSplit, target: str, task: str | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the target, and a message if identifiers are treated as numbers.

    Identifiers such as 007 are classes; very many different ones are numbers of equal width.
    """
    from glassnet.models.default_layers import MAX_INTEGER_CLASSES

    column, has_target = parts.target_column, parts.has_target
    n_values = len(set(column.tolist()))
    is_number = task is None and n_values > MAX_INTEGER_CLASSES
    identifier = table.identifiers.get(target)
    if identifier is None or not (is_number or task == "numbers"):
        return column, ()
    numbers = table.resolve(target)
    if numbers.dtype.kind == "O":
        return column, ()
    remark = (
        f"{target} has {n_values:,} different values, such as {identifier.text}, and is treated "
        "as a number; --task classes treats them as classes"
    )
    return numbers if has_target is None else numbers[has_target], (remark,) * is_number


def resolve_table_dataset_job(name: str, data: TableDataset, options: TrainOptions) -> TableJob:
    """Return the job for a dataset that is a table and has test rows.

    Raises:
        ConfigError: an unknown target or feature.
    """
    from glassnet.data.table import read_table, split_target

    target = options.target or data.target
    column = split_target(data.frame, target).target_column
    n_classes, assumption = infer_n_classes(target, column, options.task)
    tables = [read_table(frame, **options.csv) for frame in data]
    parts = [split_target(table, target).has_target for table in tables]
    all_rows, _ = tables = [
        table if has_target is None else table.take(has_target)
        for table, has_target in zip(tables, parts, strict=True)
    ]
    train, test = (select_columns(table, options, target) for table in tables)
    transform, types = options.target_transform, options.column_types
    return TableJob(
        name,
        train,
        test,
        target,
        n_classes,
        transform,
        types,
        assumption,
        about=data.description,
        groups=read_groups(all_rows, options, target),
    )


def require_target(names: list[str], options: TrainOptions, verb: str) -> str:
    """Return the name of the target column.

    Raises:
        click.UsageError: `--target` is missing.
    """
    if options.target is None:
        raise click.UsageError(
            f"Missing option '--target': the column to {verb}, such as --target {names[-1]}. "
            f"Columns: {', '.join(names)}."
        )
    return options.target


def read_groups(table: Table, options: TrainOptions, target: str) -> np.ndarray | None:
    """Return the column of `--groups`, or None.

    Raises:
        ConfigError: an unknown column; the message suggests the nearest name.
    """
    from glassnet.errors import lookup

    if options.groups is None:
        return None
    lookup("--groups", options.groups, table.drop(target).columns)
    return table[options.groups]


def select_columns(table: Table, options: TrainOptions, target: str) -> Table:
    """Return a table with the columns of `--features` or all columns, without that of `--groups`.

    Raises:
        ConfigError: an unknown feature; the message suggests the nearest name.
    """
    from glassnet.errors import lookup

    features = table.drop(target).columns
    for name in options.features:
        lookup("--features", name, features)
    unused = {name for name in features if options.features and name not in options.features}
    if options.groups is not None:
        unused.add(options.groups)
    return replace(table.drop(*unused), messages=())


def infer_n_classes(
    target: str, column: np.ndarray, task: str | None
) -> tuple[int, tuple[str, ...]]:
    """Return the number of classes of a target, and a message if the choice is unclear.

    The number is 0 if the target is a number.
    """
    from glassnet.models.default_layers import count_classes, has_few_integers

    n_values = len(set(column.tolist()))
    if task is not None:
        return (n_values if task == "classes" else 0), ()
    n_classes = count_classes(column)
    if n_classes or not has_few_integers(column):
        return n_classes, ()
    return 0, (
        f"{target} has {n_values} different integers and is treated as a number; "
        "--task classes treats them as classes",
    )
