"""Rules about what the network has learned for new rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glassnet.doctor.changes import InsertLayer
from glassnet.doctor.evidence import Evidence, NetworkEvidence
from glassnet.doctor.failures import Failure, estimate_noise
from glassnet.doctor.findings import Finding
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


def find_last_hidden(network: NetworkEvidence) -> str | None:
    """Return the name of the last layer with weights before the output; None if there is none."""
    names = [layer.name for layer in network.layers if layer.n_weights and "/" not in layer.name]
    return names[-2] if len(names) > 1 else None


@rule(
    "Is the network better than a simple answer?",
    source="A. Karpathy, A recipe for training neural networks, 2019.",
)
def no_better_than_baseline(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if a constant answer, a linear model or neighbours are better."""
    rivals = evidence.rivals
    if failure is None or failure.name in ("not finite", "unbounded", "unstable"):
        return None
    return Finding(
        rule="no_better_than_baseline",
        symptom="The network is no better than a simple method on the same data.",
        consequence=failure.text,
        evidence=dict(failure.numbers)
        | {"linear_loss": rivals.linear, "neighbours_loss": rivals.neighbours},
        remedy=(
            "Train longer, or use more units or another kind of layer; and try the simple method: "
            "it may be all that the data need."
        ),
    )
