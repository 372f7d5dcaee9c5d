"""Checks of user-written layers, losses, metrics, optimizers, schedules and initializers.

A part that passes its check works everywhere in Glassnet. Relations and gradients are checked in
float64, so that rounding cannot hide a wrong formula. A check that fails raises `AssertionError`
with the expected and the received value.
"""

from __future__ import annotations

from glassnet.suggestions import publish
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

publish(__name__, __all__)
