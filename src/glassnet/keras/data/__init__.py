"""Datasets with the names of `tf.data`: `keras.data.Dataset` for `tf.data.Dataset`."""

from __future__ import annotations

from glassnet.keras.compat import export_aliases, register_module
from glassnet.keras.data import dataset, elements

_CONSTANTS = {
    name: getattr(dataset, name)
    for name in ("AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY")
}

__all__, __getattr__ = export_aliases(
    __name__,
    {
        **_CONSTANTS,
        "Dataset": dataset.Dataset,
        "TensorSpec": elements.TensorSpec,
        "experimental": register_module(
            f"{__name__}.experimental",
            "Names that `tf.data.experimental` has too.",
            {**_CONSTANTS, "cardinality": dataset.Dataset.cardinality},
        ),
    },
)
