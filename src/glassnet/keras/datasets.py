"""Keras's datasets that `glassnet.datasets` has too.

`load_data()` returns ((x, y), (x_test, y_test)), all uint8.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet import datasets as ours
from glassnet.keras.compat import export_aliases, register_module


def _dataset_module(name: str, label_shape: tuple[int, ...] = (-1,)) -> Any:
    def load_data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return ((x, y), (x_test, y_test))."""
        (x, y), (x_test, y_test) = ours.load(name)
        return (x, y.astype(np.uint8).reshape(label_shape)), (
            x_test,
            y_test.astype(np.uint8).reshape(label_shape),
        )

    return register_module(
        f"{__name__}.{name}", f"The dataset {name}.", {"load_data": (load_data, "path~")}
    )


__all__, __getattr__ = export_aliases(
    __name__,
    {
        "cifar10": _dataset_module("cifar10", (-1, 1)),
        "fashion_mnist": _dataset_module("fashion_mnist"),
        "mnist": _dataset_module("mnist"),
    },
)
