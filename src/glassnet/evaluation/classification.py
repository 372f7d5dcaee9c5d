"""Scores of a classifier beyond accuracy: by class, by threshold, and of its probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.types import Array

N_BINS = 10
"""Number of bins of equal width in which probabilities are compared with frequencies."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Predicted probabilities next to the frequencies that were observed, in bins.

    Attributes:
        predicted: mean predicted probability in each bin that has rows, (B,).
        observed: fraction of rows in the bin for which the answer is true, (B,).
        counts: number of rows in the bin, (B,).
        error: expected calibration error, the mean of |observed - predicted| over the rows.
    """

    predicted: Array
    observed: Array
    counts: Array
    error: float


def compute_calibration(is_true: Array, probability: Array, n_bins: int = N_BINS) -> Calibration:
    """Compare probabilities with frequencies: ECE = sum_b n_b / n |observed_b - predicted_b|.

    Shapes:
        is_true, probability: (n,).

    Args:
        is_true: whether the answer was true.
        probability: predicted probability that it is.
        n_bins: number of bins of equal width.

    Example:
        >>> result = compute_calibration(np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9]))
        >>> result.observed, result.counts, round(result.error, 3)
        (array([0.5, 1. ]), array([2, 2]), 0.2)

    Source: scikit-learn's calibration_curve; C. Guo and others, 2017, "On calibration of modern
        neural networks".
    """
    from sklearn.calibration import calibration_curve

    probability = np.clip(probability, 0, 1)  # sums of float32 may be 1.0000001
    observed, predicted = calibration_curve(is_true, probability, pos_label=1, n_bins=n_bins)
    edges = np.linspace(0, 1, n_bins + 1)[1:-1]
    counts = np.bincount(np.searchsorted(edges, probability), minlength=n_bins)
    counts = counts[counts > 0]
    error = float(np.sum(counts * np.abs(observed - predicted)) / counts.sum())
    return Calibration(predicted, observed, counts, error)


@dataclass(frozen=True)
class Threshold:
    """A threshold: the positive class is answered if its probability is at least this.

    Attributes:
        name: how it was chosen.
        value: the threshold, from 0 to 1.
        precision: share of positive answers that are right.
        recall: share of positive rows that are found.
        false_positive_rate: share of negative rows that are answered positive.
        n_wrong: number of wrong answers.
    """

    name: str
    value: float
    precision: float
    recall: float
    false_positive_rate: float
    n_wrong: int

    @property
    def f1(self) -> float:
        """2 precision recall / (precision + recall)."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total > 0 else 0.0


@dataclass(frozen=True, eq=False)
class ThresholdCurves:
    """What a classifier of two classes would answer with every threshold.

    Attributes:
        false_positive_rate, true_positive_rate: the ROC curve, (T,).
        precision, recall: the precision-recall curve, (S,).
        roc_auc: area under the ROC curve.
        average_precision: mean precision over the recall.
        thresholds: 0.5, the best F1 score, and the largest difference of the two rates (Youden).
    """

    false_positive_rate: Array
    true_positive_rate: Array
    precision: Array
    recall: Array
    roc_auc: float
    average_precision: float
    thresholds: tuple[Threshold, ...]


def compute_threshold_curves(is_positive: Array, probability: Array) -> ThresholdCurves:
    """Return the ROC and the precision-recall curve, and three thresholds.

    The best thresholds are those of these rows. To use one, choose it on validation rows.

    Shapes:
        is_positive, probability: (n,), with rows of both classes.

    Args:
        is_positive: whether a row is of the positive class.
        probability: predicted probability of the positive class.

    Example:
        >>> is_positive = np.array([False, False, True, True])
        >>> curves = compute_threshold_curves(is_positive, np.array([0.1, 0.3, 0.4, 0.8]))
        >>> curves.roc_auc, [(each.name, each.value) for each in curves.thresholds]
        (1.0, [('0.5', 0.5), ('best F1', 0.4), ('Youden', 0.4)])

    Source: scikit-learn's roc_curve and precision_recall_curve; W. Youden, 1950, "Index for rating
        diagnostic tests".
    """
    from sklearn import metrics

    fpr, tpr, roc_values = metrics.roc_curve(is_positive, probability)
    precision, recall, values = metrics.precision_recall_curve(is_positive, probability)
    total = precision[:-1] + recall[:-1]
    f1 = 2 * precision[:-1] * recall[:-1] / np.where(total > 0, total, 1)
    best_f1 = float(values[f1.argmax()])
    youden = float(roc_values[1:][(tpr - fpr)[1:].argmax()])
    choices = {"0.5": 0.5, "best F1": best_f1, "Youden": youden}
    return ThresholdCurves(
        fpr,
        tpr,
        precision,
        recall,
        float(metrics.roc_auc_score(is_positive, probability)),
        float(metrics.average_precision_score(is_positive, probability)),
        tuple(
            apply_threshold(name, value, is_positive, probability)
            for name, value in choices.items()
        ),
    )


def apply_threshold(name: str, value: float, is_positive: Array, probability: Array) -> Threshold:
    """Return the rates of one threshold; a precision without positive answers is NaN.

    Shapes:
        is_positive, probability: (n,).

    Args:
        name: how the threshold was chosen.
        value: the threshold.
        is_positive: whether a row is of the positive class.
        probability: predicted probability of the positive class.

    Example:
        >>> chosen = apply_threshold("0.5", 0.5, np.array([True, False]), np.array([0.9, 0.6]))
        >>> chosen.precision, chosen.recall, chosen.n_wrong
        (0.5, 1.0, 1)
    """
    answer = probability >= value
    n_right, n_answered = np.sum(answer & is_positive), np.sum(answer)
    n_positive, n_negative = np.sum(is_positive), np.sum(~is_positive)
    return Threshold(
        name,
        value,
        float(n_right / n_answered) if n_answered else float("nan"),
        float(n_right / n_positive),
        float((n_answered - n_right) / n_negative),
        int(np.sum(answer != is_positive)),
    )
