"""A loss on standardised targets that is reported in the target's own units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.errors import require
from glassnet.losses.loss import Loss
from glassnet.types import Array


@dataclass(frozen=True)
class ScaledLoss(Loss):
    """A loss of errors in units of `scale`: l = base(scale t, scale z) / factor, with t and z
    standardised; `factor` brings it back.

    An error of one scale costs what an error of 1 does under `base`, so that rates and penalties
    mean the same for prices as for rates, while a Huber's delta stays in the target's own units.
    See `scale_loss`.

    Args:
        base: a loss of differences.
        scale: the target's standard deviation, in its own units.
        factor: of the reported loss over the trained one.
    """

    base: Loss
    scale: float
    factor: float

    @property
    def report_scale(self) -> float:
        """The factor from the trained loss to the one in the target's own units."""
        return self.factor

    @property
    def display_name(self) -> str:
        """As the base is called."""
        return self.base.display_name

    def unreduced(self, y: Array, z: Array) -> Array:
        """The base's rows at the targets' scale, over the factor."""
        return self.base.unreduced(self.scale * y, self.scale * z) / self.factor


def scale_loss(base: Loss, scale: float) -> ScaledLoss:
    """`base` for targets that have been divided by `scale`.

    Raises:
        ConfigError: the loss is not one of differences: moving target and prediction together would
            change it.

    Example:
        >>> from glassnet.losses import MeanSquaredError
        >>> scale_loss(MeanSquaredError(), 10.0).report_scale
        100.0
    """
    fix = "Take mean_squared_error, mean_absolute_error, huber or log_cosh; or end in an activation: targets then stay as they are."
    require(
        base.depends_on_error_only, base.display_name, "targets that are not standardised", fix=fix
    )
    error, none = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    factor = float(base.unreduced(error * np.float32(scale), none)[0]) / float(
        base.unreduced(error, none)[0]
    )
    return ScaledLoss(base, scale, factor)
