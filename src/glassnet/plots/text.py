"""Texts of plots: titles that fit, and names from data exactly as they are."""

from __future__ import annotations

import functools
import itertools
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import LogFormatter

from glassnet.formatting import format_number

F = TypeVar("F", bound=Callable[..., Any])

TITLE_SIZE = 10.0
"""Size of a title in points."""

CHARACTERS_PER_INCH = 11.0
"""Number of characters of a title in an inch."""

MAX_TITLE_WIDTH = 7.6
"""Width in inches up to which a figure grows with its title."""

MIN_LINE = 24
"""Least number of characters in a line of a title."""


def plain_text(draw: F) -> F:
    """Function decorator: let texts of a figure show names as they are, with their dollar signs.

    Otherwise matplotlib would set what stands between two of them as a formula, or refuse it.
    """

    @functools.wraps(draw)
    def draw_plainly(*args: Any, **kwargs: Any) -> Any:
        with mpl.rc_context({"text.parse_math": False}):
            result = draw(*args, **kwargs)
            for ax in (*args, *kwargs.values()):
                if isinstance(ax, Axes):
                    _write_plainly(ax)
        return result

    return cast(F, draw_plainly)


def _write_plainly(ax: Axes) -> None:
    """Let the title, labels and ticks of axes that the user made show their texts as they are."""
    axes: list[Axis] = [ax.xaxis, ax.yaxis]
    if hasattr(ax, "zaxis"):
        axes.append(ax.zaxis)
    ticks = itertools.chain(*(axis.get_major_ticks() for axis in axes))
    for text in (ax.title, *(axis.label for axis in axes), *(tick.label1 for tick in ticks)):
        text.set_parse_math(False)


def set_title(place: Axes | Figure | SubFigure, title: str, **style: Any) -> None:
    """Write a title in lines that fit into the figure."""
    figure: Any = place.get_figure() if isinstance(place, Axes) else place
    width = figure.bbox.width / figure.dpi
    if isinstance(place, Axes):
        # Labels and ticks of new axes take about a quarter of the width of their figure.
        width = min(width, place.bbox.width / figure.dpi / 0.75)
    text = wrap_title(title, max(int(width * CHARACTERS_PER_INCH), MIN_LINE))
    write = place.set_title if isinstance(place, Axes) else place.suptitle
    write(text, **{"fontsize": TITLE_SIZE, **style})


def wrap_title(title: str, width: int) -> str:
    """Return a title in several lines; what follows a semicolon begins a line.

    Example:
        >>> wrap_title("Boundary: accuracy 0.9; slice at age = 3", 60)
        'Boundary: accuracy 0.9;\\nslice at age = 3'
    """
    parts = title.replace("; ", ";\n").splitlines()
    return "\n".join("\n".join(textwrap.wrap(part, width)) for part in parts)


def widen_for_title(width: float, *texts: str) -> float:
    """Return the width of a figure in which its title takes few lines."""
    needed = max(map(len, texts)) / CHARACTERS_PER_INCH
    return max(width, min(needed, MAX_TITLE_WIDTH))


def use_plain_numbers(axis: Axis) -> None:
    """Write the ticks of a logarithmic axis as numbers, not as powers of ten."""
    axis.set_major_formatter(_PlainLogFormatter())
    axis.set_minor_formatter(_PlainLogFormatter())


class _PlainLogFormatter(LogFormatter):
    def __call__(self, value: float, position: int | None = None) -> str:
        return format_number(value, 3) if super().__call__(value, position) else ""
