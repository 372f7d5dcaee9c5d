"""Extraction of tar and zip archives from the network, whoever made them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from glassnet.errors import DataError, message, require, wrap_errors
from glassnet.output_files import temporary_path

MAX_MEMBERS, MAX_DEPTH = 500_000, 64
"""Limits of the number of files and folders, and of the folders in one path."""

MIN_LIMIT, MAX_LIMIT, MAX_RATIO = 10**9, 10**11, 100
"""An archive of n bytes may hold MIN_LIMIT + MAX_RATIO n bytes, and at most MAX_LIMIT."""

MAX_HEADER, MAX_DIRECTORY = 2**20, 2**26
"""Bytes that the header of a member of a tar archive, and the directory of a zip archive, may
have."""

BLOCK_SIZE = 2**20

PATHS = "paths inside the folder"
MEMBER_KINDS = "files and folders, no links or devices"

OPENERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
"""First bytes of a compressed file, and what opens it."""


def extract_archive(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    formats: tuple[str, ...] = ("tar", "zip"),
) -> bool:
    """Extract a tar or zip archive into a folder, completely or not at all.

    An archive is refused if a path leaves the folder, if a member is neither a file nor a folder,
    and if it holds too many bytes or members. Files that are already in the folder are replaced;
    others stay. Owners, permissions and times of the archive are ignored.

    Args:
        path: the archive: tar (plain, gzip, bzip2, xz) or zip.
        folder: the folder, which is created if needed.
        formats: the formats to try, in this order.

    Returns:
        Whether the file is an archive of one of the formats.

    Raises:
        DataError: the archive is damaged or refused, or the folder cannot be written.
    """
    path, folder = Path(path), Path(os.path.realpath(folder))
    who = f"extract_archive({str(path)!r})"
    temporary = temporary_path(folder)
    with wrap_errors(who, "an archive, and a folder that can be written", folder=str(folder)):
        limit = _limit(path)
        temporary.mkdir()
    try:
        extraction = _Extraction(who, temporary, limit)
        readers = {"tar": _extract_tar, "zip": _extract_zip}
        if not any(readers[name](path, extraction) for name in formats):
            return False
        _move_into(temporary, folder, who)
        return True
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _limit(path: Path) -> int:
    """Return how many bytes an archive may hold."""
    return min(MAX_LIMIT, MIN_LIMIT + MAX_RATIO * path.stat().st_size)


class _Extraction:
    """A folder in which an archive is extracted, with its limits.

    Args:
        who: start of the error messages.
        folder: an empty folder, so that it holds no links.
        limit: number of bytes that all files may have.
    """

    def __init__(self, who: str, folder: Path, limit: int):
        self.who, self.folder, self.limit = who, os.path.realpath(folder), limit
        self.n_bytes = 0
        self.folders = {self.folder}
        self.n_files = 0

    def refuse(self, problem: str, **received: Any) -> DataError:
        """Return the error for an archive that is not extracted."""
        fix = "Nothing was extracted. If you trust the archive, extract it yourself."
        return DataError(message(self.who, problem, fix=fix, **received))

    def add_folder(self, name: str) -> None:
        """Create a folder of the archive."""
        self._create(self._locate(name))

    def add_file(self, name: str, size: int, stream: IO[bytes]) -> None:
        """Copy a file of the archive, which must have `size` bytes."""
        path = self._locate(name)
        if path == self.folder:
            raise self.refuse(PATHS, path=name)
        self._create(os.path.dirname(path))
        self.n_files += 1
        self._check_count()
        if self.n_bytes + size > self.limit:
            expected = f"at most {self.limit:,} bytes in all files"
            raise self.refuse(expected, bytes=self.n_bytes + size)
        n_read = 0
        with open(path, "wb") as file:
            while block := stream.read(min(BLOCK_SIZE, size + 1 - n_read)):
                n_read += file.write(block)
                if n_read > size:
                    break
        if n_read != size:
            raise self.refuse("files of the size that the archive states", file=name)
        self.n_bytes += size

    def _locate(self, name: str) -> str:
        path = os.path.normpath(os.path.join(self.folder, name))
        if path != self.folder and not path.startswith(self.folder + os.sep):
            raise self.refuse(PATHS, path=name)
        if path.count(os.sep) - self.folder.count(os.sep) > MAX_DEPTH:
            raise self.refuse(f"at most {MAX_DEPTH} folders in a path", path=name)
        return path

    def _create(self, path: str) -> None:
        """Create a folder and those above it, unless they were created before."""
        missing = []
        while path not in self.folders:
            missing.append(path)
            path = os.path.dirname(path)
        for each in reversed(missing):
            os.mkdir(each)
            self.folders.add(each)
        self._check_count()

    def _check_count(self) -> None:
        if self.n_files + len(self.folders) > MAX_MEMBERS:
            raise self.refuse(f"at most {MAX_MEMBERS:,} files and folders")


class _LimitedReader(io.RawIOBase):
    """The decompressed bytes of a tar archive, of which only an allowed number can be read.

    `tarfile` reads the header of a member at once, whatever size it claims.
    """

    def __init__(self, stream: IO[bytes], extraction: _Extraction):
        self.stream, self.extraction = stream, extraction
        self.n_read, self.allowed = 0, MAX_HEADER

    def allow(self, n_bytes: int) -> None:
        """Let the next bytes be read, and a header after them."""
        self.allowed = self.n_read + n_bytes + MAX_HEADER

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(size if 0 <= size <= BLOCK_SIZE else BLOCK_SIZE)
        self.n_read += len(block)
        if self.n_read > self.allowed:
            raise self.extraction.refuse(f"headers of at most {MAX_HEADER:,} bytes")
        return block


def _extract_tar(path: Path, extraction: _Extraction) -> bool:
    """Extract a tar archive; return False for a file that is none."""
    expected = "a complete tar archive, and space for its files"
    with (
        wrap_errors(extraction.who, expected, fix="Download it again."),
        _decompress(path) as stream,
    ):
        reader = _LimitedReader(stream, extraction)
        try:
            archive = tarfile.open(fileobj=reader, mode="r|")  # noqa: SIM115
        except tarfile.ReadError:
            return False
        with archive:
            while member := archive.next():
                _add_member(archive, member, reader, extraction)
                archive.members = []  # type: ignore[attr-defined]  # Else all stay in memory.
        stream.read(MAX_HEADER)  # The end of a compressed file has its checksum.
        return True


def _add_member(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    reader: _LimitedReader,
    extraction: _Extraction,
) -> None:
    is_file = member.isreg() and not member.issparse()
    stream = archive.extractfile(member) if is_file else None
    if stream is not None:
        reader.allow(member.size)
        extraction.add_file(member.name, member.size, stream)
    elif member.isdir():
        extraction.add_folder(member.name)
    else:
        raise extraction.refuse(MEMBER_KINDS, member=member.name)
    reader.allow(0)


@contextmanager
def _decompress(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, decompressed if its first bytes say that it is compressed."""
    with open(path, "rb") as file:
        start = file.read(6)
    opener = next((opener for magic, opener in OPENERS if start.startswith(magic)), open)
    with opener(path, "rb") as stream:
        yield stream


class _ZipSource(io.FileIO):
    """A file from which no more than the size of a large directory is read at once.

    `zipfile` reads the directory at once, whatever size it claims.
    """

    def read(self, size: int | None = -1) -> bytes:
        """Read as a file does, but refuse a size of a directory that is too large."""
        if size is not None and size > MAX_DIRECTORY:
            expected = f"a directory of at most {MAX_DIRECTORY:,} bytes"
            raise DataError(message("extract_archive", expected, bytes=size))
        return super().read(size) or b""


def _extract_zip(path: Path, extraction: _Extraction) -> bool:
    """Extract a zip archive; return False for a file that is none."""
    if not zipfile.is_zipfile(path):
        return False
    who = extraction.who
    expected = "a complete zip archive without a password, and space for its files"
    with (
        wrap_errors(who, expected, fix="Download it again."),
        _ZipSource(path) as source,
        zipfile.ZipFile(source) as archive,
    ):
        for info in archive.infolist():
            kind = info.external_attr >> 16 & 0o170000
            if info.is_dir():
                extraction.add_folder(info.filename)
            elif kind in (0, 0o100000):
                with archive.open(info) as stream:
                    extraction.add_file(info.filename, info.file_size, stream)
            else:
                raise extraction.refuse(MEMBER_KINDS, member=info.filename)
    return True


def _move_into(source: Path, folder: Path, who: str) -> None:
    """Move all files into a folder, replacing those of the same name."""
    with wrap_errors(who, "a folder that can be written", folder=str(folder)):
        if not os.path.lexists(folder):
            os.rename(source, folder)
            return
        steps = [
            (parent, os.path.normpath(os.path.join(folder, os.path.relpath(parent, source))), files)
            for parent, _, files in os.walk(source)
        ]
        for _, target, files in steps:
            paths = [os.path.join(target, file) for file in files]
            wrong = [target] if os.path.islink(target) or os.path.isfile(target) else []
            wrong += [each for each in paths if os.path.isdir(each) and not os.path.islink(each)]
            expected = "files and folders, no links, where the archive has files and folders"
            fix = "Delete them and run again."
            require(not wrong, who, expected, error=DataError, paths=wrong[:3], fix=fix)
        for parent, target, files in steps:
            os.makedirs(target, exist_ok=True)
            for file in files:
                os.replace(os.path.join(parent, file), os.path.join(target, file))
