"""Render a trace as text on one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import numpy as np

from glassnet.formatting import format_number
from glassnet.inspection.trace.formatting import (
    MAX_LINES,
    MAX_UNITS,
    format_array,
    format_operand,
)
from glassnet.inspection.trace.trace_data import LinkTrace, TraceData
from glassnet.layers import Activation, Composite
from glassnet.layers.recurrent import Recurrent

MAX_SCREEN_LINES = 40
"""Maximum height: if a trace needs more lines, smaller arrays are shown by their range as well."""

LINE_WIDTH = 118
"""Maximum width of wrapped text."""

SYMBOLS = {"kernel": "W", "recurrent_kernel": "U", "bias": "b"}
"""Symbols of params in formulas."""

Cells = tuple[str, list[str], list[str], list[str]]
"""One quantity on the screen: its symbol, and the lines of its values, derivatives and updates."""


def format_formula(link: LinkTrace) -> str:
    """Return the formula of a link."""
    layer = link.link
    if not isinstance(layer, Activation):
        return layer.formula()
    formula = f"{get_output_symbol(link)} = {layer.activation_name}(z)"
    if not link.fused_with_loss:
        return formula
    formula += ", combined with the loss"
    if link.gradient_denominator == 0:
        return formula
    if link.gradient_denominator == 1:
        return f"{formula}: dL/dz = p - y"
    return f"{formula}: dL/dz = (p - y) / {link.gradient_denominator}"


def iter_formulas(trace: TraceData) -> Iterator[tuple[LinkTrace, str]]:
    """Yield every link with its formula; the first link of a branch also names its input."""
    previous = "x"
    for link in trace.links:
        is_branch = link.source != previous and not isinstance(link.link, Composite)
        yield link, format_formula(link) + (f", x from {link.source}" if is_branch else "")
        previous = link.name


def get_output_symbol(link: LinkTrace) -> str:
    """Return the symbol of a link's output: z, a, p, h or y."""
    if isinstance(link.link, Recurrent):
        return "h"
    if isinstance(link.link, Activation):
        return "p" if link.fused_with_loss else "a"
    return "z" if link.link.formula().startswith("z = ") else "y"


def render_screen(trace: TraceData) -> str:
    """Render the pass in three columns: forward pass, derivatives, update.

    The forward pass reads downwards, the backward pass upwards.

    Args:
        trace: the trace to render.
    """
    lines: list[str] = []
    for max_units in (MAX_UNITS, 8, 4, 0):
        lines = _render_lines(trace, max_units)
        if len(lines) <= MAX_SCREEN_LINES:
            break
    return "\n".join(lines)


def _render_lines(trace: TraceData, max_units: int) -> list[str]:
    optimizer = type(trace.program.optimizer).__name__
    headings = ("", "forward ↓", "dL/d· ↑", f"{optimizer} at {format_number(trace.rate)} adds")
    sections = list(_iter_sections(trace, max_units))
    table = [([symbol], *columns) for _, group in sections for symbol, *columns in group]
    widths = [
        max(len(line) for cells in table for line in [*cells[i], headings[i]]) for i in range(3)
    ]

    def join(*texts: str) -> str:
        padded = (text.ljust(width) for text, width in zip(texts, widths, strict=False))
        return "   ".join([*padded, texts[-1]]).rstrip()

    lines = [*_render_title(trace), join(*headings)]
    for title, group in sections:
        lines += [title] if title else []
        for symbol, *columns in group:
            for i in range(max(map(len, columns))):
                texts = (column[i] if i < len(column) else "" for column in columns)
                lines.append(join(symbol if i == 0 else "", *texts))
    lines.append(_render_loss(trace))
    if trace.preprocessor is not None:
        lines.append("─ " + trace.preprocessor.target.describe_output(trace.output))
    return lines


def _render_title(trace: TraceData) -> list[str]:
    n, names = len(trace.x), trace.feature_names
    rows = "1 row" if n == 1 else f"{n} rows: deltas are of their mean loss"
    mode = "training: noise and batch statistics on" if trace.training else "inference: no noise"
    lines = [f"Trace of {rows}; {mode}"]
    if 0 < len(names) <= MAX_UNITS:
        lines += textwrap.wrap(f"x: {', '.join(names)}", LINE_WIDTH, subsequent_indent="   ")
    return lines


def _iter_sections(trace: TraceData, max_units: int) -> Iterator[tuple[str, list[Cells]]]:
    """Yield the title and the cells of the input and of every link."""
    d_input = format_array(trace.links[0].d_input, max_units)
    yield "", [("x", format_array(trace.x, max_units), d_input, [])]
    for link, formula in iter_formulas(trace):
        output: Cells = (
            get_output_symbol(link),
            format_array(link.output, max_units),
            format_array(link.delta, max_units),
            [],
        )
        yield f"─ {link.name}  {formula}", [*_iter_param_cells(link, max_units), output]


def _iter_param_cells(link: LinkTrace, max_units: int) -> Iterator[Cells]:
    for key, value in link.state.items():
        yield key, format_array(np.atleast_1d(value), max_units), [], []
    for key, value in link.params.items():
        is_column = value.ndim == 2 and value.shape[1] == 1 and len(value) > 1
        values, gradient, update = (
            ["frozen"]
            if array is None
            else format_array(array[:, 0] if is_column else array, max_units)
            for array in (value, link.d_params.get(key), link.update.get(key))
        )
        yield SYMBOLS.get(key, key) + ("ᵀ" if is_column else ""), values, gradient, update


def _render_loss(trace: TraceData) -> str:
    loss, text = trace.program.loss, format_number(trace.loss, digits=6)
    if loss.report_scale != 1:
        text += f", reported as {format_number(trace.loss * loss.report_scale, digits=6)}"
    if trace.y.size <= MAX_LINES:
        text += f"   target y = {' '.join(format_operand(y) for y in trace.y.flat)}"
    return f"─ loss  {loss.display_name} = {text}"
