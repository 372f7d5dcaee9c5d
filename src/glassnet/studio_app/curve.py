"""The curves of a run: losses and scores at the moments that were drawn."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

MAX_POINTS = 4000
"""Points of the curves; of more, every second one is dropped."""

COLUMNS = 6
"""Step, epoch, training loss, test loss, training score, test score."""


class Curve:
    """Rows of numbers in the order of their steps, of which the page has got the first ones."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._n_sent = 0

    def add(self, picture: Mapping[str, Any]) -> None:
        """Add the numbers of a picture, unless there are numbers of its step."""
        step = picture["step"]
        index = self._find(step)
        if index and self._rows[index - 1][0] == step:
            index -= 1
            del self._rows[index]
        epoch = picture["epoch"] + picture["step_in_epoch"] / picture["steps_per_epoch"]
        pairs = [picture["losses"], picture["scores"]]
        numbers = [(*pair, np.nan, np.nan)[:2] for pair in pairs]
        self._rows.insert(index, (step, epoch, *numbers[0], *numbers[1]))
        self._n_sent = min(self._n_sent, index)
        if len(self._rows) > MAX_POINTS:
            self._rows[1:-1] = self._rows[2:-1:2]
            self._n_sent = 0

    def forget_after(self, step: int) -> None:
        """Forget the numbers after a step."""
        del self._rows[self._find(step) :]
        self._n_sent = min(self._n_sent, len(self._rows))

    def send_all(self) -> None:
        """Send all rows again with the next picture."""
        self._n_sent = 0

    def take_new(self) -> tuple[int, np.ndarray]:
        """Return the rows that the page has not got, (n, 6), and the index of the first."""
        start, self._n_sent = self._n_sent, len(self._rows)
        return start, np.array(self._rows[start:], np.float64).reshape(-1, COLUMNS)

    def _find(self, step: float) -> int:
        return bisect.bisect_right(self._rows, (step, math.inf))
