"""What Keras keeps under this name: labels and rows made ready, and one seed for a whole script."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, require
from glassnet.keras.compat import export_aliases

_seed_generator: np.random.Generator | None = None


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator, and the models made from here on: each
    another seed, the same in every run.

    Args:
        seed: from 0 to below 2^32.

    Raises:
        ConfigError: no such seed.

    Example:
        >>> set_random_seed(7)
        >>> first = next_seed(), next_seed()
        >>> set_random_seed(7)
        >>> first == (next_seed(), next_seed()), first[0] == first[1]
        (True, False)
    """
    global _seed_generator
    require(
        is_int(seed, least=0) and seed < 2**32,
        "set_random_seed",
        "an int from 0 to below 2**32",
        seed=seed,
    )
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002
    _seed_generator = np.random.default_rng(int(seed))


def next_seed() -> int | None:
    """The seed of the next model; None where none was ever set."""
    return None if _seed_generator is None else int(_seed_generator.integers(2**31))


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot rows: y_ij = 1 where x_i = j, else 0.

    Shapes:
        (n,) or (n, 1) to (n, num_classes); further axes are kept.

    Args:
        x: labels, whole numbers from 0.
        num_classes: None for the largest label and one.

    Raises:
        DataError: a label that is no whole number from 0 to num_classes - 1.
        ConfigError: num_classes is not an int >= 1.

    Example:
        >>> to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    require(
        num_classes is None or is_int(num_classes, least=1),
        "to_categorical",
        "num_classes to be an int >= 1",
        num_classes=num_classes,
    )
    given = np.asarray(x)
    require(
        given.dtype.kind in "biuf" and given.size,
        "to_categorical",
        "labels",
        error=DataError,
        dtype=str(given.dtype),
        n=given.size,
    )
    labels = given[..., 0] if given.ndim > 1 and given.shape[-1] == 1 else given
    classes = int(labels.max()) + 1 if num_classes is None else num_classes
    wrong = labels[(labels != np.floor(labels)) | (labels < 0) | (labels >= classes)]
    expected = f"whole numbers from 0 to {classes - 1}" if num_classes else "whole numbers from 0"
    require(not wrong.size, "to_categorical", expected, error=DataError, labels=wrong[:3].tolist())
    return np.eye(classes)[labels.astype(int)]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Every row brought to length 1: x / |x|, with |x| = (sum |x_i|^order)^(1/order); rows of zeros
    stay.

    Args:
        x: numbers.
        axis: along which the length is taken.
        order: 1 for the sum of sizes, 2 for the root of the sum of squares.

    Example:
        >>> normalize([[3.0, 4.0]]).tolist()
        [[0.6, 0.8]]
    """
    rows = np.atleast_2d(np.asarray(x))
    length = np.linalg.norm(rows, order, axis, keepdims=True)
    return rows / np.where(length == 0, 1, length)


class PyDataset:
    """Batches cut by a class of your own: give `__len__`, and `__getitem__` from 0 to (x, y) or (x,
    y, weights).

    Args:
        workers: not used: one thread reads ahead.
        use_multiprocessing: not used.
        max_queue_size: not used.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...
        ...     def __getitem__(self, i):
        ...         x = np.arange(4.0) + 4 * i
        ...         return x, x**2
        >>> len(Squares()), Squares()[1][1].tolist()
        (3, [16.0, 25.0, 36.0, 49.0])
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ):
        self.workers, self.use_multiprocessing, self.max_queue_size = (
            workers,
            use_multiprocessing,
            max_queue_size,
        )

    def on_epoch_end(self) -> None:
        """Called after every pass: the place to shuffle."""


__all__, __getattr__ = export_aliases(
    __name__,
    {
        "PyDataset": PyDataset,
        "normalize": normalize,
        "set_random_seed": set_random_seed,
        "to_categorical": to_categorical,
    },
)
