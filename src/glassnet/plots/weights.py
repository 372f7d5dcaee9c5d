"""Plots of weights: pictures or bars of each unit, and histograms of each layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from glassnet.formatting import shorten
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.images import hide_ticks
from glassnet.plots.style import (
    CLASS_COLORS,
    DIVERGING,
    NEGATIVE_COLOR,
    POSITIVE_COLOR,
    REFERENCE_COLOR,
    clean_axes,
    signed_limits,
)
from glassnet.plots.text import plain_text, set_title, widen_for_title
from glassnet.types import Array

MAX_COLUMNS = 8

MAX_NAME = 32
"""Maximum number of characters of the name of an input."""

MAX_HISTOGRAMS = 6
"""Histograms in a row, and at most two rows of them."""

HISTOGRAM_HEIGHT = 1.7


@plain_text
def plot_images(
    values: Array,
    labels: Sequence[str],
    weights: Mapping[str, Array],
    title: str,
    subtitle: str,
) -> Figure:
    """Plot the weights of each unit as a picture, all on one color scale.

    Args:
        values: (units, height, width), or (units, height, width, 3) for red, green and blue.
        labels: name of each unit.
        weights: all weights by name, for the histograms.
        title: of the figure.
        subtitle: text below the title, or "".
    """
    n_rows, n_columns = _arrange(len(values))
    upper, figure = _make_figure(1.0 * n_columns + 1.2, 1.2 * n_rows, weights, title, subtitle)
    grid = upper.subplots(n_rows, n_columns, squeeze=False)
    low, high = signed_limits(values)
    is_color = values.ndim == 4
    for axes, picture, label in zip(grid.flat, values, labels, strict=False):
        if is_color:
            axes.imshow(np.clip(0.5 + picture / (2 * high), 0, 1))
        else:
            axes.imshow(picture, cmap=DIVERGING, vmin=low, vmax=high)
        axes.set_title(label, fontsize=7, pad=2)
        hide_ticks(axes)
    for axes in grid.flat[len(values) :]:
        axes.set_axis_off()
    if not is_color:
        colors = ScalarMappable(Normalize(low, high), DIVERGING)
        bar = upper.colorbar(colors, ax=grid, shrink=0.9, aspect=25, pad=0.02)
        bar.set_label("weight", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return figure


@plain_text
def plot_bars(
    values: Array,
    labels: Sequence[str],
    inputs: Sequence[str],
    groups: Array,
    weights: Mapping[str, Array],
    title: str,
    *,
    subtitle: str,
) -> Figure:
    """Plot the weights of each unit as bars, one for each input.

    Args:
        values: (units, inputs).
        labels: name of each unit.
        inputs: name of each input.
        groups: number of the column of each input; a line separates columns with several inputs.
        weights: all weights by name, for the histograms.
        title: of the figure.
        subtitle: text below the title, or "".
    """
    n_rows, n_columns = _arrange(len(values))
    inputs = [shorten(name, MAX_NAME) for name in inputs]
    width = max(4.0, 1.15 * n_columns + 0.075 * max(map(len, inputs)) + 0.4)
    height = n_rows * (0.17 * len(inputs) + 0.7)
    upper, figure = _make_figure(width, height, weights, title, subtitle)
    grid = upper.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    low, high = signed_limits(1.05 * values)
    for axes, bars, label in zip(grid.flat, values, labels, strict=False):
        colors = [NEGATIVE_COLOR if bar < 0 else POSITIVE_COLOR for bar in bars]
        axes.barh(np.arange(len(bars)), bars, color=colors, height=0.75)
        axes.axvline(0, color=REFERENCE_COLOR, lw=0.8)
        _separate_groups(axes, groups)
        axes.set_title(f"unit {label}", fontsize=8)
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(MaxNLocator(3, symmetric=True))
        axes.tick_params(labelsize=7)
        clean_axes(axes)
    for axes in grid.flat[len(values) :]:
        axes.set_axis_off()
    grid[0, 0].set_yticks(np.arange(len(inputs)), inputs)
    grid[0, 0].set_ylim(len(inputs) - 0.4, -0.6)
    upper.supxlabel("weight", fontsize=8)
    return figure


def _arrange(n: int) -> tuple[int, int]:
    """Return rows and columns of n axes, with rows of nearly equal length."""
    n_rows = math.ceil(n / MAX_COLUMNS)
    return n_rows, math.ceil(n / n_rows)


def _separate_groups(axes: Axes, groups: Array) -> None:
    sizes = np.bincount(groups)
    for i in range(1, len(groups)):
        is_border = groups[i] != groups[i - 1]
        if is_border and max(sizes[groups[i]], sizes[groups[i - 1]]) > 1:
            axes.axhline(i - 0.5, color=REFERENCE_COLOR, lw=0.5, ls=":")


def _make_figure(
    width: float, height: float, weights: Mapping[str, Array], title: str, subtitle: str
) -> tuple[SubFigure, Figure]:
    """Return the upper part of a new figure, which has the histograms below, and the figure."""
    n = min(len(weights), 2 * MAX_HISTOGRAMS)
    n_columns = min(n, MAX_HISTOGRAMS)
    n_rows = math.ceil(n / n_columns)
    width = widen_for_title(max(width, 5.5, 1.5 * n_columns), title, subtitle)
    heights = [height + 0.75, HISTOGRAM_HEIGHT * n_rows]
    figure = NotebookFigure(figsize=(width, sum(heights)), layout="constrained")
    parts = figure.subfigures(2, 1, height_ratios=heights, squeeze=False)
    upper, lower = parts[:, 0]
    set_title(upper, f"{title}\n{subtitle}" if subtitle else title)
    grid = lower.subplots(n_rows, n_columns, squeeze=False)
    for axes, (name, weight) in zip(grid.flat, weights.items(), strict=False):
        axes.hist(np.ravel(weight), bins=40, color=CLASS_COLORS[0])
        axes.axvline(0, color=REFERENCE_COLOR, lw=0.8)
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_yticks([])
        clean_axes(axes)
        axes.spines["left"].set_visible(False)
    for axes in grid.flat[n:]:
        axes.set_axis_off()
    grid[0, 0].set_ylabel("count", fontsize=8)
    lower.supxlabel("weight", fontsize=8)
    return upper, figure
