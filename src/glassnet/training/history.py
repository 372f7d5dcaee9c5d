"""What a fit returns: every epoch's numbers, in Keras's shape, and how the run went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from glassnet.engine.epoch_runner import Observation
from glassnet.engine.loop import Record
from glassnet.storage.model_file import HistoryData


@dataclass
class History:
    """The numbers of one `fit`.

    Attributes:
        history: one list per logged name, a number per epoch: {"loss": [...], "val_loss": [...]}.
        epoch: which epochs of the model's life they were, counted from 0.
        params: what `fit` was asked for: epochs, steps, batch_size, rows.
        seed: of order and noise; give it to `fit` to have the same run again.
        stopped: why the run ended before its last epoch; None where it did not.
        seconds: how long each epoch took.
        observations: numbers from inside single steps, where the run was observed.

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

    def add(self, record: Record) -> None:
        """Take up an epoch; one that was broken off leaves only its reason and its observations."""
        self.observations += record.observations
        self.stopped = record.decision.stop
        if record.complete:
            self.epoch.append(record.epoch)
            self.seconds.append(record.seconds)
            for name, value in record.logs.items():
                self.history.setdefault(name, []).append(value)

    def to_data(self) -> HistoryData:
        """What a file keeps of it: all but the observations."""
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
        """What a file kept."""
        lists = {name: list(values) for name, values in data.history.items()}
        return cls(
            data.seed, dict(data.params), lists, list(data.epoch), data.stopped, list(data.seconds)
        )

    def best_epoch(self) -> int | None:
        """The index in the lists of the lowest validation loss, or training loss where nothing was
        validated; None before any epoch.
        """
        losses = self.history.get("val_loss") or self.history.get("loss") or []
        return losses.index(min(losses)) if losses else None

    def plot(self) -> Any:
        """A matplotlib Figure: the loss and each metric, training and validation, with the best
        epoch marked.
        """
        from glassnet.plots import curves

        best = self.best_epoch()
        return curves.plot_curves(
            [epoch + 1 for epoch in self.epoch],
            self.history,
            None if best is None else self.epoch[best] + 1,
        )

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row per epoch (index: epochs counted from 0) and a column per
        logged name.
        """
        import pandas as pd

        return pd.DataFrame(self.history, index=pd.Index(self.epoch, name="epoch"))

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items())
        ended = f", stopped: {self.stopped}" if self.stopped else ""
        return f"History({len(self.epoch)} epochs, seed {self.seed}: {last}{ended})"
