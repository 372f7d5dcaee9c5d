"""Keras's regularizers."""

from __future__ import annotations

from typing import Any

from glassnet import regularizers as ours
from glassnet.keras.compat import export_aliases, make_get


def _resolve(value: Any) -> Any:
    """Return the regularizer of a name of Keras."""
    return ours.L1L2() if value == "l1l2" else ours.get(value)


get = make_get(__name__, _resolve)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "get": get,
        "Regularizer": ours.Regularizer,
        "L1": (ours.L1, "l1"),
        "L2": (ours.L2, "l2"),
        "L1L2": (ours.L1L2, "l1 l2"),
        "OrthogonalRegularizer": (ours.OrthogonalRegularizer, "factor mode"),
        "l1": (ours.L1, "l1"),
        "l2": (ours.L2, "l2"),
        "l1_l2": (ours.L1L2, "l1 l2"),
        "orthogonal_regularizer": (ours.OrthogonalRegularizer, "factor mode"),
    },
)
