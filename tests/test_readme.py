"""README.md: its code runs, its commands run, and what it shows printed is what is printed."""

import functools
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import glassnet as gn
from glassnet.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
SESSIONS = [
    (command, printed.strip())
    for block in re.findall(r"^```console\n(.*?)^```", README, re.M | re.S)
    for command, printed in re.findall(r"^\$ glassnet (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)
]
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def draw_photos():
    """A folder of pictures with bars up and bars across, which the tour names photos/."""
    rng = np.random.default_rng(0)
    for name, axis in (("up", 1), ("across", 0)):
        Path("photos", name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 60, (40, 40, 3)).astype(np.uint8)
            np.moveaxis(pixels, axis, 0)[rng.choice(40, 6, replace=False)] += 180
            Image.fromarray(pixels).save(Path("photos", name, f"{i}.png"))


def run(word):
    """The names that the block of code with this word leaves."""
    (code,) = [code for code in PYTHON if word in code]
    names = {"gn": gn}
    exec(code, names)
    return names


def test_images(capsys):
    draw_photos()
    names = run("photos/")
    assert names["maps"].shape == (1, 32, 32, 16)
    assert set(names["model"].predict_labels(names["val"])) <= {"across", "up"}
    assert names["model"].history.history["loss"][-1] < np.log(2)


def test_series(shared_data):
    """The lab's claim on the last year: nearer than the year before."""
    names = run("gn.data.series")
    forecast, truth = names["forecast"], names["series"].values[-12:]
    near, naive = (np.sqrt(np.mean((found[:12] - truth) ** 2)) for found in (forecast.values, forecast.naive))
    assert near < naive / 2
    assert Path("forecast.png").stat().st_size > 10_000
    assert {name: gate.shape for name, gate in names["gates"].items()} == dict.fromkeys("ifgo", (97, 24, 32))


def test_text(capsys):
    names = run('datasets.load("reviews")')
    assert names["model"].evaluate(names["reviews"].x_test, names["reviews"].y_test)[1] > 0.95
    boring, clever = names["model"].predict(["The opera was not boring but clever.", "The opera was not clever but boring."])
    assert boring > 0.5 > clever


def test_python_tour(capsys):
    names = {"__name__": "tour"}
    first, parts, *others = [code for code in PYTHON if not re.search("titanic|photos|gn.data.series|reviews", code)]
    for code, printed in ((first, "dense_2, neuron 3"), (parts, "val_f1_score")):
        exec(code, names)
        assert names["model"].epoch >= 10
        assert names["model"].evaluate(names["data"].x_test, names["data"].y_test)[1] > 0.9
        assert printed in capsys.readouterr().out
    for code in others:
        exec(code, names)
    assert Path("curves.png").stat().st_size > 10_000
    assert names["history"].history["val_accuracy"][-1] > 0.8


@functools.cache
def made(file):
    """What an earlier command of the README writes."""
    (first,) = [command for command, _ in SESSIONS if f"--out {file}" in command]
    CliRunner().invoke(main, shlex.split(first))
    return Path(file).read_bytes()


@pytest.mark.parametrize("command", [command for command, _ in SESSIONS])
def test_commands(command, request):
    if re.search("mnist|titanic|flights|house", command):
        data = request.getfixturevalue("shared_data")
        shutil.copy(data / "titanic" / "titanic.csv", ".")
        shutil.copy(data / "house-prices" / "train.csv", "house-prices.csv")
        shutil.copy(data / "flights" / "flights.csv", ".")
    if "photos" in command:
        draw_photos()
    for file in re.findall(r"(?<!--out )\b\w+\.glassnet", command):
        Path(file).write_bytes(made(file))
    result = CliRunner().invoke(main, shlex.split(command))
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(("command", "shown"), [(command, shown) for command, shown in SESSIONS if shown])
def test_shown_output(command, shown):
    """The same words, and the same numbers to the last digit or one beside it."""
    printed = CliRunner().invoke(main, shlex.split(command)).stdout.strip()
    assert NUMBER.sub("0", printed) == NUMBER.sub("0", shown)
    assert [float(n) for n in NUMBER.findall(printed)] == pytest.approx([float(n) for n in NUMBER.findall(shown)], rel=1e-3, abs=1.1e-4)


def test_tables(shared_data, capsys):
    """Seen: 0.837 of the test rows right; the text shown is the command's, but for the last digits of numbers that were trained."""
    names = run("titanic")
    assert names["model"].evaluate(names["test"])[1] > 0.78
    assert len(re.findall(r"dL/dw\d+ = .*\[[\w= ]+\]$", capsys.readouterr().out, re.M)) == 6
    (shown,) = re.findall(r"^```text\n(.*?)^```", README, re.M | re.S)
    printed = CliRunner().invoke(main, ["train", str(shared_data / "titanic" / "titanic.csv"), "--target", "survived"]).stdout
    assert NUMBER.sub("0", shown) in NUMBER.sub("0", re.sub(r"^epoch.*\n", "", printed, flags=re.M))


def test_there_is_a_tour():
    assert len(PYTHON) == 12
    assert len(SESSIONS) == 24
    assert sum(bool(shown) for _, shown in SESSIONS) == 2
