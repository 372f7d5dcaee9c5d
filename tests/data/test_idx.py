"""Tests of the IDX reader."""

import doctest
import gzip
import struct

import numpy as np
import pytest

from glassnet.data import idx
from glassnet.data.idx import read_idx
from glassnet.errors import DataError


def written(path, type_code, shape, body, pack=bytes):
    path.write_bytes(
        pack(struct.pack(f">BBBB{len(shape)}I", 0, 0, type_code, len(shape), *shape) + body)
    )
    return path


def test_examples():
    assert doctest.testmod(idx).failed == 0


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("code", "letter", "name"),
    [
        (8, "B", "uint8"),
        (9, "b", "int8"),
        (0xB, "h", "int16"),
        (0xC, "i", "int32"),
        (0xD, "f", "float32"),
        (0xE, "d", "float64"),
    ],
)
def test_every_type(tmp_path, pack, code, letter, name):
    """Oracle: Python's struct, big-endian."""
    numbers = [1, 2, 3, 100, 5, 0]
    array = read_idx(
        written(tmp_path / "numbers", code, (2, 3), struct.pack(f">6{letter}", *numbers), pack)
    )
    assert array.tolist() == [[1, 2, 3], [100, 5, 0]]
    assert array.dtype == np.dtype(name)
    assert array.dtype.isnative
    array[0, 0] = 7  # writable


def test_scalar_and_empty(tmp_path):
    assert read_idx(written(tmp_path / "scalar", 8, (), b"\x05")).tolist() == 5
    assert read_idx(written(tmp_path / "empty", 8, (0, 28, 28), b"")).shape == (0, 28, 28)


def test_real_file(shared_data):
    """Oracle: the first bytes of the file itself, read by hand."""
    path = shared_data / "mnist" / "t10k-images-idx3-ubyte.gz"
    raw = gzip.decompress(path.read_bytes())
    images = read_idx(path)
    assert images.shape == (2000, 28, 28)
    assert images[1, 14].tobytes() == raw[16 + 784 + 14 * 28 :][:28]


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (
            b"\x89PNG\r\n",
            r"an IDX file, which starts with bytes 00 00. Received: start='89 50 4e 47'",
        ),
        (b"", r"an IDX file, which starts with bytes 00 00. Received: start=''"),
        (
            b"\0\0\x08",
            r"a complete header \(4 bytes and 4 for each axis\). Received: size=3. The file is truncated: download it again",
        ),
        (b"\0\0\x08\x03\0\0\0\x01", r"a complete header .*Received: size=8"),
        (
            b"\0\0\x07\x01\0\0\0\x01\x05",
            r"type 0x08 \(uint8\), .*0x0e \(float64\). Received: type='0x07'. Is this an IDX file",
        ),
        (
            b"\0\0\x08\x01\0\0\0\x05abc",
            r"5 bytes after the header for shape \(5,\) of uint8. Received: bytes=3. The file is truncated",
        ),
        (
            b"\0\0\x0b\x01\0\0\0\x01abc",
            r"2 bytes after the header for shape \(1,\) of int16. Received: bytes=3. The header and",
        ),
    ],
)
def test_damaged_files(tmp_path, raw, match):
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"read_idx\('.*file'\): expected " + match):
        read_idx(path)


def test_truncated_and_corrupted_gzip(tmp_path):
    path = written(
        tmp_path / "labels.gz", 8, (1000,), np.random.default_rng(0).bytes(1000), gzip.compress
    )
    complete = path.read_bytes()
    for damaged in (
        complete[:-200],
        complete[:10] + b"\xff" + complete[11:],
        complete[:100] + b"XXXX" + complete[104:],
        complete[:-8] + b"\0" * 8,
    ):
        path.write_bytes(damaged)
        with pytest.raises(
            DataError,
            match=r"a complete gzip file. Received: size=\d+, reason='.+'. The file is truncated or damaged",
        ):
            read_idx(path)
