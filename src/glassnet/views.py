"""A layer as a model shows it: what was written, with the shapes and the weights that it has there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet import network
from glassnet.layers import Layer
from glassnet.types import Shape

if TYPE_CHECKING:
    from glassnet.model import Sequential


@dataclass(frozen=True)
class LayerView:
    """One layer of a model as it was written (`layer`), with its shapes and its weights.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense, Input
        >>> view = Sequential([Input(3), Dense(2)]).get_layer("dense_1")
        >>> view.output_shape, [weight.shape for weight in view.get_weights()]
        ((2,), [(3, 2), (2,)])
    """

    model: Sequential
    index: int

    @property
    def layer(self) -> Layer:
        """The layer itself: its fields are what it was given."""
        return self.model._layers[self.index]

    @property
    def name(self) -> str:
        """What the trace, the summary and errors call it."""
        return str(self.layer.name)

    @property
    def input_shape(self) -> Shape:
        """Of one example."""
        built = self.model._require_built("input_shape")
        return built.shapes[built.spans[self.index][0]]

    @property
    def output_shape(self) -> Shape:
        """Of one example."""
        built = self.model._require_built("output_shape")
        return built.shapes[built.spans[self.index][1]]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of its weights: params, then statistics."""
        return network.get_weights(self._where(), self.model._params, self.model._state)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put weights in, in the order of `get_weights`."""
        built, model = self.model._require_built("set_weights"), self.model
        model._params, model._state = network.set_weights(built, self._where(), model._params, model._state, weights)

    def count_params(self) -> int:
        """How many numbers it holds."""
        return sum(weight.size for weight in self.get_weights())

    def _where(self) -> list[tuple[str, int, str]]:
        built = self.model._require_built("get_weights")
        start, stop = built.spans[self.index]
        return [place for place in built.weights if start <= place[1] < stop]

    def __repr__(self) -> str:
        return f"{self.name}: {self.layer!r}"
