"""The encoder against a plain loop over the cells, bit by bit. Oracle: the loop."""

import datetime
import math
import statistics
from collections import Counter

import numpy as np
import pytest

from glassnet.data import parsing
from glassnet.data.split import RowSplit
from glassnet.data.table import Table
from glassnet.preprocessing import encoder as encoder_module
from glassnet.preprocessing.base import HeadSpec
from glassnet.preprocessing.encoder import (
    CLIP_STDS,
    BooleanColumn,
    CategoricalColumn,
    DateColumn,
    NumericColumn,
)
from glassnet.preprocessing.encoding_rules import fit_encoder, min_frequency
from glassnet.preprocessing.tabular import check_table_request, prepare_table
from glassnet.preprocessing.targets import fit_class_target

pytestmark = pytest.mark.usefixtures("any_path")

EPOCH = datetime.datetime(1970, 1, 1)
PARTS = {
    "day": lambda date: (date - EPOCH).days,
    "month": lambda date: date.month,
    "weekday": lambda date: date.weekday(),
    "hour": lambda date: date.hour,
}


@pytest.fixture(params=["by a dict", "by pandas"])
def any_path(request, monkeypatch):
    """Both ways to find the distinct values, whatever the number of rows."""
    n = {"by a dict": 10**9, "by pandas": 0}[request.param]
    monkeypatch.setattr(parsing, "MIN_PANDAS_ROWS", n)


def draw_table(seed, n):
    """Return columns of every type, with and without gaps, and an infrequent word."""
    rng = np.random.default_rng(seed)
    words = np.array(["red", "green", "blue", "grey"], object)[rng.integers(0, 4, n)]
    words[0] = "once"
    gappy = np.where(rng.random(n) < 0.1, None, words)
    seconds = rng.integers(0, 2**31, n).astype("timedelta64[s]")
    dates = np.datetime64("1960-01-01", "s") + seconds
    european = np.array([date.strftime("%d.%m.%Y") for date in dates.tolist()], object)
    dates[::9] = np.datetime64("NaT", "s")
    return {
        "x": rng.normal(3, 2, n) ** 3,
        "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        "flag": rng.random(n) < 0.3,
        "word": words,
        "gappy": gappy,
        "yes": np.array(["Yes", "no", None], object)[rng.integers(0, 3, n)],
        "coerced": np.array(["1", "2.5", "n/d", None], object)[rng.integers(0, 4, n)],
        "when": dates,
        "european": european,
    }


TYPES = {"yes": "boolean", "coerced": "number"}


def read_number(cell):
    try:
        return math.nan if cell is None else float(cell)
    except ValueError:
        return math.nan


def encode_number(column, x):
    missing = math.isnan(x)
    scaled = ((column.median if missing else x) - column.mean) / column.scale
    return [min(max(scaled, -CLIP_STDS), CLIP_STDS), *[missing] * column.add_indicator]


def encode_cell(column, cell):
    """Return the features of one cell."""
    if isinstance(column, NumericColumn):
        return encode_number(column, read_number(cell))
    if isinstance(column, BooleanColumn):
        known = {"yes": 1, "no": 0, True: 1, False: 0}
        value = known.get(cell.lower() if isinstance(cell, str) else cell)
        return [column.median if value is None else value, *[value is None] * column.add_indicator]
    if isinstance(column, CategoricalColumn):
        one_hot = [float(cell == category) for category in column.categories]
        if column.has_other:
            return [*one_hot, float(cell not in column.categories)]
        return one_hot if cell in column.categories else list(column.frequencies)
    if isinstance(cell, str):
        cell = datetime.datetime.strptime(cell, column.date_format)
    return [
        feature
        for part in column.parts
        for feature in encode_number(
            part, math.nan if cell is None else PARTS[part.name.split()[-1]](cell)
        )
    ]


@pytest.mark.parametrize("n", [40, 700])
@pytest.mark.parametrize("block_rows", [16_384, 64])
def test_the_encoder_equals_a_loop_over_the_cells(n, block_rows, monkeypatch):
    monkeypatch.setattr(encoder_module, "BLOCK_ROWS", block_rows)
    encoder = fit_encoder(Table(draw_table(1, n)), TYPES)
    assert not encoder.dropped_columns()
    for rows in (draw_table(1, n), draw_table(2, n), draw_table(3, 1)):
        by_column = [
            [encode_cell(column, cell) for cell in rows[column.name].tolist()]
            for column in encoder.columns
        ]
        wanted = np.concatenate([np.array(features, float) for features in by_column], axis=1)
        found = encoder.transform(Table(rows))
        np.testing.assert_array_equal(found, wanted.astype(np.float32), strict=True)


@pytest.mark.parametrize("n", [40, 700])
def test_the_statistics_equal_those_of_a_loop_over_the_cells(n):
    rows = draw_table(1, n)
    columns = {column.name: column for column in fit_encoder(Table(rows), TYPES).columns}
    for name in ("x", "gaps", "coerced"):
        numbers = [read_number(cell) for cell in rows[name].tolist()]
        known = [x for x in numbers if not math.isnan(x)]
        median = statistics.median(known)
        filled = np.array([median if math.isnan(x) else x for x in numbers])
        expected = NumericColumn(
            name, filled.mean(), filled.std(), median, len(known) < n, name == "coerced"
        )
        assert columns[name] == expected
    for name in ("word", "gappy"):
        counts = Counter(rows[name].tolist())
        common = [word for word, count in counts.items() if count >= min_frequency(n)]
        common.sort(key=lambda word: (word is None, word))
        frequencies = tuple(counts[word] / n for word in common)
        expected = CategoricalColumn(name, tuple(common), frequencies, len(common) < len(counts))
        assert columns[name] == expected
    assert columns["yes"].median == (
        statistics.median(cell == "Yes" for cell in rows["yes"] if cell) > 0.5
    )
    assert isinstance(columns["when"], DateColumn)
    assert len(columns["when"].parts) == 4
    assert [part.name for part in columns["european"].parts] == [
        "european day",
        "european month",
        "european weekday",
    ]


def test_differences_too_small_to_square_have_no_scale():
    """Oracle: by hand. The squares of 1e-200 are 0 in float64: never divide by that deviation."""
    x = np.arange(30) % 2 * 1e-200
    encoder = fit_encoder(Table({"x": x}))
    assert encoder.columns[0].scale == 1
    np.testing.assert_array_equal(encoder.transform(Table({"x": x})), np.zeros((30, 1)))


@pytest.mark.filterwarnings("ignore:y. (the class|each of the classes)")  # some have a single row
@pytest.mark.parametrize("n", [30, 2000])
def test_labels_become_classes_and_the_rows_are_split_by_them(n):
    """Oracle: a dict, and a split stratified by the labels as text (of 0 to 11, "10" before "2")."""
    rng = np.random.default_rng(n)
    words = np.array(["no", "yes", "may be"], object)
    for labels in (words[rng.integers(0, 3, n)], rng.integers(0, 12, n) * 1.0):
        target = fit_class_target("y", labels)
        position = {label: i for i, label in enumerate(sorted(set(labels.tolist())))}
        assert target.transform(labels).tolist() == [position[label] for label in labels.tolist()]
        table = Table({"x": rng.normal(size=n), "y": labels})
        head, split = HeadSpec("softmax", False, (len(position),)), RowSplit(0.2, "random", 7)
        prepared = prepare_table(
            table, None, check_table_request("y", None, None, None), head, None, split
        )
        train_index, validation_index = split.split(n, labels.astype(str))
        np.testing.assert_array_equal(prepared.train_index, train_index)
        np.testing.assert_array_equal(prepared.validation_index, validation_index)
