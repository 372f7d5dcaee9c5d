"""Fitted estimators on disk and in other processes.

The model inside is pickled as the bytes of its file. Oracle: the estimator that was never pickled.
"""

import copy
import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from copying import WAYS, pickled
from glassnet import optimizers
from glassnet.errors import ModelFileError
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.layers import BatchNormalization, Dense, Dropout

X, Y = load_iris(return_X_y=True)
QUICK = {
    "hidden_layer_sizes": (8,),
    "max_iter": 5,
    "learning_rate_init": 0.02,
    "batch_size": 16,
    "random_state": 0,
}
NAMES = np.array(["setosa", "versicolor", "virginica"])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def bent(x):
    return jnp.where(x > 0, x, 0.1 * x)


@jax.jit
def leaky(x):
    return jnp.where(x > 0, x, 0.1 * x)


def classes(**settings):
    return NeuralClassifier(**QUICK | settings), X, NAMES[Y]


def two_classes():
    return NeuralClassifier(**QUICK, class_weight="balanced"), X, Y == 1


def several_labels():
    return NeuralClassifier(**QUICK), X, np.column_stack([Y == 0, Y > 0, Y == 2]).astype(int)


def numbers():
    return NeuralRegressor(**QUICK, early_stopping=True), *load_diabetes(return_X_y=True)


def several_numbers():
    return (
        NeuralRegressor(**QUICK | {"random_state": np.random.RandomState(3)}, alpha=0.1),
        X[:, :2],
        X[:, 2:],
    )


KINDS = {
    make.__name__: make for make in (classes, two_classes, several_labels, numbers, several_numbers)
}


def outcome(model, x):
    """Return the predictions, the weights and the learned attributes."""
    learned = {
        name: value
        for name, value in vars(model).items()
        if name.endswith("_") and name != "model_"
    }
    predictions = [
        model.predict(x),
        *([model.predict_proba(x)] if isinstance(model, NeuralClassifier) else []),
    ]
    return {
        "predictions": predictions,
        "weights": model.coefs_ + model.intercepts_,
        "learned": learned,
    }


def require_same(a, b, x):
    a, b = outcome(a, x), outcome(b, x)
    for key in ("predictions", "weights"):
        assert all(map(np.array_equal, a[key], b[key]))
    np.testing.assert_equal(a["learned"], b["learned"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fitted_estimator(kind, way):
    model, x, y = KINDS[kind]()
    model.fit(x, y)
    twin = WAYS[way](model)
    require_same(twin, model, x)
    assert twin.model_.history.history == model.model_.history.history
    assert repr(twin.set_params(random_state=0)) == repr(clone(model).set_params(random_state=0))


@pytest.mark.parametrize("kind", ["classes", "two_classes", "several_labels", "several_numbers"])
def test_partial_fit_goes_on(kind):
    model, x, y = KINDS[kind]()
    model.fit(x, y)
    twin = pickled(model)
    for one in (model, twin):
        one.partial_fit(x, y).partial_fit(x[::2], y[::2])
    assert len(model.loss_curve_) > len(model.model_.history.epoch)
    require_same(twin, model, x)


@pytest.mark.parametrize("make", [classes, numbers])
def test_warm_start_goes_on(make):
    model, x, y = make()
    model.set_params(warm_start=True).fit(x, y)
    first = model.loss_
    twin = pickled(model)
    for one in (model, twin):
        one.set_params(max_iter=4).fit(x, y)
    assert model.loss_ < first
    require_same(twin, model, x)


def test_of_ones_own_layers():
    """Layer statistics, optimizer state and the function (by reference) survive."""
    layers = [Dense(6, activation=bent), BatchNormalization(), Dropout(0.3)]
    model, x, y = classes(layers=layers, solver=optimizers.SGD(0.1, momentum=0.9))
    twin = pickled(model.fit(x, y))
    assert twin.layers == layers
    before = model.predict_proba(x)
    np.testing.assert_array_equal(twin.predict_proba(x), before)
    for one in (model, twin):
        one.partial_fit(x, y)
    np.testing.assert_array_equal(twin.predict_proba(x), model.predict_proba(x))
    assert not np.array_equal(model.predict_proba(x), before)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("activation", [jnp.tanh, jnp.sin, leaky], ids=["tanh", "sin", "own"])
def test_decorated_functions(activation, way):
    """Plain pickle looks up the undecorated function, and fails."""
    model, x, y = classes(activation=activation)
    for one in (model, model.fit(x, y)):
        twin = WAYS[way](one)
        assert twin.activation is activation
    require_same(twin, model, x)
    assert model.activation is activation


def test_what_files_refuse_is_refused_in_their_words():
    model, x, y = classes(activation=lambda z: z)
    model.fit(x, y)
    with pytest.raises(
        ModelFileError, match=r"model.layers\[0\].activation: expected something that can be saved"
    ):
        pickle.dumps(model)
    require_same(copy.deepcopy(model), model, x)
    require_same(copy.copy(model), model, x)


def test_optax_is_refused_in_the_files_words():
    optax = pytest.importorskip("optax")
    model, x, y = classes(solver=optimizers.Optax(optax.adam(0.1)))
    model.fit(x, y)
    with pytest.raises(
        ModelFileError, match=r"model.optimizer.*: expected something that can be saved"
    ):
        pickle.dumps(model)
    require_same(copy.deepcopy(model), model, x)
    assert clone(model).fit(x, y).score(x, y) == model.score(x, y)


def test_a_damaged_pickle():
    """One bit is flipped in the header of the file inside."""
    model, x, y = classes()
    data = bytearray(pickle.dumps(model.fit(x, y)))
    place = data.index(b"__metadata__")
    data[place] ^= 1
    with pytest.raises(ModelFileError, match=r"load: expected a .* Received: bytes=\d+"):
        pickle.loads(data)


@pytest.mark.slow
def test_a_pipeline_in_a_fresh_process(tmp_path):
    """With pickle and joblib, predictions and a further partial_fit have the same bits."""
    pipes = {
        "c": make_pipeline(StandardScaler(), classes()[0]).fit(X, NAMES[Y]),
        "r": make_pipeline(StandardScaler(), several_numbers()[0]).fit(X[:, :2], X[:, 2:]),
    }
    (tmp_path / "c").write_bytes(pickle.dumps(pipes["c"]))
    joblib.dump(pipes["r"], tmp_path / "r")
    code = """
import sys, json, pickle, joblib
from sklearn.datasets import load_iris
X, y = load_iris(return_X_y=True)
with open(sys.argv[1] + "/c", "rb") as file:
    c = pickle.load(file)
r = joblib.load(sys.argv[1] + "/r")
def bits(array): return array.tobytes().hex()
results = [c.predict(X).tolist(), bits(c.predict_proba(X)), bits(r.predict(X[:, :2]))]
c[-1].partial_fit(c[0].transform(X), c.predict(X))
print(json.dumps([*results, bits(c.predict_proba(X))]))
"""
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    labels, probabilities, values, after = json.loads(result.stdout)
    c, r = pipes.values()
    assert labels == c.predict(X).tolist()
    assert probabilities == c.predict_proba(X).tobytes().hex()
    assert values == r.predict(X[:, :2]).tobytes().hex()
    c[-1].partial_fit(c[0].transform(X), c.predict(X))
    assert after == c.predict_proba(X).tobytes().hex() != probabilities


def test_scikit_learns_own_check_of_versions_stays(monkeypatch):
    """A scaler of another version warns; the network, not a part of scikit-learn, does not."""
    pipe = make_pipeline(StandardScaler(), classes()[0]).fit(X, Y)
    with monkeypatch.context() as patch:
        patch.setattr("sklearn.base.__version__", "0.99")
        data, network = pickle.dumps(pipe), pickle.dumps(pipe[-1])
    with pytest.warns(InconsistentVersionWarning) as seen:
        twin = pickle.loads(data)
    assert {warning.message.estimator_name for warning in seen} == {"Pipeline", "StandardScaler"}
    np.testing.assert_array_equal(twin.predict_proba(X), pipe.predict_proba(X))
    pickle.loads(network)  # warnings are errors here


@pytest.mark.slow
def test_in_scikit_learns_processes():
    """Folds in two processes have the same scores, and the returned estimators predict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe = make_pipeline(StandardScaler(), classes()[0])
        scores = cross_val_score(pipe, X, Y, cv=3)
        np.testing.assert_array_equal(cross_val_score(pipe, X, Y, cv=3, n_jobs=2), scores)
        folds = cross_validate(pipe, X, Y, cv=3, n_jobs=2, return_estimator=True)
        search = GridSearchCV(pipe, {"neuralclassifier__alpha": [0.0, 1.0]}, cv=2, n_jobs=2).fit(
            X, Y
        )
    np.testing.assert_array_equal(folds["test_score"], scores)
    fitted = clone(pipe).set_params(**search.best_params_).fit(X, Y)
    for estimator in (search, search.best_estimator_, fitted):
        np.testing.assert_array_equal(pickled(estimator).predict_proba(X), fitted.predict_proba(X))
    for one in folds["estimator"]:
        np.testing.assert_array_equal(pickled(one).predict_proba(X), one.predict_proba(X))


def test_clones_and_their_pickles_are_unfitted():
    model, x, y = classes(activation=jnp.sin)
    twin = pickled(clone(pickled(model.fit(x, y))))
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "model_")
    np.testing.assert_array_equal(pickled(twin.fit(x, y)).predict_proba(x), model.predict_proba(x))


@pytest.mark.parametrize("make", [NeuralClassifier, NeuralRegressor])
def test_a_clone_has_the_very_functions(make, tmp_path):
    """The functions are shared, because `copy.deepcopy` loses the name of a jitted function.

    The list of layers is copied.
    """
    model = make(activation=leaky, layers=[Dense(3, activation=leaky)], solver=optimizers.SGD(0.1))
    twin = clone(model)
    assert twin.activation is twin.layers[0].activation is leaky
    assert not hasattr(copy.deepcopy(leaky), "__name__")
    twin.layers.append(Dense(2))
    assert len(model.layers) == 1
    assert twin.solver == model.solver
    fitted = clone(make(activation=leaky, max_iter=1, random_state=0)).fit(X, Y)
    fitted.model_.save(tmp_path / "m")  # a file refers to a function by its name
    assert leaky in [layer.activation for layer in pickled(fitted).model_._layers]


def test_a_file_is_at_the_heart(tmp_path):
    model, x, y = classes()
    model.fit(x, y).model_.save(tmp_path / "m")
    file = Path(tmp_path / "m").read_bytes()
    assert file in pickle.dumps(model)
    assert len(pickle.dumps(model)) < len(file) + 2500
