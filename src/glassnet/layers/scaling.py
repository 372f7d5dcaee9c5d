"""Layers that bring numbers to a common scale: Rescaling by given numbers, Normalization by learned ones,
BatchNormalization by those of each batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet.errors import DataError, is_number, require
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class Rescaling(Layer):
    """Multiply and shift by given numbers: y = scale * x + offset.

    Shapes:
        (batch, ...) to the same.

    Args:
        scale: factor, in units of y per unit of x; 1 / 255 takes pixels to 0..1.
        offset: added afterwards, in units of y.

    Raises:
        ConfigError: scale or offset is not a number.

    Example:
        >>> Rescaling(1 / 255)({}, np.array([[0.0, 255.0]])).tolist()
        [[0.0, 1.0]]
    """

    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self):
        ok = is_number(self.scale) and is_number(self.offset)
        require(ok, "Rescaling", "scale and offset to be numbers", scale=self.scale, offset=self.offset)

    def __call__(self, params: Params, x: Array) -> Array:
        return x * self.scale + self.offset


@dataclass(frozen=True)
class Normalization(Layer):
    """Standardise by the mean and spread of the training rows: y = (x - mean) / max(sqrt(variance), 1e-7).

    `fit` learns them from its training rows before the first step (never from validation rows); `adapt(x)` does it by hand.
    Both are kept thereafter.

    Shapes:
        (batch, ..., n) to the same; mean, variance (n,), or (1,) with axis=None.

    Args:
        axis: -1 for a mean and variance per feature (or channel), None for one of each over everything.

    Raises:
        ConfigError: axis is neither -1 nor None.
        DataError: `adapt` is given no rows.

    Example:
        >>> layer = Normalization().adapt(np.array([[1.0], [3.0]]))
        >>> y, _ = layer.apply({}, layer.init_state((1,)), np.array([[5.0]]), key=None, train=False, mask=None)
        >>> y.tolist()
        [[3.0]]

    Source: Keras's Normalization.
    """

    axis: int | None = -1
    learned: State | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self):
        require(self.axis in (-1, None), "Normalization", "axis to be -1 (each feature) or None (all together)", axis=self.axis)

    def init_state(self, shape: Shape) -> State:
        size = 1 if self.axis is None else shape[-1]
        if self.learned is not None:
            known = np.size(self.learned["mean"])
            require(known == size, "Normalization", f"statistics of {size} columns, as its input has", adapted_to=known)
            return self.learned
        return {"mean": np.zeros(size, np.float32), "variance": np.ones(size, np.float32), "count": np.float32(0)}

    def apply(self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None) -> tuple[Array, State]:
        return (x - state["mean"]) / jnp.maximum(jnp.sqrt(state["variance"]), 1e-7), state

    def learn(self, x: np.ndarray) -> State:
        wide = np.asarray(x, np.float64)
        wide = wide[:, None] if wide.ndim == 1 else wide
        require(wide.size, "Normalization", "at least one row to learn from", error=DataError, shape=wide.shape)
        bad = int((~np.isfinite(wide)).sum())
        require(bad == 0, "Normalization", "finite numbers to learn from", error=DataError, bad=bad)
        axes = None if self.axis is None else tuple(range(wide.ndim - 1))
        mean, variance = np.atleast_1d(wide.mean(axes)), np.atleast_1d(wide.var(axes))
        return {"mean": np.float32(mean), "variance": np.float32(variance), "count": np.float32(len(x))}

    def adapt(self, x: Array) -> Normalization:
        """A layer like this one that has learned from the rows x (n, ...)."""
        return replace(self, learned=self.learn(np.asarray(x)))


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Standardise each feature by its batch, then scale and shift: y = gamma (x - mean) / sqrt(variance + epsilon) + beta.

    In training mean and variance are the batch's (of the real rows alone), and moving averages of them are kept:
    moving <- momentum * moving + (1 - momentum) * batch. In inference, and where `trainable` is False, the moving ones serve.

    Shapes:
        (batch, ..., n) to the same; gamma, beta, moving_mean, moving_variance (n,).

    Args:
        momentum: share of the old moving average that is kept at a step, from 0 to below 1.
        epsilon: added to the variance, > 0, in squared units of x.
        center: whether beta exists.
        scale: whether gamma exists.

    Raises:
        ConfigError: momentum outside [0, 1); epsilon not > 0.

    Example:
        >>> layer = BatchNormalization()
        >>> params, state = layer.init(np.random.default_rng(0), (1,)), layer.init_state((1,))
        >>> y, state = layer.apply(params, state, np.array([[1.0], [3.0]]), key=None, train=True, mask=None)
        >>> y.round(3).tolist()
        [[-1.0], [1.0]]

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 1; Keras's defaults.
    """

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def __post_init__(self):
        who = "BatchNormalization"
        require(is_number(self.momentum) and 0 <= self.momentum < 1, who, "momentum from 0 to below 1", momentum=self.momentum)
        require(is_number(self.epsilon) and self.epsilon > 0, who, "epsilon to be a number > 0", epsilon=self.epsilon)

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        gamma = {"gamma": np.ones(shape[-1], np.float32)} if self.scale else {}
        return gamma | ({"beta": np.zeros(shape[-1], np.float32)} if self.center else {})

    def init_state(self, shape: Shape) -> State:
        return {"moving_mean": np.zeros(shape[-1], np.float32), "moving_variance": np.ones(shape[-1], np.float32)}

    def apply(self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None) -> tuple[Array, State]:
        mean, variance = state["moving_mean"], state["moving_variance"]
        if train and self.trainable:
            axes = tuple(range(x.ndim - 1))
            real = None if mask is None else mask.astype(bool).reshape(mask.shape + (1,) * (x.ndim - mask.ndim))
            mean = jnp.mean(x, axes, where=real)
            variance = jnp.mean((x - mean) ** 2, axes, where=real)
            keep = self.momentum
            state = {
                "moving_mean": keep * state["moving_mean"] + (1 - keep) * mean,
                "moving_variance": keep * state["moving_variance"] + (1 - keep) * variance,
            }
        y = (x - mean) * lax.rsqrt(variance + self.epsilon)
        if self.scale:
            y = y * params["gamma"]
        return y + params["beta"] if self.center else y, state
