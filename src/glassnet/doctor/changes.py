"""Remedies as data: changes of a model's layers, optimizer and loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

from glassnet.layers import Layer
from glassnet.losses import Loss
from glassnet.optimizers import Optimizer


class ModelParts(NamedTuple):
    """What a change can change: layers as the user wrote them, optimizer and loss."""

    layers: tuple[Layer, ...]
    optimizer: Optimizer | None
    loss: Loss | None


@dataclass(frozen=True)
class Change(ABC):
    """A change of a model, as data."""

    @abstractmethod
    def apply(self, parts: ModelParts) -> ModelParts:
        """Return the changed parts.

        Raises:
            ConfigError: the change does not fit them.
        """

    @abstractmethod
    def describe(self) -> str:
        """Return the change as an instruction: "Set the learning rate to 0.001"."""
