"""Ranges of scores: an interval of a mean score ends where no score can be."""

from __future__ import annotations

import math

from glassnet.evaluation.intervals import Interval
from glassnet.losses import CosineSimilarity, FunctionLoss, KLDivergence, Loss, Poisson

SHARES = ("auc", "f1_score", "precision", "recall")
"""Scores from 0 to 1, beside accuracies."""

ERRORS = (
    "mean_absolute_error",
    "mae",
    "mean_squared_error",
    "mse",
    "root_mean_squared_error",
    "rmse",
)
"""Scores of at least 0."""

UNBOUNDED = (CosineSimilarity, FunctionLoss, KLDivergence, Poisson)
"""Losses that can be negative."""


def find_score_range(name: str, loss: Loss | None) -> tuple[float, float]:
    """Return the least and the greatest possible value of a score; infinite if there is none.

    Args:
        name: name of the score.
        loss: loss of the model. That of a user's own class may be negative.

    Example:
        >>> find_score_range("accuracy", None), find_score_range("r2_score", None)
        ((0.0, 1.0), (-inf, 1.0))
    """
    name = name.lower()
    if name.endswith(("accuracy", "acc")) or name in SHARES:
        return 0.0, 1.0
    if name == "r2_score":
        return -math.inf, 1.0
    is_own = type(loss).__module__.startswith("glassnet.losses.")
    is_positive = name == "loss" and is_own and not isinstance(loss, UNBOUNDED)
    return 0.0 if is_positive or name in ERRORS else -math.inf, math.inf


def clip_interval(interval: Interval, name: str, loss: Loss | None) -> Interval:
    """Return an interval of a mean score without what no score can be; None stays None."""
    if interval is None:
        return None
    least, most = find_score_range(name, loss)
    return max(interval[0], least), min(interval[1], most)
