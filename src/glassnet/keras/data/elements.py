"""Elements of a dataset: arrays, alone or in tuples and dicts.

Numbers and texts become arrays by the rules of tf.data: Python's ints become int32 and its floats
float32, arrays keep their dtype, and texts become bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.errors import DataError, message, require, wrap_errors
from glassnet.keras.tensors import as_tensor
from glassnet.types import Shape

NUMERIC_KINDS = "biufc"
"""Kinds of NumPy's dtypes that hold numbers."""


@dataclass(frozen=True)
class TensorSpec:
    """Shape and dtype of a part of an element.

    Args:
        shape: sizes of the axes, None for one that varies; None if even their number varies.
        dtype: a NumPy dtype or its name; object, str, bytes or "string" for texts.
        name: ignored.

    Example:
        >>> TensorSpec((None, 28, 28), "float32")
        TensorSpec(shape=(None, 28, 28), dtype=float32, name=None)
    """

    shape: tuple[int | None, ...] | None
    dtype: Any = np.float32
    name: str | None = None

    def __post_init__(self) -> None:
        shape = None if self.shape is None else tuple(self.shape)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "dtype", _to_dtype(self.dtype))

    def __repr__(self) -> str:
        dtype = "string" if self.dtype == object else self.dtype
        return f"TensorSpec(shape={self.shape}, dtype={dtype}, name={self.name!r})"


def map_structure(function: Callable[..., Any], *elements: Any) -> Any:
    """Return a structure of `function`'s results for the arrays of elements of one structure."""
    first = elements[0]
    if isinstance(first, tuple):
        parts = [map_structure(function, *each) for each in zip(*elements, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    if isinstance(first, Mapping):
        names = list(first)
        return {name: map_structure(function, *(e[name] for e in elements)) for name in names}
    return function(*elements)


def list_arrays(element: Any) -> list[Any]:
    """Return the arrays of an element in order."""
    arrays: list[Any] = []
    map_structure(arrays.append, element)
    return arrays


def to_element(value: Any) -> Any:
    """Return a user's value as an element, whose lists are arrays."""
    if isinstance(value, tuple | Mapping):
        parts = list(value.values()) if isinstance(value, Mapping) else value
        elements = [to_element(part) for part in parts]
        if isinstance(value, Mapping):
            return dict(zip(value, elements, strict=True))
        return type(value)(*elements) if hasattr(value, "_fields") else tuple(elements)
    return value if hasattr(value, "element_spec") else to_array(value)


def to_array(value: Any) -> np.ndarray:
    """Return a part of an element as an array.

    Raises:
        DataError: rows of several lengths, or values that are neither numbers nor texts.
    """
    if isinstance(value, str | bytes):
        return to_bytes(np.asarray(value, object))
    try:
        array = np.asarray(value)
    except ValueError as error:
        fix = "Write a tuple (x, y) for parts of different shapes."
        raise DataError(message("Dataset", "rows of one shape", fix=fix)) from error
    if array.dtype.kind in NUMERIC_KINDS:
        return array if _has_dtype(value) else _narrow(array)
    is_text = array.dtype.kind in "US" or (
        array.dtype.kind == "O" and all(isinstance(each, str | bytes) for each in array.flat)
    )
    require(
        is_text,
        "Dataset",
        "numbers or texts",
        error=DataError,
        dtype=str(array.dtype),
        fix='Convert the columns first, for example x.astype("float32").',
    )
    return to_bytes(array)


def to_bytes(texts: np.ndarray) -> np.ndarray:
    """Return an array of texts as an array of bytes, encoded as UTF-8."""
    encoded = [each.encode() if isinstance(each, str) else bytes(each) for each in texts.flat]
    return np.array(encoded, object).reshape(texts.shape)


def to_tensors(element: Any) -> Any:
    """Return an element whose arrays have the method `numpy`."""
    return map_structure(_to_tensor, element)


def to_numpy(element: Any) -> Any:
    """Return an element of plain arrays, and of numbers instead of arrays without axes."""
    return map_structure(lambda value: as_leaf(value)[()], element)


def as_leaf(value: Any) -> Any:
    """Return a number, text or array as an array; a text remains an object."""
    if isinstance(value, np.ndarray):
        return value.view(np.ndarray)
    return np.asarray(value, object if isinstance(value, str | bytes) else None)


def stack(elements: Sequence[Any]) -> Any:
    """Return elements of one structure as one, with a first axis for their number.

    Raises:
        DataError: their shapes differ.
    """
    return map_structure(lambda *parts: _stack_parts(parts), *elements)


def unstack(rows: Any) -> Iterator[Any]:
    """Yield the elements of arrays whose first axis is their number."""
    if isinstance(rows, np.ndarray):
        yield from rows
        return
    arrays = list_arrays(rows)
    sizes = {len(array) for array in arrays}
    require(
        len(sizes) == 1, "unbatch", "parts with as many rows", error=DataError, rows=sorted(sizes)
    )
    is_plain = type(rows) is tuple and len(rows) == len(arrays)
    for row in zip(*arrays, strict=True):
        parts = iter(row)
        yield row if is_plain else map_structure(lambda _, each=parts: next(each), rows)


def pad_and_stack(elements: Sequence[Any], shapes: Any, values: Any) -> Any:
    """Return elements whose arrays are padded at their ends to one shape, and stacked.

    Args:
        elements: elements of one structure.
        shapes: a structure of shapes, with None for the largest size; or None for all.
        values: a structure of the numbers to pad with, one number for all, or None for 0 and b"".
    """
    parts = zip(*map(list_arrays, elements), strict=True)
    shapes, values = _distribute(elements[0], shapes), _distribute(elements[0], values)
    padded = map(_pad_parts, parts, shapes, values)
    return map_structure(lambda _: next(padded), elements[0])


def _distribute(element: Any, settings: Any) -> list[Any]:
    """Return the setting of each array of an element; a number or None holds for all."""
    if not isinstance(element, tuple | Mapping):
        return [settings]
    is_one = not isinstance(settings, tuple | list | Mapping)
    keys = list(element) if isinstance(element, Mapping) else range(len(element))
    return [
        setting
        for key in keys
        for setting in _distribute(element[key], settings if is_one else settings[key])
    ]


def _pad_parts(parts: Sequence[Any], shape: Any, value: Any) -> np.ndarray:
    parts = [as_leaf(part) for part in parts]
    shape = (shape,) if isinstance(shape, int) else shape
    largest = np.max([part.shape for part in parts], axis=0).astype(int).tolist()
    sizes = [
        most if size in (None, -1) else int(size)
        for most, size in zip(largest, largest if shape is None else shape, strict=True)
    ]
    fits = all(most <= size for most, size in zip(largest, sizes, strict=True))
    require(
        fits,
        "padded_batch",
        f"rows of at most {tuple(sizes)}",
        error=DataError,
        shape=tuple(largest),
    )
    if value is None:
        value = b"" if parts[0].dtype == object else 0
    result = np.full((len(parts), *sizes), value, parts[0].dtype)
    for i, part in enumerate(parts):
        corner: Any = (i, *map(slice, part.shape))
        result[corner] = part
    return result


def describe(element: Any, leading: Sequence[int | None] = ()) -> Any:
    """Return the structure of `TensorSpec` of an element.

    Args:
        element: an example.
        leading: sizes of the first axes, instead of the example's.
    """

    def describe_part(value: Any) -> Any:
        if hasattr(value, "element_spec"):
            return value
        array = as_leaf(value)
        shape = (*leading, *array.shape[len(leading) :])[: array.ndim]
        return TensorSpec(shape, array.dtype)

    return map_structure(describe_part, element)


def describe_like(element: Any, spec: Any) -> Any:
    """Return the spec of an element; its first axis varies if that of all arrays of `spec` does."""
    shapes = [getattr(part, "shape", ()) for part in list_arrays(spec)]
    varies = all(shape and shape[0] is None for shape in shapes)

    def mark(part: Any) -> Any:
        if varies and isinstance(part, TensorSpec) and part.shape and part.shape[0] == 1:
            return replace(part, shape=(None, *part.shape[1:]))
        return part

    return map_structure(mark, describe(element))


def copy_arrays(element: Any) -> Any:
    """Return an element whose arrays are copies."""
    return map_structure(
        lambda part: part.copy() if isinstance(part, np.ndarray) else part, element
    )


def as_tuples(types: Any) -> Any:
    """Return a structure whose lists are tuples."""
    return tuple(map(as_tuples, types)) if isinstance(types, list | tuple) else types


def cast(element: Any, signature: Any) -> Any:
    """Return an element of a generator in the dtypes of its signature.

    Raises:
        DataError: another structure or another shape.
    """

    def cast_part(spec: TensorSpec, value: Any) -> np.ndarray:
        array = as_leaf(value)
        sizes = array.shape if spec.shape is None else spec.shape
        fits = len(sizes) == array.ndim and all(
            size in (None, actual) for size, actual in zip(sizes, array.shape, strict=True)
        )
        shape = array.shape
        require(fits, "from_generator", f"shape {spec.shape}", error=DataError, shape=shape)
        result: np.ndarray = array.astype(spec.dtype, copy=False)
        return result

    with wrap_errors("from_generator", f"elements like {signature}", element=element):
        return map_structure(cast_part, _to_specs(signature), element)


def _to_specs(signature: Any) -> Any:
    """Return a signature of objects with a shape and a dtype, as TensorFlow's are."""
    return map_structure(
        lambda spec: spec if isinstance(spec, TensorSpec) else TensorSpec(spec.shape, spec.dtype),
        as_tuples(signature),
    )


def _to_dtype(dtype: Any) -> np.dtype:
    dtype = getattr(dtype, "as_numpy_dtype", dtype)  # of tf.DType
    result = np.dtype(object if dtype in ("string", str, bytes) else dtype)
    return np.dtype(object) if result.kind in "US" else result


def _to_tensor(value: Any) -> Any:
    return value if hasattr(value, "element_spec") else as_tensor(as_leaf(value))


def _has_dtype(value: Any) -> bool:
    """Return whether numbers have a dtype of their own, as arrays do and Python's do not."""
    while isinstance(value, list | tuple | range) and len(value):
        value = value[0]
    return hasattr(value, "dtype") or hasattr(value, "__array__") or hasattr(value, "dtypes")


def _narrow(array: np.ndarray) -> np.ndarray:
    """Return Python's numbers as int32 and float32, or as int64 if they are too large."""
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    fits = array.dtype == np.int64 and (not array.size or _fits_int32(array))
    return array.astype(np.int32) if fits else array


def _fits_int32(array: np.ndarray) -> bool:
    limits = np.iinfo(np.int32)
    return bool(array.min() >= limits.min and array.max() <= limits.max)


def _stack_parts(parts: Sequence[Any]) -> np.ndarray:
    first = parts[0]
    is_array = isinstance(first, np.ndarray)
    if not is_array or not first.ndim:
        dtype = object if isinstance(first, str | bytes) else None
        return np.asarray(parts, dtype)
    shapes: set[Shape] = {part.shape for part in parts}
    require(
        len(shapes) == 1,
        "batch",
        "elements of one shape",
        error=DataError,
        shapes=sorted(shapes)[:3],
        fix="Resize or pad them first, or write padded_batch.",
    )
    return np.stack(parts)
