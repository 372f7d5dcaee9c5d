"""What a fit says while it runs: one live line on a terminal, plain lines elsewhere, nothing where
it is told to be silent.
"""

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

MAX_LINES = 20
"""A plain run of more epochs than this prints about this many of them."""


def format_logs(logs: Mapping[str, float]) -> str:
    """Logs in one line: `loss 0.3012  accuracy 0.9120  val_loss 0.3411`."""
    return "  ".join(
        f"{name} {value:.4f}" if 1e-3 <= abs(value) < 10 else f"{name} {value:.4g}"
        for name, value in logs.items()
    )


def format_duration(seconds: float) -> str:
    """Seconds as people read them: `0.8 s`, `42 s`, `3 min 20 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Progress:
    """Says how a fit goes.

    Args:
        verbose: "auto" or 1 for a live line on a terminal and some twenty plain ones elsewhere, 2
            for one per epoch, 0 for silence.
        epochs: how many will be run.

    Raises:
        ConfigError: another `verbose`.
    """

    def __init__(self, verbose: str | int | bool, epochs: int):
        require(
            verbose in ("auto", 0, 1, 2), "fit", 'verbose to be "auto", 0, 1 or 2', verbose=verbose
        )
        self.epochs, self.started_at, self.last_shown_at, self.epochs_done, self.epochs_before = (
            epochs,
            time.perf_counter(),
            0.0,
            0,
            0,
        )
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
        """A line that stays."""
        if not text:
            return
        if self._live:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif not self.silent:
            print(text, flush=True)

    def resume(self, epochs_done: int, text: str) -> None:
        """So many epochs had ended before; `text` says so."""
        self.epochs_done = self.epochs_before = epochs_done
        self.log(text)

    def _update_line(self, text: str) -> None:
        """The live line."""
        if self._live:
            self.last_shown_at = time.perf_counter()
            self._live.update(text, refresh=True)

    def _is_due(self) -> bool:
        return time.perf_counter() - self.last_shown_at > 0.1

    def on_slice(
        self, steps_done: int, steps: int | None, logs: Callable[[], Mapping[str, float]]
    ) -> None:
        """So many steps of the epoch under way have ended, of `steps` if that is known; `logs`
        gives its numbers so far.
        """
        if not (self._live and steps_done and self._is_due()):
            return
        if not steps:
            self._update_line(
                f"epoch {self.epochs_done + 1}/{self.epochs}  step {steps_done}  {format_logs(logs())}"
            )
        else:
            bar = "━" * (20 * steps_done // steps)
            share = min(
                (self.epochs_done - self.epochs_before + steps_done / steps)
                / (self.epochs - self.epochs_before),
                1.0,
            )
            left = format_duration((time.perf_counter() - self.started_at) * (1 / share - 1))
            self._update_line(
                f"epoch {self.epochs_done + 1}/{self.epochs}  {bar:<20}  step {steps_done}/{steps}  {format_logs(logs())}  {left} left"
            )

    def on_epoch_end(self, record: Record) -> None:
        """An epoch has ended."""
        self.epochs_done += 1
        if not record.complete:
            return
        if (
            self.epochs_done == self.epochs_before + 1
            or self.epochs_done % self.log_every == 0
            or self.epochs_done == self.epochs
            or record.decision.stop
        ):
            took = f"  {format_duration(record.seconds)}" if record.seconds >= 0.05 else ""
            self.log(f"epoch {self.epochs_done}/{self.epochs}  {format_logs(record.logs)}{took}")


class InterruptGuard:
    """While entered (in the main thread), the first Ctrl-C only sets `interrupted`; the second one
    interrupts at once.
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
