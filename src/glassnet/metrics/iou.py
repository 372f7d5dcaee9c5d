"""Intersection over union, the usual metric of segmentations."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, is_int, require
from glassnet.losses import broadcast_weights, to_one_hot
from glassnet.metrics.metric import Metric, Sums
from glassnet.types import Array

MAX_CLASSES = 1000
"""Maximum number of classes of a metric, whose counts then have 4 MB."""


@dataclass(frozen=True)
class MeanIoU(Metric):
    """Mean over the classes of #(predicted and actual) / #(predicted or actual).

    A class that is neither predicted nor actual does not count. Rows with a class id outside
    0..num_classes-1 are left out.

    Shapes: out (batch, ..., outputs); y of the same shape, or class ids (batch, ...). The largest
        of several outputs is the answer. A single output is the class id itself, rounded towards
        zero, as in Keras; for a probability, set a threshold.

    Args:
        num_classes: number of classes, 1 to 1,000.
        threshold: every output is an answer of its own: above this number class 1, else class 0.
            None for the rules above.
        class_ids: the classes of which the mean is taken; None for all.
        ignore_class: the target of rows to leave out; None for no such class.

    Raises:
        ConfigError: `num_classes` is not an int in this range, or another argument is not as
            described.

    Example:
        >>> MeanIoU(2)([0, 0, 1, 1], [0, 1, 0, 1])  # (1/3 + 1/3) / 2
        0.3333333333333333
        >>> MeanIoU(2, threshold=0.5)([0, 0, 1, 1], [0.1, 0.2, 0.4, 0.8])  # (2/3 + 1/2) / 2
        0.5833333333333333

    Source: Everingham et al. 2010, section 4.1.3 (the PASCAL challenge); Keras's MeanIoU.
    """

    num_classes: int
    threshold: float | None = None
    class_ids: tuple[int, ...] | None = None
    ignore_class: int | None = None
    name: str = field(default="mean_io_u", kw_only=True)

    def __post_init__(self) -> None:
        k, ids, ignored = self.num_classes, self.class_ids, self.ignore_class
        fits = is_int(k, 1) and k <= MAX_CLASSES
        require(fits, "MeanIoU", f"num_classes to be an int 1..{MAX_CLASSES:,}", num_classes=k)
        fits = self.threshold is None or is_float32(self.threshold)
        require(fits, "MeanIoU", "threshold to be None or a number", threshold=self.threshold)
        fits = ignored is None or is_int(ignored, -(2**31))
        require(fits, "MeanIoU", "ignore_class to be None or an int", ignore_class=ignored)
        if ids is not None:
            is_list = isinstance(ids, list | tuple) and len(ids) > 0
            fits = is_list and all(is_int(each, 0) and each < k for each in ids)
            require(fits, "MeanIoU", f"class_ids to be ints 0..{k - 1}", class_ids=ids)
            object.__setattr__(self, "class_ids", tuple(map(int, ids)))

    def init(self) -> Sums:
        """Return counts of zero: of every true class and predicted class."""
        return {"confusion": np.zeros((self.num_classes, self.num_classes), np.int32)}

    def update(self, acc: Sums, y: Array, out: Array, w: Array) -> Sums:
        """Add the batch's pairs of true and predicted classes to `acc`."""
        true, predicted = self._find_classes(y, out)
        counts = broadcast_weights(w, predicted.shape) > 0
        k = self.num_classes
        for ids in (true, predicted):
            counts &= (ids >= 0) & (ids < k)
        if self.ignore_class is not None:
            counts &= true != self.ignore_class
        cells = jnp.where(counts, true * k + predicted, k * k).ravel()
        added = jnp.zeros(k * k, jnp.int32).at[cells].add(1, mode="drop")
        return {"confusion": acc["confusion"] + added.reshape(k, k)}

    def _find_classes(self, y: Array, out: Array) -> tuple[Array, Array]:
        """Return the true and the predicted class ids, in the same shape."""
        if self.threshold is not None:
            true, predicted = to_one_hot(y, out), out > self.threshold
        elif out.shape[-1] == 1:
            true, predicted = y.reshape(out.shape), out
        else:
            true, predicted = (jnp.argmax(y, -1) if y.ndim == out.ndim else y), jnp.argmax(out, -1)
        return true.astype(jnp.int32), predicted.astype(jnp.int32)

    def result(self, acc: Sums) -> float:
        """Return the mean over the classes that occur, in float64, or 0 if none does."""
        confusion = np.asarray(acc["confusion"], np.float64)
        both = np.diag(confusion)
        either = confusion.sum(0) + confusion.sum(1) - both
        ids = list(range(self.num_classes) if self.class_ids is None else self.class_ids)
        both, either = both[ids], either[ids]
        occurs = either > 0
        return float(np.mean(both[occurs] / either[occurs])) if occurs.any() else 0.0
