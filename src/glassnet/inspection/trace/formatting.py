"""Format numbers and arrays for the screen."""

from __future__ import annotations

from typing import SupportsFloat

import numpy as np

from glassnet.formatting import format_number

NUMBERS_PER_LINE = 4
"""Maximum number of values side by side in one column of the screen."""

MAX_LINES = 4
"""Arrays that need more lines are shown by their shape and range."""

MAX_UNITS = 16
"""Arrays with more columns are shown by their shape and range."""


def format_cell(value: SupportsFloat) -> str:
    """Format a number of an array in at most eight characters, aligned if it is below 10."""
    return format_number(value, decimals=4, width=8)


def format_operand(value: SupportsFloat) -> str:
    """Format a number in an expression: `7`, `0.9991`, and negative ones in parentheses."""
    text = format_number(value)
    return f"({text})" if text.startswith("-") else text


def split_lines(array: np.ndarray, max_units: int = MAX_UNITS) -> list[list[np.ndarray]] | None:
    """Return the numbers of each row in lines, or None if the array is too large to be shown."""
    if array.ndim > 2:
        return None
    rows = np.atleast_2d(array)
    lines_per_row = -(-rows.shape[1] // NUMBERS_PER_LINE)
    if rows.shape[1] > max_units or len(rows) * lines_per_row > MAX_LINES:
        return None
    starts = range(0, rows.shape[1], NUMBERS_PER_LINE)
    return [[row[i : i + NUMBERS_PER_LINE] for i in starts] for row in rows]


def format_array(array: np.ndarray, max_units: int = MAX_UNITS) -> list[str]:
    """Format an array as lines: all its values if they fit, otherwise its shape and range."""
    rows = split_lines(array, max_units)
    if rows is None:
        return [format_range(array)]
    lines = []
    for row in rows:
        for i, chunk in enumerate(row):
            opening, closing = "[" if i == 0 else " ", "]" if i == len(row) - 1 else ""
            lines.append(opening + " ".join(f"{format_cell(v):>7}" for v in chunk) + closing)
    return lines


def format_range(array: np.ndarray) -> str:
    """Format an array by its shape, minimum and maximum: `64x128: -0.2301 to 0.2299`."""
    shape = "x".join(map(str, array.shape))
    return f"{shape}: {format_cell(array.min())} to {format_cell(array.max())}"
