"""Reader for CSV files that detects the delimiter, the encoding and the decimal sign."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from glassnet.data.parsing import NA_VALUES, parse_column, parse_float
from glassnet.errors import DataError, message, require

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Delimiters that are detected, and their names in messages."""

SNIFF_LINES = 50
"""Number of lines from which the delimiter is detected."""

ROWS_PER_TRANSPOSE = 1000
"""Number of rows that are turned into columns at a time.

A million small lists would cost Python's garbage collector seconds.
"""


def parse_csv(name: str, raw: bytes) -> tuple[dict[str, np.ndarray], tuple[str, ...], str]:
    """Return the columns of a CSV file, messages about how it was read, and its decimal sign.

    Args:
        name: file name for the messages.
        raw: contents of the file.

    Raises:
        DataError: the file is not text, has no header, no rows, two columns of one name, or a row
            whose length differs from the header's.
    """
    text, encoding = _decode(name, raw)
    delimiter = _sniff_delimiter(text)
    header, cells_by_column, n_blank = _read_cells(name, text, delimiter)
    decimal = "." if delimiter == "," else ","
    messages = [
        f"{name}: {len(cells_by_column[0]):,} rows, {len(header)} columns, "
        f"separated by {DELIMITERS[delimiter]}"
    ]
    if encoding in ("cp1252", "latin-1", "utf-16"):
        messages.append(f"read as {encoding}, because it is not UTF-8")
    if n_blank:
        messages.append(f"rows without any value, left out: {n_blank:,}")
    columns = {}
    for i, (column_name, cells) in enumerate(zip(header, cells_by_column, strict=True)):
        values = [None if (stripped := cell.strip()) in NA_VALUES else stripped for cell in cells]
        if column_name:
            column = columns[column_name] = parse_column(values, decimal)
            messages += _guess_messages(column_name, values, column, decimal)
        else:
            messages.append(_unnamed_column_message(name, i, values))
    require(
        columns,
        name,
        "a name for every column",
        error=DataError,
        column=1,
        fix="Name every column in the first line.",
    )
    return columns, tuple(messages), decimal


def _decode(name: str, raw: bytes) -> tuple[str, str]:
    """Return the text and its encoding."""
    for byte_order_mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if raw.startswith(byte_order_mark):
            return raw.decode(encoding), encoding
    fix = (
        "It contains zero bytes: it is UTF-16 without a byte order mark, or not text. "
        "Save it as UTF-8."
    )
    require(b"\0" not in raw, name, "a text file", error=DataError, starts=raw[:12], fix=fix)
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1"), "latin-1"


def _sniff_delimiter(text: str) -> str:
    """Return the delimiter that splits the header, and most first lines, into the most cells."""
    file = io.StringIO(text, newline=None)
    lines = [line for line in itertools.islice(file, SNIFF_LINES) if line.strip()]

    def count_cells(delimiter: str) -> int:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        try:
            sizes = [len(row) for row in reader] or [1]
        except csv.Error:
            return 1
        return sizes[0] if sizes.count(sizes[0]) > len(sizes) / 2 else 1

    return max(DELIMITERS, key=count_cells)


def _read_cells(name: str, text: str, delimiter: str) -> tuple[list[str], list[list[str]], int]:
    """Return the header, the cells of each column, and the number of blank rows."""
    require(
        text.strip(),
        name,
        "a table",
        error=DataError,
        characters=len(text),
        fix="The file is empty.",
    )
    header: list[str] = []
    rows: list[list[str]] = []
    blocks: list[tuple[tuple[str, ...], ...]] = []
    n_blank = 0
    for line, row in _read_rows(name, text, delimiter):
        if not "".join(row).strip():
            n_blank += bool(header and len(row) > 1)
        elif not header:
            header = [cell.strip() for cell in row]
        elif len(row) == len(header):
            rows.append(row)
        else:
            _raise_bad_row(name, header, row, line)
        if len(rows) == ROWS_PER_TRANSPOSE:
            blocks.append(tuple(zip(*rows, strict=True)))
            rows = []
    _check_header(name, header)
    if rows:
        blocks.append(tuple(zip(*rows, strict=True)))
    require(blocks, name, "rows below the header", error=DataError, rows=0)
    columns = [list(itertools.chain.from_iterable(parts)) for parts in zip(*blocks, strict=True)]
    return header, columns, n_blank


def _read_rows(name: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line number and the cells of each row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        fix = "Is a closing quote missing?"
        raise DataError(
            message(name, "cells of text", line=line, problem=str(error), fix=fix)
        ) from error


def _raise_bad_row(name: str, header: list[str], row: list[str], line: int) -> None:
    open_quote = any("\n" in cell for cell in row)
    raise DataError(
        message(
            name,
            f"{len(header)} cells in every row, as in the header",
            line=line,
            cells=len(row),
            first_cell=row[0][:30],
            fix="A closing quote is missing."
            if open_quote
            else "Put quotes around a cell that contains the delimiter.",
        )
    )


def _check_header(name: str, header: list[str]) -> None:
    column_names = [cell for cell in header if cell]
    require(
        any(np.isnan(parse_float(cell)) for cell in column_names),
        name,
        "a first line of column names",
        error=DataError,
        first_line=header[:5],
        fix="Write the names of the columns in the first line.",
    )
    duplicates = [cell for cell, count in Counter(column_names).items() if count > 1]
    require(
        not duplicates,
        name,
        "a unique name for each column",
        error=DataError,
        duplicates=duplicates,
        fix="Rename or delete one of them.",
    )


def _unnamed_column_message(name: str, position: int, values: Sequence[str | None]) -> str:
    """Describe a column without a name, which must be empty or count the rows.

    Raises:
        DataError: it holds anything else.
    """
    if not any(values):
        return "a column without a name is empty: left out"
    n = len(values)
    require(
        values in ([str(i) for i in range(n)], [str(i + 1) for i in range(n)]),
        name,
        "a name for every column",
        error=DataError,
        column=position + 1,
        fix="Name every column in the first line.",
    )
    return "the column without a name counts the rows: left out"


def _guess_messages(
    column_name: str, values: Sequence[str | None], column: np.ndarray, decimal: str
) -> list[str]:
    """Return messages about guesses that may be wrong for a column of numbers."""
    if column.dtype.kind != "f":
        return []
    messages = []
    if not np.isnan(parse_float(column_name)) and not np.isnan(column).all():
        messages.append(f"the first line was read as column names, including {column_name!r}")
    if decimal == "," and any(value and "," in value for value in values):
        messages.append(f"{column_name}: the comma was read as the decimal sign")
    return messages
