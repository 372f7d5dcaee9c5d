"""Loading a model from its file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from glassnet.models.sequential import Sequential
from glassnet.storage import model_file
from glassnet.suggestions import suggest_arguments


@suggest_arguments
def load(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
) -> Sequential:
    """Load a model from a file that `Sequential.save` wrote.

    No code in the file is run, and nothing is imported or opened for it. The model continues
    training as if it had never stopped, bit for bit. If it was fitted to a table, it takes tables.

    Args:
        path: path of the file.
        custom_objects: your own classes and functions that the model uses, by name:
            {"Scale": Scale}.
        compile: whether to restore the optimizer, the loss and the metrics too.

    Raises:
        ModelFileError: the file does not exist, is damaged, comes from another program or a newer
            release, or needs a custom object that is missing.

    Example:
        >>> import tempfile
        >>> from glassnet.layers import Dense, Input
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Sequential([Input(3), Dense(2)], seed=0).save(f"{folder}/small.glassnet")
        ...     load(f"{folder}/small.glassnet").count_params()
        8
    """
    loaded = model_file.read_model(path, custom_objects)
    return Sequential()._restore(loaded if compile else loaded.without_settings())
