"""Random and stratified splits of rows into training and test rows."""

from __future__ import annotations

import numpy as np

from glassnet.errors import DataError, is_number, require
from glassnet.types import Array


def random_split(n: int, fraction: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Hold out a random subset of round(n * fraction) of n rows.

    Args:
        n: number of rows.
        fraction: fraction of the rows to hold out, between 0 and 1.
        rng: random generator; the same state gives the same split.

    Returns:
        (train_index, test_index): sorted int64 indices that together are 0..n-1.

    Raises:
        DataError: either part would be empty.

    Example:
        >>> train_index, test_index = random_split(10, 0.3, np.random.default_rng(0))
        >>> len(train_index), len(test_index)
        (7, 3)
    """
    n_test = _test_size("random_split", n, fraction)
    shuffled = rng.permutation(n)
    return np.sort(shuffled[n_test:]), np.sort(shuffled[:n_test])


def stratified_split(
    labels: Array, fraction: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Hold out round(n * fraction) of n rows, in proportion from each class.

    Class c with n_c rows first gives floor(n_c * fraction) rows. The remaining rows come from the
    classes with the largest remainders; ties are broken at random. At least one row of every class
    stays in training.

    Shapes:
        labels: (n,) integers or strings.

    Args:
        labels: the class of each row.
        fraction: fraction of the rows to hold out, between 0 and 1.
        rng: random generator; the same state gives the same split.

    Returns:
        (train_index, test_index): sorted int64 indices that together are 0..n-1.

    Raises:
        DataError: either part would be empty, or a class would have no training row.

    Example:
        >>> labels = np.array([0] * 6 + [1] * 4)
        >>> train_index, test_index = stratified_split(labels, 0.5, np.random.default_rng(0))
        >>> np.bincount(labels[test_index])
        array([3, 2])

    Source: largest remainders (Hamilton's apportionment).
    """
    labels = np.asarray(labels)
    require(
        labels.ndim == 1,
        "stratified_split",
        "one label per row, shape (n,)",
        error=DataError,
        shape=labels.shape,
    )
    n = len(labels)
    n_test = _test_size("stratified_split", n, fraction)
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    require(
        n_test <= n - len(classes),
        "stratified_split",
        "at least one training row of every class",
        error=DataError,
        fix="Hold out a smaller fraction, or use random_split.",
        rows=n,
        classes=len(classes),
        test_rows=n_test,
    )
    test_counts = _apportion(counts, fraction, n_test, rng)

    shuffled = rng.permutation(n)
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    position_in_class = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    is_test = position_in_class < np.repeat(test_counts, counts)
    return np.sort(by_class[~is_test]), np.sort(by_class[is_test])


def _test_size(who: str, n: int, fraction: float) -> int:
    require(0 < fraction < 1, who, "fraction between 0 and 1", error=DataError, fraction=fraction)
    n_test = round(n * fraction)
    require(
        0 < n_test < n,
        who,
        "at least one row in each part",
        error=DataError,
        fix="Use more rows or another fraction.",
        rows=n,
        test_rows=n_test,
    )
    return n_test


def _apportion(counts: Array, fraction: float, total: int, rng: np.random.Generator) -> Array:
    """Return the number of test rows of each class, by largest remainders."""
    shares = counts * fraction
    test_counts = np.floor(shares).astype(int)
    tie_break = 1e-9 * rng.random(len(counts))
    while test_counts.sum() < total:
        remainders = shares - test_counts + tie_break
        test_counts[np.argmax(np.where(test_counts < counts - 1, remainders, -np.inf))] += 1
    return test_counts


def train_validation_split(
    n: int, labels: np.ndarray | None, fraction: float, validation_from: str, seed: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """(which of n rows to train on, which are held out or None): a function of the seed and the
    rows' number and classes alone.

    Args:
        n: how many rows there are.
        labels: the class of every row, to hold out the same share of each; None for a plain draw.
        fraction: of the rows that is held out, from 0 to below 1.
        validation_from: "random", or "end" for the last rows.
        seed: of the draw.

    Raises:
        ConfigError: a fraction out of range, or another `validation_from`.
        DataError: a fraction that leaves no row on one side, or none of a class to train on.
    """
    who = "validation_split"
    require(
        is_number(fraction) and 0 <= fraction < 1,
        who,
        "a fraction from 0 to below 1",
        validation_split=fraction,
    )
    require(
        validation_from in ("random", "end"),
        "validation_from",
        '"random" or "end"',
        validation_from=validation_from,
    )
    every = np.arange(n)
    if fraction == 0:
        return every, None
    held_rows = round(n * fraction)
    fix = "Use more rows, another fraction, or validation_data."
    sides = "a row to train on and a row to hold out, at least"
    require(0 < held_rows < n, who, sides, error=DataError, rows=n, held_out=held_rows, fix=fix)
    if validation_from == "end":
        return every[: n - held_rows], every[n - held_rows :]
    rng = np.random.default_rng((seed, 0, 2))
    if labels is None:
        return random_split(n, fraction, rng)
    classes = len(np.unique(labels))
    fix = 'Hold out a smaller fraction, or take the last rows with validation_from="end".'
    one_each = "rows enough to keep one of every class for training"
    require(
        held_rows <= n - classes,
        who,
        one_each,
        error=DataError,
        rows=n,
        classes=classes,
        held_out=held_rows,
        fix=fix,
    )
    return stratified_split(labels, fraction, rng)


def split_windows(
    n_windows: int, horizon: int, fraction: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """(windows to train on, the last ones, held out, or None): nothing that a held-out one is to
    forecast is trained on.

    Raises:
        ConfigError: a fraction out of range.
        DataError: a fraction that leaves no window on one side.
    """
    who = "validation_split"
    require(
        is_number(fraction) and 0 <= fraction < 1,
        who,
        "a fraction from 0 to below 1",
        validation_split=fraction,
    )
    every = np.arange(n_windows)
    if fraction == 0:
        return every, None
    held = round(n_windows * fraction)
    kept = n_windows - held - (horizon - 1)
    fix = "Another fraction, a lower horizon or length, a longer series, or validation_data."
    told = f"a window on either side, and {horizon - 1} between them that would see into those held out"
    require(
        held > 0 and kept > 0, who, told, error=DataError, windows=n_windows, held_out=held, fix=fix
    )
    return every[:kept], every[n_windows - held :]
