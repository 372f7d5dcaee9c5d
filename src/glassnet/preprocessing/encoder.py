"""Columns to numbers, as the training rows teach it: plain data, frozen, and the same for every row
thereafter.
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
"""Text of more levels than this, rare ones apart, is left out."""

MIN_COMMON_SHARE = 0.05
"""The share of rows that have a common level, below which a column of text is left out."""

NUMERIC_SHARE = 0.9
"""The share of numbers from which on a column of text is taken for one of numbers with something
wrong in it.
"""

CLIP_STDS = 5.0
"""Numbers further from the mean than so many standard deviations count as that far: one mansion
does not bend the line for all houses.
"""

MAX_MAGNITUDE = 1e150
"""Numbers beyond have no standard deviation in float64."""

COLUMN_TYPES = ("number", "category", "boolean", "date", "drop")

ID_NAME = re.compile(r"(?i:(^|[\W_])id)$|[a-z]I[dD]$")
"""What a column that numbers the rows is called: id, user_id, PassengerId; not paid."""


@dataclass(frozen=True)
class NumericColumn:
    """(x - mean) / scale, at most `CLIP_STDS` either side of 0, a missing x being the median; and 1
    where it is missing, if some training rows lacked it. Where `coerce`, as was asked for, text
    that is no number is missing too; else it is refused."""

    name: str
    mean: float
    scale: float
    median: float
    add_indicator: bool
    coerce: bool = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} missing") if self.add_indicator else (self.name,)

    def transform(self, column: np.ndarray) -> np.ndarray:
        x = to_numeric(self.name, column, self.coerce)
        missing = np.isnan(x)
        scaled = (np.where(missing, self.median, x) - self.mean) / self.scale
        return np.stack(
            [np.clip(scaled, -CLIP_STDS, CLIP_STDS), missing][: len(self.feature_names)], axis=1
        )


@dataclass(frozen=True)
class BooleanColumn:
    """1 for a truth, 0 for none, what most training rows are where it is missing; and 1 where it is
    missing, if some of them lacked it.
    """

    name: str
    median: float
    add_indicator: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} missing") if self.add_indicator else (self.name,)

    def transform(self, column: np.ndarray) -> np.ndarray:
        x = to_boolean(self.name, column)
        missing = np.isnan(x)
        return np.stack(
            [np.where(missing, self.median, x), missing][: len(self.feature_names)], axis=1
        )


@dataclass(frozen=True)
class CategoricalColumn:
    """1 in the place of the row's level, 0 in the others; a number finds the level that says it,
    however it was spelt.

    Levels that few training rows had share the last place with those never seen. Where there were
    none, there is no such place, as its
    weights could not be learned: an unseen level then counts as the shares that the levels had in
        training.
    """

    name: str
    categories: tuple[str | None, ...]
    frequencies: tuple[float, ...]
    has_other: bool

    @property
    def feature_names(self) -> tuple[str, ...]:
        levels = [
            f"{self.name}={'missing' if level is None else level}" for level in self.categories
        ]
        return tuple(levels + [f"{self.name}=other"] * self.has_other)

    def transform(self, column: np.ndarray) -> np.ndarray:
        size = len(self.feature_names)
        unseen = np.eye(size)[-1] if self.has_other else np.array(self.frequencies)
        rows = np.vstack([np.eye(size), unseen]).astype(np.float32)
        places: dict[str | None, int] = {
            level: place for place, level in enumerate(self.categories)
        }
        found, codes = find_categories(column)
        if column.dtype.kind == "f":
            spelt_so = {
                parse_float(level): place
                for level, place in places.items()
                if level is not None and not np.isnan(parse_float(level))
            }
            places = {
                **{
                    level: spelt_so[parse_float(level)]
                    for level in found
                    if level and parse_float(level) in spelt_so
                },
                **places,
            }
        codes_of = [places.get(level, size) for level in found]
        if min(codes_of) == size and (len(column) > 1 or not self.has_other):
            warnings.warn(
                f"column {self.name!r}: no level of training among {', '.join(map(str, found[:3]))}",
                DataWarning,
                stacklevel=2,
            )
        return rows[np.array(codes_of)[codes]]


@dataclass(frozen=True)
class DateColumn:
    """A day as several numbers: days since 1970, the month (1 to 12), the weekday (0 for Monday),
    the hour; text is in one spelling.
    """

    name: str
    parts: tuple[NumericColumn, ...]
    date_format: str = "ISO"

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.feature_names)

    def transform(self, column: np.ndarray) -> np.ndarray:
        parts = extract_date_features(self.name, to_datetime(self.name, column, self.date_format))
        return np.concatenate([part.transform(parts[part.name]) for part in self.parts], axis=1)


@dataclass(frozen=True)
class DroppedColumn:
    """A column that is left out, and why."""

    name: str
    reason: str


FittedColumn = NumericColumn | BooleanColumn | CategoricalColumn | DateColumn | DroppedColumn


@dataclass(frozen=True)
class Encoder:
    """What was learned of every column, in the table's order, and the columns made of others."""

    columns: tuple[FittedColumn, ...]
    derive: tuple[tuple[str, str], ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Of the numbers that `encode` gives, in their order; one that comes again is numbered:
        "age missing (2)".
        """
        times: Counter[str] = Counter()
        names = []
        for name in (
            name
            for column in self.columns
            if not isinstance(column, DroppedColumn)
            for name in column.feature_names
        ):
            times[name] += 1
            names.append(f"{name} ({times[name]})" if times[name] > 1 else name)
        return tuple(names)

    def transform(self, table: Table) -> np.ndarray:
        """The rows as numbers, (n, k) float32: columns are found by name, in any order; others than
        those learned are not looked at.

        Raises:
            DataError: columns are not there (the nearest is named); text where numbers or days
                were; a number that is infinite.
        """
        kept = [column for column in self.columns if not isinstance(column, DroppedColumn)]
        self._require_columns(table, [column.name for column in kept])
        table = add_derived_columns(table, dict(self.derive))
        return np.concatenate(
            [column.transform(table[column.name]).astype(np.float32) for column in kept], axis=1
        )

    def _require_columns(self, table: Table, used: list[str]) -> None:
        made = dict(self.derive)
        learned = {column.name for column in self.columns}
        needed = [
            *used,
            *(
                name
                for expression in made.values()
                for name in find_names(expression)
                if name in learned
            ),
        ]
        missing = [
            name for name in dict.fromkeys(needed) if name not in table.columns and name not in made
        ]
        close = [
            near
            for name in missing[:1]
            for near in difflib.get_close_matches(name, table.columns, n=1)
        ]
        fix = f"Did you mean {close[0]!r}?" if close else "Fill a column that is unknown with None."
        there = list(table.columns)[:12]
        require(
            not missing,
            "table",
            "the columns of training",
            error=DataError,
            missing=missing[:5],
            there=there,
            fix=fix,
        )

    def dropped_columns(self) -> dict[str, str]:
        """The columns that take no part, and why."""
        return {
            column.name: column.reason
            for column in self.columns
            if isinstance(column, DroppedColumn)
        }

    def ambiguities(self) -> list[str]:
        """What was taken for something that it may not have been meant as, and how to say so."""
        said = []
        for column in self.columns:
            texts = (
                [level for level in column.categories if level is not None]
                if isinstance(column, CategoricalColumn)
                else []
            )
            if texts and not np.isnan([parse_float(level) for level in texts]).any():
                said.append(
                    f'{column.name}: numbers in quotes, taken for levels; column_types={{"{column.name}": "number"}} counts them'
                )
            if isinstance(column, DateColumn) and column.date_format != "ISO":
                said.append(f"{column.name}: days, read as {column.date_format}")
        return said


def fit_encoder(
    table: Table,
    column_types: Mapping[str, str] | None = None,
    derive: Mapping[str, str] | None = None,
) -> Encoder:
    """The encoder that the rows of `table`, the training rows alone, teach.

    Args:
        table: the rows, without the target.
        column_types: what a column is, where that is not to be inferred: "number", "category",
            "boolean", "date" or "drop".
        derive: new columns by name, each an expression of others
            (`expressions.evaluate_expression`).

    Raises:
        ConfigError: a column or a kind that there is not; an expression outside the grammar; a new
            column of an old one's name.
        DataError: a column of numbers and text; an infinite number; a table of which nothing is
            left.
    """
    for name in derive or {}:
        fix = "Give it a name that no column has."
        require(
            name not in table.columns,
            f"derive: {name}",
            "a new name",
            columns=list(table.columns)[:12],
            fix=fix,
        )
    table = add_derived_columns(table, derive or {})
    asked = dict(column_types or {})
    for name, kind in asked.items():
        lookup("column_types", name, table.columns)
        lookup(f"column_types: {name}", kind, dict.fromkeys(COLUMN_TYPES, True))
    learned = tuple(
        _fit_column(name, column, asked.get(name)) for name, column in table.columns.items()
    )
    encoder = Encoder(learned, tuple((derive or {}).items()))
    fix = 'Say column_types={"name": "number"} or "category" to take one in all the same.'
    require(
        encoder.feature_names,
        "table",
        "a column to learn from",
        error=DataError,
        left_out=encoder.dropped_columns(),
        fix=fix,
    )
    return encoder


def add_derived_columns(table: Table, derive: Mapping[str, str]) -> Table:
    """The table with the columns that the expressions make; a later one may name an earlier one."""
    columns = dict(table.columns)
    for name, expression in derive.items():
        columns[name] = evaluate_expression(name, expression, columns)
    return Table(columns, table.messages, table.decimal)


def infer_column_type(name: str, column: np.ndarray) -> tuple[str, str]:
    """What a column is, and, where it is left out, why."""
    given = column[~is_missing(column)]
    found = Counter(given.tolist())
    n = len(column)
    if not found:
        return "drop", "it is empty"
    if len(found) == 1 and len(given) == n:
        return "drop", f"it is always {given[0]}"
    if column.dtype.kind in "bfM":
        whole = column.dtype.kind == "f" and len(found) == n and np.all(given == np.round(given))
        if whole and n >= 20 and (n > (np.ptp(given) + 1) / 2 or ID_NAME.search(name)):
            return "drop", "it numbers the rows"
        return {"b": "boolean", "f": "number", "M": "date"}[column.dtype.kind], ""
    _require_one_type(name, given)
    ways = matching_date_formats(list(found))
    if ways:
        return (
            ("date", "")
            if len(ways) == 1
            else ("drop", f"its days may be {' or '.join(ways)}: write them as 2024-02-29")
        )
    if n >= 20 and len(found) > 0.9 * len(given) and len(given) > n / 2:
        words = np.mean([len(str(value).split()) for value in given])
        return (
            "drop",
            "it is free text" if words >= 3 else "nearly every row has a value of its own",
        )
    common = [level for level, times in found.items() if times >= min_frequency(n)]
    if len(common) > MAX_CATEGORIES:
        return "drop", f"it has {len(found)} levels"
    if len(given) == n and sum(found[level] for level in common) < MIN_COMMON_SHARE * n:
        return "drop", f"few rows share one of its {len(found)} values"
    return "category", ""


def min_frequency(n_rows: int) -> int:
    """Of n rows, how many a level needs for a place of its own: one in a hundred, at least 2 and at
    most 10.
    """
    return min(max(n_rows // 100, 2), 10)


def _require_one_type(name: str, values: np.ndarray) -> None:
    who, drop = f"column {name!r}", f'column_types={{"{name}": "category"}}, or "drop"'
    strange = np.isnan([parse_float(value) for value in values])
    text = list(dict.fromkeys(values[strange].tolist()))
    dressed = np.mean([bool(FORMATTED_NUMBER.fullmatch(value)) for value in text]) if text else 0
    fix = f"Write them with digits and a point alone; or say {drop}."
    plain = dressed < NUMERIC_SHARE or dressed * len(text) < 2
    require(
        plain, who, "numbers written plainly: 1200, 0.125", error=DataError, text=text[:3], fix=fix
    )
    mixed = 0 < strange.mean() <= 1 - NUMERIC_SHARE
    fix = f'Mend them, or say column_types={{"{name}": "number"}} to count them as missing, or "category".'
    require(not mixed, who, "numbers or text, not both", error=DataError, text=text[:3], fix=fix)


def find_categories(column: np.ndarray) -> tuple[list[str | None], np.ndarray]:
    """The levels that a column holds, as text, None where missing; and which of them every row
    has.
    """
    if column.dtype.kind == "O":
        found: dict[str | None, int] = {}
        codes = np.array([found.setdefault(value, len(found)) for value in column])
        return list(found), codes
    values, codes = np.unique(column, return_inverse=True)
    texts = [
        format_exact(value) if column.dtype.kind == "f" and np.isfinite(value) else str(value)
        for value in values
    ]
    return [
        None if gone else text for gone, text in zip(is_missing(values), texts, strict=True)
    ], codes


def to_numeric(name: str, column: np.ndarray, coerce: bool = False) -> np.ndarray:
    """The column as finite numbers, NaN where missing.

    Raises:
        DataError: dates; text, unless `coerce`, when it counts as missing; an infinite number.
    """
    who = f"column {name!r}"
    if column.dtype.kind == "O":
        found = {value: np.nan if value is None else parse_float(value) for value in column}
        text = [value for value, read in found.items() if value is not None and np.isnan(read)]
        fix = f'Mend them, or leave them blank; or say column_types={{"{name}": ...}} when fitting: "number" counts them as missing.'
        require(
            coerce or not text,
            who,
            "numbers, as in training",
            error=DataError,
            text=text[:3],
            fix=fix,
        )
        x = np.array([found[value] for value in column], float)
    else:
        require(
            column.dtype.kind in "fb",
            who,
            "numbers, as in training",
            error=DataError,
            holds="dates",
        )
        x = column.astype(float)
    infinite = np.flatnonzero(np.abs(x) > MAX_MAGNITUDE)
    if len(infinite):
        fix = f'Leave those cells blank, or say column_types={{"{name}": "drop"}}.'
        place = {
            "row": int(infinite[0]),
            "value": float(x[infinite[0]]),
            "rows_like_it": len(infinite),
        }
        raise DataError(message(who, "finite numbers", **place, fix=fix))
    return x


def to_boolean(name: str, column: np.ndarray) -> np.ndarray:
    """The column as 1 for true and 0 for false, NaN where missing.

    Raises:
        DataError: something else than true and false, yes and no, 1 and 0.
    """
    found, codes = find_categories(column)
    said = [
        np.nan if level is None else BOOLEAN_WORDS.get(level.lower(), np.inf) for level in found
    ]
    strange = [level for level, truth in zip(found, said, strict=True) if truth == np.inf]
    require(
        not strange,
        f"column {name!r}",
        "true and false, yes and no, 1 and 0",
        error=DataError,
        others=strange[:3],
    )
    return np.array(said)[codes]


def to_datetime(name: str, column: np.ndarray, date_format: str) -> np.ndarray:
    """The column as datetime64[s], NaT where missing.

    Raises:
        DataError: text in another spelling than that of training.
    """
    if column.dtype.kind == "M":
        return column
    found, codes = find_categories(column)
    days = parse_dates([level or "" for level in found], date_format)
    strange = [
        level for level, day in zip(found, days, strict=True) if level is not None and np.isnat(day)
    ]
    expected = (
        f"days written as in training, {'2024-02-29' if date_format == 'ISO' else date_format}"
    )
    require(not strange, f"column {name!r}", expected, error=DataError, others=strange[:3])
    return days[codes]


def _fit_column(name: str, column: np.ndarray, column_type: str | None) -> FittedColumn:
    kind, reason = (column_type, "as you asked") if column_type else infer_column_type(name, column)
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
    x = to_numeric(name, column, coerce=column_type is not None)
    return (
        _fit_numeric(name, x, column_type is not None)
        if not np.isnan(x).all()
        else DroppedColumn(name, "it holds no number")
    )


def _fit_numeric(name: str, x: np.ndarray, coerce: bool = False) -> NumericColumn:
    missing = np.isnan(x)
    median = float(np.median(x[~missing]))
    filled = np.where(missing, median, x)
    scale = float(filled.std()) if np.ptp(filled) > 0 else 1.0
    return NumericColumn(name, float(filled.mean()), scale, median, bool(missing.any()), coerce)


def _fit_categorical(name: str, column: np.ndarray) -> CategoricalColumn:
    found, codes = find_categories(column)
    counts = dict(zip(found, np.bincount(codes).tolist(), strict=True))
    own = sorted(
        (level for level, times in counts.items() if times >= min_frequency(len(column))),
        key=lambda level: (level is None, level),
    )
    others = len(own) < len(counts)
    return CategoricalColumn(
        name, tuple(own), tuple(counts[level] / len(column) for level in own), others
    )


def _fit_date(name: str, column: np.ndarray) -> DateColumn | DroppedColumn:
    ways = ["ISO"]
    if column.dtype.kind != "M":
        texts = [level for level in find_categories(column)[0] if level is not None]
        ways = matching_date_formats(texts, (*DATE_FORMATS, *OPT_IN_DATE_FORMATS))
        fix = "Write them as 2024-02-29."
        require(
            len(ways) == 1,
            f"column {name!r}",
            "days in one spelling",
            error=DataError,
            text=texts[:3],
            spellings=ways,
            fix=fix,
        )
    parts = extract_date_features(name, to_datetime(name, column, ways[0]))
    varying = [
        part for part, values in parts.items() if len(np.unique(values[~np.isnan(values)])) > 1
    ]
    return (
        DateColumn(name, tuple(_fit_numeric(part, parts[part]) for part in varying), ways[0])
        if varying
        else DroppedColumn(name, "it is one day")
    )


def extract_date_features(name: str, column: np.ndarray) -> dict[str, np.ndarray]:
    """A column of moments as numbers by name, NaN where the moment is missing."""
    gone = np.isnat(column)
    days, seconds = column.astype("datetime64[D]"), column.astype("datetime64[s]")
    parts = {
        f"{name} day": days.astype(float),
        f"{name} month": column.astype("datetime64[M]").astype(int) % 12 + 1.0,
        f"{name} weekday": (days.astype(int) + 3) % 7 * 1.0,
        f"{name} hour": (seconds - days).astype(float) // 3600,
    }
    return {part: np.where(gone, np.nan, values) for part, values in parts.items()}
