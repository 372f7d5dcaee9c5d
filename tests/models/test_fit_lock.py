"""One fit of a model at a time: no other fit and no other change is lost.

The oracle of a refusal is the message. The oracle of a result is the same model without threads,
byte for byte.
"""

import copy
import pickle
import threading
from functools import partial

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.callbacks import LambdaCallback
from glassnet.errors import ConfigError, DataError
from glassnet.estimators import NeuralRegressor
from glassnet.layers import BatchNormalization, Dense, Input

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
Y = X.sum(1)


def new_model(seed=0):
    model = gn.Sequential([Input(4), Dense(4), BatchNormalization(), Dense(1)], seed=seed)
    model.compile("adam", "mse")
    return model


def new_keras_model():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


def bits(model):
    return [weight.tobytes() for weight in model.get_weights()]


class Pause(gn.callbacks.Callback):
    """Callback that waits after the first epoch until the test goes on."""

    def __init__(self):
        self.reached, self.go_on = threading.Event(), threading.Event()

    def on_epoch_end(self, epoch, logs):
        self.reached.set()
        assert self.go_on.wait(60)


class PausedFit:
    """Context in which a model is in the middle of a fit of two epochs, in another thread.

    Attributes:
        errors: what the fit has raised.
    """

    def __init__(self, model, fit=None):
        self.pause, self.errors = Pause(), []
        self._fit = fit or partial(
            model.fit, X, Y, epochs=2, verbose=0, callbacks=self.pause, batch_size=8
        )

    def _run(self):
        try:
            self._fit()
        except BaseException as error:
            self.errors.append(error)

    def __enter__(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self.pause.reached.wait(60)
        return self

    def __exit__(self, *_):
        self.pause.go_on.set()
        self._thread.join(60)
        assert self.errors == []


CHANGES = {
    "fit": (lambda model, path: model.fit(X, Y, verbose=0), "fit: expected no other fit"),
    "compile": (lambda model, path: model.compile("sgd", "mse"), "compile: expected no change"),
    "add": (lambda model, path: model.add(Dense(1)), "add: expected"),
    "set_weights": (
        lambda model, path: model.set_weights([0 * weight for weight in model.get_weights()]),
        "set_weights: expected no change of the model during a fit",
    ),
    "layer": (
        lambda model, path: model.layers[0].set_weights(model.layers[0].get_weights()),
        "set_weights: expected no change",
    ),
    "load_weights": (lambda model, path: model.load_weights(path), "load_weights: expected no"),
    "reset": (lambda model, path: model.reset(), "reset: expected no change"),
    "learning_rate": (
        lambda model, path: setattr(model, "learning_rate", 0.5),
        r"learning_rate: expected no change of the model during a fit: return Decision",
    ),
}


@pytest.mark.parametrize(("change", "text"), CHANGES.values(), ids=CHANGES)
def test_a_change_during_a_fit_is_refused_and_the_fit_ends_as_without_it(tmp_path, change, text):
    alone, model = new_model(), new_model()
    alone.fit(X, Y, epochs=2, verbose=0, batch_size=8)
    alone.save_weights(tmp_path / "w.safetensors")
    with PausedFit(model), pytest.raises(ConfigError, match=text):
        change(model, tmp_path / "w.safetensors")
    assert model.epoch == 2
    assert bits(model) == bits(alone)
    if change is not CHANGES["add"][0]:  # A model with weights takes no further layers.
        change(model, tmp_path / "w.safetensors")


@pytest.mark.parametrize(("change", "text"), CHANGES.values(), ids=CHANGES)
def test_a_callback_that_changes_the_model_is_refused(tmp_path, change, text):
    model = new_model()
    model.save_weights(tmp_path / "w.safetensors")
    callback = LambdaCallback(lambda epoch, logs: change(model, tmp_path / "w.safetensors"))
    with pytest.raises(ConfigError, match=text):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=callback)
    model.fit(X, Y, verbose=0)


def test_the_message_says_what_to_do():
    with PausedFit(model := new_model()), pytest.raises(ConfigError) as caught:
        model.fit(X, Y, verbose=0)
    assert str(caught.value) == (
        "fit: expected no other fit of this model to be running. Wait until it has ended. To train "
        "two models at once, train a copy: copy.deepcopy(model)."
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, DataError])
def test_the_lock_is_released_after_an_error(error):
    def fail(epoch, logs):
        raise error("on purpose")

    model = new_model()
    with pytest.raises(error, match="on purpose"):
        model.fit(X, Y, verbose=0, callbacks=LambdaCallback(fail))
    with pytest.raises(DataError):
        model.fit(X, Y[:3], verbose=0)
    model.fit(X, Y, verbose=0)
    model.compile("sgd", "mse")


def test_a_callback_may_change_the_model_after_the_last_epoch():
    model = new_model()
    zeros = [0 * weight for weight in model.get_weights()]
    callback = LambdaCallback(on_train_end=lambda logs: model.set_weights(zeros))
    model.fit(X, Y, verbose=0, callbacks=callback)
    assert all((weight == 0).all() for weight in model.get_weights())


COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("make", [new_model, new_keras_model], ids=["glassnet", "keras"])
@pytest.mark.parametrize("way", COPIES)
def test_a_copy_made_during_a_fit_can_be_trained_meanwhile(way, make):
    """Oracle: the model after one epoch, trained for another one."""
    model, alone = make(), make()
    alone.fit(X, Y, verbose=0, batch_size=8)
    after_one = bits(alone)
    alone.fit(X, Y, verbose=0, batch_size=8)
    with PausedFit(model):
        twin = COPIES[way](model)
        assert bits(twin) == after_one
        twin.fit(X, Y, verbose=0, batch_size=8)
        assert bits(twin) == bits(alone)
    assert bits(model) == bits(alone)


def test_predictions_and_files_during_a_fit_are_those_of_the_last_epoch(tmp_path):
    alone, model = new_model(), new_model()
    alone.fit(X, Y, verbose=0, batch_size=8)
    with PausedFit(model):
        np.testing.assert_array_equal(model.predict(X), alone.predict(X))
        assert model.evaluate(X, Y) == alone.evaluate(X, Y)
        traces = [one.trace(X[:2], Y[:2]).output for one in (model, alone)]
        np.testing.assert_array_equal(*traces)
        model.save(tmp_path / "m.glassnet")
        assert bits(gn.load(tmp_path / "m.glassnet")) == bits(alone)
    alone.fit(X, Y, verbose=0, batch_size=8)
    assert bits(model) == bits(alone)


def test_all_rows_of_one_prediction_use_the_same_weights():
    """A prediction of two batches, between which an epoch ends. Oracle: the model before it."""
    model, expected = new_model(), new_model().predict(X)

    def batches():
        yield X[:20]
        model.fit(X, Y, verbose=0)
        yield X[20:]

    np.testing.assert_allclose(model.predict(batches()), expected, rtol=1e-6)
    assert not np.allclose(model.predict(X), expected)


def test_reading_threads_undo_no_epoch():
    """Predictions put weights on the device, and must not write old ones back.

    Oracle: the same fit alone, byte for byte.
    """
    alone, model, stop = new_model(), new_model(), threading.Event()
    alone.fit(X, Y, epochs=30, verbose=0)

    def read():
        while not stop.is_set():
            model.predict(X)
            model.get_weights()
            model.set_build_hook(None)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    model.fit(X, Y, epochs=30, verbose=0)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert bits(model) == bits(alone)


def test_weights_read_by_a_prediction_are_not_written_over_newer_ones(monkeypatch):
    """The epoch ends while a prediction puts the old weights on the device."""
    from glassnet.models import sequential

    model, original = new_model(), sequential.to_device
    started, ended = threading.Event(), threading.Event()

    def slow_to_device(tree):
        result = original(tree)
        started.set()
        ended.wait(0.3)  # Without the lock, the change below comes in here.
        return result

    monkeypatch.setattr(sequential, "to_device", slow_to_device)
    thread = threading.Thread(target=model.predict, args=(X,))
    thread.start()
    assert started.wait(60)
    ones = [np.ones_like(weight) for weight in model.get_weights()]
    model.set_weights(ones)
    ended.set()
    thread.join(60)
    assert all((weight == 1).all() for weight in model.get_weights())


# Keras's interface and the estimators


def test_a_second_fit_of_a_keras_model_is_refused_and_spoils_nothing():
    model, alone = new_keras_model(), new_keras_model()
    alone.fit(X, Y, epochs=2, verbose=0, batch_size=8)
    zeros = [0 * weight for weight in model.get_weights()]
    with PausedFit(model):
        for text, change in {
            "fit: expected no other": lambda: model.fit(X, Y, verbose=0),
            "set_weights: expected no change": lambda: model.set_weights(zeros),
            "set_weights: expected no": lambda: model.layers[0].set_weights(zeros),
            "compile: expected no change": lambda: model.compile("sgd", "mse"),
            "reset: expected no change": model.reset,
        }.items():
            with pytest.raises(ConfigError, match=text):
                change()
    assert bits(model) == bits(alone)


@pytest.mark.parametrize("method", ["fit", "compile"])
def test_a_keras_callback_that_fits_or_compiles_is_refused(method):
    class Meddling(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            calls = {"fit": lambda: self.model.fit(X, Y), "compile": self.model.compile}
            calls[method]()

    model = new_keras_model()
    with pytest.raises(ConfigError, match=f"{method}: expected no"):
        model.fit(X, Y, verbose=0, callbacks=[Meddling()])
    model.fit(X, Y, verbose=0)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_fits_of_one_estimator_at_once_are_refused(monkeypatch):
    """Oracle: the same estimator, fitted alone."""
    estimator, alone = (NeuralRegressor((4,), max_iter=2, random_state=0) for _ in range(2))
    alone.fit(X, Y)
    pause = Pause()
    original = gn.Sequential.fit

    def slow_fit(self, *args, callbacks=(), **options):
        stopping = [callbacks] if callbacks else []
        return original(self, *args, callbacks=[*stopping, pause], **options)

    monkeypatch.setattr(gn.Sequential, "fit", slow_fit)
    paused = PausedFit(None, lambda: estimator.fit(X, Y))
    paused.pause = pause
    with paused:
        with pytest.raises(ConfigError, match="NeuralRegressor: expected no other fit"):
            estimator.fit(X, Y)
        with pytest.raises(ConfigError, match="NeuralRegressor: expected no other fit"):
            estimator.partial_fit(X, Y)
        twin = copy.deepcopy(estimator)
    monkeypatch.undo()
    assert bits(estimator.model_) == bits(alone.model_)
    estimator.fit(X, Y)
    twin.fit(X, Y)
    assert bits(twin.model_) == bits(alone.model_)
