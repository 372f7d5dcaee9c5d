"""NeuralClassifier: real data, labels of any type, weights, and the fitted attributes."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glassnet import Sequential
from glassnet.estimators import NeuralClassifier
from glassnet.layers import BatchNormalization, Dense, Dropout, Flatten, Reshape
from glassnet.testing import compilations
from oracles import FLOAT32, close

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
Y = np.array(["ash", "oak", "yew"])[RNG.integers(0, 3, 40)]
QUICK = {"hidden_layer_sizes": (5,), "max_iter": 12, "learning_rate_init": 0.05, "random_state": 0}

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = quiet


def net(**settings):
    return NeuralClassifier(**QUICK | settings)


def same_bits(a, b):
    return all(
        np.array_equal(u, v)
        for u, v in zip(a.model_.get_weights(), b.model_.get_weights(), strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "load", [load_iris, load_wine, load_breast_cancer], ids=lambda load: load.__name__
)
def test_real_rows(load):
    """Oracle: scikit-learn's network and logistic regression on the same folds.

    All three scores are within 0.03.
    """
    rows, labels = load(return_X_y=True)
    settings = {"hidden_layer_sizes": (32,), "learning_rate_init": 0.01, "random_state": 0}
    models = NeuralClassifier(**settings), MLPClassifier(**settings), LogisticRegression()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    ours, *theirs = (
        cross_val_score(make_pipeline(StandardScaler(), model), rows, labels, cv=folds).mean()
        for model in models
    )
    assert ours > max(theirs) - 0.03


def test_folds_of_one_size_share_two_compilations():
    settings = {"max_iter": 3, "hidden_layer_sizes": (7,)}
    with compilations() as compiled:
        cross_val_score(net(**settings), X, Y, cv=StratifiedKFold(4))
        for rate in (0.01, 0.1):
            cross_val_score(
                net(learning_rate_init=rate, class_weight="balanced", **settings),
                X,
                Y,
                cv=StratifiedKFold(4),
            )
    assert sorted(compiled) == ["jit(infer)", "jit(run_steps)"]


def test_what_a_fit_leaves():
    model = net(hidden_layer_sizes=(5, 3)).fit(X, Y)
    assert isinstance(model.model_, Sequential)
    assert model.model_.seed == 0
    assert model.classes_.tolist() == ["ash", "oak", "yew"]
    assert [w.shape for w in model.coefs_] == [(4, 5), (5, 3), (3, 3)]
    assert [w.shape for w in model.intercepts_] == [(5,), (3,), (3,)]
    assert (model.n_iter_, model.n_features_in_, model.n_outputs_, model.out_activation_) == (
        12,
        4,
        3,
        "softmax",
    )
    assert model.loss_curve_ == model.model_.history.history["loss"]
    assert (model.loss_, model.best_loss_) == (model.loss_curve_[-1], min(model.loss_curve_))
    assert set(model.predict(X)) <= {"ash", "oak", "yew"}
    close(model.predict_proba(X).sum(1), np.ones(40))
    assert not hasattr(net(), "coefs_")


@pytest.mark.parametrize("labels", [["no", "yes"], [-1, 1], [False, True], [2.0, 7.0]], ids=str)
def test_two_labels_of_any_kind(labels):
    y = np.array(labels)[(X[:, 0] > 0).astype(int)]
    model = net().fit(X, y)
    assert model.classes_.tolist() == labels
    assert model.predict(X).dtype == y.dtype
    p = model.predict_proba(X)
    assert np.array_equal(model.predict(X), np.array(labels)[p.argmax(1)])
    close(p.sum(1), np.ones(40))
    assert model.score(X, y) > 0.8


def test_a_probability_of_zero_has_a_logarithm():
    model = net().fit(1000 * X, X[:, 0] > 0)
    model.model_.set_weights([1000 * w for w in model.model_.get_weights()])
    assert np.isneginf(model.predict_log_proba(1000 * X)).any()


def test_the_same_random_state_is_the_same_bits():
    one, two = (net(dropout=0.3, batch_size=8).fit(X, Y) for _ in range(2))
    assert same_bits(one, two)
    assert not same_bits(one, net(dropout=0.3, batch_size=8, random_state=1).fit(X, Y))
    drawn = [net(random_state=np.random.RandomState(3)).fit(X, Y) for _ in range(2)]
    assert same_bits(*drawn)
    source = np.random.RandomState(3)
    assert not same_bits(*(net(random_state=source).fit(X, Y) for _ in range(2)))


@pytest.mark.parametrize("order", [True, False])
def test_weights_are_repetitions_to_the_bit_in_a_full_batch(order):
    weight = RNG.integers(0, 4, 40)
    repeated = np.repeat(np.arange(40), weight)
    repeated = RNG.permutation(repeated) if order else repeated
    full = {"batch_size": "full", "alpha": 0.1, "class_weight": "balanced"}
    assert same_bits(net(**full).fit(X, Y, weight), net(**full).fit(X[repeated], Y[repeated]))
    assert not same_bits(net(**full).fit(X, Y, weight), net(**full).fit(X, Y))


@pytest.mark.parametrize("batch_size", ["full", 8])
def test_rows_of_weight_zero_are_not_there(batch_size):
    """They affect neither the split, the order, the penalty nor the mean weight."""
    weighted = np.arange(40) % 4 > 0
    settings = {
        "batch_size": batch_size,
        "early_stopping": True,
        "validation_fraction": 0.2,
        "alpha": 0.1,
    }
    one, two = (
        net(**settings).fit(X, Y, weighted.astype(float)),
        net(**settings).fit(X[weighted], Y[weighted]),
    )
    assert same_bits(one, two)
    assert one.validation_scores_ == two.validation_scores_


def test_only_ratios_of_weights_count():
    """Except for alpha, which depends on their sum. 1/4 is exact in float32."""
    weight = RNG.integers(1, 5, 40)
    assert same_bits(
        net(alpha=0, batch_size=8).fit(X, Y, weight),
        net(alpha=0, batch_size=8).fit(X, Y, weight / 4),
    )
    assert not same_bits(net(alpha=1).fit(X, Y, weight), net(alpha=1).fit(X, Y, weight / 4))


def test_class_weight_is_a_weight_per_row():
    by_class = {"ash": 1.0, "oak": 3.0, "yew": 0.5}
    rows = np.array([by_class[label] for label in Y])
    weights = RNG.integers(1, 9, 40) / 4  # quarters: the products are exact in float32
    one = net(class_weight={"oak": 3.0, "yew": 0.5}).fit(X, Y, weights)
    assert same_bits(one, net().fit(X, Y, weights * rows))
    for weight in (np.ones(40), weights):
        balanced = {  # rounded as "balanced" is, whatever weights were drawn
            label: float(np.float32(weight.sum() / (3 * weight[label == Y].sum())))
            for label in by_class
        }
        assert same_bits(
            net(class_weight="balanced").fit(X, Y, weight),
            net(class_weight=balanced).fit(X, Y, weight),
        )
    assert not same_bits(net(class_weight="balanced").fit(X, Y), net().fit(X, Y))


def test_early_stopping_keeps_the_best_epoch():
    settings = {
        "early_stopping": True,
        "validation_fraction": 0.3,
        "n_iter_no_change": 3,
        "max_iter": 60,
        "batch_size": 8,
    }
    model = net(**settings).fit(X, Y)
    best = int(np.argmax(model.validation_scores_))
    assert best + 1 < model.n_iter_ == len(model.validation_scores_) < 60
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ is None
    shorter = net(**settings | {"max_iter": best + 1}).fit(X, Y)
    assert same_bits(model, shorter)
    n_validation = round(0.3 * 40)
    assert {round(score * n_validation, 9) % 1 for score in model.validation_scores_} == {0.0}


def test_held_out_rows_are_scored_with_their_weights():
    """Only one class has a noticeable weight: every score is close to 0 or 1."""
    weight = np.where(Y == "oak", 1.0, 1e-6)
    model = net(early_stopping=True, validation_fraction=0.3).fit(X, Y, weight)
    assert all(
        min(score, 1 - score) < 1e-4 or score * (Y == "oak").sum() > 0.5
        for score in model.validation_scores_
    )
    assert model.validation_scores_[-1] > 0.99


def test_partial_fit_is_fit_in_pieces():
    """One epoch per call, with a continued optimizer state: the same bits as one fit."""
    full = net(dropout=0.2, batch_size=8, max_iter=4).fit(X, Y)
    pieces = net(dropout=0.2, batch_size=8).partial_fit(X, Y, classes=["yew", "oak", "ash"])
    for _ in range(3):
        pieces.partial_fit(X, Y)
    assert same_bits(full, pieces)
    assert pieces.loss_curve_ == full.loss_curve_
    assert pieces.n_iter_ == 1


def test_partial_fit_over_batches_that_lack_classes():
    model = net(learning_rate_init=0.02)
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    order = np.argsort(y, kind="stable").reshape(4, 10)
    for _ in range(60):
        for rows in order:
            model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert model.score(X, y) > 0.8


def test_warm_start_goes_on_from_the_weights():
    model = net(warm_start=True, max_iter=3).fit(X, Y)
    before = model.model_.get_weights()
    model.set_params(learning_rate_init=1e-30).fit(X, Y)
    for was, now in zip(before, model.model_.get_weights(), strict=True):
        close(now, was, FLOAT32)
    assert (model.n_iter_, len(model.loss_curve_)) == (3, 6)
    assert model.loss_curve_[3] < model.loss_curve_[0]
    cold = net(max_iter=3).fit(X, Y).fit(X, Y)
    assert len(cold.loss_curve_) == 3


def test_layers_of_ones_own():
    images = RNG.normal(size=(40, 16))
    layers = [
        Reshape((4, 4)),
        BatchNormalization(),
        Flatten(),
        Dense(4, activation="relu"),
        Dropout(0.1),
    ]
    model = net(layers=layers).fit(images, Y)
    assert model.predict_proba(images).shape == (40, 3)
    with pytest.raises(
        AttributeError,
        match=r"coefs_: expected a network of Dense layers\. Received: others=\['reshape_1', ",
    ):
        _ = model.coefs_
    plain = net(layers=[Dense(5, activation="relu")], alpha=0).fit(X, Y)
    assert same_bits(plain, net(alpha=0).fit(X, Y))
    assert same_bits(net(layers=[]).fit(X, Y), net(hidden_layer_sizes=()).fit(X, Y))


def test_alpha_counts_for_the_last_layer_alone_where_layers_are_given():
    costs = [
        view.kernel_regularizer
        for view in net(layers=[Dense(5)], alpha=0.4).fit(X, Y).model_.layers
    ]
    assert costs[0] is None
    assert costs[1].l2 == pytest.approx(0.4 / (2 * 40))


def test_a_fit_that_ends_at_max_iter_warns():
    with pytest.warns(
        ConvergenceWarning,
        match=r"NeuralClassifier: expected to converge in 2 epochs\. Received: loss=.*Raise max_iter",
    ):
        net(max_iter=2).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net(max_iter=30, tol=10, n_iter_no_change=2).fit(X, Y)
        net().partial_fit(X, Y, classes=np.unique(Y))
