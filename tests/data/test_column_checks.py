"""Checks of columns before training. Oracle: data that are made with the fault, or without it."""

import numpy as np
import pandas
import pytest
from sklearn import datasets

from glassnet.data.column_checks import (
    find_class_typos,
    find_leaks,
    find_missing_code,
    find_problems,
)
from glassnet.data.table import read_table
from glassnet.errors import ConfigError

RNG = np.random.default_rng(0)
N = 600


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"Healthy": 40, "healthy ": 5, "helthy": 1, "Sick": 30},
            {"healthy ": "Healthy", "helthy": "Healthy"},
        ),
        (
            {"New York": 90, "new-york": 60, "NewYork": 2},
            {"new-york": "New York", "NewYork": "New York"},
        ),
        ({"yes": 50, "Yes": 49, "no": 40}, {"Yes": "yes"}),
        ({"virginica": 50, "vriginica": 1, "setosa": 50}, {"vriginica": "virginica"}),
        ({"benign": 300, "benigm": 2}, {"benigm": "benign"}),
        ({"malignant": 300, "malignent": 5}, {"malignent": "malignant"}),
        ({"very good": 70, "verry good": 1}, {"verry good": "very good"}),
        ({"<=50K": 50, "<=50K.": 25, ">50K": 20, ">50K.": 9}, {"<=50K.": "<=50K", ">50K.": ">50K"}),
        ({"caf\u00e9": 50, "cafe\u0301": 5, "cafe": 40}, {"cafe\u0301": "caf\u00e9"}),
        (
            {"Rome": 50, "\ufeffRome": 5, "Ro\u200bme": 2},
            {"\ufeffRome": "Rome", "Ro\u200bme": "Rome"},
        ),
        ({"1": 50, "1.0": 20, "x": 9}, {"1.0": "1"}),
        ({"M": 50, "F": 40, "m": 3}, {"m": "M"}),
        ({"healthy": 300, "helthy": 40, "sick": 260}, {"helthy": "healthy"}),
    ],
)
def test_misspelled_classes_are_found(counts, expected):
    assert find_class_typos(counts) == expected


@pytest.mark.parametrize(
    "counts",
    [
        {"class1": 50, "class2": 1},
        {"male": 50, "female": 1},
        {"A": 50, "a": 20, "B": 1},
        {"AB+": 50, "AB-": 1, "A+": 30, "A-": 2},
        {"1": 50, "1.5": 2, "10": 1, "nan": 4, "inf": 3},
        {"A": 50, "A+": 20, "A-": 9, "A?": 2},
        {"INLAND": 6551, "ISLAND": 5},
        {"typical": 60, "atypical": 1},
        {"hypothyroid": 100, "hyperthyroid": 1},
        {"grade II": 50, "grade III": 1},
        {"north": 50, "forth": 40},
        {"horse": 300, "hoarse": 40},
        {"coastal": 300, "costal": 150},
        {"dogs": 50, "doges": 40, "dog": 1},
        {"type one": 50, "type two": 1, "left eye": 9, "right eye": 1},
    ],
)
def test_other_pairs_are_different_classes(counts):
    assert find_class_typos(counts) == {}


def test_many_classes_are_not_compared():
    assert find_class_typos({f"word{chr(97 + i % 26)}{i}": 9 for i in range(3000)}) == {}


def with_code(values, code, share):
    values = np.asarray(values, float).copy()
    values[RNG.random(len(values)) < share] = code
    return values


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (RNG.gamma(2, 1, N).round(1), -200),
        (RNG.gamma(2, 100, N).round(), -200),
        (RNG.normal(18, 9, N).round(1), -200),
        (RNG.normal(0, 1, N), -999),
        (RNG.normal(10, 8, N).round(1), 999.9),
        (RNG.integers(0, 28, N), 999),
        (RNG.integers(100, 3000, N), 9999),
        (RNG.normal(100, 10, N).round(), -32768),
        (RNG.normal(100, 10, N), 1e20),
        (np.arange(N) % 5 + 1, -99),
        (np.arange(N) % 5 + 1, 99),
        (np.arange(N) % 11, 999),
    ],
)
@pytest.mark.parametrize("share", [0.03, 0.4])
def test_numbers_that_stand_for_missing_are_found(values, code, share):
    column = with_code(values, code, share)
    found = find_missing_code(column)
    assert found.value == code
    assert found.share == np.mean(column == code)
    assert find_missing_code(np.asarray(values, float)) is None


@pytest.mark.parametrize(
    "values",
    [
        np.minimum(RNG.integers(18, 120, N), 90),
        with_code(RNG.gamma(2, 16, N), 0, 0.2),
        np.where(RNG.random(N) < 0.9, 0, RNG.integers(480, 738, N)),
        with_code(RNG.integers(18, 91, N), 99, 0.05),
        with_code(RNG.integers(0, 30, N), -1, 0.1),
        RNG.choice([10, 20, 999], N),
        np.append(RNG.normal(0, 1, N), [-999, -999]),
        RNG.standard_cauchy(N),
        RNG.integers(-1, 12, N),
        RNG.random(N) < 0.5,
        with_code(np.arange(N) % 5 + 1, 9, 0.05),
        with_code(np.arange(N) % 5 * 10 + 10, 99, 0.05),
        with_code(np.arange(N) % 3 / 100, 0.99, 0.05),
    ],
    ids=[
        "capped",
        "zeros",
        "mostly zero",
        "ages",
        "counts",
        "doses",
        "twice",
        "heavy tails",
        "scale",
        "booleans",
        "answers",
        "tens",
        "prices",
    ],
)
def test_frequent_numbers_that_may_be_values_are_left_alone(values):
    column = values if values.dtype == bool else np.asarray(values, float)
    assert find_missing_code(column) is None


def columns(**more):
    return {"noise": RNG.random(N), "town": RNG.choice(["a", "b", "c"], N).astype(object)} | more


Y = RNG.integers(0, 3, N)
PRICE = RNG.lognormal(5, 1, N)


@pytest.mark.parametrize(
    "leak",
    [
        Y * 10.0,
        np.array(["x", "y", "z"], object)[Y],
        Y + RNG.normal(0, 0.05, N),
        np.where(RNG.random(N) < 0.97, np.array(["x", None, "z"], object)[Y], "x"),
        np.datetime64("2020-01-01", "s") + (Y * 86_400).astype("timedelta64[s]"),
    ],
    ids=["code", "text", "noisy number", "with gaps", "date"],
)
def test_a_column_that_gives_the_class_away_is_found(leak):
    assert list(find_leaks(columns(leak=leak), Y.astype(float), True)) == ["leak"]
    text = np.array(["a", "b", "c"], object)[Y]
    assert list(find_leaks(columns(leak=leak), text, True)) == ["leak"]


def test_two_leaks_are_both_found():
    leaks = find_leaks(
        columns(one=Y * 1.0, more=RNG.random(N), two=-Y + RNG.normal(0, 0.05, N)), Y, True
    )
    assert list(leaks) == ["one", "two"]


@pytest.mark.parametrize(
    "leak",
    [PRICE * 0.9, np.log(PRICE), (PRICE / 12).round(2), 1e6 - PRICE],
    ids=["scaled", "log", "rounded", "rest"],
)
def test_a_column_that_gives_the_number_away_is_found(leak):
    assert list(find_leaks(columns(leak=leak), PRICE, False)) == ["leak"]


def test_good_columns_are_no_leaks():
    """Oracle: well-known data sets, in which columns are good but give nothing away."""
    for name in ("iris", "wine", "breast_cancer", "diabetes"):
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        features = {column: frame[column].to_numpy(float) for column in frame if column != "target"}
        target = frame.target.to_numpy(float)
        assert find_leaks(features, target, name != "diabetes") == {}
        if name == "iris":  # both measures of the petals tell setosa from the others
            assert find_leaks(features, (target == 0) * 1.0, True) == {}
    numbers = {"one": Y * 1.0, "two": Y * 2.0, "noise": RNG.random(N)}
    assert find_leaks(numbers, Y * 1.0, True) == {}  # most of the columns: the task is easy
    assert find_leaks(columns(rank=np.arange(N) * 1.0), RNG.permutation(Y), True) == {}
    assert find_leaks({"only": Y * 1.0}, Y, True) == {}
    few = {name: values[:50] for name, values in columns(leak=Y * 1.0).items()}
    assert find_leaks(few, Y[:50], True) == {}


def test_sentences():
    """Oracle: by hand. 590 and 9 rows are two spellings, and one row is alone."""
    temperature = RNG.normal(18, 9, N)
    temperature[:30] = -200
    frame = columns(leak=Y * 1.0, T=temperature, RH=temperature * 1.0)
    typos, rare, code, leak = find_problems(frame, "state", Y, {"well": 590, "Well": 9, "ill": 1})
    assert typos == (
        "state: some classes may be one, written in two ways: 'Well' like 'well'. "
        "Each is learned as a class of its own. Write them alike if they mean the same."
    )
    assert rare.startswith("state: the class 'ill' has a single row, which cannot be both learned")
    assert code == (
        "-200 seems to stand for missing values in T (5 % of the rows), RH (5 % of the rows): "
        "it is frequent and far from all other numbers. If so, read the table with "
        "gn.data.read_table(table, missing=[-200]), or with --missing -200 on the command line."
    )
    assert leak.startswith("leak: alone gives state away. On rows held out for this check, a rule")
    assert leak.endswith('with column_types={"leak": "drop"}.')
    target = np.where(RNG.random(N) < 0.1, -999, RNG.normal(0, 1, N))
    (problem,) = find_problems(columns(), "y", target, None)
    assert problem.startswith("-999 seems to stand for missing values in y (")


def test_classes_with_one_row():
    """A target of mostly different values is a number, and few rows are no evidence."""
    for counts, n in (
        ({"a": 9, "b": 9, "c": 1}, 1),
        ({"a": 3, "b": 1}, 0),
        ({"a": 9, "b": 1, "c": 1}, 0),
    ):
        assert len(find_problems({}, "y", np.zeros(1), counts)) == n


def test_the_argument_of_the_reader_drops_the_number(tmp_path):
    """Oracle: pandas replaces the numbers. Words in columns of text stay as the file decides."""
    frame = pandas.DataFrame({"T": [1.5, -200, 3], "n": [-200, 2, 9], "text": ["NA", "x", "z"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    plain = read_table(tmp_path / "t.csv")
    for source in (frame, tmp_path / "t.csv", frame.to_dict("list"), read_table(frame)):
        table = read_table(source, missing=[-200])
        np.testing.assert_array_equal(table["T"], [1.5, np.nan, 3])
        np.testing.assert_array_equal(table["n"], [np.nan, 2, 9])
        table = read_table(source, missing={"n": [-200.0, 9]})
        np.testing.assert_array_equal(table["T"], [1.5, -200, 3])
        np.testing.assert_array_equal(table["n"], [np.nan, 2, np.nan])
    table = read_table(tmp_path / "t.csv", missing=[-200])
    assert table["text"].tolist() == plain["text"].tolist()
    assert read_table(tmp_path / "t.csv", missing=[-200, "x"])["text"].tolist() == [
        "NA",
        None,
        "z",
    ]
    with pytest.raises(ConfigError, match="Did you mean 'text'"):
        read_table(frame, missing={"texts": [1]})
    with pytest.raises(ConfigError, match="missing to be a list of words and numbers"):
        read_table(frame, missing=-200)
