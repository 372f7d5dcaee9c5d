"""A run copied as Python. Oracle: the script runs in a new process, and its weights are compared
with those of the studio, bit for bit. Several scripts share a process, since JAX is slow to start.
"""

import ast
import base64
import doctest
import subprocess
import sys

import msgspec
import numpy as np
import pytest

import glassnet as gn
from glassnet.layers import Dense
from glassnet.studio_app import python_values
from glassnet.studio_app.experiment import Experiment, OwnModel
from glassnet.studio_app.own_data import own_data, read_upload
from glassnet.studio_app.presets import PRESETS
from glassnet.studio_app.python_script import make_script
from glassnet.studio_app.python_values import write_array, write_value
from glassnet.studio_app.settings import (
    DataSettings,
    LayerSettings,
    NetworkSettings,
    Settings,
    TrainingSettings,
    WeightChange,
)

MOONS = DataSettings("moons", n=60)
PRESET_SETTINGS = {preset.name: preset.settings for preset in PRESETS}
SGD = TrainingSettings("sgd", 0.1, momentum=0.9)
CSV = "width,color,kind\n" + "\n".join(
    f"{i / 7:.3f},{'red' if i % 3 else 'blue'},{'a' if i * i % 5 < 2 else 'b'}" for i in range(40)
)

ROOMS_CSV = "width,color,rooms,stars\n" + "\n".join(
    f"{i / 7:.3f},{'red' if i % 3 else 'blue'},{i % 4 + 1},{i * i % 5}" for i in range(60)
)
ROOMS = ("own_table_with_types", "own_plane_of_classes")

RUNNER = """
import runpy, sys
import numpy as np
for name in sys.argv[1:]:
    weights = runpy.run_path(name + ".py")["model"].get_weights()
    np.savez(name + ".npz", *weights)
"""


def set_rate(experiment, rate):
    training = msgspec.structs.replace(experiment.segment.training, learning_rate=rate)
    experiment.set_training(training)


def part_of_an_epoch(experiment):
    experiment.run.advance(13)


def whole_epochs(experiment):
    experiment.run.advance(2 * experiment.run.steps_per_epoch)


def rates(experiment):
    """Change the rate within an epoch, twice, and at the end of one."""
    for n_steps, rate in ((7, 0.3), (3, 0.05), (5, 0.2)):
        experiment.run.advance(n_steps)
        set_rate(experiment, rate)
    experiment.run.advance(12)


def a_rate_that_stays(experiment):
    """Change the rate within an epoch, and a weight at its end."""
    steps = experiment.run.steps_per_epoch
    experiment.run.advance(2)
    set_rate(experiment, 0.3)
    experiment.run.advance(steps - 2)
    experiment.set_weight(WeightChange("dense_1/kernel", (0, 1), 0.5))
    experiment.run.advance(steps)


def ways_of_training(experiment):
    experiment.run.advance(4)
    experiment.set_training(TrainingSettings("adam", 0.02))
    experiment.run.advance(7)
    experiment.set_training(TrainingSettings("adam", 0.02, batch_size=7))
    experiment.run.advance(9)


def weights(experiment):
    """Change weights at the start and at the end of an epoch."""
    experiment.set_weight(WeightChange("dense_1/kernel", (0, 1), 0.5))
    experiment.set_weight(WeightChange("dense_2/bias", (0,), -1.0))
    experiment.run.advance(experiment.run.steps_per_epoch)
    experiment.set_weight(WeightChange("dense_1/kernel", (1, 1), 0.25))
    experiment.run.advance(3)


def a_weight_in_an_epoch(experiment):
    experiment.run.advance(3)
    experiment.set_weight(WeightChange("dense_1/kernel", (0, 1), 0.1))
    experiment.run.advance(3)


def a_penalty(experiment):
    experiment.run.advance(3)
    experiment.set_training(msgspec.structs.replace(SGD, l2=0.01))
    experiment.run.advance(3)


def other_data(experiment):
    experiment.run.advance(3)
    experiment.set_data(DataSettings("moons", n=80))
    experiment.run.advance(3)


def a_loss(experiment):
    """Change the loss alone: the optimizer goes on from its state."""
    experiment.run.advance(3)
    experiment.set_training(msgspec.structs.replace(SGD, loss="mean_squared_error"))
    experiment.run.advance(9)


def a_loss_at_the_start(experiment):
    experiment.set_training(msgspec.structs.replace(SGD, loss="mean_squared_error"))
    experiment.run.advance(9)


def penalties_at_the_start(experiment):
    experiment.set_training(msgspec.structs.replace(SGD, l1=0.002, l2=0.03))
    experiment.run.advance(9)


def types_of_columns(experiment):
    """Change what columns and target are, and train."""
    types = {"rooms": "category", "color": "drop"}
    data = DataSettings("own", column_types=types, target_type="category")
    experiment.set_data(data)
    experiment.run.advance(9)


def nothing(experiment):
    """Train no step."""


TWO_LAYERS = NetworkSettings((LayerSettings(4, "relu", 0.3), LayerSettings(3)))
COSINE = TrainingSettings("adam", 0.01, l1=0.001, l2=0.01, schedule="cosine")
RUNS = {
    "rows": (Settings(MOONS), part_of_an_epoch),
    "no_step": (Settings(MOONS), nothing),
    "dropout_penalty_schedule": (Settings(MOONS, TWO_LAYERS, COSINE, seed=3), part_of_an_epoch),
    "rates": (Settings(MOONS, training=SGD), rates),
    "a_rate_that_stays": (Settings(MOONS, training=SGD), a_rate_that_stays),
    "ways_of_training": (Settings(MOONS, training=SGD), ways_of_training),
    "weights": (Settings(MOONS, training=SGD), weights),
    "a_weight_in_an_epoch": (Settings(MOONS, training=SGD), a_weight_in_an_epoch),
    "a_penalty": (Settings(MOONS, training=SGD), a_penalty),
    "other_data": (Settings(MOONS, training=SGD), other_data),
    "line": (PRESET_SETTINGS["lecture_line"], part_of_an_epoch),
    "diverges": (PRESET_SETTINGS["rate_too_large"], part_of_an_epoch),
    "scaled_table": (Settings(DataSettings("wine", minority=0.5, columns=("ash", "hue", "alcohol"))), whole_epochs),
    "a_number": (Settings(DataSettings("diabetes", shuffle_labels=True)), part_of_an_epoch),
    "images": (Settings(DataSettings("digits", test_share=0.5)), part_of_an_epoch),
    "own_table": (Settings(DataSettings("own")), part_of_an_epoch),
    "own_table_of_numbers": (Settings(DataSettings("own", target="width", target_type="number")), part_of_an_epoch),
    "own_table_with_types": (Settings(DataSettings("own")), types_of_columns),
    "own_plane_of_classes": (Settings(DataSettings("own", columns=("width", "rooms"), target_type="category")), part_of_an_epoch),
    "a_loss": (Settings(MOONS, training=SGD), a_loss),
    "a_loss_at_the_start": (Settings(MOONS, training=SGD), a_loss_at_the_start),
    "penalties_at_the_start": (Settings(MOONS, training=SGD), penalties_at_the_start),
}  # fmt: skip
WRITTEN_OUT = {
    "a_weight_in_an_epoch": "a weight was changed in the middle of an epoch",
    "a_penalty": "a penalty was changed in the middle of the run",
    "other_data": "the data were changed in the middle of the run",
    "a_loss": "the loss was changed in the middle of the run",
}
"""Runs that `fit` cannot repeat, and why."""


def run_in_studio(name):
    settings, act = RUNS[name]
    own = None
    if settings.data.name == "own":
        own = read_upload("things.csv", CSV.encode())
        if name in ROOMS:
            own = read_upload("rooms.csv", ROOMS_CSV.encode())
    experiment = Experiment(settings, own)
    act(experiment)
    return experiment


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Return experiment, script and the weights of the script, for all runs."""
    folder = tmp_path_factory.mktemp("scripts")
    experiments = {name: run_in_studio(name) for name in RUNS}
    scripts = {name: make_script(experiment) for name, experiment in experiments.items()}
    (folder / "things.csv").write_text(CSV)
    (folder / "rooms.csv").write_text(ROOMS_CSV)
    for name, script in scripts.items():
        (folder / f"{name}.py").write_text(script, encoding="utf-8")
    command = [sys.executable, "-P", "-W", "ignore", "-c", RUNNER, *RUNS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    loaded = {name: list(np.load(folder / f"{name}.npz").values()) for name in RUNS}
    return {name: (experiments[name], scripts[name], loaded[name]) for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
def test_a_script_has_the_same_weights(results, name):
    experiment, _, found = results[name]
    expected = experiment.make_model().get_weights()
    assert [a.shape for a in found] == [a.shape for a in expected]
    assert [a.tobytes() for a in found] == [a.tobytes() for a in expected]


@pytest.mark.parametrize("name", RUNS)
def test_only_what_fit_cannot_repeat_is_written_out(results, name):
    script = results[name][1]
    assert ("written out" in script) == (name in WRITTEN_OUT)
    assert WRITTEN_OUT.get(name, "") in script
    assert "model.fit(" in script
    assert "model.evaluate(" in script
    assert max(map(len, script.splitlines())) <= 130


def test_types_of_columns_are_in_the_script(results):
    """Oracle: the settings: a column that is left out needs no type."""
    experiment, script, _ = results["own_table_with_types"]
    assert experiment.data.class_names == ("0", "1", "4")
    assert "column_types={'rooms': 'category'}," in script
    assert "unused = ['color']" in script


def test_example():
    assert doctest.testmod(python_values).failed == 0


def test_parts_are_written_with_what_differs():
    """Oracle: Python itself reads the text, and the parts are equal."""
    parts = [
        Dense(3, "relu", kernel_regularizer=gn.regularizers.L1L2(0.1, 0.2)),
        gn.layers.Rescaling(1 / 16),
        gn.optimizers.Adam(gn.schedules.CosineDecay(0.1, 100)),
        gn.layers.Dropout(0.5),
    ]
    for part in parts:
        text = write_value(part)
        assert eval(text, {"gn": gn}) == part
    assert write_value(parts[3]) == "gn.layers.Dropout(0.5)"


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (30, 40)])
def test_arrays_are_written_exactly(shape):
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = eval(write_array(array), {"np": np, "base64": base64, "float": float})
    assert found.dtype == np.float32
    assert found.tobytes() == array.tobytes()


def test_numbers_that_are_not_finite_are_written():
    array = np.array([np.inf, np.nan], np.float32)
    assert str(eval(write_array(array))) == "[inf nan]"


def test_names_of_the_user_stay_text():
    """Oracle: Python's own parser: the name of a file is a text, and no statement."""
    name = 'a"\n\nimport os\nos.abort()\n"""b.csv'
    experiment = Experiment(Settings(DataSettings("own")), read_upload(name, CSV.encode()))
    tree = ast.parse(make_script(experiment))
    imported = {
        a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names
    }
    assert imported == {"numpy", "glassnet"}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert name in texts


def test_a_model_of_the_user_is_loaded():
    """Oracle: the lines that `gn.studio`'s user has to complete, and the changes after them."""
    x, y = np.eye(4, dtype=np.float32), [0, 1, 1, 0]
    model = gn.Sequential([Dense(3, "tanh"), Dense(1, "sigmoid")], seed=1)
    model.compile("sgd", "binary_crossentropy")
    model.fit(x, y, epochs=0, verbose=0)
    data = own_data(x, y)
    settings = Settings(DataSettings("own", test_share=0), training=TrainingSettings("sgd", 0.01))
    experiment = Experiment(settings, data, OwnModel(model))
    experiment.run.advance(2)
    script = make_script(experiment)
    assert 'model = gn.load("model.glassnet")  # the model that you passed' in script
    assert "x, y = ...  # the arrays that you passed to the studio" in script
    experiment.set_training(TrainingSettings("adam", 0.01))
    assert "because the training of your model was changed" in make_script(experiment)
