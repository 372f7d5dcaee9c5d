"""Training runs of a model that stays as it is, and the paths that their weights take."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from glassnet.engine import loop
from glassnet.engine.epoch_runner import BatchSource, Logs, RunState, WrappedSource
from glassnet.engine.loop import LoopHooks, Record
from glassnet.engine.network import BuiltNetwork, LinkPath, tree_get, tree_set
from glassnet.engine.train_step import Chunk, Program, TrainState
from glassnet.errors import DataError, require
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.optimizers import Optimizer
from glassnet.pipeline.adapter import Blocks
from glassnet.preprocessing.base import Preprocessor
from glassnet.types import Params, State

ComputeLoss = Callable[[tuple[Params, ...], tuple[State, ...]], float]
"""Function from params and state to the loss of all rows."""


FIT_ARGUMENTS = (
    "sample_weight",
    "shuffle",
    "steps_per_epoch",
    "target",
    "column_types",
    "derive",
    "target_transform",
)
"""Arguments of `fit` that apply to all runs."""


@dataclass(frozen=True)
class RunSettings:
    """How a training run differs from the model that it starts from.

    Attributes:
        start: "current" for the weights of the model; k = 0, 1, ... for weights drawn by the
            model's seed + k, as after `reset(seed + k)`; "auto" for 0 if the model has been
            trained, else "current".
        optimizer: None for the model's own.
        learning_rate: None for that of the optimizer.
        batch_size: see `fit`.
        epochs: see `fit`.
    """

    start: str | int = "auto"
    optimizer: Optimizer | None = None
    learning_rate: float | None = None
    batch_size: int | str = "full"
    epochs: int = 1


@dataclass(frozen=True, eq=False)
class TrainingRun:
    """The training run of one `fit`.

    Attributes:
        network: the network.
        program: links, loss, optimizer and metrics.
        start: where it starts.
        source: the batches.
        seed: the seed of the model.
        starts_from_new_weights: whether its weights were drawn for it.
        read_snapshot: returns the network with its starting weights, and all rows.
        validation_blocks: the rows to validate on, or None.
        preprocessor: what was learned about the data, or None.
        make_model: returns the model with a train state, an epoch and a history.
    """

    network: BuiltNetwork
    program: Program
    start: RunState
    source: BatchSource
    seed: int
    starts_from_new_weights: bool
    read_snapshot: Callable[[], Snapshot]
    make_model: Callable[[TrainState, int, Any], Any]
    validation_blocks: Blocks | None = None
    preprocessor: Preprocessor | None = None


class TrainableModel(InspectedModel, Protocol):
    """A model of which runs can be made: a `Sequential`, or its Keras layout."""

    def iter_training_runs(
        self, x: Any, y: Any = None, settings: Sequence[RunSettings] = (), **options: Any
    ) -> Iterator[TrainingRun]:
        """Yield what `fit` would run for each of the settings: see `Sequential`."""


@dataclass(frozen=True, eq=False)
class WeightPath:
    """The weights of a run after some of its steps.

    Attributes:
        steps: (points,) int, the number of steps before each point. The first is 0.
        epochs: (points,), the same in epochs.
        weights: (points, n) float32: see `flatten_params`.
        losses: (points,), the loss of all rows without noise, as `evaluate` computes it.
        last_state: statistics of the layers at the last point.
        problem: why the run ended before its last epoch, such as "step 3 of 8: the loss is not
            finite"; else "".
    """

    steps: np.ndarray
    epochs: np.ndarray
    weights: np.ndarray
    losses: np.ndarray
    last_state: tuple[State, ...]
    problem: str = ""


def record_path(
    run: TrainingRun,
    n_epochs: int,
    max_points: int,
    compute_loss: ComputeLoss,
    advance: Callable[[int], None] = lambda n: None,
) -> WeightPath:
    """Train with the engine's loop and return the path of the weights.

    There is a point for the start and one after every step. If there are more steps than
    `max_points`, there is one after every k-th step and after the last. If the number of steps is
    not known, the same is true of epochs. The path ends before the first loss that is not finite.

    Args:
        run: what to train.
        n_epochs: number of epochs.
        max_points: maximum number of points after the start.
        compute_loss: returns the loss at a point.
        advance: called with 1 after every epoch.

    Raises:
        DataError: the loss is not finite at the start; see `loop.run_epochs`.
    """
    recorder = _Recorder(run, n_epochs, max_points, compute_loss)
    recorder.add(run.start.train_state, 0.0)
    fix = "Set other weights, or scale the inputs and targets."
    expected = "weights at the start with a finite loss"
    require(recorder.points, "descent", expected, error=DataError, fix=fix, loss=recorder.last_loss)
    problem = ""
    for record in loop.run_epochs(
        run.program,
        run.start,
        _ShortChunks(run.source, recorder.stride, run.start.epoch),
        end_epoch=run.start.epoch + n_epochs,
        hooks=LoopHooks(on_slice=recorder.on_slice),
        observe=False,
    ):
        recorder.on_epoch_end(record)
        advance(1)
        if not record.finite:
            problem = record.decision.stop or ""
    if not problem and not np.isfinite(recorder.last_loss):
        problem = "the loss of all rows is not finite"
    return recorder.make_path(problem)


class _Recorder:
    """Collects the points of a run while the engine's loop trains it."""

    def __init__(
        self, run: TrainingRun, n_epochs: int, max_points: int, compute_loss: ComputeLoss
    ) -> None:
        self.steps_per_epoch = run.source.steps
        self.end_epoch = run.start.epoch + n_epochs
        n = n_epochs * (self.steps_per_epoch or 1)
        self.stride = max(1, -(-n // max_points))
        self.network, self.compute_loss = run.network, compute_loss
        self.epoch = self.first_epoch = run.start.epoch
        self.first_step = int(run.start.train_state.step)
        self.state: tuple[State, ...] = ()
        self.last_loss = 0.0
        self.points: list[tuple[int, float, np.ndarray, float]] = []

    def add(self, train_state: TrainState, epoch: float) -> None:
        """Add a point, unless its loss or that of an earlier one is not finite."""
        if not np.isfinite(self.last_loss):
            return
        self.last_loss = loss = self.compute_loss(train_state.params, train_state.state)
        if not np.isfinite(loss):
            return
        step, weights = int(train_state.step), flatten_params(self.network, train_state.params)
        self.points.append((step - self.first_step, epoch, weights, loss))
        self.state = train_state.state

    def on_slice(
        self,
        steps_done: int,
        steps: int | None,
        logs: Callable[[], Logs],
        snapshot: Callable[[], RunState],
    ) -> str | None:
        """Add a point if one is due after `steps_done` steps of the epoch."""
        if steps is None or not steps_done:
            return None
        done = (self.epoch - self.first_epoch) * steps + steps_done
        if done % self.stride == 0:
            self.add(snapshot().train_state, done / steps)
        return None

    def on_epoch_end(self, record: Record) -> None:
        """Add a point if one is due after the epoch, or if it is the last."""
        self.epoch = record.epoch + 1
        n_epochs, step = self.epoch - self.first_epoch, int(record.train_state.step)
        is_due = self.steps_per_epoch is None and n_epochs % self.stride == 0
        while self.points and self.points[-1][0] > step - self.first_step:
            self.points.pop()  # The loop went back behind a step with a loss that is not finite.
        is_last = self.epoch == self.end_epoch or not record.finite
        is_new = not self.points or self.points[-1][0] < step - self.first_step
        if is_new and (is_due or is_last):
            steps = self.steps_per_epoch
            self.add(record.train_state, (step - self.first_step) / steps if steps else n_epochs)

    def make_path(self, problem: str) -> WeightPath:
        """Return the path of all points."""
        steps, epochs, weights, losses = zip(*self.points, strict=True)
        return WeightPath(
            steps=np.array(steps),
            epochs=np.array(epochs, float),
            weights=np.stack(weights),
            losses=np.array(losses),
            last_state=self.state,
            problem=problem,
        )


@dataclass
class _ShortChunks(WrappedSource):
    """A batch source whose chunks are split after every `stride` steps of the run.

    The loop calls its hook at the end of each chunk at the latest. The steps, their programs and
    their results are those of the source.
    """

    stride: int
    first_epoch: int

    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        done = (epoch - self.first_epoch) * (self.steps or 0) + start_step
        with closing(self.source.iter_chunks(epoch, start_step)) as chunks:
            for chunk in chunks:
                if chunk is None or self.steps is None:
                    yield chunk
                    continue
                start = chunk.start
                while start < chunk.steps:
                    stop = min(start + self.stride - done % self.stride, chunk.steps)
                    yield chunk._replace(start=start, steps=stop)
                    done, start = done + stop - start, stop


def flatten_params(network: BuiltNetwork, params: tuple[Params, ...]) -> np.ndarray:
    """Return all numbers of the params in one array, (n,), in the order of `get_weights`."""
    arrays = [np.asarray(tree_get(params, path)[key]) for path, key in _iter_positions(network)]
    return np.concatenate([np.zeros(0, np.float32), *(array.ravel() for array in arrays)])


def unflatten_params(
    network: BuiltNetwork, vector: np.ndarray, like: tuple[Params, ...]
) -> tuple[Params, ...]:
    """Return params like others with the numbers of a vector: the inverse of `flatten_params`."""
    params, start = like, 0
    for path, key in _iter_positions(network):
        link_params = tree_get(params, path)
        shape = np.shape(link_params[key])
        stop = start + math.prod(shape)
        array = vector[start:stop].reshape(shape).astype(np.float32)
        params, start = tree_set(params, path, link_params | {key: array}), stop
    return params


def _iter_positions(network: BuiltNetwork) -> Iterator[tuple[LinkPath, str]]:
    for kind, path, key in network.weight_paths:
        if kind == "params":
            yield path, key
