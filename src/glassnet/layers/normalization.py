"""Normalization layers.

BatchNormalization, GroupNormalization, LayerNormalization and UnitNormalization.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet import initializers
from glassnet.constraints import ConstraintLike
from glassnet.errors import is_float32, is_int, require
from glassnet.initializers import Initializer
from glassnet.layers.layer import Layer
from glassnet.layers.rescaling import MAX_AXES
from glassnet.layers.shape import as_tuple
from glassnet.layers.weight_fields import resolve_fields
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Batch normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.

    In training, mean and variance are those of each feature over the batch, without masked rows,
    and update the moving averages: moving <- momentum * moving + (1 - momentum) * batch. In
    inference, and if `trainable` is False, the moving averages are used. A batch in which every row
    or step is masked leaves them as they are.

    Shapes:
        (batch, ..., n) to the same. gamma, beta, moving_mean, moving_variance (n,).

    Args:
        momentum: weight of the old moving average in each update, from 0 to below 1.
        epsilon: added to the variance, > 0, in squared units of x.
        center: whether beta exists.
        scale: whether gamma exists.
        beta_constraint: limit on beta after every step: see `gn.constraints`.
        gamma_constraint: limit on gamma after every step.

    Raises:
        ConfigError: momentum is outside [0, 1), or epsilon is not > 0.

    Example:
        >>> layer = BatchNormalization()
        >>> params, state = layer.init(np.random.default_rng(0), (1,)), layer.init_state((1,))
        >>> x = np.array([[1.0], [3.0]])
        >>> y, state = layer.apply(params, state, x, key=None, train=True, mask=None)
        >>> y.round(3).tolist()
        [[-1.0], [1.0]]

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1; Keras's defaults.
    """

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_constraint: ConstraintLike = field(default=None, kw_only=True)
    gamma_constraint: ConstraintLike = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        who = "BatchNormalization"
        require(
            is_float32(self.momentum) and 0 <= self.momentum < 1,
            who,
            "momentum from 0 to below 1",
            momentum=self.momentum,
        )
        require(
            is_float32(self.epsilon) and self.epsilon > 0,
            who,
            "epsilon to be a number > 0",
            epsilon=self.epsilon,
        )
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        gamma = {"gamma": np.broadcast_to(np.float32(1), shape[-1])} if self.scale else {}
        return gamma | ({"beta": np.broadcast_to(np.float32(0), shape[-1])} if self.center else {})

    def init_state(self, shape: Shape) -> State:
        return {
            "moving_mean": np.broadcast_to(np.float32(0), shape[-1]),
            "moving_variance": np.broadcast_to(np.float32(1), shape[-1]),
        }

    @property
    def ignores_padding(self) -> bool:
        return True

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        mean, variance = state["moving_mean"], state["moving_variance"]
        if train and self.trainable:
            axes = tuple(range(x.ndim - 1))
            real = None
            if mask is not None:
                is_real = mask.astype(bool)
                # The mean of no numbers would be NaN. What is computed instead counts nowhere.
                is_used = is_real | ~is_real.any()
                real = is_used.reshape(mask.shape + (1,) * (x.ndim - mask.ndim))
            mean = jnp.mean(x, axes, where=real)
            variance = jnp.mean((x - mean) ** 2, axes, where=real)
            old = self.momentum
            batch = {"moving_mean": mean, "moving_variance": variance}
            updated = {key: old * state[key] + (1 - old) * batch[key] for key in batch}
            if mask is not None:
                updated = {key: jnp.where(is_real.any(), updated[key], state[key]) for key in batch}
            state = updated
        y = (x - mean) * lax.rsqrt(variance + self.epsilon)
        return _scale_and_shift(self, params, y), state

    def formula(self) -> str:
        return _standardization_formula(self)


@dataclass(frozen=True)
class GroupNormalization(Layer):
    """Group normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, by group.

    The channels are split into groups. Mean and variance are over the channels of a group and all
    steps or pixels of one example. Training and inference are the same, without moving averages.

    Shapes:
        (batch, ..., n) to the same. gamma, beta (n,).

    Args:
        groups: number of groups, >= 1, which divides n. 1 normalizes over all channels together. -1
            is n groups, each channel by itself (instance normalization).
        epsilon: added to the variance, > 0, in squared units of x.
        center: whether beta exists.
        scale: whether gamma exists.
        beta_initializer: initializer of beta.
        gamma_initializer: initializer of gamma.
        beta_constraint: limit on beta after every step: see `gn.constraints`.
        gamma_constraint: limit on gamma after every step.

    Raises:
        ConfigError: groups is not an int >= 1 or -1; epsilon is not > 0; an initializer is unknown;
            once the shape is known, groups does not divide the number of channels.

    Example:
        >>> layer = GroupNormalization(2, center=False, scale=False)
        >>> layer({}, np.array([[1.0, 3.0, 10.0, 50.0]])).round(3).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]

    Source: Wu and He 2018, arXiv 1803.08494, section 3; Keras's defaults.
    """

    groups: int = 32
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: str | Initializer = "zeros"
    gamma_initializer: str | Initializer = "ones"
    beta_constraint: ConstraintLike = field(default=None, kw_only=True)
    gamma_constraint: ConstraintLike = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        who = "GroupNormalization"
        require(
            is_int(self.groups, least=1) or self.groups == -1,
            who,
            "groups to be an int >= 1, or -1 for each channel by itself",
            groups=self.groups,
        )
        require(
            is_float32(self.epsilon) and self.epsilon > 0,
            who,
            "epsilon to be a number > 0",
            epsilon=self.epsilon,
        )
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        n = shape[-1]
        fix = f"Choose groups that divide {n}, or -1 for each channel by itself."
        require(
            n % self.groups == 0,
            self.name or "GroupNormalization",
            f"a number of channels that is a multiple of groups, {self.groups}",
            input_shape=shape,
            fix=fix,
        )
        gamma = {"gamma": initializers.get(self.gamma_initializer)(rng, (n,))} if self.scale else {}
        return gamma | (
            {"beta": initializers.get(self.beta_initializer)(rng, (n,))} if self.center else {}
        )

    def __call__(self, params: Params, x: Array) -> Array:
        groups = x.shape[-1] if self.groups == -1 else self.groups
        y = x.reshape(*x.shape[:-1], groups, -1)
        axes = (*range(1, x.ndim - 1), -1)
        y = y - y.mean(axes, keepdims=True)
        y = y * lax.rsqrt((y**2).mean(axes, keepdims=True) + self.epsilon)
        return _scale_and_shift(self, params, y.reshape(x.shape))

    def formula(self) -> str:
        groups = "each channel" if self.groups == -1 else f"each of {self.groups} groups"
        return f"{_standardization_formula(self)}, for {groups} of each row"


@dataclass(frozen=True)
class LayerNormalization(Layer):
    """Layer normalization: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, by example.

    Mean and variance are over `axis` only, not over the batch. Training and inference are the same,
    without moving averages.

    Shapes:
        (batch, ..., n) to the same. gamma, beta (n,), or the sizes of all axes in `axis`.

    Args:
        axis: -1 for the last axis, or the last axes counted from the back: (-2, -1).
        epsilon: added to the variance, > 0, in squared units of x.
        center: whether beta exists.
        scale: whether gamma exists.
        beta_initializer: initializer of beta.
        gamma_initializer: initializer of gamma.
        beta_constraint: limit on beta after every step: see `gn.constraints`.
        gamma_constraint: limit on gamma after every step.

    Raises:
        ConfigError: axis is not the last axis or axes, or, once the shape is known, includes the
            batch; epsilon is not > 0; an initializer is unknown.

    Example:
        >>> layer = LayerNormalization()
        >>> params = layer.init(np.random.default_rng(0), (2,))
        >>> layer(params, np.array([[1.0, 3.0], [10.0, 50.0]])).round(3).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]

    Source: Ba et al. 2016, arXiv 1607.06450, eq. 4; Keras's defaults.
    """

    axis: Any = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: str | Initializer = "zeros"
    gamma_initializer: str | Initializer = "ones"
    beta_constraint: ConstraintLike = field(default=None, kw_only=True)
    gamma_constraint: ConstraintLike = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", _last_axes("LayerNormalization", self.axis))
        require(
            is_float32(self.epsilon) and self.epsilon > 0,
            "LayerNormalization",
            "epsilon to be a number > 0",
            epsilon=self.epsilon,
        )
        resolve_fields(self)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        _check_axes(self, self.axis, shape)
        size = shape[-len(self.axis) :]
        gamma = {"gamma": initializers.get(self.gamma_initializer)(rng, size)} if self.scale else {}
        return gamma | (
            {"beta": initializers.get(self.beta_initializer)(rng, size)} if self.center else {}
        )

    @property
    def ignores_padding(self) -> bool:
        return bool(self.axis == (-1,))

    def __call__(self, params: Params, x: Array) -> Array:
        x = x - x.mean(self.axis, keepdims=True)
        return _scale_and_shift(
            self, params, x * lax.rsqrt((x**2).mean(self.axis, keepdims=True) + self.epsilon)
        )

    def formula(self) -> str:
        return _standardization_formula(self) + ", for each row"


@dataclass(frozen=True)
class UnitNormalization(Layer):
    """Scaling of each example to length 1: y = x / sqrt(sum x^2).

    Zeros stay zeros.

    Shapes:
        (batch, ...) to the same.

    Args:
        axis: the axis, or the axes, along which the length is measured. The batch is axis 0. -1 is
            the last axis, as in (-2, -1).

    Raises:
        ConfigError: axis is not an int or ints, or, once the shape is known, includes the batch or
            an axis that the input does not have.

    Example:
        >>> print(UnitNormalization()({}, np.array([[3.0, 4.0], [0.0, 0.0]])))
        [[0.6 0.8]
         [0.  0. ]]

    Source: Keras's UnitNormalization, whose derivative at zero is NaN; here it is 1.
    """

    axis: Any = -1

    def __post_init__(self) -> None:
        axes = as_tuple(self.axis)
        is_valid = axes and all(is_int(axis, -MAX_AXES) and axis != 0 for axis in axes)
        expected = "axis to be an int or ints other than 0, which is the batch"
        require(is_valid, "UnitNormalization", expected, axis=self.axis)
        object.__setattr__(self, "axis", tuple(sorted({int(axis) for axis in axes})))

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        ndim = len(shape) + 1
        axes = {axis + ndim if axis < 0 else axis for axis in self.axis}
        fits = all(0 < axis < ndim for axis in axes) and len(axes) == len(self.axis)
        expected = f"different axes from 1 to {ndim - 1}, or counted from the back"
        require(fits, self.name or "UnitNormalization", expected, axis=self.axis)
        return {}

    @property
    def ignores_padding(self) -> bool:
        return bool(self.axis == (-1,))

    def __call__(self, params: Params, x: Array) -> Array:
        squared = (x**2).sum(self.axis, keepdims=True)
        return x * lax.rsqrt(jnp.where(squared > 0, squared, 1))

    def formula(self) -> str:
        return "y = x / sqrt(sum x^2)"


ScaledNormalization = BatchNormalization | GroupNormalization | LayerNormalization


def _last_axes(who: str, axis: Any) -> tuple[int, ...]:
    axes = as_tuple(axis)
    last = tuple(range(-len(axes), 0))
    fix = f"The batch is axis 0. Count from the back: axis={last if len(last) > 1 else -1}."
    require(
        axes and set(axes) == set(last),
        who,
        "axis to be -1 or the last axes, as (-2, -1)",
        axis=axis,
        fix=fix,
    )
    return last


def _check_axes(layer: Layer, axes: tuple[int, ...], shape: Shape) -> None:
    require(
        len(axes) <= len(shape),
        layer.name or type(layer).__name__,
        f"an input of at least {len(axes)} axes",
        input_shape=shape,
    )


def _scale_and_shift(layer: ScaledNormalization, params: Params, x: Array) -> Array:
    if layer.scale:
        x = x * params["gamma"]
    return x + params["beta"] if layer.center else x


def _standardization_formula(layer: ScaledNormalization) -> str:
    gamma, beta = "gamma " * layer.scale, " + beta" * layer.center
    return f"y = {gamma}(x - mean) / sqrt(variance + epsilon){beta}"
