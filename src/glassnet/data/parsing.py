"""Parsers for text cells: numbers, booleans, dates and missing values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from glassnet.formatting import format_number

MAX_PLAIN = 10_000
"""Smaller integers, such as years, are written without commas."""

NA_VALUES = frozenset(
    {
        "",
        "NA",
        "<NA>",
        "N/A",
        "n/a",
        "#N/A",
        "NaN",
        "nan",
        "NaT",
        "NULL",
        "null",
        "None",
        "none",
        "?",
        "-",
        "--",
        ".",
    }
)
"""Cells that are read as missing, after blanks are stripped."""

BOOLEAN_WORDS = dict.fromkeys(("true", "yes", "y", "t", "on", "1"), 1.0) | dict.fromkeys(
    ("false", "no", "n", "f", "off", "0"), 0.0
)
"""Values of lower-case words that are read as booleans."""

ISO_DATE = re.compile(
    r"(\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?) ?(Z|[+-]\d{2}:?\d{2})?"
)
"""A date or a date and time: 2024-02-29, 2024-02-29 13:05, 2024-02-29T13:05:00+01:00.

The time zone is ignored: the result is local time.
"""

SHORT_DATE_FORMATS = (
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%m/%d/%y",
)
LONG_DATE_FORMATS = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
DATE_FORMATS = (
    "ISO",
    *(
        date + time
        for date in SHORT_DATE_FORMATS + LONG_DATE_FORMATS
        for time in ("", " %H:%M", " %H:%M:%S")
    ),
)
"""Date formats that are detected."""

OPT_IN_DATE_FORMATS = ("%Y", "%Y%m%d")
"""Date formats of digits alone, such as 2024 and 20240229, which are not detected by default."""


MIN_PANDAS_ROWS = 20_000
"""Number of cells from which pandas finds the distinct ones; for fewer, its import takes longer."""


class DistinctTexts(NamedTuple):
    """Text cells, with each distinct text stored once.

    Attributes:
        texts: the distinct texts.
        codes: the position of each cell's text in `texts`; -1 if the cell is missing.
    """

    texts: list[str]
    codes: np.ndarray

    def convert(self, function: Callable[[str], str | None]) -> DistinctTexts:
        """Return the cells with the function applied to each text; None means missing."""
        texts = list(map(function, self.texts))
        if texts == self.texts:
            return self
        positions: dict[str, int] = {}
        codes = [
            -1 if text is None else positions.setdefault(text, len(positions)) for text in texts
        ]
        return DistinctTexts(list(positions), np.array([*codes, -1])[self.codes])

    def to_objects(self) -> np.ndarray:
        """Return the cells as an array of objects, None if missing."""
        column: np.ndarray = np.array([*self.texts, None], object)[self.codes]
        return column


def factorize(cells: Sequence[str | None] | np.ndarray) -> DistinctTexts:
    """Return the distinct texts of cells, in the order of the first cell of each.

    An array of another type than text is factorized in the same way.

    Args:
        cells: text; None if missing.
    """
    column = cells if isinstance(cells, np.ndarray) else np.asarray(cells, object)
    if len(column) >= MIN_PANDAS_ROWS:
        import pandas

        codes, texts = pandas.factorize(column)
        return DistinctTexts(texts.tolist(), codes)
    positions: dict[Any, int] = {}
    found = [
        -1 if cell is None else positions.setdefault(cell, len(positions))
        for cell in column.tolist()
    ]
    return DistinctTexts(list(positions), np.array(found, np.intp))


def parse_float(text: str) -> float:
    """Return the number in a text, or NaN if there is none; underscores are not allowed."""
    try:
        return float(text) if "_" not in text else np.nan
    except ValueError:
        return np.nan


def format_exact(value: float) -> str:
    """Format a number with all its digits, and an integer without a decimal point: `1`, `0.1`."""
    return str(int(value)) if value == np.round(value) and abs(value) < 1e16 else repr(float(value))


def format_value(value: Any) -> str:
    """Return a value of a column as text; a year has no comma.

    Example:
        >>> [format_value(value) for value in (1912.0, 180921.0, 7.2512, True, float("nan"))]
        ['1912', '180,921', '7.251', 'True', 'missing']
    """
    if value is None or value != value:
        return "missing"
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[s]")).removesuffix("T00:00:00").replace("T", " ")
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return str(value)
    is_short = value == np.round(value) and abs(float(value)) < MAX_PLAIN
    return str(int(value)) if is_short else format_number(value)


def is_missing(column: np.ndarray) -> np.ndarray:
    """Return which entries are NaN, NaT or None."""
    if column.dtype.kind == "O":
        return np.asarray(column == None, bool)  # noqa: E711  (NumPy compares each entry)
    if column.dtype.kind in "Mf":
        return np.asarray(np.isnan(column))
    return np.zeros(len(column), bool)


MAX_FLOAT_DIGITS = 309
"""Number of digits of the largest integer below infinity in float64."""


def loses_precision(texts: Iterable[str]) -> bool:
    """Return whether some text is an integer that float64 would change.

    Such integers are identifiers rather than quantities.
    """
    return any(
        len(text) > 15
        and text.isascii()
        and text.lstrip("+-").isdigit()
        and (len(text.lstrip("+-0")) > MAX_FLOAT_DIGITS or float(text) != _parse_int(text))
        for text in texts
    )


def _parse_int(text: str) -> int:
    """Return an integer that may begin with more zeros than Python's `int` reads."""
    sign = -1 if text.startswith("-") else 1
    return sign * int(text.lstrip("+-0") or 0)


def parse_distinct(cells: DistinctTexts, numbers: np.ndarray | None) -> np.ndarray:
    """Return cells as booleans, numbers or dates if all of them allow it, else as text.

    Missing values become NaN, NaT or None.

    Args:
        cells: stripped text.
        numbers: the number in each distinct text, or None if they are not all numbers.
    """
    parsed = _parse_texts(cells.texts, numbers)
    if parsed is None:
        return cells.to_objects()
    missing = cells.codes < 0
    return with_missing(missing, parsed[cells.codes[~missing]], parsed.dtype)


def _parse_texts(texts: Sequence[str], numbers: np.ndarray | None) -> np.ndarray | None:
    """Return the values of the texts, or None if they are only text."""
    if texts and all(text.lower() in ("true", "false") for text in texts):
        return np.array([text.lower() == "true" for text in texts])
    if numbers is not None:
        return numbers
    if not (texts and ISO_DATE.fullmatch(texts[0])):
        return None
    dates = parse_dates(texts, "ISO")
    return None if np.isnat(dates).any() else dates


def with_missing(
    missing: np.ndarray, values: Sequence[Any] | np.ndarray, dtype: DTypeLike
) -> np.ndarray:
    """Return a column of the values, with NaN or NaT where `missing` is true.

    Booleans with missing values become the numbers 0 and 1.
    """
    dtype = np.dtype(dtype)
    if dtype.kind == "b" and missing.any():
        dtype = np.dtype(float)
    gap = {"M": np.datetime64("NaT", "s"), "b": False}.get(dtype.kind, np.nan)
    column = np.full(len(missing), gap, dtype)
    column[~missing] = values
    return column


def parse_dates(texts: Sequence[str], date_format: str) -> np.ndarray:
    """Parse texts in one date format, as datetime64[s]; NaT where a text does not match."""
    if date_format == "ISO":
        return _parse_iso_dates(texts)
    import pandas

    series = pandas.Series(texts, dtype=object)
    dates = pandas.to_datetime(series, format=date_format, errors="coerce")
    return np.array(dates, "datetime64[s]")


def _parse_iso_dates(texts: Sequence[str]) -> np.ndarray:
    matches = map(ISO_DATE.fullmatch, texts)
    moments = [match[1] if match else "NaT" for match in matches]
    try:
        return np.array(moments, "datetime64[s]")
    except ValueError:
        return np.array([_parse_moment(moment) for moment in moments], "datetime64[s]")


def _parse_moment(text: str) -> np.datetime64:
    try:
        return np.datetime64(text, "s")
    except ValueError:
        return np.datetime64("NaT", "s")


def matching_date_formats(
    texts: Sequence[str], candidates: Sequence[str] = DATE_FORMATS
) -> list[str]:
    """Return the date formats that match all texts, one for each reading of the dates."""
    formats: dict[bytes, str] = {}
    if texts and all(text[:1].isalnum() and any(map(str.isdigit, text)) for text in texts):
        for date_format in candidates:
            if np.isnat(parse_dates(texts[:20], date_format)).any():
                continue
            dates = parse_dates(texts, date_format)
            if not np.isnat(dates).any():
                formats.setdefault(dates.tobytes(), date_format)
    return list(formats.values())
