"""The layer protocol: a layer is a frozen dataclass of settings, and its weights are passed in.

To write a layer, give its fields, `init` and `__call__`. Everything else has a default:

    @dataclass(frozen=True)
    class Scale(Layer):
        start: float = 1.0

        def init(self, rng, shape):
            return {"scale": np.full(shape, self.start, np.float32)}

        def __call__(self, params, x):
            return params["scale"] * x

A layer has no output shape (`jax.eval_shape` derives it), no backward (`jax.vjp` derives it) and no
config methods (the fields are the config). Layers hash and compare by value, so equal networks
share one compiled program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar

import numpy as np

from glassnet.errors import ConfigError, MissingError, message, refuse_renamed_methods, suggest
from glassnet.types import Array, Params, Shape, State


def _reject_functional_call(call: Callable[..., Array]) -> Callable[..., Array]:
    """Wrap `__call__` so that `layer(x)`, Keras's functional API, raises an error with a fix."""

    @wraps(call)
    def checked_call(self: Layer, params: Params, *x: Array, **named: Array) -> Array:
        if not x and not named:
            fix = (
                "Write Sequential([...]), with Parallel([...]) for branches and Residual([...]) "
                "for skip connections. In glassnet.keras, layers can be called on keras.Input(...)."
            )
            raise ConfigError(
                message(
                    type(self).__name__,
                    "layer(params, x): a network calls its layers",
                    arguments=1,
                    fix=fix,
                )
            )
        return call(self, params, *x, **named)

    return checked_call


@dataclass(frozen=True)
class Layer:
    """Base class of all layers.

    Subclass it with `@dataclass(frozen=True)`. Never subclass a concrete layer.

    Args:
        name: name in the trace, the summary and errors. If None, each model numbers its layers
            (`dense_1`). Layers that differ in name only are equal.
        trainable: if False, the params stay as they are: no gradient, no penalty and no update.
    """

    name: str | None = field(default=None, kw_only=True, compare=False)
    trainable: bool = field(default=True, kw_only=True)

    _RENAMED: ClassVar[dict[str, str]] = {
        "told": "learned_message",
        "require_input": "check_input",
        "init_both": "init_params_and_state",
    }
    """Methods by the names that they had before release 0.2, each with its name now."""

    def __init_subclass__(cls) -> None:
        refuse_renamed_methods(cls, cls._RENAMED)
        call = vars(cls).get("__call__")
        # TextVectorization's (self, texts) runs before the network: users call it themselves
        if call is not None and call.__code__.co_argcount != 2:
            cls.__call__ = _reject_functional_call(call)  # type: ignore[method-assign]

    parts: ClassVar[Any] = ()
    """Links inside a `Composite`. Its params and state are tuples aligned with them."""

    is_affine: ClassVar[bool] = False
    """Whether the output is affine in the params, for a fixed input and in inference.

    The output along a line of params is then y0 + t y1, which views compute once for many t.
    """

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        """Return the initial params for one example of `shape`.

        They are NumPy float32 arrays, in the order in which weights are listed.
        """
        return {}

    def init_state(self, shape: Shape) -> State:
        """Return the initial statistics for one example of `shape`."""
        return {}

    def init_params_and_state(self, rng: np.random.Generator, shape: Shape) -> tuple[Params, State]:
        """Return `init` and `init_state`: what the engine calls.

        Only composites override it.
        """
        return self.init(rng, shape), self.init_state(shape)

    @_reject_functional_call
    def __call__(self, params: Params, x: Array) -> Array:
        """Return y (batch, *output_shape) for x (batch, *shape)."""
        return x

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        """Return the output and the new state. Override it for noise, statistics or masks.

        Args:
            params: params from `init`, or trained.
            state: state from `init_state`, or updated.
            x: (batch, *shape).
            key: JAX's random key for noise, or None.
            train: whether this is a training step.
            mask: real entries of x: None, (batch,) or (batch, time).
        """
        return self(params, x), state

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        """Return the mask of the output's real entries: None, (batch,) or (batch, time).

        A layer that adds a mask combines it with the one that it receives.
        """
        return mask

    def run(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State, Array | None]:
        """Return the output, the new state and the mask: what the engine calls.

        Only composites override it.
        """
        y, state = self.apply(params, state, x, key=key, train=train, mask=mask)
        return y, state, self.mask(x, mask)

    def penalty(self, params: Params) -> Array:
        """Return the regularizers' part of the loss, or None without regularizers.

        Its gradient is added after backward.
        """
        return None

    def learn(self, x: np.ndarray) -> State | None:
        """Return statistics of the training rows x (n, ...), or None if the layer learns none.

        The engine calls it before the first step. The statistics include `count`, the number of
        rows. It is 0 in `init_state`, until `learn` has run.
        """
        return None

    @property
    def learns(self) -> bool:
        """Whether the layer needs `learn` before it can be used."""
        return type(self).learn is not Layer.learn

    @property
    def ignores_padding(self) -> bool:
        """Whether masked steps after the last real one change nothing at the real steps.

        Sequences of several lengths can then be padded to one length and share a program.
        """
        return False

    def learned_message(self, state: State) -> str:
        """Return a message about what `learn` inferred from the data, or "" if there is none."""
        return ""

    def check_input(self, x: np.ndarray, what: str) -> None:
        """Reject rows x (n, ...) that this layer, as the first link, does not accept.

        Args:
            x: input rows, such as token ids.
            what: name of x, with which errors begin.

        Raises:
            DataError: a row is invalid; the message names the first one.
        """

    def formula(self) -> str:
        """Return the layer's formula in the lectures' letters, for the trace."""
        return type(self).__name__

    def unfold(self) -> tuple[Layer, ...]:
        """Return the links that run for this layer."""
        return (self,)

    def __getattr__(self, name: str) -> Any:
        weights = "weight" in name or name in ("kernel", "bias", "variables")
        fix = (
            " The weights are in the model: model.layers[0].get_weights(), model.params."
            if weights
            else suggest(name, self.__dataclass_fields__)
        )
        raise MissingError(
            f"{type(self).__name__} has no attribute {name!r}: "
            f"a layer holds only its settings.{fix}"
        )
