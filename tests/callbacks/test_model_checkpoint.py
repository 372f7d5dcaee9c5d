"""ModelCheckpoint: when it writes files, and their contents.

Oracle: Keras's callback on the same numbers, and the model itself.
"""

import math

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.callbacks import (
    Decision,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from glassnet.engine.loop import Record, SaveRequest
from glassnet.errors import ConfigError, ModelFileError
from glassnet.layers import Dense
from lives import as_it_was
from nets import SPARSE, X, Y, fit_noisy, noisy_model, same_bits


def fit(callbacks, epochs=3, model=None):
    model = model or noisy_model()
    return model, fit_noisy(model, epochs, callbacks=callbacks)


def record(epoch, **logs):
    train_state = None
    return Record(epoch, logs, 0.0, train_state, train_state)


def written(callback, values, monitor="val_loss"):
    """Return the epochs, counted from 1, after which the callback requests a file."""
    memory, epochs = callback.init(), []
    for epoch, value in enumerate(values):
        memory, decision = callback.update(memory, record(epoch, **{"loss": 1.0, monitor: value}))
        if decision:
            assert decision == Decision(
                save=(SaveRequest(decision.save[0].path, callback.save_weights_only),)
            )
            epochs.append(epoch + 1)
    return epochs


def test_a_file_after_every_epoch(tmp_path):
    """File names contain the epoch and the logged numbers, formatted by Python."""
    _, log = fit(
        ModelCheckpoint(tmp_path / "deep" / "{epoch:04d}-{val_loss:.2f}-{accuracy:.1f}.glassnet")
    )
    numbers = zip(log.history["val_loss"], log.history["accuracy"], strict=True)
    names = [
        f"{epoch:04d}-{loss:.2f}-{accuracy:.1f}.glassnet"
        for epoch, (loss, accuracy) in enumerate(numbers, 1)
    ]
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == names


def test_a_file_trains_on_as_the_fit_does(tmp_path):
    """The file contains the noise, the optimizer's state and the rate of the next epoch."""

    def callbacks():
        return [
            ReduceLROnPlateau("loss", patience=0, min_delta=9.0, factor=0.5),
            ModelCheckpoint(tmp_path / "{epoch}.glassnet"),
        ]

    whole, log = fit(callbacks(), 4)
    for epoch in (1, 2, 3):
        model = gn.load(tmp_path / f"{epoch}.glassnet")
        assert model.epoch == epoch
        assert model.history.history["loss"] == log.history["loss"][:epoch]
        rest = fit_noisy(
            model,
            4 - epoch,
            callbacks=ReduceLROnPlateau("loss", patience=0, min_delta=9.0, factor=0.5)
            if epoch == 1
            else (),
        )
        if epoch == 3:
            assert rest.history["loss"] == log.history["loss"][3:]
            assert same_bits(model, whole)
    last = gn.load(tmp_path / "4.glassnet")
    assert same_bits(last, whole)


def test_weights_are_those_of_the_epoch_not_the_best(tmp_path):
    """The last file has the weights of its epoch, even if the run restores earlier weights."""
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: Decision(keep_weights=epoch == 0))
    model, _ = fit([keep, ModelCheckpoint(tmp_path / "{epoch}.glassnet")])
    assert same_bits(gn.load(tmp_path / "1.glassnet"), model)
    assert not same_bits(gn.load(tmp_path / "3.glassnet"), model)
    assert same_bits(gn.load(tmp_path / "3.glassnet"), fit(())[0])


def test_best_alone(tmp_path):
    """One file, of the epoch with the lowest validation loss."""
    _, log = fit(ModelCheckpoint(tmp_path / "best.glassnet", save_best_only=True), 6)
    best = gn.load(tmp_path / "best.glassnet")
    assert best.epoch == int(np.argmin(log.history["val_loss"])) + 1
    straight, _ = fit((), best.epoch)
    assert as_it_was(best)[0] == as_it_was(straight)[0]


VALUES = [3.0, 4.0, 2.0, math.nan, 2.0, math.inf, -math.inf, 1.0]


@pytest.mark.parametrize(
    ("options", "monitor", "epochs"),
    [
        ({}, "val_loss", [1, 3, 8]),
        ({"mode": "max"}, "val_loss", [1, 2]),
        ({}, "val_accuracy", [1, 2]),
        ({"mode": "min"}, "val_accuracy", [1, 3, 8]),
        ({"initial_value_threshold": 2.5}, "val_loss", [3, 8]),
        ({"initial_value_threshold": 3.5}, "val_accuracy", [2]),
        ({"initial_value_threshold": 0}, "val_loss", []),
    ],
)
def test_better_than_ever_before(options, monitor, epochs):
    """Oracle: by hand. 3, 4, 2, then nan, 2 again, both infinities and 1."""
    callback = ModelCheckpoint("{epoch}", monitor, save_best_only=True, **options)
    assert written(callback, VALUES, monitor) == epochs


@pytest.mark.parametrize(
    "values", [[3.0, 4.0, 2.0, 2.0, 1.0, 5.0], [1.0, 2.0, 3.0], [1.0, 1.0, 0.5]]
)
@pytest.mark.parametrize(
    ("monitor", "mode"), [("val_loss", "min"), ("val_accuracy", "max"), ("loss", "auto")]
)
@pytest.mark.parametrize("first", [None, 2.5])
def test_keras_saves_after_the_same_epochs(recorded, values, monitor, mode, first):
    def live(theirs, values, monitor, mode, first):
        saved = []
        callback = theirs.callbacks.ModelCheckpoint(
            "x.keras", monitor, save_best_only=True, mode=mode, initial_value_threshold=first
        )
        model = theirs.Sequential([theirs.layers.Input((1,)), theirs.layers.Dense(1)])
        model.compile(loss="mse", metrics=["accuracy"])
        callback.set_model(model)
        should_save = callback._should_save_model
        callback._save_model = lambda epoch, batch, logs: (
            saved.append(epoch + 1) if should_save(epoch, batch, logs, "x") else 0
        )
        for epoch, value in enumerate(values):
            callback.on_epoch_end(epoch, {"loss": 1.0, monitor: value})
        return saved

    ours = ModelCheckpoint(
        "x", monitor, save_best_only=True, mode=mode, initial_value_threshold=first
    )
    memory, epochs = ours.init(), []
    for epoch, value in enumerate(values):
        memory, decision = ours.update(memory, record(epoch, **{"loss": 1.0, monitor: value}))
        epochs += [epoch + 1] * bool(decision)
    assert epochs == recorded(live, values, monitor, mode, first)


def test_weights_alone(tmp_path):
    """The same bytes as `save_weights`, for a model that `save` rejects."""
    model = gn.Sequential([Dense(3)], seed=0)
    model.compile("sgd", lambda y, out: ((y - out) ** 2).mean(-1))
    model.fit(
        X,
        X[:, :3],
        epochs=2,
        verbose=0,
        callbacks=ModelCheckpoint(tmp_path / "{epoch}.safetensors", save_weights_only=True),
    )
    model.save_weights(tmp_path / "mine.safetensors")
    assert (tmp_path / "2.safetensors").read_bytes() == (tmp_path / "mine.safetensors").read_bytes()
    assert (tmp_path / "1.safetensors").read_bytes() != (tmp_path / "mine.safetensors").read_bytes()


def test_a_model_that_cannot_be_saved_is_refused_before_training(tmp_path):
    model = gn.Sequential([Dense(3)], seed=0)
    model.compile("sgd", lambda y, out: ((y - out) ** 2).mean(-1))
    with pytest.raises(ModelFileError, match="expected something that can be saved"):
        model.fit(X, X[:, :3], verbose=0, callbacks=ModelCheckpoint(tmp_path / "x"))
    assert model.epoch == 0


def test_the_file_of_the_last_epoch_is_the_model(tmp_path):
    model, _ = fit(
        [
            LearningRateScheduler(lambda epoch: 0.02 / (epoch + 1)),
            ModelCheckpoint(tmp_path / "x.glassnet"),
        ]
    )
    assert as_it_was(gn.load(tmp_path / "x.glassnet")) == as_it_was(model)


def test_a_run_that_stops_early_saves_its_last_epoch(tmp_path):
    _, log = fit(
        [EarlyStopping("loss", min_delta=9.0, patience=1), ModelCheckpoint(tmp_path / "{epoch}")], 9
    )
    assert (
        sorted(path.name for path in tmp_path.iterdir())
        == [str(epoch + 1) for epoch in log.epoch]
        == ["1", "2"]
    )


def test_the_face_of_keras(tmp_path):
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", SPARSE)
    saver = keras.callbacks.ModelCheckpoint(
        filepath=str(tmp_path / "{epoch:02d}.glassnet"), monitor="loss", save_freq="epoch"
    )
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[saver])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01.glassnet", "02.glassnet"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"filepath": 3}, "ModelCheckpoint: expected filepath to be a path"),
        (
            {"filepath": "x", "save_best_only": 1},
            "ModelCheckpoint: expected True or False. Received: save_best_only=1",
        ),
        (
            {"filepath": "x", "save_weights_only": None},
            "ModelCheckpoint: expected True or False. .*save_weights_only=None",
        ),
        ({"filepath": "x", "mode": "best"}, "ModelCheckpoint: "),
        (
            {"filepath": "x", "initial_value_threshold": math.nan},
            "expected initial_value_threshold to be a number or None",
        ),
    ],
)
def test_arguments_out_of_range(options, text):
    with pytest.raises(ConfigError, match=text):
        ModelCheckpoint(**options)


@pytest.mark.parametrize(
    ("pattern", "options", "text"),
    [
        (
            "{epoch:04d}-{val_los:.2f}",
            {},
            "ModelCheckpoint: filepath: expected one of epoch, loss, accuracy, .* Did you mean 'val_loss'",
        ),
        ("{}", {}, "ModelCheckpoint: expected a filepath like runs/"),
        ("{epoch", {}, "expected a filepath like .* Write {{ for a literal brace"),
        ("{epoch:q}", {}, "expected a filepath like"),
        ("{epoch.real}", {}, "ModelCheckpoint: filepath: expected one of epoch"),
        ("x", {"save_best_only": True, "monitor": "val_los"}, "ModelCheckpoint: .*'val_loss'"),
    ],
)
def test_patterns_that_cannot_be_filled_are_refused_before_training(
    pattern, options, text, tmp_path
):
    model = noisy_model()
    with pytest.raises(ConfigError, match=text):
        fit(ModelCheckpoint(str(tmp_path / pattern), **options), model=model)
    assert model.epoch == 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ConfigError, match=r"ModelCheckpoint: expected a file that can be written. .* Cause: "
    ):
        fit(ModelCheckpoint(tmp_path / "file" / "x.glassnet"))
    with pytest.raises(ModelFileError, match="save: expected a file that can be written"):
        fit(ModelCheckpoint(tmp_path / "none-{epoch}" / "x.glassnet"))


def test_braces_that_stand_as_they_are(tmp_path):
    fit(ModelCheckpoint(str(tmp_path / "{{a}}{epoch}")), 1)
    assert [path.name for path in tmp_path.iterdir()] == ["{a}1"]
