"""Decimal and thousands signs of the numbers in a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glassnet.data.parsing import loses_precision

FORMATTED_NUMBER = re.compile(
    r"(?=.*[^\d.+-]|.*\d-$)[-+−–(]?\s?"
    r"([$€£¥₹]|(CHF|EUR|USD|GBP|JPY|SEK|NOK|DKK|PLN|CZK|INR|CNY|AUD|CAD|BRL|Rs|Fr|kr)\b\.?)?"
    r"\s?[-−]?(\d{1,3}([,.'’ \u00a0\u2009\u202f]\d{3})+|\d{1,2}(,\d{2})+,\d{3}|\d+)([.,]\d*)?"
    r"\s?([%‰€$£¥₹]|CHF|EUR|USD|GBP|JPY|SEK|NOK|DKK|PLN|CZK|INR|CNY|AUD|CAD|BRL|kr|zł)?\)?-?"
)
"""Numbers with signs of a currency, percent, thousands or minus: $1,200, 12.5 %, 3,5, 40-."""

NUMBER_WITH_UNIT = re.compile(r"[-+−]?\d+([.,]\d+)?\s?((?![aApP]\.?[mM])[^\W\d]{1,6}|°[CF]?)")
"""A number and a short word or letter behind it: 5 kg, 23.4kmpl, 12.3 e."""

MIN_SHARE = 0.9
"""Share of texts that must be numbers with other signs."""

MIN_WITH_UNIT, MAX_UNITS = 13, 3
"""Number of different numbers from which a unit behind them is refused, and of different units."""

NUMBER_LIKE = re.compile(
    r"[-+]?[.,\d][.,'’ \u00a0\u2009\u202f\d]*([eE][-+]?\d+)?|[-+]?inf(inity)?", re.IGNORECASE
)
"""Text that may be a number in some format."""

SPACES = str.maketrans("\u00a0\u202f\u2009’", "   '")
"""Characters that stand for a space or an apostrophe between groups of digits."""


@dataclass(frozen=True)
class NumberFormat:
    """The signs of numbers.

    Attributes:
        decimal: "." or ",".
        thousands: the sign between groups of three digits, or "" for none.
    """

    decimal: str
    thousands: str = ""

    @cached_property
    def _grouped(self) -> re.Pattern[str]:
        group, point = re.escape(self.thousands), re.escape(self.decimal)
        return re.compile(rf"[-+]?[1-9]\d{{0,2}}({group}\d{{3}})+({point}\d*)?([eE][-+]?\d+)?")

    def parse(self, texts: Sequence[str]) -> np.ndarray | None:
        """Return the numbers in the texts, or None if one of them is no number in this format.

        Integers that float64 would change are identifiers, not numbers.

        Example:
            >>> NumberFormat(",", ".").parse(["1.200", "3,5"]).tolist()
            [1200.0, 3.5]
        """
        plain = list(self._ungroup(texts)) if self.thousands else texts
        if self.decimal == ",":
            if any("." in text for text in plain):
                return None
            plain = [text.replace(",", ".") for text in plain]
        try:
            numbers = np.fromiter(map(float, plain), float, len(plain))
        except ValueError:
            return None
        if np.isnan(numbers).any() or any("_" in text for text in plain):
            return None
        return None if loses_precision(plain) else numbers

    def _ungroup(self, texts: Iterable[str]) -> Iterable[str]:
        sign, grouped = self.thousands, self._grouped
        for text in texts:
            plain = text.translate(SPACES) if sign in " '" else text
            yield plain.replace(sign, "") if sign in plain and grouped.fullmatch(plain) else text


POINT, COMMA = NumberFormat("."), NumberFormat(",")
POINT_GROUPED, COMMA_GROUPED = NumberFormat(".", ","), NumberFormat(",", ".")
POINT_APOSTROPHES, COMMA_APOSTROPHES = NumberFormat(".", "'"), NumberFormat(",", "'")

FORMATS = (POINT, COMMA, POINT_GROUPED, COMMA_GROUPED, POINT_APOSTROPHES, COMMA_APOSTROPHES)
"""Formats that are detected, preferred ones first.

Blanks between digits are not: they may separate two numbers.
"""

COMMA_FILE_FORMATS = (POINT, POINT_GROUPED, POINT_APOSTROPHES)
"""Formats that are detected in files separated by commas."""


def candidate_formats(
    delimiter: str, decimal: str | None = None, thousands: str | None = None
) -> tuple[NumberFormat, ...]:
    """Return the formats that a file may use.

    Args:
        delimiter: character between cells.
        decimal: the decimal sign, if the user states it.
        thousands: the sign between groups of digits, if the user states it.
    """
    if thousands is not None:
        others = [sign for sign in (".", ",") if sign != thousands]
        decimals = [decimal] if decimal else others
        return tuple(NumberFormat(sign, thousands) for sign in decimals)
    if decimal is not None:
        return tuple(each for each in FORMATS if each.decimal == decimal)
    return COMMA_FILE_FORMATS if delimiter == "," else FORMATS


def read_numbers(
    texts: Sequence[str], formats: Sequence[NumberFormat]
) -> dict[NumberFormat, np.ndarray]:
    """Return the numbers in the texts in each format in which all of them are numbers."""
    if texts and not NUMBER_LIKE.fullmatch(texts[0]):
        return {}
    joined = "\n".join(texts).translate(SPACES)
    has_signs = "." in joined or "," in joined
    parsed: dict[NumberFormat, np.ndarray | None] = {}
    readings = {}
    for each in formats:
        thousands = each.thousands if each.thousands in joined else ""
        plainest = NumberFormat(each.decimal if has_signs else ".", thousands)
        if plainest not in parsed:
            parsed[plainest] = plainest.parse(texts)
        numbers = parsed[plainest]
        if numbers is not None:
            readings[each] = numbers
    return readings


def describe_numbers_in_text(texts: Sequence[str], n_plain: int) -> str:
    """Return what to do about texts that are numbers with other signs, or "" if they are not.

    The sentence has no point at its end.

    Nine in ten must be such numbers. A unit behind a number counts from `MIN_WITH_UNIT` different
    cells, for a few may be categories, and if there are few different units.

    Args:
        texts: the different texts of a column that are no plain numbers.
        n_plain: how many different plain numbers the column has too.

    Example:
        >>> describe_numbers_in_text(["1 200", "3 950"], n_plain=0)[:50]
        'If a blank separates thousands in a file, pass tho'
    """
    n_formatted = sum(bool(FORMATTED_NUMBER.fullmatch(text)) for text in texts)
    if n_formatted >= 2 and n_formatted >= MIN_SHARE * len(texts):
        grouped = [text.translate(SPACES) for text in texts]
        formats = NumberFormat(".", " "), NumberFormat(",", " ")
        if " " in "".join(grouped) and read_numbers(grouped, formats):
            return (
                'If a blank separates thousands in a file, pass thousands=" " to '
                'gn.data.read_table, or --thousands " " on the command line'
            )
        return "Write them with digits and a decimal point only"
    matches = list(filter(None, map(NUMBER_WITH_UNIT.fullmatch, texts)))
    units = {match[2] for match in matches}
    has_unit = len(matches) >= max(MIN_SHARE * len(texts), 1) and len(units) <= MAX_UNITS
    if has_unit and len(matches) + n_plain >= MIN_WITH_UNIT:
        text = repr(min(units)) if len(units) == 1 else f"{min(units)!r}, in one unit"
        return f"Write them without {text}"
    return ""


@dataclass(frozen=True)
class FormatChoice:
    """The decision about the numbers of a file.

    Attributes:
        numbers: the distinct numbers of each column of numbers, by position.
        used: the format in which each of these columns is read.
        formats: the formats that all columns allow; the first is preferred.
        ambiguous: columns that these formats read differently, by position.
        conflict: whether two columns are certainly in different formats.
    """

    numbers: Mapping[int, np.ndarray]
    used: Mapping[int, NumberFormat]
    formats: tuple[NumberFormat, ...]
    ambiguous: tuple[int, ...] = ()
    conflict: bool = False


def choose_format(
    columns: Mapping[int, Sequence[str]], formats: Sequence[NumberFormat], has_points: bool
) -> FormatChoice:
    """Decide once for all columns of a file how its numbers are written.

    A format is possible if every column that is numbers in some format is numbers in it.

    Args:
        columns: the distinct texts of each column, by position, without missing ones.
        formats: the candidates, preferred ones first.
        has_points: whether another column certainly has decimal points.
    """
    readings = {i: read_numbers(texts, formats) for i, texts in columns.items()}
    readings = {i: each for i, each in readings.items() if each}
    common = [
        each
        for each in formats
        if all(each in numbers for numbers in readings.values())
        and (not has_points or each.decimal == ".")
    ]
    numbers, used, ambiguous = {}, {}, []
    for i, reading in readings.items():
        possible = common or list(reading)
        used[i] = possible[0]
        numbers[i] = first = reading[used[i]]
        if any(not np.array_equal(first, reading[each]) for each in possible[1:]):
            ambiguous.append(i)
    chosen = tuple(common or formats)
    return FormatChoice(numbers, used, chosen, tuple(ambiguous), not common and bool(readings))
