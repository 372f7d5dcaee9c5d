"""Initializers: the starting values of the weights, drawn with NumPy on the host.

A layer preserves the variance of its input if its weights have the right variance:

- 2 / (fan_in + fan_out) for sigmoid, tanh and softmax (Glorot),
- 2 / fan_in for ReLU, which sets half of its inputs to 0 (He),
- 1 / fan_in for self-normalizing networks (LeCun).

`fan_in` is the number of inputs of one output, `fan_out` the number of outputs of one input. Every
initializer is called as `initializer(rng, shape)` and returns a float32 array.
"""

from __future__ import annotations

from glassnet.errors import lookup, require
from glassnet.initializers.constant_random import (
    Constant,
    Identity,
    Ones,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    Zeros,
)
from glassnet.initializers.initializer import Initializer
from glassnet.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    VarianceScaling,
    fans,
)
from glassnet.suggestions import publish

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "fans",
    "get",
]

INITIALIZERS: dict[str, type[Initializer]] = {
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "variance_scaling": VarianceScaling,
    "orthogonal": Orthogonal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "identity": Identity,
}


def get(value: str | Initializer) -> Initializer:
    """Return the initializer called `value`; an initializer is returned unchanged.

    Raises:
        ConfigError: if the name is unknown (the message suggests another), or if `value` is
            neither a name nor an initializer.

    Example:
        >>> get("he_normal")
        HeNormal()
    """
    if isinstance(value, str):
        return lookup("initializer", value, INITIALIZERS)()
    fix = f"Write {value.__name__}(...)." if isinstance(value, type) else ""
    require(
        isinstance(value, Initializer),
        "initializer",
        "a name or an Initializer",
        initializer=value,
        fix=fix,
    )
    return value


publish(__name__, [name for name in __all__ if name != "fans"])
