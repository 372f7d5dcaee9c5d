"""The `optimizer` attribute of `keras.Sequential`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from glassnet.errors import is_number, require
from glassnet.keras.callbacks import PendingChanges
from glassnet.optimizers import Optimizer


class CompiledModel(Protocol):
    """The attributes of a model that `OptimizerProxy` reads and sets."""

    learning_rate: float
    _optimizer: Optimizer | None
    _pending: PendingChanges | None


class LearningRateVariable(float):
    """Learning rate with the `assign` and `numpy` methods of a Keras variable.

    Attributes:
        optimizer: the optimizer with this rate.
    """

    optimizer: OptimizerProxy

    def assign(self, value: Any) -> None:
        """Set the learning rate of the model."""
        self.optimizer.learning_rate = value

    def numpy(self) -> np.float32:
        """Return the rate as a NumPy number."""
        return np.float32(self)


class OptimizerProxy:
    """Optimizer of a compiled model: the learning rate can be set, other settings only read."""

    def __init__(self, model: CompiledModel):
        vars(self)["model"] = model

    def __getattr__(self, name: str) -> Any:
        if name != "learning_rate":
            return getattr(self.model._optimizer, name)
        pending = self.model._pending
        has_change = pending is not None and pending.learning_rate is not None
        rate = LearningRateVariable(
            pending.learning_rate if has_change else self.model.learning_rate
        )
        rate.optimizer = self
        return rate

    def __setattr__(self, name: str, value: Any) -> None:
        require(
            name == "learning_rate",
            "optimizer",
            "only learning_rate to be set",
            name=name,
            fix="To change another setting, compile again.",
        )
        if self.model._pending is None:
            self.model.learning_rate = value
        else:
            require(
                is_number(value) and value > 0, "learning_rate", "a number > 0", learning_rate=value
            )
            self.model._pending.learning_rate = float(value)
