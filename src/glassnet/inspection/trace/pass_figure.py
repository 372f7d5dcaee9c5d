"""The figure of a trace: every number in its unit or on its line, for small networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, SupportsFloat

import numpy as np

from glassnet.formatting import format_number, shorten
from glassnet.inspection.trace import layer_traces
from glassnet.inspection.trace.layer_traces import LayerTrace, Row, RowChoice
from glassnet.inspection.trace.trace_data import LinkTrace, TraceData
from glassnet.layers import Activation
from glassnet.plots.canvas import Note
from glassnet.plots.passes import Cell, PassColumn, PassUnit, draw_pass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

Step = tuple[str, int]
"""A step of the training cycle: its kind, and the index of the layer."""

MAX_NAME, MAX_TARGETS = 24, 4
"""Longer names of units are shortened, and longer targets are cut, in a figure."""


STACKED_LAYERS = 3
"""With this many layers, a derivative stands below its value instead of next to it."""


@dataclass(frozen=True, eq=False)
class PassView:
    """The part of a trace that a figure shows.

    Attributes:
        trace: the trace.
        choice: the row.
        first: links before the first Dense layer.
        layers: the Dense layers.
        dropped: which numbers each Dropout layer dropped, by its name.
        frames: index of the frame in which the numbers of a step appear; empty for all at once.
    """

    trace: TraceData
    choice: RowChoice
    first: tuple[LinkTrace, ...]
    layers: list[LayerTrace]
    dropped: Mapping[str, np.ndarray]
    frames: Mapping[Step, int] = field(default_factory=dict)

    def note(self, text: str, kind: str, k: int = 0, until: str = "") -> Note:
        """Return a text that appears in the frame of a step, and stays until that of another."""
        end = self.frames.get((until, 0))
        return Note(text, self.frames.get((kind, k), 0), None if end is None else end - 1)


def draw_units(view: PassView, title: str, note: str, ax: Axes | None) -> Figure | SubFigure:
    """Draw a small network with all its numbers."""
    columns = [_make_input(view)]
    columns += [_make_layer(view, k) for k in range(len(view.layers))]
    columns.append(_make_loss(view))
    return draw_pass(columns, title, note, ax, bool(view.frames))


def _make_input(view: PassView) -> PassColumn:
    trace, choice = view.trace, view.choice
    names, values = layer_traces.name_units(trace), choice.value(trace.x)
    is_named = len(names) in (len(trace.feature_names), len(trace.vocabulary))
    derivatives = choice.derivative((view.first or view.layers[0].links)[0].d_input)
    units = []
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        symbol = "x" if is_named else name
        row = _make_row(view, symbol, value, derivatives[i], ("x", 0), ("dx", 0))
        rows = [row, *_make_following_rows(view, view.first, i, "x", 0)]
        output = float(choice.value(view.first[-1].output)[i]) if view.first else float(value)
        title = shorten(name, MAX_NAME) if is_named else ""
        units.append(PassUnit(title, _stack(rows), output, is_dropped(view, view.first, i)))
    return _make_column(("input",), units)


def _make_layer(view: PassView, k: int) -> PassColumn:
    layer = view.layers[k]
    kernel = layer.first.params["kernel"]
    n_inputs, n_units = kernel.shape
    names = _name_outputs(view.trace, n_units) if k == len(view.layers) - 1 else ()
    arrange = _stack if len(view.layers) >= STACKED_LAYERS else tuple
    units = [
        PassUnit(
            shorten(names[j], MAX_NAME) if names else f"neuron {j}",
            arrange(_make_unit_rows(view, k, j)),
            float(view.choice.value(layer.last.output)[j]),
            is_dropped(view, layer.links, j),
            view.frames.get(("a" if len(layer.links) > 1 else "z", k), 0),
        )
        for j in range(n_units)
    ]
    labels = [[_make_label(view, k, i, j) for j in range(n_units)] for i in range(n_inputs)]
    title = (str(layer.first.name), ", ".join(map(_describe_link, layer.links)))
    return _make_column(title, units, kernel, labels)


def _stack(rows: Sequence[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Return the texts one below the other, which makes the figure narrower."""
    return tuple((cell,) for row in rows for cell in row)


def _make_column(
    title: tuple[str, ...],
    units: Sequence[PassUnit],
    weights: np.ndarray | None = None,
    labels: Sequence[Sequence[tuple[Cell, ...]]] = (),
) -> PassColumn:
    sizes = [abs(unit.output) for unit in units if math.isfinite(unit.output)]
    largest = max(sizes, default=0.0) or 1.0
    return PassColumn(title, tuple(units), weights, labels, largest)


def _make_loss(view: PassView) -> PassColumn:
    trace, choice = view.trace, view.choice
    losses = trace.unreduced_loss.reshape(len(trace.x), -1).mean(-1)
    if choice.n > 1 and not isinstance(choice.row, str):
        lines = [f"L = {format_value(losses[choice.row])}"]
        lines.append(f"mean of {choice.n} rows: {format_value(trace.loss)}")
    else:
        lines = [f"L = {format_value(trace.loss)}"]
        if layer_traces.has_penalty(trace):
            lines.append(f"with penalty {format_value(trace.loss - losses.mean())}")
    scale = trace.program.loss.report_scale
    if scale != 1:
        lines.append(f"reported as {format_value(trace.loss * scale)}")
    lines.append(describe_target(trace, choice.row))
    mean = ("mean", 0) in view.frames and choice.n > 1
    kinds = ["mean" if mean and line.startswith("mean") else "loss" for line in lines]
    rows = tuple(((view.note(line, kind),),) for line, kind in zip(lines, kinds, strict=True))
    return _make_column(("loss",), [PassUnit(trace.program.loss.display_name, rows, 0.0)])


def describe_target(trace: TraceData, row: Row) -> str:
    """Return the target of a row in a few characters."""
    if isinstance(row, str):
        return f"targets of {len(trace.y)} rows"
    y = np.atleast_1d(trace.y[row]).ravel()
    text = ", ".join(format_value(value) for value in y[:MAX_TARGETS])
    text = f"target y = {text}{', …' if len(y) > MAX_TARGETS else ''}"
    labels = layer_traces.get_class_labels(trace)
    return f"{text} ({shorten(labels[int(y[0])], MAX_NAME)})" if labels and len(y) == 1 else text


def _make_unit_rows(view: PassView, k: int, j: int) -> list[tuple[Cell, ...]]:
    """Return the texts of one unit: b, z, a, and what follows."""
    layer, choice = view.layers[k], view.choice
    dense, rows = layer.first, []
    if "bias" in dense.params:
        rows.append((_make_weight(view, k, "bias", (j,)), _make_gradient(view, k, "bias", (j,))))
    z, delta = choice.value(dense.output)[j], choice.derivative(dense.delta)[j]
    row = _make_row(view, "z", z, None, ("z", k), ("dz", k))
    delta_note = view.note(f"δ = {format_value(delta)}", "dz", k)
    return [*rows, (*row, (delta_note,)), *_make_following_rows(view, layer.links[1:], j, "a", k)]


def _make_following_rows(
    view: PassView, links: Sequence[LinkTrace], j: int, kind: str, k: int
) -> list[tuple[Cell, ...]]:
    """Return a row for each link that treats each number alone: an activation, a Dropout."""
    rows = []
    for link in links:
        symbol = "a"
        if not isinstance(link.link, Activation):
            symbol = "y"
        elif link.fused_with_loss:
            symbol = "p"
        derivative = None
        if link.d_output is not None:
            derivative = view.choice.derivative(link.d_output)[j]
        value = view.choice.value(link.output)[j]
        back = ("da", k) if kind == "a" else ("dx", 0)
        rows.append(_make_row(view, symbol, value, derivative, (kind, k), back))
    return rows


def _make_row(
    view: PassView,
    symbol: str,
    value: SupportsFloat,
    derivative: SupportsFloat | None,
    forward: Step,
    backward: Step,
) -> tuple[Cell, ...]:
    """Return a value, and its derivative if there is one."""
    cells: list[Cell] = [(view.note(f"{symbol} = {format_value(value)}", *forward),)]
    if derivative is not None:
        cells.append((view.note(f"dL/d{symbol} = {format_value(derivative)}", *backward),))
    return tuple(cells)


def _make_label(view: PassView, k: int, i: int, j: int) -> tuple[Cell, ...]:
    """Return the texts along a line: w and dL/dw."""
    return _make_weight(view, k, "kernel", (i, j)), _make_gradient(view, k, "kernel", (i, j))


def _make_weight(view: PassView, k: int, key: str, index: tuple[int, ...]) -> Cell:
    """Return the text of a weight; an animation ends with its value after the update."""
    link = view.layers[k].first
    symbol, digits = ("w", 3) if key == "kernel" else ("b", 4)
    before = float(link.params[key][index])
    text = f"{symbol} = {format_number(before, digits)}"
    if not view.frames or key not in link.update:
        return (view.note(text, "x"),)
    after = format_number(before + float(link.update[key][index]), digits)
    return view.note(text, "x", until="update"), view.note(f"{symbol} = {after}", "update")


def _make_gradient(view: PassView, k: int, key: str, index: tuple[int, ...]) -> Cell:
    """Return the text of dL/dw; in an animation, that of the row comes before the mean."""
    link, choice = view.layers[k].first, view.choice
    symbol, digits = ("w", 3) if key == "kernel" else ("b", 4)
    if key not in link.d_params:
        return (view.note("frozen", "x"),)
    text = f"dL/d{symbol} = {format_number(link.d_params[key][index], digits)}"
    if ("mean", 0) not in view.frames:
        return (view.note(text, "dw", k),)
    own = get_own_gradient(link, choice, index)
    first = f"dL/d{symbol} = {format_number(own, digits)}"
    return view.note(first, "dw", k, until="mean"), view.note(text, "mean")


def get_own_gradient(link: LinkTrace, choice: RowChoice, index: tuple[int, ...]) -> float:
    """Return dL/dw of one row: delta x for a weight (i, j), delta for a bias (j,)."""
    delta = float(choice.derivative(link.delta)[index[-1]])
    return delta if len(index) == 1 else delta * float(choice.value(link.input)[index[0]])


def _name_outputs(trace: TraceData, n: int) -> tuple[str, ...]:
    """Return the label of each output, or () without labels."""
    labels = layer_traces.get_class_labels(trace)
    if len(labels) == 2 and n == 1:
        return (f"P({labels[1]})",)
    return labels if len(labels) == n else ()


def _describe_link(link: LinkTrace) -> str:
    layer = link.link
    return layer.activation_name if isinstance(layer, Activation) else type(layer).__name__


def is_dropped(view: PassView, links: Sequence[LinkTrace], j: int) -> bool:
    """Return whether a Dropout layer dropped unit j in the row."""
    if isinstance(view.choice.row, str):
        return False
    masks = [view.dropped[link.name] for link in links if link.name in view.dropped]
    return any(bool(mask[view.choice.row, j]) for mask in masks)


def format_value(value: SupportsFloat) -> str:
    """Format a number of the figure."""
    return format_number(value)
