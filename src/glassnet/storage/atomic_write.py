"""Atomic file writes: write a temporary file, flush it to disk, and move it into place."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def failpoint(name: str) -> None:
    """Do nothing; tests replace this hook to fail or kill the process between two steps."""


def write(path: Path, data: bytes) -> None:
    """Write `data` to `path`; after a failure at any step the previous file is intact.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    middle, view = len(data) // 2, memoryview(data)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with open(temporary, "xb") as file:
            failpoint("write")
            file.write(view[:middle])
            failpoint("half")
            file.write(view[middle:])
            file.flush()
            failpoint("fsync")
            os.fsync(file.fileno())
        failpoint("rename")
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    failpoint("fsync folder")
    if os.name == "posix":  # other systems cannot open a folder
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
