"""Error messages for tables that a model cannot be fitted to or cannot accept."""

import numpy as np
import pandas
import pytest
from test_model_tables import PEOPLE, N, fitted, labels_model, numbers_model

import glassnet as gn
from glassnet.errors import ConfigError, DataError, DataWarning
from glassnet.layers import Dense

TARGETS = {
    "typing error": (
        {"target": "wieght"}, ConfigError,
        r"target: expected one of height, sex, club, weight, tall\. Received: name='wieght'\. Did you mean 'weight'",
    ),
    "no target": (
        {"target": None}, ConfigError,
        r"fit: expected target to name the column to predict\..* For example target=\"tall\"\.",
    ),
    "no name": (
        {"target": 3.5}, ConfigError,
        r"fit: expected target to be the name of a column\. Received: target=3\.5",
    ),
    "a number that no column has": (
        {"target": 3}, ConfigError, r"target: expected one of height, .* Received: name='3'",
    ),
    "constant": (
        {"target": "c", "table": PEOPLE.assign(c=1.0)}, DataError,
        r"target 'c': expected numbers that differ\. Received: always=1\.0",
    ),
    "missing": (
        {"target": "c", "table": PEOPLE.assign(c=np.nan)}, DataError,
        r"target 'c': expected a value in some row\. Received: rows=60, missing=60",
    ),
    "text": (
        {"target": "tall"}, DataError,
        r"target 'tall': expected numbers, because the network outputs a number\. Received: text=\['no', 'yes'\]\. Correct them; or",
    ),
    "mixed": (
        {"target": "c", "table": PEOPLE.assign(c=["12k", *map(str, range(1, N))])}, DataError,
        r"target 'c': expected numbers, because the network outputs a number\. Received: text=\['12k'\]",
    ),
    "infinite": (
        {"target": "c", "table": PEOPLE.assign(c=[np.inf, *range(1, N)])}, DataError,
        r"target 'c': expected finite numbers\. Received: row=0, value=inf, rows_like_it=1\. Leave those cells blank\. Rows without a target are left",
    ),
    "dates": (
        {"target": "c", "table": PEOPLE.assign(c=pandas.date_range("2024-01-01", periods=N))}, DataError,
        r"target 'c': expected numbers\. Received: holds='dates'\. Convert the dates to numbers of days",
    ),
    "blurred": (
        {"target": "c", "table": PEOPLE.assign(c=1.7e9 + np.arange(N))}, DataError,
        r"target 'c': expected columns whose differences float32 can hold",
    ),
    "log": (
        {"target": "c", "target_transform": "log", "table": PEOPLE.assign(c=np.arange(N) - 1.0)}, DataError,
        r"target 'c': expected numbers above 0, to take the logarithm of\. Received: row=0, value=-1\.0, rows_like_it=2\. Leave target",
    ),
    "transform": (
        {"target_transform": "sqrt"}, ConfigError,
        r'fit: expected target_transform to be "log" or None\. Received: target_transform=\'sqrt\'',
    ),
    "columns": (
        {"column_types": ["club"]}, ConfigError,
        r"fit: expected column_types to be a dict by column\. Received: column_types=\['club'\]",
    ),
    "derive": (
        {"derive": {"z": "height ** 2"}}, ConfigError,
        r"derive: z: expected a column, a number or a bracket\.",
    ),
    "kind": (
        {"column_types": {"club": "text"}}, ConfigError,
        r"column_types: club: expected one of number, category, boolean, date, drop\.",
    ),
    "file": (
        {"table": "people.csv"}, DataError,
        r"table: expected a file that exists\. Received: path='people\.csv'",
    ),
    "all dropped": (
        {"column_types": dict.fromkeys(["height", "sex", "club", "tall"], "drop")}, DataError,
        r"table: expected a column to learn from\. Received: left_out=\{'height': 'as requested'",
    ),
    "not a table": (
        {"table": np.ones((4, 2))}, ConfigError,
        r"fit: expected x to be a table, and no y, if a target or column options are named\. Received: x='ndarray'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "error", "message"), TARGETS.values(), ids=TARGETS)
def test_invalid_tables_and_targets(options, error, message):
    model = numbers_model()
    with pytest.raises(error, match=message):
        fitted(model, **options)
    assert model.preprocessor is None
    assert model.epoch == 0


def test_constant_labels_and_a_wrong_last_layer():
    with pytest.raises(
        DataError, match=r"target 'c': expected labels that differ\. Received: always='x'"
    ):
        fitted(labels_model(), "c", PEOPLE.assign(c="x"))
    message = r"target 'club': expected a network that outputs one of 3 labels\. .*outputs=\(1,\)\. End in Dense\(3, act"
    with pytest.raises(ConfigError, match=message):
        fitted(labels_model(), "club")
    with pytest.raises(
        ConfigError,
        match=r"End in Dense\(1\), to learn them as numbers; or in Dense\(60, activation=\"softmax\"\)\.",
    ):
        fitted(gn.Sequential([Dense(3, activation="softmax")], seed=0), "weight")
    two = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    with pytest.raises(
        ConfigError, match=r"target 'tall': .* End in Dense\(1, activation=\"sigmoid\"\)"
    ):
        fitted(two, "tall")


def test_a_table_for_a_model_trained_on_arrays():
    model = gn.Sequential([gn.layers.Input(2), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(
        DataError,
        match=r"y: expected targets\. Received: x='DataFrame', y=None\. Pass y\. For a table, call fit\(table, target",
    ):
        model.evaluate(PEOPLE)


def test_missing_columns_and_other_types():
    model = fitted()
    with pytest.raises(
        DataError,
        match=r"table: expected the training columns\. Received: missing=\['club'\], columns=.* Did you mean 'clubs'",
    ):
        model.predict(PEOPLE.rename(columns={"club": "clubs"}))
    with pytest.raises(
        DataError,
        match=r"column 'height': expected numbers, as in training\. Received: text=\['tall'\]",
    ):
        model.predict(PEOPLE.assign(height="tall"))
    with pytest.raises(
        DataError,
        match=r"column 'height': expected finite numbers\. Received: row=0, value=inf, rows_like_it=1",
    ):
        model.predict(PEOPLE.assign(height=[np.inf, *range(1, N)]))
    with pytest.raises(DataError, match=r"x: expected examples of shape \(9,\)"):
        model.predict(np.ones((2, 4)))
    with pytest.warns(
        DataWarning, match=r"column 'club': none of the training categories among poker"
    ):
        unseen = model.predict(PEOPLE.assign(club="poker"))
    assert np.isfinite(unseen).all()


def test_a_label_that_training_did_not_have():
    model = fitted(labels_model(), "tall")
    with pytest.raises(
        DataError,
        match=r"target 'tall': expected training labels, \('no', 'yes'\)\. Received: others=\['perhaps'\]",
    ):
        model.evaluate(PEOPLE.assign(tall=["perhaps", *PEOPLE.tall[1:]]))
    with pytest.raises(
        DataError, match=r"y: expected one value per row\. Received: shape=\(60, 2\)"
    ):
        model.evaluate(PEOPLE, PEOPLE[["tall", "club"]])
