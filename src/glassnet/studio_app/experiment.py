"""The experiment of a tab: data, network and training as the settings say, at one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import jax
import msgspec
import numpy as np

from glassnet.engine.compilation import map_limit
from glassnet.errors import ConfigError, GlassnetError, collect_warnings, message, rollback_on_error
from glassnet.formatting import format_number
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.training_runs import TrainingRun
from glassnet.studio_app import networks
from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.own_data import OwnData
from glassnet.studio_app.scene import Scene, make_scene
from glassnet.studio_app.settings import (
    DataSettings,
    Event,
    NetworkSettings,
    Settings,
    TrainingSettings,
    WeightChange,
    follow_data,
)
from glassnet.studio_app.studio_data import StudioData
from glassnet.studio_app.studio_run import StudioRun, prepare_segment
from glassnet.studio_app.timeline import Segment

REPLAYED_STEPS = 1000
"""Most steps between two moments of a run that is repeated."""

MEASURED_MOMENTS = 60
"""Number of moments of a repeated run whose losses the curves show."""

MAX_PROGRAMS = 100
"""Compiled programs that a studio keeps. A network has about ten, of 1 MB each."""

STAYS = "The weights stay."
PASSED = 'model = gn.load("model.glassnet")  # the model that you passed, as it was then'
REMEDIED = 'model = gn.load("model.glassnet")  # the model with the remedy, saved at step 0'
CHANGED = "The layers cannot be changed here: the controls know Dense layers and Dropout only."


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A model of the user, or one that a remedy has changed.

    Attributes:
        model: a compiled `Sequential`; it stays as it is.
        reason: why the page cannot change its layers; "" if it can.
        code: lines of Python that define it.
    """

    model: Any
    reason: str = ""
    code: tuple[str, ...] = (PASSED,)


class Experiment:
    """Data, a network and its training.

    Args:
        settings: what to begin with.
        own_data: data of the user, for settings that name them.
        own_model: a model of the user instead of the network of the settings.

    Raises:
        ConfigError, DataError: see `make_data`, `build_model` and `Sequential.fit`.

    Attributes:
        start: settings from which the run began: those of a link, with the events of the run.
        run: the run.
        note: a sentence about what the last change does, and when.
    """

    def __init__(
        self,
        settings: Settings,
        own_data: OwnData | None = None,
        own_model: OwnModel | None = None,
    ) -> None:
        self.own_data, self.own_model = own_data, own_model
        self.note = ""
        self._scene: Scene | None = None
        self._axes: tuple[str, ...] = ()
        self._begin(settings, make_data(settings.data, own_data))

    @property
    def segment(self) -> Segment:
        """What trains now."""
        return self.run.segment

    @property
    def training_run(self) -> TrainingRun:
        """The network, its program and its batches."""
        return self.segment.training_run

    @property
    def data(self) -> StudioData:
        """The rows that the network is trained on now."""
        return self.segment.data

    @property
    def messages(self) -> list[str]:
        """Sentences about the rows: how they were read, and what looks wrong in them."""
        return list(dict.fromkeys((*self.data.messages, *self.segment.warnings)))

    def add_warnings(self, texts: Sequence[str]) -> bool:
        """Add sentences to the messages about the rows; return whether any is new."""
        new = [text for text in texts if text not in self.messages]
        self.segment.warnings.extend(new)
        return bool(new)

    @property
    def settings(self) -> Settings:
        """The settings as the controls show them."""
        data, training = self.segment.data.settings, self.segment.training
        return msgspec.structs.replace(self.start, data=data, training=training)

    @property
    def link(self) -> Settings:
        """The settings that lead to this moment: from the start, with all events."""
        events = tuple(event for event in self.run.events if event.step <= self.run.step)
        steps = self.run.step - self.run.first
        return msgspec.structs.replace(self.start, steps=steps, events=events)

    @property
    def scene(self) -> Scene:
        """What the page draws of the present network and rows."""
        if self._scene is None or self._scene.run is not self.training_run:
            with collect_warnings():  # those of `prepare_segment` again
                self._scene = self._make_scene(self.segment)
        return self._scene

    def set_axes(self, axes: Sequence[str]) -> None:
        """Choose the two inputs of the map.

        Raises:
            ConfigError: an unknown input.
        """
        with rollback_on_error(self):
            self._axes, self._scene = tuple(axes), None
            assert self.scene

    def set_seed(self, seed: int) -> None:
        """Begin again with the present settings and the weights of a seed."""
        settings = msgspec.structs.replace(self.settings, seed=seed)
        if self.own_model is not None:
            model = copy(self.own_model.model)
            model.reset(seed)
            code = (*self.own_model.code, f"model.reset({seed})")
            self.own_model = replace(self.own_model, model=model, code=code)
        self._begin(settings, self.data)
        self.note = "The weights are drawn again."

    def set_data(self, data: DataSettings, own_data: OwnData | None = None) -> None:
        """Use other data from the next epoch on. The weights stay if they fit.

        Between a dataset and data of the user a new run begins, so that no link names the latter.

        Raises:
            ConfigError, DataError: see `make_data`.
        """
        own_data = own_data or self.own_data
        rows = make_data(data, own_data)
        settings = msgspec.structs.replace(self.settings, data=data)
        if self.own_model is None:
            settings = follow_data(settings, self.data.kind, rows.kind)
        with rollback_on_error(self):
            self.own_data = own_data
            if rows.feature_names != self.data.feature_names:
                self.own_model = None
            segment = self._prepare_or_build(settings, rows)
            is_same_owner = rows.is_private == self.data.is_private
            if is_same_owner and _shapes(segment) == _shapes(self.segment):
                self.run.continue_with(segment, data=data)
                self.note = f"The next step begins an epoch with these rows. {STAYS}"
                return
            self._axes = ()
            self._begin(settings, rows)
        self.note = "A new run begins with these rows: the weights are drawn again."

    def _prepare_or_build(self, settings: Settings, rows: StudioData) -> Segment:
        """Return a segment for other rows; of the settings if they do not fit the user's model."""
        try:
            return self._prepare(settings, rows)
        except GlassnetError:
            if self.own_model is None:
                raise
        self.own_model = None
        return self._prepare(settings, rows)

    def set_network(self, network: NetworkSettings) -> None:
        """Build another network, with new weights.

        Raises:
            ConfigError, DataError: see `build_model`.
        """
        with rollback_on_error(self):
            self.own_model = None
            self._begin(msgspec.structs.replace(self.settings, network=network), self.data)
        self.note = "The network is another one, so its weights are drawn again."

    def set_training(self, training: TrainingSettings) -> None:
        """Train in another way, with the present weights.

        Raises:
            ConfigError: a value that does not fit; see `compile`.
        """
        before = self.segment.training
        rate = training.learning_rate
        only_rate = msgspec.structs.replace(before, learning_rate=rate) == training
        if only_rate and training.schedule == "constant":
            self.run.set_learning_rate(rate)
            self.note = "The next step uses this learning rate."
            return
        settings = msgspec.structs.replace(self.settings, training=training)
        if self.run.step == self.run.first and self.own_model is None:
            self._begin(settings, self.data)
            self.note = "The network is compiled with these settings."
            return
        self.run.continue_with(self._prepare(settings, self.data), training=training)
        only_size = msgspec.structs.replace(before, batch_size=training.batch_size) == training
        done = "These batches begin" if only_size else "The network is compiled again. It begins"
        self.note = f"{done} an epoch with the next step. {STAYS}"

    def adopt(self, model: Any, batch_size: int | None = None) -> None:
        """Begin again with a model that a remedy has changed.

        Args:
            model: compiled and untrained.
            batch_size: another batch size; None for the present one.
        """
        size = batch_size or self.settings.training.batch_size
        network = networks.read_network(model.get_settings().layers)
        settings = msgspec.structs.replace(
            self.settings,
            network=network or self.start.network,
            training=networks.read_training(model, size),
        )
        is_shown = bool(network) and self._builds(settings, model)
        with rollback_on_error(self):
            reason = "" if network else CHANGED
            self.own_model = None if is_shown else OwnModel(model, reason, (REMEDIED,))
            self._begin(settings, self.data)

    def _builds(self, settings: Settings, model: Any) -> bool:
        """Return whether the settings alone build a model: its layers, optimizer and loss."""
        steps = settings.training.count_steps(self.data.n_train)
        mine = networks.build_model(settings, self.data, steps)
        parts = [each.get_settings() for each in (mine, model)]
        first, second = ((each.layers, each.optimizer, each.loss) for each in parts)
        return first == second

    def set_weight(self, change: WeightChange) -> None:
        """Change one number of the weights.

        Raises:
            ConfigError, DataError: see `StudioRun.set_weight`.
        """
        self.run.set_weight(change)
        self.note = "The next step starts from this weight."

    def replay(
        self, settings: Settings, should_stop: Callable[[], bool], measure: Callable[[], None]
    ) -> None:
        """Train to the step of a link, with the changes in the middle of its run.

        Args:
            settings: of the link.
            should_stop: called between slices; if it returns True, training ends there.
            measure: called at about `MEASURED_MOMENTS` moments on the way.
        """
        last = self.run.first + settings.steps
        slice_steps = min(REPLAYED_STEPS, settings.steps // MEASURED_MOMENTS + 1)

        def advance_to(step: int) -> None:
            while self.run.step < step and not self.run.problem and not should_stop():
                self.run.advance(min(step - self.run.step, slice_steps), should_stop)
                measure()

        for event in settings.events:
            advance_to(event.step)
            if self.run.step < event.step:
                break
            self._apply(event)
        else:
            advance_to(last)
        is_stopped = self.run.step < last and not self.run.problem
        self.note = f"Stopped before step {format_number(last)} of the link." if is_stopped else ""

    def _apply(self, event: Event) -> None:
        if event.learning_rate is not None:
            self.run.set_learning_rate(event.learning_rate)
        if event.weight is not None:
            self.run.set_weight(event.weight)
        if event.training is not None:
            self.set_training(event.training)
        if event.data is not None:
            self.set_data(event.data)

    def make_model(self) -> Any:
        """Return a `Sequential` with the present weights, as `fit` would have left it."""
        run, state = self.segment.training_run, self.run.state
        return run.make_model(state.train_state, state.epoch, self.run.make_history())

    def _begin(self, settings: Settings, data: StudioData) -> None:
        """Start a run with new weights, or with those of a model of the user."""
        self.run = StudioRun(self._prepare(settings, data))
        self.start = msgspec.structs.replace(settings, steps=0, events=())
        self._scene = None

    def _prepare(self, settings: Settings, data: StudioData) -> Segment:
        map_limit.limit_programs(MAX_PROGRAMS)
        training = settings.training
        if not data.is_trainable:
            raise ConfigError(message("studio", "rows to train on", fix=" ".join(data.messages)))
        steps = training.count_steps(data.n_train)
        if self.own_model is None:
            model = networks.build_model(settings, data, steps)
        elif training == networks.read_training(self.own_model.model, training.batch_size):
            model = self.own_model.model
        else:
            model = networks.change_training(self.own_model.model, training, steps)
        return prepare_segment(model, data, training)

    def _make_scene(self, segment: Segment) -> Scene:
        run, data = segment.training_run, segment.data
        test_rows: Snapshot | None = None
        if data.test is not None:
            model = run.make_model(run.start.train_state, run.start.epoch, None)
            pair = data.test if isinstance(data.test, tuple) else (data.test, None)
            test_rows = model.take_snapshot(*pair, targets="required")
        return make_scene(run, run.read_snapshot(), test_rows, self._axes, data.feature_names)


def _shapes(segment: Segment) -> tuple[Any, ...]:
    """Return the shapes of one example, of the output and of all params."""
    built, state = segment.training_run.network, segment.training_run.start.train_state
    params = [np.shape(leaf) for leaf in jax.tree.leaves(state.params)]
    return built.shapes[0], built.shapes[-1], len(segment.data.class_names), params
