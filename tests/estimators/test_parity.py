"""The estimators agree with scikit-learn's MLPClassifier and MLPRegressor.

Both train from the same starting weights, on the same rows in the same order.
"""

from inspect import signature

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
    net.t_ = 0  # rows seen: "invscaling" counts them over warm starts too
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
        {"momentum": 0},
        {"momentum": 0.5, "nesterovs_momentum": False},
        {"solver": "adam", "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"learning_rate": "invscaling", "learning_rate_init": 0.5},
        {"learning_rate": "invscaling", "power_t": 0.2},
        {"solver": "adam", "learning_rate": "invscaling"},
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


def test_an_adaptive_rate_is_divided_by_five_where_scikit_learn_divides_it():
    """A tolerance of 0.05 is missed in most epochs, so the rate falls from 0.2 to below 1e-6."""
    settings = {"learning_rate": "adaptive", "learning_rate_init": 0.2, "alpha": 0}
    net, mlp = trained(THREE, tol=0.05, n_iter_no_change=2, max_iter=200, **settings)
    same(net, mlp)
    assert mlp._optimizer.learning_rate < 1e-6
    assert net.model_.learning_rate == pytest.approx(mlp._optimizer.learning_rate, rel=SAME)


@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_the_rate_goes_on_over_calls_of_partial_fit(rate):
    settings = BASE | {"learning_rate": rate, "tol": 0.05, "n_iter_no_change": 2, "alpha": 0}
    mlp = MLPClassifier(**settings).partial_fit(X, THREE, classes=["ash", "oak", "yew"])
    net = NeuralClassifier(**settings).partial_fit(X, THREE, classes=["ash", "oak", "yew"])
    for _ in range(7):
        mlp.partial_fit(X[:20], THREE[:20])
        net.partial_fit(X[:20], THREE[:20])
    assert net.t_ == mlp.t_ == 30 + 7 * 20
    assert (mlp._optimizer.learning_rate < 0.04) == (rate != "constant")
    assert net.model_.learning_rate == pytest.approx(mlp._optimizer.learning_rate, rel=SAME)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_every_argument_of_scikit_learn_has_its_default_here(kind):
    """Arguments that only another version of scikit-learn has are not compared."""
    ours = NeuralClassifier if kind is MLPClassifier else NeuralRegressor
    theirs, parameters = signature(kind).parameters, signature(ours).parameters
    assert {name: p.default for name, p in theirs.items()} == {
        name: parameters[name].default for name in theirs
    }
    assert {"learning_rate", "power_t", "momentum", "beta_1", "epsilon", "max_fun"} <= set(theirs)


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


@pytest.mark.skipif("loss" not in signature(MLPRegressor).parameters, reason="since version 1.7")
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("columns", [1, 2])
def test_counts(weight, columns):
    """Poisson regression. A weight per row in a full batch, as scikit-learn averages it."""
    y = RNG.poisson(np.exp(0.3 * X[:, :columns])).astype(float)
    y = y.ravel() if columns == 1 else y
    batch = {"batch_size": 30} if weight is not None else {}
    net, mlp = trained(y, weight, regress=True, loss="poisson", alpha=0, **batch)
    same(net, mlp)
    close(net.predict(X), mlp.predict(X), SAME)
    assert net.predict(X).shape == y.shape


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
