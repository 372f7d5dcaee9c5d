"""A model out of its file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from glassnet.models.sequential import Sequential
from glassnet.storage import model_file


def load(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None
) -> Sequential:
    """The model in a file that `Sequential.save` wrote; nothing in it is run, imported or opened.

    It trains on as if it had never stopped, bit for bit, and takes tables where it was fitted to
    one.

    Args:
        path: of the file.
        custom_objects: classes and functions of your own that the model is made of, by name:
            {"Scale": Scale}.

    Raises:
        ModelFileError: there is no such file; it is damaged, foreign or newer than this release; a
            custom object was not given.

    Example:
        >>> import tempfile
        >>> from glassnet.layers import Dense, Input
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Sequential([Input(3), Dense(2)], seed=0).save(f"{folder}/small.glassnet")
        ...     load(f"{folder}/small.glassnet").count_params()
        8
    """
    return Sequential()._restore(model_file.read_model(path, custom_objects))
