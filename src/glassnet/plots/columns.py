"""Plots of the columns of a table: their importance, and their correlation with the target."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from glassnet.formatting import format_number, format_share, shorten
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import (
    CLASS_COLORS,
    DIVERGING,
    NEGATIVE_COLOR,
    POSITIVE_COLOR,
    REFERENCE_COLOR,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.plots.text import plain_text, set_title
from glassnet.types import Array

MAX_COLUMNS = 20
"""Maximum number of columns in a plot."""

CAPTION_WIDTH = 90
"""Maximum number of characters in a line below a plot."""

MAX_NAME = 32
"""Maximum number of characters of the name of a column."""


@plain_text
def plot_importances(
    names: Sequence[str],
    partners: Sequence[str],
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
        names: name of each column.
        partners: for each column, to which other one it is close, or "".
        importances: of each column and shuffle, the most important column first.
        xlabel: meaning of an importance.
        title: the finding.
        remarks: sentences to print below the plot.
        ax: axes to draw on, or None.
    """
    n = min(len(names), MAX_COLUMNS)
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
    )
    ax.axvline(0, color=REFERENCE_COLOR, lw=1)
    ax.set_yticks(places, [shorten(name, MAX_NAME) for name in names[:n]], fontsize=9)
    right = importances[:n].max(axis=1)
    for place, text in enumerate(partners[:n]):
        x = max(right[place], 0)
        ax.annotate(
            text, (x, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7
        )
    ax.invert_yaxis()
    n_more = len(names) - n
    more = [f"{n_more:,} less important columns are not shown"] if n_more else []
    lines = [f"{xlabel}; each stroke is one shuffle", *more, *remarks]
    ax.set_xlabel("\n".join(fill(line, CAPTION_WIDTH) for line in lines), fontsize=9)
    set_title(ax, title, fontweight="bold")
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
    ax.grid(axis="x", alpha=0.25)
    clean_axes(ax)
    return figure_of(ax)


@plain_text
def make_pair(title: str, remarks: Sequence[str], n_columns: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with two panels, high enough for so many columns."""
    height = max(4.2, 1.4 + 0.27 * min(n_columns, MAX_COLUMNS))
    figure = NotebookFigure(figsize=(12, height), layout="constrained")
    set_title(figure, title, fontweight="bold")
    if remarks:
        figure.supxlabel("; ".join(remarks), fontsize=8)
    return figure, list(figure.subplots(1, 2, width_ratios=[4, 5]))


@plain_text
def plot_associations(
    names: Sequence[str],
    values: Array,
    measures: Sequence[str],
    target: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw how closely the first columns are related to the target.

    Shapes:
        values: (C,), the closest first.

    Args:
        names: name of each column.
        values: from -1 to 1.
        measures: "r", "eta" or "V" for each column.
        target: name of the target.
        ax: axes to draw on, or None.
    """
    ax = get_axes(ax, (6.0, 1.4 + 0.27 * min(len(names), MAX_COLUMNS)))
    names, values, measures = names[:MAX_COLUMNS], values[:MAX_COLUMNS], measures[:MAX_COLUMNS]
    styles = {
        "r above 0": (POSITIVE_COLOR, ""),
        "r below 0": (NEGATIVE_COLOR, ""),
        "eta, a number and a category": (CLASS_COLORS[4], "///"),
        "Cramér's V, two categories": (CLASS_COLORS[3], "..."),
    }
    for label, (color, hatch) in styles.items():
        rows = [
            row
            for row, (value, measure) in enumerate(zip(values, measures, strict=True))
            if _style_of(value, measure) == label
        ]
        if rows:
            bars = ax.barh(
                rows, values[rows], height=0.7, color=color, hatch=hatch, ec="white", label=label
            )
            texts = [format_share(value) for value in values[rows]]
            ax.bar_label(bars, texts, padding=3, fontsize=7)
    ax.axvline(0, color=REFERENCE_COLOR, lw=1)
    ax.set_yticks(range(len(names)), [shorten(name, MAX_NAME) for name in names], fontsize=8)
    ax.invert_yaxis()
    low = min(0.0, float(values.min(initial=0)) - 0.15)
    ax.set(xlim=(low, 1.12), xlabel=f"relation to {target}")
    if names:
        ax.legend(frameon=False, fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    clean_axes(ax)
    return figure_of(ax)


def _style_of(value: float, measure: str) -> str:
    if measure == "r":
        return "r above 0" if value >= 0 else "r below 0"
    is_eta = measure == "eta"
    return "eta, a number and a category" if is_eta else "Cramér's V, two categories"


@plain_text
def plot_matrix(names: Sequence[str], matrix: Array, ax: Axes | None = None) -> Figure | SubFigure:
    """Draw correlations between columns.

    Shapes:
        matrix: (C, C), NaN if a correlation is not defined.
    """
    ax = get_axes(ax, (6.4, 5.6))
    image = ax.imshow(np.ma.masked_invalid(matrix), cmap=DIVERGING, vmin=-1, vmax=1)
    for (i, j), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            ink = "white" if abs(value) > 0.6 else "black"
            text = format_number(value, 2) if i != j else "1"
            ax.text(j, i, text, ha="center", va="center", fontsize=7, color=ink)
    names = [shorten(name, MAX_NAME) for name in names]
    ax.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    ax.set_yticks(range(len(names)), names, fontsize=8)
    figure_of(ax).colorbar(image, ax=ax, shrink=0.8, label="correlation r")
    ax.set_title("correlation between columns of numbers", fontsize=10)
    return figure_of(ax)


@plain_text
def plot_against_target(
    panels: Sequence[tuple[str, Array, Sequence[str], str]], target: str, y: Array
) -> Figure:
    """Draw the target of every row over columns, one panel for each.

    Shapes:
        y: (n,).

    Args:
        panels: for each column its name, values (n,), names of categories if it has any, and title.
        target: name of the target.
        y: values of the target.
    """
    n_columns = min(3, len(panels))
    n_lines = -(-len(panels) // n_columns)
    figure = NotebookFigure(figsize=(4.2 * n_columns, 3.4 * n_lines), layout="constrained")
    grid = figure.subplots(n_lines, n_columns, squeeze=False, sharey=True)
    for ax, (name, x, categories, title) in zip(grid.flat, panels, strict=False):
        if categories:
            _draw_boxes(ax, x, y, categories)
        else:
            _draw_points(ax, x, y)
        ax.set_xlabel(name)
        ax.set_title(title, fontsize=10)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
        clean_axes(ax)
    for ax in grid[:, 0]:
        ax.set_ylabel(target)
    for ax in list(grid.flat)[len(panels) :]:
        ax.set_axis_off()
    return figure


def _draw_points(ax: Axes, x: Array, y: Array) -> None:
    """Draw points and the least-squares line through them."""
    has_value = np.isfinite(x)
    x, y = x[has_value], y[has_value]
    size = 14 if len(x) < 500 else 8
    ax.scatter(x, y, s=size, color=CLASS_COLORS[0], alpha=0.6, linewidths=0)
    if len(x) > 1 and np.ptp(x) > 0:
        slope, intercept = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        ax.plot(ends, intercept + slope * ends, color=CLASS_COLORS[1], lw=1.6)
    is_integral = bool(np.all(x == np.round(x)))
    ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=is_integral))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))


def _draw_boxes(ax: Axes, codes: Array, y: Array, categories: Sequence[str]) -> None:
    """Draw a box of the targets of each category, by their median."""
    present = sorted(np.unique(codes), key=lambda code: float(np.median(y[codes == code])))
    boxes = ax.boxplot([y[codes == code] for code in present], patch_artist=True, sym=".")
    ink = matplotlib.rcParams["text.color"]
    for box in boxes["boxes"]:
        box.set(facecolor=CLASS_COLORS[4], edgecolor=ink)
    for part in ("whiskers", "caps", "medians"):
        for line in boxes[part]:
            line.set_color(ink)
    labels = [categories[code] for code in present]
    is_long = sum(map(len, labels)) > 30
    rotation, size = (90, 7) if is_long else (0, 8)
    ax.set_xticks(range(1, len(present) + 1), labels, rotation=rotation, fontsize=size)
