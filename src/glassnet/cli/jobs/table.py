"""What `train` is to learn: arrays, a table, a folder of images (see `pictures`); rows to learn
from, and rows to be scored on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs.base import Job, TrainOptions

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.table import Table
    from glassnet.datasets.table_sets import TableDataset
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History

MAX_INTEGER_CLASSES = 20
"""A target of up to so many different whole numbers may be meant as classes: what is assumed is
said.
"""


@dataclass(frozen=True, eq=False)
class TableJob(Job):
    """A table to learn from and one to be scored on, both with the target in every row.

    Attributes:
        name: of the file or data set.
        train: the rows to learn from.
        test: the rows to be scored on.
        target: the column that is learned.
        n_classes: how many different ones it holds; 0 where it is learned as a number.
        target_transform: "log" or None.
        messages: what was found out in reading.
        dropout: of the hidden layers, where none is asked for.
    """

    name: str
    train: Table
    test: Table
    target: str
    n_classes: int
    target_transform: str | None
    messages: tuple[str, ...] = ()
    dropout: float = 0.3

    @property
    def n_samples(self) -> int:
        return len(self.train)

    @property
    def description(self) -> str:
        task = f"{self.n_classes} classes" if self.n_classes else "regression"
        return f"{self.n_samples:,} rows to learn from, {len(self.test):,} to be scored on, {task}"

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """A compiled network for the table; `adapt` where its encoder is learned now, from all rows
        to learn from.
        """
        from glassnet.cli import default_models
        from glassnet.layers import Dense

        last, loss = (
            default_models.classification_head(self.n_classes)
            if self.n_classes
            else ([Dense(1)], "mean_squared_error")
        )
        layers = [*default_models.hidden_layers(settings, settings["dropout"]), *last]
        made = default_models.compile_model(
            layers, loss, ["accuracy" if self.n_classes else "mae"], settings
        )
        if adapt:
            self.fit(made, epochs=0, verbose=0)
        return made

    def model_inputs(self, model: Sequential) -> np.ndarray:
        assert model.preprocessor is not None
        return model.preprocessor.transform(self.train)

    def example(self, i: int) -> tuple[Any, Any]:
        return self.train.take(slice(i, i + 1)), None

    def target_text(self, i: int) -> str:
        value = self.train[self.target][i]
        return (
            f"{self.target} {value:,.6g}" if isinstance(value, float) else f"{self.target} {value}"
        )

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Learn the encoder, which makes the network, and see that the rows to be scored on can be
        encoded, before the training.
        """
        self.fit(model, **fit_options | {"epochs": 0})
        assert model.preprocessor is not None
        model.preprocessor.transform_xy(self.test)

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        return model.fit(
            self.train, target=self.target, target_transform=self.target_transform, **fit_options
        )

    def score(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How the model does on the test rows beside a guess and a linear model on the same
        columns: in full, in short, and plainly.
        """
        import numpy as np

        from glassnet.evaluation import scores
        from glassnet.preprocessing.tabular import TabularPreprocessor

        assert isinstance(model.preprocessor, TabularPreprocessor)
        encoder, target = model.preprocessor.encoder, model.preprocessor.target
        x, x_test = encoder.transform(self.train), encoder.transform(self.test)
        y, y_test = self.train[self.target], self.test[self.target]
        if self.n_classes:
            found = target.transform(model.predict_labels(self.test))
            report = scores.score_classifier(
                target.transform(y), target.transform(y_test), found, x, x_test, seed=seed
            )
        else:
            found = model.predict(self.test)[:, 0]
            report = scores.score_regressor(
                y, y_test, found, x, x_test, log=self.target_transform == "log", seed=seed
            )
        full, facts = str(report), {"score": report.to_dict()}
        if self.target_transform == "log":
            logs = scores.score_regressor(
                np.log(y), np.log(y_test), np.log(found), x, x_test, seed=seed
            )
            full, facts = (
                f"{full}\n\nand of log {self.target}:\n{logs}",
                facts | {"score_of_log": logs.to_dict()},
            )
        learned = {
            "target": self.target,
            "columns": encoder.feature_names,
            "left_out": encoder.dropped_columns(),
        }
        return full, report.headline(), facts | {"learned": learned}


def resolve_table_job(name: str, options: TrainOptions, seed: int) -> TableJob:
    """Return the job for the table in a file, a fifth of which becomes the test rows.

    Raises:
        click.UsageError: no target.
        ConfigError, DataError: see `read_table`; an unknown target or feature.
    """
    from glassnet.data.dataset import TEST_FRACTION
    from glassnet.data.table import read_table
    from glassnet.pipeline.encoding import train_validation_split
    from glassnet.preprocessing.tabular import split_target

    table = read_table(name)
    target = require_target(table, options, "learned")
    split = split_target(table, target)
    n_classes, assumption = infer_n_classes(target, split.target_column, options.task)
    train_index, test_index = train_validation_split(
        len(split.target_column),
        split.target_column.astype(str) if n_classes else None,
        TEST_FRACTION,
        "random",
        seed,
    )
    selected = select_columns(table, options, target, split.has_target)
    return TableJob(
        Path(name).name,
        selected.take(train_index),
        selected.take(test_index),
        target,
        n_classes,
        options.target_transform,
        (*split.messages, *assumption),
    )


def resolve_table_dataset_job(name: str, data: TableDataset, options: TrainOptions) -> TableJob:
    """Return the job for a data set that is a table and comes with test rows.

    Raises:
        ConfigError: an unknown target or feature.
    """
    from glassnet.data.table import read_table
    from glassnet.preprocessing.tabular import split_target

    target = options.target or data.target
    column = split_target(data.frame, target).target_column
    n_classes, assumption = infer_n_classes(target, column, options.task)
    train, test = (
        select_columns(table, options, target, split_target(table, target).has_target)
        for table in map(read_table, data)
    )
    return TableJob(name, train, test, target, n_classes, options.target_transform, assumption)


def require_target(table: Table, options: TrainOptions, verb: str) -> str:
    """Return the name of the target column.

    Raises:
        click.UsageError: `--target` is missing.
    """
    if options.target is None:
        names = list(table.columns)
        raise click.UsageError(
            f"Which column is to be {verb}? --target {names[-1]}, say. There are {', '.join(names)}."
        )
    return options.target


def select_columns(
    table: Table, options: TrainOptions, target: str, has_target: np.ndarray | None
) -> Table:
    """The rows that have a target, with the columns that were asked for, all where none were; what
    reading found is said apart.

    Raises:
        ConfigError: a feature that there is not; the nearest is named.
    """
    from glassnet.errors import lookup

    features = table.drop(target).columns
    for name in options.features:
        lookup("--features", name, features)
    left = table.drop(
        *(name for name in features if options.features and name not in options.features)
    )
    return replace(left if has_target is None else left.take(has_target), messages=())


def infer_n_classes(
    target: str, column: np.ndarray, task: str | None
) -> tuple[int, tuple[str, ...]]:
    """How many labels a target holds, 0 where it is learned as a number; and what to say where that
    was a guess.
    """
    import numpy as np

    found = len(set(column.tolist()))
    if task is not None:
        return (found if task == "classes" else 0), ()
    if column.dtype.kind in "Ob" or found <= 2:
        return found, ()
    few = found <= MAX_INTEGER_CLASSES and np.all(column == np.round(column))
    return 0, (
        f"{target} has {found} different whole numbers, learned as numbers: --task classes learns them as labels",
    ) if few else ()
