"""Drawings of networks: units as circles, weights as lines, other layers as labelled blocks.

Positions are in inches, so that the size of a text is known when it is placed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Circle, FancyBboxPatch

from glassnet.formatting import format_number
from glassnet.plots.canvas import (
    LINE_HEIGHT,
    Canvas,
    Note,
    make_canvas,
    measure_width,
)
from glassnet.plots.style import (
    CLASS_COLORS,
    NEGATIVE_COLOR,
    POSITIVE_COLOR,
    REFERENCE_COLOR,
    figure_of,
)
from glassnet.plots.text import plain_text
from glassnet.types import Array

RADIUS, SPACING = 0.13, 0.4
"""Radius of a unit, and distance between the centers of two."""

GAP, WIDE_GAP, BRANCH_GAP = 0.32, 1.0, 0.25
"""Distances between two layers, between two layers of units, and between two branches."""

PADDING = 0.12
"""Distance between the border of a block and its text."""

MAX_ROW_WIDTH = 12.0
"""A wider drawing is continued in another row."""

MAX_LINE_WIDTH, DENSE_LINE_WIDTH, MANY_LINES = 3.0, 1.6, 48
"""Width of the line of the largest weight in points; the second between layers of many lines."""

SIDE = 0.3
"""Space for the line from the end of a row to the start of the next."""


@dataclass(frozen=True, eq=False)
class DrawnLayer:
    """One layer of a drawing.

    Attributes:
        lines: its text.
        n_units: number of units, drawn as circles; None for a block.
        unit_names: name of each unit, or empty.
        names_right: whether the names stand to the right of the units.
        kernel: weights (units of the layer before, n_units), or None.
        is_bar: whether to draw a bar that each unit of the layer before passes through.
        has_weights: whether the layer has weights: the color of a block.
        branches: layers of each branch of a composite; its first line stands above them.
        merge: how the branches' outputs are merged: "+", "concat".
    """

    lines: tuple[str | Note, ...]
    n_units: int | None = None
    unit_names: tuple[str, ...] = ()
    names_right: bool = False
    kernel: Array | None = None
    is_bar: bool = False
    has_weights: bool = False
    branches: tuple[tuple[DrawnLayer, ...], ...] = ()
    merge: str = ""


class _Size(NamedTuple):
    """Extent of a layer around the point at which it is connected."""

    left: float
    right: float
    up: float
    down: float


@dataclass(frozen=True, eq=False)
class _PlacedLayer:
    """A layer at its place: (x, y) is the middle of its units, or of its block."""

    layer: DrawnLayer
    x: float
    y: float
    size: _Size
    shown: Array | None = None
    branches: tuple[tuple[_PlacedLayer, ...], ...] = ()
    branch_heights: tuple[float, ...] = ()

    @property
    def start(self) -> float:
        """Left end of what connections arrive at."""
        return self.x - (RADIUS if self.shown is not None else self.size.left)

    @property
    def end(self) -> float:
        """Right end of what connections leave from."""
        return self.x + (RADIUS if self.shown is not None else self.size.right)

    @property
    def heights(self) -> Array:
        """Height of each unit shown, or of the middle of the block."""
        if self.shown is None:
            return np.array([self.y])
        assert self.layer.n_units is not None
        slots = np.arange(len(self.shown), dtype=float)
        if len(self.shown) < self.layer.n_units:
            slots[-1] += 1  # the ellipsis stands before the last unit
        return self.y + SPACING * (slots[-1] / 2 - slots)


def choose_units(n: int, max_units: int) -> Array:
    """Return the indices of the units to draw: all, or the first ones and the last.

    Example:
        >>> choose_units(100, 5).tolist()
        [0, 1, 2, 99]
    """
    return np.arange(n) if n <= max_units else np.array([*range(max_units - 2), n - 1])


@plain_text
def draw_network(
    layers: Sequence[DrawnLayer],
    title: str,
    max_units: int,
    ax: Axes | None = None,
    *,
    note: str = "",
    is_animated: bool = False,
) -> Figure | SubFigure:
    """Draw a network from left to right, in several rows if it is wide.

    Args:
        layers: from the input to the output.
        title: title of the figure.
        max_units: number of places for the units of a layer, the ellipsis included.
        ax: axes to draw on, or None.
        note: text below the drawing; with weights, how to read their lines.
        is_animated: whether notes are shown in their frames only.
    """
    rows, width, bottom = _place_rows(layers, max_units)
    pairs = [pair for row in rows for pair in itertools.pairwise(row)]
    weights = [_get_weights(*pair) for pair in pairs]
    largest = max((float(np.abs(w).max(initial=0)) for w in weights if w is not None), default=0.0)
    n_lines = max((w.size for w in weights if w is not None), default=0)
    if largest and not note:
        note = (
            "Lines are weights: blue is positive, red is negative, "
            f"the width is proportional to |w| (widest: {format_number(largest, digits=3)})."
        )
    canvas = make_canvas(width, bottom, title, note, ax, is_animated)
    unit_width = (MAX_LINE_WIDTH if n_lines <= MANY_LINES else DENSE_LINE_WIDTH) / (largest or 1.0)
    for placed in itertools.chain(*rows):
        _draw_layer(canvas, placed)
    for (before, after), kernel in zip(pairs, weights, strict=True):
        _connect(canvas, before, after, kernel, unit_width)
    for upper, lower in itertools.pairwise(rows):
        _continue_row(canvas, upper, lower[0])
    return figure_of(canvas.ax)


def _place_rows(
    layers: Sequence[DrawnLayer], max_units: int
) -> tuple[list[list[_PlacedLayer]], float, float]:
    """Place the layers in rows; return them, the width and the (negative) height."""
    rows: list[list[_PlacedLayer]] = []
    chains = list(_break_rows(layers, max_units))
    side = SIDE if len(chains) > 1 else 0.0
    bottom, width = 0.0, 0.0
    for chain in chains:
        sizes = [_measure(layer, max_units) for layer in chain]
        y = bottom - max(size.up for size in sizes)
        row, row_width = _place_chain(chain, side, y, max_units)
        rows.append(row)
        bottom = y - max(size.down for size in sizes) - 2 * BRANCH_GAP
        width = max(width, row_width)
    return rows, width + side, bottom + 2 * BRANCH_GAP


def _break_rows(layers: Sequence[DrawnLayer], max_units: int) -> Iterable[list[DrawnLayer]]:
    """Yield the layers of each row; layers of units with weights between them stay together."""
    chain: list[DrawnLayer] = []
    width = 0.0
    for layer in layers:
        size = _measure(layer, max_units)
        gap = _gap(layer) if chain else 0.0
        is_connected = bool(chain) and chain[-1].n_units is not None and layer.n_units is not None
        if chain and not is_connected and width + gap + size.left + size.right > MAX_ROW_WIDTH:
            yield chain
            chain, width, gap = [], 0.0, 0.0
        chain.append(layer)
        width += gap + size.left + size.right
    if chain:
        yield chain


def _gap(layer: DrawnLayer) -> float:
    """Return the distance between a layer and the one before."""
    return WIDE_GAP if layer.n_units is not None and not layer.is_bar else GAP


def _measure(layer: DrawnLayer, max_units: int) -> _Size:
    """Return the extent of a layer."""
    text = max((measure_width(line) for line in layer.lines), default=0.0)
    text_height = LINE_HEIGHT * len(layer.lines)
    if layer.branches:
        width, height = _measure_branches(layer, max_units)
        half = max(width + 2 * GAP + _merge_radius(layer) * 2, text) / 2 + PADDING
        return _Size(half, half, height / 2 + text_height + PADDING, height / 2 + PADDING)
    if layer.n_units is None:
        half, tall = text / 2 + PADDING, text_height / 2 + PADDING
        return _Size(half, half, tall, tall)
    n_slots = min(layer.n_units, max_units)
    up = SPACING * (n_slots - 1) / 2 + RADIUS + 0.04
    shown = choose_units(layer.n_units, max_units) if layer.unit_names else ()
    names = max((measure_width(layer.unit_names[i]) for i in shown), default=0.0)
    side = text / 2 if not names else max(text / 2, names + RADIUS + 0.06)
    left, right = (text / 2, side) if layer.names_right else (side, text / 2)
    return _Size(left, right, up, up + 0.06 + text_height)


def _measure_branches(layer: DrawnLayer, max_units: int) -> tuple[float, float]:
    widths, heights = [], []
    for branch in layer.branches:
        sizes = [_measure(each, max_units) for each in branch]
        widths.append(sum(s.left + s.right for s in sizes) + GAP * max(len(sizes) - 1, 0))
        heights.append(2 * max((max(s.up, s.down) for s in sizes), default=0.06))
    return max(widths), sum(heights) + BRANCH_GAP * (len(heights) - 1)


def _merge_radius(layer: DrawnLayer) -> float:
    return max(RADIUS, measure_width(layer.merge) / 2 + 0.05)


def _place_chain(
    layers: Sequence[DrawnLayer], x: float, y: float, max_units: int
) -> tuple[list[_PlacedLayer], float]:
    """Place layers from left to right; return them and the end of the last."""
    chain: list[_PlacedLayer] = []
    for layer in layers:
        size = _measure(layer, max_units)
        x += (_gap(layer) if chain else 0.0) + size.left
        placed = _PlacedLayer(layer, x, y, size)
        if layer.branches:
            placed = _place_branches(placed, max_units)
        elif layer.n_units is not None:
            placed = replace(placed, shown=choose_units(layer.n_units, max_units))
        chain.append(placed)
        x += size.right
    return chain, x


def _place_branches(placed: _PlacedLayer, max_units: int) -> _PlacedLayer:
    layer, size = placed.layer, placed.size
    width, height = _measure_branches(layer, max_units)
    x = placed.x - size.left + PADDING + GAP
    y, branches, heights = placed.y + height / 2, [], []
    for branch in layer.branches:
        sizes = [_measure(each, max_units) for each in branch]
        half = max((max(s.up, s.down) for s in sizes), default=0.06)
        chain_width = sum(s.left + s.right for s in sizes) + GAP * max(len(sizes) - 1, 0)
        chain, _ = _place_chain(branch, x + (width - chain_width) / 2, y - half, max_units)
        branches.append(tuple(chain))
        heights.append(y - half)
        y -= 2 * half + BRANCH_GAP
    return replace(placed, branches=tuple(branches), branch_heights=tuple(heights))


def _draw_layer(canvas: Canvas, placed: _PlacedLayer) -> None:
    layer = placed.layer
    if layer.branches:
        _draw_composite(canvas, placed)
    elif placed.shown is None:
        _draw_block(canvas, placed)
    elif layer.is_bar:
        _draw_bar(canvas, placed)
    else:
        _draw_units(canvas, placed)


def draw_box(
    canvas: Canvas, x: tuple[float, float], y: tuple[float, float], **style: Any
) -> FancyBboxPatch:
    """Draw a box with round corners from x[0] to x[1] and from y[0] to y[1]."""
    box = FancyBboxPatch(
        (x[0], y[0]),
        x[1] - x[0],
        y[1] - y[0],
        boxstyle="round,pad=0,rounding_size=0.07",
        **style,
    )
    canvas.ax.add_patch(box)
    return box


def _draw_block(canvas: Canvas, placed: _PlacedLayer) -> None:
    color = CLASS_COLORS[0] if placed.layer.has_weights else REFERENCE_COLOR
    size = placed.size
    draw_box(
        canvas,
        (placed.x - size.left, placed.x + size.right),
        (placed.y - size.down, placed.y + size.up),
        facecolor=(color, 0.16),
        edgecolor=color,
        lw=1.0,
    )
    middle = (len(placed.layer.lines) - 1) / 2
    for i, line in enumerate(placed.layer.lines):
        canvas.write(placed.x, placed.y + (middle - i) * LINE_HEIGHT, line, bold=i == 0)


def _draw_bar(canvas: Canvas, placed: _PlacedLayer) -> None:
    heights = placed.heights
    draw_box(
        canvas,
        (placed.x - RADIUS, placed.x + RADIUS),
        (heights.min() - RADIUS, heights.max() + RADIUS),
        facecolor=(REFERENCE_COLOR, 0.16),
        edgecolor=REFERENCE_COLOR,
        lw=1.0,
    )
    _write_names(canvas, placed)
    _write_below(canvas, placed)


def _write_names(canvas: Canvas, placed: _PlacedLayer) -> None:
    layer = placed.layer
    if not layer.unit_names or placed.shown is None:
        return
    align, side = ("left", 1) if layer.names_right else ("right", -1)
    x = placed.x + side * (RADIUS + 0.06)
    for unit, height in zip(placed.shown, placed.heights, strict=True):
        canvas.write(x, height, layer.unit_names[unit], align=align)


def _draw_units(canvas: Canvas, placed: _PlacedLayer) -> None:
    layer, heights, shown = placed.layer, placed.heights, placed.shown
    assert shown is not None
    assert layer.n_units is not None
    face, ink = canvas.paper, canvas.ink
    _write_names(canvas, placed)
    for height in heights:
        circle = Circle((placed.x, height), RADIUS, facecolor=face, edgecolor=ink, lw=1.1, zorder=3)
        canvas.ax.add_patch(circle)
    if n_more := layer.n_units - len(shown):
        y = (heights[-1] + heights[-2]) / 2 if len(heights) > 1 else heights[-1] + SPACING
        canvas.write(placed.x, y, f"⋮ {n_more:,} more", covers=True)
    _write_below(canvas, placed)


def _write_below(canvas: Canvas, placed: _PlacedLayer) -> None:
    top = placed.y - placed.size.up - 0.06
    for i, line in enumerate(placed.layer.lines):
        canvas.write(placed.x, top - (i + 0.5) * LINE_HEIGHT, line, bold=i == 0)


def _draw_composite(canvas: Canvas, placed: _PlacedLayer) -> None:
    layer, size = placed.layer, placed.size
    left, right = placed.x - size.left, placed.x + size.right
    draw_box(
        canvas,
        (left, right),
        (placed.y - size.down, placed.y + size.up),
        facecolor="none",
        edgecolor=REFERENCE_COLOR,
        ls="--",
        lw=1.0,
    )
    for i, line in enumerate(layer.lines):
        y = placed.y + size.up - PADDING / 2 - (i + 0.5) * LINE_HEIGHT
        canvas.write(left + PADDING, y, line, align="left", bold=i == 0)
    radius = _merge_radius(layer)
    split, merge = (left, placed.y), (right - PADDING - radius, placed.y)
    for branch, y in zip(placed.branches, placed.branch_heights, strict=True):
        for each in branch:
            _draw_layer(canvas, each)
        for before, after in itertools.pairwise(branch):
            canvas.arrow((before.end, before.y), (after.start, after.y))
        if branch:
            canvas.arrow(split, (branch[0].start, branch[0].y))
            canvas.arrow((branch[-1].end, branch[-1].y), merge, shrink=radius)
        else:
            _draw_skip(canvas, y, split, merge, radius)
    circle = Circle(merge, radius, facecolor=canvas.paper, edgecolor=canvas.ink, lw=1.1, zorder=3)
    canvas.ax.add_patch(circle)
    canvas.write(*merge, layer.merge)


def _draw_skip(
    canvas: Canvas,
    y: float,
    split: tuple[float, float],
    merge: tuple[float, float],
    radius: float,
) -> None:
    """Draw an empty branch: a line at a height, from where the branches part to their merge."""
    if abs(merge[1] - y) <= radius:
        canvas.line([split, (split[0] + GAP / 2, y), (merge[0] - radius, y)])
        return
    canvas.line([split, (split[0] + GAP / 2, y), (merge[0], y)])
    direction = 1 if merge[1] > y else -1
    canvas.arrow((merge[0], y), (merge[0], merge[1] - direction * radius))


def _get_weights(before: _PlacedLayer, after: _PlacedLayer) -> Array | None:
    """Return the weights between the units shown of two layers; None if there are no such lines."""
    kernel = after.layer.kernel
    if kernel is None or before.shown is None or after.shown is None:
        return None
    return np.asarray(kernel)[np.ix_(before.shown, after.shown)]


def _connect(
    canvas: Canvas,
    before: _PlacedLayer,
    after: _PlacedLayer,
    weights: Array | None,
    unit_width: float,
) -> None:
    """Draw what leads from one layer to the next: weights, or lines without a weight."""
    if before.shown is None and after.shown is None:
        canvas.arrow((before.end, before.y), (after.start, after.y))
        return
    if after.layer.is_bar and before.shown is not None:
        pairs = [(i, i) for i in range(len(after.heights))]
    else:
        pairs = list(np.ndindex(len(before.heights), len(after.heights)))
    has_names = after.layer.unit_names and not after.layer.names_right
    end = after.x - after.size.left if has_names else after.start
    lines = [[(before.end, before.heights[i]), (end, after.heights[j])] for i, j in pairs]
    flat = None if weights is None else [float(weights[i, j]) for i, j in pairs]
    canvas.ax.add_collection(make_lines(lines, flat, unit_width))


def make_lines(
    lines: Sequence[Sequence[tuple[float, float]]],
    weights: Sequence[float] | None,
    unit_width: float,
) -> LineCollection:
    """Return lines colored by the sign of their weights, with widths proportional to their size.

    Args:
        lines: points of each line.
        weights: one for each line; None for lines without a weight.
        unit_width: width of the line of a weight of 1, in points.
    """
    if weights is None:
        return LineCollection(lines, colors=REFERENCE_COLOR, linewidths=0.8, alpha=0.7, zorder=1)
    colors = [POSITIVE_COLOR if weight >= 0 else NEGATIVE_COLOR for weight in weights]
    widths = [unit_width * abs(weight) for weight in weights]
    return LineCollection(lines, colors=colors, linewidths=widths, zorder=1)


def _continue_row(canvas: Canvas, upper: Sequence[_PlacedLayer], first: _PlacedLayer) -> None:
    """Draw the way from the end of a row to the start of the next."""
    last = upper[-1]
    bottom = min(placed.y - placed.size.down for placed in upper) - BRANCH_GAP
    right, left = last.x + last.size.right + 0.15, first.x - first.size.left - 0.2
    canvas.line(
        [
            (last.end, last.y),
            (right, last.y),
            (right, bottom),
            (left, bottom),
            (left, first.y),
        ]
    )
    canvas.arrow((left, first.y), (first.start, first.y))
