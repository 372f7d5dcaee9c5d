"""Which rows train and which are held out."""

from __future__ import annotations

import numpy as np

from glassnet.errors import DataError, require
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
