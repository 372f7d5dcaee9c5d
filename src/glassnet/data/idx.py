"""Reader for IDX, the file format of MNIST: a big-endian header followed by the values."""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from glassnet.errors import DataError, message, require, wrap_errors
from glassnet.file_paths import to_path
from glassnet.suggestions import suggest_arguments
from glassnet.types import Array

IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy dtypes by the type byte of the header."""

MAX_HEADER_SIZE = 4 + 4 * 255
"""Size of a header of 255 axes."""

BLOCK_SIZE = 2**20
"""Number of bytes that are decompressed at once."""


@suggest_arguments
def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read one array from an IDX file, gzipped or plain.

    The bytes are 0, 0, type, d, then d sizes of four bytes each, then the values in row-major
    order. Everything is big-endian.

    Args:
        path: the file, such as train-images-idx3-ubyte.gz.

    Returns:
        A writable array in the machine's byte order, with the dtype and shape of the header.

    Raises:
        DataError: the file is not an IDX file, has an unknown type, or has a size that differs
            from its header.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels"
        >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
        >>> read_idx(path)
        array([5, 0, 4], dtype=uint8)

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database", section "File formats".
    """
    path = to_path(path, "read_idx")
    who = f"read_idx({str(path)!r})"
    raw = gunzip_if_needed(read_bytes(path, who), who, limit=_file_size)
    dtype, shape = _read_header(raw, who)
    start = 4 + 4 * len(shape)
    expected, received = math.prod(shape) * dtype.itemsize, len(raw) - start
    require(
        received == expected,
        who,
        f"{expected} bytes after the header for shape {shape} of {dtype.name}",
        error=DataError,
        fix="The file is truncated: download it again."
        if received < expected
        else "The header and the contents disagree: download it again.",
        bytes=received,
    )
    # More axes than NumPy has, or sizes beyond its integers:
    with wrap_errors(who, "the shape of an array", shape=shape[:5], axes=len(shape)):
        values = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def read_bytes(path: str | os.PathLike[str], who: str) -> bytes:
    """Return the contents of a file.

    Raises:
        DataError: the file does not exist or cannot be read.
    """
    with wrap_errors(who, "a file that can be read"):
        return Path(path).read_bytes()


def _file_size(start: bytes) -> int:
    """Return the size that the header of an IDX file states, or that of a header."""
    if len(start) < 4 or len(start) < 4 + 4 * start[3] or start[2] not in IDX_DTYPES:
        return MAX_HEADER_SIZE
    shape = struct.unpack_from(f">{start[3]}I", start, 4)
    itemsize: int = np.dtype(IDX_DTYPES[start[2]]).itemsize
    return 4 + 4 * len(shape) + int(math.prod(shape)) * itemsize


def _read_header(raw: bytes, who: str) -> tuple[np.dtype, tuple[int, ...]]:
    """Return the dtype and shape of the array."""
    require(
        raw[:2] == b"\0\0",
        who,
        "an IDX file, which starts with bytes 00 00",
        error=DataError,
        start=raw[:4].hex(" "),
    )
    require(
        len(raw) >= 4 and len(raw) >= 4 + 4 * raw[3],
        who,
        "a complete header (4 bytes and 4 for each axis)",
        error=DataError,
        fix="The file is truncated: download it again.",
        size=len(raw),
    )
    types = ", ".join(f"0x{code:02x} ({np.dtype(name).name})" for code, name in IDX_DTYPES.items())
    require(
        raw[2] in IDX_DTYPES,
        who,
        f"type {types}",
        error=DataError,
        fix="Is this an IDX file?",
        type=f"0x{raw[2]:02x}",
    )
    return np.dtype(IDX_DTYPES[raw[2]]), struct.unpack_from(f">{raw[3]}I", raw, 4)


def gunzip_if_needed(raw: bytes, who: str, limit: Callable[[bytes], int]) -> bytes:
    """Return the bytes, decompressed if they are gzipped.

    Args:
        raw: the contents of a file.
        who: start of the error message.
        limit: returns the expected size, given the first bytes. Of more, one byte is read: a small
            file can hold any number.

    Raises:
        DataError: the gzip data are damaged or their checksum does not match.
    """
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            contents = bytearray(file.read(MAX_HEADER_SIZE))
            remaining = limit(bytes(contents)) + 1 - len(contents)
            while remaining > 0 and (block := file.read(min(remaining, BLOCK_SIZE))):
                contents += block
                remaining -= len(block)
            return bytes(contents)
    except (EOFError, zlib.error, gzip.BadGzipFile, MemoryError) as error:
        fix = "The file is truncated or damaged: download it again."
        raise DataError(
            message(who, "a complete gzip file", fix=fix, size=len(raw), reason=str(error))
        ) from error
