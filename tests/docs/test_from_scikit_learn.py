"""docs/from-scikit-learn.md: each row is run in both libraries.

Oracle: scikit-learn with the same initial weights.
"""

import inspect
import warnings
from functools import partial

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

import pages
from glassnet import Sequential, callbacks, layers, losses, metrics, optimizers, regularizers
from glassnet.errors import ConfigError
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from oracles import close

TOLERANCE = 1e-5
"""Scikit-learn computes in float64, Glassnet in float32."""

table = partial(pages.table, "from-scikit-learn.md")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
Y = RNG.integers(0, 3, 30)
BASE = {
    "hidden_layer_sizes": (5,),
    "activation": "tanh",
    "solver": "sgd",
    "learning_rate_init": 0.1,
    "momentum": 0,
    "alpha": 0,
}
BASE |= {"batch_size": 15, "max_iter": 4, "shuffle": False, "random_state": 0, "tol": 0}
LAYERS = [layers.Dense(5, activation="tanh"), layers.Dense(3, activation="softmax")]


def trained(make=MLPClassifier, y=Y, **settings):
    """Return scikit-learn's network before and after a fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        start = make(
            **BASE | settings | {"learning_rate_init": 1e-300, "solver": "sgd", "max_iter": 1}
        ).fit(X, y)
        return start, make(**BASE | settings).fit(X, y)


def with_weights_of(mlp, model_layers, **compiled):
    """Return Glassnet's network with the weights of scikit-learn's."""
    model = Sequential([layers.Input(4), *model_layers])
    model.compile(
        **{
            "optimizer": optimizers.SGD(0.1),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        }
        | compiled
    )
    model.set_weights([w for pair in zip(mlp.coefs_, mlp.intercepts_, strict=True) for w in pair])
    return model


@pytest.mark.parametrize(("theirs", "ours"), table("Settings"))
def test_settings(theirs, ours):
    settings = eval(f"dict({theirs})")
    start, mlp = trained(**settings)
    m = settings.get("batch_size", 15)
    fit = {"batch_size": m, "epochs": 4, "shuffle": False}
    names = (
        vars(layers)
        | vars(optimizers)
        | vars(regularizers)
        | {"m": m, "n": 30, "x": X, "y": Y, "fit": lambda x, y, **options: options}
    )
    value = eval(ours, names)
    model_layers = value if isinstance(value, list) else LAYERS
    compiled = {"optimizer": value} if isinstance(value, optimizers.Optimizer) else {}
    model = with_weights_of(start, model_layers, **compiled)
    history = model.fit(X, Y, verbose=0, **fit | (value if isinstance(value, dict) else {}))
    close(history.history["loss"], mlp.loss_curve_, TOLERANCE)
    assert len(set(np.round(mlp.loss_curve_, 4))) > 1


def test_the_regressor_trains_on_half_the_squared_error():
    start, mlp = trained(MLPRegressor, X[:, 0] + X[:, 1])
    model = with_weights_of(
        start, [LAYERS[0], layers.Dense(1)], loss="half_mean_squared_error", metrics=[]
    )
    history = model.fit(X, X[:, 0] + X[:, 1], batch_size=15, epochs=4, shuffle=False, verbose=0)
    close(history.history["loss"], mlp.loss_curve_, TOLERANCE)


PAGE = pages.read("from-scikit-learn.md")
FLAT = {"learning_rate_init": 2e-5, "max_iter": 30}
"""Settings with which nothing improves."""


def test_patience():
    """Oracle: after as many epochs of no improvement, both libraries stop, or lower the rate."""
    assert 'callbacks.EarlyStopping("val_accuracy", 1e-4, patience=11)' in PAGE
    assert 'callbacks.ReduceLROnPlateau("loss", factor=0.2, patience=11)' in PAGE
    tolerance = {"tol": 0.1, "n_iter_no_change": 10}
    _, mlp = trained(**FLAT | tolerance, early_stopping=True, validation_fraction=0.1)
    start, slower = trained(**FLAT | tolerance, learning_rate="adaptive")
    model = with_weights_of(start, LAYERS, optimizer=optimizers.SGD(2e-5))
    stop = callbacks.EarlyStopping("val_accuracy", 0.1, patience=11)
    fit = {"batch_size": 15, "epochs": 30, "shuffle": False, "verbose": 0}
    history = model.fit(X, Y, callbacks=[stop], validation_split=0.1, **fit)
    assert len(history.epoch) == mlp.n_iter_ == 12
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.2, patience=11, min_delta=0.1)
    model.fit(X, Y, callbacks=[plateau], **fit)
    # no improvement is counted up to 10: epochs 2 to 12, then 13 to 23
    assert model.learning_rate == pytest.approx(2e-5 / 25)
    assert slower._optimizer.learning_rate == pytest.approx(2e-5 / 25)


def test_defaults_and_what_does_not_exist():
    assert inspect.signature(Sequential.fit).parameters["batch_size"].default == 32
    assert "The default of `fit` is 32" in PAGE
    with pytest.raises(ConfigError, match=r"^solver: expected one of"):
        NeuralClassifier(solver="lbfgs").fit(X, Y)
    assert '`solver="lbfgs"` does not exist' in PAGE
    with pytest.raises(TypeError):
        NeuralRegressor((5,), "relu", "poisson")


def test_seeds_and_fitting_again():
    """The same seed gives the same model; `fit` goes on, and `reset` starts over."""
    models = [Sequential([layers.Input(4), *LAYERS], seed=seed) for seed in (0, 0, 1)]
    for model in models:
        model.compile("sgd", "sparse_categorical_crossentropy")
    first, second, other = [model.predict(X) for model in models]
    close(first, second, 0)
    assert abs(first - other).max() > 0.01
    once, again = models[0].fit(X, Y, verbose=0), models[0].fit(X, Y, verbose=0)
    assert again.epoch == [once.epoch[-1] + 1]
    models[0].reset()
    close(models[0].predict(X), first, 0)


def test_standard_scaler_is_a_normalization_layer():
    """Oracle: scikit-learn's StandardScaler of the training rows."""
    model = Sequential([layers.Normalization(), layers.Dense(3, activation="softmax")])
    model.fit(X, Y, verbose=0, validation_split=0.2, validation_from="end")
    scaler = StandardScaler().fit(X[:24])
    close(model.get_weights()[0], scaler.mean_, TOLERANCE)
    close(model.get_weights()[1], scaler.var_, TOLERANCE)


@pytest.fixture(scope="module")
def both():
    start, mlp = trained()
    model = with_weights_of(start, LAYERS)
    history = model.fit(X, Y, batch_size=15, epochs=4, shuffle=False, verbose=0)
    return {"mlp": mlp, "model": model, "history": history, "x": X, "y": Y}


@pytest.mark.parametrize(("theirs", "ours"), table("After the fit"))
def test_after_the_fit(both, theirs, ours):
    close(eval(ours, both), eval(theirs, both), TOLERANCE)


@pytest.mark.parametrize(("theirs", "ours"), table("Metrics"))
def test_metrics(theirs, ours):
    p = np.random.default_rng(1).dirichlet(np.ones(3), 30)
    names = vars(sklearn.metrics) | {"metrics": metrics, "losses": losses, "x": X, "y": Y, "p": p}
    close(eval(ours, names | {"metrics": metrics}), eval(theirs, names), TOLERANCE)


def test_the_tables_are_found():
    assert [len(table(name)) for name in ("Settings", "After the fit", "Metrics")] == [13, 9, 11]
