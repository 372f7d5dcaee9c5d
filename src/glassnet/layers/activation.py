"""Non-linearities as layers: Activation, and PReLU with a learned slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from glassnet import activations, initializers
from glassnet.constraints import ConstraintLike
from glassnet.errors import is_int, require
from glassnet.initializers import Initializer
from glassnet.layers.layer import Layer
from glassnet.layers.shape import as_tuple
from glassnet.layers.weight_fields import resolve_fields, weight_penalty
from glassnet.regularizers import RegularizerLike
from glassnet.types import Array, Params, Shape


@dataclass(frozen=True)
class Activation(Layer):
    """Activation function, applied to each number (softmax: along the last axis): a = f(z).

    Shapes:
        (batch, ...) to the same.

    Args:
        activation: a name from `glassnet.activations` or a JAX function.

    Raises:
        ConfigError: the name is unknown; the message suggests the nearest name.

    Example:
        >>> Activation("relu")({}, np.array([[-1.0, 2.0]])).tolist()
        [[0.0, 2.0]]

    Source: lecture 002, activations.
    """

    activation: str | Callable[[Array], Array] = "linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activations.canonicalize(self.activation))

    @property
    def activation_name(self) -> str:
        """Name of the activation, or of its function."""
        return (
            self.activation
            if isinstance(self.activation, str)
            else getattr(self.activation, "__name__", "activation")
        )

    @property
    def ignores_padding(self) -> bool:
        return isinstance(self.activation, str)

    def __call__(self, params: Params, x: Array) -> Array:
        return activations.get(self.activation)(x)


def split_activation(layer: Any) -> tuple[Layer, ...]:
    """Return the links of a layer with an `activation`: the layer without it, then the activation.

    A linear activation adds no link.
    """
    plain = replace(layer, activation=None)
    if layer.activation is None or layer.activation == "linear":
        return (plain,)
    activation = Activation(layer.activation)
    return plain, replace(activation, name=f"{layer.name}.{activation.activation_name}")


@dataclass(frozen=True)
class PReLU(Layer):
    """Rectifier with a learned slope below zero: y = max(x, 0) + alpha min(x, 0).

    The derivative at zero is 0.

    Shapes:
        (batch, *shape) to the same. alpha has `shape`, with size 1 along each shared axis.

    Args:
        alpha_initializer: initializer of alpha (dimensionless).
        alpha_regularizer: penalty on alpha, added to the loss.
        shared_axes: axes along which all numbers share one alpha, counted from 1 because the batch
            is axis 0. (1, 2) gives each channel of an image one alpha. An int is one axis. None
            shares along no axis.
        alpha_constraint: limit on alpha after every step: see `gn.constraints`.

    Raises:
        ConfigError: shared_axes has an entry that is not an int >= 1, or, once the shape is known,
            an axis that the input does not have; an initializer or regularizer is unknown.

    Example:
        >>> PReLU()({"alpha": np.array([0.5, 0.5])}, np.array([[-2.0, 3.0]])).tolist()
        [[-1.0, 3.0]]

    Source: He et al. 2015, arXiv 1502.01852, eq. 1. The paper's alpha starts at 0.25, Keras's at 0.
    """

    alpha_initializer: str | Initializer = "zeros"
    alpha_regularizer: RegularizerLike = None
    shared_axes: Any = None
    alpha_constraint: ConstraintLike = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        resolve_fields(self)
        axes = () if self.shared_axes is None else as_tuple(self.shared_axes)
        require(
            all(is_int(axis, least=1) for axis in axes),
            "PReLU",
            "shared_axes to be ints >= 1",
            shared_axes=self.shared_axes,
        )
        object.__setattr__(self, "shared_axes", tuple(sorted({int(axis) for axis in axes})))

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        shared = self.shared_axes
        fits = max(shared, default=0) <= len(shape)
        require(
            fits,
            self.name or "PReLU",
            f"shared_axes from 1 to {len(shape)}",
            shared_axes=shared,
            input_shape=shape,
        )
        sizes = tuple(1 if axis in shared else size for axis, size in enumerate(shape, start=1))
        return {"alpha": initializers.get(self.alpha_initializer)(rng, sizes)}

    @property
    def ignores_padding(self) -> bool:
        return True

    def __call__(self, params: Params, x: Array) -> Array:
        return jax.nn.relu(x) - params["alpha"] * jax.nn.relu(-x)

    def formula(self) -> str:
        return "y = max(x, 0) + alpha min(x, 0)"

    def penalty(self, params: Params) -> Array:
        return weight_penalty(self, params)
