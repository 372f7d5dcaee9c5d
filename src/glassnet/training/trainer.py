"""One fit under way: the generator of epochs, with callbacks asked, progress said, history written and Ctrl-C heard."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from typing import Any

from glassnet.callbacks import Panel
from glassnet.engine import inference, loop
from glassnet.engine.epoch_runner import Logs, Source, Standing
from glassnet.engine.loop import Decision, Record, Save
from glassnet.engine.train_step import Carry, Data, Program
from glassnet.errors import TrainingWarning
from glassnet.storage import model_file
from glassnet.training.history import History
from glassnet.training.progress import CtrlC, Progress
from glassnet.training.resume import Kept, Resumable, model_at


def train(
    program: Program,
    start: Standing,
    source: Source,
    held: Iterable[tuple[Data, Any]] | None,
    *,
    last: int,
    history: History,
    panel: Panel,
    progress: Progress,
    adopt: Callable[[Record], None],
    set_rate: Callable[[float], None],
    kept: Kept,
    run: Resumable | None,
    observe: bool | None,
) -> History:
    """Train up to epoch `last` and fill `history`.

    Args:
        program: what is compiled.
        start: where training stands.
        source: what epochs are made of; it is closed at the end.
        held: blocks of rows to validate on after every epoch (`evaluation.to_blocks`), or None.
        last: one past the last epoch, counted over the model's life.
        history: to be filled.
        panel: the callbacks.
        progress: told of slices and epochs.
        adopt: called with every record before anything can go wrong with it, and again once it is decided.
        set_rate: called with the learning rate that an epoch begins at, where a callback chose one.
        kept: gives the model as it is.
        run: what can be resumed, closed at the end; None for nothing.
        observe: see `epochs.run`.

    Raises:
        DataError: the source or the blocks gave out, once all that was trained by then is adopted.
        ModelFileError: a file cannot be written.
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
        return {} if held is None else inference.score(program, carry.params, carry.state, held, "val_")

    def watch(done: int, steps: int | None, so_far: Callable[[], Logs], stand: Callable[[], Standing]) -> str | None:
        progress.slice(done, steps, so_far)
        if run:
            run.watch(done, stand, panel.memories, kept)
        return "interrupted by Ctrl-C" if ctrl_c.pressed else None

    with ExitStack() as opened, CtrlC() as ctrl_c, progress:
        opened.enter_context(closing(source))
        if run:
            opened.enter_context(closing(run)).begin(start, panel.memories, kept)
        for record in loop.run(
            program,
            start,
            source,
            last=last,
            validate=validate,
            begin=begin,
            decide=judge,
            watch=watch,
            observing=observe,
        ):
            adopt(record)
            history.add(record)
            for file in record.decision.save:
                save(file, record, kept)
            if run:
                run.ended(record, bool(record.decision.stop) or record.epoch == last - 1, panel.memories, kept)
            progress.epoch(record)
    panel.end({name: values[-1] for name, values in history.history.items()})
    if record and not record.finite:
        began = record.epoch == start.epoch and int(record.carry.step) == int(start.carry.step)
        which = "The weights are those that the fit began with." if began else "The weights that last gave a finite loss are kept."
        remedy = "A lower learning rate, or inputs and targets of a smaller scale, usually helps; reset() starts again."
        warnings.warn(f"Training stopped in {history.stopped}. {which} {remedy}", TrainingWarning, stacklevel=3)
    elif history.stopped:
        progress.say(f"stopped: {history.stopped}")
    return history


def save(file: Save, record: Record, kept: Kept) -> None:
    """Write the model, or its weights, as it stands after an epoch.

    Raises:
        ModelFileError: something in it cannot be saved; the file cannot be written.
    """
    assert record.standing
    saved, built, arrays = model_at(record.standing, kept)
    model_file.write(file.path, model_file.weights(built, arrays) if file.weights_only else model_file.pack(saved, built, arrays))
