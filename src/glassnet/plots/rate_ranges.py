"""Plot of a learning-rate range test: loss over rate, a line for each seed."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.formatting import format_number
from glassnet.plots.style import (
    CLASS_COLORS,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.plots.text import plain_text, set_title, use_plain_numbers

SEED_COLOR, BAND_COLOR, SUGGESTION_COLOR = CLASS_COLORS[5], CLASS_COLORS[2], CLASS_COLORS[1]

LABEL_WIDTH, LABEL_SHARE = 22, 0.25
"""Characters in a line of a reason, and its share of the width of the axes."""


@plain_text
def plot_range(
    rates: np.ndarray,
    losses: np.ndarray,
    smoothed: np.ndarray,
    *,
    band: tuple[float, float],
    reasons: tuple[str, str],
    suggestion: float,
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the losses of each seed, the median of the smoothed ones, and the band.

    Args:
        rates: learning rates (steps,).
        losses: loss of each batch (seeds, steps), NaN after divergence.
        smoothed: smoothed losses (seeds, steps), NaN from divergence on.
        band: lower and upper end, NaN for no band.
        reasons: why the band ends there.
        suggestion: the rate to mark; NaN for none.
        title: title of the figure.
        ax: axes to draw on; None for a new figure.
    """
    ax = get_axes(ax, (7.2, 4.4))
    n_seeds = len(losses)
    for i, line in enumerate(losses):
        label = None if i else ("a seed" if n_seeds > 1 else "loss")
        ax.plot(rates, line, color=SEED_COLOR, lw=0.8, alpha=0.7, label=label)
    label = "median, smoothed" if n_seeds > 1 else "smoothed"
    ax.plot(rates, _median(smoothed), color=CLASS_COLORS[0], lw=2.8, label=label)
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss of a batch", xlim=rates[[0, -1]])
    low, high = _loss_limits(losses, smoothed)
    ax.set_ylim(low, high)
    if np.isfinite(suggestion):
        _draw_band(ax, band, reasons)
        name = f"suggestion {format_number(suggestion, 2)}"
        ax.axvline(suggestion, color=SUGGESTION_COLOR, ls="--", lw=1.8, label=name)
    use_plain_numbers(ax.xaxis)
    ax.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.13), fontsize=9)
    clean_axes(ax)
    set_title(ax, title)
    return figure_of(ax)


def _draw_band(ax: Axes, band: tuple[float, float], reasons: tuple[str, str]) -> None:
    """Shade the band, and write beside each end why it is there: outside, if it fits."""
    ax.axvspan(*band, color=BAND_COLOR, alpha=0.15, lw=0)
    first, last = np.log(ax.get_xlim())
    low, high = (np.log(band) - first) / (last - first)
    is_inside = low < LABEL_SHARE, high > 1 - LABEL_SHARE / 2
    is_crowded = is_inside[1] and high - low < 2 * LABEL_SHARE
    sides, tops = (not is_inside[0], is_inside[1]), (0.98, 0.78 if is_crowded else 0.98)
    for rate, reason, is_left, top in zip(band, reasons, sides, tops, strict=True):
        ax.axvline(rate, color=BAND_COLOR, lw=1.2)
        ax.annotate(
            f"{format_number(rate, 2)}:\n" + textwrap.fill(reason, LABEL_WIDTH),
            (rate, top),
            xycoords=ax.get_xaxis_transform(),
            xytext=(-4 if is_left else 4, 0),
            textcoords="offset points",
            ha="right" if is_left else "left",
            va="top",
            fontsize=8.5,
        )


def _median(smoothed: np.ndarray) -> np.ndarray:
    """Return the median of the seeds at each step; NaN if half of them have diverged."""
    known = np.isfinite(smoothed)
    is_shown = 2 * known.sum(axis=0) > len(smoothed)
    median = np.full(smoothed.shape[1], np.nan)
    median[is_shown] = np.nanmedian(smoothed[:, is_shown], axis=0)
    return median


def _loss_limits(losses: np.ndarray, smoothed: np.ndarray) -> tuple[float, float]:
    """Return limits that show the fall; what diverges leaves them at the top."""
    is_shown = np.isfinite(losses) & (np.isfinite(smoothed) | ~np.isfinite(smoothed).any())
    if not is_shown.any():
        return 0.0, 1.0
    low, high = np.quantile(losses[is_shown], [0, 0.99])
    room = (high - low) or abs(high) or 1.0
    return float(low - 0.05 * room), float(high + 0.3 * room)
