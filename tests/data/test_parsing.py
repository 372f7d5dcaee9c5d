"""Tests of text cells stored by their distinct values. Oracle: a loop over the cells."""

import numpy as np
import pytest

from glassnet.data import parsing

TEXTS = ["1", "-2.5e3", "x", "1_0", "", "inf", "7", " 8 ", "1,5"]


@pytest.fixture(params=["dict", "pandas"], autouse=True)
def library(request, monkeypatch):
    """Find distinct cells with a dict, then with pandas."""
    monkeypatch.setattr(parsing, "MIN_PANDAS_ROWS", 1 if request.param == "pandas" else 2**60)


def random_cells(seed, n=200):
    """Return cells of text, some of them missing."""
    return np.random.default_rng(seed).choice(np.array([*TEXTS, None], object), n)


def test_distinct_texts_are_those_of_the_cells_in_their_order():
    cells = random_cells(0)
    texts, codes = parsing.factorize(cells)
    assert texts == list(dict.fromkeys(cell for cell in cells if cell is not None))
    assert [texts[code] if code >= 0 else None for code in codes] == cells.tolist()
    np.testing.assert_array_equal(parsing.factorize(cells.tolist()).codes, codes)
    assert parsing.factorize([None, None]).to_objects().tolist() == [None, None]


def test_conversion_of_distinct_texts_is_that_of_each_cell():
    """Texts that become equal are merged; some become missing."""
    cells = ["a", "A ", "-", None, "b", "a"]
    distinct = parsing.factorize(cells).convert(
        lambda text: None if text == "-" else text.lower().strip()
    )
    assert distinct.texts == ["a", "b"]
    assert distinct.to_objects().tolist() == ["a", "a", None, None, "b", "a"]


def test_missing_entries_are_none_alone():
    column = np.array(["x", None, "", "None", "nan"], object)
    assert parsing.is_missing(column).tolist() == [False, True, False, False, False]


@pytest.mark.parametrize(
    ("text", "loses"),
    [
        ("9" * 5000, True),
        ("-" + "9" * 5000, True),
        ("0" * 5000 + "7", False),
        ("-" + "0" * 5000, False),
        ("9007199254740993", True),
        ("-9007199254740992", False),
        ("1" + "0" * 308, True),
    ],
)
def test_integers_that_float64_changes(text, loses):
    """Oracle: by hand. 2^53 + 1 is the first such integer, and 10^308 is no sum of few powers of 2."""
    assert parsing.loses_precision([text]) == loses
