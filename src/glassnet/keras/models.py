"""Keras's models: `Sequential` with Keras's arguments, and `load_model`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from glassnet import losses as our_losses
from glassnet.callbacks import LearningRateScheduler, ReduceLROnPlateau
from glassnet.callbacks.callback_list import normalize_callbacks
from glassnet.engine.epoch_runner import RunState
from glassnet.engine.network import BuiltNetwork, WeightPaths
from glassnet.errors import MissingError, NotReadyError, is_int, message, require
from glassnet.keras import callbacks as callback_names
from glassnet.keras import layers as layer_names
from glassnet.keras import losses as loss_names
from glassnet.keras import metrics as metric_names
from glassnet.keras import optimizers as optimizer_names
from glassnet.keras.compat import (
    ATTRIBUTE_HINTS,
    FunctionAlias,
    KerasAlias,
    NotHereError,
    Unsupported,
    export_aliases,
)
from glassnet.keras.optimizer_proxy import OptimizerProxy
from glassnet.keras.utils import next_seed
from glassnet.layers import Input, TextVectorization
from glassnet.losses import BinaryCrossentropy, Loss
from glassnet.metrics import METRICS, Accuracy, Metric
from glassnet.models import sequential, summary
from glassnet.models.layer_view import LayerView
from glassnet.pipeline.batches import is_stream
from glassnet.pipeline.options import check_steps
from glassnet.storage import model_file
from glassnet.training.history import History
from glassnet.training.resume import ResumableRun
from glassnet.types import Shape

AUTO = "auto"


class Sequential(sequential.Sequential):
    """A `glassnet.Sequential` model with Keras's arguments in Keras's order.

    Args:
        layers: the layers in order; the first can have an `input_shape`. Another model, or a layer
            of one, is added with its weights, and both models train them.
        trainable: must be True; set trainable=False in single layers instead.
        name: the name of the model.
        seed: as in `glassnet.Sequential`; None draws one from `set_random_seed`.

    Raises:
        ConfigError: if something is not a layer, or trainable is not True.

    Example:
        >>> from glassnet import keras
        >>> model = keras.Sequential([keras.layers.Dense(1, input_shape=[1])])
        >>> model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mean_squared_error")
        >>> model.input_shape, model.count_params()
        ((None, 1), 2)
    """

    stop_training: bool = False
    """A callback sets this to True to end the fit after the epoch."""

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        seed: int | None = None,
    ):
        self.name = name or "sequential"
        self._pending: callback_names.PendingChanges | None = None
        self._shared_layers: tuple[tuple[int, LayerView], ...] = ()
        self._submodels: tuple[tuple[int, sequential.Sequential], ...] = ()
        super().__init__(() if layers is None else layers, next_seed() if seed is None else seed)
        self.trainable = trainable

    def add(self, layer: Any) -> None:
        """Append a layer, a model, or a layer of a model.

        Raises:
            ConfigError: see `glassnet.Sequential.add`.
        """
        if isinstance(layer, sequential.Sequential):
            self._add_input(Input(layer._network.shapes[0]) if layer._network else layer._input)
            self._submodels += ((len(self._layers), layer),)
            for view in layer.layers:
                self.add(view)
        elif isinstance(layer, LayerView):
            self._shared_layers += ((len(self._layers), layer),)
            is_duplicate = layer.name in {other.name for other in self._layers}
            super().add(replace(layer.layer, name=None) if is_duplicate else layer.layer)
        else:
            name = layer.name if isinstance(layer, KerasAlias | Unsupported) else ""
            require(
                not name,
                "Sequential",
                "layers",
                received=name,
                fix=f"This is the class: write {name}(...).",
            )
            self._add_input(layer_names.infer_input(layer))
            if isinstance(layer, TextVectorization) and self._input == Input((1,)):
                self._input = None  # the shape of the strings, not that of the encoded texts
            super().add(layer)

    def _add_input(self, input_layer: Input | None) -> None:
        if input_layer is not None and self._input is None and not self._layers:
            super().add(input_layer)

    def build(self, input_shape: Shape) -> None:
        """Set the shape of the input, batch axis first: (None, 784)."""
        if self._input is None:
            self._input = layer_names.Input(batch_shape=input_shape)

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = AUTO,
        auto_scale_loss: bool = True,
    ) -> None:
        """Set the optimizer, the loss and the metrics; all of Keras's names work.

        The last four arguments are ignored. See `glassnet.Sequential.compile`.

        Raises:
            ConfigError: for loss_weights or weighted_metrics; see `glassnet.Sequential.compile`.
        """
        _check_compile(loss, loss_weights, weighted_metrics)
        resolved = _resolve_part(loss, loss_names)
        model_loss = our_losses.get(resolved) if resolved is not None else None
        if metrics is None:
            metrics = []
        elif not isinstance(metrics, list | tuple):
            metrics = [metrics]
        super().compile(
            _resolve_part(optimizer, optimizer_names),
            model_loss,
            [_resolve_metric(metric, model_loss) for metric in metrics],
        )

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | str | None = None,
        epochs: int = 1,
        verbose: str | int = AUTO,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | str | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
        **options: Any,
    ) -> History:
        """Train the model. See `glassnet.Sequential.fit`, which has more arguments (`options`).

        Args:
            batch_size: None for 32.
            initial_epoch: epochs to leave out: epochs - initial_epoch are trained.
            steps_per_epoch: for batches, the number of batches in an epoch. For arrays, None or the
                number of batches that covers all rows.
            validation_steps: the same for the validation data.
            validation_batch_size: ignored: validation gives the same result for any batch size.
            validation_freq: must be 1.

        Raises:
            ConfigError, DataError: see `glassnet.Sequential.fit`; also if an epoch does not cover
                all rows once.
        """
        _check_fit_epochs(epochs, initial_epoch, validation_freq)
        batch_size = 32 if batch_size is None else batch_size
        options |= {"steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps}
        if not is_stream(x, y):
            _check_arrays("fit", x, y)
            if validation_steps is not None and not is_stream(validation_data):
                n = _count_validation_rows(len(x), validation_split, validation_data)
                size = validation_batch_size or batch_size
                check_steps("validation_steps", validation_steps, n, size)
                options["validation_steps"] = None
        self.stop_training = False
        self._pull_shared_weights()
        adapted = self._adapt_callbacks(callbacks, epochs, verbose)
        pending = self._pending = callback_names.PendingChanges(self)
        options |= {"validation_split": validation_split, "validation_data": validation_data}
        options |= {"class_weight": class_weight, "sample_weight": sample_weight}
        n_epochs, all_callbacks = epochs - initial_epoch, [*adapted, pending]
        try:
            history = super().fit(
                x, y, batch_size, n_epochs, verbose, all_callbacks, shuffle=shuffle, **options
            )
        finally:
            self._pending = None
        if pending.weights is not None:
            self.set_weights(pending.weights)
        if any(isinstance(one, LearningRateScheduler | ReduceLROnPlateau) for one in adapted):
            history.history["learning_rate"] = pending.learning_rates[: len(history.epoch)]
        self._push_shared_weights(self._require_built("fit"))
        return history

    def _adapt_callbacks(self, callbacks: Any, epochs: int, verbose: Any) -> list[Any]:
        """Return the callbacks as glassnet's, with `model` and `params` set in Keras's."""
        adapted: list[Any] = []
        for callback in normalize_callbacks(callbacks):
            if isinstance(callback, callback_names.Callback):
                callback.model, callback.params = self, {"epochs": epochs, "verbose": verbose}
                callback = callback_names.KerasCallbackAdapter(callback)
            adapted.append(callback)
        return adapted

    def evaluate(  # type: ignore[override]
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = AUTO,
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and the metrics. See `glassnet.Sequential.evaluate`.

        `batch_size` and `verbose` are ignored: nothing is printed, and the result is the same for
        any batch size.

        Raises:
            ConfigError: for callbacks, or if steps do not cover all rows. See
                `glassnet.Sequential.evaluate`.
        """
        if not is_stream(x, y):
            _check_arrays("evaluate", x, y)
        steps = _resolve_steps("evaluate", x, y, batch_size, steps, callbacks)
        self._pull_shared_weights()
        return super().evaluate(x, y, sample_weight, return_dict, steps=steps)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = AUTO,
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Return the outputs for x. See `glassnet.Sequential.predict`.

        `batch_size` and `verbose` are ignored.

        Raises:
            ConfigError: for callbacks, or if steps do not cover all rows. See
                `glassnet.Sequential.predict`.
        """
        steps = _resolve_steps("predict", x, None, batch_size, steps, callbacks)
        self._pull_shared_weights()
        return super().predict(x, steps=steps)

    def __call__(self, x: Any, training: bool = False) -> np.ndarray:
        """Return `predict(x)`."""
        require(
            not isinstance(x, Input),
            "Sequential",
            "rows to predict, not an Input",
            received=type(x).__name__,
            fix="Write Sequential([...]) with the model and the layers in one list.",
        )
        require(
            not training,
            "Sequential",
            "training=False",
            training=training,
            fix="trace(x, y, training=True) shows a training pass.",
        )
        return self.predict(x)

    def summary(
        self,
        line_length: Any = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] = print,
        **options: Any,
    ) -> None:
        """Print the summary with `print_fn`. The other arguments are ignored."""
        built = self._require_built("summary")
        print_fn(summary.format_summary(built, self._params, self._state))

    def get_layer(self, name: str | None = None, index: int | None = None) -> LayerView:
        """Return the layer of that name, or at that index.

        Raises:
            ConfigError: if there is no such layer.
        """
        if index is None:
            return super().get_layer(str(name))
        is_valid = is_int(index, least=-len(self._layers)) and index < len(self._layers)
        require(is_valid, "get_layer", f"an index below {len(self._layers)}", index=index)
        return self.layers[index]

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The input shape of a batch: (None, 784)."""
        return None, *self._require_built("input_shape").shapes[0]

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The output shape of a batch: (None, 10)."""
        return None, *self._require_built("output_shape").shapes[-1]

    @property
    def optimizer(self) -> OptimizerProxy | None:
        """The optimizer, with the current `learning_rate`; None before `compile`."""
        return OptimizerProxy(self) if self._optimizer else None

    @property
    def metrics_names(self) -> list[str]:
        """The names of the results of `evaluate`, in order."""
        return list(self._make_program().log_names(include_validation=False))

    @property
    def trainable(self) -> bool:
        """True, always: see `Sequential`."""
        return True

    @trainable.setter
    def trainable(self, value: bool) -> None:
        require(
            value is True,
            "Sequential",
            "trainable=True",
            trainable=value,
            fix="Write trainable=False in each layer that should not train.",
        )

    def __getattr__(self, name: str) -> Any:
        fix = next(
            (fix for words, fix in ATTRIBUTE_HINTS.items() if name in words.split()),
            "dir(model) lists the available names.",
        )
        raise MissingError(
            message("Sequential", "a name that Glassnet has (yet)", name=name, fix=fix)
        )

    def _resume_from(
        self, run: ResumableRun, start: RunState, fit_params: dict[str, Any]
    ) -> History:
        assert self._pending
        assert run.loaded_memories
        self._pending.learning_rates = list(run.loaded_memories[-1])
        return super()._resume_from(run, start, fit_params)

    def _build(self, shape: Shape) -> BuiltNetwork:
        first = self._network is None
        built = super()._build(shape)
        if first:
            self._pull_shared_weights()
        return built

    def _set_weights_at(self, weight_paths: WeightPaths, weights: Sequence[Any]) -> None:
        super()._set_weights_at(weight_paths, weights)
        if self._pending is not None:
            self._pending.weights = self.get_weights()

    def _user_attributes(self) -> dict[str, Any]:
        # a copy made by a callback is not being fitted
        return super()._user_attributes() | {"_pending": None}

    def _pull_shared_weights(self) -> None:
        """Copy the weights of the added models, which may have been trained separately."""
        for i, view in self._shared_layers if self._network and self._pending is None else ():
            with suppress(NotReadyError):
                self.layers[i].set_weights(view.get_weights())

    def _push_shared_weights(self, built: BuiltNetwork) -> None:
        """Copy the trained weights to the added models."""
        for start, inner in self._submodels:
            inner._build(built.shapes[built.spans[start][0]])
        for i, view in self._shared_layers:
            view.set_weights(self.layers[i].get_weights())


def _resolve_part(value: Any, names: ModuleType) -> Any:
    """Return Glassnet's part for a name, a class or a function of Keras.

    Unknown names are returned in lower case.
    """
    if isinstance(value, str):
        try:
            value = getattr(names, value)
        except (AttributeError, NotHereError):
            return value.lower()
    if isinstance(value, FunctionAlias):
        return value.alias()
    return value() if isinstance(value, KerasAlias) else value


def _resolve_metric(value: Any, loss: Loss | None) -> Any:
    """Return Glassnet's metric, logged under the name that the user wrote.

    For logits, the default threshold 0.5 of accuracy becomes 0.
    """
    value = value.alias.name if isinstance(value, FunctionAlias) else value
    metric = (
        value if isinstance(value, str) and value in METRICS else _resolve_part(value, metric_names)
    )
    if isinstance(value, str) and isinstance(metric, Metric):
        metric = replace(metric, name=value)
    if (
        isinstance(metric, Accuracy)
        and metric.threshold == 0.5
        and isinstance(loss, BinaryCrossentropy)
        and loss.from_logits
    ):
        return replace(metric, threshold=0.0)
    return metric


def _check_compile(loss: Any, loss_weights: Any, weighted_metrics: Any) -> None:
    require(
        loss_weights is None,
        "compile",
        "loss_weights=None: there is one loss",
        loss_weights=loss_weights,
    )
    require(
        not isinstance(loss, list | tuple | dict),
        "compile",
        "one loss",
        loss=loss,
        fix="For several outputs, docs/not-for.md lists alternatives.",
    )
    require(
        weighted_metrics in (None, []),
        "compile",
        "weighted_metrics=None",
        weighted_metrics=weighted_metrics,
        fix="evaluate(x, y, sample_weight) weights the loss; metrics count every row once.",
    )


def _check_fit_epochs(epochs: Any, initial_epoch: Any, validation_freq: Any) -> None:
    require(
        is_int(epochs, least=0) and is_int(initial_epoch, least=0) and initial_epoch <= epochs,
        "fit",
        "initial_epoch to be an int from 0 to epochs",
        initial_epoch=initial_epoch,
        epochs=epochs,
    )
    require(
        validation_freq == 1,
        "fit",
        "validation_freq=1, after every epoch",
        validation_freq=validation_freq,
    )


def _count_validation_rows(n: int, validation_split: float, validation_data: Any) -> int:
    if validation_data is None:
        return round(n * validation_split)
    return len(validation_data[0]) if isinstance(validation_data, tuple | list) else 0


def _check_arrays(who: str, x: Any, y: Any) -> None:
    require(y is not None, who, "x and y, as arrays, or batches (x, y)", x=type(x).__name__, y=None)


def _resolve_steps(
    who: str, x: Any, y: Any, batch_size: Any, steps: int | None, callbacks: Any
) -> int | None:
    """Return the number of batches to read from x; None for all, and for arrays."""
    require(not callbacks, who, "callbacks=None: only fit calls them", callbacks=callbacks)
    if is_stream(x, y):
        return steps
    if steps is not None:
        check_steps(f"{who}: steps", steps, len(x), batch_size or 32)
    return None


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Sequential:
    """Load a model from a file that `model.save` wrote. See `glassnet.load`.

    Args:
        filepath: the path of the file; any suffix works.
        custom_objects: user-defined classes and functions, by name.
        compile: whether to restore the optimizer, the loss and the metrics too.
        safe_mode: ignored: loading never runs code from the file.

    Raises:
        ModelFileError: see `glassnet.load`.
    """
    loaded = Sequential()._restore(model_file.read_model(filepath, custom_objects))
    if not compile:
        loaded._optimizer = loaded._loss = loaded._optimizer_state = None
    return loaded


FUNCTIONAL_HINT = (
    "Residual and Parallel branch inside a Sequential; "
    "docs/not-for.md lists alternatives for other graphs."
)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "Model": Unsupported(
            "Model", "a Sequential([...]) model", FUNCTIONAL_HINT, sequential.Sequential
        ),
        "Sequential": Sequential,
        "load_model": load_model,
    },
)
