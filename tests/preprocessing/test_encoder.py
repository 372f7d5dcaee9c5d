"""Column encoding, fitted to the training rows alone. Oracle: by hand, NumPy, pandas."""

import numpy as np
import pytest

from glassnet.data.table import Table, read_table
from glassnet.errors import ConfigError, DataError, DataWarning
from glassnet.preprocessing.encoder import (
    CategoricalColumn,
    DateColumn,
    DroppedColumn,
    NumericColumn,
)
from glassnet.preprocessing.encoding_rules import fit_encoder

N = 40
RNG = np.random.default_rng(0)


def text(*values):
    return np.array(values, object)


def table(**columns):
    return Table({name: np.asarray(column) for name, column in columns.items()})


AGE = np.where(np.arange(N) % 10 == 0, np.nan, RNG.normal(30, 10, N))
PORT = text(*(["S"] * 20 + ["C"] * 17 + ["Q"] + [None] * 2))


def by_name(encoder, rows):
    return dict(zip(encoder.feature_names, encoder.transform(rows).T, strict=True))


def test_numbers_are_standardised_and_gaps_flagged():
    found = by_name(fit_encoder(table(age=AGE)), table(age=AGE))
    median = np.nanmedian(AGE)
    filled = np.where(np.isnan(AGE), median, AGE)
    np.testing.assert_allclose(
        found["age"], (filled - filled.mean()) / filled.std(), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(found["age missing"], np.isnan(AGE))
    assert found["age"].dtype == np.float32


def test_levels_have_a_place_each_and_rare_ones_share_the_last():
    encoder = fit_encoder(table(port=PORT))
    assert encoder.columns == (
        CategoricalColumn("port", ("C", "S", None), (17 / 40, 20 / 40, 2 / 40), True),
    )
    assert encoder.feature_names == ("port=C", "port=S", "port=missing", "port=other")
    np.testing.assert_array_equal(
        encoder.transform(table(port=text("S", "Q", None, "X")))[:, :], np.eye(4)[[1, 3, 2, 3]]
    )


def test_an_unseen_level_without_a_learned_place_counts_as_the_shares():
    """No training row was rare: weights for unknown categories would be untrained."""
    encoder = fit_encoder(table(sex=text(*["m"] * 30, *["f"] * 10)))
    assert encoder.feature_names == ("sex=f", "sex=m")
    np.testing.assert_allclose(
        encoder.transform(table(sex=text("f", "x", None))), [[1, 0], [0.25, 0.75], [0.25, 0.75]]
    )


def test_truths_and_days():
    days = np.array(["2024-02-29", "2024-03-01", "2025-03-03", "NaT"] * 10, "datetime64[s]")
    encoder = fit_encoder(table(member=np.arange(N) % 4 == 0, day=days))
    assert encoder.feature_names[0] == "member"
    assert encoder.feature_names[1:] == tuple(
        f"day {part}{gap}" for part in ("day", "month", "weekday") for gap in ("", " missing")
    )
    found = by_name(
        encoder,
        table(
            member=np.array([True, False]),
            day=np.array(["2024-02-29", "2025-03-03"], "datetime64[s]"),
        ),
    )
    assert found["member"].tolist() == [1, 0]
    day, month, weekday = encoder.columns[1].parts
    assert found["day month"] * month.scale + month.mean == pytest.approx([2, 3])
    assert found["day weekday"] * weekday.scale + weekday.mean == pytest.approx(
        [3, 0], abs=1e-5
    )  # a Thursday and a Monday
    assert np.diff(found["day day"] * day.scale).item() == pytest.approx(368, rel=1e-4)


def test_what_is_left_out_and_why():
    columns = {
        "id": np.arange(N) + 1.0,
        "always": np.ones(N),
        "word": text(*["same"] * N),
        "empty": np.full(N, np.nan),
        "story": text(*[f"once upon a time {i}" for i in range(N)]),
        "code": text(*[f"c{i}" for i in range(N)]),
        "pairs": text(*[f"p{i // 2}" for i in range(N)]),
        "common": RNG.normal(size=N),
    }
    assert fit_encoder(table(**columns)).dropped_columns() == {
        "id": "it numbers the rows",
        "always": "it is always 1.0",
        "word": "it is always same",
        "empty": "it is empty",
        "story": "it is free text",
        "code": "nearly every row has a different value",
    }
    many = fit_encoder(
        table(common=RNG.normal(size=400), rare=text(*[f"r{i // 2}" for i in range(400)]))
    ).dropped_columns()
    assert many == {"rare": "few rows share one of its 200 values"}
    levels = fit_encoder(
        table(common=RNG.normal(size=400), many=text(*[f"r{i % 50}" for i in range(400)]))
    ).dropped_columns()
    assert levels == {"many": "it has 50 categories"}


def test_what_a_column_is_can_be_said():
    rows = table(
        grade=np.arange(N) % 3 + 1.0,
        id=np.arange(N) + 1.0,
        code=text(*[str(i) for i in range(N)]),
        when=text(*["3 May 2024"] * N),
    )
    encoder = fit_encoder(
        rows, column_types={"grade": "category", "id": "number", "code": "number", "when": "drop"}
    )
    assert encoder.feature_names == ("grade=1", "grade=2", "grade=3", "id", "code")
    assert encoder.dropped_columns() == {"when": "as requested"}
    np.testing.assert_allclose(*encoder.transform(rows)[:, 3:].T)
    dated = fit_encoder(
        table(when=text(*[f"{1 + i % 28} May {2000 + i}" for i in range(N)])),
        column_types={"when": "date"},
    )
    assert isinstance(dated.columns[0], DateColumn)
    with pytest.raises(
        ConfigError,
        match=r"column_types: expected one of grade, id, code, when. Received: name='grad'. Did you mean 'grade'",
    ):
        fit_encoder(rows, column_types={"grad": "number"})
    with pytest.raises(
        ConfigError,
        match=r"column_types: grade: expected one of number, category, boolean, date, drop. Received: name='text'",
    ):
        fit_encoder(rows, column_types={"grade": "text"})


def test_numbers_written_as_text_are_levels():
    """Numbers that a frame holds as text are categories: post codes, model years."""
    assert fit_encoder(table(zone=text(*["01", "7", "12", "7"] * 10))).feature_names == (
        "zone=01",
        "zone=12",
        "zone=7",
    )


def test_columns_made_of_others():
    rows = table(a=RNG.normal(size=N), b=RNG.normal(size=N))
    encoder = fit_encoder(
        rows, column_types={"a": "drop", "b": "drop"}, derive={"sum": "a + b", "twice": "2 * sum"}
    )
    assert encoder.feature_names == ("sum", "twice")
    assert encoder.input_columns == ("a", "b")
    total = rows["a"] + rows["b"]
    np.testing.assert_allclose(
        encoder.transform(rows)[:, 0], (total - total.mean()) / total.std(), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(*encoder.transform(rows).T, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "target"),
    [("titanic/titanic.csv", "survived"), ("house-prices/train.csv", "SalePrice")],
)
def test_nothing_leaks_from_other_rows(shared_data, name, target):
    """Every statistic equals that of the training rows, whatever the other rows are."""
    rows = read_table(shared_data / name)
    order = np.random.default_rng(1).permutation(len(rows))
    train, test = (
        rows.take(order[: len(rows) // 2]).drop(target),
        rows.take(order[len(rows) // 2 :]),
    )
    encoder = fit_encoder(train)
    checked = 0
    for column in encoder.columns:
        if isinstance(column, NumericColumn):
            values = train[column.name].astype(float)
            filled = np.where(np.isnan(values), np.nanmedian(values), values)
            assert (column.median, column.mean, column.scale) == pytest.approx(
                (np.nanmedian(values), filled.mean(), filled.std())
            )
            checked += 1
        elif isinstance(column, CategoricalColumn):
            assert set(column.categories) <= set(train[column.name].tolist())
            checked += 1
        else:
            assert isinstance(column, DroppedColumn)
    assert checked >= 7
    encoded = encoder.transform(test)
    assert encoded.shape == (len(test), len(encoder.feature_names))
    assert np.isfinite(encoded).all()
    numbers = encoder.transform(train)
    assert (
        np.abs(
            numbers[
                :,
                [
                    isinstance(c, NumericColumn) and c.scale != 1
                    for c in encoder.columns
                    for _ in getattr(c, "feature_names", ())
                ],
            ]
        ).max()
        > 1
    )
    np.testing.assert_allclose(encoded[3:5], encoder.transform(test.take([3, 4])), rtol=1e-6)


def test_columns_are_found_by_name():
    rows = table(a=RNG.normal(size=N), b=PORT)
    encoder = fit_encoder(rows)
    turned = Table({"z": rows["a"], "b": rows["b"], "a": rows["a"]})
    np.testing.assert_array_equal(encoder.transform(turned), encoder.transform(rows))
    with pytest.raises(
        DataError,
        match=r"table: expected the training columns. Received: missing=\['a'\], columns=\['b'\]. Fill a col",
    ):
        encoder.transform(rows.drop("a"))


def test_equal_rows_teach_equal_encoders_that_hash():
    rows = table(age=AGE, port=PORT)
    assert fit_encoder(rows) == fit_encoder(rows)
    assert hash(fit_encoder(rows)) == hash(fit_encoder(rows))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: fit_encoder(table(age=text(*[str(i) for i in range(39)], "unknown"))),
            "column 'age': expected numbers or text, not both. Received: text=['unknown']. Correct them, or pass column_types={\"age\": \"number\"}",
        ),
        (
            lambda: fit_encoder(table(age=np.array([1.0, 2.0, np.inf, 4.0]))),
            "column 'age': expected finite numbers. Received: row=2, value=inf, rows_like_it=1. Leave those cells blank, or pass column_types={",
        ),
        (
            lambda: fit_encoder(table(one=np.ones(N))),
            "table: expected a column to learn from. Received: left_out={'one': 'it is always 1.0'}.",
        ),
        (
            lambda: fit_encoder(table(age=AGE)).transform(table(age=text("22", "old"))),
            "column 'age': expected numbers, as in training. Received: text=['old'].",
        ),
        (
            lambda: fit_encoder(table(age=AGE)).transform(
                table(age=np.array(["2024-01-01"], "datetime64[s]"))
            ),
            "column 'age': expected numbers, as in training. Received: holds='dates'.",
        ),
        (
            lambda: fit_encoder(table(age=AGE)).transform(table(age=np.array([np.inf]))),
            "column 'age': expected finite numbers. Received: row=0",
        ),
    ],
)
def test_what_bad_columns_are_told(make, problem):
    with pytest.raises(DataError) as caught:
        make()
    assert problem in str(caught.value)


def test_numbers_far_out_count_as_five_standard_deviations():
    """Oracle: by hand. Of 0, 2, 0, 2, ... the mean is 1 and the standard deviation 1."""
    encoder = fit_encoder(table(x=np.arange(N) % 2 * 2.0))
    np.testing.assert_array_equal(
        encoder.transform(table(x=np.array([0.0, 5.5, 6.5, 1e9, -1e9])))[:, 0], [-1, 4.5, 5, 5, -5]
    )


def test_a_column_of_levels_that_training_never_had_is_warned_of():
    """If no row has a known category, there is a warning; one rare category is fine."""
    encoder = fit_encoder(table(sex=text(*["m"] * 30, *["f"] * 10)))
    with pytest.warns(
        DataWarning, match=r"column 'sex': none of the training categories among M, F"
    ):
        encoder.transform(table(sex=text("M", "F")))
    encoder.transform(table(sex=text("m", "F")))
    fit_encoder(table(port=PORT)).transform(table(port=text("X")))
