"""Safetensors files, on disk or in memory: what they say that they hold, before an array of them is
read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import ModelFileError, message, require
from glassnet.storage import json_codec
from glassnet.storage.arrays import DTYPE_CODES, Header

MAX_TEXT_BYTES = 2**23
"""Bytes of JSON that describe a model, at most: each may take twenty in memory."""


class FileContents(NamedTuple):
    """What a safetensors file says that it holds, and how an array is got by its name."""

    metadata: Mapping[str, str]
    header: Header
    get_array: Callable[[str], np.ndarray]


@contextmanager
def open_safetensors(who: str, source: str | os.PathLike[str] | bytes) -> Iterator[FileContents]:
    """A safetensors file, on disk or in memory; no header is taken in that is longer than a
    model's.
    """
    from safetensors import SafetensorError, safe_open

    given = describe_source(source)
    try:
        if isinstance(source, bytes):
            head = source[:8]
        else:
            require(
                Path(source).is_file(), who, "a file that exists", error=ModelFileError, **given
            )
            with open(source, "rb") as raw:
                head = raw.read(8)
        length, fix = (
            int.from_bytes(head, "little"),
            "Files of Keras, HDF5 and pickle are not read.",
        )
        require(
            length <= 2 * MAX_TEXT_BYTES,
            who,
            "a safetensors file",
            error=ModelFileError,
            fix=fix,
            **given,
        )
        if isinstance(source, bytes):
            yield _read_bytes(source, length)
        else:
            with safe_open(source, "numpy") as file:
                slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
                header = {
                    name: (tuple(part.get_shape()), part.get_dtype())
                    for name, part in slices.items()
                }
                yield FileContents(file.metadata() or {}, header, file.get_tensor)
    except (SafetensorError, OSError) as error:
        fix = f"It is damaged, or another kind of file: {str(error)[:200]}."
        raise ModelFileError(message(who, "a safetensors file", fix=fix, **given)) from error


def _read_bytes(data: bytes, header_length: int) -> FileContents:
    """What `safe_open` finds in a file, in its bytes, of which the first `header_length` after
    eight are the header.

    Raises:
        SafetensorError: they are no such file: the header is looked at as a whole before an array
            is copied out.
    """
    from safetensors import deserialize

    found = dict(deserialize(data))
    said = json_codec.loads(data[8 : 8 + header_length].decode())
    header = {name: (tuple(part["shape"]), part["dtype"]) for name, part in found.items()}
    dtypes = {kind: np.dtype(f"<{short}") for short, kind in DTYPE_CODES.items()}

    def get(name: str) -> np.ndarray:
        shape, kind = header[name]
        return np.frombuffer(found[name]["data"], dtypes[kind]).reshape(shape)

    return FileContents(said.get("__metadata__") or {}, header, get)


def describe_source(source: str | os.PathLike[str] | bytes) -> dict[str, Any]:
    """What an error says was received."""
    return {"bytes": len(source)} if isinstance(source, bytes) else {"path": str(source)}
