"""What tells data from other data, in a line: their form and the beginning of their SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


def array_fingerprint(array: Any) -> str:
    """An array's mark.

    Example:
        >>> array_fingerprint(np.zeros((2, 3), np.float32))
        'float32 (2, 3) 9d908ecfb6b256de'
    """
    array = np.ascontiguousarray(array)
    return f"{array.dtype} {array.shape} {hashlib.sha256(array.view(np.uint8) if array.size else b'').hexdigest()[:16]}"


def tree_fingerprint(tree: Any) -> str:
    """The mark of all arrays of a tree together."""
    return hashlib.sha256(
        "".join(map(array_fingerprint, jax.tree.leaves(tree))).encode()
    ).hexdigest()[:16]


def combined_fingerprint(arrays: Mapping[str, Any], *texts: str) -> str:
    """The mark of arrays, by their names, and texts together."""
    return hashlib.sha256(
        json.dumps([fingerprint_by_name(arrays), *texts], sort_keys=True).encode()
    ).hexdigest()[:16]


def fingerprint_by_name(arrays: Mapping[str, Any]) -> dict[str, str | None]:
    """The mark of each array; None where there is none."""
    return {
        name: None if array is None else array_fingerprint(array) for name, array in arrays.items()
    }
