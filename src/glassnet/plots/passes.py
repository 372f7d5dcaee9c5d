"""Drawings of one forward and backward pass: numbers in the units and along the lines."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure, SubFigure

from glassnet.plots.canvas import LINE_HEIGHT, Canvas, Note, make_canvas, measure_width
from glassnet.plots.networks import MAX_LINE_WIDTH, PADDING, draw_box, make_lines
from glassnet.plots.style import NEGATIVE_COLOR, POSITIVE_COLOR, REFERENCE_COLOR, figure_of
from glassnet.plots.text import plain_text
from glassnet.types import Array

LABEL_SIZE = 7.0
"""Size of the numbers along a line, in points."""

LABEL_LINE = 0.125
"""Distance between two lines of such numbers, in inches."""

UNIT_GAP, EMPTY_GAP, COLUMN_GAPS = 0.24, 0.5, (1.2, 1.4, 1.6, 1.8, 2.1, 2.4, 2.8, 3.2, 4.0)
"""Distance between two units, and the distances between two columns that are tried in turn."""

HEIGHT_FACTORS = (1.0, 1.25, 1.6, 2.0, 2.6)
"""Factors on the height that are tried if no distance is enough."""

BEST_PLACE = 0.35
"""The place of a label that is preferred: nearer to the start of its line than to the end."""

PLACES = tuple(0.04 + 0.02 * i for i in range(47))
"""Places of the numbers along a line that are tried: shares of its length."""

COLUMN_SPACE = 0.13
"""Distance between the texts of a unit for its value and for its derivative."""


Cell = tuple[Note, ...]
"""Texts at one place; an animation shows one after the other."""


@dataclass(frozen=True, eq=False)
class PassUnit:
    """A unit with its numbers.

    Attributes:
        name: its name.
        rows: its texts: a value, and maybe its derivative, in each row.
        output: what it passes on: the color of the box.
        is_dropped: whether it is crossed out.
        first: index of the frame of an animation in which its color and its cross appear.
    """

    name: str
    rows: tuple[tuple[Cell, ...], ...]
    output: float
    is_dropped: bool = False
    first: int = 0


@dataclass(frozen=True, eq=False)
class PassColumn:
    """A layer of units.

    Attributes:
        title: lines above the units.
        units: from top to bottom.
        weights: (units of the column before, units); None without weights.
        labels: texts along each line, (units of the column before) lists of (units) lists.
        largest: size of the output with the strongest color.
    """

    title: tuple[str, ...]
    units: tuple[PassUnit, ...]
    weights: Array | None = None
    labels: Sequence[Sequence[tuple[Cell, ...]]] = ()
    largest: float = 1.0


class Label(NamedTuple):
    """The place of the numbers of one line, in inches and radians.

    Attributes:
        x: middle.
        y: middle.
        angle: of the line.
        width: along the line.
        height: across the line.
    """

    x: float
    y: float
    angle: float
    width: float
    height: float

    @property
    def corners(self) -> Array:
        """The four corners, (4, 2)."""
        along = np.array([math.cos(self.angle), math.sin(self.angle)]) * self.width / 2
        across = np.array([-math.sin(self.angle), math.cos(self.angle)]) * self.height / 2
        signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
        return np.array([(self.x, self.y) + a * along + b * across for a, b in signs])


Segment = tuple[tuple[float, float], tuple[float, float]]


@plain_text
def draw_pass(
    columns: Sequence[PassColumn],
    title: str,
    note: str,
    ax: Axes | None = None,
    is_animated: bool = False,
) -> Figure | SubFigure:
    """Draw a pass from the input to the loss.

    Args:
        columns: the layers; the loss is a last column of one unit without weights.
        title: title of the figure.
        note: text below the drawing.
        ax: axes to draw on, or None.
        is_animated: whether the texts are shown in their frames only.
    """
    widths = [max(map(_measure_unit, column.units)) for column in columns]
    heights = [sum(map(_measure_height, c.units)) + UNIT_GAP * (len(c.units) - 1) for c in columns]
    title_height = LINE_HEIGHT * max(len(column.title) for column in columns) + 0.08
    places, gaps, labels, height = _place_units(columns, max(heights))
    starts = list(itertools.accumulate(map(sum, zip(widths, (*gaps, 0.0), strict=True)), initial=0))
    canvas = make_canvas(starts[-1], -title_height - height, title, note, ax, is_animated)
    for column, x, width, ys in zip(columns, starts, widths, places, strict=False):
        _write_title(canvas, column, x + width / 2, _top(column, ys) - title_height)
        for unit, y in zip(column.units, ys - title_height, strict=True):
            _draw_unit(canvas, unit, (x, x + width), y, column.largest)
    for k, (before, after) in enumerate(itertools.pairwise(places)):
        shift = (starts[k] + widths[k], -title_height)
        _draw_lines(canvas, columns[k + 1], _make_segments(before, after, gaps[k], shift))
        for label, cells in zip(labels[k], itertools.chain(*columns[k + 1].labels), strict=True):
            _write_label(canvas, label._replace(x=label.x + shift[0], y=label.y + shift[1]), cells)
    return figure_of(canvas.ax)


def _make_segments(
    before: Array, after: Array, gap: float, shift: tuple[float, float] = (0.0, 0.0)
) -> list[Segment]:
    """Return the lines from every unit of a column to every unit of the next."""
    x, y = shift
    return [
        ((x, y + float(a)), (x + gap, y + float(b))) for a, b in itertools.product(before, after)
    ]


def _top(column: PassColumn, heights: Array) -> float:
    return float(heights[0]) + _measure_height(column.units[0]) / 2 + 0.06


def _place_units(
    columns: Sequence[PassColumn], height: float
) -> tuple[list[Array], list[float], list[list[Label]], float]:
    """Return the heights of the units, the gaps and labels between columns, and the total height.

    The gaps grow, and then the height, until no two labels overlap.
    """
    for factor in HEIGHT_FACTORS:
        total = height * factor
        places = [_spread(column.units, total) for column in columns]
        gaps, labels = [], []
        for after, pair in zip(columns[1:], itertools.pairwise(places), strict=True):
            gap, between = _fill_gap(after, *pair)
            gaps.append(gap)
            labels.append(between or [])
        if all(
            len(between) == len(_measure_labels(after))
            for between, after in zip(labels, columns[1:], strict=True)
        ):
            break
    return places, gaps, labels, total


def _spread(units: Sequence[PassUnit], total: float) -> Array:
    """Return the height of the middle of each unit, from the top (0) down to -total."""
    heights = np.array([_measure_height(unit) for unit in units])
    space = (total - heights.sum()) / len(units)
    return np.asarray(heights / 2 + space / 2 - np.cumsum(heights + space))


def _fill_gap(after: PassColumn, before_y: Array, after_y: Array) -> tuple[float, list[Label]]:
    """Return the smallest gap in which the labels of all lines have a place, and these places."""
    if not after.labels:
        return EMPTY_GAP, []
    for gap in COLUMN_GAPS:
        labels = place_labels(_make_segments(before_y, after_y, gap), _measure_labels(after))
        if labels is not None:
            return gap, labels
    return COLUMN_GAPS[-1], []


def _measure_labels(column: PassColumn) -> list[tuple[float, float]]:
    """Return the width and height of the texts along each line."""
    sizes = []
    for cells in itertools.chain(*column.labels):
        widths = [measure_width(note, LABEL_SIZE) for cell in cells for note in cell]
        sizes.append((max(widths, default=0) + 0.08, LABEL_LINE * len(cells) + 0.03))
    return sizes


def place_labels(
    segments: Sequence[Segment], sizes: Sequence[tuple[float, float]]
) -> list[Label] | None:
    """Find a place for a label on each line, so that no two overlap; None if there is none.

    A label lies along its line, between both ends. Of the free places, the one that covers the
    fewest other lines is taken, and among these the one nearest to `BEST_PLACE`.

    Args:
        segments: start and end of each line.
        sizes: width and height of its label.
    """
    thin = [Label(*_middle(s), _angle(s), math.dist(*s), 0.0) for s in segments]
    choices = []
    for i, (segment, size) in enumerate(zip(segments, sizes, strict=True)):
        others = thin[:i] + thin[i + 1 :]
        counted = [
            (sum(overlaps(label, other) for other in others), abs(place - BEST_PLACE), label)
            for place, label in _iter_places(segment, size)
        ]
        choices.append([label for _, _, label in sorted(counted, key=lambda c: c[:2])])
    labels: dict[int, Label] = {}
    # Lines with the fewest places that cover no other line come first.
    for i in sorted(range(len(segments)), key=lambda i: (len(choices[i]), -abs(thin[i].angle))):
        free = (c for c in choices[i] if not any(overlaps(c, each) for each in labels.values()))
        label = next(free, None)
        if label is None:
            return None
        labels[i] = label
    return [labels[i] for i in range(len(segments))]


def _middle(segment: Segment) -> tuple[float, float]:
    (x0, y0), (x1, y1) = segment
    return (x0 + x1) / 2, (y0 + y1) / 2


def _angle(segment: Segment) -> float:
    (x0, y0), (x1, y1) = segment
    return math.atan2(y1 - y0, x1 - x0)


def _iter_places(segment: Segment, size: tuple[float, float]) -> Iterator[tuple[float, Label]]:
    """Yield the places of a label at which it is between both ends of its line."""
    (x0, y0), (x1, y1) = segment
    angle = _angle(segment)
    half = (size[0] * math.cos(angle) + size[1] * abs(math.sin(angle))) / 2
    for place in PLACES:
        x, y = x0 + place * (x1 - x0), y0 + place * (y1 - y0)
        if x0 + 0.03 <= x - half and x + half <= x1 - 0.03:
            yield place, Label(x, y, angle, *size)


def overlaps(a: Label, b: Label) -> bool:
    """Return whether two labels overlap, by the theorem of separating axes."""
    dx, dy = a.x - b.x, a.y - b.y
    cosine, sine = abs(math.cos(a.angle - b.angle)), abs(math.sin(a.angle - b.angle))
    for one, other in ((a, b), (b, a)):
        c, s = math.cos(one.angle), math.sin(one.angle)
        along = (one.width + other.width * cosine + other.height * sine) / 2
        across = (one.height + other.width * sine + other.height * cosine) / 2
        if abs(dx * c + dy * s) >= along or abs(dy * c - dx * s) >= across:
            return False
    return True


def _measure_columns(unit: PassUnit) -> list[float]:
    """Return the width of each column of a unit's texts."""
    n = max(map(len, unit.rows), default=0)
    return [
        max(measure_width(note) for row in unit.rows if len(row) > k for note in row[k])
        for k in range(n)
    ]


def _measure_unit(unit: PassUnit) -> float:
    columns = _measure_columns(unit)
    content = sum(columns) + COLUMN_SPACE * (len(columns) - 1)
    return max(content, measure_width(unit.name)) + 2 * PADDING


def _measure_height(unit: PassUnit) -> float:
    return LINE_HEIGHT * (len(unit.rows) + bool(unit.name)) + PADDING


def _write_title(canvas: Canvas, column: PassColumn, x: float, bottom: float) -> None:
    for i, line in enumerate(reversed(column.title)):
        is_first = i == len(column.title) - 1
        canvas.write(x, bottom + (i + 0.5) * LINE_HEIGHT, line, bold=is_first)


def _draw_unit(
    canvas: Canvas, unit: PassUnit, ends: tuple[float, float], y: float, largest: float
) -> None:
    half = _measure_height(unit) / 2
    color = POSITIVE_COLOR if unit.output >= 0 else NEGATIVE_COLOR
    share = min(abs(unit.output) / (largest or 1.0), 1.0) if math.isfinite(unit.output) else 0.0
    draw_box(canvas, ends, (y - half, y + half), facecolor=canvas.paper, edgecolor="none", zorder=2)
    height = (y - half, y + half)
    tint = draw_box(canvas, ends, height, facecolor=(color, 0.32 * share), lw=0, zorder=3)
    canvas.reveal(tint, unit.first)
    draw_box(canvas, ends, height, facecolor="none", edgecolor=canvas.ink, lw=1.0, zorder=4)
    top = y + half - PADDING / 2 - LINE_HEIGHT / 2
    if unit.name:
        canvas.write((ends[0] + ends[1]) / 2, top, unit.name, bold=True)
        top -= LINE_HEIGHT
    columns = _measure_columns(unit)
    lefts = list(itertools.accumulate((w + COLUMN_SPACE for w in columns), initial=0.0))
    left = ends[0] + PADDING
    for i, row in enumerate(unit.rows):
        for cell, offset in zip(row, lefts, strict=False):
            for note in cell:
                canvas.write(left + offset, top - i * LINE_HEIGHT, note, align="left")
    if unit.is_dropped:
        for start, end in ((half, -half), (-half, half)):
            points = [(ends[0], y + start), (ends[1], y + end)]
            line = canvas.line(points, color=NEGATIVE_COLOR, lw=1.6, zorder=4.5, alpha=0.7)
            canvas.reveal(line, unit.first)


def _draw_lines(canvas: Canvas, column: PassColumn, segments: Sequence[Segment]) -> None:
    if column.weights is None:
        for start, end in segments:
            canvas.arrow(start, end)
        return
    flat = [float(weight) for weight in np.ravel(column.weights)]
    largest = float(np.abs(flat).max(initial=0)) or 1.0
    hairlines = LineCollection(segments, colors=REFERENCE_COLOR, linewidths=0.4, zorder=0.9)
    canvas.ax.add_collection(hairlines)
    canvas.ax.add_collection(make_lines(segments, flat, MAX_LINE_WIDTH / largest))


def _write_label(canvas: Canvas, label: Label, cells: Sequence[Cell]) -> None:
    """Write the lines of a label, which lie along a line of the drawing."""
    style: dict[str, Any] = {"rotation": math.degrees(label.angle), "size": LABEL_SIZE}
    corners = label.corners
    canvas.ax.fill(*corners.T, facecolor=canvas.paper, edgecolor="none", zorder=1.5)
    for i, cell in enumerate(cells):
        offset = ((len(cells) - 1) / 2 - i) * LABEL_LINE
        x = label.x - math.sin(label.angle) * offset
        y = label.y + math.cos(label.angle) * offset
        for note in cell:
            canvas.write(x, y, note, **style)
