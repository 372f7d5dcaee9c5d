"""Which loss goes with which last layer, and which loss is meant where none is named.

| loss | last layer | targets |
|---|---|---|
| (sparse) categorical cross-entropy | softmax of K, or any linear K with `from_logits=True` | integers 0..K-1 or one-hot rows |
| binary cross-entropy | sigmoid, or linear with `from_logits=True` | 0/1, two classes, or K columns |
| any other | any | what the shape allows |
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.errors import ConfigError, message, require
from glassnet.layers import Activation
from glassnet.losses import BinaryCrossentropy, Loss, MeanSquaredError, SparseCategoricalCrossentropy
from glassnet.network import Links
from glassnet.types import Shape


def last_activation(links: Links) -> str:
    """What the network ends in: the name of an activation, or "linear"."""
    last = links[-1] if links else None
    return str(last.activation) if isinstance(last, Activation) else "linear"


def check(links: Links, loss: Loss, outputs: Shape | None = None) -> None:
    """Refuse a cross-entropy without its partner, a softmax of one, and a softmax of a softmax.

    Args:
        links: the network.
        loss: what it is to be trained on.
        outputs: shape of one example's output, once it is known.

    Raises:
        ConfigError: with the fix.
    """
    if loss.link is None:
        return
    who, ends, partner = type(loss).__name__, last_activation(links), loss.link
    if loss.from_logits:
        fix = f"Remove the activation of the last layer, or from_logits=True: the loss would apply {partner} to it again."
        require(ends == "linear", f"{who}(from_logits=True)", "a last layer without activation (its outputs are the logits)", ends_in=ends, fix=fix)
    else:
        fix = f'Write Dense(..., activation="{partner}"), or {who}(from_logits=True) after a layer without activation.'
        require(ends == partner, who, f"a network that ends in {partner}", ends_in=ends, fix=fix)
    before = last_activation(links[:-1] if not loss.from_logits else links)
    if before in ("softmax", "sigmoid"):
        fix = f"Keep one of them: {partner} of {before} flattens the probabilities, and training crawls."
        require(False, who, f"one activation before the loss, {partner}", ends_in=f"{before}, {ends}", fix=fix)
    if outputs is not None and partner == "softmax" and outputs[-1] == 1:
        fix = 'A softmax of one output is always 1. For two classes write Dense(1, activation="sigmoid") with binary_crossentropy, or Dense(2, ...).'
        raise ConfigError(message(who, "at least 2 outputs, one per class", outputs=1, fix=fix))


class Inferred(NamedTuple):
    """What `fit` trains on where `compile` was left out, and why."""

    loss: Loss
    metrics: tuple[str, ...]
    because: str


def infer(links: Links, outputs: Shape, y: np.ndarray) -> Inferred:
    """The loss that the targets and the last layer ask for:

    | last layer | targets | loss | metric |
    |---|---|---|---|
    | softmax | any | sparse categorical cross-entropy | accuracy |
    | sigmoid | all from 0 to 1 | binary cross-entropy | accuracy where all are 0 or 1 |
    | linear, K > 1 outputs | one whole number a row | sparse categorical cross-entropy from logits | accuracy |
    | any other | | mean squared error | |
    """
    ends = last_activation(links)
    if ends == "softmax":
        return Inferred(SparseCategoricalCrossentropy(), ("accuracy",), "the last layer is a softmax")
    if ends == "sigmoid" and np.all((y >= 0) & (y <= 1)):
        labels = np.all((y == 0) | (y == 1))
        what = "0 or 1" if labels else "from 0 to 1"
        return Inferred(BinaryCrossentropy(), ("accuracy",) if labels else (), f"the last layer is a sigmoid and the targets are {what}")
    one_a_row = y.size == len(y) and np.all(y == np.round(y))
    if ends == "linear" and len(outputs) == 1 and outputs[0] > 1 and one_a_row:
        because = f"the last layer gives {outputs[0]} scores and each target is one class"
        return Inferred(SparseCategoricalCrossentropy(from_logits=True), ("accuracy",), because)
    return Inferred(MeanSquaredError(), (), f"the last layer ends in {ends} and the targets are numbers")
