"""The compilation cache: programs that earlier processes of this user compiled.

JAX can store compiled programs in a folder, and the next process reads them instead of compiling
them again. But JAX runs whatever it finds in the folder. A damaged file causes a warning in every
process, and a changed bit can cause wrong numbers. `ProgramCache` therefore takes the place of
JAX's own reader and writer. It compares a checksum before JAX sees a program, and it stores only
what glassnet compiles, not the other JAX programs of the process.

JAX records an event before it looks a program up. `listen` waits for the first such event that
comes from glassnet. Importing glassnet or loading a model opens no file of the cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import stat
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

import jax

from glassnet.user_cache import program_folder_name, user_cache_folder

LOOKUP = "/jax/compilation_cache/compile_requests_use_cache"
"""The event that JAX records before it looks a program up."""

MIN_SECONDS = "jax_persistent_cache_min_compile_time_secs"
FOLDER = "jax_compilation_cache_dir"
JAX_OPTIONS = {
    FOLDER: None,
    "jax_enable_compilation_cache": True,
    "jax_compilation_cache_max_size": -1,
    MIN_SECONDS: 1.0,
    "jax_persistent_cache_min_entry_size_bytes": 0,
}
"""JAX's options of its own cache, and their defaults. Glassnet leaves the cache to JAX if the user
has changed one of them.
"""

CACHE_METHODS = {"get": ["self", "key"], "put": ["self", "key", "value"]}
"""The methods of JAX's caches and their parameters, as `ProgramCache` has them."""

MAX_BYTES = 256 * 2**20
"""Maximum size of all stored programs. One has about 15 kB."""

DIGEST_BYTES = hashlib.sha256().digest_size


class ProgramCache:
    """Compiled programs in a folder, in the form of JAX's own caches.

    A file begins with a SHA-256 hash of the folder's name, the program's key and the program. A
    file that is truncated, damaged, or from another key or environment does not match its hash. It
    is deleted and the program compiled again. If the folder cannot be written, or the disk is full,
    nothing is stored.

    Args:
        folder: holds a file per program; other environments have folders beside it.
        max_bytes: maximum size of all these folders. The files that were not used for the longest
            time are deleted first.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path, self._max_bytes = folder, max_bytes
        self._bytes: int | None = None

    def get(self, key: str) -> bytes | None:
        """Return the program of this key, or None; JAX calls this before it compiles."""
        return self.read(key) if is_called_by_glassnet() else None

    def put(self, key: str, value: bytes) -> None:
        """Store a program; JAX calls this after it has compiled it."""
        if is_called_by_glassnet():
            self.write(key, value)

    def read(self, key: str) -> bytes | None:
        """Return the program of this key, or None if no undamaged one is stored."""
        path = self._file(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        program = data[DIGEST_BYTES:]
        if data[:DIGEST_BYTES] != self._digest(key, program):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # the time of last use
        return program

    def write(self, key: str, program: bytes) -> None:
        """Store a program, or nothing if the folder cannot be written."""
        temporary = None
        try:
            handle, temporary = tempfile.mkstemp(suffix=".part", dir=self._path)
            with os.fdopen(handle, "wb") as file:
                file.write(self._digest(key, program))
                file.write(program)
            os.replace(temporary, self._file(key))
        except OSError:
            if temporary:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
        else:
            self._limit_size(DIGEST_BYTES + len(program))

    def _file(self, key: str) -> Path:
        return self._path / f"{hashlib.sha256(key.encode()).hexdigest()}.program"

    def _digest(self, key: str, program: bytes) -> bytes:
        return hashlib.sha256(f"{self._path.name}\n{key}\n".encode() + program).digest()

    def _limit_size(self, added: int) -> None:
        """List the folders at the first write of a process, and when they may be too large."""
        if self._bytes is None or self._bytes + added > self._max_bytes:
            self._bytes = _delete_least_recent(self._path.parent, self._max_bytes)
        else:
            self._bytes += added


def _delete_least_recent(parent: Path, max_bytes: int) -> int:
    """Delete the files that were not used for the longest time, if all are larger than the maximum.

    Nine tenths of the maximum stay. Returns the size of what stays.
    """
    files = sorted(_list_files(parent))
    total = sum(size for _, size, _ in files)
    if total > max_bytes:
        for _, size, path in files:
            if total <= 0.9 * max_bytes:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size
    return total


def _list_files(parent: Path) -> list[tuple[float, int, Path]]:
    """Return time of last use, size and path of each program, and of files of killed processes."""
    files = []
    for pattern in ("programs-*/*.program", "programs-*/*.part"):
        for path in parent.glob(pattern):
            with contextlib.suppress(OSError):
                facts = path.stat()
                files.append((facts.st_mtime, facts.st_size, path))
    return files


def is_called_by_glassnet() -> bool:
    """Return whether a function of glassnet, except for the listeners, runs in this thread."""
    frame: FrameType | None = sys._getframe(1)
    while frame:
        name = frame.f_globals.get("__name__") or ""
        if name.split(".")[0] == "glassnet" and not name.startswith("glassnet.engine.compilation"):
            return True
        frame = frame.f_back
    return False


class CacheSetup:
    """Listener that sets the cache up before the first program that glassnet compiles.

    Attributes:
        cache: what JAX uses now, or None.
    """

    def __init__(self) -> None:
        self.cache: ProgramCache | None = None
        self._is_done, self._lock = False, threading.Lock()

    def __call__(self, event: str, **_: str | int) -> None:
        """Receive an event from JAX."""
        if event != LOOKUP:
            return
        with self._lock:
            if not self._is_done and is_called_by_glassnet():
                self._is_done = True
                self._set_up()
            elif self.cache and getattr(jax.config, FOLDER, None) is not None:
                self._leave_to_jax()

    def _set_up(self) -> None:
        if os.environ.get("GLASSNET_CACHE", "").lower() == "off" or _has_user_set_options():
            return
        with contextlib.suppress(Exception):  # whatever fails here, training goes on
            folder = _open_folder()
            if folder and _use(cache := ProgramCache(folder)):
                self.cache = cache

    def _leave_to_jax(self) -> None:
        """Let JAX open the folder that the user has set since."""
        from jax._src import compilation_cache as jax_cache

        if getattr(jax.config, MIN_SECONDS) == 0:
            jax.config.update(MIN_SECONDS, JAX_OPTIONS[MIN_SECONDS])  # type: ignore[no-untyped-call]
        self.cache = None
        jax_cache.reset_cache()


def listen() -> None:
    """Set the cache up when glassnet compiles its first program in this process."""
    jax.monitoring.register_event_listener(CacheSetup())


def _has_user_set_options() -> bool:
    """Return whether an environment variable or `jax.config` sets an option of JAX's own cache."""
    return any(
        name.upper() in os.environ or getattr(jax.config, name, default) != default
        for name, default in JAX_OPTIONS.items()
    )


def _open_folder() -> Path | None:
    """Return the folder of programs, or None if others could write to it.

    Raises:
        OSError: it cannot be made.
        RuntimeError: the user has no home folder.
    """
    root = Path(os.environ.get("GLASSNET_CACHE_DIR") or user_cache_folder())
    folder = root.expanduser().absolute() / program_folder_name()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder if _is_private(folder) else None


def _is_private(folder: Path) -> bool:
    """Return whether only this user can write to a folder, or replace it by another one."""
    if not hasattr(os, "getuid"):
        return True
    facts = folder.stat()
    if facts.st_uid != os.getuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return False
    modes = [parent.stat().st_mode for parent in folder.resolve().parents]
    return all(mode & stat.S_ISVTX or not mode & stat.S_IWOTH for mode in modes)


def _use(cache: ProgramCache) -> bool:
    """Give JAX this cache, and return whether this version of JAX takes it.

    JAX has no public name for that. In a version without the private names of today, or with other
    methods of its caches, nothing is changed and nothing is stored.

    Raises:
        ImportError, AttributeError: a private name is missing.
    """
    from jax._src import compilation_cache as jax_cache
    from jax._src.compilation_cache_interface import CacheInterface

    methods = {
        name: list(inspect.signature(getattr(CacheInterface, name)).parameters)
        for name in CacheInterface.__abstractmethods__
    }
    is_known = methods == CACHE_METHODS and callable(jax_cache.reset_cache)
    if not is_known or jax_cache._cache is not None:
        return False
    jax.config.update(MIN_SECONDS, 0.0)  # type: ignore[no-untyped-call]
    jax_cache._cache = cache  # type: ignore[assignment]
    return True
