"""The trainer: one fit with callbacks, progress, history, checkpoints and Ctrl-C."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from glassnet.callbacks.callback_list import CallbackList
from glassnet.engine import inference, loop
from glassnet.engine.epoch_runner import BatchSource, Logs, RunState, StepHooks
from glassnet.engine.loop import Decision, LoopHooks, Record, SaveRequest
from glassnet.engine.placement import ONE_DEVICE, Placement, gather
from glassnet.engine.train_step import Program, TrainState
from glassnet.errors import TrainingWarning, warn
from glassnet.pipeline.adapter import Blocks
from glassnet.processes import exchange
from glassnet.storage import model_file
from glassnet.training.history import History
from glassnet.training.progress import InterruptGuard, Progress
from glassnet.training.resume import ModelExporter, ResumableRun, export_model_at
from glassnet.types import Params, State


class BestWeights(NamedTuple):
    """The weights of the epoch with the lowest validation loss."""

    epoch: int
    loss: float
    params: tuple[Params, ...]
    state: tuple[State, ...]


@dataclass(frozen=True)
class Trainer:
    """Trains a model and keeps its callbacks, progress line, history and checkpoints up to date.

    Args:
        program: the training program.
        callbacks: the fit's callbacks.
        progress: shows slices and epochs to the user.
        apply_record: updates the model; called with each record as soon as the epoch ends, and
            again with the decision about it.
        set_learning_rate: called with the learning rate that a callback chose for an epoch.
        export_model: returns the current model.
        run: writes checkpoints, closed at the end; None for no checkpoints.
        observe: see `loop.run_epochs`.
        placement: the devices. Process 0 decides for all processes that they belong to.
    """

    program: Program
    callbacks: CallbackList
    progress: Progress
    apply_record: Callable[[Record], None]
    set_learning_rate: Callable[[float], None]
    export_model: ModelExporter
    run: ResumableRun | None = None
    observe: bool | None = None
    placement: Placement = ONE_DEVICE

    def fit(
        self,
        start: RunState,
        source: BatchSource,
        validation_blocks: Blocks | None,
        end_epoch: int,
        history: History,
    ) -> tuple[Record | None, BestWeights | None]:
        """Train up to epoch `end_epoch`, fill `history` and return the last record.

        The weights of the lowest validation loss are returned, too.

        Args:
            start: where the run begins or continues.
            source: source of the epochs' chunks; closed at the end.
            validation_blocks: evaluated after every epoch; None for no validation.
            end_epoch: one past the last epoch, counted over the model's life.
            history: filled.

        Raises:
            DataError: the source or the blocks failed; the steps until then are applied first.
            ModelFileError: a file cannot be written.
        """
        record: Record | None = None
        best: BestWeights | None = None
        names = self.program.log_names(include_validation=validation_blocks is not None)
        with ExitStack() as stack, InterruptGuard() as interrupt, self.progress:
            stack.enter_context(closing(source))
            if self.run:
                stack.enter_context(closing(self.run))
                self.run.on_train_begin(start, self.callbacks.memories, self.export_model)
            hooks = LoopHooks(
                validate=partial(self._validate, validation_blocks),
                on_epoch_begin=self._on_epoch_begin,
                on_epoch_end=self._on_epoch_end,
                on_slice=partial(self._on_slice, interrupt),
                step_hooks=_share_decisions(self.callbacks.step_hooks, self.placement),
            )
            for record in loop.run_epochs(
                self.program,
                start,
                source,
                end_epoch=end_epoch,
                hooks=hooks,
                observe=self.observe,
            ):
                history.add(record, names)
                history.steps = int(record.train_state.step) - int(start.train_state.step)
                self._finish_epoch(record, end_epoch)
                loss = record.logs.get("val_loss", math.inf)
                if loss < (best.loss if best else math.inf):
                    best = BestWeights(record.epoch, loss, *record.train_state[:2])
        if record is not None:
            record = record.gather()
        return record, best and best._replace(params=gather(best.params), state=gather(best.state))

    def finish(self, start: RunState, last: Record | None, history: History) -> History:
        """Call the callbacks after the last epoch, and say why training stopped.

        The callbacks may change the model again.

        Args:
            start: where the run began or continued.
            last: the last record, or None.
            history: of the fit; returned.
        """
        history.weights = self.callbacks.get_recorded_weights(self.program.links)
        self.callbacks.on_train_end({name: values[-1] for name, values in history.history.items()})
        if last and not last.finite:
            _warn_not_finite(start, last, history)
        elif history.stopped:
            self.progress.log(f"stopped: {history.stopped}")
        elif last and last.run_state and last.run_state.has_earlier_best_weights:
            self.progress.log("the best weights are restored: those of an earlier epoch")
        self.progress.log_findings(history.findings)
        return history

    def _validate(self, blocks: Blocks | None, train_state: TrainState) -> Logs:
        if blocks is None:
            return {}
        return inference.evaluate_blocks(
            self.program,
            train_state.params,
            train_state.state,
            blocks.part_of(self.placement),
            "val_",
            self.placement,
        )

    def _on_epoch_begin(self, epoch: int, learning_rate: float) -> float | None:
        own = self.callbacks.on_epoch_begin(epoch, learning_rate)
        chosen = self.placement.agree(own, "learning rate of an epoch")
        if chosen is not None:
            self.set_learning_rate(chosen)
        return chosen

    def _on_epoch_end(self, record: Record) -> Decision:
        self.apply_record(record)
        own = self.callbacks.on_epoch_end(record)
        decision: list[Any] = [own.stop, own.keep_weights, own.learning_rate]
        stop, keep_weights, rate = self.placement.agree(decision, "decision about an epoch")
        return Decision(stop, keep_weights, rate, own.save)

    def _on_slice(
        self,
        interrupt: InterruptGuard,
        steps_done: int,
        steps: int | None,
        logs: Callable[[], Logs],
        snapshot: Callable[[], RunState],
    ) -> str | None:
        self.progress.on_slice(steps_done, steps, logs)
        if self.run:
            self.run.on_slice(steps_done, snapshot, self.callbacks.memories, self.export_model)
        reason = "interrupted by Ctrl-C" if interrupt.interrupted else None
        return self.placement.agree(reason, "decision about a slice")

    def _finish_epoch(self, record: Record, end_epoch: int) -> None:
        self.apply_record(record)
        for request in record.decision.save if exchange.is_first() else ():
            save_requested(request, record, self.export_model)
        if self.run:
            is_last = bool(record.decision.stop) or record.epoch == end_epoch - 1
            self.run.on_epoch_end(record, is_last, self.callbacks.memories, self.export_model)
        self.progress.on_epoch_end(record)


def _share_decisions(hooks: StepHooks | None, placement: Placement) -> StepHooks | None:
    """Return step hooks that are called in all processes of the devices; process 0 decides."""
    if hooks is None or placement.n_processes == 1:
        return hooks
    begin, end = hooks.begin, hooks.end
    return StepHooks(
        lambda step, rate: placement.agree(begin(step, rate), "learning rate of a step"),
        lambda step, logs: placement.agree(end(step, logs), "decision about a step"),
    )


def _warn_not_finite(start: RunState, record: Record, history: History) -> None:
    is_unchanged = record.epoch == start.epoch and int(record.train_state.step) == int(
        start.train_state.step
    )
    weights = (
        "The weights are those that the fit began with."
        if is_unchanged
        else "The last weights with a finite loss are kept."
    )
    warn(
        f"Training stopped in {history.stopped}. {weights} A lower learning rate, or inputs and "
        "targets of a smaller scale, usually helps; reset() starts again.",
        TrainingWarning,
    )


def save_requested(request: SaveRequest, record: Record, export_model: ModelExporter) -> None:
    """Write the model, or only its weights, as it is after an epoch.

    Raises:
        ModelFileError: something in the model cannot be saved; the file cannot be written.
    """
    assert record.run_state
    spec, built, arrays = export_model_at(record.run_state, export_model)
    data = (
        model_file.pack_weights(built, arrays)
        if request.weights_only
        else model_file.pack_model(spec, built, arrays)
    )
    model_file.write(request.path, data)
