"""Datasets by name: generated, bundled with scikit-learn, or downloaded once."""

from __future__ import annotations

import inspect
from typing import Any, Literal, overload

import numpy as np

from glassnet.data.dataset import Dataset, DatasetInfo
from glassnet.datasets import downloads, sklearn_sets, synthetic, table_sets
from glassnet.datasets.table_sets import TableDataset
from glassnet.errors import MAX_SEED, is_int, lookup, require
from glassnet.suggestions import publish

__all__ = ["Dataset", "DatasetInfo", "TableDataset", "describe", "load", "names"]

CATALOGUE = {
    entry.name: entry
    for entry in synthetic.ENTRIES + sklearn_sets.ENTRIES + downloads.ENTRIES + table_sets.ENTRIES
}


@overload
def load(name: Literal["titanic", "house_prices", "flights"], *, seed: int = 0) -> TableDataset: ...  # type: ignore[overload-overlap]
@overload
def load(name: str, *, seed: int = 0, **options: Any) -> Dataset: ...
def load(name: str, *, seed: int = 0, **options: Any) -> Dataset | TableDataset:
    """Load a dataset: training rows, test rows, their names and a description.

    Shapes:
        x (n, *example), y (n,): labels 0..K-1 as int64, or float32 in the target's own units.
        Images are uint8 as stored. Reviews are strings (n,), for a `TextVectorization` layer.
        titanic, house_prices and flights are pandas DataFrames with text and missing values as in
        the file; the target is one of their columns.

    Args:
        name: one of `names()`; `describe()` describes each.
        seed: draws the points of a generated dataset, and the test rows of titanic, house_prices
            and the datasets of scikit-learn. The other downloads have fixed test rows; those of
            flights are the last fifth in time.
        options: for circles, moons, spiral, blobs, xor_points, gaussians, plane and valley: n, the
            number of rows (training and test together), and noise, the standard deviation in the
            units of x (for plane and valley, of y). For pets too; its noise multiplies the standard
            deviations of height and weight.

    Returns:
        A `Dataset`, which unpacks as `(x, y), (x_test, y_test) = load(name)`. For the three tables
        a `TableDataset`, which unpacks as `train, test = load(name)` and has a `target`.

    Raises:
        ConfigError: the name or an option is unknown, or an option is out of range.
        DownloadError: the dataset is not on this machine and cannot be downloaded. The message says
            where to put which file.
        DataError: a file on this machine is damaged.

    Example:
        >>> load("moons", n=100)
        Dataset('moons', x=(80, 2) float32, y=(80,) int64, test rows=20, 2 classes)
        >>> (x, y), (x_test, y_test) = load("xor")
        >>> y
        array([0, 1, 1, 0])
    """
    entry = lookup("datasets.load", name, CATALOGUE)
    require(is_int(seed, 0, MAX_SEED), "datasets.load", "seed to be an int >= 0", seed=seed)
    option_names = list(inspect.signature(entry.make).parameters)[1:]
    require(
        options.keys() <= set(option_names),
        f"datasets.load({name!r})",
        "no options except " + ", ".join(["seed", *option_names]),
        **options,
    )
    fields = entry.make(np.random.default_rng(seed), **options)
    dataset: Dataset | TableDataset = entry.dataset_type(
        name, *fields, description=f"{entry.about} {entry.notes}"
    )
    return dataset


def names() -> tuple[str, ...]:
    """Return the names of all datasets.

    Example:
        >>> names()[:3]
        ('line', 'plane', 'and')
    """
    return tuple(CATALOGUE)


def describe() -> tuple[DatasetInfo, ...]:
    """Return the entry of each dataset, without loading or downloading any.

    Example:
        >>> for entry in describe()[:2]:
        ...     print(entry.name, entry.task, entry.rows, entry.shape)
        line regression 50 (1,)
        plane regression 500 (2,)
    """
    return tuple(CATALOGUE.values())


publish(__name__, __all__)
