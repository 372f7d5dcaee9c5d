"""Columns that mislead, and an independent encoder beside ours. Oracle: scikit-learn, by hand, or the message."""

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from glassnet.data.table import Table, read
from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing.encoder import FAR, Boolean, Category, Date, Dropped, Number, few, learn
from glassnet.preprocessing.expressions import named

N = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)


def text(*values):
    return np.array(values, object)


def table(**columns):
    return Table({name: np.asarray(column) for name, column in columns.items()})


def days(*texts):
    return text(*(texts * N)[:N])


@pytest.mark.parametrize(("name", "target"), [("titanic/titanic.csv", "survived"), ("house-prices/train.csv", "SalePrice")])
def test_scikit_learn_encodes_alike(shared_data, name, target):
    """Oracle: SimpleImputer, StandardScaler and OneHotEncoder, fitted on one half and asked about the other, column by column."""
    whole = read(shared_data / name).without(target)
    order = np.random.default_rng(1).permutation(len(whole))
    train, other = whole.rows(order[: len(whole) // 2]), whole.rows(order[len(whole) // 2 :])
    encoder, checked = learn(train), 0
    for column in encoder.columns:
        if isinstance(column, Dropped):
            continue
        seen, asked = train[column.name][:, None], other[column.name][:, None]
        if isinstance(column, Number):
            filler = SimpleImputer(strategy="median", add_indicator=True).fit(seen)
            scaler = StandardScaler().fit(filler.transform(seen)[:, :1])
            wanted = filler.transform(asked)
            wanted[:, :1] = np.clip(scaler.transform(wanted[:, :1]), -FAR, FAR)
        else:
            seen, asked = (np.where(values == None, "~", values).astype(str) for values in (seen, asked))  # noqa: E711
            hot = OneHotEncoder(min_frequency=few(len(train)), handle_unknown="infrequent_if_exist", sparse_output=False).fit(seen)
            wanted = hot.transform(asked)
            if not column.others:
                wanted[wanted.sum(axis=1) == 0] = column.shares  # scikit-learn: all 0
        np.testing.assert_allclose(column.encode(other[column.name]), wanted, rtol=1e-6, atol=1e-9)
        checked += 1
    assert checked >= 7


def test_long_numbers_are_levels_of_their_own():
    rows = table(zone=np.array([1234567.0, 1234568.0] * 20))
    encoder = learn(rows, columns={"zone": "category"})
    assert encoder.names == ("zone=1234567", "zone=1234568")
    np.testing.assert_array_equal(encoder.encode(rows)[:2], np.eye(2))


def test_a_number_finds_the_level_that_says_it():
    """A file of fewer rows may hold numbers where that of training held text: 1 where it was 01."""
    encoder = learn(table(zone=text(*["01", "7", "x", None] * 10)))
    assert encoder.columns[0].levels == ("01", "7", "x", None)
    np.testing.assert_array_equal(encoder.encode(table(zone=np.array([1.0, 7.0, np.nan]))), np.eye(4)[[0, 1, 3]])
    np.testing.assert_array_equal(encoder.encode(table(zone=np.array([8.0, 7.0]))), [[0.25] * 4, np.eye(4)[1]])
    np.testing.assert_array_equal(encoder.encode(table(zone=text("1", "x"))), [[0.25] * 4, np.eye(4)[2]])


def test_text_that_counts_as_missing_where_that_was_asked_for():
    rows = table(age=text(*[str(i) for i in range(39)], "unknown"))
    encoder = learn(rows, columns={"age": "number"})
    assert encoder.names == ("age", "age missing")
    assert encoder.encode(rows)[-1].tolist() == [pytest.approx((19 - np.mean([*range(39), 19])) / np.std([*range(39), 19])), 1]
    assert learn(table(x=X, age=days("a", "b")), columns={"age": "number"}).left_out() == {"age": "it holds no number"}


def test_a_constant_with_gaps_has_no_scale():
    """Oracle: by hand. The mean of 39 times 0.1 is not 0.1 in float64: their deviation of 1e-17 must divide nothing."""
    assert np.full(39, 0.1).std() > 0
    encoder = learn(table(x=np.where(np.arange(39) % 4 == 0, np.nan, 0.1)))
    np.testing.assert_allclose(encoder.encode(table(x=np.array([0.1, 1.1, np.nan]))), [[0, 0], [1, 0], [0, 1]], atol=1e-6)


def test_truths():
    rows = table(smoker=text(*["Yes", "no", "no", None] * 10))
    encoder = learn(rows, columns={"smoker": "boolean"})
    assert encoder.columns == (Boolean("smoker", 0.0, True),)
    np.testing.assert_array_equal(encoder.encode(rows)[:4], [[1, 0], [0, 0], [0, 0], [0, 1]])
    np.testing.assert_array_equal(encoder.encode(table(smoker=np.array([1.0, 0.0, np.nan])))[:, 0], [1, 0, 0])
    np.testing.assert_array_equal(encoder.encode(table(smoker=np.array([True, False])))[:, 0], [1, 0])
    assert learn(table(x=np.array([True, False] * 20))).columns == (Boolean("x", 0.0, False),)
    assert learn(table(x=np.array([True, True, False, True] * 10))).columns == (Boolean("x", 1.0, False),)
    with pytest.raises(DataError, match=r"column 'smoker': expected true and false, yes and no, 1 and 0\. Received: others=\['maybe'\]"):
        encoder.encode(table(smoker=text("maybe")))


@pytest.mark.parametrize(
    ("texts", "spelling"),
    [
        (("29.02.2024", "01.03.2024"), "%d.%m.%Y"),
        (("02/29/2024", "03/01/2024"), "%m/%d/%Y"),
        (("29/02/2024 13:05", "01/03/2024 00:00"), "%d/%m/%Y %H:%M"),
        (("Feb 29, 2024", "March 1, 2024"), None),
        (("2024-02-29", "2024-03-01 13:05"), "ISO"),
    ],
)
def test_days_in_several_spellings(texts, spelling):
    encoder = learn(table(x=X, when=days(*texts)))
    column = encoder.columns[1]
    assert (column.spelling if isinstance(column, Date) else None) == spelling
    if spelling:
        day = column.parts[0]
        found = encoder.encode(table(x=X[:2], when=text(*texts)))[:, 1] * day.scale + day.mean
        np.testing.assert_allclose(found, [19782, 19783], atol=0.01)  # days from 1970-01-01 to 2024-02-29: 54 * 365 + 13 + 59
        told = r"column 'when': expected days written as in training, .*\. Received: others=\['soon'\]"
        with pytest.raises(DataError, match=told):
            encoder.encode(table(x=X[:1], when=text("soon")))
        assert np.isfinite(encoder.encode(table(x=X[:2], when=text(None, texts[0])))).all()
    assert encoder.guesses() == ([f"when: days, read as {spelling}"] if spelling not in (None, "ISO") else [])


def test_days_that_may_be_two_are_not_guessed_and_numbers_are_days_only_where_asked():
    rows = table(x=X, when=days("01/02/2024", "03/04/2024"))
    assert learn(rows).left_out() == {"when": "its days may be %d/%m/%Y or %m/%d/%Y: write them as 2024-02-29"}
    told = r"column 'when': expected days in one spelling\. .*spellings=\['%d/%m/%Y', '%m/%d/%Y'\]\. Write them as 2024-02-29"
    with pytest.raises(DataError, match=told):
        learn(rows, columns={"when": "date"})
    year = learn(table(year=np.array([2020.0, 2021.0] * 20)), columns={"year": "date"}).columns[0]
    assert (year.spelling, [part.name for part in year.parts]) == ("%Y", ["year day", "year weekday"])
    assert learn(table(day=np.array([20240229.0, 20240301.0] * 20)), columns={"day": "date"}).columns[0].spelling == "%Y%m%d"


@pytest.mark.parametrize(("name", "dropped"), [("id", True), ("user_id", True), ("PassengerId", True), ("USER ID", True), ("paid", False)])
def test_what_numbers_the_rows(name, dropped):
    column = np.arange(N) * 7.0 + 100
    assert (learn(table(x=X, **{name: column})).left_out() == {name: "it numbers the rows"}) == dropped


def test_names_that_come_twice_are_told_apart():
    gaps = np.where(np.arange(N) % 4 == 0, np.nan, X)
    levels = text(*["a", "missing", None, "other"] * 9, "p", "q", "r", "s")
    encoder = learn(table(**{"age": gaps, "age missing": X, "k": levels, "k=a": X}))
    assert encoder.names == (
        "age", "age missing", "age missing (2)", "k=a", "k=missing", "k=other", "k=missing (2)", "k=other (2)", "k=a (2)",
    )  # fmt: skip


def test_derived_columns_that_clash():
    rows = table(a=X, b=X + 1)
    with pytest.raises(ConfigError, match=r"derive: b: expected a new name\. Received: columns=\['a', 'b'\]\. Give it a name that no"):
        learn(rows, derive={"b": "a * 2"})
    assert named("log(`odd name`) + 2e3 * x.y - _z") == ["log", "odd name", "x.y", "_z"]
    encoder = learn(rows, columns={"a": "drop", "b": "drop", "c": "number"}, derive={"c": "a * 2"})
    with pytest.raises(DataError, match=r"expected the columns of training\. Received: missing=\['a'\], there=\['b'\]"):
        encoder.encode(rows.without("a"))
    assert encoder.encode(table(a=X, c=X)).shape == (N, 1)
    assert np.isfinite(encoder.encode(table(a=text(None, "2")))).all()


def test_gaps_where_training_had_none_and_none_where_it_had():
    encoder = learn(table(x=X, empty=np.full(N, np.nan), when=np.datetime64("2024-01-01", "s") + np.arange(N) * np.timedelta64(86400, "s")))
    assert encoder.left_out() == {"empty": "it is empty"}
    for gone in (np.full(2, np.nan), text(None, None)):
        found = encoder.encode(table(x=gone, when=gone))
        np.testing.assert_allclose(found[0, 0], (np.median(X) - X.mean()) / X.std(), rtol=1e-5)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("dressed", [("1,234", "5,678"), ("$1,200", "$950"), ("12%", "14.5 %"), ("1.234,50", "2,5"), ("€ 3", "(4)")])
def test_numbers_that_are_not_written_plainly(dressed):
    with pytest.raises(DataError) as caught:
        learn(table(x=X, price=days(*dressed)))
    told = "column 'price': expected numbers written plainly: 1200, 0.125. Received: text="
    assert told in str(caught.value)
    assert 'Write them with digits and a point alone; or say columns={"price": "category"}, or "drop".' in str(caught.value)
    assert learn(table(x=X, price=days(*dressed)), columns={"price": "drop"}).names == ("x",)


@pytest.mark.parametrize("plain", [("1.2.3", "1.10.0"), ("12:30", "13:45"), ("555-1234", "555-9876"), ("12 kg", "3 kg"), ("a1", "b,2")])
def test_text_that_only_looks_like_numbers(plain):
    assert isinstance(learn(table(price=days(*plain))).columns[0], Category)


def test_small_tables_and_wide_ones():
    with pytest.raises(DataError, match=r"left_out=\{'a': 'it is always 1\.0'\}\. Say columns=\{"):
        learn(table(a=np.array([1.0])))
    one = learn(table(a=np.array([1.0])), columns={"a": "number"})
    assert one.encode(table(a=np.array([1.0, 2.0]))).tolist() == [[0], [1]]
    assert learn(table(a=np.array([1.0, 3.0]))).encode(table(a=np.array([1.0, 3.0]))).tolist() == [[-1], [1]]
    wide = learn(Table({f"c{i}": RNG.normal(size=5) for i in range(5000)}))
    assert len(wide.names) == 5000
    with pytest.raises(DataError) as caught:
        wide.encode(table(z=X))
    assert len(str(caught.value)) < 300


def test_guesses_that_can_be_corrected():
    encoder = learn(table(zone=days("01", "7")))
    assert encoder.guesses() == ['zone: numbers in quotes, taken for levels; columns={"zone": "number"} counts them']
    assert learn(table(zone=days("a", "7"))).guesses() == []


def test_infinities_in_words_and_beyond_reason():
    for column, row in ((text("1", "inf", "2"), 1), (np.array([0, 1, 1e200]), 2), (np.array([-np.inf, 1, 2]), 0)):
        with pytest.raises(
            DataError, match=rf"column 'a': expected finite numbers\. Received: row={row}, .*say columns=\{{\"a\": \"drop\"\}}"
        ):
            learn(table(a=column), columns={"a": "number"})


def test_a_frame_and_its_file_teach_the_same(tmp_path, shared_data):
    """Oracle: a relation."""
    frame = pd.read_csv(shared_data / "titanic" / "titanic.csv")
    assert learn(read(frame)) == learn(read(shared_data / "titanic" / "titanic.csv"))
