"""Keras's backend: settings, and the functions of Keras 2 that are in `keras.ops` today.

`clear_session` does nothing: models share no global state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.keras import activations, ops
from glassnet.keras.compat import export_aliases
from glassnet.keras.config import COMMON_NAMES

SAME_NAMES = (
    "abs all any arange cast cos cumsum dot equal exp greater greater_equal less less_equal log max"
    " maximum mean min minimum not_equal one_hot ones ones_like prod reshape round sigmoid sign sin"
    " softmax softplus square squeeze std stack sum tanh transpose var zeros zeros_like"
)
"""Functions whose parameters are those of `keras.ops`."""


def _argmax(x: Any, axis: int = -1) -> Any:
    return ops.argmax(x, axis)


def _argmin(x: Any, axis: int = -1) -> Any:
    return ops.argmin(x, axis)


def _concatenate(tensors: Any, axis: int = -1) -> Any:
    return ops.concatenate(tensors, axis)


def _expand_dims(x: Any, axis: int = -1) -> Any:
    return ops.expand_dims(x, axis)


def _flatten(x: Any) -> Any:
    return ops.reshape(x, (-1,))


def _sqrt(x: Any) -> Any:
    """Return the square root; of negative numbers 0, as Keras 2 does."""
    return ops.sqrt(ops.maximum(x, 0))


def _get_value(x: Any) -> Any:
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)[()]


def _set_value(x: Any, value: Any) -> None:
    x.assign(value)


__all__, __getattr__ = export_aliases(
    __name__,
    {name: getattr(ops, name) for name in SAME_NAMES.split()}
    | COMMON_NAMES
    | {
        "argmax": _argmax,
        "argmin": _argmin,
        "clear_session": (lambda: None, "free_memory~"),
        "clip": (ops.clip, "x! min_value>x_min! max_value>x_max!"),
        "concatenate": _concatenate,
        "expand_dims": _expand_dims,
        "flatten": _flatten,
        "get_value": _get_value,
        "int_shape": np.shape,
        "pow": ops.power,
        "relu": (activations.relu, "x! alpha>negative_slope max_value threshold"),
        "set_value": _set_value,
        "shape": np.shape,
        "sqrt": _sqrt,
    },
)
