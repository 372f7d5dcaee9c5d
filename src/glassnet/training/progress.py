"""What a fit says while it runs: one live line on a terminal, plain lines elsewhere, nothing where it is told to be silent."""

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

LINES = 20
"""A plain run of more epochs than this prints about this many of them."""


def numbers(logs: Mapping[str, float]) -> str:
    """Logs in one line: `loss 0.3012  accuracy 0.9120  val_loss 0.3411`."""
    return "  ".join(f"{name} {value:.4f}" if 1e-3 <= abs(value) < 10 else f"{name} {value:.4g}" for name, value in logs.items())


def clock(seconds: float) -> str:
    """Seconds as people read them: `0.8 s`, `42 s`, `3 min 20 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Progress:
    """Says how a fit goes.

    Args:
        verbose: "auto" or 1 for a live line on a terminal and some twenty plain ones elsewhere, 2 for one per epoch, 0 for silence.
        epochs: how many will be run.

    Raises:
        ConfigError: another `verbose`.
    """

    def __init__(self, verbose: str | int | bool, epochs: int):
        require(verbose in ("auto", 0, 1, 2), "fit", 'verbose to be "auto", 0, 1 or 2', verbose=verbose)
        self.epochs, self.began, self.shown, self.ended, self.before = epochs, time.perf_counter(), 0.0, 0, 0
        self.every = 1 if verbose == 2 else max(1, -(-epochs // LINES))
        self.silent = not verbose
        self._live: Any = None
        if verbose in ("auto", 1) and sys.stdout.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(), auto_refresh=False, transient=True)

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
            self.show("compiling")
        return self

    def __exit__(self, *failure: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """A line that stays."""
        if not text:
            return
        if self._live:
            self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif not self.silent:
            print(text, flush=True)

    def resume(self, ended: int, text: str) -> None:
        """So many epochs had ended before; `text` says so."""
        self.ended = self.before = ended
        self.say(text)

    def show(self, text: str) -> None:
        """The live line."""
        if self._live:
            self.shown = time.perf_counter()
            self._live.update(text, refresh=True)

    def _due(self) -> bool:
        return time.perf_counter() - self.shown > 0.1

    def slice(self, done: int, steps: int | None, logs: Callable[[], Mapping[str, float]]) -> None:
        """So many steps of the epoch under way have ended, of `steps` if that is known; `logs` gives its numbers so far."""
        if not (self._live and done and self._due()):
            return
        if not steps:
            self.show(f"epoch {self.ended + 1}/{self.epochs}  step {done}  {numbers(logs())}")
        else:
            bar = "━" * (20 * done // steps)
            share = min((self.ended - self.before + done / steps) / (self.epochs - self.before), 1.0)
            left = clock((time.perf_counter() - self.began) * (1 / share - 1))
            self.show(f"epoch {self.ended + 1}/{self.epochs}  {bar:<20}  step {done}/{steps}  {numbers(logs())}  {left} left")

    def epoch(self, record: Record) -> None:
        """An epoch has ended."""
        self.ended += 1
        if not record.complete:
            return
        if self.ended == self.before + 1 or self.ended % self.every == 0 or self.ended == self.epochs or record.decision.stop:
            took = f"  {clock(record.seconds)}" if record.seconds >= 0.05 else ""
            self.say(f"epoch {self.ended}/{self.epochs}  {numbers(record.logs)}{took}")


class CtrlC:
    """While entered (in the main thread), the first Ctrl-C only sets `pressed`; the second one interrupts at once."""

    def __init__(self) -> None:
        self.pressed = False
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *failure: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self.pressed:
            raise KeyboardInterrupt
        self.pressed = True
