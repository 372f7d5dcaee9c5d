"""Keras's utilities: one-hot encoding, normalization, one seed for a script, and more."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import DataError, is_int, message, require
from glassnet.keras.compat import export_aliases
from glassnet.keras.custom_objects import EXPORTS
from glassnet.keras.data.images import image_dataset_from_directory
from glassnet.keras.data.series import timeseries_dataset_from_array
from glassnet.keras.data.splitting import split_dataset
from glassnet.keras.data.texts import text_dataset_from_directory
from glassnet.keras.downloads import get_file
from glassnet.keras.images import array_to_img, img_to_array, load_img, save_img
from glassnet.keras.model_plots import plot_model
from glassnet.keras.py_dataset import PyDataset
from glassnet.keras.random import reset_global_generator
from glassnet.keras.random_seed import next_seed as next_seed
from glassnet.keras.random_seed import seed_generator
from glassnet.keras.sequences import pad_sequences
from glassnet.suggestions import suggest_arguments


@suggest_arguments
def set_random_seed(seed: int) -> None:
    """Seed Python's and NumPy's global generators, `keras.random`, and models created afterwards.

    Each model gets its own seed, the same in every run.

    Args:
        seed: an int from 0 to 2^32 - 1.

    Raises:
        ConfigError: if the seed is out of range.

    Example:
        >>> set_random_seed(7)
        >>> first = next_seed(), next_seed()
        >>> set_random_seed(7)
        >>> first == (next_seed(), next_seed()), first[0] == first[1]
        (True, False)
    """
    require(
        is_int(seed, least=0, most=2**32 - 1),
        "set_random_seed",
        "an int from 0 to below 2**32",
        seed=seed,
    )
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002
    reset_global_generator()
    seed_generator(int(seed))


@suggest_arguments
def to_categorical(x: Any, num_classes: int | None = None, dtype: Any = None) -> np.ndarray:
    """Encode labels as one-hot rows: y_ij = 1 if x_i = j, else 0.

    Shapes:
        (n,) or (n, 1) to (n, num_classes); other axes are preserved.

    Args:
        x: labels, integers from 0.
        num_classes: None for the largest label plus one.
        dtype: type of the numbers, as in Keras 2; None for float64, as in Keras 3.

    Raises:
        DataError: if a label is not an integer from 0 to num_classes - 1.
        ConfigError: if num_classes is not an int >= 1.

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
    labels = to_array(x, "to_categorical")
    require(
        labels.dtype.kind in "biuf" and labels.size,
        "to_categorical",
        "labels",
        error=DataError,
        dtype=str(labels.dtype),
        n=labels.size,
    )
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    n_classes = num_classes
    if n_classes is None:
        n_classes = int(labels.max()) + 1 if np.isfinite(labels).all() else 1
    invalid = labels[(labels != np.floor(labels)) | (labels < 0) | (labels >= n_classes)]
    expected = f"integers from 0 to {n_classes - 1}" if num_classes else "integers from 0"
    require(
        not invalid.size, "to_categorical", expected, error=DataError, labels=invalid[:3].tolist()
    )
    columns = labels.astype(np.intp).ravel()
    try:
        one_hot = np.zeros((labels.size, n_classes), dtype)
    except (MemoryError, ValueError) as error:
        text = message("to_categorical", "as few classes as fit in memory", classes=n_classes)
        raise DataError(text) from error
    one_hot[np.arange(labels.size), columns] = 1
    return one_hot.reshape(*labels.shape, n_classes)


@suggest_arguments
def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray:
    """Scale every row to length 1: x / |x|, with |x| = (sum |x_i|^order)^(1/order).

    Rows of zeros are unchanged.

    Args:
        x: numbers.
        axis: the axis over which the length is computed.
        order: 1 for the sum of absolute values, 2 for the Euclidean length.

    Example:
        >>> normalize([[3.0, 4.0]]).tolist()
        [[0.6, 0.8]]
    """
    vectors = np.atleast_2d(np.asarray(x))
    length = np.linalg.norm(vectors, order, axis, keepdims=True)
    return vectors / np.where(length == 0, 1, length)


__all__, __getattr__ = export_aliases(
    __name__,
    EXPORTS
    | {
        "PyDataset": PyDataset,
        "Sequence": PyDataset,
        "array_to_img": array_to_img,
        "clear_session": (lambda: None, "free_memory~"),
        "disable_interactive_logging": lambda: None,
        "enable_interactive_logging": lambda: None,
        "get_file": get_file,
        "image_dataset_from_directory": image_dataset_from_directory,
        "img_to_array": img_to_array,
        "load_img": load_img,
        "normalize": normalize,
        "pad_sequences": pad_sequences,
        "plot_model": plot_model,
        "save_img": save_img,
        "set_random_seed": set_random_seed,
        "split_dataset": split_dataset,
        "text_dataset_from_directory": text_dataset_from_directory,
        "timeseries_dataset_from_array": timeseries_dataset_from_array,
        "to_categorical": to_categorical,
    },
)
