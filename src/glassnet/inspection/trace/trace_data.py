"""Data of a trace: the arrays of one forward and backward pass."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from glassnet.engine.train_step import Program, TrainState
from glassnet.errors import MissingError, renamed_attributes
from glassnet.layers import Activation, Layer, functional
from glassnet.preprocessing.base import Preprocessor
from glassnet.suggestions import suggest_names


@renamed_attributes(with_loss="fused_with_loss", over="gradient_denominator")
@suggest_names
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
        d_output: dL/d(output), (n, ...): dL/da of an activation. None if `fused_with_loss`: the
            loss is computed on z, so there is no dL/dp.
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
    d_output: np.ndarray | None
    d_input: np.ndarray
    d_params: dict[str, np.ndarray]
    update: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    fused_with_loss: bool = False
    gradient_denominator: int = 0

    @property
    def has_z(self) -> bool:
        """Whether the link computes z, or an activation of z."""
        return isinstance(self.link, Activation) or functional.computes_z(self.link)

    @property
    def delta(self) -> np.ndarray:
        """dL/dz, (n, ...): z is the output of a layer, and the input of its activation.

        Lecture 003 writes delta4 for dL/da; that is `d_output` of the activation.

        Raises:
            MissingError: the link has no z.
        """
        if isinstance(self.link, Activation):
            return self.d_input
        if self.d_output is None or not self.has_z:
            raise MissingError(
                f"{self.name} has no z, and delta is dL/dz. d_output is dL/d(output)."
            )
        return self.d_output


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
    vocabulary: tuple[str, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, if the rows came from a table."""
        return tuple(self.preprocessor.feature_names) if self.preprocessor else ()

    @property
    def is_trained(self) -> bool:
        """Whether the model had been trained for at least one step."""
        return int(self.train_state.step) > 0
