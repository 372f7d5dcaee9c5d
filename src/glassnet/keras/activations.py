"""Keras's activations, which are Glassnet's functions themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from glassnet import activations as ours
from glassnet.keras.compat import KerasAlias, export_aliases, require_function
from glassnet.layers import Activation
from glassnet.types import Array


def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """Return x where it is above a threshold, and another number elsewhere.

    Example:
        >>> threshold(jnp.array([1.0, 3.0]), 2.0, -1.0).tolist()
        [-1.0, 3.0]
    """
    return jnp.where(jnp.asarray(x) > threshold, x, default_value)


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    **ours.ACTIVATIONS,
    "glu": ours.glu,
    "hard_swish": ours.hard_silu,
    "swish": ours.silu,
    "threshold": threshold,
}


def get(identifier: Any) -> Callable[..., Array]:
    """Return the activation of that name; None is linear, and a function is returned unchanged.

    Raises:
        ConfigError: an unknown name, or no name and no function.

    Example:
        >>> get(None)(3.0), get("swish") is ours.silu
        (3.0, True)
    """
    if isinstance(identifier, KerasAlias):
        identifier = identifier()
    identifier = getattr(identifier, "glassnet_layer", identifier)
    if isinstance(identifier, Activation):
        identifier = identifier.activation  # its name or its function
    require_function(identifier)
    if identifier is None:
        return ours.linear
    known = isinstance(identifier, str) and identifier in ACTIVATIONS
    return ACTIVATIONS[identifier] if known else ours.get(identifier)


__all__, __getattr__ = export_aliases(__name__, {"get": get, **ACTIVATIONS})
