"""Fully connected layers: Dense and Maxout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from glassnet import activations, initializers
from glassnet.constraints import ConstraintLike
from glassnet.errors import is_int, require
from glassnet.initializers import Initializer
from glassnet.layers.activation import split_activation
from glassnet.layers.layer import Layer
from glassnet.layers.weight_fields import resolve_fields, weight_penalty
from glassnet.regularizers import RegularizerLike
from glassnet.types import Array, Params, Shape


@dataclass(frozen=True)
class Dense(Layer):
    """Fully connected layer: a = f(x W + b), along the last axis.

    Shapes:
        (batch, ..., n) to (batch, ..., units). kernel W (n, units), bias b (units,).

    Args:
        units: number of neurons, >= 1.
        activation: f; None returns the weighted sum z. It runs as a separate link, so z and a are
            both visible.
        use_bias: whether b exists.
        kernel_initializer: initializer of W.
        bias_initializer: initializer of b.
        kernel_regularizer: penalty on W, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        kernel_constraint: limit on W after every step: see `gn.constraints`.
        bias_constraint: limit on b after every step.

    Raises:
        ConfigError: units is not an int >= 1; an activation, initializer, regularizer or constraint
            is unknown.

    Example:
        >>> neuron = Dense(1, activation="sigmoid")
        >>> params = {"kernel": np.array([[0.0], [1.0]]), "bias": np.array([4.0])}
        >>> z = neuron(params, np.array([[2.0, 3.0]]))
        >>> z.item()
        7.0

    Source: lecture 001, h = ReLU(W x + b). As in Keras, x is on the left of W.
    """

    units: int = 1
    activation: str | Callable[[Array], Array] | None = None
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    kernel_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)

    is_affine: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(is_int(self.units, least=1), "Dense", "units to be an int >= 1", units=self.units)
        if self.activation is not None:
            object.__setattr__(self, "activation", activations.canonicalize(self.activation))
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        params = {"kernel": initializers.get(self.kernel_initializer)(rng, (shape[-1], self.units))}
        if self.use_bias:
            params["bias"] = initializers.get(self.bias_initializer)(rng, (self.units,))
        return params

    @property
    def ignores_padding(self) -> bool:
        return True

    def __call__(self, params: Params, x: Array) -> Array:
        z = x @ params["kernel"]
        return z + params["bias"] if self.use_bias else z

    def formula(self) -> str:
        return "z = x W + b" if self.use_bias else "z = x W"

    def penalty(self, params: Params) -> Array:
        return weight_penalty(self, params)

    def unfold(self) -> tuple[Layer, ...]:
        return split_activation(self)


@dataclass(frozen=True)
class Maxout(Layer):
    """Largest of several weighted sums: y = max_k (x W_k + b_k), along the last axis.

    This non-linearity is learned. Two pieces can form a rectifier or an absolute value, and enough
    pieces approximate any convex function.

    Shapes:
        (batch, ..., n) to (batch, ..., units). kernel (n, pieces, units) with W_k = kernel[:, k],
        bias (pieces, units).

    Args:
        units: number of neurons, >= 1.
        pieces: number of sums per neuron, >= 1. One piece is a Dense layer.
        use_bias: whether b exists.
        kernel_initializer: initializer of each W_k.
        bias_initializer: initializer of each b_k.
        kernel_regularizer: penalty on all W_k, added to the loss.
        bias_regularizer: penalty on all b_k, added to the loss.

    Raises:
        ConfigError: units or pieces is not an int >= 1; an initializer or regularizer is unknown.

    Example:
        One neuron computes XOR, max(x1 - x2, x2 - x1):

        >>> xor = {"kernel": np.array([[[1.0], [-1.0]], [[-1.0], [1.0]]]), "bias": np.zeros((2, 1))}
        >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> Maxout(1)(xor, x).ravel().tolist()
        [0.0, 1.0, 1.0, 0.0]

    Source: lecture 002, max(w1 x + b1, w2 x + b2); Goodfellow et al. 2013, arXiv 1302.4389, section
        3 (k there is `pieces` here).
    """

    units: int = 1
    pieces: int = 2
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None

    def __post_init__(self) -> None:
        require(is_int(self.units, least=1), "Maxout", "units to be an int >= 1", units=self.units)
        require(
            is_int(self.pieces, least=1), "Maxout", "pieces to be an int >= 1", pieces=self.pieces
        )
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        kernel = initializers.get(self.kernel_initializer).draw_many(
            rng, (shape[-1], self.units), self.pieces
        )
        if not self.use_bias:
            return {"kernel": kernel}
        return {
            "kernel": kernel,
            "bias": initializers.get(self.bias_initializer).draw_many(
                rng, (self.units,), self.pieces
            ),
        }

    @property
    def ignores_padding(self) -> bool:
        return True

    def __call__(self, params: Params, x: Array) -> Array:
        kernel = params["kernel"]
        z = (x @ kernel.reshape(len(kernel), -1)).reshape(*x.shape[:-1], *kernel.shape[1:])
        return (z + params["bias"] if self.use_bias else z).max(-2)

    def formula(self) -> str:
        return "y = max_k (x W_k + b_k)" if self.use_bias else "y = max_k (x W_k)"

    def penalty(self, params: Params) -> Array:
        return weight_penalty(self, params)
