"""Archives: what is extracted, and hostile ones, of which nothing is.

Oracle: the files that were packed, and a folder around the target in which nothing may change.
"""

import bz2
import gzip
import io
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import time
import tracemalloc
import zipfile

import pytest

from glassnet.datasets import archives
from glassnet.datasets.archives import extract_archive
from glassnet.errors import DataError

FILES = {"a.txt": b"first", "photos/cats/1.png": b"\x89PNG" * 5000, "photos/empty": b""}
LINK = (stat.S_IFLNK | 0o777) << 16


def tar_bytes(members, mode="w", **options):
    """Return a tar archive; a member is a name with contents, or a `TarInfo` with them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, **options) as archive:
        for name, raw in members:
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if raw is not None:
                member.size = len(raw)
            archive.addfile(member, None if raw is None else io.BytesIO(raw))
    return buffer.getvalue()


def zip_bytes(members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, raw in members:
            archive.writestr(name, raw)
    return buffer.getvalue()


def special(name, kind, link="", size=0):
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def tree(folder):
    """Return all files below a folder with their contents; None for a folder."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


@pytest.fixture
def place(tmp_path):
    """Return a function that writes an archive in a folder with a file that is not its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "secret").write_bytes(b"unchanged")

    def write(raw):
        (folder / "archive").write_bytes(raw)
        return folder / "archive", folder / "out"

    return write


GOOD = {
    "tar": tar_bytes(FILES.items()),
    "gzip": tar_bytes(FILES.items(), "w:gz"),
    "bzip2": tar_bytes(FILES.items(), "w:bz2"),
    "xz": tar_bytes(FILES.items(), "w:xz"),
    "ustar": tar_bytes(FILES.items(), format=tarfile.USTAR_FORMAT),
    "gnu": tar_bytes([("x" * 150, b"long"), *FILES.items()], format=tarfile.GNU_FORMAT),
    "pax": tar_bytes([("ä" * 60 + "/b", b"long"), *FILES.items()], format=tarfile.PAX_FORMAT),
    "zip": zip_bytes(FILES.items()),
    "stored": zip_bytes(FILES.items(), zipfile.ZIP_STORED),
}


@pytest.mark.parametrize("kind", GOOD)
def test_archives_are_extracted(place, kind):
    path, out = place(GOOD[kind])
    assert extract_archive(path, out)
    files = {name: raw for name, raw in tree(out).items() if raw is not None}
    assert files.items() >= FILES.items()
    assert len(files) == len(FILES) + (kind in ("gnu", "pax"))
    assert sorted(os.listdir(path.parent)) == ["archive", "out", "secret"]


def test_folders_and_odd_names(place):
    """Folders alone, paths that come back, the folder itself, a name with a space and a newline."""
    names = ["./", "empty/", "./b/../c", "a b\n/d", "..data/e"]
    members = [
        (special(name, tarfile.DIRTYPE), None) if name.endswith("/") else (name, b"x")
        for name in names
    ]
    expected = {"empty": None, "c": b"x", "a b\n": None, "a b\n/d": b"x", "..data": None}
    for raw in (
        tar_bytes(members),
        zip_bytes([(name, "" if name[-1] == "/" else "x") for name in names]),
    ):
        path, out = place(raw)
        assert extract_archive(path, out)
        assert tree(out).items() >= expected.items()


def test_permissions_are_ignored(place):
    member = tarfile.TarInfo("a")
    member.mode = 0o6777
    path, out = place(tar_bytes([(member, b"x")]))
    assert extract_archive(path, out)
    assert not stat.S_IMODE((out / "a").stat().st_mode) & 0o6111


def test_the_last_of_two_files_with_one_name_counts(place):
    for raw in (tar_bytes([("a", b"12"), ("a", b"3")]), zip_of_twins()):
        path, out = place(raw)
        assert extract_archive(path, out)
        assert tree(out) == {"a": b"3"}


def zip_of_twins():
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zip_bytes([("a", "12"), ("a", "3")])


def test_files_of_the_folder_are_replaced_and_others_stay(place):
    path, out = place(GOOD["zip"])
    (out / "photos").mkdir(parents=True)
    (out / "a.txt").write_bytes(b"old and longer")
    (out / "photos" / "own").write_bytes(b"own")
    assert extract_archive(path, out)
    assert extract_archive(path, out)
    files = {name: raw for name, raw in tree(out).items() if raw is not None}
    assert files == FILES | {"photos/own": b"own"}


def test_formats(place):
    path, out = place(GOOD["tar"])
    assert not extract_archive(path, out, ("zip",))
    assert not extract_archive(path, out, ())
    assert extract_archive(path, out, ("zip", "tar"))
    path, _ = place(GOOD["zip"])
    assert not extract_archive(path, path.parent / "other", ("tar",))


NO_ARCHIVES = {
    "empty": b"",
    "one byte": b"x",
    "csv": b"year,month\n1949,1\n" * 99,
    "csv.gz": gzip.compress(b"a,b\n" * 500),
    "zeros": bytes(100),
}


@pytest.mark.parametrize("raw", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_other_files_are_no_archives(place, raw):
    path, out = place(raw)
    assert not extract_archive(path, out)
    assert not out.exists()


ESCAPES = [
    "../secret",
    "a/../../secret",
    "/tmp/glassnet-test-secret",
    "../data-evil/x",
    "../out2",
    "..",
    "a/" + "../" * 30 + "etc/x",
    "//tmp/glassnet-test-secret",
]


def hostile_members():
    """Return hostile tar archives by kind, with words of their errors."""
    for name in ESCAPES:
        yield f"path {name[:20]}", [(name, b"evil")], "paths inside the folder"
    links, no_links = (tarfile.SYMTYPE, tarfile.LNKTYPE), "no links or devices"
    for kind in links:
        for target in ("../secret", "/etc/passwd", "a", "."):
            member = special("link", kind, target)
            yield f"link {kind} {target}", [("a", b"x"), (member, None)], no_links
        through = [(special("d", kind, ".."), None), ("d/secret", b"evil")]
        yield f"through link {kind}", through, no_links
    for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z", b"V", b"M"):
        yield f"type {kind}", [(special("node", kind), None)], no_links
    yield "folder outside", [(special("../evil/", tarfile.DIRTYPE), None)], "paths inside"
    yield "deep", [("d/" * 65 + "x", b"")], "at most 64 folders"
    yield "file and folder", [("a", b"x"), ("a/b", b"y")], "a complete tar archive"
    yield "folder and file", [("a/b", b"x"), ("a", b"y")], "a complete tar archive"
    yield "no name", [(".", b"x")], "paths inside the folder"
    yield "long name", [("x" * 300, b"x")], "a complete tar archive"


HOSTILE = {kind: (tar_bytes(members), words) for kind, members, words in hostile_members()}


def link_zip(target):
    info = zipfile.ZipInfo("link")
    info.external_attr, info.create_system = LINK, 3
    return zip_bytes([(info, target), ("link/secret", "evil")])


HOSTILE |= {
    f"zip {name[:20]}": (zip_bytes([("good", "x"), (name, "evil")]), "paths inside the folder")
    for name in ESCAPES
}
HOSTILE |= {
    f"zip link {target}": (link_zip(target), "no links or devices")
    for target in ("../secret", "..", "/etc/passwd")
}
HOSTILE |= {
    "zip file and folder": (zip_bytes([("a", "x"), ("a/b", "y")]), "a complete zip archive"),
    "zip deep": (zip_bytes([("d/" * 65 + "x", "")]), "at most 64 folders"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_archives_are_refused(place, kind):
    """Also the honest members that come before are not left behind."""
    raw, words = HOSTILE[kind]
    path, out = place(raw)
    with pytest.raises(DataError, match=words) as caught:
        extract_archive(path, out)
    assert str(path) in str(caught.value)
    assert tree(path.parent) == {"archive": raw, "secret": b"unchanged"}
    assert not os.path.exists("/tmp/glassnet-test-secret")


def test_links_in_the_folder_are_not_followed(place):
    """The user, or another program, has put a link there."""
    path, out = place(tar_bytes([("photos/secret", b"evil"), ("link", b"new")]))
    out.mkdir()
    os.symlink(path.parent, out / "photos")
    with pytest.raises(DataError, match=r"where the archive has files and folders.*Delete them"):
        extract_archive(path, out)
    assert (path.parent / "secret").read_bytes() == b"unchanged"
    assert os.listdir(out) == ["photos"]

    (out / "photos").unlink()
    os.symlink(path.parent / "secret", out / "link")
    assert extract_archive(path, out)
    assert (out / "link").read_bytes() == b"new"
    assert (path.parent / "secret").read_bytes() == b"unchanged"


def test_a_file_that_is_a_folder_already(place):
    """Nothing is moved if something cannot be."""
    for name in ("a.txt/own", "photos"):
        path, out = place(GOOD["tar"])
        (out / name).parent.mkdir(parents=True)
        (out / name).write_bytes(b"own")
        with pytest.raises(DataError, match="where the archive has files and folders"):
            extract_archive(path, out)
        assert {name: raw for name, raw in tree(out).items() if raw is not None} == {name: b"own"}
        shutil.rmtree(out)


def test_the_folder_may_be_a_link(place):
    path, out = place(GOOD["tar"])
    (path.parent / "elsewhere").mkdir()
    os.symlink(path.parent / "elsewhere", out)
    assert extract_archive(path, out)
    assert (path.parent / "elsewhere" / "a.txt").read_bytes() == b"first"


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(archives, "MIN_LIMIT", 10**6)
    monkeypatch.setattr(archives, "MAX_RATIO", 1)


def sparse_tar(size):
    """Return a tar archive with a sparse file that claims a size, in the old GNU format."""
    member = special("sparse", tarfile.GNUTYPE_SPARSE, size=0)
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"%011o\0" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(1024)


def huge_header(kind, claimed=2**33, contents=2**26):
    """Return a gzipped tar archive whose long name claims 8 GB."""
    member = special("././@LongLink", kind, size=claimed)
    return gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(contents), 1)


def huge_zip_directory():
    """Return a zip archive whose directory claims 1 GB, as a sparse file in effect."""
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 10**9, 0, 0)


BOMBS = {
    "zeros": (lambda: tar_bytes([("a", bytes(3 * 10**6))], "w:gz"), "at most [0-9,]* bytes in all"),
    "many zeros": (
        lambda: tar_bytes([(f"a{i}", bytes(10**5)) for i in range(20)], "w:gz"),
        "at most [0-9,]* bytes in all files",
    ),
    "claims 8 EB": (
        lambda: special("a", tarfile.REGTYPE, size=2**62).tobuf(tarfile.GNU_FORMAT) + bytes(9999),
        "at most [0-9,]* bytes in all files. Received: bytes=4611686018427387904",
    ),
    "negative size": (
        lambda: special("a", tarfile.REGTYPE, size=-1).tobuf(tarfile.GNU_FORMAT) + bytes(9999),
        "files of the size that the archive states|a complete tar archive|not an archive",
    ),
    "sparse": (lambda: sparse_tar(2**30), "no links or devices"),
    "long name": (lambda: huge_header(tarfile.GNUTYPE_LONGNAME), "headers of at most 1,048,576"),
    "long link": (lambda: huge_header(tarfile.GNUTYPE_LONGLINK), "headers of at most 1,048,576"),
    "pax": (lambda: huge_header(tarfile.XHDTYPE), "headers of at most 1,048,576"),
    "global pax": (lambda: huge_header(tarfile.XGLTYPE), "headers of at most 1,048,576"),
    "zip zeros": (lambda: zip_bytes([("a", bytes(3 * 10**6))]), "at most [0-9,]* bytes in all"),
    "zip directory": (huge_zip_directory, "a complete zip archive|not an archive"),
}


def refusal(path, out):
    """Return why a file is not extracted. Python 3.14.8 sees that two of them are no archives."""
    try:
        return "extracted" if extract_archive(path, out) else "not an archive"
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_refused_in_little_memory_and_time(place, small_limits, kind):
    make, words = BOMBS[kind]
    raw = make()
    path, out = place(raw)
    start = time.perf_counter()
    tracemalloc.start()
    try:
        assert re.search(words, refusal(path, out))
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - start < 5
    assert tree(path.parent) == {"archive": raw, "secret": b"unchanged"}


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_number_of_members_is_limited(place, monkeypatch, kind):
    """Folders count too, also those that only a path names."""
    monkeypatch.setattr(archives, "MAX_MEMBERS", 20)
    for names in ([f"a{i}" for i in range(20)], ["d/" * 25 + "x"], [f"d{i}/x" for i in range(10)]):
        members = [(name, b"") for name in names]
        path, out = place(tar_bytes(members) if kind == "tar" else zip_bytes(members))
        with pytest.raises(DataError, match="at most 20 files and folders"):
            extract_archive(path, out)
        assert not out.exists()
    members = [(f"a{i}", b"") for i in range(19)]  # and the folder itself
    path, out = place(tar_bytes(members) if kind == "tar" else zip_bytes(members))
    assert extract_archive(path, out)


def test_the_directory_of_a_zip_archive_is_limited(place, monkeypatch):
    monkeypatch.setattr(archives, "MAX_DIRECTORY", 70_000)
    path, out = place(zip_bytes([(f"{i:0200}", b"") for i in range(300)]))
    with pytest.raises(DataError, match=r"a directory of at most 70,000 bytes. Received: bytes=73"):
        extract_archive(path, out)


def damage_zip(start, replacement, more=()):
    """Return a zip archive with a file of 5,000 bytes, whose directory states something else."""
    raw = zip_bytes([("a", b"12345" * 1000), *more])
    at = raw.rindex(b"PK\x01\x02")
    return raw[: at + start] + replacement + raw[at + start + len(replacement) :]


@pytest.mark.parametrize("size", [0, 1, 4999, 5001, 10**5])
def test_a_zip_member_of_another_size(place, size):
    """The directory states another size than the data have: bytes 24 to 27."""
    path, out = place(damage_zip(24, struct.pack("<I", size)))
    with pytest.raises(DataError, match=r"a complete zip archive|files of the size"):
        extract_archive(path, out)
    assert not out.exists()


def test_zip_members_that_cannot_be_read(place):
    """Encrypted (flag at byte 8), an unknown method (byte 10), a wrong checksum (byte 16)."""
    for start, value in ((8, b"\x01\x00"), (10, b"\x63\x00"), (16, b"abcd")):
        path, out = place(damage_zip(start, value))
        with pytest.raises(DataError, match="a complete zip archive without a password"):
            extract_archive(path, out)
        assert not out.exists()


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "tar", "zip"])
def test_damaged_archives_are_refused(place, kind):
    raw = GOOD[kind]
    for n in (len(raw) // 3, len(raw) // 2):
        path, out = place(raw[:n])
        if kind == "zip":  # The directory is at the end.
            assert not extract_archive(path, out)
        else:
            with pytest.raises(DataError, match=r"a complete tar archive.*Download it again"):
                extract_archive(path, out)
        assert sorted(os.listdir(path.parent)) == ["archive", "secret"]


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_checksums_of_compressed_archives_are_verified(place, module):
    raw = bytearray(module.compress(GOOD["tar"]))
    raw[-12 if module is lzma else -5] ^= 1
    path, out = place(bytes(raw))
    with pytest.raises(DataError, match="a complete tar archive"):
        extract_archive(path, out)
    assert not out.exists()


def test_no_place_for_the_files(place, monkeypatch):
    path, out = place(GOOD["tar"])
    (path.parent / "file").write_bytes(b"")
    with pytest.raises(DataError, match="an archive, and a folder that can be written"):
        extract_archive(path, path.parent / "file" / "out")
    with pytest.raises(DataError, match="an archive, and a folder that can be written"):
        extract_archive(path.parent / "none", out)
    with pytest.raises(DataError, match="where the archive has files and folders"):
        extract_archive(path, path.parent / "file")


def test_an_interrupted_extraction_leaves_nothing(place, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(archives, "_move_into", interrupt)
    path, out = place(GOOD["tar"])
    with pytest.raises(KeyboardInterrupt):
        extract_archive(path, out)
    assert sorted(os.listdir(path.parent)) == ["archive", "secret"]
