"""Reader of .npz files that contain lists of integers, such as texts as word numbers.

NumPy stores such lists as a pickle. A pickle names functions and calls them, so it can run any
code. This reader gives a pickle stand-ins for the three names that an array of lists needs, and
refuses all others. The stand-ins keep the lists and call nothing, so not even NumPy's own functions
receive arguments from the file.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import zipfile
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from glassnet.errors import DataError, message, require, wrap_errors

MAX_ARRAY_SIZE = 200_000_000
"""Limit of the decompressed bytes of an array."""

FIX = "Download it again."


def read_npz(path: str | os.PathLike[str], names: Sequence[str]) -> list[Any]:
    """Read arrays from an archive made by `np.savez`, without running code.

    Args:
        path: the archive.
        names: names of the arrays.

    Returns:
        For each name an array of numbers, or a list of lists of integers.

    Raises:
        DataError: the file is damaged, lacks an array, or contains anything else.

    Example:
        >>> import tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "texts.npz")
        >>> np.savez(path, x=np.array([[1, 2], [3]], dtype=object), y=np.array([0, 1]))
        >>> read_npz(path, ["x", "y"])
        [[[1, 2], [3]], array([0, 1])]
    """
    who = f"read_npz({str(path)!r})"
    expected = f"an archive of the arrays {', '.join(names)}"
    with wrap_errors(who, expected, fix=FIX), zipfile.ZipFile(path) as archive:
        arrays = []
        for name in names:
            info = archive.getinfo(f"{name}.npy")
            most = f"arrays of at most {MAX_ARRAY_SIZE:,} bytes"
            require(
                info.file_size <= MAX_ARRAY_SIZE, who, most, error=DataError, bytes=info.file_size
            )
            arrays.append(_read_array(archive.read(info), f"{who}: {name}"))
        return arrays


def _read_array(raw: bytes, who: str) -> Any:
    """Read one .npy file."""
    stream = io.BytesIO(raw)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(stream)]
    shape, in_fortran_order, dtype = read_header(stream)
    data = raw[stream.tell() :]
    if dtype.kind == "O":
        rows = read_integer_lists(data, who)
        require(shape == (len(rows),), who, "one list per row", error=DataError, shape=shape)
        return rows
    kind = str(dtype)
    require(dtype.kind in "biuf", who, "numbers or lists of integers", error=DataError, dtype=kind)
    size = math.prod(shape) * dtype.itemsize
    fix = "The file is damaged: download it again."
    require(len(data) == size, who, f"{size:,} bytes", error=DataError, bytes=len(data), fix=fix)
    values = np.frombuffer(data, dtype)
    if in_fortran_order:
        return values.reshape(shape, order="F").copy()
    return values.reshape(shape).copy()


def read_integer_lists(raw: bytes, who: str) -> list[list[int]]:
    """Read the pickle of a one-dimensional array of lists of integers.

    Args:
        raw: the pickle, as `np.save` writes it.
        who: start of the error message.

    Raises:
        DataError: the pickle is damaged, or contains anything else.
    """
    expected = "an array of lists of integers"
    with wrap_errors(who, expected, fix=FIX):
        content = _ListUnpickler(io.BytesIO(raw)).load()
        rows: list[Any] = content.rows if type(content) is _ArrayState else [None]
        kinds = {*map(type, rows)}
        require(kinds <= {list}, who, expected, error=DataError, fix=FIX, rows=_names(kinds))
        # A pickle can name one list many times. Each integer of different lists takes two bytes.
        total = sum(map(len, rows))
        require(total < len(raw), who, "different lists", error=DataError, fix=FIX, integers=total)
        kinds = {*map(type, chain.from_iterable(rows))}
        require(kinds <= {int}, who, expected, error=DataError, fix=FIX, types=_names(kinds))
        return rows


def _names(kinds: set[type]) -> list[str]:
    return sorted(kind.__name__ for kind in kinds)


class _ArrayState:
    """The state of an array in a pickle: (version, shape, dtype, order, elements)."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[Any] = [None]

    def __setstate__(self, state: Any) -> None:
        _, (n_rows,), dtype, _, rows = state
        if type(dtype) is not _DtypeState or type(rows) is not list or n_rows != len(rows):
            raise pickle.UnpicklingError("not an array of lists")
        self.rows = rows


class _DtypeState:
    """A dtype in a pickle; only that of Python objects is accepted."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class _ArrayType:
    """A stand-in for `numpy.ndarray`, which is passed but never called."""

    __slots__ = ()


class _MakeDtype:
    """A stand-in for `numpy.dtype`."""

    __slots__ = ()

    def __call__(self, code: Any, *flags: Any) -> _DtypeState:
        if code not in ("O", "O4", "O8"):
            raise pickle.UnpicklingError("not an array of lists")
        return _DtypeState()


class _MakeArray:
    """A stand-in for NumPy's `_reconstruct`."""

    __slots__ = ()

    def __call__(self, kind: Any, shape: Any, code: Any) -> _ArrayState:
        return _ArrayState()


STAND_INS = {
    ("numpy", "ndarray"): _ArrayType(),
    ("numpy", "dtype"): _MakeDtype(),
    ("numpy.core.multiarray", "_reconstruct"): _MakeArray(),
    ("numpy._core.multiarray", "_reconstruct"): _MakeArray(),
}
"""What a pickle receives for the names that it may use. None of them has attributes to set."""


class _ListUnpickler(pickle.Unpickler):
    """An unpickler that imports nothing."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a name; refuse every other name."""
        if (module, name) not in STAND_INS:
            expected = "a pickle that names nothing but NumPy's arrays"
            raise DataError(message("read_npz", expected, name=f"{module}.{name}", fix=FIX))
        return STAND_INS[module, name]
