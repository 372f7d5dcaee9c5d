"""One epoch under way: chunks of rows, in slices for the clock, with looks inside, and the search
for what went bad first.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from glassnet import fingerprinting
from glassnet.engine import network
from glassnet.engine.train_step import (
    BatchPlan,
    Chunk,
    Data,
    Program,
    TrainState,
    forward_backward,
    get_batch,
    observe_step,
    reset_epoch_sums,
    run_steps,
)
from glassnet.errors import DataError

SLICE_SECONDS = 0.2
"""How long the device works between two looks at the clock, at Ctrl-C and at the loss."""

LONG_RUN_SECONDS = 5.0
"""Runs expected to last longer than this are observed by default: the observing program takes half
a second to compile.
"""

MAX_OBSERVATIONS = 20
"""How often an epoch is observed, at most."""


@dataclass(frozen=True)
class Observation:
    """Numbers from inside one step (counted from 0): `values` has a row per link and a column per
    name in `train_step.OBSERVED_STATISTICS`.
    """

    epoch: int
    step: int
    values: np.ndarray


@dataclass(frozen=True)
class EpochOutcome:
    """How an epoch ended: with which carry, why it or the run stops there if it does, whether whole
    and in finite numbers, and the error that is to be raised once all of that is recorded."""

    train_state: TrainState
    stop_reason: str | None = None
    complete: bool = True
    finite: bool = True
    error: DataError | None = None


@dataclass(frozen=True)
class StepRange:
    """Steps of a chunk from `start` on, with the carry as it stood there: whatever follows can be
    replayed from it.
    """

    train_state: TrainState
    chunk: Chunk
    start: int = 0

    def run_until(self, program: Program, stop: int) -> TrainState:
        """The carry before step `stop`."""
        return run_steps(
            program,
            self.train_state,
            self.chunk.data,
            self.chunk.plan,
            np.int32(self.start),
            np.int32(stop),
        )


class BatchSource(Protocol):
    """What an epoch is made of."""

    @property
    def steps(self) -> int | None:
        """Of an epoch, or None where that is not known."""

    @property
    def batch_size(self) -> int:
        """Rows of a batch."""

    @property
    def n_samples(self) -> int | None:
        """How many there are, or None where that is not known."""

    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        """An epoch's chunks from step `start_step` on, all of one shape; None where the next is
        waited for, after `SLICE_SECONDS` at most.

        Raises:
            DataError: the epoch cannot go on.
        """

    def fingerprint(self) -> dict[str, Any]:
        """What tells these rows from others."""

    def close(self) -> None:
        """No more chunks are wanted."""


@dataclass(frozen=True)
class ArraySource:
    """Rows that are on the device, all of them: an epoch is one chunk.

    Args:
        data: on the device.
        plan_fn: epoch to its order on the device, of as many steps in every epoch.
        batch_size: rows of a batch.
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


@dataclass(frozen=True)
class RunState:
    """Where training stands: from here it goes on as if it had never stopped, bit for bit.

    Attributes:
        epoch: that is under way, or comes next.
        train_state: of the step to come.
        best_state: the weights that were kept last, None for none; the run ends with them.
        epoch_start_state: the carry that the epoch under way began with; None between epochs.
        losses: (steps done of that epoch,) float64.
        batch_sizes: as many, how many rows each step was of.
        seconds: that the epoch has taken.
        finished: whether the run ends here for good, and is not merely interrupted.
    """

    epoch: int
    train_state: TrainState
    best_state: TrainState | None = None
    epoch_start_state: TrainState | None = None
    losses: np.ndarray = field(default_factory=lambda: np.zeros(0))
    batch_sizes: np.ndarray = field(default_factory=lambda: np.zeros(0))
    seconds: float = 0.0
    finished: bool = False

    @property
    def final_state(self) -> TrainState:
        """The carry that a run has which ends here."""
        return (
            self.train_state
            if self.best_state is None
            else self.train_state._replace(
                params=self.best_state.params, state=self.best_state.state
            )
        )


Logs = dict[str, float]
SliceHook = Callable[[int, int | None, Callable[[], Logs], Callable[[], RunState]], str | None]
"""Called after every slice with (steps done, steps of the epoch if known, what gives its logs so
far, what gives where training stands); a text stops the run for that reason. Called while rows are
waited for, too."""


@dataclass
class SlicePacer:
    """How fast the device goes: a slice is as many steps as take about `SLICE_SECONDS`, 16 to begin
    with.
    """

    steps_per_second: float = 16 / SLICE_SECONDS
    last_finished_at: float = 0.0
    total_steps: int = 0
    total_seconds: float = 0.0

    @property
    def slice_steps(self) -> int:
        return max(1, int(self.steps_per_second * SLICE_SECONDS))

    def record_slice(self, steps: int, started_at: float) -> None:
        """`steps` have ended now; they began when they were sent, or when the slice before them
        ended.
        """
        now = time.perf_counter()
        took = max(now - max(started_at, self.last_finished_at), 1e-6)
        self.steps_per_second, self.last_finished_at = steps / took, now
        self.total_steps, self.total_seconds = self.total_steps + steps, self.total_seconds + took

    def will_exceed(self, steps: int, seconds: float) -> bool:
        """Whether so many more steps will take longer than that, by half a second's experience or
        more.
        """
        return self.total_seconds >= 0.5 and steps * self.total_seconds > seconds * self.total_steps


@dataclass
class StepObserver:
    """Looks inside at most `MAX_OBSERVATIONS` steps of an epoch, between slices, in long runs or
    where asked to.

    In an epoch whose steps are not known, looks are ever further apart: after 1, 2, 4, 8 steps and
        so on.
    """

    program: Program
    steps: int | None
    epoch: int
    end_epoch: int
    observe: bool | None
    observations: tuple[Observation, ...] = ()

    def max_slice_steps(self, steps_done: int) -> int:
        """How many steps a slice may have, so as not to miss a look."""
        if not self.observe:
            return self.steps or sys.maxsize
        return -(-self.steps // MAX_OBSERVATIONS) if self.steps else max(1, steps_done)

    def maybe_observe(
        self, train_state: TrainState, chunk: Chunk, i: int, steps_done: int, pacer: SlicePacer
    ) -> None:
        """Observe step `i` of the chunk (the last again at its end), before which `steps_done` of
        the epoch's are done, if one is due.
        """
        if self.observe is None:
            wanted = self.steps is not None and pacer.will_exceed(
                (self.end_epoch - self.epoch) * self.steps, LONG_RUN_SECONDS
            )
        else:
            wanted = self.observe
        looks = len(self.observations)
        if (
            wanted
            and looks < MAX_OBSERVATIONS
            and (
                looks * self.steps < steps_done * MAX_OBSERVATIONS
                if self.steps
                else steps_done >= 2**looks
            )
        ):
            step = min(i, chunk.steps - 1)
            values = np.array(
                observe_step(self.program, train_state, chunk.data, chunk.plan, np.int32(step))
            )
            self.observations += (Observation(self.epoch, steps_done + step - i, values),)


@dataclass
class EpochRunner:
    """One epoch in slices, at most two of them in flight: dispatch returns at once, and a longer
    queue would make the progress line lie.

    Args:
        program: what runs.
        start: where the epoch begins, or goes on.
        steps: of the epoch, if known.
        previous_chunk: the last chunk of the epoch before, if this run had one; later, the chunk
            before `current_chunk`.
        pacer: how fast the device goes.
        on_slice: see `SliceHook`.
        observer: looks inside steps.
        reset_state: the zeros that epochs begin with, once they are made.
    """

    program: Program
    start: RunState
    steps: int | None
    previous_chunk: StepRange | None
    pacer: SlicePacer
    on_slice: SliceHook
    observer: StepObserver
    reset_state: TrainState | None
    current_chunk: StepRange | None = None
    in_flight: deque[PendingSlice] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.started_at = time.perf_counter() - self.start.seconds
        self.train_state = self.start.train_state
        """Of the last slice that was sent."""
        self.steps_done = len(self.start.losses)
        self.losses, self.batch_sizes = [self.start.losses], [self.start.batch_sizes]

    def run(self, chunks: Iterable[Chunk | None]) -> EpochOutcome:
        """Train on an epoch's chunks."""
        try:
            for chunk in chunks:
                ended = self._idle() if chunk is None else self._run_chunk(chunk)
                if ended:
                    return ended
        except DataError as error:
            return self._drain() or EpochOutcome(self.train_state, complete=False, error=error)
        return self._drain() or EpochOutcome(self.train_state)

    def compute_logs(self) -> Logs:
        """The epoch's logs: the loss averaged over its rows in float64, and each metric."""
        here = self.snapshot(self.train_state)
        mean = here.losses @ here.batch_sizes / here.batch_sizes.sum()
        return {"loss": self.program.loss.report_scale * float(mean)} | self._compute_metrics(
            self.train_state
        )

    def snapshot(self, train_state: TrainState) -> RunState:
        """Where training stands, with the carry after the steps that are done."""
        losses, rows = np.concatenate(self.losses), np.concatenate(self.batch_sizes)
        return replace(
            self.start,
            train_state=train_state,
            losses=losses,
            batch_sizes=rows,
            seconds=time.perf_counter() - self.started_at,
        )

    def _run_chunk(self, chunk: Chunk) -> EpochOutcome | None:
        self.reset_state = self.reset_state or reset_epoch_sums(
            self.program, self.train_state, len(chunk.plan.mask)
        )
        begun = {"losses": self.reset_state.losses}
        if self.current_chunk is None and not self.steps_done:
            begun |= {
                "metric_sums": self.reset_state.metric_sums,
                "finite": self.reset_state.finite,
            }
        self.train_state = self.train_state._replace(**begun)
        self.previous_chunk, self.current_chunk, sent = (
            self.current_chunk or self.previous_chunk,
            StepRange(self.train_state, chunk, chunk.start),
            chunk.start,
        )
        while sent < chunk.steps:
            if len(self.in_flight) == 2:
                if ended := self._collect_oldest():
                    return ended
                continue
            stop = min(
                sent + min(self.pacer.slice_steps, self.observer.max_slice_steps(self.steps_done)),
                chunk.steps,
            )
            piece = StepRange(self.train_state, chunk, sent)
            self.train_state, sent = piece.run_until(self.program, stop), stop
            self.in_flight.append(
                PendingSlice(
                    self.previous_chunk,
                    self.current_chunk,
                    piece,
                    stop,
                    time.perf_counter(),
                    self.train_state,
                )
            )
        return None

    def _idle(self) -> EpochOutcome | None:
        return self._drain() or self._call_slice_hook(self.train_state)

    def _drain(self) -> EpochOutcome | None:
        """Wait for all that is in flight."""
        while self.in_flight:
            if ended := self._collect_oldest():
                return ended
        return None

    def _collect_oldest(self) -> EpochOutcome | None:
        """Wait for the oldest slice in flight."""
        slice_ = self.in_flight.popleft()
        piece, stop, after = slice_.step_range, slice_.stop, slice_.result
        if not after.finite:
            return self._diagnose_nonfinite(slice_)
        self.pacer.record_slice(stop - piece.start, slice_.sent_at)
        self.steps_done += stop - piece.start
        self.losses.append(np.array(after.losses, np.float64)[piece.start : stop])
        self.batch_sizes.append(
            np.asarray(piece.chunk.plan.mask, np.float64)[piece.start : stop].sum(1)
        )
        self.observer.maybe_observe(after, piece.chunk, stop, self.steps_done, self.pacer)
        return self._call_slice_hook(after)

    def _call_slice_hook(self, train_state: TrainState) -> EpochOutcome | None:
        reason = self.on_slice(
            self.steps_done,
            self.steps,
            lambda: self._compute_running_logs(train_state),
            lambda: self.snapshot(train_state),
        )
        return (
            EpochOutcome(
                train_state,
                f"{self._describe_step(self.steps_done)}: {reason}",
                complete=self.steps_done == self.steps,
            )
            if reason
            else None
        )

    def _describe_step(self, step: int) -> str:
        return f"step {step} of {self.steps}" if self.steps else f"step {step}"

    def _compute_running_logs(self, train_state: TrainState) -> Logs:
        """The logs of the epoch under way: the mean of its steps' losses, and each metric."""
        return {
            "loss": self.program.loss.report_scale * float(np.concatenate(self.losses).mean())
        } | self._compute_metrics(train_state)

    def _compute_metrics(self, train_state: TrainState) -> Logs:
        return {
            metric.name: metric.result(acc)
            for metric, acc in zip(
                self.program.metrics, jax.device_get(train_state.metric_sums), strict=True
            )
        }

    def _diagnose_nonfinite(self, slice_: PendingSlice) -> EpochOutcome:
        """Replay a slice that went bad: which step and link came first, in words, and the weights
        that last gave a finite loss.
        """
        program, piece = self.program, slice_.step_range
        good, bad = piece.start, slice_.stop
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if piece.run_until(program, middle).finite else (good, middle)
        carry = piece.run_until(program, good)
        what, loss_is_finite = locate_nonfinite(program, carry, piece.chunk, good)
        before = slice_.previous_chunk
        place = self._describe_step(self.steps_done + good - piece.start + 1)
        if not loss_is_finite:
            if good > 0:
                carry = (piece if good > piece.start else slice_.current_chunk).run_until(
                    program, good - 1
                )
            elif before is not None:
                carry = before.run_until(program, before.chunk.steps - 1)._replace(rate=carry.rate)
        return EpochOutcome(carry, f"{place}: {what} is not finite", complete=False, finite=False)


class PendingSlice(NamedTuple):
    """Steps in flight: the chunk they are of and the one before it, the steps up to `stop`, when
    they were sent, and what comes of them.
    """

    previous_chunk: StepRange | None
    current_chunk: StepRange
    step_range: StepRange
    stop: int
    sent_at: float
    result: TrainState


def locate_nonfinite(
    program: Program, train_state: TrainState, chunk: Chunk, step: int
) -> tuple[str, bool]:
    """What comes first in a step that has a number that is none, in words; and whether its loss is
    finite.
    """
    batch, mask, key = get_batch(program, train_state, chunk.data, chunk.plan, step)
    done = _forward_backward(program, train_state.params, train_state.state, batch, mask, key, True)
    inside = list(network.iter_links(program.links))
    names = [link.name or type(link).__name__ for _, link in inside]
    grads, states = (
        [network.tree_get(tree, path) for path, _ in inside] for tree in (done.grads, done.state)
    )
    stages: list[tuple[str, Any]] = [
        (f"the output of {name}", y) for name, y in zip(names, done.link_outputs, strict=False)
    ]
    stages += [("the loss", done.loss)]
    stages += [
        (f"the delta of {name}", delta)
        for name, delta in reversed(list(zip(names, done.deltas, strict=False)))
    ]
    stages += [
        (f"the gradient of {name}", gradient) for name, gradient in zip(names, grads, strict=True)
    ]
    stages += [(f"a statistic of {name}", kept) for name, kept in zip(names, states, strict=True)]
    return next(
        (what for what, numbers in stages if not is_finite(numbers)), "the update of the weights"
    ), is_finite(done.loss)


def is_finite(tree: Any) -> bool:
    """Whether every number of a tree is one."""
    return all(bool(np.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


_forward_backward = jax.jit(forward_backward, static_argnums=(0, 6))
