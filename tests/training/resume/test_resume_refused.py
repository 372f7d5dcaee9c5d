"""Runs that cannot be resumed, and the messages."""

import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import glassnet as gn
import refused
from glassnet.callbacks import Callback, EarlyStopping, LambdaCallback, ReduceLROnPlateau
from glassnet.errors import ConfigError, DataError, ModelFileError, TrainingWarning
from glassnet.layers import Dense, Dropout
from glassnet.optimizers import SGD, Adam
from glassnet.training import resume
from lives import Killed, as_it_was, dying, files
from nets import WEIGHT, X, Y, plain_model
from refused import adapted, fit, network, other
from streams import BATCHES

pytestmark = pytest.mark.usefixtures("no_thread_stays")

PAIR = (X[:9], Y[:9])
CHANGED = {
    "one number of x": ({}, {"x": other(X)}, "data.x"),
    "one label": ({}, {"y": other(Y, 0, 1 - 2 * (Y[0] == 2))}, "data.y"),
    "the order of rows": ({}, {"x": X[::-1], "y": Y[::-1]}, "data.x"),
    "fewer rows": ({}, {"x": X[:-1], "y": Y[:-1]}, "data.x"),
    "weights": ({}, {"sample_weight": WEIGHT}, "data.weight"),
    "a weight": ({"sample_weight": WEIGHT}, {"sample_weight": other(WEIGHT, 3)}, "data.weight"),
    "class weights": ({"class_weight": {0: 2.0}}, {"class_weight": {0: 2.5}}, "data.weight"),
    "no split": ({"validation_split": 0.2}, {}, "data.x"),
    "another split": ({"validation_split": 0.2}, {"validation_split": 0.3}, "data.x"),
    "from the end": (
        {"validation_split": 0.2},
        {"validation_split": 0.2, "validation_from": "end"},
        "data.x",
    ),
    "validated": ({}, {"validation_data": PAIR}, "validation"),
    "a validation row": (
        {"validation_data": PAIR},
        {"validation_data": (other(PAIR[0]), PAIR[1])},
        "validation.rows",
    ),
    "validated in batches": (
        {"validation_data": BATCHES},
        {"validation_data": BATCHES[1:]},
        "validation.first batch.x",
    ),
    "a later validation batch": (
        {"validation_data": BATCHES},
        {"validation_data": [*BATCHES[:4], (other(BATCHES[4][0]), BATCHES[4][1])]},
        "validation.batches in all",
    ),
    "validation steps": (
        {"validation_data": BATCHES},
        {"validation_data": BATCHES, "validation_steps": 2},
        "validation.batches is 5, here 2",
    ),
    "batch size": ({}, {"batch_size": 16}, "batch_size is 8, here 16"),
    "full batch": ({}, {"batch_size": "full"}, "batch_size is 8, here 37"),
    "shuffle": ({}, {"shuffle": False}, "shuffle is True, here False"),
    "seed": ({"seed": 1}, {"seed": 2}, "seed is 1, here 2"),
    "units": ({}, {"model": network(6)}, r"layers\[0\].units is 5, here 6"),
    "activation": (
        {},
        {"model": network(activation="relu")},
        r"layers\[0\].activation is 'tanh', here 'relu'",
    ),
    "bias": ({}, {"model": network(use_bias=False)}, r"layers\[0\].use_bias is True, here False"),
    "frozen": (
        {},
        {"model": network(trainable=False)},
        r"layers\[0\].trainable is True, here False",
    ),
    "one more layer": ({}, {"model": network(more=[Dropout(0.1)])}, "layers is "),
    "rate of noise": (
        {"model": network(more=[Dropout(0.1)])},
        {"model": network(more=[Dropout(0.2)])},
        r"rate is 0\.1, here 0\.2",
    ),
    "rate": (
        {},
        {"model": network(optimizer=SGD(0.2))},
        r"optimizer.learning_rate is 0\.1, here 0\.2",
    ),
    "momentum": (
        {},
        {"model": network(optimizer=SGD(0.1, momentum=0.5))},
        r"optimizer.momentum is 0\.0, here 0\.5",
    ),
    "optimizer": (
        {},
        {"model": network(optimizer=Adam(0.1))},
        "optimizer.is is 'optimizers/SGD', here 'optimizers/Adam'",
    ),
    "loss": ({}, {"model": network(loss="categorical_crossentropy")}, "loss.is is "),
    "metrics": (
        {},
        {"model": network(metrics=["top_k_categorical_accuracy"])},
        r"metrics\[0\] is 'accuracy'",
    ),
    "no metrics": ({}, {"model": network(metrics=[])}, r"metrics is \['accuracy'\], here \[\]"),
    "patience": (
        {"callbacks": EarlyStopping("loss", patience=2)},
        {"callbacks": EarlyStopping("loss", patience=3)},
        r"callbacks\[0\].patience is 2, here 3",
    ),
    "a number of numpy": (
        {"callbacks": EarlyStopping("loss", patience=np.int64(2))},
        {"callbacks": EarlyStopping("loss", patience=np.int64(3))},
        r"callbacks\[0\].patience is 2, here 3",
    ),
    "callback": (
        {"callbacks": EarlyStopping("loss")},
        {"callbacks": ReduceLROnPlateau("loss")},
        r"callbacks\[0\].class is 'EarlyStopping'",
    ),
    "no callback": ({"callbacks": EarlyStopping("loss")}, {}, "callbacks is "),
    "learned statistics": (
        {"model": adapted(0)},
        {"model": adapted(1)},
        "the weights and the learning rate that the run",
    ),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_run_of_something_else(what, tmp_path):
    first, then, message = CHANGED[what]
    first = {"model": network()} | first
    fit(tmp_path, **first)
    before = {path.name: path.read_bytes() for path in files(tmp_path)}
    now = first["model"]()
    untouched = as_it_was(now)
    with pytest.raises(ConfigError, match=f"resume: expected .*{message}") as error:
        fit(
            tmp_path,
            **{"model": now} | (then if "model" not in then else then | {"model": then["model"]()}),
        )
    assert "a new folder for this run" in str(error.value)
    assert before == {path.name: path.read_bytes() for path in files(tmp_path)}
    if "model" not in then:
        assert as_it_was(now) == untouched
    _, log = fit(tmp_path, **first)
    assert log.epoch == [0]


def test_fewer_epochs(tmp_path):
    fit(tmp_path, epochs=3)
    message = r"fit: expected epochs >= 3, the number that the run has started. Received: epochs=2. Increase epochs"
    with pytest.raises(ConfigError, match=message):
        fit(tmp_path, epochs=2)
    fit(tmp_path, epochs=3)


def test_fewer_epochs_than_are_under_way(tmp_path, monkeypatch):
    with dying(monkeypatch, 13), pytest.raises(Killed):
        fit(tmp_path, epochs=4)
    with pytest.raises(ConfigError, match="expected epochs >= 3"):
        fit(tmp_path, epochs=2)
    fit(tmp_path, epochs=3)


def test_weights_that_changed_in_between(tmp_path):
    """The initial weights may be restored, and weights may be set to the same values."""
    model, _ = fit(tmp_path)
    model.set_weights(model.get_weights())
    fit(tmp_path, model=model, epochs=2)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    message = (
        r"expected the weights and the learning rate that the run in .* began with\. Call reset\(\)"
    )
    with pytest.raises(ConfigError, match=message):
        fit(tmp_path, model=model, epochs=3)
    model.reset()
    _, log = fit(tmp_path, model=model, epochs=3)
    assert log.epoch == [0, 1, 2]


def test_a_rate_that_was_set_in_between(tmp_path):
    model, _ = fit(tmp_path)
    model.learning_rate = 0.05
    with pytest.raises(
        ConfigError, match="expected the weights and the learning rate that the run"
    ):
        fit(tmp_path, model=model, epochs=2)


def at_another_rate():
    model = plain_model()
    model.learning_rate = 0.05
    return model


def test_a_rate_that_was_set_before(tmp_path):
    fit(tmp_path, model=at_another_rate)
    fit(tmp_path, model=at_another_rate, epochs=2)
    with pytest.raises(
        ConfigError, match="expected the weights and the learning rate that the run"
    ):
        fit(tmp_path, epochs=3)


def test_weights_of_a_file(tmp_path):
    model, _ = fit(tmp_path / "run")
    plain_model(seed=5).save_weights(tmp_path / "w.safetensors")
    model.load_weights(tmp_path / "w.safetensors")
    with pytest.raises(ConfigError, match="expected the weights"):
        fit(tmp_path / "run", model=model, epochs=2)


@pytest.mark.parametrize("path", ["", 3, True, b"run"], ids=repr)
def test_no_path(path):
    with pytest.raises(ConfigError, match="resume: expected the path of a folder"):
        fit(path)


def test_a_file_in_its_place(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(ConfigError, match="resume: expected a folder, not a file"):
        fit(tmp_path / "run")
    with pytest.raises(
        ModelFileError,
        match=r"resume: expected a folder that can be written to. .* Cause: Not a directory",
    ):
        fit(tmp_path / "run" / "deeper")


UNSAVABLE = {
    "loss": lambda: compiled_with(loss=lambda y, out: ((y - out) ** 2).mean(-1)),
    "metric": lambda: compiled_with(metrics=[lambda y, out: ((y - out) ** 2).mean(-1)]),
}


def compiled_with(loss="mse", metrics=()):
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(SGD(0.1), loss, list(metrics))
    return model


@pytest.mark.parametrize("what", UNSAVABLE)
def test_a_lambda_is_refused_before_training(what, tmp_path):
    model = UNSAVABLE[what]()
    before = as_it_was(model)
    with pytest.raises(
        ModelFileError,
        match=r"expected something that can be saved. Received: type='function', name='<lambda>'",
    ):
        fit(tmp_path, X, X @ np.ones(4), model=model)
    assert as_it_was(model) == before
    assert files(tmp_path) == []


class Remembers(Callback):
    def __init__(self, memory):
        self.memory = memory

    def init(self):
        return self.memory

    def update(self, memory, record):
        return memory, None


@dataclass(frozen=True)
class Unsaid:
    epochs: int = 0


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (
            np.zeros(2),
            "Remembers: memory: expected something that can be saved. Received: type='ndarray'",
        ),
        ({"a": [object()]}, r"Remembers: memory.a.*: expected something that can be saved"),
        ({1: 2}, "Remembers: memory: expected string keys"),
        ({"is": 2}, "Remembers: memory: expected string keys"),
        (
            Unsaid(),
            "Remembers: memory: expected a known class. .* Annotate init with a dataclass",
        ),
    ],
    ids=["array", "object", "numbers as keys", "a key of its own", "dataclass"],
)
def test_a_memory_that_cannot_be_kept_is_refused_before_training(memory, message, tmp_path):
    """The error comes before training, not when the run is resumed."""
    model = plain_model()
    before = model.get_weights()
    with pytest.raises(ModelFileError, match=message):
        fit(tmp_path, model=model, callbacks=Remembers(memory))
    assert all(map(np.array_equal, before, model.get_weights()))
    fit(tmp_path, model=plain_model)


def test_a_machine_that_is_another(tmp_path, monkeypatch):
    """The run continues with a warning, and then belongs to the new machine."""
    fit(tmp_path)
    environment = resume.describe_environment()
    assert {"glassnet", "jax", "jaxlib", "numpy", "machine", "device", "CPUs"} == set(environment)
    monkeypatch.setattr(
        resume, "describe_environment", lambda: environment | {"CPUs": "96", "jax": "9.9"}
    )
    message = rf"the run in .* was computed with jax {environment['jax']}, now 9\.9, CPUs {environment['CPUs']}, now 96. It continues, but its results may differ"
    with pytest.warns(TrainingWarning, match=message) as warned:
        fit(tmp_path, epochs=2)
    assert warned[0].filename == refused.__file__, "the line that called fit"
    fit(tmp_path, epochs=3)


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"),
    reason="the system does not say which CPUs a process may use",
)
def test_cpus_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda who: {3, 5, 8})
    assert resume.describe_environment()["CPUs"] == "3"


def test_two_fits_in_one_folder(tmp_path):
    """The second one is refused only while the first one runs."""
    message = []

    def inside(epoch, logs):
        with pytest.raises(
            ConfigError,
            match=rf"resume: expected a folder that no other fit is using. Received: .*process='{os.getpid()}'",
        ) as error:
            fit(tmp_path)
        message.append(str(error.value))

    fit(tmp_path, callbacks=LambdaCallback(inside))
    assert "Wait for that process to end, or use another folder for this run." in message[0]
    fit(tmp_path, callbacks=LambdaCallback(), epochs=2)


def test_another_process_is_in_the_folder(tmp_path):
    """The folder is locked as long as that process lives, however it ends."""
    hold = "import sys; from glassnet.storage.checkpoints import CheckpointFolder; it = CheckpointFolder(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.read(1)
        with pytest.raises(ConfigError, match=f"process='{process.pid}'"):
            fit(tmp_path)
        process.kill()
        process.wait()
        fit(tmp_path)


def test_the_folder_is_free_after_whatever_ended_a_fit(tmp_path, monkeypatch):
    def fails(epoch, logs):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        fit(tmp_path, callbacks=LambdaCallback(fails))
    with pytest.raises(DataError, match="x: "):
        fit(tmp_path, x=np.full((9, 4), np.nan), y=Y[:9])
    with pytest.raises(ConfigError, match="In that run callbacks"):
        fit(tmp_path)
    with dying(monkeypatch, 1), pytest.raises(Killed):
        fit(tmp_path, callbacks=LambdaCallback())
    fit(tmp_path, callbacks=LambdaCallback())
