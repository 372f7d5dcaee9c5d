"""Progress output of many runs: a live line on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from glassnet.callbacks import monitor
from glassnet.formatting import format_count, format_duration, format_number
from glassnet.training.progress import check_verbose, make_live_line, print_line, render_bar

LINE_SECONDS = 10.0
"""Time between plain lines."""


class RunProgress:
    """Progress output of many runs.

    Args:
        who: name of the public function.
        verbose: "auto" or 1 for a live line on a terminal, and a plain line every ten seconds
            elsewhere; 2 for a plain line after every epoch; 0 for no output.
        score_name: name of the score whose best value is shown.

    Raises:
        ConfigError: another `verbose`.
    """

    def __init__(self, who: str, verbose: str | int, score_name: str) -> None:
        check_verbose(who, verbose)
        self.who, self.verbose, self.score_name = who, verbose, score_name
        self.n_runs, self.work, self.done = 0, 0, 0
        self.best = math.nan
        self.last_shown_at = time.perf_counter()
        self._live: Any = None
        self._first: tuple[int, float] | None = None

    @contextmanager
    def track(self, n_runs: int, work: int) -> Iterator[None]:
        """Show the progress of the block: `n_runs` runs of together `work` steps."""
        self.n_runs, self.work = n_runs, work
        self.last_shown_at = time.perf_counter()
        if self.verbose in ("auto", 1) and sys.stdout.isatty():
            self._live = make_live_line()
            self._live.start()
        try:
            yield
        finally:
            if self._live:
                self._live.stop()

    def log(self, text: str) -> None:
        """Print a line, unless `verbose` is 0 or there is nothing to print."""
        print_line(self._live, text, is_silent=not self.verbose)

    def advance(self, n_steps: int) -> None:
        """Count steps that have been trained, and update the line if it is due."""
        self.done += n_steps
        now = time.perf_counter()
        if self._first is None:
            self._first = self.done, now
        if self._live and now - self.last_shown_at > 0.1:
            self._show(now)

    def end_epoch(self, logs: Sequence[Mapping[str, float]]) -> None:
        """Note the best of the latest scores of runs, and print a line if it is due."""
        for each in logs:
            value = each.get(f"val_{self.score_name}", math.nan)
            best = None if math.isnan(self.best) else self.best
            if monitor.is_better(self.score_name, "auto", 0.0, value, best):
                self.best = value
        now = time.perf_counter()
        is_due = self.verbose in ("auto", 1) and now - self.last_shown_at > LINE_SECONDS
        if not self._live and (self.verbose == 2 or is_due):
            self._show(now)

    def _show(self, now: float) -> None:
        self.last_shown_at = now
        bar = render_bar(int(1000 * self.done / max(self.work, 1)), 1000)
        best = f"  best {self.score_name} {format_number(self.best)}"
        best = "" if math.isnan(self.best) else best
        runs = format_count(self.n_runs, "run")
        text = f"{self.who}  {runs}  {bar}{best}{self._format_time_left(now)}"
        if self._live:
            self._live.update(text, refresh=True)
        else:
            print(text, flush=True)

    def _format_time_left(self, now: float) -> str:
        """Return the time left at the speed since the first steps, which were compiled."""
        if self._first is None or self.done <= self._first[0]:
            return ""
        done, started_at = self._first
        seconds = (now - started_at) * (self.work - self.done) / (self.done - done)
        return f"  {format_duration(max(seconds, 0.0))} left"
