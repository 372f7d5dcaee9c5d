"""Glassnet: neural networks with glass walls. `import glassnet as gn`."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from glassnet._version import __version__ as __version__

if TYPE_CHECKING:
    from glassnet import (
        activations,
        callbacks,
        constraints,
        data,
        datasets,
        doctor,
        errors,
        estimators,
        initializers,
        inspection,
        keras,
        layers,
        losses,
        metrics,
        optimizers,
        regularizers,
        schedules,
        selection,
        testing,
    )
    from glassnet.models.load import load
    from glassnet.models.sequential import Sequential
    from glassnet.processes.start import distribute
    from glassnet.reporting.write import report
    from glassnet.selection.diagnosis import diagnose
    from glassnet.studio_app.launch import studio
    from glassnet.studio_app.widget import Studio

__all__ = [
    "Sequential",
    "Studio",
    "activations",
    "callbacks",
    "constraints",
    "data",
    "datasets",
    "diagnose",
    "distribute",
    "doctor",
    "errors",
    "estimators",
    "initializers",
    "inspection",
    "keras",
    "layers",
    "load",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "report",
    "schedules",
    "selection",
    "studio",
    "testing",
]

_MODULES = {
    "Sequential": "models.sequential",
    "Studio": "studio_app.widget",
    "diagnose": "selection.diagnosis",
    "distribute": "processes.start",
    "load": "models.load",
    "report": "reporting.write",
    "studio": "studio_app.launch",
}
"""The modules of the public names that are not modules themselves."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import glassnet` loads no JAX."""
    if name not in __all__:
        from glassnet.errors import missing_name

        raise missing_name(__name__, name, __all__)
    module = importlib.import_module(f"glassnet.{_MODULES.get(name, name)}")
    value = getattr(module, name) if name in _MODULES else module
    if "jax" in sys.modules:
        importlib.import_module("glassnet.engine")  # it sets up the compilation cache
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
