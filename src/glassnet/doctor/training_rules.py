"""Rules about what happens during training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.doctor.changes import (
    Change,
    ReplaceActivations,
    ReplaceInitializers,
    ScaleLearningRate,
    SetLearningRate,
)
from glassnet.doctor.data_rules import raw_scale
from glassnet.doctor.evidence import Evidence, LayerEvidence
from glassnet.doctor.failures import Failure, count_rises, get_end_loss
from glassnet.doctor.findings import Finding
from glassnet.doctor.model_rules import target_scale
from glassnet.doctor.registry import rule
from glassnet.formatting import format_number

GOOD_RATIO = 0.005
"""A step that changes a layer by this share of its weights is neither timid nor wild."""

SAFE_RATIO = 0.02
"""The same, if the rate is lowered: Adam's first steps are of this size. Less may be too slow."""

SMOOTH = 0.1
"""Share of epochs with a rising loss below which the loss falls smoothly."""

LEAST_RISE = 0.001
"""A rise of the loss by less than this share of the constant answer's is a rounding error."""

LEARNED = 0.3
"""Share of the constant answer's loss below which the network has learned the training rows."""

WILD_START, WILD_RATIO, LARGE_RATIO = 0.3, 0.03, 0.01
"""Shares of its weights by which a step changes a layer if the rate is too high."""

USUAL_RATIO, USUAL_GROWTH = 0.002, 2.0
"""The same limits if the loss jumps from epoch to epoch, which little but large steps explains."""

GROWTH = 5.0
"""Growth of the weights over a fit that only a rate that is too high explains."""

TIMID_RATIO = 0.001
"""Share of its weights by which a step changes a layer if the rate is too low.

With larger steps, a fit that moved its weights little had too few of them.
"""

FADED = 0.001
"""Share of a step at the start below which one at the end counts as faded away."""

LARGEST_RATE = 1.0
"""No remedy raises the rate above this. Small steps then have another reason."""

TIMID_DISTANCE = 0.5
"""All steps together move a layer by less than this share of its weights: the rate is too low."""

JUMP = 3.0
"""A first epoch with so many times the loss of the first batch, or of a constant answer, jumped."""

RISEN = 1.05
"""A training loss above this many times that of the first epoch has risen."""

FAR_TARGETS = 100.0
"""Standard deviation of targets above which they, and not the rate, make a loss overflow."""

VANISHING = 2.0
"""Powers of ten between the relative gradients of the last and the first layer."""

MOSTLY_SATURATED = 0.5
"""Share of a hidden layer's units that are saturated at the start."""

MOSTLY_DEAD, HALF_DEAD = 0.9, 0.5
"""Shares of a layer's units that are 0 on every row."""


def choose_factor(ratio: float, *, increase: bool) -> float:
    """Return a power of ten by which to change the rate, so that a step is of a good size."""
    goal = GOOD_RATIO if increase else SAFE_RATIO
    power = round(math.log10(goal / min(max(ratio, 1e-12), 1e12)))
    return float(10.0 ** (min(max(power, 1), 5) if increase else -min(max(-power, 1), 5)))


@rule(
    "Is the learning rate too high?",
    source="CS231n, Neural Networks 3: a step should change the weights by about 1/1,000; lecture "
    "002, gradient descent.",
)
def rate_too_high(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if single steps change whole layers, and the loss shows it."""
    network = evidence.network
    layers = network.trained_layers
    if failure is None or not evidence.looked_inside or not layers:
        return None
    start, end = np.nan_to_num([network.get_step_ratio(when) for when in ("start", "end")])
    ratio = float(max(start, end))
    grown = float(np.median([each.weight_end / each.weight_start for each in layers]))
    is_large = ratio > LARGE_RATIO or grown > GROWTH
    if failure.name == "unstable":
        is_large = ratio > USUAL_RATIO or grown > USUAL_GROWTH
    is_wild = start > WILD_START or end > WILD_RATIO or grown > GROWTH
    if not is_large or not _is_unsteady(evidence, failure, is_wild):
        return None
    # The last weights have been blown up. The first show what a step does to a healthy network.
    factor = choose_factor(float(start) or ratio, increase=False)
    detail = f", and the weights grew to {_times(grown)} their size" if grown > 2 else ""
    return _make_rate_finding("rate_too_high", evidence, failure, factor, ratio, detail)


def _is_unsteady(evidence: Evidence, failure: Failure, is_wild: bool) -> bool:
    """Return whether the training loss jumps, or, if the steps are wild, stays high and uneven."""
    run = evidence.run
    start = max(run.initial_loss, evidence.rivals.constant)
    has_jumped = len(run.loss) > 0 and run.loss[0] > JUMP * start
    if has_jumped or failure.name in ("not finite", "diverged", "unstable"):
        return True
    constant = evidence.rivals.constant
    has_learned = get_end_loss(run) < LEARNED * constant
    rises = count_rises(run.loss, LEAST_RISE * constant if math.isfinite(constant) else 0.0)
    return is_wild and not has_learned and rises >= SMOOTH


@rule(
    "Is the learning rate too low?",
    source="CS231n, Neural Networks 3: a step should change the weights by about 1/1,000; lecture "
    "002, gradient descent.",
)
def rate_too_low(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if all steps together could hardly move the weights."""
    run, network = evidence.run, evidence.network
    layers = network.trained_layers
    if failure is None or failure.name in ("not finite", "diverged") or not layers:
        return None
    if not len(run.loss) or run.loss[-1] > RISEN * run.loss[0]:
        return None
    ratio = network.get_step_ratio("start")
    if network.get_step_ratio("end") < FADED * ratio and _is_still(evidence):
        return _make_fading_finding(evidence, failure)
    is_timid = 0 < ratio < TIMID_RATIO and ratio * run.steps < TIMID_DISTANCE
    if not is_timid or _get_distance(layers) > TIMID_DISTANCE:
        return None
    factor = choose_factor(ratio, increase=True)
    if network.learning_rate * factor > LARGEST_RATE:
        return _make_small_step_finding(evidence, failure, ratio)
    moved = _percent(_get_distance(layers))
    detail = f", and all {run.steps:,} steps together by {moved}"
    return _make_rate_finding("rate_too_low", evidence, failure, factor, ratio, detail)


def _make_small_step_finding(evidence: Evidence, failure: Failure, ratio: float) -> Finding:
    """Return the finding that the steps are small although the rate is not."""
    rate = evidence.network.learning_rate
    return Finding(
        rule="rate_too_low",
        symptom=(
            f"The steps are too small, although the learning rate is {format_number(rate, 2)}: one "
            f"changes the weights of a typical layer by {_percent(ratio)} ({_percent(GOOD_RATIO)} "
            "is usual)."
        ),
        consequence=failure.text,
        evidence={"learning_rate": rate, "update_ratio": ratio},
        remedy=(
            "Look for what makes the steps small: clipnorm, clipvalue or epsilon of the optimizer, "
            "a tiny loss weight, or gradients that are almost 0."
        ),
    )


def _is_still(evidence: Evidence) -> bool:
    """Return whether the training loss no longer changed in the second half of the fit."""
    half = evidence.run.loss[len(evidence.run.loss) // 2 :]
    return bool(np.ptp(half) < LEAST_RISE * abs(evidence.rivals.constant))


def _get_distance(layers: Sequence[LayerEvidence]) -> float:
    """Return the share of its weights by which the fit moved the median layer."""
    return float(np.median([each.moved for each in layers]))


def _make_fading_finding(evidence: Evidence, failure: Failure) -> Finding:
    network = evidence.network
    start, end = network.get_step_ratio("start"), network.get_step_ratio("end")
    return Finding(
        rule="rate_too_low",
        symptom=(
            "The steps have faded away too early: at the start, one changed the weights of a "
            f"typical layer by {_percent(start)}, at the end by {_percent(end)}."
        ),
        consequence=failure.text,
        evidence={
            "learning_rate": network.learning_rate,
            "update_ratio": start,
            "update_ratio_at_end": end,
        },
        remedy="Let the learning rate fall more slowly, or keep it constant.",
        change=SetLearningRate(network.learning_rate),
    )


def _make_rate_finding(
    name: str, evidence: Evidence, failure: Failure, factor: float, ratio: float, detail: str
) -> Finding:
    rate = evidence.network.learning_rate
    old, new = format_number(rate, 2), format_number(rate * factor, 2)
    kind = name.rpartition("_")[2]
    return Finding(
        rule=name,
        symptom=(
            f"The learning rate {old} is too {kind}: one step changes the weights of a typical "
            f"layer by {_percent(ratio)} ({_percent(GOOD_RATIO)} is usual){detail}."
        ),
        consequence=failure.text,
        evidence={"learning_rate": rate, "update_ratio": ratio, "suggested_rate": rate * factor},
        remedy=f"Set the learning rate to {new}.",
        change=ScaleLearningRate(factor),
    )


def _times(factor: float) -> str:
    return f"{format_number(factor, 2)} times"


@rule(
    "Are ReLU units dead, 0 on every row?",
    source="CS231n, Neural Networks 1: dead ReLUs; Lu et al. 2019, arXiv 1903.06733.",
)
def dead_relu(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if most units of a layer are 0 on every row, and were from the start."""
    network = evidence.network
    if failure is None:
        return None
    shares = {
        layer.name: (layer.dead_end, layer.dead_start or 0.0)
        for layer in network.layers
        if layer.dead_end is not None and (layer.dead_start or 0.0) > 0.5 * layer.dead_end
    }
    if not shares:
        return None
    name, (share, start) = max(shares.items(), key=lambda item: item[1][0])
    bias = next(layer.bias_start for layer in network.layers if layer.name == name)
    is_standstill = failure.name in ("learned nothing", "diverged")
    if not (share > MOSTLY_DEAD or (share > HALF_DEAD and is_standstill)):
        return None
    amount = "All" if share == 1 else f"{_percent(share)} of the"
    return Finding(
        rule="dead_relu",
        symptom=(
            f"{amount} ReLU units of {name} are dead: they are 0 on every row, so no gradient "
            "passes through them and they cannot recover."
        ),
        consequence=failure.text,
        evidence={"dead_share": share, "dead_share_at_start": start, "starting_bias": bias},
        **_revive(network.layers, bias),
    )


def _revive(layers: Sequence[LayerEvidence], bias: float) -> dict[str, Any]:
    """Return the remedy for dead units: other starting weights, or another activation."""
    if bias < 0:
        dead = [layer for layer in layers if (layer.dead_start or 0.0) > HALF_DEAD]
        names = tuple(layer.name for layer in dead if layer.bias_start < 0)
        text = (
            f"Start the biases of {' and '.join(names)} at 0, not at {format_number(bias, 2)}: use "
            "the default bias_initializer."
        )
        return {"remedy": text, "change": ReplaceInitializers(names)}
    text = (
        "Use leaky_relu instead of relu, which has a gradient everywhere. Also check that the "
        "inputs are centered."
    )
    return {"remedy": text, "change": ReplaceActivations("relu", "leaky_relu")}


@rule(
    "Are sigmoid or tanh units saturated, on the flat part of their curve?",
    source="Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward "
    "neural networks; CS231n, Neural Networks 1.",
)
def saturated_units(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if most units of a hidden layer were saturated from the start."""
    hidden = evidence.network.kernel_layers[:-1]
    shares = {layer.name: layer.saturated_start or 0.0 for layer in hidden}
    if failure is None or not shares:
        return None
    name, share = max(shares.items(), key=lambda item: item[1])
    if share < MOSTLY_SATURATED:
        return None
    activation = next(layer.activation for layer in hidden if layer.name == name)
    names = tuple(layer for layer, value in shares.items() if value > 0.1)
    return Finding(
        rule="saturated_units",
        symptom=(
            f"{_percent(share)} of the {activation} units of {name} were saturated before the "
            "first step: they are on the flat part of the curve, where the gradient is almost 0."
        ),
        consequence=failure.text,
        evidence={"saturated_share_at_start": share},
        remedy=(
            "Draw smaller starting weights: use the default kernel_initializer. Also check that "
            "the inputs are scaled."
        ),
        change=ReplaceInitializers(names),
    )


def _percent(share: float) -> str:
    return f"{format_number(100 * share, 2)} %"


@rule(
    "Does the gradient reach the first layers?",
    source="Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward "
    "neural networks; lecture 003, backpropagation.",
)
def vanishing_gradient(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the first layer's relative gradient is a hundredth of the last's."""
    network = evidence.network
    kinds = ("learned nothing", "behind a simple model")
    if failure is None or failure.name not in kinds:
        return None
    layers = [layer for layer in network.trained_layers if layer.start]
    if len(layers) < 3:
        return None
    gradients = [layer.start["gradient"] / layer.weight_start for layer in layers if layer.start]
    first, last = gradients[0], gradients[-1]
    decades = math.log10(max(last, 1e-30) / max(first, 1e-30))
    if decades < VANISHING:
        return None
    change, remedy = _replace_saturating(layers)
    size = f"{format_number(10**decades, 2)} times smaller than" if first else "0, unlike"
    return Finding(
        rule="vanishing_gradient",
        symptom=(
            f"The gradient vanishes on its way back: relative to its weights, that of "
            f"{layers[0].name} is {size} that of {layers[-1].name}, so the first layers do "
            "not learn."
        ),
        consequence=failure.text,
        evidence={"first_gradient": first, "last_gradient": last, "ratio": 10**decades},
        remedy=remedy,
        change=change,
    )


def _replace_saturating(layers: Sequence[LayerEvidence]) -> tuple[Change | None, str]:
    """Return the change of hidden sigmoids or tanhs into ReLUs, and the remedy in words."""
    for name in ("sigmoid", "tanh"):
        if any(layer.activation == name for layer in layers[:-1]):
            text = f"Use relu instead of {name} in the hidden layers: its derivative is 1."
            return ReplaceActivations(name, "relu"), text
    return None, "Add BatchNormalization, or Residual connections, or use fewer layers."


@rule(
    "Did a number overflow or become NaN?",
    source="Goodfellow, Bengio, Courville, Deep Learning, 2016, section 4.1.",
)
def not_finite(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if training ended in a number that is not finite, with its likely cause."""
    run = evidence.run
    if not run.nonfinite:
        return None
    rules = [raw_scale, target_scale]
    if run.steps:  # The rate is no cause before the first step.
        is_far = evidence.target.std > FAR_TARGETS
        rules.insert(2 if is_far else 1, rate_too_high)
    causes = [find(evidence, failure) for find in rules]
    cause = next((each for each in causes if each is not None), None)
    remedy = (
        cause.remedy
        if cause
        else "Look at the named place: a logarithm of 0, a division by 0 or a root of 0 in a loss, "
        "an activation or a layer of your own gives such numbers."
    )
    likely = cause.symptom if cause else "No large step and no large input explains it."
    return Finding(
        rule="not_finite",
        symptom=f"A number became infinite or NaN in {run.nonfinite}. {likely}",
        consequence="Training stopped there; the last weights with a finite loss are kept.",
        evidence={"epoch": run.first_epoch + run.epochs + 1, "steps": run.steps}
        | (dict(cause.evidence) if cause else {}),
        remedy=remedy,
        change=cause.change if cause else None,
    )
