"""Reader for CSV files that detects the delimiter, the header, the encoding and number formats."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence

from glassnet.data import csv_header
from glassnet.data.csv_columns import ColumnParser, CsvContents
from glassnet.data.csv_layout import VALUE, Layout, find_layout, read_first_lines
from glassnet.data.csv_options import CsvOptions, advise
from glassnet.data.number_format import candidate_formats
from glassnet.data.pandas_csv import Column, CsvColumns, CsvRows, count_rows
from glassnet.data.parsing import NA_VALUES, DistinctTexts, factorize
from glassnet.errors import DataError, message, require

UTF8_MARK = b"\xef\xbb\xbf"
"""Byte order mark of UTF-8."""

BYTE_ORDER_MARKS = (
    (UTF8_MARK, "utf-8-sig"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
"""First bytes of text files, and the encodings that they state."""

FILE_KINDS = {
    b"\x1f\x8b": "gzip",
    b"PK\3\4": "ZIP or Excel",
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"\xd0\xcf\x11\xe0": "old Excel",
    b"%PDF": "PDF",
    b"\x89HDF": "HDF5",
    b"SQLite format 3": "SQLite",
    b"\x93NUMPY": "NumPy",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "XZ",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
"""First bytes of files that are no text, by kind."""

HTML_START = re.compile(r"\s*<(!doctype|html|\?xml)", re.IGNORECASE)

END_MARK = "\0\0"
"""Line behind the last one, which shows whether a quote is open there."""

LONE_RETURN = re.compile(rb"\r(?!\n)")
"""Line end of old Macs, after which pandas may lose an empty cell."""

MIN_PANDAS_BYTES = 1_000_000
"""Size of a file from which pandas reads it. Below it, importing pandas takes longer."""

ROWS_PER_TRANSPOSE = 1000
"""Number of rows that are turned into columns at a time.

A million small lists would cost Python's garbage collector seconds.
"""


def parse_csv(name: str, raw: bytes, options: CsvOptions | None = None) -> CsvContents:
    """Return the contents of a CSV file.

    Args:
        name: file name for the messages.
        raw: contents of the file.
        options: what the user says about the file.

    Raises:
        DataError: the file is not text, has no header, no rows, two columns of one name, a row
            whose length differs from the header's, or numbers that can be read in two ways.
    """
    options = options or CsvOptions()
    text, encoding = decode_csv(name, raw)
    layout = find_layout(name, text, options)
    cells = None
    if len(raw) >= MIN_PANDAS_BYTES:
        is_utf8 = encoding.startswith("utf-8") and layout.text is text
        content = raw.removeprefix(UTF8_MARK) if is_utf8 else layout.text.encode()
        cells = _read_with_pandas(content, layout, options)
    if cells is None:
        cells = CsvColumns(*_read_cells(name, layout))
    header, columns = layout.header, cells.columns
    require(columns, name, "rows below the header", error=DataError, rows=0)
    texts = {
        i: column.convert(lambda cell: cell.strip() or None)
        for i, column in enumerate(columns)
        if isinstance(column, DistinctTexts)
    }
    if options.header == "infer" and options.names is None:
        stripped = [texts.get(i, column) for i, column in enumerate(columns)]
        csv_header.check_header_row(name, header, stripped, layout.start_line)
    csv_header.check_names(name, header)
    messages = [
        f"{name}: {count_rows(columns[0]):,} rows, {len(header)} columns, "
        f"separated by {layout.delimiter_name}",
        *layout.messages,
    ]
    if encoding in ("cp1252", "latin-1", "utf-16", "utf-32"):
        messages.append(f"read as {encoding}, because it is not UTF-8")
    if cells.n_blank:
        messages.append(f"rows without any value, left out: {cells.n_blank:,}")
    parser = ColumnParser(name, layout, cells, texts, options)
    return parser.parse(messages)


def find_encoding(raw: bytes) -> str | None:
    """Return the encoding that the first bytes of a file state, or None."""
    marks = (encoding for mark, encoding in BYTE_ORDER_MARKS if raw.startswith(mark))
    return next(marks, None)


def decode_csv(name: str, raw: bytes) -> tuple[str, str]:
    """Return the text of a CSV file and its encoding.

    Raises:
        DataError: the file is not text, or is damaged.
    """
    if marked := find_encoding(raw):
        try:
            return raw.decode(marked), marked
        except UnicodeDecodeError as error:
            expected = f"text in {marked}, as its first bytes say"
            fix = "The file is damaged or incomplete. Save it as UTF-8 again."
            problem = {"byte": error.start, "problem": error.reason}
            raise DataError(message(name, expected, fix=fix, **problem)) from error
    _require_text(name, raw)
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1"), "latin-1"


def _require_text(name: str, raw: bytes) -> None:
    """Refuse files of other kinds under a table's name.

    Raises:
        DataError: the kind, and what to do.
    """
    kind = next((kind for start, kind in FILE_KINDS.items() if raw.startswith(start)), None)
    fix = f"It is a {kind} file under another name: unpack it, or give it its own suffix."
    require(kind is None, name, "a text file", error=DataError, starts=raw[:12], fix=fix)
    fix = (
        "It contains zero bytes: it is UTF-16 without a byte order mark, or not text. "
        "Save it as UTF-8."
    )
    require(b"\0" not in raw, name, "a text file", error=DataError, starts=raw[:12], fix=fix)
    start = raw[:400].decode("latin-1")
    is_page = HTML_START.match(start) is not None
    fix = "It is a web page or XML: the download may have failed."
    require(not is_page, name, "a table", error=DataError, starts=start[:40], fix=fix)


def _read_with_pandas(content: bytes, layout: Layout, options: CsvOptions) -> CsvColumns | None:
    """Return the columns as `_read_cells` does.

    Returns None if pandas refuses them, or may not read them as the csv module does.

    Args:
        content: the file in UTF-8.
        layout: delimiter, header and start of the rows.
        options: what the user says about the file.
    """
    lines = read_first_lines(layout.text, layout.start_line or 1)
    reader = csv.reader(
        lines[layout.start_line :], delimiter=layout.delimiter, skipinitialspace=True
    )
    try:
        rows = [row for row in reader if len(row) > 1 or "".join(row).strip()]
    except csv.Error:
        return None
    start = len("".join(lines[: layout.start_line]).encode())
    has_lone_returns = b"\r" in content and LONE_RETURN.search(content) is not None
    has_marks = b"\0" in content or content.startswith(UTF8_MARK, start)
    is_regular = bool(rows) and len(rows[0]) == len(layout.header)
    if has_lone_returns or has_marks or not is_regular or not layout.delimiter.isascii():
        return None
    stated = itertools.chain(options.missing or (), *options.missing_by_column.values())
    has_other_words = not NA_VALUES.issuperset(stated)
    formats = candidate_formats(layout.numbers_delimiter, options.decimal, options.thousands)
    csv_rows = CsvRows(
        content,
        start,
        layout.delimiter,
        layout.header,
        rows,
        has_other_words or not any(each.decimal == "." for each in formats),
        all(each.decimal == "." for each in formats),
        options.missing_by_column.keys(),
    )
    return csv_rows.read()


def _read_cells(name: str, layout: Layout) -> tuple[list[Column], int]:
    """Return the cells of each column, and the number of blank rows."""
    rows: list[list[str]] = []
    blocks: list[tuple[tuple[str, ...], ...]] = []
    n_blank, n_columns = 0, len(layout.header)
    for line, row in _read_rows(name, layout):
        if not "".join(row).strip():
            n_blank += len(row) > 1
        elif len(row) == n_columns:
            rows.append(row)
        elif len(row) == n_columns + 1 and not row[-1].strip():
            rows.append(row[:-1])
        else:
            _raise_bad_row(name, layout, row, line)
        if len(rows) == ROWS_PER_TRANSPOSE:
            blocks.append(tuple(zip(*rows, strict=True)))
            rows = []
    if rows:
        blocks.append(tuple(zip(*rows, strict=True)))
    columns: list[Column] = [
        factorize(list(itertools.chain.from_iterable(parts))) for parts in zip(*blocks, strict=True)
    ]
    return columns, n_blank


def _read_rows(name: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line number and the cells of each row below the header."""
    file = io.StringIO(layout.text, newline="")
    for _ in range(layout.start_line):
        file.readline()
    lines: list[str] = []

    def read_lines() -> Iterator[str]:
        for line in file:
            lines.append(line)
            yield line
        yield END_MARK

    reader = csv.reader(read_lines(), delimiter=layout.delimiter, skipinitialspace=True)
    first_line = layout.start_line + 1
    try:
        for row in reader:
            if row and row[-1].endswith(END_MARK):
                if lines:
                    _raise_open_quote(name, first_line, lines)
                return
            if len(lines) > 1:
                _check_quotes(name, first_line, lines, layout.delimiter)
            yield first_line, row
            first_line += len(lines)
            lines.clear()
    except csv.Error as error:
        fix = "Is a closing quote missing?"
        raise DataError(
            message(name, "cells of text", line=first_line, problem=str(error), fix=fix)
        ) from error


def _check_quotes(name: str, line: int, lines: Sequence[str], delimiter: str) -> None:
    """Refuse a row of several lines in which text follows a closing quote.

    That quote belongs to another cell, and the rows between them would be lost.
    """
    try:
        list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        _raise_open_quote(name, line, lines)


def _raise_open_quote(name: str, line: int, lines: Sequence[str]) -> None:
    expected, fix = "a closing quote for each opening one", "A closing quote is missing."
    received = {"line": line, "text": lines[0].rstrip("\r\n")[:60], "lines_swallowed": len(lines)}
    raise DataError(message(name, expected, fix=fix, **received))


def _raise_bad_row(name: str, layout: Layout, row: list[str], line: int) -> None:
    header, header_line = layout.header, layout.start_line
    open_quote = any("\n" in cell for cell in row)
    fix = "Put quotes around a cell that contains the delimiter."
    if open_quote:
        fix = "A closing quote is missing."
    elif len(row) < len(header):
        fix = "Delete the line if it is a note; else write a delimiter for each missing cell."
    elif len(header) == 1 and layout.delimiter == "," and all(map(VALUE.fullmatch, row)):
        fix = f"If the comma is a decimal sign, pass {advise(name, delimiter=';', decimal=',')}."
    elif len(row) == len(header) + 1:
        advice = advise(name, header=max(header_line, 1), names=["row", *header])
        fix += f" If the first column has no name: {advice}."
    raise DataError(
        message(
            name,
            f"{len(header)} cells in every row, as in the header",
            line=line,
            cells=len(row),
            first_cell=row[0][:30],
            fix=fix,
        )
    )
