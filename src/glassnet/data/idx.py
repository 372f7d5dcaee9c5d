"""The IDX format of MNIST and its successors: a big-endian header, then the numbers."""

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


def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read one array from an IDX file, gzipped or plain.

    The bytes are 0, 0, type, d, then d sizes of four bytes each, then the entries in row-major
    order; all big-endian.

    Args:
        path: the file, such as train-images-idx3-ubyte.gz.

    Returns:
        A writable array in this machine's byte order, with the type and the shape that the file
        names.

    Raises:
        DataError: the file is truncated, is no IDX file, names an unknown type or holds more or
            less than it says.

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
        "a whole header (4 bytes and 4 for each axis)",
        error=DataError,
        fix="The file is truncated: fetch it again.",
        size=len(raw),
    )
    require(
        raw[2] in IDX_DTYPES,
        who,
        "type "
        + ", ".join(f"0x{code:02x} ({np.dtype(name).name})" for code, name in IDX_DTYPES.items()),
        error=DataError,
        fix="Is this an IDX file?",
        type=f"0x{raw[2]:02x}",
    )
    dtype, start = np.dtype(IDX_DTYPES[raw[2]]), 4 + 4 * raw[3]
    shape = struct.unpack_from(f">{raw[3]}I", raw, 4)
    expected, received = math.prod(shape) * dtype.itemsize, len(raw) - start
    require(
        received == expected,
        who,
        f"{expected} bytes after the header for shape {shape} of {dtype.name}",
        error=DataError,
        fix="The file is truncated: fetch it again."
        if received < expected
        else "The header and the contents disagree: fetch it again.",
        bytes=received,
    )
    return np.frombuffer(raw, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def gunzip_if_needed(raw: bytes, who: str) -> bytes:
    """The bytes themselves, or what they hold if they are gzip's; its checksum is verified, and a
    damaged file is a `DataError`.
    """
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        fix = "The file is truncated or damaged: fetch it again."
        raise DataError(
            message(who, "a whole gzip file", fix=fix, size=len(raw), reason=str(error))
        ) from error
