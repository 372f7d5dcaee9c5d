"""Keras's names in Keras's module layout, so that a lab written for Keras runs once its import is
changed:

    from glassnet import keras
    from glassnet.keras.layers import Dense

Tables of names: each calls the part of glassnet that does the work, which is what comes back.
    `compat.py` says how to read a row.
A parameter that cannot mean here what it means in Keras raises `ConfigError` and says what to write
instead.
"""

from __future__ import annotations

import importlib
from typing import Any

from glassnet import __version__ as __version__
from glassnet.keras import compat

MODULES = ("activations", "backend", "callbacks", "datasets", "initializers", "layers", "losses", "metrics", "models", "ops",
           "optimizers", "regularizers", "utils")  # fmt: skip

HOME = {**dict.fromkeys(MODULES, ""), "Input": "layers", "Model": "models", "Sequential": "models"}
"""Name to the module that it stands in; nothing for a module itself."""

__all__, _find = compat.export_aliases(__name__, HOME)


def __getattr__(name: str) -> Any:
    if name not in HOME:
        return _find(name)
    module = importlib.import_module(f"{__name__}.{HOME[name] or name}")
    return getattr(module, name) if HOME[name] else module
