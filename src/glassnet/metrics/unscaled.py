"""A metric of standardised targets and outputs, taken in the target's own units."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp

from glassnet.metrics.metric import Metric, Sums
from glassnet.types import Array


@dataclass(frozen=True)
class UnscaledMetric(Metric):
    """`base` of y = mean + scale t rather than of t, and exp of that where the target is learned as
    its logarithm.

    Args:
        base: the metric that is meant.
        mean: of the targets, or of their logarithms.
        scale: their standard deviation.
        log: whether it is the logarithm that is standardised.
    """

    base: Metric
    mean: float
    scale: float
    log: bool

    def init(self) -> Sums:
        """The base's."""
        return self.base.init()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """The base's, of targets and outputs in their own units."""
        return self.base.update(acc, self.unscale(y), self.unscale(out), w)

    def result(self, acc: Sums) -> float:
        """The base's."""
        return self.base.result(acc)

    def unscale(self, t: Array) -> Array:
        """mean + scale t, or the exponential of it."""
        y = self.mean + self.scale * t
        return jnp.exp(y) if self.log else y
