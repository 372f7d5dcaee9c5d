"""Fields for initializers, regularizers and constraints, matched to weights by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from glassnet import constraints, initializers, regularizers
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params

FIELD_REGISTRIES: dict[str, Any] = {
    "_initializer": initializers,
    "_regularizer": regularizers,
    "_constraint": constraints,
}
"""Module that resolves names, by the suffix of the field."""


def resolve_fields(layer: Layer) -> None:
    """Replace the names of parts by objects, so that equal layers are equal.

    Raises:
        ConfigError: a name is unknown; the message suggests the nearest name.
    """
    for name in (field.name for field in fields(layer)):
        for suffix, module in FIELD_REGISTRIES.items():
            if name.endswith(suffix):
                object.__setattr__(layer, name, module.get(getattr(layer, name)))


def weight_penalty(layer: Layer, params: Params) -> Array:
    """Return the sum of the layer's regularizers over its weights, or None without regularizers."""
    regularized = [(getattr(layer, f"{name}_regularizer"), w) for name, w in params.items()]
    penalties = [regularizer(w) for regularizer, w in regularized if regularizer is not None]
    return sum(penalties) if penalties else None


def constrain_weights(layer: Layer, params: Params) -> Params:
    """Return the layer's weights after its constraints.

    The constraint of `recurrent_kernel` is in the field `recurrent_constraint`. The kernel of a
    depthwise layer has `depthwise_constraint`.
    """
    if not has_constraint(layer):
        return params
    settings = vars(layer)
    names = {name: name.removesuffix("_kernel") for name in params}
    if "depthwise_constraint" in settings and "kernel" in names:
        names["kernel"] = "depthwise"
    found = {name: settings.get(f"{prefix}_constraint") for name, prefix in names.items()}
    return {name: constrain(w) if (constrain := found[name]) else w for name, w in params.items()}


def has_constraint(layer: Layer) -> bool:
    """Return whether a weight of the layer has a constraint."""
    return any(value for name, value in vars(layer).items() if name.endswith("_constraint"))
