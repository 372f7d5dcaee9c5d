"""Facts about a column, from which `encoding_rules` chooses its encoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoder import DATE_PARTS, extract_date_part


class NumberFacts(NamedTuple):
    """Facts about numbers, with missing ones replaced by the median.

    Attributes:
        mean: mean.
        scale: standard deviation; 0 if the numbers are constant.
        median: median of the numbers that are not missing.
        has_missing: whether some are missing.
        is_constant: whether all numbers that are not missing are equal.
    """

    mean: float
    scale: float
    median: float
    has_missing: bool
    is_constant: bool


class TextFacts(NamedTuple):
    """Facts about the texts of a column.

    Attributes:
        counts: the number of rows of each text, or of a sample of the texts.
        n_values: number of rows that are not missing.
        n_distinct: number of different texts; in a sample, an estimate.
        is_sample: whether `counts` is a sample.
        word_weight: how many texts each text of a sample stands for if it is not a number.
    """

    counts: Mapping[str, int]
    n_values: int
    n_distinct: int
    is_sample: bool = False
    word_weight: int = 1


class ColumnFacts(ABC):
    """Facts about a column of training rows; each is found if it is needed.

    Attributes:
        name: name of the column.
        kind: "f" for numbers, "b" for booleans, "M" for dates, "O" for text.
        n_rows: number of rows.
        n_missing: number of rows without a value.
    """

    name: str
    kind: str
    n_rows: int
    n_missing: int

    @property
    @abstractmethod
    def limits(self) -> tuple[Any, Any]:
        """The smallest and the largest value; the column has one, and is not text."""

    @abstractmethod
    def are_different_integers(self) -> bool:
        """Return whether the numbers of the column are integers and differ in all rows."""

    @abstractmethod
    def to_texts(self) -> TextFacts:
        """Return the facts about the values as text."""

    @abstractmethod
    def to_numbers(self, coerce: bool) -> NumberFacts | None:
        """Return the facts about the values as numbers, or None if none of them is a number.

        Raises:
            DataError: see `Column.to_numbers`.
        """

    @abstractmethod
    def to_booleans(self) -> NumberFacts:
        """Return the facts about the values as 1 for true and 0 for false.

        Raises:
            DataError: see `Column.to_booleans`.
        """

    @abstractmethod
    def to_date_parts(self, date_format: str) -> dict[str, NumberFacts]:
        """Return the facts about each of `DATE_PARTS`.

        Raises:
            DataError: see `Column.to_dates`.
        """

    @abstractmethod
    def to_categories(self, min_count: int) -> tuple[dict[str | None, int], bool]:
        """Return the number of rows of each common category, and whether there are others.

        Missing values are a category, None.

        Args:
            min_count: number of rows from which a category is common.
        """


class ArrayFacts(ColumnFacts):
    """Facts about a column in memory."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.name, self.kind = column.name, column.values.dtype.kind
        self.n_rows = len(column)

    @cached_property
    def n_missing(self) -> int:  # type: ignore[override]
        """Number of rows without a value."""
        return int(np.count_nonzero(self.column.missing))

    @cached_property
    def limits(self) -> tuple[Any, Any]:
        """The smallest and the largest value."""
        values = self.column.values
        values = values[~self.column.missing] if self.n_missing else values
        return values.min(), values.max()

    def are_different_integers(self) -> bool:
        """See `ColumnFacts`."""
        values = self.column.values
        are_integers = not np.any(values != np.round(values))
        return bool(are_integers and len(np.unique(values)) == self.n_rows)

    def to_texts(self) -> TextFacts:
        """See `ColumnFacts`."""
        counts = self.column.distinct.count()
        return TextFacts(counts, sum(counts.values()), len(counts))

    def to_numbers(self, coerce: bool) -> NumberFacts | None:
        """See `ColumnFacts`."""
        x = self.column.to_numbers(coerce)
        return None if np.isnan(x).all() else summarize_numbers(x)

    def to_booleans(self) -> NumberFacts:
        """See `ColumnFacts`."""
        return summarize_numbers(self.column.to_booleans())

    def to_date_parts(self, date_format: str) -> dict[str, NumberFacts]:
        """See `ColumnFacts`."""
        dates = self.column.to_dates(date_format)
        return {part: summarize_numbers(extract_date_part(part, dates)) for part in DATE_PARTS}

    def to_categories(self, min_count: int) -> tuple[dict[str | None, int], bool]:
        """See `ColumnFacts`."""
        distinct = self.column.distinct
        return select_common(distinct.texts, np.bincount(distinct.codes), min_count)


def summarize_numbers(x: np.ndarray) -> NumberFacts:
    """Return the facts about numbers of which some are not missing; NaN is missing.

    Example:
        >>> summarize_numbers(np.array([1.0, 3.0, np.nan, 2.0])).median
        2.0
    """
    missing = np.isnan(x)
    median = float(np.median(x[~missing], overwrite_input=True))
    filled = np.where(missing, median, x)
    mean = filled.mean()
    is_constant = not np.ptp(filled) > 0
    scale = 0.0 if is_constant else float(np.std(filled, mean=mean))
    return NumberFacts(float(mean), scale, median, bool(missing.any()), is_constant)


def select_common(
    texts: Collection[str | None], counts: np.ndarray, min_count: int
) -> tuple[dict[str | None, int], bool]:
    """Return the counts of the texts with at least `min_count` rows, and whether others exist."""
    pairs = zip(texts, counts.tolist(), strict=True)
    common = {text: count for text, count in pairs if count >= min_count}
    return common, len(common) < len(texts)
