"""Keras's callbacks."""

from __future__ import annotations

from typing import Any

from glassnet import callbacks as ours
from glassnet.callbacks import Decision, Record
from glassnet.keras.face import table


class Callback(ours.Callback):
    """What a callback written for Keras is derived from: `self.model` is being fitted, and what `on_epoch_end` returns may be anything."""

    model: Any = None

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """What `on_epoch_end` decides, where it returns a `Decision`."""
        answer = self.on_epoch_end(record.epoch, dict(record.logs))
        return memory, answer if isinstance(answer, Decision) else None


class StopTraining(ours.Callback):
    """Ends training once `model.stop_training` is set, by whomever.

    Args:
        model: the `keras.Sequential` that is being fitted.
    """

    def __init__(self, model: Any):
        self.model = model

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> Decision | None:
        return Decision(stop="stop_training was set") if self.model.stop_training else None


MONITOR = "monitor min_delta patience verbose~ mode baseline restore_best_weights start_from_epoch"
PLATEAU = "monitor factor patience verbose~ mode min_delta cooldown min_lr"
HOOKS = "on_epoch_begin on_epoch_end on_train_begin on_train_end on_train_batch_begin=None on_train_batch_end=None"
BOARD = "log_dir histogram_freq=0 write_graph~ write_images=False write_steps_per_second=False update_freq='epoch' profile_batch=0"

__all__, __getattr__ = table(
    __name__,
    {
        "Callback": Callback,
        "CSVLogger": (ours.CSVLogger, "filename separator append"),
        "EarlyStopping": (ours.EarlyStopping, MONITOR),
        "LambdaCallback": (ours.LambdaCallback, HOOKS),
        "LearningRateScheduler": (ours.LearningRateScheduler, "schedule verbose~"),
        "ReduceLROnPlateau": (ours.ReduceLROnPlateau, PLATEAU),
        "TensorBoard": (ours.TensorBoard, BOARD + " embeddings_freq=0 embeddings_metadata=None"),
        "TerminateOnNaN": (ours.TerminateOnNaN, "raise_error=False"),
    },
)
