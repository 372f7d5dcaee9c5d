"""What a model is and holds: layers in a row, their weights, what it is trained for, and all of it
in a file.
"""

from __future__ import annotations

import copy
import os
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from glassnet import fingerprinting, losses, optimizers
from glassnet.engine import network, objective
from glassnet.engine.epoch_runner import RunState
from glassnet.engine.loop import Record
from glassnet.engine.network import BuiltNetwork, WeightPaths
from glassnet.engine.train_step import (
    Program,
    TrainState,
    create_train_state,
    initial_rate,
    learning_rate_at,
    rate_for_learning_rate,
)
from glassnet.errors import NotReadyError, is_int, is_number, lookup, message, require
from glassnet.layers import Input, Layer, TextVectorization, functional
from glassnet.losses import Loss
from glassnet.metrics import get as resolve_metric
from glassnet.models import summary
from glassnet.models.layer_view import LayerView
from glassnet.optimizers import Optimizer
from glassnet.preprocessing.base import Preprocessor
from glassnet.storage import model_file, pickling
from glassnet.training.history import History
from glassnet.training.resume import ResumableRun
from glassnet.types import Params, Shape, State


class BaseModel:
    """Layers in a row, with their weights, which are drawn when the shape of the input is known."""

    def __init__(self, layers: Sequence[Layer] = (), seed: int | None = None):
        require(
            seed is None or is_int(seed, least=0),
            "Sequential",
            "seed to be an int >= 0 or None",
            seed=seed,
        )
        require(
            isinstance(layers, list | tuple),
            "Sequential",
            "a list of layers, Sequential([...])",
            type=type(layers).__name__,
        )
        self.seed, self._seed_was_drawn = seed, False
        self.history: History | None = None
        self._optimizer: Optimizer | None = None
        self._loss: Loss | None = None
        self._metrics: tuple[Any, ...] = ()
        self._input: Input | None = None
        self._layers: tuple[Layer, ...] = ()
        self._clear()
        for layer in layers:
            self.add(layer)

    def _clear(self) -> None:
        self.preprocessor: Preprocessor | None = None
        self._network: BuiltNetwork | None = None
        self._params: tuple[Params, ...] = ()
        self._state: tuple[State, ...] = ()
        self._optimizer_state: Any = None
        self._last_run_id: str | None = None
        self.epoch, self._step, self._rate = (
            0,
            0,
            initial_rate(self._optimizer) if self._optimizer else 0.0,
        )

    def add(self, layer: Layer) -> None:
        """Append a layer.

        Raises:
            ConfigError: see `Sequential`; or the model has weights already.
        """
        require(
            self._network is None,
            "add",
            "a model without weights",
            fix="Add all layers before the model is first used.",
        )
        functional.check_layer_type(layer)
        first = not self._layers and self._input is None
        fix = "What stands before it would have to take strings."
        require(
            first or not isinstance(layer, TextVectorization),
            "Sequential",
            "TextVectorization in front of all layers",
            fix=fix,
        )
        if isinstance(layer, Input):
            written = [
                type(other).__name__
                for other in (*([self._input] if self._input else []), *self._layers, layer)
            ]
            require(
                len(written) == 1, "Sequential", "one Input, in front of all layers", layers=written
            )
            self._input = layer
        else:
            self._layers = functional.with_names((*self._layers, layer))

    def __repr__(self) -> str:
        return f"Sequential({', '.join(str(layer.name) for layer in self._layers)})"

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: str | Loss | Callable | None = None,
        metrics: Any = (),
    ) -> None:
        """Say what to train for. Weights stay; what an earlier optimizer remembered is forgotten.
        May be left out: see `fit`.

        Args:
            optimizer: a name ("sgd", "rmsprop", "adam") or an optimizer.
            loss: a name, a loss or a JAX function (y_true, y_pred) -> a number per row; None has
                `fit` infer it.
            metrics: names, metrics or such functions; "accuracy" becomes the one that fits the
                loss.

        Raises:
            ConfigError: an unknown name (the nearest match is given); a cross-entropy without its
                softmax or sigmoid; two softmaxes.
        """
        chosen, target = optimizers.get(optimizer), None if loss is None else losses.get(loss)
        wanted = (
            tuple(metrics)
            if isinstance(metrics, list | tuple)
            else ()
            if metrics is None
            else (metrics,)
        )
        for metric in wanted:
            resolve_metric(metric, target or losses.MeanSquaredError(), 2)
        if target is not None:
            objective.check_loss(
                functional.unfold(self._layers),
                target,
                self._network.shapes[-1] if self._network else None,
            )
        self._optimizer, self._loss, self._metrics, self._rate, self._optimizer_state = (
            chosen,
            target,
            wanted,
            initial_rate(chosen),
            None,
        )

    @property
    def learning_rate(self) -> float:
        """The rate of the step to come; set it to train on at another, a schedule's course scaled
        alike: nothing is compiled again.

        Raises:
            NotReadyError: the model is not compiled.
            ConfigError: set to something that is no number > 0, or where a schedule is at 0.
        """
        return float(learning_rate_at(self._require_optimizer(), self._rate, np.int32(self._step)))

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        require(
            is_number(rate) and 0 < rate < 3e38,
            "learning_rate",
            "a number > 0 that float32 holds",
            learning_rate=rate,
        )
        self._set_learning_rate(float(rate))
        self._last_run_id = None

    def _set_learning_rate(self, rate: float) -> None:
        self._rate = rate_for_learning_rate(self._require_optimizer(), rate, self._step)

    def _require_optimizer(self) -> Optimizer:
        if self._optimizer is None:
            raise NotReadyError(
                message("learning_rate", "a compiled model", fix="Call compile or fit first.")
            )
        return self._optimizer

    @property
    def _text_vectorization(self) -> TextVectorization | None:
        """What makes numbers of strings, in front of the network."""
        return next(
            (layer for layer in self._layers[:1] if isinstance(layer, TextVectorization)), None
        )

    @property
    def _example_shape(self) -> Shape | None:
        """Of one example as numbers, where it is known."""
        if self._network or self._input:
            return self._network.shapes[0] if self._network else self._input.shape  # type: ignore[union-attr]
        return self._text_vectorization.shape if self._text_vectorization else None

    def summary(self) -> None:
        """Print a row per layer: its name, its output's shape and how many numbers it holds; all
        derived.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        print(
            summary.format_summary(
                self._require_built("summary"), self._params, self._state, self.preprocessor
            )
        )

    def count_params(self) -> int:
        """How many numbers the model holds, learned or not.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        self._require_built("count_params")
        return network.count_params((self._params, self._state))

    @property
    def params(self) -> dict[str, dict[str, np.ndarray]]:
        """Copies of what every layer has learned by gradient: {"dense_1": {"kernel": ..., "bias":
        ...}}.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        return network.params_by_name(self._require_built("params"), self._params)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights, layer by layer: each one's params, then its statistics, as Keras
        orders them.

        Raises:
            NotReadyError: the shape of the input is not known yet.
        """
        return self._get_weights_at(self._require_built("get_weights").weight_paths)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Put weights in, in the order of `get_weights`.

        Raises:
            NotReadyError: the shape of the input is not known yet.
            DataError: another number of arrays, or another shape.
        """
        self._set_weights_at(self._require_built("set_weights").weight_paths, weights)

    @property
    def layers(self) -> list[LayerView]:
        """The layers as they were written (without `Input`), each with a view of its weights."""
        return [
            LayerView(
                own,
                i,
                partial(self._require_built, "layers"),
                self._get_weights_at,
                self._set_weights_at,
            )
            for i, own in enumerate(self._layers)
        ]

    def get_layer(self, name: str) -> LayerView:
        """The layer of that name.

        Raises:
            ConfigError: there is none; the nearest name is given.
        """
        return self.layers[
            lookup("layer", name, {str(layer.name): i for i, layer in enumerate(self._layers)})
        ]

    def reset(self, seed: int | None = None) -> None:
        """Forget all that was learned; the next use draws new weights from `seed`, or from the
        model's seed where it is None.
        """
        require(
            seed is None or is_int(seed, least=0),
            "reset",
            "seed to be an int >= 0 or None",
            seed=seed,
        )
        if seed is not None:
            self.seed, self._seed_was_drawn = int(seed), False
        self._clear()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all that the model is into one file: layers, weights, compile settings, the
        optimizer's memory, history, and what was learned of a table. `gn.load` reads it; so does
        any reader of safetensors, the arrays. What stood there before is replaced in one move, or
        stays.

        Args:
            path: of the file, such as "titanic.glassnet".

        Raises:
            ModelFileError: something in the model cannot be saved, and where it is (a lambda,
                Optax, a name with other signs than letters, digits and _ . : + -, more than a file
                may hold); the file cannot be written.
        """
        model_file.write(path, model_file.pack_model(*self._export()))

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights and statistics alone, by name, as a safetensors file: "w.safetensors".

        Raises:
            NotReadyError: the shape of the input is not known yet.
            ModelFileError: the file cannot be written.
        """
        built = self._require_built("save_weights")
        model_file.write(
            path, model_file.pack_weights(built, model_file.ModelArrays(self._params, self._state))
        )

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Put in the weights that a file holds: one of `save_weights`, or of `save` for a model
        with the same layers.

        Raises:
            NotReadyError: the shape of the input is not known yet.
            ModelFileError: there is no such file, it is damaged, or holds arrays of other names or
                shapes.
        """
        built = self._require_built("load_weights")
        self._params, self._state, _ = model_file.read_weights(
            path, built, model_file.ModelArrays(self._params, self._state)
        )
        self._last_run_id = None

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: the bytes of the file that `save` writes, the user's own classes and
        functions, and what no file holds.
        """
        saved, built, arrays = self._export()
        return {
            "file": model_file.pack_model(saved, built, arrays),
            "custom_objects": pickling.collect_custom_objects(saved),
            "observations": self.history.observations if self.history else [],
            "beyond": self._user_attributes(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._restore(model_file.read_model(state["file"], state["custom_objects"]))
        if self.history:
            self.history.observations = state["observations"]
        vars(self).update(state["beyond"])

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self) | self._user_attributes())
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo[id(self)] = copy.copy(self)
        vars(twin).update(
            copy.deepcopy(self._user_attributes() | {"history": self.history}, memo)
        )  # layers and arrays are never changed
        return twin

    def _user_attributes(self) -> dict[str, Any]:
        """The attributes of a subclass, and the user's own."""
        ours = vars(BaseModel())
        return {name: value for name, value in vars(self).items() if name not in ours}

    def _export(self) -> tuple[model_file.ModelSpec, BuiltNetwork | None, model_file.ModelArrays]:
        """The model as plain data and arrays."""
        if self._network is None and self._input is not None and self._layers:
            self._build(self._input.shape)
        shape = (
            self._network.shapes[0] if self._network else self._input.shape if self._input else None
        )
        saved = model_file.ModelSpec(
            layers=self._layers,
            input_shape=shape,
            built=self._network is not None,
            seed=self.seed,
            optimizer=self._optimizer,
            loss=self._loss,
            metrics=self._metrics,
            has_optimizer_state=self._optimizer_state is not None,
            epoch=self.epoch,
            step=self._step,
            rate=float(self._rate),
            preprocessor=self.preprocessor,
            history=None if self.history is None else self.history.to_data(),
        )
        return (
            saved,
            self._network,
            model_file.ModelArrays(self._params, self._state, self._optimizer_state),
        )

    def _restore(self, loaded: model_file.LoadedModel) -> Self:
        """Become the model that was saved."""
        saved = loaded.spec
        self.seed, self._seed_was_drawn, self._layers, self.preprocessor = (
            saved.seed,
            False,
            functional.with_names(saved.layers),
            saved.preprocessor,
        )
        self._input, self._last_run_id = (
            None if saved.input_shape is None else Input(saved.input_shape),
            saved.run.id if saved.run else None,
        )
        self._optimizer, self._loss, self._metrics = saved.optimizer, saved.loss, saved.metrics
        self.epoch, self._step, self._rate = saved.epoch, saved.step, saved.rate
        self._network = loaded.built
        self._params, self._state, self._optimizer_state = loaded.arrays
        self.history = None if saved.history is None else History.from_data(saved.history)
        return self

    def _get_weights_at(self, weight_paths: WeightPaths) -> list[np.ndarray]:
        return network.get_weights(weight_paths, self._params, self._state)

    def _set_weights_at(self, weight_paths: WeightPaths, weights: Sequence[Any]) -> None:
        built = self._require_built("set_weights")
        before = self._get_weights_at(weight_paths)
        self._params, self._state = network.set_weights(
            built, weight_paths, self._params, self._state, weights
        )
        if not all(map(np.array_equal, before, self._get_weights_at(weight_paths))):
            self._last_run_id = None

    def _ensure_seed(self) -> int:
        if self.seed is None:
            self.seed, self._seed_was_drawn = secrets.randbits(31), True
        return self.seed

    def _replace_drawn_seed(self, seed: int | None) -> None:
        """Take the seed for one that chance gave, unless something was learned since."""
        if seed is None or not self._seed_was_drawn or self.epoch:
            return
        if self._network is not None:
            rng = np.random.default_rng(self._ensure_seed())
            _, *drawn = network.build(self._layers, self._network.shapes[0], rng)
            if fingerprinting.tree_fingerprint(drawn) != fingerprinting.tree_fingerprint(
                [self._params, self._state]
            ):
                return
            self._network = None
        self.seed = seed

    def _build(self, shape: Shape) -> BuiltNetwork:
        if self._network is None:
            require(self._layers, "Sequential", "at least one layer", layers=[])
            rng = np.random.default_rng(self._ensure_seed())
            self._network, self._params, self._state = network.build(self._layers, shape, rng)
        return self._network

    def _require_built(self, who: str) -> BuiltNetwork:
        if self._example_shape is None:
            fix = (
                "Adapt the TextVectorization, or fit the model first."
                if self._text_vectorization
                else "Put Input(shape) in front, or fit it first."
            )
            raise NotReadyError(message(who, "a model that knows its input's shape", fix=fix))
        return self._build(self._example_shape)

    def _make_program(self) -> Program:
        built = self._require_built("evaluate")
        if self._loss is None or self._optimizer is None:
            raise NotReadyError(
                message("evaluate", "a model with a loss", fix="Call compile or fit first.")
            )
        objective.check_loss(built.links, self._loss, built.shapes[-1])
        wanted = tuple(
            resolve_metric(metric, self._loss, built.shapes[-1][-1]) for metric in self._metrics
        )
        loss = self._loss
        if self.preprocessor is not None:
            loss, wanted = self.preprocessor.target.wrap_objective(loss, wanted)
        return Program(built.links, loss, self._optimizer, wanted)

    def _make_train_state(self, program: Program, seed: int) -> TrainState:
        return create_train_state(
            program,
            self._params,
            self._state,
            self._optimizer_state,
            rate=self._rate,
            seed=seed,
            step=self._step,
        )

    def _apply_record(self, record: Record) -> None:
        carry = record.train_state
        self._params, self._state, self._optimizer_state, self._step = (
            carry.params,
            carry.state,
            carry.optimizer_state,
            int(carry.step),
        )
        if record.decision.learning_rate:
            self._set_learning_rate(record.decision.learning_rate)
        if np.float32(self._rate) != np.asarray(carry.rate):
            require(
                False,
                "learning_rate",
                "no change during a fit: return Decision(learning_rate=...)",
                learning_rate=self.learning_rate,
            )
        self.epoch = record.epoch + record.complete

    def _resume_from(
        self, run: ResumableRun, start: RunState, fit_params: dict[str, Any]
    ) -> History:
        """Be where a run stands; its history."""
        assert run.history
        carry = start.final_state if run.finished else start.train_state
        self._params, self._state, self._optimizer_state, self._step = (
            carry.params,
            carry.state,
            carry.optimizer_state,
            int(carry.step),
        )
        self.epoch, self._rate = start.epoch, run.rate
        history = History.from_data(run.history)
        history.params, history.stopped = fit_params, history.stopped if run.finished else None
        return history
