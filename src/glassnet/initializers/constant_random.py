"""Initializers that do not depend on the shape: constants and fixed distributions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.errors import ConfigError, is_float32, message, require
from glassnet.initializers.initializer import Initializer, truncated_normal
from glassnet.types import Shape


@dataclass(frozen=True)
class Zeros(Initializer):
    """All zeros, the usual start of a bias.

    Example:
        >>> Zeros()(np.random.default_rng(0), (2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return np.zeros(shape, np.float32)


@dataclass(frozen=True)
class Ones(Initializer):
    """All ones, the usual start of a scale.

    Example:
        >>> Ones()(np.random.default_rng(0), (2,)).tolist()
        [1.0, 1.0]
    """

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return np.ones(shape, np.float32)


@dataclass(frozen=True)
class Constant(Initializer):
    """The same number for every weight, or an array made elsewhere, such as word vectors.

    A model file does not hold the array: the weights are in the file. Only `reset` needs the array
    again.

    Args:
        value: the number, in the unit of the weights, or an array that broadcasts to their shape.

    Raises:
        ConfigError: if `value` is neither a number nor an array of finite numbers, or, once the
            shape of the weights is known, does not broadcast to it.

    Example:
        >>> Constant(0.5)(np.random.default_rng(0), (2,)).tolist()
        [0.5, 0.5]
        >>> Constant([[1.0, 2.0]])(np.random.default_rng(0), (2, 2)).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """

    value: Any = 0.0
    shape: tuple[int, ...] | None = field(default=None, kw_only=True)
    array: np.ndarray | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        if is_float32(self.value) or (self.value is None and self.shape is not None):
            return
        with np.errstate(over="ignore"):  # it becomes infinite, which is refused below
            is_array = _is_numeric(self.value)
            array = np.array(self.value, np.float32) if is_array else np.array(np.nan)
        fits = array.ndim > 0 and np.isfinite(array).all()
        expected = "value to be a number or an array of finite numbers"
        require(fits, "Constant", expected, value=self.value)
        array.flags.writeable = False
        for name, value in {"value": None, "shape": array.shape, "array": array}.items():
            object.__setattr__(self, name, value)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        if self.shape is None:
            return np.full(shape, self.value, np.float32)
        fix = "A model file does not hold it. Use set_weights, or make the layer again."
        expected = f"its array of shape {self.shape}"
        require(self.array is not None, "Constant", expected, array=None, fix=fix)
        try:
            return np.array(np.broadcast_to(np.asarray(self.array), shape))
        except ValueError as error:
            expected = f"an array for weights of shape {tuple(shape)}"
            raise ConfigError(message("Constant", expected, shape=self.shape)) from error


@dataclass(frozen=True)
class Identity(Initializer):
    """Identity matrix times gain: ones on the diagonal, zeros elsewhere.

    Args:
        gain: the number on the diagonal, in the unit of the weights.

    Raises:
        ConfigError: if `gain` is not a number, or the weights do not have two axes.

    Example:
        >>> Identity(2.0)(np.random.default_rng(0), (2, 3)).tolist()
        [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]

    Source: Le et al. 2015, arXiv 1504.00941, for recurrent layers.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        require(is_float32(self.gain), "Identity", "gain to be a number", gain=self.gain)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        require(len(shape) == 2, "Identity", "weights of two axes", shape=tuple(shape))
        return np.asarray(self.gain * np.eye(shape[0], shape[1]), np.float32)


def _is_numeric(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind in "biuf"
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True)
class RandomNormal(Initializer):
    """Normal distribution with a fixed mean and standard deviation.

    Args:
        mean: the mean, in the unit of the weights.
        stddev: the standard deviation, a number >= 0 in the unit of the weights.

    Raises:
        ConfigError: if `mean` is not a number, or `stddev` is not a number >= 0.

    Example:
        >>> RandomNormal(stddev=0.01)(np.random.default_rng(0), (4, 2)).shape
        (4, 2)
    """

    mean: float = 0.0
    stddev: float = 0.05

    def __post_init__(self) -> None:
        _check_moments(self, self.mean, self.stddev)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return np.asarray(self.mean + self.stddev * rng.standard_normal(shape), np.float32)


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """Normal distribution truncated at two standard deviations from the mean.

    Values outside are redrawn. The standard deviation of the result is 0.88 `stddev`.

    Args:
        mean: the mean, in the unit of the weights.
        stddev: the standard deviation before the truncation, a number >= 0 in the unit of the
            weights.

    Raises:
        ConfigError: if `mean` is not a number, or `stddev` is not a number >= 0.

    Example:
        >>> w = TruncatedNormal(mean=1.0, stddev=0.1)(np.random.default_rng(0), (4, 2))
        >>> bool(np.abs(w - 1).max() <= 0.2)
        True
    """

    mean: float = 0.0
    stddev: float = 0.05

    def __post_init__(self) -> None:
        _check_moments(self, self.mean, self.stddev)

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return np.asarray(self.mean + self.stddev * truncated_normal(rng, shape), np.float32)


@dataclass(frozen=True)
class RandomUniform(Initializer):
    """Uniform distribution in [minval, maxval).

    Args:
        minval: the lower end, in the unit of the weights.
        maxval: the upper end, a number >= minval.

    Raises:
        ConfigError: if one is not a number, or `minval` is above `maxval`.

    Example:
        >>> w = RandomUniform(0.0, 2.0)(np.random.default_rng(0), (4, 2))
        >>> bool((w >= 0).all() and (w <= 2).all())
        True
    """

    minval: float = -0.05
    maxval: float = 0.05

    def __post_init__(self) -> None:
        ends = self.minval, self.maxval
        require(
            all(map(is_float32, ends)) and self.minval <= self.maxval,
            "RandomUniform",
            "two numbers, minval <= maxval",
            minval=self.minval,
            maxval=self.maxval,
        )

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32."""
        return np.asarray(rng.uniform(self.minval, self.maxval, shape), np.float32)


def _check_moments(who: Initializer, mean: float, stddev: float) -> None:
    require(is_float32(mean), type(who).__name__, "mean to be a number", mean=mean)
    require(
        is_float32(stddev) and stddev >= 0,
        type(who).__name__,
        "stddev to be a number >= 0",
        stddev=stddev,
    )
