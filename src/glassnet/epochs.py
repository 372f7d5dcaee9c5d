"""The generator of epochs: it slices each epoch for the clock, asks the callbacks, and says where a run went bad.

`Sequential.fit`, the command line and the studio consume this one generator.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np

from glassnet import network
from glassnet.training import Carry, Data, Plan, Program, advance, new_epoch, observe, one_pass, pick, rate_for, rate_of, to_device

SLICE_SECONDS = 0.2
"""How long the device works between two looks at the clock, at Ctrl-C and at the loss."""

LONG_RUN_SECONDS = 5.0
"""Runs expected to last longer than this are observed by default: the observing program takes half a second to compile."""

LOOKS = 20
"""How often an epoch is observed, at most."""


@dataclass(frozen=True)
class Observation:
    """Numbers from inside one step (counted from 0): `values` has a row per link and a column per name in `training.MEASURES`."""

    epoch: int
    step: int
    values: np.ndarray


@dataclass(frozen=True)
class Decision:
    """What a callback answers: stop (the reason), keep these weights as the best so far, train on at another rate."""

    stop: str | None = None
    keep: bool = False
    learning_rate: float | None = None


@dataclass(frozen=True)
class Record:
    """One epoch (counted from 0) as it went, `before` and `carry` being the weights and all else at its start and end.

    `learning_rate` is that of its last step, `next_learning_rate` that of the step to come.
    One that was broken off is not `complete`: it has no logs, and `decision.stop` says why; where bad numbers did it, it is not `finite`.
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

    @property
    def weight_change(self) -> float:
        """The largest change of any one weight over the epoch."""
        pairs = zip(jax.tree.leaves(self.carry.params), jax.tree.leaves(self.before.params), strict=True)
        return max((float(np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0)) for a, b in pairs), default=0.0)


@dataclass(frozen=True)
class Ended:
    """How an epoch ended: with which carry, why it or the run stops there if it does, and whether whole and in finite numbers."""

    carry: Carry
    reason: str | None = None
    complete: bool = True
    finite: bool = True


@dataclass(frozen=True)
class Stretch:
    """Steps of a plan from `start` on, with the carry as it stood there: whatever follows can be replayed from it."""

    carry: Carry
    plan: Plan
    start: int = 0

    def until(self, program: Program, data: Data, stop: int) -> Carry:
        """The carry before step `stop`."""
        return advance(program, self.carry, data, self.plan, np.int32(self.start), np.int32(stop))


Watch = Callable[[int, int, Carry], str | None]
"""Called after every slice with (steps done, steps of the epoch, carry); a text stops the run for that reason."""


def run(
    program: Program,
    carry: Carry,
    data: Data,
    *,
    plan: Callable[[int], Plan],
    first: int,
    last: int,
    validate: Callable[[Carry], dict[str, float]] = lambda carry: {},
    begin: Callable[[int, float], float | None] = lambda epoch, rate: None,
    decide: Callable[[Record], Decision] = lambda record: Decision(),
    watch: Watch = lambda done, steps, carry: None,
    observing: bool | None = None,
) -> Iterator[Record]:
    """Train epochs `first` up to `last` and yield a `Record` of each; end early where `decide` or `watch` says so, or on bad numbers.

    Where any decision said `keep`, the last record carries the weights that were kept last.

    Args:
        plan: epoch to its order on the device, of as many steps in every epoch.
        validate: the logs of the validation rows, from the carry.
        begin: epoch and the learning rate as it stands to the one to train the epoch at, or None.
        decide: what the callbacks make of a record.
        watch: see `Watch`.
        observing: True, False, or None to observe runs that are expected to last beyond five seconds.
    """
    pace, best, opening, earlier = Pace(), None, None, None
    for epoch in range(first, last):
        carry = at_rate(program, carry, begin(epoch, float(rate_of(program.optimizer, carry.rate, carry.step))))
        began, before = time.perf_counter(), carry
        order = plan(epoch)
        opening = opening or new_epoch(program, carry, len(order.real))
        carry = carry._replace(losses=opening.losses, sums=opening.sums, finite=opening.finite)
        observer = Observer(program, data, order, epoch, last, observing)
        whole = Stretch(carry, order)
        ended = one_epoch(program, data, whole, earlier, pace, watch, observer)
        earlier = whole
        logs = summarise(program, ended.carry, order) | validate(ended.carry) if ended.complete else {}
        seconds = time.perf_counter() - began
        steps = np.int32(max(int(ended.carry.step) - 1, 0)), ended.carry.step
        rate, coming = (float(rate_of(program.optimizer, before.rate, step)) for step in steps)
        record = Record(epoch, logs, seconds, before, ended.carry, observer.seen, ended.complete, ended.finite, rate, coming)
        decision, carry = decide(record) if ended.complete else Decision(), ended.carry
        if ended.reason:
            decision = replace(decision, stop=f"epoch {epoch + 1}, {ended.reason}")
        if decision.keep:
            best = carry
        ends = bool(decision.stop) or epoch == last - 1
        if ends and not record.next_learning_rate:
            decision = replace(decision, learning_rate=None)  # the schedule has ended at 0: no step follows, and 0 cannot be scaled
        carry = at_rate(program, carry, decision.learning_rate)
        if best is not None and best.params is before.params and int(ended.carry.step) < int(before.step):
            best = None
        if best is not None and ends:
            carry = carry._replace(params=best.params, state=best.state)
        yield replace(record, carry=carry, decision=decision)
        if decision.stop:
            return


def at_rate(program: Program, carry: Carry, rate: float | None) -> Carry:
    """The carry with `rate` as the learning rate of its next step; None leaves it."""
    return carry if rate is None else carry._replace(rate=to_device(np.float32(rate_for(program.optimizer, rate, int(carry.step)))))


@dataclass
class Pace:
    """How fast the device goes: a slice is as many steps as take about `SLICE_SECONDS`, 16 to begin with."""

    steps_per_second: float = 16 / SLICE_SECONDS
    last: float = 0.0
    steps: int = 0
    seconds: float = 0.0

    @property
    def slice_steps(self) -> int:
        return max(1, int(self.steps_per_second * SLICE_SECONDS))

    def note(self, steps: int, began: float) -> None:
        """`steps` have ended now; they began when they were sent, or when the slice before them ended."""
        now = time.perf_counter()
        took = max(now - max(began, self.last), 1e-6)
        self.steps_per_second, self.last = steps / took, now
        self.steps, self.seconds = self.steps + steps, self.seconds + took

    def expects(self, steps: int, seconds: float) -> bool:
        """Whether so many more steps will take longer than that, by half a second's experience or more."""
        return self.seconds >= 0.5 and steps * self.seconds > seconds * self.steps


@dataclass
class Observer:
    """Looks inside at most `LOOKS` steps of an epoch, between slices, in long runs or where asked to."""

    program: Program
    data: Data
    plan: Plan
    epoch: int
    last: int
    observing: bool | None
    seen: tuple[Observation, ...] = ()

    @property
    def slice_steps(self) -> int:
        steps = len(self.plan.real)
        return -(-steps // LOOKS) if self.observing else steps

    def look(self, carry: Carry, done: int, pace: Pace) -> None:
        """Observe the step after `done` steps (the last again at the end), if one is due."""
        steps = len(self.plan.real)
        wanted = pace.expects((self.last - self.epoch) * steps, LONG_RUN_SECONDS) if self.observing is None else self.observing
        if wanted and len(self.seen) * steps < done * LOOKS:
            i = min(done, steps - 1)
            values = np.array(observe(self.program, carry, self.data, self.plan, np.int32(i)))
            self.seen += (Observation(self.epoch, i, values),)


def one_epoch(program: Program, data: Data, whole: Stretch, earlier: Stretch | None, pace: Pace, watch: Watch, observer: Observer) -> Ended:
    """One epoch in slices, at most two of them in flight: dispatch returns at once, and a longer queue would make the progress line lie."""
    carry, plan, steps, sent = whole.carry, whole.plan, len(whole.plan.real), 0
    flying: deque[tuple[Stretch, int, float, Carry]] = deque()
    while sent < steps or flying:
        if sent < steps and len(flying) < 2:
            stop = min(sent + min(pace.slice_steps, observer.slice_steps), steps)
            piece = Stretch(carry, plan, sent)
            carry, sent = piece.until(program, data, stop), stop
            flying.append((piece, stop, time.perf_counter(), carry))
            continue
        piece, stop, began, after = flying.popleft()
        if not after.finite:
            return autopsy(program, data, earlier, whole, piece, stop)
        pace.note(stop - piece.start, began)
        observer.look(after, stop, pace)
        if reason := watch(stop, steps, after):
            return Ended(after, f"step {stop} of {steps}: {reason}", complete=stop == steps)
    return Ended(carry)


def summarise(program: Program, carry: Carry, plan: Plan) -> dict[str, float]:
    """The epoch's logs: the loss averaged over its rows in float64, and each metric."""
    losses, rows = np.asarray(carry.losses, np.float64), np.asarray(plan.real, np.float64).sum(1)
    return {"loss": program.loss.unit * float(losses @ rows / rows.sum())} | _results(program, carry)


def so_far(program: Program, carry: Carry, done: int) -> dict[str, float]:
    """The logs of an epoch under way, after `done` of its steps: the mean of their losses, and each metric."""
    return {"loss": program.loss.unit * float(np.asarray(carry.losses, np.float64)[:done].mean())} | _results(program, carry)


def _results(program: Program, carry: Carry) -> dict[str, float]:
    return {metric.name: metric.result(acc) for metric, acc in zip(program.metrics, jax.device_get(carry.sums), strict=True)}


def autopsy(program: Program, data: Data, earlier: Stretch | None, whole: Stretch, piece: Stretch, stop: int) -> Ended:
    """Replay a slice that went bad: which step and link came first, in words, and the weights that last gave a finite loss.

    Args:
        program: what ran.
        data: on what.
        earlier: the epoch before, if this run had one.
        whole: the epoch.
        piece: the slice of it that went bad.
        stop: the slice's end.
    """
    good, bad = piece.start, stop
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if piece.until(program, data, middle).finite else (good, middle)
    carry, plan = piece.until(program, data, good), whole.plan
    batch, mask, key = pick(program, carry, data, plan, good)
    done = _one_pass(program, carry.params, carry.state, batch, mask, key, True)
    inside = list(network.walk(program.links))
    names = [link.name or type(link).__name__ for _, link in inside]
    grads, states = ([network.at(tree, path) for path, _ in inside] for tree in (done.grads, done.state))
    stages: list[tuple[str, Any]] = [(f"the output of {name}", y) for name, y in zip(names, done.outputs, strict=False)]
    stages += [("the loss", done.loss)]
    stages += [(f"the delta of {name}", delta) for name, delta in reversed(list(zip(names, done.deltas, strict=False)))]
    stages += [(f"the gradient of {name}", gradient) for name, gradient in zip(names, grads, strict=True)]
    stages += [(f"a statistic of {name}", kept) for name, kept in zip(names, states, strict=True)]
    first = next((what for what, numbers in stages if not is_finite(numbers)), "the update of the weights")
    if not is_finite(done.loss):
        if good > 0:
            carry = (piece if good > piece.start else whole).until(program, data, good - 1)
        elif earlier is not None:
            carry = earlier.until(program, data, len(earlier.plan.real) - 1)._replace(rate=carry.rate)
    return Ended(carry, f"step {good + 1} of {len(plan.real)}: {first} is not finite", complete=False, finite=False)


def is_finite(tree: Any) -> bool:
    """Whether every number of a tree is one."""
    return all(bool(np.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


_one_pass = jax.jit(one_pass, static_argnums=(0, 6))
