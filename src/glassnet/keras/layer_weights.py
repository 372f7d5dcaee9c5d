"""The weights of a layer of Keras, which it shares with the models that it is added to."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from glassnet.engine import network
from glassnet.engine.network import BuiltNetwork, WeightPaths
from glassnet.errors import NotReadyError, message
from glassnet.keras.random_seed import draw_seed
from glassnet.keras.variables import KerasVariable, WeightLists
from glassnet.layers import Layer, functional
from glassnet.partial_shapes import is_known
from glassnet.types import Params, PartialShape, State

Weights = tuple[tuple[Params, ...], tuple[State, ...]]
"""The params and the state of the links of a layer. The arrays in them are never changed."""


class WeightOwner(Protocol):
    """What a layer asks of the model that uses it."""

    def provide_weights(self, layer: Any) -> None: ...
    def accept_weights(self, layer: Any) -> None: ...


class LayerWeights(WeightLists):
    """The weights of a layer, and the model that has the latest ones.

    Subclasses are layers with a name.
    """

    _layer: Layer
    _input_shape: PartialShape | None
    _network: BuiltNetwork | None
    _weights: Weights
    _owner: weakref.ref[Any] | None
    _model_name: str | None

    @property
    def name(self) -> str:
        """The name of the layer."""
        return str(self._layer.name)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights."""
        return self._layer.trainable

    def _draw(self, shape: PartialShape, seed: int | None) -> tuple[BuiltNetwork, Any, Any]:
        layer = replace(self._layer, name=self.name)
        return network.build((layer,), shape, np.random.default_rng(seed))

    def _require_network(self) -> BuiltNetwork:
        """Return the network of this layer alone; the weights are drawn if there are none yet.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        self.refresh()
        if self._network is None:
            if self._input_shape is None:
                fix = (
                    "Call the layer on an array, or write layer.build((None, 784))."
                    if self.owner is None
                    else "Add Input(shape) as the first layer, or fit the model first."
                )
                expected = "a layer that knows its input's shape"
                raise NotReadyError(message(self.name, expected, fix=fix))
            self._network, *weights = self._draw(self._input_shape, draw_seed())
            self._weights = weights[0], weights[1]
        return self._network

    @property
    def built(self) -> bool:
        """Whether the layer knows the shape of its input."""
        return self._network is not None or self._input_shape is not None

    @property
    def shared_weights(self) -> Weights | None:
        """The weights, which models read and replace as a whole; None before they are drawn."""
        return None if self._network is None else self._weights

    def share_weights(
        self, weights: Weights, paths: WeightPaths, shape: PartialShape | None
    ) -> None:
        """Take over the weights of a model, without a copy.

        Args:
            weights: params and state of the links of this layer.
            paths: positions of the weights among these links, in order.
            shape: shape of one example at the input of the layer; None if it is known.
        """
        if self._network is None or self._network.layers[0] != self._layer:
            built = self._assemble(weights, shape or self._input_shape or ())
            self._network = replace(built, weight_paths=tuple(paths))
        self._weights = weights

    def _assemble(self, weights: Weights, shape: PartialShape) -> BuiltNetwork:
        if not is_known(shape):
            return self._draw(shape, 0)[0]
        shapes = [shape]
        for link, params, state in zip(self._layer.unfold(), *weights, strict=True):
            shapes.append(functional.output_shape(link, params, state, shapes[-1]))
        layer = replace(self._layer, name=self.name)
        return network.assemble((layer,), *weights, tuple(shapes))

    def forget_weights(self) -> None:
        """Forget the weights; new ones are drawn when they are needed."""
        if self._network is not None:
            self._input_shape = self._network.shapes[0]
        self._network, self._weights = None, ((), ())

    @property
    def owner(self) -> Any:
        """The model that has the latest weights and the name of the layer, or None."""
        return None if self._owner is None else self._owner()

    def set_owner(self, owner: WeightOwner, name: str) -> None:
        """Set the `owner`, and the name of the layer in it."""
        self._owner, self._model_name = weakref.ref(owner), name

    def release(self) -> None:
        """Forget the `owner`: it does not have the layer any more."""
        self._owner = None

    def refresh(self, user: WeightOwner | None = None) -> None:
        """Take over the latest weights, unless the model that asks has them."""
        owner = self.owner
        if owner is not None and owner is not user:
            owner.provide_weights(self)

    def is_unchanged(self, user: WeightOwner, layer: Layer, weights: Weights) -> bool:
        """Return whether the settings and the weights are these and no other model has later ones.

        Args:
            user: the model that asks.
            layer: the frozen layer with the settings.
            weights: the weights.
        """
        owner = None if self._owner is None else self._owner()
        return (
            self._layer is layer and self._weights is weights and (owner is user or owner is None)
        )

    @property
    def is_drawn(self) -> bool:
        """Whether there are weights."""
        return self._network is not None

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights: those that training changes, then statistics."""
        built = self._require_network()
        return network.get_weights(built.weight_paths, *self._weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace the weights. The order is that of `get_weights`.

        Raises:
            DataError: the number of arrays or a shape differs.
        """
        built = self._require_network()
        self._replace_weights(
            network.set_weights(built, built.weight_paths, *self._weights, weights)
        )

    def set_weight(self, index: int, value: Any) -> None:
        """Replace the weight at an index of `weights`."""
        built = self._require_network()
        path = built.weight_paths[index : index + 1]
        self._replace_weights(network.set_weights(built, path, *self._weights, [value]))

    def _replace_weights(self, weights: Weights) -> None:
        self._weights = weights
        if self.owner is not None:
            self.owner.accept_weights(self)

    def read_weight(self, index: int) -> np.ndarray:
        """Return a copy of the weight at an index of `weights`."""
        built = self._require_network()
        return network.get_weights(built.weight_paths[index : index + 1], *self._weights)[0]

    @property
    def weights(self) -> list[KerasVariable]:
        """The weights, each with `numpy` and `assign`; none before the input's shape is known."""
        if self.built or self._owner:
            with suppress(NotReadyError):
                self._require_network()
        return self._variables()

    variables = weights

    def _variables(self) -> list[KerasVariable]:
        paths = self._network.weight_paths if self._network else ()
        return [
            KerasVariable(self, i, key, kind == "params" and self.trainable)
            for i, (kind, _, key) in enumerate(paths)
        ]

    def count_params(self) -> int:
        """Return the number of weights of the layer."""
        return sum(weight.size for weight in self.get_weights())
