"""A trace in a notebook: the same numbers as on the screen, tinted by sign and size."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from glassnet.inspection.trace import render_text

if TYPE_CHECKING:
    from glassnet.inspection.trace.trace import Trace

MAX_ROWS = 16
"""An array of more rows than this is shown by its shape and range."""

STYLE = (
    "<style>.gn-trace{border-collapse:collapse;font-size:13px}"
    ".gn-trace td,.gn-trace th{text-align:left;vertical-align:top;padding:2px 10px;border:0;background:none}"
    ".gn-trace table td{text-align:right;padding:1px 5px;font:12px ui-monospace,monospace}"
    ".gn-trace .gn-link td{border-top:1px solid #cbd5e0;font-weight:600;padding-top:6px}</style>"
)


def render_page(trace: Trace) -> str:
    """The trace as an HTML table: forward, derivative and update beside each other, link by link.

    Args:
        trace: to be shown.
    """
    heads = (
        "",
        "forward ↓",
        "dL/d· ↑",
        f"{escape(type(trace.program.optimizer).__name__)} at {trace.rate:g} adds",
    )
    rows = [
        "<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>",
        _render_row("x", trace.x, trace.links[0].d_input),
    ]
    for link, does in render_text.iter_formulas(trace):
        rows.append(
            f'<tr class="gn-link"><td>{escape(link.name)}</td><td colspan="3">{escape(does)}</td></tr>'
        )
        rows += [_render_row(key, np.atleast_1d(value)) for key, value in link.state.items()]
        for key, value in link.params.items():
            rows.append(
                _render_row(
                    render_text.SYMBOLS.get(key, key),
                    value,
                    link.d_params.get(key),
                    link.update.get(key),
                )
            )
        rows.append(_render_row(render_text.get_output_symbol(link), link.output, link.delta))
    loss = f"{escape(trace.program.loss.display_name)} = {trace.loss:.6g}"
    rows.append(f'<tr class="gn-link"><td>loss</td><td colspan="3">{loss}</td></tr>')
    return f'{STYLE}<table class="gn-trace">{"".join(rows)}</table>'


def _render_row(label: str, *arrays: np.ndarray | None) -> str:
    cells = "".join(f"<td>{'' if array is None else _render_array(array)}</td>" for array in arrays)
    return f"<tr><td>{escape(label)}</td>{cells}</tr>"


def _render_array(array: np.ndarray) -> str:
    rows = np.atleast_2d(array)
    if rows.ndim > 2 or rows.shape[1] > render_text.MAX_UNITS or len(rows) > MAX_ROWS:
        return escape(render_text.format_range(array))
    largest = float(np.abs(rows).max()) or 1.0
    lines = ["".join(_render_number(float(value), largest) for value in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _render_number(value: float, largest: float) -> str:
    colour = "66,133,244" if value > 0 else "219,68,55"
    return f'<td style="background:rgba({colour},{0.45 * abs(value) / largest:.2f})">{render_text.format_number(value)}</td>'
