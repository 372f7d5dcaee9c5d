"""Keras's random numbers: the same seed gives the numbers of Keras on its JAX backend."""

from __future__ import annotations

import random as python_random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_int, require
from glassnet.keras.compat import export_aliases
from glassnet.keras.ops.operation import operation, standardize_dtype, to_jax
from glassnet.types import Array

MAX_DRAWN_SEED = 10**9
"""Seeds that are not set are drawn up to this number, as in Keras."""

_global_generator: SeedGenerator | None = None


class SeedGenerator:
    """A sequence of seeds: (seed, 0), (seed, 1) and so on.

    Args:
        seed: an int from 0 to 2^32 - 1; None draws one from Python's `random`.
        name: ignored.

    Raises:
        ConfigError: if the seed is out of range.

    Example:
        >>> generator = SeedGenerator(7)
        >>> generator.next().tolist(), generator.next().tolist()
        ([7, 0], [7, 1])
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        seed = python_random.randint(1, MAX_DRAWN_SEED) if seed is None else seed
        is_valid = is_int(seed, least=0, most=2**32 - 1)
        require(is_valid, "SeedGenerator", "an int from 0 to below 2**32", seed=seed)
        self.name, self.state = name, np.array([seed, 0], np.uint32)

    def next(self, ordered: bool = True) -> Array:
        """Return the next seed.

        Args:
            ordered: whether seeds are counted; else both numbers of a seed change.
        """
        seed = jnp.asarray(self.state)
        if ordered:
            self.state = self.state + np.array([0, 1], np.uint32)
        else:
            self.state = (self.state + np.uint32(1)) * np.uint32(5387) % np.uint32(933199)
        return seed


def reset_global_generator() -> None:
    """Let the next numbers without a seed depend on Python's `random`."""
    global _global_generator
    _global_generator = None


def _make_key(seed: Any) -> Array:
    """Return JAX's key of an int, of a `SeedGenerator`, or of the global generator for None."""
    global _global_generator
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, jax.Array):
        return seed
    if seed is None:
        _global_generator = _global_generator or SeedGenerator()
        return _global_generator.next(ordered=False)
    return SeedGenerator(seed).next()


@operation
def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw from a normal distribution."""
    return jax.random.normal(_make_key(seed), shape, standardize_dtype(dtype)) * stddev + mean


@operation
def uniform(
    shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw uniformly from `minval` to below `maxval`."""
    return jax.random.uniform(_make_key(seed), shape, standardize_dtype(dtype), minval, maxval)


@operation
def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Any:
    """Draw ints uniformly from `minval` to below `maxval`."""
    return jax.random.randint(_make_key(seed), shape, minval, maxval, standardize_dtype(dtype))


@operation
def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw from a normal distribution within two standard deviations of the mean."""
    key, dtype = _make_key(seed), standardize_dtype(dtype)
    return jax.random.truncated_normal(key, -2.0, 2.0, shape, dtype) * stddev + mean


@operation
def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Any:
    """Draw class numbers: (batch, classes) to (batch, num_samples)."""
    logits = jnp.asarray(logits)
    shape = (logits.shape[0], num_samples, *logits.shape[2:])
    drawn = jax.random.categorical(_make_key(seed), logits[..., None], 1, shape)
    return drawn.astype(standardize_dtype(dtype))


@operation
def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Set a share of the numbers to 0 at random, and divide the others by 1 - rate."""
    inputs = to_jax(inputs)
    if rate in (0, 1):
        return inputs if rate == 0 else jnp.zeros_like(inputs)
    sizes = inputs.shape if noise_shape is None else noise_shape
    shape = [size if n is None else n for n, size in zip(sizes, inputs.shape, strict=True)]
    mask = jax.random.bernoulli(_make_key(seed), 1.0 - rate, tuple(shape))
    return jnp.where(mask, inputs / (1.0 - rate), 0)


@operation
def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Any:
    """Shuffle an array along an axis, each row of the other axes for itself."""
    return jax.random.permutation(_make_key(seed), jnp.asarray(x), axis, independent=True)


@operation
def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Draw from a gamma distribution with the shape parameter `alpha`."""
    return jax.random.gamma(_make_key(seed), to_jax(alpha), shape, standardize_dtype(dtype))


@operation
def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Any:
    """Draw from a beta distribution."""
    key, dtype = _make_key(seed), standardize_dtype(dtype)
    return jax.random.beta(key, jnp.asarray(alpha), jnp.asarray(beta), shape, dtype)


@operation
def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw the number of successes of `counts` trials."""
    key, dtype = _make_key(seed), standardize_dtype(dtype)
    n, p = jnp.asarray(counts), jnp.asarray(probabilities)
    return jax.random.binomial(key, n, p, shape=shape, dtype=dtype)


__all__, __getattr__ = export_aliases(
    __name__,
    {
        "SeedGenerator": SeedGenerator,
        "beta": beta,
        "binomial": binomial,
        "categorical": categorical,
        "dropout": dropout,
        "gamma": gamma,
        "normal": normal,
        "randint": randint,
        "shuffle": shuffle,
        "truncated_normal": truncated_normal,
        "uniform": uniform,
    },
)
