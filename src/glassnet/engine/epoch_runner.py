"""One epoch under way: chunks of rows, in slices for the clock, with looks inside, and the search for what went bad first."""

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
from glassnet.engine.train_step import Carry, Chunk, Data, Plan, Program, advance, new_epoch, observe, one_pass, pick
from glassnet.errors import DataError

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
class Ended:
    """How an epoch ended: with which carry, why it or the run stops there if it does, whether whole and in finite numbers, and the
    error that is to be raised once all of that is recorded."""

    carry: Carry
    reason: str | None = None
    complete: bool = True
    finite: bool = True
    error: DataError | None = None


@dataclass(frozen=True)
class Stretch:
    """Steps of a chunk from `start` on, with the carry as it stood there: whatever follows can be replayed from it."""

    carry: Carry
    chunk: Chunk
    start: int = 0

    def until(self, program: Program, stop: int) -> Carry:
        """The carry before step `stop`."""
        return advance(program, self.carry, self.chunk.data, self.chunk.plan, np.int32(self.start), np.int32(stop))


class Source(Protocol):
    """What an epoch is made of."""

    @property
    def steps(self) -> int | None:
        """Of an epoch, or None where that is not known."""

    @property
    def size(self) -> int:
        """Rows of a batch."""

    @property
    def rows(self) -> int | None:
        """How many there are, or None where that is not known."""

    def chunks(self, epoch: int, done: int) -> Generator[Chunk | None]:
        """An epoch's chunks from step `done` on, all of one shape; None where the next is waited for, after `SLICE_SECONDS` at most.

        Raises:
            DataError: the epoch cannot go on.
        """

    def marks(self) -> dict[str, Any]:
        """What tells these rows from others."""

    def close(self) -> None:
        """No more chunks are wanted."""


@dataclass(frozen=True)
class Rows:
    """Rows that are on the device, all of them: an epoch is one chunk.

    Args:
        data: on the device.
        plan: epoch to its order on the device, of as many steps in every epoch.
        size: rows of a batch.
    """

    data: Data
    plan: Callable[[int], Plan]
    size: int

    @property
    def rows(self) -> int:
        return len(self.data.x)

    @property
    def steps(self) -> int:
        return -(-self.rows // self.size)

    def chunks(self, epoch: int, done: int) -> Generator[Chunk | None]:
        yield Chunk(self.data, self.plan(epoch), self.steps, done)

    def marks(self) -> dict[str, Any]:
        return fingerprinting.of_each(self.data._asdict())

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Standing:
    """Where training stands: from here it goes on as if it had never stopped, bit for bit.

    Attributes:
        epoch: that is under way, or comes next.
        carry: of the step to come.
        best: the weights that were kept last, None for none; the run ends with them.
        before: the carry that the epoch under way began with; None between epochs.
        losses: (steps done of that epoch,) float64.
        rows: as many, how many rows each step was of.
        seconds: that the epoch has taken.
        over: whether the run ends here for good, and is not merely interrupted.
    """

    epoch: int
    carry: Carry
    best: Carry | None = None
    before: Carry | None = None
    losses: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0))
    seconds: float = 0.0
    over: bool = False

    @property
    def final(self) -> Carry:
        """The carry that a run has which ends here."""
        return self.carry if self.best is None else self.carry._replace(params=self.best.params, state=self.best.state)


Logs = dict[str, float]
Watch = Callable[[int, int | None, Callable[[], Logs], Callable[[], Standing]], str | None]
"""Called after every slice with (steps done, steps of the epoch if known, what gives its logs so far, what gives where training stands);
a text stops the run for that reason. Called while rows are waited for, too."""


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
    """Looks inside at most `LOOKS` steps of an epoch, between slices, in long runs or where asked to.

    In an epoch whose steps are not known, looks are ever further apart: after 1, 2, 4, 8 steps and so on.
    """

    program: Program
    steps: int | None
    epoch: int
    last: int
    observing: bool | None
    seen: tuple[Observation, ...] = ()

    def slice_steps(self, done: int) -> int:
        """How many steps a slice may have, so as not to miss a look."""
        if not self.observing:
            return self.steps or sys.maxsize
        return -(-self.steps // LOOKS) if self.steps else max(1, done)

    def look(self, carry: Carry, chunk: Chunk, i: int, done: int, pace: Pace) -> None:
        """Observe step `i` of the chunk (the last again at its end), before which `done` of the epoch's are done, if one is due."""
        if self.observing is None:
            wanted = self.steps is not None and pace.expects((self.last - self.epoch) * self.steps, LONG_RUN_SECONDS)
        else:
            wanted = self.observing
        looks = len(self.seen)
        if wanted and looks < LOOKS and (looks * self.steps < done * LOOKS if self.steps else done >= 2**looks):
            step = min(i, chunk.steps - 1)
            values = np.array(observe(self.program, carry, chunk.data, chunk.plan, np.int32(step)))
            self.seen += (Observation(self.epoch, done + step - i, values),)


@dataclass
class Course:
    """One epoch in slices, at most two of them in flight: dispatch returns at once, and a longer queue would make the progress line lie.

    Args:
        program: what runs.
        start: where the epoch begins, or goes on.
        steps: of the epoch, if known.
        earlier: the last chunk of the epoch before, if this run had one; later, the chunk before `whole`.
        pace: how fast the device goes.
        watch: see `Watch`.
        observer: looks inside steps.
        opening: the zeros that epochs begin with, once they are made.
    """

    program: Program
    start: Standing
    steps: int | None
    earlier: Stretch | None
    pace: Pace
    watch: Watch
    observer: Observer
    opening: Carry | None
    whole: Stretch | None = None
    flying: deque[Slice] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.began = time.perf_counter() - self.start.seconds
        self.carry = self.start.carry
        """Of the last slice that was sent."""
        self.done = len(self.start.losses)
        self.losses, self.rows = [self.start.losses], [self.start.rows]

    def run(self, chunks: Iterable[Chunk | None]) -> Ended:
        """Train on an epoch's chunks."""
        try:
            for chunk in chunks:
                ended = self._wait() if chunk is None else self._train(chunk)
                if ended:
                    return ended
        except DataError as error:
            return self._land() or Ended(self.carry, complete=False, error=error)
        return self._land() or Ended(self.carry)

    def logs(self) -> Logs:
        """The epoch's logs: the loss averaged over its rows in float64, and each metric."""
        here = self.standing(self.carry)
        mean = here.losses @ here.rows / here.rows.sum()
        return {"loss": self.program.loss.unit * float(mean)} | self._metrics(self.carry)

    def standing(self, carry: Carry) -> Standing:
        """Where training stands, with the carry after the steps that are done."""
        losses, rows = np.concatenate(self.losses), np.concatenate(self.rows)
        return replace(self.start, carry=carry, losses=losses, rows=rows, seconds=time.perf_counter() - self.began)

    def _train(self, chunk: Chunk) -> Ended | None:
        self.opening = self.opening or new_epoch(self.program, self.carry, len(chunk.plan.real))
        begun = {"losses": self.opening.losses}
        if self.whole is None and not self.done:
            begun |= {"sums": self.opening.sums, "finite": self.opening.finite}
        self.carry = self.carry._replace(**begun)
        self.earlier, self.whole, sent = self.whole or self.earlier, Stretch(self.carry, chunk, chunk.start), chunk.start
        while sent < chunk.steps:
            if len(self.flying) == 2:
                if ended := self._settle():
                    return ended
                continue
            stop = min(sent + min(self.pace.slice_steps, self.observer.slice_steps(self.done)), chunk.steps)
            piece = Stretch(self.carry, chunk, sent)
            self.carry, sent = piece.until(self.program, stop), stop
            self.flying.append(Slice(self.earlier, self.whole, piece, stop, time.perf_counter(), self.carry))
        return None

    def _wait(self) -> Ended | None:
        return self._land() or self._look(self.carry)

    def _land(self) -> Ended | None:
        """Wait for all that is in flight."""
        while self.flying:
            if ended := self._settle():
                return ended
        return None

    def _settle(self) -> Ended | None:
        """Wait for the oldest slice in flight."""
        slice_ = self.flying.popleft()
        piece, stop, after = slice_.piece, slice_.stop, slice_.after
        if not after.finite:
            return self._autopsy(slice_)
        self.pace.note(stop - piece.start, slice_.sent)
        self.done += stop - piece.start
        self.losses.append(np.array(after.losses, np.float64)[piece.start : stop])
        self.rows.append(np.asarray(piece.chunk.plan.real, np.float64)[piece.start : stop].sum(1))
        self.observer.look(after, piece.chunk, stop, self.done, self.pace)
        return self._look(after)

    def _look(self, carry: Carry) -> Ended | None:
        reason = self.watch(self.done, self.steps, lambda: self._so_far(carry), lambda: self.standing(carry))
        return Ended(carry, f"{self._place(self.done)}: {reason}", complete=self.done == self.steps) if reason else None

    def _place(self, step: int) -> str:
        return f"step {step} of {self.steps}" if self.steps else f"step {step}"

    def _so_far(self, carry: Carry) -> Logs:
        """The logs of the epoch under way: the mean of its steps' losses, and each metric."""
        return {"loss": self.program.loss.unit * float(np.concatenate(self.losses).mean())} | self._metrics(carry)

    def _metrics(self, carry: Carry) -> Logs:
        return {metric.name: metric.result(acc) for metric, acc in zip(self.program.metrics, jax.device_get(carry.sums), strict=True)}

    def _autopsy(self, slice_: Slice) -> Ended:
        """Replay a slice that went bad: which step and link came first, in words, and the weights that last gave a finite loss."""
        program, piece = self.program, slice_.piece
        good, bad = piece.start, slice_.stop
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if piece.until(program, middle).finite else (good, middle)
        carry = piece.until(program, good)
        what, loss_is_finite = first_bad(program, carry, piece.chunk, good)
        before = slice_.earlier
        place = self._place(self.done + good - piece.start + 1)
        if not loss_is_finite:
            if good > 0:
                carry = (piece if good > piece.start else slice_.whole).until(program, good - 1)
            elif before is not None:
                carry = before.until(program, before.chunk.steps - 1)._replace(rate=carry.rate)
        return Ended(carry, f"{place}: {what} is not finite", complete=False, finite=False)


class Slice(NamedTuple):
    """Steps in flight: the chunk they are of and the one before it, the steps up to `stop`, when they were sent, and what comes of them."""

    earlier: Stretch | None
    whole: Stretch
    piece: Stretch
    stop: int
    sent: float
    after: Carry


def first_bad(program: Program, carry: Carry, chunk: Chunk, step: int) -> tuple[str, bool]:
    """What comes first in a step that has a number that is none, in words; and whether its loss is finite."""
    batch, mask, key = pick(program, carry, chunk.data, chunk.plan, step)
    done = _one_pass(program, carry.params, carry.state, batch, mask, key, True)
    inside = list(network.walk(program.links))
    names = [link.name or type(link).__name__ for _, link in inside]
    grads, states = ([network.at(tree, path) for path, _ in inside] for tree in (done.grads, done.state))
    stages: list[tuple[str, Any]] = [(f"the output of {name}", y) for name, y in zip(names, done.outputs, strict=False)]
    stages += [("the loss", done.loss)]
    stages += [(f"the delta of {name}", delta) for name, delta in reversed(list(zip(names, done.deltas, strict=False)))]
    stages += [(f"the gradient of {name}", gradient) for name, gradient in zip(names, grads, strict=True)]
    stages += [(f"a statistic of {name}", kept) for name, kept in zip(names, states, strict=True)]
    return next((what for what, numbers in stages if not is_finite(numbers)), "the update of the weights"), is_finite(done.loss)


def is_finite(tree: Any) -> bool:
    """Whether every number of a tree is one."""
    return all(bool(np.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


_one_pass = jax.jit(one_pass, static_argnums=(0, 6))
