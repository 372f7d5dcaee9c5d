"""Rows in: features, targets and weights together, checked against each other and against the
network; and a part of them held out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data import arrays
from glassnet.engine.network import BuiltNetwork, Links
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, is_int, require
from glassnet.losses import Loss
from glassnet.pipeline import memmap
from glassnet.pipeline.targets import encode_targets, get_class_labels
from glassnet.types import Shape


def encode_examples(
    x: Any, y: Any, loss: Loss, output_shape: Shape, sample_weight: Any = None, prefix: str = ""
) -> tuple[Data, np.ndarray | None]:
    """Host arrays that a program takes, and the class of every row where there is one.

    Args:
        x: rows that `memmap.as_features` has passed.
        y: targets in any form that fits `loss` and `output_shape`.
        loss: what the network is trained on.
        output_shape: shape of one example's output.
        sample_weight: a weight per row, or None.
        prefix: what errors put before x and y: "validation ".

    Raises:
        DataError: what cannot be used, with the place and the remedy.
    """
    target = encode_targets(y, loss, output_shape, f"{prefix}y")
    arrays.check_consistent_length(**{f"{prefix}x": x, f"{prefix}y": target})
    return Data(
        x, target, arrays.check_sample_weight(sample_weight, len(x), f"{prefix}sample_weight")
    ), get_class_labels(target, loss)


def check_unmasked(links: Links, x: np.ndarray) -> None:
    """Refuse rows to train on of which the first link leaves out every step, such as texts without
    a word: there would be no loss.

    Raises:
        DataError: there is no real step in any of them.
    """
    mask = links[0].mask(x, None) if links and isinstance(x, np.ndarray) else None
    fix = "All of it is what the mask leaves out: ids of 0 with mask_zero, or mask_value."
    require(
        mask is None or np.any(mask),
        "x",
        "a real step in some row",
        error=DataError,
        rows=len(x),
        fix=fix,
    )


def encode_validation(validation_data: Any, loss: Loss, built: BuiltNetwork) -> Data | None:
    """The user's (x, y) or (x, y, weights) to validate on in that network; None where none were
    given.

    Raises:
        DataError: neither two nor three parts; what cannot be used.
    """
    if validation_data is None:
        return None
    parts = tuple(validation_data) if isinstance(validation_data, tuple | list) else ()
    what = type(validation_data).__name__ + (f" of {len(parts)}" if parts else "")
    require(
        len(parts) in (2, 3),
        "validation_data",
        "(x, y) or (x, y, weights)",
        error=DataError,
        validation_data=what,
    )
    x = memmap.as_features(parts[0], built.shapes[0], "validation x", built.links)
    weight = parts[2] if len(parts) == 3 else None
    return encode_examples(x, parts[1], loss, built.shapes[-1], weight, prefix="validation ")[0]


def apply_class_weight(data: Data, loss: Loss, class_weight: Any) -> Data:
    """The rows with their weights multiplied by those of their classes; for training rows alone, so
    that validation stays as it is.

    Args:
        data: encoded rows.
        loss: what the network is trained on.
        class_weight: see `arrays.compute_sample_weight`.

    Raises:
        DataError: see `arrays.compute_sample_weight`.
    """
    by_class = arrays.compute_sample_weight(class_weight, get_class_labels(data.y, loss))
    if by_class is None:
        return data
    return data._replace(weight=by_class if data.weight is None else data.weight * by_class)


def check_steps(argument: str, steps: Any, n: int, batch_size: Any) -> None:
    """Refuse a number of batches that leaves out some of n rows, or takes some twice.

    Raises:
        ConfigError: with the number that all rows take.
    """
    needed = -(-n // batch_size) if is_int(batch_size, least=1) else 1
    fix = "Leave it out: all rows take part, once."
    require(
        steps is None or steps == needed,
        argument,
        f"None, or {needed} batches, which all {n} rows take",
        steps=steps,
        fix=fix,
    )
