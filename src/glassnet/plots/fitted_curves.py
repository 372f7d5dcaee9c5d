"""Plots of an answer over one feature: a curve and the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.formatting import shorten
from glassnet.plots.planes import (
    MARKERS,
    MAX_LABEL,
    PlaneAxis,
    PlanePoints,
    choose_point_size,
    set_ticks,
)
from glassnet.plots.style import (
    CLASS_COLORS,
    REFERENCE_COLOR,
    clean_axes,
    figure_of,
    get_axes,
    get_class_colors,
)
from glassnet.plots.text import plain_text, set_title

PART_COLORS = (CLASS_COLORS[0], CLASS_COLORS[2])
"""Colors of the rows and of the test rows."""

CURVE_COLOR = CLASS_COLORS[1]

ROW_STEP = 0.06
"""Distance between the rows of two classes, below the curves of their probabilities."""

FIGURE_SIZE = (6.4, 4.4)


@plain_text
def plot_number_curve(
    axis: PlaneAxis,
    values: np.ndarray,
    parts: Sequence[PlanePoints],
    label: str,
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw a predicted number over a feature, and the rows with their true number.

    Args:
        axis: the feature.
        values: predictions, (m,).
        parts: rows to draw; `y` is the true number, NaN if it is not known.
        label: name of the number.
        title: title of the figure.
        ax: axes to draw on; None for a new figure.
    """
    ax = get_axes(ax, FIGURE_SIZE)
    rng = np.random.default_rng(0)
    size = choose_point_size(sum(len(part.sample()[0]) for part in parts))
    for part, color, marker in zip(parts, PART_COLORS, MARKERS, strict=False):
        index, name = part.sample()
        x = axis.place(part.x, rng)[index]
        edge: dict[str, Any] = {"edgecolors": [ax.get_facecolor()], "linewidths": 0.5}
        ax.scatter(x, part.y[index], s=size, c=color, marker=marker, label=name, **edge)
    _draw_curve(ax, axis, values, CURVE_COLOR, "prediction")
    ax.set_ylabel(label)
    _finish(ax, axis, title)
    return figure_of(ax)


@plain_text
def plot_probability_curves(
    axis: PlaneAxis,
    probability: np.ndarray,
    parts: Sequence[PlanePoints],
    class_names: tuple[str, ...],
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the probability of classes over a feature, and the rows.

    Of two classes, the curve is that of the second, and the rows stand at 0 and 1. Of more
    classes, the rows stand below the curves.

    Args:
        axis: the feature.
        probability: of each class, (m, K).
        parts: rows to draw; `y` is the true class index, NaN if it is not known.
        class_names: name of each class.
        title: title of the figure.
        ax: axes to draw on; None for a new figure.
    """
    ax = get_axes(ax, FIGURE_SIZE)
    colors, is_binary = get_class_colors(len(class_names)), len(class_names) == 2
    ink, rng = mpl.rcParams["text.color"], np.random.default_rng(0)
    size = choose_point_size(sum(len(part.sample()[0]) for part in parts))
    for part, marker in zip(parts, MARKERS, strict=False):
        index, name = part.sample()
        x, codes = axis.place(part.x, rng)[index], part.y[index]
        y = codes if is_binary else -ROW_STEP * (codes + 1)
        row_colors: Any = [colors[int(code)] for code in codes]
        label = name if len(parts) > 1 or name != part.label else None
        edge: dict[str, Any] = {"edgecolors": [ax.get_facecolor()], "linewidths": 0.5}
        ax.scatter(x, y, s=size, c=row_colors, marker=marker, label=label, zorder=3, **edge)
        wrong = part.is_wrong[index]
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": [ink], "linewidths": 1.2}
        label = "wrong" if wrong.any() else None
        ax.scatter(x[wrong], y[wrong], s=2.6 * size, label=label, zorder=4, **ring)
    if is_binary:
        ax.axhline(0.5, color=REFERENCE_COLOR, ls=":", lw=1.2)
        _draw_curve(ax, axis, probability[:, 1], colors[1], "")
        ax.set_ylabel(shorten(f"probability of {class_names[1]}", MAX_LABEL))
    else:
        for k, name in enumerate(class_names):
            _draw_curve(ax, axis, probability[:, k], colors[k], name)
        ax.set_ylabel("probability")
    low = -0.05 if is_binary else -ROW_STEP * (len(class_names) + 1)
    ax.set(ylim=(low, 1.05), yticks=np.linspace(0, 1, 6))
    _finish(ax, axis, title)
    return figure_of(ax)


def _draw_curve(ax: Axes, axis: PlaneAxis, values: np.ndarray, color: str, label: str) -> None:
    """Draw a line; for a category, a bar at each level."""
    style: dict[str, Any] = {"color": color, "lw": 2.2, "label": label or None, "zorder": 5}
    if axis.levels:
        positions = axis.positions
        style["colors"] = style.pop("color")
        ax.hlines(values, positions - 0.4, positions + 0.4, **style)
    else:
        ax.plot(axis.scaled_positions, values, **style)


def _finish(ax: Axes, axis: PlaneAxis, title: str) -> None:
    set_title(ax, title)
    ax.set(xlabel=shorten(axis.label, MAX_LABEL), xlim=axis.edges[[0, -1]])
    set_ticks(ax.xaxis, axis)
    clean_axes(ax)
    handles, labels = ax.get_legend_handles_labels()
    by_label = dict(zip(labels, handles, strict=True))
    if by_label:
        ax.legend(by_label.values(), by_label, frameon=False)
