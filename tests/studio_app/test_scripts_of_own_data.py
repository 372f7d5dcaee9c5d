"""A run on data of the user, copied as Python.

Oracle: the script runs in a new process, in the folder in which the studio was started, and its
weights are compared with those of the studio, bit for bit.
"""

import contextlib
import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image

import glassnet as gn
from glassnet.cli.jobs.studio_start import make_start
from glassnet.studio_app import own_code
from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.own_data import own_data
from glassnet.studio_app.python_script import make_script
from glassnet.studio_app.settings import DataSettings
from glassnet.studio_app.starts import start_with_model

RNG = np.random.default_rng(0)
N = 60
HOUSES = pandas.DataFrame(
    {
        "size": RNG.normal(100, 30, N).round(2),
        "town": RNG.choice(["Rome", "Bonn"], N),
        "rooms": RNG.integers(1, 5, N),
        "sold": RNG.choice(["yes", "no"], N),
    }
)
X = RNG.normal(size=(N, 3))
OPTIONS = {
    **dict.fromkeys(("layers", "activation", "optimizer", "learning_rate", "batch_size")),
    **dict.fromkeys(("target", "task", "size")),
    "seed": 3,
    "features": (),
    "column_types": {},
    "csv": {},
}
"""Options of the command that are not used."""

COMMANDS = {
    "table": (("data/houses.csv",), {"target": "sold", "features": ("size", "town", "rooms")}),
    "types": (("data/houses.csv",), {"column_types": {"rooms": "category", "town": "drop"}}),
    "task": (("data/houses.csv",), {"target": "rooms", "task": "classes"}),
    "signs": (
        ("signs.csv",),
        {"target": "sold", "csv": {"delimiter": ";", "decimal": ",", "missing": ["Bonn"]}},
    ),
    "numbers": (("numbers.csv",), {}),
    "arrays": (("arrays.npz",), {}),
    "tested_arrays": (("tested.npz",), {}),
    "images": (("photos",), {}),
    "divided_images": (("divided",), {"size": (6, 7)}),
    "saved_table": (("houses.glassnet", "data/houses.csv"), {}),
    "saved_arrays": (("moons.glassnet", "arrays.npz"), {}),
    "saved_dataset": (("moons.glassnet", "moons"), {}),
    "saved_table_reset": (("houses.glassnet", "data/houses.csv"), {}),
    "saved_images": (("photos.glassnet", "photos"), {}),
}
"""Names and options of the command."""

RUNNER = """
import runpy, sys
import numpy as np
for name in sys.argv[1:]:
    weights = runpy.run_path(name + ".py")["model"].get_weights()
    np.savez("weights_" + name + ".npz", *weights)
"""


def write_files():
    """Write the data of the commands to the current folder."""
    Path("data").mkdir()
    HOUSES.to_csv("data/houses.csv", index=False)
    HOUSES.to_csv("signs.csv", index=False, sep=";", decimal=",")
    numbers = {"a": X[:, 0], "b": X[:, 1], "y": (X[:, 0] > X[:, 1]).astype(int)}
    pandas.DataFrame(numbers).to_csv("numbers.csv", index=False)
    y = (X[:, 0] > 0).astype(np.uint8)
    np.savez("arrays.npz", x=X[:, :2], y=y)
    np.savez("tested.npz", x_train=X[:40], y_train=X[:40, 1] * 2, x_test=X[40:], y_test=X[40:, 1])
    for folder in ("photos", "divided/train", "divided/test"):
        for kind in ("cat", "dog"):
            place = Path(folder, kind)
            place.mkdir(parents=True)
            for i in range(10):
                pixels = RNG.integers(0, 255, (5, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.png")
    model = make_model()
    model.fit(HOUSES, target="sold", epochs=2, verbose=0)
    model.save("houses.glassnet")
    model = make_model()
    model.fit(X[:, :2], y, epochs=2, verbose=0)
    model.save("moons.glassnet")
    model = gn.Sequential([gn.layers.Flatten(), gn.layers.Dense(2, "softmax")], seed=0)
    model.fit(gn.data.images_from_folder("photos", (5, 6)), epochs=1, verbose=0)
    model.save("photos.glassnet")


def make_model():
    return gn.Sequential([gn.layers.Dense(3, "relu"), gn.layers.Dense(1, "sigmoid")], seed=0)


def start(name):
    words, options = COMMANDS[name]
    return make_start(words[0], words[1] if len(words) > 1 else None, OPTIONS | options)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return script, weights of the studio and weights of the script, for all commands."""
    folder, found = tmp_path_factory.mktemp("scripts"), {}
    with contextlib.chdir(folder):
        write_files()
        for name in COMMANDS:
            first = start(name)
            experiment = Experiment(first.settings, first.own_data, first.own_model)
            if name.endswith("reset"):
                experiment.set_seed(5)
            experiment.run.advance(7)
            script = make_script(experiment)
            (folder / f"{name}.py").write_text(script, encoding="utf-8")
            found[name] = script, experiment.make_model().get_weights()
    command = [sys.executable, "-P", "-W", "ignore", "-c", RUNNER, *COMMANDS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return {
        name: (*both, list(np.load(folder / f"weights_{name}.npz").values()))
        for name, both in found.items()
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_script_runs_as_it_stands_and_has_the_weights(results, name):
    script, expected, found = results[name]
    assert "..." not in script
    assert "written out" not in script
    assert [a.tobytes() for a in found] == [np.asarray(a).tobytes() for a in expected]


def test_a_script_of_paths_names_them(tmp_path, monkeypatch):
    """Oracle: the paths that a program passes; its model is in no file."""
    monkeypatch.chdir(tmp_path)
    HOUSES.to_csv("houses.csv", index=False)
    path = Path("houses.csv")
    first = start_with_model(make_model(), "houses.csv", target="sold", validation_data=path)
    script = make_script(Experiment(first.settings, first.own_data, first.own_model))
    assert "table = gn.data.read_table('houses.csv')\n" in script
    assert "test = gn.data.read_table('houses.csv')\n" in script
    assert 'model = gn.load("model.glassnet")  # the model that you passed' in script
    first = start_with_model(make_model(), HOUSES, target="sold", validation_data=path)
    script = make_script(Experiment(first.settings, first.own_data, first.own_model))
    assert "table = gn.data.read_table(...)  # the table that you passed to the studio" in script
    assert "test = gn.data.read_table('houses.csv')\n" in script


CODES = (X[:, 0] > 0).astype(int)
ARRAYS = {
    "float64": (X, CODES),
    "lists": (X.tolist(), CODES.tolist()),
    "a column": (X[:, 0], X[:, 1:2]),
    "text": (X, np.where(CODES, "yes", "no")),
    "text in a column": (X, np.where(CODES, "yes", "no")[:, None]),
    "one-hot": (X, np.eye(2)[CODES]),
    "bool": (X, CODES > 0),
    "codes as floats": (X, CODES.astype(float)),
    "frame": (HOUSES[["size", "rooms"]], HOUSES["sold"]),
    "images": (np.zeros((N, 4, 4), np.uint8), CODES),
}


@pytest.mark.parametrize("has_test", [False, True])
@pytest.mark.parametrize("name", ARRAYS)
def test_lines_after_the_arrays_make_the_same_rows(name, has_test):
    """Oracle: the rows of the studio; the lines to complete are left out."""
    x, y = ARRAYS[name]
    own = own_data(x, y, validation_data=(x[5:], y[5:]) if has_test else None)
    data = make_data(DataSettings("own"), own)
    lines = list(data.code)
    assert (
        lines[: 1 + has_test] == [own_code.YOUR_ARRAYS, own_code.YOUR_TEST_ARRAYS][: 1 + has_test]
    )
    names = {"np": np, "x": x, "y": y, "x_test": x[5:], "y_test": y[5:]}
    exec("\n".join(lines[1 + has_test :]), names)
    pairs = [("x", data.x), ("y", data.y)]
    for key, expected in (*pairs, *zip(("x_test", "y_test"), data.test, strict=True)):
        assert names[key].dtype == expected.dtype
        np.testing.assert_array_equal(names[key], expected)


def test_images_of_a_program_are_a_line_to_complete():
    """Oracle: the rows, if the folder is read in place of the dots."""
    images = gn.data.Images(np.zeros((8, 4, 4, 3), np.uint8), np.arange(8) % 2, ("cat", "dog"), ())
    own = own_data(images, validation_data=images)
    lines = [line.replace("gn.data.images_from_folder(...)", "given") for line in own.code]
    names = {"np": np, "given": images}
    exec("\n".join(lines), names)
    for key in ("x", "y", "x_test", "y_test"):
        np.testing.assert_array_equal(names[key], images.x if key[0] == "x" else images.y)
    assert [line.count("# ") for line in own.code] == [1, 0, 1, 0]


def test_examples():
    assert doctest.testmod(own_code).failed == 0
