"""Results of sweeps from made-up scores: ranks, noise, ties, failures, texts and figures."""

import json
import pickle

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from glassnet.errors import ConfigError, NotReadyError
from glassnet.selection.parameters import format_values
from glassnet.selection.sweep_results import Sweep

NAN = float("nan")
N_TRAIN, N_TEST = 80, 20


def make(run_scores, settings=None, *, greater_is_better=True, inner=None, problems=None):
    """Return a sweep from scores of (settings, seeds, folds)."""
    scores = np.array(run_scores, float)
    n, r, k = scores.shape
    settings = settings or [{"learning_rate": 10.0**-i} for i in range(n)]
    default = ["" if np.isfinite(each).all() else "diverged (epoch 1)" for each in scores]
    return Sweep(
        settings=tuple(settings),
        seeds=tuple(range(r)),
        score_name="accuracy" if greater_is_better else "loss",
        greater_is_better=greater_is_better,
        run_scores=scores,
        inner_scores=None if inner is None else np.array(inner, float),
        n_train=np.full(k, N_TRAIN),
        n_test=np.full(k, N_TEST),
        problems=tuple(problems or default),
        results=(),
        notes=(),
        retrain=lambda index: f"model of setting {index}",
    )


def by_fold(*rows):
    return [[list(row)] for row in rows]


FOLDS = by_fold([0.7, 0.72, 0.74], [0.9, 0.92, 0.94], [0.89, 0.93, 0.93])


def test_means_errors_and_intervals_are_those_of_nadeau_and_bengio():
    """Arithmetic: variance 0.0004 of three folds; 1/3 + 20/80."""
    result = make(FOLDS)
    error = np.sqrt((1 / 3 + N_TEST / N_TRAIN) * 0.0004)
    half = stats.t.ppf(0.975, 2) * error
    np.testing.assert_allclose(result.means, [0.72, 0.92, 0.91666667])
    np.testing.assert_allclose(result.standard_errors[:2], error)
    np.testing.assert_allclose(result.intervals[1], [0.92 - half, 0.92 + half])


def test_seeds_are_repetitions_of_each_fold():
    scores = [[[0.5, 0.7], [0.7, 0.9]], [[0.8, 0.6], [0.8, 0.8]]]
    result = make(scores)
    np.testing.assert_allclose(result.scores, [[0.6, 0.8], [0.8, 0.7]])
    assert result.best == {"learning_rate": 0.1}
    assert "over 2 folds and 2 seeds" in result.title


def test_noise_over_folds_is_a_paired_test():
    """The first setting is always 0.2 below the best: worse. The third differs by -1, 1, -1 %."""
    result = make(FOLDS)
    assert result.is_within_noise.tolist() == [False, True, True]
    assert "1 of the 2 other settings is within the noise of the best" in str(result)


def test_noise_over_seeds_is_an_ordinary_paired_test():
    """Oracle: scipy's ttest_rel. Seeds share their rows, so there are no folds to correct for."""
    rng = np.random.default_rng(0)
    scores = (
        0.8 + 0.01 * rng.normal(size=(4, 6, 1)) - np.array([0, 0.005, 0.02, 0.05])[:, None, None]
    )
    result = make(scores)
    best = result.best_index
    expected = [
        i == best or stats.ttest_rel(scores[i, :, 0], scores[best, :, 0]).pvalue >= 0.05
        for i in range(4)
    ]
    assert result.is_within_noise.tolist() == expected
    assert sum(expected) < 4
    np.testing.assert_allclose(result.standard_errors, stats.sem(scores[:, :, 0], axis=1))
    assert "seeds, on the same rows" in str(result)
    assert "on 20 validation rows over 6 seeds" in result.title


def test_one_run_for_each_setting_has_no_noise():
    result = make(by_fold([0.7], [0.9]))
    assert np.isnan(result.standard_errors).all()
    assert "the noise is unknown. Pass folds, or seeds." in str(result)
    assert result.is_within_noise.all()
    assert "within the noise" not in str(result)


def test_the_first_of_equal_settings_is_the_best():
    result = make(by_fold([0.7, 0.7], [0.9, 0.9], [0.9, 0.9]))
    assert result.best_index == 1
    assert result.is_within_noise.tolist() == [False, True, True]


def test_a_lower_loss_is_better():
    result = make(by_fold([3.0, 3.1], [1.0, 1.2], [2.0, 2.1]), greater_is_better=False)
    assert result.best == {"learning_rate": 0.1}
    assert result.to_frame().index.tolist() == [1, 2, 0]
    assert result.title.startswith("Best of 3 settings: learning_rate=0.1 with loss 1.1 over 2")


def test_a_setting_of_which_one_run_diverged_is_not_ranked():
    """It has the highest score in the other fold, but would be chosen for one fold alone."""
    problem = "diverged in 1 of 2 runs (epoch 3, step 5 of 9: the loss is not finite)"
    result = make(by_fold([0.99, NAN], [0.8, 0.9]), problems=[problem, ""])
    assert result.best == {"learning_rate": 0.1}
    assert result.is_within_noise.tolist() == [False, True]
    assert f"learning_rate=1: {problem}" in str(result)
    frame = result.to_frame()
    assert frame.index.tolist() == [1, 0]
    assert frame.problem.tolist() == ["", problem]


def test_if_every_run_diverged_there_is_no_best():
    result = make(by_fold([NAN, NAN], [NAN, 0.5]))
    assert (result.best, result.best_index) == (None, None)
    assert np.isnan(result.best_score)
    assert result.title == "No setting has a score: 2 of 2 diverged"
    assert not result.is_within_noise.any()
    assert result.to_frame().index.tolist() == [0, 1]
    with pytest.raises(NotReadyError, match=r"refit: expected a setting with a score\. Received"):
        result.refit()
    result.plot()


def test_more_than_three_problems_are_counted():
    result = make(by_fold([0.5, 0.6], *[[NAN, NAN]] * 4, [NAN, 0.5]))
    assert str(result).count("diverged (epoch 1)") == 3
    assert str(result).endswith("2 more: 5 of 6 diverged")


def test_the_winners_score_is_said_to_be_optimistic_unless_nested():
    assert "optimistic: chosen among 3 on the same rows" in make(FOLDS).title
    assert "optimistic" not in make(FOLDS[:1]).title
    result = make(FOLDS, inner=[[0.7, 0.7, 0.7], [0.8, 0.9, 0.9], [0.9, 0.8, 0.8]])
    assert "optimistic" not in str(result)
    assert result.choices == (2, 1, 1)
    np.testing.assert_allclose(result.nested_scores, [0.89, 0.92, 0.94])
    assert result.nested_mean == pytest.approx(2.75 / 3)
    assert "nested: settings chosen by inner folds score accuracy 0.917" in result.title
    assert "2 of 3 outer folds choose learning_rate=0.1." in str(result)


def test_an_outer_fold_whose_inner_runs_all_diverged_has_no_choice():
    result = make(by_fold([0.8, 0.9], [0.7, 0.7]), inner=[[0.8, NAN], [0.7, NAN]])
    assert result.choices == (0, None)
    np.testing.assert_array_equal(result.nested_scores, [0.8, NAN])
    assert np.isnan(result.nested_mean)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1.0, 8.0, 2.0], "l2=8 is the largest that was tried: try beyond it."),
        ([1.0, 0.5, 2.0], "l2=0.5 is the smallest that was tried: try beyond it."),
        ([1.0, 0.0, 2.0], ""),  # nothing is below a penalty of 0
        ([1.0, 2.0, 8.0], ""),
        (["a", "b", "c"], ""),
    ],
)
def test_a_best_value_at_the_end_of_its_range_is_named(values, text):
    """The second setting is the best."""
    result = make(FOLDS, [{"l2": value} for value in values])
    assert (text in str(result)) if text else ("tried" not in str(result))


def test_refit_trains_the_best_setting():
    assert make(FOLDS).refit() == "model of setting 1"


def test_a_pickled_result_has_no_rows():
    result = pickle.loads(pickle.dumps(make(FOLDS)))
    assert str(result) == str(make(FOLDS))
    with pytest.raises(NotReadyError, match="refit: expected the result of this session's sweep"):
        result.refit()


@pytest.mark.parametrize(
    ("others", "text"),
    [
        ([0.7, 0.72, 0.74], "The other setting is not within the noise"),
        ([0.9, 0.9, 0.94], "The other setting is within the noise"),
    ],
)
def test_one_other_setting_is_singular(others, text):
    assert text in str(make(by_fold([0.9, 0.92, 0.94], others)))


def test_all_or_none_of_the_other_settings_may_be_within_the_noise():
    best, worse = [0.9, 0.92, 0.94], [0.7, 0.72, 0.74]
    assert "Both other settings are within the noise" in str(make(by_fold(best, best, best)))
    assert "No other setting is within the noise" in str(make(by_fold(best, worse, worse)))


def test_to_dict_is_json():
    numbers = make(FOLDS).to_dict()
    assert json.loads(json.dumps(numbers["numbers"]))["accuracy"][0] == pytest.approx(0.92)
    assert numbers["arrays"]["run_scores"].shape == (3, 1, 3)


def test_values_are_printed_short():
    values = {"a": 0.1 + 0.2, "b": 12_000, "c": None, "d": "relu", "e": [1] * 100}
    text = format_values(values)
    assert text.startswith("a=0.3, b=12000, c=None, d=relu, e=[1, 1, 1")
    assert text.endswith("1,…")
    assert len(text) < 80


# Figures


def labels_of(figure):
    ax = figure.axes[0]
    return ax.get_xlabel(), ax.get_ylabel()


def grid(x, y):
    return [{"learning_rate": a, "units": b} for a in x for b in y]


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 0.1, 0.01], "log"),
        ([0.0, 0.1, 100.0], "symlog"),
        ([2, 8, 16], "linear"),
        ([-1.0, 0.1, 10.0], "linear"),
    ],
)
def test_one_number_is_a_curve(values, scale):
    result = make(FOLDS, [{"l2": value} for value in values])
    figure = result.plot()
    ax = figure.axes[0]
    assert labels_of(figure) == ("l2", "accuracy")
    assert ax.get_xscale() == scale
    line = next(line for line in ax.lines if line.get_label() == "mean")
    np.testing.assert_array_equal(line.get_xdata(), np.sort(values))
    np.testing.assert_allclose(line.get_ydata(), result.means[np.argsort(values)])
    best = next(line for line in ax.lines if line.get_label() == "best")
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (values[1], pytest.approx(0.92))


def test_diverged_settings_of_a_curve_are_crosses_at_the_bottom():
    ax = make(by_fold([NAN, 0.9], [0.7, 0.8], [0.7, 0.9])).plot().axes[0]
    cross = next(line for line in ax.lines if line.get_label() == "diverged")
    assert cross.get_xdata().tolist() == [1.0]
    assert cross.get_marker() == "x"
    mean = next(line for line in ax.lines if line.get_label() == "mean")
    assert len(mean.get_xdata()) == 2


def test_losses_of_several_decades_have_a_logarithmic_axis():
    figure = make(by_fold([900.0, 901], [1, 1.1], [2, 2]), greater_is_better=False).plot()
    assert figure.axes[0].get_yscale() == "log"


@pytest.mark.parametrize("greater_is_better", [True, False])
def test_two_parameters_are_a_map(greater_is_better):
    """Cell (row, column) must show the setting with those two values, written in any order."""
    settings = grid([1.0, 0.01], [32, 8, 16])[::-1]
    means = np.arange(6) / 10 + 0.1
    result = make(
        by_fold(*np.stack([means, means + 0.01], 1)), settings, greater_is_better=greater_is_better
    )
    figure = result.plot()
    ax = figure.axes[0]
    assert labels_of(figure) == ("learning_rate", "units")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.01", "1"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["8", "16", "32"]
    shown = ax.images[0].get_array()
    for i, setting in enumerate(settings):
        row, column = (
            [8, 16, 32].index(setting["units"]),
            [0.01, 1.0].index(setting["learning_rate"]),
        )
        assert shown[row, column] == pytest.approx(result.means[i])
    frame = next(patch for patch in ax.patches if patch.get_linewidth() == 2.5)
    best = settings[result.best_index]
    assert frame.get_xy() == (
        [0.01, 1.0].index(best["learning_rate"]) - 0.5,
        [8, 16, 32].index(best["units"]) - 0.5,
    )
    brightest = ax.images[0].cmap(ax.images[0].norm(result.best_score))
    assert brightest[:3] == pytest.approx((0.993, 0.906, 0.144), abs=1e-3)


def test_a_cell_of_a_map_that_diverged_says_so():
    scores = [[0.1, 0.2], [NAN, 0.2], [0.3, 0.3], [0.4, 0.4]]
    ax = make(by_fold(*scores), grid([1.0, 0.1], [8, 16])).plot().axes[0]
    assert sorted(text.get_text() for text in ax.texts) == ["0.15", "0.3", "0.4", "diverged"]
    assert ax.images[0].get_array().mask.sum() == 1


@pytest.mark.parametrize(
    "settings",
    [
        [{"optimizer": "adam"}, {"optimizer": "sgd"}, {"optimizer": "lion"}],
        [{"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "c": 2}, {"a": 2, "b": 1, "c": 2}],
        [{"a": 0.1, "b": 0.3}, {"a": 0.2, "b": 0.5}, {"a": 0.4, "b": 0.1}],
        [{"clipnorm": None}, {"clipnorm": 1}, {"clipnorm": 2}],
    ],
)
def test_anything_else_is_drawn_by_rank(settings):
    ax = make(FOLDS, settings).plot().axes[0]
    texts = [text.get_text() for text in ax.get_yticklabels()]
    assert texts == [", ".join(map(str, settings[i].values())) for i in (1, 2, 0)]
    assert ax.get_ylabel() == ", ".join(settings[0])
    dots = [line for line in ax.lines if line.get_marker() == "o" and line.get_markersize() == 7]
    assert [dot.get_xdata()[0] for dot in dots] == pytest.approx([0.92, 2.75 / 3, 0.72])


def test_a_plot_by_rank_is_limited_and_shows_failures_last():
    settings = [{"name": f"setting {i}"} for i in range(30)]
    scores = [[0.5 + i / 100, 0.51 + i / 100] for i in range(29)] + [[NAN, NAN]]
    ax = make(by_fold(*scores), settings).plot().axes[0]
    assert len(ax.get_yticklabels()) == 25
    assert ax.get_xlabel() == "accuracy   (5 more settings)"
    ax = make(by_fold(*scores[-3:]), settings[-3:]).plot().axes[0]
    assert [text.get_text() for text in ax.texts] == ["diverged"]
    assert ax.get_yticklabels()[-1].get_text() == "setting 29"


def test_one_setting_is_drawn_too():
    assert make(FOLDS[:1]).plot().axes[0].get_yticklabels()[0].get_text() == "1"
    assert make(FOLDS[:1]).title == "learning_rate=1 with accuracy 0.720 over 3 folds"


def test_axes_of_the_user_are_used():
    figure, ax = plt.subplots()
    assert make(FOLDS).plot(ax=ax) is figure
    assert ax.get_title().replace("\n", " ").startswith("Best of 3 settings")
    plt.close(figure)
    with pytest.raises(ConfigError, match="ax to be one Axes"):
        make(FOLDS).plot(ax=3)
