"""Downloads from servers that send more, less or something else, redirect, or are slow.

Oracle: how many bytes the server could send before the connection was closed, and the files that
are left.
"""

import gzip
import hashlib
import http.server
import threading
import time

import pytest

from glassnet.datasets import downloads, remote_files
from glassnet.datasets.remote_files import RemoteFile
from glassnet.errors import DownloadError

RIGHT = b"year,month,passengers\n1949,January,112\n"
FILE = RemoteFile(len(RIGHT), hashlib.sha256(RIGHT).hexdigest(), "test")
MEGABYTE = bytes(2**20)


class Answers(http.server.BaseHTTPRequestHandler):
    """Handler that answers by path; `sent` counts megabytes of endless answers."""

    sent = 0

    def log_message(self, *args):
        pass

    def answer(self, body=b"", status=200, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        getattr(self, self.path.strip("/").split("/")[0])()

    def right(self):
        self.answer(RIGHT, Content_Length=len(RIGHT))

    def without_length(self):
        self.answer(RIGHT)

    def endless(self):
        self.answer()
        try:
            for _ in range(60):
                self.wfile.write(MEGABYTE)
                type(self).sent += 1
        except OSError:
            pass

    def announced_large(self):
        self.answer(b"x" * 60, Content_Length=10**9)

    def lies_about_length(self):
        self.answer(RIGHT + MEGABYTE, Content_Length=len(RIGHT))

    def one_more(self):
        self.answer(RIGHT + b"x")

    def short(self):
        self.answer(RIGHT[:-9])

    def ends_early(self):
        self.answer(RIGHT[:-9], Content_Length=len(RIGHT))

    def empty(self):
        self.answer()

    def page(self):
        self.answer(b"<html>log in</html>", Content_Type="text/html", Content_Length=19)

    def page_of_this_size(self):
        self.answer(b"<html>".ljust(len(RIGHT)), Content_Length=len(RIGHT))

    def missing(self):
        self.answer(RIGHT, 404, Content_Length=len(RIGHT))

    def partial(self):
        self.answer(RIGHT, 206, Content_Length=len(RIGHT))

    def encoded(self):
        self.answer(gzip.compress(RIGHT), Content_Encoding="gzip")

    def to_right(self):
        self.answer(status=302, Location="/right/")

    def to_http(self):
        self.answer(status=301, Location="http://example.invalid/flights.csv")

    def to_other_port(self):
        self.answer(status=301, Location="http://127.0.0.1:1/flights.csv")

    def to_file(self):
        self.answer(status=302, Location="file:///etc/passwd")

    def to_itself(self):
        self.answer(status=302, Location="/to_itself/")

    def dripping(self):
        self.answer(Content_Length=len(RIGHT))
        for byte in RIGHT:
            self.wfile.write(bytes([byte]))
            time.sleep(0.01)


@pytest.fixture
def address(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("GLASSNET_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(downloads.FILES, "flights", {"flights.csv": FILE})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as service:
        threading.Thread(
            target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        yield f"http://127.0.0.1:{service.server_port}"
        service.shutdown()


def fetch(monkeypatch, *urls):
    monkeypatch.setitem(downloads.MIRRORS, "flights", urls)
    return downloads.fetch("flights", "flights.csv")


@pytest.mark.parametrize("kind", ["right", "without_length", "to_right"])
def test_the_right_file_is_taken(address, monkeypatch, kind):
    path = fetch(monkeypatch, f"{address}/{kind}/")
    assert path.read_bytes() == RIGHT
    assert [file.name for file in path.parent.iterdir()] == ["flights.csv"]


SIZE = len(RIGHT)
REFUSED = {
    "endless": f"it sends more than {SIZE} bytes",
    "announced_large": f"it has 1000000000 bytes (unknown type), not {SIZE}",
    "one_more": f"it sends more than {SIZE} bytes",
    "short": f"it sent {SIZE - 9} of {SIZE} bytes",
    "ends_early": f"of {SIZE} bytes",
    "empty": f"it sent 0 of {SIZE} bytes",
    "page": f"it has 19 bytes (text/html), not {SIZE}",
    "page_of_this_size": "wrong checksum",
    "missing": "it answers with status 404",
    "partial": "it answers with status 206",
    "encoded": "it sends the file encoded as gzip",
    "to_http": "it is not an https address, or redirects to one",
    "to_other_port": "it is not an https address, or redirects to one",
    "to_file": "it is not an https address, or redirects to one",
    "to_itself": "it redirects more than 5 times",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_files_are_refused_and_leave_nothing(address, tmp_path, monkeypatch, kind):
    Answers.sent = 0
    with pytest.raises(
        DownloadError, match=r"expected flights.csv on this machine or at"
    ) as caught:
        fetch(monkeypatch, f"{address}/{kind}/")
    assert REFUSED[kind] in str(caught.value)
    assert "Download the file in another way and put it at" in str(caught.value)
    assert not (tmp_path / "home" / "flights").exists()
    assert Answers.sent < 20


def test_a_length_that_is_too_small_ends_the_file(address, monkeypatch):
    """The bytes after the announced ones are never read."""
    assert fetch(monkeypatch, f"{address}/lies_about_length/").read_bytes() == RIGHT


def test_the_next_address_is_tried(address, monkeypatch):
    path = fetch(monkeypatch, f"{address}/endless/", f"{address}/page/", f"{address}/right/")
    assert path.read_bytes() == RIGHT


@pytest.mark.parametrize(
    "url",
    [
        "http://example.invalid/flights.csv",
        "http://127.0.0.1.example.invalid/flights.csv",
        "http://127.0.0.1@example.invalid/flights.csv",
        "ftp://example.invalid/flights.csv",
        "file:///etc/passwd",
    ],
)
def test_only_https_is_read(url, tmp_path, monkeypatch):
    """Oracle: a session that has no way to open such an address."""
    with pytest.raises(DownloadError, match="it is not an https address, or redirects to one"):
        list(remote_files.read_blocks(url, 5))


def test_a_dripping_server_is_left(address, monkeypatch):
    monkeypatch.setattr(remote_files, "EXTRA_TIME", 0.1)
    monkeypatch.setattr(remote_files, "BLOCK_SIZE", 1)
    with pytest.raises(DownloadError, match="it is slower than 20,000 bytes per second"):
        fetch(monkeypatch, f"{address}/dripping/")


def test_a_silent_server_is_left(address, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_files, "READ_TIMEOUT", 0.1)
    monkeypatch.setattr(Answers, "right", lambda self: time.sleep(0.4))
    with pytest.raises(DownloadError, match="ReadTimeout"):
        fetch(monkeypatch, f"{address}/right/")
    assert not (tmp_path / "home" / "flights").exists()


def test_ctrl_c_leaves_no_part(address, tmp_path, monkeypatch):
    def interrupted(url, size):
        yield RIGHT[:5]
        raise KeyboardInterrupt

    monkeypatch.setattr(remote_files, "read_blocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(monkeypatch, f"{address}/right/")
    assert list((tmp_path / "home" / "flights").iterdir()) == []


def test_a_full_disk_leaves_no_part(address, tmp_path, monkeypatch):
    def full(url, size):
        yield RIGHT[:5]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remote_files, "read_blocks", full)
    with pytest.raises(DownloadError, match=r"tried={.*'OSError'}"):
        fetch(monkeypatch, f"{address}/right/")
    assert not (tmp_path / "home" / "flights").exists()


def test_a_home_of_5000_letters(monkeypatch):
    monkeypatch.setenv("GLASSNET_DATA_HOME", "x" * 5000)
    with pytest.raises(DownloadError, match=r"expected flights.csv on this machine"):
        downloads.fetch("flights", "flights.csv")


def test_the_table_of_files_is_complete():
    """Oracle: the sizes in the catalogue; digits; an https address and a source for each."""
    assert downloads.FILES.keys() == downloads.MIRRORS.keys()
    for folder, files in downloads.FILES.items():
        assert all(url.startswith("https://") for url in downloads.MIRRORS[folder])
        for file in files.values():
            assert len(bytes.fromhex(file.sha256)) == 32 or len(bytes.fromhex(file.md5)) == 16
            assert file.size > 1000
            assert file.source
    for entry in downloads.ENTRIES:
        folder = {"cifar10": "cifar-10", "cifar100": "cifar-100"}.get(
            entry.name, entry.name.replace("_", "-")
        )
        size = sum(file.size for file in downloads.FILES[folder].values())
        assert entry.source == f"download, {size / 1e6:.0f} MB"
