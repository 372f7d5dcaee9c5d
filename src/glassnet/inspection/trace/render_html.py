"""Render a trace as an HTML table for notebooks, tinted by sign and size."""

from __future__ import annotations

from html import escape

import numpy as np

from glassnet.inspection.trace import quantities
from glassnet.inspection.trace.formatting import (
    MAX_UNITS,
    format_cell,
    format_range,
    split_lines,
)
from glassnet.inspection.trace.quantities import Quantity
from glassnet.inspection.trace.render_text import choose_max_units
from glassnet.inspection.trace.trace_data import TraceData

STYLE = """<style>
table.gn-trace.gn-trace {border-collapse: collapse; font-size: 13px; margin: 0}
table.gn-trace.gn-trace caption {caption-side: top; text-align: left; padding: 2px 6px;
  font-weight: 600; color: inherit}
table.gn-trace.gn-trace tbody tr {background: none}
table.gn-trace.gn-trace tbody td, table.gn-trace.gn-trace tbody th {text-align: left;
  vertical-align: top; padding: 2px 6px; border: 0; white-space: nowrap; max-width: none}
table.gn-trace.gn-trace table {border-collapse: collapse; margin: 0; border: 0}
table.gn-trace.gn-trace table tbody td {text-align: right; padding: 1px 4px;
  font: 11px ui-monospace, monospace}
table.gn-trace.gn-trace tbody tr.gn-link td {border-top: 1px solid #cbd5e0; font-weight: 600;
  padding-top: 6px; white-space: pre-wrap}
</style>"""
"""The class name stands twice in each selector, so that it is stronger than a notebook's own."""


def render_page(trace: TraceData) -> str:
    """Render the trace as an HTML table with a column for values, derivatives and updates.

    Arrays that the screen shows by their range are shown by it here, too.

    Args:
        trace: the trace to render.
    """
    max_units = choose_max_units(trace)
    headings = "".join(f"<th>{escape(text)}</th>" for text in quantities.get_headings(trace))
    rows = [f"<tr>{headings}</tr>"]
    for name, formula, group in quantities.iter_sections(trace):
        rows += [_render_title(name, formula)] if name else []
        rows += [_render_row(quantity, max_units) for quantity in group]
    rows.append(_render_title("loss", quantities.format_loss(trace)))
    if trace.preprocessor is not None:
        rows.append(_render_title("", trace.preprocessor.target.describe_output(trace.output)))
    return f'{STYLE}<table class="gn-trace">{_render_caption(trace)}{"".join(rows)}</table>'


def _render_caption(trace: TraceData) -> str:
    lines, names = [quantities.format_title(trace)], trace.feature_names
    if 0 < len(names) <= MAX_UNITS:
        lines.append(f"x: {', '.join(names)}")
    return f"<caption>{'<br>'.join(map(escape, lines))}</caption>"


def _render_title(name: str, text: str) -> str:
    return f'<tr class="gn-link"><td>{escape(name)}</td><td colspan="3">{escape(text)}</td></tr>'


def _render_row(quantity: Quantity, max_units: int) -> str:
    arrays = (quantity.value, quantity.derivative, quantity.update)
    missing = "frozen" if quantity.frozen else ""
    cells = (missing if array is None else _render_array(array, max_units) for array in arrays)
    columns = "".join(f"<td>{cell}</td>" for cell in cells)
    return f"<tr><td>{escape(quantity.symbol)}</td>{columns}</tr>"


def _render_array(array: np.ndarray, max_units: int) -> str:
    rows = split_lines(array, max_units)
    if rows is None:
        return escape(format_range(array))
    largest = float(np.abs(array).max(initial=0)) or 1.0
    lines = (
        "".join(_render_number(float(value), largest) for value in line)
        for row in rows
        for line in row
    )
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _render_number(value: float, largest: float) -> str:
    color = "66,133,244" if value > 0 else "219,68,55"
    style = f"background:rgba({color},{0.45 * abs(value) / largest:.2f})"
    return f'<td style="{style}">{format_cell(value)}</td>'
