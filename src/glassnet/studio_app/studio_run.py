"""A run of the studio: forwards, backwards, and changed in the middle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec
import numpy as np

from glassnet.engine.epoch_runner import Logs, RunState, SlicePacer
from glassnet.engine.inference import evaluate_blocks
from glassnet.engine.loop import NO_HOOKS, Decision, LoopHooks, Record
from glassnet.engine.network import iter_links, tree_get, tree_set
from glassnet.engine.stepping import run_for_steps
from glassnet.engine.train_step import (
    Data,
    TrainState,
    get_batch,
    learning_rate_at,
    with_learning_rate,
)
from glassnet.errors import DataError, collect_warnings, is_float32, lookup, require
from glassnet.formatting import format_number
from glassnet.inspection.training_runs import RunSettings
from glassnet.studio_app.settings import Event, TrainingSettings, WeightChange
from glassnet.studio_app.studio_data import StudioData
from glassnet.studio_app.timeline import Segment, Timeline, pack
from glassnet.training.history import History


def prepare_segment(model: Any, data: StudioData, training: TrainingSettings) -> Segment:
    """Return what `fit` would run.

    Args:
        model: compiled; it stays as it is.
        data: the data.
        training: its batch size is used; the model has the other settings already.

    Raises:
        ConfigError, DataError: see `Sequential.fit`.
    """
    settings = RunSettings(start="current", batch_size=training.fit_batch_size)
    options = {"validation_data": data.test, **data.fit_options}
    with collect_warnings() as texts:
        runs = model.iter_training_runs(data.x, data.y, [settings], **options)
        return Segment(data, training, next(runs), runs, texts)


class EpochResult(NamedTuple):
    """Numbers of a complete epoch.

    Attributes:
        step: number of steps after it.
        epoch: its index.
        logs: logged values by name.
        seconds: duration.
        first_loss: training loss of its first step.
    """

    step: int
    epoch: int
    logs: Logs
    seconds: float
    first_loss: float


@dataclass
class StudioRun:
    """Training of one network on one data set, at any of its steps.

    Attributes:
        segment: what trains now.
        state: where training stands.
        timeline: moments to go back to.
        events: changes in the middle of the run, in the order of their steps.
        epochs: the complete epochs so far.
        last: the largest step that was reached.
        record: result of the last call of the loop.
        problem: why training cannot go on, such as a loss that is not finite; else "".
        pacer: measured speed.
    """

    segment: Segment
    state: RunState = field(init=False)
    timeline: Timeline = field(default_factory=Timeline)
    events: list[Event] = field(default_factory=list)
    epochs: list[EpochResult] = field(default_factory=list)
    last: int = 0
    record: Record | None = None
    problem: str = ""
    pacer: SlicePacer = field(default_factory=SlicePacer)

    def __post_init__(self) -> None:
        self.state = self.segment.training_run.start
        self.first = self.last = self.step
        self.timeline.add(pack(self.segment, self.state, is_change=True))

    @property
    def step(self) -> int:
        """Number of steps so far."""
        return int(self.state.train_state.step)

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps in an epoch."""
        steps = self.segment.training_run.source.steps
        assert steps is not None
        return steps

    @property
    def step_in_epoch(self) -> int:
        """Number of completed steps of the epoch in progress."""
        return len(self.state.losses)

    @property
    def learning_rate(self) -> float:
        """Learning rate of the next step."""
        train_state, optimizer = self.state.train_state, self.segment.training_run.program.optimizer
        return float(learning_rate_at(optimizer, train_state.rate, train_state.step))

    def advance(self, n_steps: int, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Train at most `n_steps` steps. What was trained after this step before is forgotten.

        Training ends before the first loss or weight that is not finite: see `problem`.

        Raises:
            DataError: see `run_for_steps`.
        """
        if self.problem:
            return
        self.forget_later()
        hooks = LoopHooks(validate=self._validate, on_epoch_end=self._add_epoch)
        self._train(n_steps, hooks, should_stop)
        self.last = self.step
        self.timeline.add(pack(self.segment, self.state))

    def seek(self, step: int) -> None:
        """Go to a step that was reached: the weights are those that training had there."""
        self._go_to(min(max(step, self.first), self.last))

    def _go_to(self, step: int) -> None:
        """Go to a step between moments of the timeline: train to it again from the one before."""
        moment = self.timeline.find(step)
        self.segment, self.state, self.problem = moment.segment, moment.unpack(), ""
        if step > moment.step:
            self._train(step - moment.step, NO_HOOKS)
            self.timeline.insert(pack(self.segment, self.state))

    def list_states(self, most: int) -> list[TrainState]:
        """Return the train states at some steps from the first to the present one.

        Args:
            most: number of states. There are fewer if there are fewer steps.
        """
        segment, state, problem = self.segment, self.state, self.problem
        steps = np.unique(np.linspace(self.first, self.step, most).round().astype(int))
        states = []
        for step in steps.tolist():
            self.seek(step)
            states.append(self.state.train_state)
        self.segment, self.state, self.problem = segment, state, problem
        return [*states[:-1], state.train_state]

    def forget_later(self) -> None:
        """Forget what was trained and changed after the present step."""
        step = self.step
        if step < self.last:
            self.timeline.drop_after(step)
            self.events = [event for event in self.events if event.step <= step]
            self.epochs = [each for each in self.epochs if each.step <= step]
            self.last = step

    def set_learning_rate(self, rate: float) -> None:
        """Use another learning rate from the next step on."""
        program, train_state = self.segment.training_run.program, self.state.train_state
        training = msgspec.structs.replace(self.segment.training, learning_rate=rate)
        self.segment = replace(self.segment, training=training)
        changed = with_learning_rate(program, train_state, rate)
        self._change(replace(self.state, train_state=changed), Event(self.step, learning_rate=rate))

    def set_weight(self, change: WeightChange) -> None:
        """Change one number of the weights.

        Raises:
            ConfigError: an unknown weight.
            DataError: an index that does not fit, or a number that float32 does not hold.
        """
        built, params = self.segment.training_run.network, self.state.train_state.params
        names = {
            f"{dict(iter_links(built.links))[path].name}/{key}": (path, key)
            for kind, path, key in built.weight_paths
            if kind == "params"
        }
        path, key = lookup("weight", change.name, names)
        array = np.array(tree_get(params, path)[key])
        fits = len(change.index) == array.ndim and all(
            i < size for i, size in zip(change.index, array.shape, strict=True)
        )
        expected = f"an index into {array.shape}"
        require(fits, change.name, expected, error=DataError, index=change.index)
        is_number, expected = is_float32(change.value), "a number that float32 holds"
        require(is_number, change.name, expected, error=DataError, value=change.value)
        array[change.index] = change.value
        changed = tree_set(params, path, tree_get(params, path) | {key: array})
        train_state = self.state.train_state._replace(params=changed)
        self._change(replace(self.state, train_state=train_state), Event(self.step, weight=change))

    def continue_with(self, segment: Segment, **change: Any) -> None:
        """Go on with another program or other rows, and the present weights.

        The epoch in progress ends here. The state of the optimizer stays if the optimizer does.
        What layers have learned of the data, such as scales, is learned again of other rows.

        Args:
            segment: of a network with weights of the same shapes.
            change: the field of the `Event`: training or data.
        """
        before, new = self.segment, segment.training_run.start.train_state
        old = self.state.train_state
        train_state = new._replace(params=old.params, step=old.step, key=old.key)
        if segment.data is before.data:
            train_state = train_state._replace(state=old.state)
        if segment.training_run.program.optimizer == before.training_run.program.optimizer:
            train_state = train_state._replace(optimizer_state=old.optimizer_state)
        self.segment = segment
        state = RunState(self.state.epoch + bool(self.step_in_epoch), train_state)
        self._change(state, Event(self.step, **change))

    def take_batch(self) -> tuple[Data, np.ndarray]:
        """Return the rows of the next step, and their indices among the training rows."""
        source = self.segment.training_run.source
        chunks = source.iter_chunks(self.state.epoch, self.step_in_epoch)
        chunk = next(chunk for chunk in chunks if chunk is not None)
        i, program = chunk.start, self.segment.training_run.program
        batch, mask, _ = get_batch(program, self.state.train_state, *chunk[:2], np.int32(i))
        is_real = np.asarray(mask) > 0
        indices = chunk.plan.indices
        rows = np.arange(len(is_real)) if indices is None else np.asarray(indices[i])
        return Data(*(None if a is None else np.asarray(a)[is_real] for a in batch)), rows[is_real]

    def make_history(self) -> History:
        """Return the history of the complete epochs, as `fit` would."""
        run = self.segment.training_run
        params = {"batch_size": run.source.batch_size, "rows": run.source.n_samples}
        history = History(run.seed, params | {"epochs": len(self.epochs)})
        for result in self.epochs:
            history.epoch.append(result.epoch)
            history.seconds.append(result.seconds)
            for name, value in result.logs.items():
                history.history.setdefault(name, []).append(value)
        if self.epochs:
            history.initial_loss = self.epochs[0].first_loss
        history.steps = self.step - self.first
        return history

    def _train(
        self, n_steps: int, hooks: LoopHooks, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        run = self.segment.training_run
        record = run_for_steps(
            run.program,
            self.state,
            run.source,
            n_steps,
            hooks=hooks,
            pacer=self.pacer,
            should_stop=should_stop,
        )
        assert record.run_state is not None
        self.state, self.record = record.run_state, record
        if not record.finite:
            self._end_at_problem(record)

    def _end_at_problem(self, record: Record) -> None:
        """Note where training ended, and stand where the loop went back to.

        The state of the loop has the weights from there, and the losses of the epoch up to
        another step, so it is computed again.
        """
        self._go_to(self.step)
        self.record = record
        self.epochs = [each for each in self.epochs if each.step <= self.step]
        self.problem = (
            f"Training has ended at {record.decision.stop}. The page shows {self._name_step()}."
        )

    def _name_step(self) -> str:
        """Return the present step in words: of the run, and of its epoch as `fit` counts it."""
        if self.step == self.first:
            return "the weights at the start"
        before, steps = self.state.epoch, self.steps_per_epoch
        epoch, step = (before + 1, self.step_in_epoch) if self.step_in_epoch else (before, steps)
        return (
            f"the weights after step {format_number(self.step)} "
            f"(epoch {epoch}, step {step} of {steps})"
        )

    def _validate(self, train_state: TrainState) -> Logs:
        run = self.segment.training_run
        if run.validation_blocks is None:
            return {}
        return evaluate_blocks(
            run.program, train_state.params, train_state.state, run.validation_blocks, "val_"
        )

    def _add_epoch(self, record: Record) -> Decision:
        step, first_loss = int(record.train_state.step), float(record.step_losses[0])
        self.epochs.append(EpochResult(step, record.epoch, record.logs, record.seconds, first_loss))
        return Decision()

    def _change(self, state: RunState, event: Event) -> None:
        self.forget_later()
        self.state, self.problem = replace(state, finished=False), ""
        self.events.append(event)
        self.timeline.add(pack(self.segment, self.state, is_change=True))
