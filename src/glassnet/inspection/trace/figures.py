"""Draw a trace: a small network with all its numbers, a larger one as blocks with ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassnet.formatting import format_number
from glassnet.inspection.trace import layer_traces, quantities
from glassnet.inspection.trace.layer_traces import Row
from glassnet.inspection.trace.pass_blocks import draw_blocks
from glassnet.inspection.trace.pass_figure import PassView, describe_target, draw_units
from glassnet.inspection.trace.trace_data import TraceData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


def plot_trace(trace: TraceData, row: Row, ax: Axes | None) -> Figure | SubFigure:
    """Draw a trace. See `Trace.plot`."""
    choice = layer_traces.choose_row(trace, row)
    split = layer_traces.split_units(trace)
    title, dropped = make_title(trace, choice.row), layer_traces.find_dropped(trace)
    if split is None:
        return draw_blocks(trace, choice, title, make_note(trace, choice.describe(), False), ax)
    first, layers = split
    note = make_note(trace, choice.describe(), True)
    return draw_units(PassView(trace, choice, first, layers, dropped), title, note, ax)


def make_title(trace: TraceData, row: Row) -> str:
    """Return the loss and the target of a row."""
    untrained = "" if trace.is_trained else " (untrained)"
    loss, n = format_number(trace.loss), len(trace.x)
    if n == 1:
        return f"One pass: L = {loss} for {describe_target(trace, row)}{untrained}"
    which = "mean" if isinstance(row, str) else f"row {row}"
    return f"One pass of {n} rows: mean L = {loss}; shown is {which}{untrained}"


def make_note(trace: TraceData, rows: str, has_lines: bool) -> str:
    """Return how to read the figure."""
    _, mode, _ = quantities.format_title(trace).split("; ")
    symbols = "z = w x + b, δ = dL/dz."
    parts = [f"{mode[0].upper()}{mode[1:]}.", symbols, rows]
    if has_lines:
        parts.append("Lines: blue is w > 0, red is w < 0, the width is |w| in its layer.")
    if layer_traces.has_penalty(trace):
        parts.append("dL/dw includes the penalty.")
    return " ".join(filter(None, parts))
