"""Diagrams of models: a box for each layer, arrows between them, and branches side by side.

Positions are (main, cross) in inches: `main` grows along the arrows, `cross` across them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from glassnet.errors import lookup, require
from glassnet.plots.canvas import LINE_HEIGHT, MARGIN, Canvas, measure_width
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, REFERENCE_COLOR
from glassnet.plots.svg import PAPER

PADDING = 0.09
"""Distance between the border of a box and its text in inches."""

GAP, JOIN_GAP, BRANCH_GAP = 0.26, 0.2, 0.25
"""Length of an arrow, extra length after branches, and distance between two branches in inches."""

SKIP_WIDTH = 0.3
"""Width of a branch without layers, which is a line."""

MAX_PIXELS = 2**16 - 1
"""Largest width and height of a picture that matplotlib draws."""

DIRECTIONS = {"TB": (0, -1), "BT": (0, 1), "LR": (1, 0), "RL": (-1, 0)}
"""Direction of the arrows, (right, up), by Graphviz's name."""


@dataclass(frozen=True)
class Box:
    """A layer of a diagram.

    Attributes:
        title: text on a colored ground.
        lines: texts below it.
        color: color of the ground.
    """

    title: str
    lines: tuple[str, ...] = ()
    color: str = CLASS_COLORS[0]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        width = max(measure_width(text) for text in (self.title, *self.lines))
        height = (1 + len(self.lines)) * LINE_HEIGHT + (4 if self.lines else 2) * PADDING / 2
        return width + 2 * PADDING, height


@dataclass(frozen=True)
class Branches:
    """Branches side by side, whose outputs a box merges.

    Attributes:
        branches: the parts of each branch, in order; a branch without parts is a line.
        merge: the box that merges them.
    """

    branches: tuple[tuple[Box | Branches, ...], ...]
    merge: Box


class _Extent(NamedTuple):
    main: float
    cross: float


def draw_diagram(chain: Sequence[Box | Branches], direction: str = "TB") -> Figure:
    """Draw a chain of boxes and branches.

    Args:
        chain: the parts in order.
        direction: direction of the arrows: "TB" (down), "BT", "LR" (right) or "RL".

    Raises:
        ConfigError: if the direction is unknown.
    """
    lookup("rankdir", direction, DIRECTIONS)
    diagram = _Diagram(direction)
    extent = diagram.measure(chain)
    diagram.draw(chain, extent)
    return diagram.canvas.ax.figure  # type: ignore[return-value]


def require_drawable(figure: Figure, dpi: float) -> None:
    """Refuse a picture with more pixels than matplotlib can draw.

    Raises:
        ConfigError: with the largest number of pixels per inch.
    """
    largest = max(figure.get_size_inches())
    fits = dpi * largest <= MAX_PIXELS
    fix = f"Pass dpi={int(MAX_PIXELS / largest)}, or write an .svg file."
    require(fits, "plot_model", f"at most {MAX_PIXELS} pixels", fix=fix, pixels=int(dpi * largest))


class _Diagram:
    """A diagram that is being drawn.

    Args:
        direction: see `draw_diagram`.
    """

    canvas: Canvas

    def __init__(self, direction: str):
        self.right, self.up = DIRECTIONS[direction]

    def measure(self, chain: Sequence[Box | Branches]) -> _Extent:
        """Return the extent of a chain."""
        extents = [self._measure_part(part) for part in chain]
        main = sum(extent.main for extent in extents) + GAP * max(len(chain) - 1, 0)
        return _Extent(main, max((extent.cross for extent in extents), default=SKIP_WIDTH))

    def _measure_part(self, part: Box | Branches) -> _Extent:
        if isinstance(part, Box):
            width, height = part.size
            return _Extent(width, height) if self.right else _Extent(height, width)
        extents = [self.measure(branch) for branch in part.branches]
        merge = self._measure_part(part.merge)
        cross = sum(extent.cross for extent in extents) + BRANCH_GAP * (len(extents) - 1)
        main = max(extent.main for extent in extents) + JOIN_GAP + 2 * GAP + merge.main
        return _Extent(main, max(cross, merge.cross))

    def draw(self, chain: Sequence[Box | Branches], extent: _Extent) -> None:
        """Draw a whole chain on a new figure."""
        size = (extent.main, extent.cross) if self.right else (extent.cross, extent.main)
        width, height = (length + 2 * MARGIN for length in size)
        figure = NotebookFigure(figsize=(width, height))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        # The chain starts at main 0, and its middle is at cross 0.
        low = -MARGIN if self.right + self.up > 0 else -extent.main - MARGIN
        along = (low, low + extent.main + 2 * MARGIN)
        across = (-extent.cross / 2 - MARGIN, extent.cross / 2 + MARGIN)
        ax.set_xlim(*(along if self.right else across))
        ax.set_ylim(*(across if self.right else along))
        self.canvas = Canvas(ax, 1.0, mpl.rcParams["text.color"], PAPER)
        self._draw_chain(chain, 0.0, 0.0)

    def _draw_chain(self, chain: Sequence[Box | Branches], main: float, cross: float) -> float:
        """Draw a chain from `main` on; return where it ends."""
        for i, part in enumerate(chain):
            if i:
                self._connect([(main, cross), (main + GAP, cross)], isinstance(part, Box))
                main += GAP
            draw = self._draw_box if isinstance(part, Box) else self._draw_branches
            main = draw(part, main, cross)  # type: ignore[arg-type]
        return main

    def _draw_branches(self, part: Branches, main: float, cross: float) -> float:
        extents = [self.measure(branch) for branch in part.branches]
        start = main + GAP
        join = start + max(extent.main for extent in extents) + JOIN_GAP
        total = sum(extent.cross for extent in extents) + BRANCH_GAP * (len(extents) - 1)
        left = cross - total / 2
        for branch, extent in zip(part.branches, extents, strict=True):
            middle = left + extent.cross / 2
            left += extent.cross + BRANCH_GAP
            has_arrow = bool(branch) and isinstance(branch[0], Box)
            self._connect([(main, cross), (main, middle), (start, middle)], has_arrow)
            end = self._draw_chain(branch, start, middle)
            self._connect([(end, middle), (join, middle), (join, cross)], False)
        self._connect([(join, cross), (join + GAP, cross)], True)
        return self._draw_box(part.merge, join + GAP, cross)

    def _draw_box(self, box: Box, main: float, cross: float) -> float:
        extent = self._measure_part(box)
        width, height = box.size
        x, y = self._point(main + extent.main / 2, cross)
        left, top = x - width / 2, y + height / 2
        header = LINE_HEIGHT + PADDING if box.lines else height
        frame: dict[str, Any] = {"edgecolor": box.color, "lw": 1.1, "zorder": 3}
        ax = self.canvas.ax
        ax.add_patch(Rectangle((left, top - height), width, height, facecolor="none", **frame))
        ax.add_patch(Rectangle((left, top - header), width, header, facecolor=box.color, **frame))
        self.canvas.write(x, top - header / 2, box.title, bold=True, color="white")
        for i, line in enumerate(box.lines):
            baseline = top - header - PADDING / 2 - (i + 0.5) * LINE_HEIGHT
            self.canvas.write(x, baseline, line)
        return main + extent.main

    def _connect(self, points: list[tuple[float, float]], has_arrow: bool) -> None:
        """Draw a line through points; with an arrow, at the end of the last piece."""
        places = [self._point(*point) for point in points]
        self.canvas.line(places, color=REFERENCE_COLOR, solid_joinstyle="round")
        if has_arrow:
            self.canvas.arrow(places[-2], places[-1])

    def _point(self, main: float, cross: float) -> tuple[float, float]:
        """Return (x, y) of a position."""
        if self.right:
            return self.right * main, -cross
        return cross, self.up * main
