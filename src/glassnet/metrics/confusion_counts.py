"""Counts of true and false positives and negatives."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.metrics.metric import Sums
from glassnet.metrics.precision_recall import ThresholdListMetric
from glassnet.types import Array


@dataclass(frozen=True)
class ConfusionCount(ThresholdListMetric):
    """Base class of the four counts. A subclass defines `select`.

    Args:
        threshold: as in `ThresholdListMetric`, but None is 0.5 for every output, as in Keras.
            `compile` replaces None by the threshold of a binary loss.

    Other Args and Raises: see `ThresholdListMetric`.
    """

    @abstractmethod
    def select(self, predicted: Array, actual: Array) -> Array:
        """Return a mask of the answers to count."""

    def init(self) -> Sums:
        """Return a count of zero."""
        return {"total": self._zeros()}

    def default_threshold(self, outputs: int) -> float | tuple[float, ...] | None:
        """Return the threshold, or 0.5 without one."""
        return 0.5 if self.threshold is None else self.threshold

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's count to `acc`."""
        predicted, actual, real = self.binarize(y, out, w)
        return {"total": acc["total"] + self.count(self.select(predicted, actual) & real)}

    def result(self, acc: Sums) -> Any:
        """Return the count; an array for a list of thresholds."""
        count = np.asarray(acc["total"], np.float64)
        return count if isinstance(self.threshold, tuple) else float(count)


@dataclass(frozen=True)
class TruePositives(ConfusionCount):
    """Number of positive predictions that are correct: #(predicted and actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ConfusionCount`.

    Example:
        >>> TruePositives()([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])
        2.0
    """

    name: str = field(default="true_positives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return predicted & actual


@dataclass(frozen=True)
class FalsePositives(ConfusionCount):
    """Number of positive predictions that are wrong: #(predicted and not actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ConfusionCount`.

    Example:
        >>> FalsePositives()([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])
        1.0
    """

    name: str = field(default="false_positives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return predicted & ~actual


@dataclass(frozen=True)
class TrueNegatives(ConfusionCount):
    """Number of negative predictions that are correct: #(not predicted and not actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ConfusionCount`.

    Example:
        >>> TrueNegatives()([1, 0, 0, 1], [0.9, 0.8, 0.3, 0.2])
        1.0
    """

    name: str = field(default="true_negatives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return ~predicted & ~actual


@dataclass(frozen=True)
class FalseNegatives(ConfusionCount):
    """Number of negative predictions that are wrong: #(not predicted and actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ConfusionCount`.

    Example:
        >>> FalseNegatives()([1, 0, 0, 1], [0.9, 0.8, 0.3, 0.2])
        1.0
    """

    name: str = field(default="false_negatives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return ~predicted & actual
