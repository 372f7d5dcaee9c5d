"""Tests of the downloaded tables."""

import copy
import csv
import hashlib
import io
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from glassnet import datasets
from glassnet.datasets import downloads
from glassnet.datasets.remote_files import RemoteFile
from glassnet.datasets.table_sets import TableDataset
from glassnet.errors import ConfigError, DataError, DownloadError, MissingError

FILES = {
    "titanic": ("titanic", "titanic.csv"),
    "house_prices": ("house-prices", "train.csv"),
    "flights": ("flights", "flights.csv"),
}


@pytest.mark.parametrize("name", FILES)
def test_catalogue_tells_the_truth_of_a_table(shared_data, name):
    """Oracle: the loaded table and the size of its file."""
    entry, data = datasets.CATALOGUE[name], datasets.load(name)
    assert entry.rows == len(data.train) + len(data.test)
    assert entry.shape == (data.train.shape[1] - 1,)
    assert entry.task == data.task
    assert data.target in data.train.columns
    assert data.description.startswith(entry.about)
    assert (
        entry.source
        == f"download, {shared_data.joinpath(*FILES[name]).stat().st_size / 1000:.0f} kB"
    )
    if data.task != "regression":
        assert data.task == f"{data.frame[data.target].nunique()} classes"


@pytest.mark.parametrize("name", FILES)
def test_pinned_checksum_is_that_of_the_file(shared_data, name):
    folder, file = FILES[name]
    raw, expected = (shared_data / folder / file).read_bytes(), downloads.FILES[folder][file]
    assert (len(raw), hashlib.sha256(raw).hexdigest()) == (expected.size, expected.sha256)


@pytest.mark.parametrize("name", FILES)
def test_every_cell_is_as_the_file_spells_it(shared_data, name):
    """Oracle: Python's csv module. A cell is NaN if it is empty or NA, else the number or text."""
    with open(shared_data.joinpath(*FILES[name]), newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    frame = datasets.load(name, seed=5).frame
    assert list(frame.columns) == header
    assert frame.index.tolist() == list(range(len(rows)))
    for column, words in zip(header, zip(*rows, strict=True), strict=True):
        for cell, word in zip(frame[column].tolist(), words, strict=True):
            if word in ("", "NA"):
                assert pd.isna(cell)
            else:
                assert cell == word if isinstance(cell, str) else cell == float(word)


def test_words_and_gaps(shared_data):
    """Oracle: counts with cut, sort and uniq on the files."""
    masonry = datasets.load("house_prices").frame["MasVnrType"]
    assert masonry.isna().sum() == 8
    assert (masonry == "None").sum() == 864  # missing values with the defaults of pandas
    titanic = datasets.load("titanic").frame
    assert titanic.isna().sum()[["age", "cabin", "embarked", "fare"]].tolist() == [177, 687, 2, 0]


def test_a_fifth_of_each_class_is_held_out(shared_data):
    """Oracle: 891 * 0.2 = 178.2 rows; of 342 survivors 68.4, of 549 dead 109.8."""
    train, test = datasets.load("titanic", seed=3)
    assert (len(train), len(test)) == (713, 178)
    assert test.survived.value_counts().to_dict() == {0: 110, 1: 68}


def test_a_fifth_of_the_houses_is_held_out(shared_data):
    """Oracle: 1460 * 0.2 = 292 rows from the whole file.

    Their mean position is 729.5, with a standard deviation of 421 / sqrt(292) = 25.
    """
    train, test = datasets.load("house_prices")
    assert (len(train), len(test)) == (1168, 292)
    assert abs(test.index.to_numpy().mean() - 729.5) < 3 * 25


@pytest.mark.parametrize("seed", [0, 7])
def test_the_last_flights_are_held_out(shared_data, seed):
    """Oracle: 144 * 0.2 = 28.8, so 29 months: December 1960 back to August 1958."""
    train, test = datasets.load("flights", seed=seed)
    assert (len(train), len(test)) == (115, 29)
    assert train.iloc[-1].tolist() == [1958, "July", 491]
    assert test.iloc[0].tolist() == [1958, "August", 505]
    assert test.iloc[-1].tolist() == [1960, "December", 432]


@pytest.mark.parametrize("name", ["titanic", "house_prices"])
def test_seed_decides_the_held_out_rows(shared_data, name):
    """Oracle: a relation. The seed decides the test rows; both parts together are the file."""
    first, same, other = (datasets.load(name, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.test, same.test)
    assert set(first.test.index) != set(other.test.index)
    pd.testing.assert_frame_equal(first.frame, other.frame)
    assert not set(first.train.index) & set(first.test.index)


def small_flights(folder):
    """Write five months under the official name and return the checksum."""
    folder.mkdir(exist_ok=True, parents=True)
    raw = b"year,month,passengers\n1949,January,112\n1949,February,118\n1949,March,\n1949,April,129\n1949,May,NA\n"
    (folder / "flights.csv").write_bytes(raw)
    return {"flights.csv": RemoteFile(len(raw), hashlib.sha256(raw).hexdigest(), "test")}


@pytest.mark.parametrize("mirror", ["", "flights.csv"])
def test_table_is_downloaded_then_read_from_disk(server, home, monkeypatch, mirror):
    """A mirror is the address of a folder or of the file itself."""
    folder, address = server
    monkeypatch.setitem(downloads.FILES, "flights", small_flights(folder))
    monkeypatch.setitem(downloads.MIRRORS, "flights", (address + "gone.csv", address + mirror))
    assert len(datasets.load("flights").train) == 4
    monkeypatch.setitem(downloads.MIRRORS, "flights", ())
    train, test = datasets.load("flights")
    assert train["month"].tolist() == ["January", "February", "March", "April"]
    assert test["passengers"].isna().all()


def test_another_table_is_not_taken(server, home, monkeypatch):
    folder, address = server
    small_flights(folder)  # the right name with other contents than published
    monkeypatch.setitem(downloads.MIRRORS, "flights", (address,))
    with pytest.raises(
        DownloadError,
        match=r"flights: expected flights.csv .*flights.csv': 'it has 96 bytes \(text/csv\), not 2,350'\}. Download the file in another",
    ):
        datasets.load("flights")
    assert not (home / "flights").exists()


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (
            b"",
            r"titanic: expected a table of comma-separated values. Received: reason='No columns to parse from file'. Delete ",
        ),
        (
            b"\xff\xfe\x00",
            r"titanic: expected a table of comma-separated values. Received: reason=.*codec can't decode",
        ),
        (
            b"a,b\n1,2\n1,2,3,4\n",
            r"titanic: expected a table of comma-separated values. Received: reason='.*Expected 2 fields",
        ),
        (
            b"survived,age\n1,2\n",
            r"titanic: expected 11 columns, including 'survived'. Received: count=2, columns=\['survived', 'age'\]. Is ",
        ),
        (
            b",".join(b"abcdefghijk"[i : i + 1] for i in range(11)),
            r"expected 11 columns, including 'survived'. Received: count=11, ",
        ),
    ],
)
def test_damaged_or_other_file(home, raw, match):
    path = home / "titanic" / "titanic.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(raw)
    with pytest.raises(DataError, match=match) as caught:
        datasets.load("titanic")
    assert str(path) in str(caught.value)


def test_no_option_but_seed(shared_data):
    with pytest.raises(
        ConfigError, match=r"load\('titanic'\): expected no options except seed. Received: n=5"
    ):
        datasets.load("titanic", n=5)


def test_what_a_table_is_not():
    """Access to arrays raises an error with a fix; copies and pickles still work."""
    rows = pd.read_csv(io.StringIO("height,step\n1.5,0\n2.5,1\n,1\n"))
    data = TableDataset("steps", rows[:2], rows[2:], "step", "2 classes", "Steps.")
    with pytest.raises(
        MissingError,
        match=r"TableDataset: expected train, .*attribute='x'. It is a table .* model.fit\(train, target",
    ):
        data.x  # noqa: B018
    assert not hasattr(data, "class_names")
    for twin in (copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        pd.testing.assert_frame_equal(twin.frame, rows)
        assert (twin.name, twin.target, twin.task, twin.description) == (
            "steps",
            "step",
            "2 classes",
            "Steps.",
        )
    with pytest.raises(AttributeError, match="cannot assign to field"):
        data.train = rows
    assert data != copy.copy(data)


def test_pandas_is_loaded_for_tables_alone(home):
    """Oracle: sys.modules of a fresh process."""
    code = "import sys, glassnet as gn; gn.datasets.describe(); gn.datasets.load('xor'); print('pandas' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )
    assert np.all(
        [entry.dataset_type is TableDataset for entry in datasets.describe() if entry.name in FILES]
    )
