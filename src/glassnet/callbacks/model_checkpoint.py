"""The model in a file, epoch by epoch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from glassnet.callbacks import monitor
from glassnet.callbacks.callback import Callback
from glassnet.callbacks.csv_logger import report_write_errors
from glassnet.engine.loop import Decision, Record, SaveRequest
from glassnet.errors import ConfigError, is_number, lookup, message, require


@dataclass(frozen=True)
class ModelCheckpoint(Callback):
    """Save the model after every epoch, or after those in which a logged number was better than
    ever before.

    The file is that of `Sequential.save`, with the weights that the epoch ended with, and the rate
    and all else that the next one begins
    with: `gn.load(file).fit(...)` trains on as this fit does. A folder that is missing is made. To
        survive being killed, `fit(resume=...)`
    takes less: it goes on by itself.

    Args:
        filepath: of the file; {epoch} in it is the epoch counted from 1, and each logged number may
            stand by its name, both with a format as Python has them:
            "runs/{epoch:04d}-{val_loss:.2f}.glassnet".
        monitor: the logged number, such as "val_loss".
        save_best_only: whether to save only where it is better; an infinity or no number never is.
        save_weights_only: whether to save what `Sequential.save_weights` does.
        mode: "min", "max", or "auto": by the name, as in `EarlyStopping`.
        initial_value_threshold: what the first value must beat; None for nothing.

    Raises:
        ConfigError: an argument out of range; at `fit`, a name in `filepath` or a monitor that is
            not logged (the nearest name is given), a folder that cannot be made.

    Example:
        >>> ModelCheckpoint("best.glassnet", save_best_only=True).monitor
        'val_loss'

    Source: Keras's ModelCheckpoint.
    """

    filepath: str | os.PathLike[str]
    monitor: str = "val_loss"
    save_best_only: bool = False
    save_weights_only: bool = False
    mode: str = "auto"
    initial_value_threshold: float | None = None

    def __post_init__(self):
        who = "ModelCheckpoint"
        require(
            isinstance(self.filepath, str | os.PathLike),
            who,
            "filepath to be a path",
            filepath=self.filepath,
        )
        monitor.check_arguments(who, self.monitor, self.mode, 0.0)
        best, alone = self.save_best_only, self.save_weights_only
        require(
            isinstance(best, bool) and isinstance(alone, bool),
            who,
            "True or False",
            save_best_only=best,
            save_weights_only=alone,
        )
        first = self.initial_value_threshold
        require(
            first is None or is_number(first),
            who,
            "initial_value_threshold to be a number or None",
            initial_value_threshold=first,
        )

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        who, pattern = "ModelCheckpoint", os.fspath(self.filepath)
        if self.save_best_only:
            monitor.require_logged(who, self.monitor, self.mode, names)
        try:
            asked = [name for _, name, _, _ in Formatter().parse(pattern) if name is not None]
            self._format_path(dict.fromkeys(asked, 0.0) | {"epoch": 0})
        except (ValueError, IndexError) as error:
            fix = "Double a brace that is to stand as it is: {{."
            expected = "a filepath like runs/{epoch:04d}-{loss:.2f}.glassnet"
            raise ConfigError(
                message(who, expected, filepath=pattern, error=str(error), fix=fix)
            ) from error
        for name in asked:
            lookup(f"{who}: filepath", name, dict.fromkeys(("epoch", *names)))
        folder = Path(pattern).parent
        if "{" not in str(folder):
            with report_write_errors(who, folder):
                folder.mkdir(parents=True, exist_ok=True)

    def init(self) -> float | None:
        return self.initial_value_threshold

    def update(self, memory: float | None, record: Record) -> tuple[float | None, Decision | None]:
        if self.save_best_only:
            value = record.logs[self.monitor]
            if not monitor.is_better(self.monitor, self.mode, 0.0, value, memory):
                return memory, None
            memory = value
        path = self._format_path({"epoch": record.epoch + 1} | record.logs)
        return memory, Decision(save=(SaveRequest(path, self.save_weights_only),))

    def _format_path(self, values: dict[str, Any]) -> str:
        return os.fspath(self.filepath).format(**values)
