"""Callback that saves the model."""

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
from glassnet.file_paths import to_path
from glassnet.output_files import (
    KERAS_MODEL_SUFFIXES,
    KERAS_WEIGHTS_SUFFIXES,
    check_writable,
    require_own_suffix,
)


@dataclass(frozen=True)
class ModelCheckpoint(Callback):
    """Save the model after every epoch, or only after epochs with a new best value.

    The file has the format of `Sequential.save` and contains all that the next epoch starts from,
    so `gn.load(file).fit(...)` continues the training exactly. Missing folders are created. To
    resume automatically after a crash, use `fit(resume=...)` instead.

    Args:
        filepath: path of the file. It may contain {epoch}, counted from 1, and the names of logged
            numbers, with Python format specs: "runs/{epoch:04d}-{val_loss:.2f}.glassnet".
        monitor: name of the logged number to monitor, such as "val_loss".
        save_best_only: whether to save only if the monitored number has improved; NaN and
            infinities never count as an improvement.
        save_weights_only: whether to save only the weights, as `Sequential.save_weights` does.
        mode: "min", "max" or "auto", as in `EarlyStopping`.
        initial_value_threshold: value that the first epoch must beat, None for no threshold.

    Raises:
        ConfigError: an argument is out of range; in `fit`, `filepath` or `monitor` contains a name
            that is not logged (the message suggests the nearest one), or the folder cannot be
            created. The suffix of `filepath` is that of another format, such as .h5 or .onnx.

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

    def __post_init__(self) -> None:
        who = "ModelCheckpoint"
        to_path(self.filepath, who, "filepath to be a path", argument="filepath")
        weights = self.save_weights_only
        allowed = KERAS_WEIGHTS_SUFFIXES if weights else KERAS_MODEL_SUFFIXES
        require_own_suffix(who, self.filepath, allowed, ConfigError)
        monitor.check_arguments(who, self.monitor, self.mode, 0.0)
        require(
            isinstance(self.save_best_only, bool) and isinstance(self.save_weights_only, bool),
            who,
            "True or False",
            save_best_only=self.save_best_only,
            save_weights_only=self.save_weights_only,
        )
        threshold = self.initial_value_threshold
        require(
            threshold is None or is_number(threshold),
            who,
            "initial_value_threshold to be a number or None",
            initial_value_threshold=threshold,
        )

    @property
    def non_number_effect(self) -> str | None:
        effect = "That is no improvement: no file is written after such an epoch."
        return effect if self.save_best_only else None

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        who, pattern = "ModelCheckpoint", os.fspath(self.filepath)
        if self.save_best_only:
            monitor.require_logged(who, self.monitor, self.mode, names)
        try:
            fields = [name for _, name, _, _ in Formatter().parse(pattern) if name is not None]
            self._format_path(dict.fromkeys(fields, 0.0) | {"epoch": 0})
        except (ValueError, IndexError) as error:
            fix = "Write {{ for a literal brace."
            expected = "a filepath like runs/{epoch:04d}-{loss:.2f}.glassnet"
            text = message(who, expected, filepath=pattern, error=str(error), fix=fix)
            raise ConfigError(text) from error
        for name in fields:
            lookup(f"{who}: filepath", name, dict.fromkeys(("epoch", *names)))
        folder = Path(pattern).parent
        if "{" not in str(folder):
            with report_write_errors(who, Path(pattern)):
                folder.mkdir(parents=True, exist_ok=True)
                if not fields:
                    check_writable(pattern.format())

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
