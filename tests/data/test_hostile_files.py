"""Array files that are damaged or lie: NumPy archives, IDX files and gzip."""

import gzip
import re
import struct
import zipfile
import zlib

import numpy as np
import pytest

import glassnet as gn
from glassnet.data import idx
from glassnet.data.array_files import arrays_from_file
from glassnet.errors import ConfigError, DataError, GlassnetError
from glassnet.file_paths import to_path


def npy(header, body=b""):
    text = header.encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + body


def shape_of(text, dtype="<f8"):
    return npy(f"{{'descr':'{dtype}','fortran_order':False,'shape':{text}}}")


LABELS = npy(
    "{'descr':'<i8','fortran_order':False,'shape':(10,)}", np.arange(10).astype("<i8").tobytes()
)


def write_npz(path, x, compression=zipfile.ZIP_STORED, change=lambda raw: None):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x.npy", x)
        archive.writestr("y.npy", LABELS)
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)
    return path


def encrypt(raw):
    for i in range(len(raw) - 4):
        if raw[i : i + 4] == b"PK\x03\x04":
            raw[i + 6] |= 1
        if raw[i : i + 4] == b"PK\x01\x02":
            raw[i + 8] |= 1


def overwrite(raw):
    raw[70:100] = b"\xaa" * 30


@pytest.mark.parametrize(
    ("x", "compression", "change"),
    [
        (b"hello", 0, lambda raw: None),
        (b"", 0, lambda raw: None),
        (shape_of("(1000000000000,)"), 0, lambda raw: None),
        (shape_of(f"({2**70},)"), 0, lambda raw: None),
        (shape_of("(-1,)"), 0, lambda raw: None),
        (shape_of("(2.5,)"), 0, lambda raw: None),
        (shape_of("(10,)", "|O"), 0, lambda raw: None),
        (shape_of("(10,)", "<q9"), 0, lambda raw: None),
        (npy("(" * 9000), 0, lambda raw: None),
        (npy("-" * 9000 + "1"), 0, lambda raw: None),
        (npy("{'descr':"), 0, lambda raw: None),
        (npy("__import__('os').abort()"), 0, lambda raw: None),
        (LABELS, 0, encrypt),
        (LABELS * 50, zipfile.ZIP_LZMA, overwrite),
        (LABELS * 50, zipfile.ZIP_BZIP2, overwrite),
        (LABELS * 50, zipfile.ZIP_DEFLATED, overwrite),
    ],
)
def test_archives_that_lie_are_refused(tmp_path, x, compression, change):
    path = write_npz(tmp_path / "a.npz", x, compression, change)
    with pytest.raises(DataError, match="expected a complete archive of plain arrays") as caught:
        arrays_from_file(path)
    problem = caught.value.__cause__
    assert problem is not None or "types=['bytes']" in str(caught.value)


def test_mutants_of_an_archive_raise_only_our_errors(tmp_path):
    """3,000 mutants with one to four other bytes, or cut short: read, or refused."""
    path, rng = tmp_path / "a.npz", np.random.default_rng(0)
    x, y = np.arange(24.0).reshape(12, 2), np.repeat([0, 1], 6)
    sources = []
    for save in (np.savez, np.savez_compressed):
        save(path, x=x, y=y)
        sources.append(path.read_bytes())
    outcomes = {"read": 0, "refused": 0}
    for i in range(3000):
        mutant = bytearray(sources[i % 2])
        for position in rng.integers(0, len(mutant), 1 + i % 4):
            mutant[position] = rng.integers(256)
        path.write_bytes(mutant[: rng.integers(len(mutant))] if i % 10 == 0 else mutant)
        try:
            arrays_from_file(path)
            outcomes["read"] += 1
        except GlassnetError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 100, outcomes


def test_mutants_of_idx_files_raise_only_our_errors(tmp_path):
    """1,000 mutants of a plain and a gzipped file, half of them changed in the header."""
    path, rng = tmp_path / "a-idx3-ubyte", np.random.default_rng(0)
    plain = bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 3, 2) + bytes(range(24))
    outcomes = {"read": 0, "refused": 0}
    for i in range(1000):
        mutant = bytearray(plain if i % 2 else gzip.compress(plain, mtime=0))
        for position in rng.integers(0, 16 if i % 4 < 2 else len(mutant), 1 + i % 3):
            mutant[position] = rng.integers(256)
        path.write_bytes(mutant)
        try:
            idx.read_idx(path)
            outcomes["read"] += 1
        except GlassnetError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 100, outcomes


def test_a_header_of_more_axes_than_numpy_has(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes([0, 0, 8, 100]) + struct.pack(">100I", *[1] * 100) + b"\1")
    with pytest.raises(DataError, match=r"expected the shape of an array\. .* axes=100"):
        idx.read_idx(path)
    path.write_bytes(bytes([0, 0, 8, 5]) + struct.pack(">5I", 0, *[2**32 - 1] * 4))
    with pytest.raises(DataError, match="expected the shape of an array"):
        idx.read_idx(path)


def test_gzip_is_read_up_to_the_size_of_the_header(tmp_path, monkeypatch):
    """Oracle: the number of bytes that are decompressed; the file holds 64 MB, its header 3 bytes."""
    head = bytes([0, 0, 8, 1]) + struct.pack(">I", 3)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(head + bytes(2**26), 1))
    sizes = []

    class Counting(gzip.GzipFile):
        def read(self, size=-1):
            block = super().read(size)
            sizes.append(len(block))
            return block

    monkeypatch.setattr(gzip, "GzipFile", Counting)
    text = "expected 3 bytes after the header for shape (3,) of uint8. Received: bytes=1016. The header"
    with pytest.raises(DataError, match=re.escape(text)):
        idx.read_idx(path)
    assert sum(sizes) < 2**21


@pytest.mark.parametrize("read", [arrays_from_file, idx.read_idx])
def test_paths_that_are_none(tmp_path, read):
    class NoPath:
        def __fspath__(self):
            raise RuntimeError("no path")

        def __repr__(self):
            raise RuntimeError("no repr")

    for wrong in (None, 5, ["a.npz"], b"a.npz", NoPath()):
        with pytest.raises(ConfigError, match=r"expected the path of a file\. Received: path="):
            read(wrong)
    for name in ("x" * 5000 + ".npz", str(tmp_path / ("y" * 5000 + "-idx3")), "a\0b-idx3"):
        with pytest.raises(DataError, match=r"expected a file that (exists|can be read)") as caught:
            read(name)
        assert len(str(caught.value)) < 12_000
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(DataError, match="a file that"):
        read(tmp_path / "folder.npz")
    assert to_path("a", "x").name == "a"


@pytest.mark.parametrize(
    ("dtype", "labels"),
    [
        ("uint8", (0, 255)),
        ("int8", (0, 127)),
        ("int8", (-128, 0)),
        ("uint16", (0, 2**16 - 1)),
        ("int16", (0, 1, 2**15 - 1)),
        ("uint32", (0, 2**32 - 1)),
        ("int64", (0, 2**62)),
        ("int64", (0, 2**63 - 1)),
        ("int64", (-(2**63), 0)),
        ("uint64", (0, 2**64 - 1)),
    ],
)
def test_labels_near_the_edge_of_their_type(tmp_path, dtype, labels):
    """Oracle: the labels as Python integers: there is a gap."""
    y = np.array(labels * 10, dtype)
    np.savez(tmp_path / "a.npz", x=np.zeros((len(y), 2)), y=y)
    text = f"expected classes from 0 without a gap. Received: y={list(labels)}, missing=["
    with pytest.raises(DataError, match=re.escape(text)):
        arrays_from_file(tmp_path / "a.npz")


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "uint64", "int64"])
def test_labels_without_a_gap_of_any_type(tmp_path, dtype):
    y = np.array([0, 1] * 10, dtype)
    np.savez(tmp_path / "a.npz", x=np.zeros((20, 2)), y=y)
    data = arrays_from_file(tmp_path / "a.npz")
    assert (data.y.dtype, sorted(set(data.y.tolist()))) == (np.int64, [0, 1])


def test_all_256_classes_of_a_byte(tmp_path):
    y = np.repeat(np.arange(256), 5).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x=np.zeros((len(y), 2)), y=y)
    assert len(arrays_from_file(tmp_path / "a.npz").class_names) == 256


def test_test_rows_have_the_classes_of_training(tmp_path):
    def refused(text, y, y_test):
        x, x_test = np.zeros((len(y), 2)), np.zeros((len(y_test), 2))
        np.savez(tmp_path / "a.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
        with pytest.raises(DataError, match=re.escape(text)):
            arrays_from_file(tmp_path / "a.npz")

    y = np.array([0, 1])
    expected = "expected test rows of the training classes, 0 to 1. Received: others="
    refused(expected + "[2]", y, np.array([0, 2]))
    refused(expected + "[-1]", y, np.array([0, -1]))
    refused(expected + f"[{2**64 - 1}]", y, np.array([0, 2**64 - 1], np.uint64))
    refused(expected + "[0.5]", y, np.array([0.5, 1.0]))
    refused("expected finite numbers only", y * 1.0, np.array([np.nan, 1]))
    refused("expected columns whose differences float32 can hold", y + 1.7e9, y + 1.7e9)
    refused("Values beyond float32's 3.4e38 count as infinite", y * 1e300, y * 1.0)


def test_errors_of_zlib_and_zip_are_chained(tmp_path):
    path = write_npz(tmp_path / "a.npz", LABELS * 50, zipfile.ZIP_DEFLATED, overwrite)
    with pytest.raises(DataError) as caught:
        gn.data.arrays_from_file(path)
    assert isinstance(caught.value.__cause__, zlib.error | zipfile.BadZipFile)
