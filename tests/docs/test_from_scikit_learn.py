"""docs/from-scikit-learn.md: each row is run in both libraries.

Oracle: scikit-learn with the same initial weights.
"""

import warnings
from functools import partial

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import pages
from glassnet import Sequential, layers, losses, metrics, optimizers, regularizers
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
