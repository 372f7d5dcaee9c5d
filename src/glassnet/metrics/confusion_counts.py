"""Counts of true and false positives and negatives."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from glassnet.losses import broadcast_weights
from glassnet.metrics.metric import Sums
from glassnet.metrics.precision_recall import ThresholdMetric
from glassnet.types import Array


@dataclass(frozen=True)
class ConfusionCount(ThresholdMetric):
    """Base class of the four counts. A subclass defines `select`."""

    @abstractmethod
    def select(self, predicted: Array, actual: Array) -> Array:
        """Return a mask of the answers to count."""

    def init(self) -> Sums:
        """Return a count of zero."""
        return {"total": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's count to `acc`."""
        predicted, actual = self.binarize(y, out, w)
        counted = self.select(predicted, actual) & (broadcast_weights(w, predicted.shape) > 0)
        return {"total": acc["total"] + jnp.sum(counted, dtype=jnp.int32)}

    def result(self, acc: Sums) -> float:
        """Return the count."""
        return float(acc["total"])


@dataclass(frozen=True)
class TruePositives(ConfusionCount):
    """Number of positive predictions that are correct: #(predicted and actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> TruePositives(threshold=0.5)([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])
        2.0
    """

    name: str = field(default="true_positives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return predicted & actual


@dataclass(frozen=True)
class FalsePositives(ConfusionCount):
    """Number of positive predictions that are wrong: #(predicted and not actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> FalsePositives(threshold=0.5)([1, 0, 1, 1], [0.9, 0.8, 0.7, 0.2])
        1.0
    """

    name: str = field(default="false_positives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return predicted & ~actual


@dataclass(frozen=True)
class TrueNegatives(ConfusionCount):
    """Number of negative predictions that are correct: #(not predicted and not actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> TrueNegatives(threshold=0.5)([1, 0, 0, 1], [0.9, 0.8, 0.3, 0.2])
        1.0
    """

    name: str = field(default="true_negatives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return ~predicted & ~actual


@dataclass(frozen=True)
class FalseNegatives(ConfusionCount):
    """Number of negative predictions that are wrong: #(not predicted and actual).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> FalseNegatives(threshold=0.5)([1, 0, 0, 1], [0.9, 0.8, 0.3, 0.2])
        1.0
    """

    name: str = field(default="false_negatives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return ~predicted & actual
