"""What `train` is to learn: arrays, a table, a folder of images (see `pictures`); rows to learn from, and rows to be scored on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs.base import Task, Wishes

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.dataset import Dataset
    from glassnet.data.table import Table
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History

FEW = 20
"""A target of up to so many different whole numbers may be meant as classes: what is assumed is said."""


@dataclass(frozen=True)
class Score:
    """A number on the test rows beside that of a guess: accuracy and the most common class, or RMSE and the mean."""

    metric: str
    value: float
    baseline: float

    def __str__(self) -> str:
        if self.metric == "accuracy":
            return f"{self.value:.2f} (majority {self.baseline:.2f})"
        return f"RMSE {self.value:.3g} (mean {self.baseline:.3g})"


@dataclass(frozen=True, eq=False)
class ArrayTask(Task):
    """A data set of arrays."""

    name: str
    data: Dataset

    @property
    def rows(self) -> int:
        return len(self.data.x)

    @property
    def about(self) -> str:
        return f"{self.rows:,} rows to learn from, {len(self.data.x_test):,} to be scored on, {self.data.task}"

    def propose(self, settings: Mapping[str, Any], adapted: bool = False) -> Sequential:
        """A compiled network for the data; `adapted` where the scale of its inputs is learned now, from all rows to learn from."""
        from glassnet.cli import default_models

        return default_models.propose(self.data, settings, dropout=settings["dropout"], adapted=adapted)

    def inputs(self, model: Sequential) -> np.ndarray:
        return self.data.x

    def row(self, i: int) -> tuple[Any, Any]:
        return self.data.x[i : i + 1], self.data.y[i : i + 1]

    def meaning(self, i: int) -> str:
        return self.data.class_names[int(self.data.y[i])] if self.data.class_names else f"{self.data.y[i]:g}"

    def begin(self, model: Sequential, **asked: Any) -> None:
        """Nothing has to be learned before the network is there."""

    def fit(self, model: Sequential, **asked: Any) -> History:
        return model.fit(self.data.x, self.data.y, **asked)

    def facts(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How the model does on the test rows beside a guess that the training rows teach: in full (no more), in short, and plainly."""
        import numpy as np

        data = self.data
        logs = model.evaluate(data.x_test, data.y_test, return_dict=True)
        if data.class_names:
            most_common = np.bincount(data.y).argmax()
            score = Score("accuracy", logs["accuracy"], float(np.mean(data.y_test == most_common)))
        else:
            misses = data.y_test.astype(np.float64) - data.y.mean(dtype=np.float64)
            score = Score("rmse", logs["loss"] ** 0.5, float(np.sqrt(np.mean(misses**2))))
        return "", str(score), {"metric": score.metric, "score": score.value, "baseline": score.baseline}


@dataclass(frozen=True, eq=False)
class TableTask(Task):
    """A table to learn from and one to be scored on, both with the target in every row.

    Attributes:
        name: of the file or data set.
        train: the rows to learn from.
        test: the rows to be scored on.
        target: the column that is learned.
        labels: how many different ones it holds; 0 where it is learned as a number.
        transform: "log" or None.
        said: what was found out in reading.
        dropout: of the hidden layers, where none is asked for.
    """

    name: str
    train: Table
    test: Table
    target: str
    labels: int
    transform: str | None
    said: tuple[str, ...] = ()
    dropout: float = 0.3

    @property
    def rows(self) -> int:
        return len(self.train)

    @property
    def about(self) -> str:
        task = f"{self.labels} classes" if self.labels else "regression"
        return f"{self.rows:,} rows to learn from, {len(self.test):,} to be scored on, {task}"

    def propose(self, settings: Mapping[str, Any], adapted: bool = False) -> Sequential:
        """A compiled network for the table; `adapted` where its encoder is learned now, from all rows to learn from."""
        from glassnet.cli import default_models
        from glassnet.layers import Dense

        last, loss = default_models.choice(self.labels) if self.labels else ([Dense(1)], "mean_squared_error")
        layers = [*default_models.hidden(settings, settings["dropout"]), *last]
        made = default_models.compiled(layers, loss, ["accuracy" if self.labels else "mae"], settings)
        if adapted:
            self.fit(made, epochs=0, verbose=0)
        return made

    def inputs(self, model: Sequential) -> np.ndarray:
        assert model.intake is not None
        return model.intake.features(self.train)

    def row(self, i: int) -> tuple[Any, Any]:
        return self.train.rows(slice(i, i + 1)), None

    def meaning(self, i: int) -> str:
        value = self.train[self.target][i]
        return f"{self.target} {value:,.6g}" if isinstance(value, float) else f"{self.target} {value}"

    def begin(self, model: Sequential, **asked: Any) -> None:
        """Learn the encoder, which makes the network, and see that the rows to be scored on can be encoded, before the training."""
        self.fit(model, **asked | {"epochs": 0})
        assert model.intake is not None
        model.intake.pair(self.test)

    def fit(self, model: Sequential, **asked: Any) -> History:
        return model.fit(self.train, target=self.target, target_transform=self.transform, **asked)

    def facts(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How the model does on the test rows beside a guess and a linear model on the same columns: in full, in short, and plainly."""
        import numpy as np

        from glassnet.evaluation import scores
        from glassnet.preprocessing.tabular import Intake

        assert isinstance(model.intake, Intake)
        encoder, target = model.intake.encoder, model.intake.target
        x, x_test = encoder.encode(self.train), encoder.encode(self.test)
        y, y_test = self.train[self.target], self.test[self.target]
        if self.labels:
            found = target.encode(model.predict_labels(self.test))
            report = scores.classes(target.encode(y), target.encode(y_test), found, x, x_test, seed=seed)
        else:
            found = model.predict(self.test)[:, 0]
            report = scores.numbers(y, y_test, found, x, x_test, log=self.transform == "log", seed=seed)
        full, facts = str(report), {"score": report.to_dict()}
        if self.transform == "log":
            logs = scores.numbers(np.log(y), np.log(y_test), np.log(found), x, x_test, seed=seed)
            full, facts = f"{full}\n\nand of log {self.target}:\n{logs}", facts | {"score_of_log": logs.to_dict()}
        learned = {"target": self.target, "columns": encoder.names, "left_out": encoder.left_out()}
        return full, report.headline(), facts | {"learned": learned}


def is_file(name: str) -> bool:
    """Whether a table's file is meant rather than a data set."""
    from glassnet.data.table import SUFFIXES

    return Path(name).suffix.lower() in SUFFIXES or Path(name).is_file()


def find(name: str, wishes: Wishes, seed: int, size: tuple[int, int] | None = None, augment: bool | None = None) -> Task:
    """The task that the name of a file, a folder or a data set stands for.

    Args:
        name: of the file, the folder or the data set.
        wishes: for tables.
        seed: draws what is held out of a file or a folder.
        size: of images from a folder, see `pictures.find`.
        augment: of images from a folder.

    Raises:
        click.UsageError: a table's file without a target; options for another kind of data.
        ConfigError, DataError: see `datasets.load`, `table.read`, `arrays_from_file` and `images_from_folder`.
    """
    from glassnet.cli.jobs import images, time_series

    if wishes.forecast:
        return time_series.find(name, wishes)
    if wishes.time:
        raise click.UsageError("--time goes with --forecast N, the steps to learn.")
    if images.is_folder(name):
        return images.find(name, wishes, seed, size, augment)
    option = "--size" if size else "--augment" if augment else "--no-augment" if augment is False else None
    if option:
        raise click.UsageError(f"{option} is for a folder of images: {name} is none.")
    from glassnet.data import array_files
    from glassnet.data.dataset import HELD_OUT, Dataset
    from glassnet.data.table import read
    from glassnet.pipeline.encoding import hold_out
    from glassnet.preprocessing import tabular

    if not array_files.is_arrays(name) and is_file(name):
        table = read(name)
        if wishes.target is None:
            last, names = list(table.columns)[-1], ", ".join(table.columns)
            raise click.UsageError(f"Which column is to be learned? --target {last}, say. There are {names}.")
        _, column, there, said = tabular.open_table(table, wishes.target)
        labels, assumed = count_labels(wishes.target, column, wishes.task)
        whole = chosen(table, wishes, wishes.target, there)
        kept, held = hold_out(len(column), column.astype(str) if labels else None, HELD_OUT, "random", seed)
        parts = whole.rows(kept), whole.rows(held)
        return TableTask(Path(name).name, *parts, wishes.target, labels, wishes.transform, (*said, *assumed))
    from glassnet.datasets import load

    data = array_files.arrays_from_file(name, seed=seed) if array_files.is_arrays(name) else load(name)
    if isinstance(data, Dataset):
        if wishes.option():
            raise click.UsageError(f"{wishes.option()} is for tables: {name} is a data set of arrays.")
        return ArrayTask(data.name, data)
    target = wishes.target or data.target
    labels, assumed = count_labels(target, tabular.open_table(data.frame, target).column, wishes.task)
    parts = [chosen(table, wishes, target, tabular.open_table(table, target).there) for table in map(read, data)]
    return TableTask(name, *parts, target, labels, wishes.transform, assumed)


def rows_to_score(network: Sequential, name: str) -> tuple[Any, Any]:
    """The rows of a table's file, which hold their target; images of a folder, arrays of a file or test rows of a data set, with theirs."""
    from glassnet.cli.jobs import images
    from glassnet.data import array_files
    from glassnet.data.dataset import Dataset
    from glassnet.data.table import read

    if images.is_folder(name):
        return images.to_score(network, name)
    if array_files.is_arrays(name):
        x, y, x_test, y_test = array_files.parts(name)
        return (x, y) if x_test is None else (x_test, y_test)
    if is_file(name):
        return read(name), None
    from glassnet.datasets import load

    data = load(name)
    return (data.x_test, data.y_test) if isinstance(data, Dataset) else (read(data.test), None)


def chosen(table: Table, wishes: Wishes, target: str, there: np.ndarray | None) -> Table:
    """The rows that have a target, with the columns that were asked for, all where none were; what reading found is said apart.

    Raises:
        ConfigError: a feature that there is not; the nearest is named.
    """
    from glassnet.errors import lookup

    features = table.without(target).columns
    for name in wishes.features:
        lookup("--features", name, features)
    left = table.without(*(name for name in features if wishes.features and name not in wishes.features))
    return replace(left if there is None else left.rows(there), said=())


def count_labels(target: str, column: np.ndarray, task: str | None) -> tuple[int, tuple[str, ...]]:
    """How many labels a target holds, 0 where it is learned as a number; and what to say where that was a guess."""
    import numpy as np

    found = len(set(column.tolist()))
    if task is not None:
        return (found if task == "classes" else 0), ()
    if column.dtype.kind in "Ob" or found <= 2:
        return found, ()
    few = found <= FEW and np.all(column == np.round(column))
    return 0, (f"{target} has {found} different whole numbers, learned as numbers: --task classes learns them as labels",) if few else ()


@dataclass(frozen=True, eq=False)
class SavedTask:
    """A saved model, and rows to look at: a table's, with or without their target, or arrays with theirs."""

    name: str
    network: Sequential
    x: Any
    y: Any

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.x)

    def propose(self, settings: Mapping[str, Any], adapted: bool = False) -> Sequential:
        """The network that was saved."""
        return self.network

    def inputs(self, model: Sequential) -> np.ndarray:
        """The rows as the network takes them."""
        return model.intake.features(self.x) if model.intake else self.x

    def fit(self, model: Sequential, **asked: Any) -> History:
        """A saved model is looked at as it is."""
        raise click.UsageError("--epochs is for networks made here: a saved one is looked at as it is.")

    def row(self, i: int) -> tuple[Any, Any]:
        """One of them, and its target, as `trace` takes them; where there is none, the network's own answer stands for it."""
        if self.y is not None:
            return self.x[i : i + 1], self.y[i : i + 1]
        one = self.x.rows(slice(i, i + 1))
        return one, None if self._told else self._answer(one)

    def meaning(self, i: int) -> str:
        """Its target in words."""
        if self.network.intake is None:
            return f"{self.y[i]:g}"
        if self.y is not None:
            return str(self.network.intake.target.spelt(self.y[i]))
        target = self.network.intake.target.name
        one = self.x.rows(slice(i, i + 1))
        return f"{target} {one[target][0]}" if self._told else f"{target} not told: its own answer, {self._answer(one)[0]}, stands for it"

    @property
    def _told(self) -> bool:
        assert self.network.intake is not None
        return self.network.intake.target.name in self.x.columns

    def _answer(self, one: Table) -> np.ndarray:
        from glassnet.preprocessing.targets import Labels

        assert self.network.intake is not None
        labels = isinstance(self.network.intake.target, Labels)
        return self.network.predict_labels(one) if labels else self.network.predict(one)[:, 0]


def saved(name: str, rows: str | None) -> SavedTask:
    """The model in a file, and the rows to look at.

    Raises:
        click.UsageError: no rows were named.
        ModelFileError, DataError: see `load` and `table.read`.
    """
    from glassnet import load
    from glassnet.preprocessing.seasonal import Forecaster

    if rows is None:
        raise click.UsageError("Which rows? Name a table's file, a folder of images or a data set after the model.")
    network = load(name)
    if isinstance(network.intake, Forecaster):
        raise click.UsageError(f"{name} forecasts a series, not rows: gn.load({name!r}).trace(gn.data.series(...)) shows its windows.")
    return SavedTask(name, network, *rows_to_score(network, rows))
