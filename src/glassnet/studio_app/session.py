"""A session: one experiment in a thread, which trains, answers the page and sends it pictures."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any

import msgspec
import numpy as np

from glassnet.errors import GlassnetError, collect_warnings, lookup
from glassnet.evaluation.quick_rivals import Rivals
from glassnet.studio_app import exports, messages
from glassnet.studio_app.arithmetic import describe_neuron, describe_row
from glassnet.studio_app.curve import Curve
from glassnet.studio_app.doctor_cards import DoctorCards
from glassnet.studio_app.experiment import Experiment, OwnModel
from glassnet.studio_app.frames import pack_frame
from glassnet.studio_app.inbox import Inbox
from glassnet.studio_app.loss_maps import draw_landscape
from glassnet.studio_app.messages import SetView, read_message
from glassnet.studio_app.own_data import OwnData, read_upload
from glassnet.studio_app.picture_message import (
    draw_picture,
    draw_rows,
    fit_view,
    measure_losses,
)
from glassnet.studio_app.settings import Settings
from glassnet.studio_app.state_message import compute_rivals, describe_position, describe_state
from glassnet.studio_app.walk import describe_walk

MAX_IN_FLIGHT = 2
"""Pictures and positions that the page has not shown yet: training waits before the next one."""

SLICE_SECONDS = 0.2
"""How long training runs before messages of the page are read."""

POSITION_SECONDS = 0.5
"""How often a run without pictures says where it is."""

DETAIL_SECONDS = 0.3
"""How often the arithmetic of the chosen neuron is sent while training runs."""

CHANGES = (messages.SetData, messages.SetNetwork, messages.SetTraining)
"""Messages with a part of the settings."""

END_SECONDS = 30.0
"""How long the end of the program waits for threads, which may be compiling."""

ENDING = messages.Pause | messages.Reset | messages.Open | messages.SetData | messages.SetNetwork
"""Messages that end the steps in progress."""

Send = Callable[[str | bytes], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class StudioStart:
    """What a session begins with.

    Attributes:
        settings: the first settings.
        own_data: data of the user.
        own_model: a model of the user.
        presets: settings by the names that links use.
        is_playing: whether training begins at once, if the page asks for no other state.
    """

    settings: Settings = field(default_factory=Settings)
    own_data: OwnData | None = None
    own_model: OwnModel | None = None
    presets: Mapping[str, Settings] = field(default_factory=dict)
    is_playing: bool = True


class _Resume:
    """A page has connected again: send it everything."""


FIRST = messages.Open | messages.Acknowledge | GlassnetError
"""Messages that do not need an experiment. All others open the start if there is none."""


class Session:
    """One tab of the studio. Its methods return at once and may be called from any thread.

    Args:
        start: what to begin with.
        send: sends a text or a frame to the page, in the order of the calls.
    """

    def __init__(self, start: StudioStart, send: Send) -> None:
        self._start, self._send = start, send
        self._inbox = Inbox()
        self._drawn = self._n_pictures = 0
        self._experiment: Experiment | None = None
        self._view = SetView()
        self._n_changes = 0  # of settings: the page compares it with what it has sent
        self._plays: messages.Play | None = None
        self._remaining = 0
        self._curve = Curve()
        self._rivals: Rivals | None = None
        self._cards = DoctorCards()
        self._detailed_at = 0.0
        self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
        _sessions.add(self)
        self._thread.start()

    def post(self, data: str | bytes) -> None:
        """Take a message of the page: JSON, or a frame with a file. Nothing is raised."""
        try:
            self._inbox.put(read_message(data))
        except GlassnetError as error:
            self._inbox.put(error)

    def pause(self) -> None:
        """Stop training after the step in progress."""
        self._inbox.put(messages.Pause())

    def resume(self) -> None:
        """Send everything again, to a page that has connected again."""
        self._inbox.put(_Resume())

    def close(self) -> None:
        """End the thread after the step in progress."""
        self._inbox.close()

    def _run(self) -> None:
        while not self._inbox.is_closed:
            if not self._attempt(self._go_on):
                self._attempt(self._stop_playing)

    def _attempt(self, action: Callable[[], None]) -> bool:
        """Return whether an action succeeds; whatever it raises is shown on the page."""
        try:
            action()
        except GlassnetError as error:
            self._send_error(str(error))
        except Exception:
            if not threading.main_thread().is_alive():
                return False  # the program ends, and Python refuses to import anything
            _log.exception("a message of the page failed")
            self._send_error("The studio could not do this. Its terminal shows the error.")
        else:
            return True
        return False

    def _go_on(self) -> None:
        """Answer the next message; train if there is none."""
        message = self._inbox.take(waits=self._plays is None or self._must_wait)
        if message is not None:
            self._handle(message)
        elif self._plays and not self._inbox.is_closed:
            self._play(self._plays)

    @property
    def _must_wait(self) -> bool:
        """Whether the page has not shown enough of what was sent, or is gone without a word."""
        return self._n_pictures - self._drawn >= MAX_IN_FLIGHT

    def _is_interrupted(self, kinds: Any = object) -> bool:
        """Return whether training must stop for a message of some classes, or for the end.

        Acknowledgements are read between the slices.
        """

        def interrupts(message: Any) -> bool:
            return isinstance(message, kinds) and not isinstance(message, messages.Acknowledge)

        return self._inbox.is_closed or self._inbox.has(interrupts)

    def _handle(self, message: Any) -> None:
        self._n_changes += isinstance(message, CHANGES)
        if self._experiment is None and not isinstance(message, FIRST):
            self._open(messages.Open())
        self._respond(message)

    @property
    def experiment(self) -> Experiment:
        """The experiment, after the first message."""
        assert self._experiment is not None
        return self._experiment

    @singledispatchmethod
    def _respond(self, received: Any) -> None:
        raise AssertionError(received)

    @_respond.register
    def _refuse(self, received: GlassnetError) -> None:
        self._send_error(str(received))

    @_respond.register
    def _acknowledge(self, received: messages.Acknowledge) -> None:
        self._drawn = max(self._drawn, min(received.picture, self._n_pictures))

    @_respond.register
    def _open(self, received: messages.Open) -> None:
        start = self._start
        settings, is_new = start.settings, received.settings is None and received.preset is None
        own_model = start.own_model
        if received.preset is not None:
            settings, own_model = lookup("preset", received.preset, start.presets), None
        elif received.settings is not None:
            settings, own_model = received.settings, None
        own_data = self._experiment.own_data if self._experiment else start.own_data
        with self._busy("Data and network are prepared."):
            self._experiment = Experiment(settings, own_data, own_model)
        self._plays, self._view = None, SetView()
        self._curve, self._rivals, self._cards = Curve(), None, DoctorCards()
        has_steps = bool(settings.steps or settings.events)
        if has_steps or (is_new and start.is_playing):
            self._plays = messages.Play()
        self._send_everything()
        if has_steps:
            what = (
                f"{settings.steps:,} steps are trained, to the state of the link. Pause ends this."
            )
            with self._busy(what):
                self._experiment.replay(
                    settings, lambda: self._is_interrupted(ENDING), self._add_to_curve
                )
            self._plays = None
            self._send_everything()

    @_respond.register
    def _resume(self, received: _Resume) -> None:
        self._drawn = self._n_pictures
        self._send_everything()

    @_respond.register
    def _start_playing(self, received: messages.Play) -> None:
        was_playing, self._plays, self._remaining = self._plays is not None, received, 0
        if self.experiment.run.problem:
            self._plays = None
            self._send_error(self.experiment.run.problem)
        if was_playing != (self._plays is not None):
            self._send_state()

    @_respond.register
    def _pause(self, received: messages.Pause) -> None:
        if self._plays:
            self._stop_playing()
            self._send_picture()
            self._examine()

    @_respond.register
    def _step(self, received: messages.Step) -> None:
        self._train(received.n)

    @_respond.register
    def _epoch(self, received: messages.Epoch) -> None:
        run = self.experiment.run
        self._train(run.steps_per_epoch - run.step_in_epoch)

    @_respond.register
    def _seek(self, received: messages.Seek) -> None:
        before = self.experiment.segment
        self._stop_playing()
        self.experiment.run.seek(received.step)
        after = self.experiment.segment
        if after.data is not before.data:
            self._view = fit_view(self.experiment, self._view, before.data)
            self._send_everything()
            return
        if after is not before:
            self.experiment.note = "The settings of this step are in force again."
            self._send_state()
        self._send_picture()

    @_respond.register
    def _reset(self, received: messages.Reset) -> None:
        experiment = self.experiment
        seed = experiment.start.seed if received.seed is None else received.seed
        with self._changing():
            experiment.set_seed(seed)

    @_respond.register
    def _set_data(self, received: messages.SetData) -> None:
        with self._changing():
            self.experiment.set_data(received.data)

    @_respond.register
    def _set_network(self, received: messages.SetNetwork) -> None:
        with self._changing():
            self.experiment.set_network(received.network)

    @_respond.register
    def _set_training(self, received: messages.SetTraining) -> None:
        with self._changing():
            self.experiment.set_training(received.training)

    @_respond.register
    def _set_weight(self, received: messages.SetWeight) -> None:
        with self._changing():
            self.experiment.set_weight(received.change)

    @_respond.register
    def _set_view(self, received: SetView) -> None:
        before, self._view = self._view, received
        if received.axes != before.axes:
            self.experiment.set_axes(received.axes)
            self._send_state()
            self._send(pack_frame(*draw_rows(self.experiment)))
        is_image = self.experiment.data.image_shape is not None
        if received.axes != before.axes or (is_image and received.row != before.row):
            self._send_picture()
        else:
            self._send_details()

    @_respond.register
    def _walk(self, received: messages.Walk) -> None:
        self._stop_playing()
        self._send(pack_frame(*describe_walk(self.experiment)))

    @_respond.register
    def _landscape(self, received: messages.Landscape) -> None:
        self._stop_playing()
        with self._busy("The loss is computed over two weights."):
            self._send(pack_frame(*draw_landscape(self.experiment, received.weights)))

    @_respond.register
    def _diagnose(self, received: messages.Diagnose) -> None:
        self._stop_playing()
        what = "The doctor looks for mistakes: it trains for some seconds."
        with self._busy(what), self._collecting_warnings():
            self._send_json(self._cards.diagnose(self.experiment))

    @_respond.register
    def _apply_remedy(self, received: messages.ApplyRemedy) -> None:
        with self._changing():
            self._cards.apply(self.experiment, received.finding)
        self._curve, self._rivals = Curve(), None

    @_respond.register
    def _verify_remedy(self, received: messages.VerifyRemedy) -> None:
        self._stop_playing()
        what = "The network is trained with and without the remedy, from several seeds."
        with self._busy(what), self._collecting_warnings():
            self._send_json(self._cards.verify(self.experiment, received.finding))

    @_respond.register
    def _export(self, received: messages.Export) -> None:
        with self._busy("The file is made."):
            name, media_type, content = exports.make_file(self.experiment, received.kind)
        header = {"type": "file", "name": name, "media_type": media_type, "kind": received.kind}
        self._send(pack_frame(header, {"bytes": np.frombuffer(content, np.uint8)}))

    @_respond.register
    def _upload(self, received: messages.Upload) -> None:
        own_data = read_upload(received.name, received.content, received.target)
        data = msgspec.structs.replace(
            self.experiment.settings.data,
            name="own",
            target=received.target,
            target_type=None,
            columns=(),
            column_types={},
            shuffle_labels=False,
        )
        with self._changing():
            self.experiment.set_data(data, own_data)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Let a change happen, then show the experiment as it is, also if it was refused."""
        self.experiment.note = ""
        run, data = self.experiment.run, self.experiment.data
        try:
            with self._busy("Data and network are prepared."):
                yield
        finally:
            if self.experiment.run is not run:
                self._curve = Curve()
            self._view = fit_view(self.experiment, self._view, data)
            if self.experiment.data is not data:
                self._rivals = None
                self._send_everything()
            else:
                self._send_state()
                self._send_picture()

    @contextmanager
    def _busy(self, what: str) -> Iterator[None]:
        self._send_json({"type": "busy", "what": what})
        try:
            yield
        finally:
            self._send_json({"type": "idle"})

    @contextmanager
    def _collecting_warnings(self) -> Iterator[None]:
        """Show warnings of the doctor on the page, beside those about the data."""
        with collect_warnings() as texts:
            yield
        if self.experiment.add_warnings(texts):
            self._send_state()

    def _train(self, n_steps: int) -> None:
        """Train some steps, stop, and show the result."""
        self._stop_playing()
        run = self.experiment.run
        if run.problem:
            self._send_error(run.problem)
        self._advance(n_steps, lambda: self._is_interrupted(ENDING))
        self._send_picture()
        if run.problem:
            self._examine()

    def _advance(self, n_steps: int, should_stop: Callable[[], bool]) -> None:
        """Train, and send the link again if changes after the present step are forgotten."""
        run = self.experiment.run
        n_events = len(run.events)
        run.advance(n_steps, should_stop)
        if len(run.events) < n_events:
            self._send_state()

    def _play(self, how: messages.Play) -> None:
        """Train until the next picture is due, or until a message waits, and draw it if it is."""
        run, start = self.experiment.run, time.perf_counter()
        limit = SLICE_SECONDS if how.pictures else POSITION_SECONDS
        n = self._remaining or (how.steps if how.pictures else 10**9)
        before = run.step
        self._advance(n, lambda: self._is_interrupted() or time.perf_counter() - start > limit)
        self._remaining = n - (run.step - before)
        if run.problem:
            self._stop_playing()
            self._send_picture()
            self._examine()
        elif not how.pictures:
            position = describe_position(self.experiment)
            self._send_json({"type": "position", "picture": self._number_picture(), **position})
        elif not self._remaining:
            self._send_picture()

    def _add_to_curve(self) -> None:
        self._curve.add(measure_losses(self.experiment))

    def _stop_playing(self) -> None:
        if self._plays:
            self._plays, self._remaining = None, 0
            self._send_state()

    def _examine(self) -> None:
        """Send what the doctor says about the run so far, if there is something new."""
        with self._collecting_warnings():
            found = self._cards.examine(self.experiment)
        if found:
            self._send_json(found)

    def _send_everything(self) -> None:
        self._curve.send_all()
        self._send_state()
        self._send(pack_frame(*draw_rows(self.experiment)))
        self._send_picture()

    def _send_state(self) -> None:
        experiment, playing = self.experiment, self._plays is not None
        state = describe_state(experiment, playing=playing, rivals=self._rivals)
        self._send_json(state | {"n_changes": self._n_changes})

    def _send_picture(self) -> None:
        header, arrays = draw_picture(self.experiment, self._view)
        self._curve.forget_after(self.experiment.run.last)
        self._curve.add(header)
        start, rows = self._curve.take_new()
        header |= {"picture": self._number_picture(), "curve_from": start}
        self._send(pack_frame(header, arrays | {"curve": rows}))
        now = time.perf_counter()
        if self._plays is None or now - self._detailed_at > DETAIL_SECONDS:
            self._detailed_at = now
            self._send_details()
        if self._rivals is None:
            self._rivals = compute_rivals(self.experiment)
            self._send_state()

    def _number_picture(self) -> int:
        """Return the number of the next picture or position, which the page acknowledges."""
        self._n_pictures += 1
        return self._n_pictures

    def _send_details(self) -> None:
        """Send the row that is looked at, and the arithmetic of the chosen neuron."""
        view = self._view
        if view.row is not None:
            self._send_json(describe_row(self.experiment, view.row))
        if view.layer is not None:
            neuron = describe_neuron(
                self.experiment, view.layer, view.unit, view.row, whole_batch=view.whole_batch
            )
            self._send_json(neuron)

    def _send_json(self, content: Mapping[str, Any]) -> None:
        self._send(msgspec.json.encode(content).decode())

    def _send_error(self, text: str) -> None:
        self._send_json({"type": "error", "message": text})


_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


@atexit.register
def _end_with_program() -> None:
    """End all threads before Python ends: one that it stops inside XLA would abort the process.

    If Ctrl-C is pressed meanwhile, the program ends at once.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    end_sessions()


def end_sessions() -> None:
    """Close all sessions, and wait until their threads have ended."""
    running = list(_sessions)
    for session in running:
        session.close()
    end = time.monotonic() + END_SECONDS
    for session in running:
        session._thread.join(max(end - time.monotonic(), 0))
