"""The training loop: a generator that yields one record per epoch.

`Sequential.fit` and everything else that trains consume this generator.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import jax
import numpy as np

from glassnet.engine.epoch_runner import (
    BatchSource,
    EpochOutcome,
    EpochRunner,
    Logs,
    Observation,
    RunState,
    SliceHook,
    SlicePacer,
    StepHooks,
    StepObserver,
    StepRange,
    make_pacer,
)
from glassnet.engine.placement import gather
from glassnet.engine.train_step import (
    Chunk,
    Program,
    TrainState,
    learning_rate_at,
    with_learning_rate,
)
from glassnet.errors import DataError, renamed_attributes


class SaveRequest(NamedTuple):
    """A file to save the model, or only its weights, to."""

    path: str
    weights_only: bool = False


@renamed_attributes(keep="keep_weights")
@dataclass(frozen=True)
class Decision:
    """A callback's answer to an epoch.

    Attributes:
        stop: reason to stop training; None continues.
        keep_weights: whether to remember these weights as the best so far.
        learning_rate: learning rate for the next epoch; None leaves it.
        save: files to write.
    """

    stop: str | None = None
    keep_weights: bool = False
    learning_rate: float | None = None
    save: tuple[SaveRequest, ...] = ()


@renamed_attributes(before="epoch_start_state", carry="train_state", standing="run_state")
@dataclass(frozen=True)
class Record:
    """Result of one epoch.

    Attributes:
        epoch: index, from 0.
        logs: logged values by name; empty if the epoch is not complete.
        seconds: duration.
        epoch_start_state: train state at the start of the epoch.
        train_state: train state at the end of the epoch.
        observations: statistics of single steps.
        complete: whether all steps ran; if not, `decision.stop` has the reason.
        finite: whether all values were finite.
        nonfinite_loss: the loss that ended the run, inf or NaN; None if all values were finite.
        learning_rate: learning rate of the epoch's last step.
        next_learning_rate: learning rate of the next step.
        decision: combined answer of the callbacks.
        run_state: position from which the run continues or can be resumed.
        step_losses: (completed steps,) float64, the training loss of each step.
        chunk: the data and the plan of the last step; None if there was none.
    """

    epoch: int
    logs: dict[str, float]
    seconds: float
    epoch_start_state: TrainState
    train_state: TrainState
    observations: tuple[Observation, ...] = ()
    complete: bool = True
    finite: bool = True
    nonfinite_loss: float | None = None
    learning_rate: float = 0.0
    next_learning_rate: float = 0.0
    decision: Decision = field(default_factory=Decision)
    run_state: RunState | None = None
    step_losses: np.ndarray = field(default_factory=lambda: np.zeros(0))
    chunk: Chunk | None = None

    def gather(self) -> Record:
        """Return the record with its train states and its chunk on the default device."""
        return replace(
            self,
            epoch_start_state=gather(self.epoch_start_state),
            train_state=gather(self.train_state),
            chunk=self.chunk and self.chunk.gather(),
        )

    @property
    def weight_change(self) -> float:
        """The largest absolute change of a weight over the epoch."""
        pairs = zip(
            jax.tree.leaves(self.train_state.params),
            jax.tree.leaves(self.epoch_start_state.params),
            strict=True,
        )
        return max(
            (float(np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0)) for a, b in pairs),
            default=0.0,
        )


@dataclass(frozen=True)
class LoopHooks:
    """Functions that `run_epochs` calls.

    Args:
        validate: returns the validation logs for a train state.
        on_epoch_begin: receives the epoch and its learning rate, and returns another learning rate
            to use instead, or None.
        on_epoch_end: returns the callbacks' decision about a record.
        on_slice: see `SliceHook`.
        step_hooks: see `StepHooks`; None runs many steps at once.
    """

    validate: Callable[[TrainState], Logs] = lambda train_state: {}
    on_epoch_begin: Callable[[int, float], float | None] = lambda epoch, learning_rate: None
    on_epoch_end: Callable[[Record], Decision] = lambda record: Decision()
    on_slice: SliceHook = lambda steps_done, steps, logs, snapshot: None
    step_hooks: StepHooks | None = None


NO_HOOKS = LoopHooks()


def run_epochs(
    program: Program,
    start: RunState,
    source: BatchSource,
    *,
    end_epoch: int,
    hooks: LoopHooks = NO_HOOKS,
    observe: bool | None = None,
    pacer: SlicePacer | None = None,
) -> Generator[Record]:
    """Train from `start` to the end of epoch `end_epoch` - 1, and yield a record of each epoch.

    The run ends early if `on_epoch_end` or `on_slice` asks for it, or if a value is not finite. If
    a decision had `keep_weights`, the last record has the weights of the latest such epoch.

    Args:
        program: the training program.
        start: where the run begins or continues.
        source: source of the epochs' chunks.
        end_epoch: one past the last epoch.
        hooks: functions to call.
        observe: whether to sample statistics of single steps; None does so if the run is expected
            to last more than 5 s.
        pacer: measured speed of an earlier part of the run, which is updated.

    Raises:
        DataError: the source or `validate` failed. The record of the steps trained until then is
            yielded first.
    """
    pacer, run_state, steps = pacer or make_pacer(start), start, source.steps
    previous_chunk: StepRange | None = None
    reset_state: TrainState | None = None
    for epoch in range(start.epoch, start.epoch if start.finished else end_epoch):
        run_state = _begin_epoch(program, run_state, hooks)
        observer = StepObserver(program, steps, epoch, end_epoch, observe)
        runner = EpochRunner(
            program,
            run_state,
            steps,
            previous_chunk,
            pacer,
            hooks.on_slice,
            observer,
            reset_state,
            hooks.step_hooks,
        )
        with closing(source.iter_chunks(epoch, runner.steps_done)) as chunks:
            outcome = runner.run(chunks)
        logs: Logs = {}
        if outcome.complete:
            steps, previous_chunk = runner.steps_done, runner.current_chunk
            reset_state = runner.reset_state
            try:
                logs = runner.compute_logs() | hooks.validate(outcome.train_state)
            except DataError as error:
                outcome = replace(outcome, complete=False, error=error)
        record = _make_record(runner, outcome, logs)
        decision = hooks.on_epoch_end(record) if outcome.complete else Decision()
        finished = bool(decision.stop) or not outcome.finite
        decision = _complete_decision(decision, record, outcome, end_epoch)
        record = _finish_record(program, record, decision, run_state.best_state, finished)
        assert record.run_state
        run_state = record.run_state
        is_last = bool(decision.stop) or epoch == end_epoch - 1
        yield replace(record, train_state=run_state.final_state) if is_last else record
        if outcome.error:
            raise outcome.error
        if decision.stop:
            return


def _begin_epoch(program: Program, run_state: RunState, hooks: LoopHooks) -> RunState:
    """Ask for the epoch's learning rate, unless the epoch is already in progress."""
    if run_state.epoch_start_state is not None:
        return run_state
    train_state = run_state.train_state
    rate = float(learning_rate_at(program.optimizer, train_state.rate, train_state.step))
    requested = hooks.on_epoch_begin(run_state.epoch, rate)
    train_state = with_learning_rate(program, train_state, requested)
    return replace(run_state, train_state=train_state, epoch_start_state=train_state)


def _make_record(runner: EpochRunner, outcome: EpochOutcome, logs: Logs) -> Record:
    """Make the record of an epoch, before any decision about it."""
    train_state, start_state = outcome.train_state, runner.start.epoch_start_state
    assert start_state
    run_state = runner.snapshot(train_state)
    optimizer, step = runner.program.optimizer, train_state.step
    last_step = np.int32(max(int(step) - 1, 0))
    return Record(
        epoch=run_state.epoch,
        logs=logs,
        seconds=run_state.seconds,
        epoch_start_state=start_state,
        train_state=train_state,
        observations=runner.observer.observations,
        complete=outcome.complete,
        finite=outcome.finite,
        nonfinite_loss=outcome.loss,
        learning_rate=float(learning_rate_at(optimizer, train_state.rate, last_step)),
        next_learning_rate=float(learning_rate_at(optimizer, train_state.rate, step)),
        run_state=run_state,
        step_losses=run_state.losses,
        chunk=runner.current_chunk.chunk if runner.current_chunk else None,
    )


def _complete_decision(
    decision: Decision, record: Record, outcome: EpochOutcome, end_epoch: int
) -> Decision:
    """Add the reason why the run stops, and drop a learning rate that no step would use."""
    if outcome.stop_reason:
        decision = replace(decision, stop=f"epoch {record.epoch + 1}, {outcome.stop_reason}")
    if outcome.error:
        decision = replace(decision, stop=str(outcome.error))
    is_last = bool(decision.stop) or record.epoch == end_epoch - 1
    if is_last and not record.next_learning_rate:
        # The schedule has ended at 0, which cannot be scaled.
        decision = replace(decision, learning_rate=None)
    return decision


def _finish_record(
    program: Program, record: Record, decision: Decision, best: TrainState | None, finished: bool
) -> Record:
    """Apply the decision to the record's train state and run state."""
    train_state, start_state = record.train_state, record.epoch_start_state
    run_state = record.run_state
    assert run_state
    if decision.keep_weights:
        best = train_state
    elif best and best.params is start_state.params and train_state.step < start_state.step:
        best = None  # The first step had a non-finite loss with these weights.
    if record.complete:
        next_state = with_learning_rate(program, train_state, decision.learning_rate)
        run_state = RunState(record.epoch + 1, next_state)
    run_state = replace(run_state, best_state=best, finished=finished)
    return replace(
        record, train_state=run_state.train_state, decision=decision, run_state=run_state
    )
