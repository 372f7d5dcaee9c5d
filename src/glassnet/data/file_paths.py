"""Paths that the user passes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from glassnet.errors import ConfigError, wrap_errors


def to_path(path: Any, who: str, expected: str = "the path of a file") -> Path:
    """Return a path.

    Raises:
        ConfigError: `path` is something else.

    Example:
        >>> to_path("photos", "load").name
        'photos'
    """
    with wrap_errors(who, expected, error=ConfigError, path=path):
        return Path(os.fspath(path))
