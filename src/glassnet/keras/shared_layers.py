"""Layers that a `keras.Sequential` shares with other models: each model trains them for all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from glassnet import callbacks
from glassnet.errors import NotReadyError
from glassnet.models.base import BaseModel
from glassnet.models.layer_view import LayerView


class SharedLayers:
    """Layers of other models that were added to a model.

    Every model has arrays of its own. They are copied when a model is used or trained.

    Attributes:
        views: the layer of the other model, by the index of the layer in this model.
        submodels: the models that were added as a whole, by the index of their first layer.
    """

    def __init__(self) -> None:
        self.views: dict[int, LayerView] = {}
        self.submodels: dict[int, BaseModel] = {}

    def __copy__(self) -> SharedLayers:
        twin = SharedLayers()
        twin.views, twin.submodels = dict(self.views), dict(self.submodels)
        return twin

    def copy_to(self, model: BaseModel, index: int | None = None) -> None:
        """Copy the weights of the other models, which may have been trained, to this model.

        Args:
            model: this model.
            index: the layer to copy, None for all.
        """
        layers = model.layers
        for i, view in self._select_views(index):
            with suppress(NotReadyError):
                layers[i].set_weights(view.get_weights())

    def copy_from(self, model: BaseModel, index: int | None = None) -> None:
        """Copy the weights of this model to the other models, which may have none yet."""
        layers = model.layers
        for i, submodel in self.submodels.items():
            if submodel.input_shape is None:
                submodel.input_shape = layers[i].input_shape
        for i, view in self._select_views(index):
            view.set_weights(layers[i].get_weights())

    def _select_views(self, index: int | None) -> list[tuple[int, LayerView]]:
        return [(i, view) for i, view in self.views.items() if index in (None, i)]


class SharedLayersCallback(callbacks.Callback):
    """Callback that copies the weights to the other models after every epoch.

    It is called first, so that other callbacks can use these models.

    Args:
        shared_layers: the shared layers of the model.
        model: the model being fitted.
    """

    def __init__(self, shared_layers: SharedLayers, model: BaseModel):
        self.shared_layers, self.model = shared_layers, model

    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        self.shared_layers.copy_from(self.model)
