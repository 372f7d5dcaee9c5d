"""Evidence: the numbers on which rules decide. Frozen, picklable, NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from glassnet.evaluation.quick_rivals import Rivals

if TYPE_CHECKING:
    from glassnet.doctor.data_evidence import DataEvidence


@dataclass(frozen=True, eq=False)
class TargetEvidence:
    """The targets as the loss receives them; all rows, or a sample of at most some thousand.

    Attributes:
        kind: "classes" (one of several, or 0 and 1), "labels" (several of 0 and 1), "numbers".
        n_rows: number of rows.
        counts: number of rows of each class, or None.
        low, high, mean, std: of all values. Standardized if the network sees them so.
        out_of_reach: mean squared distance of the values from the range of the outputs, divided by
            their variance; 0 for classes.
        n_values: number of distinct values if they are the integers from 0 on, one for each row;
            else 0.
    """

    kind: str
    n_rows: int
    counts: np.ndarray | None
    low: float
    high: float
    mean: float
    std: float
    out_of_reach: float = 0.0
    n_values: int = 0

    @property
    def is_constant(self) -> bool:
        """Whether all targets are the same."""
        return self.n_rows > 1 and self.low == self.high


@dataclass(frozen=True, eq=False)
class InputEvidence:
    """Statistics of the columns that enter the first layer with weights.

    Attributes:
        layer: name of that layer.
        names: names of the columns; empty if they have none.
        mean, std, low, high: (columns,).
        n_rows: number of rows.
    """

    layer: str
    names: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_rows: int


@dataclass(frozen=True, eq=False)
class LayerEvidence:
    """One layer with weights, or with an activation.

    Attributes:
        name: name of the layer.
        type: name of its class, such as "Dense".
        activation: name of the activation that follows; "linear" if there is none.
        n_weights: number of weights that are trained.
        trainable: whether it is trained.
        weight_start, weight_end: root mean square of the kernel at the start and end of the fit.
        bias_start: mean of the starting biases.
        moved: root mean square of its change, divided by `weight_start`.
        units_alike: whether all units began with the same weights.
        inputs_alike: whether the layer began with the same weight for each of its inputs.
        n_units: number of units, the last axis of the output.
        start, end: statistics of a training step (`train_step.OBSERVED_STATISTICS`) of the layer at
            the first and the last weights; None if nothing was observed.
        dead_start, dead_end: share of units that are 0 on every row; None if not observed.
        saturated_start, saturated_end: share of saturated units of a sigmoid or tanh.
    """

    name: str
    type: str
    activation: str
    n_weights: int = 0
    trainable: bool = True
    weight_start: float = 0.0
    weight_end: float = 0.0
    bias_start: float = 0.0
    moved: float = 0.0
    units_alike: bool = False
    inputs_alike: bool = False
    n_units: int = 0
    start: Mapping[str, float] | None = None
    end: Mapping[str, float] | None = None
    dead_start: float | None = None
    dead_end: float | None = None
    saturated_start: float | None = None
    saturated_end: float | None = None


@dataclass(frozen=True, eq=False)
class NetworkEvidence:
    """The network and how it is trained.

    Attributes:
        loss: name of the loss.
        output_activation: name of the last activation.
        output_range: lowest and highest possible output.
        optimizer: name of the optimizer.
        learning_rate: before the first step.
        n_weights: number of weights.
        layers: in the order in which they run.
        has_noise: whether a layer draws noise in training, such as Dropout.
        regularizers: whether a layer has a penalty.
        dropout: the largest rate of a dropout.
        weight_decay: of the optimizer.
        momentum: the largest momentum of a batch normalization; 0 if there is none.
        is_linear: whether nothing between the inputs and the last layer with weights is bent, so
            that two or more layers with weights compute no more than one.
    """

    loss: str
    output_activation: str
    output_range: tuple[float, float]
    optimizer: str
    learning_rate: float
    n_weights: int
    layers: tuple[LayerEvidence, ...] = ()
    has_noise: bool = False
    regularizers: bool = False
    dropout: float = 0.0
    weight_decay: float = 0.0
    momentum: float = 0.0
    is_linear: bool = False

    @property
    def trained_layers(self) -> tuple[LayerEvidence, ...]:
        """The layers whose kernels are trained."""
        return tuple(each for each in self.kernel_layers if each.trainable and each.weight_start)

    def get_step_ratio(self, when: str) -> float:
        """Return the share of its weights by which a step changes the median layer.

        NaN if no step was observed with finite numbers.

        Args:
            when: "start" for the first weights, "end" for the last.
        """
        statistics = [getattr(layer, when) for layer in self.trained_layers]
        ratios = [each["update"] / max(each["weight"], 1e-12) for each in statistics if each]
        finite = [ratio for ratio in ratios if np.isfinite(ratio)]
        return float(np.median(finite)) if finite else float("nan")

    @property
    def kernel_layers(self) -> tuple[LayerEvidence, ...]:
        """The layers with kernels."""
        return tuple(each for each in self.layers if each.n_units)


@dataclass(frozen=True, eq=False)
class RunEvidence:
    """What a fit logged. Losses are in reported units.

    Attributes:
        epochs: number of complete epochs.
        epochs_planned: number of epochs that `fit` was asked for.
        first_epoch: index of the first one over the model's life.
        steps: number of steps that were trained.
        steps_per_epoch: steps of a complete epoch.
        n_rows: number of training rows; None for a stream of unknown length.
        n_validation_rows: number of validation rows; 0 without validation, None if unknown.
        batch_size: rows per step.
        loss: training loss of each complete epoch, with penalties.
        val_loss: validation loss of each complete epoch; empty without validation.
        logs: all logged values by name, for metrics.
        initial_loss: loss of the first step, with the starting weights.
        penalty: the part of the last loss that comes from regularizers. Known only if the run
            fails.
        initial_penalty: the same of the starting weights.
        stopped: why the run ended before its last epoch, or "".
        nonfinite: place and link of the first value that was not finite, or "".
        is_interrupted: whether the user ended it by Ctrl-C.
        best_weights_restored: whether the weights of an earlier epoch were restored at the end.
    """

    epochs: int
    epochs_planned: int
    first_epoch: int
    steps: int
    steps_per_epoch: int | None
    n_rows: int | None
    n_validation_rows: int | None
    batch_size: int
    loss: np.ndarray
    val_loss: np.ndarray
    logs: Mapping[str, np.ndarray]
    initial_loss: float
    penalty: float = 0.0
    initial_penalty: float = 0.0
    stopped: str = ""
    nonfinite: str = ""
    is_interrupted: bool = False
    best_weights_restored: bool = False


@dataclass(frozen=True, eq=False)
class OutputEvidence:
    """Outputs of the network after training, for at most some thousand training rows.

    Attributes:
        low, high: the smallest and the largest output.
        spread: standard deviation of the outputs over the rows, mean over the outputs.
        most_common: share of rows with the most common predicted class; NaN for numbers.
        n_classes_predicted: number of different predicted classes; 0 for numbers.
        loss: their loss as in prediction: without dropout, and batch normalization with its moving
            statistics.
    """

    low: float
    high: float
    spread: float
    most_common: float = float("nan")
    n_classes_predicted: int = 0
    loss: float = float("nan")


@dataclass(frozen=True, eq=False)
class ValidationEvidence:
    """How the loss of each validation row changed from the best epoch to the last.

    Attributes:
        best_epoch: number of the epoch with the lowest validation loss, from 1.
        rise: mean difference of a row's loss, the last epoch minus the best.
        standard_error: of the mean.
        n_rows: number of rows.
    """

    best_epoch: int
    rise: float
    standard_error: float
    n_rows: int


@dataclass(frozen=True, eq=False)
class AnswerEvidence:
    """Answers of the network for single rows at the end of the fit.

    Attributes:
        n_rows: number of rows, of the validation rows or of a sample of them.
        loss: mean loss of a row, without penalties.
        loss_error: its standard error.
        accuracy: share of rows whose class is found; NaN for numbers.
        counts: number of rows of each class; None for numbers.
        found: number of these whose class is found.
        predicted: number of rows for which each class is predicted.
        separation: share of pairs of a row of the class and another one in which the first has the
            higher probability of the class (area under the ROC curve); NaN without such pairs.
        n_copies: number of rows that equal a training row.
        copy_gain: mean loss of the other rows minus that of the copies; NaN without either.
        copy_gain_error: its standard error.
        are_validation_rows: whether they are; else they are training rows.
        has_weights: whether the training rows have different weights.
    """

    n_rows: int
    loss: float
    loss_error: float
    accuracy: float = float("nan")
    counts: np.ndarray | None = None
    found: np.ndarray | None = None
    predicted: np.ndarray | None = None
    separation: np.ndarray | None = None
    n_copies: int = 0
    copy_gain: float = float("nan")
    copy_gain_error: float = float("nan")
    are_validation_rows: bool = True
    has_weights: bool = False


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything that rules read. A part is None if it is not known.

    Attributes:
        target: the targets.
        network: the network.
        run: what a fit, or the smoke test, logged; of no epoch if there was no run.
        rivals: losses of simple models on the same rows; NaN if they are not known.
        class_rivals: the same with the targets as classes. Known only if class numbers are learned
            as one number, and the accuracy is logged.
        training_rivals: the same, on training rows that the simple models were not fitted to. Known
            only if the network learned nothing for the validation rows.
        inputs: statistics of the inputs. Known only if the run fails: see `looked_inside`.
        outputs: outputs after training. Known only if the run fails.
        validation: change of each validation row's loss since the best epoch. Known only if the
            validation loss has risen.
        answers: for single rows at the end. Known only if a free number asks for them.
        data: facts about the rows: see `data_evidence`.
        looked_inside: whether statistics of steps and units were computed.
        is_smoke_test: whether the run is a short one before training.
        missing: why a part is not known, by its name.
    """

    target: TargetEvidence
    network: NetworkEvidence
    run: RunEvidence
    rivals: Rivals
    class_rivals: Rivals | None = None
    training_rivals: Rivals | None = None
    inputs: InputEvidence | None = None
    outputs: OutputEvidence | None = None
    validation: ValidationEvidence | None = None
    answers: AnswerEvidence | None = None
    data: DataEvidence | None = None
    looked_inside: bool = False
    is_smoke_test: bool = False
    missing: Mapping[str, str] = field(default_factory=dict)
