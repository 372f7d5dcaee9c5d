"""The rows that a report is about: for training, for testing, or both."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data.dataset import Dataset
from glassnet.data.frames import is_frame
from glassnet.data.images import Images
from glassnet.data.table import Table, is_table, read_table
from glassnet.data.time_series import TimeSeries
from glassnet.datasets.table_sets import TableDataset
from glassnet.errors import DataError, NotReadyError, message, require
from glassnet.models.sequential import Sequential
from glassnet.preprocessing.images import ImagePreprocessor
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

EXPECTED = (
    "a dataset of gn.datasets, (x, y), ((x, y), (x_test, y_test)), (train, test), a table, images, "
    "a folder or a series"
)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with their targets.

    Attributes:
        x: arrays (n, ...), texts (n,), a `Table`, `Images` or a `TimeSeries`.
        y: targets (n, ...); None if x holds them.
    """

    x: Any
    y: Any = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, mask: np.ndarray) -> Rows:
        """Return some of the rows, by their index or a mask; not of a series."""
        if isinstance(self.x, Images):
            files = tuple(self.x.files[i] for i in np.arange(len(self.x))[mask])
            return Rows(replace(self.x, x=self.x.x[mask], y=self.x.y[mask], files=files))
        if isinstance(self.x, Table):
            return Rows(self.x.take(mask), None if self.y is None else self.y[mask])
        return Rows(self.x[mask], self.y[mask])

    def draw(self, n: int) -> Rows:
        """Return n of the rows, drawn at random and always the same; all if there are fewer."""
        if len(self) <= n:
            return self
        return self.take(np.sort(np.random.default_rng(0).permutation(len(self))[:n]))

    def take_spread(self, n: int) -> Rows:
        """Return n of the rows, with targets that are as different as possible."""
        y = np.asarray(self.x.y if isinstance(self.x, Images) else self.y)
        if y.ndim > 1:
            y = y.argmax(axis=1)
        _, first = np.unique(y, return_index=True)
        chosen = first[:: max(1, len(first) // n)][:n]
        return self.take(np.sort(chosen))

    @property
    def has_columns(self) -> bool:
        """Whether a row is named columns, or numbers that are no image, text or series."""
        if isinstance(self.x, Images | TimeSeries):
            return False
        return isinstance(self.x, Table) or (self.x.ndim <= 2 and not self.is_text)

    @property
    def pixels(self) -> np.ndarray | None:
        """The images, (n, height, width) or (n, height, width, 1 or 3), if the rows are images.

        Without channels, they are bytes or squares.
        """
        x = self.x.x if isinstance(self.x, Images) else self.x
        shape: tuple[int, ...] = getattr(x, "shape", ())
        is_gray = len(shape) == 3 and (x.dtype == np.uint8 or 3 < shape[1] == shape[2])
        return x if is_gray or (len(shape) == 4 and shape[-1] in (1, 3)) else None

    @property
    def is_ink(self) -> bool:
        """Whether images without colors are numbers such as ink, and not the pixels of files."""
        return not isinstance(self.x, Images)

    @property
    def is_series(self) -> bool:
        """Whether x is a series."""
        return isinstance(self.x, TimeSeries)

    @property
    def is_text(self) -> bool:
        """Whether x is texts."""
        return isinstance(self.x, np.ndarray) and self.x.dtype.kind == "U"


@dataclass(frozen=True, eq=False)
class RunData:
    """The data of a run.

    Attributes:
        name: of the dataset, the file or the folder, without its path; "" if there is none.
        train: training rows, or None.
        test: rows to score, or None.
        description: what the rows are.
        class_names: name of each class index; empty for a regression or if they are not known.
        feature_names: names of the columns of x; empty if they are not known.
        messages: how the data were read.
    """

    name: str
    train: Rows | None
    test: Rows | None
    description: str = ""
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[str, Rows]]:
        """Yield the name and the rows of each part."""
        for name, rows in (("training", self.train), ("test", self.test)):
            if rows is not None:
                yield name, rows

    @property
    def scored(self) -> Rows:
        """The test rows; without them, the others."""
        rows = self.train if self.test is None else self.test
        assert rows is not None
        return rows

    @property
    def shown(self) -> Rows:
        """The training rows; without them, the others."""
        rows = self.test if self.train is None else self.train
        assert rows is not None
        return rows


def read_run_data(model: Sequential, data: Any, test: Any = None) -> RunData:
    """Return the training and test rows in what the user passed.

    Args:
        model: the model that was trained.
        data: see `gn.report`.
        test: test rows, or None.

    Raises:
        DataError: data of another kind; no rows.
    """
    run = _read(model, data)
    if test is not None:
        run = replace(run, test=_read_rows(model, test))
    elif run.test is None and run.shown.is_series:
        run = _split_series(model, run)
    elif run.test is None:
        run = _assign(model, run)
    for name, rows in run:
        require(len(rows), "report", f"at least one {name} row", error=DataError, rows=0)
    return run


def _read(model: Sequential, data: Any) -> RunData:
    if isinstance(data, Dataset):
        return describe_dataset(data)
    if isinstance(data, TableDataset):
        if isinstance(model.preprocessor, TimeSeriesPreprocessor):
            return RunData(data.name, _read_rows(model, data.frame), None, data.description)
        train, test = (_read_rows(model, frame) for frame in (data.train, data.test))
        return RunData(data.name, train, test, data.description)
    if isinstance(data, tuple | list) and len(data) == 2:
        if all(map(_is_pair, data)):
            train, test = (_read_rows(model, part) for part in data)
            return RunData("", train, test)
        if all(_holds_targets(model, part) for part in data):
            train, test = (_read_rows(model, part) for part in data)
            return RunData("", train, test)
    return RunData(_name_of(data), _read_rows(model, data), None)


def describe_dataset(data: Dataset) -> RunData:
    """Return the rows of a dataset of arrays."""
    train = Rows(data.x, data.y)
    test = Rows(data.x_test, data.y_test) if len(data.x_test) else None
    names = data.class_names, data.feature_names
    return RunData(data.name, train, test, data.description, *names)


def _name_of(data: Any) -> str:
    """Return the name of a series, or of a file or folder without its path; else ""."""
    if isinstance(data, str | os.PathLike):
        return Path(os.fspath(data)).name
    return data.name if isinstance(data, TimeSeries) else ""


def _is_pair(part: Any) -> bool:
    """Return whether a part of the data is itself (x, y), not a list of two rows."""
    if not isinstance(part, tuple | list) or len(part) != 2:
        return False
    return isinstance(part, tuple) or all(hasattr(each, "shape") for each in part)


def _holds_targets(model: Sequential, part: Any) -> bool:
    """Return whether x alone is rows with targets: a table, images, a folder or a series."""
    if isinstance(part, Images | TimeSeries | Table | Mapping) or is_frame(part):
        return True
    is_path = isinstance(part, str | os.PathLike)
    kinds = TabularPreprocessor | ImagePreprocessor | TimeSeriesPreprocessor
    return is_path and isinstance(model.preprocessor, kinds)


def _read_rows(model: Sequential, part: Any) -> Rows:
    """Return rows of any kind that fit takes, in memory.

    Raises:
        DataError: batches, or something else without targets.
    """
    preprocessor = model.preprocessor
    if isinstance(preprocessor, TimeSeriesPreprocessor):
        series = part if isinstance(part, TimeSeries) else preprocessor.read_series(part)
        return Rows(series)
    if isinstance(part, Images):
        return Rows(part)
    if isinstance(preprocessor, ImagePreprocessor) and isinstance(part, str | os.PathLike):
        return Rows(preprocessor.read_folder(part))
    is_pair = isinstance(part, tuple | list) and len(part) == 2
    x, y = part if is_pair else (part, None)
    if isinstance(preprocessor, TabularPreprocessor) and is_table(x):
        return _read_table_rows(preprocessor, x, y)
    if not is_pair:
        fix = f"Pass {EXPECTED}."
        raise DataError(message("report", "rows with targets", data=type(part).__name__, fix=fix))
    x, y = _to_array(x), _to_array(y)
    fits = x.ndim > 0 and y.ndim > 0 and len(x) == len(y)
    expected = "x and y with as many rows as each other"
    require(
        fits, "report", expected, error=DataError, x=x.shape, y=y.shape, fix=f"Pass {EXPECTED}."
    )
    return Rows(x, y)


def _read_table_rows(preprocessor: TabularPreprocessor, x: Any, y: Any) -> Rows:
    """Return the rows of a table that have a target."""
    table = read_table(x)
    if y is not None:
        return Rows(table, np.asarray(y))
    has_target = preprocessor.transform_xy(table)[2]
    return Rows(table if has_target is None else table.take(has_target))


def _to_array(values: Any) -> np.ndarray:
    """Return rows as an array; texts have NumPy's type of strings."""
    array = np.asarray(values)
    is_text = array.dtype.kind == "O" and all(isinstance(value, str) for value in array.flat)
    return array.astype(str) if is_text and array.size else array


def _assign(model: Sequential, run: RunData) -> RunData:
    """Return the run of one set of rows, as test rows if the model was not trained on them."""
    equal = find_training_rows(model, run.shown)
    if equal is None or equal.any():
        return run
    return replace(run, train=None, test=run.shown)


def _split_series(model: Sequential, run: RunData) -> RunData:
    """Return the run of a series whose steps after those of fit are for testing."""
    series, preprocessor = run.shown.x, model.preprocessor
    assert isinstance(preprocessor, TimeSeriesPreprocessor)
    start: int = preprocessor.times.steps_from(series.times)
    end = start + len(preprocessor.recent)
    if len(series) - end < preprocessor.target.horizon or start < 0:
        return run
    return replace(run, train=Rows(series[:end]), test=Rows(series[start:]))


def find_training_rows(model: Sequential, rows: Rows) -> np.ndarray | None:
    """Return which rows equal training rows, (n,) booleans; None if that is not known."""
    if isinstance(rows.x, TimeSeries):
        return None
    try:
        return model.is_training_row(rows.x)
    except (DataError, NotReadyError):
        return None
