"""One fit under way: the generator of epochs, with callbacks asked, progress said, history written and Ctrl-C heard."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from glassnet import evaluation
from glassnet.callbacks import Panel
from glassnet.course import Logs, Source
from glassnet.epochs import Decision, Record, run
from glassnet.errors import TrainingWarning
from glassnet.history import History
from glassnet.progress import CtrlC, Progress
from glassnet.training import Carry, Data, Program


def train(
    program: Program,
    carry: Carry,
    source: Source,
    held: Iterable[tuple[Data, Any]] | None,
    *,
    first: int,
    last: int,
    history: History,
    panel: Panel,
    progress: Progress,
    adopt: Callable[[Record], None],
    set_rate: Callable[[float], None],
    observe: bool | None,
) -> History:
    """Train epochs `first` up to `last` and fill `history`.

    Args:
        program: what is compiled.
        carry: where training stands.
        source: what epochs are made of; it is closed at the end.
        held: blocks of rows to validate on after every epoch (`evaluation.to_blocks`), or None.
        first: the first epoch, counted over the model's life.
        last: one past the last.
        history: to be filled.
        panel: the callbacks.
        progress: told of slices and epochs.
        adopt: called with every record before anything can go wrong with it, and again once it is decided.
        set_rate: called with the learning rate that an epoch begins at, where a callback chose one.
        observe: see `epochs.run`.

    Raises:
        DataError: the source or the blocks gave out, once all that was trained by then is adopted.
    """
    record = None

    def begin(epoch: int, rate: float) -> float | None:
        chosen = panel.begin(epoch, rate)
        if chosen is not None:
            set_rate(chosen)
        return chosen

    def judge(record: Record) -> Decision:
        adopt(record)
        return panel.decide(record)

    def validate(carry: Carry) -> Logs:
        return {} if held is None else evaluation.score(program, carry.params, carry.state, held, "val_")

    def watch(done: int, steps: int | None, so_far: Callable[[], Logs]) -> str | None:
        progress.slice(done, steps, so_far)
        return "interrupted by Ctrl-C" if ctrl_c.pressed else None

    with closing(source), CtrlC() as ctrl_c, progress:
        for record in run(
            program,
            carry,
            source,
            first=first,
            last=last,
            validate=validate,
            begin=begin,
            decide=judge,
            watch=watch,
            observing=observe,
        ):
            adopt(record)
            history.add(record)
            progress.epoch(record)
    panel.end({name: values[-1] for name, values in history.history.items()})
    if record and not record.finite:
        began = record.epoch == first and int(record.carry.step) == int(carry.step)
        kept = "The weights are those that the fit began with." if began else "The weights that last gave a finite loss are kept."
        remedy = "A lower learning rate, or inputs and targets of a smaller scale, usually helps; reset() starts again."
        warnings.warn(f"Training stopped in {history.stopped}. {kept} {remedy}", TrainingWarning, stacklevel=3)
    elif history.stopped:
        progress.say(f"stopped: {history.stopped}")
    return history
