"""Layers of a model by their paths: those inside composites too, and copies with changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

from glassnet.errors import require
from glassnet.layers import functional
from glassnet.layers.activation import Activation, PReLU
from glassnet.layers.layer import Layer
from glassnet.layers.normalization import BatchNormalization, GroupNormalization, LayerNormalization

SHAPE_KEEPING = (BatchNormalization, GroupNormalization, LayerNormalization, PReLU)
"""Layers with weights that are no output layer: their output has the shape of their input."""

NamedLayers = list[tuple[str, Layer]]

Edit = Callable[[str, Layer], Sequence[Layer]]
"""Function from the path of a layer, and the layer, to the layers for its place."""


class Place(NamedTuple):
    """A layer of a model, which may be inside another."""

    path: str
    layer: Layer
    is_hidden: bool
    """Whether the output layer follows."""
    is_activated: bool
    """Whether a layer that only applies an activation follows, as in Dense, Activation."""


def field_names(part: Any) -> list[str]:
    """Return the fields of a layer, loss or optimizer that may be parameters."""
    names = fields(part) if is_dataclass(part) else ()
    return [field.name for field in names if field.init and field.name != "name"]


def iter_places(layers: Sequence[Layer]) -> Iterator[Place]:
    """Yield every layer, at any depth, in order."""
    return _iter_named(_name_layers(layers), "", is_hidden=False, after=[])


def _iter_named(
    layers: NamedLayers, prefix: str, is_hidden: bool, after: list[Layer]
) -> Iterator[Place]:
    """Yield the layers of one branch, and those inside them.

    Args:
        layers: layers of the branch with their names.
        prefix: path of the layer that the branch is in, with a slash at the end.
        is_hidden: whether the branch is before the output layer.
        after: layers that follow the branch.
    """
    output = max((i for i, (_, layer) in enumerate(layers) if _has_weights(layer)), default=-1)
    for i, (name, layer) in enumerate(layers):
        path, hidden = prefix + name, is_hidden or i < output
        following = [other for _, other in layers[i + 1 :]] + after
        yield Place(path, layer, hidden, _is_activated(following))
        inner = iter(_name_layers(_inner_layers(layer)))
        for branch in _branches(layer):
            yield from _iter_named([next(inner) for _ in branch], f"{path}/", hidden, following)


def _name_layers(layers: Sequence[Layer]) -> NamedLayers:
    """Return layers with names; those without one are numbered, as the trace numbers them."""
    names = [layer.name or "" for layer in functional.with_names(layers)]
    return list(zip(names, layers, strict=True))


def _branches(layer: Layer) -> list[tuple[Layer, ...]]:
    """Return the sequences of layers in the fields of a layer."""
    return [branch for field in fields(layer) for branch in _find(getattr(layer, field.name))]


def _find(value: Any) -> list[tuple[Layer, ...]]:
    """Return the sequences of layers in a value: a layer, or nested tuples of them."""
    if isinstance(value, Layer):
        return [(value,)]
    if not isinstance(value, list | tuple):
        return []
    if value and all(isinstance(entry, Layer) for entry in value):
        return [tuple(value)]
    return [branch for entry in value for branch in _find(entry)]


def _inner_layers(layer: Layer) -> tuple[Layer, ...]:
    return tuple(chain(*_branches(layer)))


def _has_weights(layer: Layer) -> bool:
    """Return whether a layer has weights that decide the size of its output."""
    inner = _inner_layers(layer)
    if inner:
        return any(map(_has_weights, inner))
    return type(layer).init is not Layer.init and not isinstance(layer, SHAPE_KEEPING)


def _is_activated(following: Sequence[Layer]) -> bool:
    """Return whether an activation follows before the next layer with weights."""
    for layer in following:
        if isinstance(layer, Activation | PReLU):
            return True
        if _has_weights(layer):
            return False
    return False


def change_layers(
    layers: Sequence[Layer], changes: Mapping[str, Mapping[str, Any]]
) -> tuple[Layer, ...]:
    """Return layers with other values of some fields.

    Args:
        layers: layers in order.
        changes: new values by field, by the path of the layer.
    """

    def change(path: str, layer: Layer) -> tuple[Layer]:
        return (replace(layer, **changes[path]) if path in changes else layer,)

    return edit_layers(layers, change)


def edit_layers(layers: Sequence[Layer], edit: Edit, prefix: str = "") -> tuple[Layer, ...]:
    """Return layers with others in their places.

    Args:
        layers: layers in order.
        edit: called with the path of each layer, and the layer after the same edit of the layers
            inside it.
        prefix: path of the layer that these are inside of, with a slash at the end.

    Raises:
        ConfigError: another number of layers than one for a place that holds one layer.
    """
    named = iter(_name_layers(layers))
    return tuple(chain.from_iterable(_edit_next(named, edit, prefix) for _ in layers))


def _edit_next(named: Iterator[tuple[str, Layer]], edit: Edit, prefix: str) -> Sequence[Layer]:
    """Return the layers for the place of the next layer."""
    name, layer = next(named)
    path = prefix + name
    new = edit(path, _edit_inside(layer, edit, path))
    for each in new:
        functional.check_layer_type(each)
    return new


def _edit_inside(layer: Layer, edit: Edit, path: str) -> Layer:
    """Return a layer with edited inner layers."""
    named = iter(_name_layers(_inner_layers(layer)))
    values = {
        field.name: _edit_value(getattr(layer, field.name), named, edit, path)
        for field in fields(layer)
        if _find(getattr(layer, field.name))
    }
    if not values:
        return layer
    changed = replace(layer, **values)
    old, new = _inner_layers(layer), _inner_layers(changed)
    is_same = len(old) == len(new) and all(a is b for a, b in zip(old, new, strict=True))
    return layer if is_same else changed


def _edit_value(value: Any, named: Iterator[tuple[str, Layer]], edit: Edit, path: str) -> Any:
    """Return a layer, or nested tuples of them, with edited layers in place of the old ones."""
    if isinstance(value, Layer):
        new = _edit_next(named, edit, f"{path}/")
        require(len(new) == 1, path, "one layer in the place of one", layers=list(new))
        return new[0]
    if not isinstance(value, list | tuple):
        return value
    if value and all(isinstance(entry, Layer) for entry in value):
        return tuple(chain.from_iterable(_edit_next(named, edit, f"{path}/") for _ in value))
    return tuple(_edit_value(entry, named, edit, path) for entry in value)
