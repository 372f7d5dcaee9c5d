"""Predictions of rows by the networks that have not seen them, and scores beside scikit-learn's."""

import re
from dataclasses import replace

import numpy as np
import pytest
from sklearn import model_selection as splitters
from sklearn.datasets import load_iris
from sklearn.metrics import log_loss

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.errors import DataError
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.evaluation.resampled_tests import corrected_interval
from glassnet.layers import Dense, Dropout, Input
from glassnet.optimizers import Adam
from glassnet.selection import cross_validate
from single_fits import dense_net, make_numbers, make_table, take_x

NUMBERS = make_numbers()
N = len(NUMBERS.y)
QUICK = {"epochs": 3, "batch_size": 8, "verbose": 0}


@pytest.fixture(scope="module")
def result():
    return cross_validate(dense_net(Dropout(0.2)), NUMBERS.x, NUMBERS.y, folds=3, **QUICK)


def test_each_row_is_predicted_once(result):
    """Oracle: `predict` of the network whose training rows do not include the row."""
    tested = np.concatenate(result.test_rows)
    np.testing.assert_array_equal(np.sort(tested), np.arange(N))
    assert result.predictions.shape == (N, 3)
    for rows, trained, model in zip(
        result.test_rows, result.train_rows, result.models, strict=True
    ):
        assert not np.isin(rows, trained).any()
        expected = model.predict(NUMBERS.x[rows], verbose=0)
        np.testing.assert_allclose(result.predictions[rows], expected, rtol=1e-5, atol=1e-6)


def test_scores_are_those_of_the_predictions(result):
    """Oracle: counting, and scikit-learn's log_loss."""
    for k, rows in enumerate(result.test_rows):
        hits = result.predictions[rows].argmax(1) == NUMBERS.y[rows]
        assert result.scores[k] == pytest.approx(hits.mean())
        shares = result.predictions[rows].astype(float)
        shares /= shares.sum(1, keepdims=True)
        expected = log_loss(NUMBERS.y[rows], shares, labels=range(3))
        assert result.all_scores["loss"][k] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("k", range(3))
def test_fit_gives_the_network_of_a_fold_again(result, k):
    """Oracle: `fit`, called as the documentation says."""
    model = dense_net(Dropout(0.2))
    model.reset(int(result.seeds[k]))
    rows = result.train_rows[k]
    model.fit(NUMBERS.x[rows], NUMBERS.y[rows], **QUICK)
    for one, other in zip(model.get_weights(), result.models[k].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_the_same_call_gives_the_same_bits(result):
    again = cross_validate(dense_net(Dropout(0.2)), NUMBERS.x, NUMBERS.y, folds=3, **QUICK)
    np.testing.assert_array_equal(again.predictions, result.predictions)
    np.testing.assert_array_equal(again.scores, result.scores)


def test_repeats_are_averaged():
    """Oracle: the mean of the predictions of two networks for each row."""
    result = cross_validate(dense_net(), NUMBERS.x, NUMBERS.y, folds=3, repeats=2, **QUICK)
    assert len(set(result.seeds.tolist())) == result.n_folds == 6
    total = np.zeros((N, 3))
    for rows, model in zip(result.test_rows, result.models, strict=True):
        total[rows] += model.predict(NUMBERS.x[rows], verbose=0)
    np.testing.assert_allclose(result.predictions, total / 2, rtol=1e-4, atol=1e-6)


def test_rows_that_no_fold_tests_have_no_prediction():
    pairs = [(np.arange(10, N), np.arange(5)), (np.arange(20), np.arange(20, 30))]
    result = cross_validate(dense_net(), NUMBERS.x, NUMBERS.y, folds=pairs, **QUICK)
    tested = np.r_[0:5, 20:30]
    assert np.isfinite(result.predictions[tested]).all()
    untested = np.setdiff1d(np.arange(N), tested)
    assert np.isnan(result.predictions[untested]).all()
    np.testing.assert_array_equal(result.tested_rows, tested)


def test_groups_and_rows_without_a_target():
    """Positions count the rows of the table, also if some rows have no target."""
    rows = make_table(target="sold")
    frame, n = rows.x.copy(), len(rows.x)
    missing = np.array([2, 3, 17, 40])
    frame.loc[missing, "sold"] = None
    groups = np.arange(n) // 3
    model = gn.Sequential([Dense(4, "tanh"), Dense(1, "sigmoid")], seed=0)
    result = cross_validate(model, frame, target="sold", folds=3, groups=groups, **QUICK)
    assert np.isnan(result.predictions[missing]).all()
    assert np.isfinite(np.delete(result.predictions, missing)).all()
    for train, test in zip(result.train_rows, result.test_rows, strict=True):
        assert not set(groups[train]) & set(groups[test])
        assert not np.isin(missing, np.r_[train, test]).any()
    rows, k = result.test_rows[1], 1
    expected = result.models[k].predict(take_x(frame, rows), verbose=0)
    np.testing.assert_allclose(result.predictions[rows], expected, rtol=1e-5, atol=1e-6)


def test_groups_that_leak_are_named():
    names = np.array(["anna", "ben", "carl"])[np.arange(N) % 3]
    text = r"^cross_validate: expected no group in both parts of fold 1. .*anna, ben, carl"
    with pytest.raises(DataError, match=text):
        cross_validate(
            dense_net(), NUMBERS.x, NUMBERS.y, folds=splitters.KFold(3), groups=names, **QUICK
        )


def test_intervals_end_at_0_and_1(result):
    """Oracle: `corrected_interval`, which knows no limits; and a loss, which has none above."""
    sizes = [[len(rows) for rows in parts] for parts in (result.train_rows, result.test_rows)]
    low, high = corrected_interval(result.scores, *map(np.array, sizes))
    assert low < 0
    assert result.interval == pytest.approx((0, high))
    losses = replace(result, score_name="loss", scores=5 * result.scores)
    assert losses.interval == pytest.approx((0, 5 * high))
    other = replace(result, score_name="my_metric")
    assert other.interval == pytest.approx((low, high))
    assert losses.interval[1] > 1


def test_one_fold_has_no_interval():
    pair = [(np.arange(20), np.arange(20, 30))]
    result = cross_validate(dense_net(), NUMBERS.x, NUMBERS.y, folds=pair, **QUICK)
    assert result.interval is None
    assert re.fullmatch(r"accuracy 0\.\d{3} over 1 fold of 10 rows", result.title)


def test_callbacks_that_watch_test_rows_are_mentioned():
    """Without validation rows, a fold stops when its test score is best, and the result says so."""
    options = QUICK | {"callbacks": EarlyStopping(patience=1)}
    result = cross_validate(dense_net(), NUMBERS.x, NUMBERS.y, folds=3, **options)
    assert any("optimistic" in note for note in result.notes)
    assert "optimistic" in str(result)
    result = cross_validate(
        dense_net(), NUMBERS.x, NUMBERS.y, folds=3, validation_split=0.2, **options
    )
    assert not result.notes


IRIS = load_iris(return_X_y=True)
SCALED = ((IRIS[0] - IRIS[0].mean(0)) / IRIS[0].std(0)).astype(np.float32)
N_SEEDS, N_EPOCHS = 10, 20
SAME = {"hidden_layer_sizes": (16,), "alpha": 0, "batch_size": 16, "max_iter": N_EPOCHS}
SAME |= {"learning_rate_init": 0.01, "n_iter_no_change": N_EPOCHS}
PAIRS = list(splitters.StratifiedKFold(3, shuffle=True, random_state=0).split(*IRIS))


def losses_of_scikit_learn(estimator, y, scoring):
    """Return the mean losses of folds, one for each seed: scikit-learn's `cross_validate`."""
    means = []
    for seed in range(N_SEEDS):
        estimator.set_params(random_state=seed)
        scores = splitters.cross_validate(estimator, SCALED, y, cv=PAIRS, scoring=scoring)
        means.append(-scores["test_score"].mean())
    return np.array(means)


def losses_of_folds(model, y, epochs):
    """Return the mean losses of the same folds, one for each seed."""
    means = []
    for seed in range(100, 100 + 10 * N_SEEDS, 10):
        options = {"epochs": epochs, "batch_size": 16, "verbose": 0, "seed": seed}
        result = cross_validate(model, SCALED, y, folds=PAIRS, **options)
        means.append(result.all_scores["loss"].mean())
    return np.array(means)


def is_same_mean(ours, others):
    """Return whether means differ by less than three standard errors, which the seeds cause."""
    error = np.sqrt((ours.var(ddof=1) + others.var(ddof=1)) / N_SEEDS)
    return abs(ours.mean() - others.mean()) < 3 * error


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_scores_agree_with_those_of_scikit_learn(kind):
    """Oracle: scikit-learn's `cross_validate` over the estimators, on the same splits.

    With half of the epochs, the scores must not agree: the noise is small enough to see that.
    """
    if kind == "classes":
        y, scoring, loss = IRIS[1], "neg_log_loss", "sparse_categorical_crossentropy"
        estimator, last = NeuralClassifier(**SAME), Dense(3, "softmax")
    else:
        y, scoring, loss = SCALED[:, 2] - SCALED[:, 3] ** 2, "neg_mean_squared_error", "mse"
        estimator, last = NeuralRegressor(**SAME), Dense(1)
    model = gn.Sequential([Input(4), Dense(16, "relu"), last], seed=0)
    model.compile(Adam(0.01), loss)
    others = losses_of_scikit_learn(estimator, y, scoring)
    assert is_same_mean(losses_of_folds(model, y, N_EPOCHS), others)
    assert not is_same_mean(losses_of_folds(model, y, N_EPOCHS // 2), others)


def test_a_score_that_single_rows_do_not_have_is_explained():
    """Oracle: R2 is undefined for one row, but the training of every fold has ended."""
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse", ["r2_score"])
    x = NUMBERS.x[:4]
    options = {"folds": splitters.LeaveOneOut(), **QUICK}
    result = cross_validate(model, x, x[:, 0], **options)
    text = str(result)
    assert result.title == "r2_score is not a number in 4 folds of 4 rows"
    assert "fold 1: 3 training and 1 test row, 3 epochs, r2_score nan" in text
    assert "R2 is a number only if the targets differ. With fewer folds" in text
    assert len(result.models) == 4
    assert np.isfinite(result.predictions).all()
    curve = gn.selection.validation_curve(model, x, x[:, 0], "l2", [0.1, 0.2], **options)
    assert curve.title == "no score: with every value, r2 score is not a number"
    assert "R2 is a number only if the targets differ." in str(curve)
    swept = gn.selection.sweep(model, x, x[:, 0], {"l2": [0.1, 0.2]}, **options)
    assert "(r2_score is nan. R2 is a number only if the targets differ)" in str(swept)


def test_folds_that_failed_are_not_counted_in_the_mean():
    """A target of 1e30 makes the loss infinite in the folds that train on it."""
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(gn.optimizers.SGD(0.1), "mse", ["mae"])
    y = NUMBERS.x[:, 0].copy()
    y[5] = 1e30
    result = cross_validate(model, NUMBERS.x, y, folds=3, **QUICK)
    rows = f"of 3 folds of {N} rows; the training of 2 failed"
    assert re.fullmatch(rf"mae \S+ over 1 {rows}", result.title)
    assert "A lower learning rate" in str(result)
    assert "The mean leaves out the folds that failed" in str(result)
