"""Rows that equal training rows: recognized in every kind of data, and scored apart."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet import fingerprinting, keras
from glassnet.errors import DataError, NotReadyError
from glassnet.layers import Dense, Flatten
from nets import SPARSE, X, Y, fit_noisy, noisy_model, plain_model


def people(n=60, seed=0):
    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame(
        {
            "name": [f"P{seed} {i}" for i in range(n)],
            "age": rng.integers(1, 80, n).astype(float),
            "fare": rng.choice([0.1, 7.25, 8.05], n),
            "deck": rng.choice(["A", "B", None], n),
            "alive": rng.random(n) < 0.5,
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame["survived"] = rng.integers(0, 2, n)
    return frame


PEOPLE, STRANGERS = people(), people(20, seed=1)
BOTH = pandas.concat([STRANGERS[:5], PEOPLE, STRANGERS[5:]], ignore_index=True)


@pytest.fixture(scope="module")
def table_model():
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.fit(PEOPLE, target="survived", epochs=1, verbose=0)
    return model


def fitted(x=X, y=Y, **options):
    model = plain_model()
    model.fit(x, y, verbose=0, **options)
    return model


def test_evaluate_scores_the_other_rows_apart(capsys):
    """Oracle: evaluate on those rows alone. The result is that of all rows, as before."""
    model = noisy_model()
    model.fit(X[:20], Y[:20], verbose=0)
    logs = model.evaluate(X, Y, return_dict=True)
    printed = capsys.readouterr().out
    others = model.evaluate(X[20:], Y[20:], return_dict=True)
    assert capsys.readouterr().out == ""
    assert printed == (
        f"evaluate: 20 of 37 rows equal training rows; the other 17 rows alone: "
        f"loss {others['loss']:.4g}, accuracy {others['accuracy']:.4g}\n"
    )
    whole = (20 * model.evaluate(X[:20], Y[:20])[0] + 17 * others["loss"]) / 37
    assert logs["loss"] == pytest.approx(whole, rel=1e-5)
    assert capsys.readouterr().out == (
        "evaluate: all 20 rows equal training rows; the score on new rows may be lower\n"
    )
    model.evaluate(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_weights_of_the_other_rows_are_theirs(capsys):
    model, weight = fitted(X[:20], Y[:20]), np.arange(37.0)
    model.evaluate(X, Y, weight)
    printed = capsys.readouterr().out
    assert printed.endswith(f"loss {model.evaluate(X[20:], Y[20:], weight[20:]):.4g}\n")


def test_xor_is_no_accusation(capsys):
    xor = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    model.fit(xor, [0, 1, 1, 0], verbose=0)
    model.evaluate(xor, [0, 1, 1, 0])
    assert capsys.readouterr().out.startswith("evaluate: all 4 rows equal training rows")
    model.evaluate(xor[:1], [0])
    assert "the row equals a training row" in capsys.readouterr().out


def test_validation_rows_are_not_training_rows():
    """Oracle: 37 rows minus 7 for validation. validation_data does not count either."""
    model = noisy_model()
    fit_noisy(model, 1)
    assert model.is_training_row(X).sum() == 30
    model = fitted(X[:9], Y[:9], validation_data=(X[9:], Y[9:]))
    np.testing.assert_array_equal(model.is_training_row(X), np.arange(37) < 9)


def test_later_fits_add_their_rows():
    model = fitted(X[:9], Y[:9])
    model.fit(X[5:12], Y[5:12], verbose=0)
    np.testing.assert_array_equal(model.is_training_row(X), np.arange(37) < 12)
    model.fit(X[12:], Y[12:], epochs=0, verbose=0)
    assert model.is_training_row(X).sum() == 12
    model.reset()
    with pytest.raises(NotReadyError, match="a model that knows its training rows"):
        model.is_training_row(X)


def test_arrays_are_compared_by_value():
    whole = np.random.default_rng(0).integers(0, 9, (40, 4))
    model = fitted(whole[:20].astype(np.uint8), Y[:20])
    expected = [tuple(row) in set(map(tuple, whole[:20])) for row in whole]
    for x in (whole, whole.astype(float), whole.tolist()):
        np.testing.assert_array_equal(model.is_training_row(x), expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame,
        lambda frame: frame[list(frame)[::-1]].assign(extra=1),
        lambda frame: frame.astype({"age": np.float32, "fare": np.float32, "alive": object}),
        lambda frame: frame.astype({"deck": "category", "name": "string", "age": "Int64"}),
        lambda frame: frame.drop(columns="survived"),
    ],
    ids=["as it was", "order", "float32", "pandas types", "no target"],
)
def test_rows_of_a_frame_are_compared_by_their_values(table_model, change):
    """Oracle: the five rows before and the fifteen rows after the training rows are new."""
    equal = table_model.is_training_row(change(BOTH))
    np.testing.assert_array_equal(equal, np.isin(np.arange(80), np.arange(5, 65)))


def test_a_file_and_a_frame_of_the_same_rows_agree(table_model, tmp_path):
    """Oracle: as above; missing values, 0.1 and booleans are written as text."""
    BOTH.to_csv(tmp_path / "both.csv", index=False)
    assert table_model.is_training_row(tmp_path / "both.csv").sum() == 60
    PEOPLE.to_csv(tmp_path / "people.csv", index=False)
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.fit(tmp_path / "people.csv", target="survived", verbose=0)
    assert model.is_training_row(BOTH).sum() == 60


@pytest.mark.parametrize("column", ["name", "age", "deck", "alive"])
def test_a_row_that_differs_in_one_column_is_new(table_model, column):
    """`name` is not used by the network, but it tells rows apart."""
    changed = PEOPLE.copy()
    changed.loc[3, column] = {"name": "Q", "age": 81.0, "deck": "C", "alive": not PEOPLE.alive[3]}[
        column
    ]
    np.testing.assert_array_equal(table_model.is_training_row(changed), np.arange(60) != 3)


def test_a_column_that_is_dropped_on_request_does_not_count():
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(PEOPLE, target="survived", column_types={"name": "drop"}, verbose=0)
    assert model.is_training_row(PEOPLE.assign(name="x")).all()
    assert model.is_training_row(PEOPLE.drop(columns="name")).all()


def test_a_table_without_a_column_of_training_is_not_compared(table_model, capsys):
    few = BOTH.drop(columns="name")
    table_model.evaluate(few)
    assert capsys.readouterr().out == ""
    with pytest.raises(DataError, match="A table needs the columns that training had"):
        table_model.is_training_row(few)


def test_rows_without_a_target_are_not_counted(table_model, capsys):
    gaps = BOTH.astype({"survived": float})
    gaps.loc[:9, "survived"] = np.nan
    with pytest.warns(match="left out 10 of 80 rows"):
        table_model.evaluate(gaps)
    assert capsys.readouterr().out.startswith("evaluate: 55 of 70 rows equal training rows")


def test_images_and_windows_are_compared_as_the_network_sees_them(capsys):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 4, 4, 1)).astype(np.uint8)
    model = gn.Sequential([Flatten(), Dense(2, activation="softmax")], seed=0)
    files = tuple(Path(f"{i}.png") for i in range(12))
    images = gn.data.Images(pixels, np.arange(12) % 2, ("a", "b"), files)
    model.fit(images, epochs=1, validation_split=0.25, verbose=0)
    model.evaluate(images)
    assert capsys.readouterr().out.startswith("evaluate: 9 of 12 rows equal training rows")
    sales = pandas.DataFrame({"sales": rng.normal(100, 9, 60)})
    series = gn.data.series(sales, "sales", season=4, length=6, horizon=2)
    model = gn.Sequential([Flatten(), Dense(2)], seed=0)
    model.fit(series[:40], verbose=0)
    model.evaluate(series)
    # 40 values are 36 differences, and 36 - 6 - 2 + 1 windows; 60 values are 49 windows
    assert capsys.readouterr().out.startswith("evaluate: 29 of 49 rows equal training rows")


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_know_the_rows(way):
    twin = COPIES[way](fitted(X[:9], Y[:9]))
    np.testing.assert_array_equal(twin.is_training_row(X), np.arange(37) < 9)


def test_files_know_the_rows_unless_save_leaves_them_out(tmp_path, capsys):
    model = fitted(X[:9], Y[:9])
    model.save(tmp_path / "with.glassnet")
    model.save(tmp_path / "without.glassnet", row_fingerprints=False)
    assert gn.load(tmp_path / "with.glassnet").is_training_row(X).sum() == 9
    loaded = gn.load(tmp_path / "without.glassnet")
    loaded.fit(X[9:], Y[9:], verbose=0)  # the first nine rows are unknown, so nothing is known
    loaded.evaluate(X, Y)
    assert capsys.readouterr().out == ""
    with pytest.raises(NotReadyError, match="files without fingerprints"):
        loaded.is_training_row(X)
    sizes = [(tmp_path / f"{name}.glassnet").stat().st_size for name in ("with", "without")]
    assert 10 * 8 <= sizes[0] - sizes[1] < 250  # nine hashes, the salt, and one entry of the header


def test_a_resumed_run_knows_the_rows(tmp_path):
    for epochs in (1, 3):
        model = plain_model()
        model.fit(X[:9], Y[:9], epochs=epochs, verbose=0, resume=tmp_path)
        np.testing.assert_array_equal(model.is_training_row(X), np.arange(37) < 9)


def test_batches_and_memory_maps_are_not_remembered(tmp_path, capsys):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    streamed = plain_model()
    streamed.fit([(X[:8], Y[:8])], verbose=0)
    for model in (streamed, fitted(mapped, Y, batch_size=8)):
        model.evaluate(X, Y)
        assert capsys.readouterr().out == (
            "evaluate: not checked for training rows: the model remembers at most 200,000 "
            "training rows, and none that came in batches or in parts\n"
        )
    streamed.fit(X, Y, verbose=0)
    with pytest.raises(NotReadyError, match="after batches"):
        streamed.is_training_row(X)
    with pytest.raises(DataError, match="rows in memory"):
        fitted().is_training_row(mapped)


@pytest.mark.parametrize("way", ["list", "generator", "memory map"])
def test_batches_and_memory_maps_are_not_compared(way, tmp_path, capsys):
    """Rows that were trained on would pass without a word."""
    np.save(tmp_path / "x.npy", X)
    batches = [(X[:20], Y[:20]), (X[20:], Y[20:])]
    model = fitted()
    if way == "memory map":
        model.evaluate(np.load(tmp_path / "x.npy", mmap_mode="r"), Y)
    else:
        model.evaluate(batches if way == "list" else (batch for batch in batches))
    assert capsys.readouterr().out == (
        "evaluate: not checked for training rows: rows that come in batches, in parts or "
        "from a memory map are not compared\n"
    )
    model.evaluate(batches, verbose=0)
    assert capsys.readouterr().out == ""


def test_more_rows_than_the_limit_are_not_remembered(monkeypatch, capsys):
    monkeypatch.setattr(fingerprinting, "MAX_ROWS", 36)
    fitted().evaluate(X, Y)
    assert "not checked for training rows" in capsys.readouterr().out
    assert fitted(X[:36], Y[:36]).is_training_row(X).sum() == 36


def test_keras_and_opting_out(capsys):
    model = keras.Sequential([keras.layers.Dense(3, "softmax")])
    model.compile("sgd", SPARSE)
    model.fit(X[:20], Y[:20], verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert capsys.readouterr().out == ""
    model.evaluate(X, Y)
    assert "20 of 37 rows equal training rows" in capsys.readouterr().out
    silent = plain_model()
    silent.keeps_row_fingerprints = False
    silent.fit(X, Y, verbose=0)
    silent.evaluate(X, Y)
    assert capsys.readouterr().out == ""
    assert not copy.deepcopy(silent).keeps_row_fingerprints


def test_models_of_other_seeds_have_other_fingerprints():
    one, other, same = (plain_model(seed=seed) for seed in (0, 1, 0))
    for model in (one, other, same):
        model.fit(X, Y, verbose=0)
    assert one._rows == same._rows
    assert not np.isin(one._rows.hashes, other._rows.hashes).any()


def test_a_number_as_text_is_the_number():
    """Oracle: by construction. Categories of numbers come as text or as numbers."""
    frame = PEOPLE.assign(grade=np.arange(60) % 3)
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(frame, target="survived", column_types={"grade": "category"}, verbose=0)
    assert model.is_training_row(frame.astype({"grade": str})).all()
    assert model.is_training_row(frame.astype({"grade": float})).all()
    assert not model.is_training_row(frame.assign(grade=frame.grade.astype(str) + "x")).any()
