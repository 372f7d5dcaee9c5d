"""A metric of standardized targets that is computed in the units of the original target."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp

from glassnet.metrics.metric import Metric, Sums
from glassnet.types import Array


@dataclass(frozen=True)
class UnscaledMetric(Metric):
    """Metric of y = mean + scale t, for standardized targets and outputs t.

    Args:
        base: the metric of y.
        mean: the mean of the targets, or of their logarithms.
        scale: the standard deviation of the same.
        log: whether t is the standardized logarithm of the target. Then y = exp(mean + scale t).
    """

    base: Metric
    mean: float
    scale: float
    log: bool

    def init(self) -> Sums:
        """Return the sums of the base metric."""
        return self.base.init()

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add a batch, converted to the target's units, to `acc`."""
        return self.base.update(acc, self.unscale(y), self.unscale(out), w)

    def result(self, acc: Sums) -> float:
        """Return the result of the base metric."""
        return self.base.result(acc)

    def unscale(self, t: Array) -> Array:
        """Return mean + scale t, or its exponential."""
        y = self.mean + self.scale * t
        return jnp.exp(y) if self.log else y
