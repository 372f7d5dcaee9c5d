"""A column of a table, read as numbers, booleans, dates or categories."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glassnet.data.column_values import (
    DistinctValues,
    find_distinct,
    require_finite,
    to_float,
)
from glassnet.data.number_format import (
    FORMATS,
    FormatChoice,
    NumberFormat,
    choose_format,
    read_numbers,
)
from glassnet.data.parsing import BOOLEAN_WORDS, is_missing, parse_dates
from glassnet.data.table import Table
from glassnet.errors import DataError, require

MAX_MAGNITUDE = 1e150
"""Numbers beyond this have no standard deviation in float64."""


@dataclass(frozen=True, eq=False)
class Column:
    """A named column; its distinct values are found once, when they are first needed.

    Attributes:
        name: name of the column, for error messages.
        values: float64, bool, datetime64 or objects for text: see `Table`.
        formats: formats that numbers in text may have: see `Table`.
        known_distinct: the distinct values, if they are known already.
    """

    name: str
    values: np.ndarray
    formats: tuple[NumberFormat, ...] = ()
    known_distinct: DistinctValues | None = None

    @classmethod
    def of_table(cls, table: Table, name: str, levels: Collection[str | None] = ()) -> Column:
        """Return a column of a table; words in `levels` are text: see `Table.resolve`."""
        known = None if name in table.blank_words else table.distinct.get(name)
        return cls(name, table.resolve(name, levels), table.formats, known)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_text(self) -> bool:
        """Whether the values are text."""
        return self.values.dtype.kind == "O"

    @cached_property
    def distinct(self) -> DistinctValues:
        """The distinct values as text."""
        return self.known_distinct or find_distinct(self.values)

    @cached_property
    def missing(self) -> np.ndarray:
        """Mask of the rows without a value."""
        if not self.is_text:
            return is_missing(self.values)
        missing = np.array([text is None for text in self.distinct.texts], bool)
        return np.take(missing, self.distinct.codes)

    def to_numbers(self, coerce: bool = False) -> np.ndarray:
        """Return finite numbers, NaN if missing.

        If `coerce`, text that is not a number counts as missing.

        Raises:
            DataError: dates; text without `coerce`; an infinite number; numbers in text that can be
                read in two ways.
        """
        who, expected = f"column {self.name!r}", "numbers, as in training"
        has_dates = self.values.dtype.kind == "M"
        require(not has_dates, who, expected, error=DataError, holds="dates")
        x, text = self.distinct.to_float() if self.is_text else to_float(self.values)
        if coerce and self.is_text:
            x = self._parse_numbers()
        fix = (
            f'Correct them, or leave them blank; or pass column_types={{"{self.name}": ...}} to '
            'fit: "number" counts them as missing.'
        )
        require(coerce or not text, who, expected, error=DataError, text=text[:3], fix=fix)
        require_finite(who, x, infinite_fix(self.name), MAX_MAGNITUDE)
        return x

    def _parse_numbers(self) -> np.ndarray:
        """Return the numbers among the texts, written in one format, and NaN for other text.

        Raises:
            DataError: no format, or more than one, reads them.
        """
        texts, choice = self._choose_number_format()
        signs = [text for text in texts if "." in text or "," in text]
        who, fits = f"column {self.name!r}", 0 in choice.numbers and not choice.ambiguous
        fix = "Write them with digits and a decimal point only; or pass decimal= or thousands= to "
        fix += "gn.data.read_table, or --decimal or --thousands on the command line."
        expected = "numbers that can be read in one way only"
        require(fits, who, expected, error=DataError, text=signs[:3], fix=fix)
        numbers = dict(zip(texts, choice.numbers[0].tolist(), strict=True))
        values = [numbers.get(str(text), np.nan) for text in self.distinct.texts]
        return np.take(values, self.distinct.codes)

    def _choose_number_format(self) -> tuple[list[str], FormatChoice]:
        """Return the texts that are numbers in some format, and the format of all of them."""
        formats = self.formats or FORMATS
        texts = [text for text in self.distinct.texts if text and read_numbers([text], formats)]
        return texts, choose_format({0: texts}, formats, has_points=False)

    def number_formats(self) -> tuple[NumberFormat, ...]:
        """Return the format of the numbers among the texts, or none if it is not clear."""
        _, choice = self._choose_number_format()
        return tuple(choice.used.values())

    def to_booleans(self) -> np.ndarray:
        """Return 1 for true and 0 for false, NaN if missing.

        Raises:
            DataError: a value other than true and false, yes and no, 1 and 0.
        """
        if self.values.dtype.kind == "b":
            return self.values.astype(float)
        texts = self.distinct.texts
        values = np.array(
            [np.nan if text is None else BOOLEAN_WORDS.get(text.lower(), np.inf) for text in texts]
        )
        others = [texts[i] for i in np.flatnonzero(values == np.inf)]
        expected = "true and false, yes and no, 1 and 0"
        require(not others, f"column {self.name!r}", expected, error=DataError, others=others[:3])
        return np.take(values, self.distinct.codes)

    def to_dates(self, date_format: str) -> np.ndarray:
        """Return datetime64[s], NaT if missing.

        Raises:
            DataError: text in another format than in training.
        """
        if self.values.dtype.kind == "M":
            return self.values
        texts = self.distinct.texts
        dates = parse_dates([text or "" for text in texts], date_format)
        unread = [texts[i] for i in np.flatnonzero(np.isnat(dates))]
        others = [text for text in unread if text is not None]
        example = "2024-02-29" if date_format == "ISO" else date_format
        expected = f"dates written as in training, {example}"
        require(not others, f"column {self.name!r}", expected, error=DataError, others=others[:3])
        return np.take(dates, self.distinct.codes)


def infinite_fix(name: str) -> str:
    """Return what to do about infinite numbers in a column."""
    return f'Leave those cells blank, or pass column_types={{"{name}": "drop"}}.'
