"""Train a number of steps with the loop of `fit`, from any position to any other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace

from glassnet.engine.epoch_runner import BatchSource, Logs, RunState, SlicePacer, WrappedSource
from glassnet.engine.loop import NO_HOOKS, LoopHooks, Record, run_epochs
from glassnet.engine.train_step import Chunk, Program

PAUSED = "paused"


def run_for_steps(
    program: Program,
    start: RunState,
    source: BatchSource,
    n_steps: int,
    *,
    hooks: LoopHooks = NO_HOOKS,
    pacer: SlicePacer | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Record:
    """Train at most `n_steps` steps from a run state and return the last record.

    `record.run_state` is where the run continues, in the middle of an epoch too. However a run is
    cut into calls, its weights are those of one `fit`, bit for bit.

    Args:
        program: the training program.
        start: where the run begins or continues.
        source: source of the epochs' chunks. Their number of steps is known.
        n_steps: number of steps, at least 1.
        hooks: functions to call; `on_slice` is not.
        pacer: measured speed of earlier calls, which is updated.
        should_stop: called between slices; if it returns True, training stops there.

    Raises:
        DataError: see `loop.run_epochs`.
    """
    limited = _LimitedSource(source, n_steps)

    def on_slice(
        steps_done: int,
        steps: int | None,
        logs: Callable[[], Logs],
        snapshot: Callable[[], RunState],
    ) -> str | None:
        is_done = limited.n_before_epoch + steps_done >= n_steps
        return PAUSED if is_done or should_stop() else None

    limited.n_before_epoch = -len(start.losses)
    records = run_epochs(
        program,
        start,
        limited,
        end_epoch=sys.maxsize,
        hooks=replace(hooks, on_slice=on_slice),
        observe=False,
        pacer=pacer,
    )
    with closing(records):
        for record in records:
            limited.n_before_epoch += len(record.step_losses)
            if record.decision.stop:
                break
    return record


@dataclass
class _LimitedSource(WrappedSource):
    """A batch source that waits after some steps, so that the loop's hook can stop there."""

    remaining: int
    n_before_epoch: int = 0

    def iter_chunks(self, epoch: int, start_step: int) -> Generator[Chunk | None]:
        with closing(self.source.iter_chunks(epoch, start_step)) as chunks:
            for chunk in chunks:
                if chunk is None:
                    yield None
                    continue
                start = chunk.start
                while start < chunk.steps:
                    stop = min(start + self.remaining, chunk.steps)
                    yield chunk._replace(start=start, steps=stop)
                    self.remaining -= stop - start
                    start = stop
                    if not self.remaining:
                        yield None
