"""Lines of Python that define the data of the user as the studio has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

YOUR_TABLE = "the table that you passed to the studio"
YOUR_TEST = "your validation_data"
YOUR_ARRAYS = "x, y = ...  # the arrays that you passed to the studio"
YOUR_TEST_ARRAYS = f"x_test, y_test = ...  # {YOUR_TEST}"
YOUR_IMAGES = "images = gn.data.images_from_folder(...)  # the images that you passed to the studio"


def write_table(name: str, source: Any, what: str, **options: Any) -> str:
    """Return the line that reads a table; one to complete if it does not come from a file.

    Args:
        name: of the variable.
        source: path of the file, or something else.
        what: what the user has to put in.
        options: arguments of `read_table`.

    Example:
        >>> write_table("table", "a.csv", "", delimiter=";")
        "table = gn.data.read_table('a.csv', delimiter=';')"
    """
    if not isinstance(source, str | Path):
        return f"{name} = gn.data.read_table(...)  # {what}"
    listed = "".join(f", {key}={value!r}" for key, value in options.items())
    return f"{name} = gn.data.read_table({str(source)!r}{listed})"


def write_images(*, has_test: bool) -> tuple[str, ...]:
    """Return the lines that define arrays of images, and of test images if there are any."""
    lines = [YOUR_IMAGES, "x, y = np.asarray(images.x), np.asarray(images.y)"]
    if has_test:
        lines.append(f"images = gn.data.images_from_folder(...)  # {YOUR_TEST}")
        lines.append("x_test, y_test = np.asarray(images.x), np.asarray(images.y)")
    return tuple(lines)


def write_conversion(name: str, raw: Any, array: np.ndarray) -> list[str]:
    """Return the line that gives raw numbers type and shape of an array, if it is needed.

    Args:
        name: of the variable.
        raw: what it holds.
        array: what it shall hold.

    Example:
        >>> write_conversion("x", [1, 2], np.float32([[1], [2]]))
        ['x = np.asarray(x, np.float32).reshape(-1, 1)']
    """
    shape = np.shape(raw)
    is_equal = isinstance(raw, np.ndarray) and raw.dtype == array.dtype
    if is_equal and shape == array.shape:
        return []
    sizes = ", ".join(map(str, (-1, *array.shape[1:])))
    reshape = "" if shape == array.shape else f".reshape({sizes})"
    return [f"{name} = np.asarray({name}, np.{array.dtype}){reshape}"]


def write_labels(
    y: Any, labels: np.ndarray, y_test: Any = None, test_labels: np.ndarray | None = None
) -> list[str]:
    """Return the lines that turn targets into class indices or numbers, those of test rows first.

    Args:
        y: the targets of the user.
        labels: what they shall be.
        y_test: targets of test rows.
        test_labels: what they shall be; None without test rows.
    """
    lines: list[str] = []
    if np.asarray(y).dtype.kind not in "UOb":
        if test_labels is not None:
            lines = _write_numbers("y_test", y_test, test_labels)
        return lines + _write_numbers("y", y, labels)
    if test_labels is not None:
        classes = "np.unique(np.ravel(y).astype(str))"
        lines = [f"y_test = np.searchsorted({classes}, np.ravel(y_test).astype(str))"]
    return [*lines, "y = np.unique(np.ravel(y).astype(str), return_inverse=True)[1]"]


def _write_numbers(name: str, raw: Any, labels: np.ndarray) -> list[str]:
    """Return the line that turns numbers or one-hot labels into targets, if it is needed."""
    shape = np.shape(raw)
    if len(shape) == 2 and shape[1] > 1:
        return [f"{name} = np.asarray({name}).argmax(axis=1)"]
    return write_conversion(name, raw, labels)
