"""Rules about the network and its loss."""

from __future__ import annotations

import itertools

from glassnet.doctor.changes import ReplaceInitializers, SetOutputActivation
from glassnet.doctor.evidence import Evidence
from glassnet.doctor.failures import Failure
from glassnet.doctor.findings import Finding
from glassnet.doctor.registry import rule
from glassnet.formatting import format_number

OUT_OF_REACH, OUT_OF_REACH_IN_FAILURE = 0.05, 0.01
"""Share of the targets' variance that is too much outside the range of the outputs.

A smaller share counts if the run fails.
"""


NEVER_NEGATIVE = ("relu", "relu6", "softplus", "exponential", "sigmoid", "hard_sigmoid")
"""Activations whose outputs are at least 0."""


@rule(
    "Can the last layer, the loss and the starting weights learn these targets?",
    source="lecture 001, activation of the last layer; lecture 003, symmetry of equal weights.",
)
def wrong_output(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the outputs cannot reach the targets, or all units stay alike."""
    if finding := _find_range(evidence, failure):
        return finding
    for find in (_find_unbounded, _find_constant_weights, _find_half_range):
        if failure is not None and (finding := find(evidence, failure)):
            return finding
    return None


def _find_unbounded(evidence: Evidence, failure: Failure) -> Finding | None:
    """The loss has no lowest value."""
    if failure.name != "unbounded":
        return None
    return Finding(
        rule="wrong_output",
        symptom=f"The loss {evidence.network.loss} falls without end: a sign may be wrong in it.",
        consequence=failure.text,
        evidence=failure.numbers,
        remedy="Check the sign of the loss. It must be lowest, usually 0, for perfect outputs.",
    )


def _find_range(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """The last activation cannot return some of the targets."""
    target, network = evidence.target, evidence.network
    least = OUT_OF_REACH if failure is None else OUT_OF_REACH_IN_FAILURE
    if target.out_of_reach < least:
        return None
    low, high = network.output_range
    limits = f"from {format_number(low)} to {format_number(high)}"
    limits = f"of at least {format_number(low)}" if high == float("inf") else limits
    limits = f"of at most {format_number(high)}" if low == -float("inf") else limits
    share = format_number(100 * target.out_of_reach, 2)
    return Finding(
        rule="wrong_output",
        symptom=(
            f"The last layer ends in {network.output_activation}, which gives numbers {limits}, "
            f"but the targets go from {format_number(target.low)} to {format_number(target.high)}."
        ),
        consequence=f"Even the best network would miss {share} % of the targets' variance.",
        evidence={
            "out_of_reach": target.out_of_reach,
            "lowest_target": target.low,
            "highest_target": target.high,
            "lowest_output": low,
            "highest_output": high,
        },
        remedy="Remove the activation of the last layer, so that it can give every number.",
        change=SetOutputActivation(None),
    )


def _find_constant_weights(evidence: Evidence, failure: Failure) -> Finding | None:
    """All units of a hidden layer began with the same weights, so they stay alike."""
    network = evidence.network
    layers = network.kernel_layers
    names = tuple(
        layer.name
        for layer, following in itertools.pairwise(layers)
        if layer.units_alike and (following.inputs_alike or not layer.weight_start)
    )
    if not names:
        return None
    listed = " and ".join(names)
    return Finding(
        rule="wrong_output",
        symptom=(
            f"All units of {listed} began with the same weights, so they get the same gradient and "
            "stay alike: the layer works as one single unit."
        ),
        consequence=failure.text,
        evidence={"layers_with_equal_units": len(names)},
        remedy=f"Start {listed} from random weights: use the default kernel_initializer.",
        change=ReplaceInitializers(names),
    )


def _find_half_range(evidence: Evidence, failure: Failure) -> Finding | None:
    """A last activation of its own gets no negative numbers from the activation before it."""
    layers, last = evidence.network.layers, evidence.network.output_activation
    if len(layers) < 2 or layers[-1].type != "Activation" or last not in ("sigmoid", "softmax"):
        return None
    before = layers[-2]
    if before.activation not in NEVER_NEGATIVE:
        return None
    effects = {
        "sigmoid": "so it never answers less than 0.5",
        "softmax": "so it can hardly rule out a class",
    }
    return Finding(
        rule="wrong_output",
        symptom=(
            f"The {last} at the end gets no negative numbers from the {before.activation} of "
            f"{before.name}, {effects[last]}."
        ),
        consequence=failure.text,
        evidence={"units": before.n_units},
        remedy=f"Remove the {before.activation} of {before.name}.",
    )
