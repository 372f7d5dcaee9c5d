"""Data: arrays, tables, images, sequences and text in; validated, split, encoded arrays out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.data.array_files import arrays_from_file as arrays_from_file
    from glassnet.data.idx import read_idx as read_idx
    from glassnet.data.sliding_windows import windows as windows
    from glassnet.preprocessing.images import Images as Images
    from glassnet.preprocessing.images import images_from_folder as images_from_folder
    from glassnet.preprocessing.time_series import series as series

_HOME = {
    "Images": "preprocessing.images",
    "arrays_from_file": "data.array_files",
    "images_from_folder": "preprocessing.images",
    "read_idx": "data.idx",
    "series": "preprocessing.time_series",
    "windows": "data.sliding_windows",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'glassnet.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"glassnet.{_HOME[name]}"), name)
