"""Learning curves and validation curves."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_wine

import glassnet as gn
from glassnet.evaluation.resampled_tests import corrected_t_test
from glassnet.layers import Dense, Dropout, Input
from glassnet.selection.experiments import Experiment
from glassnet.selection.runs import Run
from glassnet.selection.score_curves import LearningCurve, ValidationCurve

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
        "n_train": np.full((n, 4), 90),
        "n_test": np.full(4, 30),
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
        **fields | {"n_train": np.repeat(SIZES[:, None], 4, axis=1)},
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
        assert stats.t.sf(statistic / np.sqrt(1 + 4 * 30 / 40), 3) < 0.025
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
        ahead = make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [0.6, 0.6, 0.6, 0.6]}, sign=-1)
        assert ahead.title.endswith("; ahead of tree, 0.4000")

    def test_networks_that_did_not_finish(self):
        curve = spoil(make_learning_curve([0.7, 0.8, 0.85, 0.9]), 0, [1, 2])
        assert str(curve).splitlines() == [
            "more rows would still help: accuracy 0.800 at 40 rows, 0.900 at 80",
            "20 rows: no score in 2 of 4 folds (epoch 2, step 3: the loss is not finite)",
        ]
        assert np.isnan(curve.test_mean).tolist() == [True, False, False, False]
        last = spoil(make_learning_curve([0.7, 0.8, 0.85, 0.9], {"tree": [0.6] * 4}), 3, [0])
        assert last.title == "no score with 80 rows: a network did not finish"
        assert spoil(curve, slice(None), slice(None)).title == "no score: no network finished"

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
        assert lines["network, held-out rows"].get_ydata() == pytest.approx(curve.test_mean)
        assert lines["network, training rows"].get_ydata() == pytest.approx(curve.train_mean)
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

    def test_networks_that_did_not_finish(self):
        curve = spoil(make_validation_curve(*self.UNDER_AND_OVER), 4, [0])
        spoil(curve, 3, slice(None))
        assert str(curve).splitlines()[1:] == [
            "units = 128: no score in 4 of 4 folds (epoch 2, step 3: the loss is not finite)",
            "units = 512: no score in 1 of 4 folds (epoch 2, step 3: the loss is not finite)",
            "underfitting: units = 2, 8",
        ]
        (ax,) = curve.plot().axes
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert lines["a network did not finish"].get_xdata().tolist() == [128, 512]
        frame = curve.to_frame()
        assert frame["problem"].ne("").sum() == frame["test_score"].isna().sum() == 5
        assert spoil(curve, slice(None), 0).title == (
            "no score: with every value, a network did not finish"
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
    """178 standardized rows of 13 columns in three classes."""
    x, y = load_wine(return_X_y=True)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32), y


@pytest.fixture(scope="module")
def classifier():
    hidden = Dense(8, activation="relu"), Dropout(0.2)
    model = gn.Sequential([Input(13), *hidden, Dense(3, activation="softmax")], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def test_training_rows_are_scored_without_noise(classifier, wine):
    """Oracle: `evaluate` of the trained model, on rows that two networks have different numbers of.

    The loss in the history is measured with dropout during the epoch, and is another.
    """
    x, y = wine
    experiment = Experiment("test", classifier, x, y, None, {"epochs": 3, "verbose": 0})
    test_rows = np.arange(1, 178, 2)
    runs = [Run(rows, test_rows, seed) for seed, rows in enumerate([test_rows - 1, test_rows[:40]])]
    for result in experiment.train(runs, scores_training_rows=True):
        rows = result.run.train_rows
        scores = result.model.evaluate(x[rows], y[rows], return_dict=True, verbose=0)
        assert result.train_scores == pytest.approx(scores, rel=1e-6)
        assert result.history.history["loss"][-1] != pytest.approx(scores["loss"], rel=1e-3)
    assert experiment.train(runs[:1])[0].train_scores == {}
