"""Keras's operations, for user-defined losses, metrics and activations: JAX's functions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from glassnet.keras.compat import export_aliases

JNP_NAMES = """
abs absolute add all any arange argmax argmin arccos arcsin arctan clip concatenate cos cosh cumsum
divide dot equal exp expand_dims expm1 floor full_like greater greater_equal isfinite isnan less
less_equal log log10 log1p log2 logical_and logical_not logical_or matmul max maximum mean median
min minimum multiply negative not_equal ones ones_like power prod reciprocal reshape round sign sin
sinh sort sqrt square squeeze stack std subtract sum take tan tanh transpose var where zeros
zeros_like
"""
NN_NAMES = """
elu gelu hard_sigmoid leaky_relu log_sigmoid log_softmax one_hot relu relu6 selu sigmoid silu
softmax softplus swish
"""


def _cast(x: Any, dtype: Any) -> Any:
    return jnp.asarray(x).astype(dtype)


__all__, __getattr__ = export_aliases(
    __name__,
    {name: getattr(jnp, name) for name in JNP_NAMES.split()}
    | {name: getattr(jax.nn, name) for name in NN_NAMES.split()}
    | {
        "cast": _cast,
        "convert_to_tensor": jnp.asarray,
        "erf": jax.scipy.special.erf,
        "logsumexp": jax.nn.logsumexp,
        "rsqrt": jax.lax.rsqrt,
    },
)
