"""Host arrays to the device: the only module that does this.

JAX uses host memory at a multiple of 64 bytes as a device array on the CPU, without a copy. NumPy
aligns large arrays to 16 bytes only, and JAX would copy them again, several times as slowly.
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

import jax
import numpy as np

from glassnet.forked_process import require_jax_threads
from glassnet.types import Shape

T = TypeVar("T")

ALIGNMENT = 64
"""Alignment in bytes of host memory that JAX uses without a copy."""


def to_device(tree: T, *, copy: bool = True) -> T:
    """Put a tree's host arrays on the device; device arrays are returned as they are.

    `jnp.asarray` would compile a program for each shape.

    Args:
        tree: NumPy arrays, objects that become NumPy arrays, or device arrays.
        copy: whether to copy each array first, once. False only for arrays that nobody else may
            change: their memory may become that of the device array.

    Raises:
        ConfigError: the process was forked after JAX had started.
    """

    if all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(tree)):
        return tree

    require_jax_threads()

    def put(array: Any) -> Any:
        if isinstance(array, jax.Array):
            return array
        array = np.asarray(array)
        return jax.device_put(copy_aligned(array) if copy else array)

    result: T = jax.tree.map(put, tree)
    return result


def take_rows(tree: T, index: np.ndarray) -> T:
    """Return the rows at `index` of a tree's host arrays, so that `to_device` need not copy them.

    Objects that are not NumPy arrays select their rows themselves.
    """
    result: T = jax.tree.map(
        lambda a: copy_aligned(a, index) if isinstance(a, np.ndarray) else a[index], tree
    )
    return result


def copy_aligned(array: np.ndarray, index: np.ndarray | None = None) -> np.ndarray:
    """Return an aligned copy of an array, or of its rows at `index` (integers >= 0)."""
    if index is None:
        copy = empty_aligned(array.shape, array.dtype)
        copy[...] = array
        return copy
    copy = empty_aligned((len(index), *array.shape[1:]), array.dtype)
    # In mode "raise" NumPy would gather into a second buffer.
    return np.take(array, index, axis=0, out=copy, mode="clip")


def empty_aligned(shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Return an uninitialized, aligned array."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
