"""Download of one file over HTTPS whose size and checksum are known."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
        sha256: SHA-256 of the contents, in hexadecimal digits.
        source: who states them.
    """

    size: int
    sha256: str
    source: str


def retrieve(url: str, path: Path, file: RemoteFile) -> Path:
    """Download a file, verify it, and only then give it its name.

    Raises:
        DownloadError: the address is not HTTPS, or the server sends more, less or something else.
        OSError: the network or the disk failed.
        ValueError: the checksum is wrong.
    """
    import pooch

    def download(url: str, output_file: str, pooch: Any) -> None:
        with open(output_file, "wb") as stream:
            for block in read_blocks(url, file.size):
                stream.write(block)

    return Path(
        pooch.retrieve(
            url,
            known_hash=f"sha256:{file.sha256}",
            fname=path.name,
            path=path.parent,
            downloader=download,
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
    import requests

    n_read, deadline = 0, time.monotonic() + EXTRA_TIME + size / MIN_SPEED
    with _open_session(url) as session:
        try:
            with session.get(
                url,
                stream=True,
                timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                headers={"Accept-Encoding": "identity"},
            ) as response:
                _check_response(response, size)
                for block in response.iter_content(BLOCK_SIZE):
                    n_read += len(block)
                    if n_read > size:
                        raise DownloadError(f"it sends more than {size:,} bytes")
                    if time.monotonic() > deadline:
                        raise DownloadError(f"it is slower than {MIN_SPEED:,} bytes per second")
                    yield block
        except requests.exceptions.InvalidSchema as error:
            raise DownloadError("it is not an https address, or redirects to one") from error
        except requests.exceptions.TooManyRedirects as error:
            raise DownloadError(f"it redirects more than {MAX_REDIRECTS} times") from error
        except requests.exceptions.ChunkedEncodingError as error:
            raise DownloadError(f"it ended after {n_read:,} of {size:,} bytes") from error
    if n_read < size:
        raise DownloadError(f"it sent {n_read:,} of {size:,} bytes")


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
    if response.status_code != 200:
        raise DownloadError(f"it answers with status {response.status_code}")
    if encoding := response.headers.get("Content-Encoding"):
        raise DownloadError(f"it sends the file encoded as {encoding}")
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and announced != str(size):
        kind = response.headers.get("Content-Type", "unknown type")
        raise DownloadError(f"it has {announced[:20]} bytes ({kind[:40]}), not {size:,}")
