"""Functions that JAX compiles, and the memory maps that their programs use.

Linux allows a process 65,530 memory maps by default, and a compiled program uses about twenty. A
process that trains some hundred different networks would be killed. Therefore all programs are
dropped when the process has used half of its maps. Those that are still needed are compiled again.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import jax

from glassnet.engine.compilation_cache import LOOKUP, is_called_by_glassnet
from glassnet.forked_process import require_jax_threads

F = TypeVar("F", bound=Callable[..., Any])

MAPS = Path("/proc/self/maps")
MAX_MAPS = Path("/proc/sys/vm/max_map_count")

COMPILE_EVENT = "/jax/core/compile/backend_compile_duration"
"""The event that JAX records after it has compiled a program or read it from its cache."""

MAPS_PER_PROGRAM = 256
"""The number of maps that a large program may use; a small one uses about twenty."""

MAX_USED_FRACTION = 0.5
"""The fraction of the allowed maps from which on programs are dropped."""


class MapLimit:
    """Watch over the memory maps of this process; the counting itself is rare.

    Attributes:
        until_count: number of compilations before the maps are counted again.
        n_compiled: number of compilations since programs were dropped.
    """

    def __init__(self, maps: Path = MAPS, max_maps: Path = MAX_MAPS) -> None:
        self.until_count, self.n_compiled = 1, 0
        self._maps, self._max_maps = maps, max_maps
        self._functions: list[Any] = []
        self._lock = threading.Lock()

    def add(self, jitted: Any) -> None:
        """Add a function whose programs may be dropped."""
        self._functions.append(jitted)

    def record_compilation(self, event: str, duration_secs: float, **_: str | int) -> None:
        """Receive an event from JAX."""
        if event == COMPILE_EVENT:
            self.until_count -= 1
            self.n_compiled += 1

    def drop_programs(self) -> None:
        """Count the maps, and drop all programs if the process has used half of them.

        If glassnet's own programs are not enough, all of JAX's are dropped.
        """
        if not self._lock.acquire(blocking=False):
            return  # Another thread is doing it.
        try:
            limit, count = self._read()
            if count > MAX_USED_FRACTION * limit:
                self._clear()
                _, count = self._read()
                if count > MAX_USED_FRACTION * limit:
                    jax.clear_caches()  # type: ignore[no-untyped-call]
                    _, count = self._read()
            self.until_count = max(1, int(limit - count) // 2 // MAPS_PER_PROGRAM)
        finally:
            self._lock.release()

    def limit_programs(self, most: int) -> None:
        """Drop all programs if more than `most` were compiled since they were dropped last.

        A process that trains many networks for hours would keep 10 MB for each.
        """
        if self.n_compiled > most and self._lock.acquire(blocking=False):
            try:
                self._clear()
            finally:
                self._lock.release()

    def _clear(self) -> None:
        for jitted in self._functions:
            jitted.clear_cache()
        self.n_compiled = 0

    def _read(self) -> tuple[float, int]:
        """Return the number of maps that are allowed and that exist; inf and 0 if unknown."""
        try:
            with self._maps.open("rb") as file:
                count = sum(1 for _ in file)
            return int(self._max_maps.read_text()), count
        except (OSError, ValueError):
            return MAPS_PER_PROGRAM * 2.0**31, 0


map_limit = MapLimit()


def compiled(*static_argnums: int) -> Callable[[F], F]:
    """Return a decorator that compiles a function with JAX.

    Args:
        static_argnums: positions of the arguments that a program is compiled for.
    """

    def decorate(function: F) -> F:
        jitted = jax.jit(function, static_argnums=static_argnums)
        map_limit.add(jitted)

        @functools.wraps(function)
        def call(*args: Any) -> Any:
            require_jax_threads()
            if map_limit.until_count <= 0:
                map_limit.drop_programs()
            return jitted(*args)

        return cast(F, call)

    return decorate


def refuse_in_forked_process(event: str, **_: str | int) -> None:
    """Receive an event from JAX: refuse operations outside of compiled functions, too."""
    if event == LOOKUP and is_called_by_glassnet():
        require_jax_threads()


jax.monitoring.register_event_listener(refuse_in_forked_process)
jax.monitoring.register_event_duration_secs_listener(map_limit.record_compilation)
