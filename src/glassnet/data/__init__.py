"""Data on the host: arrays, tables, images, sequences and text, read, checked and split."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.data.array_files import arrays_from_file as arrays_from_file
    from glassnet.data.idx import read_idx as read_idx
    from glassnet.data.images import Images as Images
    from glassnet.data.images import images_from_folder as images_from_folder
    from glassnet.data.sliding_windows import windows as windows
    from glassnet.data.table import read_table as read_table
    from glassnet.data.time_series import series as series

_HOME = {
    "Images": "images",
    "arrays_from_file": "array_files",
    "images_from_folder": "images",
    "read_idx": "idx",
    "read_table": "table",
    "series": "time_series",
    "windows": "sliding_windows",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        from glassnet.errors import missing_name

        raise missing_name(__name__, name, __all__)
    return getattr(importlib.import_module(f"glassnet.data.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
