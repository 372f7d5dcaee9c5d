"""Plots of scores over the number of training rows, or over the values of a parameter."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.formatting import format_number, shorten
from glassnet.plots.curves import TRAINING_COLOR, VALIDATION_COLOR
from glassnet.plots.scales import choose_scale, scale_scores
from glassnet.plots.style import (
    CLASS_COLORS,
    NEGATIVE_COLOR,
    REFERENCE_COLOR,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.plots.text import plain_text, set_title, widen_for_title
from glassnet.types import Array

FIGURE_SIZE = (6.4, 4.2)

MIN_LOG_RATIO = 15.0
"""Positive numbers get a logarithmic axis if the largest is this many times the smallest."""

MAX_DISTANCE = 0.6
"""A constant answer is drawn up to this distance from the other scores, in heights of the axis."""

CHARACTER_WIDTH = 0.016
"""Width of a character of a tick, in widths of the axes."""

MAX_LABELS = 60
"""Maximum number of characters in the labels of all categories."""

MIN_LABEL = 6
"""Number of characters that a label of a category always has."""

OTHER_STYLES = ((CLASS_COLORS[2], "--", "s"), (CLASS_COLORS[3], "-.", "^"))
"""Color, line and marker of each other method."""


@dataclass(frozen=True, eq=False)
class ScoreLine:
    """Scores of one method.

    Args:
        label: name in the legend.
        scores: (positions, folds); NaN if there is none.
        kind: "training" or "held-out" for the network, "other" for another method, or "constant"
            for one that gives the same answer for all rows.
    """

    label: str
    scores: Array
    kind: str


@dataclass(frozen=True)
class ScoreAxis:
    """The horizontal axis of a curve of scores.

    Args:
        label: name of what the scores are drawn over.
        values: numbers in ascending order, or categories.
        is_numeric: whether they are numbers.
    """

    label: str
    values: tuple[Any, ...]
    is_numeric: bool

    @property
    def positions(self) -> Array:
        """Where the values are drawn, (n,)."""
        return np.asarray(self.values if self.is_numeric else range(len(self.values)), np.float64)

    @property
    def scale(self) -> str:
        """Scale of the axis: "linear", "log", or "symlog" for 0 and numbers of several decades."""
        return choose_scale(self.positions, MIN_LOG_RATIO) if self.is_numeric else "linear"


@dataclass(frozen=True)
class Region:
    """Positions from `first` to `last` that have a name, such as "overfitting"."""

    label: str
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Marks:
    """What is marked beside the lines.

    Args:
        failed: (positions,) booleans: whether a training failed.
        best: position of the best score, or None.
        regions: positions to name.
    """

    failed: Array
    best: int | None = None
    regions: Sequence[Region] = ()


@plain_text
def plot_score_curve(
    axis: ScoreAxis,
    lines: Sequence[ScoreLine],
    *,
    label: str,
    title: str,
    legend_title: str,
    marks: Marks,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the mean of scores over folds, with a band of one standard deviation on each side.

    Args:
        axis: what the scores are drawn over.
        lines: scores of the network and of other methods.
        label: name of the score.
        title: title of the figure.
        legend_title: sentence above the legend.
        marks: what is marked beside the lines.
        ax: axes to draw on; None for a new figure.
    """
    width, height = FIGURE_SIZE
    ax = get_axes(ax, (widen_for_title(width, *title.replace("; ", ";\n").splitlines()), height))
    _set_scale(ax, axis)
    styles = itertools.cycle(OTHER_STYLES)
    for line in lines:
        if line.kind != "constant":
            _draw_line(ax, axis.positions, line, next(styles) if line.kind == "other" else None)
    scale_scores(ax, "y", np.concatenate([line.scores.ravel() for line in lines]))
    for line in lines:
        if line.kind == "constant":
            _draw_constant(ax, axis.positions, line)
    if marks.best is not None:
        ax.axvline(axis.positions[marks.best], color=REFERENCE_COLOR, lw=1.2, ls=":", zorder=0)
    _mark_failed(ax, axis.positions[marks.failed])
    _name_regions(ax, axis, marks.regions)
    set_title(ax, title, pad=18 if marks.regions else None)
    ax.set(xlabel=shorten(axis.label, 40), ylabel=label)
    ax.grid(axis="y", alpha=0.25)
    clean_axes(ax)
    legend = ax.legend(frameon=False, fontsize=8, title=legend_title, title_fontsize=8)
    legend.set_alignment("left")
    return figure_of(ax)


def _set_scale(ax: Axes, axis: ScoreAxis) -> None:
    """Set the scale, and ticks at the values whose labels do not overlap."""
    positions, options = axis.positions, {}
    if axis.scale == "symlog":
        options["linthresh"] = float(positions[positions > 0].min())
    ax.set_xscale(axis.scale, **options)
    ax.update_datalim([(position, 0) for position in positions], updatey=False)
    ax.autoscale_view(scaley=False)
    if axis.is_numeric:
        texts = list(map(format_number, axis.values))
    else:
        length = max(MAX_LABELS // len(positions), MIN_LABEL)
        texts = [shorten(str(value), length) for value in axis.values]
    to_axes = ax.transData + ax.transAxes.inverted()
    places = to_axes.transform([(position, 0) for position in positions])[:, 0]
    selected: list[int] = []
    for i in reversed(range(len(texts))):
        width = (
            CHARACTER_WIDTH * (len(texts[i]) + len(texts[selected[-1]]) + 2) / 2 if selected else 0
        )
        if not selected or places[selected[-1]] - places[i] >= width:
            selected.append(i)
    ax.set_xticks(positions[selected[::-1]], [texts[i] for i in selected[::-1]])
    ax.set_xticks([], minor=True)


def _draw_line(
    ax: Axes, positions: Array, line: ScoreLine, other_style: tuple[str, str, str] | None
) -> None:
    mean, spread = line.scores.mean(axis=1), _spread(line.scores)
    style: dict[str, Any] = {"lw": 1.6, "marker": "o", "ms": 4, "zorder": 3}
    if other_style is not None:
        style["color"], style["ls"], style["marker"] = other_style
    elif line.kind == "training":
        style["color"] = TRAINING_COLOR
    else:
        style |= {"color": VALIDATION_COLOR, "lw": 2.2, "ms": 5, "zorder": 4}
    ax.plot(positions, mean, label=line.label, **style)
    alpha = 0.07 if line.kind == "other" else 0.16
    band = {"color": style["color"], "alpha": alpha, "lw": 0}
    ax.fill_between(positions, mean - spread, mean + spread, zorder=1, **band)
    is_partial = np.isnan(mean)
    finished = line.scores[is_partial]
    at = np.repeat(positions[is_partial], line.scores.shape[1])
    ax.plot(at, finished.ravel(), ls="", marker=".", color=style["color"], alpha=0.5)


def _draw_constant(ax: Axes, positions: Array, line: ScoreLine) -> None:
    """Draw the score of a constant answer; if it is far from the others, only write it."""
    mean = line.scores.mean(axis=1)
    low, high = ax.get_ylim()
    style: dict[str, Any] = {"color": REFERENCE_COLOR, "lw": 1.6, "ls": ":", "zorder": 2}
    distance = max(low - mean.min(), mean.max() - high)
    if distance <= MAX_DISTANCE * (high - low):
        ax.plot(positions, mean, label=line.label, **style)
        return
    place = "below" if mean.min() < low else "above"
    ax.plot([], [], label=f"{line.label}: {format_number(mean[-1], 3)}, {place} the axis", **style)
    ax.set_ylim(low, high)


def _spread(scores: Array) -> Array:
    """Return the standard deviation over the folds, or 0 for a single one, (positions,)."""
    if scores.shape[1] == 1:
        return np.zeros(len(scores))
    spread: Array = scores.std(axis=1, ddof=1)
    return spread


def _mark_failed(ax: Axes, positions: Array) -> None:
    if not len(positions):
        return
    style: dict[str, Any] = {"ls": "", "marker": "x", "color": NEGATIVE_COLOR, "mew": 2}
    style |= {"label": "a training failed", "clip_on": False}
    height = np.full(len(positions), 0.03)
    ax.plot(positions, height, transform=ax.get_xaxis_transform(), **style)


def _name_regions(ax: Axes, axis: ScoreAxis, regions: Sequence[Region]) -> None:
    """Shade regions, each up to the middle between its last position and the next one."""
    positions = axis.positions
    left, right = ax.get_xlim()
    middles = (positions[1:] + positions[:-1]) / 2
    if axis.scale != "linear":
        middles = np.where(positions[:-1] > 0, np.sqrt(positions[1:] * positions[:-1]), middles)
    edges = np.array([left, *middles, right])
    for region in regions:
        start, stop = edges[region.first], edges[region.last + 1]
        ax.axvspan(start, stop, color=REFERENCE_COLOR, alpha=0.14, lw=0, zorder=0)
        to_axes = ax.transData + ax.transAxes.inverted()
        center = to_axes.transform([(start, 1), (stop, 1)])[:, 0].mean()
        style: dict[str, Any] = {"fontsize": 9, "style": "italic", "ha": "center", "va": "bottom"}
        ax.text(center, 1.01, region.label, transform=ax.transAxes, **style)
    ax.set_xlim(left, right)
