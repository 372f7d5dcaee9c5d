"""The runs of an experiment, and what they result in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.engine import network
from glassnet.engine.stacked_runs import NetworkRun
from glassnet.engine.train_step import TrainState
from glassnet.errors import NotReadyError, message
from glassnet.models.sequential import Sequential
from glassnet.models.setup import Setup
from glassnet.training.history import History

INTERRUPTED = "interrupted by Ctrl-C"


@dataclass(frozen=True, eq=False)
class Run:
    """One network to train: its rows, its seed, and how it differs from the model.

    Attributes:
        train_rows: positions of the rows to train on, sorted.
        test_rows: positions of the rows to score.
        seed: seed of the starting weights, the order and the noise.
        values: parameters that differ from the model: see `parameters.apply_values`.
        epochs: number of epochs; None for that of the experiment.
        model: another model than that of the experiment, or None.
    """

    train_rows: np.ndarray
    test_rows: np.ndarray
    seed: int
    values: Mapping[str, Any] = field(default_factory=dict)
    epochs: int | None = None
    model: Sequential | None = None


@dataclass(frozen=True, eq=False)
class PreparedRun:
    """A run with its network and its encoded rows.

    Attributes:
        run: the run.
        setup: layers, starting weights and settings.
        network_run: what the engine trains; its inputs may be padded.
        validation_rows: rows whose loss and metrics are logged in every epoch.
        epochs: number of epochs.
        start: the train state before the first step, on the host.
        x: the features as the user passed them.
    """

    run: Run
    setup: Setup
    network_run: NetworkRun
    validation_rows: np.ndarray
    epochs: int
    start: TrainState
    x: Any

    @property
    def history_params(self) -> dict[str, Any]:
        """What the history records about the run."""
        run = self.network_run
        sizes = {"epochs": self.epochs, "batch_size": run.batch_size}
        return sizes | {"steps": run.steps, "rows": len(run.train_rows)}

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return outputs for the test rows in the target's own units."""
        preprocessor = self.setup.preprocessor
        if preprocessor is None:
            return outputs
        return preprocessor.inverse_transform_rows(outputs, self.x, self.run.test_rows)


@dataclass(frozen=True, eq=False)
class RunResult:
    """The result of a run.

    Attributes:
        run: the run.
        history: the loss and the metrics of every epoch, as `fit` returns them.
        scores: the loss and the metrics of the test rows, as `evaluate` returns them. NaN if
            the run has no finite loss, or did not start.
        train_scores: the same of the training rows, with the final weights and without noise;
            empty unless they were asked for.
        outputs: the outputs for the test rows in the target's units, as `predict` returns them.
        problem: why the run ended before its last epoch or did not start; else "".
        step_losses: (epochs, steps), the loss of each training step; NaN where there was none.
        setup: layers and settings, with the weights before the first step.
        train_state: the weights, on the host; None if the run did not start.
        base_model: the model that the run was made from.
    """

    run: Run
    history: History
    scores: dict[str, float]
    train_scores: dict[str, float]
    outputs: np.ndarray
    problem: str
    step_losses: np.ndarray
    setup: Setup
    train_state: TrainState | None
    base_model: Sequential

    @property
    def is_complete(self) -> bool:
        """Whether the run has ended as planned, with a finite score."""
        return not self.problem

    @property
    def is_interrupted(self) -> bool:
        """Whether Ctrl-C ended or prevented the run."""
        return self.problem.endswith(INTERRUPTED)

    def get_score(self, name: str, *, training_rows: bool = False) -> float:
        """Return a score by which settings can be compared; NaN if the run did not end as planned.

        "loss" is the loss without the penalties of regularizers: with them, the setting without a
        penalty would have an advantage.

        Args:
            name: name of the score.
            training_rows: whether it is the score of the training rows, not of the test rows.
        """
        score = (self.train_scores if training_rows else self.scores).get(name, math.nan)
        if self.problem or not math.isfinite(score):
            return math.nan
        return score - self.penalty if name == "loss" else score

    @cached_property
    def penalty(self) -> float:
        """The penalties of regularizers that are part of the loss."""
        if self.train_state is None:
            return 0.0
        penalty = network.penalty(self.setup.require_network().links, self.train_state.params)
        if penalty is None:
            return 0.0
        return self.setup.make_program().loss.report_scale * float(penalty)

    @cached_property
    def model(self) -> Sequential:
        """The trained network as a model. The optimizer's state is not kept.

        Raises:
            NotReadyError: the run did not start.
        """
        if self.train_state is None:
            raise NotReadyError(message("model", "a run that has been trained", run=self.problem))
        epoch = len(self.history.epoch)
        return self.base_model.make_trained_copy(self.setup, self.train_state, epoch, self.history)
