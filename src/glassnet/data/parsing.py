"""What text says: numbers, truths, days; and what says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

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
"""What a cell of text says where it says nothing, besides blanks."""

BOOLEAN_WORDS = dict.fromkeys(("true", "yes", "y", "t", "on", "1"), 1.0) | dict.fromkeys(
    ("false", "no", "n", "f", "off", "0"), 0.0
)
"""What a truth is spelt as, in small letters."""

FORMATTED_NUMBER = re.compile(
    r"(?=.*[^\d.+-])[-+(]?[$€£¥]?\s?-?(\d{1,3}([,.' ]\d{3})+|\d+)([.,]\d*)?\s?[%€$£¥]?\)?"
)
"""Numbers that are not written plainly: $1,200, 12.5 %, 1.200,00, 3,5."""

ISO_DATE = re.compile(
    r"(\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?) ?(Z|[+-]\d{2}:?\d{2})?"
)
"""A day or a moment: 2024-02-29, 2024-02-29 13:05, 2024-02-29T13:05:00+01:00; hours are those of
the clock in that zone.
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
        day + hour
        for day in SHORT_DATE_FORMATS + LONG_DATE_FORMATS
        for hour in ("", " %H:%M", " %H:%M:%S")
    ),
)
"""How days are spelt; those of numbers alone, 2024 and 20240229, are days only where that is asked
for.
"""

OPT_IN_DATE_FORMATS = ("%Y", "%Y%m%d")


def parse_float(text: str) -> float:
    """The number that text says, or NaN; "inf" says infinity, and 1_000 is a name."""
    try:
        return float(text) if "_" not in text else np.nan
    except ValueError:
        return np.nan


def format_exact(value: float) -> str:
    """A number as text, all its digits: 1 for 1.0."""
    return str(int(value)) if value == np.round(value) and abs(value) < 1e16 else repr(float(value))


def is_missing(column: np.ndarray) -> np.ndarray:
    """Which entries are NaN, NaT or None."""
    if column.dtype.kind == "O":
        return np.array([value is None for value in column], bool)
    return (
        np.isnat(column)
        if column.dtype.kind == "M"
        else np.isnan(column)
        if column.dtype.kind == "f"
        else np.zeros(len(column), bool)
    )


def loses_precision(texts: Iterable[str]) -> bool:
    """Whether some text is a whole number that float64 would change: a name, then, that happens to
    be of digits.
    """
    return any(
        len(text) > 15
        and text.isascii()
        and text.lstrip("+-").isdigit()
        and int(text) != float(text)
        for text in texts
    )


def parse_column(cells: Sequence[str | None], decimal: str) -> np.ndarray:
    """A file's cells as what they say: truths, numbers, days; or else text. A missing one is NaN,
    NaT or None.

    Args:
        cells: stripped; None where missing.
        decimal: "," for files that may write 1,5 for 1.5.
    """
    values = np.array(cells, object)
    given = dict.fromkeys(cell for cell in cells if cell is not None)
    missing = is_missing(values)
    if not given:
        return np.full(len(values), np.nan)
    if {cell.lower() for cell in given} <= {"true", "false"}:
        return with_missing(missing, [cell.lower() == "true" for cell in values[~missing]], bool)
    for replaced in (
        (given, {cell: cell.replace(",", ".") for cell in given}) if decimal == "," else (given,)
    ):
        said = {cell: parse_float(replaced[cell] or cell) for cell in given}
        if not loses_precision(given) and not any(map(np.isnan, said.values())):
            return with_missing(missing, [said[cell] for cell in values[~missing]], float)
    days = parse_dates(list(given), "ISO")
    if not np.isnat(days).any():
        said = dict(zip(given, days, strict=True))
        return with_missing(missing, [said[cell] for cell in values[~missing]], "datetime64[s]")
    return values


def with_missing(missing: np.ndarray, values: Sequence, dtype: type | str) -> np.ndarray:
    """The values given, and a gap where one is missing: NaN or NaT; truths with gaps become
    numbers, 0 and 1.
    """
    dtype = float if dtype is bool and missing.any() else dtype
    gap = (
        np.datetime64("NaT", "s")
        if np.dtype(dtype).kind == "M"
        else False
        if dtype is bool
        else np.nan
    )
    column = np.full(len(missing), gap, dtype)
    column[~missing] = values
    return column


def parse_dates(texts: Sequence[str], date_format: str) -> np.ndarray:
    """The days that text says in one spelling, datetime64[s], NaT where it does not."""
    if date_format == "ISO":
        return np.array([_parse_iso(text) for text in texts], "datetime64[s]")
    import pandas

    return np.array(
        pandas.to_datetime(pandas.Series(texts, dtype=object), format=date_format, errors="coerce"),
        "datetime64[s]",
    )


def _parse_iso(text: str) -> np.datetime64:
    found = ISO_DATE.fullmatch(text)
    try:
        return np.datetime64(found[1] if found else "NaT", "s")
    except ValueError:
        return np.datetime64("NaT", "s")


def matching_date_formats(
    texts: Sequence[str], candidates: Sequence[str] = DATE_FORMATS
) -> list[str]:
    """The spellings of days that fit all of the texts, of those that make the same days of them the
    first.
    """
    found: dict[bytes, str] = {}
    if texts and all(text[:1].isalnum() and any(map(str.isdigit, text)) for text in texts):
        for way in candidates:
            if (
                not np.isnat(parse_dates(texts[:20], way)).any()
                and not np.isnat(days := parse_dates(texts, way)).any()
            ):
                found.setdefault(days.tobytes(), way)
    return list(found.values())
