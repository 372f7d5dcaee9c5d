"""Views of a model's layers, with their shapes and weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.engine.network import BuiltNetwork
from glassnet.errors import require
from glassnet.layers import Layer
from glassnet.types import PartialShape


@dataclass(unsafe_hash=True)
class LayerView:
    """A layer of a model, with its shapes and its current weights.

    The fields of the layer are attributes of the view too. Everything but `name` and `layer` raises
    `NotReadyError` until the model knows the shape of its input.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense, Input
        >>> view = Sequential([Input(3), Dense(2)]).get_layer("dense_1")
        >>> view.output_shape, [weight.shape for weight in view.get_weights()]
        ((2,), [(3, 2), (2,)])
        >>> view.units
        2
    """

    layer: Layer
    index: int
    _require_built: Callable[[], BuiltNetwork] = field(repr=False, compare=False)
    _get_weights: Callable[[int], list[np.ndarray]] = field(repr=False, compare=False)
    _set_weights: Callable[[int, Sequence[Any]], None] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name in traces, summaries and errors."""
        return str(self.layer.name)

    @property
    def input_shape(self) -> PartialShape:
        """The shape of one example that enters the layer."""
        built = self._require_built()
        return built.shapes[built.spans[self.index][0]]

    @property
    def output_shape(self) -> PartialShape:
        """The shape of one example that leaves the layer."""
        built = self._require_built()
        return built.shapes[built.spans[self.index][1]]

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights: params, then statistics."""
        return self._get_weights(self.index)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace the weights. The order is that of `get_weights`.

        Raises:
            DataError: the number of arrays or a shape differs.
        """
        self._set_weights(self.index, weights)

    def count_params(self) -> int:
        """Return the number of weights of the layer."""
        return sum(weight.size for weight in self.get_weights())

    def __setattr__(self, name: str, value: Any) -> None:
        is_initialized = bool(vars(self))
        kind = type(self.layer).__name__ if is_initialized else ""
        remedy = (
            f"Write {kind}(..., {name}=...) when you create the layer. Use set_weights for weights."
        )
        is_allowed = name in self.__dataclass_fields__ and name not in vars(self)
        who, fix = (self.name, remedy) if is_initialized else (name, "")
        require(is_allowed, who, "no change to a layer of a model", fix=fix, **{name: value})
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if hasattr(type(self), name):  # a property that is not ready: raise its error again
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "layer"), name)

    def __repr__(self) -> str:
        return f"{self.name}: {self.layer!r}"
