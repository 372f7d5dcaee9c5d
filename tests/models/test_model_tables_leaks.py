"""What a model learns from a table does not depend on the validation rows.

Oracle: a relation. The validation rows are changed, and neither the encoding nor the weights change.
"""

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet.data.split import train_validation_split
from glassnet.errors import ConfigError, DataError
from glassnet.layers import Dense

N = 80
RNG = np.random.default_rng(3)
ROWS = pandas.DataFrame(
    {
        "size": RNG.normal(10, 2, N).round(3),
        "gap": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N).round(3)),
        "town": RNG.choice(["Rome", "Oslo", "Bonn"], N),
        "seen": (
            pandas.Timestamp("2024-01-01") + pandas.to_timedelta(RNG.integers(0, 300, N), "D")
        ).strftime("%Y-%m-%d"),
        "flat": 1.0,
        "price": RNG.normal(200, 30, N).round(2),
        "kind": RNG.choice(["a", "b"], N),
    }
)

PLANTED = {
    "scale": {"size": 1e5, "price": 1e6},
    "gaps": {"size": np.nan},
    "no gaps": {"gap": 7.0},
    "new category": {"town": "Lima"},
    "missing category": {"town": None},
    "varies": {"flat": 5.0},
    "days": {"seen": "1999-12-31"},
}


def fitted(rows, target, validation_from, path, **options):
    end = Dense(1) if target == "price" else Dense(1, activation="sigmoid")
    model = gn.Sequential([Dense(4, activation="relu"), end], seed=0)
    rows.to_csv(path, index=False)
    model.fit(
        path,
        target=target,
        epochs=2,
        verbose=0,
        validation_split=0.25,
        validation_from=validation_from,
        **options,
    )
    return model


def validation_rows(target, validation_from):
    labels = ROWS[target].to_numpy(str) if target == "kind" else None
    return train_validation_split(N, labels, 0.25, validation_from, 0)[1]


@pytest.mark.parametrize("validation_from", ["random", "end"])
@pytest.mark.parametrize("target", ["price", "kind"])
@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_changes_in_validation_rows_change_nothing(tmp_path, planted, target, validation_from):
    changed = ROWS.copy()
    for name, value in planted.items():
        changed.loc[validation_rows(target, validation_from), name] = value
    model = fitted(ROWS, target, validation_from, tmp_path / "a.csv")
    other = fitted(changed, target, validation_from, tmp_path / "b.csv")
    assert other.preprocessor == model.preprocessor
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_change_in_a_training_row_is_found(tmp_path):
    """The test above can fail."""
    changed = ROWS.copy()
    train_index = np.setdiff1d(np.arange(N), validation_rows("price", "random"))
    changed.loc[train_index[0], "size"] = 50
    assert (
        fitted(changed, "price", "random", tmp_path / "b.csv").preprocessor
        != fitted(ROWS, "price", "random", tmp_path / "a.csv").preprocessor
    )


@pytest.mark.parametrize(("name", "cell"), [("size", "unknown"), ("seen", "soon")])
def test_column_types_do_not_depend_on_validation_rows(tmp_path, name, cell):
    """A word in a numeric column of a validation row is an error, as it is in `predict`.

    The column does not become a categorical one.
    """
    changed = ROWS.astype({"size": object})
    changed.loc[validation_rows("price", "random")[0], name] = cell
    with pytest.raises(DataError, match=rf"column '{name}': expected .*'{cell}'"):
        fitted(changed, "price", "random", tmp_path / "a.csv")
    dropped = fitted(changed, "price", "random", tmp_path / "a.csv", column_types={name: "drop"})
    assert name in dropped.preprocessor.encoder.dropped_columns()


def test_labels_come_from_all_rows(tmp_path):
    rows = ROWS.assign(kind=np.where(np.arange(N) >= N - 3, "c", ROWS.kind))
    rows.to_csv(tmp_path / "a.csv", index=False)
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    model.fit(
        tmp_path / "a.csv",
        target="kind",
        epochs=1,
        verbose=0,
        validation_split=0.25,
        validation_from="end",
    )
    assert model.preprocessor.target.labels == ("a", "b", "c")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"derive": {"z": "size * log(price)"}},
            r"derive: z: expected columns other than the target, 'price'\. .*would give the answer away",
        ),
        (
            {"derive": {"price": "size * 2"}},
            r"derive: price: expected columns other than the target, 'price'",
        ),
        (
            {"column_types": {"price": "number"}},
            r"column_types: expected columns other than the target, 'price'\. .*follows from the network's last layer",
        ),
        ({"derive": {"size": "gap + 1"}}, r"derive: size: expected a new name"),
        (
            {"derive": {"z": "sise + 1"}},
            r"derive: z: column: expected one of .* Did you mean 'size'",
        ),
    ],
)
def test_columns_that_would_leak_the_target_and_duplicate_names(tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        fitted(ROWS, "price", "random", tmp_path / "a.csv", **options)


def test_types_of_derived_columns_and_nullable_targets(tmp_path):
    model = fitted(
        ROWS,
        "price",
        "random",
        tmp_path / "a.csv",
        derive={"z": "size + 1"},
        column_types={"z": "drop"},
    )
    assert model.preprocessor.encoder.dropped_columns()["z"] == "as requested"
    labels = pandas.array(np.arange(N) % 2, "Int64")
    labels[3] = pandas.NA
    rows = ROWS.assign(kind=labels)
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    history = model.fit(rows, target="kind", epochs=1, verbose=0)
    assert history.params["rows"] == N - 1
    assert set(model.predict_labels(rows).tolist()) <= {0, 1}
    rest = rows.drop(columns="kind")
    assert model.evaluate(rest.drop(index=3), labels.dropna()) == model.evaluate(rows.drop(index=3))
    with pytest.raises(
        DataError,
        match=r"y: expected a target in every row\. Received: row=3, missing=1\. Remove those rows from x and y",
    ):
        model.evaluate(rest, labels)
    with pytest.raises(DataError, match=r"Received: received='Series'\. Write series\.to_frame"):
        model.predict(rows.iloc[0])
    with pytest.raises(
        DataError, match=r"table: expected rows and columns\. Received: shape=\(0, 7\)"
    ):
        model.predict(rows.iloc[:0])


def test_a_sigmoid_learns_two_numbers_as_labels_and_three_as_fractions(tmp_path):
    for values, labels in (([0.0, 1.0], (0, 1)), ([0.0, 0.5, 1.0], None)):
        model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
        model.fit(
            ROWS.assign(kind=np.array(values)[np.arange(N) % len(values)]),
            target="kind",
            epochs=1,
            verbose=0,
        )
        assert getattr(model.preprocessor.target, "labels", None) == labels


def test_many_dropped_columns_are_printed_in_one_line(capsys):
    rows = ROWS[["size", "price"]].assign(**{f"c{i}": 1.0 for i in range(40)})
    gn.Sequential([Dense(1)], seed=0).fit(rows, target="price", epochs=1, verbose=2)
    line = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("left out")
    )
    assert line == "left out: c0, c1, c2 and 37 more (it is always 1.0)"
