"""Bidirectional: a recurrent layer and a copy of it that reads the sequence backwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from glassnet.errors import lookup, require
from glassnet.layers import functional
from glassnet.layers.composite import MERGES, Composite
from glassnet.layers.layer import Layer
from glassnet.layers.recurrent import Recurrent
from glassnet.types import Array, Params

MERGE_MODES = {"concat": "concat", "sum": "add", "mul": "multiply", "ave": "mean"}
"""Keras's names of the merges of `Parallel`."""


@dataclass(frozen=True)
class ReverseSteps(Layer):
    """Reversal of time: y_t = x_(T + 1 - t).

    Shapes:
        (batch, time, ...) to the same.
    """

    def __call__(self, params: Params, x: Array) -> Array:
        return jnp.flip(x, 1)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if mask is None or mask.ndim == 1 else jnp.flip(mask, 1)

    def formula(self) -> str:
        return "the last step first"


@dataclass(frozen=True)
class Bidirectional(Composite):
    """Recurrent layer and a copy of it that reads backwards, merged: y = merge(f(x), b(x)).

    Each has its own weights. With `return_sequences`, both outputs at t belong to the same step,
    and they are 0 at masked steps.

    Shapes:
        (batch, time, features) to the layer's output shape, with twice the units for "concat".

    Args:
        layer: a SimpleRNN, LSTM or GRU.
        merge_mode: "concat" (along the last axis), "sum", "mul" or "ave" (elementwise).

    Raises:
        ConfigError: layer is not recurrent, or has go_backwards=True; merge_mode is unknown.

    Example:
        >>> from glassnet.layers import LSTM
        >>> [part.name for part in Bidirectional(LSTM(8)).parts]
        ['bidirectional/forward_lstm', 'bidirectional/backward_lstm']

    Source: Schuster and Paliwal 1997; Keras.
    """

    layer: Any
    merge_mode: str = "concat"

    def __post_init__(self) -> None:
        require(
            isinstance(self.layer, Recurrent),
            "Bidirectional",
            "a recurrent layer (SimpleRNN, LSTM, GRU)",
            layer=self.layer,
            fix="Write Bidirectional(LSTM(units)).",
        )
        require(
            not self.layer.go_backwards,
            "Bidirectional",
            "a layer with go_backwards=False",
            go_backwards=True,
            fix="Bidirectional adds the copy that reads backwards.",
        )
        fix = "The next layer takes one output, not two." if self.merge_mode is None else ""
        require(
            isinstance(self.merge_mode, str),
            "Bidirectional",
            "merge_mode to be one of " + ", ".join(MERGE_MODES),
            merge_mode=self.merge_mode,
            fix=fix,
        )
        lookup("Bidirectional: merge_mode", self.merge_mode, MERGE_MODES)

    @property
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        name = self.layer.name or functional.default_name(self.layer)
        sequences = self.layer.return_sequences
        forward = replace(self.layer, name=f"forward_{name}", zero_output_for_mask=sequences)
        backward = replace(forward, name=f"backward_{name}", go_backwards=True)
        if not sequences:
            return (forward,), (backward,)
        return (forward,), (backward, ReverseSteps(name=f"backward_{name}.reverse"))

    @property
    def ignores_padding(self) -> bool:
        return True

    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        return MERGES[MERGE_MODES[self.merge_mode]](outputs)

    def formula(self) -> str:
        return f"y = {self.merge_mode}(forward(x), backward(x))"
