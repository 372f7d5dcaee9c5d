"""Rules about the network and its loss."""

from __future__ import annotations

import itertools
import math

import numpy as np

from glassnet.doctor.changes import (
    Change,
    CombinedChange,
    InsertLayer,
    LimitDropout,
    ReplaceActivations,
    ReplaceInitializers,
    ScaleLearningRate,
    ScalePenalties,
    SetMomentum,
    SetOutputActivation,
)
from glassnet.doctor.evidence import Evidence
from glassnet.doctor.failures import BEHIND, MIN_EPOCHS, NOISE_PER_ROW, Failure, get_end_loss
from glassnet.doctor.findings import Finding
from glassnet.doctor.registry import rule
from glassnet.formatting import format_number
from glassnet.layers import Rescaling

OUT_OF_REACH, OUT_OF_REACH_IN_FAILURE = 0.05, 0.01
"""Share of the targets' variance that is too much outside the range of the outputs.

A smaller share counts if the run fails.
"""


NEVER_NEGATIVE = ("relu", "relu6", "softplus", "exponential", "sigmoid", "hard_sigmoid")
"""Activations whose outputs are at least 0."""

CLASS_MARGIN = 0.1
"""Least accuracy by which a classifier must be better than class numbers learned as a number."""

LARGE_TARGETS = 10.0
"""Targets with a mean or deviation above this are not scaled."""

ABSURD = 1e12
"""Targets with a larger mean or deviation are not scaled by a layer: some may be wrong."""

REACHED = 0.3
"""Share of the constant answer's loss below which the training rows were learned."""

NEAR_LINEAR = 0.3
"""Share of a linear model's gain that a stack of linear layers may be behind it."""

SHRUNK, HALF_SHRUNK = 0.1, 0.5
"""Shares of their start to which weights shrink by a penalty alone, or by one that dominates."""

MILD_PENALTY = 0.05
"""Share of the constant answer's loss at which a mild penalty begins."""

STRONG_DROPOUT, MILD_DROPOUT = 0.6, 0.3
"""Rates of dropout: 0.2 to 0.5 are usual."""

NOISE_GAP, MODE_GAP = 0.2, 0.1
"""Differences of the losses in training and in prediction, as shares of the constant's loss."""

STALE, TINY_BATCH = 0.05, 3
"""Share of their starting values in moving statistics, and rows of a batch, that harm."""

MAX_CLASSES = 50
"""Targets with more distinct integers are numbers rather than classes."""


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
    return _find_class_numbers(evidence) or _find_flipped_loss(evidence)


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
    share = target.out_of_reach
    loss = f"miss {format_number(100 * share, 2)} % of the targets' variance"
    loss = "be worse than always giving the mean of the targets" if share >= 1 else loss
    return Finding(
        rule="wrong_output",
        symptom=(
            f"The last layer ends in {network.output_activation}, which gives numbers {limits}, "
            f"but the targets go from {format_number(target.low)} to {format_number(target.high)}."
        ),
        consequence=f"Even the best network would {loss}.",
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


def has_class_numbers(evidence: Evidence) -> bool:
    """Return whether the targets are numbers of classes that are learned as one number.

    The accuracy is logged, so the numbers are meant as classes.
    """
    target, run = evidence.target, evidence.run
    is_scored = any("accuracy" in name for name in run.logs)
    return target.kind == "numbers" and 2 < target.n_values <= MAX_CLASSES and is_scored


def _find_class_numbers(evidence: Evidence) -> Finding | None:
    """The numbers of classes are learned as one number, and the accuracy shows it."""
    rivals = evidence.class_rivals
    if rivals is None or not has_class_numbers(evidence):
        return None
    key = "val_accuracy" if rivals.rows == "validation" else "accuracy"
    values = evidence.run.logs.get(key, np.zeros(0))
    models = {"a linear model": rivals.linear_accuracy}
    models |= {"nearest neighbours": rivals.neighbours_accuracy}
    name, best = max(models.items(), key=lambda item: item[1])
    accuracy = float(values.max()) if len(values) else float("nan")
    error = np.sqrt(best * (1 - best) / max(rivals.n_scored, 1))
    if not best - accuracy > CLASS_MARGIN + 2 * error:
        return None
    n = evidence.target.n_values
    return Finding(
        rule="wrong_output",
        symptom=(
            f"The targets are the numbers 0 to {n - 1} of {n} classes, but the network learns them "
            "as one number, as if class 1 lay between class 0 and class 2."
        ),
        consequence=(
            f"The best accuracy is {format_number(accuracy, 2)}; {name} that knows classes reaches "
            f"{format_number(best, 2)}."
        ),
        evidence={"classes": n, "accuracy": accuracy, "rival_accuracy": best},
        remedy=(
            f'End the network in Dense({n}, activation="softmax") with the loss '
            "sparse_categorical_crossentropy."
        ),
        change=SetOutputActivation("softmax", "sparse_categorical_crossentropy", n),
    )


def _find_flipped_loss(evidence: Evidence) -> Finding | None:
    """A loss falls below 0 while the answers become worse than always the same one."""
    run, target = evidence.run, evidence.target
    accuracy = run.logs.get("accuracy", np.zeros(0))
    if len(run.loss) < MIN_EPOCHS or target.n_values != 2 or len(accuracy) != len(run.loss):
        return None
    majority, end = max(target.mean, 1 - target.mean), float(np.median(accuracy[-3:]))
    error = 0.5 / np.sqrt(max(run.n_rows or target.n_rows, 1))
    is_worse = end < min(majority, 0.5) - 3 * error or end < majority - 0.1
    if not (run.loss[-1] < min(0.0, run.initial_loss) and is_worse and end <= 0.5):
        return None
    loss = format_number(float(run.loss[-1]), 3)
    return Finding(
        rule="wrong_output",
        symptom=(
            f"The loss {evidence.network.loss} fell to {loss}, below 0, while the answers became "
            "worse: a sign may be wrong in it."
        ),
        consequence=(
            f"The accuracy at the end is {format_number(end, 2)}; always giving the same answer "
            f"has {format_number(majority, 2)}."
        ),
        evidence={"loss": float(run.loss[-1]), "accuracy": end, "constant_accuracy": majority},
        remedy="Check the sign of the loss. It must be lowest, usually 0, for perfect outputs.",
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


@rule(
    "Are the targets on a scale that the outputs reach in the planned steps?",
    source="LeCun et al., Efficient BackProp, 1998, section 4.3.",
)
def target_scale(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the targets are far from mean 0 and deviation 1 and were not reached."""
    target, network, run = evidence.target, evidence.network, evidence.run
    mean, std = target.mean, target.std
    if failure is None or target.kind != "numbers" or network.output_activation != "linear":
        return None
    if not (max(abs(mean), std) > LARGE_TARGETS and std > 0) or failure.name == "unbounded":
        return None
    if len(run.loss) and get_end_loss(run) < REACHED * evidence.rivals.constant:
        return None
    return Finding(
        rule="target_scale",
        symptom=(
            f"The targets have mean {format_number(mean, 3)} and standard deviation "
            f"{format_number(std, 3)}, but the outputs of a new network lie between about -1 "
            "and 1: they have to grow that far before they can tell rows apart."
        ),
        consequence=failure.text,
        evidence={"target_mean": mean, "target_std": std, "learning_rate": network.learning_rate},
        remedy=(
            "Standardize the targets, (y - mean) / standard deviation, and convert the predictions "
            "back; or pass a table, whose targets are standardized inside."
        ),
        change=_scale_outputs(evidence),
    )


def _scale_outputs(evidence: Evidence) -> Change | None:
    """Return a change that trains as if the targets were standardized.

    With y = mean + std z, the squared error is std² times that of z. SGD needs a rate of 1 / std²
    times the usual one; Adam and the like divide the gradient by its size.
    """
    mean, std, network = evidence.target.mean, evidence.target.std, evidence.network
    name = network.kernel_layers[-1].name if network.kernel_layers else "/"
    if "/" in name or not (1 / ABSURD < std < ABSURD and abs(mean) < ABSURD):
        return None
    mean, std = _round(mean), _round(std)
    layer = InsertLayer(Rescaling(std, mean), after=name)
    if network.optimizer != "SGD":
        return layer
    power = 1 if "Absolute" in network.loss else 2
    return CombinedChange((layer, ScaleLearningRate(_round(std**-power))))


def _round(value: float) -> float:
    """Return a number with three significant digits."""
    return round(value, 2 - math.floor(math.log10(abs(value)))) if value else 0.0


@rule(
    "Is there an activation between the layers?",
    source="lecture 003, why networks need activations: a product of matrices is one matrix.",
)
def linear_stack(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the network is linear and the data are not."""
    network, rivals, run = evidence.network, evidence.rivals, evidence.run
    names = ("learned nothing", "learned nothing for new rows", "behind a simple model")
    if not network.is_linear or failure is None or failure.name not in names:
        return None
    constant = rivals.val_constant
    noise = NOISE_PER_ROW * constant / np.sqrt(max(rivals.n_scored, 1))
    bent_gain = min(rivals.linear, constant) - rivals.neighbours
    is_validated = rivals.rows == "validation" and len(run.val_loss) > 0
    loss = float((run.val_loss if is_validated else run.loss).min()) - run.penalty
    reach = rivals.linear + NEAR_LINEAR * (constant - rivals.linear) + noise
    if not (bent_gain > BEHIND * (constant - rivals.neighbours) + noise and loss < reach):
        return None
    n = len(network.kernel_layers)
    return Finding(
        rule="linear_stack",
        symptom=(
            f"No activation stands between the {n} layers with weights, so together they compute "
            "no more than one linear layer."
        ),
        consequence=(
            f"The best loss is {format_number(loss, 3)}, near the {format_number(rivals.linear, 3)}"
            f" of a linear model; nearest neighbours reach {format_number(rivals.neighbours, 3)}."
        ),
        evidence={
            "layers": n,
            "loss": loss,
            "linear_loss": rivals.linear,
            "neighbours_loss": rivals.neighbours,
        },
        remedy='Put activation="relu" into the hidden layers.',
        change=ReplaceActivations("linear", "relu"),
    )


@rule(
    "Do penalties or dropout keep the network from learning?",
    source="Goodfellow, Bengio, Courville, Deep Learning, 2016, chapter 7; lecture 002, dropout.",
)
def over_regularized(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if a penalty or noise outweighs what can be learned, and the run fails."""
    excluded = ("not finite", "diverged", "unbounded")
    if failure is None or failure.name in excluded or not evidence.looked_inside:
        return None
    return _find_penalty(evidence, failure) or _find_noise(evidence, failure)


def _find_penalty(evidence: Evidence, failure: Failure) -> Finding | None:
    """A penalty, or weight decay, shrinks the weights to almost nothing."""
    network, run, constant = evidence.network, evidence.run, evidence.rivals.constant
    if not (network.regularizers or network.weight_decay) or not network.trained_layers:
        return None
    shrunk = min(network.trained_layers, key=lambda layer: layer.weight_end / layer.weight_start)
    share = shrunk.weight_end / shrunk.weight_start
    is_dominant = run.initial_penalty > constant and share < HALF_SHRUNK
    if not (is_dominant or share < SHRUNK):
        return None
    change = ScalePenalties(_choose_strength(run.initial_penalty, constant))
    cost = (
        f"the penalty began at {format_number(run.initial_penalty, 3)}, while the best constant "
        f"answer has a loss of {format_number(constant, 3)}"
        if run.initial_penalty
        else f"the weight decay is {format_number(network.weight_decay, 2)}"
    )
    return Finding(
        rule="over_regularized",
        symptom=(
            f"The weights of {shrunk.name} shrank to {format_number(100 * share, 2)} % of their "
            f"start: {cost}. The loss falls more by small weights than by good answers."
        ),
        consequence=failure.text,
        evidence={
            "initial_penalty": run.initial_penalty,
            "penalty": run.penalty,
            "constant_loss": constant,
            "weight_share": share,
        },
        remedy=f"{change.describe()}.",
        change=change,
    )


def _choose_strength(penalty: float, constant: float) -> float:
    """Return a power of ten by which a penalty begins at a small part of the data's loss."""
    if not penalty:
        return 0.01
    return float(10.0 ** min(-1, math.floor(math.log10(MILD_PENALTY * constant / penalty))))


def _find_noise(evidence: Evidence, failure: Failure) -> Finding | None:
    """Dropout or noise is so strong that the training rows cannot be learned."""
    network, run, outputs = evidence.network, evidence.run, evidence.outputs
    constant, end = evidence.rivals.constant, get_end_loss(run)
    if not network.has_noise or outputs is None or run.epochs < MIN_EPOCHS:
        return None
    is_strong = network.dropout > STRONG_DROPOUT and end > REACHED * constant
    is_flat = len(run.loss) > 4 and run.loss[-4] - run.loss[-1] < 0.1 * constant
    hides = is_flat and end - outputs.loss > NOISE_GAP * constant
    if not (is_strong or hides):
        return None
    what = "dropout" if network.dropout else "noise"
    size = f" of up to {_percent(network.dropout)}" if network.dropout else ""
    return Finding(
        rule="over_regularized",
        symptom=(
            f"The {what}{size} keeps the network from learning even the training rows: their loss "
            f"is {format_number(end, 3)} with it, {format_number(outputs.loss, 3)} without, and "
            f"{format_number(constant, 3)} for the best constant answer."
        ),
        consequence=failure.text,
        evidence={
            "dropout": network.dropout,
            "loss": end,
            "loss_in_prediction": outputs.loss,
            "constant_loss": constant,
        },
        remedy=(
            f"Lower the dropout to {MILD_DROPOUT}."
            if network.dropout > MILD_DROPOUT
            else "Use weaker noise."
        ),
        change=LimitDropout(MILD_DROPOUT) if network.dropout > MILD_DROPOUT else None,
    )


@rule(
    "Does the network answer in prediction as it does in training?",
    source="Ioffe and Szegedy 2015, arXiv 1502.03167, section 3.1.",
)
def training_mode_gap(evidence: Evidence, failure: Failure | None) -> Finding | None:
    """Return a finding if the training rows have a far higher loss in prediction than in training.

    The reason must be known: statistics that still are those of the start, or tiny batches.
    """
    network, run, outputs = evidence.network, evidence.run, evidence.outputs
    if failure is None or outputs is None or not network.momentum or not len(run.loss):
        return None
    stale, end = network.momentum**run.steps, float(run.loss[-1]) - run.penalty
    is_tiny = 0 < run.batch_size <= TINY_BATCH
    gap = outputs.loss - end
    is_wide = gap > MODE_GAP * evidence.rivals.constant and outputs.loss > 1.5 * end
    if not ((is_wide and (stale > STALE or is_tiny)) or (is_tiny and gap > 0)):
        return None
    if is_tiny:
        reason = f"each batch has {run.batch_size} rows, too few for a mean and a deviation"
        remedy = "Use batches of 32 rows."
    else:
        reason = (
            f"with momentum {format_number(network.momentum)}, after {run.steps:,} steps the "
            f"moving statistics are still to {_percent(stale)} those of the start"
        )
        remedy = "Set momentum=0.9 in the batch normalization, or train for many more steps."
    return Finding(
        rule="training_mode_gap",
        symptom=(
            f"The same training rows have a loss of {format_number(end, 3)} in training and "
            f"{format_number(outputs.loss, 3)} in prediction: batch normalization uses other "
            f"statistics there, and {reason}."
        ),
        consequence=failure.text,
        evidence={
            "loss": end,
            "loss_in_prediction": outputs.loss,
            "momentum": network.momentum,
            "batch_size": run.batch_size,
        },
        remedy=remedy,
        change=None if is_tiny else SetMomentum(0.9),
        fit_arguments={"batch_size": 32} if is_tiny else {},
    )


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"
