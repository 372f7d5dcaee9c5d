"""A loss on standardised targets that is reported in the target's own units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.errors import require
from glassnet.losses.loss import Loss
from glassnet.types import Array


@dataclass(frozen=True)
class Standardised(Loss):
    """A loss of errors in units of `scale`: l = base(scale t, scale z) / factor, with t and z standardised; `factor` brings it back.

    An error of one scale costs what an error of 1 does under `base`, so that rates and penalties mean the same for prices as for rates,
    while a Huber's delta stays in the target's own units. See `standardised`.

    Args:
        base: a loss of differences.
        scale: the target's standard deviation, in its own units.
        factor: of the reported loss over the trained one.
    """

    base: Loss
    scale: float
    factor: float

    @property
    def unit(self) -> float:
        """The factor from the trained loss to the one in the target's own units."""
        return self.factor

    @property
    def called(self) -> str:
        """As the base is called."""
        return self.base.called

    def rows(self, y: Array, z: Array) -> Array:
        """The base's rows at the targets' scale, over the factor."""
        return self.base.rows(self.scale * y, self.scale * z) / self.factor


def standardised(base: Loss, scale: float) -> Standardised:
    """`base` for targets that have been divided by `scale`.

    Raises:
        ConfigError: the loss is not one of differences: moving target and prediction together would change it.

    Example:
        >>> from glassnet.losses import MeanSquaredError
        >>> standardised(MeanSquaredError(), 10.0).unit
        100.0
    """
    fix = "Take mean_squared_error, mean_absolute_error, huber or log_cosh; or end in an activation: targets then stay as they are."
    require(base.of_differences, base.called, "targets that are not standardised", fix=fix)
    error, none = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    factor = float(base.rows(error * np.float32(scale), none)[0]) / float(base.rows(error, none)[0])
    return Standardised(base, scale, factor)
