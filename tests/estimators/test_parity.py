"""The estimators agree with scikit-learn's MLPClassifier and MLPRegressor.

Both train from the same starting weights, on the same rows in the same order.
"""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.optimizers import SGD
from oracles import close

SAME = 1e-5
"""Relative tolerance: scikit-learn runs in float64, Glassnet in float32."""

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
THREE = np.array(["ash", "oak", "yew"])[RNG.integers(0, 3, 30)]
TWO = THREE == "oak"
COLUMNS = (RNG.random((30, 3)) < 0.4).astype(int)
WEIGHT = RNG.uniform(0.2, 3, 30)
LINE = X @ [1.0, -2.0, 0.5, 0.0] + 0.1 * RNG.normal(size=30)
LINE = (LINE - LINE.mean()) / LINE.std()
PLANE = np.column_stack([LINE, np.sign(LINE)])
PLANE = (PLANE - PLANE.mean(0)) / PLANE.std(0)
BASE = {
    "hidden_layer_sizes": (5,),
    "activation": "tanh",
    "solver": "sgd",
    "learning_rate_init": 0.05,
    "alpha": 0.3,
    "tol": 0,
}
BASE |= {"batch_size": 15, "max_iter": 6, "shuffle": False, "random_state": 0}
STILL = {"learning_rate_init": 1e-30, "solver": "sgd", "max_iter": 1}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def trained(y, weight=None, ours=None, regress=False, **settings):
    """Return both networks, fitted from scikit-learn's starting weights."""
    theirs, make = (MLPRegressor, NeuralRegressor) if regress else (MLPClassifier, NeuralClassifier)
    settings = BASE | settings
    start = theirs(**settings | STILL).fit(X, y)
    mlp = theirs(**settings).fit(X, y, weight)
    net = make(**settings | STILL).fit(X, y)
    net.model_.set_weights(
        [w for pair in zip(start.coefs_, start.intercepts_, strict=True) for w in pair]
    )
    net.set_params(**settings | (ours or {}), warm_start=True).fit(X, y, weight)
    return net, mlp


def same(net, mlp):
    assert np.ptp(mlp.loss_curve_) > 0.01, "nothing was trained"
    close(net.loss_curve_[1:], mlp.loss_curve_, SAME)
    for ours, theirs in zip(
        net.coefs_ + net.intercepts_, mlp.coefs_ + mlp.intercepts_, strict=True
    ):
        close(ours, theirs, SAME)
    assert net.n_iter_ == mlp.n_iter_
    assert (net.n_outputs_, net.out_activation_) == (mlp.n_outputs_, mlp.out_activation_)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"hidden_layer_sizes": (6, 4)},
        {"hidden_layer_sizes": 3},
        {"activation": "relu"},
        {"activation": "logistic"},
        {"activation": "identity", "alpha": 0},
        {"solver": "adam", "learning_rate_init": 0.01},
        {"batch_size": "auto"},
        {"batch_size": 8},
    ],
    ids=str,
)
def test_settings(settings):
    """In a last batch of 6 rows instead of 8, scikit-learn divides alpha by 6, Glassnet by 8.

    That case is tested with alpha = 0.
    """
    if settings.get("batch_size") == 8:
        settings |= {"alpha": 0}
    same(*trained(THREE, **settings))


@pytest.mark.parametrize("y", [TWO, THREE, COLUMNS], ids=["two", "three", "columns"])
def test_targets_and_what_is_predicted(y):
    net, mlp = trained(y)
    same(net, mlp)
    close(net.predict_proba(X), mlp.predict_proba(X), SAME)
    close(net.predict_log_proba(X), mlp.predict_log_proba(X), SAME)
    assert np.array_equal(net.predict(X), mlp.predict(X))
    assert net.predict(X).dtype == mlp.predict(X).dtype
    assert np.array_equal(net.classes_, mlp.classes_)
    assert net.score(X, y) == mlp.score(X, y)


def test_an_optimizer_of_ones_own():
    settings = {"momentum": 0.5, "nesterovs_momentum": False}
    start = MLPClassifier(**BASE | STILL).fit(X, THREE)
    mlp = MLPClassifier(**BASE | settings).fit(X, THREE)
    net = NeuralClassifier(**BASE | STILL, warm_start=True).fit(X, THREE)
    net.model_.set_weights(
        [w for pair in zip(start.coefs_, start.intercepts_, strict=True) for w in pair]
    )
    same(net.set_params(solver=SGD(0.05, momentum=0.5), max_iter=6).fit(X, THREE), mlp)


@pytest.mark.parametrize("y", [THREE, COLUMNS], ids=["three", "columns"])
def test_weights_in_a_full_batch(y):
    same(*trained(y, WEIGHT, batch_size=30))


def test_weights_in_a_full_batch_of_numbers():
    """Equal weights do not change the target's mean and deviation; alpha is divided by their sum."""
    weight = np.full(30, 2.5)
    same(*trained(LINE, weight, regress=True, batch_size=30))


@pytest.mark.parametrize("y", [LINE, PLANE], ids=["one", "two"])
def test_the_regressor(y):
    """Scikit-learn's gradient is that of the sum over outputs, but its loss is their mean."""
    net, mlp = trained(y, regress=True, alpha=0.3 if y.ndim == 1 else 0)
    close(np.divide(net.loss_curve_[1:], net.n_outputs_), mlp.loss_curve_, SAME)
    for ours, theirs in zip(
        net.coefs_ + net.intercepts_, mlp.coefs_ + mlp.intercepts_, strict=True
    ):
        close(ours, theirs, SAME)
    close(net.predict(X), mlp.predict(X), SAME)
    assert net.out_activation_ == mlp.out_activation_


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_where_scikit_learn_stops(patience):
    """Unlike in Keras's EarlyStopping, small improvements do not add up."""
    net, mlp = trained(
        THREE, tol=0.004, n_iter_no_change=patience, max_iter=200, learning_rate_init=0.02
    )
    assert 5 < mlp.n_iter_ < 150
    same(net, mlp)
    assert net.best_loss_ == pytest.approx(mlp.best_loss_, rel=SAME)
    assert net.loss_ == net.loss_curve_[-1]
    assert net.validation_scores_ is None is net.best_validation_score_
