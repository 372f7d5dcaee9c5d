"""The generator of epochs: it trains each, asks the callbacks, and says why a run ended.

`Sequential.fit`, the command line and the studio consume this one generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import jax
import numpy as np

from glassnet.engine.epoch_runner import (
    BatchSource,
    EpochRunner,
    Logs,
    Observation,
    RunState,
    SliceHook,
    SlicePacer,
    StepObserver,
)
from glassnet.engine.train_step import (
    Program,
    TrainState,
    learning_rate_at,
    rate_for_learning_rate,
    to_device,
)
from glassnet.errors import DataError


class SaveRequest(NamedTuple):
    """A file that the model, or its weights alone, is to be saved to."""

    path: str
    weights_only: bool = False


@dataclass(frozen=True)
class Decision:
    """What a callback answers: stop (the reason), keep these weights as the best so far, train on
    at another rate, save to files.
    """

    stop: str | None = None
    keep_weights: bool = False
    learning_rate: float | None = None
    save: tuple[SaveRequest, ...] = ()


@dataclass(frozen=True)
class Record:
    """One epoch (counted from 0) as it went, `epoch_start_state` and `train_state` being the
    weights and all else at its start and end.

    `learning_rate` is that of its last step, `next_learning_rate` that of the step to come. One
    that was broken off is not `complete`: it has no logs, and `decision.stop` says why; where bad
    numbers did it, it is not `finite`. `run_state` is what the run goes on from, or would.
    """

    epoch: int
    logs: dict[str, float]
    seconds: float
    epoch_start_state: TrainState
    train_state: TrainState
    observations: tuple[Observation, ...] = ()
    complete: bool = True
    finite: bool = True
    learning_rate: float = 0.0
    next_learning_rate: float = 0.0
    decision: Decision = field(default_factory=Decision)
    run_state: RunState | None = None

    @property
    def weight_change(self) -> float:
        """The largest change of any one weight over the epoch."""
        pairs = zip(
            jax.tree.leaves(self.train_state.params),
            jax.tree.leaves(self.epoch_start_state.params),
            strict=True,
        )
        return max(
            (float(np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0)) for a, b in pairs),
            default=0.0,
        )


def run_epochs(
    program: Program,
    start: RunState,
    source: BatchSource,
    *,
    end_epoch: int,
    validate: Callable[[TrainState], Logs] = lambda carry: {},
    on_epoch_begin: Callable[[int, float], float | None] = lambda epoch, rate: None,
    on_epoch_end: Callable[[Record], Decision] = lambda record: Decision(),
    on_slice: SliceHook = lambda done, steps, so_far, stand: None,
    observe: bool | None = None,
) -> Iterator[Record]:
    """Train from `start` to the end of epoch `end_epoch` - 1 and yield a `Record` of each epoch;
    end early where `on_epoch_end` or `on_slice` says so, or on bad numbers.

    Where any decision said `keep`, the last record carries the weights that were kept last.

    Args:
        source: what epochs are made of.
        validate: the logs of the validation rows, from the carry.
        on_epoch_begin: epoch and the learning rate as it stands to the one to train the epoch at,
            or None.
        on_epoch_end: what the callbacks make of a record.
        on_slice: see `SliceHook`.
        observe: True, False, or None to observe runs that are expected to last beyond five seconds.

    Raises:
        DataError: the source or `validate` failed, after the record of what was trained by then.
    """
    pace, here, earlier, opening, steps = SlicePacer(), start, None, None, source.steps
    for epoch in range(start.epoch, start.epoch if start.finished else end_epoch):
        if here.epoch_start_state is None:
            rate = float(
                learning_rate_at(program.optimizer, here.train_state.rate, here.train_state.step)
            )
            carry = with_learning_rate(program, here.train_state, on_epoch_begin(epoch, rate))
            here = replace(here, train_state=carry, epoch_start_state=carry)
        before, best = here.epoch_start_state or here.train_state, here.best_state
        observer = StepObserver(program, steps, epoch, end_epoch, observe)
        course = EpochRunner(program, here, steps, earlier, pace, on_slice, observer, opening)
        with closing(source.iter_chunks(epoch, course.steps_done)) as chunks:
            ended = course.run(chunks)
        logs: Logs = {}
        if ended.complete:
            steps, earlier, opening = course.steps_done, course.current_chunk, course.reset_state
            try:
                logs = course.compute_logs() | validate(ended.train_state)
            except DataError as error:
                ended = replace(ended, complete=False, error=error)
        here = course.snapshot(ended.train_state)
        around = np.int32(max(int(ended.train_state.step) - 1, 0)), ended.train_state.step
        rate, coming = (
            float(learning_rate_at(program.optimizer, before.rate, step)) for step in around
        )
        record = Record(
            epoch,
            logs,
            here.seconds,
            before,
            ended.train_state,
            observer.observations,
            ended.complete,
            ended.finite,
            rate,
            coming,
        )
        decision = on_epoch_end(record) if ended.complete else Decision()
        over = bool(decision.stop) or not ended.finite
        if ended.stop_reason:
            decision = replace(decision, stop=f"epoch {epoch + 1}, {ended.stop_reason}")
        if ended.error:
            decision = replace(decision, stop=str(ended.error))
        ends = bool(decision.stop) or epoch == end_epoch - 1
        if ends and not record.next_learning_rate:
            decision = replace(
                decision, learning_rate=None
            )  # the schedule has ended at 0: no step follows, and 0 cannot be scaled
        if decision.keep_weights:
            best = ended.train_state
        elif (
            best is not None
            and best.params is before.params
            and int(ended.train_state.step) < int(before.step)
        ):
            best = None
        if ended.complete:
            here = RunState(
                epoch + 1, with_learning_rate(program, ended.train_state, decision.learning_rate)
            )
        here = replace(here, best_state=best, finished=over)
        yield replace(
            record,
            train_state=here.final_state if ends else here.train_state,
            decision=decision,
            run_state=here,
        )
        if ended.error:
            raise ended.error
        if decision.stop:
            return


def with_learning_rate(
    program: Program, train_state: TrainState, learning_rate: float | None
) -> TrainState:
    """The carry with `learning_rate` as the learning rate of its next step; None leaves it."""
    return (
        train_state
        if learning_rate is None
        else train_state._replace(
            rate=to_device(
                np.float32(
                    rate_for_learning_rate(program.optimizer, learning_rate, int(train_state.step))
                )
            )
        )
    )
