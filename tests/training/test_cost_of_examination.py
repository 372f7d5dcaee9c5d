"""What the doctor costs a healthy fit: no compilation, no optional library, no models if not needed."""

import subprocess
import sys
from unittest import mock

import numpy as np
import pytest

import glassnet as gn
from glassnet.evaluation.constant_answers import constant_loss
from glassnet.layers import Dense, Embedding, Input, SimpleRNN
from glassnet.testing.assertions import compilations

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3)).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(np.float32)
NUMBERS = X[:, :1] + 0.1 * RNG.normal(size=(300, 1))


def make_model(activation, loss):
    layers = [Input(3), Dense(8, activation="relu"), Dense(1, activation=activation)]
    model = gn.Sequential(layers, seed=0)
    model.compile(gn.optimizers.Adam(0.02), loss)
    return model


def fit(model, y, epochs=8, **arguments):
    return model.fit(X, y, epochs=epochs, batch_size=16, verbose=0, **arguments)


@pytest.fixture
def fit_rivals():
    """The function that fits a linear model and neighbours, counted."""
    from glassnet.training import examination

    with mock.patch.object(examination, "fit_rivals", wraps=examination.fit_rivals) as counted:
        yield counted


@pytest.mark.parametrize("split", [0.0, 0.2])
@pytest.mark.parametrize(
    ("activation", "loss", "y"),
    [("sigmoid", "binary_crossentropy", CLASSES), ("linear", "mse", NUMBERS)],
)
def test_nothing_is_compiled(activation, loss, y, split):
    """Oracle: JAX's own record of compilations. The same fit without the doctor compiles first."""
    model = make_model(activation, loss)
    with mock.patch("glassnet.models.sequential.diagnose_fit"):
        assert fit(model, y, validation_split=split).evidence is None
    model = make_model(activation, loss)
    with compilations() as compiled:
        history = fit(model, y, validation_split=split)
    assert history.evidence.rivals.constant > 0
    assert compiled == []
    assert not [finding for finding in history.findings if finding.confidence == "alarm"]


def test_no_optional_library_is_imported():
    """Oracle: the modules of a new process. scipy takes 0.5 s to import, scikit-learn 1.2 s."""
    code = """
import sys
import numpy as np
import glassnet as gn
x = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
model = gn.Sequential([gn.layers.Dense(8, activation="relu"), gn.layers.Dense(1)], seed=0)
history = model.fit(x, x[:, :1], epochs=20, validation_split=0.2, verbose=0)
assert np.isfinite(history.evidence.rivals.linear)
names = ("scipy", "sklearn", "pandas", "matplotlib", "rich")
print([name for name in names if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_models_are_fitted_only_if_they_could_be_better(fit_rivals):
    """A network with less than a quarter of the constant's loss, or a short run, needs no rivals."""
    model = make_model("linear", "mse")
    rivals = model.fit(X[:90], NUMBERS[:90], epochs=2, verbose=0).evidence.rivals
    assert np.isnan(rivals.linear)
    history = fit(model, NUMBERS, epochs=20)
    assert min(history.history["loss"]) < 0.25 * rivals.constant
    assert np.isnan(history.evidence.rivals.linear)
    assert not fit_rivals.called
    noise = np.random.default_rng(1).normal(size=(300, 1))
    rivals = fit(make_model("linear", "mse"), noise).evidence.rivals
    assert rivals.linear > 0.8 * rivals.constant
    fit_rivals.assert_called_once()
    assert np.isnan(fit(make_model("linear", "mse"), NUMBERS, epochs=2).evidence.rivals.linear)


def test_constants_are_those_of_all_rows(monkeypatch):
    """Oracle: `constant_loss` of all targets. The models are fitted to a sample."""
    from glassnet.training import examination

    monkeypatch.setattr(examination, "MAX_ROWS", 20)
    y = RNG.standard_t(2, (300, 1)).astype(np.float32)
    model = make_model("linear", "mse")
    history = model.fit(X[:200], y[:200], validation_data=(X[200:], y[200:]), epochs=1, verbose=0)
    rivals = history.evidence.rivals
    expected = constant_loss(gn.losses.MeanSquaredError(), y[:200], y_val=y[200:])
    assert (rivals.constant, rivals.val_constant) == pytest.approx(expected, rel=1e-5)
    assert history.evidence.target.n_rows == 200


def test_masked_time_steps_have_no_rivals():
    """Steps that the network masks are left out of its loss, and the constant cannot know them."""
    ids = RNG.integers(1, 5, (40, 6))
    ids[:, 4:] = 0
    y = np.where(ids > 2, 1.0, 0.0)[:, :, None]
    for mask_zero in (True, False):
        layers = [
            Input(6),
            Embedding(5, 4, mask_zero=mask_zero),
            SimpleRNN(4, return_sequences=True),
            Dense(1, activation="sigmoid"),
        ]
        model = gn.Sequential(layers, seed=0)
        model.compile("adam", "binary_crossentropy")
        history = model.fit(ids, y, epochs=1, verbose=0)
        assert np.isnan(history.evidence.rivals.constant) == mask_zero


def test_a_network_behind_a_simple_model_is_compared_row_by_row():
    """Oracle: the rows themselves, with scikit-learn's ridge: the difference is many errors."""
    from sklearn.linear_model import Ridge

    model = gn.Sequential([Input(3), Dense(2, activation="relu"), Dense(1)], seed=0)
    model.compile(gn.optimizers.SGD(0.01), "mse")
    history = fit(model, NUMBERS, validation_data=(X, NUMBERS))
    rivals, ridge = history.evidence.rivals, Ridge(1e-2).fit(X, NUMBERS[:, 0])
    network, linear = (
        np.square(np.ravel(each.predict(X)) - NUMBERS[:, 0]) for each in (model, ridge)
    )
    difference = network - linear
    assert rivals.linear_error == pytest.approx(difference.std(ddof=1) / np.sqrt(300), rel=0.02)
    assert difference.mean() > 5 * rivals.linear_error
