"""README.md: its code, figures and measurements. docs/test_pages.py runs its commands."""

import importlib.util
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import pages

IMAGES = pages.DOCS / "images"
TASKS = {
    "one epoch, batches of 32": "epoch, batch 32",
    "one epoch, batches of 128": "epoch, batch 128",
    "predict one row": "predict one row",
    "a script: import, 500 epochs on 7 rows, predict": "Celsius, whole process",
    "first fit in a process: 800 rows, 50 epochs": "small fit, cold",
    "the same with start and imports": "small fit, whole process",
}
"""Rows of the speed table and their names in benchmarks/NOTES.md."""


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def make():
    """Return docs/images/make.py as a module."""
    spec = importlib.util.spec_from_file_location("make", IMAGES / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(svg):
    """Return the text of a picture of a terminal."""
    parts = {}
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        parts.setdefault(element.get("clip-path"), []).append(element.text)
    return "\n".join(" ".join("".join(line).split()) for key, line in parts.items() if key)


def test_the_picture_shows_what_the_command_prints(make):
    """After a change of the output, run `python docs/images/make.py`."""
    shown, command = lines((IMAGES / "trace.svg").read_text(encoding="utf-8")), make.COMMAND
    printed = "\n".join(
        " ".join(line.split())
        for line in pages.output(command.removeprefix("glassnet ")).splitlines()
    )
    pages.check_output(f"$ {command}\n{printed}", shown)
    pages.check_output(lines(make.trace()), shown)


def test_the_figure_of_a_trace_shows_what_the_command_prints(make):
    """matplotlib writes each text as a comment. Oracle: the command, and a fresh drawing."""
    printed = pages.output(make.COMMAND.removeprefix("glassnet "))
    columns = [line[:40].rstrip() for line in str(make.make_trace()).splitlines()[2:]]
    assert all(column in printed for column in columns)
    drawn, shown = (
        re.findall(r"<!-- (.*?) -->", picture)
        for picture in (
            make.backpropagation(),
            (IMAGES / "backpropagation.svg").read_text(encoding="utf-8"),
        )
    )
    assert "L = 0.9432" in drawn
    pages.check_output("\n".join(drawn), "\n".join(shown))


def test_the_code_and_its_figure(capsys):
    names = pages.run("README.md")
    model, data = names["model"], names["data"]
    assert model.evaluate(data.x_test, data.y_test)[1] > 0.9
    assert "dL/d" in capsys.readouterr().out
    assert Path("curves.png").stat().st_size > 10_000
    losses, best = model.history.history, model.history.best_epoch()
    assert losses["loss"][best] > 2 * losses["loss"][-1]
    assert losses["val_loss"][-1] > 1.1 * losses["val_loss"][best]
    assert not model.history.findings.alarms, "the page says that chance may do the same"
    assert "<svg" in (IMAGES / "training.svg").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_last_line_of_the_first_command():
    """`python3 start.py` ends with `glassnet train digits`."""
    (shown,) = re.findall(r"`(digits: [^`]*)`", pages.read("README.md"))
    last = pages.output("train digits --no-plot").splitlines()[-1]
    assert pages.NUMBER.sub("0", last).startswith(pages.NUMBER.sub("0", shown))
    assert float(re.search(r"accuracy ([\d.]+)", last)[1]) == pytest.approx(
        float(re.search(r"accuracy ([\d.]+)", shown)[1]), abs=0.011
    )


def test_the_measurements_agree_with_the_notes():
    """The notes also have a second ratio, in brackets, which the table leaves out."""
    notes = (
        (pages.ROOT / "benchmarks" / "NOTES.md")
        .read_text(encoding="utf-8")
        .split("## Measured, 2026-11-21\n")[1]
    )
    measured = {}
    for line in re.findall(r"^\| (.*) \|$", notes.split("\n## ")[0], re.M):
        name, *numbers = (
            cell.strip(" |") for cell in re.sub(r" \([\d.]+\)", "", line).split(" | ")
        )
        measured.setdefault(name, numbers[:5])
    rows = pages.cells("README.md", "Speed")
    assert {name: numbers for name, *numbers in rows} == {
        name: measured[task] for name, task in TASKS.items()
    }


def test_the_versions_agree_with_the_notes():
    notes = (
        (pages.ROOT / "benchmarks" / "NOTES.md")
        .read_text(encoding="utf-8")
        .split("## Measured, 2026-11-21\n")[1]
        .split("| 2 cores")[0]
    )
    speed = pages.read("README.md").split("## Speed\n")[1].split("\n## ")[0]
    versions = re.findall(r"\b\d+\.\d+\.\d+\b", speed)
    assert len(versions) == 6
    assert set(versions) <= set(re.findall(r"\b\d+\.\d+\.\d+\b", notes))


def test_the_test_command_is_the_one_that_ci_runs():
    assert "\npython3 start.py test " in pages.read("README.md")
    assert "exec python3 start.py test\n" in (pages.ROOT / ".ci" / "run").read_text(
        encoding="utf-8"
    )


def test_the_page_is_short():
    assert len(pages.read("README.md").splitlines()) <= 170
