"""Plots of the columns of a table: their importance, and their correlation with the target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from glassnet.formatting import format_number
from glassnet.plots.style import (
    CLASS_COLORS,
    REFERENCE_COLOR,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.types import Array

MAX_COLUMNS = 20
"""Most columns in a plot."""


def plot_importances(
    labels: Sequence[str],
    importances: Array,
    xlabel: str,
    title: str,
    remarks: Sequence[str],
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the mean importance of the first columns, with every shuffle as a point.

    Shapes:
        importances: (C, R).

    Args:
        labels: name of each column, and after ", " what is remarkable about it.
        importances: of each column and shuffle, the most important column first.
        xlabel: meaning of an importance.
        title: the finding.
        remarks: sentences to print below the plot.
        ax: axes to draw on, or None.
    """
    n = min(len(labels), MAX_COLUMNS)
    ax = get_axes(ax, (8.0, 1.6 + 0.32 * n))
    means, places = importances[:n].mean(axis=1), np.arange(n)
    ax.barh(places, means, color=CLASS_COLORS[0], height=0.65)
    repeats = importances.shape[1]
    ax.plot(
        importances[:n].ravel(),
        np.repeat(places, repeats),
        "|",
        color=CLASS_COLORS[4],
        ms=7,
        label="one shuffle",
    )
    ax.axvline(0, color=REFERENCE_COLOR, lw=1)
    names = [label.partition(", ")[0] for label in labels[:n]]
    ax.set_yticks(places, names, fontsize=9)
    right = importances[:n].max(axis=1)
    for place, label in enumerate(labels[:n]):
        text = label.partition(", ")[2]
        x = max(right[place], 0)
        ax.annotate(
            text, (x, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7
        )
    ax.invert_yaxis()
    n_more = len(labels) - n
    more = f" ({n_more:,} less important columns are not shown)" if n_more else ""
    ax.set_xlabel("\n".join([xlabel + more, *remarks]), fontsize=9)
    ax.set_title(title, fontsize=10, fontweight="bold", wrap=True)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
    ax.legend(frameon=False, fontsize=8, loc="lower right")
    ax.grid(axis="x", alpha=0.25)
    clean_axes(ax)
    return figure_of(ax)
