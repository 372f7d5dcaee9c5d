"""Data of the studio: training and test rows from settings, drawn points, or the user's own data.

Every step that makes the rows is also written as Python, so that a script can repeat it.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.data.dataset import Dataset, DatasetInfo
from glassnet.data.table import Table, read_table
from glassnet.datasets import CATALOGUE, load
from glassnet.datasets.table_sets import TableDataset
from glassnet.errors import DataError, lookup, require
from glassnet.studio_app.array_data import ArrayRows, make_array_data
from glassnet.studio_app.own_data import OwnData
from glassnet.studio_app.own_targets import choose_target_type
from glassnet.studio_app.row_selection import DataLog, sample_rows
from glassnet.studio_app.settings import DataSettings
from glassnet.studio_app.studio_data import StudioData
from glassnet.studio_app.table_data import make_table_data

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

FEW_POINTS = "Draw at least two points, of two classes: then the network can be trained."

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
    """Return name, title, description, kind and noise of each dataset; None without noise."""
    entries = []
    for name in OFFERED:
        info = CATALOGUE[name]
        entries.append(
            {
                "name": name,
                "title": _title(name),
                "about": info.about,
                "kind": kind_of_dataset(name),
                "noise": _options(info).get("noise"),
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
        return make_array_data(settings, _draw_points(settings))
    if settings.name == OWN:
        fix = "Choose a file, or drop it on the page."
        require(own is not None, "studio", "a table of yours", error=DataError, fix=fix, file=None)
        assert own is not None
        if isinstance(own.rows, Table):
            return replace(make_table_data(settings, own), is_private=True)
        data = make_array_data(settings, _read_own_arrays(settings, own))
        return replace(data, has_target_type=True)
    lookup("dataset", settings.name, dict.fromkeys(OFFERED, True))
    return _load_dataset(settings)


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " ").capitalize())


def _options(info: DatasetInfo) -> dict[str, Any]:
    """Return the options of a dataset, and their defaults."""
    parameters = inspect.signature(info.make).parameters
    return {name: each.default for name, each in list(parameters.items())[1:]}


def kind_of_dataset(name: str) -> str:
    """Return the kind of a dataset: "line", "plane", "table" or "images".

    Example:
        >>> kind_of_dataset("digits")
        'images'
    """
    shape = CATALOGUE[name].shape
    return "images" if len(shape) > 1 else {1: "line", 2: "plane"}.get(shape[0], "table")


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
        return make_table_data(settings, own)
    read = _read_with_test_rows if name in OWN_TEST_ROWS else _read_together
    return make_array_data(settings, read(data, line))


def _read_with_test_rows(data: Dataset, line: str) -> ArrayRows:
    """Return the rows of a dataset, with its own test rows."""
    x, y, x_test, y_test = data.x, data.y, data.x_test, data.y_test
    messages, part, test_part = [], "", ""
    if x.ndim > 2:
        n, n_test = MAX_IMAGES
        part, test_part = f"[:{n}]", f"[:{n_test}]"
        x, y, x_test, y_test = x[:n], y[:n], x_test[:n_test], y_test[:n_test]
        n, n_test = len(x), len(x_test)
        messages = [f"The first {n:,} training and {n_test:,} test images are used."]
    code = [
        line,
        f"x, y = data.x{part}, data.y{part}",
        f"x_test, y_test = data.x_test{test_part}, data.y_test{test_part}",
    ]
    names, title, log = data.feature_names, _title(data.name), DataLog(code, messages)
    return ArrayRows(title, x, y, names, data.class_names, log, test=(x_test, y_test))


def _read_together(data: Dataset, line: str) -> ArrayRows:
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
    return ArrayRows(title, x, y, names, classes, DataLog(code), can_split=can_split)


def _draw_points(settings: DataSettings) -> ArrayRows:
    points = settings.points
    x = np.array([(point.x1, point.x2) for point in points], np.float32).reshape(-1, 2)
    drawn = np.array([point.label for point in points], np.int64)
    labels, y = np.unique(drawn, return_inverse=True)
    names = tuple(f"class {label}" for label in labels.tolist())
    code = [
        "points = np.array([",
        *(f"    ({point.x1!r}, {point.x2!r}, {point.label})," for point in points),
        "])",
        "x = points[:, :2].astype(np.float32)",
        "y = np.unique(points[:, 2], return_inverse=True)[1]",
    ]
    log, can_split = DataLog(code), len(labels) > 1
    if not can_split:
        log.messages.append(FEW_POINTS)
    return ArrayRows("Drawn points", x, y, ("x1", "x2"), names, log, can_split=can_split)


def _read_own_arrays(settings: DataSettings, own: OwnData) -> ArrayRows:
    log = DataLog(list(own.code), list(own.messages))
    own = choose_target_type(own, settings.target_type, log)
    test = own.validation
    assert not isinstance(own.rows, Table)
    assert not isinstance(test, Table)
    x, y = own.rows
    if (rows := sample_rows(len(x), "your arrays", log)) is not None:
        x, y = x[rows], y[rows]
        log.code.append("x, y = x[rows], y[rows]")
    names, classes = own.feature_names, own.class_names
    return ArrayRows(own.name, x, y, names, classes, log, test, is_private=True)
