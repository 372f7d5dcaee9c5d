"""Keras's `get_file`: download a file once, verify it, and extract it if it is an archive."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from glassnet.datasets.archives import extract_archive
from glassnet.datasets.downloads import fetch_verified
from glassnet.datasets.remote_files import LOOPBACK_HOSTS, download, hash_file
from glassnet.errors import DataWarning, DownloadError, message, require, warn
from glassnet.formatting import format_number
from glassnet.output_files import temporary_path
from glassnet.suggestions import suggest_arguments

MAX_SIZE = 20 * 10**9
"""Limit of a download in bytes."""

LINE_SECONDS = 5.0
"""Time between two lines of progress."""

DIGITS = {"md5": 32, "sha256": 64}
"""Number of hexadecimal digits of each kind of checksum."""


def keras_home() -> str:
    """Return Keras's folder: $KERAS_HOME, or else ~/.keras."""
    return os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")


def fetch_dataset_file(folder: str, file: str, path: str) -> Path:
    """Return the path of a verified file of a dataset, which is downloaded if needed.

    A copy in Keras's folder is used if it is the right file.

    Args:
        folder: the folder of the dataset in glassnet's data folder.
        file: the published name of the file.
        path: the user's name for it.

    Raises:
        ConfigError: `path` is not the name of a file.
        DownloadError: there is no right file on this machine or at its address.
    """
    name = _check_name("load_data", "path", path)
    return fetch_verified(folder, file, name, [Path(keras_home(), "datasets", name)])


@suggest_arguments
def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | list[str] | tuple[str, ...] | None = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Download a file, unless it is on this machine, and return its path.

    The path is cache_dir/cache_subdir/fname, by default in ~/.keras/datasets, where Keras stores it
    too. Only https is read; an address that begins with http is read over https. At most 20 GB are
    read. An interrupted download leaves nothing.

    An archive is extracted completely or not at all, at every call, as in Keras. It is refused if a
    path leaves the folder, if it contains links or devices, or if it grows to more than 1 GB plus
    a hundred times its size.

    Args:
        fname: name of the file; None for that in `origin`.
        origin: the address.
        untar: extract a tar archive.
        md5_hash: MD5 of the file. Write `file_hash`.
        file_hash: SHA-256 or MD5 of the file, in hexadecimal digits. A file on this machine with
            another checksum is downloaded again.
        cache_subdir: folder in `cache_dir`.
        hash_algorithm: "sha256", "md5", or "auto" for the one with so many digits.
        extract: extract a tar or zip archive.
        archive_format: "tar", "zip", a list of them to try, or "auto" for both.
        cache_dir: folder; None for $KERAS_HOME, or else ~/.keras.
        force_download: download the file even if it is on this machine.

    Returns:
        The path of the file. With `extract` or `untar`, the folder of its contents: "NAME" for the
        fname "NAME", "NAME_extracted" for "NAME.zip", and "NAME.zip" without an `fname`, beside the
        archive.

    Raises:
        ConfigError: an argument that cannot work.
        DownloadError: the file cannot be downloaded, or has another checksum.
        DataError: the archive is damaged, or refused.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> _ = Path(folder, "rows.csv").write_text("1,2")
        >>> origin = "https://example.org/rows.csv"
        >>> path = get_file("rows.csv", origin, cache_dir=folder, cache_subdir="")
        >>> Path(path).read_text()  # It is there, so nothing is downloaded.
        '1,2'

    Source: the signature and the paths are those of Keras 3.
    """
    expected = "origin to be the address of a file"
    require(isinstance(origin, str) and origin, "get_file", expected, origin=origin)
    url = _use_https(str(origin))
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    checksum = _parse_checksum(file_hash, hash_algorithm)
    formats = _parse_formats("tar" if untar else archive_format)
    folder = _make_folder(cache_dir, cache_subdir)
    target, extracted = _choose_paths(folder, fname, url, is_archive=bool(extract or untar))
    if force_download or not os.path.exists(target) or not _has_checksum(target, checksum):
        _download(url, target, checksum)
    if extracted is None:
        return target
    if not extract_archive(target, extracted, formats):
        kinds = " or ".join(formats) or "None"
        text = f"get_file: {target} is not an archive of the format {kinds}, so nothing was "
        warn(text + f"extracted to {extracted}.", DataWarning)
    return extracted


def _use_https(origin: str) -> str:
    """Return the address with https for http, unless it is on this machine."""
    address = urlsplit(origin)
    if address.scheme == "http" and address.hostname not in LOOPBACK_HOSTS:
        return address._replace(scheme="https").geturl()
    return origin


def _parse_checksum(file_hash: str | None, algorithm: str) -> tuple[str, str] | None:
    """Return the algorithm and the digits of a checksum; None for none."""
    require(
        algorithm in ("auto", *DIGITS),
        "get_file",
        'hash_algorithm to be "auto", "sha256" or "md5"',
        hash_algorithm=algorithm,
    )
    if file_hash is None:
        return None
    digits = str(file_hash).lower()
    kinds = [kind for kind in DIGITS if len(digits) == DIGITS[kind] and algorithm in ("auto", kind)]
    expected = "file_hash to have 64 hexadecimal digits for SHA-256, 32 for MD5"
    is_right = kinds and not set(digits) - set("0123456789abcdef")
    require(is_right, "get_file", expected, file_hash=file_hash, hash_algorithm=algorithm)
    return kinds[0], digits


def _parse_formats(archive_format: Any) -> tuple[str, ...]:
    formats = {"auto": ("tar", "zip"), "tar": ("tar",), "zip": ("zip",), None: ()}
    if isinstance(archive_format, list | tuple):
        parsed = tuple(archive_format)
    else:
        parsed = formats.get(archive_format, (archive_format,))
    expected = 'archive_format to be "auto", "tar", "zip", None, or a list of "tar" and "zip"'
    is_right = all(each in ("tar", "zip") for each in parsed)
    require(is_right, "get_file", expected, archive_format=archive_format)
    return parsed


def _make_folder(cache_dir: Any, cache_subdir: str) -> str:
    """Return the folder of the file, which is created if needed."""
    base = os.path.expanduser(keras_home() if cache_dir is None else os.fspath(cache_dir))
    folder = os.path.join(base, cache_subdir)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        expected = f"a folder that can be written, not {folder}"
        fix = "Pass cache_dir, for example cache_dir='.'."
        raise DownloadError(message("get_file", expected, fix=fix, problem=str(error))) from error
    return folder


def _check_name(who: str, argument: str, value: Any) -> str:
    """Return the name of a file; refuse a path."""
    name = os.fspath(value) if isinstance(value, str | os.PathLike) else value
    is_name = isinstance(name, str) and name not in ("", ".", "..") and "\0" not in name
    separators = {"/", os.sep, os.altsep} - {None}
    expected = f"{argument} to be the name of a file, without folders"
    fix = "Name the folder with cache_dir." if argument != "path" else ""
    is_right = is_name and not any(each in name for each in separators)
    require(is_right, who, expected, fix=fix, **{argument: value})
    return str(name)


def _choose_paths(folder: str, fname: Any, url: str, *, is_archive: bool) -> tuple[str, str | None]:
    """Return the paths of the file and of the folder of its contents, if it is an archive."""
    if fname:
        name = _check_name("get_file", "fname", fname)
    else:
        name = os.path.basename(urlsplit(url).path)
        expected = "fname, as the address does not end in the name of a file"
        require(name not in ("", ".", ".."), "get_file", expected, origin=url)
        name = _check_name("get_file", "origin", name)
    path = os.path.join(folder, name)
    if not is_archive:
        return path, None
    if fname and "." in name:
        return path, os.path.join(folder, f"{name.partition('.')[0]}_extracted")
    return f"{path}_archive", path


def _has_checksum(path: str, checksum: tuple[str, str] | None) -> bool:
    """Return whether a file has the checksum, and say that it is downloaded again if not."""
    if checksum is None:
        return True
    if os.path.isfile(path) and hash_file(path, checksum[0]) == checksum[1]:
        return True
    print(f"{path} has another checksum than {checksum[1]}, so it is downloaded again.")
    return False


def _download(url: str, target: str, checksum: tuple[str, str] | None) -> None:
    """Download a file, verify it, and only then give it its name."""
    temporary = temporary_path(Path(target))
    print(f"Downloading data from {url}", flush=True)
    try:
        with _explain(url, target):
            with _show_bytes() as show:
                download(url, temporary, MAX_SIZE, show)
            if checksum is not None and hash_file(temporary, checksum[0]) != checksum[1]:
                received = hash_file(temporary, checksum[0])
                raise DownloadError(f"it has the {checksum[0]} {received}, not {checksum[1]}")
            os.replace(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextmanager
def _explain(url: str, target: str) -> Iterator[None]:
    """Turn errors of the network and of the disk into one that says what to do."""
    try:
        yield
    except (OSError, UnicodeError) as error:
        fix = (
            "Check the address and the network connection, or download the file in another way "
            f"and put it at {target}."
        )
        problem = (str(error) or type(error).__name__)[:300]
        expected = f"the file at {url}"
        raise DownloadError(message("get_file", expected, fix=fix, problem=problem)) from error


@contextmanager
def _show_bytes() -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar on a terminal, erased at the end, and elsewhere a line every few seconds.

    Yields:
        A function of the number of bytes so far, and of their total if it is known.
    """
    if not sys.stdout.isatty():
        yield _LinePrinter().show
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda n_bytes, total: bar.update(task, completed=n_bytes, total=total)


class _LinePrinter:
    """Progress of a download as plain lines."""

    def __init__(self) -> None:
        self.shown_at = time.monotonic()

    def show(self, n_bytes: int, total: int | None) -> None:
        """Print a line, unless the last one is recent."""
        if time.monotonic() - self.shown_at >= LINE_SECONDS:
            self.shown_at = time.monotonic()
            of_total = "" if total is None else f" of {format_number(total / 1e6, 3)}"
            print(f"{format_number(n_bytes / 1e6, 3)}{of_total} MB", flush=True)
