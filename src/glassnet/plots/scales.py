"""Linear and logarithmic axes, chosen by the numbers on them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes

from glassnet.formatting import format_number
from glassnet.plots.text import use_plain_numbers
from glassnet.types import Array

MIN_SCORE_RATIO = 30.0
"""Positive scores get a logarithmic axis if the largest is this many times the smallest."""


def choose_scale(values: Array, min_ratio: float) -> Literal["linear", "log", "symlog"]:
    """Return the scale of an axis; "symlog" for 0 and positive numbers of several decades.

    Args:
        values: numbers on the axis, (n,).
        min_ratio: ratio of the largest to the smallest positive one, from which on it is not
            linear.

    Example:
        >>> choose_scale(np.array([1, 2, 3]), 15), choose_scale(np.array([0, 1, 100]), 15)
        ('linear', 'symlog')
    """
    positive = values[values > 0]
    if positive.size < 2 or values.min() < 0 or positive.max() < min_ratio * positive.min():
        return "linear"
    return "log" if positive.size == values.size else "symlog"


def choose_score_scale(scores: Array) -> Literal["linear", "log"]:
    """Return the scale for scores: logarithmic for errors of very different sizes."""
    is_log = choose_scale(scores[np.isfinite(scores)], MIN_SCORE_RATIO) == "log"
    return "log" if is_log else "linear"


def scale_scores(ax: Axes, name: Literal["x", "y"], scores: Array) -> None:
    """Set the scale and the number format of an axis of scores."""
    axis = ax.xaxis if name == "x" else ax.yaxis
    if choose_score_scale(scores) == "log":
        ax.set(**{f"{name}scale": "log"})
        use_plain_numbers(axis)
    else:
        axis.set_major_formatter(lambda value, _: format_number(value))
