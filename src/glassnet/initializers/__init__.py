"""Initializers: the numbers that weights start from, drawn with NumPy on the host.

A layer keeps the signal's size when its weights have the right variance: 2 / (fan_in + fan_out) for
sigmoid, tanh and softmax (Glorot), 2 / fan_in for ReLU, which drops half of the signal (He), 1 /
fan_in for self-normalising networks (LeCun). `fan_in` counts the inputs that one output sums,
`fan_out` the outputs that one input reaches. Every initializer is called as `initializer(rng,
shape)` and returns float32.
"""

from __future__ import annotations

from glassnet.errors import lookup, require
from glassnet.initializers.constant_random import (
    Constant,
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

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
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
}


def get(value: str | Initializer) -> Initializer:
    """The initializer called `value`, or `value` itself where it is one already.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor
            an initializer.

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
