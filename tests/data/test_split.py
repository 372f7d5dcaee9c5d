"""Tests of random and stratified splits."""

import doctest

import numpy as np
import pytest

from glassnet.data import split
from glassnet.data.split import random_split, stratified_split
from glassnet.errors import DataError


def rng(seed=0):
    return np.random.default_rng(seed)


def count_test_rows(labels, fraction, seed=0):
    _, test = stratified_split(labels, fraction, rng(seed))
    return np.bincount(np.asarray(labels)[test], minlength=max(labels) + 1).tolist()


def assert_partition(train, test, n):
    assert sorted([*train, *test]) == list(range(n))
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()


def test_examples():
    assert doctest.testmod(split).failed == 0


@pytest.mark.parametrize(
    ("n", "fraction", "n_test"), [(10, 0.3, 3), (7, 0.2, 1), (1000, 0.29, 290), (2, 0.5, 1)]
)
def test_random_split_partitions(n, fraction, n_test):
    """Oracle: counting. There are round(n * fraction) test rows."""
    train, test = random_split(n, fraction, rng())
    assert len(test) == n_test
    assert_partition(train, test, n)


def test_random_split_is_fair():
    """Oracle: probability. Each of 10 rows is a test row in 3 of 10 splits.

    For 2000 splits the standard deviation is sqrt(2000 * .3 * .7) = 20.5.
    """
    source = rng()
    draws = np.zeros(10)
    for _ in range(2000):
        draws[random_split(10, 0.3, source)[1]] += 1
    assert np.abs(draws - 600).max() < 4 * 20.5


@pytest.mark.parametrize(
    ("counts", "fraction", "expected"),
    [
        ([50, 50, 50], 0.2, [10, 10, 10]),  # exact shares
        ([6, 4], 0.5, [3, 2]),
        (
            [59, 71, 48],
            0.2,
            [12, 14, 10],
        ),  # wine: shares 11.8, 14.2, 9.6; total 36 = 11 + 14 + 9 and 2 to the largest remainders
        ([100, 100], 0.29, [29, 29]),  # 100 * 0.29 is 28.999999999999996 in floating point
        ([90, 9, 1], 0.2, [18, 2, 0]),  # shares 18, 1.8, 0.2
        (
            [5, 1],
            0.5,
            [3, 0],
        ),  # shares 2.5, 0.5: the lone row stays in training, so the first class gives the third
        ([1, 1, 8], 0.7, [0, 0, 7]),  # shares 0.7, 0.7, 5.6: only the last class has rows to give
    ],
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_stratified_split_counts(counts, fraction, expected, seed):
    """Oracle: largest remainders by hand."""
    labels = rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    assert count_test_rows(labels, fraction, seed) == expected


@pytest.mark.parametrize("seed", range(30))
def test_stratified_split_holds_its_promises(seed):
    """Oracle: counting on random class sizes: the total, the proportions, one row of each class."""
    source = rng(seed)
    labels = source.integers(0, 6, source.integers(20, 200)) ** 2
    fraction = source.uniform(0.1, 0.6)
    train, test = stratified_split(labels, fraction, source)
    assert_partition(train, test, len(labels))
    assert len(test) == round(len(labels) * fraction)
    for label in np.unique(labels):
        share = np.sum(labels == label) * fraction
        assert abs(np.sum(labels[test] == label) - share) < 1
        assert np.any(labels[train] == label)


def test_stratified_split_draws_rows_and_ties():
    """Oracle: a relation. The seed decides the rows, and which 2 of 4 equal remainders win."""
    labels = np.repeat([0, 1, 2, 3], 5)
    first, same, other = (stratified_split(labels, 0.5, rng(seed))[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert first.tolist() != other.tolist()
    assert {tuple(count_test_rows(labels, 0.5, seed)) for seed in range(60)} == {
        (3, 3, 2, 2), (3, 2, 3, 2), (3, 2, 2, 3), (2, 3, 3, 2), (2, 3, 2, 3), (2, 2, 3, 3),
    }  # fmt: skip


def test_stratified_split_every_row_can_be_held():
    """Oracle: counting over 50 seeds. A row is never drawn with probability 0.7**50 = 2e-8."""
    labels = np.array(["cat", "dog"] * 10)
    assert set(
        np.concatenate([stratified_split(labels, 0.3, rng(seed))[1] for seed in range(50)])
    ) == set(range(20))


@pytest.mark.parametrize("fraction", [0, 1, 1.5, -0.1, float("nan")])
def test_fraction_out_of_range(fraction):
    with pytest.raises(
        DataError,
        match=r"random_split: expected fraction between 0 and 1. Received: fraction=",
    ):
        random_split(10, fraction, rng())
    with pytest.raises(
        DataError,
        match=r"stratified_split: expected fraction between 0 and 1. Received: fraction=",
    ):
        stratified_split(np.arange(10) % 2, fraction, rng())


def test_empty_part():
    with pytest.raises(
        DataError,
        match=r"at least one row in each part. Received: rows=4, test_rows=0. Use more rows or another fraction",
    ):
        random_split(4, 0.1, rng())
    with pytest.raises(
        DataError, match=r"at least one row in each part. Received: rows=4, test_rows=4"
    ):
        stratified_split([0, 0, 1, 1], 0.9, rng())


def test_class_would_vanish():
    with pytest.raises(
        DataError,
        match=r"training row of every class. Received: rows=4, classes=3, test_rows=2. Hold out a smaller",
    ):
        stratified_split([0, 1, 2, 2], 0.5, rng())


def test_labels_must_be_one_column():
    with pytest.raises(
        DataError, match=r"one label per row, shape \(n,\). Received: shape=\(4, 3\)"
    ):
        stratified_split(np.zeros((4, 3)), 0.5, rng())
