"""TimeDistributed: a layer applied to each step of a sequence, with the same weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet.errors import require
from glassnet.layers import functional
from glassnet.layers.activation import Activation
from glassnet.layers.composite import Composite
from glassnet.layers.layer import Layer
from glassnet.layers.shape import Input
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class TimeDistributed(Layer):
    """Layer applied to each step of a sequence, with the same weights: y_t = f(x_t).

    A mask over time is passed on, and the layer does not count masked steps. In training,
    `BatchNormalization` inside takes the statistics of each step by itself.

    Shapes:
        (batch, time, ...) to (batch, time, *output shape of the layer for one step).

    Args:
        layer: a layer, such as a Conv2D for the pictures of a film.

    Raises:
        ConfigError: layer is not a layer, or, once the shape is known, an example has no time axis
            before the axes of a step.

    Example:
        >>> from glassnet.layers import Flatten
        >>> TimeDistributed(Flatten()).apply(
        ...     {}, {}, np.zeros((2, 10, 4, 4)), key=None, train=False, mask=None
        ... )[0].shape
        (2, 10, 16)

    Source: Keras's TimeDistributed.
    """

    layer: Any

    def __post_init__(self) -> None:
        is_model = hasattr(type(self.layer), "fit")
        fix = "Wrap each of its layers: [TimeDistributed(each) for each in model.layers]."
        expected = "a layer, not a model"
        require(not is_model, "TimeDistributed", expected, layer=type(self.layer).__name__, fix=fix)
        object.__setattr__(self, "layer", functional.as_layer(self.layer, "TimeDistributed"))
        require(
            not isinstance(self.layer, Input),
            "TimeDistributed",
            "a layer other than Input",
            layer=self.layer,
            fix="Put it first in the network: Sequential([Input(...), ...]).",
        )

    def unfold(self) -> tuple[Layer, ...]:
        trainable = self.trainable and self.layer.trainable
        inner = replace(self.layer, name=self.name, trainable=trainable)
        return tuple(map(_distribute, inner.unfold()))

    @property
    def ignores_padding(self) -> bool:
        return True

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        fix = f"Put Reshape({(1, *shape)}) before it." if shape else ""
        require(
            len(shape) > 1,
            self.name or "TimeDistributed",
            "sequences (time, ...) with at least one axis for each step",
            input_shape=shape,
            fix=fix,
        )
        params: Params = self.layer.init(rng, shape[1:])
        return params

    def init_state(self, shape: Shape) -> State:
        state: State = self.layer.init_state(shape[1:])
        return state

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        if mask is not None and mask.ndim == 1:
            mask = jnp.broadcast_to(mask[:, None], x.shape[:2])
        if train and state and not self.layer.learns:
            return self._apply_in_order(params, state, x, key, mask)
        real = None if mask is None else mask.reshape(-1)
        y, state = self.layer.apply(params, state, _merge_steps(x), key=key, train=train, mask=real)
        return y.reshape(*x.shape[:2], *y.shape[1:]), state

    def _apply_in_order(
        self, params: Params, state: State, x: Array, key: Array, mask: Array | None
    ) -> tuple[Array, State]:
        """Return the outputs of a training step whose statistics are updated step by step."""

        def run(state: State, step: tuple[Array, Array, Array | None]) -> tuple[State, Array]:
            i, x, real = step
            step_key = None if key is None else jax.random.fold_in(key, i)
            y, state = self.layer.apply(params, state, x, key=step_key, train=True, mask=real)
            return state, y

        real = None if mask is None else mask.T
        steps = (jnp.arange(x.shape[1]), x.swapaxes(0, 1), real)
        state, y = lax.scan(run, state, steps)
        return y.swapaxes(0, 1), state

    def penalty(self, params: Params) -> Array:
        return self.layer.penalty(params)

    @property
    def learns(self) -> bool:
        return bool(self.layer.learns)

    def learn(self, x: np.ndarray) -> State | None:
        state: State | None = self.layer.learn(_merge_steps(x))
        return state

    def learned_message(self, state: State) -> str:
        return str(self.layer.learned_message(state))

    def check_input(self, x: np.ndarray, what: str) -> None:
        self.layer.check_input(_merge_steps(x), what)

    def formula(self) -> str:
        return f"{self.layer.formula()}, for each step"


@dataclass(frozen=True)
class DistributedComposite(Composite):
    """Composite whose layers are applied to each step of a sequence."""

    layer: Any

    @property
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        branches = self.layer.branch_layers
        named = iter(functional.with_names(tuple(chain(*branches))))
        steps = (TimeDistributed(inner, name=inner.name) for inner in named)
        return tuple(tuple(next(steps) for _ in branch) for branch in branches)

    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        return self.layer.merge_outputs(outputs)

    def formula(self) -> str:
        return f"{self.layer.formula()}, for each step"


def _distribute(link: Layer) -> Layer:
    """Return the link that applies a link to each step."""
    if isinstance(link, Activation) and isinstance(link.activation, str):
        return link  # it acts on each number, or along the last axis
    kind = DistributedComposite if isinstance(link, Composite) else TimeDistributed
    return kind(link, name=link.name, trainable=link.trainable)


def _merge_steps(x: Array) -> Array:
    """Return x (batch, time, ...) with all steps as rows."""
    return x.reshape(-1, *x.shape[2:])
