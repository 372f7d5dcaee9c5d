"""Activations: functions from z (the weighted sum) to a (what the neuron passes on), elementwise but for softmax.

Each takes an array of any shape and returns one of the same shape. Layers name them by string: `Dense(16, activation="relu")`.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from glassnet.errors import lookup, require
from glassnet.types import Array


def linear(x: Array) -> Array:
    """The identity: a = z.

    Example:
        >>> linear(3.0)
        3.0
    """
    return x


def sigmoid(x: Array) -> Array:
    """The logistic function: a = 1 / (1 + exp(-z)), between 0 and 1; its slope is a (1 - a).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        The lectures' neuron, w = (0, 1), b = 4, x = (2, 3), so z = 7:

        >>> print(f"{sigmoid(7.0):.4f}")
        0.9991

    Source: lecture 001, practical.
    """
    return jax.nn.sigmoid(x)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent: a = (exp(z) - exp(-z)) / (exp(z) + exp(-z)), between -1 and 1; its slope is 1 - a^2.

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{tanh(0.5):.4f}")
        0.4621

    Source: lecture 002, activations.
    """
    return jnp.tanh(x)


def relu(x: Array) -> Array:
    """The rectifier: a = max(z, 0); its slope is 1 above zero and 0 elsewhere (at zero too).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> relu(jnp.array([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.0, 3.0]

    Source: Nair and Hinton 2010; lecture 002, activations.
    """
    return jax.nn.relu(x)


def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """The rectifier that cannot die: a = z above zero, negative_slope * z below.

    Args:
        x: z, any shape.
        negative_slope: the slope below zero, a number (dimensionless).

    Returns:
        a, the same shape.

    Example:
        >>> leaky_relu(jnp.array([-2.0, 3.0]), negative_slope=0.5).tolist()
        [-1.0, 3.0]

    Source: Maas et al. 2013; lecture 002, activations. The default slope is Keras's.
    """
    return jax.nn.leaky_relu(x, negative_slope)


def softmax(x: Array) -> Array:
    """Scores to probabilities along the last axis: a_i = exp(z_i) / sum_j exp(z_j).

    Args:
        x: z, (..., classes).

    Returns:
        Probabilities of the classes, the same shape; each row sums to 1.

    Example:
        >>> softmax(jnp.array([0.0, 0.0])).tolist()
        [0.5, 0.5]

    Source: lecture 001, from scores to probabilities.
    """
    return jax.nn.softmax(x, axis=-1)


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "linear": linear,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "softmax": softmax,
}


def get(activation: str | Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function called `activation`, or `activation` itself where it is one already.

    Raises:
        ConfigError: for an unknown name, with the nearest match, and for what is neither a name nor callable.

    Example:
        >>> get("tanh") is tanh
        True
    """
    if isinstance(activation, str):
        return lookup("activation", activation, ACTIVATIONS)
    require(callable(activation), "activation", "a name or a function", activation=activation)
    return activation


_NAMES = {function: name for name, function in ACTIVATIONS.items()} | {
    jnp.tanh: "tanh",
    jax.nn.relu: "relu",
    jax.nn.sigmoid: "sigmoid",
    jax.nn.softmax: "softmax",
}


def named(activation: str | Callable[[Array], Array]) -> str | Callable[[Array], Array]:
    """The table's name of `activation` where it has one, so that two ways to write it are one value; else `activation` itself.

    Raises:
        ConfigError: see `get`.

    Example:
        >>> named(softmax), named(jax.nn.relu), named("tanh")
        ('softmax', 'relu', 'tanh')
    """
    return _NAMES.get(get(activation), activation)
