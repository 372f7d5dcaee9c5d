"""Files that are whole or not there: written beside their place, forced to disk, and put in it in
one move.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def failpoint(name: str) -> None:
    """Called before each step that a power cut could come between; tests put something here that
    kills.
    """


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path`; a failure at any moment leaves what was there before, whole.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    halves = memoryview(data)[: len(data) // 2], memoryview(data)[len(data) // 2 :]
    beside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with open(beside, "xb") as file:
            failpoint("write")
            file.write(halves[0])
            failpoint("half")
            file.write(halves[1])
            file.flush()
            failpoint("fsync")
            os.fsync(file.fileno())
        failpoint("rename")
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    failpoint("fsync folder")
    if os.name == "posix":  # elsewhere a folder cannot be opened
        with _open_folder(path.parent) as folder:
            os.fsync(folder)
    failpoint("done")


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)
