"""One fit under way: the generator of epochs, with callbacks asked, progress said, history written
and Ctrl-C heard.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from typing import Any

from glassnet.callbacks.callback_list import CallbackList
from glassnet.engine import inference, loop
from glassnet.engine.epoch_runner import BatchSource, Logs, RunState
from glassnet.engine.loop import Decision, Record, SaveRequest
from glassnet.engine.train_step import Data, Program, TrainState
from glassnet.errors import TrainingWarning
from glassnet.storage import model_file
from glassnet.training.history import History
from glassnet.training.progress import InterruptGuard, Progress
from glassnet.training.resume import ModelExporter, ResumableRun, export_model_at


def train(
    program: Program,
    start: RunState,
    source: BatchSource,
    validation_blocks: Iterable[tuple[Data, Any]] | None,
    *,
    end_epoch: int,
    history: History,
    callback_list: CallbackList,
    progress: Progress,
    on_record: Callable[[Record], None],
    set_learning_rate: Callable[[float], None],
    export_model: ModelExporter,
    run: ResumableRun | None,
    observe: bool | None,
) -> History:
    """Train up to epoch `end_epoch` and fill `history`.

    Args:
        program: what is compiled.
        start: where training stands.
        source: what epochs are made of; it is closed at the end.
        validation_blocks: blocks of rows to validate on after every epoch
            (`inference.iter_padded_blocks`), or None.
        end_epoch: one past the last epoch, counted over the model's life.
        history: to be filled.
        callback_list: the callbacks.
        progress: told of slices and epochs.
        on_record: called with every record before anything can go wrong with it, and again once it
            is decided.
        set_learning_rate: called with the learning rate that an epoch begins at, where a callback
            chose one.
        export_model: gives the model as it is.
        run: what can be resumed, closed at the end; None for nothing.
        observe: see `loop.run_epochs`.

    Raises:
        DataError: the source or the blocks gave out, once all that was trained by then is adopted.
        ModelFileError: a file cannot be written.
    """
    record = None

    def begin(epoch: int, rate: float) -> float | None:
        chosen = callback_list.on_epoch_begin(epoch, rate)
        if chosen is not None:
            set_learning_rate(chosen)
        return chosen

    def judge(record: Record) -> Decision:
        on_record(record)
        return callback_list.on_epoch_end(record)

    def validate(carry: TrainState) -> Logs:
        return (
            {}
            if validation_blocks is None
            else inference.evaluate_blocks(
                program, carry.params, carry.state, validation_blocks, "val_"
            )
        )

    def watch(
        done: int, steps: int | None, so_far: Callable[[], Logs], stand: Callable[[], RunState]
    ) -> str | None:
        progress.on_slice(done, steps, so_far)
        if run:
            run.on_slice(done, stand, callback_list.memories, export_model)
        return "interrupted by Ctrl-C" if ctrl_c.interrupted else None

    with ExitStack() as opened, InterruptGuard() as ctrl_c, progress:
        opened.enter_context(closing(source))
        if run:
            opened.enter_context(closing(run)).on_train_begin(
                start, callback_list.memories, export_model
            )
        for record in loop.run_epochs(
            program,
            start,
            source,
            end_epoch=end_epoch,
            validate=validate,
            on_epoch_begin=begin,
            on_epoch_end=judge,
            on_slice=watch,
            observe=observe,
        ):
            on_record(record)
            history.add(record)
            for file in record.decision.save:
                save_requested(file, record, export_model)
            if run:
                run.on_epoch_end(
                    record,
                    bool(record.decision.stop) or record.epoch == end_epoch - 1,
                    callback_list.memories,
                    export_model,
                )
            progress.on_epoch_end(record)
    callback_list.on_train_end({name: values[-1] for name, values in history.history.items()})
    if record and not record.finite:
        began = record.epoch == start.epoch and int(record.train_state.step) == int(
            start.train_state.step
        )
        which = (
            "The weights are those that the fit began with."
            if began
            else "The weights that last gave a finite loss are kept."
        )
        remedy = "A lower learning rate, or inputs and targets of a smaller scale, usually helps; reset() starts again."
        warnings.warn(
            f"Training stopped in {history.stopped}. {which} {remedy}",
            TrainingWarning,
            stacklevel=3,
        )
    elif history.stopped:
        progress.log(f"stopped: {history.stopped}")
    return history


def save_requested(request: SaveRequest, record: Record, export_model: ModelExporter) -> None:
    """Write the model, or its weights, as it stands after an epoch.

    Raises:
        ModelFileError: something in it cannot be saved; the file cannot be written.
    """
    assert record.run_state
    saved, built, arrays = export_model_at(record.run_state, export_model)
    model_file.write(
        request.path,
        model_file.pack_weights(built, arrays)
        if request.weights_only
        else model_file.pack_model(saved, built, arrays),
    )
