"""The setup of a model: everything that is decided before the first step, as plain values."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet import fingerprinting, optimizers
from glassnet.callbacks import Callback
from glassnet.data import arrays
from glassnet.engine import inference, network, objective
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import ONE_DEVICE, Placement
from glassnet.engine.train_step import Program, TrainState, create_train_state, initial_rate
from glassnet.errors import NotReadyError, message, require
from glassnet.fingerprinting import RowFingerprints, make_salt
from glassnet.layers import Layer, TextVectorization, functional
from glassnet.losses import Loss
from glassnet.metrics import get as resolve_metric
from glassnet.optimizers import Optimizer
from glassnet.pipeline.adapter import InputSpec, ModelInfo, TrainingData
from glassnet.pipeline.options import FitOptions
from glassnet.preprocessing.base import Preprocessor
from glassnet.training.resume import describe_callback
from glassnet.types import Params, PartialShape, State


@dataclass(frozen=True)
class Setup:
    """Layers, weights and settings of a model. Methods return a changed setup.

    Attributes:
        layers: as the user wrote them, without `Input`.
        seed: of the starting weights, the split, the order and the noise; None if not drawn yet.
        seed_was_drawn: whether the seed was not chosen by the user.
        preprocessor: fitted to the training rows, or None.
        network: built for the shape of one example, or None.
        params: of all links.
        state: of all links.
        optimizer: None before `compile`.
        optimizer_state: None before the first step.
        rate: the learning rate, or the factor on the schedule.
        loss: None before it is named or inferred.
        metrics: as the user named them.
        rows: fingerprints of the training rows; None before the first fit, or if they are unknown.
    """

    layers: tuple[Layer, ...] = ()
    seed: int | None = None
    seed_was_drawn: bool = False
    preprocessor: Preprocessor | None = None
    network: BuiltNetwork | None = None
    params: tuple[Params, ...] = ()
    state: tuple[State, ...] = ()
    optimizer: Optimizer | None = None
    optimizer_state: Any = None
    rate: float = 0.0
    loss: Loss | None = None
    metrics: tuple[Any, ...] = ()
    rows: RowFingerprints | None = None

    def with_seed(self, placement: Placement = ONE_DEVICE) -> Setup:
        """Return the setup with a seed; if there is none, one is drawn for all processes."""
        if self.seed is not None:
            return self
        seed = placement.agree(secrets.randbits(31), "seed")
        return replace(self, seed=seed, seed_was_drawn=True)

    def with_resumed_seed(self, seed: int) -> Setup:
        """Return the setup with the seed of a resumed run instead of one that was drawn.

        Nothing changes if the user chose the seed, or if the weights are not the starting weights.
        """
        if not self.seed_was_drawn:
            return self
        if self.network is not None:
            rng = np.random.default_rng(self.seed)
            _, *drawn = network.build(self.layers, self.network.shapes[0], rng)
            trees = drawn, [self.params, self.state]
            if len(set(map(fingerprinting.tree_fingerprint, trees))) > 1:
                return self
        return replace(self, seed=seed, network=None)

    def describe(self, example_shape: PartialShape | None) -> ModelInfo:
        """Return the facts that a data adapter uses."""
        if self.network is not None:
            links, example_shape = self.network.links, self.network.shapes[0]
        else:
            links = functional.unfold(self.layers)
        first = self.layers[0] if self.layers else None
        vectorizer = first if isinstance(first, TextVectorization) else None
        head = objective.head_spec(links)
        return ModelInfo(links, head, self.loss, example_shape, self.preprocessor, vectorizer)

    def build(self, shape: PartialShape) -> Setup:
        """Return the setup with a network; a new one is built for examples of `shape`.

        Raises:
            ConfigError: see `network.build`.
        """
        if self.network is not None:
            return self
        require(self.layers, "Sequential", "at least one layer", layers=[])
        setup = self.with_seed()
        rng = np.random.default_rng(setup.seed)
        built, params, state = network.build(self.layers, shape, rng)
        return replace(setup, network=built, params=params, state=state)

    def resolve(self, spec: InputSpec) -> tuple[Setup, str]:
        """Return the setup for data, with network, loss and optimizer, and a message.

        If no loss was named, it is inferred: see `objective.infer_loss`.

        Raises:
            ConfigError: the network does not fit the target; see `objective.infer_loss`.
            DataError: targets that are not numbers.
        """
        setup = replace(self, preprocessor=spec.preprocessor).build(spec.example_shape)
        built, preprocessor = setup.require_network(), spec.preprocessor
        if preprocessor is not None:
            head = objective.head_spec(built.links, built.shapes[-1])
            preprocessor.target.check_network(head, self.loss)
        if self.loss is not None:
            return setup, ""
        targets, outputs = arrays.check_numeric(spec.targets, "y"), built.shapes[-1]
        loss, metrics, reason = objective.infer_loss(built.links, outputs, targets)
        metrics = self.metrics or metrics or (("mae",) if preprocessor else ())
        setup = replace(setup, loss=loss, metrics=metrics)
        if self.optimizer is None:
            optimizer = optimizers.get("adam")
            setup = replace(setup, optimizer=optimizer, rate=initial_rate(optimizer))
        name = type(setup.optimizer).__name__
        return setup, f"loss: {loss.display_name}, as {reason}; optimizer: {name}"

    def adapt(self, x: Any) -> tuple[Setup, str]:
        """Let layers such as Normalization learn from training rows; return messages too.

        Raises:
            NotReadyError: statistics are missing, but x is not an array in memory.
        """
        links = self.require_network().links
        state = inference.adapt_state(links, self.params, self.state, x)
        return replace(self, state=state), network.describe_adaptation(links, self.state, state)

    def require_network(self) -> BuiltNetwork:
        """Return the network of a setup that is known to have one."""
        assert self.network is not None
        return self.network

    def make_program(self) -> Program:
        """Return the training program.

        Raises:
            NotReadyError: there is no loss yet.
            ConfigError: the last layer does not fit the loss.
        """
        built = self.require_network()
        if self.loss is None or self.optimizer is None:
            fix = "Call compile or fit first."
            raise NotReadyError(message("evaluate", "a model with a loss", fix=fix))
        objective.check_loss(built.links, self.loss, built.shapes[-1])
        loss, n_outputs = self.loss, built.n_outputs
        metrics = tuple(resolve_metric(metric, loss, n_outputs) for metric in self.metrics)
        if self.preprocessor is not None:
            loss, metrics = self.preprocessor.target.wrap_objective(loss, metrics)
        return Program(built.links, loss, self.optimizer, metrics)

    def make_train_state(
        self, program: Program, seed: int, step: int, placement: Placement = ONE_DEVICE
    ) -> TrainState:
        """Return the train state before a step, on the devices."""
        train_state = create_train_state(
            program,
            self.params,
            self.state,
            self.optimizer_state,
            rate=self.rate,
            seed=seed,
            step=step,
        )
        return placement.put(train_state)

    def with_training_rows(
        self, hash_rows: Callable[[int], np.ndarray | None], is_first_fit: bool
    ) -> Setup:
        """Return the setup with the fingerprints of the rows that a fit trains on, too.

        Args:
            hash_rows: see `DataAdapter.hash_training_rows`.
            is_first_fit: whether the model has not been trained yet. If it has, and its training
                rows are unknown, they stay unknown.
        """
        rows = self.rows
        if rows is None:
            if not is_first_fit:
                return self
            names = [type(layer).__name__ for layer in self.layers]
            salt = make_salt(self.seed, *names, *self.require_network().shapes)
            rows = RowFingerprints(salt)
        return replace(self, rows=rows.add(hash_rows(rows.salt)))

    def fingerprint(self) -> str:
        """Return the fingerprint of the weights and the learning rate."""
        trees = self.params, self.state, np.float32(self.rate)
        return fingerprinting.tree_fingerprint(trees)


def describe_run(
    setup: Setup, data: TrainingData, options: FitOptions, callbacks: Sequence[Callback]
) -> dict[str, Any]:
    """Return everything that two runs must share for one to continue the other."""
    return {
        "layers": setup.layers,
        "input": setup.require_network().shapes[0],
        "loss": setup.loss,
        "optimizer": setup.optimizer,
        "metrics": setup.metrics,
        "table": setup.preprocessor,
        "batch_size": data.source.batch_size,
        "shuffle": options.shuffle,
        "seed": options.order_seed,
        "data": data.source.fingerprint(),
        "validation": data.blocks and data.blocks.fingerprint(),
        "callbacks": [describe_callback(callback) for callback in callbacks],
    }
