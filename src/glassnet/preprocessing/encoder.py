"""Columns to numbers, as the training rows teach it: plain data, frozen, and the same for every row thereafter."""

from __future__ import annotations

import difflib
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from glassnet.data.parsing import ASKED, DRESSED, SPELLINGS, TRUTHS, is_missing, moments, number, spellings, spelt
from glassnet.data.table import Table
from glassnet.errors import DataError, DataWarning, lookup, message, require
from glassnet.preprocessing.expressions import derived, named

LEVELS = 40
"""Text of more levels than this, rare ones apart, is left out."""

SHARED = 0.05
"""The share of rows that have a common level, below which a column of text is left out."""

ALIKE = 0.9
"""The share of numbers from which on a column of text is taken for one of numbers with something wrong in it."""

FAR = 5.0
"""Numbers further from the mean than so many standard deviations count as that far: one mansion does not bend the line for all houses."""

LARGEST = 1e150
"""Numbers beyond have no standard deviation in float64."""

KINDS = ("number", "category", "boolean", "date", "drop")

COUNTER = re.compile(r"(?i:(^|[\W_])id)$|[a-z]I[dD]$")
"""What a column that numbers the rows is called: id, user_id, PassengerId; not paid."""


@dataclass(frozen=True)
class Number:
    """(x - mean) / scale, at most `FAR` either side of 0, a missing x being the median; and 1 where it is missing, if some training rows
    lacked it. Where `lenient`, as was asked for, text that is no number is missing too; else it is refused."""

    name: str
    mean: float
    scale: float
    median: float
    flagged: bool
    lenient: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} missing") if self.flagged else (self.name,)

    def encode(self, column: np.ndarray) -> np.ndarray:
        x = numbers(self.name, column, self.lenient)
        missing = np.isnan(x)
        scaled = (np.where(missing, self.median, x) - self.mean) / self.scale
        return np.stack([np.clip(scaled, -FAR, FAR), missing][: len(self.names)], axis=1)


@dataclass(frozen=True)
class Boolean:
    """1 for a truth, 0 for none, what most training rows are where it is missing; and 1 where it is missing, if some of them lacked it."""

    name: str
    median: float
    flagged: bool

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, f"{self.name} missing") if self.flagged else (self.name,)

    def encode(self, column: np.ndarray) -> np.ndarray:
        x = truths(self.name, column)
        missing = np.isnan(x)
        return np.stack([np.where(missing, self.median, x), missing][: len(self.names)], axis=1)


@dataclass(frozen=True)
class Category:
    """1 in the place of the row's level, 0 in the others; a number finds the level that says it, however it was spelt.

    Levels that few training rows had share the last place with those never seen. Where there were none, there is no such place, as its
    weights could not be learned: an unseen level then counts as the shares that the levels had in training.
    """

    name: str
    levels: tuple[str | None, ...]
    shares: tuple[float, ...]
    others: bool

    @property
    def names(self) -> tuple[str, ...]:
        levels = [f"{self.name}={'missing' if level is None else level}" for level in self.levels]
        return tuple(levels + [f"{self.name}=other"] * self.others)

    def encode(self, column: np.ndarray) -> np.ndarray:
        size = len(self.names)
        unseen = np.eye(size)[-1] if self.others else np.array(self.shares)
        rows = np.vstack([np.eye(size), unseen]).astype(np.float32)
        places: dict[str | None, int] = {level: place for place, level in enumerate(self.levels)}
        found, codes = levels(column)
        if column.dtype.kind == "f":
            spelt_so = {number(level): place for level, place in places.items() if level is not None and not np.isnan(number(level))}
            places = {**{level: spelt_so[number(level)] for level in found if level and number(level) in spelt_so}, **places}
        codes_of = [places.get(level, size) for level in found]
        if min(codes_of) == size and (len(column) > 1 or not self.others):
            warnings.warn(f"column {self.name!r}: no level of training among {', '.join(map(str, found[:3]))}", DataWarning, stacklevel=2)
        return rows[np.array(codes_of)[codes]]


@dataclass(frozen=True)
class Date:
    """A day as several numbers: days since 1970, the month (1 to 12), the weekday (0 for Monday), the hour; text is in one spelling."""

    name: str
    parts: tuple[Number, ...]
    spelling: str = "ISO"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.names)

    def encode(self, column: np.ndarray) -> np.ndarray:
        parts = calendar(self.name, dates(self.name, column, self.spelling))
        return np.concatenate([part.encode(parts[part.name]) for part in self.parts], axis=1)


@dataclass(frozen=True)
class Dropped:
    """A column that is left out, and why."""

    name: str
    reason: str


Learned = Number | Boolean | Category | Date | Dropped


@dataclass(frozen=True)
class Encoder:
    """What was learned of every column, in the table's order, and the columns made of others."""

    columns: tuple[Learned, ...]
    derive: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Of the numbers that `encode` gives, in their order; one that comes again is numbered: "age missing (2)"."""
        times: Counter[str] = Counter()
        names = []
        for name in (name for column in self.columns if not isinstance(column, Dropped) for name in column.names):
            times[name] += 1
            names.append(f"{name} ({times[name]})" if times[name] > 1 else name)
        return tuple(names)

    def encode(self, table: Table) -> np.ndarray:
        """The rows as numbers, (n, k) float32: columns are found by name, in any order; others than those learned are not looked at.

        Raises:
            DataError: columns are not there (the nearest is named); text where numbers or days were; a number that is infinite.
        """
        kept = [column for column in self.columns if not isinstance(column, Dropped)]
        self._require_there(table, [column.name for column in kept])
        table = with_derived(table, dict(self.derive))
        return np.concatenate([column.encode(table[column.name]).astype(np.float32) for column in kept], axis=1)

    def _require_there(self, table: Table, kept: list[str]) -> None:
        made = dict(self.derive)
        learned = {column.name for column in self.columns}
        needed = [*kept, *(name for expression in made.values() for name in named(expression) if name in learned)]
        missing = [name for name in dict.fromkeys(needed) if name not in table.columns and name not in made]
        close = [near for name in missing[:1] for near in difflib.get_close_matches(name, table.columns, n=1)]
        fix = f"Did you mean {close[0]!r}?" if close else "Fill a column that is unknown with None."
        there = list(table.columns)[:12]
        require(not missing, "table", "the columns of training", error=DataError, missing=missing[:5], there=there, fix=fix)

    def left_out(self) -> dict[str, str]:
        """The columns that take no part, and why."""
        return {column.name: column.reason for column in self.columns if isinstance(column, Dropped)}

    def guesses(self) -> list[str]:
        """What was taken for something that it may not have been meant as, and how to say so."""
        said = []
        for column in self.columns:
            texts = [level for level in column.levels if level is not None] if isinstance(column, Category) else []
            if texts and not np.isnan([number(level) for level in texts]).any():
                said.append(f'{column.name}: numbers in quotes, taken for levels; columns={{"{column.name}": "number"}} counts them')
            if isinstance(column, Date) and column.spelling != "ISO":
                said.append(f"{column.name}: days, read as {column.spelling}")
        return said


def learn(table: Table, columns: Mapping[str, str] | None = None, derive: Mapping[str, str] | None = None) -> Encoder:
    """The encoder that the rows of `table`, the training rows alone, teach.

    Args:
        table: the rows, without the target.
        columns: what a column is, where that is not to be inferred: "number", "category", "boolean", "date" or "drop".
        derive: new columns by name, each an expression of others (`derive.derived`).

    Raises:
        ConfigError: a column or a kind that there is not; an expression outside the grammar; a new column of an old one's name.
        DataError: a column of numbers and text; an infinite number; a table of which nothing is left.
    """
    for name in derive or {}:
        fix = "Give it a name that no column has."
        require(name not in table.columns, f"derive: {name}", "a new name", columns=list(table.columns)[:12], fix=fix)
    table = with_derived(table, derive or {})
    asked = dict(columns or {})
    for name, kind in asked.items():
        lookup("columns", name, table.columns)
        lookup(f"columns: {name}", kind, dict.fromkeys(KINDS, True))
    learned = tuple(_learn(name, column, asked.get(name)) for name, column in table.columns.items())
    encoder = Encoder(learned, tuple((derive or {}).items()))
    fix = 'Say columns={"name": "number"} or "category" to take one in all the same.'
    require(encoder.names, "table", "a column to learn from", error=DataError, left_out=encoder.left_out(), fix=fix)
    return encoder


def with_derived(table: Table, derive: Mapping[str, str]) -> Table:
    """The table with the columns that the expressions make; a later one may name an earlier one."""
    columns = dict(table.columns)
    for name, expression in derive.items():
        columns[name] = derived(name, expression, columns)
    return Table(columns, table.said, table.decimal)


def infer(name: str, column: np.ndarray) -> tuple[str, str]:
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
        if whole and n >= 20 and (n > (np.ptp(given) + 1) / 2 or COUNTER.search(name)):
            return "drop", "it numbers the rows"
        return {"b": "boolean", "f": "number", "M": "date"}[column.dtype.kind], ""
    _require_one_kind(name, given)
    ways = spellings(list(found))
    if ways:
        return ("date", "") if len(ways) == 1 else ("drop", f"its days may be {' or '.join(ways)}: write them as 2024-02-29")
    if n >= 20 and len(found) > 0.9 * len(given) and len(given) > n / 2:
        words = np.mean([len(str(value).split()) for value in given])
        return "drop", "it is free text" if words >= 3 else "nearly every row has a value of its own"
    common = [level for level, times in found.items() if times >= few(n)]
    if len(common) > LEVELS:
        return "drop", f"it has {len(found)} levels"
    if len(given) == n and sum(found[level] for level in common) < SHARED * n:
        return "drop", f"few rows share one of its {len(found)} values"
    return "category", ""


def few(n: int) -> int:
    """Of n rows, how many a level needs for a place of its own: one in a hundred, at least 2 and at most 10."""
    return min(max(n // 100, 2), 10)


def _require_one_kind(name: str, given: np.ndarray) -> None:
    who, drop = f"column {name!r}", f'columns={{"{name}": "category"}}, or "drop"'
    strange = np.isnan([number(value) for value in given])
    text = list(dict.fromkeys(given[strange].tolist()))
    dressed = np.mean([bool(DRESSED.fullmatch(value)) for value in text]) if text else 0
    fix = f"Write them with digits and a point alone; or say {drop}."
    plain = dressed < ALIKE or dressed * len(text) < 2
    require(plain, who, "numbers written plainly: 1200, 0.125", error=DataError, text=text[:3], fix=fix)
    mixed = 0 < strange.mean() <= 1 - ALIKE
    fix = f'Mend them, or say columns={{"{name}": "number"}} to count them as missing, or "category".'
    require(not mixed, who, "numbers or text, not both", error=DataError, text=text[:3], fix=fix)


def levels(column: np.ndarray) -> tuple[list[str | None], np.ndarray]:
    """The levels that a column holds, as text, None where missing; and which of them every row has."""
    if column.dtype.kind == "O":
        found: dict[str | None, int] = {}
        codes = np.array([found.setdefault(value, len(found)) for value in column])
        return list(found), codes
    values, codes = np.unique(column, return_inverse=True)
    texts = [spelt(value) if column.dtype.kind == "f" and np.isfinite(value) else str(value) for value in values]
    return [None if gone else text for gone, text in zip(is_missing(values), texts, strict=True)], codes


def numbers(name: str, column: np.ndarray, lenient: bool = False) -> np.ndarray:
    """The column as finite numbers, NaN where missing.

    Raises:
        DataError: dates; text, unless `lenient`, when it counts as missing; an infinite number.
    """
    who = f"column {name!r}"
    if column.dtype.kind == "O":
        found = {value: np.nan if value is None else number(value) for value in column}
        text = [value for value, read in found.items() if value is not None and np.isnan(read)]
        fix = f'Mend them, or leave them blank; or say columns={{"{name}": ...}} when fitting: "number" counts them as missing.'
        require(lenient or not text, who, "numbers, as in training", error=DataError, text=text[:3], fix=fix)
        x = np.array([found[value] for value in column], float)
    else:
        require(column.dtype.kind in "fb", who, "numbers, as in training", error=DataError, holds="dates")
        x = column.astype(float)
    infinite = np.flatnonzero(np.abs(x) > LARGEST)
    if len(infinite):
        fix = f'Leave those cells blank, or say columns={{"{name}": "drop"}}.'
        place = {"row": int(infinite[0]), "value": float(x[infinite[0]]), "rows_like_it": len(infinite)}
        raise DataError(message(who, "finite numbers", **place, fix=fix))
    return x


def truths(name: str, column: np.ndarray) -> np.ndarray:
    """The column as 1 for true and 0 for false, NaN where missing.

    Raises:
        DataError: something else than true and false, yes and no, 1 and 0.
    """
    found, codes = levels(column)
    said = [np.nan if level is None else TRUTHS.get(level.lower(), np.inf) for level in found]
    strange = [level for level, truth in zip(found, said, strict=True) if truth == np.inf]
    require(not strange, f"column {name!r}", "true and false, yes and no, 1 and 0", error=DataError, others=strange[:3])
    return np.array(said)[codes]


def dates(name: str, column: np.ndarray, spelling: str) -> np.ndarray:
    """The column as datetime64[s], NaT where missing.

    Raises:
        DataError: text in another spelling than that of training.
    """
    if column.dtype.kind == "M":
        return column
    found, codes = levels(column)
    days = moments([level or "" for level in found], spelling)
    strange = [level for level, day in zip(found, days, strict=True) if level is not None and np.isnat(day)]
    expected = f"days written as in training, {'2024-02-29' if spelling == 'ISO' else spelling}"
    require(not strange, f"column {name!r}", expected, error=DataError, others=strange[:3])
    return days[codes]


def _learn(name: str, column: np.ndarray, asked: str | None) -> Learned:
    kind, reason = (asked, "as you asked") if asked else infer(name, column)
    if kind == "drop":
        return Dropped(name, reason)
    if is_missing(column).all():
        return Dropped(name, "it is empty")
    if kind == "category":
        return _category(name, column)
    if kind == "date":
        return _date(name, column)
    if kind == "boolean":
        x = truths(name, column)
        return Boolean(name, float(np.nanmedian(x) > 0.5), bool(np.isnan(x).any()))
    x = numbers(name, column, lenient=asked is not None)
    return _number(name, x, asked is not None) if not np.isnan(x).all() else Dropped(name, "it holds no number")


def _number(name: str, x: np.ndarray, lenient: bool = False) -> Number:
    missing = np.isnan(x)
    median = float(np.median(x[~missing]))
    filled = np.where(missing, median, x)
    scale = float(filled.std()) if np.ptp(filled) > 0 else 1.0
    return Number(name, float(filled.mean()), scale, median, bool(missing.any()), lenient)


def _category(name: str, column: np.ndarray) -> Category:
    found, codes = levels(column)
    counts = dict(zip(found, np.bincount(codes).tolist(), strict=True))
    own = sorted((level for level, times in counts.items() if times >= few(len(column))), key=lambda level: (level is None, level))
    others = len(own) < len(counts)
    return Category(name, tuple(own), tuple(counts[level] / len(column) for level in own), others)


def _date(name: str, column: np.ndarray) -> Date | Dropped:
    ways = ["ISO"]
    if column.dtype.kind != "M":
        texts = [level for level in levels(column)[0] if level is not None]
        ways = spellings(texts, (*SPELLINGS, *ASKED))
        fix = "Write them as 2024-02-29."
        require(len(ways) == 1, f"column {name!r}", "days in one spelling", error=DataError, text=texts[:3], spellings=ways, fix=fix)
    parts = calendar(name, dates(name, column, ways[0]))
    varying = [part for part, values in parts.items() if len(np.unique(values[~np.isnan(values)])) > 1]
    return Date(name, tuple(_number(part, parts[part]) for part in varying), ways[0]) if varying else Dropped(name, "it is one day")


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
