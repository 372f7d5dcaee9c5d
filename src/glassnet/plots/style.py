"""Colors and axes that all plots share.

Text and axes have the colors of matplotlib's style, so that a dark style works. The colors here can
be told apart by color-blind readers, on white and on dark paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import require
from glassnet.plots.figure import NotebookFigure
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

CLASS_COLORS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#8C564B",
    "#7F7F7F",
    "#BCBD22",
    "#A6761D",
)
"""Class colors for color-blind readers too (Okabe and Ito, 2008, and four more)."""

SEQUENTIAL = "viridis"
"""Color map of sizes: loss, certainty, activations."""

DIVERGING = "RdBu"
"""Color map of signed numbers around 0: red is negative, blue is positive."""

POSITIVE_COLOR, NEGATIVE_COLOR = "#4393C3", "#D6604D"
"""Colors of single positive and negative numbers, from `DIVERGING`."""

REFERENCE_COLOR = "#8A94A6"
"""Color of what a curve is compared with: baselines, the best epoch, a diagonal."""


def get_class_colors(n: int) -> list[str]:
    """Return n class colors; from the 11th on, they repeat."""
    return [CLASS_COLORS[code % len(CLASS_COLORS)] for code in range(n)]


def signed_limits(values: Array) -> tuple[float, float]:
    """Return the limits of a `DIVERGING` color map, with 0 in the middle.

    Example:
        >>> signed_limits(np.array([-1.0, 3.0]))
        (-3.0, 3.0)
    """
    largest = float(np.abs(values).max(initial=0)) or 1.0
    return -largest, largest


def get_axes(
    ax: Axes | None, size: tuple[float, float] = (5.4, 4.2), projection: str | None = None
) -> Axes:
    """Return `ax`, or the axes of a new figure.

    Args:
        ax: axes to draw on, or None.
        size: width and height of a new figure in inches.
        projection: "3d" for three-dimensional axes of a new figure.

    Raises:
        ConfigError: `ax` is something else than axes, or has another projection.
    """
    if ax is not None:
        require_axes(ax, projection)
        return ax
    figure = NotebookFigure(figsize=size, layout="constrained")
    return figure.add_subplot(projection=projection)


def require_axes(ax: Any, projection: str | None = None) -> None:
    """Check that `ax` is one pair of axes, or of three if the projection is "3d".

    Raises:
        ConfigError: it is not.
    """
    from matplotlib.axes import Axes

    is_axes = isinstance(ax, Axes)
    received = type(ax).__name__
    fix = "Of figure, axes = plt.subplots(1, 2), pass axes[0]. Without ax, a new figure is drawn."
    require(is_axes, "plot", "ax to be one Axes of matplotlib, or None", ax=received, fix=fix)
    if projection == "3d":
        fix = 'Make them by figure.add_subplot(projection="3d").'
        require(ax.name == "3d", "plot", "ax to have three dimensions", ax=ax.name, fix=fix)


def figure_of(ax: Axes) -> Figure | SubFigure:
    """Return the figure that axes belong to."""
    figure = ax.get_figure()
    assert figure is not None
    return figure


def clean_axes(ax: Axes) -> None:
    """Remove the upper and right border of axes."""
    ax.spines[["top", "right"]].set_visible(False)
