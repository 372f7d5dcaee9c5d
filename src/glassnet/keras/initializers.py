"""Keras's initializers.

Their `seed` is ignored: the seed of the model, or `set_random_seed`, sets all random numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet import initializers as ours
from glassnet.keras.compat import STRING_ALIASES, export_aliases, make_get

SCALING_SPEC = "seed~ input_axes=None output_axes=None"
MOMENTS_SPEC = "mean stddev seed~"
CLASSES = {
    "Constant": (ours.Constant, "value"),
    "GlorotNormal": (ours.GlorotNormal, SCALING_SPEC),
    "GlorotUniform": (ours.GlorotUniform, SCALING_SPEC),
    "HeNormal": (ours.HeNormal, SCALING_SPEC),
    "HeUniform": (ours.HeUniform, SCALING_SPEC),
    "Identity": (ours.Identity, "gain"),
    "LecunNormal": (ours.LecunNormal, SCALING_SPEC),
    "LecunUniform": (ours.LecunUniform, SCALING_SPEC),
    "Ones": (ours.Ones,),
    "Orthogonal": (ours.Orthogonal, "gain seed~"),
    "RandomNormal": (ours.RandomNormal, MOMENTS_SPEC),
    "RandomUniform": (ours.RandomUniform, "minval maxval seed~"),
    "TruncatedNormal": (ours.TruncatedNormal, MOMENTS_SPEC),
    "VarianceScaling": (ours.VarianceScaling, "scale mode distribution " + SCALING_SPEC),
    "Zeros": (ours.Zeros,),
}


def _resolve(value: Any) -> Any:
    """Return the initializer of a name; an array is a Constant."""
    if isinstance(value, np.ndarray | np.generic):
        return ours.Constant(value)
    return ours.get(STRING_ALIASES.get(value, value) if isinstance(value, str) else value)


get = make_get(__name__, _resolve)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "get": get,
        "Initializer": ours.Initializer,
        **CLASSES,
        "IdentityInitializer": CLASSES["Identity"],
        "OrthogonalInitializer": CLASSES["Orthogonal"],
        **{name: CLASSES[kind.__name__] for name, kind in ours.INITIALIZERS.items()},
    },
)
