"""`keras.utils.get_file`: paths, checksums, archives and failures.

Oracle: the files that a local server serves, and Keras's own `get_file` for the paths.
"""

import doctest
import hashlib
import http.server
import importlib
import inspect
import io
import itertools
import os
import pathlib
import sys
import tarfile
import threading
import zipfile

import pytest

from glassnet import keras
from glassnet.datasets import remote_files
from glassnet.errors import ArgumentError, ConfigError, DataError, DataWarning, DownloadError
from oracles import import_keras

get_file = keras.utils.get_file
downloads = importlib.import_module("glassnet.keras.downloads")
CSV = b"year,month\n1949,1\n"


def archive(kind, members=(("photos/1.txt", b"one"), ("readme", b"hi"))):
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as packed:
            for name, raw in members:
                packed.writestr(name, raw)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, raw in members:
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            packed.addfile(member, io.BytesIO(raw))
    return buffer.getvalue()


CONTENTS = {
    "/data.csv": CSV,
    "/photos.tgz": archive("tar"),
    "/photos.zip": archive("zip"),
    "/evil.tgz": archive("tar", [("good", b"x"), ("../evil", b"x")]),
    "/folder/": b"listing",
}


class Files(http.server.BaseHTTPRequestHandler):
    """Handler for the contents above; `requests` lists the paths that were read."""

    requests: list[str] = []

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        type(self).requests.append(path)
        if path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/data.csv")
            self.end_headers()
            return
        if path == "/insecure":
            self.send_response(302)
            self.send_header("Location", "http://example.invalid/data.csv")
            self.end_headers()
            return
        raw = CONTENTS.get(path)
        self.send_response(404 if raw is None else 200)
        if path == "/photos.tgz":
            self.send_header("Content-Encoding", "x-gzip")
        if path != "/folder/":  # that has no length
            self.send_header("Content-Length", str(len(raw or b"")))
        self.end_headers()
        self.wfile.write(raw or b"")


@pytest.fixture
def address(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    Files.requests = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as service:
        threading.Thread(
            target=service.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        yield f"http://127.0.0.1:{service.server_port}"
        service.shutdown()


def test_the_example():
    assert doctest.testmod(downloads).failed == 0
    assert doctest.testmod(downloads).attempted


def tree(folder):
    return {path.relative_to(folder).as_posix() for path in pathlib.Path(folder).rglob("*")}


def test_a_file_is_downloaded_once(address, tmp_path, capsys):
    path = get_file("own.csv", f"{address}/data.csv")
    assert path == str(tmp_path / "keras" / "datasets" / "own.csv")
    assert pathlib.Path(path).read_bytes() == CSV
    assert capsys.readouterr().out == f"Downloading data from {address}/data.csv\n"
    assert get_file("own.csv", f"{address}/data.csv") == path
    assert get_file(fname="own.csv", origin=f"{address}/data.csv") == path
    assert Files.requests == ["/data.csv"]
    assert capsys.readouterr().out == ""
    assert tree(tmp_path) == {"keras", "keras/datasets", "keras/datasets/own.csv"}

    get_file("own.csv", f"{address}/data.csv", force_download=True)
    assert len(Files.requests) == 2


def test_the_home_folder_is_the_default(address, tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    path = get_file(origin=f"{address}/data.csv")
    assert path == str(tmp_path / "home" / ".keras" / "datasets" / "data.csv")


def test_as_notebooks_write_it(address, tmp_path, monkeypatch):
    """The current folder, as in TensorFlow's tutorial on text classification."""
    monkeypatch.chdir(tmp_path)
    origin = f"{address}/photos.tgz"
    path = get_file("aclImdb_v1", origin, untar=True, cache_dir=".", cache_subdir="")
    assert path == "./aclImdb_v1"
    assert pathlib.Path("aclImdb_v1/photos/1.txt").read_bytes() == b"one"
    # The server marks it as encoded; it is stored as it is.
    assert pathlib.Path("aclImdb_v1_archive").read_bytes() == CONTENTS["/photos.tgz"]
    os.remove("aclImdb_v1/photos/1.txt")
    get_file("aclImdb_v1", origin, untar=True, cache_dir=".", cache_subdir="")
    assert os.path.exists("aclImdb_v1/photos/1.txt")
    assert Files.requests == ["/photos.tgz"]


PATHS = [
    {"fname": fname, "extract": extract, "untar": untar, "cache_subdir": subdir, "origin": origin}
    for fname, (extract, untar), subdir, origin in itertools.product(
        (None, "", "name", "name.tar.gz", ".hidden", pathlib.Path("path.zip")),
        ((False, False), (True, False), (False, True)),
        ("datasets", "", "a/b"),
        ("/photos.tgz", "/photos.zip?raw=1#top"),
    )
    if not (untar and "zip" in origin)
]


@pytest.mark.live_keras
@pytest.mark.slow
@pytest.mark.parametrize("cache_dir", [".", "here"])
def test_paths_are_those_of_keras(address, tmp_path, monkeypatch, cache_dir):
    """Also the folders and files that are left there."""
    theirs = import_keras().utils.get_file
    for i, options in enumerate(PATHS):
        results = []
        for name, function in (("ours", get_file), ("theirs", theirs)):
            folder = tmp_path / f"{name}{i}"
            (folder / "here").mkdir(parents=True)
            monkeypatch.chdir(folder)
            arguments = options | {"origin": address + options["origin"], "cache_dir": cache_dir}
            path = function(**arguments)
            assert type(path) is str
            results.append((path.replace(str(folder), ""), tree(folder)))
        assert results[0] == results[1], options


@pytest.mark.live_keras
@pytest.mark.slow
def test_the_signature_is_that_of_keras():
    theirs = inspect.signature(import_keras().utils.get_file).parameters.values()
    ours = inspect.signature(get_file).parameters.values()
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


SHA256, MD5 = hashlib.sha256(CSV).hexdigest(), hashlib.md5(CSV).hexdigest()


@pytest.mark.parametrize(
    "options",
    [
        {"file_hash": SHA256},
        {"file_hash": SHA256.upper()},
        {"file_hash": MD5},
        {"md5_hash": MD5},
        {"file_hash": SHA256, "hash_algorithm": "sha256"},
        {"file_hash": MD5, "hash_algorithm": "md5"},
        {"file_hash": SHA256, "md5_hash": "0" * 32},
    ],
)
def test_checksums(address, tmp_path, capsys, options):
    path = get_file(origin=f"{address}/data.csv", **options)
    get_file(origin=f"{address}/data.csv", **options)
    assert len(Files.requests) == 1
    pathlib.Path(path).write_bytes(b"changed")
    assert get_file(origin=f"{address}/data.csv", **options) == path
    assert pathlib.Path(path).read_bytes() == CSV
    assert "has another checksum than" in capsys.readouterr().out
    assert len(Files.requests) == 2


@pytest.mark.parametrize("options", [{"file_hash": "0" * 64}, {"md5_hash": "0" * 32}])
def test_another_file_is_refused(address, tmp_path, options):
    """The file that was there stays; Keras would leave the wrong one."""
    (received,) = [SHA256] if "file_hash" in options else [MD5]
    folder = tmp_path / "keras" / "datasets"
    with pytest.raises(DownloadError, match=f"get_file: expected the file at .*{received}, not 0+"):
        get_file(origin=f"{address}/data.csv", **options)
    assert list(folder.iterdir()) == []
    (folder / "data.csv").write_bytes(b"old")
    with pytest.raises(DownloadError, match="put it at"):
        get_file(origin=f"{address}/data.csv", **options)
    assert tree(folder) == {"data.csv"}
    assert (folder / "data.csv").read_bytes() == b"old"


FAILURES = {
    "/none.csv": "it answers with status 404",
    "/insecure": "it is not an https address, or redirects to one",
}


@pytest.mark.parametrize("path", FAILURES)
def test_failures_say_what_to_do(address, tmp_path, path):
    with pytest.raises(DownloadError, match=FAILURES[path]) as caught:
        get_file("data.csv", address + path)
    place = tmp_path / "keras" / "datasets" / "data.csv"
    assert f"expected the file at {address}{path}" in str(caught.value)
    assert f"download the file in another way and put it at {place}." in str(caught.value)
    assert tree(tmp_path) == {"keras", "keras/datasets"}


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("ftp://example.invalid/a.csv", "it is not an https address"),
        ("file:///etc/passwd", "it is not an https address"),
        ("/etc/passwd", r"No scheme supplied|Invalid URL"),
        ("https://", "Invalid URL|fname"),
        ("https://a b/data.csv", "expected the file at"),
        ("https://" + "ä" * 70 + ".invalid/data.csv", "expected the file at"),
        ("http://127.0.0.1:1/data.csv", "expected the file at .*Connection"),
    ],
)
def test_addresses_that_are_refused(address, tmp_path, origin, words):
    with pytest.raises((DownloadError, ConfigError), match=words):
        get_file("data.csv", origin)
    assert not (tmp_path / "keras" / "datasets" / "data.csv").exists()


def test_http_becomes_https(address, tmp_path, monkeypatch, capsys):
    """Oracle: the address that is opened."""
    opened = []

    def download(url, path, limit, show):
        opened.append(url)
        pathlib.Path(path).write_bytes(CSV)

    monkeypatch.setattr(downloads, "download", download)
    get_file(origin="http://example.invalid/data.csv?raw=1")
    get_file("b", origin="https://example.invalid/data.csv")
    get_file("c", origin="http://localhost:80/data.csv")
    get_file("d", origin="http://127.0.0.1.example.invalid/data.csv")
    assert opened == [
        "https://example.invalid/data.csv?raw=1",
        "https://example.invalid/data.csv",
        "http://localhost:80/data.csv",
        "https://127.0.0.1.example.invalid/data.csv",
    ]


@pytest.mark.parametrize("path", ["/data.csv", "/folder/"])
def test_the_size_is_limited(address, tmp_path, monkeypatch, path):
    """With the announced size, and without one."""
    size = len(CONTENTS[path])
    monkeypatch.setattr(downloads, "MAX_SIZE", size)
    get_file("a", address + path)
    monkeypatch.setattr(downloads, "MAX_SIZE", size - 1)
    words = f"it has {size} bytes, more than" if path == "/data.csv" else "it sends more than"
    with pytest.raises(DownloadError, match=words):
        get_file("b", address + path)
    assert tree(tmp_path / "keras") == {"datasets", "datasets/a"}


def test_a_file_that_ends_early(address, tmp_path, monkeypatch):
    send_header = Files.send_header

    def lie(self, key, value):
        send_header(self, key, "999" if key == "Content-Length" else value)

    monkeypatch.setattr(Files, "send_header", lie)
    with pytest.raises(DownloadError, match=r"it ended after \d+ of 999 bytes"):
        get_file(origin=f"{address}/data.csv")
    assert tree(tmp_path) == {"keras", "keras/datasets"}


def test_redirects_are_followed(address):
    assert pathlib.Path(get_file("data.csv", f"{address}/redirect")).read_bytes() == CSV


def test_an_interrupted_download_leaves_nothing(address, tmp_path, monkeypatch):
    def interrupt(url, path, limit, show):
        pathlib.Path(path).write_bytes(b"part")
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "download", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get_file(origin=f"{address}/data.csv")
    assert tree(tmp_path) == {"keras", "keras/datasets"}


def test_a_full_disk_leaves_nothing(address, tmp_path, monkeypatch):
    def full(url, path, limit, show):
        pathlib.Path(path).write_bytes(b"part")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "download", full)
    with pytest.raises(DownloadError, match="No space left on device"):
        get_file(origin=f"{address}/data.csv")
    assert tree(tmp_path) == {"keras", "keras/datasets"}


def test_hostile_archives_are_refused(address, tmp_path):
    with pytest.raises(DataError, match="expected paths inside the folder"):
        get_file("data", f"{address}/evil.tgz", extract=True)
    assert tree(tmp_path) == {"keras", "keras/datasets", "keras/datasets/data_archive"}


@pytest.mark.parametrize(
    ("options", "format_words"),
    [
        ({"origin": "/data.csv"}, "tar or zip"),
        ({"origin": "/photos.zip", "archive_format": "tar"}, "tar"),
        ({"origin": "/photos.zip", "archive_format": None}, "None"),
        ({"origin": "/photos.zip", "archive_format": []}, "None"),
        ({"origin": "/photos.tgz", "archive_format": ("zip",)}, "zip"),
    ],
)
def test_what_is_no_archive_is_said(address, tmp_path, options, format_words):
    """Keras returns the path of a folder that does not exist, too."""
    options = options | {"origin": address + options["origin"]}
    with pytest.warns(
        DataWarning, match=f"not an archive of the format {format_words}, so nothing"
    ):
        path = get_file("name", extract=True, **options)
    assert path == str(tmp_path / "keras" / "datasets" / "name")
    assert not os.path.exists(path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"origin": None}, r"get_file: expected origin to be the address of a file"),
        ({"origin": 5}, "expected origin to be the address"),
        ({"origin": "https://example.invalid/"}, "expected fname, as the address does not end"),
        ({"origin": "https://example.invalid/a/.."}, "expected fname, as the address does not"),
        ({"fname": "a/b"}, r"fname to be the name of a file, without folders.*cache_dir"),
        ({"fname": "/etc/passwd"}, "fname to be the name of a file"),
        ({"fname": ".."}, "fname to be the name of a file"),
        ({"fname": "a\0b"}, "fname to be the name of a file"),
        ({"fname": 5}, "fname to be the name of a file"),
        ({"file_hash": "abc"}, "file_hash to have 64 hexadecimal digits for SHA-256, 32 for MD5"),
        ({"file_hash": "x" * 64}, "file_hash to have 64 hexadecimal digits"),
        ({"file_hash": MD5, "hash_algorithm": "sha256"}, "file_hash to have 64 hexadecimal"),
        ({"hash_algorithm": "sha1"}, r"hash_algorithm to be .auto., .sha256. or .md5."),
        ({"extract": True, "archive_format": "rar"}, r"archive_format to be .auto., .tar., .zip."),
        ({"extract": True, "archive_format": ["tar", "rar"]}, r"archive_format to be .auto."),
    ],
)
def test_arguments_that_cannot_work(address, tmp_path, options, words):
    with pytest.raises(ConfigError, match=words):
        get_file(**{"origin": "https://example.invalid/data.csv"} | options)
    assert Files.requests == []


def test_an_unknown_argument_names_the_nearest():
    with pytest.raises(ArgumentError, match=r"'cachedir'. Did you mean 'cache_dir'"):
        get_file("a", "https://example.invalid/a", cachedir=".")


def test_a_folder_that_cannot_be_written(address, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match=r"a folder that can be written, not .*cache_dir='.'"):
        get_file("a", f"{address}/data.csv", cache_dir=tmp_path / "file")


def test_progress_without_a_terminal(address, monkeypatch, capsys):
    """Oracle: 25 of 50 MB. Nothing is shown before some seconds have passed."""
    monkeypatch.setattr(downloads, "LINE_SECONDS", 0.0)

    def download(url, path, limit, show):
        pathlib.Path(path).write_bytes(CSV)
        show(25 * 10**6, 50 * 10**6)
        show(25 * 10**6, None)

    monkeypatch.setattr(downloads, "download", download)
    get_file(origin=f"{address}/data.csv")
    assert capsys.readouterr().out.splitlines()[1:] == ["25 of 50 MB", "25 MB"]


def test_progress_on_a_terminal(address, monkeypatch, capsys):
    """The bar shows bytes and is erased at the end, also after a failure."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    get_file(origin=f"{address}/data.csv")
    shown = capsys.readouterr().out
    assert "bytes" in shown
    assert shown.rstrip("\n").endswith("\x1b[2K")
    with pytest.raises(DownloadError):
        get_file(origin=f"{address}/none.csv")


def test_a_slow_server_is_left(address, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_files, "EXTRA_TIME", -1.0)
    with pytest.raises(DownloadError, match="it is slower than 20,000 bytes per second"):
        get_file(origin=f"{address}/data.csv")
    assert tree(tmp_path) == {"keras", "keras/datasets"}
