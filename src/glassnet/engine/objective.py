"""Losses and last layers: check that they fit, infer the loss, and decode class labels.

| loss | last layer | targets |
|---|---|---|
| (sparse) categorical cross-entropy | softmax of K, or K logits | integers 0..K-1 or one-hot |
| binary cross-entropy | sigmoid, or logits | 0/1, two classes, or K columns |
| any other | any | any that fit the output's shape |

Logits are the outputs of a last layer without activation; they need a loss with `from_logits=True`.
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
from glassnet.types import PartialShape


def last_activation(links: Links) -> str:
    """Return the name of the last activation; "the function f" for a callable; or "linear"."""
    last = links[-1] if links else None
    if not isinstance(last, Activation):
        return "linear"
    if isinstance(last.activation, str):
        return last.activation
    return f"the function {getattr(last.activation, '__name__', 'given')}"


def head_spec(links: Links, output_shape: PartialShape | None = None) -> HeadSpec:
    """Describe the end of a network for preprocessing.

    Args:
        links: the network.
        output_shape: shape of one example's output, once it is known.
    """
    rescaled = bool(links) and isinstance(links[-1], Rescaling)
    return HeadSpec(last_activation(links), rescaled, output_shape)


def check_loss(links: Links, loss: Loss, output_shape: PartialShape | None = None) -> None:
    """Check that the last layer fits a cross-entropy.

    Args:
        links: the network.
        loss: the training loss.
        output_shape: shape of one example's output, if known.

    Raises:
        ConfigError: the last activation is not the one that the loss expects, is applied twice, or
            is a softmax of one output.
    """
    if not isinstance(loss, Crossentropy) or loss.output_activation is None:
        return
    require(links, "Sequential", "at least one layer", layers=[])
    who, expected = type(loss).__name__, loss.output_activation
    last = last_activation(links)
    if loss.from_logits:
        require(
            last == "linear",
            f"{who}(from_logits=True)",
            "a last layer without activation (its outputs are the logits)",
            ends_in=last,
            fix="Remove the activation of the last layer, or from_logits=True: the loss would "
            f"apply {expected} to it again.",
        )
    else:
        fix = _fix_last_layer(links, who, expected)
        require(last == expected, who, f"a network that ends in {expected}", ends_in=last, fix=fix)
    previous = last_activation(links[:-1]) if last == expected else "linear"
    require(
        previous not in ("softmax", "sigmoid"),
        who,
        f"one activation before the loss, {expected}",
        ends_in=f"{previous}, {last}",
        fix=f"Keep one of them: {expected} of {previous} flattens the probabilities, and training "
        "becomes very slow.",
    )
    if output_shape is not None and expected == "softmax" and output_shape[-1] == 1:
        fix = (
            'A softmax of one output is always 1: write Dense(1, activation="sigmoid") with '
            "binary_crossentropy, or Dense(2, ...)."
        )
        raise ConfigError(message(who, "at least 2 outputs, one per class", outputs=1, fix=fix))


def _fix_last_layer(links: Links, who: str, expected: str) -> str:
    last = links[-1]
    is_reshaped = isinstance(last, Reshape | Flatten)
    if is_reshaped and expected == "sigmoid" and last_activation(links[:-1]) == expected:
        return (
            f"Reshape first: Dense(...), {type(last).__name__}(...), "
            'Activation("sigmoid") gives the same numbers.'
        )
    return (
        f'Write Dense(..., activation="{expected}"), or {who}(from_logits=True) after a layer '
        "without activation."
    )


class InferredLoss(NamedTuple):
    """Loss and metrics of `fit` without `compile`, and the reason for them."""

    loss: Loss
    metrics: tuple[str, ...]
    reason: str


def infer_loss(links: Links, output_shape: PartialShape, y: np.ndarray) -> InferredLoss:
    """Infer the loss from the targets and the last layer.

    | last layer | targets | loss | metric |
    |---|---|---|---|
    | softmax | any | sparse categorical cross-entropy | accuracy |
    | sigmoid | all 0 or 1 | binary cross-entropy | accuracy |
    | sigmoid, K > 1 outputs | all from 0 to 1 | binary cross-entropy | |
    | linear, K > 1 outputs | one integer per row | sparse categorical, from logits | accuracy |
    | any other | | mean squared error | |

    Raises:
        ConfigError: the last layer is a sigmoid, but a target is not between 0 and 1.
    """
    last, accuracy = last_activation(links), ("accuracy",)
    if last == "softmax":
        return InferredLoss(
            SparseCategoricalCrossentropy(), accuracy, "the last layer is a softmax"
        )
    if last == "sigmoid":
        _require_reachable(y)
        if np.all((y == 0) | (y == 1)):
            reason = "the last layer is a sigmoid and the targets are 0 or 1"
            return InferredLoss(BinaryCrossentropy(), accuracy, reason)
        if output_shape != (1,):
            reason = "the last layer is a sigmoid and the targets are from 0 to 1"
            return InferredLoss(BinaryCrossentropy(), (), reason)
    is_class_id = y.size == len(y) and np.all(y == np.round(y))
    if last == "linear" and len(output_shape) == 1 and output_shape != (1,) and is_class_id:
        reason = f"the last layer gives {output_shape[0]} scores and each target is one class"
        return InferredLoss(SparseCategoricalCrossentropy(from_logits=True), accuracy, reason)
    reason = f"the last layer ends in {last} and the targets are numbers"
    return InferredLoss(MeanSquaredError(), (), reason)


def _require_reachable(y: np.ndarray) -> None:
    low, high = y.min().item(), y.max().item()
    if low >= 0 and high <= 1:
        return
    values = np.unique(y)
    count = len(values)
    fix = "For numbers end without activation, or name the loss in compile."
    if np.all(values == np.round(values)) and 2 <= count <= 100:
        fix_classes = (
            "Name the two classes 0 and 1. "
            if count == 2
            else f'For {count} classes end in Dense({count}, activation="softmax"). '
        )
        fix = fix_classes + fix
    expected = "targets from 0 to 1, as the last layer is a sigmoid"
    raise ConfigError(message("fit", expected, smallest=low, largest=high, fix=fix))


def to_class_labels(output: np.ndarray, links: Links, loss: Loss | None) -> np.ndarray:
    """Convert outputs to class indices.

    Args:
        output: probabilities or logits, (n, ..., K).
        links: the network.
        loss: the training loss, or None.

    Returns:
        The index of the largest of K outputs (n,); 0 or 1 for one sigmoid (n,), or for each of K
        sigmoids (n, K). Logits of a sigmoid are compared with 0.

    Raises:
        ConfigError: the network does not predict classes.
    """
    last, expected = last_activation(links), loss.output_activation if loss else None
    if "softmax" in (last, expected):
        indices: np.ndarray = output.argmax(-1)
        return indices
    require(
        "sigmoid" in (last, expected),
        "predict_labels",
        "a network that predicts classes",
        ends_in=last,
        fix="For numbers use predict. Classes need a softmax or sigmoid at the end, or a "
        "cross-entropy with from_logits=True.",
    )
    labels = (output > (0.5 if last == "sigmoid" else 0.0)).astype(np.int64)
    return labels[..., 0] if labels.shape[-1] == 1 else labels
