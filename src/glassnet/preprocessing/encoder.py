"""Column encoding: numbers, booleans, categories and dates become numbers, as in training.

Encoders are frozen and hold plain data. They are fitted to the training rows alone.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from glassnet.data.identifiers import is_identifier
from glassnet.data.parsing import (
    parse_float,
)
from glassnet.data.table import Table
from glassnet.errors import DataError, DataWarning, is_number, lookup, message, require, warn
from glassnet.formatting import MAX_LIKE_LINES, VARYING_PART, format_names, merge_like_lines
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.expressions import evaluate_expression, find_names

CLIP_STDS = 5.0
"""Standardized numbers are clipped to +/- this value, so that outliers do not dominate."""

BLOCK_ROWS = 16_384
"""Number of rows encoded at once, so that they stay in the processor's cache."""

DATE_PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "day": lambda dates: dates.astype("datetime64[D]").astype(float),
    "month": lambda dates: dates.astype("datetime64[M]").astype(int) % 12 + 1.0,
    "weekday": lambda dates: (dates.astype("datetime64[D]").astype(int) + 3) % 7 * 1.0,
    "hour": lambda dates: (dates.astype("datetime64[s]").astype(int) % 86_400 // 3600) * 1.0,
}
"""Numbers that a date becomes: days since 1970, month (1 to 12), weekday (0 for Monday), hour."""


class ColumnEncoding(ABC):
    """An encoding of one column, fitted to the training rows: a frozen dataclass of plain data."""

    name: str

    @property
    @abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features that the column becomes."""

    @property
    def text_levels(self) -> Collection[str | None]:
        """Categories of training, which are text even if they look like a missing value."""
        return ()

    @abstractmethod
    def parse(self, column: Column) -> np.ndarray:
        """Return what `encode` needs of each row, checked.

        Raises:
            DataError: a value that cannot be encoded.
        """

    @abstractmethod
    def encode(self, values: np.ndarray, encoded: np.ndarray) -> None:
        """Write the features of parsed values into `encoded`, (n, number of features)."""

    def describe_unknown(self, column: Column, parsed: np.ndarray) -> str:
        """Return a message if no value of a parsed column is known from training, else ""."""
        return ""

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return the features of a column, (n, number of features) float32."""
        column = Column(self.name, values)
        parsed = self.parse(column)
        if text := self.describe_unknown(column, parsed):
            warn(text, DataWarning)
        encoded = np.empty((len(values), len(self.feature_names)), np.float32)
        self.encode(parsed, encoded)
        return encoded


@dataclass(frozen=True)
class NumericColumn(ColumnEncoding):
    """A number, encoded as (x - mean) / scale and clipped to `CLIP_STDS`.

    Missing numbers become the median. If `add_indicator`, a second feature is 1 if x is missing. If
    `coerce`, text that is not a number counts as missing, else it is refused.
    """

    name: str
    mean: float
    scale: float
    median: float
    add_indicator: bool
    coerce: bool = False

    def __post_init__(self) -> None:
        require(
            all(map(is_number, (self.mean, self.scale, self.median))) and self.scale > 0,
            f"column {self.name!r}",
            "a finite mean and median, and a scale > 0",
            mean=self.mean,
            scale=self.scale,
            median=self.median,
        )

    @property
    def feature_names(self) -> tuple[str, ...]:
        return _names_with_indicator(self.name, self.add_indicator)

    def parse(self, column: Column) -> np.ndarray:
        return column.to_numbers(self.coerce)

    def encode(self, values: np.ndarray, encoded: np.ndarray) -> None:
        missing = np.isnan(values)
        scaled = np.where(missing, self.median, values)
        scaled -= self.mean
        scaled /= self.scale
        encoded[:, 0] = scaled.clip(-CLIP_STDS, CLIP_STDS, out=scaled)
        if self.add_indicator:
            encoded[:, 1] = missing


@dataclass(frozen=True)
class BooleanColumn(ColumnEncoding):
    """A boolean, encoded as 1 for true and 0 for false.

    Missing values become the more frequent one. If `add_indicator`, a second feature is 1 if the
    value is missing.
    """

    name: str
    median: float
    add_indicator: bool

    def __post_init__(self) -> None:
        fits = self.median in (0, 1)
        require(fits, f"column {self.name!r}", "a median of 0 or 1", median=self.median)

    @property
    def feature_names(self) -> tuple[str, ...]:
        return _names_with_indicator(self.name, self.add_indicator)

    def parse(self, column: Column) -> np.ndarray:
        return column.to_booleans()

    def encode(self, values: np.ndarray, encoded: np.ndarray) -> None:
        missing = np.isnan(values)
        encoded[:, 0] = np.where(missing, self.median, values)
        if self.add_indicator:
            encoded[:, 1] = missing


def _names_with_indicator(name: str, add_indicator: bool) -> tuple[str, ...]:
    return (name, f"{name} missing") if add_indicator else (name,)


@dataclass(frozen=True)
class CategoricalColumn(ColumnEncoding):
    """A category, one-hot encoded.

    Rare training categories share the last feature with unknown ones. If training had no rare
    categories, the weights of that feature could not be learned, so it is left out: an unknown
    category is then encoded as the frequencies of the known ones.
    """

    name: str
    categories: tuple[str | None, ...]
    frequencies: tuple[float, ...]
    has_other: bool

    def __post_init__(self) -> None:
        n, frequencies = len(set(self.categories)), self.frequencies
        require(
            len(self.categories) == n and len(frequencies) == n > 0,
            f"column {self.name!r}",
            "categories that differ, and a frequency for each",
            categories=len(self.categories),
            different=n,
            frequencies=len(frequencies),
        )
        fits = all(is_number(share) and 0 <= share <= 1 for share in frequencies)
        require(fits, f"column {self.name!r}", "frequencies from 0 to 1")

    @property
    def feature_names(self) -> tuple[str, ...]:
        texts = ["missing" if category is None else category for category in self.categories]
        return tuple(f"{self.name}={text}" for text in [*texts, *["other"] * self.has_other])

    @property
    def text_levels(self) -> Collection[str | None]:
        return self.categories

    def parse(self, column: Column) -> np.ndarray:
        """Return the row of `encodings` for each value."""
        n_features = len(self.feature_names)
        categories, codes = column.distinct.texts, column.distinct.codes
        positions = self._positions(categories, column.values.dtype.kind == "f")
        features = [positions.get(category, n_features) for category in categories]
        return np.take(features, codes)

    def describe_unknown(self, column: Column, parsed: np.ndarray) -> str:
        n_features = len(self.feature_names)
        if not len(parsed) or parsed[0] < n_features or parsed.min() < n_features:
            return ""
        if len(column) == 1 and self.has_other:
            return ""
        examples = ", ".join(map(str, column.distinct.texts[:3]))
        return f"column {self.name!r}: none of the training categories among {examples}"

    def encode(self, values: np.ndarray, encoded: np.ndarray) -> None:
        encoded[:] = np.take(self.encodings, values, axis=0)

    @cached_property
    def encodings(self) -> np.ndarray:
        """Features of each category, and in the last row those of an unknown one."""
        one_hot = np.eye(len(self.feature_names))
        unknown = one_hot[-1] if self.has_other else np.array(self.frequencies)
        encodings: np.ndarray = np.vstack([one_hot, unknown]).astype(np.float32)
        return encodings

    def _positions(self, categories: list[str | None], are_numbers: bool) -> dict[str | None, int]:
        """Return the position of each category; numbers match categories of the same value."""
        positions = {category: i for i, category in enumerate(self.categories)}
        if not are_numbers:
            return positions
        by_value = {
            parse_float(category): i
            for category, i in positions.items()
            if category is not None and not np.isnan(parse_float(category))
        }
        same_value: dict[str | None, int] = {
            category: by_value[parse_float(category)]
            for category in categories
            if category and parse_float(category) in by_value
        }
        return {**same_value, **positions}


@dataclass(frozen=True)
class DateColumn(ColumnEncoding):
    """A date, encoded as the numbers of `DATE_PARTS`.

    Only the parts that vary in training are used. Text must be in `date_format`.
    """

    name: str
    parts: tuple[NumericColumn, ...]
    date_format: str = "ISO"

    def __post_init__(self) -> None:
        who = f"column {self.name!r}"
        for part in self.parts:
            lookup(f"{who}: part", part.name.removeprefix(f"{self.name} "), DATE_PARTS)
        is_format = self.date_format == "ISO" or "%" in self.date_format
        require(is_format, who, "a date format such as %d.%m.%Y", date_format=self.date_format[:40])

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.feature_names)

    def parse(self, column: Column) -> np.ndarray:
        return column.to_dates(self.date_format)

    def encode(self, values: np.ndarray, encoded: np.ndarray) -> None:
        start = 0
        for part in self.parts:
            stop = start + len(part.feature_names)
            numbers = extract_date_part(part.name.removeprefix(f"{self.name} "), values)
            part.encode(numbers, encoded[:, start:stop])
            start = stop


@dataclass(frozen=True)
class DroppedColumn:
    """A column that is not used, and the reason."""

    name: str
    reason: str


FittedColumn = NumericColumn | BooleanColumn | CategoricalColumn | DateColumn | DroppedColumn


def warn_about_unknown(texts: Mapping[str, str]) -> None:
    """Warn about columns that have no category of training, each with a text by its name."""
    for text in merge_like_lines(texts.values()):
        warn(text, DataWarning)


@dataclass(frozen=True)
class Encoder:
    """The encodings of a table's columns, in the table's order.

    Attributes:
        columns: encodings, those of derived columns last.
        derive: names and expressions of derived columns.
    """

    columns: tuple[FittedColumn, ...]
    derive: tuple[tuple[str, str], ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the encoded features; duplicates are numbered: "age missing (2)"."""
        counts: Counter[str] = Counter()
        names = []
        for column in self._used_columns():
            for name in column.feature_names:
                counts[name] += 1
                names.append(f"{name} ({counts[name]})" if counts[name] > 1 else name)
        return tuple(names)

    def transform(
        self,
        table: Table,
        on_unknown: Callable[[Mapping[str, str]], None] = warn_about_unknown,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Encode the rows of a table, (n, k) float32.

        Columns are found by name, in any order; columns that training did not have are ignored.

        Args:
            table: the rows.
            on_unknown: receives a text for each column that has no category of training.
            out: an array (n, k) for the result, or None for a new one.

        Raises:
            DataError: a column is missing (the message suggests the nearest name); text instead
                of numbers or dates; an infinite number.
        """
        columns = self._used_columns()
        self._require_columns(table)
        table = add_derived_columns(table, dict(self.derive))
        values_by_column = [
            Column.of_table(table, column.name, column.text_levels) for column in columns
        ]
        pairs = list(zip(columns, values_by_column, strict=True))
        parsed = [column.parse(values) for column, values in pairs]
        unknown = {
            column.name: text
            for (column, values), numbers in zip(pairs, parsed, strict=True)
            if (text := column.describe_unknown(values, numbers))
        }
        on_unknown(unknown)
        stops = np.cumsum([len(column.feature_names) for column in columns]).tolist()
        encoded = np.empty((len(parsed[0]), stops[-1]), np.float32) if out is None else out
        for row in range(0, len(encoded), BLOCK_ROWS):
            rows = slice(row, row + BLOCK_ROWS)
            for column, values, start, stop in zip(
                columns, parsed, [0, *stops], stops, strict=False
            ):
                column.encode(values[rows], encoded[rows, start:stop])
        return encoded

    def dropped_columns(self) -> dict[str, str]:
        """Return the reason for each column that is not used."""
        return {
            column.name: column.reason
            for column in self.columns
            if isinstance(column, DroppedColumn)
        }

    def describe_dropped_columns(self) -> str:
        """Return the columns that are not used, by reason, or "" if all are used."""
        by_reason: dict[str, dict[str, str]] = {}
        for name, reason in self.dropped_columns().items():
            by_reason.setdefault(VARYING_PART.sub("", reason), {})[name] = reason
        parts = []
        for reasons in by_reason.values():
            if len(reasons) <= MAX_LIKE_LINES:
                parts += [f"{name} ({reason})" for name, reason in reasons.items()]
                continue
            first, reason = next(iter(reasons.items()))
            example = "" if len(set(reasons.values())) == 1 else f"{first}: "
            parts.append(f"{format_names(list(reasons))} ({example}{reason})")
        return ", ".join(parts)

    def ambiguities(self) -> list[str]:
        """Return a message for each column that could be read in another way."""
        messages = []
        for column in self.columns:
            if isinstance(column, CategoricalColumn):
                texts = [category for category in column.categories if category is not None]
                if texts and not np.isnan([parse_float(text) for text in texts]).any():
                    option = f'column_types={{"{column.name}": "number"}}'
                    example = next(filter(is_identifier, texts), None)
                    what = f"digits such as {example}" if example else "numbers in quotes"
                    messages.append(
                        f"{column.name}: {what}, used as categories; {option} uses them as numbers"
                    )
            if isinstance(column, DateColumn) and column.date_format != "ISO":
                messages.append(f"{column.name}: dates, read as {column.date_format}")
        return messages

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Names of the table's columns that `transform` reads: derived columns are not among them.

        A column that is used in a derived column alone is among them.
        """
        derived = dict(self.derive)
        known = {column.name for column in self.columns}
        operands = [name for expression in derived.values() for name in find_names(expression)]
        used = [column.name for column in self._used_columns()]
        needed = dict.fromkeys([*used, *(name for name in operands if name in known)])
        return tuple(name for name in needed if name not in derived)

    def _used_columns(self) -> list[ColumnEncoding]:
        return [column for column in self.columns if isinstance(column, ColumnEncoding)]

    def _require_columns(self, table: Table) -> None:
        missing = [name for name in self.input_columns if name not in table.columns]
        if not missing:
            return
        close = difflib.get_close_matches(missing[0], table.columns, n=1)
        fix = f"Did you mean {close[0]!r}?" if close else "Fill a column that is unknown with None."
        columns = list(table.columns)[:12]
        expected = "the training columns"
        raise DataError(message("table", expected, missing=missing[:5], columns=columns, fix=fix))


def add_derived_columns(table: Table, derive: Mapping[str, str]) -> Table:
    """Return the table with the derived columns; an expression may use earlier derived columns."""
    operands = dict(table.with_numbers().columns) if derive else {}
    derived = {}
    for name, expression in derive.items():
        derived[name] = operands[name] = evaluate_expression(name, expression, operands)
    return replace(table, columns={**table.columns, **derived})


def extract_date_part(part: str, dates: np.ndarray) -> np.ndarray:
    """Return a part of each date as a number, NaN if missing: see `DATE_PARTS`."""
    return np.where(np.isnat(dates), np.nan, DATE_PARTS[part](dates))
