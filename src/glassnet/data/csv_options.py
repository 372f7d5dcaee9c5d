"""Options of reading a CSV file, and the advice to pass them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.errors import is_int, is_number, require

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
        missing_numbers: numbers that mean a missing cell, by column; None for all columns.
        header: the line of the column names, counted from 1; None if the file has none.
        names: the names of the columns.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: frozenset[str] | None = None
    missing_by_column: Mapping[str, frozenset[str]] = field(default_factory=dict)
    missing_numbers: Mapping[str | None, frozenset[float]] = field(default_factory=dict)
    header: int | str | None = "infer"
    names: tuple[str, ...] | None = None

    def missing_words(self, column: str) -> frozenset[str] | None:
        """Return the words that mean a missing cell in a column of text; None if not stated."""
        return self.missing_by_column.get(column, self.missing)

    def drop_missing_numbers(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return a column with NaN instead of the numbers that mean a missing cell."""
        numbers = self.missing_numbers.get(name, self.missing_numbers.get(None, frozenset()))
        if values.dtype.kind != "f" or not numbers:
            return values
        return np.where(np.isin(values, list(numbers)), np.nan, values)


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
    lists: dict[str | None, Any] = {} if missing is None else {None: missing}
    if isinstance(missing, Mapping):
        lists = {str(name): values for name, values in missing.items()}
    checked = {name: _check_missing(values) for name, values in lists.items()}
    words = {name: texts for name, (texts, _) in checked.items() if texts is not None}
    numbers = {name: values for name, (_, values) in checked.items() if values}
    for_all, names = words.pop(None, None), _check_names(names)
    by_column = {str(name): texts for name, texts in words.items()}
    return CsvOptions(delimiter, decimal, thousands, for_all, by_column, numbers, header, names)


def _check_missing(values: Any) -> tuple[frozenset[str] | None, frozenset[float]]:
    """Return the words and the numbers of a list. Without words, those are None: not stated."""
    is_list = isinstance(values, Iterable) and not isinstance(values, str)
    values = list(values) if is_list else values
    fits = is_list and all(isinstance(value, str) or is_number(value) for value in values)
    expected = 'missing to be a list of words and numbers, ["NA", -999], or a dict of such lists'
    require(fits, "read_table", expected, missing=values)
    words = frozenset(value.strip() for value in values if isinstance(value, str))
    numbers = frozenset(float(value) for value in values if not isinstance(value, str))
    return (words if words or not numbers else None), numbers


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
    text = f'"{value}"' if isinstance(value, str) else repr(value).replace("'", '"')
    return text.replace("\t", "\\t")


def _flag(value: Any) -> str:
    if isinstance(value, Mapping):
        text = " ".join(f"{name}={','.join(words)}" for name, words in value.items())
    elif isinstance(value, list | tuple):
        text = ",".join(map(str, value))
    else:
        text = "none" if value is None else str(value).replace("\t", "tab")
    return text if PLAIN_FLAG.fullmatch(text) else f'"{text}"'
