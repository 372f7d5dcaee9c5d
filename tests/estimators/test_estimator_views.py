"""Estimators in the views. Oracles: their own predict, scikit-learn's metrics and permutation
importance (3).
"""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import metrics
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.inspection import importance, mistakes

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 3))
Y = np.array(["low", "middle", "high"])[np.digitize(X[:, 0] + 0.3 * X[:, 1], [-0.5, 0.5])]
FRAME = pd.DataFrame({"size": X[:, 0], "town": np.where(X[:, 1] > 0, "a", "b"), "noise": X[:, 2]})
PRICE = pd.Series(1e5 + 1e4 * X[:, 0] + 5e3 * (X[:, 1] > 0), name="price")
SETTINGS = {"hidden_layer_sizes": (8,), "max_iter": 30, "tol": 0, "random_state": 0}
SETTINGS |= {"learning_rate_init": 0.03, "n_iter_no_change": 100}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def classifier():
    return NeuralClassifier(**SETTINGS).fit(X, Y)


@pytest.fixture(scope="module")
def regressor():
    """A regressor of a frame with a column of text."""
    return NeuralRegressor(**SETTINGS).fit(FRAME, PRICE)


def test_mistakes_of_a_classifier(classifier):
    result, predicted = mistakes(classifier, X, Y), classifier.predict(X)
    assert result.class_names == ("high", "low", "middle")
    expected = metrics.confusion_matrix(Y, predicted, labels=list(result.class_names))
    np.testing.assert_array_equal(result.confusion, expected)
    np.testing.assert_allclose(result.probabilities, classifier.predict_proba(X), atol=1e-6)
    assert result.accuracy == classifier.score(X, Y)
    assert "(untrained)" not in result.title
    assert result.remarks == ()


def test_mistakes_of_a_regressor_of_a_frame(regressor):
    result = mistakes(regressor, FRAME, PRICE)
    np.testing.assert_allclose(result.y_pred[:, 0], regressor.predict(FRAME), rtol=1e-6)
    np.testing.assert_allclose(result.y_true[:, 0], PRICE, rtol=1e-6)
    assert result.r2[0] == pytest.approx(regressor.score(FRAME, PRICE), abs=1e-5)
    assert result.title.startswith("price: RMSE")
    rows = result.worst_rows()
    assert rows["town"].tolist() == FRAME["town"][rows["row"]].tolist()


def test_importance_equals_scikit_learns_on_the_same_estimator(classifier, regressor):
    """The same seed gives the same shuffles, and so the same numbers."""
    ours = importance(classifier, X, Y, n_repeats=3, seed=4)
    theirs = permutation_importance(classifier, X, Y, n_repeats=3, random_state=4)
    positions = [ours.names.index(name) for name in ("x1", "x2", "x3")]
    np.testing.assert_allclose(ours.importances[positions], theirs.importances, atol=1e-12)
    assert ours.names[0] == "x1"
    ours = importance(regressor, FRAME, PRICE, n_repeats=3, seed=4)
    theirs = permutation_importance(
        regressor,
        FRAME,
        PRICE,
        scoring="neg_root_mean_squared_error",
        n_repeats=3,
        random_state=4,
    )
    positions = [ours.names.index(name) for name in FRAME.columns]
    np.testing.assert_allclose(ours.importances[positions], theirs.importances, atol=1)
    assert ours.names[-1] == "noise"


def test_names_of_features_come_from_frames_of_numbers():
    numbers = FRAME[["size", "noise"]]
    estimator = NeuralRegressor(**SETTINGS).fit(numbers, PRICE)
    snapshot = estimator.take_snapshot(numbers, PRICE, targets="required")
    assert snapshot.feature_names == ("size", "noise")
    assert snapshot.target_name == "price"
    assert importance(estimator, numbers, PRICE, n_repeats=2).names == ("size", "noise")
    assert estimator.take_snapshot().feature_names == ("size", "noise")


def test_two_classes_and_sparse_rows():
    labels = X[:, 0] > 0
    estimator = NeuralClassifier(**SETTINGS).fit(sparse.csr_matrix(X), labels)
    result = mistakes(estimator, sparse.csr_matrix(X), labels)
    assert result.class_names == ("False", "True")
    p = estimator.predict_proba(X)[:, 1]
    assert result.curves.roc_auc == pytest.approx(metrics.roc_auc_score(labels, p))


def test_several_labels_and_several_numbers():
    labels = (X[:, :2] > 0).astype(int)
    estimator = NeuralClassifier(**SETTINGS).fit(X, labels)
    expected = metrics.multilabel_confusion_matrix(labels, estimator.predict(X))
    np.testing.assert_array_equal(mistakes(estimator, X, labels).counts, expected)
    targets = np.column_stack([1e3 * X[:, 0], X[:, 1] - 7])
    regressor = NeuralRegressor(**SETTINGS).fit(X, targets)
    result = mistakes(regressor, X, targets)
    np.testing.assert_allclose(result.y_pred, regressor.predict(X), rtol=1e-5)
    np.testing.assert_allclose(result.y_true, targets, rtol=1e-5)
    frames = NeuralRegressor(**SETTINGS).fit(FRAME, targets)
    result = mistakes(frames, FRAME, targets)
    np.testing.assert_allclose(result.y_pred, frames.predict(FRAME), rtol=1e-5)


def test_counts_are_in_their_own_units():
    counts = np.round(np.exp(X[:, 0]))
    estimator = NeuralRegressor(loss="poisson", **SETTINGS).fit(X, counts)
    result = mistakes(estimator, X, counts)
    np.testing.assert_allclose(result.y_pred[:, 0], estimator.predict(X), rtol=1e-6)
    np.testing.assert_array_equal(result.y_true[:, 0], counts)


def test_what_cannot_be_viewed(classifier, regressor):
    with pytest.raises(NotFittedError):
        mistakes(NeuralClassifier(), X, Y)
    with pytest.raises(DataError, match=r"y: expected targets. Received: y=None. Pass y."):
        mistakes(classifier, X)
    with pytest.raises(DataError, match=r"labels of known classes. Received: unknown=\['other'\]"):
        mistakes(classifier, X[:1], ["other"])
    with pytest.raises(DataError, match=r"targets of the same shape as in fit"):
        mistakes(regressor, FRAME, np.zeros((N, 2)))
    with pytest.raises(ConfigError, match=r"target=None for an estimator. Received: target='y'"):
        mistakes(classifier, X, Y, target="y")
    with pytest.raises(DataError, match=r"a frame with the 3 columns of training"):
        mistakes(regressor, X, PRICE)
    with pytest.raises(ValueError, match=r"X has 2 features, but NeuralClassifier is expecting 3"):
        mistakes(classifier, X[:, :2], Y)
    with pytest.raises(DataError, match=r"y: expected targets"):
        classifier.take_snapshot(X).preprocessor.transform_xy(X)


def test_rows_without_targets(classifier):
    snapshot = classifier.take_snapshot(X, Y, targets="none")
    assert snapshot.y is None
    np.testing.assert_allclose(
        snapshot.to_probabilities(snapshot.compute_outputs(snapshot.x)),
        classifier.predict_proba(X),
        atol=1e-6,
    )
    preprocessor = snapshot.preprocessor
    assert preprocessor.describe() == "rows of 3 numbers"
    np.testing.assert_array_equal(preprocessor.transform(X), X)
    np.testing.assert_array_equal(preprocessor.transform_target(["low", "high"]), [1, 0])


def test_sparse_rows_that_are_too_large(classifier, monkeypatch):
    monkeypatch.setattr("glassnet.estimators.snapshots.MAX_BYTES", 4 * N * 3 - 1)
    with pytest.raises(DataError, match=r"X: expected rows of at most 4 GiB as dense numbers"):
        classifier.take_snapshot(sparse.csr_matrix(X))
    assert gn.inspection.mistakes is mistakes
