"""Layout of a CSV file: its delimiter, the lines above its header, and the header."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from glassnet.data.csv_options import CsvOptions, advise
from glassnet.data.parsing import NA_VALUES
from glassnet.errors import DataError, require

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Delimiters that are detected, and their names in messages."""

SNIFF_LINES = 50
"""Number of lines, from the first that is not blank, from which the layout is detected."""

MAX_QUOTED = 80
"""Maximum number of characters of a line in a message."""

SEPARATOR_LINE = re.compile(r'\s*"?sep=(.)"?\s*', re.IGNORECASE)
"""Excel's first line, which names the delimiter."""

VALUE = re.compile(r"[-+($€£¥\s]*\.?\d[-\d.,:/'’\s%TZeE+)€$£¥]*")
"""A number, date or time in some format."""

CONTROL = re.compile(r"[\0-\x08\x0e-\x1f]")
"""Characters that no name has."""

TOKEN = re.compile(r'"(?:[^"]|"")*"|\S+')
"""A cell of a file separated by blanks."""


class Layout(NamedTuple):
    """Where the table of a file is.

    Attributes:
        text: the file's text, with tabs for blanks if it is separated by blanks.
        delimiter: character between cells.
        delimiter_name: its name in messages.
        header: names of the columns, empty if a column has none.
        start_line: number of lines above the rows.
        messages: what was left out above the rows.
    """

    text: str
    delimiter: str
    delimiter_name: str
    header: list[str]
    start_line: int
    messages: tuple[str, ...] = ()

    @property
    def numbers_delimiter(self) -> str:
        """The delimiter that says how numbers are written; a single column has none: "\\n"."""
        return self.delimiter if len(self.header) > 1 else "\n"


class Row(NamedTuple):
    """A row of the first lines.

    Attributes:
        line: number of its first line, from 1.
        end_line: number of its last line.
        cells: the cells, stripped.
    """

    line: int
    end_line: int
    cells: list[str]

    @property
    def n_filled(self) -> int:
        """Number of cells that are not blank."""
        return sum(map(bool, self.cells))


def find_layout(name: str, text: str, options: CsvOptions) -> Layout:
    """Find the delimiter and the header of a file.

    Raises:
        DataError: the file is empty; no line, or more than one, may be the header.
    """
    fix = "The file is empty."
    require(
        text and not text.isspace(), name, "a table", error=DataError, characters=len(text), fix=fix
    )
    lines = read_first_lines(text, options.header)
    n_above, delimiter, notes = _read_separator_line(lines)
    n_comments = _count_comment_lines(lines[n_above:])
    comments = lines[n_above : n_above + n_comments]
    n_above += n_comments
    if delimiter and not options.delimiter:
        _require_stated_delimiter(name, lines[n_above:], delimiter, n_above)
    delimiter = options.delimiter or delimiter
    if not delimiter:
        delimiter = sniff_delimiter(lines[n_above:])
        _require_names_of_blank_columns(name, lines, n_above, delimiter)
    delimiter_name = DELIMITERS.get(delimiter, f"{delimiter!r}")
    if delimiter == " ":
        text, delimiter, delimiter_name = separate_by_tabs(text), "\t", "blanks"
        lines = read_first_lines(text, options.header)
        comments = lines[n_above - n_comments : n_above]
    rows = _read_rows(lines, n_above, delimiter)
    finder = HeaderFinder(name, delimiter, rows, comments, options)
    header, start_line, more_notes = finder.find()
    return Layout(text, delimiter, delimiter_name, header, start_line, (*notes, *more_notes))


def read_first_lines(text: str, header: int | str | None = "infer") -> list[str]:
    """Return the blank lines above the table and `SNIFF_LINES` lines from there or the header."""
    n_lines = SNIFF_LINES + (header if isinstance(header, int) else 0)
    blank = re.match(r"(?:[^\S\r\n]*(?:\r\n|\r|\n))*", text)
    start, size = blank.end() if blank else 0, 2**16
    while True:
        file = io.StringIO(text[start : start + size], newline="")
        lines = list(itertools.islice(file, n_lines + 1))
        if len(lines) > n_lines or size >= len(text) - start:
            break
        size *= 4
    above = list(io.StringIO(text[:start], newline=""))
    return above + lines[:n_lines]


def _read_separator_line(lines: Sequence[str]) -> tuple[int, str, tuple[str, ...]]:
    """Return the number of lines up to `sep=`, the delimiter it names, and a message."""
    first = next(i for i, line in enumerate(lines) if line.strip())
    match = SEPARATOR_LINE.fullmatch(lines[first].rstrip("\r\n"))
    if match is None:
        return first, "", ()
    return first + 1, match[1], (f"the first line names the delimiter: {match[0].strip()}",)


def _count_comment_lines(lines: Sequence[str]) -> int:
    """Return the number of lines at the top that begin with #, and of blank lines between them."""
    n = 0
    for i, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            n = i + 1
        elif line.strip():
            break
    return n if n < len(lines) else 0


def sniff_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits the first lines into the most cells, or " ".

    Most lines have as many cells as the first. If none of the delimiters does that, lines stand
    above the header, and the last lines decide; the comma comes last, for it may be a decimal sign.
    """
    lines = [line for line in lines if line.strip()]
    sizes = {each: _count_cells_per_line(lines, each) for each in DELIMITERS}
    n_cells = {each: _find_size(size, size[0]) for each, size in sizes.items()}
    best = max(DELIMITERS, key=n_cells.__getitem__)
    if n_cells[best] == 1:
        last = {each: size[len(size) // 2 :] for each, size in sizes.items()}
        n_cells = {each: _find_size(size, _most_common(size)) for each, size in last.items()}
        best = next((each for each in reversed(DELIMITERS) if n_cells[each] > 1), ",")
    return " " if _has_columns_of_blanks(lines, best, n_cells[best]) else best


def _count_cells_per_line(lines: Sequence[str], delimiter: str) -> list[int]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        return [len(row) for row in reader] or [1]
    except csv.Error:
        return [1]


def _find_size(sizes: Sequence[int], size: int) -> int:
    """Return a size if more than half of the lines have it, else 1."""
    return size if sizes.count(size) > len(sizes) / 2 else 1


def _most_common(values: Sequence[int]) -> int:
    return Counter(values).most_common(1)[0][0]


def _has_columns_of_blanks(lines: Sequence[str], delimiter: str, n_cells: int) -> bool:
    """Return whether blanks separate the cells: every line has as many, with numbers among them.

    Cells that another delimiter separates are text with blanks, unless they are only numbers.
    """
    rows = [TOKEN.findall(line) for line in lines]
    n = len(rows[0]) if rows else 0
    if n < 2 or len(rows) < 2 or any(len(row) != n for row in rows):
        return False
    if not any(all(VALUE.fullmatch(row[i]) for row in rows[1:]) for i in range(n)):
        return False
    if n_cells == 1:
        return not any("," in token or ";" in token for row in rows for token in row)
    cells = [line.split(delimiter)[0].split() for line in lines[1:]]
    return delimiter == "\t" and all(
        len(cell) > 2 and all(map(VALUE.fullmatch, cell)) for cell in cells
    )


def _require_stated_delimiter(name: str, lines: Sequence[str], delimiter: str, line: int) -> None:
    """Refuse a delimiter of a `sep=` line that separates nothing if another one does.

    Raises:
        DataError: with both, and the option that decides.
    """
    lines = [each for each in lines if each.strip()]
    found = sniff_delimiter(lines) if lines else delimiter
    is_unused = set(_count_cells_per_line(lines, delimiter)) == {1}
    sizes = _count_cells_per_line(lines, found)
    fits = not is_unused or _find_size(sizes, sizes[0]) == 1
    expected = "cells separated as the line sep= says"
    received = {"line": line, "sep": delimiter, "looks_like": found}
    fix = f"Pass {advise(name, delimiter=found)}."
    require(fits, name, expected, error=DataError, **received, fix=fix)


def _require_names_of_blank_columns(
    name: str, lines: Sequence[str], n_above: int, delimiter: str
) -> None:
    """Refuse columns separated by blanks, as R writes them, if a name is missing.

    Without another delimiter, one column of numbers or names in quotes show that it is a table;
    with one, all columns must be numbers.

    Raises:
        DataError: with the options that read them.
    """
    rows = [TOKEN.findall(line) for line in lines[n_above:] if line.strip()]
    if not rows:
        return
    n = len(rows[-1])
    is_table = len(rows) > 2 and n > 2 and all(len(row) == n for row in rows[1:])
    names = rows[0]
    if is_table and set(_count_cells_per_line(lines[n_above:], delimiter)) <= {0, 1}:
        columns = list(zip(*rows[1:], strict=True))[1:]
        has_quotes = all(each.startswith('"') for each in names)
        is_sure = has_quotes or any(all(map(VALUE.fullmatch, column)) for column in columns)
        is_table = is_sure and len(names) == n - 1
    else:
        is_table = is_table and all(map(VALUE.fullmatch, rows[1][1:]))
    fits = not is_table or not 1 < len(names) < n or any(map(VALUE.fullmatch, names))
    line = n_above + 1
    numbered = [f"c{i}" for i in range(n - len(names))] + [each.strip('"') for each in names]
    advice = advise(name, delimiter=" ", header=line, names=numbered)
    expected, fix = "a name for each column", f"If blanks separate the columns, pass {advice}."
    require(fits, name, expected, error=DataError, columns=n, names=names[:5], fix=fix)


def separate_by_tabs(text: str) -> str:
    """Return the text with one tab for the blanks between cells, line by line."""
    parts = re.split(r"(\r\n|\r|\n)", text)
    parts[::2] = ["\t".join(TOKEN.findall(line)) for line in parts[::2]]
    return "".join(parts)


def _read_rows(lines: Sequence[str], n_above: int, delimiter: str) -> list[Row]:
    """Return the rows of the first lines that are not blank, up to an error."""
    reader = csv.reader(lines[n_above:], delimiter=delimiter, skipinitialspace=True)
    rows, line = [], n_above + 1
    try:
        for cells in reader:
            end_line = n_above + reader.line_num
            if "".join(cells).strip():
                rows.append(Row(line, end_line, [cell.strip() for cell in cells]))
            line = end_line + 1
    except csv.Error:
        pass
    return rows


def is_value(cell: str) -> bool:
    """Return whether a cell is a number, a date, a time, or a word for a missing value."""
    return cell in NA_VALUES or VALUE.fullmatch(cell) is not None


class HeaderFinder(NamedTuple):
    """The first rows of a file, among which the header is looked for.

    Attributes:
        name: the file's name.
        delimiter: character between cells.
        rows: the first rows that are not blank.
        comments: the lines above them that begin with #.
        options: the user's options.
    """

    name: str
    delimiter: str
    rows: list[Row]
    comments: list[str]
    options: CsvOptions

    def find(self) -> tuple[list[str], int, tuple[str, ...]]:
        """Return the header, the number of lines above the rows, and messages.

        Raises:
            DataError: see `find_layout`; as many names as columns are needed.
        """
        rows, names, header = self.rows, self.options.names, self.options.header
        if isinstance(header, int):
            return self._find_stated(header)
        has_names = header == "infer" and names is not None
        if header is None or has_names:
            first = rows[0] if rows else Row(1, 0, [])
            n_columns = self._trim(first.cells, rows)
            self._check_names(len(n_columns))
            if has_names:
                self._require_no_header()
            return list(names or map(str, range(len(n_columns)))), first.line - 1, ()
        position, notes = self._choose() if rows else (0, ())
        row = rows[position] if rows else Row(1, 1, [])
        if self._is_commented_header(position):
            cells = self._comment_cells()
            return cells, row.line - 1, ("the comment above the rows is the header",)
        return self._trim(row.cells, rows[position + 1 :]), row.end_line, notes

    def _find_stated(self, line: int) -> tuple[list[str], int, tuple[str, ...]]:
        rows = [row for row in self.rows if row.line >= line]
        fits = rows and rows[0].line == line
        received: dict[str, Any] = {"header": line, "lines": [row.line for row in self.rows[:5]]}
        expected = "header to be a line with names of columns"
        require(fits, self.name, expected, error=DataError, **received)
        if self.options.names is not None:
            self._check_names(_most_common([len(row.cells) for row in rows[1:] or rows]))
            return list(self.options.names), rows[0].end_line, ()
        return self._trim(rows[0].cells, rows[1:]), rows[0].end_line, ()

    def _check_names(self, n_columns: int) -> None:
        names = self.options.names
        fits = names is None or len(names) == n_columns
        expected, n_names = "a name for each column", len(names or ())
        require(fits, self.name, expected, error=DataError, columns=n_columns, names=n_names)

    def _require_no_header(self) -> None:
        """Refuse names for a file that has a header: it would become a row."""
        first, below = self.rows[0], self.rows[1:]
        line = first.line
        require(
            not _has_contrast(first.cells, below),
            self.name,
            "a file without a line of column names, since names is passed",
            error=DataError,
            line=line,
            cells=first.cells[:5],
            fix=f"If these are column names to replace, pass {advise(self.name, header=line)} too.",
        )

    def _trim(self, header: list[str], below: Sequence[Row]) -> list[str]:
        """Return the header with as many cells as the rows if delimiters end only one of them."""
        width = _most_common([len(row.cells) for row in below]) if below else len(header)
        if width == len(header) - 1 and not header[-1]:
            return header[:-1]
        n = len(header)
        is_ended = all(not any(row.cells[n:]) for row in below if len(row.cells) == width)
        return header + [""] * (width - n) if below and is_ended else header

    def _choose(self) -> tuple[int, tuple[str, ...]]:
        """Return the position of the header among the rows, and a message about lines above it."""
        rows = self.rows
        width = _most_common([len(row.cells) for row in rows[1:] or rows])
        fits = (i for i, row in enumerate(rows) if len(row.cells) == width and row.n_filled > 1)
        position = next(fits, 0) if width > 1 else 0
        if not position or not _is_header_like(rows[position]):
            return 0, ()
        row, above = rows[position], rows[:position]
        has_gap = row.line > above[-1].end_line + 1
        is_narrow = all(each.n_filled < row.n_filled for each in above)
        is_certain = is_narrow and (has_gap or _has_contrast(row.cells, rows[position + 1 :]))
        if not is_certain and any(map(is_value, filter(None, row.cells))):
            return 0, ()
        quoted = self.delimiter.join(row.cells)[:MAX_QUOTED]
        received = {"line": row.line, "text": quoted}
        fix = f"If so, pass {advise(self.name, header=row.line)}."
        expected = f"column names in line {above[0].line}, but line {row.line} looks like them"
        require(is_certain, self.name, expected, error=DataError, **received, fix=fix)
        first, last = above[0].line, above[-1].end_line
        lines = f"line {first}" if first == last else f"lines {first} to {last}"
        text = f"left out above the column names: {lines}"
        return position, (text,)

    def _comment_cells(self) -> list[str]:
        """Return the cells of the last comment."""
        text = next((line for line in reversed(self.comments) if line.strip()), "")
        text = text.lstrip().lstrip("#").lstrip()
        rows = _read_rows([text], 0, self.delimiter)
        return rows[0].cells if rows else []

    def _is_commented_header(self, position: int) -> bool:
        """Return whether the names of the columns are in a comment.

        Raises:
            DataError: the comment or the line below it may be the header.
        """
        cells, rows = self._comment_cells(), self.rows[position:]
        if position or len(cells) < 2 or not rows or len(cells) != len(rows[0].cells):
            return False
        if not _is_header_like(Row(0, 0, cells)):
            return False
        if any(cell and is_value(cell) for cell in rows[0].cells):
            return True
        line = rows[0].line
        require(
            _has_contrast(rows[0].cells, rows[1:]),
            self.name,
            "column names either in a comment or below it",
            error=DataError,
            comment=cells[:5],
            cells=rows[0].cells[:5],
            fix=f"Pass {advise(self.name, header=line)} if line {line} holds the names; "
            f"else {advise(self.name, header=None, names=cells)}.",
        )
        return False


def _is_header_like(row: Row) -> bool:
    """Return whether a row has different names, not all of them numbers."""
    cells = row.cells[:-1] if len(row.cells) > 1 and not row.cells[-1] else row.cells
    return all(cells) and len(set(cells)) == len(cells) and not all(map(is_value, cells))


def _has_contrast(header: Sequence[str], below: Sequence[Row]) -> bool:
    """Return whether a column has text in the header, and only numbers or dates below it."""
    for i, cell in enumerate(header):
        values = [row.cells[i] for row in below if len(row.cells) == len(header)]
        if not is_value(cell) and any(values) and all(map(is_value, values)):
            return True
    return False
