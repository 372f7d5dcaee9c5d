"""Keras's datasets: `load_data(...)` returns ((x, y), (x_test, y_test)).

They are downloaded once, to $GLASSNET_DATA_HOME or to the user's cache.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from glassnet import datasets as ours
from glassnet.keras.compat import export_aliases, register_module
from glassnet.keras.datasets import (
    boston_housing,
    california_housing,
    cifar100,
    imdb,
    reuters,
)
from glassnet.keras.datasets.rows import Split


def _image_module(name: str, label_shape: tuple[int, ...] = (-1,)) -> ModuleType:
    def load_data() -> tuple[Split, Split]:
        """Return ((x, y), (x_test, y_test)), all uint8."""
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
        "boston_housing": boston_housing,
        "california_housing": california_housing,
        "cifar10": _image_module("cifar10", (-1, 1)),
        "cifar100": cifar100,
        "fashion_mnist": _image_module("fashion_mnist"),
        "imdb": imdb,
        "mnist": _image_module("mnist"),
        "reuters": reuters,
    },
)
