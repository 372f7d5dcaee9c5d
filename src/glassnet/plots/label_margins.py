"""Plot of the margins of labels: how many rows have which one."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.plots.style import CLASS_COLORS, clean_axes, figure_of, get_axes
from glassnet.plots.text import plain_text, set_title


@plain_text
def plot_margins(
    margins: np.ndarray, suspicious: np.ndarray, *, title: str, ax: Axes | None = None
) -> Figure | SubFigure:
    """Draw a histogram of all margins, and over it that of the suspicious rows.

    Args:
        margins: mean margin of each row.
        suspicious: the margins of the suspicious rows.
        title: title of the figure.
        ax: axes to draw on; None for a new figure.
    """
    ax = get_axes(ax, (7.2, 4.0))
    bins = np.linspace(margins.min(), margins.max(), 41).tolist()
    ax.hist(margins, bins, color=CLASS_COLORS[0], label="all rows")
    name = f"the {len(suspicious)} most suspicious" if len(suspicious) > 1 else "most suspicious"
    ax.hist(suspicious, bins, color=CLASS_COLORS[1], label=name)
    ax.axvline(0.0, color="gray", linestyle="--", lw=1.2)
    ax.set(xlabel="mean margin of the label: negative if another class was preferred")
    ax.set(ylabel="rows", yscale="log")
    ax.legend()
    clean_axes(ax)
    set_title(ax, title)
    return figure_of(ax)
