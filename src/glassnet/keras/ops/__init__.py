"""Keras's operations, for user-defined layers, losses and metrics, and for arrays.

They are JAX's functions with Keras's parameters. Results outside compiled functions are NumPy
arrays with the method `numpy`.
"""

from __future__ import annotations

from glassnet.keras.compat import export_aliases
from glassnet.keras.ops import core, image, linalg, nn
from glassnet.keras.ops import numpy as numpy_operations

__all__, __getattr__ = export_aliases(
    __name__,
    {
        **numpy_operations.OPERATIONS,
        **linalg.OPERATIONS,
        **nn.OPERATIONS,
        **core.OPERATIONS,
        "image": image,
    },
)
