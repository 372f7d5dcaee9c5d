"""Data of a trace: the arrays of one forward and backward pass."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from glassnet.engine.train_step import Program, TrainState
from glassnet.errors import renamed_attributes
from glassnet.layers import Layer
from glassnet.preprocessing.base import Preprocessor


@renamed_attributes(with_loss="fused_with_loss", over="gradient_denominator")
@dataclass(frozen=True, eq=False)
class LinkTrace:
    """Arrays of one link in one pass, for n rows.

    Attributes:
        name: name of the link: `dense_1`, and `dense_1.relu` for its activation.
        link: the layer that ran.
        source: name of the link whose output is the input; "x" for the network's input.
        input: (n, ...).
        params: by name.
        output: (n, ...).
        delta: dL/d(output), (n, ...). If `fused_with_loss`, dL/d(input).
        d_input: dL/d(input), (n, ...). If several branches share the input, the sum over them.
        d_params: dL/d(params) by name.
        update: change that the optimizer would add to the params, by name.
        state: statistics by name, before the pass.
        fused_with_loss: whether this activation is part of the loss, which is computed on z.
        gradient_denominator: the number k in dL/dz = (p - y) / k: the number of rows, times K for K
            sigmoids. 0 if dL/dz has another form, for example with label smoothing.
    """

    name: str
    link: Layer
    source: str
    input: np.ndarray
    params: dict[str, np.ndarray]
    output: np.ndarray
    delta: np.ndarray
    d_input: np.ndarray
    d_params: dict[str, np.ndarray]
    update: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    fused_with_loss: bool = False
    gradient_denominator: int = 0


@dataclass(frozen=True, repr=False, eq=False)
class TraceData:
    """Arrays of one forward and backward pass; `Trace` documents the fields."""

    links: tuple[LinkTrace, ...]
    x: np.ndarray
    y: np.ndarray
    loss: float
    unreduced_loss: np.ndarray
    output: np.ndarray
    program: Program
    rate: float
    training: bool
    train_state: TrainState = field(repr=False)
    preprocessor: Preprocessor | None = None

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, if the rows came from a table."""
        return tuple(self.preprocessor.feature_names) if self.preprocessor else ()
