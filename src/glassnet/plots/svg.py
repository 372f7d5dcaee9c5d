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


@contextmanager
def page_style() -> Iterator[None]:
    """Let figures that are drawn in the block, and `to_svg` in it, use the colors of the page."""
    with mpl.rc_context(STYLE):
        yield


def to_svg(figure: Figure) -> str:
    """Return a figure as an SVG element: text stays text, and ink has the page's color.

    Draw the figure and call this inside `page_style`.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    _, _, text = file.getvalue().partition("<svg")
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
