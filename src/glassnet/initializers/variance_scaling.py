"""Initializers scaled by the shape of the kernel, so that a layer preserves the variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from glassnet.errors import is_float32, require
from glassnet.initializers.initializer import Initializer, truncated_normal
from glassnet.types import Shape

TRUNCATED_STD = 0.87962566103423978
"""The standard deviation of a standard normal truncated at +-2."""


def fans(shape: Shape) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a kernel: its last two axes, each times the receptive field.

    The receptive field is the product of the axes before them.

    Example:
        A 3x3 convolution from 16 channels to 32: one output has 9 * 16 inputs.

        >>> fans((3, 3, 16, 32))
        (144, 288)
    """
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field


@dataclass(frozen=True)
class VarianceScaling(Initializer):
    """Distribution with mean 0 and variance scale / n.

    n is the number of inputs of an output, of outputs of an input, or the mean of both. The
    initializers of Glorot, He and LeCun are special cases.

    Args:
        scale: the variance times n, a number > 0 (dimensionless).
        mode: the meaning of n: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (truncated at two standard deviations, then rescaled to the
            variance scale / n), "untruncated_normal", or "uniform" in +-sqrt(3 scale / n).

    Raises:
        ConfigError: if `scale` is not a number > 0, or `mode` or `distribution` is not one of the
            above.

    Example:
        >>> w = VarianceScaling(2.0, "fan_avg", "uniform")(np.random.default_rng(0), (784, 16))
        >>> bool(np.abs(w).max() <= np.sqrt(3 * 2 / 400))
        True

    Source: Glorot and Bengio 2010; He et al. 2015; the arguments are Keras's.
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"

    def __post_init__(self) -> None:
        who = "VarianceScaling"
        require(
            is_float32(self.scale) and self.scale > 0,
            who,
            "scale to be a number > 0",
            scale=self.scale,
        )
        modes = ("fan_in", "fan_out", "fan_avg")
        require(self.mode in modes, who, "mode to be one of " + ", ".join(modes), mode=self.mode)
        distributions = ("truncated_normal", "untruncated_normal", "uniform")
        require(
            self.distribution in distributions,
            who,
            "distribution to be one of " + ", ".join(distributions),
            distribution=self.distribution,
        )

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return np.asarray(rng.uniform(-limit, limit, shape), np.float32)
        if self.distribution == "truncated_normal":
            return np.asarray(
                truncated_normal(rng, shape) * (math.sqrt(variance) / TRUNCATED_STD), np.float32
            )
        return np.asarray(rng.standard_normal(shape) * math.sqrt(variance), np.float32)


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """Uniform distribution in +-sqrt(6 / (fan_in + fan_out)).

    Its variance is 2 / (fan_in + fan_out).

    Example:
        >>> w = GlorotUniform()(np.random.default_rng(0), (784, 16))
        >>> bool(np.abs(w).max() <= np.sqrt(6 / 800))
        True

    Source: Glorot and Bengio 2010, eq. 16.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return VarianceScaling(1.0, "fan_avg", "uniform")(rng, shape)


@dataclass(frozen=True)
class GlorotNormal(Initializer):
    """Truncated normal distribution with variance 2 / (fan_in + fan_out).

    It is truncated at two standard deviations.

    Example:
        >>> GlorotNormal()(np.random.default_rng(0), (784, 16)).shape
        (784, 16)

    Source: Glorot and Bengio 2010, eq. 12.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return VarianceScaling(1.0, "fan_avg", "truncated_normal")(rng, shape)


@dataclass(frozen=True)
class HeUniform(Initializer):
    """Uniform distribution in +-sqrt(6 / fan_in), with variance 2 / fan_in.

    Example:
        >>> w = HeUniform()(np.random.default_rng(0), (6, 2))
        >>> bool(np.abs(w).max() <= 1.0)
        True

    Source: He et al. 2015, eq. 10.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return VarianceScaling(2.0, "fan_in", "uniform")(rng, shape)


@dataclass(frozen=True)
class HeNormal(Initializer):
    """Truncated normal distribution with variance 2 / fan_in.

    It is truncated at two standard deviations.

    Example:
        >>> HeNormal()(np.random.default_rng(0), (3, 3, 1, 32)).dtype
        dtype('float32')

    Source: He et al. 2015, eq. 10.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return VarianceScaling(2.0, "fan_in", "truncated_normal")(rng, shape)


@dataclass(frozen=True)
class LecunUniform(Initializer):
    """Uniform distribution in +-sqrt(3 / fan_in), with variance 1 / fan_in.

    Example:
        >>> w = LecunUniform()(np.random.default_rng(0), (3, 2))
        >>> bool(np.abs(w).max() <= 1.0)
        True

    Source: LeCun et al. 1998, section 4.6.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return VarianceScaling(1.0, "fan_in", "uniform")(rng, shape)


@dataclass(frozen=True)
class LecunNormal(Initializer):
    """Truncated normal distribution with variance 1 / fan_in.

    It is truncated at two standard deviations.

    Example:
        >>> LecunNormal()(np.random.default_rng(0), (4, 2)).shape
        (4, 2)

    Source: LeCun et al. 1998, eq. 16.
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return VarianceScaling(1.0, "fan_in", "truncated_normal")(rng, shape)


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """Random orthogonal matrix times gain: W^T W = gain^2 I.

    If there are fewer rows than columns, W W^T = gain^2 I. The matrix is drawn uniformly from all
    such matrices. A kernel with more than two axes is reshaped to (all other axes, last axis).

    Args:
        gain: the factor for the length of every vector, a number (dimensionless).

    Raises:
        ConfigError: if `gain` is not a number, or the shape has fewer than two axes.

    Example:
        >>> w = Orthogonal()(np.random.default_rng(0), (5, 3))
        >>> bool(np.allclose(w.T @ w, np.eye(3), atol=1e-6))
        True

    Source: Saxe et al. 2014, section 3; Mezzadri 2007, section 5, for the signs.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        require(is_float32(self.gain), "Orthogonal", "gain to be a number", gain=self.gain)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        require(len(shape) >= 2, "Orthogonal", "a weight of at least two axes", shape=shape)
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diag(r))  # QR is unique if R's diagonal is positive
        return np.asarray(self.gain * (q if rows >= columns else q.T), np.float32).reshape(shape)
