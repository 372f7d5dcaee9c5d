"""Rules about the data and the labels."""

from __future__ import annotations

import numpy as np

from glassnet.doctor.changes import InsertLayer
from glassnet.doctor.evidence import AnswerEvidence, Evidence, InputEvidence, TargetEvidence
from glassnet.doctor.failures import Failure
from glassnet.doctor.findings import ALARM, INFORMATION, Finding
from glassnet.doctor.intervals import find_share_interval
from glassnet.doctor.registry import rule
from glassnet.formatting import format_count, format_number
from glassnet.layers import Layer, Normalization, Rescaling

LARGEST, SMALLEST = 10.0, 0.03
"""Inputs with a mean or deviation above the first, or all deviations below the second, are raw."""

UNEVEN, UNEVEN_DEVIATION = 100.0, 3.0
"""Inputs are uneven if the largest deviation is so many times the median, and above this."""

TIMID, WILD = 0.5, 0.1
"""The network could not have learned anything if all steps together change its weights by less than
the first share, or a single step by more than the second."""

LEARNED_ELSEWHERE = 0.9
"""Share of the constant answer's loss below which a simple model has learned something."""

OUTLIER = 0.5
"""Share of the variance of the targets that one of them may make up."""

MIN_ROWS = 20
"""Simple models of fewer rows say nothing about the labels."""

NO_GAIN = 0.98
"""Share of the constant answer's loss above which a simple model has learned nothing."""


MIN_VALIDATION_ROWS, MAX_SHARED = 20, 0.3
"""Number of validation rows, and share of copies of training rows, from which these are too many.

On clean runs it was at most 0.12; a table of passengers has 0.18.
"""

STANDARD_ERRORS = 2.0
"""By how many standard errors the loss of copies is lower, if they do harm."""

DOMINANT, MISSED = 0.7, 1 / 3
"""Least share of the largest class, and largest share of a rare class's rows that are found."""

NO_BETTER = 0.02
"""By how much the accuracy may be above the share of the largest class."""

MIN_CLASS_ROWS = (10, 20)
"""Number of validation rows, and of training rows, from which a class is judged."""

LEAST_SKILL = 0.9
"""Lower end of the interval of a column's skill, from which it gives the target away.

`find_leaks` tests a third of the rows. On 50 flowers, the width of the petal alone has 0.94.
"""

SEPARATED = 0.6
"""Least share of pairs (`AnswerEvidence.separation`) that shows that a class can be learned."""


@rule(
    "Are the inputs on a scale that the network can learn from?",
    needs=("inputs",),
    source="LeCun et al., Efficient BackProp, 1998, section 4.3.",
)
def raw_scale(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the inputs are far from mean 0 and deviation 1, and the run fails."""
    inputs = evidence.inputs
    if failure is None or inputs is None:
        return None
    deviations = inputs.std[inputs.std > 0]
    if not len(deviations):
        return None
    mean, largest = float(np.abs(inputs.mean).max()), float(deviations.max())
    median = float(np.median(deviations))
    is_uneven = largest > UNEVEN * median and largest > UNEVEN_DEVIATION
    if not (max(mean, largest) > LARGEST or largest < SMALLEST or is_uneven):
        return None
    layer = _choose_scaling(inputs)
    return Finding(
        rule="raw_scale",
        symptom=_describe_scale(inputs),
        consequence=failure.text,
        evidence={"largest_mean": mean, "largest_std": largest, "median_std": median},
        remedy=f"Scale the inputs: put {_write_layer(layer)} in front of the network.",
        change=InsertLayer(layer),
    )


def _describe_scale(inputs: InputEvidence) -> str:
    index = int(np.argmax(np.maximum(np.abs(inputs.mean), inputs.std)))
    mean, std = format_number(inputs.mean[index], 3), format_number(inputs.std[index], 3)
    n = len(inputs.mean)
    name = inputs.names[index] if inputs.names else f"column {index + 1:,} of {n:,}"
    if inputs.std.max() < SMALLEST:
        return (
            f"The inputs of {inputs.layer} hardly vary: the largest standard deviation of a column "
            f"is {format_number(inputs.std.max(), 3)} ({name}). About 1 is usual."
        )
    return (
        f"The inputs of {inputs.layer} are not scaled: {name} has mean {mean} and standard "
        f"deviation {std} (about 0 and 1 are usual)."
    )


def _choose_scaling(inputs: InputEvidence) -> Layer:
    """Return the layer that scales the inputs.

    Pixels are divided by 255, and tiny numbers by the largest of them. A mean and a deviation for
    each column would blow up new values of columns that hardly vary.
    """
    low, high = float(inputs.low.min()), float(inputs.high.max())
    if not inputs.names and low >= 0 and 128 < high <= 255:
        return Rescaling(1 / 255)
    if inputs.std.max() < SMALLEST and max(-low, high) < 1:
        return Rescaling(1 / max(-low, high))
    return Normalization()


def _write_layer(layer: Layer) -> str:
    if not isinstance(layer, Rescaling):
        return "Normalization()"
    scale = "1/255" if layer.scale == 1 / 255 else format_number(layer.scale)
    return f"Rescaling({scale})"


@rule(
    "Do the inputs say anything about the labels?",
    source="A. Karpathy, A recipe for training neural networks, 2019: the input-independent "
    "baseline.",
)
def no_signal(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if neither the network nor simple models beat a constant answer."""
    rivals, target = evidence.rivals, evidence.target
    if target.is_constant and target.n_rows == evidence.run.n_rows:
        return _make_one_value_finding(target)
    if failure is None or not failure.name.startswith("learned nothing"):
        return None
    if evidence.inputs is not None and not evidence.inputs.std.any():
        return _make_constant_finding(evidence.inputs, failure)
    ratio = evidence.network.get_step_ratio("start")
    if ratio > WILD or ratio * evidence.run.steps < TIMID:
        return None
    if differs_in_validation(evidence) or _has_outlier(target):
        return None
    losses = rivals.linear, rivals.neighbours
    if min(rivals.n_fitted, rivals.n_scored) < MIN_ROWS or not np.isfinite(losses).all():
        return None
    if not all(loss > NO_GAIN * rivals.val_constant for loss in losses):
        return None
    linear, neighbours, constant = (
        format_number(loss, 3) for loss in (*losses, rivals.val_constant)
    )
    return Finding(
        rule="no_signal",
        symptom=(
            f"The inputs say nothing about the labels: a linear model reaches a loss of {linear}, "
            f"nearest neighbours {neighbours}, and always giving the same answer {constant}."
        ),
        consequence=failure.text,
        evidence={
            "linear_loss": rivals.linear,
            "neighbours_loss": rivals.neighbours,
            "constant_loss": rivals.val_constant,
        },
        remedy=(
            "Check that row i of x belongs to row i of y: shuffled or sorted labels, or a wrong "
            "column, look like this. Else other features are needed."
        ),
    )


def _has_outlier(target: TargetEvidence) -> bool:
    """Return whether a single target makes up most of their variance."""
    farthest = max(target.high - target.mean, target.mean - target.low)
    is_far = farthest**2 > OUTLIER * target.n_rows * target.std**2
    return target.kind == "numbers" and is_far


def differs_in_validation(evidence: Evidence) -> bool:
    """Return whether simple models learn something for other training rows, but not for these."""
    others = evidence.training_rivals
    if others is None:
        return False
    return bool(min(others.linear, others.neighbours) < LEARNED_ELSEWHERE * others.constant)


def _make_constant_finding(inputs: InputEvidence, failure: Failure) -> Finding:
    n = len(inputs.std)
    return Finding(
        rule="no_signal",
        symptom=(
            f"The inputs of {inputs.layer} are the same in every row, so they say nothing about "
            "the labels."
        ),
        consequence=failure.text,
        evidence={"constant_columns": n, "columns": n},
        remedy="Check how x was read and scaled: each row must hold its own values.",
    )


@rule(
    "Are validation rows copies of training rows?",
    needs=("data",),
    source="Kaufman et al. 2012, Leakage in data mining.",
)
def duplicate_rows(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if many validation rows equal training rows.

    Tables of few categories have equal rows by nature. Then training rows equal each other, too,
    and the finding is information.
    """
    data = evidence.data
    if data is None or data.n_validation < MIN_VALIDATION_ROWS:
        return None
    share = data.n_shared / data.n_validation
    if share <= MAX_SHARED:
        return None
    twins = 2 * data.n_repeated / data.n_rows
    consequence, is_harmful = _describe_copies(evidence, share)
    return Finding(
        rule="duplicate_rows",
        symptom=(
            f"{data.n_shared:,} of {format_count(data.n_validation, 'validation row')} are equal "
            "to a training row."
        ),
        consequence=consequence,
        evidence={"shared_rows": share, "repeated_training_rows": data.n_repeated / data.n_rows},
        remedy=(
            "Remove repeated rows before the split (drop_duplicates in pandas), or keep equal rows "
            "on one side of it."
        ),
        confidence=ALARM if share > 2 * twins and is_harmful else INFORMATION,
    )


def _describe_copies(evidence: Evidence, share: float) -> tuple[str, bool]:
    """Return what copies do to the score, and whether they do harm.

    If the losses of copies and of other rows are known, these decide.
    """
    answers = evidence.answers
    if answers is None or not np.isfinite(answers.copy_gain):
        percent = round(100 * share)
        text = f"For {percent} % of the validation rows, the loss measures what was learned by "
        return text + "heart, not what holds for new rows.", True
    others = answers.loss + answers.copy_gain * answers.n_copies / answers.n_rows
    loss, other = format_number(answers.loss, 3), format_number(others, 3)
    if answers.copy_gain > STANDARD_ERRORS * answers.copy_gain_error:
        return f"The validation loss of {loss} is too good: without these rows it is {other}.", True
    text = f"Without these rows the validation loss is {other} instead of {loss}, a difference "
    return text + "that may be chance.", False


@rule(
    "Does one column give the target away?",
    needs=("data",),
    source="Kaufman et al. 2012, Leakage in data mining.",
)
def target_leak(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return information if one column alone predicts the target: see `find_leaks`."""
    data = evidence.data
    if data is None or not data.leaks:
        return None
    name, skill = max(data.leaks.items(), key=lambda item: item[1])
    if evidence.target.counts is not None:
        n_errors = data.n_rows / 3 * (1 - evidence.target.counts.max() / evidence.target.n_rows)
        if find_share_interval(skill, max(n_errors, 1.0))[0] < LEAST_SKILL:
            return None
    return Finding(
        rule="target_leak",
        symptom=(
            f"One column alone gives the target away, {name}: it avoids {round(100 * skill)} % of "
            "the errors of always giving the same answer."
        ),
        consequence=(
            "If its values are known only after the target, new rows will be predicted much worse."
        ),
        evidence={"avoided_share_of_errors": skill, "columns": len(data.leaks)},
        remedy=f"Check how {name} comes about, and leave it out if it follows from the target.",
        confidence=INFORMATION,
    )


def _make_one_value_finding(target: TargetEvidence) -> Finding:
    value = format_number(target.low)
    return Finding(
        rule="no_signal",
        symptom=f"All {target.n_rows:,} training rows have the same target, {value}.",
        consequence="There is nothing to learn: the network can only repeat this answer.",
        evidence={"target": target.low, "rows": target.n_rows},
        remedy="Check how y was made or selected: it must hold at least two different values.",
    )


@rule(
    "Is a rare class hardly ever found, although the accuracy is high?",
    source="He and Garcia 2009, Learning from imbalanced data; lecture 004, accuracy.",
)
def class_imbalance(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the accuracy is that of the largest class, and a rare class is missed.

    It is information unless the network tells the class from others: its rows have the higher
    probability, though not the highest of all classes.
    """
    answers = evidence.answers
    if answers is None or answers.has_weights or (label := find_missed_class(answers)) is None:
        return None
    assert answers.counts is not None
    assert answers.found is not None
    assert answers.separation is not None
    n, found, largest = answers.counts[label], answers.found[label], int(answers.counts.argmax())
    share, separation = answers.counts[largest] / answers.n_rows, answers.separation[label]
    error = _get_separation_error(float(separation), int(n), answers.n_rows - int(n))
    is_learnable = separation - 2 * error > SEPARATED
    rows = "validation rows" if answers.are_validation_rows else "training rows"
    return Finding(
        rule="class_imbalance",
        symptom=(
            f"Class {label} is hardly ever found: {found} of its {n} {rows}. It is rare, and the "
            "accuracy does not show it."
        ),
        consequence=(
            f"The accuracy of {format_number(answers.accuracy, 3)} is no better than the "
            f"{format_number(share, 3)} of always answering class {largest}."
        ),
        evidence={
            "rows_of_class": n,
            "recall": found / n,
            "accuracy": answers.accuracy,
            "largest_share": share,
            "separation": separation,
            "separation_error": error,
        },
        remedy=(
            'Train with class_weight="balanced", so that each class counts alike, and look at the '
            "share of each class that is found: gn.inspection.mistakes."
        ),
        fit_arguments={"class_weight": "balanced"},
        confidence=ALARM if is_learnable and not evidence.is_smoke_test else INFORMATION,
    )


def find_missed_class(answers: AnswerEvidence) -> int | None:
    """Return the rare class with the smallest share of rows that are found, or None."""
    if answers.counts is None or answers.found is None:
        return None
    n, counts = answers.n_rows, answers.counts
    least = MIN_CLASS_ROWS[0 if answers.are_validation_rows else 1]
    share = counts.max() / n
    is_missed = (counts >= least) & (answers.found <= MISSED * counts)
    is_missed &= np.arange(len(counts)) != counts.argmax()
    if share < DOMINANT or answers.accuracy > share + NO_BETTER or not is_missed.any():
        return None
    return int(np.argmin(np.where(is_missed, answers.found / np.maximum(counts, 1), 1.0)))


def _get_separation_error(area: float, n: int, n_others: int) -> float:
    """Return the standard error of an area under the ROC curve (Hanley and McNeil 1982)."""
    own, others = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (n - 1) * (own - area**2) + (n_others - 1) * (others - area**2)
    return float(np.sqrt(max(variance, 0.0) / (n * n_others)))
