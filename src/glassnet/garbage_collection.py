"""Pauses of Python's garbage collector while many objects are made that stay."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Run no garbage collection inside the block.

    Importing JAX and tracing a program make some hundred thousand objects, nearly all of which
    stay. Without a pause, the collector looks through all of them again and again.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
