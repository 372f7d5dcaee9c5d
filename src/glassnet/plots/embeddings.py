"""Plots of points in the plane of two directions, with classes, numbers or words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.formatting import shorten
from glassnet.plots.style import (
    CLASS_COLORS,
    SEQUENTIAL,
    clean_axes,
    figure_of,
    get_axes,
    get_class_colors,
)
from glassnet.plots.text import plain_text, set_title
from glassnet.types import Array

MAX_NAME = 24
"""Maximum number of characters of a class name in the legend."""

MAX_LEGEND = 20
"""Classes that are named in the legend."""


@plain_text
def plot_points(
    points: Array,
    *,
    axis_names: Sequence[str],
    classes: Array | None,
    class_names: Sequence[str],
    numbers: tuple[str, Array] | None,
    words: Sequence[str],
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Plot points in the colors of their classes or numbers, or with their words.

    Args:
        points: (n, 2).
        axis_names: labels of the axes.
        classes: class index of each point, or None.
        class_names: name of each class.
        numbers: name and values (n,) of a number for each point, or None.
        words: the word of each point, or empty. Words that would cover another one are left out.
        title: of the figure.
        ax: axes to draw on, or None.
    """
    ax = get_axes(ax, (7.2, 5.4))
    figure = figure_of(ax)
    size = 30 if len(points) < 200 else 12
    style: dict[str, Any] = {"s": size, "alpha": 0.75, "linewidths": 0}
    if classes is not None:
        _scatter_classes(ax, points, classes, class_names, style)
    elif numbers is not None:
        marks = ax.scatter(points[:, 0], points[:, 1], c=numbers[1], cmap=SEQUENTIAL, **style)
        figure.colorbar(marks, ax=ax, label=numbers[0])
    else:
        ax.scatter(*points.T, color=CLASS_COLORS[0], **style)
    if words:
        _write_words(ax, points, words)
    ax.set(xlabel=axis_names[0], ylabel=axis_names[1])
    set_title(ax, title)
    ax.set_aspect("equal", "datalim")
    clean_axes(ax)
    return figure


def _write_words(ax: Axes, points: Array, words: Sequence[str]) -> None:
    """Write words beside their points, those far from the middle first, without overlaps."""
    ink = matplotlib.rcParams["text.color"]
    width, height = np.ptp(points, axis=0).max() * np.array([0.012, 0.028])
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    boxes: list[tuple[float, float, float]] = []
    for i in np.argsort(-distance, kind="stable"):
        x, y = points[i]
        right = x + width * len(words[i])
        if any(x < r and left < right and abs(y - other) < height for left, r, other in boxes):
            continue
        boxes.append((x, right, y))
        ax.annotate(words[i], (x, y), (3, 3), textcoords="offset points", fontsize=7, color=ink)


def _scatter_classes(
    ax: Axes, points: Array, classes: Array, names: Sequence[str], style: dict[str, Any]
) -> None:
    """Draw the points of each class; the name of a class stands at its middle, too."""
    colors = get_class_colors(len(names))
    for code, (name, color) in enumerate(zip(names, colors, strict=True)):
        members = points[classes == code]
        if not len(members):
            continue
        ax.scatter(*members.T, color=color, label=shorten(name, MAX_NAME), **style)
    if len(names) <= MAX_LEGEND:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    if len(names) > 3:
        _name_classes(ax, points, classes, names, colors)


def _name_classes(
    ax: Axes, points: Array, classes: Array, names: Sequence[str], colors: Sequence[str]
) -> None:
    for code in np.unique(classes):
        x, y = np.median(points[classes == code], axis=0)
        box = {"boxstyle": "round,pad=0.2", "fc": colors[code], "ec": "white", "lw": 0.8}
        text = shorten(names[code], 15)
        ax.text(x, y, text, color="white", fontsize=8, ha="center", va="center", bbox=box)
