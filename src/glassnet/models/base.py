"""The part of a model that needs no data: layers, weights, settings, saving and loading."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np

from glassnet import losses, optimizers, output_files
from glassnet.doctor.changes import Change, ModelParts
from glassnet.engine import network, objective
from glassnet.engine.epoch_runner import RunState
from glassnet.engine.loop import Record
from glassnet.engine.network import BuiltNetwork, LinkPath, WeightPaths
from glassnet.engine.placement import gather
from glassnet.engine.train_step import (
    Program,
    TrainState,
    initial_rate,
    learning_rate_at,
    rate_for_learning_rate,
)
from glassnet.errors import (
    MAX_SEED,
    ConfigError,
    NotReadyError,
    is_float32,
    is_int,
    lookup,
    message,
    require,
)
from glassnet.fingerprinting import RowFingerprints
from glassnet.layers import Input, Layer, TextVectorization, functional
from glassnet.losses import Loss
from glassnet.metrics import get as resolve_metric
from glassnet.models import summary
from glassnet.models.fit_lock import FitLock
from glassnet.models.layer_view import LayerView
from glassnet.models.setup import Setup
from glassnet.optimizers import Optimizer
from glassnet.partial_shapes import shape_fits
from glassnet.pipeline.adapter import InputSpec, ModelInfo
from glassnet.preprocessing.base import Preprocessor
from glassnet.storage import model_file, pickling
from glassnet.storage.arrays import ModelArrays
from glassnet.suggestions import suggest_names
from glassnet.training.history import History
from glassnet.training.resume import ResumableRun
from glassnet.types import Params, PartialShape, Shape, State


@suggest_names
class BaseModel:
    """A stack of layers with their weights.

    The weights are drawn once the shape of the input is known.
    """

    keeps_row_fingerprints = True
    """Whether `fit` keeps a fingerprint of each training row: see `Sequential.is_training_row`."""

    def __init__(self, layers: Sequence[Layer] = (), seed: int | None = None):
        who = "Sequential"
        require(is_seed(seed), who, "seed to be an int >= 0 or None", seed=seed)
        is_list = isinstance(layers, list | tuple)
        require(is_list, who, "a list of layers, Sequential([...])", type=type(layers).__name__)
        self._fit_lock = FitLock()
        self.seed, self._seed_was_drawn = seed, False
        self.history: History | None = None
        self._optimizer: Optimizer | None = None
        self._loss: Loss | None = None
        self._metrics: tuple[Any, ...] = ()
        self._input: Input | None = None
        self._layers: tuple[Layer, ...] = ()
        self._build_hook: Callable[[BaseModel], None] | None = None
        self._clear()
        for layer in layers:
            self.add(layer)

    def _clear(self) -> None:
        self.preprocessor: Preprocessor | None = None
        self._network: BuiltNetwork | None = None
        self._params: tuple[Params, ...] = ()
        self._state: tuple[State, ...] = ()
        self._optimizer_state: Any = None
        self._rows: RowFingerprints | None = None
        self._last_run_id: str | None = None
        self.epoch = self._step = 0
        self._rate = initial_rate(self._optimizer) if self._optimizer else 0.0

    def add(self, layer: Layer) -> None:
        """Append a layer.

        Raises:
            ConfigError: see `Sequential`; or the model has weights already, or is being fitted.
        """
        with self._fit_lock.change("add"):
            self._add(layer)

    def _add(self, layer: Layer) -> None:
        fix = "Add all layers before the model is first used."
        require(self._network is None, "add", "a model without weights", fix=fix)
        layer = functional.as_layer(layer)
        is_first = not self._layers and self._input is None
        fix = "A layer before it would receive strings."
        is_allowed = is_first or not isinstance(layer, TextVectorization)
        expected = "TextVectorization before all other layers"
        require(is_allowed, "Sequential", expected, fix=fix)
        if isinstance(layer, Input):
            layers = [*filter(None, [self._input]), *self._layers, layer]
            names = [type(other).__name__ for other in layers]
            expected = "one Input, before all other layers"
            require(is_first, "Sequential", expected, layers=names)
            self._input = layer
        else:
            self._layers = functional.with_names((*self._layers, layer))

    def __repr__(self) -> str:
        return f"Sequential({', '.join(str(layer.name) for layer in self._layers)})"

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: str | Loss | Callable[..., Any] | None = None,
        metrics: Any = (),
    ) -> None:
        """Choose the optimizer, the loss and the metrics.

        Weights stay. The state of an earlier optimizer is dropped. Without `compile`,
        `fit` chooses all three.

        Args:
            optimizer: a name ("sgd", "rmsprop", "adam") or an optimizer.
            loss: a name, a loss or a JAX function (y_true, y_pred) that returns a number per row.
                If None, `fit` infers the loss.
            metrics: names, metrics or such functions. "accuracy" becomes the accuracy that fits
                the loss.

        Raises:
            ConfigError: an unknown name (the message suggests the nearest name); a cross-entropy
                without its softmax or sigmoid; two softmaxes; or the model is being fitted.
        """
        resolved_optimizer = optimizers.get(optimizer)
        resolved_loss = None if loss is None else losses.get(loss)
        as_tuple = tuple(metrics) if isinstance(metrics, list | tuple) else (metrics,)
        requested = () if metrics is None else as_tuple
        for metric in requested:
            resolve_metric(metric, resolved_loss or losses.MeanSquaredError(), 1)
        if resolved_loss is not None:
            output_shape = self._network.shapes[-1] if self._network else None
            objective.check_loss(functional.unfold(self._layers), resolved_loss, output_shape)
        with self._fit_lock.change("compile"):
            self._optimizer, self._loss = resolved_optimizer, resolved_loss
            self._metrics = requested
            self._rate, self._optimizer_state = initial_rate(resolved_optimizer), None

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimizer; None before `compile` and `fit`."""
        return self._optimizer

    @property
    def metrics_names(self) -> list[str]:
        """The names of the results of `evaluate`, in order.

        Raises:
            NotReadyError: the shape of the input is not known yet, or there is no loss yet.
        """
        return list(self._make_program().log_names(include_validation=False))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step.

        Assign to it to change the rate. A schedule is scaled by the same factor. Nothing is
        compiled again.

        Raises:
            NotReadyError: the model is not compiled.
            ConfigError: the assigned value is not a number > 0, the schedule's rate is 0 here, or
                the model is being fitted.
        """
        return float(learning_rate_at(self._require_optimizer(), self._rate, np.int32(self._step)))

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        is_valid = is_float32(rate) and rate > 0
        expected = "a number > 0 that float32 holds"
        require(is_valid, "learning_rate", expected, learning_rate=rate)
        hint = ": return Decision(learning_rate=...)"
        with self._fit_lock.change("learning_rate", hint, learning_rate=rate):
            self._set_learning_rate(float(rate))
            self._last_run_id = None

    def _set_learning_rate(self, rate: float) -> None:
        self._rate = rate_for_learning_rate(self._require_optimizer(), rate, self._step)

    def _require_optimizer(self) -> Optimizer:
        if self._optimizer is None:
            fix = "Call compile or fit first."
            raise NotReadyError(message("learning_rate", "a compiled model", fix=fix))
        return self._optimizer

    @property
    def _text_vectorization(self) -> TextVectorization | None:
        """The layer that turns strings into numbers, before the network."""
        first = self._layers[0] if self._layers else None
        return first if isinstance(first, TextVectorization) else None

    @property
    def _example_shape(self) -> PartialShape | None:
        """The shape of one example as numbers, if it is known."""
        if self._network:
            return self._network.shapes[0]
        first: Input | TextVectorization | None = self._input or self._text_vectorization
        return first.shape if first else None

    @property
    def input_shape(self) -> PartialShape | None:
        """The shape of one example as numbers; None if it is not known yet.

        Assign to it to set the shape as an `Input` does, or None to forget it.

        Raises:
            ConfigError: on assignment, if the model has weights.
        """
        return self._example_shape

    @input_shape.setter
    def input_shape(self, shape: PartialShape | None) -> None:
        require(not self.built, "input_shape", "a model without weights", input_shape=shape)
        with self._fit_lock.change("input_shape"):
            self._input = None if shape is None else Input(shape)

    def _accept_sizes(self, shape: Shape) -> None:
        """Accept examples of another length too, if the input's shape was learned from data.

        The weights stay. Nothing changes if they depend on the sizes that differ.
        """
        built = self._network
        is_declared = self._input is not None or self.preprocessor is not None
        if built is None or is_declared or shape_fits(shape, built.shapes[0]):
            return
        partial = [a if a == b else None for a, b in zip(shape, built.shapes[0], strict=True)]
        with suppress(ConfigError):
            network_of_any = network.build(built.layers, tuple(partial), np.random.default_rng(0))
            with self._fit_lock.change("input_shape"):
                self._network = network_of_any[0]

    @property
    def built(self) -> bool:
        """Whether the model has weights."""
        return self._network is not None

    def set_build_hook(self, hook: Callable[[BaseModel], None] | None) -> None:
        """Set the function that is called with the model when its weights have been drawn.

        It may replace them (`set_weights`). Weights are drawn once the shape of the input is known,
        and again after `reset`. The function is not saved with the model.
        """
        self._build_hook = hook

    def summary(self, print_fn: Callable[[str], Any] = print) -> None:
        """Print a table of the layers: name, type, output shape and number of weights.

        Shapes and numbers are question marks as long as the shape of the input is not known.

        Args:
            print_fn: called with the table.
        """
        require(callable(print_fn), "summary", "print_fn to be a function", print_fn=print_fn)
        if self._example_shape is None:
            print_fn(summary.format_unknown(self._layers))
            return
        built = self._require_built("summary")
        print_fn(summary.format_summary(built, self._params, self._state, self.preprocessor))

    def count_params(self) -> int:
        """Return the number of weights, trainable or not.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        self._require_built("count_params")
        return network.count_params((self._params, self._state))

    @property
    def params(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of the weights learned by gradient: {"dense_1": {"kernel": ..., "bias": ...}}.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        return network.params_by_name(self._require_built("params"), self._params)

    def weights_named(self) -> dict[str, np.ndarray]:
        """Return copies of the weights learned by gradient, by layer and param.

        `gn.inspection` takes these names: {"dense_1/kernel": ..., "dense_1/bias": ...}.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        return {
            f"{layer}/{key}": values
            for layer, params in self.params.items()
            for key, values in params.items()
        }

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of all weights, layer by layer: params, then statistics, in Keras's order.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        return self.get_weights_at(self._require_built("get_weights").weight_paths)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace all weights. The order is that of `get_weights`.

        Raises:
            NotReadyError: the shape of the input is not known yet.
            DataError: the number of arrays or a shape differs.
            ConfigError: the model is being fitted.
        """
        self.set_weights_at(self._require_built("set_weights").weight_paths, weights)

    @property
    def layers(self) -> list[LayerView]:
        """The layers as written (without `Input`), each as a view with its weights."""
        require_built = partial(self._require_built, "layers")
        return [
            LayerView(layer, i, require_built, self._get_layer_weights, self._set_layer_weights)
            for i, layer in enumerate(self._layers)
        ]

    def get_layer(self, name: str) -> LayerView:
        """Return the layer called `name`.

        Raises:
            ConfigError: there is no such layer; the message suggests the nearest name.
        """
        indices = {str(layer.name): i for i, layer in enumerate(self._layers)}
        return self.layers[lookup("layer", name, indices)]

    def reset(self, seed: int | None = None) -> None:
        """Forget everything that was learned. The next use draws new weights.

        Args:
            seed: seed of the new weights; None for the model's seed.
        """
        require(is_seed(seed), "reset", "seed to be an int >= 0 or None", seed=seed)
        with self._fit_lock.change("reset"):
            if seed is not None:
                self.seed, self._seed_was_drawn = int(seed), False
            self._clear()

    def save(self, path: str | os.PathLike[str], *, row_fingerprints: bool = True) -> None:
        """Write the model to one file, which `gn.load` reads.

        The file holds the layers, the weights, the compile settings, the optimizer's state, the
        history and the preprocessor. It is a safetensors file, so other programs can read the
        arrays. An existing file is replaced in one step, or stays as it is.

        Args:
            path: path of the file, such as "titanic.glassnet".
            row_fingerprints: whether to write the fingerprints of the training rows, by which
                `evaluate` recognizes them. Whoever has the file and a row can find out whether the
                row was trained on. The rows themselves are not in the file.

        Raises:
            ModelFileError: the file cannot be written, or something in the model cannot be saved: a
                lambda, Optax, a name with characters other than letters, digits and _ . : + -. Or
                the model exceeds a limit of the file format, or the suffix of `path` is that of
                another format, such as .keras or .onnx.
        """
        output_files.require_own_suffix("save", path)
        self._save(path, row_fingerprints)

    def _save(self, path: str | os.PathLike[str], row_fingerprints: bool = True) -> None:
        """Write the model to a file of any suffix."""
        spec, built, arrays = self._export()
        if not row_fingerprints:
            arrays = arrays._replace(rows=None)
        model_file.write(path, model_file.pack_model(spec, built, arrays))

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write only the weights and statistics, by name, to a safetensors file: "w.safetensors".

        Raises:
            NotReadyError: the shape of the input is not known yet.
            ModelFileError: the file cannot be written, or its suffix is that of another format.
        """
        output_files.require_own_suffix("save_weights", path, (".safetensors",))
        self._save_weights(path)

    def _save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to a file of any suffix."""
        built = self._require_built("save_weights")
        arrays = ModelArrays(self._params, self._state)
        model_file.write(path, model_file.pack_weights(built, arrays))

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Replace the weights by those in a file that `save_weights` or `save` wrote.

        Raises:
            NotReadyError: the shape of the input is not known yet.
            ModelFileError: the file does not exist, is damaged, or holds arrays of other names or
                shapes.
        """
        built = self._require_built("load_weights")
        arrays = ModelArrays(self._params, self._state)
        loaded = model_file.read_weights(path, built, arrays)
        with self._fit_lock.change("load_weights", only_weights=True):
            self._params, self._state = loaded.params, loaded.state
            self._last_run_id = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for pickle: the file's bytes, custom objects, and unsaved attributes."""
        saved, built, arrays = self._export()
        return {
            "file": model_file.pack_model(saved, built, arrays),
            "custom_objects": pickling.collect_custom_objects(saved),
            "observations": self.history.observations if self.history else [],
            "weights": self.history.weights if self.history else {},
            "beyond": self._user_attributes(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._restore(model_file.read_model(state["file"], state["custom_objects"]))
        if self.history:
            self.history.observations = state["observations"]
            self.history.weights = state.get("weights", {})
        vars(self).update(state["beyond"])

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        with self._fit_lock:
            vars(twin).update(vars(self) | self._user_attributes() | {"_fit_lock": FitLock()})
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo[id(self)] = copy.copy(self)
        # Layers and arrays are never changed in place, so the copies share them.
        attributes = self._user_attributes() | {"history": self.history}
        vars(twin).update(copy.deepcopy(attributes, memo))
        return twin

    def _user_attributes(self) -> dict[str, Any]:
        """Return the attributes that a subclass or the user added."""
        names = vars(BaseModel())
        return {name: value for name, value in vars(self).items() if name not in names}

    def _export(self) -> tuple[model_file.ModelSpec, BuiltNetwork | None, ModelArrays]:
        """Return the model as plain data, its network and its arrays."""
        with self._fit_lock:
            if self._network is None and self._input is not None and self._layers:
                self._build(self._input.shape)
            arrays = ModelArrays(self._params, self._state, self._optimizer_state, self._rows)
            return self._to_spec(self._get_setup()), self._network, arrays

    def _to_spec(self, setup: Setup) -> model_file.ModelSpec:
        """Return the model with another setup as plain data."""
        unbuilt_shape = self._input.shape if self._input else None
        return model_file.ModelSpec(
            layers=setup.layers,
            input_shape=setup.network.shapes[0] if setup.network else unbuilt_shape,
            built=setup.network is not None,
            seed=setup.seed,
            optimizer=setup.optimizer,
            loss=setup.loss,
            metrics=setup.metrics,
            has_optimizer_state=setup.optimizer_state is not None,
            epoch=self.epoch,
            step=self._step,
            rate=float(setup.rate),
            preprocessor=setup.preprocessor,
            history=None if self.history is None else self.history.to_data(),
        )

    def _restore(self, loaded: model_file.LoadedModel) -> Self:
        """Become the model that was saved."""
        self._fit_lock = FitLock()
        spec = loaded.spec
        self.seed, self._seed_was_drawn = spec.seed, False
        self._layers, self.preprocessor = functional.with_names(spec.layers), spec.preprocessor
        self._input = None if spec.input_shape is None else Input(spec.input_shape)
        self._last_run_id = spec.run.id if spec.run else None
        self._optimizer, self._loss, self._metrics = spec.optimizer, spec.loss, spec.metrics
        self.epoch, self._step, self._rate = spec.epoch, spec.step, spec.rate
        self._build_hook = None
        self._network = loaded.built
        self._params, self._state, self._optimizer_state, self._rows = loaded.arrays
        self.history = None if spec.history is None else History.from_data(spec.history)
        return self

    def _get_layer_weights(self, index: int) -> list[np.ndarray]:
        return self.get_weights_at(self._layer_weight_paths(index))

    def _set_layer_weights(self, index: int, weights: Sequence[Any]) -> None:
        self.set_weights_at(self._layer_weight_paths(index), weights)

    def _layer_weight_paths(self, index: int) -> WeightPaths:
        built = self._require_built("layers")
        start, stop = built.spans[index]
        return [entry for entry in built.weight_paths if start <= entry[1][0] < stop]

    @property
    def weight_paths(self) -> WeightPaths:
        """The positions of all weights, in the order of `get_weights`."""
        return self._require_built("get_weights").weight_paths

    def compute_penalties(self) -> list[np.ndarray]:
        """Return the penalty of each layer that has a regularizer and is trained."""
        links = self._require_built("losses").links
        penalties = [
            network.penalty((link,), (params,))
            for link, params in zip(links, self._params, strict=True)
        ]
        return [np.asarray(penalty) for penalty in penalties if penalty is not None]

    def resolve_metrics(self) -> tuple[Any, ...]:
        """Return the metrics of `compile`; none before there is a loss."""
        return self._make_program().metrics if self._loss is not None else ()

    def get_weights_at(self, weight_paths: WeightPaths) -> list[np.ndarray]:
        """Return copies of the weights at these positions."""
        with self._fit_lock:
            params, state = self._params, self._state
        return network.get_weights(weight_paths, params, state)

    def set_weights_at(self, weight_paths: WeightPaths, weights: Sequence[Any]) -> None:
        """Replace the weights at these positions: see `set_weights`."""
        built = self._require_built("set_weights")
        with self._fit_lock.change("set_weights", only_weights=True):
            before = self.get_weights_at(weight_paths)
            self._params, self._state = network.set_weights(
                built, weight_paths, self._params, self._state, weights
            )
            if not all(map(np.array_equal, before, self.get_weights_at(weight_paths))):
                self._last_run_id = None

    @property
    def weight_trees(self) -> tuple[tuple[Params, ...], tuple[State, ...]]:
        """The params and the state of all links; () before they are drawn. They never change."""
        with self._fit_lock:
            return self._params, self._state

    def get_link_weights(
        self, path: LinkPath, start: int, stop: int
    ) -> tuple[tuple[Params, ...], tuple[State, ...]]:
        """Return the params and the state of some links, without a copy; they never change.

        Args:
            path: path of the composite that contains the links; () for the network itself.
            start: index of the first link there.
            stop: index after the last link.
        """
        self._require_built("layers")
        with self._fit_lock:
            params, state = self._params, self._state
        return (
            network.tree_get(params, path)[start:stop],
            network.tree_get(state, path)[start:stop],
        )

    def set_link_weights(
        self, path: LinkPath, start: int, stop: int, weights: tuple[Any, Any]
    ) -> None:
        """Replace the params and the state of some links by others of the same shapes.

        Raises:
            ConfigError: the model is being fitted.
        """
        with self._fit_lock.change("set_weights", only_weights=True):
            trees = [self._params, self._state]
            for i, (tree, values) in enumerate(zip(trees, weights, strict=True)):
                links = network.tree_get(tree, path)
                links = (*links[:start], *values, *links[stop:])
                trees[i] = network.tree_set(tree, path, links)
            self._params, self._state = trees
            self._last_run_id = None

    def get_link_shape(self, index: int) -> PartialShape:
        """Return the shape of one example at the input of a link of the network."""
        return self._require_built("layers").shapes[index]

    def set_layers(self, layers: Sequence[Layer]) -> None:
        """Replace all layers. New weights are drawn, or come from the build hook.

        What does not belong to the layers stays; the state of the optimizer is dropped.

        Raises:
            ConfigError: see `Sequential`; or the model is being fitted.
        """
        with self._fit_lock.change("layers"):
            checked = BaseModel(layers)
            if checked._text_vectorization:
                self._input = None
            elif self._network is not None:
                self._input = Input(self._network.shapes[0])
            self._layers, self._network = checked._layers, None
            self._params, self._state, self._optimizer_state = (), (), None
            self._last_run_id = None

    def _get_setup(self) -> Setup:
        with self._fit_lock:
            return Setup(
                self._layers,
                self.seed,
                self._seed_was_drawn,
                self.preprocessor,
                self._network,
                self._params,
                self._state,
                self._optimizer,
                self._optimizer_state,
                self._rate,
                self._loss,
                self._metrics,
                self._rows,
            )

    def _commit(
        self,
        setup: Setup,
        start: RunState | None = None,
        history: History | None = None,
        run: ResumableRun | None = None,
    ) -> None:
        """Take over a setup and, for a fit, the state in which it starts and its history."""
        with self._fit_lock:
            self.seed, self._seed_was_drawn = setup.seed, setup.seed_was_drawn
            self.preprocessor, self._network = setup.preprocessor, setup.network
            self._params, self._state = setup.params, setup.state
            self._optimizer, self._optimizer_state = setup.optimizer, setup.optimizer_state
            self._rate, self._loss, self._metrics = setup.rate, setup.loss, setup.metrics
            self._rows = setup.rows
            if start is None:
                return
            self.history, self._last_run_id = history, run.info.id if run else None
            if run and run.history:
                self._apply_train_state(start.final_state if run.finished else start.train_state)
                self.epoch, self._rate = start.epoch, run.rate

    def get_settings(self) -> Setup:
        """Return the layers and the settings of `compile`, without anything that was learned."""
        setup = self._get_setup()
        return Setup(
            layers=setup.layers,
            seed=setup.seed,
            seed_was_drawn=setup.seed_was_drawn,
            optimizer=setup.optimizer,
            rate=initial_rate(setup.optimizer) if setup.optimizer else 0.0,
            loss=setup.loss,
            metrics=setup.metrics,
        )

    def resolve_setup(self, setup: Setup, spec: InputSpec) -> tuple[Setup, str]:
        """Return a setup of this model for data, and a message: see `Setup.resolve`."""
        return self._resolve(setup, spec)

    def describe_setup(self, setup: Setup) -> ModelInfo:
        """Return the facts about a setup of this model that a data adapter uses."""
        shape = self._input.shape if self._input else None
        info = setup.describe(shape)
        return replace(info, example_shape=info.vectorizer.shape) if info.vectorizer else info

    def make_trained_copy(
        self, setup: Setup, train_state: TrainState, epoch: int, history: History
    ) -> Self:
        """Return a copy of the model as a fit with another setup has left it."""
        twin = copy.copy(self)
        twin._commit(setup)
        twin._apply_train_state(train_state)
        twin._layers, twin._rate = setup.layers, float(train_state.rate)
        twin.epoch, twin.history, twin._last_run_id = epoch, history, None
        return twin

    def make_changed_copy(self, change: Change) -> Self:
        """Return a new, untrained model with other layers, optimizer or loss: a remedy.

        Its seed, metrics, class and shape of the input are those of this model, which stays as it
        is. What layers have learned by their `adapt` stays, too; a fit learns the rest.

        Args:
            change: see `glassnet.doctor.changes`. It is what `Finding.apply` passes.

        Raises:
            ConfigError: the change does not fit the model, its loss does not fit the last layer, or
                layers are inserted or removed in a model whose build hook chooses weights.
        """
        setup, who = self._get_setup(), "apply"
        parts = change.apply(ModelParts(setup.layers, setup.optimizer, setup.loss))
        is_free = self._build_hook is None or len(parts.layers) == len(setup.layers)
        fix = f"Build the changed model yourself: {change.describe()}."
        expected = "a model whose starting weights do not come from another model or a build hook"
        require(is_free, who, expected, model=repr(self), fix=fix)
        if parts.loss is not None:
            objective.check_loss(functional.unfold(parts.layers), parts.loss)
        twin = copy.copy(self)
        twin._layers = functional.with_names(parts.layers)
        twin._optimizer, twin._loss, twin.history = parts.optimizer, parts.loss, None
        twin._clear()
        return twin

    def _describe(self, setup: Setup | None = None) -> ModelInfo:
        """Return the facts about the model that a data adapter uses."""
        return (setup or self._get_setup()).describe(self._example_shape)

    def _build(self, shape: PartialShape) -> BuiltNetwork:
        with self._fit_lock:
            if self._network is None:
                self._commit(self._apply_build_hook(self._get_setup().build(shape)))
            assert self._network is not None
            return self._network

    def _apply_build_hook(self, setup: Setup) -> Setup:
        """Return the setup of a new network with the weights that the build hook chooses."""
        if self._build_hook is None:
            return setup
        twin = copy.copy(self)
        twin._commit(setup)
        self._build_hook(twin)
        return twin._get_setup()

    def _resolve(self, setup: Setup, spec: InputSpec) -> tuple[Setup, str]:
        """Return the setup for data, and a message: see `Setup.resolve`."""
        resolved, message = setup.resolve(spec)
        is_new = setup.network is None
        return (self._apply_build_hook(resolved) if is_new else resolved), message

    def _require_built(self, who: str) -> BuiltNetwork:
        if self._example_shape is None:
            remedy = "Add Input(shape) as the first layer, or fit it first."
            text_remedy = "Adapt the TextVectorization, or fit the model first."
            fix = text_remedy if self._text_vectorization else remedy
            raise NotReadyError(message(who, "a model that knows its input's shape", fix=fix))
        return self._build(self._example_shape)

    def _make_program(self) -> Program:
        self._require_built("evaluate")
        return self._get_setup().make_program()

    def _apply_record(self, record: Record) -> None:
        with self._fit_lock:
            self._apply_train_state(record.train_state)
            self._follow_rate(record)
            if record.decision.learning_rate:
                self._set_learning_rate(record.decision.learning_rate)
            self.epoch = record.epoch + record.complete

    def _follow_rate(self, record: Record) -> None:
        """Take over the learning rate of the next step, which step hooks may have changed."""
        if record.run_state is not None:
            rate = float(gather(record.run_state.train_state.rate))
            if rate != np.float32(self._rate):
                self._rate = rate

    def _apply_train_state(self, train_state: TrainState) -> None:
        on_one = gather(train_state)
        self._params, self._state = on_one.params, on_one.state
        self._optimizer_state = on_one.optimizer_state
        self._step = int(on_one.step)


def is_seed(value: Any) -> bool:
    """Return whether `value` is None or a seed, an int >= 0."""
    return value is None or is_int(value, least=0, most=MAX_SEED)
