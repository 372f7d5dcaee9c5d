"""Keras's callbacks."""

from __future__ import annotations

from typing import Any

from glassnet import callbacks as ours
from glassnet.callbacks import Decision, Record
from glassnet.errors import require
from glassnet.keras.compat import export_aliases


class Callback(ours.Callback):
    """Base class of user-defined callbacks, with Keras's hooks.

    Return values are ignored, except for a `Decision`.

    Attributes:
        model: the model being fitted. Setting `stop_training` ends the fit after the epoch. Setting
            `optimizer.learning_rate` takes effect from the next step. Weights can be set after the
            last epoch.
        params: the `epochs` and `verbose` of the fit.
    """

    model: Any = None
    params: Any = None

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """Call `on_epoch_end` and return its result if it is a `Decision`."""
        result = self.on_epoch_end(record.epoch, dict(record.logs))
        return memory, result if isinstance(result, Decision) else None


class KerasCallbackAdapter(ours.Callback):
    """Glassnet callback that calls the hooks of a Keras callback.

    Args:
        callback: the Keras callback.
    """

    def __init__(self, callback: Callback):
        self.callback = callback

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        self.callback.on_train_begin({})  # type: ignore[arg-type]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> Decision | None:
        result = self.callback.on_epoch_begin(epoch, logs)
        return result if isinstance(result, Decision) else None

    def on_train_end(self, logs: dict[str, float]) -> None:
        self.callback.on_train_end(logs)

    def init(self) -> Any:
        return self.callback.init()

    def restore_memory(self, memory: Any) -> None:
        self.callback.restore_memory(memory)

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        return self.callback.update(memory, record)


class PendingChanges(ours.Callback):
    """Callback that turns changes to the model during a fit into decisions. It is called last.

    Args:
        model: the `keras.Sequential` being fitted.

    Attributes:
        learning_rate: the learning rate set since the last decision, or None.
        weights: the weights set by a callback, or None; they are applied after training.
        learning_rates: the learning rate of every epoch.
    """

    def __init__(self, model: Any):
        self.model = model
        self.learning_rate: float | None = None
        self.weights: list[Any] | None = None
        self.learning_rates: list[float] = []

    def init(self) -> tuple[float, ...]:
        return ()

    def restore_memory(self, memory: Any) -> None:
        self.learning_rates = list(memory)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> Decision | None:
        require(
            self.weights is None,
            "set_weights",
            "no further epoch after a callback has set the weights",
            epoch=epoch,
            fix="Set stop_training = True too, or set the weights in on_train_end.",
        )
        return self._decision()

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        self.learning_rates = [*memory, record.learning_rate]
        return tuple(self.learning_rates), self._decision(
            stop="stop_training was set" if self.model.stop_training else None
        )

    def _decision(self, stop: str | None = None) -> Decision:
        rate, self.learning_rate = self.learning_rate, None
        return Decision(stop, learning_rate=rate)


class KerasLambdaCallback(Callback):
    """Callback made of functions: Keras's LambdaCallback."""

    def __init__(
        self,
        on_epoch_begin: Any = None,
        on_epoch_end: Any = None,
        on_train_begin: Any = None,
        on_train_end: Any = None,
    ):
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
        }
        hooks = {name: function for name, function in hooks.items() if function is not None}
        require(all(map(callable, hooks.values())), "LambdaCallback", "functions", **hooks)
        vars(self).update(hooks)


EARLY_STOPPING_SPEC = (
    "monitor min_delta patience verbose~ mode baseline restore_best_weights start_from_epoch"
)
PLATEAU_SPEC = "monitor factor patience verbose~ mode min_delta cooldown min_lr"
CHECKPOINT_SPEC = (
    "filepath monitor verbose~ save_best_only save_weights_only mode save_freq='epoch'"
    " initial_value_threshold"
)
HOOKS_SPEC = (
    "on_epoch_begin on_epoch_end on_train_begin on_train_end on_train_batch_begin=None"
    " on_train_batch_end=None"
)
TENSORBOARD_SPEC = (
    "log_dir histogram_freq=0 write_graph~ write_images=False write_steps_per_second=False"
    " update_freq='epoch' profile_batch=0 embeddings_freq=0 embeddings_metadata=None"
)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "Callback": Callback,
        "CSVLogger": (ours.CSVLogger, "filename separator append"),
        "EarlyStopping": (ours.EarlyStopping, EARLY_STOPPING_SPEC),
        "LambdaCallback": (KerasLambdaCallback, HOOKS_SPEC),
        "LearningRateScheduler": (ours.LearningRateScheduler, "schedule verbose~"),
        "ModelCheckpoint": (ours.ModelCheckpoint, CHECKPOINT_SPEC),
        "ReduceLROnPlateau": (ours.ReduceLROnPlateau, PLATEAU_SPEC),
        "TensorBoard": (ours.TensorBoard, TENSORBOARD_SPEC),
        "TerminateOnNaN": (ours.TerminateOnNaN, "raise_error=False"),
    },
)
