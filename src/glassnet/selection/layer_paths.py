"""Layers of a model by their paths: those inside composites too, and copies with other fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import chain
from typing import Any, NamedTuple

from glassnet.layers import (
    Activation,
    BatchNormalization,
    Layer,
    LayerNormalization,
    PReLU,
    functional,
)

SHAPE_KEEPING = (BatchNormalization, LayerNormalization, PReLU)
"""Layers with weights that are no output layer: their output has the shape of their input."""

NamedLayers = list[tuple[str, Layer]]


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
    names = () if part is None else fields(part)
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
    layers: Sequence[Layer], changes: Mapping[str, Mapping[str, Any]], prefix: str = ""
) -> tuple[Layer, ...]:
    """Return layers with other values of some fields.

    Args:
        layers: layers in order.
        changes: new values by field, by the path of the layer.
        prefix: path of the layer that these are inside of, with a slash at the end.
    """
    return tuple(
        _change_layer(layer, changes, prefix + name) for name, layer in _name_layers(layers)
    )


def _change_layer(layer: Layer, changes: Mapping[str, Mapping[str, Any]], path: str) -> Layer:
    old = _inner_layers(layer)
    new = change_layers(old, changes, f"{path}/")
    values = dict(changes.get(path, {}))
    if any(a is not b for a, b in zip(old, new, strict=True)):
        rest = iter(new)
        for field in fields(layer):
            value = getattr(layer, field.name)
            if _find(value):
                values = {field.name: _put(value, rest)} | values
    if not values:
        return layer
    changed = replace(layer, **values)
    functional.check_layer_type(changed)
    return changed


def _put(value: Any, layers: Iterator[Layer]) -> Any:
    """Return a layer, or nested tuples of them, with the next layers in place of the old ones."""
    if isinstance(value, Layer):
        return next(layers)
    return tuple(_put(entry, layers) for entry in value)
