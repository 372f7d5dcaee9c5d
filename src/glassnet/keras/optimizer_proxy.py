"""What `sequential.optimizer` is in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import is_number, require

if TYPE_CHECKING:
    from glassnet.keras.models import Sequential


class LearningRateVariable(float):
    """A learning rate that can be set where it stands.

    Args:
        optimizer: the optimizer whose rate it is.
    """

    optimizer: OptimizerProxy

    def assign(self, value: Any) -> None:
        """Train on at this rate."""
        self.optimizer.learning_rate = value

    def numpy(self) -> np.float32:
        """The number."""
        return np.float32(self)


class OptimizerProxy:
    """What `sequential.optimizer` is: the rate of a compiled model, to be read and set, and the
    optimizer's other settings, to be read.
    """

    def __init__(self, model: Sequential):
        vars(self)["model"] = model

    def __getattr__(self, name: str) -> Any:
        if name != "learning_rate":
            return getattr(self.model._optimizer, name)
        wishes = self.model._pending
        rate = LearningRateVariable(
            self.model.learning_rate
            if wishes is None or wishes.learning_rate is None
            else wishes.learning_rate
        )
        rate.optimizer = self
        return rate

    def __setattr__(self, name: str, value: Any) -> None:
        require(
            name == "learning_rate",
            "optimizer",
            "nothing to be set but learning_rate",
            name=name,
            fix="Compile again.",
        )
        if self.model._pending is None:
            self.model.learning_rate = value
        else:
            require(
                is_number(value) and value > 0, "learning_rate", "a number > 0", learning_rate=value
            )
            self.model._pending.learning_rate = float(value)
