"""Columns to numbers, as the training rows teach it: plain data, frozen, and the same for every row thereafter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.derive import derived
from glassnet.data.table import Table
from glassnet.errors import DataError, lookup, message, require

LEVELS = 40
"""Text of more levels than this, rare ones apart, is left out."""

SHARED = 0.05
"""The share of rows that have a common level, below which a column of text is left out."""

ALIKE = 0.9
"""The share of numbers from which on a column of text is taken for one of numbers with something wrong in it."""

FAR = 5.0
"""Numbers further from the mean than so many standard deviations count as that far: one mansion does not bend the line for all houses."""

KINDS = ("number", "category", "boolean", "date", "drop")


@dataclass(frozen=True)
class Number:
    """(x - mean) / scale, at most `FAR` either side of 0, a missing x being the median; and 1 where it is missing, if some training rows
    lacked it."""

    name: str
    mean: float
    scale: float
    median: float
    flagged: bool

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} missing") if self.flagged else (self.name,)

    def encode(self, column: np.ndarray) -> np.ndarray:
        missing = np.isnan(column)
        scaled = (np.where(missing, self.median, column) - self.mean) / self.scale
        return np.stack([np.clip(scaled, -FAR, FAR), missing][: len(self.names)], axis=1)


@dataclass(frozen=True)
class Category:
    """1 in the place of the row's level, 0 in the others.

    Levels that few training rows had share the last place with those never seen. Where there were none, there is no such place, as its
    weights could not be learned: an unseen level then counts as the shares that the levels had in training.
    """

    name: str
    levels: tuple[str | None, ...]
    shares: tuple[float, ...]
    others: bool

    @property
    def names(self) -> tuple[str, ...]:
        named = [f"{self.name}={'missing' if level is None else level}" for level in self.levels]
        return tuple(named + [f"{self.name}=other"] * self.others)

    def encode(self, column: np.ndarray) -> np.ndarray:
        size = len(self.names)
        unseen = np.eye(size)[-1] if self.others else np.array(self.shares)
        rows = dict(zip(self.levels, np.eye(size), strict=False))
        return np.stack([rows.get(level, unseen) for level in column])


@dataclass(frozen=True)
class Date:
    """A day as several numbers: days since 1970, the month (1 to 12), the weekday (0 for Monday), the hour."""

    name: str
    parts: tuple[Number, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names)

    def encode(self, column: np.ndarray) -> np.ndarray:
        parts = calendar(self.name, column)
        return np.concatenate([part.encode(parts[part.name]) for part in self.parts], axis=1)


@dataclass(frozen=True)
class Dropped:
    """A column that is left out, and why."""

    name: str
    reason: str


Learned = Number | Category | Date | Dropped


@dataclass(frozen=True)
class Encoder:
    """What was learned of every column, in the table's order, and the columns made of others."""

    columns: tuple[Learned, ...]
    kinds: tuple[str, ...]
    derive: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers that `encode` gives, in their order."""
        return tuple(name for column in self.columns if not isinstance(column, Dropped) for name in column.names)

    def encode(self, table: Table) -> np.ndarray:
        """The rows as numbers, (n, k) float32: columns are found by name, in any order; others than those learned are not looked at.

        Raises:
            DataError: a column is not there (the nearest is named); text where numbers were; a number that is infinite.
        """
        table = with_derived(table, dict(self.derive))
        kept = [(column, kind) for column, kind in zip(self.columns, self.kinds, strict=True) if not isinstance(column, Dropped)]
        encoded = [column.encode(as_kind(column.name, table[column.name], kind, strict=True)) for column, kind in kept]
        return np.concatenate(encoded, axis=1).astype(np.float32)

    def left_out(self) -> dict[str, str]:
        """The columns that take no part, and why."""
        return {column.name: column.reason for column in self.columns if isinstance(column, Dropped)}


def learn(table: Table, columns: Mapping[str, str] | None = None, derive: Mapping[str, str] | None = None) -> Encoder:
    """The encoder that the rows of `table`, the training rows alone, teach.

    Args:
        table: the rows, without the target.
        columns: what a column is, where that is not to be inferred: "number", "category", "boolean", "date" or "drop".
        derive: new columns by name, each an expression of others (`derive.derived`).

    Raises:
        ConfigError: a column or a kind that there is not; an expression outside the grammar.
        DataError: a column of numbers and text; an infinite number; a table of which nothing is left.
    """
    table = with_derived(table, derive or {})
    asked = dict(columns or {})
    for name, kind in asked.items():
        lookup("columns", name, dict.fromkeys(table.columns))
        lookup(f"columns: {name}", kind, dict.fromkeys(KINDS))
    learned, kinds = [], []
    for name, column in table.columns.items():
        kind, reason = (asked[name], "as you asked") if name in asked else infer(name, column)
        learned.append(Dropped(name, reason) if kind == "drop" else _learn(name, as_kind(name, column, kind), kind))
        kinds.append(kind)
    encoder = Encoder(tuple(learned), tuple(kinds), tuple((derive or {}).items()))
    require(encoder.names, "table", "a column to learn from", error=DataError, left_out=encoder.left_out())
    return encoder


def with_derived(table: Table, derive: Mapping[str, str]) -> Table:
    """The table with the columns that the expressions make; a later one may name an earlier one."""
    columns = dict(table.columns)
    for name, expression in derive.items():
        columns[name] = derived(name, expression, columns)
    return Table(columns, table.said)


def infer(name: str, column: np.ndarray) -> tuple[str, str]:
    """What a column is, and, where it is left out, why."""
    given = column[~is_missing(column)]
    levels = Counter(given.tolist())
    n = len(column)
    if not levels:
        return "drop", "it is empty"
    if len(levels) == 1 and len(given) == n:
        return "drop", f"it is always {given[0]}"
    if column.dtype.kind in "bfM":
        whole = column.dtype.kind == "f" and len(levels) == n and np.all(given == np.round(given))
        if whole and n >= 20 and (n > (np.ptp(given) + 1) / 2 or name.lower().endswith("id")):
            return "drop", "it numbers the rows"
        return {"b": "boolean", "f": "number", "M": "date"}[column.dtype.kind], ""
    _require_one_kind(name, given)
    if n >= 20 and len(levels) > 0.9 * len(given) and len(given) > n / 2:
        words = np.mean([len(str(value).split()) for value in given])
        return "drop", "it is free text" if words >= 3 else "nearly every row has a value of its own"
    common = [level for level, times in levels.items() if times >= few(n)]
    if len(common) > LEVELS:
        return "drop", f"it has {len(levels)} levels"
    if len(given) == n and sum(levels[level] for level in common) < SHARED * n:
        return "drop", f"few rows share one of its {len(levels)} values"
    return "category", ""


def few(n: int) -> int:
    """Of n rows, how many a level needs for a place of its own: one in a hundred, at least 2 and at most 10."""
    return min(max(n // 100, 2), 10)


def is_missing(column: np.ndarray) -> np.ndarray:
    """Which entries are NaN, NaT or None."""
    if column.dtype.kind == "O":
        return np.array([value is None for value in column])
    return np.isnat(column) if column.dtype.kind == "M" else np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)


def _require_one_kind(name: str, given: np.ndarray) -> None:
    strange = np.isnan([parsed(value) for value in given])
    mixed = 0 < strange.mean() <= 1 - ALIKE
    fix = f'Mend them, or say columns={{"{name}": "number"}} to count them as missing, or "category".'
    text = list(dict.fromkeys(given[strange].tolist()))[:3]
    require(not mixed, f"column {name!r}", "numbers or text, not both", error=DataError, text=text, fix=fix)


def parsed(value: Any) -> float:
    """The number that a value says, or NaN."""
    try:
        return float(value)
    except ValueError:
        return np.nan


def as_kind(name: str, column: np.ndarray, kind: str, strict: bool = False) -> np.ndarray:
    """The column in the form that its kind is encoded from; text that is no number or date counts as missing, unless `strict`.

    Raises:
        DataError: an infinite number; where `strict`, text among numbers.
    """
    if kind == "category":
        return _as_text(column)
    if kind == "date":
        if column.dtype.kind == "M":
            return column
        import pandas

        return np.array(pandas.to_datetime(pandas.Series(column), errors="coerce", format="mixed"), "datetime64[s]")
    if column.dtype.kind == "O":
        numbers = np.array([np.nan if value is None else parsed(value) for value in column])
        strange = list(dict.fromkeys(v for v, number in zip(column, numbers, strict=True) if v is not None and np.isnan(number)))
        require(not (strict and strange), f"column {name!r}", "numbers, as in training", error=DataError, text=strange[:3])
    else:
        require(column.dtype.kind in "fb", f"column {name!r}", "numbers, as in training", error=DataError, holds="dates")
        numbers = column.astype(float)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise DataError(message(f"column {name!r}", "finite numbers", row=int(infinite[0]), infinite=len(infinite)))
    return numbers


def _as_text(column: np.ndarray) -> np.ndarray:
    missing = is_missing(column)
    spelt = [f"{value:g}" if column.dtype.kind == "f" else str(value) for value in column]
    return np.array([None if gone else text for gone, text in zip(missing, spelt, strict=True)], object)


def _learn(name: str, column: np.ndarray, kind: str) -> Learned:
    if kind == "category":
        return _category(name, column)
    if kind == "date":
        parts = calendar(name, column)
        varying = [part for part, values in parts.items() if len(np.unique(values[~np.isnan(values)])) > 1]
        return Date(name, tuple(_number(part, parts[part]) for part in varying)) if varying else Dropped(name, "it is one day")
    if np.isnan(column).all():
        return Dropped(name, "it holds no number")
    return _number(name, column, plain=kind == "boolean")


def _number(name: str, column: np.ndarray, plain: bool = False) -> Number:
    missing = np.isnan(column)
    median = float(np.median(column[~missing]))
    filled = np.where(missing, median, column)
    spread = float(filled.std())
    return Number(name, 0.0 if plain else float(filled.mean()), 1.0 if plain or spread == 0 else spread, median, bool(missing.any()))


def _category(name: str, column: np.ndarray) -> Category:
    counts = Counter(column.tolist())
    own = sorted((level for level, times in counts.items() if times >= few(len(column))), key=lambda level: (level is None, level))
    others = len(own) < len(counts)
    return Category(name, tuple(own), tuple(counts[level] / len(column) for level in own), others)


def calendar(name: str, column: np.ndarray) -> dict[str, np.ndarray]:
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
