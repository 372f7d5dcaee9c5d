"""Layers that weigh and sum: Dense; and Activation, the non-linearity as a layer of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from glassnet import activations, initializers, regularizers
from glassnet.errors import is_int, require
from glassnet.initializers import Initializer
from glassnet.layers.layer import Layer
from glassnet.regularizers import Regularizer
from glassnet.types import Array, Params, Shape


@dataclass(frozen=True)
class Activation(Layer):
    """Apply a function to every number (softmax: along the last axis): a = f(z).

    Shapes:
        (batch, ...) to the same.

    Args:
        activation: a name from `glassnet.activations` or a JAX function.

    Raises:
        ConfigError: the name is unknown (the nearest match is given).

    Example:
        >>> Activation("relu")({}, np.array([[-1.0, 2.0]])).tolist()
        [[0.0, 2.0]]

    Source: lecture 002, activations.
    """

    activation: str | Callable[[Array], Array] = "linear"

    def __post_init__(self):
        object.__setattr__(self, "activation", activations.named(self.activation))

    @property
    def called(self) -> str:
        """The activation's name, or its function's."""
        return self.activation if isinstance(self.activation, str) else getattr(self.activation, "__name__", "activation")

    def __call__(self, params: Params, x: Array) -> Array:
        return activations.get(self.activation)(x)


@dataclass(frozen=True)
class Dense(Layer):
    """Every output weighs every input: a = f(x W + b), along the last axis.

    Shapes:
        (batch, ..., n) to (batch, ..., units); kernel W (n, units), bias b (units,).

    Args:
        units: number of neurons, >= 1.
        activation: f; None for the weighted sum itself. It runs as a link of its own, so z and a are both visible.
        use_bias: whether b exists.
        kernel_initializer: where W starts.
        bias_initializer: where b starts.
        kernel_regularizer: a penalty on W, added to the loss.
        bias_regularizer: a penalty on b, added to the loss.

    Raises:
        ConfigError: units is not an int >= 1; an activation, initializer or regularizer is unknown.

    Example:
        >>> neuron = Dense(1, activation="sigmoid")
        >>> z = neuron({"kernel": np.array([[0.0], [1.0]]), "bias": np.array([4.0])}, np.array([[2.0, 3.0]]))
        >>> z.item()
        7.0

    Source: lecture 001, h = ReLU(W x + b); Keras's layout, which multiplies from the left.
    """

    units: int = 1
    activation: str | Callable[[Array], Array] | None = None
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: str | Regularizer | None = None
    bias_regularizer: str | Regularizer | None = None

    def __post_init__(self):
        require(is_int(self.units, least=1), "Dense", "units to be an int >= 1", units=self.units)
        if self.activation is not None:
            object.__setattr__(self, "activation", activations.named(self.activation))
        for name, module in (("kernel_initializer", initializers), ("bias_initializer", initializers),
                             ("kernel_regularizer", regularizers), ("bias_regularizer", regularizers)):  # fmt: skip
            object.__setattr__(self, name, module.get(getattr(self, name)))

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        params = {"kernel": initializers.get(self.kernel_initializer)(rng, (shape[-1], self.units))}
        if self.use_bias:
            params["bias"] = initializers.get(self.bias_initializer)(rng, (self.units,))
        return params

    def __call__(self, params: Params, x: Array) -> Array:
        z = x @ params["kernel"]
        return z + params["bias"] if self.use_bias else z

    def penalty(self, params: Params) -> Array:
        pairs = ((self.kernel_regularizer, "kernel"), (self.bias_regularizer, "bias"))
        terms = [cost(params[name]) for regularizer, name in pairs if (cost := regularizers.get(regularizer)) and name in params]
        return sum(terms) if terms else None

    def unfold(self) -> tuple[Layer, ...]:
        if self.activation is None or self.activation == "linear":
            return (replace(self, activation=None),)
        activation = Activation(self.activation)
        return replace(self, activation=None), replace(activation, name=f"{self.name}.{activation.called}")
