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

    from glassnet.data.dataset import Dataset
    from glassnet.data.table import Table
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History

MAX_INTEGER_CLASSES = 20
"""A target of up to so many different whole numbers may be meant as classes: what is assumed is
said.
"""


@dataclass(frozen=True)
class BaselineScore:
    """A number on the test rows beside that of a guess: accuracy and the most common class, or RMSE
    and the mean.
    """

    metric: str
    value: float
    baseline: float

    def __str__(self) -> str:
        if self.metric == "accuracy":
            return f"{self.value:.2f} (majority {self.baseline:.2f})"
        return f"RMSE {self.value:.3g} (mean {self.baseline:.3g})"


@dataclass(frozen=True, eq=False)
class ArrayJob(Job):
    """A data set of arrays."""

    name: str
    data: Dataset

    @property
    def n_samples(self) -> int:
        return len(self.data.x)

    @property
    def description(self) -> str:
        return f"{self.n_samples:,} rows to learn from, {len(self.data.x_test):,} to be scored on, {self.data.task}"

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """A compiled network for the data; `adapt` where the scale of its inputs is learned now,
        from all rows to learn from.
        """
        from glassnet.cli import default_models

        return default_models.build_model(
            self.data, settings, dropout=settings["dropout"], adapt=adapt
        )

    def model_inputs(self, model: Sequential) -> np.ndarray:
        return self.data.x

    def example(self, i: int) -> tuple[Any, Any]:
        return self.data.x[i : i + 1], self.data.y[i : i + 1]

    def target_text(self, i: int) -> str:
        return (
            self.data.class_names[int(self.data.y[i])]
            if self.data.class_names
            else f"{self.data.y[i]:g}"
        )

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Nothing has to be learned before the network is there."""

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        return model.fit(self.data.x, self.data.y, **fit_options)

    def score(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How the model does on the test rows beside a guess that the training rows teach: in full
        (no more), in short, and plainly.
        """
        import numpy as np

        data = self.data
        logs = model.evaluate(data.x_test, data.y_test, return_dict=True)
        if data.class_names:
            most_common = np.bincount(data.y).argmax()
            score = BaselineScore(
                "accuracy", logs["accuracy"], float(np.mean(data.y_test == most_common))
            )
        else:
            misses = data.y_test.astype(np.float64) - data.y.mean(dtype=np.float64)
            score = BaselineScore("rmse", logs["loss"] ** 0.5, float(np.sqrt(np.mean(misses**2))))
        return (
            "",
            str(score),
            {"metric": score.metric, "score": score.value, "baseline": score.baseline},
        )


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

        from glassnet.evaluation import baselines
        from glassnet.preprocessing.tabular import TabularPreprocessor

        assert isinstance(model.preprocessor, TabularPreprocessor)
        encoder, target = model.preprocessor.encoder, model.preprocessor.target
        x, x_test = encoder.transform(self.train), encoder.transform(self.test)
        y, y_test = self.train[self.target], self.test[self.target]
        if self.n_classes:
            found = target.transform(model.predict_labels(self.test))
            report = baselines.score_classifier(
                target.transform(y), target.transform(y_test), found, x, x_test, seed=seed
            )
        else:
            found = model.predict(self.test)[:, 0]
            report = baselines.score_regressor(
                y, y_test, found, x, x_test, log=self.target_transform == "log", seed=seed
            )
        full, facts = str(report), {"score": report.to_dict()}
        if self.target_transform == "log":
            logs = baselines.score_regressor(
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


def is_table_file(name: str) -> bool:
    """Whether a table's file is meant rather than a data set."""
    from glassnet.data.table import TABLE_SUFFIXES

    return Path(name).suffix.lower() in TABLE_SUFFIXES or Path(name).is_file()


def resolve_job(
    name: str,
    options: TrainOptions,
    seed: int,
    image_size: tuple[int, int] | None = None,
    augment: bool | None = None,
) -> Job:
    """The task that the name of a file, a folder or a data set stands for.

    Args:
        name: of the file, the folder or the data set.
        options: for tables.
        seed: draws what is held out of a file or a folder.
        image_size: of images from a folder, see `images.resolve_image_job`.
        augment: of images from a folder.

    Raises:
        click.UsageError: a table's file without a target; options for another kind of data.
        ConfigError, DataError: see `catalogue.load`, `table.read_table`, `arrays_from_file` and
            `images_from_folder`.
    """
    from glassnet.cli.jobs import images, time_series

    if options.forecast:
        return time_series.resolve_time_series_job(name, options)
    if options.time:
        raise click.UsageError("--time goes with --forecast N, the steps to learn.")
    if images.is_image_path(name):
        return images.resolve_image_job(name, options, seed, image_size, augment)
    option = (
        "--size"
        if image_size
        else "--augment"
        if augment
        else "--no-augment"
        if augment is False
        else None
    )
    if option:
        raise click.UsageError(f"{option} is for a folder of images: {name} is none.")
    from glassnet.data import array_files
    from glassnet.data.dataset import TEST_FRACTION, Dataset
    from glassnet.data.split import train_validation_split
    from glassnet.data.table import read_table, split_target

    if not array_files.is_array_file(name) and is_table_file(name):
        table = read_table(name)
        if options.target is None:
            last, names = list(table.columns)[-1], ", ".join(table.columns)
            raise click.UsageError(
                f"Which column is to be learned? --target {last}, say. There are {names}."
            )
        _, column, there, said = split_target(table, options.target)
        labels, assumed = infer_n_classes(options.target, column, options.task)
        whole = select_columns(table, options, options.target, there)
        kept, held = train_validation_split(
            len(column), column.astype(str) if labels else None, TEST_FRACTION, "random", seed
        )
        parts = whole.take(kept), whole.take(held)
        return TableJob(
            Path(name).name,
            *parts,
            options.target,
            labels,
            options.target_transform,
            (*said, *assumed),
        )
    from glassnet.datasets import load

    data = (
        array_files.arrays_from_file(name, seed=seed)
        if array_files.is_array_file(name)
        else load(name)
    )
    if isinstance(data, Dataset):
        if options.first_given():
            raise click.UsageError(
                f"{options.first_given()} is for tables: {name} is a data set of arrays."
            )
        return ArrayJob(data.name, data)
    target = options.target or data.target
    labels, assumed = infer_n_classes(
        target, split_target(data.frame, target).target_column, options.task
    )
    parts = [
        select_columns(table, options, target, split_target(table, target).has_target)
        for table in map(read_table, data)
    ]
    return TableJob(name, *parts, target, labels, options.target_transform, assumed)


def load_test_data(model: Sequential, name: str) -> tuple[Any, Any]:
    """The rows of a table's file, which hold their target; images of a folder, arrays of a file or
    test rows of a data set, with theirs.
    """
    from glassnet.cli.jobs import images
    from glassnet.data import array_files
    from glassnet.data.dataset import Dataset
    from glassnet.data.table import read_table

    if images.is_image_path(name):
        return images.load_test_images(model, name)
    if array_files.is_array_file(name):
        x, y, x_test, y_test = array_files.read_arrays(name)
        return (x, y) if x_test is None else (x_test, y_test)
    if is_table_file(name):
        return read_table(name), None
    from glassnet.datasets import load

    data = load(name)
    return (
        (data.x_test, data.y_test) if isinstance(data, Dataset) else (read_table(data.test), None)
    )


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


@dataclass(frozen=True, eq=False)
class SavedModelJob:
    """A saved model, and rows to look at: a table's, with or without their target, or arrays with
    theirs.
    """

    name: str
    model: Sequential
    x: Any
    y: Any

    @property
    def n_samples(self) -> int:
        """How many there are."""
        return len(self.x)

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """The network that was saved."""
        return self.model

    def model_inputs(self, model: Sequential) -> np.ndarray:
        """The rows as the network takes them."""
        return model.preprocessor.transform(self.x) if model.preprocessor else self.x

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        """A saved model is looked at as it is."""
        raise click.UsageError(
            "--epochs is for networks made here: a saved one is looked at as it is."
        )

    def example(self, i: int) -> tuple[Any, Any]:
        """One of them, and its target, as `trace` takes them; where there is none, the network's
        own answer stands for it.
        """
        if self.y is not None:
            return self.x[i : i + 1], self.y[i : i + 1]
        one = self.x.take(slice(i, i + 1))
        return one, None if self._has_target else self._predict_target(one)

    def target_text(self, i: int) -> str:
        """Its target in words."""
        if self.model.preprocessor is None:
            return f"{self.y[i]:g}"
        if self.y is not None:
            return str(self.model.preprocessor.target.decode_labels(self.y[i]))
        target = self.model.preprocessor.target.name
        one = self.x.take(slice(i, i + 1))
        return (
            f"{target} {one[target][0]}"
            if self._has_target
            else f"{target} not told: its own answer, {self._predict_target(one)[0]}, stands for it"
        )

    @property
    def _has_target(self) -> bool:
        assert self.model.preprocessor is not None
        return self.model.preprocessor.target.name in self.x.columns

    def _predict_target(self, row: Table) -> np.ndarray:
        from glassnet.preprocessing.targets import ClassTarget

        assert self.model.preprocessor is not None
        labels = isinstance(self.model.preprocessor.target, ClassTarget)
        return self.model.predict_labels(row) if labels else self.model.predict(row)[:, 0]


def load_saved_job(name: str, rows: str | None) -> SavedModelJob:
    """The model in a file, and the rows to look at.

    Raises:
        click.UsageError: no rows were named.
        ModelFileError, DataError: see `load` and `table.read_table`.
    """
    from glassnet import load
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    if rows is None:
        raise click.UsageError(
            "Which rows? Name a table's file, a folder of images or a data set after the model."
        )
    network = load(name)
    if isinstance(network.preprocessor, TimeSeriesPreprocessor):
        raise click.UsageError(
            f"{name} forecasts a series, not rows: gn.load({name!r}).trace(gn.data.series(...)) shows its windows."
        )
    return SavedModelJob(name, network, *load_test_data(network, rows))
