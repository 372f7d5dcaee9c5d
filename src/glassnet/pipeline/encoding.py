"""Encoding of arrays for training: features, targets and weights, checked against the network."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data import arrays
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, is_int, require
from glassnet.layers.functional import Links
from glassnet.losses import Loss
from glassnet.pipeline.targets import encode_targets, get_class_labels
from glassnet.types import Shape


def encode_examples(
    x: Any, y: Any, loss: Loss, output_shape: Shape, sample_weight: Any = None, prefix: str = ""
) -> Data:
    """Return the encoded examples.

    Args:
        x: features that `memmap.as_features` returned.
        y: targets in any form that fits `loss` and `output_shape`.
        loss: the training loss.
        output_shape: shape of one example's output.
        sample_weight: a weight per row, or None.
        prefix: put before x and y in error messages: "validation ".

    Raises:
        DataError: values that cannot be used, with the position and the fix.
    """
    target = encode_targets(y, loss, output_shape, f"{prefix}y")
    arrays.check_consistent_length(**{f"{prefix}x": x, f"{prefix}y": target})
    weight = arrays.check_sample_weight(sample_weight, len(x), f"{prefix}sample_weight")
    return Data(x, target, weight)


def check_unmasked(links: Links, x: np.ndarray) -> None:
    """Refuse training rows if the first link masks every step of all of them: there is no loss.

    Raises:
        DataError: there is no unmasked step.
    """
    mask = links[0].mask(x, None) if links and isinstance(x, np.ndarray) else None
    require(
        mask is None or np.any(mask),
        "x",
        "at least one unmasked step",
        error=DataError,
        rows=len(x),
        fix="All values are masked: ids of 0 with mask_zero, or mask_value.",
    )


def apply_class_weight(data: Data, loss: Loss, class_weight: Any) -> Data:
    """Multiply the weights of training rows by those of their classes.

    Args:
        data: encoded training rows.
        loss: the training loss.
        class_weight: see `arrays.compute_sample_weight`.

    Raises:
        DataError: see `arrays.compute_sample_weight`.
    """
    weight = arrays.compute_sample_weight(class_weight, get_class_labels(data.y, loss))
    if weight is None:
        return data
    return data._replace(weight=weight if data.weight is None else data.weight * weight)


def check_steps(argument: str, steps: Any, n: int, batch_size: Any) -> None:
    """Refuse a number of batches that does not use each of n rows exactly once.

    Raises:
        ConfigError: with the number of batches that does.
    """
    n_batches = -(-n // batch_size) if is_int(batch_size, least=1) else 1
    require(
        steps is None or steps == n_batches,
        argument,
        f"None, or {n_batches} batches, which cover all {n} rows",
        steps=steps,
        fix="Leave it out: every row is used once.",
    )
