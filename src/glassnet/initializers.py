"""Initializers: the numbers that weights start from, drawn with NumPy on the host.

A layer keeps the signal's size when its weights have the right variance: 2 / (fan_in + fan_out) for sigmoid, tanh and
softmax (Glorot), 2 / fan_in for ReLU, which drops half of the signal (He), 1 / fan_in for self-normalising networks (LeCun).
`fan_in` counts the inputs that one output sums, `fan_out` the outputs that one input reaches. Every initializer is called as
`initializer(rng, shape)` and returns float32.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from glassnet.errors import is_number, lookup, require
from glassnet.types import Shape

TRUNCATED_STD = 0.87962566103423978
"""The standard deviation of a unit normal cut off at +-2."""


@dataclass(frozen=True)
class Initializer(ABC):
    """What every initializer is: a frozen dataclass called with a generator and a shape."""

    @abstractmethod
    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32, drawn from `rng`."""


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a kernel: its last two axes, each times the receptive field (the axes before them).

    Example:
        A 3x3 convolution from 16 channels to 32: 9 * 16 numbers go into one output.

        >>> fans((3, 3, 16, 32))
        (144, 288)
    """
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


def uniform(rng: np.random.Generator, shape: Shape, variance: float) -> np.ndarray:
    """Uniform in [-limit, limit) with limit = sqrt(3 * variance)."""
    limit = math.sqrt(3 * variance)
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def truncated_normal(rng: np.random.Generator, shape: Shape, variance: float) -> np.ndarray:
    """Normal with the tails beyond two standard deviations drawn again, widened so that the variance is as asked."""
    draws = rng.standard_normal(math.prod(shape))
    while (outside := np.abs(draws) > 2).any():
        draws[outside] = rng.standard_normal(np.count_nonzero(outside))
    return (draws * (math.sqrt(variance) / TRUNCATED_STD)).astype(np.float32).reshape(shape)


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """Uniform in +-sqrt(6 / (fan_in + fan_out)): the variance is 2 / (fan_in + fan_out).

    Example:
        >>> w = GlorotUniform()(np.random.default_rng(0), (784, 16))
        >>> bool(np.abs(w).max() <= np.sqrt(6 / 800))
        True

    Source: Glorot and Bengio 2010, eq. 16.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return uniform(rng, shape, 2 / max(1, sum(fans(shape))))


@dataclass(frozen=True)
class GlorotNormal(Initializer):
    """Normal of variance 2 / (fan_in + fan_out), cut off at two standard deviations.

    Example:
        >>> GlorotNormal()(np.random.default_rng(0), (784, 16)).shape
        (784, 16)

    Source: Glorot and Bengio 2010, eq. 12.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return truncated_normal(rng, shape, 2 / max(1, sum(fans(shape))))


@dataclass(frozen=True)
class HeUniform(Initializer):
    """Uniform in +-sqrt(6 / fan_in): the variance is 2 / fan_in.

    Example:
        >>> w = HeUniform()(np.random.default_rng(0), (6, 2))
        >>> bool(np.abs(w).max() <= 1.0)
        True

    Source: He et al. 2015, eq. 10.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return uniform(rng, shape, 2 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class HeNormal(Initializer):
    """Normal of variance 2 / fan_in, cut off at two standard deviations.

    Example:
        >>> HeNormal()(np.random.default_rng(0), (3, 3, 1, 32)).dtype
        dtype('float32')

    Source: He et al. 2015, eq. 10.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return truncated_normal(rng, shape, 2 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class LecunUniform(Initializer):
    """Uniform in +-sqrt(3 / fan_in): the variance is 1 / fan_in.

    Example:
        >>> w = LecunUniform()(np.random.default_rng(0), (3, 2))
        >>> bool(np.abs(w).max() <= 1.0)
        True

    Source: LeCun et al. 1998, section 4.6.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return uniform(rng, shape, 1 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class LecunNormal(Initializer):
    """Normal of variance 1 / fan_in, cut off at two standard deviations.

    Example:
        >>> LecunNormal()(np.random.default_rng(0), (4, 2)).shape
        (4, 2)

    Source: LeCun et al. 1998, eq. 16.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return truncated_normal(rng, shape, 1 / max(1, fans(shape)[0]))


@dataclass(frozen=True)
class Zeros(Initializer):
    """Every weight 0: the usual start of a bias.

    Example:
        >>> Zeros()(np.random.default_rng(0), (2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return np.zeros(shape, np.float32)


@dataclass(frozen=True)
class Ones(Initializer):
    """Every weight 1: the usual start of a scale.

    Example:
        >>> Ones()(np.random.default_rng(0), (2,)).tolist()
        [1.0, 1.0]
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return np.ones(shape, np.float32)


@dataclass(frozen=True)
class Constant(Initializer):
    """Every weight the same number.

    Args:
        value: that number, in the weight's own unit.

    Raises:
        ConfigError: where `value` is not one number.

    Example:
        >>> Constant(0.5)(np.random.default_rng(0), (2,)).tolist()
        [0.5, 0.5]
    """

    value: float = 0.0

    def __post_init__(self) -> None:
        require(is_number(self.value), "Constant", "value to be a number", value=self.value)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32."""
        return np.full(shape, self.value, np.float32)


INITIALIZERS: dict[str, type[Initializer]] = {
    "glorot_uniform": GlorotUniform,
    "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "lecun_uniform": LecunUniform,
    "lecun_normal": LecunNormal,
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
}


def get(value: str | Initializer) -> Initializer:
    """The initializer called `value`, or `value` itself where it is one already.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor an initializer.

    Example:
        >>> get("he_normal")
        HeNormal()
    """
    if isinstance(value, str):
        return lookup("initializer", value, INITIALIZERS)()
    require(isinstance(value, Initializer), "initializer", "a name or an Initializer", initializer=value)
    return value
