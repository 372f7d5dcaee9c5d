"""Callbacks that stop training: when they stop it, and which weights they restore."""

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import EarlyStopping, Record, StopWhen, TerminateOnNaN
from glassnet.errors import ConfigError
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD, Adam
from nets import X, Y, fit_noisy, line_model, noisy_model, plain_model, same_bits

CURVES = {
    "falls": [5, 4, 3, 2, 1, 0.5],
    "turns": [5, 4, 3, 3.5, 3.2, 3.1, 3.3, 2.9, 3.0, 3.1],
    "flat": [1, 1, 1, 1, 1],
    "jumps": [3, 1, 2, 0.99, 2, 2, 0.5, 2, 2, 2],
    "rises": [1, 2, 3, 4],
    "creeps": [1, 1.1, 1.2, 1.3, 1.4, 1.5],
}


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize(
    "options", [{}, {"patience": 2}, {"patience": 3, "min_delta": 0.2}, {"patience": 1, "start_from_epoch": 2},
                {"patience": 2, "baseline": 2.5}, {"patience": 2, "mode": "max"}, {"patience": 2, "mode": "max", "min_delta": 0.25}],
    ids=lambda options: "-".join(f"{k}={v}" for k, v in options.items()) or "defaults",
)  # fmt: skip
def test_early_stopping_stops_where_keras_does(recorded, curve, options):
    """Oracle: Keras's callback on the same curve: the epoch of the stop and of the best weights."""

    class Stub:
        stop_training = False

        def get_weights(self):
            return []

        def set_weights(self, weights):
            pass

    def live(keras, curve, options):
        """Return whether training stops after each epoch, and the callback's final attributes."""
        theirs, stops = keras.callbacks.EarlyStopping(restore_best_weights=True, **options), []
        theirs.set_model(Stub())
        theirs.on_train_begin()
        for epoch, value in enumerate(curve):
            theirs.on_epoch_end(epoch, {"val_loss": value})
            stops.append(theirs.model.stop_training)
            if stops[-1]:
                break
        return {
            "stops": stops,
            "stopped": theirs.stopped_epoch or None,
            "kept": theirs.best_epoch if theirs.best_weights is not None else None,
        }

    theirs = recorded(live, curve, options)
    ours = EarlyStopping(**options)
    memory, best, stopped = ours.init(), None, None
    for epoch, value in enumerate(curve):
        memory, answer = ours.update(memory, Record(epoch, {"val_loss": value}, 0.0, None, None))
        best = epoch if answer and answer.keep_weights else best
        stopped = epoch if answer and answer.stop else None
        assert (stopped is not None) == theirs["stops"][epoch]
        if stopped is not None:
            break
    assert stopped == theirs["stopped"]
    assert best == theirs["kept"]


def overfitting():
    """Random labels and a fast optimizer, so val_loss rises after a few epochs."""
    model = plain_model(Adam(0.1))
    return model, {"x": X, "y": Y, "validation_split": 0.3, "batch_size": 8, "verbose": 0}


def test_early_stopping_restores_the_best_weights():
    """Oracle: the weights equal, bit for bit, those of a run up to the best epoch."""
    model, options = overfitting()
    log = model.fit(epochs=40, callbacks=[EarlyStopping(patience=4)], **options)
    best = int(np.argmin(log.history["val_loss"]))
    assert len(log.epoch) == best + 5 < 40
    assert log.stopped == (
        f"val_loss has not improved for 4 epochs: the best was {min(log.history['val_loss']):.4g} at epoch {best + 1}, "
        "and its weights are restored"
    )
    short, options = overfitting()
    short.fit(epochs=best + 1, **options)
    assert same_bits(model, short)
    unrestored, options = overfitting()
    log = unrestored.fit(
        epochs=40, callbacks=[EarlyStopping(patience=4, restore_best_weights=False)], **options
    )
    assert log.stopped.endswith(f" at epoch {best + 1}")
    assert not same_bits(model, unrestored)


def test_best_weights_come_back_at_the_last_epoch_too(capsys):
    """Oracle: the weights of a shorter run. The last line says so if they are of an earlier one."""
    model, options = overfitting()
    options["verbose"] = 2
    log = model.fit(epochs=30, callbacks=EarlyStopping(patience=100), **options)
    lines = capsys.readouterr().out.splitlines()
    assert "the best weights are restored: those of an earlier epoch" in lines
    best = int(np.argmin(log.history["val_loss"]))
    assert best < 29
    assert log.stopped is None
    short, options = overfitting()
    options["verbose"] = 2
    short.fit(epochs=best + 1, callbacks=EarlyStopping(patience=100), **options)
    assert same_bits(model, short)
    assert "restored" not in capsys.readouterr().out


def test_early_stopping_on_accuracy_goes_up():
    model = noisy_model()
    log = fit_noisy(model, 30, callbacks=[EarlyStopping("accuracy", patience=2)])
    best = int(np.argmax(log.history["accuracy"]))
    assert len(log.epoch) in (30, best + 3)
    assert "accuracy has not improved" in log.stopped


def test_a_value_that_is_no_number_is_never_the_best():
    """Oracle: by hand. nan, 3, 2, nan, nan with patience 2: the third is best, the fifth stops."""
    stopping, memory, answers = EarlyStopping("loss", patience=2), None, []
    memory = stopping.init()
    for epoch, loss in enumerate([np.nan, 3.0, 2.0, np.nan, np.nan]):
        memory, answer = stopping.update(memory, Record(epoch, {"loss": loss}, 0.0, None, None))
        answers.append(answer)
    assert [answer is not None and answer.keep_weights for answer in answers] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert answers[-1].stop == (
        "loss has not improved for 2 epochs: the best was 2 at epoch 3, and its weights are restored"
    )


def test_stop_when_the_loss_is_small():
    """Lectures 002 and 003. Oracle: the first epoch with such a loss in a run without callbacks."""
    long = line_model(SGD(0.05)).fit([0.0, 1], [1.0, 3], epochs=200, verbose=0).history["loss"]
    log = line_model(SGD(0.05)).fit(
        [0.0, 1], [1.0, 3], epochs=200, callbacks=[StopWhen(loss_below=1e-3)], verbose=0
    )
    first = next(i for i, loss in enumerate(long) if loss < 1e-3)
    assert len(log.epoch) == first + 1 < 200
    assert re.fullmatch(r"the loss \d\.\d+(e-\d+)? is below 0\.001", log.stopped)


def test_stop_when_nothing_changes():
    """Oracle: NumPy.

    With one weight, x = 1, y = 0 and rate 0.25, w halves every epoch: 1, 1/2, 1/4, ... It changes
    by 1/2, 1/4, 1/8, 1/16, so the fourth epoch is the first with a change below 0.1.
    """
    model = gn.Sequential([Input(1), Dense(1, use_bias=False)])
    model.compile(SGD(0.25), "mse")
    model.set_weights([[[1.0]]])
    log = model.fit(
        [1.0], [0.0], epochs=50, callbacks=[StopWhen(weight_change_below=0.1)], verbose=0
    )
    assert len(log.epoch) == 4
    assert model.get_weights()[0].item() == 1 / 16
    assert log.stopped == "no weight changed by 0.1 over the epoch"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: EarlyStopping(patience=-1),
            r"EarlyStopping: expected patience to be an int >= 0\. Received: patience=-1",
        ),
        (
            lambda: EarlyStopping(start_from_epoch=1.5),
            r"expected start_from_epoch to be an int >= 0\. Received: start_from_epoch=1\.5",
        ),
        (
            lambda: EarlyStopping(min_delta=-0.1),
            r"expected min_delta to be a number >= 0\. Received: min_delta=-0\.1",
        ),
        (
            lambda: EarlyStopping(mode="lowest"),
            r'expected mode to be "auto", "min" or "max"\. Received: mode=\'lowest\'',
        ),
        (
            lambda: EarlyStopping(baseline="0.3"),
            r"expected baseline to be a number or None\. Received: baseline='0\.3'",
        ),
        (lambda: EarlyStopping(monitor=3), r"expected monitor to be a name\. Received: monitor=3"),
        (
            lambda: StopWhen(),
            r"StopWhen: expected one or both limits as numbers > 0\. Received: loss_below=None, weight_change_below=None",
        ),
        (
            lambda: StopWhen(loss_below=0),
            r"StopWhen: expected one or both limits as numbers > 0\. Received: loss_below=0",
        ),
    ],
)
def test_callbacks_of_wrong_numbers(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


@pytest.mark.parametrize(
    "metric",
    [
        "accuracy",
        "recall",
        "precision",
        "f1_score",
        "r2_score",
        "mae",
        "root_mean_squared_error",
        "mse",
    ],
)
def test_the_better_way_of_a_metric_is_kerass(recorded, metric):
    """Oracle: the direction of Keras's metric of that name."""
    kinds = {
        "accuracy": "Accuracy",
        "mae": "MeanAbsoluteError",
        "mse": "MeanSquaredError",
        "f1_score": "F1Score",
        "r2_score": "R2Score",
    }
    kind = kinds.get(metric) or "".join(word.title() for word in metric.split("_"))
    direction = recorded(lambda keras, kind: getattr(keras.metrics, kind)()._direction, kind)
    stopping = EarlyStopping(f"val_{metric}", patience=1)
    memory = stopping.init()
    for value in (0.5, 0.6):
        memory, answer = stopping.update(
            memory, Record(0, {f"val_{metric}": value}, 0.0, None, None)
        )
    assert answer.keep_weights == (direction == "up")
    assert bool(answer.stop) == (direction == "down")


def test_a_monitor_of_unknown_direction_wants_a_mode():
    """Keras rejects it too."""
    stopping = EarlyStopping("surprise")
    with pytest.raises(
        ConfigError,
        match=r'expected a mode for this monitor\. Received: monitor=\'surprise\'\. Pass mode="min" if lower',
    ):
        stopping.on_train_begin(("loss", "surprise"))
    EarlyStopping("surprise", mode="max").on_train_begin(("loss", "surprise"))


@pytest.mark.parametrize(
    "logs", [{"loss": 1.0, "val_loss": np.nan}, {"loss": 1.0, "val_loss": np.inf}]
)
def test_terminate_on_nan_reads_every_number(logs):
    """By hand."""
    assert TerminateOnNaN().on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0}) is None
    assert TerminateOnNaN().on_epoch_end(0, logs).stop == f"val_loss is {logs['val_loss']}"


def test_terminate_on_nan_ends_a_fit_whose_validation_is_no_number():
    """Oracle: by hand. The square of the validation target 3e38 overflows float32."""
    model = line_model(SGD(0.01))
    validation_data = ([1.0], [3e38])
    assert (
        len(
            model.fit(
                [0.0, 1], [1.0, 3], epochs=3, validation_data=validation_data, verbose=0
            ).epoch
        )
        == 3
    )
    log = model.fit(
        [0.0, 1],
        [1.0, 3],
        epochs=3,
        validation_data=validation_data,
        verbose=0,
        callbacks=TerminateOnNaN(),
    )
    assert log.epoch == [3]
    assert log.stopped == "val_loss is inf"
