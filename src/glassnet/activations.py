"""Activation functions, from z (the weighted sum) to a (the output of the neuron).

Each takes an array of any shape and returns one of the same shape; glu alone halves an axis. All
are elementwise, except softmax, its logarithm, sparsemax and glu. Layers accept their names:
`Dense(16, activation="relu")`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from glassnet.errors import is_float32, lookup, require
from glassnet.suggestions import publish
from glassnet.types import Array

__all__ = [
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


def linear(x: Array) -> Array:
    """Return z unchanged: a = z.

    Example:
        >>> linear(3.0)
        3.0
    """
    return x


def sigmoid(x: Array) -> Array:
    """Compute the logistic function: a = 1 / (1 + exp(-z)).

    It is between 0 and 1, and its slope is a (1 - a).

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
    """Compute the hyperbolic tangent: a = (exp(z) - exp(-z)) / (exp(z) + exp(-z)).

    It is between -1 and 1, and its slope is 1 - a^2.

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


def relu(
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    """Compute the rectified linear unit: a = max(z, 0).

    Its slope is 1 above zero and 0 elsewhere, at zero too. With the other arguments, a = max_value
    if z >= max_value, z if threshold < z < max_value, and negative_slope (z - threshold) below.

    Args:
        x: z, any shape.
        negative_slope: the slope below the threshold, a number (dimensionless).
        max_value: the largest a, in the unit of z; None for no limit.
        threshold: z above which a = z, in the unit of z.

    Returns:
        a, the same shape.

    Example:
        >>> relu(jnp.array([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.0, 3.0]
        >>> relu(jnp.array([-2.0, 3.0, 8.0]), negative_slope=0.5, max_value=6.0).tolist()
        [-1.0, 3.0, 6.0]

    Source: Nair and Hinton 2010; lecture 002, activations. The arguments are Keras's.
    """
    if negative_slope == 0 and max_value is None and threshold == 0:
        return jax.nn.relu(x)
    x = jnp.asarray(x)
    above = jax.nn.relu(x) if threshold == 0 else jnp.where(x > threshold, x, 0)
    if max_value is not None:
        above = jnp.clip(above, 0, max_value)
    return above - negative_slope * jax.nn.relu(threshold - x) if negative_slope else above


def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """Compute the leaky rectifier: a = z above zero, negative_slope * z below.

    Its slope is never 0, so that every unit keeps learning.

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


def relu6(x: Array) -> Array:
    """Compute the rectifier limited to 6: a = min(max(z, 0), 6).

    Its slope is 1 between 0 and 6, and 0 elsewhere.

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> relu6(jnp.array([-2.0, 3.0, 8.0])).tolist()
        [0.0, 3.0, 6.0]

    Source: Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10.
    """
    return jax.nn.relu6(x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """Compute the exponential linear unit: a = z above zero, alpha (exp(z) - 1) below.

    For very negative z it approaches -alpha.

    Args:
        x: z, any shape.
        alpha: minus the limit of a for very negative z, a number (dimensionless).

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{elu(-1.0):.4f}")
        -0.6321

    Source: Clevert et al. 2016, eq. 15.
    """
    return jax.nn.elu(x, alpha)


def selu(x: Array) -> Array:
    """Compute the scaled exponential linear unit: a = 1.0507 elu(z, alpha=1.6733).

    With LeCun's initializers, mean 0 and variance 1 are preserved from layer to layer.

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{selu(1.0):.4f}")
        1.0507

    Source: Klambauer et al. 2017, eq. 2.
    """
    return jax.nn.selu(x)


def gelu(x: Array, approximate: bool = False) -> Array:
    """Compute the Gaussian error linear unit: a = z Phi(z).

    Phi is the distribution function of the standard normal.

    Args:
        x: z, any shape.
        approximate: if True, use z / 2 (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) instead, as in
            GPT-2.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{gelu(1.0):.4f} {gelu(1.0, approximate=True):.4f}")
        0.8413 0.8412

    Source: Hendrycks and Gimpel 2016, section 2.
    """
    return jax.nn.gelu(x, approximate)


def silu(x: Array) -> Array:
    """Compute the sigmoid linear unit (swish): a = z sigmoid(z).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{silu(1.0):.4f}")
        0.7311

    Source: Ramachandran et al. 2017; Hendrycks and Gimpel 2016.
    """
    return jax.nn.silu(x)


def mish(x: Array) -> Array:
    """Compute mish, a smooth non-monotonic rectifier: a = z tanh(log(1 + exp(z))).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{mish(1.0):.4f}")
        0.8651

    Source: Misra 2019, eq. 1.
    """
    return jax.nn.mish(x)


def softplus(x: Array) -> Array:
    """Compute the smooth rectifier: a = log(1 + exp(z)).

    It is above zero, and its slope is sigmoid(z).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{softplus(0.0):.4f}")
        0.6931

    Source: Dugas et al. 2001, eq. 3.
    """
    return jax.nn.softplus(x)


def softsign(x: Array) -> Array:
    """Compute the softsign: a = z / (1 + |z|).

    It is between -1 and 1, and its slope is 1 / (1 + |z|)^2.

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(softsign(3.0))
        0.75

    Source: Glorot and Bengio 2010, section 3.
    """
    return jax.nn.soft_sign(x)


def hard_sigmoid(x: Array) -> Array:
    """Compute the piecewise linear sigmoid: a = min(max(z / 6 + 1/2, 0), 1).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> hard_sigmoid(jnp.array([-4.0, 0.0, 4.0])).tolist()
        [0.0, 0.5, 1.0]

    Source: Courbariaux et al. 2015, section 2.3; the slope 1/6 is Keras's.
    """
    return jax.nn.hard_sigmoid(x)


def exponential(x: Array) -> Array:
    """Compute the exponential: a = exp(z).

    Its slope is a. In float32 it overflows above z = 88.

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{exponential(1.0):.4f}")
        2.7183

    Source: McCullagh and Nelder 1989, chapter 6 (the mean of a Poisson regression).
    """
    return jnp.exp(x)


def log_sigmoid(x: Array) -> Array:
    """Compute the logarithm of the sigmoid: a = -log(1 + exp(-z)).

    It stays finite even if the sigmoid rounds to 0.

    Args:
        x: z, any shape.

    Returns:
        a (nats), the same shape.

    Example:
        >>> print(f"{log_sigmoid(0.0):.4f}")
        -0.6931

    Source: lecture 001, from scores to probabilities.
    """
    return jax.nn.log_sigmoid(x)


def celu(x: Array, alpha: float = 1.0) -> Array:
    """Compute a smooth elu: a = z above zero, alpha (exp(z / alpha) - 1) below.

    Args:
        x: z, any shape.
        alpha: minus the limit of a for very negative z, a number > 0 in the unit of z.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{celu(-1.0, alpha=2.0):.4f}")
        -0.7869

    Source: Barron 2017, arXiv 1704.07483, eq. 2.
    """
    return jax.nn.celu(x, alpha)


def hard_silu(x: Array) -> Array:
    """Compute the piecewise quadratic swish: a = z min(max(z / 6 + 1/2, 0), 1).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> hard_silu(jnp.array([-4.0, 0.0, 4.0])).tolist()
        [-0.0, 0.0, 4.0]

    Source: Howard et al. 2019, Searching for MobileNetV3, section 5.2.
    """
    return jax.nn.hard_silu(x)


def hard_tanh(x: Array) -> Array:
    """Compute the piecewise linear tanh: a = min(max(z, -1), 1).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> hard_tanh(jnp.array([-4.0, 0.5, 4.0])).tolist()
        [-1.0, 0.5, 1.0]

    Source: Collobert 2004, Large scale machine learning.
    """
    return jax.nn.hard_tanh(x)


def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Set small numbers to zero: a = z if |z| > threshold, else 0.

    Args:
        x: z, any shape.
        threshold: the largest |z| that becomes 0, in the unit of z.

    Returns:
        a, the same shape.

    Example:
        >>> hard_shrink(jnp.array([-2.0, 0.25, 3.0])).tolist()
        [-2.0, 0.0, 3.0]

    Source: Donoho and Johnstone 1994, section 1.
    """
    x = jnp.asarray(x)
    return jnp.where(jnp.abs(x) > threshold, x, 0)


def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Move numbers towards zero: a = z - threshold above it, z + threshold below minus it, else 0.

    Args:
        x: z, any shape.
        threshold: how far numbers move, in the unit of z.

    Returns:
        a, the same shape.

    Example:
        >>> soft_shrink(jnp.array([-2.0, 0.25, 3.0])).tolist()
        [-1.5, 0.0, 2.5]

    Source: Donoho and Johnstone 1994, section 1.
    """
    x = jnp.asarray(x)
    return jnp.where(x > threshold, x - threshold, jnp.where(x < -threshold, x + threshold, 0))


def tanh_shrink(x: Array) -> Array:
    """Compute the rest that tanh leaves: a = z - tanh(z).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> print(f"{tanh_shrink(1.0):.4f}")
        0.2384

    Source: Keras's tanh_shrink.
    """
    return x - jnp.tanh(x)


def squareplus(x: Array, b: float = 4.0) -> Array:
    """Compute a smooth rectifier without exponentials: a = (z + sqrt(z^2 + b)) / 2.

    Args:
        x: z, any shape.
        b: how round the bend is, a number >= 0 in squared units of z.

    Returns:
        a, the same shape.

    Example:
        >>> print(squareplus(0.0))
        1.0

    Source: Barron 2021, arXiv 2112.11687, eq. 1.
    """
    return jax.nn.squareplus(x, b)


def sparse_plus(x: Array) -> Array:
    """Compute a rectifier with a quadratic bend: a = 0 below -1, (z + 1)^2 / 4 to 1, z above.

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> sparse_plus(jnp.array([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.25, 3.0]

    Source: Martins and Astudillo 2016, whose sparsemax is its slope.
    """
    return jax.nn.sparse_plus(x)


def sparse_sigmoid(x: Array) -> Array:
    """Compute the slope of sparse_plus: a = min(max((z + 1) / 2, 0), 1).

    Args:
        x: z, any shape.

    Returns:
        a, the same shape.

    Example:
        >>> sparse_sigmoid(jnp.array([-2.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]

    Source: Martins and Astudillo 2016.
    """
    return jax.nn.sparse_sigmoid(x)


def sparsemax(x: Array, axis: int = -1) -> Array:
    """Turn scores into probabilities, many of them 0: a_i = max(z_i - tau, 0).

    tau is the number for which the probabilities sum to 1.

    Args:
        x: z, (..., classes).
        axis: the axis of the classes.

    Returns:
        The probability of each class, the same shape.

    Example:
        >>> sparsemax(jnp.array([1.0, 0.5, -3.0])).tolist()
        [0.75, 0.25, 0.0]

    Source: Martins and Astudillo 2016, algorithm 1.
    """
    x = jnp.asarray(x)
    falling = jnp.flip(jnp.sort(x, axis=axis), axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    rank = jnp.arange(1, x.shape[axis] + 1).reshape(shape)
    is_positive = 1 + rank * falling > jnp.cumsum(falling, axis=axis)
    count = is_positive.sum(axis, keepdims=True)
    tau = (jnp.where(is_positive, falling, 0).sum(axis, keepdims=True) - 1) / count
    return jnp.maximum(x - tau, 0)


def glu(x: Array, axis: int = -1) -> Array:
    """Compute the gated linear unit: a = u sigmoid(v), with u and v the two halves of z.

    Args:
        x: z, with an even size along the axis.
        axis: the axis that is halved.

    Returns:
        a, with half the size along the axis.

    Example:
        >>> glu(jnp.array([2.0, 4.0, 0.0, 0.0])).tolist()
        [1.0, 2.0]

    Source: Dauphin et al. 2017, section 2.
    """
    return jax.nn.glu(jnp.asarray(x), axis)


def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Turn scores into probabilities over the last axis: a_i = exp(z_i) / sum_j exp(z_j).

    Args:
        x: z, (..., classes).
        axis: the axis of the classes, or several axes; -1 is the last.

    Returns:
        The probability of each class, the same shape. Each row sums to 1.

    Example:
        >>> softmax(jnp.array([0.0, 0.0])).tolist()
        [0.5, 0.5]

    Source: lecture 001, from scores to probabilities.
    """
    return jax.nn.softmax(x, axis=axis)


def log_softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Compute the logarithm of softmax over the last axis: a_i = z_i - log sum_j exp(z_j).

    It stays finite even if a probability rounds to 0.

    Args:
        x: z, (..., classes).
        axis: the axis of the classes, or several axes; -1 is the last.

    Returns:
        The logarithm of the probability of each class (nats), the same shape.

    Example:
        >>> print(f"{log_softmax(jnp.array([0.0, 0.0]))[0]:.4f}")
        -0.6931

    Source: lecture 001, from scores to probabilities.
    """
    return jax.nn.log_softmax(x, axis=axis)


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "linear": linear,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "relu6": relu6,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "silu": silu,
    "mish": mish,
    "softplus": softplus,
    "softsign": softsign,
    "hard_sigmoid": hard_sigmoid,
    "exponential": exponential,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "log_sigmoid": log_sigmoid,
    "celu": celu,
    "hard_silu": hard_silu,
    "hard_tanh": hard_tanh,
    "hard_shrink": hard_shrink,
    "soft_shrink": soft_shrink,
    "tanh_shrink": tanh_shrink,
    "squareplus": squareplus,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
}
"""Activations that layers know by name. glu is not one: it halves the number of units."""


@dataclass(frozen=True)
class ParametricActivation:
    """Activation function with some of its arguments set; comparable by value, unlike a closure.

    Args:
        function: the name of the activation.
        parameters: pairs of an argument's name and its value.

    Raises:
        ConfigError: an unknown name, or a value that is not a number or None.

    Example:
        >>> limited = ParametricActivation("relu", (("max_value", 1.0),))
        >>> limited(jnp.array([-1.0, 0.5, 2.0])).tolist()
        [0.0, 0.5, 1.0]
    """

    function: str
    parameters: tuple[tuple[str, float | int | None], ...]

    def __post_init__(self) -> None:
        function = lookup("activation", self.function, ACTIVATIONS)
        names = list(inspect.signature(function).parameters)[1:]
        for name, value in self.parameters:
            fits = name in names and (value is None or is_float32(value))
            received: dict[str, Any] = {str(name): value}
            require(fits, self.function, f"numbers as {', '.join(names)}", **received)

    def __call__(self, x: Array) -> Array:
        """Return a for z = x."""
        return ACTIVATIONS[self.function](x, **dict(self.parameters))

    @property
    def __name__(self) -> str:
        return self.function


def get(activation: str | Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return the activation of that name; a function is returned unchanged.

    Raises:
        ConfigError: if the name is unknown (the message suggests another), or if `activation`
            is neither a name nor callable.

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
    jax.nn.log_softmax: "log_softmax",
    jax.nn.relu6: "relu6",
    jax.nn.elu: "elu",
    jax.nn.selu: "selu",
    jax.nn.silu: "silu",
    jax.nn.mish: "mish",
    jax.nn.softplus: "softplus",
    jax.nn.soft_sign: "softsign",
    jax.nn.hard_sigmoid: "hard_sigmoid",
    jnp.exp: "exponential",
    jax.nn.log_sigmoid: "log_sigmoid",
    jax.nn.celu: "celu",
    jax.nn.hard_silu: "hard_silu",
    jax.nn.hard_tanh: "hard_tanh",
    jax.nn.sparse_plus: "sparse_plus",
    jax.nn.sparse_sigmoid: "sparse_sigmoid",
}


def canonicalize(activation: str | Callable[[Array], Array]) -> str | Callable[[Array], Array]:
    """Return the name of `activation` if it has one in `ACTIVATIONS`, else `activation` itself.

    Layers store the result, so that `relu`, `jax.nn.relu` and "relu" make equal layers.

    Raises:
        ConfigError: see `get`.

    Example:
        >>> canonicalize(softmax), canonicalize(jax.nn.relu), canonicalize("tanh")
        ('softmax', 'relu', 'tanh')
    """
    return _NAMES.get(get(activation), activation)


publish(__name__, __all__)
