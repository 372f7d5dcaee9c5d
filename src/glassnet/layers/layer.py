"""The protocol: a layer is a frozen dataclass that says what it is; what it has learned is passed
in.

Write one by giving its fields, `init` and `__call__`; everything else has a default:

    @dataclass(frozen=True)
    class Scale(Layer):
        start: float = 1.0

        def init(self, rng, shape):
            return {"scale": np.full(shape, self.start, np.float32)}

        def __call__(self, params, x):
            return params["scale"] * x

No output shape (`jax.eval_shape` derives it), no backward (`jax.vjp` derives it), no config methods
(the fields are the config). Layers hash and compare by value, so equal networks share one compiled
program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar

import numpy as np

from glassnet.errors import ConfigError, MissingError, message
from glassnet.types import Array, Params, Shape, State


def _reject_functional_call(call: Callable[..., Array]) -> Callable[..., Array]:
    """A layer's `__call__` that tells whoever calls it as Keras's functional API does, `layer(x)`,
    what to write.
    """

    @wraps(call)
    def told(self: Layer, params: Params, *x: Array, **named: Array) -> Array:
        if not x and not named:
            fix = "Write Sequential([...]), with Parallel([...]) for branches and Residual([...]) for a way around."
            raise ConfigError(
                message(
                    type(self).__name__,
                    "layer(params, x): a network calls its layers",
                    arguments=1,
                    fix=fix,
                )
            )
        return call(self, params, *x, **named)

    return told


@dataclass(frozen=True)
class Layer:
    """What every layer is. Subclass it with `@dataclass(frozen=True)`; never subclass a concrete
    layer.

    Args:
        name: what the trace, the summary and errors call it; given per model (`dense_1`) where left
            out. Not part of its value.
        trainable: False keeps its params as they are: they get no gradient, no penalty and no
            update.
    """

    name: str | None = field(default=None, kw_only=True, compare=False)
    trainable: bool = field(default=True, kw_only=True)

    def __init_subclass__(cls) -> None:
        own = vars(cls).get("__call__")
        if (
            own is not None and own.__code__.co_argcount != 2
        ):  # (self, texts) runs before the network, and is the user's to call
            cls.__call__ = _reject_functional_call(own)  # type: ignore[method-assign]

    parts: ClassVar[Any] = ()
    """The links inside a `Composite`; its params and state are tuples aligned with them."""

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        """Starting params for one example of `shape`; NumPy float32, in the order in which weights
        are listed.
        """
        return {}

    def init_state(self, shape: Shape) -> State:
        """Starting statistics for one example of `shape`."""
        return {}

    def init_params_and_state(self, rng: np.random.Generator, shape: Shape) -> tuple[Params, State]:
        """What the engine calls: `init` and `init_state`. Nobody but a composite has one of its
        own.
        """
        return self.init(rng, shape), self.init_state(shape)

    @_reject_functional_call
    def __call__(self, params: Params, x: Array) -> Array:
        """The plain case: x (batch, *shape) to y (batch, *output_shape)."""
        return x

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        """The whole case: noise from `key` while `train`, statistics in and out, and which rows are
        real.
        """
        return self(params, x), state

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        """Which entries of the output are real: None, (batch,) or (batch, time). A mask of its own
        is joined to the one received.
        """
        return mask

    def run(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State, Array | None]:
        """What the engine calls: output, new state and mask. Nobody but a composite has one of its
        own.
        """
        y, state = self.apply(params, state, x, key=key, train=train, mask=mask)
        return y, state, self.mask(x, mask)

    def penalty(self, params: Params) -> Array:
        """The regularizers' part of the loss; None where there is none. Its gradient is added after
        backward.
        """
        return None

    def learn(self, x: np.ndarray) -> State | None:
        """Statistics learned from the training rows x (n, ...) before the first step; None for a
        layer that learns none.

        One of them is `count`, the number of rows learned from: 0 in `init_state` until `learn` has
        run.
        """
        return None

    def learned_message(self, state: State) -> str:
        """What `learn` found, where it should be said: a guess that decides what the layer does."""
        return ""

    def check_input(self, x: np.ndarray, what: str) -> None:
        """Refuse rows x (n, ...) that it cannot take where it is a network's first link, such as
        ids of no token; errors begin with `what`.

        Raises:
            DataError: with the first such row.
        """

    def formula(self) -> str:
        """What it computes, in a few of the lectures' letters: a line of the trace."""
        return type(self).__name__

    def unfold(self) -> tuple[Layer, ...]:
        """The links that run for this layer."""
        return (self,)

    def __getattr__(self, name: str) -> Any:
        weights = "weight" in name or name in ("kernel", "bias", "variables")
        fix = (
            " What it has learned is the model's: model.layers[0].get_weights(), model.params."
            if weights
            else ""
        )
        raise MissingError(
            f"{type(self).__name__} has no attribute {name!r}: a layer says what it is.{fix}"
        )
