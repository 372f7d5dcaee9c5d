"""Rules about what the network has learned for new rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.doctor.changes import InsertLayer
from glassnet.doctor.data_rules import differs_in_validation
from glassnet.doctor.evidence import Evidence, NetworkEvidence
from glassnet.doctor.failures import MIN_EPOCHS, MIN_STEPS, Failure, estimate_noise, find_lag
from glassnet.doctor.findings import ALARM, INFORMATION, Finding
from glassnet.doctor.intervals import find_share_interval
from glassnet.doctor.registry import rule
from glassnet.formatting import format_number
from glassnet.layers import Dropout

PATIENCE = 5
"""Number of epochs since the best one after which a rise of the validation loss is no accident."""

RISE = 0.05
"""Least rise, as a share of what the network had gained over the constant answer."""

NOISES = 3.0
"""Least rise, in standard deviations of the noise between epochs."""

STANDARD_ERRORS = 3.0
"""Least rise of the mean loss of the validation rows, in standard errors of paired rows."""

DROPOUT = 0.3

MIN_ANSWERS, NO_BETTER = 20, 1.05
"""Number of answers from which they are judged, and of what part of the constant answer's loss."""

TOO_OFTEN, SLIGHTLY = 0.4, 0.1
"""By how much the share of a class among the answers is above that among the rows: enough for a
finding, and the least if nearly all answers are this class.
"""

ONE_CLASS, LARGEST_CLASS = 0.95, 0.9
"""Share of answers that are one class, and largest share of rows that a class may have."""

WIDE_ACCURACY, ENOUGH_ACCURACY = 0.25, 0.1
"""Width of an interval of the accuracy that is too wide, and of one that is not."""

WIDE_LOSS, ENOUGH_LOSS = 0.5, 0.2
"""The same for half the interval of the loss, as a share of the loss."""
MIN_ROWS = 100
"""With fewer training rows, nothing is said about a short run."""

CATCH_UP = 0.1
"""Share of what a network is behind a simple model that it made up in the last fifth of the run."""

STEEP, STEEP_EPOCHS = 0.1, 2
"""Fall per epoch, as a share of the loss, in each of the last epochs of a run that ended early."""


class Rise(NamedTuple):
    """A lasting rise of the validation loss.

    Attributes:
        epoch: index of the best epoch, of the smoothed curve.
        best: smoothed validation loss at that epoch.
        end: smoothed validation loss at the end.
        noise: standard deviation between epochs.
    """

    epoch: int
    best: float
    end: float
    noise: float


def find_rise(evidence: Evidence) -> Rise | None:
    """Return the lasting rise of the validation loss, smoothed by 0.5, or None.

    The training loss must have fallen since.
    """
    run, rivals = evidence.run, evidence.rivals
    if len(run.val_loss) < 8 or not np.isfinite(run.val_loss).all():
        return None
    smooth = [float(run.val_loss[0])]
    for value in run.val_loss[1:]:
        smooth.append(0.5 * smooth[-1] + 0.5 * float(value))
    best, end = int(np.argmin(smooth)), smooth[-1]
    noise = estimate_noise(run.val_loss)
    gain = rivals.val_constant - smooth[best]
    gain = gain if gain > 0 else smooth[best]
    is_lasting = len(smooth) - 1 - best >= PATIENCE
    has_risen = end - smooth[best] > max(RISE * gain, NOISES * noise)
    if is_lasting and has_risen and run.loss[-1] < 0.95 * run.loss[best]:
        return Rise(best, smooth[best], end, noise)
    return None


@rule(
    "Is the network learning the training rows by heart?",
    source="Prechelt 1998, Early stopping - but when?; lecture 002, overfitting.",
)
def overfitting(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the validation loss has risen for good while the training loss fell."""
    run, rise = evidence.run, find_rise(evidence)
    if rise is None or run.best_weights_restored:
        return None
    if rise.best > evidence.rivals.val_constant:  # It never learned anything for these rows.
        return None
    change = evidence.validation
    if change is not None and change.rise < STANDARD_ERRORS * change.standard_error:
        return None
    k = int(np.argmin(run.val_loss))
    lowest, last, epoch = float(run.val_loss[k]), float(run.val_loss[-1]), run.first_epoch + k + 1
    name = find_last_hidden(evidence.network)
    after = f"; Dropout({DROPOUT}) after {name} is the next thing to try" if name else ""
    return Finding(
        rule="overfitting",
        symptom=(
            f"Validation loss has risen since epoch {epoch} ({format_number(lowest, 2)} -> "
            f"{format_number(last, 2)}) while training loss fell: the network is learning the "
            "training rows by heart."
        ),
        consequence=f"For new rows, the network at the end is worse than that of epoch {epoch}.",
        evidence={
            "best_epoch": epoch,
            "best_val_loss": lowest,
            "val_loss": last,
            "noise": rise.noise,
        },
        remedy=f"EarlyStopping would have kept epoch {epoch}{after}.",
        change=InsertLayer(Dropout(DROPOUT), after=name) if name else None,
        fit_arguments={"epochs": k + 1},
    )


def find_fall(evidence: Evidence) -> float:
    """Return how far the loss fell in the last fifth of the run; 0 if it no longer falls.

    It is the validation loss, if there is one. It must be lowest at the end, and the training loss
    must fall, too.
    """
    run, constant = evidence.run, evidence.rivals.constant
    curve = run.val_loss if len(run.val_loss) else run.loss
    n = len(curve)
    is_over = run.stopped or run.best_weights_restored or evidence.is_smoke_test or run.first_epoch
    if not n or is_over or not (np.isfinite(curve).all() and np.isfinite(run.loss).all()):
        return 0.0
    k = max(1, n // 5)
    before = curve[-1 - k] if n > 1 else max(run.initial_loss, constant)
    is_training = n == 1 or run.loss[-1] < run.loss[-1 - k]
    fall = float(before - curve[-1])
    is_steady = curve.argmin() == n - 1 and fall > NOISES * estimate_noise(curve)
    return fall if is_training and is_steady else 0.0


@rule(
    "Did the run end while the network was still improving?",
    source="Prechelt 1998, Early stopping - but when?; lecture 002, learning curves.",
)
def still_improving(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the loss still fell fast at the end.

    It is an alarm if the network is behind a simple model after three epochs and 100 steps, else
    information.
    """
    run, fall = evidence.run, find_fall(evidence)
    if fall <= 0 or (run.n_rows or 0) < MIN_ROWS:
        return None
    curve = run.val_loss if len(run.val_loss) else run.loss
    name = "validation" if len(run.val_loss) else "training"
    end, lag = float(curve[-1]), find_lag(evidence)
    last = -np.diff(curve)[-STEEP_EPOCHS:]
    is_steep = len(last) > 0 and last.min() > STEEP * end > 0
    is_steep &= end > 0.05 * evidence.rivals.constant
    makes_up = lag is not None and fall > CATCH_UP * (end - lag.numbers["rival_loss"])
    if not (makes_up or is_steep):
        return None
    is_long = run.epochs >= MIN_EPOCHS and run.steps >= MIN_STEPS
    epochs, unit = 3 * run.epochs, "epoch" if run.epochs == 1 else "epochs"
    consequence = "It is better after more epochs, if it goes on like this."
    if makes_up and lag is not None:
        consequence = lag.text
    last_fifth = max(1, run.epochs // 5)
    when = "the last epoch" if last_fifth == 1 else f"the last {last_fifth} epochs"
    return Finding(
        rule="still_improving",
        symptom=(
            f"The run ended after {run.epochs} {unit} and {run.steps:,} steps while the {name} "
            f"loss still fell fast: by {format_number(fall, 2)} to {format_number(end, 2)} in "
            f"{when}."
        ),
        consequence=consequence,
        evidence={"epochs": run.epochs, "steps": run.steps, "fall": fall, "loss": end},
        remedy=f"Train for more epochs: try epochs={epochs}, with EarlyStopping.",
        confidence=ALARM if makes_up and is_long else INFORMATION,
        fit_arguments={"epochs": epochs},
    )


def find_last_hidden(network: NetworkEvidence) -> str | None:
    """Return the name of the last layer with weights before the output; None if there is none."""
    names = [layer.name for layer in network.layers if layer.n_weights and "/" not in layer.name]
    return names[-2] if len(names) > 1 else None


@rule(
    "Does the network answer one class far too often?",
    source="Amazon SageMaker Debugger, rule Confusion; lecture 004, accuracy.",
)
def predicts_one_class(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if most answers are one class, but far fewer rows are.

    If the run fails and neither classes nor rows have weights, something else is the cause, and
    `no_better_than_baseline` says what it costs.
    """
    answers = evidence.answers
    if answers is None or answers.predicted is None or answers.counts is None:
        return None
    n, label = answers.n_rows, int(answers.predicted.argmax())
    most, own, largest = (
        float(value / n)
        for value in (answers.predicted[label], answers.counts[label], answers.counts.max())
    )
    least = min(ONE_CLASS, own + TOO_OFTEN)
    if n < MIN_ANSWERS or most <= least or most <= own + SLIGHTLY or largest > LARGEST_CLASS:
        return None
    is_cause = answers.has_weights or failure is None
    if not (is_cause and (consequence := _describe_answers(evidence, failure, largest))):
        return None
    return Finding(
        rule="predicts_one_class",
        symptom=(
            f"For {round(100 * most)} % of the rows the network answers class {label}, but only "
            f"{round(100 * own)} % are of this class."
        ),
        consequence=consequence,
        evidence={"answers": most, "rows_of_class": own, "accuracy": answers.accuracy},
        remedy=(
            "The weights of the classes or rows are too different: leave out class_weight and "
            'sample_weight, or use class_weight="balanced".'
            if answers.has_weights
            else "Train for more epochs, and begin with a bias of 0 in the last layer. If that "
            "does not help, train on a few rows until these are learned."
        ),
        fit_arguments={"class_weight": None} if answers.has_weights else {},
        confidence=INFORMATION if evidence.is_smoke_test else ALARM,
    )


def _describe_answers(evidence: Evidence, failure: Failure | None, largest: float) -> str:
    """Return what answers of mostly one class cost, or "".

    Args:
        evidence: with answers.
        failure: how the run fails.
        largest: share of the largest class.
    """
    answers, constant = evidence.answers, evidence.rivals.val_constant
    assert answers is not None
    if failure is not None and failure.name == "not finite":
        return ""
    if answers.accuracy < find_share_interval(largest, answers.n_rows)[0]:
        return (
            f"The accuracy is {format_number(answers.accuracy, 2)}; that of always answering the "
            f"largest class is {format_number(largest, 2)}."
        )
    if failure is None and answers.loss > NO_BETTER * constant:
        return (
            f"The loss of {format_number(answers.loss, 3)} is no better than that of always giving "
            f"the same answer, {format_number(constant, 3)}."
        )
    return failure.text if failure else ""


@rule(
    "Are there enough validation rows for the score to mean anything?",
    source="Wilson 1927, Probable inference.",
)
def validation_noise(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return information if the score could be far off by the luck of few validation rows."""
    answers = evidence.answers
    if answers is None or not answers.are_validation_rows:
        return None
    n = answers.n_rows
    if evidence.run.n_validation_rows != n or n < 2 or failure is not None:
        return None
    if np.isfinite(answers.accuracy):
        low, high = find_share_interval(answers.accuracy, n)
        if high - low < WIDE_ACCURACY:
            return None
        score = f"an accuracy of {format_number(answers.accuracy, 2)}"
        numbers = {"accuracy": answers.accuracy, "low": low, "high": high}
        least = n * ((high - low) / ENOUGH_ACCURACY) ** 2
    else:
        error = 2 * answers.loss_error
        if not error > WIDE_LOSS * answers.loss > 0:
            return None
        low, high = max(answers.loss - error, 0.0), answers.loss + error
        score = f"a loss of {format_number(answers.loss, 2)}"
        numbers = {"loss": answers.loss, "low": low, "high": high}
        least = n * (error / (ENOUGH_LOSS * answers.loss)) ** 2
    interval = f"{format_number(low, 2)} to {format_number(high, 2)}"
    rows = int(np.ceil(least / 10) * 10)
    return Finding(
        rule="validation_noise",
        symptom=(
            f"{n} validation rows are few: with {score} on them, that on new rows may be "
            f"anything from {interval} (95 % confidence)."
        ),
        consequence=(
            "The best epoch, or a model that seems better than another one, may be a matter of "
            "luck."
        ),
        evidence={"validation_rows": n} | numbers,
        remedy=(
            f"Validate on about {rows:,} rows if there are that many (validation_split), or score "
            "every row with gn.selection.cross_validate."
        ),
        confidence=INFORMATION,
    )


@rule(
    "Is the network better than a simple answer?",
    source="A. Karpathy, A recipe for training neural networks, 2019.",
)
def no_better_than_baseline(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if a constant answer, a linear model or neighbours are better."""
    rivals = evidence.rivals
    if failure is None or failure.name in ("not finite", "unbounded", "unstable"):
        return None
    if differs_in_validation(evidence):
        return _make_shift_finding(evidence, failure)
    if not evidence.network.trained_layers:
        return _make_frozen_finding(evidence, failure)
    losses = {"linear_loss": rivals.linear, "neighbours_loss": rivals.neighbours}
    known = {name: loss for name, loss in losses.items() if np.isfinite(loss)}
    return Finding(
        rule="no_better_than_baseline",
        symptom="The network is no better than a simple method on the same data.",
        consequence=failure.text,
        evidence=dict(failure.numbers) | known,
        remedy=(
            "Train longer, or use more units, more layers or another kind of layer; and try the "
            "simple method: it may be all that the data need."
        ),
    )


def _make_shift_finding(evidence: Evidence, failure: Failure) -> Finding:
    others, rivals = evidence.training_rivals, evidence.rivals
    assert others is not None
    training_loss, loss = (min(each.linear, each.neighbours) for each in (others, rivals))
    return Finding(
        rule="no_better_than_baseline",
        symptom=(
            "The validation rows differ from the training rows: simple models reach a loss of "
            f"{format_number(training_loss, 3)} on other training rows, but "
            f"{format_number(loss, 3)} on the validation rows."
        ),
        consequence=failure.text,
        evidence=dict(failure.numbers) | {"training_rival_loss": training_loss, "rival_loss": loss},
        remedy=(
            "Check that the validation rows are made, scaled and labeled like the training rows."
        ),
    )


def _make_frozen_finding(evidence: Evidence, failure: Failure) -> Finding:
    return Finding(
        rule="no_better_than_baseline",
        symptom="No layer is trained: all are frozen by trainable=False, or have no weights.",
        consequence=failure.text,
        evidence={"weights": evidence.network.n_weights},
        remedy="Set trainable=True for the layers that are to learn.",
    )
