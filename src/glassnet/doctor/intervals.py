"""Intervals of shares, in NumPy alone."""

from __future__ import annotations

import numpy as np


def find_share_interval(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share of n rows (Wilson 1927).

    Example:
        >>> [round(end, 2) for end in find_share_interval(0.75, 20)]
        [0.53, 0.89]
    """
    z2 = 1.96**2 / n
    center = (share + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2)
    return float(center - half), float(center + half)
