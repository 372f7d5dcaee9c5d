"""The confusion matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import DataError, is_int, require

MAX_CLASSES = 10_000
"""Maximum number of classes in a matrix, which then has 800 MB."""


@dataclass(frozen=True)
class ConfusionMatrix:
    """Confusion matrix: C[i, j] = #(rows of class i that were predicted as j).

    Call it on labels and predictions. It cannot be a metric in `compile`, which must be one number.

    Shapes: y_true and y_pred are n labels, or n rows of K (one-hot, probabilities, logits)
        -> (K, K) int64, one row per true class.

    Args:
        num_classes: K. None takes the width of rows of K, or the largest label plus 1.

    Raises:
        ConfigError: `num_classes` is neither None nor an int >= 2.
        DataError: the numbers of rows differ, or a label is not an integer 0..K-1.

    Example:
        >>> ConfusionMatrix()([0, 1, 1, 2], [0, 1, 2, 2]).tolist()
        [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
        >>> ConfusionMatrix()([0, 1], [[0.7, 0.3], [0.6, 0.4]]).tolist()
        [[1, 0], [1, 0]]
    """

    num_classes: int | None = None

    def __post_init__(self) -> None:
        require(
            self.num_classes is None or is_int(self.num_classes, 2),
            "ConfusionMatrix",
            "num_classes to be None or an int >= 2",
            num_classes=self.num_classes,
        )

    def __call__(self, y_true: Any, y_pred: Any) -> np.ndarray:
        """Return the counts.

        Args:
            y_true: labels (n,) or (n, 1), or one-hot rows (n, K).
            y_pred: labels (n,) or (n, 1), or outputs (n, K), the largest of which is the answer.
                For a single sigmoid output, pass the result of `predict_labels`.
        """
        true, true_columns = _as_labels("y_true", y_true)
        predicted, predicted_columns = _as_labels("y_pred", y_pred)
        require(
            len(true) == len(predicted),
            "ConfusionMatrix",
            "y_true and y_pred to have the same number of rows",
            error=DataError,
            y_true=len(true),
            y_pred=len(predicted),
        )
        labels = np.concatenate([true, predicted])
        columns = max(true_columns, predicted_columns)
        k = self.num_classes or max(columns, 2)
        if self.num_classes is None and columns == 1:
            k = max(k, int(labels.max(initial=0)) + 1)
        invalid = labels[(labels < 0) | (labels >= k)]
        require(
            not invalid.size,
            "ConfusionMatrix",
            f"labels from 0 to {k - 1}",
            error=DataError,
            labels=invalid[:3].tolist(),
        )
        expected, fix = f"at most {MAX_CLASSES:,} classes", "Number them from 0 without gaps."
        require(k <= MAX_CLASSES, "ConfusionMatrix", expected, error=DataError, classes=k, fix=fix)
        return np.bincount(true * k + predicted, minlength=k * k).reshape(k, k).astype(np.int64)


def _as_labels(what: str, values: Any) -> tuple[np.ndarray, int]:
    """Return one label per row, and the number of columns of `values`."""
    array = to_array(values, f"ConfusionMatrix: {what}")
    require(
        array.dtype.kind in "biuf" and array.ndim in (1, 2) and array.size,
        "ConfusionMatrix",
        f"{what} to be labels (n,) or rows of K numbers (n, K)",
        error=DataError,
        shape=array.shape,
        dtype=str(array.dtype),
    )
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(1), array.shape[1]
    labels = array.reshape(-1)
    fix = "Pass model.predict_labels(x) instead of probabilities." if what == "y_pred" else ""
    fractions = labels[labels != np.floor(labels)]
    require(
        not fractions.size,
        "ConfusionMatrix",
        f"{what} to be integer labels",
        error=DataError,
        labels=fractions[:3].tolist(),
        fix=fix,
    )
    ends = {"smallest": labels.min().item(), "largest": labels.max().item()}
    fits = ends["smallest"] >= -(2**31) and ends["largest"] < 2**31
    expected = f"{what} to be labels below 2^31"
    require(fits, "ConfusionMatrix", expected, error=DataError, **ends)
    return labels.astype(np.int64), 1
