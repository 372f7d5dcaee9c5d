"""Progress output of a fit: a live line on a terminal, plain lines elsewhere; and Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

from glassnet.doctor.findings import Findings
from glassnet.engine.inference import find_real_rows
from glassnet.engine.loop import Record
from glassnet.errors import ConfigError, message
from glassnet.formatting import format_duration, format_logs
from glassnet.processes import exchange

MAX_LINES = 20
"""Approximate maximum number of plain lines per run."""

QUIET_SECONDS = 1.0
"""`evaluate` and `predict` show nothing until they have lasted this long."""

BAR_WIDTH = 20

_PRINTS_FINDINGS = ContextVar("_PRINTS_FINDINGS", default=True)


@contextmanager
def leave_findings_to_caller() -> Iterator[None]:
    """Context manager in which `fit` prints no finding, because the caller prints them all."""
    token = _PRINTS_FINDINGS.set(False)
    try:
        yield
    finally:
        _PRINTS_FINDINGS.reset(token)


def make_live_line() -> Any:
    """Return a line on the terminal that is replaced by each update, and erased at the end."""
    from rich.console import Console
    from rich.live import Live

    return Live(console=Console(), auto_refresh=False, transient=True)


def check_verbose(who: str, verbose: str | int | bool) -> None:
    """Refuse a value of `verbose` that has no meaning.

    Raises:
        ConfigError: another value than "auto", 0, 1 and 2.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ConfigError(message(who, 'verbose to be "auto", 0, 1 or 2', verbose=verbose))


def render_bar(done: int, total: int) -> str:
    """Return a bar of fixed width."""
    return f"{'━' * (BAR_WIDTH * done // total):<{BAR_WIDTH}}"


def print_line(live: Any, text: str, *, is_silent: bool) -> None:
    """Print a permanent line, above the live one if there is one.

    Args:
        live: what `make_live_line` returned, or None.
        text: the line; "" for none.
        is_silent: whether nothing is printed without a live line.
    """
    if not text:
        return
    if live:
        live.console.print(text, markup=False, highlight=False, soft_wrap=True)
    elif not is_silent:
        print(text, flush=True)


class Progress:
    """Progress output of a fit.

    Args:
        verbose: "auto" or 1 for a live line on a terminal and about twenty plain lines elsewhere, 2
            for one plain line per epoch, 0 for no output. Of several processes, the first prints.
        epochs: number of epochs to run.

    Raises:
        ConfigError: another `verbose`.
    """

    def __init__(self, verbose: str | int | bool, epochs: int):
        check_verbose("fit", verbose)
        verbose = verbose if exchange.is_first() else 0
        self.epochs, self.epochs_done, self.epochs_before = epochs, 0, 0
        self.started_at, self.last_shown_at = time.perf_counter(), 0.0
        self.log_every = 1 if verbose == 2 else max(1, -(-epochs // MAX_LINES))
        self.silent = not verbose
        self._live: Any = None
        if verbose in ("auto", 1) and sys.stdout.isatty():
            self._live = make_live_line()

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
        print_line(self._live, text, is_silent=self.silent)

    def log_findings(self, findings: Findings) -> None:
        """Print the first alarm and its remedy, if there is one."""
        if _PRINTS_FINDINGS.get():
            self.log(findings.headline())

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
        epochs = self.epochs - self.epochs_before
        epochs_done = self.epochs_done - self.epochs_before + steps_done / steps
        fraction = min(epochs_done / epochs, 1.0)
        left = format_duration((time.perf_counter() - self.started_at) * (1 / fraction - 1))
        bar = render_bar(steps_done, steps)
        self._update_line(f"{epoch}  {bar}  step {steps_done}/{steps}  {text}  {left} left")

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


class InferenceProgress:
    """Progress output of `evaluate` and `predict`.

    Args:
        who: name of the method.
        verbose: "auto" for a live line on a terminal if the work lasts longer than a second, 1 for
            a live line at once and a last line, 2 for a last line, 0 for no output.

    Raises:
        ConfigError: another `verbose`.
    """

    def __init__(self, who: str, verbose: str | int | bool):
        check_verbose(who, verbose)
        verbose = verbose if exchange.is_first() else 0
        self.who, self.verbose, self.rows_done = who, verbose, 0
        self.n_rows: int | None = None
        self.started_at = time.perf_counter()
        self.next_at = self.started_at + (QUIET_SECONDS if verbose == "auto" else 0.0)
        self._live: Any = None

    def __enter__(self) -> InferenceProgress:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._live:
            self._live.stop()

    def track(
        self, blocks: Iterable[tuple[Any, Any]], n_rows: int | None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the blocks, each (data, mask of real rows), and count their rows."""
        self.n_rows = n_rows
        for data, mask in blocks:
            yield data, mask
            self.advance(int(find_real_rows(mask).sum()))

    def advance(self, rows: int) -> None:
        """Count rows that have been computed, and update the live line if it is due."""
        self.rows_done += rows
        now = time.perf_counter()
        if now < self.next_at or self.verbose not in ("auto", 1) or not sys.stdout.isatty():
            return
        self.next_at = now + 0.1
        if self._live is None:
            self._live = make_live_line()
            self._live.start()
        self._live.update(self._render(now - self.started_at), refresh=True)

    def _render(self, seconds: float) -> str:
        if not self.n_rows:
            return f"{self.who}  {self.rows_done:,} rows  {format_duration(seconds)}"
        left = format_duration(seconds * (self.n_rows / self.rows_done - 1))
        bar, rows = render_bar(self.rows_done, self.n_rows), f"{self.rows_done:,}/{self.n_rows:,}"
        return f"{self.who}  {bar}  {rows} rows  {left} left"

    def finish(self, logs: Mapping[str, float] | None = None) -> None:
        """Print the last line, unless `verbose` is "auto" or 0."""
        if self._live:
            self._live.stop()
        if self.verbose not in ("auto", 0):
            duration = format_duration(time.perf_counter() - self.started_at)
            text = f"{format_logs(logs, aligned=True)}  " if logs else ""
            print(f"{self.who}  {self.rows_done:,} rows  {text}{duration}", flush=True)


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
