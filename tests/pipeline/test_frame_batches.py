"""Frames and Arrow tables as batches. Oracle: the same rows as dicts of columns, or as one table."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.layers import Dense, TextVectorization
from nets import X, Y, noisy_model, plain_model, same_bits
from oracles import close
from streams import SIZE, STARTS

pytestmark = pytest.mark.usefixtures("no_thread_stays")

NAMES = ["a", "b", "c", "d"]
COLUMNS = dict(zip(NAMES, X.T, strict=True)) | {"label": Y}
DICTS = [{name: column[i : i + SIZE] for name, column in COLUMNS.items()} for i in STARTS]
FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "Arrow table": pa.table,
    "record batch": pa.record_batch,
}


def batches_of(make):
    return [make(batch) for batch in DICTS]


@pytest.fixture(scope="module")
def from_dicts():
    """A model trained on dicts of columns, its history, its scores and its predictions."""
    model = noisy_model()
    history = model.fit(DICTS, epochs=3, target="label", validation_data=DICTS[:2], verbose=0)
    scores = model.evaluate(DICTS, target="label")
    return model, history.history, scores, model.predict(DICTS, target="label")


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_give_the_bits_of_dicts(kind, from_dicts):
    frames = batches_of(FRAMES[kind])
    expected, history, scores, predictions = from_dicts
    model = noisy_model()
    log = model.fit(frames, epochs=3, target="label", validation_data=frames[:2], verbose=0)
    assert same_bits(model, expected)
    assert log.history == history
    assert model.evaluate(frames, target="label") == scores
    np.testing.assert_array_equal(model.predict(frames, target="label"), predictions)
    np.testing.assert_array_equal(model.predict(features(kind)), predictions)
    traces = model.trace(frames, target="label"), expected.trace(DICTS, target="label")
    np.testing.assert_array_equal(*(trace.loss for trace in traces))


def features(kind):
    return [
        FRAMES[kind]({name: column for name, column in batch.items() if name != "label"})
        for batch in DICTS
    ]


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_with_targets_beside_them_give_the_bits_of_dicts(kind, from_dicts):
    """Batches (frame, labels) and (frame, series)."""
    pairs = [(f, b["label"]) for f, b in zip(features(kind), DICTS, strict=True)]
    pairs[1] = (pairs[1][0], pd.Series(pairs[1][1]))
    model = noisy_model()
    log = model.fit(pairs, epochs=3, validation_data=pairs[:2], verbose=0)
    assert same_bits(model, from_dicts[0])
    assert log.history == from_dicts[1]


TABLE = pa.table(COLUMNS)
PARTS = TABLE.to_batches(max_chunksize=SIZE)
READERS = {
    "reader of record batches": lambda file: pa.RecordBatchReader.from_batches(TABLE.schema, PARTS),
    "chunks of a CSV file": lambda file: pd.read_csv(file, chunksize=SIZE),
    "slices": lambda file: pl.DataFrame(COLUMNS).iter_slices(SIZE),
    "function": lambda file: lambda: pa.RecordBatchReader.from_batches(TABLE.schema, PARTS),
    "function of an epoch": lambda file: lambda epoch: pd.read_csv(file, chunksize=SIZE),
    "list of record batches": lambda file: PARTS,
}


@pytest.fixture
def rows_file(tmp_path):
    file = tmp_path / "rows.csv"
    pd.DataFrame(COLUMNS).to_csv(file, index=False)
    return file


@pytest.mark.parametrize("name", READERS)
def test_readers_give_frames(name, rows_file):
    """Oracle: dicts. The float32 numbers of the CSV file are written exactly."""
    expected, model = plain_model(), plain_model()
    expected.fit(DICTS, target="label", verbose=0)
    model.fit(READERS[name](rows_file), target="label", verbose=0)
    assert same_bits(model, expected)


def test_a_reader_has_one_pass_and_a_function_has_many(rows_file):
    reader = READERS["reader of record batches"](rows_file)
    with pytest.raises(DataError, match=r"batch 1 of epoch 2.*An iterator can be read only once"):
        plain_model().fit(reader, target="label", epochs=2, verbose=0)
    for name in ("function", "function of an epoch"):
        log = plain_model().fit(READERS[name](rows_file), target="label", epochs=2, verbose=0)
        assert log.epoch == [0, 1]


HOMES = pd.DataFrame(
    {
        "rooms": [1.0, 2.0, np.nan, 4.0] * 6,
        "district": ["north", "south", None, "north"] * 6,
        "built": pd.date_range("1999-01-01", periods=24, freq="30D"),
        "price": np.linspace(100, 900, 24),
    }
)
TABLES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "Arrow table": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "record batch": lambda frame: pa.RecordBatch.from_pandas(frame, preserve_index=False),
}


@pytest.fixture(scope="module")
def homes():
    model = gn.Sequential([Dense(4, activation="tanh"), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(HOMES, target="price", batch_size=8, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("kind", TABLES)
def test_batches_of_a_table_are_encoded_as_the_table(kind, homes):
    """Oracle: the table as a whole, with text, dates and missing values."""
    parts = [TABLES[kind](HOMES[i : i + 8]) for i in range(0, 24, 8)]
    np.testing.assert_array_equal(homes.predict(parts), homes.predict(HOMES))
    close(homes.evaluate(parts), homes.evaluate(HOMES), 1e-6)
    close(homes.evaluate(iter(parts)), homes.evaluate(HOMES), 1e-6)
    pairs = [
        (TABLES[kind](HOMES.drop(columns="price")[i : i + 8]), HOMES["price"][i : i + 8])
        for i in range(0, 24, 8)
    ]
    close(homes.evaluate(pairs), homes.evaluate(HOMES), 1e-6)
    whole, other = copy.deepcopy(homes), copy.deepcopy(homes)
    whole.fit(HOMES, target="price", batch_size=8, shuffle=False, verbose=0)
    other.fit(parts, verbose=0)
    for one, two in zip(other.get_weights(), whole.get_weights(), strict=True):
        close(one, two, 1e-6)


def test_a_record_batch_is_a_table(homes):
    batch = TABLES["record batch"](HOMES)
    np.testing.assert_array_equal(homes.predict(batch), homes.predict(HOMES))
    table = gn.data.read_table(batch)
    assert len(table) == 24
    assert table["district"].tolist() == gn.data.read_table(HOMES)["district"].tolist()


@pytest.mark.parametrize("kind", ["pandas", "polars", "Arrow table", "record batch"])
def test_cells_that_are_lists_are_an_axis(kind):
    """Oracle: pairs of arrays. Cells have one list or lists of lists."""
    flat = {"x": X[:8].tolist(), "label": Y[:8]}
    deep = {"x": X[:8].reshape(8, 2, 2).tolist(), "label": Y[:8]}
    expected, model = plain_model(), plain_model()
    expected.fit([(X[:8], Y[:8])], verbose=0)
    model.fit([FRAMES[kind](flat)], target="label", verbose=0)
    assert same_bits(model, expected)
    layers = [gn.layers.Flatten(), Dense(3, activation="softmax")]
    two = [gn.Sequential(layers, seed=0) for _ in range(2)]
    for each, batch in zip(two, (FRAMES[kind](deep), (X[:8].reshape(8, 2, 2), Y[:8])), strict=True):
        each.compile("sgd", "sparse_categorical_crossentropy")
        each.fit([batch], target="label" if each is two[0] else None, verbose=0)
    assert same_bits(*two)


def test_missing_numbers_and_booleans():
    """Oracle: arrays. A nullable column without gaps is numbers; a gap is named."""
    frame = pl.DataFrame({"a": [1.0, 2.0], "b": [True, False], "c": [3, 4], "y": [0, 1]})
    nullable = frame.to_pandas().convert_dtypes()
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    expected = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    for each, batch in ((model, nullable), (expected, ([[1.0, 1, 3], [2, 0, 4]], [0, 1]))):
        each.compile("sgd", "sparse_categorical_crossentropy")
        x = [batch] if each is model else [tuple(map(np.asarray, batch))]
        each.fit(x, target="y" if each is model else None, verbose=0)
    assert same_bits(model, expected)
    gap = frame.with_columns(a=pl.Series([1.0, None]))
    with pytest.raises(
        DataError, match=r"batch 1 of epoch 2: x: expected finite numbers only. Received: nan=1"
    ):
        model.fit([gap], target="y", verbose=0)


def test_texts_in_a_frame_reach_a_vectorizer():
    texts = ["good film", "bad film", "good", "bad"]
    results = []
    for batch in (
        pd.DataFrame({"text": texts, "y": [1, 0, 1, 0]}),
        pa.table({"text": texts, "y": [1, 0, 1, 0]}),
        {"text": texts, "y": [1, 0, 1, 0]},
    ):
        vectorizer = TextVectorization(output_mode="multi_hot", vocabulary=["good", "bad", "film"])
        model = gn.Sequential([vectorizer, Dense(1, activation="sigmoid")], seed=0)
        model.compile("sgd", "binary_crossentropy")
        model.fit([batch], target="y", verbose=0)
        results.append(model)
    assert same_bits(results[0], results[2])
    assert same_bits(results[1], results[2])


@pytest.mark.parametrize("batch", [dict(HOMES[["rooms", "price"]]), HOMES[["rooms", "price"]]])
def test_one_batch_is_a_list_of_one(batch):
    frame = pd.DataFrame(batch).dropna()
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match=r"validation_data: .* Pass \[data\], a list of one batch"):
        model.fit([frame], target="price", validation_data=batch, verbose=0)
    log = model.fit([frame], target="price", validation_data=[frame], verbose=0)
    assert log.history["val_loss"] == [model.evaluate([frame], target="price")]
    with pytest.raises(ConfigError, match=r"\[x\] is a list of one batch"):
        model.evaluate(frame, target="price")


def test_a_list_of_frames_is_sequences_for_a_network_of_sequences():
    """As it was: each frame is one example, (steps, features)."""
    frames = [pd.DataFrame(X[i : i + 4], columns=NAMES) for i in range(0, 16, 4)]
    model = gn.Sequential([gn.layers.Input((4, 4)), gn.layers.Flatten(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    np.testing.assert_array_equal(model.predict(frames), model.predict(np.stack(frames)))


BAD = {
    "columns ['a', 'b']. Received: received=['a', 'c']": [
        pd.DataFrame({"a": [1.0], "b": [2.0], "t": [0]}),
        pd.DataFrame({"a": [1.0], "c": [2.0], "t": [0]}),
    ],
    "columns of numbers. Received: columns_without_numbers=['b']. Fit the model to a table": [
        pd.DataFrame({"a": [1.0], "b": ["north"], "t": [0]})
    ],
    "a unique name for each column. Received: duplicates=['a']": [
        pd.DataFrame([[1.0, 2.0, 0]], columns=["a", "a", "t"])
    ],
    "target: expected the name of the column of targets. Received: target='t'. For example target='y'": [
        pa.table({"a": [1.0], "y": [0]})
    ],
    "a: expected rows of equal length": [pd.DataFrame({"a": [[1.0], [2.0, 3.0]], "t": [0, 1]})],
    "at least one row": [pd.DataFrame({"a": [], "t": []})],
}


@pytest.mark.parametrize("words", BAD)
def test_a_frame_that_cannot_be_used_is_named(words):
    model = gn.Sequential([Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match=r"^batch \d of epoch 1: ") as error:
        model.fit(BAD[words], target="t", verbose=0)
    assert words in str(error.value)
