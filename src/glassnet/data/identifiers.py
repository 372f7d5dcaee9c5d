"""Identifiers: texts of digits that would change if they were read as numbers, such as 007.

The rule for all CSV files. A column of numbers is text if one of its cells

- begins with a zero and another digit: 007, 01067, 01.10. A lone zero, as in 0 and 0.5, does not
  count. If a sign stands before such a zero, the column is numbers of equal width: -05, 003;
- is a plus sign and seven digits or more, as a phone number: +4930123456. If a number of the column
  is negative, the plus is a sign;
- is an integer that float64 would change: 12345678901234567.

All other numbers have the value of their text, and stay numbers: 1e5, +49, 1.10, inf.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.parsing import format_exact, loses_precision, parse_float
from glassnet.formatting import format_names

NUMBER = re.compile(r"\d+([.,]\d*)?([eE][-+]?\d+)?")
"""A number that begins with a digit, without signs between groups of digits."""

PHONE_NUMBER = re.compile(r"\+\d{7,}")

PADDED = re.compile(r"\n0\d")
"""A text that begins with a zero and a digit, in joined lines."""

LONG_INTEGER = re.compile(r"\n[-+]?\d{16}")
"""An integer that float64 may change, in joined lines."""

SIGNED_ZEROS = re.compile(r"[-+]0\d+([.,]\d*)?")
"""A number of equal width with a sign."""

SPELLINGS = {
    "zeros": "leading zeros",
    "plus": "the plus sign of phone numbers",
    "digits": "all digits",
}
"""What the text of an identifier has and a number has not, by kind, in messages."""


class Identifier(NamedTuple):
    """The first identifier of a column.

    Attributes:
        text: the cell.
        kind: a key of `SPELLINGS`.
    """

    text: str
    kind: str


def is_identifier(text: str) -> bool:
    """Return whether a text of digits would change if it were read as a number.

    Example:
        >>> [is_identifier(text) for text in ("007", "0", "0.5", "+4930123456", "x07")]
        [True, False, False, True, False]
    """
    return _has_leading_zeros(text) or _is_phone_number(text) or is_long_integer(text)


def _has_leading_zeros(text: str) -> bool:
    start = text[:2]
    is_padded = len(start) == 2 and start.isdecimal() and int(start[0]) == 0
    return is_padded and NUMBER.fullmatch(text) is not None


def is_long_integer(text: str) -> bool:
    """Return whether a text is an integer that float64 would change."""
    return len(text) > 15 and "." not in text and loses_precision([text])


def _is_phone_number(text: str) -> bool:
    return text[:1] == "+" and PHONE_NUMBER.fullmatch(text) is not None


def find_identifier(texts: Sequence[str]) -> Identifier | None:
    """Return the first identifier of a column of numbers, or None if all stay the same as numbers.

    Args:
        texts: the distinct texts of the column, which are numbers in some format.

    Example:
        >>> find_identifier(["10115", "01067"])
        Identifier(text='01067', kind='zeros')
        >>> find_identifier(["-05", "012"])  # numbers of three signs
    """
    joined = "\n".join(["", *texts])
    if LONG_INTEGER.search(joined) and (long := next(filter(is_long_integer, texts), None)):
        return Identifier(long, "digits")
    if PADDED.search(joined) or not joined.isascii():
        padded = next(filter(_has_leading_zeros, texts), None)
        if padded is not None and not any(map(SIGNED_ZEROS.fullmatch, texts)):
            return Identifier(padded, "zeros")
    if "\n+" in joined and "\n-" not in joined:
        phone = next(filter(_is_phone_number, texts), None)
        return None if phone is None else Identifier(phone, "plus")
    return None


def are_plain_numbers(levels: Collection[Any]) -> bool:
    """Return whether categories or labels can be those of a column of numbers.

    Example:
        >>> are_plain_numbers([7, "12", None]), are_plain_numbers(["007", "12"])
        (True, False)
    """
    return all(
        not isinstance(level, str) or level == _to_plain_number(level)
        for level in levels
        if level is not None
    )


def _to_plain_number(text: str) -> str | None:
    number = parse_float(text)
    return format_exact(number) if np.isfinite(number) else None


def describe_identifiers(columns: Mapping[str, Identifier]) -> tuple[str, ...]:
    """Return messages about columns that are text because numbers would change them.

    Example:
        >>> describe_identifiers({"zip": Identifier("01067", "zeros")})
        ("zip: read as text, to keep leading zeros (such as '01067')",)
    """
    names: dict[str, list[str]] = {}
    for name, identifier in columns.items():
        names.setdefault(identifier.kind, []).append(name)
    return tuple(
        f"{format_names(group)}: read as text, to keep {SPELLINGS[kind]} "
        f"(such as {columns[group[0]].text!r})"
        for kind, group in names.items()
    )
