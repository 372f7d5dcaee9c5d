"""What layers with weights share: `kernel_initializer` says where those called `kernel` start,
`kernel_regularizer` what they cost.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from glassnet import initializers, regularizers
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params

FIELD_REGISTRIES: dict[str, Any] = {"_initializer": initializers, "_regularizer": regularizers}
"""How the field of a layer ends, and where its names are looked up."""


def resolve_fields(layer: Layer) -> None:
    """Put initializers and regularizers in the place of their names, so that two ways to write them
    are one value.

    Raises:
        ConfigError: one is unknown (the nearest match is given).
    """
    for name in (field.name for field in fields(layer)):
        for ending, module in FIELD_REGISTRIES.items():
            if name.endswith(ending):
                object.__setattr__(layer, name, module.get(getattr(layer, name)))


def weight_penalty(layer: Layer, params: Params) -> Array:
    """What the layer's regularizers ask for the weights that it has; None where none asks."""
    asked = [(getattr(layer, f"{name}_regularizer"), w) for name, w in params.items()]
    costs = [cost(w) for cost, w in asked if cost is not None]
    return sum(costs) if costs else None
