"""Plots of complete time series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, clean_axes
from glassnet.plots.text import plain_text

MAX_TICKS = 6
"""Maximum number of time labels below the curve."""


@plain_text
def plot_series(name: str, labels: Sequence[str], values: np.ndarray, n_train: int) -> Figure:
    """Plot the values of a series over time.

    Args:
        name: label of the y axis.
        labels: time of every step.
        values: (n,) numbers.
        n_train: number of steps for training; those after it are for testing.
    """
    figure = NotebookFigure(figsize=(6.4, 3.2), layout="constrained")
    ax = figure.add_subplot()
    steps = np.arange(len(values))
    ax.plot(steps[:n_train], values[:n_train], color=CLASS_COLORS[0], lw=1.4, label="training")
    if n_train < len(values):
        rest = slice(max(n_train - 1, 0), None)
        ax.plot(steps[rest], values[rest], color=CLASS_COLORS[1], lw=1.4, label="test")
        ax.legend(frameon=False)
    positions = np.unique(np.linspace(0, len(values) - 1, MAX_TICKS).astype(int))
    ax.set_xticks(positions, [labels[i] for i in positions])
    ax.set(ylabel=name, xlim=(0, max(len(values) - 1, 1)))
    ax.grid(alpha=0.25)
    clean_axes(ax)
    return figure
