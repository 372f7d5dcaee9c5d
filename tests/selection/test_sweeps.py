"""Sweeps: `fit` in a loop over the settings, and scikit-learn's pattern by hand, are the oracles."""

import itertools
import os
import signal

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.model_selection import KFold, StratifiedKFold

import glassnet as gn
from glassnet.callbacks import Callback, EarlyStopping
from glassnet.errors import ArgumentError, ConfigError, DataError, TrainingWarning
from glassnet.layers import Dense, Dropout, Residual
from glassnet.optimizers import SGD
from glassnet.regularizers import L1, L1L2, L2
from glassnet.selection import cross_validate, sweep
from glassnet.selection.grids import expand

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
Y = X @ np.float32([[1], [-2], [0.5], [0]]) + 0.1 * RNG.normal(size=(60, 1)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)
OPTIONS = {"epochs": 3, "batch_size": 12, "verbose": 0}


def compiled(*layers, rate=0.01, seed=0):
    model = gn.Sequential(list(layers), seed=seed)
    model.compile(SGD(rate), "mse")
    return model


def regression(units=4, rate=0.01, seed=0):
    return compiled(Dense(units, "tanh"), Dense(1), rate=rate, seed=seed)


def residual():
    return compiled(Dense(4), Residual(Dense(4)), Dense(1))


RESIDUAL = r"layers that keep the shape\..*The parameters are residual_1/dense_1/units=3\."


def classification(units=4, rate=0.1, seed=0):
    model = gn.Sequential([Dense(units, "tanh"), Dense(1, "sigmoid")], seed=seed)
    model.compile(SGD(rate), "binary_crossentropy", ["accuracy"])
    return model


def fit_and_score(model, x, y, train, test, name="loss", **options):
    """Return the score of the test rows after an ordinary fit to the training rows."""
    model.fit(x[train], y[train], **OPTIONS | options)
    return model.evaluate(x[test], y[test], verbose=0, return_dict=True)[name]


@pytest.fixture(scope="module")
def numbers():
    """A sweep over what keeps shapes and what changes them, with two seeds."""
    parameters = {"units": [3, 6], "learning_rate": [0.01, 0.1], "seed": [1, 2]}
    return sweep(regression(seed=5), X, Y, parameters, **OPTIONS)


def test_scores_are_those_of_fits_in_a_loop(numbers):
    """On the rows that a fit with the model's seed holds out; each run with a seed of its own."""
    train, test = numbers.results[0].run.train_rows, numbers.results[0].run.test_rows
    for (i, setting), (r, seed) in itertools.product(
        enumerate(numbers.settings), enumerate(numbers.seeds)
    ):
        model = regression(setting["units"], setting["learning_rate"], seed)
        expected = fit_and_score(model, X, Y, train, test)
        assert numbers.run_scores[i, r, 0] == pytest.approx(expected, rel=1e-5)
    assert numbers.run_scores.shape == (4, 2, 1)
    assert numbers.score_name == "loss"
    assert (
        numbers.best == {"units": 6, "learning_rate": 0.1} or numbers.best["learning_rate"] == 0.1
    )


def test_without_folds_the_rows_are_those_that_fit_holds_out(numbers):
    """A fit with validation_split=0.2 logs the loss of the same rows."""
    result = sweep(regression(seed=5), X, Y, {"units": [3]}, **OPTIONS)
    model = regression(3, seed=5)
    history = model.fit(X, Y, validation_split=0.2, **OPTIONS).history
    assert result.best_score == pytest.approx(history["val_loss"][-1], rel=1e-5)
    np.testing.assert_array_equal(result.results[0].run.test_rows, numbers.results[0].run.test_rows)
    assert result.n_test.tolist() == [12]
    assert sweep(regression(), X, Y, {"units": [3]}, validation_split=0.5, **OPTIONS).n_test == [30]


def test_a_setting_scores_what_cross_validate_scores():
    result = sweep(regression(seed=3), X, Y, {"units": [3, 4]}, folds=5, **OPTIONS)
    expected = cross_validate(regression(4, seed=3), X, Y, folds=5, **OPTIONS)
    np.testing.assert_allclose(result.scores[1], expected.scores, rtol=1e-5)
    np.testing.assert_allclose(result.intervals[1], expected.interval, rtol=1e-5)


def test_folds_are_those_of_scikit_learn():
    """Stratified by class; the score is the first metric."""
    result = sweep(
        classification(seed=3), X, LABELS, {"learning_rate": [0.01, 0.5]}, folds=5, **OPTIONS
    )
    assert (result.score_name, result.greater_is_better) == ("accuracy", True)
    folds = StratifiedKFold(5, shuffle=True, random_state=3).split(X, LABELS)
    for k, (train, test) in enumerate(folds):
        for i, rate in enumerate([0.01, 0.5]):
            run = result.results[5 * i + k].run
            np.testing.assert_array_equal(run.test_rows, test)
            fitted = classification(rate=rate, seed=run.seed)
            expected = fit_and_score(fitted, X, LABELS, train, test, "accuracy")
            assert result.run_scores[i, 0, k] == pytest.approx(expected, abs=1e-6)
    assert result.best == {"learning_rate": 0.5}


def test_nested_scores_are_scikit_learns_pattern_by_hand():
    """An inner loop chooses on the outer training rows, the outer rows score the choice."""
    rates, seed = [0.001, 0.1, 0.3], 4
    outer, inner = KFold(5, shuffle=True, random_state=0), KFold(4, shuffle=True, random_state=seed)
    parameters = {"learning_rate": rates, "seed": [seed]}
    result = sweep(regression(seed=seed), X, Y, parameters, folds=(outer, 4), **OPTIONS)
    expected = []
    for k, (train, test) in enumerate(outer.split(X)):
        parts = [(train[a], train[b]) for a, b in inner.split(train)]
        means = [
            np.mean(
                [
                    fit_and_score(regression(rate=rate, seed=seed + j), X, Y, *part)
                    for j, part in enumerate(parts)
                ]
            )
            for rate in rates
        ]
        chosen = rates[int(np.argmin(means))]
        expected.append(fit_and_score(regression(rate=chosen, seed=seed + k), X, Y, train, test))
    np.testing.assert_allclose(result.nested_scores, expected, rtol=1e-5)
    assert result.run_scores.shape == (3, 1, 5)


def test_parameters_of_fit_reach_each_run():
    parameters = {"batch_size": [12, "full"], "epochs": [1, 2], "shuffle": [False]}
    result = sweep(regression(seed=1), X, Y, parameters, verbose=0)
    run = result.results[0].run
    for i, setting in enumerate(result.settings):
        expected = fit_and_score(regression(seed=1), X, Y, run.train_rows, run.test_rows, **setting)
        assert result.run_scores[i, 0, 0] == pytest.approx(expected, rel=1e-5)


def test_penalties_and_dropout_equal_fits_with_them():
    """As arguments of one program, or compiled in. The penalty counts in the loss, as in `evaluate`,
    and not in the score: the best setting would always be the one without a penalty.
    """
    layers = Dense(4, "tanh"), Dropout(0.1), Dense(1, kernel_regularizer=L1(0.1))
    parameters = {"l2": [0.0, 0.1], "dropout": [0.5]}
    result = sweep(compiled(*layers), X, Y, parameters, **OPTIONS)
    run = result.results[0].run
    for i, setting in enumerate(result.settings):
        penalties = [make(setting["l2"]) for make in (L2, lambda l2: L1L2(0.1, l2))]
        first, last = (
            Dense(n, a, kernel_regularizer=p)
            for n, a, p in zip((4, 1), ("tanh", None), penalties, strict=True)
        )
        fitted = compiled(first, Dropout(setting["dropout"]), last)
        expected = fit_and_score(fitted, X, Y, run.train_rows, run.test_rows)
        assert result.results[i].scores["loss"] == pytest.approx(expected, rel=1e-5)
        errors = fitted.predict(X[run.test_rows]) - Y[run.test_rows]
        assert result.run_scores[i, 0, 0] == pytest.approx(np.mean(errors**2), rel=1e-5)
    assert result.notes[-1].startswith("The loss is without the penalties of regularizers")


def test_the_model_may_be_a_function_of_parameters():
    """Its arguments are parameters; the others belong to the model that it returns."""

    def build(depth, width=4):
        model = gn.Sequential([Dense(width, "tanh")] * depth + [Dense(1)], seed=7)
        model.compile(SGD(0.1), "mse")
        return model

    parameters = {"depth": [0, 2], "learning_rate": [0.01, 0.1]}
    result = sweep(build, X, Y, parameters, **OPTIONS)
    run = result.results[0].run
    for i, setting in enumerate(result.settings):
        model = build(setting["depth"])
        model.compile(SGD(setting["learning_rate"]), "mse")
        expected = fit_and_score(model, X, Y, run.train_rows, run.test_rows)
        assert result.run_scores[i, 0, 0] == pytest.approx(expected, rel=1e-5)
    assert len(result.results[-1].model.layers) == 3
    with pytest.raises(ConfigError, match=r"name='dept'.*Did you mean 'depth'"):
        sweep(lambda depth=1: build(depth), X, Y, {"dept": [1]}, **OPTIONS)


def test_a_table_is_swept_with_its_target():
    """Encoders are learned inside: the score is in the units of the target."""
    table = pd.DataFrame(
        {"a": X[:, 0], "b": np.where(X[:, 1] > 0, "yes", "no"), "y": 100 * Y[:, 0]}
    )
    model = gn.Sequential([Dense(4, "tanh"), Dense(1)], seed=0)
    result = sweep(model, table, parameters={"learning_rate": [0.001, 0.1]}, target="y", **OPTIONS)
    assert result.best == {"learning_rate": 0.1}
    assert result.best_score > 10


def test_the_model_stays_as_it_is():
    model = regression()
    sweep(model, X, Y, {"units": [3]}, **OPTIONS)
    assert not model.built
    assert model.history is None


def test_random_settings_depend_on_the_seed_of_the_model():
    rates = {"learning_rate": stats.loguniform(1e-3, 1e-1)}
    result = sweep(regression(seed=1), X, Y, rates, n_iter=3, **OPTIONS)
    assert list(result.settings) == expand(rates, 3, seed=1)
    with pytest.raises(ConfigError, match="epochs to be an int"):
        sweep(regression(seed=1), X, Y, rates, n_iter=3, epochs=-1)


def test_the_seed_alone_may_vary():
    result = sweep(regression(), X, Y, {"seed": range(3)}, **OPTIONS)
    assert (result.settings, result.seeds, result.best) == (({},), (0, 1, 2), {})
    assert len(set(result.run_scores.ravel())) == 3
    assert result.title.endswith(" on 12 validation rows over 3 seeds")
    assert result.plot().axes[0].get_yticklabels()[0].get_text() == "the model"


def test_diverged_runs_are_a_result():
    result = sweep(regression(), 1e3 * X, Y, {"learning_rate": [1e-9, 1e30]}, folds=2, **OPTIONS)
    assert result.best == {"learning_rate": 1e-9}
    assert result.problems[0] == ""
    assert result.problems[1].startswith("diverged in 2 of 2 runs (epoch 1, step ")
    assert "is not finite" in str(result)
    result = sweep(regression(), 1e3 * X, Y, {"learning_rate": [1e29, 1e30]}, **OPTIONS)
    assert (result.best, result.title) == (None, "No setting has a score: 2 of 2 diverged")


class InterruptedOnce(Callback):
    """Presses Ctrl-C in the second epoch of one run."""

    def on_epoch_end(self, epoch, logs):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_what_has_ended():
    """The runs of one epoch have ended; those of five have not."""
    options = {"batch_size": 16, "verbose": 0, "callbacks": [InterruptedOnce()]}
    result = sweep(regression(), X, Y, {"epochs": [1, 5]}, **options)
    assert result.best == {"epochs": 1}
    assert result.problems[0] == ""
    assert result.problems[1].startswith("interrupted")
    assert "epochs=5: interrupted" in str(result)


def test_refit_trains_on_all_rows(numbers):
    """As a fit does, with the best values and the first seed."""
    expected = regression(**{"units": numbers.best["units"]}, rate=0.1, seed=1)
    expected.fit(X, Y, **OPTIONS)
    np.testing.assert_allclose(
        numbers.refit().predict(X), expected.predict(X), rtol=1e-4, atol=1e-6
    )


def test_refit_after_early_stopping_takes_the_number_of_epochs_from_the_runs():
    options = OPTIONS | {"epochs": 40, "callbacks": [EarlyStopping(patience=2)]}
    result = sweep(regression(rate=0.9), X, Y, {"units": [4]}, **options)
    history = result.results[0].history
    assert history.stopped
    assert "watched" not in str(result)  # the rows that score: that is what the title says
    model = result.refit()
    assert len(model.history.epoch) == history.best_epoch() + 1 == len(history.epoch) - 2


def test_a_refit_that_diverges_warns():
    """Only the refit learns from the rows that are too large."""
    x, model = X.copy(), compiled(Dense(1))
    x[sweep(model, X, Y, {"seed": [0]}, **OPTIONS).results[0].run.test_rows] = 1e10
    result = sweep(model, x, Y, {"seed": [0]}, **OPTIONS)
    with pytest.warns(TrainingWarning, match=r"^refit: epoch 1, .* is not finite\. The model has"):
        result.refit()


def test_a_score_that_is_not_finite_is_none():
    """The loss of outputs of 1e30 is no float32."""
    x, model = X.copy(), compiled(Dense(1))
    x[sweep(model, X, Y, {"seed": [0]}, **OPTIONS).results[0].run.test_rows] = 1e30
    result = sweep(model, x, Y, {"seed": [0]}, **OPTIONS)
    assert result.best is None
    title = "No setting has a score: 1 of 1 unscored"
    assert str(result) in [
        f"{title}\nthe model: unscored (loss is {loss})" for loss in ("inf", "nan")
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"parameters": {"learning_rat": [0.1]}}, "Did you mean 'learning_rate'"),
        ({"parameters": {"units": [4, -1]}}, r"a value that units can take\. Received: units=-1"),
        ({"parameters": {"units": 4}}, r"Write \[4\]"),
        ({"parameters": None}, r"expected parameters.*Write parameters=\{"),
        ({"y": {"units": [4]}, "parameters": None}, r"Write parameters=\{\.\.\.\}: the third"),
        ({"parameters": {"epochs": [1, 2]}, "epochs": 3}, r"each name once.*twice=\['epochs'\]"),
        ({"parameters": {"seed": ["a"]}}, "seed to be an int >= 0"),
        ({"parameters": {"shuffle": [3]}}, r"shuffle=3, .*\. The parameters are shuffle=3\."),
        ({"parameters": {"residual_1/dense_1/units": [3]}, "model": residual()}, RESIDUAL),
        ({"groups": np.arange(60)}, "no groups without folds"),
        ({"validation_split": 0}, "validation_split above 0, or folds"),
        ({"validation_split": 1.5}, "a fraction from 0 to below 1"),
        ({"model": "adam"}, "a model as the first argument. Received: model='str'"),
        ({"model": gn.Sequential}, "the class Sequential"),
        ({"model": gn.estimators.NeuralRegressor()}, "GridSearchCV"),
        ({"validation_data": (X, Y)}, "no validation_data"),
        ({"parameters": {"learning_rate": stats.uniform()}}, "Pass n_iter"),
    ],
)
def test_bad_arguments_are_refused_before_training(arguments, text):
    arguments = {"model": regression(), "y": Y, "parameters": {"units": [4]}} | arguments
    with pytest.raises(ConfigError, match=text):
        sweep(arguments.pop("model"), X, **OPTIONS | arguments)


def test_an_unknown_argument_is_refused():
    with pytest.raises(ArgumentError, match="Did you mean 'epochs'"):
        sweep(regression(), X, Y, {"units": [4]}, epoch=3)


def test_batches_are_refused():
    batches = [(X[:30], Y[:30]), (X[30:], Y[30:])]
    with pytest.raises(DataError, match=r"^sweep: expected rows, .*read the batches into arrays"):
        sweep(regression(), batches, parameters={"units": [4]}, **OPTIONS)


def test_groups_stay_together_in_inner_folds():
    groups = np.repeat(np.arange(12), 5)
    result = sweep(
        regression(), X, Y, {"units": [3]}, folds=(3, 2), groups=groups, epochs=1, verbose=0
    )
    assert len(result.results) == 3 * (1 + 2)
    for each in result.results:
        assert not set(groups[each.run.train_rows]) & set(groups[each.run.test_rows])
    for k, inner in enumerate(np.array_split(result.results[3:], 3)):
        outer_train = set(result.results[k].run.train_rows)
        parts = [set(each.run.test_rows) for each in inner]
        assert set.union(*parts) == outer_train
        assert all(set(each.run.train_rows) < outer_train for each in inner)


def test_a_sweep_is_resumed_with_more_settings(tmp_path):
    """Only the runs of the new setting are trained: each run that has ended has a file."""

    def build(depth):
        return compiled(*[Dense(4, "tanh")] * depth, Dense(1), rate=0.1, seed=2)

    def count_files():
        return len(list(tmp_path.glob("run-*")))

    first = sweep(build, X, Y, {"depth": [0]}, folds=5, resume=tmp_path, **OPTIONS)
    assert count_files() == 5
    both = sweep(build, X, Y, {"depth": [0, 1]}, folds=5, resume=tmp_path, **OPTIONS)
    assert count_files() == 10
    np.testing.assert_array_equal(both.run_scores[0], first.run_scores[0])
    assert [len(result.model.layers) for result in both.results] == [1] * 5 + [2] * 5


@pytest.mark.slow
def test_the_winner_of_noise_looks_good_and_the_nested_score_does_not():
    """Labels without any relation to x: 0.5 is the truth. Oracle: the binomial standard error."""
    best, nested = [], []
    parameters = {"learning_rate": np.logspace(-2, 1, 6), "l2": [0, 0.01, 0.1]}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(60, 10)), rng.permutation(np.repeat([0, 1], 30))
        options = OPTIONS | {"epochs": 10, "batch_size": 20}
        result = sweep(classification(seed=seed), x, y, parameters, folds=(3, 2), **options)
        best.append(result.best_score)
        nested.append(result.nested_mean)
    error = np.sqrt(0.25 / (12 * 60))
    assert abs(np.mean(nested) - 0.5) < 3 * error
    assert np.mean(best) - 0.5 > 3 * error


def test_the_best_settings_are_printed_with_their_scores():
    result = sweep(compiled(Dense(1)), X, Y, {"learning_rate": [0.001, 0.01, 0.1]}, **OPTIONS)
    order = np.argsort(result.means)
    lines = str(result).splitlines()[1:4]
    for rank, (i, line) in enumerate(zip(order, lines, strict=True), 1):
        setting = f"learning_rate={result.settings[i]['learning_rate']}"
        assert line == f"{rank}. {setting}: {result.format_score(result.means[i])}"


def test_what_is_inferred_about_the_data_is_printed_once(capsys):
    options = {**OPTIONS, "verbose": "auto"}
    model = gn.Sequential([Dense(1)], seed=0)
    result = sweep(model, X, Y, {"learning_rate": [0.1]}, **options)
    result.refit()
    assert capsys.readouterr().out.count("loss: MeanSquaredError") == 1


def test_intervals_end_where_no_score_can_be():
    """Three test rows for each fold: the interval of the formula exceeds 0 and 1."""
    model = compiled(Dense(1, activation="sigmoid"))
    model.compile("sgd", "binary_crossentropy", ["accuracy"])
    rates, few = {"learning_rate": [0.001, 0.1]}, slice(0, 9)
    result = sweep(model, X[few], LABELS[few], rates, **OPTIONS | {"folds": KFold(3)})
    known = result.intervals[np.isfinite(result.intervals)]
    assert len(known)
    assert known.min() >= 0
    assert known.max() <= 1
    assert np.any((known == 0) | (known == 1))
