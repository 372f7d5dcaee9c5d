"""Reader for CSV files that detects the delimiter, the encoding and the decimal sign."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from glassnet.data.exact_times import ExactTimes, exact_times_of_text
from glassnet.data.pandas_csv import Column, CsvRows, count_rows
from glassnet.data.parsing import (
    DistinctTexts,
    factorize,
    parse_distinct,
    parse_float,
    strip_cell,
)
from glassnet.errors import DataError, message, require

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Delimiters that are detected, and their names in messages."""

UTF8_MARK = b"\xef\xbb\xbf"
"""Byte order mark of UTF-8."""

LONE_RETURN = re.compile(rb"\r(?!\n)")
"""Line end of old Macs, after which pandas may lose an empty cell."""

SNIFF_LINES = 50
"""Number of lines from which the delimiter is detected."""

MIN_PANDAS_BYTES = 1_000_000
"""Size of a file from which pandas reads it. Below it, importing pandas takes longer."""

ROWS_PER_TRANSPOSE = 1000
"""Number of rows that are turned into columns at a time.

A million small lists would cost Python's garbage collector seconds.
"""


def parse_csv(
    name: str, raw: bytes
) -> tuple[dict[str, np.ndarray], tuple[str, ...], str, dict[str, ExactTimes]]:
    """Return the columns of a CSV file, messages, its decimal sign, and exact times by column.

    Args:
        name: file name for the messages.
        raw: contents of the file.

    Raises:
        DataError: the file is not text, has no header, no rows, two columns of one name, or a row
            whose length differs from the header's.
    """
    text, encoding = _decode(name, raw)
    lines = _read_first_lines(text)
    delimiter = _sniff_delimiter(lines)
    cells = None
    if len(raw) >= MIN_PANDAS_BYTES:
        content = raw.removeprefix(UTF8_MARK) if encoding.startswith("utf-8") else text.encode()
        cells = _read_with_pandas(content, lines, delimiter)
    header, cells_by_column, n_blank = cells or _read_cells(name, text, delimiter)
    _check_header(name, header)
    require(cells_by_column, name, "rows below the header", error=DataError, rows=0)
    decimal = "." if delimiter == "," else ","
    messages = [
        f"{name}: {count_rows(cells_by_column[0]):,} rows, {len(header)} columns, "
        f"separated by {DELIMITERS[delimiter]}"
    ]
    if encoding in ("cp1252", "latin-1", "utf-16"):
        messages.append(f"read as {encoding}, because it is not UTF-8")
    if n_blank:
        messages.append(f"rows without any value, left out: {n_blank:,}")
    columns, notes, times = _parse_columns(name, header, cells_by_column, decimal)
    return columns, (*messages, *notes), decimal, times


def _parse_columns(
    name: str, header: list[str], cells_by_column: list[Column], decimal: str
) -> tuple[dict[str, np.ndarray], list[str], dict[str, ExactTimes]]:
    """Return the columns by name, messages about them, and their exact times."""
    columns, messages, times = {}, [], {}
    for i, (column_name, cells) in enumerate(zip(header, cells_by_column, strict=True)):
        if not isinstance(cells, DistinctTexts):
            columns[column_name] = cells
            messages += _guess_messages(column_name, [], cells, decimal)
            continue
        texts = cells.convert(strip_cell)
        if column_name:
            column = columns[column_name] = parse_distinct(texts, decimal)
            messages += _guess_messages(column_name, texts.texts, column, decimal)
            if column.dtype.kind == "M" and (exact_times := exact_times_of_text(texts)):
                times[column_name] = exact_times
        else:
            messages.append(_unnamed_column_message(name, i, texts))
    require(
        columns,
        name,
        "a name for every column",
        error=DataError,
        column=1,
        fix="Name every column in the first line.",
    )
    return columns, messages, times


def _decode(name: str, raw: bytes) -> tuple[str, str]:
    """Return the text and its encoding."""
    for byte_order_mark, encoding in (
        (UTF8_MARK, "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if raw.startswith(byte_order_mark):
            try:
                return raw.decode(encoding), encoding
            except UnicodeDecodeError as error:
                expected = f"text in {encoding}, as its first bytes say"
                fix = "The file is damaged or incomplete. Save it as UTF-8 again."
                problem = {"byte": error.start, "problem": error.reason}
                raise DataError(message(name, expected, fix=fix, **problem)) from error
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


def _read_first_lines(text: str) -> list[str]:
    """Return the first `SNIFF_LINES` lines."""
    size = 2**16
    while True:
        file = io.StringIO(text[:size], newline="")
        lines = list(itertools.islice(file, SNIFF_LINES + 1))
        if len(lines) > SNIFF_LINES or size >= len(text):
            return lines[:SNIFF_LINES]
        size *= 4


def _sniff_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits the header, and most first lines, into the most cells."""
    lines = [line for line in lines if line.strip()]

    def count_cells(delimiter: str) -> int:
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        try:
            sizes = [len(row) for row in reader] or [1]
        except csv.Error:
            return 1
        return sizes[0] if sizes.count(sizes[0]) > len(sizes) / 2 else 1

    return max(DELIMITERS, key=count_cells)


def _read_with_pandas(
    content: bytes, lines: Sequence[str], delimiter: str
) -> tuple[list[str], list[Column], int] | None:
    """Return the header, the columns, and the number of blank rows, as `_read_cells` does.

    Returns None if pandas refuses them, or may not read them as the csv module does.

    Args:
        content: the file in UTF-8.
        lines: the first lines.
        delimiter: character between cells.
    """
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        header = next((row for row in reader if "".join(row).strip()), [])
        n_lines = reader.line_num
        first_row = next((row for row in reader if len(row) > 1 or "".join(row).strip()), [])
    except csv.Error:
        return None
    start = len("".join(lines[:n_lines]).encode())
    is_cut = reader.line_num == SNIFF_LINES
    has_lone_returns = b"\r" in content and LONE_RETURN.search(content) is not None
    has_marks = b"\0" in content or content.startswith(UTF8_MARK, start)
    if is_cut or has_lone_returns or has_marks or len(first_row) != len(header):
        return None
    header = [cell.strip() for cell in header]
    rows = CsvRows(content, start, delimiter, header).read()
    return (header, *rows) if rows else None


def _read_cells(name: str, text: str, delimiter: str) -> tuple[list[str], list[Column], int]:
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
    if rows:
        blocks.append(tuple(zip(*rows, strict=True)))
    columns: list[Column] = [
        factorize(list(itertools.chain.from_iterable(parts))) for parts in zip(*blocks, strict=True)
    ]
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


def _unnamed_column_message(name: str, position: int, cells: DistinctTexts) -> str:
    """Describe a column without a name, which must be empty or count the rows.

    Raises:
        DataError: it holds anything else.
    """
    if not cells.texts:
        return "a column without a name is empty: left out"
    n = len(cells.codes)
    require(
        cells.texts in ([str(i) for i in range(n)], [str(i + 1) for i in range(n)]),
        name,
        "a name for every column",
        error=DataError,
        column=position + 1,
        fix="Name every column in the first line.",
    )
    return "the column without a name counts the rows: left out"


def _guess_messages(
    column_name: str, texts: Sequence[str], column: np.ndarray, decimal: str
) -> list[str]:
    """Return messages about guesses that may be wrong for a column of numbers."""
    if column.dtype.kind != "f":
        return []
    messages = []
    if not np.isnan(parse_float(column_name)) and not np.isnan(column).all():
        messages.append(f"the first line was read as column names, including {column_name!r}")
    if decimal == "," and any("," in text for text in texts):
        messages.append(f"{column_name}: the comma was read as the decimal sign")
    return messages
