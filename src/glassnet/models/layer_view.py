"""A layer as a model shows it: what was written, with the shapes and the weights that it has
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.engine.network import BuiltNetwork, WeightPaths
from glassnet.errors import require
from glassnet.layers import Layer
from glassnet.types import Shape


@dataclass(unsafe_hash=True)
class LayerView:
    """One layer of a model as it was written (`layer`, whose fields it has too), with its shapes
    and its weights as they stand.

    Each but `name` and `layer` raises `NotReadyError` while the model does not know the shape of
    its input.

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
    _get_weights_at: Callable[[WeightPaths], list[np.ndarray]] = field(repr=False, compare=False)
    _set_weights_at: Callable[[WeightPaths, Sequence[Any]], None] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """What the trace, the summary and errors call it."""
        return str(self.layer.name)

    @property
    def input_shape(self) -> Shape:
        """Of one example."""
        built = self._require_built()
        return built.shapes[built.spans[self.index][0]]

    @property
    def output_shape(self) -> Shape:
        """Of one example."""
        built = self._require_built()
        return built.shapes[built.spans[self.index][1]]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of its weights: params, then statistics."""
        return self._get_weights_at(self._weight_paths())

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put weights in, in the order of `get_weights`.

        Raises:
            DataError: another number of arrays, or another shape.
        """
        self._set_weights_at(self._weight_paths(), weights)

    def count_params(self) -> int:
        """How many numbers it holds."""
        return sum(weight.size for weight in self.get_weights())

    def __setattr__(self, name: str, value: Any) -> None:
        fix = (
            f"Write {type(self.layer).__name__}(..., {name}=...) where the layer is made, and set_weights for weights."
            if vars(self)
            else ""
        )
        require(
            name in self.__dataclass_fields__ and name not in vars(self),
            self.name if fix else name,
            "no change to a layer of a model",
            fix=fix,
            **{name: value},
        )
        object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "layer"), name)

    def _weight_paths(self) -> WeightPaths:
        built = self._require_built()
        start, stop = built.spans[self.index]
        return [place for place in built.weight_paths if start <= place[1][0] < stop]

    def __repr__(self) -> str:
        return f"{self.name}: {self.layer!r}"
