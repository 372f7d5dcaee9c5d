"""Smoke tests: short real trainings of a copy of a model, on a sample of the rows."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.split import RowSplit
from glassnet.engine import inference, loop
from glassnet.engine.epoch_runner import ArraySource, Logs, RunState
from glassnet.engine.inference import iter_padded_blocks
from glassnet.engine.loop import LoopHooks, Record
from glassnet.engine.placement import to_device
from glassnet.engine.train_step import Chunk, Data, Program, TrainState, make_plan_fn
from glassnet.inspection.training_runs import TrainingRun
from glassnet.pipeline.adapter import Blocks
from glassnet.pipeline.row_adapter import ArrayBlocks
from glassnet.pipeline.targets import get_class_labels
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.training.history import History
from glassnet.training.progress import InterruptGuard

MAX_TRAIN_ROWS, MAX_VALIDATION_ROWS = 2048, 1024
"""Maximum number of rows of a smoke test: to train on, and to validate on."""

VALIDATION_SHARE, MIN_ROWS_TO_HOLD_OUT = 0.25, 40
"""Fraction of the rows that is held out if there are no validation rows, and from how many rows."""

READING_SECONDS = 5.0
"""Time after which no more batches are read."""

MIN_ROWS = 8
"""Number of training rows from which a short training says something."""

INTERRUPTED, OUT_OF_TIME = "interrupted by Ctrl-C", "the time of a smoke test is over"


class Sample(NamedTuple):
    """Encoded rows of a smoke test, on the host.

    Attributes:
        train: rows to train on.
        validation: rows to validate on, or None.
    """

    train: Data
    validation: Data | None


@dataclass(frozen=True)
class TrainingLimits:
    """When a smoke test ends.

    Attributes:
        steps: number of steps.
        seconds: duration, without the first slice, which waits for the compiler.
    """

    steps: int
    seconds: float


@dataclass(frozen=True, eq=False)
class ShortTraining:
    """A training run on a sample, and what it resulted in.

    Attributes:
        program: the training program.
        start: where it started.
        blocks: the validation rows, or None.
        history: the logged values.
        last: the last record.
        is_interrupted: whether the user pressed Ctrl-C.
    """

    program: Program
    start: RunState
    blocks: Blocks | None
    history: History
    last: Record | None
    is_interrupted: bool

    @property
    def obstacle(self) -> str:
        """Why the training says nothing, or ""."""
        if self.is_interrupted:
            return f"the short training was {INTERRUPTED}"
        if not self.history.epoch:
            return "one epoch of the short training took too long"
        return ""


def draw_sample(run: TrainingRun) -> Sample:
    """Return rows of a training run: a random subset, or the first chunk of batches.

    Rows are held out if the run has no validation rows. Those of a series are the last.

    Raises:
        DataError: batches that cannot be used.
    """
    validation = None
    if run.validation_blocks is not None:
        validation = read_blocks(run.validation_blocks, MAX_VALIDATION_ROWS)
    n_most = MAX_TRAIN_ROWS + (MAX_VALIDATION_ROWS if validation is None else 0)
    data = _read_rows(run, n_most)
    in_order = isinstance(run.preprocessor, TimeSeriesPreprocessor)
    n_total, rng = len(data.x), np.random.default_rng((run.seed, 0, 6))
    if n_total > n_most:
        index = np.sort(rng.permutation(n_total)[:n_most])
        data = data.take(np.arange(n_total - n_most, n_total) if in_order else index)
    if validation is None and len(data.x) >= MIN_ROWS_TO_HOLD_OUT:
        data, validation = _hold_out(data, run, in_order)
    return Sample(data, validation)


def _read_rows(run: TrainingRun, n_most: int) -> Data:
    """Return the rows of an epoch on the host, in their order; of batches, the first `n_most`.

    Slow batches are read for `READING_SECONDS` only.
    """
    parts: list[Data] = []
    n, started_at = 0, time.perf_counter()
    with closing(run.source.iter_chunks(run.start.epoch, 0)) as chunks:
        for chunk in chunks:
            if chunk is not None and chunk.plan.mask.ndim == 2 and _is_alike(chunk.data, parts):
                parts.append(_get_real_rows(chunk))
                n += len(parts[-1].x)
            is_slow = n > 0 and time.perf_counter() - started_at > READING_SECONDS
            if n >= n_most or is_slow:
                break
    columns = zip(*parts, strict=True)
    return Data(*(None if column[0] is None else np.concatenate(column) for column in columns))


def _is_alike(data: Data, parts: list[Data]) -> bool:
    """Return whether sequences have the length of those before."""
    return not parts or np.shape(data.x)[1:] == parts[0].x.shape[1:]


def _get_real_rows(chunk: Chunk) -> Data:
    """Return the rows of a chunk on the host, in their order and without padding."""
    data = Data(*(None if a is None else np.asarray(a) for a in chunk.data))
    if chunk.plan.indices is None:
        return data
    is_real = np.asarray(chunk.plan.mask)[: chunk.steps] > 0
    index = np.asarray(chunk.plan.indices)[: chunk.steps][is_real]
    return data.take(np.sort(index))


def read_blocks(blocks: Blocks, max_rows: int) -> Data | None:
    """Return rows of blocks on the host, at most about `max_rows`; None if there are none."""
    parts: list[Data] = []
    n = 0
    for block, mask in blocks:
        if np.ndim(mask) == 2 or not _is_alike(block, parts):
            continue
        is_real = np.asarray(mask) > 0
        parts.append(Data(*(None if a is None else np.asarray(a)[is_real] for a in block)))
        n += len(parts[-1].x)
        if n >= max_rows:
            break
    if not n:
        return None
    columns = zip(*parts, strict=True)
    rows = Data(*(None if column[0] is None else np.concatenate(column) for column in columns))
    return rows.take(np.unique(np.linspace(0, n - 1, min(n, max_rows)).astype(int)))


def _hold_out(data: Data, run: TrainingRun, in_order: bool) -> tuple[Data, Data]:
    """Return the rows to train on and those to validate on."""
    n, labels = len(data.x), get_class_labels(np.asarray(data.y), run.program.loss)
    if in_order:
        assert isinstance(run.preprocessor, TimeSeriesPreprocessor)
        split = RowSplit(VALIDATION_SHARE, "end")
        train, validation = split.split_windows(n, run.preprocessor.target.horizon)
    else:
        split = RowSplit(VALIDATION_SHARE, "random", run.seed)
        if labels is not None and len(np.unique(labels)) > n * (1 - VALIDATION_SHARE):
            labels = None
        train, validation = split.split(n, labels)
    assert validation is not None
    return data.take(train), data.take(validation)


def train_shortly(
    program: Program,
    start: RunState,
    sample: Sample,
    limits: TrainingLimits,
    *,
    batch_size: int,
    seed: int,
    shuffle: bool = True,
) -> ShortTraining:
    """Train on a sample with the engine's loop, within limits.

    Args:
        program: the training program.
        start: where the training starts.
        sample: the rows.
        limits: when it ends.
        batch_size: rows per batch, or more than there are.
        seed: seed of the order.
        shuffle: whether the rows are shuffled in every epoch.
    """
    n = len(sample.train.x)
    size = min(batch_size, n)
    plan_fn = make_plan_fn(n, size, seed=seed, shuffle=shuffle)
    source = ArraySource(to_device(sample.train), plan_fn, size)
    blocks = None
    if sample.validation is not None:
        blocks = ArrayBlocks(list(iter_padded_blocks(sample.validation)))
    n_epochs = max(1, -(-limits.steps // source.steps))
    params = {"epochs": n_epochs, "batch_size": size, "steps": source.steps, "rows": n}
    history, last = History(seed, params), None
    names = program.log_names(include_validation=blocks is not None)
    with InterruptGuard() as interrupt:
        watch = _Watch(program, blocks, limits.seconds, interrupt)
        for record in loop.run_epochs(
            program,
            start,
            source,
            end_epoch=start.epoch + n_epochs,
            hooks=LoopHooks(watch.validate, on_slice=watch.on_slice),
            observe=False,
        ):
            last = record
            history.add(record, names)
            history.steps = int(record.train_state.step) - int(start.train_state.step)
            if watch.seconds > limits.seconds:
                break
    return ShortTraining(program, start, blocks, history, last, interrupt.interrupted)


@dataclass
class _Watch:
    """The hooks of a smoke test, and its clock."""

    program: Program
    blocks: Blocks | None
    max_seconds: float
    interrupt: InterruptGuard
    started_at: float | None = None
    """When the first slice, which waits for the compiler, was over."""

    @property
    def seconds(self) -> float:
        """The duration so far."""
        return time.perf_counter() - self.started_at if self.started_at else 0.0

    def validate(self, train_state: TrainState) -> Logs:
        """Return the validation logs of a train state."""
        if self.blocks is None:
            return {}
        params, state = train_state.params, train_state.state
        return inference.evaluate_blocks(self.program, params, state, self.blocks, "val_")

    def on_slice(self, steps_done: int, *_: Any) -> str | None:
        """Stop within an epoch at Ctrl-C, or if the time was over long ago."""
        if self.started_at is None and steps_done:
            self.started_at = time.perf_counter()
        if self.interrupt.interrupted:
            return INTERRUPTED
        return OUT_OF_TIME if self.seconds > 2 * self.max_seconds else None
