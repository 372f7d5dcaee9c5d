"""Verification of remedies: the scores must be those of fits by hand, and the test that of SciPy."""

import copy
import json
import math
import signal
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from scipy import stats

import glassnet as gn
from glassnet import keras
from glassnet.data.split import RowSplit
from glassnet.doctor.changes import (
    InsertLayer,
    ScalePenalties,
    SetLearningRate,
    SetLoss,
    SetOutputActivation,
)
from glassnet.doctor.findings import Finding
from glassnet.errors import ArgumentError, ConfigError, DataError
from glassnet.estimators import NeuralClassifier
from glassnet.layers import Dense, Dropout, Flatten
from glassnet.losses import BinaryCrossentropy
from glassnet.optimizers import SGD
from glassnet.regularizers import L2
from glassnet.selection import verification
from glassnet.selection.runs import INTERRUPTED

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
Y = (X[:, 0] + 0.5 * RNG.normal(size=120) > 0).astype(np.int64)
FASTER = SetLearningRate(0.3)


def make_finding(change=None, **fit_arguments):
    return Finding("a_rule", "", "", {}, "Do it.", change=change, fit_arguments=fit_arguments)


def make_model(rate=0.001, *, penalty=None, loss="binary_crossentropy", metrics=("accuracy",)):
    hidden = Dense(4, activation="tanh", kernel_regularizer=penalty)
    model = gn.Sequential([hidden, Dense(1, activation="sigmoid")], seed=3)
    model.compile(SGD(rate), loss, list(metrics))
    return model


def verify(change, model, y=Y, fit_arguments=None, **options):
    finding = make_finding(change, **(fit_arguments or {}))
    options = {"epochs": 3, "batch_size": 32, "verbose": 0} | options
    return verification.verify(finding, model, X, y, **options)


def fit_by_hand(model, pair, **options):
    """Return the scores of the rows that a pair holds out, by `fit` and `evaluate`."""
    train, test = RowSplit(0.2, "random", 3 + pair).split(len(X), Y)
    model.reset(3 + pair)
    options = {"epochs": 3, "batch_size": 32, "verbose": 0} | options
    model.fit(X[train], Y[train], **options)
    return model.evaluate(X[test], Y[test], return_dict=True, verbose=0), model, test


@pytest.fixture(scope="module")
def helpful():
    return verify(FASTER, make_model())


def test_scores_are_those_of_pairs_of_fits_by_hand(helpful):
    """Oracle: `fit` to the same rows with the same seed, and `evaluate`."""
    by_hand = [
        [fit_by_hand(make_model(rate), k)[0]["loss"] for k in range(5)] for rate in (0.001, 0.3)
    ]
    np.testing.assert_allclose(helpful.scores, by_hand, rtol=2e-6)
    assert helpful.n_train.tolist() == [96] * 5
    assert helpful.n_test.tolist() == [24] * 5


def corrected_interval(d):
    """Return the 95 % interval by SciPy, with Nadeau and Bengio's correction of the variance."""
    error = np.sqrt((1 / len(d) + 24 / 96) * d.var(ddof=1))
    p_value = 2 * stats.t(len(d) - 1).sf(abs(d.mean()) / error)
    return np.array(stats.t(len(d) - 1, d.mean(), error).interval(0.95)), p_value


def test_the_ratio_of_losses_is_tested_by_the_corrected_t_test(helpful):
    """Oracle: SciPy."""
    d = np.log(helpful.scores[1]) - np.log(helpful.scores[0])
    interval, p_value = corrected_interval(d)
    np.testing.assert_allclose(helpful.interval, np.exp(interval))
    assert helpful.ratio == pytest.approx(np.exp(d.mean()))
    assert helpful.difference == pytest.approx(np.mean(helpful.scores[0] - helpful.scores[1]))
    assert helpful.p_value == pytest.approx(p_value)
    assert helpful.helped is True


def test_the_difference_of_other_scores_is_tested(helpful):
    """Oracle: SciPy."""
    scores = np.random.default_rng(1).uniform(0.5, 0.6, (2, 5)) + [[0.0], [0.1]]
    result = replace(helpful, scores=scores, score_name="accuracy", greater_is_better=True)
    interval, _ = corrected_interval(scores[0] - scores[1])
    np.testing.assert_allclose(result.interval, interval)
    assert not result.is_relative
    ends = " to ".join(f"{abs(each):.3g}" for each in interval[::-1])
    assert result.title.endswith(f"95 % interval of the difference {ends}")
    below_zero = replace(helpful, scores=-scores)
    np.testing.assert_allclose(below_zero.interval, -interval[::-1])
    assert below_zero.helped is True


def test_the_words_state_the_finding(helpful):
    low, high = (f"{100 * (1 - ratio):.2g}" for ratio in helpful.interval[::-1])
    assert helpful.title == (
        f"The remedy helps: loss {helpful.means[1]:.3f} instead of {helpful.means[0]:.3f}; "
        f"it falls by {low} to {high} % (95 % interval)"
    )
    lines = str(helpful).splitlines()
    assert lines[1] == "Remedy: Set the learning rate to 0.3"
    assert lines[2] == (
        "5 pairs of runs, each on the same 96 rows with the same seed, scored on 24 other rows"
    )
    assert lines[3].startswith(
        f"loss with the remedy / without it: {helpful.ratio:.3f}, 95 % interval 0."
    )


def test_numbers_models_and_histories(helpful):
    frame = helpful.to_frame()
    assert list(frame.columns) == ["seed", "n_train", "n_test", "without", "with", "difference"]
    assert frame["seed"].tolist() == [3, 4, 5, 6, 7]
    before, after = helpful.models
    assert (before.learning_rate, after.learning_rate) == pytest.approx((0.001, 0.3))
    assert [len(histories) for histories in helpful.histories] == [5, 5]
    assert len(helpful.histories[1][0].history["val_loss"]) == 3
    json.dumps(helpful.to_dict(), default=np.ndarray.tolist)


def test_the_model_stays_as_it_is():
    model = make_model()
    model.fit(X, Y, epochs=2, batch_size=60, verbose=0)
    weights, before = model.get_weights(), copy.copy(vars(model))
    result = verification.verify(make_finding(FASTER), model, X, Y, seeds=3, verbose=0)
    assert vars(model) == before
    assert all(map(np.array_equal, model.get_weights(), weights))
    params = [history.params for histories in result.histories for history in histories]
    assert {(each["epochs"], each["batch_size"]) for each in params} == {(2, 60)}


def test_a_model_whose_last_fit_used_all_rows_at_once_does_so_again():
    model = make_model()
    model.fit(X, Y, epochs=2, batch_size="full", verbose=0)
    result = verification.verify(make_finding(FASTER), model, X, Y, seeds=3, verbose=0)
    assert result.histories[0][0].params["batch_size"] == 96


def test_a_remedy_that_does_harm():
    result = verify(SetLearningRate(0.0001), make_model(0.3))
    assert result.helped is False
    low, high = result.interval
    assert result.title.startswith("The remedy does harm: loss 0.")
    assert result.title.endswith(f"it is {low:.2f} to {high:.2f} times as high (95 % interval)")
    assert result.difference < 0
    assert result.ratio > 1


def test_a_remedy_that_changes_noise(helpful):
    """Oracle: the fall that would be the end of an interval as wide as this."""
    scores = np.random.default_rng(2).uniform(0.5, 0.6, (2, 5))
    result = replace(helpful, scores=scores)
    assert result.helped is None
    low, high = result.interval
    assert low < 1 < high
    visible = 100 * (1 - (low / high) ** 0.5)
    assert result.title == (
        f"The remedy makes no difference that these runs can show: loss {result.means[1]:.3f} "
        f"with the remedy, {result.means[0]:.3f} without; "
        f"only a fall by more than {visible:.2g} % would show"
    )
    other = replace(result, score_name="accuracy", greater_is_better=True)
    low, high = other.interval
    assert other.title.endswith(f"a difference of more than {(high - low) / 2:.4f} would show")


@pytest.mark.parametrize("option", [{"epochs": 6}, {"class_weight": {0: 1.0, 1: 3.0}}])
def test_arguments_of_fit_are_part_of_the_remedy(option):
    """Oracle: `fit` with these arguments."""
    result = verify(None, make_model(0.3), fit_arguments=option, seeds=3, metric="loss")
    by_hand = [
        [fit_by_hand(make_model(0.3), k, **each)[0]["loss"] for k in range(3)]
        for each in ({}, option)
    ]
    np.testing.assert_allclose(result.scores, by_hand, rtol=2e-6)
    assert result.remedy == "Train with " + ", ".join(f"{k}={v}" for k, v in option.items())


def test_callbacks_are_part_of_the_remedy():
    """Oracle: `fit` with the callback."""
    option = {"callbacks": [gn.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5)]}
    result = verify(None, make_model(0.01), fit_arguments=option, seeds=3)
    by_hand = [
        [fit_by_hand(make_model(0.01), k, **each)[0]["loss"] for k in range(3)]
        for each in ({}, option)
    ]
    np.testing.assert_allclose(result.scores, by_hand, rtol=2e-6)


def test_weights_of_classes_are_scored_by_each_class():
    """Oracle: scikit-learn's balanced accuracy."""
    from sklearn.metrics import balanced_accuracy_score

    y = (X[:, 0] > 1).astype(np.int64)
    result = verify(None, make_model(0.3), y, {"class_weight": "balanced"}, seeds=3)
    assert result.score_name == "balanced accuracy"
    model, test = result.models[1], result.results[1][0].run.test_rows
    score = balanced_accuracy_score(y[test], model.predict_labels(X[test]))
    assert result.scores[1, 0] == pytest.approx(score)
    assert result.greater_is_better


def test_penalties_do_not_count():
    """Oracle: the loss of `evaluate`, less the penalty by hand."""
    model = make_model(0.3, penalty=L2(0.1))
    result = verify(ScalePenalties(0), model, seeds=3)
    assert result.score_name == "loss without penalties"
    scores, fitted, _ = fit_by_hand(model, 0)
    penalty = 0.1 * (fitted.params["dense_1"]["kernel"] ** 2).sum()
    assert result.scores[0, 0] == pytest.approx(scores["loss"] - penalty, rel=1e-5)


def test_another_loss_is_compared_by_a_score_that_both_have():
    """Oracle: `evaluate` of the changed model."""
    change = SetLoss("binary_crossentropy")
    result = verify(change, make_model(0.3, loss="mse", metrics=()), seeds=3)
    assert result.score_name == "accuracy"
    by_hand = [fit_by_hand(make_model(0.3), k)[0]["accuracy"] for k in range(3)]
    np.testing.assert_allclose(result.scores[1], by_hand)
    result = verify(change, make_model(0.3, loss="mse", metrics=["mae"]), seeds=3)
    assert result.score_name == "mae"
    with pytest.raises(ConfigError, match=r"with and without the remedy, \['mae'\].*metric='loss'"):
        verify(change, make_model(0.3, loss="mse", metrics=["mae"]), metric="loss")


def test_numbers_are_compared_by_the_mean_absolute_error():
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(SGD(0.1), "mse")
    result = verify(SetLoss("huber"), model, X[:, 0] * 2, seeds=3)
    assert result.score_name == "mae"
    assert np.isfinite(result.scores).all()


def test_the_user_can_choose_the_score():
    result = verify(FASTER, make_model(), seeds=3, metric="accuracy")
    assert result.score_name == "accuracy"
    assert result.greater_is_better
    assert result.helped in (None, True)


@pytest.mark.parametrize(
    ("rates", "helped", "text"),
    [
        (
            (1e30, 0.01),
            True,
            "The remedy helps: 5 of 5 runs fail without it, and no run fails with",
        ),
        (
            (0.01, 1e30),
            False,
            "The remedy does harm: no run fails without it, and 5 of 5 runs fail",
        ),
        ((1e30, 2e30), None, "The remedy makes no difference that these runs can show: every run"),
    ],
)
def test_a_run_that_is_not_finite_loses(rates, helped, text):
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1)], seed=3)
    model.compile(SGD(rates[0]), "mse")
    result = verify(SetLearningRate(rates[1]), model, epochs=5)
    assert result.helped is helped
    assert result.title.startswith(text)
    assert result.interval is None
    assert math.isnan(result.p_value)
    assert "the loss is not finite" in str(result)


def with_scores(result, before, after):
    return replace(result, scores=np.array([before, after], float))


def test_pairs_are_counted_if_runs_fail(helpful):
    """Oracle: the definition of `helped`."""
    bad = math.nan
    assert with_scores(helpful, [bad, bad, 0.7, 0.7, 0.7], [0.5] * 5).helped is True
    assert with_scores(helpful, [bad, bad, 0.7, 0.7, 0.4], [0.5] * 5).helped is None
    assert with_scores(helpful, [bad] * 5, [bad, 0.5, 0.5, 0.5, 0.5]).helped is None
    assert 0.6 < helpful.constant < 0.7
    diverged = with_scores(helpful, [1e3, 1e12, 7.0, 1e7, 200.0], [0.5] * 5)
    assert diverged.helped is True
    assert "5 of 5 runs fail without it" in diverged.title
    mixed = with_scores(helpful, [bad, bad, 0.7, 0.7, 0.4], [0.5] * 5)
    assert mixed.title.endswith("it is better in 4 pairs and worse in 1")


def test_equal_scores_and_equal_differences(helpful):
    same = with_scores(helpful, [0.5] * 5, [0.5] * 5)
    assert same.helped is None
    assert same.title.endswith("the scores are equal in all pairs")
    shifted = with_scores(helpful, [0.7] * 5, [0.5] * 5)
    assert shifted.helped is True
    assert shifted.title.endswith("the scores are apart by the same amount in all pairs")


@pytest.mark.parametrize("fit_arguments", [{}, {"validation_split": 0.2}])
def test_ctrl_c_gives_no_answer(fit_arguments):
    """All runs at once, or first those without the remedy."""
    pressed = []

    class PressOnce(gn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            if not pressed:
                pressed.append(epoch)
                signal.raise_signal(signal.SIGINT)

    result = verify(
        FASTER, make_model(), seeds=3, callbacks=[PressOnce()], fit_arguments=fit_arguments
    )
    assert result.helped is None
    assert result.title == "No answer: Ctrl-C ended the training"


def test_a_run_that_ctrl_c_has_ended_is_named(helpful):
    broken = [replace(run, problem=INTERRUPTED) for run in helpful.results[1]]
    result = replace(helpful, results=(helpful.results[0], tuple(broken)))
    assert result.helped is None
    assert result.title == "No answer: Ctrl-C ended the training"
    assert "seed 3, interrupted by Ctrl-C" in str(result)


def test_noise_is_seldom_taken_for_help():
    """Oracle: the level of the test, 5 %, for differences of independent normal numbers."""
    rng, n = np.random.default_rng(1), 2000
    template = verify(FASTER, make_model(), seeds=3, epochs=1)
    noise = rng.normal(0.6, 0.05, size=(n, 2, 3))
    verdicts = [replace(template, scores=scores).helped for scores in noise]
    share = np.mean([verdict is not None for verdict in verdicts])
    assert share < 0.05


def test_models_with_keras_layout_are_verified():
    """Oracle: `glassnet.Sequential`."""
    layers = [keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(layers, seed=3)
    model.compile(keras.optimizers.SGD(0.001), "binary_crossentropy", ["accuracy"])
    result = verify(FASTER, model, seeds=3)
    np.testing.assert_array_equal(result.scores, verify(FASTER, make_model(), seeds=3).scores)


def test_windows_of_a_series_are_held_out_at_the_end():
    import pandas as pd

    times = pd.date_range("2024-01-01", periods=120, freq="D")
    table = pd.DataFrame({"day": times, "value": np.sin(np.arange(120) / 5)})
    model = gn.Sequential([Flatten(), Dense(1)], seed=0)
    model.compile(SGD(0.001), "mse")
    series = gn.data.series(table, "value", time="day", length=8)
    result = verification.verify(
        make_finding(SetLearningRate(0.1)), model, series, seeds=3, epochs=3, verbose=0
    )
    rows = [run.run.test_rows for run in result.results[0]]
    assert all(np.array_equal(each, rows[0]) for each in rows)
    assert rows[0].min() > result.results[0][0].run.train_rows.max()


def test_a_table_with_its_target_is_verified():
    import pandas as pd

    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.where(Y > 0, "yes", "no")})
    result = verification.verify(
        make_finding(FASTER), make_model(), table, target="kind", seeds=3, epochs=2, verbose=0
    )
    assert result.scores.shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"finding": make_finding()}, ConfigError, r"remedy that code can apply.*'a_rule'. Do it."),
        ({"finding": "raw_scale"}, ConfigError, r"expected a finding.*history.findings\[0\]"),
        ({"model": 3}, ConfigError, "verify: expected a model as the first argument"),
        ({"model": NeuralClassifier()}, ConfigError, "Estimators have scikit-learn's own tools"),
        ({"seeds": 2}, ConfigError, "seeds to be an int >= 3. Received: seeds=2. The spread of"),
        ({"test_size": 1.5}, ConfigError, "test_size between 0 and 1"),
        ({"metric": "mae"}, ConfigError, r"\['loss', 'accuracy'\]. Received: metric='mae'"),
        ({"epoch": 3}, ArgumentError, "Did you mean 'epochs'"),
        ({"validation_data": (X, Y)}, ConfigError, "no validation_data"),
        ({"x": X[:20], "y": Y[:20]}, DataError, "at least 5 rows to hold out.*rows=20"),
        ({"y": np.zeros(120, int)}, DataError, "at least two classes. Received: classes=1"),
        ({"x": [(X, Y)], "y": None}, DataError, "expected rows, which can be divided into folds"),
        (
            {"finding": make_finding(SetOutputActivation("softmax"))},
            ConfigError,
            "BinaryCrossentropy: expected a network that ends in sigmoid",
        ),
        (
            {"finding": make_finding(InsertLayer(Dropout(0.3), after="dense_9"))},
            ConfigError,
            "InsertLayer: layer: expected one of dense_1, dense_2",
        ),
    ],
)
def test_what_cannot_be_verified_is_refused(options, error, text):
    arguments = {"finding": make_finding(FASTER), "model": make_model(), "x": X, "y": Y} | options
    with pytest.raises(error, match=text):
        verification.verify(**arguments, verbose=0)


def test_a_finding_verifies_itself():
    finding = make_finding(FASTER)
    with mock.patch.object(verification, "verify") as function:
        finding.verify("model", X, Y, seeds=3)
    function.assert_called_once_with(finding, "model", X, Y, seeds=3)


def test_the_plot_names_both_sides_and_the_pairs(helpful):
    figure = helpful.plot()
    left, right = figure.axes
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["without", "with the remedy"]
    assert left.get_xlabel() == "a line for each pair; diamonds are means"
    assert right.get_xticklabels()[0].get_text() == "pairs"
    assert right.get_ylabel() == "ratio of the loss,\nwith the remedy / without"
    ratios = helpful.scores[1] / helpful.scores[0]
    np.testing.assert_allclose(right.lines[1].get_ydata(), ratios)
    assert right.lines[-1].get_ydata() == [helpful.ratio]
    assert helpful.title in figure.get_suptitle().replace("\n", " ")
    broken = with_scores(helpful, [math.nan] * 5, [0.5] * 5)
    assert broken.plot().axes


def test_a_loss_that_was_inferred_is_verified():
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=3)
    result = verify(FASTER, model, seeds=3)
    assert isinstance(result.results[0][0].setup.loss, BinaryCrossentropy)
    assert model.optimizer is None
