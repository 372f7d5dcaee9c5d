"""Keras's metrics of segmentations: intersection over union."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import DataError, require
from glassnet.keras.base_metric import BuiltInMetric
from glassnet.metrics import MeanIoU


@dataclass(frozen=True)
class ClassAxes:
    """How targets and predictions express classes, in Keras's terms.

    Args:
        sparse_y_true: whether targets are class ids, and not one-hot.
        sparse_y_pred: whether predictions are class ids, and not a number for each class.
        axis: the axis of the classes in those that are not class ids.
    """

    sparse_y_true: bool = True
    sparse_y_pred: bool = True
    axis: int = -1


class IoUMetric(BuiltInMetric):
    """One of Keras's metrics of intersection over union.

    Args:
        kind: Keras's name of the class.
        metric: Glassnet's metric.
        axes: what targets and predictions are.
    """

    def __init__(self, kind: str, metric: MeanIoU, axes: ClassAxes):
        super().__init__(kind, metric, is_per_row=False)
        self._axes = axes
        self._configured = metric

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: class ids or one-hot targets.
            y_pred: class ids, or a number for each class.
            sample_weight: how often each class id counts, whole numbers; None for once.
        """
        axes, metric = self._axes, self._configured
        y, p = to_array(y_true, f"{self.name}: y_true"), to_array(y_pred, f"{self.name}: y_pred")
        y = (y if axes.sparse_y_true else y.argmax(axes.axis)).ravel()
        p = (p if axes.sparse_y_pred else p.argmax(axes.axis)).ravel()
        expected = f"as many targets as predictions, {p.size}"
        require(y.size == p.size, self.name, expected, error=DataError, targets=y.size)
        count = np.asarray(1 if sample_weight is None else sample_weight).astype(np.int64).ravel()
        expected = f"sample_weight for {p.size} targets"
        require(count.size in (1, p.size), self.name, expected, sample_weight=count.size)
        count = np.broadcast_to(count, p.shape)
        for each in np.unique(count[count > 0]):
            rows = np.float32(count == each)
            sums = metric.update(metric.init(), y[:, None], p[:, None], rows)
            self._add({key: each * np.asarray(value) for key, value in sums.items()})


@dataclass(frozen=True)
class IoUType:
    """Type of the metrics of some of Keras's classes, for `isinstance`."""

    kinds: tuple[str, ...]

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, IoUMetric) and value._kind in self.kinds


def make_iou(
    num_classes: int,
    target_class_ids: Any,
    name: str | None = None,
    ignore_class: int | None = None,
    sparse_y_true: bool = True,
    sparse_y_pred: bool = True,
    axis: int = -1,
) -> IoUMetric:
    """Return Keras's metric IoU."""
    metric = MeanIoU(num_classes, None, target_class_ids, ignore_class, name=name or "io_u")
    return IoUMetric("IoU", metric, ClassAxes(sparse_y_true, sparse_y_pred, axis))


def make_binary_iou(
    target_class_ids: Any = (0, 1), threshold: float = 0.5, name: str | None = None
) -> IoUMetric:
    """Return Keras's metric BinaryIoU."""
    metric = MeanIoU(2, threshold, target_class_ids, name=name or "binary_io_u")
    return IoUMetric("BinaryIoU", metric, ClassAxes())


def make_mean_iou(
    num_classes: int,
    name: str | None = None,
    ignore_class: int | None = None,
    sparse_y_true: bool = True,
    sparse_y_pred: bool = True,
    axis: int = -1,
) -> IoUMetric:
    """Return Keras's metric MeanIoU."""
    metric = MeanIoU(num_classes, ignore_class=ignore_class, name=name or "mean_io_u")
    return IoUMetric("MeanIoU", metric, ClassAxes(sparse_y_true, sparse_y_pred, axis))


def make_one_hot_iou(
    num_classes: int,
    target_class_ids: Any,
    name: str | None = None,
    ignore_class: int | None = None,
    sparse_y_pred: bool = False,
    axis: int = -1,
) -> IoUMetric:
    """Return Keras's metric OneHotIoU."""
    name = name or "one_hot_io_u"
    metric = MeanIoU(num_classes, None, target_class_ids, ignore_class, name=name)
    return IoUMetric("OneHotIoU", metric, ClassAxes(False, sparse_y_pred, axis))


def make_one_hot_mean_iou(
    num_classes: int,
    name: str | None = None,
    ignore_class: int | None = None,
    sparse_y_pred: bool = False,
    axis: int = -1,
) -> IoUMetric:
    """Return Keras's metric OneHotMeanIoU."""
    name = name or "one_hot_mean_io_u"
    metric = MeanIoU(num_classes, ignore_class=ignore_class, name=name)
    return IoUMetric("OneHotMeanIoU", metric, ClassAxes(False, sparse_y_pred, axis))


MEAN_KINDS = ("MeanIoU", "OneHotMeanIoU")
ALL_KINDS = (*MEAN_KINDS, "BinaryIoU", "IoU", "OneHotIoU")
START_SPEC = "num_classes! name dtype=None|'float32'|'int' ignore_class"
START_IDS_SPEC = START_SPEC.replace("num_classes!", "num_classes! target_class_ids!")
IOU_METRICS = {
    "BinaryIoU": (
        make_binary_iou,
        "target_class_ids threshold name dtype=None|'float32'|'int'",
        IoUType(("BinaryIoU",)),
    ),
    "IoU": (make_iou, f"{START_IDS_SPEC} sparse_y_true sparse_y_pred axis", IoUType(ALL_KINDS)),
    "MeanIoU": (
        make_mean_iou,
        f"{START_SPEC} sparse_y_true sparse_y_pred axis",
        IoUType(MEAN_KINDS),
    ),
    "OneHotIoU": (
        make_one_hot_iou,
        f"{START_IDS_SPEC} sparse_y_pred axis",
        IoUType(("OneHotIoU",)),
    ),
    "OneHotMeanIoU": (
        make_one_hot_mean_iou,
        f"{START_SPEC} sparse_y_pred axis",
        IoUType(("OneHotMeanIoU",)),
    ),
}
"""Rows of the table of `keras.metrics`."""
