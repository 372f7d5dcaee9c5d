"""Read safetensors files from disk or memory, the header before the arrays.

A file is read by plain reads, never through a memory map: another program that shortens the file in
the meantime then causes an error, where a map would end the process.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from glassnet.errors import ModelFileError, is_int, message, require
from glassnet.file_paths import to_path
from glassnet.output_files import shorten_path
from glassnet.storage import json_codec
from glassnet.storage.arrays import DTYPE_CODES, Header

MAX_TEXT_BYTES = 2**23
"""Maximum size of a model's JSON description; parsing takes up to 20 times as much memory."""

MAX_AXES = 64
"""Maximum number of axes of an array."""

ITEM_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "U16": 16, "I16": 16, "F16": 16,
    "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
"""Bits of a number of each dtype of the format, by its code."""

NUMPY_DTYPES = {code: np.dtype(f"<{short}") for short, code in DTYPE_CODES.items()}


class FileContents(NamedTuple):
    """Metadata and header of a safetensors file, and a function that reads an array by name."""

    metadata: Mapping[str, str]
    header: Header
    get_array: Callable[[str], np.ndarray]


class DamagedFileError(Exception):
    """A file that is not a safetensors file; the message says why."""


@contextmanager
def open_safetensors(who: str, source: str | os.PathLike[str] | bytes) -> Iterator[FileContents]:
    """Open a safetensors file, given by path or as bytes.

    Raises:
        ModelFileError: the file is missing, damaged or of another kind, its header is longer than a
            model's can be, or another program changed it while it was read.
    """
    try:
        with _open_source(who, source) as file:
            before = _stamp(file)
            header_length = _read_header_length(who, file, source)
            plain = _parse_header(file, header_length)
            header, offsets = _check_arrays(plain, _size(file) - 8 - header_length)

            def get_array(name: str) -> np.ndarray:
                shape, code = header[name]
                if code not in NUMPY_DTYPES:
                    raise DamagedFileError(f"Glassnet does not read arrays of {code}")
                array = np.empty(shape, NUMPY_DTYPES[code])
                file.seek(8 + header_length + offsets[name])
                buffer: Any = array.reshape(-1).view(np.uint8)
                if file.readinto(buffer) != len(buffer):  # type: ignore[attr-defined]
                    raise DamagedFileError("the file became shorter while it was read")
                return array

            yield FileContents(plain.get("__metadata__") or {}, header, get_array)
            if _stamp(file) != before:
                raise DamagedFileError("the file changed while it was read")
    except (DamagedFileError, OSError, ValueError) as error:
        if isinstance(error, ModelFileError):
            raise
        fix = f"The file is damaged or of another kind: {str(error)[:200]}."
        text = message(who, "a safetensors file", fix=fix, **describe_source(source))
        raise ModelFileError(text) from error


def _open_source(who: str, source: str | os.PathLike[str] | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    path = to_path(source, who, error=ModelFileError)
    exists = os.path.isfile(path)
    require(exists, who, "a file that exists", error=ModelFileError, **describe_source(path))
    return open(path, "rb")


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _stamp(file: BinaryIO) -> tuple[int, ...]:
    """Return the size of a file and the time of its last change; of bytes, their number."""
    if isinstance(file, io.BytesIO):
        return (_size(file),)
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _read_header_length(who: str, file: BinaryIO, source: str | os.PathLike[str] | bytes) -> int:
    """Read the header's length from the first eight bytes and check its limit."""
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    require(
        length <= 2 * MAX_TEXT_BYTES,
        who,
        "a safetensors file",
        error=ModelFileError,
        fix="Keras, HDF5 and pickle files are not supported.",
        **describe_source(source),
    )
    return length


def _parse_header(file: BinaryIO, length: int) -> dict[str, Any]:
    """Read the header, which starts after eight bytes, and parse it.

    Raises:
        DamagedFileError: the header is incomplete, is not a JSON object, or has other metadata than
            text.
    """
    text = file.read(length)
    if length < 2 or len(text) != length:
        raise DamagedFileError("the header is incomplete")
    try:
        plain: Any = json_codec.loads(text.decode())
    except (ModelFileError, UnicodeDecodeError) as error:
        raise DamagedFileError(f"the header is not JSON, {str(error)[-100:].strip('.')}") from error
    metadata = plain.get("__metadata__") if isinstance(plain, dict) else 0
    if metadata is not None and not (
        isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    ):
        raise DamagedFileError("the header is not an object with text as metadata")
    return dict(plain)


def _check_arrays(plain: Mapping[str, Any], n_bytes: int) -> tuple[Header, dict[str, int]]:
    """Return the header and the offset of each array; together they take `n_bytes`.

    Raises:
        DamagedFileError: an entry is not one of an array; arrays overlap, leave a gap, or end
            before or after the file does.
    """
    header, spans = {}, []
    for name, entry in plain.items():
        if name == "__metadata__":
            continue
        try:
            shape, code, (start, stop) = entry["shape"], entry["dtype"], entry["data_offsets"]
            fits = (
                len(shape) <= MAX_AXES
                and all(is_int(n, least=0) for n in (*shape, start, stop))
                and 8 * (stop - start) == math.prod(shape) * ITEM_BITS[code]
            )
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise DamagedFileError(f"array {name[:100]!r} has no valid shape, dtype and offsets")
        header[name] = (tuple(shape), code)
        spans.append((start, stop, name))
    end = 0
    for start, stop, name in sorted(spans):
        if start != end:
            raise DamagedFileError(f"array {name[:100]!r} does not start where the one before ends")
        end = stop
    if end != n_bytes:
        raise DamagedFileError(f"arrays of {end:,} bytes, but {n_bytes:,} bytes in the file")
    return header, {name: start for start, _, name in spans}


def describe_source(source: str | os.PathLike[str] | bytes) -> dict[str, Any]:
    """Return the received value for an error message: the path, or the number of bytes."""
    return {"bytes": len(source)} if isinstance(source, bytes) else {"path": shorten_path(source)}
