"""Columns of a CSV file with cells that a number would change, found in the bytes of the file.

pandas reads 007 as 7. Its columns of numbers are read again as text if such a cell is in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

PHONE_NUMBER = re.compile(rb"(?<!\d)\+\d{7}")

BLOCK_BYTES = 2**17
"""Size of the parts of a file that are searched one after another, in the processor's cache."""


def find_columns(content: bytes, start: int, delimiter: str, n_columns: int) -> set[int]:
    r"""Return the columns in which a cell may begin with a zero and a digit, or be a phone number.

    These are all columns if quotes hide where the cells are. Columns of text are not left out.

    Args:
        content: the file in UTF-8. Its rows have `n_columns` cells.
        start: position of the first row.
        delimiter: the ASCII character between cells.
        n_columns: number of columns.

    Example:
        >>> sorted(find_columns(b'a,b,c\n1,"01067",0.5\n2,10115,0.7\n', 6, ",", 3))
        [1]
    """
    found: set[int] = set()
    for text in _iter_blocks(content, start):
        block = np.frombuffer(text, np.uint8)
        cells = _find_cells(text, block, ord(delimiter))
        if len(cells):
            columns = _count_delimiters(block, ord(delimiter), cells)
            if columns is None:
                return set(range(n_columns))
            found |= columns
    return found


def _iter_blocks(content: bytes, start: int) -> Iterator[bytes]:
    """Yield parts of whole rows: each ends behind a line outside of quotes."""
    while start < len(content):
        end = content.rfind(b"\n", start, start + BLOCK_BYTES) + 1
        end = end or content.find(b"\n", start) + 1 or len(content)
        while end < len(content) and content.count(b'"', start, end) % 2:
            end = content.find(b"\n", end) + 1 or len(content)
        yield content[start:end]
        start = end


def _find_cells(text: bytes, block: np.ndarray, delimiter: int) -> np.ndarray:
    """Return the positions in a block at which a cell may begin with zeros or a phone number."""
    is_padded = block[:-1] == ord("0")
    is_padded &= block[1:] - ord("0") < 10
    before = block[:-2]
    is_padded[1:] &= (before < ord("+")) | (before == delimiter)
    cells = np.flatnonzero(is_padded) if is_padded.any() else np.array([], int)
    if b"+" in text:
        signs = [match.start() for match in PHONE_NUMBER.finditer(text)]
        cells = np.concatenate([cells, np.array(signs, int)])
    return cells


def _count_delimiters(block: np.ndarray, delimiter: int, cells: np.ndarray) -> set[int] | None:
    """Return the numbers of delimiters in front of the cells in their rows.

    Returns None if a quote is not at the edge of a cell.
    """
    is_delimiter = block == delimiter
    is_end = (block == ord("\n")) | (block == ord("\r"))
    is_quote = block == ord('"')
    if is_quote.any():
        is_edge = np.concatenate([[True], is_delimiter | is_end, [True]])
        quotes = np.flatnonzero(is_quote)
        opens, closes = is_edge[quotes], is_edge[quotes + 2]
        if len(quotes) % 2 or not (opens[::2].all() and closes[1::2].all()):
            return None
        is_outside = np.cumsum(is_quote, dtype=np.uint8) % 2 == 0
        is_delimiter &= is_outside
        is_end &= is_outside
    delimiters, ends = np.flatnonzero(is_delimiter), np.flatnonzero(is_end)
    starts = np.concatenate([[0], ends])[np.searchsorted(ends, cells)]
    columns = np.searchsorted(delimiters, cells) - np.searchsorted(delimiters, starts)
    return set(np.unique(columns).tolist())
