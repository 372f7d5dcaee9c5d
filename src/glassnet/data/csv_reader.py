"""Delimited text in: bytes to a header and columns of cells, whatever the delimiter, the quotes and
the encoding.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np

from glassnet.data.parsing import NA_VALUES, parse_column, parse_float
from glassnet.errors import DataError, message, require

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

SNIFF_LINES = 50
"""Lines that the delimiter is told from."""

ROWS_PER_TRANSPOSE = 1000
"""Rows that are turned into columns at a time: a million small lists alive at once cost Python's
collector seconds.
"""


def parse_csv(name: str, raw: bytes) -> tuple[dict[str, np.ndarray], tuple[str, ...], str]:
    """The columns of a file, what was found out in reading it, and its decimal sign.

    Raises:
        DataError: no text; no header, or a name given twice; a row of another length; no rows.
    """
    text, encoding = _decode(name, raw)
    delimiter = _sniff_delimiter(text)
    header, written, blank = _read_cells(name, text, delimiter)
    decimal = "." if delimiter == "," else ","
    said = [
        f"{name}: {len(written[0]):,} rows, {len(header)} columns, parted by {DELIMITERS[delimiter]}"
    ]
    said += (
        [f"read as {encoding}, as it is not UTF-8"]
        if encoding in ("cp1252", "latin-1", "utf-16")
        else []
    )
    said += [f"rows without any value, left out: {blank:,}"] if blank else []
    columns = {}
    for place, (key, cells) in enumerate(zip(header, written, strict=True)):
        values = [None if (cell := spaced.strip()) in NA_VALUES else cell for spaced in cells]
        if key:
            columns[key] = parse_column(values, decimal)
            said += _guess_messages(key, values, columns[key], decimal)
        else:
            said.append(_unnamed_column_message(name, place, values))
    require(
        columns,
        name,
        "a name for every column",
        error=DataError,
        column=1,
        fix="Give every column a name in the first line.",
    )
    return columns, tuple(said), decimal


def _decode(name: str, raw: bytes) -> tuple[str, str]:
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if raw.startswith(mark):
            return raw.decode(encoding), encoding
    fix = "It holds zero bytes: UTF-16 without its mark, or something else. Save it as UTF-8."
    require(b"\0" not in raw, name, "a file of text", error=DataError, starts=raw[:12], fix=fix)
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1"), "latin-1"


def _sniff_delimiter(text: str) -> str:
    """The delimiter that parts the header into the most cells, most of the first lines into as
    many; commas where none does.
    """
    lines = [
        line
        for line in itertools.islice(io.StringIO(text, newline=None), SNIFF_LINES)
        if line.strip()
    ]

    def cells(delimiter: str) -> int:
        try:
            sizes = [
                len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
            ] or [1]
        except csv.Error:
            return 1
        return sizes[0] if sizes.count(sizes[0]) > len(sizes) / 2 else 1

    return max(DELIMITERS, key=cells)


def _read_cells(name: str, text: str, delimiter: str) -> tuple[list[str], list[list[str]], int]:
    """The header, the columns below it, and how many rows were left out as they say nothing."""
    require(
        text.strip(),
        name,
        "a table",
        error=DataError,
        characters=len(text),
        fix="The file is empty.",
    )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    header: list[str] = []
    rows: list[list[str]] = []
    turned: list[tuple[tuple[str, ...], ...]] = []
    blank, line = 0, 1
    try:
        for row in reader:
            if not "".join(row).strip():
                blank += bool(header and len(row) > 1)
            elif not header:
                header = [cell.strip() for cell in row]
            elif len(row) == len(header):
                rows.append(row)
            else:
                _raise_bad_row(name, header, row, line)
            if len(rows) == ROWS_PER_TRANSPOSE:
                turned.append(tuple(zip(*rows, strict=True)))
                rows = []
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            message(
                name,
                "cells of text",
                line=line,
                problem=str(error),
                fix="Is there a quote that never ends?",
            )
        ) from error
    _check_header(name, header)
    turned += [tuple(zip(*rows, strict=True))] if rows else []
    require(turned, name, "rows below the header", error=DataError, rows=0)
    return (
        header,
        [list(itertools.chain.from_iterable(cells)) for cells in zip(*turned, strict=True)],
        blank,
    )


def _raise_bad_row(name: str, header: list[str], row: list[str], line: int) -> None:
    open_quote = any("\n" in cell for cell in row)
    fix = (
        "A quote that opens there never ends."
        if open_quote
        else "A cell that holds the delimiter stands in quotes."
    )
    place = {"line": line, "cells": len(row), "first_cell": row[0][:30]}
    raise DataError(
        message(name, f"{len(header)} cells in every row, as in the header", **place, fix=fix)
    )


def _check_header(name: str, header: list[str]) -> None:
    fix = "Write the names of the columns into the first line."
    named = [cell for cell in header if cell]
    numeric = all(not np.isnan(parse_float(cell)) for cell in named)
    require(
        not numeric,
        name,
        "a first line of column names",
        error=DataError,
        first_line=header[:5],
        fix=fix,
    )
    twice = [cell for cell, times in Counter(named).items() if times > 1]
    require(
        not twice,
        name,
        "a name of its own for every column",
        error=DataError,
        twice=twice,
        fix="Rename or delete one of them.",
    )


def _unnamed_column_message(name: str, position: int, values: Sequence[str | None]) -> str:
    """What is said of a column without a name, which may be empty or count the rows."""
    if not any(values):
        return "a column without a name is empty: left out"
    counts = values in (
        [str(i) for i in range(len(values))],
        [str(i + 1) for i in range(len(values))],
    )
    fix = "Give every column a name in the first line."
    require(counts, name, "a name for every column", error=DataError, column=position + 1, fix=fix)
    return "the column without a name counts the rows: left out"


def _guess_messages(
    key: str, values: Sequence[str | None], column: np.ndarray, decimal: str
) -> list[str]:
    """What was guessed of a column that may have been meant otherwise."""
    if column.dtype.kind != "f":
        return []
    said = []
    if not np.isnan(parse_float(key)) and not np.isnan(column).all():
        said.append(f"the first line was taken for names, {key!r} among them")
    if decimal == "," and any(value and "," in value for value in values):
        said.append(f"{key}: the comma was taken for the decimal sign")
    return said
