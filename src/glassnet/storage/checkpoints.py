"""Folder with the newest two checkpoints of a run, locked by one fit at a time."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import IO

from glassnet.errors import ConfigError, DataWarning, ModelFileError, message, require, warn
from glassnet.file_paths import to_path
from glassnet.output_files import shorten_path
from glassnet.storage import model_file

MAX_TO_KEEP = 2
"""Number of checkpoints to keep; the second one is a fallback if the newest is damaged."""

MAX_LOCK_BYTES = 20
"""Maximum size of a lock file, which holds the id of a process."""

CHECKPOINT_NAME = re.compile(r"checkpoint-\d{6,}-\d{9,}\.glassnet")


class CheckpointFolder:
    """Checkpoint folder of a run, created if missing.

    The folder is locked until it is closed or the process ends.

    Args:
        path: path of the folder.

    Raises:
        ConfigError: `path` is not the path of a folder, or another fit uses the folder.
        ModelFileError: the folder cannot be created or written to.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = to_path(path, "resume", "the path of a folder", argument="resume")
        require(os.fspath(path) != "", "resume", "the path of a folder", resume=path)
        require(
            not os.path.exists(self.path) or os.path.isdir(self.path),
            "resume",
            "a folder, not a file",
            resume=str(path),
        )
        self._damaged: set[Path] = set()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock: IO[bytes] = open(self.path / "lock", "a+b", buffering=0)  # noqa: SIM115
        except (OSError, ValueError) as error:
            raise self._write_error(error) from error
        self._acquire_lock()
        try:
            for part in self.path.glob(".checkpoint-*.part"):
                part.unlink(missing_ok=True)
        except OSError as error:
            self._lock.close()
            raise self._write_error(error) from error

    def _acquire_lock(self) -> None:
        """Lock the folder and write this process's id to the lock file."""
        if not _try_lock(self._lock):
            self._lock.seek(0)
            process = self._lock.read(20).decode(errors="replace").strip() or "unknown"
            self._lock.close()
            fix = "Wait for that process to end, or use another folder for this run."
            expected = "a folder that no other fit is using"
            text = message("resume", expected, resume=str(self.path), process=process, fix=fix)
            raise ConfigError(text)
        self._lock.seek(0)
        content = self._lock.read(MAX_LOCK_BYTES + 1)
        is_file = (self.path / "lock").is_file()
        if is_file and not (len(content) <= MAX_LOCK_BYTES and (content.strip() or b"0").isdigit()):
            self._lock.close()
            fix = "It would be overwritten. Use another folder for this run."
            text = message("resume", "a folder without another file named lock", fix=fix)
            raise ConfigError(text)
        try:
            self._lock.truncate(0)
            self._lock.write(f"{os.getpid()}\n".encode())
        except OSError as error:
            self._lock.close()
            raise self._write_error(error) from error

    def _write_error(self, error: OSError | ValueError) -> ModelFileError:
        fix = f"Cause: {getattr(error, 'strerror', None) or error}."
        shown = shorten_path(self.path)
        text = message("resume", "a folder that can be written to", resume=shown, fix=fix)
        return ModelFileError(text)

    def close(self) -> None:
        """Unlock the folder."""
        self._lock.close()

    def list_files(self) -> list[Path]:
        """Return the paths of the checkpoints, newest first."""
        files = [path for path in self.path.iterdir() if CHECKPOINT_NAME.fullmatch(path.name)]
        return sorted(
            files, key=lambda path: tuple(map(int, path.stem.split("-")[1:])), reverse=True
        )

    def read_newest(self) -> model_file.RunCheckpoint | None:
        """Return the newest readable checkpoint, or None if there are no checkpoints.

        Warns about damaged checkpoints. Deletes surplus old checkpoints, which remain if a process
        was killed between writing a checkpoint and deleting the oldest one.

        Raises:
            ModelFileError: there are checkpoints, but none is readable.
        """
        problems, files = [], self.list_files()
        for i, path in enumerate(files):
            try:
                checkpoint = self._read(path)
            except ModelFileError as error:
                problems.append(f"{path.name}: {error}")
                self._damaged.add(path)
                continue
            for problem in problems:
                warn(f"{problem} Resuming from {path.name}.", DataWarning)
            for old in files[i + MAX_TO_KEEP :]:
                old.unlink(missing_ok=True)
            return checkpoint
        require(
            not problems,
            "resume",
            "a readable checkpoint",
            error=ModelFileError,
            problems=problems[:MAX_TO_KEEP],
            fix="Delete the folder to start a new run.",
        )
        return None

    def _read(self, path: Path) -> model_file.RunCheckpoint:
        checkpoint = model_file.read_run(path)
        name = checkpoint_name(checkpoint.epoch, checkpoint.step)
        require(
            path.name == name,
            "resume",
            f"the original file name, {name}",
            error=ModelFileError,
            name=path.name,
        )
        return checkpoint

    def write(self, epoch: int, step: int, data: bytes) -> None:
        """Write the checkpoint of an epoch and step, and delete surplus old ones.

        Raises:
            ModelFileError: the checkpoint cannot be written; the older ones remain.
        """
        path = self.path / checkpoint_name(epoch, step)
        model_file.write(path, data)
        self._damaged.discard(path)
        for old in [file for file in self.list_files() if file not in self._damaged][MAX_TO_KEEP:]:
            old.unlink(missing_ok=True)


def checkpoint_name(epoch: int, step: int) -> str:
    """Return the name of the file with the checkpoint of an epoch and step."""
    return f"checkpoint-{epoch:06d}-{step:09d}.glassnet"


def _try_lock(file: IO[bytes]) -> bool:
    """Lock a file until the process ends; return False if another process holds the lock."""
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
