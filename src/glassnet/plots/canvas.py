"""Axes whose unit is an inch: the size of a text is known before it is placed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_hex, to_rgba
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, REFERENCE_COLOR, require_axes
from glassnet.plots.svg import PAPER, show_in_frames
from glassnet.plots.text import TITLE_SIZE

FONT_SIZE = 8.0
"""Size of texts in points."""

LINE_HEIGHT = 0.155
"""Distance between two lines of text in inches."""

MARGIN, MIN_WIDTH = 0.15, 4.6
"""Empty border, and smallest width, of a figure in inches."""


NEW_COLOR = CLASS_COLORS[1]
"""Color of a text in the first frame that shows it."""


@dataclass(frozen=True)
class Note:
    """A text that an animation shows in some of its frames: bold in the first.

    Attributes:
        text: the text.
        first: index of the first frame that shows it.
        last: index of the last one; None for all that follow.
    """

    text: str
    first: int = 0
    last: int | None = None

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=4096)
def measure_width(text: str | Note, size: float = FONT_SIZE, bold: bool = True) -> float:
    """Return the width of a text in inches."""
    text, weight = str(text), "bold" if bold else "normal"
    font = FontProperties(size=size, weight=weight)
    renderer: Any = _get_renderer()
    width, _, _ = renderer.get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


@lru_cache(maxsize=1)
def _get_renderer() -> Any:
    renderer: Any = RendererAgg
    return renderer(8, 8, 72)


@dataclass(frozen=True, eq=False)
class Canvas:
    """Axes without frame, in inches.

    Attributes:
        ax: the axes.
        scale: factor on the size of texts, below 1 if the axes are smaller than the drawing.
        ink: color of text.
        paper: color of the background.
        is_animated: whether notes are shown in their frames only.
    """

    ax: Axes
    scale: float
    ink: Any
    paper: Any
    is_animated: bool = False

    def write(
        self,
        x: float,
        y: float,
        text: str | Note,
        *,
        align: str = "center",
        bold: bool = False,
        covers: bool = False,
        **style: Any,
    ) -> None:
        """Write one text; `covers` hides what is behind it."""
        if covers:
            style["bbox"] = {"facecolor": self.paper, "edgecolor": "none", "pad": 1.0}
        size = style.pop("size", FONT_SIZE)
        options = {"ha": align, "va": "center", "zorder": 5, "color": self.ink, **style}

        def draw(bold: bool, **changes: Any) -> Text:
            weight = "bold" if bold else "normal"
            options.update(changes, fontsize=size * self.scale, fontweight=weight)
            return self.ax.text(x, y, str(text), **options, parse_math=False)

        if not self.is_animated or not isinstance(text, Note):
            draw(bold)
            return
        is_new = text.first > 0
        if is_new:
            show_in_frames(draw(True, color=NEW_COLOR), text.first, text.first)
        if text.last is None or text.last > text.first or not is_new:
            show_in_frames(draw(bold, color=self.ink), text.first + is_new, text.last)

    def line(self, points: Sequence[tuple[float, float]], **style: Any) -> Artist:
        """Draw a line through points."""
        x, y = zip(*points, strict=True)
        options: dict[str, Any] = {"color": REFERENCE_COLOR, "lw": 1.1, "zorder": 1}
        return self.ax.plot(x, y, **(options | style))[0]

    def reveal(self, artist: Artist, first: int) -> None:
        """Show an artist from a frame of an animation on."""
        if self.is_animated:
            show_in_frames(artist, first)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], *, shrink: float = 0.0
    ) -> None:
        """Draw an arrow that ends `shrink` inches before its end."""
        self.ax.annotate(
            "",
            end,
            start,
            arrowprops={
                "arrowstyle": "-|>",
                "color": REFERENCE_COLOR,
                "lw": 1.1,
                "shrinkA": 0,
                "shrinkB": shrink * 72 * self.scale,
                "mutation_scale": 9 * self.scale,
            },
            zorder=1,
        )


def make_canvas(
    width: float,
    bottom: float,
    title: str,
    note: str = "",
    ax: Axes | None = None,
    is_animated: bool = False,
) -> Canvas:
    """Return a canvas for a drawing from (0, 0) to (width, bottom), with a title and a note.

    Args:
        width: width of the drawing in inches.
        bottom: lower end of the drawing, negative, in inches.
        title: text above the drawing.
        note: text below the drawing.
        ax: axes to draw on, or None for a new figure.
        is_animated: see `Canvas`.
    """
    full_width = max(width + 2 * MARGIN, MIN_WIDTH)
    shift = (full_width - width) / 2
    notes = _wrap(note, full_width - 2 * MARGIN, FONT_SIZE)
    titles = _wrap(title, full_width - 2 * MARGIN, TITLE_SIZE)
    title_height = len(titles) * TITLE_SIZE * 1.35 / 72
    note_height = len(notes) * LINE_HEIGHT + (0.1 if notes else 0)
    height = title_height - bottom + note_height + 3 * MARGIN
    if ax is None:
        figure = NotebookFigure(figsize=(full_width, height))
        ax, scale = figure.add_axes((0, 0, 1, 1)), 1.0
    else:
        require_axes(ax)
        box = ax.get_window_extent()
        dpi = ax.figure.dpi
        scale = min(1.0, box.width / dpi / full_width, box.height / dpi / height)
    ax.set_axis_off()
    ax.set_aspect("equal")
    top = title_height + 2 * MARGIN
    ax.set_xlim(-shift, full_width - shift)
    ax.set_ylim(top - height, top)
    ink = mpl.rcParams["text.color"]
    canvas = Canvas(ax, scale, ink, _get_paper(ax.figure.get_facecolor(), ink), is_animated)
    for i, line in enumerate(titles):
        y = top - MARGIN / 2 - (i + 0.5) * TITLE_SIZE * 1.35 / 72
        canvas.write(MARGIN - shift, y, line, align="left", size=TITLE_SIZE, bold=True)
    for i, line in enumerate(notes):
        y = bottom - 0.1 - MARGIN - (i + 0.5) * LINE_HEIGHT + 0.1
        canvas.write(MARGIN - shift, y, line, align="left")
    return canvas


def _get_paper(color: Any, ink: Any) -> str:
    """Return the color behind a drawing; if the figure is transparent, one on which ink is read."""
    if to_rgba(color)[3] > 0:
        return to_hex(color)
    return "#000000" if sum(to_rgba(ink)[:3]) > 1.5 else PAPER


def _wrap(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines of at most `width` inches."""
    lines = []
    for paragraph in text.splitlines():
        n = len(paragraph)
        share = min(1.0, width / max(measure_width(paragraph, size), 1e-9))
        lines += textwrap.wrap(paragraph, max(int(n * share * 0.97), 12) if share < 1 else n + 1)
    return lines
