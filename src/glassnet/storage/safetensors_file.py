"""Read safetensors files from disk or memory, the header before the arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import ModelFileError, message, require
from glassnet.output_files import shorten_path
from glassnet.storage import json_codec
from glassnet.storage.arrays import DTYPE_CODES, Header

MAX_TEXT_BYTES = 2**23
"""Maximum size of a model's JSON description; parsing takes up to 20 times as much memory."""


class FileContents(NamedTuple):
    """Metadata and header of a safetensors file, and a function that reads an array by name."""

    metadata: Mapping[str, str]
    header: Header
    get_array: Callable[[str], np.ndarray]


@contextmanager
def open_safetensors(who: str, source: str | os.PathLike[str] | bytes) -> Iterator[FileContents]:
    """Open a safetensors file, given by path or as bytes.

    Raises:
        ModelFileError: the file is missing, damaged or of another kind, or its header is longer
            than a model's can be.
    """
    from safetensors import SafetensorError, safe_open

    try:
        header_length = _read_header_length(who, source)
        if isinstance(source, bytes):
            yield _read_bytes(source, header_length)
        else:
            with safe_open(source, "numpy") as file:
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
                header = {
                    name: (tuple(part.get_shape()), part.get_dtype())
                    for name, part in slices.items()
                }
                yield FileContents(file.metadata() or {}, header, file.get_tensor)
    except (SafetensorError, OSError) as error:
        fix = f"The file is damaged or of another kind: {str(error)[:200]}."
        text = message(who, "a safetensors file", fix=fix, **describe_source(source))
        raise ModelFileError(text) from error


def _read_header_length(who: str, source: str | os.PathLike[str] | bytes) -> int:
    """Read the header's length from the first eight bytes and check its limit."""
    received = describe_source(source)
    if isinstance(source, bytes):
        start = source[:8]
    else:
        exists = os.path.isfile(source)
        require(exists, who, "a file that exists", error=ModelFileError, **received)
        with open(source, "rb") as file:
            start = file.read(8)
    length = int.from_bytes(start, "little")
    require(
        length <= 2 * MAX_TEXT_BYTES,
        who,
        "a safetensors file",
        error=ModelFileError,
        fix="Keras, HDF5 and pickle files are not supported.",
        **received,
    )
    return length


def _read_bytes(data: bytes, header_length: int) -> FileContents:
    """Read a safetensors file in memory, whose header starts after eight bytes.

    Raises:
        SafetensorError: the data is not a safetensors file; the whole header is checked first.
    """
    from safetensors import deserialize

    parts = dict(deserialize(data))  # type: ignore[no-untyped-call]
    json_header = json_codec.loads(data[8 : 8 + header_length].decode())
    header = {name: (tuple(part["shape"]), part["dtype"]) for name, part in parts.items()}
    dtypes = {code: np.dtype(f"<{short}") for short, code in DTYPE_CODES.items()}

    def get_array(name: str) -> np.ndarray:
        shape, code = header[name]
        return np.frombuffer(parts[name]["data"], dtypes[code]).reshape(shape)

    return FileContents(json_header.get("__metadata__") or {}, header, get_array)


def describe_source(source: str | os.PathLike[str] | bytes) -> dict[str, Any]:
    """Return the received value for an error message: the path, or the number of bytes."""
    return {"bytes": len(source)} if isinstance(source, bytes) else {"path": shorten_path(source)}
