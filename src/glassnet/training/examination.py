"""Evidence of a fit for the doctor.

What costs nothing is gathered after every fit, in NumPy. Only if the run has a consequence, the
network is run again, at its first and its last weights: that compiles programs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from glassnet.activations import ParametricActivation
from glassnet.doctor.changes import DROPOUT_FIELDS
from glassnet.doctor.evidence import (
    Evidence,
    InputEvidence,
    LayerEvidence,
    NetworkEvidence,
    OutputEvidence,
    RunEvidence,
    TargetEvidence,
    ValidationEvidence,
)
from glassnet.doctor.failures import BEHIND, MIN_EPOCHS, MIN_STEPS, find_failure
from glassnet.doctor.generalization_rules import find_fall, find_rise
from glassnet.doctor.model_rules import has_class_numbers
from glassnet.doctor.registry import judge
from glassnet.engine import inference, network, objective
from glassnet.engine.epoch_runner import RunState
from glassnet.engine.loop import Record
from glassnet.engine.network import Links
from glassnet.engine.train_step import (
    OBSERVED_STATISTICS,
    Chunk,
    Data,
    Program,
    TrainState,
    learning_rate_at,
    observe_step,
    reset_epoch_sums,
)
from glassnet.engine.unit_statistics import UnitStatistics, compute_unit_statistics
from glassnet.errors import TrainingWarning, warn
from glassnet.evaluation.constant_answers import constant_loss
from glassnet.evaluation.quick_rivals import Rivals, fit_rivals
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Composite,
    Embedding,
    Masking,
    functional,
)
from glassnet.layers.separable_convolution import DepthwiseConvolution
from glassnet.losses import Loss, SparseCategoricalCrossentropy
from glassnet.losses.scaled import ScaledLoss
from glassnet.pipeline.adapter import Blocks
from glassnet.pipeline.row_adapter import ArrayBlocks
from glassnet.training.history import History
from glassnet.training.row_examination import MAX_VALUES, RowFacts, add_rows
from glassnet.training.row_losses import compute_row_losses
from glassnet.training.trainer import BestWeights
from glassnet.types import Params

MAX_ROWS = 2048
"""Maximum number of rows that statistics are computed from."""

MAX_TARGET_VALUES = 1 << 20
"""Number of target values from which only some rows count for their mean and deviation."""

OBSERVED_STEPS = 3
"""Number of steps that are observed at the first and at the last weights."""

OUTPUT_RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "sparse_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "sparsemax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, np.inf),
    "squareplus": (0.0, np.inf),
    "sparse_plus": (0.0, np.inf),
    "exponential": (0.0, np.inf),
    "log_sigmoid": (-np.inf, 0.0),
    "log_softmax": (-np.inf, 0.0),
    "elu": (-1.0, np.inf),
    "selu": (-1.76, np.inf),
    "celu": (-1.0, np.inf),
}
"""Lowest and highest output of activations that do not reach every number."""

LINEAR_KERNELS = (
    "Dense",
    "Conv1D",
    "Conv2D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
)
"""Layers with weights that are linear if no activation follows."""

LINEAR_LAYERS = (
    "AveragePooling",
    "BatchNormalization",
    "Cropping",
    "Dropout",
    "Flatten",
    "Gaussian",
    "GlobalAveragePooling",
    "Normalization",
    "Permute",
    "Rescaling",
    "Reshape",
    "ZeroPadding",
)
"""How the names of other layers begin that are linear in prediction."""

NORMALIZATIONS = (
    "BatchNormalization",
    "LayerNormalization",
    "GroupNormalization",
    "Normalization",
    "UnitNormalization",
)
"""Layers after which the scale of the inputs does not matter."""


@dataclass(frozen=True)
class FitFacts:
    """A fit that has ended, in the engine's words.

    Attributes:
        program: links, loss, optimizer and metrics.
        start: where the fit began.
        record: its last epoch.
        history: what it logged.
        best: the weights of the lowest validation loss, or None.
        validation_blocks: the validation rows, or None.
        epochs_planned: number of epochs that `fit` was asked for.
        feature_names: names of the columns of the input, or ().
        is_smoke_test: whether the run is a short one before training.
    """

    program: Program
    start: RunState
    record: Record
    history: History
    best: BestWeights | None = None
    validation_blocks: Blocks | None = None
    epochs_planned: int = 0
    feature_names: Sequence[str] = ()
    is_smoke_test: bool = False


def diagnose_fit(facts: FitFacts) -> None:
    """Fill the evidence and the findings of the history. Ctrl-C leaves them empty.

    So does an error, such as no memory left, which is a warning: the fit itself has succeeded.
    """
    try:
        facts.history.evidence = evidence = examine_fit(facts)
        if evidence is not None:
            facts.history.findings = judge(evidence)
    except KeyboardInterrupt:
        return
    except Exception as error:
        text = (
            f"The doctor could not judge this fit ({type(error).__name__}: {error}). The model and "
            "its history are complete; only history.findings is empty."
        )
        warn(text, TrainingWarning)


@np.errstate(all="ignore")
def examine_fit(facts: FitFacts) -> Evidence | None:
    """Return the evidence of a fit: what is free, and more if the run fails.

    None if the fit had no step, or if the steps of its last sequences are padded.
    """
    chunk, blocks, loss = facts.record.chunk, facts.validation_blocks, facts.program.loss
    if chunk is None or chunk.plan.mask.ndim == 3:
        return None
    index = _find_real_rows(chunk)
    rows = _take_rows(chunk.data, _thin(index, MAX_ROWS))
    targets = _take_rows(chunk.data._replace(x=chunk.data.y), index)
    val_targets = (blocks.read_targets() if blocks else None) or (None, None)
    val_y = val_targets[0]
    constants = np.nan, np.nan
    if not _has_masked_steps(facts.program, targets):
        constants = constant_loss(loss, targets.y, targets.weight, *val_targets)
    evidence = Evidence(
        target=describe_targets(facts.program, _drop_weightless(targets)),
        network=_describe_network(facts),
        run=_describe_run(facts, (None if blocks else 0) if val_y is None else len(val_y)),
        rivals=Rivals(*constants, rows="training half" if val_y is None else "validation"),
        is_smoke_test=facts.is_smoke_test,
    )
    sample = functools.cache(lambda: blocks.sample(MAX_ROWS) if blocks else None)
    evidence = _add_rivals(facts, evidence, rows, sample)
    if blocks and find_rise(evidence):
        evidence = replace(evidence, validation=_compare_rows(facts, sample()))
    if blocks is None or isinstance(blocks, ArrayBlocks):  # others are read from disk again
        is_large = np.size(chunk.data.x) > MAX_VALUES
        all_rows = rows if is_large else _take_rows(chunk.data, index)
        evidence = _add_rows(facts, evidence, all_rows, sample())
    return _look_inside(facts, evidence, rows) if find_failure(evidence) else evidence


def _add_rivals(
    facts: FitFacts, evidence: Evidence, rows: Data, sample: Callable[[], Data | None]
) -> Evidence:
    """Fit simple models if they could be better, and more of them if they are.

    Args:
        facts, evidence, rows: what is known so far.
        sample: returns some validation rows, or None.
    """
    names_classes = has_class_numbers(evidence)
    if not (_needs_models(evidence) or names_classes):
        return evidence
    validation = sample()
    constants = evidence.rivals.constant, evidence.rivals.val_constant
    evidence = replace(evidence, rivals=_fit_rivals(facts, rows, validation, constants))
    failure = find_failure(evidence)
    if failure and failure.name == "behind a simple model":
        rivals = _fit_rivals(facts, rows, validation, constants, with_errors=True)
        evidence = replace(evidence, rivals=rivals)
    elif failure and failure.name == "learned nothing for new rows":
        rivals = _fit_rivals(facts, rows, None, constants)
        evidence = replace(evidence, training_rivals=rivals)
    if names_classes:
        evidence = replace(evidence, class_rivals=_fit_classifiers(rows, validation))
    return evidence


def _add_rows(facts: FitFacts, evidence: Evidence, rows: Data, validation: Data | None) -> Evidence:
    program, names = facts.program, tuple(facts.feature_names)
    counts = None if validation is None else describe_targets(program, validation).counts
    end = facts.record.train_state
    return add_rows(evidence, RowFacts(program, end, rows, validation, counts, names))


def _compare_rows(facts: FitFacts, rows: Data | None) -> ValidationEvidence | None:
    """Return how the loss of each validation row changed since the best epoch."""
    if facts.best is None or rows is None:
        return None
    end = facts.record.train_state
    weights = (facts.best.params, facts.best.state), (end.params, end.state)
    before, after = (
        compute_row_losses(facts.program, *each, inference.iter_padded_blocks(rows))
        for each in weights
    )
    rise = after - before
    n = len(rise)
    error = float(rise.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf
    epoch = facts.best.epoch - facts.start.epoch + 1
    return ValidationEvidence(epoch, float(rise.mean()), error, n)


def _has_masked_steps(program: Program, targets: Data) -> bool:
    """Return whether the loss may leave out time steps, which only the network knows."""
    links = [link for _, link in network.iter_links(program.links)]
    masks = any(isinstance(link, Masking) or vars(link).get("mask_zero", False) for link in links)
    is_ids = np.issubdtype(targets.y.dtype, np.integer)
    return masks and targets.y.ndim > (1 if is_ids else 2)


def _needs_models(evidence: Evidence) -> bool:
    """Return whether a linear model or neighbours could say anything about the run.

    They cannot be clearly better than a network with a tenth of the constant answer's loss.
    """
    run, rivals = evidence.run, evidence.rivals
    if not np.isfinite(rivals.constant):
        return False
    if evidence.is_smoke_test or find_failure(evidence):
        return True
    is_validated = rivals.rows == "validation" and len(run.val_loss) > 0
    curve = run.val_loss if is_validated else run.loss
    constant = rivals.val_constant if is_validated else rivals.constant
    is_long = run.steps >= MIN_STEPS or find_fall(evidence) > 0
    is_long &= run.epochs >= MIN_EPOCHS
    return is_long and not float(curve.min()) - run.penalty <= BEHIND * constant


def _find_real_rows(chunk: Chunk) -> np.ndarray:
    """Return the indices of the rows of a chunk that are no padding, in their order."""
    n = len(chunk.data.x)
    if chunk.plan.indices is None:
        return np.arange(n)
    is_real = np.asarray(chunk.plan.mask) > 0
    if is_real.sum() == n:  # a plan has each row once
        return np.arange(n)
    return np.unique(np.asarray(chunk.plan.indices)[is_real])


def _thin(index: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of some indices, evenly spaced."""
    if len(index) > most:
        index = index[np.linspace(0, len(index) - 1, most).astype(int)]
    return index


def _take_rows(data: Data, index: np.ndarray) -> Data:
    """Return rows on the host."""
    arrays = [None if part is None else np.asarray(part) for part in data]
    if len(index) == len(data.x):
        return Data(*arrays)
    return Data(*(None if part is None else part[index] for part in arrays))


def _drop_weightless(rows: Data) -> Data:
    """Return the rows whose sample weight is not 0; all if there are none."""
    if rows.weight is None or not np.any(rows.weight):
        return rows
    is_used = np.asarray(rows.weight).reshape(len(rows.y), -1).any(axis=1)
    return Data(*(None if part is None else part[is_used] for part in rows))


def describe_targets(program: Program, rows: Data) -> TargetEvidence:
    """Return the evidence about the targets of some rows."""
    y = np.asarray(rows.y)
    numbers = y[:: max(1, y.size // MAX_TARGET_VALUES)].astype(float)
    expected, counts = get_base_loss(program.loss).output_activation, None
    kind = "numbers"
    if expected == "softmax":
        kind = "classes"
        ids = y.argmax(-1) if np.issubdtype(y.dtype, np.floating) else y
        counts = np.bincount(ids.ravel().astype(int))
    elif expected == "sigmoid":
        kind = "classes" if y.shape[-1] == 1 else "labels"
        counts = np.bincount(np.round(y).ravel().astype(int)) if kind == "classes" else None
    return TargetEvidence(
        kind=kind,
        n_rows=len(y),
        counts=counts,
        low=float(y.min()),
        high=float(y.max()),
        mean=float(numbers.mean()),
        std=float(numbers.std()),
        out_of_reach=_measure_reach(program, numbers) if kind == "numbers" else 0.0,
        n_values=_count_integers(y) if y.size == len(y) else 0,
    )


def _measure_reach(program: Program, y: np.ndarray) -> float:
    """Return the share of the variance of targets that lies outside the range of the outputs."""
    low, high = OUTPUT_RANGES.get(objective.last_activation(program.links), (-np.inf, np.inf))
    distance, variance = y - np.clip(y, low, high), float(y.var())
    return float(np.square(distance).mean()) / variance if variance else 0.0


def _count_integers(y: np.ndarray) -> int:
    """Return the number of distinct values if they are 0, 1, ...; else 0."""
    first = y[:MAX_ROWS]
    if not ((first >= 0) & (first == np.round(first))).all():
        return 0
    values = np.unique(y)
    return len(values) if np.array_equal(values, np.arange(len(values))) else 0


def _fit_rivals(
    facts: FitFacts,
    rows: Data,
    validation: Data | None,
    constants: tuple[float, float],
    *,
    with_errors: bool = False,
) -> Rivals:
    """Return the losses of simple models, in reported units.

    An autoencoder, whose targets have the shape of its inputs, has no rivals: a linear model would
    copy the inputs, which the network may not.

    Args:
        facts: the fit.
        rows: training rows.
        validation: validation rows, or None.
        constants: losses of the best constant answer on all of them.
        with_errors: run the network on the same rows, for standard errors of the differences.
    """
    width = int(np.prod(np.shape(rows.x)[1:]))
    if width > 1 and width == int(np.prod(np.shape(rows.y)[1:])):
        return Rivals(*constants, rows="training half" if validation is None else "validation")
    program, end = facts.program, facts.record.train_state
    body, _ = network.split_head(program.links, program.loss)
    predict = partial(inference.predict, body, (), end.params, end.state)
    return fit_rivals(
        program.loss,
        rows,
        validation,
        tokens=any(isinstance(link, Embedding) for _, link in network.iter_links(program.links)),
        predict=predict if with_errors else None,
        constants=constants,
    )


def _fit_classifiers(rows: Data, validation: Data | None) -> Rivals:
    """Return how well simple models tell the classes whose numbers are the targets."""
    train, held_out = (
        None if part is None else part._replace(y=np.asarray(part.y).reshape(-1).astype(int))
        for part in (rows, validation)
    )
    assert train is not None
    return fit_rivals(SparseCategoricalCrossentropy(), train, held_out)


def get_base_loss(loss: Loss) -> Loss:
    """Return the loss that a `ScaledLoss` scales; any other is returned unchanged."""
    return loss.base if isinstance(loss, ScaledLoss) else loss


def _describe_run(facts: FitFacts, n_validation_rows: int | None) -> RunEvidence:
    history, record = facts.history, facts.record
    logs = {name: np.array(values, float) for name, values in history.history.items()}
    complete = len(history.epoch) - (not record.finite and bool(history.epoch))
    scale = facts.program.loss.report_scale
    stopped = history.stopped or ""
    return RunEvidence(
        epochs=complete,
        epochs_planned=facts.epochs_planned,
        first_epoch=facts.start.epoch,
        steps=history.steps,
        steps_per_epoch=history.params.get("steps"),
        n_rows=history.params.get("rows"),
        n_validation_rows=n_validation_rows,
        batch_size=int(history.params.get("batch_size") or 0),
        loss=logs.get("loss", np.zeros(0))[:complete],
        val_loss=logs.get("val_loss", np.zeros(0))[:complete],
        logs={name: values[:complete] for name, values in logs.items()},
        initial_loss=scale * history.initial_loss,
        stopped=stopped,
        nonfinite="" if record.finite else stopped,
        is_interrupted="Ctrl-C" in stopped,
        best_weights_restored=bool(record.run_state and record.run_state.has_earlier_best_weights),
    )


def _describe_network(facts: FitFacts) -> NetworkEvidence:
    program, links = facts.program, facts.program.links
    start, end = facts.start.train_state, facts.record.train_state
    activation = objective.last_activation(links)
    all_links = [link for _, link in network.iter_links(links)]
    rate = np.float32(learning_rate_at(program.optimizer, start.rate, start.step))
    return NetworkEvidence(
        loss=get_base_loss(program.loss).display_name,
        output_activation=activation,
        output_range=OUTPUT_RANGES.get(activation, (-np.inf, np.inf)),
        optimizer=type(program.optimizer).__name__,
        learning_rate=float(str(rate)),  # 0.05, not 0.05000000074505806
        n_weights=network.count_params(start.params),
        layers=tuple(_describe_layers(program, start.params, end.params)),
        has_noise=any(map(functional.uses_randomness, links)),
        regularizers=any(_has_penalty(link) for link in all_links),
        dropout=max((_get_dropout(link) for link in all_links), default=0.0),
        weight_decay=float(getattr(program.optimizer, "weight_decay", None) or 0.0),
        momentum=max((_get_momentum(link) for link in all_links), default=0.0),
        is_linear=_is_linear(links),
    )


def _get_dropout(link: Any) -> float:
    """Return the largest share of its inputs that a layer drops in training."""
    names = DROPOUT_FIELDS if "Dropout" in type(link).__name__ else DROPOUT_FIELDS[1:]
    return max(float(vars(link).get(name, 0.0)) for name in names)


def _get_momentum(link: Any) -> float:
    """Return the momentum of a batch normalization; 0 of any other layer."""
    return float(link.momentum) if isinstance(link, BatchNormalization) else 0.0


def _is_linear(links: Links) -> bool:
    """Return whether two or more layers with weights have nothing bent between them."""
    kernels = [i for i, link in enumerate(links) if type(link).__name__ in LINEAR_KERNELS]
    return len(kernels) > 1 and all(map(_is_linear_link, links[: kernels[-1]]))


def _is_linear_link(link: Any) -> bool:
    """Return whether the outputs of a link, in prediction, are a linear function of its inputs."""
    name = type(link).__name__
    if isinstance(link, Activation):
        return bool(link.activation == "linear")
    return name.startswith(LINEAR_LAYERS) or name in LINEAR_KERNELS


def _has_penalty(link: Any) -> bool:
    return any(
        value is not None for name, value in vars(link).items() if name.endswith("regularizer")
    )


def _describe_layers(program: Program, start: Any, end: Any) -> list[LayerEvidence]:
    """Return the layers with weights, each with the activation that follows it."""
    layers: list[LayerEvidence] = []
    for path, link in network.iter_links(program.links):
        if isinstance(link, Composite):
            continue
        params = network.tree_get(start, path)
        if isinstance(link, Activation):
            name = _get_activation_name(link.activation)
            owner = str(link.name).rpartition(".")[0]
            if layers and layers[-1].name == owner:
                layers[-1] = replace(layers[-1], activation=name)
            else:
                layers.append(LayerEvidence(str(link.name), "Activation", name))
        elif params:
            layers.append(_describe_layer(link, params, network.tree_get(end, path)))
    return layers


def _get_activation_name(activation: Any) -> str:
    if isinstance(activation, ParametricActivation):
        return "" if dict(activation.parameters).get("negative_slope") else activation.function
    return activation if isinstance(activation, str) else ""


def _describe_layer(link: Any, start: Params, end: Params) -> LayerEvidence:
    kernels = {name: np.asarray(value) for name, value in start.items() if np.ndim(value) >= 2}
    old = np.concatenate([np.zeros(0), *(kernel.ravel() for kernel in kernels.values())])
    new = np.concatenate([np.zeros(0), *(np.asarray(end[name]).ravel() for name in kernels)])
    weight, weight_end, change = _rms(old), _rms(new), _rms(new - old)
    kernel = kernels.get("kernel", kernels.get("pointwise_kernel"))
    n_units = 0 if kernel is None else kernel.shape[-1]
    if isinstance(link, DepthwiseConvolution) and kernel is not None:
        # Units of different channels have different inputs: with equal weights they still differ.
        n_units, kernel = math.prod(kernel.shape[-2:]), None
    return LayerEvidence(
        name=str(link.name),
        type=type(link).__name__,
        activation=_get_activation_name(getattr(link, "activation", None)) or "linear",
        n_weights=sum(np.size(value) for value in start.values()),
        trainable=link.trainable,
        weight_start=weight,
        weight_end=weight_end,
        bias_start=float(np.asarray(start["bias"]).mean()) if "bias" in start else 0.0,
        moved=change / weight if weight else 0.0,
        units_alike=kernel is not None and _are_alike(kernel, -1),
        inputs_alike=kernel is not None and _are_alike(kernel, -2),
        n_units=n_units,
    )


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values.astype(float) ** 2))) if values.size else 0.0


def _are_alike(kernel: np.ndarray, axis: int) -> bool:
    """Return whether all units, the last axis, or all inputs have the same weights."""
    return kernel.shape[axis] > 1 and bool(np.ptp(kernel, axis=axis).max(initial=0.0) < 1e-8)


def _look_inside(facts: FitFacts, evidence: Evidence, rows: Data) -> Evidence:
    """Add what needs the network: penalty, inputs, outputs, statistics of steps and units."""
    program, record = facts.program, facts.record
    assert record.chunk
    states = facts.start.train_state, record.train_state
    penalties = [_compute_penalty(program, state) for state in states]
    inputs, reason = _describe_inputs(facts, rows)
    missing = dict(evidence.missing) | ({"inputs": reason} if reason else {})
    steps = [_observe(program, state, record.chunk) for state in states]
    body, _ = network.split_head(program.links, program.loss)
    units = [_measure_units(body, state, rows) for state in states]
    layers = tuple(
        replace(
            layer,
            start=steps[0].get(layer.name),
            end=steps[1].get(layer.name),
            dead_start=_get(units[0], layer.name, "dead"),
            dead_end=_get(units[1], layer.name, "dead"),
            saturated_start=_get(units[0], layer.name, "saturated"),
            saturated_end=_get(units[1], layer.name, "saturated"),
        )
        for layer in evidence.network.layers
    )
    return replace(
        evidence,
        run=replace(evidence.run, initial_penalty=penalties[0], penalty=penalties[1]),
        network=replace(evidence.network, layers=layers),
        inputs=inputs,
        outputs=_describe_outputs(program, record.train_state, rows),
        looked_inside=True,
        missing=missing,
    )


def _compute_penalty(program: Program, state: TrainState) -> float:
    """Return the part of the loss that comes from regularizers, in reported units."""
    if not any(_has_penalty(link) for _, link in network.iter_links(program.links)):
        return 0.0
    value = network.penalty(program.links, state.params)
    return program.loss.report_scale * float(value) if value is not None else 0.0


def _measure_units(links: Links, state: TrainState, rows: Data) -> dict[str, UnitStatistics]:
    """Return the shares of units that cannot learn, by the name of their layer."""
    x = np.asarray(rows.x)
    found = compute_unit_statistics(links, state.params[: len(links)], state.state[: len(links)], x)
    return {each.layer: each for each in found}


def _get(units: Mapping[str, UnitStatistics], layer: str, share: str) -> float | None:
    """Return a share of a layer's units, or None if it has no such units."""
    return getattr(units[layer], share) if layer in units else None


def _observe(program: Program, state: TrainState, chunk: Chunk) -> dict[str, dict[str, float]]:
    """Return the mean statistics of the first steps of a chunk, by the name of the link."""
    state = reset_epoch_sums(program, state, len(chunk.plan.mask))
    tables = [
        np.asarray(observe_step(program, state, chunk.data, chunk.plan, np.int32(i)))
        for i in range(min(OBSERVED_STEPS, chunk.steps))
    ]
    body, _ = network.split_head(program.links, program.loss)
    names = [str(link.name) for _, link in network.iter_links(body)]
    return {
        name: dict(zip(OBSERVED_STATISTICS, map(float, row), strict=True))
        for name, row in zip(names, np.mean(tables, axis=0), strict=True)
    }


def _describe_inputs(facts: FitFacts, rows: Data) -> tuple[InputEvidence | None, str]:
    """Return the statistics of what enters the first layer with weights, or why there are none."""
    links, state = facts.program.links, facts.start.train_state
    for i, link in enumerate(links):
        name = type(link).__name__
        if isinstance(link, Embedding):
            return None, "The inputs are ids, which have no scale."
        if "Pooling" in name:
            return (
                None,
                f"{link.name} summarizes the inputs before a layer with weights reads them.",
            )
        if name in NORMALIZATIONS:
            return None, f"{link.name} sets the scale of the inputs."
        if state.params[i]:
            break
    else:
        return None, "No layer has weights."
    x = np.asarray(rows.x)
    if i:
        x = inference.predict(links[:i], (), state.params, state.state, x)
    columns = x.astype(np.float64).reshape(-1, x.shape[-1])
    names = tuple(facts.feature_names) if len(facts.feature_names) == x.shape[-1] else ()
    evidence = InputEvidence(
        layer=str(links[i].name),
        names=names,
        mean=columns.mean(axis=0),
        std=columns.std(axis=0),
        low=columns.min(axis=0),
        high=columns.max(axis=0),
        n_rows=len(x),
    )
    return evidence, ""


def _describe_outputs(program: Program, state: TrainState, rows: Data) -> OutputEvidence:
    body, head = network.split_head(program.links, program.loss)
    outputs = inference.predict(body, head, state.params, state.state, np.asarray(rows.x))
    flat = outputs.astype(np.float64).reshape(-1, outputs.shape[-1])
    common, n_classes = float("nan"), 0
    if get_base_loss(program.loss).output_activation is not None:
        labels = objective.to_class_labels(outputs, program.links, program.loss)
        if labels.ndim < outputs.ndim or labels.shape[-1] == 1:
            counts = np.bincount(np.asarray(labels).ravel().astype(int))
            common, n_classes = float(counts.max() / counts.sum()), int((counts > 0).sum())
    low, high, spread = flat.min(), flat.max(), flat.std(axis=0).mean()
    blocks = inference.iter_padded_blocks(rows)
    loss = float(compute_row_losses(program, state.params, state.state, blocks).mean())
    return OutputEvidence(float(low), float(high), float(spread), common, n_classes, loss)
