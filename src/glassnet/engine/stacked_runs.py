"""Several networks of one structure, trained side by side by one compiled program.

Their train states are stacked: each array gets an axis for the networks. The program is `run_steps`
of a single network, mapped over that axis. The networks may differ in their rows, their starting
weights, their learning rates and the numbers in the fields of their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax import lax

from glassnet.engine import network
from glassnet.engine.compilation import compiled
from glassnet.engine.inference import compute_block_sums, infer
from glassnet.engine.numeric_fields import (
    FieldPath,
    find_differences,
    get_structure,
    substitute,
)
from glassnet.engine.placement import to_device
from glassnet.engine.train_step import (
    BatchPlan,
    Data,
    Program,
    TrainState,
    make_plan,
    run_steps,
)
from glassnet.types import Array, Params, State

T = TypeVar("T")

MAX_BLOCK = 4096
"""Maximum number of rows of each run that are scored at once."""

MAX_VECTORIZED_WEIGHTS = 1000
"""Networks with fewer weights than this are vectorized on a CPU; larger ones run in turn."""


class SharedProgramError(Exception):
    """A part cannot be compiled for several values of a number: each needs its own program."""


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """One network to train.

    Attributes:
        program: the training program.
        start: the train state before the first step, on the host.
        data: all rows, encoded, on the host. Its weights are for scores.
        train_rows: rows to train on.
        train_weight: a weight for each of them, or None.
        batch_size: rows per batch.
        seed: seed of the order.
        shuffle: whether the rows are shuffled in every epoch.
    """

    program: Program
    start: TrainState
    data: Data
    train_rows: np.ndarray
    train_weight: np.ndarray | None
    batch_size: int
    seed: int
    shuffle: bool = True

    @property
    def steps(self) -> int:
        """Number of steps per epoch."""
        return -(-len(self.train_rows) // self.batch_size)

    def get_structure(self) -> Any:
        """Return what runs must share to be stacked, as a hashable value."""
        start = (self.start.params, self.start.state, self.start.optimizer_state)
        leaves, tree = jax.tree.flatten((start, self.data))
        shapes = tuple((np.shape(leaf), np.result_type(leaf)) for leaf in leaves)
        return get_structure(self.program), tree, shapes

    def make_plan(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the order of an epoch: indices of rows (steps, batch), and the mask."""
        n = len(self.train_rows)
        plan = make_plan(n, self.batch_size, seed=self.seed, epoch=epoch, shuffle=self.shuffle)
        order = np.arange(n)[None] if plan.indices is None else plan.indices
        return self.train_rows[order], np.asarray(plan.mask)


@dataclass(frozen=True)
class StackedProgram:
    """The program of several runs that differ in some numbers.

    Attributes:
        program: the program of one run, with 0 in place of these numbers.
        paths: where the numbers are.
        vectorize: whether all runs are computed at once instead of in turn.
    """

    program: Program
    paths: tuple[FieldPath, ...]
    vectorize: bool

    def fill(self, numbers: tuple[Array, ...]) -> Program:
        """Return the program of one run with its numbers."""
        return substitute(self.program, dict(zip(self.paths, numbers, strict=True)))

    def map_runs(self, function: Callable[..., T], *args: Any) -> T:
        """Return the stacked results of a function of one run, for stacked arguments."""
        if self.vectorize:
            vectorized: T = jax.vmap(function)(*args)
            return vectorized
        in_turn: T = lax.map(lambda each: function(*each), args)
        return in_turn


class StackedData(NamedTuple):
    """The rows of several runs: arrays that all share, and those of each run, stacked.

    Of each array, one of the two is None.
    """

    shared: Data
    own: Data

    @classmethod
    def stack(cls, datasets: Sequence[Data]) -> StackedData:
        """Stack the arrays that differ between datasets."""
        shared: list[Any] = []
        own: list[Any] = []
        for arrays in zip(*datasets, strict=True):
            first = arrays[0]
            is_shared = all(a is first or np.array_equal(a, first) for a in arrays[1:])
            shared.append(first if is_shared else None)
            own.append(None if is_shared else np.stack(arrays))
        return cls(Data(*shared), Data(*own))

    def with_weight(self, weight: Array | None) -> StackedData:
        """Return the rows with other weights, (runs, n), or none."""
        return StackedData(self.shared._replace(weight=None), self.own._replace(weight=weight))

    def merge(self, own: Data) -> Data:
        """Return the rows of one run, for its own arrays."""
        return Data(*(a if b is None else b for a, b in zip(self.shared, own, strict=True)))


class StackedRuns:
    """Runs of one structure: see `NetworkRun.get_structure`.

    Args:
        runs: the runs.

    Attributes:
        train_state: the train states of all runs, stacked, on the device.
    """

    def __init__(self, runs: Sequence[NetworkRun]) -> None:
        self.runs = tuple(runs)
        differences = find_differences([run.program for run in runs])
        self._program = StackedProgram(
            substitute(runs[0].program, dict.fromkeys(differences, 0.0)),
            tuple(differences),
            _is_vectorized(runs[0]),
        )
        self._numbers = to_device(tuple(np.array(v, np.float32) for v in differences.values()))
        self._data = to_device(StackedData.stack([run.data for run in runs]))
        self._train_data = self._data.with_weight(to_device(_stack_train_weights(runs)))
        self.train_state: TrainState = to_device(stack([run.start for run in runs]))
        self.steps = np.array([run.steps for run in runs])
        sums = tuple(metric.init() for metric in self._program.program.metrics)
        self._epoch_start: dict[str, Any] = to_device(
            {
                "losses": np.zeros((len(runs), self.steps.max()), np.float32),
                "metric_sums": stack([sums] * len(runs)),
                "finite": np.ones(len(runs), bool),
            }
        )

    def begin_epoch(self, epoch: int, active: Iterable[int]) -> None:
        """Order the rows of an epoch, and reset the losses and metric sums.

        Args:
            epoch: index of the epoch, from 0.
            active: indices of the runs that train in this epoch.
        """
        shape = len(self.runs), self.steps.max(), max(run.batch_size for run in self.runs)
        indices, masks = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
        for k in active:
            order, mask = self.runs[k].make_plan(epoch)
            indices[k, : len(mask), : mask.shape[1]] = order
            masks[k, : len(mask), : mask.shape[1]] = mask
        self.batch_sizes = masks.sum(2, dtype=np.float64)
        self._plan: BatchPlan = to_device(BatchPlan(indices, masks), copy=False)
        self.train_state = self.train_state._replace(**self._epoch_start)

    def run_steps(self, start: np.ndarray, stop: np.ndarray) -> None:
        """Train each run on its steps from `start` up to `stop`, (runs,) integers.

        A run whose loss is not finite ends there.

        Raises:
            SharedProgramError: the runs need programs of their own.
        """
        bounds = start.astype(np.int32), stop.astype(np.int32)
        self.train_state = self._call(
            _run_stacked_steps, self.train_state, self._train_data, self._plan, bounds
        )

    def score(
        self,
        params: tuple[Params, ...],
        state: tuple[State, ...],
        rows: Sequence[np.ndarray],
        with_outputs: bool = False,
    ) -> tuple[list[dict[str, float]], list[np.ndarray]]:
        """Return the loss and metrics of each run on its own rows, and the outputs for them.

        Args:
            params, state: stacked, of all runs.
            rows: rows of each run.
            with_outputs: whether to return the outputs; they are empty otherwise.

        Raises:
            SharedProgramError: the runs need programs of their own.
        """
        has_exact = any(metric.exact for metric in self._program.program.metrics)
        blocks, n = [], max(map(len, rows))
        for start in range(0, n, MAX_BLOCK):
            part = [each[start : start + MAX_BLOCK] for each in rows]
            index = to_device(_pad_rows(part, min(n, MAX_BLOCK)), copy=False)
            weights = params, state
            block = self._call(_score_stacked, weights, self._data, index)
            blocks.append(jax.device_get(block if with_outputs or has_exact else block[:4]))
        logs, outputs = [], []
        for k, run in enumerate(self.runs):
            own = [take(block, k) for block in blocks]
            logs.append(_compute_logs(run, own, rows[k]))
            if with_outputs:
                outputs.append(np.concatenate([block[4] for block in own])[: len(rows[k])])
        return logs, outputs

    def _call(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function of the program, the numbers of the runs, and other arguments.

        Raises:
            SharedProgramError: the function fails, perhaps since a part computes with one of the
                numbers in Python.
        """
        try:
            return function(self._program, self._numbers, *args)
        except Exception as error:
            if not self._program.paths:
                raise
            raise SharedProgramError from error


def stack(trees: Sequence[T]) -> T:
    """Return trees of one structure as one tree of host arrays with a first axis for the trees."""
    result: T = jax.tree.map(lambda *leaves: np.stack(list(map(np.asarray, leaves))), *trees)
    return result


def take(tree: T, k: int) -> T:
    """Return the tree of run k of a stacked tree of host arrays."""
    result: T = jax.tree.map(lambda leaf: leaf[k], tree)
    return result


def _is_vectorized(run: NetworkRun) -> bool:
    """Return whether runs are faster if they are computed at once: see benchmarks/NOTES.md."""
    is_small = network.count_params(run.start.params) < MAX_VECTORIZED_WEIGHTS
    return is_small or jax.default_backend() != "cpu"


def _stack_train_weights(runs: Sequence[NetworkRun]) -> np.ndarray | None:
    """Return the training weights of all rows, (runs, n), or None if no run has any."""
    if all(run.train_weight is None for run in runs):
        return None
    weights = np.zeros((len(runs), len(runs[0].data.x)), np.float32)
    for k, run in enumerate(runs):
        weights[k, run.train_rows] = 1 if run.train_weight is None else run.train_weight
    return weights


def _pad_rows(rows: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of each run, padded with its last, (runs, size), and their mask."""
    index = np.zeros((len(rows), size), np.int32)
    for k, each in enumerate(rows):
        index[k, : len(each)] = each
        index[k, len(each) :] = each[-1] if len(each) else 0
    lengths = np.array(list(map(len, rows)))[:, None]
    return index, (np.arange(size) < lengths).astype(np.float32)


@compiled(0)
def _run_stacked_steps(
    program: StackedProgram,
    numbers: tuple[Array, ...],
    train_state: TrainState,
    data: StackedData,
    plan: BatchPlan,
    bounds: tuple[Array, Array],
) -> TrainState:
    def run_one(
        own: tuple[tuple[Array, ...], Data],
        state: TrainState,
        plan: BatchPlan,
        bounds: tuple[Array, Array],
    ) -> TrainState:
        rows = data.merge(own[1])
        result: TrainState = _run_steps(program.fill(own[0]), state, rows, plan, *bounds)
        return result

    return program.map_runs(run_one, (numbers, data.own), train_state, plan, bounds)


@compiled(0)
def _score_stacked(
    program: StackedProgram,
    numbers: tuple[Array, ...],
    weights: tuple[Any, Any],
    data: StackedData,
    rows: tuple[Array, Array],
) -> Any:
    """Return the sums of one block of rows of every run, its penalty, and outputs and masks."""

    def score_one(
        own: tuple[tuple[Array, ...], Data], weights: tuple[Any, Any], rows: tuple[Array, Array]
    ) -> Any:
        one = program.fill(own[0])
        batch = data.merge(own[1]).take(rows[0])
        body, head = network.split_head(one.links, one.loss)
        z, output, mask = _infer(body, head, *weights, batch.x, None)
        total, count, sums, mask = _compute_block_sums(one, batch, z, output, rows[1], mask)
        penalty = network.penalty(one.links, weights[0])
        return total, count, sums, 0.0 if penalty is None else penalty, output, mask

    return program.map_runs(score_one, (numbers, data.own), weights, rows)


def _compute_logs(run: NetworkRun, blocks: Sequence[Any], rows: np.ndarray) -> dict[str, float]:
    """Return the loss and metrics of one run for its rows, from the sums of their blocks."""
    count = sum(float(block[1]) for block in blocks)
    mean = sum(float(block[0]) for block in blocks) / max(count, 1.0)
    logs = {"loss": run.program.loss.report_scale * (mean + float(blocks[0][3]))}
    for metric in run.program.metrics:
        if metric.exact:
            output, mask = (np.concatenate([block[i] for block in blocks]) for i in (4, 5))
            is_real = mask[: len(rows)] > 0
            y = np.asarray(run.data.y)[rows]
            logs[metric.name] = metric.exact(y[is_real], output[: len(rows)][is_real])
            continue
        parts = [block[2][metric.name] for block in blocks]
        sums = jax.tree.map(lambda *each: sum(map(_to_wide, each)), *parts)
        logs[metric.name] = metric.result(sums)
    return logs


def _to_wide(value: np.ndarray) -> np.ndarray:
    """Return sums as float64 or int64."""
    return np.asarray(value, np.float64 if value.dtype.kind == "f" else np.int64)


_run_steps: Any = run_steps.__wrapped__  # type: ignore[attr-defined]
_infer: Any = infer.__wrapped__  # type: ignore[attr-defined]
_compute_block_sums: Any = compute_block_sums.__wrapped__  # type: ignore[attr-defined]
