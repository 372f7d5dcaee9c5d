"""`split_dataset`: a dataset in two parts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, require
from glassnet.keras.data.dataset import Dataset
from glassnet.keras.data.elements import list_arrays, map_structure, stack, to_element
from glassnet.suggestions import suggest_arguments

WHO = "split_dataset"


@suggest_arguments
def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Return two datasets: the first elements of a dataset, and the last ones.

    Batches are split into rows first, and the parts have batches of the same size.

    Args:
        dataset: a `Dataset`, another iterable of elements, an array of rows, or a list or tuple of
            arrays with as many rows.
        left_size: number of elements of the first part, or their share as a float; None for all
            that are not in the second.
        right_size: the same for the second part.
        shuffle: whether the elements are shuffled before; the order of a seed is Keras's.
        seed: the seed of the order.
        preferred_backend: ignored.

    Raises:
        ConfigError: sizes that are out of range.
        DataError: no elements.

    Example:
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), [int(number) for number in right]
        (8, [8, 9])
    """
    batch_size = getattr(dataset, "max_batch_size", getattr(dataset, "_batch_size", None))
    rows = _to_rows(dataset if batch_size is None else dataset.unbatch())
    n = len(list_arrays(rows)[0])
    n_left, n_right = _resolve_sizes(n, left_size, right_size)
    order = list(range(n))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(order)

    def make(indices: Sequence[int]) -> Dataset:
        chosen = np.array(indices)
        part = Dataset.from_tensor_slices(map_structure(lambda array: array[chosen], rows))
        return part if batch_size is None else part.batch(int(batch_size))

    return make(order[:n_left]), make(order[n - n_right :])


def _to_rows(dataset: Any) -> Any:
    """Return the elements of a dataset, stacked."""
    if isinstance(dataset, list | tuple) and dataset and all(map(np.ndim, dataset)):
        rows = to_element(tuple(dataset))
        sizes = sorted({len(array) for array in list_arrays(rows)})
        require(len(sizes) == 1, WHO, "arrays with as many rows", error=DataError, rows=sizes)
        return rows
    if hasattr(dataset, "__array__") or isinstance(dataset, list | tuple):
        return to_element(np.asarray(dataset))
    elements = [to_element(element) for element in dataset]
    require(elements, WHO, "at least two elements", error=DataError, n=0)
    return stack(elements)


def _resolve_sizes(n: int, left: float | None, right: float | None) -> tuple[int, int]:
    """Return the numbers of elements of both parts."""
    require(left is not None or right is not None, WHO, "left_size or right_size")
    for name, size in (("left_size", left), ("right_size", right)):
        is_share = isinstance(size, float) and 0 < size < 1
        fits = size is None or is_share or is_int(size, least=1, most=n - 1)
        expected = f"{name} to be an int from 1 to {n - 1}, or a float between 0 and 1"
        require(fits, WHO, expected, error=DataError, size=size)
    left, right = (round(size * n) if isinstance(size, float) else size for size in (left, right))
    n_left = n - int(right or 0) if left is None else int(left)
    n_right = n - n_left if right is None else int(right)
    fits = n_left > 0 < n_right and n_left + n_right <= n
    expected = f"two parts of together at most {n} elements"
    require(fits, WHO, expected, error=DataError, left=n_left, right=n_right)
    return n_left, n_right
