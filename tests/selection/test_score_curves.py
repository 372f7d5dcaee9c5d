"""Learning curves and validation curves."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.model_selection import learning_curve as sklearn_learning_curve
from sklearn.preprocessing import StandardScaler

import glassnet as gn
from glassnet.data.table import read_table
from glassnet.errors import ArgumentError, ConfigError, DataError, GlassnetError
from glassnet.estimators import NeuralClassifier
from glassnet.evaluation.resampled_tests import corrected_t_test
from glassnet.layers import Dense, Dropout, Embedding, Flatten, Input
from glassnet.preprocessing.encoding_rules import fit_encoder
from glassnet.selection.cross_validation import cross_validate
from glassnet.selection.experiments import Experiment
from glassnet.selection.runs import Run
from glassnet.selection.score_curves import (
    LearningCurve,
    ValidationCurve,
    learning_curve,
    validation_curve,
)

SIZES = np.array([20, 40, 60, 80])
OFFSETS = np.array([-0.02, -0.01, 0.01, 0.02])
"""Difficulty of each of four folds, which is the same at all positions."""


def make_scores(means, noise, seed):
    """Return scores (positions, 4) with exactly these means."""
    jitter = np.random.default_rng(seed).normal(0, noise, (len(means), 4))
    return np.array(means)[:, None] + OFFSETS + jitter - jitter.mean(axis=1, keepdims=True)


def make_fields(train, test, sign=1, noise=0.001):
    """Return the fields of a curve; for sign -1, of an error that is 1 - accuracy."""
    scores = [make_scores(train, noise, 1), make_scores(test, noise, 2)]
    train_scores, test_scores = scores if sign == 1 else [1 - each for each in scores]
    n = len(test)
    return {
        "train_scores": train_scores,
        "test_scores": test_scores,
        "train_rows": ((np.arange(90),) * 4,) * n,
        "test_rows": (np.arange(90, 120),) * 4,
        "seeds": np.arange(4),
        "score_name": "accuracy" if sign == 1 else "loss",
        "greater_is_better": sign == 1,
        "problems": np.full((n, 4), "", dtype="U99"),
        "notes": (),
    }


def make_learning_curve(test, rivals=None, sign=1, noise=0.001):
    rivals = rivals or {}
    scores = [make_scores(means, noise, seed) for seed, means in enumerate(rivals.values(), 3)]
    fields = make_fields([0.99] * len(test), test, sign, noise)
    return LearningCurve(
        **fields | {"train_rows": tuple((np.arange(size),) * 4 for size in SIZES)},
        sizes=SIZES,
        n_steps=SIZES * 10,
        rivals=tuple(rivals),
        rival_scores=np.array(scores).reshape(-1, 4, 4) if sign == 1 else 1 - np.array(scores),
    )


def make_validation_curve(train, test, values=(2, 8, 32, 128, 512), sign=1, name="units"):
    return ValidationCurve(**make_fields(train, test, sign), name=name, values=tuple(values))


def spoil(curve, position, folds):
    """Let networks of a curve diverge."""
    for array, value in (
        (curve.train_scores, np.nan),
        (curve.test_scores, np.nan),
        (curve.problems, "epoch 2, step 3: the loss is not finite"),
    ):
        array[position, folds] = value
    return curve


class TestLearningCurve:
    def test_more_rows_help_if_the_gain_is_beyond_the_noise(self):
        """Oracle: scipy's paired t-test of 80 rows against 40, with the corrected variance."""
        curve = make_learning_curve([0.7, 0.8, 0.85, 0.9])
        statistic = stats.ttest_rel(curve.test_scores[3], curve.test_scores[1]).statistic
        assert stats.t.sf(statistic / np.sqrt(1 + 4 * 30 / 80), 3) < 0.025
        title = "more rows would still help: accuracy 0.800 at 40 rows, 0.900 at 80"
        assert curve.title == title

    def test_no_clear_gain_within_the_noise(self):
        curve = make_learning_curve([0.7, 0.89, 0.9, 0.9], noise=0.01)
        title = "no clear gain from more rows: accuracy 0.890 at 40 rows, 0.900 at 80"
        assert curve.title == title

    def test_an_error_that_falls_is_a_gain(self):
        curve = make_learning_curve([0.7, 0.8, 0.85, 0.9], sign=-1)
        title = "more rows would still help: loss 0.2000 at 40 rows, 0.1000 at 80"
        assert curve.title == title
        assert "make it worse" in make_learning_curve([0.7, 0.9, 0.85, 0.8]).title

    def test_equal_differences_of_all_folds_show_no_noise(self):
        curve = make_learning_curve([0.7, 0.9, 0.9, 0.9], noise=0.0)
        assert curve.title == "accuracy 0.900 at 40 rows, 0.900 at 80"

    def test_other_methods(self):
        rivals = {"tree": [0.75, 0.79, 0.8, 0.82], "line": [0.6, 0.7, 0.75, 0.8], "mean": [0.1] * 4}
        curve = make_learning_curve([0.7, 0.8, 0.85, 0.9], rivals)
        assert curve.overtakes == {"tree": 40, "line": 20, "mean": 20}
        assert curve.title.endswith("; ahead of all other methods from 40 rows on")
        behind = make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [0.9, 0.92, 0.94, 0.99]})
        assert behind.overtakes == {}
        assert behind.title.endswith("; behind tree, 0.990")
        close = make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [0.9, 0.9, 0.9, 0.901]})
        assert close.title.endswith("; within the noise of tree, 0.901")
        assert (
            "noise"
            not in make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [1.0] * 4}, noise=0.0).title
        )
        ahead = make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [0.6, 0.6, 0.6, 0.6]}, sign=-1)
        assert ahead.title.endswith("; ahead of tree, 0.4000")

    def test_networks_that_did_not_finish(self):
        curve = spoil(make_learning_curve([0.7, 0.8, 0.85, 0.9]), 0, [1, 2])
        assert str(curve).splitlines() == [
            "more rows would still help: accuracy 0.800 at 40 rows, 0.900 at 80",
            "20 rows: the training failed in 2 of 4 folds (epoch 2, step 3: the loss is not finite)",
        ]
        assert np.isnan(curve.test_means).tolist() == [True, False, False, False]
        last = spoil(make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [0.6] * 4}), 3, [0])
        assert last.title == "no score with 80 rows: a training failed"
        assert spoil(curve, slice(None), slice(None)).title == "no score: every training failed"

    def test_frame(self):
        curve = make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [0.6, 0.6, 0.6, 0.6]})
        frame = curve.to_frame()
        assert len(frame) == 2 * 4 * 4
        row = frame.query("method == 'network' and rows == 60 and fold == 2").iloc[0]
        assert row["test_score"] == curve.test_scores[2, 2]
        assert row["train_score"] == curve.train_scores[2, 2]
        row = frame.query("method == 'tree' and rows == 60 and fold == 2").iloc[0]
        assert row["test_score"] == curve.rival_scores[0, 2, 2]

    def test_plot(self):
        """The lines are the means; a constant answer far below is only written."""
        rivals = {"tree": [0.75, 0.79, 0.8, 0.82], "majority": [0.1] * 4}
        curve = make_learning_curve([0.7, 0.8, 0.85, 0.9], rivals)
        (ax,) = curve.plot().axes
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert lines["network, held-out rows"].get_ydata() == pytest.approx(curve.test_means)
        assert lines["network, training rows"].get_ydata() == pytest.approx(curve.train_means)
        assert lines["tree"].get_ydata() == pytest.approx(curve.rival_scores[0].mean(axis=1))
        assert lines["tree"].get_xdata() == pytest.approx(SIZES)
        assert "majority: 0.1, below the axis" in lines
        assert ax.get_ylim()[0] > 0.6
        assert ax.get_xscale() == "linear"
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("number of training rows", "accuracy")

    def test_constant_answer_that_is_near_is_drawn(self):
        curve = make_learning_curve([0.7, 0.8, 0.85, 0.9], {"majority": [0.6] * 4})
        (ax,) = curve.plot().axes
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert lines["majority"].get_ydata() == pytest.approx(0.6)


class TestValidationCurve:
    UNDER_AND_OVER = ([0.6, 0.8, 0.92, 0.97, 1.0], [0.58, 0.78, 0.9, 0.88, 0.8])

    def test_regions(self):
        """Oracle: t-tests by hand. Both scores fall by 0.2 and more to the left of the best value,
        and the gap grows by 0.07 and 0.18 to the right, where the noise is 0.004."""
        curve = make_validation_curve(*self.UNDER_AND_OVER)
        assert curve.best == 32
        assert curve.regions == {"underfitting": (2, 8), "overfitting": (128, 512)}
        gap = curve.train_scores - curve.test_scores
        assert corrected_t_test(gap[3] - gap[2], 90, 30).interval[0] > 0
        assert str(curve).splitlines() == [
            "units = 32 scores best: accuracy 0.900 on held-out rows; beyond the noise of all others",
            "underfitting: units = 2, 8",
            "overfitting: units = 128, 512",
        ]

    def test_regions_of_an_error_and_of_a_parameter_that_lowers_complexity(self):
        train, test = (means[::-1] for means in self.UNDER_AND_OVER)
        values = (0, 0.0001, 0.001, 0.01, 0.1)
        curve = make_validation_curve(train, test, values, sign=-1, name="l2")
        assert curve.best == 0.001
        assert curve.regions == {"overfitting": (0, 0.0001), "underfitting": (0.01, 0.1)}

    @pytest.mark.parametrize(
        ("train", "test"),
        [
            ([0.9] * 5, [0.88, 0.881, 0.882, 0.881, 0.88]),  # flat: within the noise
            ([0.8, 0.9, 0.95, 0.98, 1.0], [0.9] * 5),  # the gap grows, but nothing gets worse
            ([0.9, 0.9, 0.9, 0.9, 0.7], [0.88, 0.88, 0.88, 0.88, 0.5]),  # worse, and a larger gap
        ],
    )
    def test_no_region_without_evidence(self, train, test):
        fields = make_fields(train, test, noise=0.003)
        curve = ValidationCurve(**fields, name="units", values=(2, 8, 32, 128, 512))
        assert curve.regions == {}
        (ax,) = curve.plot().axes
        assert list(ax.texts) == []

    def test_region_ends_at_the_first_value_that_does_not_belong_to_it(self):
        curve = make_validation_curve([0.6, 0.93, 0.6, 0.93, 0.93], [0.58, 0.9098, 0.58, 0.9, 0.91])
        assert curve.regions == {"underfitting": (2,)}

    def test_values_within_the_noise_are_named(self):
        curve = make_validation_curve([0.8, 0.9, 0.9, 0.9, 0.9], [0.7, 0.8815, 0.882, 0.8815, 0.8])
        title = "units = 32 scores best: accuracy 0.882 on held-out rows; within the noise of it: "
        assert curve.title == title + "8, 128"
        flat = make_validation_curve([0.9] * 3, [0.88, 0.881, 0.88], ["relu", "tanh", "elu"])
        assert flat.title.endswith("no other value differs from it beyond the noise")

    def test_categories_have_no_regions(self):
        curve = make_validation_curve(*self.UNDER_AND_OVER, values=["a", "b", "c", "d", "e"])
        assert curve.regions == {}
        (ax,) = curve.plot().axes
        assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b", "c", "d", "e"]

    def test_optimizers_are_named_shortly(self):
        """A label has 30 characters if there are two."""
        values = ["sgd", gn.optimizers.Adam(0.25, beta_1=0.5)]
        curve = make_validation_curve([0.8, 0.9], [0.7, 0.8], values, name="optimizer")
        optimizer = "Adam(learning_rate=0.25, beta_1=0.5)"
        assert curve.title.startswith(f"optimizer = {optimizer} scores best: accuracy 0.800")
        (ax,) = curve.plot().axes
        labels = [text.get_text() for text in ax.get_xticklabels()]
        assert labels == ["sgd", f"{optimizer[:29].rstrip()}…"]

    def test_networks_that_did_not_finish(self):
        curve = spoil(make_validation_curve(*self.UNDER_AND_OVER), 4, [0])
        spoil(curve, 3, slice(None))
        assert str(curve).splitlines()[1:] == [
            "units = 128: the training failed in 4 of 4 folds (epoch 2, step 3: the loss is not finite)",
            "units = 512: the training failed in 1 of 4 folds (epoch 2, step 3: the loss is not finite)",
            "underfitting: units = 2, 8",
        ]
        (ax,) = curve.plot().axes
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert lines["a training failed"].get_xdata().tolist() == [128, 512]
        frame = curve.to_frame()
        assert frame["problem"].ne("").sum() == frame["test_score"].isna().sum() == 5
        assert spoil(curve, slice(None), 0).title == (
            "no score: with every value, a training failed"
        )
        assert curve.best is None
        curve.plot()

    def test_plot(self):
        curve = make_validation_curve(*self.UNDER_AND_OVER)
        (ax,) = curve.plot().axes
        assert ax.get_xscale() == "log"
        assert [text.get_text() for text in ax.get_xticklabels()] == ["2", "8", "32", "128", "512"]
        assert [text.get_text() for text in ax.texts] == ["underfitting", "overfitting"]
        left, right = (patch.get_extents() for patch in ax.patches)
        positions = ax.transData.transform([(value, 0.9) for value in curve.values])[:, 0]
        assert positions[1] < left.x1 < positions[2] < right.x0 < positions[3]

    @pytest.mark.parametrize(
        ("values", "scale"),
        [
            ((1, 2, 3, 4, 5), "linear"),
            ((8, 16, 32, 64, 128), "log"),
            ((0, 1e-4, 1e-3, 1e-2, 1e-1), "symlog"),
            ((-100, -1, 0, 1, 100), "linear"),
        ],
    )
    def test_scales(self, values, scale):
        curve = make_validation_curve(*self.UNDER_AND_OVER, values=values)
        (ax,) = curve.plot().axes
        assert ax.get_xscale() == scale

    def test_plot_on_axes_of_the_user_and_frame(self):
        curve = make_validation_curve(*self.UNDER_AND_OVER)
        figure, ax = plt.subplots()
        assert curve.plot(ax) is figure
        plt.close(figure)
        frame = curve.to_frame()
        assert frame["units"].tolist()[:5] == [2, 2, 2, 2, 8]
        row = frame.query("units == 32 and fold == 1").iloc[0]
        assert row["test_score"] == curve.test_scores[2, 1]
        assert len(frame) == 20


@pytest.fixture(scope="module")
def wine():
    """174 standardized rows of 13 columns in three classes of 57, 69 and 48 rows."""
    x, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    rows = np.concatenate([order[y[order] == k][:n] for k, n in enumerate((57, 69, 48))])
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)[rows], y[rows]


def make_classifier(units=8):
    """Return a network with dropout for the three wines."""
    hidden = Dense(units, activation="relu"), Dropout(0.2)
    model = gn.Sequential([Input(13), *hidden, Dense(3, activation="softmax")], seed=1)
    model.compile(gn.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    return model


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


def test_training_rows_are_scored_without_noise(classifier, wine):
    """Oracle: `evaluate` of the trained model, on rows that two networks have different numbers of.

    The loss in the history is measured with dropout during the epoch, and is another.
    """
    x, y = wine
    experiment = Experiment("test", classifier, x, y, {"epochs": 3, "verbose": 0})
    test_rows = np.arange(1, 174, 2)
    runs = [Run(rows, test_rows, seed) for seed, rows in enumerate([test_rows - 1, test_rows[:40]])]
    for result in experiment.train(runs, scores_training_rows=True):
        rows = result.run.train_rows
        scores = result.model.evaluate(x[rows], y[rows], return_dict=True, verbose=0)
        assert result.train_scores == pytest.approx(scores, rel=1e-6)
        assert result.history.history["loss"][-1] != pytest.approx(scores["loss"], rel=1e-3)
    assert experiment.train(runs[:1])[0].train_scores == {}


OPTIONS = {"folds": 3, "epochs": 8, "batch_size": 16, "verbose": 0}


@pytest.fixture(scope="module")
def curve(classifier, wine):
    """A learning curve of 12, 60 and all 116 training rows, with other methods."""
    return learning_curve(classifier, *wine, sizes=[12, 60, 116], rivals=True, **OPTIONS)


class TestLearningCurveOfModel:
    def test_subsets_are_nested_and_stratified(self, curve, wine):
        """Oracle: sets, and k * n_c / n rows of class c."""
        assert curve.sizes.tolist() == [12, 60, 116]
        for k, test_rows in enumerate(curve.test_rows):
            small, half, whole = (set(rows[k].tolist()) for rows in curve.train_rows)
            assert small < half < whole
            assert not whole & set(test_rows.tolist())
            counts = np.bincount(wine[1][sorted(half)])
            expected = 60 * np.bincount(wine[1][sorted(whole)]) / len(whole)
            assert np.abs(counts - expected).max() < 1

    def test_one_point_by_hand(self, curve, wine):
        """Oracle: `fit` and `evaluate` on the rows and with the seed of one network.

        60 rows make 4 steps and 116 rows 8, so that 16 epochs have as many steps as 8 of those.
        """
        (x, y), model = wine, make_classifier()
        rows, test_rows = curve.train_rows[1][2], curve.test_rows[2]
        model.reset(int(curve.seeds[2]))
        model.fit(x[rows], y[rows], epochs=16, batch_size=16, verbose=0)
        assert curve.n_steps.tolist() == [[64] * 3] * 3
        for part, scores in ((rows, curve.train_scores), (test_rows, curve.test_scores)):
            accuracy = model.evaluate(x[part], y[part], return_dict=True, verbose=0)["accuracy"]
            assert scores[1, 2] == pytest.approx(accuracy, abs=1e-6)

    def test_all_rows_give_the_scores_of_cross_validation(self, curve, classifier, wine):
        """Oracle: `cross_validate` with the same folds and seeds."""
        result = cross_validate(classifier, *wine, **OPTIONS)
        assert curve.test_scores[2].tolist() == pytest.approx(result.scores.tolist(), abs=1e-6)
        for rows, others in zip(curve.train_rows[2], result.train_rows, strict=True):
            assert rows.tolist() == others.tolist()

    def test_other_methods_by_hand(self, curve, wine):
        """Oracle: scikit-learn's estimators on the same rows, standardized by the training rows."""
        assert curve.rivals == ("logistic regression", "gradient-boosted trees", "majority")
        (x, y), rows, test_rows = wine, curve.train_rows[1][0], curve.test_rows[0]
        scaler = StandardScaler().fit(x[rows])
        x_train, x_test = scaler.transform(x[rows]), scaler.transform(x[test_rows])
        trees = HistGradientBoostingClassifier(early_stopping=False, random_state=0)
        expected = [
            LogisticRegression(max_iter=1000).fit(x_train, y[rows]).score(x_test, y[test_rows]),
            trees.fit(x_train, y[rows]).score(x_test, y[test_rows]),
            np.mean(y[test_rows] == np.bincount(y[rows]).argmax()),
        ]
        assert curve.rival_scores[:, 1, 0].tolist() == pytest.approx(expected, abs=1e-6)

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_shapes_and_direction_are_those_of_scikit_learn(self, curve, wine):
        """Oracle: scikit-learn's learning_curve over the same network as an estimator."""
        network = NeuralClassifier(
            (8,), learning_rate_init=0.01, batch_size=16, max_iter=8, random_state=0
        )
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        sizes, train_scores, test_scores = sklearn_learning_curve(
            network, *wine, train_sizes=[12, 116], cv=folds, shuffle=True, random_state=0
        )
        assert (curve.train_scores.shape, curve.sizes.shape) == ((3, 3), (3,))
        assert train_scores.shape == test_scores.shape == (len(sizes), 3)
        assert np.all(np.diff(test_scores.mean(axis=1)) > 0)
        assert curve.test_means[-1] > curve.test_means[0]
        assert curve.test_means[-1] == pytest.approx(test_scores.mean(axis=1)[-1], abs=0.06)

    def test_notes(self, curve):
        assert curve.notes == (
            "Training took 64 epochs with 12 rows and 8 epochs with 116 rows, about equally many "
            "steps.",
            "A step has at most 12 rows, fewer than batch_size=16.",
        )


@pytest.fixture(scope="module")
def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return (10 * x[:120]).astype(np.float32), y[:120]


def make_regressor(**options):
    model = gn.Sequential([Input(10), Dense(1, **options)], seed=0)
    model.compile(gn.optimizers.SGD(0.01), "mse")
    return model


def test_loss_of_other_methods(diabetes):
    """Oracle: the squared errors of scikit-learn's RidgeCV and of the mean, on the same rows."""
    x, y = diabetes
    curve = learning_curve(
        make_regressor(), x, y, sizes=[20, 1.0 * 60], folds=2, epochs=1, verbose=0, rivals=True
    )
    assert (curve.score_name, curve.greater_is_better) == ("loss", False)
    for i, k in ((0, 0), (1, 1)):
        rows, test_rows = curve.train_rows[i][k], curve.test_rows[k]
        scaler = StandardScaler().fit(x[rows])
        ridge = RidgeCV(np.logspace(-1, 3, 9)).fit(scaler.transform(x[rows]), y[rows])
        errors = ridge.predict(scaler.transform(x[test_rows])) - y[test_rows]
        assert curve.rival_scores[0, i, k] == pytest.approx(np.mean(errors**2), rel=1e-4)
        expected = np.mean((y[rows].mean() - y[test_rows]) ** 2)
        assert curve.rival_scores[-1, i, k] == pytest.approx(expected, rel=1e-5)


def test_loss_of_logits_of_other_methods(wine):
    """Oracle: scikit-learn's log_loss of its logistic regression."""
    x, y = wine
    model = gn.Sequential([Input(13), Dense(3)], seed=0)
    model.compile("sgd", gn.losses.SparseCategoricalCrossentropy(from_logits=True))
    curve = learning_curve(
        model, x, y, sizes=[12, 60], folds=2, epochs=1, verbose=0, rivals=True, budget="epochs"
    )
    rows, test_rows = curve.train_rows[1][0], curve.test_rows[0]
    scaler = StandardScaler().fit(x[rows])
    method = LogisticRegression(max_iter=1000).fit(scaler.transform(x[rows]), y[rows])
    expected = log_loss(y[test_rows], method.predict_proba(scaler.transform(x[test_rows])))
    assert curve.rival_scores[0, 1, 0] == pytest.approx(expected, rel=1e-4)
    shares = np.bincount(y[rows]) / len(rows)
    expected = -np.log(shares[y[test_rows]]).mean()
    assert curve.rival_scores[2, 1, 0] == pytest.approx(expected, rel=1e-5)
    assert curve.n_steps.tolist() == [[1, 1], [2, 2]]
    assert curve.notes[0] == (
        "Training took 1 step with 12 rows and 2 steps with 60 rows. The low score of few rows may"
        ' come from few steps. budget="steps" trains all equally long.'
    )


def test_table_is_encoded_by_the_training_rows_alone():
    """Oracle: scikit-learn's logistic regression on columns encoded by hand.

    Numbers are standardized, and a category has a column for each value.
    """
    rng = np.random.default_rng(0)
    table = {
        "size": rng.normal(5, 3, 60),
        "color": rng.choice(["red", "blue"], 60),
        "kind": rng.choice(["a", "b"], 60),
    }
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    curve = learning_curve(
        model, table, target="kind", sizes=[10, 30], folds=2, epochs=1, verbose=0, rivals=True
    )
    rows, test_rows = curve.train_rows[0][1], curve.test_rows[1]
    encoder = fit_encoder(read_table(table).take(rows).drop("kind"), {}, None)
    x, x_test = (encoder.transform(read_table(table).take(each)) for each in (rows, test_rows))
    mean, std = table["size"][rows].mean(), table["size"][rows].std()
    assert x_test[:, 0] == pytest.approx((table["size"][test_rows] - mean) / std, abs=1e-5)
    method = LogisticRegression(max_iter=1000).fit(x, table["kind"][rows])
    expected = method.score(x_test, table["kind"][test_rows])
    assert curve.rival_scores[0, 0, 1] == pytest.approx(expected, abs=1e-6)


def test_windows_of_a_series_are_the_last_ones_before_the_test_windows():
    series = gn.data.series({"sales": np.sin(np.arange(60.0))}, target="sales", length=4, horizon=2)
    model = gn.Sequential([Flatten(), Dense(2)], seed=0)
    curve = learning_curve(model, series, sizes=[5, 10], folds=3, epochs=1, verbose=0)
    for k, test_rows in enumerate(curve.test_rows):
        small, large = (rows[k].tolist() for rows in curve.train_rows)
        assert large == list(range(test_rows[0] - 11, test_rows[0] - 1))
        assert small == large[5:]
    with pytest.raises(ConfigError, match=r"Received: rivals=True. A forecast has the seasonal"):
        learning_curve(model, series, folds=3, epochs=1, rivals=True, verbose=0)


def test_validation_curve_by_hand(diabetes):
    """Oracle: `fit` of a model with the value, and squared errors without the penalty."""
    x, y = diabetes
    curve = validation_curve(make_regressor(), x, y, "l2", [5.0, 0.0], folds=2, epochs=2, verbose=0)
    assert curve.values == (0.0, 5.0)
    assert curve.score_name == "loss"
    for i, value in enumerate(curve.values):
        model = make_regressor(kernel_regularizer=gn.regularizers.L2(value))
        model.reset(int(curve.seeds[1]))
        rows, test_rows = curve.train_rows[i][1], curve.test_rows[1]
        model.fit(x[rows], y[rows], epochs=2, verbose=0)
        for part, scores in ((rows, curve.train_scores), (test_rows, curve.test_scores)):
            errors = model.predict(x[part], verbose=0)[:, 0] - y[part]
            assert scores[i, 1] == pytest.approx(np.mean(errors**2), rel=1e-5)
    assert curve.notes[-1].startswith("The best of 2 values was chosen by the held-out rows")


def test_networks_that_diverge_have_no_score(diabetes):
    options = {"folds": 2, "epochs": 1, "verbose": 0}
    curve = validation_curve(make_regressor(), *diabetes, "learning_rate", [1e30, 0.01], **options)
    assert np.isfinite(curve.test_scores).tolist() == [[True, True], [False, False]]
    assert np.isnan(curve.train_scores[1]).all()
    assert "step" in curve.problems[1, 0]


def test_function_that_makes_the_model(diabetes):
    """Oracle: the number of weights is what the value demands: the networks differ in depth."""
    depths = []

    def make_model(depth):
        depths.append(depth)
        return gn.Sequential([Input(10), *[Dense(2)] * depth, Dense(1)], seed=0)

    options = {"folds": 2, "epochs": 1, "verbose": 0}
    curve = validation_curve(make_model, *diabetes, "depth", [2, 0], **options)
    assert (curve.name, curve.values, depths) == ("depth", (0, 2), [0, 2])
    assert len(np.unique(curve.test_scores)) == 4


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"sizes": [0.1, 2.0]}, ConfigError, "sizes to be all fractions or all numbers of rows"),
        ({"sizes": [1, 9]}, DataError, "at least 3 rows, one of each class, in the smallest"),
        ({"budget": "step"}, ConfigError, "Received: name='step'. Did you mean 'steps'?"),
        ({"epoch": 3}, ArgumentError, "Did you mean 'epochs'?"),
        ({"fold": 3}, ArgumentError, "Did you mean 'folds'?"),
        ({"folds": 1}, ConfigError, "folds to be an int >= 2"),
        ({"folds": 60}, DataError, "learning_curve: expected"),
    ],
)
def test_learning_curves_that_cannot_be_made(classifier, wine, options, error, text):
    with pytest.raises(error) as caught:
        learning_curve(classifier, *wine, verbose=0, **options)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("unit", [2, 8], "Did you mean 'units'?"),
        ("units", [2], "validation_curve: expected at least two values of units. Received: values"),
        ("units", [2, 2], "different values of units. Received: twice=[2]"),
        ("units", 8, "a list of values of units"),
        ("units", [0, 8], "a value that units can take"),
        (["units"], [0, 8], "the name of a parameter"),
    ],
)
def test_validation_curves_that_cannot_be_made(classifier, wine, name, values, text):
    with pytest.raises(ConfigError) as caught:
        validation_curve(classifier, *wine, name, values, verbose=0)
    assert text in str(caught.value)


def test_batches_have_no_rows_to_divide(classifier, wine):
    x, y = wine
    with pytest.raises(DataError, match="rows, which can be divided into folds"):
        learning_curve(classifier, [(x[:50], y[:50]), (x[50:], y[50:])], verbose=0)
    with pytest.raises(DataError, match="rows, which can be divided into folds"):
        validation_curve(classifier, iter([(x, y)]), verbose=0)


def test_data_that_other_methods_cannot_use(diabetes):
    x, y = diabetes
    model = gn.Sequential([Input(10), Dense(2)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(GlassnetError, match="The other methods predict one class or one number"):
        learning_curve(model, x, np.stack([y, y], axis=1), rivals=True, verbose=0)
    words = gn.Sequential([Embedding(9, 2), Flatten(), Dense(1)], seed=0)
    with pytest.raises(GlassnetError, match="The other methods cannot use ids of words"):
        learning_curve(words, (x > 0).astype(int), y, rivals=True, verbose=0)
