"""Options of reading a CSV file, and the advice to pass them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glassnet.errors import is_int, require

PLAIN_FLAG = re.compile(r"[\w=,/+-]*\w")
"""Text that a shell passes on unchanged, and that does not run into the end of a sentence."""

DECIMALS = (".", ",")
THOUSANDS = (".", ",", " ", "'")


@dataclass(frozen=True)
class CsvOptions:
    """What the user says about a CSV file; None is inferred from the file.

    Attributes:
        delimiter: the character between cells; " " for any number of blanks.
        decimal: "." or ",".
        thousands: the character between groups of three digits: ".", ",", " " or "'".
        missing: words that mean a missing cell in columns of text.
        missing_by_column: the same for single columns.
        header: the line of the column names, counted from 1; None if the file has none.
        names: the names of the columns.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: frozenset[str] | None = None
    missing_by_column: Mapping[str, frozenset[str]] = field(default_factory=dict)
    header: int | str | None = "infer"
    names: tuple[str, ...] | None = None

    def missing_words(self, column: str) -> frozenset[str] | None:
        """Return the words that mean a missing cell in a column of text; None if not stated."""
        return self.missing_by_column.get(column, self.missing)


def check_csv_options(
    delimiter: Any, decimal: Any, thousands: Any, missing: Any, header: Any, names: Any
) -> CsvOptions:
    """Return the options, checked.

    Raises:
        ConfigError: an option of another kind; the same sign for decimals and thousands.
    """
    fits = delimiter is None or (isinstance(delimiter, str) and len(delimiter) == 1)
    fits = fits and delimiter not in ('"', "\n", "\r", "\0")
    require(fits, "read_table", "delimiter to be one character", delimiter=delimiter)
    fits = decimal in (None, *DECIMALS) and thousands in (None, *THOUSANDS)
    expected = f"decimal to be one of {DECIMALS}, and thousands one of {THOUSANDS}"
    require(fits, "read_table", expected, decimal=decimal, thousands=thousands)
    fits = decimal is None or decimal != thousands
    expected = "two different signs for decimals and thousands"
    require(fits, "read_table", expected, decimal=decimal, thousands=thousands)
    fits = header in (None, "infer") or is_int(header, least=1)
    fix = "Lines are counted from 1. header=None reads a file without column names."
    require(fits, "read_table", "header to be the number of a line", header=header, fix=fix)
    by_column = {}
    if isinstance(missing, Mapping):
        by_column = {str(name): _check_words(words) for name, words in missing.items()}
        missing = None
    words = None if missing is None else _check_words(missing)
    return CsvOptions(delimiter, decimal, thousands, words, by_column, header, _check_names(names))


def _check_words(words: Any) -> frozenset[str]:
    is_list = isinstance(words, Iterable) and not isinstance(words, str)
    words = list(words) if is_list else words
    fits = is_list and all(isinstance(word, str) for word in words)
    expected = 'missing to be a list of words, ["NA"], or a dict of lists by column'
    require(fits, "read_table", expected, missing=words)
    return frozenset(word.strip() for word in words)


def _check_names(names: Any) -> tuple[str, ...] | None:
    if names is None:
        return None
    is_list = isinstance(names, Sequence) and not isinstance(names, str)
    texts = tuple(str(name).strip() for name in names) if is_list else ()
    fits = texts and all(texts) and len(set(texts)) == len(texts)
    require(fits, "read_table", "names to be a list of different names", names=names)
    return texts


def advise(file: str, **options: Any) -> str:
    """Return how to pass options of a file, in Python and on the command line.

    Example:
        >>> advise("t.csv", header=2)
        'gn.data.read_table("t.csv", header=2) in place of the path, or --header 2'
    """
    code = ", ".join(f"{name}={_quote(value)}" for name, value in options.items())
    flags = " ".join(f"--{name} {_flag(value)}" for name, value in options.items())
    return f'gn.data.read_table("{file}", {code}) in place of the path, or {flags}'


def _quote(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value).replace("'", '"')


def _flag(value: Any) -> str:
    if isinstance(value, Mapping):
        text = " ".join(f"{name}={','.join(words)}" for name, words in value.items())
    elif isinstance(value, list | tuple):
        text = ",".join(map(str, value))
    else:
        text = "none" if value is None else str(value)
    return text if PLAIN_FLAG.fullmatch(text) else f'"{text}"'
