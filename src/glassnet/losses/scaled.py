"""A loss of standardized targets that is reported in the units of the original target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.errors import require
from glassnet.losses.loss import Loss
from glassnet.types import Array


@dataclass(frozen=True)
class ScaledLoss(Loss):
    """Loss of standardized targets t and outputs z: l = base(scale t, scale z) / factor.

    An error of one `scale` costs the same as an error of 1 under `base`. Learning rates and
    penalties therefore do not depend on the target's units, while a Huber loss's delta stays in
    them. `scale_loss` computes the factor.

    Args:
        base: a loss that depends on the error only.
        scale: the standard deviation of the target, in its units.
        factor: the reported loss divided by the training loss.
    """

    base: Loss
    scale: float
    factor: float

    @property
    def report_scale(self) -> float:
        """Return the factor from the training loss to the loss in the target's units."""
        return self.factor

    @property
    def display_name(self) -> str:
        """Return the name of the base loss."""
        return self.base.display_name

    def unreduced(self, y: Array, z: Array) -> Array:
        """Return the base loss at the target's scale, divided by the factor."""
        return self.base.unreduced(self.scale * y, self.scale * z) / self.factor


def scale_loss(base: Loss, scale: float) -> ScaledLoss:
    """Return `base` for targets that have been divided by `scale`.

    Raises:
        ConfigError: the loss does not depend on the error only.

    Example:
        >>> from glassnet.losses import MeanSquaredError
        >>> scale_loss(MeanSquaredError(), 10.0).report_scale
        100.0
    """
    fix = (
        "Use mean_squared_error, mean_absolute_error, huber or log_cosh. Or end the network in an "
        "activation: then targets are not standardized."
    )
    require(
        base.depends_on_error_only, base.display_name, "targets that are not standardized", fix=fix
    )
    error, zero = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    scaled = float(base.unreduced(error * np.float32(scale), zero)[0])
    return ScaledLoss(base, scale, scaled / float(base.unreduced(error, zero)[0]))
