import json
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV

from glassnet.data.split import train_validation_split
from glassnet.errors import DataError
from glassnet.evaluation import baselines, intervals
from glassnet.evaluation.scores import BaselineComparison, Score, ScoreReport, compare_scores
from oracles import EXACT, FLOAT64, close


def drawn_rows(n, seed):
    """Return the resampled rows, one resample at a time."""
    rng = np.random.default_rng(seed)
    return [rng.integers(n, size=n) for _ in range(intervals.N_RESAMPLES)]


def tail(n):
    """Return Hesterberg's level for n rows."""
    return float(stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1)))


def answers(n, right, seed):
    """Return targets, and labels that are right with this probability."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    return y, np.where(rng.random(n) < right, y, 3)


def test_scores_by_hand():
    """Oracle: 3 of 4 right; errors 1, -1, 3, -1 have the mean square (1 + 1 + 9 + 1) / 4 = 3."""
    labels = compare_scores(
        "accuracy", ["a", "b", "a", "c"], ["a", "b", "b", "c"], {"majority": ["a"] * 4}
    )
    assert labels.network == Score("network", 0.75, labels.network.interval)
    assert labels.baselines[0].score.value == 0.5
    assert labels.baselines[0].improvement == 0.25
    assert labels.n_rows == 4
    errors = compare_scores("RMSE", [1, 2, 5, 3], [0, 3, 2, 4], {"mean": [3, 3, 3, 3]})
    close(errors.network.value, math.sqrt(3), FLOAT64)
    close(
        errors.baselines[0].score.value, 1.5, FLOAT64
    )  # errors -2, -1, 2, 0: (4 + 1 + 4 + 0) / 4 = 2.25
    close(errors.baselines[0].improvement, 1.5 - math.sqrt(3), FLOAT64)


@pytest.mark.parametrize(("n", "seed"), [(7, 0), (50, 3), (1500, 1)])
def test_intervals_of_accuracy_are_those_of_a_loop(n, seed):
    """Oracle: a Python loop over the same resamples. 1,500 rows take more than one block."""
    (y, network), rival = answers(n, 0.7, seed), answers(n, 0.4, seed)[1]
    report = compare_scores("accuracy", y, network, {"rival": rival}, seed=seed)
    assert n * intervals.N_RESAMPLES > intervals.RESAMPLE_BLOCK or n < 1500
    alone, paired = [], []
    for rows in drawn_rows(n, seed):
        alone.append(np.mean(network[rows] == y[rows]))
        paired.append(alone[-1] - np.mean(rival[rows] == y[rows]))
    ends = [tail(n), 1 - tail(n)]
    close(report.network.interval, np.quantile(alone, ends), FLOAT64)
    if n > 7:
        close(report.baselines[0].interval, np.quantile(paired, ends), FLOAT64)


@pytest.mark.parametrize(("n", "seed"), [(8, 0), (60, 5)])
def test_intervals_of_errors_are_those_of_a_loop(n, seed):
    """Oracle: a Python loop over the same resamples, with the root of each resample's mean."""
    rng = np.random.default_rng(seed)
    y, network, rival = rng.normal(size=(3, n))
    report = compare_scores("RMSE", y, network, {"rival": rival}, seed=seed)
    alone, paired = [], []
    for rows in drawn_rows(n, seed):
        alone.append(np.sqrt(np.mean((y[rows] - network[rows]) ** 2)))
        paired.append(np.sqrt(np.mean((y[rows] - rival[rows]) ** 2)) - alone[-1])
    ends = [tail(n), 1 - tail(n)]
    close(report.network.interval, np.quantile(alone, ends), FLOAT64)
    close(report.baselines[0].interval, np.quantile(paired, ends), FLOAT64)


def test_scipy_agrees():
    """Oracle: scipy.stats.bootstrap with other resamples.

    Two sets of 2,000 resamples differ by a few hundredths of the width.
    """
    rng = np.random.default_rng(0)
    y, network, rival = rng.normal(size=(3, 200))
    report = compare_scores("RMSE", y, network, {"rival": rival})

    def difference(ours, theirs, axis=-1):
        return np.sqrt(np.mean(theirs, axis=axis)) - np.sqrt(np.mean(ours, axis=axis))

    settings = {
        "paired": True,
        "n_resamples": 20_000,
        "method": "percentile",
        "confidence_level": 1 - 2 * tail(200),
        "rng": rng,
    }
    squared_errors = (y - network) ** 2, (y - rival) ** 2
    theirs = stats.bootstrap(squared_errors, difference, **settings).confidence_interval
    width = theirs.high - theirs.low
    np.testing.assert_allclose(report.baselines[0].interval, theirs, rtol=0, atol=0.1 * width)


def test_level_by_hand():
    """Oracle: Hesterberg 2015: for 10 rows 0.0086 in place of 0.025; for many rows 0.025."""
    assert tail(10) == pytest.approx(0.0086, abs=5e-5)
    assert tail(100_000) == pytest.approx(0.025, abs=1e-5)


@pytest.mark.parametrize("right", [0.6, 0.9])
def test_interval_holds_the_truth_as_often_as_it_says(right):
    """Oracle: simulation. On 400 sets of 100 rows, 0.95 of the intervals contain the true accuracy.

    The standard deviation of that fraction is 0.011.
    """
    hits = 0
    for seed in range(400):
        low, high = compare_scores(
            "accuracy", *answers(100, right, seed), {}, seed=seed
        ).network.interval
        hits += low <= right <= high
    assert 0.90 <= hits / 400 <= 0.98


@pytest.mark.slow
def test_equals_are_told_apart_as_seldom_as_it_says():
    """Oracle: simulation. Two equally good methods differ significantly in 0.05 of 400 sets.

    Each set has 100 rows. The standard deviation of that fraction is 0.011.
    """
    significant = 0
    for seed in range(400):
        y, one, other = np.random.default_rng(seed).normal(size=(3, 100))
        report = compare_scores("RMSE", y, one, {"other": other}, seed=seed)
        significant += report.baselines[0].verdict != "within noise"
    assert 0.02 <= significant / 400 <= 0.08


def test_pairing_finds_what_two_intervals_hide():
    """Oracle: by construction. The rival's errors are a tenth larger on every row.

    The two intervals overlap all the same.
    """
    rng = np.random.default_rng(0)
    y, errors = rng.normal(size=(2, 100))
    report = compare_scores("RMSE", y, y + errors, {"rival": y + 1.1 * errors})
    assert report.baselines[0].score.interval[0] < report.network.interval[1]
    assert report.baselines[0].verdict == "better"
    assert (
        compare_scores("RMSE", y, y + 1.1 * errors, {"rival": y + errors}).baselines[0].verdict
        == "worse"
    )


@pytest.mark.parametrize(("interval", "verdict"), [((0.1, 0.2), "better"), ((-0.2, -0.1), "worse"), ((-0.1, 0.2), "within noise"),
                                                   ((0.0, 0.2), "within noise"), (None, "within noise")])  # fmt: skip
def test_verdict(interval, verdict):
    assert BaselineComparison(Score("rival", 0.5, None), 0.1, interval).verdict == verdict


def test_all_right_is_not_certain():
    """Oracle: Clopper and Pearson by hand. p is the low end if P(n right) = p^n = 0.025.

    For 3 rows that is 0.025^(1/3) = 0.292; for none right, the interval is the mirror image.
    """
    for n in (1, 3, 20, 10_000):
        low = 0.025 ** (1 / n)
        for y, predicted, expected in ((1, 1, (low, 1.0)), (1, 0, (0.0, 1 - low))):
            score = compare_scores("accuracy", [y] * n, [predicted] * n, {}).network
            np.testing.assert_allclose(score.interval, expected, rtol=0, atol=1e-12)
    assert str(compare_scores("accuracy", [1] * 3, [1] * 3, {})).endswith(
        "network      1.000  0.292 to 1.000"
    )


def test_few_rows_tell_nothing():
    """Oracle: the sign test. If all of 5 rows favour one method, p = 2 * 0.5^5 = 0.06; of 6, 0.03."""
    for n, verdict in (
        (1, "within noise"),
        (3, "within noise"),
        (5, "within noise"),
        (6, "better"),
    ):
        labels = compare_scores("accuracy", [1] * n, [1] * n, {"rival": [0] * n})
        errors = compare_scores(
            "RMSE", np.arange(n), np.arange(n) + 0.1, {"rival": np.arange(n) + 5}
        )
        for report in (labels, errors):
            assert report.baselines[0].verdict == verdict
            assert (report.baselines[0].interval is None) == (n < 6)
    assert compare_scores("RMSE", [1.0], [2.0], {}).network.interval is None


def test_the_draw_is_a_function_of_the_seed():
    y, labels = answers(100, 0.8, 0)
    first, again, other = (
        compare_scores("accuracy", y, labels, {"none": y * 0}, seed=seed) for seed in (0, 0, 1)
    )
    assert first == again
    assert first.network.value == other.network.value
    assert first.network.interval != other.network.interval


def test_table_of_shares():
    report = ScoreReport(
        "accuracy",
        Score("network", 0.826, (0.77, 0.882)),
        (
            BaselineComparison(
                Score("logistic regression", 0.803, (0.743, 0.86)), 0.0225, (-0.017, 0.062)
            ),
            BaselineComparison(Score("majority", 0.918, (0.9, 0.93)), -0.092, (-0.14, 0.0)),
            BaselineComparison(Score("twin", 0.826, (0.77, 0.882)), 0.0, None),
        ),
        178,
    )
    assert str(report) == (
        "accuracy on 178 rows        95 % interval\n"
        "network              0.826  0.770 to 0.882\n"
        "logistic regression  0.803  0.743 to 0.860\n"
        "majority             0.918  0.900 to 0.930\n"
        "twin                 0.826  0.770 to 0.882\n"
        "\n"
        "network ahead of logistic regression by 0.022 (-0.017 to 0.062): within noise\n"
        "network behind majority by 0.092 (0.000 to 0.140): within noise\n"
        "network ahead of twin by 0.000 (fewer than 6 rows differ): within noise"
    )
    assert str(ScoreReport("RMSE", Score("network", 2.0, None), (), 1)) == (
        "RMSE on 1 row   95 % interval\nnetwork  2.000  none for a single row"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(123_456.7, "123,457"), (1000, "1,000"), (999.96, "1,000"), (12.3456, "12.35"), (0.5, "0.5000"), (0.0012344, "0.001234"),
     (0.00012344, "0.0001234"), (1.23456e-5, "1.235e-05"), (-0.0, "0.000")],
)  # fmt: skip
def test_errors_of_any_size_are_read_at_a_glance(value, text):
    assert f"{text}  none" in str(ScoreReport("RMSE", Score("network", value, None), (), 1))


def test_to_dict_is_json():
    """Oracle: json reads back what it wrote."""
    y, labels = answers(50, 0.8, 0)
    report = compare_scores(
        "accuracy", y, labels, {"rival": answers(50, 0.3, 0)[1], "twin": labels}
    )
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data == report.to_dict()
    assert (data["metric"], data["rows"], data["network"]["name"]) == ("accuracy", 50, "network")
    rival, twin = data["rivals"]
    assert rival["verdict"] == "better"
    assert tuple(rival["ahead_interval"]) == report.baselines[0].interval
    assert (rival["name"], rival["value"], rival["ahead"]) == (
        "rival",
        report.baselines[0].score.value,
        report.baselines[0].improvement,
    )
    assert twin["ahead_interval"] is None


def table(n, seed=0):
    """Return rows and targets; the third column has no effect on the target."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return x, x @ [2.0, -1.0, 0.0] + rng.normal(size=n)


def test_classes_beside_scikit_learn():
    """Oracle: scikit-learn called directly; the most common class counted by hand."""
    x, z = table(300)
    y = np.where(z > 0.8, "high", np.where(z < -3, "low", "middle"))
    report = baselines.score_classifier(y[:200], y[200:], y[200:], x[:200], x[200:], seed=4)
    regression, trees, majority = report.baselines
    boosted = HistGradientBoostingClassifier(early_stopping=False, random_state=0)
    tree_labels = boosted.fit(x[:200], y[:200]).predict(x[200:])
    labels = LogisticRegression(max_iter=1000).fit(x[:200], y[:200]).predict(x[200:])
    assert regression.score.name == "logistic regression"
    close(regression.score.value, np.mean(labels == y[200:]), EXACT)
    close(majority.score.value, np.mean(y[200:] == "middle"), EXACT)
    close(trees.score.value, np.mean(tree_labels == y[200:]), EXACT)
    rivals = {"logistic regression": labels, baselines.TREES: tree_labels}
    rivals["majority"] = np.full(100, "middle")
    assert report == compare_scores("accuracy", y[200:], y[200:], rivals, seed=4)


def test_one_class_has_no_regression():
    report = baselines.score_classifier([1, 1], [1, 0], [1, 1], [[0.0], [1.0]], [[0.0], [1.0]])
    assert [(rival.score.name, rival.score.value) for rival in report.baselines] == [
        ("majority", 0.5)
    ]


@pytest.mark.parametrize("log", [False, True])
def test_numbers_beside_scikit_learn(log):
    """Oracle: scikit-learn called directly, on the logarithm and back; the geometric mean by a product."""
    x, y = table(80)
    y = np.exp(y / 2)
    report = baselines.score_regressor(
        y[:50], y[50:], y[50:] + 0.1, x[:50], x[50:], log=log, seed=4
    )
    ridge = RidgeCV(alphas=[10**power for power in (-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3)])
    predicted = (
        np.exp(ridge.fit(x[:50], np.log(y[:50])).predict(x[50:]))
        if log
        else ridge.fit(x[:50], y[:50]).predict(x[50:])
    )
    target = np.log(y[:50]) if log else y[:50]
    boosted = HistGradientBoostingRegressor(early_stopping=False, random_state=0)
    boosted = boosted.fit(x[:50], target).predict(x[50:])
    boosted = np.exp(boosted) if log else boosted
    mean = np.prod(y[:50] ** (1 / 50)) if log else sum(y[:50]) / 50
    names = ["ridge", "gradient-boosted trees", "mean"]
    assert [rival.score.name for rival in report.baselines] == names
    close(
        [rival.score.value for rival in report.baselines],
        [np.sqrt(np.mean((y[50:] - z) ** 2)) for z in (predicted, boosted, mean)],
        FLOAT64,
    )
    close(report.network.value, 0.1, FLOAT64)
    assert (
        report.network.interval
        == compare_scores("RMSE", y[50:], y[50:] + 0.1, {}, seed=4).network.interval
    )


def test_a_linear_model_gets_a_sample_of_many_rows(monkeypatch):
    """Oracle: scikit-learn's models on the 20 rows that remain if 280 of 300 are left out.

    20 rows of 3 columns are the 60 numbers of the limit. 1 of 15 rows has the rare class.
    """
    monkeypatch.setattr(baselines, "MAX_LINEAR_INPUTS", 60)
    x, z = table(300)
    y = np.where(np.arange(300) % 15 == 0, 2, (z > 0).astype(int))
    rows, _ = train_validation_split(300, y, 280 / 300, "random", 4)
    report = baselines.score_classifier(y, y, y, x, x, trees=False, seed=4)
    expected = LogisticRegression(max_iter=1000).fit(x[rows], y[rows]).score(x, y)
    assert report.baselines[0].score.value == expected
    assert set(y[rows]) == {0, 1, 2}
    note = "logistic regression was fitted to 20 of 300 training rows, drawn at random"
    assert (report.note, report.to_dict()["note"]) == (note, note)
    assert str(report).endswith(f": better\n{note}")
    report = baselines.score_regressor(z, z, z, x, x, seed=4)
    boosted = HistGradientBoostingRegressor(early_stopping=False, random_state=0)
    rows, _ = train_validation_split(300, None, 280 / 300, "random", 4)
    ridge = RidgeCV(np.logspace(-1, 3, 9)).fit(x[rows], z[rows]).predict(x)
    close(report.baselines[0].score.value, np.sqrt(np.mean((ridge - z) ** 2)), FLOAT64)
    boosted = boosted.fit(x[rows], z[rows]).predict(x)
    close(report.baselines[1].score.value, np.sqrt(np.mean((boosted - z) ** 2)), FLOAT64)
    close(report.baselines[2].score.value, z.std(), FLOAT64)  # the mean is that of all rows
    assert report.note == (
        "ridge was fitted to 20 of 300 training rows, drawn at random\n"
        "gradient-boosted trees were fitted to 20 of 300 training rows, drawn at random"
    )


def test_trees_are_left_out_of_wide_tables_and_sparse_ones(monkeypatch):
    """Oracle: by construction. Three columns and one, two or three classes; a limit of five."""
    monkeypatch.setattr(baselines, "MAX_TREE_COLUMNS", 5)
    x, z = table(30)
    names = ["logistic regression", "gradient-boosted trees", "majority"]
    report = baselines.score_classifier(z > 0, z > 0, z > 0, x, x)
    assert [rival.score.name for rival in report.baselines] == names
    y = np.arange(30) % 3
    report = baselines.score_classifier(y, y, y, x, x)
    assert [rival.score.name for rival in report.baselines] == names[::2]
    assert report.note == (
        "gradient-boosted trees were not fitted: 3 columns and 3 classes take too long"
    )
    monkeypatch.setattr(baselines, "MAX_TREE_COLUMNS", 2)
    report = baselines.score_regressor(z, z, z, x, x)
    assert report.note == "gradient-boosted trees were not fitted: 3 columns take too long"


def test_every_class_is_in_the_sample(monkeypatch):
    """Oracle: by construction. Three numbers are one row, but two classes need two."""
    monkeypatch.setattr(baselines, "MAX_LINEAR_INPUTS", 3)
    x, z = table(30)
    report = baselines.score_classifier(z > 0, z > 0, z > 0, x, x, trees=False)
    assert report.note == "logistic regression was fitted to 2 of 30 training rows, drawn at random"


def test_examples_are_standardized_for_a_linear_model():
    """Oracle: by hand. Columns 1, 3 and 5, 5 have the means 2, 5 and the deviations 1, 0."""
    x, x_test = baselines.to_columns(np.array([[[1], [5]], [[3], [5]]]), np.array([[[4.0], [6.0]]]))
    np.testing.assert_array_equal(x, [[-1, 0], [1, 0]])
    np.testing.assert_array_equal(x_test, [[2, 1]])
    assert baselines.to_columns(np.array([1.0, 3.0]), np.array([5.0]))[1].tolist() == [[3.0]]


def test_images_are_scaled_for_a_linear_model():
    """Oracle: by hand. The largest of the training numbers becomes 1, here 16 as in `digits`."""
    x, x_test = np.zeros((2, 8, 8), np.uint8), np.full((1, 8, 8), 24, np.uint8)
    x[1, 2, 3] = 16
    columns, test_columns = baselines.to_columns(x, x_test)
    assert (np.argwhere(columns).tolist(), columns.max()) == ([[1, 2 * 8 + 3]], 1)
    np.testing.assert_array_equal(test_columns, np.full((1, 64), 1.5))
    assert baselines.to_columns(x * 0, x_test)[0].sum() == 0


def test_texts_are_weighted_words_for_a_linear_model():
    """Oracle: by hand. Both words of the first text are in one text: equal weights of length 1."""
    x, x_test = baselines.to_columns(np.array(["good film", "bad"]), np.array(["good day", "dull"]))
    close(x.toarray(), [[0, 0.5**0.5, 0.5**0.5], [1, 0, 0]], FLOAT64)  # bad, film, good
    close(x_test.toarray(), [[0, 0, 1], [0, 0, 0]], FLOAT64)
    report = baselines.score_classifier([1, 0], [1, 0], [1, 1], x, x)
    assert report.baselines[0].score.value == 1


def test_coarse_images():
    """Oracle: means of 2 x 2 squares; the edges are cropped and small images stay as they are."""
    x = np.zeros((1, 32, 18, 1), np.uint8)
    x[0, :2, :2, 0] = [[10, 20], [30, 40]]
    x[0, 30:, 16:, 0] = 255
    rows = baselines.downsample(x).reshape(16, 9)
    assert (rows[0, 0], rows[15, 8], np.count_nonzero(rows)) == (25, 255, 2)
    np.testing.assert_array_equal(baselines.downsample(x[..., 0]), baselines.downsample(x))
    small = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(baselines.downsample(small)[0], np.arange(12))
    assert baselines.downsample(np.zeros((2, 33, 1, 3), np.uint8)).shape == (2, 11 * 3)


def test_three_rows_do():
    """Few training and test rows neither fail nor warn (warnings are errors in tests)."""
    x, y = table(6)
    report = baselines.score_regressor(y[:3], y[3:], y[3:], x[:3], x[3:])
    assert [rival.verdict for rival in report.baselines] == ["within noise"] * 3
    report = baselines.score_classifier([0, 1, 1], [0, 1, 1], [0, 1, 0], x[:3], x[3:])
    assert "(fewer than 6 rows differ): within noise" in str(report)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("mse", [1], [1], {}), r'compare_scores: expected metric to be "accuracy" or "RMSE". Received: metric=\'mse\'.'),
        (("accuracy", [], [], {}), r"and at least one row. Received: targets=\(0,\), network=\(0,\)."),
        (("RMSE", [1.0], [[1.0]], {}), r"shape \(n,\), and .* targets=\(1,\), network=\(1, 1\). Labels come from predict_labels; a"),
        (("accuracy", [1], [1], {"my rival": [1, 2]}), r"targets=\(1,\), my_rival=\(2,\)"),
        (("RMSE", [1, 2], [1, np.nan], {}), r"compare_scores: expected finite targets and predictions of network. Received: rows=\[1\]."),
        (("RMSE", [1, 2], [1, 2], {"ridge": [np.inf, 0]}), r"finite targets and predictions of ridge. Received: rows=\[0\]."),
        (("RMSE", ["1"], [1.0], {}), r"numbers as targets and as predictions of network. Received: targets='<U1', predictions='float64'."),
    ],
)  # fmt: skip
def test_refused(arguments, match):
    with pytest.raises(DataError, match=match):
        compare_scores(*arguments)


def test_logarithm_of_nothing():
    with pytest.raises(
        DataError,
        match=r"score_regressor: expected targets above 0 for a logarithm. Received: smallest=0.0.",
    ):
        baselines.score_regressor([1.0, 0.0], [1.0], [1.0], [[0.0], [1.0]], [[0.0]], log=True)


def test_the_headline_names_the_strongest_rival():
    """Oracle: by hand. Of ten rows the network has nine right, the others six and seven."""
    y = np.array([0, 1] * 5)
    six, seven, nine = (np.where(np.arange(10) < right, y, 1 - y) for right in (6, 7, 9))
    report = compare_scores("accuracy", y, nine, {"majority": six, "logistic regression": seven})
    low, high = report.network.interval
    assert (
        report.headline()
        == f"accuracy 0.900 ({low:.3f} to {high:.3f}), within noise of logistic regression 0.700"
    )
    y = np.tile(y, 20)
    for predicted, baseline, words in ((y, 1 - y, "better than"), (1 - y, y, "worse than")):
        headline = compare_scores("accuracy", y, predicted, {"other": baseline}).headline()
        assert headline.endswith(f"), {words} other {np.mean(baseline == y):.3f}")
    assert compare_scores("RMSE", [1.0], np.array([3.0]), {}).headline() == "RMSE 2.000"


def right_on(rows, n=200):
    """Return predictions that are right on these rows, for targets that are all 1."""
    return np.isin(np.arange(n), rows).astype(int)


@pytest.mark.parametrize(
    ("right", "ending"),
    [
        (range(100), ", no better than always predicting the most common class, 0.600"),
        (range(120), ", no better than always predicting the most common class, 0.600"),
        (range(124), "logistic regression 0.650"),  # differs on 4 rows: too few for an interval
        (
            range(60, 184),
            ", not clearly better than always predicting the most common class, 0.600",
        ),
        (range(180), ", better than logistic regression 0.650"),
    ],
)
def test_a_network_that_is_no_better_than_the_majority_is_called_so(right, ending):
    """Oracle: by hand. The majority is right on rows 0 to 119 of 200."""
    baselines = {"logistic regression": right_on(range(130)), "majority": right_on(range(120))}
    report = compare_scores("accuracy", np.ones(200, int), right_on(right), baselines)
    assert report.headline().endswith(ending)


def test_a_network_that_is_no_better_than_the_mean_is_called_so():
    """Oracle: by hand. Both predict 2 for targets 1 and 3, so both RMSE are 1."""
    y = np.tile([1.0, 3.0], 50)
    baselines = {"ridge": y + 0.1, "mean": np.full(100, 2.0)}
    for predicted, is_called in ((np.full(100, 2.0), True), (y + 0.2, False)):
        headline = compare_scores("RMSE", y, predicted, baselines).headline()
        words = ", no better than always predicting the mean, 1.000"
        assert headline.endswith(words) is is_called
