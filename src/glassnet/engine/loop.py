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

from glassnet.engine.epoch_runner import Course, Logs, Observation, Observer, Pace, Source, Standing, Watch
from glassnet.engine.train_step import Carry, Program, rate_for, rate_of, to_device
from glassnet.errors import DataError


class Save(NamedTuple):
    """A file that the model, or its weights alone, is to be saved to."""

    path: str
    weights_only: bool = False


@dataclass(frozen=True)
class Decision:
    """What a callback answers: stop (the reason), keep these weights as the best so far, train on at another rate, save to files."""

    stop: str | None = None
    keep: bool = False
    learning_rate: float | None = None
    save: tuple[Save, ...] = ()


@dataclass(frozen=True)
class Record:
    """One epoch (counted from 0) as it went, `before` and `carry` being the weights and all else at its start and end.

    `learning_rate` is that of its last step, `next_learning_rate` that of the step to come.
    One that was broken off is not `complete`: it has no logs, and `decision.stop` says why; where bad numbers did it, it is not `finite`.
    `standing` is what the run goes on from, or would.
    """

    epoch: int
    logs: dict[str, float]
    seconds: float
    before: Carry
    carry: Carry
    observations: tuple[Observation, ...] = ()
    complete: bool = True
    finite: bool = True
    learning_rate: float = 0.0
    next_learning_rate: float = 0.0
    decision: Decision = field(default_factory=Decision)
    standing: Standing | None = None

    @property
    def weight_change(self) -> float:
        """The largest change of any one weight over the epoch."""
        pairs = zip(jax.tree.leaves(self.carry.params), jax.tree.leaves(self.before.params), strict=True)
        return max((float(np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0)) for a, b in pairs), default=0.0)


def run(
    program: Program,
    start: Standing,
    source: Source,
    *,
    last: int,
    validate: Callable[[Carry], Logs] = lambda carry: {},
    begin: Callable[[int, float], float | None] = lambda epoch, rate: None,
    decide: Callable[[Record], Decision] = lambda record: Decision(),
    watch: Watch = lambda done, steps, so_far, stand: None,
    observing: bool | None = None,
) -> Iterator[Record]:
    """Train from `start` to the end of epoch `last` - 1 and yield a `Record` of each epoch; end early where `decide` or `watch` says so,
    or on bad numbers.

    Where any decision said `keep`, the last record carries the weights that were kept last.

    Args:
        source: what epochs are made of.
        validate: the logs of the validation rows, from the carry.
        begin: epoch and the learning rate as it stands to the one to train the epoch at, or None.
        decide: what the callbacks make of a record.
        watch: see `Watch`.
        observing: True, False, or None to observe runs that are expected to last beyond five seconds.

    Raises:
        DataError: the source or `validate` failed, after the record of what was trained by then.
    """
    pace, here, earlier, opening, steps = Pace(), start, None, None, source.steps
    for epoch in range(start.epoch, start.epoch if start.over else last):
        if here.before is None:
            rate = float(rate_of(program.optimizer, here.carry.rate, here.carry.step))
            carry = at_rate(program, here.carry, begin(epoch, rate))
            here = replace(here, carry=carry, before=carry)
        before, best = here.before or here.carry, here.best
        observer = Observer(program, steps, epoch, last, observing)
        course = Course(program, here, steps, earlier, pace, watch, observer, opening)
        with closing(source.chunks(epoch, course.done)) as chunks:
            ended = course.run(chunks)
        logs: Logs = {}
        if ended.complete:
            steps, earlier, opening = course.done, course.whole, course.opening
            try:
                logs = course.logs() | validate(ended.carry)
            except DataError as error:
                ended = replace(ended, complete=False, error=error)
        here = course.standing(ended.carry)
        around = np.int32(max(int(ended.carry.step) - 1, 0)), ended.carry.step
        rate, coming = (float(rate_of(program.optimizer, before.rate, step)) for step in around)
        record = Record(epoch, logs, here.seconds, before, ended.carry, observer.seen, ended.complete, ended.finite, rate, coming)
        decision = decide(record) if ended.complete else Decision()
        over = bool(decision.stop) or not ended.finite
        if ended.reason:
            decision = replace(decision, stop=f"epoch {epoch + 1}, {ended.reason}")
        if ended.error:
            decision = replace(decision, stop=str(ended.error))
        ends = bool(decision.stop) or epoch == last - 1
        if ends and not record.next_learning_rate:
            decision = replace(decision, learning_rate=None)  # the schedule has ended at 0: no step follows, and 0 cannot be scaled
        if decision.keep:
            best = ended.carry
        elif best is not None and best.params is before.params and int(ended.carry.step) < int(before.step):
            best = None
        if ended.complete:
            here = Standing(epoch + 1, at_rate(program, ended.carry, decision.learning_rate))
        here = replace(here, best=best, over=over)
        yield replace(record, carry=here.final if ends else here.carry, decision=decision, standing=here)
        if ended.error:
            raise ended.error
        if decision.stop:
            return


def at_rate(program: Program, carry: Carry, rate: float | None) -> Carry:
    """The carry with `rate` as the learning rate of its next step; None leaves it."""
    return carry if rate is None else carry._replace(rate=to_device(np.float32(rate_for(program.optimizer, rate, int(carry.step)))))
