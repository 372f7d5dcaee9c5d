"""Distinct values and finite numbers of a column. Oracle: a loop over the cells, by hand."""

import re

import numpy as np
import pytest

from glassnet.data import parsing
from glassnet.data.column_values import factorize, find_distinct, require_finite, to_float
from glassnet.errors import DataError

WORDS = ("b", "a", "", "nan", "NaN", "1", "01", "é", "e\u0301", "ﬁ", "fi", "日本")


def text(*values):
    return np.array(values, object)


@pytest.fixture(params=["by a dict", "by pandas"])
def any_path(request, monkeypatch):
    """Both ways to find the distinct values, whatever the number of rows."""
    n = {"by a dict": 10**9, "by pandas": 0}[request.param]
    monkeypatch.setattr(parsing, "MIN_PANDAS_ROWS", n)


@pytest.mark.usefixtures("any_path")
@pytest.mark.parametrize("n", [1, 7, 3000])
@pytest.mark.parametrize("gaps", ["none", "first", "middle", "all"])
def test_text_is_numbered_in_the_order_in_which_it_occurs(n, gaps):
    rng = np.random.default_rng(n)
    column = text(*WORDS)[rng.integers(0, len(WORDS), n)]
    missing = {"none": [], "first": [0], "middle": rng.integers(0, n, n // 5), "all": range(n)}
    column[list(missing[gaps])] = None
    values, codes = factorize(column)
    assert values == list(dict.fromkeys(column.tolist()))
    assert [values[code] for code in codes] == column.tolist()
    distinct = find_distinct(column)
    assert (distinct.texts, distinct.codes.tolist()) == (values, codes.tolist())
    counts = {}
    for cell in column:
        if cell is not None:
            counts[cell] = counts.get(cell, 0) + 1
    assert distinct.count() == counts
    assert list(distinct.count()) == list(counts)


@pytest.mark.usefixtures("any_path")
@pytest.mark.parametrize("n", [5, 3000])
def test_numbers_and_dates_are_numbered_too(n):
    rng = np.random.default_rng(n)
    days = np.datetime64("2024-02-28", "s") + rng.integers(0, 3, n) * np.timedelta64(86400, "s")
    for column in (rng.integers(0, 3, n) / 4, rng.integers(0, 2, n) == 1, days):
        values, codes = factorize(column)
        assert [values[code] for code in codes] == column.tolist()
        assert len(values) == len(set(column.tolist())) <= 3


def test_numbers_become_sorted_texts():
    distinct = find_distinct(np.array([2.5, np.nan, -1.0, np.nan, np.inf, 2.5]))
    assert distinct.texts == ["-1", "2.5", "inf", None]
    assert distinct.codes.tolist() == [1, 3, 0, 3, 2, 1]
    assert find_distinct(np.array([True, False])).texts == ["False", "True"]


@pytest.mark.usefixtures("any_path")
@pytest.mark.parametrize("n", [12, 3000])
def test_text_becomes_numbers_and_the_rest_is_listed(n):
    """Oracle: Python's float, cell by cell."""
    cells = text("1", " 2.5e3", None, "x", "1_000", "-inf", "n/d")[np.arange(n) % 7]
    x, unreadable = to_float(cells)
    wanted = [np.nan if c in (None, "x", "1_000", "n/d") else float(c) for c in cells]
    np.testing.assert_array_equal(x, wanted)
    assert unreadable == ["x", "1_000", "n/d"]


def test_numbers_and_booleans_are_returned_as_they_are():
    column = np.array([1.0, np.nan])
    assert to_float(column)[0] is column
    assert to_float(np.array([True, False]))[0].tolist() == [1.0, 0.0]


def test_infinite_numbers_are_refused():
    require_finite("column 'a'", np.array([np.nan, 1e308]), "")
    expected = (
        "column 'a': expected finite numbers. Received: row=1, value=-inf, rows_like_it=2. Drop."
    )
    with pytest.raises(DataError, match=re.escape(expected)):
        require_finite("column 'a'", np.array([np.nan, -np.inf, np.inf]), "Drop.")
    with pytest.raises(DataError, match=r"row=0, value=200\.0, rows_like_it=1"):
        require_finite("column 'a'", np.array([200.0, 3]), "", largest=100)
