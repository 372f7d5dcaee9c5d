"""A progress bar on the terminal for views that take longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

QUIET_SECONDS = 1.0
"""Nothing is shown until the work has lasted this long."""


@contextmanager
def show_progress(who: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, erased at the end, and nothing elsewhere.

    Args:
        who: what is computed, such as "loss_landscape".
        total: number of items.

    Yields:
        A function that counts items that are done.

    Example:
        >>> with show_progress("loss_curve", 3) as advance:
        ...     for _ in range(3):
        ...         advance(1)
    """
    bar: Any = None
    n_done, start = 0, time.perf_counter()

    def advance(n: int) -> None:
        nonlocal bar, n_done
        n_done += n
        if bar is None and sys.stdout.isatty() and time.perf_counter() - start > QUIET_SECONDS:
            bar = _make_bar()
            bar.start()
            bar.add_task(who, total=total)
        if bar is not None:
            bar.update(bar.task_ids[0], completed=n_done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _make_bar() -> Any:
    from rich.progress import Progress

    return Progress(transient=True)
