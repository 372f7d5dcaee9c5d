"""Checks of a CSV file's header against the rows below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.data.csv_layout import CONTROL, VALUE, is_value
from glassnet.data.csv_options import advise
from glassnet.data.pandas_csv import Column
from glassnet.data.parsing import NA_VALUES, DistinctTexts, parse_float
from glassnet.errors import DataError, require

BOOLEANS = frozenset({"true", "false"})

MAX_TEXTS = 1000
"""Maximum number of distinct texts from which the kind of a column is seen."""

MAX_SHOWN = 5
"""Maximum number of cells in a message."""


def check_names(name: str, header: Sequence[str]) -> None:
    """Refuse two columns of one name, and names that are no text.

    Raises:
        DataError: with the names.
    """
    column_names = [cell for cell in header if cell]
    duplicates = [cell for cell, count in Counter(column_names).items() if count > 1]
    require(
        not duplicates,
        name,
        "a unique name for each column",
        error=DataError,
        duplicates=duplicates,
        fix="Rename or delete one of them.",
    )
    odd = [cell for cell in column_names if CONTROL.search(cell)]
    fix = "Is it a text file? Save it as UTF-8."
    require(not odd, name, "names of letters", error=DataError, names=odd[:MAX_SHOWN], fix=fix)


def check_header_row(
    name: str, header: Sequence[str], columns: Sequence[Column], line: int
) -> None:
    """Refuse a header that is a row of data, or below which another header stands.

    Args:
        name: file name for the messages.
        header: names of all columns.
        columns: numbers, booleans or stripped texts.
        line: number of the header's last line.

    Raises:
        DataError: with the options that read the file.
    """
    column_names = [cell for cell in header if cell]
    fix = (
        "Write the names of the columns in the first line; or, if the file has none, "
        f"pass {advise(name, header=None)}."
    )
    is_data = all(map(VALUE.fullmatch, column_names))
    received: dict[str, Any] = {"first_line": list(header[:MAX_SHOWN])}
    require(not is_data, name, "a first line of column names", error=DataError, **received, fix=fix)
    _check_repeated_header(name, header, columns)
    is_data = _reappears(header, columns) or _has_measurements(header, columns)
    expected = "a first line of column names, but its cells look like a row of data"
    require(
        not is_data, name, expected, error=DataError, **received, fix=_no_header_fix(name, line)
    )
    _check_second_header(name, header, columns, line)


def _no_header_fix(name: str, line: int) -> str:
    return (
        f"If the file has no header, pass {advise(name, header=None)}, with names=[...] to name "
        f"the columns. If line {line} holds their names, pass {advise(name, header=line)}."
    )


def _check_repeated_header(name: str, header: Sequence[str], columns: Sequence[Column]) -> None:
    """Refuse a file in which the header comes again below, as in joined files.

    Raises:
        DataError: with the cells.
    """
    texts = [column.texts for column in columns if isinstance(column, DistinctTexts)]
    pairs = list(zip(header, texts, strict=False))
    if len(texts) < len(columns) or not all(cell in others for cell, others in pairs):
        return
    is_repeated = any(
        len(others) > 2
        and not is_value(cell)
        and all(is_value(text) for text in others if text != cell)
        for cell, others in pairs
    )
    expected, fix = "one line of column names", "Delete the line that repeats them."
    cells = list(header[:MAX_SHOWN])
    require(not is_repeated, name, expected, error=DataError, repeated=cells, fix=fix)


def _reappears(header: Sequence[str], columns: Sequence[Column]) -> bool:
    """Return whether the header's cells are values of their columns.

    At least half of the columns of categories must hold their header's cell, and no column may
    have text above numbers.
    """
    n_categories = n_reappearing = 0
    for cell, column in zip(header, columns, strict=True):
        if _is_boolean(column) and cell:
            n_reappearing += cell.lower() in BOOLEANS
            n_categories += 1
        elif not isinstance(column, DistinctTexts) or _has_values_only(column):
            if cell and not is_value(cell):
                return False
        elif len(column.texts) > 1 and cell:
            n_reappearing += cell in column.texts
            n_categories += len(column.texts) <= max(len(column.codes) / 2, 2)
    return n_reappearing > 0 and 2 * n_reappearing >= n_categories


def _is_boolean(column: Column) -> bool:
    """Return whether a column is true and false."""
    if not isinstance(column, DistinctTexts):
        return column.dtype.kind == "b"
    values = [text.lower() for text in column.texts[:MAX_TEXTS] if text not in NA_VALUES]
    return bool(values) and BOOLEANS.issuperset(values)


def _has_values_only(column: Column) -> bool:
    """Return whether a column is numbers or dates, at least one."""
    if not isinstance(column, DistinctTexts):
        return True
    values = [text for text in column.texts[:MAX_TEXTS] if text not in NA_VALUES]
    return bool(values) and all(map(is_value, values))


def _has_measurements(header: Sequence[str], columns: Sequence[Column]) -> bool:
    """Return whether the header has numbers that are no names: in no order, and not only two.

    Years and wavelengths are names, and they are in order.
    """
    if sum(map(is_value, header)) < 2:
        return False
    pairs = zip(header, columns, strict=True)
    cells = [cell for cell, column in pairs if _has_values_only(column)]
    numbers = list(map(parse_float, cells))
    if len(numbers) < 2 or any(number != number for number in numbers):
        return False
    steps = np.diff(numbers)
    is_ordered = np.all(steps > 0) or np.all(steps < 0)
    return not is_ordered and (len(cells) > 2 or any("." in cell for cell in cells))


def _check_second_header(
    name: str, header: Sequence[str], columns: Sequence[Column], line: int
) -> None:
    """Refuse a row of text above columns of numbers or dates: units, or the names themselves.

    Raises:
        DataError: with the row, and the options that read the file.
    """
    first = [_first_cell(column) for column in columns]
    if any(map(VALUE.fullmatch, first)):
        return
    pairs = zip(first, columns, strict=True)
    odd = [cell for cell, column in pairs if _has_one_text_on_top(cell, column)]
    row = line + 1
    names = [cell or str(i) for i, cell in enumerate(header)]
    fix = (
        f"If line {row} holds the names of the columns, pass {advise(name, header=row)}. If it "
        f"holds their units, pass {advise(name, header=row, names=names[:MAX_SHOWN])}."
    )
    expected = "numbers or dates below the header, as in the later rows"
    received = {"line": row, "cells": first[:MAX_SHOWN]}
    require(not odd, name, expected, error=DataError, **received, fix=fix)


def _first_cell(column: Column) -> str:
    """Return the first cell, "0" for a number or boolean and "" if it is missing."""
    if not isinstance(column, DistinctTexts):
        return "" if np.isnan(column[0]) else "0"
    if _is_boolean(column) and column.codes[0] >= 0:
        return "0"
    return column.texts[column.codes[0]] if column.codes[0] >= 0 else ""


def _has_one_text_on_top(text: str, column: Column) -> bool:
    """Return whether only the first of a column's cells is text, and two or more are values."""
    if not text or text in NA_VALUES or not isinstance(column, DistinctTexts):
        return False
    others = [each for each in column.texts if each != text]
    n_values = int((column.codes >= 0).sum()) - int((column.codes == column.codes[0]).sum())
    is_alone = n_values == int((column.codes[1:] >= 0).sum())
    return is_alone and n_values > 1 and bool(others) and all(map(is_value, others))
