"""Plots of functions of one number with their slopes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, REFERENCE_COLOR, clean_axes, figure_of, get_axes
from glassnet.plots.text import plain_text, set_title
from glassnet.types import Array

MAX_OVERLAID = 5
"""Maximum number of functions that share one pair of axes."""

LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

TAIL_RATIO = 3.0
"""A range that is this many times wider than that of nine tenths of the values is cut."""


@plain_text
def plot_functions(
    x: Array,
    y: Array,
    slope: Array,
    *,
    names: Sequence[str],
    arguments: Sequence[str],
    kinks: Sequence[Array],
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Plot functions with their slopes.

    One function is drawn with its slope on the same axes. Up to five of the same argument are
    compared: values on the left, slopes on the right. More have axes of their own.

    Args:
        x, y, slope: arguments, values and slopes (F, n).
        names: of the functions.
        arguments: labels of the arguments.
        kinks: arguments at which a function has a kink, for each function.
        title: of the figure.
        ax: axes for a single function, or None.
    """
    if len(names) == 1:
        ax = get_axes(ax)
        _plot_function(ax, x[0], y[0], slope[0], kinks[0])
        ax.set_xlabel(arguments[0])
        set_title(ax, title)
        ax.legend(frameon=False)
        return figure_of(ax)
    if len(names) <= MAX_OVERLAID and len(set(arguments)) == 1:
        values = {"value": y, "slope": slope}
        return _plot_overlaid(x, values, kinks, names, arguments[0], title)
    n_columns = min(4, math.ceil(math.sqrt(len(names))))
    n_rows = math.ceil(len(names) / n_columns)
    figure = NotebookFigure(figsize=(3.1 * n_columns, 2.7 * n_rows + 0.6), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for i, (axes, name) in enumerate(zip(grid.flat, names, strict=False)):
        _plot_function(axes, x[i], y[i], slope[i], kinks[i])
        axes.set_title(name, fontsize=10)
        axes.set_xlabel(arguments[i], fontsize=8)
        axes.tick_params(labelsize=8)
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    entries = dict(zip(*grid[0, 0].get_legend_handles_labels()[::-1], strict=True))
    for axes in grid.flat:
        entries |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
    handles, labels = list(entries.values()), list(entries)
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    set_title(figure, title)
    return figure


def _plot_function(axes: Axes, x: Array, y: Array, slope: Array, kinks: Array) -> None:
    axes.axhline(0, color=REFERENCE_COLOR, lw=0.8)
    axes.plot(x, _cut_jumps(x, y, kinks), color=CLASS_COLORS[0], lw=2, label="value")
    slopes = _cut_jumps(x, slope, kinks)
    axes.plot(x, slopes, color=CLASS_COLORS[1], lw=1.6, ls="--", label="slope")
    inside = kinks[(kinks >= x[0]) & (kinks <= x[-1])]
    if len(inside):
        heights, color = np.interp(inside, x, y), CLASS_COLORS[0]
        axes.plot(inside, heights, "o", color=color, ms=5, mfc="none", label="kink or jump")
    axes.set_ylim(*_find_range(y, slope))
    clean_axes(axes)


def _plot_overlaid(
    x: Array,
    curves: dict[str, Array],
    kinks: Sequence[Array],
    names: Sequence[str],
    argument: str,
    title: str,
) -> Figure:
    figure = NotebookFigure(figsize=(9, 3.9), layout="constrained")
    grid = figure.subplots(1, 2)
    for axes, (label, values) in zip(grid, curves.items(), strict=True):
        axes.axhline(0, color=REFERENCE_COLOR, lw=0.8)
        for i, name in enumerate(names):
            line = _cut_jumps(x[i], values[i], kinks[i])
            axes.plot(x[i], line, color=CLASS_COLORS[i], ls=LINE_STYLES[i], lw=2, label=name)
        axes.set(xlabel=argument, ylabel=label, ylim=_find_range(values.ravel()))
        clean_axes(axes)
    grid[0].legend(frameon=False)
    set_title(figure, title)
    return figure


def _cut_jumps(x: Array, values: Array, kinks: Array) -> Array:
    """Return the values with NaN at kinks, so that no line joins the two sides of a jump."""
    is_cut = np.zeros(len(x), bool)
    steps = np.abs(np.diff(values))
    for kink in kinks:
        after = int(np.searchsorted(x, kink))
        for start in range(max(after - 1, 0), min(after + 1, len(x) - 1)):
            if steps[start] > 10 * np.median(steps) + 0.05:
                is_cut[start + 1 if x[start] < kink else start] = True
    return np.where(is_cut, np.nan, values)


def _find_range(*groups: Array) -> tuple[float, float]:
    """Return limits of the vertical axis for 0 and all groups of values.

    A tail of a group that would flatten the rest is left out.
    """
    low, high = 0.0, 0.0
    for values in groups:
        finite = values[np.isfinite(values)]
        ends = np.percentile(finite, [0, 5, 95, 100]) if len(finite) else np.zeros(4)
        lowest, inner_low, inner_high, highest = map(float, ends)
        inner_low, inner_high = min(inner_low, 0), max(inner_high, 0)
        if highest - lowest > TAIL_RATIO * (inner_high - inner_low) > 0:
            lowest, highest = max(lowest, inner_low), min(highest, inner_high)
        low, high = min(low, lowest), max(high, highest)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin
