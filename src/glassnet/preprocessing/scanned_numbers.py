"""Facts about numbers and dates that are read in parts: each part is added, then forgotten.

Counts, means, scales, limits and the parts of dates are exact. The median is exact for at most
`MAX_MEDIAN_ROWS` numbers. Beyond that it is the median of a sample, unless a second pass finds it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.column_values import infinite_error
from glassnet.data.parsing import is_missing
from glassnet.preprocessing.column_facts import (
    ColumnFacts,
    NumberFacts,
    TextFacts,
    select_common,
)
from glassnet.preprocessing.columns import MAX_MAGNITUDE, Column, infinite_fix
from glassnet.preprocessing.encoder import DATE_PARTS, extract_date_part
from glassnet.preprocessing.number_samples import DifferentIntegers, MedianSearch, NumberSample

MAX_MEDIAN_ROWS = 1_000_000
"""Number of numbers of a column whose median is exact, and size of the sample of more."""


class Extreme(NamedTuple):
    """Numbers that are too large or too small.

    Attributes:
        row: row of the first one.
        value: the first one.
        n_rows: number of rows with such numbers.
    """

    row: int
    value: float
    n_rows: int


def find_extreme(values: np.ndarray, extreme: np.ndarray, before: Extreme | None, row: int) -> Any:
    """Return the first extreme number and the number of them, of rows before and of new rows.

    Args:
        values: new rows.
        extreme: mask of the extreme ones.
        before: of the rows before.
        row: number of the first new row.
    """
    if not extreme.any():
        return before
    first, n_rows = int(np.argmax(extreme)), int(np.count_nonzero(extreme))
    if before is not None:
        return before._replace(n_rows=before.n_rows + n_rows)
    return Extreme(row + first, float(values[first]), n_rows)


class ScannedFacts(ColumnFacts):
    """Facts about a column that is read in parts, to be added one after the other.

    A column has the facts that its type needs, and refuses all others.

    Attributes:
        declared_kind: the kind of the source. Booleans of which some are missing are numbers.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.declared_kind = name, kind
        self.n_rows = self.n_missing = 0

    @property
    def kind(self) -> str:  # type: ignore[override]
        """See `ColumnFacts`."""
        is_number = self.declared_kind == "b" and self.n_missing
        return "f" if is_number else self.declared_kind

    @property
    def limits(self) -> tuple[Any, Any]:
        """See `ColumnFacts`."""
        raise NotImplementedError

    @abstractmethod
    def add(self, values: Any, draws: np.ndarray | None = None) -> None:
        """Add the next rows.

        Args:
            values: float64, datetime64[s], or for text a series of Polars.
            draws: a random number from 0 to 1 for each row.
        """

    def are_different_integers(self) -> bool:
        """See `ColumnFacts`."""
        return False

    def to_texts(self) -> TextFacts:
        """See `ColumnFacts`."""
        raise NotImplementedError

    def to_numbers(self, coerce: bool) -> NumberFacts | None:
        """See `ColumnFacts`."""
        raise NotImplementedError

    def to_booleans(self) -> NumberFacts:
        """See `ColumnFacts`."""
        raise NotImplementedError

    def to_date_parts(self, date_format: str) -> dict[str, NumberFacts]:
        """See `ColumnFacts`."""
        raise NotImplementedError

    def to_categories(self, min_count: int) -> tuple[dict[str | None, int], bool]:
        """See `ColumnFacts`."""
        raise NotImplementedError


class ScannedNumbers(ScannedFacts):
    """Facts about a column of numbers, or of booleans as 0 and 1, that is read in parts.

    Attributes:
        exact_median: the median, if it was searched in all rows.
    """

    def __init__(self, name: str, kind: str = "f", size: int = MAX_MEDIAN_ROWS) -> None:
        super().__init__(name, kind)
        self.low, self.high = np.float64(np.inf), np.float64(-np.inf)
        self.offset = self.shift = self.squares = 0.0
        self.sample, self.integers = NumberSample(size), DifferentIntegers()
        self.infinite: Extreme | None = None
        self.exact_median: float | None = None

    @property
    def limits(self) -> tuple[Any, Any]:
        """See `ColumnFacts`."""
        limits = self.low, self.high
        return (bool(limits[0]), bool(limits[1])) if self.kind == "b" else limits

    def add(self, values: np.ndarray, draws: np.ndarray | None = None) -> None:
        """See `ScannedFacts`."""
        missing = np.isnan(values)
        n_missing = int(np.count_nonzero(missing))
        x = values[~missing] if n_missing else values
        start = self.n_rows
        self.n_rows += len(values)
        self.n_missing += n_missing
        if not len(x):
            return
        if not self.n_missing and self.declared_kind == "f":
            self.integers.add(x)
        low, high = x.min(), x.max()
        self.low, self.high = min(self.low, low), max(self.high, high)
        if max(-low, high) > MAX_MAGNITUDE:
            large = np.abs(values) > MAX_MAGNITUDE
            self.infinite = find_extreme(values, large, self.infinite, start)
        with np.errstate(all="ignore"):
            self._add_moments(x)
        if draws is not None:
            self.sample.add(x, draws[~missing] if n_missing else draws)

    @property
    def mean(self) -> float:
        """Mean of the numbers that are not missing."""
        return self.offset + self.shift

    def _add_moments(self, x: np.ndarray) -> None:
        """Add to the mean and to the sum of squares around it (Chan, Golub and LeVeque 1979).

        The mean is kept as its distance from the first number, so that few digits are lost if the
        numbers are large and close together.
        """
        n_before, n_new = self.n_rows - self.n_missing - len(x), len(x)
        if not n_before:
            self.offset = float(x[0])
        distances = x - self.offset
        shift = float(distances.mean())
        distances -= shift
        share, step = n_new / (n_before + n_new), shift - self.shift
        self.shift += step * share
        self.squares += (
            float(np.square(distances, out=distances).sum()) + step * step * n_before * share
        )

    def are_different_integers(self) -> bool:
        """See `ColumnFacts`."""
        return not self.n_missing and self.integers.check()

    def to_numbers(self, coerce: bool) -> NumberFacts | None:
        """See `ColumnFacts`."""
        del coerce
        if self.infinite is not None:
            who, fix = f"column {self.name!r}", infinite_fix(self.name)
            raise infinite_error(who, *self.infinite, fix)
        return None if self.n_missing == self.n_rows else self._summarize()

    def to_booleans(self) -> NumberFacts:
        """See `ColumnFacts`."""
        n_true = round(self.mean * self.n_rows)
        return self._summarize()._replace(median=float(2 * n_true > self.n_rows))

    @property
    def has_sample_median(self) -> bool:
        """Whether the median is that of a sample."""
        is_constant = bool(self.low == self.high)
        return self.sample.share < 1 and self.exact_median is None and not is_constant

    @property
    def needs_median(self) -> bool:
        """Whether missing numbers become a median that is not exact."""
        return self.has_sample_median and self.n_missing > 0

    def search_median(self) -> MedianSearch:
        """Return the search for the exact median, to which all rows are added again."""
        return MedianSearch(self.sample.collect())

    def _summarize(self) -> NumberFacts:
        n_values, is_constant = self.n_rows - self.n_missing, bool(self.low == self.high)
        median = self.exact_median
        if median is None:
            median = float(self.low) if is_constant else self.sample.median()
        share = self.n_missing / self.n_rows
        gap = (median - self.offset) - self.shift
        mean = self.offset + (self.shift + gap * share)
        squares = self.squares + n_values * (gap * share) ** 2
        squares += self.n_missing * (gap * (1 - share)) ** 2
        scale = 0.0 if is_constant else float(np.sqrt(squares / self.n_rows))
        return NumberFacts(mean, scale, median, self.n_missing > 0, is_constant)


class ScannedDates(ScannedFacts):
    """Facts about a column of dates that is read in parts."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "M")
        self.low = self.high = np.datetime64("NaT", "s")
        self._days: Counter[int] = Counter()
        self._hours: Counter[int] = Counter()

    @property
    def limits(self) -> tuple[Any, Any]:
        """See `ColumnFacts`."""
        return self.low, self.high

    def add(self, values: np.ndarray, draws: np.ndarray | None = None) -> None:
        """See `ScannedFacts`."""
        del draws
        missing = np.isnat(values)
        self.n_rows += len(values)
        self.n_missing += int(np.count_nonzero(missing))
        dates = values[~missing]
        if len(dates):
            self.low = np.fmin(self.low, dates.min())
            self.high = np.fmax(self.high, dates.max())
            count_values(self._days, dates.astype("datetime64[D]").astype(np.int64))
            count_values(self._hours, extract_date_part("hour", dates).astype(np.int64))

    def to_numbers(self, coerce: bool) -> NumberFacts | None:
        """Refuse dates: see `Column.to_numbers`."""
        Column(self.name, np.array([], "datetime64[s]")).to_numbers(coerce)
        return None

    def to_date_parts(self, date_format: str) -> dict[str, NumberFacts]:
        """See `ColumnFacts`."""
        del date_format
        days = np.array(list(self._days)).astype("datetime64[D]").astype("datetime64[s]")
        hours = np.array(list(self._hours)).astype("datetime64[h]").astype("datetime64[s]")
        facts = {}
        for part in DATE_PARTS:
            dates, counts = (hours, self._hours) if part == "hour" else (days, self._days)
            numbers = extract_date_part(part, dates)
            facts[part] = weigh_numbers(numbers, np.array(list(counts.values())), self.n_missing)
        return facts


class ScannedValues(ScannedFacts):
    """Facts about a column of which each different value is counted; it is read in parts."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(name, kind)
        self.counts: Counter[Any] = Counter()

    @property
    def n_distinct(self) -> int:
        """Number of different values."""
        return len(self.counts)

    @property
    def limits(self) -> tuple[Any, Any]:
        """See `ColumnFacts`."""
        values = self.column.values
        return values.min(), values.max()

    def add(self, values: Any, draws: np.ndarray | None = None) -> None:
        """See `ScannedFacts`."""
        del draws
        missing = is_missing(values)
        self.n_rows += len(values)
        self.n_missing += int(np.count_nonzero(missing))
        count_values(self.counts, values[~missing])

    @cached_property
    def column(self) -> Column:
        """The different values, sorted unless they are text."""
        dtype: Any = {"b": float, "f": float, "M": "datetime64[s]", "O": object}[self.declared_kind]
        keys = list(self.counts) if self.declared_kind == "O" else sorted(self.counts)
        values = np.array(keys, dtype)
        return Column(self.name, values.astype(bool) if self.kind == "b" else values)

    @cached_property
    def n_by_value(self) -> np.ndarray:
        """The number of rows of each value of `column`."""
        values = self.column.values
        return np.array([self.counts[value] for value in values.tolist()], np.int64)

    def to_texts(self) -> TextFacts:
        """See `ColumnFacts`."""
        counts = dict(zip(self._to_text(), self.n_by_value.tolist(), strict=True))
        return TextFacts(counts, self.n_rows - self.n_missing, len(counts))

    def _to_text(self) -> list[str]:
        return [str(text) for text in self.column.distinct.texts]

    def to_numbers(self, coerce: bool) -> NumberFacts | None:
        """See `ColumnFacts`."""
        x = self.column.to_numbers(coerce)
        return None if np.isnan(x).all() else self._weigh(x)

    def to_booleans(self) -> NumberFacts:
        """See `ColumnFacts`."""
        return self._weigh(self.column.to_booleans())

    def _weigh(self, x: np.ndarray) -> NumberFacts:
        return weigh_numbers(x, self.n_by_value, self.n_missing)

    def to_date_parts(self, date_format: str) -> dict[str, NumberFacts]:
        """See `ColumnFacts`."""
        dates = self.column.to_dates(date_format)
        return {part: self._weigh(extract_date_part(part, dates)) for part in DATE_PARTS}

    def to_categories(self, min_count: int) -> tuple[dict[str | None, int], bool]:
        """See `ColumnFacts`."""
        texts: list[str | None] = [*self._to_text(), *[None] * (self.n_missing > 0)]
        counts = np.array([*self.n_by_value.tolist(), *[self.n_missing] * (self.n_missing > 0)])
        return select_common(texts, counts, min_count)


def count_values(counts: Counter[Any], values: np.ndarray) -> None:
    """Count the values of an array."""
    distinct, n = np.unique(values, return_counts=True)
    for value, count in zip(distinct.tolist(), n.tolist(), strict=True):
        counts[value] += count


def weigh_numbers(x: np.ndarray, counts: np.ndarray, n_missing: int) -> NumberFacts:
    """Return the facts about numbers of which each occurs in several rows; NaN is missing.

    Example:
        >>> weigh_numbers(np.array([1.0, 5.0]), np.array([3, 1]), n_missing=1).median
        1.0
    """
    present = ~np.isnan(x)
    n_missing += int(counts[~present].sum())
    order = np.argsort(x[present], kind="stable")
    x, counts = x[present][order], counts[present][order]
    stops = np.cumsum(counts)
    n_values = int(stops[-1])
    middle = np.searchsorted(stops, [(n_values - 1) // 2, n_values // 2], side="right")
    median = float(x[middle].mean())
    n_rows = n_values + n_missing
    mean = float((np.dot(x, counts) + n_missing * median) / n_rows)
    squares = np.dot(np.square(x - mean), counts) + n_missing * (median - mean) ** 2
    is_constant = bool(x[0] == x[-1])
    scale = 0.0 if is_constant else float(np.sqrt(squares / n_rows))
    return NumberFacts(mean, scale, median, n_missing > 0, is_constant)
