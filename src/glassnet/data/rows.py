"""Rows in: features, targets and weights together, checked against each other and against the network; and a part of them held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data import arrays
from glassnet.data.split import random_split, stratified_split
from glassnet.data.targets import labels_of, targets
from glassnet.errors import DataError, is_number, require
from glassnet.losses import Loss
from glassnet.training import Data
from glassnet.types import Shape


def encode(
    x: np.ndarray, y: Any, loss: Loss, outputs: Shape, sample_weight: Any = None, class_weight: Any = None, prefix: str = ""
) -> tuple[Data, np.ndarray | None]:
    """Host arrays that a program takes, and the class of every row where there is one.

    Args:
        x: rows that `arrays.features` has passed.
        y: targets in any form that fits `loss` and `outputs`.
        loss: what the network is trained on.
        outputs: shape of one example's output.
        sample_weight: a weight per row, or None.
        class_weight: a weight per class, "balanced", or None; the two are multiplied.
        prefix: what errors put before x and y: "validation ".

    Raises:
        DataError: what cannot be used, with the place and the remedy.
    """
    target = targets(y, loss, outputs, f"{prefix}y")
    arrays.same_length(**{f"{prefix}x": x, f"{prefix}y": target})
    labels = labels_of(target, loss)
    by_row = arrays.sample_weights(sample_weight, len(x))
    by_class = arrays.class_weights(class_weight, labels)
    weight = by_row if by_class is None else by_class if by_row is None else by_row * by_class
    return Data(x, target, weight), labels


def hold_out(data: Data, labels: np.ndarray | None, fraction: float, how: str, seed: int) -> tuple[Data, Data | None]:
    """(rows to train on, rows held out or None): a function of the seed and the rows' number and classes alone.

    Args:
        data: all rows.
        labels: the class of every row, to hold out the same share of each; None for a plain draw.
        fraction: of the rows that is held out, from 0 to below 1.
        how: "random", or "end" for the last rows.
        seed: of the draw.

    Raises:
        DataError: a fraction out of range, or one that leaves no row on one side.
    """
    require(is_number(fraction) and 0 <= fraction < 1, "validation_split", "a fraction from 0 to below 1", error=DataError, validation_split=fraction)
    require(how in ("random", "end"), "validation_from", '"random" or "end"', error=DataError, validation_from=how)
    if fraction == 0:
        return data, None
    n = len(data.x)
    rng = np.random.default_rng((seed, 0, 2))
    kept, held = random_split(n, fraction, rng) if labels is None else stratified_split(labels, fraction, rng)
    if how == "end":
        kept, held = np.arange(len(kept)), np.arange(len(kept), n)
    return data.rows(kept), data.rows(held)
