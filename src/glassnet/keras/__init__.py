"""Keras's names in Keras's module layout: change the import, and a script for Keras runs.

    from glassnet import keras
    from glassnet.keras.layers import Dense

The modules are tables of names. Each name makes and returns a part of glassnet; `compat.py`
explains the tables. A parameter that is not supported raises `ConfigError` with a message that says
what to write instead.
"""

from __future__ import annotations

import importlib
from typing import Any

from glassnet._version import __version__ as __version__
from glassnet.keras import compat

MODULES = (
    "activations",
    "backend",
    "callbacks",
    "config",
    "data",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "utils",
)

HOME = {
    **dict.fromkeys(MODULES, ""),
    "Initializer": "initializers",
    "Input": "layers",
    "KerasTensor": "base_layer",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "Variable": "variables",
    "version": "config",
}
"""The module that defines each name; an empty string for a module itself."""

__all__, _find = compat.export_aliases(__name__, HOME)


def __getattr__(name: str) -> Any:
    if name not in HOME:
        return _find(name)
    module = importlib.import_module(f"{__name__}.{HOME[name] or name}")
    return getattr(module, name) if HOME[name] else module


def __dir__() -> list[str]:
    return [*HOME, "__version__"]
