"""Progress output of a fit: a live line on a terminal, plain lines elsewhere; and Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from glassnet.engine.loop import Record
from glassnet.errors import require
from glassnet.formatting import format_duration, format_logs

MAX_LINES = 20
"""Approximate maximum number of plain lines per run."""


class Progress:
    """Progress output of a fit.

    Args:
        verbose: "auto" or 1 for a live line on a terminal and about twenty plain lines elsewhere, 2
            for one plain line per epoch, 0 for no output.
        epochs: number of epochs to run.

    Raises:
        ConfigError: another `verbose`.
    """

    def __init__(self, verbose: str | int | bool, epochs: int):
        require(
            verbose in ("auto", 0, 1, 2), "fit", 'verbose to be "auto", 0, 1 or 2', verbose=verbose
        )
        self.epochs, self.epochs_done, self.epochs_before = epochs, 0, 0
        self.started_at, self.last_shown_at = time.perf_counter(), 0.0
        self.log_every = 1 if verbose == 2 else max(1, -(-epochs // MAX_LINES))
        self.silent = not verbose
        self._live: Any = None
        if verbose in ("auto", 1) and sys.stdout.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(), auto_refresh=False, transient=True)

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
            self._update_line("compiling")
        return self

    def __exit__(self, *failure: object) -> None:
        if self._live:
            self._live.stop()

    def log(self, text: str) -> None:
        """Print a permanent line."""
        if not text:
            return
        if self._live:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif not self.silent:
            print(text, flush=True)

    def resume(self, epochs_done: int, text: str) -> None:
        """Start counting at `epochs_done` epochs, and print `text`."""
        self.epochs_done = self.epochs_before = epochs_done
        self.log(text)

    def _update_line(self, text: str) -> None:
        """Show `text` as the live line."""
        if self._live:
            self.last_shown_at = time.perf_counter()
            self._live.update(text, refresh=True)

    def _is_due(self) -> bool:
        return time.perf_counter() - self.last_shown_at > 0.1

    def on_slice(
        self, steps_done: int, steps: int | None, logs: Callable[[], Mapping[str, float]]
    ) -> None:
        """Update the live line after a slice.

        Args:
            steps_done: completed steps of the epoch.
            steps: steps per epoch, or None if unknown.
            logs: returns the running logs.
        """
        if not (self._live and steps_done and self._is_due()):
            return
        epoch = f"epoch {self.epochs_done + 1}/{self.epochs}"
        text = format_logs(logs(), aligned=True)
        if not steps:
            self._update_line(f"{epoch}  step {steps_done}  {text}")
            return
        bar = "━" * (20 * steps_done // steps)
        epochs = self.epochs - self.epochs_before
        epochs_done = self.epochs_done - self.epochs_before + steps_done / steps
        fraction = min(epochs_done / epochs, 1.0)
        left = format_duration((time.perf_counter() - self.started_at) * (1 / fraction - 1))
        self._update_line(f"{epoch}  {bar:<20}  step {steps_done}/{steps}  {text}  {left} left")

    def on_epoch_end(self, record: Record) -> None:
        """Print the epoch's line if one is due."""
        self.epochs_done += 1
        if not record.complete:
            return
        if (
            self.epochs_done == self.epochs_before + 1
            or self.epochs_done % self.log_every == 0
            or self.epochs_done == self.epochs
            or record.decision.stop
        ):
            seconds = f"  {format_duration(record.seconds)}" if record.seconds >= 0.05 else ""
            text = format_logs(record.logs, aligned=True)
            self.log(f"epoch {self.epochs_done}/{self.epochs}  {text}{seconds}")


class InterruptGuard:
    """Context manager in which the first Ctrl-C only sets `interrupted`.

    The second one raises KeyboardInterrupt. Outside the main thread it does nothing.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._previous_handler: Any = None

    def __enter__(self) -> InterruptGuard:
        if threading.current_thread() is threading.main_thread():
            self._previous_handler = signal.signal(signal.SIGINT, self._handle_signal)
        return self

    def __exit__(self, *failure: object) -> None:
        if self._previous_handler is not None:
            signal.signal(signal.SIGINT, self._previous_handler)

    def _handle_signal(self, signum: int, frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
