"""Both ways at once: Bidirectional, a recurrent layer and its copy that starts at the end."""

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
"""Keras's names of what `Parallel` merges by."""


@dataclass(frozen=True)
class ReverseSteps(Layer):
    """Time turned round: y_t = x_(T + 1 - t).

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
    """A recurrent layer and a copy of it that starts at the end, merged: y = merge(f(x), b(x)).

    Each has weights of its own. With `return_sequences` the outputs of one step stand beside each
    other, and are 0 at masked steps.

    Shapes:
        (batch, time, features) to what the layer gives; with "concat" twice as many units.

    Args:
        layer: a SimpleRNN, LSTM or GRU.
        merge_mode: "concat" (side by side), "sum", "mul" or "ave" (number by number).

    Raises:
        ConfigError: a layer that is not recurrent, or goes backwards itself; another merge mode.

    Example:
        >>> from glassnet.layers import LSTM
        >>> [part.name for part in Bidirectional(LSTM(8)).parts]
        ['bidirectional/forward_lstm', 'bidirectional/backward_lstm']

    Source: Schuster and Paliwal 1997; Keras.
    """

    layer: Any
    merge_mode: str = "concat"

    def __post_init__(self):
        fix = "Write Bidirectional(LSTM(units))."
        ok = isinstance(self.layer, Recurrent)
        require(
            ok,
            "Bidirectional",
            "a recurrent layer (SimpleRNN, LSTM, GRU)",
            layer=self.layer,
            fix=fix,
        )
        fix = "Its copy goes backwards."
        require(
            not self.layer.go_backwards,
            "Bidirectional",
            "a layer with go_backwards=False",
            go_backwards=True,
            fix=fix,
        )
        fix = (
            "Two outputs go nowhere in layers that stand in a row."
            if self.merge_mode is None
            else ""
        )
        named = isinstance(self.merge_mode, str)
        require(
            named,
            "Bidirectional",
            "merge_mode to be one of " + ", ".join(MERGE_MODES),
            merge_mode=self.merge_mode,
            fix=fix,
        )
        lookup("Bidirectional: merge_mode", self.merge_mode, MERGE_MODES)

    @property
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        name, every = (
            self.layer.name or functional.default_name(self.layer),
            self.layer.return_sequences,
        )
        there = replace(self.layer, name=f"forward_{name}", zero_output_for_mask=every)
        back = replace(there, name=f"backward_{name}", go_backwards=True)
        return (there,), (back, ReverseSteps(name=f"backward_{name}.reverse")) if every else (back,)

    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        return MERGES[MERGE_MODES[self.merge_mode]](outputs)

    def formula(self) -> str:
        return f"y = {self.merge_mode}(forward(x), backward(x))"
