"""Run one epoch in short slices, sample statistics, and locate the first non-finite value."""

from __future__ import annotations

import math
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from glassnet import fingerprinting
from glassnet.engine import network
from glassnet.engine.compilation import compiled
from glassnet.engine.placement import (
    ONE_DEVICE,
    Placement,
    all_finite,
    gather,
    placement_of,
)
from glassnet.engine.train_step import (
    BatchPlan,
    Chunk,
    Data,
    Program,
    TrainState,
    forward_backward,
    get_batch,
    learning_rate_at,
    observe_step,
    reset_epoch_sums,
    run_steps,
    with_learning_rate,
)
from glassnet.errors import DataError
from glassnet.layers import functional

SLICE_SECONDS = 0.2
"""Target duration of a slice: progress, Ctrl-C and the loss are checked after each one."""

LONG_RUN_SECONDS = 5.0
"""Runs expected to last longer are observed by default: `observe_step` takes 0.5 s to compile."""

MAX_OBSERVATIONS = 20
"""Maximum number of observations per epoch."""


@dataclass(frozen=True)
class Observation:
    """Statistics of one training step.

    Attributes:
        epoch: index of the epoch, from 0.
        step: index of the step in the epoch, from 0.
        values: (links, statistics), with columns as in `train_step.OBSERVED_STATISTICS`.
    """

    epoch: int
    step: int
    values: np.ndarray


@dataclass(frozen=True)
class EpochOutcome:
    """Result of an epoch.

    Attributes:
        train_state: the final train state.
        stop_reason: why the run stops in this epoch, or None.
        complete: whether all steps ran.
        finite: whether all values were finite.
        error: an error to raise once the epoch is recorded.
        loss: the loss of the step that was not finite, NaN if it was a weight; None otherwise.
    """

    train_state: TrainState
    stop_reason: str | None = None
    complete: bool = True
    finite: bool = True
    error: DataError | None = None
    loss: float | None = None


@dataclass(frozen=True)
class StepRange:
    """Steps of a chunk from `start` on, with the train state to run or replay them from."""

    train_state: TrainState
    chunk: Chunk
    start: int = 0

    def run_until(self, program: Program, stop: int) -> TrainState:
        """Return the train state before step `stop`."""
        data, plan = self.chunk.data, self.chunk.plan
        start = np.int32(self.start)
        result: TrainState = run_steps(program, self.train_state, data, plan, start, np.int32(stop))
        return result


class BatchSource(Protocol):
    """Source of an epoch's chunks."""

    @property
    def steps(self) -> int | None:
        """Number of steps per epoch, or None if unknown."""

    @property
    def batch_size(self) -> int:
        """Number of rows per batch."""

    @property
    def n_samples(self) -> int | None:
        """Number of rows per epoch, or None if unknown."""

    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        """Yield the epoch's chunks from `start_step` on, all with room for as many steps.

        Yields None, at least every `SLICE_SECONDS`, while the next chunk is not ready.

        Raises:
            DataError: the epoch cannot continue.
        """

    def fingerprint(self) -> dict[str, Any]:
        """Return a description that differs for different data."""

    def close(self) -> None:
        """Release resources; no more chunks are requested."""


@dataclass(frozen=True)
class ArraySource:
    """Batch source of arrays on the device; an epoch is one chunk.

    Args:
        data: data on the device.
        plan_fn: function from the epoch's index to its plan. Every plan has the same number of
            steps.
        batch_size: rows per batch.
    """

    data: Data
    plan_fn: Callable[[int], BatchPlan]
    batch_size: int

    @property
    def n_samples(self) -> int:
        return len(self.data.x)

    @property
    def steps(self) -> int:
        return -(-self.n_samples // self.batch_size)

    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        yield Chunk(self.data, self.plan_fn(epoch), self.steps, start_step)

    def fingerprint(self) -> dict[str, Any]:
        return fingerprinting.fingerprint_by_name(self.data._asdict())

    def close(self) -> None:
        pass


@dataclass
class WrappedSource(ABC):
    """Base class of batch sources that pass on the chunks of another one.

    Args:
        source: the other one; it is closed by whoever opened it.
    """

    source: BatchSource

    @abstractmethod
    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        """Yield the epoch's chunks: see `BatchSource`."""

    @property
    def steps(self) -> int | None:
        return self.source.steps

    @property
    def batch_size(self) -> int:
        return self.source.batch_size

    @property
    def n_samples(self) -> int | None:
        return self.source.n_samples

    def fingerprint(self) -> dict[str, Any]:
        return self.source.fingerprint()

    def close(self) -> None:  # noqa: B027
        """Release nothing."""


@dataclass(frozen=True)
class RunState:
    """Position of a run, from which it can be resumed bit for bit.

    Attributes:
        epoch: index of the epoch in progress, or of the next one.
        train_state: train state before the next step.
        best_state: the best weights so far, or None. The run ends with them.
        epoch_start_state: train state at the start of the epoch in progress; None between epochs.
        losses: (completed steps of the epoch,) float64.
        batch_sizes: (completed steps of the epoch,), the number of rows of each step.
        seconds: time spent in the epoch.
        finished: whether the run ended for good; False if it was only interrupted.
    """

    epoch: int
    train_state: TrainState
    best_state: TrainState | None = None
    epoch_start_state: TrainState | None = None
    losses: np.ndarray = field(default_factory=lambda: np.zeros(0))
    batch_sizes: np.ndarray = field(default_factory=lambda: np.zeros(0))
    seconds: float = 0.0
    finished: bool = False

    def gather(self) -> RunState:
        """Return the run state with its arrays on the default device."""
        best, epoch_start = self.best_state, self.epoch_start_state
        return replace(
            self,
            train_state=gather(self.train_state),
            best_state=best and gather(best),
            epoch_start_state=epoch_start and gather(epoch_start),
        )

    @property
    def final_state(self) -> TrainState:
        """The train state of a run that ends here, with the best weights if there are any."""
        best = self.best_state
        if best is None:
            return self.train_state
        return self.train_state._replace(params=best.params, state=best.state)

    @property
    def has_earlier_best_weights(self) -> bool:
        """Whether the best weights are those of an earlier step."""
        return self.best_state is not None and int(self.best_state.step) < int(
            self.train_state.step
        )


Logs = dict[str, float]
"""Logged values by name, such as `{"loss": 0.3, "val_loss": 0.4}`."""

SliceHook = Callable[[int, int | None, Callable[[], Logs], Callable[[], RunState]], str | None]
"""Function called after every slice, and while waiting for data.

It receives the number of completed steps, the number of steps per epoch (None if unknown), a
function that returns the running logs, and one that returns the run state. If the hook returns a
string, the run stops for that reason.
"""


@dataclass(frozen=True)
class StepHooks:
    """Functions called before and after every step. A slice then has one step, which is slower.

    Args:
        begin: receives the step's index in the epoch and its learning rate, and returns another
            learning rate for it and the steps after it, or None.
        end: receives the index and the running logs, with the mean loss of all rows so far. If it
            returns a string, the run stops for that reason.
    """

    begin: Callable[[int, float], float | None]
    end: Callable[[int, Logs], str | None]


@dataclass
class SlicePacer:
    """Measured speed, which sets the number of steps per slice.

    A slice lasts about `slice_seconds`; the first has one step. Processes that train together
    follow the clock of process 0.
    """

    slice_seconds: float = SLICE_SECONDS
    placement: Placement = ONE_DEVICE
    steps_per_second: float = 0.0
    last_finished_at: float = 0.0
    total_steps: int = 0
    total_seconds: float = 0.0

    @property
    def slice_steps(self) -> int:
        """Number of steps of the next slice."""
        steps = max(1, int(self.steps_per_second * self.slice_seconds))
        return self.placement.agree(steps, "steps of a slice")

    def record_slice(self, steps: int, started_at: float) -> None:
        """Record that a slice dispatched at `started_at` has just finished.

        It began when it was dispatched or when the slice before it ended, whichever is later.
        """
        now = time.perf_counter()
        seconds = max(now - max(started_at, self.last_finished_at), 1e-6)
        self.steps_per_second, self.last_finished_at = steps / seconds, now
        self.total_steps += steps
        self.total_seconds += seconds

    def will_exceed(self, steps: int, seconds: float) -> bool:
        """Return whether `steps` more steps will take longer than `seconds`.

        False until half a second of training has been measured.
        """
        is_long = steps * self.total_seconds > seconds * self.total_steps
        return self.placement.agree(self.total_seconds >= 0.5 and is_long, "a long run")


def make_pacer(start: RunState) -> SlicePacer:
    """Return the pacer of a run, on the devices of its train state."""
    return SlicePacer(placement=placement_of(start.train_state.rate))


@dataclass
class StepObserver:
    """Samples statistics of at most `MAX_OBSERVATIONS` steps of an epoch, between slices.

    If the number of steps is unknown, it observes after 1, 2, 4, 8, ... steps.

    Args:
        program: the training program.
        steps: steps per epoch, or None if unknown.
        epoch: index of the epoch.
        end_epoch: one past the run's last epoch.
        observe: whether to observe; None observes if the run is expected to be long.
        observations: the result so far.
    """

    program: Program
    steps: int | None
    epoch: int
    end_epoch: int
    observe: bool | None
    observations: tuple[Observation, ...] = ()

    def max_slice_steps(self, steps_done: int) -> int:
        """Return the maximum length of the next slice, so that no observation is missed."""
        if not self.observe:
            return self.steps or sys.maxsize
        return -(-self.steps // MAX_OBSERVATIONS) if self.steps else max(1, steps_done)

    def maybe_observe(
        self, train_state: TrainState, chunk: Chunk, i: int, steps_done: int, pacer: SlicePacer
    ) -> None:
        """Observe step `i` of the chunk if an observation is due.

        At the end of the chunk its last step is observed again.

        Args:
            train_state: train state before step `i`.
            chunk: the chunk.
            i: index of the step in the chunk.
            steps_done: completed steps of the epoch.
            pacer: the measured speed.
        """
        if not self._is_due(steps_done) or not self._is_enabled(pacer):
            return
        step = min(i, chunk.steps - 1)
        values = np.array(
            observe_step(self.program, train_state, chunk.data, chunk.plan, np.int32(step))
        )
        self.observations += (Observation(self.epoch, steps_done + step - i, values),)

    def _is_enabled(self, pacer: SlicePacer) -> bool:
        if self.observe is not None:
            return self.observe
        if not self.steps:
            return False
        return pacer.will_exceed((self.end_epoch - self.epoch) * self.steps, LONG_RUN_SECONDS)

    def _is_due(self, steps_done: int) -> bool:
        count = len(self.observations)
        if not self.steps:
            return count < MAX_OBSERVATIONS and steps_done >= 1 << count
        if count == MAX_OBSERVATIONS - 1:  # The last one is of the end of the epoch.
            return steps_done == self.steps
        return count * self.steps < steps_done * MAX_OBSERVATIONS


@dataclass
class EpochRunner:
    """Training of one epoch in slices, with at most two slices in flight.

    Dispatch is asynchronous: with a longer queue the progress line would run ahead of the device.

    Args:
        program: the training program.
        start: where the epoch begins or continues.
        steps: steps per epoch, or None if unknown.
        previous_chunk: the chunk before `current_chunk`; at first, the last chunk of the previous
            epoch, or None.
        pacer: the measured speed.
        on_slice: see `SliceHook`.
        observer: samples statistics of single steps.
        reset_state: a train state whose sums are zero; None creates it from the first chunk.
        step_hooks: functions called before and after every step; None runs many steps at once.
        current_chunk: the chunk in progress.
        in_flight: dispatched slices, the oldest first.
    """

    program: Program
    start: RunState
    steps: int | None
    previous_chunk: StepRange | None
    pacer: SlicePacer
    on_slice: SliceHook
    observer: StepObserver
    reset_state: TrainState | None
    step_hooks: StepHooks | None = None
    current_chunk: StepRange | None = None
    in_flight: deque[PendingSlice] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.started_at = time.perf_counter() - self.start.seconds
        self.train_state = self.start.train_state
        """Train state after the last dispatched slice."""
        self.steps_done = len(self.start.losses)
        self.losses, self.batch_sizes = [self.start.losses], [self.start.batch_sizes]

    def run(self, chunks: Iterable[Chunk | None]) -> EpochOutcome:
        """Train on the epoch's chunks and return the outcome."""
        try:
            for chunk in chunks:
                outcome = self._idle() if chunk is None else self._run_chunk(chunk)
                if outcome:
                    return outcome
        except DataError as error:
            return self._drain() or EpochOutcome(self.train_state, complete=False, error=error)
        return self._drain() or EpochOutcome(self.train_state)

    def compute_logs(self) -> Logs:
        """Return the epoch's logs: the loss averaged over rows in float64, and every metric."""
        run_state = self.snapshot(self.train_state)
        mean = run_state.losses @ run_state.batch_sizes / run_state.batch_sizes.sum()
        return self._make_logs(float(mean), self.train_state)

    def snapshot(self, train_state: TrainState) -> RunState:
        """Return the run state after the completed steps.

        Args:
            train_state: train state after those steps.
        """
        return replace(
            self.start,
            train_state=train_state,
            losses=np.concatenate(self.losses),
            batch_sizes=np.concatenate(self.batch_sizes),
            seconds=time.perf_counter() - self.started_at,
        )

    def _run_chunk(self, chunk: Chunk) -> EpochOutcome | None:
        self._begin_chunk(chunk)
        if self.step_hooks:
            return self._run_single_steps(chunk, self.step_hooks)
        i = chunk.start
        while i < chunk.steps:
            if len(self.in_flight) == 2:
                if outcome := self._collect_oldest():
                    return outcome
                continue
            steps = min(self.pacer.slice_steps, self.observer.max_slice_steps(self.steps_done))
            stop = min(i + steps, chunk.steps)
            self._dispatch_slice(StepRange(self.train_state, chunk, i), stop)
            i = stop
        return None

    def _run_single_steps(self, chunk: Chunk, hooks: StepHooks) -> EpochOutcome | None:
        for i in range(chunk.start, chunk.steps):
            before, optimizer = self.train_state, self.program.optimizer
            rate = float(learning_rate_at(optimizer, before.rate, before.step))
            requested = hooks.begin(self.steps_done, rate)
            self.train_state = with_learning_rate(self.program, before, requested)
            self._dispatch_slice(StepRange(self.train_state, chunk, i), i + 1)
            self.current_chunk = self.in_flight[-1].step_range  # where a failed step is replayed
            if outcome := self._collect_oldest():
                return outcome
            reason = hooks.end(self.steps_done - 1, self.compute_logs())
            if reason:
                place = self._describe_step(self.steps_done)
                complete = self.steps_done == self.steps
                return EpochOutcome(self.train_state, f"{place}: {reason}", complete=complete)
        return None

    def _begin_chunk(self, chunk: Chunk) -> None:
        """Reset the chunk's losses and, at the start of an epoch, its sums."""
        if self.reset_state is None:
            self.reset_state = reset_epoch_sums(
                self.program, self.train_state, len(chunk.plan.mask)
            )
        zeros = self.reset_state
        self.train_state = self.train_state._replace(losses=zeros.losses)
        if self.current_chunk is None and not self.steps_done:
            self.train_state = self.train_state._replace(
                metric_sums=zeros.metric_sums, finite=zeros.finite
            )
        self.previous_chunk = self.current_chunk or self.previous_chunk
        self.current_chunk = StepRange(self.train_state, chunk, chunk.start)

    def _dispatch_slice(self, step_range: StepRange, stop: int) -> None:
        assert self.current_chunk
        self.train_state = step_range.run_until(self.program, stop)
        self.in_flight.append(
            PendingSlice(
                self.previous_chunk,
                self.current_chunk,
                step_range,
                stop,
                time.perf_counter(),
                self.train_state,
            )
        )

    def _idle(self) -> EpochOutcome | None:
        return self._drain() or self._call_slice_hook(self.train_state)

    def _drain(self) -> EpochOutcome | None:
        """Wait for all slices in flight."""
        while self.in_flight:
            if outcome := self._collect_oldest():
                return outcome
        return None

    def _collect_oldest(self) -> EpochOutcome | None:
        """Wait for the oldest slice in flight."""
        slice_ = self.in_flight.popleft()
        train_state, chunk = slice_.result, slice_.step_range.chunk
        start, stop = slice_.step_range.start, slice_.stop
        if not train_state.finite:
            return self._diagnose_nonfinite(slice_)
        self.pacer.record_slice(stop - start, slice_.sent_at)
        self.steps_done += stop - start
        self.losses.append(np.array(train_state.losses, np.float64)[start:stop])
        self.batch_sizes.append(chunk.plan.count_rows()[start:stop])
        self.observer.maybe_observe(train_state, chunk, stop, self.steps_done, self.pacer)
        return self._call_slice_hook(train_state)

    def _call_slice_hook(self, train_state: TrainState) -> EpochOutcome | None:
        reason = self.on_slice(
            self.steps_done,
            self.steps,
            lambda: self._compute_running_logs(train_state),
            lambda: self.snapshot(train_state),
        )
        if not reason:
            return None
        place = self._describe_step(self.steps_done)
        complete = self.steps_done == self.steps
        return EpochOutcome(train_state, f"{place}: {reason}", complete=complete)

    def _describe_step(self, step: int) -> str:
        return f"step {step} of {self.steps}" if self.steps else f"step {step}"

    def _compute_running_logs(self, train_state: TrainState) -> Logs:
        """Return the logs so far: the mean of the step losses, and every metric."""
        return self._make_logs(float(np.concatenate(self.losses).mean()), train_state)

    def _make_logs(self, mean_loss: float, train_state: TrainState) -> Logs:
        sums = jax.device_get(train_state.metric_sums)
        metrics = zip(self.program.metrics, sums, strict=True)
        return {"loss": self.program.loss.report_scale * mean_loss} | {
            metric.name: metric.result(acc) for metric, acc in metrics
        }

    def _diagnose_nonfinite(self, slice_: PendingSlice) -> EpochOutcome:
        """Replay a failed slice to find its first bad step.

        The outcome names the step and the link, and has the last weights with a finite loss.
        """
        program, step_range = self.program, slice_.step_range
        good, bad = step_range.start, slice_.stop
        while bad - good > 1:
            middle = (good + bad) // 2
            if step_range.run_until(program, middle).finite:
                good = middle
            else:
                bad = middle
        train_state = step_range.run_until(program, good)
        cause, loss = locate_nonfinite(program, train_state, step_range.chunk, good)
        place = self._describe_step(self.steps_done + good - step_range.start + 1)
        previous = slice_.previous_chunk
        if not math.isfinite(loss):
            # The step before produced the weights: go back one more.
            if good > slice_.current_chunk.start:
                replay = step_range if good > step_range.start else slice_.current_chunk
                train_state = replay.run_until(program, good - 1)
            elif previous is not None:
                replayed = previous.run_until(program, previous.chunk.steps - 1)
                train_state = replayed._replace(rate=train_state.rate)
        reason = f"{place}: {cause} is not finite"
        bad_loss = math.nan if math.isfinite(loss) else loss
        return EpochOutcome(train_state, reason, complete=False, finite=False, loss=bad_loss)


class PendingSlice(NamedTuple):
    """A dispatched slice.

    Attributes:
        previous_chunk: the chunk before `current_chunk`, or None.
        current_chunk: the chunk that the slice belongs to.
        step_range: the first step and the train state before it.
        stop: one past the last step.
        sent_at: time of the dispatch.
        result: the train state after the slice.
    """

    previous_chunk: StepRange | None
    current_chunk: StepRange
    step_range: StepRange
    stop: int
    sent_at: float
    result: TrainState


def locate_nonfinite(
    program: Program, train_state: TrainState, chunk: Chunk, step: int
) -> tuple[str, float]:
    """Return the first non-finite value of a step, in words, and the loss."""
    batch, mask, key = get_batch(program, train_state, chunk.data, chunk.plan, step)
    result = _forward_backward(
        program, train_state.params, train_state.state, batch, mask, key, True
    )
    links = list(network.iter_links(program.links))
    names = [link.name or type(link).__name__ for _, link in links]
    grads = [network.tree_get(result.grads, path) for path, _ in links]
    states = [network.tree_get(result.state, path) for path, _ in links]
    # Outputs and derivatives exist for the body only, so they may be fewer than the names.
    outputs = list(zip(names, result.link_outputs, strict=False))
    derivatives = [
        (f"{'the delta' if functional.computes_z(link) else 'dL/d(output)'} of {name}", derivative)
        for (_, link), name, derivative in zip(links, names, result.deltas, strict=False)
    ]
    stages: list[tuple[str, Any]] = [
        *((f"the output of {name}", output) for name, output in outputs),
        ("the loss", result.loss),
        *reversed(derivatives),
        *((f"the gradient of {name}", grad) for name, grad in zip(names, grads, strict=True)),
        *((f"a statistic of {name}", state) for name, state in zip(names, states, strict=True)),
    ]
    causes = (cause for cause, value in stages if not all_finite(value))
    return next(causes, "the update of the weights"), float(result.loss)


_forward_backward = compiled(0, 6)(forward_backward)
