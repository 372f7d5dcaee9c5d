"""Plots of forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from glassnet.plots.figure import NotebookFigure
from glassnet.plots.text import plain_text

FORECAST_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#dd6b20", "lw": 2.0, "zorder": 3},
    {"color": "#718096", "lw": 1.4, "ls": "--"},
)
"""Line styles of the network's forecast and of the naive one."""

MAX_TICKS = 8
"""Maximum number of time labels below the curve."""

CHARACTERS_PER_AXIS = 86
"""Number of characters of time labels that fit side by side below the curve."""


@plain_text
def plot_forecast(
    name: str,
    labels: Sequence[str],
    past: np.ndarray,
    forecasts: dict[str, np.ndarray],
    season: int,
    truth: np.ndarray | None,
) -> Figure:
    """Plot the past values and the forecasts that continue them.

    Args:
        name: label of the y axis.
        labels: time of every step, past and forecast.
        past: values before the forecast.
        forecasts: two forecasts by name, the network's first.
        season: steps between two labels, or a divisor of that number.
        truth: actual values of the forecast steps, if known.
    """
    figure = NotebookFigure(figsize=(8, 4), layout="constrained")
    axes, ink = figure.add_subplot(), mpl.rcParams["text.color"]
    steps = np.arange(len(past) - 1, len(labels))
    axes.plot(np.arange(len(past)), past, color=ink, lw=1.6, label="known")
    if truth is not None:
        axes.plot(steps, [past[-1], *truth], color=ink, lw=1.2, ls=":", label="actual")
    for (label, values), style in zip(forecasts.items(), FORECAST_STYLES, strict=True):
        axes.plot(steps, [past[-1], *values], label=label, **style)
    axes.axvspan(steps[0], steps[-1], color=FORECAST_STYLES[0]["color"], alpha=0.06, lw=0)
    n_fit = CHARACTERS_PER_AXIS // (max(map(len, labels)) + 2)
    n_ticks = max(2, min(MAX_TICKS, n_fit))
    n_seasons_per_label = max(1, -(-len(labels) // (season * n_ticks)))
    stride = season * n_seasons_per_label
    axes.set_xticks(range(0, len(labels), stride), labels[::stride])
    axes.set(ylabel=name, xlim=(0, len(labels) - 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper left")
    return figure
