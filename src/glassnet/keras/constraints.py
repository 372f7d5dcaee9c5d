"""Keras's constraints."""

from __future__ import annotations

from glassnet import constraints as ours
from glassnet.keras.compat import export_aliases, make_get

ALIASES = {
    "MaxNorm": (ours.MaxNorm, "max_value axis"),
    "MinMaxNorm": (ours.MinMaxNorm, "min_value max_value rate axis"),
    "NonNeg": (ours.NonNeg,),
    "UnitNorm": (ours.UnitNorm, "axis"),
}

get = make_get(__name__, ours.get)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "get": get,
        "Constraint": ours.Constraint,
        **ALIASES,
        "max_norm": ALIASES["MaxNorm"],
        "min_max_norm": ALIASES["MinMaxNorm"],
        "non_neg": ALIASES["NonNeg"],
        "unit_norm": ALIASES["UnitNorm"],
    },
)
