"""Render a trace as an HTML table for notebooks, tinted by sign and size."""

from __future__ import annotations

from html import escape

import numpy as np

from glassnet.formatting import format_number
from glassnet.inspection.trace.formatting import MAX_UNITS, format_cell, format_range
from glassnet.inspection.trace.render_text import SYMBOLS, get_output_symbol, iter_formulas
from glassnet.inspection.trace.trace_data import TraceData

MAX_ROWS = 16
"""Arrays with more rows are shown by their shape and range."""

STYLE = (
    "<style>.gn-trace{border-collapse:collapse;font-size:13px}"
    ".gn-trace td,.gn-trace th{text-align:left;vertical-align:top;padding:2px 10px;border:0;"
    "background:none}"
    ".gn-trace table td{text-align:right;padding:1px 5px;font:12px ui-monospace,monospace}"
    ".gn-trace .gn-link td{border-top:1px solid #cbd5e0;font-weight:600;padding-top:6px}</style>"
)


def render_page(trace: TraceData) -> str:
    """Render the trace as an HTML table with a column for values, derivatives and updates.

    Args:
        trace: the trace to render.
    """
    optimizer = escape(type(trace.program.optimizer).__name__)
    headings = ("", "forward ↓", "dL/d· ↑", f"{optimizer} at {format_number(trace.rate)} adds")
    rows = [
        "<tr>" + "".join(f"<th>{heading}</th>" for heading in headings) + "</tr>",
        _render_row("x", trace.x, trace.links[0].d_input),
    ]
    for link, formula in iter_formulas(trace):
        rows.append(_render_title(link.name, formula))
        rows += [_render_row(key, np.atleast_1d(value)) for key, value in link.state.items()]
        for key, value in link.params.items():
            arrays = (value, link.d_params.get(key), link.update.get(key))
            rows.append(_render_row(SYMBOLS.get(key, key), *arrays))
        rows.append(_render_row(get_output_symbol(link), link.output, link.delta))
    loss = f"{trace.program.loss.display_name} = {format_number(trace.loss, digits=6)}"
    rows.append(_render_title("loss", loss))
    return f'{STYLE}<table class="gn-trace">{"".join(rows)}</table>'


def _render_title(name: str, text: str) -> str:
    return f'<tr class="gn-link"><td>{escape(name)}</td><td colspan="3">{escape(text)}</td></tr>'


def _render_row(label: str, *arrays: np.ndarray | None) -> str:
    cells = "".join(f"<td>{'' if array is None else _render_array(array)}</td>" for array in arrays)
    return f"<tr><td>{escape(label)}</td>{cells}</tr>"


def _render_array(array: np.ndarray) -> str:
    rows = np.atleast_2d(array)
    if rows.ndim > 2 or rows.shape[1] > MAX_UNITS or len(rows) > MAX_ROWS:
        return escape(format_range(array))
    largest = float(np.abs(rows).max()) or 1.0
    lines = ["".join(_render_number(float(value), largest) for value in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _render_number(value: float, largest: float) -> str:
    color = "66,133,244" if value > 0 else "219,68,55"
    style = f"background:rgba({color},{0.45 * abs(value) / largest:.2f})"
    return f'<td style="{style}">{format_cell(value)}</td>'
