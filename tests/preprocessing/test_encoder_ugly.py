"""Misleading columns, and an independent encoder. Oracle: scikit-learn, by hand, or the message."""

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from glassnet.data.table import Table, read_table
from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing.encoder import (
    CLIP_STDS,
    BooleanColumn,
    CategoricalColumn,
    DateColumn,
    DroppedColumn,
    NumericColumn,
)
from glassnet.preprocessing.encoding_rules import fit_encoder, min_frequency
from glassnet.preprocessing.expressions import find_names

N = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)


def text(*values):
    return np.array(values, object)


def table(**columns):
    return Table({name: np.asarray(column) for name, column in columns.items()})


def days(*texts):
    return text(*(texts * N)[:N])


@pytest.mark.parametrize(
    ("name", "target"),
    [("titanic/titanic.csv", "survived"), ("house-prices/train.csv", "SalePrice")],
)
def test_scikit_learn_encodes_alike(shared_data, name, target):
    """Oracle: SimpleImputer, StandardScaler and OneHotEncoder, fitted to one half."""
    rows = read_table(shared_data / name).drop(target)
    order = np.random.default_rng(1).permutation(len(rows))
    train, other = rows.take(order[: len(rows) // 2]), rows.take(order[len(rows) // 2 :])
    encoder, checked = fit_encoder(train), 0
    for column in encoder.columns:
        if isinstance(column, DroppedColumn):
            continue
        seen, unseen = train[column.name][:, None], other[column.name][:, None]
        if isinstance(column, NumericColumn):
            filler = SimpleImputer(strategy="median", add_indicator=True).fit(seen)
            scaler = StandardScaler().fit(filler.transform(seen)[:, :1])
            wanted = filler.transform(unseen)
            wanted[:, :1] = np.clip(scaler.transform(wanted[:, :1]), -CLIP_STDS, CLIP_STDS)
        else:
            seen, unseen = (
                np.where(np.equal(values, None), "~", values).astype(str)
                for values in (seen, unseen)
            )
            hot = OneHotEncoder(
                min_frequency=min_frequency(len(train)),
                handle_unknown="infrequent_if_exist",
                sparse_output=False,
            ).fit(seen)
            wanted = hot.transform(unseen)
            if not column.has_other:
                wanted[wanted.sum(axis=1) == 0] = column.frequencies  # scikit-learn: all 0
        np.testing.assert_allclose(
            column.transform(other[column.name]), wanted, rtol=1e-6, atol=1e-9
        )
        checked += 1
    assert checked >= 7


def test_long_numbers_are_levels_of_their_own():
    rows = table(zone=np.array([1234567.0, 1234568.0] * 20))
    encoder = fit_encoder(rows, column_types={"zone": "category"})
    assert encoder.feature_names == ("zone=1234567", "zone=1234568")
    np.testing.assert_array_equal(encoder.transform(rows)[:2], np.eye(2))


def test_a_number_finds_the_level_that_says_it():
    """A smaller file may hold numbers where the training file held text: 1 instead of 01."""
    encoder = fit_encoder(table(zone=text(*["01", "7", "x", None] * 10)))
    assert encoder.columns[0].categories == ("01", "7", "x", None)
    np.testing.assert_array_equal(
        encoder.transform(table(zone=np.array([1.0, 7.0, np.nan]))), np.eye(4)[[0, 1, 3]]
    )
    np.testing.assert_array_equal(
        encoder.transform(table(zone=np.array([8.0, 7.0]))), [[0.25] * 4, np.eye(4)[1]]
    )
    np.testing.assert_array_equal(
        encoder.transform(table(zone=text("1", "x"))), [[0.25] * 4, np.eye(4)[2]]
    )


def test_text_that_counts_as_missing_where_that_was_asked_for():
    rows = table(age=text(*[str(i) for i in range(39)], "unknown"))
    encoder = fit_encoder(rows, column_types={"age": "number"})
    assert encoder.feature_names == ("age", "age missing")
    assert encoder.transform(rows)[-1].tolist() == [
        pytest.approx((19 - np.mean([*range(39), 19])) / np.std([*range(39), 19])),
        1,
    ]
    assert fit_encoder(
        table(x=X, age=days("a", "b")), column_types={"age": "number"}
    ).dropped_columns() == {"age": "it holds no number"}


def test_a_constant_with_gaps_has_no_scale():
    """Oracle: by hand. The mean of 39 times 0.1 is not 0.1 in float64: never divide by 1e-17."""
    assert np.full(39, 0.1).std() > 0
    encoder = fit_encoder(table(x=np.where(np.arange(39) % 4 == 0, np.nan, 0.1)))
    np.testing.assert_allclose(
        encoder.transform(table(x=np.array([0.1, 1.1, np.nan]))),
        [[0, 0], [1, 0], [0, 1]],
        atol=1e-6,
    )


def test_truths():
    rows = table(smoker=text(*["Yes", "no", "no", None] * 10))
    encoder = fit_encoder(rows, column_types={"smoker": "boolean"})
    assert encoder.columns == (BooleanColumn("smoker", 0.0, True),)
    np.testing.assert_array_equal(encoder.transform(rows)[:4], [[1, 0], [0, 0], [0, 0], [0, 1]])
    np.testing.assert_array_equal(
        encoder.transform(table(smoker=np.array([1.0, 0.0, np.nan])))[:, 0], [1, 0, 0]
    )
    np.testing.assert_array_equal(
        encoder.transform(table(smoker=np.array([True, False])))[:, 0], [1, 0]
    )
    assert fit_encoder(table(x=np.array([True, False] * 20))).columns == (
        BooleanColumn("x", 0.0, False),
    )
    assert fit_encoder(table(x=np.array([True, True, False, True] * 10))).columns == (
        BooleanColumn("x", 1.0, False),
    )
    with pytest.raises(
        DataError,
        match=r"column 'smoker': expected true and false, yes and no, 1 and 0\. Received: others=\['maybe'\]",
    ):
        encoder.transform(table(smoker=text("maybe")))


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
    encoder = fit_encoder(table(x=X, when=days(*texts)))
    column = encoder.columns[1]
    assert (column.date_format if isinstance(column, DateColumn) else None) == spelling
    if spelling:
        day = column.parts[0]
        found = encoder.transform(table(x=X[:2], when=text(*texts)))[:, 1] * day.scale + day.mean
        np.testing.assert_allclose(
            found, [19782, 19783], atol=0.01
        )  # days from 1970-01-01 to 2024-02-29: 54 * 365 + 13 + 59
        expected = r"column 'when': expected dates written as in training, .*\. Received: others=\['soon'\]"
        with pytest.raises(DataError, match=expected):
            encoder.transform(table(x=X[:1], when=text("soon")))
        assert np.isfinite(encoder.transform(table(x=X[:2], when=text(None, texts[0])))).all()
    assert encoder.ambiguities() == (
        [f"when: dates, read as {spelling}"] if spelling not in (None, "ISO") else []
    )


def test_days_that_may_be_two_are_not_guessed_and_numbers_are_days_only_where_asked():
    rows = table(x=X, when=days("01/02/2024", "03/04/2024"))
    assert fit_encoder(rows).dropped_columns() == {
        "when": "its dates may be %d/%m/%Y or %m/%d/%Y: write them as 2024-02-29"
    }
    expected = r"column 'when': expected dates in one format\. .*formats=\['%d/%m/%Y', '%m/%d/%Y'\]\. Write them as 2024-02-29"
    with pytest.raises(DataError, match=expected):
        fit_encoder(rows, column_types={"when": "date"})
    year = fit_encoder(
        table(year=np.array([2020.0, 2021.0] * 20)), column_types={"year": "date"}
    ).columns[0]
    assert (year.date_format, [part.name for part in year.parts]) == (
        "%Y",
        ["year day", "year weekday"],
    )
    assert (
        fit_encoder(
            table(day=np.array([20240229.0, 20240301.0] * 20)), column_types={"day": "date"}
        )
        .columns[0]
        .date_format
        == "%Y%m%d"
    )


@pytest.mark.parametrize(
    ("name", "dropped"),
    [("id", True), ("user_id", True), ("PassengerId", True), ("USER ID", True), ("paid", False)],
)
def test_what_numbers_the_rows(name, dropped):
    column = np.arange(N) * 7.0 + 100
    assert (
        fit_encoder(table(x=X, **{name: column})).dropped_columns() == {name: "it numbers the rows"}
    ) == dropped


def test_names_that_come_twice_are_told_apart():
    gaps = np.where(np.arange(N) % 4 == 0, np.nan, X)
    levels = text(*["a", "missing", None, "other"] * 9, "p", "q", "r", "s")
    encoder = fit_encoder(table(**{"age": gaps, "age missing": X, "k": levels, "k=a": X}))
    assert encoder.feature_names == (
        "age", "age missing", "age missing (2)", "k=a", "k=missing", "k=other", "k=missing (2)", "k=other (2)", "k=a (2)",
    )  # fmt: skip


def test_derived_columns_that_clash():
    rows = table(a=X, b=X + 1)
    with pytest.raises(
        ConfigError,
        match=r"derive: b: expected a new name\. Received: columns=\['a', 'b'\]\. Give it a name that no",
    ):
        fit_encoder(rows, derive={"b": "a * 2"})
    assert find_names("log(`odd name`) + 2e3 * x.y - _z") == ["log", "odd name", "x.y", "_z"]
    encoder = fit_encoder(
        rows, column_types={"a": "drop", "b": "drop", "c": "number"}, derive={"c": "a * 2"}
    )
    with pytest.raises(
        DataError,
        match=r"expected the training columns\. Received: missing=\['a'\], columns=\['b'\]",
    ):
        encoder.transform(rows.drop("a"))
    assert encoder.transform(table(a=X, c=X)).shape == (N, 1)
    assert np.isfinite(encoder.transform(table(a=text(None, "2")))).all()


def test_gaps_where_training_had_none_and_none_where_it_had():
    encoder = fit_encoder(
        table(
            x=X,
            empty=np.full(N, np.nan),
            when=np.datetime64("2024-01-01", "s") + np.arange(N) * np.timedelta64(86400, "s"),
        )
    )
    assert encoder.dropped_columns() == {"empty": "it is empty"}
    for missing in (np.full(2, np.nan), text(None, None)):
        found = encoder.transform(table(x=missing, when=missing))
        np.testing.assert_allclose(found[0, 0], (np.median(X) - X.mean()) / X.std(), rtol=1e-5)
        assert np.isfinite(found).all()


@pytest.mark.parametrize(
    "dressed",
    [
        ("1,234", "5,678"),
        ("$1,200", "$950"),
        ("12%", "14.5 %"),
        ("1.234,50", "2,5"),
        ("€ 3", "(4)"),
        ("CHF 3.50", "CHF 4"),
        ("3.5 EUR", "4 EUR"),
        ("1,00,000", "12,34,567"),
        ("12,50-", "3,00"),
        ("−3", "−4.5"),
        ("1 234,5 €", "2,5 €"),
    ],
)
def test_numbers_that_are_not_written_plainly(dressed):
    with pytest.raises(DataError) as caught:
        fit_encoder(table(x=X, price=days(*dressed)))
    expected = "column 'price': expected numbers written plainly: 1200, 0.125. Received: text="
    assert expected in str(caught.value)
    assert (
        'Write them with digits and a decimal point only; or pass column_types={"price": "category"} or "drop".'
        in str(caught.value)
    )
    assert fit_encoder(
        table(x=X, price=days(*dressed)), column_types={"price": "drop"}
    ).feature_names == ("x",)


@pytest.mark.parametrize(
    "plain",
    [
        ("1.2.3", "1.10.0"),
        ("12:30", "13:45"),
        ("555-1234", "555-9876"),
        ("12 kg", "3 kg"),
        ("1 st", "2 nd"),
        ("EUR 1 to 5", "EUR 6"),
        ("a1", "b,2"),
    ],
)
def test_text_that_only_looks_like_numbers(plain):
    assert isinstance(fit_encoder(table(price=days(*plain))).columns[0], CategoricalColumn)


COUNTING = [str(i) for i in range(20)]
MIXED_WITH_NUMBERS = {
    "colons of Eurostat": ([*COUNTING, *[":"] * 20], "numbers or text, not both", "':'"),
    "three words": ([*COUNTING, *[":", "..", "n.a."] * 6], "numbers or text, not both", "'n.a.'"),
    "a bound": ([*COUNTING, *["<0.5"] * 10], "numbers or text, not both", "<0.5"),
    "errors of Excel": ([*COUNTING, "#DIV/0!", "#DIV/0!"], "numbers or text, not both", "#DIV/0!"),
    "a unit": ([f"{i}.5 kg" for i in range(20)], "written plainly", "Write them without 'kg'"),
    "a unit without a blank": ([f"{i}kmpl" for i in range(20)], "written plainly", "'kmpl'"),
    "two units": ([f"{i} {'kg' if i % 2 else 'g'}" for i in range(20)], "plainly", "in one unit"),
    "flags": ([*COUNTING, "1.5 e", "2.5 b"] * 2, "written plainly", "'b', in one unit"),
    "blanks": ([f"{1 + i} 2{i:02d}" for i in range(20)], "plainly", '--thousands " "'),
    "narrow blanks": ([f"{1 + i}\u202f2{i:02d},5" for i in range(20)], "plainly", 'thousands=" "'),
}


@pytest.mark.parametrize(
    ("values", "expected", "part"), MIXED_WITH_NUMBERS.values(), ids=MIXED_WITH_NUMBERS
)
def test_numbers_beside_a_few_words_or_units_are_refused(values, expected, part):
    """As categories, or left out because nearly all differ, the numbers would be lost."""
    values = values * 2
    with pytest.raises(DataError, match=f"column 'v': expected .*{expected}") as caught:
        fit_encoder(table(x=np.arange(len(values)) % 7.0, v=text(*values)))
    assert part in str(caught.value)
    options = {"v": "category"}
    fit_encoder(table(x=np.arange(len(values)) % 7.0, v=text(*values)), column_types=options)


@pytest.mark.parametrize(
    "values",
    [
        [*"0123456789", "10+", "10+", "10+"],
        [f"C{i}" for i in range(20)],
        [f"{i}{letter}" for i in range(5) for letter in "ABCDE"],
        [f"{i} {half}" for i in range(1, 13) for half in ("am", "PM")],
        [f"{i} 555 1234" for i in range(20)],
        [*[str(i) for i in range(20)], *[f"PC {i}" for i in range(10)]],
    ],
)
def test_categories_with_digits_stay_categories(values):
    rows = table(v=text(*values * 4))
    assert isinstance(fit_encoder(rows).columns[0], CategoricalColumn)


def test_small_tables_and_wide_ones():
    with pytest.raises(
        DataError,
        match=r"left_out=\{'a': 'it is always 1\.0'\}\. To keep a column anyway, pass column_types=\{",
    ):
        fit_encoder(table(a=np.array([1.0])))
    one = fit_encoder(table(a=np.array([1.0])), column_types={"a": "number"})
    assert one.transform(table(a=np.array([1.0, 2.0]))).tolist() == [[0], [1]]
    assert fit_encoder(table(a=np.array([1.0, 3.0]))).transform(
        table(a=np.array([1.0, 3.0]))
    ).tolist() == [[-1], [1]]
    wide = fit_encoder(Table({f"c{i}": RNG.normal(size=5) for i in range(5000)}))
    assert len(wide.feature_names) == 5000
    with pytest.raises(DataError) as caught:
        wide.transform(table(z=X))
    assert len(str(caught.value)) < 300


def test_guesses_that_can_be_corrected():
    encoder = fit_encoder(table(zone=days("01", "7")))
    assert encoder.ambiguities() == [
        'zone: digits such as 01, used as categories; column_types={"zone": "number"} uses them as numbers'
    ]
    encoder = fit_encoder(table(zone=days("1", "7")))
    assert encoder.ambiguities() == [
        'zone: numbers in quotes, used as categories; column_types={"zone": "number"} uses them as numbers'
    ]
    assert fit_encoder(table(zone=days("a", "7"))).ambiguities() == []


def test_infinities_in_words_and_beyond_reason():
    for column, row in (
        (text("1", "inf", "2"), 1),
        (np.array([0, 1, 1e200]), 2),
        (np.array([-np.inf, 1, 2]), 0),
    ):
        with pytest.raises(
            DataError,
            match=rf"column 'a': expected finite numbers\. Received: row={row}, .*pass column_types=\{{\"a\": \"drop\"\}}",
        ):
            fit_encoder(table(a=column), column_types={"a": "number"})


def test_a_frame_and_its_file_teach_the_same(tmp_path, shared_data):
    """Relation: equal encoders."""
    frame = pd.read_csv(shared_data / "titanic" / "titanic.csv")
    assert fit_encoder(read_table(frame)) == fit_encoder(
        read_table(shared_data / "titanic" / "titanic.csv")
    )


@pytest.mark.parametrize(
    ("values", "types"),
    [(text("x", "y", None), {}), (text("x", "y", "z"), {"a": "category"}), (X[:3], {"a": "category"})],
)  # fmt: skip
def test_a_category_of_which_no_two_rows_share_a_value_is_left_out(values, types):
    """Oracle: counting: each value is in one row, and a category needs two."""
    encoder = fit_encoder(table(a=values, b=[1.0, 2.0, 4.0]), types)
    assert encoder.feature_names == ("b",)
    assert encoder.dropped_columns() == {"a": "each of its values is in fewer than 2 rows"}
