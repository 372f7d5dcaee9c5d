"""The weights that a model has in common with its layers, and through them with other models."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from glassnet.engine.network import LinkPath, WeightPaths
from glassnet.errors import DataError, require
from glassnet.keras.base_layer import KerasLayer
from glassnet.keras.graph import Branches, Step
from glassnet.keras.layer_weights import WeightOwner, Weights
from glassnet.layers import Composite, Layer, Residual
from glassnet.models.base import BaseModel


@dataclass(frozen=True)
class Location:
    """Position of a layer's links in a network.

    Attributes:
        path: path of the composite that contains them; () for the network itself.
        start: index of the first link there.
        stop: index after the last link.
    """

    path: LinkPath
    start: int
    stop: int

    def contains(self, path: LinkPath) -> bool:
        """Return whether the link at a path is one of them, or inside one of them."""
        depth = len(self.path)
        return path[:depth] == self.path and self.start <= path[depth] < self.stop


def iter_locations(
    steps: Sequence[Step], layers: Sequence[Layer], path: LinkPath = (), start: int = 0
) -> Iterator[tuple[KerasLayer, Location]]:
    """Yield each layer with the position of its links.

    Args:
        steps: the layers of the model.
        layers: the layers of Glassnet that were made of them.
        path: path of the composite that contains them.
        start: index of the first link.
    """
    for step, layer in zip(steps, layers, strict=True):
        stop = start + len(layer.unfold())
        if isinstance(step, Branches):
            inner = 0
            assert isinstance(layer, Composite)
            branches = (
                sorted(step.branches, key=bool) if isinstance(layer, Residual) else step.branches
            )
            for branch, branch_layers in zip(branches, layer.branch_layers, strict=True):
                yield from iter_locations(branch, branch_layers, (*path, start), inner)
                inner += sum(len(each.unfold()) for each in branch_layers)
        else:
            yield step, Location(path, start, stop)
        start = stop


class WeightSharing:
    """The layers of a model, whose weights are those of the model.

    The model and each layer refer to the same arrays. Whichever was changed last, the other takes
    its arrays over when it is used.

    Attributes:
        locations: the position of each layer in the network.
    """

    def __init__(self) -> None:
        self.locations: dict[KerasLayer, Location] = {}
        self._settings: dict[KerasLayer, Layer] = {}
        self._known: dict[KerasLayer, Weights] = {}
        self._pushed: Weights | None = None  # of the whole model

    def __deepcopy__(self, memo: dict[int, Any]) -> WeightSharing:
        # Layers of Glassnet and arrays are never changed in place, so the copies share them.
        twin = WeightSharing()
        for mine, theirs in (
            (twin.locations, self.locations),
            (twin._settings, self._settings),
            (twin._known, self._known),
        ):
            values: Any = theirs
            mine.update({copy.deepcopy(layer, memo): value for layer, value in values.items()})
        return twin

    def set_steps(self, steps: Sequence[Step], layers: Sequence[Layer]) -> None:
        """Set the layers; see `iter_locations`."""
        self.locations = dict(iter_locations(steps, layers))
        self._settings = {layer: layer.glassnet_layer for layer in self.locations}
        self._known, self._pushed = {}, None

    def has_new_settings(self) -> bool:
        """Return whether a setting of a layer, such as `trainable`, was changed since."""
        return any(layer.glassnet_layer is not old for layer, old in self._settings.items())

    def is_current(self, model: BaseModel, user: WeightOwner) -> bool:
        """Return whether neither the model nor one of its layers was changed since the last push.

        Small calls check it first. False means that something may have changed.
        """
        return self._has_pushed(model.weight_trees) and all(
            layer.is_unchanged(user, setting, self._known[layer])
            for layer, setting in self._settings.items()
        )

    def _has_pushed(self, weights: Weights) -> bool:
        pushed = self._pushed
        return pushed is not None and weights[0] is pushed[0] and weights[1] is pushed[1]

    def copy_to(self, model: BaseModel) -> None:
        """Copy the weights of the layers that have some to a model whose weights are new."""
        for layer in self.locations:
            if layer.shared_weights is not None:
                self._write(model, layer, layer.shared_weights)
                self._known[layer] = layer.shared_weights

    def pull(self, model: BaseModel) -> None:
        """Take over the weights of the layers that were changed since the last time."""
        for layer in self.locations:
            weights = layer.shared_weights
            if weights is not None and not _is_same(weights, self._known.get(layer)):
                self._write(model, layer, weights)
                self._known[layer] = weights

    def push(self, model: BaseModel, layer: KerasLayer | None = None) -> None:
        """Pass the weights of the model to its layers, or to one of them."""
        whole = model.weight_trees
        if self._has_pushed(whole):
            return
        for each in self.locations if layer is None else [layer]:
            weights = self._read(model, each)
            if not _is_same(weights, self._known.get(each)):
                path, start = self.locations[each].path, self.locations[each].start
                paths = [
                    (kind, (link[len(path)] - start, *link[len(path) + 1 :]), key)
                    for kind, link, key in self.find_weights(model, [each])
                ]
                shape = None if path else model.get_link_shape(start)
                each.share_weights(weights, paths, shape)
                self._known[each] = weights
        if layer is None:
            self._pushed = whole

    def forget(self) -> None:
        """Let all layers forget their weights."""
        for layer in self.locations:
            layer.forget_weights()
        self._known, self._pushed = {}, None

    def find_weights(self, model: BaseModel, layers: Iterable[KerasLayer]) -> WeightPaths:
        """Return the positions of the weights of these layers."""
        positions = [self.locations[layer] for layer in layers]
        return [
            entry
            for position in positions
            for entry in model.weight_paths
            if position.contains(entry[1])
        ]

    def _read(self, model: BaseModel, layer: KerasLayer) -> Weights:
        location = self.locations[layer]
        return model.get_link_weights(location.path, location.start, location.stop)

    def _write(self, model: BaseModel, layer: KerasLayer, weights: Weights) -> None:
        current, location = self._read(model, layer), self.locations[layer]
        if not _is_same(weights, current):
            _check_shapes(layer, weights, current)
            model.set_link_weights(location.path, location.start, location.stop, weights)


def _is_same(weights: Weights, other: Weights | None) -> bool:
    """Return whether both are the same arrays."""
    if weights is other or other is None:
        return other is not None
    leaves, others = jax.tree.leaves(weights), jax.tree.leaves(other)
    return len(leaves) == len(others) and all(a is b for a, b in zip(leaves, others, strict=True))


def _check_shapes(layer: KerasLayer, weights: Weights, current: Weights) -> None:
    shapes, expected = (
        [np.shape(leaf) for leaf in jax.tree.leaves(tree)] for tree in (weights, current)
    )
    fix = "A layer has the same input shape in all models."
    require(
        shapes == expected,
        layer.name,
        f"weights of the shapes {expected}",
        error=DataError,
        shapes=shapes,
        fix=fix,
    )
