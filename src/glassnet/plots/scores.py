"""Plots of scores with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from glassnet.formatting import format_number
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, REFERENCE_COLOR, clean_axes
from glassnet.plots.text import plain_text


@plain_text
def plot_scores(
    scores: Sequence[tuple[str, float, tuple[float, float] | None]], label: str
) -> Figure:
    """Plot the score of each method as a point on its interval, the first one in color.

    Args:
        scores: name, value and interval of each method; the first is the network.
        label: label of the axis of scores.
    """
    figure = NotebookFigure(figsize=(4.8, 0.9 + 0.4 * len(scores)), layout="constrained")
    ax = figure.add_subplot()
    for i, (_, value, interval) in enumerate(scores):
        color = REFERENCE_COLOR if i else CLASS_COLORS[0]
        if interval is not None:
            ax.plot(interval, (i, i), color=color, lw=3, alpha=0.6, solid_capstyle="round")
        ax.plot(value, i, "o", color=color, ms=8)
    ax.axvline(scores[0][1], color=CLASS_COLORS[0], lw=0.8, ls=":")
    ax.set_yticks(range(len(scores)), [name for name, _, _ in scores])
    ax.set_ylim(len(scores) - 0.5, -0.5)
    ax.set_xlabel(label)
    ax.xaxis.set_major_formatter(lambda value, _: format_number(value))
    ax.locator_params(axis="x", nbins=5)
    ax.grid(axis="x", alpha=0.25)
    clean_axes(ax)
    return figure
