"""Readers of README.md and docs/: code blocks, commands with their output, and tables."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from PIL import Image

from glassnet.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ["README.md", *sorted(path.name for path in DOCS.glob("*.md"))]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


def path(page):
    """Return the path of README.md, or of a page in docs/."""
    return ROOT / page if page == "README.md" else DOCS / page


def read(page):
    return path(page).read_text(encoding="utf-8")


def blocks(page, language):
    """Return the code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", read(page), re.M | re.S)


def sessions(page):
    """Return the commands of a page, each with the output that the page shows."""
    return [
        (command, printed.strip())
        for block in blocks(page, "console")
        for command, printed in re.findall(r"^\$ glassnet (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)
    ]


def steps(page, **names):
    """Run the Python blocks of a page in order and yield their common namespace after each."""
    names["__name__"] = "page"
    for code in blocks(page, "python"):
        exec(compile(code, page, "exec"), names)
        yield names


def run(page, **names):
    """Run all Python blocks of a page and return the namespace at the end."""
    *_, names = steps(page, **names)
    return names


def output(command):
    """Return what a command prints."""
    result = CliRunner().invoke(main, shlex.split(command))
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def check_output(printed, shown):
    """Check that words are equal, and numbers equal up to one in the last digit."""
    assert NUMBER.sub("0", printed.strip()) == NUMBER.sub("0", shown.strip())
    numbers, expected = (
        [float(number) for number in NUMBER.findall(text)] for text in (printed, shown)
    )
    assert numbers == pytest.approx(expected, rel=1e-3, abs=1.1e-4)


def table(page, heading):
    """Return the table rows below a heading, each cell reduced to its first code."""
    return [
        [(re.findall(r"`([^`]+)`", cell) or [""])[0] for cell in row]
        for row in cells(page, heading)
    ]


def cells(page, heading):
    """Return the rows of the tables below a heading, as text."""
    section = read(page).split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ][2:]


def write_photos():
    """Write the folders of images of the pages: vertical and horizontal bars."""
    rng = np.random.default_rng(0)
    for folder in ("photos", "new_photos"):
        for name, axis in (("up", 1), ("across", 0)):
            Path(folder, name).mkdir(parents=True)
            for i in range(20):
                pixels = rng.integers(0, 60, (40, 40, 3)).astype(np.uint8)
                np.moveaxis(pixels, axis, 0)[rng.choice(40, 6, replace=False)] += 180
                Image.fromarray(pixels).save(Path(folder, name, f"{i}.png"))


def write_air():
    """Write tables of hours in two columns; three of them are missing."""
    times = pandas.date_range("2004-03-10", periods=240, freq="h")
    daily = np.sin(np.arange(240) * np.pi / 12)
    columns = {"Date": times.strftime("%d/%m/%Y"), "Time": times.strftime("%H:%M")}
    frame = pandas.DataFrame({**columns, "CO": daily + np.arange(240) / 99}).drop([20, 21, 150])
    frame[:220].to_csv("air.csv", index=False)
    frame.to_csv("newer.csv", index=False)


def copy_tables(data):
    """Copy the tables of the pages from the folder of real data, and divide titanic.csv."""
    for name, source in {
        "titanic": "titanic/titanic",
        "house-prices": "house-prices/train",
        "flights": "flights/flights",
    }.items():
        shutil.copy(data / f"{source}.csv", f"{name}.csv")
    header, *rows = Path("titanic.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    for name, part in (("train", rows[:700]), ("test", rows[700:])):
        Path(f"titanic-{name}.csv").write_text("".join([header, *part]), encoding="utf-8")
