"""Short fingerprints of arrays: dtype, shape and the first digits of the SHA-256 hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def _short_hash(data: Any) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def array_fingerprint(array: Any) -> str:
    """Return the fingerprint of an array.

    Example:
        >>> array_fingerprint(np.zeros((2, 3), np.float32))
        'float32 (2, 3) 9d908ecfb6b256de'
    """
    array = np.ascontiguousarray(array)
    data = array.view(np.uint8) if array.size else b""
    return f"{array.dtype} {array.shape} {_short_hash(data)}"


def tree_fingerprint(tree: Any) -> str:
    """Return one fingerprint of all arrays of a tree."""
    return _short_hash("".join(map(array_fingerprint, jax.tree.leaves(tree))).encode())


def combined_fingerprint(arrays: Mapping[str, Any], *texts: str) -> str:
    """Return one fingerprint of named arrays and texts."""
    return _short_hash(json.dumps([fingerprint_by_name(arrays), *texts], sort_keys=True).encode())


def fingerprint_by_name(arrays: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the fingerprint of each array; None stays None."""
    return {
        name: None if array is None else array_fingerprint(array) for name, array in arrays.items()
    }
