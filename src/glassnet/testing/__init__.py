"""What a part is, said as checks: one that passes works everywhere in glassnet, yours like ours.

Relations and gradients are checked in float64, where a wrong formula cannot hide behind rounding.
Every check raises `AssertionError` with what was expected and what was received.
"""

from __future__ import annotations

from glassnet.testing.assertions import compilations
from glassnet.testing.gradients import check_gradients
from glassnet.testing.initializers import check_initializer
from glassnet.testing.layers import check_layer
from glassnet.testing.losses import check_loss
from glassnet.testing.metrics import check_metric
from glassnet.testing.optimizers import check_optimizer, check_schedule

__all__ = [
    "check_gradients",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_schedule",
    "compilations",
]
