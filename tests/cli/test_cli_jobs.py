"""Data of a command without test rows of their own: all rows are for training.

Oracle: the rows of the files, in their order.
"""

from pathlib import Path

import click
import numpy as np
import pandas
import pytest
from PIL import Image

import glassnet as gn
from glassnet.cli.jobs import resolve
from glassnet.cli.jobs.base import TrainOptions

FRAME = pandas.DataFrame(
    {
        "month": pandas.date_range("2020-01-01", periods=60, freq="MS").astype(str),
        "size": np.arange(60) * 1.5,
        "sold": ["yes", None, "no"] * 20,
    }
)


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("t.csv", index=False)


def test_rows_of_a_table():
    """The 20 rows without a target are left out."""
    job = resolve.resolve_job("t.csv", TrainOptions("sold"), 0, split=False)
    has_target = FRAME.sold.notna()
    assert job.train["size"].tolist() == FRAME["size"][has_target].tolist()
    assert job.n_samples == 40
    assert len(job.test) == 0
    assert job.run_data.test is None
    assert job.description == "40 rows, 2 classes"
    split = resolve.resolve_job("t.csv", TrainOptions("sold"), 0)
    assert split.description == "32 training rows, 8 test rows, 2 classes"


def test_groups_are_no_feature():
    """Groups belong to the rows with a target."""
    options = TrainOptions("sold", groups="month")
    job = resolve.resolve_job("t.csv", options, 0, split=False)
    assert list(job.train.columns) == ["size", "sold"]
    assert len(job.groups) == 40
    expected = pandas.to_datetime(FRAME.month[FRAME.sold.notna()])
    assert pandas.to_datetime(job.groups).tolist() == expected.tolist()
    with pytest.raises(gn.errors.ConfigError, match="'month'"):
        resolve.resolve_job("t.csv", TrainOptions("sold", groups="mnth"), 0, split=False)
    with pytest.raises(gn.errors.ConfigError, match="--groups"):
        resolve.resolve_job("t.csv", TrainOptions("sold", groups="sold"), 0, split=False)


def test_groups_of_a_dataset(shared_data):
    job = resolve.resolve_job("titanic", TrainOptions(groups="pclass"), 0, split=False)
    assert len(job.groups) == len(job.train)
    assert "pclass" not in job.train.columns


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("digits", TrainOptions(groups="age"), "--groups is for tables"),
        ("t.csv", TrainOptions("size", forecast=3, groups="sold"), "--groups cannot be combined"),
    ],
)
def test_groups_are_for_tables(name, options, message):
    with pytest.raises(click.UsageError, match=message):
        resolve.resolve_job(name, options, 0, split=False)


def test_rows_of_arrays():
    x, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    np.savez("a.npz", x=x, y=y)
    job = resolve.resolve_job("a.npz", TrainOptions(), 0, split=False)
    np.testing.assert_array_equal(job.data.x, x)
    np.testing.assert_array_equal(job.data.y, y)
    assert job.description == "20 rows, 2 classes"
    assert job.run_data.test is None
    np.savez("b.npz", x_train=x, y_train=y, x_test=x[:3], y_test=y[:3])
    assert len(resolve.resolve_job("b.npz", TrainOptions(), 0, split=False).data.x_test) == 3


def test_the_fraction_of_test_rows_of_arrays():
    np.savez("a.npz", x=np.arange(20.0), y=np.arange(20) % 2)
    for fraction, n_test in ((0.0, 0), (0.25, 5)):
        data = gn.data.arrays_from_file("a.npz", test_fraction=fraction)
        assert (len(data.x), len(data.x_test)) == (20 - n_test, n_test)
    with pytest.raises(gn.errors.ConfigError, match="expected test_fraction from 0 to below 1"):
        gn.data.arrays_from_file("a.npz", test_fraction=1.5)


def test_steps_of_a_series():
    options = TrainOptions("size", forecast=3, time=("month",))
    job = resolve.resolve_job("t.csv", options, 0, split=False)
    split = resolve.resolve_job("t.csv", options, 0)
    assert len(job.train) == 60
    assert len(split.train) == 57
    assert job.n_samples == split.n_samples + 3
    assert job.run_data.test is None
    assert "for testing" not in job.description


def test_images_of_a_folder():
    for part, n in (("train", 4), ("test", 2), ("validation", 3)):
        for label in ("cat", "dog"):
            folder = Path("photos", part, label)
            folder.mkdir(parents=True)
            for i in range(n):
                Image.new("RGB", (8, 8), (i, 0, 0)).save(folder / f"{i}.png")
    job = resolve.resolve_job("photos", TrainOptions(), 0, split=False)
    assert (len(job.train), job.test, job.validation_data) == (8, None, None)
    assert job.messages[:2] == ("not used: photos/test", "not used: photos/validation")
    assert job.messages[2].startswith("photos: cat 4, dog 4; 8x8 pixels, RGB")
    assert job.description == "8 images, 2 classes"
    job = resolve.resolve_job("photos/train", TrainOptions(), 0, split=False)
    assert len(job.train) == 8
