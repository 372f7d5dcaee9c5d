"""Column encoding: numbers, booleans, categories and dates become numbers, as in training.

Encoders are frozen and hold plain data. They are fitted to the training rows alone.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from glassnet.data.parsing import (
    BOOLEAN_WORDS,
    DATE_FORMATS,
    FORMATTED_NUMBER,
    OPT_IN_DATE_FORMATS,
    format_exact,
    is_missing,
    matching_date_formats,
    parse_dates,
    parse_float,
)
from glassnet.data.table import Table
from glassnet.errors import DataError, DataWarning, lookup, message, require
from glassnet.preprocessing.expressions import evaluate_expression, find_names

MAX_CATEGORIES = 40
"""Maximum number of common categories; a text column with more is dropped."""

MIN_COMMON_SHARE = 0.05
"""Minimum share of rows with a common category; a text column with less is dropped."""

MIN_ROWS_TO_DROP = 20
"""Minimum number of rows before a column is dropped as an identifier or as free text."""

NUMERIC_SHARE = 0.9
"""Share of numbers above which text in a column counts as an error in a numeric column."""

CLIP_STDS = 5.0
"""Standardized numbers are clipped to +/- this value, so that outliers do not dominate."""

MAX_MAGNITUDE = 1e150
"""Numbers beyond this have no standard deviation in float64."""

COLUMN_TYPES = ("number", "category", "boolean", "date", "drop")

ID_NAME = re.compile(r"(?i:(^|[\W_])id)$|[a-z]I[dD]$")
"""Names of identifier columns: id, user_id, PassengerId; not paid."""


@dataclass(frozen=True)
class NumericColumn:
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

    @property
    def feature_names(self) -> tuple[str, ...]:
        return _names_with_indicator(self.name, self.add_indicator)

    def transform(self, column: np.ndarray) -> np.ndarray:
        x = to_numeric(self.name, column, self.coerce)
        missing = np.isnan(x)
        scaled = (np.where(missing, self.median, x) - self.mean) / self.scale
        features = [np.clip(scaled, -CLIP_STDS, CLIP_STDS), missing]
        return np.stack(features[: len(self.feature_names)], axis=1)


@dataclass(frozen=True)
class BooleanColumn:
    """A boolean, encoded as 1 for true and 0 for false.

    Missing values become the more frequent one. If `add_indicator`, a second feature is 1 if the
    value is missing.
    """

    name: str
    median: float
    add_indicator: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        return _names_with_indicator(self.name, self.add_indicator)

    def transform(self, column: np.ndarray) -> np.ndarray:
        x = to_boolean(self.name, column)
        missing = np.isnan(x)
        features = [np.where(missing, self.median, x), missing]
        return np.stack(features[: len(self.feature_names)], axis=1)


def _names_with_indicator(name: str, add_indicator: bool) -> tuple[str, ...]:
    return (name, f"{name} missing") if add_indicator else (name,)


@dataclass(frozen=True)
class CategoricalColumn:
    """A category, one-hot encoded.

    Rare training categories share the last feature with unknown ones. If training had no rare
    categories, the weights of that feature could not be learned, so it is left out: an unknown
    category is then encoded as the frequencies of the known ones.
    """

    name: str
    categories: tuple[str | None, ...]
    frequencies: tuple[float, ...]
    has_other: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        texts = ["missing" if category is None else category for category in self.categories]
        return tuple(f"{self.name}={text}" for text in [*texts, *["other"] * self.has_other])

    def transform(self, column: np.ndarray) -> np.ndarray:
        n_features = len(self.feature_names)
        unknown = np.eye(n_features)[-1] if self.has_other else np.array(self.frequencies)
        encodings: np.ndarray = np.vstack([np.eye(n_features), unknown]).astype(np.float32)
        categories, codes = find_categories(column)
        positions = self._positions(categories, column.dtype.kind == "f")
        features = [positions.get(category, n_features) for category in categories]
        if min(features) == n_features and (len(column) > 1 or not self.has_other):
            examples = ", ".join(map(str, categories[:3]))
            text = f"column {self.name!r}: none of the training categories among {examples}"
            warnings.warn(text, DataWarning, stacklevel=2)
        encoded: np.ndarray = encodings[np.array(features)[codes]]
        return encoded

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
class DateColumn:
    """A date, encoded as days since 1970, month (1 to 12), weekday (0 for Monday) and hour.

    Only the parts that vary in training are used. Text must be in `date_format`.
    """

    name: str
    parts: tuple[NumericColumn, ...]
    date_format: str = "ISO"

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.feature_names)

    def transform(self, column: np.ndarray) -> np.ndarray:
        values = extract_date_features(self.name, to_datetime(self.name, column, self.date_format))
        return np.concatenate([part.transform(values[part.name]) for part in self.parts], axis=1)


@dataclass(frozen=True)
class DroppedColumn:
    """A column that is not used, and the reason."""

    name: str
    reason: str


FittedColumn = NumericColumn | BooleanColumn | CategoricalColumn | DateColumn | DroppedColumn


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

    def transform(self, table: Table) -> np.ndarray:
        """Encode the rows of a table, (n, k) float32.

        Columns are found by name, in any order; columns that training did not have are ignored.

        Raises:
            DataError: a column is missing (the message suggests the nearest name); text instead
                of numbers or dates; an infinite number.
        """
        columns = self._used_columns()
        self._require_columns(table, [column.name for column in columns])
        table = add_derived_columns(table, dict(self.derive))
        return np.concatenate(
            [column.transform(table[column.name]).astype(np.float32) for column in columns], axis=1
        )

    def dropped_columns(self) -> dict[str, str]:
        """Return the reason for each column that is not used."""
        return {
            column.name: column.reason
            for column in self.columns
            if isinstance(column, DroppedColumn)
        }

    def ambiguities(self) -> list[str]:
        """Return a message for each column that could be read in another way."""
        messages = []
        for column in self.columns:
            if isinstance(column, CategoricalColumn):
                texts = [category for category in column.categories if category is not None]
                if texts and not np.isnan([parse_float(text) for text in texts]).any():
                    option = f'column_types={{"{column.name}": "number"}}'
                    messages.append(
                        f"{column.name}: numbers in quotes, used as categories; "
                        f"{option} uses them as numbers"
                    )
            if isinstance(column, DateColumn) and column.date_format != "ISO":
                messages.append(f"{column.name}: dates, read as {column.date_format}")
        return messages

    def _used_columns(
        self,
    ) -> list[NumericColumn | BooleanColumn | CategoricalColumn | DateColumn]:
        return [column for column in self.columns if not isinstance(column, DroppedColumn)]

    def _require_columns(self, table: Table, used: list[str]) -> None:
        derived = dict(self.derive)
        known = {column.name for column in self.columns}
        operands = [name for expression in derived.values() for name in find_names(expression)]
        needed = [*used, *(name for name in operands if name in known)]
        missing = [
            name
            for name in dict.fromkeys(needed)
            if name not in table.columns and name not in derived
        ]
        if not missing:
            return
        close = difflib.get_close_matches(missing[0], table.columns, n=1)
        fix = f"Did you mean {close[0]!r}?" if close else "Fill a column that is unknown with None."
        columns = list(table.columns)[:12]
        expected = "the training columns"
        raise DataError(message("table", expected, missing=missing[:5], columns=columns, fix=fix))


def fit_encoder(
    table: Table,
    column_types: Mapping[str, str] | None = None,
    derive: Mapping[str, str] | None = None,
) -> Encoder:
    """Return the encoder fitted to the rows of a table.

    Args:
        table: the training rows, without the target.
        column_types: the type of a column if it is not to be inferred: "number", "category",
            "boolean", "date" or "drop".
        derive: new columns by name, each an expression of others
            (`expressions.evaluate_expression`).

    Raises:
        ConfigError: an unknown column or type; an invalid expression; a new column with the name of
            an existing one.
        DataError: a column with both numbers and text; an infinite number; no usable column.
    """
    for name in derive or {}:
        who, columns = f"derive: {name}", list(table.columns)[:12]
        fix = "Give it a name that no column has."
        require(name not in table.columns, who, "a new name", columns=columns, fix=fix)
    table = add_derived_columns(table, derive or {})
    types = dict(column_types or {})
    for name, column_type in types.items():
        lookup("column_types", name, table.columns)
        lookup(f"column_types: {name}", column_type, dict.fromkeys(COLUMN_TYPES, True))
    fitted = tuple(
        _fit_column(name, column, types.get(name)) for name, column in table.columns.items()
    )
    encoder = Encoder(fitted, tuple((derive or {}).items()))
    require(
        encoder.feature_names,
        "table",
        "a column to learn from",
        error=DataError,
        left_out=encoder.dropped_columns(),
        fix='To keep a column anyway, pass column_types={"name": "number"} or "category".',
    )
    return encoder


def add_derived_columns(table: Table, derive: Mapping[str, str]) -> Table:
    """Return the table with the derived columns; an expression may use earlier derived columns."""
    columns = dict(table.columns)
    for name, expression in derive.items():
        columns[name] = evaluate_expression(name, expression, columns)
    return Table(columns, table.messages, table.decimal)


def infer_column_type(name: str, column: np.ndarray) -> tuple[str, str]:
    """Return the type of a column and, if it is "drop", the reason."""
    values = column[~is_missing(column)]
    counts = Counter(values.tolist())
    if not counts:
        return "drop", "it is empty"
    if len(counts) == 1 and len(values) == len(column):
        return "drop", f"it is always {values[0]}"
    if column.dtype.kind == "O":
        _require_one_type(name, values)
        return _infer_text_type(column, values, counts)
    if column.dtype.kind == "f" and _numbers_the_rows(name, values, len(counts), len(column)):
        return "drop", "it numbers the rows"
    return {"b": "boolean", "f": "number", "M": "date"}[column.dtype.kind], ""


def _numbers_the_rows(name: str, values: np.ndarray, n_distinct: int, n_rows: int) -> bool:
    if n_rows < MIN_ROWS_TO_DROP or n_distinct < n_rows or np.any(values != np.round(values)):
        return False
    return bool(n_rows > (np.ptp(values) + 1) / 2 or ID_NAME.search(name))


def _infer_text_type(
    column: np.ndarray, values: np.ndarray, counts: Counter[str]
) -> tuple[str, str]:
    n_rows = len(column)
    formats = matching_date_formats(list(counts))
    if len(formats) == 1:
        return "date", ""
    if formats:
        return "drop", f"its dates may be {' or '.join(formats)}: write them as 2024-02-29"
    mostly_distinct = len(counts) > 0.9 * len(values) and len(values) > n_rows / 2
    if n_rows >= MIN_ROWS_TO_DROP and mostly_distinct:
        mean_words = np.mean([len(str(value).split()) for value in values])
        is_prose = mean_words >= 3
        return "drop", "it is free text" if is_prose else "nearly every row has a different value"
    common = [category for category, count in counts.items() if count >= min_frequency(n_rows)]
    if len(common) > MAX_CATEGORIES:
        return "drop", f"it has {len(counts)} categories"
    n_common = sum(counts[category] for category in common)
    if len(values) == n_rows and n_common < MIN_COMMON_SHARE * n_rows:
        return "drop", f"few rows share one of its {len(counts)} values"
    return "category", ""


def min_frequency(n_rows: int) -> int:
    """Return the count from which a category has its own feature: 1 %, at least 2, at most 10."""
    return min(max(n_rows // 100, 2), 10)


def _require_one_type(name: str, values: np.ndarray) -> None:
    """Refuse a column of formatted numbers, or of numbers and text.

    Raises:
        DataError: with the fix.
    """
    who = f"column {name!r}"
    is_text = np.isnan([parse_float(value) for value in values])
    text = list(dict.fromkeys(values[is_text].tolist()))
    n_formatted = sum(bool(FORMATTED_NUMBER.fullmatch(value)) for value in text)
    require(
        n_formatted < 2 or n_formatted < NUMERIC_SHARE * len(text),
        who,
        "numbers written plainly: 1200, 0.125",
        error=DataError,
        text=text[:3],
        fix="Write them with digits and a decimal point only; "
        f'or pass column_types={{"{name}": "category"}} or "drop".',
    )
    require(
        not 0 < is_text.mean() <= 1 - NUMERIC_SHARE,
        who,
        "numbers or text, not both",
        error=DataError,
        text=text[:3],
        fix=f'Correct them, or pass column_types={{"{name}": "number"}} to count them as missing, '
        'or "category".',
    )


def find_categories(column: np.ndarray) -> tuple[list[str | None], np.ndarray]:
    """Return the categories of a column as text, None if missing, and the index of each row's."""
    if column.dtype.kind == "O":
        index: dict[str | None, int] = {}
        codes = np.array([index.setdefault(value, len(index)) for value in column])
        return list(index), codes
    values, codes = np.unique(column, return_inverse=True)
    texts = [
        format_exact(value) if column.dtype.kind == "f" and np.isfinite(value) else str(value)
        for value in values
    ]
    missing = is_missing(values)
    return [None if gap else text for gap, text in zip(missing, texts, strict=True)], codes


def to_numeric(name: str, column: np.ndarray, coerce: bool = False) -> np.ndarray:
    """Return the column as finite numbers, NaN if missing.

    If `coerce`, text that is not a number counts as missing.

    Raises:
        DataError: dates; text without `coerce`; an infinite number.
    """
    who, expected = f"column {name!r}", "numbers, as in training"
    if column.dtype.kind == "O":
        numbers = {value: np.nan if value is None else parse_float(value) for value in column}
        text = [value for value, x in numbers.items() if value is not None and np.isnan(x)]
        fix = (
            f'Correct them, or leave them blank; or pass column_types={{"{name}": ...}} to fit: '
            '"number" counts them as missing.'
        )
        require(coerce or not text, who, expected, error=DataError, text=text[:3], fix=fix)
        x = np.array([numbers[value] for value in column], float)
    else:
        require(column.dtype.kind in "fb", who, expected, error=DataError, holds="dates")
        x = column.astype(float)
    infinite = np.flatnonzero(np.abs(x) > MAX_MAGNITUDE)
    if len(infinite):
        row = int(infinite[0])
        received = {"row": row, "value": float(x[row]), "rows_like_it": len(infinite)}
        fix = f'Leave those cells blank, or pass column_types={{"{name}": "drop"}}.'
        raise DataError(message(who, "finite numbers", **received, fix=fix))
    return x


def to_boolean(name: str, column: np.ndarray) -> np.ndarray:
    """Return the column as 1 for true and 0 for false, NaN if missing.

    Raises:
        DataError: a value other than true and false, yes and no, 1 and 0.
    """
    categories, codes = find_categories(column)
    values = np.array(
        [
            np.nan if category is None else BOOLEAN_WORDS.get(category.lower(), np.inf)
            for category in categories
        ]
    )
    others = [categories[i] for i in np.flatnonzero(values == np.inf)]
    expected = "true and false, yes and no, 1 and 0"
    require(not others, f"column {name!r}", expected, error=DataError, others=others[:3])
    decoded: np.ndarray = values[codes]
    return decoded


def to_datetime(name: str, column: np.ndarray, date_format: str) -> np.ndarray:
    """Return the column as datetime64[s], NaT if missing.

    Raises:
        DataError: text in another format than in training.
    """
    if column.dtype.kind == "M":
        return column
    categories, codes = find_categories(column)
    dates = parse_dates([category or "" for category in categories], date_format)
    others = [
        category
        for category, date in zip(categories, dates, strict=True)
        if category is not None and np.isnat(date)
    ]
    example = "2024-02-29" if date_format == "ISO" else date_format
    expected = f"dates written as in training, {example}"
    require(not others, f"column {name!r}", expected, error=DataError, others=others[:3])
    decoded: np.ndarray = dates[codes]
    return decoded


def _fit_column(name: str, column: np.ndarray, column_type: str | None) -> FittedColumn:
    requested = column_type is not None
    kind, reason = (column_type, "as requested") if requested else infer_column_type(name, column)
    if kind == "drop":
        return DroppedColumn(name, reason)
    if is_missing(column).all():
        return DroppedColumn(name, "it is empty")
    if kind == "category":
        return _fit_categorical(name, column)
    if kind == "date":
        return _fit_date(name, column)
    if kind == "boolean":
        x = to_boolean(name, column)
        return BooleanColumn(name, float(np.nanmedian(x) > 0.5), bool(np.isnan(x).any()))
    x = to_numeric(name, column, coerce=requested)
    if np.isnan(x).all():
        return DroppedColumn(name, "it holds no number")
    return _fit_numeric(name, x, requested)


def _fit_numeric(name: str, x: np.ndarray, coerce: bool = False) -> NumericColumn:
    missing = np.isnan(x)
    median = float(np.median(x[~missing]))
    filled = np.where(missing, median, x)
    scale = float(filled.std()) if np.ptp(filled) > 0 else 1.0
    return NumericColumn(name, float(filled.mean()), scale, median, bool(missing.any()), coerce)


def _fit_categorical(name: str, column: np.ndarray) -> CategoricalColumn:
    n_rows = len(column)
    categories, codes = find_categories(column)
    counts = dict(zip(categories, np.bincount(codes).tolist(), strict=True))
    common = sorted(
        (category for category, count in counts.items() if count >= min_frequency(n_rows)),
        key=lambda category: (category is None, category),
    )
    frequencies = tuple(counts[category] / n_rows for category in common)
    return CategoricalColumn(name, tuple(common), frequencies, len(common) < len(counts))


def _fit_date(name: str, column: np.ndarray) -> DateColumn | DroppedColumn:
    formats = ["ISO"]
    if column.dtype.kind != "M":
        texts = [category for category in find_categories(column)[0] if category is not None]
        formats = matching_date_formats(texts, (*DATE_FORMATS, *OPT_IN_DATE_FORMATS))
        require(
            len(formats) == 1,
            f"column {name!r}",
            "dates in one format",
            error=DataError,
            text=texts[:3],
            formats=formats,
            fix="Write them as 2024-02-29.",
        )
    parts = extract_date_features(name, to_datetime(name, column, formats[0]))
    varying = tuple(
        _fit_numeric(part, values)
        for part, values in parts.items()
        if len(np.unique(values[~np.isnan(values)])) > 1
    )
    return (
        DateColumn(name, varying, formats[0]) if varying else DroppedColumn(name, "it has one date")
    )


def extract_date_features(name: str, column: np.ndarray) -> dict[str, np.ndarray]:
    """Return the parts of dates as numbers by feature name, NaN if missing."""
    missing = np.isnat(column)
    days, seconds = column.astype("datetime64[D]"), column.astype("datetime64[s]")
    parts = {
        f"{name} day": days.astype(float),
        f"{name} month": column.astype("datetime64[M]").astype(int) % 12 + 1.0,
        f"{name} weekday": (days.astype(int) + 3) % 7 * 1.0,
        f"{name} hour": (seconds - days).astype(float) // 3600,
    }
    return {part: np.where(missing, np.nan, values) for part, values in parts.items()}
