"""Paths that the user passes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from glassnet.errors import ConfigError, GlassnetError, wrap_errors


def to_path(
    path: Any,
    who: str,
    expected: str = "the path of a file",
    error: type[GlassnetError] = ConfigError,
    argument: str = "path",
) -> Path:
    """Return a path.

    Args:
        path: value of an argument of the user.
        who: start of the message.
        expected: what the message asks for.
        error: class of the error.
        argument: name of the argument in the message.

    Raises:
        GlassnetError: `path` is something else, such as a number or bytes.

    Example:
        >>> to_path("photos", "load").name
        'photos'
    """
    with wrap_errors(who, expected, error=error, **{argument: path}):
        return Path(os.fspath(path))
