"""Nested, stratified subsets of training rows, and their sizes."""

import numpy as np
import pytest

from glassnet.errors import ConfigError, DataError
from glassnet.selection.subsets import order_rows, read_sizes, require_class_rows

LABELS = np.repeat([0, 1, 2], [60, 37, 3])
"""Three classes of 100 rows; the last is rare."""


def test_every_subset_has_the_fractions_of_the_classes():
    """Oracle: k * n_c / n rows of class c among the first k, and at least one.

    After the first rows, which are one of each class, the method of equal proportions is off by
    less than one row here.
    """
    order = order_rows(np.arange(100), LABELS, np.random.default_rng(0))
    assert sorted(order) == list(range(100))
    for k in range(3, 101):
        counts = np.bincount(LABELS[order[:k]], minlength=3)
        expected = np.maximum(k * np.array([0.6, 0.37, 0.03]), 1)
        assert counts.min() >= 1
        assert np.abs(counts - expected).max() < 1.5


def test_method_of_equal_proportions_by_hand():
    """Classes of 6 and 2 rows: one row of each, then the largest n / sqrt(r (r + 1)).

    6/1.414 = 4.24, 6/2.449 = 2.45, 6/3.464 = 1.73, 2/1.414 = 1.41, 6/4.472 = 1.34, 6/5.477 = 1.10.
    """
    labels = np.array([1, 0, 0, 0, 1, 0, 0, 0])
    order = order_rows(np.arange(8), labels, np.random.default_rng(3))
    assert labels[order].tolist() == [0, 1, 0, 0, 0, 1, 0, 0]


def test_order_within_a_class_is_random_and_depends_on_the_generator_alone():
    first, again, other = (
        order_rows(np.arange(100), LABELS, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert first.tolist() == again.tolist() != other.tolist()
    assert np.mean(np.diff(first[LABELS[first] == 0]) > 0) == pytest.approx(0.5, abs=0.2)


def test_rows_without_labels_are_shuffled():
    rows = np.arange(50, 80)
    order = order_rows(rows, None, np.random.default_rng(0))
    assert sorted(order) == list(rows)
    assert order.tolist() != list(rows)


def test_sizes():
    """Oracle: scikit-learn's learning_curve rounds down; here fractions are rounded."""
    assert read_sizes("f", np.linspace(0.1, 1.0, 4), 96).tolist() == [10, 38, 67, 96]
    assert read_sizes("f", [96, 7], 96).tolist() == [7, 96]
    assert read_sizes("f", (np.int64(1), 96.0), 96).tolist() == [1, 96]


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        (0.5, "sizes to be at least two numbers. Received: sizes=0.5"),
        ([0.5], "sizes to be at least two numbers"),
        ("ab", "sizes to be at least two numbers"),
        ([0.5, "1"], "sizes to be at least two numbers"),
        ([0.5, float("nan")], "sizes to be at least two numbers"),
        ([0.5, 10], "all fractions or all numbers of rows"),
        ([-0.5, 0.5], "sizes within the training rows of a fold. Received: sizes=[-0.5, 0.5]"),
        ([0, 10], "sizes within the training rows of a fold"),
        ([10, 97], "Fractions are above 0 and at most 1.0, numbers of rows from 1 to 96."),
        ([10, 20.5], "sizes within the training rows of a fold"),
        ([0.001, 1.0], "0.001 of 96 rows is less than one row. Fractions are above 0"),
        ([0.5, 0.501], "sizes that differ. Received: sizes=[0.5, 0.501], rows=[48, 48]."),
        ([7, 7], "sizes that differ"),
    ],
)
def test_sizes_that_cannot_be_used(sizes, text):
    with pytest.raises(ConfigError) as caught:
        read_sizes("learning_curve", sizes, 96)
    assert str(caught.value).startswith("learning_curve: expected ")
    assert text in str(caught.value)


def test_too_few_rows_for_the_classes():
    with pytest.raises(DataError) as caught:
        require_class_rows("learning_curve", np.array([2, 50]), LABELS, ("a", "b", "c"))
    assert str(caught.value) == (
        "learning_curve: expected at least 3 rows, one of each class, in the smallest training set."
        " Received: rows=2, classes=3, first_classes=['a', 'b', 'c']."
        " Leave out the smallest sizes, or use more rows."
    )
    require_class_rows("learning_curve", np.array([3, 50]), LABELS, None)
    require_class_rows("learning_curve", np.array([1, 50]), None, None)
