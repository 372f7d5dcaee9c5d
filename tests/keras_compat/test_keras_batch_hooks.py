"""Hooks around batches. Oracle: Keras, from the same weights, with the same batches."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from glassnet import keras
from glassnet.keras.callbacks import warn_about_batch_hooks
from oracles import LOOSE, close, import_keras

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:A callback has hooks around batches"),
]
RNG = np.random.default_rng(11)
X = RNG.normal(size=(10, 2)).astype(np.float32)
Y = RNG.normal(size=(10, 1)).astype(np.float32)
START = [np.array([[0.5], [-0.25]], np.float32), np.zeros(1, np.float32)]


def line(k, rate=0.1):
    model = k.Sequential([k.layers.Input((2,)), k.layers.Dense(1)])
    model.compile(k.optimizers.SGD(rate), "mse", metrics=["mae"])
    model.set_weights(START)
    return model


def range_test(k):
    """Return a callback that multiplies the rate after each batch, and records."""

    class RangeTest(k.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.rows = []

        def on_train_batch_end(self, batch, logs=None):
            rate = float(self.model.optimizer.learning_rate.numpy())
            self.rows.append([batch, logs["loss"], logs["mae"], rate])
            self.model.optimizer.learning_rate = 1.3 * rate

    return RangeTest()


def triangle(k):
    """Return a callback that sets the rate before each batch, by Keras 2's names of hooks."""

    class Triangle(k.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.rows, self.step = [], 0

        def on_batch_begin(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.02 + 0.01 * abs(4 - self.step)
            self.step += 1

        def on_batch_end(self, batch, logs=None):
            self.rows.append([batch, logs["loss"], float(self.model.optimizer.learning_rate.numpy())])  # fmt: skip

    return Triangle()


@pytest.mark.live_keras
@pytest.mark.parametrize("make", [range_test, triangle])
def test_rates_set_around_batches_train_as_in_keras(make):
    """Batches of 4, 4 and 2 rows, over three epochs."""
    results = []
    for k in (import_keras(), keras):
        model, callback = line(k), make(k)
        history = model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0, callbacks=[callback])  # fmt: skip
        results.append([callback.rows, history.history["loss"], *model.get_weights()])
        results[-1].append(float(model.optimizer.learning_rate.numpy()))
    for theirs, ours in zip(*results, strict=True):
        close(ours, theirs, LOOSE)
    assert len(callback.rows) == 9
    assert {"epochs": 3, "steps": 3}.items() <= callback.params.items()


def test_training_with_hooks_that_change_nothing_has_the_same_bits():
    """Oracle: the fit without a callback."""
    models = [line(keras), line(keras)]
    seen = []
    hook = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    for model, callbacks in zip(models, (None, [hook]), strict=True):
        model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
    assert seen == [0, 1, 2] * 2
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        assert np.array_equal(one, other)


def test_stop_training_ends_the_fit_at_the_batch():
    def stop(batch, logs):
        if batch == 1:
            model.stop_training = True

    model = line(keras)
    hook = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    history = model.fit(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[hook])
    assert "step 2 of 3: stop_training was set" in history.stopped


def test_a_loss_that_is_not_finite_is_found_at_its_batch():
    """The rate of the third batch is so large that the fourth has an infinite loss."""

    class Explode(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.optimizer.learning_rate = 1e30 if batch == 2 else 0.1

    model = line(keras)
    with pytest.warns(UserWarning, match=r"Training stopped in epoch 1, step 4 of 5"):
        model.fit(X, Y, batch_size=2, epochs=1, shuffle=False, verbose=0, callbacks=[Explode()])
    assert np.isfinite(model.get_weights()[0]).all()


def test_a_warning_says_once_that_it_takes_longer():
    warn_about_batch_hooks.cache_clear()
    hook = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: None)
    with pytest.warns(UserWarning, match="so fit runs one step at a time"):
        line(keras).fit(X, Y, verbose=0, callbacks=[hook])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        line(keras).fit(X, Y, verbose=0, callbacks=[hook])


def test_checkpoints_after_batches_are_rounded_to_epochs(tmp_path):
    """Three batches each epoch: six batches are two epochs."""
    path = tmp_path / "cp-{epoch:02d}.weights.h5"
    with pytest.warns(UserWarning, match="save_freq=6 is rounded to whole epochs"):
        checkpoint = keras.callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=6)
    line(keras).fit(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[checkpoint])
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "cp-02.weights.h5",
        "cp-04.weights.h5",
    ]


def test_tensorboard_says_what_it_does_not_write(tmp_path):
    pytest.importorskip("tensorboardX")
    with pytest.warns(UserWarning, match=r"TensorBoard: histogram_freq, profile_batch: only"):
        callback = keras.callbacks.TensorBoard(
            str(tmp_path), histogram_freq=1, profile_batch=(1, 3)
        )
    assert callback.log_dir == str(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras.callbacks.TensorBoard(str(tmp_path), histogram_freq=0, update_freq="epoch")
