"""Models of CSV files with digits such as 007, which are text.

Oracles: the texts in the file; and for models that have learned numbers, the same rows as numbers.
"""

import re

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet.data import csv_folders
from glassnet.errors import DataError

N = 60
RNG = np.random.default_rng(0)
ROWS = pandas.DataFrame(
    {
        "zip": RNG.choice(["01067", "04109", "10115", "80331"], N),
        "open": RNG.choice(["00", "01"], N),
        "width": RNG.choice(["01.50", "02.25", "10.00"], N),
        "x": RNG.normal(size=N).round(2),
        "label": RNG.choice(["001", "007", "012"], N),
        "count": RNG.choice(["0012", "0120", "1200"], N),
    }
)
PLAIN = ROWS.astype(dict.fromkeys(ROWS.columns, float))
"""The rows as numbers, which a file held before digits were text."""


def write(rows, path, delimiter=","):
    if delimiter == ";":
        rows = rows.assign(width=rows["width"].str.replace(".", ","))
        rows["x"] = rows["x"].astype(str).str.replace(".", ",")
    rows.to_csv(path, index=False, sep=delimiter)
    return str(path)


def fit(rows, target, **arguments):
    outputs = {"label": 3, "open": 1}.get(target, 1)
    ends = {"label": "softmax", "open": "sigmoid"}
    layer = gn.layers.Dense(outputs, activation=ends.get(target))
    model = gn.Sequential([layer], seed=0)
    model.fit(rows, target=target, epochs=1, batch_size=20, verbose=0, **arguments)
    return model


def test_labels_are_predicted_and_saved_as_they_are_written(tmp_path):
    path = write(ROWS[["zip", "x", "label"]], tmp_path / "t.csv")
    model = fit(path, "label")
    assert model.preprocessor.target.labels == ("001", "007", "012")
    model.save(tmp_path / "m.glassnet")
    loaded = gn.load(tmp_path / "m.glassnet")
    assert set(loaded.predict_labels(path)) <= {"001", "007", "012"}
    assert loaded.evaluate(path) == model.evaluate(path)
    lost = pandas.read_csv(path)
    assert lost["label"].tolist() == PLAIN["label"].tolist()
    assert loaded.evaluate(lost) == model.evaluate(path)


@pytest.mark.filterwarnings("ignore:label. some classes may be one")
def test_labels_of_the_same_value_are_not_chosen(tmp_path):
    """7 may be 07, 007 or 0007."""
    rows = pandas.DataFrame({"x": RNG.normal(size=30), "label": ["07", "007", "0007"] * 10})
    model = fit(write(rows, tmp_path / "t.csv"), "label")
    with pytest.raises(DataError, match=r"others=\['7'\]"):
        model.evaluate(pandas.DataFrame({"x": [1.0], "label": [7]}))


def test_categories_are_those_of_training_whichever_rows_a_new_file_has(tmp_path):
    """Oracle: the predictions of the same rows in the file of training."""
    columns = ["zip", "open", "x"]
    path = write(ROWS[[*columns, "label"]], tmp_path / "t.csv")
    model = fit(path, "label")
    zips = model.preprocessor.encoder.columns[0]
    assert zips.categories == ("01067", "04109", "10115", "80331")
    predicted = model.predict(path)
    assert len(np.unique(predicted, axis=0)) > N / 2
    no_zeros = (ROWS["zip"] > "1").to_numpy()
    for rows in (no_zeros, ~no_zeros):
        new = write(ROWS.loc[rows, columns], tmp_path / "new.csv")
        np.testing.assert_array_equal(model.predict(new), predicted[rows])
    np.testing.assert_array_equal(model.predict(ROWS[columns]), predicted)
    np.testing.assert_array_equal(model.predict(pandas.read_csv(path)), predicted)


NUMBERS = {
    "as they were inferred": ("label", {}),
    "categories": ("label", {"column_types": dict.fromkeys(["zip", "width"], "category")}),
    "booleans": ("label", {"column_types": {"open": "boolean", "zip": "drop"}}),
    "derived": ("label", {"derive": {"size": "width * 2 + zip"}}),
    "a numeric target": ("count", {"column_types": {"zip": "category"}}),
    "two labels": ("open", {}),
}


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize(("target", "arguments"), NUMBERS.values(), ids=NUMBERS)
def test_models_that_have_learned_numbers_predict_the_same(tmp_path, target, arguments, delimiter):
    """Models of earlier versions read 01067 as 1067, as this one, which is fitted to numbers."""
    model = fit(PLAIN, target, **arguments)
    path = write(ROWS, tmp_path / "t.csv", delimiter)
    np.testing.assert_array_equal(model.predict(path), model.predict(PLAIN))
    np.testing.assert_array_equal(model.evaluate(path), model.evaluate(PLAIN))
    folder = tmp_path / "folder"
    folder.mkdir()
    write(ROWS[:30], folder / "1.csv", delimiter)
    write(ROWS[30:], folder / "2.csv", delimiter)
    np.testing.assert_array_equal(model.predict(str(folder)), model.predict(PLAIN))
    np.testing.assert_allclose(model.evaluate(str(folder)), model.evaluate(PLAIN), rtol=1e-6)


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_stated_type_is_the_type(tmp_path, delimiter):
    """Oracle: a fit to the numbers."""
    rows, numbers = ROWS[["zip", "width", "x", "count"]], PLAIN[["zip", "width", "x", "count"]]
    path = write(rows, tmp_path / "t.csv", delimiter)
    model = fit(path, "count", column_types={"zip": "number", "width": "number"})
    wanted = fit(numbers, "count", column_types={"zip": "number", "width": "number"})
    assert model.preprocessor == wanted.preprocessor
    np.testing.assert_array_equal(model.predict(path), wanted.predict(numbers))
    target = fit(path, "width", column_types={"zip": "number", "count": "number"})
    assert target.preprocessor.target.mean == pytest.approx(PLAIN["width"].mean())


def test_what_is_printed(tmp_path, capsys):
    rows = ROWS[["zip", "x", "label"]].assign(id=[f"{i:04d}" for i in range(N)])
    model = gn.Sequential([gn.layers.Dense(3, activation="softmax")], seed=0)
    model.fit(write(rows, tmp_path / "t.csv"), target="label", epochs=1, batch_size=20)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "zip, label, id: read as text, to keep leading zeros (such as '04109')"
    assert (
        "left out: id (nearly every row has a different value; "
        'column_types={"id": "number"} uses it as a number)'
    ) in lines
    assert (
        'zip: digits such as 01067, used as categories; column_types={"zip": "number"} uses them '
        "as numbers"
    ) in lines


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder whose first rows have no zeros, and later ones have."""
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 300)
    path = tmp_path / "folder"
    path.mkdir()
    rows = ROWS.assign(key=(ROWS["zip"] < "1")).sort_values("key", kind="stable")
    rows = rows[["zip", "x", "label"]]
    write(rows, path / "1.csv")
    return rows.reset_index(drop=True), str(path)


def test_zeros_behind_the_first_rows_of_a_folder_are_refused(folder):
    rows, path = folder
    first = rows["zip"][rows["zip"] < "1"].iloc[0]
    with pytest.raises(DataError) as caught:
        fit(path, "label")
    text = str(caught.value)
    assert "expected numbers in column 'zip', as in the first rows of the folder" in text
    assert f"text=['{first}'" in text
    advice = re.search(r"pass (column_types=\{.*\}) to fit", text)[1]
    assert advice == 'column_types={"zip": "number"}'
    model = fit(path, "label", column_types={"zip": "number"})
    assert type(model.preprocessor.encoder.columns[0]).__name__ == "NumericColumn"


def test_a_fitted_model_decides_what_a_folder_holds(folder, tmp_path):
    """Oracle: the predictions of the rows in one file."""
    rows, path = folder
    whole = write(rows, tmp_path / "t.csv")
    for model in (fit(whole, "label"), fit(PLAIN[["zip", "x", "label"]], "label")):
        np.testing.assert_array_equal(model.predict(path), model.predict(whole))
        model.fit(path, epochs=1, batch_size=20, verbose=0)
        np.testing.assert_array_equal(model.predict(path), model.predict(whole))


def test_words_for_missing_zip_codes_behind_the_first_rows(tmp_path, monkeypatch):
    """Oracle: the same rows in one file."""
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 300)
    (tmp_path / "folder").mkdir()
    rows = ROWS[["zip", "x", "label"]].copy()
    rows.loc[40:45, "zip"] = "NA"
    path = write(rows, tmp_path / "folder" / "1.csv")
    one, parts = fit(path, "label"), fit(str(tmp_path / "folder"), "label")
    encodings = one.preprocessor.encoder.columns[0], parts.preprocessor.encoder.columns[0]
    assert encodings[0].categories == encodings[1].categories
    assert encodings[0].categories[-1] is None


def test_months_and_hours_with_zeros_are_times(tmp_path):
    """Oracle: the series without the zeros."""
    hours = [(m, d, h) for m in (1,) for d in range(1, 29) for h in (0, 6, 12, 18)]
    frame = pandas.DataFrame(hours, columns=["month", "day", "hour"]).assign(year=2024)
    frame["level"] = np.arange(len(frame)) % 90 + 5
    padded = frame.astype(str).apply(lambda column: column.str.zfill(2))
    series = []
    for rows, name in ((frame, "plain.csv"), (padded, "padded.csv")):
        rows.to_csv(tmp_path / name, index=False)
        time = ["year", "month", "day", "hour"]
        series.append(gn.data.series(tmp_path / name, "level", time=time))
    plain, with_zeros = series
    np.testing.assert_array_equal(with_zeros.values, plain.values)
    assert str(with_zeros.times) == str(plain.times)
    assert not any("read as text" in text for text in with_zeros.messages)


def test_correlations_of_digits(tmp_path):
    """Oracle: the type that is stated."""
    path = write(ROWS[["x", "count"]], tmp_path / "t.csv")
    assert gn.inspection.correlations(path, target="count").measures == ("eta",)
    types = {"count": "number"}
    assert gn.inspection.correlations(path, target="count", column_types=types).measures == ("r",)
