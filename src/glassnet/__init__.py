"""Glassnet: neural networks with glass walls. `import glassnet as gn`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from glassnet._version import __version__ as __version__

_HOME = {
    "Sequential": "models.sequential",
    "activations": "activations",
    "callbacks": "callbacks",
    "data": "data",
    "datasets": "datasets",
    "errors": "errors",
    "estimators": "estimators",
    "initializers": "initializers",
    "keras": "keras",
    "layers": "layers",
    "load": "models.load",
    "losses": "losses",
    "metrics": "metrics",
    "optimizers": "optimizers",
    "regularizers": "regularizers",
    "schedules": "schedules",
    "testing": "testing",
}
"""Public name to the module that it is, or that it stands in: nothing is imported before it is
used, JAX least of all.
"""

__all__ = ["Sequential", "activations", "callbacks", "data", "datasets", "errors", "estimators", "initializers", "keras", "layers",
           "load", "losses", "metrics", "optimizers", "regularizers", "schedules", "testing"]  # fmt: skip

if TYPE_CHECKING:
    from glassnet import (
        activations,
        callbacks,
        data,
        datasets,
        errors,
        initializers,
        layers,
        losses,
        metrics,
        optimizers,
        regularizers,
        schedules,
    )
    from glassnet import estimators as estimators
    from glassnet import testing as testing
    from glassnet.models.load import load
    from glassnet.models.sequential import Sequential


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'glassnet' has no attribute {name!r}")
    module = importlib.import_module(f"glassnet.{_HOME[name]}")
    found = getattr(module, name) if name in ("Sequential", "load") else module
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
