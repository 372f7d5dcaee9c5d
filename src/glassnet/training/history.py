"""History: the result of a fit, in Keras's format."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.doctor.evidence import Evidence
from glassnet.doctor.findings import Findings
from glassnet.engine.epoch_runner import Observation
from glassnet.engine.loop import Record
from glassnet.errors import renamed_attributes
from glassnet.formatting import format_logs
from glassnet.storage.model_file import HistoryData
from glassnet.suggestions import suggest_names


@renamed_attributes(plain="to_data", of="from_data")
@suggest_names
@dataclass
class History:
    """Logged values of one `fit`.

    Attributes:
        seed: seed of the order of rows and of noise. Pass it to `fit` to repeat the run.
        params: settings of the fit: epochs, batch_size, steps, rows.
        history: one list per logged name, a number per epoch: {"loss": [...], "val_loss": [...]}.
            The epoch in which a loss was not finite is the last; its loss is inf or NaN, and what
            was not computed is NaN.
        epoch: indices of the epochs over the model's life, from 0.
        stopped: why the run ended before its last epoch, or None.
        seconds: duration of each epoch.
        observations: statistics of single steps, if the run was observed.
        steps: number of steps that this fit trained and kept.
        weights: arrays (epochs + 1, *shape) by name, if a `WeightHistory` recorded them.
        initial_loss: training loss of the first step, with the weights that the fit began with;
            NaN if it is not known.
        findings: what the doctor says about the fit, the cause first; empty if it sees no problem.
        evidence: the numbers on which the findings rest, or None.

    Example:
        >>> history = History(seed=0)
        >>> history.history["loss"] = [0.9, 0.4, 0.6]
        >>> history.best_epoch()
        1
    """

    seed: int
    params: dict[str, Any] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    epoch: list[int] = field(default_factory=list)
    stopped: str | None = None
    seconds: list[float] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    steps: int = 0
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    initial_loss: float = field(default=math.nan, compare=False)
    findings: Findings = field(default_factory=Findings, compare=False)
    evidence: Evidence | None = field(default=None, compare=False)

    def add(self, record: Record, names: Iterable[str] = ()) -> None:
        """Append an epoch.

        One that ended with a loss that is not finite adds that loss, and NaN for the other names.
        One that was interrupted adds only its stop reason and observations.

        Args:
            record: the epoch.
            names: names of all values that a complete epoch logs.
        """
        self.observations += record.observations
        if len(record.step_losses) and math.isnan(self.initial_loss):
            self.initial_loss = float(record.step_losses[0])
        self.stopped = record.decision.stop
        logs = record.logs
        if record.nonfinite_loss is not None:
            others = dict.fromkeys((*names, *self.history), math.nan)
            logs = {"loss": record.nonfinite_loss} | {
                name: value for name, value in others.items() if name != "loss"
            }
        if not logs:
            return
        self.epoch.append(record.epoch)
        self.seconds.append(record.seconds)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def has_finite_loss(self) -> bool:
        """Return whether the fit kept a step with a finite loss, or had no step to train."""
        losses = self.history.get("loss", [])
        return self.steps > 0 or not losses or any(map(math.isfinite, losses))

    def to_data(self) -> HistoryData:
        """Return the data to save: everything except the observations and weights."""
        lists = {name: tuple(values) for name, values in self.history.items()}
        return HistoryData(
            self.seed,
            dict(self.params),
            lists,
            tuple(self.epoch),
            self.stopped,
            tuple(self.seconds),
        )

    @classmethod
    def from_data(cls, data: HistoryData) -> History:
        """Create a history from saved data."""
        lists = {name: list(values) for name, values in data.history.items()}
        return cls(
            data.seed, dict(data.params), lists, list(data.epoch), data.stopped, list(data.seconds)
        )

    def best_epoch(self) -> int | None:
        """Return the index of the lowest validation loss, or None if no loss is finite.

        Without validation, the training loss is used.
        """
        losses = self.history.get("val_loss") or self.history.get("loss") or []
        finite = [loss for loss in losses if math.isfinite(loss)]
        return losses.index(min(finite)) if finite else None

    def plot(self) -> Any:
        """Plot the loss and each metric, and mark the best epoch; return a matplotlib Figure."""
        from glassnet.plots import curves

        best = self.best_epoch()
        return curves.plot_curves(
            [epoch + 1 for epoch in self.epoch],
            self.history,
            None if best is None else self.epoch[best] + 1,
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per epoch and a column per logged name.

        Its index is `epoch`.
        """
        import pandas as pd

        return pd.DataFrame(self.history, index=pd.Index(self.epoch, name="epoch"))

    def __repr__(self) -> str:
        last = format_logs({name: values[-1] for name, values in self.history.items() if values})
        stopped = f", stopped: {self.stopped}" if self.stopped else ""
        return f"History({len(self.epoch)} epochs, seed {self.seed}: {last}{stopped})"
