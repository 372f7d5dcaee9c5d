"""What came before, and what is to come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

HISTORY_COLOR = "#1a202c"
FORECAST_STYLES: tuple[dict[str, Any], ...] = (
    {"color": "#dd6b20", "lw": 2.0, "zorder": 3},
    {"color": "#718096", "lw": 1.4, "ls": "--"},
)
"""Of the network's forecast, and of the naive one."""

MAX_TICKS = 8
"""Times that are written below the curve, at most."""


def plot_forecast(
    name: str,
    labels: Sequence[str],
    past: np.ndarray,
    forecasts: dict[str, np.ndarray],
    season: int,
    truth: np.ndarray | None,
) -> Figure:
    """Forecasts, each going on from the last value that was known.

    Args:
        name: of the values.
        labels: the time of every step, known and forecast.
        past: values that came before.
        forecasts: what each forecast is called, the network's first.
        season: steps from one written time to the next, or a multiple.
        truth: what came, where it is known.
    """
    drawn = Figure(figsize=(8, 4), layout="constrained")
    axes = drawn.add_subplot()
    steps = np.arange(len(past) - 1, len(labels))
    axes.plot(np.arange(len(past)), past, color=HISTORY_COLOR, lw=1.6, label="known")
    if truth is not None:
        axes.plot(steps, [past[-1], *truth], color=HISTORY_COLOR, lw=1.2, ls=":", label="what came")
    for (called, values), style in zip(forecasts.items(), FORECAST_STYLES, strict=True):
        axes.plot(steps, [past[-1], *values], label=called, **style)
    axes.axvspan(
        len(past) - 1, len(labels) - 1, color=FORECAST_STYLES[0]["color"], alpha=0.06, lw=0
    )
    every = season * max(1, -(-len(labels) // (season * MAX_TICKS)))
    axes.set_xticks(range(0, len(labels), every), labels[::every])
    axes.set(ylabel=name, xlim=(0, len(labels) - 1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper left")
    return drawn
