"""Training that changes and ends between single steps. Oracle: shorter fits, and gradient descent
written out in NumPy.
"""

import doctest
import importlib

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import StepScheduler
from glassnet.engine.train_step import make_plan
from glassnet.errors import ConfigError
from glassnet.layers import Dense
from glassnet.optimizers import SGD

X, Y = np.linspace(-1, 1, 12, dtype=np.float32), np.linspace(1, 3, 12, dtype=np.float32)


def train(callback=(), epochs=3, rate=0.1, **options):
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(SGD(rate), "mean_squared_error")
    model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, callbacks=callback, **options)
    return model


def descend(rates, batches):
    """Return w and b of a line after a step of gradient descent for each rate, in NumPy."""
    w, b = (float(each.item()) for each in train(epochs=0).get_weights())
    for rate, rows in zip(rates, batches, strict=True):
        x, error = X[rows], w * X[rows] + b - Y[rows]
        w, b = w - rate * 2 * np.mean(error * x), b - rate * 2 * np.mean(error)
    return [w, b]


def take_batches(n):
    """Return the rows of the first n batches of 4, in the order of the engine."""
    plans = [make_plan(12, 4, seed=0, epoch=epoch).indices for epoch in range(3)]
    return np.concatenate([np.asarray(plan) for plan in plans])[:n]


def test_example():
    module = importlib.import_module("glassnet.callbacks.step_scheduler")
    assert doctest.testmod(module).failed == 0


def test_training_ends_after_a_step_of_an_epoch():
    """Oracle: seven steps in NumPy; each epoch has three."""
    model = train(StepScheduler(stop_after=7))
    got = [each.item() for each in model.get_weights()]
    np.testing.assert_allclose(got, descend([0.1] * 7, take_batches(7)), rtol=1e-5)
    assert model.history.stopped == "epoch 3, step 1 of 3: 7 steps are done"
    assert model.epoch == 2


def test_an_end_at_the_end_of_an_epoch_is_that_epoch():
    """Oracle: a fit of so many epochs, bit for bit."""
    model, same = train(StepScheduler(stop_after=6)), train(epochs=2)
    assert [a.tobytes() for a in model.get_weights()] == [a.tobytes() for a in same.get_weights()]
    assert model.epoch == 2


def test_rates_change_between_steps_and_stay():
    """Oracle: steps in NumPy with the rates 0.1, 0.1, 0.5, 0.02; the next fit uses 0.02, too."""
    model = train(StepScheduler({2: 0.5, 3: 0.02}, stop_after=4))
    got = [each.item() for each in model.get_weights()]
    expected = descend([0.1, 0.1, 0.5, 0.02], take_batches(4))
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert model.learning_rate == pytest.approx(0.02)
    model = train(StepScheduler({2: 0.5}), epochs=1)
    assert model.learning_rate == pytest.approx(0.5)


def test_each_fit_counts_its_own_steps():
    scheduler = StepScheduler(stop_after=3)
    model = train(scheduler)
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=scheduler)
    assert model.epoch == 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"learning_rates": {1.5: 0.1}},
            r"learning_rates to be numbers > 0 by the number of steps before, \{100: 0.01\}. "
            r"Received: learning_rates=\{1.5: 0.1\}",
        ),
        ({"learning_rates": {1: 0.0}}, r"Received: learning_rates=\{1: 0.0\}"),
        ({"learning_rates": [0.1]}, r"Received: learning_rates=\[0.1\]"),
        ({"stop_after": 0}, "stop_after to be an int >= 1 or None. Received: stop_after=0"),
    ],
)
def test_wrong_arguments(arguments, text):
    with pytest.raises(ConfigError, match=text):
        StepScheduler(**arguments)
