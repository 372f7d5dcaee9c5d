"""Render a trace as text on one screen."""

from __future__ import annotations

import textwrap

from glassnet.inspection.trace import quantities
from glassnet.inspection.trace.formatting import MAX_UNITS, format_array
from glassnet.inspection.trace.quantities import Quantity
from glassnet.inspection.trace.trace_data import TraceData

MAX_SCREEN_LINES = 40
"""Maximum height: if a trace needs more lines, smaller arrays are shown by their range as well."""

LINE_WIDTH = 118
"""Maximum width of wrapped text."""

Cells = tuple[list[str], list[str], list[str], list[str]]
"""One quantity on the screen: the lines of its symbol, values, derivatives and updates."""


def render_screen(trace: TraceData) -> str:
    """Render the pass in three columns: forward pass, derivatives, update.

    The forward pass reads downwards, the backward pass upwards.

    Args:
        trace: the trace to render.
    """
    return "\n".join(_render_lines(trace, choose_max_units(trace)))


def choose_max_units(trace: TraceData) -> int:
    """Return the largest width of arrays shown in full with which the trace fits on one screen."""
    for max_units in (MAX_UNITS, 8, 4):
        if len(_render_lines(trace, max_units)) <= MAX_SCREEN_LINES:
            return max_units
    return 0


def _render_lines(trace: TraceData, max_units: int) -> list[str]:
    headings = quantities.get_headings(trace)
    sections = [
        (f"─ {name}  {formula}" if name else "", [_format_cells(q, max_units) for q in group])
        for name, formula, group in quantities.iter_sections(trace)
    ]
    table = [cells for _, group in sections for cells in group]
    widths = [
        max(len(line) for cells in table for line in [*cells[i], headings[i]]) for i in range(3)
    ]

    def join(*texts: str) -> str:
        padded = (text.ljust(width) for text, width in zip(texts, widths, strict=False))
        return "   ".join([*padded, texts[-1]]).rstrip()

    lines = [*_render_title(trace), join(*headings)]
    for title, group in sections:
        lines += [title] if title else []
        for cells in group:
            for i in range(max(map(len, cells))):
                lines.append(join(*(column[i] if i < len(column) else "" for column in cells)))
    lines.append(f"─ loss  {quantities.format_loss(trace)}")
    if trace.preprocessor is not None:
        lines.append("─ " + trace.preprocessor.target.describe_output(trace.output))
    return lines


def _render_title(trace: TraceData) -> list[str]:
    lines, names = [quantities.format_title(trace)], trace.feature_names
    if 0 < len(names) <= MAX_UNITS:
        lines += textwrap.wrap(f"x: {', '.join(names)}", LINE_WIDTH, subsequent_indent="   ")
    return lines


def _format_cells(quantity: Quantity, max_units: int) -> Cells:
    missing = ["frozen"] if quantity.frozen else []
    value, derivative, update = (
        missing if array is None else format_array(array, max_units)
        for array in (quantity.value, quantity.derivative, quantity.update)
    )
    return [quantity.symbol], value, derivative, update
