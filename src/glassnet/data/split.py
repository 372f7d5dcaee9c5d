"""Which rows train and which are held out."""

from __future__ import annotations

import numpy as np

from glassnet.errors import DataError, is_number, require
from glassnet.types import Array


def random_split(n: int, fraction: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Hold out round(n * fraction) of n rows, every subset of that size being equally likely.

    Args:
        n: number of rows.
        fraction: share of the rows held out, between 0 and 1.
        rng: the source of randomness; the same state gives the same split.

    Returns:
        (train, held): sorted int64 indices that together are 0..n-1.

    Raises:
        DataError: either part would be empty.

    Example:
        >>> train, held = random_split(10, 0.3, np.random.default_rng(0))
        >>> len(train), len(held)
        (7, 3)
    """
    total = _held_out_size("random_split", n, fraction)
    shuffled = rng.permutation(n)
    return np.sort(shuffled[total:]), np.sort(shuffled[:total])


def stratified_split(
    labels: Array, fraction: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Hold out round(n * fraction) of n rows, each class in proportion: n_c * fraction of its n_c
    rows.

    Each class first gives the whole part of its share; the rows still missing come from the classes
    with the largest remainders (ties are drawn). At least one row of every class stays in training.

    Shapes:
        labels: (n,) integers or strings.

    Args:
        labels: the class of each row.
        fraction: share of the rows held out, between 0 and 1.
        rng: the source of randomness; the same state gives the same split.

    Returns:
        (train, held): sorted int64 indices that together are 0..n-1.

    Raises:
        DataError: either part would be empty, or a class would vanish from training.

    Example:
        >>> labels = np.array([0] * 6 + [1] * 4)
        >>> train, held = stratified_split(labels, 0.5, np.random.default_rng(0))
        >>> np.bincount(labels[held])
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
    total = _held_out_size("stratified_split", n, fraction)
    classes, code, counts = np.unique(labels, return_inverse=True, return_counts=True)
    require(
        total <= n - len(classes),
        "stratified_split",
        "at least one row of every class to stay in training",
        error=DataError,
        fix="Hold out a smaller fraction, or use random_split.",
        rows=n,
        classes=len(classes),
        held=total,
    )
    held = _apportion(counts, fraction, total, rng)

    shuffled = rng.permutation(n)
    by_class = shuffled[np.argsort(code[shuffled], kind="stable")]
    place_in_class = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    is_held = place_in_class < np.repeat(held, counts)
    return np.sort(by_class[~is_held]), np.sort(by_class[is_held])


def _held_out_size(who: str, n: int, fraction: float) -> int:
    require(
        0 < fraction < 1, who, "fraction to lie between 0 and 1", error=DataError, fraction=fraction
    )
    total = round(n * fraction)
    fix = "Use more rows or another fraction."
    require(
        0 < total < n,
        who,
        "at least one row in each part",
        error=DataError,
        fix=fix,
        rows=n,
        held=total,
    )
    return total


def _apportion(counts: Array, fraction: float, total: int, rng: np.random.Generator) -> Array:
    share = counts * fraction
    held = np.floor(share).astype(int)
    draw = 1e-9 * rng.random(len(counts))
    while held.sum() < total:
        held[np.argmax(np.where(held < counts - 1, share - held + draw, -np.inf))] += 1
    return held


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
