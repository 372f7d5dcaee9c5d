"""Failures: how a run fails, from its losses alone.

A symptom without a failure is no finding: half of a healthy network's ReLU outputs are 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from glassnet.doctor.evidence import Evidence, RunEvidence
from glassnet.formatting import format_count, format_number

MIN_EPOCHS, MIN_STEPS = 3, 100
"""A run of fewer epochs or steps may be too short to have learned anything."""

EARLY = 0.5
"""A run that the user ended before this share of its epochs may have had its best ahead."""

NOTHING = 0.98
"""A loss above this share of the loss of the best constant answer has learned nothing."""

BEHIND, BEHIND_IN_TRAINING = 0.1, 0.2
"""Share of a simple model's gain that a network may be behind it, on validation or training rows.

The gain is that over the constant answer.
"""

NOISE_PER_ROW = 0.6
"""Two deviations of the difference of two losses of a row, as a share of the constant's loss.

Divided by the square root of the number of rows, it is added to what a network may be behind.
"""

SHIFT_PER_ROW = 2.0
"""Divided by the square root of the number of validation rows: how far they may be from others."""

UNSTABLE = 0.08
"""Noise of the training loss between epochs, as a share of what was gained."""

UNBOUNDED = 100.0
"""A loss below minus this many times its start has no lowest value."""


@dataclass(frozen=True)
class Failure:
    """How a run fails.

    Attributes:
        name: "not finite", "unbounded", "diverged", "learned nothing", "learned nothing for new
            rows", "behind a simple model" or "unstable".
        text: the same in a sentence, with its numbers.
        numbers: the numbers by name.
    """

    name: str
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def estimate_noise(curve: np.ndarray) -> float:
    """Return the standard deviation of a curve around its own trend.

    sd = std(second differences of the last three quarters) / sqrt(6); 0 for fewer than 8 values.
    """
    if len(curve) < 8:
        return 0.0
    return float(np.std(np.diff(curve[len(curve) // 4 :], 2)) / np.sqrt(6))


def get_end_loss(run: RunEvidence) -> float:
    """Return the training loss at the end, without penalties: the median of three epochs."""
    return float(np.median(run.loss[-3:])) - run.penalty


def find_failure(evidence: Evidence) -> Failure | None:
    """Return how the run fails, or None."""
    run = evidence.run
    if run.nonfinite:
        return Failure("not finite", f"Training stopped: {run.nonfinite}.")
    if not len(run.loss) or not np.isfinite(run.loss).all() or evidence.target.is_constant:
        return None
    finders = [_find_unbounded, _find_divergence]
    if not (run.is_interrupted and run.epochs < EARLY * run.epochs_planned):
        finders += [_find_standstill, _find_lag, _find_jumps]
    for find in finders:
        if failure := find(evidence, run):
            return failure
    return None


def explain_no_verdict(run: RunEvidence) -> str:
    """Return why a run that does not fail may still be no good run, or ""."""
    if not run.loss.size:
        return "no epoch was completed"
    if run.is_interrupted and run.epochs < EARLY * run.epochs_planned:
        return f"Ctrl-C ended the fit after {run.epochs} of {run.epochs_planned} epochs"
    if run.epochs >= MIN_EPOCHS and run.steps >= MIN_STEPS:
        return ""
    epochs, steps = format_count(run.epochs, "epoch"), format_count(run.steps, "step")
    return (
        f"a fit of {epochs} and {steps} is too short: {MIN_EPOCHS} epochs and {MIN_STEPS} steps "
        "are needed"
    )


def _find_unbounded(evidence: Evidence, run: RunEvidence) -> Failure | None:
    """The loss falls without end."""
    end, start = float(run.loss[-1]), run.initial_loss
    if not end < -UNBOUNDED * max(abs(start), 1.0):
        return None
    text = (
        f"The training loss fell from {_format(start)} to {_format(end)} and has no lowest value."
    )
    return Failure("unbounded", text, {"initial_loss": start, "loss": end})


def _find_divergence(evidence: Evidence, run: RunEvidence) -> Failure | None:
    """The loss ended far above its start, or far above its best."""
    constant = evidence.rivals.constant
    end, start = get_end_loss(run), run.initial_loss
    best = float(run.loss.min()) - min(run.initial_penalty, run.penalty)  # penalties grow too
    known = [value for value in (start, constant) if np.isfinite(value)]
    is_above_start = bool(known) and end > 2 * max(known) and run.steps >= 10
    is_above_best = end > 3 * best + 0.5 * constant and end > constant
    if not (is_above_start or is_above_best):
        return None
    first = start if np.isfinite(start) else best
    text = f"The training loss rose from {_format(first)} to {_format(end)}."
    if is_above_best and not is_above_start:
        text = f"The training loss rose from its best, {_format(best)}, to {_format(end)}."
    return Failure("diverged", text, {"initial_loss": start, "best_loss": best, "loss": end})


def _find_standstill(evidence: Evidence, run: RunEvidence) -> Failure | None:
    """The network is no better than the best constant answer."""
    constant, end = evidence.rivals.constant, get_end_loss(run)
    if run.epochs < MIN_EPOCHS or run.steps < MIN_STEPS:
        return None
    if run.epochs < 8:  # the loss may still fall so fast that the median is of the past
        end = min(end, float(run.loss[-1]) - run.penalty)
    if end > NOTHING * constant:
        training = "a short training of " if evidence.is_smoke_test else ""
        text = (
            f"After {training}{run.epochs} epochs the training loss is {_format(end)}, no better "
            f"than the {_format(constant)} of always giving the same answer."
        )
        return Failure("learned nothing", text, {"loss": end, "constant_loss": constant})
    rivals = evidence.rivals
    if not len(run.val_loss):
        return None
    best, constant = float(np.nanmin(run.val_loss)) - run.penalty, rivals.val_constant
    tolerance = NOTHING
    if min(rivals.linear, rivals.neighbours) < NOTHING * constant:
        tolerance += SHIFT_PER_ROW / np.sqrt(max(rivals.n_scored, 1))
    if best > tolerance * constant:
        text = (
            f"The validation loss never went below {_format(best)}, no better than the "
            f"{_format(constant)} of always giving the same answer."
        )
        numbers = {"val_loss": best, "val_constant_loss": constant}
        return Failure("learned nothing for new rows", text, numbers)
    return None


def _find_lag(evidence: Evidence, run: RunEvidence) -> Failure | None:
    """A linear model or nearest neighbours are clearly better, after enough steps."""
    if run.epochs < MIN_EPOCHS or run.steps < MIN_STEPS:
        return None
    return find_lag(evidence)


def find_lag(evidence: Evidence) -> Failure | None:
    """Return by how much a linear model or nearest neighbours are clearly better, or None."""
    rivals, run = evidence.rivals, evidence.run
    losses = {"a linear model": rivals.linear, "nearest neighbours": rivals.neighbours}
    losses = {name: loss for name, loss in losses.items() if np.isfinite(loss)}
    if not losses:
        return None
    name, rival = min(losses.items(), key=lambda item: item[1])
    is_validated = rivals.rows == "validation" and len(run.val_loss) > 0
    constant = rivals.val_constant if is_validated else rivals.constant
    curve = run.val_loss if is_validated else run.loss
    loss = float(curve.min()) - run.penalty
    margin = (BEHIND if is_validated else BEHIND_IN_TRAINING) * (constant - rival)
    error = rivals.linear_error if rival == rivals.linear else rivals.neighbours_error
    noise = NOISE_PER_ROW * constant / np.sqrt(max(rivals.n_scored, 1))
    margin += max(noise, 2 * error) if np.isfinite(error) else noise
    if not (rival < 0.9 * constant and loss > rival + margin):
        return None
    kind = "validation" if is_validated else "training"
    training = " of a short training" if evidence.is_smoke_test else ""
    text = (
        f"The best {kind} loss{training} is {_format(loss)}; {name} reaches {_format(rival)} on "
        f"the same data, and always giving the same answer {_format(constant)}."
    )
    numbers = {"loss": loss, "rival_loss": rival, "constant_loss": constant}
    return Failure("behind a simple model", text, numbers)


def _find_jumps(evidence: Evidence, run: RunEvidence) -> Failure | None:
    """The training loss jumps up and down from epoch to epoch."""
    starts = [x for x in (evidence.rivals.constant, run.initial_loss) if np.isfinite(x)]
    gain, noise = max(starts, default=-np.inf) - float(run.loss.min()), estimate_noise(run.loss)
    if not (gain > 0 and noise > UNSTABLE * gain):
        return None
    text = (
        f"The training loss jumps up and down from epoch to epoch by about {_format(noise)}, "
        f"{round(100 * noise / gain)} % of all that was gained."
    )
    return Failure("unstable", text, {"noise": noise, "gain": gain})


def count_rises(curve: np.ndarray, least: float = 0.0) -> float:
    """Return the share of epochs in which a curve rose by more than `least`.

    Its first quarter is left out.
    """
    steps = np.diff(curve[len(curve) // 4 :])
    return float((steps > least).mean()) if len(steps) else 0.0


def _format(value: float) -> str:
    return format_number(value, 3)
