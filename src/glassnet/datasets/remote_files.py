"""Download of one file over HTTPS, of known size and checksum or up to a limit."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from glassnet.errors import DownloadError

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT, READ_TIMEOUT = 10, 30
"""Seconds that a server may take to answer, and to send the next bytes."""

MIN_SPEED, EXTRA_TIME = 20_000, 60
"""Bytes per second below which a download ends, and seconds that it may take longer."""

MAX_REDIRECTS = 5

BLOCK_SIZE = 2**16

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
"""Hosts that may be read without encryption: nothing leaves this machine."""


@dataclass(frozen=True)
class RemoteFile:
    """Size and checksum of a published file.

    Attributes:
        size: number of bytes.
        sha256: SHA-256 of the contents, in hexadecimal digits; "" if only the MD5 is published.
        source: who states them.
        md5: MD5 of the contents, if no SHA-256 is published.
    """

    size: int
    sha256: str
    source: str
    md5: str = ""

    @property
    def checksum(self) -> str:
        """The algorithm and the digits, as in "sha256:0123..."."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}"

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Return whether the file at `path` exists and has this size and checksum."""
        algorithm, _, digits = self.checksum.partition(":")
        try:
            return os.path.getsize(path) == self.size and hash_file(path, algorithm) == digits
        except OSError:
            return False


def hash_file(path: str | os.PathLike[str], algorithm: str) -> str:
    """Return the checksum of a file in hexadecimal digits.

    Args:
        path: the file.
        algorithm: "sha256" or "md5".
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()


def retrieve(url: str, path: Path, file: RemoteFile) -> Path:
    """Download a file, verify it, and only then give it its name.

    Raises:
        DownloadError: the address is not HTTPS, or the server sends more, less or something else.
        OSError: the network or the disk failed.
        ValueError: the checksum is wrong.
    """
    import pooch

    def write_file(url: str, output_file: str, pooch: Any) -> None:
        with open(output_file, "wb") as stream:
            for block in read_blocks(url, file.size):
                stream.write(block)

    return Path(
        pooch.retrieve(
            url,
            known_hash=file.checksum,
            fname=path.name,
            path=path.parent,
            downloader=write_file,
        )
    )


def read_blocks(url: str, size: int) -> Iterator[bytes]:
    """Yield the contents of a URL, which must be `size` bytes.

    Reading ends as soon as the server sends more. All addresses, also those of redirects, must
    begin with https, unless the server is on this machine.

    Raises:
        DownloadError: an address that is not HTTPS; another size; a server that is too slow or
            encodes the file.
        OSError: the network failed.
    """
    n_read = 0
    with _open(url) as response:
        _check_response(response, size)
        for block in _iterate(response, size, f" of {size:,}"):
            n_read += len(block)
            yield block
    if n_read < size:
        raise DownloadError(f"it sent {n_read:,} of {size:,} bytes")


def download(
    url: str, path: str | os.PathLike[str], limit: int, show: Callable[[int, int | None], None]
) -> None:
    """Download a file of unknown size, as the server stores it. An existing file is overwritten.

    Args:
        url: an https address, or an http address on this machine.
        path: the file to write.
        limit: number of bytes beyond which reading ends.
        show: called with the number of bytes so far and their total, None if the server does not
            state it.

    Raises:
        DownloadError: an address that is not HTTPS; more than `limit` bytes; an answer that is
            not the file or ends early; a server that is too slow.
        OSError: the network or the disk failed.
    """
    n_read = 0
    with _open(url) as response, open(path, "wb") as stream:
        total = _check_answer(response, limit)
        # A gzipped file that the server marks as encoded is written as it is.
        response.raw.headers.discard("Content-Encoding")
        of_total = "" if total is None else f" of {total:,}"
        for block in _iterate(response, limit, of_total):
            n_read += stream.write(block)
            show(n_read, total)
    if total is not None and n_read < total:
        raise DownloadError(f"it ended after {n_read:,}{of_total} bytes")


@contextmanager
def _open(url: str) -> Iterator[requests.Response]:
    """Open an address and close it at the end."""
    import requests

    with _open_session(url) as session:
        try:
            with session.get(
                url,
                stream=True,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                headers={"Accept-Encoding": "identity"},
            ) as response:
                yield response
        except requests.exceptions.InvalidSchema as error:
            raise DownloadError("it is not an https address, or redirects to one") from error
        except requests.exceptions.TooManyRedirects as error:
            raise DownloadError(f"it redirects more than {MAX_REDIRECTS} times") from error


def _iterate(response: requests.Response, limit: int, of_total: str) -> Iterator[bytes]:
    """Yield the blocks of an answer; `of_total` says in errors how many bytes were announced."""
    import requests

    n_read, start = 0, time.monotonic()
    try:
        for block in response.iter_content(BLOCK_SIZE):
            n_read += len(block)
            if n_read > limit:
                raise DownloadError(f"it sends more than {limit:,} bytes")
            if time.monotonic() > start + EXTRA_TIME + n_read / MIN_SPEED:
                raise DownloadError(f"it is slower than {MIN_SPEED:,} bytes per second")
            yield block
    except requests.exceptions.ChunkedEncodingError as error:
        raise DownloadError(f"it ended after {n_read:,}{of_total} bytes") from error


def _open_session(url: str) -> requests.Session:
    """Return a session that follows redirects to HTTPS only."""
    import requests

    session = requests.Session()
    session.max_redirects = MAX_REDIRECTS
    session.adapters.clear()
    session.mount("https://", requests.adapters.HTTPAdapter())
    address = urlsplit(url)
    if address.scheme == "http" and address.hostname in LOOPBACK_HOSTS:
        session.mount(f"http://{address.netloc}/", requests.adapters.HTTPAdapter())
    return session


def _check_response(response: requests.Response, size: int) -> None:
    """Refuse an error page, another size, and a file that the server encodes."""
    _check_status(response)
    if encoding := response.headers.get("Content-Encoding"):
        raise DownloadError(f"it sends the file encoded as {encoding}")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and announced != str(size):
        kind = response.headers.get("Content-Type", "unknown type")
        raise DownloadError(f"it has {announced[:20]} bytes ({kind[:40]}), not {size:,}")


def _check_status(response: requests.Response) -> None:
    if response.status_code != 200:
        raise DownloadError(f"it answers with status {response.status_code}")


def _check_answer(response: requests.Response, limit: int) -> int | None:
    """Return the size that the server announces, if any; refuse an error page and a large file."""
    _check_status(response)
    announced = response.headers.get("Content-Length", "")
    if not announced.isdecimal():
        return None
    if len(announced) > 18 or int(announced) > limit:
        raise DownloadError(f"it has {announced[:20]} bytes, more than {limit:,}")
    return int(announced)
