"""Evidence about single rows after a fit: copies of training rows, and the answers for each row.

The network is run again only if a free number asks for it: few validation rows, copies of training
rows among them, rows of different weights, a run that fails, or a loss that a class could cause
that is never found. On validation rows that compiles nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from glassnet.doctor.data_evidence import examine_rows, find_copies, may_leak
from glassnet.doctor.evidence import AnswerEvidence, Evidence
from glassnet.doctor.failures import NOTHING, find_failure
from glassnet.engine import inference, network, objective
from glassnet.engine.train_step import Data, Program, TrainState
from glassnet.training.row_losses import compute_row_losses

MAX_VALUES = 1 << 22
"""Maximum number of values of training rows that are compared: 3 ms."""

MAX_ROWS = 2048
"""Maximum number of training rows whose answers are computed."""

MIN_VALIDATION_ROWS, MIN_TRAINING_ROWS = 10, 20
"""Number of rows of a class from which it is judged."""

FEW_ROWS = 100
"""Number of validation rows up to which the error of the score is computed."""

MIN_COPIES = 5
"""Number of copies of training rows from which their loss is compared with that of others."""

RARE = 0.5
"""A class is rare if its share is below this part of 1 / number of classes."""


@dataclass(frozen=True, eq=False)
class RowFacts:
    """The rows of a fit and the network at its end.

    Attributes:
        program: links and loss.
        state: the last weights.
        rows: all training rows in memory.
        validation: validation rows, or a sample of them; None without validation.
        counts: number of rows of each class among these; None without classes.
        names: names of the columns, or ().
    """

    program: Program
    state: TrainState
    rows: Data
    validation: Data | None
    counts: np.ndarray | None
    names: tuple[str, ...]


def add_rows(evidence: Evidence, facts: RowFacts) -> Evidence:
    """Return the evidence with facts about the rows, and about the answers if they are needed."""
    x, y = np.asarray(facts.rows.x), np.asarray(facts.rows.y)
    validation, data, copies = facts.validation, None, None
    is_classification = evidence.target.kind == "classes"
    leaks = may_leak(x, y, is_classification)
    is_complete = len(x) == evidence.run.n_rows
    if not evidence.is_smoke_test and 0 < x.size <= MAX_VALUES and (is_complete or leaks):
        data = examine_rows(
            x,
            y,
            None if validation is None else np.asarray(validation.x),
            names=facts.names,
            is_classification=is_classification,
            compare_columns=leaks,
        )
        if validation is not None and data.n_shared >= MIN_COPIES:
            copies = find_copies(x, np.asarray(validation.x))
    rows = _choose_rows(evidence, facts, copies is not None)
    if rows is not None:
        answers = examine_answers(facts.program, facts.state, rows, copies)
        if answers is not None:
            answers = replace(
                answers,
                are_validation_rows=validation is not None,
                has_weights=have_differences(facts.rows.weight),
            )
        evidence = replace(evidence, answers=answers)
    return replace(evidence, data=data)


def _choose_rows(evidence: Evidence, facts: RowFacts, has_copies: bool) -> Data | None:
    """Return the rows whose answers are needed, or None."""
    run, validation = evidence.run, facts.validation
    if validation is None:
        counts, loss = evidence.target.counts, run.loss
        if counts is None or not has_hidden_class(counts, loss, MIN_TRAINING_ROWS):
            return None
        step = -(-len(facts.rows.x) // MAX_ROWS)
        return Data(*(None if part is None else np.asarray(part)[::step] for part in facts.rows))
    is_bad = len(run.val_loss) > 0 and run.val_loss[-1] > NOTHING * evidence.rivals.val_constant
    fails = is_bad or have_differences(facts.rows.weight) or find_failure(evidence) is not None
    is_needed = has_copies or fails or len(validation.x) <= FEW_ROWS
    if facts.counts is not None and not is_needed:
        is_needed = has_hidden_class(facts.counts, run.val_loss, MIN_VALIDATION_ROWS)
    return validation if is_needed else None


def have_differences(weights: np.ndarray | None) -> bool:
    """Return whether there are weights, and not all are equal."""
    return weights is not None and bool(np.ptp(np.asarray(weights)) > 0)


def has_hidden_class(counts: np.ndarray, curve: np.ndarray, least: int) -> bool:
    """Return whether the loss is so high that a rare class may never be found.

    If no row of a class with the share s is found, each has a loss of log 2 or more, so the mean is
    at least s log 2.

    Args:
        counts: number of rows of each class.
        curve: their mean loss after each epoch.
        least: a class of fewer rows is not judged.
    """
    present = counts[counts > 0]
    share = counts / max(counts.sum(), 1)
    is_rare = (counts >= least) & (share < RARE / max(len(present), 2))
    return len(curve) > 0 and bool(np.any(is_rare & (curve[-1] > 0.8 * share * np.log(2))))


def examine_answers(
    program: Program, state: TrainState, rows: Data, copies: np.ndarray | None = None
) -> AnswerEvidence | None:
    """Return the evidence about the answers for some rows; None for answers per time step.

    Args:
        program: links and loss.
        state: the weights.
        rows: on the host.
        copies: which rows equal a training row, (n,) booleans; None if no row is known to.
    """
    body, head = network.split_head(program.links, program.loss)
    n, blocks = len(rows.x), list(inference.iter_padded_blocks(rows))
    outputs = [
        np.asarray(inference.infer(body, head, state.params, state.state, batch.x, None)[1])
        for batch, _ in blocks
    ]
    output = np.concatenate(outputs)[:n].astype(np.float64)
    losses = compute_row_losses(program, state.params, state.state, blocks)
    if output.ndim != 2 or not np.isfinite(output).all():
        return None
    copies = np.zeros(n, bool) if copies is None else copies
    gain, error = _compare_means(losses[~copies], losses[copies])
    evidence = AnswerEvidence(
        n_rows=n,
        loss=float(losses.mean()),
        loss_error=_get_standard_error(losses),
        n_copies=int(copies.sum()),
        copy_gain=gain,
        copy_gain_error=error,
    )
    return _add_classes(evidence, program, np.asarray(rows.y), output)


def _add_classes(
    evidence: AnswerEvidence, program: Program, y: np.ndarray, output: np.ndarray
) -> AnswerEvidence:
    """Return the evidence with what is known of each class, if the targets are classes."""
    loss = program.loss
    expected, width = loss.output_activation, output.shape[1]
    if expected != "softmax" and not (expected == "sigmoid" and width == 1):
        return evidence
    predicted = objective.to_class_labels(output, program.links, loss)
    if width == 1:
        output = np.concatenate([-output, output], 1)
    is_id = np.issubdtype(y.dtype, np.integer) or width == 1
    labels = np.round(y).astype(int).ravel() if is_id else y.argmax(-1)
    n_classes = output.shape[1]
    is_right = predicted == labels
    return replace(
        evidence,
        accuracy=float(is_right.mean()),
        counts=_count(labels, n_classes),
        found=_count(labels[is_right], n_classes),
        predicted=_count(predicted, n_classes),
        separation=np.array(
            [measure_separation(output[:, k], labels == k) for k in range(n_classes)]
        ),
    )


def _count(ids: np.ndarray, n_classes: int) -> np.ndarray:
    return np.bincount(ids, minlength=n_classes)


def measure_separation(scores: np.ndarray, is_class: np.ndarray) -> float:
    """Return the share of pairs of a row of a class and another in which the first scores higher.

    Equal scores count half. NaN without pairs. It is the area under the ROC curve.

    Example:
        >>> measure_separation(np.array([0.1, 0.4, 0.3, 0.9]), np.array([False, False, True, True]))
        0.75
    """
    others, own = np.sort(scores[~is_class]), scores[is_class]
    if not len(others) or not len(own):
        return float("nan")
    below = np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")
    return float(below.mean() / (2 * len(others)))


def _get_standard_error(values: np.ndarray) -> float:
    """Return the standard error of a mean; infinite for a single value."""
    n = len(values)
    return float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf


def _compare_means(others: np.ndarray, copies: np.ndarray) -> tuple[float, float]:
    """Return the difference of two means and its standard error; NaN if a group has no row."""
    if not len(others) or not len(copies):
        return np.nan, np.nan
    error = np.hypot(_get_standard_error(others), _get_standard_error(copies))
    return float(others.mean() - copies.mean()), float(error)
