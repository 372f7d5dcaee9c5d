"""Data of the studio: training and test rows from settings, drawn points, or the user's own data.

Every step that makes the rows is also written as Python, so that a script can repeat it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.data.dataset import Dataset, DatasetInfo
from glassnet.data.table import Table, read_table
from glassnet.datasets import CATALOGUE, load
from glassnet.datasets.table_sets import TableDataset
from glassnet.errors import DataError, lookup, require
from glassnet.studio_app.own_data import OwnData, own_data, read_upload
from glassnet.studio_app.own_targets import choose_target_type
from glassnet.studio_app.row_selection import (
    Steps,
    choose_names,
    describe_range,
    sample_rows,
    select_minority,
    shuffle_labels,
    split_rows,
)
from glassnet.studio_app.settings import DataSettings
from glassnet.studio_app.studio_data import DataColumn, StudioData
from glassnet.studio_app.table_data import make_table_data

__all__ = [
    "DataColumn",
    "OwnData",
    "StudioData",
    "describe_datasets",
    "make_data",
    "own_data",
    "read_upload",
]

POINTS, OWN = "points", "own"
"""Names of drawn points and of the user's data."""

OFFERED = (
    "xor_points",
    "circles",
    "gaussians",
    "spiral",
    "moons",
    "blobs",
    "plane",
    "valley",
    "pets",
    "line",
    "xor",
    "and",
    "or",
    "digits",
    "iris",
    "wine",
    "breast_cancer",
    "diabetes",
    "titanic",
    "house_prices",
    "mnist",
    "fashion_mnist",
)
"""Datasets of the studio, in the order in which the page lists them."""

OWN_TEST_ROWS = ("line", "mnist", "fashion_mnist")
"""Datasets whose test rows stay as they are."""

TRUTH_TABLES = ("xor", "and", "or")
"""Datasets of four rows, without test rows."""

MAX_IMAGES = (5000, 1000)
"""Number of training and test images that are used of a downloaded dataset."""

TITLES = {
    "xor_points": "XOR",
    "plane": "Plane",
    "xor": "XOR, four rows",
    "and": "AND, four rows",
    "or": "OR, four rows",
    "blobs": "Three clouds",
    "gaussians": "Two clouds",
    "spiral": "Spiral",
    "breast_cancer": "Breast cancer",
    "house_prices": "House prices",
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "line": "Line of the lecture",
}


def describe_datasets() -> list[dict[str, Any]]:
    """Return name, title, description, kind and whether noise can be set, of each dataset."""
    entries = []
    for name in OFFERED:
        info = CATALOGUE[name]
        entries.append(
            {
                "name": name,
                "title": _title(name),
                "about": info.about,
                "kind": _kind_of_info(info),
                "has_noise": "noise" in _options(info),
            }
        )
    return entries


def make_data(settings: DataSettings, own: OwnData | None = None) -> StudioData:
    """Return the rows that settings describe.

    Args:
        settings: which data, and which part of them.
        own: the user's data, for the name "own".

    Raises:
        ConfigError: an unknown dataset or column.
        DataError: no usable column or row; see `datasets.load`.
        DownloadError: see `datasets.load`.

    Example:
        >>> data = make_data(DataSettings("moons", n=100))
        >>> data.kind, data.n_train, data.n_test, data.class_names
        ('plane', 70, 30, ('upper', 'lower'))
    """
    if settings.name == POINTS:
        return _finish_arrays(settings, _draw_points(settings))
    if settings.name == OWN:
        fix = "Choose a file, or drop it on the page."
        require(own is not None, "studio", "a table of yours", error=DataError, fix=fix, file=None)
        assert own is not None
        if isinstance(own.rows, Table):
            return replace(make_table_data(settings, own, own.rows), is_private=True)
        data = _finish_arrays(settings, _read_own_arrays(settings, own))
        return replace(data, has_target_type=True)
    lookup("dataset", settings.name, dict.fromkeys(OFFERED, True))
    return _load_dataset(settings)


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " ").capitalize())


def _options(info: DatasetInfo) -> tuple[str, ...]:
    return tuple(inspect.signature(info.make).parameters)[1:]


def _kind_of_info(info: DatasetInfo) -> str:
    if len(info.shape) > 1:
        return "images"
    return {1: "line", 2: "plane"}.get(info.shape[0], "table")


@dataclass(frozen=True, eq=False)
class _Pool:
    """Rows before they are split.

    Attributes:
        title, feature_names, class_names, is_private: see `StudioData`.
        x, y: all rows, or the training rows if `test` has others.
        code: lines of Python that define x and y, and x_test and y_test if `test` has rows.
        test: test rows that stay as they are.
        can_split: whether rows may be held out.
        messages: sentences about the rows.
    """

    title: str
    x: np.ndarray
    y: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    code: tuple[str, ...]
    test: tuple[np.ndarray, np.ndarray] | None = None
    can_split: bool = True
    messages: tuple[str, ...] = ()
    is_private: bool = False


def _load_dataset(settings: DataSettings) -> StudioData:
    name = settings.name
    allowed = _options(CATALOGUE[name])
    options: dict[str, Any] = {"n": settings.n, "noise": settings.noise}
    options = {key: each for key, each in options.items() if key in allowed and each is not None}
    listed = "".join(f", {key}={each!r}" for key, each in options.items())
    data = load(name, seed=settings.seed, **options)
    line = f'data = gn.datasets.load("{name}", seed={settings.seed}{listed})'
    if isinstance(data, TableDataset):
        table = read_table(data.frame)
        code = (line, "table = gn.data.read_table(data.frame)")
        own = OwnData(_title(name), table, data.target, messages=table.messages, code=code)
        return make_table_data(settings, own, table)
    return _finish_arrays(settings, _pool_dataset(data, line))


def _pool_dataset(data: Dataset, line: str) -> _Pool:
    """Return all rows of a dataset together, or its own test rows beside them."""
    if data.name not in OWN_TEST_ROWS:
        return _pool_rows(data, line)
    x, y, x_test, y_test = data.x, data.y, data.x_test, data.y_test
    messages: tuple[str, ...] = ()
    part = test_part = ""
    if x.ndim > 2:
        n, n_test = MAX_IMAGES
        part, test_part = f"[:{n}]", f"[:{n_test}]"
        x, y, x_test, y_test = x[:n], y[:n], x_test[:n_test], y_test[:n_test]
        n, n_test = len(x), len(x_test)
        messages = (f"The first {n:,} training and {n_test:,} test images are used.",)
    code = (
        line,
        f"x, y = data.x{part}, data.y{part}",
        f"x_test, y_test = data.x_test{test_part}, data.y_test{test_part}",
    )
    names, test, title = data.feature_names, (x_test, y_test), _title(data.name)
    return _Pool(title, x, y, names, data.class_names, code, test=test, messages=messages)


def _pool_rows(data: Dataset, line: str) -> _Pool:
    """Return all rows of a dataset together."""
    x, y = data.x, data.y
    code = [line, "x, y = data.x, data.y"]
    can_split = data.name not in TRUTH_TABLES
    if can_split:
        x, y = np.concatenate([x, data.x_test]), np.concatenate([y, data.y_test])
        code[1:] = [
            "x = np.concatenate([data.x, data.x_test])",
            "y = np.concatenate([data.y, data.y_test])",
        ]
    names, classes, title = data.feature_names, data.class_names, _title(data.name)
    return _Pool(title, x, y, names, classes, tuple(code), can_split=can_split)


def _draw_points(settings: DataSettings) -> _Pool:
    points = settings.points
    x = np.array([(point.x1, point.x2) for point in points], np.float32).reshape(-1, 2)
    drawn = np.array([point.label for point in points], np.int64)
    labels, y = np.unique(drawn, return_inverse=True)
    names = tuple(f"class {label}" for label in labels.tolist())
    code = (
        "points = np.array([",
        *(f"    ({point.x1!r}, {point.x2!r}, {point.label})," for point in points),
        "])",
        "x = points[:, :2].astype(np.float32)",
        "y = np.unique(points[:, 2], return_inverse=True)[1]",
    )
    messages: tuple[str, ...] = ()
    if len(labels) < 2:
        messages = ("Draw at least two points, of two classes: then the network can be trained.",)
    inputs, can_split = ("x1", "x2"), len(labels) > 1
    return _Pool("Drawn points", x, y, inputs, names, code, can_split=can_split, messages=messages)


def _read_own_arrays(settings: DataSettings, own: OwnData) -> _Pool:
    steps = Steps(list(own.code), list(own.messages))
    own = choose_target_type(own, settings.target_type, steps)
    test = own.validation
    assert not isinstance(own.rows, Table)
    assert not isinstance(test, Table)
    x, y = own.rows
    if (rows := sample_rows(len(x), "your arrays", steps)) is not None:
        x, y = x[rows], y[rows]
        steps.code.append("x, y = x[rows], y[rows]")
    names, classes, code = own.feature_names, own.class_names, tuple(steps.code)
    messages = tuple(steps.messages)
    return _Pool(
        own.name, x, y, names, classes, code, test=test, messages=messages, is_private=True
    )


def _finish_arrays(settings: DataSettings, pool: _Pool) -> StudioData:
    """Select columns and rows, split the rows and shuffle the labels."""
    steps = Steps(list(pool.code), list(pool.messages))
    columns = _describe_columns(settings, pool)
    pool = _select_columns(settings, pool, steps)
    x, y, test = _select_rows(settings, pool, steps)
    if settings.shuffle_labels:
        y, function = shuffle_labels(settings, y, steps)
        steps.code.append(f"y = {function}(y)")
    if test is None:
        steps.code.append("x_test, y_test = None, None")
    return StudioData(
        settings,
        _kind_of_arrays(x, pool.feature_names),
        pool.title,
        x,
        y,
        test,
        len(x),
        0 if test is None else len(test[0]),
        pool.feature_names,
        pool.class_names,
        "class" if pool.class_names else "y",
        columns,
        tuple(steps.messages),
        is_private=pool.is_private,
        image_shape=x.shape[1:] if x.ndim > 2 else None,
        code=tuple(steps.code),
    )


def _select_rows(
    settings: DataSettings, pool: _Pool, steps: Steps
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Return the inputs and targets of the training rows, and the test rows or None."""
    x, y, test = pool.x, pool.y, pool.test
    rows = select_minority(settings, y if pool.class_names else None, "y", steps)
    if rows is not None:
        x, y = x[rows], y[rows]
        steps.code.append("x, y = x[rows], y[rows]")
    if test is not None:
        return x, y, test if settings.test_share else None
    labels = y if pool.class_names else None
    parts = split_rows(settings, len(x), labels, "y", steps) if pool.can_split else None
    if parts is None:
        return x, y, None
    steps.code.append("x_test, y_test = x[test_rows], y[test_rows]")
    steps.code.append("x, y = x[train_rows], y[train_rows]")
    train_rows, test_rows = parts
    return x[train_rows], y[train_rows], (x[test_rows], y[test_rows])


def _kind_of_arrays(x: np.ndarray, feature_names: Sequence[str]) -> str:
    if x.ndim == 2:
        return {1: "line", 2: "plane"}.get(x.shape[1], "table" if feature_names else "other")
    has_channels = x.ndim == 4 and x.shape[3] in (1, 3, 4)
    is_image = has_channels or (x.ndim == 3 and (x.dtype == np.uint8 or x.shape[1] == x.shape[2]))
    return "images" if is_image else "other"


def _describe_columns(settings: DataSettings, pool: _Pool) -> tuple[DataColumn, ...]:
    """Describe all columns of an array."""
    if pool.x.ndim != 2:
        return ()
    chosen = choose_names(settings, pool.feature_names)
    return tuple(
        DataColumn(name, "number", name in chosen, describe_range(values))
        for name, values in zip(pool.feature_names, pool.x.T, strict=True)
    )


def _select_columns(settings: DataSettings, pool: _Pool, steps: Steps) -> _Pool:
    """Return the pool with the columns of the settings."""
    names = pool.feature_names
    chosen = choose_names(settings, names)
    if chosen == names or pool.x.ndim != 2:
        return pool
    index = [names.index(name) for name in chosen]
    steps.code.append(f"x = x[:, {index}]")
    test = pool.test and (pool.test[0][:, index], pool.test[1])
    if test is not None:
        steps.code.append(f"x_test = x_test[:, {index}]")
    return replace(pool, x=pool.x[:, index], test=test, feature_names=chosen)
