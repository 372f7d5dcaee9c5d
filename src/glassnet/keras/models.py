"""Keras's models: `Sequential` with Keras's arguments, and `load_model`."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, Self

import numpy as np

from glassnet import losses as our_losses
from glassnet import output_files
from glassnet.callbacks import LearningRateScheduler, ReduceLROnPlateau
from glassnet.callbacks.callback_list import normalize_callbacks
from glassnet.data.table import is_table
from glassnet.doctor.changes import Change
from glassnet.errors import (
    MissingError,
    NotReadyError,
    is_float32,
    is_int,
    message,
    require,
    suggest,
)
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.trace import Trace
from glassnet.inspection.training_runs import RunSettings, TrainingRun
from glassnet.keras import callbacks as callback_names
from glassnet.keras import layers as layer_names
from glassnet.keras import losses as loss_names
from glassnet.keras import metrics as metric_names
from glassnet.keras import optimizers as optimizer_names
from glassnet.keras.callbacks import PendingChanges
from glassnet.keras.compat import (
    ATTRIBUTE_HINTS,
    FunctionAlias,
    KerasAlias,
    Unsupported,
    export_aliases,
)
from glassnet.keras.custom_objects import add_registered
from glassnet.keras.missing_names import MissingName
from glassnet.keras.optimizer_proxy import OptimizerProxy
from glassnet.keras.random_seed import next_seed
from glassnet.keras.shared_layers import SharedLayers, SharedLayersCallback
from glassnet.layers import Input, Normalization, TextVectorization
from glassnet.losses import BinaryCrossentropy, Loss
from glassnet.metrics import METRICS, Accuracy, Metric
from glassnet.models import sequential
from glassnet.models.fit_lock import FitLock
from glassnet.models.forecast import Forecast
from glassnet.models.layer_view import LayerView
from glassnet.models.load import load
from glassnet.pipeline.batches import is_stream
from glassnet.pipeline.options import check_steps
from glassnet.suggestions import suggest_names
from glassnet.training.history import History
from glassnet.types import Shape

AUTO = "auto"


def _attribute(name: str, doc: str) -> Any:
    """Return a property that reads and sets an attribute of the `glassnet.Sequential`."""

    def read(model: Sequential) -> Any:
        return getattr(model.glassnet_model, name)

    def assign(model: Sequential, value: Any) -> None:
        setattr(model.glassnet_model, name, value)

    return property(read, assign, doc=doc)


@suggest_names
class Sequential:
    """A model with Keras's arguments in Keras's order.

    It has all methods of a `glassnet.Sequential`, and holds one: `glassnet_model`.

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
        layers = [] if layers is None else layers
        is_list = isinstance(layers, list | tuple)
        expected = "a list of layers, Sequential([...])"
        require(is_list, "Sequential", expected, type=type(layers).__name__)
        self.name = name or "sequential"
        self._batch_size: int | None = None
        self._changes: PendingChanges | None = None
        self._fit_lock = FitLock()
        self._shared_layers = SharedLayers()
        self._model = sequential.Sequential(seed=next_seed() if seed is None else seed)
        for layer in layers:
            self.add(layer)
        self.trainable = trainable

    @property
    def glassnet_model(self) -> sequential.Sequential:
        """The `glassnet.Sequential` that holds the layers and weights."""
        return self._model

    def add(self, layer: Any) -> None:
        """Append a layer, a model, or a layer of a model.

        Raises:
            ConfigError: see `glassnet.Sequential.add`.
        """
        if isinstance(layer, Sequential | sequential.Sequential):
            self._add_model(layer)
        elif isinstance(layer, LayerView):
            self._add_shared_layer(layer)
        else:
            name = layer.name if isinstance(layer, KerasAlias | Unsupported) else ""
            fix = f"This is the class: write {name}(...)."
            require(not name, "Sequential", "layers", received=name, fix=fix)
            first = layer_names.infer_input(layer)
            self._batch_size = self._batch_size or getattr(first or layer, "__dict__", {}).get(
                "batch_size"
            )
            self._add_input(first)
            if isinstance(layer, Normalization) and layer.learned_state is not None:
                layer = replace(layer, mean=None, variance=None)  # learned, not passed
            if isinstance(layer, TextVectorization) and self._model.input_shape == (1,):
                self._model.input_shape = None  # that of the strings, not of the encoded texts
            self._model.add(layer)

    def _add_model(self, model: Sequential | sequential.Sequential) -> None:
        inner = model.glassnet_model if isinstance(model, Sequential) else model
        views, index = model.layers, len(self._model.layers)
        takes_text = bool(views) and isinstance(views[0].layer, TextVectorization)
        if inner.input_shape is not None and not takes_text:
            self._add_input(Input(inner.input_shape))
        for view in views:
            self._add_shared_layer(view)
        if views:
            self._shared_layers.submodels[index] = inner

    def _add_shared_layer(self, view: LayerView) -> None:
        names = [other.name for other in self._model.layers]
        self._model.add(replace(view.layer, name=None) if view.name in names else view.layer)
        self._shared_layers.views[len(names)] = view
        self._model.set_build_hook(self._shared_layers.copy_to)

    def _add_input(self, input_layer: Input | None) -> None:
        is_first = self._model.input_shape is None and not self._model.layers
        if input_layer is not None and is_first:
            self._model.add(input_layer)

    def build(self, input_shape: Shape) -> None:
        """Set the shape of the input, batch axis first: (None, 784).

        Raises:
            ConfigError: the shape of the input is known, and it is another one.
        """
        shape, known = layer_names.Input(batch_shape=input_shape).shape, self._model.input_shape
        if known is None:
            self._model.input_shape = shape
        else:
            expected = f"the known shape of the input, {(None, *known)}"
            require(shape == known, "build", expected, input_shape=input_shape)

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
        self._model.compile(
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
        if validation_batch_size is not None:
            n_rows = _count_validation_rows(x, y, validation_split, validation_data)
            validation_steps = _check_steps(
                "validation_steps", n_rows, validation_steps, validation_batch_size
            )
        options |= {"steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps}
        options |= {"validation_split": validation_split, "validation_data": validation_data}
        options |= {"class_weight": class_weight, "sample_weight": sample_weight}
        with self._fit_lock.fit():
            model, n_epochs = self._synchronize(), epochs - initial_epoch
            adapted = self._adapt_callbacks(callbacks, epochs, verbose)
            self.stop_training, self._changes = False, PendingChanges(self)
            all_callbacks, changes = [*adapted, self._changes], self._changes
            try:
                with model._fit_lock.permit_weights():
                    history = model.fit(
                        x,
                        y,
                        batch_size,
                        n_epochs,
                        verbose,
                        all_callbacks,
                        shuffle=shuffle,
                        **options,
                    )
                if changes.weights is not None:
                    model.set_weights(changes.weights)
            finally:
                self._changes = None
                if model.built:
                    self._shared_layers.copy_from(model)
            if any(isinstance(one, LearningRateScheduler | ReduceLROnPlateau) for one in adapted):
                rates = changes.learning_rates[: len(history.epoch)]
                missing = [math.nan] * (len(history.epoch) - len(rates))
                history.history["learning_rate"] = rates + missing
            return history

    def _adapt_callbacks(self, callbacks: Any, epochs: int, verbose: Any) -> list[Any]:
        """Return the callbacks as glassnet's, with `model` and `params` set in Keras's."""
        adapted: list[Any] = []
        for callback in normalize_callbacks(callbacks):
            if isinstance(callback, callback_names.Callback):
                callback.model, callback.params = self, {"epochs": epochs, "verbose": verbose}
                callback = callback_names.KerasCallbackAdapter(callback)
            adapted.append(callback)
        if adapted and self._shared_layers.views:
            adapted.insert(0, SharedLayersCallback(self._shared_layers, self._model))
        return adapted

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = AUTO,
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **options: Any,
    ) -> Any:
        """Return the loss and the metrics.

        See `glassnet.Sequential.evaluate`, which has more arguments (`options`). With "auto",
        nothing is printed about work that lasts less than a second.

        Raises:
            ConfigError: for callbacks, or if steps do not cover all rows. See
                `glassnet.Sequential.evaluate`.
        """
        _check_no_callbacks("evaluate", callbacks)
        if steps is not None:
            steps = _check_steps("evaluate: steps", _count_rows(x, y), steps, batch_size or 32)
        model = self._synchronize()
        options |= {"batch_size": batch_size, "verbose": verbose, "steps": steps}
        return model.evaluate(x, y, sample_weight, return_dict, **options)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = AUTO,
        steps: int | None = None,
        callbacks: Any = None,
        *,
        target: str | None = None,
    ) -> np.ndarray:
        """Return the outputs for x. See `glassnet.Sequential.predict`.

        With `verbose="auto"`, nothing is printed about work that lasts less than a second.

        Raises:
            ConfigError: for callbacks, or if steps do not cover all rows. See
                `glassnet.Sequential.predict`.
        """
        _check_no_callbacks("predict", callbacks)
        if steps is not None:
            steps = _check_steps("predict: steps", _count_rows(x), steps, batch_size or 32)
        model = self._synchronize()
        return model.predict(x, batch_size=batch_size, verbose=verbose, steps=steps, target=target)

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
        return self.predict(x, verbose=0)

    def is_training_row(self, x: Any) -> np.ndarray:
        """Return which rows equal training rows. See `glassnet.Sequential.is_training_row`."""
        return self._synchronize().is_training_row(x)

    def take_snapshot(self, x: Any = None, y: Any = None, *args: Any, **options: Any) -> Snapshot:
        """Return what the views read. See `glassnet.Sequential.take_snapshot`."""
        return self._synchronize().take_snapshot(x, y, *args, **options)

    def inspect(self, x: Any = None, y: Any = None, *, target: str | None = None) -> None:
        """Print which views fit this model and data. See `glassnet.Sequential.inspect`."""
        self._synchronize().inspect(x, y, target=target)

    def iter_training_runs(
        self, x: Any, y: Any = None, settings: Sequence[RunSettings] = (), **options: Any
    ) -> Iterator[TrainingRun]:
        """Yield what `fit` would run. See `glassnet.Sequential.iter_training_runs`."""
        return self._synchronize().iter_training_runs(x, y, settings, **options)

    def predict_labels(self, x: Any, *, target: str | None = None) -> np.ndarray:
        """Return the class of every row. See `glassnet.Sequential.predict_labels`."""
        return self._synchronize().predict_labels(x, target=target)

    def forecast(self, steps: int | None = None, series: Any = None) -> Forecast:
        """Forecast a series. See `glassnet.Sequential.forecast`."""
        return self._synchronize().forecast(steps, series)

    def trace(
        self, x: Any, y: Any = None, training: bool = False, *, target: str | None = None
    ) -> Trace:
        """Record every number of one training step. See `glassnet.Sequential.trace`."""
        return self._synchronize().trace(x, y, training, target=target)

    def summary(
        self,
        line_length: Any = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] = print,
        **options: Any,
    ) -> None:
        """Print the summary with `print_fn`. The other arguments are ignored."""
        self._model.summary(print_fn)

    @property
    def layers(self) -> list[LayerView]:
        """The layers as written (without `Input`), each as a view with its weights."""
        access = self._get_layer_weights, self._set_layer_weights
        return [view.with_access(*access) for view in self._model.layers]

    def get_layer(self, name: str | None = None, index: int | None = None) -> LayerView:
        """Return the layer of that name, or at that index.

        Raises:
            ConfigError: if there is no such layer.
        """
        layers = self.layers
        if index is None:
            return layers[self._model.get_layer(str(name)).index]
        is_valid = is_int(index, least=-len(layers)) and index < len(layers)
        require(is_valid, "get_layer", f"an index below {len(layers)}", index=index)
        return layers[index]

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """The input shape of a batch: (None, 784), or with the batch size of `Input`."""
        return self._batch_size, *self._layer_at(0).input_shape

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """The output shape of a batch: (None, 10)."""
        return self._batch_size, *self._layer_at(-1).output_shape

    def _layer_at(self, index: int) -> LayerView:
        layers = self._model.layers
        require(layers, "Sequential", "at least one layer", error=NotReadyError, layers=[])
        return layers[index]

    @property
    def built(self) -> bool:
        """Whether the model has weights."""
        return self._model.built

    @property
    def params(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of the weights learned by gradient. See `glassnet.Sequential.params`."""
        return self._synchronize().params

    def weights_named(self) -> dict[str, np.ndarray]:
        """Return copies of the weights by name. See `glassnet.Sequential.weights_named`."""
        return self._synchronize().weights_named()

    def count_params(self) -> int:
        """Return the number of weights, trainable or not."""
        return self._model.count_params()

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of all weights. See `glassnet.Sequential.get_weights`."""
        return self._synchronize().get_weights()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace all weights, in the order of `get_weights`; in a fit, after its last epoch."""
        self._model.set_weights(weights)
        self._on_new_weights()

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write only the weights. See `glassnet.Sequential.save_weights`.

        Keras's suffix `.h5` is allowed too; the file is a safetensors file all the same.
        """
        output_files.require_own_suffix("save_weights", path, output_files.KERAS_WEIGHTS_SUFFIXES)
        self._synchronize()._save_weights(path)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Replace the weights by those in a file. See `glassnet.Sequential.load_weights`."""
        self._model.load_weights(path)
        self._on_new_weights()

    def save(self, path: str | os.PathLike[str], *, row_fingerprints: bool = True) -> None:
        """Write the model to one file, for `load_model` or `glassnet.load`.

        See `glassnet.Sequential.save`.

        The name, the added models and the attributes of a subclass are not saved. Keras's suffixes
        `.keras` and `.h5` are allowed too; the file has Glassnet's format all the same.
        """
        output_files.require_own_suffix("save", path, output_files.KERAS_MODEL_SUFFIXES)
        self._synchronize()._save(path, row_fingerprints)

    def reset(self, seed: int | None = None) -> None:
        """Forget everything that was learned. See `glassnet.Sequential.reset`.

        Layers of other models still have the weights of those models.
        """
        self._model.reset(seed)

    @property
    def optimizer(self) -> OptimizerProxy | None:
        """The optimizer, with the current `learning_rate`; None before `compile`."""
        return OptimizerProxy(self) if self._model.optimizer else None

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step. A callback can set it too."""
        changes = self._changes
        if changes is not None and changes.learning_rate is not None:
            return changes.learning_rate
        return self._model.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if self._changes is None:
            self._model.learning_rate = rate
        else:
            is_valid = is_float32(rate) and rate > 0
            require(is_valid, "learning_rate", "a number > 0", learning_rate=rate)
            self._changes.learning_rate = float(rate)

    @property
    def metrics_names(self) -> list[str]:
        """The names of the results of `evaluate`, in order."""
        return self._model.metrics_names

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

    seed = _attribute("seed", "The seed of the model; None if none is set or drawn yet.")
    epoch = _attribute("epoch", "The number of epochs that the model has been trained for.")
    history = _attribute("history", "The history of the last fit, or None.")
    preprocessor = _attribute("preprocessor", "What the model has learned about its data, or None.")
    keeps_row_fingerprints = _attribute(
        "keeps_row_fingerprints", "Whether `fit` keeps a fingerprint of each training row."
    )

    def __getattr__(self, name: str) -> Any:
        if hasattr(type(self), name):  # a property that is not ready: raise its error again
            return object.__getattribute__(self, name)
        nearest = suggest(name, dir(type(self)))
        fix = next(
            (fix for words, fix in ATTRIBUTE_HINTS.items() if name in words.split()),
            f"{nearest} dir(model) lists the available names.".strip(),
        )
        raise MissingError(
            message("Sequential", "a name that Glassnet has (yet)", name=name, fix=fix)
        )

    def __repr__(self) -> str:
        return repr(self._model)

    def __getstate__(self) -> dict[str, Any]:
        # a copy made by a callback is not being fitted
        return vars(self) | {"_changes": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._shared_layers.views:
            self._model.set_build_hook(self._shared_layers.copy_to)

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        names = ("_model", "_shared_layers", "_fit_lock")
        copies = {name: copy.copy(vars(self)[name]) for name in names}
        twin.__setstate__(self.__getstate__() | copies)
        return twin

    def make_changed_copy(self, change: Change) -> Self:
        """Return a new, untrained model with a change; see `Finding.apply`.

        Raises:
            ConfigError: see `glassnet.Sequential.make_changed_copy`.
        """
        changed, twin = self._model.make_changed_copy(change), copy.copy(self)
        twin._model = changed
        twin.__setstate__(vars(twin))
        return twin

    def _synchronize(self, index: int | None = None) -> sequential.Sequential:
        """Return the model with the weights of the added models, which may have been trained.

        Args:
            index: the layer that is used, None for all.
        """
        if self._shared_layers.views and self._changes is None and self._model.built:
            self._shared_layers.copy_to(self._model, index)
        return self._model

    def _on_new_weights(self, index: int | None = None) -> None:
        """Pass weights that were set to the added models; in a fit, after its last epoch."""
        if self._changes is None:
            self._shared_layers.copy_from(self._model, index)
        else:
            self._changes.weights = self._model.get_weights()

    def _get_layer_weights(self, index: int) -> list[np.ndarray]:
        return self._synchronize(index).layers[index].get_weights()

    def _set_layer_weights(self, index: int, weights: Sequence[Any]) -> None:
        self._model.layers[index].set_weights(weights)
        self._on_new_weights(index)


def _resolve_part(value: Any, names: ModuleType) -> Any:
    """Return Glassnet's part for a name, a class or a function of Keras.

    Unknown names are returned in lower case.
    """
    if isinstance(value, str):
        if value not in names.__all__:
            return value.lower()
        value = getattr(names, value)
    if isinstance(value, FunctionAlias):
        return value.alias()
    part = value() if isinstance(value, KerasAlias | MissingName) else value
    return getattr(part, "glassnet_loss", getattr(part, "glassnet_metric", part))


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


def _check_no_callbacks(who: str, callbacks: Any) -> None:
    require(not callbacks, who, "callbacks=None: only fit calls them", callbacks=callbacks)


def _count_rows(x: Any, y: Any = None) -> int | None:
    """Return the number of rows; None for batches and files, whose rows are not counted.

    No other function of this module looks at the kind of the data.
    """
    x = next(iter(x.values()), None) if isinstance(x, Mapping) else x
    has_rows = hasattr(x, "__len__") and not isinstance(x, str) and not is_stream(x, y)
    return len(x) if has_rows else None


def _count_validation_rows(x: Any, y: Any, split: float, validation_data: Any) -> int | None:
    """Return the number of rows to validate on; None for batches and files."""
    if validation_data is None:
        n_rows = _count_rows(x, y)
        return None if n_rows is None else round(n_rows * split)
    n_rows = _count_rows(validation_data)
    is_sequence = n_rows is not None and isinstance(validation_data, tuple | list)
    is_xy = is_sequence and not is_table(validation_data)
    return _count_rows(*validation_data[:2]) if is_xy else n_rows


def _check_steps(argument: str, n_rows: int | None, steps: Any, batch_size: int) -> Any:
    """Return the number of batches to read; None for rows, which the steps must cover."""
    if n_rows is None:
        return steps
    check_steps(argument, steps, n_rows, batch_size)
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
    model = Sequential()
    model._model = load(filepath, add_registered(custom_objects), compile)
    return model


def save_model(
    model: Sequential, filepath: Any, overwrite: bool = True, zipped: bool | None = None
) -> None:
    """Write a model to one file, for `load_model`. See `Sequential.save`.

    Args:
        model: the model.
        filepath: the path of the file.
        overwrite: whether an existing file may be replaced.
        zipped: ignored: the model is one file.

    Raises:
        ConfigError: if the file exists and `overwrite` is False.
    """
    exists = not overwrite and os.path.exists(filepath)
    require(not exists, "save_model", "a new file", filepath=filepath, fix="Pass overwrite=True.")
    model.save(filepath)


FUNCTIONAL_HINT = (
    "Residual and Parallel branch inside a Sequential; "
    "docs/not-for.md lists alternatives for other graphs."
)

__all__, __getattr__ = export_aliases(
    __name__,
    {
        "Model": Unsupported(
            "Model",
            "a Sequential([...]) model",
            FUNCTIONAL_HINT,
            (Sequential, sequential.Sequential),
        ),
        "Sequential": Sequential,
        "load_model": load_model,
        "save_model": save_model,
    },
)
