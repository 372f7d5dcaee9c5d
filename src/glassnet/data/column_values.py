"""Values of a column: the distinct ones, so that text is parsed once per value; finite numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data import parsing
from glassnet.data.parsing import format_exact, is_missing, parse_float
from glassnet.errors import DataError, message

MAX_FLOAT = float(np.finfo(float).max)
"""Largest number in float64 that is not infinite."""


@dataclass(frozen=True, eq=False)
class DistinctValues:
    """The distinct values of a column as text, and which of them each row has.

    Attributes:
        texts: the values; None for missing ones. Text is in the order in which it first occurs,
            other values are sorted.
        codes: (n,) integers; row i has the value texts[codes[i]].
    """

    texts: list[str | None]
    codes: np.ndarray

    def count(self) -> dict[str, int]:
        """Return the number of rows of each value that is not missing."""
        counts = np.bincount(self.codes, minlength=len(self.texts)).tolist()
        pairs = zip(self.texts, counts, strict=True)
        return {text: n for text, n in pairs if text is not None}

    def to_objects(self) -> np.ndarray:
        """Return the value of each row as an array of objects, None if missing."""
        return np.take(np.array(self.texts, object), self.codes)

    def to_float(self) -> tuple[np.ndarray, list[str]]:
        """Return the number of each row, and the texts that are not numbers: see `to_float`."""
        numbers = [np.nan if text is None else parse_float(text) for text in self.texts]
        unreadable = [
            text
            for text, x in zip(self.texts, numbers, strict=True)
            if text is not None and np.isnan(x)
        ]
        return np.take(np.array(numbers, float), self.codes), unreadable


def find_distinct(column: np.ndarray) -> DistinctValues:
    """Return the distinct values of a column."""
    if column.dtype.kind == "O":
        return DistinctValues(*factorize(column))
    values, codes = np.unique(column, return_inverse=True)
    missing = is_missing(values)
    texts = [
        format_exact(value) if column.dtype.kind == "f" and np.isfinite(value) else str(value)
        for value in values
    ]
    return DistinctValues(
        [None if gap else text for gap, text in zip(missing, texts, strict=True)], codes
    )


def factorize(column: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Return the distinct values of a column, None if missing, and the position of each row's.

    Values are in the order in which they first occur.

    Example:
        >>> factorize(np.array(["b", None, "a", "b"], object))
        (['b', None, 'a'], array([0, 1, 2, 0]))
    """
    distinct, codes = parsing.factorize(column)
    values: list[Any] = list(distinct)
    missing = codes < 0
    if missing.any():
        n_before = int(codes[: np.argmax(missing)].max(initial=-1)) + 1
        values.insert(n_before, None)
        positions = [*range(n_before), *range(n_before + 1, len(values)), n_before]
        codes = np.take(positions, codes)  # -1, a missing value, takes the last position
    return values, codes


def to_float(column: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return a column of numbers, booleans or text as float64, and its texts that are not numbers.

    Such texts and missing values become NaN. Numbers are not copied.

    Example:
        >>> to_float(np.array(["1", None, "x", "2"], object))
        (array([ 1., nan, nan,  2.]), ['x'])
    """
    if column.dtype.kind == "O":
        return find_distinct(column).to_float()
    return np.asarray(column, float), []


def require_finite(who: str, x: np.ndarray, fix: str, largest: float = MAX_FLOAT) -> None:
    """Refuse infinite numbers, and those beyond `largest`. NaN is allowed.

    Raises:
        DataError: names the first row and the number of rows.
    """
    infinite = np.flatnonzero(np.abs(x) > largest)
    if len(infinite):
        row = int(infinite[0])
        raise infinite_error(who, row, float(x[row]), len(infinite), fix)


def infinite_error(who: str, row: int, value: float, n_rows: int, fix: str) -> DataError:
    """Return the error about infinite numbers: the first row, its value, and how many rows."""
    received = {"row": row, "value": value, "rows_like_it": n_rows}
    return DataError(message(who, "finite numbers", **received, fix=fix))
