"""Figures as SVG text inside a page, readable on white and on dark paper."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

INK, PAPER = "#010203", "#fefdfc"
"""Stand-ins for the colors of the page. No color map contains them."""

STYLE: Any = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.facecolor": PAPER,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "glassnet",
}


CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Characters that XML forbids. Names from data may contain them."""


def save_svg(figure: Figure, **options: Any) -> str:
    """Return a figure as the text of an SVG file, without dates and names of programs.

    Args:
        figure: the figure.
        options: see `Figure.savefig`.
    """
    file = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=metadata, **options)
    return CONTROL_CHARACTERS.sub("", file.getvalue())


@contextmanager
def page_style() -> Iterator[None]:
    """Let figures that are drawn in the block, and `to_svg` in it, use the colors of the page."""
    with mpl.rc_context(STYLE):
        yield


def to_svg(figure: Figure) -> str:
    """Return a figure as an SVG element: text stays text, and ink has the page's color.

    Draw the figure and call this inside `page_style`.
    """
    _, _, text = save_svg(figure).partition("<svg")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"\n\s*", "\n", text)
    return "<svg" + text.replace(INK, "currentColor").replace(PAPER, "var(--paper)")


def show_in_frames(artist: Artist, first: int, last: int | None = None) -> None:
    """Show an artist of an animated figure only in some frames.

    `inspection.animation.write_animation` reads this from the SVG of the figure.

    Args:
        artist: what is drawn.
        first: index of the first frame that shows it, from 0.
        last: index of the last one; None for all that follow.
    """
    artist.set_gid(f"frame-{first}" if last is None else f"frame-{first}-{last}")
