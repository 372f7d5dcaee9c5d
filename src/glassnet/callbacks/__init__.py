"""Callbacks read the logs of each epoch and return a `Decision`; they never modify the model.

Override `on_epoch_end` to write your own:

    class Patience(Callback):
        def on_epoch_end(self, epoch, logs):
            if epoch >= 9 and logs["accuracy"] < 0.5:
                return Decision(stop="not better than a coin after ten epochs")
"""

from __future__ import annotations

from typing import Any

from glassnet.callbacks.callback import Callback, LambdaCallback
from glassnet.callbacks.csv_logger import CSVLogger
from glassnet.callbacks.early_stopping import EarlyStopping, StopWhen, TerminateOnNaN
from glassnet.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from glassnet.callbacks.model_checkpoint import ModelCheckpoint
from glassnet.callbacks.step_scheduler import StepScheduler
from glassnet.callbacks.tensorboard import TensorBoard
from glassnet.callbacks.weight_history import WeightHistory
from glassnet.engine.loop import Decision, Record, SaveRequest
from glassnet.errors import MissingError, missing_name
from glassnet.suggestions import publish

__all__ = [
    "CSVLogger",
    "Callback",
    "Decision",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Record",
    "ReduceLROnPlateau",
    "SaveRequest",
    "StepScheduler",
    "StopWhen",
    "TensorBoard",
    "TerminateOnNaN",
    "WeightHistory",
]


def __getattr__(name: str) -> Any:
    if name == "Save":
        raise MissingError("callbacks.Save is now called callbacks.SaveRequest.")
    raise missing_name(__name__, name, __all__)


publish(__name__, __all__)
