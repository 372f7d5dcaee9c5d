"""Data: arrays, tables, images, sequences and text in; validated, split, encoded arrays out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.data.archives import arrays_from_file as arrays_from_file
    from glassnet.data.forecast import series as series
    from glassnet.data.idx import read_idx as read_idx
    from glassnet.data.images import Images as Images
    from glassnet.data.images import images_from_folder as images_from_folder
    from glassnet.data.sequences import windows as windows

_HOME = {
    "Images": "images",
    "arrays_from_file": "archives",
    "images_from_folder": "images",
    "read_idx": "idx",
    "series": "forecast",
    "windows": "sequences",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'glassnet.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"glassnet.data.{_HOME[name]}"), name)
