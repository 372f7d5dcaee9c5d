"""The corrected resampled t-test, against scipy and the formula by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from glassnet.errors import DataError
from glassnet.evaluation.resampled_tests import corrected_interval, corrected_t_test

A = np.array([0.81, 0.85, 0.79, 0.88, 0.83, 0.80, 0.86, 0.84, 0.82, 0.87])
B = np.array([0.80, 0.82, 0.80, 0.83, 0.82, 0.78, 0.81, 0.85, 0.79, 0.84])


def test_without_correction_it_is_scipys_paired_test():
    """Oracle: scipy.stats.ttest_rel. One test row to 1e12 training rows corrects nothing."""
    test, scipy_test = corrected_t_test(A - B, 1e12, 1), stats.ttest_rel(A, B)
    assert test.p_value == pytest.approx(scipy_test.pvalue, rel=1e-9)
    assert test.interval == pytest.approx(tuple(scipy_test.confidence_interval()), rel=1e-9)
    assert test.mean == pytest.approx(np.mean(A - B), rel=1e-12)


def test_correction_of_scipys_paired_test():
    """Oracle: ttest_rel's t divided by sqrt(1 + J * n_test / n_train), here sqrt(1 + 10 / 9)."""
    statistic = stats.ttest_rel(A, B).statistic / math.sqrt(1 + 10 / 9)
    test = corrected_t_test(A - B, n_train=90, n_test=10)
    assert test.p_value == pytest.approx(2 * stats.t.sf(statistic, 9), rel=1e-12)


def test_numbers_by_hand():
    """Mean 3 and variance 2.5, five folds of 80 and 20 rows, t(4) at 97.5 % = 2.776445.

    Standard error sqrt((1/5 + 20/80) * 2.5) = sqrt(1.125) = 1.060660; half width 2.944865.
    t = 3 / 1.060660 = 2.828427. For 4 degrees of freedom, p = 1 - u * (3 - u^2) / 2 with
    u = t / sqrt(4 + t^2) = sqrt(2/3), so p = 1 - 0.816497 * 7 / 6 = 0.047421.
    """
    scores = [1.0, 2.0, 3.0, 4.0, 5.0]
    test = corrected_t_test(scores, n_train=80, n_test=20)
    assert test.mean == 3.0
    assert test.interval == pytest.approx((0.055135, 5.944865), abs=2e-6)
    assert test.p_value == pytest.approx(0.047421, abs=1e-6)
    assert corrected_interval(scores, n_train=80, n_test=20) == test.interval


def test_formula_of_scikit_learns_example():
    """Oracle: the functions of scikit-learn's example "Statistical comparison of models using grid
    search" (plot_grid_search_stats), written out: repeated 10-fold, 10 times."""
    differences = np.random.default_rng(0).normal(0.01, 0.05, size=100)
    n_train, n_test = 450, 50
    corrected_std = np.sqrt(np.var(differences, ddof=1) * (1 / 100 + n_test / n_train))
    statistic = np.mean(differences) / corrected_std
    test = corrected_t_test(differences, n_train, n_test)
    assert test.p_value == pytest.approx(stats.t.sf(np.abs(statistic), 99) * 2, rel=1e-12)


def test_interval_excludes_zero_exactly_if_p_is_below_5_percent():
    rng = np.random.default_rng(1)
    verdicts = set()
    for _ in range(300):
        test = corrected_t_test(rng.normal(0.6, 1.0, size=10), n_train=90, n_test=10)
        low, high = test.interval
        assert (test.p_value < 0.05) == (low > 0 or high < 0)
        verdicts.add(test.p_value < 0.05)
    assert verdicts == {True, False}


def test_order_of_the_methods_changes_the_sign_only():
    one, other = corrected_t_test(A - B, 90, 10), corrected_t_test(B - A, 90, 10)
    assert one.mean == -other.mean
    assert one.p_value == other.p_value
    assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]), rel=1e-12)


def test_folds_of_different_sizes():
    """Oracle: a single pair of numbers with the mean of the three ratios."""
    scores = [0.7, 0.8, 0.9]
    ratio = (20 / 80 + 30 / 70 + 10 / 90) / 3
    assert corrected_interval(scores, [80, 70, 90], [20, 30, 10]) == pytest.approx(
        corrected_interval(scores, 1e6, ratio * 1e6), rel=1e-12
    )


def test_false_positives_on_repeated_folds():
    """400 comparisons of two lines that are equally good: y = x1 + x2 + noise, each sees one.

    At most 8 % differ at the 5 % level. The ordinary paired test is the broken subject.
    """
    rng, differences = np.random.default_rng(0), []
    x = rng.normal(size=(400, 60, 2))
    y = x.sum(axis=2, keepdims=True) + 0.5 * rng.normal(size=(400, 60, 1))
    for test in (rows for _ in range(4) for rows in np.split(rng.permutation(60), 5)):
        x_train, y_train = np.delete(x, test, axis=1), np.delete(y, test, axis=1)
        slopes = (x_train * y_train).sum(axis=1) / (x_train**2).sum(axis=1)
        errors = ((x[:, test] * slopes[:, None] - y[:, test]) ** 2).mean(axis=1)
        differences.append(errors[:, 0] - errors[:, 1])
    corrected = [
        corrected_t_test(each, 48, 12).p_value < 0.05 for each in np.transpose(differences)
    ]
    ordinary = stats.ttest_1samp(differences, 0).pvalue < 0.05
    assert np.mean(corrected) <= 0.08
    assert np.mean(ordinary) > 0.2


@pytest.mark.parametrize(
    "scores", [[0.8], [0.8, math.nan, 0.9], [0.8, math.inf], [0.8, 0.8, 0.8], [0.1, 0.3 - 0.2]]
)
def test_no_interval_if_the_spread_is_unknown(scores):
    """One fold, a run that diverged, and equal scores (up to rounding)."""
    assert corrected_interval(scores, 80, 20) is None
    test = corrected_t_test(scores, 80, 20)
    assert test.interval is None
    assert math.isnan(test.p_value)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (([], 80, 20), r"expected one score per fold, .*scores=\(0,\)"),
        (([[0.1, 0.2]], 80, 20), r"expected one score per fold, .*scores=\(1, 2\)"),
        (([0.1, 0.2], [80, 80, 80], 20), r"or one for all folds.*n_train=\(3,\)"),
        (
            ([0.1, 0.2], 80, [20, 0]),
            r"at least one training row and one test row in each fold.*n_test=0",
        ),
    ],
)
def test_refused(arguments, error):
    with pytest.raises(DataError, match=error):
        corrected_interval(*arguments)
    with pytest.raises(DataError, match=error):
        corrected_t_test(*arguments)
