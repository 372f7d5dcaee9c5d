"""Binary frames: a JSON header and arrays, in one message to or from the page.

A frame is the length of the header as 4 bytes (little endian), the header, zeros up to a multiple
of 8, and the arrays. The header names each array's type, shape and offset from there.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from glassnet.errors import DataError, message

DTYPES = ("float32", "float64", "int32", "uint8")
"""Types of arrays that a frame may hold: those of JavaScript's typed arrays."""


def pack_frame(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return a frame.

    Args:
        header: values for JSON, with the `type` of the message.
        arrays: by name, each of one of `DTYPES`.
    """
    entries, parts, offset = [], [], 0
    for name, array in arrays.items():
        data = np.ascontiguousarray(array)
        assert data.dtype.name in DTYPES, (name, data.dtype)
        entries.append(
            {"name": name, "dtype": data.dtype.name, "shape": data.shape, "offset": offset}
        )
        padding = -data.nbytes % 8
        parts += [data.tobytes(), bytes(padding)]
        offset += data.nbytes + padding
    text = msgspec.json.encode({**header, "arrays": entries})
    start = struct.pack("<I", len(text)) + text
    return b"".join([start, bytes(-len(start) % 8), *parts])


def split_frame(frame: bytes) -> tuple[bytes, bytes]:
    """Return the header and the body of a frame of the page, whose body is a file.

    Raises:
        DataError: the frame is shorter than its header says.
    """
    length = struct.unpack_from("<I", frame)[0] if len(frame) >= 4 else len(frame)
    start = 4 + length
    start += -start % 8
    if start > len(frame):
        raise DataError(message("studio", "a frame with a header and a body", bytes=len(frame)))
    return frame[4 : 4 + length], frame[start:]
