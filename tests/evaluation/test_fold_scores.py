"""Mean scores over folds.

Oracle: arithmetic in the comments, and scipy's t distribution.
"""

import json

import numpy as np
import pytest
from scipy.stats import t

from glassnet.errors import DataError
from glassnet.evaluation import fold_scores
from glassnet.evaluation.scores import compare_scores


def average_folds(reports, n_train, **options):
    n_test = np.array([report.n_rows for report in reports])
    return fold_scores.average_folds(reports, n_train, n_test, **options)


def make_fold(n, n_right, *, n_baseline=0, extra=()):
    """Return the report of a fold in which the network is right on `n_right` of n rows."""
    y, predicted = np.zeros(n, int), np.ones(n, int)
    predicted[:n_right] = 0
    baseline = np.ones(n, int)
    baseline[:n_baseline] = 0
    return compare_scores("accuracy", y, predicted, {"majority": baseline} | dict(extra))


def test_means_and_intervals():
    """sd of (0.8, 0.6, 1.0) is 0.2; the error is sqrt(1/3 + 5/10) * 0.2, and t has 2 degrees."""
    report = average_folds([make_fold(5, n) for n in (4, 3, 5)], np.full(3, 10))
    half = t.ppf(0.975, 2) * np.sqrt(1 / 3 + 0.5) * 0.2
    assert report.network.value == pytest.approx(0.8)
    assert report.network.interval == pytest.approx((0.8 - half, 1.0))  # no accuracy is above 1
    (majority,) = report.baselines
    assert majority.improvement == pytest.approx(0.8)
    assert majority.interval == pytest.approx((0.8 - half, 0.8 + half))
    assert majority.verdict == "better"
    assert report.n_rows == 15
    lines = str(report).splitlines()
    assert lines[0].startswith("accuracy on 15 rows in 3 folds")
    assert lines[2].split("  ")[-1] == "none: equal in all folds"


def test_the_table_of_folds():
    folds = [make_fold(5, 4), make_fold(4, 3, n_baseline=1)]
    header, rows = average_folds(folds, np.array([4, 5])).fold_table()
    assert header == ["fold", "test rows", "network", "majority"]
    assert rows == [["1", "5", "0.800", "0.000"], ["2", "4", "0.750", "0.250"]]


def test_repeats_have_a_line_each():
    """(0.8 + 0.6) / 2 = 0.7 and (1 + 0.8) / 2 = 0.9."""
    report = average_folds([make_fold(5, n) for n in (4, 3, 5, 4)], np.full(4, 5), repeats=2)
    header, rows = report.fold_table()
    assert header == ["repeat", "network", "majority"]
    assert rows == [["1", "0.700", "0.000"], ["2", "0.900", "0.000"]]
    assert report.n_rows == 10
    assert report.rows_text == "10 rows in 2 folds, 2 times"
    report = average_folds([make_fold(5, n) for n in (4, 3)], np.full(2, 5), noun="forecasts")
    assert report.rows_text == "10 forecasts in 2 folds"
    assert report.fold_table()[0][:2] == ["fold", "test forecasts"]


def test_a_lower_error_is_better():
    """The RMSE of the folds is 1 and 3, that of the mean 4 and 4: the network is ahead by 2."""
    folds = [
        compare_scores("RMSE", np.zeros(4), np.full(4, error), {"mean": np.full(4, 4.0)})
        for error in (1.0, 3.0)
    ]
    report = average_folds(folds, np.array([4, 4]))
    assert report.network.value == 2
    assert report.network.interval[0] == 0  # no RMSE is below 0
    assert report.baselines[0].improvement == 2
    assert report.headline().startswith("RMSE 2.000 (0.000 to ")


def test_folds_of_one_row_are_named():
    """The mean of the errors 1 and 3 is 2; the root of their mean square would be 2.24."""
    folds = [compare_scores("RMSE", np.zeros(1), np.full(1, error), {}) for error in (1.0, 3.0)]
    report = average_folds(folds, np.array([1, 1]))
    assert report.network.value == 2
    assert "one test row is an absolute error" in str(report)
    assert "absolute" not in str(average_folds([make_fold(1, 1), make_fold(1, 0)], np.ones(2)))


def test_equal_differences_have_no_interval():
    """The network is right on all rows and the majority on 1 of 4, in every fold."""
    report = average_folds([make_fold(4, 4, n_baseline=1)] * 3, np.full(3, 8))
    assert report.baselines[0].verdict == "better in every fold"
    assert report.headline() == "accuracy 1.000, better in every fold than majority 0.250"
    same = average_folds([make_fold(4, 2, n_baseline=2)] * 3, np.full(3, 8))
    assert same.baselines[0].verdict == "within noise"
    assert "always predicting" in same.headline()
    single = average_folds([make_fold(4, 4, n_baseline=1)], np.array([8]))
    assert single.baselines[0].verdict == "within noise"
    assert "none for a single fold" in str(single)


def test_a_baseline_that_is_missing_in_a_fold_is_left_out():
    extra = {"logistic regression": np.zeros(5, int)}
    report = average_folds([make_fold(5, 4, extra=extra), make_fold(5, 3)], np.full(2, 5))
    assert [baseline.score.name for baseline in report.baselines] == ["majority"]


def test_json_has_the_folds():
    report = average_folds([make_fold(5, 4), make_fold(4, 3)], np.array([4, 5]))
    facts = json.loads(json.dumps(report.to_dict()))
    assert facts["folds"] == [
        {"training_rows": 4, "test_rows": 5, "network": 0.8, "majority": 0.0},
        {"training_rows": 5, "test_rows": 4, "network": 0.75, "majority": 0.0},
    ]


def test_metrics_that_differ_are_refused():
    error = compare_scores("RMSE", np.zeros(4), np.ones(4), {})
    with pytest.raises(DataError, match="all of the same metric"):
        average_folds([make_fold(5, 4), error], np.array([4, 5]))
    with pytest.raises(DataError, match="at least one report"):
        average_folds([], np.array([]))
