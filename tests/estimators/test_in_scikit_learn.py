"""The estimators in scikit-learn: pipelines, searches, calibration, copies, and named columns."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glassnet import optimizers
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.layers import BatchNormalization, Dense

X, Y = load_iris(return_X_y=True)
QUICK = {
    "hidden_layer_sizes": (16,),
    "max_iter": 15,
    "learning_rate_init": 0.02,
    "batch_size": 16,
    "random_state": 0,
}
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.slow,
]


def net(**settings):
    return NeuralClassifier(**QUICK | settings)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_in_this_process_and_in_others(n_jobs):
    """Other processes find the same bits as one process."""
    search = GridSearchCV(
        make_pipeline(StandardScaler(), net()),
        {"neuralclassifier__dropout": [0.0, 0.9]},
        cv=3,
        n_jobs=n_jobs,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, Y)
    assert search.best_params_ == {"neuralclassifier__dropout": 0.0}
    pipe = make_pipeline(StandardScaler(), net()).fit(X, Y)
    assert np.array_equal(search.predict_proba(X), pipe.predict_proba(X))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method):
    model = CalibratedClassifierCV(net(), method=method, cv=3).fit(X, Y)
    assert model.score(X, Y) > 0.8


@pytest.mark.parametrize("through", ["pickle", "joblib", "copy"])
@pytest.mark.parametrize(
    "made",
    [net(), net(layers=[Dense(4), BatchNormalization()], solver=optimizers.SGD(0.1))],
    ids=["plain", "own"],
)
def test_copies_predict_and_train_on_alike(through, made, tmp_path):
    model = clone(made).fit(X, Y)
    if through == "joblib":
        joblib.dump(model, tmp_path / "model")
        twin = joblib.load(tmp_path / "model")
    else:
        twin = pickle.loads(pickle.dumps(model)) if through == "pickle" else copy.deepcopy(model)
    assert np.array_equal(twin.predict_proba(X), model.predict_proba(X))
    trained = [one.partial_fit(X, Y).predict_proba(X) for one in (model, twin)]
    assert np.array_equal(*trained)


def test_clone_keeps_the_settings_and_nothing_else():
    model = net(layers=[Dense(4)], solver=optimizers.Adam(0.1)).fit(X, Y)
    twin = clone(model)
    assert twin.layers == model.layers
    assert twin.solver == model.solver
    assert not hasattr(twin, "model_")
    with pytest.raises(NotFittedError, match="not fitted yet"):
        twin.predict(X)


def test_names_of_columns_are_kept_and_checked():
    table = pd.DataFrame(X, columns=list("abcd"))
    model = net().fit(table, pd.Series(Y).map({0: "i", 1: "j", 2: "k"}))
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.predict(table)[0] == "i"
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table[list("bacd")])


def test_names_of_columns_in_early_stopping_raise_no_warning():
    net(early_stopping=True).fit(pd.DataFrame(X, columns=list("abcd")), Y)


def test_weights_are_routed_to_the_folds():
    """Rows with a wrong label and weight 0 do not affect the search."""
    wrong = np.arange(150) % 3 == 0
    y = np.where(wrong, (Y + 1) % 3, Y)
    search = GridSearchCV(net(), {"alpha": [0.0]}, cv=3).fit(
        X, y, sample_weight=(~wrong).astype(float)
    )
    assert search.best_estimator_.score(X[~wrong], y[~wrong]) > 0.9


def test_both_have_the_same_settings_but_for_the_loss_and_the_weights_of_classes():
    assert NeuralRegressor().get_params() | {
        "class_weight": None
    } == NeuralClassifier().get_params() | {"loss": "squared_error"}
    assert repr(net()).startswith("NeuralClassifier(batch_size=16, hidden_layer_sizes=(16,)")
