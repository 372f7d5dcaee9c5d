"""Random and stratified splits of rows into training and test rows."""

from __future__ import annotations

from dataclasses import dataclass

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
    codes = codes.astype(np.min_scalar_type(len(classes)))  # NumPy sorts small integers faster
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    position_in_class = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    is_test = np.zeros(n, bool)
    is_test[by_class[position_in_class < np.repeat(test_counts, counts)]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


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


@dataclass(frozen=True, eq=False)
class RowSplit:
    """How the rows of a fit are split into training and validation rows.

    Attributes:
        fraction, validation_from, seed: see `train_validation_split`.
        rows: the rows that are split; None for all. The others are not used.
    """

    fraction: float = 0.0
    validation_from: str = "random"
    seed: int = 0
    rows: np.ndarray | None = None

    def split(self, n: int, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the training rows, and the validation rows or None: `train_validation_split`.

        Args:
            n: number of all rows.
            labels: the class of each of them, or None.
        """
        if self.rows is not None:
            n, labels = len(self.rows), None if labels is None else labels[self.rows]
        parts = train_validation_split(n, labels, self.fraction, self.validation_from, self.seed)
        return self._take(parts)

    def split_windows(self, n_windows: int, horizon: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the training windows, and the validation windows or None: `split_windows`."""
        n = n_windows if self.rows is None else len(self.rows)
        return self._take(split_windows(n, horizon, self.fraction))

    def _take(
        self, parts: tuple[np.ndarray, np.ndarray | None]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        if self.rows is None:
            return parts
        train_index, validation_index = parts
        validation = None if validation_index is None else self.rows[validation_index]
        return self.rows[train_index], validation


def train_validation_split(
    n: int, labels: np.ndarray | None, fraction: float, validation_from: str, seed: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the training rows, and the validation rows or None.

    Args:
        n: number of rows.
        labels: the class of every row, to stratify by; None for a plain random split.
        fraction: fraction of the rows to hold out, from 0 to below 1.
        validation_from: "random", or "end" for the last rows.
        seed: seed of the random split.

    Raises:
        ConfigError: a fraction out of range, or an unknown `validation_from`.
        DataError: no row left on one side, or a class without training rows.
    """
    who = "validation_split"
    _require_fraction(fraction)
    fits = validation_from in ("random", "end")
    require(fits, "validation_from", '"random" or "end"', validation_from=validation_from)
    index = np.arange(n)
    if fraction == 0:
        return index, None
    n_validation = round(n * fraction)
    expected = "at least one row to train on and one to hold out"
    fix = "Use more rows, another fraction, or validation_data."
    fits = 0 < n_validation < n
    require(fits, who, expected, error=DataError, rows=n, held_out=n_validation, fix=fix)
    if validation_from == "end":
        return index[: n - n_validation], index[n - n_validation :]
    rng = np.random.default_rng((seed, 0, 2))
    if labels is None:
        return random_split(n, fraction, rng)
    n_classes = len(np.unique(labels))
    require(
        n_validation <= n - n_classes,
        who,
        "enough rows for at least one training row of every class",
        error=DataError,
        rows=n,
        classes=n_classes,
        held_out=n_validation,
        fix='Hold out a smaller fraction, or use the last rows with validation_from="end".',
    )
    return stratified_split(labels, fraction, rng)


def split_windows(
    n_windows: int, horizon: int, fraction: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the training windows, and the last windows for validation or None.

    The horizon - 1 windows between them are left out, because their targets overlap the validation
    windows.

    Raises:
        ConfigError: a fraction out of range.
        DataError: no window left on one side.
    """
    _require_fraction(fraction)
    index = np.arange(n_windows)
    if fraction == 0:
        return index, None
    n_validation = round(n_windows * fraction)
    n_train = n_windows - n_validation - (horizon - 1)
    require(
        n_validation > 0 and n_train > 0,
        "validation_split",
        f"a training and a validation window, with {horizon - 1} windows between them",
        error=DataError,
        windows=n_windows,
        held_out=n_validation,
        fix="Use another fraction, a lower horizon or length, a longer series, or validation_data.",
    )
    return index[:n_train], index[n_windows - n_validation :]


def _require_fraction(fraction: float) -> None:
    fits = is_number(fraction) and 0 <= fraction < 1
    expected = "a fraction from 0 to below 1"
    require(fits, "validation_split", expected, validation_split=fraction)
