"""Plots of two methods' scores on the same folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from glassnet.formatting import format_number, shorten
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, REFERENCE_COLOR, clean_axes
from glassnet.plots.text import plain_text, set_title
from glassnet.types import Array

MAX_NAME = 18
"""Maximum number of characters of a method's name."""

N_BINS = 25
"""Number of heights at which points are spread, so that close ones are seen beside each other."""


@plain_text
def plot_comparison(
    scores: Array,
    interval: tuple[float, float] | None,
    names: Sequence[str],
    metric: str,
    title: str,
    *,
    greater_is_better: bool | None,
    unit: str = "fold",
    ratio: float | None = None,
) -> Figure:
    """Plot both scores of each fold, and their differences or ratios with the interval of the mean.

    Shapes:
        scores: (2, folds).

    Args:
        scores: scores of both methods; NaN if a run did not finish.
        interval: of the mean difference, first method minus second; None if it is unknown.
        names: names of the methods.
        metric: name of the score.
        title: the finding.
        greater_is_better: whether a greater score is better; None if that is unknown.
        unit: what each score is of.
        ratio: mean ratio of the second method's scores to the first's, whose interval is then
            drawn; None for the difference.
    """
    names = [shorten(name, MAX_NAME) for name in names]
    figure = NotebookFigure(figsize=(8.0, 4.2), layout="constrained")
    set_title(figure, title, fontweight="bold")
    left, right = figure.subplots(1, 2, width_ratios=[5, 4])
    _plot_pairs(left, scores, names, unit)
    directions = {True: " (higher is better)", False: " (lower is better)", None: ""}
    left.set_ylabel(metric + directions[greater_is_better])
    if ratio is None:
        values = scores[0] - scores[1]
        _plot_differences(right, values, values.mean(), interval, unit)
        right.set_ylabel(f"difference of the {metric},\n{names[0]} - {names[1]}")
    else:
        _plot_differences(right, scores[1] / scores[0], ratio, interval, unit, neutral=1.0)
        right.set_ylabel(f"ratio of the {metric},\n{names[1]} / {names[0]}")
        names = names[::-1]
    sides = names[::-1] if greater_is_better is False else names
    word = "higher" if greater_is_better is None else "better"
    for name, y, alignment in ((sides[0], 0.99, "top"), (sides[1], 0.01, "bottom")):
        arrow = "\N{UPWARDS ARROW}" if alignment == "top" else "\N{DOWNWARDS ARROW}"
        right.text(
            *(0.99, y, f"{arrow} {name} {word}"),
            transform=right.transAxes,
            ha="right",
            va=alignment,
            fontsize=8,
        )
    return figure


def _plot_pairs(ax: Axes, scores: Array, names: Sequence[str], unit: str) -> None:
    """Plot a line for each fold or pair, from its score of one method to that of the other."""
    alpha = max(0.25, min(0.9, 10 / scores.shape[1]))
    ax.plot([0, 1], scores, color=REFERENCE_COLOR, lw=1, alpha=alpha)
    for place, values in enumerate(scores):
        x, color = np.full(len(values), place), CLASS_COLORS[place]
        ax.plot(x, values, "o", color=color, ms=5, alpha=alpha)
        if np.isfinite(values).all():
            outward = -0.16 if place == 0 else 0.16
            ax.plot(place + outward, values.mean(), "D", color=color, ms=8)
    ax.set_xticks([0, 1], names)
    ax.set_xlim(-0.4, 1.4)
    ax.set_xlabel(f"a line for each {unit}; diamonds are means")
    _finish(ax)


def _plot_differences(
    ax: Axes,
    values: Array,
    mean: float,
    interval: tuple[float, float] | None,
    unit: str,
    neutral: float = 0.0,
) -> None:
    """Plot the difference or ratio of each fold, and the mean with its interval."""
    color = CLASS_COLORS[2]
    ax.axhline(neutral, color=REFERENCE_COLOR, lw=1.2, ls="--")
    ax.plot(_spread(values), values, "o", color=REFERENCE_COLOR, ms=5, alpha=0.7)
    if interval is not None:
        ax.plot([0.6, 0.6], interval, color=color, lw=3, alpha=0.7, solid_capstyle="round")
    if np.isfinite(mean):
        ax.plot(0.6, mean, "D", color=color, ms=8)
    ax.set_xticks([0, 0.6], [f"{unit}s", "mean and\n95 % interval" if interval else "mean"])
    ax.set_xlim(-0.35, 1.0)
    ends = [*values[np.isfinite(values)], *(interval or ()), neutral]
    margin = 0.14 * (max(ends) - min(ends)) or 1.0
    ax.set_ylim(min(ends) - margin, max(ends) + margin)
    _finish(ax)


def _spread(values: Array) -> Array:
    """Return a horizontal position for each value, from -0.25 to 0.25: close ones lie in a row."""
    finite = np.where(np.isfinite(values), values, 0.0)
    height = np.ptp(finite) or 1.0
    bins = np.round((finite - finite.min()) / height * N_BINS)
    places = np.zeros(len(values))
    for each in np.unique(bins):
        rows = np.flatnonzero(bins == each)
        step = min(0.07, 0.5 / len(rows))
        places[rows] = (np.arange(len(rows)) - (len(rows) - 1) / 2) * step
    return places


def _finish(ax: Axes) -> None:
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
    ax.grid(axis="y", alpha=0.25)
    clean_axes(ax)
