"""Atomic file writes: write a temporary file, flush it to disk, and move it into place."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from glassnet import output_files


def failpoint(name: str) -> None:
    """Do nothing; tests replace this hook to fail or kill the process between two steps."""


def write(path: Path, data: bytes) -> None:
    """Write `data` to `path`; after a failure at any step the previous file is intact.

    Raises:
        OSError, ValueError: see `open_replacement`.
    """
    middle, view = len(data) // 2, memoryview(data)
    with open_replacement(path) as file:
        failpoint("write")
        file.write(view[:middle])
        failpoint("half")
        file.write(view[middle:])


@contextlib.contextmanager
def open_replacement(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that replaces the one at `path` if the block ends without an error.

    If `path` is a symbolic link, the file that it points to is written. A file that is replaced
    passes on its permissions.

    Raises:
        OSError: the path is not that of a file, the folder cannot be written, or the disk is full.
        ValueError: the path contains a null character.
    """
    target = output_files.resolve_output(path)
    temporary = output_files.temporary_path(target)
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            _copy_permissions(target, temporary)
            failpoint("fsync")
            os.fsync(file.fileno())
        failpoint("rename")
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    failpoint("fsync folder")
    if os.name == "posix":  # other systems cannot open a folder
        with _open_folder(target.parent) as folder:
            os.fsync(folder)
    failpoint("done")


def _copy_permissions(source: Path, destination: Path) -> None:
    """Give a new file the permissions of the file that it replaces, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(destination, stat.S_IMODE(os.stat(source).st_mode))


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)
