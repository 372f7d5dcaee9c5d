"""Plots of cross-validations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from glassnet.plots.curves import TRAINING_COLOR, VALIDATION_COLOR
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, clean_axes
from glassnet.plots.text import plain_text, set_title
from glassnet.types import Array

MAX_TICKS = 15
"""Maximum number of folds whose numbers are written below the axis."""


@plain_text
def plot_cross_validation(
    title: str,
    score_name: str,
    scores: Array,
    mean: float,
    interval: tuple[float, float] | None,
    curves: Sequence[Sequence[Sequence[float]]],
) -> Figure:
    """Draw the scores of folds with their mean, next to the losses over the epochs.

    Args:
        title: the finding.
        score_name: name of the score.
        scores: (folds,), NaN for folds that failed.
        mean: the mean score.
        interval: the 95 % interval of the mean, or None.
        curves: the training and the test losses of each fold, a number per epoch.
    """
    figure = NotebookFigure(figsize=(9.0, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    set_title(figure, title, fontweight="bold")
    _draw_scores(left, score_name, scores, mean, interval)
    _draw_curves(right, curves)
    return figure


def _draw_scores(
    ax: Axes, name: str, scores: Array, mean: float, interval: tuple[float, float] | None
) -> None:
    folds = np.arange(1, len(scores) + 1)
    if np.isfinite(mean):
        ax.axhline(mean, color=CLASS_COLORS[0], lw=1.5, label="mean")
    if interval is not None:
        ax.axhspan(*interval, color=CLASS_COLORS[0], alpha=0.15, lw=0, label="95 % interval")
    ax.plot(folds, scores, "o", color=CLASS_COLORS[1], label="score of a fold")
    failed = folds[~np.isfinite(scores)]
    if len(failed):
        middle = ax.get_xaxis_transform()
        ax.plot(
            failed, np.full(len(failed), 0.5), "x", color="gray", transform=middle, label="failed"
        )
    ax.set(xlabel="fold", ylabel=f"{name.replace('_', ' ')} of the test rows")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=MAX_TICKS, integer=True))
    ax.legend(frameon=False, fontsize=8)
    clean_axes(ax)


def _draw_curves(ax: Axes, curves: Sequence[Sequence[Sequence[float]]]) -> None:
    colors = TRAINING_COLOR, VALIDATION_COLOR
    for i, (name, color) in enumerate(zip(("training", "validation"), colors, strict=True)):
        lines = [fold[i] for fold in curves if len(fold[i])]
        for line in lines:
            ax.plot(np.arange(1, len(line) + 1), line, color=color, alpha=0.35, lw=1)
        if lines:
            mean = _mean_curve(lines)
            ax.plot(np.arange(1, len(mean) + 1), mean, color=color, lw=2.2, label=name)
    ax.set(xlabel="epoch", ylabel="loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if ax.get_legend_handles_labels()[1]:
        ax.legend(title="mean of the folds", frameon=False, fontsize=8, title_fontsize=8)
    clean_axes(ax)


def _mean_curve(lines: Sequence[Sequence[float]]) -> Array:
    """Return the mean over the folds of each epoch that all of them have reached."""
    shortest = min(map(len, lines))
    return np.array([line[:shortest] for line in lines]).mean(axis=0)
