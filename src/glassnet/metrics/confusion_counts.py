"""The four counts of a yes or no: right and wrong, called out and not."""

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
    """What the four share: answers counted, not divided. Write one by giving `select`."""

    @abstractmethod
    def select(self, predicted: Array, actual: Array) -> Array:
        """Which answers count, of those that are yes and those that should be."""

    def init(self) -> Sums:
        """No answers."""
        return {"total": np.int32(0)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """`acc` with the batch's answers that count added."""
        said, true = self.binarize(y, out, w)
        real = broadcast_weights(w, said.shape) > 0
        return {"total": acc["total"] + jnp.sum(self.select(said, true) & real, dtype=jnp.int32)}

    def result(self, acc: Sums) -> float:
        """The count."""
        return float(acc["total"])


@dataclass(frozen=True)
class TruePositives(ConfusionCount):
    """How many answers yes are right: #(yes and true).

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
    """How many answers yes are wrong: #(yes and not true).

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
    """How many answers no are right: #(no and not true).

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
    """How many answers no are wrong: #(no and true).

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...).

    Args and Raises: see `ThresholdMetric`.

    Example:
        >>> FalseNegatives(threshold=0.5)([1, 0, 0, 1], [0.9, 0.8, 0.3, 0.2])
        1.0
    """

    name: str = field(default="false_negatives", kw_only=True)

    def select(self, predicted: Array, actual: Array) -> Array:
        return ~predicted & actual
