"""Nested subsets of training rows, which have the fractions of the classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, is_number, require
from glassnet.formatting import format_number
from glassnet.selection.grids import to_python
from glassnet.types import Array

SHOWN_CLASSES = 3
"""Maximum number of classes that an error names."""


def read_sizes(who: str, sizes: Any, n_rows: int) -> Array:
    """Return the numbers of rows of subsets, (S,) in ascending order.

    Args:
        who: name of the function in error messages.
        sizes: fractions above 0 up to 1, or numbers of rows; 1.0 is a fraction, and 1 a number.
        n_rows: number of training rows.

    Raises:
        ConfigError: fewer than two sizes, a size out of range, two that are equal, or fractions
            mixed with numbers of rows.

    Example:
        >>> read_sizes("learning_curve", [1.0, 0.25], 80)
        array([20, 80])
    """
    fix = f"Fractions are above 0 and at most 1.0, numbers of rows from 1 to {n_rows:,}."
    expected = "sizes to be at least two numbers"
    is_list = isinstance(sizes, Iterable) and not isinstance(sizes, str | bytes)
    require(is_list, who, expected, sizes=sizes, fix=fix)
    items = [to_python(size) for size in sizes]
    require(len(items) > 1 and all(map(is_number, items)), who, expected, sizes=items, fix=fix)
    are_fractions = [isinstance(size, float) and size <= 1 for size in items]
    is_one_kind = all(are_fractions) or not any(are_fractions)
    expected = "sizes to be all fractions or all numbers of rows"
    require(is_one_kind, who, expected, sizes=items, fix=fix)
    if are_fractions[0]:
        counts = [round(size * n_rows) for size in items]
    else:
        counts = [int(size) if size == int(size) else 0 for size in items]
    fits = all(is_int(count, 1, n_rows) for count in counts)
    if are_fractions[0] and 0 in counts and min(items) > 0:
        less = f"{format_number(min(items))} of {n_rows:,} rows is less than one row."
        fix = f"{less} {fix} Pass sizes with larger fractions, or fewer folds."
    require(fits, who, "sizes within the training rows of a fold", sizes=items, fix=fix)
    fits, rows = len(set(counts)) == len(counts), sorted(counts)
    fix = "Leave out one of those that are equal."
    require(fits, who, "sizes that differ", sizes=items, rows=rows, fix=fix)
    return np.array(rows)


def require_class_rows(
    who: str, sizes: Array, labels: Array | None, class_names: tuple[Any, ...] | None
) -> None:
    """Refuse a smallest size that has no row for some class.

    Args:
        who: name of the function in error messages.
        sizes: numbers of rows, in ascending order.
        labels: the class of each training row of the fold, (n,), or None.
        class_names: the name of each class, or None.

    Raises:
        DataError: there are more classes than rows.
    """
    if labels is None:
        return
    classes = np.unique(labels)
    names = [class_names[code] if class_names else int(code) for code in classes[:SHOWN_CLASSES]]
    expected = f"at least {len(classes)} rows, one of each class, in the smallest training set"
    fits, fix = sizes[0] >= len(classes), "Leave out the smallest sizes, or use more rows."
    received = {"rows": int(sizes[0]), "classes": len(classes), "first_classes": names}
    require(fits, who, expected, error=DataError, fix=fix, **received)


def order_rows(rows: Array, labels: Array | None, rng: np.random.Generator) -> Array:
    """Return rows in an order whose first k rows, for each k, are a random stratified subset.

    The first rows are one of each class. After r rows of a class with n rows, the next one has the
    priority n / sqrt(r (r + 1)), and the highest priority comes first. The fractions of the classes
    in a subset are therefore close to those of all rows. Larger subsets contain smaller ones.

    Shapes:
        rows, labels, and the result: (n,).

    Args:
        rows: positions of the rows.
        labels: their classes, or None for a plain random order.
        rng: random generator.

    Example:
        >>> labels = np.array([0] * 8 + [1] * 4)
        >>> labels[order_rows(np.arange(12), labels, np.random.default_rng(0))][:6].tolist()
        [0, 1, 0, 0, 1, 0]

    Source: E. Huntington, "The apportionment of representatives in Congress", 1928 (the method of
        equal proportions).
    """
    shuffled = rng.permutation(len(rows))
    if labels is None:
        return rows[shuffled]
    priority = np.empty(len(rows))
    _, codes, counts = np.unique(labels[shuffled], return_inverse=True, return_counts=True)
    for code, count in enumerate(counts):
        rank = np.arange(count, dtype=np.float64)
        priority[codes == code] = np.sqrt(rank * (rank + 1)) / count
    return rows[shuffled[np.lexsort((-counts[codes], priority))]]
