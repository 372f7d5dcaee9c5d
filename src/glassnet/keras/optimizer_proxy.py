"""What `model.optimizer` is in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import is_number, require

if TYPE_CHECKING:
    from glassnet.keras.models import Sequential


class Rate(float):
    """A learning rate that can be set where it stands.

    Args:
        of: the optimizer whose rate it is.
    """

    of: Compiled

    def assign(self, value: Any) -> None:
        """Train on at this rate."""
        self.of.learning_rate = value

    def numpy(self) -> np.float32:
        """The number."""
        return np.float32(self)


class Compiled:
    """What `model.optimizer` is: the rate of a compiled model, to be read and set, and the optimizer's other settings, to be read."""

    def __init__(self, of: Sequential):
        vars(self)["of"] = of

    def __getattr__(self, name: str) -> Any:
        if name != "learning_rate":
            return getattr(self.of._optimizer, name)
        wishes = self.of._wishes
        rate = Rate(self.of.learning_rate if wishes is None or wishes.rate is None else wishes.rate)
        rate.of = self
        return rate

    def __setattr__(self, name: str, value: Any) -> None:
        require(name == "learning_rate", "optimizer", "nothing to be set but learning_rate", name=name, fix="Compile again.")
        if self.of._wishes is None:
            self.of.learning_rate = value
        else:
            require(is_number(value) and value > 0, "learning_rate", "a number > 0", learning_rate=value)
            self.of._wishes.rate = float(value)
