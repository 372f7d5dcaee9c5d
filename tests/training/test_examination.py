"""The examination of a fit never costs the fit: no warnings of NumPy, no errors.

Oracle: the same fit on other numbers or without the doctor, and NumPy in float64.
"""

import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import TrainingWarning
from glassnet.layers import Dense
from glassnet.losses import BinaryCrossentropy
from glassnet.training import examination

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype(np.float32)


def fit(y, activation="relu", loss="mse", **arguments):
    model = gn.Sequential([Dense(4, activation=activation), Dense(1)], seed=0)
    model.compile(gn.optimizers.SGD(0.1), loss)
    return model, model.fit(X, y, epochs=2, verbose=0, **arguments)


@pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")
def test_targets_whose_squares_are_beyond_float32():
    """Warnings are errors in these tests."""
    y = np.float32(1e20) * X[:, 0]
    _, history = fit(y, loss="mae")
    assert history.evidence.target.std == pytest.approx(y.astype(float).std())
    assert history.findings.alarms or history.findings.checked


@pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")
def test_outputs_that_are_not_numbers():
    """The root of a negative number is NaN; validation rows are judged too."""
    loss = BinaryCrossentropy(from_logits=True)
    _, history = fit(X[:, 0] > 0, jnp.sqrt, loss, validation_split=0.25)
    assert history.findings[0].rule == "not_finite"


def test_an_error_of_the_doctor_does_not_cost_the_fit(monkeypatch):
    model, _ = fit(X[:, 0])

    def fail(facts):
        raise MemoryError("no 3 GB are left")

    monkeypatch.setattr(examination, "examine_fit", fail)
    with pytest.warns(TrainingWarning, match=r"could not judge .*MemoryError: no 3 GB are left"):
        other, history = fit(X[:, 0])
    assert history.epoch == [0, 1]
    assert (history.evidence, list(history.findings)) == (None, [])
    for weights, expected in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, expected)
