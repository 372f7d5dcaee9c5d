"""Keras's callbacks."""

from __future__ import annotations

from typing import Any

from glassnet import callbacks as ours
from glassnet.callbacks import Decision, Record
from glassnet.errors import require
from glassnet.keras.compat import export_aliases


class Callback(ours.Callback):
    """What a callback written for Keras is derived from: it is asked as Keras asks it, and what it
    returns may be anything.

    Attributes:
        model: what is being fitted. Set, `stop_training` ends the fit after the epoch,
            `optimizer.learning_rate` holds from the next step on, and weights stay where no epoch
            follows.
        params: what `fit` was asked for: epochs and verbose.
    """

    model: Any = None
    params: Any = None

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        """What `on_epoch_end` decides, where it returns a `Decision`."""
        answer = self.on_epoch_end(record.epoch, dict(record.logs))
        return memory, answer if isinstance(answer, Decision) else None


class KerasCallbackAdapter(ours.Callback):
    """Asks a callback that was written for Keras: with a dict where training begins, and for no
    more than a `Decision`.

    Args:
        callback: the callback.
    """

    def __init__(self, callback: Callback):
        self.callback = callback

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        self.callback.on_train_begin({})  # type: ignore[arg-type]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> Decision | None:
        answer = self.callback.on_epoch_begin(epoch, logs)
        return answer if isinstance(answer, Decision) else None

    def on_train_end(self, logs: dict[str, float]) -> None:
        self.callback.on_train_end(logs)

    def init(self) -> Any:
        return self.callback.init()

    def update(self, memory: Any, record: Record) -> tuple[Any, Decision | None]:
        return self.callback.update(memory, record)


class PendingChanges(ours.Callback):
    """What callbacks write to the model during a fit, as the decisions that it stands for; asked
    last.

    Args:
        model: the `keras.Sequential` that is being fitted.

    Attributes:
        learning_rate: the learning rate that was set since it was last asked.
        weights: those that were set; they hold once training has ended.
        learning_rates: the learning rate of every epoch.
    """

    def __init__(self, model: Any):
        self.model = model
        self.learning_rate: float | None = None
        self.weights: list[Any] | None = None
        self.learning_rates: list[float] = []

    def init(self) -> tuple[float, ...]:
        return ()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float]) -> Decision | None:
        fix = "Set them with stop_training = True, or in on_train_end."
        require(
            self.weights is None,
            "set_weights",
            "no epoch to follow on weights set by a callback",
            epoch=epoch,
            fix=fix,
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
    """Functions as a callback: Keras's LambdaCallback."""

    def __init__(
        self,
        on_epoch_begin: Any = None,
        on_epoch_end: Any = None,
        on_train_begin: Any = None,
        on_train_end: Any = None,
    ):
        given = {
            name: value
            for name, value in locals().items()
            if name.startswith("on_") and value is not None
        }
        require(all(map(callable, given.values())), "LambdaCallback", "functions", **given)
        vars(self).update(given)


EARLY_STOPPING_SPEC = (
    "monitor min_delta patience verbose~ mode baseline restore_best_weights start_from_epoch"
)
PLATEAU_SPEC = "monitor factor patience verbose~ mode min_delta cooldown min_lr"
CHECKPOINT_SPEC = "filepath monitor verbose~ save_best_only save_weights_only mode save_freq='epoch' initial_value_threshold"
HOOKS_SPEC = "on_epoch_begin on_epoch_end on_train_begin on_train_end on_train_batch_begin=None on_train_batch_end=None"
TENSORBOARD_SPEC = "log_dir histogram_freq=0 write_graph~ write_images=False write_steps_per_second=False update_freq='epoch' profile_batch=0"

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
        "TensorBoard": (
            ours.TensorBoard,
            TENSORBOARD_SPEC + " embeddings_freq=0 embeddings_metadata=None",
        ),
        "TerminateOnNaN": (ours.TerminateOnNaN, "raise_error=False"),
    },
)
