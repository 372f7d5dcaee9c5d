"""Comparisons of two models: numbers against scipy, and the words for each kind of result."""

import signal
from dataclasses import replace
from types import SimpleNamespace

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.model_selection import KFold, ShuffleSplit

import glassnet as gn
from glassnet.errors import ArgumentError, ConfigError, DataError
from glassnet.layers import Dense
from glassnet.plots.figure import to_png
from glassnet.selection import compare, cross_validate
from glassnet.selection.comparisons import Comparison
from glassnet.selection.training import RunTrainer

WIDE = np.array([0.81, 0.85, 0.79, 0.88, 0.83, 0.80, 0.86, 0.84, 0.82, 0.87])
NARROW = np.array([0.78, 0.80, 0.77, 0.83, 0.82, 0.75, 0.80, 0.82, 0.78, 0.83])
SIMILAR = WIDE + np.array([0.02, -0.03, 0.01, -0.02, 0.03, -0.01, 0.02, -0.02, 0.01, -0.03])


def make_comparison(first, second, greater_is_better=True, score_name="accuracy", problems=()):
    n = len(first)
    validations = []
    for name in ("wide", "narrow"):
        texts = {fold: text for model, fold, text in problems if model == name}
        runs = [SimpleNamespace(problem=texts.get(fold, "")) for fold in range(n)]
        validations.append(SimpleNamespace(results=runs))
    return Comparison(
        names=("wide", "narrow"),
        score_name=score_name,
        greater_is_better=greater_is_better,
        scores=np.array([first, second]),
        n_train=np.full(n, 90),
        n_test=np.full(n, 10),
        validations=tuple(validations),
    )


def test_numbers():
    """Oracle: scipy's paired t-test; its error is larger by sqrt(1 + J * n_test / n_train)."""
    result, test = make_comparison(WIDE, NARROW), stats.ttest_rel(WIDE, NARROW)
    factor = np.sqrt(1 + 10 * 10 / 90)
    half_width = np.diff(test.confidence_interval()).item() / 2 * factor
    assert result.means == pytest.approx([0.835, 0.798])
    assert result.difference == pytest.approx(0.037)
    assert result.interval == pytest.approx((0.037 - half_width, 0.037 + half_width))
    assert result.smallest_visible_difference == pytest.approx(half_width)
    assert result.p_value == pytest.approx(2 * stats.t.sf(test.statistic / factor, 9))
    assert result.better == "wide"


def test_better_model_in_words():
    """By the formula: standard error sqrt((1/10 + 10/90) * 2.679e-4) = 0.00752, t(9) = 2.262."""
    result = make_comparison(WIDE, NARROW)
    assert result.verdict == "wide is better"
    assert result.title == (
        "wide is better: accuracy 0.835 (wide) and 0.798 (narrow); "
        "difference 0.0370 (95 % interval 0.0200 to 0.0540)"
    )
    assert str(result).splitlines() == [
        "wide is better: accuracy 0.835 (wide) and 0.798 (narrow)",
        "wide - narrow: 0.0370, 95 % interval 0.0200 to 0.0540, p < 0.001",
        "10 folds of 90 training rows and 10 test rows",
    ]


@pytest.mark.parametrize(
    ("first", "second", "greater_is_better", "better"),
    [
        (WIDE, NARROW, True, "wide"),
        (NARROW, WIDE, True, "narrow"),
        (WIDE, NARROW, False, "narrow"),
        (NARROW, WIDE, False, "wide"),
    ],
)
def test_better_model(first, second, greater_is_better, better):
    result = make_comparison(first, second, greater_is_better, "loss")
    assert result.better == better
    assert result.title.endswith("difference 0.0370 (95 % interval 0.0200 to 0.0540)")


def test_no_difference_in_words():
    """By the formula: variance (0.0046 - 10 * 0.002^2) / 9 = 5.067e-4, standard error
    sqrt((1/10 + 10/90) * 5.067e-4) = 0.01034, and 2.262 of them are 0.0234."""
    result = make_comparison(WIDE, SIMILAR)
    assert result.better is None
    low, high = result.interval
    assert low < 0 < high
    assert result.smallest_visible_difference == pytest.approx((high - low) / 2)
    assert str(result).splitlines() == [
        "no difference that these data can show: accuracy 0.835 (wide) and 0.833 (narrow)",
        "only a difference of more than 0.0234 would show",
        "wide - narrow: 0.00200, 95 % interval -0.0214 to 0.0254, p = 0.85",
        "10 folds of 90 training rows and 10 test rows",
    ]


def test_a_difference_shows_if_it_is_larger_than_the_smallest_visible_one():
    """Moving all scores of one model changes the difference and not its spread."""
    result = make_comparison(WIDE, SIMILAR)
    least = result.smallest_visible_difference
    for change, better in ((0.999, None), (1.001, "wide")):
        moved = SIMILAR + result.difference - change * least
        assert make_comparison(WIDE, moved).better == better


def test_too_few_folds_for_any_difference():
    """Two folds have one degree of freedom: half a width is 12.7 standard errors."""
    result = make_comparison([0.9, 0.5], [0.6, 0.7])
    assert result.smallest_visible_difference > 1
    assert result.title.endswith("with so few folds and rows, no difference would show")
    assert "more than" in make_comparison([0.9, 0.5], [0.6, 0.7], score_name="loss").title


def test_equal_scores_in_every_fold():
    result = make_comparison(WIDE, WIDE)
    assert (result.difference, result.interval, result.better) == (0.0, None, None)
    assert result.title == (
        "no difference that these data can show: accuracy 0.835 (wide) and 0.835 (narrow); "
        "they are equal in every fold"
    )


def test_equal_difference_in_every_fold():
    """A spread of 0 would mean certainty, p = 0."""
    result = make_comparison(WIDE, WIDE - 0.1)
    assert (result.interval, result.better) == (None, None)
    assert np.isnan(result.p_value)
    assert result.title == (
        "no test is possible: accuracy 0.835 (wide) and 0.735 (narrow); "
        "the difference is 0.100 in every fold, so its spread is unknown"
    )


def test_runs_that_diverged():
    """The folds without a score are not left out: the others may be the easier ones."""
    problems = tuple(("narrow", fold, f"epoch {fold}: not finite") for fold in range(4))
    diverged = np.where(np.arange(10) < 4, np.nan, NARROW)
    result = make_comparison(WIDE, diverged, problems=problems)
    assert (result.interval, result.better) == (None, None)
    assert np.isnan(result.difference)
    assert str(result).splitlines() == [
        "no comparison is possible: narrow did not finish in 4 of 10 folds",
        "10 folds of 90 training rows and 10 test rows",
        "narrow, fold 1: epoch 0: not finite",
        "narrow, fold 2: epoch 1: not finite",
        "narrow, fold 3: epoch 2: not finite",
        "and 1 more problem",
    ]
    problems += tuple(("wide", fold, "epoch 1: not finite") for fold in range(6, 10))
    both = make_comparison(diverged[::-1], diverged, problems=problems)
    assert both.title.endswith(
        "wide did not finish in 4 of 10 folds and narrow did not finish in 4 of 10 folds"
    )
    no_number = make_comparison(WIDE, diverged)
    assert no_number.title.endswith("narrow has no accuracy in 4 of 10 folds")
    problems = tuple((name, k, "not finite") for name in ("wide", "narrow") for k in range(10))
    every = make_comparison(diverged * np.nan, diverged * np.nan, problems=problems)
    assert every.title == "no comparison is possible: no run finished"


def test_frame_and_dict():
    result = make_comparison(WIDE, NARROW)
    frame = result.to_frame()
    assert list(frame.columns) == ["n_train", "n_test", "wide", "narrow", "difference"]
    assert frame.index.name == "fold"
    np.testing.assert_allclose(frame["difference"], WIDE - NARROW)
    assert result.to_dict()["title"] == result.title


def texts(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def test_plot():
    """Oracle: the numbers that matplotlib draws."""
    result = make_comparison(WIDE, NARROW)
    figure = result.plot()
    left, right = figure.axes
    pairs = [line.get_ydata() for line in left.lines if list(line.get_xdata()) == [0, 1]]
    np.testing.assert_array_equal(pairs, np.transpose([WIDE, NARROW]))
    assert any(np.array_equal(line.get_ydata(), result.interval) for line in right.lines)
    assert any(np.array_equal(line.get_ydata(), WIDE - NARROW) for line in right.lines)
    words = texts(figure)
    assert {"wide", "narrow", "accuracy (higher is better)"} <= set(words)
    assert "↑ wide better" in words
    assert "↓ narrow better" in words


def test_plot_of_a_loss():
    """Of a loss, a difference above 0 favors the second model."""
    words = texts(make_comparison(WIDE, NARROW, greater_is_better=False, score_name="loss").plot())
    assert "↑ narrow better" in words
    assert "loss (lower is better)" in words


def test_plot_shows_names_as_they_are():
    """Dollar signs do not begin a formula, and a long name does not hide the axes."""
    names = "$a$ \\frac{", "a very long name of a model " * 4
    figure = replace(make_comparison(WIDE, NARROW), names=names).plot()
    assert to_png(figure)
    assert "$a$ \\frac{" in texts(figure)
    assert all(axes.get_window_extent().height > 200 for axes in figure.axes)


@pytest.mark.parametrize(
    ("first", "second"),
    [(WIDE, WIDE), (WIDE, np.full(10, np.nan)), (WIDE * np.nan, WIDE * np.nan)],
)
def test_plot_without_an_interval(first, second):
    figure = make_comparison(first, second).plot()
    assert to_png(figure)
    assert not any("interval" in text for text in texts(figure.axes[1]))


X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(int)
NUMBERS = 2 * X[:, 0] + X[:, 1]
FIT = {"folds": 4, "epochs": 3, "verbose": 0}
SHORT = {"epochs": 2, "verbose": 0}


def classifier(metrics=(), rate=0.01, units=4):
    model = gn.Sequential([Dense(units, "tanh"), Dense(1, "sigmoid")], seed=3)
    model.compile(gn.optimizers.Adam(rate), "binary_crossentropy", metrics or ["accuracy"])
    return model


def regressor(loss="mse", metrics=(), rate=0.01, **arguments):
    model = gn.Sequential([Dense(4, "tanh", **arguments), Dense(1)], seed=3)
    model.compile(gn.optimizers.SGD(rate), loss, metrics)
    return model


@pytest.fixture(scope="module")
def rates():
    """Comparison of two learning rates."""
    models = classifier(rate=0.1), classifier(rate=0.001)
    return compare(*models, X, CLASSES, names=("fast", "slow"), **FIT)


def test_each_model_is_cross_validated_on_the_same_folds(rates):
    """Oracle: cross_validate of the first model, whose seeds are the same."""
    fast, slow = rates.validations
    alone = cross_validate(classifier(rate=0.1), X, CLASSES, **FIT)
    np.testing.assert_array_equal(fast.scores, alone.scores)
    np.testing.assert_allclose(rates.predictions["fast"], alone.predictions, rtol=1e-5)
    np.testing.assert_array_equal(rates.scores, [fast.scores, slow.scores])
    for first, second in zip(fast.test_rows, slow.test_rows, strict=True):
        np.testing.assert_array_equal(first, second)
    assert np.unique([fast.seeds, slow.seeds]).size == 8


def test_fit_repeats_a_run(rates):
    """Oracle: `fit` on the training rows and `evaluate` on the test rows, of the second model."""
    slow = rates.validations[1]
    model = classifier(rate=0.001)
    model.reset(int(slow.seeds[2]))
    model.fit(X[slow.train_rows[2]], CLASSES[slow.train_rows[2]], epochs=3, verbose=0)
    rows = slow.test_rows[2]
    scores = model.evaluate(X[rows], CLASSES[rows], verbose=0, return_dict=True)
    assert rates.scores[1, 2] == pytest.approx(scores["accuracy"], rel=1e-5)
    assert slow.results[2].scores["loss"] == pytest.approx(scores["loss"], rel=1e-5)


def test_models_that_differ_in_numbers_are_trained_by_one_program(monkeypatch):
    sizes, train = [], RunTrainer._train_stack

    def count(trainer, runs, *rest):
        sizes.append(len(runs))
        return train(trainer, runs, *rest)

    monkeypatch.setattr(RunTrainer, "_train_stack", count)
    compare(classifier(rate=0.1), classifier(rate=0.001), X, CLASSES, **FIT)
    compare(classifier(), classifier(units=5), X, CLASSES, **FIT)
    assert sizes == [8, 4, 4]


def test_the_same_model_twice_differs_by_noise():
    model = classifier(rate=0.1)
    result = compare(model, model, X, CLASSES, **FIT)
    assert not np.array_equal(*result.predictions.values())
    assert result.better is None
    assert not model.built


def test_a_trained_model_begins_with_new_weights():
    model = classifier()
    model.fit(X, CLASSES, epochs=2, verbose=0)
    before = model.get_weights()
    trained = compare(model, classifier(), X, CLASSES, folds=4, epochs=3, verbose=0)
    fresh = compare(classifier(), classifier(), X, CLASSES, **FIT)
    np.testing.assert_array_equal(trained.scores, fresh.scores)
    for weights, same in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, same)
    assert str(trained).splitlines()[-1] == (
        "a: The model has been trained. Its weights were not used."
    )


def test_different_numbers_of_epochs_are_reported():
    model = classifier()
    model.fit(X, CLASSES, epochs=2, verbose=0)
    result = compare(model, classifier(), X, CLASSES, folds=2, batch_size=10, verbose=0)
    lengths = [len(each.histories[0].epoch) for each in result.validations]
    assert lengths == [2, 250]
    assert result.notes[-1] == (
        "a was trained for 2 epochs and b for 250. With epochs=, both are trained equally long."
    )


def test_the_first_metric_that_both_have_is_the_score():
    first, second = regressor("mse", ["mae"]), regressor("mae", ["mse", "mae"])
    result = compare(first, second, X, NUMBERS, **FIT)
    assert result.score_name == "mae"
    error = np.abs(result.predictions["b"][:, 0] - NUMBERS)
    rows = result.validations[1].test_rows
    np.testing.assert_allclose(result.scores[1], [error[each].mean() for each in rows], rtol=1e-5)


def test_penalties_do_not_count():
    """Oracle: the squared error of the predictions. Otherwise no penalty would always win."""
    penalized = regressor(kernel_regularizer=gn.regularizers.L2(10.0))
    result = compare(regressor(), penalized, X, NUMBERS, **FIT)
    assert result.score_name == "loss without penalties"
    assert not result.greater_is_better
    for k, outputs in enumerate(result.predictions.values()):
        errors = (outputs[:, 0] - NUMBERS) ** 2
        expected = [errors[rows].mean() for rows in result.validations[k].test_rows]
        np.testing.assert_allclose(result.scores[k], expected, rtol=1e-4)
    losses = result.validations[1].all_scores["loss"]
    assert (losses > result.scores[1] + 1).all()


def test_a_score_of_unknown_direction():
    """Nothing is called better if the name of the score does not say what is."""

    def profit(y_true, y_pred):
        return jnp.mean(y_true * y_pred, axis=-1)

    result = compare(classifier([profit]), classifier([profit]), X, CLASSES, **FIT)
    assert (result.score_name, result.greater_is_better) == ("profit", None)
    known = make_comparison(WIDE, NARROW, greater_is_better=None, score_name="profit")
    assert known.better is None
    assert known.title.startswith("wide has the higher profit: profit 0.835 (wide)")
    assert "↑ wide higher" in texts(known.plot())


def test_repeats_groups_and_splitters():
    models = classifier(), classifier(rate=0.1)
    options = {"epochs": 1, "verbose": 0}
    repeated = compare(*models, X, CLASSES, folds=2, repeats=2, **options)
    assert repeated.scores.shape == (2, 4)
    groups = np.arange(40) // 5
    grouped = compare(*models, X, CLASSES, folds=4, groups=groups, **options)
    for rows in grouped.validations[0].test_rows:
        assert not set(groups[rows]) & set(np.delete(groups, rows))
    splitter = ShuffleSplit(4, test_size=10, random_state=0)
    random = compare(*models, X, CLASSES, folds=splitter, **options)
    for rows, (_, expected) in zip(random.validations[1].test_rows, splitter.split(X), strict=True):
        assert set(rows) == set(expected)
    assert random.n_train.tolist() == [30] * 4


def test_a_model_that_diverges():
    """A warning or an error would hide the other model's scores."""
    diverging = regressor(rate=1e30)
    one = compare(regressor(), diverging, X, NUMBERS, names=("usual", "fast"), **FIT)
    assert one.title == "no comparison is possible: fast did not finish in 4 of 4 folds"
    assert "fast, fold 1: epoch " in str(one)
    assert np.isfinite(one.scores[0]).all()
    both = compare(diverging, diverging, X, NUMBERS, **FIT)
    assert both.title == "no comparison is possible: no run finished"
    assert to_png(both.plot())


def test_ctrl_c():
    """Half-trained networks have scores, but say nothing about the settings."""
    pressed = []

    class PressOnce(gn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            if not pressed:
                pressed.append(epoch)
                signal.raise_signal(signal.SIGINT)

    models = classifier(), classifier(rate=0.1)
    result = compare(*models, X, CLASSES, callbacks=[PressOnce()], **FIT)
    assert result.title == "no comparison is possible: no run finished"
    assert "interrupted by Ctrl-C" in str(result)


def test_table(tmp_path):
    """A row without a target is in no fold, and a path is the same as its table."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["f", "m"], 40)
    frame = pd.DataFrame({"age": rng.normal(40, 9, 40), "sex": sex, "survived": sex == "f"})
    frame["survived"] = frame["survived"].map({True: "yes", False: "no"})
    frame.loc[5, "survived"] = None
    path = tmp_path / "ship.csv"
    frame.to_csv(path, index=False)
    models = [
        gn.Sequential([Dense(units, "relu"), Dense(2, "softmax")], seed=0) for units in (4, 1)
    ]
    results = [compare(*models, table, target="survived", **FIT) for table in (frame, path)]
    np.testing.assert_array_equal(results[0].scores, results[1].scores)
    rows = np.concatenate(results[0].validations[0].test_rows)
    assert sorted(rows) == [row for row in range(40) if row != 5]
    outputs = results[0].predictions["b"]
    assert np.isnan(outputs[5]).all()
    right = np.array(["no", "yes"])[outputs.argmax(axis=1)] == frame["survived"]
    expected = [right[each].mean() for each in results[0].validations[1].test_rows]
    np.testing.assert_allclose(results[0].scores[1], expected, rtol=1e-6)


def test_models_of_other_targets_of_a_table():
    """Models that were fitted to a table know their target."""
    frame = pd.DataFrame({"x": [1.0, 2.0] * 10, "sex": ["f", "m"] * 10, "kind": ["u", "v"] * 10})
    models = [gn.Sequential([Dense(1, "sigmoid")], seed=0) for _ in "ab"]
    for model, target in zip(models, ("sex", "kind"), strict=True):
        model.fit(frame, target=target, verbose=0)
    text = "Received: a='classes of sex', b='classes of kind'. Only scores of the same target"
    with pytest.raises(ConfigError, match=text):
        compare(*models, frame, **FIT)


@pytest.mark.slow
def test_images_texts_and_series():
    """What a newcomer would write, for each kind of data; the predictions are one for each row."""
    layers, data = gn.layers, gn.datasets.load("digits")
    head = [layers.Flatten(), Dense(10, "softmax")]
    convolutional = [layers.Input((8, 8, 1)), layers.Conv2D(2, 3), *head]
    models = [gn.Sequential(each, seed=0) for each in (convolutional, head)]
    images = data.x[:90].reshape(-1, 8, 8, 1)
    result = compare(*models, images, data.y[:90], names=("cnn", "linear"), folds=3, **SHORT)
    assert {name: each.shape for name, each in result.predictions.items()} == {
        "cnn": (90, 10),
        "linear": (90, 10),
    }

    texts = np.array([f"good {i % 7}" if i % 2 else f"bad {i % 5}" for i in range(40)])
    vectorizer = layers.TextVectorization(20, output_sequence_length=3).adapt(texts)
    models = [
        gn.Sequential(
            [
                vectorizer,
                layers.Embedding(20, size),
                layers.GlobalAveragePooling1D(),
                Dense(1, "sigmoid"),
            ],
            seed=0,
        )
        for size in (2, 4)
    ]
    result = compare(*models, texts, np.arange(40) % 2, folds=4, **SHORT)
    assert np.isfinite(result.scores).all()

    table = pd.DataFrame({"y": np.sin(np.arange(120) / 5)}, pd.date_range("2020", periods=120))
    series = gn.data.series(table, target="y", length=8, horizon=2)
    models = [gn.Sequential([layers.Flatten(), Dense(n), Dense(2)], seed=0) for n in (2, 4)]
    result = compare(*models, series, folds=3, **SHORT)
    for train, test in zip(
        result.validations[0].train_rows, result.validations[0].test_rows, strict=True
    ):
        assert train.max() + 2 <= test.min()


def test_a_score_that_is_no_number():
    """The rows of class 1 are all in the test rows of the first fold."""
    y = np.arange(40) < 4
    models = classifier(["auc"]), classifier(["auc"])
    result = compare(*models, X, y, folds=KFold(4), epochs=1, verbose=0)
    assert result.title == (
        "no comparison is possible: a has no auc in 3 of 4 folds and b has no auc in 3 of 4 folds"
    )
    assert str(result).splitlines()[-1] == (
        "An AUC is a number only if both classes occur in the rows."
    )


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        (
            (X, CLASSES),
            {},
            ConfigError,
            "a model as the second argument. Received: model='ndarray'",
        ),
        ((classifier(), X, "y"), {}, ConfigError, "pass target='y' instead"),
        ((classifier(), X, CLASSES), {"names": "ab"}, ConfigError, "two different names"),
        ((classifier(), X, CLASSES), {"names": ("a", "a")}, ConfigError, "two different names"),
        (
            (classifier(), X, CLASSES),
            {"names": ("a", "fold")},
            ConfigError,
            r"columns, fold, n_train, n_test, difference. Received: names=\['fold'\]",
        ),
        ((classifier(), X, CLASSES), {"epoch": 3}, ArgumentError, "Did you mean 'epochs'"),
        (
            (classifier(), X, CLASSES),
            {"folds": [(range(30), range(30, 40))]},
            DataError,
            "at least two folds. Received: folds=1. A single difference has no spread",
        ),
    ],
)
def test_refused(arguments, options, error, text):
    with pytest.raises(error, match=text):
        compare(classifier(), *arguments, **options)


def test_models_that_cannot_be_compared():
    text = "two models of the same target. Received: wide='classes', narrow='numbers'"
    with pytest.raises(ConfigError, match=text):
        compare(classifier(), regressor(), X, CLASSES, names=("wide", "narrow"))
    text = (
        "a metric that both models have, or the same loss. Received: a='MeanSquaredError', "
        "b='MeanAbsoluteError, mse'"
    )
    with pytest.raises(ConfigError, match=text):
        compare(regressor(), regressor("mae", ["mse"]), X, NUMBERS)
