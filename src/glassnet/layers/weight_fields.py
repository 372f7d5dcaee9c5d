"""Fields for initializers and regularizers, matched to weights by name."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from glassnet import initializers, regularizers
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params

FIELD_REGISTRIES: dict[str, Any] = {"_initializer": initializers, "_regularizer": regularizers}
"""Module that resolves names, by the suffix of the field."""


def resolve_fields(layer: Layer) -> None:
    """Replace names of initializers and regularizers by objects, so that equal layers are equal.

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
