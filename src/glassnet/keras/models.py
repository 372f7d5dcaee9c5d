"""Keras's models: names, and functions that load and copy them."""

from __future__ import annotations

import copy
from typing import Any

from glassnet.keras.compat import export_aliases
from glassnet.keras.custom_objects import add_registered
from glassnet.keras.functional import MODEL
from glassnet.keras.random_seed import next_seed
from glassnet.keras.sequential import Sequential
from glassnet.models import sequential
from glassnet.models.load import load


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Sequential:
    """Load a model from a file that `model.save` wrote. See `glassnet.load`.

    Args:
        filepath: the path of the file; any suffix works.
        custom_objects: user-defined classes and functions, by name.
        compile: whether to restore the optimizer, the loss and the metrics too.
        safe_mode: ignored: loading never runs code from the file.

    Raises:
        ModelFileError: see `glassnet.load`.
    """
    return Sequential.from_glassnet(load(filepath, add_registered(custom_objects), compile))


def clone_model(model: Sequential) -> Sequential:
    """Return a model with the same layers and new weights, which is not compiled.

    Args:
        model: a model; it stays as it is.
    """
    model._synchronize()  # layers may have been frozen since
    twin, layers = copy.copy(model), [view.layer for view in model.glassnet_model.layers]
    fresh = sequential.Sequential(layers, seed=next_seed())
    fresh.input_shape = model.glassnet_model.input_shape
    twin.replace_glassnet_model(fresh)
    twin.reset()
    return twin


def save_model(
    model: Sequential, filepath: Any, overwrite: bool = True, zipped: bool | None = None
) -> None:
    """Write a model to one file, for `load_model`. See `Sequential.save`.

    Args:
        model: the model.
        filepath: the path of the file.
        overwrite: whether an existing file may be replaced.
        zipped: ignored: the model is one file.

    Raises:
        ConfigError: if the file exists and `overwrite` is False.
    """
    model.save(filepath, overwrite)


__all__, __getattr__ = export_aliases(
    __name__,
    {
        "Model": MODEL,
        "Sequential": Sequential,
        "clone_model": clone_model,
        "load_model": load_model,
        "save_model": save_model,
    },
)
