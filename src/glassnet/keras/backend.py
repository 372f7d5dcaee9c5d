"""Keras's backend: settings, and the functions of Keras 2 that are in `keras.ops` today.

`clear_session` does nothing: models share no global state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from glassnet.keras import activations, ops
from glassnet.keras.compat import export_aliases
from glassnet.keras.config import COMMON_NAMES

SAME_NAMES = (
    "abs arange cast cos cumsum dot equal exp greater greater_equal less less_equal log maximum"
    " minimum not_equal one_hot ones ones_like reshape round sigmoid sign sin softmax softplus"
    " square squeeze stack tanh transpose zeros zeros_like"
)
REDUCTIONS = "all any max mean min prod std sum var"


def _make_reduction(name: str) -> Callable[..., Any]:
    reduce = getattr(jnp, name)

    def reduction(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return reduce(jnp.asarray(x), axis=axis, keepdims=keepdims)

    return reduction


def _argmax(x: Any, axis: int = -1) -> Any:
    return jnp.argmax(jnp.asarray(x), axis)


def _argmin(x: Any, axis: int = -1) -> Any:
    return jnp.argmin(jnp.asarray(x), axis)


def _clip(x: Any, min_value: Any, max_value: Any) -> Any:
    return jnp.clip(jnp.asarray(x), min_value, max_value)


def _concatenate(tensors: Any, axis: int = -1) -> Any:
    return jnp.concatenate(tensors, axis)


def _expand_dims(x: Any, axis: int = -1) -> Any:
    return jnp.expand_dims(x, axis)


def _flatten(x: Any) -> Any:
    return jnp.reshape(x, (-1,))


def _sqrt(x: Any) -> Any:
    """Return the square root; of negative numbers 0, as Keras 2 does."""
    return jnp.sqrt(jnp.maximum(x, 0))


def _get_value(x: Any) -> Any:
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)[()]


def _set_value(x: Any, value: Any) -> None:
    x.assign(value)


__all__, __getattr__ = export_aliases(
    __name__,
    {name: getattr(ops, name) for name in SAME_NAMES.split()}
    | {name: _make_reduction(name) for name in REDUCTIONS.split()}
    | COMMON_NAMES
    | {
        "argmax": _argmax,
        "argmin": _argmin,
        "clear_session": (lambda: None, "free_memory~"),
        "clip": _clip,
        "concatenate": _concatenate,
        "expand_dims": _expand_dims,
        "flatten": _flatten,
        "get_value": _get_value,
        "int_shape": np.shape,
        "pow": jnp.power,
        "relu": (activations.relu, "x! alpha>negative_slope max_value threshold"),
        "set_value": _set_value,
        "shape": np.shape,
        "sqrt": _sqrt,
    },
)
