"""Keras's `Sequential`: compile, fit, evaluate and predict with Keras's arguments."""

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
    ModelFileError,
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
from glassnet.keras import losses as loss_names
from glassnet.keras import metrics as metric_names
from glassnet.keras import optimizers as optimizer_names
from glassnet.keras.base_layer import KerasLayer
from glassnet.keras.base_model import KerasModel, without_number
from glassnet.keras.callbacks import PendingChanges
from glassnet.keras.compat import (
    FunctionAlias,
    KerasAlias,
)
from glassnet.keras.custom_layers import CustomLayer
from glassnet.keras.hints import find_attribute_hint
from glassnet.keras.missing_names import MissingName
from glassnet.keras.optimizer_proxy import OptimizerProxy
from glassnet.layers import Input
from glassnet.losses import BinaryCrossentropy, Loss
from glassnet.metrics import METRICS, Accuracy, Metric
from glassnet.models import sequential
from glassnet.models.fit_lock import FitLock
from glassnet.models.forecast import Forecast
from glassnet.partial_shapes import shape_fits
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
class Sequential(KerasModel):
    """A model with Keras's arguments in Keras's order.

    It has all methods of a `glassnet.Sequential`, and holds one: `glassnet_model`.

    Args:
        layers: the layers in order; the first can have an `input_shape`. Another model, or a layer
            of one, is added with its weights, and both models train them.
        trainable: whether the layers are trained.
        name: the name of the model.
        seed: as in `glassnet.Sequential`; None draws one from `set_random_seed`.

    Raises:
        ConfigError: if something is not a layer.

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
        super().__init__(name, seed)
        self._changes: PendingChanges | None = None
        self._fit_lock = FitLock()
        self.loss: Any = None
        for layer in layers:
            self.add(layer)
        if not trainable:
            self.trainable = False

    @property
    def _is_fitting(self) -> bool:
        return self._changes is not None

    def build(self, input_shape: Shape) -> None:
        """Set the shape of the input, batch axis first: (None, 784).

        Raises:
            ConfigError: the shape of the input is known, and it is another one.
        """
        fix = "Write build((None, 784))."
        is_shape = isinstance(input_shape, list | tuple) and len(input_shape) > 1
        require(is_shape, "build", "the shape of a batch", input_shape=input_shape, fix=fix)
        shape, known = Input(tuple(input_shape)[1:]).shape, self._model.input_shape
        if known is None:
            self._model.input_shape = shape
        else:
            expected = f"the known shape of the input, {(None, *known)}"
            require(shape_fits(shape, known), "build", expected, input_shape=input_shape)

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
        self.loss = loss
        self._synchronize()
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
        x, validation_data = self._adjust_rank(x), self._adjust_ranks(validation_data)
        batch_size = 32 if batch_size is None else batch_size
        if validation_batch_size is not None:
            n_rows = _count_validation_rows(x, y, validation_split, validation_data)
            sizes = validation_steps, validation_batch_size
            validation_steps = _check_steps("validation_steps", n_rows, *sizes)
        options |= {"steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps}
        options |= {"validation_split": validation_split, "validation_data": validation_data}
        options |= {"class_weight": class_weight, "sample_weight": sample_weight}
        with self._fit_lock.fit():
            model, n_epochs = self._synchronize(), epochs - initial_epoch
            self._own_layers(of_others=True)
            adapted = self._adapt_callbacks(
                callbacks,
                epochs=epochs,
                verbose=verbose,
                steps=steps_per_epoch or _count_steps(x, y, batch_size, validation_split),
            )
            self.stop_training, self._changes = False, PendingChanges(self)
            all_callbacks, changes = [*adapted, self._changes], self._changes
            try:
                with model._fit_lock.permit_weights():
                    arguments = batch_size, n_epochs, verbose, all_callbacks
                    history = model.fit(x, y, *arguments, shuffle=shuffle, **options)
                if changes.weights is not None:
                    model.set_weights(changes.weights)
            finally:
                self._changes = None
                self._publish()
            if any(isinstance(one, LearningRateScheduler | ReduceLROnPlateau) for one in adapted):
                history.history["learning_rate"] = changes.rates_of_epochs(len(history.epoch))
            return history

    def _adjust_ranks(self, data: Any) -> Any:
        """Return (x, y) with x as `_adjust_rank` returns it; other data are unchanged."""
        if isinstance(data, tuple | list) and data:
            return type(data)([self._adjust_rank(data[0]), *data[1:]])
        return data

    def _adapt_callbacks(self, callbacks: Any, **params: Any) -> list[Any]:
        """Return the callbacks as glassnet's, with `model` and `params` set in Keras's."""
        adapted: list[Any] = []
        for callback in normalize_callbacks(callbacks):
            if isinstance(callback, callback_names.Callback):
                callback.model, callback.params = self, params
                callback = callback_names.KerasCallbackAdapter(callback)
            adapted.append(callback)
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
        x = self._adjust_rank(x)
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
        x = self._adjust_rank(x)
        if steps is not None:
            steps = _check_steps("predict: steps", _count_rows(x), steps, batch_size or 32)
        model = self._synchronize()
        return model.predict(x, batch_size=batch_size, verbose=verbose, steps=steps, target=target)

    def fit_generator(self, generator: Any, *args: Any, **options: Any) -> History:
        """Train on batches: Keras 2's name for `fit(generator, steps_per_epoch=...)`.

        The arguments are Keras 2's: steps_per_epoch, epochs, verbose, callbacks, validation_data,
        validation_steps, class_weight. Those of its threads are ignored.
        """
        return self.fit(generator, **name_arguments(FIT_GENERATOR, args, options))

    def evaluate_generator(self, generator: Any, *args: Any, **options: Any) -> Any:
        """Return the loss and the metrics: Keras 2's name for `evaluate(generator, steps=...)`."""
        return self.evaluate(generator, **name_arguments(EVALUATE_GENERATOR, args, options))

    def predict_generator(self, generator: Any, *args: Any, **options: Any) -> np.ndarray:
        """Return the outputs: Keras 2's name for `predict(generator, steps=...)`."""
        return self.predict(generator, **name_arguments(EVALUATE_GENERATOR, args, options))

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Return `predict(x)`."""
        return self.predict(x, verbose=0)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return `evaluate(x, y)`."""
        return self.evaluate(x, y, verbose=0, sample_weight=sample_weight, return_dict=return_dict)

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
        self._synchronize().summary(print_fn)

    @property
    def params(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of the weights learned by gradient. See `glassnet.Sequential.params`."""
        return self._synchronize().params

    def weights_named(self) -> dict[str, np.ndarray]:
        """Return copies of the weights by name. See `glassnet.Sequential.weights_named`."""
        return self._synchronize().weights_named()

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write only the weights. See `glassnet.Sequential.save_weights`.

        Keras's suffix `.h5` is allowed too; the file is a safetensors file all the same.
        """
        output_files.require_own_suffix("save_weights", path, output_files.KERAS_WEIGHTS_SUFFIXES)
        self._synchronize()._save_weights(path)

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Replace the weights by those in a file. See `glassnet.Sequential.load_weights`."""
        self._synchronize().load_weights(path)
        self._on_new_weights()

    def save(
        self,
        path: str | os.PathLike[str],
        overwrite: bool = True,
        *,
        row_fingerprints: bool = True,
    ) -> None:
        """Write the model to one file, for `load_model` or `glassnet.load`.

        See `glassnet.Sequential.save`.

        The name, the added models and the attributes of a subclass are not saved. Keras's suffixes
        `.keras` and `.h5` are allowed too; the file has Glassnet's format all the same.

        Raises:
            ConfigError: overwrite is False, and the file exists.
        """
        output_files.require_own_suffix("save", path, output_files.KERAS_MODEL_SUFFIXES)
        custom = [layer.name for layer in self._iter_layers() if isinstance(layer, CustomLayer)]
        fix = "A class with call is code. Write save_weights, and build the model again to load it."
        expected = "layers that a file can hold"
        require(not custom, "save", expected, error=ModelFileError, layers=custom, fix=fix)
        is_free = overwrite or not os.path.exists(path)
        require(is_free, "save", "a new file", path=path, fix="Pass overwrite=True.")
        self._synchronize()._save(path, row_fingerprints)

    def reset(self, seed: int | None = None) -> None:
        """Forget everything that was learned. See `glassnet.Sequential.reset`.

        Other models with the same layers forget it, too.
        """
        self._sharing.forget()
        self._model.reset(seed)

    @property
    def optimizer(self) -> OptimizerProxy | None:
        """The optimizer, with the current `learning_rate`; None before `compile`."""
        return OptimizerProxy(self) if self._model.optimizer else None

    @property
    def pending_changes(self) -> PendingChanges | None:
        """What callbacks have changed during the fit in progress."""
        return self._changes

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step. A callback can set it too."""
        changes = self._changes
        rates = (changes.learning_rate, changes.step_rate) if changes else ()
        return next((rate for rate in rates if rate is not None), self._model.learning_rate)

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if self._changes is None:
            self._model.learning_rate = rate
        else:
            is_valid = is_float32(rate) and rate > 0
            require(is_valid, "learning_rate", "a number > 0", learning_rate=rate)
            self._changes.learning_rate = float(rate)

    @property
    def metrics(self) -> list[Metric]:
        """The metrics of `compile`, each with a `name`; none before the loss is known."""
        return list(self._synchronize().resolve_metrics())

    @property
    def metrics_names(self) -> list[str]:
        """The names of the results of `evaluate`, in order."""
        return self._model.metrics_names

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
        names = f"{nearest} dir(model) lists the available names.".strip()
        fix = find_attribute_hint(name) or names
        raise MissingError(
            message("Sequential", "a name that Glassnet has (yet)", name=name, fix=fix)
        )

    def __repr__(self) -> str:
        return repr(self._model)

    def __getstate__(self) -> dict[str, Any]:
        # a copy made by a callback is not being fitted
        return super().__getstate__() | {"_changes": None, "_fit_lock": FitLock()}

    def make_changed_copy(self, change: Change) -> Self:
        """Return a new, untrained model with a change; see `Finding.apply`.

        Raises:
            ConfigError: see `glassnet.Sequential.make_changed_copy`.
        """
        source = copy.copy(self._synchronize())
        if all(isinstance(entry, KerasLayer) for entry in self._entries):
            source.set_build_hook(None)
        changed = source.make_changed_copy(change)
        return self._with_layers(changed)

    def _with_layers(self, changed: sequential.Sequential) -> Self:
        """Return a copy with other layers, except for those of added models, which are shared."""
        layers = [KerasLayer(without_number(view.layer)) for view in changed.layers]
        entries: list[Any] = []
        for entry in self._entries:
            n = len(entry.as_steps())
            entries += [entry] if isinstance(entry, KerasModel) else layers[:n]
            layers = layers[n:]
        twin = copy.copy(self)
        twin._entries = entries + layers
        twin.replace_glassnet_model(changed)
        return twin

    def _on_new_weights(self) -> None:
        if self._changes is not None:
            self._changes.weights = self._model.get_weights()
        self._publish()


FIT_GENERATOR = (
    "steps_per_epoch epochs verbose callbacks validation_data validation_steps validation_freq"
    " class_weight max_queue_size workers use_multiprocessing shuffle initial_epoch"
)
EVALUATE_GENERATOR = "steps callbacks max_queue_size workers use_multiprocessing verbose"
"""The arguments of Keras 2's methods, after the generator."""

THREADS = ("max_queue_size", "workers", "use_multiprocessing")


def name_arguments(
    parameters: str, args: tuple[Any, ...], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a method of Keras 2 by name, without those of its threads."""
    arguments = dict(zip(parameters.split(), args, strict=False)) | options
    return {name: value for name, value in arguments.items() if name not in THREADS}


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


def _count_steps(x: Any, y: Any, batch_size: Any, validation_split: float) -> int | None:
    """Return the number of batches in an epoch; None for batches and files."""
    n_rows = _count_rows(x, y)
    if n_rows is None or not is_int(batch_size, least=1):
        return None
    steps: int = math.ceil((n_rows - round(n_rows * validation_split)) / batch_size)
    return steps


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
