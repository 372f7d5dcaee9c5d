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

from glassnet.engine.network import Links
from glassnet.errors import ConfigError, message, require
from glassnet.layers import Activation, Flatten, Rescaling, Reshape
from glassnet.losses import (
    BinaryCrossentropy,
    Crossentropy,
    Loss,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from glassnet.preprocessing.base import HeadSpec
from glassnet.types import Shape


def last_activation(links: Links) -> str:
    """What the network ends in: the name of an activation, "the function f" for one without, or
    "linear".
    """
    last = links[-1] if links else None
    if not isinstance(last, Activation):
        return "linear"
    if isinstance(last.activation, str):
        return last.activation
    return f"the function {getattr(last.activation, '__name__', 'given')}"


def head_spec(links: Links, output_shape: Shape | None = None) -> HeadSpec:
    """Describe the end of a network for preprocessing.

    Args:
        links: the network.
        output_shape: shape of one example's output, once it is known.
    """
    rescaled = bool(links) and isinstance(links[-1], Rescaling)
    return HeadSpec(last_activation(links), rescaled, output_shape)


def check_loss(links: Links, loss: Loss, output_shape: Shape | None = None) -> None:
    """Refuse a cross-entropy without its partner, a softmax of one, and a softmax of a softmax.

    Args:
        links: the network.
        loss: what it is to be trained on.
        output_shape: shape of one example's output, once it is known.

    Raises:
        ConfigError: with the fix.
    """
    if not isinstance(loss, Crossentropy) or loss.output_activation is None:
        return
    require(links, "Sequential", "at least one layer", layers=[])
    who, ends, partner = type(loss).__name__, last_activation(links), loss.output_activation
    if loss.from_logits:
        fix = f"Remove the activation of the last layer, or from_logits=True: the loss would apply {partner} to it again."
        expected = "a last layer without activation (its outputs are the logits)"
        require(ends == "linear", f"{who}(from_logits=True)", expected, ends_in=ends, fix=fix)
    else:
        fix = f'Write Dense(..., activation="{partner}"), or {who}(from_logits=True) after a layer without activation.'
        if (
            isinstance(links[-1], Reshape | Flatten)
            and last_activation(links[:-1]) == partner == "sigmoid"
        ):
            fix = f'Reshape first: Dense(...), {type(links[-1]).__name__}(...), Activation("sigmoid") gives the same numbers.'
        require(ends == partner, who, f"a network that ends in {partner}", ends_in=ends, fix=fix)
    before = last_activation(links[:-1]) if ends == partner else "linear"
    fix = (
        f"Keep one of them: {partner} of {before} flattens the probabilities, and training crawls."
    )
    require(
        before not in ("softmax", "sigmoid"),
        who,
        f"one activation before the loss, {partner}",
        ends_in=f"{before}, {ends}",
        fix=fix,
    )
    if output_shape is not None and partner == "softmax" and output_shape[-1] == 1:
        fix = 'A softmax of one output is always 1: write Dense(1, activation="sigmoid") with binary_crossentropy, or Dense(2, ...).'
        raise ConfigError(message(who, "at least 2 outputs, one per class", outputs=1, fix=fix))


class InferredLoss(NamedTuple):
    """What `fit` trains on where `compile` was left out, and why."""

    loss: Loss
    metrics: tuple[str, ...]
    reason: str


def infer_loss(links: Links, output_shape: Shape, y: np.ndarray) -> InferredLoss:
    """The loss that the targets and the last layer ask for:

    | last layer | targets | loss | metric |
    |---|---|---|---|
    | softmax | any | sparse categorical cross-entropy | accuracy |
    | sigmoid | all 0 or 1 | binary cross-entropy | accuracy |
    | sigmoid, K > 1 outputs | all from 0 to 1 | binary cross-entropy | |
    | linear, K > 1 outputs | one whole number a row | sparse categorical cross-entropy from logits | accuracy |
    | any other | | mean squared error | |

    Raises:
        ConfigError: a sigmoid is to learn targets that it cannot reach.
    """
    ends = last_activation(links)
    if ends == "softmax":
        return InferredLoss(
            SparseCategoricalCrossentropy(), ("accuracy",), "the last layer is a softmax"
        )
    if ends == "sigmoid":
        _require_reachable(y)
        if np.all((y == 0) | (y == 1)):
            return InferredLoss(
                BinaryCrossentropy(),
                ("accuracy",),
                "the last layer is a sigmoid and the targets are 0 or 1",
            )
        if output_shape != (1,):
            return InferredLoss(
                BinaryCrossentropy(),
                (),
                "the last layer is a sigmoid and the targets are from 0 to 1",
            )
    one_a_row = y.size == len(y) and np.all(y == np.round(y))
    if ends == "linear" and len(output_shape) == 1 and output_shape[0] > 1 and one_a_row:
        because = f"the last layer gives {output_shape[0]} scores and each target is one class"
        return InferredLoss(SparseCategoricalCrossentropy(from_logits=True), ("accuracy",), because)
    return InferredLoss(
        MeanSquaredError(), (), f"the last layer ends in {ends} and the targets are numbers"
    )


def _require_reachable(y: np.ndarray) -> None:
    low, high = y.min().item(), y.max().item()
    if low < 0 or high > 1:
        found = np.unique(y)
        whole = np.all(found == np.round(found)) and len(found) <= 100
        fix = (
            f'For {len(found)} classes end in Dense({len(found)}, activation="softmax"). '
            if whole and len(found) > 2
            else ""
        )
        fix = "Name the two classes 0 and 1. " if whole and len(found) == 2 else fix
        fix += "For numbers end without activation, or name the loss in compile."
        raise ConfigError(
            message(
                "fit",
                "targets from 0 to 1, as the last layer is a sigmoid",
                smallest=low,
                largest=high,
                fix=fix,
            )
        )


def to_class_labels(output: np.ndarray, links: Links, loss: Loss | None) -> np.ndarray:
    """Outputs as classes: the largest of K (n,); 0 or 1 for one sigmoid (n,), or for each of K
    sigmoids (n, K). Logits are cut at 0.

    Raises:
        ConfigError: the network gives numbers, not classes.
    """
    ends, partner = last_activation(links), loss.output_activation if loss else None
    if "softmax" in (ends, partner):
        return output.argmax(-1)
    fix = "For numbers use predict; classes need a softmax or sigmoid at the end, or a cross-entropy from_logits."
    require(
        "sigmoid" in (ends, partner),
        "predict_labels",
        "a network that gives classes",
        ends_in=ends,
        fix=fix,
    )
    labels = (output > (0.5 if ends == "sigmoid" else 0.0)).astype(np.int64)
    return labels[..., 0] if labels.shape[-1] == 1 else labels
