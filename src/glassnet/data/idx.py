"""Reader for IDX, the file format of MNIST: a big-endian header followed by the values."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from glassnet.errors import DataError, message, require
from glassnet.types import Array

IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy dtypes by the type byte of the header."""


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
    who = f"read_idx({str(path)!r})"
    raw = gunzip_if_needed(Path(path).read_bytes(), who)
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
    return np.frombuffer(raw, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


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


def gunzip_if_needed(raw: bytes, who: str) -> bytes:
    """Return the bytes, decompressed if they are gzipped.

    Raises:
        DataError: the gzip data are damaged or their checksum does not match.
    """
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        fix = "The file is truncated or damaged: download it again."
        raise DataError(
            message(who, "a complete gzip file", fix=fix, size=len(raw), reason=str(error))
        ) from error
