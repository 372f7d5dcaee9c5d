"""Medians and distinctness of numbers that are read in parts, from samples of bounded size."""

from __future__ import annotations

import numpy as np

MAX_DIFFERENT = 1_000_000
"""Number of integers that are compared, all or those of some hashes."""

N_DEVIATIONS = 6
"""Standard deviations of a sample's median within which the exact one is searched."""


class NumberSample:
    """A sample of at most `size` numbers; all of them if they are not more.

    Attributes:
        size: largest number of numbers.
        share: share of the numbers that are in the sample.
    """

    def __init__(self, size: int) -> None:
        self.size, self.share = size, 1.0
        self._parts: list[np.ndarray] = []
        self._n = 0

    def add(self, x: np.ndarray, draws: np.ndarray) -> None:
        """Add numbers.

        Args:
            x: numbers.
            draws: a random number from 0 to 1 for each.
        """
        part = x.copy() if self.share == 1 else x[draws < self.share]
        self._parts.append(part)
        self._n += len(part)
        while self._n > self.size:
            self._parts = [self.collect()[::2].copy()]
            self._n, self.share = len(self._parts[0]), self.share / 2

    def collect(self) -> np.ndarray:
        """Return the numbers."""
        return np.concatenate(self._parts)

    def median(self) -> float:
        """Return the median."""
        return float(np.median(self.collect(), overwrite_input=True))


class MedianSearch:
    """The exact median of numbers that are read in parts, between two numbers of a sample."""

    def __init__(self, sample: np.ndarray) -> None:
        ordered = np.sort(sample)
        n = len(ordered)
        reach = int(N_DEVIATIONS * np.sqrt(n) / 2) + 1
        self.low, self.high = ordered[max(n // 2 - reach, 0)], ordered[min(n // 2 + reach, n - 1)]
        self._n_below = self._n_low = self._n_high = self._n_values = 0
        self._between: list[np.ndarray] = []

    def add(self, x: np.ndarray) -> None:
        """Add numbers; NaN is missing."""
        self._n_values += len(x) - int(np.count_nonzero(np.isnan(x)))
        self._n_below += int(np.count_nonzero(x < self.low))
        self._n_low += int(np.count_nonzero(x == self.low))
        self._between.append(x[(x > self.low) & (x < self.high)])
        if self.high > self.low:
            self._n_high += int(np.count_nonzero(x == self.high))

    def find(self) -> float | None:
        """Return the median, or None if it is not between the two numbers."""
        between = np.sort(np.concatenate(self._between))
        stops = np.cumsum([self._n_below, self._n_low, len(between), self._n_high])
        middle = [(self._n_values - 1) // 2, self._n_values // 2]
        if middle[0] < stops[0] or middle[1] >= stops[3]:
            return None
        values = [
            self.low if i < stops[1] else between[i - stops[1]] if i < stops[2] else self.high
            for i in middle
        ]
        return float(np.mean(values))


class DifferentIntegers:
    """Whether numbers that are read in parts are integers and all differ.

    Of many numbers, those of some hashes are compared: equal numbers have equal hashes.
    """

    def __init__(self) -> None:
        self.all_differ = True
        self._parts: list[np.ndarray] = []
        self._n, self._bits = 0, 0

    def add(self, x: np.ndarray) -> None:
        """Add numbers that are not missing."""
        if not self.all_differ:
            return
        if np.any(x != np.round(x)):
            self._stop()
            return
        part = self._select(x)
        self._parts.append(part)
        self._n += len(part)
        self._compare(part)
        if self._n > MAX_DIFFERENT:
            self.check()
        while self._n > MAX_DIFFERENT:
            self._bits += 1
            self._parts = [self._select(np.concatenate(self._parts))]
            self._n = len(self._parts[0])

    def check(self) -> bool:
        """Return whether all numbers differ."""
        if self.all_differ and self._parts:
            self._compare(np.concatenate(self._parts))
        return self.all_differ

    def _compare(self, x: np.ndarray) -> None:
        ordered = np.sort(x)
        if np.any(ordered[1:] == ordered[:-1]):
            self._stop()

    def _select(self, x: np.ndarray) -> np.ndarray:
        if not self._bits:
            return x.copy()
        chosen: np.ndarray = x[hash_numbers(x) % np.uint64(2**self._bits) == 0]
        return chosen

    def _stop(self) -> None:
        self.all_differ = False
        self._parts, self._n = [], 0


def hash_numbers(x: np.ndarray) -> np.ndarray:
    """Return an integer for each number, equal for equal numbers.

    Source: Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators.
    """
    bits = (x + 0.0).view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashes: np.ndarray = bits ^ (bits >> np.uint64(31))
    return hashes
