"""Data sets by name: generated, bundled with scikit-learn, or downloaded once. Public as
`gn.datasets`.
"""

from __future__ import annotations

import inspect
from typing import Any, Literal, overload

import numpy as np

from glassnet.data.dataset import Dataset, DatasetInfo
from glassnet.datasets import downloads, sklearn_sets, synthetic, table_sets
from glassnet.datasets.table_sets import TableDataset
from glassnet.errors import is_int, lookup, require

CATALOGUE = {
    entry.name: entry
    for entry in synthetic.ENTRIES + sklearn_sets.ENTRIES + downloads.ENTRIES + table_sets.ENTRIES
}


@overload
def load(name: Literal["titanic", "house_prices", "flights"], *, seed: int = 0) -> TableDataset: ...  # type: ignore[overload-overlap]
@overload
def load(name: str, *, seed: int = 0, **options: Any) -> Dataset: ...
def load(name: str, *, seed: int = 0, **options: Any) -> Dataset | TableDataset:
    """Load a data set: rows to train on, rows to test on, and the words to describe them.

    Shapes:
        x (n, *example), y (n,): labels 0..K-1 as int64, or float32 in the target's own units.
        Images are uint8 as stored; reviews are strings (n,), for a `TextVectorization` in front.
        titanic, house_prices and flights are pandas DataFrames instead, with words and gaps as in
        the file, and the target is one of their columns.

    Args:
        name: one of `names()`; `describe()` says more of each.
        seed: draws the points of a generated set and the test rows of a bundled one, of titanic and
            of house_prices; the other downloaded sets have their own test rows, and flights the
            last fifth in time.
        options: for circles, moons, spiral, blobs and plane, n (rows, training and test together)
            and noise (standard deviation, in the units of x; for plane of y).

    Returns:
        A `Dataset`, which unpacks as `(x, y), (x_test, y_test) = load(name)`; of the three tables a
        `TableDataset`, which unpacks as `train, test = load(name)` and names its `target`.

    Raises:
        ConfigError: the name or an option is unknown, or an option is out of range.
        DownloadError: the set is neither on this machine nor at its addresses; the message says
            which file to put where.
        DataError: a file on this machine is damaged.

    Example:
        >>> load("moons", n=100)
        Dataset('moons', x=(80, 2) float32, y=(80,) int64, test rows=20, 2 classes)
        >>> (x, y), (x_test, y_test) = load("xor")
        >>> y
        array([0, 1, 1, 0])
    """
    entry = lookup("datasets.load", name, CATALOGUE)
    require(is_int(seed, 0), "datasets.load", "seed to be an int >= 0", seed=seed)
    known = list(inspect.signature(entry.make).parameters)[1:]
    require(
        options.keys() <= set(known),
        f"datasets.load({name!r})",
        "no option but " + ", ".join(["seed", *known]),
        **options,
    )
    return entry.dataset_type(
        name,
        *entry.make(np.random.default_rng(seed), **options),
        description=f"{entry.about} {entry.notes}",
    )


def names() -> tuple[str, ...]:
    """The names that `load` knows.

    Example:
        >>> names()[:3]
        ('line', 'plane', 'and')
    """
    return tuple(CATALOGUE)


def describe() -> tuple[DatasetInfo, ...]:
    """One row for each data set (name, task, rows, shape, source, about, notes), without loading or
    downloading any.

    Example:
        >>> for entry in describe()[:2]:
        ...     print(entry.name, entry.task, entry.rows, entry.shape)
        line regression 50 (1,)
        plane regression 500 (2,)
    """
    return tuple(CATALOGUE.values())
