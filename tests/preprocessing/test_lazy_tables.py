"""Preprocessors of tables that are read in parts. Oracle: the same rows in memory."""

import warnings
from dataclasses import fields, is_dataclass

import numpy as np
import polars as pl
import pytest
from lazy_sweep import make_table

from glassnet import datasets
from glassnet.data.split import RowSplit
from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing import lazy_columns, lazy_tables, number_samples, scanned_texts
from glassnet.preprocessing.base import HeadSpec, TableRequest
from glassnet.preprocessing.encoder import DroppedColumn, NumericColumn
from glassnet.preprocessing.lazy_tables import fit_preprocessor
from glassnet.preprocessing.number_samples import MedianSearch
from glassnet.preprocessing.tabular import prepare_table

HEADS = [HeadSpec(end, rescaled=False) for end in ("linear", "softmax", "sigmoid")]


def outcome(function):
    """Return the result of a function or its error, and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function()
        except (ConfigError, DataError) as error:
            result = f"{type(error).__name__}: {error}"
    return result, [str(each.message) for each in caught]


def differences(found, expected, path=""):
    """Return where plain data differs; floats may differ by a part in 10^9."""
    if isinstance(expected, float) and isinstance(found, float):
        is_close = abs(found - expected) <= 1e-9 * abs(expected) or found == expected
        return [] if is_close else [f"{path}: {found!r} is not {expected!r}"]
    if (
        type(found) is type(expected)
        and isinstance(expected, tuple)
        and len(found) == len(expected)
    ):
        pairs = enumerate(zip(found, expected, strict=True))
        return [text for i, pair in pairs for text in differences(*pair, f"{path}[{i}]")]
    if type(found) is type(expected) and is_dataclass(expected):
        names = [field.name for field in fields(expected)]
        pairs = [
            (getattr(found, name), getattr(expected, name), f"{path}.{name}") for name in names
        ]
        return [text for pair in pairs for text in differences(*pair)]
    return [] if found == expected else [f"{path}: {found!r} is not {expected!r}"]


def compare(frame, request, head, part_rows, monkeypatch):
    """Compare a frame read in parts with the frame in memory; return its error, or ""."""
    monkeypatch.setattr(lazy_columns, "PART_ROWS", part_rows)
    expected, expected_warnings = outcome(
        lambda: prepare_table(frame, None, request, head, None, RowSplit())
    )
    found, found_warnings = outcome(lambda: fit_preprocessor(frame.lazy(), request, head, None))
    if isinstance(expected, str) or isinstance(found, str):
        is_early = isinstance(expected, str) and "target 'y': expected numbers" in found
        assert found == expected or is_early  # a target of dates is refused before all columns
        return expected
    preprocessor, messages = found
    assert differences(preprocessor, expected.preprocessor) == []
    assert messages == expected.messages
    assert found_warnings == expected_warnings
    rows = frame if expected.has_target is None else frame.filter(pl.Series(expected.has_target))
    np.testing.assert_allclose(preprocessor.transform(rows), expected.x, rtol=1e-6, atol=1e-6)
    return ""


def compare_seed(seed, monkeypatch):
    rng = np.random.default_rng([seed, 1])
    frame, types, derive = make_table(seed)
    request = TableRequest("y", types, derive, "log" if rng.random() < 0.2 else None)
    part_rows = int(rng.choice([7, 50, 400, 100_000]))
    return compare(frame, request, HEADS[rng.integers(3)], part_rows, monkeypatch)


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_table_in_memory(seed, monkeypatch):
    """Encodings, messages, warnings and errors of tables with every kind of column."""
    compare_seed(seed, monkeypatch)


@pytest.mark.slow
def test_equals_many_tables_in_memory(monkeypatch):
    """Both ways fit or refuse: among the tables are many of each."""
    errors = [compare_seed(seed, monkeypatch) for seed in range(100, 400)]
    assert 50 < sum(not error for error in errors) < 250


@pytest.mark.parametrize("name", ["titanic", "house_prices"])
def test_equals_real_tables_in_memory(name, monkeypatch, shared_data):
    frame = pl.from_pandas(datasets.load(name).train)
    target, end = {"titanic": ("survived", 2), "house_prices": ("SalePrice", 0)}[name]
    log = None if end else "log"
    request = TableRequest(target, target_transform=log)
    assert compare(frame, request, HEADS[end], 100, monkeypatch) == ""


N = 3_000
LINEAR = HEADS[0]


def long_frame(**columns):
    """Return a frame of N rows with a numeric target y."""
    rng = np.random.default_rng(5)
    return pl.DataFrame({**columns, "y": rng.normal(size=N)})


def fit_both(frame, request=None):
    """Return the encodings by column, in parts and in memory, and the messages of both."""
    request = request or TableRequest("y")
    found, messages = fit_preprocessor(frame.lazy(), request, LINEAR, None)
    expected = prepare_table(frame, None, request, LINEAR, None, RowSplit())
    by_name = [
        {column.name: column for column in each.encoder.columns}
        for each in (found, expected.preprocessor)
    ]
    return *by_name, messages, expected.messages


def test_medians_of_many_numbers_are_exact_if_they_are_needed(monkeypatch):
    """A column with gaps is read again; the median of one without gaps is that of a sample."""
    monkeypatch.setattr(lazy_columns, "PART_ROWS", 100)
    monkeypatch.setattr(lazy_tables, "MAX_MEDIAN_ROWS", 400)
    rng = np.random.default_rng(0)
    x = rng.normal(size=N)
    gaps = np.where(rng.random(N) < 0.3, np.nan, x)
    ages = np.where(rng.random(N) < 0.3, np.nan, rng.integers(1, 9, N))
    frame = long_frame(x=x, gaps=gaps, ages=ages)
    request = TableRequest("y", derive=(("double", "gaps + ages"),))
    found, expected, messages, expected_messages = fit_both(frame, request)
    for name in ("gaps", "ages", "double"):
        assert differences(found[name], expected[name]) == []
    assert 0 < abs(found["x"].median - expected["x"].median) < 0.2  # a sample of 200 to 400 rows
    assert abs(found["x"].mean - expected["x"].mean) < 1e-12
    line = "x: no value is missing; one that is missing later becomes the median of a sample"
    assert messages == (*expected_messages, line)


def test_numbers_of_rows_are_found_among_many(monkeypatch):
    """Integers that all differ, and with one that occurs twice; few are kept for comparison."""
    monkeypatch.setattr(number_samples, "MAX_DIFFERENT", 100)
    monkeypatch.setattr(lazy_columns, "PART_ROWS", 100)
    rng = np.random.default_rng(1)
    order = rng.permutation(N)
    half = np.repeat(np.arange(N // 2), 2)[order]
    far = np.arange(N) % (N // 2)
    frame = long_frame(a=order, user_id=7 * order, twice=half, far=far, x=order / 2)
    found, expected, *_ = fit_both(frame)
    assert found["a"] == expected["a"] == DroppedColumn("a", "it numbers the rows")
    assert (
        found["user_id"] == expected["user_id"] == DroppedColumn("user_id", "it numbers the rows")
    )
    assert isinstance(found["twice"], NumericColumn)
    assert isinstance(found["far"], NumericColumn)
    assert isinstance(found["x"], NumericColumn)


@pytest.fixture
def few_texts(monkeypatch):
    monkeypatch.setattr(scanned_texts, "MAX_TEXTS", 200)
    monkeypatch.setattr(scanned_texts, "MAX_GROUPS", 500)
    monkeypatch.setattr(lazy_columns, "PART_ROWS", 100)


@pytest.mark.usefixtures("few_texts")
def test_columns_of_many_texts_equal_those_in_memory():
    """Identifiers, prose, dates and times in text, a category among others: by the same rules."""
    order = np.random.default_rng(2).permutation(N)
    times = [str(np.datetime64("2024-01-01T00:00", "m") + 7 * i) for i in order]
    frame = long_frame(
        ticket=[f"T{i}" for i in order],
        digits=[str(i) for i in order],
        prose=[f"the {i} quick fox" for i in order],
        time=[None if i % 50 == 0 else text for i, text in enumerate(times)],
        note=["none" if i % 3 else f"note {i}" for i in order],
        gaps=[f"note {i}" if i % 3 == 0 else None for i in order],
    )
    found, expected, *_ = fit_both(frame)
    assert [type(each).__name__ for each in found.values()] == [
        *["DroppedColumn"] * 3,
        "DateColumn",
        "CategoricalColumn",
        "CategoricalColumn",
    ]
    for name, column in found.items():
        assert differences(column, expected[name]) == []


@pytest.mark.usefixtures("few_texts")
@pytest.mark.parametrize("name", ["len", "text"])
def test_a_column_of_many_texts_may_have_any_name(name):
    """These are names of columns that Polars or the code make while they count."""
    texts = ["none" if i % 3 else f"note {i}" for i in range(N)]
    found, expected, *_ = fit_both(long_frame(**{name: texts}))
    assert type(found[name]).__name__ == "CategoricalColumn"
    assert differences(found[name], expected[name]) == []


@pytest.mark.usefixtures("few_texts")
def test_types_of_many_texts_may_be_stated():
    """Numbers in text and categories: the column is read again."""
    rng = np.random.default_rng(3)
    numbers = [f"{value:.3f}".replace(".", ",") for value in rng.normal(size=N)]
    codes = [f"c{value}" for value in rng.integers(0, 250, N)]
    frame = long_frame(number=[*numbers[:-1], "unknown"], code=codes)
    types = (("number", "number"), ("code", "category"))
    found, expected, *_ = fit_both(frame, TableRequest("y", types))
    assert differences(found["number"], expected["number"]) == []
    assert len(found["code"].categories) > 100
    assert found["code"] == expected["code"]


@pytest.mark.usefixtures("few_texts")
def test_the_number_of_many_categories_is_an_estimate():
    codes = [f"c{value}" for value in np.random.default_rng(4).integers(0, 300, N)]
    found, expected, *_ = fit_both(long_frame(code=codes, x=np.arange(N) % 7))
    text = expected["code"].reason
    assert text.startswith("it has")
    n_found = int(found["code"].reason.removeprefix("it has about ").removesuffix(" categories"))
    n_expected = int(text.removeprefix("it has ").removesuffix(" categories"))
    assert abs(n_found - n_expected) < 0.3 * n_expected


@pytest.mark.usefixtures("few_texts")
def test_a_word_among_many_numbers_is_refused():
    """The word is in few rows, and the numbers are a sample: it is found in any case."""
    values = [str(i) for i in np.random.default_rng(6).permutation(N)]
    with pytest.raises(DataError, match=r"numbers or text, not both.*\['unknown'\]"):
        fit_preprocessor(
            long_frame(a=[*values[:-2], "unknown", "unknown"]).lazy(),
            TableRequest("y"),
            LINEAR,
            None,
        )


@pytest.mark.parametrize("end", ["softmax", "sigmoid"])
@pytest.mark.parametrize("values", [["b", "a", "rare"], [0, 1, 7], [True, False, True]])
def test_labels_of_rows_held_out_are_learned_too(end, values, monkeypatch):
    """The last label is only in rows that are held out; the encodings are those of training rows."""
    monkeypatch.setattr(lazy_columns, "PART_ROWS", 30)
    rng, head = np.random.default_rng(7), HeadSpec(end, rescaled=False)
    x, codes = rng.normal(size=100), rng.integers(0, 2, 100)
    split = RowSplit(0.3, "end")
    codes[90:92] = 2
    frame = pl.DataFrame({"x": x, "y": [values[code] for code in codes]})
    request = TableRequest("y")
    expected = prepare_table(frame, None, request, head, None, split)
    train = frame[expected.train_index]
    found, messages = fit_preprocessor(train.lazy(), request, head, None, all_rows=frame.lazy())
    assert differences(found, expected.preprocessor) == []
    assert messages == expected.messages


def test_booleans_are_numbers_if_one_is_missing_in_a_row_without_target():
    """As in memory, where the type of a column is that of all rows."""
    frame = pl.DataFrame({"b": [True, False, True, None], "y": [1.0, 2.0, 4.0, None]})
    found, expected, *_ = fit_both(frame)
    assert differences(found["b"], expected["b"]) == []
    assert isinstance(found["b"], NumericColumn)


@pytest.mark.parametrize("n_values", [3, 30, 10**9])
def test_the_median_is_found_between_two_numbers_of_a_sample(n_values):
    """Oracle: NumPy's median of all numbers, of few different ones and of many."""
    rng = np.random.default_rng(8)
    for n in rng.integers(50, 2_000, 40):
        x = rng.integers(0, n_values, n).astype(float)
        search = MedianSearch(rng.choice(x, 40, replace=False))
        for part in np.array_split(np.append(x, np.nan), 3):
            search.add(part)
        assert search.find() in (None, np.median(x))
        assert search.find() is not None or n_values == 10**9


@pytest.mark.parametrize("x", [[1, 1, 2, 3, 3], [1, 3], [1, 1, 3, 3], [0, 1, 2, 2.5, 4]])
def test_the_median_may_be_one_of_the_two_numbers(x):
    search = MedianSearch(np.array([1.0, 3.0]))
    search.add(np.array(x, float))
    assert search.find() == np.median(x)


def test_a_median_beyond_the_numbers_of_a_sample_is_not_found():
    search = MedianSearch(np.zeros(9))
    search.add(np.ones(20))
    assert search.find() is None


def test_blanks_around_text_are_those_of_python():
    """Polars strips other signs than Python, and both ways must find the same categories."""
    words = ["red", " red", "red\x1f", "blue", "\u00a0blue", "\u2003blue\n"]
    found, expected, *_ = fit_both(long_frame(color=words * (N // 6)))
    assert found["color"] == expected["color"]
    assert found["color"].categories == ("blue", "red")
