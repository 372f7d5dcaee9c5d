"""History: the result of a fit, in Keras's format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
        epoch: indices of the epochs over the model's life, from 0.
        stopped: why the run ended before its last epoch, or None.
        seconds: duration of each epoch.
        observations: statistics of single steps, if the run was observed.

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
        """Append an epoch; one that is not complete adds only its stop reason and observations."""
        self.observations += record.observations
        self.stopped = record.decision.stop
        if record.complete:
            self.epoch.append(record.epoch)
            self.seconds.append(record.seconds)
            for name, value in record.logs.items():
                self.history.setdefault(name, []).append(value)

    def to_data(self) -> HistoryData:
        """Return the data to save: everything except the observations."""
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
        """Return the index of the lowest validation loss, or None before the first epoch.

        Without validation, the training loss is used.
        """
        losses = self.history.get("val_loss") or self.history.get("loss") or []
        return losses.index(min(losses)) if losses else None

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
