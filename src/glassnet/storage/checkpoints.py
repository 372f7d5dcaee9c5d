"""A folder with the newest two checkpoints of a run, each one file, that one fit at a time may
use.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path
from typing import IO

from glassnet.errors import ConfigError, DataWarning, ModelFileError, message, require
from glassnet.storage import model_file

MAX_TO_KEEP = 2
"""How many checkpoints stay: should the newest be damaged, there is another."""

CHECKPOINT_NAME = re.compile(r"checkpoint-\d{6,}-\d{9,}\.glassnet")


class CheckpointFolder:
    """The folder of a run, made where it is missing and locked until it is closed, or the process
    ends, however it does.

    Args:
        path: of the folder.

    Raises:
        ConfigError: no path, or one of a file; another fit uses it.
        ModelFileError: it cannot be made or written to.
    """

    def __init__(self, path: str | os.PathLike[str]):
        require(
            isinstance(path, str | os.PathLike) and str(path),
            "resume",
            "the path of a folder",
            resume=path,
        )
        self.path = Path(path)
        require(
            not self.path.exists() or self.path.is_dir(),
            "resume",
            "a folder, not a file",
            resume=str(path),
        )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[bytes] = open(self.path / "lock", "a+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._write_error(error) from error
        if not _try_lock(self._lock):
            self._lock.seek(0)
            holder = self._lock.read(20).decode(errors="replace").strip() or "another"
            self._lock.close()
            fix = "Wait for it to end, or give this run a folder of its own."
            raise ConfigError(
                message(
                    "resume",
                    "a folder that no fit uses now",
                    resume=str(path),
                    process=holder,
                    fix=fix,
                )
            )
        try:
            self._lock.truncate(0)
            self._lock.write(f"{os.getpid()}\n".encode())
            for part in self.path.glob(".checkpoint-*.part"):
                part.unlink(missing_ok=True)
        except OSError as error:
            self._lock.close()
            raise self._write_error(error) from error
        self._damaged: set[Path] = set()

    def _write_error(self, error: OSError) -> ModelFileError:
        fix = f"It said: {error.strerror or error}."
        return ModelFileError(
            message("resume", "a folder that can be written to", resume=str(self.path), fix=fix)
        )

    def close(self) -> None:
        """Let another fit have it."""
        self._lock.close()

    def list_files(self) -> list[Path]:
        """The checkpoints, the newest first."""
        found = [path for path in self.path.iterdir() if CHECKPOINT_NAME.fullmatch(path.name)]
        return sorted(
            found, key=lambda path: tuple(map(int, path.stem.split("-")[1:])), reverse=True
        )

    def read_newest(self) -> model_file.RunCheckpoint | None:
        """The newest checkpoint that can be read; None where there is none at all. Damaged ones are
        said.

        Those beyond the one before it go: a process that was killed between putting one in and
            taking one away has left one too many.

        Raises:
            ModelFileError: there are checkpoints, but none can be read.
        """
        problems, files = [], self.list_files()
        for i, path in enumerate(files):
            try:
                found = model_file.read_run(path)
                own = _file_name(found.epoch, found.step)
                require(
                    path.name == own,
                    "resume",
                    f"the name that it was written under, {own}",
                    error=ModelFileError,
                    name=path.name,
                )
            except ModelFileError as error:
                problems.append(f"{path.name}: {error}")
                self._damaged.add(path)
                continue
            for problem in problems:
                warnings.warn(
                    f"{problem} The run goes on from {path.name}.", DataWarning, stacklevel=4
                )
            for old in files[i + MAX_TO_KEEP :]:
                old.unlink(missing_ok=True)
            return found
        fix = "Remove the folder to begin anew."
        require(
            not problems,
            "resume",
            "a checkpoint that can be read",
            error=ModelFileError,
            problems=problems[:MAX_TO_KEEP],
            fix=fix,
        )
        return None

    def write(self, epoch: int, step: int, data: bytes) -> None:
        """Put in a checkpoint of so many epochs and steps, and take away those that two newer ones
        follow.

        Raises:
            ModelFileError: it cannot be written; those before it stay.
        """
        path = self.path / _file_name(epoch, step)
        model_file.write(path, data)
        self._damaged.discard(path)
        for old in [file for file in self.list_files() if file not in self._damaged][MAX_TO_KEEP:]:
            old.unlink(missing_ok=True)


def _file_name(epoch: int, step: int) -> str:
    return f"checkpoint-{epoch:06d}-{step:09d}.glassnet"


def _try_lock(file: IO[bytes]) -> bool:
    """Whether the file is this process's now; the operating system lets go of it when the process
    ends.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
