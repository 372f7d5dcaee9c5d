"""Operations: functions of JAX with Keras's parameters, whose results have Keras's `numpy`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import require
from glassnet.keras.tensors import as_tensor

Function = Callable[..., Any]


def to_jax(x: Any) -> Any:
    """Return lists and arrays as JAX arrays; a Python number, which has no type yet, unchanged."""
    return x if isinstance(x, bool | int | float | complex | jax.Array) else jnp.asarray(x)


def standardize_dtype(dtype: Any, default: Any = "float32") -> Any:
    """Return a dtype of JAX; None for the default. 64-bit numbers become 32-bit numbers."""
    name = getattr(dtype, "name", dtype)
    return jax.dtypes.canonicalize_dtype(default if name is None else name)


def to_tensors(result: Any) -> Any:
    """Return a result with its concrete arrays as tensors."""
    is_array = (jax.Array, np.ndarray, np.generic)
    return jax.tree.map(
        lambda leaf: as_tensor(leaf) if isinstance(leaf, is_array) else leaf, result
    )


def operation(function: Function) -> Function:
    """Return the function with its concrete results as tensors."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return to_tensors(function(*args, **kwargs))

    return call


def unary(function: Function) -> Function:
    """Return a function of JAX as an operation on one array."""
    return operation(lambda x: function(to_jax(x)))


def binary(function: Function) -> Function:
    """Return a function of JAX as an operation on two arrays."""
    return operation(lambda x1, x2: function(to_jax(x1), to_jax(x2)))


def binary_bits(function: Function) -> Function:
    """Return a function of JAX as an operation on two arrays, with Keras's names of integers."""
    return operation(lambda x, y: function(to_jax(x), to_jax(y)))


def reduction(function: Function) -> Function:
    """Return a function of JAX as an operation over axes."""

    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axis = tuple(axis) if isinstance(axis, list) else axis
        return function(to_jax(x), axis=axis, keepdims=keepdims)

    return operation(reduce)


def cumulative(function: Function) -> Function:
    """Return a function of JAX as a running operation along an axis."""

    def accumulate(x: Any, axis: Any = None, dtype: Any = None) -> Any:
        return function(to_jax(x), axis=axis, dtype=dtype)

    return operation(accumulate)


def joining(function: Function) -> Function:
    """Return a function of JAX as an operation on a list of arrays."""
    return operation(lambda xs: function([to_jax(x) for x in xs]))


def splitting(function: Function) -> Function:
    """Return a function of JAX as an operation that splits an array."""
    return operation(
        lambda x, indices_or_sections: function(to_jax(x), _to_sections(indices_or_sections))
    )


def _to_sections(value: Any) -> Any:
    return value if isinstance(value, int) else tuple(int(i) for i in value)


def name_operations(make: Function, functions: Mapping[str, Function]) -> dict[str, Function]:
    """Return operations by name, each made by `make` and named and described."""
    operations = {}
    for name, function in functions.items():
        operations[name] = make(function)
        operations[name].__name__ = operations[name].__qualname__ = name
        first_line = (function.__doc__ or "").strip().split("\n")[0].rstrip(".")
        operations[name].__doc__ = f"{first_line or f'Compute {name}'}."
    return operations


def from_module(module: Any, names: str, **others: str) -> dict[str, Function]:
    """Return the functions of a module by Keras's names; `others` have another name in JAX."""
    return {name: getattr(module, name) for name in names.split()} | {
        name: getattr(module, theirs) for name, theirs in others.items()
    }


def check_data_format(name: str, data_format: Any) -> None:
    """Check that images have their channels last."""
    require(
        data_format in (None, "channels_last"),
        name,
        "data_format=None or 'channels_last' (no other value is supported)",
        data_format=data_format,
        fix="Images are (height, width, channels): move the axis with keras.ops.moveaxis.",
    )
