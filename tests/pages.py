"""README.md and the pages in docs/, read so that tests can run their code, their commands and their
tables.
"""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from glassnet.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ["README.md", *sorted(path.name for path in DOCS.glob("*.md"))]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


def path(page):
    """README.md is in the root of the repository, all other pages in docs/."""
    return ROOT / page if page == "README.md" else DOCS / page


def read(page):
    return path(page).read_text(encoding="utf-8")


def blocks(page, language):
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", read(page), re.M | re.S)


def sessions(page):
    """The commands of a page, each with the output that the page shows for it."""
    return [
        (command, printed.strip())
        for block in blocks(page, "console")
        for command, printed in re.findall(r"^\$ glassnet (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)
    ]


def steps(page, **names):
    """Run the Python blocks of a page in order, in one namespace; yield the namespace after
    each.
    """
    names["__name__"] = "page"
    for code in blocks(page, "python"):
        exec(compile(code, page, "exec"), names)
        yield names


def run(page, **names):
    """Run all Python blocks of a page; return the namespace at the end."""
    *_, names = steps(page, **names)
    return names


def output(command):
    """What a command prints."""
    result = CliRunner().invoke(main, shlex.split(command))
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def same_output(printed, shown):
    """Assert that the words are equal, and the numbers up to one in the last digit."""
    assert NUMBER.sub("0", printed.strip()) == NUMBER.sub("0", shown.strip())
    found, wanted = (
        [float(number) for number in NUMBER.findall(text)] for text in (printed, shown)
    )
    assert found == pytest.approx(wanted, rel=1e-3, abs=1.1e-4)


def table(page, heading):
    """The rows below a heading of a page, each cell reduced to the first code in it."""
    return [
        [(re.findall(r"`([^`]+)`", cell) or [""])[0] for cell in row]
        for row in cells(page, heading)
    ]


def cells(page, heading):
    """The rows of the tables below a heading of a page, as text."""
    section = read(page).split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ][2:]


def put_photos():
    """Write the folder photos/, which the pages name: images with vertical and with horizontal
    bars.
    """
    rng = np.random.default_rng(0)
    for name, axis in (("up", 1), ("across", 0)):
        Path("photos", name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 60, (40, 40, 3)).astype(np.uint8)
            np.moveaxis(pixels, axis, 0)[rng.choice(40, 6, replace=False)] += 180
            Image.fromarray(pixels).save(Path("photos", name, f"{i}.png"))


def put_tables(data):
    """Copy the tables that the pages name from the folder of real data."""
    for name, source in {
        "titanic": "titanic/titanic",
        "house-prices": "house-prices/train",
        "flights": "flights/flights",
    }.items():
        shutil.copy(data / f"{source}.csv", f"{name}.csv")
