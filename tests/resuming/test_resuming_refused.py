"""What is refused where a run is to be resumed, in which words, and what is not: the same script, run twice."""

import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet import keras, resuming
from glassnet.callbacks import Callback, CSVLogger, EarlyStopping, LambdaCallback, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau
from glassnet.errors import ConfigError, DataError, ModelFileError, TrainingWarning
from glassnet.layers import BatchNormalization, Dense, Dropout, Input, Normalization
from glassnet.optimizers import SGD, Adam
from lives import Killed, as_it_was, dying, files
from nets import ONE_HOT, SPARSE, WEIGHT, X, Y, plain_model, same_bits
from streams import BATCHES, Items, generate

pytestmark = pytest.mark.usefixtures("no_thread_stays")

BEGUN = {"epochs": 1, "batch_size": 8, "verbose": 0}


def fit(folder, x=X, y=Y, model=plain_model, **options):
    model = model() if callable(model) else model
    return model, model.fit(x, y, resume=folder, **BEGUN | options)


def other(x, i=(0, 0), by=1e-3):
    x = np.array(x)
    x[i] += by
    return x


def network(units=5, activation="tanh", optimizer=None, loss=SPARSE, metrics=("accuracy",), more=(), **how):
    def model():
        layers = [Input(4), Dense(units, activation=activation, **how), *more, Dense(3, activation="softmax")]
        model = gn.Sequential(layers, seed=0)
        model.compile(optimizer or SGD(0.1), loss, list(metrics))
        return model

    return model


def adapted(shift):
    return lambda: compiled(gn.Sequential([Normalization().adapt(X + shift), Dense(3, activation="softmax")], seed=0))


def compiled(model):
    model.compile(SGD(0.1), SPARSE)
    return model


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
    "from the end": ({"validation_split": 0.2}, {"validation_split": 0.2, "validation_from": "end"}, "data.x"),
    "validated": ({}, {"validation_data": PAIR}, "validation"),
    "a validation row": ({"validation_data": PAIR}, {"validation_data": (other(PAIR[0]), PAIR[1])}, "validation.rows"),
    "validated in batches": ({"validation_data": BATCHES}, {"validation_data": BATCHES[1:]}, "validation.first batch.x"),
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
    "activation": ({}, {"model": network(activation="relu")}, r"layers\[0\].activation is 'tanh', here 'relu'"),
    "bias": ({}, {"model": network(use_bias=False)}, r"layers\[0\].use_bias is True, here False"),
    "frozen": ({}, {"model": network(trainable=False)}, r"layers\[0\].trainable is True, here False"),
    "one more layer": ({}, {"model": network(more=[Dropout(0.1)])}, "layers is "),
    "rate of noise": ({"model": network(more=[Dropout(0.1)])}, {"model": network(more=[Dropout(0.2)])}, r"rate is 0\.1, here 0\.2"),
    "rate": ({}, {"model": network(optimizer=SGD(0.2))}, r"optimizer.learning_rate is 0\.1, here 0\.2"),
    "momentum": ({}, {"model": network(optimizer=SGD(0.1, momentum=0.5))}, r"optimizer.momentum is 0\.0, here 0\.5"),
    "optimizer": ({}, {"model": network(optimizer=Adam(0.1))}, "optimizer.is is 'optimizers/SGD', here 'optimizers/Adam'"),
    "loss": ({}, {"model": network(loss="categorical_crossentropy")}, "loss.is is "),
    "metrics": ({}, {"model": network(metrics=["top_k_categorical_accuracy"])}, r"metrics\[0\] is 'accuracy'"),
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
    "callback": ({"callbacks": EarlyStopping("loss")}, {"callbacks": ReduceLROnPlateau("loss")}, r"callbacks\[0\].class is 'EarlyStopping'"),
    "no callback": ({"callbacks": EarlyStopping("loss")}, {}, "callbacks is "),
    "learned statistics": ({"model": adapted(0)}, {"model": adapted(1)}, "the weights and the learning rate that the run"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_run_of_something_else(what, tmp_path):
    first, then, said = CHANGED[what]
    first = {"model": network()} | first
    fit(tmp_path, **first)
    before = {path.name: path.read_bytes() for path in files(tmp_path)}
    now = first["model"]()
    untouched = as_it_was(now)
    with pytest.raises(ConfigError, match=f"resume: expected .*{said}") as error:
        fit(tmp_path, **{"model": now} | (then if "model" not in then else then | {"model": then["model"]()}))
    assert "Give this run a folder of its own" in str(error.value) or "or give this run a folder of its own" in str(error.value)
    assert before == {path.name: path.read_bytes() for path in files(tmp_path)}
    if "model" not in then:
        assert as_it_was(now) == untouched
    _, log = fit(tmp_path, **first)
    assert log.epoch == [0]


STREAMED = {
    "first batch": (BATCHES, [(other(BATCHES[0][0]), BATCHES[0][1]), *BATCHES[1:]], {}, "data.first batch.x"),
    "a later batch": (BATCHES, [*BATCHES[:3], (other(BATCHES[3][0]), BATCHES[3][1]), *BATCHES[4:]], {}, "data.batches in all"),
    "number": (BATCHES, BATCHES[:4], {}, "data.batches is 5, here 4"),
    "kind": (BATCHES, generate, {}, "data.batches is 5, here None"),
    "steps": (generate, generate, {"steps_per_epoch": 3}, "data.batches is None, here 3"),
    "class weights": (BATCHES, BATCHES, {"class_weight": {0: 2.0}}, "data.*weight"),
    "arrays": (BATCHES, X, {"y": Y}, "data"),
}


@pytest.mark.parametrize("what", STREAMED)
def test_a_run_on_other_batches(what, tmp_path):
    first, then, options, said = STREAMED[what]
    fit(tmp_path, first, None)
    with pytest.raises(ConfigError, match=f"resume: expected the run that .* holds. There {said}"):
        fit(tmp_path, then, **{"y": None} | options)


def test_class_weights_that_the_first_batch_does_not_show(tmp_path):
    """Only its mark would miss it: it holds no row of the class."""
    batches = [(X[:4], np.zeros(4, int)), (X[4:8], np.ones(4, int))]
    fit(tmp_path, batches, None, class_weight={1: 2.0})
    with pytest.raises(ConfigError, match="There data.class_weight is"):
        fit(tmp_path, batches, None, class_weight={1: 3.0})


def test_a_memory_map_that_was_written_to(tmp_path):
    np.save(tmp_path / "x.npy", X)
    fit(tmp_path / "run", np.load(tmp_path / "x.npy", mmap_mode="r"))
    np.save(tmp_path / "x.npy", other(X))
    with pytest.raises(ConfigError, match=r"There data.changed is \d+, here \d+"):
        fit(tmp_path / "run", np.load(tmp_path / "x.npy", mmap_mode="r"))


PEOPLE = pandas.DataFrame({"height": X[:, 0], "club": np.array(["a", "b", "c"])[Y], "weight": X[:, 1]})


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        (PEOPLE.assign(height=other(X[:, 0], 0)), {}, "There (table|data)"),
        (PEOPLE.drop(columns="height"), {}, "There (input|table)"),
        (PEOPLE, {"target_transform": "log"}, "There table"),
        (PEOPLE, {"columns": {"club": "drop"}}, "There (input|table)"),
    ],
)
def test_another_table(table, options, said, tmp_path):
    people = PEOPLE.assign(weight=PEOPLE.weight + 10)

    def run(table, **options):
        gn.Sequential([Dense(1)], seed=0).fit(table, target="weight", resume=tmp_path, **BEGUN, **options)

    run(people)
    with pytest.raises(ConfigError, match=said):
        run(table.assign(weight=people.weight), **options)
    run(people)


def test_iterators_are_refused_and_so_are_passes_that_differ(tmp_path):
    with pytest.raises(ConfigError, match="resume: expected batches that come again, not an iterator, which goes round once. Pass a list"):
        fit(tmp_path, iter(BATCHES), None)
    with pytest.raises(ConfigError, match="resume: expected batches that come again"):
        fit(tmp_path, validation_data=iter(BATCHES))
    fit(tmp_path, model=plain_model)


@pytest.mark.parametrize("steps", [None, 5])
def test_a_shuffling_function_is_refused_at_its_second_pass(steps, tmp_path):
    """What the first pass gave is kept, and can be taken up by none but the same."""
    rng = np.random.default_rng(0)

    def shuffled():
        return [BATCHES[i] for i in rng.permutation(5)]

    model = plain_model()
    said = r"batch 1 of epoch 2: resume: expected every pass to begin with the same batch, .* lambda epoch: batches of that epoch"
    with pytest.raises(DataError, match=said):
        fit(tmp_path, shuffled, None, model, epochs=3, steps_per_epoch=steps)
    assert model.epoch == 1


def test_a_function_of_epoch_that_gives_others_at_every_call(tmp_path, monkeypatch):
    """In steps, the way to where the run stands is gone again from its beginning, and must begin as it did."""
    rng = np.random.default_rng(0)

    def impure(epoch):
        return [BATCHES[i] for i in rng.permutation(5)]

    def run():
        nonlocal rng
        rng = np.random.default_rng(0)
        fit(tmp_path, impure, None, epochs=3, steps_per_epoch=5)

    with dying(monkeypatch, 8), pytest.raises(Killed):
        run()
    with pytest.raises(DataError, match=r"batch 1 on the way to batch \d of epoch 2: resume: expected every pass to begin with the same batch"):
        run()


def test_validation_batches_that_differ_from_pass_to_pass(tmp_path):
    rng = np.random.default_rng(0)
    said = "validation batch 1: resume: expected every pass to begin with the same batch"
    with pytest.raises(DataError, match=said):
        fit(tmp_path, validation_data=lambda: [BATCHES[i] for i in rng.permutation(5)], epochs=3)


def test_without_resume_batches_may_differ():
    rng = np.random.default_rng(0)
    model = plain_model()
    model.fit(lambda: [BATCHES[i] for i in rng.permutation(5)], epochs=3, verbose=0)
    assert model.epoch == 3


def test_fewer_epochs(tmp_path):
    fit(tmp_path, epochs=3)
    said = r"fit: expected epochs of 3 or more, which the run has begun. Received: epochs=2. Ask for as many epochs as the run has done"
    with pytest.raises(ConfigError, match=said):
        fit(tmp_path, epochs=2)
    fit(tmp_path, epochs=3)


def test_fewer_epochs_than_are_under_way(tmp_path, monkeypatch):
    with dying(monkeypatch, 13), pytest.raises(Killed):
        fit(tmp_path, epochs=4)
    with pytest.raises(ConfigError, match="expected epochs of 3 or more"):
        fit(tmp_path, epochs=2)
    fit(tmp_path, epochs=3)


def test_weights_that_changed_in_between(tmp_path):
    """Those that the run began with may be put back; so may any that are the same."""
    model, _ = fit(tmp_path)
    model.set_weights(model.get_weights())
    fit(tmp_path, model=model, epochs=2)
    model.set_weights([weight + 1 for weight in model.get_weights()])
    said = "expected the weights and the learning rate that the run in .* began with. Received: received='others'. Begin with those, as reset"
    with pytest.raises(ConfigError, match=said):
        fit(tmp_path, model=model, epochs=3)
    model.reset()
    _, log = fit(tmp_path, model=model, epochs=3)
    assert log.epoch == [0, 1, 2]


def test_a_rate_that_was_set_in_between(tmp_path):
    model, _ = fit(tmp_path)
    model.learning_rate = 0.05
    with pytest.raises(ConfigError, match="expected the weights and the learning rate that the run"):
        fit(tmp_path, model=model, epochs=2)


def at_another_rate():
    model = plain_model()
    model.learning_rate = 0.05
    return model


def test_a_rate_that_was_set_before(tmp_path):
    fit(tmp_path, model=at_another_rate)
    fit(tmp_path, model=at_another_rate, epochs=2)
    with pytest.raises(ConfigError, match="expected the weights and the learning rate that the run"):
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
    with pytest.raises(ModelFileError, match="resume: expected a folder that can be written to. .* It said: Not a directory"):
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
    with pytest.raises(ModelFileError, match="expected something that can be saved. Received: kind='function', name='<lambda>'"):
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
    ("memory", "said"),
    [
        (np.zeros(2), "Remembers: memory: expected something that can be saved. Received: kind='ndarray'"),
        ({"a": [object()]}, r"Remembers: memory.a.*: expected something that can be saved"),
        ({1: 2}, "Remembers: memory: expected keys of text"),
        ({"is": 2}, "Remembers: memory: expected keys of text"),
        (Unsaid(), "Remembers: memory: expected a part that is known here. .* Annotate init with the dataclass"),
    ],
    ids=str,
)
def test_a_memory_that_cannot_be_kept_is_refused_before_training(memory, said, tmp_path):
    """Not when it is to be read, when the run would be lost."""
    model = plain_model()
    before = model.get_weights()
    with pytest.raises(ModelFileError, match=said):
        fit(tmp_path, model=model, callbacks=Remembers(memory))
    assert all(map(np.array_equal, before, model.get_weights()))
    fit(tmp_path, model=plain_model)


def test_a_machine_that_is_another(tmp_path, monkeypatch):
    """It goes on, and says that the last bits may differ; what it runs on is then the new one."""
    model, _ = fit(tmp_path)
    here = resuming.place()
    assert {"glassnet", "jax", "jaxlib", "numpy", "machine", "device", "CPUs"} == set(here)
    monkeypatch.setattr(resuming, "place", lambda: here | {"CPUs": "96", "jax": "9.9"})
    said = rf"the run in .* was computed with jax {here['jax']}, now 9\.9, CPUs {here['CPUs']}, now 96. It goes on, but its last bits may not"
    with pytest.warns(TrainingWarning, match=said) as warned:
        fit(tmp_path, epochs=2)
    assert warned[0].filename == __file__
    fit(tmp_path, epochs=3)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not say which CPUs a process may use")
def test_cpus_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda who: {3, 5, 8})
    assert resuming.place()["CPUs"] == "3"


def test_two_fits_in_one_folder(tmp_path):
    """The second is refused while the first runs, and only then."""
    said = []

    def inside(epoch, logs):
        with pytest.raises(ConfigError, match=rf"resume: expected a folder that no fit uses now. Received: .*process='{os.getpid()}'") as error:
            fit(tmp_path)
        said.append(str(error.value))

    fit(tmp_path, callbacks=LambdaCallback(inside))
    assert "Wait for it to end, or give this run a folder of its own." in said[0]
    fit(tmp_path, callbacks=LambdaCallback(), epochs=2)


def test_another_process_is_in_the_folder(tmp_path):
    """It is there for as long as it lives, however it ends."""
    hold = "import sys; from glassnet.storage.checkpoints import Folder; it = Folder(sys.argv[1]); print(1, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
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
    with pytest.raises(ConfigError, match="There callbacks"):
        fit(tmp_path)
    with dying(monkeypatch, 1), pytest.raises(Killed):
        fit(tmp_path, callbacks=LambdaCallback())
    fit(tmp_path, callbacks=LambdaCallback())


SAME = {
    "order of a dictionary": [{"class_weight": {0: 2.0, 1: 3.0}}, {"class_weight": {1: 3.0, 0: 2.0}}],
    "numbers of numpy": [{"model": network(5)}, {"model": network(np.int64(5), optimizer=SGD(np.float64(0.1)))}],
    "labels as floats": [{}, {"y": Y.astype(float)}],
    "float64": [{}, {"x": X.astype(float)}],
    "layout": [{}, {"x": np.asfortranarray(X)}],
    "one-hot": [{"y": ONE_HOT}, {"y": ONE_HOT.astype(int)}],
    "batch size": [{"batch_size": "full"}, {"batch_size": np.int32(37)}],
    "schedule": [{"callbacks": LearningRateScheduler(lambda epoch: 0.1)}, {"callbacks": LearningRateScheduler(lambda epoch: 0.1)}],
    "functions": [{"callbacks": LambdaCallback(print)}, {"callbacks": LambdaCallback(print)}],
    "names of layers": [{"model": network(name="hidden")}, {"model": network(name="hidden")}],
    "lines": [{"verbose": 0}, {"verbose": 2}],
    "looks inside": [{"observe": None}, {"observe": True}],
    "generators": [{"x": generate, "y": None}, {"x": generate, "y": None}],
    "items": [{"x": Items(), "y": None}, {"x": Items(), "y": None}],
    "callbacks by themselves": [{"callbacks": EarlyStopping("loss")}, {"callbacks": [EarlyStopping("loss")]}],
}


@pytest.mark.parametrize("what", SAME)
def test_the_same_said_otherwise_is_no_other_run(what, tmp_path):
    first, then = SAME[what]
    fit(tmp_path, **first)
    _, log = fit(tmp_path, **{"epochs": 2} | then)
    assert log.epoch == [0, 1]


def test_a_script_that_is_run_twice(tmp_path, monkeypatch):
    """A table with gaps, paths, files: the second run finds the first finished."""
    monkeypatch.chdir(tmp_path)

    def script():
        people = pandas.DataFrame({"height": [*X[:-1, 0], np.nan], "club": np.array(["a", "b", None])[Y], "answer": np.where(Y > 0, "y", "n")})
        model = gn.Sequential([Dense(4, activation="relu"), BatchNormalization(), Dense(1, activation="sigmoid")])
        files = [CSVLogger(tmp_path / "log.csv"), ModelCheckpoint(tmp_path / "{epoch}.glassnet")]
        log = model.fit(people, target="answer", validation_split=0.2, callbacks=files, epochs=2, verbose=0, resume="run")
        return model, log

    (model, log), (again, other) = script(), script()
    assert same_bits(model, again)
    assert (log.history, log.seconds, log.seed) == (other.history, other.seconds, other.seed)


def test_a_script_of_the_face_of_keras_that_is_run_twice(tmp_path):
    """Models in models bring their weights in each time."""

    def script():
        inner = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(5, activation="tanh")])
        model = keras.Sequential([inner, keras.layers.Dense(3, activation="softmax")])
        model.summary(print_fn=lambda text: None)
        model.compile("sgd", SPARSE)
        model.fit(X, Y, resume=tmp_path, **BEGUN)
        return model

    script()
