"""Batches and tables that are refused when a run is resumed, and those that are not."""

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.callbacks import (
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
)
from glassnet.errors import ConfigError, DataError
from glassnet.layers import BatchNormalization, Dense
from glassnet.optimizers import SGD
from lives import Killed, dying
from nets import ONE_HOT, SPARSE, X, Y, plain_model, same_bits
from refused import OPTIONS, fit, network, other
from streams import BATCHES, Items, generate

pytestmark = pytest.mark.usefixtures("no_thread_stays")

STREAMED = {
    "first batch": (
        BATCHES,
        [(other(BATCHES[0][0]), BATCHES[0][1]), *BATCHES[1:]],
        {},
        "data.first batch.x",
    ),
    "a later batch": (
        BATCHES,
        [*BATCHES[:3], (other(BATCHES[3][0]), BATCHES[3][1]), *BATCHES[4:]],
        {},
        "data.batches in all",
    ),
    "number": (BATCHES, BATCHES[:4], {}, "data.batches is 5, here 4"),
    "kind": (BATCHES, generate, {}, "data.batches is 5, here None"),
    "steps": (generate, generate, {"steps_per_epoch": 3}, "data.batches is None, here 3"),
    "class weights": (BATCHES, BATCHES, {"class_weight": {0: 2.0}}, "data.*weight"),
    "arrays": (BATCHES, X, {"y": Y}, "data"),
}


@pytest.mark.parametrize("what", STREAMED)
def test_a_run_on_other_batches(what, tmp_path):
    first, then, options, message = STREAMED[what]
    fit(tmp_path, first, None)
    with pytest.raises(
        ConfigError, match=f"resume: expected the run saved in .* In that run {message}"
    ):
        fit(tmp_path, then, **{"y": None} | options)


def test_class_weights_that_the_first_batch_does_not_show(tmp_path):
    """The first batch has no row of the class, so its fingerprint does not change."""
    batches = [(X[:4], np.zeros(4, int)), (X[4:8], np.ones(4, int))]
    fit(tmp_path, batches, None, class_weight={1: 2.0})
    with pytest.raises(ConfigError, match=r"In that run data.class_weight is"):
        fit(tmp_path, batches, None, class_weight={1: 3.0})


def test_a_memory_map_that_was_written_to(tmp_path):
    np.save(tmp_path / "x.npy", X)
    fit(tmp_path / "run", np.load(tmp_path / "x.npy", mmap_mode="r"))
    np.save(tmp_path / "x.npy", other(X))
    with pytest.raises(ConfigError, match=r"In that run data.changed is \d+, here \d+"):
        fit(tmp_path / "run", np.load(tmp_path / "x.npy", mmap_mode="r"))


PEOPLE = pandas.DataFrame(
    {"height": X[:, 0], "club": np.array(["a", "b", "c"])[Y], "weight": X[:, 1]}
)


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        (PEOPLE.assign(height=other(X[:, 0], 0)), {}, "In that run (table|data)"),
        (PEOPLE.drop(columns="height"), {}, "In that run (input|table)"),
        (PEOPLE, {"target_transform": "log"}, "In that run table"),
        (PEOPLE, {"column_types": {"club": "drop"}}, "In that run (input|table)"),
    ],
)
def test_another_table(table, options, message, tmp_path):
    people = PEOPLE.assign(weight=PEOPLE.weight + 10)

    def run(table, **options):
        gn.Sequential([Dense(1)], seed=0).fit(
            table, target="weight", resume=tmp_path, **OPTIONS, **options
        )

    run(people)
    with pytest.raises(ConfigError, match=message):
        run(table.assign(weight=people.weight), **options)
    run(people)


def test_iterators_are_refused_and_so_are_passes_that_differ(tmp_path):
    with pytest.raises(
        ConfigError,
        match=r"resume: expected batches that can be iterated again, not an iterator. Pass a list",
    ):
        fit(tmp_path, iter(BATCHES), None)
    with pytest.raises(ConfigError, match="resume: expected batches that can be iterated again"):
        fit(tmp_path, validation_data=iter(BATCHES))
    fit(tmp_path, model=plain_model)


@pytest.mark.parametrize("steps", [None, 5])
def test_a_shuffling_function_is_refused_at_its_second_pass(steps, tmp_path):
    """The first epoch is kept, and can only be resumed with the same batches."""
    rng = np.random.default_rng(0)

    def shuffled():
        return [BATCHES[i] for i in rng.permutation(5)]

    model = plain_model()
    message = r"batch 1 of epoch 2: resume: expected every pass to begin with the same batch, .* lambda epoch: batches of that epoch"
    with pytest.raises(DataError, match=message):
        fit(tmp_path, shuffled, None, model, epochs=3, steps_per_epoch=steps)
    assert model.epoch == 1


def test_a_function_of_epoch_that_gives_others_at_every_call(tmp_path, monkeypatch):
    """With steps_per_epoch, resuming replays the earlier batches, which must be the same."""
    rng = np.random.default_rng(0)

    def impure(epoch):
        return [BATCHES[i] for i in rng.permutation(5)]

    def run():
        nonlocal rng
        rng = np.random.default_rng(0)
        fit(tmp_path, impure, None, epochs=3, steps_per_epoch=5)

    with dying(monkeypatch, 8), pytest.raises(Killed):
        run()
    with pytest.raises(
        DataError,
        match=r"batch 1 before batch \d of epoch 2: resume: expected every pass to begin with the same batch",
    ):
        run()


def test_validation_batches_that_differ_from_pass_to_pass(tmp_path):
    rng = np.random.default_rng(0)
    message = "validation batch 1: resume: expected every pass to begin with the same batch"
    with pytest.raises(DataError, match=message):
        fit(tmp_path, validation_data=lambda: [BATCHES[i] for i in rng.permutation(5)], epochs=3)


def test_without_resume_batches_may_differ():
    rng = np.random.default_rng(0)
    model = plain_model()
    model.fit(lambda: [BATCHES[i] for i in rng.permutation(5)], epochs=3, verbose=0)
    assert model.epoch == 3


SAME = {
    "order of a dictionary": [
        {"class_weight": {0: 2.0, 1: 3.0}},
        {"class_weight": {1: 3.0, 0: 2.0}},
    ],
    "numbers of numpy": [
        {"model": network(5)},
        {"model": network(np.int64(5), optimizer=SGD(np.float64(0.1)))},
    ],
    "labels as floats": [{}, {"y": Y.astype(float)}],
    "float64": [{}, {"x": X.astype(float)}],
    "layout": [{}, {"x": np.asfortranarray(X)}],
    "one-hot": [{"y": ONE_HOT}, {"y": ONE_HOT.astype(int)}],
    "batch size": [{"batch_size": "full"}, {"batch_size": np.int32(37)}],
    "schedule": [
        {"callbacks": LearningRateScheduler(lambda epoch: 0.1)},
        {"callbacks": LearningRateScheduler(lambda epoch: 0.1)},
    ],
    "functions": [{"callbacks": LambdaCallback(print)}, {"callbacks": LambdaCallback(print)}],
    "names of layers": [{"model": network(name="hidden")}, {"model": network(name="hidden")}],
    "lines": [{"verbose": 0}, {"verbose": 2}],
    "looks inside": [{"observe": None}, {"observe": True}],
    "generators": [{"x": generate, "y": None}, {"x": generate, "y": None}],
    "items": [{"x": Items(), "y": None}, {"x": Items(), "y": None}],
    "callbacks by themselves": [
        {"callbacks": EarlyStopping("loss")},
        {"callbacks": [EarlyStopping("loss")]},
    ],
}


@pytest.mark.parametrize("what", SAME)
def test_the_same_said_otherwise_is_no_other_run(what, tmp_path):
    first, then = SAME[what]
    fit(tmp_path, **first)
    _, log = fit(tmp_path, **{"epochs": 2} | then)
    assert log.epoch == [0, 1]


def test_a_script_that_is_run_twice(tmp_path, monkeypatch):
    """A table with missing cells, paths and files: the second run finds the first one finished."""
    monkeypatch.chdir(tmp_path)

    def script():
        people = pandas.DataFrame(
            {
                "height": [*X[:-1, 0], np.nan],
                "club": np.array(["a", "b", None])[Y],
                "answer": np.where(Y > 0, "y", "n"),
            }
        )
        model = gn.Sequential(
            [Dense(4, activation="relu"), BatchNormalization(), Dense(1, activation="sigmoid")]
        )
        files = [CSVLogger(tmp_path / "log.csv"), ModelCheckpoint(tmp_path / "{epoch}.glassnet")]
        log = model.fit(
            people,
            target="answer",
            validation_split=0.2,
            callbacks=files,
            epochs=2,
            verbose=0,
            resume="run",
        )
        return model, log

    (model, log), (again, other) = script(), script()
    assert same_bits(model, again)
    assert (log.history, log.seconds, log.seed) == (other.history, other.seconds, other.seed)


def test_a_script_of_the_face_of_keras_that_is_run_twice(tmp_path):
    """Nested models bring their weights each time."""

    def script():
        inner = keras.Sequential(
            [keras.layers.Input((4,)), keras.layers.Dense(5, activation="tanh")]
        )
        model = keras.Sequential([inner, keras.layers.Dense(3, activation="softmax")])
        model.summary(print_fn=lambda text: None)
        model.compile("sgd", SPARSE)
        model.fit(X, Y, resume=tmp_path, **OPTIONS)
        return model

    script()
