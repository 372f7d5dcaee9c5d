"""The `optimizer` attribute of `keras.Sequential`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from glassnet.errors import require
from glassnet.models.sequential import Sequential


class CompiledModel(Protocol):
    """The attributes of a model that `OptimizerProxy` reads and sets."""

    learning_rate: float

    @property
    def glassnet_model(self) -> Sequential: ...


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
            return getattr(self.model.glassnet_model.optimizer, name)
        rate = LearningRateVariable(self.model.learning_rate)
        rate.optimizer = self
        return rate

    def get_config(self) -> dict[str, Any]:
        """Return the settings by Keras's names, with the current learning rate."""
        optimizer = self.model.glassnet_model.optimizer
        settings = {name: getattr(optimizer, name) for name in optimizer.__dataclass_fields__}
        return settings | {"learning_rate": float(self.model.learning_rate)}

    def __setattr__(self, name: str, value: Any) -> None:
        require(
            name == "learning_rate",
            "optimizer",
            "only learning_rate to be set",
            name=name,
            fix="To change another setting, compile again.",
        )
        self.model.learning_rate = value
