"""glassnet train --report: the page of a run, with the command that made it."""

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from glassnet.cli import main
from glassnet.formatting import format_share
from read_page import read_page

TABLE = "a,b,y\n" + "".join(f"{i % 17},{i * 7 % 5},{int(i % 17 > 8)}\n" for i in range(60))
FAST = ("--epochs", "1", "--layers", "none", "--no-plot")


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*words):
    result = CliRunner().invoke(main, ["train", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result


def test_the_page_has_the_numbers_of_the_command():
    """Oracle: the JSON that the same command prints."""
    facts = json.loads(run("digits", *FAST, "--json", "--report", "run.html").stdout)
    assert facts["report"] == "run.html"
    page = read_page(Path("run.html"))
    (title,) = [caption for caption in page.tables if caption.startswith("accuracy on")]
    scores = [facts["score"]["network"], *facts["score"]["rivals"]]
    expected = [
        [
            each["name"],
            format_share(each["value"]),
            " to ".join(map(format_share, each["interval"])),
        ]
        for each in scores
    ]
    assert page.tables[title][1:] == expected


def test_the_path_is_in_the_last_line():
    result = run("digits", *FAST, "--report", "run.html")
    assert "run.html" in result.stdout.splitlines()[-1]
    facts = json.loads(run("digits", *FAST, "--json").stdout)
    assert facts["report"] is None


def test_a_missing_folder_is_refused_before_the_work():
    result = CliRunner().invoke(main, ["train", "digits", "--report", "missing/run.html"])
    assert result.exit_code == 2
    assert "No such file or directory" in result.stderr
    result = CliRunner().invoke(main, ["train", "digits", "--report", "run.pdf"])
    assert "expected a file that ends in .html" in result.stderr


def test_the_command_repeats_the_run(tmp_path):
    """Oracle: the JSON of the command that the page shows. It has no folder and no output."""
    (tmp_path / "data").mkdir()
    Path("data", "my table.csv").write_text(TABLE)
    words = [
        "data/my table.csv",
        "--target",
        "y",
        *FAST,
        "--out=m.glassnet",
        "--report",
        "run.html",
    ]
    first = json.loads(run(*words, "--json").stdout)
    page = read_page(Path("run.html"))
    command = "glassnet train 'my table.csv' --target y --epochs 1 --layers none --seed 0"
    assert command in page.text
    assert str(tmp_path) not in Path("run.html").read_text()
    Path("my table.csv").write_text(TABLE)
    second = json.loads(run(*shlex.split(command)[2:], "--json", "--no-plot").stdout)
    assert first["score"] == second["score"]


def test_how_the_table_was_read_and_what_was_warned_about():
    rows = "".join(f"{i % 17},{i * 7 % 5},{i % 3}\n" for i in range(60))
    Path("t.csv").write_text(f"a,b,y\n{rows}")
    run("t.csv", "--target", "y", *FAST, "--report", "run.html")
    page = read_page(Path("run.html"))
    assert "y has 3 different integers and is treated as a number" in page.text
    assert "60 rows are too few to compare methods" in page.text


def test_a_series():
    months = "".join(f"{2000 + i // 12}-{i % 12 + 1:02},{10 + i % 12 + i / 9}\n" for i in range(72))
    Path("s.csv").write_text(f"month,sold\n{months}")
    result = run(
        "s.csv", "--target", "sold", "--forecast", 4, "--time", "month", *FAST, "--report", "s.html"
    )
    page = read_page(Path("s.html"))
    assert page.facts["Training steps"] == "2000-01 to 2005-08 (68 months)"
    assert page.facts["Test steps"] == "2005-09 to 2005-12 (4 months)"
    (title,) = [caption for caption in page.tables if caption.startswith("RMSE of")]
    for label, *values in page.tables[title][1:]:
        assert any(line.split() == [*label.split(), *values] for line in result.stdout.splitlines())
    assert any("as they were forecast" in label for label in page.labels)


def test_images():
    for label, color in (("cat", 40), ("dog", 200)):
        Path("photos", label).mkdir(parents=True)
        for i in range(10):
            Image.fromarray(np.full((8, 8, 3), color + i, np.uint8)).save(f"photos/{label}/{i}.png")
    run("photos", *FAST, "--report", "photos.html")
    page = read_page(Path("photos.html"))
    assert page.facts["Training rows"] == "16"
    assert [row[0] for row in page.tables["Rows of each class"][1:]] == ["cat", "dog"]
    assert "Example of dog" in page.labels
