"""The history of a run that diverged: the bad loss is its last entry, so it can be plotted.

Oracle: by hand, and Keras, whose history has the bad value too.
"""

import math

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import CSVLogger, EarlyStopping
from glassnet.errors import TrainingWarning
from glassnet.initializers import Constant
from glassnet.layers import Dense
from glassnet.optimizers import SGD

pytestmark = pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")

X, Y = np.ones((8, 2)), np.ones((8, 1))


def diverged(start=1e30, rate=0.01, metrics=(), **options):
    """Fit a network whose first loss is infinite, or whose weights grow by a factor each step."""
    model = gn.Sequential([Dense(1, kernel_initializer=Constant(start))], seed=0)
    model.compile(SGD(rate), "mse", list(metrics))
    return model, model.fit(X, Y, verbose=0, **{"epochs": 3} | options)


def test_the_first_loss_is_infinite():
    """(2e30)^2 is beyond 3.4e38."""
    model, history = diverged(metrics=["mae"], validation_data=(X, Y))
    assert history.history.keys() == {"loss", "mae", "val_loss", "val_mae"}
    assert history.history["loss"] == [math.inf]
    assert all(math.isnan(history.history[name][0]) for name in ("mae", "val_loss", "val_mae"))
    assert (history.epoch, history.steps, model.epoch) == ([0], 0, 0)
    assert len(history.seconds) == 1
    assert not history.has_finite_loss()
    assert history.best_epoch() is None


def test_a_later_epoch_diverges():
    """Each step multiplies the weights by about -199 (rate 50, two inputs of 1)."""
    _, history = diverged(1.0, 50.0, epochs=50)
    losses = history.history["loss"]
    assert 2 < len(losses) < 50
    assert np.isfinite(losses[:-1]).all()
    assert not math.isfinite(losses[-1])
    assert history.epoch == list(range(len(losses)))
    assert history.has_finite_loss()
    assert history.best_epoch() == int(np.argmin(losses[:-1]))


def test_finite_losses_of_an_interrupted_or_empty_run():
    assert gn.training.history.History(seed=0).has_finite_loss()
    _, history = diverged(1.0, epochs=0)
    assert history.has_finite_loss()
    assert (history.history, history.epoch) == ({}, [])


@pytest.mark.parametrize("start", [1e30, 1.0])
def test_the_history_is_shown_in_every_form(start):
    _, history = diverged(start, 50.0, epochs=50, validation_data=(X, Y))
    assert history.plot().axes
    frame = history.to_frame()
    assert len(frame) == len(history.epoch)
    assert not math.isfinite(frame["loss"].iloc[-1])
    assert "stopped: epoch" in repr(history)


def test_the_bad_loss_is_in_the_model_file_and_the_checkpoint(tmp_path):
    """JSON has no infinities; the files hold them all the same."""
    model, history = diverged(resume=tmp_path / "run")
    model.save(tmp_path / "m")
    loaded = gn.load(tmp_path / "m")
    assert loaded.history.history == history.history == {"loss": [math.inf]}
    again, resumed = diverged(resume=tmp_path / "run")
    assert resumed.history == {"loss": [math.inf]}
    assert not resumed.has_finite_loss()
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_callbacks_see_complete_epochs_only(tmp_path):
    callbacks = [CSVLogger(tmp_path / "log.csv"), EarlyStopping("loss", patience=50)]
    _, history = diverged(1.0, 50.0, epochs=50, callbacks=callbacks)
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == len(history.epoch)  # a header, and no row for the last epoch
    assert "inf" not in rows[-1]


def test_keras_has_the_bad_loss_in_its_history_too():
    """As in Keras's own test of TerminateOnNaN: one entry."""
    keras = gn.keras
    constant = keras.initializers.Constant(1e30)
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, kernel_initializer=constant)]
    )
    model.compile("sgd", "mse")
    callbacks = [
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.LearningRateScheduler(lambda e: 0.1),
    ]
    with pytest.warns(TrainingWarning):
        history = model.fit(X, Y, epochs=3, verbose=0, callbacks=callbacks)
    assert len(history.history["loss"]) == 1
    assert not math.isfinite(history.history["loss"][0])
    assert len(history.history["learning_rate"]) == 1
