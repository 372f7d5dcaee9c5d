"""Format numbers and arrays for the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

NUMBERS_PER_LINE = 4
"""Maximum number of values side by side in one column of the screen."""

MAX_LINES = 4
"""Arrays that need more lines are shown by their shape and range."""

MAX_UNITS = 16
"""Arrays with more columns are shown by their shape and range."""


def format_number(value: Any) -> str:
    """Format a number in at most eight characters: `0`, `-0.4162`, `12.35`, `1.2e-05`."""
    size = abs(float(value))
    if size == 0:
        return "0"
    if 5e-4 <= size < 10:
        return f"{value:.4f}"
    return f"{value:.4g}" if 10 <= size < 1e4 else f"{value:.1e}"


def format_operand(value: Any) -> str:
    """Format a number in an expression: `7`, `0.9991`, and negative ones in parentheses."""
    text = f"{float(value):.4g}"
    return f"({text})" if text.startswith("-") else text


def format_array(array: np.ndarray, max_units: int = MAX_UNITS) -> list[str]:
    """Format an array as lines: all its values if they fit, otherwise its shape and range."""
    rows = np.atleast_2d(array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array)
    lines_per_row = -(-rows.shape[1] // NUMBERS_PER_LINE)
    is_large = rows.shape[1] > max_units or len(rows) * lines_per_row > MAX_LINES
    if array.ndim > 2 or is_large:
        return [format_range(array)]
    lines = []
    for row in rows:
        chunks = [row[i : i + NUMBERS_PER_LINE] for i in range(0, len(row), NUMBERS_PER_LINE)]
        for i, chunk in enumerate(chunks):
            opening, closing = "[" if i == 0 else " ", "]" if i == len(chunks) - 1 else ""
            lines.append(opening + " ".join(f"{format_number(v):>7}" for v in chunk) + closing)
    return lines


def format_range(array: np.ndarray) -> str:
    """Format an array by its shape, minimum and maximum: `64x128: -0.2301 to 0.2299`."""
    shape = "x".join(map(str, array.shape))
    return f"{shape}: {format_number(array.min())} to {format_number(array.max())}"
