"""Runs that are killed again and again end like an uninterrupted one, bit for bit."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas
import pytest

import glassnet as gn
from glassnet import keras, schedules
from glassnet.callbacks import (
    Callback,
    CSVLogger,
    Decision,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    StopWhen,
)
from glassnet.layers import Dense, Dropout, Input, Normalization
from glassnet.metrics import AUC, F1Score, R2Score, TopKCategoricalAccuracy
from glassnet.optimizers import SGD, Adadelta, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop
from glassnet.pipeline import prefetch
from lives import as_it_was, in_lives
from nets import ONE_HOT, SPARSE, WEIGHT, X, Y, fit_noisy, noisy_model, plain_model
from streams import BATCHES, WEIGHED, Columns, Flow, Items, Loader, generate

pytestmark = [pytest.mark.usefixtures("no_thread_stays"), pytest.mark.slow]


def by_epoch(epoch):
    """Return batches in another order for every epoch."""
    return [BATCHES[i] for i in np.random.default_rng(epoch).permutation(4)] + BATCHES[4:]


def fit(args=X, y=None, model=noisy_model, epochs=3, **options):
    model = model()
    return model, model.fit(args, y, **{"epochs": epochs, "verbose": 0} | options)


def rows(callbacks=list, model=noisy_model, epochs=3, **options):
    """Fit with new callbacks in every process, as a script would."""
    model = model()
    return model, fit_noisy(model, epochs, callbacks=callbacks(), **options)


def same(alive, reborn):
    (a, log), (b, again) = alive, reborn
    assert as_it_was(a) == as_it_was(b)
    assert (again.history, again.epoch, again.stopped, again.seed, again.params) == (
        log.history,
        log.epoch,
        log.stopped,
        log.seed,
        log.params,
    )
    assert len(again.seconds) == len(log.seconds)


def check(monkeypatch, folder, run, slices=4, steps=1):
    """Kill and resume `run(**options)`, and compare the model and history with an uninterrupted
    run.

    With epochs of four or five steps, it is resumed both within and between epochs.
    """
    again, lives = in_lives(monkeypatch, lambda: run(resume=folder), slices, steps)
    assert lives
    same(run(), again)


SOURCES = {
    "arrays": (X, Y, {"batch_size": 8}),
    "in order": (X, Y, {"batch_size": 8, "shuffle": False}),
    "seed of fit": (X, Y, {"batch_size": 8, "seed": 5}),
    "weights": (X, Y, {"batch_size": 8, "sample_weight": WEIGHT}),
    "classes": (X, Y, {"batch_size": 8, "class_weight": {0: 2.0, 2: 0.5}}),
    "balanced": (X, Y, {"batch_size": 8, "class_weight": "balanced", "validation_split": 0.2}),
    "one-hot": (X, ONE_HOT, {"batch_size": 8, "validation_data": (X[:9], ONE_HOT[:9], WEIGHT[:9])}),
    "float64": (
        X.astype(float),
        Y.astype(float),
        {"batch_size": 8, "validation_data": (X[:9].astype(float), Y[:9])},
    ),
    "list": (BATCHES, None, {}),
    "list of weighed": (WEIGHED, None, {"validation_data": BATCHES[1:3]}),
    "list in steps": (
        BATCHES,
        None,
        {"steps_per_epoch": 3, "validation_data": BATCHES, "validation_steps": 2},
    ),
    "class weights of batches": (BATCHES, None, {"class_weight": {1: 3.0}}),
    "loader": (Loader(), None, {"steps_per_epoch": 7}),
    "flow": (Flow(), None, {"validation_data": Flow()}),
    "items": (Items(), None, {}),
    "items in steps": (Items(), None, {"steps_per_epoch": 4}),
    "columns": (Columns({"x": X, "y": Y}), None, {"target": "y", "batch_size": 8}),
    "function": (generate, None, {"validation_data": generate}),
    "function in steps": (generate, None, {"steps_per_epoch": 6}),
    "function of epoch": (by_epoch, None, {"validation_data": (X, Y)}),
    "function of epoch in steps": (by_epoch, None, {"steps_per_epoch": 7}),
}


@pytest.mark.parametrize("source", SOURCES)
def test_any_source_goes_on(source, tmp_path, monkeypatch, small_chunks):
    args, y, options = SOURCES[source]
    check(monkeypatch, tmp_path, lambda **more: fit(args, y, **options, **more))


def test_a_full_batch_goes_on(tmp_path, monkeypatch):
    check(monkeypatch, tmp_path, lambda **more: fit(X, Y, batch_size="full", epochs=8, **more))


@pytest.mark.parametrize("options", [{}, {"validation_split": 0.2}, {"shuffle": False}], ids=str)
def test_a_memory_map_goes_on(options, tmp_path, monkeypatch, small_chunks):
    """The result has the bits of the same rows in memory."""
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    again, lives = in_lives(
        monkeypatch, lambda: fit(mapped, Y, batch_size=8, resume=tmp_path / "run", **options)
    )
    assert lives >= 2
    same(fit(X, Y, batch_size=8, **options), again)


@pytest.mark.parametrize(("slices", "steps"), [(3, 1), (4, 1), (3, 2), (3, 7)])
def test_wherever_it_dies(slices, steps, tmp_path, monkeypatch):
    check(monkeypatch, tmp_path, lambda **more: rows(epochs=5, **more), slices, steps)


OPTIMIZERS = [
    SGD(0.1, momentum=0.9, nesterov=True),
    Adagrad(0.1),
    Adadelta(1.0),
    RMSprop(0.01, momentum=0.5, centered=True),
    Adam(0.02, amsgrad=True),
    AdamW(0.02),
    Nadam(0.02),
    Lion(0.01),
    SGD(schedules.ExponentialDecay(0.2, 5, 0.5)),
    Adam(schedules.OneCycle(0.1, 12), clipnorm=1.0),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)
def test_any_optimizer_goes_on(optimizer, tmp_path, monkeypatch):
    check(
        monkeypatch,
        tmp_path,
        lambda **more: fit(X, Y, lambda: plain_model(optimizer), batch_size=8, **more),
    )


@dataclass(frozen=True)
class Seen:
    best: float = math.inf
    epochs: tuple[int, ...] = ()


class Remembers(Callback):
    """Callback that sets the rate by its memory, so that another memory gives other weights."""

    def __init__(self, first, then):
        self.first, self.then = first, then

    def init(self) -> Seen | None:
        return self.first

    def update(self, memory, record):
        memory, rate = self.then(memory, record)
        return memory, Decision(learning_rate=rate)


MEMORIES = {
    "number": (
        math.inf,
        lambda memory, record: (min(memory, record.logs["loss"]), 0.01 * min(memory, 2.0)),
    ),
    "nan": (math.nan, lambda memory, record: (memory, 0.03 if math.isnan(memory) else 0.01)),
    "numpy": (np.float64(0.5), lambda memory, record: (memory * np.float64(0.7), memory / 10)),
    "tuple": ((), lambda memory, record: ((*memory, record.epoch), 0.02 / (1 + len(memory)))),
    "list": (
        [],
        lambda memory, record: ([*memory, [record.logs["loss"]]], 0.02 / (1 + len(memory))),
    ),
    "dict": (
        {},
        lambda memory, record: (
            memory | {str(record.epoch): [(1, None)]},
            0.02 / (1 + len(memory)),
        ),
    ),
    "dataclass": (
        Seen(),
        lambda memory, record: (
            Seen(1.0, (*memory.epochs, record.epoch)),
            0.02 / (1 + len(memory.epochs)),
        ),
    ),
    "nothing, then a dataclass": (
        None,
        lambda memory, record: (Seen(), 0.01 if memory is None else 0.03),
    ),
}


@pytest.mark.parametrize("kind", MEMORIES)
def test_what_a_callback_remembers_goes_on(kind, tmp_path, monkeypatch):
    check(
        monkeypatch,
        tmp_path,
        lambda **more: rows(lambda: Remembers(*MEMORIES[kind]), epochs=4, **more),
        slices=7,
    )


def kept_at(*epochs):
    """Return a callback that keeps the weights of these epochs as the best."""
    return LambdaCallback(on_epoch_end=lambda epoch, logs: Decision(keep_weights=epoch in epochs))


CALLBACKS = {
    "early": lambda: EarlyStopping("loss", patience=1, min_delta=10.0),
    "early, best before": lambda: [EarlyStopping(patience=9), kept_at(0)],
    "best first": lambda: kept_at(0),
    "best third": lambda: kept_at(2),
    "best at the end": lambda: kept_at(5),
    "plateau": lambda: ReduceLROnPlateau("loss", patience=0, min_delta=10.0, factor=0.5),
    "plateau with rest": lambda: ReduceLROnPlateau(
        "loss", patience=0, min_delta=10.0, factor=0.5, cooldown=1
    ),
    "scheduler": lambda: LearningRateScheduler(
        lambda epoch, rate: rate * (0.5 if epoch % 2 else 1.1)
    ),
    "two rates": lambda: [
        LearningRateScheduler(lambda epoch, rate: rate / 2),
        ReduceLROnPlateau("loss", patience=0, min_delta=10.0),
    ],
    "change": lambda: StopWhen(weight_change_below=0.052),
    "loss": lambda: StopWhen(loss_below=1.05),
}


@pytest.mark.parametrize("callbacks", CALLBACKS)
def test_any_callback_goes_on(callbacks, tmp_path, monkeypatch):
    check(
        monkeypatch, tmp_path, lambda **more: rows(CALLBACKS[callbacks], epochs=6, **more), slices=7
    )


def test_some_of_those_stop_early():
    """Test of the test above: these runs end before their last epoch."""
    for name, epochs in {"early": 2, "change": 3, "loss": 3}.items():
        _, log = rows(CALLBACKS[name], epochs=6)
        assert log.stopped
        assert 1 < len(log.epoch) <= epochs + 1


METRICS = {
    "two classes": (
        1,
        "sigmoid",
        "binary_crossentropy",
        Y > 0,
        [AUC(), F1Score(), "accuracy", "precision"],
    ),
    "classes": (
        3,
        "softmax",
        SPARSE,
        Y,
        [TopKCategoricalAccuracy(2), F1Score(average="macro"), "accuracy"],
    ),
    "numbers": (
        1,
        "linear",
        "mse",
        X @ [1.0, 2.0, -1.0, 0.5],
        [R2Score(), "mae", "root_mean_squared_error"],
    ),
}


@pytest.mark.parametrize("kind", METRICS)
def test_sums_of_an_epoch_under_way_go_on(kind, tmp_path, monkeypatch):
    units, last, loss, y, metrics = METRICS[kind]

    def model():
        model = gn.Sequential([Dense(4, activation="tanh"), Dense(units, activation=last)], seed=0)
        model.compile(SGD(0.05), loss, metrics)
        return model

    check(
        monkeypatch,
        tmp_path,
        lambda **more: fit(X, y, model, batch_size=8, validation_split=0.2, **more),
    )


class Table(NamedTuple):
    """A target column, and the output layer for it."""

    target: str
    last: Dense


PEOPLE = pandas.DataFrame(
    {
        "height": X[:, 0] * 10 + 170,
        "club": np.array(["chess", "row", "sing"])[Y],
        "age": WEIGHT * 20,
    }
)
PEOPLE["weight"] = 0.9 * PEOPLE.height - 90 + X[:, 1]
PEOPLE.loc[::7, "height"] = np.nan
TABLES = {
    "numbers": Table("weight", Dense(1)),
    "labels": Table("club", Dense(3, activation="softmax")),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_goes_on(kind, tmp_path, monkeypatch):
    """The target is standardized, missing cells are filled, and the loss is inferred."""
    target, last = TABLES[kind]

    def run(**options):
        model = gn.Sequential([Dense(4, activation="tanh"), Dropout(0.1), last], seed=0)
        log = model.fit(
            PEOPLE,
            target=target,
            batch_size=8,
            epochs=3,
            validation_split=0.2,
            verbose=0,
            **options,
        )
        return model, log

    check(monkeypatch, tmp_path, run)
    (model, _), (again, _) = run(), run(resume=tmp_path)
    np.testing.assert_array_equal(model.predict(PEOPLE), again.predict(PEOPLE))


def test_a_layer_that_learned_its_statistics_goes_on(tmp_path, monkeypatch):
    def model():
        model = gn.Sequential([Normalization(), Dense(3, activation="softmax")], seed=0)
        model.compile(SGD(0.1), SPARSE)
        return model

    check(monkeypatch, tmp_path, lambda **more: fit(X, Y, model, batch_size=8, **more))


def test_a_model_that_learned_before_goes_on(tmp_path, monkeypatch):
    """A run continues with the weights, optimizer state and epoch count of a trained model."""

    def run(**options):
        model = noisy_model()
        fit_noisy(model, 2)
        return model, fit_noisy(model, 3, **options)

    check(monkeypatch, tmp_path, run, slices=8 + 4)
    _, log = run(resume=tmp_path)
    assert log.epoch == [2, 3, 4]


def test_frozen_layers_go_on(tmp_path, monkeypatch):
    def model():
        layers = [
            Input(4),
            Dense(5, activation="tanh", trainable=False),
            Dense(3, activation="softmax"),
        ]
        model = gn.Sequential(layers, seed=0)
        model.compile(Adam(0.02), SPARSE)
        model.layers[0].set_weights([np.ones((4, 5)), np.zeros(5)])
        return model

    check(monkeypatch, tmp_path, lambda **more: fit(X, Y, model, batch_size=8, **more))


def seedless(look):
    model = gn.Sequential([Input(4), Dense(5, activation="tanh"), Dense(3, activation="softmax")])
    model.compile(SGD(0.1), SPARSE)
    if look:
        model.count_params()
    return model


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("options", [{}, {"seed": 3}], ids=str)
def test_a_model_without_a_seed_takes_that_of_the_run(look, options, tmp_path, monkeypatch):
    """Oracle: the uninterrupted run of a model with the seed that was drawn."""
    run = {"batch_size": 8, "epochs": 3, "verbose": 0, "validation_split": 0.2} | options
    again, lives = in_lives(
        monkeypatch, lambda: fit(model=lambda: seedless(look), y=Y, resume=tmp_path, **run)
    )
    assert lives >= 2
    model = plain_model(seed=again[0].seed)
    same((model, model.fit(X, Y, **run)), again)


def kerasic():
    model = keras.Sequential(
        [keras.layers.Dense(5, activation="tanh"), keras.layers.Dense(3, activation="softmax")],
        seed=1,
    )
    model.compile("adam", SPARSE, ["accuracy"])
    return model


class Cut(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        self.model.optimizer.learning_rate = 0.01 / (epoch + 1)


class End(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        self.model.stop_training = epoch == 3


KERASIC = {
    "plateau": lambda: [keras.callbacks.ReduceLROnPlateau(patience=0, min_delta=5.0)],
    "set": lambda: [Cut(), End(), keras.callbacks.EarlyStopping(patience=9)],
    "scheduler": lambda: [keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)],
}


@pytest.mark.parametrize("callbacks", KERASIC)
def test_the_face_of_keras_goes_on(callbacks, tmp_path, monkeypatch):
    """The history contains the rates of all epochs, also for a finished run."""
    options = {"batch_size": 8, "epochs": 6, "verbose": 0, "validation_split": 0.2}

    def run(**more):
        model = kerasic()
        history = model.fit(X, Y, callbacks=KERASIC[callbacks](), **options, **more)
        return model.glassnet_model, history

    check(monkeypatch, tmp_path, run, slices=7)
    same(run(), run(resume=tmp_path))


def test_files_of_callbacks_are_those_of_a_run_that_never_died(tmp_path, monkeypatch):
    """No row of the log is duplicated, and every model is saved."""

    def run(home, **options):
        home.mkdir(exist_ok=True)
        where = str(home / "{epoch:02d}-{val_loss:.4f}.glassnet")
        monkeypatch.chdir(home)
        return rows(
            lambda: [CSVLogger("log.csv"), ModelCheckpoint(where, save_best_only=True)],
            epochs=5,
            **options,
        )

    alive = run(tmp_path / "a")
    again, lives = in_lives(
        monkeypatch, lambda: run(tmp_path / "b", resume=tmp_path / "run"), slices=4
    )
    assert lives >= 2
    same(alive, again)
    assert (tmp_path / "a" / "log.csv").read_bytes() == (tmp_path / "b" / "log.csv").read_bytes()
    saved = [sorted(path.name for path in (tmp_path / home).iterdir()) for home in "ab"]
    assert saved[0] == saved[1]
    assert len(saved[0]) > 2
    for name in saved[0][:-1]:
        assert as_it_was(gn.load(tmp_path / "a" / name)) == as_it_was(
            gn.load(tmp_path / "b" / name)
        )


def test_one_packing_is_as_good_as_another(tmp_path, monkeypatch):
    """The number of batches per chunk may change between processes."""

    def run(**options):
        monkeypatch.setattr(
            prefetch, "MAX_BATCHES_PER_CHUNK", 2 + len(list(tmp_path.rglob("*.glassnet"))) % 3
        )
        return fit(BATCHES, **options)

    check(monkeypatch, tmp_path, run)
