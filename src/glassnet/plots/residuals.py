"""Plots of the errors of predicted numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from glassnet.formatting import format_number
from glassnet.plots.style import (
    CLASS_COLORS,
    REFERENCE_COLOR,
    SEQUENTIAL,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.plots.text import plain_text
from glassnet.types import Array

MAX_POINTS = 5000
"""Maximum number of points of a scatter plot; of more, an even sample is drawn."""


@plain_text
def plot_predictions(
    name: str, y_true: Array, y_pred: Array, colors: str = "output", ax: Axes | None = None
) -> Figure | SubFigure:
    """Draw predicted against true values, with the diagonal.

    Shapes:
        y_true, y_pred: (n, K).

    Args:
        name: name of the target.
        y_true, y_pred: the values.
        colors: what the K colors stand for.
        ax: axes to draw on, or None.
    """
    ax = get_axes(ax)
    points = _scatter(ax, y_true, y_pred)
    ends = [min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max())]
    ax.plot(ends, ends, color=REFERENCE_COLOR, ls=":", lw=1.2)
    ax.set(xlabel=f"true {name}", ylabel=f"predicted {name}")
    ax.set_title("predicted against true", fontsize=10)
    _finish(ax, points, colors)
    return figure_of(ax)


@plain_text
def plot_residuals(
    name: str, y_pred: Array, residuals: Array, colors: str = "output", ax: Axes | None = None
) -> Figure | SubFigure:
    """Draw residuals against predictions.

    Shapes:
        y_pred, residuals: (n, K).

    Args:
        name: name of the target.
        y_pred, residuals: the values.
        colors: what the K colors stand for.
        ax: axes to draw on, or None.
    """
    ax = get_axes(ax)
    points = _scatter(ax, y_pred, residuals)
    ax.axhline(0, color=REFERENCE_COLOR, ls=":", lw=1.2)
    ax.set(xlabel=f"predicted {name}", ylabel="residual (true - predicted)")
    ax.set_title("residuals: above 0, the prediction is too low", fontsize=10)
    _finish(ax, points, colors)
    return figure_of(ax)


@plain_text
def plot_histogram(name: str, residuals: Array, ax: Axes | None = None) -> Figure | SubFigure:
    """Draw the histogram of the residuals.

    Shapes:
        residuals: (n, K).
    """
    ax = get_axes(ax)
    ax.hist(residuals.ravel(), bins=30, color=CLASS_COLORS[0])
    ax.axvline(0, color=REFERENCE_COLOR, ls=":", lw=1.2)
    ax.set(xlabel=f"residual of {name}", ylabel="rows")
    median = format_number(np.median(np.abs(residuals)))
    ax.set_title(f"half of the errors are below {median}", fontsize=10)
    _format_numbers(ax.xaxis)
    clean_axes(ax)
    return figure_of(ax)


@plain_text
def plot_outputs(
    xlabel: str,
    rmse: Array,
    naive_rmse: Array,
    names: Sequence[str],
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the RMSE of each output, or of each step next to the seasonal naive forecast.

    Shapes:
        rmse, naive_rmse: (K,); naive_rmse may be None.
    """
    ax = get_axes(ax)
    places = np.arange(1, len(rmse) + 1)
    marker = "o" if len(rmse) < 40 else None
    ax.plot(places, rmse, color=CLASS_COLORS[0], marker=marker, label="network")
    if naive_rmse is not None:
        ax.plot(
            places,
            naive_rmse,
            color=REFERENCE_COLOR,
            ls="--",
            marker=marker,
            label="seasonal naive forecast",
        )
        ax.legend(frameon=False, fontsize=8)
    ax.set_ylim(bottom=0)
    ax.set(xlabel=xlabel, ylabel="RMSE")
    if naive_rmse is None and len(names) <= 12:
        ax.set_xticks(places, names, rotation=30)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_title(f"RMSE by {xlabel}", fontsize=10)
    ax.grid(alpha=0.25)
    clean_axes(ax)
    return figure_of(ax)


def _scatter(ax: Axes, x: Array, y: Array) -> PathCollection:
    """Draw points in one color, or colored by the output that they belong to."""
    n, k = x.shape
    outputs = np.broadcast_to(np.arange(1, k + 1), (n, k)).ravel()
    step = -(-x.size // MAX_POINTS)
    x, y, outputs = x.ravel()[::step], y.ravel()[::step], outputs[::step]
    size = 14 if len(x) < 1000 else 6
    if k == 1:
        return ax.scatter(x, y, s=size, color=CLASS_COLORS[0], alpha=0.75, linewidths=0)
    return ax.scatter(x, y, s=size, c=outputs, cmap=SEQUENTIAL, alpha=0.75, linewidths=0)


def _finish(ax: Axes, points: PathCollection, colors: str) -> None:
    """Clean the axes, and add a color bar if the outputs have colors."""
    for axis in (ax.xaxis, ax.yaxis):
        _format_numbers(axis)
    outputs = points.get_array()
    if outputs is not None:
        ticks = MaxNLocator(5, integer=True)
        figure_of(ax).colorbar(points, ax=ax, label=colors, ticks=ticks)
    ax.grid(alpha=0.25)
    clean_axes(ax)


def _format_numbers(axis: Axis) -> None:
    """Write few ticks, as numbers with separators of thousands."""
    axis.set_major_locator(MaxNLocator(5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
