"""Which class is taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, require


@dataclass(frozen=True)
class ConfusionMatrix:
    """How often each true class was called each class: C[i, j] = #(rows of class i that were called
    j).

    It is used on labels or predictions at hand: a metric in `compile` is one number, which this is
        not.

    Shapes: two times n labels, or n rows of K (one-hot, probabilities, logits) -> (K, K) int64, a
        row per true class.

    Args:
        num_classes: K; None takes it from rows of K, else the largest label and 1.

    Raises:
        ConfigError: where `num_classes` is neither None nor an int >= 2.
        DataError: where the two have not as many rows, or a label is not an integer 0..K-1.

    Example:
        >>> ConfusionMatrix()([0, 1, 1, 2], [0, 1, 2, 2]).tolist()
        [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
        >>> ConfusionMatrix()([0, 1], [[0.7, 0.3], [0.6, 0.4]]).tolist()
        [[1, 0], [1, 0]]
    """

    num_classes: int | None = None

    def __post_init__(self) -> None:
        fine = self.num_classes is None or is_int(self.num_classes, 2)
        require(
            fine,
            "ConfusionMatrix",
            "num_classes to be None or an int >= 2",
            num_classes=self.num_classes,
        )

    def __call__(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """The counts.

        Args:
            y_true: labels (n,) or (n, 1), or one-hot rows (n, K).
            y_pred: labels (n,) or (n, 1), or outputs (n, K), of which the largest is the answer.
                For one output (a sigmoid) pass `predict_labels`.
        """
        (true, columns), (said, more) = (
            _as_labels(what, given) for what, given in (("y_true", y_true), ("y_pred", y_pred))
        )
        require(
            len(true) == len(said),
            "ConfusionMatrix",
            "as many rows in both",
            error=DataError,
            y_true=len(true),
            y_pred=len(said),
        )
        labels = np.concatenate([true, said])
        k = self.num_classes or max(
            columns, more, 2, int(labels.max(initial=0)) + 1 if columns == more == 1 else 0
        )
        wrong = labels[(labels < 0) | (labels >= k)]
        require(
            not wrong.size,
            "ConfusionMatrix",
            f"labels from 0 to {k - 1}",
            error=DataError,
            labels=wrong[:3].tolist(),
        )
        return np.bincount(true * k + said, minlength=k * k).reshape(k, k).astype(np.int64)


def _as_labels(what: str, values: Any) -> tuple[np.ndarray, int]:
    """A label per row, and how many columns it was taken from."""
    array = np.asarray(values)
    fine = array.dtype.kind in "biuf" and array.ndim in (1, 2) and array.size
    expected = f"{what} to be labels (n,) or rows of K numbers (n, K)"
    require(
        fine,
        "ConfusionMatrix",
        expected,
        error=DataError,
        shape=array.shape,
        dtype=str(array.dtype),
    )
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(1), array.shape[1]
    labels = array.reshape(-1)
    fix = "Pass model.predict_labels(x) rather than probabilities." if what == "y_pred" else ""
    broken = labels[labels != np.floor(labels)]
    require(
        not broken.size,
        "ConfusionMatrix",
        f"{what} to be whole labels",
        error=DataError,
        labels=broken[:3].tolist(),
        fix=fix,
    )
    return labels.astype(np.int64), 1
