"""NeuralRegressor: targets of any size, several targets, weights, and real data."""

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glassnet.estimators import NeuralRegressor
from oracles import LOOSE, close

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]
QUICK = {"hidden_layer_sizes": (5,), "max_iter": 25, "learning_rate_init": 0.05, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def net(**settings):
    return NeuralRegressor(**QUICK | settings)


@pytest.mark.slow
def test_real_rows():
    """Oracle: scikit-learn's network with a standardized target, averaged over five seeds.

    The score of one seed varies by +-0.02.
    """
    rows, targets = load_diabetes(return_X_y=True)
    folds = KFold(5, shuffle=True, random_state=0)

    def mean_score(make):
        models = (
            make(
                hidden_layer_sizes=(32,),
                learning_rate_init=0.01,
                early_stopping=True,
                random_state=seed,
            )
            for seed in range(5)
        )
        return np.mean(
            [
                cross_val_score(
                    make_pipeline(StandardScaler(), model), rows, targets, cv=folds
                ).mean()
                for model in models
            ]
        )

    scaled = mean_score(
        lambda **settings: TransformedTargetRegressor(
            MLPRegressor(**settings), transformer=StandardScaler()
        )
    )
    assert abs(mean_score(NeuralRegressor) - scaled) < 0.04


@pytest.mark.parametrize(("scale", "shift"), [(1e5, 3e5), (1e-5, 0.0), (1.0, 1e9)])
def test_targets_of_any_size_are_learned_alike(scale, shift):
    """The losses and R^2 are the same; float32 cannot represent 1e9 + 1 without the scaling."""
    plain, far = net().fit(X, Y), net().fit(X, scale * Y + shift)
    close(far.loss_curve_, plain.loss_curve_, LOOSE)
    close((far.predict(X) - shift) / scale, plain.predict(X), LOOSE)
    assert plain.loss_curve_[-1] < 0.5 * plain.loss_curve_[0]


def test_what_is_learned_of_the_target():
    """By hand, weights 1, 1, 2: mean (0 + 2 + 2 * 5) / 4 = 3, variance (9 + 1 + 2 * 4) / 4 = 4.5."""
    model = net(max_iter=1).fit(X[:3], [0.0, 2.0, 5.0], [1, 1, 2])
    assert model.target_mean_ == 3
    assert model.target_scale_ == pytest.approx(4.5**0.5)
    assert model.loss_curve_[0] == model.model_.history.history["loss"][0]
    constant = net(max_iter=1).fit(X, np.full(40, 1e7 + 0.1))
    assert (constant.target_mean_, constant.target_scale_) == (pytest.approx(1e7 + 0.1), 1)


def test_the_rows_held_out_do_not_standardise():
    model = net(early_stopping=True, validation_fraction=0.5).fit(X, Y)
    assert model.target_mean_ != Y.mean()
    assert model.best_validation_score_ == max(model.validation_scores_) > 0.5


def test_several_targets():
    """Each target has its own mean and scale: one with a million times larger units trains too."""
    both = np.column_stack([Y, 1e6 * np.abs(X[:, 0])])
    model = net(max_iter=150, hidden_layer_sizes=(16,)).fit(X, both)
    assert model.n_outputs_ == 2
    assert model.predict(X).shape == (40, 2)
    scores = r2_score(both, model.predict(X), multioutput="raw_values")
    assert scores.min() > 0.9


def test_weights_are_repetitions_to_the_bit_in_a_full_batch():
    weight = RNG.integers(0, 4, 40)
    repeated = RNG.permutation(np.repeat(np.arange(40), weight))
    one, two = (
        net(batch_size="full", alpha=0.1).fit(X, Y, weight),
        net(batch_size="full", alpha=0.1).fit(X[repeated], Y[repeated]),
    )
    assert np.array_equal(one.predict(X), two.predict(X))
    assert not np.array_equal(
        one.predict(X), net(batch_size="full", alpha=0.1).fit(X, Y).predict(X)
    )


def test_held_out_rows_are_scored_with_their_weights():
    """Every other target is noise with a weight of 1e-6; an unweighted score would be about 0."""
    y = np.where(np.arange(40) % 2, Y, 50 * RNG.normal(size=40))
    model = net(early_stopping=True, validation_fraction=0.4, max_iter=150).fit(
        X, y, np.where(np.arange(40) % 2, 1.0, 1e-6)
    )
    assert model.best_validation_score_ > 0.5


def test_partial_fit_keeps_the_first_batch_s_units():
    model = net(learning_rate_init=0.02)
    for _ in range(40):
        for rows in np.arange(40).reshape(4, 10):
            model.partial_fit(X[rows], 1e4 * Y[rows])
    assert model.target_mean_ == pytest.approx(1e4 * Y[:10].mean())
    assert model.score(X, 1e4 * Y) > 0.9


def test_warm_start_keeps_the_units_of_the_first_fit():
    model = net(warm_start=True).fit(X, Y)
    predicted, mean = model.predict(X), model.target_mean_
    model.set_params(learning_rate_init=1e-30).fit(X, Y + 100)
    assert model.target_mean_ == mean
    close(model.predict(X), predicted, LOOSE)
