"""Glassnet: neural networks with glass walls. `import glassnet as gn`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Sequential": "model",
    "activations": "activations",
    "callbacks": "callbacks",
    "data": "data",
    "datasets": "data.datasets",
    "errors": "errors",
    "estimators": "estimators",
    "initializers": "initializers",
    "keras": "keras",
    "layers": "layers",
    "load": "loading",
    "losses": "losses",
    "metrics": "metrics",
    "optimizers": "optimizers",
    "regularizers": "regularizers",
    "schedules": "schedules",
    "testing": "testing",
}
"""Public name to the module that it is, or that it stands in: nothing is imported before it is used, JAX least of all."""

__all__ = ["Sequential", "activations", "callbacks", "data", "datasets", "errors", "estimators", "initializers", "keras", "layers",
           "load", "losses", "metrics", "optimizers", "regularizers", "schedules", "testing"]  # fmt: skip

if TYPE_CHECKING:
    from glassnet import activations, callbacks, data, errors, initializers, layers, losses, metrics, optimizers, regularizers, schedules
    from glassnet import estimators as estimators
    from glassnet import testing as testing
    from glassnet.data import datasets
    from glassnet.loading import load
    from glassnet.model import Sequential


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'glassnet' has no attribute {name!r}")
    module = importlib.import_module(f"glassnet.{_HOME[name]}")
    found = getattr(module, name) if name in ("Sequential", "load") else module
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
