"""`glassnet inspect`: each view of saved models. Oracle: the views in Python (6)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import glassnet as gn
from glassnet.cli import main
from glassnet.layers import Conv2D, Dense, Flatten, Rescaling

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"age": RNG.uniform(20, 60, 60), "fare": RNG.uniform(5, 90, 60)})
TABLE["town"] = ["a", "b", "c"] * 20
TABLE["survived"] = np.where(TABLE.fare > 40, "yes", "no")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a model of a table and one of images, and data for them."""
    path = tmp_path_factory.mktemp("inspect")
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.fit(TABLE, target="survived", epochs=30, verbose=0)
    model.save(path / "t.glassnet")
    TABLE.to_csv(path / "t.csv", index=False)
    pixels = RNG.integers(0, 256, (12, 8, 8, 1)).astype(np.uint8)
    labels = np.arange(12) % 3
    layers = [Rescaling(1 / 255), Conv2D(2, 3, activation="relu"), Flatten(), Dense(3, "softmax")]
    images = gn.Sequential(layers, seed=0)
    images.fit(pixels, labels, epochs=1, verbose=0)
    images.save(path / "i.glassnet")
    np.savez(path / "i.npz", x=pixels, y=labels)
    return path


@pytest.fixture(autouse=True)
def _in_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


def run(*words):
    return CliRunner().invoke(main, ["inspect", *map(str, words)])


def refused(result):
    """Return the line on stderr of a call that was refused."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        "landscape t.glassnet t.csv --resolution 5",
        "boundary t.glassnet t.csv --features fare,age",
        "importance t.glassnet t.csv --repeats 2",
        "mistakes t.glassnet t.csv",
        "attribute t.glassnet t.csv --rows 0,5",
        "weights t.glassnet t.csv",
        "weights i.glassnet",
        "features i.glassnet i.npz --row 2",
        "attribute i.glassnet i.npz --method grad_cam",
        "mistakes i.glassnet i.npz",
    ],
)
def test_each_view_is_drawn_and_printed_as_numbers(words, tmp_path):
    path = tmp_path / "figure.png"
    result = run(*words.split(), "--out", path)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"figure written to {path}\n")
    with Image.open(path) as picture:
        assert picture.width > 200
    facts = json.loads(run(*words.split(), "--json").stdout)
    assert facts["view"] == words.split()[0]
    assert facts["title"] in " ".join(result.stdout.split())
    assert len({len(values) for values in facts["numbers"].values()}) == 1


def test_the_numbers_are_those_of_python():
    model = gn.load("t.glassnet")
    view = gn.inspection.mistakes(model, "t.csv")
    facts = json.loads(run("mistakes", "t.glassnet", "t.csv", "--json").stdout)
    assert facts["title"] == view.title
    assert facts["out"] is None
    assert facts["arrays"]["confusion"] == view.confusion.tolist()


def test_unknown_names_and_rows_are_refused():
    text = refused(run("boundary", "t.glassnet", "t.csv", "--features", "fair,age"))
    assert "fare" in text
    text = refused(run("boundary", "t.glassnet", "t.csv"))
    assert '--features "age,fare"' in text
    text = refused(run("features", "i.glassnet", "i.npz", "--row", "12"))
    assert "rows from 0 to 11. Received: 12" in text
    text = refused(run("attribute", "i.glassnet", "i.npz", "--method", "grad_cma"))
    assert "grad_cam" in text
    assert "Missing argument" in refused(run("mistakes", "t.glassnet"))
    assert "numbers of rows" in refused(run("attribute", "t.glassnet", "t.csv", "--rows", "a"))


def test_a_missing_folder_is_said_before_the_work(monkeypatch):
    monkeypatch.setattr("glassnet.models.load.load", None)
    result = run("weights", "t.glassnet", "--out", "none/figure.png")
    assert "expected a file in a folder that exists" in refused(result)
    assert not Path("none").exists()
